/*
 * clock.h - two kinds of time that must not be mixed
 *
 * struct wall is the packet's own clock: Unix nanoseconds from the capture. It
 * ages flows and dates requests, so that a recording gives the same result
 * every time it is read. It can step backwards.
 *
 * struct mono is ours (CLOCK_MONOTONIC): it drives the client and the pacing.
 *
 * Only app/ and replay/ ask the system for the time; below them time is an
 * argument.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/span.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

struct wall {
	int64_t ns;
};

struct mono {
	int64_t ns;
};

/** wall_between() - nanoseconds from @earlier to @later; a recording can claim any time, so they may be too many to count */
static inline int64_t wall_between(struct wall earlier, struct wall later)
{
	int64_t ns;

	if (__builtin_sub_overflow(later.ns, earlier.ns, &ns))
		return later.ns < earlier.ns ? INT64_MIN : INT64_MAX;
	return ns;
}

/** wall_after() - @ns later than @t, or the last time there is */
static inline struct wall wall_after(struct wall t, int64_t ns)
{
	int64_t sum;

	if (__builtin_add_overflow(t.ns, ns, &sum))
		sum = ns < 0 ? INT64_MIN : INT64_MAX;
	return (struct wall){ sum };
}

static inline struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ ts.tv_sec * NS_PER_S + ts.tv_nsec };
}

static inline struct wall wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ ts.tv_sec * NS_PER_S + ts.tv_nsec };
}

/** time_text() - RFC 3339 with nine digits and Z, into @out of TIME_TEXT_MAX bytes; returns @out */
#define TIME_TEXT_MAX 40
const char *time_text(struct wall t, char *out);

/** time_read() - RFC 3339, with any number of digits, Z or an offset; false if it is none, or too far away to count */
bool time_read(struct span text, struct wall *out);

/** time_put() - the same without the NUL, as in digits.h */
char *time_put(char *at, struct wall t);

#endif
