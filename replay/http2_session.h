/*
 * http2_session.h - what nghttp2 and the streams of one connection tell each other
 *
 * Private to http2_client.c, which has the connection; here is what comes of
 * each exchange on it.
 */
#ifndef REPLAY_HTTP2_SESSION_H
#define REPLAY_HTTP2_SESSION_H

#include <stdint.h>

#include "replay/http2_client.h"

/** http2_session_new() - make @c's session, with our SETTINGS to be sent first; 0 or -ENOMEM */
int http2_session_new(struct http2_client *c);

/** http2_stream_submit() - give the request to nghttp2, with the head that is in the env; 0, -ENOMEM or -EINVAL */
int http2_stream_submit(struct http2_stream *s);

/** http2_stream_end() - @s is over as @kind: it joins those of its client that have ended, which is still to be told */
void http2_stream_end(struct http2_stream *s, enum outcome_kind kind, const char *detail);

/** http2_stream_us_since_sent() - since the last byte of the request was written; 0 before that */
static inline int64_t http2_stream_us_since_sent(const struct http2_stream *s, struct mono now)
{
	return s->sent_at.ns && now.ns > s->sent_at.ns ? (now.ns - s->sent_at.ns) / NS_PER_US : 0;
}

#endif
