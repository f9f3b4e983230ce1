/*
 * tally.c - see tally.h; adding pairs and adding tallies
 *
 * Theory of operation: everything is a count, a sum, a maximum, a bucket or a
 * set, so that two tallies can be added and their order doesn't matter. What
 * is shown besides, rates and quantiles and what is noise, is computed from
 * those where it is written (tally_json.c).
 *
 * What isn't additive: repeats of a request are found among the requests of one
 * run, and where a table is full it depends on the order who has a place.
 */
#include "compare/tally_state.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/proposal.h"
#include "compare/slices.h"

/* The same on every tap: distinct requests are merged by these. */
static const struct hash_key request_key = { 0x7368616477746170, 0x72657175657374 };

static void target_free(struct target_tally *g)
{
	struct counted *tables[] = { &g->errors,   &g->not_comparable, &g->confusion, &g->labels,
				     &g->statuses, &g->paths,          &g->ignored };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		counted_deinit(tables[i]);
	for (size_t i = 0; i < DIMENSIONS; i++)
		counted_deinit(&g->slices[i]);
	examples_deinit(&g->examples);
	free(g->repeats.table);
	free(g);
}

struct target_tally *tally_target_add(struct tally *t, struct span name, bool is_control)
{
	struct hash_key hash = hash_key_random(); /* those who send requests choose paths and labels */
	struct target_tally *g;
	char text[NAME_TEXT];

	example_text(text, sizeof(text), name);
	for (size_t i = 0; i < t->target_count; i++)
		if (strcmp(t->target[i]->name, text) == 0)
			return t->target[i];
	g = t->target_count < TALLY_TARGETS_MAX ? calloc(1, sizeof(*g)) : NULL;
	if (!g)
		return NULL;
	memcpy(g->name, text, sizeof(text));
	g->is_control = is_control;
	counted_init(&g->errors, TALLY_REASONS_MAX, hash);
	counted_init(&g->not_comparable, TALLY_REASONS_MAX, hash);
	counted_init(&g->confusion, TALLY_CONFUSIONS_MAX, hash);
	counted_init(&g->labels, TALLY_LABELS_MAX, hash);
	counted_init(&g->statuses, TALLY_STATUSES_MAX, hash);
	counted_init(&g->paths, TALLY_PATHS_MAX, hash);
	counted_init(&g->ignored, TALLY_IGNORED_MAX, hash);
	for (size_t i = 0; i < DIMENSIONS; i++)
		counted_init(&g->slices[i], TALLY_SLICES_MAX, hash);
	t->target[t->target_count++] = g;
	return g;
}

size_t tally_dimension(struct tally *t, struct span name)
{
	char text[NAME_TEXT];

	example_text(text, sizeof(text), name);
	for (size_t i = 0; i < t->dimension_count; i++)
		if (strcmp(t->dimension[i], text) == 0)
			return i;
	if (t->dimension_count == DIMENSIONS)
		return DIMENSIONS;
	memcpy(t->dimension[t->dimension_count], text, sizeof(text));
	return t->dimension_count++;
}

struct tally *tally_empty(void)
{
	struct tally *t = calloc(1, sizeof(*t));

	if (t) {
		tally_dimension(t, SPAN_LITERAL("path"));
		tally_dimension(t, SPAN_LITERAL("model"));
	}
	return t;
}

struct tally *tally_new(const struct tally_options *options)
{
	struct tally *t = tally_empty();

	if (!t)
		return NULL;
	t->show_bodies = options->show_bodies;
	for (size_t i = 0; i < options->target_count; i++)
		if (!tally_target_add(t, span_str(options->targets[i].name), options->targets[i].is_control))
			goto fail;
	for (size_t i = 0; i < options->slice_header_count; i++) {
		struct buffer name = { 0 };

		buffer_add_str(&name, "header:");
		buffer_add_str(&name, options->slice_headers[i]);
		tally_dimension(t, buffer_span(&name));
		buffer_deinit(&name);
	}
	return t;
fail:
	tally_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->target_count; i++)
		target_free(t->target[i]);
	free(t);
}

const struct target_tally *control_of(const struct tally *t)
{
	for (size_t i = 0; i < t->target_count; i++)
		if (t->target[i]->is_control)
			return t->target[i];
	return NULL;
}

uint64_t target_pairs(const struct target_tally *g)
{
	uint64_t pairs = 0;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		pairs += g->verdict[v];
	return pairs;
}

uint64_t target_compared(const struct target_tally *g)
{
	uint64_t compared = 0;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		compared += comparison_is_compared(v) ? g->verdict[v] : 0;
	return compared;
}

struct rate target_mismatch(const struct target_tally *g, bool has_control)
{
	uint64_t wrong = 0, excused = has_control ? 0 : g->generated.different;

	for (enum comparison_verdict v = 0; v < COMPARISON_COUNT; v++)
		wrong += comparison_is_mismatch(v) ? g->verdict[v] : 0;
	return rate_of(wrong > excused ? wrong - excused : 0, target_compared(g));
}

double latency_quantile(const struct histogram *h, uint64_t timeouts, double q)
{
	uint64_t rank = (uint64_t)(q * ((double)h->count + (double)timeouts));

	if (h->count == 0 || (timeouts > 0 && rank >= h->count))
		return NAN;
	return (double)histogram_at(h, rank);
}

static double brief_quantile(const struct histogram *h, uint64_t timeouts, double q)
{
	double us = latency_quantile(h, timeouts, q);

	return isnan(us) && h->count + timeouts > 0 ? INFINITY : us;
}

struct tally_brief tally_brief(const struct tally *t, size_t target)
{
	const struct target_tally *g = t->target[target];
	const struct histogram *p = &g->side[PRODUCTION].total, *s = &g->side[SHADOW].total;
	bool has_control = control_of(t) != NULL;

	return (struct tally_brief){
		.mismatch = target_mismatch(g, has_control),
		.generated_apart = has_control ? 0 : g->generated.different,
		.production = { brief_quantile(p, 0, 0.5), brief_quantile(p, 0, 0.99) },
		.target = { brief_quantile(s, g->timeouts, 0.5), brief_quantile(s, g->timeouts, 0.99) },
	};
}

/* -- scores ---------------------------------------------------------------------------- */

static size_t power_bin(double beyond) /* 0: up to 1; 1: up to 2; 2: up to 4 */
{
	int power = beyond > 1 ? (int)ceil(log2(beyond)) : 0;

	return (size_t)(power > SCORE_POWERS ? SCORE_POWERS : power);
}

size_t score_bin(double score)
{
	if (score < 0)
		return SCORE_LINEAR + SCORE_POWERS + 1 + power_bin(fmin(-score, 0x1p30));
	if (score > 1)
		return SCORE_LINEAR + power_bin(fmin(score, 0x1p30)) - 1;
	return score < 1 ? (size_t)(score * SCORE_LINEAR) : SCORE_LINEAR - 1;
}

int64_t score_bin_number(size_t bin)
{
	if (bin <= SCORE_LINEAR + SCORE_POWERS)
		return (int64_t)bin;
	return -(int64_t)(bin - SCORE_LINEAR - SCORE_POWERS);
}

size_t score_bin_of_number(double number)
{
	if (!(number >= -(SCORE_POWERS + 1) && number <= SCORE_LINEAR + SCORE_POWERS) || number != floor(number))
		return SCORE_BINS;
	return number >= 0 ? (size_t)number : SCORE_LINEAR + SCORE_POWERS + (size_t)-number;
}

/* -- one pair -------------------------------------------------------------------------- */

static bool count_one(struct counted *table, struct span first, struct span second, int number, uint64_t by)
{
	struct counted_key key = { .len = 0 };
	struct counted_row *row;

	counted_key_add(&key, first);
	if (second.at)
		counted_key_add(&key, second);
	row = counted_row(table, &key);
	if (row)
		row->n[number] += by;
	return row != NULL;
}

/* Reasons are static words of ours, a dozen of them; what a full table can't hold is "other" in its last
 * place. */
static void count_reason(struct counted *table, const char *reason, uint64_t by)
{
	if (table->count + 1 < table->cap || counted_find(table, reason, strlen(reason) + 1))
		count_one(table, span_str(reason), span_of(NULL, 0), 0, by);
	else
		count_one(table, span_str("other"), span_of(NULL, 0), 0, by);
}

static const char *failure(enum outcome_kind kind)
{
	static const char *const names[] = {
#define X(id, group, name, reason) [OUTCOME_##id] = reason,
		OUTCOMES(X)
#undef X
	};

	return names[kind];
}

static void add_verdict(struct target_tally *g, const struct pair *pair, const struct comparison *c)
{
	g->verdict[c->verdict]++;
	if (c->verdict == COMPARISON_ERROR) {
		count_reason(&g->errors, c->reason ? c->reason : failure(pair->outcome->kind), 1);
		return;
	}
	if (c->verdict == COMPARISON_NOT_COMPARABLE) {
		count_reason(&g->not_comparable, c->reason ? c->reason : "unknown", 1);
		return;
	}
	g->kind[c->kind]++;
	g->same_bytes += c->same_bytes;
	g->ignored_alone += c->verdict == COMPARISON_CLOSE && c->reason && strcmp(c->reason, REASON_IGNORED) == 0;
	g->generated.reply[c->reply]++;
	if (c->generated) {
		g->generated.pairs++;
		g->generated.same_text += c->common_prefix == c->production_len && c->common_prefix == c->shadow_len;
		g->generated.different += c->verdict == COMPARISON_VALUE;
		g->generated.common_prefix += c->common_prefix;
		g->generated.text += c->production_len > c->shadow_len ? c->production_len : c->shadow_len;
	}
}

static bool is_bad(int status_code)
{
	return status_code == 0 || status_code >= 400;
}

static void add_status(struct target_tally *g, const struct pair *pair)
{
	int production = pair->production ? pair->production->status_code : 0, shadow = pair->outcome->status_code;
	char text[SIDES][16];

	if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT || pair->outcome->kind == OUTCOME_FAILED_STALE)
		return; /* it is not known what the shadow would have said */
	snprintf(text[PRODUCTION], sizeof(text[0]), "%d", production);
	snprintf(text[SHADOW], sizeof(text[0]), "%d", shadow);
	if (!count_one(&g->statuses, span_str(text[PRODUCTION]), span_str(text[SHADOW]), 0, 1))
		g->status_overflow++;
	if (production == 0) /* not seen: it says nothing about the difference */
		return;
	if (is_bad(production))
		*(is_bad(shadow) ? &g->bad.both : &g->bad.production) += 1;
	else
		*(is_bad(shadow) ? &g->bad.shadow : &g->bad.neither) += 1;
}

static void add_time(struct histogram *h, int64_t us)
{
	if (us >= 0)
		histogram_add(h, (uint64_t)us);
}

/*
 * Both distributions are over the same requests: those that the shadow answered
 * or let time out. A timeout has no latency but a place: above all that have.
 */
static void add_latency(struct target_tally *g, const struct pair *pair)
{
	const struct response *p = pair->production, *s = pair->shadow;
	bool timeout = pair->outcome->kind == OUTCOME_FAILED_TIMEOUT;

	g->timeouts += timeout;
	if (p && (s || timeout)) {
		add_time(&g->side[PRODUCTION].first_byte, p->first_byte_us);
		add_time(&g->side[PRODUCTION].total, p->last_byte_us);
	}
	if (!s)
		return;
	add_time(&g->side[SHADOW].first_byte, s->first_byte_us);
	add_time(&g->side[SHADOW].total, s->last_byte_us);
	if (!p || p->last_byte_us < 0 || s->last_byte_us < 0)
		return;
	if (s->last_byte_us >= p->last_byte_us)
		histogram_add(&g->above, (uint64_t)(s->last_byte_us - p->last_byte_us));
	else
		histogram_add(&g->below, (uint64_t)(p->last_byte_us - s->last_byte_us));
}

static void add_stream(struct side_tally *side, const struct stream_facts *f)
{
	side->streams++;
	side->events += f->events;
	side->tokens += f->tokens;
	add_time(&side->first_token, f->first_token_us);
	for (size_t i = 0; i < f->gap_count; i++)
		add_time(&side->gap, f->gaps_us[i]);
}

static void add_label(struct target_tally *g, const char *label, int number)
{
	if (!count_one(&g->labels, span_str(label), span_of(NULL, 0), number, 1))
		g->side[number == LABEL_SHADOW ? SHADOW : PRODUCTION].label_overflow++;
}

static void add_score(struct side_tally *side, double score)
{
	if (!isnan(score)) /* NaN: the response had labels and no scores */
		side->score[score_bin(score)]++;
}

static void add_decisions(struct target_tally *g, const struct findings *f)
{
	uint64_t disagree = f->decisions_total - f->decisions_agree, left_out = f->decisions_total - f->decision_count;

	g->decisions += f->decisions_total;
	g->decisions_agree += f->decisions_agree;
	g->decisions_otherwise += f->decisions_otherwise;
	for (int s = 0; s < SIDES; s++)
		g->side[s].label_overflow += left_out;
	for (size_t i = 0; i < f->decision_count; i++) {
		const struct model_decision *d = &f->decisions[i];

		add_label(g, d->production, LABEL_PRODUCTION);
		add_label(g, d->shadow, LABEL_SHADOW);
		add_score(&g->side[PRODUCTION], d->production_score);
		add_score(&g->side[SHADOW], d->shadow_score);
		if (d->agrees || disagree == 0)
			continue;
		disagree -= count_one(&g->confusion, span_str(d->production), span_str(d->shadow), 0, 1);
	}
	g->confusion_overflow += disagree;
}

static void keep_max(double *max, double value)
{
	if (value > *max)
		*max = value;
}

/* What a rule leaves out is kept apart from what differs: by path and rule. */
static void add_ignored(struct target_tally *g, const struct finding *d, bool again)
{
	struct counted_key key = { .len = 0 };
	struct counted_row *row;

	counted_key_add(&key, span_str(d->pattern));
	counted_key_add(&key, span_str(d->rule ? d->rule : ""));
	row = counted_row(&g->ignored, &key);
	if (!row) {
		g->ignored_overflow += d->count;
		return;
	}
	row->n[PATH_PAIRS] += !again;
	row->n[PATH_DIFFERENCES] += d->count;
}

static bool is_named_before(const struct findings *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->at[k].kind == f->at[i].kind && strcmp(f->at[k].pattern, f->at[i].pattern) == 0)
			return true;
	return false;
}

static void add_path(struct target_tally *g, const struct finding *d, bool again)
{
	struct counted_key key = { .len = 0 };
	struct counted_row *row;

	counted_key_add(&key, span_str(difference_name(d->kind)));
	counted_key_add(&key, span_str(d->pattern));
	row = counted_row(&g->paths, &key);
	if (!row) {
		g->path_overflow += d->count;
		return;
	}
	row->n[PATH_PAIRS] += !again;
	row->n[PATH_DIFFERENCES] += d->count;
	row->n[PATH_NUMBERS] += d->numbers;
	row->n[PATH_RELATIVES] += d->relatives;
	row->n[PATH_NAMES] += !again && proposal_is_name(d);
	keep_max(&row->max[PATH_MAX_ABS], d->max_abs);
	keep_max(&row->max[PATH_MAX_REL], d->max_rel);
}

/* Findings come one a path and kind, but a pattern may have several: a pair counts once. */
static void add_paths(struct target_tally *g, const struct findings *f)
{
	g->numbers += f->numbers;
	keep_max(&g->max_abs, f->max_abs);
	keep_max(&g->max_rel, f->max_rel);
	g->path_overflow += f->overflow;
	for (size_t i = 0; i < f->count; i++) {
		bool again = is_named_before(f, i);

		if (f->at[i].kind == DIFFERENCE_IGNORED)
			add_ignored(g, &f->at[i], again);
		else
			add_path(g, &f->at[i], again);
	}
	g->ignored_pairs += f->ignored > 0;
}

static void add_slices(struct tally *t, struct target_tally *g, const struct pair *pair, const struct comparison *c)
{
	for (size_t i = 0; i < t->dimension_count; i++) {
		struct counted_key key = { .len = 0 };
		struct counted_row *row;

		counted_key_add(&key, slice_value(&pair->request->head, span_str(t->dimension[i])));
		row = counted_row(&g->slices[i], &key);
		if (!row) {
			g->slice_overflow++;
			continue;
		}
		row->n[SLICE_PAIRS]++;
		row->n[SLICE_ERRORS] += c->verdict == COMPARISON_ERROR;
		row->n[SLICE_COMPARED] += comparison_is_compared(c->verdict);
		row->n[SLICE_MISMATCH] += comparison_is_mismatch(c->verdict);
		row->n[SLICE_GENERATED] += c->generated && c->verdict == COMPARISON_VALUE;
		row->n[SLICE_DECISIONS] += c->findings.decisions_total;
		row->n[SLICE_AGREE] += c->findings.decisions_agree;
	}
}

/* -- the same request again ------------------------------------------------------------ */

static uint64_t request_hash(const struct message *m)
{
	uint64_t parts[3] = { hash_bytes(&request_key, m->head.target.at, m->head.target.len), m->body_len, 0 };

	if (m->body)
		parts[2] = hash_bytes(&request_key, m->body, (size_t)m->body_len);
	else if (m->has_sha256)
		parts[2] = hash_bytes(&request_key, m->body_sha256, sizeof(m->body_sha256));
	return hash_bytes(&request_key, parts, sizeof(parts));
}

static uint64_t response_hash(const struct response *r)
{
	uint64_t parts[2] = { hash_bytes(&request_key, r->body, (size_t)r->body_len), (uint64_t)r->status_code };

	return hash_bytes(&request_key, parts, sizeof(parts));
}

static uint64_t hash_more(uint64_t hash, const char *text)
{
	uint64_t parts[2] = { hash, hash_bytes(&request_key, text, strlen(text)) };

	return hash_bytes(&request_key, parts, sizeof(parts));
}

/**
 * fingerprint_of() - what counts of one side of a pair: what it decided, and what it says where the two differ
 *
 * A response that holds an id or the time never has the same bytes twice. What
 * rules ignore, or what is close, is in no finding that is looked at here. Not
 * known (0) where bodies were not compared.
 */
static uint64_t fingerprint_of(const struct comparison *c, enum side side)
{
	const struct findings *f = &c->findings;
	uint64_t hash = 1;

	if (c->verdict < COMPARISON_SCHEMA || c->verdict == COMPARISON_NOT_COMPARABLE)
		return 0;
	for (size_t i = 0; i < f->decision_count; i++)
		hash = hash_more(hash, side == PRODUCTION ? f->decisions[i].production : f->decisions[i].shadow);
	for (size_t i = 0; i < f->count; i++) {
		if (f->at[i].kind >= DIFFERENCE_CLOSE) /* or ignored */
			continue;
		hash = hash_more(hash, f->at[i].path);
		hash = hash_more(hash, side == PRODUCTION ? f->at[i].production : f->at[i].shadow);
	}
	return hash ? hash : 1;
}

static struct repeat *repeat_slot(struct target_tally *g, uint64_t request)
{
	const size_t slots = 2 * TALLY_REPEATS_MAX;
	size_t at = (size_t)request % slots;

	if (!g->repeats.table)
		g->repeats.table = calloc(slots, sizeof(*g->repeats.table));
	if (!g->repeats.table)
		return NULL;
	while (g->repeats.table[at].request != 0 && g->repeats.table[at].request != request)
		at = (at + 1) % slots;
	return &g->repeats.table[at];
}

/* Responses are hashed only for requests that have a place, so a long run of new ones costs nothing here. */
static void add_repeat(struct target_tally *g, const struct pair *pair, const struct comparison *c, uint64_t request)
{
	struct repeat *r, now = { .request = request };
	bool same[SIDES];

	if (!pair->production || pair->production->result != RESPONSE_WHOLE || !pair->shadow ||
	    pair->shadow->result != RESPONSE_WHOLE)
		return;
	r = repeat_slot(g, request);
	if (!r || (r->request == 0 && g->repeats.count == TALLY_REPEATS_MAX)) {
		g->repeats.forgotten++;
		return;
	}
	for (enum side side = 0; side < SIDES; side++) {
		now.side[side].bytes = response_hash(side == PRODUCTION ? pair->production : pair->shadow);
		now.side[side].fingerprint = fingerprint_of(c, side);
	}
	if (r->request == 0) {
		*r = now;
		g->repeats.count++;
		return;
	}
	for (enum side side = 0; side < SIDES; side++) {
		same[side] = now.side[side].bytes == r->side[side].bytes;
		if (!same[side] && (now.side[side].fingerprint == 0 || r->side[side].fingerprint == 0)) {
			g->repeats.forgotten++; /* other bytes, and it is not known whether it matters */
			return;
		}
		same[side] = same[side] || now.side[side].fingerprint == r->side[side].fingerprint;
	}
	g->repeats.requests++;
	g->repeats.same_production += same[PRODUCTION];
	g->repeats.same_shadow += same[SHADOW];
}

/* -- examples -------------------------------------------------------------------------- */

/* How grave is it, among those of its verdict? */
static double severity_of(const struct comparison *c)
{
	const struct findings *f = &c->findings;
	double longer = (double)(c->production_len > c->shadow_len ? c->production_len : c->shadow_len);
	double n = 0;

	if (c->verdict == COMPARISON_DECISION && f->decisions_total > 0)
		return (double)(f->decisions_total - f->decisions_agree);
	if (c->generated && c->verdict == COMPARISON_VALUE && longer > 0)
		return 1 - (double)c->common_prefix / longer;
	if (c->verdict == COMPARISON_VALUE || c->verdict == COMPARISON_CLOSE)
		return isfinite(f->max_rel) && f->max_rel > 0 ? f->max_rel : f->max_rel > 0 ? 1e308 : 0;
	for (size_t i = 0; i < f->count; i++)
		n += (double)f->at[i].count;
	return n;
}

/* @values: what the two said there, too: perhaps what a person wrote */
static void example_differences(struct example *x, const struct findings *f, bool values)
{
	x->more = f->overflow;
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *d = &f->at[i];
		struct example_difference *e = &x->difference[x->difference_count];

		if (x->difference_count == EXAMPLE_DIFFERENCES) {
			x->more += d->count;
			continue;
		}
		x->difference_count++;
		x->more += d->count > 0 ? d->count - 1 : 0;
		e->kind = d->kind;
		example_text(e->path, sizeof(e->path), span_str(d->path ? d->path : d->pattern));
		if (!values)
			continue;
		example_text(e->production, sizeof(e->production), span_str(d->production));
		example_text(e->shadow, sizeof(e->shadow), span_str(d->shadow));
	}
}

static void example_bodies(struct example *x, const struct pair *pair)
{
	const struct message *m = pair->request;
	const struct response *p = pair->production, *s = pair->shadow;

	if (m->body)
		x->body[EXAMPLE_REQUEST] = example_body(span_of(m->body, (size_t)m->body_len));
	if (p && p->body)
		x->body[EXAMPLE_PRODUCTION] = example_body(span_of(p->body, (size_t)p->body_len));
	if (s && s->body)
		x->body[EXAMPLE_SHADOW] = example_body(span_of(s->body, (size_t)s->body_len));
}

static void add_example(struct target_tally *g, const struct pair *pair, const struct comparison *c, bool bodies)
{
	const struct message *m = pair->request;
	double severity = severity_of(c);
	struct example *x;

	if (!examples_want(&g->examples, c->verdict, severity, m->origin.id))
		return;
	x = calloc(1, sizeof(*x));
	if (!x) /* an example less */
		return;
	x->verdict = c->verdict;
	x->id = m->origin.id;
	x->severity = severity;
	time_text(m->origin.ts_last, x->ts);
	if (c->reason)
		example_text(x->reason, sizeof(x->reason), span_str(c->reason));
	example_text(x->request_path, sizeof(x->request_path), slice_value(&m->head, SPAN_LITERAL("path")));
	x->status[PRODUCTION] = pair->production ? pair->production->status_code : 0;
	x->status[SHADOW] = pair->outcome->status_code;
	x->us[PRODUCTION] = pair->production ? pair->production->last_byte_us : -1;
	x->us[SHADOW] = pair->shadow ? pair->shadow->last_byte_us : -1;
	example_differences(x, &c->findings, bodies);
	if (bodies)
		example_bodies(x, pair);
	examples_put(&g->examples, x);
}

void tally_add(struct tally *t, size_t target, const struct pair *pair, const struct comparison *c)
{
	struct target_tally *g = t->target[target];
	uint64_t request = request_hash(pair->request);

	add_verdict(g, pair, c);
	add_status(g, pair);
	add_latency(g, pair);
	if (c->kind == BODY_EVENTS && pair->production && pair->shadow) {
		add_stream(&g->side[PRODUCTION], &c->production_stream);
		add_stream(&g->side[SHADOW], &c->shadow_stream);
	}
	add_decisions(g, &c->findings);
	add_paths(g, &c->findings);
	add_slices(t, g, pair, c);
	distinct_add(&g->requests, request);
	add_repeat(g, pair, c, request ? request : 1);
	add_example(g, pair, c, t->show_bodies);
}

/* -- two tallies ----------------------------------------------------------------------- */

static void merge_table(struct counted *into, const struct counted *from, uint64_t *overflow)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(into, from, lost);
	*overflow += lost[0];
}

static void merge_reasons(struct counted *into, const struct counted *from)
{
	for (size_t i = 0; i < from->count; i++)
		count_reason(into, counted_first(&from->rows[i]), from->rows[i].n[0]);
}

static void merge_side(struct side_tally *into, const struct side_tally *from)
{
	histogram_merge(&into->first_byte, &from->first_byte);
	histogram_merge(&into->total, &from->total);
	histogram_merge(&into->first_token, &from->first_token);
	histogram_merge(&into->gap, &from->gap);
	into->streams += from->streams;
	into->events += from->events;
	into->tokens += from->tokens;
	for (size_t i = 0; i < SCORE_BINS; i++)
		into->score[i] += from->score[i];
	into->label_overflow += from->label_overflow;
}

static void merge_labels(struct target_tally *into, const struct target_tally *from)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(&into->labels, &from->labels, lost);
	into->side[PRODUCTION].label_overflow += lost[LABEL_PRODUCTION];
	into->side[SHADOW].label_overflow += lost[LABEL_SHADOW];
}

static void merge_paths(struct target_tally *into, const struct target_tally *from)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	counted_merge(&into->paths, &from->paths, lost);
	into->path_overflow += from->path_overflow + lost[PATH_DIFFERENCES];
	lost[PATH_DIFFERENCES] = 0;
	counted_merge(&into->ignored, &from->ignored, lost);
	into->ignored_overflow += from->ignored_overflow + lost[PATH_DIFFERENCES];
	into->ignored_pairs += from->ignored_pairs;
	into->ignored_alone += from->ignored_alone;
	into->same_bytes += from->same_bytes;
}

static void merge_counts(struct target_tally *into, const struct target_tally *from)
{
	for (int v = 0; v < COMPARISON_COUNT; v++)
		into->verdict[v] += from->verdict[v];
	for (int k = 0; k < BODY_KIND_COUNT; k++)
		into->kind[k] += from->kind[k];
	into->generated.pairs += from->generated.pairs;
	into->generated.same_text += from->generated.same_text;
	into->generated.different += from->generated.different;
	into->generated.common_prefix += from->generated.common_prefix;
	into->generated.text += from->generated.text;
	for (int r = 0; r < REPLY_DIFFERENCE_COUNT; r++)
		into->generated.reply[r] += from->generated.reply[r];
	into->bad.both += from->bad.both;
	into->bad.production += from->bad.production;
	into->bad.shadow += from->bad.shadow;
	into->bad.neither += from->bad.neither;
	into->decisions += from->decisions;
	into->decisions_agree += from->decisions_agree;
	into->decisions_otherwise += from->decisions_otherwise;
	into->timeouts += from->timeouts;
	into->numbers += from->numbers;
	keep_max(&into->max_abs, from->max_abs);
	keep_max(&into->max_rel, from->max_rel);
	into->repeats.requests += from->repeats.requests;
	into->repeats.same_production += from->repeats.same_production;
	into->repeats.same_shadow += from->repeats.same_shadow;
	into->repeats.forgotten += from->repeats.forgotten;
}

static int merge_target(struct target_tally *into, const struct target_tally *from)
{
	merge_counts(into, from);
	merge_reasons(&into->errors, &from->errors);
	merge_reasons(&into->not_comparable, &from->not_comparable);
	into->confusion_overflow += from->confusion_overflow;
	into->status_overflow += from->status_overflow;
	into->slice_overflow += from->slice_overflow;
	merge_table(&into->confusion, &from->confusion, &into->confusion_overflow);
	merge_table(&into->statuses, &from->statuses, &into->status_overflow);
	merge_labels(into, from);
	merge_paths(into, from);
	distinct_merge(&into->requests, &from->requests);
	for (int s = 0; s < SIDES; s++)
		merge_side(&into->side[s], &from->side[s]);
	histogram_merge(&into->above, &from->above);
	histogram_merge(&into->below, &from->below);
	return examples_merge(&into->examples, &from->examples);
}

static void merge_slices(struct tally *into, struct target_tally *g, const struct tally *from,
			 const struct target_tally *other)
{
	for (size_t i = 0; i < from->dimension_count; i++) {
		size_t mine = tally_dimension(into, span_str(from->dimension[i]));

		if (mine < DIMENSIONS)
			merge_table(&g->slices[mine], &other->slices[i], &g->slice_overflow);
		else
			for (size_t k = 0; k < other->slices[i].count; k++)
				g->slice_overflow += other->slices[i].rows[k].n[SLICE_PAIRS];
	}
}

int tally_merge(struct tally *into, const struct tally *from)
{
	int err;

	for (size_t i = 0; i < from->target_count; i++) {
		const struct target_tally *other = from->target[i];
		struct target_tally *g = tally_target_add(into, span_str(other->name), other->is_control);

		if (!g)
			return into->target_count == TALLY_TARGETS_MAX ? -ENOSPC : -ENOMEM;
		err = merge_target(g, other);
		if (err < 0)
			return err;
		merge_slices(into, g, from, other);
	}
	return 0;
}
