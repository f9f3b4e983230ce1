/* test_decimal.c - numbers as text: read, compared, estimated, rounded as strtod() rounds them */
#include "tests/rig/unit.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/decimal.h"
#include "tests/rig/guard_page.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_read(void **state)
{
	static const struct {
		const char *text;
		struct decimal says;
	} rows[] = {
		{ "0", { .integer = true } },
		{ "-0", { .negative = true, .integer = true } },
		{ "12", { .digits = 12, .integer = true } },
		{ "12345678", { .digits = 12345678, .integer = true } },
		{ "98765432.12345678", { .digits = 9876543212345678, .exponent = -8 } },
		{ "1.50", { .digits = 150, .exponent = -2 } },
		{ "0.000123", { .digits = 123, .exponent = -6 } },
		{ "0.0000000000000000000000000012345678901234567",
		  { .digits = 12345678901234567, .exponent = -43 } },
		{ "1e5", { .digits = 1, .exponent = 5 } },
		{ "1.25E-05", { .digits = 125, .exponent = -7 } },
		{ "9999999999999999999", { .digits = 9999999999999999999u, .integer = true } },
		{ "10000000000000000000", { .digits = 1000000000000000000, .exponent = 1, .integer = true } },
		{ "10000000000000000001",
		  { .digits = 1000000000000000000, .exponent = 1, .cut = true, .integer = true } },
		{ "1.00000000000000000000000", { .digits = 1000000000000000000, .exponent = -18 } },
		{ "0.10000000000000000000001",
		  { .digits = 1000000000000000000, .exponent = -19, .cut = true } },
		{ "1e99999999999999999999", { .digits = 1, .exponent = 9999999999999 } },
		{ "NaN", { .kind = DECIMAL_NAN } },
		{ "-Infinity", { .kind = DECIMAL_INFINITE, .negative = true } },
		{ "", { .integer = true } },
		{ "-", { .negative = true, .integer = true } },
		{ "e", { 0 } },
		{ "x", { .integer = true } },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct decimal d = decimal_read(guarded_copy(*state, rows[i].text, strlen(rows[i].text)));
		const struct decimal *want = &rows[i].says;

		if (d.digits != want->digits || d.exponent != want->exponent || d.kind != want->kind ||
		    d.negative != want->negative || d.cut != want->cut || d.integer != want->integer)
			fail_msg("%s: %" PRIu64 "e%" PRId64 " cut %d", rows[i].text, d.digits, d.exponent,
				 d.cut);
	}
}

static void test_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "1", "1.0", true },
		{ "1", "1e0", true },
		{ "100", "1e2", true },
		{ "0", "-0.000", true },
		{ "0", "0e5000", true },
		{ "0.0000034369", "3.4369e-06", true },
		{ "9603855e-10", "9.603855e-4", true },
		{ "1", "-1", false },
		{ "1", "1.0000000000000000001", false },
		{ "1", "10", false },
		{ "1e0", "1e300", false },
		{ "0", "1e-300", false },
		{ "18446744073709551615", "18446744073709551615.0", false }, /* 20 digits: not known */
		{ "9007199254740993", "9007199254740992", false },
		{ "NaN", "-NaN", true },
		{ "NaN", "1", false },
		{ "Infinity", "Infinity", true },
		{ "Infinity", "-Infinity", false },
		{ "Infinity", "NaN", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct decimal a = decimal_read(span_str(rows[i].a)), b = decimal_read(span_str(rows[i].b));

		if (decimal_same(&a, &b) != rows[i].same || decimal_same(&b, &a) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void check(const char *text)
{
	struct decimal d = decimal_read(span_str(text));
	double right = strtod(text, NULL), x = decimal_double(span_str(text)), estimate;

	if (memcmp(&x, &right, sizeof(x)) != 0)
		fail_msg("%s: %.17g, not %.17g", text, x, right);
	if (decimal_estimate(&d, &estimate) && fabs(estimate - right) > fabs(right) * DECIMAL_ERROR / 2)
		fail_msg("%s is estimated as %.17g", text, estimate);
}

static uint64_t random_bits(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x * 0x2545f4914f6cdd1du;
}

/* Every double comes back from its text, whatever its precision; between two doubles strtod() decides the same. */
static void test_double(void **state)
{
	static const char *const hard[] = {
		"9007199254740993",
		"9007199254740992.9999999999999999999999999",
		"2.2250738585072011e-308",
		"2.2250738585072014e-308",
		"4.9406564584124654e-324",
		"2.4703282292062327e-324",
		"2.4703282292062328e-324",
		"1.7976931348623157e308",
		"1.7976931348623159e308",
		"1e23",
		"8.5e22",
		"1e-22",
		"9007199254740991e22",
		"0.1",
		"123456789012345678901234567890e-10",
		"1e-288",
		"12345678901234567e-304",
		"9999999999999999999e287",
		"9999999999999999999e289",
		"-1.5",
		"-0.0",
		"1.00000000000000011102230246251565404236316680908203125",
		"1.00000000000000011102230246251565404236316680908203124",
		"1.00000000000000011102230246251565404236316680908203126",
	};
	char text[64];

	for (size_t i = 0; i < COUNT(hard); i++)
		check(hard[i]);
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = random_bits();
		double x;

		memcpy(&x, &bits, sizeof(x));
		if (!isfinite(x))
			continue;
		snprintf(text, sizeof(text), "%.*g", (int)(random_bits() % 22), x);
		check(text);
		snprintf(text, sizeof(text), "%.*f", (int)(random_bits() % 20), ldexp(x, -ilogb(x)));
		check(text);
	}
}

/* Half-way between two doubles, with and without something 2,000 digits behind it */
static void test_long(void **state)
{
	struct buffer b = { 0 };

	for (int way = 0; way < 4; way++) {
		buffer_clear(&b);
		buffer_add_str(&b, way & 1 ? "9007199254740993" : "0.00001152921504606846977");
		if (way & 1)
			buffer_add_str(&b, ".");
		for (int i = 0; i < 2000; i++)
			buffer_add_str(&b, "0");
		buffer_add_str(&b, way & 2 ? "1" : "0");
		check(buffer_text(&b));
		buffer_add_str(&b, "e-7");
		check(buffer_text(&b));
	}
	buffer_clear(&b);
	for (int i = 0; i < 900; i++)
		buffer_add_str(&b, "7");
	check(buffer_text(&b));
	buffer_add_str(&b, ".5e-700");
	check(buffer_text(&b));
	buffer_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, guard_setup, guard_teardown),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_double),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
