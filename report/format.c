/* format.c - see format.h */
#include "report/format.h"

#include <math.h>
#include <stdio.h>

void format_count(struct buffer *out, uint64_t n)
{
	char digits[24], text[32];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	buffer_add(out, text, (size_t)at);
}

void format_share(struct buffer *out, double share)
{
	double percent = share * 100, edge = fmin(fabs(percent), fabs(100 - percent));
	int digits = edge >= 10 ? 1 : edge >= 0.1 ? 2 : edge >= 0.01 ? 3 : 4;

	if (edge == 0)
		buffer_printf(out, "%.0f %%", percent);
	else
		buffer_printf(out, "%.*f %%", digits, percent);
}

/** scaled() - three digits that count, and the unit that keeps them few */
static void scaled(struct buffer *out, double n, const char *unit)
{
	double size = fabs(n);

	buffer_printf(out, "%.*f %s", size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2, n, unit);
}

void format_time(struct buffer *out, double us)
{
	double size = fabs(us);

	if (size < 999.5)
		buffer_printf(out, "%.0f µs", us);
	else if (size < 999.5e3)
		scaled(out, us / 1e3, "ms");
	else if (size < 120e6)
		scaled(out, us / 1e6, "s");
	else
		scaled(out, us / 60e6, "min");
}

void format_bytes(struct buffer *out, double n)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	int unit = -1;

	while (n >= 1023.5 && unit < 3) {
		n /= 1024;
		unit++;
	}
	if (unit < 0)
		buffer_printf(out, "%.0f bytes", n);
	else
		scaled(out, n, units[unit]);
}

void format_number(struct buffer *out, double n)
{
	buffer_printf(out, "%.4g", n);
}
