/*
 * test_pairs_property.c - conversations at random, damaged at random: whose response is it?
 *
 * A conversation is requests in flights and their responses; each response says its
 * request's number and is full of lines that look like answers. Some clients
 * ask on before they have read everything (pipelining in a window).
 *
 * Without damage each request gets its own answer, whole. With packets lost, cut
 * and swapped, with a begin that was not seen, and an end at any place: each
 * request that came out gets exactly one response, and one that is whole is its
 * own, byte for byte. A wrong pair never.
 *
 * Everything that HTTP and a capture may do besides is in conversation.c.
 *
 * Each round has its own seed, which a failure prints.
 */
#include "tests/rig/unit.h"
#include "tests/rig/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

#define ROUNDS 3000 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does */
#define ROUNDS_OF_EACH_MIX 1000
#define REQUESTS_MAX 32
#define PACKETS_MAX 8192

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

struct packet {
	bool server;
	uint8_t flags;
	uint32_t seq, ack;
	size_t at, len; /* in the bytes of its side */
	uint32_t missing;
};

struct talk {
	struct buffer side[2]; /* all that the client, and the server, sent */
	struct packet packets[PACKETS_MAX];
	size_t count;
	struct buffer want[REQUESTS_MAX]; /* the body of each response */
	unsigned requests;

	struct budget budget;
	unsigned number_of[REQUESTS_MAX + 1]; /* of the request that got this token */
	unsigned responses[REQUESTS_MAX];       /* to this request */
	unsigned tokens, whole, answered;
	uint64_t seed;
};

/* ---- what was said ---- */

static void add_body(struct buffer *body, unsigned number)
{
	static const char *const lures[] = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", "\r\n\r\n",
					     "0\r\n\r\n", "POST /0 HTTP/1.1\r\nContent-Length: 0\r\n\r\n" };

	buffer_printf(body, "answer %u ", number);
	for (uint32_t n = below(12); n > 0; n--) {
		if (below(4) == 0)
			buffer_add_str(body, lures[below(4)]);
		for (uint32_t k = below(60); k > 0; k--)
			buffer_add(body, &(uint8_t){ (uint8_t)('a' + below(26)) }, 1);
	}
}

static void add_packet(struct talk *t, bool server, size_t at, size_t len, uint8_t flags)
{
	assert_true(t->count < PACKETS_MAX);
	t->packets[t->count++] = (struct packet){ .server = server,
						  .flags = flags,
						  .seq = 1 + (uint32_t)at,
						  .ack = 1 + (uint32_t)t->side[!server].len,
						  .at = at,
						  .len = len };
}

/** send_bytes() - what was appended to a side since @from, in segments; often as the pieces of HTTP lie */
static void send_bytes(struct talk *t, bool server, size_t from)
{
	size_t end = t->side[server].len;

	while (from < end) {
		size_t len = below(3) ? end - from : 1 + below(300);

		len = len < end - from ? len : end - from;
		add_packet(t, server, from, len, TCP_ACK);
		from += len;
	}
}

static void ask(struct talk *t)
{
	size_t from = t->side[0].len, len = below(40);
	unsigned number = t->requests++;

	if (below(4) == 0) {
		buffer_printf(&t->side[0],
			      "POST /%u HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
			      number);
	} else {
		buffer_printf(&t->side[0], "POST /%u HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", number, len);
		for (size_t i = 0; i < len; i++)
			buffer_add(&t->side[0], "x", 1);
	}
	send_bytes(t, false, from);
}

static void response(struct talk *t, unsigned number)
{
	struct buffer *out = &t->side[1], *body = &t->want[number];
	size_t from = out->len;
	struct span rest, chunk = { 0 };

	if (below(5) == 0)
		buffer_add_str(out, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	if (below(8) == 0) {
		buffer_add_str(out, "HTTP/1.1 204 No Content\r\n\r\n");
		send_bytes(t, true, from);
		return;
	}
	add_body(body, number);
	if (below(2)) {
		buffer_printf(out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body->len);
		buffer_add_span(out, buffer_span(body));
	} else {
		buffer_add_str(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		for (rest = buffer_span(body); rest.len > 0;) {
			span_take(&rest, 1 + below((uint32_t)rest.len), &chunk);
			buffer_printf(out, "%zx\r\n", chunk.len);
			buffer_add_span(out, chunk);
			buffer_add_str(out, "\r\n");
		}
		buffer_add_str(out, "0\r\n\r\n");
	}
	send_bytes(t, true, from);
}

static void talk_make(struct talk *t, bool in_window)
{
	unsigned answered = 0;

	for (uint32_t flights = 1 + below(8); flights > 0; flights--) {
		unsigned last;

		for (uint32_t n = below(3) ? 1 : 1 + below(4); n > 0 && t->requests < REQUESTS_MAX; n--)
			ask(t);
		last = in_window && t->requests > 1 ? t->requests - 1 : t->requests;
		while (answered < last)
			response(t, answered++);
	}
	while (answered < t->requests)
		response(t, answered++);
	for (unsigned i = 0; i < t->requests; i++)
		assert_true(buffer_ok(&t->want[i]));
	assert_true(buffer_ok(&t->side[0]) && buffer_ok(&t->side[1]));
}

/* ---- what was captured ---- */

/** damage() - @requests_too: what the client sent as well */
static void damage(struct talk *t, uint32_t lost_of_1000, bool requests_too)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++) {
		struct packet p = t->packets[i];

		if (!requests_too && !p.server) {
			t->packets[kept++] = p;
			continue;
		}
		if (below(1000) < lost_of_1000)
			continue;
		if (below(2000) < lost_of_1000 && p.len > 0) { /* the snaplen */
			p.missing = 1 + below((uint32_t)p.len);
			p.len -= p.missing;
		}
		t->packets[kept++] = p;
		if (kept > 1 && below(1000) < lost_of_1000) {
			t->packets[kept - 1] = t->packets[kept - 2];
			t->packets[kept - 2] = p;
		}
	}
	t->count = kept;
	if (below(2) && kept > 0)
		t->count = below((uint32_t)kept);
}

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	return (struct head_decision){ .keep = KEEP_WHOLE, .response = true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct talk *t = ctx;
	struct span target;

	assert_non_null(m);
	assert_true(m->response_token == ++t->tokens);
	target = m->head.target;
	span_skip(&target, 1);
	t->number_of[t->tokens] = (unsigned)strtoul((const char *)target.at, NULL, 10);
	message_unref(m);
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct talk *t = ctx;
	unsigned number;

	assert_true(token >= 1 && token <= t->tokens);
	number = t->number_of[token];
	assert_true(number < t->requests);
	t->answered++;
	if (++t->responses[number] > 1)
		fail_msg("seed %llu: /%u has two responses", (unsigned long long)t->seed, number);
	assert_non_null(r);
	if (r->result == RESPONSE_WHOLE) {
		const struct buffer *want = &t->want[number];

		t->whole++;
		if (r->body_len != want->len || (want->len > 0 && memcmp(r->body, want->bytes, want->len) != 0))
			fail_msg("seed %llu: the answer to /%u is another's: %.*s", (unsigned long long)t->seed,
				 number, (int)(r->body_len < 40 ? r->body_len : 40), (const char *)r->body);
	}
	response_free(r);
}

static void feed(struct tracker *r, const struct talk *t, const struct packet *p, uint32_t isn,
		 int64_t now_ns)
{
	struct endpoint ends[2] = { { .addr = { [15] = 1 }, .port = 40000, .family = 4 },
				    { .addr = { [15] = 2 }, .port = 80, .family = 4 } };
	struct segment s = { .src = ends[p->server],
			     .dst = ends[!p->server],
			     .seq = isn + p->seq + (p->server ? 1000 : 0),
			     .ack = isn + p->ack + (p->server ? 0 : 1000),
			     .flags = p->flags,
			     .missing_bytes = p->missing,
			     .ts = { now_ns } };

	if (p->len > 0)
		s.payload = span_of(t->side[p->server].bytes + p->at, p->len);
	tracker_feed(r, &s);
}

static void run(struct talk *t, bool begun, bool closes)
{
	static const uint16_t ports[] = { 80 };
	struct http_stats stats = { 0 };
	struct http_tracker_options options = { .tracker.server_ports = ports,
					      .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 64 << 10,
					      .http.max_body = 1 << 20,
					      .tracker.idle_ns = 60 * NS_PER_S,
					      .tracker.budget = &t->budget,
					      .http.stats = &stats,
					      .http.keep_responses = true,
					      .http.max_response = 1 << 20 };
	struct protocol_sink sink = { t, on_head, on_request, NULL, on_response };
	const struct packet syn[] = { { .flags = TCP_SYN },
				      { .server = true, .flags = TCP_SYN | TCP_ACK, .ack = 1 } };
	uint32_t isn = below(2) ? UINT32_MAX - below(3000) : below(1000);
	struct tracker *r;

	budget_init(&t->budget, 1 << 28);
	r = http_tracker_new(&options, &sink);
	assert_non_null(r);
	for (size_t i = 0; begun && i < 2; i++)
		feed(r, t, &syn[i], isn, NS_PER_S);
	for (size_t i = 0; i < t->count; i++)
		feed(r, t, &t->packets[i], isn, NS_PER_S + (int64_t)(i + 1) * NS_PER_MS);
	if (closes)
		for (int server = 0; server < 2; server++)
			feed(r, t,
			     &(struct packet){ .server = server,
					       .flags = TCP_FIN | TCP_ACK,
					       .seq = 1 + (uint32_t)t->side[server].len,
					       .ack = 1 + (uint32_t)t->side[!server].len },
			     isn, 9 * NS_PER_S);
	tracker_finish(r);
	tracker_free(r);
	if (t->answered != t->tokens)
		fail_msg("seed %llu: %u responses to %u requests", (unsigned long long)t->seed, t->answered,
			 t->tokens);
	assert_int_equal(budget_used(&t->budget), 0);
}

static void talk_deinit(struct talk *t)
{
	buffer_deinit(&t->side[0]);
	buffer_deinit(&t->side[1]);
	for (unsigned i = 0; i < t->requests; i++)
		buffer_deinit(&t->want[i]);
}

static uint64_t rounds(void)
{
	return conversation_rounds(ROUNDS);
}

static struct talk *talk_new(uint64_t seed, bool in_window)
{
	struct talk *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	t->seed = seed;
	talk_make(t, in_window);
	return t;
}

static void test_undamaged(void **state)
{
	for (uint64_t seed = 1; seed <= rounds() / 4; seed++) {
		struct talk *t = talk_new(seed, seed % 2);

		run(t, true, seed % 3);
		if (t->whole != t->requests)
			fail_msg("seed %llu: %u of %u answers are whole", (unsigned long long)seed, t->whole,
				 t->requests);
		talk_deinit(t);
		free(t);
	}
}

static void test_damaged(void **state)
{
	static const uint32_t lost_of_1000[] = { 3, 20, 60, 200 };
	uint64_t whole[4] = { 0 }, asked[4] = { 0 };

	for (uint64_t seed = 1; seed <= rounds(); seed++) {
		bool in_window = seed % 5 == 0;
		struct talk *t = talk_new(seed, in_window);

		/* which request lies in a gap before answers that are ahead by one, nobody can know: see pairs.c */
		damage(t, lost_of_1000[seed % 4], !in_window);
		run(t, in_window || below(4) > 0, below(2));
		whole[seed % 4] += t->whole;
		asked[seed % 4] += t->tokens;
		talk_deinit(t);
		free(t);
	}
	for (int i = 0; i < 4; i++)
		print_message("%u of 1000 lost: %llu of %llu answers whole\n", lost_of_1000[i],
			      (unsigned long long)whole[i], (unsigned long long)asked[i]);
	/* who gives up at once makes no wrong pair either, but is no use */
	assert_true(whole[0] * 10 > asked[0] * 6);
	assert_true(whole[1] * 10 > asked[1] * 4);
}

static void test_conversations(void **state)
{
	conversation_test(true, ROUNDS_OF_EACH_MIX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undamaged),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_conversations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
