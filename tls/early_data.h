/*
 * early_data.h - early data of a client, open, until the server is known to have taken them
 *
 * A server may drop them, and then the client sends them again (RFC 8446, 4.2.10). What there is no memory for is a gap behind what
 * is held, with all that follows it.
 */
#ifndef TLS_EARLY_DATA_H
#define TLS_EARLY_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "reassembly/chunk.h"

/** struct early_record - one record's; @chunk's bytes are here */
struct early_record {
	struct early_record *next;
	struct chunk chunk;
	uint64_t wire_end; /* offset behind it in the stream */
	uint8_t bytes[];
};

/** struct early_data - the zero value is empty */
struct early_data {
	struct early_record *first, *last;
	uint64_t dropped; /* bytes behind @last that there was no memory for */
};

/** early_data_add() - a copy of @chunk, behind what is held; false if it is dropped */
bool early_data_add(struct early_data *e, struct budget *budget, const struct chunk *chunk, uint64_t wire_end);

/** early_data_clear() - hold nothing; what was dropped is still known */
void early_data_clear(struct early_data *e, struct budget *budget);

#endif
