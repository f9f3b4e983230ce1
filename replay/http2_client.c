/*
 * http2_client.c - see http2_client.h
 *
 * Theory of operation: nghttp2 has the protocol, this file has the exchanges.
 *
 *     CLOSED -> OPENING -> GREETING -> OPEN -> DRAINING
 *
 * Every state leads to CLOSED. No request goes out before the server's SETTINGS
 * have come: only they say how many streams it takes at once, a request too
 * many would be refused, and nothing is sent twice. A server that speaks
 * something else never sees a request either.
 *
 * What ends inside a callback of nghttp2 is put aside (http2_stream_end()) and told
 * when nghttp2 has returned (tell_ended()), because the target may then begin
 * the next exchange or have this connection closed.
 *
 * Writing: nghttp2's frames are collected in one buffer and written by one call;
 * a large piece of a body goes from the message's own memory, behind the head of
 * its frame (tail). New exchanges only ask to be flushed, so those that begin in
 * one turn of the loop leave in one write. The socket is not asked again after it
 * was full until it is writable.
 *
 * A call of gRPC whose messages came apart is sent as it came (body_pace.h): its head at
 * once, and nghttp2 asks for bytes of the body when they are due. Its deadline is
 * later by the time that takes. It could count from the last byte sent, but then a
 * server that takes in nothing would never meet it; as it is, every deadline is
 * known when the exchange begins, as the target's list and grpc-timeout need.
 *
 * Slots are counted here, from what was begun and has ended, against the
 * server's limit. nghttp2 counts likewise, so it has no reason to hold a request
 * back; but a server that lowers its limit is obeyed by waiting there, within
 * the deadline.
 *
 * Connections end in three ways. GOAWAY: the streams above its number were not
 * begun by the server and end as goaway, those below go on. Silence: after
 * SILENT_DEADLINES_MAX deadlines in a row without a byte none begins any more.
 * Anything else is a reset, or the protocol's error, of all that is under way.
 */
#include "replay/http2_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replay/http2_session.h"

#define LAST_STREAM_ID (1 << 30) /* of 2^31: a connection is retired in time */
#define SILENT_DEADLINES_MAX 4
#define WRITE_MAX 65536    /* frames are collected up to about so much */
#define RECORDS_PER_TURN 4 /* reads, as in http1_client.c */

static const char *state_name(enum http2_state s)
{
	switch (s) {
	case HTTP2_CLOSED:
		return "closed";
	case HTTP2_OPENING:
		return "opening";
	case HTTP2_GREETING:
		return "greeting";
	case HTTP2_OPEN:
		return "open";
	case HTTP2_DRAINING:
		return "draining";
	}
	return "?";
}

static void set_state(struct http2_client *c, enum http2_state next)
{
	if (log_enabled(LOG_DEBUG))
		log_debug("conn %u: http2 %s -> %s", c->channel.id, state_name(c->state), state_name(next));
	c->state = next;
}

static struct http2_stream *stream_at(struct list *link)
{
	return list_entry(link, struct http2_stream, link);
}

void http2_stream_init(struct http2_stream *s)
{
	*s = (struct http2_stream){ 0 };
	list_init(&s->link);
	list_init(&s->unsent);
	list_init(&s->paced);
}

void http2_stream_deinit(struct http2_stream *s)
{
	response_free(s->response);
	response_head_deinit(&s->fields);
}

struct http2_client *http2_client_new(const struct http2_env *env, uint32_t id)
{
	struct http2_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->env = env;
	channel_init(&c->channel, &env->channel, id);
	list_init(&c->link);
	list_init(&c->unwritten);
	list_init(&c->streams);
	list_init(&c->ended);
	list_init(&c->unsent);
	return c;
}

void http2_client_free(struct http2_client *c)
{
	if (!c)
		return;
	buffer_deinit(&c->out);
	free(c);
}

static uint32_t limit_of(const struct http2_client *c)
{
	uint32_t theirs = nghttp2_session_get_remote_settings(c->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	return theirs < c->env->streams ? theirs : c->env->streams;
}

bool http2_client_has_slot(const struct http2_client *c)
{
	return c->state == HTTP2_OPEN && c->count < limit_of(c);
}

/* ---- the end of an exchange ---- */

static int64_t us_between(struct mono from, struct mono to)
{
	return (to.ns - from.ns) / NS_PER_US;
}

/** is_connected() - did this exchange get a connection, seen from its end? */
static bool is_connected(const struct http2_stream *s)
{
	const struct channel *channel = &s->client->channel;

	if (!channel->is_accepted && (s->kind == OUTCOME_FAILED_TLS || s->kind == OUTCOME_FAILED_RESET))
		return false;
	return channel->opened_at.ns != 0;
}

static struct outcome outcome_of(const struct http2_stream *s, struct mono now)
{
	const struct http2_client *c = s->client;
	const struct exchange *x = s->exchange;
	struct outcome o = {
		.kind = s->kind,
		.status_code = s->has_head ? s->status_code : 0,
		.grpc_status = s->grpc_status,
		.connect_us = -1,
		.idle_us = s->idle_us,
		.first_byte_us = s->first_byte_at.ns ? http2_stream_us_since_sent(s, s->first_byte_at) : -1,
		.total_us = us_between(x->began, now),
		.detail = s->detail,
	};

	if (!s->is_first)
		o.connect_us = 0;
	else if (is_connected(s))
		o.connect_us = us_between(x->began, c->channel.opened_at);
	return o;
}

static struct response *take_response(struct http2_stream *s, struct mono now)
{
	struct response *r = s->response;

	s->response = NULL;
	if (!r)
		return NULL;
	if (!outcome_is_answered(s->kind)) {
		response_free(r);
		return NULL;
	}
	r->first_byte_us = http2_stream_us_since_sent(s, s->first_byte_at);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = http2_stream_us_since_sent(s, now);
	return r;
}

/** tell_ended() - what http2_stream_end() put aside; nghttp2 is not on the stack */
static void tell_ended(struct http2_client *c)
{
	c->env->on_changed(c->env->ctx, c);
	while (!list_is_empty(&c->ended)) {
		struct http2_stream *s = stream_at(c->ended.next);
		struct mono now = outcome_is_answered(s->kind) ? c->heard_at : mono_now();
		struct exchange *x = s->exchange;
		struct outcome o = outcome_of(s, now);

		o.response = take_response(s, now);
		list_remove(&s->link);
		s->exchange = NULL;
		c->env->on_ended(c->env->ctx, s, x, &o);
	}
}

/** tell_all() - as tell_ended(), where several may have ended, or there may be slots that there were not: others begin then */
static void tell_all(struct http2_client *c)
{
	c->env->hold(c->env->ctx);
	tell_ended(c);
	c->env->release(c->env->ctx);
}

/* ---- the end of a connection ---- */

/** drop() - no connection any more; nothing is on it */
static void drop(struct http2_client *c)
{
	nghttp2_session_del(c->session);
	c->session = NULL;
	channel_close(&c->channel);
	buffer_clear(&c->out);
	c->written = 0;
	c->tail = span_of(NULL, 0);
	c->tail_of = NULL;
	list_remove(&c->unwritten);
	set_state(c, HTTP2_CLOSED);
}

static const char *where_broken(const struct http2_stream *s, const char *before, const char *in)
{
	return s->has_head ? in : before;
}

/** is_stale() - the connection lay idle, and its end comes as it does if the server ended it before it had the request */
static bool is_stale(const struct http2_stream *s)
{
	struct mono began = s->exchange->began;

	return s->was_idle && !s->client->is_heard &&
	       http1_keep_was_closing(&s->client->keep, began, s->sent_at.ns ? s->sent_at : began, mono_now());
}

/** lose() - the connection is over, and so is all that is on it: @before the response, or @in it */
static void lose(struct http2_client *c, enum outcome_kind kind, const char *before, const char *in)
{
	while (!list_is_empty(&c->streams)) {
		struct http2_stream *s = stream_at(c->streams.next);
		bool stale = kind == OUTCOME_FAILED_RESET && is_stale(s);

		http2_stream_end(s, stale ? OUTCOME_FAILED_STALE : kind, where_broken(s, before, in));
	}
	drop(c);
}

static void lose_errno(struct http2_client *c, enum outcome_kind kind, int err)
{
	lose(c, kind, uv_err_name(-err), uv_err_name(-err));
}

/** lose_protocol() - what the server sends is not HTTP/2 */
static void lose_protocol(struct http2_client *c, const char *detail)
{
	lose(c, OUTCOME_FAILED_PROTOCOL, detail, detail);
}

/* ---- requests ---- */

/** ask_flush() - if there is something to write */
static void ask_flush(struct http2_client *c)
{
	if (!c->is_blocked && list_is_empty(&c->unwritten))
		c->env->on_unwritten(c->env->ctx, c);
}

/** make_head() - what is sent for the message; 0 or a negative errno as in replay.h */
static int make_head(struct http2_client *c, struct http2_stream *s)
{
	const struct http2_env *env = c->env;
	const struct exchange *x = s->exchange;
	int r = env->make_head(env->make_head_ctx, x->message, env->outgoing);

	if (r < 0)
		return r;
	return http2_head_make(env->head, x->message, env->outgoing, env->channel.tls ? "https" : "http",
			       x->deadline.ns - mono_now().ns);
}

/** submit() - give the request to nghttp2; 0 or a negative errno */
static int submit(struct http2_client *c, struct http2_stream *s)
{
	int r = make_head(c, s);

	if (r == 0)
		r = http2_stream_submit(s);
	if (r == 0 && s->id >= LAST_STREAM_ID && c->state == HTTP2_OPEN)
		set_state(c, HTTP2_DRAINING);
	return r;
}

/** start_request() - the connection is open; false: @s has ended and is to be told */
static bool start_request(struct http2_client *c, struct http2_stream *s)
{
	int r = submit(c, s);

	s->exchange->is_opening = false;
	if (r < 0) { /* nothing was sent; the connection is in order */
		if (r == -EINVAL)
			http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, "no request can be made of it");
		else
			http2_stream_end(s, OUTCOME_FAILED_CONNECT, uv_err_name(r));
		return false;
	}
	ask_flush(c);
	return true;
}

/* ---- writing ---- */

static bool is_written(const struct http2_client *c)
{
	return c->written == c->out.len && c->tail.len == 0;
}

/** collect() - what nghttp2 has to send, into the buffer; 0 or a negative error of nghttp2's */
static int collect(struct http2_client *c)
{
	const uint8_t *bytes;
	ssize_t n;

	buffer_clear(&c->out);
	c->written = 0;
	while (c->out.len < WRITE_MAX && c->tail.len == 0) {
		n = nghttp2_session_mem_send(c->session, &bytes);
		if (n <= 0)
			return (int)n;
		buffer_add(&c->out, bytes, (size_t)n);
	}
	return 0;
}

/** note_written() - all that was collected is out; the last call took its rest and began @before, see http1_client.c */
static void note_written(struct http2_client *c, struct mono before)
{
	while (!list_is_empty(&c->unsent)) {
		struct http2_stream *s = list_entry(c->unsent.next, struct http2_stream, unsent);

		s->sent_at = before;
		list_remove(&s->unsent);
	}
}

/** write_some() - one write of what is collected; bytes, or a negative errno */
static ssize_t write_some(struct http2_client *c)
{
	struct span frames = buffer_span(&c->out);
	struct mono before = mono_now();
	ssize_t n, left;

	span_skip(&frames, c->written);
	n = channel_write(&c->channel, frames, c->tail);
	if (n < 0)
		return n;
	left = n - (ssize_t)frames.len;
	c->written += left > 0 ? frames.len : (size_t)n;
	if (left > 0)
		span_skip(&c->tail, (size_t)left);
	if (c->tail.len == 0)
		c->tail_of = NULL;
	counter_add(&c->env->channel.stats->bytes_sent, (uint64_t)n);
	if (is_written(c))
		note_written(c, before);
	return n;
}

static void wait_for(struct http2_client *c, int (*wait)(struct channel *))
{
	int r = wait(&c->channel);

	if (r < 0)
		lose_errno(c, OUTCOME_FAILED_RESET, -r);
}

static void read_rest(struct http2_client *c, int err);

/** write_turn() - as much as there is and the socket takes; the connection may be lost when this returns */
static void write_turn(struct http2_client *c)
{
	for (;;) {
		int r = is_written(c) ? collect(c) : 0;
		ssize_t n;

		if (r == 0 && !buffer_ok(&c->out))
			r = NGHTTP2_ERR_NOMEM;
		if (r < 0) {
			lose_protocol(c, nghttp2_strerror(r));
			return;
		}
		if (is_written(c)) {
			wait_for(c, channel_wait_readable);
			return;
		}
		n = write_some(c);
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN || n == -EWOULDBLOCK) {
			c->is_blocked = true;
			wait_for(c, channel_wait_writable);
			return;
		}
		if (n < 0) {
			read_rest(c, (int)-n);
			return;
		}
	}
}

/** is_over() - the session has nothing more to say or to hear */
static bool is_over(const struct http2_client *c)
{
	return !nghttp2_session_want_read(c->session) && !nghttp2_session_want_write(c->session) && is_written(c);
}

/** settle() - after bytes went or came: what follows for the connection, and then tell */
static void settle(struct http2_client *c)
{
	if (c->state == HTTP2_OPEN && c->had_goaway)
		set_state(c, HTTP2_DRAINING);
	if (c->state == HTTP2_GREETING && c->has_settings) {
		struct http2_stream *first = stream_at(c->streams.next);

		set_state(c, c->had_goaway ? HTTP2_DRAINING : HTTP2_OPEN);
		start_request(c, first);
	}
	if (c->session && c->state != HTTP2_GREETING && c->count == 0 && c->state == HTTP2_DRAINING)
		http2_client_close(c);
	else if (c->session && is_over(c))
		lose_protocol(c, c->error ? c->error : "the server broke the rules of HTTP/2");
	tell_all(c);
}

void http2_client_flush(struct http2_client *c)
{
	if (!c->session || c->is_blocked)
		return;
	write_turn(c);
	settle(c);
}

/* ---- reading ---- */

enum read_result {
	READ_MORE,
	READ_NOTHING,
	READ_ENDED,
};

static void end_unreadable(struct http2_client *c, int err)
{
	if (err == EPROTO && c->channel.tls) {
		const char *why = tls_client_failure(c->channel.tls);

		lose(c, OUTCOME_FAILED_TLS, why, why);
	} else if (!c->channel.is_accepted) {
		lose(c, OUTCOME_FAILED_RESET, TLS_UNACCEPTED, TLS_UNACCEPTED);
	} else {
		lose_errno(c, OUTCOME_FAILED_RESET, err);
	}
}

/** feed() - bytes of the server's */
static enum read_result feed(struct http2_client *c, struct span bytes)
{
	ssize_t n;

	c->is_heard = true;
	c->silent_deadlines = 0;
	if (c->state == HTTP2_GREETING && span_starts(bytes, SPAN_LITERAL("HTTP/1"))) {
		lose_protocol(c, "the server speaks HTTP/1, not HTTP/2");
		return READ_ENDED;
	}
	n = nghttp2_session_mem_recv(c->session, bytes.at, bytes.len);
	if (n < 0) {
		lose_protocol(c, nghttp2_strerror((int)n));
		return READ_ENDED;
	}
	return READ_MORE;
}

/** read_some() - one channel_read(); READ_ENDED: the connection is lost, which is still to be told */
static enum read_result read_some(struct http2_client *c)
{
	struct span bytes = { 0 };
	ssize_t n = channel_read(&c->channel, &bytes);

	if (n == -EAGAIN || n == -EWOULDBLOCK)
		return READ_NOTHING;
	c->heard_at = mono_now();
	if (n == 0 || (n == -ENODATA && c->channel.tls)) {
		lose(c, OUTCOME_FAILED_RESET, c->channel.is_accepted ? "EOF before the answer" : TLS_UNACCEPTED, "EOF in the answer");
		return READ_ENDED;
	}
	if (n < 0) {
		end_unreadable(c, (int)-n);
		return READ_ENDED;
	}
	return feed(c, bytes);
}

static enum read_result read_turn(struct http2_client *c)
{
	enum read_result r = read_some(c);

	for (int n = 1; r == READ_MORE && channel_has_more(&c->channel) && n < RECORDS_PER_TURN; n++)
		r = read_some(c);
	return r;
}

/** read_rest() - the connection broke: what came before may still be responses */
static void read_rest(struct http2_client *c, int err)
{
	enum read_result r;

	do
		r = read_some(c);
	while (r == READ_MORE);
	if (r == READ_NOTHING)
		end_unreadable(c, err);
}

/* ---- what the channel says ---- */

static struct http2_client *client_of(struct channel *channel)
{
	return list_entry(channel, struct http2_client, channel);
}

static void on_open(struct channel *channel)
{
	struct http2_client *c = client_of(channel);

	http1_keep_opened(&c->keep, channel->open_ns);
	if (channel->tls && !tls_client_chose(channel->tls, "h2")) {
		lose_protocol(c, "the server did not choose HTTP/2 (ALPN h2)");
		tell_ended(c);
		return;
	}
	set_state(c, HTTP2_GREETING);
	if (http2_session_new(c) < 0) {
		lose_errno(c, OUTCOME_FAILED_CONNECT, ENOMEM);
		tell_ended(c);
		return;
	}
	write_turn(c);
	if (!c->session)
		tell_ended(c);
}

static void on_failed(struct channel *channel, enum outcome_kind kind, const char *detail)
{
	struct http2_client *c = client_of(channel);

	lose(c, kind, detail, detail);
	tell_ended(c);
}

static void on_accepted(struct channel *channel)
{
	const struct http2_env *env = client_of(channel)->env;

	env->on_connected(env->ctx);
}

static void on_ready(struct channel *channel, int status, int events)
{
	struct http2_client *c = client_of(channel);

	if (!c->session)
		return;
	if (status < 0) {
		/* An error is pending and libuv has stopped watching: this is the last look. */
		read_rest(c, ECONNRESET);
		settle(c);
		return;
	}
	if ((events & UV_READABLE) && read_turn(c) == READ_ENDED) {
		settle(c);
		return;
	}
	/* What TLS waited for before it could write on may have been something to read. */
	if ((events & UV_WRITABLE) || channel->tls)
		c->is_blocked = false;
	if (nghttp2_session_want_write(c->session) || !is_written(c))
		ask_flush(c);
	settle(c);
}

void http2_env_init(struct http2_env *env)
{
	env->channel.on_open = on_open;
	env->channel.on_failed = on_failed;
	env->channel.on_ready = on_ready;
	env->channel.on_accepted = on_accepted;
}

/* ---- what the pool says ---- */

bool http2_client_is_usable(struct http2_client *c, struct mono now)
{
	if (c->keep.usable_until.ns <= now.ns) {
		http2_client_close(c);
		return false;
	}
	if (!channel_is_silent(&c->channel) && read_turn(c) == READ_ENDED)
		return false;
	if (c->had_goaway || is_over(c)) {
		http2_client_close(c);
		return false;
	}
	if (nghttp2_session_want_write(c->session))
		ask_flush(c);
	return true;
}

void http2_stream_resume(struct http2_stream *s)
{
	nghttp2_session_resume_data(s->client->session, s->id);
	ask_flush(s->client);
}

static void begin_stream(struct http2_client *c, struct http2_stream *s, struct exchange *x)
{
	struct response_head fields = s->fields;

	response_head_clear(&fields);
	http2_stream_init(s);
	s->fields = fields;
	s->client = c;
	s->exchange = x;
	s->grpc_said = s->grpc_status = GRPC_STATUS_NONE;
	s->is_first = c->state == HTTP2_CLOSED;
	s->was_idle = http2_client_is_idle(c);
	s->idle_us = s->was_idle ? us_between(c->keep.idle_since, x->began) + 1 : 0;
	list_add_last(&c->streams, &s->link);
	c->count++;
	x->carrier = s;
	x->is_opening = s->is_first;
}

void http2_client_begin(struct http2_client *c, struct http2_stream *s, struct exchange *x)
{
	begin_stream(c, s, x);
	if (s->was_idle)
		c->is_heard = false;
	if (!s->is_first) {
		if (!start_request(c, s))
			tell_ended(c);
		else
			c->env->on_changed(c->env->ctx, c);
		return;
	}
	c->has_settings = c->had_goaway = c->is_heard = c->is_blocked = false;
	c->silent_deadlines = 0;
	c->error = NULL;
	set_state(c, HTTP2_OPENING);
	c->env->on_changed(c->env->ctx, c);
	channel_open(&c->channel, x->began, x->deadline);
}

/** doing() - what @s was at, as text */
static const char *doing(const struct http2_stream *s)
{
	const struct http2_client *c = s->client;

	switch (c->state) {
	case HTTP2_CLOSED:
		break;
	case HTTP2_OPENING:
		return channel_doing(&c->channel);
	case HTTP2_GREETING:
		return "waiting for the server's SETTINGS";
	case HTTP2_OPEN:
	case HTTP2_DRAINING:
		if (s->has_head)
			return "reading the answer";
		return s->sent_at.ns ? "waiting for the answer" : "sending";
	}
	return NULL;
}

/** give_up() - end @s as @kind: its stream is cancelled, or the connection that was opened for it closed */
static void give_up(struct http2_stream *s, enum outcome_kind kind, const char *detail)
{
	struct http2_client *c = s->client;

	if (s->id == 0) {
		lose(c, kind, detail, detail);
	} else {
		nghttp2_submit_rst_stream(c->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
		http2_stream_end(s, kind, detail);
		if (c->count == 0 && c->state == HTTP2_DRAINING)
			http2_client_close(c);
		else
			ask_flush(c);
	}
	tell_ended(c);
}

void http2_stream_expire(struct http2_stream *s)
{
	struct http2_client *c = s->client;

	if (c->state == HTTP2_OPEN && ++c->silent_deadlines >= SILENT_DEADLINES_MAX)
		set_state(c, HTTP2_DRAINING);
	give_up(s, OUTCOME_FAILED_TIMEOUT, doing(s));
}

void http2_stream_cancel(struct http2_stream *s)
{
	give_up(s, OUTCOME_CANCELLED_AT_EXIT, NULL);
}

void http2_client_retire(struct http2_client *c)
{
	if (c->state == HTTP2_OPEN)
		set_state(c, HTTP2_DRAINING);
	if (c->count == 0)
		http2_client_close(c);
}

void http2_client_close(struct http2_client *c)
{
	if (c->state == HTTP2_CLOSED)
		return;
	/* Goodbye, if it can be said at once. */
	if (c->session && is_written(c) && nghttp2_session_terminate_session(c->session, NGHTTP2_NO_ERROR) == 0 &&
	    collect(c) == 0 && buffer_ok(&c->out))
		channel_write(&c->channel, buffer_span(&c->out), c->tail);
	drop(c);
}
