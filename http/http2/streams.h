/*
 * streams.h - the streams of one connection that something is still to be done for
 *
 * A client numbers its streams upwards, so those that are open are a window of
 * ascending ids; they are held in that order. In the same order they are told of
 * where all of them end at once.
 */
#ifndef HTTP_HTTP2_STREAMS_H
#define HTTP_HTTP2_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"
#include "message/grpc.h"
#include "message/response.h"

#define STREAMS_OPEN_MAX 1024
#define SPARE_STREAMS_MAX 256

enum h2_stream_state {
	STREAM_AHEAD, /* the server's response was captured before the request; its id is above all of the client's */
	STREAM_OPEN,  /* the head is here, the end is not */
	STREAM_HELD,  /* the request is whole, and production has not reacted yet */
	STREAM_TOLD,  /* the sink knows what became of the request; a response may be awaited */
};

struct h2_stream {
	uint32_t id;
	enum h2_stream_state state;
	bool needs_proof;  /* the place of its frames was guessed: it is one if production responds on it */
	bool responded;    /* the response has begun, or the stream was proven by it */
	bool server_ended; /* the response is whole */
	uint64_t read_by_server; /* with STREAM_AHEAD: how much of the client's direction; 0: unknown */
	bool has_length;
	bool is_grpc;
	bool lacks_encoding; /* of a call: how its messages are compressed may be in a field that is not known */
	uint64_t content_length;
	struct request request;
	struct grpc_messages messages;
	int64_t message_us; /* of a call: when its first message came, after the first byte */
	struct wall sent_at; /* when the last byte of the request was captured; with STREAM_HELD and after */
	struct wall responded_at, server_ended_at;
	struct response *response; /* of one that is wanted */
	uint64_t token;            /* with STREAM_TOLD: its response is awaited; 0: it is not */
	struct h2_stream *next;    /* in the free list */
};

/** struct stream_pool - the spare ones of a lane, and the budget (borrowed) that the others are charged to */
struct stream_pool {
	struct budget *budget;
	struct h2_stream *spare;
	uint32_t spare_count;
};

void stream_pool_deinit(struct stream_pool *pool);

/** struct streams - in ascending order of id; zero is empty */
struct streams {
	struct h2_stream **at; /* own memory */
	uint32_t count, cap;
	uint32_t last;   /* index of the one that was found last */
	uint32_t absent; /* id of one that was looked for and is not held; 0: none was */
};

/** streams_search() - streams_find() of another one than was last found, or not found */
struct h2_stream *streams_search(struct streams *s, uint32_t id);

/** streams_find() - NULL if it is not held */
static inline struct h2_stream *streams_find(struct streams *s, uint32_t id)
{
	if (s->last < s->count && s->at[s->last]->id == id)
		return s->at[s->last];
	return s->absent == id && id != 0 ? NULL : streams_search(s, id);
}

/** streams_above() - the first whose id is above @id, or NULL; @count: set to how many there are */
struct h2_stream *streams_above(const struct streams *s, uint32_t id, uint32_t *count);

/** streams_next() - the first whose id is above *@id, which becomes its id, or NULL: for all of them, while some are removed */
struct h2_stream *streams_next(const struct streams *s, uint32_t *id);

/** streams_add() - a new one, zero but for its id; NULL when out of memory, over the budget, or STREAMS_OPEN_MAX are held */
struct h2_stream *streams_add(struct streams *s, struct stream_pool *pool, uint32_t id);

/** streams_remove() - nothing is left to be done for it; its request and response are the caller's to free before */
void streams_remove(struct streams *s, struct stream_pool *pool, struct h2_stream *st);

/** streams_deinit() - it is empty: free the memory */
void streams_deinit(struct streams *s, struct stream_pool *pool);

#endif
