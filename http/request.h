/*
 * request.h - one pending request, from its first byte to the sink, whatever its protocol
 *
 * A protocol finds where requests start and end. Here is what is kept of them, who
 * is told, and the books: each request that is counted as seen is finished exactly
 * once, as complete or as lost.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "http/protocol.h"
#include "message/message.h"
#include "http/http_stats.h"

#define SPARE_DIGESTS_MAX 16

/** struct request_env - what all requests of a lane share */
struct request_env {
	struct protocol_sink sink;
	uint64_t max_body;
	struct budget *budget;
	struct http_stats *stats;
	struct digest *spare_digests[SPARE_DIGESTS_MAX];
	uint32_t spare_digest_count;
	struct message borrowed; /* KEEP_BORROWED, while a request is here that came whole */
};

void request_env_deinit(struct request_env *env);

/** struct request - owned by its connection; client, server and connection of @origin are set once by the owner */
struct request {
	struct request_origin origin;
	struct message *message;
	struct message *outgrown; /* too_large: its head, for on_lost */
	struct digest *digest;
	size_t body_cap;
	uint64_t body_len, body_expected; /* expected: Content-Length, 0 if not known */
	uint32_t ordinal;
	enum keep keep;
	uint8_t decision;
	bool seen, finished, limited, too_large, out_of_memory;
	bool wants_response; /* and there is a message */
};

/** request_start() - the first byte may be here; nothing is counted yet. Where it lies, request_place() says */
void request_start(struct request_env *env, struct request *rq, struct wall ts);

/** request_place() - its first byte is that of the client at @offset, on a segment that had read up to @peer_read */
static inline void request_place(struct request *rq, uint64_t offset, uint64_t peer_read)
{
	rq->origin.sequence = (uint32_t)offset; /* reassembly/chunk.h: the lower halves are TCP's */
	rq->origin.acknowledgement = (uint32_t)peer_read;
}

/** request_seen() - it is a request: count it; @ordinal: its number on the connection */
static inline void request_seen(struct request_env *env, struct request *rq, uint32_t ordinal)
{
	rq->ordinal = ordinal;
	rq->seen = true;
	counter_add(&env->stats->seen, 1);
}

/**
 * request_decide() - the head is complete: ask the sink, keep what it wants from here on
 * @whole:  the body is here as well, and @head stays until request_complete(), which is the next but for the body
 * Return: false if @head is a part of one, and the sink does not take that: the request is to be lost.
 */
bool request_decide(struct request_env *env, struct request *rq, const struct request_head *head,
		    uint64_t body_expected, bool whole);

/** request_add_body() - the next bytes of the body, de-chunked; borrowed */
void request_add_body(struct request_env *env, struct request *rq, struct span bytes);

/** request_add_arrival() - as message_add_arrival(), of a body that is kept; without room it is not kept any more */
void request_add_arrival(struct request *rq, uint64_t offset, int64_t us);

/** request_complete() - its last byte came with the segment of @ts: tell the sink, if it isn't finished already */
void request_complete(struct request_env *env, struct request *rq, struct wall ts);

/**
 * request_lost() - it will never be complete: tell the sink and drop what was kept
 *
 * A request that had outgrown max_body is lost for that reason, whatever came later. No-op unless seen and not finished.
 */
void request_lost(struct request_env *env, struct request *rq, enum lost_reason reason);

/** request_lost_in_head() - the same before its head is whole; @line: its method and target alone; borrowed */
void request_lost_in_head(struct request_env *env, struct request *rq, enum lost_reason reason, const struct request_head *line);

/** request_release() - drop what was kept; the sink is not told */
void request_release(struct request_env *env, struct request *rq);

#endif
