/* test_admin_address.c - where --admin may listen, and what is said of what is no address */
#include "tests/rig/unit.h"

#include <string.h>

#include "app/options/admin_address.h"

static const struct {
	const char *text, *said; /* what the complaint says; NULL: accepted */
	const char *shown;
	bool loopback, any;
} addresses[] = {
	{ "127.0.0.1:9090", NULL, "127.0.0.1:9090", .loopback = true },
	{ "127.8.0.1:1", NULL, "127.8.0.1:1", .loopback = true },
	{ "localhost:9090", NULL, "127.0.0.1:9090", .loopback = true },
	{ "[::1]:65535", NULL, "[::1]:65535", .loopback = true },
	{ "192.0.2.1:80", NULL, "192.0.2.1:80" },
	{ "0.0.0.0:80", NULL, "0.0.0.0:80", .any = true },
	{ "[::]:80", NULL, "[::]:80", .any = true },
	{ "[2001:db8::1]:80", NULL, "[2001:db8::1]:80" },
	{ "unix:/run/x.sock", NULL, NULL },
	{ ":9090", "on which address" },
	{ "9090", "on which address" },
	{ "127.0.0.1", "no port" },
	{ "::1", "brackets" },
	{ "::1:9090", "brackets" },
	{ "[::1]", "not an address" },
	{ "[::1]9090", "not an address" },
	{ "[127.0.0.1]:9090", "not an address" },
	{ "[::ffff:127.0.0.1]:9090", "IPv4" },
	{ "[]:9090", "not an address" },
	{ "[:9090", "not an address" },
	{ "tap.example:9090", "not an address" },
	{ "127.0.0.1:0", "1 to 65535" },
	{ "127.0.0.1:65536", "1 to 65535" },
	{ "127.0.0.1:http", "1 to 65535" },
	{ "127.0.0.1:", "1 to 65535" },
	{ "127.1:80", "not an address" },
	{ "0x7f.0.0.1:80", "not an address" },
	{ "unix:", "begins with" },
	{ "unix:run/x.sock", "begins with" },
	{ "12345678901234567890123456789012345678901234567890123456789012345:80", "not an address" },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct admin_address a;
		const char *complaint = admin_address_parse(addresses[i].text, &a);
		char text[ENDPOINT_TEXT_MAX];

		if (!addresses[i].said) {
			assert_null(complaint);
			if (addresses[i].shown)
				assert_string_equal(endpoint_text(&a.at, text), addresses[i].shown);
			else
				assert_string_equal(a.path, addresses[i].text + strlen("unix:"));
			assert_int_equal(admin_address_is_loopback(&a), addresses[i].loopback);
			assert_int_equal(admin_address_is_any(&a), addresses[i].any);
		} else if (!complaint || !strstr(complaint, addresses[i].said)) {
			fail_msg("%s: %s", addresses[i].text, complaint ? complaint : "accepted");
		}
	}
}

/* What an earlier address left behind is not taken for a part of the next. */
static void test_again(void **state)
{
	struct admin_address a;

	(void)state;
	assert_null(admin_address_parse("unix:/run/x.sock", &a));
	assert_null(admin_address_parse("[::1]:80", &a));
	assert_string_equal(a.path, "");
	assert_null(admin_address_parse("unix:/run/x.sock", &a));
	assert_int_equal(a.at.family, 0);
	assert_int_equal(a.at.port, 0);
	assert_false(admin_address_is_loopback(&a) || admin_address_is_any(&a));
}

static void test_long_path(void **state)
{
	char text[200] = "unix:/";
	struct admin_address a;

	(void)state;
	memset(text + 6, 'x', 106);
	assert_null(admin_address_parse(text, &a));
	text[6 + 106] = 'x';
	assert_non_null(strstr(admin_address_parse(text, &a), "107 bytes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
