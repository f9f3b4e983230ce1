/* test_sample.c - exact by counter; by key the same everywhere, and as many as asked for */
#include "tests/rig/unit.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"
#include "policy/sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* After every n, exactly floor(n x share) were chosen. */
static void test_turns_are_exact(void **state)
{
	static const char *shares[] = { "0%", "100%", "5%", "0.05%", "33.3333333%", "50%", "99.9999999%",
					"0.0000001%", "0.07", "0.000000001" };

	for (size_t i = 0; i < COUNT(shares); i++) {
		struct sampler s = { 0 };
		uint64_t chosen = 0;

		assert_true(parse_share(shares[i], &s.share));
		for (uint64_t n = 1; n <= 100000; n++) {
			chosen += sampler_turn(&s);
			assert_int_equal(chosen, n * s.share / SHARE_ONE);
		}
	}
}

/* Lanes that each see some of the requests choose, together, what one lane would, give or take one per lane. */
static void test_lanes_are_exact(void **state)
{
	static const uint64_t shares[] = { 0, 1, SHARE_ONE / 1000, SHARE_ONE / 20, SHARE_ONE / 3, SHARE_ONE - 1, SHARE_ONE };

	for (size_t count = 1; count <= 64; count = count * 2 + 1) {
		for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
			struct sampler lane[64];
			uint64_t chosen = 0, random = 1;

			for (size_t k = 0; k < count; k++)
				lane[k] = (struct sampler){ shares[i], sampler_phase(k, count) };
			for (uint64_t n = 1; n <= 20000; n++) {
				uint64_t exact = n * shares[i] / SHARE_ONE;

				random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
				chosen += sampler_turn(&lane[(random >> 33) % count]);
				assert_true(chosen <= exact + count && exact <= chosen + count);
				if (shares[i] == 0 || shares[i] == SHARE_ONE)
					assert_int_equal(chosen, exact);
			}
		}
	}
}

static void test_keys_hit_the_share(void **state)
{
	static const uint64_t shares[] = { 0, SHARE_ONE / 1000, SHARE_ONE / 20, SHARE_ONE / 3, SHARE_ONE - 1, SHARE_ONE };
	const double n = 100000;

	for (size_t i = 0; i < COUNT(shares); i++) {
		double p = (double)shares[i] / (double)SHARE_ONE, chosen = 0;

		for (int k = 0; k < (int)n; k++) {
			char key[32];

			chosen += sample_by_key(shares[i], span_of(key, (size_t)snprintf(key, sizeof(key), "user-%d", k)));
		}
		assert_true(fabs(chosen - n * p) <= 5 * sqrt(n * p * (1 - p)) + 1e-9 * n);
	}
	assert_true(sample_by_key(SHARE_ONE, span_of("", 0)));
	assert_false(sample_by_key(0, span_of("", 0)));
}

/* A larger sample keeps what a smaller one had. */
static void test_keys_are_monotonic(void **state)
{
	for (int k = 0; k < 2000; k++) {
		bool before = false;

		for (uint64_t share = 0; share <= SHARE_ONE; share += SHARE_ONE / 100) {
			bool now = sample_by_key(share, span_of(&k, sizeof(k)));

			assert_true(now || !before);
			before = now;
		}
		assert_true(before);
	}
}

/* Fixed for ever: taps of different versions and machines must agree. Worked out once, by another SipHash. */
static void test_published_values(void **state)
{
	static const struct {
		const char *key;
		uint64_t part; /* hash x SHARE_ONE / 2^64 */
	} rows[] = {
		{ "", 880661081 },
		{ "a", 135645311 },
		{ "user-42", 229614822 },
		{ "session 0123456789abcdef", 582421764 },
		{ "10.0.0.1", 457696720 },
		{ "user-2", 297181780 }, /* the low half carries */
		{ "user-20", 81882363 }, /* the low half carries */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(sample_by_key(rows[i].part + 1, span_str(rows[i].key)));
		assert_false(sample_by_key(rows[i].part, span_str(rows[i].key)));
	}
}

static void test_endpoints(void **state)
{
	struct endpoint a = { .addr = { [12] = 10, 0, 0, 1 }, .port = 40000, .family = 4 };
	struct endpoint b = { .addr = { [12] = 10, 0, 0, 2 }, .port = 8000, .family = 4 };
	struct endpoint six = a;
	int differ_port = 0, differ_family = 0, differ_order = 0, by_client = 0;

	six.family = 6;
	for (uint64_t share = 0; share <= SHARE_ONE; share += SHARE_ONE / 1000) {
		struct endpoint other = a;

		other.port = 40001;
		/* another port is another connection of the same client */
		differ_port += sample_by_connection(share, &a, &b) != sample_by_connection(share, &other, &b);
		assert_int_equal(sample_by_client(share, &a), sample_by_client(share, &other));
		differ_family += sample_by_client(share, &a) != sample_by_client(share, &six);
		differ_order += sample_by_connection(share, &a, &b) != sample_by_connection(share, &b, &a);
		by_client += sample_by_client(share, &a);
	}
	assert_true(differ_port > 0 && differ_family > 0 && differ_order > 0);
	assert_true(by_client > 0 && by_client < 1001);
	assert_true(sample_by_connection(SHARE_ONE, &a, &b) && sample_by_client(SHARE_ONE, &a));
	assert_false(sample_by_connection(0, &a, &b) || sample_by_client(0, &a));
}

/*
 * By id: the share is exact in expectation, however near numbers lie to each other; a higher one keeps what a lower
 * one had. Of what a tap chose, a second host that samples by id takes its own share, since it decides by the wire id.
 */
static void test_ids(void **state)
{
	enum { CONNECTIONS = 200, REQUESTS = 100 };
	const uint64_t share = SHARE_ONE / 20;
	int chosen = 0, again = 0, kept = 0, by_stream = 0;

	for (uint32_t c = 0; c < CONNECTIONS; c++) {
		for (uint32_t r = 0; r < REQUESTS; r++) {
			struct request_origin o = { .sequence = c * 2654435761u + r * 300,
						    .acknowledgement = c * 40503u + r * 120 };
			bool first = sample_by_id(share, &o);

			chosen += first;
			assert_true(!first || sample_by_id(2 * share, &o));
			o.wire = (struct wire_id){ o.sequence * UINT64_C(0x9e3779b97f4a7c15) + 1, o.acknowledgement };
			again += first && sample_by_id(SHARE_ONE / 2, &o);
			o.wire = (struct wire_id){ 0 };
			o.client.port = (uint16_t)c; /* nor do ends and times count */
			o.ts_first.ns = o.ts_last.ns = c;
			o.id = r;
			kept += first && sample_by_id(share, &o);
			o.stream = 2 * r + 1;
			by_stream += first != sample_by_id(share, &o);
		}
	}
	/* 20,000 at 5 %: 1,000, with a deviation of 31 */
	assert_in_range(chosen, 1000 - 155, 1000 + 155);
	assert_int_equal(kept, chosen);
	assert_in_range(again, chosen / 2 - 100, chosen / 2 + 100);
	assert_true(by_stream > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns_are_exact),
		cmocka_unit_test(test_lanes_are_exact),    cmocka_unit_test(test_keys_hit_the_share),
		cmocka_unit_test(test_keys_are_monotonic), cmocka_unit_test(test_published_values),
		cmocka_unit_test(test_endpoints), cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
