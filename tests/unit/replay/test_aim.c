/*
 * test_aim.c - which addresses are one service: by themselves, and by the tables of listening sockets
 */
#include "tests/rig/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "replay/aim.h"
#include "replay/listener.h"
#include "replay/resolve.h"
#include "base/socket.h"

static struct endpoint end(const char *host, uint16_t port)
{
	struct addresses found;
	struct endpoint e;

	assert_int_equal(lookup_numeric(host, port, &found), 0);
	assert_true(socket_endpoint(&found.at[0], &e));
	return e;
}

/* ---- addresses alone, as of a recording ---- */

static void test_addresses(void **state)
{
	static const struct {
		const char *target;
		uint16_t port;
		const char *server;
		uint16_t server_port;
		bool is;
	} rows[] = {
		{ "127.0.0.1", 8501, "127.0.0.1", 8501, true },
		{ "127.0.0.1", 8501, "127.0.0.1", 8502, false },
		{ "127.0.0.1", 8501, "127.0.0.2", 8501, false },
		{ "10.0.0.7", 80, "10.0.0.7", 80, true },
		{ "::ffff:10.0.0.7", 80, "10.0.0.7", 80, true },
		{ "::1", 80, "::1", 80, true },
		{ "::1", 80, "127.0.0.1", 80, false },
		{ "0.0.0.0", 80, "127.0.0.1", 80, true }, /* where connect() goes */
		{ "::", 80, "::1", 80, true },
		{ "2001:db8::7", 443, "2001:0db8:0:0::7", 443, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint server = end(rows[i].server, rows[i].server_port);
		struct addresses found;
		struct aim a = { 0 };

		assert_false(aim_is(&a, &server)); /* it leads nowhere yet */
		assert_int_equal(lookup_numeric(rows[i].target, rows[i].port, &found), 0);
		assert_true(aim_set(&a, &found));
		assert_false(aim_set(&a, &found)); /* no news */
		if (aim_is(&a, &server) != rows[i].is)
			fail_msg("row %zu: %s and %s", i, rows[i].target, rows[i].server);
	}
}

/* each address of a name counts, and those that it has left don't */
static void test_every_address(void **state)
{
	struct addresses found = { 0 }, one;
	struct endpoint first = end("10.0.0.1", 80), second = end("2001:db8::2", 80);
	struct aim a = { 0 };

	lookup_numeric("10.0.0.1", 80, &one);
	found.at[found.count++] = one.at[0];
	lookup_numeric("2001:db8::2", 80, &one);
	found.at[found.count++] = one.at[0];
	aim_set(&a, &found);
	assert_int_equal(a.moved, 0);
	assert_true(aim_is(&a, &first) && aim_is(&a, &second));
	aim_set(&a, &one);
	assert_int_equal(a.moved, 1);
	assert_true(!aim_is(&a, &first) && aim_is(&a, &second));
}

/* ---- what listens ---- */

/* A row of the tables, with the words in the order of this machine as the kernel prints them. */
static void add_row(char *table, size_t size, const struct endpoint *bound, const char *state_of)
{
	uint32_t words[4];
	size_t at = strlen(table);

	memcpy(words, bound->addr, sizeof(words));
	at += (size_t)snprintf(table + at, size - at, "   0: ");
	for (size_t i = bound->family == 4 ? 3 : 0; i < 4; i++)
		at += (size_t)snprintf(table + at, size - at, "%08X", words[i]);
	snprintf(table + at, size - at, ":%04X 00000000:0000 %s 00000000:00000000 00:00000000 00000000  1000        0 1\n",
		 bound->port, state_of);
}

static void test_tables(void **state)
{
	static const struct {
		const char *bound[3]; /* of sockets at port 80 */
		const char *wanted, *gets; /* "": none */
	} rows[] = {
		{ { "0.0.0.0" }, "10.0.0.7", "0.0.0.0" },
		{ { "0.0.0.0", "10.0.0.7" }, "10.0.0.7", "10.0.0.7" },
		{ { "10.0.0.7", "0.0.0.0" }, "127.0.0.1", "0.0.0.0" },
		{ { "::" }, "127.0.0.1", "::" },
		{ { "::", "0.0.0.0" }, "127.0.0.1", "0.0.0.0" },
		{ { "0.0.0.0", "::" }, "::1", "::" },
		{ { "0.0.0.0" }, "::1", "" },
		{ { "10.0.0.7" }, "127.0.0.1", "" },
		{ { "2001:db8::7", "::" }, "2001:db8::7", "2001:db8::7" },
		{ { 0 }, "10.0.0.7", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char table[1024] = "  sl  local_address rem_address   st tx_queue rx_queue\n";
		struct listener l = { .wanted = end(rows[i].wanted, 80) };
		struct endpoint e = { 0 }, other = end("0.0.0.0", 81), connected = end("10.0.0.7", 80);

		add_row(table, sizeof(table), &other, "0A");
		add_row(table, sizeof(table), &connected, "01"); /* a connection is no listener */
		for (size_t k = 0; k < 3 && rows[i].bound[k]; k++) {
			struct endpoint bound = end(rows[i].bound[k], 80);

			add_row(table, sizeof(table), &bound, "0A");
		}
		listener_look(&l, span_str(table));
		if (rows[i].gets[0])
			e = end(rows[i].gets, 80);
		if (memcmp(&l.bound, &e, sizeof(e)) != 0)
			fail_msg("row %zu: %s is not taken by \"%s\"", i, rows[i].wanted, rows[i].gets);
	}
}

static void test_damaged_tables(void **state)
{
	static const char good[] = "   0: 0100007F:0050 00000000:0000 0A 0 0\n";
	struct listener l = { .wanted = end("127.0.0.1", 80) };
	char text[64];

	for (size_t n = 0; n < sizeof(good); n++)
		for (unsigned c = 0; c < 256; c += 5) {
			memcpy(text, good, sizeof(good));
			text[n] = (char)c;
			listener_look(&l, span_of(text, n)); /* cut, and with another byte in it */
			listener_look(&l, span_of(text, sizeof(good) - 1));
		}
	assert_true(l.bound.family == 0 || l.bound.port == 80);
}

/* ---- this machine ---- */

static int listen_at(const char *host, uint16_t *port)
{
	struct addresses found;
	struct sockaddr_storage bound = { 0 };
	socklen_t len = sizeof(bound);
	int fd;

	assert_int_equal(lookup_numeric(host, *port, &found), 0);
	fd = socket(found.at[0].ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&found.at[0], sizeof(struct sockaddr_in)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &len), 0);
	*port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
	return fd;
}

static bool is_one(const char *target, const char *server, uint16_t port, bool is_here)
{
	struct endpoint e = end(server, port);
	struct aim a = { .is_here = is_here };
	struct addresses found;
	bool first;

	lookup_numeric(target, port, &found);
	aim_set(&a, &found);
	first = aim_is(&a, &e);
	assert_int_equal(aim_is(&a, &e), first); /* what is remembered says the same */
	return first;
}

static void test_addresses_of_this_machine(void **state)
{
	uint16_t port = 0;
	int all = listen_at("0.0.0.0", &port), one;

	assert_true(is_one("127.0.0.1", "127.0.0.9", port, true));
	assert_false(is_one("127.0.0.1", "127.0.0.9", port, false)); /* a recording: whose 127.0.0.9? */
	assert_false(is_one("127.0.0.1", "192.0.2.9", port, true)); /* not this machine's (RFC 5737) */
	assert_false(is_one("192.0.2.9", "127.0.0.1", port, true));
	close(all);
	one = listen_at("127.0.0.9", &port);
	assert_false(is_one("127.0.0.1", "127.0.0.9", port, true)); /* the shadow beside the service */
	close(one);
	assert_true(is_one("127.0.0.1", "127.0.0.9", port, true)); /* nothing listens: packets are rewritten */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_every_address),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_damaged_tables),
		cmocka_unit_test(test_addresses_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
