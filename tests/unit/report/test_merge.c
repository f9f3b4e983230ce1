/* test_merge.c - two reports are the report of both: sums, times, comparisons, and what does not add up is said */
#include "tests/rig/unit.h"

#include <math.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/json.h"
#include "report/books.h"
#include "report/merge.h"

#define REPORT_A                                                                                             \
	"{\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T10:00:00.500000000Z\",\"seconds\":60,\"interrupted\":false," \
	"\"sample\":0.05,\"nothing_sent\":null,\"pace\":null,\"warnings\":[\"one\"],"                         \
	"\"packets\":{\"received\":10,\"ignored\":{\"port\":3}},\"requests\":{\"seen\":5,\"lost\":{\"gap\":1}},"  \
	"\"targets\":{\"default\":{\"url\":\"http://a\",\"sent\":4,\"answered\":{\"2xx\":4},"                 \
	"\"total_us\":{\"count\":3,\"p50\":2,\"p90\":3,\"p99\":3,\"max\":3,\"sum\":6,\"buckets\":[[1,1],[2,1],[3,1]]}}}," \
	"\"gate\":{\"passed\":true}"
#define REPORT_B                                                                                             \
	"{\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T09:59:30.500000000Z\",\"seconds\":60,\"interrupted\":true," \
	"\"sample\":0.05,\"nothing_sent\":null,\"pace\":null,\"warnings\":[\"two\",\"three\"],\"newer\":{\"counter\":7}," \
	"\"packets\":{\"received\":100,\"ignored\":{\"port\":30,\"tcp\":2}},\"requests\":{\"seen\":50,\"lost\":{\"gap\":10}}," \
	"\"targets\":{\"other\":{\"url\":\"http://o\",\"sent\":1},"                                            \
	"\"default\":{\"url\":\"http://a\",\"sent\":40,\"answered\":{\"2xx\":40},"                            \
	"\"total_us\":{\"count\":1,\"p50\":60,\"p90\":60,\"p99\":60,\"max\":60,\"sum\":60,\"buckets\":[[60,1]]}}}"
#define COMPARED(n)                                                                                          \
	",\"comparison\":{\"options\":{\"rtol\":1e-05},\"rules_unmatched\":[\"x:1\"],\"targets\":{\"default\":"    \
	"{\"role\":\"shadow\",\"verdicts\":{\"equal\":" #n ",\"value\":1}}}}"

static int merge(const char *const *texts, size_t n, struct buffer *out, struct buffer *error)
{
	struct json_doc docs[4] = { { { 0 } } };
	int err;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(json_doc_parse(&docs[i], span_str(texts[i])), 0);
	err = report_merge(docs, n, NULL, out, error);
	for (size_t i = 0; i < n; i++)
		json_doc_deinit(&docs[i]);
	return err;
}

static void check(const char *const *texts, size_t n, const char *const *wanted, size_t count)
{
	struct buffer out = { 0 }, error = { 0 };
	struct json_doc d = { 0 };

	if (merge(texts, n, &out, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	assert_int_equal(json_doc_parse(&d, buffer_span(&out)), 0);
	for (size_t i = 0; i < count; i++)
		if (!strstr(buffer_text(&out), wanted[i]))
			fail_msg("%s is not in %s", wanted[i], buffer_text(&out));
	json_doc_deinit(&d);
	buffer_deinit(&out);
	buffer_deinit(&error);
}

static void test_sums(void **state)
{
	static const char *const texts[] = { REPORT_A COMPARED(10) "}", REPORT_B COMPARED(20) "}" };
	static const char *const wanted[] = {
		"\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T09:59:30.500000000Z\",\"seconds\":90,\"interrupted\":true,"
		"\"sample\":0.05,\"nothing_sent\":null,\"pace\":null,",
		"\"packets\":{\"received\":110,\"ignored\":{\"port\":33,\"tcp\":2}}",
		"\"requests\":{\"seen\":55,\"lost\":{\"gap\":11}}",
		"\"default\":{\"url\":\"http://a\",\"sent\":44,\"answered\":{\"2xx\":44},\"total_us\":{\"count\":4,\"p50\":3,"
		"\"p90\":60,\"p99\":60,\"max\":60,\"sum\":66,\"buckets\":[[1,1],[2,1],[3,1],[60,1]]}}",
		"\"other\":{\"url\":\"http://o\",\"sent\":1}",
		"\"newer\":{\"counter\":7}", /* of a later version */
		"\"comparison\":{\"options\":{\"rtol\":1e-05},\"rules_unmatched\":[\"x:1\"],\"targets\":{\"default\":{\"role\":\"shadow\",\"looks\":\"once\","
		"\"pairs\":32,\"compared\":32,",
		"\"mismatch\":{\"count\":2,\"of\":32,\"rate\":0.0625,",
		"\"merged\":[{\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T10:00:00.500000000Z\",\"seconds\":60,\"title\":null,\"labels\":null,"
		"\"host\":null,\"source\":null},",
		"\"warnings\":[\"one\",\"two\",\"three\"]}",
	};
	struct buffer out = { 0 }, error = { 0 };

	(void)state;
	check(texts, 2, wanted, sizeof(wanted) / sizeof(wanted[0]));
	assert_int_equal(merge(texts, 2, &out, &error), 0);
	assert_null(strstr(buffer_text(&out), "\"gate\""));
	buffer_deinit(&out);
}

#define DECIDED(looks, expression, more, count)                                                                           \
	"{\"seconds\":50,\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"looks\":\"" looks            \
	"\",\"verdicts\":{\"equal\":" #count "}}},\"decision\":{\"state\":\"keep_watching\",\"expression\":\"" expression "\"" more "}}}"

static void decision_of(const char *a, const char *b, const char *const *wanted, size_t count)
{
	const char *const texts[] = { a, b };

	check(texts, 2, wanted, count);
}

/* It is made again of the sums, of what was asked for; and who was watched once was watched. */
static void test_decision(void **state)
{
	static const char *const added[] = {
		"\"decision\":{\"state\":\"promote\",\"looks\":\"anytime\",",
		"\"expression\":\"mismatch > 1%\",\"is_default\":false,\"ends_run\":false,\"pairs\":1200,\"watch_at_least_seconds\":90,",
		"\"warnings\":[]",
	};
	static const char *const early[] = { "\"decision\":{\"state\":\"keep_watching\",", "\"watch_at_least_seconds\":120,",
					     "\"seconds_to_go\":20," };
	static const char *const differ[] = { "\"expression\":\"mismatch > 1%\"", "the reports ask for different decisions" };
	static const char *const damaged[] = { "\"expression\":\"" DECISION_DEFAULT "\",\"is_default\":true," };

	(void)state;
	decision_of(DECIDED("anytime", "mismatch > 1%", ",\"is_default\":false,\"watch_at_least_seconds\":90", 600),
		    DECIDED("once", "mismatch > 1%", ",\"is_default\":false", 600), added, 3);
	decision_of(DECIDED("anytime", "mismatch > 1%", "", 600), DECIDED("once", "mismatch > 1%", ",\"watch_at_least_seconds\":120", 600),
		    early, 3);
	decision_of(DECIDED("anytime", "mismatch > 1%", "", 600), DECIDED("once", "mismatch > 2%", "", 600), differ, 2);
	decision_of(DECIDED("once", "no such", "", 600), DECIDED("once", "no such", "", 600), damaged, 1);
}

/* What the runs are about: what they share, from the first request to the last; each one's own is in the list. */
static void test_provenance(void **state)
{
	static const char *const texts[] = {
		"{\"title\":\"v7\",\"labels\":{\"m\":\"v7\"},\"host\":\"a\",\"options\":[\"--port 1\"],"
		"\"first_request\":\"2026-11-22T10:00:00Z\",\"last_request\":null,\"requests\":{}}",
		"{\"title\":\"v7\",\"labels\":{\"m\":\"v7\"},\"host\":\"b\",\"options\":[\"--port 1\"],"
		"\"first_request\":\"2026-11-22T09:00:00Z\",\"last_request\":\"2026-11-22T11:00:00Z\",\"requests\":{}}",
	};
	static const char *const wanted[] = {
		"{\"title\":\"v7\",\"labels\":{\"m\":\"v7\"},\"host\":null,\"options\":[\"--port 1\"],"
		"\"first_request\":\"2026-11-22T09:00:00Z\",\"last_request\":\"2026-11-22T11:00:00Z\",",
		"\"merged\":[{\"shadowtap\":null,\"started\":null,\"seconds\":null,\"title\":\"v7\",\"labels\":{\"m\":\"v7\"},\"host\":\"a\","
		"\"source\":null},",
		"\"warnings\":[]}",
	};

	(void)state;
	check(texts, 2, wanted, sizeof(wanted) / sizeof(wanted[0]));
}

/* What cannot be added is said. */
#define TAP_ROW(tap, state, received, missing, pending)                                                      \
	"{\"tap\":\"" tap "\",\"run\":\"r\",\"state\":\"" state "\",\"received\":" received ",\"missing\":" missing     \
	",\"pending\":" pending "}"

static const struct {
	const char *a, *b, *said;
} differences[] = {
	{ "\"shadowtap\":\"0.1\"", "\"shadowtap\":\"0.2\"", "different versions of shadowtap" },
	{ "\"sample\":1", "\"sample\":0.5", "\"sample\":null" },
	{ "\"sample\":1", "\"sample\":0.5", "the reports differ in \\\"sample\\\"" },
	{ "\"targets\":{\"a\":{\"url\":\"x\"}}", "\"targets\":{\"a\":{\"url\":\"y\"}}", "target \\\"a\\\" has different addresses" },
	{ "\"comparison\":{\"options\":{\"rtol\":1},\"targets\":{}}", "\"comparison\":{\"options\":{\"rtol\":2},\"targets\":{}}",
	  "compared with different options" },
	{ "\"comparison\":{\"options\":{},\"targets\":{}}", "\"x\":1", "1 of 2 reports hold no comparison" },
	{ "\"comparison\":{\"targets\":{}}", "\"x\":1", "\"comparison\":{\"options\":null," },
	{ "\"nothing_sent\":\"nothing: a\"", "\"nothing_sent\":\"nothing: b\"", "\"nothing_sent\":\"nothing: a\"" },
	{ "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":2,\"how\":\"a\",\"try\":\"b\"}}",
	  "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":3,\"how\":\"a\",\"try\":\"b\"}}",
	  "\"all_failed\":{\"t\":{\"count\":5,\"how\":\"a\",\"try\":\"b\"}}" },
	{ "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":2,\"how\":\"a\"}}", "\"targets\":{\"t\":{}},\"all_failed\":{}",
	  "\"all_failed\":{}" },
	{ "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":2,\"how\":\"a\"}}",
	  "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":3,\"how\":\"c\"}}", "\"all_failed\":{}" },
	{ "\"targets\":{\"t\":{}},\"all_failed\":{\"t\":{\"count\":2,\"how\":\"a\"}}", "\"targets\":{\"u\":{}},\"all_failed\":{}",
	  "\"all_failed\":{\"t\":{\"count\":2,\"how\":\"a\"}}" },
	/* two replayers of a group: what each counts adds up, of a run of a tap the row that has come furthest is true for both */
	{ "\"fleet\":{\"received\":3,\"partitions\":16,\"missing\":0,\"pending\":9,\"taps\":[" TAP_ROW("a", "live", "3", "0", "9") "]}",
	  "\"fleet\":{\"received\":7,\"partitions\":16,\"missing\":2,\"pending\":1,\"taps\":[" TAP_ROW("a", "final", "10", "2", "0") ","
	  TAP_ROW("b", "live", "1", "0", "1") "]}",
	  "\"fleet\":{\"received\":10,\"partitions\":16,\"missing\":2,\"pending\":1,\"taps\":[" TAP_ROW("a", "final", "10", "2", "0") ","
	  TAP_ROW("b", "live", "1", "0", "1") "]}" },
	{ "\"fleet\":{\"received\":3,\"missing\":1,\"taps\":[" TAP_ROW("a", "live", "3", "1", "0") "]}", "\"x\":1",
	  "\"fleet\":{\"received\":3,\"missing\":1,\"taps\":[" TAP_ROW("a", "live", "3", "1", "0") "]}" },
	{ "\"fleet\":{\"received\":3,\"taps\":7}", "\"fleet\":{\"received\":4,\"taps\":[1,null]}", "\"fleet\":{\"received\":7,\"taps\":[]}" },
	{ "\"speed\":10", "\"speed\":10", "\"speed\":10" },
	{ "\"speed\":10", "\"speed\":20", "\"speed\":\"mixed\"" },
	{ "\"speed\":\"max\"", "\"speed\":1", "the reports were made at different paces" },
	{ "\"speed\":\"max\"", "\"speed\":\"max\"", "\"speed\":\"max\"" },
	{ "\"speed\":1", "\"x\":1", "\"speed\":1" },
	{ "\"x\":1", "\"speed\":2", "\"speed\":\"mixed\"" },
	{ "\"nothing_sent\":\"nothing: a\"", "\"nothing_sent\":null", "\"nothing_sent\":null" },
	{ "\"pace\":{\"requests\":1,\"seconds\":0.25}", "\"pace\":{\"requests\":2,\"seconds\":0.5}", "\"pace\":{\"requests\":3,\"seconds\":0.75}" },
	{ "\"lateness_us\":{\"count\":1,\"p50\":3,\"max\":3}", "\"lateness_us\":{\"count\":0,\"p50\":0,\"buckets\":[]}",
	  "\"lateness_us\":{\"count\":0,\"p50\":null," },
	{ "\"started\":\"2026-11-22T10:00:00Z\",\"seconds\":10", "\"started\":\"2026-11-23T10:00:00Z\",\"seconds\":10", "\"seconds\":20" },
	{ "\"started\":\"2026-11-22T10:00:00Z\",\"seconds\":10", "\"started\":\"2026-11-22T10:00:02Z\",\"seconds\":3", "\"seconds\":10" },
	{ "\"started\":\"yesterday\",\"seconds\":10", "\"started\":\"2026-11-22T10:00:02Z\",\"seconds\":3", "\"seconds\":13" },
};

static void test_differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
		struct buffer a = { 0 }, b = { 0 };
		const char *texts[2];

		buffer_printf(&a, "{\"requests\":{},%s}", differences[i].a);
		buffer_printf(&b, "{\"requests\":{},%s}", differences[i].b);
		texts[0] = buffer_text(&a);
		texts[1] = buffer_text(&b);
		check(texts, 2, &differences[i].said, 1);
		buffer_deinit(&a);
		buffer_deinit(&b);
	}
}

static const struct {
	const char *a, *b, *said;
} damaged[] = {
	{ "[]", "{}", "report 1 of 2 is no report of shadowtap" },
	{ "{\"requests\":{}}", "{\"x\":{}}", "report 2 of 2 is no report of shadowtap" },
	{ "{\"requests\":{\"seen\":1}}", "{\"requests\":{\"seen\":{}}}", "report 2 of 2 cannot be merged: \"seen\" is of another type" },
	{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"verdicts\":{\"equal\":-1}}}}}", "{\"requests\":{}}",
	  "report 1 of 2 cannot be merged: the comparison in it is damaged: \"equal\" of target \"a\" is not a count" },
	{ "{\"requests\":{},\"lateness_us\":{\"p50\":1,\"buckets\":[[9999,1]]}}", "{\"requests\":{}}", "\"buckets\" is no list" },
	{ "{\"requests\":{},\"lateness_us\":{\"p50\":1,\"count\":\"x\"}}", "{\"requests\":{}}", "\"count\" is no count" },
};

static void test_damaged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		const char *texts[] = { damaged[i].a, damaged[i].b };
		struct buffer out = { 0 }, error = { 0 };

		assert_true(merge(texts, 2, &out, &error) < 0);
		if (!strstr(buffer_text(&error), damaged[i].said))
			fail_msg("%s", buffer_text(&error));
		buffer_deinit(&out);
		buffer_deinit(&error);
	}
}

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state = random_state * 6364136223846793005 + 1442695040888963407;
	return random_state >> 33;
}

static struct histogram part[3], whole;

static void books_text_of(struct books *b, const struct histogram *h, struct buffer *out)
{
	struct json j = json_to(out);

	b->target[0].total = (struct quantiles){ .count = h->count, .p50 = histogram_quantile(h, 0.5),
						 .p90 = histogram_quantile(h, 0.9),
						 .p99 = histogram_quantile(h, 0.99), .max = h->max, .sum = h->sum, .of = h };
	json_open(&j, '{');
	books_json(b, &j);
	json_close(&j, '}');
}

/* Books as this version writes them: three parts merged are, member for member, the whole. */
static void test_books_add_up(void **state)
{
	struct buffer text[3] = { { 0 } }, want = { 0 }, got = { 0 }, error = { 0 };
	const char *texts[3];
	struct books all = { 0 };

	(void)state;
	random_state = 11;
	for (int i = 0; i < 3; i++) {
		struct books b = { 0 };

		b.target_count = all.target_count = 1;
		b.target[0].name = all.target[0].name = "default";
		b.target[0].shown = all.target[0].shown = "http://a";
		b.target[0].breaker = all.target[0].breaker = "closed";
		for (int k = 0; k < PACKET_RESULT_COUNT; k++)
			all.packets.result[k] += b.packets.result[k] = random_next();
		for (int k = 0; k < DECISION_COUNT; k++)
			all.requests.decision[k] += b.requests.decision[k] = random_next();
		for (int k = 0; k < OUTCOME_COUNT; k++)
			all.target[0].outcome[k] += b.target[0].outcome[k] = random_next();
		all.connections.gaps += b.connections.gaps = random_next();
		for (int k = 0; k < 5000; k++) {
			uint64_t us = random_next() % (1u << (random_next() % 30));

			histogram_add(&part[i], us);
			histogram_add(&whole, us);
		}
		books_text_of(&b, &part[i], &text[i]);
		texts[i] = buffer_text(&text[i]);
	}
	books_text_of(&all, &whole, &want);
	if (merge(texts, 3, &got, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	/* the merged one has "merged" and "warnings" behind all that the books have */
	if (got.len <= want.len || memcmp(want.bytes, got.bytes, want.len - 1) != 0)
		fail_msg("%s\nis not the beginning of\n%s", buffer_text(&want), buffer_text(&got));
	for (int i = 0; i < 3; i++)
		buffer_deinit(&text[i]);
	buffer_deinit(&want);
	buffer_deinit(&got);
	buffer_deinit(&error);
}

/* A merged report can be merged again, and one report alone is itself. */
static void test_again(void **state)
{
	const char *texts[] = { REPORT_A COMPARED(10) "}", REPORT_B COMPARED(20) "}", REPORT_A COMPARED(1) "}" };
	struct buffer two = { 0 }, three = { 0 }, at_once = { 0 }, error = { 0 };
	const char *steps[2];

	(void)state;
	assert_int_equal(merge(texts, 2, &two, &error), 0);
	steps[0] = buffer_text(&two);
	steps[1] = texts[2];
	assert_int_equal(merge(steps, 2, &three, &error), 0);
	assert_int_equal(merge(texts, 3, &at_once, &error), 0);
	assert_string_equal(strstr(buffer_text(&three), "\"merged\":"), strstr(buffer_text(&at_once), "\"merged\":"));
	assert_non_null(strstr(buffer_text(&three), "\"pairs\":34,"));
	buffer_deinit(&two);
	buffer_deinit(&three);
	buffer_deinit(&at_once);
	assert_int_equal(merge(texts, 1, &two, &error), 0);
	assert_null(strstr(buffer_text(&two), "\"merged\":"));
	buffer_deinit(&two);
	assert_int_equal(merge(texts, 0, &two, &error), -E2BIG);
	buffer_deinit(&two);
	buffer_deinit(&error);
}

/* The documented example, member for member: what is derived in it is what is computed from its counts. */
static void test_example(void **state)
{
	struct buffer path = { 0 }, text = { 0 }, out = { 0 }, error = { 0 };
	struct json_doc was = { 0 }, is = { 0 };
	uint32_t want, got;
	FILE *f;

	(void)state;
	buffer_add(&path, __FILE__, strlen(__FILE__) - strlen("unit/report/test_merge.c"));
	buffer_add_str(&path, "data/comparison.example.json");
	f = fopen(buffer_text(&path), "r"); /* tests run in the build directory, to which __FILE__ is relative */
	assert_non_null(f);
	buffer_add_str(&text, "{\"requests\":{},\"example\":");
	assert_true(buffer_reserve(&text, 1 << 20));
	text.len += fread(text.bytes + text.len, 1, 1 << 20, f);
	fclose(f);
	buffer_add_str(&text, "}");
	assert_int_equal(json_doc_parse(&was, buffer_span(&text)), 0);
	want = json_doc_member(&was, json_doc_member(&was, 0, SPAN_LITERAL("example")), SPAN_LITERAL("comparison"));
	buffer_clear(&error);
	buffer_add_str(&error, "{\"requests\":{},\"comparison\":");
	buffer_add_span(&error, json_doc_text(&was, want));
	buffer_add_str(&error, "}");
	assert_int_equal(json_doc_parse(&is, buffer_span(&error)), 0);
	assert_int_equal(report_merge(&is, 1, NULL, &out, &path), 0);
	assert_int_equal(json_doc_parse(&is, buffer_span(&out)), 0);
	got = json_doc_member(&is, 0, SPAN_LITERAL("comparison"));
	assert_int_equal(was.nodes[want].next - want, is.nodes[got].next - got);
	for (uint32_t at = 0; at < was.nodes[want].next - want; at++) {
		struct span a = json_doc_text(&was, want + at), b = json_doc_text(&is, got + at);
		uint8_t type = was.nodes[want + at].type;

		if (type != is.nodes[got + at].type ||
		    (type == JSON_NUMBER && json_doc_double(&was, want + at) != json_doc_double(&is, got + at)) ||
		    (type == JSON_STRING && !span_equal(a, b)))
			fail_msg("%.*s became %.*s", (int)a.len, (const char *)a.at, (int)b.len, (const char *)b.at);
	}
	json_doc_deinit(&was);
	json_doc_deinit(&is);
	buffer_deinit(&path);
	buffer_deinit(&text);
	buffer_deinit(&out);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),         cmocka_unit_test(test_decision),        cmocka_unit_test(test_provenance),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_damaged),      cmocka_unit_test(test_books_add_up),
		cmocka_unit_test(test_again),        cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
