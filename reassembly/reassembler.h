/*
 * reassembler.h - segments in, complete HTTP requests out
 *
 * The one door to this floor. Inside: flow.c keeps the connections, stream.c
 * puts the bytes of a direction in order, requests.c finds the requests in them.
 * One thread; no clock but the segments' own; no allocation per packet, and
 * none for a request whose body nobody wants.
 */
#ifndef REASSEMBLY_REASSEMBLER_H
#define REASSEMBLY_REASSEMBLER_H

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

struct reassembler;

#define READER_KINDS_MAX 4

/**
 * reassembler_new() - NULL when out of memory
 * @options: copied
 * @kinds:   at least one, and READER_KINDS_MAX at most, asked for their claims in this order; copied. Where a
 *           connection's first bytes are missing, so that there is nothing to ask about, it is the first one's.
 */
struct reassembler *reassembler_new(const struct tracker_options *options, const struct reader_kind *kinds, size_t count);

/**
 * reassembler_feed() - one segment, in the order of capture
 *
 * Requests that it completes reach the sink before this returns.
 */
void reassembler_feed(struct reassembler *r, const struct segment *segment);

/** reassembler_pass_time() - a segment of this time was captured that somebody else is fed with */
void reassembler_pass_time(struct reassembler *r, struct wall now);

/** reassembler_pass_quiet() - live: nothing was captured for @ns more, so what waits for time need not wait for packets */
void reassembler_pass_quiet(struct reassembler *r, int64_t ns);

/** reassembler_finish() - the capture is over: what is in the making is LOST_CUT_AT_END; gaps are closed first */
void reassembler_finish(struct reassembler *r);

/** reassembler_stats() - any thread may read it while the reassembler incarnations */
const struct reassembly_stats *reassembler_stats(const struct reassembler *r);

/** reassembler_free() - without telling the sink anything: call reassembler_finish() first */
void reassembler_free(struct reassembler *r);

#endif
