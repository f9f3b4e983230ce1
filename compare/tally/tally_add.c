/*
 * tally_add.c - one pair into a tally: each thing that is told of it is counted in its place
 *
 * Theory of operation. What the comparer found is only counted here, never
 * judged. A pair counts once wherever pairs are counted, however often a thing
 * was found in it. What has no place in a table that is full is counted as its
 * overflow, so that the sums hold; reasons, which have none, become "other".
 */
#include "compare/tally/tally_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare/grpc/grpc_reply.h"
#include "compare/tally/proposal.h"
#include "compare/tally/request_model.h"
#include "compare/tally/slices.h"

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

void tally_count_reason(struct counted *table, const char *reason, uint64_t by)
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
		tally_count_reason(&g->errors, c->reason ? c->reason : failure(pair->outcome->kind), 1);
		return;
	}
	if (c->verdict == COMPARISON_NOT_COMPARABLE) {
		tally_count_reason(&g->not_comparable, c->reason ? c->reason : "unknown", 1);
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
		g->generated.edits += c->edits;
		g->generated.edits_of += c->edits_of;
		g->generated.text += c->production_len > c->shadow_len ? c->production_len : c->shadow_len;
	}
}

enum health { HEALTH_GOOD, HEALTH_BAD, HEALTH_UNSEEN };

/** call_status() - of a call of gRPC; NONE where it may have been behind what was kept of the response, or was not said */
static enum grpc_status call_status(const struct response *r)
{
	struct span text;

	return r && r->result == RESPONSE_WHOLE ? grpc_reply_status(r, &text) : GRPC_STATUS_NONE;
}

/** health_of() - of a response by its status; of one to a call of gRPC that was kept, by the status of the call */
static enum health health_of(const struct pair *pair, const struct response *r, int status_code)
{
	if (status_code == 0 || status_code >= 400)
		return HEALTH_BAD;
	if (!pair->request || !pair->request->head.is_grpc)
		return HEALTH_GOOD;
	switch (call_status(r)) {
	case GRPC_OK:
		return HEALTH_GOOD;
	case GRPC_STATUS_NONE:
		return HEALTH_UNSEEN;
	default:
		return HEALTH_BAD;
	}
}

/** status_text() - the name of a call's status where it is known, else the HTTP status, 0 for none */
static void status_text(const struct pair *pair, const struct response *r, int status_code, char out[STATUS_TEXT])
{
	enum grpc_status call = pair->request && pair->request->head.is_grpc ? call_status(r) : GRPC_STATUS_NONE;

	if (call == GRPC_STATUS_NONE)
		snprintf(out, STATUS_TEXT, "%d", status_code);
	else
		snprintf(out, STATUS_TEXT, "%s", grpc_status_name(call));
}

/* What is known of the health of both is told to @o, too. */
static void add_status(struct target_tally *g, const struct pair *pair, struct over_time_pair *o)
{
	int production = pair->production ? pair->production->status_code : 0, shadow = pair->outcome->status_code;
	char text[SIDES][STATUS_TEXT];
	enum health p, s;

	if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT || pair->outcome->kind == OUTCOME_FAILED_STALE)
		return; /* it is not known what the shadow would have said */
	status_text(pair, pair->production, production, text[PRODUCTION]);
	status_text(pair, pair->shadow, shadow, text[SHADOW]);
	if (!count_one(&g->statuses, span_str(text[PRODUCTION]), span_str(text[SHADOW]), 0, 1))
		g->status_overflow++;
	if (production == 0) /* not seen: it says nothing about the difference */
		return;
	p = health_of(pair, pair->production, production);
	s = health_of(pair, pair->shadow, shadow);
	if (p == HEALTH_UNSEEN || s == HEALTH_UNSEEN)
		return;
	o->has_health = true;
	o->is_bad[OVER_TIME_PRODUCTION] = p == HEALTH_BAD;
	o->is_bad[OVER_TIME_SHADOW] = s == HEALTH_BAD;
	if (p == HEALTH_BAD)
		*(s == HEALTH_BAD ? &g->bad.both : &g->bad.production) += 1;
	else
		*(s == HEALTH_BAD ? &g->bad.shadow : &g->bad.neither) += 1;
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

/** add_speed() - tokens a second after the first; of a stream whose tokens came all at once there is none */
static void add_speed(struct side_tally *side, const struct stream_facts *f)
{
	int64_t us = 0;

	for (size_t i = 0; i < f->gap_count; i++)
		us += f->gaps_us[i];
	if (us > 0)
		histogram_add(&side->speed, (uint64_t)(1e6 * SPEED_UNITS * (double)f->gap_count / (double)us));
}

static void add_stream(struct side_tally *side, const struct stream_facts *f)
{
	side->streams++;
	side->events += f->events;
	side->tokens += f->tokens;
	add_time(&side->first_token, f->first_token_us);
	for (size_t i = 0; i < f->gap_count; i++)
		add_time(&side->gap, f->gaps_us[i]);
	if (f->gap_count > 0)
		add_time(&side->second_token, f->gaps_us[0]);
	add_speed(side, f);
}

/** has_messages() - is it a call of gRPC whose response is a stream? */
static bool has_messages(const struct comparison *c)
{
	return c->kind != BODY_NONE && (c->production_stream.events > 0 || c->shadow_stream.events > 0);
}

/** side_meets() - an error is of no use, however fast it came */
static enum slo_met side_meets(const struct slo *slo, enum health health, bool failed, const struct response *r,
			       const struct stream_facts *f)
{
	if (health == HEALTH_BAD || failed)
		return SLO_MISSED;
	return health == HEALTH_UNSEEN || !r ? SLO_UNKNOWN : slo_meets(slo, r, f);
}

static void add_goodput(struct target_tally *g, const struct slo *slo, const struct pair *pair, const struct comparison *c)
{
	const struct response *p = pair->production, *s = pair->shadow;
	bool error_event = c->verdict == COMPARISON_STATUS && c->reason && strcmp(c->reason, "error_event") == 0;
	enum health production, shadow;

	if (pair->outcome->kind == OUTCOME_CANCELLED_AT_EXIT || pair->outcome->kind == OUTCOME_FAILED_STALE || !p ||
	    p->status_code == 0)
		return; /* as of errors: it says nothing about the difference */
	production = health_of(pair, p, p->status_code);
	shadow = health_of(pair, s, pair->outcome->status_code);
	goodput_add(&g->goodput, side_meets(slo, production, error_event, p, &c->production_stream),
		    side_meets(slo, shadow, c->verdict == COMPARISON_ERROR, s, &c->shadow_stream));
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

	if (f->outputs) { /* they have no labels */
		left_out -= f->outputs->judged;
		disagree -= f->outputs->judged - f->outputs->agree;
		outputs_merge(&g->outputs, &f->outputs->sum);
	}
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

static void add_slices(struct tally *t, struct target_tally *g, const struct pair *pair, const struct comparison *c,
		       struct span model)
{
	for (size_t i = 0; i < t->dimension_count; i++) {
		struct counted_key key = { .len = 0 };
		struct counted_row *row;

		counted_key_add(&key, slice_value(&pair->request->head, model, span_str(t->dimension[i])));
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

/* What is excused, as target_mismatch() has it, is no mismatch here either. */
static void add_features(struct tally *t, struct target_tally *g, const struct pair *pair, const struct comparison *c,
			 struct span model)
{
	const struct message *m = pair->request;
	bool excused = c->generated && c->verdict == COMPARISON_VALUE && !control_of(t);
	const struct feature_value *values;
	size_t count;

	if (!comparison_is_compared(c->verdict))
		return;
	if (!g->contrast)
		g->contrast = contrast_new(t->show_bodies);
	if (!g->contrast) /* out of memory */
		return;
	values = features_read(t->features, m, slice_path(m->head.target), model, &count);
	contrast_add(g->contrast, values, count, m->origin.id, comparison_is_mismatch(c->verdict) && !excused);
}

/** add_request() - what the pairs are divided by is in the request */
static void add_request(struct tally *t, struct target_tally *g, const struct pair *pair, const struct comparison *c)
{
	struct buffer scratch = { 0 };
	struct span model = request_model(pair->request, &scratch);

	add_slices(t, g, pair, c, model);
	add_features(t, g, pair, c, model);
	buffer_deinit(&scratch);
}

/* Latencies over the same requests as add_latency()'s. */
static void add_over_time(struct target_tally *g, const struct pair *pair, const struct comparison *c, struct over_time_pair *o)
{
	const struct response *p = pair->production, *s = pair->shadow;

	o->at = pair->request->origin.ts_last;
	o->is_compared = comparison_is_compared(c->verdict);
	o->is_mismatch = comparison_is_mismatch(c->verdict);
	o->is_generated = c->generated && c->verdict == COMPARISON_VALUE;
	o->is_timeout = pair->outcome->kind == OUTCOME_FAILED_TIMEOUT;
	o->us[OVER_TIME_PRODUCTION] = p && (s || o->is_timeout) ? p->last_byte_us : -1;
	o->us[OVER_TIME_SHADOW] = s ? s->last_byte_us : -1;
	over_time_add(&g->over_time, o);
}

void tally_add(struct tally *t, size_t target, const struct pair *pair, const struct comparison *c)
{
	struct target_tally *g = t->target[target];
	struct over_time_pair in_time = { .has_health = false };

	add_verdict(g, pair, c);
	add_status(g, pair, &in_time);
	add_over_time(g, pair, c, &in_time);
	add_latency(g, pair);
	if ((c->kind == BODY_EVENTS || has_messages(c)) && pair->production && pair->shadow) {
		add_stream(&g->side[PRODUCTION], &c->production_stream);
		add_stream(&g->side[SHADOW], &c->shadow_stream);
	}
	if (t->slo.term_count > 0)
		add_goodput(g, &t->slo, pair, c);
	add_decisions(g, &c->findings);
	add_paths(g, &c->findings);
	add_request(t, g, pair, c);
	tally_add_witness(g, pair, c);
	tally_add_example(g, pair, c, t->show_bodies);
}
