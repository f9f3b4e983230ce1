/*
 * http_transport.c - see http_transport.h
 *
 * Theory of operation: where the target is belongs to reach.c, connections to
 * the pool of a protocol.
 */
#include "replay/http_transport.h"

#include <errno.h>
#include <stdlib.h>

#include "replay/http1_pool.h"
#include "replay/reach.h"
#include "replay/replay.h"
#include "replay/tls.h"

struct http_transport {
	struct transport transport;
	struct reach reach;
	struct http1_pool *http1;
};

static struct http_transport *http_of(struct transport *t)
{
	return list_entry(t, struct http_transport, transport);
}

static bool has_slot(struct transport *t)
{
	struct http_transport *h = http_of(t);

	return http1_pool_has_slot(h->http1, reach_has_room(&h->reach));
}

static void begin(struct transport *t, struct exchange *x)
{
	http1_pool_begin(http_of(t)->http1, x);
}

static void expire(struct transport *t, struct exchange *x)
{
	http1_pool_expire(x);
}

static void cancel(struct transport *t, struct exchange *x)
{
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
}

static void on_moved(void *ctx)
{
	struct http_transport *h = ctx;

	http1_pool_close_left(h->http1);
}

static void close_all(struct transport *t)
{
	struct http_transport *h = http_of(t);

	http1_pool_close(h->http1);
	reach_close(&h->reach);
}

static void free_all(struct transport *t)
{
	struct http_transport *h = http_of(t);

	http1_pool_free(h->http1);
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

/** make_http1() - all that can fail before there are handles */
static int make_http1(struct http_transport *h, const struct target_options *o, struct buffer *error)
{
	struct tls_context *tls = NULL;
	int r = o->url.is_tls ? tls_context_new(&o->tls, o->url.host, "http/1.1", &tls, error) : 0;

	if (r < 0)
		return r;
	h->http1 = http1_pool_new(tls);
	return h->http1 ? 0 : -ENOMEM;
}

int http_transport_new(const struct transport_setup *s, struct transport **out, struct buffer *error)
{
	struct http_transport *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->transport.ops = &ops;
	r = make_http1(h, s->options, error);
	if (r == 0)
		r = reach_init(&h->reach, s, on_moved, h);
	if (r < 0) {
		http1_pool_free(h->http1);
		free(h);
		return r;
	}
	http1_pool_start(h->http1, s, &h->reach);
	*out = &h->transport;
	return 0;
}
