/*
 * http1_impl.h - one connection's HTTP/1, for the files that share the work
 *
 * They call each other downward only; what is on one line knows nothing of its neighbours:
 *
 *   http1.c                            start and end of a connection; what a lane's connections share
 *   client.c, responses.c              the bytes and gaps of either direction
 *   request_feed.c                     what llhttp is given of a request
 *   request_callbacks.c, response_callbacks.c   what llhttp says then
 *   requests.c                         what becomes of requests, and what responses say of them
 *   plausible.c, unseen.c, pairs.c     may a request start here? requests of which nothing was captured; whose response is it?
 *   rounds.c                           requests sent and responses started: what each says of the other
 *
 * The one way up is llhttp's callbacks of responses, which call responses.c as if they were of it. responses.c tells
 * requests.c what has come by three functions and reads nothing else of it than whether it is over; requests.c never
 * calls back, for what it has to tell responses.c, struct rounds says.
 */
#ifndef HTTP_HTTP1_HTTP1_IMPL_H
#define HTTP_HTTP1_HTTP1_IMPL_H

#include "http/http1/at_hand.h"
#include "http/http1/http1.h"
#include "http/http1/pairs.h"
#include "http/http1/plausible.h"
#include "http/http1/requests.h"
#include "http/http1/responses.h"
#include "http/http1/rounds.h"

/** struct http - what each request touches comes first, in as few cache lines as it takes; what few need comes last */
struct http {
	struct reader reader; /* first: what the tracker holds */
	struct http_env *env;
	struct pairs *pairs; /* NULL unless responses may be wanted */
	enum reader_result result;
	struct client client;
	struct guess guess;
	struct requests requests;
	struct at_hand at_hand;
	struct upgrade upgrade;
	struct rounds rounds;
	struct responses responses;
	struct framing framing;
	struct unseen unseen;
	struct http *next; /* in the free list */
};

static inline struct http *http_of(llhttp_t *p)
{
	return p->data;
}

/** at_hand_captured() - were all responses captured that the client had read when it sent the segment at hand? */
static inline bool at_hand_captured(const struct http *h)
{
	return h->at_hand.has_ack && rounds_captured(&h->rounds, h->at_hand.ack);
}

/** requests_open() - has a request started that is neither whole nor lost? */
static inline bool requests_open(const struct http *h)
{
	return h->requests.state >= REQUEST_METHOD && h->requests.state <= REQUEST_BODY;
}

#endif
