/* test_rules.c - the rules of a run: made whole, for each lane and target, or not at all */
#include "tests/rig/run_rig.h"

#include <errno.h>
#include <string.h>

#include "app/run/rules.h"
#include "base/units.h"

static struct policy_stats stats[2];

static struct policy_stats *stats_of(void *ctx, size_t lane)
{
	(void)ctx;
	return &stats[lane];
}

static enum decision decide(struct lane_rules *r, const char *target)
{
	struct request_head head = { .method = SPAN_LITERAL("POST"), .target = span_str(target) };
	struct request_origin origin = { 0 };

	return policy_decide(r->policy, &head, &origin);
}

/* One policy per lane, one rewrite per target; together the lanes take the share that one would. */
static void test_lanes_and_targets(void **state)
{
	struct rules_wiring wiring = { .share = SHARE_ONE / 2, .stats = stats_of };
	struct buffer error = { 0 };
	struct options o;
	struct rules r;
	int chosen = 0;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "-t", "a=http://127.0.0.1:1", "-t", "b=http://127.0.0.1:2", "--path", "^/v1/");
	assert_int_equal(rules_make(&o, 2, &wiring, &r, &error), 0);
	assert_int_equal(r.lane_count, 2);
	assert_int_equal(r.rewrite_count, 2);
	assert_null(r.lane[0]->shown); /* no events */
	for (int i = 0; i < 100; i++)
		chosen += decide(r.lane[i % 2], "/v1/x") == DECISION_CHOSEN;
	assert_int_equal(chosen, 50);
	assert_int_equal(decide(r.lane[0], "/v2/x"), DECISION_FILTERED_PATH);
	rules_set_share(&r, SHARE_ONE);
	for (size_t lane = 0; lane < 2; lane++) {
		decide(r.lane[lane], "/v1/x");
		assert_int_equal(decide(r.lane[lane], "/v1/x"), DECISION_CHOSEN);
	}
	rules_deinit(&r);
	options_deinit(&o);
}

/* Without targets there is one rewrite for what events show; with -o each lane has one of its own. */
static void test_events(void **state)
{
	struct buffer error = { 0 };
	struct options o;
	struct rules r;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "-o", "-");
	assert_int_equal(rules_make(&o, 2, NULL, &r, &error), 0);
	assert_int_equal(r.rewrite_count, 1);
	for (size_t lane = 0; lane < 2; lane++) {
		assert_true(rewrite_allows(r.lane[lane]->shown, span_str("Content-Type"), false));
		assert_false(rewrite_allows(r.lane[lane]->shown, span_str("Authorization"), false));
	}
	rules_deinit(&r);
	options_deinit(&o);
}

/* What the lanes have taken is theirs to free. */
static void test_release(void **state)
{
	struct buffer error = { 0 };
	struct lane_rules *taken;
	struct options o;
	struct rules r;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run");
	assert_int_equal(rules_make(&o, 1, NULL, &r, &error), 0);
	taken = r.lane[0];
	rules_release_lanes(&r);
	rules_deinit(&r);
	assert_int_equal(decide(taken, "/x"), DECISION_CHOSEN);
	lane_rules_free(taken);
	lane_rules_free(NULL);
	options_deinit(&o);
}

static void test_heads_of_http2(void **state)
{
	static const struct {
		const char *preset, *heads;
		bool whole;
	} rows[] = { { "any", "auto", true }, { "v2", "auto", false }, { "v2", "whole", true }, { "any", "needed", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer error = { 0 };
		struct options o;
		struct rules r;

		OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--preset", rows[i].preset, "--h2-heads", rows[i].heads);
		assert_int_equal(rules_make(&o, 1, NULL, &r, &error), 0);
		assert_true(policy_needs_whole(r.lane[0]->policy) == rows[i].whole);
		rules_deinit(&r);
		options_deinit(&o);
	}
}

static void test_wrong(void **state)
{
	struct buffer error = { 0 };
	struct options o;
	struct rules r;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run", "--path", "(");
	assert_int_equal(rules_make(&o, 3, NULL, &r, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "--path"));
	rules_deinit(&r);
	buffer_deinit(&error);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_and_targets),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_heads_of_http2),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
