/*
 * items.h - the items of a lane that are no requests; see message/item.h
 *
 * Lines of events are event_log.c's own.
 */
#ifndef APP_RUN_ITEMS_H
#define APP_RUN_ITEMS_H

#include <stddef.h>
#include <stdint.h>

#include "message/item.h"
#include "message/message.h"
#include "message/response.h"
#include "message/lost_reason.h"

/** struct response_item - what is known of production's response to a request that went before; freed with free() */
struct response_item {
	struct item item;           /* first */
	struct response_item *next; /* in the lane, while the ring has no room */
	uint64_t token;             /* the request's response_token */
	struct response *response;  /* given with the item; NULL: there was no memory for it */
};

/** struct lost_item - a request that will never be complete, to be explained; freed with free() */
struct lost_item {
	struct item item; /* first */
	struct request_origin origin;
	enum lost_reason reason;
	struct request_head head; /* method and target alone, in @text; empty: not known */
	uint8_t text[];
};

/** lost_item_new() - with a copy of what @head (NULL: nothing is known) says; given, NULL when out of memory */
struct lost_item *lost_item_new(const struct request_origin *origin, enum lost_reason reason, const struct request_head *head);

_Static_assert(offsetof(struct response_item, item) == 0 && offsetof(struct lost_item, item) == 0, "the item is first");

/** response_item_of() / lost_item_of() - the whole of an item of that kind */
static inline struct response_item *response_item_of(struct item *item)
{
	return (struct response_item *)item;
}

static inline struct lost_item *lost_item_of(struct item *item)
{
	return (struct lost_item *)item;
}

#endif
