/* test_subjects.c - the names of things at the broker */
#include "tests/rig/unit.h"

#include <string.h>

#include "relay/subjects.h"

static void test_names(void **state)
{
	char text[SUBJECT_MAX], longest[RELAY_NAME_MAX + 1];

	assert_string_equal(subject_all("digits", text), "st.v1.digits.>");
	assert_string_equal(subject_partition("digits", 7, text), "st.v1.digits.req.07");
	assert_string_equal(subject_tap("digits", "node-1", text), "st.v1.digits.tap.node-1");
	assert_string_equal(stream_name("digits", text), "shadowtap_digits");
	assert_string_equal(key_claim("replay", 15, text), "claim.replay.15");
	assert_string_equal(key_member("replay", "a1", text), "member.replay.a1");
	assert_string_equal(inbox_tap("node-1", text), "_INBOX.shadowtap_tap.node-1");
	assert_string_equal(inbox_replayer("replay", text), "_INBOX.shadowtap_replayer.replay");
	memset(longest, 'x', RELAY_NAME_MAX);
	longest[RELAY_NAME_MAX] = '\0';
	assert_int_equal(strlen(subject_tap(longest, longest, text)), strlen("st.v1..tap.") + 2 * RELAY_NAME_MAX);
	assert_true(strlen(text) < SUBJECT_MAX);
}

static void test_which_are_good(void **state)
{
	assert_true(relay_name_is_good(SPAN_LITERAL("a-B_9")));
	assert_false(relay_name_is_good(SPAN_LITERAL("")));
	assert_false(relay_name_is_good(SPAN_LITERAL("a.b")));
	assert_false(relay_name_is_good(SPAN_LITERAL("a b")));
	assert_false(relay_name_is_good(SPAN_LITERAL("\xc3\xa4")));
}

static void test_made_to_fit(void **state)
{
	char out[RELAY_NAME_MAX + 1], longer[300];

	relay_name_fit("ip-10-0-0-1.eu.example", out);
	assert_string_equal(out, "ip-10-0-0-1-eu-example");
	relay_name_fit("", out);
	assert_string_equal(out, "-");
	memset(longer, '*', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	relay_name_fit(longer, out);
	assert_int_equal(strlen(out), RELAY_NAME_MAX);
	assert_true(relay_name_is_good(span_str(out)));
}

static void test_partition_of(void **state)
{
	char text[SUBJECT_MAX];

	for (uint32_t p = 0; p < RELAY_PARTITIONS_MAX; p++)
		assert_int_equal(subject_partition_of("d", span_str(subject_partition("d", p, text))), p);
	assert_int_equal(subject_partition_of("d", SPAN_LITERAL("st.v1.e.req.01")), -1);
	assert_int_equal(subject_partition_of("d", SPAN_LITERAL("st.v1.d.req.1x")), -1);
	assert_int_equal(subject_partition_of("d", SPAN_LITERAL("st.v1.d.req.1")), -1);
	assert_int_equal(subject_partition_of("d", SPAN_LITERAL("")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_which_are_good),
		cmocka_unit_test(test_made_to_fit),
		cmocka_unit_test(test_partition_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
