/*
 * http_answers.c - the answers, for what they say about requests
 *
 * Theory of operation. What matters of an answer: interim or final, 101, and how
 * many there were. One that cannot be parsed, or a gap in one, stops only that:
 * the count is not used until a segment begins with a status line again and the
 * next request begins.
 *
 * What body a response has depends on its request: none after HEAD or CONNECT. A
 * response that is captured ahead of its request is read as a plain one's; when
 * the request turns out to be one of these, bytes of the responses that follow may
 * have been read as a body, so the place in them is lost (push() in http.c).
 *
 * As with requests, plain heads are scanned, if they say how long the body is.
 *
 * Where each of the last final answers began, and what its segment acknowledged,
 * is remembered: it says how far the server had read the requests, which is how
 * http_find.c knows where the next one begins. Of the last interim ones the begin
 * is remembered as well: the final response is still owed after them.
 */
#include "reassembly/http_impl.h"

#include "reassembly/request_line.h"
#include "reassembly/sequence.h"

uint32_t http_answered_by(const struct http *h, uint32_t ack)
{
	uint32_t n = h->answered;

	for (int i = 0; i < BEGINS_MAX && n > 0; i++, n--)
		if (seq_before(h->begins[(n - 1) % BEGINS_MAX], ack))
			break;
	return n;
}

bool http_answers_seen(const struct http *h)
{
	return h->answers->synced && h->now_has_ack && !seq_before(h->answers->next, h->now_ack);
}

/** note_answer() - one more final answer has begun */
static void note_answer(struct http *h)
{
	h->begins[h->answered % BEGINS_MAX] = h->response_parser_begin;
	h->ends[h->answered % BEGINS_MAX] = h->answer_ack;
	h->answers_met = true;
	h->answered++;
	h->answer_head_bytes = 0;
	if (h->pairs)
		http_pairs_answered(h);
}

/** note_interim() - a final answer is still owed */
static void note_interim(struct http *h, int status)
{
	for (size_t i = INTERIMS_MAX - 1; i > 0; i--)
		h->interim[i] = h->interim[i - 1];
	h->interim[0] = (struct interim){ h->response_parser_begin, status == 100 };
	h->interims += h->interims < INTERIMS_MAX;
}

/** is_last_answer() - does the answer that has just begun answer the last request that was sent whole? */
static bool is_last_answer(const struct http *h)
{
	return (h->answers_known && h->answered == h->sent) || h->response_parser_begin == h->head_ack;
}

/** decide_upgrade() - the answer to the request that asked for another protocol has come, and is no 101 */
static void decide_upgrade(struct http *h, int status)
{
	bool untouched = h->upgrade_asked;

	h->upgrade_asked = false;
	if (h->state != REQUEST_TUNNEL)
		return;
	if (h->connects && status / 100 == 2) {
		http_leave_upgraded(h, false);
		return;
	}
	h->state = REQUEST_NONE;
	if (!untouched)
		http_lose_position(h);
}

/** final_answer() - the next outstanding request gets its answer */
static void final_answer(struct http *h, int status)
{
	bool current = h->begun && h->pushed && h->answered + 1 == h->sent;

	note_answer(h);
	if (h->state == REQUEST_HELD && status != 408 && http_trial_won(h)) /* 408: nobody has to have asked */
		http_uphold(h);
	if ((h->upgrade_asked || h->state == REQUEST_TUNNEL) && !current && is_last_answer(h) &&
	    !seq_before(h->answer_ack, h->tunnel_at))
		decide_upgrade(h, status);
}

/** switching() - 101, or 2xx to CONNECT: HTTP ends here, or with the request that is still being sent */
static void switching(struct http *h, enum asked asked)
{
	bool ahead = h->answered == h->sent; /* captured before the request */
	bool current = h->begun && h->pushed && h->answered + 1 == h->sent;

	note_answer(h);
	if (ahead || current)
		h->upgrade_granted = true; /* and the answers are not followed any more */
	else
		http_leave_upgraded(h, asked == ASKED_H2C);
}

/** asked_next() - what the next final answer answers */
static enum asked asked_next(const struct http *h)
{
	bool outstanding = seq_distance(h->answered, h->sent) > 0;

	return outstanding ? h->asked[h->answered % OUTSTANDING_MAX] : ASKED_PLAIN;
}

/* What its body is to llhttp: 0 as the fields say (or a pause before a chunk's line), 1 none, 2 none, and no answer follows; -1: it is refused. */
int http_answer_head(struct http *h)
{
	int status = h->server.status_code;
	bool outstanding = seq_distance(h->answered, h->sent) > 0;
	enum asked asked = asked_next(h);
	enum response_kind kind;

	h->answer_left = h->answer_length = (h->server.flags & F_CHUNKED) ? 0 : h->server.content_length;
	if ((status == 101 && (asked >= ASKED_UPGRADE || !outstanding || !h->answers_known)) ||
	    (asked == ASKED_CONNECT && status / 100 == 2)) {
		h->switched = true;
		switching(h, asked);
		return 2;
	}
	kind = response_kind(status, asked == ASKED_HEAD);
	if (kind == RESPONSE_REFUSED)
		return -1;
	if (kind == RESPONSE_INTERIM) /* the final answer is still owed */
		note_interim(h, status);
	else
		final_answer(h, status);
	h->answer_in_head = false;
	return response_chunks_head(&h->answer_chunks, &h->server, kind == RESPONSE_WITH_BODY ? 0 : 1);
}

void http_answer_body(struct http *h, size_t len)
{
	h->answer_left -= len <= h->answer_left ? len : h->answer_left;
}

int http_answer_complete(struct http *h)
{
	h->answer_left = 0;
	return HPE_PAUSED;
}

static int on_answer_head(llhttp_t *p)
{
	return http_answer_head(http_of(p));
}

static int on_answer_body(llhttp_t *p, const char *at, size_t len)
{
	http_answer_body(http_of(p), len);
	return 0;
}

static int on_answer_complete(llhttp_t *p)
{
	return http_answer_complete(http_of(p));
}

void http_lose_answers(struct http *h, enum response_fate fate)
{
	if (h->pairs)
		http_pairs_lost_answers(h, fate);
	h->answering = h->answers_known = h->answers_placed = h->answers_whole = false;
	h->interims = 0;
	if (h->state == REQUEST_TUNNEL)
		http_leave_unseen(h);
}

/** server_begin() - an answer begins here; false if these bytes cannot be the begin of one */
static bool server_begin(struct http *h, struct span in, uint32_t ack)
{
	if (!h->answers_placed && status_line_match(in) != LINE_YES)
		return false; /* the position is not known, and this is no status line */
	h->response_parser_begin = h->answers->next - (uint32_t)in.len;
	if (!h->answers_placed)
		h->placed_at = h->response_parser_begin;
	h->answering = h->answers_placed = true;
	h->answer_ack = ack;
	return true;
}

/** scan_head() - the head of the answer that begins here, if it is whole and plain and its end can be counted */
static bool scan_head(struct http *h, struct span *in)
{
	struct scan_memo *memo = &h->env->answer_memos[h->request.origin.connection % SCAN_MEMOS];
	enum asked asked = asked_next(h);
	const struct scanned_head *a = NULL;
	bool no_body;

	if (!h->env->llhttp_only && asked != ASKED_CONNECT)
		a = scan_answer(*in, memo);
	if (!a || a->status == 101)
		return false;
	no_body = asked == ASKED_HEAD || a->status == 204 || a->status == 304 || a->status < 200;
	if (a->status < 200 ? a->has_length : !a->has_length && !no_body) /* odd, or until the connection's end */
		return false;
	span_skip(in, a->len);
	h->answer_left = h->answer_length = no_body ? 0 : a->content_length;
	if (a->status < 200)
		note_interim(h, a->status);
	else
		final_answer(h, a->status);
	h->answer_scanned = true;
	h->answering = h->answer_left > 0;
	return true;
}

/** count_body() - the next bytes of the body of an answer whose head was scanned */
static void count_body(struct http *h, struct span *in)
{
	size_t n = in->len < h->answer_left ? in->len : (size_t)h->answer_left;

	span_skip(in, n);
	h->answer_left -= n;
	h->answering = h->answer_left > 0;
}

/** take_head_bytes() - of @in what a head may still be long; the limit is the shadow's: with interim ones before it */
static struct span take_head_bytes(struct http *h, struct span in)
{
	if (!h->answer_in_head)
		return in;
	span_truncate(&in, RESPONSE_HEAD_MAX - h->answer_head_bytes);
	h->answer_head_bytes += (uint32_t)in.len;
	return in;
}

/** server_parse() - give llhttp the bytes of @in; what it took is gone from @in */
static void server_parse(struct http *h, struct span *in)
{
	struct span piece = take_head_bytes(h, *in);
	size_t given = piece.len;
	llhttp_errno_t rc = response_execute(&h->server, &h->answer_chunks, &piece);

	if (rc == HPE_PAUSED) {
		if (h->answer_head_bytes > 0) /* an interim one: what is behind it counts when it is read */
			h->answer_head_bytes -= (uint32_t)piece.len;
		span_skip(in, given - piece.len);
		h->answering = false;
	} else if (rc != HPE_OK || given == 0) {
		span_skip(in, in->len);
		http_lose_answers(h, RESPONSE_MALFORMED);
	} else {
		span_skip(in, given);
	}
}

enum http_fate http_server_bytes(struct http *h, const struct stream_piece *piece)
{
	struct span in = piece->bytes;

	if (h->pairs)
		http_pairs_server_bytes(h, piece->ts);
	while (in.len > 0 && h->state != REQUEST_OVER && !h->switched) {
		if (!h->answering) {
			bool kept;

			if (!server_begin(h, in, piece->ack))
				return h->fate;
			kept = h->pairs && http_pairs_answer_begins(h);
			if (!kept && scan_head(h, &in))
				continue;
			llhttp_init(&h->server, HTTP_RESPONSE,
				    kept ? &h->env->kept_settings : &h->env->server_settings);
			h->server.data = h;
			http_rules_set(&h->server);
			h->answer_scanned = false;
			h->answer_chunks = (struct response_chunks){ 0 };
			h->answer_in_head = true;
		}
		if (h->answer_scanned)
			count_body(h, &in);
		else
			server_parse(h, &in);
	}
	return h->fate;
}

/** skip_bytes() - let @bytes of the answer at hand pass that nobody has */
static void skip_bytes(struct http *h, uint64_t bytes)
{
	while (bytes > 0 && h->answering) {
		struct span in = http_filler(bytes);

		bytes -= in.len;
		if (h->answer_scanned)
			count_body(h, &in);
		else
			server_parse(h, &in);
	}
}

void http_server_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	enum response_fate fate = why == LOST_TRUNCATED ? RESPONSE_TRUNCATED : RESPONSE_GAP;

	if (h->state == REQUEST_OVER || h->switched)
		return;
	if (h->pairs)
		http_pairs_spoil(h, fate);
	if (!h->answering || bytes == UINT32_MAX || bytes > h->answer_left)
		http_lose_answers(h, fate);
	else
		skip_bytes(h, bytes);
}

void http_server_end(struct http *h)
{
	if (h->pairs && h->state != REQUEST_OVER)
		http_pairs_server_end(h);
}

static int on_chunk_header(llhttp_t *p)
{
	return response_chunks_header(&http_of(p)->answer_chunks, p);
}

static int on_chunk_complete(llhttp_t *p)
{
	return response_chunks_complete(&http_of(p)->answer_chunks);
}

void http_answers_chunks(llhttp_settings_t *server)
{
	server->on_chunk_header = on_chunk_header;
	server->on_chunk_complete = on_chunk_complete;
}

void http_answers_init(llhttp_settings_t *server)
{
	llhttp_settings_init(server);
	server->on_headers_complete = on_answer_head;
	server->on_body = on_answer_body;
	server->on_message_complete = on_answer_complete;
	http_answers_chunks(server);
}
