/*
 * jetstream_read.h - what JetStream responds, read
 *
 * Responses are JSON, from anywhere: what is not there or of another type than it should be is refused, what is not known
 * is stepped over. An error is known by its err_code, which a server keeps from version to version (server/errors.json of
 * NATS); its words are for people.
 *
 * Source: docs.nats.io, "NATS API Reference"; the schemas io.nats.jetstream.api.v1.*
 */
#ifndef RELAY_JETSTREAM_READ_H
#define RELAY_JETSTREAM_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/span.h"

#define JETSTREAM_OPERATION "KV-Operation" /* the header of a message that takes a key away */
#define JETSTREAM_NAME_MAX 64 /* of a consumer that the server names, with its NUL */

/** struct jetstream_stream - its state, and as much of its configuration as is of interest here */
struct jetstream_stream {
	struct wall created;
	uint64_t messages, bytes;
	uint64_t first, last;   /* sequences; 0: it never had any */
	struct wall last_at;    /* 0: likewise */
	uint64_t max_bytes;     /* 0: without limit */
	int64_t max_age_ns;     /* 0: for ever */
	int64_t duplicates_ns;  /* for how long an id is known */
	uint32_t replicas;
	bool discards_new, in_memory, allows_direct;
	bool takes_subject;     /* the one that was asked about is among its subjects, as such or as all of them */
};

struct jetstream_consumer {
	char name[JETSTREAM_NAME_MAX];
	uint64_t delivered; /* sequence of the stream up to which it was; of a new one: behind which it begins */
	uint64_t pending;   /* messages that are to come */
};

/** struct jetstream_message - one that a stream stores; the zero value is empty, and jetstream_message_deinit() frees it */
struct jetstream_message {
	uint64_t place;     /* its sequence */
	struct wall stored;
	bool is_erased;     /* of a key: that it has no value any more is what this one says */
	struct buffer data;
};

struct jetstream_account {
	uint64_t storage_limit, storage_used; /* bytes; a limit of 0: none */
};

/*
 * Each returns 0; what the response says went wrong:
 *
 *   -ENOENT     there is no such stream, consumer, message
 *   -EEXIST     there is a stream of that name, and it is another
 *   -ENOTSUP    no JetStream, or none for us
 *   -EDQUOT     it would take more room than there is
 *   -EREMOTEIO  another reason
 *
 * -EBADMSG, it is no such response; or -ENOMEM. @why: the server's words are appended, where it says any; NULL: not wanted.
 */
int jetstream_read_stream(struct span text, const char *subject, struct jetstream_stream *out, struct buffer *why);
int jetstream_read_consumer(struct span text, struct jetstream_consumer *out, struct buffer *why);
int jetstream_read_message(struct span text, struct jetstream_message *out, struct buffer *why);
int jetstream_read_account(struct span text, struct jetstream_account *out, struct buffer *why);

/** jetstream_read_done() - of a response that says no more than that it is so */
int jetstream_read_done(struct span text, struct buffer *why);

void jetstream_message_deinit(struct jetstream_message *m);

#endif
