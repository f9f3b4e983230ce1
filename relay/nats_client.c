/*
 * nats_client.c - see nats_client.h
 *
 * Theory of operation: what is published lies in one buffer until it is sent, many messages with one call of the
 * system; what has come is read in pieces of READ_SIZE, and what is in a piece becomes a queue of messages, each in a
 * block of its own. Every waiting is one function, step(): send, wait for the socket, take in what it has.
 *
 * A connection ends in one way, lose(), which keeps why and closes the socket. What had come before can still be taken;
 * what was not sent is gone, and its owner counts it. Besides the socket's own errors there are two reasons to give up a
 * server: it takes nothing for a second while there is something to send, or it has said nothing at all since three of our
 * PINGs, which go out every two seconds. Both are looked at whenever the owner sends or waits.
 *
 * Requests share one subscription, PREFIX.RANDOM.*, made before the first of them. What comes there is the response that is
 * awaited, or is of a request that was given up and is dropped.
 */
#include "relay/nats_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/hash.h"
#include "base/socket.h"
#include "base/tls_trust.h"
#include "relay/nats_connect.h"

#define READ_SIZE 65536
#define STALL_NS NS_PER_S        /* a server that takes nothing for so long is gone */
#define PING_NS (2 * NS_PER_S)   /* so is one that says nothing to PINGS_MAX of these */
#define PINGS_MAX 3
#define ROOM_NS NS_PER_S         /* for which publishing waits for room */
#define UNSENT_KEPT (1u << 20)   /* a larger buffer is given back once it is empty */
#define COMPACT_AT 65536         /* bytes sent at the front of the buffer, from which on they are cut off */
#define TEXT_MAX 512
#define NO_RESPONDERS 503 /* the server's word for a request that nobody listens for */
#define HEADER_FIRST "NATS/1.0\r\n"
#define INBOX_MAX (NATS_SUBJECT_MAX - 48) /* of the prefix; behind it come .RANDOM.NUMBER */

struct nats_client {
	struct nats_session session;
	bool is_up;

	struct buffer out; /* what was written; */
	size_t sent;       /* of it */
	struct mono stalled_at; /* since when the server takes nothing; 0: it does, or there is nothing */

	struct nats_message *first, **last; /* what has come and was not taken */
	bool is_drained;                    /* the last read left nothing in the socket, and the owner was not told yet */
	uint32_t subscriptions;

	struct mono ping_at;     /* when the next one goes out */
	unsigned unanswered;     /* of those, since the server said anything */
	uint64_t pings, pongs;   /* of all */

	char inbox[NATS_SUBJECT_MAX]; /* PREFIX.RANDOM of responses; "": not made yet */
	uint32_t inbox_subscription;
	uint64_t requests;             /* also the number of the one that is awaited */
	struct nats_message *response; /* to it */

	char lost[TEXT_MAX], trouble[TEXT_MAX], farewell[TEXT_MAX]; /* farewell: what it complained of before it closed */
	uint8_t piece[READ_SIZE];
};

/* ---- the end ---- */

static void lose(struct nats_client *c, const char *why)
{
	if (!c->is_up)
		return;
	c->is_up = false;
	snprintf(c->lost, sizeof(c->lost), "%s", why);
	nats_disconnect(&c->session);
	buffer_clear(&c->out);
	c->sent = 0;
}

/** lose_errno() - the socket failed, or TLS; 0: the server closed. If it said why, that is why */
static void lose_errno(struct nats_client *c, int err)
{
	if (c->farewell[0])
		lose(c, c->farewell);
	else if (err == 0)
		lose(c, "it closed the connection");
	else
		lose(c, err == -EPROTO ? tls_reason() : strerror(-err));
}

/** write_line() - one of the protocol's own; without it nothing goes on */
static void write_line(struct nats_client *c, const char *line)
{
	buffer_add_str(&c->out, line);
	if (!buffer_ok(&c->out))
		lose_errno(c, -ENOMEM);
}

/* ---- what comes ---- */

static void keep_text(char *out, struct span text)
{
	snprintf(out, TEXT_MAX, "%.*s", (int)(text.len < TEXT_MAX ? text.len : TEXT_MAX), (const char *)text.at);
}

/** is_passing() - a complaint after which the server does not close */
static bool is_passing(struct span text)
{
	struct span begins = SPAN_LITERAL("permissions violation"), part = text;

	span_truncate(&part, begins.len);
	return span_equal_nocase(part, begins) || span_equal_nocase(text, SPAN_LITERAL("invalid subject"));
}

static void on_complaint(struct nats_client *c, struct span text)
{
	keep_text(c->trouble, text);
	if (!is_passing(text))
		keep_text(c->farewell, text);
}

/** is_awaited() - @m, which came to the inbox, responds to the request that waits */
static bool is_awaited(const struct nats_client *c, const struct nats_message *m)
{
	struct span number = m->subject;
	uint64_t n;

	return !c->response && span_skip(&number, strlen(c->inbox) + 1) && digits_read(number, &n) && n == c->requests;
}

static void on_message(struct nats_client *c, struct nats_message *m)
{
	if (m->subscription != c->inbox_subscription) {
		*c->last = m;
		c->last = &m->next;
	} else if (is_awaited(c, m)) {
		c->response = m;
	} else {
		nats_message_free(m);
	}
}

static void on_event(struct nats_client *c, enum nats_event event)
{
	const struct nats_parser *p = &c->session.parser;
	char why[TEXT_MAX];

	switch (event) {
	case NATS_EVENT_NONE:
	case NATS_EVENT_OK:
		break;
	case NATS_EVENT_MESSAGE:
		on_message(c, p->message);
		break;
	case NATS_EVENT_INFO: /* news of the cluster; what a message may have may change */
		nats_info_read(p->text, &c->session.info);
		break;
	case NATS_EVENT_PING:
		write_line(c, "PONG\r\n");
		break;
	case NATS_EVENT_PONG:
		c->pongs++;
		break;
	case NATS_EVENT_COMPLAINT:
		on_complaint(c, p->text);
		break;
	case NATS_EVENT_MALFORMED:
		snprintf(why, sizeof(why), "it sent %.*s", (int)p->text.len, (const char *)p->text.at);
		lose(c, why);
		break;
	case NATS_EVENT_NO_MEMORY:
		lose_errno(c, -ENOMEM);
		break;
	}
}

/** receive() - take in a piece, without waiting for it */
static void receive(struct nats_client *c)
{
	ssize_t n = nats_wire_read(&c->session.wire, c->piece, sizeof(c->piece));
	struct span in;

	c->is_drained = !c->session.wire.has_more;
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		lose_errno(c, (int)n);
		return;
	}
	c->unanswered = 0;
	in = span_of(c->piece, (size_t)n);
	while (c->is_up && in.len > 0)
		on_event(c, nats_parser_next(&c->session.parser, &in));
}

/* ---- what goes ---- */

static size_t unsent(const struct nats_client *c)
{
	return c->out.len - c->sent;
}

/** forget_sent() - the bytes of the buffer that were sent */
static void forget_sent(struct nats_client *c)
{
	if (unsent(c) == 0) {
		if (c->out.cap > UNSENT_KEPT)
			buffer_deinit(&c->out);
		buffer_clear(&c->out);
	} else if (c->sent >= COMPACT_AT && c->sent >= c->out.len / 2) {
		memmove(c->out.bytes, c->out.bytes + c->sent, unsent(c));
		c->out.len -= c->sent;
	} else {
		return;
	}
	c->sent = 0;
}

/** on_stall() - the server takes nothing just now */
static void on_stall(struct nats_client *c)
{
	struct mono now = mono_now();

	if (c->stalled_at.ns == 0)
		c->stalled_at = now;
	else if (now.ns - c->stalled_at.ns >= STALL_NS)
		lose(c, "it has taken nothing for a second");
}

/** transmit() - as much as the socket takes at once */
static void transmit(struct nats_client *c)
{
	while (c->is_up && unsent(c) > 0) {
		ssize_t n = nats_wire_write(&c->session.wire, c->out.bytes + c->sent, unsent(c));

		if (n == -EAGAIN) {
			on_stall(c);
			return;
		}
		if (n < 0) {
			receive(c); /* what it said before it closed */
			lose_errno(c, (int)n);
			return;
		}
		c->stalled_at.ns = 0;
		c->sent += (size_t)n;
		forget_sent(c);
	}
}

static void write_ping(struct nats_client *c)
{
	c->pings++;
	write_line(c, "PING\r\n");
}

/** keep_alive() - a PING when it is due */
static void keep_alive(struct nats_client *c, struct mono now)
{
	if (now.ns < c->ping_at.ns)
		return;
	if (c->unanswered >= PINGS_MAX)
		receive(c); /* its owner may not have asked for long */
	if (c->unanswered >= PINGS_MAX) {
		lose(c, "it says nothing any more");
		return;
	}
	c->ping_at.ns = now.ns + PING_NS;
	c->unanswered++;
	write_ping(c);
}

static struct mono earlier(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/**
 * step() - send, wait until the socket can do more, @wake_fd can be read, or @deadline has passed; take in what has come
 * Return: true if @wake_fd can be read.
 */
static bool step(struct nats_client *c, int wake_fd, struct mono deadline)
{
	struct nats_wire *wire = &c->session.wire;
	unsigned ready = NATS_WIRE_READY;

	keep_alive(c, mono_now());
	transmit(c);
	if (!c->is_up)
		return false;
	deadline = earlier(deadline, c->ping_at);
	if (c->stalled_at.ns != 0)
		deadline = earlier(deadline, (struct mono){ c->stalled_at.ns + STALL_NS });
	if (!wire->has_more)
		ready = nats_wire_poll(wire, unsent(c) > 0, wake_fd, deadline);
	if (ready & NATS_WIRE_READY)
		receive(c);
	return ready & NATS_WIRE_WAKE;
}

/** deadline_of() - a limit may be longer than time is */
static struct mono deadline_of(int64_t limit_ns)
{
	int64_t ns;

	return (struct mono){ __builtin_add_overflow(mono_now().ns, limit_ns, &ns) ? INT64_MAX : ns };
}

static bool is_over(struct mono deadline)
{
	return mono_now().ns >= deadline.ns;
}

/* ---- connecting ---- */

int nats_client_connect(const struct nats_client_options *options, int64_t limit_ns, struct nats_client **out, struct buffer *why)
{
	struct nats_client *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = nats_connect(options, limit_ns, &c->session, why);
	if (err < 0) {
		free(c);
		return err;
	}
	c->is_up = true;
	c->last = &c->first;
	c->ping_at.ns = mono_now().ns + PING_NS;
	/* A stored message comes as base64, or with more headers than it was stored with. */
	c->session.parser.data_max = 2 * c->session.info.max_payload + NATS_HEADERS_MAX;
	*out = c;
	return 0;
}

bool nats_client_is_up(const struct nats_client *c)
{
	return c->is_up;
}

const char *nats_client_lost(const struct nats_client *c)
{
	return c->lost;
}

int nats_client_fd(const struct nats_client *c)
{
	return c->session.wire.socket.fd;
}

uint64_t nats_client_max_payload(const struct nats_client *c)
{
	return c->session.info.max_payload;
}

bool nats_client_is_tls(const struct nats_client *c)
{
	return c->session.wire.tls != NULL;
}

void nats_client_ports(const struct nats_client *c, uint16_t *own, uint16_t *server)
{
	struct endpoint here = { 0 }, there = { 0 };

	socket_ends(c->session.wire.socket.fd, &here, &there);
	*own = here.port;
	*server = there.port;
}

void nats_client_close(struct nats_client *c)
{
	struct nats_message *m;

	if (!c)
		return;
	lose(c, "closed");
	while ((m = nats_client_take(c)))
		nats_message_free(m);
	nats_message_free(c->response);
	buffer_deinit(&c->out);
	free(c);
}

/* ---- subscriptions ---- */

uint32_t nats_client_subscribe(struct nats_client *c, const char *subject)
{
	if (!c->is_up || strlen(subject) >= NATS_SUBJECT_MAX)
		return 0;
	buffer_printf(&c->out, "SUB %s %u\r\n", subject, c->subscriptions + 1);
	if (buffer_ok(&c->out))
		return ++c->subscriptions;
	c->out.failed = false; /* what is in it is whole */
	return 0;
}

void nats_client_unsubscribe(struct nats_client *c, uint32_t subscription)
{
	char line[32];

	if (!c->is_up || subscription == 0)
		return;
	snprintf(line, sizeof(line), "UNSUB %u\r\n", subscription);
	write_line(c, line);
}

/* ---- publishing ---- */

/** make_room() - for @more bytes of unsent ones: 0, -EAGAIN or -ENOTCONN */
static int make_room(struct nats_client *c, size_t more)
{
	struct mono deadline;

	if (unsent(c) == 0 || unsent(c) + more <= NATS_UNSENT_MAX)
		return 0;
	deadline = deadline_of(ROOM_NS);
	do {
		step(c, -1, deadline);
		if (!c->is_up)
			return -ENOTCONN;
		if (unsent(c) == 0 || unsent(c) + more <= NATS_UNSENT_MAX)
			return 0;
	} while (!is_over(deadline));
	return -EAGAIN;
}

static char *put_span(char *at, struct span s)
{
	return s.len > 0 ? put_bytes(at, s.at, s.len) : at;
}

/** put_message() - at @at, where there is room for it */
static char *put_message(char *at, struct span subject, struct span reply, struct span headers, struct span data)
{
	size_t header_len = headers.len > 0 ? sizeof(HEADER_FIRST) - 1 + headers.len + 2 : 0;

	at = header_len > 0 ? PUT_LITERAL(at, "HPUB ") : PUT_LITERAL(at, "PUB ");
	at = put_span(at, subject);
	*at++ = ' ';
	if (reply.len > 0) {
		at = put_span(at, reply);
		*at++ = ' ';
	}
	if (header_len > 0) {
		at = put_uint(at, header_len);
		*at++ = ' ';
	}
	at = put_uint(at, header_len + data.len);
	at = PUT_LITERAL(at, "\r\n");
	if (header_len > 0) {
		at = PUT_LITERAL(at, HEADER_FIRST);
		at = put_span(at, headers);
		at = PUT_LITERAL(at, "\r\n");
	}
	at = put_span(at, data);
	return PUT_LITERAL(at, "\r\n");
}

int nats_client_publish(struct nats_client *c, const char *subject, const char *reply, struct span headers, struct span data)
{
	struct span to = span_str(subject), back = reply ? span_str(reply) : span_of(NULL, 0);
	size_t payload = data.len + (headers.len > 0 ? sizeof(HEADER_FIRST) - 1 + headers.len + 2 : 0);
	size_t most = payload + to.len + back.len + 2 * DIGITS_UINT_MAX + 16;
	char *at;
	int err;

	if (!c->is_up)
		return -ENOTCONN;
	if (to.len == 0 || to.len >= NATS_SUBJECT_MAX || back.len >= NATS_SUBJECT_MAX ||
	    (c->session.info.max_payload > 0 && payload > c->session.info.max_payload))
		return -EMSGSIZE;
	err = make_room(c, most);
	if (err < 0)
		return err;
	at = buffer_room(&c->out, most);
	if (!at) {
		c->out.failed = false; /* what is in it is whole */
		return -ENOMEM;
	}
	buffer_end(&c->out, put_message(at, to, back, headers, data));
	return 0;
}

int nats_client_send(struct nats_client *c, int64_t limit_ns)
{
	struct mono now = mono_now(), deadline;

	if (c->is_up) {
		keep_alive(c, now);
		transmit(c);
	}
	if (c->is_up && unsent(c) > 0 && limit_ns > 0) {
		deadline = deadline_of(limit_ns);
		while (c->is_up && unsent(c) > 0 && !is_over(deadline))
			step(c, -1, deadline);
	}
	return !c->is_up ? -ENOTCONN : unsent(c) > 0 ? 1
						     : 0;
}

/* ---- waiting ---- */

int nats_client_wait(struct nats_client *c, int wake_fd, int64_t limit_ns)
{
	struct mono deadline = deadline_of(limit_ns);

	do {
		bool woken;

		if (!c->is_up)
			return c->first ? 1 : -ENOTCONN;
		if (c->first) {
			transmit(c);
			return 1;
		}
		woken = step(c, wake_fd, deadline);
		if (c->first || woken)
			return 1;
	} while (!is_over(deadline));
	return c->is_up ? 0 : -ENOTCONN;
}

struct nats_message *nats_client_take(struct nats_client *c)
{
	struct nats_message *m = c->first;

	if (!m && c->is_up && !c->is_drained) {
		receive(c);
		m = c->first;
	}
	if (!m) {
		c->is_drained = false; /* time will have passed before this is asked again */
		return NULL;
	}
	c->first = m->next;
	if (!c->first)
		c->last = &c->first;
	m->next = NULL;
	return m;
}

/* ---- requests ---- */

int nats_client_set_inbox(struct nats_client *c, const char *prefix)
{
	struct hash_key random = hash_key_random();
	int len = snprintf(c->inbox, sizeof(c->inbox), "%.*s.%016" PRIx64, INBOX_MAX, prefix, random.k0);

	if (prefix[0] && strlen(prefix) <= INBOX_MAX && len > 0)
		return 0;
	c->inbox[0] = '\0';
	return -EINVAL;
}

/** open_inbox() - subscribe to what comes back; 0, -ENOMEM or -ENOTCONN */
static int open_inbox(struct nats_client *c)
{
	char all[NATS_SUBJECT_MAX + 2];

	if (c->inbox_subscription > 0)
		return 0;
	if (!c->inbox[0])
		nats_client_set_inbox(c, "_INBOX");
	snprintf(all, sizeof(all), "%s.*", c->inbox);
	c->inbox_subscription = nats_client_subscribe(c, all);
	return c->inbox_subscription > 0 ? 0 : c->is_up ? -ENOMEM
							: -ENOTCONN;
}

/** take_response() - if it has come */
static int take_response(struct nats_client *c, struct nats_message **out)
{
	struct nats_message *m = c->response;

	c->response = NULL;
	c->requests++; /* what comes to this one's subject from here on is late */
	if (!m)
		return c->is_up ? -ETIMEDOUT : -ENOTCONN;
	if (m->status == NO_RESPONDERS) {
		nats_message_free(m);
		return -ENOENT;
	}
	*out = m;
	return 0;
}

int nats_client_request(struct nats_client *c, const char *subject, struct span headers, struct span data, int64_t limit_ns,
			struct nats_message **out)
{
	struct mono deadline = deadline_of(limit_ns);
	char reply[NATS_SUBJECT_MAX + DIGITS_UINT_MAX + 2];
	int err = open_inbox(c);

	snprintf(reply, sizeof(reply), "%s.%" PRIu64, c->inbox, c->requests);
	if (err == 0)
		err = nats_client_publish(c, subject, reply, headers, data);
	if (err < 0)
		return err;
	do
		step(c, -1, deadline);
	while (c->is_up && !c->response && !is_over(deadline));
	return take_response(c, out);
}

int nats_client_flush(struct nats_client *c, int64_t limit_ns)
{
	struct mono deadline = deadline_of(limit_ns);
	uint64_t upto;

	if (!c->is_up)
		return -ENOTCONN;
	write_ping(c);
	upto = c->pings;
	while (c->is_up && c->pongs < upto && !is_over(deadline))
		step(c, -1, deadline);
	return !c->is_up ? -ENOTCONN : c->pongs < upto ? -ETIMEDOUT
						       : 0;
}

bool nats_client_trouble(struct nats_client *c, struct buffer *out)
{
	bool is_new = c->trouble[0] != '\0';

	buffer_add_str(out, c->trouble);
	c->trouble[0] = '\0';
	return is_new;
}
