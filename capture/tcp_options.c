/*
 * tcp_options.c - see tcp_options.h
 *
 * Options come one after the other: a kind, a length that counts both, and the
 * rest. What is too short for what it claims to be says nothing, and what is
 * behind an option with a wrong length is not looked at, as receivers do it
 * (RFC 9293, 3.1). A segment may carry several of kind 30: a mapping, and the
 * news of another address.
 *
 * Of Multipath TCP only that is read which says where a segment's bytes belong:
 * who joins, the server's key, and mappings. Hashes and addresses are not.
 */
#include "capture/tcp_options.h"

#define OPTION_END   0
#define OPTION_NOP   1
#define OPTION_MPTCP 30

#define SUBTYPE_CAPABLE 0
#define SUBTYPE_JOIN    1
#define SUBTYPE_DSS     2

#define DSS_HAS_ACK  0x01
#define DSS_LONG_ACK 0x02
#define DSS_HAS_MAP  0x04
#define DSS_LONG_DSN 0x08

/* What is behind kind and length: subtype and version, flags, then the sender's key, then its peer's, then how long
 * the data is that the connection begins with (version 1; 3.1). */
static void take_capable(struct span rest, struct mptcp *m)
{
	uint8_t version = 0, flags;
	uint64_t own, peer;

	m->seen |= MPTCP_CAPABLE;
	if (!span_u8(&rest, &version) || !span_u8(&rest, &flags))
		return;
	m->version = version & 0x0f;
	if (!span_u64(&rest, &own))
		return;
	m->seen |= MPTCP_OWN_KEY;
	m->own_key = own;
	if (!span_u64(&rest, &peer))
		return;
	m->seen |= MPTCP_PEER_KEY;
	m->peer_key = peer;
	if (span_u16(&rest, &m->length))
		m->seen |= MPTCP_BEGINS;
}

/* Subtype and flags, the data that arrived, where this segment's belongs (3.3). */
static void take_dss(struct span rest, struct mptcp *m)
{
	uint8_t subtype, flags;
	uint64_t dsn;

	if (!span_u8(&rest, &subtype) || !span_u8(&rest, &flags))
		return;
	if ((flags & DSS_HAS_ACK) && !span_skip(&rest, (flags & DSS_LONG_ACK) ? 8 : 4))
		return;
	if (!(flags & DSS_HAS_MAP))
		return;
	if (flags & DSS_LONG_DSN) {
		if (!span_u64(&rest, &dsn))
			return;
		m->dsn = (uint32_t)dsn;
	} else if (!span_u32(&rest, &m->dsn)) {
		return;
	}
	if (span_u32(&rest, &m->ssn) && span_u16(&rest, &m->length))
		m->seen |= MPTCP_MAPS;
}

static void take_mptcp(struct span rest, struct mptcp *m)
{
	if (rest.len == 0)
		return;
	switch (rest.at[0] >> 4) {
	case SUBTYPE_CAPABLE:
		take_capable(rest, m);
		break;
	case SUBTYPE_JOIN:
		m->seen |= MPTCP_JOINS;
		break;
	case SUBTYPE_DSS:
		take_dss(rest, m);
		break;
	default: /* addresses, priorities, failures and ends: none moves a byte */
		break;
	}
}

const struct mptcp *tcp_options_read(struct span options, struct mptcp *room)
{
	uint8_t kind, length;
	struct span rest;

	*room = (struct mptcp){ 0 };
	while (span_u8(&options, &kind) && kind != OPTION_END) {
		if (kind == OPTION_NOP)
			continue;
		if (!span_u8(&options, &length) || length < 2 || !span_take(&options, length - 2U, &rest))
			break;
		if (kind == OPTION_MPTCP)
			take_mptcp(rest, room);
	}
	return room->seen ? room : NULL;
}
