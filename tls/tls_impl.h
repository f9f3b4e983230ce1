/*
 * tls_impl.h - a connection, for the files that share its work (see tls_reader.c)
 */
#ifndef TLS_TLS_IMPL_H
#define TLS_TLS_IMPL_H

#include "tls/direction.h"
#include "tls/hello.h"
#include "tls/joiner.h"
#include "tls/tls_queue.h"
#include "tls/tls_reader.h"

/* Charged from the start, for it is then that idle ones make room. */
#define TLS_DIRECTIONS_BYTES (SIDES * sizeof(struct direction))

/** enum tls_state - set by tls_set_state() alone */
enum tls_state {
	TLS_HELLOS,  /* what both sides say in the clear is not here yet */
	TLS_SECRETS, /* it is, but what opens the rest isn't known */
	TLS_COUNTED, /* ... nor has it become known in time: of what comes meanwhile only records are counted */
	TLS_OPEN,    /* plaintext goes to the inner reader */
	TLS_OVER,    /* nothing more is read */
};

/** enum tls_hello - what a side says in the clear */
enum tls_hello {
	TLS_HELLO_AWAITED,
	TLS_HELLO_KNOWN, /* of the client's its random, at least */
	TLS_HELLO_LOST,  /* the server's, in a gap: it was of TLS 1.3, or all is lost; its suite shows with the first record */
};

struct inner_kind {
	const struct reader_ops *ops;
	void *shared;
};

/** struct tls_env - what a lane's connections share */
struct tls_env {
	struct direction_env directions;
	struct secrets *secrets;
	bool may_come;
	int64_t wait_ns;
	struct joiner *joiner;
	bool awaits_joiner;
	struct inner_kind inner[TLS_INNER_MAX];
	size_t inner_count;
	struct budget *budget;
	struct tls_stats *stats;
	struct counted_histogram *late_us;
	struct tls_lane *lane;
	struct wall clock;   /* the latest capture time that was told */
	struct tls *waiting; /* those in TLS_SECRETS, the one that waits for longest first */
	struct tls **waiting_end;
	uint64_t generation; /* of the secrets, when those that wait were looked at last */
	uint64_t answers;    /* ... and how many the joiner had given */
	struct buffer scratch;
};

/** struct client_offers - what of a ClientHello matters behind it */
struct client_offers {
	bool ech, early_data;
};

/**
 * struct tls - a connection
 *
 * Most may be of others than whose secrets are known, and stay for long: what only an open one needs is allocated with it.
 */
struct tls {
	struct reader reader; /* first */
	struct tls_env *env;
	enum tls_state state;
	enum tls_hello hello[SIDES];
	enum tls_fate fate; /* TLS_FATE_COUNT: it is not known yet */
	bool from_first_byte, is_detached, unread_server;
	bool has_base[SIDES];
	bool is_joined;   /* its secrets came when what they open had gone by, or its handshake had */
	bool has_no_room; /* its fate is for want of memory, and counted so */
	bool catches_up;  /* what had waited is read, and no record was opened yet */
	struct client_offers offers;
	uint64_t generation;              /* with TLS_COUNTED: of the secrets, when it has asked for its own last */
	struct record_count count[SIDES]; /* ... and nothing behind it is touched then */
	char *name;                       /* of the server, as the client says it; NULL: it does not */
	uint8_t random[TLS_RANDOM_BYTES]; /* the client's */
	struct server_hello server_hello;
	uint64_t base[SIDES];    /* with has_base: offset of the first byte */
	struct passed_by passed; /* with is_joined: of the client's data, where they have begun nothing; in bytes of the wire */
	struct request_origin origin;
	const struct stream_place *server; /* the tracker's; NULL once detached */
	struct buffer first[SIDES];        /* bytes of a side whose hello is not whole */
	struct tls_queue queue;            /* until it is open, or counted */
	struct tls *next_waiting;
	struct wall since;           /* with TLS_SECRETS */
	struct direction *direction; /* of SIDES, since it is open, or its handshake had gone by */
	struct tls_queue late;       /* of the server, open: see put_off_response() */
	struct stream_place place;   /* ... of the server's plaintext */
	struct tls_join *join;       /* NULL: its handshake was captured */
	struct reader *inner;
	enum reader_result result; /* of the inner reader, once it wants no more */
	size_t charged;
};

/** tls_set_state() - drops what waits where nothing more is read */
void tls_set_state(struct tls *c, enum tls_state state);

static inline bool tls_has_fate(const struct tls *c)
{
	return c->fate != TLS_FATE_COUNT;
}

/** tls_decide() - what became of the connection; a later word replaces an earlier one */
void tls_decide(struct tls *c, enum tls_fate fate);

/** tls_decide_no_room() - it cannot wait for its secrets, or use them, for want of memory; @fate: what else would be said of it */
void tls_decide_no_room(struct tls *c, enum tls_fate fate);

/** tls_leave() - nothing more of it is read */
void tls_leave(struct tls *c, enum tls_fate fate);

/** tls_destroy() - the tracker is done with it, and it waits for nothing */
void tls_destroy(struct tls *c);

/* ---- tls_wait.c: until it is open ---- */

/** tls_note_suite() - which one it was is known, before any plaintext is; false when out of memory */
bool tls_note_suite(struct tls *c, const struct suite *suite);

/** tls_make_directions() - in which nothing has come yet; false when out of memory */
bool tls_make_directions(struct tls *c);

/** tls_read_queue() - it is TLS_OPEN now: what has waited */
void tls_read_queue(struct tls *c);

/** tls_set_base() - @offset: of the first byte of @side */
void tls_set_base(struct tls *c, enum stream_side side, uint64_t offset);

/** tls_look_for_hello() - in the bytes of @side up to @bytes, which are in the queue already */
void tls_look_for_hello(struct tls *c, enum stream_side side, struct span bytes);

/**
 * tls_lose_hello() - a gap has its end, or all of it; is enough of it known?
 *
 * Of the client's, the random has to be there, which stands at its start. Of the server's nothing, if it was of TLS 1.3.
 */
bool tls_lose_hello(struct tls *c, enum stream_side side);

/** tls_heed_hellos() - if both are there: what they say decides whether the rest may be read */
void tls_heed_hellos(struct tls *c);

/** tls_ask() - for the secrets; with them all that waits is read */
void tls_ask(struct tls *c);

/** tls_give_up() - there is no secret, or none in time: it is counted, or left */
void tls_give_up(struct tls *c);

/** tls_give_way() - likewise, for want of memory */
void tls_give_way(struct tls *c);

/** tls_make_room() - who waits for its secrets longest waits no more; false if that is @c, or none does */
bool tls_make_room(struct tls_env *env, const struct tls *c);

/** tls_count_event() - TLS_COUNTED: what is not kept any more */
void tls_count_event(struct tls *c, const struct tls_waiting *w);

/* ---- tls_join.c: a connection whose handshake was not captured ---- */

/** tls_join_begin() - at @chunk, the client's first that was captured: it waits (TLS_SECRETS); false if it is not joined */
bool tls_join_begin(struct tls *c, const struct chunk *chunk);

/** tls_join_look_at() - @w is in the queue */
void tls_join_look_at(struct tls *c, const struct tls_waiting *w);

/** tls_join_ask() - is it known who the client is? Then it may be opened. Else it waits on, or was left, or reads on */
bool tls_join_ask(struct tls *c);

/** tls_join_holds() - open: has @w to wait? Then the connection is TLS_SECRETS again */
bool tls_join_holds(struct tls *c, const struct tls_waiting *w);

/** tls_join_awaits_server() - is it not known yet where in the server's direction it was joined? */
bool tls_join_awaits_server(const struct tls *c);

/** tls_join_tell() - ... else what tls_tell() does with that part of @w which is read */
void tls_join_tell(struct tls *c, const struct tls_waiting *w);

/** tls_join_give_up() - TLS_SECRETS: is what the client said read all the same? */
bool tls_join_give_up(struct tls *c);

/** tls_join_end() - nothing more is asked */
void tls_join_end(struct tls *c);

/* ---- tls_open.c: with TLS_OPEN ---- */

/** tls_tell() - what the tracker has told, or had told before it was open; @w: borrowed */
void tls_tell(struct tls *c, const struct tls_waiting *w);

/** tls_tell_bytes() - likewise, of TLS_BYTES that come now */
void tls_tell_bytes(struct tls *c, enum stream_side side, const struct chunk *chunk);

/** tls_tell_half_end() - likewise; is something still awaited of the server? */
bool tls_tell_half_end(struct tls *c, enum stream_side side);

#endif
