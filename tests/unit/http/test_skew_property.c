/*
 * test_skew_property.c - what a tap does to the order of packets, at random
 *
 * A conversation is made packet by packet, each at its time, as client and
 * server would send them: requests in one segment or many, with and without
 * Expect, sometimes pipelined, bodies full of lines that look like requests,
 * acknowledgements and responses of their own, ends of both kinds. Then the tap: each direction is
 * late by itself, packets are late by some tenths of a millisecond, and single
 * ones are moved by up to a dozen places.
 *
 * Without loss: exactly the requests come out, in order, and no gap is told.
 * With loss of the client's packets: what comes out is some of them, in order and
 * unchanged, never anything else. There the client neither pipelines nor expects,
 * for what a lost head means then is plausible.c's matter and no question of order.
 *
 * Each round has its own seed, which a failure prints.
 */
#include "tests/rig/unit.h"
#include "tests/rig/tcp_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

#define ROUNDS 3000 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does */
#define REQUESTS_MAX 16
#define PACKETS_MAX 2048
#define PLACES_MAX 12

static uint64_t random_state;

static uint64_t rounds(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? strtoull(wish, NULL, 10) : ROUNDS;
}

static uint32_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static uint32_t below(uint32_t n)
{
	return rnd() % n;
}

/** struct packet - numbers are relative: a SYN has 0, the first byte 1 */
struct packet {
	int64_t ns; /* when it was sent; then, when it passes the tap */
	size_t number;
	uint32_t seq, ack, len;
	uint8_t flags;
	bool from_server;
};

/** struct talk - what both sides sent, and what each request should look like */
struct talk {
	struct buffer bytes[2]; /* the client's, the server's */
	uint32_t sent[2];       /* the next number of each */
	int64_t now_ns;
	struct packet packet[PACKETS_MAX];
	size_t packets;
	unsigned requests;
	char *want[REQUESTS_MAX];
};

static void emit(struct talk *t, bool from_server, uint8_t flags, uint32_t len, int64_t later_ns)
{
	assert_true(t->packets < PACKETS_MAX);
	t->packet[t->packets] = (struct packet){ .ns = t->now_ns + later_ns,
						 .number = t->packets,
						 .seq = t->sent[from_server],
						 .ack = t->sent[!from_server],
						 .len = len,
						 .flags = flags,
						 .from_server = from_server };
	t->packets++;
	t->sent[from_server] += len + ((flags & (TCP_SYN | TCP_FIN)) ? 1 : 0);
}

static void pass_us(struct talk *t, uint32_t most)
{
	t->now_ns += (20 + below(most)) * NS_PER_US;
}

/** say() - in segments, some of which the other side acknowledges at once */
static void say(struct talk *t, bool from_server, size_t from)
{
	size_t left = t->bytes[from_server].len - from;
	uint32_t most = below(3) ? 1448 : 1 + below(400);

	if (left / most > 100)
		most = 1448;
	while (left > 0) {
		uint32_t len = left < most ? (uint32_t)left : most;

		pass_us(t, 280);
		emit(t, from_server, TCP_ACK, len, 0);
		if (below(2))
			emit(t, !from_server, TCP_ACK, 0, 10 * NS_PER_US);
		left -= len;
	}
}

static void add_body(struct buffer *body, size_t len)
{
	static const char *const lures[] = { "POST /evil HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
					     "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n" };

	while (body->len < len) {
		if (below(3) == 0)
			buffer_add_str(body, lures[below(3)]);
		for (uint32_t n = below(200); n > 0; n--)
			buffer_add(body, &(uint8_t){ (uint8_t)rnd() }, 1);
	}
	body->len = len;
}

static void want_request(struct talk *t, struct span body)
{
	uint8_t sum[DIGEST_SHA256_BYTES];
	struct digest *d = digest_new();
	char text[80];

	assert_non_null(d);
	digest_add(d, body.at, body.len);
	digest_finish(d, sum);
	digest_free(d);
	snprintf(text, sizeof(text), "POST /%u %zu %02x%02x%02x%02x;", t->requests, body.len, sum[0], sum[1], sum[2],
		 sum[3]);
	t->want[t->requests] = strdup(text);
	assert_non_null(t->want[t->requests]);
	t->requests++;
}

static void add_body_of(struct buffer *out, struct span body, bool chunked)
{
	if (chunked && body.len > 0)
		buffer_printf(out, "%zx\r\n", body.len);
	buffer_add_span(out, body);
	if (chunked)
		buffer_add_str(out, body.len > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
}

/** ask() - one request, its head and body in one breath or apart; @expect: it may ask for a 100 first */
static void ask(struct talk *t, bool expect)
{
	static const size_t sizes[] = { 0, 1, 60, 300, 1500, 9000 };
	struct buffer body = { 0 }, *up = &t->bytes[0], *down = &t->bytes[1];
	bool chunked = below(4) == 0, expects, apart = below(2);
	size_t from = up->len;

	add_body(&body, sizes[below(6)]);
	expects = expect && body.len > 0 && below(5) == 0;
	if (expects) /* a body that begins with a request line is given up when its 100 is captured late: see plausible.c */
		body.bytes[0] = ' ';
	buffer_printf(up, "POST /%u HTTP/1.1\r\nHost: h\r\n", t->requests);
	if (expects)
		buffer_add_str(up, "Expect: 100-continue\r\n");
	if (chunked)
		buffer_add_str(up, "Transfer-Encoding: chunked\r\n\r\n");
	else
		buffer_printf(up, "Content-Length: %zu\r\n\r\n", body.len);
	if (expects || apart) {
		say(t, false, from);
		from = up->len;
	}
	if (expects) {
		size_t begin = down->len;

		buffer_add_str(down, "HTTP/1.1 100 Continue\r\n\r\n");
		say(t, true, begin);
	}
	add_body_of(up, buffer_span(&body), chunked);
	say(t, false, from);
	want_request(t, buffer_span(&body));
	buffer_deinit(&body);
}

static void reply(struct talk *t)
{
	struct buffer body = { 0 }, *down = &t->bytes[1];
	size_t from = down->len;

	add_body(&body, below(3) ? below(300) : below(5000));
	buffer_printf(down, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body.len);
	buffer_add_span(down, buffer_span(&body));
	pass_us(t, 5000);
	say(t, true, from);
	if (below(2))
		emit(t, false, TCP_ACK, 0, 10 * NS_PER_US);
	buffer_deinit(&body);
}

static void talk_make(struct talk *t, bool lossy)
{
	unsigned flights = 1 + below(6), most = !lossy && below(4) == 0 ? 3 : 1;

	*t = (struct talk){ .now_ns = 1700000000 * NS_PER_S };
	emit(t, false, TCP_SYN, 0, 0);
	pass_us(t, 500);
	emit(t, true, TCP_SYN | TCP_ACK, 0, 0);
	emit(t, false, TCP_ACK, 0, 10 * NS_PER_US);
	for (unsigned f = 0; f < flights; f++) {
		unsigned count = 1 + below(most);

		pass_us(t, below(3) ? 300 : 20000);
		for (unsigned i = 0; i < count && t->requests < REQUESTS_MAX; i++)
			ask(t, count == 1 && !lossy);
		for (unsigned i = 0; i < count; i++)
			reply(t);
	}
	if (below(3) == 0)
		return;
	pass_us(t, 1000);
	if (below(4) == 0) {
		emit(t, below(2), TCP_ACK | TCP_RST, 0, 10 * NS_PER_US);
		return;
	}
	emit(t, false, TCP_ACK | TCP_FIN, 0, 0);
	pass_us(t, 100);
	emit(t, true, TCP_ACK | TCP_FIN, 0, 0);
	emit(t, false, TCP_ACK, 0, 10 * NS_PER_US);
}

static void talk_free(struct talk *t)
{
	buffer_deinit(&t->bytes[0]);
	buffer_deinit(&t->bytes[1]);
	for (unsigned i = 0; i < t->requests; i++)
		free(t->want[i]);
}

static int by_time(const void *one, const void *other)
{
	const struct packet *a = one, *b = other;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static void move(struct talk *t, size_t from, size_t to)
{
	struct packet p = t->packet[from];

	p.ns = t->packet[to].ns;
	if (to > from)
		memmove(&t->packet[from], &t->packet[from + 1], (to - from) * sizeof(p));
	else
		memmove(&t->packet[to + 1], &t->packet[to], (from - to) * sizeof(p));
	t->packet[to] = p;
}

/** move_one() - a single packet passes some of the others, or is passed by them; it has the stamp of its place */
static void move_one(struct talk *t)
{
	size_t from = below((uint32_t)t->packets), places = 1 + below(PLACES_MAX);
	size_t to = below(2) ? from + places : from - (places < from ? places : from);

	move(t, from, to < t->packets ? to : t->packets - 1);
}

/** move_syn() - one may be late, but not behind more than the first data: else the connection seems to be joined late;
 * with loss not behind any, since the first data may be what is lost */
static void move_syn(struct talk *t, bool from_server, bool lossy)
{
	size_t syn = 0, other = 0;

	while (t->packet[syn].from_server != from_server || !(t->packet[syn].flags & TCP_SYN))
		syn++;
	while (other < syn && (t->packet[other].len == 0 || (!lossy && t->packet[other].seq == 1)))
		other++;
	if (other < syn)
		move(t, syn, other);
}

/** tap() - the order in which the capture sees them */
static void tap(struct talk *t, bool lossy)
{
	uint32_t late_us[2] = { below(2) ? below(8000) : 0, below(2) ? below(8000) : 0 };
	uint32_t jitter_us = below(3) ? below(1000) : 0;

	for (size_t i = 0; i < t->packets; i++)
		t->packet[i].ns += (late_us[t->packet[i].from_server] + (jitter_us ? below(jitter_us) : 0)) * NS_PER_US;
	qsort(t->packet, t->packets, sizeof(t->packet[0]), by_time);
	for (uint32_t n = below(4); n > 0; n--)
		move_one(t);
	move_syn(t, true, lossy);
	move_syn(t, false, lossy);
}

static void feed(struct tcp_tap *tap, const struct talk *t, const struct packet *p, const uint32_t isn[2])
{
	struct endpoint end[2] = { { .addr = { [15] = 1 }, .port = CLIENT_PORT, .family = 4 },
				   { .addr = { [15] = 2 }, .port = SERVER_PORT, .family = 4 } };
	struct segment s = { .src = end[p->from_server],
			     .dst = end[!p->from_server],
			     .ts = { p->ns },
			     .seq = isn[p->from_server] + p->seq,
			     .flags = p->flags };

	if (p->flags & TCP_ACK)
		s.ack = isn[!p->from_server] + p->ack;
	if (p->len > 0) {
		s.payload = buffer_span(&t->bytes[p->from_server]);
		span_skip(&s.payload, p->seq - 1);
		span_truncate(&s.payload, p->len);
	}
	tracker_feed(tap->r, &s);
}

static void read_talk(struct tcp_tap *tap, const struct talk *t, uint32_t lose_one_in)
{
	static const uint16_t ports[] = { SERVER_PORT };
	struct http_tracker_options options = {
		.tracker.server_ports = ports,
		.tracker.server_port_count = below(2),
		.tracker.hold_bytes = 256 << 10,
		.http.max_body = 1 << 20,
		.tracker.idle_ns = 60 * NS_PER_S,
		.http.llhttp_only = below(4) == 0,
	};
	uint32_t isn[2] = { UINT32_MAX - below(20000), rnd() };

	tcp_tap_open(tap, &options, below(3) ? KEEP_WHOLE : KEEP_BORROWED);
	tap->brief = true;
	for (size_t i = 0; i < t->packets; i++)
		if (lose_one_in == 0 || below(lose_one_in) > 0 || t->packet[i].from_server ||
		    (t->packet[i].flags & TCP_SYN))
			feed(tap, t, &t->packet[i], isn);
}

static uint64_t made, found;

/** is_part_of() - are the events some of the requests, in order, and losses? */
static bool is_part_of(const struct talk *t, const char *events)
{
	char *copy = strdup(events), *rest = NULL;
	unsigned next = 0;

	assert_non_null(copy);
	for (char *event = strtok_r(copy, ";", &rest); event; event = strtok_r(NULL, ";", &rest)) {
		size_t len = strlen(event);

		if (event[0] == '!')
			continue;
		while (next < t->requests && (strncmp(t->want[next], event, len) != 0 || t->want[next][len] != ';'))
			next++;
		if (next++ == t->requests) {
			free(copy);
			return false;
		}
		found++;
	}
	free(copy);
	return true;
}

static void round_of(uint64_t seed, bool lossy)
{
	static struct talk talk;
	struct buffer want = { 0 };
	struct tcp_tap t;
	bool right;

	random_state = seed;
	talk_make(&talk, lossy);
	tap(&talk, lossy);
	read_talk(&t, &talk, lossy ? 2 + below(40) : 0);
	for (unsigned i = 0; i < talk.requests; i++)
		buffer_add_str(&want, talk.want[i]);
	made += talk.requests;
	tcp_tap_close(&t, NULL, lossy ? "skew and loss" : "skew");
	right = is_part_of(&talk, buffer_text(&t.events));
	if (!lossy)
		right = strcmp(buffer_text(&want), buffer_text(&t.events)) == 0;
	if (!right)
		fail_msg("seed %llu:\n  is:     %s\n  wanted: %s", (unsigned long long)seed, buffer_text(&t.events),
			 buffer_text(&want));
	buffer_deinit(&want);
	buffer_deinit(&t.events);
	talk_free(&talk);
}

static void test_without_loss(void **state)
{
	made = found = 0;
	for (uint64_t seed = 1; seed <= rounds(); seed++)
		round_of(seed * 0x9e3779b97f4a7c15U, false);
	print_message("%llu of %llu requests found\n", (unsigned long long)found, (unsigned long long)made);
}

static void test_with_loss(void **state)
{
	made = found = 0;
	for (uint64_t seed = 1; seed <= rounds(); seed++)
		round_of(seed * 0xd1342543de82ef95U, true);
	print_message("%llu of %llu requests found\n", (unsigned long long)found, (unsigned long long)made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loss),
		cmocka_unit_test(test_with_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
