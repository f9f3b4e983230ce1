/* traceparent.c - see traceparent.h */
#include "policy/traceparent.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"

#define VALUE_LEN (TRACEPARENT_TEXT_MAX - 1)
#define FLAG_SAMPLED 1

/* Lower case only, as the specification has it. */
static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** take_digits() - @n of them, and the dash behind if @dash; @is_zero: all were 0 */
static bool take_digits(struct span *in, size_t n, bool dash, bool *is_zero)
{
	struct span digits;

	*is_zero = true;
	if (!span_take(in, n, &digits))
		return false;
	for (size_t i = 0; i < n; i++) {
		int d = digit(digits.at[i]);

		if (d < 0)
			return false;
		*is_zero = *is_zero && d == 0;
	}
	return !dash || (span_take(in, 1, &digits) && digits.at[0] == '-');
}

bool traceparent_is_sampled(struct span value)
{
	struct span in = value;
	bool is_first, no_trace, no_parent, no_flags;

	if (!take_digits(&in, 2, true, &is_first) || !take_digits(&in, 32, true, &no_trace) ||
	    !take_digits(&in, 16, true, &no_parent) || !take_digits(&in, 2, false, &no_flags))
		return false;
	if (span_starts(value, SPAN_LITERAL("ff")) || no_trace || no_parent)
		return false;
	/* a later version may say more, behind a dash */
	if (in.len > 0 && (is_first || in.at[0] != '-'))
		return false;
	return digit(value.at[VALUE_LEN - 1]) & FLAG_SAMPLED;
}

const char *traceparent_new(bool is_sampled, char text[static TRACEPARENT_TEXT_MAX])
{
	struct hash_key trace = hash_key_random(), parent = hash_key_random();

	snprintf(text, TRACEPARENT_TEXT_MAX, "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-%02x", trace.k0, trace.k1 | (trace.k1 == 0),
		 parent.k0 | (parent.k0 == 0), is_sampled ? FLAG_SAMPLED : 0u);
	return text;
}

bool traceparent_is_field(struct span name)
{
	return span_equal_nocase(name, SPAN_LITERAL("traceparent")) || span_equal_nocase(name, SPAN_LITERAL("tracestate"));
}
