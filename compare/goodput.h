/*
 * goodput.h - which share of the requests was answered in time, by production and by the shadow
 *
 * Both answered the same requests, so their difference has the interval of paired shares. One thread at a time.
 */
#ifndef COMPARE_GOODPUT_H
#define COMPARE_GOODPUT_H

#include "base/json.h"
#include "base/json_doc.h"
#include "base/looks.h"
#include "compare/slo.h"

/** struct goodput - the zero value is of no request and no --slo */
struct goodput {
	char slo[SLO_TEXT]; /* as it was written; "": there is none */
	bool is_mixed;      /* of reports with another --slo each: counts that cannot be added */
	uint64_t both, production, shadow, neither; /* good for both, for one alone, for none */
	uint64_t unknown; /* a time that is asked for is not known of one of the two */
};

/** goodput_add() - one request and what the two responses to it were; MISSED: also one that is none, or an error */
void goodput_add(struct goodput *g, enum slo_met production, enum slo_met shadow);
void goodput_merge(struct goodput *into, const struct goodput *from);

/** goodput_json() - the member "goodput", with intervals for @looks: null without a --slo */
void goodput_json(const struct goodput *g, enum looks looks, struct json *j);

/** goodput_text() - a line for a terminal, with @note behind it; nothing without a --slo */
void goodput_text(const struct goodput *g, enum looks looks, const char *note, struct buffer *out);

/** goodput_read() - add what such a member @node (0: none) says to @g; NULL, or the member that is wrong (static text) */
const char *goodput_read(struct goodput *g, const struct json_doc *d, uint32_t node);

#endif
