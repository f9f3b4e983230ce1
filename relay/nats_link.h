/*
 * nats_link.h - our connection to a broker of NATS: one, made again when it is lost
 *
 * A link belongs to one thread. Nothing in it is for the loop or a lane: its
 * calls wait for the network, up to the limits below.
 */
#ifndef RELAY_NATS_LINK_H
#define RELAY_NATS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "relay/broker_url.h"

/** struct broker_options - all borrowed, and used by nats_link_new() only; texts may be NULL */
struct broker_options {
	const struct broker_url *url;
	const char *creds_file, *nkey_file;         /* --creds, --nkey: one of them at most */
	const char *ca_file, *cert_file, *key_file; /* PEM, as for targets */
	bool insecure;                              /* believe every certificate */
	const char *name;                           /* what the broker calls this connection in its own lists */
	const char *inbox;                          /* what our inboxes begin with: subjects.h */
};

struct nats_link;
struct nats_client;

/**
 * nats_link_new() - read what the options name, before rights are given up and before there are threads; connect to nothing
 * @error:  one sentence
 * Return: 0, -EINVAL (a file that holds none of what it should), or another negative errno.
 */
int nats_link_new(const struct broker_options *options, struct nats_link **out, struct buffer *error);

/**
 * nats_link_connect() - to the first of the hosts that takes us, within @limit_ns for each
 * @error:  one sentence: which, why, what to do
 * Return: 0; -EACCES: refused, and that does not go away by itself (user, password, key, certificate, TLS or not);
 * -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH or another negative errno: it may work later.
 */
int nats_link_connect(struct nats_link *l, int64_t limit_ns, struct buffer *error);

/**
 * nats_link_tend() - when the connection is lost: make it again, once its time has come
 *
 * A new connection, with nothing of the old one's in it. Tries are 0.25 s apart at first, then up to 5 s, each by a
 * random part more or less, so that all taps of a broker that comes back do not come at once.
 * Return: 1 if it has just come up, so that subscriptions are to be made again; else 0.
 */
int nats_link_tend(struct nats_link *l, struct mono now);

/** nats_link_is_up() - any thread */
bool nats_link_is_up(const struct nats_link *l);

/** nats_link_client() - the connection itself; valid until the next nats_link_tend(), connect or close; NULL when down */
struct nats_client *nats_link_client(struct nats_link *l);

/** nats_link_max_payload() - bytes of a message that the broker takes, headers included; 0 before the first connection */
uint64_t nats_link_max_payload(const struct nats_link *l);

/**
 * nats_link_is_own() - any thread: is a connection from port @client to port @server this one, or the one before it?
 */
bool nats_link_is_own(const struct nats_link *l, uint16_t client, uint16_t server);

/**
 * nats_link_trouble() - what the broker has complained of since this was last asked, such as
 * Permissions Violation for Publish to "st.v1.x.req.03"
 * Return: false if nothing; of several, the last is told.
 */
bool nats_link_trouble(struct nats_link *l, struct buffer *out);

/** nats_link_lost() - why the last connection or try ended, a sentence; "" if there is nothing to say */
const char *nats_link_lost(const struct nats_link *l);

/** struct stream_limits - of the stream if we make it */
struct stream_limits {
	int64_t retain_ns;
	uint64_t retain_bytes;
	uint32_t partitions;
};

/**
 * nats_link_make_stream() - see to it that the service's stream and its bucket are there; what is there is not changed
 * @partitions:  how many the stream has, also when it was there; unchanged where that cannot be known
 * @error:       one sentence; also after 0 or 1, if there is no bucket, which a replayer cannot do without
 * Return: 0; 1: it was made; -EACCES: there is none, or we may not see it, and we may not make it; -ENOTSUP: no JetStream;
 * or another negative errno.
 */
int nats_link_make_stream(struct nats_link *l, const struct stream_limits *limits, uint32_t *partitions, struct buffer *error);

/** nats_link_inbox() - what our inboxes begin with, without a dot at the end */
const char *nats_link_inbox(const struct nats_link *l);

/** nats_link_flush() - what was written gets to the broker, or @limit_ns are over */
void nats_link_flush(struct nats_link *l, int64_t limit_ns);

/** nats_link_close() - flush, then close; may be connected again */
void nats_link_close(struct nats_link *l, int64_t limit_ns);
void nats_link_free(struct nats_link *l);

#endif
