/* fault_server.c - see fault_server.h */
#include "tests/rig/fault_server.h"
#include "tests/rig/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define REQUEST_MAX (20u << 20)
#define STOP_POLL_MS 20

struct connection {
	struct fault_server *server;
	const struct fault_step *script;
	int fd;
	SSL *ssl; /* NULL: plain, so far */
	bool is_quiet;
	pthread_t thread;
	struct connection *next;
};

struct fault_server {
	const struct fault_step *const *scripts;
	SSL_CTX *ctx; /* NULL: a server without TLS */
	int fd;
	uint16_t port;
	pthread_t thread;
	struct connection *connections;
	atomic_bool stopping;
	atomic_uint accepted, requests, secured, resumed;
	atomic_uint busy; /* connections that are at work: not over, and not waiting for the peer */
	pthread_mutex_t lock; /* guards last */
	char *last;
	size_t last_len;
};

static void sleep_ms(struct fault_server *s, size_t ms)
{
	/* In slices, so that a stopped server ends soon. */
	for (size_t done = 0; done < ms && !atomic_load(&s->stopping); done += STOP_POLL_MS) {
		size_t slice = ms - done < STOP_POLL_MS ? ms - done : STOP_POLL_MS;
		struct timespec ts = { 0, (long)slice * 1000000 };

		nanosleep(&ts, NULL);
	}
}

/** ready() - wait for @events; false when the server is to stop */
static bool ready(struct fault_server *s, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	while (!atomic_load(&s->stopping))
		if (poll(&p, 1, STOP_POLL_MS) > 0)
			return true;
	return false;
}

static bool send_all(struct connection *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n;

		if (!ready(c->server, c->fd, POLLOUT))
			return false;
		if (c->ssl) /* blocks until it is all sent, or the peer is gone */
			return SSL_write(c->ssl, bytes, (int)len) == (int)len;
		n = send(c->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return true;
}

static void set_quiet(struct connection *c, bool quiet)
{
	if (quiet && !c->is_quiet)
		atomic_fetch_sub(&c->server->busy, 1);
	else if (!quiet && c->is_quiet)
		atomic_fetch_add(&c->server->busy, 1);
	c->is_quiet = quiet;
}

static bool await_peer(struct connection *c)
{
	bool comes;

	set_quiet(c, true);
	comes = ready(c->server, c->fd, POLLIN);
	set_quiet(c, false);
	return comes;
}

static ssize_t receive(struct connection *c, char *at, size_t room)
{
	if ((!c->ssl || SSL_pending(c->ssl) == 0) && !await_peer(c))
		return -1;
	return c->ssl ? SSL_read(c->ssl, at, (int)room) : recv(c->fd, at, room, 0);
}

static bool flood(struct connection *c, size_t n)
{
	static char piece[65536];

	memset(piece, 'x', sizeof(piece));
	for (; n > 0; n -= n < sizeof(piece) ? n : sizeof(piece))
		if (!send_all(c, piece, n < sizeof(piece) ? n : sizeof(piece)))
			return false;
	return true;
}

static bool drip(struct connection *c, const char *text, size_t ms)
{
	for (; *text; text++) {
		if (!send_all(c, text, 1))
			return false;
		sleep_ms(c->server, ms);
	}
	return true;
}

static bool hold(struct connection *c)
{
	char away[65536];

	while (receive(c, away, sizeof(away)) > 0)
		;
	return false;
}

static void keep_last(struct fault_server *s, char *request, size_t len)
{
	pthread_mutex_lock(&s->lock);
	free(s->last);
	s->last = request;
	s->last_len = len;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->requests, 1);
}

/** read_head() - byte by byte: slow, and it never takes a byte of the body */
static ssize_t read_head(struct connection *c, char *request)
{
	size_t len = 0;

	while (len < HEAD_MAX) {
		if (receive(c, request + len, 1) <= 0)
			return -1;
		len++;
		if (len >= 4 && memcmp(request + len - 4, "\r\n\r\n", 4) == 0)
			return (ssize_t)len;
	}
	return -1;
}

static bool read_request(struct connection *c, bool with_body)
{
	char *request = malloc(HEAD_MAX + 1), *grown, *field;
	ssize_t head;
	size_t len, want;

	if (!request)
		return false;
	head = read_head(c, request);
	if (head < 0 || !with_body) {
		free(request);
		return head >= 0;
	}
	request[head] = '\0';
	field = strcasestr(request, "\r\ncontent-length:");
	len = (size_t)head;
	want = len + (field ? strtoul(field + strlen("\r\ncontent-length:"), NULL, 10) : 0);
	grown = want <= REQUEST_MAX ? realloc(request, want) : NULL;
	if (!grown) {
		free(request);
		return false;
	}
	request = grown;
	while (len < want) {
		ssize_t n = receive(c, request + len, want - len);

		if (n <= 0) {
			free(request);
			return false;
		}
		len += (size_t)n;
	}
	keep_last(c->server, request, len);
	return true;
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static bool shake_hands(struct connection *c)
{
	if (c->ssl)
		return true;
	c->ssl = SSL_new(c->server->ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_accept(c->ssl) != 1)
		return false;
	atomic_fetch_add(&c->server->secured, 1);
	if (SSL_session_reused(c->ssl))
		atomic_fetch_add(&c->server->resumed, 1);
	return true;
}

/** send_ticket() - TLS 1.3 only; of what is asked for, SSL_do_handshake() is what sends it */
static bool send_ticket(struct connection *c)
{
	return SSL_new_session_ticket(c->ssl) == 1 && SSL_do_handshake(c->ssl) == 1;
}

static bool update_keys(struct connection *c)
{
	return SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(c->ssl) == 1;
}

static bool do_step(struct connection *c, const struct fault_step *step)
{
	switch (step->op) {
	case FAULT_END:
		return false;
	case FAULT_READ_REQUEST:
		return read_request(c, true);
	case FAULT_READ_HEAD:
		return read_request(c, false);
	case FAULT_SEND:
		return send_all(c, step->text, strlen(step->text));
	case FAULT_FLOOD:
		return flood(c, step->n);
	case FAULT_DRIP:
		return drip(c, step->text, step->n);
	case FAULT_DELAY:
		sleep_ms(c->server, step->n);
		return true;
	case FAULT_HOLD:
		return hold(c);
	case FAULT_RESET:
		reset(c->fd);
		return false;
	case FAULT_AGAIN:
		return true;
	case FAULT_TLS:
		return shake_hands(c);
	case FAULT_TICKET:
		return send_ticket(c);
	case FAULT_KEY_UPDATE:
		return update_keys(c);
	case FAULT_GOODBYE:
		return !c->ssl || SSL_shutdown(c->ssl) >= 0;
	case FAULT_SEND_PLAIN:
		return send(c->fd, step->text, strlen(step->text), MSG_NOSIGNAL) > 0;
	}
	return false;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	const struct fault_step *step = c->script;
	sigset_t pipe;

	/* OpenSSL writes with write(). Only this thread is deaf: the client's has to do without the signal. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	while (do_step(c, step))
		step = step->op == FAULT_AGAIN ? c->script : step + 1;
	if (c->ssl) /* without it, SSL_free() would spoil the session of a connection that ended without goodbye
		     */
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	close(c->fd);
	set_quiet(c, true);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct fault_server *s = arg;
	const struct fault_step *const *script = s->scripts;
	int one = 1;

	while (ready(s, s->fd, POLLIN)) {
		struct connection *c = calloc(1, sizeof(*c));

		if (!c)
			return NULL;
		c->server = s;
		c->fd = accept(s->fd, NULL, NULL);
		c->script = *script;
		if (c->fd < 0 ||
		    (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)),
		     atomic_fetch_add(&s->accepted, 1), atomic_fetch_add(&s->busy, 1),
		     pthread_create(&c->thread, NULL, serve, c)) != 0) {
			free(c);
			continue;
		}
		c->next = s->connections;
		s->connections = c;
		if (script[1])
			script++;
	}
	return NULL;
}

static int bind_loopback(int family, uint16_t *port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	socklen_t len = family == 6 ? sizeof(*in6) : sizeof(*in);
	int fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (family == 6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_addr = in6addr_loopback;
	} else {
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	*port = ntohs(family == 6 ? in6->sin6_port : in->sin_port);
	return fd;
}

static struct fault_server *start_on(int fd, uint16_t port, const struct fault_step *const *scripts,
				     SSL_CTX *ctx)
{
	struct fault_server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->scripts = scripts;
	s->ctx = ctx;
	pthread_mutex_init(&s->lock, NULL);
	s->fd = fd;
	s->port = port;
	assert_int_equal(listen(s->fd, 128), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, accept_all, s), 0);
	return s;
}

struct fault_server *fault_server_start(int family, const struct fault_step *const *scripts)
{
	uint16_t port;
	int fd = bind_loopback(family, &port);

	return start_on(fd, port, scripts, NULL);
}

struct fault_server *fault_server_start_tls(const struct fault_step *const *scripts, SSL_CTX *ctx)
{
	uint16_t port;
	int fd = bind_loopback(4, &port);

	return start_on(fd, port, scripts, ctx);
}

struct fault_server *fault_server_start_unix(const char *path, const struct fault_step *const *scripts)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(un.sun_path));
	strcpy(un.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return start_on(fd, 0, scripts, NULL);
}

uint16_t fault_server_port(const struct fault_server *s)
{
	return s->port;
}

unsigned fault_server_connections(const struct fault_server *s)
{
	return atomic_load(&((struct fault_server *)s)->accepted);
}

unsigned fault_server_secured(const struct fault_server *s)
{
	return atomic_load(&((struct fault_server *)s)->secured);
}

unsigned fault_server_resumed(const struct fault_server *s)
{
	return atomic_load(&((struct fault_server *)s)->resumed);
}

unsigned fault_server_requests(const struct fault_server *s)
{
	return atomic_load(&((struct fault_server *)s)->requests);
}

bool fault_server_is_quiet(const struct fault_server *s)
{
	return atomic_load(&((struct fault_server *)s)->busy) == 0;
}

size_t fault_server_last(struct fault_server *s, char *out, size_t size)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->last_len < size ? s->last_len : size;
	if (n > 0)
		memcpy(out, s->last, n);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void fault_server_stop(struct fault_server *s)
{
	atomic_store(&s->stopping, true);
	pthread_join(s->thread, NULL);
	while (s->connections) {
		struct connection *c = s->connections;

		s->connections = c->next;
		pthread_join(c->thread, NULL);
		free(c);
	}
	close(s->fd);
	pthread_mutex_destroy(&s->lock);
	free(s->last);
	free(s);
}

uint16_t fault_refusing_port(int *fd)
{
	uint16_t port;

	*fd = bind_loopback(4, &port); /* bound, so that nobody else gets it, and not listening */
	return port;
}

uint16_t fault_silent_port(int fds[FAULT_SILENT_FDS])
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint16_t port;

	fds[0] = bind_loopback(4, &port);
	assert_int_equal(listen(fds[0], 0), 0);
	in.sin_port = htons(port);
	/* Nobody accepts: once the backlog is full, the kernel drops every further SYN. */
	for (int i = 1; i < FAULT_SILENT_FDS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		connect(fds[i], (struct sockaddr *)&in, sizeof(in));
	}
	return port;
}
