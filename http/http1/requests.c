/*
 * requests.c - the HTTP/1 messages of one connection, both directions
 *
 * Theory of operation. llhttp finds the ends of heads, chunks and bodies; each
 * message gets a parser that begins anew, so what llhttp thinks of data after
 * "Connection: close" or after an Upgrade never costs a later request. Only a
 * 101, or a 2xx to CONNECT, ends HTTP on a connection. The parser is paused
 * where its loose rules must be checked: it skips the byte after a CR without
 * looking, and the CRLF after a chunk likewise. A server that looks would see
 * other requests than we do (request smuggling), so we look. The line before a
 * chunk is read by chunk_line.c, and llhttp is given the size alone.
 *
 * Nearly every head needs none of this: it lies whole in one segment and is
 * plain. head_scan.c reads it in one pass, where it lies, and its body is only
 * counted (scan_head(), count_body()). llhttp is not even set up for such a
 * request; for all others it sees every byte from the first one on.
 *
 * Requests are counted from the end of the method, or, where the position was
 * guessed after a gap, from the end of the request line. A connection's first
 * one is looked at to the end of its line: RTSP and ICE, which llhttp takes as
 * well, differ from HTTP only there. If it is in pieces it waits for its version
 * (uncounted); what is lost until then counts.
 *
 * A gap. The request that it touches is lost at once. Inside a body with
 * Content-Length the parser is fed filler for the missing bytes, and the next
 * request is where counting says; but not where the body should begin that a
 * client announced with "Expect: 100-continue", unless a 100 was seen: it may
 * never have been sent. Anywhere else the position is lost (REQUEST_LOST) until
 * a segment begins with what plausible.c believes.
 *
 * A request on trial (on_trial) is parsed like any other, but when it is whole
 * it is held (REQUEST_HELD) until its response shows that it is one, or the
 * client's next bytes that nothing does: then it is lost.
 *
 * A client that asks "Expect: 100-continue" and goes on with what may be its next
 * request breaks its request off: it is lost as "reset" if a final response was
 * seen, since the client gave it up, and as "gap" if what it had read was not.
 *
 * llhttp refuses targets without a leading slash, which servers accept. So it
 * is paused after the method, and unless the target begins with "/", "*",
 * "http://" or "https://", or belongs to CONNECT, it is fed a slash first that
 * is not recorded.
 */
#include "http/http1/http1_impl.h"

#include <stdlib.h>
#include <string.h>

#include "http/http1/request_line.h"
#include "reassembly/sequence.h"

#define HEAD_LOOK 4096 /* bytes of a segment that isn't believed in which fields of a head are looked for */

/** begin_request() - a request may begin with @line; however its head is read */
static void begin_request(struct http *h, struct span line)
{
	request_begin(&h->env->requests, &h->requests.current, h->at_hand.at);
	h->at_hand.line = line;
	h->requests.start = h->at_hand.end - (uint32_t)line.len;
	h->requests.state = REQUEST_METHOD;
	h->requests.any_byte = h->requests.sent = h->framing.chunked = h->framing.last_chunk = h->framing.expects = h->framing.awaits_body = h->guess.on_trial = false;
	h->requests.uncounted = false;
	h->framing.next = BYTES_PARSED;
	h->framing.name_len = 0;
	h->requests.pipelined = h->guess.tentative = false;
	h->framing.probe_len = 0;
	h->framing.body_left = 0;
	pairs_request_started(h->pairs, &h->at_hand);
}

static bool client_begin(struct http *h, struct span line)
{
	begin_request(h, line);
	if (!request_collect(&h->env->requests, &h->requests.current))
		return false;
	llhttp_init(&h->framing.parser, HTTP_REQUEST, &h->env->client_settings);
	h->framing.parser.data = h;
	http_rules_set(&h->framing.parser);
	return true;
}

/** push() - the server owes a response to the request in the making */
static void push(struct http *h, enum requested what)
{
	if (h->requests.sent)
		return;
	h->requests.sent = true;
	pairs_request_sent(h->pairs);
	if (!rounds_request_sent(&h->rounds, what)) {
		pairs_responses_lost(h->pairs, RESPONSE_OUT_OF_STEP);
	} else if ((what == REQUESTED_HEAD || what == REQUESTED_CONNECT) && rounds_all_answered(&h->rounds) &&
		   !h->rounds.switched) {
		http_lose_responses(h, RESPONSE_OUT_OF_STEP); /* captured before this: read as if it had a body */
	}
}

void http_lose_position(struct http *h)
{
	/* Where one was to start, a gap holds one for certain. */
	bool hidden = h->requests.state == REQUEST_NONE || (h->requests.state == REQUEST_METHOD && !h->requests.current.seen);

	if (h->requests.current.seen && !h->guess.on_trial)
		push(h, REQUESTED_PLAIN); /* it was sent, and will be answered somehow */
	request_release(&h->env->requests, &h->requests.current);
	h->guess.tentative = h->client.unproven = h->framing.awaits_body = h->guess.on_trial = false;
	pairs_requests_lost(h->pairs, hidden);
	/* Until an upgrade is known to be refused, what cannot be read is the other protocol. */
	h->requests.state = h->upgrade.requested ? REQUEST_TUNNEL : REQUEST_LOST;
	h->upgrade.requested = false;
}

/** count_late() - what is lost before its version was seen is counted all the same */
static void count_late(struct http *h)
{
	if (h->requests.uncounted)
		http_count_request(h);
}

static void fail_request(struct http *h, enum lost_reason reason)
{
	count_late(h);
	request_lost(&h->env->requests, &h->requests.current, reason);
	http_lose_position(h);
}

/** lose_trial() - nothing showed that the request on trial is one */
static void lose_trial(struct http *h, enum lost_reason reason)
{
	request_lost(&h->env->requests, &h->requests.current, reason);
	if (h->requests.sent) {
		if (rounds_request_unsent(&h->rounds) != REQUESTED_PLAIN)
			http_lose_responses(h, RESPONSE_OUT_OF_STEP); /* one may have been read as the response to it */
		pairs_request_unsent(h->pairs);
	}
	pairs_bytes_unread(h->pairs, h->at_hand.end - h->requests.start);
	rounds_requests_lost(&h->rounds);
	h->guess.gapped = true;
	http_lose_position(h);
}

static void leave(struct http *h, enum reader_result result)
{
	pairs_ended(h->pairs, RESPONSE_UPGRADED);
	request_release(&h->env->requests, &h->requests.current);
	h->requests.state = REQUEST_OVER;
	h->result = result;
}

/** http_leave_upgraded() - a 101 or CONNECT: what follows is not HTTP/1 */
void http_leave_upgraded(struct http *h, bool h2c)
{
	counter_add(&h->env->requests.stats->upgraded, 1);
	if (h2c)
		counter_add(&h->env->requests.stats->http2, 1);
	request_lost(&h->env->requests, &h->requests.current, LOST_UPGRADED);
	leave(h, READER_LEFT);
}

void http_leave_unseen(struct http *h)
{
	leave(h, READER_LEFT);
}

/** client_failed() - the parser refused the bytes at hand */
static void client_failed(struct http *h)
{
	if (!h->framing.foreign)
		count_late(h);
	if (h->requests.current.seen && !h->requests.current.settled) {
		fail_request(h, LOST_MALFORMED);
	} else if (h->requests.current.seen) {
		http_lose_position(h);
	} else if (h->guess.tentative) {
		h->at_hand.guess_failed = true;
		http_lose_position(h);
	} else if (!h->upgrade.requested && h->at_hand.line.at && request_line_foreign(h->at_hand.line)) { /* a method that llhttp does not know */
		http_count_request(h);
		fail_request(h, LOST_MALFORMED);
	} else if (h->client.unproven) {
		leave(h, READER_REFUSED);
	} else {
		http_lose_position(h);
	}
}

static bool is_field(const struct header *f, struct span name)
{
	return span_equal_nocase(f->name, name);
}

/** contains_nocase() - is @word somewhere in @s? For short values of fields that list tokens. */
static bool contains_nocase(struct span s, struct span word)
{
	for (; s.len >= word.len; span_skip(&s, 1))
		if (span_equal_nocase(span_of(s.at, word.len), word))
			return true;
	return false;
}

/** look_at_fields() - what the framing and the response depend on; false if servers would not agree on the
 * framing */
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
			h->framing.expects = contains_nocase(f->value, SPAN_LITERAL("100-continue"));
	}
	h->client.expects |= h->framing.expects;
	/* Once, and not in HTTP/1.0, where a server may ignore it and count otherwise (RFC 9112, 6.1). */
	return encodings == 0 || (encodings == 1 && !http10);
}

static enum requested what_is_requested(struct http *h, const struct request_head *head)
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
	return upgrade && contains_nocase(*upgrade, SPAN_LITERAL("h2c")) ? REQUESTED_H2C : REQUESTED_UPGRADE;
}

static void head_complete(struct http *h)
{
	struct request_head head = head_spans(h->requests.current.head, h->framing.parser.http_major, h->framing.parser.http_minor);

	h->framing.chunked = (h->framing.parser.flags & F_CHUNKED) != 0;
	h->framing.body_left = h->framing.chunked ? 0 : h->framing.parser.content_length;
	h->client.sends_bodies |= h->framing.chunked || h->framing.body_left > 0;
	if (!h->requests.current.seen && h->guess.tentative) { /* no version in the line: it was none */
		client_failed(h);
		return;
	}
	if (!h->requests.current.seen)
		http_count_request(h);
	/* HTTP/0.9 has no version, and nobody mirrors it. */
	if (head.version_major != 1 || !look_at_fields(h, &head)) {
		fail_request(h, LOST_MALFORMED);
		return;
	}
	push(h, what_is_requested(h, &head));
	h->requests.head_ack = h->at_hand.ack;
	h->framing.awaits_body = h->framing.expects;
	h->requests.state = REQUEST_BODY;
	h->framing.next = h->framing.chunked ? BYTES_CHUNK_LINE : BYTES_PARSED;
	h->framing.chunk_line = (struct chunk_line){ 0 };
	request_decide(&h->env->requests, &h->requests.current, &head, h->framing.body_left, false);
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

/** hold() - the request on trial is whole: wait for its response, which may be here already */
static void hold(struct http *h)
{
	h->requests.state = REQUEST_HELD;
	h->guess.held_end = h->at_hand.end - h->at_hand.left;
	h->guess.held_ack = h->at_hand.ack;
	h->guess.held_at = h->at_hand.at;
	h->upgrade.requested = rounds_last_requested(&h->rounds) >= REQUESTED_CONNECT;
	if (h->at_hand.left > 0 || h->upgrade.requested)
		lose_trial(h, LOST_GAP); /* more follows at once, or the response would not say enough */
	else if (http_trial_won(h))
		http_uphold(h);
}

void http_uphold(struct http *h)
{
	h->guess.on_trial = h->guess.gapped = false;
	h->at_hand.at = h->guess.held_at;
	h->at_hand.ack = h->guess.held_ack;
	hand_over(h);
}

/** await_upgrade() - what follows is another protocol, unless this is refused */
static void await_upgrade(struct http *h, enum requested requested)
{
	h->upgrade.from = h->at_hand.end - h->at_hand.left;
	h->upgrade.is_connect = requested == REQUESTED_CONNECT;
	if (h->upgrade.granted)
		http_leave_upgraded(h, requested == REQUESTED_H2C);
	else if (rounds_all_answered(&h->rounds))
		h->upgrade.requested = false; /* it is refused already */
	else if (requested == REQUESTED_CONNECT || !h->upgrade.tells)
		h->requests.state = REQUEST_TUNNEL;
}

static void message_complete(struct http *h)
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

/** method_complete() - it is a request, unless it is the first one and in a language that only resembles HTTP */
static void method_complete(struct http *h)
{
	enum line_match protocol = LINE_YES;

	if (h->guess.tentative || h->framing.parser.method == HTTP_PRI)
		return;
	if (h->client.unproven)
		protocol = h->at_hand.line.at ? request_line_protocol(h->at_hand.line) : LINE_MAYBE;
	h->requests.uncounted = protocol == LINE_MAYBE;
	if (protocol == LINE_YES)
		http_count_request(h);
	else if (protocol == LINE_NO)
		leave(h, READER_REFUSED);
}

/** client_paused() - llhttp stopped where we asked it to */
static void client_paused(struct http *h)
{
	bool lf = h->framing.last[0] == '\n', crlf = lf && h->framing.last[1] == '\r';
	enum pause why = h->framing.pause;

	h->framing.pause = PAUSE_NONE;
	switch (why) {
	case PAUSE_NONE:
		break;
	case PAUSE_METHOD:
		h->requests.state = REQUEST_TARGET;
		method_complete(h);
		break;
	case PAUSE_VERSION:
		h->framing.next = BYTES_LINE_END;
		break;
	case PAUSE_HEAD:
		h->framing.run_again = true; /* even without bytes: there may be no body to wait for */
		if (lf)
			head_complete(h);
		else
			client_failed(h);
		break;
	case PAUSE_CHUNK_HEAD:
		if (!lf)
			client_failed(h);
		break;
	case PAUSE_CHUNK_END:
		h->framing.run_again = true; /* the last one ends the message */
		if (h->framing.last_chunk ? !lf : !crlf)
			client_failed(h);
		else if (!h->framing.last_chunk)
			h->framing.next = BYTES_CHUNK_LINE;
		break;
	case PAUSE_MESSAGE:
		if (h->framing.chunked && !lf)
			client_failed(h);
		else
			message_complete(h);
		break;
	}
}

/** client_parse() - give llhttp the bytes of @in; what it took is gone from @in */
static void client_parse(struct http *h, struct span *in)
{
	struct span taken = *in;
	llhttp_errno_t rc;

	h->framing.parse_at = (const char *)in->at;
	rc = llhttp_execute(&h->framing.parser, h->framing.parse_at, in->len);

	if (rc != HPE_OK)
		span_truncate(&taken, (size_t)((const uint8_t *)llhttp_get_error_pos(&h->framing.parser) - in->at));
	span_skip(in, taken.len);
	h->at_hand.left = (uint32_t)in->len;
	if (taken.len > 0) {
		for (size_t i = sizeof(h->framing.last); i-- > 0;)
			h->framing.last[i] = i < taken.len ? taken.at[taken.len - 1 - i] : h->framing.last[i - taken.len];
	}
	if (rc == HPE_PAUSED) {
		llhttp_resume(&h->framing.parser);
		client_paused(h);
	} else if (rc == HPE_PAUSED_H2_UPGRADE) {
		counter_add(&h->env->requests.stats->http2, 1);
		if (h->upgrade.requested)
			counter_add(&h->env->requests.stats->upgraded, 1);
		leave(h, READER_LEFT);
	} else if (rc != HPE_OK) {
		client_failed(h);
	}
}

/** needs_slash() - judge the target by its first bytes; false, with *@sure unset, if more are needed */
static bool needs_slash(const struct http *h, bool *sure)
{
	struct span target = span_of(h->framing.probe, h->framing.probe_len);
	const struct span schemes[] = { SPAN_LITERAL("http://"), SPAN_LITERAL("https://") };

	*sure = true;
	if (h->framing.parser.method == HTTP_CONNECT || strchr("/*\r\n", target.at[0]))
		return false;
	for (size_t i = 0; i < 2; i++) {
		size_t n = target.len < schemes[i].len ? target.len : schemes[i].len;

		if (!span_equal_nocase(span_of(target.at, n), span_of(schemes[i].at, n)))
			continue;
		*sure = n == schemes[i].len;
		return false;
	}
	return true;
}

/**
 * client_target() - the next bytes of a target in origin form
 *
 * Servers take bytes above 127 there, and llhttp 9 doesn't. It is given another byte in their place.
 */
static void client_target(struct http *h, struct span *in)
{
	struct span piece = *in, other = SPAN_LITERAL("x"), byte;
	size_t n = 0;

	while (n < in->len && in->at[n] > ' ' && in->at[n] < 0x80)
		n++;
	if (n == in->len || in->at[n] <= ' ') {
		h->framing.next = n == in->len ? BYTES_TARGET : BYTES_PARSED;
		client_parse(h, in);
	} else if (n > 0) {
		span_take(in, n, &piece);
		client_parse(h, &piece);
	} else if (span_take(in, 1, &byte) && head_add_target(h->requests.current.head, byte)) {
		h->framing.own_slash = true;
		client_parse(h, &other);
		h->framing.own_slash = false;
	} else {
		client_failed(h);
	}
}

/** client_probe() - collect the target's first bytes until we know whether llhttp needs a slash before them */
static void client_probe(struct http *h, struct span *in)
{
	static const uint8_t slash = '/';
	struct span probe;
	bool sure = false, add = false;
	uint8_t c;

	if (in->len > 0 && in->at[0] == ' ' && h->framing.probe_len == 0) {
		struct span space;

		span_take(in, 1, &space); /* llhttp skips any number of them */
		client_parse(h, &space);
		return;
	}
	if (h->framing.last[0] != ' ') { /* after the method comes a space, and llhttp says what else is wrong */
		client_parse(h, in);
		return;
	}
	while (!sure && span_u8(in, &c)) {
		h->framing.probe[h->framing.probe_len++] = c;
		add = needs_slash(h, &sure);
	}
	if (!sure)
		return;
	h->requests.state = REQUEST_HEAD;
	if (add) {
		h->framing.own_slash = true;
		probe = span_of(&slash, 1);
		client_parse(h, &probe);
		h->framing.own_slash = false;
	}
	probe = span_of(h->framing.probe, h->framing.probe_len);
	h->framing.next = add || h->framing.probe[0] == '/' ? BYTES_TARGET : BYTES_PARSED;
	while (probe.len > 0 && h->requests.state == REQUEST_HEAD) {
		if (h->framing.next == BYTES_TARGET)
			client_target(h, &probe);
		else
			client_parse(h, &probe);
	}
}

/* ---- requests whose head is scanned ---------------------------------------- */

/** scan_head() - the request that begins here, if its head is whole and plain: what llhttp and its callbacks do */
static bool scan_head(struct http *h, struct span *in)
{
	struct scan_memo *memo = &h->env->request_memos[h->requests.current.origin.connection % SCAN_MEMOS];
	const struct scanned_head *s = h->env->llhttp_only ? NULL : scan_request(*in, memo);

	if (!s)
		return false;
	begin_request(h, *in);
	h->requests.any_byte = true;
	h->framing.next = BYTES_COUNTED;
	h->requests.pipelined = http_begins_pipelined(h);
	http_count_request(h);
	h->upgrade.granted = false; /* it asks for none */
	h->framing.body_left = s->content_length;
	h->client.sends_bodies |= h->framing.body_left > 0;
	push(h, s->asks_head ? REQUESTED_HEAD : REQUESTED_PLAIN);
	h->requests.head_ack = h->at_hand.ack;
	h->requests.state = REQUEST_BODY;
	span_skip(in, s->len);
	h->at_hand.left = (uint32_t)in->len;
	request_decide(&h->env->requests, &h->requests.current, &s->head, h->framing.body_left, h->framing.body_left <= in->len);
	pairs_request_decided(h->pairs, &h->at_hand, h->requests.start);
	if (h->framing.body_left == 0)
		message_complete(h);
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
		message_complete(h);
}

/** client_chunk_line() - the size before a chunk: see chunk_line.h */
static void client_chunk_line(struct http *h, struct span *in)
{
	struct span feed;
	enum chunk_take take = chunk_line_take(&h->framing.chunk_line, in, &feed);

	if (take == CHUNK_WRONG) {
		client_failed(h);
		return;
	}
	h->framing.next = take == CHUNK_MORE ? BYTES_CHUNK_LINE : BYTES_PARSED;
	if (feed.len > 0)
		client_parse(h, &feed);
}

/** client_line_end() - llhttp 9.2 takes no LF alone behind the version, whatever it is told: it gets the CR as well */
static void client_line_end(struct http *h, struct span *in)
{
	struct span cr = SPAN_LITERAL("\r");

	if (in->len == 0)
		return;
	h->framing.next = BYTES_PARSED;
	if (in->at[0] == '\n')
		client_parse(h, &cr);
}

static void client_body(struct http *h, struct span *in)
{
	h->framing.awaits_body &= in->len == 0;
	switch (h->framing.next) {
	case BYTES_COUNTED:
		count_body(h, in);
		break;
	case BYTES_PARSED:
		client_parse(h, in);
		break;
	case BYTES_TARGET:
		client_target(h, in);
		break;
	case BYTES_LINE_END:
		client_line_end(h, in);
		break;
	case BYTES_CHUNK_LINE:
		client_chunk_line(h, in);
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
		if (before == REQUEST_NONE && !client_begin(h, in)) {
			http_lose_position(h); /* out of memory: this request is not followed */
			return;
		}
		if (before == REQUEST_TARGET)
			client_probe(h, &in);
		else
			client_body(h, &in);
		again = h->framing.run_again;
		h->framing.run_again = false;
	} while ((in.len > 0 || again) && h->requests.state <= REQUEST_BODY);
}

/* ---- finding the next request after a gap ------------------------------ */

/** guess() - a request may begin with @segment; @on_trial: its response must show that it is one */
static void guess(struct http *h, struct span segment, bool on_trial)
{
	h->requests.state = REQUEST_NONE;
	if (!client_begin(h, segment)) {
		http_lose_position(h);
		return;
	}
	h->guess.tentative = h->at_hand.guessed = true;
	h->guess.gapped &= on_trial;
	h->guess.on_trial = on_trial;
	h->guess.trial_ack = h->at_hand.ack;
	rounds_requests_lost(&h->rounds); /* http_count_request() starts anew */
	client_run(h, segment);
}

/** pass_over() - what begins with @segment is not believed; but if it is a request, what does it say of the next bytes? */
static void pass_over(struct http *h, struct span segment)
{
	struct span start = segment;

	span_truncate(&start, HEAD_LOOK);
	h->guess.gapped = true;
	if (span_starts(segment, SPAN_LITERAL("PRI * HTTP/2.0\r\n"))) {
		http_leave_unseen(h);
		return;
	}
	h->client.expects |= contains_nocase(start, SPAN_LITERAL("100-continue")) ||
			     (request_method_match(segment) == LINE_YES && request_line_match(segment) != LINE_NO &&
			      !contains_nocase(start, SPAN_LITERAL("\r\n\r\n")));
	if (!span_starts(segment, SPAN_LITERAL("CONNECT ")) &&
	    (!contains_nocase(start, SPAN_LITERAL("\nupgrade:")) ||
	     contains_nocase(start, SPAN_LITERAL("\nhttp2-settings:"))))
		return;
	h->requests.state = REQUEST_TUNNEL;
	h->upgrade.from = h->at_hand.end;
	h->requests.head_ack = h->at_hand.ack;
	h->upgrade.is_connect = span_starts(segment, SPAN_LITERAL("CONNECT "));
}

static void client_find(struct http *h, struct span segment)
{
	enum belief belief = request_line_match(segment) == LINE_NO ? BELIEF_NONE : http_believable(h, segment);

	h->guess.blind = false;
	if (belief != BELIEF_NONE) {
		h->guess.doubted = false;
		guess(h, segment, belief == BELIEF_TRIAL);
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
		lose_trial(h, reason);
	else
		fail_request(h, reason);
	h->guess.doubted = true;
	guess(h, segment, true);
}

/** client_segment() - the bytes of one segment, whatever they are */
static void client_segment(struct http *h, struct span segment)
{
	if (h->framing.awaits_body && h->requests.state == REQUEST_BODY && http_body_doubtful(h, segment)) {
		doubt(h, segment);
		return;
	}
	if (h->guess.on_trial && http_trial_over(h, segment))
		lose_trial(h, LOST_GAP);
	if (h->requests.state == REQUEST_LOST)
		client_find(h, segment);
	else if (h->requests.state <= REQUEST_BODY)
		client_run(h, segment);
	else if (h->requests.state == REQUEST_TUNNEL)
		h->upgrade.requested =
			false; /* bytes went by before the response: if it is no, the position is lost */
}

enum reader_result http_client_bytes(struct http *h, const struct chunk *chunk)
{
	struct span segment = chunk->bytes;

	h->at_hand = (struct at_hand){ .at = chunk->at,
				       .start = (uint32_t)chunk->offset,
				       .end = (uint32_t)chunk->offset + (uint32_t)segment.len,
				       .ack = (uint32_t)chunk->peer_read,
				       .has_ack = chunk->peer_known };
	client_segment(h, segment);
	if (h->at_hand.guess_failed && !h->at_hand.guessed && h->requests.state == REQUEST_LOST)
		client_find(h,
			    segment); /* the guess was made earlier and was wrong: this segment may be right */
	if (http_request_open(h) && !request_wait(&h->env->requests, &h->requests.current))
		fail_request(h, LOST_MEMORY);
	if (chunk->peer_known)
		rounds_client_read(&h->rounds, (uint32_t)chunk->peer_read);
	return h->result;
}

void http_proxied(struct http *h, const struct endpoint *client)
{
	h->requests.current.origin.proxied = *client;
}

void http_unparsed(struct http *h, uint64_t peer_read)
{
	h->rounds.client_read = (uint32_t)peer_read;
	h->rounds.client_has_read = true;
}

struct span http_filler(uint64_t left)
{
	static const uint8_t filler[64 << 10];

	return span_of(filler, left < sizeof(filler) ? (size_t)left : sizeof(filler));
}

/** skip_body() - let @bytes of the body at hand pass that nobody has */
static void skip_body(struct http *h, uint64_t bytes)
{
	while (bytes > 0 && h->requests.state == REQUEST_BODY) {
		struct span in = http_filler(bytes);

		bytes -= in.len;
		client_body(h, &in);
	}
}

/** body_gap() - ... inside a body, or where one should begin */
static void body_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	/* Of a body that nobody asked for, nothing tells whether it lies in the gap, or the next requests do. */
	if (h->framing.chunked || bytes == UINT32_MAX || (h->framing.awaits_body && !http_accepted(h))) {
		h->guess.gapped = true;
		fail_request(h, why);
		return;
	}
	request_lost(&h->env->requests, &h->requests.current, why);
	if (bytes > h->framing.body_left) {
		skip_body(h, h->framing.body_left);
		if (h->requests.state == REQUEST_NONE)
			http_lose_position(h); /* at the begin of a request: see pairs.h, requests_lost */
	} else {
		skip_body(h, bytes);
	}
}

static void lose_in_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	if (h->guess.on_trial) {
		lose_trial(h, why);
		return;
	}
	switch (h->requests.state) {
	case REQUEST_NONE:
	case REQUEST_METHOD:
	case REQUEST_LOST:
		http_lose_position(h);
		break;
	case REQUEST_TARGET:
	case REQUEST_HEAD:
		/* What the head announced isn't known; but who sends a body with these? */
		if (h->framing.parser.method != HTTP_GET && h->framing.parser.method != HTTP_HEAD)
			h->client.sends_bodies = h->guess.gapped = true;
		fail_request(h, why);
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

/* ---- incarnation --------------------------------------------------------------- */

/** result_of() - ... of a response whose connection ends so */
static enum response_result result_of(enum lost_reason reason)
{
	switch (reason) {
	case LOST_GAP:
		return RESPONSE_GAP;
	case LOST_TRUNCATED:
		return RESPONSE_TRUNCATED;
	case LOST_MALFORMED:
		return RESPONSE_MALFORMED;
	case LOST_UPGRADED:
		return RESPONSE_UPGRADED;
	case LOST_MEMORY:
		return RESPONSE_MEMORY;
	case LOST_CUT_AT_END:
		return RESPONSE_CUT_AT_END;
	case LOST_RESET:
	case LOST_IDLE:
	case LOST_MULTIPATH:
	case LOST_URGENT:
	case LOST_TOO_LARGE:
	case LOST_REASON_COUNT:
		break;
	}
	return RESPONSE_BROKEN_OFF;
}

bool http_client_end(struct http *h)
{
	if (h->requests.state == REQUEST_HELD)
		return true; /* its response decides */
	if (!pairs_awaiting(h->pairs))
		return false;
	count_late(h);
	request_lost(&h->env->requests, &h->requests.current, LOST_RESET);
	if (h->requests.state < REQUEST_LOST)
		h->requests.state = REQUEST_LOST;
	return true;
}

void http_end(struct http *h, enum lost_reason reason)
{
	if (http_request_open(h))
		count_late(h);
	request_lost(&h->env->requests, &h->requests.current, reason);
	pairs_ended(h->pairs, result_of(reason));
	leave(h, h->result);
}

struct http *http_new(struct http_env *env, const struct reader_start *start)
{
	bool begun = start->from_first_byte;
	struct http *h = env->spare;

	if (!budget_charge(env->requests.budget, sizeof(*h)))
		return NULL;
	if (h) {
		env->spare = h->next;
		env->spare_count--;
	} else {
		h = malloc(sizeof(*h));
		if (!h) {
			budget_release(env->requests.budget, sizeof(*h));
			return NULL;
		}
	}
	memset(h, 0, sizeof(*h));
	h->env = env;
	rounds_init(&h->rounds, start->server, begun);
	h->responses.state = begun ? RESPONSES_BETWEEN : RESPONSES_LOST;
	h->client.unproven = begun;
	h->guess.gapped = !begun;
	h->requests.state = begun ? REQUEST_NONE : REQUEST_LOST;
	h->requests.current.origin = start->origin;
	if (env->keep_responses)
		h->pairs = pairs_new(env, &h->requests.current, &h->rounds, begun);
	if (env->keep_responses && !h->pairs) {
		http_free(env, h);
		return NULL;
	}
	return h;
}

void http_free(struct http_env *env, struct http *h)
{
	if (!h)
		return;
	request_release(&env->requests, &h->requests.current);
	pairs_free(h->pairs);
	budget_release(env->requests.budget, sizeof(*h));
	if (env->spare_count >= SPARE_HTTP_MAX) {
		free(h);
		return;
	}
	h->next = env->spare;
	env->spare = h;
	env->spare_count++;
}

void http_env_init(struct http_env *env, const struct http1_options *options, struct reassembly_stats *stats)
{
	*env = (struct http_env){ .llhttp_only = options->llhttp_only,
				  .keep_responses = options->keep_responses,
				  .max_response = options->max_response,
				  .last_token = options->first_token };
	env->requests.sink = options->sink;
	env->requests.max_body = options->max_body;
	env->requests.budget = options->budget;
	env->requests.stats = stats;
	for (size_t i = 0; i < SCAN_MEMOS; i++)
		env->request_memos[i].number = i;
	http_callbacks_init(&env->client_settings);
	http_response_callbacks_init(&env->server_settings, &env->kept_settings);
}

void http_env_deinit(struct http_env *env)
{
	while (env->spare) {
		struct http *h = env->spare;

		env->spare = h->next;
		free(h);
	}
	request_env_deinit(&env->requests);
}
