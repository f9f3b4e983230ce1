/*
 * compare_settings.h - --compare, and the options that mean nothing without it
 */
#ifndef APP_OPTIONS_COMPARE_SETTINGS_H
#define APP_OPTIONS_COMPARE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h" /* struct texts */

#define SLICES_MAX 8 /* headers of --slice-by */

/** enum stop_when - --stop-when, in the order of its choices */
enum stop_when { STOP_WHEN_NEVER, STOP_WHEN_DECIDED, STOP_WHEN_CAUGHT_UP /* a broker's records of before are done */ };

/** struct compare_settings - what is done with responses */
struct compare_settings {
	bool on;
	double rtol, atol;
	const char *rules_path; /* NULL: none */
	struct texts protos;    /* paths of descriptor sets */
	struct texts ignore, unordered;
	struct texts slice_by; /* names of headers */
	uint64_t max_response;
	bool show_bodies;
	const char *repro_path; /* NULL: no cases */
	const char *fail_on; /* NULL: no gate */
	enum stop_when stop_when;
	int64_t watch_at_least_ns;
	const char *slo;     /* NULL: none */
};

#endif
