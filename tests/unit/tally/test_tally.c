/*
 * test_tally.c - what is added up comes out again: counts, sums, halves, files
 *
 * A maker of random pairs (fixed seed) fills tallies; the properties are that
 * a report read back writes the same report, and that two halves merged write
 * what the whole does.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "compare/outputs/outputs.h"
#include "compare/tally/examples.h"
#include "compare/tally/tally.h"
#include "tests/rig/fail_alloc.h"

/* -- pairs ----------------------------------------------------------------------------- */

static size_t below(size_t n)
{
	return (size_t)(random_next() % n);
}

/* struct made - a pair with all that it borrows */
struct made {
	char target[64], tenant[32], body[32], response[2][32];
	struct header headers[1];
	struct message m;
	struct response production, shadow;
	struct outcome outcome;
	struct finding findings[3];
	char patterns[3][48];
	struct model_decision decisions[4];
	int64_t gaps[4];
	struct comparison c;
	struct outputs_found outputs;
	struct pair pair;
};

static void make_findings(struct made *x)
{
	static const enum difference_kind kinds[] = { DIFFERENCE_VALUE, DIFFERENCE_MISSING, DIFFERENCE_CLOSE,
						      DIFFERENCE_IGNORED };

	x->c.findings.at = x->findings;
	x->c.findings.count = below(4);
	for (size_t i = 0; i < x->c.findings.count; i++) {
		struct finding *f = &x->findings[i];

		snprintf(x->patterns[i], sizeof(x->patterns[i]), "/predictions/*/%zu", below(20));
		*f = (struct finding){ kinds[below(4)], x->patterns[i], x->patterns[i], "0.\"25\"", "\x01\xff", 1 + below(9),
				       (double)below(1000) / 7, below(50) ? (double)below(1000) / 3e7 : INFINITY };
		f->numbers = f->count - below(2);
		f->relatives = f->numbers;
		f->rule = f->kind == DIFFERENCE_IGNORED ? below(2) ? "rules.txt:3" : "--preset v2" : NULL;
		x->c.findings.ignored += f->kind == DIFFERENCE_IGNORED ? f->count : 0;
	}
	x->c.same_bytes = below(2);
	x->c.reply = (enum reply_difference)below(REPLY_DIFFERENCE_COUNT);
	if (x->c.verdict == COMPARISON_CLOSE && x->c.findings.ignored)
		x->c.reason = REASON_IGNORED;
	x->c.findings.overflow = below(30) == 0;
	x->c.findings.numbers = below(100);
	x->c.findings.max_abs = (double)below(1000) / 11;
	x->c.findings.max_rel = (double)below(1000) / 13;
}

static void make_decisions(struct made *x)
{
	x->c.findings.decisions = x->decisions;
	x->c.findings.decision_count = below(5);
	for (size_t i = 0; i < x->c.findings.decision_count; i++) {
		struct model_decision *d = &x->decisions[i];

		snprintf(d->production, sizeof(d->production), "label \xc3\xa4%zu", below(10));
		snprintf(d->shadow, sizeof(d->shadow), "label \xc3\xa4%zu", below(10));
		d->agrees = strcmp(d->production, d->shadow) == 0;
		d->production_score = below(9) ? (double)below(1001) / 1000 : NAN;
		d->shadow_score = ldexp((double)below(2001) / 1000 - 1, (int)below(30));
		x->c.findings.decisions_total++;
		x->c.findings.decisions_agree += d->agrees;
	}
	if (below(10) == 0) { /* more than were kept */
		x->c.findings.decisions_total += 7;
		x->c.findings.decisions_agree += 5;
		x->c.findings.decisions_otherwise += 2;
	}
}

/* Ratios of which the sums are exact, whatever their order. */
static void make_outputs(struct made *x)
{
	for (size_t i = below(4); i > 0; i--) {
		struct cosine c = { 1 - (double)below(1000) / 1e7, (double)(1 + below(128)) / 64 };

		cosine_figures_add(&x->outputs.sum.cosine, &c, c.value > 0.9999);
		x->outputs.judged++;
		x->outputs.agree += c.value > 0.9999;
	}
	x->outputs.sum.cosine.not_judged = below(20) == 0;
	if (below(2)) {
		regression_figures_add(&x->outputs.sum.regression, (double)below(1000) / 64 - 7, true);
		x->outputs.judged++;
		x->outputs.agree++;
	}
	if (below(2)) {
		struct boxes_result r = { 3, 2 + below(2), 2, below(1), 1.5 };

		boxes_figures_add(&x->outputs.sum.boxes, &r, false);
		x->outputs.judged++;
	}
	if (below(2)) {
		struct rank_result r = { below(2), (double)below(11) / 10, below(3) ? (double)below(21) / 10 - 1 : NAN, 0.5 };

		rank_figures_add(&x->outputs.sum.rank, &r, below(2));
		x->outputs.judged++;
	}
	if (!outputs_any(&x->outputs.sum))
		return;
	x->c.findings.outputs = &x->outputs;
	x->c.findings.decisions_total += x->outputs.judged;
	x->c.findings.decisions_agree += x->outputs.agree;
}

static void make_responses(struct made *x)
{
	static const int codes[] = { 200, 200, 200, 200, 400, 500 };

	x->outcome = (struct outcome){ OUTCOME_ANSWERED_2XX, codes[below(6)], 0, 400, 900, NULL };
	x->production = (struct response){ .status_code = codes[below(6)], .body = (uint8_t *)x->response[0],
					   .body_len = strlen(x->response[0]),
					   .first_byte_us = (int64_t)below(2000), .last_byte_us = 2000 + (int64_t)below(900000) };
	x->shadow = x->production;
	x->shadow.status_code = x->outcome.status_code;
	x->shadow.body = (uint8_t *)x->response[1];
	x->shadow.last_byte_us += (int64_t)below(4000) - 2000;
	x->pair = (struct pair){ &x->m, &x->production, &x->shadow, &x->outcome };
	if (x->c.verdict == COMPARISON_ERROR) {
		bool timeout = below(2);

		x->outcome.kind = timeout ? OUTCOME_FAILED_TIMEOUT : OUTCOME_FAILED_RESET;
		x->outcome.status_code = 0;
		x->c.reason = timeout ? "timeout" : NULL;
		x->pair.shadow = NULL;
	} else if (x->c.verdict == COMPARISON_NOT_COMPARABLE) {
		x->production.result = RESPONSE_GAP;
		x->production.status_code = 0;
		x->production.last_byte_us = -1;
		x->c.reason = response_result_name(RESPONSE_GAP);
	}
}

static void make_stream(struct made *x)
{
	x->c.kind = below(3) ? BODY_JSON : BODY_EVENTS;
	if (x->c.kind != BODY_EVENTS)
		return;
	for (int i = 0; i < 4; i++)
		x->gaps[i] = (int64_t)below(5000);
	x->c.production_stream = (struct stream_facts){ 7, 5, 12000, x->gaps, 4 };
	x->c.shadow_stream = (struct stream_facts){ 8, 6, below(2) ? -1 : 14000, x->gaps, 2 };
	x->c.generated = below(2);
	x->c.common_prefix = below(50);
	x->c.production_text = SPAN_LITERAL("it is \xff so, and so it is, and is it not, or is it so");
	x->c.shadow_text = SPAN_LITERAL("it is \xff so, and so it is, and is it not, or is it not");
	x->c.production_len = 50;
	x->c.shadow_len = 40 + below(20);
}

static void make(struct made *x)
{
	uint64_t id = random_next();

	*x = (struct made){ 0 };
	snprintf(x->target, sizeof(x->target), "/v1/models/m%zu:predict?key=%zu", below(4), below(9));
	snprintf(x->tenant, sizeof(x->tenant), "t%zu", below(5));
	snprintf(x->body, sizeof(x->body), "%zu", below(60));
	snprintf(x->response[0], sizeof(x->response[0]), "%zu", below(3));
	snprintf(x->response[1], sizeof(x->response[1]), "%zu", below(2));
	x->headers[0] = (struct header){ SPAN_LITERAL("X-Tenant"), span_str(x->tenant) };
	x->m.head = (struct request_head){ SPAN_LITERAL("POST"), span_str(x->target), x->headers, 1, 1, 1 };
	x->m.body = (uint8_t *)x->body;
	x->m.body_len = strlen(x->body);
	x->m.origin.id = id;
	x->m.origin.ts_last.ns = (int64_t)(id >> 8);
	x->c.verdict = (enum comparison_verdict)below(COMPARISON_COUNT);
	make_responses(x);
	if (x->c.verdict == COMPARISON_ERROR || x->c.verdict == COMPARISON_NOT_COMPARABLE)
		return;
	make_findings(x);
	make_decisions(x);
	if (below(3) == 0)
		make_outputs(x);
	make_stream(x);
}

static const struct tally_target both_targets[] = { { "default", false }, { "prod-2", true } };
static const char *const slice_headers[] = { "x-tenant" };

static struct tally *tally_of(size_t targets, bool bodies)
{
	struct tally_options options = { both_targets, targets, slice_headers, 1, NULL, bodies };
	struct buffer error = { 0 };
	struct tally *t;
	struct slo slo;

	assert_int_equal(slo_parse(SPAN_LITERAL("total < 450ms"), &slo, &error), 0);
	options.slo = targets > 1 ? &slo : NULL;
	t = tally_new(&options);

	assert_non_null(t);
	return t;
}

static struct buffer written(const struct tally *t)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	tally_json(t, TALLY_WHOLE, &j);
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static struct tally *read_back(struct span text)
{
	struct json_doc d = { 0 };
	struct buffer error = { 0 };
	struct tally *t;

	assert_int_equal(json_doc_parse(&d, text), 0);
	t = tally_read(&d, 0, &error);
	if (!t)
		fail_msg("%s", buffer_text(&error));
	json_doc_deinit(&d);
	buffer_deinit(&error);
	return t;
}

static void same_text(struct buffer *a, struct buffer *b)
{
	size_t at = 0;

	while (at < a->len && at < b->len && a->bytes[at] == b->bytes[at])
		at++;
	if (a->len != b->len || at < a->len)
		fail_msg("they part at byte %zu: ...%.120s... and ...%.120s...", at,
			 buffer_text(a) + (at > 60 ? at - 60 : 0), buffer_text(b) + (at > 60 ? at - 60 : 0));
}

/* -- values of the JSON, by a path of names -------------------------------------------- */

static double value(struct span text, const char *path)
{
	struct json_doc d = { 0 };
	uint32_t node = 0;
	double v;

	assert_int_equal(json_doc_parse(&d, text), 0);
	while (*path) {
		size_t len = strcspn(path, "/");

		if (*path >= '0' && *path <= '9' && d.nodes[node].type == JSON_ARRAY) {
			uint32_t at = node + 1;

			for (int skip = atoi(path); skip > 0; skip--)
				at = d.nodes[at].next;
			node = at;
		} else {
			node = json_doc_member(&d, node, span_of(path, len));
			if (!node)
				fail_msg("no member at %s", path);
		}
		path += len + (path[len] == '/');
	}
	v = d.nodes[node].type == JSON_NULL ? NAN : json_doc_double(&d, node);
	json_doc_deinit(&d);
	return v;
}

#define IS(text, path, wanted, by)                                                                           \
	do {                                                                                                 \
		double is_ = value(text, "targets/default/" path);                                           \
		if (!(fabs(is_ - (wanted)) <= (by)))                                                         \
			fail_msg("%s is %.10g", path, is_);                                                  \
	} while (0)
#define UNKNOWN(text, path) assert_true(isnan(value(text, "targets/default/" path)))

/* 100 pairs by hand: 90 equal, 4 other decisions, 3 timeouts, 2 other statuses, 1 not seen. */
static void add_known(struct tally *t, size_t target)
{
	for (int i = 0; i < 100; i++) {
		struct made x;

		make(&x);
		x.c = (struct comparison){ .verdict = COMPARISON_EQUAL, .kind = BODY_JSON };
		x.outcome = (struct outcome){ OUTCOME_ANSWERED_2XX, 200, 0, 10, 20, NULL };
		x.production = (struct response){ .status_code = 200, .first_byte_us = 500, .last_byte_us = 1000 };
		x.shadow = (struct response){ .status_code = 200, .first_byte_us = 500, .last_byte_us = 1000 + 10 * i };
		x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
		x.c.findings.decisions = x.decisions;
		x.c.findings.decision_count = x.c.findings.decisions_total = x.c.findings.decisions_agree = 1;
		x.decisions[0] = (struct model_decision){ "3", "3", 0.9, 0.95, true };
		if (i < 4) {
			x.c.verdict = COMPARISON_DECISION;
			x.decisions[0] = (struct model_decision){ "3", "8", 0.9, 1.0, false };
			x.c.findings.decisions_agree = 0;
			x.c.findings.at = x.findings;
			x.c.findings.count = 1;
			x.findings[0] = (struct finding){ DIFFERENCE_DECISION, "/predictions/*", "/predictions/0", "3", "8", 1, 0, 0 };
		} else if (i < 7) {
			x.c = (struct comparison){ .verdict = COMPARISON_ERROR, .reason = "timeout" };
			x.outcome = (struct outcome){ OUTCOME_FAILED_TIMEOUT, 0, 0, -1, 300000, NULL };
			x.pair.shadow = NULL;
		} else if (i < 9) {
			x.c = (struct comparison){ .verdict = COMPARISON_STATUS, .kind = BODY_JSON };
			x.outcome.status_code = x.shadow.status_code = 503;
		} else if (i == 9) {
			x.c = (struct comparison){ .verdict = COMPARISON_NOT_COMPARABLE, .reason = "unseen" };
			x.production = (struct response){ .result = RESPONSE_UNSEEN, .first_byte_us = -1, .last_byte_us = -1 };
		}
		snprintf(x.body, sizeof(x.body), "%d", i % 50);
		snprintf(x.target, sizeof(x.target), "/v2/models/m/infer?x=1");
		x.m.head.target = span_str(x.target);
		x.m.body_len = strlen(x.body);
		tally_add(t, target, &x.pair, &x.c);
	}
}

static void test_known_pairs(void **state)
{
	struct tally *t = tally_of(1, false);
	struct tally_brief brief;
	struct rate wilson;
	struct buffer out;
	struct span s;

	(void)state;
	random_state = 1;
	add_known(t, 0);
	out = written(t);
	s = buffer_span(&out);
	IS(s, "pairs", 100, 0);
	IS(s, "compared", 96, 0);
	IS(s, "mismatch/count", 6, 0);
	IS(s, "mismatch/of", 96, 0);
	IS(s, "mismatch/rate", 0.0625, 1e-9);
	wilson = rate_of_witnesses(6, 96, value(s, "targets/default/witnesses/design_effect"));
	IS(s, "mismatch/low", wilson.interval.low, 1e-6);
	IS(s, "mismatch/high", wilson.interval.high, 1e-6);
	IS(s, "mismatch_distinct/count", 6, 0);
	IS(s, "mismatch_distinct/of", 50, 0);
	IS(s, "mismatch_distinct/low", 0.0562, 1e-4); /* Wilson, by another tool */
	IS(s, "mismatch_distinct/high", 0.2380, 1e-4);
	IS(s, "witnesses/design_effect", 1.96, 0.1); /* most came twice */
	IS(s, "witnesses/count", 48, 2);
	IS(s, "witnesses/clients", 1, 0);
	assert_non_null(strstr(buffer_text(&out), "\"by\":\"requests\""));
	IS(s, "errors/timeout", 3, 0);
	IS(s, "not_comparable/unseen", 1, 0);
	IS(s, "kinds/json", 96, 0);
	IS(s, "distinct_requests", 50, 0);
	IS(s, "error_rate/production/of", 99, 0);
	IS(s, "error_rate/shadow/count", 5, 0);
	IS(s, "error_rate/delta/value", 5.0 / 99, 1e-6);
	IS(s, "decision/count", 94, 0);
	IS(s, "decision/agree", 90, 0);
	IS(s, "decision/confusion/0/count", 4, 0);
	IS(s, "decision/labels/0/production", 94, 0);
	IS(s, "decision/labels/0/shadow", 90, 0);
	IS(s, "decision/labels/1/shadow", 4, 0);
	IS(s, "decision/scores/production/0/0", 18, 0); /* 0.9 */
	IS(s, "decision/scores/shadow/0/0", 19, 0);     /* 0.95 and 1 */
	IS(s, "status_matrix/0/count", 94, 0);
	IS(s, "latency_us/timeouts", 3, 0);
	IS(s, "latency_us/production/total/count", 99, 0);
	IS(s, "latency_us/production/total/p99", 1000, 10);
	IS(s, "latency_us/shadow/total/count", 97, 0);
	IS(s, "latency_us/shadow/total/p50", 1530, 16); /* timeouts rank above all: the median moves up */
	UNKNOWN(s, "latency_us/shadow/total/p99");      /* lies among the timeouts */
	UNKNOWN(s, "latency_us/p99_ratio");
	brief = tally_brief(t, 0); /* what the terminal shows is what the report says */
	assert_int_equal(brief.mismatch.count, 6);
	assert_int_equal(brief.mismatch.of, 96);
	assert_int_equal(brief.mismatch_distinct.of, 50);
	assert_int_equal(brief.decisions.count, 90);
	assert_int_equal(brief.witnesses.requests, 50);
	assert_int_equal(brief.witnesses.clients, 1);
	assert_false(brief.witnesses.is_estimate || brief.witnesses.is_many_clients);
	IS(s, "witnesses/count", (double)brief.witnesses.count, 0);
	IS(s, "mismatch/high", brief.mismatch.interval.high, 1e-6);
	IS(s, "decision/low", brief.decisions.interval.low, 1e-6);
	assert_int_equal(brief.generated_apart, 0);
	IS(s, "latency_us/production/total/p99", brief.production.p99, 0);
	IS(s, "latency_us/shadow/total/p50", brief.target.p50, 0);
	assert_true(isinf(brief.target.p99));
	IS(s, "latency_us/difference/count", 96, 0);
	IS(s, "latency_us/difference/slower", 95, 0);
	IS(s, "latency_us/difference/p50/value", 530, 8);
	IS(s, "latency_us/difference/p50/low", 430, 8);
	IS(s, "latency_us/difference/p50/high", 630, 8);
	UNKNOWN(s, "latency_us/difference/p99/value");
	IS(s, "paths/0/pairs", 4, 0);
	IS(s, "slices/0/pairs", 100, 0);
	IS(s, "slices/0/mismatch", 6, 0);
	IS(s, "slices/1/errors", 3, 0);
	IS(s, "slices/1/agreement/rate", 90.0 / 94, 1e-6);
	assert_non_null(strstr(buffer_text(&out), "{\"by\":\"path\",\"value\":\"/v2/models/m/infer\","));
	assert_non_null(strstr(buffer_text(&out), "{\"by\":\"model\",\"value\":\"m\","));
	assert_non_null(strstr(buffer_text(&out), "\"verdict\":\"differs\""));
	assert_null(strstr(buffer_text(&out), "_body\":"));
	buffer_deinit(&out);
	tally_free(t);
}

/* HTTP says 200 to every call of gRPC: its own status says whether it failed. */
static void test_calls(void **state)
{
	static const struct {
		const char *production, *shadow; /* grpc-status; NULL: the response isn't whole, so it may have been in the rest */
	} calls[] = { { "0", "0" }, { "0", "14" }, { "14", "14" }, { "3", "0" }, { "0", "14" }, { NULL, "14" }, { "0", NULL } };
	static const char matrix[] = "\"status_matrix\":["
				     "{\"production\":\"OK\",\"shadow\":\"UNAVAILABLE\",\"count\":2},"
				     "{\"production\":200,\"shadow\":\"UNAVAILABLE\",\"count\":1},"
				     "{\"production\":\"INVALID_ARGUMENT\",\"shadow\":\"OK\",\"count\":1},"
				     "{\"production\":\"OK\",\"shadow\":200,\"count\":1},"
				     "{\"production\":\"OK\",\"shadow\":\"OK\",\"count\":1},"
				     "{\"production\":\"UNAVAILABLE\",\"shadow\":\"UNAVAILABLE\",\"count\":1}]";
	struct tally *t = tally_of(1, false), *again;
	struct buffer out, twice;
	struct span s;

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const char *texts[2] = { calls[i].production, calls[i].shadow };
		struct header trailers[2];
		struct made x;

		make(&x);
		x.c = (struct comparison){ .verdict = COMPARISON_EQUAL };
		x.outcome = (struct outcome){ OUTCOME_ANSWERED_2XX, 200, 0, 10, 20, NULL };
		x.m.head.is_grpc = true;
		x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
		for (int side = 0; side < 2; side++) {
			struct response *r = side ? &x.shadow : &x.production;

			*r = (struct response){ .result = texts[side] ? RESPONSE_WHOLE : RESPONSE_TOO_LARGE, .status_code = 200,
						.trailers = &trailers[side], .trailer_count = texts[side] != NULL };
			trailers[side] = (struct header){ SPAN_LITERAL("grpc-status"), span_str(texts[side] ? texts[side] : "") };
		}
		tally_add(t, 0, &x.pair, &x.c);
	}
	out = written(t);
	s = buffer_span(&out);
	IS(s, "pairs", 7, 0);
	IS(s, "error_rate/production/of", 5, 0);
	IS(s, "error_rate/production/count", 2, 0);
	IS(s, "error_rate/shadow/count", 3, 0);
	IS(s, "error_rate/both", 1, 0);
	assert_non_null(strstr(buffer_text(&out), matrix));
	again = read_back(buffer_span(&out));
	twice = written(again);
	same_text(&out, &twice);
	buffer_deinit(&out);
	buffer_deinit(&twice);
	tally_free(t);
	tally_free(again);
}

static double normal(void)
{
	double u = ((double)(random_next() >> 11) + 1) * 0x1p-53, v = (double)(random_next() >> 11) * 0x1p-53;

	return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

/* @n pairs of which production takes some 100 ms, and the shadow 1.2 times as long, more or less; one in @timeouts never ends. */
static struct buffer latencies(int n, int timeouts)
{
	struct tally *t = tally_of(1, false);
	struct buffer out;
	struct made x;

	make(&x);
	for (int i = 0; i < n; i++) {
		double ms = exp(0.5 * normal());

		x.c = (struct comparison){ .verdict = COMPARISON_EQUAL, .kind = BODY_JSON };
		x.m.body_len = (uint64_t)snprintf(x.body, sizeof(x.body), "%d", i);
		x.outcome = (struct outcome){ OUTCOME_ANSWERED_2XX, 200, 0, 10, 20, NULL };
		x.production = (struct response){ .status_code = 200, .last_byte_us = (int64_t)(1e5 * ms) };
		x.shadow = (struct response){ .status_code = 200, .last_byte_us = (int64_t)(1.2e5 * ms * exp(0.2 * normal())) };
		x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
		if (timeouts > 0 && i % timeouts == 0) {
			x.c = (struct comparison){ .verdict = COMPARISON_ERROR };
			x.outcome = (struct outcome){ OUTCOME_FAILED_TIMEOUT, 0, 0, -1, 300000, NULL };
			x.pair.shadow = NULL;
		}
		tally_add(t, 0, &x.pair, &x.c);
	}
	out = written(t);
	tally_free(t);
	return out;
}

/* The ratio of the two quantiles is in its interval in 95 % of the runs and more; what bounds it may lie among the timeouts. */
static void test_ratios(void **state)
{
	enum { RUNS = 60 };
	const double p50 = 1.2, p99 = 1.2 * exp(2.32635 * (sqrt(0.25 + 0.04) - 0.5));
	int hits[2] = { 0 };
	struct buffer out;

	(void)state;
	random_state = 99;
	for (int run = 0; run < RUNS; run++) {
		struct span s;

		out = latencies(700, 0);
		s = buffer_span(&out);
		hits[0] += value(s, "targets/default/latency_us/p50_ratio_low") <= p50 &&
			   value(s, "targets/default/latency_us/p50_ratio_high") >= p50;
		hits[1] += value(s, "targets/default/latency_us/p99_ratio_low") <= p99 &&
			   value(s, "targets/default/latency_us/p99_ratio_high") >= p99;
		assert_true(value(s, "targets/default/latency_us/p50_ratio_high") < 1.6);
		buffer_deinit(&out);
	}
	if (hits[0] < 55 || hits[1] < 55)
		fail_msg("of %d: %d and %d", RUNS, hits[0], hits[1]);
	out = latencies(100, 0); /* no value of 100 is surely above the 99 % point */
	IS(buffer_span(&out), "latency_us/p50_ratio", 1.2, 0.3);
	UNKNOWN(buffer_span(&out), "latency_us/p99_ratio_low");
	UNKNOWN(buffer_span(&out), "latency_us/p99_ratio_high");
	buffer_deinit(&out);
	out = latencies(700, 50);
	assert_true(value(buffer_span(&out), "targets/default/latency_us/p50_ratio_high") > 1);
	assert_true(value(buffer_span(&out), "targets/default/latency_us/p99_ratio_low") > 0.5);
	UNKNOWN(buffer_span(&out), "latency_us/p99_ratio");
	UNKNOWN(buffer_span(&out), "latency_us/p99_ratio_high");
	buffer_deinit(&out);
}

/* A tally of nothing knows nothing, and says so in valid JSON. */
static void test_nothing(void **state)
{
	struct tally *t = tally_of(2, false), *again;
	struct buffer out = written(t), twice;
	struct span s = buffer_span(&out);

	(void)state;
	IS(s, "pairs", 0, 0);
	UNKNOWN(s, "mismatch/rate");
	UNKNOWN(s, "mismatch/high");
	UNKNOWN(s, "error_rate/delta/value");
	UNKNOWN(s, "latency_us/difference/p50/value");
	UNKNOWN(s, "latency_us/p50_ratio");
	UNKNOWN(s, "decision/score_psi");
	UNKNOWN(s, "noise/net_rate");
	again = read_back(s);
	twice = written(again);
	same_text(&out, &twice);
	buffer_deinit(&out);
	buffer_deinit(&twice);
	tally_free(again);
	tally_free(t);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		struct tally *t = tally_of(1 + seed % 2, seed % 3 == 0), *again;
		struct buffer once, twice;
		struct made x;

		random_state = seed;
		for (size_t i = 0; i < 3 + seed * 40; i++) {
			make(&x);
			tally_add(t, below(1 + seed % 2), &x.pair, &x.c);
		}
		once = written(t);
		again = read_back(buffer_span(&once));
		twice = written(again);
		same_text(&once, &twice);
		buffer_deinit(&once);
		buffer_deinit(&twice);
		tally_free(again);
		tally_free(t);
	}
}

/* Repeats are found within one run: the halves are divided so that none crosses over. */
static void test_halves(void **state)
{
	(void)state;
	for (uint64_t seed = 100; seed < 110; seed++) {
		struct tally *whole = tally_of(2, true), *half[2] = { tally_of(2, true), tally_of(2, true) }, *sum;
		struct buffer want, part[2], got;
		struct made x;

		random_state = seed;
		for (size_t i = 0; i < 400; i++) {
			size_t target = below(2);

			make(&x);
			tally_add(whole, target, &x.pair, &x.c);
			tally_add(half[(x.body[0] + x.target[12] + x.target[strlen(x.target) - 1]) % 2], target, &x.pair, &x.c);
		}
		want = written(whole);
		for (int h = 0; h < 2; h++)
			part[h] = written(half[h]);
		sum = read_back(buffer_span(&part[seed % 2]));
		assert_int_equal(tally_merge(sum, half[1 - seed % 2]), 0);
		got = written(sum);
		same_text(&want, &got);
		buffer_deinit(&want);
		buffer_deinit(&got);
		for (int h = 0; h < 2; h++) {
			buffer_deinit(&part[h]);
			tally_free(half[h]);
		}
		tally_free(whole);
		tally_free(sum);
	}
}

/* -- noise ----------------------------------------------------------------------------- */

static void add_values(struct tally *t, size_t target, int pairs, int at_a, int at_b)
{
	for (int i = 0; i < pairs; i++) {
		struct made x;

		make(&x);
		x.m.body_len = (uint64_t)snprintf(x.body, sizeof(x.body), "%d", i); /* or each request would be 100 pairs */
		x.c = (struct comparison){ .verdict = i < at_a || i < at_b ? COMPARISON_VALUE : COMPARISON_EQUAL,
					   .kind = BODY_JSON };
		x.c.findings.at = x.findings;
		if (i < at_a)
			x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/a", "/a", "1", "2", 1, 1, 1 };
		if (i < at_b)
			x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/b", "/b", "1", "2", 1, 1, 1 };
		tally_add(t, target, &x.pair, &x.c);
	}
}

static const struct {
	int shadow, control;
	bool noise;
} diffy_rule[] = { /* of 10000 pairs each */
	{ 100, 0, false },
	{ 100, 100, true },  /* no oftener than the control */
	{ 100, 66, false },  /* 34 / 166 = 20.5 % of the sum apart */
	{ 100, 67, true },   /* 33 / 167 = 19.8 % */
	{ 4, 0, false },     /* 0.04 % of the pairs apart */
	{ 3, 0, true },      /* 0.03 % is not above 0.03 % */
	{ 50, 60, true },
};

static void test_noise_by_control(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(diffy_rule) / sizeof(diffy_rule[0]); i++) {
		struct tally *t = tally_of(2, false);
		struct buffer out;
		const char *path;

		random_state = i;
		add_values(t, 0, 10000, diffy_rule[i].shadow, 0);
		add_values(t, 1, 10000, diffy_rule[i].control, 0);
		out = written(t);
		path = strstr(buffer_text(&out), "\"path\":\"/a\"");
		assert_non_null(path);
		path = strstr(path, "\"verdict\":");
		if (strncmp(path, diffy_rule[i].noise ? "\"verdict\":\"noise\"" : "\"verdict\":\"differs\"", 17) != 0)
			fail_msg("%d against %d: %.20s", diffy_rule[i].shadow, diffy_rule[i].control, path);
		IS(buffer_span(&out), "noise/net_rate",
		   diffy_rule[i].shadow > diffy_rule[i].control ? (diffy_rule[i].shadow - diffy_rule[i].control) / 1e4 : 0, 1e-8);
		buffer_deinit(&out);
		tally_free(t);
	}
}

/* Request @i of 400: at /a the shadow differs in 80, the control in 50, both in 45; at /b the control alone, in 10. */
static void add_beside(struct tally *t, int i)
{
	bool at_a[2] = { i % 400 < 80, i % 400 < 45 || i % 400 >= 395 }, at_b = i % 40 == 38;
	struct judged *judged[2];

	for (size_t target = 0; target < 2; target++) {
		struct made x;

		make(&x);
		snprintf(x.target, sizeof(x.target), "/x");
		x.m.head.target = span_str(x.target);
		x.m.body_len = (uint64_t)snprintf(x.body, sizeof(x.body), "%d", i);
		x.c = (struct comparison){ .verdict = COMPARISON_EQUAL, .kind = BODY_JSON };
		x.c.findings.at = x.findings;
		if (at_a[target])
			x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/a", "/a", "1", "2", 1, 1, 1 };
		if (at_b && target == 1)
			x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/b", "/b", "1", "2", 1, 1, 1 };
		if (x.c.findings.count > 0)
			x.c.verdict = COMPARISON_VALUE;
		if (i % 10 == 9 && target == 1) /* answered by one alone: it does not count */
			x.c = (struct comparison){ .verdict = COMPARISON_ERROR, .reason = "timeout" };
		tally_add(t, target, &x.pair, &x.c);
		judged[target] = tally_judged(t, target, &x.c);
	}
	if (judged[0] && judged[1]) /* in whatever order they are judged */
		tally_add_beside(t, i % 2, judged[i % 2], 1 - i % 2, judged[1 - i % 2]);
	free(judged[0]);
	free(judged[1]);
}

/* Request by request: the counts, what follows from them, halves that add up, and the file that has it. */
static void test_noise_of_the_same_requests(void **state)
{
	struct tally *whole = tally_of(2, false), *half[2] = { tally_of(2, false), tally_of(2, false) }, *again;
	struct buffer want, got, part;

	(void)state;
	for (int i = 0; i < 1600; i++) {
		random_state = (uint64_t)i;
		add_beside(whole, i);
		random_state = (uint64_t)i;
		add_beside(half[i % 3 == 0], i);
	}
	want = written(whole);
	IS(buffer_span(&want), "noise/paired/both", 4 * 42, 0);
	IS(buffer_span(&want), "noise/paired/shadow", 4 * 30, 0);
	IS(buffer_span(&want), "noise/paired/control", 4 * 11, 0);
	IS(buffer_span(&want), "noise/paired/neither", 4 * 277, 0);
	IS(buffer_span(&want), "noise/net_rate", 19.0 / 360, 1e-6);
	IS(buffer_span(&want), "noise/paths/0/both", 4 * 41, 0);
	IS(buffer_span(&want), "noise/paths/0/shadow", 4 * 31, 0);
	IS(buffer_span(&want), "noise/paths/1/control", 4 * 10, 0);
	IS(buffer_span(&want), "paths/0/net/value", 27.0 / 360, 1e-6);
	assert_non_null(strstr(buffer_text(&want), "\"shares\":\"paired\"},\"verdict\":\"differs\""));
	part = written(half[1]);
	again = read_back(buffer_span(&part));
	assert_int_equal(tally_merge(again, half[0]), 0);
	got = written(again);
	same_text(&want, &got);
	buffer_deinit(&want);
	buffer_deinit(&got);
	buffer_deinit(&part);
	tally_free(again);
	tally_free(half[0]);
	tally_free(half[1]);
	tally_free(whole);
}

/* Without a control: production answered 10 of 40 repeated requests otherwise, so 25 % of differences say little. */
static void test_noise_by_repeats(void **state)
{
	struct tally *t = tally_of(1, false);
	struct buffer out;

	(void)state;
	random_state = 5;
	for (int i = 0; i < 80; i++) {
		struct made x;

		make(&x);
		snprintf(x.target, sizeof(x.target), "/x");
		snprintf(x.body, sizeof(x.body), "%d", i % 40);
		x.m.head.target = span_str(x.target);
		x.m.body_len = strlen(x.body);
		x.c = (struct comparison){ .verdict = COMPARISON_VALUE, .kind = BODY_JSON };
		x.production = (struct response){ .status_code = 200, .body = (uint8_t *)x.response[0], .body_len = 1 };
		x.shadow = (struct response){ .status_code = 200, .body = (uint8_t *)x.response[1], .body_len = 1 };
		x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
		x.response[0][0] = i >= 40 && i < 50 ? 'b' : 'a';
		x.response[1][0] = i >= 40 && i < 42 ? 'b' : 'a';
		x.c.findings.at = x.findings;
		x.c.findings.count = 0;
		if (i < 20)
			x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/seldom", "/seldom", "", "", 1, 0, 0 };
		x.findings[x.c.findings.count++] = (struct finding){ DIFFERENCE_VALUE, "/often", "/often", "", "", 1, 0, 0 };
		tally_add(t, 0, &x.pair, &x.c);
	}
	out = written(t);
	IS(buffer_span(&out), "repeats/requests", 40, 0);
	IS(buffer_span(&out), "repeats/same_production", 30, 0);
	IS(buffer_span(&out), "repeats/same_shadow", 38, 0);
	IS(buffer_span(&out), "noise/mismatch/rate", 0.25, 1e-9);
	IS(buffer_span(&out), "noise/net_rate", 0.75, 1e-9);
	assert_non_null(strstr(buffer_text(&out), "\"source\":\"repeats\""));
	assert_int_equal(strncmp(strstr(strstr(buffer_text(&out), "\"/often\""), "\"verdict\":"), "\"verdict\":\"differs\"", 19), 0);
	assert_int_equal(strncmp(strstr(strstr(buffer_text(&out), "\"/seldom\""), "\"verdict\":"), "\"verdict\":\"noise\"", 17), 0);
	buffer_deinit(&out);
	tally_free(t);
}

/* -- what was left out, and rules to paste --------------------------------------------- */

/** add_found() - @pairs pairs of JSON in which the @count findings are found */
static void add_found(struct tally *t, int pairs, enum comparison_verdict verdict, const char *reason,
		      const struct finding *findings, size_t count)
{
	for (int i = 0; i < pairs; i++) {
		struct made x;

		make(&x);
		x.production = (struct response){ .status_code = 200, .body = (uint8_t *)x.response[0], .body_len = 1 };
		x.shadow = x.production;
		x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
		x.c = (struct comparison){ .verdict = verdict, .reason = reason, .kind = BODY_JSON };
		x.c.findings.at = findings;
		x.c.findings.count = count;
		for (size_t k = 0; k < count; k++)
			x.c.findings.ignored += findings[k].kind == DIFFERENCE_IGNORED ? findings[k].count : 0;
		tally_add(t, 0, &x.pair, &x.c);
	}
}

static void test_ignored(void **state)
{
	static const struct finding one = { DIFFERENCE_IGNORED, "/duration", "/duration", "", "", 2, 0, 0, 0, 0, "rules.txt:3" };
	static const struct finding two[] = { { DIFFERENCE_VALUE, "/a", "/a", "", "", 1, 0, 0, 0, 0, NULL },
					      { DIFFERENCE_IGNORED, "/\x9b/id", "/\x9b/id", "", "", 1, 0, 0, 0, 0, "--preset v2" } };
	struct tally *t = tally_of(1, false), *merged = tally_of(1, false), *again;
	struct buffer out, notes = { 0 };

	(void)state;
	add_found(t, 90, COMPARISON_CLOSE, REASON_IGNORED, &one, 1);
	add_found(t, 8, COMPARISON_VALUE, NULL, two, 2);
	add_found(t, 102, COMPARISON_EQUAL, NULL, NULL, 0);
	out = written(t);
	IS(buffer_span(&out), "ignored/pairs", 98, 0);
	IS(buffer_span(&out), "ignored/of", 200, 0);
	IS(buffer_span(&out), "ignored/rate", 0.49, 1e-9);
	IS(buffer_span(&out), "ignored/alone", 90, 0);
	IS(buffer_span(&out), "ignored/paths/0/pairs", 90, 0);
	IS(buffer_span(&out), "ignored/paths/0/differences", 180, 0);
	IS(buffer_span(&out), "ignored/paths/1/pairs", 8, 0);
	IS(buffer_span(&out), "mismatch/count", 8, 0);
	IS(buffer_span(&out), "paths/0/pairs", 8, 0); /* what is ignored is not among the paths that differ */
	tally_notes(t, 0, &notes);
	assert_string_equal(buffer_text(&notes),
			    "  ignored    /duration differs in 90 of 200 pairs (rules.txt:3)\n"
			    "             /\xef\xbf\xbd/id differs in 8 of 200 pairs (--preset v2)\n"
			    "  warning    what is ignored differs in 49.00% of the pairs; make sure that none of it is what the model "
			    "answers\n");
	again = read_back(buffer_span(&out));
	buffer_deinit(&out);
	assert_int_equal(tally_merge(merged, t) + tally_merge(merged, again), 0);
	out = written(merged);
	IS(buffer_span(&out), "ignored/pairs", 196, 0);
	IS(buffer_span(&out), "ignored/alone", 180, 0);
	IS(buffer_span(&out), "ignored/paths/1/pairs", 16, 0);
	buffer_deinit(&out);
	buffer_deinit(&notes);
	tally_free(t);
	tally_free(again);
	tally_free(merged);
}

/* Which difference, in how many of 100 pairs, gives which line to paste. */
static void test_proposals(void **state)
{
	static const struct {
		struct finding f;
		int pairs;
		const char *rule; /* NULL: none */
	} rows[] = {
		{ { DIFFERENCE_VALUE, "/id", "", "route-7", "route-0", 1, 0, 0, 0, 0, NULL }, 100, "/id ignore" },
		{ { DIFFERENCE_VALUE, "/id", "", "route-7", "route-0", 1, 0, 0, 0, 0, NULL }, 94, NULL }, /* not in all */
		{ { DIFFERENCE_VALUE, "/duration", "", "420", "4200", 1, 3780, 9, 1, 1, NULL }, 100, NULL }, /* what a model says */
		{ { DIFFERENCE_VALUE, "/name", "", "anna", "bert", 1, 0, 0, 0, 0, NULL }, 100, NULL },
		{ { DIFFERENCE_VALUE, "/x", "", "chatcmpl-8f2c01aa93b7", "chatcmpl-0a3199ff77e2", 1, 0, 0, 0, 0, NULL }, 96, "/x ignore" },
		{ { DIFFERENCE_VALUE, "/x/*/y", "", "8f2c01aa-93b7-4c1e-8f00-0a3199ff77e2", "8f2c01aa-93b7-4c1e-8f00-0a3199ff77e3", 3, 0, 0, 0,
		    0, NULL }, 100, "/x/*/y ignore" },
		{ { DIFFERENCE_VALUE, "/x", "", "1764324000", "1764324007.5", 1, 7.5, 4e-9, 1, 1, NULL }, 100, "/x ignore" },
		{ { DIFFERENCE_VALUE, "/x", "", "1764324000123", "1764324000999", 1, 876, 4e-9, 1, 1, NULL }, 100, "/x ignore" },
		{ { DIFFERENCE_VALUE, "/x", "", "2026-11-28T10:00:00Z", "2026-11-28 10:00:01+00:00", 1, 0, 0, 0, 0, NULL }, 100, "/x ignore" },
		{ { DIFFERENCE_VALUE, "/a key \"q\"/created", "", "a", "b", 1, 0, 0, 0, 0, NULL }, 100, "\"/a key \\\"q\\\"/created\" ignore" },
		{ { DIFFERENCE_VALUE, "/x**/id", "", "a", "b", 1, 0, 0, 0, 0, NULL }, 100, NULL }, /* no rule can say this */
		{ { DIFFERENCE_MISSING, "/id", "", "a", "", 1, 0, 0, 0, 0, NULL }, 100, NULL },
		{ { DIFFERENCE_VALUE, "/score", "", "0.5", "0.518", 7, 0.0183, 0.4, 7, 7, NULL }, 60, "/score num atol=0.019" },
		{ { DIFFERENCE_VALUE, "/score", "", "0.5", "0.52", 7, 0.02, 0.4, 7, 7, NULL }, 2, "/score num atol=0.02" },
		{ { DIFFERENCE_VALUE, "/price", "", "500", "503", 1, 3, 0.006, 1, 1, NULL }, 100, "/price num rtol=0.006" },
		{ { DIFFERENCE_VALUE, "/price", "", "0", "3", 2, 3, 0.006, 2, 1, NULL }, 100, NULL }, /* rtol lets nothing beside 0 pass */
		{ { DIFFERENCE_VALUE, "/price", "", "500", "700", 1, 200, 0.4, 1, 1, NULL }, 100, NULL },
		{ { DIFFERENCE_VALUE, "/data/*/embedding/*", "", "0.5", "0.51", 9, 0.01, 0.4, 9, 9, NULL }, 100, "/data/*/embedding cosine" },
		{ { DIFFERENCE_VALUE, "/embeddings/*/*", "", "0.5", "0.9", 9, 0.4, 0.4, 9, 9, NULL }, 3, "/embeddings cosine" },
		{ { DIFFERENCE_VALUE, "/data/*/embedding", "", "0.5", "0.9", 9, 0.4, 0.4, 9, 9, NULL }, 100, NULL }, /* a number */
		{ { DIFFERENCE_VALUE, "/data/*/embedding/*", "", "a", "b", 9, 0, 0, 0, 0, NULL }, 100, NULL },
		{ { DIFFERENCE_VALUE, "/unembedding/*", "", "0.5", "0.9", 9, 0.4, 0.4, 9, 9, NULL }, 100, NULL },
		{ { DIFFERENCE_VALUE, "/mixed", "", "0.5", "none", 2, 0.001, 0.002, 1, 1, NULL }, 100, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tally *t = tally_of(1, false);
		struct buffer out, notes = { 0 }, want = { 0 };
		struct json j = json_to(&want);

		add_found(t, rows[i].pairs, COMPARISON_VALUE, NULL, &rows[i].f, 1);
		add_found(t, 100 - rows[i].pairs, COMPARISON_EQUAL, NULL, NULL, 0);
		tally_notes(t, 0, &notes);
		out = written(t);
		json_key(&j, "proposal");
		if (rows[i].rule)
			json_str(&j, rows[i].rule);
		else
			json_null(&j);
		if (!strstr(buffer_text(&out), buffer_text(&want)) || (notes.len > 0) != (rows[i].rule != NULL) ||
		    (rows[i].rule && (!strstr(buffer_text(&notes), rows[i].rule) ||
				      !strstr(buffer_text(&notes), "each is a line for the file that --rules names\n"))))
			fail_msg("row %zu: no %s; %s", i, buffer_text(&want), buffer_text(&notes));
		buffer_deinit(&out);
		buffer_deinit(&notes);
		buffer_deinit(&want);
		tally_free(t);
	}
}

/* Answers with an id never have the same bytes: what was decided, and said where the two differ, is what came again. */
static const struct repeated {
	enum comparison_verdict verdict;
	const char *production[2], *shadow[2], *decided[2]; /* the first time, and the second */
	enum difference_kind kind;
	unsigned requests, same_production, same_shadow, forgotten;
} repeated[] = {
	{ COMPARISON_VALUE, { "1", "1" }, { "2", "2" }, { "a", "a" }, DIFFERENCE_VALUE, 1, 1, 1, 0 },
	{ COMPARISON_VALUE, { "1", "3" }, { "2", "2" }, { "a", "a" }, DIFFERENCE_VALUE, 1, 0, 1, 0 },
	{ COMPARISON_VALUE, { "1", "1" }, { "2", "3" }, { "a", "a" }, DIFFERENCE_VALUE, 1, 1, 0, 0 },
	{ COMPARISON_DECISION, { "1", "1" }, { "2", "2" }, { "a", "b" }, DIFFERENCE_DECISION, 1, 0, 1, 0 },
	{ COMPARISON_CLOSE, { "1", "3" }, { "2", "4" }, { "a", "a" }, DIFFERENCE_CLOSE, 1, 1, 1, 0 },
	{ COMPARISON_STATUS, { "1", "1" }, { "2", "2" }, { "a", "a" }, DIFFERENCE_VALUE, 0, 0, 0, 1 },
	{ COMPARISON_NOT_COMPARABLE, { "1", "1" }, { "2", "2" }, { "a", "a" }, DIFFERENCE_VALUE, 0, 0, 0, 1 },
};

static void test_repeats_of_varying_bytes(void **state)
{
	(void)state;
	for (size_t row = 0; row < sizeof(repeated) / sizeof(repeated[0]); row++) {
		const struct repeated *r = &repeated[row];
		struct tally *t = tally_of(1, false);
		struct buffer out;

		random_state = 7;
		for (int i = 0; i < 2; i++) {
			struct made x;

			make(&x);
			snprintf(x.target, sizeof(x.target), "/x");
			snprintf(x.body, sizeof(x.body), "the same");
			x.m.head.target = span_str(x.target);
			x.m.body_len = strlen(x.body);
			snprintf(x.response[0], sizeof(x.response[0]), "id %d of production", i);
			snprintf(x.response[1], sizeof(x.response[1]), "id %d of the shadow", i);
			x.production = (struct response){ .status_code = 200, .body = (uint8_t *)x.response[0], .body_len = 6 };
			x.shadow = (struct response){ .status_code = 200, .body = (uint8_t *)x.response[1], .body_len = 6 };
			x.pair = (struct pair){ &x.m, &x.production, &x.shadow, &x.outcome };
			x.c = (struct comparison){ .verdict = r->verdict, .kind = BODY_JSON };
			x.c.findings.at = x.findings;
			x.c.findings.count = x.c.findings.decision_count = 1;
			x.c.findings.decisions = x.decisions;
			x.findings[0] = (struct finding){ r->kind, "/a", "/a", "", "", 1, 1, 1 };
			snprintf(x.findings[0].production, sizeof(x.findings[0].production), "%s", r->production[i]);
			snprintf(x.findings[0].shadow, sizeof(x.findings[0].shadow), "%s", r->shadow[i]);
			x.decisions[0] = (struct model_decision){ .agrees = true };
			snprintf(x.decisions[0].production, LABEL_TEXT, "%s", r->decided[i]);
			tally_add(t, 0, &x.pair, &x.c);
		}
		out = written(t);
		IS(buffer_span(&out), "repeats/requests", r->requests, 0);
		IS(buffer_span(&out), "repeats/same_production", r->same_production, 0);
		IS(buffer_span(&out), "repeats/same_shadow", r->same_shadow, 0);
		IS(buffer_span(&out), "repeats/forgotten", r->forgotten, 0);
		buffer_deinit(&out);
		tally_free(t);
	}
}

/* Streams are those of events, and calls of gRPC whose facts say that there were several messages. */
static void test_streams(void **state)
{
	static const struct stream_facts none = { .first_token_us = -1 };
	static const struct stream_facts facts = { .events = 3, .tokens = 3, .first_token_us = 70 };
	struct tally *t = tally_of(1, false);
	struct buffer out;

	(void)state;
	random_state = 4;
	for (int i = 0; i < 12; i++) {
		struct made x;

		make(&x);
		x.pair.production = &x.production;
		x.pair.shadow = &x.shadow;
		x.c = (struct comparison){ .verdict = COMPARISON_EQUAL, .kind = i < 2 ? BODY_EVENTS : BODY_PROTOBUF,
					   .production_stream = i < 7 ? facts : none, .shadow_stream = i < 4 ? facts : none };
		tally_add(t, 0, &x.pair, &x.c);
	}
	out = written(t);
	IS(buffer_span(&out), "streams/production/count", 7, 0);
	IS(buffer_span(&out), "streams/production/events", 21, 0);
	IS(buffer_span(&out), "streams/shadow/count", 7, 0);
	IS(buffer_span(&out), "streams/shadow/tokens", 12, 0);
	buffer_deinit(&out);
	tally_free(t);
}

/* A generated text that differs is no mismatch, until a control shows how much of it is noise. */
static void test_generated(void **state)
{
	(void)state;
	for (size_t targets = 1; targets <= 2; targets++) {
		struct tally *t = tally_of(targets, false);
		struct buffer out;

		random_state = 9;
		for (int i = 0; i < 50; i++) {
			struct made x;

			make(&x);
			x.c = (struct comparison){ .verdict = i < 30 ? COMPARISON_VALUE
							       : i < 40 ? COMPARISON_EQUAL : COMPARISON_STATUS,
						   .kind = BODY_EVENTS, .generated = true, .common_prefix = 10,
						   .production_len = i < 30 ? 40 : 10, .shadow_len = i < 30 ? 20 : 10 };
			tally_add(t, 0, &x.pair, &x.c);
		}
		for (int i = 0; i < 7; i++) { /* what a reply decides is a mismatch, with a control and without */
			struct made x;

			make(&x);
			x.c = (struct comparison){ .verdict = COMPARISON_DECISION, .reason = "tool_call", .kind = BODY_EVENTS,
						   .generated = true,
						   .reply = i < 4 ? REPLY_TOOL_CALL : REPLY_EMPTY };
			tally_add(t, 0, &x.pair, &x.c);
		}
		out = written(t);
		IS(buffer_span(&out), "generated/decisions/tool_call", 4, 0);
		IS(buffer_span(&out), "generated/decisions/empty", 3, 0);
		IS(buffer_span(&out), "generated/decisions/finish_reason", 0, 0);
		IS(buffer_span(&out), "mismatch/count", targets == 1 ? 17 : 47, 0);
		assert_int_equal(tally_brief(t, 0).mismatch.count, targets == 1 ? 17 : 47);
		assert_int_equal(tally_brief(t, 0).generated_apart, targets == 1 ? 30 : 0);
		if (targets == 2) /* the control was asked nothing */
			assert_true(isnan(tally_brief(t, 1).target.p50));
		IS(buffer_span(&out), "generated/different", 30, 0);
		IS(buffer_span(&out), "generated/same_text", 27, 0);
		IS(buffer_span(&out), "generated/common_prefix_share", 0.357143, 1e-6);
		buffer_deinit(&out);
		tally_free(t);
	}
}

/* What a body says is looked for where responses differ: by both halves as by the whole, on the terminal and in the file. */
static void test_explained(void **state)
{
	struct tally *whole = tally_of(1, false), *halves[2] = { tally_of(1, false), tally_of(1, false) };
	struct buffer out, merged, notes = { 0 };

	(void)state;
	random_state = 6;
	for (int i = 0; i < 1500; i++) {
		static char body[200];
		size_t width = (size_t)1 << below(10);
		struct made x;

		make(&x);
		snprintf(body, sizeof(body), "{\"inputs\":[{\"shape\":[1,%zu],\"data\":[0,1,2,3,4,5,6,7,8,%zu]}],\"user\":\"u%zu\"}", width,
			 below(90), below(9));
		x.m.body = (uint8_t *)body;
		x.m.body_len = strlen(body);
		x.c.findings = (struct findings){ .count = 0 };
		x.c.verdict = width > 128 && below(2) ? COMPARISON_VALUE : i % 8 ? COMPARISON_EQUAL : COMPARISON_ERROR;
		x.c.reason = NULL;
		x.c.generated = false;
		tally_add(whole, 0, &x.pair, &x.c);
		tally_add(halves[i % 2], 0, &x.pair, &x.c);
	}
	tally_notes(whole, 0, &notes);
	assert_non_null(strstr(buffer_text(&notes), "  explained  disagreement is found only ("));
	assert_non_null(strstr(buffer_text(&notes), " pairs) where /inputs/0/shape/1 > 128\n"));
	assert_int_equal(tally_merge(halves[0], halves[1]), 0);
	out = written(whole);
	merged = written(halves[0]);
	assert_non_null(strstr(buffer_text(&out), "\"explained_by\":[{\"where\":\"/inputs/0/shape/1 > 128\","));
	assert_null(strstr(buffer_text(&out), "\"u1\""));
	buffer_clear(&notes);
	tally_notes(halves[0], 0, &notes);
	assert_non_null(strstr(buffer_text(&notes), " pairs) where /inputs/0/shape/1 > 128\n"));
	buffer_deinit(&out);
	buffer_deinit(&merged);
	buffer_deinit(&notes);
	tally_free(whole);
	tally_free(halves[0]);
	tally_free(halves[1]);
}

/* -- texts of examples ----------------------------------------------------------------- */

static const struct {
	const char *production, *shadow;
	uint64_t same, from, words;
	const char *said; /* of production; NULL: EXAMPLE_SAID_MAX bytes or less */
} texts[] = {
	{ "a b c", "a b d", 4, 0, 2, "a b c" },
	{ "a b", "a bc", 3, 0, 1, "a b" }, /* b may not be all of the word */
	{ "", "x", 0, 0, 0, "" },
	{ "x", "y", 0, 0, 0, "x" },
	{ "  a  b x", "  a  b y", 7, 0, 2, "  a  b x" },
};

/* Where two texts part, and so much before it as helps; a window begins and ends at a letter. */
static void test_example_texts(void **state)
{
	struct buffer a = { 0 }, b = { 0 };
	struct example_texts t;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		example_say(&t, span_str(texts[i].production), span_str(texts[i].shadow), texts[i].same);
		assert_int_equal(t.same_words, texts[i].words);
		assert_int_equal(t.from, texts[i].from);
		assert_string_equal(t.said[0], texts[i].said);
		assert_string_equal(t.said[1], texts[i].shadow);
		free(t.said[0]);
		free(t.said[1]);
	}
	for (int i = 0; i < 400; i++)
		buffer_add_str(&a, "\xc3\xa4");
	buffer_add_span(&b, buffer_span(&a));
	buffer_add_str(&a, "x");
	for (uint64_t cut = 0; cut < 3; cut++) {
		example_say(&t, buffer_span(&a), buffer_span(&b), 800 - cut);
		assert_true(t.from % 2 == 0 && t.from <= 800 - cut && 800 - cut - t.from <= EXAMPLE_SAID_BEFORE);
		assert_int_equal(strlen(t.said[0]), 801 - t.from);
		assert_null(strstr(t.said[0], "\xef\xbf\xbd"));
		free(t.said[0]);
		free(t.said[1]);
	}
	example_say(&t, buffer_span(&a), buffer_span(&b), 0);
	assert_int_equal(strlen(t.said[0]), EXAMPLE_SAID_MAX);
	free(t.said[0]);
	free(t.said[1]);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

/* -- bounds ---------------------------------------------------------------------------- */

/* As many names as anyone can send: every one is counted, in its place or as overflow, and memory ends. */
static void test_bounded(void **state)
{
	enum { PAIRS = 6000 }; /* the tables that the sample of requests grew out of weigh as much as it when it is full */
	struct tally *t;
	struct buffer out;
	double places = 0;
	size_t before = allocated, took;
	static char big[5000];

	(void)state;
	memset(big, 'x', sizeof(big));
	t = tally_of(1, true);
	random_state = 3;
	for (int i = 0; i < PAIRS; i++) {
		struct made x;

		make(&x);
		x.c.verdict = (enum comparison_verdict)(i % COMPARISON_COUNT);
		x.c.reason = NULL;
		x.c.findings = (struct findings){ .at = x.findings, .count = 1, .decisions = x.decisions,
						  .decision_count = 1, .decisions_total = 1 };
		snprintf(x.patterns[0], sizeof(x.patterns[0]), "/%d", i);
		x.findings[0] = (struct finding){ DIFFERENCE_VALUE, x.patterns[0], x.patterns[0], "", "", 1, 0, 0 };
		x.decisions[0] = (struct model_decision){ .production_score = NAN, .shadow_score = NAN };
		snprintf(x.decisions[0].production, LABEL_TEXT, "%040d", i);
		snprintf(x.decisions[0].shadow, LABEL_TEXT, "%040d", -i);
		snprintf(x.target, sizeof(x.target), "/v1/models/%d", i);
		snprintf(x.tenant, sizeof(x.tenant), "%d", i);
		snprintf(x.body, sizeof(x.body), "%d", i);
		x.headers[0].value = span_str(x.tenant);
		x.m.head.target = span_str(x.target);
		x.production.body = x.shadow.body = x.m.body = (uint8_t *)big;
		x.m.body_len = x.production.body_len = x.shadow.body_len = 20 + (uint64_t)i % (sizeof(big) - 20);
		x.outcome.status_code = 100 + i % 900;
		x.c.production_text = x.c.shadow_text = span_of(big, sizeof(big));
		tally_add(t, 0, &x.pair, &x.c);
	}
	took = allocated - before;
	print_message("          a target full to the brim took %zu bytes\n", took);
	if (took > TALLY_TARGET_BYTES_MAX)
		fail_msg("%zu bytes", took);
	out = written(t);
	IS(buffer_span(&out), "paths_overflow", PAIRS - TALLY_PATHS_MAX, 0);
	IS(buffer_span(&out), "decision/confusion_overflow", PAIRS - TALLY_CONFUSIONS_MAX, 0);
	IS(buffer_span(&out), "slices_overflow", 3 * (PAIRS - TALLY_SLICES_MAX), 0);
	for (int i = 0; i < TALLY_STATUSES_MAX; i++) {
		char path[64];

		snprintf(path, sizeof(path), "targets/default/status_matrix/%d/count", i);
		places += value(buffer_span(&out), path);
	}
	IS(buffer_span(&out), "status_overflow", PAIRS - places, 0);
	buffer_deinit(&out);
	tally_free(t);
}

/* Whichever allocation fails, a tally counts on or says -ENOMEM, and nothing leaks or breaks. */
static void test_out_of_memory(void **state)
{
	(void)state;
	for (long n = 0; n < 400; n += n < 60 ? 1 : 7) {
		struct tally_options options = { both_targets, 2, slice_headers, 1, NULL, true };
		struct tally *t, *other = tally_of(2, true);
		struct made x;

		random_state = 77;
		for (int i = 0; i < 20; i++) {
			make(&x);
			tally_add(other, 1, &x.pair, &x.c);
		}
		fail_all_further = true;
		fail_at = n;
		t = tally_new(&options);
		for (int i = 0; t && i < 20; i++) {
			make(&x);
			tally_add(t, 0, &x.pair, &x.c);
		}
		if (t)
			tally_merge(t, other);
		fail_at = -1;
		if (t) {
			struct buffer out = written(t);

			IS(buffer_span(&out), "pairs", 20, 0);
			buffer_deinit(&out);
		}
		tally_free(t);
		tally_free(other);
	}
}

/* -- files that others wrote ----------------------------------------------------------- */

static const struct {
	const char *text, *said; /* NULL: it is read */
} files[] = {
	{ "{}", "no comparison" },
	{ "[]", "no comparison" },
	{ "{\"targets\":[]}", "no comparison" },
	{ "{\"targets\":{}}", NULL },
	{ "{\"targets\":{\"a\":{}}}", NULL },
	{ "{\"targets\":{\"a\":7}}", NULL },
	{ "{\"targets\":{\"a\":{}},\"requests\":{},\"count\":\"x\",\"buckets\":7,\"max_abs\":[]}", NULL }, /* not the target's */
	{ "{\"targets\":{\"a\":{\"verdicts\":null,\"new\":[1,{}]}}}", NULL },
	{ "{\"targets\":{\"a\":{},\"a\":{}}}", "doubles" },
	{ "{\"targets\":{\"a\":{\"verdicts\":[]}}}", "\"verdicts\" of target \"a\" is not an object" },
	{ "{\"targets\":{\"a\":{\"verdicts\":{\"equal\":-1}}}}", "\"equal\" of target \"a\" is not a count" },
	{ "{\"targets\":{\"a\":{\"verdicts\":{\"equal\":1.5}}}}", "not a count" },
	{ "{\"targets\":{\"a\":{\"verdicts\":{\"equal\":9007199254740993}}}}", "not a count" },
	{ "{\"targets\":{\"a\":{\"paths\":{}}}}", "\"paths\" of target \"a\" is not a list" },
	{ "{\"targets\":{\"a\":{\"paths\":[1,null,[],\"x\"]}}}", NULL },
	{ "{\"targets\":{\"a\":{\"paths\":[{\"path\":7}]}}}", "\"path\" of target \"a\" is not a text" },
	{ "{\"targets\":{\"a\":{\"paths\":[{\"max_abs\":NaN}]}}}", "not a number" },
	{ "{\"targets\":{\"a\":{\"decision\":{\"count\":1,\"agree\":2}}}}", "decision.agree" },
	{ "{\"targets\":{\"a\":{\"decision\":{\"scores\":{\"production\":[[99,1]]}}}}}", "scores" },
	{ "{\"targets\":{\"a\":{\"decision\":{\"scores\":{\"production\":[[-21,1],[40,2]]}}}}}", NULL },
	{ "{\"targets\":{\"a\":{\"error_rate\":{\"both\":2,\"shadow\":{\"count\":1,\"of\":9}}}}}", "fit together" },
	{ "{\"targets\":{\"a\":{\"latency_us\":{\"production\":{\"total\":{\"buckets\":[[2304,1]]}}}}}}", "buckets" },
	{ "{\"targets\":{\"a\":{\"latency_us\":{\"production\":{\"total\":{\"buckets\":[[1]]}}}}}}", "buckets" },
	{ "{\"targets\":{\"a\":{\"first_pairs\":{\"agree\":\"xyz\"}}}}", "a sample of requests" },
	{ "{\"targets\":{\"a\":{\"witnesses\":{\"buckets\":{\"clients\":[[1]]}}}}}", "lists of buckets and counts" },
	{ "{\"targets\":{\"a\":{\"repeats\":{\"requests\":1,\"same_shadow\":2}}}}", "fit together" },
	{ "{\"targets\":{\"a\":{\"noise\":{\"paired\":{\"both\":1.5}}}}}", "\"noise.paired\" of target \"a\"" },
	{ "{\"targets\":{\"a\":{\"slices\":[{\"by\":\"path\",\"mismatch\":1,\"generated_different\":1}]}}}", NULL },
	{ "{\"targets\":{\"a\":{\"examples\":[{},{\"verdict\":\"equal\",\"id\":\"0\"},{\"verdict\":\"value\",\"id\":\"0\",\"status\":[200]}]}}}", NULL },
};

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct json_doc d = { 0 };
		struct buffer error = { 0 };
		struct tally *t;

		assert_int_equal(json_doc_parse(&d, span_str(files[i].text)), 0);
		t = tally_read(&d, 0, &error);
		if (!t != !!files[i].said)
			fail_msg("%s: %s", files[i].text, t ? "read" : buffer_text(&error));
		if (files[i].said && !strstr(buffer_text(&error), files[i].said))
			fail_msg("%s: %s", files[i].text, buffer_text(&error));
		if (t) {
			struct buffer out = written(t);

			buffer_deinit(&out);
		}
		tally_free(t);
		json_doc_deinit(&d);
		buffer_deinit(&error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_pairs),
		cmocka_unit_test(test_ratios),
		cmocka_unit_test(test_calls),      cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_halves),
		cmocka_unit_test(test_noise_by_control), cmocka_unit_test(test_noise_by_repeats),
		cmocka_unit_test(test_noise_of_the_same_requests),
		cmocka_unit_test(test_repeats_of_varying_bytes),
		cmocka_unit_test(test_ignored),          cmocka_unit_test(test_proposals),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_generated),        cmocka_unit_test(test_example_texts), cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_explained),
		cmocka_unit_test(test_out_of_memory),    cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
