/*
 * http1_keep.c - see http1_keep.h
 *
 * Theory of operation: a connection is kept as long as the server says that it
 * keeps it (Keep-Alive: timeout=N), less what connecting took and KEEP_SLACK_NS:
 * the server's clock began to run when the response left it, our request must
 * have arrived before it ends, and servers' timers are coarse. Where the server
 * does not say, it is KEEP_UNTOLD_NS: of those in use gunicorn has the shortest
 * time, 2 s, and its workers of uvicorn's with it; uvicorn, Node and Apache have
 * 5 s. At one request in that time a new connection costs nothing that counts,
 * while one that is used too long loses a request, since nothing is sent twice.
 *
 * What remains is a reason of its own, stale: on a connection that was used
 * before, the end or a reset comes before any byte of a response. It says
 * nothing about the shadow's model, so it must not hide what does: a server that
 * had the request and died of it. No server's patience ends within
 * STALE_IDLE_NS, so a connection that was busy until a moment ago ends for
 * another reason. And one that was closed before shows it within the time of
 * the way there and back; what takes longer than twice that (or the quickest
 * response that this connection has seen) and STALE_SLACK_NS is a reset like
 * any other. Some servers say 408 before they close an idle connection; that is
 * no response to a request that passed it on the way, but stale too.
 */
#include "replay/http1_keep.h"

#define KEEP_UNTOLD_NS (1500 * NS_PER_MS)
#define KEEP_MAX_NS    (60 * NS_PER_S) /* whatever the server says: what lies between forgets idle connections too */
#define KEEP_SLACK_NS  (500 * NS_PER_MS)
#define STALE_IDLE_NS  (400 * NS_PER_MS)
#define STALE_SLACK_NS (250 * NS_PER_MS) /* machines are busy */

void http1_keep_opened(struct http1_keep *k, int64_t open_ns)
{
	*k = (struct http1_keep){ .open_ns = open_ns, .quickest_ns = INT64_MAX / 4 }; /* no response yet, and so no reuse */
}

bool http1_keep_idle(struct http1_keep *k, int64_t told_s, int64_t response_ns, struct mono now)
{
	int64_t keep_ns = KEEP_UNTOLD_NS;

	if (told_s >= 0)
		keep_ns = told_s * NS_PER_S - k->open_ns - KEEP_SLACK_NS;
	if (keep_ns > KEEP_MAX_NS)
		keep_ns = KEEP_MAX_NS;
	k->idle_since = now;
	k->usable_until.ns = now.ns + keep_ns;
	if (response_ns < k->quickest_ns)
		k->quickest_ns = response_ns;
	return keep_ns > 0;
}

bool http1_keep_was_closing(const struct http1_keep *k, struct mono began, struct mono since, struct mono now)
{
	int64_t back_ns = k->open_ns > k->quickest_ns ? k->open_ns : k->quickest_ns;

	return began.ns - k->idle_since.ns >= STALE_IDLE_NS && now.ns - since.ns <= 2 * back_ns + STALE_SLACK_NS;
}
