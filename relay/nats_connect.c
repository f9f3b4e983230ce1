/*
 * nats_connect.c - see nats_connect.h
 *
 * Theory of operation: the server speaks first, INFO, in plain text. If either side
 * wants TLS it comes next, and nothing of the server's may lie between the two: it
 * would be from someone on the way. Then CONNECT says who we are, and a PING, sent
 * with it, finds out what the server makes of that: its PONG, or -ERR. One that says
 * the one thing and nothing else is no server of NATS.
 *
 * A name's addresses are tried in the order of the resolver's, each with the limit
 * for itself, until one takes or refuses us: another address of the same name will
 * not know our password better. That a server wants a certificate of ours is heard,
 * with TLS 1.3, only once we wait for its PONG.
 */
#include "relay/nats_connect.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/tls_trust.h"

#define ADDRESSES_MAX 8
#define INFO_MAX NATS_LINE_MAX
#define PIECE 4096

/** struct handshake - of one address */
struct handshake {
	const struct nats_client_options *options;
	struct nats_session *s;
	struct mono deadline;
	struct buffer *why;
};

static int fail(const struct handshake *h, int err, const char *what)
{
	buffer_add_str(h->why, what);
	return err;
}

/** fail_errno() - in the system's words, or TLS's */
static int fail_errno(const struct handshake *h, int err)
{
	if (err != -EPROTO)
		return fail(h, err, strerror(-err));
	buffer_printf(h->why, "TLS failed: %s", tls_reason());
	return err;
}

/** refused() - what the server says in place of letting us in */
static int refused(const struct handshake *h, struct span text)
{
	static const struct {
		const char *begins;
		int err;
	} known[] = {
		{ "authorization", -EACCES },     { "authentication", -EACCES },  { "user authentication", -EACCES },
		{ "account authentication", -EACCES }, { "secure connection", -EPROTOTYPE },
		{ "maximum", -EBUSY },
	};

	buffer_add_span(h->why, text);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct span begins = span_str(known[i].begins), part = text;

		span_truncate(&part, begins.len);
		if (span_equal_nocase(part, begins))
			return known[i].err;
	}
	return -EPROTO;
}

/** read_some() - at least a byte; bytes or a negative errno */
static ssize_t read_some(const struct handshake *h, uint8_t *out, size_t size)
{
	ssize_t n;

	while ((n = nats_wire_read(&h->s->wire, out, size)) == -EAGAIN)
		if (nats_wire_poll(&h->s->wire, false, -1, h->deadline) == 0 && mono_now().ns >= h->deadline.ns)
			return fail(h, -ETIMEDOUT, "it does not answer");
	if (n == 0)
		return fail(h, -EPROTO, "it closed the connection");
	return n < 0 ? fail_errno(h, (int)n) : n;
}

static int write_all(const struct handshake *h, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = nats_wire_write(&h->s->wire, bytes.at, bytes.len);

		if (n > 0)
			span_skip(&bytes, (size_t)n);
		else if (n != -EAGAIN)
			return fail_errno(h, (int)n);
		else if (nats_wire_poll(&h->s->wire, true, -1, h->deadline) == 0 && mono_now().ns >= h->deadline.ns)
			return fail(h, -ETIMEDOUT, "it takes nothing");
	}
	return 0;
}

/* ---- its steps ---- */

/** take_info() - the first line, and nothing behind it */
static int take_info(const struct handshake *h)
{
	struct nats_session *s = h->s;
	enum nats_event event = NATS_EVENT_NONE;
	uint8_t piece[PIECE];
	struct span rest = { 0 };
	ssize_t n;
	int err;

	while (event == NATS_EVENT_NONE) {
		n = read_some(h, piece, sizeof(piece));
		if (n < 0)
			return (int)n;
		rest = span_of(piece, (size_t)n);
		event = nats_parser_next(&s->parser, &rest);
	}
	if (event == NATS_EVENT_COMPLAINT)
		return refused(h, s->parser.text);
	if (event != NATS_EVENT_INFO || rest.len > 0)
		return fail(h, -EPROTO, "what it says first is not INFO of NATS");
	err = nats_info_read(s->parser.text, &s->info);
	return err == -EPROTO ? fail(h, err, "what it says in INFO is not JSON") : err < 0 ? fail_errno(h, err)
											   : 0;
}

static int secure(const struct handshake *h)
{
	const struct nats_client_options *o = h->options;
	const struct nats_info *info = &h->s->info;

	if (!o->wants_tls && !info->tls_required)
		return 0;
	if (!info->tls_required && !info->tls_available)
		return fail(h, -ENOTSUP, "it does not offer TLS");
	if (!o->tls)
		return fail(h, -EPROTOTYPE, "it wants TLS");
	return nats_wire_secure(&h->s->wire, o->tls, o->host, o->insecure, h->deadline, h->why);
}

static int say_who(const struct handshake *h)
{
	const struct nats_client_options *o = h->options;
	struct nats_identity identity = {
		.name = o->name,
		.user = o->user,
		.password = o->password,
		.who = o->who,
		.is_tls = h->s->wire.tls != NULL,
	};
	struct buffer line = { 0 };
	int err = nats_connect_write(&identity, &h->s->info, &line);

	buffer_add_str(&line, "PING\r\n");
	if (err == 0 && !buffer_ok(&line))
		err = -ENOMEM;
	err = err < 0 ? fail_errno(h, err) : write_all(h, buffer_span(&line));
	if (line.bytes)
		OPENSSL_cleanse(line.bytes, line.cap);
	buffer_deinit(&line);
	return err;
}

/** on_answer() - to CONNECT: 1: we are in; 0: it says other things first; or a negative errno */
static int on_answer(const struct handshake *h, enum nats_event event)
{
	struct nats_session *s = h->s;

	switch (event) {
	case NATS_EVENT_PONG:
		return 1;
	case NATS_EVENT_COMPLAINT:
		return refused(h, s->parser.text);
	case NATS_EVENT_INFO: /* of the account, once it knows who we are */
		nats_info_read(s->parser.text, &s->info);
		return 0;
	case NATS_EVENT_NONE:
	case NATS_EVENT_OK:
	case NATS_EVENT_PING:
		return 0;
	case NATS_EVENT_MESSAGE:
		nats_message_free(s->parser.message);
		return fail(h, -EPROTO, "it sends messages before we asked for any");
	case NATS_EVENT_MALFORMED:
		buffer_add_str(h->why, "it sent ");
		buffer_add_span(h->why, s->parser.text);
		return -EPROTO;
	case NATS_EVENT_NO_MEMORY:
		return fail_errno(h, -ENOMEM);
	}
	return 0;
}

static int await_pong(const struct handshake *h)
{
	uint8_t piece[PIECE];
	struct span rest;
	int answer = 0;
	ssize_t n;

	while (answer == 0) {
		n = read_some(h, piece, sizeof(piece));
		if (n < 0)
			return (int)n;
		rest = span_of(piece, (size_t)n);
		while (rest.len > 0 && answer >= 0) {
			int of = on_answer(h, nats_parser_next(&h->s->parser, &rest));

			answer = of != 0 ? of : answer;
		}
	}
	return answer < 0 ? answer : 0;
}

/** shake_hands() - with what is at the other end of a connection */
static int shake_hands(const struct handshake *h)
{
	int err = take_info(h);

	if (err == 0)
		err = secure(h);
	if (err == 0)
		err = say_who(h);
	if (err == -EPIPE || err == -ECONNRESET) { /* it has closed already; what it said before is still there to be read */
		buffer_clear(h->why);
		err = 0;
	}
	return err < 0 ? err : await_pong(h);
}

/* ---- addresses ---- */

/** resolve() - up to ADDRESSES_MAX of @options' host; how many, or a negative errno */
static int resolve(const struct nats_client_options *options, struct sockaddr_storage *out, struct buffer *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *all = NULL;
	char port[8];
	int count = 0, r;

	snprintf(port, sizeof(port), "%u", options->port);
	r = getaddrinfo(options->host, port, &hints, &all);
	if (r != 0) {
		buffer_add_str(why, r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return r == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
	}
	for (const struct addrinfo *a = all; a && count < ADDRESSES_MAX; a = a->ai_next)
		if (a->ai_addrlen <= sizeof(out[0]))
			memcpy(&out[count++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(all);
	return count;
}

/** is_final() - it will be no different at another address of the same name */
static bool is_final(int err)
{
	return err == 0 || err == -EACCES || err == -ENOMEM;
}

static int try_address(const struct nats_client_options *options, const struct sockaddr_storage *address, int64_t limit_ns,
		       struct nats_session *s, struct buffer *why)
{
	struct handshake h = { options, s, { mono_now().ns + limit_ns }, why };
	int err;

	*s = (struct nats_session){ .wire = NATS_WIRE_NONE };
	err = nats_wire_open(&s->wire, address, h.deadline);
	if (err < 0)
		return fail_errno(&h, err);
	err = shake_hands(&h);
	if (err < 0)
		nats_disconnect(s);
	return err;
}

int nats_connect(const struct nats_client_options *options, int64_t limit_ns, struct nats_session *s, struct buffer *why)
{
	struct sockaddr_storage address[ADDRESSES_MAX] = { 0 };
	int count = resolve(options, address, why), err = -EHOSTUNREACH;

	if (count < 0)
		return count;
	for (int i = 0; i < count; i++) {
		buffer_clear(why);
		err = try_address(options, &address[i], limit_ns, s, why);
		if (is_final(err))
			break;
	}
	return err;
}

void nats_disconnect(struct nats_session *s)
{
	nats_wire_close(&s->wire);
	nats_parser_deinit(&s->parser);
	OPENSSL_cleanse(&s->info, sizeof(s->info));
}
