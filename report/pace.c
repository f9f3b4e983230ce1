/* pace.c - see pace.h */
#include "report/pace.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/units.h"

bool pace_of(const struct books *b, const struct intake_stats *intake, struct pace *out)
{
	*out = (struct pace){ .requests = books_sent(b),
			      .actual_ns = (int64_t)counter_get(&intake->actual_ns),
			      .rated_ns = (int64_t)counter_get(&intake->rated_ns) };
	for (size_t i = 0; i < b->target_count; i++)
		out->bytes += b->target[i].bytes_sent;
	return intake->lateness_us.count > 0 && out->requests > 0;
}

static double seconds(int64_t ns)
{
	return (double)ns / NS_PER_S;
}

/* Over less than a millisecond a rate says nothing. */
static bool has_rate(const struct pace *p)
{
	return p->actual_ns >= NS_PER_MS && p->rated_ns >= NS_PER_MS;
}

void pace_text(const struct pace *p, struct buffer *out)
{
	char requests[UNITS_TEXT_MAX], bytes[UNITS_TEXT_MAX];

	buffer_printf(out, "replayed %s requests, %s bytes in %.3f s (rated %.3f s)",
		      count_text(p->requests, requests), count_text(p->bytes, bytes), seconds(p->actual_ns),
		      seconds(p->rated_ns));
	if (has_rate(p))
		buffer_printf(out, ": %.2f requests/s (rated %.2f)",
			      (double)p->requests / seconds(p->actual_ns),
			      (double)p->requests / seconds(p->rated_ns));
	buffer_add_str(out, "\n");
}

void pace_json(const struct pace *p, struct json *j)
{
	if (!p) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	json_count(j, "requests", p->requests);
	json_count(j, "bytes", p->bytes);
	json_key(j, "seconds");
	json_double(j, seconds(p->actual_ns));
	json_key(j, "rated_seconds");
	json_double(j, seconds(p->rated_ns));
	json_close(j, '}');
}
