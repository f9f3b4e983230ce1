/*
 * fuzz_comparer.c - two responses made of any bytes
 *
 * The first bytes choose the headers of both, whether they are of a call of gRPC and of which method, and where the
 * first body ends. The
 * verdict is the same a second time and in a fresh comparer; a response compared
 * with itself is equal or not comparable; no number comes out that is none.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare/comparer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static const char *const types[] = { "application/json",
				     "text/event-stream",
				     "text/plain",
				     "application/octet-stream",
				     "image/png",
				     "",
				     "application/cloudevents+json",
				     "application/json" };
static const char *const codings[] = { "", "", "gzip", "deflate", "br", "zstd", "gzip, deflate", "identity" };

static const char *const methods[] = { "/inference.GRPCInferenceService/ModelInfer",
				       "/inference.GRPCInferenceService/ModelStreamInfer",
				       "/tensorflow.serving.PredictionService/Predict",
				       "/tensorflow.serving.PredictionService/Classify",
				       "/tensorflow.serving.PredictionService/Regress",
				       "/tensorflow.serving.PredictionService/MultiInference",
				       "/a.B/C",
				       "/" };

#define POOR 16000 /* bytes: a document of 256 values takes 5,120 */

/** new_comparer() - @memory: 0, or so little that many pairs are too large for it */
static struct comparer *new_comparer(size_t memory)
{
	struct compare_options options = {
		.rtol = 1e-5,
		.atol = 1e-8,
		.preset = "any",
		.rules = SPAN_LITERAL(
			"/a ignore\n/b/* exact\n/outputs/*/data num rtol=0.1\n/c topk k=2\n/d set\n/e text\n"
			"/data/*/embedding cosine\n/f cosine min=0.9\n/outputs/1/data cosine\n/results rank k=2\n/g rank\n/predictions regression\n/h boxes\n/i/* boxes iou=0.3 score=0\n/outputs/2/data regression rtol=0.1\n"),
		.rules_name = "rules",
		.max_body = 65536,
		.memory = memory,
	};
	struct buffer error = { 0 };
	struct comparer *c;

	must(comparer_new(&options, &c, &error) == 0);
	return c;
}

/** struct side - a response and the memory of its own that it is made of */
struct side {
	struct response response;
	struct header headers[3];
	char head_len[16];
};

static void make(struct side *s, uint8_t how, uint8_t head_len, struct span body)
{
	static struct arrival arrivals[] = { { 0, 10 }, { 5, 20 }, { 50, 30 } };

	memset(s, 0, sizeof(*s));
	s->headers[0] = (struct header){ SPAN_LITERAL("Content-Type"), span_str(types[how & 7]) };
	s->headers[1] = (struct header){ SPAN_LITERAL("Content-Encoding"), span_str(codings[how >> 3 & 7]) };
	for (size_t n = head_len, at = 0; at < 3; at++, n /= 10)
		s->head_len[2 - at] = (char)('0' + n % 10);
	s->headers[2] =
		(struct header){ SPAN_LITERAL("Inference-Header-Content-Length"), span_of(s->head_len, 3) };
	s->response = (struct response){ .result = RESPONSE_WHOLE,
					 .status_code = 200,
					 .headers = s->headers,
					 .header_count = how & 0x40 ? 3 : 2,
					 .body_len = body.len,
					 .arrivals = arrivals,
					 .arrival_count = 3 };
	s->response.body = malloc(body.len + 1);
	must(s->response.body != NULL);
	if (body.len > 0)
		memcpy(s->response.body, body.at, body.len);
	s->response.body = realloc(s->response.body, body.len ? body.len : 1);
}

/** make_call() - the response is one to a call of gRPC */
static void make_call(struct side *s, uint8_t how)
{
	s->headers[0] = (struct header){ SPAN_LITERAL("grpc-status"), SPAN_LITERAL("0") };
	s->headers[1] = (struct header){ SPAN_LITERAL("grpc-encoding"), span_str(codings[how >> 3 & 7]) };
	s->response.header_count = 2;
}

static void check(const struct comparison *r)
{
	must(r->verdict < COMPARISON_COUNT && r->kind < BODY_KIND_COUNT);
	must(r->verdict != COMPARISON_NOT_COMPARABLE || r->reason);
	must(r->common_prefix <= r->production_len && r->common_prefix <= r->shadow_len);
	must(r->findings.count <= FINDINGS_MAX && r->findings.decision_count <= DECISIONS_MAX);
	must(r->findings.decisions_agree <= r->findings.decisions_total);
	must(isfinite(r->findings.max_abs) && isfinite(r->findings.max_rel));
	for (size_t i = 0; i < r->findings.count; i++) {
		const struct finding *f = &r->findings.at[i];

		must(f->count > 0 && f->kind < DIFFERENCE_COUNT);
		must(isfinite(f->max_abs) && isfinite(f->max_rel));
		must(f->pattern && f->path && (f->pattern[0] == '/' || f->pattern[0] == '\0'));
		must(memchr(f->production, 0, FINDING_TEXT) && memchr(f->shadow, 0, FINDING_TEXT));
	}
	if (r->verdict == COMPARISON_EQUAL)
		must(r->findings.count == 0 && r->findings.ignored == 0);
	if (r->verdict >= COMPARISON_SCHEMA && r->verdict <= COMPARISON_CLOSE)
		must(r->findings.count > 0);
}

/** checked_poor() - with little memory a pair gets the same verdict, or is too large */
static void checked_poor(const struct comparison *poor, const struct comparison *rich)
{
	check(poor);
	if (poor->verdict != rich->verdict)
		must(poor->verdict == COMPARISON_NOT_COMPARABLE && strstr(poor->reason, "too_large"));
}

/* a request that asks for everything that a reply is held against */
static const char asking[] =
	"{\"temperature\":0,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":{\"type\":\"object\",\"properties\":"
	"{\"a\":{\"type\":\"integer\",\"enum\":[1,2]},\"b\":{\"type\":\"array\",\"items\":{\"type\":[\"string\",\"null\"]}}},"
	"\"required\":[\"a\"],\"additionalProperties\":false}}},\"tools\":[{\"function\":{\"name\":\"f\",\"parameters\":"
	"{\"type\":\"object\",\"required\":[\"a\"]}}},{\"name\":\"g\",\"input_schema\":{\"properties\":{\"a\":{\"type\":\"string\"}}}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	struct span in = span_of(data, size), first;
	uint8_t how[2], head_len[2];
	uint16_t len;
	static struct comparer *c, *poor; /* see all inputs, one after the other */
	struct comparer *other;
	struct side p, s;
	struct message call = { .head = { .method = SPAN_LITERAL("POST"), .is_grpc = true } };
	struct pair pair = { &post, &p.response, &s.response, &answered };
	struct comparison result;

	if (!span_u8(&in, &how[0]) || !span_u8(&in, &how[1]) || !span_u8(&in, &head_len[0]) ||
	    !span_u8(&in, &head_len[1]) || !span_u16(&in, &len) || !span_take(&in, len, &first))
		return 0;
	if (!c)
		c = new_comparer(0);
	if (!poor)
		poor = new_comparer(POOR);
	make(&p, how[0], head_len[0], first);
	make(&s, how[1], head_len[1], in);
	if (how[1] & 0x80) {
		call.head.target = span_str(methods[head_len[1] & 7]);
		pair.request = &call;
		make_call(&p, how[0]);
		make_call(&s, how[1]);
	}
	if (how[0] & 0x40) { /* what is asked: that response of production's as a request; of a constant, too */
		post.body = how[1] & 0x40 ? p.response.body : (uint8_t *)asking;
		post.body_len = how[1] & 0x40 ? p.response.body_len : sizeof(asking) - 1;
	}
	result = *comparer_run(c, &pair);
	check(&result);
	must(comparer_run(c, &pair)->verdict == result.verdict);
	checked_poor(comparer_run(poor, &pair), &result);
	if (how[0] & 0x80) { /* now and then: making one is most of the work */
		other = new_comparer(0);
		must(comparer_run(other, &pair)->verdict == result.verdict);
		comparer_free(other);
	}
	pair.shadow = &p.response;
	result = *comparer_run(c, &pair);
	check(&result);
	must(result.verdict == COMPARISON_EQUAL || result.verdict == COMPARISON_NOT_COMPARABLE);
	free(p.response.body);
	free(s.response.body);
	return 0;
}
