/*
 * reader.h - who reads the streams of a connection: the seam between TCP and the protocols above
 *
 * Theory of operation. The tracker knows connections and the order of their
 * bytes; what the bytes mean, a reader knows. The floor above hands the kinds of
 * readers in when it makes a tracker (tracker_new()), each a table of functions
 * and their configuration. Of a connection's first bytes, and of bytes somewhere
 * inside a connection whose start was not captured, the tracker asks each kind: do
 * you claim these? The one that is most certain, the first of several, gets a reader
 * made for the connection, and that is told, in order, all that comes of both directions: bytes,
 * gaps of known or unknown length, the end of one direction, the end of all. A
 * reader that says that it is done is freed, and the connection is only followed to
 * its end.
 *
 * All calls of a tracker's readers come on one thread, and none calls back into the
 * tracker. Of the two directions one is told before the other wherever packets are
 * captured so: a response may come before its request.
 */
#ifndef REASSEMBLY_READER_H
#define REASSEMBLY_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/span.h"
#include "message/message.h"
#include "reassembly/chunk.h"
#include "message/lost_reason.h"

#define GAP_UNKNOWN UINT32_MAX /* a gap's length: it is not known how much is missing, or where */

/** enum stream_side - who has sent the bytes */
enum stream_side { SIDE_CLIENT, SIDE_SERVER, SIDES };

/** enum claim - do these bytes start a message of the protocol? Each says more than the one before */
enum claim {
	CLAIM_NONE,
	CLAIM_MAYBE,  /* all bytes fit, but they are too few to say */
	CLAIM_LIKELY, /* ... and enough to tell client from server by */
	CLAIM_SURE,
};

/** enum reader_result - unless READER_LIVE, there is nothing more to find, and the reader is freed */
enum reader_result {
	READER_LIVE,
	READER_REFUSED, /* the first bytes were not of the protocol after all; nothing was counted */
	READER_LEFT,    /* the connection speaks something else from here on; counted by the reader */
	READER_HANDS_ON, /* another reader reads the rest of the connection: @hand_on says which */
};

/** struct passed_by - what went by of the client before its stream could be read */
struct passed_by {
	uint64_t peer_read; /* with peer_known: the highest on those bytes */
	uint32_t missing;   /* bytes between those and the first chunk that were not captured */
	bool peer_known;
};

/** struct reader_start - the connection that a reader is made for; borrowed for the call but for @server */
struct reader_start {
	struct request_origin origin; /* client, server, proxied and connection are set */
	const struct stream_place *server; /* of the server's direction, borrowed for the reader's life */
	bool from_first_byte;    /* the next chunk of the client is the connection's first, but for a gap */
	bool server_passed_by;   /* bytes of the server went by */
	struct passed_by passed; /* of the client, and if nothing did, zero */
};

struct reader_ops;

/** struct reader - the base of what a kind makes for each connection, as its first member */
struct reader {
	const struct reader_ops *ops;
};

/**
 * struct reader_ops - one protocol
 * @open:        once for a tracker: what all its connections share, for @make; NULL when out of memory
 * @close:       ... and its end, when all readers are freed; NULL allowed
 * @claims:      may a message begin with @bytes of @side? @at_start: they are the first of that side, so that
 *               they tell more: CLAIM_LIKELY is enough then, while CLAIM_MAYBE is elsewhere, and CLAIM_SURE of a server
 * @make:        a reader for a connection that was claimed; NULL when out of memory or over the budget
 * @on_chunk:    the next bytes of a side, in order
 * @on_gap:      @bytes of @side will never come, or GAP_UNKNOWN; @now: the time by which that was decided
 * @on_passed_by: bytes of the client went by before its stream started, as in reader_start; more than once at need
 * @on_proxied:  a proxy says who the client is: so from now on
 * @on_half_end: @side has ended in order; told again when more comes of the other one. Return, of the client: is
 *               something still awaited of the server? If not, @on_end may follow
 * @on_end:      nothing will follow: what is pending is lost for @why. @seen: to the connection's end; false: the
 *               rest of it is not read. Told before @free, unless the reader has said that it is done or the tracker is freed
 * @hand_on:     after READER_HANDS_ON: who reads the rest, given, and had what is left of @chunk, the last of @side;
 *               NULL when out of memory. NULL itself where a kind never hands on
 * @free:        reports nothing
 * @on_unfollowed: CLAIM_SURE was the claim on bytes that cannot be read, for @why: one message more is lost
 */
struct reader_ops {
	const char *name;             /* "HTTP": what the connection turned out to be; for the log, like the next three */
	const char *refused;          /* "not HTTP:", of a connection that no kind claims */
	const char *left, *left_more; /* with READER_LEFT: what has happened, and how that may be */
	bool server_proves; /* requests become complete by what the server says: at the end all of that is told, too */
	void *(*open)(const void *config);
	void (*close)(void *shared);
	enum claim (*claims)(struct span bytes, enum stream_side side, bool at_start);
	struct reader *(*make)(void *shared, const struct reader_start *start);
	enum reader_result (*on_chunk[SIDES])(struct reader *r, const struct chunk *chunk);
	void (*on_gap)(struct reader *r, enum stream_side side, uint32_t bytes, enum lost_reason why, struct wall now);
	void (*on_passed_by)(struct reader *r, const struct passed_by *passed);
	void (*on_proxied)(struct reader *r, const struct endpoint *client);
	bool (*on_half_end)(struct reader *r, enum stream_side side);
	void (*on_end)(struct reader *r, enum lost_reason why, bool seen);
	struct reader *(*hand_on)(struct reader *r, enum stream_side side, const struct chunk *chunk);
	void (*free)(struct reader *r);
	void (*on_unfollowed)(void *shared, const struct request_origin *origin, struct wall at, enum lost_reason why);
};

/** struct reader_kind - a protocol as the floor above hands it in; @config is borrowed for the call of tracker_new() */
struct reader_kind {
	const struct reader_ops *ops;
	const void *config;
};

#endif
