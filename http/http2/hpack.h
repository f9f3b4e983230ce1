/*
 * hpack.h - the header fields of one direction of an HTTP/2 connection (RFC 7541)
 *
 * A decoder for a listener, which may come late or miss a part: what it cannot know
 * is said to be unknown and never guessed. The argument that everything else is
 * right is at the top of hpack.c.
 *
 * One struct hpack belongs to each direction. Every header block of the direction
 * goes through hpack_decode() in the order of the wire, also those of streams
 * that are of no interest: HEADERS and PUSH_PROMISE, each joined with its
 * CONTINUATIONs, without padding and priority. Where a block may have been
 * missed, hpack_forget() comes first. Fields come out in a struct hpack_head,
 * which decoders of one thread may share.
 */
#ifndef HTTP_HTTP2_HPACK_H
#define HTTP_HTTP2_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/span.h"
#include "http/http2/hpack_huffman.h"
#include "http/http2/hpack_table.h"

#define HPACK_TABLE_SIZE 4096      /* of the dynamic table, until told otherwise (RFC 9113, 6.5.2) */
#define HPACK_TABLE_SIZE_MAX 65536 /* that is kept; the older part of a larger table is unknown */
#define HPACK_FIELDS_MAX 256       /* of one head */
#define HPACK_LIST_MAX 65536       /* size of one head's fields, with 32 for each (RFC 9113, 6.5.2) */
#define HPACK_MEMO_MAX 256         /* longest block that is compared with the one before */
#define HPACK_MEMO_INSERTIONS 8    /* that it may make, and be remembered without its table */

/** enum hpack_knowledge - what is known of a field */
enum hpack_knowledge {
	HPACK_KNOWN,   /* name and value */
	HPACK_UNNAMED, /* the value only: its name is that of an entry which was not seen */
	HPACK_UNKNOWN, /* nothing but that there is a field */
};

/** struct hpack_field - one field, in the order of the wire; what is not known is a span of NULL */
struct hpack_field {
	struct span name, value;
	enum hpack_knowledge knowledge;
	bool never_indexed; /* its sender marked it as sensitive (RFC 7541, 6.2.3) */
};

/**
 * struct hpack_head - the fields of one block
 *
 * Their bytes are borrowed from the block, the decoder and this struct: they are valid until the block's
 * bytes go, or the decoder or this struct is used again. Large; the zero value is one that was not used.
 * @number is another one for each block, but for one that has the same bytes as the one before and either
 * refers to no table, or comes from the same decoder while its table did not change: then everything is the
 * same, and what was made of the head can be used again.
 */
struct hpack_head {
	struct hpack_field fields[HPACK_FIELDS_MAX];
	size_t count;
	size_t unnamed, unknown; /* fields that are */
	bool over;               /* more than fits: no fields; the table is right */
	uint64_t number;
	/* private */
	uint64_t memo_decoder, memo_changes; /* whose block @memo is, and when */
	size_t memo_len;                     /* 0: nothing is remembered */
	bool stands_alone;                   /* the block says the same whatever is in the table */
	size_t inserted_count;
	struct hpack_insertion {
		uint8_t field;
		bool name_lasts;
	} inserted[HPACK_MEMO_INSERTIONS]; /* what a block that stands alone puts into the table */
	size_t list_size, used;
	uint8_t memo[HPACK_MEMO_MAX];
	uint8_t bytes[HPACK_LIST_MAX + HPACK_HUFFMAN_SLACK]; /* decoded strings: @used */
};

/** struct hpack - the decoder of one direction; @epoch may be read */
struct hpack {
	struct hpack_table table; /* its @max: as the encoder chose it if exact, else what is worth keeping */
	uint64_t id;              /* among all decoders */
	uint32_t limit;           /* the highest @max that the encoder may choose */
	uint32_t epoch;           /* times that everything was forgotten */
	struct {
		const struct hpack_head *head; /* not followed */
		uint64_t number, changes;
	} newest;   /* the head, and the block of it, whose insertions are the newest while the table has this many changes */
	bool exact; /* all blocks from the start on were seen, and the table is held whole */
};

/**
 * hpack_init() - before the first block
 * @budget:      charged with the table, from the first insertion on; NULL: with nothing
 * @from_start:  the first block that will come is the first one that was sent
 */
void hpack_init(struct hpack *h, struct budget *budget, bool from_start);

/** hpack_deinit() - free the table and release its charge */
void hpack_deinit(struct hpack *h);

/**
 * hpack_set_limit() - the receiver's SETTINGS_HEADER_TABLE_SIZE was seen (HPACK_TABLE_SIZE until then)
 * @limit:  the highest of those that may be in force; UINT32_MAX if SETTINGS cannot be seen (a tap of one
 *          direction)
 */
void hpack_set_limit(struct hpack *h, uint32_t limit);

/** hpack_forget() - blocks may have been missed: nothing that was inserted so far can be referred to any more */
void hpack_forget(struct hpack *h);

/**
 * hpack_decode() - read one whole block, and keep what it inserts
 * @block:  borrowed; may be empty
 * @head:   what it says; without fields where it fails
 *
 * Memory that can't be had is no error: the decoder forgets, as after a block that was missed.
 * Return: 0; -EBADMSG if the block is malformed, or refers to what isn't in a table that is known exactly.
 * The receiver then ends the connection (RFC 9113, 4.3); for one that doesn't, the decoder has forgotten.
 */
int hpack_decode(struct hpack *h, struct span block, struct hpack_head *head);

/** hpack_walks() - do these bytes have the form of a header block, to the last of them? What they refer to isn't looked at */
bool hpack_walks(struct span block);

/** hpack_held() - bytes that the table takes */
size_t hpack_held(const struct hpack *h);

/** enum hpack_completeness - how much of a head is known */
enum hpack_completeness {
	HPACK_HEAD_WHOLE,   /* every field */
	HPACK_HEAD_PART,    /* not every field, but those that are needed */
	HPACK_HEAD_UNKNOWN, /* one that is needed may be among those that are not, or the head was over */
};

/**
 * hpack_completeness() - judge a head
 * @needed:  @count names without which the head is of no use; one that is missing from a whole head is for
 *           the caller
 */
enum hpack_completeness hpack_completeness(const struct hpack_head *head, const struct span *needed,
					   size_t count);

/** hpack_find() - value of the first known field called @name (in lower case, as in RFC 9113, 8.2), or NULL */
const struct span *hpack_find(const struct hpack_head *head, struct span name);

#endif
