/* test_gate.c - --fail-on: what it takes, what it refuses and where, and what it says of a report */
#include "tests/rig/unit.h"

#include <math.h>
#include <string.h>

#include "report/gate.h"

/* A run of two shadows and a control: a is good, b is bad in each way, c is the control and worse still. */
static const char report_text[] =
	"{\"packets\":{\"dropped_kernel\":0},\"requests\":{\"seen\":1000,\"chosen\":900,\"lost\":{\"gap\":4,\"reset\":6}},"
	"\"targets\":{\"a\":{\"sent\":500,\"chosen\":900,\"shed\":{\"rate\":400,\"queue\":0},\"failed\":{\"timeout\":1,\"reset\":0}},"
	"\"b\":{\"sent\":0,\"chosen\":0,\"shed\":{},\"failed\":{\"timeout\":0}},"
	"\"c\":{\"sent\":500,\"chosen\":500,\"failed\":{\"timeout\":400}}},"
	"\"comparison\":{\"targets\":{"
	"\"a\":{\"role\":\"shadow\",\"pairs\":500,\"compared\":499,\"mismatch\":{\"rate\":0.002,\"low\":0.0004,\"high\":0.011},"
	"\"mismatch_distinct\":{\"rate\":0.005,\"low\":0.001,\"high\":0.02},\"witnesses\":{\"count\":640},"
	"\"verdicts\":{\"schema\":1,\"not_comparable\":0},\"decision\":{\"rate\":0.99,\"low\":0.98,\"label_psi\":0.3},"
	"\"noise\":{\"net_rate\":0,\"low\":-0.001,\"high\":0.004},"
	"\"error_rate\":{\"shadow\":{\"rate\":0.004},\"delta\":{\"value\":-0.001,\"high\":0.003}},"
	"\"latency_us\":{\"timeouts\":1,\"p99_ratio\":1.1,\"p99_ratio_low\":0.9,\"p99_ratio_high\":1.3,\"shadow\":{\"total\":{\"p50\":900,\"p99\":12500}},"
	"\"production\":{\"total\":{\"p99\":11000}},\"difference\":{\"p50\":{\"value\":-40,\"low\":-70,\"high\":20}}}},"
	"\"b\":{\"role\":\"shadow\",\"pairs\":0,\"compared\":0,\"mismatch\":{\"rate\":null,\"low\":null,\"high\":null},"
	"\"verdicts\":{\"schema\":0,\"not_comparable\":0},\"latency_us\":{\"timeouts\":0,\"p99_ratio\":null}},"
	"\"c\":{\"role\":\"control\",\"pairs\":500,\"compared\":100,\"mismatch\":{\"rate\":0.5,\"high\":0.6}}}}}";

static const struct {
	const char *text;
	const char *failing; /* its sentence after "gate failed: ", NULL: it passes */
} rows[] = {
	{ "a:mismatch > 0.5%", NULL },
	{ "a:mismatch_upper > 1%", "a:mismatch_upper > 1% (a: 1.1%)" },
	{ "a:mismatch_upper>0.01", "a:mismatch_upper>0.01 (a: 1.1%)" },
	{ "a:mismatch_upper >= 1.1%", "a:mismatch_upper >= 1.1% (a: 1.1%)" },
	{ "a:mismatch_upper > 1.1%", NULL },
	{ "a:witnesses < 641", "a:witnesses < 641 (a: 640)" },
	{ "a:mismatch_distinct > 0.4% or a:mismatch_distinct_lower > 0", "a:mismatch_distinct > 0.4% (a: 0.5%); "
	  "a:mismatch_distinct_lower > 0 (a: 0.1%)" },
	{ "a:mismatch_distinct_upper > 2%", NULL },
	{ "a:mismatch_net > 0.1% or a:mismatch_net_lower > 0", NULL },
	{ "a:mismatch_net_lower > -0.2%", "a:mismatch_net_lower > -0.2% (a: -0.1%)" },
	{ "a:mismatch_net_upper > 0.3%", "a:mismatch_net_upper > 0.3% (a: 0.4%)" },
	{ "compared < 1000", "compared < 1000 (a: 499); compared < 1000 (b: 0)" },
	{ "compared < 100", "compared < 100 (b: 0)" },
	{ "c:compared < 200", "c:compared < 200 (c: 100)" }, /* a control is asked only by name */
	{ "mismatch > 40%", "mismatch > 40% (b: not known, there is nothing that it could be computed from)" },
	{ "a:mismatch > 40% or a:compared < 10", NULL },
	{ "a:compared == 499 and a:pairs != 499", "a:compared == 499 (a: 499); a:pairs != 499 (a: 500)" },
	{ "a:compared = 498", NULL },
	{ "b:mismatch > 1% and a:compared < 10", NULL },              /* unknown and false is false */
	{ "b:mismatch > 1% or a:compared > 10", "b:mismatch > 1% (b: not known, there is nothing that it could be computed from); "
						"a:compared > 10 (a: 499)" },
	{ "b:mismatch > 1% and a:compared > 10", "b:mismatch > 1% (b: not known, there is nothing that it could be computed from); "
						 "a:compared > 10 (a: 499)" },
	{ "a:compared > 10 and a:compared < 10 or a:schema > 0", "a:schema > 0 (a: 0.2004%)" }, /* and binds tighter */
	{ "a:compared > 10 and (a:compared < 10 or a:schema > 0)", "a:compared > 10 (a: 499); a:schema > 0 (a: 0.2004%)" },
	{ "((a:compared > 10))", "a:compared > 10 (a: 499)" },
	{ "a:error_delta > -0.2%", "a:error_delta > -0.2% (a: -0.1%)" },
	{ "a:error_delta_upper > 0.1%", "a:error_delta_upper > 0.1% (a: 0.3%)" },
	{ "a:error_rate > 0.5%", NULL },
	{ "a:shadow_p99 > 12ms", "a:shadow_p99 > 12ms (a: 12.5ms)" },
	{ "a:shadow_p50 > 0.5ms", "a:shadow_p50 > 0.5ms (a: 900us)" },
	{ "a:production_p99 >= 11ms", "a:production_p99 >= 11ms (a: 11ms)" },
	{ "a:slower_p50 < -10us", "a:slower_p50 < -10us (a: -40us)" },
	{ "a:slower_p50_lower > 0us or a:slower_p50_upper > 10us", "a:slower_p50_upper > 10us (a: 20us)" },
	{ "a:p99_ratio_lower > 1 or a:p99_ratio_upper > 1.2", "a:p99_ratio_upper > 1.2 (a: 1.3)" },
	{ "a:p50_ratio_upper > 1.2", "a:p50_ratio_upper > 1.2 (a: not known, nothing was measured, or it lies among the timeouts)" },
	{ "a:shadow_p999 > 1s", "a:shadow_p999 > 1s (a: not known, nothing was measured, or it lies among the timeouts)" },
	{ "a:p99_ratio > 1.2", NULL },
	{ "p99_ratio > 1.2", "p99_ratio > 1.2 (b: not known, nothing was measured, or it lies among the timeouts)" },
	{ "a:label_psi > 0.25", "a:label_psi > 0.25 (a: 0.3)" },
	{ "a:decision_agreement < 99.5% OR a:decision_agreement_lower < 97%", "a:decision_agreement < 99.5% (a: 99%)" },
	{ "a:timeouts > 0.1%", "a:timeouts > 0.1% (a: 0.2%)" },
	{ "lost > 0.5%", "lost > 0.5% (1%)" },
	{ "dropped > 0", NULL },
	{ "seen < 2000", "seen < 2000 (1000)" },
	{ "a:failed > 0.1%", "a:failed > 0.1% (a: 0.2%)" },
	{ "a:shed > 40%", "a:shed > 40% (a: 44.44%)" },
	{ "failed > 1%", "failed > 1% (b: not known, there is nothing that it could be computed from)" },
	{ "nobody:compared < 1", "nobody:compared < 1 (nobody: not known, no target has this name)" },
};

static void evaluate(const char *text, const char *report, struct buffer *said, bool *passed)
{
	struct json_doc d = { 0 };
	struct gate_result r;
	struct gate *g;
	struct buffer error = { 0 }, j_text = { 0 };
	struct json j = json_to(&j_text);
	struct json_doc again = { 0 };

	if (gate_parse(span_str(text), &g, &error) != 0)
		fail_msg("%s: %s", text, buffer_text(&error));
	assert_int_equal(json_doc_parse(&d, span_str(report)), 0);
	gate_evaluate(g, &d, &r);
	assert_true(r.passed == (r.count == 0));
	gate_sentence(g, &r, said);
	gate_json(g, &r, &j);
	assert_int_equal(json_doc_parse(&again, buffer_span(&j_text)), 0);
	assert_int_equal(again.nodes[json_doc_member(&again, 0, SPAN_LITERAL("failing"))].count, r.count);
	*passed = r.passed;
	json_doc_deinit(&again);
	json_doc_deinit(&d);
	buffer_deinit(&j_text);
	gate_free(g);
}

static void test_evaluate(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer said = { 0 }, want = { 0 };
		bool passed;

		evaluate(rows[i].text, report_text, &said, &passed);
		if (rows[i].failing)
			buffer_printf(&want, "gate failed: %s", rows[i].failing);
		else
			buffer_printf(&want, "gate passed: not (%s)", rows[i].text);
		if (strcmp(buffer_text(&said), buffer_text(&want)) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", rows[i].text, buffer_text(&said), buffer_text(&want));
		buffer_deinit(&said);
		buffer_deinit(&want);
	}
}

/* ---- generated text ---- */

#define LANGUAGE_MODEL(role, compared, pairs, different, noise)                                              \
	"{\"comparison\":{\"targets\":{\"m\":{\"role\":\"" role "\",\"compared\":" compared                    \
	",\"mismatch\":{\"rate\":0,\"low\":0,\"high\":0.004},"                                                \
	"\"mismatch_distinct\":{\"rate\":0,\"low\":0,\"high\":0.004},\"generated\":{\"pairs\":" pairs               \
	",\"different\":" different ",\"common_prefix_share\":0.25},\"noise\":{\"source\":\"" noise                \
	"\",\"net_rate\":0,\"low\":-0.001,\"high\":0.001}}}}}"

static const struct {
	const char *report, *gate;
	bool passes, known;
} generated_rows[] = {
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:mismatch > 1%", false, false },
	{ LANGUAGE_MODEL("shadow", "100", "100", "1", "repeats"), "m:mismatch_upper > 1%", false, false },
	{ LANGUAGE_MODEL("shadow", "100", "100", "1", "repeats"), "m:mismatch_distinct_upper > 1%", false, false },
	{ LANGUAGE_MODEL("shadow", "100", "60", "1", "none"), "m:mismatch_net > 1%", false, false },
	{ LANGUAGE_MODEL("shadow", "100", "60", "1", "none"), "m:mismatch_net_upper > 1%", false, false },
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:mismatch_upper > 0.1%", false, true }, /* that much is known */
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:mismatch > 1% and m:compared < 50", true, true },
	{ LANGUAGE_MODEL("shadow", "100", "50", "50", "none"), "m:mismatch > 1%", true, true },
	{ LANGUAGE_MODEL("shadow", "100", "100", "0", "none"), "m:mismatch > 1%", true, true }, /* the same words each time */
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "control"), "m:mismatch > 1%", true, true },
	{ LANGUAGE_MODEL("control", "100", "100", "90", "none"), "m:mismatch > 1%", true, true },
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:generated_different > 95%", true, true },
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:generated_different > 80%", false, true },
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:common_prefix < 20%", true, true },
	{ LANGUAGE_MODEL("shadow", "100", "100", "90", "none"), "m:generated < 200", false, true },
	{ LANGUAGE_MODEL("shadow", "100", "0", "0", "none"), "m:generated_different > 80%", false, false },
};

static void test_generated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(generated_rows) / sizeof(generated_rows[0]); i++) {
		struct buffer said = { 0 };
		bool passed;

		evaluate(generated_rows[i].gate, generated_rows[i].report, &said, &passed);
		if (passed != generated_rows[i].passes ||
		    !strstr(buffer_text(&said), "not known") != generated_rows[i].known)
			fail_msg("row %zu, %s: %s", i, generated_rows[i].gate, buffer_text(&said));
		buffer_deinit(&said);
	}
}

/* ---- latencies, at the pace of the recording and at others ---- */

#define LATENCIES                                                                                            \
	"\"comparison\":{\"targets\":{\"m\":{\"pairs\":9,\"compared\":9,\"latency_us\":{\"timeouts\":0,\"p50_ratio\":1,"     \
	"\"p99_ratio\":1,\"p99_ratio_high\":1,\"shadow\":{\"total\":{\"p50\":5,\"p99\":9}},\"production\":{\"total\":{\"p50\":5,\"p99\":9}},"    \
	"\"difference\":{\"p50\":{\"value\":0,\"high\":0}}},\"streams\":{\"shadow\":{\"first_token\":{\"p50\":5,\"p99\":9},"     \
	"\"tokens_per_second\":{\"p50\":50}}},\"goodput\":{\"shadow\":{\"rate\":1},\"delta\":{\"low\":0}}}}}}"

static const struct {
	const char *text;
	bool at_other, at_max; /* is it known there? */
} latency_rows[] = {
	{ "p50_ratio > 2", false, false },      { "p99_ratio > 2", false, false },     { "slower_p50 > 1ms", false, false },
	{ "shadow_p50 > 1ms", true, false },    { "shadow_p99 > 1ms", true, false },   { "first_token_p50 > 1ms", true, false },
	{ "first_token_p99 > 1ms", true, false }, { "production_p99 > 1ms", true, true }, { "timeouts > 1%", true, true },
	{ "p99_ratio_upper > 2", false, false }, { "slower_p50_upper > 1ms", false, false }, { "compared < 5", true, true },
	{ "tokens_per_second_p50 < 10", true, false }, { "goodput < 90%", true, false }, { "goodput_delta_lower < -1%", false, false },
};

static void check_known(const char *text, const char *speed, bool known, const char *why)
{
	struct buffer report = { 0 }, said = { 0 };
	bool passed;

	buffer_printf(&report, "{%s%s", speed, LATENCIES);
	evaluate(text, buffer_text(&report), &said, &passed);
	if (passed != known || (!known && !strstr(buffer_text(&said), why)))
		fail_msg("%s with %s: %s", text, speed, buffer_text(&said));
	buffer_deinit(&report);
	buffer_deinit(&said);
}

static void test_latency_at_another_pace(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(latency_rows) / sizeof(latency_rows[0]); i++) {
		const char *text = latency_rows[i].text;

		check_known(text, "", true, ""); /* a report of before */
		check_known(text, "\"speed\":1,", true, "");
		check_known(text, "\"speed\":10,", latency_rows[i].at_other, "(m: not known, not replayed at the recorded pace)");
		check_known(text, "\"speed\":0.5,", latency_rows[i].at_other, "not replayed at the recorded pace");
		check_known(text, "\"speed\":\"max\",", latency_rows[i].at_max, "(m: not known, replayed as fast as possible)");
		check_known(text, "\"speed\":\"mixed\",", latency_rows[i].at_max, "not known, ");
	}
	check_known("p99_ratio > 2 and compared < 5", "\"speed\":\"max\",", true, ""); /* the other term decides */
	check_known("p99_ratio > 2 or compared < 5", "\"speed\":\"max\",", false, "replayed as fast as possible");
}

/* A report without the data, or no report at all, never passes. */
static void test_no_data(void **state)
{
	static const char *const reports[] = { "{}", "[]", "7", "{\"comparison\":null,\"targets\":{}}",
					       "{\"comparison\":{\"targets\":{}},\"targets\":[]}",
					       "{\"comparison\":{\"targets\":{\"a\":{\"mismatch\":\"x\",\"compared\":[]}}}}",
					       "{\"comparison\":{\"targets\":{\"a\":{\"mismatch\":{\"rate\":NaN},\"compared\":null}}}}" };
	static const char *const gates[] = { "mismatch > 1%", "compared < 5", "p99_ratio > 1", "failed > 1%", "lost > 1%", "a:sent > 1",
					     "mismatch > 1% and mismatch < 2%" };

	(void)state;
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		for (size_t k = 0; k < sizeof(gates) / sizeof(gates[0]); k++) {
			struct buffer said = { 0 };
			bool passed;

			evaluate(gates[k], reports[i], &said, &passed);
			assert_false(passed);
			assert_non_null(strstr(buffer_text(&said), "not known, "));
			buffer_deinit(&said);
		}
}

static const struct {
	const char *text, *said;
} wrong[] = {
	{ "", "the name of a value is missing (at its end)" },
	{ "   ", "the name of a value is missing (at its end)" },
	{ "mismatch", "a comparison is missing (one of > >= < <= == !=) (at its end)" },
	{ "mismatch > ", "a share, such as 0.5% or 0.005, is expected (at its end)" },
	{ "mismatch > x", "a share, such as 0.5% or 0.005, is expected (at \"x\")" },
	{ "mismatch > 5", "a share, such as 0.5% or 0.005, is expected (at \"5\")" }, /* 5 % or 500 %? */
	{ "mismatch > -1%", "a share" },
	{ "mismatch > 1e-3", "a share" },
	{ "mismatch > nan", "a share" },
	{ "mismatch > 0x1", "a share" },
	{ "compared < 10%", "a count, such as 1000, is expected (at \"10%\")" },
	{ "compared < -1", "a count" },
	{ "shadow_p99 > 5", "a time with its unit, such as 50ms, is expected (at \"5\")" },
	{ "shadow_p99 > 5kg", "a time with its unit" },
	{ "p99_ratio > 5ms", "a plain number, such as 1.2, is expected (at \"5ms\")" },
	{ "p99_ration > 1.2", "there is no such value; did you mean p99_ratio? (at \"p99_ration > 1.2\")" },
	{ "compared < 5 or mismach > 1%", "did you mean mismatch? (at \"mismach > 1%\")" },
	{ "xyzzy > 1", "there is no such value; there are pairs, compared, " },
	{ "a:lost > 1%", "\"lost\" is of the whole run, not of a target (at \"lost > 1%\")" },
	{ ":pairs > 1", "no target has such a name (at \":pairs > 1\")" },
	{ "pairs > 1 pairs > 2", "`and`, `or` or the end is expected (at \"pairs > 2\")" },
	{ "pairs > 1 and", "the name of a value is missing (at its end)" },
	{ "(pairs > 1", "a closing parenthesis is missing (at its end)" },
	{ "pairs > 1)", "is expected (at \")\")" },
	{ "((((((((((((((((( pairs > 1", "the parentheses are too deep" },
	{ "pairs => 1", "a count" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buffer error = { 0 };
		struct gate *g = NULL;

		if (gate_parse(span_str(wrong[i].text), &g, &error) == 0)
			fail_msg("\"%s\" was taken", wrong[i].text);
		assert_null(g);
		if (!strstr(buffer_text(&error), wrong[i].said))
			fail_msg("\"%s\": %s", wrong[i].text, buffer_text(&error));
		buffer_deinit(&error);
	}
}

static void test_many_terms(void **state)
{
	struct buffer text = { 0 }, error = { 0 };
	struct gate *g;

	(void)state;
	for (int i = 0; i < GATE_TERMS_MAX; i++)
		buffer_printf(&text, "%spairs > %d", i ? (i % 2 ? " and " : " or ") : "", i);
	assert_int_equal(gate_parse(buffer_span(&text), &g, &error), 0);
	gate_free(g);
	buffer_add_str(&text, " or pairs > 1");
	assert_true(gate_parse(buffer_span(&text), &g, &error) < 0);
	assert_non_null(strstr(buffer_text(&error), "more than 32 terms"));
	buffer_deinit(&text);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evaluate), cmocka_unit_test(test_generated),
		cmocka_unit_test(test_latency_at_another_pace),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_many_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
