/*
 * http1_client.c - see http1_client.h
 *
 * Theory of operation: one exchange after another on one channel.
 *
 *     CLOSED -> OPENING -> SENDING -> WAITING -> IDLE
 *                             ^                   |
 *                             +-------------------+
 *
 * Every state leads to CLOSED. An exchange that was given to http1_client_begin()
 * leaves through end_exchange(), in one place and once. After that the pool may
 * have begun another on the same object, so nothing touches the client after it.
 *
 * Where a response's end is told by the end of the connection, only the TLS word
 * for it (close_notify) counts: without it the response may be cut, and the
 * outcome is a reset.
 */
#include "replay/http1_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replay/http1_head.h"

/* A turn of the loop reads at most so many full TLS records from one connection: 64 KiB, as much as plain. */
#define RECORDS_PER_TURN 4

static const char *state_name(enum http1_state s)
{
	switch (s) {
	case HTTP1_CLOSED:
		return "closed";
	case HTTP1_OPENING:
		return "opening";
	case HTTP1_SENDING:
		return "sending";
	case HTTP1_WAITING:
		return "waiting";
	case HTTP1_IDLE:
		return "idle";
	}
	return "?";
}

static void set_state(struct http1_client *c, enum http1_state next)
{
	if (log_enabled(LOG_DEBUG))
		log_debug("conn %u: http1 %s -> %s", c->channel.id, state_name(c->state), state_name(next));
	if (c->exchange)
		c->exchange->is_opening = next == HTTP1_OPENING;
	c->state = next;
}

struct http1_client *http1_client_new(const struct http1_env *env, uint32_t id)
{
	struct http1_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->env = env;
	channel_init(&c->channel, &env->channel, id);
	list_init(&c->link);
	return c;
}

void http1_client_free(struct http1_client *c)
{
	if (!c)
		return;
	buffer_deinit(&c->head);
	response_parser_deinit(&c->response);
	free(c);
}

void http1_client_close(struct http1_client *c)
{
	channel_close(&c->channel);
	set_state(c, HTTP1_CLOSED);
}

/* ---- the end of an exchange ---- */

static int64_t us_between(struct mono from, struct mono to)
{
	return (to.ns - from.ns) / NS_PER_US;
}

/** is_connected() - did this exchange get a connection, seen from its end? */
static bool is_connected(const struct http1_client *c, enum outcome_kind kind)
{
	if (!c->channel.is_accepted && (kind == OUTCOME_FAILED_TLS || kind == OUTCOME_FAILED_RESET))
		return false;
	return c->channel.opened_at.ns != 0;
}

static struct outcome make_outcome(const struct http1_client *c, enum outcome_kind kind, const char *detail, struct mono now)
{
	struct outcome o = {
		.kind = kind,
		.status_code = c->response.status_code,
		.grpc_status = GRPC_STATUS_NONE,
		.connect_us = -1,
		.idle_us = c->was_open ? us_between(c->keep.idle_since, c->exchange->began) + 1 : 0,
		.first_byte_us = -1,
		.total_us = us_between(c->exchange->began, now),
		.detail = detail,
	};

	if (c->was_open)
		o.connect_us = 0;
	else if (is_connected(c, kind))
		o.connect_us = us_between(c->exchange->began, c->channel.opened_at);
	if (c->first_byte_at.ns && c->sent_at.ns) /* a response may begin before the request's end: then 0 */
		o.first_byte_us =
			c->first_byte_at.ns > c->sent_at.ns ? us_between(c->sent_at, c->first_byte_at) : 0;
	else if (c->first_byte_at.ns)
		o.first_byte_us = 0;
	return o;
}

/** us_since_sent() - since the request's last byte; 0 before that */
static int64_t us_since_sent(const struct http1_client *c, struct mono now)
{
	return c->sent_at.ns && now.ns > c->sent_at.ns ? us_between(c->sent_at, now) : 0;
}

/** take_response() - what was kept of the response that ends now */
static struct response *take_response(struct http1_client *c, struct mono now)
{
	struct response *r = response_parser_take(&c->response);

	if (!r)
		return NULL;
	r->first_byte_us = us_since_sent(c, c->first_byte_at);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = us_since_sent(c, now);
	return r;
}

/** end_exchange() - the one way out of an exchange; @c must not be touched after it */
static void end_exchange(struct http1_client *c, enum outcome_kind kind, const char *detail, bool keep)
{
	struct mono now = outcome_is_answered(kind) ? c->heard_at : mono_now();
	struct outcome o = make_outcome(c, kind, detail, now);
	struct exchange *x = c->exchange;

	if (outcome_is_answered(kind))
		o.response = take_response(c, now);
	else
		response_free(response_parser_take(&c->response));
	c->exchange = NULL;
	if (keep && http1_keep_idle(&c->keep, c->response.keep_s, c->first_byte_at.ns - c->sent_at.ns, now))
		set_state(c, HTTP1_IDLE);
	else
		http1_client_close(c);
	c->env->on_ended(c->env->ctx, c, x, &o);
}

/** end_errno() - the system refused something: @kind, with its name for @err as detail */
static void end_errno(struct http1_client *c, enum outcome_kind kind, int err)
{
	end_exchange(c, kind, uv_err_name(-err), false);
}

/** was_closing() - the connection was kept, and its end comes as it does if the server ended it before it had the request */
static bool was_closing(const struct http1_client *c)
{
	struct mono began = c->exchange->began;

	return c->was_open && http1_keep_was_closing(&c->keep, began, c->sent_at.ns ? c->sent_at : began, mono_now());
}

static bool is_stale(const struct http1_client *c)
{
	return !c->is_heard && was_closing(c);
}

/** end_answered() - the status is known and the response is over, or long enough */
static void end_answered(struct http1_client *c)
{
	static const enum outcome_kind by_class[] = { OUTCOME_ANSWERED_2XX, OUTCOME_ANSWERED_3XX,
						      OUTCOME_ANSWERED_4XX, OUTCOME_ANSWERED_5XX };
	int class = c->response.status_code / 100;
	bool keep = c->response.state == RESPONSE_PARSER_WHOLE && c->response.keep_alive && c->state == HTTP1_WAITING;

	if (c->response.status_code == 408 && !keep && was_closing(c))
		end_exchange(c, OUTCOME_FAILED_STALE, "the server gave up an idle connection with status 408", false);
	else if (class < 2 || class > 5)
		end_exchange(c, OUTCOME_FAILED_PROTOCOL, "status above 599", false);
	else
		end_exchange(c, by_class[class - 2], NULL, keep);
}

/* ---- reading ---- */

enum read_result { READ_MORE,
		   READ_NOTHING,
		   READ_ENDED };

static enum read_result after_feed(struct http1_client *c, enum response_parser_state s)
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
		end_exchange(c, OUTCOME_FAILED_PROTOCOL, c->response.detail, false);
		return READ_ENDED;
	}
	return READ_MORE;
}

/** end_eof() - the server closed; @is_told: in a way that only the server can */
static void end_eof(struct http1_client *c, bool is_told)
{
	if (!is_told && c->response.state == RESPONSE_PARSER_BODY)
		end_exchange(c, OUTCOME_FAILED_RESET, "EOF in the answer, without close_notify", false);
	else if (response_parser_eof(&c->response) == RESPONSE_PARSER_WHOLE)
		end_answered(c);
	else
		end_exchange(c, is_stale(c) ? OUTCOME_FAILED_STALE : OUTCOME_FAILED_RESET,
			     c->response.begun ? "EOF in the answer" : !c->channel.is_accepted ? TLS_UNACCEPTED : "EOF before the answer",
			     false);
}

static void end_unreadable(struct http1_client *c, int err)
{
	if (err == EPROTO && c->channel.tls)
		end_exchange(c, OUTCOME_FAILED_TLS, tls_client_failure(c->channel.tls), false);
	else if (!c->channel.is_accepted)
		end_exchange(c, OUTCOME_FAILED_RESET, TLS_UNACCEPTED, false);
	else
		end_errno(c, is_stale(c) ? OUTCOME_FAILED_STALE : OUTCOME_FAILED_RESET, err);
}

/** read_response() - one channel_read(); READ_ENDED: the exchange is over and @c not ours any more */
static enum read_result read_response(struct http1_client *c)
{
	struct span bytes = { 0 };
	ssize_t n = channel_read(&c->channel, &bytes);
	enum response_parser_state s;

	if (n == -EAGAIN || n == -EWOULDBLOCK)
		return READ_NOTHING;
	c->heard_at = mono_now(); /* one look at the clock for all that is measured by it */
	if (n == 0 || (n == -ENODATA && c->channel.tls)) {
		end_eof(c, n == 0);
		return READ_ENDED;
	}
	if (n < 0) {
		end_unreadable(c, (int)-n);
		return READ_ENDED;
	}
	c->is_heard = true;
	if (c->response.keeping)
		c->response.now_us = us_since_sent(c, c->heard_at);
	s = response_parser_feed(&c->response, bytes);
	if (!c->response.begun)
		c->first_byte_at.ns = 0; /* so far only interim responses */
	else if (!c->first_byte_at.ns)
		c->first_byte_at = c->heard_at;
	return after_feed(c, s);
}

/** read_turn() - what one turn of the loop may read; READ_ENDED as above */
static enum read_result read_turn(struct http1_client *c)
{
	enum read_result r = read_response(c);

	for (int n = 1; r == READ_MORE && channel_has_more(&c->channel) && n < RECORDS_PER_TURN; n++)
		r = read_response(c);
	return r;
}

/** read_rest() - the connection broke: what came before may still be a whole response */
static void read_rest(struct http1_client *c, int err)
{
	enum read_result r;

	do
		r = read_response(c);
	while (r == READ_MORE);
	if (r == READ_NOTHING)
		end_unreadable(c, err);
}

/* ---- writing ---- */

static struct span body_of(const struct message *m)
{
	return m->body_kept ? span_of(m->body, m->body_len) : span_of(NULL, 0);
}

/** send_some() - some of what is left of head and body; bytes, or negative errno */
static ssize_t send_some(struct http1_client *c)
{
	struct span head = buffer_span(&c->head), body = body_of(c->exchange->message);
	size_t skip = c->sent;

	if (!span_skip(&head, skip)) {
		span_skip(&body, skip - head.len);
		head.len = 0;
	}
	return channel_write(&c->channel, head, body);
}

/** wait_to_send() - until the socket takes more, or gives what TLS needs first */
static void wait_to_send(struct http1_client *c)
{
	int r = channel_wait_writable(&c->channel);

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
static void send_request(struct http1_client *c)
{
	size_t all = c->head.len + body_of(c->exchange->message).len;
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
		counter_add(&c->env->channel.stats->bytes_sent, (uint64_t)n);
	}
	c->sent_at = before;
	set_state(c, HTTP1_WAITING);
	r = channel_wait_readable(&c->channel);
	if (r < 0)
		end_errno(c, OUTCOME_FAILED_RESET, -r);
}

/** make_head() - what is sent for the message, as it is sent; 0 or a negative errno as in replay.h */
static int make_head(struct http1_client *c)
{
	struct outgoing *o = c->env->outgoing;
	int r = c->env->make_head(c->env->make_head_ctx, c->exchange->message, o);

	if (r < 0)
		return r;
	buffer_clear(&c->head);
	http1_head_write(o, &c->head);
	return outgoing_ok(o) && buffer_ok(&c->head) ? 0 : -ENOMEM;
}

/** start_request() - the socket is connected: make the head and write */
static void start_request(struct http1_client *c)
{
	int r = make_head(c);

	if (r == -EINVAL) {
		end_exchange(c, OUTCOME_FAILED_PROTOCOL, "no request can be made of it", false);
		return;
	}
	if (r < 0) { /* nothing was sent; the connection is in order, but we are short of memory */
		end_errno(c, OUTCOME_FAILED_CONNECT, -r);
		return;
	}
	response_parser_begin(&c->response, span_equal(c->exchange->message->head.method, SPAN_LITERAL("HEAD")),
			      c->env->keeping);
	c->sent = 0;
	set_state(c, HTTP1_SENDING);
	send_request(c);
}

/* ---- what the channel says ---- */

static struct http1_client *client_of(struct channel *channel)
{
	return list_entry(channel, struct http1_client, channel);
}

static void on_open(struct channel *channel)
{
	struct http1_client *c = client_of(channel);

	http1_keep_opened(&c->keep, channel->open_ns);
	start_request(c);
}

static void on_failed(struct channel *channel, enum outcome_kind kind, const char *detail)
{
	end_exchange(client_of(channel), kind, detail, false);
}

static void on_accepted(struct channel *channel)
{
	const struct http1_env *env = client_of(channel)->env;

	env->on_connected(env->ctx);
}

static void on_ready(struct channel *channel, int status, int events)
{
	struct http1_client *c = client_of(channel);

	switch (c->state) {
	case HTTP1_CLOSED:
	case HTTP1_OPENING:
		break; /* not open, so no event */
	case HTTP1_SENDING:
	case HTTP1_WAITING:
		if (status < 0) {
			/* An error is pending and libuv has stopped watching: this is the last look. */
			read_rest(c, ECONNRESET);
			break;
		}
		if ((events & UV_READABLE) && read_turn(c) == READ_ENDED)
			break;
		/* What TLS waited for before it could write on may have been something to read. */
		if (((events & UV_WRITABLE) || channel->tls) && c->state == HTTP1_SENDING)
			send_request(c);
		break;
	case HTTP1_IDLE:
		if (status == 0 && channel_took_in(channel))
			break;
		http1_client_close(c);
		c->env->on_lost(c->env->ctx, c);
		break;
	}
}

void http1_env_init(struct http1_env *env)
{
	env->channel.on_open = on_open;
	env->channel.on_failed = on_failed;
	env->channel.on_ready = on_ready;
	env->channel.on_accepted = on_accepted;
}

/* ---- what the pool says ---- */

bool http1_client_is_usable(struct http1_client *c, struct mono now)
{
	if (c->keep.usable_until.ns > now.ns && channel_is_silent(&c->channel))
		return true;
	http1_client_close(c);
	return false;
}

void http1_client_begin(struct http1_client *c, struct exchange *x)
{
	c->exchange = x;
	x->is_opening = false;
	c->sent_at.ns = c->first_byte_at.ns = 0;
	c->response.status_code = 0;
	c->was_open = c->state == HTTP1_IDLE;
	c->is_heard = false;
	if (c->was_open) {
		start_request(c);
		return;
	}
	set_state(c, HTTP1_OPENING);
	channel_open(&c->channel, x->began, x->deadline);
}

void http1_client_expire(struct http1_client *c)
{
	const char *where = NULL;

	switch (c->state) {
	case HTTP1_CLOSED:
	case HTTP1_IDLE:
		return;
	case HTTP1_OPENING:
		where = channel_doing(&c->channel);
		break;
	case HTTP1_SENDING:
		where = "sending";
		break;
	case HTTP1_WAITING:
		where = c->first_byte_at.ns ? "reading the answer" : "waiting for the answer";
		break;
	}
	end_exchange(c, OUTCOME_FAILED_TIMEOUT, where, false);
}

void http1_client_cancel(struct http1_client *c)
{
	end_exchange(c, OUTCOME_CANCELLED_AT_EXIT, NULL, false);
}
