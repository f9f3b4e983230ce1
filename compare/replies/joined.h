/*
 * joined.h - a stream of events as one JSON document
 *
 * Language models send a response in pieces, and where the pieces are cut says
 * nothing. So the deltas are joined: the document looks like one event of the
 * stream, with the whole text, the last finish_reason, the usage. What is
 * compared are two such documents.
 */
#ifndef COMPARE_JOINED_H
#define COMPARE_JOINED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "compare/comparison.h"
#include "compare/replies/sse.h"
#include "message/response.h"

struct joint;

/** struct joined - used again for the next stream; the zero value is empty */
struct joined {
	struct buffer text; /* the document */
	bool error;         /* an event says that something failed */
	struct stream_facts facts;

	struct budget *memory; /* borrowed, or NULL: what the document is charged to where it outgrows the stream */
	size_t charged;        /* for that */

	/* the inside */
	struct sse_reader reader;
	struct json_doc doc;  /* of the event at hand */
	struct joint *joints; /* the tree that grows with the events */
	uint32_t joint_count;
	struct buffer gaps;
};

/**
 * joined_read() - join the events of @body, which @from came with (its content coding undone)
 * Times are told only where @body is @from's own bytes: arrivals count those. Return: 0, -EFBIG (the budget
 * has no room for the document) or -ENOMEM.
 */
int joined_read(struct joined *j, struct span body, const struct response *from);

void joined_deinit(struct joined *j);

#endif
