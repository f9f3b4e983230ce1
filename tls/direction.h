/*
 * direction.h - one direction of a connection: its records, opened in order, and found again behind gaps
 *
 * Theory of operation. A direction is at the boundary of a record (framed), or it
 * searches for one. Of the next record it knows the number, but for a doubt: after a
 * gap up to @doubt records more may have gone by. A record is tried with each number
 * that it may have, and the tag decides. So the first record behind the handshake
 * is found as well, which has the number 0 and lies somewhere behind records of other
 * keys; and so are the next keys, where the record that announces them (KeyUpdate) was lost.
 *
 * What a gap has taken of the plaintext is known once the next record is: with k
 * records gone, it is the bytes that are missing but for the k records' overhead.
 * That holds where all suites' records have the same overhead, none is padded, and all
 * lost ones had data; a gap at the start, or across keys, has no length (GAP_UNKNOWN).
 * It is told when the next record is opened, or at the end. A record that a gap has cut, and whose
 * header and end were captured, is known to be one: that gap is told at once.
 *
 * Where the suite was agreed on in a gap, there are several keys of one secret, of which one opens the first record
 * that opens; the others are dropped with that.
 *
 * Forged segments could buy time with places to search and numbers to try, so both
 * have a bound for each gap. Beyond it the direction is lost.
 *
 * Offsets of plaintext start where those of the stream do, so that connections differ in them as they do in their
 * sequence numbers. For the last records it is remembered
 * where they ended in both streams, so that what the other side had read can be said
 * in plaintext: the last byte of the last record that it had read whole.
 */
#ifndef TLS_DIRECTION_H
#define TLS_DIRECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "message/lost_reason.h"
#include "reassembly/chunk.h"
#include "tls/early_data.h"
#include "tls/record_count.h"
#include "tls/stream_keys.h"
#include "tls/tls_stats.h"

#define DIRECTION_WAITING 8 /* places at which a record may begin; behind so many none is searched until one is known */
#define DIRECTION_OTHERS 4  /* keys that are as likely as the first */
#define DIRECTION_ENDS  16 /* records whose ends are remembered; power of two */

#define TRIALS_MAX   4096        /* for each gap */
#define SEARCHED_MAX (64 << 10)  /* bytes, likewise */

/**
 * struct direction_sink - what a direction has to say. Any but @on_lost may end with the direction's owner being over,
 * which it then says by false: nothing more is told.
 * @on_data: plaintext, one record's; the chunk's time and peer_read are those of the piece that completed it
 * @on_gap:  plaintext that is missing, or GAP_UNKNOWN. Of a client's the server's direction may be fed meanwhile
 * @on_close: the sender has said that it sends no more
 * @on_opened: a record was opened for the first time
 */
struct direction_sink {
	void *ctx;
	bool (*on_data)(void *ctx, const struct chunk *chunk);
	bool (*on_gap)(void *ctx, uint32_t bytes, enum lost_reason why);
	bool (*on_close)(void *ctx);
	void (*on_opened)(void *ctx);
};

/** struct direction_env - what the directions of a lane share */
struct direction_env {
	struct budget *budget;
	struct tls_stats *stats;
	struct secret_pages pages;           /* for secrets of TLS 1.3, in slots of TLS_SECRET_MAX bytes */
	uint8_t room[2][RECORD_PAYLOAD_MAX]; /* the record at hand, open: a client's, a server's */
};

enum direction_state {
	DIRECTION_FRAMED,    /* what comes next begins a record, or goes on in the one that is kept */
	DIRECTION_SEARCHING, /* a record begins somewhere */
	DIRECTION_CLOSED,    /* the sender has said that it sends no more */
	DIRECTION_LOST,      /* nothing can be found any more */
};

struct record_end {
	uint64_t wire, plain; /* offsets behind it */
};

struct direction {
	enum direction_state state;
	struct stream_keys keys;
	struct stream_keys *others;  /* may be @keys, until a record was opened: DIRECTION_OTHERS, those without a suite last */
	struct stream_keys early;    /* of a client's early data, until they are over */
	struct early_data early_data;
	uint64_t number, early_number;
	uint64_t doubt;              /* the next record's number is @number, or up to so much above */
	uint64_t wire;               /* offset of what @part begins with, or of the next byte */
	uint64_t plain;              /* ... of the next byte of plaintext */
	uint64_t base;               /* ... and of its first */
	struct buffer part;          /* of a record that is not whole; while searching, what may be one */
	size_t charged;
	size_t searched_to;          /* in @part */
	uint32_t waiting[DIRECTION_WAITING]; /* ... where what may be records began that are not whole yet */
	uint8_t waiting_count;
	uint64_t told_to;            /* while a gap is told: where it ends; else 0 */
	uint64_t read_wire, read_plain; /* what direction_plain_at() was asked for last, and said */
	uint64_t gap_from;           /* with gapped: where the first lost record began */
	uint32_t trials, searched;   /* since the last gap */
	uint32_t skip;               /* bytes of a lost record that come yet */
	uint32_t awaited;            /* ... of the record that @part begins with, for which it has room; 0: that isn't known */
	uint32_t message_left;       /* bytes of a handshake message that lie in the next record */
	enum lost_reason gap_why;
	uint16_t unopened;           /* records in a row that did not open */
	uint8_t end_count, end_first;
	bool of_server;
	bool is_open;                /* a record was opened */
	bool is_changed;             /* TLS 1.2: the sender has said that records are protected from now on */
	bool is_padded;              /* some record was */
	bool is_joined;              /* records went by unread, so that of numbers in doubt the highest is the likeliest */
	bool gapped, gap_unknown, keys_doubt; /* the last: there may be other keys by now */
	struct record_end ends[DIRECTION_ENDS];
};

/** direction_init() - @d is zero; without keys yet: see @keys, and @early for a client's. @base: of the stream's first byte */
void direction_init(struct direction *d, uint64_t base, bool of_server);

/** direction_add_keys() - one more suite that the records may be of: its keys are @keys, or an other; 0 or negative errno */
int direction_add_keys(struct direction *d, struct direction_env *env, const struct suite *suite, struct span secret);

/**
 * direction_feed() - the next bytes of the stream, in order
 * @chunk: peer_read is in bytes of the wire, and is told so
 */
void direction_feed(struct direction *d, struct direction_env *env, const struct direction_sink *sink, const struct chunk *chunk);

/**
 * direction_join() - instead of its first bytes: what went by was counted; its keys are there
 * Return: false if there is no memory for the part of a record that is here.
 */
bool direction_join(struct direction *d, struct direction_env *env, const struct record_count *count);

/** direction_enter() - likewise, at the record that begins at @wire, with this number; what was captured before it isn't told */
void direction_enter(struct direction *d, uint64_t wire, uint64_t number);

/** direction_gap() - bytes that never come, or GAP_UNKNOWN */
void direction_gap(struct direction *d, struct direction_env *env, const struct direction_sink *sink, uint32_t bytes,
		   enum lost_reason why);

/** direction_end() - nothing follows: a gap behind which nothing was found is told */
void direction_end(struct direction *d, const struct direction_sink *sink);

/** direction_is_behind() - are there bytes before @wire that were not captured, or of which it is not known what they are? */
bool direction_is_behind(const struct direction *d, uint64_t wire);

/** direction_holds() - are there early data before @wire of which it is not known yet whether the server has taken them? */
bool direction_holds(const struct direction *d, uint64_t wire);

/**
 * direction_plain_at() - how much plaintext ends before @wire; false if that is not remembered
 *
 * Bytes that were not captured, or not yet, are taken to be of one record, as a message mostly is; they may be of more,
 * and then there is less plaintext. What is said of a later byte is never less.
 */
bool direction_plain_at(struct direction *d, uint64_t wire, uint64_t *plain);

void direction_deinit(struct direction *d, struct direction_env *env);

#endif
