/*
 * first_record.h - the first whole record with protected data in a direction of which the start was not captured
 *
 * Theory of operation. Somewhere in the bytes a record begins (record_search()); the first place where one does, for all that is
 * there, and behind which as many bytes came as it announces, is taken for one. A gap makes all before it useless. That it is
 * no record after all is told by the tag of none holding (joiner.h).
 *
 * What is kept is charged to the budget: no more than a record and a segment.
 */
#ifndef TLS_FIRST_RECORD_H
#define TLS_FIRST_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "tls/records.h"

/** struct first_record - the zero value has seen nothing */
struct first_record {
	struct buffer bytes; /* from where a record may begin */
	uint64_t wire;       /* offset of the first of them */
	size_t charged;
	bool is_whole;       /* they begin with a record, which is it: what follows is not looked at any more */
};

/** first_record_feed() - the next bytes of the direction, in order, at @offset; without memory for them they are a gap */
void first_record_feed(struct first_record *f, struct budget *budget, uint64_t offset, struct span bytes);

/** first_record_gap() - what comes next does not follow on what came before */
void first_record_gap(struct first_record *f, struct budget *budget);

/** first_record_get() - one that is whole, borrowed until the next change */
struct span first_record_get(const struct first_record *f);

/** first_record_deinit() - as if nothing had been seen */
void first_record_deinit(struct first_record *f, struct budget *budget);

#endif
