/*
 * http2.h - one connection's HTTP/2, for the files that share the work
 *
 * They call each other downward only:
 *
 *   http2_reader.c   what a tracker calls
 *   client.c         the client's frames and gaps
 *   server.c         the server's
 *   responses.c      what is kept of responses
 *   requests.c       what becomes of requests
 *   block.c, side.c  header blocks, joined; where a direction is
 *
 * Theory of operation. Each direction is cut into frames (frames.h) and its header
 * blocks go through a decoder (hpack.h), all of them and in order, or it would read
 * the following ones wrong. A stream is one request. It is complete with END_STREAM,
 * but not told of yet: production may still refuse it (REFUSED_STREAM, GOAWAY), and
 * then the client sends it again elsewhere, or find it malformed. So it is held until
 * production reacts on its stream, or cannot be seen to.
 *
 * What is missing. A gap inside the content of DATA costs that request, for the
 * frame's length is known. One inside a header block costs that request and what the
 * decoder knew. Behind any other the place of the next frame is not known: all that
 * is open is lost, the decoder forgets, and a segment is waited for that looks like
 * frames (seek.h).
 *
 * What was found that way, or in a connection that began before the capture, may be
 * bytes of a body that look like frames, made so on purpose. Three things keep them
 * from becoming a request or a response:
 *  - Nothing is believed before an anchor: a segment that starts with a frame while the
 *    one before it was short, and whose sender had read more since. A sender writes
 *    frames whole, so what is left of one would have filled the short segment up.
 *    What was found in a body ends with that frame, and so before the anchor. What it
 *    has inserted into the decoder's table goes with it.
 *  - From there on a request still needs proof: it is told of when production responds
 *    on its stream, having read its head, unless another head has come for it. While
 *    a gap is waited for responses go by whose requests are behind it: what the server
 *    says of streams that the client has not come to is kept (STREAM_AHEAD).
 *  - Where frames that were found lie over a segment that looks like frames itself, one
 *    of both is wrong: what is not proven is lost, and the place is looked for anew.
 */
#ifndef HTTP_HTTP2_HTTP2_H
#define HTTP_HTTP2_HTTP2_H

#include "base/buffer.h"
#include "http/http2/fields.h"
#include "http/http2/frames.h"
#include "http/http2/hpack.h"
#include "http/http2/http2_reader.h"
#include "http/http2/streams.h"
#include "http/request.h"
#include "reassembly/chunk.h"
#include "reassembly/reader.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_BYTES (sizeof(PREFACE) - 1)
#define BLOCK_BYTES_MAX (64u << 10)
#define BLOCK_FRAMES_MAX 64
#define SPARE_HTTP2_MAX 64
#define AHEAD_MAX 256      /* streams of which the server has spoken, whose requests may be behind a gap that waits */
#define SEGMENT_SHORT 1200 /* bytes: a full segment is longer wherever an MTU of 1280 passes (RFC 8200, 5) */

/** enum h2_error - codes by which a server says that it did not process a stream (RFC 9113, 7) */
enum h2_error {
	ERROR_PROTOCOL = 1,
	ERROR_FLOW_CONTROL = 3,
	ERROR_FRAME_SIZE = 6,
	ERROR_REFUSED_STREAM = 7,
	ERROR_COMPRESSION = 9,
	ERROR_INADEQUATE_SECURITY = 12,
	ERROR_HTTP_1_1_REQUIRED = 13,
};

/** struct known_head - the last head of a client, and what it says; of some connections each, by their number */
struct known_head {
	struct hpack_head head;
	struct fields_head fields;
};

/** struct http2_env - what all connections of a lane share */
struct http2_env {
	struct request_env requests;
	struct stream_pool streams;
	bool keep_responses, joins;
	uint64_t max_response, last_token;
	int64_t max_stream_ns;
	struct http2 *spare;
	uint32_t spare_count;
	struct response_head response_head; /* of the response at hand */
	struct known_head known_heads[FIELDS_HEADS];
	struct hpack_head response_heads[FIELDS_HEADS];
};

/** struct block - the header block that a direction is in */
struct block {
	struct buffer bytes;   /* what came of it, unless it lay whole in one piece */
	struct budget *budget; /* to which @charged was charged */
	size_t charged;
	struct wall at; /* with its first byte */
	uint64_t offset, peer_read; /* HEADERS of a client: where the frame's first byte lies, and how far its segment had read */
	uint32_t stream;
	uint32_t skip; /* bytes before the fields: the promised stream's id */
	uint16_t frames;
	enum frame_type type; /* HEADERS or PUSH_PROMISE */
	bool is_open;         /* only CONTINUATION of the stream may follow */
	bool ends_stream;
	bool is_broken;       /* some of it is missing, or it is too large */
	enum lost_reason why; /* ... for which its request is lost */
};

enum side_state {
	SIDE_AT_PREFACE,  /* the client's 24 bytes are awaited */
	SIDE_AT_SETTINGS, /* the first frame is, which must be SETTINGS */
	SIDE_AT_FRAMES,
	SIDE_SEEKING, /* the place is not known */
};

/** struct side - one direction */
struct side {
	enum side_state state;
	bool is_found;      /* the place was guessed once */
	bool is_anchored;   /* ... and since then a segment has shown that it is right */
	uint8_t small_have; /* bytes of the content of a frame that is not a stream's, or of RST_STREAM */
	uint8_t small[8];
	uint8_t preface_have;
	uint32_t highest;   /* id of the streams that the side has opened, or was met in */
	uint32_t limit;     /* streams above are not processed by it: from its GOAWAY */
	uint64_t last_read; /* peer_read of the last segment, with last_bytes */
	size_t last_bytes;  /* of the last segment; 0: none since the place was found */
	uint64_t split_read; /* of a client, within a frame's nine bytes: peer_read of the segment that has the first of them */
	struct frames frames;
	struct hpack hpack;
	struct block block;
};

struct http2 {
	struct reader reader; /* first: what the tracker holds */
	struct http2_env *env;
	struct request_origin origin;
	const struct stream_place *server;
	struct wall at;               /* of the segment at hand */
	uint64_t offset;              /* ... of the client: of its first byte */
	struct known_head *known;     /* of the lane's: where heads are decoded into */
	struct hpack_head *responded; /* ... and those of responses */
	enum reader_result result;
	bool is_upgraded;        /* from HTTP/1 */
	bool is_preface_counted; /* ... or the preface was met by HTTP/1 */
	bool is_counted;         /* as a connection of HTTP/2 */
	struct streams streams;
	struct side side[SIDES];
	struct http2 *next; /* in the free list */
};

/* ---- block.c, side.c ---- */

/** block_start() - HEADERS or PUSH_PROMISE starts */
void block_start(struct block *b, const struct frame *at, struct wall now);

/**
 * block_add() - more of it
 * @whole: set to @piece where that is all of it, and nothing was copied
 */
void block_add(struct block *b, const struct frames *f, struct span piece, struct span *whole);

/** block_keep() - @piece, which is borrowed, has to wait for what follows */
void block_keep(struct block *b, struct span piece);

/** block_drop() - what was kept */
void block_drop(struct block *b);

/** block_break() - some of it is missing, or too much */
void block_break(struct block *b, enum lost_reason why);

/** block_clear() - it is over */
static inline void block_clear(struct block *b)
{
	b->is_open = false;
	if (b->bytes.cap > 0)
		block_drop(b);
}

/** side_number() - four bytes in network order */
uint32_t side_number(const uint8_t at[4]);

/** side_settings() - more of the content of SETTINGS of @s: what it lets @encoder, the other side's, do (RFC 9113, 6.5.2) */
void side_settings(struct side *s, struct hpack *encoder, struct span piece);

/** side_small() - collect the first bytes of a small frame's content */
void side_small(struct side *s, struct span piece);

/** side_anchor() - a segment comes: does it show that the place which was found is right? */
void side_anchor(struct side *s, const struct chunk *chunk);

/** side_is_sure() - may what the frames say be believed? */
static inline bool side_is_sure(const struct side *s)
{
	return !s->is_found || s->is_anchored;
}

/** side_lose_place() - the next frame's place is not known: nor is, any more, what its decoder knew */
void side_lose_place(struct side *s);

/* ---- requests.c ---- */

/** h2_requests_lose() - of @st; the sink is told if it was not told of it before. @st stays */
void h2_requests_lose(struct http2 *h, struct h2_stream *st, enum lost_reason why);

/** h2_requests_lose_head() - a head that cannot be read, of a request that is lost for @why */
void h2_requests_lose_head(struct http2 *h, uint32_t id, struct wall at, enum lost_reason why);

/** h2_requests_head() - the head of @st is in known->fields: decide on it */
void h2_requests_head(struct http2 *h, struct h2_stream *st, struct wall at);

/** h2_requests_body() - @st, which is open, may be gone afterwards */
void h2_requests_body(struct http2 *h, struct h2_stream *st, struct span bytes);

/** h2_requests_end() - the last byte is here: it is held, told of, or lost. @st may be gone afterwards */
void h2_requests_end(struct http2 *h, struct h2_stream *st, struct wall at);

/** h2_requests_prove() - production responds on the stream: tell of the request that is held */
void h2_requests_prove(struct http2 *h, struct h2_stream *st);

/** h2_requests_release() - production is not waited for any more. What needs proof is lost */
void h2_requests_release(struct http2 *h, struct h2_stream *st);

/** h2_requests_done() - forget @st if nothing is left to be done for it */
void h2_requests_done(struct http2 *h, struct h2_stream *st);

/** h2_requests_forget() - @st, of which the server has spoken, but no request will come */
void h2_requests_forget(struct http2 *h, struct h2_stream *st);

/** h2_requests_lose_open() - those that are not whole */
void h2_requests_lose_open(struct http2 *h, enum lost_reason why);

/* ---- responses.c ---- */

/** h2_responses_head() - the fields in @responded are those of a response's head, or its trailers */
void h2_responses_head(struct http2 *h, struct h2_stream *st, struct wall at);
void h2_responses_body(struct http2 *h, struct h2_stream *st, struct span bytes, struct wall at);
void h2_responses_end(struct http2 *h, struct h2_stream *st, struct wall at);

/** h2_responses_break() - it will not be whole, if it is not */
void h2_responses_break(struct http2 *h, struct h2_stream *st, enum response_result why);

/** h2_responses_tell() - the request was told of: so is its response, if it is here */
void h2_responses_tell(struct http2 *h, struct h2_stream *st);

/** h2_responses_drop() - its request was lost */
void h2_responses_drop(struct h2_stream *st);

/* ---- client.c, server.c ---- */

enum reader_result h2_client_chunk(struct http2 *h, const struct chunk *chunk);
void h2_client_gap(struct http2 *h, uint32_t bytes, enum lost_reason why);
enum reader_result h2_server_chunk(struct http2 *h, const struct chunk *chunk);
void h2_server_gap(struct http2 *h, uint32_t bytes, enum lost_reason why);

/** h2_client_end() - the client's direction has ended, or all has: what is not whole never will be */
void h2_client_end(struct http2 *h, enum lost_reason why);

#endif
