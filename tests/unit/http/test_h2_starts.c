/*
 * test_h2_starts.c - how a connection of HTTP/2 begins: HTTP/1 asks for it, the preface in pieces, the server first, ports
 * that are used again, and what follows a preface and is another protocol
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_scene.h"

#include <stdio.h>
#include <string.h>

#define C SIDE_CLIENT
#define S SIDE_SERVER

/* ---- h2c: HTTP/1 asks for it ---- */

#define UPGRADE \
	"GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
#define GRANTED_STATS                                                                                         \
	"seen=3 complete=3 upgraded=1 http2=1 http2.requests=2 http2.streams=2 http2.connections.upgraded=1 " \
	"http2.connections.preface=0 http2.connections.joined=0"

/* Declined, both requests are HTTP/1's. */
static void test_upgrade_declined(void **state)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", next[] = "GET /2 HTTP/1.1\r\n\r\n";
	struct scene sc;

	scene_write(&sc, CODER_GO);
	h2_raw(&sc.s, C, UPGRADE, strlen(UPGRADE));
	h2_raw(&sc.s, S, ok, strlen(ok));
	h2_raw(&sc.s, C, next, strlen(next));
	h2_raw(&sc.s, S, ok, strlen(ok));
	for (int cut = 0; cut < CUTS; cut++) {
		scene_cut(&sc, (enum h2_cut)cut);
		h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
		assert_null(sc.tap.complaint);
		assert_int_equal(h2_times_told(&sc.tap, "GET /up\n"), 1);
		assert_int_equal(h2_times_told(&sc.tap, "GET /2\n"), 1);
		h2_check_counters(&sc.tap, "seen=2 complete=2 upgraded=0 http2=0 http2.streams=0", "declined");
		assert_null(h2_tap_close(&sc.tap));
		h2_packets_free(&sc.packets);
		h2_truth_free(&sc.truth);
	}
	scene_free(&sc);
}

/** write_granted() - @together: 101 with SETTINGS, and the preface with SETTINGS and a call, each in one segment */
static void write_granted(struct h2_script *s, bool together)
{
	h2_raw(s, C, UPGRADE, strlen(UPGRADE));
	h2_raw(s, S, SWITCHING, strlen(SWITCHING));
	if (together) {
		s->server_first = true;
		h2_preface(s);
		h2_numbered(s, 3, 3);
		h2_answer(s, 1);
		h2_answer(s, 3);
	} else {
		h2_apart(s);
		h2_preface(s);
		h2_answer(s, 1);
		h2_numbered_and_answered(s, 3, 3);
	}
	h2_get(s, 5);
}

/** judge_granted() - the request that asked for it is HTTP/1's, the others HTTP/2's, and no other one is told of */
static void judge_granted(struct scene *sc, const struct h2_tap_options *options, const char *what)
{
	h2_tap_run(&sc->tap, options, &sc->s, &sc->packets);
	if (sc->tap.complaint)
		fail_msg("%s: %s", what, sc->tap.complaint);
	h2_check_counters(&sc->tap, GRANTED_STATS, what);
	assert_int_equal(h2_times_told(&sc->tap, "GET /up\n"), 1);
	assert_int_equal(h2_times_told(&sc->tap, "POST /pkg.Svc/Call\n"), 1);
	assert_int_equal(h2_times_told(&sc->tap, "GET /get\n"), 1);
	assert_null(h2_tap_close(&sc->tap));
}

static void test_upgrade_granted(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_answers = true }, { .no_ports = true }, { .no_joins = true } };

	for (int cut = 0; cut < CUTS; cut++) {
		for (size_t i = 0; i < 8; i++) {
			struct scene sc;
			char what[80];

			scene_write(&sc, CODER_GO);
			write_granted(&sc.s, i % 2);
			scene_cut(&sc, (enum h2_cut)cut);
			snprintf(what, sizeof(what), "granted, %s, together %zu, options %zu", h2_cut_name((enum h2_cut)cut), i % 2,
				 i / 2);
			judge_granted(&sc, &some[i / 2], what);
			scene_free(&sc);
		}
	}
}

/* Packets of both sides are captured in another order, that of the 101 ahead of the request among them. */
static void test_upgrade_out_of_step(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct scene sc;

		scene_write(&sc, CODER_GO);
		write_granted(&sc.s, i);
		scene_cut(&sc, CUT_NOT);
		for (size_t k = 3; k + 1 < sc.packets.count; k++) {
			struct h2_packet *p = sc.packets.at, earlier = p[k];
			char what[80];

			snprintf(what, sizeof(what), "granted, together %zu, packet %zu ahead of the one before", i, k + 1);
			p[k] = p[k + 1];
			p[k + 1] = earlier;
			judge_granted(&sc, &both_ways, what);
			p[k + 1] = p[k];
			p[k] = earlier;
		}
		scene_free(&sc);
	}
}
/* ---- the preface in pieces: HTTP/1 takes the first of them for its own ---- */

static void test_preface_in_pieces(void **state)
{
	for (size_t first = 1; first < 24; first++) {
		for (size_t second = first + 1; second <= 24; second++) {
			struct scene sc;
			char what[80];

			scene_write(&sc, CODER_GO);
			h2_raw(&sc.s, C, H2_PREFACE, first);
			h2_apart(&sc.s);
			h2_raw(&sc.s, C, &H2_PREFACE[first], second - first);
			if (second % 2)
				h2_apart(&sc.s);
			h2_raw(&sc.s, C, &H2_PREFACE[second], 24 - second);
			h2_frame(&sc.s, C, H2_SETTINGS, 0, 0, (struct span){ 0 });
			h2_numbered(&sc.s, 1, 1);
			h2_frame(&sc.s, S, H2_SETTINGS, 0, 0, (struct span){ 0 });
			h2_settings_ack(&sc.s, S);
			h2_answer(&sc.s, 1);
			h2_get(&sc.s, 3);
			scene_cut(&sc, CUT_NOT);
			snprintf(what, sizeof(what), "the preface in pieces, from %zu and %zu", first, second);
			for (int joins = 0; joins < 2; joins++) {
				h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_joins = !joins }, &sc.s, &sc.packets);
				if (h2_judge(&sc.tap, &sc.truth, true))
					fail_msg("%s: %s", what, sc.tap.complaint);
				h2_check_counters(&sc.tap,
						  "seen=2 complete=2 http2=1 upgraded=0 http2.connections.preface=1 "
						  "http2.connections.upgraded=0 http2.connections.joined=0 http2.requests=2",
						  what);
				assert_null(h2_tap_close(&sc.tap));
			}
			scene_free(&sc);
		}
	}
}

/* The server's SETTINGS come before all that is the client's, in pieces: they are known for what they are. */
static void test_server_first_in_pieces(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_ports = true }, { .no_joins = true } };

	for (size_t first = 1; first <= 15; first++) {
		struct scene sc;
		size_t begins;

		scene_write(&sc, CODER_GO);
		h2_setting(&sc.s, S, H2_MAX_FRAME_SIZE, 1 << 20);
		h2_preface(&sc.s);
		h2_get(&sc.s, 1);
		h2_numbered_and_answered(&sc.s, 3, 3);
		scene_cut(&sc, CUT_NOT);
		begins = scene_packet_with(&sc, S, 0);
		h2_packet_split(&sc.packets, begins, first);
		for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
			h2_tap_run(&sc.tap, &some[i], &sc.s, &sc.packets);
			if (h2_judge(&sc.tap, &sc.truth, true))
				fail_msg("the server first, cut at %zu, options %zu: %s", first, i, sc.tap.complaint);
			h2_check_counters(&sc.tap, "seen=2 complete=2 http2=1 http2.connections.preface=1", "the server first");
			assert_null(h2_tap_close(&sc.tap));
		}
		scene_free(&sc);
	}
}

/* A server that greets with what is not SETTINGS does not keep HTTP/1 from being read. */
static void test_server_greets(void **state)
{
	static const char *const greetings[] = { "\0\0\0\3\0\0\0\0\0", "\0\0\7\4\0\0\0\0\0", "\0\0\0\4\1\0\0\0\0", "\1\0\0\4\0\0\0\0\0",
						 "\0\0\0\4\0\0\0\0\1", "220 ready" };

	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		struct scene sc;

		scene_write(&sc, CODER_GO);
		h2_raw(&sc.s, S, greetings[i], 9);
		h2_raw(&sc.s, C, "GET /2 HTTP/1.1\r\n\r\n", 19);
		h2_raw(&sc.s, S, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 40);
		scene_cut(&sc, CUT_NOT);
		h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
		h2_check_counters(&sc.tap, "seen=1 complete=1 http2=0", greetings[i]);
		assert_null(h2_tap_close(&sc.tap));
		scene_free(&sc);
	}
}

/* The segment with the preface is missing: the rest is joined, where it is known which port is the service's. */
static void test_preface_missing(void **state)
{
	struct scene sc;
	size_t preface;

	scene_write(&sc, CODER_NAMES);
	h2_raw(&sc.s, C, H2_PREFACE, 24);
	h2_frame(&sc.s, C, H2_SETTINGS, 0, 0, (struct span){ 0 });
	h2_apart(&sc.s);
	h2_numbered(&sc.s, 1, 0);
	h2_frame(&sc.s, S, H2_SETTINGS, 0, 0, (struct span){ 0 });
	h2_answer(&sc.s, 1);
	for (unsigned i = 1; i < 12; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	preface = scene_packet_with(&sc, C, 0);
	sc.packets.at[preface].lost = true;
	for (int answers = 0; answers < 2; answers++) {
		h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_answers = !answers }, &sc.s, &sc.packets);
		assert_null(h2_judge(&sc.tap, &sc.truth, false));
		h2_check_counters(&sc.tap, "http2.connections.joined=1 http2.connections.preface=0 http2.connections.upgraded=0",
				  "the preface is missing");
		assert_true(sc.tap.told_count + H2_JOIN_COST >= 12);
		assert_null(h2_tap_close(&sc.tap));
	}
	sc.packets.at[scene_packet_with(&sc, S, 0)].lost = true; /* or the server's SETTINGS would say what it is */
	h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_joins = true }, &sc.s, &sc.packets);
	assert_int_equal(sc.tap.told_count, 0);
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}
/* ---- other beginnings ---- */

/* The same ports again, with a new preface, and no end of the first connection was captured. */
static void test_ports_again(void **state)
{
	struct scene first, second;
	struct h2_wire wire = { .isn = { 1000, 2000 } }, later = { .isn = { 900000, 5000000 } };
	struct h2_tap tap;

	scene_write(&first, CODER_GO);
	h2_preface(&first.s);
	for (unsigned i = 0; i < 5; i++)
		h2_numbered_and_answered(&first.s, 1 + 2 * i, i);
	h2_headers(&first.s, C, 11, H2_FIELDS(post_head), &goes_on);
	scene_cut(&first, CUT_NOT);
	scene_write(&second, CODER_GO);
	h2_preface(&second.s);
	for (unsigned i = 0; i < 4; i++)
		h2_numbered_and_answered(&second.s, 1 + 2 * i, 100 + i);
	scene_cut(&second, CUT_NOT);
	h2_tap_open(&tap, &both_ways);
	h2_feed_all(tap.tracker, &first.s, &first.packets, &wire);
	later.now_ns = wire.now_ns;
	h2_feed_all(tap.tracker, &second.s, &second.packets, &later);
	assert_null(h2_tap_finish(&tap));
	h2_check_counters(&tap, "complete=9 seen=10", "ports again");
	assert_null(h2_tap_close(&tap));
	scene_free(&first);
	scene_free(&second);
}

/* What follows the preface is another protocol: nothing is told of it. */
static void test_foreign(void **state)
{
	static const char *const others[] = { "\0\0\0\0\0\0\0\1\0\0\0\1yamux is like this", "GET / HTTP/1.1\r\nHost: h\r\n\r\n" };

	for (size_t i = 0; i < 2; i++) {
		struct scene sc;

		scene_write(&sc, CODER_PLAIN);
		h2_raw(&sc.s, C, H2_PREFACE, 24);
		for (unsigned n = 0; n < 50; n++) {
			h2_raw(&sc.s, C, others[i], 26);
			h2_raw(&sc.s, S, others[i], 26);
		}
		for (int cut = 0; cut < CUTS; cut++) {
			scene_cut(&sc, (enum h2_cut)cut);
			assert_int_equal(scene_run(&sc, &both_ways, false, "foreign"), 0);
			h2_packets_free(&sc.packets);
			h2_truth_free(&sc.truth);
		}
		scene_free(&sc);
	}
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upgrade_declined),
		cmocka_unit_test(test_upgrade_granted),
		cmocka_unit_test(test_upgrade_out_of_step),
		cmocka_unit_test(test_preface_in_pieces),
		cmocka_unit_test(test_server_first_in_pieces),
		cmocka_unit_test(test_server_greets),
		cmocka_unit_test(test_preface_missing),
		cmocka_unit_test(test_ports_again),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests_name("http2 starts", tests, NULL, NULL);
}
