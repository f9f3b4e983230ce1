/*
 * test_decision.c - three states: by truth tables, by levels, and in simulated runs through tally, report and decision
 */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/tally.h"
#include "report/decision.h"
#include "report/document.h"
#include "tests/rig/dice.h"

/* ---- of reports as text ---- */

static struct gate *parsed(const char *expression)
{
	struct buffer error = { 0 };
	struct gate *g;

	if (gate_parse(span_str(expression), &g, &error) < 0)
		fail_msg("%s: %s", expression, buffer_text(&error));
	return g;
}

/** judge() - the decision's terms borrow from the gate, which is given */
static struct gate *judge(const char *expression, const char *report, double watch_at_least_s, struct decision_made *out)
{
	struct gate *g = parsed(expression);
	struct decision_settings set = { .gate = g, .watch_at_least_s = watch_at_least_s };
	struct json_doc doc = { 0 };

	assert_int_equal(json_doc_parse(&doc, span_str(report)), 0);
	decision_make(&set, &doc, out);
	json_doc_deinit(&doc);
	return g;
}

static enum decision_state state_of(const char *expression, const char *report)
{
	struct decision_made d;

	gate_free(judge(expression, report, 0, &d));
	return d.state;
}

#define TARGET(name, looks, of, more)                                                                              \
	"\"" name "\":{\"role\":\"shadow\",\"looks\":\"" looks "\",\"pairs\":" of ",\"compared\":" of "," more "}"
#define REPORT(targets) "{\"seconds\":100,\"packets\":{\"dropped_kernel\":7},\"comparison\":{\"targets\":{" targets "}}}"

/* ---- and, or, parentheses ---- */

static const char *const names[] = { "status_mismatch", "encoding", "schema", "value" };
enum { SHOWN_FALSE, SHOWN_TRUE, OPEN, STANDINGS };
static const unsigned shown_by[] = { [SHOWN_FALSE] = 0, [SHOWN_TRUE] = 1000, [OPEN] = 500 };

/* struct tree - an expression, and what it says for each truth of the names */
struct tree {
	char text[1024];
	bool holds[16]; /* by bits: which of the names hold */
};

static void grow(struct dice *dice, int depth, struct tree *out)
{
	struct tree *a, *b;
	bool is_and;

	if (depth == 0 || below(dice, 4) == 0) {
		unsigned name = below(dice, 4);

		snprintf(out->text, sizeof(out->text), "%s > 50%%", names[name]);
		for (unsigned bits = 0; bits < 16; bits++)
			out->holds[bits] = bits >> name & 1;
		return;
	}
	a = calloc(2, sizeof(*a));
	assert_non_null(a);
	b = a + 1;
	grow(dice, depth - 1, a);
	grow(dice, depth - 1, b);
	is_and = below(dice, 2);
	snprintf(out->text, sizeof(out->text), "(%.480s) %s (%.480s)", a->text, is_and ? "and" : "or", b->text);
	for (unsigned bits = 0; bits < 16; bits++)
		out->holds[bits] = is_and ? a->holds[bits] && b->holds[bits] : a->holds[bits] || b->holds[bits];
	free(a);
}

/* Decided is what is the same whichever way the open ones turn out. */
static enum decision_state by_table(const struct tree *t, const unsigned *standing)
{
	bool ever = false, always = true;

	for (unsigned bits = 0; bits < 16; bits++) {
		bool is_possible = true;

		for (unsigned i = 0; i < 4; i++)
			is_possible &= standing[i] == OPEN || (bits >> i & 1) == (standing[i] == SHOWN_TRUE);
		if (!is_possible)
			continue;
		ever |= t->holds[bits];
		always &= t->holds[bits];
	}
	return always ? DECISION_REJECT : !ever ? DECISION_PROMOTE : DECISION_KEEP_WATCHING;
}

static void test_truth_tables(void **state)
{
	struct dice dice = dice_of_seed(7);
	unsigned seen[4] = { 0 };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct tree t;
		unsigned standing[4];
		char report[700];
		enum decision_state want;

		grow(&dice, 3, &t);
		for (int i = 0; i < 4; i++)
			standing[i] = below(&dice, STANDINGS);
		snprintf(report, sizeof(report),
			 REPORT(TARGET("default", "anytime", "1000",
				       "\"verdicts\":{\"status\":%u,\"encoding\":%u,\"schema\":%u,\"value\":%u}")),
			 shown_by[standing[0]], shown_by[standing[1]], shown_by[standing[2]], shown_by[standing[3]]);
		want = by_table(&t, standing);
		seen[want]++;
		if (state_of(t.text, report) != want)
			fail_msg("%s with %u %u %u %u is not to %s", t.text, standing[0], standing[1], standing[2], standing[3],
				 decision_state_name(want));
	}
	for (int s = DECISION_KEEP_WATCHING; s <= DECISION_REJECT; s++)
		assert_true(seen[s] > 20);
}

/* ---- the error, shared out ---- */

/* The least (or, from the other side, the greatest) count of 1,000 at which 10 % is shown to be passed. */
static unsigned passed_at(bool above, double error)
{
	unsigned n = above ? 100 : 99;

	while (above ? looks_share(LOOKS_ANYTIME, n, 1000, 1, (struct tails){ error, 0 }).low <= 0.1
		     : looks_share(LOOKS_ANYTIME, n, 1000, 1, (struct tails){ 0, error }).high > 0.1)
		n += above ? 1 : -1U;
	return n;
}

static enum decision_state with_counts(const char *expression, unsigned status, unsigned encoding, unsigned schema)
{
	char report[700];

	snprintf(report, sizeof(report),
		 REPORT(TARGET("default", "anytime", "1000", "\"verdicts\":{\"status\":%u,\"encoding\":%u,\"schema\":%u,\"value\":100}")),
		 status, encoding, schema);
	return state_of(expression, report);
}

static void test_levels(void **state)
{
	unsigned whole = passed_at(true, 0.025), half = passed_at(true, 0.0125), third = passed_at(true, 0.025 / 3);
	unsigned few = passed_at(false, 0.025), fewer = passed_at(false, 0.0125);

	(void)state;
	assert_true(whole < half && half < third && fewer < few);
	/* one term has the whole error, either way */
	assert_int_equal(with_counts("encoding > 10%", 0, whole, 0), DECISION_REJECT);
	assert_int_equal(with_counts("encoding > 10%", 0, whole - 1, 0), DECISION_KEEP_WATCHING);
	assert_int_equal(with_counts("encoding > 10%", 0, few, 0), DECISION_PROMOTE);
	assert_int_equal(with_counts("encoding > 10%", 0, few + 1, 0), DECISION_KEEP_WATCHING);
	/* `or`: each may reject, so they share; all have to let pass, so they don't */
	assert_int_equal(with_counts("status_mismatch > 10% or encoding > 10% or schema > 10%", 100, 100, third), DECISION_REJECT);
	assert_int_equal(with_counts("status_mismatch > 10% or encoding > 10% or schema > 10%", 100, 100, third - 1), DECISION_KEEP_WATCHING);
	assert_int_equal(with_counts("status_mismatch > 10% or encoding > 10% or schema > 10%", few, few, few), DECISION_PROMOTE);
	/* `and`: the other way round */
	assert_int_equal(with_counts("status_mismatch > 10% and encoding > 10%", whole, whole, 0), DECISION_REJECT);
	assert_int_equal(with_counts("status_mismatch > 10% and encoding > 10%", 100, fewer, 0), DECISION_PROMOTE);
	assert_int_equal(with_counts("status_mismatch > 10% and encoding > 10%", 100, fewer + 1, 0), DECISION_KEEP_WATCHING);
	/* what has no interval takes no share */
	assert_int_equal(with_counts("compared < 1000 or dropped > 9 or encoding > 10%", 0, whole, 0), DECISION_REJECT);
	/* parts that share are parts of the whole: of a or (b and c) each side has one half to reject */
	assert_int_equal(with_counts("encoding > 10% or status_mismatch > 10% and schema > 10%", 0, half, 0), DECISION_REJECT);
	assert_int_equal(with_counts("encoding > 10% or status_mismatch > 10% and schema > 10%", half, 0, half), DECISION_REJECT);
	assert_int_equal(with_counts("encoding > 10% or status_mismatch > 10% and schema > 10%", half - 1, 0, half), DECISION_KEEP_WATCHING);
}

#define OF_A TARGET("a", "anytime", "1000", "\"verdicts\":{\"schema\":0}")
#define OF_B TARGET("b", "anytime", "1000", "\"verdicts\":{\"schema\":%u}")
#define OF_C "\"c\":{\"role\":\"control\",\"pairs\":9000,\"compared\":9000,\"verdicts\":{\"schema\":9000}}"
static const char three_targets[] = REPORT(OF_A "," OF_B "," OF_C);

/* A term holds if it holds for any shadow: they share the error to reject, and all have to let pass. */
static void test_several_shadows(void **state)
{
	unsigned half = passed_at(true, 0.0125);
	char report[900];

	(void)state;
	for (unsigned less = 0; less < 2; less++) {
		snprintf(report, sizeof(report), three_targets, half - less);
		assert_int_equal(state_of("schema > 10%", report), less ? DECISION_KEEP_WATCHING : DECISION_REJECT);
		assert_int_equal(state_of("a:schema > 10%", report), DECISION_PROMOTE);
		assert_int_equal(state_of("c:schema > 10%", report), DECISION_REJECT);
	}
}

/* ---- what each kind of value rests on ---- */

#define EVERYTHING                                                                                                     \
	"\"verdicts\":{\"not_comparable\":0,\"decision\":0},\"distinct_requests\":900,"                               \
	"\"mismatch\":{\"count\":3,\"of\":4000,\"rate\":0.00075,\"low\":0,\"high\":0.1},"                             \
	"\"generated\":{\"pairs\":0,\"different\":0,\"decisions\":{\"tool_call\":0}},"                               \
	"\"error_rate\":{\"production\":{\"count\":50,\"of\":4000,\"rate\":0.0125},"                                 \
	"\"shadow\":{\"count\":51,\"of\":4000,\"rate\":0.01275},\"both\":48,\"delta\":{\"value\":0.00025}},"         \
	"\"goodput\":{\"production\":{\"count\":980,\"of\":1000},\"shadow\":{\"count\":979,\"of\":1000,\"low\":0.96},\"both\":975," \
	"\"delta\":{\"value\":-0.001}},"                                                                               \
	"\"decision\":{\"count\":9000,\"agree\":8990,\"rate\":0.9989,\"low\":0.99,\"high\":1,\"label_psi\":0.3},"    \
	"\"ignored\":{\"pairs\":40,\"of\":4000,\"rate\":0.01,\"low\":0,\"high\":0.2},"                               \
	"\"noise\":{\"source\":\"control\",\"net_rate\":0.0005,\"low\":0,\"high\":1,\"shares\":\"paired\","                 \
	"\"paired\":{\"both\":0,\"shadow\":3,\"control\":1,\"neither\":3996}},"                                           \
	"\"latency_us\":{\"timeouts\":2,\"p99_ratio\":1,\"p50_ratio\":2,"                                            \
	"\"production\":{\"total\":{\"p50\":40,\"p99\":60,\"buckets\":[[40,3800],[60,198]]}},"                       \
	"\"shadow\":{\"total\":{\"p50\":20,\"p99\":60,\"buckets\":[[20,3800],[60,198]]}},"                           \
	"\"difference\":{\"p50\":{\"value\":-20},\"p99\":{\"value\":0},\"buckets_above\":[[0,198]],\"buckets_below\":[[20,3800]]}}"

static const struct {
	const char *term;
	enum decision_state state, once;
	uint64_t of;
	bool is_by_value;
} kinds[] = {
	{ "mismatch > 0.5%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "mismatch_upper > 0.5%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "mismatch_lower > 0.5%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "mismatch > 0.1%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 4000, false },
	{ "mismatch >= 0.001%", DECISION_REJECT, DECISION_REJECT, 4000, false },
	{ "mismatch > 0%", DECISION_REJECT, DECISION_REJECT, 4000, false }, /* one has proved it */
	{ "schema > 0%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 0, true }, /* not in this report */
	{ "decision > 0%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 4000, false }, /* none can be shown to be */
	{ "decision_agreement < 99%", DECISION_PROMOTE, DECISION_PROMOTE, 9000, false },
	{ "decision_agreement_lower <= 99.98%", DECISION_REJECT, DECISION_REJECT, 9000, false },
	{ "ignored_differing > 5%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "error_rate > 5%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "error_delta > 1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "error_delta < -1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "error_delta_upper > 0.02%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 4000, false },
	{ "goodput_lower < 90%", DECISION_PROMOTE, DECISION_PROMOTE, 1000, false },
	{ "goodput_delta < -4%", DECISION_PROMOTE, DECISION_PROMOTE, 1000, false },
	{ "timeouts > 1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "tool_call > 1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "shadow_p50 > 30us", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "shadow_p50 > 10us", DECISION_REJECT, DECISION_REJECT, 4000, false },
	{ "shadow_p99 > 61us", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "shadow_p999 > 61us", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 4000, false }, /* among the timeouts, perhaps */
	{ "slower_p50 > -10us", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "slower_p50 > -30us", DECISION_REJECT, DECISION_REJECT, 4000, false },
	{ "p50_ratio > 0.6", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "p50_ratio > 0.4", DECISION_REJECT, DECISION_REJECT, 4000, false },
	{ "p50_ratio_upper > 0.6", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "slower_p50_upper > -10us", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "label_psi > 0.25", DECISION_KEEP_WATCHING, DECISION_REJECT, 0, true }, /* it may sink again */
	{ "label_psi > 0.35", DECISION_PROMOTE, DECISION_PROMOTE, 0, true },
	{ "mismatch == 0%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, true },
	{ "compared < 4000", DECISION_PROMOTE, DECISION_PROMOTE, 0, true },
	{ "compared < 4001", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 0, true }, /* it grows */
	{ "compared <= 4000", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 0, true },
	{ "dropped > 6", DECISION_REJECT, DECISION_REJECT, 0, true }, /* it never shrinks */
	{ "dropped > 7", DECISION_PROMOTE, DECISION_PROMOTE, 0, true },
	{ "mismatch_net > 1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "mismatch_net_upper > 1%", DECISION_PROMOTE, DECISION_PROMOTE, 4000, false },
	{ "mismatch_net_upper > 0.04%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 4000, false },
	{ "mismatch_net_lower > -1%", DECISION_REJECT, DECISION_REJECT, 4000, false },
	{ "common_prefix > 1%", DECISION_KEEP_WATCHING, DECISION_KEEP_WATCHING, 0, true }, /* not known */
};

static void test_kinds(void **state)
{
	static const char watched[] = REPORT(TARGET("default", "anytime", "4000", EVERYTHING));
	static const char once[] = REPORT(TARGET("default", "once", "4000", EVERYTHING));

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct decision_made d;

		gate_free(judge(kinds[i].term, watched, 0, &d));
		if (d.state != kinds[i].state || d.count != 1 || d.rows[0].state != kinds[i].state || d.rows[0].of != kinds[i].of ||
		    d.rows[0].is_by_value != kinds[i].is_by_value)
			fail_msg("%s: %s, of %llu, by %s", kinds[i].term, decision_state_name(d.state),
				 (unsigned long long)d.rows[0].of, d.rows[0].is_by_value ? "value" : "interval");
		assert_int_equal(d.looks, LOOKS_ANYTIME);
		gate_free(judge(kinds[i].term, once, 0, &d));
		if (d.state != kinds[i].once)
			fail_msg("%s, looked at once: %s", kinds[i].term, decision_state_name(d.state));
		assert_int_equal(d.looks, LOOKS_ONCE);
	}
}

/* Pairs that repeat each other are fewer witnesses: the same counts then show less. */
static void test_witnesses(void **state)
{
	static const char once[] = REPORT(TARGET("m", "anytime", "4000", "\"verdicts\":{\"schema\":0},\"mismatch\":{\"count\":0,\"of\":4000}"));
	static const char tenth[] = REPORT(TARGET("m", "anytime", "4000", "\"verdicts\":{\"schema\":0},\"mismatch\":{\"count\":0,\"of\":4000},"
									  "\"witnesses\":{\"count\":400,\"design_effect\":10}"));
	static const char *const terms[] = { "mismatch > 0.5%", "schema > 0.5%" };

	(void)state;
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		struct decision_made d;
		struct buffer why = { 0 };
		struct gate *g = judge(terms[i], tenth, 0, &d);

		assert_int_equal(state_of(terms[i], once), DECISION_PROMOTE);
		assert_int_equal(d.state, DECISION_KEEP_WATCHING);
		assert_int_equal(d.rows[0].witnesses, 400);
		decision_why(&d, &why);
		assert_non_null(strstr(buffer_text(&why), "of 4,000 that count as 400)"));
		buffer_deinit(&why);
		gate_free(g);
	}
}

/* Where a gate does not know, a decision waits, and says why. */
static void test_withheld(void **state)
{
	static const char words[] = REPORT(TARGET("default", "anytime", "4000", "\"mismatch\":{\"count\":0,\"of\":4000,\"rate\":0},"
										"\"generated\":{\"pairs\":3000,\"different\":2000}"));
	struct decision_made d;
	struct gate *g = judge("mismatch > 0.5%", words, 0, &d);
	struct buffer why = { 0 };

	(void)state;
	assert_int_equal(d.state, DECISION_KEEP_WATCHING);
	assert_true(isinf(d.pairs_to_go));
	decision_why(&d, &why);
	assert_non_null(strstr(buffer_text(&why), "generated text"));
	buffer_deinit(&why);
	gate_free(g);
	assert_int_equal(state_of("p50_ratio > 0.1", "{\"speed\":\"max\",\"comparison\":{\"targets\":{" TARGET("default", "once", "4000", EVERYTHING) "}}}"), DECISION_KEEP_WATCHING);
	assert_int_equal(state_of("nobody:mismatch > 1%", REPORT(TARGET("default", "once", "4000", EVERYTHING))), DECISION_KEEP_WATCHING);
}

static void test_nothing_to_decide(void **state)
{
	(void)state;
	assert_int_equal(state_of("mismatch > 1%", "{}"), DECISION_NONE);
	assert_int_equal(state_of("mismatch > 1% or compared < 9", REPORT(TARGET("default", "once", "0", "\"verdicts\":{}"))), DECISION_NONE);
	/* nothing could be compared, since it all failed: that decides */
	assert_int_equal(state_of("mismatch > 1% or error_delta > 1%",
				  REPORT("\"default\":{\"role\":\"shadow\",\"pairs\":500,\"compared\":0,\"error_rate\":{"
					 "\"production\":{\"count\":0,\"of\":500},\"shadow\":{\"count\":500,\"of\":500},\"both\":0}}")),
			 DECISION_REJECT);
}

/* ---- how long ---- */

static void test_watch_at_least(void **state)
{
	static const char good[] = REPORT(TARGET("default", "anytime", "4000", EVERYTHING));
	struct decision_made d;
	struct buffer text = { 0 };
	struct gate *g = judge("mismatch > 0.5%", good, 3600, &d);

	(void)state;
	assert_int_equal(d.state, DECISION_KEEP_WATCHING);
	assert_true(d.seconds_to_go == 3500 && d.pairs_to_go == 0);
	decision_short(&d, &text);
	assert_string_equal(buffer_text(&text), "keep watching, 59 min to go");
	buffer_clear(&text);
	decision_why(&d, &text);
	assert_string_equal(buffer_text(&text), "it would be promoted, but is to be watched for at least 60 min");
	gate_free(g);
	gate_free(judge("mismatch > 0.5%", good, 100, &d));
	assert_int_equal(d.state, DECISION_PROMOTE);
	gate_free(judge("mismatch > 0.001%", good, 3600, &d)); /* a rejection does not wait */
	assert_int_equal(d.state, DECISION_REJECT);
	buffer_deinit(&text);
}

/* Pairs that were under way when it was decided: they change it only if they show the opposite. */
static void test_decided(void **state)
{
	static const char open[] = REPORT(TARGET("m", "anytime", "4000", "\"mismatch\":{\"count\":12,\"of\":4000}"));
	static const char bad[] = REPORT(TARGET("m", "anytime", "4000", "\"mismatch\":{\"count\":90,\"of\":4000}"));
	static const struct {
		const char *report;
		enum decision_state decided, is;
	} rows[] = {
		{ open, DECISION_NONE, DECISION_KEEP_WATCHING },
		{ open, DECISION_PROMOTE, DECISION_PROMOTE },
		{ open, DECISION_REJECT, DECISION_REJECT },
		{ bad, DECISION_PROMOTE, DECISION_REJECT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gate *g = parsed("mismatch > 0.5%");
		struct decision_settings set = { .gate = g, .decided = rows[i].decided, .decided_why = "it was clear" };
		struct json_doc doc = { 0 };
		struct decision_made d;
		struct buffer why = { 0 };

		assert_int_equal(json_doc_parse(&doc, span_str(rows[i].report)), 0);
		decision_make(&set, &doc, &d);
		assert_int_equal(d.state, rows[i].is);
		decision_why(&d, &why);
		assert_true(!strstr(buffer_text(&why), "it was clear") == (rows[i].is != rows[i].decided || rows[i].decided == DECISION_NONE));
		buffer_deinit(&why);
		json_doc_deinit(&doc);
		gate_free(g);
	}
}

static void watched_so_far(unsigned bad, unsigned of, const char *looks, const char *expression, struct decision_made *out)
{
	char report[700];

	snprintf(report, sizeof(report),
		 "{\"seconds\":%u,\"comparison\":{\"targets\":{\"default\":{\"role\":\"shadow\",\"looks\":\"%s\",\"pairs\":%u,\"compared\":%u,"
		 "\"mismatch\":{\"count\":%u,\"of\":%u,\"rate\":%g}}}}}",
		 of / 10, looks, of, of, bad, of, (double)bad / of);
	gate_free(judge(expression, report, 0, out));
}

/* What is foretold comes true where it goes on as before, and not a tenth earlier. */
static void check_foretold(const char *looks, const char *condition, unsigned per_mille, bool rejects)
{
	enum decision_state end = rejects ? DECISION_REJECT : DECISION_PROMOTE;
	struct decision_made d;
	double then;
	unsigned bad; /* a whole number: rounded to the side that it is on */

	watched_so_far(per_mille, per_mille ? 1000 : 100, looks, condition, &d);
	if (d.state != DECISION_KEEP_WATCHING)
		return;
	assert_true(d.pairs_to_go > 0 && d.pairs_to_go < 1e6);
	assert_true(fabs(d.seconds_to_go - d.pairs_to_go / 10) < 1e-6 * d.pairs_to_go);
	then = (double)d.pairs + d.pairs_to_go;
	bad = (unsigned)(then * 1.02 * per_mille / 1000 + (per_mille > 10));
	watched_so_far(bad, (unsigned)(then * 1.02), looks, condition, &d);
	if (d.state != end)
		fail_msg("%s %s %u: %s at %g", looks, condition, per_mille, decision_state_name(d.state), then);
	watched_so_far((unsigned)(then * 0.9 * per_mille / 1000 + 0.5), (unsigned)(then * 0.9), looks, condition, &d);
	assert_int_equal(d.state, DECISION_KEEP_WATCHING);
}

static void test_pairs_to_go(void **state)
{
	static const unsigned per_mille[] = { 0, 2, 5, 8, 13, 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(per_mille) / sizeof(per_mille[0]); i++) {
		check_foretold("once", "mismatch > 1%", per_mille[i], per_mille[i] > 10);
		check_foretold("once", "mismatch < 1%", per_mille[i], per_mille[i] < 10);
		check_foretold("anytime", "mismatch > 1%", per_mille[i], per_mille[i] > 10);
		check_foretold("anytime", "mismatch < 1%", per_mille[i], per_mille[i] < 10);
	}
}

static void test_words(void **state)
{
	struct decision_made d;
	struct buffer text = { 0 };
	struct gate *g;

	(void)state;
	g = judge("mismatch > 0.1% or compared < 9000", REPORT(TARGET("default", "anytime", "4000", EVERYTHING)), 0, &d);
	decision_short(&d, &text);
	assert_non_null(strstr(buffer_text(&text), "keep watching, about "));
	assert_non_null(strstr(buffer_text(&text), " min) to go"));
	buffer_clear(&text);
	decision_sentence(&d, &text);
	assert_non_null(strstr(buffer_text(&text), "decision: keep watching; mismatch > 0.1% is not decided: 0.075%, between "));
	assert_non_null(strstr(buffer_text(&text), " (95% at any time, of 4,000)"));
	gate_free(g);
	buffer_clear(&text);
	g = judge("mismatch > 0.5% or compared < 1000", REPORT(TARGET("default", "once", "4000", EVERYTHING)), 0, &d);
	decision_sentence(&d, &text);
	assert_string_equal(buffer_text(&text), "decision: promote; mismatch > 0.5% is shown not to hold: 0.075%, between 0.02551% and "
						"0.2203% (95% at one look, of 4,000); compared < 1000 does not hold: 4000");
	gate_free(g);
	buffer_deinit(&text);
}

static void test_default(void **state)
{
	struct gate *g = parsed(DECISION_DEFAULT);

	(void)state;
	assert_non_null(g);
	gate_free(g);
}

/* ---- whole runs, simulated: pairs -> tally -> figures of a report -> decision ---- */

struct rates {
	double mismatch, only_shadow, only_production; /* errors of one side alone */
};

struct stream {
	struct tally *tally;
	struct dice dice;
};

static void add_pair(struct stream *s, const struct rates *rates)
{
	struct message m = { .head = { SPAN_LITERAL("POST"), SPAN_LITERAL("/v2/models/m/infer"), NULL, 0, 1, 1 } };
	double draw = below(&s->dice, 1000000) / 1e6, other = below(&s->dice, 1000000) / 1e6;
	bool shadow_fails = draw < rates->only_shadow;
	uint8_t body[sizeof(s->dice.state)];
	bool production_fails = !shadow_fails && draw < rates->only_shadow + rates->only_production;
	struct response production = { .status_code = production_fails ? 500 : 200, .last_byte_us = 1000 }, shadow = production;
	struct outcome outcome = { OUTCOME_ANSWERED_2XX, 200, 0, 400, 900, NULL };
	struct pair pair = { &m, &production, &shadow, &outcome };
	struct comparison c = { .verdict = other < rates->mismatch ? COMPARISON_VALUE : COMPARISON_EQUAL, .kind = BODY_JSON };

	shadow.status_code = outcome.status_code = shadow_fails ? 500 : 200;
	m.origin.id = below(&s->dice, UINT32_MAX);
	memcpy(body, &s->dice.state, sizeof(body)); /* no request comes twice: each pair is a witness */
	m.body = body;
	m.body_len = sizeof(body);
	tally_add(s->tally, 0, &pair, &c);
}

static enum decision_state look(struct stream *s, const struct decision_settings *set)
{
	static const struct books books;
	const struct document_comparison comparison = { .preset = "any", .tally = s->tally, .decision = set };
	const struct document_facts facts = {
		.version = "0", .started = "", .seconds = 60, .speed = 1, .books = &books, .comparison = &comparison
	};
	struct buffer scratch = { 0 };
	struct decision_made d;

	assert_int_equal(document_decide(&facts, &scratch, &d), 0);
	buffer_deinit(&scratch);
	return d.state;
}

struct ended {
	unsigned promoted, rejected, open;
	double pairs; /* of those that were decided, on average */
};

/* @runs streams of @pairs, looked at @looks times, until they are decided. */
static struct ended watch(const char *expression, struct rates rates, unsigned runs, unsigned pairs, unsigned looks)
{
	struct gate *g = parsed(expression);
	const struct decision_settings set = { .gate = g };
	const struct tally_target target = { "default", false };
	const struct tally_options options = { .targets = &target, .target_count = 1, .looks = LOOKS_ANYTIME };
	struct ended e = { 0 };

	for (unsigned run = 0; run < runs; run++) {
		struct stream s = { tally_new(&options), dice_of_seed(run + 1) };
		enum decision_state state = DECISION_NONE;
		unsigned n = 0;

		assert_non_null(s.tally);
		while (n < pairs && state != DECISION_PROMOTE && state != DECISION_REJECT) {
			for (unsigned i = 0; i < pairs / looks; i++, n++)
				add_pair(&s, &rates);
			state = look(&s, &set);
		}
		e.promoted += state == DECISION_PROMOTE;
		e.rejected += state == DECISION_REJECT;
		e.open += state != DECISION_PROMOTE && state != DECISION_REJECT;
		e.pairs += state == DECISION_PROMOTE || state == DECISION_REJECT ? n : 0;
		tally_free(s.tally);
	}
	e.pairs /= fmax(1, e.promoted + e.rejected);
	gate_free(g);
	return e;
}

static unsigned rounds(unsigned usual)
{
	return getenv("PROPERTY_ROUNDS") ? 2000 : usual;
}

static void check_at_limit(const char *expression, struct rates rates)
{
	unsigned runs = rounds(30), most = (unsigned)(0.025 * runs + 3 * sqrt(0.025 * 0.975 * runs));
	struct ended e = watch(expression, rates, runs, 4000, 40);

	printf("at the limit of %s: of %u, promoted %u, rejected %u\n", expression, runs, e.promoted, e.rejected);
	if (e.promoted > most || e.rejected > most)
		fail_msg("%s: of %u, promoted %u, rejected %u; at most %u", expression, runs, e.promoted, e.rejected, most);
}

/* The truth is on the limit, so whatever is decided is wrong. */
static void test_at_the_limit(void **state)
{
	(void)state;
	check_at_limit("mismatch > 2%", (struct rates){ 0.02, 0, 0 });
	check_at_limit("error_delta > 1%", (struct rates){ 0, 0.02, 0.01 });
	check_at_limit("error_rate > 2%", (struct rates){ 0, 0.02, 0 });
	check_at_limit("mismatch > 2% or error_delta > 1% or compared < 100", (struct rates){ 0.02, 0.02, 0.01 });
}

static void test_five_times_the_limit(void **state)
{
	struct ended e = watch("mismatch > 0.5% or compared < 1000", (struct rates){ 0.025, 0, 0 }, rounds(20), 2000, 40);

	(void)state;
	assert_int_equal(e.promoted, 0);
	assert_int_equal(e.open, 0);
	if (e.pairs > 500)
		fail_msg("rejected after %g pairs", e.pairs);
	e = watch(DECISION_DEFAULT, (struct rates){ 0.025, 0, 0 }, rounds(20), 2000, 40);
	assert_int_equal(e.promoted, 0);
	if (e.pairs > 600)
		fail_msg("rejected after %g pairs by the default", e.pairs);
}

static void test_nothing_wrong(void **state)
{
	struct ended e = watch(DECISION_DEFAULT, (struct rates){ 0, 0, 0 }, 1, 4000, 40);

	(void)state;
	assert_int_equal(e.promoted, 1);
	printf("with nothing wrong, promoted after %g pairs\n", e.pairs);
	assert_true(e.pairs <= 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth_tables),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_several_shadows),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_witnesses),
		cmocka_unit_test(test_withheld),
		cmocka_unit_test(test_nothing_to_decide),
		cmocka_unit_test(test_watch_at_least),
		cmocka_unit_test(test_decided),
		cmocka_unit_test(test_pairs_to_go),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_at_the_limit),
		cmocka_unit_test(test_five_times_the_limit),
		cmocka_unit_test(test_nothing_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
