/*
 * http2_head.c - see http2_head.h
 *
 * Theory of operation: Host becomes :authority, and what belongs to a connection
 * is left out wherever it comes from (RFC 9113, 8.2.2). A call of gRPC gets what the
 * protocol wants of each: te, without which servers refuse it, and content-type;
 * content-length it has none, as its clients send none. Fields whose values are
 * new each time are not put into the table of HPACK, where they would push out
 * those that come again.
 */
#include "replay/http2_head.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 9113, 8.2.2, and what is made anew here */
static const struct span left_out[] = {
	SPAN_LITERAL("host"),
	SPAN_LITERAL("connection"),
	SPAN_LITERAL("proxy-connection"),
	SPAN_LITERAL("keep-alive"),
	SPAN_LITERAL("upgrade"),
	SPAN_LITERAL("transfer-encoding"),
	SPAN_LITERAL("te"),
	SPAN_LITERAL("http2-settings"),
};

static const struct span left_out_of_grpc[] = { SPAN_LITERAL("content-length"), SPAN_LITERAL("grpc-timeout") };

static const struct span unique[] = {
	SPAN_LITERAL("x-shadowtap"),
	SPAN_LITERAL("x-request-id"),
	SPAN_LITERAL("x-correlation-id"),
	SPAN_LITERAL("traceparent"),
	SPAN_LITERAL("tracestate"),
	SPAN_LITERAL("content-length"),
	SPAN_LITERAL("grpc-timeout"),
};

static bool is_among(const struct span *names, size_t count, struct span name)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal_nocase(names[i], name))
			return true;
	return false;
}

static void add(struct http2_head *h, struct span name, struct span value)
{
	if (h->count == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 32;
		nghttp2_nv *grown = h->failed ? NULL : realloc(h->at, cap * sizeof(*grown));

		if (!grown) {
			h->failed = true;
			return;
		}
		h->at = grown;
		h->cap = cap;
	}
	h->at[h->count++] = (nghttp2_nv){
		.name = (uint8_t *)name.at,
		.namelen = name.len,
		.value = (uint8_t *)value.at,
		.valuelen = value.len,
		.flags = is_among(unique, COUNT(unique), name) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
	};
}

static struct span host_of(const struct outgoing *o)
{
	for (size_t i = 0; i < o->fields.count; i++)
		if (span_equal_nocase(o->fields.at[i].name, SPAN_LITERAL("host")))
			return o->fields.at[i].value;
	return SPAN_LITERAL("");
}

/** add_timeout() - so that the shadow stops by itself when the response would come too late */
static void add_timeout(struct http2_head *h, const struct message *m, int64_t left_ns)
{
	static const struct span name = SPAN_LITERAL("grpc-timeout");
	const struct span *captured = request_head_find(&m->head, name);
	int64_t theirs_ns = captured ? grpc_timeout_ns(*captured) : -1;

	if (theirs_ns > 0 && theirs_ns <= left_ns)
		add(h, name, *captured);
	else
		add(h, name, span_str(grpc_timeout_text(left_ns > 0 ? left_ns : 1, h->timeout)));
}

/** add_fields() - the regular ones; was a content-type among them? */
static bool add_fields(struct http2_head *h, const struct outgoing *o, bool is_grpc)
{
	bool has_type = false;

	for (size_t i = 0; i < o->fields.count; i++) {
		const struct header *f = &o->fields.at[i];

		if (is_among(left_out, COUNT(left_out), f->name) ||
		    (is_grpc && is_among(left_out_of_grpc, COUNT(left_out_of_grpc), f->name)))
			continue;
		has_type = has_type || span_equal_nocase(f->name, SPAN_LITERAL("content-type"));
		add(h, f->name, f->value);
	}
	return has_type;
}

int http2_head_make(struct http2_head *h, const struct message *m, const struct outgoing *o, const char *scheme, int64_t left_ns)
{
	struct span host = host_of(o);
	bool has_type;

	h->count = 0;
	h->failed = false;
	add(h, SPAN_LITERAL(":method"), o->method);
	add(h, SPAN_LITERAL(":scheme"), span_str(scheme));
	if (host.len > 0)
		add(h, SPAN_LITERAL(":authority"), host);
	add(h, SPAN_LITERAL(":path"), o->target);
	has_type = add_fields(h, o, m->head.is_grpc);
	if (m->head.is_grpc) {
		add(h, SPAN_LITERAL("te"), SPAN_LITERAL("trailers"));
		if (!has_type)
			add(h, SPAN_LITERAL("content-type"), SPAN_LITERAL("application/grpc"));
		add_timeout(h, m, left_ns);
	}
	return h->failed ? -ENOMEM : 0;
}

void http2_head_deinit(struct http2_head *h)
{
	free(h->at);
	*h = (struct http2_head){ 0 };
}
