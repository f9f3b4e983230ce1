/*
 * tally_json.c - a tally as the report's "targets" of "comparison"
 *
 * Written twice over: the data, from which tally_read() makes the same tally
 * again, and beside them what readers want to see, computed here: shares with
 * their intervals, quantiles, drift, noise. What is not known is null.
 *
 * Noise (noise.h). With a control target, a second copy of production's model, the
 * requests count on which it or the shadow differs alone. Without a control, the share
 * of repeated requests that production itself answered otherwise stands in for the
 * control's rate of every path: no path can be noisier than the whole response is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "compare/outputs/figures.h"
#include "compare/tally/proposal.h"
#include "compare/tally/tally_state.h"

/* struct noise_floor - how much of a difference is no difference */
struct noise_floor {
	const char *source; /* "control", "repeats", "none" */
	const struct target_tally *control;
	struct rate rate;
	double deff; /* of the shadow's pairs */
};

static void number(struct json *j, const char *name, double value)
{
	json_key(j, name);
	json_double(j, value);
}

static void exact(struct json *j, const char *name, double value)
{
	json_key(j, name);
	json_exact(j, value);
}

static void text(struct json *j, const char *name, const char *value)
{
	json_key(j, name);
	json_str(j, value);
}

static void open_member(struct json *j, const char *name, char bracket)
{
	json_key(j, name);
	json_open(j, bracket);
}

static void rate_members(struct json *j, const struct rate *r)
{
	number(j, "rate", r->value);
	number(j, "low", r->interval.low);
	number(j, "high", r->interval.high);
}

void rate_object(struct json *j, const char *name, const struct rate *r)
{
	open_member(j, name, '{');
	json_count(j, "count", r->count);
	json_count(j, "of", r->of);
	rate_members(j, r);
	json_close(j, '}');
}

static void reasons_json(struct json *j, const char *name, const struct counted *table)
{
	const struct counted_row **rows = counted_order(table);

	open_member(j, name, '{');
	for (size_t i = 0; rows && i < table->count; i++)
		json_count(j, counted_first(rows[i]), rows[i]->n[0]);
	json_close(j, '}');
	free(rows);
}

static void verdicts_json(struct json *j, const struct target_tally *g)
{
	json_count(j, "pairs", target_pairs(g));
	json_count(j, "compared", target_compared(g));
	open_member(j, "verdicts", '{');
	for (int v = 0; v < COMPARISON_COUNT; v++)
		json_count(j, comparison_name((enum comparison_verdict)v), g->verdict[v]);
	json_close(j, '}');
	json_count(j, "same_bytes", g->same_bytes);
	reasons_json(j, "errors", &g->errors);
	reasons_json(j, "not_comparable", &g->not_comparable);
	open_member(j, "kinds", '{');
	for (int k = 0; k < BODY_KIND_COUNT; k++)
		if (g->kind[k] > 0)
			json_count(j, body_kind_name((enum body_kind)k), g->kind[k]);
	json_close(j, '}');
}

static void hash_json(struct json *j, uint64_t hash)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(hash >> (56 - 8 * i));
	json_hex(j, bytes, sizeof(bytes));
}

static void generated_json(struct json *j, const struct target_tally *g)
{
	open_member(j, "generated", '{');
	json_count(j, "pairs", g->generated.pairs);
	json_count(j, "same_text", g->generated.same_text);
	json_count(j, "different", g->generated.different);
	json_count(j, "common_prefix_bytes", g->generated.common_prefix);
	json_count(j, "text_bytes", g->generated.text);
	number(j, "common_prefix_share",
	       g->generated.text ? (double)g->generated.common_prefix / (double)g->generated.text : NAN);
	json_count(j, "edits", g->generated.edits);
	json_count(j, "edits_of_bytes", g->generated.edits_of);
	number(j, "edit_share",
	       g->generated.edits_of ? (double)g->generated.edits / (double)g->generated.edits_of : NAN);
	open_member(j, "decisions", '{');
	for (int r = REPLY_ALIKE + 1; r < REPLY_DIFFERENCE_COUNT; r++)
		json_count(j, reply_difference_name((enum reply_difference)r), g->generated.reply[r]);
	json_close(j, '}');
	json_close(j, '}');
}

static void error_rate_json(struct json *j, const struct target_tally *g)
{
	uint64_t of = g->bad.both + g->bad.production + g->bad.shadow + g->bad.neither;
	struct rate production = looks_rate(g->looks, g->bad.both + g->bad.production, of, 1);
	struct rate shadow = looks_rate(g->looks, g->bad.both + g->bad.shadow, of, 1);
	double delta = shadow.value - production.value;
	struct interval i = looks_paired(g->looks, g->bad.both, g->bad.production, g->bad.shadow, g->bad.neither, TAILS_95);

	open_member(j, "error_rate", '{');
	rate_object(j, "production", &production);
	rate_object(j, "shadow", &shadow);
	json_count(j, "both", g->bad.both);
	open_member(j, "delta", '{');
	number(j, "value", delta);
	number(j, "low", i.low);
	number(j, "high", i.high);
	json_close(j, '}');
	json_close(j, '}');
}

/* -- decisions ------------------------------------------------------------------------- */

static void confusion_json(struct json *j, const struct target_tally *g)
{
	const struct counted_row **rows = counted_order(&g->confusion);

	open_member(j, "confusion", '[');
	for (size_t i = 0; rows && i < g->confusion.count; i++) {
		json_open(j, '{');
		text(j, "production", counted_first(rows[i]));
		text(j, "shadow", counted_second(rows[i]));
		json_count(j, "count", rows[i]->n[0]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_count(j, "confusion_overflow", g->confusion_overflow);
	free(rows);
}

/* The drift of the labels: those without a place are one more class. */
static double label_psi(const struct target_tally *g)
{
	uint64_t count[SIDES][TALLY_LABELS_MAX + 1];
	size_t n = g->labels.count;

	for (size_t i = 0; i < n; i++) {
		count[PRODUCTION][i] = g->labels.rows[i].n[LABEL_PRODUCTION];
		count[SHADOW][i] = g->labels.rows[i].n[LABEL_SHADOW];
	}
	count[PRODUCTION][n] = g->side[PRODUCTION].label_overflow;
	count[SHADOW][n] = g->side[SHADOW].label_overflow;
	return stability_index(count[PRODUCTION], count[SHADOW], n + 1);
}

static void labels_json(struct json *j, const struct target_tally *g)
{
	const struct counted_row **rows = counted_order(&g->labels);

	open_member(j, "labels", '[');
	for (size_t i = 0; rows && i < g->labels.count; i++) {
		json_open(j, '{');
		text(j, "label", counted_first(rows[i]));
		json_count(j, "production", rows[i]->n[LABEL_PRODUCTION]);
		json_count(j, "shadow", rows[i]->n[LABEL_SHADOW]);
		json_close(j, '}');
	}
	json_close(j, ']');
	open_member(j, "labels_overflow", '{');
	json_count(j, "production", g->side[PRODUCTION].label_overflow);
	json_count(j, "shadow", g->side[SHADOW].label_overflow);
	json_close(j, '}');
	free(rows);
}

static void scores_of(struct json *j, const char *name, const uint64_t *score)
{
	open_member(j, name, '[');
	for (int64_t n = -(SCORE_POWERS + 1); n <= SCORE_LINEAR + SCORE_POWERS; n++) {
		size_t bin = score_bin_of_number((double)n);

		if (bin < SCORE_BINS && score[bin] > 0) {
			json_open(j, '[');
			json_int(j, n);
			json_uint(j, score[bin]);
			json_close(j, ']');
		}
	}
	json_close(j, ']');
}

static void scores_json(struct json *j, const struct target_tally *g)
{
	open_member(j, "scores", '{');
	scores_of(j, "production", g->side[PRODUCTION].score);
	scores_of(j, "shadow", g->side[SHADOW].score);
	json_count(j, "bins", SCORE_LINEAR);
	json_close(j, '}');
}

static void decision_json(struct json *j, const struct target_tally *g, enum tally_extent extent, double deff)
{
	struct rate agree = looks_rate(g->looks, g->decisions_agree, g->decisions, deff);

	open_member(j, "decision", '{');
	json_count(j, "count", g->decisions);
	json_count(j, "agree", g->decisions_agree);
	json_count(j, "agree_otherwise", g->decisions_otherwise);
	rate_members(j, &agree);
	if (extent == TALLY_WHOLE) {
		confusion_json(j, g);
		labels_json(j, g);
	}
	number(j, "label_psi", label_psi(g));
	number(j, "score_psi", stability_index(g->side[PRODUCTION].score, g->side[SHADOW].score, SCORE_BINS));
	if (extent == TALLY_WHOLE)
		scores_json(j, g);
	json_close(j, '}');
}

static void status_member(struct json *j, const char *name, const char *code)
{
	json_key(j, name);
	if (strcmp(code, "0") == 0)
		json_null(j);
	else if (code[0] < '0' || code[0] > '9')
		json_str(j, code);
	else
		json_uint(j, strtoul(code, NULL, 10));
}

static void statuses_json(struct json *j, const struct target_tally *g)
{
	const struct counted_row **rows = counted_order(&g->statuses);

	open_member(j, "status_matrix", '[');
	for (size_t i = 0; rows && i < g->statuses.count; i++) {
		json_open(j, '{');
		status_member(j, "production", counted_first(rows[i]));
		status_member(j, "shadow", counted_second(rows[i]));
		json_count(j, "count", rows[i]->n[0]);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_count(j, "status_overflow", g->status_overflow);
	free(rows);
}

/* -- latency --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	double q;
} quantiles[] = { { "p50", 0.50 }, { "p90", 0.90 }, { "p95", 0.95 }, { "p99", 0.99 }, { "p999", 0.999 } };

static void histogram_json(struct json *j, const char *name, const struct histogram *h, uint64_t timeouts)
{
	open_member(j, name, '{');
	json_count(j, "count", h->count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		exact(j, quantiles[i].name, latency_quantile(h, timeouts, quantiles[i].q));
	json_count(j, "max", h->max);
	json_count(j, "sum", h->sum);
	histogram_buckets_json(h, j, "buckets");
	json_close(j, '}');
}

/* The value of rank @rank, from 1, of the differences: the most negative first, timeouts last. */
static double difference_at(const struct target_tally *g, uint64_t rank)
{
	uint64_t below = g->below.count;

	if (rank == 0 || rank > below + g->above.count)
		return NAN;
	if (rank <= below)
		return -(double)histogram_at(&g->below, below - rank);
	return (double)histogram_at(&g->above, rank - below - 1);
}

static void difference_json(struct json *j, const struct target_tally *g)
{
	uint64_t count = g->above.count + g->below.count, all = count + g->timeouts;

	open_member(j, "difference", '{');
	json_count(j, "count", count);
	for (size_t i = 0; i + 1 < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		uint64_t rank = (uint64_t)(quantiles[i].q * (double)all);
		struct ranks r = looks_ranks(g->looks, all, quantiles[i].q, TAILS_95);

		open_member(j, quantiles[i].name, '{');
		exact(j, "value", difference_at(g, rank < all ? rank + 1 : all));
		exact(j, "low", difference_at(g, r.low));
		exact(j, "high", difference_at(g, r.high));
		json_close(j, '}');
	}
	json_count(j, "slower", g->above.count - g->above.bucket[0]);
	json_count(j, "sum_above", g->above.sum);
	json_count(j, "max_above", g->above.max);
	histogram_buckets_json(&g->above, j, "buckets_above");
	json_count(j, "sum_below", g->below.sum);
	json_count(j, "max_below", g->below.max);
	histogram_buckets_json(&g->below, j, "buckets_below");
	json_close(j, '}');
}

static double ratio(const struct target_tally *g, double q)
{
	double production = latency_quantile(&g->side[PRODUCTION].total, 0, q);

	return production > 0 ? latency_quantile(&g->side[SHADOW].total, g->timeouts, q) / production : NAN;
}

/* The value of rank @rank, from 1, of those measured; timeouts are above them. */
static double time_at(const struct histogram *h, uint64_t rank)
{
	return rank > 0 && rank <= h->count ? (double)histogram_at(h, rank - 1) : NAN;
}

/* From the least of the one over the greatest of the other up to the opposite, each being wrong half as often. */
static void ratio_json(struct json *j, const struct target_tally *g, double q, const char *const names[3])
{
	static const struct tails half = { 0.0125, 0.0125 };
	const struct histogram *p = &g->side[PRODUCTION].total, *s = &g->side[SHADOW].total;
	struct ranks of_p = looks_ranks(g->looks, p->count, q, half);
	struct ranks of_s = looks_ranks(g->looks, s->count + g->timeouts, q, half);

	number(j, names[0], ratio(g, q));
	if (of_s.low > s->count) /* among the timeouts, which took longer than all that ended */
		of_s.low = s->count;
	number(j, names[1], time_at(p, of_p.high) > 0 ? time_at(s, of_s.low) / time_at(p, of_p.high) : NAN);
	number(j, names[2], time_at(p, of_p.low) > 0 ? time_at(s, of_s.high) / time_at(p, of_p.low) : NAN);
}

static void latency_json(struct json *j, const struct target_tally *g)
{
	open_member(j, "latency_us", '{');
	open_member(j, "production", '{');
	histogram_json(j, "first_byte", &g->side[PRODUCTION].first_byte, 0);
	histogram_json(j, "total", &g->side[PRODUCTION].total, 0);
	json_close(j, '}');
	open_member(j, "shadow", '{');
	histogram_json(j, "first_byte", &g->side[SHADOW].first_byte, g->timeouts);
	histogram_json(j, "total", &g->side[SHADOW].total, g->timeouts);
	json_close(j, '}');
	difference_json(j, g);
	json_count(j, "timeouts", g->timeouts);
	ratio_json(j, g, 0.50, (const char *const[]){ "p50_ratio", "p50_ratio_low", "p50_ratio_high" });
	ratio_json(j, g, 0.99, (const char *const[]){ "p99_ratio", "p99_ratio_low", "p99_ratio_high" });
	json_close(j, '}');
}

/* Slow is at the low end here. */
static double speed_quantile(const struct histogram *h, double q)
{
	return h->count > 0 ? (double)histogram_quantile(h, q) / SPEED_UNITS : NAN;
}

static void speed_json(struct json *j, const struct histogram *h)
{
	open_member(j, "tokens_per_second", '{');
	json_count(j, "count", h->count);
	exact(j, "p50", speed_quantile(h, 0.50));
	exact(j, "p10", speed_quantile(h, 0.10));
	exact(j, "p1", speed_quantile(h, 0.01));
	figure_histogram(j, "thousandths", h);
	json_close(j, '}');
}

static void stream_json(struct json *j, const char *name, const struct side_tally *s)
{
	open_member(j, name, '{');
	json_count(j, "count", s->streams);
	json_count(j, "events", s->events);
	json_count(j, "tokens", s->tokens);
	histogram_json(j, "first_token", &s->first_token, 0);
	histogram_json(j, "second_token", &s->second_token, 0);
	histogram_json(j, "gap", &s->gap, 0);
	speed_json(j, &s->speed);
	json_close(j, '}');
}

static void streams_json(struct json *j, const struct target_tally *g)
{
	open_member(j, "streams", '{');
	stream_json(j, "production", &g->side[PRODUCTION]);
	stream_json(j, "shadow", &g->side[SHADOW]);
	json_close(j, '}');
	open_member(j, "numbers", '{');
	json_count(j, "compared", g->numbers);
	exact(j, "max_abs", g->max_abs);
	exact(j, "max_rel", g->max_rel);
	json_close(j, '}');
}

/* -- noise, paths, slices -------------------------------------------------------------- */

static struct noise_floor noise_of(const struct tally *t, const struct target_tally *g)
{
	const struct target_tally *control = control_of(t);
	double deff = target_effect(g, control != NULL).deff;
	uint64_t repeats = g->repeats.requests;

	if (g->is_control || (!control && repeats == 0))
		return (struct noise_floor){ "none", NULL, rate_of(0, 0), deff };
	if (control)
		return (struct noise_floor){ "control", control, target_mismatch(control, true), deff };
	return (struct noise_floor){ "repeats", NULL,
				     looks_rate(g->looks, repeats - g->repeats.same_production, repeats, 1), deff };
}

static void net_members(struct json *j, const struct net *net)
{
	number(j, "low", net->interval.low);
	number(j, "high", net->interval.high);
	json_key(j, "shares");
	if (net->shares)
		json_str(j, net->shares);
	else
		json_null(j);
}

static void path_noise_json(struct json *j, const struct target_tally *g, const struct noise_floor *noise,
			    const struct counted_row *row, const struct rate *rate)
{
	uint64_t of = noise->control ? target_compared(noise->control) : 0;
	struct rate floor = noise->rate;
	struct net net;

	json_key(j, "control");
	if (noise->control) {
		const struct counted_row *same = counted_find(&noise->control->paths, row->key, row->key_len);

		floor = looks_rate(g->looks, same ? same->n[PATH_PAIRS] : 0, of, 1);
		json_open(j, '{');
		json_count(j, "pairs", floor.count);
		json_count(j, "of", floor.of);
		number(j, "rate", floor.value);
		json_close(j, '}');
	} else {
		json_null(j);
	}
	net = noise_path_net(&g->noise, g->looks, row, rate, &floor, noise->deff);
	open_member(j, "net", '{');
	number(j, "value", net.value);
	net_members(j, &net);
	json_close(j, '}');
	text(j, "verdict", strcmp(counted_first(row), difference_name(DIFFERENCE_CLOSE)) == 0 ? "close" :
			   net_is_noise(&net)                                                 ? "noise" :
												"differs");
}

/* The rule that would let it pass, if it seems to be no fault of the model. */
static void proposal_json(struct json *j, const struct counted_row *row, uint64_t compared)
{
	struct buffer rule = { 0 };

	json_key(j, "proposal");
	if (proposal_of(row, compared, &rule) != PROPOSAL_NONE)
		json_text(j, buffer_span(&rule));
	else
		json_null(j);
	buffer_deinit(&rule);
}

static void path_json(struct json *j, const struct target_tally *g, const struct noise_floor *noise,
		      const struct counted_row *row)
{
	uint64_t compared = target_compared(g);
	struct rate r = looks_rate(g->looks, row->n[PATH_PAIRS], compared, 1);

	json_open(j, '{');
	text(j, "path", counted_second(row));
	text(j, "kind", counted_first(row));
	json_count(j, "pairs", row->n[PATH_PAIRS]);
	json_count(j, "differences", row->n[PATH_DIFFERENCES]);
	exact(j, "max_abs", row->max[PATH_MAX_ABS]);
	exact(j, "max_rel", row->max[PATH_MAX_REL]);
	rate_members(j, &r);
	path_noise_json(j, g, noise, row, &r);
	json_count(j, "numbers", row->n[PATH_NUMBERS]);
	json_count(j, "relatives", row->n[PATH_RELATIVES]);
	json_count(j, "names", row->n[PATH_NAMES]);
	proposal_json(j, row, compared);
	json_close(j, '}');
}

/* Worst first; what is within the tolerance after all that is not. */
static void paths_json(struct json *j, const struct target_tally *g, const struct noise_floor *noise)
{
	const struct counted_row **rows = counted_order(&g->paths);

	open_member(j, "paths", '[');
	for (int close = 0; close < 2; close++)
		for (size_t i = 0; rows && i < g->paths.count; i++)
			if ((strcmp(counted_first(rows[i]), difference_name(DIFFERENCE_CLOSE)) == 0) == close)
				path_json(j, g, noise, rows[i]);
	json_close(j, ']');
	json_count(j, "paths_overflow", g->path_overflow);
	free(rows);
}

/* What rules leave out, where it differs; most pairs first. */
static void ignored_paths_json(struct json *j, const struct target_tally *g)
{
	const struct counted_row **rows = counted_order(&g->ignored);

	open_member(j, "paths", '[');
	for (size_t i = 0; rows && i < g->ignored.count; i++) {
		struct rate r = looks_rate(g->looks, rows[i]->n[PATH_PAIRS], target_compared(g), 1);

		json_open(j, '{');
		text(j, "path", counted_first(rows[i]));
		text(j, "rule", counted_second(rows[i]));
		json_count(j, "pairs", rows[i]->n[PATH_PAIRS]);
		json_count(j, "of", r.of);
		json_count(j, "differences", rows[i]->n[PATH_DIFFERENCES]);
		rate_members(j, &r);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_count(j, "paths_overflow", g->ignored_overflow);
	free(rows);
}

static void ignored_json(struct json *j, const struct target_tally *g, enum tally_extent extent)
{
	struct rate r = looks_rate(g->looks, g->ignored_pairs, target_compared(g), 1);

	open_member(j, "ignored", '{');
	json_count(j, "pairs", r.count);
	json_count(j, "of", r.of);
	rate_members(j, &r);
	json_count(j, "alone", g->ignored_alone);
	if (extent == TALLY_WHOLE)
		ignored_paths_json(j, g);
	json_close(j, '}');
}

/* struct slicing - what the intervals of all slices of a target hang on */
struct slicing {
	enum looks looks;
	bool has_control;
	double deff;
};

static void slice_json(struct json *j, const char *by, const struct counted_row *row, const struct slicing *s)
{
	uint64_t excused = s->has_control ? 0 : row->n[SLICE_GENERATED];
	struct rate wrong = looks_rate(s->looks, row->n[SLICE_MISMATCH] - excused, row->n[SLICE_COMPARED], s->deff);
	struct rate agree = looks_rate(s->looks, row->n[SLICE_AGREE], row->n[SLICE_DECISIONS], s->deff);

	json_open(j, '{');
	text(j, "by", by);
	text(j, "value", counted_first(row));
	json_count(j, "pairs", row->n[SLICE_PAIRS]);
	json_count(j, "compared", row->n[SLICE_COMPARED]);
	json_count(j, "mismatch", wrong.count);
	json_count(j, "generated_different", row->n[SLICE_GENERATED]);
	json_count(j, "errors", row->n[SLICE_ERRORS]);
	rate_members(j, &wrong);
	json_count(j, "decisions", row->n[SLICE_DECISIONS]);
	json_count(j, "agree", row->n[SLICE_AGREE]);
	open_member(j, "agreement", '{');
	rate_members(j, &agree);
	json_close(j, '}');
	json_close(j, '}');
}

static void slices_json(struct json *j, const struct tally *t, const struct target_tally *g)
{
	bool has_control = control_of(t) != NULL;
	struct slicing s = { g->looks, has_control, target_effect(g, has_control).deff };

	open_member(j, "slices", '[');
	for (size_t d = 0; d < t->dimension_count; d++) {
		const struct counted_row **rows = counted_order(&g->slices[d]);

		for (size_t i = 0; rows && i < g->slices[d].count; i++)
			slice_json(j, t->dimension[d], rows[i], &s);
		free(rows);
	}
	json_close(j, ']');
	json_count(j, "slices_overflow", g->slice_overflow);
}

/* -- examples -------------------------------------------------------------------------- */

static void known(struct json *j, int64_t n, bool is_known)
{
	if (is_known)
		json_int(j, n);
	else
		json_null(j);
}

static void texts_json(struct json *j, const struct example_texts *t)
{
	open_member(j, "texts", '{');
	json_count(j, "same", t->same);
	json_count(j, "same_words", t->same_words);
	json_count(j, "production_len", t->len[PRODUCTION]);
	json_count(j, "shadow_len", t->len[SHADOW]);
	json_count(j, "from", t->from);
	text(j, "production", t->said[PRODUCTION]);
	text(j, "shadow", t->said[SHADOW]);
	json_close(j, '}');
}

static void example_json(struct json *j, const struct example *x)
{
	static const char *const bodies[] = { "request_body", "production_body", "shadow_body" };

	json_open(j, '{');
	json_key(j, "id");
	hash_json(j, x->id);
	text(j, "ts", x->ts);
	text(j, "verdict", comparison_name(x->verdict));
	json_key(j, "reason");
	if (x->reason[0])
		json_str(j, x->reason);
	else
		json_null(j);
	exact(j, "severity", x->severity);
	text(j, "request_path", x->request_path);
	open_member(j, "status", '[');
	known(j, x->status[PRODUCTION], x->status[PRODUCTION] != 0);
	known(j, x->status[SHADOW], x->status[SHADOW] != 0);
	json_close(j, ']');
	json_key(j, "production_us");
	known(j, x->us[PRODUCTION], x->us[PRODUCTION] >= 0);
	json_key(j, "shadow_us");
	known(j, x->us[SHADOW], x->us[SHADOW] >= 0);
	open_member(j, "differences", '[');
	for (size_t i = 0; i < x->difference_count; i++) {
		json_open(j, '{');
		text(j, "path", x->difference[i].path);
		text(j, "kind", difference_name(x->difference[i].kind));
		text(j, "production", x->difference[i].production);
		text(j, "shadow", x->difference[i].shadow);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_count(j, "differences_more", x->more);
	for (int b = 0; b < EXAMPLE_BODIES; b++)
		if (x->body[b])
			text(j, bodies[b], x->body[b]);
	if (x->texts.said[PRODUCTION] && x->texts.said[SHADOW])
		texts_json(j, &x->texts);
	json_close(j, '}');
}

static void examples_json(struct json *j, const struct examples *e)
{
	open_member(j, "examples", '[');
	for (int v = 0; v < COMPARISON_COUNT; v++)
		for (size_t i = 0; i < e->count[v]; i++)
			example_json(j, e->kept[v][i]);
	json_close(j, ']');
}

static void repeats_json(struct json *j, const struct target_tally *g)
{
	open_member(j, "repeats", '{');
	json_count(j, "requests", g->repeats.requests);
	json_count(j, "same_production", g->repeats.same_production);
	json_count(j, "same_shadow", g->repeats.same_shadow);
	json_count(j, "forgotten", g->repeats.forgotten);
	json_close(j, '}');
}

static void noise_member(struct json *j, const struct target_tally *g, const struct rate *mismatch,
			 const struct noise_floor *noise, enum tally_extent extent)
{
	struct net net = noise_net(&g->noise, g->looks, mismatch, &noise->rate, noise->deff);

	open_member(j, "noise", '{');
	text(j, "source", noise->source);
	rate_object(j, "mismatch", &noise->rate);
	number(j, "net_rate", net.value < 0 ? 0 : net.value);
	net_members(j, &net);
	noise_json(&g->noise, j, extent == TALLY_WHOLE);
	json_close(j, '}');
}

static void target_json(struct json *j, const struct tally *t, const struct target_tally *g, enum tally_extent extent)
{
	struct rate mismatch = target_mismatch(g, control_of(t) != NULL);
	struct noise_floor noise = noise_of(t, g);

	open_member(j, g->name, '{');
	text(j, "role", g->is_control ? "control" : "shadow");
	text(j, "looks", looks_name(g->looks));
	verdicts_json(j, g);
	rate_object(j, "mismatch", &mismatch);
	tally_witnesses_json(g, control_of(t) != NULL, extent, j);
	generated_json(j, g);
	error_rate_json(j, g);
	decision_json(j, g, extent, noise.deff);
	outputs_json(&g->outputs, j);
	goodput_json(&g->goodput, g->looks, j);
	if (extent == TALLY_WHOLE)
		statuses_json(j, g);
	latency_json(j, g);
	streams_json(j, g);
	if (extent == TALLY_WHOLE)
		paths_json(j, g, &noise);
	ignored_json(j, g, extent);
	if (extent == TALLY_WHOLE) {
		slices_json(j, t, g);
		contrast_json(g->contrast, target_request_effect(g, control_of(t) != NULL), j);
		over_time_json(&g->over_time, control_of(t) != NULL, j);
		examples_json(j, &g->examples);
		repeats_json(j, g);
	}
	noise_member(j, g, &mismatch, &noise, extent);
	json_close(j, '}');
}

void tally_json(const struct tally *t, enum tally_extent extent, struct json *j)
{
	open_member(j, "targets", '{');
	for (size_t i = 0; i < t->target_count; i++)
		target_json(j, t, t->target[i], extent);
	json_close(j, '}');
}
