/* clock.c - see clock.h */
#include "base/clock.h"

#include <string.h>

#include "base/digits.h"

/** second_text() - "1970-01-01T00:00:00": made once for the many events of a second; valid until the next call */
static const char *second_text(int64_t seconds)
{
	static _Thread_local char text[20];
	static _Thread_local int64_t of;
	time_t when = (time_t)seconds;
	struct tm tm;

	if (text[0] && of == seconds)
		return text;
	if (!gmtime_r(&when, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		strcpy(text, "1970-01-01T00:00:00");
	of = seconds;
	return text;
}

char *time_put(char *at, struct wall t)
{
	int64_t seconds = t.ns / NS_PER_S, rest = t.ns % NS_PER_S;

	if (rest < 0) {
		rest += NS_PER_S;
		seconds--;
	}
	at = stpcpy(at, second_text(seconds));
	*at++ = '.';
	*at++ = (char)('0' + rest / 100000000);
	at = put_eight(at, (uint32_t)(rest % 100000000));
	*at++ = 'Z';
	return at;
}

const char *time_text(struct wall t, char *out)
{
	*time_put(out, t) = '\0';
	return out;
}
