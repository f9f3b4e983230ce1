/*
 * engine.h - what a publisher needs of a broker: the seam between handing over and NATS
 *
 * An engine belongs to the publisher's thread and has none of its own: what a broker has said of messages is read by take(), and
 * told through on_word() from within it. Only tend(), prepare() and close() wait for the network, within limits of their own;
 * wait() is where the thread sleeps.
 */
#ifndef RELAY_ENGINE_H
#define RELAY_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "relay/record.h"
#include "relay/relay_stats.h"

struct engine;

/** struct engine_message - borrowed during the call */
struct engine_message {
	const char *subject;
	const struct record *record;
	const char *source;
	uint64_t number; /* the record's sequence, and on_word()'s */
	bool wants_word;
};

struct engine_ops {
	/** tend() - see that there is a connection. Return: 1 if it has just come up, else 0 */
	int (*tend)(struct engine *e, struct mono now);
	bool (*is_up)(const struct engine *e); /* any thread */
	/** limit() - bytes that a message may have, headers included */
	uint64_t (*limit)(const struct engine *e);
	/**
	 * publish() - write a message, for send(); 0: written. Else nothing of it was: -EMSGSIZE, since it may not be so large;
	 * -ENOMEM, -ENOTCONN, -EAGAIN: for want of memory, of a connection, or of room among what the network has not taken
	 */
	int (*publish)(struct engine *e, const struct engine_message *m);
	/** send() - what was written, as much of it as the network takes now. Return: is some of it left? */
	bool (*send)(struct engine *e);
	/** take() - what has come, on_word() for each word; waits for nothing. Return: how many words */
	size_t (*take)(struct engine *e);
	/** wait() - send what is left, until something comes, @wake_fd can be read, or @limit_ns are over; may return earlier */
	void (*wait)(struct engine *e, int wake_fd, int64_t limit_ns);
	/** trouble() - what the broker has complained of; *@denied: to which partition we may not publish, or -1 */
	bool (*trouble)(struct engine *e, int *denied, struct buffer *text);
	/** lost() - why there is no connection, a sentence; "" */
	const char *(*lost)(const struct engine *e);
	/** prepare() - make what has to be there; *@partitions: how many it has. Return: 0, 1: made, or a negative errno */
	int (*prepare)(struct engine *e, uint32_t *partitions, struct buffer *error);
	/** close() - what was written gets to the broker, or @limit_ns are over */
	void (*close)(struct engine *e, int64_t limit_ns);
	void (*free)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
	void (*on_word)(void *ctx, uint64_t number, enum relay_result result); /* set by the publisher, before it connects */
	void *ctx;
};

#endif
