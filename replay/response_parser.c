/*
 * response_parser.c - see response_parser.h
 *
 * Theory of operation: llhttp finds the end of each message. Interim responses
 * (100, 102, 103) are stepped over; a final one pauses the parser at its end,
 * so that a byte too many is seen and the connection is not used again
 * (RFC 9112, 6.3: we never pipeline, so what comes unasked answers nothing).
 * What is HTTP is judged by the rules by which production's responses are read
 * (http/http1/llhttp_rules.h), and the limit of the head is the same: one program
 * behind both gets one judgement. test_responses_alike.c compares the two readers.
 *
 * Of the fields one is read of every response: how long the server will keep the
 * connection (Keep-Alive, in RFC 2068, 19.7.1, and as Apache, Node and others
 * send it: "timeout=5, max=100"). The rest is for the parser alone.
 *
 * A response that is kept goes through the same parser with more callbacks. What
 * cannot be kept (too large, no memory) is read to its end all the same.
 */
#include "replay/response_parser.h"

#include <string.h>
#include <strings.h>

#define KEEP_NO_MATCH UINT8_MAX

static const char keep_name[] = "keep-alive";

#define KEEP_NAME_LEN (sizeof(keep_name) - 1)

/* ---- Keep-Alive ---- */

/* Nearly every name ends this at its first letter. */
static void match_name(struct keep_field *f, const char *at, size_t len)
{
	for (size_t i = 0; i < len && f->matched != KEEP_NO_MATCH; i++) {
		bool same = f->matched < KEEP_NAME_LEN && (at[i] | 0x20) == (keep_name[f->matched] | 0x20);

		f->matched = same ? f->matched + 1 : KEEP_NO_MATCH;
	}
}

static void match_value(struct keep_field *f, const char *at, size_t len)
{
	size_t room = KEEP_VALUE_MAX - f->len;

	if (f->matched != KEEP_NAME_LEN)
		return;
	len = len < room ? len : room;
	memcpy(f->value + f->len, at, len);
	f->len += (uint8_t)len;
}

/** timeout_of() - N of "timeout=N" among comma-separated parameters; -1: none that makes sense */
static int64_t timeout_of(struct span value)
{
	static const struct span name = SPAN_LITERAL("timeout=");
	struct span rest;
	int64_t n = -1;

	while (value.len > 0) {
		while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t' || value.at[0] == ','))
			span_skip(&value, 1);
		rest = value;
		if (rest.len >= name.len && strncasecmp((const char *)rest.at, (const char *)name.at, name.len) == 0) {
			span_skip(&rest, name.len);
			for (size_t i = 0; i < rest.len && i < 9 && rest.at[i] >= '0' && rest.at[i] <= '9'; i++)
				n = (n < 0 ? 0 : n * 10) + (rest.at[i] - '0');
			return n;
		}
		while (value.len > 0 && value.at[0] != ',')
			span_skip(&value, 1);
	}
	return n;
}

static void end_field(struct response_parser *a)
{
	if (a->keep.matched == KEEP_NAME_LEN) {
		int64_t s = timeout_of(span_of(a->keep.value, a->keep.len));

		if (s >= 0 && (a->keep_s < 0 || s < a->keep_s)) /* said twice, the sooner is safe */
			a->keep_s = s;
	}
	a->keep.matched = a->keep.len = 0;
}

/* ---- the parser's callbacks; fields that come when the head is over are trailers ---- */

static int on_name(llhttp_t *p, const char *at, size_t len)
{
	struct response_parser *a = p->data;

	match_name(&a->keep, at, len);
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
	struct response_parser *a = p->data;

	match_value(&a->keep, at, len);
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;

	if (a->state != RESPONSE_PARSER_BODY)
		end_field(a);
	return 0;
}

static int on_message_begin(llhttp_t *p)
{
	struct response_parser *a = p->data;

	a->begun = true;
	a->interim = false;
	a->keep_s = -1; /* what an interim response says is not about the end of this one */
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;
	int status = p->status_code;
	enum response_kind kind = response_kind(status, a->to_head);

	if (kind == RESPONSE_REFUSED) {
		a->detail = status == 101 ? "unasked 101" : "status below 100";
		return -1;
	}
	a->interim = kind == RESPONSE_INTERIM;
	if (!a->interim) {
		a->body_length = (p->flags & F_CHUNKED) ? 0 : p->content_length;
		a->status_code = status;
		a->state = RESPONSE_PARSER_BODY;
	}
	/* 1: no body follows, even if Content-Length is there */
	return response_chunks_head(&a->chunks, p, kind == RESPONSE_WITH_BODY ? 0 : 1);
}

/** keep() - what a callback returns when a part of a field was kept, or not: trailers may be missing, the head may not */
static int keep(struct response_parser *a, bool kept)
{
	if (a->state != RESPONSE_PARSER_BODY)
		return kept ? 0 : -1;
	a->trailers_lost = a->trailers_lost || !kept;
	return 0;
}

static int on_kept_name(llhttp_t *p, const char *at, size_t len)
{
	struct response_parser *a = p->data;

	match_name(&a->keep, at, len);
	return keep(a, response_head_name(&a->head, span_of(at, len)));
}

static int on_kept_value(llhttp_t *p, const char *at, size_t len)
{
	struct response_parser *a = p->data;

	match_value(&a->keep, at, len);
	return keep(a, response_head_value(&a->head, span_of(at, len)));
}

static int on_kept_value_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;

	if (a->state != RESPONSE_PARSER_BODY)
		end_field(a);
	return keep(a, response_head_end_field(&a->head));
}

static int on_kept_headers_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;
	int result = on_headers_complete(p);

	if (a->state == RESPONSE_PARSER_BODY)
		a->response = response_new(a->status_code, &a->head, a->keeping->budget);
	response_head_clear(&a->head);
	return result;
}

static int on_kept_body(llhttp_t *p, const char *at, size_t len)
{
	struct response_parser *a = p->data;

	if (!a->response)
		return 0;
	if (response_is_stream(a->response))
		response_add_arrival(a->response, a->now_us);
	response_add_body(a->response, span_of(at, len), a->body_length, a->keeping->max);
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;

	if (a->interim) {
		a->begun = false;
		return 0;
	}
	if (a->response && !a->trailers_lost)
		response_set_trailers(a->response, &a->head);
	a->keep_alive = llhttp_should_keep_alive(p);
	a->state = RESPONSE_PARSER_WHOLE;
	return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *p)
{
	struct response_parser *a = p->data;

	return response_chunks_header(&a->chunks, p);
}

static int on_chunk_complete(llhttp_t *p)
{
	struct response_parser *a = p->data;

	return response_chunks_complete(&a->chunks);
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_chunk_complete = on_chunk_complete,
	.on_message_complete = on_message_complete,
};

static const llhttp_settings_t kept_settings = {
	.on_message_begin = on_message_begin,
	.on_header_field = on_kept_name,
	.on_header_value = on_kept_value,
	.on_header_value_complete = on_kept_value_complete,
	.on_headers_complete = on_kept_headers_complete,
	.on_body = on_kept_body,
	.on_chunk_header = on_chunk_header,
	.on_chunk_complete = on_chunk_complete,
	.on_message_complete = on_message_complete,
};

void response_parser_begin(struct response_parser *a, bool to_head, const struct response_parser_keeping *keeping)
{
	struct response_head head = a->head;

	response_free(a->response);
	response_head_clear(&head);
	*a = (struct response_parser){ .to_head = to_head, .keeping = keeping, .head = head, .keep_s = -1 };
	llhttp_init(&a->parser, HTTP_RESPONSE, keeping ? &kept_settings : &settings);
	http_rules_set(&a->parser);
	a->parser.data = a;
}

struct response *response_parser_take(struct response_parser *a)
{
	struct response *r = a->response;

	a->response = NULL;
	if (r && a->state != RESPONSE_PARSER_WHOLE)
		response_invalidate(r, a->state == RESPONSE_PARSER_HUGE ? RESPONSE_TOO_LARGE : RESPONSE_BROKEN_OFF);
	return r;
}

void response_parser_deinit(struct response_parser *a)
{
	response_free(a->response);
	a->response = NULL;
	response_head_deinit(&a->head);
}

/** body_max() - as much as is read of a body, chunk headers and all */
static uint64_t body_max(const struct response_parser *a)
{
	uint64_t kept = a->keeping ? a->keeping->max : 0;

	/* a kept one may come in small chunks */
	return kept > RESPONSE_BODY_MAX / 2 ? 2 * kept : RESPONSE_BODY_MAX;
}

static enum response_parser_state bad(struct response_parser *a, const char *why)
{
	if (!a->detail)
		a->detail = why;
	return a->state = RESPONSE_PARSER_BAD;
}

/** execute() - let llhttp have @piece; the state says what came of it */
static void execute(struct response_parser *a, struct span piece)
{
	llhttp_errno_t e = response_execute(&a->parser, &a->chunks, &piece);

	if (e == HPE_OK)
		return;
	if (e == HPE_PAUSED && a->state == RESPONSE_PARSER_WHOLE) {
		if (piece.len > 0)
			a->keep_alive = false; /* bytes after the response */
		return;
	}
	bad(a, llhttp_errno_name(e));
}

enum response_parser_state response_parser_feed(struct response_parser *a, struct span bytes)
{
	struct span piece;

	while (a->state == RESPONSE_PARSER_HEAD && bytes.len > 0) {
		uint64_t room = RESPONSE_PARSER_HEAD_MAX - a->head_bytes;

		if (room == 0)
			return bad(a, "head above 256 KiB");
		span_take(&bytes, bytes.len < room ? bytes.len : room, &piece);
		a->head_bytes += piece.len;
		execute(a, piece);
	}
	if (a->state == RESPONSE_PARSER_WHOLE && bytes.len > 0)
		a->keep_alive = false;
	if (a->state != RESPONSE_PARSER_BODY || bytes.len == 0)
		return a->state;
	a->body_bytes += bytes.len;
	execute(a, bytes);
	if (a->state == RESPONSE_PARSER_BODY && a->body_bytes > body_max(a))
		a->state = RESPONSE_PARSER_HUGE;
	return a->state;
}

enum response_parser_state response_parser_eof(struct response_parser *a)
{
	if (a->state == RESPONSE_PARSER_BODY && llhttp_finish(&a->parser) != HPE_OK && a->state == RESPONSE_PARSER_BODY)
		return a->state;
	a->keep_alive = false;
	return a->state;
}
