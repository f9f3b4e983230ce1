/* units.c - see units.h; decimals are read as integers, so "5%" is exactly 50,000,000 parts */
#include "base/units.h"

#include <stdio.h>
#include <string.h>

/*
 * A decimal number in units of 10^-9: "0.05" gives 50,000,000. More than nine
 * digits after the point are refused rather than rounded.
 */
static bool parse_nano(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t n = 0;
	int digits = 0, fraction = -1;

	for (; (*p >= '0' && *p <= '9') || (*p == '.' && fraction < 0); p++) {
		if (*p == '.') {
			fraction = 0;
			continue;
		}
		if (n > (UINT64_MAX - 9) / 10 || fraction == 9)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
		digits++;
		if (fraction >= 0)
			fraction++;
	}
	if (digits == 0)
		return false;
	for (int i = fraction < 0 ? 0 : fraction; i < 9; i++) {
		if (n > UINT64_MAX / 10)
			return false;
		n *= 10;
	}
	*text = p;
	*out = n;
	return true;
}

bool parse_uint(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (n > (UINT64_MAX - (uint64_t)(*text - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*out = n;
	return true;
}

bool parse_size(const char *text, uint64_t *out_bytes)
{
	static const char suffixes[] = "KMGT";
	char digits[24];
	size_t len = strlen(text);
	const char *suffix = NULL;
	uint64_t n, scale = 1;

	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len + 1);
	if (digits[len - 1] == 'k')
		suffix = suffixes;
	else if (digits[len - 1] < '0' || digits[len - 1] > '9')
		suffix = strchr(suffixes, digits[len - 1]);
	if (suffix && *suffix) {
		digits[len - 1] = '\0';
		for (const char *s = suffixes; s <= suffix; s++)
			scale *= 1024;
	}
	if (!parse_uint(digits, &n) || n > UINT64_MAX / scale)
		return false;
	*out_bytes = n * scale;
	return true;
}

bool parse_duration(const char *text, int64_t *out_ns)
{
	static const struct {
		const char *suffix;
		uint64_t multiply, divide; /* from 10^-9 units of the suffix to ns */
	} units[] = {
		{ "", 1, 1 },         { "s", 1, 1 },     { "ms", 1, 1000 }, { "us", 1, 1000000 },
		{ "ns", 1, 1000000000 }, { "m", 60, 1 }, { "h", 3600, 1 },  { "d", 86400, 1 },
	};
	uint64_t n;

	if (!parse_nano(&text, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].suffix) != 0)
			continue;
		if (n > INT64_MAX / units[i].multiply)
			return false;
		*out_ns = (int64_t)(n * units[i].multiply / units[i].divide);
		return true;
	}
	return false;
}

bool parse_share(const char *text, uint64_t *out_share)
{
	uint64_t n;

	if (!parse_nano(&text, &n))
		return false;
	if (strcmp(text, "%") == 0)
		n /= 100;
	else if (*text != '\0')
		return false;
	if (n > SHARE_ONE)
		return false;
	*out_share = n;
	return true;
}

/* "1.5", without zeros that say nothing */
static void trimmed(double n, char *out, size_t size)
{
	char *end;

	snprintf(out, size, "%.3f", n);
	end = out + strlen(out);
	while (end > out && end[-1] == '0')
		*--end = '\0';
	if (end > out && end[-1] == '.')
		*--end = '\0';
}

const char *size_text(uint64_t bytes, char *out)
{
	static const char suffixes[] = "\0KMGT";
	char number[24];
	double n = (double)bytes;
	int unit = 0;

	for (; n >= 1024 && unit < 4; unit++)
		n /= 1024;
	trimmed(n, number, sizeof(number));
	snprintf(out, UNITS_TEXT_MAX, "%s%.1s", number, &suffixes[unit]);
	return out;
}

const char *duration_text(int64_t ns, char *out)
{
	char number[24];

	if (ns < 1000000) {
		trimmed((double)ns / 1e3, number, sizeof(number));
		snprintf(out, UNITS_TEXT_MAX, "%sus", number);
	} else if (ns < 1000000000) {
		trimmed((double)ns / 1e6, number, sizeof(number));
		snprintf(out, UNITS_TEXT_MAX, "%sms", number);
	} else if (ns % 60000000000 == 0) {
		trimmed((double)ns / 6e10, number, sizeof(number));
		snprintf(out, UNITS_TEXT_MAX, "%sm", number);
	} else {
		trimmed((double)ns / 1e9, number, sizeof(number));
		snprintf(out, UNITS_TEXT_MAX, "%ss", number);
	}
	return out;
}

const char *share_text(uint64_t share, char *out)
{
	uint64_t whole = share / (SHARE_ONE / 100), rest = share % (SHARE_ONE / 100);
	char digits[8];
	int len = 7;

	snprintf(digits, sizeof(digits), "%07llu", (unsigned long long)rest);
	while (len > 0 && digits[len - 1] == '0')
		digits[--len] = '\0';
	snprintf(out, UNITS_TEXT_MAX, "%llu%s%s%%", (unsigned long long)whole, len ? "." : "", digits);
	return out;
}

const char *count_text(uint64_t n, char *out)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}
