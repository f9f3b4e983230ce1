/*
 * http_transport.c - see http_transport.h
 *
 * Theory of operation: where the target is belongs to reach.c, connections to
 * the pool of a protocol. A message goes out in the protocol in which it came,
 * unless the target is fixed to one; the sink, which is ours, speaks HTTP/1 only.
 *
 * --connections is the limit of both pools together. One that has no room for
 * another takes the place of a connection on which the other pool has nothing
 * under way. Where there is none, the message waits, and with it what is behind it
 * in the target's queue, whichever way that goes: as nothing overtakes it, what
 * is under way ends within --max-time and gives it its turn.
 */
#include "replay/http_transport.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/http1_pool.h"
#include "replay/http2_pool.h"
#include "replay/reach.h"
#include "replay/replay.h"
#include "replay/tls.h"

struct http_transport {
	struct transport transport;
	struct reach reach;
	enum http_version version;
	struct http1_pool *http1;
	struct http2_pool *http2;
};

static struct http_transport *http_of(struct transport *t)
{
	return list_entry(t, struct http_transport, transport);
}

/** is_http2() - does @m go out as HTTP/2? */
static bool is_http2(const struct http_transport *h, const struct message *m)
{
	switch (h->version) {
	case HTTP_VERSION_1:
		return false;
	case HTTP_VERSION_2:
		return true;
	case HTTP_VERSION_SAME:
		break;
	}
	return m->head.version_major == 2;
}

static bool has_slot_for(struct http_transport *h, bool http2)
{
	bool room = reach_has_room(&h->reach);

	if (http2)
		return http2_pool_has_slot(h->http2, room || http1_pool_has_idle(h->http1));
	return http1_pool_has_slot(h->http1, room || http2_pool_has_idle(h->http2));
}

static bool has_slot(struct transport *t, const struct message *m)
{
	struct http_transport *h = http_of(t);

	if (m)
		return has_slot_for(h, is_http2(h, m));
	return (h->version == HTTP_VERSION_2 || has_slot_for(h, false)) && (h->version == HTTP_VERSION_1 || has_slot_for(h, true));
}

static void begin(struct transport *t, struct exchange *x)
{
	struct http_transport *h = http_of(t);

	if (is_http2(h, x->message)) {
		if (!http2_pool_has_slot(h->http2, reach_has_room(&h->reach)))
			http1_pool_close_oldest(h->http1);
		http2_pool_begin(h->http2, x);
	} else {
		if (!http1_pool_has_slot(h->http1, reach_has_room(&h->reach)))
			http2_pool_close_oldest(h->http2);
		http1_pool_begin(h->http1, x);
	}
}

static void expire(struct transport *t, struct exchange *x)
{
	if (is_http2(http_of(t), x->message))
		http2_pool_expire(x);
	else
		http1_pool_expire(x);
}

static void cancel(struct transport *t, struct exchange *x)
{
	if (is_http2(http_of(t), x->message))
		http2_pool_cancel(x);
	else
		http1_pool_cancel(x);
}

static bool leads_to(struct transport *t, const struct endpoint *server)
{
	return reach_leads_to(&http_of(t)->reach, server);
}

static void look_again(struct transport *t)
{
	reach_look_again(&http_of(t)->reach);
}

static void close_idle(struct transport *t)
{
	http1_pool_close_idle(http_of(t)->http1);
	http2_pool_close_idle(http_of(t)->http2);
}

static void on_moved(void *ctx)
{
	struct http_transport *h = ctx;

	http1_pool_close_left(h->http1);
	http2_pool_retire_left(h->http2);
}

static void close_all(struct transport *t)
{
	struct http_transport *h = http_of(t);

	http1_pool_close(h->http1);
	http2_pool_close(h->http2);
	reach_close(&h->reach);
}

static void free_all(struct transport *t)
{
	struct http_transport *h = http_of(t);

	http1_pool_free(h->http1);
	http2_pool_free(h->http2);
	reach_deinit(&h->reach);
	free(h);
}

static const struct transport_ops ops = {
	.has_slot = has_slot,
	.begin = begin,
	.expire = expire,
	.cancel = cancel,
	.leads_to = leads_to,
	.look_again = look_again,
	.close_idle = close_idle,
	.close = close_all,
	.free = free_all,
};

/** make_tls() - NULL for a target without; 0 or a negative errno */
static int make_tls(const struct target_options *o, const char *protocol, struct tls_context **out, struct buffer *error)
{
	*out = NULL;
	return o->url.is_tls ? tls_context_new(&o->tls, o->url.host, protocol, out, error) : 0;
}

/** make_pools() - all that can fail before there are handles; 0 or a negative errno, and what was made stays */
static int make_pools(struct http_transport *h, const struct target_options *o, struct buffer *error)
{
	struct tls_context *tls;
	int r = make_tls(o, "http/1.1", &tls, error);

	if (r < 0)
		return r;
	h->http1 = http1_pool_new(tls);
	r = make_tls(o, "h2", &tls, error);
	if (r < 0)
		return r;
	h->http2 = http2_pool_new(tls);
	return h->http1 && h->http2 ? 0 : -ENOMEM;
}

int http_transport_new(const struct transport_setup *s, struct transport **out, struct buffer *error)
{
	struct http_transport *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->transport.ops = &ops;
	h->version = s->options->url.is_sink ? HTTP_VERSION_1 : s->options->http_version;
	r = make_pools(h, s->options, error);
	if (r == 0)
		r = reach_init(&h->reach, s, on_moved, h);
	if (r < 0) {
		http1_pool_free(h->http1);
		http2_pool_free(h->http2);
		free(h);
		return r;
	}
	http1_pool_start(h->http1, s, &h->reach);
	http2_pool_start(h->http2, s, &h->reach);
	*out = &h->transport;
	return 0;
}
