/*
 * test_fragment.c - fragments in every order and disorder, against what must come of them
 *
 * The datagram of the step tables is 12 units of 8 bytes: a TCP header and a
 * payload in which each byte is the letter of the fragment that brought it, so
 * that the result shows whose bytes won. Each table runs over IPv4 and IPv6.
 */
#include "tests/rig/unit.h"

#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/fragment.h"
#include "tests/rig/frames.h"
#include "tests/rig/guard_page.h"

#define UNITS 12
#define UNIT 8
#define TCP_HEADER 20
#define SEGMENT_OF "03e8 1f90 00000001 00000002 50 18 0100 0000 0000"

#define WHOLE PACKET_DECODED
#define WAITS PACKET_IGNORED_FRAGMENT
#define WRONG PACKET_MALFORMED_IP

struct step {
	unsigned from, to; /* units */
	bool more;
	char letter;
	enum packet_result result;
	const char *payload; /* when whole: the letters of units 3 to 11 */
	int64_t wait_ms;     /* since the step before */
	uint32_t id;
};

struct story {
	const char *name;
	struct step steps[14]; /* the last one has a letter of 0 */
};

static const struct story stories[] = {
	{ "two in order", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb" } } },
	{ "two swapped", { { 6, 12, false, 'b', WAITS }, { 0, 6, true, 'a', WHOLE, "aaabbbbbb" } } },
	{ "four shuffled",
	  { { 3, 6, true, 'b', WAITS }, { 9, 12, false, 'd', WAITS }, { 0, 3, true, 'a', WAITS },
	    { 6, 9, true, 'c', WHOLE, "bbbcccddd" } } },
	{ "each twice, one after the other",
	  { { 0, 6, true, 'a', WAITS }, { 0, 6, true, 'x', WAITS }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb" },
	    { 6, 12, false, 'x', WAITS } } },
	{ "all twice", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb" }, { 0, 6, true, 'c', WAITS },
			 { 6, 12, false, 'd', WHOLE, "cccdddddd" } } },
	{ "overlap: the first seen wins", { { 0, 6, true, 'a', WAITS }, { 4, 12, false, 'b', WHOLE, "aaabbbbbb" } } },
	{ "overlap: also if it is further back", { { 4, 12, false, 'b', WAITS }, { 0, 6, true, 'a', WHOLE, "abbbbbbbb" } } },
	{ "overlap: one bridges many", { { 4, 5, true, 'a', WAITS }, { 6, 7, true, 'b', WAITS }, { 8, 9, true, 'c', WAITS },
					 { 0, 10, true, 'z', WAITS }, { 10, 12, false, 'y', WHOLE, "zazbzczyy" } } },
	{ "overlap: one inside another", { { 0, 9, true, 'a', WAITS }, { 3, 6, true, 'x', WAITS }, { 8, 12, false, 'b', WHOLE, "aaaaaabbb" } } },
	{ "the whole packet besides its fragments", { { 0, 3, true, 'a', WAITS }, { 0, 12, false, 'b', WHOLE, "bbbbbbbbb" } } },
	{ "a hole", { { 0, 4, true, 'a', WAITS }, { 5, 12, false, 'b', WAITS } } },
	{ "no end", { { 0, 6, true, 'a', WAITS }, { 6, 12, true, 'b', WAITS } } },
	{ "no beginning", { { 3, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WAITS } } },
	{ "beyond the end", { { 6, 12, false, 'b', WAITS }, { 9, 14, true, 'x', WRONG }, { 0, 6, true, 'a', WHOLE, "aaabbbbbb" } } },
	{ "two ends", { { 6, 12, false, 'b', WAITS }, { 6, 11, false, 'x', WRONG }, { 0, 6, true, 'a', WHOLE, "aaabbbbbb" } } },
	{ "an end before what is known", { { 0, 6, true, 'a', WAITS }, { 3, 4, false, 'x', WRONG }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb" } } },
	{ "30 s are waited", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb", 30000 } } },
	{ "more are not", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WAITS, NULL, 30001 }, { 0, 6, true, 'c', WHOLE, "cccbbbbbb", 29000 } } },
	{ "since the first, not the last", { { 0, 3, true, 'a', WAITS }, { 3, 6, true, 'a', WAITS, NULL, 20000 },
					     { 6, 12, false, 'b', WAITS, NULL, 20000 } } },
	{ "a clock that steps back a little", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WHOLE, "aaabbbbbb", -5000 } } },
	{ "a clock that is set back", { { 0, 6, true, 'a', WAITS }, { 6, 12, false, 'b', WAITS, NULL, -3600000 } } },
	{ "another id", { { 0, 6, true, 'a', WAITS, .id = 1 }, { 6, 12, false, 'b', WAITS, .id = 2 },
			  { 6, 12, false, 'c', WHOLE, "aaacccccc", .id = 1 },
			  { 0, 6, true, 'd', WHOLE, "dddbbbbbb", .id = 2 } } },
};

/* An IP packet with one fragment in it, as text for frame_of(). */
struct fragment {
	uint8_t family, protocol;
	uint32_t id;
	size_t offset;
	bool more;
	const uint8_t *bytes;
	size_t len;
};

static void put16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static void add_fragment(struct frame *f, const struct fragment *x)
{
	struct frame header = frame_of(x->family == 4 ? "4500 0000 0000 0000 40 00 0000 [a4]"
						      : "60000000 0000 2c 40 [a6] 00 00 0000 00000000");
	uint8_t *h = header.bytes;

	if (x->family == 4) {
		put16(h + 2, 20 + x->len);
		put16(h + 4, x->id);
		put16(h + 6, x->offset / 8 | (x->more ? 0x2000 : 0));
		h[9] = x->protocol;
	} else {
		put16(h + 4, 8 + x->len);
		h[40] = x->protocol;
		put16(h + 42, x->offset | x->more);
		put16(h + 46, x->id);
	}
	memcpy(f->bytes + f->len, h, header.len);
	memcpy(f->bytes + f->len + header.len, x->bytes, x->len);
	f->len += header.len + x->len;
}

static const struct port_set ports = { { 8080 }, 1 };

static struct packet raw(struct span bytes, size_t wire_len, int64_t ms)
{
	return (struct packet){ .bytes = bytes, .wire_len = (uint32_t)wire_len, .linktype = DLT_RAW, .ts = { ms * NS_PER_MS } };
}

/* The bytes of one step: the header where it belongs, the letter elsewhere. */
static void step_bytes(const struct step *step, uint8_t *out)
{
	struct frame header = frame_of(SEGMENT_OF);

	for (size_t at = step->from * UNIT; at < step->to * UNIT; at++)
		out[at - step->from * UNIT] = at < TCP_HEADER ? header.bytes[at] : (uint8_t)step->letter;
}

static void check_whole(const struct story *story, const struct step *step, const struct segment *s, int64_t ms)
{
	assert_int_equal(s->payload.len, UNITS * UNIT - TCP_HEADER);
	assert_int_equal(s->missing_bytes, 0);
	assert_int_equal(s->src.port, 1000);
	assert_int_equal(s->src.addr[15], 1);
	assert_int_equal(s->ts.ns, ms * NS_PER_MS);
	for (size_t at = 3 * UNIT; at < UNITS * UNIT; at++)
		if (s->payload.at[at - TCP_HEADER] != (uint8_t)step->payload[at / UNIT - 3])
			fail_msg("%s: byte %zu is of '%c', not '%c'", story->name, at, s->payload.at[at - TCP_HEADER],
				 step->payload[at / UNIT - 3]);
}

static void run_story(const struct story *story, uint8_t family, struct guarded *g)
{
	struct decoder *d = decoder_new(&ports, NULL);
	int64_t ms = 1700000000000;

	for (const struct step *step = story->steps; step->letter; step++) {
		uint8_t bytes[16 * UNIT];
		struct fragment x = { family, 6, step->id, step->from * UNIT, step->more, bytes, (step->to - step->from) * UNIT };
		struct frame f = { .len = 0 };
		struct packet packet;
		struct segment s;
		enum packet_result result;

		step_bytes(step, bytes);
		add_fragment(&f, &x);
		ms += step->wait_ms;
		packet = raw(guarded_copy(g, f.bytes, f.len), f.len, ms);
		result = decoder_packet(d, &packet, &s);
		if (result != step->result)
			fail_msg("%s, IPv%u, step %d: fate %d instead of %d", story->name, family, (int)(step - story->steps),
				 (int)result, (int)step->result);
		if (result == WHOLE)
			check_whole(story, step, &s, ms);
	}
	decoder_free(d);
}

static void test_stories(void **state)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		run_story(&stories[i], 4, *state);
		run_story(&stories[i], 6, *state);
	}
}

/* ---- the table itself, against a slow and obvious one ---- */

struct reference {
	uint8_t byte[256];
	bool seen[256];
	size_t total; /* 0: not known */
};

/* Whether the fragment completes the datagram, or is refused */
static enum packet_result reference_add(struct reference *r, const struct fragment *x)
{
	size_t known = 0, end = x->offset + x->len;

	for (size_t i = 0; i < sizeof(r->seen); i++)
		if (r->seen[i])
			known = i + 1;
	if (r->total ? (x->more ? end > r->total : end != r->total) : (!x->more && known > end))
		return WRONG;
	if (!x->more)
		r->total = end;
	for (size_t i = 0; i < x->len; i++)
		if (!r->seen[x->offset + i]) {
			r->seen[x->offset + i] = true;
			r->byte[x->offset + i] = x->bytes[i];
		}
	if (!r->total)
		return WAITS;
	for (size_t i = 0; i < r->total; i++)
		if (!r->seen[i])
			return WAITS;
	return WHOLE;
}

static const struct endpoint src = { { [12] = 10, [15] = 1 }, 0, 4, 0 }, dst = { { [12] = 10, [15] = 2 }, 0, 4, 0 };

static enum packet_result add_to(struct fragments *t, const struct fragment *x, uint32_t domain, int64_t ns, struct layer *l)
{
	struct ip_payload payload = { x->protocol, true, x->more, (uint16_t)x->offset, x->id };
	struct frame_list earlier = { 0 };
	struct fragment_origin origin = { &src, &dst, domain, { ns }, NULL, &earlier };
	enum packet_result result;

	*l = (struct layer){ .bytes = span_of(x->bytes, x->len), .claimed = x->len };
	result = fragments_add(t, &origin, &payload, l);
	assert_null(earlier.first);
	return result;
}

static unsigned next_random(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % below;
}

static void test_random_fragments_as_the_reference(void **state)
{
	struct fragments *t = fragments_new();
	unsigned seed = 20261122, whole = 0, wrong = 0;

	for (uint32_t id = 0; id < 30000; id++) {
		struct reference r = { .total = 0 };
		enum packet_result result = WAITS;
		size_t units = 2 + next_random(&seed, 20);

		for (int i = 0; i < 60 && result != WHOLE; i++) {
			uint8_t bytes[256];
			size_t from = next_random(&seed, (unsigned)units),
			       to = from + 1 + next_random(&seed, (unsigned)(units - from));
			bool more = to < units || next_random(&seed, 10) == 0;
			struct fragment x = { 4, 6, id, from * 8, more, bytes, (to - from) * 8 };
			struct layer l;

			if (!more)
				x.len -= next_random(&seed, 8);
			if (next_random(&seed, 40) == 0)
				x.more = !x.more && x.len % 8 == 0;
			memset(bytes, 'A' + i, sizeof(bytes));
			result = reference_add(&r, &x);
			wrong += result == WRONG;
			assert_int_equal(add_to(t, &x, 0, 0, &l), result);
			if (result == WHOLE) {
				whole++;
				assert_int_equal(l.bytes.len, r.total);
				assert_int_equal(l.claimed, r.total);
				assert_memory_equal(l.bytes.at, r.byte, r.total);
			}
		}
	}
	assert_true(whole > 10000 && wrong > 1000);
	fragments_free(t);
}

/* What makes two datagrams: the domain, the protocol, the id; each pair stays apart and both become whole. */
static void test_datagrams_stay_apart(void **state)
{
	static const struct {
		uint8_t protocol;
		uint32_t id, domain;
	} other[] = { { 17, 1, 0 }, { 6, 2, 0 }, { 6, 1, 7 } };
	uint8_t bytes[16] = "datagramsdifferf";

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		struct fragments *t = fragments_new();
		struct fragment a = { 4, 6, 1, 0, true, bytes, 16 }, b = a;
		struct layer l;

		b.protocol = other[i].protocol;
		b.id = other[i].id;
		assert_int_equal(add_to(t, &a, 0, 0, &l), WAITS);
		b.offset = 16, b.more = false;
		assert_int_equal(add_to(t, &b, other[i].domain, 0, &l), WAITS);
		b.offset = 0, b.more = true;
		assert_int_equal(add_to(t, &b, other[i].domain, 0, &l), WHOLE);
		a.offset = 16, a.more = false;
		assert_int_equal(add_to(t, &a, 0, 0, &l), WHOLE);
		assert_int_equal(fragments_count(t), 0);
		assert_int_equal(fragments_bytes(t), 0);
		fragments_free(t);
	}
}

static void check_bounds(const struct fragments *t)
{
	assert_true(fragments_bytes(t) <= FRAGMENT_MEMORY);
	assert_true(fragments_count(t) <= FRAGMENT_DATAGRAMS);
}

/* Datagrams that never become whole: memory stays bounded, the newest survive, and time takes the rest. */
static void test_floods_are_bounded(void **state)
{
	static uint8_t bytes[65536];
	static const size_t sizes[] = { 8, 1480, 60000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fragments *t = fragments_new();
		struct fragment x = { 4, 6, 0, 8, true, bytes, sizes[i] };
		struct layer l;

		for (uint32_t id = 0; id < 50000; id++) {
			x.id = id;
			assert_int_equal(add_to(t, &x, 0, 0, &l), WAITS);
			check_bounds(t);
		}
		assert_true(fragments_count(t) >= FRAGMENT_MEMORY / 131072 - 1);
		x.offset = 0, x.len = 8; /* the last one is still there */
		assert_int_equal(add_to(t, &x, 0, 0, &l), WAITS);
		x.offset = 8 + sizes[i], x.more = false;
		assert_int_equal(add_to(t, &x, 0, 0, &l), WHOLE);
		assert_int_equal(l.bytes.len, sizes[i] + 16);
		x.id = 0;
		assert_int_equal(add_to(t, &x, 0, FRAGMENT_TIMEOUT_NS + 2, &l), WAITS);
		assert_int_equal(fragments_count(t), 1);
		fragments_free(t);
	}
}

/* Every other unit of the longest datagram: given up when the pieces are too many; in order they are one piece. */
static void test_tiny_fragments(void **state)
{
	uint8_t bytes[8] = "tinytiny";
	struct fragments *t = fragments_new();
	struct fragment x = { 4, 6, 9, 0, true, bytes, 8 };
	struct layer l;
	size_t most = 0;

	for (size_t unit = 0; unit < 8190; unit += 2) {
		x.offset = unit * 8;
		assert_int_equal(add_to(t, &x, 0, 0, &l), WAITS);
		check_bounds(t);
		if (fragments_bytes(t) > most)
			most = fragments_bytes(t);
	}
	assert_true(most < 16384);
	x.id = 10;
	for (size_t unit = 0; unit < 8190; unit++) {
		x.offset = unit * 8;
		assert_int_equal(add_to(t, &x, 0, 0, &l), WAITS);
	}
	x.offset = 8190 * 8, x.more = false;
	assert_int_equal(add_to(t, &x, 0, 0, &l), WHOLE);
	assert_int_equal(l.bytes.len, 8191 * 8);
	fragments_free(t);
}

/* ---- in tunnels, and tunnels in them ---- */

/* Split one IP payload into @count fragments of @family and let each be wrapped; the last one must make it whole. */
static void deliver(struct decoder *d, uint8_t family, uint8_t protocol, const struct frame *payload, size_t piece,
		    const char *outside, struct segment *s)
{
	for (size_t at = 0; at < payload->len; at += piece) {
		size_t len = payload->len - at < piece ? payload->len - at : piece;
		struct fragment x = { family, protocol, 77, at, at + len < payload->len, payload->bytes + at, len };
		struct frame f = frame_of(outside);
		struct packet packet;

		add_fragment(&f, &x);
		packet = raw(span_of(f.bytes, f.len), f.len, 0);
		assert_int_equal(decoder_packet(d, &packet, s), x.more ? WAITS : WHOLE);
	}
	assert_int_equal(s->payload.len, 5);
	assert_memory_equal(s->payload.at, "hello", 5);
	assert_int_equal(s->src.port, 1000);
}

#define OUT4(proto) "4500 0000 0000 0000 40" proto "0000 c0000201 c0000202 "
#define VXLAN "c350 12b5 0000 0000 08000000 00006400 "
#define IN4 "4500 002d 0000 0000 40 06 0000 [a4] [tcp] [data]"

static void test_with_tunnels(void **state)
{
	struct frame segment = frame_of("[tcp] [data]"), vxlan = frame_of(VXLAN "[mac] 0800" IN4), gre = frame_of("0000 0800" IN4);
	struct decoder *d = decoder_new(&ports, NULL);

	for (uint8_t family = 4; family <= 6; family += 2) {
		struct segment s, whole;
		struct frame f = frame_of(OUT4("11") VXLAN "[mac] 0800" IN4);
		struct packet packet = raw(span_of(f.bytes, f.len), f.len, 0);

		assert_int_equal(decoder_packet(d, &packet, &whole), WHOLE);
		/* a segment in pieces, each in a tunnel */
		deliver(d, family, 6, &segment, 8, family == 4 ? OUT4("11") VXLAN "[mac] 0800" : OUT4("11") VXLAN "[mac] 86dd", &s);
		assert_int_equal(s.domain, whole.domain);
		/* a tunnel in pieces */
		deliver(d, family, 17, &vxlan, 24, "", &s);
		assert_int_equal(s.domain, whole.domain);
		deliver(d, family, 47, &gre, 16, "", &s);
		/* a tunnel in pieces, in a tunnel, in one more */
		deliver(d, family, 47, &gre, 16, family == 4 ? OUT4("04") OUT4("04") : OUT4("04") OUT4("29"), &s);
	}
	decoder_free(d);
}

static void expect_next(void *ctx, const struct packet *packet)
{
	int64_t *next = ctx;

	assert_int_equal(packet->ts.ns, *next * NS_PER_MS);
	++*next;
}

/*
 * Pieces of pieces: each level puts itself together once the level outside is
 * whole. All packets but the last are lent afterwards, in order, the copy of one
 * (which brought nothing) left out.
 */
static void test_fragments_in_fragments(void **state)
{
	struct frame segment = frame_of("[tcp] [data]");
	struct decoder *d = decoder_new(&ports, NULL);
	struct segment s;
	struct packet packet;
	int whole = 0;
	int64_t sent = 0, borrowed = 0;

	decoder_keep_fragments(d);
	for (size_t at = 0; at < segment.len; at += 8) {
		size_t len = segment.len - at < 8 ? segment.len - at : 8;
		struct fragment inner = { 6, 6, 1, at, at + len < segment.len, segment.bytes + at, len };
		struct frame tunnelled = { .len = 0 };

		add_fragment(&tunnelled, &inner);
		for (size_t from = 0; from < tunnelled.len; from += 16) {
			size_t n = tunnelled.len - from < 16 ? tunnelled.len - from : 16;
			struct fragment outer = { 4, 41, (uint32_t)at, from, from + n < tunnelled.len, tunnelled.bytes + from, n };
			struct frame f = { .len = 0 };

			add_fragment(&f, &outer);
			packet = raw(span_of(f.bytes, f.len), f.len, sent++);
			whole += decoder_packet(d, &packet, &s) == WHOLE;
			if (at == 0 && from == 0) {
				packet.ts.ns = 1;
				assert_int_equal(decoder_packet(d, &packet, &s), WAITS);
			}
		}
	}
	assert_int_equal(whole, 1);
	assert_true(sent > 12);
	decoder_earlier(d, expect_next, &borrowed);
	assert_int_equal(borrowed, sent - 1);
	assert_memory_equal(s.payload.at, "hello", 5);
	decoder_free(d);
}

/* A fragment that is cut at any byte never becomes part of a segment. */
static void test_every_cut(void **state)
{
	struct frame segment = frame_of("[tcp] [data]");

	for (uint8_t family = 4; family <= 6; family += 2) {
		struct fragment first = { family, 6, 1, 0, true, segment.bytes, 16 };
		struct fragment last = { family, 6, 1, 16, false, segment.bytes + 16, segment.len - 16 };
		struct frame a = { .len = 0 }, b = { .len = 0 };

		add_fragment(&a, &first);
		add_fragment(&b, &last);
		for (size_t len = 0; len < a.len; len++) {
			for (int on_wire = 0; on_wire < 2; on_wire++) {
				struct decoder *d = decoder_new(&ports, NULL);
				struct packet cut = raw(guarded_copy(*state, a.bytes, len), on_wire ? a.len : len, 0);
				struct packet rest = raw(span_of(b.bytes, b.len), b.len, 0);
				struct segment s;
				enum packet_result result = decoder_packet(d, &cut, &s);

				assert_true(result == PACKET_MALFORMED_TRUNCATED || (!on_wire && result == PACKET_MALFORMED_IP));
				assert_int_equal(decoder_packet(d, &rest, &s), WAITS);
				decoder_free(d);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_random_fragments_as_the_reference),
		cmocka_unit_test(test_datagrams_stay_apart),
		cmocka_unit_test(test_floods_are_bounded),
		cmocka_unit_test(test_tiny_fragments),
		cmocka_unit_test(test_with_tunnels),
		cmocka_unit_test(test_fragments_in_fragments),
		cmocka_unit_test(test_every_cut),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
