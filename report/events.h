/*
 * events.h - what -o writes: one JSON object a line for each request, loss and outcome
 *
 * No body bytes, unless a comparison is asked for them; no query string unless asked for; of the headers only
 * those that the allow-list would forward.
 */
#ifndef REPORT_EVENTS_H
#define REPORT_EVENTS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "compare/comparison.h"
#include "policy/policy_stats.h"
#include "message/message.h"
#include "message/lost_reason.h"
#include "replay/outcome.h"

#define EVENT_HEADS 4 /* power of two */
#define EVENT_HEAD_MAX 1000

/** struct event_heads - what the lines of equal heads (request_head.same) have in common; zero: nothing is known yet */
struct event_heads {
	struct event_head {
		uint64_t same;
		size_t len;
		uint8_t text[EVENT_HEAD_MAX];
	} known[EVENT_HEADS];
};

struct event_options {
	bool show_query;
	/* may a field of this name be shown? is_grpc: of a call of gRPC */
	bool (*shows_header)(void *ctx, struct span name, bool is_grpc);
	void *ctx;
	/* for requests of one lane; borrowed, and to be forgotten when the responses above change; NULL: all are written anew */
	struct event_heads *heads;
};

/** event_request() - append the line of a complete request: its decision and, unless empty, the rule behind it */
void event_request(const struct event_options *o, const struct message *m, enum decision decision,
		   struct span rule, struct buffer *out);

/** event_lost() - append the line of a request that will never be complete; @head: method and target, empty or NULL: not known */
void event_lost(const struct event_options *o, const struct request_origin *origin, enum lost_reason reason,
		const struct request_head *head, struct buffer *out);

/** event_outcome() - append the line of an ended exchange */
void event_outcome(const struct message *m, const char *target_name, const struct outcome *o, struct buffer *out);

/**
 * event_comparison() - append the line of a pair of responses and what came of comparing them
 * @production_us, @shadow_us:  from the request's last byte to the response's; -1: not known
 * @show_values:                what the two say at each path, too
 */
void event_comparison(const struct message *m, const char *target_name, const struct comparison *c,
		      int64_t production_us, int64_t shadow_us, bool show_values, struct buffer *out);

/** target_shown() - a request target without its query, unless that may be shown, and without user info: then its path */
struct span target_shown(struct span target, bool show_query);

#endif
