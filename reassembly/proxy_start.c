/*
 * proxy_start.c - what a proxy says before the first byte of the protocol
 *
 * Theory of operation. A connection whose first byte was seen may start with a
 * header of the PROXY protocol (proxy_header.h): it is taken off, and the reader
 * gets what is behind it. If the bytes that looked like one turn out to be none, the
 * reader gets them as if they came in one piece.
 */
#include "reassembly/tracker_impl.h"

#include <stdlib.h>

void tracker_drop_proxy(struct tracker *t, struct flow *f)
{
	if (!f->incarnation->proxy)
		return;
	budget_release(t->options.budget, sizeof(*f->incarnation->proxy));
	free(f->incarnation->proxy);
	f->incarnation->proxy = NULL;
}

static struct proxy_begin *proxy_begin(struct tracker *t, const struct chunk *piece)
{
	struct proxy_begin *p = NULL;

	if (!budget_charge(t->options.budget, sizeof(*p)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p) {
		budget_release(t->options.budget, sizeof(*p));
		return NULL;
	}
	p->first = *piece;
	return p;
}

/** give_back() - it was no header: what was kept for one is the reader's */
static void give_back(struct tracker *t, struct flow *f)
{
	struct proxy_begin kept = *f->incarnation->proxy; /* it may be gone when these bytes end what is read */

	f->incarnation->proxy->reader.is_over = true;
	kept.first.bytes = span_of(kept.reader.bytes, kept.reader.len);
	if (kept.reader.len > 0)
		tracker_read_client(t, f, &kept.first);
}

static void proxy_whole(struct tracker *t, struct flow *f)
{
	struct reader *reader = f->incarnation->reader;

	counter_add(&t->stats.proxied, 1);
	flow_log(&t->log, t->clock, f, "PROXY header", FLOW_LOG_ENDS);
	if (reader) /* a response was captured before */
		reader->ops->on_proxied(reader, &f->incarnation->proxy->reader.header.client);
}

void tracker_proxy_bytes(struct tracker *t, struct flow *f, const struct chunk *piece)
{
	struct chunk rest = *piece;
	struct proxy_begin *p = f->incarnation->proxy;
	bool was_whole;

	if (!p)
		p = f->incarnation->proxy = proxy_begin(t, piece);
	if (!p)
		return;
	was_whole = p->reader.left > 0;
	switch (proxy_reader_feed(&p->reader, &rest.bytes)) {
	case PROXY_NONE:
		give_back(t, f);
		break;
	case PROXY_WRONG:
		counter_add(&t->stats.proxy_unread, 1);
		tracker_refuse(t, f, piece->bytes);
		return;
	case PROXY_MORE:
		return;
	case PROXY_WHOLE:
		if (!was_whole)
			proxy_whole(t, f);
		break;
	}
	rest.offset += piece->bytes.len - rest.bytes.len;
	if (f->state == FLOW_OPEN && rest.bytes.len > 0)
		tracker_read_client(t, f, &rest);
}

uint32_t tracker_proxy_gap(struct tracker *t, struct flow *f, uint32_t bytes)
{
	struct proxy_begin *p = f->incarnation->proxy;

	if (!p || p->reader.is_over)
		return bytes;
	if (p->reader.left > 0)
		proxy_reader_gap(&p->reader, &bytes);
	else if (p->reader.len < PROXY_HEADER_SURE)
		give_back(t, f);
	else
		p->reader.is_over = true; /* where it ended is lost, and who the client is */
	return bytes;
}

uint64_t tracker_requests_from(const struct flow *f)
{
	const struct proxy_begin *p = f->incarnation->proxy;

	return f->incarnation->half[f->client].at.base + (p ? p->reader.header.len : 0);
}
