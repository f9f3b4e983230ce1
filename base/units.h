/*
 * units.h - numbers as people write them on a command line
 *
 * Each parser takes the whole text or nothing: trailing characters, signs,
 * overflow and an empty text are errors, never a clamp. Ranges are the
 * caller's business.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_ONE UINT64_C(1000000000) /* 100 %: shares are parts per 10^9 */

bool parse_uint(const char *text, uint64_t *out);

/** parse_size() - "262144", "64K", "16M", "1G": bytes, powers of 1024 */
bool parse_size(const char *text, uint64_t *out_bytes);

/** parse_duration() - "300ms", "0.3", "5s", "2m", "1h", "250us": nanoseconds; a bare number is seconds */
bool parse_duration(const char *text, int64_t *out_ns);

/** parse_share() - "5%", "0.05%", "0.05": parts per SHARE_ONE; false above 100 %, and for a bare number above 1 */
bool parse_share(const char *text, uint64_t *out_share);

/* Texts for people, into @out of UNITS_TEXT_MAX bytes; each returns @out. */
#define UNITS_TEXT_MAX 32
const char *size_text(uint64_t bytes, char *out);     /* "64M" when exact, else "1.5M" */
const char *duration_text(int64_t ns, char *out);     /* "300ms", "2m", "1.25s" */
const char *share_text(uint64_t share, char *out);    /* "5%", "0.05%" */
const char *count_text(uint64_t n, char *out);        /* "1,234,567" */

#endif
