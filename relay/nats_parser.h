/*
 * nats_parser.h - what a server of NATS says, as events
 *
 * Pure: bytes in, events out, wherever the stream is cut. The protocol is lines, and two kinds of them have bytes behind
 * them: a message's header block and data.
 * Source: docs.nats.io, "Client Protocol".
 */
#ifndef RELAY_NATS_PARSER_H
#define RELAY_NATS_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"
#include "relay/nats_message.h"

#define NATS_LINE_MAX 65536 /* bytes of a line: INFO names every server of a cluster */

enum nats_event {
	NATS_EVENT_NONE,      /* the input is used up */
	NATS_EVENT_MESSAGE,   /* MSG, HMSG: message is given */
	NATS_EVENT_INFO,      /* text is its JSON */
	NATS_EVENT_PING,
	NATS_EVENT_PONG,
	NATS_EVENT_OK,
	NATS_EVENT_COMPLAINT, /* -ERR: text is what it says, without quotes */
	NATS_EVENT_MALFORMED, /* text says what; the stream is of no more use, and so for the next */
	NATS_EVENT_NO_MEMORY,
};

/** struct nats_parser - of one connection; { .data_max = n } is one at the beginning of a stream */
struct nats_parser {
	size_t data_max;              /* bytes of a message's headers and data that are accepted */
	struct nats_message *message; /* last event's, given; or the one whose bytes are still to come */
	struct span text;             /* last event's, borrowed until the next call */

	struct buffer line; /* the beginning of one that was cut */
	uint8_t *at;        /* where the next of the message's bytes goes */
	size_t missing;     /* how many are still to come, the CRLF behind them included */
	size_t header_len, size; /* of the header block, and of it with the data */
	bool is_broken;
};

/** nats_parser_next() - the next event of what begins at @in, which is moved over what it took */
enum nats_event nats_parser_next(struct nats_parser *p, struct span *in);

void nats_parser_deinit(struct nats_parser *p);

#endif
