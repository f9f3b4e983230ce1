/*
 * http2_session.c - see http2_session.h
 *
 * Theory of operation: nghttp2 calls when a frame has come or gone, and a stream
 * is known by its user data, which is taken away when its exchange ends: what comes
 * for it afterwards is nothing to us. Nothing here may end the session or tell the
 * pool, since nghttp2 is on the stack.
 *
 * An exchange is answered when the server has ended its stream, whether or not the
 * request was sent to its end by then. The status of gRPC is in the trailers, or in
 * the head of a response that is nothing else; where both say one, the later
 * counts, and where none does, the HTTP status is translated.
 *
 * Bodies of requests are not copied by nghttp2 (NGHTTP2_DATA_FLAG_NO_COPY). A
 * piece that is promised by a frame's head has to be sent, even if the exchange
 * ends before it is: then it is copied behind the head (settle_tail()). Bytes that are
 * not due yet are deferred until http2_stream_resume().
 */
#include "replay/http2_session.h"

#include <errno.h>

#define WINDOW_STREAM (1 << 20)
#define WINDOW_CONNECTION (16 << 20)
#define FRAME_HEAD 9           /* bytes: RFC 9113, 4.1 */
#define PIECE_MAX (256u << 10) /* of a body in one frame, if the server takes such */
#define PIECE_COPIED_MAX 8192  /* shorter pieces are cheaper to copy than to write apart */

/** settle_tail() - what was promised of the body of @s has to be sent, though its message may go */
static void settle_tail(struct http2_client *c, const struct http2_stream *s)
{
	if (c->tail_of != s)
		return;
	buffer_add_span(&c->out, c->tail);
	c->tail = span_of(NULL, 0);
	c->tail_of = NULL;
}

void http2_stream_end(struct http2_stream *s, enum outcome_kind kind, const char *detail)
{
	struct http2_client *c = s->client;

	s->kind = kind;
	s->detail = detail;
	if (s->id && c->session)
		nghttp2_session_set_stream_user_data(c->session, s->id, NULL);
	settle_tail(c, s);
	list_remove(&s->unsent);
	list_remove(&s->paced);
	list_remove(&s->link);
	list_add_last(&c->ended, &s->link);
	if (--c->count == 0 && c->state == HTTP2_OPEN)
		http1_keep_idle(&c->keep, -1, INT64_MAX / 4, mono_now());
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
		http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, "status above 599");
		return;
	}
	http2_stream_end(s, by_class[class - 2], NULL);
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
		http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, "head above 256 KiB");
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	if (span_equal(name, SPAN_LITERAL(":status"))) {
		s->status_code = status_of(value);
		return 0;
	}
	if (span_equal(name, SPAN_LITERAL("grpc-status")))
		s->grpc_said = grpc_status_parse(value);
	if (c->env->keeping && !keep_field(s, name, value)) {
		http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, "no memory for the head");
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
		if (s->exchange->message->head.is_grpc || response_is_stream(s->response))
			response_add_arrival(s->response, http2_stream_us_since_sent(s, c->heard_at));
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
		http2_stream_end(s, OUTCOME_FAILED_REFUSED, "REFUSED_STREAM");
	else if (s->is_reset)
		http2_stream_end(s, OUTCOME_FAILED_STREAM_RESET, nghttp2_http2_strerror(s->reset_code));
	else if (c->had_goaway && id > c->goaway_last)
		http2_stream_end(s, OUTCOME_FAILED_GOAWAY, nghttp2_http2_strerror(c->goaway_code));
	else
		http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, "the response breaks the rules of HTTP/2");
	return 0;
}

/** on_not_sent() - a request that nghttp2 will not send: the server goes away, or there was no memory */
static int on_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error, void *ctx)
{
	struct http2_client *c = ctx;

	if (frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	for (struct list *l = c->streams.next; l != &c->streams; l = l->next) {
		struct http2_stream *s = list_entry(l, struct http2_stream, link);

		if (s->id != frame->hd.stream_id)
			continue;
		if (c->had_goaway)
			http2_stream_end(s, OUTCOME_FAILED_GOAWAY, nghttp2_http2_strerror(c->goaway_code));
		else
			http2_stream_end(s, OUTCOME_FAILED_PROTOCOL, nghttp2_strerror(error));
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

/** due_bytes() - of what is left of the body, those that may go at @now; @due: when more may, or the end of the stream */
static size_t due_bytes(struct http2_stream *s, struct mono now, struct mono *due)
{
	const struct message *m = s->exchange->message;
	uint64_t upto, sent = m->body_len - s->body.len;

	*due = body_pace_due(&s->pace, m, s->client->env->speed, now, &upto);
	return upto > sent ? (size_t)(upto - sent) : 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
			 nghttp2_data_source *source, void *ctx)
{
	struct http2_stream *s = stream_of(session, id);
	struct http2_client *c = ctx;
	struct mono now, due;
	size_t n;

	if (!s) /* it has ended, and its RST_STREAM is on the way */
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	now = mono_now();
	n = due_bytes(s, now, &due);
	if (n == 0 && due.ns > now.ns) {
		s->due = due;
		c->env->on_paced(c->env->ctx, s);
		return NGHTTP2_ERR_DEFERRED;
	}
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (n > len)
		return (ssize_t)len;
	if (due.ns <= now.ns)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
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

int http2_session_new(struct http2_client *c)
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

int http2_stream_submit(struct http2_stream *s)
{
	const struct http2_head *head = s->client->env->head;
	const struct message *m = s->exchange->message;
	nghttp2_data_provider body = { .read_callback = read_body };
	int32_t id;

	s->body = m->body_kept ? span_of(m->body, m->body_len) : span_of(NULL, 0);
	id = nghttp2_submit_request(s->client->session, NULL, head->at, head->count, s->body.len > 0 ? &body : NULL, s);
	if (id < 0)
		return id == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EINVAL;
	s->id = id;
	s->pace = (struct body_pace){ .began = mono_now() };
	return 0;
}
