/*
 * check_counters.h - counters as a test expects them, by their names
 */
#ifndef TESTS_RIG_CHECK_COUNTERS_H
#define TESTS_RIG_CHECK_COUNTERS_H

#include "tests/rig/unit.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** check_counters() - @expected: "complete=2 lost.gap=1": these have just these values by @counter_of @of, or @what has failed */
static inline void check_counters(const char *expected, uint64_t (*counter_of)(const void *of, const char *name), const void *of,
				  const char *what)
{
	char *copy = strdup(expected), *rest = copy;

	assert_non_null(copy);
	for (char *item = strtok_r(copy, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(item, '=');
		uint64_t want, is;

		assert_non_null(equals);
		*equals = '\0';
		want = strtoull(equals + 1, NULL, 10);
		is = counter_of(of, item);
		if (is != want)
			fail_msg("%s: %s is %" PRIu64 ", not %" PRIu64, what, item, is, want);
	}
	free(copy);
}

#endif
