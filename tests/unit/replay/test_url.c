/* test_url.c - what -t accepts and refuses */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "replay/url.h"

struct good_row {
	const char *text, *name, *host, *authority, *prefix, *shown;
	uint16_t port;
	bool is_tls;
	const char *socket; /* NULL: none */
};

static const struct good_row good[] = {
	{ "http://shadow", "default", "shadow", "shadow", "", "http://shadow", 80 },
	{ "http://shadow:9000", "default", "shadow", "shadow:9000", "", "http://shadow:9000", 9000 },
	{ "HTTP://shadow:9000/", "default", "shadow", "shadow:9000", "", "http://shadow:9000", 9000 },
	{ "http://shadow:/", "default", "shadow", "shadow", "", "http://shadow", 80 },
	{ "http://s_h-a.d:1/base/v1//", "default", "s_h-a.d", "s_h-a.d:1", "/base/v1", "http://s_h-a.d:1/base/v1", 1 },
	{ "http://s/a%20b;c=1@x:y", "default", "s", "s", "/a%20b;c=1@x:y", "http://s/a%20b;c=1@x:y", 80 },
	{ "http://127.0.0.1:65535", "default", "127.0.0.1", "127.0.0.1:65535", "", "http://127.0.0.1:65535", 65535 },
	{ "http://[::1]", "default", "::1", "[::1]", "", "http://[::1]", 80 },
	{ "http://[2001:db8::1]:8080/p", "default", "2001:db8::1", "[2001:db8::1]:8080", "/p", "http://[2001:db8::1]:8080/p", 8080 },
	{ "http://[fe80::1%25eth0]:80", "default", "fe80::1%eth0", "[fe80::1]:80", "", "http://[fe80::1]:80", 80 },
	{ "canary-2=http://shadow:9000", "canary-2", "shadow", "shadow:9000", "", "http://shadow:9000", 9000 },
	{ "b=http://shadow/x=y", "b", "shadow", "shadow", "/x=y", "http://shadow/x=y", 80 },
	{ "https://shadow", "default", "shadow", "shadow", "", "https://shadow", 443, true },
	{ "HTTPS://shadow:8443/v2/", "default", "shadow", "shadow:8443", "/v2", "https://shadow:8443/v2", 8443, true },
	{ "s=https://[::1]:80", "s", "::1", "[::1]:80", "", "https://[::1]:80", 80, true },
	{ "unix:/run/m.sock", "default", "", "localhost", "", "unix:/run/m.sock:", 0, false, "/run/m.sock" },
	{ "unix:/run/m.sock:", "default", "", "localhost", "", "unix:/run/m.sock:", 0, false, "/run/m.sock" },
	{ "u=UNIX:/run/m.sock:/v2/", "u", "", "localhost", "/v2", "unix:/run/m.sock:/v2", 0, false, "/run/m.sock" },
	{ "unix:///run/a:b?c@d:/p", "default", "", "localhost", "/p", "unix:/run/a:b?c@d:/p", 0, false, "/run/a:b?c@d" },
};

static void test_accepted(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct buffer error = { 0 };
		struct target_url u;

		assert_int_equal(target_url_parse(good[i].text, &u, &error), 0);
		assert_string_equal(u.name, good[i].name);
		assert_string_equal(u.host, good[i].host);
		assert_string_equal(u.authority, good[i].authority);
		assert_string_equal(u.prefix, good[i].prefix);
		assert_string_equal(u.shown, good[i].shown);
		assert_int_equal(u.port, good[i].port);
		assert_false(u.is_sink);
		assert_int_equal(u.is_tls, good[i].is_tls);
		assert_string_equal(u.socket, good[i].socket ? good[i].socket : "");
		assert_int_equal(error.len, 0);
		buffer_deinit(&error);
	}
}

static void test_sink(void **state)
{
	struct buffer error = { 0 };
	struct target_url u;

	assert_int_equal(target_url_parse("sink:", &u, &error), 0);
	assert_true(u.is_sink);
	assert_string_equal(u.name, "default");
	assert_string_equal(u.host, "");
	assert_int_equal(target_url_parse("a=SINK:", &u, &error), 0);
	assert_true(u.is_sink);
	assert_string_equal(u.name, "a");
	assert_string_equal(u.shown, "sink:");
	buffer_deinit(&error);
}

/* Refused, and the sentence must say this. */
static const struct {
	const char *text, *says;
} bad[] = {
	{ "", "scheme" },
	{ "shadow", "scheme" },
	{ "shadow:9000", "scheme" },
	{ "localhost:9000/x", "scheme" },
	{ "//shadow", "scheme" },
	{ "http:/shadow", "scheme" },
	{ "ftp://shadow", "unknown scheme" },
	{ "httpss://shadow", "unknown scheme" },
	{ "https://", "no host" },
	{ "https://user:secret@shadow", "user info" },
	{ "unix:", "whole path" },
	{ "unix:run/m.sock", "whole path" },
	{ "unix:@abstract", "whole path" },
	{ "unix:/run/a b", "cannot be shown" },
	{ "unix:/run/a\r\nX: y", "cannot be shown" },
	{ "unix:/run/m.sock:/a b", "path" },
	{ "unix:/run/m.sock:/a?b", "path" },
	{ "http://", "no host" },
	{ "http:///x", "no host" },
	{ "http://:80", "no host" },
	{ "http://user@shadow", "user info" },
	{ "http://user:secret@shadow/", "user info" },
	{ "http://shadow?x", "query" },
	{ "http://shadow/#x", "fragment" },
	{ "http://shadow:0", "port" },
	{ "http://shadow:65536", "port" },
	{ "http://shadow:70000", "port" },
	{ "http://shadow:99999999999999999999", "port" },
	{ "http://shadow:-1", "port" },
	{ "http://shadow:+1", "port" },
	{ "http://shadow:80x", "port" },
	{ "http://shadow:1:2", "port" },
	{ "http://sha dow", "host" },
	{ "http://sh\xc3\xa4" "dow", "host" },
	{ "http://shadow\r\nX: y", "host" },
	{ "http://shadow/a b", "path" },
	{ "http://shadow/a\r\nX: y", "path" },
	{ "http://shadow/%", "path" },
	{ "http://shadow/%4", "path" },
	{ "http://shadow/%zz", "path" },
	{ "http://[::1", "]" },
	{ "http://[::1]x", "]" },
	{ "http://[]", "IPv6" },
	{ "http://[abc]", "IPv6" },
	{ "http://[::1%]", "zone" },
	{ "http://[::1%25]", "zone" },
	{ "http://[::1%25a b]", "zone" },
	{ "=http://shadow", "name" },
	{ "a b=http://shadow", "name" },
	{ "a.b=http://shadow", "name" },
	{ "0123456789012345678901234567890123456789012345678901234567890123=http://s", "63" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buffer error = { 0 };
		struct target_url u;

		assert_int_equal(target_url_parse(bad[i].text, &u, &error), -EINVAL);
		if (!strstr(buffer_text(&error), bad[i].says))
			fail_msg("\"%s\" gives \"%s\"", bad[i].text, buffer_text(&error));
		assert_null(strstr(buffer_text(&error), "secret"));
		buffer_deinit(&error);
	}
}

static void test_lengths(void **state)
{
	struct buffer error = { 0 };
	struct target_url u;
	char text[4096];

	/* host and prefix just fit, and are one too long */
	for (int host = 255; host <= 256; host++) {
		snprintf(text, sizeof(text), "http://%0*d:65535/x", host, 0);
		assert_int_equal(target_url_parse(text, &u, &error), host == 255 ? 0 : -EINVAL);
	}
	for (int prefix = 1023; prefix <= 1024; prefix++) {
		snprintf(text, sizeof(text), "http://h/%0*d", prefix - 1, 0);
		assert_int_equal(target_url_parse(text, &u, &error), prefix == 1023 ? 0 : -EINVAL);
	}
	assert_int_equal(strlen(u.name), 7);
	snprintf(text, sizeof(text), "http://%0255d:65535/%01022d", 0, 0);
	assert_int_equal(target_url_parse(text, &u, &error), 0);
	assert_int_equal(strlen(u.shown), strlen(text));
	for (int path = 107; path <= 108; path++) {
		snprintf(text, sizeof(text), "unix:/%0*d:/%01022d", path - 1, 0, 0);
		assert_int_equal(target_url_parse(text, &u, &error), path == 107 ? 0 : -EINVAL);
	}
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_sink),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
