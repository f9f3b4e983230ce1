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
 * What ends inside a callback of nghttp2 is put aside (end_stream()) and told
 * when nghttp2 has returned (tell_ended()), because the target may then begin
 * the next exchange or have this connection closed.
 *
 * Writing: nghttp2's frames are collected in one buffer and written by one call;
 * a large piece of a body goes from the message's own memory, behind the head of
 * its frame (tail). New exchanges only ask to be flushed, so those that begin in
 * one turn of the loop leave in one write. The socket is not asked again after it
 * was full until it is writable.
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

#define WINDOW_STREAM (1 << 20)
#define WINDOW_CONNECTION (16 << 20)
#define LAST_STREAM_ID (1 << 30) /* of 2^31: a connection is retired in time */
#define SILENT_DEADLINES_MAX 4
#define WRITE_MAX 65536        /* frames are collected up to about so much */
#define FRAME_HEAD 9           /* bytes: RFC 9113, 4.1 */
#define PIECE_MAX (256u << 10) /* of a body in one frame, if the server takes such */
#define PIECE_COPIED_MAX 8192  /* shorter pieces are cheaper to copy than to write apart */
#define RECORDS_PER_TURN 4     /* reads, as in http1_client.c */

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

static int64_t us_since_sent(const struct http2_stream *s, struct mono now)
{
	return s->sent_at.ns && now.ns > s->sent_at.ns ? us_between(s->sent_at, now) : 0;
}

/** settle_tail() - what was promised of the body of @s has to be sent, though its message may go */
static void settle_tail(struct http2_client *c, const struct http2_stream *s)
{
	if (c->tail_of != s)
		return;
	buffer_add_span(&c->out, c->tail);
	c->tail = span_of(NULL, 0);
	c->tail_of = NULL;
}

/** end_stream() - @s is over as @kind; tell_ended() says so */
static void end_stream(struct http2_stream *s, enum outcome_kind kind, const char *detail)
{
	struct http2_client *c = s->client;

	s->kind = kind;
	s->detail = detail;
	if (s->id && c->session)
		nghttp2_session_set_stream_user_data(c->session, s->id, NULL);
	settle_tail(c, s);
	list_remove(&s->unsent);
	list_remove(&s->link);
	list_add_last(&c->ended, &s->link);
	if (--c->count == 0 && c->state == HTTP2_OPEN)
		http1_keep_idle(&c->keep, -1, INT64_MAX / 4, mono_now());
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
		.first_byte_us = s->first_byte_at.ns ? us_since_sent(s, s->first_byte_at) : -1,
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
	r->first_byte_us = us_since_sent(s, s->first_byte_at);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = us_since_sent(s, now);
	return r;
}

/** tell_ended() - what end_stream() put aside; nghttp2 is not on the stack */
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

		end_stream(s, stale ? OUTCOME_FAILED_STALE : kind, where_broken(s, before, in));
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

/* ---- what nghttp2 tells; nothing here may end the session or tell the pool ---- */

static struct http2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/** grpc_status_of() - of a call whose response is over */
static enum grpc_status grpc_status_of(const struct http2_stream *s)
{
	if (!s->exchange->message->head.is_grpc)
		return GRPC_STATUS_NONE;
	if (s->grpc_said != GRPC_STATUS_NONE)
		return s->grpc_said;
	return s->status_code == 200 ? GRPC_UNKNOWN : grpc_status_of_http(s->status_code);
}

/** end_answered() - there is a status, and the response is over or long enough */
static void end_answered(struct http2_stream *s)
{
	static const enum outcome_kind by_class[] = { OUTCOME_ANSWERED_2XX, OUTCOME_ANSWERED_3XX,
						      OUTCOME_ANSWERED_4XX, OUTCOME_ANSWERED_5XX };
	int class = s->status_code / 100;

	if (class < 2 || class > 5) {
		end_stream(s, OUTCOME_FAILED_PROTOCOL, "status above 599");
		return;
	}
	end_stream(s, by_class[class - 2], NULL);
}

/** end_whole() - the server has said all; what is left of the request need not be sent */
static void end_whole(nghttp2_session *session, struct http2_stream *s)
{
	if (nghttp2_session_get_stream_local_close(session, s->id) == 0)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_CANCEL);
	s->grpc_status = grpc_status_of(s);
	end_answered(s);
}

static uint64_t body_max(const struct http2_client *c)
{
	uint64_t kept = c->env->keeping ? c->env->keeping->max : 0;

	return kept > RESPONSE_BODY_MAX ? kept : RESPONSE_BODY_MAX;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	struct http2_client *c = ctx;

	if (s && !s->has_head && !s->first_byte_at.ns)
		s->first_byte_at = c->heard_at;
	return 0;
}

/** keep_field() - false: the head can not be kept. Trailers may be missing */
static bool keep_field(struct http2_stream *s, struct span name, struct span value)
{
	bool kept = response_head_name(&s->fields, name) && response_head_value(&s->fields, value) &&
		    response_head_end_field(&s->fields);

	s->trailers_lost = s->trailers_lost || !kept;
	return kept || s->has_head;
}

static int status_of(struct span value)
{
	int n = 0;

	for (size_t i = 0; i < value.len && i < 3; i++)
		n = n * 10 + (value.at[i] - '0');
	return n;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name_at, size_t name_len,
		     const uint8_t *value_at, size_t value_len, uint8_t flags, void *ctx)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	struct span name = span_of(name_at, name_len), value = span_of(value_at, value_len);
	struct http2_client *c = ctx;

	if (!s)
		return 0;
	s->head_bytes += name_len + value_len + 32; /* RFC 9113, 6.5.2 */
	if (s->head_bytes > RESPONSE_PARSER_HEAD_MAX) {
		end_stream(s, OUTCOME_FAILED_PROTOCOL, "head above 256 KiB");
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	if (span_equal(name, SPAN_LITERAL(":status"))) {
		s->status_code = status_of(value);
		return 0;
	}
	if (span_equal(name, SPAN_LITERAL("grpc-status")))
		s->grpc_said = grpc_status_parse(value);
	if (c->env->keeping && !keep_field(s, name, value)) {
		end_stream(s, OUTCOME_FAILED_PROTOCOL, "no memory for the head");
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return 0;
}

/** on_block() - a head is complete, or trailers, or an interim response that is no response yet */
static void on_block(struct http2_client *c, struct http2_stream *s)
{
	if (s->has_head) {
		if (s->response && !s->trailers_lost)
			response_set_trailers(s->response, &s->fields);
	} else if (s->status_code / 100 == 1) {
		s->status_code = 0;
		s->first_byte_at.ns = 0;
		s->grpc_said = GRPC_STATUS_NONE;
	} else {
		s->has_head = true;
		if (c->env->keeping)
			s->response = response_new(s->status_code, &s->fields, c->env->keeping->budget);
	}
	response_head_clear(&s->fields);
}

static void on_goaway(struct http2_client *c, const nghttp2_goaway *goaway)
{
	c->had_goaway = true;
	c->goaway_last = goaway->last_stream_id;
	c->goaway_code = goaway->error_code;
	if (c->state == HTTP2_OPEN)
		set_state(c, HTTP2_DRAINING);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	struct http2_client *c = ctx;

	if (frame->hd.type == NGHTTP2_SETTINGS && !(frame->hd.flags & NGHTTP2_FLAG_ACK))
		c->has_settings = true;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		on_goaway(c, &frame->goaway);
	if (!s)
		return 0;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		s->is_reset = true;
		s->reset_code = frame->rst_stream.error_code;
	}
	if (frame->hd.type == NGHTTP2_HEADERS)
		on_block(c, s);
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && s->has_head)
		end_whole(session, s);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t len, void *ctx)
{
	struct http2_stream *s = stream_of(session, id);
	struct http2_client *c = ctx;

	if (!s)
		return 0;
	s->body_bytes += len;
	if (s->response) {
		if (response_is_stream(s->response))
			response_add_arrival(s->response, us_since_sent(s, c->heard_at));
		response_add_body(s->response, span_of(at, len), 0, c->env->keeping->max);
	}
	if (s->body_bytes <= body_max(c))
		return 0;
	/* What is asked is known: the status. The rest is the server's to keep, and the trailers stay unseen. */
	if (s->response)
		response_invalidate(s->response, RESPONSE_TOO_LARGE);
	nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
	end_answered(s);
	return 0;
}

/** on_stream_close() - of one that has not ended yet: it was reset, by the server or by nghttp2, or GOAWAY left it out */
static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ctx)
{
	struct http2_stream *s = stream_of(session, id);
	struct http2_client *c = ctx;

	if (!s)
		return 0;
	if (s->is_reset && s->reset_code == NGHTTP2_REFUSED_STREAM)
		end_stream(s, OUTCOME_FAILED_REFUSED, "REFUSED_STREAM");
	else if (s->is_reset)
		end_stream(s, OUTCOME_FAILED_STREAM_RESET, nghttp2_http2_strerror(s->reset_code));
	else if (c->had_goaway && id > c->goaway_last)
		end_stream(s, OUTCOME_FAILED_GOAWAY, nghttp2_http2_strerror(c->goaway_code));
	else
		end_stream(s, OUTCOME_FAILED_PROTOCOL, "the response breaks the rules of HTTP/2");
	return 0;
}

/** on_not_sent() - a request that nghttp2 will not send: the server goes away, or there was no memory */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *ctx)
{
	struct http2_client *c = ctx;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	for (struct list *l = c->streams.next; l != &c->streams; l = l->next) {
		struct http2_stream *s = stream_at(l);

		if (s->id != frame->hd.stream_id)
			continue;
		if (c->had_goaway)
			end_stream(s, OUTCOME_FAILED_GOAWAY, nghttp2_http2_strerror(c->goaway_code));
		else
			end_stream(s, OUTCOME_FAILED_PROTOCOL, nghttp2_strerror(error));
		break;
	}
	return 0;
}

/** on_sent() - into the buffer; with the last frame of a request it remains to be written */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	struct http2_client *c = ctx;

	if (s && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		list_add_last(&c->unsent, &s->unsent);
	return 0;
}

static int on_error(nghttp2_session *session, int code, const char *text, size_t len, void *ctx)
{
	struct http2_client *c = ctx;

	if (!c->error)
		c->error = nghttp2_strerror(code);
	return 0;
}

/* ---- the body of a request ---- */

/** piece_length() - of the next DATA frame; with TLS, it and its head are one record */
static ssize_t piece_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t session_window,
			    int32_t stream_window, uint32_t frame_max, void *ctx)
{
	const struct http2_client *c = ctx;
	uint32_t most = c->channel.tls ? CHANNEL_RECORD - FRAME_HEAD : PIECE_MAX;
	uint32_t n = frame_max < most ? frame_max : most;

	if (stream_window >= 0 && (uint32_t)stream_window < n)
		n = (uint32_t)stream_window;
	if (session_window >= 0 && (uint32_t)session_window < n)
		n = (uint32_t)session_window;
	return n;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
			 nghttp2_data_source *source, void *ctx)
{
	struct http2_stream *s = stream_of(session, id);

	if (!s) /* it has ended, and its RST_STREAM is on the way */
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (s->body.len > len)
		return (ssize_t)len;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)s->body.len;
}

/** send_body() - a frame's head and its piece of the body, which is not copied if it is large */
static int send_body(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
		     nghttp2_data_source *source, void *ctx)
{
	struct http2_stream *s = stream_of(session, frame->hd.stream_id);
	struct http2_client *c = ctx;
	struct span piece;

	if (!s || !span_take(&s->body, len, &piece))
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	buffer_add(&c->out, head, FRAME_HEAD);
	if (len <= PIECE_COPIED_MAX) {
		buffer_add_span(&c->out, piece);
		return 0;
	}
	c->tail = piece;
	c->tail_of = s;
	return NGHTTP2_ERR_PAUSE; /* what nghttp2 has next goes behind it */
}

static int make_session(struct http2_client *c)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_STREAM },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, RESPONSE_PARSER_HEAD_MAX },
	};
	nghttp2_session_callbacks *calls;
	int r;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(calls, on_not_sent);
	nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_sent);
	nghttp2_session_callbacks_set_data_source_read_length_callback(calls, piece_length);
	nghttp2_session_callbacks_set_send_data_callback(calls, send_body);
	nghttp2_session_callbacks_set_error_callback2(calls, on_error);
	r = nghttp2_session_client_new(&c->session, calls, c);
	nghttp2_session_callbacks_del(calls);
	if (r != 0) {
		c->session = NULL;
		return -ENOMEM;
	}
	if (nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, sizeof(settings) / sizeof(settings[0])) != 0 ||
	    nghttp2_session_set_local_window_size(c->session, NGHTTP2_FLAG_NONE, 0, WINDOW_CONNECTION) != 0)
		return -ENOMEM;
	return 0;
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
	nghttp2_data_provider body = { .read_callback = read_body };
	const struct message *m = s->exchange->message;
	int r = make_head(c, s);
	int32_t id;

	if (r < 0)
		return r;
	s->body = m->body_kept ? span_of(m->body, m->body_len) : span_of(NULL, 0);
	id = nghttp2_submit_request(c->session, NULL, c->env->head->at, c->env->head->count, s->body.len > 0 ? &body : NULL, s);
	if (id < 0)
		return id == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EINVAL;
	s->id = id;
	if (id >= LAST_STREAM_ID && c->state == HTTP2_OPEN)
		set_state(c, HTTP2_DRAINING);
	return 0;
}

/** start_request() - the connection is open; false: @s has ended and is to be told */
static bool start_request(struct http2_client *c, struct http2_stream *s)
{
	int r = submit(c, s);

	s->exchange->is_opening = false;
	if (r < 0) { /* nothing was sent; the connection is in order */
		if (r == -EINVAL)
			end_stream(s, OUTCOME_FAILED_PROTOCOL, "no request can be made of it");
		else
			end_stream(s, OUTCOME_FAILED_CONNECT, uv_err_name(r));
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
			lose_errno(c, OUTCOME_FAILED_RESET, (int)-n);
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
		const char *why = tls_failure(c->channel.tls);

		lose(c, OUTCOME_FAILED_TLS, why, why);
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
		lose(c, OUTCOME_FAILED_RESET, "EOF before the answer", "EOF in the answer");
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
	if (channel->tls && !tls_chose(channel->tls, "h2")) {
		lose_protocol(c, "the server did not choose HTTP/2 (ALPN h2)");
		tell_ended(c);
		return;
	}
	set_state(c, HTTP2_GREETING);
	if (make_session(c) < 0) {
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
	if (c->state != HTTP2_OPEN || is_over(c)) {
		http2_client_close(c);
		return false;
	}
	if (nghttp2_session_want_write(c->session))
		ask_flush(c);
	return true;
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
		end_stream(s, kind, detail);
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
