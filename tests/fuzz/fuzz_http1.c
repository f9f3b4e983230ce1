/*
 * fuzz_http1.c - the bytes of one connection, both directions, with cuts and gaps
 *
 * In the input, 0xff and a byte is a mark: the segment ends here, and what
 * follows is of the client or the server, in order or after a gap. So inputs
 * are nearly plain HTTP, and the dictionary of a fuzzer helps.
 *
 * Besides the books, what comes out must not depend on how bytes are cut: if
 * nothing is missing and the first thing that a connection yields is a request,
 * the same bytes in one segment must yield the same. (After something was
 * malformed the cuts do matter: a request is looked for where segments begin.)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http1/http1_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIRST_TOKEN (UINT64_C(3) << 48)

/** struct outcome - what a run said, as one number that depends on the order of everything */
struct outcome {
	uint64_t hash, requests, losses;
	uint64_t asked, answered; /* with a token; with their response */
	uint64_t first; /* the hash when the first request was complete; 0 if a loss came first, or nothing */
};

static void mix(struct outcome *o, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		o->hash = (o->hash ^ b[i]) * 1099511628211U;
}

static struct head_decision on_head(void *ctx, const struct request_head *head,
				    const struct request_origin *origin)
{
	struct outcome *o = ctx;

	if (head->version_major != 1 || head->method.len == 0 || origin->ts_last.ns != 0)
		abort();
	mix(o, head->method.at, head->method.len);
	mix(o, head->target.at, head->target.len);
	for (size_t i = 0; i < head->header_count; i++) {
		mix(o, head->headers[i].name.at, head->headers[i].name.len);
		mix(o, head->headers[i].value.at, head->headers[i].value.len);
	}
	return (struct head_decision){ head->target.len % 5 == 1 ? KEEP_BORROWED : KEEP_WHOLE, true, 1,
				       .response = head->target.len % 4 != 3 };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct outcome *o = ctx;

	o->requests++;
	if (!m || out_of_memory)
		abort();
	if (m->response_token && m->response_token != FIRST_TOKEN + ++o->asked)
		abort();
	mix(o, m->head.target.at, m->head.target.len);
	for (size_t i = 0; i < m->head.header_count; i++)
		mix(o, m->head.headers[i].value.at, m->head.headers[i].value.len);
	mix(o, &m->body_len, sizeof(m->body_len));
	mix(o, m->body, m->body_kept ? m->body_len : 0);
	mix(o, m->body_sha256, m->has_sha256 ? sizeof(m->body_sha256) : 0);
	if (o->requests == 1 && o->losses == 0)
		o->first = o->hash;
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct outcome *o = ctx;

	o->losses++;
	mix(o, &reason, sizeof(reason));
}

static void on_response(void *ctx, uint64_t token, struct response *response)
{
	struct outcome *o = ctx;

	if (!response || token <= FIRST_TOKEN || token > FIRST_TOKEN + o->asked)
		abort();
	if (response->result != RESPONSE_WHOLE && (response->body || response->last_byte_us != -1))
		abort();
	if (response->first_byte_us < -1 || response->body_len > response->body_cap || response->body_len > 1 << 10)
		abort();
	o->answered++;
	response_free(response);
}

enum mark { MARK_CUT, MARK_CLIENT, MARK_SERVER, MARK_CLIENT_HOLE, MARK_SERVER_HOLE, MARK_COUNT };

/** run() - the input as one connection, with its plain cuts if @cuts. False: it has gaps or answers */
static bool run(const uint8_t *data, size_t size, bool cuts, bool responses_too, struct outcome *o)
{
	struct budget budget;
	struct http_stats stats = { 0 };
	struct protocol_sink sink = { o, on_head, on_request, on_lost, on_response };
	struct http1_options options = { .sink = sink,
					      .max_body = 1 << 20,
					      .budget = &budget,
					      .stats = &stats,
					      .keep_responses = responses_too,
					      .max_response = 1 << 10,
					      .first_token = FIRST_TOKEN };
	struct request_origin origin = { .client = { .port = 1 }, .server = { .port = 2 }, .connection = 1 };
	struct stream_place responses = { .synced = true, .next = 1, .seen = true };
	struct reader_start start = { .origin = origin, .server = &responses, .from_first_byte = true };
	uint32_t sent = 1;
	struct http_env env;
	struct http *h;
	bool server = false, simple = true;
	uint8_t *stretch = malloc(size + 1);
	size_t len = 0;
	uint64_t lost = 0;

	if (!stretch)
		return false;
	budget_init(&budget, 1 << 26);
	http_env_init(&env, &options);
	h = http_new(&env, &start);
	if (!h)
		abort();
	for (size_t i = 0; i <= size; i++) {
		bool end = i == size;
		enum mark mark = MARK_CUT;

		if (!end && (data[i] != 0xff || i + 1 == size)) {
			stretch[len++] = data[i];
			continue;
		}
		if (!end)
			mark = (enum mark)(data[++i] % MARK_COUNT);
		if (!end && mark == MARK_CUT && !cuts)
			continue;
		if (len > 0 && h->result == READER_LIVE) {
			/* A copy of just this length, so that reading past its end is seen. */
			uint8_t *exact = malloc(len);
			struct chunk piece = { span_of(exact, len), { 5 }, sent, server ? sent : responses.next, true };

			if (!exact)
				abort();
			memcpy(exact, stretch, len);
			if (server) {
				piece.offset = responses.next;
				responses.next += (uint32_t)len;
				http_server_bytes(h, &piece);
			} else {
				sent += (uint32_t)len;
				http_client_bytes(h, &piece);
			}
			free(exact);
		}
		len = 0;
		if (mark == MARK_CLIENT_HOLE && h->result == READER_LIVE)
			http_client_gap(h, 1 + data[i] * 3, LOST_GAP);
		if (mark == MARK_CLIENT_HOLE)
			sent += 1 + data[i] * 3;
		if (mark == MARK_SERVER_HOLE && h->result == READER_LIVE)
			http_server_gap(h, 1 + data[i], data[i] % 2 ? LOST_GAP : LOST_TRUNCATED);
		if (mark == MARK_SERVER_HOLE)
			responses.next += 1 + data[i];
		simple = simple && mark == MARK_CUT;
		if (mark != MARK_CUT)
			server = mark == MARK_SERVER || mark == MARK_SERVER_HOLE;
	}
	if (size % 3 == 0 && h->result == READER_LIVE)
		http_server_end(h);
	http_end(h, LOST_CUT_AT_END);
	http_free(&env, h);
	http_env_deinit(&env);
	for (int i = 0; i < LOST_REASON_COUNT; i++)
		lost += counter_get(&stats.lost[i]);
	if (counter_get(&stats.seen) != counter_get(&stats.complete) + lost || o->losses != lost ||
	    o->requests != counter_get(&stats.complete) || budget_used(&budget) != 0 || o->asked != o->answered)
		abort();
	free(stretch);
	return simple;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome pieces = { .hash = 14695981039346656037U }, whole = pieces, kept = pieces;
	bool simple = run(data, size, true, false, &pieces);

	run(data, size, true, true, &kept);
	if (kept.hash != pieces.hash || kept.requests != pieces.requests) /* who keeps answers finds the same requests */
		abort();
	run(data, size, false, true, &whole);
	if (simple && pieces.first != whole.first)
		abort();
	return 0;
}
