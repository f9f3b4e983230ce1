/*
 * fuzz_http2_client.c - any bytes at all as what a server of HTTP/2 sends
 *
 * The channel is none: its functions are wrapped (meson.build), reads give the
 * next piece of the input, and writes are taken in parts. The first byte says
 * whether responses are kept, whether the requests are calls of gRPC, whether a
 * good SETTINGS frame comes first, and whether exchanges expire on the way; the
 * second how the rest is cut. Each exchange must end once, and nothing may be
 * left of it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "message/response.h"
#include "replay/http2_client.h"

#define EXCHANGES 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void __wrap_channel_open(struct channel *c, struct mono now, struct mono deadline);
ssize_t __wrap_channel_read(struct channel *c, struct span *out);
ssize_t __wrap_channel_write(struct channel *c, struct span head, struct span body);
int __wrap_channel_wait_readable(struct channel *c);
int __wrap_channel_wait_writable(struct channel *c);
bool __wrap_channel_is_silent(struct channel *c);
void __wrap_channel_close(struct channel *c);

static struct {
	struct span input;
	size_t piece;
	uint8_t how;
	uint8_t *copy; /* of the piece that was read last, so that a byte too far is seen */
	unsigned writes;
	bool is_unwritten;
	struct http2_stream streams[EXCHANGES];
	struct exchange exchanges[EXCHANGES];
	struct message message;
	struct http2_stream *free[EXCHANGES];
	unsigned free_count, begun, ended;
	struct response_parser_keeping keeping;
} f;

static void must(int yes)
{
	if (!yes)
		abort();
}

/* ---- the channel ---- */

void __wrap_channel_open(struct channel *c, struct mono now, struct mono deadline)
{
	c->state = CHANNEL_OPEN;
	c->opened_at = now;
	c->is_accepted = true;
	c->env->on_open(c);
}

ssize_t __wrap_channel_read(struct channel *c, struct span *out)
{
	static const uint8_t settings[9] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
	struct span piece;

	must(c->state == CHANNEL_OPEN);
	free(f.copy);
	f.copy = NULL;
	if (f.how & 4) {
		f.how &= (uint8_t)~4;
		*out = span_of(settings, sizeof(settings));
		return sizeof(settings);
	}
	if (!span_take(&f.input, f.input.len < f.piece ? f.input.len : f.piece, &piece) || piece.len == 0)
		return 0;
	f.copy = malloc(piece.len);
	must(f.copy != NULL);
	memcpy(f.copy, piece.at, piece.len);
	*out = span_of(f.copy, piece.len);
	return (ssize_t)piece.len;
}

/* Every third is refused, others take a part. */
ssize_t __wrap_channel_write(struct channel *c, struct span head, struct span body)
{
	size_t all = head.len + body.len;

	must(c->state == CHANNEL_OPEN && all > 0);
	if (++f.writes % 3 == 0)
		return -EAGAIN;
	return (ssize_t)(f.writes % 3 == 1 ? all / 2 + 1 : all);
}

int __wrap_channel_wait_readable(struct channel *c)
{
	return 0;
}

int __wrap_channel_wait_writable(struct channel *c)
{
	return 0;
}

bool __wrap_channel_is_silent(struct channel *c)
{
	return true;
}

void __wrap_channel_close(struct channel *c)
{
	c->state = CHANNEL_CLOSED;
}

/* ---- the pool ---- */

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	outgoing_clear(out);
	out->method = m->head.method;
	out->target = m->head.target;
	outgoing_add(out, SPAN_LITERAL("Host"), SPAN_LITERAL("shadow"));
	outgoing_add_length(out, m->body_len);
	return 0;
}

static void on_connected(void *ctx)
{
}

static void on_ended(void *ctx, struct http2_stream *s, struct exchange *x, const struct outcome *o)
{
	must(x->message == &f.message && s->exchange == NULL);
	must(!outcome_is_answered(o->kind) || (o->status_code >= 200 && o->status_code < 600));
	must(outcome_is_answered(o->kind) || (o->grpc_status == GRPC_STATUS_NONE && !o->response));
	must(f.message.head.is_grpc || o->grpc_status == GRPC_STATUS_NONE);
	must(!o->response || o->response->body_len <= f.keeping.max);
	response_free(o->response);
	x->message = NULL;
	f.free[f.free_count++] = s;
	f.ended++;
}

static void on_changed(void *ctx, struct http2_client *c)
{
	must((c->session != NULL) == (c->state > HTTP2_OPENING) || c->state == HTTP2_OPENING);
}

static void on_unwritten(void *ctx, struct http2_client *c)
{
	f.is_unwritten = true;
}

static void nothing(void *ctx)
{
}

static void begin(struct http2_client *c)
{
	struct exchange *x = &f.exchanges[f.begun++];
	struct http2_stream *s = f.free[--f.free_count];

	*x = (struct exchange){ .message = &f.message, .began = mono_now() };
	x->deadline.ns = x->began.ns + NS_PER_S;
	http2_client_begin(c, s, x);
}

static void flush(struct http2_client *c)
{
	if (f.is_unwritten) {
		f.is_unwritten = false;
		http2_client_flush(c);
	}
}

static void expire_one(void)
{
	for (unsigned i = 0; i < f.begun; i++)
		if (f.exchanges[i].message) {
			http2_stream_expire(f.exchanges[i].carrier);
			return;
		}
}

static void run(struct http2_client *c)
{
	begin(c);
	while (c->state != HTTP2_CLOSED) { /* each turn reads a piece, or the end */
		flush(c);
		while (f.begun < EXCHANGES && http2_client_has_slot(c))
			begin(c);
		flush(c);
		if (c->state != HTTP2_CLOSED)
			c->env->channel.on_ready(&c->channel, 0, UV_READABLE | UV_WRITABLE);
		if ((f.how & 8) && f.input.len % 5 == 0)
			expire_one();
	}
	must(f.ended == f.begun);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t body[40000];
	struct target_stats stats = { 0 };
	struct outgoing outgoing = { 0 };
	struct http2_head head = { 0 };
	struct budget budget;
	struct http2_env env = {
		.channel = { .stats = &stats },
		.make_head = make_head,
		.outgoing = &outgoing,
		.head = &head,
		.streams = 5,
		.on_connected = on_connected,
		.on_ended = on_ended,
		.on_changed = on_changed,
		.on_unwritten = on_unwritten,
		.hold = nothing,
		.release = nothing,
	};
	struct http2_client *c;

	memset(&f, 0, sizeof(f));
	f.input = span_of(data, size);
	if (size < 2 || !span_u8(&f.input, &f.how))
		return 0;
	f.piece = (size_t)f.input.at[0] + 1;
	span_skip(&f.input, 1);
	budget_init(&budget, 1 << 20);
	f.keeping = (struct response_parser_keeping){ 1000, &budget };
	env.keeping = f.how & 1 ? &f.keeping : NULL;
	f.message.head.method = SPAN_LITERAL("POST");
	f.message.head.target = SPAN_LITERAL("/a.B/C");
	f.message.head.is_grpc = f.how & 2;
	f.message.body = body;
	f.message.body_len = f.how & 16 ? sizeof(body) : f.how & 32 ? 5
								    : 0;
	f.message.body_kept = true;
	for (unsigned i = 0; i < EXCHANGES; i++) {
		http2_stream_init(&f.streams[i]);
		f.free[f.free_count++] = &f.streams[i];
	}
	http2_env_init(&env);
	c = http2_client_new(&env, 0);
	must(c != NULL);
	run(c);
	http2_client_free(c);
	for (unsigned i = 0; i < EXCHANGES; i++)
		http2_stream_deinit(&f.streams[i]);
	http2_head_deinit(&head);
	outgoing_deinit(&outgoing);
	free(f.copy);
	must(budget_used(&budget) == 0);
	return 0;
}
