/*
 * test_h2_hostile.c - clients and servers that mean harm: they cost a bounded amount of memory, and nothing untrue is told
 *
 * Each attack is a script. What is charged is looked at after each packet: it must stay below what the attack may
 * cost, however long it goes on. The books balance, and what comes before or behind it, where the connection lives,
 * is told.
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define C SIDE_CLIENT
#define S SIDE_SERVER
#define FEW 1000 /* frames of an attack, and many of them */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MANY 10000 /* each costs many times as much */
#else
#define MANY 100000
#endif

#define HEAD(method, path) \
	H2_FIELD(":method", method), H2_FIELD(":scheme", "http"), H2_FIELD(":path", path), H2_FIELD(":authority", "h:80")

static const struct header get_head[] = { HEAD("GET", "/get") };
static const struct header post_head[] = { HEAD("POST", "/post") };
static const struct header ok_head[] = { H2_FIELD(":status", "200") };
static const struct h2_how ends = { .end_stream = true }, goes_on = { 0 };

static void get(struct h2_script *s, uint32_t stream)
{
	h2_headers(s, C, stream, H2_FIELDS(get_head), &ends);
	h2_headers(s, S, stream, H2_FIELDS(ok_head), &ends);
}

/* ---- attacks, each of @n frames ---- */

static void rapid_reset(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		h2_headers(s, C, 1 + 2 * i, H2_FIELDS(get_head), &goes_on);
		h2_rst_stream(s, C, 1 + 2 * i, H2_CANCEL);
	}
	get(s, 1 + 2 * n);
}

/* The same with whole requests: each is sent, and production may have processed it. */
static void rapid_cancel(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		h2_headers(s, C, 1 + 2 * i, H2_FIELDS(get_head), &ends);
		h2_rst_stream(s, C, 1 + 2 * i, H2_CANCEL);
	}
	get(s, 1 + 2 * n);
}

static void settings(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		h2_setting(s, C, (uint16_t)(1 + i % 6), i);
		h2_setting(s, S, H2_HEADER_TABLE_SIZE, 4096 + i);
	}
	get(s, 1);
}

static void pings(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h2_ping(s, i % 2 ? C : S, i % 4 > 1);
	get(s, 1);
}

static void priorities(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h2_priority(s, C, 1 + 2 * i);
	get(s, 1);
}

static void updates(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h2_window_update(s, i % 2 ? C : S, i, 0x7fffffff);
	get(s, 1);
}

static void empty_data(struct h2_script *s, unsigned n)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	for (unsigned i = 0; i < n; i++)
		h2_data(s, C, 1, (struct span){ 0 }, i % 2 ? 200 : -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("end"), -1, true);
	h2_headers(s, S, 1, H2_FIELDS(ok_head), &goes_on);
	for (unsigned i = 0; i < n; i++)
		h2_data(s, S, 1, (struct span){ 0 }, -1, false);
	h2_data(s, S, 1, (struct span){ 0 }, -1, true);
}

static void continuations(struct h2_script *s, unsigned n)
{
	get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_END_STREAM, 3, SPAN_LITERAL("\x82"));
	for (unsigned i = 0; i < n; i++)
		h2_frame(s, C, H2_CONTINUATION, 0, 3, i % 2 ? SPAN_LITERAL("\x86") : (struct span){ 0 });
}

static void continuations_of_server(struct h2_script *s, unsigned n)
{
	get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(get_head), &ends);
	h2_frame(s, S, H2_HEADERS, 0, 3, SPAN_LITERAL("\x88"));
	for (unsigned i = 0; i < n; i++)
		h2_frame(s, S, H2_CONTINUATION, 0, 3, SPAN_LITERAL("\x00\x01"
								   "a\x01"
								   "b"));
}

static void open_at_once(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h2_headers(s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
	for (unsigned i = 0; i < n; i++)
		h2_data(s, C, 1 + 2 * i, SPAN_LITERAL("x"), -1, true);
	for (unsigned i = 0; i < n; i++)
		h2_headers(s, S, 1 + 2 * i, H2_FIELDS(ok_head), &ends);
	get(s, 1 + 2 * n);
}

/* A server that speaks of streams which no client has opened, and goes away again and again. */
static void server_alone(struct h2_script *s, unsigned n)
{
	get(s, 1);
	for (unsigned i = 0; i < n; i++)
		h2_headers(s, S, 3 + 2 * i, H2_FIELDS(ok_head), &goes_on);
	for (unsigned i = 0; i < n; i++)
		h2_goaway(s, S, 0x7fffffff - 2 * i, H2_NO_ERROR);
}

static void pushes(struct h2_script *s, unsigned n)
{
	h2_headers(s, C, 1, H2_FIELDS(get_head), &ends);
	for (unsigned i = 0; i < n; i++)
		h2_push(s, 1, 2 + 2 * i, H2_FIELDS(get_head));
	h2_headers(s, S, 1, H2_FIELDS(ok_head), &ends);
}

static void unknown_frames(struct h2_script *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		h2_frame(s, i % 2 ? C : S, (uint8_t)(H2_CONTINUATION + 1 + i % 200), (uint8_t)i, i, SPAN_LITERAL("?"));
	get(s, 1);
}

/** header block of 1 MiB, by a tenth of @n bytes in each frame */
static void large_block(struct h2_script *s, unsigned n)
{
	uint8_t *field = calloc(1, 1 << 20);

	assert_non_null(field);
	memcpy(field, "\x82\x86\x84\x00\x01"
		      "a\x7f\x80\xfe\x3f",
	       10);
	memset(field + 10, 'v', (1 << 20) - 10);
	get(s, 1);
	h2_headers_block(s, C, 3, span_of(field, 1 << 20),
			 &(struct h2_how){ .end_stream = true, .fragment = n / 10, .first = n / 10 });
	free(field);
}

/** frame_of_16_mb() - the largest there is, with all of its bytes; longer than what is kept of a body */
static void frame_of_16_mb(struct h2_script *s, unsigned n)
{
	uint8_t *body = calloc(1, 0xffffff);

	(void)n;
	assert_non_null(body);
	h2_setting(s, S, H2_MAX_FRAME_SIZE, 0xffffff);
	h2_setting(s, C, H2_MAX_FRAME_SIZE, 0xffffff);
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_data(s, C, 1, span_of(body, 0xffffff), -1, true);
	h2_headers(s, S, 1, H2_FIELDS(ok_head), &goes_on);
	h2_data(s, S, 1, span_of(body, 0xffffff), -1, true);
	get(s, 3);
	free(body);
}

/* Of each type a frame without a byte, which some of them must not be: the connection breaks at the first of those. */
static void zero_length(struct h2_script *s, unsigned n)
{
	get(s, 1);
	for (unsigned type = 0; type < n % 256 + 10; type++) {
		h2_frame(s, S, (uint8_t)type, 0, type % 3 ? 1 : 0, (struct span){ 0 });
		h2_frame(s, C, (uint8_t)type, H2_END_STREAM | H2_END_HEADERS, type % 3 ? 3 : 0, (struct span){ 0 });
	}
}

struct attack {
	const char *name;
	void (*write)(struct h2_script *s, unsigned n);
	size_t memory; /* that it may be charged with: bytes, whatever its length */
	bool breaks;   /* the protocol, or limits: what is told need not be all */
	const char *is_zero; /* a counter */
};

#define K 1024

static const struct attack attacks[] = {
	{ "rapid reset", rapid_reset, 32 * K, false, "http2.skipped.over" },
	{ "rapid cancel", rapid_cancel, 32 * K, false, "http2.skipped.over" },
	{ "SETTINGS", settings, 32 * K, false, NULL },
	{ "PING", pings, 32 * K, false, NULL },
	{ "PRIORITY", priorities, 32 * K, false, NULL },
	{ "WINDOW_UPDATE", updates, 32 * K, false, NULL },
	{ "empty DATA", empty_data, 32 * K, false, NULL },
	{ "CONTINUATION", continuations, 64 * K, true, "http2.malformed" },
	{ "CONTINUATION of a server", continuations_of_server, 64 * K, true, "http2.malformed" },
	{ "open at once", open_at_once, 5120 * K, true, NULL }, /* 1024 of them, with what is kept of each */
	{ "a server alone", server_alone, 256 * K, true, "http2.skipped.over" },
	{ "PUSH_PROMISE", pushes, 32 * K, false, NULL },
	{ "frames of unknown types", unknown_frames, 32 * K, false, NULL },
	{ "1 MiB of header block", large_block, 256 * K, true, NULL },
	{ "16 MB in a frame", frame_of_16_mb, 4096 * K, true, NULL },
	{ "nothing in a frame", zero_length, 64 * K, true, NULL },
};

/** attack() - the most that was charged */
static size_t attack(const struct attack *a, unsigned n, const struct h2_tap_options *options)
{
	struct h2_script s;
	struct h2_packets packets;
	struct h2_truth truth;
	struct h2_wire wire = { .isn = { UINT32_MAX - 500, 77777 } };
	struct h2_tap tap;
	size_t most = 0;
	const char *complaint;

	h2_script_init(&s, CODER_NAMES, CODER_NAMES, NULL);
	h2_preface(&s);
	a->write(&s, n);
	packets = h2_packets_of(&s, CUT_MSS);
	truth = h2_reference(&s);
	h2_tap_open(&tap, options);
	for (size_t i = 0; i < packets.count; i++) {
		h2_feed(tap.tracker, &s, &packets.at[i], &wire);
		most = budget_used(&tap.budget) > most ? budget_used(&tap.budget) : most;
	}
	complaint = h2_tap_finish(&tap);
	if (!complaint)
		complaint = h2_judge(&tap, &truth, !a->breaks);
	if (complaint)
		fail_msg("%s, %u: %s", a->name, n, complaint);
	if (a->is_zero && h2_tap_counter(&tap, a->is_zero) != 0)
		fail_msg("%s, %u: %s is not 0", a->name, n, a->is_zero);
	if (tap.told_count == 0)
		fail_msg("%s, %u: nothing is told, not even what is no part of it", a->name, n);
	complaint = h2_tap_close(&tap);
	if (complaint)
		fail_msg("%s, %u: %s", a->name, n, complaint);
	h2_truth_free(&truth);
	h2_packets_free(&packets);
	h2_script_deinit(&s);
	return most;
}

static void test_attack(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_answers = true } };
	const struct attack *a = *state;

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		size_t few = attack(a, FEW, &some[i]), many = attack(a, MANY, &some[i]);

		if (few > a->memory || many > a->memory)
			fail_msg("%s: %zu and %zu bytes are charged", a->name, few, many);
	}
}

int main(void)
{
	static struct CMUnitTest tests[sizeof(attacks) / sizeof(attacks[0])];

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i] = (struct CMUnitTest){ attacks[i].name, test_attack, NULL, NULL, (void *)&attacks[i] };
	return _cmocka_run_group_tests("hostile", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
