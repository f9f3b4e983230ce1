/*
 * tracker.h - segments in; their bytes, in order, to the readers of their connections
 *
 * The one door to this floor. Inside: flow.c keeps the connections, stream.c
 * puts the bytes of a direction in order, and who reads them is handed in
 * (reader.h). One thread; no clock but the segments' own; no allocation per packet.
 */
#ifndef REASSEMBLY_TRACKER_H
#define REASSEMBLY_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "capture/segment.h"
#include "reassembly/reader.h"
#include "reassembly/reassembly_stats.h"

struct tracker_options {
	const uint16_t *server_ports; /* borrowed for the tracker's life; none: the readers find the direction */
	size_t server_port_count;
	size_t hold_bytes;     /* out-of-order bytes held per direction before a gap is given up */
	int64_t idle_ns;       /* capture time without a packet after which a flow is forgotten */
	struct budget *budget; /* shared with the loop; borrowed */
	bool reads_servers;    /* what waits of the server's direction when a connection ends is handed on as well */
};

struct tracker;

#define READER_KINDS_MAX 4

/**
 * tracker_new() - NULL when out of memory
 * @options: copied
 * @kinds:   at least one, and READER_KINDS_MAX at most, asked for their claims in this order; copied. Where a
 *           connection's first bytes are missing, so that there is nothing to ask about, it is the first one's.
 */
struct tracker *tracker_new(const struct tracker_options *options, const struct reader_kind *kinds, size_t count);

/**
 * tracker_feed() - one segment, in the order of capture
 *
 * What it completes reaches the readers before this returns.
 */
void tracker_feed(struct tracker *t, const struct segment *segment);

/** tracker_pass_time() - a segment of this time was captured that another tracker is fed with */
void tracker_pass_time(struct tracker *t, struct wall now);

/** tracker_pass_quiet() - live: nothing was captured for @ns more, so what waits for time need not wait for packets */
void tracker_pass_quiet(struct tracker *t, int64_t ns);

/** tracker_finish() - the capture is over: what is pending is LOST_CUT_AT_END; gaps are closed first */
void tracker_finish(struct tracker *t);

/** tracker_stats() - any thread may read it while the tracker lives */
const struct reassembly_stats *tracker_stats(const struct tracker *t);

/** tracker_free() - without telling the readers anything: call tracker_finish() first */
void tracker_free(struct tracker *t);

#endif
