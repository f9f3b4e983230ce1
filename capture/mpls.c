/*
 * mpls.c - see mpls.h; labels are RFC 3032, pseudowires RFC 4448, control words RFC 4385
 *
 * A label says nothing of what it carries: the routers at both ends agreed on
 * that. Every tap has to guess. The first four bits tell IP (4 or 6); routers
 * themselves rely on that to spread flows. An Ethernet pseudowire may begin
 * with a control word, whose first four bits are 0 so as not to look like IP,
 * or with the frame itself. Its destination address often begins with 00 as
 * well, so a frame is only taken for one if an ethertype of IP stands where it
 * should and an IP header of that version follows, tags in between allowed.
 * Everything else is not IP: nothing is lost by it but frames that hold none.
 *
 * Labels are no part of a domain's identity (domain.h).
 */
#include "capture/mpls.h"

#include "capture/ip.h"
#include "capture/link.h"

#define LABEL_BOTTOM 0x100
#define CONTROL_WORD 4
#define CONTROL_WORD_FRAGMENT_BITS 0xc0 /* of its second byte: a frame in pieces */

/* Is there an Ethernet frame with IP in it? PACKET_IGNORED_NOT_IP if not. */
static enum packet_result expect_frame(struct layer l)
{
	struct span header;
	enum packet_result result = layer_take(&l, 14, &header, PACKET_IGNORED_NOT_IP);
	uint16_t ethertype = result == PACKET_DECODED ? field16(header, 12) : 0, follows;

	while (result == PACKET_DECODED && ethertype_is_vlan_tag(ethertype)) {
		result = layer_take(&l, 4, &header, PACKET_IGNORED_NOT_IP);
		if (result == PACKET_DECODED)
			ethertype = field16(header, 2);
	}
	if (result == PACKET_DECODED)
		result = ip_peek_version(&l, &follows, PACKET_IGNORED_NOT_IP, PACKET_IGNORED_NOT_IP);
	return result == PACKET_DECODED && follows != ethertype ? PACKET_IGNORED_NOT_IP : result;
}

static enum packet_result take_pseudowire(struct layer *l)
{
	struct layer behind = *l;
	struct span word;
	enum packet_result result = layer_take(&behind, CONTROL_WORD, &word, PACKET_IGNORED_NOT_IP);

	if (result == PACKET_DECODED && (field8(word, 0) != 0 || field8(word, 1) & CONTROL_WORD_FRAGMENT_BITS))
		result = PACKET_IGNORED_NOT_IP;
	if (result == PACKET_DECODED)
		result = expect_frame(behind);
	if (result == PACKET_IGNORED_NOT_IP)
		return expect_frame(*l);
	if (result == PACKET_DECODED)
		*l = behind;
	return result;
}

enum packet_result mpls_decode(struct layer *l, uint16_t *ethertype)
{
	struct span label;
	enum packet_result result;

	do {
		result = layer_take(l, 4, &label, PACKET_MALFORMED_LINK);
		if (result != PACKET_DECODED)
			return result;
	} while (!(field32(label, 0) & LABEL_BOTTOM));
	result = ip_peek_version(l, ethertype, PACKET_MALFORMED_LINK, PACKET_IGNORED_NOT_IP);
	if (result != PACKET_IGNORED_NOT_IP)
		return result;
	*ethertype = ETHERTYPE_BRIDGED;
	return take_pseudowire(l);
}
