/*
 * test_h2_losses.c - HTTP/2 with packets missing, cut short, swapped or doubled: what is whole is told, and nothing untrue is
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_scene.h"

#include <stdio.h>
#include <string.h>

#include "tests/rig/dice.h"

#define C SIDE_CLIENT
#define S SIDE_SERVER

/* Of eight streams whose DATA goes round, a packet within one DATA frame is lost: seven are whole. */
static void test_gap_in_data(void **state)
{
	for (unsigned which = 0; which < 8; which++) {
		struct scene sc;
		char body[4000];
		size_t at = 0;

		scene_write(&sc, CODER_GO);
		h2_preface(&sc.s);
		memset(body, 'b', sizeof(body));
		for (unsigned i = 0; i < 8; i++)
			h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
		for (unsigned i = 0; i < 8; i++) {
			body[0] = (char)('0' + i);
			if (i == which)
				at = sc.s.bytes[C].len + 9 + 2000;
			h2_data(&sc.s, C, 1 + 2 * i, span_of(body, sizeof(body)), -1, true);
		}
		for (unsigned i = 0; i < 8; i++)
			if (i != which)
				h2_answer(&sc.s, 1 + 2 * i);
		h2_numbered_and_answered(&sc.s, 17, 17);
		scene_cut(&sc, CUT_7);
		sc.packets.at[scene_packet_with(&sc, C, at)].lost = true;
		assert_int_equal(scene_run(&sc, &both_ways, false, "a gap in DATA"), 8);
		scene_free(&sc);
	}
}

/* The snaplen cuts long bodies: their requests are lost, and the others are not. */
static void test_snaplen(void **state)
{
	struct scene sc;
	char body[5000];

	memset(body, 'b', sizeof(body));
	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++) {
		h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
		h2_apart(&sc.s);
		h2_data(&sc.s, C, 1 + 2 * i, span_of(body, i % 2 ? 5000 : 50), -1, true);
		h2_answer(&sc.s, 1 + 2 * i);
	}
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < sc.packets.count; i++)
		if (sc.packets.at[i].len > 200)
			sc.packets.at[i].missing = sc.packets.at[i].len - 200;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	h2_check_counters(&sc.tap, "complete=5 lost.truncated=5", "snaplen");
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* Every packet is lost once, at every cut that is not too fine: nothing untrue is told, and the books balance. */
static void lose_each(enum h2_coder coder, enum h2_cut cut, size_t at_least, size_t in_a_row)
{
	struct scene sc;
	size_t most = 0;

	scene_write(&sc, coder);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 6; i++)
		h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, cut);
	for (size_t i = 3; i + in_a_row <= sc.packets.count; i++) {
		size_t told;
		char what[80];

		snprintf(what, sizeof(what), "coder %d, %s, %zu lost from packet %zu", (int)coder, h2_cut_name(cut), in_a_row, i);
		for (size_t k = 0; k < in_a_row; k++)
			sc.packets.at[i + k].lost = true;
		told = scene_run(&sc, &both_ways, false, what);
		most = told > most ? told : most;
		for (size_t k = 0; k < in_a_row; k++)
			sc.packets.at[i + k].lost = false;
	}
	assert_true(most >= at_least);
	scene_free(&sc);
}

static void test_each_packet_lost(void **state)
{
	for (size_t coder = 0; coder < H2_CODERS; coder++) {
		lose_each(h2_coders[coder], CUT_NOT, 5, 1);
		lose_each(h2_coders[coder], CUT_HEADS, 5, 1);
		lose_each(h2_coders[coder], CUT_7, 5, 1);
		lose_each(h2_coders[coder], CUT_7, 4, 3);
		lose_each(h2_coders[coder], CUT_7, 3, 9);
	}
}

/* Losses as they are: few or many packets, at random. */
static void test_losses(void **state)
{
	static const uint32_t one_in_so_many[] = { 10000, 1000, 100, 20 };
	static const enum h2_coder clients[] = { CODER_NAMES, CODER_NGHTTP2, CODER_GO, CODER_GRPCIO };

	for (size_t c = 0; c < 4; c++) {
		struct scene sc;

		scene_write(&sc, clients[c]);
		h2_preface(&sc.s);
		h2_unique(&sc.s, 150);
		scene_cut(&sc, CUT_NOT);
		for (size_t n = 0; n < 4; n++) {
			for (uint64_t seed = 1; seed <= 10; seed++) {
				struct dice d = dice_of_seed(seed);
				char what[60];

				for (size_t i = 3; i < sc.packets.count; i++)
					sc.packets.at[i].lost = one_in(&d, one_in_so_many[n]);
				snprintf(what, sizeof(what), "coder %d, one in %u lost, seed %u", (int)clients[c],
					 one_in_so_many[n], (unsigned)seed);
				scene_run(&sc, &both_ways, false, what);
			}
		}
		scene_free(&sc);
	}
}

/* Responses to requests that are missing do not pile up until there is no room for those that are not. */
static void test_many_missing(void **state)
{
	struct scene sc;
	size_t client = 0;

	scene_of_calls(&sc, CODER_NAMES, 3000);
	for (size_t i = 8; i < sc.packets.count; i++)
		sc.packets.at[i].lost = sc.packets.at[i].side == C && ++client % 5 < 2;
	h2_tap_run(&sc.tap, &(struct h2_tap_options){ .memory = 300 << 10 }, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	h2_check_counters(&sc.tap, "http2.skipped.over=0 lost.memory=0", "many missing");
	assert_true(sc.tap.told_count > 500);
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/*
 * On a connection that was joined, behind a proxy that writes whole literals, a missing packet costs what it holds and
 * the two requests by which the place is made sure of; not those that were answered while the gap was waited for.
 */
static void test_one_missing_of_joined(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_answers = true } };
	struct scene sc;

	scene_of_calls(&sc, CODER_NAMES, 40);
	for (size_t i = 0; i < 8; i++)
		sc.packets.at[i].lost = true;
	for (size_t o = 0; o < 2; o++) {
		size_t all = scene_run(&sc, &some[o], false, "joined, none missing");

		for (size_t i = 8; i < sc.packets.count; i++) {
			char what[60];
			size_t told;

			snprintf(what, sizeof(what), "joined, packet %zu missing", i);
			sc.packets.at[i].lost = true;
			told = scene_run(&sc, &some[o], false, what);
			if (told + 1 + H2_JOIN_COST < all)
				fail_msg("%s: %zu of %zu told", what, told, all);
			sc.packets.at[i].lost = false;
		}
	}
	scene_free(&sc);
}

/* Packets swapped and sent twice change nothing. */
static void test_swapped_and_doubled(void **state)
{
	for (int cut = CUT_7; cut < CUTS; cut++) {
		struct scene sc;
		struct h2_wire wire = { 0 };
		const char *complaint;

		scene_write(&sc, CODER_GO);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 12; i++)
			h2_numbered_and_answered(&sc.s, 1 + 2 * i, i);
		scene_cut(&sc, (enum h2_cut)cut);
		h2_tap_open(&sc.tap, &both_ways);
		for (size_t i = 0; i < sc.packets.count; i++) {
			const struct h2_packet *p = &sc.packets.at[i];
			bool swap = i > 3 && i % 3 == 0 && i + 1 < sc.packets.count && p[1].side == p->side;

			if (swap)
				h2_feed(sc.tap.tracker, &sc.s, p + 1, &wire);
			h2_feed(sc.tap.tracker, &sc.s, p, &wire);
			if (i % 4 == 1)
				h2_feed(sc.tap.tracker, &sc.s, p, &wire);
			i += swap;
		}
		h2_tap_finish(&sc.tap);
		complaint = h2_judge(&sc.tap, &sc.truth, true);
		if (complaint)
			fail_msg("swapped, %s: %s", h2_cut_name((enum h2_cut)cut), complaint);
		assert_null(h2_tap_close(&sc.tap));
		scene_free(&sc);
	}
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gap_in_data),
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_each_packet_lost),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_many_missing),
		cmocka_unit_test(test_one_missing_of_joined),
		cmocka_unit_test(test_swapped_and_doubled),
	};

	return cmocka_run_group_tests_name("http2 losses", tests, NULL, NULL);
}
