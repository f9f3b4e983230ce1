/*
 * test_property.c - conversations at random, damaged at random
 *
 * A conversation is a list of flights: requests that the client sends before it
 * waits for the responses. Its bodies are full of lines that look like requests.
 *
 * Without loss: however a flight is cut, shuffled, doubled and overlapped, at
 * whatever ISN, exactly its requests come out, in order.
 * With loss: what comes out is some of its requests, in order and unchanged,
 * never anything else; and the last flight, which is whole and follows an
 * answer, comes out whole.
 *
 * Everything that HTTP and a capture may do besides is in conversation.c; here
 * without the responses being kept, in test_pairs_property.c with them.
 *
 * Each round has its own seed, which a failure prints.
 */
#include "tests/rig/unit.h"
#include "tests/rig/conversation.h"
#include "tests/rig/tcp_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4000 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does */
#define ROUNDS_OF_EACH_MIX 1000
#define FLIGHTS_MAX 6
#define REQUESTS_MAX 24
#define PIECES_MAX 4096

static uint64_t rounds(void)
{
	return conversation_rounds(ROUNDS);
}

static uint64_t random_state;

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

/** struct talk - one conversation: the client's bytes, and what each request should look like */
struct talk {
	struct buffer bytes;
	size_t flight_end[FLIGHTS_MAX];
	unsigned flight_requests[FLIGHTS_MAX];
	unsigned flights, requests;
	char *want[REQUESTS_MAX];
};

static void add_body(struct buffer *body, size_t len)
{
	static const char *const lures[] = { "POST /evil HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
					     "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "0\r\n\r\n",
					     "HTTP/1.1 200 OK\r\n\r\n" };

	while (body->len < len) {
		if (below(3) == 0)
			buffer_add_str(body, lures[below(4)]);
		for (uint32_t n = below(200); n > 0; n--)
			buffer_add(body, &(uint8_t){ (uint8_t)rnd() }, 1);
	}
	body->len = len;
}

static void add_chunked(struct buffer *out, struct span body)
{
	static const char *const extensions[] = { "", ";a", ";a=b" };

	while (body.len > 0) {
		struct span chunk = { 0 };

		span_take(&body, 1 + below(body.len > 400 ? 400 : (uint32_t)body.len), &chunk);
		buffer_printf(out, "%zx%s\r\n", chunk.len, extensions[below(3)]);
		buffer_add_span(out, chunk);
		buffer_add_str(out, "\r\n");
	}
	buffer_add_str(out, below(2) ? "0\r\n\r\n" : "0\r\nTrailer: x\r\n\r\n");
}

static void add_request(struct talk *t, bool small)
{
	static const size_t sizes[] = { 0, 1, 60, 300, 1500, 9000, 40000 };
	struct buffer body = { 0 }, want = { 0 };
	uint8_t sum[DIGEST_SHA256_BYTES];
	struct digest *d = digest_new();
	unsigned n = t->requests++;

	assert_non_null(d);
	add_body(&body, sizes[below(small ? 4 : 7)]);
	digest_add(d, body.bytes, body.len);
	digest_finish(d, sum);
	digest_free(d);
	buffer_printf(&want, "POST /%u %zu %02x%02x%02x%02x;", n, body.len, sum[0], sum[1], sum[2], sum[3]);
	t->want[n] = strdup(buffer_text(&want));
	assert_non_null(t->want[n]);
	buffer_printf(&t->bytes, "POST /%u HTTP/1.1\r\nHost: h\r\n", n);
	for (uint32_t i = below(6); i > 0; i--)
		buffer_printf(&t->bytes, "Field-%u: %u\r\n", i, rnd());
	if (below(3) == 0) {
		buffer_add_str(&t->bytes, "Transfer-Encoding: chunked\r\n\r\n");
		add_chunked(&t->bytes, buffer_span(&body));
	} else {
		buffer_printf(&t->bytes, "Content-Length: %zu\r\n\r\n", body.len);
		buffer_add_span(&t->bytes, buffer_span(&body));
	}
	buffer_deinit(&body);
	buffer_deinit(&want);
}

static void talk_make(struct talk *t, bool pipelining)
{
	*t = (struct talk){ .flights = 1 + below(FLIGHTS_MAX) };
	for (unsigned f = 0; f < t->flights; f++) {
		t->flight_requests[f] = pipelining ? 1 + below(4) : 1;
		for (unsigned i = 0; i < t->flight_requests[f]; i++)
			add_request(t, pipelining);
		t->flight_end[f] = t->bytes.len;
	}
}

static void talk_free(struct talk *t)
{
	buffer_deinit(&t->bytes);
	for (unsigned i = 0; i < t->requests; i++)
		free(t->want[i]);
}

struct piece {
	size_t at, len;
};

/** cut() - the bytes from @from to @to in pieces, some of them again or overlapping; the count */
static size_t cut(size_t from, size_t to, bool overlap, struct piece *pieces)
{
	static const uint32_t sizes[] = { 1, 7, 100, 1448, 20000 };
	uint32_t most = sizes[below(to - from > 3000 ? 5 : 4)];
	size_t count = 0;

	if (to - from > 3000 && most < 100)
		most = 100;
	for (size_t at = from; at < to;) {
		size_t len = 1 + below(most);

		if (len > to - at)
			len = to - at;
		pieces[count++] = (struct piece){ at, len };
		at += len;
		if (overlap && below(4) == 0) {
			size_t back = below((uint32_t)(at - from)), more = back + below(30);

			pieces[count++] = (struct piece){ at - back - (back ? 0 : 1),
							  at + more - back > to ? to - (at - back) : more };
			if (pieces[count - 1].at < from || pieces[count - 1].len == 0)
				count--;
			else if (pieces[count - 1].at + pieces[count - 1].len > to)
				pieces[count - 1].len = to - pieces[count - 1].at;
		}
		assert_true(count < PIECES_MAX - 2);
	}
	return count;
}

static void shuffle(struct piece *pieces, size_t count, uint32_t window)
{
	for (size_t i = 0; i + 1 < count; i++) {
		size_t other = i + below(count - i < window ? (uint32_t)(count - i) : window);
		struct piece p = pieces[i];

		pieces[i] = pieces[other];
		pieces[other] = p;
	}
}

/** struct wire - the two ends while a conversation is fed */
struct wire {
	struct tcp_tap tap;
	uint32_t client_isn, server_isn, answered; /* answered: bytes of responses that were sent */
	int64_t now_ns;
	bool one_way;
};

static struct segment segment_of(struct wire *w, bool from_client)
{
	struct endpoint client = { .addr = { [15] = 1 }, .port = CLIENT_PORT, .family = 4 };
	struct endpoint server = { .addr = { [15] = 2 }, .port = SERVER_PORT, .family = 4 };

	w->now_ns += 1000;
	return (struct segment){ .src = from_client ? client : server,
				 .dst = from_client ? server : client,
				 .ts = { w->now_ns },
				 .flags = TCP_ACK };
}

static void send_client(struct wire *w, const struct talk *t, struct piece p, uint8_t flags)
{
	struct segment s = segment_of(w, true);

	s.seq = w->client_isn + 1 + (uint32_t)p.at;
	s.ack = w->server_isn + 1 + w->answered;
	s.flags |= flags;
	s.payload = buffer_span(&t->bytes);
	span_skip(&s.payload, p.at);
	span_truncate(&s.payload, p.len);
	tracker_feed(w->tap.r, &s);
}

static void send_server(struct wire *w, size_t acked, const char *bytes, uint8_t flags)
{
	struct segment s = segment_of(w, false);

	s.seq = w->server_isn + 1 + w->answered;
	s.ack = w->client_isn + 1 + (uint32_t)acked;
	s.flags |= flags;
	s.payload = span_str(bytes);
	w->answered += (uint32_t)s.payload.len;
	if (!w->one_way)
		tracker_feed(w->tap.r, &s);
}

static void handshake(struct wire *w)
{
	struct segment s = segment_of(w, true);

	s.flags = TCP_SYN;
	s.seq = w->client_isn;
	tracker_feed(w->tap.r, &s);
	s = segment_of(w, false);
	s.flags = TCP_SYN | TCP_ACK;
	s.seq = w->server_isn;
	s.ack = w->client_isn + 1;
	if (!w->one_way)
		tracker_feed(w->tap.r, &s);
}

static void wire_open(struct wire *w)
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

	*w = (struct wire){ .client_isn = UINT32_MAX - below(20000), .server_isn = rnd(), .now_ns = 1 };
	tcp_tap_open(&w->tap, &options, below(3) ? KEEP_WHOLE : KEEP_BORROWED);
	w->tap.brief = true;
}

static void whole_round(uint64_t seed)
{
	static struct piece pieces[PIECES_MAX];
	struct talk talk;
	struct wire w;
	struct buffer want = { 0 };
	size_t from = 0;

	random_state = seed;
	talk_make(&talk, below(2));
	wire_open(&w);
	w.one_way = below(4) == 0;
	handshake(&w);
	for (unsigned f = 0; f < talk.flights; f++) {
		size_t to = talk.flight_end[f], count = cut(from, to, true, pieces);

		shuffle(pieces, count, 1 + below(60));
		for (size_t i = 0; i < count; i++)
			send_client(&w, &talk, pieces[i], 0);
		for (unsigned i = 0; i < talk.flight_requests[f]; i++)
			send_server(&w, to, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0);
		if (f > 0 && below(2)) /* an old copy */
			send_client(&w, &talk, (struct piece){ 0, 1 + below((uint32_t)from) }, 0);
		from = to;
	}
	if (below(2))
		send_client(&w, &talk, (struct piece){ from, 0 }, TCP_FIN);
	for (unsigned i = 0; i < talk.requests; i++)
		buffer_add_str(&want, talk.want[i]);
	tcp_tap_close(&w.tap, NULL, "property");
	if (strcmp(buffer_text(&want), buffer_text(&w.tap.events)) != 0)
		fail_msg("seed %llu:\n  is:     %s\n  wanted: %s", (unsigned long long)seed,
			 buffer_text(&w.tap.events), buffer_text(&want));
	buffer_deinit(&want);
	buffer_deinit(&w.tap.events);
	talk_free(&talk);
}

static void test_without_loss(void **state)
{
	for (uint64_t seed = 1; seed <= rounds(); seed++)
		whole_round(seed * 0x9e3779b97f4a7c15U);
}

/** is_part_of() - are the events some of the wanted requests, in order, and losses? */
static bool is_part_of(const struct talk *t, char *events, unsigned *last_found)
{
	unsigned next = 0;
	char *rest = NULL;

	*last_found = UINT32_MAX;
	for (char *event = strtok_r(events, ";", &rest); event; event = strtok_r(NULL, ";", &rest)) {
		size_t len = strlen(event);

		if (event[0] == '!')
			continue;
		while (next < t->requests &&
		       (strncmp(t->want[next], event, len) != 0 || t->want[next][len] != ';'))
			next++;
		if (next == t->requests)
			return false;
		*last_found = next++;
	}
	return true;
}

static void lossy_round(uint64_t seed)
{
	static struct piece pieces[PIECES_MAX];
	uint32_t drop_one_in;
	unsigned last;
	struct talk talk;
	struct wire w;
	char *events;
	size_t from = 0;

	random_state = seed;
	talk_make(&talk, false);
	wire_open(&w);
	handshake(&w);
	drop_one_in = 2 + below(20);
	for (unsigned f = 0; f < talk.flights; f++) {
		size_t to = talk.flight_end[f], count = cut(from, to, false, pieces);

		for (size_t i = 0; i < count; i++)
			if (f + 1 == talk.flights || below(drop_one_in) != 0)
				send_client(&w, &talk, pieces[i], 0);
		if (below(4) == 0)
			send_server(&w, to, "HTTP/1.1 102 Processing\r\n\r\n", 0);
		send_server(&w, to, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0);
		from = to;
	}
	tcp_tap_close(&w.tap, NULL, "lossy property");
	events = strdup(buffer_text(&w.tap.events));
	assert_non_null(events);
	if (!is_part_of(&talk, events, &last) || last + 1 != talk.requests)
		fail_msg("seed %llu: of %u requests: %s", (unsigned long long)seed, talk.requests,
			 buffer_text(&w.tap.events));
	free(events);
	buffer_deinit(&w.tap.events);
	talk_free(&talk);
}

static void test_with_loss(void **state)
{
	for (uint64_t seed = 1; seed <= rounds(); seed++)
		lossy_round(seed * 0xd1342543de82ef95U);
}

static void test_conversations(void **state)
{
	conversation_test(false, ROUNDS_OF_EACH_MIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_loss),
		cmocka_unit_test(test_with_loss),
		cmocka_unit_test(test_conversations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
