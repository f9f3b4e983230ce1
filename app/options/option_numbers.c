/*
 * option_numbers.c - the kinds of option whose value is a number: in a unit, within the row's range
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options/option_value.h"
#include "base/units.h"

/* ---- units: bounds are told exactly, where base/units.h rounds or stops at minutes: 2047M and not 1.999G ---- */

#define SECOND_NS UINT64_C(1000000000)
#define HOUR_NS (3600 * SECOND_NS)

static const char *exact_count(uint64_t n, char *out)
{
	snprintf(out, UNITS_TEXT_MAX, "%" PRIu64, n);
	return out;
}

static const char *exact_bytes(uint64_t n, char *out)
{
	int unit = 0;

	for (; n > 0 && n % 1024 == 0 && unit < 4; unit++)
		n /= 1024;
	snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "%.1s", n, &"\0KMGT"[unit]);
	return out;
}

static const char *exact_time(uint64_t n, char *out)
{
	if (n == 0 || n % HOUR_NS != 0)
		return duration_text((int64_t)n, out);
	snprintf(out, UNITS_TEXT_MAX, "%" PRIu64 "h", n / HOUR_NS);
	return out;
}

static bool parse_time(const char *text, uint64_t *out)
{
	int64_t ns;

	if (!parse_duration(text, &ns))
		return false;
	*out = (uint64_t)ns;
	return true;
}

static const struct option_unit counts = { parse_uint, "not a whole number, such as 100", exact_count };
static const struct option_unit bytes = { parse_size, "not a size; write 65536, 64K, 16M or 1G", exact_bytes };
static const struct option_unit times = { parse_time, "not a time; write 300ms, 0.3, 5s or 2m", exact_time };

/* ---- whole numbers ---- */

static int read_number(const struct option_input *in, uint64_t *out, struct buffer *error)
{
	const struct option_unit *unit = option_ops_of(in->row->kind)->unit;

	if (!unit->parse(in->value, out))
		return option_wrong(error, in, "%s", unit->complaint);
	if (*out >= in->row->min && *out <= in->row->max)
		return 0;
	option_wrong(error, in, "out of range, which is ");
	option_range(in->row, error);
	return -EINVAL;
}

static int parse_u32(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t n;
	int rc = read_number(in, &n, error);

	(void)o;
	if (rc == 0)
		*(uint32_t *)field = (uint32_t)n;
	return rc;
}

static int parse_u64(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t n;
	int rc = read_number(in, &n, error);

	(void)o;
	if (rc == 0)
		*(uint64_t *)field = n;
	return rc;
}

const struct option_ops option_uint32 = { option_default_u32, parse_u32, option_equal_u32, .unit = &counts };
const struct option_ops option_size32 = { option_default_u32, parse_u32, option_equal_u32, .unit = &bytes };
const struct option_ops option_uint64 = { option_default_u64, parse_u64, option_equal_u64, .unit = &counts };
const struct option_ops option_size = { option_default_u64, parse_u64, option_equal_u64, .unit = &bytes };

static bool has_no_unit(const char *value)
{
	return value[strspn(value, "0123456789.")] == '\0';
}

/* Times are int64_t in the options, and never negative: read and compared as the uint64_t of the same value. */
static int parse_time_option(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t ns, most = in->row->bare_max;

	if (most > 0 && has_no_unit(in->value) && parse_time(in->value, &ns) && ns > most)
		return option_wrong(error, in, "a bare number above %" PRIu64 "; write %.40sms or %.40ss", most / SECOND_NS,
				    in->value, in->value);
	return parse_u64(o, in, field, error);
}

const struct option_ops option_duration = { option_default_u64, parse_time_option, option_equal_u64, .unit = &times };

static int parse_snaplen(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t n;
	int rc;

	(void)o;
	if (parse_uint(in->value, &n) && n == 0) {
		*(uint32_t *)field = (uint32_t)in->row->max;
		return 0;
	}
	rc = read_number(in, &n, error);
	if (rc == 0)
		*(uint32_t *)field = (uint32_t)n;
	else if (parse_uint(in->value, &n))
		buffer_add_str(error, ", or 0 for the most");
	return rc;
}

const struct option_ops option_snaplen = { option_default_u32, parse_snaplen, option_equal_u32, .unit = &counts };

static int parse_rate(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t n;
	int rc = read_number(in, &n, error);

	(void)field;
	for (size_t i = 0; i < o->target_count && rc == 0; i++)
		o->targets[i].rate = n;
	return rc;
}

/* Compared target by target, see option_change.c. */
const struct option_ops option_rate = { .parse = parse_rate, .unit = &counts };

static int parse_percent(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	char digits[16];
	size_t len = strlen(in->value);
	uint64_t n;

	(void)o;
	if (len < 2 || len > sizeof(digits) || in->value[len - 1] != '%')
		return option_wrong(error, in, "not per cent of a core; write 20%%");
	snprintf(digits, sizeof(digits), "%.*s", (int)len - 1, in->value);
	if (!parse_uint(digits, &n))
		return option_wrong(error, in, "not a whole number of per cent; write 20%%");
	if (n < in->row->min || n > in->row->max)
		return option_wrong(error, in, "out of range, which is 1%% to 10000%% of one core");
	*(uint32_t *)field = (uint32_t)n;
	return 0;
}

const struct option_ops option_percent = { option_default_u32, parse_percent, option_equal_u32, .unit = &counts };

/* ---- shares ---- */

int option_read_share(const struct option_input *in, const char *text, uint64_t *out, struct buffer *error)
{
	char percent[64];
	uint64_t unused;
	size_t len = strlen(text);

	if (parse_share(text, out))
		return 0;
	snprintf(percent, sizeof(percent), "%.60s%%", text);
	if (parse_share(percent, &unused))
		return option_wrong(error, in, "a bare number above 1; write %s", percent);
	if (len > 0 && strspn(text, "0123456789.") == (text[len - 1] == '%' ? len - 1 : len))
		return option_wrong(error, in,
				    "out of range, which is 0%% to 100%%, or 0 to 1, in steps of 0.0000001%%");
	return option_wrong(error, in, "not a share; write 5%% or 0.05");
}

static int parse_plain_share(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)o;
	return option_read_share(in, in->value, field, error);
}

const struct option_ops option_share = { .set_default = option_default_u64, .parse = parse_plain_share, .equal = option_equal_u64 };

/* "1%..20%/30m" */
static int parse_ramp(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *dots = strstr(in->value, ".."), *slash = strchr(in->value, '/');
	struct ramp_options *ramp = field;
	char from[32], to[32];
	uint64_t over;
	int rc;

	(void)o;
	if (!dots || !slash || slash < dots + 2 || dots - in->value >= (ptrdiff_t)sizeof(from) ||
	    slash - dots - 2 >= (ptrdiff_t)sizeof(to))
		return option_wrong(error, in, "not a ramp; write 1%%..20%%/30m");
	snprintf(from, sizeof(from), "%.*s", (int)(dots - in->value), in->value);
	snprintf(to, sizeof(to), "%.*s", (int)(slash - dots - 2), dots + 2);
	rc = option_read_share(in, from, &ramp->from, error);
	if (rc == 0)
		rc = option_read_share(in, to, &ramp->to, error);
	if (rc < 0)
		return rc;
	if (ramp->from >= ramp->to)
		return option_wrong(error, in, "a ramp leads up; write the smaller share first");
	if (!parse_duration(slash + 1, &ramp->over_ns))
		return option_wrong(error, in, "what follows \"/\" is no time; write 30m, 45s or 2h");
	over = (uint64_t)ramp->over_ns;
	if (over < in->row->min || over > in->row->max)
		return option_wrong(error, in, "the time is out of range, which is 1s to 8760h");
	return 0;
}

static bool ramps_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	return a->ramp.from == b->ramp.from && a->ramp.to == b->ramp.to && a->ramp.over_ns == b->ramp.over_ns;
}

const struct option_ops option_ramp = { .parse = parse_ramp, .equal = ramps_equal };

/* ---- fractions ---- */

static bool equal_double(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return *(const double *)x == *(const double *)y;
}

/* Digits and at most one point, so that strtod()'s hex, infinities and signs never get in */
static bool parse_decimal(const char *text, double *out)
{
	size_t digits = strspn(text, "0123456789"), rest = 0;

	if (text[digits] == '.')
		rest = 1 + strspn(text + digits + 1, "0123456789");
	if (digits + rest > 20 || text[digits + rest] != '\0' || (digits == 0 && rest < 2))
		return false;
	*out = strtod(text, NULL);
	return true;
}

static int parse_speed(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	double speed = 1;

	(void)field;
	o->speed_max = strcmp(in->value, "max") == 0;
	if (!o->speed_max && !parse_decimal(in->value, &speed))
		return option_wrong(error, in, "not a speed; write 2, 0.5 or max");
	if (speed < 0.001 || speed > 1000)
		return option_wrong(error, in, "out of range, which is 0.001 to 1000, or max");
	o->speed = speed;
	return 0;
}

static void default_speed(const struct option_row *row, void *field)
{
	*(double *)field = (double)row->initial;
}

static bool speeds_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	return a->speed_max == b->speed_max && a->speed == b->speed;
}

const struct option_ops option_speed = { default_speed, parse_speed, speeds_equal, .unit = &counts };

static void default_tolerance(const struct option_row *row, void *field)
{
	*(double *)field = strtod(row->shown, NULL);
}

static int parse_tolerance(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	char *end;
	double x = strtod(in->value, &end);

	(void)o;
	if (*end != '\0' || end == in->value || strpbrk(in->value, "xXnN \t")) /* no 0x1p-3, no NaN */
		return option_wrong(error, in, "not a number; write 0.001 or 1e-5");
	if (!(x >= 0 && x <= 1e300))
		return option_wrong(error, in, "out of range, which is 0 or more");
	*(double *)field = x;
	return 0;
}

const struct option_ops option_tolerance = { default_tolerance, parse_tolerance, equal_double };
