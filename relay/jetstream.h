/*
 * jetstream.h - what is asked of a broker's JetStream: streams, consumers, single messages, keys
 *
 * Theory of operation: each question is a request to a subject of $JS.API with a bit of JSON, and waits for the response,
 * a second at most. Who may not ask gets no response at all, only an error beside it, so -ETIMEDOUT mostly means that we
 * may not. A bucket is a stream, "KV_" and the bucket's name, whose subjects are keys, and of each of them it keeps the last
 * message; the sequence of that is the key's revision.
 *
 * What returns an int returns 0; an error that jetstream_read.h lists; -ETIMEDOUT; or one of nats_client_request(), but
 * that nobody responds there is -ENOTSUP. @why is appended to, the server's words; NULL: not wanted.
 *
 * Source: docs.nats.io, "NATS API Reference"; ADR-8 (buckets)
 */
#ifndef RELAY_JETSTREAM_H
#define RELAY_JETSTREAM_H

#include "relay/claim.h"
#include "relay/jetstream_read.h"
#include "relay/nats_client.h"

/** jetstream_stream() - @subject: whether it is among the stream's */
int jetstream_stream(struct nats_client *c, const char *stream, const char *subject, struct jetstream_stream *out,
		     struct buffer *why);

/** struct jetstream_stream_options - of a stream to be made: on disk, without a copy, and the oldest message goes first */
struct jetstream_stream_options {
	const char *name, *subject;
	int64_t max_age_ns, duplicates_ns;
	uint64_t max_bytes;
};

/** jetstream_make_stream() - -EEXIST: it is there; where it is there and the same, 0 */
int jetstream_make_stream(struct nats_client *c, const struct jetstream_stream_options *options, struct buffer *why);

/** jetstream_make_bucket() - on disk, with the last value of each key; the same as clients of NATS make it */
int jetstream_make_bucket(struct nats_client *c, const char *bucket, struct buffer *why);

/** struct jetstream_consumer_options - of one that the broker forgets when it is not asked for a while; nothing is acknowledged */
struct jetstream_consumer_options {
	const char *filter;       /* NULL: all subjects */
	uint64_t from;            /* sequence; 0: not by that but */
	struct wall since;        /* by a time; 0: the last message of each subject, and what follows */
	const char *delivered_to; /* NULL: it is pulled */
};

int jetstream_make_consumer(struct nats_client *c, const char *stream, const struct jetstream_consumer_options *options,
			    struct jetstream_consumer *out);
int jetstream_consumer(struct nats_client *c, const char *stream, const char *consumer, struct jetstream_consumer *out);

/** jetstream_forget_consumer() - whatever comes of it, since the broker does so by itself in the end */
void jetstream_forget_consumer(struct nats_client *c, const char *stream, const char *consumer);

/** jetstream_last_message() - of a subject, of the stream's leader. @out is one that was used before, or zero */
int jetstream_last_message(struct nats_client *c, const char *stream, const char *subject, struct jetstream_message *out);

/** jetstream_account() - what we may store; and is there JetStream at all? */
int jetstream_account(struct nats_client *c, struct jetstream_account *out);

/**
 * jetstream_value() - of a key, appended: as any server that has the bucket knows it, where those may say
 * Return: -ENOENT: it has none.
 */
int jetstream_value(struct nats_client *c, const char *bucket, const char *key, struct buffer *out);

/** jetstream_put() - a key's value, on the condition that its revision is @expected, 0 that it has none */
enum claim_result jetstream_put(struct nats_client *c, const char *bucket, const char *key, struct span value, uint64_t expected,
				uint64_t *revision);

/** jetstream_may_publish() - does the broker let us publish to @subject of a stream? 1, 0 (no response), or a negative errno */
int jetstream_may_publish(struct nats_client *c, const char *subject);

/** jetstream_may_make() - the same of making a stream of that name */
int jetstream_may_make(struct nats_client *c, const char *stream);

/* Into @out of JETSTREAM_SUBJECT_MAX bytes; each returns @out. */
#define JETSTREAM_SUBJECT_MAX NATS_SUBJECT_MAX
const char *jetstream_bucket(const char *bucket, char *out);               /* its stream's name */
const char *jetstream_key(const char *bucket, const char *key, char *out); /* a key's subject, in which ">" stands for all */

/** jetstream_condition() - the header of a message that is stored if its subject's last one has the sequence @expected */
#define JETSTREAM_CONDITION_MAX 80
struct span jetstream_condition(uint64_t expected, char out[JETSTREAM_CONDITION_MAX]);

#endif
