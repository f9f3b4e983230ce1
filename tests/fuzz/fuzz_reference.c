/*
 * fuzz_reference.c - a conversation that the input drives, against a slow and obvious reference
 *
 * The input chooses requests (chunked, with a length, pipelined, with bodies
 * that quote requests), how each flight of them is cut, in which order the
 * pieces are captured, what is captured twice or not at all, and where another
 * byte than the true one comes first or later, and in which of two domains.
 *
 * The reference is an array: each byte of the client's stream has a place in
 * it, and who comes first fills it. At the end it is parsed with plain loops.
 * If every place was filled before the server acknowledged it, exactly its
 * requests must have come out; if not, some of them, in order, and nothing else.
 *
 * Other bytes are put only into bodies: elsewhere they would make other
 * requests, or none, and what servers think of those is the subject of fuzz_http1.c. Not
 * in two domains either, where they are the sign of two strangers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAM_MAX 16384
#define REQUESTS_MAX 40
#define PIECES_MAX 64
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- what is said --------------------------------------------------------- */

/** struct said - a request as a line of text: what the tracker and the reference are compared by */
struct said {
	char line[REQUESTS_MAX][64];
	unsigned count;
};

static void say(struct said *said, const uint8_t *method, size_t method_len, const uint8_t *target,
		size_t target_len, const uint8_t *body, size_t body_len)
{
	uint64_t hash = 14695981039346656037U;

	if (said->count == REQUESTS_MAX)
		abort();
	for (size_t i = 0; i < body_len; i++)
		hash = (hash ^ body[i]) * 1099511628211U;
	snprintf(said->line[said->count++], sizeof(said->line[0]), "%.*s %.*s %zu %llx", (int)method_len,
		 (const char *)method, (int)target_len, (const char *)target, body_len,
		 (unsigned long long)hash);
}

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	return (struct head_decision){ KEEP_WHOLE, false, 0, true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	if (!m || out_of_memory)
		abort();
	say(ctx, m->head.method.at, m->head.method.len, m->head.target.at, m->head.target.len, m->body,
	    (size_t)m->body_len);
	message_unref(m);
}

/* ---- the conversation -------------------------------------------------------- */

struct talk {
	struct span in;
	uint8_t sent[STREAM_MAX]; /* what the client sent */
	uint8_t seen[STREAM_MAX]; /* the reference: what was captured first */
	bool filled[STREAM_MAX];
	bool in_body[STREAM_MAX]; /* data of a body: another byte here makes no other request */
	size_t len;
	unsigned requests;
	struct said is, wanted;
	struct tracker *r;
	uint32_t client_isn, server_isn, answered;
	int64_t now_ns;
	bool missing; /* bytes were acknowledged that had not been captured: what comes later is too late */
	bool twin;    /* some segments come in another domain */
};

static uint8_t take(struct talk *t)
{
	uint8_t b = 0;

	span_u8(&t->in, &b);
	return b;
}

static size_t below(struct talk *t, size_t n)
{
	size_t v = take(t);

	if (n > 256)
		v = v << 8 | take(t);
	return n ? v % n : 0;
}

static void put(struct talk *t, const void *bytes, size_t len, bool body)
{
	memcpy(t->sent + t->len, bytes, len);
	memset(t->in_body + t->len, body, len);
	t->len += len;
}

static void put_text(struct talk *t, const char *text)
{
	put(t, text, strlen(text), false);
}

static size_t make_body(struct talk *t, uint8_t *body)
{
	static const char *const lures[] = { "POST /evil HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
					     "\r\n\r\nGET /evil HTTP/1.1\r\n\r\n", "0\r\n\r\n",
					     "HTTP/1.1 200 OK\r\n\r\n" };
	size_t want = below(t, 700), len = 0;

	while (len < want) {
		uint8_t how = take(t);

		if (how < 64) {
			const char *lure = lures[how % 4];

			memcpy(body + len, lure, strlen(lure));
			len += strlen(lure);
		} else {
			memset(body + len, how, how % 32 + 1);
			len += how % 32 + 1u;
		}
	}
	return want;
}

static void put_request(struct talk *t)
{
	uint8_t body[1024];
	size_t len, at = 0;
	char line[80];
	uint8_t how = take(t);

	if (how % 8 == 0) {
		snprintf(line, sizeof(line), "GET /%u HTTP/1.1\r\nHost: h\r\n\r\n", t->requests++);
		put_text(t, line);
		return;
	}
	snprintf(line, sizeof(line), "POST /%u HTTP/1.1\r\nHost: h\r\n", t->requests++);
	put_text(t, line);
	len = make_body(t, body);
	if (how % 8 < 5) {
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", len);
		put_text(t, line);
		put(t, body, len, true);
		return;
	}
	put_text(t, "Transfer-Encoding: chunked\r\n\r\n");
	while (at < len) {
		size_t chunk = 1 + below(t, len - at);

		snprintf(line, sizeof(line), how & 64 ? "%zx;x=y\r\n" : "%zX\r\n", chunk);
		put_text(t, line);
		put(t, body + at, chunk, true);
		put_text(t, "\r\n");
		at += chunk;
		if (at < len && t->len > STREAM_MAX - 4096) { /* no room for many small ones: the rest in one */
			snprintf(line, sizeof(line), "%zx\r\n", len - at);
			put_text(t, line);
			put(t, body + at, len - at, true);
			put_text(t, "\r\n");
			at = len;
		}
	}
	put_text(t, how & 128 ? "0\r\nA: b\r\n\r\n" : "0\r\n\r\n");
}

/* ---- the capture ---------------------------------------------------------------- */

static void feed(struct talk *t, bool client, uint8_t flags, uint32_t seq, uint32_t ack, struct span payload)
{
	struct endpoint a = { .addr = { [15] = 1 }, .port = 40000, .family = 4 };
	struct endpoint b = { .addr = { [15] = 2 }, .port = 80, .family = 4 };
	struct segment s = { .src = client ? a : b,
			     .dst = client ? b : a,
			     .payload = payload,
			     .ts = { t->now_ns += 1000 },
			     .seq = seq,
			     .ack = ack,
			     .flags = flags,
			     .domain = t->twin && (take(t) & 1) };

	tracker_feed(t->r, &s);
}

/** capture() - @len bytes from @at as one segment, with other bytes in the body where @forge says */
static void capture(struct talk *t, size_t at, size_t len, uint8_t forge)
{
	uint8_t *exact = malloc(len); /* of just this length, so that reading past its end is seen */

	if (!exact)
		abort();
	for (size_t i = 0; i < len; i++) {
		exact[i] = t->sent[at + i];
		if (forge && !t->twin && t->in_body[at + i])
			exact[i] ^= forge;
		if (!t->filled[at + i])
			t->seen[at + i] = exact[i];
		t->filled[at + i] = true;
	}
	feed(t, true, TCP_ACK | TCP_PSH, t->client_isn + 1 + (uint32_t)at, t->server_isn + 1 + t->answered,
	     span_of(exact, len));
	free(exact);
}

struct piece {
	size_t at, len;
};

static size_t cut(struct talk *t, size_t from, struct piece *pieces)
{
	size_t count = 0;

	while (from < t->len && count < PIECES_MAX) {
		size_t len = 1 + below(t, t->len - from);

		if (count + 1 == PIECES_MAX)
			len = t->len - from;
		pieces[count++] = (struct piece){ from, len };
		from += len;
	}
	return count;
}

static void capture_flight(struct talk *t, size_t from, bool losses)
{
	struct piece pieces[PIECES_MAX];
	size_t count = cut(t, from, pieces);

	while (count > 0) {
		size_t which = below(t, count);
		struct piece p = pieces[which];
		uint8_t how = take(t), forge = (how & 16) ? (uint8_t)(1 + (how & 2)) : 0;

		if (how < 0xe0 || !losses)
			capture(t, p.at, p.len, forge);
		if (how & 8) { /* a part of what was sent so far once more, and not always the same bytes */
			size_t at = below(t, t->len);

			capture(t, at, 1 + below(t, t->len - at), (how & 4) ? 3 : 0);
		}
		memmove(&pieces[which], &pieces[which + 1], (--count - which) * sizeof(pieces[0]));
	}
}

static void response(struct talk *t)
{
	t->missing |= memchr(t->filled, false, t->len) != NULL;
	feed(t, false, TCP_ACK | TCP_PSH, t->server_isn + 1 + t->answered, t->client_isn + 1 + (uint32_t)t->len,
	     SPAN_LITERAL(OK));
	t->answered += sizeof(OK) - 1;
}

/* ---- the reference ---------------------------------------------------------------- */

/** find() - where @what begins in the array from @at on; it must be there */
static size_t find(const struct talk *t, size_t at, const char *what)
{
	while (memcmp(t->seen + at, what, strlen(what)) != 0)
		if (++at > t->len)
			abort();
	return at;
}

static size_t hex(const struct talk *t, size_t at)
{
	return (size_t)strtoul((const char *)t->seen + at, NULL, 16);
}

/** parse() - the requests in the array */
static void parse(struct talk *t)
{
	size_t at = 0;

	while (at < t->len) {
		static uint8_t body[STREAM_MAX];
		size_t method = find(t, at, " "), target = find(t, method + 1, " "),
		       head = find(t, at, "\r\n\r\n") + 4;
		size_t len = 0, field = find(t, at, "\r\nHost: h\r\n") + 11, begin = at;

		if (memcmp(t->seen + field, "Content-Length: ", 16) == 0) {
			len = (size_t)strtoul((const char *)t->seen + field + 16, NULL, 10);
			memcpy(body, t->seen + head, len);
			at = head + len;
		} else if (t->seen[field] == 'T') {
			size_t chunk;

			for (at = head; (chunk = hex(t, at)) > 0; at += chunk + 2) {
				at = find(t, at, "\r\n") + 2;
				memcpy(body + len, t->seen + at, chunk);
				len += chunk;
			}
			at = find(t, at, "\r\n\r\n") + 4;
		} else {
			at = head;
		}
		say(&t->wanted, t->seen + begin, method - begin, t->seen + method + 1, target - method - 1,
		    body, len);
	}
}

static void compare(const struct talk *t, bool whole)
{
	unsigned next = 0;

	for (unsigned i = 0; i < t->is.count; i++, next++) {
		while (!whole && next < t->wanted.count && strcmp(t->is.line[i], t->wanted.line[next]) != 0)
			next++;
		if (next >= t->wanted.count || strcmp(t->is.line[i], t->wanted.line[next]) != 0) {
			fprintf(stderr, "nobody sent, or not here: %s\n", t->is.line[i]);
			abort();
		}
	}
	if (whole && t->is.count != t->wanted.count) {
		fprintf(stderr, "not found: %s\n", t->wanted.line[t->is.count]);
		abort();
	}
}

static void converse(struct talk *t, bool losses, unsigned flights)
{
	feed(t, true, TCP_SYN, t->client_isn, 0, (struct span){ 0 });
	feed(t, false, TCP_SYN | TCP_ACK, t->server_isn, t->client_isn + 1, (struct span){ 0 });
	for (unsigned f = 0; f < flights && t->len < STREAM_MAX - 8192; f++) {
		size_t from = t->len;
		unsigned count = losses ? 1 : 1 + take(t) % 3; /* a batch with a gap in it stays unseen */

		for (unsigned i = 0; i < count; i++)
			put_request(t);
		capture_flight(t, from, losses);
		for (unsigned i = 0; i < count; i++)
			response(t);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ports[] = { 80 };
	static struct talk t;
	struct budget budget;
	struct http_stats stats = { 0 };
	struct protocol_sink sink = { &t.is, on_head, on_request, NULL };
	struct http_tracker_options options = { .tracker.server_ports = ports,
					      .tracker.hold_bytes = 64 << 10,
					      .http.max_body = 1 << 20,
					      .tracker.idle_ns = 60 * NS_PER_S,
					      .tracker.budget = &budget,
					      .http.stats = &stats };
	uint8_t choice;

	memset(&t, 0, sizeof(t));
	t.in = span_of(data, size);
	t.now_ns = NS_PER_S;
	choice = take(&t);
	options.tracker.server_port_count = choice & 1;
	t.twin = choice & 2;
	t.client_isn = (choice & 4) ? UINT32_MAX - take(&t) : 5000000;
	t.server_isn = (choice & 8) ? UINT32_MAX - 20 : 3000000000;
	budget_init(&budget, 1 << 24);
	t.r = http_tracker_new(&options, &sink);
	if (!t.r)
		return 0;
	converse(&t, choice & 16, 1 + choice / 32);
	tracker_finish(t.r);
	for (size_t i = 0; i < t.len; i++) {
		if (!t.filled[i])
			t.seen[i] = t.sent[i];
	}
	parse(&t);
	compare(&t, !t.missing);
	tracker_free(t.r);
	if (budget_used(&budget) != 0)
		abort();
	return 0;
}
