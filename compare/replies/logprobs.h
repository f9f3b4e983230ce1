/*
 * logprobs.h - do two replies part where two sound models might?
 *
 * Where a request asked for log-probabilities, each token comes with the likeliest
 * ones beside it. Two runs of one model differ first where two tokens are about
 * as likely, and what follows differs with them. So at the first token that
 * differs, each side's must be among the other's likeliest: else no rounding
 * explains it. It is the rule by which vLLM's own tests compare outputs.
 */
#ifndef COMPARE_LOGPROBS_H
#define COMPARE_LOGPROBS_H

#include "base/json_doc.h"

enum logprobs_say {
	LOGPROBS_NOTHING, /* a reply has none, or no likeliest ones, or one ends where the other goes on */
	LOGPROBS_CLOSE,   /* every reply whose tokens differ parts where it may */
	LOGPROBS_APART,   /* one does not */
};

/** logprobs_compare() - of OpenAI's chat and completions, whole or joined, reply by reply */
enum logprobs_say logprobs_compare(const struct json_doc *production, const struct json_doc *shadow);

#endif
