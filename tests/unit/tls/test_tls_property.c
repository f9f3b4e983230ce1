/*
 * test_tls_property.c - conversations of OpenSSL over TCP, cut, shuffled, repeated and damaged at random
 *
 * The inner reader is one that writes down what it is given. Without loss that is
 * the client's plaintext, to the byte. With loss each piece is one that the client sent, whole and in
 * order, a gap with a length has the right one, and every record of which no byte was
 * lost is there: that is what Wireshark does not do. It does not matter when the
 * secrets come: before, in the middle, or when the connection is over. By how much they
 * came late is counted if a record had waited for them, and only then. If they come when
 * nothing is kept for them any more, every record that begins behind that is there, and nothing before it.
 *
 * Each round has its own seed, which a failure tells.
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/dice.h"
#include "tests/rig/quiet_reader.h"
#include "tests/rig/tls_talk.h"
#include "tests/rig/tls_tap.h"
#include "tls/records.h"
#include "tls/tls_reader.h"

#define ROUNDS       150
#define WRITES_MAX   24
#define RECORDS_MAX  512
#define SEGMENTS_MAX 4096
#define CLIENT_ISN   1000
#define SERVER_ISN   0xfffff000u
#define SEGMENT_US   100 /* from one to the next */
#define QUIET_US     20000000 /* behind the last */
#define RANDOM_END   43 /* in a client's first record, which has it behind two headers and a version */

/* ---- the inner reader ---- */

/** struct piece - what it was told of the client: bytes, or a gap */
struct piece {
	size_t at; /* in the notes' bytes */
	size_t len;
	uint32_t gap; /* 0: bytes */
};

struct notes {
	struct buffer bytes;
	struct piece pieces[2 * RECORDS_MAX];
	size_t count;
	size_t server_bytes;
	unsigned readers, ends, half_ends;
	bool has_joined;
	const char *cipher;
	uint64_t next; /* offset that the next chunk has */
	uint64_t last_peer_read;
	struct reader reader;
};

static struct notes *notes_of(struct reader *r)
{
	return (struct notes *)((uint8_t *)r - offsetof(struct notes, reader));
}

static enum claim note_claims(struct span bytes, enum stream_side side, bool at_start)
{
	(void)bytes;
	return side != SIDE_CLIENT ? CLAIM_NONE : at_start ? CLAIM_LIKELY
							   : CLAIM_MAYBE;
}

static const struct reader_ops note_ops;

static struct reader *note_make(void *shared, const struct reader_start *start)
{
	struct notes *n = shared;

	assert_non_null(start->origin.tls); /* else it would pass for plain */
	n->cipher = start->origin.tls->cipher;
	n->has_joined = !start->from_first_byte;
	n->readers++;
	n->reader.ops = &note_ops;
	return &n->reader;
}

static enum reader_result note_client(struct reader *r, const struct chunk *chunk)
{
	struct notes *n = notes_of(r);

	assert_true(n->next == 0 || chunk->offset == n->next);
	assert_true(n->count < 2 * RECORDS_MAX);
	if (chunk->peer_known) {
		assert_true(chunk->peer_read >= n->last_peer_read);
		n->last_peer_read = chunk->peer_read;
	}
	n->next = chunk->offset + chunk->bytes.len;
	n->pieces[n->count++] = (struct piece){ n->bytes.len, chunk->bytes.len, 0 };
	buffer_add_span(&n->bytes, chunk->bytes);
	return READER_LIVE;
}

static enum reader_result note_server(struct reader *r, const struct chunk *chunk)
{
	notes_of(r)->server_bytes += chunk->bytes.len;
	return READER_LIVE;
}

static void note_gap(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now)
{
	struct notes *n = notes_of(r);

	(void)why;
	(void)now;
	if (side != SIDE_CLIENT)
		return;
	assert_true(bytes > 0);
	n->next = bytes == GAP_UNKNOWN || n->next == 0 ? 0 : n->next + bytes;
	n->pieces[n->count++] = (struct piece){ n->bytes.len, 0, bytes };
}

static bool note_half_end(struct reader *r, enum stream_side side)
{
	(void)side;
	notes_of(r)->half_ends++;
	return true;
}

static void note_end(struct reader *r, enum lost_reason why, bool seen)
{
	(void)why;
	(void)seen;
	notes_of(r)->ends++;
}

static void note_free(struct reader *r)
{
	notes_of(r)->readers--;
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
	.on_half_end = note_half_end,
	.on_end = note_end,
	.free = note_free,
};

/* ---- a conversation ---- */

/** struct truth - a record of the client's with data */
struct truth {
	size_t at, len;            /* in the plaintext */
	uint32_t wire, wire_len;   /* in what the client sent over TCP */
	bool touched;
};

struct talk_segment {
	bool of_server, lost;
	uint32_t at, ack; /* relative */
	struct span bytes;
};

struct story {
	struct tls_talk talk;
	struct tls_talk_options options;
	struct buffer plain;
	struct truth truths[RECORDS_MAX];
	size_t truth_count;
	size_t server_plain;
	size_t handshake_flights;
	uint32_t sent[2];
	struct talk_segment segments[SEGMENTS_MAX];
	size_t segment_count;
	size_t finished; /* with this segment, or one behind it, comes the first record that the secrets open */
	size_t told;     /* ahead of this one the secrets are */
	bool may_update, updates; /* keys change, have changed */
};

/** struct kind - of rounds */
struct kind {
	bool shuffles, losses;
	bool gives_up; /* nothing waits for its secrets for long */
	bool loses_hello; /* a segment of the server's first flight, or of what a client's hello has behind its random */
};

static void choose(struct dice *d, struct tls_talk_options *o)
{
	static const char *const newer[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
					     "TLS_AES_128_CCM_SHA256" };
	static const char *const older[] = { "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
					     "ECDHE-RSA-AES128-SHA256", "AES256-SHA" };

	*o = (struct tls_talk_options){ .version = one_in(d, 2) ? TLS1_2_VERSION : TLS1_3_VERSION };
	o->suite = o->version == TLS1_3_VERSION ? newer[below(d, 4)] : older[below(d, 4)];
	o->no_etm = one_in(d, 2);
	o->asks_again = o->version == TLS1_3_VERSION && one_in(d, 4);
	o->big_hello = one_in(d, 4);
	o->pads_to = one_in(d, 8) ? 256 : 0;
	o->fragment = one_in(d, 3) ? 512 + below(d, 4000) : 0;
}

/** note_flight() - the records of the client's last flight, which holds the last @len bytes of the plaintext */
static void note_flight(struct story *s, size_t len, uint32_t wire)
{
	struct span flight = buffer_span(&s->talk.flights[s->talk.flight_count - 1].bytes), first;
	size_t at = s->plain.len - len, most = s->options.fragment ? s->options.fragment : RECORD_PLAIN_MAX;
	struct record r;
	size_t records = 0;

	for (first = flight; record_take(&first, &r) == FRAMING_WHOLE; records++)
		;
	for (; record_take(&flight, &r) == FRAMING_WHOLE; records--) {
		uint32_t wire_len = (uint32_t)(RECORD_HEADER_BYTES + r.payload.len);

		if (records <= (len + most - 1) / most) { /* else it changes the keys */
			size_t n = len < most ? len : most;

			assert_true(s->truth_count < RECORDS_MAX);
			s->truths[s->truth_count++] = (struct truth){ at, n, wire, wire_len, false };
			at += n;
			len -= n;
		}
		wire += wire_len;
	}
	assert_int_equal(len, 0);
}

static void write_some(struct story *s, struct dice *d, int side)
{
	static const uint32_t sizes[] = { 1, 40, 300, 1400, 5000, 20000 };
	size_t len = 1 + below(d, sizes[below(d, 6)]), from = s->plain.len;
	struct buffer other = { 0 }, *into = side ? &other : &s->plain;
	uint32_t wire = s->sent[0];

	for (size_t i = 0; i < len; i++)
		buffer_add(into, &(uint8_t){ (uint8_t)below(d, 256) }, 1);
	if (s->options.version == TLS1_3_VERSION && one_in(d, s->may_update ? 8 : 1000)) {
		tls_talk_update(&s->talk, side);
		s->updates = true;
	}
	if (side) {
		tls_talk_write(&s->talk, 1, buffer_span(&other));
		s->server_plain += len;
	} else {
		struct span bytes = span_of(s->plain.bytes + from, len);

		tls_talk_write(&s->talk, 0, bytes);
		note_flight(s, len, wire);
	}
	s->sent[side] += (uint32_t)s->talk.flights[s->talk.flight_count - 1].bytes.len;
	buffer_deinit(&other);
}

static void hold_talk(struct story *s, struct dice *d)
{
	uint32_t writes = 1 + below(d, WRITES_MAX);

	memset(s, 0, sizeof(*s));
	choose(d, &s->options);
	s->may_update = !one_in(d, 3);
	tls_talk_init(&s->talk, &s->options);
	tls_talk_handshake(&s->talk);
	s->handshake_flights = s->talk.flight_count;
	for (size_t i = 0; i < s->handshake_flights; i++)
		s->sent[s->talk.flights[i].of_server] += (uint32_t)s->talk.flights[i].bytes.len;
	for (uint32_t i = 0; i < writes; i++) {
		write_some(s, d, 0);
		if (!one_in(d, 4))
			write_some(s, d, 1);
	}
}

static void lose(struct story *s, const struct talk_segment *lost)
{
	uint32_t end = lost->at + (uint32_t)lost->bytes.len;

	for (size_t i = 0; !lost->of_server && i < s->truth_count; i++)
		if (s->truths[i].wire < end && lost->at < s->truths[i].wire + s->truths[i].wire_len)
			s->truths[i].touched = true;
}

static void cut(struct story *s, struct dice *d, bool losses)
{
	uint32_t sent[2] = { 0 }, rate = 3 + below(d, 30);

	for (size_t i = 0; i < s->talk.flight_count; i++) {
		const struct tls_flight *f = &s->talk.flights[i];
		struct span rest = buffer_span(&f->bytes), part;

		if (i < s->handshake_flights && !f->of_server)
			s->finished = s->segment_count;
		while (rest.len > 0) {
			struct talk_segment *seg = &s->segments[s->segment_count++];
			size_t n = one_in(d, 3) ? 1 + below(d, 1448) : 1448;

			assert_true(s->segment_count < SEGMENTS_MAX);
			span_take(&rest, n < rest.len ? n : rest.len, &part);
			*seg = (struct talk_segment){ f->of_server, false, sent[f->of_server], sent[!f->of_server], part };
			sent[f->of_server] += (uint32_t)part.len;
			seg->lost = losses && i >= s->handshake_flights && one_in(d, rate);
			if (seg->lost)
				lose(s, seg);
		}
	}
}

/** is_inside() - does a segment hold a part of a record, and nothing else? Not of its header */
static bool is_inside(const struct talk_segment *seg, const struct truth *t)
{
	return !seg->of_server && seg->at >= t->wire + RECORD_HEADER_BYTES && seg->at + seg->bytes.len <= t->wire + t->wire_len;
}

/** forge() - what is left of records that are lost has, in up to six places, bytes that begin like a record of up to 16 KiB */
static void forge(struct story *s, struct dice *d)
{
	int left = 6;

	for (size_t i = 0; i < s->truth_count; i++) {
		for (size_t j = 0; s->truths[i].touched && left > 0 && j < s->segment_count; j++) {
			const struct talk_segment *seg = &s->segments[j];
			const uint8_t header[] = { RECORD_APPLICATION_DATA, 3, 3, (uint8_t)below(d, 0x41), (uint8_t)below(d, 256) };

			if (seg->lost || seg->bytes.len < sizeof(header) || !is_inside(seg, &s->truths[i]) || !one_in(d, 4))
				continue;
			memcpy((uint8_t *)seg->bytes.at + below(d, (uint32_t)(seg->bytes.len - 4)), header, sizeof(header));
			left--;
		}
	}
}

/** lose_hello() - in some segment of it; and is the connection to be read all the same? */
static bool lose_hello(struct story *s, struct dice *d)
{
	bool of_server = !s->options.big_hello || one_in(d, 2);
	size_t candidates[64], count = 0;

	for (size_t i = 0; i < s->segment_count && count < 64 && s->segments[i].of_server == of_server; i++)
		if (s->segments[i].at >= RANDOM_END || of_server)
			candidates[count++] = i;
	for (size_t i = 0; of_server && i < s->segment_count && count < 64; i++)
		if (s->segments[i].of_server && s->segments[i].at < 1448)
			candidates[count++] = i;
	if (count == 0)
		return false;
	count = below(d, (uint32_t)count);
	s->segments[candidates[count]].lost = true;
	return s->options.version == TLS1_3_VERSION;
}

/* ---- over TCP ---- */

struct run {
	struct notes notes;
	struct tls_tap tap;
};

static void feed(struct run *r, bool of_server, uint32_t at, uint32_t ack, uint8_t flags, struct span bytes)
{
	static const struct endpoint ends[2] = { { .family = 4, .addr = { 10, 0, 0, 1 }, .port = 40000 },
						 { .family = 4, .addr = { 10, 0, 0, 2 }, .port = 443 } };
	struct segment s = { .src = ends[of_server],
			     .dst = ends[!of_server],
			     .payload = bytes,
			     .ts = { r->tap.now += SEGMENT_US * NS_PER_US },
			     .seq = (of_server ? SERVER_ISN : CLIENT_ISN) + at,
			     .ack = (of_server ? CLIENT_ISN : SERVER_ISN) + ack,
			     .flags = flags };

	tracker_feed(r->tap.tracker, &s);
	tls_look(&r->tap.lane, 0);
}

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	secrets_add(ctx, entry, (struct mono){ 0 });
}

static void tell_secrets(struct run *r, const struct story *s)
{
	struct key_log_sink sink = { r->tap.secrets, on_entry, NULL };
	struct key_log log = { 0 };

	key_log_feed(&log, buffer_span(&s->talk.key_log), &sink);
	key_log_end(&log, &sink);
}

static void open_run(struct run *r, int64_t wait_ns)
{
	memset(r, 0, sizeof(*r));
	tls_tap_open(&r->tap, &(struct tls_tap_options){
				      .inner = { &note_ops, &r->notes },
				      .memory = 64 << 20,
				      .connections = 100,
				      .wait_ns = wait_ns,
				      .reads_servers = true,
			      });
}

static void close_run(struct run *r)
{
	tls_tap_finish(&r->tap);
	tls_tap_close(&r->tap);
	assert_int_equal(r->notes.readers, 0);
}

static void run_story(struct run *r, struct story *s, struct dice *d, const struct kind *kind)
{
	bool shuffles = kind->shuffles;
	static size_t order[SEGMENTS_MAX];
	uint8_t plain = TCP_ACK | TCP_PSH;

	s->told = below(d, 3) == 0 ? 0 : below(d, (uint32_t)s->segment_count + 20);
	for (size_t i = 0; i < s->segment_count; i++)
		order[i] = i;
	for (size_t i = 0; shuffles && i + 3 < s->segment_count; i++)
		if (one_in(d, 4)) {
			size_t other = i + 1 + below(d, 3), was = order[i];

			order[i] = order[other];
			order[other] = was;
		}
	feed(r, false, 0, 0, TCP_SYN, span_of(NULL, 0));
	feed(r, true, 0, 1, TCP_SYN | TCP_ACK, span_of(NULL, 0));
	for (size_t i = 0; i < s->segment_count; i++) {
		const struct talk_segment *seg = &s->segments[order[i]];

		if (i == s->told)
			tell_secrets(r, s);
		if (seg->lost)
			continue;
		feed(r, seg->of_server, seg->at + 1, seg->ack + 1, plain, seg->bytes);
		if (shuffles && one_in(d, 6))
			feed(r, seg->of_server, seg->at + 1, seg->ack + 1, plain, seg->bytes);
	}
	feed(r, true, s->sent[1] + 1, s->sent[0] + 1, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	feed(r, false, s->sent[0] + 1, s->sent[1] + 2, TCP_FIN | TCP_ACK, span_of(NULL, 0));
	r->tap.now += QUIET_US * NS_PER_US;
	tracker_pass_time(r->tap.tracker, (struct wall){ r->tap.now });
	if (s->told >= s->segment_count && !kind->gives_up) {
		assert_int_equal(r->notes.count, 0);
		tell_secrets(r, s);
		tls_look(&r->tap.lane, QUIET_US * NS_PER_US);
	}
}

/** mark_passed() - what began before the secrets came, and had its header there, when nothing was kept for them */
static size_t mark_passed(struct story *s)
{
	uint32_t there = 0;
	size_t first = 0;

	for (size_t i = 0; i < s->told && i < s->segment_count; i++)
		if (!s->segments[i].of_server)
			there = s->segments[i].at + (uint32_t)s->segments[i].bytes.len;
	while (first < s->truth_count && s->truths[first].wire + RECORD_HEADER_BYTES <= there)
		s->truths[first++].touched = true;
	return first;
}

/* One of which a byte was lost cannot be opened, and one of a single byte may be equal to the next */
static bool is_piece(const struct story *s, const struct truth *t, const struct notes *n, const struct piece *p, size_t at)
{
	return !t->touched && t->len == p->len && (at == SIZE_MAX || at == t->at) &&
	       memcmp(s->plain.bytes + t->at, n->bytes.bytes + p->at, p->len) == 0;
}

/* Each piece is a record of the truth, in order; a gap with a length leads to the right one; no record is missing that was whole */
static void check(const struct story *s, const struct notes *n, size_t next, uint64_t seed)
{
	bool known = next == 0;
	size_t at = 0;

	for (size_t i = 0; i < n->count; i++) {
		const struct piece *p = &n->pieces[i];

		if (p->gap) {
			/* a padded record that is lost, and the first of its kind, is taken for one that isn't */
			known &= p->gap != GAP_UNKNOWN && !s->options.pads_to;
			at += p->gap;
			continue;
		}
		while (next < s->truth_count && !is_piece(s, &s->truths[next], n, p, known ? at : SIZE_MAX)) {
			if (!s->truths[next].touched)
				fail_msg("seed %llu: record %zu is missing", (unsigned long long)seed, next);
			next++;
		}
		if (next == s->truth_count)
			fail_msg("seed %llu: piece %zu is none of the client's, or not where it was told", (unsigned long long)seed, i);
		known = true;
		at = s->truths[next].at + s->truths[next].len;
		next++;
	}
	for (; next < s->truth_count; next++)
		if (!s->truths[next].touched)
			fail_msg("seed %llu: record %zu is missing at the end", (unsigned long long)seed, next);
}

/** first_data() - the segment that completes the client's first record with data */
static size_t first_data(const struct story *s)
{
	uint32_t end = s->truths[0].wire + s->truths[0].wire_len;
	size_t i = 0;

	while (s->segments[i].of_server || s->segments[i].at + s->segments[i].bytes.len < end)
		i++;
	return i;
}

/* In order each segment is one moment. What the secrets open first lies between the handshake's last flight and the data. */
static void check_late_in_order(const struct story *s, const struct histogram *late, uint64_t seed)
{
	bool at_end = s->told >= s->segment_count;
	uint64_t asked_us = at_end ? (s->segment_count - 1) * SEGMENT_US + QUIET_US : s->told * SEGMENT_US;
	size_t data = first_data(s);

	if (s->told <= s->finished ? late->count > 0 : s->told > data && late->count == 0)
		fail_msg("seed %llu: %llu waited, with secrets ahead of %zu, the handshake's end in %zu and data in %zu",
			 (unsigned long long)seed, (unsigned long long)late->count, s->told, s->finished, data);
	if (late->count > 0 && (late->max + data * SEGMENT_US < asked_us || late->max + s->finished * SEGMENT_US > asked_us))
		fail_msg("seed %llu: %llu us late", (unsigned long long)seed, (unsigned long long)late->max);
}

static void check_late(const struct story *s, const struct run *r, bool in_order, uint64_t seed)
{
	static struct histogram late;

	memset(&late, 0, sizeof(late));
	histogram_take(&late, &r->tap.late_us);
	assert_true(late.count <= (s->told > 0));
	if (in_order)
		check_late_in_order(s, &late, seed);
}

/* Each piece is a record of the truth, in order */
static void check_order(const struct story *s, const struct notes *n, uint64_t seed)
{
	size_t next = 0;

	for (size_t i = 0; i < n->count; i++) {
		while (next < s->truth_count && !n->pieces[i].gap && !is_piece(s, &s->truths[next], n, &n->pieces[i], SIZE_MAX))
			next++;
		if (next == s->truth_count)
			fail_msg("seed %llu: piece %zu is none of the client's", (unsigned long long)seed, i);
		next += !n->pieces[i].gap;
	}
}

/** check_joined() - the secrets came when nothing was kept for them */
static void check_joined(struct story *s, const struct run *r, const struct kind *kind, uint64_t seed)
{
	bool is_exact = !kind->shuffles && !kind->losses && !s->updates;
	size_t first = is_exact ? mark_passed(s) : 0;

	assert_true(r->notes.count == 0 || r->notes.has_joined);
	if (is_exact)
		check(s, &r->notes, first, seed);
	else
		check_order(s, &r->notes, seed);
	if (is_exact && first < s->truth_count)
		assert_int_equal(counter_get(&r->tap.stats.tls_fate[TLS_READ]), 1);
}

/* Of TLS 1.2 a ServerHello has a part of the keys, and where the client's random is lost nothing can be known */
static void check_helloless(const struct story *s, const struct run *r, uint64_t seed)
{
	if (s->options.version != TLS1_3_VERSION && counter_get(&r->tap.stats.tls_fate[TLS_LOST]) == 1) {
		assert_int_equal(r->notes.count, 0);
		return;
	}
	check(s, &r->notes, 0, seed);
	assert_string_equal(r->notes.cipher, SSL_CIPHER_standard_name(SSL_get_current_cipher(s->talk.ssl[0])));
	assert_int_equal(r->notes.bytes.len, s->plain.len);
	assert_int_equal(counter_get(&r->tap.stats.tls_fate[TLS_READ]), 1);
}

static void check_read(const struct story *s, const struct run *r, const struct kind *kind, uint64_t seed)
{
	assert_false(r->notes.has_joined);
	if (r->notes.count == 0 && kind->losses) /* nothing of the client's was whole */
		for (size_t i = 0; i < s->truth_count; i++)
			assert_true(s->truths[i].touched);
	check(s, &r->notes, 0, seed);
	check_late(s, r, !kind->shuffles && !kind->losses, seed);
	if (kind->losses)
		return;
	/* captured ahead of all that is the client's, the notes don't claim them */
	assert_true(kind->shuffles || r->notes.server_bytes == s->server_plain);
	assert_int_equal(r->notes.bytes.len, s->plain.len);
	assert_int_equal(counter_get(&r->tap.stats.tls_fate[TLS_READ]), 1);
}

static void free_story(struct story *s)
{
	tls_talk_deinit(&s->talk);
	buffer_deinit(&s->plain);
}

/** gave_up() - the secrets had not come when nothing was kept for them any more */
static bool gave_up(const struct run *r)
{
	return counter_get(&r->tap.stats.tls_after_wait) > 0 || counter_get(&r->tap.stats.tls_fate[TLS_NO_KEYS]) > 0;
}

static void run_rounds(uint64_t first, struct kind kind)
{
	static struct story story;
	static struct run run;
	uint64_t rounds = getenv("PROPERTY_ROUNDS") ? strtoull(getenv("PROPERTY_ROUNDS"), NULL, 10) / 10 : ROUNDS;
	uint64_t joined = 0, hello_losses = 0;

	for (uint64_t seed = first; seed < first + rounds; seed++) {
		struct dice d = dice_of_seed(seed);

		hold_talk(&story, &d);
		cut(&story, &d, kind.losses);
		if (kind.losses && one_in(&d, 2))
			forge(&story, &d);
		if (kind.loses_hello)
			hello_losses += lose_hello(&story, &d);
		open_run(&run, kind.gives_up ? below(&d, 60) * SEGMENT_US * NS_PER_US : NS_PER_S * 1000);
		run_story(&run, &story, &d, &kind);

		close_run(&run);
		assert_int_equal(counter_get(&run.tap.stats.tls_seen), 1);
		joined += counter_get(&run.tap.stats.tls_after_wait);
		if (kind.loses_hello)
			check_helloless(&story, &run, seed);
		else if (kind.gives_up && gave_up(&run))
			check_joined(&story, &run, &kind, seed);
		else
			check_read(&story, &run, &kind, seed);
		buffer_deinit(&run.notes.bytes);
		free_story(&story);
	}
	assert_true(joined >= kind.gives_up * (rounds / 10));
	assert_true(hello_losses >= kind.loses_hello * (rounds / 10));
}

static void test_in_order(void **state)
{
	(void)state;
	run_rounds(1, (struct kind){ 0 });
}

static void test_shuffled(void **state)
{
	(void)state;
	run_rounds(100001, (struct kind){ .shuffles = true });
}

static void test_lost(void **state)
{
	(void)state;
	run_rounds(200001, (struct kind){ .losses = true });
}

static void test_lost_and_shuffled(void **state)
{
	(void)state;
	run_rounds(300001, (struct kind){ .shuffles = true, .losses = true });
}

static void test_given_up(void **state)
{
	(void)state;
	run_rounds(400001, (struct kind){ .gives_up = true });
}

static void test_given_up_and_lost(void **state)
{
	(void)state;
	run_rounds(500001, (struct kind){ .gives_up = true, .shuffles = true, .losses = true });
}

static void test_lost_hello(void **state)
{
	(void)state;
	run_rounds(600001, (struct kind){ .loses_hello = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_shuffled),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_and_shuffled),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_given_up_and_lost),
		cmocka_unit_test(test_lost_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
