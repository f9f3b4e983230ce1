/*
 * channel.c - see channel.h
 *
 * Theory of operation: our own non-blocking socket under a uv_poll_t rather
 * than a uv_tcp_t. That way send() can be told MSG_NOSIGNAL (uv_tcp_t writes
 * with write(), so a shadow that closes would raise SIGPIPE), a write is tried
 * at once and only what did not fit waits for the socket, the idle check is a
 * recv() away, and the next address is a new socket and nothing else.
 *
 *     CLOSED -> RESOLVING -> CONNECTING -> SECURING -> OPEN
 *                                ^  |
 *                     next address--+
 *
 * Every state leads to CLOSED, and only the client closes: a channel that cannot
 * be opened says why (on_failed) and stays as it is. After on_open(), on_failed()
 * and on_ready() the client may have closed the channel and begun anew, so
 * nothing here touches it after them.
 *
 * connect_timeout_ns covers lookup and connect; what is left of it is divided among
 * the addresses that are left, so that a dead first address leaves time for the
 * second. attempt_deadline is watched by the owner of the list of those that are
 * opening, and channel_attempt_expired() says what follows from it.
 *
 * TLS, if the target wants it, sits between this file and the socket. The
 * handshake is part of connecting: it has what is left of connect_timeout_ns, and a
 * failure in it is failed.tls and a failure to connect, for the breaker and the
 * resolver, too. So is a TLS 1.3 server's late word that it does not want our
 * certificate: is_accepted tells it from an ordinary end.
 */
#include "replay/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/socket.h"

struct channel_watch {
	uv_poll_t poll;
	struct channel *channel; /* NULL once closed */
};

static const char *state_name(enum channel_state s)
{
	switch (s) {
	case CHANNEL_CLOSED:
		return "closed";
	case CHANNEL_RESOLVING:
		return "resolving";
	case CHANNEL_CONNECTING:
		return "connecting";
	case CHANNEL_SECURING:
		return "securing";
	case CHANNEL_OPEN:
		return "open";
	}
	return "?";
}

static void set_state(struct channel *c, enum channel_state next)
{
	bool opening = next == CHANNEL_RESOLVING || next == CHANNEL_CONNECTING || next == CHANNEL_SECURING;

	if (log_enabled(LOG_DEBUG))
		log_debug("conn %u: %s -> %s", c->id, state_name(c->state), state_name(next));
	if (!opening)
		list_remove(&c->opening);
	else if (list_is_empty(&c->opening))
		list_add_last(c->env->opening, &c->opening);
	c->state = next;
}

void channel_init(struct channel *c, const struct channel_env *env, uint32_t id)
{
	*c = (struct channel){ .env = env, .id = id, .fd = -1 };
	list_init(&c->opening);
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/** close_socket() - end the socket, if there is one; the state is the caller's */
static void close_socket(struct channel *c)
{
	if (c->is_known)
		self_connections_remove(c->env->self_connections, c->ticket, mono_now());
	c->is_known = false;
	if (!c->watch)
		return;
	tls_client_free(c->tls);
	c->tls = NULL;
	c->watch->channel = NULL;
	uv_close((uv_handle_t *)&c->watch->poll, on_watch_closed); /* lets go of the descriptor at once */
	c->watch = NULL;
	close(c->fd);
	c->fd = -1;
	counter_sub(&c->env->stats->open_connections, 1);
}

void channel_close(struct channel *c)
{
	close_socket(c);
	set_state(c, CHANNEL_CLOSED);
}

/** fail_errno() - the system refused something: @kind, with its name for @err as detail */
static void fail_errno(struct channel *c, enum outcome_kind kind, int err)
{
	c->env->on_failed(c, kind, uv_err_name(-err));
}

/* ---- reading ---- */

/** note_accepted() - the connection is open for both sides; once */
static void note_accepted(struct channel *c)
{
	if (c->is_accepted)
		return;
	c->is_accepted = true;
	c->env->on_accepted(c);
}

static ssize_t receive(struct channel *c)
{
	ssize_t n;

	if (c->tls)
		return tls_client_read(c->tls, c->env->scratch, c->env->scratch_size);
	do
		n = recv(c->fd, c->env->scratch, c->env->scratch_size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t channel_read(struct channel *c, struct span *out)
{
	ssize_t n = receive(c);

	if (n > 0) {
		*out = span_of(c->env->scratch, (size_t)n);
		note_accepted(c);
	}
	return n;
}

bool channel_has_more(const struct channel *c)
{
	return c->tls && tls_client_has_more(c->tls);
}

bool channel_is_silent(struct channel *c)
{
	uint8_t byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return true;
	return n > 0 && channel_took_in(c);
}

bool channel_took_in(struct channel *c)
{
	return c->tls && tls_client_is_quiet(c->tls);
}

/* ---- writing ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

/** watch_for() - have libuv call for @events; a change costs system calls, so none is made without one */
static int watch_for(struct channel *c, int events)
{
	if (c->watched == events)
		return 0;
	c->watched = events;
	return uv_poll_start(&c->watch->poll, events, on_ready);
}

/** send_plain() - one sendmsg() of @head and @body; bytes, or negative errno */
static ssize_t send_plain(struct channel *c, struct span head, struct span body)
{
	struct iovec pieces[2];
	struct msghdr msg = { .msg_iov = pieces };
	ssize_t n;

	if (head.len > 0)
		pieces[msg.msg_iovlen++] = (struct iovec){ (void *)head.at, head.len };
	if (body.len > 0)
		pieces[msg.msg_iovlen++] = (struct iovec){ (void *)body.at, body.len };
	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/**
 * send_secured() - the same as one TLS record
 *
 * A head and a body that fit are put into one: two would be two writes, two packets, and two decryptions. What
 * comes out depends on what is left of the two alone, as tls_client_write() wants it when it is called again.
 */
static ssize_t send_secured(struct channel *c, struct span head, struct span body)
{
	if (head.len == 0)
		return tls_client_write(c->tls, body.at, body.len);
	if (body.len == 0 || head.len >= CHANNEL_RECORD)
		return tls_client_write(c->tls, head.at, head.len);
	span_truncate(&body, CHANNEL_RECORD - head.len);
	memcpy(c->env->scratch, head.at, head.len);
	memcpy(c->env->scratch + head.len, body.at, body.len);
	return tls_client_write(c->tls, c->env->scratch, head.len + body.len);
}

ssize_t channel_write(struct channel *c, struct span head, struct span body)
{
	return c->tls ? send_secured(c, head, body) : send_plain(c, head, body);
}

int channel_wait_readable(struct channel *c)
{
	return watch_for(c, UV_READABLE);
}

int channel_wait_writable(struct channel *c)
{
	bool writable = !c->tls || tls_client_wants_write(c->tls);

	return watch_for(c, UV_READABLE | (writable ? UV_WRITABLE : 0));
}

/* ---- connecting ---- */

/** make_known() - lanes must know both ends before the first byte of a request is sent */
static void make_known(struct channel *c, struct mono now)
{
	struct endpoint here;

	if (!socket_ends(c->fd, &here, &c->peer))
		return; /* no packets to be known by, or reset already */
	self_connections_add(c->env->self_connections, &here, &c->peer, now, &c->ticket);
	c->is_known = true;
}

/** start_connect() - a socket, connecting to @address; 0 or negative errno, nothing left open then */
static int start_connect(struct channel *c, const struct sockaddr_storage *address)
{
	struct channel_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	c->fd = socket_connect(address);
	r = c->fd < 0 ? c->fd : uv_poll_init(c->env->loop, &w->poll, c->fd);
	if (r < 0) {
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
		free(w);
		return r;
	}
	w->channel = c;
	w->poll.data = w;
	c->watch = w;
	c->watched = 0;
	counter_add(&c->env->stats->open_connections, 1);
	r = watch_for(c, UV_WRITABLE);
	if (r < 0)
		close_socket(c);
	return r;
}

/** connect_next() - try the addresses that are left; @err is why the last one failed */
static void connect_next(struct channel *c, struct mono now, int err)
{
	const struct addresses *a = resolver_addresses(c->env->resolver);
	struct mono limit = { c->began.ns + c->env->connect_timeout_ns };

	close_socket(c);
	while (c->tried < a->count) {
		c->address = (resolver_preferred(c->env->resolver) + c->tried) % a->count;
		c->attempt_deadline.ns = now.ns + (limit.ns - now.ns) / (int64_t)(a->count - c->tried);
		c->tried++;
		c->attempt_at = now;
		err = -start_connect(c, &a->at[c->address]);
		if (err == 0) {
			set_state(c, CHANNEL_CONNECTING);
			return;
		}
	}
	fail_errno(c, OUTCOME_FAILED_CONNECT, err);
}

/** opened() - connected, and secured if that is wanted */
static void opened(struct channel *c)
{
	c->opened_at = mono_now();
	c->open_ns = c->opened_at.ns - c->attempt_at.ns;
	counter_add(&c->env->stats->connects, 1);
	resolver_prefer(c->env->resolver, c->address);
	set_state(c, CHANNEL_OPEN);
	if (!c->tls || tls_client_is_accepted(c->tls))
		note_accepted(c);
	c->env->on_open(c);
}

/** end_insecure() - the handshake failed; the next exchange begins at another address, if there is one */
static void end_insecure(struct channel *c, int err)
{
	size_t count = resolver_addresses(c->env->resolver)->count;

	if (count > 1)
		resolver_prefer(c->env->resolver, (c->address + 1) % count);
	if (err == EPROTO)
		c->env->on_failed(c, OUTCOME_FAILED_TLS, tls_client_failure(c->tls));
	else if (err == ENODATA)
		c->env->on_failed(c, OUTCOME_FAILED_TLS, "EOF in the handshake");
	else
		fail_errno(c, OUTCOME_FAILED_TLS, err);
}

static void shake_hands(struct channel *c)
{
	int r = tls_client_handshake(c->tls);

	if (r == 0) {
		opened(c);
		return;
	}
	if (r == -EAGAIN)
		r = watch_for(c, tls_client_wants_write(c->tls) ? UV_WRITABLE : UV_READABLE);
	if (r < 0)
		end_insecure(c, -r);
}

static void start_tls(struct channel *c)
{
	c->tls = tls_client_new(c->env->tls, c->fd);
	if (!c->tls) {
		fail_errno(c, OUTCOME_FAILED_CONNECT, ENOMEM);
		return;
	}
	c->attempt_deadline.ns = c->began.ns + c->env->connect_timeout_ns;
	set_state(c, CHANNEL_SECURING);
	shake_hands(c);
}

/** connected_or_next() - connect() is decided */
static void connected_or_next(struct channel *c)
{
	struct mono now = mono_now();
	int err = socket_error(c->fd);

	if (err != 0) {
		connect_next(c, now, err);
		return;
	}
	make_known(c, now);
	if (c->env->tls)
		start_tls(c);
	else
		opened(c);
}

/** open_or_wait() - begin to connect, if there is an address; @waited: a lookup has just ended */
static void open_or_wait(struct channel *c, struct mono now, bool waited)
{
	struct resolver *r = c->env->resolver;

	if (resolver_addresses(r)->count > 0) {
		connect_next(c, now, ECANCELED);
		return;
	}
	if (!waited)
		resolver_refresh(r, now);
	if (resolver_is_pending(r)) {
		c->attempt_deadline.ns = c->began.ns + c->env->connect_timeout_ns;
		set_state(c, CHANNEL_RESOLVING);
		return;
	}
	c->env->on_failed(c, OUTCOME_FAILED_DNS, resolver_failure(r));
}

/* ---- events ---- */

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct channel_watch *w = poll->data;
	struct channel *c = w->channel;

	if (!c)
		return;
	switch (c->state) {
	case CHANNEL_CLOSED:
	case CHANNEL_RESOLVING:
		break; /* no socket, so no event */
	case CHANNEL_CONNECTING:
		connected_or_next(c);
		break;
	case CHANNEL_SECURING:
		shake_hands(c); /* an error that is pending, it finds by itself */
		break;
	case CHANNEL_OPEN:
		c->env->on_ready(c, status, events);
		break;
	}
}

void channel_open(struct channel *c, struct mono now, struct mono deadline)
{
	c->began = now;
	c->exchange_deadline = deadline;
	c->opened_at.ns = 0;
	c->tried = 0;
	c->is_accepted = false;
	open_or_wait(c, now, false);
}

void channel_resolved(struct channel *c, struct mono now)
{
	open_or_wait(c, now, true);
}

void channel_attempt_expired(struct channel *c, struct mono now)
{
	if (c->state == CHANNEL_CONNECTING)
		connect_next(c, now, ETIMEDOUT);
	else if (c->state == CHANNEL_SECURING)
		end_insecure(c, ETIMEDOUT);
	else
		c->env->on_failed(c, OUTCOME_FAILED_DNS, "lookup took too long");
}

const char *channel_doing(const struct channel *c)
{
	switch (c->state) {
	case CHANNEL_RESOLVING:
		return "looking up the name";
	case CHANNEL_CONNECTING:
		return "connecting";
	case CHANNEL_SECURING:
		return "in the TLS handshake";
	case CHANNEL_CLOSED:
	case CHANNEL_OPEN:
		break;
	}
	return NULL;
}
