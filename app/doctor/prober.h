/*
 * prober.h - each target asked once, over the same client that a run uses; not one that is production
 */
#ifndef APP_DOCTOR_PROBER_H
#define APP_DOCTOR_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/options/target_settings.h"
#include "base/buffer.h"
#include "replay/tls.h"
#include "report/diagnosis.h"

/** struct prober_settings - whom to ask, and how; what it points to is borrowed */
struct prober_settings {
	const struct target_settings *targets;
	size_t target_count;
	struct tls_options tls;
	int64_t max_time_ns;
	int64_t connect_timeout_ns; /* 0: max_time_ns */
	bool live;                  /* the traffic is this machine's, not a recording's */
	bool may_be_production;     /* a target may be the service that is watched */
	const char *const *paths;   /* what each is asked for: path with prefix; "" or NULL: its base */
};

/**
 * prober_ask() - send one HEAD to each target, and an OPTIONS where it says 404; wait for the responses, max_time_ns each
 * @seen:    where requests went: a target that leads to one of these is not asked
 * @probes:  room for one per target; names and paths are borrowed from @set
 * Return: 0, or a negative errno with one sentence in @error (a file of TLS that is not right).
 */
int prober_ask(const struct prober_settings *set, const struct narrow_view *seen, struct probe *probes, struct buffer *error);

#endif
