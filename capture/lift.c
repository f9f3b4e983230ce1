/*
 * lift.c - see lift.h; draft-ietf-opsawg-pcap, section 4
 *
 * Theory of operation. The header says how long a packet can be, the snapshot length, and beside each packet stands how
 * long it is. Converters and appliances write headers that are too small, and libpcap cuts the packets to that. Whatever
 * the header says becomes 262,144, the most that libpcap takes for any link layer that we decode: each packet's own length
 * counts then.
 */
#include "capture/lift.h"

#include <stdbool.h>

#define SNAPLEN 262144
#define SNAPLEN_AT 16
#define SNAPLEN_END 20

/* As they stand in a file, read with its first byte as the lowest. */
static bool is_little_endian(uint32_t magic)
{
	return magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
}

static bool is_big_endian(uint32_t magic)
{
	return magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
}

void lift_init(struct lift *l)
{
	*l = (struct lift){ .at = 0 };
}

void lift_bytes(struct lift *l, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && l->at < SNAPLEN_END; i++, l->at++) {
		uint32_t shift = 8 * (l->at % 4);

		if (l->at < 4)
			l->magic |= (uint32_t)bytes[i] << shift;
		else if (l->at >= SNAPLEN_AT && is_little_endian(l->magic))
			bytes[i] = (uint8_t)((uint32_t)SNAPLEN >> shift);
		else if (l->at >= SNAPLEN_AT && is_big_endian(l->magic))
			bytes[i] = (uint8_t)((uint32_t)SNAPLEN >> (24 - shift));
	}
}
