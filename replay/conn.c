/*
 * conn.c - see conn.h
 *
 * Theory of operation: our own non-blocking socket under a uv_poll_t rather
 * than a uv_tcp_t. That way send() can be told MSG_NOSIGNAL (uv_tcp_t writes
 * with write(), so a shadow that closes would raise SIGPIPE), a write is tried
 * at once and only what did not fit waits for the socket, the idle check is a
 * recv() away, and the next address is a new socket and nothing else.
 *
 *     CLOSED -> RESOLVING -> CONNECTING -> SECURING -> SENDING -> WAITING -> IDLE
 *                                ^  |                     ^                    |
 *                     next address--+                     +--------------------+
 *
 * Every state leads to CLOSED. A message that was given to conn_begin() leaves
 * through conn_end(), in one place and once. After conn_end() the target may
 * have begun another exchange on the same object, so nothing touches the
 * connection after it; a loop that must know compares the watch, which is
 * never reused before libuv's next turn.
 *
 * Deadlines: the exchange as a whole has max_time from conn_begin(); beyond it
 * the outcome is a timeout, wherever the time went. connect_timeout, when it is
 * shorter, covers lookup and connect; what is left of it is divided among the
 * addresses that are left, so that a dead first address leaves time for the
 * second. When it ends first, the outcome is connect (or dns).
 *
 * TLS, if the target wants it, sits between this file and the socket: receive()
 * and send_some() are the only two places that know. The handshake is part of
 * connecting: it has what is left of connect_timeout, and a failure in it is
 * failed.tls and a failure to connect, for the breaker and the resolver, too.
 * So is a TLS 1.3 server's late word that it does not want our certificate.
 *
 * A connection is kept as long as the server says that it keeps it (Keep-Alive:
 * timeout=N), less what connecting took and KEEP_SLACK_NS: the server's clock
 * began to run when the response left it, our request must have arrived before
 * it ends, and servers' timers are coarse. Where the server does not say, it is
 * KEEP_UNTOLD_NS: of those in use gunicorn has the shortest time, 2 s, and its
 * workers of uvicorn's with it; uvicorn, Node and Apache have 5 s. At one
 * request in that time a new connection costs nobody anything, while one that
 * is used too long loses a request, since nothing is sent twice.
 *
 * What remains is a reason of its own, stale: on a connection that was used
 * before, the end or a reset comes before any byte of a response. It says
 * nothing about the shadow's model, so it must not hide what does: a server that
 * had the request and died of it. No server's patience ends within
 * STALE_IDLE_NS, so a connection that was busy until a moment ago ends for
 * another reason. And one that was closed before shows it within the time of
 * the way there and back; what takes longer than twice that (or the quickest
 * response that this connection has seen) and STALE_SLACK_NS is a reset like
 * any other. Some servers say 408 before they close an idle connection; that is
 * no response to a request that passed it on the way, but stale too.
 *
 * Where a response's end is told by the end of the connection, only the TLS word
 * for it (close_notify) counts: without it the response may be cut, and the
 * outcome is a reset.
 */
#include "replay/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "replay/http1_head.h"
#include "replay/socket.h"

/* A turn of the loop reads at most so many full TLS records from one connection: 64 KiB, as much as plain. */
#define RECORDS_PER_TURN 4
#define TLS_CHUNK 16384

#define KEEP_UNTOLD_NS (1500 * NS_PER_MS)
#define KEEP_MAX_NS    (60 * NS_PER_S) /* whatever the server says: what lies between forgets idle connections too */
#define KEEP_SLACK_NS  (500 * NS_PER_MS)
#define STALE_IDLE_NS  (400 * NS_PER_MS)
#define STALE_SLACK_NS (250 * NS_PER_MS) /* machines are busy */

struct watch {
	uv_poll_t poll;
	struct conn *conn; /* NULL once closed */
};

static const char *state_name(enum conn_state s)
{
	switch (s) {
	case CONN_CLOSED:
		return "closed";
	case CONN_RESOLVING:
		return "resolving";
	case CONN_CONNECTING:
		return "connecting";
	case CONN_SECURING:
		return "securing";
	case CONN_SENDING:
		return "sending";
	case CONN_WAITING:
		return "waiting";
	case CONN_IDLE:
		return "idle";
	}
	return "?";
}

static void set_state(struct conn *c, enum conn_state next)
{
	bool opening = next == CONN_RESOLVING || next == CONN_CONNECTING || next == CONN_SECURING;

	if (log_enabled(LOG_DEBUG))
		log_debug("conn %u: %s -> %s", c->id, state_name(c->state), state_name(next));
	if (!opening)
		list_remove(&c->opening);
	else if (list_is_empty(&c->opening))
		list_add_last(c->env->opening, &c->opening);
	c->state = next;
}

struct conn *conn_new(const struct conn_env *env, uint32_t id)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->env = env;
	c->id = id;
	c->fd = -1;
	list_init(&c->busy);
	list_init(&c->opening);
	return c;
}

void conn_free(struct conn *c)
{
	if (!c)
		return;
	buffer_deinit(&c->head);
	response_parser_deinit(&c->response);
	free(c);
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/** close_socket() - end the socket, if there is one; the state is the caller's business */
static void close_socket(struct conn *c)
{
	if (c->is_known)
		self_connections_remove(c->env->self_connections, c->self_connections_ticket, mono_now());
	c->is_known = false;
	if (!c->watch)
		return;
	tls_free(c->tls);
	c->tls = NULL;
	c->watch->conn = NULL;
	uv_close((uv_handle_t *)&c->watch->poll, on_watch_closed); /* lets go of the descriptor at once */
	c->watch = NULL;
	close(c->fd);
	c->fd = -1;
	counter_sub(&c->env->stats->open_connections, 1);
}

static int64_t us_between(struct mono from, struct mono to)
{
	return (to.ns - from.ns) / NS_PER_US;
}

/** is_connected() - did this exchange get a connection, seen from its end? */
static bool is_connected(const struct conn *c, enum outcome_kind kind)
{
	if (!c->is_accepted && (kind == OUTCOME_FAILED_TLS || kind == OUTCOME_FAILED_RESET))
		return false;
	return c->connected_at.ns != 0;
}

static struct outcome make_outcome(const struct conn *c, enum outcome_kind kind, const char *detail, struct mono now)
{
	struct outcome o = {
		.kind = kind,
		.status_code = c->response.status_code,
		.connect_us = -1,
		.idle_us = c->was_open ? us_between(c->idle_since, c->began) + 1 : 0,
		.first_byte_us = -1,
		.total_us = us_between(c->began, now),
		.detail = detail,
	};

	if (c->was_open)
		o.connect_us = 0;
	else if (is_connected(c, kind))
		o.connect_us = us_between(c->began, c->connected_at);
	if (c->first_byte_at.ns && c->sent_at.ns) /* a response may begin before the request's end: then 0 */
		o.first_byte_us =
			c->first_byte_at.ns > c->sent_at.ns ? us_between(c->sent_at, c->first_byte_at) : 0;
	else if (c->first_byte_at.ns)
		o.first_byte_us = 0;
	return o;
}

/** us_since_sent() - since the request's last byte; 0 before that */
static int64_t us_since_sent(const struct conn *c, struct mono now)
{
	return c->sent_at.ns && now.ns > c->sent_at.ns ? us_between(c->sent_at, now) : 0;
}

/** take_response() - what was kept of the response that ends now */
static struct response *take_response(struct conn *c, struct mono now)
{
	struct response *r = response_parser_take(&c->response);

	if (!r)
		return NULL;
	r->first_byte_us = us_since_sent(c, c->first_byte_at);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = us_since_sent(c, now);
	return r;
}

/** keep_until() - the exchange ended well: for how long may the connection carry another? */
static void keep_until(struct conn *c, struct mono now)
{
	int64_t keep_ns = KEEP_UNTOLD_NS;

	if (c->response.keep_s >= 0)
		keep_ns = c->response.keep_s * NS_PER_S - c->open_ns - KEEP_SLACK_NS;
	if (keep_ns > KEEP_MAX_NS)
		keep_ns = KEEP_MAX_NS;
	c->idle_since = now;
	c->usable_until.ns = now.ns + keep_ns;
	if (c->first_byte_at.ns - c->sent_at.ns < c->quickest_ns)
		c->quickest_ns = c->first_byte_at.ns - c->sent_at.ns;
}

/** conn_end() - the one way out of an exchange; @c must not be touched after it */
static void conn_end(struct conn *c, enum outcome_kind kind, const char *detail, bool keep)
{
	struct mono now = outcome_is_answered(kind) ? c->heard_at : mono_now();
	struct outcome o = make_outcome(c, kind, detail, now);
	struct message *m = c->message;

	if (outcome_is_answered(kind))
		o.response = take_response(c, now);
	else
		response_free(response_parser_take(&c->response));
	c->message = NULL;
	if (keep)
		keep_until(c, now);
	if (keep && c->usable_until.ns > now.ns) {
		set_state(c, CONN_IDLE);
	} else {
		close_socket(c);
		set_state(c, CONN_CLOSED);
	}
	c->env->on_ended(c->env->ctx, c, m, &o);
}

/** end_errno() - the system refused something: @kind, with its name for @err as detail */
static void end_errno(struct conn *c, enum outcome_kind kind, int err)
{
	conn_end(c, kind, uv_err_name(-err), false);
}

/** was_closing() - the connection was kept, and its end comes as it does if the server ended it before it had the request */
static bool was_closing(const struct conn *c)
{
	int64_t back_ns = c->open_ns > c->quickest_ns ? c->open_ns : c->quickest_ns;
	struct mono since = c->sent_at.ns ? c->sent_at : c->began;

	return c->was_open && c->began.ns - c->idle_since.ns >= STALE_IDLE_NS &&
	       mono_now().ns - since.ns <= 2 * back_ns + STALE_SLACK_NS;
}

static bool is_stale(const struct conn *c)
{
	return !c->is_heard && was_closing(c);
}

/** end_answered() - the status is known and the response is over, or long enough */
static void end_answered(struct conn *c)
{
	static const enum outcome_kind by_class[] = { OUTCOME_ANSWERED_2XX, OUTCOME_ANSWERED_3XX,
						      OUTCOME_ANSWERED_4XX, OUTCOME_ANSWERED_5XX };
	int class = c->response.status_code / 100;
	bool keep = c->response.state == RESPONSE_PARSER_WHOLE && c->response.keep_alive && c->state == CONN_WAITING;

	if (c->response.status_code == 408 && !keep && was_closing(c))
		conn_end(c, OUTCOME_FAILED_STALE, "the server gave up an idle connection with status 408", false);
	else if (class < 2 || class > 5)
		conn_end(c, OUTCOME_FAILED_PROTOCOL, "status above 599", false);
	else
		conn_end(c, by_class[class - 2], NULL, keep);
}

/* ---- reading ---- */

enum read_result { READ_MORE, READ_NOTHING, READ_ENDED };

static enum read_result after_feed(struct conn *c, enum response_parser_state s)
{
	switch (s) {
	case RESPONSE_PARSER_HEAD:
	case RESPONSE_PARSER_BODY:
		return READ_MORE;
	case RESPONSE_PARSER_WHOLE:
	case RESPONSE_PARSER_HUGE:
		end_answered(c);
		return READ_ENDED;
	case RESPONSE_PARSER_BAD:
		conn_end(c, OUTCOME_FAILED_PROTOCOL, c->response.detail, false);
		return READ_ENDED;
	}
	return READ_MORE;
}

/** receive() - some bytes into the scratch buffer; 0 at the end, or negative errno, -ENODATA and -EPROTO as in
 * tls.h */
static ssize_t receive(struct conn *c)
{
	ssize_t n;

	if (c->tls)
		return tls_read(c->tls, c->env->scratch, c->env->scratch_size);
	do
		n = recv(c->fd, c->env->scratch, c->env->scratch_size, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/** end_eof() - the server closed; @is_told: in a way that nobody in between can bring about */
static void end_eof(struct conn *c, bool is_told)
{
	if (!is_told && c->response.state == RESPONSE_PARSER_BODY)
		conn_end(c, OUTCOME_FAILED_RESET, "EOF in the answer, without close_notify", false);
	else if (response_parser_eof(&c->response) == RESPONSE_PARSER_WHOLE)
		end_answered(c);
	else
		conn_end(c, is_stale(c) ? OUTCOME_FAILED_STALE : OUTCOME_FAILED_RESET,
			 c->response.begun ? "EOF in the answer" : "EOF before the answer", false);
}

static void end_unreadable(struct conn *c, int err)
{
	if (err == EPROTO && c->tls)
		conn_end(c, OUTCOME_FAILED_TLS, tls_failure(c->tls), false);
	else
		end_errno(c, is_stale(c) ? OUTCOME_FAILED_STALE : OUTCOME_FAILED_RESET, err);
}

/** note_accepted() - the connection is open for both sides; once */
static void note_accepted(struct conn *c)
{
	if (c->is_accepted)
		return;
	c->is_accepted = true;
	c->env->on_connected(c->env->ctx);
}

/** read_response() - one receive(); READ_ENDED: the exchange is over and @c not ours any more */
static enum read_result read_response(struct conn *c)
{
	ssize_t n = receive(c);
	enum response_parser_state s;

	if (n == -EAGAIN || n == -EWOULDBLOCK)
		return READ_NOTHING;
	c->heard_at = mono_now(); /* one look at the clock for all that is measured by it */
	if (n == 0 || (n == -ENODATA && c->tls)) {
		end_eof(c, n == 0);
		return READ_ENDED;
	}
	if (n < 0) {
		end_unreadable(c, (int)-n);
		return READ_ENDED;
	}
	note_accepted(c);
	c->is_heard = true;
	if (c->response.keeping)
		c->response.now_us = us_since_sent(c, c->heard_at);
	s = response_parser_feed(&c->response, span_of(c->env->scratch, (size_t)n));
	if (!c->response.begun)
		c->first_byte_at.ns = 0; /* so far only interim responses */
	else if (!c->first_byte_at.ns)
		c->first_byte_at = c->heard_at;
	return after_feed(c, s);
}

/** read_turn() - what one turn of the loop may read; READ_ENDED as above */
static enum read_result read_turn(struct conn *c)
{
	enum read_result r = read_response(c);

	for (int n = 1; r == READ_MORE && c->tls && tls_has_more(c->tls) && n < RECORDS_PER_TURN; n++)
		r = read_response(c);
	return r;
}

/** read_rest() - the connection broke: what came before may still be a whole response */
static void read_rest(struct conn *c, int err)
{
	enum read_result r;

	do
		r = read_response(c);
	while (r == READ_MORE);
	if (r == READ_NOTHING)
		end_unreadable(c, err);
}

/* ---- writing ---- */

static void on_ready(uv_poll_t *poll, int status, int events);

/** watch_for() - have libuv call for @events; a change costs system calls, so none is made without one */
static int watch_for(struct conn *c, int events)
{
	if (c->watched == events)
		return 0;
	c->watched = events;
	return uv_poll_start(&c->watch->poll, events, on_ready);
}

static struct span body_of(const struct message *m)
{
	return m->body_kept ? span_of(m->body, m->body_len) : span_of(NULL, 0);
}

/** send_plain() - one sendmsg() of @head and @body; bytes, or negative errno */
static ssize_t send_plain(struct conn *c, struct span head, struct span body)
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
 * comes out depends on c->sent alone, as tls_write() wants it when it is asked again.
 */
static ssize_t send_secured(struct conn *c, struct span head, struct span body)
{
	if (head.len == 0)
		return tls_write(c->tls, body.at, body.len);
	if (body.len == 0 || head.len >= TLS_CHUNK)
		return tls_write(c->tls, head.at, head.len);
	span_truncate(&body, TLS_CHUNK - head.len);
	memcpy(c->env->scratch, head.at, head.len);
	memcpy(c->env->scratch + head.len, body.at, body.len);
	return tls_write(c->tls, c->env->scratch, head.len + body.len);
}

/** send_some() - some of what is left of head and body; bytes, or negative errno */
static ssize_t send_some(struct conn *c)
{
	struct span head = buffer_span(&c->head), body = body_of(c->message);
	size_t skip = c->sent;

	if (!span_skip(&head, skip)) {
		span_skip(&body, skip - head.len);
		head.len = 0;
	}
	return c->tls ? send_secured(c, head, body) : send_plain(c, head, body);
}

/** wait_to_send() - until the socket takes more, or gives what TLS needs first */
static void wait_to_send(struct conn *c)
{
	bool writable = !c->tls || tls_wants_write(c->tls);
	int r = watch_for(c, UV_READABLE | (writable ? UV_WRITABLE : 0));

	if (r < 0)
		end_errno(c, OUTCOME_FAILED_RESET, -r);
}

/**
 * send_request() - write on; when the last byte is written, the response is waited for
 *
 * Times of the response count from before the call that took the last byte, never from after it: on a core that
 * the shadow shares, it may have answered before that call returns, and its latency would come out as nothing.
 * A call that took only some of the rest says nothing yet, so the time is kept only once all is written.
 */
static void send_request(struct conn *c)
{
	size_t all = c->head.len + body_of(c->message).len;
	struct mono before = { 0 };
	int r;

	while (c->sent < all) {
		ssize_t n;

		before = mono_now();
		n = send_some(c);
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN || n == -EWOULDBLOCK) {
			wait_to_send(c);
			return;
		}
		if (n < 0) {
			read_rest(c, (int)-n);
			return;
		}
		c->sent += (size_t)n;
		counter_add(&c->env->stats->bytes_sent, (uint64_t)n);
	}
	c->sent_at = before;
	set_state(c, CONN_WAITING);
	r = watch_for(c, UV_READABLE);
	if (r < 0)
		end_errno(c, OUTCOME_FAILED_RESET, -r);
}

/** make_head() - what is sent for the message, as it is sent; 0 or a negative errno as in replay.h */
static int make_head(struct conn *c)
{
	struct outgoing *o = c->env->outgoing;
	int r = c->env->make_head(c->env->make_head_ctx, c->message, o);

	if (r < 0)
		return r;
	buffer_clear(&c->head);
	http1_head_write(o, &c->head);
	return outgoing_ok(o) && buffer_ok(&c->head) ? 0 : -ENOMEM;
}

/** start_request() - the socket is connected: make the head and write */
static void start_request(struct conn *c)
{
	int r = make_head(c);

	if (r == -EINVAL) {
		conn_end(c, OUTCOME_FAILED_PROTOCOL, "no request can be made of it", false);
		return;
	}
	if (r < 0) { /* nothing was sent; the connection is in order, but its owner is short of memory */
		end_errno(c, OUTCOME_FAILED_CONNECT, -r);
		return;
	}
	response_parser_begin(&c->response, span_equal(c->message->head.method, SPAN_LITERAL("HEAD")),
		     c->env->keeping);
	c->sent = 0;
	set_state(c, CONN_SENDING);
	send_request(c);
}

/* ---- connecting ---- */

/** make_known() - lanes must know both ends before the first byte of a request is sent */
static void make_known(struct conn *c, struct mono now)
{
	struct endpoint here;

	if (!socket_ends(c->fd, &here, &c->peer))
		return; /* no packets to be known by, or reset already */
	self_connections_add(c->env->self_connections, &here, &c->peer, now, &c->self_connections_ticket);
	c->is_known = true;
}

/** start_connect() - a socket, connecting to @address; 0 or negative errno, nothing left open then */
static int start_connect(struct conn *c, const struct sockaddr_storage *address)
{
	struct watch *w = calloc(1, sizeof(*w));
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
	w->conn = c;
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
static void connect_next(struct conn *c, struct mono now, int err)
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
			set_state(c, CONN_CONNECTING);
			return;
		}
	}
	end_errno(c, OUTCOME_FAILED_CONNECT, err);
}

/** opened() - connected, and secured if that is wanted */
static void opened(struct conn *c)
{
	c->connected_at = mono_now();
	c->open_ns = c->connected_at.ns - c->attempt_at.ns;
	c->quickest_ns = INT64_MAX / 4; /* no response yet, and so no reuse */
	counter_add(&c->env->stats->connects, 1);
	resolver_prefer(c->env->resolver, c->address);
	if (!c->tls || tls_is_accepted(c->tls))
		note_accepted(c);
	start_request(c);
}

/** end_insecure() - the handshake failed; the next exchange begins at another address, if there is one */
static void end_insecure(struct conn *c, int err)
{
	size_t count = resolver_addresses(c->env->resolver)->count;

	if (count > 1)
		resolver_prefer(c->env->resolver, (c->address + 1) % count);
	if (err == EPROTO)
		conn_end(c, OUTCOME_FAILED_TLS, tls_failure(c->tls), false);
	else if (err == ENODATA)
		conn_end(c, OUTCOME_FAILED_TLS, "EOF in the handshake", false);
	else
		end_errno(c, OUTCOME_FAILED_TLS, err);
}

static void shake_hands(struct conn *c)
{
	int r = tls_handshake(c->tls);

	if (r == 0) {
		opened(c);
		return;
	}
	if (r == -EAGAIN)
		r = watch_for(c, tls_wants_write(c->tls) ? UV_WRITABLE : UV_READABLE);
	if (r < 0)
		end_insecure(c, -r);
}

static void start_tls(struct conn *c)
{
	c->tls = tls_new(c->env->tls, c->fd);
	if (!c->tls) {
		end_errno(c, OUTCOME_FAILED_CONNECT, ENOMEM);
		return;
	}
	c->attempt_deadline.ns = c->began.ns + c->env->connect_timeout_ns;
	set_state(c, CONN_SECURING);
	shake_hands(c);
}

/** connected_or_next() - connect() is decided */
static void connected_or_next(struct conn *c)
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
static void open_or_wait(struct conn *c, struct mono now, bool waited)
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
		set_state(c, CONN_RESOLVING);
		return;
	}
	conn_end(c, OUTCOME_FAILED_DNS, resolver_failure(r), false);
}

/* ---- events ---- */

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct conn *c = w->conn;

	if (!c)
		return;
	switch (c->state) {
	case CONN_CLOSED:
	case CONN_RESOLVING:
		break; /* no socket, so no event */
	case CONN_CONNECTING:
		connected_or_next(c);
		break;
	case CONN_SECURING:
		shake_hands(c); /* an error that is pending, it finds by itself */
		break;
	case CONN_SENDING:
	case CONN_WAITING:
		if (status < 0) {
			/* An error is pending and libuv has stopped watching: this is the last look. */
			read_rest(c, ECONNRESET);
			break;
		}
		if ((events & UV_READABLE) && read_turn(c) == READ_ENDED)
			break;
		/* What TLS waited for before it could write on may have been something to read. */
		if (((events & UV_WRITABLE) || c->tls) && c->state == CONN_SENDING)
			send_request(c);
		break;
	case CONN_IDLE:
		if (status == 0 && c->tls && tls_is_quiet(c->tls))
			break;
		conn_close(c);
		c->env->on_lost(c->env->ctx, c);
		break;
	}
}

bool conn_usable(struct conn *c, struct mono now)
{
	ssize_t n;
	uint8_t byte;

	if (c->usable_until.ns <= now.ns) {
		conn_close(c);
		return false;
	}
	n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return true;
	if (n > 0 && c->tls && tls_is_quiet(c->tls))
		return true;
	conn_close(c);
	return false;
}

void conn_begin(struct conn *c, struct message *m, struct mono now)
{
	c->message = m;
	c->began = now;
	c->deadline.ns = now.ns + c->env->max_time_ns;
	c->connected_at.ns = c->sent_at.ns = c->first_byte_at.ns = 0;
	c->response.status_code = 0;
	c->tried = 0;
	c->was_open = c->state == CONN_IDLE;
	c->is_heard = false;
	c->is_accepted = c->was_open;
	if (c->was_open)
		start_request(c);
	else
		open_or_wait(c, now, false);
}

void conn_resolved(struct conn *c, struct mono now)
{
	open_or_wait(c, now, true);
}

void conn_attempt_expired(struct conn *c, struct mono now)
{
	if (c->state == CONN_CONNECTING)
		connect_next(c, now, ETIMEDOUT);
	else if (c->state == CONN_SECURING)
		end_insecure(c, ETIMEDOUT);
	else
		conn_end(c, OUTCOME_FAILED_DNS, "lookup took too long", false);
}

void conn_expired(struct conn *c)
{
	const char *where = NULL;

	switch (c->state) {
	case CONN_CLOSED:
	case CONN_IDLE:
		return;
	case CONN_RESOLVING:
		where = "looking up the name";
		break;
	case CONN_CONNECTING:
		where = "connecting";
		break;
	case CONN_SECURING:
		where = "in the TLS handshake";
		break;
	case CONN_SENDING:
		where = "sending";
		break;
	case CONN_WAITING:
		where = c->first_byte_at.ns ? "reading the answer" : "waiting for the answer";
		break;
	}
	conn_end(c, OUTCOME_FAILED_TIMEOUT, where, false);
}

struct message *conn_take_back(struct conn *c)
{
	struct message *m = c->message;

	c->message = NULL;
	close_socket(c);
	set_state(c, CONN_CLOSED);
	return m;
}

void conn_cancel(struct conn *c)
{
	if (c->message)
		conn_end(c, OUTCOME_CANCELLED_AT_EXIT, NULL, false);
}

void conn_close(struct conn *c)
{
	close_socket(c);
	set_state(c, CONN_CLOSED);
}
