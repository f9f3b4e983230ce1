/*
 * format.h - numbers as people read them, the same on every page
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include <stdint.h>

#include "base/buffer.h"

void format_count(struct buffer *out, uint64_t n); /* 12,372 */

/** format_share() - 0.0312 as "3.12 %"; near 0 and near 1 with as many digits as tell it from them */
void format_share(struct buffer *out, double share);

void format_time(struct buffer *out, double us);  /* 912 µs, 7.10 ms, 1.24 s; with a sign if negative */
void format_bytes(struct buffer *out, double n);  /* 84.6 KiB */
void format_number(struct buffer *out, double n); /* four digits, no trailing zeros */

#endif
