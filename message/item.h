/*
 * item.h - what goes through the ring from a lane to the loop
 *
 * Theory of operation: four kinds of things take this way, each a struct of its
 * own: a request (struct message), production's response to one, lines of events,
 * and a request that was lost. A struct item is the first member of each, so a
 * ring holds pointers to items, and the intake needs no more than is here to
 * know which item is the next and when. @kind says which struct an item is the
 * head of; it is looked at in one switch, app/run/'s, and the function that
 * goes from the item to the whole stands beside that struct (message_of()).
 */
#ifndef MESSAGE_ITEM_H
#define MESSAGE_ITEM_H

#include <stdint.h>

#include "base/clock.h"

enum item_kind {
	ITEM_REQUEST,  /* struct message */
	ITEM_RESPONSE, /* production's, to a request that went before; goes at once, since it is not replayed */
	ITEM_LINES,    /* events that the lane wrote */
	ITEM_LOST,     /* a request that will never be complete */
};

struct item {
	enum item_kind kind;
	struct wall due;   /* capture time at which it was complete: a recording's schedule goes by it */
	uint64_t sequence; /* packets of the recording that were read before it: the order among several lanes */
};

#endif
