/*
 * responses.c - the responses, for what they say about requests
 *
 * Theory of operation. What matters of a response: interim or final, 101, and how
 * many there were. One that cannot be parsed, or a gap in one, stops only that:
 * the count is not used until a segment starts with a status line again and the
 * next request starts.
 *
 * What body a response has depends on its request: none after HEAD or CONNECT. A
 * response that is captured ahead of its request is read as a plain one's; when
 * the request turns out to be one of these, bytes of the responses that follow may
 * have been read as a body, so the place in them is lost (requests_send()). responses.c learns that from
 * struct rounds: see catch_up().
 *
 * As with requests, plain heads are scanned, if they say how long the body is.
 *
 * Where each of the last final responses started, and what its segment acknowledged,
 * is remembered: it says how far the server had read the requests, which is how
 * plausible.c knows where the next one starts. Of the last interim ones the start
 * is remembered as well: the final response is still owed after them.
 */
#include "http/http1/http1_impl.h"

#include "http/http1/filler.h"
#include "http/http1/request_line.h"

/** note_response() - one more final response has started */
static void note_response(struct http *h)
{
	rounds_response_started(&h->rounds, h->responses.start, h->responses.requests_read);
	h->responses.head_bytes = 0;
	pairs_response_counted(h->pairs);
}

/** note_interim() - a final response is still owed */
static void note_interim(struct http *h, int status)
{
	rounds_interim_started(&h->rounds, h->responses.start, status == 100);
}

/** final_response() - the next outstanding request gets its response */
static void final_response(struct http *h, int status)
{
	note_response(h);
	requests_response_started(h, status);
}

/*
 * What its body is to llhttp: 0 as the fields say (or a pause before a chunk's line), 1 none, 2 none, and no response
 * follows; -1: it is refused.
 */
int responses_head_complete(struct http *h)
{
	int status = h->responses.parser.status_code;
	bool outstanding = rounds_outstanding(&h->rounds) > 0;
	enum requested requested = rounds_next_requested(&h->rounds);
	enum response_kind kind;

	h->responses.left = h->responses.length = (h->responses.parser.flags & F_CHUNKED) ? 0 : h->responses.parser.content_length;
	if ((status == 101 && (requested >= REQUESTED_UPGRADE || !outstanding || !h->rounds.comparable)) ||
	    (requested == REQUESTED_CONNECT && status / 100 == 2)) {
		rounds_switched(&h->rounds);
		h->responses.state = RESPONSES_SWITCHED;
		note_response(h);
		requests_switched(h, requested == REQUESTED_H2C);
		return 2;
	}
	kind = response_kind(status, requested == REQUESTED_HEAD);
	if (kind == RESPONSE_REFUSED)
		return -1;
	if (kind == RESPONSE_INTERIM) /* the final response is still owed */
		note_interim(h, status);
	else
		final_response(h, status);
	h->responses.state = RESPONSES_BODY;
	return response_chunks_head(&h->responses.chunks, &h->responses.parser, kind == RESPONSE_WITH_BODY ? 0 : 1);
}

void responses_body(struct http *h, size_t len)
{
	h->responses.left -= len <= h->responses.left ? len : h->responses.left;
}

int responses_complete(struct http *h)
{
	h->responses.left = 0;
	return HPE_PAUSED;
}

/** lose_position() - it is not known where the next response starts; @result: what that means for the one at hand */
static void lose_position(struct http *h, enum response_result result)
{
	pairs_responses_lost(h->pairs, result);
	rounds_responses_lost(&h->rounds);
	if (h->responses.state != RESPONSES_SWITCHED)
		h->responses.state = RESPONSES_LOST;
	requests_responses_lost(h);
}

/** server_start() - a response starts here; false if these bytes cannot be the start of one */
static bool server_start(struct http *h, struct span in, uint64_t ack)
{
	if (!h->rounds.followed && status_line_match(in) != LINE_YES)
		return false; /* the position is not known, and this is no status line */
	h->responses.start = h->rounds.stream->next - in.len;
	rounds_responses_found(&h->rounds, h->responses.start);
	h->responses.requests_read = ack;
	return true;
}

/** scan_head() - the head of the response that starts here, if it is whole and plain and its end can be counted */
static bool scan_head(struct http *h, struct span *in)
{
	struct scan_memo *memo = &h->env->response_memos[h->requests.current.origin.connection % SCAN_MEMOS];
	enum requested requested = rounds_next_requested(&h->rounds);
	const struct scanned_head *a = NULL;
	bool no_body;

	if (!h->env->llhttp_only && requested != REQUESTED_CONNECT)
		a = scan_response(*in, memo);
	if (!a || a->status == 101)
		return false;
	no_body = requested == REQUESTED_HEAD || a->status == 204 || a->status == 304 || a->status < 200;
	if (a->status < 200 ? a->has_length : !a->has_length && !no_body) /* odd, or until the connection's end */
		return false;
	span_skip(in, a->len);
	h->responses.left = h->responses.length = no_body ? 0 : a->content_length;
	if (a->status < 200)
		note_interim(h, a->status);
	else
		final_response(h, a->status);
	h->responses.state = h->responses.left > 0 ? RESPONSES_COUNTED : RESPONSES_BETWEEN;
	return true;
}

/** count_body() - the next bytes of the body of a response whose head was scanned */
static void count_body(struct http *h, struct span *in)
{
	size_t n = in->len < h->responses.left ? in->len : (size_t)h->responses.left;

	span_skip(in, n);
	h->responses.left -= n;
	if (h->responses.left == 0)
		h->responses.state = RESPONSES_BETWEEN;
}

/** take_head_bytes() - of @in what a head may still be long; the limit is the shadow's: with interim ones before it */
static struct span take_head_bytes(struct http *h, struct span in)
{
	if (h->responses.state != RESPONSES_HEAD)
		return in;
	span_truncate(&in, RESPONSE_HEAD_MAX - h->responses.head_bytes);
	h->responses.head_bytes += (uint32_t)in.len;
	return in;
}

/** server_parse() - give llhttp the bytes of @in; what it took is gone from @in */
static void server_parse(struct http *h, struct span *in)
{
	struct span piece = take_head_bytes(h, *in);
	size_t given = piece.len;
	llhttp_errno_t rc = response_execute(&h->responses.parser, &h->responses.chunks, &piece);

	if (rc == HPE_PAUSED) {
		if (h->responses.head_bytes > 0) /* an interim one: what is behind it counts when it is read */
			h->responses.head_bytes -= (uint32_t)piece.len;
		span_skip(in, given - piece.len);
		if (h->responses.state != RESPONSES_SWITCHED)
			h->responses.state = RESPONSES_BETWEEN;
	} else if (rc != HPE_OK || given == 0) {
		span_skip(in, in->len);
		lose_position(h, RESPONSE_MALFORMED);
	} else {
		span_skip(in, given);
	}
}

/** start_response() - a response starts with @in, for all that is known; false if these bytes cannot be the start of one */
static bool start_response(struct http *h, struct span *in, uint64_t requests_read)
{
	bool kept;

	if (!server_start(h, *in, requests_read))
		return false;
	kept = pairs_response_started(h->pairs, h->responses.start);
	if (!kept && scan_head(h, in))
		return true;
	llhttp_init(&h->responses.parser, HTTP_RESPONSE, kept ? &h->env->kept_settings : &h->env->server_settings);
	h->responses.parser.data = h;
	http_rules_set(&h->responses.parser);
	h->responses.chunks = (struct response_chunks){ 0 };
	h->responses.state = RESPONSES_HEAD;
	return true;
}

/** read_on() - the next bytes of the response at hand */
static void read_on(struct http *h, struct span *in)
{
	if (h->responses.state == RESPONSES_COUNTED)
		count_body(h, in);
	else
		server_parse(h, in);
}

static bool in_response(const struct http *h)
{
	return h->responses.state >= RESPONSES_HEAD && h->responses.state <= RESPONSES_COUNTED;
}

/** catch_up() - requests may have shown since that responses were misread */
static void catch_up(struct http *h)
{
	if (!h->rounds.followed && h->responses.state != RESPONSES_SWITCHED)
		h->responses.state = RESPONSES_LOST;
}

enum reader_result http_server_bytes(struct http *h, const struct chunk *chunk)
{
	struct span in = chunk->bytes;

	pairs_server_bytes(h->pairs, chunk->at);
	catch_up(h);
	while (in.len > 0 && h->requests.state != REQUEST_OVER && h->responses.state != RESPONSES_SWITCHED) {
		if (in_response(h))
			read_on(h, &in);
		else if (!start_response(h, &in, chunk->peer_read))
			break;
	}
	h->responses.unread = in.len;
	return h->result;
}

/** skip_bytes() - let @bytes of the response at hand pass that were not captured */
static void skip_bytes(struct http *h, uint64_t bytes)
{
	while (bytes > 0 && in_response(h)) {
		struct span in = filler(bytes);

		bytes -= in.len;
		read_on(h, &in);
	}
}

void http_server_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	enum response_result result = why == LOST_TRUNCATED ? RESPONSE_TRUNCATED : RESPONSE_GAP;

	catch_up(h);
	if (h->requests.state == REQUEST_OVER || h->responses.state == RESPONSES_SWITCHED)
		return;
	pairs_response_invalid(h->pairs, result);
	if (!in_response(h) || bytes == UINT32_MAX || bytes > h->responses.left)
		lose_position(h, result);
	else
		skip_bytes(h, bytes);
}

void http_server_end(struct http *h)
{
	if (h->requests.state == REQUEST_OVER)
		return;
	if (in_response(h) && pairs_response_kept(h->pairs))
		llhttp_finish(&h->responses.parser); /* completes a body that lasts until the end */
	pairs_server_ended(h->pairs);
}
