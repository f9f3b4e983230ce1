/*
 * head.h - the head of a request while its bytes come in
 *
 * The parser yields a head in pieces: half a name, an empty value, the rest of
 * a target from the next segment. A head collects them in one growing buffer
 * and remembers offsets, which stay right when the buffer moves; spans are made
 * once, when the head is complete. Heads are recycled, so a request costs no
 * allocation after the first few.
 */
#ifndef HTTP_HTTP1_HEAD_H
#define HTTP_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "message/message.h"

/* What servers take at most: 8 KiB (nginx) up to 64 KiB and more per field; the rest is an attack on memory. */
#define HEAD_BYTES_MAX (256 << 10)
#define HEAD_FIELDS_MAX 2048

struct head {
	struct head *next; /* in the list of spare ones */
	struct buffer bytes;
	struct head_field *fields;
	struct header *headers; /* of the same length: filled by head_spans() */
	uint32_t field_count, field_cap;
	uint32_t method_len, target_len;
	size_t charged; /* while it waits for another segment */
	bool in_name, in_value;
};

#define SPARE_HEADS_MAX 64

/** struct heads - those of a lane: the spare ones, and the budget (borrowed) that the others are charged to */
struct heads {
	struct budget *budget;
	struct head *spare;
	uint32_t spare_count;
};

void heads_deinit(struct heads *heads);

/** heads_take() - an empty head, for heads_return(); NULL when out of memory */
struct head *heads_take(struct heads *heads);

/** heads_return() - @head is used no more; its charge is released */
void heads_return(struct heads *heads, struct head *head);

/** heads_charge() - @head waits for another segment: charge what it holds; false if refused */
bool heads_charge(struct heads *heads, struct head *head);

/* Add a piece, in the order of the wire. False: out of memory, or more than HEAD_*_MAX. */
bool head_add_method(struct head *head, struct span piece);
bool head_add_target(struct head *head, struct span piece);
bool head_add_name(struct head *head, struct span piece);
bool head_add_value(struct head *head, struct span piece);

/** head_end_field() - the field is complete: white space after the value goes (RFC 9112, 5.1) */
void head_end_field(struct head *head);

/** head_line() - method and target, if both are whole; borrowed from @head, which may be NULL. False: they are not */
bool head_line(const struct head *head, struct request_head *out);

/** head_spans() - the head as spans, borrowed until the next change */
struct request_head head_spans(struct head *head, uint8_t version_major, uint8_t version_minor);

#endif
