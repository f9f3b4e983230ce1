/*
 * events.h - what -o writes: one JSON object a line for each request, loss and outcome
 *
 * No body bytes, ever; no query string unless asked for; of the headers only
 * those that the allow-list would forward.
 */
#ifndef REPORT_EVENTS_H
#define REPORT_EVENTS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "policy/policy_stats.h"
#include "reassembly/message.h"
#include "reassembly/reassembly_stats.h"
#include "replay/outcome.h"

struct event_options {
	bool show_query;
	/* may a field of this name be shown? */
	bool (*shows_header)(void *ctx, struct span name);
	void *ctx;
};

/** event_request() - append the line of a complete request and its verdict */
void event_request(const struct event_options *o, const struct message *m, enum verdict verdict, struct buffer *out);

/** event_lost() - append the line of a request that will never be complete */
void event_lost(const struct request_origin *origin, enum lost_reason reason, struct buffer *out);

/** event_outcome() - append the line of an ended exchange */
void event_outcome(const struct message *m, const char *target_name, const struct outcome *o, struct buffer *out);

/** target_shown() - the part of a request target before its query, unless the query may be shown */
struct span target_shown(struct span target, bool show_query);

#endif
