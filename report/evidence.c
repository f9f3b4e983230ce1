/* evidence.c - see evidence.h */
#include "report/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX (UINT64_C(1) << 53) /* more no run reaches, nor JSON holds */

/* ---- reading ---- */

static uint32_t node_at(const struct json_doc *d, uint32_t node, const char *path, size_t len)
{
	while (len > 0) {
		size_t part = 0;

		while (part < len && path[part] != '.')
			part++;
		node = json_doc_member(d, node, span_of(path, part));
		if (!node)
			return 0;
		part += part < len;
		path += part;
		len -= part;
	}
	return node;
}

static uint32_t node_named(const struct json_doc *d, uint32_t node, const char *path)
{
	return node_at(d, node, path, strlen(path));
}

static bool is_count(const struct json_doc *d, uint32_t node, uint64_t *out)
{
	return node && d->nodes[node].type == JSON_NUMBER && json_doc_uint(d, node, out) && *out <= COUNT_MAX;
}

static bool count_at(const struct json_doc *d, uint32_t node, const char *path, uint64_t *out)
{
	return is_count(d, node_named(d, node, path), out);
}

/* Node @node, or its member @name; NaN: it is no number. */
static double number_at(const struct json_doc *d, uint32_t node, const char *name)
{
	uint32_t at = node && name ? json_doc_member(d, node, span_str(name)) : node;

	return at && d->nodes[at].type == JSON_NUMBER ? json_doc_double(d, at) : NAN;
}

/* A count, or an object of counts, which are added up. */
static bool sum_at(const struct json_doc *d, uint32_t node, const char *path, uint64_t *out)
{
	uint32_t at = node_named(d, node, path);
	uint64_t n;

	if (!at || d->nodes[at].type != JSON_OBJECT)
		return is_count(d, at, out);
	*out = 0;
	for (uint32_t key = at + 1; key < d->nodes[at].next; key = d->nodes[key + 1].next)
		if (!is_count(d, key + 1, &n) || (*out += n) > COUNT_MAX)
			return false;
	return true;
}

/* An object that has a rate has what it is a rate of, by one of these names. */
static bool share_of_object(const struct json_doc *d, uint32_t object, struct evidence *e)
{
	static const char *const names[][2] = { { "count", "of" }, { "pairs", "of" }, { "agree", "count" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (count_at(d, object, names[i][0], &e->count) && count_at(d, object, names[i][1], &e->of))
			return true;
	return false;
}

/* The name of a rate, or of one of its bounds, beside its counts. */
static bool is_of_rate(const char *path)
{
	const char *last = strrchr(path, '.');

	return last && (strcmp(last, ".rate") == 0 || strcmp(last, ".low") == 0 || strcmp(last, ".high") == 0);
}

/* A difference of two shares of the same requests stands beside them. */
static const char *delta_in(const char *path)
{
	return strstr(path, ".delta.");
}

/* What is left of the mismatches without noise. */
static bool is_of_noise(const char *path)
{
	return strncmp(path, "noise.", 6) == 0;
}

bool evidence_has_interval(const struct gate_value *v)
{
	switch (v->kind) {
	case GATE_COUNT:
		return false;
	case GATE_SHARE:
		return v->over || is_of_rate(v->path) || is_of_noise(v->path);
	case GATE_CHANGE:
		return delta_in(v->path) || is_of_noise(v->path);
	case GATE_TIME:
		return true;
	case GATE_RATIO:
		return strstr(v->path, "_ratio") != NULL;
	}
	return false;
}

/* What intervals of the same shares are made with in the report: of mismatches, verdicts among them, and of decisions. */
static double design_effect(const struct gate_value *v, const struct json_doc *d, uint32_t node)
{
	bool has_effect = strncmp(v->path, "mismatch.", 9) == 0 || strncmp(v->path, "decision.", 9) == 0 ||
			  is_of_noise(v->path) || (v->over && strcmp(v->over, "compared") == 0);
	uint32_t at = has_effect ? node_named(d, node, "witnesses.design_effect") : 0;
	double deff = at && d->nodes[at].type == JSON_NUMBER ? json_doc_double(d, at) : 1;

	return deff > 1 ? deff : 1;
}

static void read_share(const struct gate_value *v, const struct json_doc *d, uint32_t node, struct evidence *e)
{
	const char *last = strrchr(v->path, '.');
	uint32_t object = last ? node_at(d, node, v->path, (size_t)(last - v->path)) : 0;
	bool is_there = v->over ? sum_at(d, node, v->path, &e->count) && sum_at(d, node, v->over, &e->of)
				: object && share_of_object(d, object, e);

	if (!is_there || e->count > e->of) {
		e->of = 0;
		return;
	}
	e->kind = EVIDENCE_SHARE;
	e->deff = design_effect(v, d, node);
	e->value = e->of ? (double)e->count / (double)e->of : NAN;
}

static void read_paired(const struct gate_value *v, const struct json_doc *d, uint32_t node, struct evidence *e)
{
	uint64_t production, shadow;
	uint32_t rates = node_at(d, node, v->path, (size_t)(delta_in(v->path) - v->path));

	if (!rates || !count_at(d, rates, "shadow.of", &e->of) || !count_at(d, rates, "shadow.count", &shadow) ||
	    !count_at(d, rates, "production.count", &production) || !count_at(d, rates, "both", &e->both) ||
	    e->both > shadow || e->both > production || shadow > e->of || production - e->both > e->of - shadow) {
		e->of = 0;
		return;
	}
	e->kind = EVIDENCE_PAIRED;
	e->deff = 1;
	e->only_shadow = shadow - e->both;
	e->only_production = production - e->both;
	e->neither = e->of - shadow - e->only_production;
	e->value = e->of ? ((double)e->only_shadow - (double)e->only_production) / (double)e->of : NAN;
}

/* Of the requests that the control answered, too. Without one there are none, and the value is taken as it is. */
static void read_net(const struct gate_value *v, const struct json_doc *d, uint32_t node, struct evidence *e)
{
	uint32_t paired = node_named(d, node, "noise.paired");

	if (!paired || !count_at(d, paired, "both", &e->both) || !count_at(d, paired, "shadow", &e->only_shadow) ||
	    !count_at(d, paired, "control", &e->only_production) || !count_at(d, paired, "neither", &e->neither) ||
	    __builtin_add_overflow(e->both, e->only_shadow, &e->of) ||
	    __builtin_add_overflow(e->of, e->only_production, &e->of) ||
	    __builtin_add_overflow(e->of, e->neither, &e->of) || e->of == 0) {
		e->of = 0;
		return;
	}
	e->kind = EVIDENCE_PAIRED;
	e->deff = design_effect(v, d, node);
	e->value = ((double)e->only_shadow - (double)e->only_production) / (double)e->of;
}

static struct spread *spread_read(const struct json_doc *d, uint32_t times, const char *above, const char *below, uint64_t timeouts)
{
	struct spread *s = times ? calloc(1, sizeof(*s)) : NULL;
	uint32_t at;

	if (!s)
		return NULL;
	s->timeouts = timeouts;
	s->above.max = s->below.max = UINT64_MAX;
	at = node_named(d, times, above);
	if (!at || !histogram_buckets_read(&s->above, d, at))
		goto fail;
	at = below ? node_named(d, times, below) : 0;
	if (below && (!at || !histogram_buckets_read(&s->below, d, at)))
		goto fail;
	if (s->above.count <= COUNT_MAX && s->below.count <= COUNT_MAX)
		return s;
fail:
	free(s);
	return NULL;
}

static uint64_t spread_count(const struct spread *s)
{
	return s->above.count + s->below.count + s->timeouts;
}

/* "p999" -> 0.999 */
static double quantile_named(const char *name)
{
	char digits[16];

	snprintf(digits, sizeof(digits), "0.%.*s", (int)strspn(name + 1, "0123456789"), name + 1);
	return strtod(digits, NULL);
}

static void read_ratio(const struct gate_value *v, const struct json_doc *d, uint32_t node, struct evidence *e)
{
	uint64_t timeouts = 0;

	if (!count_at(d, node, "latency_us.timeouts", &timeouts))
		return;
	e->spread[0] = spread_read(d, node_named(d, node, "latency_us.shadow.total"), "buckets", NULL, timeouts);
	e->spread[1] = spread_read(d, node_named(d, node, "latency_us.production.total"), "buckets", NULL, 0);
	if (!e->spread[0] || !e->spread[1])
		return;
	e->kind = EVIDENCE_RATIO;
	e->value = number_at(d, node_at(d, node, v->path, (size_t)(strstr(v->path, "_ratio") - v->path) + strlen("_ratio")), NULL);
	e->q = quantile_named(strrchr(v->path, '.') + 1);
	e->of = spread_count(e->spread[0]);
}

/* "latency_us.shadow.total.p99", "latency_us.difference.p99.value" */
static void read_quantile(const struct gate_value *v, const struct json_doc *d, uint32_t node, struct evidence *e)
{
	bool is_difference = strncmp(v->path, "latency_us.difference.", 22) == 0;
	bool has_timeouts = is_difference || strncmp(v->path, "latency_us.shadow.", 18) == 0;
	const char *name = is_difference ? v->path + 21 : strrchr(v->path, '.');
	uint32_t times = node_at(d, node, v->path, (size_t)(name - v->path));
	uint64_t timeouts = 0;

	if (has_timeouts && !count_at(d, node, "latency_us.timeouts", &timeouts))
		return;
	e->spread[0] = spread_read(d, times, is_difference ? "buckets_above" : "buckets", is_difference ? "buckets_below" : NULL, timeouts);
	if (!e->spread[0])
		return;
	e->kind = EVIDENCE_QUANTILE;
	if (is_difference) /* of a bound, what it bounds */
		e->value = number_at(d, node_at(d, node, v->path, (size_t)(strrchr(v->path, '.') - v->path)), "value");
	e->q = quantile_named(name + 1);
	e->of = spread_count(e->spread[0]);
}

void evidence_read(const struct gate_value *v, const struct json_doc *report, uint32_t node, struct evidence *out)
{
	*out = (struct evidence){ .kind = EVIDENCE_VALUE, .value = gate_value_read(v, report, node) };
	if (v->kind == GATE_COUNT)
		out->kind = EVIDENCE_COUNT;
	if (!evidence_has_interval(v))
		return;
	switch (v->kind) {
	case GATE_COUNT:
		break;
	case GATE_SHARE:
	case GATE_CHANGE:
		if (is_of_noise(v->path))
			read_net(v, report, node, out);
		else if (v->kind == GATE_SHARE)
			read_share(v, report, node, out);
		else
			read_paired(v, report, node, out);
		break;
	case GATE_TIME:
		read_quantile(v, report, node, out);
		break;
	case GATE_RATIO:
		read_ratio(v, report, node, out);
		break;
	}
}

void evidence_deinit(struct evidence *e)
{
	free(e->spread[0]);
	free(e->spread[1]);
	e->spread[0] = e->spread[1] = NULL;
}

uint64_t evidence_witnesses(const struct evidence *e)
{
	double count = e->kind == EVIDENCE_SHARE ? floor((double)e->of / e->deff) : (double)e->of;

	return count >= 1 || e->of == 0 ? (uint64_t)count : 1;
}

/* ---- intervals ---- */

static const struct interval nowhere = { -INFINITY, INFINITY };

static uint64_t scaled(uint64_t n, double scale)
{
	return (uint64_t)fmin(scale * (double)n + 0.5, (double)COUNT_MAX);
}

/* The greatest that was measured; what timed out took longer. */
static double greatest(const struct spread *s)
{
	return s->above.count > 0 ? (double)histogram_at(&s->above, s->above.count - 1) : 0;
}

/* The value of @rank, from 1, of as many values as there are; the most negative first, timeouts last. */
static double value_at(const struct spread *s, uint64_t rank)
{
	if (rank <= s->below.count)
		return -(double)histogram_at(&s->below, s->below.count - rank);
	if (rank <= s->below.count + s->above.count)
		return (double)histogram_at(&s->above, rank - s->below.count - 1);
	return INFINITY;
}

static struct interval quantile_interval(const struct spread *s, double q, enum looks looks, struct tails tails, double scale)
{
	uint64_t n = spread_count(s), all = scaled(n, scale), low, high;
	struct ranks r = looks_ranks(looks, all, q, tails);
	struct interval i = nowhere;

	low = (uint64_t)((double)r.low / scale);
	high = (uint64_t)ceil((double)r.high / scale);
	if (r.low > 0)
		i.low = fmin(value_at(s, low > 0 ? low : 1), greatest(s));
	if (r.high > 0)
		i.high = value_at(s, high < n ? high : n);
	return i;
}

/* Each of the two may be wrong half as often, so that their ratio is no oftener. */
static struct interval ratio_interval(const struct evidence *e, enum looks looks, struct tails tails, double scale)
{
	struct tails same = { tails.low / 2, tails.high / 2 }, other = { tails.high / 2, tails.low / 2 };
	struct interval a = quantile_interval(e->spread[0], e->q, looks, same, scale);
	struct interval b = quantile_interval(e->spread[1], e->q, looks, other, scale);
	struct interval i = nowhere;

	if (tails.low > 0 && isfinite(a.low) && isfinite(b.high) && b.high > 0)
		i.low = a.low / b.high;
	if (tails.high > 0 && isfinite(a.high) && isfinite(b.low) && b.low > 0)
		i.high = a.high / b.low;
	return i;
}

struct interval evidence_interval(const struct evidence *e, enum looks looks, struct tails tails, double scale)
{
	struct interval i = nowhere;

	switch (e->kind) {
	case EVIDENCE_VALUE:
	case EVIDENCE_COUNT:
		return nowhere;
	case EVIDENCE_SHARE:
		i = looks_share(looks, scaled(e->count, scale), scaled(e->of, scale), e->deff, tails);
		break;
	case EVIDENCE_PAIRED:
		i = looks_paired(looks, scaled(e->both, scale), scaled(e->only_production, scale), scaled(e->only_shadow, scale),
				 scaled(e->neither, scale), tails);
		i = looks_widened(i, e->value, e->deff);
		break;
	case EVIDENCE_QUANTILE:
		return quantile_interval(e->spread[0], e->q, looks, tails, scale);
	case EVIDENCE_RATIO:
		return ratio_interval(e, looks, tails, scale);
	}
	return (struct interval){ tails.low > 0 && !isnan(i.low) ? i.low : -INFINITY,
				  tails.high > 0 && !isnan(i.high) ? i.high : INFINITY };
}
