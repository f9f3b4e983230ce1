/*
 * observer.h - traffic, looked at twice: as a run with these options would see it, and without its filters
 *
 * One thread, which is the caller's; sends nothing.
 */
#ifndef APP_DOCTOR_OBSERVER_H
#define APP_DOCTOR_OBSERVER_H

#include <stddef.h>
#include <stdint.h>

#include "app/options/target_settings.h"
#include "app/run/inputs.h"
#include "base/buffer.h"
#include "capture/decode.h"
#include "policy/policy.h"
#include "reassembly/tracker.h"
#include "report/diagnosis.h"
#include "tls/secrets.h"

struct joiner;
struct observer;

/** struct observer_settings - what a run with these options would read, and how; what it points to is borrowed */
struct observer_settings {
	struct input_settings input;
	const struct port_set *ports, *vxlan_ports; /* of the service; beside the usual ones */
	struct tracker_options tracker;             /* without its budget */
	uint64_t max_memory, max_body;
	bool reads_http2, joins_http2;
	struct secrets *secrets; /* of TLS; NULL: none is read */
	bool tls_may_come;       /* as in struct tls_reader_options, like the next */
	int64_t tls_wait_ns;
	struct joiner *joiner;   /* likewise */
	const struct target_settings *targets;
	size_t target_count;
};

/** observer_new() - @policy is borrowed; NULL when out of memory */
struct observer *observer_new(const struct observer_settings *set, struct policy *policy);

/**
 * observer_open() - both sources, as the options say
 * Return: 0, or a negative errno with one sentence in @error.
 */
int observer_open(struct observer *ob, struct buffer *error);

/** observer_turn() - the next packets of both; 0, SOURCE_EOF when both have ended, or a negative errno */
int observer_turn(struct observer *ob);

/** observer_stop() - no packet of later than now counts; go on turning until SOURCE_EOF */
void observer_stop(struct observer *ob);

/** observer_finish() - what was seen, into @s; the texts of @s->narrow stay the observer's */
void observer_finish(struct observer *ob, struct symptoms *s);

void observer_free(struct observer *ob);

#endif
