/*
 * outgoing.h - the head of a request on its way to a shadow: what it says, in no wire format
 *
 * Made by the policy floor, or by a caller that has a request of its own, and
 * written by the client in the format of its protocol. The spans point into the
 * captured message, into what the maker keeps, and into the texts that are here,
 * so it is of use as long as all three are.
 */
#ifndef MESSAGE_OUTGOING_H
#define MESSAGE_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digits.h"
#include "base/span.h"
#include "message/header_list.h"
#include "message/message.h"

#define OUTGOING_TRACE_MAX 56 /* of a traceparent, with its NUL */

struct outgoing {
	struct span method, target; /* the target as RFC 9112, 3.2 has it: origin-form, or "*" */
	struct header_list fields;  /* Host too; all that is sent, in this order */
	struct buffer target_text, host_text; /* where target or the value of Host had to be put together */
	char length_text[DIGITS_UINT_MAX], id_text[WIRE_ID_TEXT_MAX];
	char trace_text[OUTGOING_TRACE_MAX];
};

/** outgoing_clear() - nothing is said yet; keeps the memory */
void outgoing_clear(struct outgoing *o);

/** outgoing_add() - one more field, borrowed */
static inline void outgoing_add(struct outgoing *o, struct span name, struct span value)
{
	header_list_add(&o->fields, name, value);
}

/** outgoing_add_length() - Content-Length: @bytes; once */
void outgoing_add_length(struct outgoing *o, uint64_t bytes);

/** outgoing_ok() - false when memory was short on the way */
bool outgoing_ok(const struct outgoing *o);

void outgoing_deinit(struct outgoing *o);

#endif
