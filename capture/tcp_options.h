/*
 * tcp_options.h - what the TCP header's options say that matters: Multipath TCP (RFC 8684)
 */
#ifndef CAPTURE_TCP_OPTIONS_H
#define CAPTURE_TCP_OPTIONS_H

#include "capture/layer.h"
#include "capture/segment.h"

#define TCP_OPTIONS_TIMES     12         /* two NOPs and a time stamp: what nearly all segments have */
#define TCP_OPTIONS_TIMES_TAG 0x0101080a

/** tcp_options_read() - look for Multipath TCP in @options; NULL if it isn't there, else @room, filled */
const struct mptcp *tcp_options_read(struct span options, struct mptcp *room);

/** tcp_options_mptcp() - the same, and at once for the segments that nearly all are */
static inline const struct mptcp *tcp_options_mptcp(struct span options, struct mptcp *room)
{
	if (options.len == 0 || (options.len == TCP_OPTIONS_TIMES && field32(options, 0) == TCP_OPTIONS_TIMES_TAG))
		return NULL;
	return tcp_options_read(options, room);
}

#endif
