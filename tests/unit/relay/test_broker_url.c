/* test_broker_url.c - what -t and -r accept and refuse as a broker */
#include "tests/rig/unit.h"

#include <errno.h>
#include <string.h>

#include "relay/broker_url.h"

static const struct {
	const char *text, *shown, *user, *password, *service;
	bool is_tls;
} good[] = {
	{ "nats://nats/digits", "nats://nats:4222/digits", "", "", "digits" },
	{ "NATS://nats:4333/a_B-9", "nats://nats:4333/a_B-9", "", "", "a_B-9" },
	{ "nats://nats:/d", "nats://nats:4222/d", "", "", "d" },
	{ "tls://a.example,b.example:1/d", "tls://a.example:4222,b.example:1/d", "", "", "d", true },
	{ "nats://[::1]:5/d", "nats://[::1]:5/d", "", "", "d" },
	{ "nats://[2001:db8::1],10.0.0.1/d", "nats://[2001:db8::1]:4222,10.0.0.1:4222/d", "", "", "d" },
	{ "nats://me:secret@nats/d", "nats://nats:4222/d", "me", "secret", "d" },
	{ "nats://token@nats/d", "nats://nats:4222/d", "token", "", "d" },
	{ "nats://me:a%2Fb%40c%3a@nats/d", "nats://nats:4222/d", "me", "a/b@c:", "d" },
	{ "nats://me:a@b@nats/d", "nats://nats:4222/d", "me", "a@b", "d" },
};

static void test_accepted(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buffer error = { 0 };
		struct broker_url u;

		assert_true(broker_url_is(good[i].text));
		assert_int_equal(broker_url_parse(good[i].text, &u, &error), 0);
		assert_string_equal(u.shown, good[i].shown);
		assert_string_equal(u.user, good[i].user);
		assert_string_equal(u.password, good[i].password);
		assert_string_equal(u.service, good[i].service);
		assert_int_equal(u.is_tls, good[i].is_tls);
		assert_int_equal(error.len, 0);
		buffer_deinit(&error);
	}
}

static const struct {
	const char *text, *says;
} bad[] = {
	{ "http://nats/d", "no scheme" },
	{ "nats://", "has no host" },
	{ "nats:///d", "has no host" },
	{ "nats://nats", "names no service" },
	{ "nats://nats/", "names no service" },
	{ "nats://nats/a.b", "bad service" },
	{ "nats://nats/a/b", "bad service" },
	{ "nats://nats/*", "bad service" },
	{ "nats://nats/a>", "bad service" },
	{ "nats://nats/12345678901234567890123456789012345678901234567890123456789012345", "bad service" },
	{ "nats://nats:0/d", "bad port" },
	{ "nats://nats:65536/d", "bad port" },
	{ "nats://nats:4x/d", "bad port" },
	{ "nats://na ts/d", "bad host" },
	{ "nats://a,/d", "has no host" },
	{ "nats://,a/d", "has no host" },
	{ "nats://a,b,c,d,e,f,g,h,i/d", "more than 8 hosts" },
	{ "nats://[::1/d", "without ]" },
	{ "nats://[::1]x/d", "without ]" },
	{ "nats://[abc]/d", "bad host" },
	{ "nats://@nats/d", "no user before it" },
	{ "nats://me:%zz@nats/d", "cannot be used" },
	{ "nats://me:%0a@nats/d", "cannot be used" },
	{ "nats://me:%2@nats/d", "cannot be used" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buffer error = { 0 };
		struct broker_url u;

		assert_int_equal(broker_url_parse(bad[i].text, &u, &error), -EINVAL);
		if (!strstr(buffer_text(&error), bad[i].says))
			fail_msg("%s: %s", bad[i].text, buffer_text(&error));
		assert_int_equal(u.host_count, 0);
		buffer_deinit(&error);
	}
}

static void test_no_secret_is_told(void **state)
{
	struct buffer error = { 0 };
	struct broker_url u;

	assert_int_equal(broker_url_parse("nats://me:hunter2@nats:0/d", &u, &error), -EINVAL);
	assert_null(strstr(buffer_text(&error), "hunter2"));
	assert_null(strstr(buffer_text(&error), "me:"));
	buffer_deinit(&error);
}

static void test_others_are_none(void **state)
{
	static const char *const others[] = { "http://nats/d", "file.pcap", "-", "nats:/x", "tls:", "a=nats://x/d", "" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(broker_url_is(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_secret_is_told),
		cmocka_unit_test(test_others_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
