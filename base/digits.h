/*
 * digits.h - numbers as text, written in place, and read where nothing but digits may stand
 *
 * By hand, since printf() takes ten times as long and an event has a dozen of
 * them. Each function writes from @at on, where there has to be room for the most
 * that it can write, and returns where it ended. No NUL.
 */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

/** DIGITS_UINT_MAX - bytes of the longest, 2^64 - 1 */
#define DIGITS_UINT_MAX 20

/** put_uint() - decimal, without zeros in front */
char *put_uint(char *at, uint64_t n);

/** put_int() - the same with a minus in front of what is below zero; as many bytes at most */
static inline char *put_int(char *at, int64_t n)
{
	if (n < 0)
		*at++ = '-';
	return put_uint(at, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

/** put_octet() - the same for what is below 256 */
static inline char *put_octet(char *at, uint8_t n)
{
	if (n >= 100)
		*at++ = (char)('0' + n / 100);
	if (n >= 10)
		*at++ = (char)('0' + n / 10 % 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

/** put_eight() - decimal, exactly eight digits; @n is below 10^8 */
char *put_eight(char *at, uint32_t n);

/** put_hex() - 2 * @len lower-case hexadecimal digits */
char *put_hex(char *at, const uint8_t *bytes, size_t len);

/** hex_value_of() - of a hexadecimal digit of either case; -1 of any other byte */
static inline int hex_value_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/** digits_read() - @text is decimal digits and nothing else: their value; false of any other text, and above 2^64 - 1 */
bool digits_read(struct span text, uint64_t *out);

/** hex_read() - the same of 1 to 16 hexadecimal digits of either case */
bool hex_read(struct span text, uint64_t *out);

/** PUT_LITERAL() - the bytes of a string literal */
#define PUT_LITERAL(at, literal) put_bytes(at, literal, sizeof(literal) - 1)

static inline char *put_bytes(char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

#endif
