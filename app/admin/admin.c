/* admin.c - see admin.h */
#include "app/admin/admin.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/local_socket.h"
#include "replay/list.h"

#define BACKLOG        16
#define SERVED_MAX     16
#define CLIENTS_MAX    32 /* with those that are told 503 */
#define TICK_MS        100
#define TURNS_PER_TICK 20
#define READ_BYTES     4096
#define LINGER_BYTES   (256 * 1024)
#define REQUEST_MS     5000
#define RESPONSE_MS      5000
#define IDLE_MS        75000
#define LINGER_MS      1000
#define LOCALS_MAX     64

/*
 * READING:   a request comes, or is waited for.
 * PAUSED:    as READING, but the turns of this tick are used up: not read.
 * WRITING:   the response leaves; not read.
 * LINGERING: the response left and our half is closed; what still comes is read and
 *            thrown away, since closing on it would reset the response too.
 * CLOSING:   freed in on_client_closed().
 */
enum client_state { CLIENT_READING, CLIENT_PAUSED, CLIENT_WRITING, CLIENT_LINGERING, CLIENT_CLOSING };

struct client {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	struct admin *admin;
	struct list link; /* oldest first */
	struct admin_http http;
	uv_write_t write;
	uint64_t deadline; /* of the loop's clock, ms */
	size_t lingered;
	enum client_state state;
};

struct admin {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} listener;
	uv_timer_t timer;
	struct admin_routes routes;
	struct admin_address address;
	struct endpoint local[LOCALS_MAX]; /* of this machine, when we listen on any address; port 0 */
	size_t local_count;
	struct list clients;
	unsigned client_count, turns;
	uint64_t responses, refused;
	int fd; /* until the loop has it; -1 then */
	bool started, held; /* held: a connection waits in libuv, which accepts no other before that one is taken */
	char scratch[READ_BYTES];
};

/* ---- listening, before there is a loop ---- */

static socklen_t to_sockaddr(const struct endpoint *at, struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	*out = (struct sockaddr_storage){ 0 };
	if (at->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(at->port);
		memcpy(&in->sin_addr, at->addr + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(at->port);
	memcpy(&in6->sin6_addr, at->addr, 16);
	return sizeof(*in6);
}

static int listen_at(const struct admin_address *address)
{
	struct sockaddr_storage at;
	socklen_t len;
	int fd, yes = 1, err;

	if (address->path[0])
		return local_socket_listen(address->path, BACKLOG);
	len = to_sockaddr(&address->at, &at);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void add_local(struct admin *a, const struct sockaddr *sa)
{
	struct endpoint *e = &a->local[a->local_count];

	if (!sa || a->local_count == LOCALS_MAX || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return;
	*e = (struct endpoint){ .family = sa->sa_family == AF_INET ? 4 : 6 };
	if (sa->sa_family == AF_INET)
		memcpy(e->addr + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	else
		memcpy(e->addr, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	a->local_count++;
}

static void find_locals(struct admin *a)
{
	struct ifaddrs *all;

	if (!admin_address_is_any(&a->address) || getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		add_local(a, i->ifa_addr);
	freeifaddrs(all);
}

static const char *advice(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another program listens there, or a file that is no socket has this name; name another";
	case -EADDRNOTAVAIL:
		return "this machine does not have that address; ip address shows those it has";
	case -EACCES:
		return "ports below 1024 and other people's folders take root; name another";
	default:
		return "check the address, or the socket's folder";
	}
}

int admin_open(const struct admin_address *address, struct admin **out, struct buffer *error)
{
	struct admin *a = calloc(1, sizeof(*a));
	char text[ENDPOINT_TEXT_MAX];

	if (!a) {
		buffer_add_str(error, "cannot set up --admin: out of memory");
		return -ENOMEM;
	}
	a->address = *address;
	list_init(&a->clients);
	a->fd = listen_at(address);
	if (a->fd < 0) {
		int err = a->fd;

		buffer_printf(error, "cannot listen on %s%s for --admin: %s; %s", address->path[0] ? "unix:" : "",
			      address->path[0] ? address->path : endpoint_text(&address->at, text), strerror(-err),
			      advice(err));
		free(a);
		return err;
	}
	find_locals(a);
	*out = a;
	return 0;
}

bool admin_is_own(const struct admin *a, const struct endpoint *server)
{
	struct endpoint host = *server;

	if (server->port != a->address.at.port || a->address.at.family == 0)
		return false;
	if (memcmp(server, &a->address.at, sizeof(*server)) == 0)
		return true;
	host.port = 0;
	for (size_t i = 0; i < a->local_count; i++)
		if (memcmp(&host, &a->local[i], sizeof(host)) == 0)
			return true;
	return a->local_count > 0 && host.family == 4 && host.addr[12] == 127;
}

/* ---- one connection ---- */

static uint64_t now_ms(const struct admin *a)
{
	return uv_now(a->timer.loop);
}

static void on_client_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	admin_http_deinit(&c->http);
	free(c);
}

static void client_close(struct client *c)
{
	if (c->state == CLIENT_CLOSING)
		return;
	c->state = CLIENT_CLOSING;
	list_remove(&c->link);
	c->admin->client_count--;
	uv_close(&c->handle, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct client *c = handle->data;

	*out = uv_buf_init(c->admin->scratch, sizeof(c->admin->scratch));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes);

static void client_read(struct client *c, enum client_state state, uint64_t for_ms)
{
	c->state = state;
	c->deadline = now_ms(c->admin) + for_ms;
	if (uv_read_start(&c->stream, on_alloc, on_read) < 0)
		client_close(c);
}

static void client_linger(struct client *c)
{
	uv_os_fd_t fd;

	if (uv_fileno(&c->handle, &fd) < 0 || shutdown(fd, SHUT_WR) < 0)
		client_close(c);
	else
		client_read(c, CLIENT_LINGERING, LINGER_MS);
}

/** client_answered() - the whole response is with the kernel */
static void client_answered(struct client *c)
{
	bool keep = c->http.keep;

	c->admin->responses++;
	if (!keep) {
		client_linger(c);
		return;
	}
	admin_http_next(&c->http);
	if (c->admin->turns > 0) {
		client_read(c, CLIENT_READING, IDLE_MS);
	} else {
		c->state = CLIENT_PAUSED;
		c->deadline = now_ms(c->admin) + IDLE_MS;
	}
}

static void on_written(uv_write_t *request, int status)
{
	struct client *c = request->data;

	if (c->state == CLIENT_CLOSING)
		return;
	if (status < 0)
		client_close(c);
	else
		client_answered(c);
}

static void client_answer(struct client *c)
{
	struct span rest = buffer_span(&c->http.response);
	uv_buf_t bytes = uv_buf_init((char *)c->http.response.bytes, (unsigned)rest.len);
	int n;

	uv_read_stop(&c->stream);
	if (!buffer_ok(&c->http.response)) {
		client_close(c);
		return;
	}
	c->state = CLIENT_WRITING;
	c->deadline = now_ms(c->admin) + RESPONSE_MS;
	c->admin->turns -= c->admin->turns > 0;
	n = uv_try_write(&c->stream, &bytes, 1);
	if (n < 0 && n != UV_EAGAIN) {
		client_close(c);
		return;
	}
	span_skip(&rest, n > 0 ? (size_t)n : 0);
	if (rest.len == 0) {
		client_answered(c);
		return;
	}
	bytes = uv_buf_init((char *)rest.at, (unsigned)rest.len);
	c->write.data = c;
	if (uv_write(&c->write, &c->stream, &bytes, 1, on_written) < 0)
		client_close(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct client *c = stream->data;

	if (n == 0)
		return;
	if (n < 0) {
		client_close(c);
		return;
	}
	if (c->state == CLIENT_LINGERING) {
		c->lingered += (size_t)n;
		if (c->lingered > LINGER_BYTES)
			client_close(c);
		return;
	}
	if (c->http.fed == 0)
		c->deadline = now_ms(c->admin) + (c->http.routes ? REQUEST_MS : LINGER_MS);
	if (admin_http_feed(&c->http, span_of(bytes->base, (size_t)n)) != ADMIN_ANSWERED)
		return;
	client_answer(c);
}

/* ---- all connections ---- */

/* It has had a response, and a client that needs another connects again. */
static bool is_idle(const struct client *c)
{
	return (c->state == CLIENT_READING || c->state == CLIENT_PAUSED) && c->http.requests > 0 && c->http.fed == 0;
}

/* Its request is not there, in whole: who has not asked in time yields to who may be about to. */
static bool is_asking(const struct client *c)
{
	return c->state == CLIENT_READING || c->state == CLIENT_PAUSED;
}

/* Its answer left, and all that is waited for is that it hangs up. */
static bool is_lingering(const struct client *c)
{
	return c->state == CLIENT_LINGERING;
}

static struct client *oldest(struct admin *a, bool (*is)(const struct client *c))
{
	for (struct list *l = a->clients.next; l != &a->clients; l = l->next) {
		struct client *c = list_entry(l, struct client, link);

		if (is(c))
			return c;
	}
	return NULL;
}

static bool make_room(struct admin *a)
{
	static bool (*const in_turn[])(const struct client *c) = { is_idle, is_asking, is_lingering };

	for (size_t i = 0; i < sizeof(in_turn) / sizeof(in_turn[0]); i++) {
		struct client *c = oldest(a, in_turn[i]);

		if (c) {
			client_close(c);
			return true;
		}
	}
	return false;
}

static int client_init(struct admin *a, struct client *c)
{
	return a->address.at.family ? uv_tcp_init(a->timer.loop, &c->tcp) : uv_pipe_init(a->timer.loop, &c->pipe, 0);
}

static enum admin_reach reach_of(const struct admin_address *address)
{
	return address->at.family == 0 ? ADMIN_UNIX : admin_address_is_loopback(address) ? ADMIN_LOOPBACK : ADMIN_ANYWHERE;
}

static void client_new(struct admin *a)
{
	struct client *c = calloc(1, sizeof(*c));
	bool refused;

	a->turns -= a->turns > 0;
	if (!c || client_init(a, c) < 0) { /* it waits in libuv, and is tried again at the next tick */
		free(c);
		a->held = true;
		return;
	}
	refused = a->client_count >= SERVED_MAX && !make_room(a);
	a->refused += refused;
	c->admin = a;
	c->handle.data = c;
	admin_http_init(&c->http, refused ? NULL : &a->routes, reach_of(&a->address));
	list_add_last(&a->clients, &c->link);
	a->client_count++;
	if (uv_accept(&a->listener.stream, &c->stream) < 0 || a->client_count > CLIENTS_MAX)
		client_close(c);
	else
		client_read(c, CLIENT_READING, refused ? LINGER_MS : REQUEST_MS);
}

static void on_timer(uv_timer_t *timer)
{
	struct admin *a = timer->data;
	struct list *next;

	a->turns = TURNS_PER_TICK;
	for (struct list *l = a->clients.next; l != &a->clients; l = next) {
		struct client *c = list_entry(l, struct client, link);

		next = l->next;
		if (now_ms(a) >= c->deadline && c->state == CLIENT_READING && c->http.fed > 0) {
			admin_http_refuse(&c->http, c->http.routes ? 408 : 503);
			client_answer(c);
		} else if (now_ms(a) >= c->deadline) {
			client_close(c);
		} else if (c->state == CLIENT_PAUSED) {
			client_read(c, CLIENT_READING, c->deadline - now_ms(a));
		}
	}
	if (a->held) {
		a->held = false;
		client_new(a);
	} else if (a->client_count == 0) {
		uv_timer_stop(&a->timer); /* no peer is there: nothing wakes us */
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct admin *a = listener->data;

	if (status < 0)
		return;
	if (!uv_is_active((uv_handle_t *)&a->timer)) {
		a->turns = TURNS_PER_TICK;
		uv_timer_start(&a->timer, on_timer, TICK_MS, TICK_MS);
	}
	if (a->turns == 0)
		a->held = true;
	else
		client_new(a);
}

int admin_start(struct admin *a, uv_loop_t *loop, const struct admin_routes *routes)
{
	int err;

	a->routes = *routes;
	uv_timer_init(loop, &a->timer);
	a->timer.data = a;
	a->started = true;
	if (a->address.at.family) {
		uv_tcp_init(loop, &a->listener.tcp);
		err = uv_tcp_open(&a->listener.tcp, a->fd);
	} else {
		uv_pipe_init(loop, &a->listener.pipe, 0);
		err = uv_pipe_open(&a->listener.pipe, a->fd);
	}
	a->listener.handle.data = a;
	if (err < 0)
		return err;
	a->fd = -1;
	return uv_listen(&a->listener.stream, BACKLOG, on_connection);
}

uint64_t admin_responses(const struct admin *a)
{
	return a ? a->responses : 0;
}

uint64_t admin_refused(const struct admin *a)
{
	return a ? a->refused : 0;
}

void admin_close(struct admin *a)
{
	if (!a || !a->started)
		return;
	a->started = false;
	while (!list_is_empty(&a->clients))
		client_close(list_entry(a->clients.next, struct client, link));
	uv_close(&a->listener.handle, NULL);
	uv_close((uv_handle_t *)&a->timer, NULL);
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}
