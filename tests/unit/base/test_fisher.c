/* test_fisher.c - Fisher's tail against exact integers, and against its own sums */
#include "tests/rig/unit.h"

#include <math.h>

#include "base/fisher.h"

/* Logarithms of tails, made from binomial coefficients as whole numbers (Python's math.comb) with 60 digits. */
static const struct {
	struct draw draw;
	uint64_t hits;
	double log_p;
} rows[] = {
	{ { 10, 5, 5 }, 3, -0.6931471805599453 },
	{ { 10, 5, 5 }, 5, -5.529429087511423 },
	{ { 10, 5, 5 }, 0, 0 },
	{ { 20, 3, 8 }, 3, -3.013431850653392 },
	{ { 100, 1, 50 }, 1, -0.6931471805599453 },
	{ { 5000, 63, 140 }, 18, -31.03995587383989 },
	{ { 5000, 63, 150 }, 19, -32.54451090526237 },
	{ { 512, 40, 20 }, 9, -12.44587938332772 },
	{ { 512, 512, 100 }, 100, 0 },
	{ { 512, 0, 100 }, 0, 0 },
	{ { 1000, 900, 500 }, 460, -3.799554003270158 },
	{ { 1000, 900, 950 }, 855, -0.5567219862877567 },
	{ { 20000, 300, 10000 }, 220, -36.97922672597 },
	{ { 20000, 300, 40 }, 9, -18.89835274119368 },
	{ { 65536, 4000, 2000 }, 200, -25.95063465360145 },
	{ { 65536, 65, 32768 }, 60, -29.0665020092124 },
	{ { 1048576, 5000, 20 }, 4, -12.95952368235589 },
	{ { 1048576, 9000, 3000 }, 120, -95.50895774362448 },
	{ { 2000, 1000, 1000 }, 1000, -1382.26799353748 },
	{ { 100000, 20, 50000 }, 20, -13.86484398178316 },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double p = fisher_log_upper(&rows[i].draw, rows[i].hits);

		if (!(fabs(p - rows[i].log_p) <= 1e-8 * fmax(1, fabs(rows[i].log_p))))
			fail_msg("row %zu: %.17g, not %.17g", i, p, rows[i].log_p);
		assert_true(fisher_log_first(&rows[i].draw, rows[i].hits) <= p + 1e-9);
	}
}

/* All that can happen happens: the first terms sum up to 1, and tails are sums of them. */
static void test_sums(void **state)
{
	(void)state;
	for (uint64_t all = 1; all < 40; all += 3)
		for (uint64_t marked = 0; marked <= all; marked += 2)
			for (uint64_t inside = 0; inside <= all; inside += 3) {
				struct draw d = { all, marked, inside };
				double sum = 0;

				for (uint64_t hits = all + 1; hits-- > 0;) {
					sum += exp(fisher_log_first(&d, hits));
					assert_true(fabs(exp(fisher_log_upper(&d, hits)) - sum) < 1e-9);
				}
				assert_true(fabs(sum - 1) < 1e-9);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
