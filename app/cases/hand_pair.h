/*
 * hand_pair.h - a pair that was on no wire: two responses out of files, put into the comparer
 */
#ifndef APP_CASES_HAND_PAIR_H
#define APP_CASES_HAND_PAIR_H

#include <stdbool.h>

#include "base/budget.h"
#include "base/span.h"
#include "compare/comparer.h"

#define HAND_BODY_MAX (UINT64_C(1) << 30)

enum hand_side { HAND_PRODUCTION, HAND_SHADOW, HAND_SIDES };

/** struct hand_pair - hand_pair_init() first; not to be moved */
struct hand_pair {
	struct budget budget; /* without a limit */
	struct message *message;
	struct response *response[HAND_SIDES];
	struct outcome outcome;
};

struct case_rules;

/**
 * hand_comparer_new() - for responses out of files, by the rules of a case; HAND_BODY_MAX at the most
 * @rules_name: what the file of rules is called in messages. 0, or a negative errno that was told in the log
 */
int hand_comparer_new(const struct case_rules *rules, const char *rules_name, struct comparer **out);

void hand_pair_init(struct hand_pair *p);

/** hand_pair_response() - of one side, in place of one before; all is copied. False: out of memory */
bool hand_pair_response(struct hand_pair *p, enum hand_side side, int status_code, const struct response_head *head,
			struct span body);

/** hand_pair_request() - the body of the request (copied), in place of one before; it has to be called. False: out of memory */
bool hand_pair_request(struct hand_pair *p, struct span body);

/** hand_pair_compare() - of both responses and the request; borrowed from @c until its next comparison */
const struct comparison *hand_pair_compare(struct hand_pair *p, struct comparer *c);

void hand_pair_deinit(struct hand_pair *p);

#endif
