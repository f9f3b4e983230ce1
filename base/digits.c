/*
 * digits.c - see digits.h
 *
 * Decimal digits come from a table, two at a time: a quarter of the divisions of
 * one at a time, and none of them depends on the one before. Hexadecimal ones are
 * computed eight at a time, in the bytes of a word.
 */
#include "base/digits.h"

#include "base/word.h"

#define EIGHT UINT64_C(100000000) /* 10^8 */

static const char pairs[] = "0001020304050607080910111213141516171819"
			    "2021222324252627282930313233343536373839"
			    "4041424344454647484950515253545556575859"
			    "6061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

/** put_pair() - two digits of @n, which is below 100 */
static inline char *put_pair(char *at, uint32_t n)
{
	return put_bytes(at, pairs + 2 * n, 2);
}

static inline char *put_four(char *at, uint32_t n)
{
	return put_pair(put_pair(at, n / 100), n % 100);
}

char *put_eight(char *at, uint32_t n)
{
	return put_four(put_four(at, n / 10000), n % 10000);
}

/** put_upto_four() - of @n below 10^4, without zeros in front */
static inline char *put_upto_four(char *at, uint32_t n)
{
	if (n >= 100) {
		at = n >= 1000 ? put_pair(at, n / 100) : put_bytes(at, pairs + 2 * (n / 100) + 1, 1);
		return put_pair(at, n % 100);
	}
	return n >= 10 ? put_pair(at, n) : put_bytes(at, pairs + 2 * n + 1, 1);
}

/** put_upto_eight() - of @n below 10^8, without zeros in front */
static inline char *put_upto_eight(char *at, uint32_t n)
{
	if (n >= 10000)
		return put_four(put_upto_four(at, n / 10000), n % 10000);
	return put_upto_four(at, n);
}

char *put_uint(char *at, uint64_t n)
{
	if (n < EIGHT)
		return put_upto_eight(at, (uint32_t)n);
	at = n < EIGHT * EIGHT ? put_upto_eight(at, (uint32_t)(n / EIGHT))
			       : put_eight(put_upto_four(at, (uint32_t)(n / (EIGHT * EIGHT))),
					   (uint32_t)(n / EIGHT % EIGHT));
	return put_eight(at, (uint32_t)(n % EIGHT));
}

/** hex_of_four() - the eight digits of four bytes; like these, the first is the lowest */
static inline uint64_t hex_of_four(uint64_t bytes)
{
	uint64_t w = bytes, above_nine;

	w = (w | w << 16) & UINT64_C(0x0000ffff0000ffff);
	w = (w | w << 8) & UINT64_C(0x00ff00ff00ff00ff);
	w = (w >> 4 | w << 8) & UINT64_C(0x0f0f0f0f0f0f0f0f); /* the upper half of each byte comes first */
	above_nine = (w + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	return w + UINT64_C(0x3030303030303030) + above_nine * ('a' - '0' - 10);
}

char *put_hex(char *at, const uint8_t *bytes, size_t len)
{
	for (; len >= 4; len -= 4, bytes += 4, at += 8) {
		uint64_t four = bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
				(uint64_t)bytes[3] << 24;

		store_le64(at, hex_of_four(four));
	}
	for (; len > 0; len--, bytes++) {
		*at++ = "0123456789abcdef"[*bytes >> 4];
		*at++ = "0123456789abcdef"[*bytes & 15];
	}
	return at;
}

bool digits_read(struct span text, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || __builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(text.at[i] - '0'), out))
			return false;
	}
	return text.len > 0;
}

bool hex_read(struct span text, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_value_of(text.at[i]);

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return text.len > 0 && text.len <= 16;
}
