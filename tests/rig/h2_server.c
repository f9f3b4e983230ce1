/* h2_server.c - see h2_server.h */
#include "tests/rig/h2_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <nghttp2/nghttp2.h>

#include "tests/rig/unit.h"

struct stream {
	struct stream *next;
	int32_t id;
	struct h2_request *request;
	uint64_t left; /* of the body of the answer */
	bool is_trailing, is_cutting;
	bool is_held;
};

struct h2_server_peer {
	struct h2_server_peer *next;
	struct h2_server *server;
	union {
		uv_tcp_t tcp;
		uv_pipe_t pipe;
		uv_stream_t stream;
		uv_handle_t handle;
	} u;
	uv_timer_t timer;
	unsigned handles;
	nghttp2_session *session;
	SSL *tls; /* between two memories, or NULL */
	struct stream *streams;
	uint32_t requests, open;
	bool is_closing, was_goaway, is_greeted;
	char scratch[65536];
};

struct write {
	uv_write_t req;
	size_t len;
	uint8_t bytes[];
};

static void free_peer(uv_handle_t *handle)
{
	struct h2_server_peer *p = handle->data, **at;

	if (--p->handles > 0)
		return;
	for (at = &p->server->peers; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	nghttp2_session_del(p->session);
	SSL_free(p->tls);
	while (p->streams) {
		struct stream *s = p->streams;

		p->streams = s->next;
		free(s);
	}
	free(p);
}

static void close_peer(struct h2_server_peer *p)
{
	if (p->is_closing)
		return;
	p->is_closing = true;
	p->server->open--;
	uv_close(&p->u.handle, free_peer);
	uv_close((uv_handle_t *)&p->timer, free_peer);
}

static void on_written(uv_write_t *req, int status)
{
	free(req->data);
}

static void write_raw(struct h2_server_peer *p, const void *bytes, size_t len)
{
	struct write *w = malloc(sizeof(*w) + len);
	uv_buf_t buf;

	w->len = len;
	memcpy(w->bytes, bytes, len);
	w->req.data = w;
	buf = uv_buf_init((char *)w->bytes, (unsigned)len);
	if (uv_write(&w->req, &p->u.stream, &buf, 1, on_written) != 0)
		free(w);
}

/** write_tls() - what OpenSSL has to send */
static void write_tls(struct h2_server_peer *p)
{
	char bytes[16384];
	int n;

	while ((n = BIO_read(SSL_get_wbio(p->tls), bytes, sizeof(bytes))) > 0)
		write_raw(p, bytes, (size_t)n);
}

static void write_bytes(struct h2_server_peer *p, const void *bytes, size_t len)
{
	if (!p->tls) {
		write_raw(p, bytes, len);
		return;
	}
	if (len > 0 && SSL_write(p->tls, bytes, (int)len) <= 0)
		return; /* the handshake failed: the peer will be closed */
	write_tls(p);
}

static void flush(struct h2_server_peer *p)
{
	const uint8_t *bytes;
	ssize_t n;

	if (p->is_closing)
		return;
	while ((n = nghttp2_session_mem_send(p->session, &bytes)) > 0)
		write_bytes(p, bytes, (size_t)n);
	if (n < 0 || (!nghttp2_session_want_read(p->session) && !nghttp2_session_want_write(p->session)))
		close_peer(p);
}

/* ---- answers ---- */

#define NV(n, v)                                                                           \
	{                                                                                  \
		(uint8_t *)(n), (uint8_t *)(v), strlen(n), strlen(v), NGHTTP2_NV_FLAG_NONE \
	}

static const char *status_text(const struct h2_server_script *script, char out[16])
{
	snprintf(out, 16, "%d", script->grpc_status);
	return out;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
			 nghttp2_data_source *source, void *ctx)
{
	struct h2_server_peer *p = ctx;
	struct stream *s = source->ptr;
	size_t n = s->left < len ? (size_t)s->left : len;
	char text[16];

	memset(out, 'x', n);
	s->left -= n;
	if (s->left > 0)
		return (ssize_t)n;
	if (s->is_cutting)
		return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->is_trailing) {
		nghttp2_nv trailers[] = { NV("grpc-status", status_text(&p->server->script, text)), NV("grpc-message", "") };

		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		assert_int_equal(nghttp2_submit_trailer(session, id, trailers, 2), 0);
	}
	return (ssize_t)n;
}

static void respond(struct h2_server_peer *p, struct stream *s, const char *status, const char *type, uint64_t body)
{
	nghttp2_nv nv[] = { NV(":status", status), NV("content-type", type) };
	nghttp2_data_provider provider = { { .ptr = s }, read_body };

	s->left = body;
	nghttp2_submit_response(p->session, s->id, nv, 2, &provider);
}

static void on_timer(uv_timer_t *timer);

static void answer(struct h2_server_peer *p, struct stream *s)
{
	const struct h2_server_script *script = &p->server->script;
	char text[16];

	s->is_held = false;
	switch (script->answer) {
	case H2_HOLD:
		s->is_held = true;
		return;
	case H2_ANSWER:
		s->is_trailing = script->grpc_status >= 0;
		respond(p, s, "200", script->grpc_status >= 0 ? "application/grpc" : "application/json", s->request->body_bytes);
		return;
	case H2_REFUSE:
		nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_REFUSED_STREAM);
		return;
	case H2_RESET:
		nghttp2_submit_rst_stream(p->session, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_INTERNAL_ERROR);
		return;
	case H2_TRAILERS_ONLY: {
		nghttp2_nv nv[] = { NV(":status", "200"), NV("content-type", "application/grpc"),
				    NV("grpc-status", status_text(script, text)) };

		nghttp2_submit_response(p->session, s->id, nv, 3, NULL);
		return;
	}
	case H2_NO_GRPC:
		respond(p, s, "200", "application/grpc", 5);
		return;
	case H2_HTML_502:
		respond(p, s, "502", "text/html", 100);
		return;
	case H2_CLOSE:
		s->is_cutting = true;
		respond(p, s, "200", "application/json", 10);
		flush(p);
		uv_timer_start(&p->timer, on_timer, 20, 0);
		return;
	case H2_FLOOD:
		respond(p, s, "200", "application/json", script->flood);
		return;
	case H2_EARLY:
		respond(p, s, "413", "text/plain", 3);
		return;
	}
}

/** answer_all() - what is whole and waits */
static void answer_all(struct h2_server_peer *p)
{
	if (p->is_closing)
		return;
	for (struct stream *s = p->streams; s; s = s->next)
		if (s->is_held)
			answer(p, s);
	flush(p);
}

static void on_timer(uv_timer_t *timer)
{
	struct h2_server_peer *p = timer->data;

	if (p->server->script.answer == H2_CLOSE)
		close_peer(p);
	else
		answer_all(p);
}

static void request_whole(struct h2_server_peer *p, struct stream *s)
{
	const struct h2_server_script *script = &p->server->script;

	s->request->is_whole = true;
	s->request->ended_ns = uv_hrtime();
	if (script->goaway_after && p->requests >= script->goaway_after && !p->was_goaway) {
		p->was_goaway = true;
		nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, s->id - 2 * (int32_t)script->goaway_spares,
				      NGHTTP2_NO_ERROR, NULL, 0);
	}
	s->is_held = true;
	if (script->delay_ms && script->answer != H2_HOLD)
		uv_timer_start(&p->timer, on_timer, script->delay_ms, 0);
	else if (script->answer != H2_HOLD)
		answer(p, s);
}

/* ---- what comes ---- */

static int on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct h2_server_peer *p = ctx;
	struct h2_server *server = p->server;
	struct stream *s;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	assert_true(server->requests < H2_SERVER_REQUESTS_MAX);
	s = calloc(1, sizeof(*s));
	s->id = frame->hd.stream_id;
	s->request = &server->seen[server->requests++];
	*s->request = (struct h2_request){ .reset_code = UINT32_MAX, .began_ns = uv_hrtime() };
	s->next = p->streams;
	p->streams = s;
	p->requests++;
	if (++p->open > server->most_streams)
		server->most_streams = p->open;
	nghttp2_session_set_stream_user_data(session, s->id, s);
	return 0;
}

static void copy(char *out, size_t size, const char *name, const uint8_t *at, size_t len, const uint8_t *value, size_t value_len)
{
	if (strlen(name) == len && memcmp(name, at, len) == 0)
		snprintf(out, size, "%.*s", (int)value_len, (const char *)value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
		     const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	struct h2_request *r;
	char found[2] = "";

	if (!s)
		return 0;
	r = s->request;
#define FIELD(field, text) copy(r->field, sizeof(r->field), text, name, name_len, value, value_len)
	FIELD(path, ":path");
	FIELD(method, ":method");
	FIELD(scheme, ":scheme");
	FIELD(authority, ":authority");
	FIELD(te, "te");
	FIELD(timeout, "grpc-timeout");
	FIELD(type, "content-type");
	copy(found, 2, "host", name, name_len, (const uint8_t *)"y", 1);
	r->has_host |= found[0] == 'y';
	found[0] = '\0';
	copy(found, 2, "connection", name, name_len, (const uint8_t *)"y", 1);
	copy(found, 2, "transfer-encoding", name, name_len, (const uint8_t *)"y", 1);
	copy(found, 2, "keep-alive", name, name_len, (const uint8_t *)"y", 1);
	r->has_connection |= found[0] == 'y';
	found[0] = '\0';
	copy(found, 2, "content-length", name, name_len, (const uint8_t *)"y", 1);
	r->has_length |= found[0] == 'y';
	for (size_t i = 0; i < name_len; i++)
		r->has_upper |= name[i] >= 'A' && name[i] <= 'Z';
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *at, size_t len, void *ctx)
{
	struct stream *s = nghttp2_session_get_stream_user_data(session, id);

	if (!s)
		return 0;
	s->request->body_bytes += len;
	if (s->request->piece_count < H2_PIECES_MAX)
		s->request->pieces[s->request->piece_count++] = (struct h2_piece){ s->request->body_bytes, uv_hrtime() };
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
	struct h2_server_peer *p = ctx;
	struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	if (!s)
		return 0;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		s->request->reset_code = frame->rst_stream.error_code;
	if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		request_whole(p, s);
	else if (frame->hd.type == NGHTTP2_HEADERS && p->server->script.answer == H2_EARLY)
		answer(p, s);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *ctx)
{
	struct h2_server_peer *p = ctx;
	struct stream *s = nghttp2_session_get_stream_user_data(session, id), **at;

	if (!s)
		return 0;
	p->open--;
	for (at = &p->streams; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	free(s);
	return 0;
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct h2_server_peer *p = handle->data;

	*out = uv_buf_init(p->scratch, sizeof(p->scratch));
}

static void greet(struct h2_server_peer *p);
static void take(struct h2_server_peer *p, const uint8_t *bytes, size_t len);

/** take_tls() - some of what came, through OpenSSL */
static void take_tls(struct h2_server_peer *p, const char *bytes, size_t len)
{
	static uint8_t plain[65536];
	int n;

	BIO_write(SSL_get_rbio(p->tls), bytes, (int)len);
	while (!p->is_closing && (n = SSL_read(p->tls, plain, sizeof(plain))) > 0)
		take(p, plain, (size_t)n);
	write_tls(p);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct h2_server_peer *p = stream->data;

	if (n == 0)
		return;
	if (n < 0)
		close_peer(p);
	else if (p->tls)
		take_tls(p, buf->base, (size_t)n);
	else
		take(p, (const uint8_t *)buf->base, (size_t)n);
}

static void take(struct h2_server_peer *p, const uint8_t *bytes, size_t len)
{
	if (p->server->script.manners == H2_HTTP1) {
		static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

		write_bytes(p, text, sizeof(text) - 1);
		uv_read_stop(&p->u.stream);
		return;
	}
	if (p->server->script.manners == H2_SILENT)
		return;
	if (!p->is_greeted && (len < 3 || memcmp(bytes, "PRI", 3) != 0)) {
		static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

		p->server->http1_requests++;
		write_bytes(p, text, sizeof(text) - 1);
		return;
	}
	if (!p->is_greeted && p->server->script.manners == H2_GOOD)
		greet(p);
	p->is_greeted = true;
	if (nghttp2_session_mem_recv(p->session, bytes, len) < 0) {
		close_peer(p);
		return;
	}
	flush(p);
}

static nghttp2_session *make_session(struct h2_server_peer *p)
{
	nghttp2_session_callbacks *calls;
	nghttp2_session *session;

	nghttp2_session_callbacks_new(&calls);
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls, on_begin);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_stream_close);
	assert_int_equal(nghttp2_session_server_new(&session, calls, p), 0);
	nghttp2_session_callbacks_del(calls);
	return session;
}

static void greet(struct h2_server_peer *p)
{
	const struct h2_server_script *script = &p->server->script;
	nghttp2_settings_entry settings[2];
	size_t n = 0;

	if (script->max_streams)
		settings[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, script->max_streams };
	if (script->window)
		settings[n++] = (nghttp2_settings_entry){ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, script->window - 1 };
	nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, settings, n);
	flush(p);
}

static void misbehave(struct h2_server_peer *p)
{
	static const uint8_t empty[9] = { 0, 0, 0, 4, 0, 0, 0, 0, 0 };
	static uint8_t many[20000 * 9];

	if (p->server->script.manners == H2_SETTINGS_FLOOD) {
		for (size_t i = 0; i < sizeof(many); i += 9)
			memcpy(many + i, empty, 9);
		write_bytes(p, many, sizeof(many));
	} else if (p->server->script.manners == H2_GARBAGE) {
		memset(many, 0xa5, 4096);
		write_bytes(p, many, 4096);
	}
}

static void on_connection(uv_stream_t *listening, int status)
{
	struct h2_server *server = listening->data;
	struct h2_server_peer *p = calloc(1, sizeof(*p));

	p->server = server;
	p->next = server->peers;
	server->peers = p;
	if (server->is_pipe)
		uv_pipe_init(server->loop, &p->u.pipe, 0);
	else
		uv_tcp_init(server->loop, &p->u.tcp);
	uv_timer_init(server->loop, &p->timer);
	p->handles = 2;
	p->u.handle.data = p->timer.data = p;
	server->connections++;
	if (++server->open > server->most_open)
		server->most_open = server->open;
	p->session = make_session(p);
	assert_int_equal(uv_accept(listening, &p->u.stream), 0);
	uv_read_start(&p->u.stream, on_alloc, on_read);
	if (server->tls) {
		p->tls = SSL_new(server->tls);
		assert_non_null(p->tls);
		SSL_set_bio(p->tls, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		SSL_set_accept_state(p->tls);
	}
	misbehave(p);
}

uint16_t h2_server_bind(struct h2_server *s, const char *path, struct h2_server_script script)
{
	struct sockaddr_un unix_address = { .sun_family = AF_UNIX };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	*s = (struct h2_server){ .script = script, .is_pipe = path != NULL };
	s->fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	if (path) {
		snprintf(unix_address.sun_path, sizeof(unix_address.sun_path), "%s", path);
		assert_int_equal(bind(s->fd, (const struct sockaddr *)&unix_address, sizeof(unix_address)), 0);
		return 0;
	}
	assert_int_equal(bind(s->fd, (const struct sockaddr *)&address, len), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin_port);
}

void h2_server_start(struct h2_server *s, uv_loop_t *loop)
{
	s->loop = loop;
	s->pipe.data = s->tcp.data = s;
	if (s->is_pipe) {
		uv_pipe_init(loop, &s->pipe, 0);
		assert_int_equal(uv_pipe_open(&s->pipe, s->fd), 0);
	} else {
		uv_tcp_init(loop, &s->tcp);
		assert_int_equal(uv_tcp_open(&s->tcp, s->fd), 0);
	}
	assert_int_equal(uv_listen(s->is_pipe ? (uv_stream_t *)&s->pipe : (uv_stream_t *)&s->tcp, 128, on_connection), 0);
}

void h2_server_release(struct h2_server *s)
{
	for (struct h2_server_peer *p = s->peers; p; p = p->next)
		answer_all(p);
}

void h2_server_settings(struct h2_server *s, uint32_t max_streams)
{
	nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max_streams };

	s->script.max_streams = max_streams;
	for (struct h2_server_peer *p = s->peers; p; p = p->next) {
		nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, &entry, 1);
		flush(p);
	}
}

void h2_server_goaway(struct h2_server *s, int32_t last)
{
	for (struct h2_server_peer *p = s->peers; p; p = p->next) {
		nghttp2_submit_goaway(p->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
		flush(p);
	}
}

void h2_server_cut(struct h2_server *s)
{
	for (struct h2_server_peer *p = s->peers; p; p = p->next)
		close_peer(p);
}

void h2_server_reset(struct h2_server *s)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };
	uv_os_fd_t fd;

	for (struct h2_server_peer *p = s->peers; p; p = p->next)
		if (uv_fileno(&p->u.handle, &fd) == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	h2_server_cut(s);
}

void h2_server_close(struct h2_server *s)
{
	h2_server_cut(s);
	uv_close(s->is_pipe ? (uv_handle_t *)&s->pipe : (uv_handle_t *)&s->tcp, NULL);
}
