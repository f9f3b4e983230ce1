/*
 * test_policy_alloc.c - let the n-th allocation fail, for every n
 *
 * The linker sends this program's allocations here (--wrap). Each failure must
 * come back as -ENOMEM, leave nothing behind (the address sanitizer's leak check
 * sees to that) and leave the output as it was.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/policy.h"
#include "policy/rewrite.h"
#include "tests/rig/fail_alloc.h"
#include "tests/rig/head_text.h"

static void test_policy_new(void **state)
{
	static const char *methods[] = { "get", "PREDICT" }, *patterns[] = { "/a", "/b" }, *headers[] = { "x: y", "z: a" };
	struct policy_options options = {
		.methods = { methods, 2 },   .preset = "v2",          .paths = { patterns, 2 },
		.not_paths = { patterns, 2 }, .hosts = { patterns, 2 }, .match_headers = { headers, 2 },
		.sample_share = SHARE_ONE,   .sample_by = SAMPLE_BY_HEADER, .sample_header = "x-user",
	};
	long n = 0;
	int err;

	do {
		struct buffer error = { 0 };
		struct policy *p = NULL;

		fail_at = n++;
		err = policy_new(&options, &p, &error);
		if (fail_at >= 0)
			fail_at = -1; /* there were fewer */
		else
			assert_int_equal(err, -ENOMEM);
		assert_true((err == 0) == (p != NULL));
		policy_free(p);
		buffer_deinit(&error);
	} while (err);
	assert_true(n > 15);
}

static void test_rewrite_new(void **state)
{
	static const char *allow[] = { "x-*", "te" }, *set[] = { "Host: a", "x-a: b", "accept:" },
			  *paths[] = { "a=>b", "(c)=>$1" };
	struct rewrite_options options = { .allow = { allow, 2 }, .set = { set, 3 }, .authority = "a:1", .prefix = "/p",
					   .paths = { paths, 2 } };
	long n = 0;
	int err;

	do {
		struct buffer error = { 0 };
		struct rewrite *w = NULL;

		fail_at = n++;
		err = rewrite_new(&options, &w, &error);
		if (fail_at >= 0)
			fail_at = -1;
		else
			assert_int_equal(err, -ENOMEM);
		assert_true((err == 0) == (w != NULL));
		rewrite_free(w);
		buffer_deinit(&error);
	} while (err);
	assert_true(n > 10);
}

/* A refusal whose sentence cannot be built is still a refusal or -ENOMEM, and no crash. */
static void test_refusals(void **state)
{
	static const char *bad[] = { "(" }, *allow[] = { "host" };
	struct policy_options options = { .paths = { bad, 1 } };
	struct rewrite_options rewriting = { .allow = { allow, 1 }, .authority = "a" };

	for (long n = 0; n < 30; n++) {
		struct buffer error = { 0 };
		struct policy *p = NULL;
		struct rewrite *w = NULL;
		int err;

		fail_at = n;
		err = policy_new(&options, &p, &error);
		assert_true(err == -EINVAL || err == -ENOMEM);
		buffer_deinit(&error);
		fail_at = n;
		err = rewrite_new(&rewriting, &w, &error);
		assert_true(err == -EINVAL || err == -ENOMEM);
		fail_at = -1;
		buffer_deinit(&error);
	}
}

static void test_rewrite_head(void **state)
{
	struct rewrite_options options = { .authority = "a:1" };
	struct header field = { SPAN_LITERAL("accept"), { 0 } };
	struct message m = { .head = { SPAN_LITERAL("POST"), SPAN_LITERAL("/"), &field, 1, 1, 1 } };
	static uint8_t value[2000];
	struct buffer error = { 0 };
	struct rewrite *w = NULL;
	long n = 0;
	int err;

	memset(value, 'v', sizeof(value));
	field.value = span_of(value, sizeof(value));
	assert_int_equal(rewrite_new(&options, &w, &error), 0);
	do {
		struct buffer out = { 0 };

		buffer_add_str(&out, "before");
		fail_at = n++;
		err = head_text(w, &m, &out);
		if (fail_at >= 0)
			fail_at = -1;
		else
			assert_int_equal(err, -ENOMEM);
		assert_true(out.len == 6 || err == 0);
		assert_memory_equal(out.bytes, "before", 6);
		buffer_deinit(&out);
	} while (err);
	assert_true(n > 1);
	rewrite_free(w);
	buffer_deinit(&error);
}

static void test_nothing_allocated_to_decide(void **state)
{
	static const char *patterns[] = { "infer", "(*NO_JIT)infer" };
	struct policy_options options = { .preset = "v2", .paths = { patterns, 2 }, .sample_share = SHARE_ONE };
	struct header field = { SPAN_LITERAL("host"), SPAN_LITERAL("h") };
	struct request_head head = { SPAN_LITERAL("POST"), SPAN_LITERAL("/v2/models/%6d/infer?a=b"), &field, 1, 1, 1 };
	struct request_origin origin = { 0 };
	struct buffer error = { 0 };
	struct policy *p = NULL;

	assert_int_equal(policy_new(&options, &p, &error), 0);
	fail_at = 0;
	assert_int_equal(policy_decide(p, &head, &origin), DECISION_CHOSEN);
	assert_int_equal(fail_at, 0); /* nobody asked */
	fail_at = -1;
	policy_free(p);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_new),   cmocka_unit_test(test_rewrite_new),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_rewrite_head),
		cmocka_unit_test(test_nothing_allocated_to_decide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
