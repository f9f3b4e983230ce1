/*
 * unseen.c - requests of which no byte was captured
 *
 * Theory of operation. A gap that starts where a request must start hides one,
 * and the books should say so. It is certain if it is known that the connection
 * speaks HTTP/1, that nothing else may follow (an upgrade that was asked for),
 * and that the place is known: between two requests, or behind the end of a body
 * that is counted, but not where a body was to be sent on demand, or where the
 * next request was only guessed. Two bytes may be the empty line that some clients
 * send behind a body (RFC 9112, 2.2). One request is counted for one gap, since
 * it cannot be seen how many there were; those that lie in a body are the body's.
 *
 * At the start of a connection it is not known what it speaks. Then the gap is
 * counted when a response shows it, which is mostly before the gap is given up,
 * or at the end, when another request has.
 */
#include "http/http1/http1_impl.h"

#define EMPTY_LINE 2

bool http_hides_request(const struct http *h, uint32_t bytes)
{
	if (bytes == UINT32_MAX || h->upgrade.requested)
		return false;
	if (h->requests.state == REQUEST_NONE)
		return bytes > EMPTY_LINE;
	if (h->requests.state == REQUEST_METHOD)
		return !h->guess.tentative && (bytes > EMPTY_LINE || h->requests.any_byte);
	return h->requests.state == REQUEST_BODY && !h->framing.chunked && !h->framing.expects && bytes > h->framing.body_left &&
	       bytes - h->framing.body_left > EMPTY_LINE;
}

static void count(struct http *h, enum lost_reason why, struct wall now)
{
	struct request lost = { .origin = h->requests.current.origin };

	request_start(&h->env->requests, &lost, now);
	request_seen(&h->env->requests, &lost, h->requests.counted++);
	request_lost(&h->env->requests, &lost, why);
}

void http_lose_unseen(struct http *h, enum lost_reason why, struct wall now, bool http_known)
{
	if (http_known || h->rounds.answered > 0) {
		count(h, why, now);
		return;
	}
	h->unseen.at = now;
	h->unseen.why = (uint8_t)(why + 1);
}

void http_end_unseen(struct http *h)
{
	if (h->unseen.why && (h->rounds.answered > 0 || h->requests.counted > 0))
		count(h, (enum lost_reason)(h->unseen.why - 1), h->unseen.at);
	h->unseen.why = 0;
}

bool http_is_known(const struct http *h)
{
	return !h->client.unproven;
}
