/* test_pub_ack.c - what JetStream says of one message */
#include "tests/rig/unit.h"

#include "relay/pub_ack.h"

static const struct {
	const char *text;
	enum relay_result result;
} rows[] = {
	{ "{\"stream\":\"shadowtap_d\", \"seq\":7}", RELAY_ACKED },
	{ "{\"stream\":\"S\",\"domain\":\"hub\",\"seq\":1}", RELAY_ACKED },
	{ "{\"stream\":\"S\",\"seq\":7,\"duplicate\": true}", RELAY_DUPLICATE },
	{ "{\"stream\":\"S\",\"seq\":7,\"duplicate\":false}", RELAY_ACKED },
	{ "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes exceeded\"},\"stream\":\"S\",\"seq\":0}", RELAY_REFUSED_FULL },
	{ "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum messages exceeded\"}}", RELAY_REFUSED_FULL },
	{ "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"no space left on device\"}}", RELAY_REFUSED_STORAGE },
	{ "{\"error\":{\"code\":400,\"err_code\":10054,\"description\":\"message size exceeds maximum allowed\"}}", RELAY_REFUSED_TOO_LARGE },
	{ "{\"error\":{\"code\":500,\"err_code\":10047}}", RELAY_REFUSED_STORAGE },
	{ "{\"error\":{\"code\":429,\"err_code\":10167}}", RELAY_REFUSED_BUSY },
	{ "{\"error\":{\"code\":503,\"err_code\":10008}}", RELAY_REFUSED_BUSY },
	{ "{\"error\":{\"code\":404,\"err_code\":10059}}", RELAY_REFUSED_NO_STREAM },
	{ "{\"error\":{\"code\":503,\"err_code\":10076}}", RELAY_REFUSED_NO_STREAM },
	{ "{\"error\":{\"code\":400,\"err_code\":99999}}", RELAY_REFUSED_OTHER },
	{ "{\"error\":{\"code\":404}}", RELAY_REFUSED_NO_STREAM },
	{ "{\"error\":{\"code\":429}}", RELAY_REFUSED_BUSY },
	{ "{\"error\":{}}", RELAY_REFUSED_OTHER },
	{ "{\"error\":\"no\"}", RELAY_REFUSED_OTHER },
	/* what is no word of JetStream's does not say that it has the message */
	{ "", RELAY_REFUSED_OTHER },
	{ "{}", RELAY_REFUSED_OTHER },
	{ "[1]", RELAY_REFUSED_OTHER },
	{ "+OK", RELAY_REFUSED_OTHER },
	{ "{\"stream\":\"S\"}", RELAY_REFUSED_OTHER },
	{ "{\"stream\":\"S\",\"seq\":0}", RELAY_REFUSED_OTHER },
	{ "{\"stream\":\"S\",\"seq\":\"7\"}", RELAY_REFUSED_OTHER },
	{ "{\"stream\":\"S\",\"seq\":-1}", RELAY_REFUSED_OTHER },
};

static void test_words(void **state)
{
	struct json_doc doc = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pub_ack_read(&doc, span_str(rows[i].text)) != rows[i].result)
			fail_msg("%s", rows[i].text);
	json_doc_deinit(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
