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
#define PACKET_FATES(X)                                                                                      \
	X(DECODED,            "decoded",   NULL)        /* a TCP segment came of it */                       \
	X(IGNORED_NOT_IP,     "ignored",   "not_ip")    /* ARP, LLDP, spanning tree, ... */                   \
	X(IGNORED_NOT_TCP,    "ignored",   "not_tcp")   /* UDP, ICMP, what is no tunnel that we open */       \
	X(IGNORED_PORT,       "ignored",   "port")      /* TCP, but neither port is the service's */          \
	X(IGNORED_FRAGMENT,   "ignored",   "fragment")  /* a piece of a packet that is not whole yet */        \
	X(IGNORED_NESTED,     "ignored",   "nested")    /* more tunnels in each other than we open */         \
	X(IGNORED_LINKTYPE,   "ignored",   "linktype")  /* a link layer that is not decoded */                \
	X(MALFORMED_TRUNCATED, "malformed", "truncated") /* cut (snaplen) before the end of the TCP header */ \
	X(MALFORMED_LINK,     "malformed", "link")                                                            \
	X(MALFORMED_IP,       "malformed", "ip")                                                              \
	X(MALFORMED_TCP,      "malformed", "tcp")

enum packet_fate {
#define X(id, group, name) PACKET_##id,
	PACKET_FATES(X)
#undef X
	PACKET_FATE_COUNT
};

struct capture_stats {
	struct counter received, received_bytes;
	struct counter fate[PACKET_FATE_COUNT];
	struct counter cut_payload;    /* decoded, but the payload was cut by the snaplen */
	struct counter dropped_kernel; /* by the ring being full, as the kernel counts */
	struct counter dropped_interface;
};

#endif
