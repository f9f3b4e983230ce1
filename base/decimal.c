/*
 * decimal.c - see decimal.h
 *
 * Theory of operation: two numbers of two responses are mostly equal as text, and
 * most of the others are told apart by far less than a correctly rounded
 * double. So a number is first read as an integer of up to 19 digits and a
 * power of ten, which is exact; two of these are compared exactly by scaling
 * one; and the value is had from two multiplications, whose error is known. A
 * caller who lands within that error of a decision asks for the right double.
 *
 * The right double: an integer below 2^53 and a power of ten up to 22 are both
 * doubles, so that one multiplication or division rounds once (Clinger, "How to
 * read floating point numbers accurately", 1990). The rest is left to strtod(),
 * in a form of our own: at most 768 digits and a last one that says whether
 * more followed (no double lies nearer to a boundary than that), so the length
 * of the text costs one walk over it.
 *
 * Digits are read eight at a time, as the bytes of a little-endian word: the
 * sums of pairs, of pairs of pairs, and so on, by three multiplications.
 */
#include "base/decimal.h"
#include "base/word.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 19                       /* 10^19 < 2^64 */
#define EXACT_DIGITS 768                    /* significant digits that can decide how a double is rounded */
#define EXPONENT_MAX INT64_C(1000000000000) /* no text is so long that it could make up for a larger one */

static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
				 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
#define EXACT_POWER 22

/* 10^(16 k): with the powers up to 10^15 every exponent from -288 to 287 */
#define BLOCK_LOWEST (-18)
static const double blocks[] = { 1e-288, 1e-272, 1e-256, 1e-240, 1e-224, 1e-208, 1e-192, 1e-176, 1e-160,
				 1e-144, 1e-128, 1e-112, 1e-96,  1e-80,  1e-64,  1e-48,  1e-32,  1e-16,
				 1e0,    1e16,   1e32,   1e48,   1e64,   1e80,   1e96,   1e112,  1e128,
				 1e144,  1e160,  1e176,  1e192,  1e208,  1e224,  1e240,  1e256,  1e272 };
#define ESTIMATE_LOWEST (BLOCK_LOWEST * 16)
#define ESTIMATE_HIGHEST 287

static const uint64_t integers[] = { 1u,
				     10u,
				     100u,
				     1000u,
				     10000u,
				     100000u,
				     1000000u,
				     10000000u,
				     100000000u,
				     1000000000u,
				     10000000000u,
				     100000000000u,
				     1000000000000u,
				     10000000000000u,
				     100000000000000u,
				     1000000000000000u,
				     10000000000000000u,
				     100000000000000000u,
				     1000000000000000000u,
				     10000000000000000000u };

static inline bool is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

static inline bool eight_digits(uint64_t w)
{
	return (((w + UINT64_C(0x4646464646464646)) | (w - UINT64_C(0x3030303030303030)) | w) &
		UINT64_C(0x8080808080808080)) == 0;
}

static inline uint64_t value_of_eight(uint64_t w)
{
	w -= UINT64_C(0x3030303030303030);
	w = w * 10 + (w >> 8); /* pairs, in every second byte */
	return (((w & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x000f424000000064) +
		 ((w >> 16) & UINT64_C(0x000000ff000000ff)) * UINT64_C(0x0000271000000001)) >>
		32);
}

/**
 * take_digits() - the run of digits from @i on: up to 19 significant ones of it into @d
 * Return: where the run ends. Inlined, so that what is counted stays in registers.
 */
static inline __attribute__((always_inline)) size_t take_digits(const struct span text, size_t i,
								struct decimal *d, unsigned *significant)
{
	uint64_t digits = d->digits;
	unsigned room;
	size_t end;

	if (digits == 0) /* zeros in front say nothing */
		while (i < text.len && text.at[i] == '0')
			i++;
	room = DIGITS_MAX - *significant;
	end = text.len - i < room ? text.len : i + room;
	for (; end - i >= 8 && eight_digits(load_le64(text.at + i)); i += 8, *significant += 8)
		digits = digits * 100000000 + value_of_eight(load_le64(text.at + i));
	for (; i < end && is_digit(text.at[i]); i++, ++*significant)
		digits = digits * 10 + (uint64_t)(text.at[i] - '0');
	d->digits = digits;
	for (; i < text.len && is_digit(text.at[i]); i++) {
		d->cut |= text.at[i] != '0';
		d->exponent++;
	}
	return i;
}

static int64_t take_exponent(struct span *in)
{
	bool negative = false;
	int64_t e = 0;
	uint8_t c;

	if (in->len && (in->at[0] == '+' || in->at[0] == '-')) {
		negative = in->at[0] == '-';
		span_skip(in, 1);
	}
	while (in->len && is_digit(in->at[0]) && span_u8(in, &c))
		if (e < EXPONENT_MAX)
			e = e * 10 + (c - '0');
	return negative ? -e : e;
}

/**
 * read_common() - D.DDDD with up to 18 digits after the point, in at least 8 bytes, as most scores are written
 * @from: behind the sign. The digits that are no full eight are the end of the last eight bytes of the text,
 * with zeros put in for what stands before them.
 */
static inline bool read_common(struct span text, size_t from, struct decimal *d)
{
	size_t count = text.len - from - 2, rest = count % 8, i = from + 2;
	uint64_t digits, eight, before;

	if (text.len < 8 || text.len < from + 3 || count > 18 || text.at[from + 1] != '.' ||
	    !is_digit(text.at[from]))
		return false;
	digits = (uint64_t)(text.at[from] - '0');
	for (; text.len - i >= 8; i += 8) {
		eight = load_le64(text.at + i);
		if (!eight_digits(eight))
			return false;
		digits = digits * 100000000 + value_of_eight(eight);
	}
	if (rest > 0) {
		before = UINT64_MAX >> (8 * rest);
		eight = (load_le64(text.at + text.len - 8) & ~before) | (UINT64_C(0x3030303030303030) & before);
		if (!eight_digits(eight))
			return false;
		digits = digits * integers[rest] + value_of_eight(eight);
	}
	d->digits = digits;
	d->exponent = -(int64_t)count;
	d->integer = false;
	return true;
}

struct decimal decimal_read(struct span text)
{
	struct decimal d = { .integer = true };
	unsigned significant = 0;
	size_t i = 0, point;

	if (text.len && text.at[0] == '-') {
		d.negative = true;
		i = 1;
	}
	if (read_common(text, i, &d))
		return d;
	if (i < text.len && (text.at[i] == 'N' || text.at[i] == 'I')) {
		d.kind = text.at[i] == 'N' ? DECIMAL_NAN : DECIMAL_INFINITE;
		d.integer = false;
		return d;
	}
	i = take_digits(text, i, &d, &significant);
	if (i < text.len && text.at[i] == '.') {
		d.integer = false;
		point = ++i;
		i = take_digits(text, i, &d, &significant);
		d.exponent -= (int64_t)(i - point);
	}
	if (i < text.len && (text.at[i] | 0x20) == 'e') {
		d.integer = false;
		span_skip(&text, i + 1);
		d.exponent += take_exponent(&text);
	}
	return d;
}

bool decimal_same(const struct decimal *a, const struct decimal *b)
{
	const struct decimal *high = a, *low = b;
	uint64_t scaled;
	int64_t steps;

	if (a->kind != b->kind)
		return false;
	if (a->kind != DECIMAL_FINITE)
		return a->kind == DECIMAL_NAN || a->negative == b->negative;
	if (a->cut || b->cut)
		return false;
	if (a->digits == 0 || b->digits == 0)
		return a->digits == b->digits;
	if (a->negative != b->negative)
		return false;
	if (a->exponent < b->exponent) {
		high = b;
		low = a;
	}
	steps = high->exponent - low->exponent;
	return steps <= DIGITS_MAX && !__builtin_mul_overflow(high->digits, integers[steps], &scaled) &&
	       scaled == low->digits;
}

bool decimal_estimate(const struct decimal *d, double *out)
{
	double x;

	if (d->kind != DECIMAL_FINITE) {
		x = d->kind == DECIMAL_NAN ? (double)NAN : (double)INFINITY;
	} else {
		if (d->digits != 0 && (d->exponent < ESTIMATE_LOWEST || d->exponent > ESTIMATE_HIGHEST))
			return false;
		x = (double)d->digits;
		if (d->digits != 0 && d->exponent != 0) {
			unsigned e = (unsigned)(d->exponent - ESTIMATE_LOWEST);

			x = x * powers[e & 15] * blocks[e >> 4];
		}
	}
	*out = d->negative ? -x : x;
	return true;
}

/* sign, EXACT_DIGITS digits, the digit for all that follow, "e", an exponent, NUL */
#define FORM_MAX (1 + EXACT_DIGITS + 1 + 24)

/** write_form() - "-DDDDeX" of @text, of which @d has only the beginning */
static void write_form(struct span text, const struct decimal *d, char *form)
{
	size_t len = 0, digits = 0;
	int64_t exponent = 0;
	bool point = false, more = false;

	if (d->negative)
		form[len++] = '-';
	for (size_t i = 0; i < text.len && (text.at[i] | 0x20) != 'e'; i++) {
		if (text.at[i] == '.')
			point = true;
		if (!is_digit(text.at[i]))
			continue;
		if (digits == 0 && text.at[i] == '0') {
			exponent -= point;
			continue;
		}
		if (digits < EXACT_DIGITS) {
			form[len++] = (char)text.at[i];
			digits++;
			exponent -= point;
		} else {
			more |= text.at[i] != '0';
			exponent += !point;
		}
	}
	/* what the exponent in the text says: all that decimal_read() added to the digits it kept */
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] | 0x20) == 'e') {
			struct span rest = span_of(text.at + i + 1, text.len - i - 1);

			exponent += take_exponent(&rest);
			break;
		}
	if (more) {
		form[len++] = '1';
		exponent--;
	}
	snprintf(form + len, FORM_MAX - len, "e%" PRId64, exponent);
}

double decimal_double(struct span text)
{
	struct decimal d = decimal_read(text);
	char form[FORM_MAX];
	double x;

	if (d.kind != DECIMAL_FINITE || d.digits == 0) {
		decimal_estimate(&d, &x);
		return x;
	}
	if (!d.cut && d.digits <= UINT64_C(1) << 53 && d.exponent >= -EXACT_POWER &&
	    d.exponent <= EXACT_POWER) {
		x = (double)d.digits;
		x = d.exponent < 0 ? x / powers[-d.exponent] : x * powers[d.exponent];
		return d.negative ? -x : x;
	}
	if (d.cut)
		write_form(text, &d, form);
	else
		snprintf(form, sizeof(form), "%s%" PRIu64 "e%" PRId64, d.negative ? "-" : "", d.digits,
			 d.exponent);
	return strtod(form, NULL);
}
