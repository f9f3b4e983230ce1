/*
 * plausible.c - may a request start here?
 *
 * Theory of operation. After a gap whose contents cannot be counted, a request
 * may start only where a segment starts, with a whole request line. But the
 * lost request's body may hold just that, and who controls a body must not be
 * able to make requests. What tells them apart is how far each side had read the
 * other: without pipelining a client sends the next request only after the
 * response to the one before, so the segment of a true next request acknowledges
 * bytes that no segment of the lost one did.
 *
 * What the client has read may be less than a response. Where the responses are
 * captured, an interim one that is the last that was read says that the request
 * at hand still waits for its final one: what the client sends then is its body.
 * And a server that answers has read the request, so the segment on which its
 * final response starts acknowledges where the next request starts, and nowhere
 * else does one start. If that response was not captured, none is plausible until
 * the next one is.
 *
 * A response that comes before the body's end acknowledges a place inside the
 * body. So a request that is found where a head may have gone by unseen (gapped)
 * is on trial: it is kept, but handed over only when its own final response
 * begins, just at the byte for which the client was waiting when it began the
 * request, and acknowledges just its end. A body whose request was answered
 * before gets no second response. The trial is lost when the client sends more
 * before that: then the request is lost, and what it sends is looked at anew.
 * The responses may be captured ahead of the requests as well, or wait behind a
 * gap longer than these: what is remembered of the last few is enough for both.
 *
 * A body that was expected. With "Expect: 100-continue" the client may send the
 * body when it reads a 100, or when it has waited enough, or all the same when
 * it reads a final response (RFC 9110, 10.1.1), or never, and then the next
 * request follows. If the segment after the head acknowledges nothing new, or
 * an interim response is the last that was read, it is the body. If it does not
 * look like a request, it is the body, too. Else nothing tells until the server
 * answers: the request that expected is lost, and what starts there is on trial.
 * So is it if the final response itself was not captured, and then the trial is
 * lost. A gap there may hold the body or the next requests, so it is not counted
 * through unless a 100 was seen.
 *
 * With the client's direction alone no trial is ever won. There the first segment
 * behind a gap in which a head may lie is not plausible: what it acknowledges is
 * what the next one must go beyond. A client that expects (wary) makes even that
 * say nothing, since a 100 moves its acks, so none of its requests is plausible
 * once the position was lost. What starts there counts as lost.
 *
 * Another protocol. After CONNECT, or an upgrade to what may look like anything,
 * nothing is read until its response says no: bytes that go by before are not
 * HTTP, whatever they look like, and if the place in the responses is lost before
 * it comes, nothing on the connection is read again. Upgrades to h2c and to
 * websocket are told by the client's first bytes, which cannot begin a request:
 * those who ask for h2c each time and never get it are read on.
 *
 * Where pipelining was seen (a request that began with the ack of the one
 * before, or in the same segment) acks prove nothing. If nothing but heads went
 * by on the connection, a GET or HEAD at the start of a segment is taken. Else
 * the rules above hold: the rest of a pipelined batch stays unseen after a gap
 * in it, because the alternative is to send what is quoted in a body.
 *
 * The price: after a gap one more request may be lost, and one whose response is
 * not captured is. What nothing tells: a capture that begins inside a connection,
 * just between a head and a body that begins with a request line, takes that line
 * for one, unless something of a response shows that it isn't.
 */
#include "http/http1/http1_impl.h"

#include "http/http1/request_line.h"

bool plausible_is_pipelined(const struct http *h)
{
	if (h->rounds.sent == 0 || rounds_all_read(&h->rounds, h->at_hand.ack))
		return false; /* an early response can be read before the request's own end: the ack says nothing then */
	return h->at_hand.completed || (h->at_hand.has_ack && !rounds_has_read_on(&h->rounds, h->at_hand.ack));
}

/** asks_only() - does @line begin with a method whose requests have no body in practice? */
static bool asks_only(struct span line)
{
	return span_starts(line, SPAN_LITERAL("GET ")) || span_starts(line, SPAN_LITERAL("HEAD "));
}

/** is_behind() - are the responses captured, but not yet followed to where the client had read them? They wait behind a gap */
static bool is_behind(const struct http *h)
{
	return h->rounds.client_has_read && h->rounds.stream->synced && h->rounds.stream->held_count > 0 && !at_hand_captured(h);
}

enum plausible plausible_request(const struct http *h, struct span segment)
{
	if (h->client.pipelines && !h->client.sends_bodies && !h->guess.gapped && asks_only(segment))
		return PLAUSIBLE_YES; /* nothing but heads went by, and this is one more */
	if (h->at_hand.has_ack && !rounds_has_read_on(&h->rounds, h->at_hand.ack))
		return PLAUSIBLE_NOT;
	if (plausible_final_owed(h))
		return PLAUSIBLE_NOT;
	if (h->rounds.answered == 0 || (!h->rounds.client_has_read && rounds_answered_by(&h->rounds, h->at_hand.ack) == 0))
		return h->guess.blind || h->client.expects || is_behind(h) ? PLAUSIBLE_ON_TRIAL : PLAUSIBLE_YES;
	if (!at_hand_captured(h))
		return PLAUSIBLE_ON_TRIAL;
	if (!rounds_requests_read(&h->rounds, h->at_hand.ack, h->at_hand.start))
		return PLAUSIBLE_NOT;
	return h->guess.gapped ? PLAUSIBLE_ON_TRIAL : PLAUSIBLE_YES;
}

bool plausible_final_owed(const struct http *h)
{
	return at_hand_captured(h) && rounds_final_owed(&h->rounds, h->at_hand.ack);
}

/** may_be_request() - ... of any method, and after blank lines, as servers take them */
static bool may_be_request(struct span s)
{
	while (s.len > 0 && (s.at[0] == '\r' || s.at[0] == '\n'))
		span_skip(&s, 1);
	return request_line_match(s) != LINE_NO || request_line_foreign(s);
}

bool plausible_instead_of_body(const struct http *h, struct span segment)
{
	if (!h->at_hand.has_ack || h->requests.head_ack >= h->at_hand.ack || !may_be_request(segment))
		return false; /* without a response read, it is the body, which did not wait */
	return !at_hand_captured(h) || !rounds_interim_since(&h->rounds, h->at_hand.ack, h->requests.head_ack);
}

bool plausible_body_accepted(const struct http *h)
{
	return rounds_continued(&h->rounds, h->requests.head_ack);
}

bool plausible_trial_over(const struct http *h, struct span segment)
{
	bool read_on = h->at_hand.has_ack && h->guess.trial_ack < h->at_hand.ack;

	if (h->requests.state == REQUEST_HELD || (read_on && !plausible_final_owed(h)))
		return true;
	/* No head is lost for an attacker, but a body may be sent to be refused, and a length in it reach beyond it. */
	return h->guess.doubted && h->requests.state == REQUEST_BODY && may_be_request(segment);
}

bool plausible_trial_won(const struct http *h)
{
	return rounds_confirm(&h->rounds, h->guess.trial_ack, h->requests.start, h->guess.held_end);
}
