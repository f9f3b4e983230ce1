/*
 * capture_stats.h - what became of every packet
 *
 * packets.received = decoded + ignored.* + malformed.*; the kernel's drops were
 * never received and are counted apart. One writer: the lane.
 */
#ifndef CAPTURE_CAPTURE_STATS_H
#define CAPTURE_CAPTURE_STATS_H

#include "base/counter.h"

/*      id                    group        name */
#define PACKET_RESULTS(X)                                                                                    \
	X(DECODED,            "decoded",   NULL)        /* a TCP segment came of it */                       \
	X(IGNORED_NOT_IP,     "ignored",   "not_ip")    /* ARP, LLDP, spanning tree, ... */                  \
	X(IGNORED_NOT_TCP,    "ignored",   "not_tcp")   /* UDP, ICMP, what is no tunnel that we open */      \
	X(IGNORED_PORT,       "ignored",   "port")      /* TCP, but neither port is the service's */         \
	X(IGNORED_FRAGMENT,   "ignored",   "fragment")  /* a piece of a packet that is not whole yet */      \
	X(IGNORED_NESTED,     "ignored",   "nested")    /* more tunnels in each other than we open */        \
	X(IGNORED_LINKTYPE,   "ignored",   "linktype")  /* a link layer that is not decoded */               \
	X(MALFORMED_TRUNCATED, "malformed", "truncated") /* cut (snaplen) before the end of the TCP header */ \
	X(MALFORMED_LINK,     "malformed", "link")                                                           \
	X(MALFORMED_IP,       "malformed", "ip")                                                             \
	X(MALFORMED_TCP,      "malformed", "tcp")

enum packet_result {
#define X(id, group, name) PACKET_##id,
	PACKET_RESULTS(X)
#undef X
	PACKET_RESULT_COUNT
};

/* Blocks of a pcapng recording that are no packets, say nothing of how to read them, and were passed over */
#define BLOCK_SKIPS(X)                                                                                       \
	X(NAMES,      "names")      /* names of hosts */                                                     \
	X(STATISTICS, "statistics") /* of interfaces */                                                      \
	X(SECRETS,    "secrets")    /* other than a key log of TLS */                                        \
	X(DAMAGED_SECRETS, "damaged_secrets") /* they do not add up: what was in them is missing */          \
	X(CUSTOM,     "custom")                                                                              \
	X(UNKNOWN,    "unknown")    /* of a kind that is in no specification that we know */                 \
	X(MALFORMED,  "malformed")  /* it does not add up: the file ends there */

enum block_skip {
#define X(id, name) BLOCK_SKIP_##id,
	BLOCK_SKIPS(X)
#undef X
	BLOCK_SKIP_COUNT
};

/* Of packets that were IGNORED_NOT_IP, _NOT_TCP or _LINKTYPE: what the outermost thing is that could not be read. */
enum unread_kind { UNREAD_NOTHING, UNREAD_ETHERTYPE, UNREAD_UDP_PORT, UNREAD_IP_PROTOCOL, UNREAD_LINKTYPE };

/** UNREAD() - kind and number in one; 0 is nothing */
#define UNREAD(kind, number) ((uint32_t)(kind) << 16 | (uint16_t)(number))
#define UNREAD_KIND(what)    ((enum unread_kind)((what) >> 16))
#define UNREAD_NUMBER(what)  ((what) & 0xffffu)

#define UNREAD_MAX 24

/**
 * struct unread - how many packets of which
 *
 * What finds no row takes over that of the rarest, with its count ("space saving", Metwally 2005): whatever has more
 * than one packet in UNREAD_MAX is in a row, and no count is too high by more than that share of all.
 */
struct unread {
	struct {
		struct counter what, packets; /* what: 0 where the rows end */
	} row[UNREAD_MAX];
	struct counter longest_cut; /* bytes on the wire of the longest packet that came cut */
};

/** unread_cut() - owner only: a packet of so many bytes came cut */
static inline void unread_cut(struct unread *u, uint64_t wire_len)
{
	if (wire_len > counter_get(&u->longest_cut))
		counter_set(&u->longest_cut, wire_len);
}

/** unread_add() - owner only */
static inline void unread_add(struct unread *u, uint32_t what, uint64_t packets)
{
	int rarest = 0;

	for (int i = 0; what && i < UNREAD_MAX; i++) {
		uint64_t is = counter_get(&u->row[i].what);

		if (is == what) {
			counter_add(&u->row[i].packets, packets);
			return;
		}
		if (counter_get(&u->row[i].packets) < counter_get(&u->row[rarest].packets))
			rarest = i;
	}
	if (what && packets) {
		counter_set(&u->row[rarest].what, what);
		counter_add(&u->row[rarest].packets, packets);
	}
}

/* See base/counter.h for the columns. */
#define PACKET_COUNTERS(X, PARTS)                                                                            \
	X(received, received, REPORT, COUNTER, NULL, "Packets received.")                                    \
	X(received_bytes, received_bytes, REPORT, COUNTER, "shadowtap_capture_bytes_total",                  \
	  "Bytes of the packets received, as they were on the wire.")                                        \
	PARTS(result, PACKET_RESULT_COUNT)                                                                   \
	PARTS(block_skip, BLOCK_SKIP_COUNT)                                                                  \
	X(cut_payload, cut_payload, REPORT, COUNTER, "shadowtap_packets_cut_total",                          \
	  "Packets decoded whose payload the snaplen or a mirror had cut.")                                  \
	X(dropped_kernel, dropped_kernel, REPORT, DROPPED, "kernel",                                         \
	  "Packets that the kernel dropped since its buffer was full; not in received.")                     \
	X(dropped_interface, dropped_interface, REPORT, DROPPED, "interface",                                \
	  "Packets that the interface dropped; not in received.")

struct capture_stats {
	PACKET_COUNTERS(COUNTER_FIELD, COUNTER_FIELDS)
};

#endif
