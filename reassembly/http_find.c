/*
 * http_find.c - may a request begin here?
 *
 * Theory of operation. After a hole whose contents cannot be counted, a request
 * may begin only where a segment begins, with a whole request line. But the
 * lost request's body may hold just that. What tells them apart is how far the
 * client had read the answers: without pipelining a client sends the next
 * request only after the answer to the one before, so the segment of a true next
 * request acknowledges bytes that no segment of the lost one did. This needs the
 * client's direction only.
 *
 * It cannot tell apart two cases: the hole took the end of one request, or the
 * end of one and the head of the next, whose body is what we see. So where the
 * answers are captured as well, up to what the segment acknowledges, they
 * decide: a server that answers has read the request to its end, and the
 * segment on which its final answer begins acknowledges just that. The next
 * request begins there and nowhere else. An interim 100 is not final, so a body
 * sent after "Expect: 100-continue" is not taken for a request; an answer that
 * comes early, before the body ends, costs one more request.
 *
 * Where pipelining was seen (a request that began with the ack of the one
 * before, or in the same segment) acks prove nothing. If nothing but heads went
 * by on the connection, a GET or HEAD at the begin of a segment is taken. Else
 * the rules above hold: the rest of a pipelined batch stays unseen after a hole
 * in it, because the alternative is to send what somebody quoted in a body.
 *
 * The other price: with the client's direction alone, or holes in the answers
 * at the same place, a hole that swallows the head of a request whose body
 * begins, at a segment, with a request line lets that line pass.
 *
 * A capture that begins inside a connection has the same state from the start.
 */
#include "reassembly/http_impl.h"

#include "reassembly/request_line.h"
#include "reassembly/sequence.h"

bool http_begins_pipelined(const struct http *h)
{
	if (h->sent == 0 || (h->answers_known && seq_distance(h->sent, http_answered_by(h, h->now_ack)) >= 0))
		return false; /* an early answer can be read before the request's own end: the ack says nothing
				 then */
	return h->completed_here || (h->read_known && h->now_has_ack && !seq_before(h->read_ack, h->now_ack));
}

/** asks_only() - does @line begin with a method whose requests have no body in practice? */
static bool asks_only(struct span line)
{
	return span_starts(line, SPAN_LITERAL("GET ")) || span_starts(line, SPAN_LITERAL("HEAD "));
}

bool http_believable(const struct http *h, struct span segment)
{
	if (h->pipelining && !h->bodies && asks_only(segment))
		return true; /* nothing but heads went by, and this is one more */
	if (h->read_known && h->now_has_ack && !seq_before(h->read_ack, h->now_ack))
		return false;
	if (h->answers_placed && http_answers_seen(h)) {
		uint32_t n = http_answered_by(h, h->now_ack);

		if (n > 0 && (h->answers_whole || !seq_before(h->begins[(n - 1) % BEGINS_MAX], h->placed_at)))
			return h->ends[(n - 1) % BEGINS_MAX] == h->now_seq;
		return !h->answers_whole; /* the answer that it follows was not captured */
	}
	return true;
}
