/* test_page.c - what a page says of a report, and that nothing in a report can say more than it should */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "report/page.h"
#include "tests/rig/page_check.h"

/* ---- figures ---- */

static void test_format(void **state)
{
	static const struct {
		void (*figure)(struct buffer *, double);
		double n;
		const char *shown;
	} rows[] = {
		{ format_share, 0, "0 %" },
		{ format_share, 1, "100 %" },
		{ format_share, 0.5, "50.0 %" },
		{ format_share, 0.0312, "3.12 %" },
		{ format_share, 0.9876, "98.76 %" },
		{ format_share, 0.99996, "99.9960 %" }, /* not 100 % */
		{ format_share, 0.000004, "0.0004 %" }, /* not 0 % */
		{ format_share, -0.0312, "-3.12 %" },
		{ format_time, 0, "0 µs" },
		{ format_time, 912, "912 µs" },
		{ format_time, 999.6, "1.00 ms" },
		{ format_time, 7100, "7.10 ms" },
		{ format_time, -7100, "-7.10 ms" },
		{ format_time, 99960, "100 ms" },
		{ format_time, 1.24e6, "1.24 s" },
		{ format_time, 300e6, "5.00 min" },
		{ format_bytes, 0, "0 bytes" },
		{ format_bytes, 1023, "1023 bytes" },
		{ format_bytes, 86601, "84.6 KiB" },
		{ format_bytes, 5e13, "45.5 TiB" },
		{ format_number, 312.5, "312.5" },
		{ format_number, 1e-7, "1e-07" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };

		rows[i].figure(&out, rows[i].n);
		assert_string_equal(buffer_text(&out), rows[i].shown);
		buffer_deinit(&out);
	}
}

static void test_counts(void **state)
{
	static const struct {
		uint64_t n;
		const char *shown;
	} rows[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { 12372, "12,372" }, { UINT64_MAX, "18,446,744,073,709,551,615" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };

		format_count(&out, rows[i].n);
		assert_string_equal(buffer_text(&out), rows[i].shown);
		buffer_deinit(&out);
	}
}

/* ---- pages ---- */

/* A blank that does not break is one. */
static void plain_blanks(struct buffer *text)
{
	size_t to = 0;

	for (size_t i = 0; i < text->len; i++) {
		bool is_one = i + 1 < text->len && memcmp(text->bytes + i, "\xc2\xa0", 2) == 0;

		text->bytes[to++] = is_one ? ' ' : text->bytes[i];
		i += is_one;
	}
	text->len = to;
}

static int draw(const char *json, enum medium medium, struct buffer *out)
{
	struct json_doc doc = { 0 };
	int err = json_doc_parse(&doc, span_str(json));

	assert_int_equal(err, 0);
	err = page_draw(&doc, medium, out);
	plain_blanks(out);
	json_doc_deinit(&doc);
	return err;
}

#define OF_A "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"looks\":\"anytime\"}},\"decision\":{\"looks\":\"anytime\","
#define DECIDED(state, is_default, pairs, seconds, terms)                                                \
	OF_A "\"state\":\"" state "\",\"why\":\"because\",\"is_default\":" is_default ",\"pairs_to_go\":" pairs \
	     ",\"seconds_to_go\":" seconds ",\"terms\":[" terms "]}}}"

/* Of a run that was to end once it is decided, or was not. */
#define ENDED(state, ends_run)                                                                           \
	"{\"requests\":{},\"comparison\":{\"decision\":{\"state\":\"" state "\",\"ends_run\":" ends_run "},\"targets\":{\"m\":{" \
	"\"role\":\"shadow\",\"mismatch\":{\"count\":60,\"of\":2000,\"rate\":0.03}}}}}"

/* Once what stands on top of a report, once what is further down; "" where only the other is asked. */
static void test_what_is_said(void **state)
{
	static const struct {
		const char *json, *title, *below;
	} rows[] = {
		{ "{\"requests\":{\"chosen\":7},\"dry_run\":true}", "7 requests chosen, none sent: a dry run", "" },
		{ "{\"requests\":{},\"targets\":{\"a\":{\"sent\":5,\"answered\":{\"2xx\":3,\"5xx\":1},\"failed\":{\"timeout\":1}}}}",
		  "5 requests mirrored: 4 answered, 1 failed", "failed timeout 1" },
		{ "{\"requests\":{\"seen\":1000,\"complete\":990,\"lost\":{\"gap\":9,\"cut_at_end\":1,\"idle\":0}}}",
		  "0 requests mirrored", "lost gap 9 · lost cut at end 1" },
		{ "{\"requests\":{},\"packets\":{\"received\":9,\"dropped_kernel\":3}}", "", "try a larger -B" },
		{ "{\"requests\":{},\"nothing_sent\":\"all 3 requests were filtered\"}", "", "all 3 requests were filtered" },
		{ "{\"requests\":{},\"targets\":{\"a\":{}},\"all_failed\":{\"a\":{\"count\":1080,\"how\":\"timed out after 300 ms\",\"try\":\"raise "
		  "-m\"}}}", "All 1,080 timed out after 300 ms", "What to do: raise -m" },
		{ "{\"requests\":{},\"targets\":{\"a\":{},\"b\":{}},\"all_failed\":{\"a\":{\"count\":2,\"how\":\"timed out\",\"try\":\"raise -m\"},"
		  "\"b\":{\"count\":3,\"how\":\"failed to connect\",\"try\":\"look\"}},\"gate\":{\"passed\":false}}",
		  "Target “a”: all 2 timed out", "Target “b”: all 3 failed to connect: look" },
		{ "{\"requests\":{},\"targets\":{\"a\":{}},\"all_failed\":{\"a\":{\"count\":2,\"how\":\"timed out\",\"try\":\"\"}},"
		  "\"gate\":{\"passed\":false}}", "All 2 timed out", "The gate failed." },
		{ "{\"requests\":{},\"speed\":\"max\",\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"of\":9,\"rate\":0},"
		  "\"latency_us\":{\"p99_ratio\":4,\"shadow\":{\"total\":{\"count\":9,\"p50\":9,\"p99\":9}}}}}}}", "", "Latency is not judged: replayed as fast as possible." },
		{ "{\"requests\":{},\"speed\":10,\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"of\":9,\"rate\":0},"
		  "\"latency_us\":{\"p99_ratio\":4,\"shadow\":{\"total\":{\"count\":9,\"p50\":9,\"p99\":9}}}}}}}", "", "Latency is not judged: replayed at 10 times the recorded pace." },
		{ "{\"requests\":{},\"speed\":1,\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"of\":9,\"rate\":0},"
		  "\"latency_us\":{\"p99_ratio\":4,\"shadow\":{\"total\":{\"count\":900,\"p50\":9,\"p99\":9},\"x\":0},\"production\":{\"total\":{\"p99\":3}}}}}}}", "", "At p99 the shadow takes 9 µs and production 3 µs: 4 times as long." },
		{ "{\"requests\":{},\"speed\":\"max\",\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"of\":9,\"rate\":0},"
		  "\"latency_us\":{\"p99_ratio\":4,\"shadow\":{\"total\":{\"count\":9,\"p50\":9,\"p99\":9}}}}}}}", "", "Times of the shadow are not judged here: replayed as fast as possible." },
		{ "{\"requests\":{},\"speed\":1,\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"of\":9,\"rate\":0},"
		  "\"latency_us\":{\"shadow\":{\"total\":{\"count\":100}},\"p99_ratio\":4,\"p99_ratio_low\":2.5,\"p99_ratio_high\":6}}}}}", "",
		  ": 4 times as long, between 2.5 and 6." },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":900,\"mismatch\":{\"count\":45,\"of\":900,\"rate\":0.05},"
		  "\"noise\":{\"source\":\"control\",\"mismatch\":{\"of\":890,\"rate\":0.04},\"net_rate\":0.01,\"low\":-0.002,\"high\":0.022}}}}}",
		  "", "Net of noise (the control), 1.00 % differ, between -0.20 % and 2.20 % at one look." },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":900,\"mismatch\":{\"count\":45,\"of\":900,\"rate\":0.05},"
		  "\"noise\":{\"source\":\"control\",\"mismatch\":{\"of\":890,\"rate\":0.04},\"net_rate\":0.01,\"paired\":{\"both\":30,\"shadow\":14,\"control\":5,"
		  "\"neither\":831}}}}}}",
		  "", "Of 880 requests that it and the shadow answered, both differ in 30, the shadow alone in 14, the control alone in 5." },
		{ "{\"requests\":{},\"all_failed\":{}}", "0 requests mirrored", "" },
		{ "{\"requests\":{},\"gate\":{\"passed\":true,\"expression\":\"compared < 5\"}}", "The gate passed", "It asked whether compared" },
		{ "{\"requests\":{},\"gate\":{\"passed\":true},\"comparison\":{\"decision\":{\"state\":\"keep_watching\"}}}",
		  "The gate passed by its values, and the pairs do not show it yet: keep watching", "" },
		{ "{\"requests\":{},\"gate\":{\"passed\":true},\"comparison\":{\"decision\":{\"state\":\"promote\"}}}", "The gate passed: promote", "" },
		{ ENDED("promote", "true"), "Promote: 97.00 % of the shadow's answers agree with production", "" },
		{ ENDED("reject", "true"), "Reject: 97.00 % of the shadow's answers agree with production", "" },
		{ ENDED("keep_watching", "true"), "Keep watching: 97.00 % of the shadow's answers agree with production", "" },
		{ "{\"requests\":{},\"gate\":{\"passed\":false},\"comparison\":{\"decision\":{\"state\":\"reject\"}}}", "The gate failed: reject", "" },
		{ "{\"requests\":{},\"gate\":{\"passed\":false,\"failing\":[{\"term\":\"mismatch > 1%\",\"value\":null,\"why\":\"no one "
		  "knows\"}]}}", "The gate failed", "and it is not known (no one knows)" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":9,\"mismatch\":{\"count\":9,\"of\":9,"
		  "\"rate\":1},\"decision\":{\"count\":9,\"agree\":8,\"rate\":0.89}}}}}",
		  "89.0 % of the shadow's decisions and 0 % of its answers agree with production", "8 of 9 decisions agree" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"compared\":0,\"mismatch\":{\"of\":0,\"rate\":null}}}}}",
		  "No answers could be compared", "" },
		{ "{\"requests\":{},\"gate\":{\"passed\":false,\"failing\":[{\"term\":\"mismatch > 1%\",\"value\":0.034}]}}",
		  "The gate failed", "mismatch > 1%, and it is 3.40 %" },
		{ "{\"requests\":{},\"gate\":{\"passed\":false,\"failing\":[{\"term\":\"p99_ratio > 2\",\"value\":2.5}]}}",
		  "The gate failed", "and it is 2.5" },
		{ "{\"requests\":{},\"gate\":{\"passed\":false,\"failing\":[{\"term\":\"p99_ratio > 2\",\"value\":null}]}}",
		  "The gate failed", "and it is not known" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"role\":\"shadow\",\"pairs\":4,\"mismatch\":{\"of\":0}}}}}",
		  "No answers could be compared", "" },
		/* the control is not the shadow: its agreement is no headline */
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"c\":{\"role\":\"control\",\"mismatch\":{\"of\":9,\"rate\":0.5}},"
		  "\"a\":{\"role\":\"shadow\",\"mismatch\":{\"count\":1,\"of\":100,\"rate\":0.01,\"low\":0.002,\"high\":0.05}}}}}",
		  "99.00 % of the shadow's answers agree", "1 of 100 compared answers differ (95 % interval at one look, 0.20 % to 5.00 %)" },
		/* a quantile that lies among the timeouts is above all that was measured */
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"latency_us\":{\"timeouts\":2,\"shadow\":{\"total\":"
		  "{\"count\":5,\"p50\":900,\"p99\":null}}}}}}}",
		  "", "> max-time" },
		/* the gate, term by term, and what it did not ask */
		{ "{\"requests\":{},\"gate\":{\"expression\":\"mismatch > 1%\",\"passed\":true,\"terms\":[{\"term\":\"mismatch > 1%\",\"target\":\"a\","
		  "\"value\":0.004,\"why\":null,\"allowed\":\"at most 1%\",\"outcome\":\"passes\"}]},\"comparison\":{\"targets\":{\"a\":{\"mismatch\":"
		  "{\"of\":850,\"rate\":0.004,\"low\":0.001},\"latency_us\":{\"p99_ratio\":5.49},\"decision\":{\"count\":900,\"score_psi\":2.353}}}}}",
		  "Not asked, and notable: latency p99 × 5.49, drift of scores 2.353", "at most 1%" },
		{ "{\"requests\":{},\"gate\":{\"expression\":\"p99_ratio > 9 or score_psi > 3\",\"passed\":true,\"terms\":[{\"term\":\"p99_ratio > 9\","
		  "\"target\":\"a\",\"value\":null,\"why\":\"no one knows\",\"allowed\":\"at most 9\",\"outcome\":\"not known\"}]},\"comparison\":{\"targets\":"
		  "{\"a\":{\"mismatch\":{\"of\":850,\"rate\":0.5,\"low\":0.45},\"latency_us\":{\"p99_ratio\":5.49},\"decision\":{\"count\":900,"
		  "\"score_psi\":2.353}}}}}",
		  "Not asked, and notable: mismatch at least 45.0 %.", "not known: no one knows" },
		/* the decision: its state and reason on top, each term with its interval and what that shows below */
		{ DECIDED("keep_watching", "true", "3051", "1260",
			  "{\"term\":\"mismatch > 0.5%\",\"target\":\"a\",\"allowed\":\"at most 0.5%\",\"value\":0.001,\"low\":0.0002,"
			  "\"high\":0.009,\"of\":900,\"witnesses\":640,\"by\":\"interval\",\"state\":\"keep_watching\",\"why\":null}"),
		  "Decision: keep watching: because; about 3,100 pairs (21 min) to go.", "0.020 % to 0.90 % of 900 that count as 640" },
		{ DECIDED("promote", "true", "0", "0", "{\"term\":\"compared < 9\",\"target\":\"a\",\"value\":12,\"by\":\"value\",\"state\":\"promote\"}"),
		  "Decision: promote: because.", "No --fail-on was given" },
		{ DECIDED("reject", "false", "null", "null",
			  "{\"term\":\"shadow_p99 > 50ms\",\"target\":\"a\",\"value\":61000,\"low\":52000,\"high\":null,\"of\":900,\"witnesses\":900,"
			  "\"by\":\"interval\",\"state\":\"reject\"}"),
		  "Decision: reject: because.", "52.0 ms to … of 900" },
		{ DECIDED("reject", "false", "null", "null", "{\"term\":\"shadow_p99 > 50ms\",\"target\":\"a\",\"value\":61000,\"state\":\"reject\"}"),
		  "95 % interval at any time", "61.0 ms" },
		/* several shadows: each has a row, and a failing term says whose it is */
		{ "{\"requests\":{},\"targets\":{\"same\":{\"url\":\"http://s:1\"},\"next\":{\"url\":\"http://n:2\"}},\"gate\":{\"passed\":false,\"failing\":[{"
		  "\"term\":\"mismatch > 1%\",\"target\":\"next\",\"value\":0.3}],\"terms\":[{\"term\":\"mismatch > 1%\",\"target\":\"same\",\"value\":0,"
		  "\"allowed\":\"at most 1%\",\"outcome\":\"passes\"},{\"term\":\"mismatch > 1%\",\"target\":\"next\",\"value\":0.3,\"allowed\":\"at most 1%\","
		  "\"outcome\":\"fails\"}]},\"comparison\":{\"targets\":{\"same\":{\"role\":\"shadow\",\"mismatch\":{\"of\":9,\"rate\":0}},\"next\":{\"role\":"
		  "\"shadow\",\"mismatch\":{\"of\":9,\"rate\":0.3}}}}}",
		  "mismatch > 1% of “next”, and it is 30.0 %", "http://n:2" },
		{ "{\"requests\":{},\"gate\":{\"passed\":true},\"comparison\":{\"targets\":{\"a\":{\"mismatch\":{\"of\":850,\"rate\":0},"
		  "\"ignored\":{\"pairs\":850,\"of\":850,\"rate\":1,\"alone\":850,\"paths\":[{\"path\":\"/duration\",\"rule\":\"rules.txt:3\","
		  "\"pairs\":850,\"of\":850,\"rate\":1}]}}}}}",
		  "Warning: what rules leave out differs in 850 of 850 pairs", "rules.txt:3" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"paths\":[{\"path\":\"/id\",\"kind\":\"value\",\"pairs\":7,"
		  "\"names\":7,\"proposal\":\"/id ignore\"}]}}}}",
		  "", "/id ignore" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"status_matrix\":[{\"production\":200,\"shadow\":null,"
		  "\"count\":4}]}}}}",
		  "", "no response" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"status_matrix\":[{\"production\":\"OK\","
		  "\"shadow\":\"DEADLINE_EXCEEDED\",\"count\":4}]}}}}",
		  "", "DEADLINE_EXCEEDED" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int medium = MEDIUM_HTML; medium <= MEDIUM_MARKDOWN; medium++) {
			struct buffer out = { 0 }, wanted = { 0 };
			struct markup p = { .out = &wanted, .medium = (enum medium)medium };

			assert_int_equal(draw(rows[i].json, (enum medium)medium, &out), 0);
			markup_escaped(&p, span_str(rows[i].title));
			if (!strstr(buffer_text(&out), buffer_text(&wanted)))
				fail_msg("row %zu: no \"%s\" in:\n%s", i, rows[i].title, buffer_text(&out));
			buffer_clear(&wanted);
			markup_escaped(&p, span_str(rows[i].below));
			if (!strstr(buffer_text(&out), buffer_text(&wanted)))
				fail_msg("row %zu: no \"%s\" in:\n%s", i, rows[i].below, buffer_text(&out));
			buffer_deinit(&out);
			buffer_deinit(&wanted);
		}
	}
}

/* A run that was not to end decided was asked nothing: what the default condition would say is no headline. */
static void test_no_decision_on_top(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(draw(ENDED("reject", "false"), MEDIUM_HTML, &out), 0);
	assert_non_null(strstr(buffer_text(&out), "97.00 % of the shadow"));
	assert_null(strstr(buffer_text(&out), "Reject: "));
	buffer_deinit(&out);
}

/* Slices come worst first: by what is sure, then by what it looks like; who names no model is no row. */
static void test_slices(void **state)
{
	static const char json[] =
		"{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"slices\":["
		"{\"by\":\"model\",\"value\":\"\",\"compared\":900,\"rate\":0.9,\"low\":0.8,\"high\":1},"
		"{\"by\":\"header:t\",\"value\":\"large\",\"compared\":800,\"rate\":0,\"low\":0,\"high\":0.01},"
		"{\"by\":\"header:t\",\"value\":\"few\",\"compared\":2,\"rate\":0.5,\"low\":0.1,\"high\":0.9},"
		"{\"by\":\"header:t\",\"value\":\"worst\",\"compared\":90,\"rate\":0.4,\"low\":0.3,\"high\":0.5},"
		"{\"by\":\"header:t\",\"value\":\"none\",\"compared\":0,\"rate\":null}]}}}}";
	static const char *const order[] = { "worst", "few", "large", "none" };

	(void)state;
	for (int medium = MEDIUM_HTML; medium <= MEDIUM_MARKDOWN; medium++) {
		struct buffer out = { 0 };
		const char *at;

		assert_int_equal(draw(json, (enum medium)medium, &out), 0);
		at = strstr(buffer_text(&out), "By path, model and header");
		for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
			assert_non_null(at);
			at = strstr(at, order[i]);
		}
		assert_non_null(at);
		assert_null(strstr(buffer_text(&out), "900"));
		buffer_deinit(&out);
	}
}

#define EXPLAINED(ratio)                                                                                      \
	"{\"requests\":{},\"comparison\":{\"targets\":{\"a\":{\"explained_by\":[{\"where\":\"/<b> > 128\\u001b[2J\","         \
	"\"pairs\":1400,\"rate\":0.129,\"other_pairs\":48600,\"other_rate\":0.00905," ratio ",\"examples\":[\"0f\",\"f0\"]}]}}}}"

/* What stands out is said in a sentence; what requests call it does no harm. */
static void test_explained(void **state)
{
	static const struct {
		const char *json, *html, *markdown;
	} rows[] = {
		{ EXPLAINED("\"ratio\":14.25,\"ratio_low\":4.2"),
		  "Disagreement is 14.25 times as high (12.9 % against 0.91 %, 1,400 of 50,000 pairs) where /&lt;b&gt; &gt; 128",
		  "At least 4.2 times, all that was looked for considered. For example: 0f, f0" },
		{ EXPLAINED("\"ratio\":null,\"ratio_low\":0.5"), "Disagreement is found only (12.9", "For example: 0f, f0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int medium = MEDIUM_HTML; medium <= MEDIUM_MARKDOWN; medium++) {
			struct buffer out = { 0 };

			assert_int_equal(draw(rows[i].json, (enum medium)medium, &out), 0);
			if (!strstr(buffer_text(&out), medium == MEDIUM_HTML ? rows[i].html : rows[i].markdown))
				fail_msg("%.400s", strstr(buffer_text(&out), "Disagreement"));
			assert_null(strchr(buffer_text(&out), '\x1b'));
			assert_null(strstr(buffer_text(&out), "/<b>"));
			buffer_deinit(&out);
		}
}

static void test_no_report(void **state)
{
	static const char *const rows[] = { "null", "[]", "{}", "7", "{\"requests\":[]}", "\"requests\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer out = { 0 };

		assert_int_equal(draw(rows[i], MEDIUM_HTML, &out), -EINVAL);
		assert_int_equal(out.len, 0);
		buffer_deinit(&out);
	}
}

/* A report that has every member the page looks at. */
static const char everything[] =
	"{\"shadowtap\":\"0.1.0\",\"started\":\"2026-11-22T10:00:00.000000000Z\",\"seconds\":300,\"interrupted\":true,"
	"\"dry_run\":false,\"sample\":0.05,\"nothing_sent\":\"nothing\",\"warnings\":[\"a warning\"],\"events_dropped\":3,"
	"\"packets\":{\"received\":100,\"decoded\":90,\"ignored\":{\"not_tcp\":10},\"malformed\":{\"ip\":0},\"dropped_kernel\":4},"
	"\"requests\":{\"seen\":50,\"complete\":48,\"lost\":{\"gap\":2},\"filtered\":{\"method\":4},\"unsampled\":4,"
	"\"shed\":{\"memory\":0},\"chosen\":40},\"connections\":{\"one_way\":1},"
	"\"targets\":{\"default\":{\"url\":\"http://shadow\",\"chosen\":40,\"shed\":{\"queue\":1},\"unsampled\":0,\"sent\":39,"
	"\"answered\":{\"2xx\":38},\"failed\":{\"timeout\":1},\"cancelled_at_exit\":0,\"total_us\":{\"p50\":700,\"p99\":900}}},"
	"\"gate\":{\"expression\":\"compared < 5\",\"passed\":false,\"failing\":[{\"term\":\"compared < 5\",\"value\":1}]},"
	"\"comparison\":{\"options\":{\"rtol\":1e-5,\"ignore\":[\"/id\"]},\"rules_unmatched\":[\"r:1\"],"
	"\"targets\":{\"default\":{\"role\":\"shadow\",\"pairs\":39,\"compared\":38,\"verdicts\":{\"equal\":30,\"decision\":8,"
	"\"error\":1},\"errors\":{\"timeout\":1},\"not_comparable\":{\"gap\":0},\"distinct_requests\":30,"
	"\"mismatch_distinct\":{\"count\":7,\"of\":29,\"rate\":0.24,\"low\":0.12,\"high\":0.42},"
	"\"witnesses\":{\"count\":28,\"by\":\"requests\",\"design_effect\":1.35,\"clients\":3},"
	"\"mismatch\":{\"count\":8,\"of\":38,\"rate\":0.21,\"low\":0.11,\"high\":0.36},"
	"\"generated\":{\"pairs\":2,\"same_text\":1,\"common_prefix_share\":0.5},"
	"\"error_rate\":{\"production\":{\"of\":39,\"rate\":0},\"shadow\":{\"of\":39,\"rate\":0.02}},"
	"\"decision\":{\"count\":38,\"agree\":30,\"rate\":0.79,\"low\":0.6,\"high\":0.9,\"confusion\":[{\"production\":\"1\","
	"\"shadow\":\"2\",\"count\":8}],\"labels\":[{\"label\":\"1\"},{\"label\":\"2\"}],\"label_psi\":0.01,\"score_psi\":0.3,"
	"\"scores\":{\"production\":[[19,30]],\"shadow\":[[18,30]],\"bins\":20}},"
	"\"outputs\":{\"cosine\":{\"vectors\":3,\"agree\":2,\"other_dimension\":1,\"not_judged\":1,\"p50\":1,\"p1\":0.9,"
	"\"min\":0.8,\"norm_ratio\":{\"mean\":1,\"min\":0.5,\"max\":2}},\"rank\":{\"lists\":2,\"agree\":1,\"same_first\":1,\"overlap\":0.9,"
	"\"not_judged\":1,\"other_length\":1,\"tau\":null},\"regression\":{\"numbers\":3,\"bias\":-0.5,\"not_judged\":1},"
	"\"boxes\":{\"images\":3,\"f1\":0.5,\"not_judged\":1}},"
	"\"status_matrix\":[{\"production\":200,\"shadow\":null,\"count\":1}],\"status_overflow\":1,"
	"\"latency_us\":{\"production\":{\"first_byte\":{\"count\":3,\"p50\":5},\"total\":{\"count\":3,\"p50\":70,\"p99\":80,"
	"\"buckets\":[[70,1],[72,2]]}},\"shadow\":{\"first_byte\":{\"count\":3},\"total\":{\"count\":3,\"p50\":90,\"p99\":99,"
	"\"buckets\":[[90,3]]}},\"difference\":{\"count\":3,\"p50\":{\"value\":20,\"low\":10,\"high\":null},\"slower\":3,"
	"\"buckets_above\":[[20,3]],\"buckets_below\":[[1,1]]},\"timeouts\":1,\"p99_ratio\":1.2},"
	"\"streams\":{\"production\":{\"count\":1,\"tokens\":9,\"first_token\":{\"count\":1,\"p50\":9},\"gap\":{},\"tokens_per_second\":{\"p50\":9}},\"shadow\":{}},"
	"\"goodput\":{\"slo\":\"total < 1s\",\"production\":{\"rate\":1},\"shadow\":{\"rate\":0.9,\"of\":9},\"delta\":{\"value\":-0.1,\"low\":-0.2,"
	"\"high\":0}},"
	"\"paths\":[{\"path\":\"/a/*\",\"kind\":\"value\",\"pairs\":3,\"rate\":0.1,\"max_abs\":0.1,\"max_rel\":2,"
	"\"control\":{\"rate\":0.01},\"verdict\":\"differs\"}],\"paths_overflow\":1,"
	"\"slices\":[{\"by\":\"path\",\"value\":\"/v1\",\"compared\":30,\"errors\":1,\"decisions\":3,\"agree\":2,\"rate\":0.2,"
	"\"low\":0.1,\"high\":0.3}],\"slices_overflow\":1,"
	"\"explained_by\":[{\"where\":\"/inputs/0/shape/1 > 128\",\"pairs\":140,\"rate\":0.129,\"other_pairs\":4860,\"other_rate\":0.009,"
	"\"ratio\":14.1,\"ratio_low\":4.2,\"examples\":[\"0f\",\"f0\"]}],"
	"\"over_time\":{\"width_s\":8,\"bins\":[{\"start\":1763805600,\"pairs\":30,\"compared\":30,\"mismatch\":2,\"errors_of\":30,"
	"\"production\":{\"errors\":1,\"p50_us\":9,\"p99_us\":20},\"shadow\":{\"errors\":0,\"p50_us\":8,\"p99_us\":null}},{\"start\":1763805616,"
	"\"pairs\":9,\"compared\":8,\"mismatch\":6,\"errors_of\":9,\"shadow\":{\"errors\":8,\"p50_us\":7,\"p99_us\":8}}]},"
	"\"examples\":[{\"id\":\"0f\",\"ts\":\"2026\",\"verdict\":\"decision\",\"request_path\":\"/v1\",\"production_us\":5,"
	"\"shadow_us\":null,\"differences\":[{\"path\":\"/a/0\",\"kind\":\"value\",\"production\":\"1\",\"shadow\":\"2\"}],"
	"\"texts\":{\"same\":3,\"same_words\":1,\"production_len\":6,\"shadow_len\":7,\"from\":0,\"production\":\"it <is\",\"shadow\":\"it >was\"},"
	"\"request_body\":\"x\",\"production_body\":\"{y:[1,{}]\",\"shadow_body\":\"{z:\\\"\"}],"
	"\"repeats\":{\"requests\":2,\"same_production\":2,\"same_shadow\":2},\"noise\":{\"source\":\"repeats\",\"net_rate\":0.2}}}}}";

#define REPEATED(requests, clients, witnesses)                                                               \
	"{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"pairs\":12500,\"compared\":12400,"  \
	"\"mismatch\":{\"count\":10,\"of\":12400,\"rate\":0.0008,\"low\":0,\"high\":0.01},\"distinct_requests\":" requests ","  \
	"\"mismatch_distinct\":{\"count\":7,\"of\":830,\"rate\":0.00843,\"low\":0.0041,\"high\":0.0173},"              \
	"\"witnesses\":{\"count\":" witnesses ",\"clients\":" clients "}}}}}"

#define WORDS(source, count)                                                                                  \
	"{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"pairs\":40,\"compared\":40,"     \
	"\"mismatch\":{\"count\":" count ",\"of\":40,\"rate\":0,\"low\":0,\"high\":0.09},"                           \
	"\"generated\":{\"pairs\":40,\"same_text\":10,\"different\":30,\"common_prefix_share\":0.25},"                \
	"\"noise\":{\"source\":\"" source "\",\"net_rate\":0}}}}}"

/*
 * Where a language model's words are all there is, nobody is told that the responses agree. Where pairs repeat each
 * other, everybody is told.
 */
static void test_words(void **state)
{
	static const struct {
		const char *report, *says, *says_not;
	} cases[] = {
		{ WORDS("none", "0"), "25.0 % of the generated texts are the same", "agree with production" },
		{ WORDS("repeats", "0"), "10 of 40 texts are the same", "Net of noise" },
		{ WORDS("none", "0"), "Generated texts that are the same", "Answers that agree" },
		{ WORDS("none", "0"), "(--control)", "more than words" },
		{ WORDS("none", "2"), "differ in more than words: 2.", "compared answers differ" },
		{ "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\",\"mismatch\":{\"of\":0,\"rate\":null}}}}}",
		  "Answers that agree", "100 %" },
		{ WORDS("control", "0"), "agree with production", "generated texts are the same" },
		{ REPEATED("830", "190", "640"), "They are answers to 830 different requests of 190 clients, and count as 640 witnesses. "
		  "Of the requests, each by its first pair, 0.84 % differ (95 % interval at one look, 0.41 % to 1.73 %).", "noise" },
		{ REPEATED("830", "190", "640"), "of 12,500 pairs; 830 different requests of 190 clients: counts as 640 witnesses", "1 witness" },
		{ REPEATED("1", "1", "1"), "answers to 1 request of 1 client, and count as 1 witness. ", "witnesses" },
		{ REPEATED("12400", "null", "12400"), "12,400 different requests of more than 1,000 clients: counts as 12,400", "They are" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int medium = MEDIUM_HTML; medium <= MEDIUM_MARKDOWN; medium++) {
			struct buffer out = { 0 }, text = { 0 };

			assert_int_equal(draw(cases[i].report, (enum medium)medium, &out), 0);
			for (const char *c = buffer_text(&out); *c; c++) /* a blank that does not break is one */
				if (strncmp(c, "\xc2\xa0", 2) == 0 || strncmp(c, "\xe2\x80\xaf", 3) == 0) {
					buffer_add(&text, " ", 1);
					c += *c == '\xe2' ? 2 : 1;
				} else if (*c != '\\') {
					buffer_add(&text, c, 1);
				}
			if (!strstr(buffer_text(&text), cases[i].says) || strstr(buffer_text(&text), cases[i].says_not))
				fail_msg("case %zu: %s", i, strstr(buffer_text(&text), "verdict\""));
			buffer_deinit(&out);
			buffer_deinit(&text);
		}
}

static void must_draw_well(const char *json)
{
	for (int medium = MEDIUM_HTML; medium <= MEDIUM_MARKDOWN; medium++) {
		struct buffer out = { 0 };
		int err = draw(json, (enum medium)medium, &out);

		assert_true(err == 0 || err == -EINVAL);
		if (medium == MEDIUM_HTML ? !page_html_is_safe(buffer_text(&out)) : !page_markdown_is_whole(buffer_text(&out)))
			fail_msg("from %s:\n%s", json, buffer_text(&out));
		buffer_deinit(&out);
	}
}

/* Each value in turn is something else: what an older version, a hand or a foe may have left there. */
static void test_any_value_may_be_another(void **state)
{
	static const char *const others[] = { "null", "-7", "1e400", "\"<script>alert(1)</script>\"", "[]", "{}", "[[[]]]",
					      "\"a|b\\nc\\\\\"", "{\"<img src=x>\":\"<a href='//x'>\"}", "true" };
	struct json_doc doc = { 0 };

	(void)state;
	assert_int_equal(json_doc_parse(&doc, span_str(everything)), 0);
	must_draw_well(everything);
	for (uint32_t n = 0; n < doc.count; n++) {
		const struct json_node *node = &doc.nodes[n];
		bool text = node->type == JSON_STRING;
		size_t from = node->at - (text ? 1 : 0), to = node->at + node->len + (text ? 1 : 0);

		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			struct buffer changed = { 0 };
			struct json_doc other = { 0 };

			buffer_add(&changed, everything, from);
			buffer_add_str(&changed, others[i]);
			buffer_add_str(&changed, everything + to);
			if (json_doc_parse(&other, buffer_span(&changed)) == 0) /* a name can only be a string */
				must_draw_well(buffer_text(&changed));
			json_doc_deinit(&other);
			buffer_deinit(&changed);
		}
	}
	json_doc_deinit(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices), cmocka_unit_test(test_explained), cmocka_unit_test(test_words),
		cmocka_unit_test(test_format),	       cmocka_unit_test(test_counts),
		cmocka_unit_test(test_what_is_said),   cmocka_unit_test(test_no_decision_on_top),
		cmocka_unit_test(test_no_report),
		cmocka_unit_test(test_any_value_may_be_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
