/*
 * nats_message.h - a message as it came from a server of NATS, and the fields of its header block
 *
 * Source: NATS ADR-4, "Message Headers".
 */
#ifndef RELAY_NATS_MESSAGE_H
#define RELAY_NATS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define NATS_HEADERS_MAX 65536 /* bytes of the header block of a message that we look into; a longer one counts as none */

/** struct nats_message - owned by who was given it; one block of memory */
struct nats_message {
	struct nats_message *next; /* free for the owner's use */
	uint32_t subscription;
	uint16_t status;            /* of the header block's first line, such as 503 (no responders) or 404; 0: none */
	struct span subject, reply; /* reply: empty: none; each followed by a NUL */
	struct span headers;        /* the lines behind the first, each ended by CRLF, without the empty one */
	struct span status_text;    /* what follows the status on its line, such as "No Messages" */
	struct span data;           /* followed by a NUL */
};

/**
 * nats_message_new() - with room at *@room for @size bytes, in which header block and data will lie
 * Return: NULL: out of memory. Complete once nats_message_set() was called.
 */
struct nats_message *nats_message_new(uint32_t subscription, struct span subject, struct span reply, size_t size, uint8_t **room);

/** nats_message_set() - once @block, its header block (may be empty), and @data lie in it: take the block apart */
void nats_message_set(struct nats_message *m, struct span block, struct span data);

void nats_message_free(struct nats_message *m);

/** nats_message_header() - the value of the first field called @name, which is case-sensitive (ADR-4); false: there is none */
bool nats_message_header(const struct nats_message *m, struct span name, struct span *value);

/** nats_header_take() - the next line of @lines, taken apart; a line without a colon is passed over; false: no more */
bool nats_header_take(struct span *lines, struct span *name, struct span *value);

#endif
