/*
 * test_h2_joins.c - connections of HTTP/2 whose start was not captured: where frames begin is found, and a body that looks
 * like frames is not believed
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_scene.h"

#include <stdio.h>
#include <string.h>

#define C SIDE_CLIENT
#define S SIDE_SERVER

#define CHAIN                         \
	"\0\0\10\6\0\0\0\0\0pingpong" \
	"\0\0\4\10\0\0\0\0\0\0\0\1\0"

#define ENDLESS "\xff\xff\xff\0\0\0\0\0\5" /* DATA of 16 MB */

/** join_at() - drop all before packet @k; how many are told */
static size_t join_at(struct scene *sc, size_t k, const struct h2_tap_options *options, const char *what)
{
	char text[80];

	for (size_t i = 0; i < sc->packets.count; i++)
		sc->packets.at[i].lost = i < k;
	snprintf(text, sizeof(text), "%s, joined at packet %zu", what, k);
	return scene_run(sc, options, false, text);
}

/** whole_after() - requests of the truth that begin in packet @k or behind it */
static size_t whole_after(const struct scene *sc, size_t k)
{
	size_t count = 0;

	for (size_t i = 0; i < sc->truth.count; i++) {
		const struct h2_run *run = &sc->s.runs[sc->truth.at[i].begun_at];
		size_t from = 0;

		for (const struct h2_run *r = sc->s.runs; r < run; r++)
			from = r->side == C ? r->to : from;
		count += scene_packet_with(sc, C, from) >= k;
	}
	return count;
}

/*
 * Behind a proxy that writes whole literals each time, all that begin after the join are told, but for those by which
 * the place is made sure of.
 */
static void test_join_literal(void **state)
{
	static const enum h2_coder whole[] = { CODER_PLAIN, CODER_NAMES };

	for (size_t c = 0; c < 2; c++) {
		struct scene sc;

		scene_of_calls(&sc, whole[c], 12);
		for (size_t k = 4; k + 8 < sc.packets.count; k++) { /* the last few are too few to be found by */
			size_t want = whole_after(&sc, k), told = join_at(&sc, k, &both_ways, "literals");

			if (told + H2_JOIN_COST < want)
				fail_msg("coder %d: joined at %zu: %zu of %zu", (int)whole[c], k, told, want);
		}
		scene_free(&sc);
	}
}

/* grpc-core names its methods once: nothing can be told but of methods that are called for the first time. */
static void test_join_grpcio(void **state)
{
	static const struct header other[] = { H2_HEAD("POST", "/pkg.Svc/Other"), H2_GRPC_FIELDS };
	struct scene sc;

	scene_write(&sc, CODER_GRPCIO);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	h2_headers(&sc.s, C, 21, H2_FIELDS(other), &goes_on);
	h2_data(&sc.s, C, 21, SPAN_LITERAL("\0\0\0\0\1x"), -1, true);
	h2_answer(&sc.s, 21);
	for (unsigned i = 11; i < 20; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = scene_packet_with(&sc, C, 100) + 2; k < sc.packets.count; k++) {
		assert_true(join_at(&sc, k, &both_ways, "grpcio") <= 1);
		assert_int_equal(join_at(&sc, k, &(struct h2_tap_options){ .needs_whole = true }, "grpcio"), 0);
	}
	scene_free(&sc);
}

/* grpc-go writes its fields again when others have pushed them out of the table. */
static void test_join_go(void **state)
{
	struct scene sc;
	size_t at;

	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	h2_unique(&sc.s, 120);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = 4; k < sc.packets.count; k += 9)
		join_at(&sc, k, &both_ways, "go");
	at = scene_packet_with(&sc, C, 300);
	assert_true(join_at(&sc, at, &both_ways, "go") > 50);
	scene_free(&sc);
}

/* An encoder without a table writes all fields each time. */
static void test_join_without_table(void **state)
{
	struct scene sc;
	static const uint32_t none[] = { 0 };

	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	h2_setting(&sc.s, S, H2_HEADER_TABLE_SIZE, 0);
	h2_settings_ack(&sc.s, C);
	h2_with_table(&sc.s, 1, none, 1);
	for (unsigned i = 1; i < 12; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = 8; k + 8 < sc.packets.count; k++)
		assert_true(join_at(&sc, k, &both_ways, "no table") + H2_JOIN_COST >= whole_after(&sc, k));
	scene_free(&sc);
}

/* Without leave nothing is looked for on connections that began before. */
static void test_join_not_wanted(void **state)
{
	struct scene sc;

	scene_of_calls(&sc, CODER_PLAIN, 12);
	assert_int_equal(join_at(&sc, 8, &(struct h2_tap_options){ .no_joins = true }, "no joins"), 0);
	scene_free(&sc);
}

/* Only the server's direction: nothing. */
static void test_server_only(void **state)
{
	struct scene sc;

	scene_of_calls(&sc, CODER_PLAIN, 12);
	for (size_t i = 0; i < sc.packets.count; i++)
		sc.packets.at[i].lost = sc.packets.at[i].side == C;
	assert_int_equal(scene_run(&sc, &both_ways, false, "only the server"), 0);
	scene_free(&sc);
}

/*
 * A client says how its messages are compressed by a number that is older than the capture. Its path is always said in
 * full, so its calls could be told; but a compressed message is of no use without the name of what it is compressed by.
 */
static void test_unknown_encoding(void **state)
{
	static const struct header head[] = { H2_HEAD("POST", "/pkg.Svc/Call"), H2_GRPC_FIELDS, H2_FIELD("grpc-encoding", "gzip") };
	struct scene sc;

	scene_write(&sc, CODER_NGHTTP2);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++) {
		h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(head), &goes_on);
		h2_data(&sc.s, C, 1 + 2 * i, i % 2 ? SPAN_LITERAL("\1\0\0\0\1z") : SPAN_LITERAL("\0\0\0\0\1p"), -1, true);
		h2_answer(&sc.s, 1 + 2 * i);
	}
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < 4; i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_true(sc.tap.told_count >= 3); /* those that are not compressed */
	assert_true(h2_tap_counter(&sc.tap, "lost.head_unknown") >= 3);
	assert_int_equal(sc.tap.told_count + h2_tap_counter(&sc.tap, "lost.head_unknown"), h2_tap_counter(&sc.tap, "seen"));
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* A body holds frames that would be a request, at the start of a packet, behind a gap or where the capture begins. */
static void test_forged(void **state)
{
	static const char forged[] = "\0\0\10\6\0\0\0\0\0pingpong"
				     "\0\0\14\1\5\0\0\0\7\x83\x86\x04\x05/evil\x01\x01h"
				     "\0\0\10\6\0\0\0\0\0pingpong"
				     "\0\0\4\10\0\0\0\0\0\0\0\1\0"
				     "\0\0\14\1\5\0\0\0\11\x83\x86\x04\x05/evil\x01\x01h";

	for (size_t lead = 0; lead < 2000; lead += 1999) {
		struct scene sc;
		struct buffer body = { 0 };
		char filler[2000];
		uint8_t head[H2_FRAME_HEAD] = { 0, 0, 0, H2_DATA, H2_END_STREAM, 0, 0, 0, 5 };
		size_t at;

		memset(filler, 'f', sizeof(filler));
		buffer_add(&body, filler, lead);
		for (int i = 0; i < 3; i++)
			buffer_add(&body, forged, sizeof(forged) - 1);
		scene_write(&sc, CODER_NAMES);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 2; i++)
			h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
		h2_headers(&sc.s, C, 5, H2_FIELDS(post_head), &goes_on);
		head[1] = (uint8_t)(body.len >> 8);
		head[2] = (uint8_t)body.len;
		h2_raw(&sc.s, C, head, sizeof(head));
		at = sc.s.bytes[C].len;
		h2_raw(&sc.s, C, body.bytes, lead);
		h2_apart(&sc.s);
		h2_raw(&sc.s, C, body.bytes + lead, body.len - lead);
		h2_answer(&sc.s, 5);
		for (unsigned i = 3; i < 8; i++) /* production answers on the forged streams' ids */
			h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
		for (int cut = 0; cut < CUTS; cut++) {
			char what[60];

			scene_cut(&sc, (enum h2_cut)cut);
			for (size_t i = 3; i < sc.packets.count; i++) {
				snprintf(what, sizeof(what), "forged, %s, packet %zu", h2_cut_name((enum h2_cut)cut), i);
				sc.packets.at[i].lost = true;
				scene_run(&sc, &both_ways, false, what);
				scene_run(&sc, &(struct h2_tap_options){ .one_way = true }, false, what);
				sc.packets.at[i].lost = false;
				if (cut == CUT_1)
					i += 12;
			}
			join_at(&sc, scene_packet_with(&sc, C, at + lead), &both_ways, "forged");
			h2_packets_free(&sc.packets);
			h2_truth_free(&sc.truth);
		}
		buffer_deinit(&body);
		scene_free(&sc);
	}
}

/*
 * A body holds a head that would insert fields into the table, just as the connection's first head did. The capture
 * begins there. Later heads refer to the real ones, which are not known then: none is read with what the body said.
 */
static void test_forged_insertions(void **state)
{
	static const struct header evil[] = { H2_HEAD("POST", "/evil.Svc/Call"), H2_GRPC_FIELDS };
	static const enum h2_coder inserting[] = { CODER_GO, CODER_GRPCIO };

	for (size_t c = 0; c < sizeof(inserting) / sizeof(inserting[0]); c++) {
		struct scene sc;
		struct h2_script forger;
		struct buffer body = { 0 };
		uint8_t head[H2_FRAME_HEAD] = { 0, 0, 0, H2_DATA, H2_END_STREAM, 0, 0, 0, 5 };
		size_t at;

		h2_script_init(&forger, inserting[c], inserting[c], NULL);
		buffer_add(&body, CHAIN, sizeof(CHAIN) - 1);
		h2_headers(&forger, C, 7, H2_FIELDS(evil), &ends);
		buffer_add_span(&body, buffer_span(&forger.bytes[C]));
		buffer_add(&body, CHAIN, sizeof(CHAIN) - 1);
		scene_write(&sc, inserting[c]);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 2; i++)
			h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
		h2_headers(&sc.s, C, 5, H2_FIELDS(grpc_head), &goes_on);
		head[1] = (uint8_t)((body.len + 3000) >> 8);
		head[2] = (uint8_t)(body.len + 3000);
		h2_raw(&sc.s, C, head, sizeof(head));
		for (unsigned i = 0; i < 3000; i++)
			h2_raw(&sc.s, C, "f", 1);
		h2_apart(&sc.s);
		at = sc.s.bytes[C].len;
		h2_raw(&sc.s, C, body.bytes, body.len);
		h2_answer(&sc.s, 5);
		for (unsigned i = 3; i < 12; i++)
			h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
		scene_cut(&sc, CUT_NOT);
		for (size_t i = 0; i < scene_packet_with(&sc, C, at); i++)
			sc.packets.at[i].lost = true;
		assert_int_equal(scene_run(&sc, &both_ways, false, "forged insertions"), 0);
		h2_script_deinit(&forger);
		buffer_deinit(&body);
		scene_free(&sc);
	}
}

/*
 * The capture begins in a body, at frames that are none, of which the last one would reach over all that follows: the
 * first segment that looks like frames itself says otherwise, and what is asked from there on is told.
 */
static void test_found_over_frames(void **state)
{
	struct scene sc;
	struct buffer body = { 0 };
	size_t at;

	buffer_add(&body, "some of it", 10);
	buffer_add(&body, CHAIN ENDLESS, sizeof(CHAIN ENDLESS) - 1);
	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	h2_headers(&sc.s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_raw(&sc.s, C, (uint8_t[]){ 0, 0, (uint8_t)body.len, H2_DATA, H2_END_STREAM, 0, 0, 0, 1 }, 9);
	h2_raw(&sc.s, C, body.bytes, 10);
	h2_apart(&sc.s);
	at = sc.s.bytes[C].len;
	h2_raw(&sc.s, C, body.bytes + 10, body.len - 10);
	h2_answer(&sc.s, 1);
	for (unsigned i = 1; i < 12; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < scene_packet_with(&sc, C, at); i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_true(sc.tap.told_count + H2_JOIN_COST >= 11);
	h2_check_counters(&sc.tap, "http2.connections.joined=1 http2.epochs=1 http2.refound=1", "found over frames");
	assert_null(h2_tap_close(&sc.tap));
	buffer_deinit(&body);
	scene_free(&sc);
}

/*
 * Behind a place that was found and is right, a body looks like frames where a segment starts: one of both is wrong,
 * for all that is known. The request that is held for its proof is lost with that; what the body says is not told.
 */
static void test_doubted(void **state)
{
	struct scene sc;
	struct buffer body = { 0 };

	for (size_t i = 0; i < 2000; i++)
		buffer_add(&body, "b", 1);
	for (size_t i = 0; i < 2; i++)
		buffer_add(&body, CHAIN "\0\0\14\1\5\0\0\0\77\x83\x86\x04\x05/evil\x01\x01h", 51);
	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 6; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	h2_numbered(&sc.s, 13, 6); /* not answered yet */
	h2_headers(&sc.s, C, 15, H2_FIELDS(post_head), &goes_on);
	h2_raw(&sc.s, C, (uint8_t[]){ 0, (uint8_t)(body.len >> 8), (uint8_t)body.len, H2_DATA, H2_END_STREAM, 0, 0, 0, 15 }, 9);
	h2_raw(&sc.s, C, body.bytes, 2000);
	h2_apart(&sc.s);
	h2_raw(&sc.s, C, body.bytes + 2000, body.len - 2000);
	h2_answer(&sc.s, 15);
	h2_answer(&sc.s, 13);
	for (unsigned i = 8; i < 14; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < scene_packet_with(&sc, C, 60); i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	h2_check_counters(&sc.tap, "lost.gap=2 http2.epochs=1 http2.unproved=1", "doubted");
	assert_true(sc.tap.told_count >= 7);
	assert_null(h2_tap_close(&sc.tap));
	buffer_deinit(&body);
	scene_free(&sc);
}

/*
 * A request is in a gap, its response is not; behind the gap a head comes on the same stream. Production had
 * responded before it can have read that one: no response proves it.
 */
static void test_head_behind_its_response(void **state)
{
	static const struct header evil[] = { H2_HEAD("GET", "/evil") };
	struct scene sc;
	size_t gap;

	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	h2_numbered_and_answered(&sc.s, 1, 1);
	gap = sc.s.bytes[C].len;
	h2_get(&sc.s, 3);
	for (unsigned i = 0; i < 3; i++) {
		h2_ping(&sc.s, C, false);
		h2_ping(&sc.s, S, true);
	}
	h2_headers(&sc.s, C, 3, H2_FIELDS(evil), &ends);
	h2_ping(&sc.s, S, false);
	h2_numbered_and_answered(&sc.s, 5, 5);
	scene_cut(&sc, CUT_NOT);
	sc.packets.at[scene_packet_with(&sc, C, gap)].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_int_equal(h2_times_told(&sc.tap, "GET /evil\n"), 0);
	h2_check_counters(&sc.tap, "complete=2 http2.skipped.midway=1", "a head behind its response");
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* Many connections that were joined and say little are bounded by the memory that is given. */
static void test_many_joined(void **state)
{
	struct scene sc;
	struct h2_tap tap;

	scene_of_calls(&sc, CODER_PLAIN, 3);
	for (size_t i = 0; i < 8; i++)
		sc.packets.at[i].lost = true;
	h2_tap_open(&tap, &(struct h2_tap_options){ .memory = 8 << 20 });
	for (unsigned port = 1; port <= 10000; port++) {
		struct h2_wire wire = { .isn = { port, 77 * port }, .port = (uint16_t)(5000 + port), .now_ns = port };

		h2_feed_all(tap.tracker, &sc.s, &sc.packets, &wire);
	}
	assert_true(budget_used(&tap.budget) <= 8 << 20);
	assert_null(h2_tap_finish(&tap));
	assert_null(h2_tap_close(&tap));
	scene_free(&sc);
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join_literal),
		cmocka_unit_test(test_join_grpcio),
		cmocka_unit_test(test_join_go),
		cmocka_unit_test(test_join_without_table),
		cmocka_unit_test(test_join_not_wanted),
		cmocka_unit_test(test_server_only),
		cmocka_unit_test(test_unknown_encoding),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_insertions),
		cmocka_unit_test(test_found_over_frames),
		cmocka_unit_test(test_doubted),
		cmocka_unit_test(test_head_behind_its_response),
		cmocka_unit_test(test_many_joined),
	};

	return cmocka_run_group_tests_name("http2 joins", tests, NULL, NULL);
}
