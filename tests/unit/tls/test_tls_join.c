/*
 * test_tls_join.c - conversations of OpenSSL of which the start was not captured, and what a joiner makes of them
 *
 * A connection of TLS 1.3 is captured from any of its segments on. From the first that begins with a record of the
 * client's, and by its acknowledgement is no part of something before, each record of the client's is told, and of the
 * server's each behind what the client had read by then; and nothing else. Its secret is there among others, or comes
 * later. Where it is not there, or the number is greater than those that are tried, or the keys had been changed, or in
 * TLS 1.2, nothing is told, and the connection is `midstream`.
 *
 * Each round has its own seed, which a failure tells.
 */
#include "tests/rig/unit.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/quiet_reader.h"
#include "tests/rig/tls_talk_keys.h"
#include "tests/rig/tls_tap.h"
#include "tls/tls_reader.h"

#define ROUNDS       60
#define OTHERS       63
#define RECORDS_MAX  2048
#define SEGMENTS_MAX 8192
#define ISN          UINT32_C(0xfffff000)
#define SEGMENT_US   100
#define PORT         443
#define TICKETS      2 /* records of the server's behind its handshake */

/* ---- the inner reader ---- */

/** struct notes - what was told of each side */
struct notes {
	struct buffer bytes[SIDES];
	uint64_t peer_read;
	unsigned made, live, ends, gaps[SIDES];
	struct reader reader;
};

static struct notes *notes_of(struct reader *r)
{
	return (struct notes *)((uint8_t *)r - offsetof(struct notes, reader));
}

static enum claim note_claims(struct span bytes, enum stream_side side, bool at_start)
{
	(void)bytes;
	assert_false(at_start); /* nothing that is joined is at its start */
	return side == SIDE_CLIENT ? CLAIM_MAYBE : CLAIM_NONE;
}

static const struct reader_ops note_ops;

static struct reader *note_make(void *shared, const struct reader_start *start)
{
	struct notes *n = shared;

	assert_non_null(start->origin.tls);
	assert_false(start->from_first_byte);
	assert_true(start->server_passed_by);
	n->made++;
	n->live++;
	n->reader.ops = &note_ops;
	return &n->reader;
}

static enum reader_result note_client(struct reader *r, const struct chunk *chunk)
{
	struct notes *n = notes_of(r);

	if (chunk->peer_known) {
		assert_true(chunk->peer_read >= n->peer_read);
		n->peer_read = chunk->peer_read;
	}
	buffer_add_span(&n->bytes[SIDE_CLIENT], chunk->bytes);
	return READER_LIVE;
}

static enum reader_result note_server(struct reader *r, const struct chunk *chunk)
{
	buffer_add_span(&notes_of(r)->bytes[SIDE_SERVER], chunk->bytes);
	return READER_LIVE;
}

static void note_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	(void)bytes;
	(void)why;
	(void)now;
	notes_of(r)->gaps[side]++;
}

static void note_end(struct reader *r, enum lost_reason why, bool seen)
{
	(void)why;
	(void)seen;
	notes_of(r)->ends++;
}

static void note_free(struct reader *r)
{
	notes_of(r)->live--;
}

static const struct reader_ops note_ops = {
	.name = "notes",
	.open = quiet_open,
	.close = quiet_close,
	.claims = note_claims,
	.make = note_make,
	.on_chunk = { note_client, note_server },
	.on_gap = note_gap,
	.on_passed_by = quiet_passed_by,
	.on_half_end = quiet_half_end,
	.on_end = note_end,
	.free = note_free,
};

/* ---- a conversation ---- */

/** struct truth - a record with data: where it begins on the wire, and what is in it */
struct truth {
	uint32_t wire;
	size_t at, len;
};

struct talk_segment {
	bool of_server, lost;
	uint32_t at, ack;
	struct span bytes;
};

struct story {
	struct tls_talk talk;
	struct tls_talk_options options;
	struct buffer plain[SIDES];
	struct truth truths[SIDES][RECORDS_MAX];
	size_t truth_count[SIDES];
	uint32_t sent[SIDES];
	size_t handshake_flights;
	struct talk_segment segments[SEGMENTS_MAX];
	size_t segment_count;
	size_t first; /* segment that is captured */
	bool updates; /* the client has changed its keys */
};

/** struct kind - of rounds */
struct kind {
	bool is_live;   /* answers come when they come, and secrets may come after that */
	bool is_1_2, updates, hides_secret, loses, has_little_memory;
	uint32_t numbers;
};

static bool has_short_tag(const struct tls_talk_options *o)
{
	return o->suite && strstr(o->suite, "CCM_8");
}

static void choose(struct dice *d, const struct kind *kind, struct tls_talk_options *o)
{
	static const char *const suites[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
					      "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256" };

	*o = (struct tls_talk_options){ .version = kind->is_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION };
	if (!kind->is_1_2)
		o->suite = suites[below(d, 5)];
	o->pads_to = one_in(d, 6) ? 256 : 0;
	o->fragment = one_in(d, 3) ? 512 + below(d, 4000) : 0;
	if (has_short_tag(o)) /* whose smallest records are too small to be looked for (records.c) */
		o->fragment = 0;
}

/** note_flight() - the records of the last flight, of @side, which has the last @len bytes of its plaintext */
static void note_flight(struct story *s, int side, size_t len)
{
	struct span flight = buffer_span(&s->talk.flights[s->talk.flight_count - 1].bytes);
	size_t at = s->plain[side].len - len, most = s->options.fragment ? s->options.fragment : RECORD_PLAIN_MAX;
	uint32_t wire = s->sent[side];
	struct record r;

	while (record_take(&flight, &r) == FRAMING_WHOLE) {
		size_t n = len < most ? len : most;

		assert_true(s->truth_count[side] < RECORDS_MAX);
		s->truths[side][s->truth_count[side]++] = (struct truth){ wire, at, n };
		at += n;
		len -= n;
		wire += (uint32_t)(RECORD_HEADER_BYTES + r.payload.len);
	}
	assert_int_equal(len, 0);
	s->sent[side] = wire;
}

static void write_some(struct story *s, struct dice *d, int side)
{
	static const uint32_t sizes[] = { 1, 40, 300, 1400, 5000, 20000 };
	size_t len = (has_short_tag(&s->options) ? 8 : 1) + below(d, sizes[below(d, 6)]), from = s->plain[side].len;

	for (size_t i = 0; i < len; i++)
		buffer_add(&s->plain[side], &(uint8_t){ (uint8_t)below(d, 256) }, 1);
	tls_talk_write(&s->talk, side, span_of(s->plain[side].bytes + from, len));
	note_flight(s, side, len);
}

static void hold_talk(struct story *s, struct dice *d, const struct kind *kind)
{
	uint32_t writes = 2 + below(d, 30);

	memset(s, 0, sizeof(*s));
	choose(d, kind, &s->options);
	tls_talk_init(&s->talk, &s->options);
	tls_talk_handshake(&s->talk);
	s->handshake_flights = s->talk.flight_count;
	for (size_t i = 0; i < s->handshake_flights; i++)
		s->sent[s->talk.flights[i].of_server] += (uint32_t)s->talk.flights[i].bytes.len;
	if (kind->updates) {
		tls_talk_update(&s->talk, 0);
		tls_talk_write(&s->talk, 0, span_of((const uint8_t *)"x", 1));
		s->handshake_flights = s->talk.flight_count;
		s->sent[0] += (uint32_t)s->talk.flights[s->talk.flight_count - 1].bytes.len;
	}
	for (uint32_t i = 0; i < writes; i++) {
		write_some(s, d, 0);
		if (!one_in(d, 4))
			write_some(s, d, 1);
	}
}

/** cut() - into segments; the capture begins with any that is behind the handshake */
static void cut(struct story *s, struct dice *d, const struct kind *kind)
{
	uint32_t sent[SIDES] = { 0 }, rate = 5 + below(d, 30);
	size_t earliest = 0;

	for (size_t i = 0; i < s->talk.flight_count; i++) {
		const struct tls_flight *f = &s->talk.flights[i];
		struct span rest = buffer_span(&f->bytes), part;

		if (i == s->handshake_flights)
			earliest = s->segment_count;
		while (rest.len > 0) {
			size_t n = one_in(d, 3) ? 1 + below(d, 1448) : 1448;
			struct talk_segment *seg = &s->segments[s->segment_count++];

			assert_true(s->segment_count < SEGMENTS_MAX);
			span_take(&rest, n < rest.len ? n : rest.len, &part);
			*seg = (struct talk_segment){ f->of_server, false, sent[f->of_server], sent[!f->of_server], part };
			seg->lost = kind->loses && one_in(d, rate);
			sent[f->of_server] += (uint32_t)part.len;
		}
	}
	s->first = earliest + below(d, (uint32_t)(s->segment_count - earliest));
}

/** begins_record() - does @seg begin with a header of the client's? */
static bool begins_record(const struct story *s, const struct talk_segment *seg)
{
	for (size_t i = 0; i < s->truth_count[0]; i++)
		if (s->truths[0][i].wire == seg->at)
			return seg->bytes.len >= RECORD_HEADER_BYTES;
	return false;
}

/** find_join() - the segment from which the connection is read: see midstream.c; or segment_count */
static size_t find_join(const struct story *s)
{
	bool went_by = false;
	uint32_t ack = 0;

	for (size_t i = s->first; i < s->segment_count; i++) {
		const struct talk_segment *seg = &s->segments[i];

		if (seg->of_server || seg->lost)
			continue;
		if (begins_record(s, seg) && (!went_by || seg->ack > ack))
			return i;
		went_by = true;
		ack = seg->ack > ack ? seg->ack : ack;
	}
	return s->segment_count;
}

/* ---- over TCP ---- */

struct run {
	struct notes notes;
	struct tls_tap tap;
};

static void feed(struct run *r, bool of_server, uint32_t at, uint32_t ack, uint8_t flags, struct span bytes)
{
	static const struct endpoint ends[2] = { { .family = 4, .addr = { 10, 0, 0, 1 }, .port = 40000 },
						 { .family = 4, .addr = { 10, 0, 0, 2 }, .port = PORT } };
	struct segment s = { .src = ends[of_server],
			     .dst = ends[!of_server],
			     .payload = bytes,
			     .ts = { r->tap.now += SEGMENT_US * NS_PER_US },
			     .seq = ISN + at,
			     .ack = ISN + ack,
			     .flags = flags };

	tracker_feed(r->tap.tracker, &s);
	tls_look(&r->tap.lane, 0);
}

static void tell_secrets(struct run *r, const struct story *s, struct dice *d, const struct kind *kind)
{
	if (!kind->hides_secret)
		add_talk_secrets(r->tap.secrets, &s->talk);
	add_other_secrets(r->tap.secrets, d, kind->is_live ? 1 : OTHERS / 2);
}

static void open_run(struct run *r, const struct kind *kind, struct dice *d)
{
	memset(r, 0, sizeof(*r));
	tls_tap_open(&r->tap, &(struct tls_tap_options){
				      .inner = { &note_ops, &r->notes },
				      .memory = kind->has_little_memory ? 2000 + below(d, 60000) : 64 << 20,
				      .connections = 1000,
				      .wait_ns = NS_PER_S * 1000,
				      .reads_servers = true,
				      .port = PORT,
				      .joins = true,
				      .awaits_joiner = !kind->is_live,
				      .numbers = kind->numbers,
			      });
}

/** run_story() - live the secrets may come with any segment, or when all is over */
static void run_story(struct run *r, struct story *s, struct dice *d, const struct kind *kind)
{
	size_t told = kind->is_live ? s->first + below(d, (uint32_t)(s->segment_count - s->first) + 10) : s->first;

	add_other_secrets(r->tap.secrets, d, OTHERS / 2);
	for (size_t i = s->first; i < s->segment_count; i++) {
		const struct talk_segment *seg = &s->segments[i];

		if (i == told)
			tell_secrets(r, s, d, kind);
		if (!seg->lost)
			feed(r, seg->of_server, seg->at, seg->ack, TCP_ACK | TCP_PSH, seg->bytes);
		if (kind->is_live && one_in(d, 4))
			sched_yield();
	}
	feed(r, true, s->sent[1], s->sent[0], TCP_FIN | TCP_ACK, span_of(NULL, 0));
	feed(r, false, s->sent[0], s->sent[1] + 1, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	r->tap.now += 20 * NS_PER_S;
	tracker_pass_time(r->tap.tracker, (struct wall){ r->tap.now });
	if (told >= s->segment_count)
		tell_secrets(r, s, d, kind);
	while (kind->is_live && r->tap.lane.waits) { /* its answers come, or this test never ends */
		sched_yield();
		tls_look(&r->tap.lane, 0);
	}
	tls_tap_finish(&r->tap);
	tls_tap_close(&r->tap);
	assert_int_equal(r->notes.live, 0);
}

/** check_side() - all that was sent from @from on was told, and no more */
static void check_side(const struct story *s, const struct run *r, int side, uint32_t from, uint64_t seed)
{
	const struct buffer *told = &r->notes.bytes[side];
	size_t at = 0;

	for (size_t i = 0; i < s->truth_count[side]; i++) {
		const struct truth *t = &s->truths[side][i];

		if (t->wire < from)
			continue;
		if (at + t->len > told->len || memcmp(told->bytes + at, s->plain[side].bytes + t->at, t->len) != 0)
			fail_msg("seed %llu: record %zu of side %d is missing, or not as it was", (unsigned long long)seed, i, side);
		at += t->len;
	}
	if (at != told->len)
		fail_msg("seed %llu: %zu bytes of side %d too many", (unsigned long long)seed, told->len - at, side);
}

/** check_order() - with losses: what was told is, in order, of records that begin behind the join */
static void check_order(const struct story *s, const struct run *r, int side, uint32_t from, uint64_t seed)
{
	const struct buffer *told = &r->notes.bytes[side];
	size_t at = 0;

	for (size_t i = 0; i < s->truth_count[side] && at < told->len; i++) {
		const struct truth *t = &s->truths[side][i];

		if (t->wire >= from && at + t->len <= told->len &&
		    memcmp(told->bytes + at, s->plain[side].bytes + t->at, t->len) == 0)
			at += t->len;
	}
	if (at != told->len)
		fail_msg("seed %llu: bytes of side %d that were never sent", (unsigned long long)seed, side);
}

/** is_tried() - is the number of the first record that begins at @from or behind it one that is tried? */
static bool is_tried(const struct story *s, const struct kind *kind, int side, uint32_t from)
{
	size_t number = side ? TICKETS : 0;

	for (size_t i = 0; i < s->truth_count[side] && s->truths[side][i].wire < from; i++)
		number++;
	return number <= kind->numbers;
}

static void check_run(const struct story *s, const struct run *r, const struct kind *kind, uint64_t seed)
{
	const struct tls_stats *stats = &r->tap.stats;
	size_t join = find_join(s);
	bool reads = join < s->segment_count && !kind->is_1_2 && !kind->updates && !kind->hides_secret &&
		     is_tried(s, kind, 0, s->segments[join].at);

	if (r->notes.made > 1 || counter_get(&stats->tls_seen) > (uint64_t)(join < s->segment_count) ||
	    (!kind->has_little_memory && counter_get(&stats->tls_seen) < (uint64_t)(join < s->segment_count)))
		fail_msg("seed %llu: %u readers, %llu connections", (unsigned long long)seed, r->notes.made,
			 (unsigned long long)counter_get(&stats->tls_seen));
	assert_int_equal(counter_get(&stats->tls_seen),
			 counter_get(&stats->tls_fate[TLS_READ]) + counter_get(&stats->tls_fate[TLS_MIDSTREAM]) +
				 counter_get(&stats->tls_fate[TLS_LOST]));
	assert_int_equal(counter_get(&stats->tls_joined), r->notes.made);
	assert_int_equal(counter_get(&stats->tls_after_wait), 0);
	if (kind->has_little_memory && join < s->segment_count) {
		check_order(s, r, 0, s->segments[join].at, seed);
		check_order(s, r, 1, s->segments[join].ack, seed);
		return;
	}
	if (!reads) {
		assert_int_equal(r->notes.made, 0);
		assert_int_equal(counter_get(&stats->tls_fate[TLS_MIDSTREAM]), join < s->segment_count);
		return;
	}
	if (kind->loses) {
		check_order(s, r, 0, s->segments[join].at, seed);
		check_order(s, r, 1, s->segments[join].ack, seed);
		return;
	}
	assert_int_equal(counter_get(&stats->tls_fate[TLS_READ]), 1);
	check_side(s, r, 0, s->segments[join].at, seed);
	if (is_tried(s, kind, 1, s->segments[join].ack))
		check_side(s, r, 1, s->segments[join].ack, seed);
	else
		assert_int_equal(r->notes.bytes[1].len, 0);
	assert_int_equal(r->notes.gaps[0] + r->notes.gaps[1], 0);
	assert_int_equal(r->notes.ends, 1);
}

static void run_rounds(uint64_t first, struct kind kind)
{
	static struct story story;
	static struct run run;
	uint64_t rounds = getenv("PROPERTY_ROUNDS") ? strtoull(getenv("PROPERTY_ROUNDS"), NULL, 10) / 100 : ROUNDS;
	uint64_t joined = 0;

	for (uint64_t seed = first; seed < first + rounds; seed++) {
		struct dice d = dice_of_seed(seed);

		hold_talk(&story, &d, &kind);
		cut(&story, &d, &kind);
		open_run(&run, &kind, &d);
		run_story(&run, &story, &d, &kind);
		check_run(&story, &run, &kind, seed);
		joined += run.notes.made;
		for (int side = 0; side < SIDES; side++) {
			buffer_deinit(&run.notes.bytes[side]);
			buffer_deinit(&story.plain[side]);
		}
		tls_talk_deinit(&story.talk);
	}
	if (!kind.is_1_2 && !kind.updates && !kind.hides_secret && joined < rounds / 4)
		fail_msg("%llu of %llu were joined", (unsigned long long)joined, (unsigned long long)rounds);
}

static void test_recorded(void **state)
{
	(void)state;
	run_rounds(1, (struct kind){ .numbers = 500 });
}

static void test_live(void **state)
{
	(void)state;
	run_rounds(10001, (struct kind){ .is_live = true, .numbers = 500 });
}

static void test_lost(void **state)
{
	(void)state;
	run_rounds(20001, (struct kind){ .loses = true, .numbers = 500 });
}

static void test_little_memory(void **state)
{
	(void)state;
	run_rounds(70001, (struct kind){ .has_little_memory = true, .numbers = 500 });
	run_rounds(80001, (struct kind){ .has_little_memory = true, .loses = true, .numbers = 500 });
}

static void test_few_numbers(void **state)
{
	(void)state;
	run_rounds(30001, (struct kind){ .numbers = 8 });
}

static void test_no_secret(void **state)
{
	(void)state;
	run_rounds(40001, (struct kind){ .hides_secret = true, .numbers = 50 });
}

static void test_updated(void **state)
{
	(void)state;
	run_rounds(50001, (struct kind){ .updates = true, .numbers = 50 });
}

static void test_older(void **state)
{
	(void)state;
	run_rounds(60001, (struct kind){ .is_1_2 = true, .numbers = 50 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_little_memory),
		cmocka_unit_test(test_few_numbers),
		cmocka_unit_test(test_no_secret),
		cmocka_unit_test(test_updated),
		cmocka_unit_test(test_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
