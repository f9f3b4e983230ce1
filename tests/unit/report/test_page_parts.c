/* test_page_parts.c - what parts of a page say, and when they say nothing */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "report/page.h"
#include "tests/rig/page_check.h"

/** struct part - a report, and what its page says and does not say on either medium; NULL: nothing to look for */
struct part {
	const char *report, *says, *says_not;
};

/* A blank that does not break is a blank, and what is escaped for Markdown is what it stands for. */
static void plain(struct buffer *page, struct buffer *text)
{
	for (const char *c = buffer_text(page); *c; c++) {
		if (strncmp(c, "\xc2\xa0", 2) == 0) {
			buffer_add(text, " ", 1);
			c++;
		} else if (*c != '\\') {
			buffer_add(text, c, 1);
		}
	}
}

static void page_of(const char *report, enum medium medium, struct buffer *text)
{
	struct json_doc doc = { 0 };
	struct buffer out = { 0 };

	if (json_doc_parse(&doc, span_str(report)) != 0)
		fail_msg("no JSON: %s", report + (doc.error_at > 40 ? doc.error_at - 40 : 0));
	assert_int_equal(page_draw(&doc, medium, &out), 0);
	assert_true(medium == MEDIUM_HTML ? page_html_is_safe(buffer_text(&out)) : page_markdown_is_whole(buffer_text(&out)));
	plain(&out, text);
	json_doc_deinit(&doc);
	buffer_deinit(&out);
}

static void check(const struct part *parts, size_t n, enum medium from, enum medium to)
{
	for (size_t i = 0; i < n; i++)
		for (int medium = from; medium <= (int)to; medium++) {
			struct buffer text = { 0 };

			page_of(parts[i].report, (enum medium)medium, &text);
			if ((parts[i].says && !strstr(buffer_text(&text), parts[i].says)) ||
			    (parts[i].says_not && strstr(buffer_text(&text), parts[i].says_not)))
				fail_msg("part %zu, not \"%s\" or \"%s\": %s", i, parts[i].says ? parts[i].says : "",
					 parts[i].says_not ? parts[i].says_not : "", buffer_text(&text));
			buffer_deinit(&text);
		}
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TARGET(members) "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"role\":\"shadow\"," members "}}}}"

/* ---- in the course of the run ---- */

#define BIN(start, pairs, mismatch, errors, p50)                                                                       \
	"{\"start\":" #start ",\"pairs\":" #pairs ",\"compared\":" #pairs ",\"mismatch\":" #mismatch ",\"errors_of\":" #pairs \
	",\"production\":{\"errors\":0,\"p50_us\":900,\"p99_us\":1000},\"shadow\":{\"errors\":" #errors ",\"p50_us\":" #p50    \
	",\"p99_us\":null}}"
#define COURSE(speed, bins)                                                                                          \
	"{\"requests\":{},\"speed\":" speed ",\"comparison\":{\"targets\":{\"m\":{\"over_time\":{\"width_s\":64,\"bins\":[" bins "]}," \
	"\"latency_us\":{\"production\":{\"total\":{\"p50\":900}},\"shadow\":{\"total\":{\"p50\":1000}}}}}}}"
#define STEADY BIN(1763805632, 100, 2, 0, 1000) "," BIN(1763805696, 100, 3, 0, 1100)

static void test_course(void **state)
{
	static const struct part parts[] = {
		{ COURSE("1", BIN(1763805632, 100, 2, 0, 1000)), NULL, "In the course of the run" },
		{ COURSE("1", STEADY), "from 2025-11-22 10:00 to 2025-11-22 10:02 UTC", "what stands out" },
		{ COURSE("1", STEADY), "Nothing stands out", "In the last third" },
		/* a bad minute */
		{ COURSE("1", STEADY "," BIN(1763805760, 100, 40, 0, 1000)), "answers that differ: 40.0 % (in all 15.0 %)", "errors of the" },
		{ COURSE("1", STEADY "," BIN(1763805760, 100, 2, 30, 1000)), "errors of the shadow: 30.0 % (in all 10.0 %)", "that differ: " },
		/* a warm-up, which is none where the pace is not the recording's */
		{ COURSE("1", BIN(1763805568, 50, 1, 0, 3000) "," STEADY), "p50 of the shadow: 3.00 ms (in all 1.00 ms)", "of production: " },
		{ COURSE("\"max\"", BIN(1763805568, 50, 1, 0, 3000) "," STEADY), "Nothing stands out", "p50 of the shadow: " },
		{ COURSE("1", BIN(1763805568, 5, 1, 0, 3000) "," STEADY), "Nothing stands out", "p50 of the shadow: " },
		/* a drift: no step for itself is far from the whole */
		{ COURSE("1", BIN(1763805632, 300, 3, 0, 9) "," BIN(1763805696, 300, 12, 0, 9) "," BIN(1763805760, 300, 27, 0, 9)),
		  "In the last third of the time 9.00 % of the answers differ, in the first 1.00 %.", NULL },
		/* bins that are none: out of order, off the grid, too far away */
		{ COURSE("1",
			 STEADY "," BIN(1763805632, 99, 90, 0, 9) "," BIN(1763805761, 99, 90, 0, 9) "," BIN(9763805760, 9, 9, 0, 9)),
		  "Nothing stands out", "90.9 %" },
	};

	(void)state;
	check(parts, COUNT(parts), MEDIUM_HTML, MEDIUM_MARKDOWN);
}

/* ---- class by class ---- */

#define DECISIONS(labels, confusion, overflow)                                                                       \
	TARGET("\"decision\":{\"count\":1000,\"agree\":900,\"rate\":0.9,\"labels\":[" labels "],\"confusion\":[" confusion "]," \
	       "\"confusion_overflow\":" overflow "}")
#define LABEL(name, production, shadow) "{\"label\":\"" name "\",\"production\":" #production ",\"shadow\":" #shadow "}"
#define CONFUSED(production, shadow, n) "{\"production\":\"" production "\",\"shadow\":\"" shadow "\",\"count\":" #n "}"
#define THREE LABEL("ham", 900, 920) "," LABEL("spam", 80, 70) "," LABEL("rare", 20, 10)

static void test_classes(void **state)
{
	static const struct part parts[] = {
		{ DECISIONS(THREE, CONFUSED("ham", "spam", 9) "," CONFUSED("rare", "ham", 12) "," CONFUSED("rare", "spam", 3), "0"),
		  "25.0 % (11.2 % to 46.9 %)", "at most as high" },
		{ DECISIONS(THREE, CONFUSED("rare", "spam", 3) "," CONFUSED("rare", "ham", 12), "4"), "ham (12)", "more classes" },
		{ DECISIONS(THREE, CONFUSED("rare", "ham", 12), "4"), "4 disagreements are not told apart by class", "In the course" },
		{ DECISIONS(THREE, CONFUSED("rare", "ham", 12), "4"), "In the other classes all decisions agree", NULL },
		{ DECISIONS(THREE, "", "0"), "decisions agree", "production decided" },
		/* what production never said, and counts that cannot be */
		{ DECISIONS(LABEL("a", 0, 3) "," LABEL("b", 2, 1), CONFUSED("a", "b", 3) "," CONFUSED("b", "a", 1), "0"), "a (1)", "nan" },
		{ DECISIONS(LABEL("a", 2, 3) "," LABEL("b", 2, 1), CONFUSED("a", "b", 7) "," CONFUSED("a", "a", 9), "0"), "b (7)", "(9)" },
	};
	/* a label stands in an attribute, too */
	static const struct part html[] = {
		{ DECISIONS(LABEL("a\\\" onclick=\\\"b", 2, 3) "," LABEL("b", 2, 1), CONFUSED("a\\\" onclick=\\\"b", "b", 1), "0"), "b (1)",
		  "a\" onclick" },
	};
	struct buffer page = { 0 };
	const char *rare, *ham;

	(void)state;
	check(parts, COUNT(parts), MEDIUM_HTML, MEDIUM_MARKDOWN);
	check(html, COUNT(html), MEDIUM_HTML, MEDIUM_HTML);
	page_of(parts[0].report, MEDIUM_MARKDOWN, &page);
	rare = strstr(buffer_text(&page), "|rare|20|15|");
	ham = strstr(buffer_text(&page), "|ham|900|9|");
	assert_true(rare && ham && rare < ham); /* what is surely bad is first, however rare */
	buffer_deinit(&page);
	page_of(parts[0].report, MEDIUM_HTML, &page);
	assert_non_null(strstr(buffer_text(&page), "<td class=\"same\">891</td>")); /* of 900, 9 otherwise */
	assert_non_null(strstr(buffer_text(&page), "<td class=\"total\">920</td>"));
	buffer_deinit(&page);
}

/* Of many classes there is a list of what is confused most, and the worst of them, in time. */
static void test_many_classes(void **state)
{
	struct buffer labels = { 0 }, confusion = { 0 }, report = { 0 }, page = { 0 };

	(void)state;
	for (int i = 0; i < 1100; i++) {
		buffer_printf(&labels, "%s{\"label\":\"c%d\",\"production\":100,\"shadow\":100}", i ? "," : "", i);
		buffer_printf(&confusion, "%s{\"production\":\"c%d\",\"shadow\":\"c%d\",\"count\":%d}", i ? "," : "", i, (i + 1) % 1100,
			      1 + i % 100);
	}
	buffer_add_str(&report, "{\"requests\":{},\"comparison\":{\"targets\":{\"m\":{\"decision\":{\"count\":9,\"labels\":[");
	buffer_add_span(&report, buffer_span(&labels));
	buffer_add_str(&report, "],\"confusion\":[");
	buffer_add_span(&report, buffer_span(&confusion));
	buffer_add_str(&report, "]}}}}}");
	page_of(buffer_text(&report), MEDIUM_MARKDOWN, &page);
	assert_non_null(strstr(buffer_text(&page), "|c99|c100|100|"));
	assert_non_null(strstr(buffer_text(&page), "|c99|100|100|0 % ("));
	assert_non_null(strstr(buffer_text(&page), "1012 more classes have disagreements"));
	buffer_deinit(&labels);
	buffer_deinit(&confusion);
	buffer_deinit(&report);
	buffer_deinit(&page);
}

/* ---- examples ---- */

#define EXAMPLE(members) TARGET("\"examples\":[{\"id\":\"0f\",\"request_path\":\"/v1\"," members "}]")
#define TEXTS(from, same, words, production, shadow)                                                                 \
	"\"texts\":{\"same\":" #same ",\"same_words\":" #words ",\"production_len\":90,\"shadow_len\":80,\"from\":" #from \
	",\"production\":\"" production "\",\"shadow\":\"" shadow "\"}"

static void test_example_lines(void **state)
{
	static const struct part both[] = {
		{ EXAMPLE("\"verdict\":\"decision\",\"differences\":[{\"path\":\"/p/4\",\"kind\":\"decision\",\"production\":\"3\","
			  "\"shadow\":\"5\"}]"), "/p/4: 3 → 5", "more differences" },
		{ EXAMPLE("\"verdict\":\"value\",\"differences\":[{\"path\":\"/p/4\",\"kind\":\"value\",\"production\":\"\",\"shadow\":"
			  "\"\"}],\"differences_more\":7"), "/p/4 value", "→" },
		{ EXAMPLE("\"verdict\":\"status\",\"differences\":[],\"status\":[200,null]"), "status 200 → none", NULL },
		{ EXAMPLE("\"verdict\":\"error\",\"reason\":\"timeout\",\"status\":[200,null]"), "timeout", "→" },
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(0, 9, 2, "it is so now", "it is sour now")), "word 3: “so” → “sour”", NULL },
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(0, 5, 1, "it is", "it is sour")), "word 2: “is” → “is”", NULL },
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(0, 9, 2, "it is so now", "it is sour now")), "part at word 3: the first 9 bytes", NULL },
		{ EXAMPLE("\"verdict\":\"close\",\"differences\":[]"), "of pairs that are close", NULL },
	};
	static const struct part html[] = {
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(0, 9, 2, "it is so now", "it is sour now")),
		  "<pre>it is <b class=\"diff\">sour</b> now</pre>", "… " },
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(40, 49, 2, "it is so now", "it is sour now")), "<pre>… it is ", NULL },
		{ EXAMPLE("\"verdict\":\"value\"," TEXTS(0, 0, 0, "<script>", "<b>x</b>")), "&lt;script&gt;", "<b>x" },
		{ EXAMPLE("\"verdict\":\"value\",\"production_body\":\"{\\\"a\\\":[1,2],\\\"b\\\":{\\\"c\\\":[]},\\\"d\\\":3}\","
			  "\"shadow_body\":\"{\\\"a\\\":[1,2],\\\"b\\\":{\\\"c\\\":[4]},\\\"d\\\":3}\""),
		  "{\n  &quot;a&quot;: [1, 2],\n  &quot;b&quot;: {\n<span class=\"diff\">    &quot;c&quot;: [4]</span>\n  },\n  &quot;d&quot;: 3\n}", NULL },
		{ EXAMPLE("\"verdict\":\"value\",\"production_body\":\"<p>\",\"shadow_body\":\"<p>\\n<i>\""),
		  "<pre>&lt;p&gt;\n<span class=\"diff\">&lt;i&gt;</span>", "<pre><span class=\"diff\">&lt;p" },
	};

	(void)state;
	check(both, COUNT(both), MEDIUM_HTML, MEDIUM_MARKDOWN);
	check(html, COUNT(html), MEDIUM_HTML, MEDIUM_HTML);
}

/* Pairs that are close come last, whatever the order of the report. */
static void test_close_ones_are_last(void **state)
{
	struct buffer page = { 0 };
	const char *close, *value;

	(void)state;
	page_of(TARGET("\"examples\":[{\"verdict\":\"close\",\"reason\":\"first\"},{\"verdict\":\"value\",\"reason\":\"second\"}]"),
		MEDIUM_HTML, &page);
	close = strstr(buffer_text(&page), "<code>first");
	value = strstr(buffer_text(&page), "<code>second");
	assert_true(close && value && value < close);
	buffer_deinit(&page);
}

/* ---- few, none, and several runs ---- */

#define SEEN(lost)                                                                                                  \
	"{\"packets\":{\"decoded\":90,\"dropped_kernel\":0},\"requests\":{\"seen\":8,\"complete\":8,\"chosen\":8,\"lost\":{\"gap\":" lost \
	"}},\"targets\":{\"m\":{\"chosen\":8,\"sent\":8,\"answered\":{\"2xx\":8}}},\"comparison\":{\"targets\":{\"m\":{\"pairs\":8,"    \
	"\"compared\":8,\"mismatch\":{\"count\":0,\"of\":8,\"rate\":0,\"low\":0,\"high\":0.3},\"verdicts\":{\"equal\":8}}}}}"
#define LATENCY(n)                                                                                                 \
	TARGET("\"mismatch\":{\"of\":500,\"rate\":0},\"latency_us\":{\"p99_ratio\":2,\"production\":{\"total\":{\"count\":" #n \
	       ",\"p50\":1000,\"p90\":2000,\"p95\":3000,\"p99\":5000,\"p999\":7000}},\"shadow\":{\"total\":{\"count\":" #n \
	       ",\"p50\":1100,\"p90\":2200,\"p95\":3300,\"p99\":10000,\"p999\":17000}}}")
#define MERGED(warnings)                                                                                            \
	"{\"requests\":{},\"warnings\":[" warnings "],\"merged\":[{\"title\":\"A <b>\",\"labels\":{\"model\":\"v2\"},\"host\":\"h1\"," \
	"\"source\":{\"interfaces\":[\"eth0\"],\"files\":[]},\"started\":\"2026-11-29T10:00:00.000Z\",\"seconds\":60},{\"title\":null," \
	"\"seconds\":7}]}"

static void test_few_and_none(void **state)
{
	static const struct part parts[] = {
		{ SEEN("0"), "Nothing was lost: 8 requests in 90 packets", "requests complete" },
		{ SEEN("1"), "requests complete", "Nothing was lost" },
		{ SEEN("0"), "; that is of 8, too few to judge", NULL },
		{ SEEN("0"), "; few pairs", "Statuses" },
		{ LATENCY(2000), "At p99 the shadow takes 10.0 ms and production 5.00 ms: 2 times as long", "from this many answers on" },
		{ LATENCY(2000), "17.0 ms", "too few" },
		{ LATENCY(400), "from this many answers on", "17.0 ms" },
		{ LATENCY(99), "latency, p50", "10.0 ms" },
		{ LATENCY(99), "3.30 ms", "times as long" },
		{ TARGET("\"pairs\":0,\"compared\":0"), "No exchange has ended yet", "verdict|pairs" },
		{ "{\"requests\":{},\"speed\":\"max\",\"comparison\":{\"targets\":{\"m\":{\"slices\":[{\"by\":\"path\",\"value\":\"/x\"}]}}}}", "/x", "whisker\"" },
		{ "{\"requests\":{},\"speed\":\"max\",\"comparison\":{\"targets\":{\"m\":{}}}}", NULL, "Times of the shadow" },
		{ TARGET("\"pairs\":4,\"status_matrix\":[{\"production\":null,\"shadow\":200,\"count\":4}]"), "not seen", "no response" },
		{ TARGET("\"paths\":[{\"path\":\"/p\",\"kind\":\"close\",\"max_rel\":9,\"verdict\":\"close\"}]"), "such as argmax", NULL },
		{ TARGET("\"paths\":[{\"path\":\"/p\",\"kind\":\"close\",\"max_rel\":0.01,\"verdict\":\"close\"}]"), NULL, "such as argmax" },
		{ "{\"requests\":{},\"targets\":{\"m\":{\"sent\":3,\"failed\":{\"dns\":3}}}}", "3 requests attempted: 0 answered, 3 failed", NULL },
		{ MERGED("\"answers were compared with different options\""), "Added up of several runs: answers were compared with", NULL },
		{ MERGED(""), "2026-11-29T10:00:00", "Added up of several runs" },
		{ MERGED(""), "eth0", "A <b>" },
	};
	static const struct part html[] = {
		{ LATENCY(400), "<i class=\"dash\"></i>p99", NULL },
		{ LATENCY(99), "<ul class=\"legend\">", "<i class=\"dash\">" },
	};

	(void)state;
	check(parts, COUNT(parts), MEDIUM_HTML, MEDIUM_MARKDOWN);
	check(html, COUNT(html), MEDIUM_HTML, MEDIUM_HTML);
}

/* A number and its unit are not torn apart, and nothing else is changed. */
static void test_units(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "0.50 % of 12 ms", "0.50\xc2\xa0% of 12\xc2\xa0ms" },
		{ "3 s, 4 sent", "3\xc2\xa0s, 4 sent" },
		{ "912 µs (7 KiB)", "912\xc2\xa0µs (7\xc2\xa0KiB)" },
		{ " %", " %" },
		{ "x % 5", "x % 5" },
		{ "5 ", "5 " },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer out = { 0 };
		struct markup p = { .out = &out, .medium = MEDIUM_HTML };

		markup_words(&p, span_str(rows[i].text));
		assert_string_equal(buffer_text(&out), rows[i].shown);
		buffer_clear(&out);
		p.medium = MEDIUM_MARKDOWN;
		markup_words(&p, span_str(rows[i].text));
		assert_null(strstr(buffer_text(&out), "\xc2\xa0"));
		buffer_deinit(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_course),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_many_classes),
		cmocka_unit_test(test_example_lines),
		cmocka_unit_test(test_close_ones_are_last),
		cmocka_unit_test(test_few_and_none),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
