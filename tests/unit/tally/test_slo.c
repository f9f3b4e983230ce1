/*
 * test_slo.c - which responses came in time, and how many of both sides
 *
 * What --slo may say; responses with known times against it; and pairs through comparer and tally, those among them
 * that the shadow did not answer.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "compare/comparer.h"
#include "compare/goodput.h"
#include "compare/slo.h"
#include "compare/tally/tally.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct slo slo_of(const char *text)
{
	struct buffer error = { 0 };
	struct slo s;

	if (slo_parse(span_str(text), &s, &error) != 0)
		fail_msg("%s: %s", text, buffer_text(&error));
	buffer_deinit(&error);
	return s;
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "", "a time is expected: first_byte, total" },
		{ "first_tokens < 5ms", "a time is expected" },
		{ "total > 5ms", "< or <= is expected (at \"> 5ms\")" },
		{ "total", "< or <= is expected (at its end)" },
		{ "total < 5", "a time with its unit, such as 500ms, is expected (at \"5\")" },
		{ "total < 0ms", "a time with its unit" },
		{ "total < ms", "a time with its unit" },
		{ "total < 5ms or gap_max < 1ms", "and, or the end is expected" },
		{ "total < 5ms and", "a time is expected" },
		{ "total < 5ms,", "and, or the end is expected" },
		{ "total<1s and total<1s and total<1s and total<1s and total<1s and total<1s and total<1s and total<1s and total<1s",
		  "more than 8" },
		{ "total < 1s                                                                                              "
		  "                                       ",
		  "longer than 127" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer error = { 0 };
		struct slo s;

		assert_int_equal(slo_parse(span_str(rows[i].text), &s, &error), -EINVAL);
		if (!strstr(buffer_text(&error), rows[i].error))
			fail_msg("'%s': %s", rows[i].text, buffer_text(&error));
		buffer_deinit(&error);
	}
}

/* A stream of eleven tokens, nine gaps of 10 ms and one of 50, the first token after 200 ms; and others. */
static const int64_t gaps[] = { 20000, 10000, 10000, 10000, 50000, 10000, 10000, 10000, 10000, 10000 };
static const struct stream_facts stream = { 12, 11, 200000, gaps, 10 }, one_token = { 2, 1, 200000, NULL, 0 },
				 silent = { 2, 0, -1, NULL, 0 }, no_stream = { .first_token_us = -1 };

static void test_meets(void **state)
{
	static const struct {
		const char *slo;
		const struct stream_facts *f;
		enum slo_met met;
	} rows[] = {
		{ "total < 900ms", &stream, SLO_MET },
		{ "total < 800ms", &stream, SLO_MISSED },
		{ "total <= 800ms", &stream, SLO_MET },
		{ "first_byte<100ms", &no_stream, SLO_MET },
		{ "first_byte<50ms", &no_stream, SLO_MISSED },
		{ "first_token < 0.201s", &stream, SLO_MET },
		{ "first_token < 200ms", &stream, SLO_MISSED },
		{ "first_token < 200ms", &no_stream, SLO_UNKNOWN },
		{ "first_token < 200ms", &silent, SLO_UNKNOWN },
		{ "second_token <= 20ms", &stream, SLO_MET },
		{ "second_token < 20ms", &stream, SLO_MISSED },
		{ "second_token < 20ms", &one_token, SLO_MET },
		{ "second_token < 20ms", &no_stream, SLO_UNKNOWN },
		{ "gap_p50 <= 10ms", &stream, SLO_MET },
		{ "gap_p50 < 10ms", &stream, SLO_MISSED },
		{ "gap_p90 <= 20ms", &stream, SLO_MET },
		{ "gap_p90 <= 19ms", &stream, SLO_MISSED },
		{ "gap_p99 <= 50ms", &stream, SLO_MET },
		{ "gap_p99 < 50ms", &stream, SLO_MISSED },
		{ "gap_max <= 50ms", &stream, SLO_MET },
		{ "gap_max < 49999us", &stream, SLO_MISSED },
		{ "gap_max < 1us", &one_token, SLO_MET },
		{ "gap_max < 1s", &no_stream, SLO_UNKNOWN },
		{ "first_token < 500ms and gap_p99 < 60ms", &stream, SLO_MET },
		{ "first_token < 500ms and gap_p99 < 40ms", &stream, SLO_MISSED },
		{ "first_token < 500ms and total < 1ms", &no_stream, SLO_MISSED },
		{ "first_token < 500ms and total < 2s", &no_stream, SLO_UNKNOWN },
	};
	struct response r = { .result = RESPONSE_WHOLE, .status_code = 200, .first_byte_us = 60000, .last_byte_us = 800000 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slo s = slo_of(rows[i].slo);

		if (slo_meets(&s, &r, rows[i].f) != rows[i].met)
			fail_msg("row %zu: %s is %d", i, rows[i].slo, slo_meets(&s, &r, rows[i].f));
	}
	r.last_byte_us = -1;
	assert_int_equal(slo_meets(&(struct slo){ .term = { { SLO_TOTAL, false, 1000 } }, .term_count = 1 }, &r, &no_stream),
			 SLO_UNKNOWN);
}

/* ---- pairs ---- */

/** struct said - of one side; @tokens: when each came, in milliseconds, 0 behind the last */
struct said {
	int status;
	int tokens[4];
};

struct made {
	struct response response;
	struct header header;
	struct arrival arrivals[4];
	char body[512];
};

static void make(struct made *m, const struct said *what)
{
	size_t n = 0;

	*m = (struct made){ .header = { SPAN_LITERAL("Content-Type"), SPAN_LITERAL("text/event-stream") } };
	for (; n < 4 && what->tokens[n]; n++) {
		strcat(m->body, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n");
		m->arrivals[n] = (struct arrival){ strlen(m->body) * n / (n + 1), what->tokens[n] * 1000 };
	}
	strcat(m->body, "data: [DONE]\n\n");
	m->response = (struct response){ .result = RESPONSE_WHOLE,
					 .status_code = what->status,
					 .headers = &m->header,
					 .header_count = 1,
					 .body = (uint8_t *)m->body,
					 .body_len = strlen(m->body),
					 .arrivals = m->arrivals,
					 .arrival_count = n,
					 .first_byte_us = what->tokens[0] * 1000,
					 .last_byte_us = n ? what->tokens[n - 1] * 1000 : 1 };
}

/** struct exchange - @outcome: of the shadow; where it is no answer there is no response */
struct exchange {
	struct said production, shadow;
	enum outcome_kind outcome;
};

static void add(struct comparer *c, struct tally *t, const struct exchange *e)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	struct outcome outcome = { .kind = e->outcome, .status_code = outcome_is_answered(e->outcome) ? e->shadow.status : 0 };
	struct made p, s;
	struct pair pair = { &post, &p.response, outcome_is_answered(e->outcome) ? &s.response : NULL, &outcome };

	make(&p, &e->production);
	make(&s, &e->shadow);
	tally_add(t, 0, &pair, comparer_run(c, &pair));
}

static double number_at(struct span text, const char *path)
{
	struct json_doc d = { 0 };
	uint32_t node = 0;
	double value;

	assert_int_equal(json_doc_parse(&d, text), 0);
	while (*path) {
		size_t len = strcspn(path, "/");

		node = json_doc_member(&d, node, span_of(path, len));
		if (!node)
			fail_msg("nothing at %s", path);
		path += len + (path[len] == '/');
	}
	value = d.nodes[node].type == JSON_NULL ? NAN : json_doc_double(&d, node);
	json_doc_deinit(&d);
	return value;
}

static struct buffer written(const struct tally *t)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	tally_json(t, TALLY_WHOLE, &j);
	json_close(&j, '}');
	return out;
}

static void test_pairs(void **state)
{
	/* first_token < 100ms: good, bad, error */
	static const struct exchange exchanges[] = {
		{ { 200, { 50, 60 } }, { 200, { 90, 110, 130 } }, OUTCOME_ANSWERED_2XX },  /* both */
		{ { 200, { 50, 60 } }, { 200, { 150, 160 } }, OUTCOME_ANSWERED_2XX },      /* production, in the same words */
		{ { 200, { 50, 60 } }, { 503, { 10 } }, OUTCOME_ANSWERED_5XX },		   /* production: an error is of no use */
		{ { 200, { 50, 60 } }, { 0, { 0 } }, OUTCOME_FAILED_TIMEOUT },		   /* production */
		{ { 200, { 150, 160 } }, { 0, { 0 } }, OUTCOME_FAILED_CONNECT },	   /* neither */
		{ { 200, { 150, 160 } }, { 200, { 50, 60 } }, OUTCOME_ANSWERED_2XX },      /* shadow */
		{ { 503, { 1 } }, { 200, { 50, 60 } }, OUTCOME_ANSWERED_2XX },             /* the shadow's is not read */
		{ { 200, { 0 } }, { 200, { 0 } }, OUTCOME_ANSWERED_2XX },		   /* no token: unknown */
		{ { 200, { 50, 60 } }, { 0, { 0 } }, OUTCOME_CANCELLED_AT_EXIT },	   /* says nothing */
	};
	static const struct tally_target target = { "m", false };
	struct slo slo = slo_of("first_token < 100ms");
	struct tally_options options = { .targets = &target, .target_count = 1, .slo = &slo };
	struct compare_options how = { .rtol = 1e-5, .max_body = 1 << 20 };
	struct buffer error = { 0 }, out;
	struct tally *t = tally_new(&options);
	struct comparer *c;
	struct span s;

	assert_non_null(t);
	assert_int_equal(comparer_new(&how, &c, &error), 0);
	for (size_t i = 0; i < COUNT(exchanges); i++)
		add(c, t, &exchanges[i]);
	out = written(t);
	s = buffer_span(&out);
	assert_int_equal(number_at(s, "targets/m/goodput/production/count"), 4);
	assert_int_equal(number_at(s, "targets/m/goodput/shadow/count"), 2);
	assert_int_equal(number_at(s, "targets/m/goodput/both"), 1);
	assert_int_equal(number_at(s, "targets/m/goodput/production/of"), 6);
	assert_int_equal(number_at(s, "targets/m/goodput/unknown"), 2);
	assert_true(fabs(number_at(s, "targets/m/goodput/delta/value") + 2.0 / 6) < 1e-5);
	/* streams are those that both answered: 10 and 10 ms, 20 and 20, 10, 10 */
	assert_int_equal(number_at(s, "targets/m/streams/production/count"), 4);
	assert_int_equal(number_at(s, "targets/m/streams/production/second_token/count"), 3);
	assert_int_equal(number_at(s, "targets/m/streams/production/second_token/sum"), 30000);
	assert_int_equal(number_at(s, "targets/m/streams/shadow/second_token/sum"), 40000);
	assert_int_equal(number_at(s, "targets/m/streams/shadow/second_token/max"), 20000);
	assert_true(fabs(number_at(s, "targets/m/streams/shadow/tokens_per_second/p1") - 50) < 0.5);
	assert_true(fabs(number_at(s, "targets/m/streams/shadow/tokens_per_second/p50") - 100) < 1);
	buffer_deinit(&out);
	comparer_free(c);
	tally_free(t);
}

/* ---- figures ---- */

static const char *read_back(struct goodput *g, const char *text)
{
	struct json_doc d = { 0 };
	const char *wrong;

	*g = (struct goodput){ 0 };
	assert_int_equal(json_doc_parse(&d, span_str(text)), 0);
	wrong = goodput_read(g, &d, json_doc_member(&d, 0, SPAN_LITERAL("goodput")));
	json_doc_deinit(&d);
	return wrong;
}

static void test_adds_up(void **state)
{
	struct goodput a = { .slo = "total < 1s", .both = 5, .production = 3, .shadow = 2, .neither = 1, .unknown = 4 }, b = a, none = { 0 },
		       other = { .slo = "total < 2s", .both = 1 };
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	goodput_merge(&none, &a); /* a run without --slo */
	assert_memory_equal(&none, &a, sizeof(a));
	goodput_merge(&a, &b);
	assert_int_equal(a.both + a.production + a.shadow + a.neither + a.unknown, 30);
	json_open(&j, '{');
	goodput_json(&a, LOOKS_ONCE, &j);
	json_close(&j, '}');
	assert_null(read_back(&b, buffer_text(&out)));
	assert_memory_equal(&a, &b, sizeof(a));
	goodput_merge(&a, &other); /* what does not ask for the same cannot be added */
	buffer_clear(&out);
	j = json_to(&out);
	json_open(&j, '{');
	goodput_json(&a, LOOKS_ONCE, &j);
	json_close(&j, '}');
	assert_string_equal(buffer_text(&out), "{\"goodput\":null}");
	buffer_deinit(&out);
}

static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"{\"goodput\":{\"slo\":7}}",
		"{\"goodput\":{\"slo\":\"\"}}",
		"{\"goodput\":{\"slo\":\"a\\u0000b\"}}",
		"{\"goodput\":{\"slo\":\"a\",\"both\":1}}",
		"{\"goodput\":{\"slo\":\"a\",\"shadow\":{\"count\":2,\"of\":1}}}",
		"{\"goodput\":{\"slo\":\"a\",\"shadow\":{\"count\":-2}}}",
		"{\"goodput\":{\"slo\":\"a\",\"shadow\":[]}}",
	};
	struct goodput g;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (!read_back(&g, bad[i]))
			fail_msg("%s was read", bad[i]);
	assert_null(read_back(&g, "{\"goodput\":null}"));
	assert_null(read_back(&g, "{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),	cmocka_unit_test(test_meets),	cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_adds_up), cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
