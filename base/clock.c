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

/** take_number() - @digits digits from the front of @text, @least to @most */
static bool take_number(struct span *text, size_t digits, int least, int most, int *out)
{
	struct span s;
	uint64_t n;

	if (!span_take(text, digits, &s) || !digits_read(s, &n))
		return false;
	*out = (int)n;
	return *out >= least && *out <= most;
}

static bool take_byte(struct span *text, const char *any)
{
	uint8_t c;

	return span_u8(text, &c) && c != '\0' && strchr(any, c);
}

static bool take_day(struct span *text, struct tm *tm)
{
	bool ok = take_number(text, 4, 0, 9999, &tm->tm_year) && take_byte(text, "-") && take_number(text, 2, 1, 12, &tm->tm_mon) &&
		  take_byte(text, "-") && take_number(text, 2, 1, 31, &tm->tm_mday);

	tm->tm_year -= 1900;
	tm->tm_mon--;
	return ok;
}

/** take_fraction() - ".5" and its like, in ns; there may be none, and digits after the ninth are nothing */
static bool take_fraction(struct span *text, int64_t *ns)
{
	int64_t unit = NS_PER_S;

	*ns = 0;
	if (text->len == 0 || text->at[0] != '.')
		return true;
	span_skip(text, 1);
	if (text->len == 0 || text->at[0] < '0' || text->at[0] > '9')
		return false;
	for (; text->len > 0 && text->at[0] >= '0' && text->at[0] <= '9'; span_skip(text, 1)) {
		unit /= 10;
		*ns += (text->at[0] - '0') * unit;
	}
	return true;
}

/** take_offset() - of the zone, in seconds: what is to be taken off */
static bool take_offset(struct span *text, int64_t *seconds)
{
	uint8_t sign = 0;
	int hours = 0, minutes = 0;

	if (!span_u8(text, &sign))
		return false;
	*seconds = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	if ((sign != '+' && sign != '-') || !take_number(text, 2, 0, 23, &hours) || !take_byte(text, ":") ||
	    !take_number(text, 2, 0, 59, &minutes))
		return false;
	*seconds = (sign == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
	return true;
}

bool time_read(struct span text, struct wall *out)
{
	struct tm tm = { 0 }, back;
	int64_t fraction, offset, ns;
	time_t seconds;

	if (!take_day(&text, &tm) || !take_byte(&text, "Tt ") || !take_number(&text, 2, 0, 23, &tm.tm_hour) || !take_byte(&text, ":") ||
	    !take_number(&text, 2, 0, 59, &tm.tm_min) || !take_byte(&text, ":") || !take_number(&text, 2, 0, 60, &tm.tm_sec) ||
	    !take_fraction(&text, &fraction) || !take_offset(&text, &offset) || text.len > 0)
		return false;
	back = tm;
	seconds = timegm(&back);
	if (back.tm_mday != tm.tm_mday && tm.tm_sec < 60) /* the 30th of February */
		return false;
	if (__builtin_mul_overflow((int64_t)seconds - offset, NS_PER_S, &ns) || __builtin_add_overflow(ns, fraction, &ns))
		return false;
	*out = (struct wall){ ns };
	return true;
}
