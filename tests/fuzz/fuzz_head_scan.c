/*
 * fuzz_head_scan.c - heads that are scanned against heads that llhttp parses
 *
 * The same bytes of one connection go to two readers in step: one scans heads
 * that are whole and plain (head_scan.c), the other gives every byte to llhttp.
 * After each segment both must have said the same, to the byte, and know the
 * same of the connection.
 *
 * In the input, 0xff and a byte is a mark: the segment ends here, and what
 * follows is of the client or the server, in order or after a gap. So inputs
 * are nearly plain HTTP.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http1/http1_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** struct half - one of the two, and what it said as a number that depends on the order of everything */
struct half {
	struct budget budget;
	struct http_stats stats;
	struct stream_place responses;
	struct http_env env;
	struct http *http;
	uint64_t said;
	uint64_t number, number_said; /* of the last head that has one, and what it said from its begin on */
};

static void say(struct half *r, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	r->said = (r->said ^ len) * 1099511628211U;
	for (size_t i = 0; i < len; i++)
		r->said = (r->said ^ b[i]) * 1099511628211U;
}

static void say_span(struct half *r, struct span s)
{
	say(r, s.at, s.len);
}

static void say_head(struct half *r, const struct request_head *head)
{
	say_span(r, head->method);
	say_span(r, head->target);
	say(r, &head->version_major, 1);
	say(r, &head->version_minor, 1);
	for (size_t i = 0; i < head->header_count; i++) {
		say_span(r, head->headers[i].name);
		say_span(r, head->headers[i].value);
	}
}

/** check_number() - heads with the same number are the same */
static void check_number(struct half *r, const struct request_head *head)
{
	uint64_t said = r->said, alone;

	r->said = 0;
	say_head(r, head);
	alone = r->said;
	r->said = said;
	if (head->same == 0)
		return;
	if (head->same == r->number && alone != r->number_said)
		abort();
	r->number = head->same;
	r->number_said = alone;
}

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	struct half *r = ctx;
	enum keep keep = (enum keep)(head->target.len % 3); /* all three ways */

	say_head(r, head);
	check_number(r, head);
	say(r, &origin->ts_first, sizeof(origin->ts_first));
	return (struct head_decision){ keep, head->header_count % 2, 1, head->header_count % 3 == 0 };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct half *r = ctx;

	say(r, &out_of_memory, sizeof(out_of_memory));
	if (!m)
		return;
	say_head(r, &m->head);
	say(r, &m->origin.id, sizeof(m->origin.id));
	say(r, &m->origin.ts_last, sizeof(m->origin.ts_last));
	say(r, &m->body_len, sizeof(m->body_len));
	say(r, m->body, m->body_kept ? (size_t)m->body_len : 0);
	say(r, m->body_sha256, m->has_sha256 ? sizeof(m->body_sha256) : 0);
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	say(ctx, &reason, sizeof(reason));
	say(ctx, &origin->id, sizeof(origin->id));
}

static void reader_open(struct half *r, bool llhttp_only)
{
	struct protocol_sink sink = { r, on_head, on_request, on_lost };
	struct http1_options options = { .sink = sink, .max_body = 100, .budget = &r->budget, .stats = &r->stats };
	struct request_origin origin = { .client = { .port = 1 }, .server = { .port = 2 }, .connection = 1 };
	struct reader_start start = { .origin = origin, .server = &r->responses, .from_first_byte = true };

	*r = (struct half){ .responses = { .synced = true, .next = 1 }, .said = 14695981039346656037U };
	budget_init(&r->budget, 1 << 26);
	http_env_init(&r->env, &options);
	r->env.llhttp_only = llhttp_only;
	r->http = http_new(&r->env, &start);
	if (!r->http)
		abort();
}

static void reader_close(struct half *r)
{
	http_end(r->http, LOST_CUT_AT_END);
	http_free(&r->env, r->http);
	http_env_deinit(&r->env);
	if (budget_used(&r->budget) != 0)
		abort();
}

static bool requests_alike(const struct http *a, const struct http *b)
{
	const struct request *x = &a->requests.current, *y = &b->requests.current;
	bool same = a->requests.state == b->requests.state && a->requests.counted == b->requests.counted &&
		    a->client.unproven == b->client.unproven && a->client.pipelines == b->client.pipelines &&
		    a->client.sends_bodies == b->client.sends_bodies && a->at_hand.completed == b->at_hand.completed &&
		    a->upgrade.requested == b->upgrade.requested && a->upgrade.granted == b->upgrade.granted &&
		    x->seen == y->seen && x->finished == y->finished;

	if (a->requests.state != REQUEST_BODY)
		return same;
	return same && a->framing.chunked == b->framing.chunked && a->framing.expects == b->framing.expects &&
	       a->framing.body_left == b->framing.body_left && a->requests.head_ack == b->requests.head_ack &&
	       x->body_len == y->body_len;
}

static bool rounds_alike(const struct rounds *a, const struct rounds *b)
{
	const size_t from = offsetof(struct rounds, sent);

	return memcmp(&a->sent, &b->sent, offsetof(struct rounds, interims) - from) == 0;
}

/** in_response() - responses.c forgets the one at hand later than requests.c finds that it was misread */
static bool in_response(const struct http *h)
{
	return h->rounds.followed && h->responses.state >= RESPONSES_HEAD && h->responses.state <= RESPONSES_COUNTED;
}

static bool responses_alike(const struct http *a, const struct http *b)
{
	if (a->requests.state == REQUEST_OVER) /* no more is read; the one that ended HTTP was, as far as it was at hand */
		return true;
	if (!in_response(a) || !in_response(b))
		return in_response(a) == in_response(b);
	return a->responses.left == b->responses.left && a->responses.start == b->responses.start;
}

/** check_alike() - have both said the same, and do they know the same? */
static void check_alike(const struct half *x, const struct half *y)
{
	const struct http *a = x->http, *b = y->http;
	bool same = x->said == y->said && a->result == b->result && requests_alike(a, b) &&
		    rounds_alike(&a->rounds, &b->rounds) && responses_alike(a, b) &&
		    memcmp(&x->stats, &y->stats, sizeof(x->stats)) == 0;

	if (!same)
		abort();
}

enum mark { MARK_CUT, MARK_CLIENT, MARK_SERVER, MARK_CLIENT_HOLE, MARK_SERVER_HOLE, MARK_COUNT };

static void give(struct half *r, bool server, struct span bytes, uint32_t sent)
{
	struct chunk piece = { bytes, { 5 }, sent, r->responses.next, true };

	if (r->http->result != READER_LIVE)
		return;
	if (server) {
		piece.offset = r->responses.next;
		piece.peer_read = sent;
		r->responses.next += (uint32_t)bytes.len;
		http_server_bytes(r->http, &piece);
	} else {
		http_client_bytes(r->http, &piece);
	}
}

static void skip(struct half *r, enum mark mark, uint32_t bytes)
{
	if (r->http->result != READER_LIVE)
		return;
	if (mark == MARK_CLIENT_HOLE)
		http_client_gap(r->http, bytes, LOST_GAP);
	if (mark == MARK_SERVER_HOLE) {
		http_server_gap(r->http, bytes, LOST_GAP);
		r->responses.next += bytes;
	}
}

/** end_of_segment() - where the bytes from @at end: at a mark, or with the input */
static size_t end_of_segment(const uint8_t *data, size_t size, size_t at)
{
	while (at < size && (data[at] != 0xff || at + 1 == size))
		at++;
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct half r[2];
	uint32_t sent = 1;
	bool server = false;

	reader_open(&r[0], false);
	reader_open(&r[1], true);
	for (size_t at = 0; at < size;) {
		size_t end = end_of_segment(data, size, at);
		enum mark mark = end < size ? (enum mark)(data[end + 1] % MARK_COUNT) : MARK_CUT;
		uint32_t gap = end < size ? 1 + data[end + 1] : 0;

		if (end > at) {
			/* A copy of just this length, so that reading past its end is seen. */
			uint8_t *exact = malloc(end - at);

			if (!exact)
				abort();
			memcpy(exact, data + at, end - at);
			for (int i = 0; i < 2; i++)
				give(&r[i], server, span_of(exact, end - at), sent);
			free(exact);
			sent += server ? 0 : (uint32_t)(end - at);
			check_alike(&r[0], &r[1]);
		}
		for (int i = 0; i < 2; i++)
			skip(&r[i], mark, gap);
		check_alike(&r[0], &r[1]);
		sent += mark == MARK_CLIENT_HOLE ? gap : 0;
		if (mark != MARK_CUT)
			server = mark == MARK_SERVER || mark == MARK_SERVER_HOLE;
		at = end + 2;
	}
	for (int i = 0; i < 2; i++)
		reader_close(&r[i]);
	if (r[0].said != r[1].said)
		abort();
	return 0;
}
