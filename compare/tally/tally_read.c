/*
 * tally_read.c - the data of a report's comparison, as a tally again
 *
 * A report may come from another version, from another hand or from an enemy.
 * What is missing counts as nothing; what is there and cannot be what its name
 * says is an error, told by name, since a merge that guesses is worse than
 * none. Counts above 2^53 are refused: no run reaches them, JSON numbers do
 * not hold them, and so sums of many reports cannot wrap around. What is
 * derived is not read.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/shown.h"
#include "compare/tally/tally_state.h"
#include "message/grpc.h"

#define COUNT_MAX (UINT64_C(1) << 53)

struct reader {
	const struct json_doc *d;
	struct buffer *error;
	const char *target; /* whose numbers are being read */
	struct buffer scratch;
	bool failed;
};

static void fail(struct reader *r, const char *member, const char *not_what)
{
	if (!r->failed) {
		buffer_printf(r->error, "the comparison in it is damaged: \"%s\" of target \"", member);
		shown_add(r->error, span_str(r->target)); /* as the file has it */
		buffer_printf(r->error, "\" is not %s", not_what);
	}
	r->failed = true;
}

/* Of node 0, which stands for an object that is missing, nothing is there: it would be the whole report's. */
static uint32_t member(const struct reader *r, uint32_t node, const char *name)
{
	uint32_t at = node ? json_doc_member(r->d, node, span_str(name)) : 0;

	return at && r->d->nodes[at].type != JSON_NULL ? at : 0;
}

static uint32_t member_of_type(struct reader *r, uint32_t node, const char *name, enum json_type type)
{
	uint32_t at = member(r, node, name);

	if (at && r->d->nodes[at].type != type) {
		fail(r, name, type == JSON_OBJECT ? "an object" : "a list");
		return 0;
	}
	return at;
}

static uint32_t object(struct reader *r, uint32_t node, const char *name)
{
	return member_of_type(r, node, name, JSON_OBJECT);
}

static uint32_t list(struct reader *r, uint32_t node, const char *name)
{
	return member_of_type(r, node, name, JSON_ARRAY);
}

/* for each element @at of the array @list, which may be 0: none */
#define EACH(r, at, list)                                                                                    \
	for (uint32_t at = (list) + 1, end_ = (list) ? (r)->d->nodes[list].next : 0; at < end_ && !(r)->failed; \
	     at = (r)->d->nodes[at].next)

static uint64_t count_at(struct reader *r, uint32_t at, const char *name)
{
	uint64_t n = 0;

	if (at && (!json_doc_uint(r->d, at, &n) || n > COUNT_MAX)) {
		fail(r, name, "a count");
		return 0;
	}
	return n;
}

static uint64_t count(struct reader *r, uint32_t node, const char *name)
{
	return count_at(r, member(r, node, name), name);
}

/* @unknown: what null stands for */
static double real(struct reader *r, uint32_t node, const char *name, double unknown)
{
	uint32_t at = node ? json_doc_member(r->d, node, span_str(name)) : 0;

	if (!at)
		return 0;
	if (r->d->nodes[at].type == JSON_NULL)
		return unknown;
	if (r->d->nodes[at].type != JSON_NUMBER || isnan(json_doc_double(r->d, at))) {
		fail(r, name, "a number");
		return 0;
	}
	return json_doc_double(r->d, at);
}

/* Borrowed until the next call. */
static struct span text_at(struct reader *r, uint32_t at, const char *name)
{
	if (at && r->d->nodes[at].type != JSON_STRING)
		fail(r, name, "a text");
	if (!at || r->failed)
		return span_of("", 0);
	buffer_clear(&r->scratch);
	json_doc_unescape(r->d, at, &r->scratch);
	return buffer_span(&r->scratch);
}

static struct span text(struct reader *r, uint32_t node, const char *name)
{
	return text_at(r, member(r, node, name), name);
}

/* -- tables ---------------------------------------------------------------------------- */

static void read_reasons(struct reader *r, uint32_t node, const char *name, struct counted *table)
{
	uint32_t at = object(r, node, name);

	for (uint32_t key = at + 1; at && key < r->d->nodes[at].next && !r->failed; key = r->d->nodes[key + 1].next) {
		struct counted_key reason = { .len = 0 };
		struct counted_row *row;

		counted_key_add(&reason, text_at(r, key, name));
		row = counted_row(table, &reason);
		if (row)
			row->n[0] += count_at(r, key + 1, name);
	}
}

/* A row of a table, keyed by one or two texts; NULL, with its number lost to @overflow, if there is no place. */
static struct counted_row *row_of(struct reader *r, struct counted *table, uint32_t at, const char *first,
				  const char *second)
{
	struct counted_key key = { .len = 0 };

	counted_key_add(&key, text(r, at, first));
	if (second)
		counted_key_add(&key, text(r, at, second));
	return r->failed ? NULL : counted_row(table, &key);
}

static void read_confusion(struct reader *r, uint32_t node, struct target_tally *g)
{
	g->confusion_overflow = count(r, node, "confusion_overflow");
	EACH(r, at, list(r, node, "confusion")) {
		uint64_t n = count(r, at, "count");
		struct counted_row *row = row_of(r, &g->confusion, at, "production", "shadow");

		*(row ? &row->n[0] : &g->confusion_overflow) += n;
	}
}

static void read_labels(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t overflow = object(r, node, "labels_overflow");

	g->side[PRODUCTION].label_overflow = count(r, overflow, "production");
	g->side[SHADOW].label_overflow = count(r, overflow, "shadow");
	EACH(r, at, list(r, node, "labels")) {
		uint64_t production = count(r, at, "production"), shadow = count(r, at, "shadow");
		struct counted_row *row = row_of(r, &g->labels, at, "label", NULL);

		*(row ? &row->n[LABEL_PRODUCTION] : &g->side[PRODUCTION].label_overflow) += production;
		*(row ? &row->n[LABEL_SHADOW] : &g->side[SHADOW].label_overflow) += shadow;
	}
}

static void read_scores(struct reader *r, uint32_t node, const char *name, uint64_t *score)
{
	EACH(r, at, list(r, node, name)) {
		size_t bin = SCORE_BINS;

		if (r->d->nodes[at].type == JSON_ARRAY && r->d->nodes[at].count == 2)
			bin = score_bin_of_number(json_doc_double(r->d, at + 1));
		if (bin < SCORE_BINS)
			score[bin] += count_at(r, r->d->nodes[at + 1].next, "scores");
		else
			fail(r, "scores", "a list of bins and counts");
	}
}

static void read_decision(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t scores = object(r, node, "scores");

	g->decisions = count(r, node, "count");
	g->decisions_agree = count(r, node, "agree");
	g->decisions_otherwise = count(r, node, "agree_otherwise");
	if (g->decisions_agree > g->decisions || g->decisions_otherwise > g->decisions_agree)
		fail(r, "decision.agree", "at most decision.count");
	read_confusion(r, node, g);
	read_labels(r, node, g);
	read_scores(r, scores, "production", g->side[PRODUCTION].score);
	read_scores(r, scores, "shadow", g->side[SHADOW].score);
}

/** read_status_name() - a number, or the name of a status of gRPC */
static void read_status_name(struct reader *r, uint32_t node, const char *name, struct counted_key *key)
{
	uint32_t at = member(r, node, name);
	enum grpc_status call = GRPC_UNKNOWN;
	char code[STATUS_TEXT];

	if (at && r->d->nodes[at].type == JSON_STRING) {
		if (!grpc_status_named(text_at(r, at, name), &call))
			fail(r, name, "a status");
		snprintf(code, sizeof(code), "%s", grpc_status_name(call));
	} else {
		snprintf(code, sizeof(code), "%llu", (unsigned long long)count_at(r, at, name));
	}
	counted_key_add(key, span_str(code));
}

static void read_statuses(struct reader *r, uint32_t node, struct target_tally *g)
{
	g->status_overflow = count(r, node, "status_overflow");
	EACH(r, at, list(r, node, "status_matrix")) {
		struct counted_key key = { .len = 0 };
		struct counted_row *row;

		read_status_name(r, at, "production", &key);
		read_status_name(r, at, "shadow", &key);
		row = counted_row(&g->statuses, &key);
		*(row ? &row->n[0] : &g->status_overflow) += count(r, at, "count");
	}
}

static void read_paths(struct reader *r, uint32_t node, struct target_tally *g)
{
	g->path_overflow = count(r, node, "paths_overflow");
	EACH(r, at, list(r, node, "paths")) {
		uint64_t pairs = count(r, at, "pairs"), differences = count(r, at, "differences");
		struct counted_row *row = row_of(r, &g->paths, at, "kind", "path");

		if (!row) {
			g->path_overflow += differences;
			continue;
		}
		row->n[PATH_PAIRS] += pairs;
		row->n[PATH_DIFFERENCES] += differences;
		row->n[PATH_NUMBERS] += count(r, at, "numbers");
		row->n[PATH_RELATIVES] += count(r, at, "relatives");
		row->n[PATH_NAMES] += count(r, at, "names");
		row->max[PATH_MAX_ABS] = fmax(row->max[PATH_MAX_ABS], real(r, at, "max_abs", INFINITY));
		row->max[PATH_MAX_REL] = fmax(row->max[PATH_MAX_REL], real(r, at, "max_rel", INFINITY));
	}
}

static void read_ignored(struct reader *r, uint32_t node, struct target_tally *g)
{
	g->ignored_pairs = count(r, node, "pairs");
	g->ignored_alone = count(r, node, "alone");
	g->ignored_overflow = count(r, node, "paths_overflow");
	if (g->ignored_alone > g->ignored_pairs || g->ignored_pairs > target_compared(g))
		fail(r, "ignored", "made of counts that fit together");
	EACH(r, at, list(r, node, "paths")) {
		uint64_t pairs = count(r, at, "pairs"), differences = count(r, at, "differences");
		struct counted_row *row = row_of(r, &g->ignored, at, "path", "rule");

		if (!row) {
			g->ignored_overflow += differences;
			continue;
		}
		row->n[PATH_PAIRS] += pairs;
		row->n[PATH_DIFFERENCES] += differences;
	}
}

static void read_slices(struct reader *r, uint32_t node, struct tally *t, struct target_tally *g, bool has_control)
{
	g->slice_overflow = count(r, node, "slices_overflow");
	EACH(r, at, list(r, node, "slices")) {
		size_t dimension = tally_dimension(t, text(r, at, "by"));
		uint64_t pairs = count(r, at, "pairs"), different = count(r, at, "generated_different");
		struct counted_row *row =
			dimension < DIMENSIONS ? row_of(r, &g->slices[dimension], at, "value", NULL) : NULL;

		if (!row) {
			g->slice_overflow += pairs;
			continue;
		}
		row->n[SLICE_PAIRS] += pairs;
		row->n[SLICE_COMPARED] += count(r, at, "compared");
		row->n[SLICE_MISMATCH] += count(r, at, "mismatch") + (has_control ? 0 : different);
		row->n[SLICE_GENERATED] += different;
		row->n[SLICE_ERRORS] += count(r, at, "errors");
		row->n[SLICE_DECISIONS] += count(r, at, "decisions");
		row->n[SLICE_AGREE] += count(r, at, "agree");
		if (row->n[SLICE_MISMATCH] < row->n[SLICE_GENERATED])
			fail(r, "slices.generated_different", "at most slices.mismatch");
	}
}

/* -- numbers --------------------------------------------------------------------------- */

static void read_verdicts(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t verdicts = object(r, node, "verdicts"), kinds = object(r, node, "kinds");
	uint32_t generated = object(r, node, "generated"), decisions = object(r, generated, "decisions");

	for (int v = 0; v < COMPARISON_COUNT; v++)
		g->verdict[v] = count(r, verdicts, comparison_name((enum comparison_verdict)v));
	for (int k = 0; k < BODY_KIND_COUNT; k++)
		g->kind[k] = count(r, kinds, body_kind_name((enum body_kind)k));
	read_reasons(r, node, "errors", &g->errors);
	read_reasons(r, node, "not_comparable", &g->not_comparable);
	g->generated.pairs = count(r, generated, "pairs");
	g->generated.same_text = count(r, generated, "same_text");
	g->generated.different = count(r, generated, "different");
	g->generated.common_prefix = count(r, generated, "common_prefix_bytes");
	g->generated.edits = count(r, generated, "edits");
	g->generated.edits_of = count(r, generated, "edits_of_bytes");
	g->generated.text = count(r, generated, "text_bytes");
	for (int i = REPLY_ALIKE + 1; i < REPLY_DIFFERENCE_COUNT; i++)
		g->generated.reply[i] = count(r, decisions, reply_difference_name((enum reply_difference)i));
	g->same_bytes = count(r, node, "same_bytes");
}

static void read_error_rate(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t error_rate = object(r, node, "error_rate");
	uint32_t production = object(r, error_rate, "production"), shadow = object(r, error_rate, "shadow");
	uint64_t both = count(r, error_rate, "both"), of = count(r, shadow, "of");
	uint64_t bad_production = count(r, production, "count"), bad_shadow = count(r, shadow, "count");

	if (both > bad_production || both > bad_shadow || bad_production + bad_shadow - both > of) {
		fail(r, "error_rate", "made of counts that fit together");
		return;
	}
	g->bad.both = both;
	g->bad.production = bad_production - both;
	g->bad.shadow = bad_shadow - both;
	g->bad.neither = of - (bad_production + bad_shadow - both);
}

static void read_buckets(struct reader *r, uint32_t node, const char *name, struct histogram *h)
{
	uint32_t at = list(r, node, name);

	if (at && (!histogram_buckets_read(h, r->d, at) || h->count > COUNT_MAX))
		fail(r, name, "a list of buckets and counts");
}

static void read_histogram(struct reader *r, uint32_t node, const char *name, struct histogram *h)
{
	uint32_t at = object(r, node, name);

	read_buckets(r, at, "buckets", h);
	h->max = count(r, at, "max");
	h->sum = count(r, at, "sum");
}

static void read_latency(struct reader *r, uint32_t node, struct target_tally *g)
{
	static const char *const names[SIDES] = { "production", "shadow" };
	uint32_t latency = object(r, node, "latency_us"), streams = object(r, node, "streams");
	uint32_t difference = object(r, latency, "difference");

	for (int s = 0; s < SIDES; s++) {
		uint32_t times = object(r, latency, names[s]), stream = object(r, streams, names[s]);

		read_histogram(r, times, "first_byte", &g->side[s].first_byte);
		read_histogram(r, times, "total", &g->side[s].total);
		read_histogram(r, stream, "first_token", &g->side[s].first_token);
		read_histogram(r, stream, "second_token", &g->side[s].second_token);
		read_histogram(r, stream, "gap", &g->side[s].gap);
		read_histogram(r, object(r, stream, "tokens_per_second"), "thousandths", &g->side[s].speed);
		g->side[s].streams = count(r, stream, "count");
		g->side[s].events = count(r, stream, "events");
		g->side[s].tokens = count(r, stream, "tokens");
	}
	read_buckets(r, difference, "buckets_above", &g->above);
	g->above.max = count(r, difference, "max_above");
	g->above.sum = count(r, difference, "sum_above");
	read_buckets(r, difference, "buckets_below", &g->below);
	g->below.max = count(r, difference, "max_below");
	g->below.sum = count(r, difference, "sum_below");
	g->timeouts = count(r, latency, "timeouts");
}

static bool hex_value(struct span text, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

static void read_witnesses(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t first = object(r, node, "first_pairs"), witnesses = object(r, node, "witnesses");
	uint32_t buckets = object(r, witnesses, "buckets");

	if (first && !first_pairs_read(&g->first, r->d, first))
		fail(r, "first_pairs", "a sample of requests");
	if (buckets && !witnesses_read(&g->witnesses, r->d, buckets))
		fail(r, "witnesses.buckets", "made of lists of buckets and counts");
}

static void read_over_time(struct reader *r, uint32_t node, struct target_tally *g, bool has_control)
{
	uint32_t at = object(r, node, "over_time");

	if (at && !over_time_read(&g->over_time, has_control, r->d, at))
		fail(r, "over_time", "made of bins that fit together");
}

/* -- examples -------------------------------------------------------------------------- */

static int index_of(struct span name, const char *(*name_of)(int), int count_of)
{
	for (int i = 0; i < count_of; i++)
		if (span_equal(name, span_str(name_of(i))))
			return i;
	return -1;
}

static const char *verdict_at(int v)
{
	return comparison_name((enum comparison_verdict)v);
}

static const char *kind_at(int k)
{
	return difference_name((enum difference_kind)k);
}

static void read_differences(struct reader *r, uint32_t node, struct example *x)
{
	x->more = count(r, node, "differences_more");
	EACH(r, at, list(r, node, "differences")) {
		struct example_difference *d = &x->difference[x->difference_count];
		int kind = index_of(text(r, at, "kind"), kind_at, DIFFERENCE_COUNT);

		if (kind < 0 || x->difference_count == EXAMPLE_DIFFERENCES) {
			x->more++;
			continue;
		}
		x->difference_count++;
		d->kind = (enum difference_kind)kind;
		example_text(d->path, sizeof(d->path), text(r, at, "path"));
		example_text(d->production, sizeof(d->production), text(r, at, "production"));
		example_text(d->shadow, sizeof(d->shadow), text(r, at, "shadow"));
	}
}

static int64_t time_of(struct reader *r, uint32_t node, const char *name)
{
	return member(r, node, name) ? (int64_t)count(r, node, name) : -1;
}

static void read_status(struct reader *r, uint32_t node, struct example *x)
{
	uint32_t status = list(r, node, "status");

	if (!status || r->d->nodes[status].count != SIDES)
		return;
	for (int s = 0; s < SIDES; s++) {
		uint32_t at = s == PRODUCTION ? status + 1 : r->d->nodes[status + 1].next;
		uint64_t code = r->d->nodes[at].type == JSON_NULL ? 0 : count_at(r, at, "examples.status");

		x->status[s] = code < 1000 ? (int)code : 0;
	}
}

static void read_texts(struct reader *r, uint32_t node, struct example_texts *t)
{
	if (!node)
		return;
	t->same = count(r, node, "same");
	t->same_words = count(r, node, "same_words");
	t->len[PRODUCTION] = count(r, node, "production_len");
	t->len[SHADOW] = count(r, node, "shadow_len");
	t->from = count(r, node, "from");
	t->said[PRODUCTION] = example_said(text(r, node, "production"));
	t->said[SHADOW] = example_said(text(r, node, "shadow"));
	if (t->from > t->same || t->same > t->len[PRODUCTION] || t->same > t->len[SHADOW])
		fail(r, "examples.texts", "made of lengths that fit together");
}

static struct example *read_example(struct reader *r, uint32_t node)
{
	static const char *const bodies[] = { "request_body", "production_body", "shadow_body" };
	int verdict = index_of(text(r, node, "verdict"), verdict_at, COMPARISON_COUNT);
	struct span id = text(r, node, "id");
	struct example *x;
	uint64_t hash;

	if (r->failed || verdict < 0 || verdict == COMPARISON_EQUAL || !hex_value(id, &hash))
		return NULL; /* an example less */
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->verdict = (enum comparison_verdict)verdict;
	x->id = hash;
	x->severity = fmin(real(r, node, "severity", 0), 1e308);
	example_text(x->ts, sizeof(x->ts), text(r, node, "ts"));
	example_text(x->reason, sizeof(x->reason), text(r, node, "reason"));
	example_text(x->request_path, sizeof(x->request_path), text(r, node, "request_path"));
	read_status(r, node, x);
	x->us[PRODUCTION] = time_of(r, node, "production_us");
	x->us[SHADOW] = time_of(r, node, "shadow_us");
	read_differences(r, node, x);
	for (int b = 0; b < EXAMPLE_BODIES; b++)
		if (member(r, node, bodies[b]))
			x->body[b] = example_body(text(r, node, bodies[b]));
	read_texts(r, object(r, node, "texts"), &x->texts);
	return x;
}

static void read_examples(struct reader *r, uint32_t node, struct target_tally *g)
{
	EACH(r, at, list(r, node, "examples")) {
		struct example *x = read_example(r, at);

		if (x)
			examples_put(&g->examples, x);
	}
}

/* -- features -------------------------------------------------------------------------- */

static void read_features(struct reader *r, uint32_t node, struct target_tally *g)
{
	uint32_t features = object(r, node, "features");
	int err = features ? contrast_read(r->d, features, &g->contrast) : 0;

	if (err)
		fail(r, "features", err == -ENOMEM ? "read: out of memory" : "made of counts that fit together");
}

/* -- the whole ------------------------------------------------------------------------- */

static void read_outputs(struct reader *r, uint32_t node, struct target_tally *g)
{
	const char *wrong = outputs_read(&g->outputs, r->d, object(r, node, "outputs"));

	if (!wrong)
		wrong = goodput_read(&g->goodput, r->d, object(r, node, "goodput"));
	if (wrong)
		fail(r, wrong, "what a report writes there");
}

static void read_target(struct reader *r, uint32_t node, struct tally *t, struct target_tally *g, bool has_control)
{
	uint32_t numbers = object(r, node, "numbers"), repeats = object(r, node, "repeats");
	const char *damaged;

	g->looks = span_equal(text(r, node, "looks"), SPAN_LITERAL("anytime")) ? LOOKS_ANYTIME : LOOKS_ONCE;
	read_verdicts(r, node, g);
	read_witnesses(r, node, g);
	read_error_rate(r, node, g);
	read_decision(r, object(r, node, "decision"), g);
	read_outputs(r, node, g);
	read_statuses(r, node, g);
	read_latency(r, node, g);
	g->numbers = count(r, numbers, "compared");
	g->max_abs = real(r, numbers, "max_abs", INFINITY);
	g->max_rel = real(r, numbers, "max_rel", INFINITY);
	read_paths(r, node, g);
	read_ignored(r, object(r, node, "ignored"), g);
	read_slices(r, node, t, g, has_control);
	read_over_time(r, node, g, has_control);
	read_examples(r, node, g);
	read_features(r, node, g);
	damaged = noise_read(&g->noise, r->d, object(r, node, "noise"));
	if (damaged)
		fail(r, damaged, "made of counts that fit together");
	g->repeats.requests = count(r, repeats, "requests");
	g->repeats.same_production = count(r, repeats, "same_production");
	g->repeats.same_shadow = count(r, repeats, "same_shadow");
	g->repeats.forgotten = count(r, repeats, "forgotten");
	if (g->repeats.same_production > g->repeats.requests || g->repeats.same_shadow > g->repeats.requests)
		fail(r, "repeats", "made of counts that fit together");
}

static bool is_control(struct reader *r, uint32_t node)
{
	return span_equal(text(r, node, "role"), SPAN_LITERAL("control"));
}

/* Names and roles first: what a slice's mismatches mean depends on whether there is a control. */
static void read_names(struct reader *r, uint32_t targets, struct tally *t)
{
	for (uint32_t key = targets + 1; key < r->d->nodes[targets].next && !r->failed;
	     key = r->d->nodes[key + 1].next) {
		bool control = is_control(r, key + 1);
		size_t before = t->target_count;

		if (!tally_target_add(t, text_at(r, key, "targets"), control))
			fail(r, "targets", before == TALLY_TARGETS_MAX ? "a list of at most 17" : "read: out of memory");
		else if (t->target_count == before)
			fail(r, "targets", "free of doubles");
	}
}

struct tally *tally_read(const struct json_doc *d, uint32_t node, struct buffer *error)
{
	struct reader r = { .d = d, .error = error, .target = "" };
	uint32_t targets = json_doc_member(d, node, SPAN_LITERAL("targets"));
	struct tally *t = tally_empty();
	size_t i = 0;

	if (!t || !targets || d->nodes[targets].type != JSON_OBJECT) {
		buffer_add_str(error, t ? "there is no comparison of targets in it" : "out of memory");
		tally_free(t);
		return NULL;
	}
	read_names(&r, targets, t);
	for (uint32_t key = targets + 1; key < d->nodes[targets].next && !r.failed; key = d->nodes[key + 1].next) {
		r.target = t->target[i]->name;
		read_target(&r, key + 1, t, t->target[i], control_of(t) != NULL);
		i++;
	}
	buffer_deinit(&r.scratch);
	if (r.failed) {
		tally_free(t);
		return NULL;
	}
	return t;
}
