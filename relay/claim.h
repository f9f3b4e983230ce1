/*
 * claim.h - what says how far the records of a partition were decided, and by whom
 *
 * Theory of operation. A broker hands records over again: after a crash, to a
 * second reader, after a lost acknowledgement. None of its ways to acknowledge
 * holds against that (a server that was killed forgets the last of them). So a
 * replayer sends nothing that it has not claimed: for each partition and group
 * there is one value in the bucket, and a batch of records is claimed by putting
 * the place of its last one there, on the condition that the value still is the
 * one that the replayer knows (compare and set). Who is refused sends nothing of
 * the batch. Who gets no response reads the value: if it is the very one that was
 * to be put, it was put; the nonce tells it from all others. So it was if another
 * has taken over meanwhile and found it there (after). What is at or before
 * that place is never sent again, whoever dies.
 *
 * The value carries the books along, so that they are as exact as the claim is: how
 * many requests were claimed, how many of them ended (settled), and of each run of
 * a tap how many of its records were decided. Of a dead owner's value its successor
 * reads claimed - settled: at most so many requests were lost with it.
 *
 * The stream that places belong to is known by its epoch, the time at which it was
 * made: in another stream they mean nothing.
 */
#ifndef RELAY_CLAIM_H
#define RELAY_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

#define CLAIM_OWNER_MAX 65 /* with its NUL */
#define CLAIM_RUNS_MAX  256

/** struct claim_run - what was decided of the records of one run of a tap, in one partition, since the group began */
struct claim_run {
	uint64_t run;             /* claim_run_id() of ce-source */
	uint64_t received;        /* records that were decided */
	uint64_t first, last;     /* the least and the greatest sequence among them */
	bool is_older;            /* the run had begun when the group did; then: */
	uint64_t base_next;       /* what its last heartbeat before said of itself */
	uint64_t base_duplicate;
	uint64_t base_refused;
};

struct partition_claim {
	char owner[CLAIM_OWNER_MAX]; /* letters, digits, "-" and "_"; "": none, it was let go in order */
	uint64_t nonce;              /* of this value */
	uint64_t after;              /* nonce of the value that the owner found when it took over */
	int64_t epoch;               /* of the stream: Unix ns */
	uint64_t upto;               /* records of the partition up to this place in the stream are decided */
	uint64_t claimed, settled;   /* requests, by all owners so far; of those, that ended */
	uint64_t skipped;            /* places that the engine had discarded before they were reached; other partitions' too */
	struct claim_run *runs;      /* own memory, by run */
	size_t run_count, run_cap;
	bool lacks_runs;             /* there were more than CLAIM_RUNS_MAX */
};

/** claim_run_id() - by which a run is known in claims: of its ce-source */
uint64_t claim_run_id(struct span source);

/** claim_run() - the part of @run in @c, made if there is none; NULL when out of memory or above CLAIM_RUNS_MAX */
struct claim_run *claim_run(struct partition_claim *c, uint64_t run);

/** claim_run_find() - the same, or NULL */
const struct claim_run *claim_run_find(const struct partition_claim *c, uint64_t run);

/** claim_count() - one more record of @run, the one with @sequence, is decided */
void claim_count(struct partition_claim *c, uint64_t run, uint64_t sequence);

/** claim_write() - append the value, JSON */
void claim_write(const struct partition_claim *c, struct buffer *out);

/**
 * claim_read() - a value, from anywhere
 * @out: what it held is freed first
 * Return: 0; -EINVAL, it is none; -ENOMEM. After an error @out is empty.
 */
int claim_read(struct span text, struct partition_claim *out);

/** claim_copy() - false when out of memory; what @to held is freed first */
bool claim_copy(const struct partition_claim *from, struct partition_claim *to);

void claim_deinit(struct partition_claim *c);

/** claim_was_taken_over() - was the value that was to be put there, until the owner of what was read came? */
static inline bool claim_was_taken_over(const struct partition_claim *put, const struct partition_claim *read)
{
	return read->after == put->nonce && read->upto >= put->upto && read->epoch == put->epoch;
}

/** claim_is_same() - is what was read the value that was to be put? */
static inline bool claim_is_same(const struct partition_claim *put, const struct partition_claim *read)
{
	return put->nonce == read->nonce && put->upto == read->upto && strcmp(put->owner, read->owner) == 0;
}

/*
 * WON:     the value was put
 * FENCED:  another value is there than we know
 * DENIED:  the broker does not let us put any, or has no bucket
 * UNKNOWN: none of these can be told; the value has to be read
 */
enum claim_result { CLAIM_WON, CLAIM_FENCED, CLAIM_DENIED, CLAIM_UNKNOWN };

/**
 * claim_result_read() - what the broker responded to a value that was put on a condition
 * @text:      JSON, from anywhere
 * @revision:  of the value, with CLAIM_WON
 */
enum claim_result claim_result_read(struct span text, uint64_t *revision);

#endif
