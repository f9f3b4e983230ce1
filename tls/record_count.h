/*
 * record_count.h - how many records of a direction have gone by, told by their headers alone
 *
 * Theory of operation. Whoever has waited for its secrets long enough is not kept any more, but they may come yet, and then
 * the next record's number has to be known. So records are counted meanwhile: a header says how long its record
 * is, and of that no byte has to be here. Behind a gap that leads beyond the record at hand, the next place that looks
 * like a header (record_search()) is taken for one; how many records the gap has taken is not known, but for their most,
 * which is what is in doubt. Should such a place have been none, the count is wrong, and then no record opens
 * with it: the tag decides (direction.h).
 *
 * Of TLS 1.3 all records with data count, also those of the handshake, which have other keys and look alike: so up to
 * RECORD_COUNT_HANDSHAKE of them may be too many. Of TLS 1.2 those count that follow the change of keys.
 */
#ifndef TLS_RECORD_COUNT_H
#define TLS_RECORD_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "tls/records.h"

#define RECORD_COUNT_HANDSHAKE 256

struct record_count {
	uint64_t wire;    /* offset of the next byte */
	uint64_t records; /* protected ones that began before it */
	uint64_t doubt;   /* ... or so many more */
	uint32_t left;    /* bytes of the last of them that come yet */
	uint8_t head_len; /* bytes that are here of the next one's header, which end at @wire */
	bool is_tls13;
	bool is_changed;  /* TLS 1.2: records are protected from now on */
	bool is_searching;
	uint8_t head[RECORD_HEADER_BYTES];
};

/** record_count_start() - at @wire a record begins, the direction's first */
void record_count_start(struct record_count *c, uint64_t wire, bool is_tls13);

/** record_count_bytes() - the next bytes of the direction, in order, at @offset */
void record_count_bytes(struct record_count *c, uint64_t offset, struct span bytes);

/** record_count_gap() - so many that never come; GAP_UNKNOWN: what is in doubt then has no bound, and no record will be found */
void record_count_gap(struct record_count *c, uint32_t bytes);

/** record_count_least(), record_count_most() - the number of the next record, as far as that is known */
uint64_t record_count_least(const struct record_count *c);
uint64_t record_count_most(const struct record_count *c);

#endif
