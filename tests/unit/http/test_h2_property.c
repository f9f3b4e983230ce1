/*
 * test_h2_property.c - HTTP/2 conversations at random, damaged at random
 *
 * Without loss: however the packets are cut, exactly the requests of the reference come out, each with its answer.
 * With loss, a late begin, one direction only, too little memory: what comes out was sent, byte for byte and
 * once (of a head that is known in part: nothing but its own fields), with its own answer or none, the books
 * balance, and no memory is left charged. A request that was never sent is the worst thing that can come out;
 * bodies are full of them, where packets begin.
 *
 * Each round has its own seed, which a failure prints.
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_talk.h"
#include "tests/rig/h2_tap.h"

#include <stdio.h>
#include <stdlib.h>

/* Of each mix, unless PROPERTY_ROUNDS says otherwise, as ./test --long does; fewer where each costs many times as much. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 15
#else
#define ROUNDS 150
#endif
#define SMALL_CUTS_MAX 20000

static uint64_t rounds(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? strtoull(wish, NULL, 10) / 50 : ROUNDS;
}

/** struct round - a conversation, its packets and the truth */
struct round {
	const struct h2_mix *mix;
	uint64_t seed;
	struct dice d;
	struct h2_script s;
	struct h2_truth truth;
};

static void round_open(struct round *r, const struct h2_mix *mix, uint64_t seed)
{
	r->mix = mix;
	r->seed = seed;
	r->d = dice_of_seed(seed);
	h2_script_init(&r->s, mix->client, mix->server, &r->d);
	r->s.server_first = seed % 3 == 0;
	h2_talk(&r->s, &r->d, mix);
	r->truth = h2_reference(&r->s);
	assert_false(r->truth.broken[SIDE_CLIENT] || r->truth.broken[SIDE_SERVER]);
}

static void round_close(struct round *r)
{
	h2_truth_free(&r->truth);
	h2_script_deinit(&r->s);
}

/** judge() - feed what is not lost; how many requests were told */
static size_t judge(const struct round *r, const struct h2_packets *packets, const struct h2_tap_options *options, bool whole,
		    const char *what)
{
	struct h2_tap tap;
	const char *complaint;
	size_t told;

	h2_tap_run(&tap, options, &r->s, packets);
	complaint = h2_judge(&tap, &r->truth, whole);
	told = tap.told_count;
	if (!complaint)
		complaint = h2_tap_close(&tap);
	if (complaint)
		fail_msg("%s, seed %llu, %s: %s", r->mix->name, (unsigned long long)r->seed, what, complaint);
	return told;
}

static void test_without_loss(void **state)
{
	for (size_t m = 0; m < h2_mix_count; m++) {
		size_t told = 0;

		for (uint64_t seed = 1; seed <= rounds(); seed++) {
			struct round r;

			round_open(&r, &h2_mixes[m], seed);
			for (int cut = 0; cut < CUTS; cut++) {
				struct h2_tap_options options = { .one_way = seed % 5 == 4,
								  .no_answers = seed % 4 == 0,
								  .needs_whole = seed % 2,
								  .no_ports = seed % 3 == 0 };
				struct h2_packets packets;

				if ((cut == CUT_1 || cut == CUT_7) &&
				    r.s.bytes[SIDE_CLIENT].len + r.s.bytes[SIDE_SERVER].len > SMALL_CUTS_MAX)
					continue;
				packets = h2_packets_of(&r.s, (enum h2_cut)cut);
				told += judge(&r, &packets, &options, true, h2_cut_name((enum h2_cut)cut));
				h2_packets_free(&packets);
			}
			round_close(&r);
		}
		assert_true(told > rounds());
	}
}

/** enum damage - what is done to a capture */
enum damage {
	DAMAGE_FEW,
	DAMAGE_MANY,
	DAMAGE_ROW,
	DAMAGE_JOIN,
	DAMAGE_JOIN_FEW,
	DAMAGE_BEFORE_STARTS,
	DAMAGE_SERVER,
	DAMAGE_CUT,
	DAMAGES
};

static const char *const damages[] = { "few lost", "many lost", "some lost in a row", "joined", "joined and few lost",
				       "lost before the start of others", "the server's lost", "cut by the snaplen" };

/** lose() - some packets behind the handshake, as @how says */
static void lose(struct round *r, struct h2_packets *p, enum damage how)
{
	uint32_t first = how == DAMAGE_JOIN || how == DAMAGE_JOIN_FEW ? below(&r->d, (uint32_t)p->count) : 0;
	uint32_t row = 3 + below(&r->d, (uint32_t)p->count - 3), long_row = 1 + below(&r->d, 12);

	for (uint32_t i = 0; i < p->count; i++) {
		struct h2_packet *k = &p->at[i];
		bool starts_next = i + 1 < p->count && k[1].side == k->side && k[1].read == k->read;

		k->lost = i < first;
		if (i < 3)
			continue;
		if (how == DAMAGE_FEW || how == DAMAGE_JOIN_FEW)
			k->lost |= one_in(&r->d, 60);
		else if (how == DAMAGE_MANY)
			k->lost |= one_in(&r->d, 8);
		else if (how == DAMAGE_ROW)
			k->lost |= i >= row && i < row + long_row;
		else if (how == DAMAGE_BEFORE_STARTS)
			k->lost |= starts_next && one_in(&r->d, 4);
		else if (how == DAMAGE_SERVER)
			k->lost |= k->side == SIDE_SERVER && one_in(&r->d, 6);
		else if (how == DAMAGE_CUT && k->len > 100)
			k->missing = k->len - 100;
	}
}

static void test_with_loss(void **state)
{
	uint64_t sent = 0, told[DAMAGES] = { 0 };

	for (size_t m = 0; m < h2_mix_count; m++) {
		for (uint64_t seed = 1; seed <= rounds(); seed++) {
			struct round r;

			round_open(&r, &h2_mixes[m], seed ^ 0x5bd1e995);
			for (int how = 0; how < DAMAGES; how++) {
				static const enum h2_cut cuts[] = { CUT_NOT, CUT_NOT, CUT_MSS, CUT_HEADS, CUT_7 };
				enum h2_cut cut = cuts[below(&r.d, r.s.bytes[SIDE_CLIENT].len > SMALL_CUTS_MAX ? 3 : 5)];
				struct h2_packets packets = h2_packets_of(&r.s, cut);
				struct h2_tap_options options = { .one_way = one_in(&r.d, 5),
								  .no_answers = one_in(&r.d, 4),
								  .needs_whole = below(&r.d, 2),
								  .no_ports = one_in(&r.d, 4) };
				char what[100];

				lose(&r, &packets, (enum damage)how);
				snprintf(what, sizeof(what), "%s, packets: %s%s", damages[how], h2_cut_name(cut),
					 options.one_way ? ", one way" : "");
				told[how] += judge(&r, &packets, &options, false, what);
				h2_packets_free(&packets);
			}
			sent += r.truth.count;
			round_close(&r);
		}
	}
	print_message("of %llu requests, told:", (unsigned long long)sent);
	for (int how = 0; how < DAMAGES; how++) {
		print_message(" %llu (%s)", (unsigned long long)told[how], damages[how]);
		assert_true(told[how] > sent / 20);
	}
	print_message("\n");
}

static void test_with_little_memory(void **state)
{
	for (size_t m = 0; m < h2_mix_count; m++) {
		for (uint64_t seed = 1; seed <= rounds() / 3 + 1; seed++) {
			struct round r;
			struct h2_packets packets;

			round_open(&r, &h2_mixes[m], seed + 7000);
			packets = h2_packets_of(&r.s, CUT_NOT);
			for (size_t memory = 1000; memory < 200000; memory = memory * 3 / 2)
				judge(&r, &packets, &(struct h2_tap_options){ .memory = memory }, false, "little memory");
			judge(&r, &packets, &(struct h2_tap_options){ .max_body = 1 + below(&r.d, 2000) }, false, "small bodies only");
			h2_packets_free(&packets);
			round_close(&r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loss),
		cmocka_unit_test(test_with_loss),
		cmocka_unit_test(test_with_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
