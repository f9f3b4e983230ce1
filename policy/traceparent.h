/*
 * traceparent.h - a trace of its own for a replayed request (W3C Trace Context, version 00)
 *
 * With the captured field, the shadow's spans would be part of production's
 * traces. With one made anew they are traces of their own, as many in number: the
 * captured one's flag "sampled" is taken over, so that the shadow is traced as
 * often as production.
 */
#ifndef POLICY_TRACEPARENT_H
#define POLICY_TRACEPARENT_H

#include <stdbool.h>

#include "base/span.h"
#include "message/outgoing.h"

enum traceparent_mode { TRACEPARENT_NONE,
			TRACEPARENT_NEW };

#define TRACEPARENT_TEXT_MAX OUTGOING_TRACE_MAX /* 00-, 32 digits, -, 16 digits, -, 2 digits, NUL */

/** traceparent_is_sampled() - does a captured value, of this version or a later one, say so? False if it is none */
bool traceparent_is_sampled(struct span value);

/** traceparent_new() - random ids, neither of them 0; returns @text */
const char *traceparent_new(bool is_sampled, char text[static TRACEPARENT_TEXT_MAX]);

/** traceparent_is_field() - traceparent or tracestate, which is of no use without it */
bool traceparent_is_field(struct span name);

#endif
