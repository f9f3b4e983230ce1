/*
 * lift.c - see lift.h; pcap is draft-ietf-opsawg-pcap, pcapng draft-ietf-opsawg-pcapng
 *
 * Theory of operation. Both formats say in a header how long a packet can be, the
 * snapshot length, and beside each packet how long it is. Converters and appliances
 * write headers that are too small. libpcap cuts such packets of a pcap, ends a pcapng
 * at the first of them, and refuses one whose interfaces differ in it. Whatever the
 * header says becomes 262,144, the most that libpcap takes for any link layer that we
 * decode: each packet's own length counts then. It also refuses a pcapng whose
 * interfaces have several link types, as Wireshark writes them when it captures on two
 * interfaces at once, although all packets may be from one of them. The others can be
 * given its type.
 *
 * A walk over the bytes knows where it is in a header or a block, and steps over the
 * rest of a block at once. What does not look like either format is left alone from
 * there on; libpcap says what is wrong with it.
 */
#include "capture/lift.h"

#include <string.h>

#define SNAPLEN 262144
#define PCAP_SNAPLEN_AT 16
#define PCAP_HEAD_END 20
#define BLOCK_HEAD 12 /* type and length, and of a section the byte order */
#define BLOCK_MIN 12
#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1
#define BLOCK_PACKET_OLD 2
#define BLOCK_PACKET_SIMPLE 3
#define BLOCK_PACKET 6
#define INTERFACE_LINKTYPE_AT 8
#define INTERFACE_SNAPLEN_AT 12
#define INTERFACE_END 16

static const uint32_t pcap_magics[] = { 0xa1b2c3d4, 0xa1b23c4d };

void lift_init(struct lift *l, int linktype)
{
	*l = (struct lift){ .linktype = linktype };
}

static uint32_t word(const struct lift *l, size_t at)
{
	uint32_t value;

	memcpy(&value, l->head + at, sizeof(value));
	return l->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t half_word(const struct lift *l, size_t at)
{
	uint16_t value;

	memcpy(&value, l->head + at, sizeof(value));
	return l->swapped ? __builtin_bswap16(value) : value;
}

/* The byte at @at of @value, as the file writes it from @from on in @size bytes */
static uint8_t byte_of(const struct lift *l, uint32_t value, size_t size, size_t at)
{
	bool little = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != l->swapped;
	size_t shift = little ? at : size - 1 - at;

	return (uint8_t)(value >> 8 * shift);
}

static void know_format(struct lift *l)
{
	for (size_t i = 0; i < sizeof(pcap_magics) / sizeof(pcap_magics[0]); i++) {
		l->swapped = word(l, 0) == __builtin_bswap32(pcap_magics[i]);
		if (word(l, 0) == pcap_magics[i]) {
			l->state = LIFT_PCAP;
			return;
		}
	}
	l->swapped = false;
	l->state = word(l, 0) == BLOCK_SECTION ? LIFT_BLOCKS : LIFT_OTHER;
}

static void note_packet(struct lift *l, size_t interface)
{
	size_t at = l->section_at + interface;

	if (at < l->interface_count && at < LIFT_INTERFACES_MAX)
		l->interface[at].packets++;
}

/* The first 12 bytes of a block are there. */
static void begin_block(struct lift *l)
{
	uint32_t type = word(l, 0);

	if (type == BLOCK_SECTION) {
		l->swapped = false;
		l->swapped = word(l, 8) == 0x4d3c2b1a;
		l->section_at = l->interface_count;
	}
	l->block_len = ((uint64_t)word(l, 4) + 3) & ~(uint64_t)3;
	if (l->block_len < BLOCK_MIN)
		l->state = LIFT_OTHER;
	else if (type == BLOCK_PACKET)
		note_packet(l, word(l, 8));
	else if (type == BLOCK_PACKET_OLD)
		note_packet(l, half_word(l, 8));
	else if (type == BLOCK_PACKET_SIMPLE)
		note_packet(l, 0);
}

static void note_interface(struct lift *l)
{
	if (l->interface_count < LIFT_INTERFACES_MAX)
		l->interface[l->interface_count].linktype = half_word(l, INTERFACE_LINKTYPE_AT);
	l->interface_count++;
}

/* One byte of a header or of the beginning of a block */
static void take_head(struct lift *l, uint8_t *byte)
{
	uint64_t at = l->at++;

	if (at < LIFT_HEAD)
		l->head[at] = *byte;
	if (l->state == LIFT_PCAP && at >= PCAP_SNAPLEN_AT)
		*byte = byte_of(l, SNAPLEN, 4, at - PCAP_SNAPLEN_AT);
	if (l->state == LIFT_BEGIN && l->at == 4)
		know_format(l);
	if (l->state != LIFT_BLOCKS)
		return;
	if (l->at == BLOCK_HEAD)
		begin_block(l);
	if (l->at <= INTERFACE_LINKTYPE_AT || word(l, 0) != BLOCK_INTERFACE)
		return;
	if (at >= INTERFACE_SNAPLEN_AT)
		*byte = byte_of(l, SNAPLEN, 4, at - INTERFACE_SNAPLEN_AT);
	else if (l->linktype >= 0 && at < INTERFACE_LINKTYPE_AT + 2)
		*byte = byte_of(l, (uint32_t)l->linktype, 2, at - INTERFACE_LINKTYPE_AT);
	if (l->at == INTERFACE_END)
		note_interface(l);
}

/* How many bytes from here on need a look: 0 in what is only stepped over. */
static uint64_t head_end(const struct lift *l)
{
	if (l->state == LIFT_PCAP)
		return PCAP_HEAD_END;
	return l->at >= BLOCK_HEAD && word(l, 0) != BLOCK_INTERFACE ? BLOCK_HEAD : INTERFACE_END;
}

static size_t step_over(struct lift *l, size_t n)
{
	uint64_t rest = l->block_len - l->at;

	if (rest > n) {
		l->at += n;
		return n;
	}
	l->at = 0;
	return (size_t)rest;
}

/* Nearly all blocks are packets, and lie whole in what comes at once: their head needs no walk. */
static bool take_whole_head(struct lift *l, const uint8_t *bytes, size_t n)
{
	if (l->state != LIFT_BLOCKS || l->at != 0 || n < BLOCK_HEAD)
		return false;
	memcpy(l->head, bytes, BLOCK_HEAD);
	if (word(l, 0) == BLOCK_INTERFACE)
		return false;
	begin_block(l);
	l->at = BLOCK_HEAD;
	return true;
}

void lift_bytes(struct lift *l, uint8_t *bytes, size_t n)
{
	while (n > 0 && l->state != LIFT_OTHER) {
		size_t taken = 1;

		if (take_whole_head(l, bytes, n))
			taken = BLOCK_HEAD;
		else if (l->at < head_end(l))
			take_head(l, bytes);
		else if (l->state == LIFT_BLOCKS)
			taken = step_over(l, n);
		else
			l->state = LIFT_OTHER; /* behind the header of a pcap */
		if (l->state == LIFT_BLOCKS && l->at == l->block_len && l->at >= BLOCK_HEAD)
			l->at = 0; /* nothing behind its head */
		bytes += taken;
		n -= taken;
	}
}

int lift_used_linktype(const struct lift *l)
{
	int used = -1;

	if (l->interface_count == 0 || l->interface_count > LIFT_INTERFACES_MAX)
		return -1;
	for (size_t i = 0; i < l->interface_count; i++) {
		if (l->interface[i].packets == 0)
			continue;
		if (used >= 0 && l->interface[i].linktype != used)
			return -1;
		used = l->interface[i].linktype;
	}
	return used >= 0 ? used : l->interface[0].linktype;
}
