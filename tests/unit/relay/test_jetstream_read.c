/*
 * test_jetstream_read.c - what nats-server 2.9.10 responded, read; and what is none of it
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "relay/jetstream_read.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define STREAM                                                                                                             \
	"{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"total\":0,\"offset\":0,\"limit\":0,"                \
	"\"config\":{\"name\":\"shadowtap_old\",\"subjects\":[\"st.v1.old.\\u003e\"],\"retention\":\"limits\","            \
	"\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":1073741824,\"max_age\":3600000000000,\"max_msgs_per_subject\"" \
	":-1,\"max_msg_size\":-1,\"discard\":\"old\",\"storage\":\"file\",\"num_replicas\":1,\"duplicate_window\":1000000" \
	"0000,\"allow_direct\":false,\"mirror_direct\":false,\"sealed\":false,\"deny_delete\":false,\"deny_purge\":false," \
	"\"allow_rollup_hdrs\":false},\"created\":\"2026-11-30T06:42:56.075725833Z\",\"state\":{\"messages\":3,"           \
	"\"bytes\":234,\"first_seq\":1,\"first_ts\":\"2026-11-30T06:52:03.85089351Z\",\"last_seq\":3,\"last_ts\":\"2026-1" \
	"1-30T06:52:03.85123646Z\",\"num_subjects\":1,\"consumer_count\":0}}"
#define BUCKET                                                                                                              \
	"{\"type\":\"io.nats.jetstream.api.v1.stream_create_response\",\"config\":{\"name\":\"KV_new\",\"subjects\":[\"$K"  \
	"V.new.\\u003e\"],\"retention\":\"limits\",\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,"                  \
	"\"max_age\":0,\"max_msgs_per_subject\":1,\"max_msg_size\":-1,\"discard\":\"new\",\"storage\":\"memory\","          \
	"\"num_replicas\":3,\"duplicate_window\":120000000000,\"allow_direct\":true,\"mirror_direct\":false,"               \
	"\"sealed\":false,\"deny_delete\":true,\"deny_purge\":false,\"allow_rollup_hdrs\":true},\"created\":\"2026-11-30T"  \
	"07:02:17.196343345Z\",\"state\":{\"messages\":0,\"bytes\":0,\"first_seq\":0,\"first_ts\":\"0001-01-01T00:00:00Z\"" \
	",\"last_seq\":0,\"last_ts\":\"0001-01-01T00:00:00Z\",\"consumer_count\":0},\"did_create\":true}"
#define CONSUMER                                                                                                           \
	"{\"type\":\"io.nats.jetstream.api.v1.consumer_create_response\",\"stream_name\":\"shadowtap_old\","               \
	"\"name\":\"bNVaSjLb\",\"created\":\"2026-11-30T06:52:03.852203507Z\",\"config\":{\"deliver_policy\":\"by_start_s" \
	"equence\",\"opt_start_seq\":2,\"ack_policy\":\"none\",\"max_deliver\":-1,\"filter_subject\":\"st.v1.old.req.00\"" \
	",\"replay_policy\":\"instant\",\"max_waiting\":512,\"inactive_threshold\":30000000000,\"num_replicas\":0,"        \
	"\"mem_storage\":true},\"delivered\":{\"consumer_seq\":0,\"stream_seq\":1},\"ack_floor\":{\"consumer_seq\":0,"     \
	"\"stream_seq\":0},\"num_ack_pending\":0,\"num_redelivered\":0,\"num_waiting\":0,\"num_pending\":2}"
#define MESSAGE                                                                                                            \
	"{\"type\":\"io.nats.jetstream.api.v1.stream_msg_get_response\",\"message\":{\"subject\":\"st.v1.old.req.00\","    \
	"\"seq\":3,\"hdrs\":\"TkFUUy8xLjANCmNlLWlkOiBhMg0KDQo=\",\"data\":\"aGVsbG8=\",\"time\":\"2026-11-30T06:52:03.851" \
	"23646Z\"}}"
#define ERASED                                                                                                             \
	"{\"type\":\"io.nats.jetstream.api.v1.stream_msg_get_response\",\"message\":{\"subject\":\"$KV.old.gone\","        \
	"\"seq\":3,\"hdrs\":\"TkFUUy8xLjANCktWLU9wZXJhdGlvbjogREVMDQoNCg==\",\"time\":\"2026-11-30T06:52:03.857778993Z\"}" \
	"}"
#define ACCOUNT                                                                                                            \
	"{\"type\":\"io.nats.jetstream.api.v1.account_info_response\",\"memory\":0,\"storage\":651,\"streams\":2,"         \
	"\"consumers\":2,\"limits\":{\"max_memory\":-1,\"max_storage\":4294967296,\"max_streams\":-1,\"max_consumers\":-1" \
	",\"max_ack_pending\":-1,\"memory_max_stream_bytes\":-1,\"storage_max_stream_bytes\":-1,\"max_bytes_required\":fa" \
	"lse},\"api\":{\"total\":23,\"errors\":10}}"

static void test_stream(void **state)
{
	struct jetstream_stream s;

	assert_int_equal(jetstream_read_stream(SPAN_LITERAL(STREAM), "st.v1.old.>", &s, NULL), 0);
	assert_true(s.created.ns == INT64_C(1796020976075725833) && s.last_at.ns == INT64_C(1796021523851236460));
	assert_true(s.messages == 3 && s.bytes == 234 && s.first == 1 && s.last == 3);
	assert_true(s.max_bytes == 1u << 30 && s.max_age_ns == 3600 * NS_PER_S && s.duplicates_ns == 10 * NS_PER_S);
	assert_int_equal(s.replicas, 1);
	assert_true(s.takes_subject && !s.discards_new && !s.in_memory && !s.allows_direct);
	assert_int_equal(jetstream_read_stream(SPAN_LITERAL(STREAM), "st.v1.new.>", &s, NULL), 0);
	assert_false(s.takes_subject);
}

/* Nothing was ever in it; -1 is no limit, and neither is 0. */
static void test_empty_stream(void **state)
{
	struct jetstream_stream s;

	assert_int_equal(jetstream_read_stream(SPAN_LITERAL(BUCKET), "", &s, NULL), 0);
	assert_true(s.first == 0 && s.last == 0 && s.last_at.ns == 0 && s.max_bytes == 0 && s.max_age_ns == 0);
	assert_true(s.discards_new && s.in_memory && s.allows_direct && s.replicas == 3 && !s.takes_subject);
}

static void test_consumer(void **state)
{
	struct jetstream_consumer c;

	assert_int_equal(jetstream_read_consumer(SPAN_LITERAL(CONSUMER), &c, NULL), 0);
	assert_string_equal(c.name, "bNVaSjLb");
	assert_true(c.delivered == 1 && c.pending == 2);
}

static void test_message(void **state)
{
	struct jetstream_message m = { 0 };

	assert_int_equal(jetstream_read_message(SPAN_LITERAL(MESSAGE), &m, NULL), 0);
	assert_true(m.place == 3 && m.stored.ns == INT64_C(1796021523851236460) && !m.is_erased);
	assert_true(span_equal(buffer_span(&m.data), SPAN_LITERAL("hello")));
	assert_int_equal(jetstream_read_message(SPAN_LITERAL(ERASED), &m, NULL), 0); /* nothing of the one before is left */
	assert_true(m.place == 3 && m.is_erased && m.data.len == 0);
	jetstream_message_deinit(&m);
}

static void test_account(void **state)
{
	struct jetstream_account a;

	assert_int_equal(jetstream_read_account(SPAN_LITERAL(ACCOUNT), &a, NULL), 0);
	assert_true(a.storage_limit == UINT64_C(1) << 32 && a.storage_used == 651);
	assert_int_equal(jetstream_read_account(SPAN_LITERAL("{\"limits\":{\"max_storage\":-1}}"), &a, NULL), 0);
	assert_true(a.storage_limit == 0 && a.storage_used == 0);
}

/* clang-format off: a table reads best as one */
static const struct {
	const char *text;
	int err;
	const char *words;
} refusals[] = {
	{ "{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not found\"},\"total\":0}", -ENOENT, "stream not found" },
	{ "{\"error\":{\"code\":404,\"err_code\":10014,\"description\":\"consumer not found\"}}", -ENOENT, "consumer not found" },
	{ "{\"error\":{\"code\":404,\"err_code\":10037,\"description\":\"no message found\"}}", -ENOENT, "no message found" },
	{ "{\"error\":{\"code\":503,\"err_code\":10039,\"description\":\"jetstream not enabled for account\"}}", -ENOTSUP, "jetstream not enabled for account" },
	{ "{\"error\":{\"code\":503,\"err_code\":10076,\"description\":\"jetstream not enabled\"}}", -ENOTSUP, "jetstream not enabled" },
	{ "{\"error\":{\"code\":500,\"err_code\":10047,\"description\":\"insufficient storage resources available\"}}", -EDQUOT, "insufficient storage resources available" },
	{ "{\"error\":{\"code\":400,\"err_code\":10058,\"description\":\"stream name already in use with a different configuration\"}}", -EEXIST, "stream name already in use with a different configuration" },
	{ "{\"error\":{\"code\":400,\"err_code\":10025,\"description\":\"invalid \\u0022JSON\\u0022\"}}", -EREMOTEIO, "invalid \"JSON\"" },
	{ "{\"error\":{\"code\":404,\"description\":\"an older server\"}}", -ENOENT, "an older server" },
	{ "{\"error\":{\"code\":404,\"err_code\":1,\"description\":7}}", -EREMOTEIO, "" },
	{ "{\"error\":null}", -EREMOTEIO, "" },
	{ "", -EBADMSG, "" },
	{ "[]", -EBADMSG, "" },
	{ "404", -EBADMSG, "" },
	{ "{\"error\":", -EBADMSG, "" },
};
/* clang-format on */

static void test_refusals(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct span text = span_str(refusals[i].text);
		struct jetstream_message m = { 0 };
		struct jetstream_consumer c;
		struct jetstream_account a;
		struct jetstream_stream s;
		struct buffer why = { 0 };

		assert_int_equal(jetstream_read_done(text, &why), refusals[i].err);
		assert_string_equal(buffer_text(&why), refusals[i].words);
		assert_int_equal(jetstream_read_stream(text, "", &s, NULL), refusals[i].err);
		assert_int_equal(jetstream_read_consumer(text, &c, NULL), refusals[i].err);
		assert_int_equal(jetstream_read_message(text, &m, NULL), refusals[i].err);
		assert_int_equal(jetstream_read_account(text, &a, NULL), refusals[i].err);
		assert_true(m.place == 0 && c.name[0] == '\0');
		jetstream_message_deinit(&m);
		buffer_deinit(&why);
	}
}

enum kind { A_STREAM,
	    A_CONSUMER,
	    A_MESSAGE };

/* clang-format off: a table reads best as one */
static const struct {
	enum kind kind;
	const char *from, *to;
} wrong[] = {
	/* in a response that is right, something in place of something */
	{ A_CONSUMER, "\"stream_seq\":1", "\"stream_seq\":-1" },
	{ A_CONSUMER, "\"num_pending\":2", "\"num_pending\":\"2\"" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":\"\"" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":7" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":\"a.b\"" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":\"a b\"" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":\"a\\r\\nPUB x\"" },
	{ A_CONSUMER, "\"name\":\"bNVaSjLb\"", "\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\"" },
	{ A_MESSAGE, "\"seq\":3", "\"seq\":0" },
	{ A_MESSAGE, "aGVsbG8=", "aGVsbG8" },
	{ A_MESSAGE, "TkFUUy8xLjAN", "TkFUUy8x!jAN" },
	{ A_MESSAGE, "\"data\":\"aGVsbG8=\"", "\"data\":[]" },
	{ A_MESSAGE, "\"time\":\"2026-11-30T06:52:03.85123646Z\"", "\"time\":\"yesterday\"" },
	{ A_STREAM, "\"created\":", "\"made\":" },
	{ A_STREAM, "\"first_seq\":1", "\"first_seq\":1.5" },
	{ A_STREAM, "\"last_seq\":3", "\"lost_seq\":3" },
	{ A_STREAM, "\"state\":{", "\"states\":{" },
	{ A_STREAM, "\"config\":{", "\"configs\":{" },
};
/* clang-format on */

/** replaced() - @text with @from, which is in it, made @to; given */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	struct buffer out = { 0 };
	char *made;

	assert_non_null(at);
	buffer_add(&out, text, (size_t)(at - text));
	buffer_add_str(&out, to);
	buffer_add_str(&out, at + strlen(from));
	made = strdup(buffer_text(&out));
	buffer_deinit(&out);
	return made;
}

static int read_as(enum kind kind, struct span text)
{
	struct jetstream_message m = { 0 };
	struct jetstream_consumer c;
	struct jetstream_stream s;
	int err = kind == A_STREAM     ? jetstream_read_stream(text, "", &s, NULL)
		  : kind == A_CONSUMER ? jetstream_read_consumer(text, &c, NULL)
				       : jetstream_read_message(text, &m, NULL);

	jetstream_message_deinit(&m);
	return err;
}

static void test_wrong(void **state)
{
	static const char *const right[] = { [A_STREAM] = STREAM, [A_CONSUMER] = CONSUMER, [A_MESSAGE] = MESSAGE };

	for (size_t kind = 0; kind < COUNT(right); kind++) {
		assert_int_equal(read_as((enum kind)kind, span_str(right[kind])), 0);
		for (size_t cut = 0; cut < strlen(right[kind]); cut++)
			assert_int_equal(read_as((enum kind)kind, span_of(right[kind], cut)), -EBADMSG);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		char *text = replaced(right[wrong[i].kind], wrong[i].from, wrong[i].to);

		if (read_as(wrong[i].kind, span_str(text)) != -EBADMSG)
			fail_msg("taken: %s", text);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_empty_stream),
		cmocka_unit_test(test_consumer),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
