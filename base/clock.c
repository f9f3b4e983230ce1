/* clock.c - see clock.h */
#include "base/clock.h"

#include <stdio.h>

const char *time_text(struct wall t, char *out)
{
	int64_t seconds = t.ns / NS_PER_S, rest = t.ns % NS_PER_S;
	char day[24];
	struct tm tm;
	time_t when;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	when = (time_t)seconds;
	if (!gmtime_r(&when, &tm) || strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(day, sizeof(day), "1970-01-01T00:00:00");
	snprintf(out, TIME_TEXT_MAX, "%s.%09lldZ", day, (long long)rest);
	return out;
}
