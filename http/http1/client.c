/*
 * client.c - the bytes and gaps of the client, in order
 *
 * Theory of operation. Nearly every head lies whole in one segment and is plain.
 * head_scan.c reads it in one pass, where it lies, and its body is only counted
 * (scan_head(), count_body()). llhttp is not even set up for such a request; for
 * all others it sees every byte from the first one on (request_feed.c).
 *
 * A gap. The request that it touches is lost at once. Inside a body with
 * Content-Length filler stands for the missing bytes, and the next request is
 * where counting says; but not where the body should begin that a client announced
 * with "Expect: 100-continue", unless a 100 was seen: it may never have been sent.
 * Anywhere else the position is lost (REQUEST_LOST) until a segment starts with
 * what plausible.c takes for a request.
 *
 * A client that asks "Expect: 100-continue" and goes on with what may be its next
 * request breaks its request off: it is lost as "reset" if a final response was
 * seen, since the client gave it up, and as "gap" if what it had read was not.
 */
#include "http/http1/http1_impl.h"

#include "http/http1/filler.h"
#include "http/http1/request_line.h"

#define HEAD_LOOK 4096 /* bytes of a segment that is not plausible in which fields of a head are looked for */

/** scan_head() - the request that starts here, if its head is whole and plain: what llhttp and its callbacks do */
static bool scan_head(struct http *h, struct span *in)
{
	struct scan_memo *memo = &h->env->request_memos[h->requests.current.origin.connection % SCAN_MEMOS];
	const struct scanned_head *s = h->env->llhttp_only ? NULL : scan_request(*in, memo);

	if (!s)
		return false;
	requests_start(h, *in);
	h->requests.any_byte = true;
	h->framing.next = BYTES_COUNTED;
	h->requests.pipelined = plausible_is_pipelined(h);
	requests_count(h);
	h->upgrade.granted = false; /* it asks for none */
	h->framing.body_left = s->content_length;
	h->client.sends_bodies |= h->framing.body_left > 0;
	requests_send(h, s->asks_head ? REQUESTED_HEAD : REQUESTED_PLAIN);
	h->requests.head_ack = h->at_hand.ack;
	h->requests.state = REQUEST_BODY;
	span_skip(in, s->len);
	h->at_hand.left = (uint32_t)in->len;
	request_decide(&h->env->requests, &h->requests.current, &s->head, s->content_length, s->content_length <= in->len);
	pairs_request_decided(h->pairs, &h->at_hand, h->requests.start);
	if (h->framing.body_left == 0)
		requests_message_complete(h);
	return true;
}

/** count_body() - the next bytes of a body whose head was scanned */
static void count_body(struct http *h, struct span *in)
{
	struct span bytes;

	span_take(in, in->len < h->framing.body_left ? in->len : (size_t)h->framing.body_left, &bytes);
	h->framing.body_left -= bytes.len;
	h->at_hand.left = (uint32_t)in->len;
	request_add_body(&h->env->requests, &h->requests.current, bytes);
	if (h->framing.body_left == 0)
		requests_message_complete(h);
}

/** client_body() - the next bytes of a request whose start is known */
static void client_body(struct http *h, struct span *in)
{
	h->framing.awaits_body &= in->len == 0;
	switch (h->framing.next) {
	case BYTES_COUNTED:
		count_body(h, in);
		break;
	case BYTES_PARSED:
		feed_parse(h, in);
		break;
	case BYTES_TARGET:
		feed_target(h, in);
		break;
	case BYTES_LINE_END:
		feed_line_end(h, in);
		break;
	case BYTES_CHUNK_LINE:
		feed_chunk_line(h, in);
		break;
	}
}

/** client_run() - parse until the segment is used up or nothing more can be found in it */
static void client_run(struct http *h, struct span in)
{
	bool again;

	do {
		enum request_state before = h->requests.state;

		again = false;
		if (before == REQUEST_NONE && scan_head(h, &in))
			continue;
		if (before == REQUEST_NONE && !requests_start_parsed(h, in)) {
			requests_lose_position(h); /* out of memory: this request is not followed */
			return;
		}
		if (before == REQUEST_TARGET)
			feed_probe(h, &in);
		else
			client_body(h, &in);
		again = h->framing.run_again;
		h->framing.run_again = false;
	} while ((in.len > 0 || again) && h->requests.state <= REQUEST_BODY);
}

/* ---- finding the next request after a gap ---- */

/** guess() - a request may start with @segment; @on_trial: its response must show that it is one */
static void guess(struct http *h, struct span segment, bool on_trial)
{
	h->requests.state = REQUEST_NONE;
	if (!requests_start_parsed(h, segment)) {
		requests_lose_position(h);
		return;
	}
	h->guess.tentative = h->at_hand.guessed = true;
	h->guess.gapped &= on_trial;
	h->guess.on_trial = on_trial;
	h->guess.trial_ack = h->at_hand.ack;
	rounds_requests_lost(&h->rounds); /* requests_count() starts anew */
	client_run(h, segment);
}

/** is_http2_inside() - does a connection whose first bytes were not captured go on in frames? */
static bool is_http2_inside(const struct http *h, struct span segment)
{
	const struct next_protocol *next = h->env->next;

	return next && next->shared && next->claims(segment, SIDE_CLIENT, false) == CLAIM_SURE;
}

/** pass_over() - what starts with @segment is not plausible; but if it is a request, what does it say of the next bytes? */
static void pass_over(struct http *h, struct span segment)
{
	struct span start = segment;

	span_truncate(&start, HEAD_LOOK);
	h->guess.gapped = true;
	if (span_starts(segment, SPAN_LITERAL("PRI * HTTP/2.0\r\n"))) {
		h->at_hand.left = (uint32_t)segment.len;
		requests_leave_for_http2(h, NEXT_AT_START);
		return;
	}
	if (h->requests.counted == 0 && is_http2_inside(h, segment)) {
		h->at_hand.left = (uint32_t)segment.len;
		requests_leave_for_http2(h, NEXT_SOMEWHERE);
		return;
	}
	h->client.expects |= span_has_nocase(start, SPAN_LITERAL("100-continue")) ||
			     (request_method_match(segment) == LINE_YES && request_line_match(segment) != LINE_NO &&
			      !span_has_nocase(start, SPAN_LITERAL("\r\n\r\n")));
	if (!span_starts(segment, SPAN_LITERAL("CONNECT ")) &&
	    (!span_has_nocase(start, SPAN_LITERAL("\nupgrade:")) ||
	     span_has_nocase(start, SPAN_LITERAL("\nhttp2-settings:"))))
		return;
	h->requests.state = REQUEST_TUNNEL;
	h->upgrade.from = h->at_hand.end;
	h->requests.head_ack = h->at_hand.ack;
	h->upgrade.is_connect = span_starts(segment, SPAN_LITERAL("CONNECT "));
}

static void client_find(struct http *h, struct span segment)
{
	enum plausible plausible = request_line_match(segment) == LINE_NO ? PLAUSIBLE_NOT : plausible_request(h, segment);

	h->guess.blind = false;
	if (plausible != PLAUSIBLE_NOT) {
		h->guess.doubted = false;
		guess(h, segment, plausible == PLAUSIBLE_ON_TRIAL);
		return;
	}
	pairs_bytes_unread(h->pairs, (uint32_t)segment.len);
	pass_over(h, segment);
}

/** doubt() - is what comes instead of an expected body the next request? Then the body will never come */
static void doubt(struct http *h, struct span segment)
{
	bool refused = h->rounds.followed &&
		       rounds_answered_by(&h->rounds, h->at_hand.ack) != rounds_answered_by(&h->rounds, h->requests.head_ack);
	enum lost_reason reason = refused ? LOST_RESET : LOST_GAP;

	if (h->guess.on_trial)
		requests_lose_trial(h, reason);
	else
		requests_fail(h, reason);
	h->guess.doubted = true;
	guess(h, segment, true);
}

/** client_segment() - the bytes of one segment, whatever they are */
static void client_segment(struct http *h, struct span segment)
{
	if (h->framing.awaits_body && h->requests.state == REQUEST_BODY && plausible_instead_of_body(h, segment)) {
		doubt(h, segment);
		return;
	}
	if (h->guess.on_trial && plausible_trial_over(h, segment))
		requests_lose_trial(h, LOST_GAP);
	if (h->requests.state == REQUEST_LOST)
		client_find(h, segment);
	else if (h->requests.state <= REQUEST_BODY)
		client_run(h, segment);
	else if (h->requests.state == REQUEST_TUNNEL)
		h->upgrade.requested = false; /* bytes went by before the response: if it is no, the position is lost */
}

enum reader_result http_client_bytes(struct http *h, const struct chunk *chunk)
{
	struct span segment = chunk->bytes;

	h->at_hand = (struct at_hand){ .at = chunk->at,
				       .start = chunk->offset,
				       .end = chunk->offset + segment.len,
				       .ack = chunk->peer_read,
				       .has_ack = chunk->peer_known };
	client_segment(h, segment);
	if (h->at_hand.guess_failed && !h->at_hand.guessed && h->requests.state == REQUEST_LOST)
		client_find(h, segment); /* the guess was made earlier and was wrong: this segment may be right */
	if (requests_open(h) && h->requests.head && !heads_charge(&h->env->heads, h->requests.head))
		requests_fail(h, LOST_MEMORY);
	if (chunk->peer_known)
		rounds_client_read(&h->rounds, chunk->peer_read);
	return h->result;
}

/* ---- gaps ---- */

/** skip_body() - let @bytes of the body at hand pass that were not captured */
static void skip_body(struct http *h, uint64_t bytes)
{
	while (bytes > 0 && h->requests.state == REQUEST_BODY) {
		struct span in = filler(bytes);

		bytes -= in.len;
		client_body(h, &in);
	}
}

/** body_gap() - ... inside a body, or where one should begin */
static void body_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	/* Of a body that was not asked for, nothing tells whether it lies in the gap, or the next requests do. */
	if (h->framing.chunked || bytes == UINT32_MAX || (h->framing.awaits_body && !plausible_body_accepted(h))) {
		h->guess.gapped = true;
		requests_fail(h, why);
		return;
	}
	requests_drop_head(h);
	request_lost(&h->env->requests, &h->requests.current, why);
	if (bytes > h->framing.body_left) {
		skip_body(h, h->framing.body_left);
		if (h->requests.state == REQUEST_NONE)
			requests_lose_position(h); /* at the start of a request: see pairs.h, requests_lost */
	} else {
		skip_body(h, bytes);
	}
}

static void lose_in_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	if (h->guess.on_trial) {
		requests_lose_trial(h, why);
		return;
	}
	switch (h->requests.state) {
	case REQUEST_NONE:
	case REQUEST_METHOD:
	case REQUEST_LOST:
		requests_lose_position(h);
		break;
	case REQUEST_TARGET:
	case REQUEST_HEAD:
		/* What the head announced isn't known; but who sends a body with these? */
		if (h->framing.parser.method != HTTP_GET && h->framing.parser.method != HTTP_HEAD)
			h->client.sends_bodies = h->guess.gapped = true;
		requests_fail(h, why);
		break;
	case REQUEST_BODY:
		body_gap(h, bytes, why);
		break;
	case REQUEST_HELD: /* always on trial */
		break;
	case REQUEST_TUNNEL:
		h->upgrade.requested = false;
		break;
	case REQUEST_OVER:
		break;
	}
}

void http_client_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	lose_in_gap(h, bytes, why);
	if (h->requests.state != REQUEST_LOST)
		return;
	h->guess.blind |= bytes >= BODY_HEAD_MIN;
	h->guess.gapped |= bytes >= BODY_HEAD_MIN;
	pairs_bytes_unread(h->pairs, bytes);
}
