/* goodput.c - see goodput.h */
#include "compare/goodput.h"

#include <math.h>
#include <string.h>

#include "compare/outputs/figures.h"

void goodput_add(struct goodput *g, enum slo_met production, enum slo_met shadow)
{
	if (production == SLO_UNKNOWN || shadow == SLO_UNKNOWN)
		g->unknown++;
	else if (production == SLO_MET)
		*(shadow == SLO_MET ? &g->both : &g->production) += 1;
	else
		*(shadow == SLO_MET ? &g->shadow : &g->neither) += 1;
}

void goodput_merge(struct goodput *into, const struct goodput *from)
{
	if (from->slo[0] && !into->slo[0])
		memcpy(into->slo, from->slo, sizeof(into->slo));
	into->is_mixed |= from->is_mixed || (from->slo[0] && strcmp(from->slo, into->slo) != 0);
	into->both += from->both;
	into->production += from->production;
	into->shadow += from->shadow;
	into->neither += from->neither;
	into->unknown += from->unknown;
}

static uint64_t known(const struct goodput *g)
{
	return g->both + g->production + g->shadow + g->neither;
}

static void rate_json(struct json *j, const char *name, const struct rate *r)
{
	json_key(j, name);
	json_open(j, '{');
	json_count(j, "count", r->count);
	json_count(j, "of", r->of);
	figure_double(j, "rate", r->value);
	figure_double(j, "low", r->interval.low);
	figure_double(j, "high", r->interval.high);
	json_close(j, '}');
}

void goodput_json(const struct goodput *g, enum looks looks, struct json *j)
{
	struct rate production = looks_rate(looks, g->both + g->production, known(g), 1);
	struct rate shadow = looks_rate(looks, g->both + g->shadow, known(g), 1);
	double delta = shadow.value - production.value;
	struct interval i = looks_paired(looks, g->both, g->production, g->shadow, g->neither, TAILS_95);

	json_key(j, "goodput");
	if (!g->slo[0] || g->is_mixed) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_key(j, "slo");
	json_str(j, g->slo);
	rate_json(j, "production", &production);
	rate_json(j, "shadow", &shadow);
	json_count(j, "both", g->both);
	json_count(j, "unknown", g->unknown);
	json_key(j, "delta");
	json_open(j, '{');
	figure_double(j, "value", delta);
	figure_double(j, "low", i.low);
	figure_double(j, "high", i.high);
	json_close(j, '}');
	json_close(j, '}');
}

void goodput_text(const struct goodput *g, enum looks looks, const char *note, struct buffer *out)
{
	uint64_t of = known(g);
	struct interval i = looks_paired(looks, g->both, g->production, g->shadow, g->neither, TAILS_95);
	double delta = ((double)g->shadow - (double)g->production) / (double)of;

	if (!g->slo[0] || g->is_mixed)
		return;
	buffer_add_str(out, "  goodput    ");
	if (of > 0)
		buffer_printf(out, "%.2f%% of %llu, production's %.2f%%; apart by %+.2f%%, between %+.2f%% and %+.2f%% %s",
			      100 * (double)(g->both + g->shadow) / (double)of, (unsigned long long)of,
			      100 * (double)(g->both + g->production) / (double)of, 100 * delta, 100 * i.low, 100 * i.high,
			      looks_words(looks));
	else
		buffer_printf(out, "not known: of %llu responses the times that --slo asks for are not there",
			      (unsigned long long)g->unknown);
	buffer_printf(out, "%s\n", note);
}

/** read_text() - what was written as --slo */
static void read_text(struct figure_reader *r, uint32_t node, char out[SLO_TEXT])
{
	uint32_t at = figure_member(r, node, "slo", JSON_STRING);
	struct buffer text = { 0 };

	if (at) {
		json_doc_unescape(r->d, at, &text);
		if (text.len > 0 && text.len < SLO_TEXT && !memchr(text.bytes, 0, text.len))
			memcpy(out, text.bytes, text.len);
		else
			r->wrong = "goodput.slo";
	}
	buffer_deinit(&text);
}

const char *goodput_read(struct goodput *g, const struct json_doc *d, uint32_t node)
{
	struct figure_reader r = { d, NULL };
	uint32_t production = figure_member(&r, node, "production", JSON_OBJECT),
		 shadow = figure_member(&r, node, "shadow", JSON_OBJECT);
	uint64_t good_production = figure_count(&r, production, "count"), good_shadow = figure_count(&r, shadow, "count");
	uint64_t of = figure_count(&r, shadow, "of"), both = figure_count(&r, node, "both");
	struct goodput read = { .both = both, .unknown = figure_count(&r, node, "unknown") };

	read_text(&r, node, read.slo);
	if (!r.wrong && (both > good_production || both > good_shadow || good_production + good_shadow - both > of))
		r.wrong = "goodput";
	if (r.wrong)
		return r.wrong;
	read.production = good_production - both;
	read.shadow = good_shadow - both;
	read.neither = of - (good_production + good_shadow - both);
	goodput_merge(g, &read);
	return NULL;
}
