/*
 * explain.h - --explain: a line on standard error for each request, and for each target that got or did not get it
 *
 *   10:02:03.123 9e107d9d372bb682 POST /v1/models/m:predict 10.0.0.7:51234 > 10.0.0.9:8501 352 bytes: chosen
 *   10:02:03.123 9e107d9d372bb682 default: answered 200 in 1.2 ms
 *   10:02:03.981 5b2c0f6f0a5e4c11 GET /healthz ... 0 bytes: filtered by method: POST and PUT are mirrored, others with --method
 *
 * Time (of the request's last byte, UTC, as in events) and id begin each line
 * about a request, so that they belong together wherever they stand.
 *
 * Theory of operation: the lane hands over every request, as it does for -o, and
 * the loop asks the rules again for the one that decided (policy/reasons.h); the
 * lane decides as fast as ever. Lines go the way of all log lines: what standard
 * error does not take at once is dropped and counted. Only a dry run of a
 * recording waits, since there is nothing else that it could be late for.
 *
 * Never told: bodies, values of headers but Host, and queries without
 * --show-query. What was captured is shown in printable ASCII.
 */
#ifndef APP_RUN_EXPLAIN_H
#define APP_RUN_EXPLAIN_H

#include "message/message.h"
#include "message/lost_reason.h"
#include "replay/outcome.h"
#include "report/books.h"
#include "policy/policy.h"

/** struct explain_settings - what the options say, see stages_explain() */
struct explain_settings {
	bool is_on; /* --explain */
	bool waits; /* there is nothing to be late for: a recording, and nothing is sent */
	bool show_query;
	const struct policy_options *policy; /* borrowed */
};

struct explain;

/** explain_new() - NULL without --explain, and when out of memory (told) */
struct explain *explain_new(struct explain_settings set);

/** explain_rules() - other rules from now on; what @set points to is borrowed until the next call. @e: NULL allowed, below too */
void explain_rules(struct explain *e, struct explain_settings set);

/**
 * explain_request() - a whole request and its decision
 * @share:  the sample as it is now
 * Return: the rule behind the decision, for events; borrowed until the next call, empty if there is none.
 */
struct span explain_request(struct explain *e, const struct message *m, enum decision decision, uint64_t share);

/** explain_lost() - a request that never becomes whole; @head: its method and target, empty or NULL if they are not known */
void explain_lost(struct explain *e, const struct request_origin *origin, enum lost_reason reason, const struct request_head *head);

/** explain_outcome() / explain_unsent() - what became of it at one target; @why: SHED_COUNT if it was not in its sample */
void explain_outcome(struct explain *e, const char *target, const struct message *m, const struct outcome *o);
void explain_unsent(struct explain *e, const char *target, const struct message *m, enum shed_reason why);

/** explain_end() - say of how many requests there is no line, if the books know of more; then free @e; without @b only that */
void explain_end(struct explain *e, const struct books *b);

#endif
