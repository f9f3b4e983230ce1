/*
 * test_reasons.c - options and a head in, the rule that decided out
 *
 * Each row goes through a policy and through reasons of the same options: the
 * decision comes from the first, and the second must have words for it.
 */
#include "tests/rig/unit.h"

#include <errno.h>

#include "base/units.h"
#include "policy/policy.h"
#include "policy/reasons.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	const char *preset, *paths[2], *not_paths[2], *host, *headers[2];
	const char *method, *target;
	const char *fields[2][2];
	const char *words; /* NULL: the decision says it all */
};

static const struct row rows[] = {
	{ .method = "POST", .target = "/p", .words = NULL },
	{ .method = "GET", .target = "/p", .words = "POST and PUT are mirrored, others with --method" },
	{ .method = "CONNECT",
	  .target = "h:1",
	  .words = "CONNECT opens a tunnel, there is nothing in it to mirror" },
	{ .method = "POST",
	  .target = "/x/V2/Repository/models/m/unload",
	  .words = "it has v2/repository/**, --allow-side-effects mirrors it" },
	{ .method = "POST",
	  .target = "/a/../b",
	  .words = "servers disagree about such a path (dots, control characters, length), "
		   "--allow-side-effects mirrors it" },
	{ .preset = "v2", .method = "POST", .target = "/predict", .words = "--preset v2 has no such route" },
	{ .preset = "v2",
	  .paths = { "never" },
	  .method = "POST",
	  .target = "/v2/models/m/infer",
	  .words = "--path 'never' does not match" },
	{ .paths = { "a", "b" },
	  .method = "POST",
	  .target = "/p",
	  .words = "none of the 2 --path patterns matches" },
	{ .paths = { "p", "b" },
	  .not_paths = { "x", "/p$" },
	  .method = "POST",
	  .target = "/p",
	  .words = "--not-path '/p$' matches" },
	{ .not_paths = { "secret=\xc3\xa9" },
	  .method = "POST",
	  .target = "/p?secret=\xc3\xa9",
	  .words = "--not-path 'secret=\\xc3\\xa9' matches" },
	{ .host = "shadow",
	  .method = "POST",
	  .target = "/p",
	  .words = "--match-host 'shadow' does not match, there is no Host" },
	{ .host = "shadow",
	  .method = "POST",
	  .target = "/p",
	  .fields = { { "HOST", "a\x1b[2J" } },
	  .words = "--match-host 'shadow' does not match Host a\\x1b[2J" },
	{ .headers = { "x-a: 1", "x-b: 2" },
	  .method = "POST",
	  .target = "/p",
	  .fields = { { "X-A", "1" } },
	  .words = "--match-header 'x-b: 2' does not match, there is no such header" },
	{ .headers = { "x-a: 1" },
	  .method = "POST",
	  .target = "/p",
	  .fields = { { "X-A", "hidden" } },
	  .words = "--match-header 'x-a: 1' does not match" },
	{ .headers = { "Authorization: Bearer s3cret" },
	  .method = "POST",
	  .target = "/p",
	  .fields = { { "authorization", "Bearer other" } },
	  .words = "--match-header 'Authorization: ...' does not match" },
	{ .method = "POST",
	  .target = "/p",
	  .fields = { { "x-shadowtap", "1" } },
	  .words = "it carries X-Shadowtap, so a shadowtap sent it" },
};

static struct texts list(const char *const *at, const char **storage)
{
	struct texts t = { storage, 0 };

	for (; t.count < 2 && at[t.count]; t.count++)
		storage[t.count] = at[t.count];
	return t;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const char *paths[2], *not_paths[2], *headers[2], *host[1] = { row->host };
		struct policy_options o = { .preset = row->preset,
					    .paths = list(row->paths, paths),
					    .not_paths = list(row->not_paths, not_paths),
					    .hosts = { host, row->host != NULL },
					    .match_headers = list(row->headers, headers),
					    .sample_share = SHARE_ONE };
		struct header fields[2];
		struct request_head head = { span_str(row->method), span_str(row->target), fields, 0, 1, 1 };
		struct request_origin origin = { 0 };
		struct buffer error = { 0 }, words = { 0 };
		struct reasons *reasons;
		struct policy *policy;
		enum decision decision;

		for (; head.header_count < 2 && row->fields[head.header_count][0]; head.header_count++)
			fields[head.header_count] =
				(struct header){ span_str(row->fields[head.header_count][0]),
						 span_str(row->fields[head.header_count][1]) };
		assert_int_equal(policy_new(&o, &policy, &error), 0);
		assert_int_equal(reasons_new(&o, &reasons, &error), 0);
		decision = policy_decide(policy, &head, &origin);
		if (row->words) {
			assert_true(reasons_add(reasons, decision, &head, &words));
			assert_string_equal(buffer_text(&words), row->words);
		} else {
			assert_int_equal(decision, DECISION_CHOSEN);
			assert_false(reasons_add(reasons, decision, &head, &words));
			assert_int_equal(words.len, 0);
		}
		reasons_free(reasons);
		policy_free(policy);
		buffer_deinit(&words);
		buffer_deinit(&error);
	}
}

/* Rules that changed since the decision do not say a wrong reason. */
static void test_other_rules(void **state)
{
	static const char *never[] = { "never" };
	struct policy_options o = { .sample_share = SHARE_ONE };
	struct request_head head = { SPAN_LITERAL("POST"), SPAN_LITERAL("/p"), NULL, 0, 1, 1 };
	struct buffer error = { 0 }, words = { 0 };
	struct reasons *r;

	(void)state;
	assert_int_equal(reasons_new(&o, &r, &error), 0);
	for (int v = DECISION_FILTERED_DENIED; v <= DECISION_FILTERED_HEADER; v++)
		assert_false(reasons_add(r, (enum decision)v, &head, &words));
	assert_int_equal(words.len, 0);
	reasons_free(r);
	o.paths = (struct texts){ never, 1 };
	o.sample_by = SAMPLE_BY_HEADER;
	o.sample_header = "x-user";
	assert_int_equal(reasons_new(&o, &r, &error), 0);
	assert_true(reasons_add(r, DECISION_UNSAMPLED, &head, &words));
	assert_string_equal(buffer_text(&words), "by header x-user, which it has not");
	reasons_free(r);
	never[0] = "a(b";
	assert_int_equal(reasons_new(&o, &r, &error), -EINVAL);
	buffer_deinit(&words);
	buffer_deinit(&error);
}

static void test_printable(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	printable_add(&out, span_of((const uint8_t *)"a\0\r\n\x1b\x7f~ \xff", 9), 100);
	assert_string_equal(buffer_text(&out), "a\\x00\\x0d\\x0a\\x1b\\x7f~ \\xff");
	buffer_clear(&out);
	printable_add(&out, SPAN_LITERAL("abcdef"), 3);
	assert_string_equal(buffer_text(&out), "abc...");
	buffer_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_other_rules),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
