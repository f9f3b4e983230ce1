/*
 * wifi.c - see wifi.h; IEEE 802.11-2020 9.2 and 9.3.2, radiotap.org, IEEE 802 9.2 (LLC, SNAP)
 *
 * The header of a data frame is 24 bytes, and longer with a fourth address
 * (frames between access points), quality of service and high throughput. Some
 * drivers pad it to a multiple of four, as a radiotap flag would tell; the SNAP
 * header that has to follow (aa aa 03) tells it too, and needs no walk through
 * radiotap's fields.
 */
#include "capture/wifi.h"

#define HEADER 24
#define ADDRESS4 6
#define QOS_CONTROL 2
#define HT_CONTROL 4
#define SNAP_HEADER 8
#define RADIOTAP_HEADER 8

/* of the first byte of frame control */
#define VERSION_AND_TYPE 0x0f
#define TYPE_DATA 0x08
#define SUBTYPE_NO_DATA 0x40
#define SUBTYPE_QOS 0x80

/* of the second */
#define TO_AND_FROM_DS 0x03
#define MORE_FRAGMENTS 0x04
#define PROTECTED 0x40
#define ORDER 0x80

#define FRAGMENT_NUMBER 0x0f /* of the low byte of sequence control */
#define QOS_AGGREGATED 0x80  /* of the low byte of QoS control */

static enum packet_result take_snap(struct layer *l, uint16_t *ethertype)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	struct span header;
	enum packet_result result = layer_take(l, SNAP_HEADER, &header, PACKET_MALFORMED_LINK);

	if (result != PACKET_DECODED)
		return result;
	if (!span_starts(header, span_of(snap, sizeof(snap))))
		return PACKET_IGNORED_NOT_IP;
	*ethertype = field16(header, 6);
	return PACKET_DECODED;
}

/* Behind a header of @header_len bytes SNAP follows at once, or after padding to four bytes. */
static enum packet_result take_padded_snap(struct layer *l, size_t header_len, uint16_t *ethertype)
{
	struct layer behind = *l;
	struct span padding;
	enum packet_result result = take_snap(l, ethertype);

	if (result != PACKET_IGNORED_NOT_IP || header_len % 4 == 0)
		return result;
	*l = behind;
	result = layer_take(l, 4 - header_len % 4, &padding, PACKET_MALFORMED_LINK);
	return result == PACKET_DECODED ? take_snap(l, ethertype) : result;
}

static enum packet_result take_qos(struct layer *l, bool high_throughput, size_t *header_len)
{
	size_t len = QOS_CONTROL + (high_throughput ? HT_CONTROL : 0);
	struct span control;
	enum packet_result result = layer_take(l, len, &control, PACKET_MALFORMED_LINK);

	*header_len += len;
	if (result == PACKET_DECODED && field8(control, 0) & QOS_AGGREGATED)
		return PACKET_IGNORED_NOT_IP;
	return result;
}

enum packet_result wifi_decode(struct layer *l, uint16_t *ethertype)
{
	struct span header, address;
	enum packet_result result = layer_take(l, HEADER, &header, PACKET_MALFORMED_LINK);
	size_t header_len = HEADER;
	uint8_t type, flags;

	if (result != PACKET_DECODED)
		return result;
	type = field8(header, 0);
	flags = field8(header, 1);
	if ((type & VERSION_AND_TYPE) != TYPE_DATA || type & SUBTYPE_NO_DATA || flags & PROTECTED)
		return PACKET_IGNORED_NOT_IP;
	if (flags & MORE_FRAGMENTS || field8(header, 22) & FRAGMENT_NUMBER)
		return PACKET_IGNORED_FRAGMENT;
	if ((flags & TO_AND_FROM_DS) == TO_AND_FROM_DS) {
		result = layer_take(l, ADDRESS4, &address, PACKET_MALFORMED_LINK);
		header_len += ADDRESS4;
	}
	if (result == PACKET_DECODED && type & SUBTYPE_QOS)
		result = take_qos(l, flags & ORDER, &header_len);
	return result == PACKET_DECODED ? take_padded_snap(l, header_len, ethertype) : result;
}

enum packet_result wifi_decode_radiotap(struct layer *l, uint16_t *ethertype)
{
	struct layer peek = *l;
	struct span start, header;
	enum packet_result result = layer_take(&peek, RADIOTAP_HEADER, &start, PACKET_MALFORMED_LINK);
	size_t len;

	if (result != PACKET_DECODED)
		return result;
	len = field8(start, 2) | (size_t)field8(start, 3) << 8; /* little-endian, as all of radiotap */
	if (field8(start, 0) != 0 || len < RADIOTAP_HEADER)
		return PACKET_MALFORMED_LINK;
	result = layer_take(l, len, &header, PACKET_MALFORMED_LINK);
	return result == PACKET_DECODED ? wifi_decode(l, ethertype) : result;
}
