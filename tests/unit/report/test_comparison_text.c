/* test_comparison_text.c - the last lines say what the intervals rest on, where pairs repeat each other */
#include "tests/rig/unit.h"

#include <string.h>

#include "report/comparison_text.h"

/* @pairs pairs in turn of so many requests and clients; the first request always differs, and decides otherwise. */
static struct tally *tally_of(uint64_t pairs, uint64_t requests, uint64_t clients)
{
	static const struct tally_target target = { "default", false };
	struct tally_options options = { &target, 1, NULL, 0, false };
	struct tally *t = tally_new(&options);

	assert_non_null(t);
	for (uint64_t i = 0; i < pairs; i++) {
		uint64_t body = i % requests;
		struct message m = { .body = (uint8_t *)&body, .body_len = sizeof(body) };
		struct response r = { .result = RESPONSE_UNSEEN, .first_byte_us = -1, .last_byte_us = -1 };
		struct outcome o = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200 };
		struct comparison c = { .verdict = body == 0 ? COMPARISON_DECISION : COMPARISON_EQUAL, .kind = BODY_JSON };
		struct pair pair = { &m, &r, NULL, &o };

		m.head.target = SPAN_LITERAL("/");
		m.origin.client.addr[15] = (uint8_t)(i % clients);
		c.findings.decisions_total = 1;
		c.findings.decisions_agree = body != 0;
		tally_add(t, 0, &pair, &c);
	}
	return t;
}

static const struct {
	uint64_t pairs, requests, clients;
	const char *lines;
} rows[] = {
	{ 500, 500, 1, /* all different: nothing to tell */
	  "default: compared 500 of 500\n"
	  "  mismatch   0.20% of 500, between 0.04% and 1.12% at one look\n"
	  "  decisions  99.80% of 500 agree, between 98.88% and 99.96% at one look\n" },
	{ 500, 1, 2,
	  "default: compared 500 of 500\n"
	  "  mismatch   100.00% of 500, between 20.65% and 100.00% at one look\n"
	  "  witnesses  500 pairs, 1 request, 2 clients: counts as 1 witness\n"
	  "  decisions  0.00% of 500 agree, between 0.00% and 79.35% at one look\n" },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tally *t = tally_of(rows[i].pairs, rows[i].requests, rows[i].clients);
		struct comparison_target target = { "default", false, { .pairs = rows[i].pairs } };
		struct comparison_facts facts = { &target, 1, t, { 0 }, 1, false, true, false };
		struct buffer out = { 0 };

		comparison_text(&facts, &out);
		assert_string_equal(buffer_text(&out), rows[i].lines);
		buffer_deinit(&out);
		tally_free(t);
	}
}

/* Who asked for no report is told that there is one, where there is something to draw. */
static void test_page_is_offered(void **state)
{
	(void)state;
	for (uint64_t pairs = 0; pairs < 2; pairs++) {
		struct tally *t = tally_of(pairs, 1, 1);
		struct comparison_target target = { "default", false, { .pairs = pairs } };
		struct comparison_facts facts = { &target, 1, t, { 0 }, 1, false, false, false };
		struct buffer out = { 0 };

		comparison_text(&facts, &out);
		assert_int_equal(strstr(buffer_text(&out), "\n--report report.html draws all of it as a page\n") != NULL, pairs > 0);
		buffer_deinit(&out);
		tally_free(t);
	}
}

/* What many pairs of few requests count as depends on the hashes, within 9 %: the words, and bounds. */
static void test_words(void **state)
{
	struct tally *t = tally_of(12400, 830, 190);
	struct comparison_target target = { "default", false, { .pairs = 12400 } };
	struct comparison_facts facts = { &target, 1, t, { 0 }, 1, false, true, false };
	struct tally_brief brief = tally_brief(t, 0);
	struct buffer out = { 0 }, want = { 0 };

	(void)state;
	assert_true(brief.witnesses.count > 600 && brief.witnesses.count <= 830);
	assert_true(brief.witnesses.clients > 150 && brief.witnesses.clients < 230);
	buffer_printf(&want,
		      "  witnesses  12,400 pairs, 830 different requests, %u clients: counts as %u witnesses\n"
		      "  distinct   0.12%% of 830 requests, each by its first pair, between 0.02%% and 0.68%% at one look\n",
		      (unsigned)brief.witnesses.clients, (unsigned)brief.witnesses.count);
	comparison_text(&facts, &out);
	if (!strstr(buffer_text(&out), buffer_text(&want)))
		fail_msg("%s", buffer_text(&out));
	buffer_deinit(&out);
	buffer_deinit(&want);
	tally_free(t);
}

/* For the line of progress: a share of what was compared, without the texts that no control judges. */
static void test_so_far(void **state)
{
	static const struct comparison_counts c = {
		.verdict = { [COMPARISON_EQUAL] = 9000, [COMPARISON_CLOSE] = 900, [COMPARISON_VALUE] = 80,
			     [COMPARISON_DECISION] = 20, [COMPARISON_ERROR] = 5, [COMPARISON_NOT_COMPARABLE] = 7 },
		.generated_different = 30,
	};
	struct comparison_counts none = { .verdict = { [COMPARISON_ERROR] = 5 } };
	struct buffer text = { 0 };

	(void)state;
	comparison_so_far(&c, false, &text);
	assert_string_equal(buffer_text(&text), "1.00% of 10,000 differ");
	buffer_clear(&text);
	comparison_so_far(&c, true, &text);
	assert_string_equal(buffer_text(&text), "0.70% of 10,000 differ");
	buffer_clear(&text);
	comparison_so_far(&none, true, &text);
	assert_int_equal(text.len, 0);
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_page_is_offered),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_so_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
