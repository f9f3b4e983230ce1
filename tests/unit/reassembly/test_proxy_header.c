/*
 * test_proxy_header.c - the PROXY protocol's headers: read, malformed, cut at every byte, and in front of requests
 *
 * Each row is read right before an unreadable page, whole and in any two pieces.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/proxy_header.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/tcp_script.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V1 "PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000\r\n"
#define A4 "\xc0\0\2\7" "\x0a\0\0\2" "\xc7\x38\x1f\x40"
#define N10 "xxxxxxxxxx"

struct row {
	const char *bytes;
	size_t len;
	enum proxy_match match;
	size_t header; /* with PROXY_WHOLE: its length */
	const char *client;
};
#define ROW(bytes, ...) { bytes, sizeof(bytes) - 1, __VA_ARGS__ }

static const struct row rows[] = {
	ROW(V1, PROXY_WHOLE, 42, "192.0.2.7:51000"),
	ROW(V1 "POST / HTTP/1.1\r\n", PROXY_WHOLE, 42, "192.0.2.7:51000"),
	ROW("PROXY TCP6 2001:db8::7 ::1 1 65535\r\n", PROXY_WHOLE, 36, "[2001:db8::7]:1"),
	ROW("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    PROXY_WHOLE, 104, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
	ROW("PROXY UNKNOWN\r\n", PROXY_WHOLE, 15, NULL),
	ROW("PROXY UNKNOWN a b c\r\n", PROXY_WHOLE, 21, NULL),
	ROW("PROXY UNKNOWN " N10 N10 N10 N10 N10 N10 N10 N10 N10 "x\r\n", PROXY_WHOLE, 107, NULL),
	ROW("PROXY UNKNOWN " N10 N10 N10 N10 N10 N10 N10 N10 N10 "xx\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000\n", PROXY_WRONG),
	ROW("PROXY \n", PROXY_WRONG),
	ROW("PROXY \r\n", PROXY_WRONG),
	ROW("PROXY TCP4\r\n", PROXY_WRONG),
	ROW("PROXY TCP4  192.0.2.7 10.0.0.2 51000 8000\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000 \r\n", PROXY_WHOLE, 43, "192.0.2.7:51000"),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 51000 8000 x\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 2001:db8::7 ::1 1 2\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 51000 65536\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 051 1\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7 10.0.0.2 -1 1\r\n", PROXY_WRONG),
	ROW("PROXY TCP4 192.0.2.7\0 10.0.0.2 1 1\r\n", PROXY_WRONG),
	ROW("PROXY TCP5 192.0.2.7 10.0.0.2 1 1\r\n", PROXY_WRONG),
	ROW("proxy TCP4 192.0.2.7 10.0.0.2 1 1\r\n", PROXY_NONE),
	ROW("PROPFIND / HTTP/1.1\r\n\r\n", PROXY_NONE),
	ROW("POST / HTTP/1.1\r\n\r\n", PROXY_NONE),
	ROW("\r\n\r\nGET / HTTP/1.1\r\n\r\n", PROXY_NONE),
	ROW("", PROXY_MORE),
	ROW(V2 "\x21\x11\0\x0c" A4, PROXY_WHOLE, 28, "192.0.2.7:51000"),
	ROW(V2 "\x21\x11\0\x0d" A4 "xGET / ", PROXY_WHOLE, 29, "192.0.2.7:51000"),
	ROW(V2 "\x21\x11\xff\xff" A4, PROXY_WHOLE, 16 + 65535, "192.0.2.7:51000"),
	ROW(V2 "\x21\x21\0\x24" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7" "0123456789abcdef" "\xc7\x38\x1f\x40", PROXY_WHOLE, 52,
	    "[2001:db8::7]:51000"),
	ROW(V2 "\x20\0\0\0", PROXY_WHOLE, 16, NULL),
	ROW(V2 "\x20\x11\0\x0c" A4, PROXY_WHOLE, 28, NULL),
	ROW(V2 "\x21\x12\0\x0c" A4, PROXY_WHOLE, 28, NULL), /* UDP */
	ROW(V2 "\x21\x31\0\xd8", PROXY_WHOLE, 16 + 216, NULL),
	ROW(V2 "\x21\x11\0\x0b" "0123456789a", PROXY_WRONG),
	ROW(V2 "\x21\x21\0\x23" "0123456789a", PROXY_WRONG),
	ROW(V2 "\x22\x11\0\x0c", PROXY_WRONG),
	ROW(V2 "\x11\x11\0\x0c", PROXY_WRONG),
	ROW("\r\n\r\n\0\r\nQUIT\r", PROXY_NONE),
};

static void check_client(const struct row *row, size_t i, const struct proxy_header *h)
{
	char text[ENDPOINT_TEXT_MAX];

	assert_int_equal(h->len, row->header);
	if (!row->client && h->client.family != 0)
		fail_msg("row %zu: a client", i);
	if (row->client && strcmp(endpoint_text(&h->client, text), row->client) != 0)
		fail_msg("row %zu: client %s, not %s", i, text, row->client);
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct span s = guarded_copy(*state, row->bytes, row->len);
		struct proxy_header h;
		enum proxy_match m = proxy_header_read(s, &h);

		if (m != row->match)
			fail_msg("row %zu: %d, not %d", i, (int)m, (int)row->match);
		if (m == PROXY_WHOLE)
			check_client(row, i, &h);
		if (m != PROXY_NONE && row->len > 0 && !proxy_header_possible(s))
			fail_msg("row %zu: not even possible", i);
	}
}

/* Never NONE or WRONG before the whole would be; then the same, and what is left of the second piece is not the header's. */
static void test_every_cut(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		for (size_t cut = 0; cut <= row->len; cut++) {
			struct proxy_reader p = { .len = 0 };
			struct span in = guarded_copy(*state, row->bytes, cut);
			enum proxy_match m = proxy_reader_feed(&p, &in);

			if (m == PROXY_MORE || (m == PROXY_WHOLE && !p.is_over)) {
				assert_int_equal(in.len, 0);
				in = guarded_copy(*state, row->bytes + cut, row->len - cut);
				m = proxy_reader_feed(&p, &in);
			}
			if (m != row->match)
				fail_msg("row %zu cut at %zu: %d, not %d", i, cut, (int)m, (int)row->match);
			if (m == PROXY_WHOLE)
				check_client(row, i, &p.header);
			if (m == PROXY_WHOLE && row->header > row->len)
				assert_int_equal(p.left, row->header - row->len);
		}
	}
}

/* ---- in front of requests ---- */

#define GET "GET /1 HTTP/1.1\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define HANDSHAKE { 'c', "S" }, { 's', "S" }, { 'c', "" }
#define STORY(name, ...) { #name, STEPS(name), __VA_ARGS__ }

static const struct tcp_step together[] = { HANDSHAKE, { 'c', "P", V1 GET, "GET /1;" }, { 's', "P", OK }, { 'c', "P", GET, "GET /1;" } };

static const struct tcp_step pieces[] = {
	HANDSHAKE, { 'c', "P", "P" }, { 'c', "P", "ROXY UNKNOWN" }, { 'c', "P", "\r" }, { 'c', "P", "\n" }, { 'c', "P", "GE" },
	{ 'c', "P", "T /1 HTTP/1.1\r\n\r\n", "GET /1;" },
};

static const struct tcp_step none_after_all[] = { HANDSHAKE, { 'c', "P", "P" }, { 'c', "P", "OST /1 HTTP/1.1\r\n\r\n", "POST /1;" } };
static const struct tcp_step only_a_header[] = { HANDSHAKE, { 'c', "P", V1 }, { 'c', "F" }, { 's', "F" }, { 'c', "" } };
static const struct tcp_step twice[] = { HANDSHAKE, { 'c', "P", V1 V1 GET } };
static const struct tcp_step later[] = { HANDSHAKE, { 'c', "P", GET, "GET /1;" }, { 's', "P", OK }, { 'c', "P", V1 GET } };
static const struct tcp_step tls_behind[] = { HANDSHAKE, { 'c', "P", V1 "\x16\x03\x01\x02\x0f\x01" } };
static const struct tcp_step ends_early[] = { HANDSHAKE, { 'c', "P", "PROXY TCP4 192" }, { 'c', "F" }, { 's', "F" }, { 'c', "" } };
static const struct tcp_step wrong[] = { HANDSHAKE, { 'c', "P", "PROXY TCP9 \r\n" GET } };

static const struct tcp_step response_first[] = {
	HANDSHAKE, { 's', "P", OK, NULL, .ack = 62 }, { 'c', "P", V1, NULL, .ack = 1 },
	{ 'c', "P", GET, "GET /1;=/1 200 0+0 [ok];", .ack = 1 },
	{ 'c', "P", GET, "GET /1;" }, { 's', "P", OK, "=/1 200 1+1 [ok];" },
};

/* A gap that the snaplen cut, in what is passed over and behind it. */
static const struct tcp_step gap_inside[] = {
	HANDSHAKE, { 'c', "P", "PROXY UNKNOWN", NULL, .missing = 2 }, { 'c', "P", GET, "GET /1;" },
	{ 's', "P", OK }, { 'c', "P", GET, "GET /1;" }, /* two bytes hide no head, so the first is believed at once */
};

static const struct tcp_story stories[] = {
	STORY(together, .stats = "seen=2 complete=2 proxied=1 not_http=0"),
	STORY(pieces, .stats = "seen=1 proxied=1"),
	STORY(none_after_all, .stats = "seen=1 complete=1 proxied=0"),
	STORY(only_a_header, .stats = "seen=0 proxied=1 not_http=0"),
	STORY(twice, .stats = "seen=0 proxied=1 not_http=1"),
	STORY(later, .stats = "seen=1 proxied=0"),
	STORY(tls_behind, .stats = "seen=0 proxied=1 not_http=1 tls=1"),
	STORY(ends_early, .stats = "seen=0 proxied=0"),
	STORY(wrong, .stats = "seen=0 proxied=0 proxy_unread=1 not_http=1"),
	STORY(response_first, .stats = "seen=2 proxied=1", .responses = true),
	STORY(gap_inside, .stats = "seen=2 complete=2 proxied=0 not_http=0"),
};

static void run(void **state)
{
	tcp_story_run(*state);
}

int main(void)
{
	struct CMUnitTest tests[2 + sizeof(stories) / sizeof(stories[0])] = {
		cmocka_unit_test_setup_teardown(test_rows, guard_setup, guard_teardown),
		cmocka_unit_test_setup_teardown(test_every_cut, guard_setup, guard_teardown),
	};

	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		tests[2 + i] = (struct CMUnitTest){ stories[i].name, run, NULL, NULL, (void *)&stories[i] };
	return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}
