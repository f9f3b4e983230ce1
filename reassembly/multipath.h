/*
 * multipath.h - Multipath TCP (RFC 8684): are the bytes of a TCP connection's direction those that were sent, all of them
 * and in this order?
 *
 * Theory of operation. Multipath TCP spreads one stream of data over several TCP
 * connections, its subflows. A mapping in a segment's options says where in the
 * data (dsn) the subflow's bytes (ssn) belong. Subflows are not put together
 * here; they need not even pass where we tap. But as long as the difference of
 * both numbers stays what it was, a subflow carries a run of the data without a
 * gap, and is as good as plain TCP: so it is with the one subflow that most
 * connections of Multipath TCP consist of. From a mapping with another
 * difference on some data went another way, or came another way before, and the
 * direction cannot be followed any more. The same holds for bytes that no
 * mapping covers, unless the last one holds for ever, which is how both ends
 * fall back to plain TCP.
 *
 * A subflow that joins (MP_JOIN) carries what other subflows don't and is never
 * followed.
 *
 * Where the data begins follows from the sender's key (3.1). It is asked for in
 * two cases: when the first data come with the keys, which stand for a mapping,
 * and for the server's first mapping. If the first response went over another
 * subflow the second would look like the first, so without this proof no
 * response is believed. A proof needs the begin of the connection, and version 1.
 */
#ifndef REASSEMBLY_MULTIPATH_H
#define REASSEMBLY_MULTIPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/segment.h"

/** struct multipath - of one connection; zero: nothing was seen of it */
struct multipath {
	uint64_t key[2];   /* with has_key: of the sender of a direction */
	uint32_t shift[2]; /* with is_mapped: dsn - ssn */
	uint32_t end[2];   /* with has_end: sequence number behind the last mapping */
	bool has_key[2], is_mapped[2], has_end[2];
	bool is_endless[2]; /* the last mapping is for all that follows */
	bool is_used;       /* some bytes were mapped: from here on all have to be */
	bool is_over;       /* it cannot be followed */
	bool is_proven[2];  /* the first mapping is where the data begin */
};

/** struct multipath_place - where @segment's bytes lie in its direction, and what is known of that */
struct multipath_place {
	const struct segment *segment; /* borrowed */
	unsigned dir;
	uint32_t seq;  /* of its first byte */
	uint32_t len;  /* with what the snaplen cut */
	uint32_t isn;  /* with has_isn */
	uint32_t next; /* with is_begun: the next byte in order; some were there before */
	bool has_isn, is_begun;
};

/** multipath_continues() - do these bytes belong behind or among those that came before? Once false, for ever */
bool multipath_continues(struct multipath *m, const struct multipath_place *at);

/** multipath_proves() - is the first mapping of @dir known to be the begin of what its sender sent? */
bool multipath_proves(struct multipath *m, unsigned dir);

#endif
