/*
 * event_log.h - the events of a lane: of requests that the loop has no part in
 *
 * Theory of operation: of a request that is not sent, nothing can happen any more
 * once the lane has its decision, so its line is written where its bytes are: by
 * the lane. To hand the request on instead, for the loop to write the line, cost
 * more than the line: memory that one thread takes and another gives back, and a
 * wake-up. The lines of many requests go through the ring as one item, so that
 * they stay in order with the requests that are sent, whose lines the loop writes:
 * when there are many, before such a request, and when the lane is about to wait
 * for packets (event_log_flush()). Where items have a time or a place among those of
 * other lanes, each line is one.
 *
 * What is in the ring is charged to the budget. A lane that reads a recording
 * waits while much of it is there (event_log_is_ahead()); live, lines that find no
 * room are dropped and counted.
 */
#ifndef APP_RUN_EVENT_LOG_H
#define APP_RUN_EVENT_LOG_H

#include <stdbool.h>

#include "base/budget.h"
#include "policy/policy_stats.h"
#include "policy/rewrite.h"
#include "message/item.h"
#include "message/message.h"
#include "message/lost_reason.h"
#include "report/event_writer.h"

struct event_log_options {
	struct event_writer *writer; /* borrowed */
	struct budget *budget;       /* borrowed */
	bool show_query;
	bool one_by_one; /* each line is an item: each has its time, or its place among other lanes' items */
	/* put an item into the ring; false, and it is still the event log's, if there is no room for it */
	bool (*push)(void *ctx, struct item *item);
	void *ctx;
};

struct event_log;

/** event_log_new() - NULL when out of memory */
struct event_log *event_log_new(const struct event_log_options *options);

/** event_log_show() - from now on, the fields that @shown (borrowed until the next call) lets through are shown */
void event_log_show(struct event_log *t, const struct rewrite *shown);

/** event_log_request() - a complete request of this lane that ended here; after event_log_show() */
void event_log_request(struct event_log *t, const struct message *m, enum decision decision);

/** event_log_lost() - a request that will never be complete; @head: as on_lost() has it; @now: capture time */
void event_log_lost(struct event_log *t, const struct request_origin *origin, enum lost_reason reason,
		    const struct request_head *head, struct wall now);

/** event_log_flush() - what was told so far goes into the ring; NULL allowed */
void event_log_flush(struct event_log *t);

/** event_log_is_ahead() - so much is in the ring that a lane that can wait should; NULL allowed */
bool event_log_is_ahead(const struct event_log *t);

/** event_log_take() - the loop: the lines of @item, an ITEM_LINES, which is taken; given */
struct event_lines *event_log_take(struct item *item);

/** event_log_free() - after event_log_flush() and once the loop has taken all items */
void event_log_free(struct event_log *t);

#endif
