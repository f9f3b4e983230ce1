/*
 * sink.c - see sink.h
 *
 * Theory of operation: a server on the replay's own loop, there to show that
 * requests arrive and to measure the way to them. llhttp finds each request's
 * end, the body is thrown away, and the response is always the same bytes (to HEAD, those of its head). They
 * are sent with send() rather than uv_write(): one system call that cannot
 * raise SIGPIPE and needs no memory. A peer that does not take 80 bytes at once
 * has gone wrong, and is closed.
 */
#include "replay/sink.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <llhttp.h>

#include "replay/list.h"

#define SINK_BACKLOG 1024
#define SINK_READ 65536

#define SINK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
#define SINK_BODY "{\"sink\": true}\n"
static const char response[] = SINK_HEAD SINK_BODY;

struct sink {
	uv_tcp_t listener;
	uint16_t port;
	uint64_t requests;
	struct list clients;
	char scratch[SINK_READ];
};

struct client {
	uv_tcp_t tcp;
	llhttp_t parser;
	struct sink *sink;
	struct list link;
};

static void on_client_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	list_remove(&c->link);
	uv_close((uv_handle_t *)&c->tcp, on_client_closed);
}

static int on_request_complete(llhttp_t *p)
{
	struct client *c = p->data;
	size_t len = p->method == HTTP_HEAD ? sizeof(SINK_HEAD) - 1 : sizeof(response) - 1;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&c->tcp, &fd) < 0)
		return -1;
	if (send(fd, response, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		return -1;
	c->sink->requests++;
	return 0;
}

static const llhttp_settings_t settings = { .on_message_complete = on_request_complete };

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct client *c = handle->data;

	*out = uv_buf_init(c->sink->scratch, sizeof(c->sink->scratch));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct client *c = stream->data;

	if (n == 0)
		return;
	if (n < 0 || llhttp_execute(&c->parser, bytes->base, (size_t)n) != HPE_OK)
		client_close(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct sink *s = listener->data;
	struct client *c;

	if (status < 0)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	if (uv_tcp_init(listener->loop, &c->tcp) < 0) {
		free(c);
		return;
	}
	c->sink = s;
	c->tcp.data = c;
	list_add_last(&s->clients, &c->link);
	llhttp_init(&c->parser, HTTP_REQUEST, &settings);
	c->parser.data = c;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0 ||
	    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) < 0)
		client_close(c);
	else
		uv_tcp_nodelay(&c->tcp, 1);
}

static int listen_on_loopback(struct sink *s)
{
	struct sockaddr_in any_port = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int len = sizeof(any_port), r;

	r = uv_tcp_bind(&s->listener, (const struct sockaddr *)&any_port, 0);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&s->listener, SINK_BACKLOG, on_connection);
	if (r == 0)
		r = uv_tcp_getsockname(&s->listener, (struct sockaddr *)&any_port, &len);
	s->port = ntohs(any_port.sin_port);
	return r;
}

static void on_failed_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int sink_new(uv_loop_t *loop, struct sink **out, struct buffer *error)
{
	struct sink *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	list_init(&s->clients);
	r = uv_tcp_init(loop, &s->listener);
	if (r < 0) {
		free(s);
		goto fail;
	}
	s->listener.data = s;
	r = listen_on_loopback(s);
	if (r == 0) {
		*out = s;
		return 0;
	}
	uv_close((uv_handle_t *)&s->listener, on_failed_closed);
fail:
	buffer_printf(error, "cannot listen on 127.0.0.1 for sink: %s; give a server's URL with -t instead",
		      uv_strerror(r));
	return r;
}

uint16_t sink_port(const struct sink *s)
{
	return s->port;
}

uint64_t sink_requests(const struct sink *s)
{
	return s->requests;
}

void sink_close(struct sink *s)
{
	while (!list_is_empty(&s->clients))
		client_close(list_entry(s->clients.next, struct client, link));
	if (!uv_is_closing((uv_handle_t *)&s->listener))
		uv_close((uv_handle_t *)&s->listener, NULL);
}

void sink_free(struct sink *s)
{
	free(s);
}
