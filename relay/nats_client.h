/*
 * nats_client.h - the protocol of NATS, as much of it as taps and replayers need
 *
 * One connection, without threads of its own: it belongs to one thread, and nothing in it waits but what has a limit among
 * its arguments. When a connection is lost it is closed, with all that was written and not sent; nothing is sent later
 * than it was meant to be.
 *
 * Source: docs.nats.io, "Client Protocol"; ADR-4 (headers), ADR-14 (NKeys and JWT).
 */
#ifndef RELAY_NATS_CLIENT_H
#define RELAY_NATS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/span.h"
#include "relay/credentials.h"
#include "relay/nats_message.h"

struct ssl_ctx_st;
struct nats_client;

#define NATS_SUBJECT_MAX 512       /* bytes of a subject or of a reply subject that we write */
#define NATS_UNSENT_MAX (8u << 20) /* bytes written and not sent; behind them nats_client_publish() sends first */

/** struct nats_client_options - all borrowed, until nats_client_close() */
struct nats_client_options {
	const char *host; /* a name or an address without brackets: of the connection, and of the certificate that is believed */
	uint16_t port;
	struct ssl_ctx_st *tls; /* whom to believe, and who we are: for a server that asks for TLS; NULL: it is refused */
	bool wants_tls;         /* nothing without TLS */
	bool insecure;          /* believe every certificate */
	const char *user, *password;   /* "": none; a user without a password is a token */
	const struct credentials *who; /* NKey, or token and NKey; NULL or the zero value: nobody */
	const char *name;              /* what the broker calls us in its own lists */
};

/**
 * nats_client_connect() - TCP, INFO, TLS, CONNECT and the first PONG, within @limit_ns for each address
 * @why:  words for a sentence that begins with the broker's name: "Connection refused", "Authorization Violation"
 * Return: 0; -EACCES (it refuses us: user, key, certificate), -EPROTO (no server of NATS, or one that ends TLS without a
 * certificate of ours), -ENOTSUP (we want TLS and it has none), -EPROTOTYPE (it wants TLS and we have none),
 * -EKEYREJECTED (its certificate is not believed), -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENOMEM, another negative errno.
 */
int nats_client_connect(const struct nats_client_options *options, int64_t limit_ns, struct nats_client **out, struct buffer *why);

/** nats_client_is_up() - false once it is lost; nats_client_lost() says why: static or the client's text, never NULL */
bool nats_client_is_up(const struct nats_client *c);
const char *nats_client_lost(const struct nats_client *c);

int nats_client_fd(const struct nats_client *c);
uint64_t nats_client_max_payload(const struct nats_client *c); /* bytes of a message's headers and data */
bool nats_client_is_tls(const struct nats_client *c);

/** nats_client_ports() - our own, and the server's */
void nats_client_ports(const struct nats_client *c, uint16_t *own, uint16_t *server);

/** nats_client_subscribe() - to a subject, wildcards included; the subscription's number, from 1; 0: out of memory or down */
uint32_t nats_client_subscribe(struct nats_client *c, const char *subject);
void nats_client_unsubscribe(struct nats_client *c, uint32_t subscription);

/**
 * nats_client_publish() - write a message; it is sent by nats_client_send(), nats_client_wait() or once NATS_UNSENT_MAX is reached
 * @subject:  as subjects.h makes them: without blanks, without line ends; so is
 * @reply:    NULL: none
 * @headers:  lines "name: value\r\n", without the first line and the empty one; empty: none
 * Return: 0; -EMSGSIZE (also of a subject that is too long, or empty), -ENOMEM, -ENOTCONN, or -EAGAIN (NATS_UNSENT_MAX is
 * reached, and a second of sending made no room): nothing of it was written.
 */
int nats_client_publish(struct nats_client *c, const char *subject, const char *reply, struct span headers, struct span data);

/**
 * nats_client_send() - send what was written, until @limit_ns are over (0: what the socket takes at once)
 * A server that takes nothing for a second while there is something to send is gone.
 * Return: 0: nothing is unsent; 1: something is; -ENOTCONN: it is lost.
 */
int nats_client_send(struct nats_client *c, int64_t limit_ns);

/**
 * nats_client_wait() - send, until something has come, @wake_fd (-1: none) can be read, or @limit_ns are over
 * Answers PINGs, sends its own every two seconds; with three unanswered ones the connection is lost.
 * Return: 1: there is a message, or @wake_fd; 0: time is over; -ENOTCONN: it is lost, and all that came before was taken.
 */
int nats_client_wait(struct nats_client *c, int wake_fd, int64_t limit_ns);

/**
 * nats_client_take() - the next message that has come, given; reads what the socket has, waits for nothing
 * Return: NULL: the socket was empty when it was last read. So take until NULL, then wait.
 */
struct nats_message *nats_client_take(struct nats_client *c);

/**
 * nats_client_request() - publish, and wait for the one message that comes back; others that come meanwhile are kept, in order
 * Return: 0 with *@out given; -ETIMEDOUT; -ENOENT: nobody is there who could respond (503); errors of publishing.
 */
int nats_client_request(struct nats_client *c, const char *subject, struct span headers, struct span data, int64_t limit_ns,
			struct nats_message **out);

/** nats_client_set_inbox() - what request's reply subjects begin with, without a dot at the end; once, before the first request */
int nats_client_set_inbox(struct nats_client *c, const char *prefix);

/** nats_client_flush() - a PING and its PONG: what was written before has got to the broker; 0, -ETIMEDOUT or -ENOTCONN */
int nats_client_flush(struct nats_client *c, int64_t limit_ns);

/** nats_client_trouble() - what the server complained of last (-ERR) since this was last asked, appended; false: of nothing */
bool nats_client_trouble(struct nats_client *c, struct buffer *out);

/** nats_client_close() - at once, with all that was not sent */
void nats_client_close(struct nats_client *c);

#endif
