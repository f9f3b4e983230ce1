/*
 * requests.c - what becomes of requests
 *
 * Theory of operation. llhttp finds the ends of heads, chunks and bodies; each
 * message gets a parser that starts anew, so what llhttp thinks of data after
 * "Connection: close" or after an Upgrade never costs a later request. Only a
 * 101, or a 2xx to CONNECT, ends HTTP on a connection.
 *
 * Requests are counted from the end of the method, or, where the position was
 * guessed after a gap, from the end of the request line. A connection's first
 * one is looked at to the end of its line: RTSP and ICE, which llhttp takes as
 * well, differ from HTTP only there. If it is in pieces it waits for its version
 * (uncounted); what is lost until then counts.
 *
 * A request on trial (guess.on_trial) is parsed like any other, but when it is
 * whole it is held (REQUEST_HELD) until its response shows that it is one, or the
 * client's next bytes that nothing does: then it is lost.
 */
#include "http/http1/http1_impl.h"

#include "http/http1/request_line.h"

void requests_drop_head(struct http *h)
{
	if (!h->requests.head)
		return;
	heads_return(&h->env->heads, h->requests.head);
	h->requests.head = NULL;
}

/** requests_start() - a request may start with @line; however its head is read */
void requests_start(struct http *h, struct span line)
{
	requests_drop_head(h);
	request_start(&h->env->requests, &h->requests.current, h->at_hand.at);
	h->at_hand.line = line;
	h->requests.start = h->at_hand.end - line.len;
	request_place(&h->requests.current, h->requests.start, h->at_hand.ack);
	h->requests.state = REQUEST_METHOD;
	h->requests.any_byte = h->requests.pipelined = h->requests.uncounted = h->requests.sent = false;
	h->guess.tentative = h->guess.on_trial = false;
	h->framing.next = BYTES_PARSED;
	h->framing.chunked = h->framing.last_chunk = h->framing.expects = h->framing.awaits_body = false;
	h->framing.probe_len = 0;
	h->framing.name_len = 0;
	h->framing.body_left = 0;
	pairs_request_started(h->pairs, &h->at_hand);
}

bool requests_start_parsed(struct http *h, struct span line)
{
	requests_start(h, line);
	h->requests.head = heads_take(&h->env->heads);
	if (!h->requests.head)
		return false;
	llhttp_init(&h->framing.parser, HTTP_REQUEST, &h->env->client_settings);
	h->framing.parser.data = h;
	http_rules_set(&h->framing.parser);
	return true;
}

/** lose_responses() - some may have been read as the response to another request: where the next starts is not known */
static void lose_responses(struct http *h)
{
	pairs_responses_lost(h->pairs, RESPONSE_OUT_OF_STEP);
	rounds_responses_lost(&h->rounds);
}

/** requests_send() - the server owes a response to the pending request */
void requests_send(struct http *h, enum requested what)
{
	if (h->requests.sent)
		return;
	h->requests.sent = true;
	pairs_request_sent(h->pairs);
	if (!rounds_request_sent(&h->rounds, what)) {
		pairs_responses_lost(h->pairs, RESPONSE_OUT_OF_STEP);
	} else if ((what == REQUESTED_HEAD || what == REQUESTED_CONNECT) && rounds_all_answered(&h->rounds) &&
		   !h->rounds.switched) {
		lose_responses(h); /* captured before this: read as if it had a body */
	}
}

void requests_lose_position(struct http *h)
{
	/* Where one was to start, a gap holds one for certain. */
	bool hidden = h->requests.state == REQUEST_NONE ||
		      (h->requests.state == REQUEST_METHOD && !h->requests.current.seen);

	if (h->requests.current.seen && !h->guess.on_trial)
		requests_send(h, REQUESTED_PLAIN); /* it was sent, and will be answered somehow */
	requests_drop_head(h);
	request_release(&h->env->requests, &h->requests.current);
	h->guess.tentative = h->client.unproven = h->framing.awaits_body = h->guess.on_trial = false;
	pairs_requests_lost(h->pairs, hidden);
	/* Until an upgrade is known to be refused, what cannot be read is the other protocol. */
	h->requests.state = h->upgrade.requested ? REQUEST_TUNNEL : REQUEST_LOST;
	h->upgrade.requested = false;
}

void requests_count(struct http *h)
{
	h->client.unproven = false;
	h->guess.tentative = h->requests.uncounted = false;
	h->upgrade.requested = false; /* it was refused: this is no other protocol */
	h->client.pipelines |= h->requests.pipelined;
	if (!h->rounds.comparable && !h->client.pipelines && h->rounds.followed && at_hand_captured(h))
		rounds_recount(&h->rounds, h->at_hand.ack);
	pairs_request_counted(h->pairs, &h->at_hand, h->client.pipelines);
	request_seen(&h->env->requests, &h->requests.current, h->requests.counted++);
}

/** count_late() - what is lost before its version was seen is counted all the same */
static void count_late(struct http *h)
{
	if (h->requests.uncounted)
		requests_count(h);
}

/** lose() - the pending request, maybe before its head is whole */
static void lose(struct http *h, enum lost_reason reason)
{
	struct request_head line;
	bool has_line = head_line(h->requests.head, &line);

	request_lost_in_head(&h->env->requests, &h->requests.current, reason, has_line ? &line : NULL);
}

void requests_fail(struct http *h, enum lost_reason reason)
{
	count_late(h);
	lose(h, reason);
	requests_lose_position(h);
}

/** requests_lose_trial() - nothing showed that the request on trial is one */
void requests_lose_trial(struct http *h, enum lost_reason reason)
{
	request_lost(&h->env->requests, &h->requests.current, reason);
	if (h->requests.sent) {
		if (rounds_request_unsent(&h->rounds) != REQUESTED_PLAIN)
			lose_responses(h); /* one may have been read as the response to it */
		pairs_request_unsent(h->pairs);
	}
	pairs_bytes_unread(h->pairs, h->at_hand.end - h->requests.start);
	rounds_requests_lost(&h->rounds);
	h->guess.gapped = true;
	requests_lose_position(h);
}

static void leave(struct http *h, enum reader_result result)
{
	pairs_ended(h->pairs, RESPONSE_UPGRADED);
	requests_drop_head(h);
	request_release(&h->env->requests, &h->requests.current);
	h->requests.state = REQUEST_OVER;
	h->result = result;
}

void requests_leave_for_http2(struct http *h, enum next_place place)
{
	bool goes_on = h->env->next && h->env->next->shared;

	h->upgrade.place = place;
	leave(h, goes_on ? READER_HANDS_ON : READER_LEFT);
}

/** leave_upgraded() - a 101 or CONNECT: what follows is not HTTP/1 */
static void leave_upgraded(struct http *h, bool h2c)
{
	counter_add(&h->env->requests.stats->upgraded, 1);
	if (h2c)
		counter_add(&h->env->requests.stats->http2, 1);
	request_lost(&h->env->requests, &h->requests.current, LOST_UPGRADED);
	h->upgrade.is_h2c = h2c;
	if (h2c)
		requests_leave_for_http2(h, NEXT_AT_START);
	else
		leave(h, READER_LEFT);
}

void requests_leave_unseen(struct http *h)
{
	leave(h, READER_LEFT);
}

/** requests_malformed() - the parser refused the bytes at hand */
void requests_malformed(struct http *h)
{
	if (!h->framing.foreign)
		count_late(h);
	if (h->requests.current.seen && !h->requests.current.finished) {
		requests_fail(h, LOST_MALFORMED);
	} else if (h->requests.current.seen) {
		requests_lose_position(h);
	} else if (h->guess.tentative) {
		h->at_hand.guess_failed = true;
		requests_lose_position(h);
	} else if (!h->upgrade.requested && h->at_hand.line.at && request_line_foreign(h->at_hand.line)) {
		requests_count(h); /* a method that llhttp does not know */
		requests_fail(h, LOST_MALFORMED);
	} else if (h->client.unproven) {
		leave(h, READER_REFUSED);
	} else {
		requests_lose_position(h);
	}
}

static bool is_field(const struct header *f, struct span name)
{
	return span_equal_nocase(f->name, name);
}

/** look_at_fields() - what the framing and the response depend on; false if servers would not agree on the framing */
static bool look_at_fields(struct http *h, const struct request_head *head)
{
	bool http10 = head->version_minor == 0;
	unsigned encodings = 0;

	h->upgrade.granted = h->upgrade.granted && h->framing.parser.upgrade;
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *f = &head->headers[i];

		if (is_field(f, SPAN_LITERAL("transfer-encoding")))
			encodings++;
		else if (is_field(f, SPAN_LITERAL("expect")))
			h->framing.expects = span_has_nocase(f->value, SPAN_LITERAL("100-continue"));
	}
	h->client.expects |= h->framing.expects;
	/* Once, and not in HTTP/1.0, where a server may ignore it and count otherwise (RFC 9112, 6.1). */
	return encodings == 0 || (encodings == 1 && !http10);
}

static enum requested kind_of_request(struct http *h, const struct request_head *head)
{
	const struct span *upgrade;

	if (h->framing.parser.method == HTTP_HEAD)
		return REQUESTED_HEAD;
	if (h->framing.parser.method == HTTP_CONNECT)
		return REQUESTED_CONNECT;
	if (!h->framing.parser.upgrade)
		return REQUESTED_PLAIN;
	upgrade = request_head_find(head, SPAN_LITERAL("upgrade"));
	h->upgrade.tells = upgrade && (span_equal_nocase(*upgrade, SPAN_LITERAL("h2c")) ||
				       span_equal_nocase(*upgrade, SPAN_LITERAL("websocket")));
	return upgrade && span_has_nocase(*upgrade, SPAN_LITERAL("h2c")) ? REQUESTED_H2C : REQUESTED_UPGRADE;
}

void requests_head_complete(struct http *h)
{
	const llhttp_t *parser = &h->framing.parser;
	struct request_head head = head_spans(h->requests.head, parser->http_major, parser->http_minor);

	h->framing.chunked = (parser->flags & F_CHUNKED) != 0;
	h->framing.body_left = h->framing.chunked ? 0 : parser->content_length;
	h->client.sends_bodies |= h->framing.chunked || h->framing.body_left > 0;
	if (!h->requests.current.seen && h->guess.tentative) { /* no version in the line: it was none */
		requests_malformed(h);
		return;
	}
	if (!h->requests.current.seen)
		requests_count(h);
	/* HTTP/0.9 has no version, and is not mirrored. */
	if (head.version_major != 1 || !look_at_fields(h, &head)) {
		requests_fail(h, LOST_MALFORMED);
		return;
	}
	requests_send(h, kind_of_request(h, &head));
	h->requests.head_ack = h->at_hand.ack;
	h->framing.awaits_body = h->framing.expects;
	h->requests.state = REQUEST_BODY;
	h->framing.next = h->framing.chunked ? BYTES_CHUNK_LINE : BYTES_PARSED;
	h->framing.chunk_line = (struct chunk_line){ 0 };
	request_decide(&h->env->requests, &h->requests.current, &head, h->framing.body_left, false);
	requests_drop_head(h);
	pairs_request_decided(h->pairs, &h->at_hand, h->requests.start);
}

/** hand_over() - the request at hand is whole, and one */
static void hand_over(struct http *h)
{
	if (h->requests.current.message)
		h->requests.current.message->response_token = pairs_request_complete(h->pairs, &h->at_hand);
	request_complete(&h->env->requests, &h->requests.current, h->at_hand.at);
	pairs_request_handed_over(h->pairs);
	h->requests.state = REQUEST_NONE;
}

/** uphold() - the response to the request on trial has started: it is one, and whole */
static void uphold(struct http *h)
{
	h->guess.on_trial = h->guess.gapped = false;
	h->at_hand.at = h->guess.held_at;
	h->at_hand.ack = h->guess.held_ack;
	hand_over(h);
}

/** hold() - the request on trial is whole: wait for its response, which may be here already */
static void hold(struct http *h)
{
	h->requests.state = REQUEST_HELD;
	h->guess.held_end = h->at_hand.end - h->at_hand.left;
	h->guess.held_ack = h->at_hand.ack;
	h->guess.held_at = h->at_hand.at;
	h->upgrade.requested = rounds_last_requested(&h->rounds) >= REQUESTED_CONNECT;
	if (h->at_hand.left > 0 || h->upgrade.requested)
		requests_lose_trial(h, LOST_GAP); /* more follows at once, or the response would not say enough */
	else if (plausible_trial_won(h))
		uphold(h);
}

/** await_upgrade() - what follows is another protocol, unless this is refused */
static void await_upgrade(struct http *h, enum requested requested)
{
	h->upgrade.from = h->at_hand.end - h->at_hand.left;
	h->upgrade.is_connect = requested == REQUESTED_CONNECT;
	if (h->upgrade.granted)
		leave_upgraded(h, requested == REQUESTED_H2C);
	else if (rounds_all_answered(&h->rounds))
		h->upgrade.requested = false; /* it is refused already */
	else if (requested == REQUESTED_CONNECT || !h->upgrade.tells)
		h->requests.state = REQUEST_TUNNEL;
}

void requests_message_complete(struct http *h)
{
	enum requested requested = rounds_last_requested(&h->rounds);

	h->at_hand.completed = true;
	if (h->guess.on_trial) {
		hold(h);
		return;
	}
	hand_over(h);
	h->upgrade.requested = requested >= REQUESTED_CONNECT;
	if (h->upgrade.requested)
		await_upgrade(h, requested);
}

/** requests_method_complete() - it is a request, unless it is the first one and in a language that only resembles HTTP */
void requests_method_complete(struct http *h)
{
	enum line_match protocol = LINE_YES;

	if (h->guess.tentative || h->framing.parser.method == HTTP_PRI)
		return;
	if (h->client.unproven)
		protocol = h->at_hand.line.at ? request_line_protocol(h->at_hand.line) : LINE_MAYBE;
	h->requests.uncounted = protocol == LINE_MAYBE;
	if (protocol == LINE_YES)
		requests_count(h);
	else if (protocol == LINE_NO)
		leave(h, READER_REFUSED);
}

/* ---- what responses say ---- */

/** is_last_response() - does the response that has just started answer the last request that was sent whole? */
static bool is_last_response(const struct http *h)
{
	return (h->rounds.comparable && rounds_outstanding(&h->rounds) == 0) || h->responses.start == h->requests.head_ack;
}

/** is_current() - is the final response that has just started that of the open request? */
static bool is_current(const struct http *h)
{
	return requests_open(h) && h->requests.sent && rounds_outstanding(&h->rounds) == 0;
}

/** decide_upgrade() - the response to the request that asked for another protocol has come, and is no 101 */
static void decide_upgrade(struct http *h, int status)
{
	bool untouched = h->upgrade.requested;

	h->upgrade.requested = false;
	if (h->requests.state != REQUEST_TUNNEL)
		return;
	if (h->upgrade.is_connect && status / 100 == 2) {
		leave_upgraded(h, false);
		return;
	}
	h->requests.state = REQUEST_NONE;
	if (!untouched)
		requests_lose_position(h);
}

void requests_response_started(struct http *h, int status)
{
	bool current = is_current(h);

	if (h->requests.state == REQUEST_HELD && status != 408 && plausible_trial_won(h)) /* a 408 answers no request */
		uphold(h);
	if ((h->upgrade.requested || h->requests.state == REQUEST_TUNNEL) && !current && is_last_response(h) &&
	    h->responses.requests_read >= h->upgrade.from)
		decide_upgrade(h, status);
}

void requests_switched(struct http *h, bool h2c)
{
	bool ahead = rounds_outstanding(&h->rounds) == -1; /* captured before the request */

	if (ahead || is_current(h))
		h->upgrade.granted = true; /* and the responses are not followed any more */
	else
		leave_upgraded(h, h2c);
}

void requests_responses_lost(struct http *h)
{
	if (h->requests.state == REQUEST_TUNNEL)
		requests_leave_unseen(h);
}

bool requests_await_responses(struct http *h)
{
	if (h->requests.state == REQUEST_HELD)
		return true; /* its response decides */
	if (!pairs_awaiting(h->pairs))
		return false;
	count_late(h);
	requests_drop_head(h);
	request_lost(&h->env->requests, &h->requests.current, LOST_RESET);
	if (h->requests.state < REQUEST_LOST)
		h->requests.state = REQUEST_LOST;
	return true;
}

void requests_end(struct http *h, enum lost_reason reason, enum response_result result)
{
	if (requests_open(h))
		count_late(h);
	lose(h, reason);
	pairs_ended(h->pairs, result);
	leave(h, h->result);
}
