/*
 * lift.h - capture files whose headers would have libpcap cut or refuse packets that are all there
 *
 * Works on the bytes of a file on their way to libpcap, whatever pieces they come
 * in: what a header says of the longest packet becomes the most that libpcap takes,
 * and interfaces of a pcapng can all be given one link type.
 */
#ifndef CAPTURE_LIFT_H
#define CAPTURE_LIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIFT_HEAD 16
#define LIFT_INTERFACES_MAX 64

struct lift_interface {
	uint16_t linktype; /* LINKTYPE_* of the file */
	uint64_t packets;
};

struct lift {
	enum { LIFT_BEGIN, LIFT_PCAP, LIFT_BLOCKS, LIFT_OTHER } state;
	bool swapped;           /* the byte order is not ours */
	uint64_t at;            /* in the file header or the block */
	uint64_t block_len;
	uint8_t head[LIFT_HEAD]; /* the first bytes of it */
	int linktype;           /* given to every interface; -1: each keeps its own */
	/* what was seen so far, of all sections; those beyond the room are only counted in @interface_count */
	struct lift_interface interface[LIFT_INTERFACES_MAX];
	size_t interface_count, section_at; /* the first interface of the section */
};

/** lift_init() - @linktype: LINKTYPE_* for all interfaces of a pcapng, or -1 */
void lift_init(struct lift *l, int linktype);

/** lift_bytes() - the next @n bytes of the file, changed in place */
void lift_bytes(struct lift *l, uint8_t *bytes, size_t n);

/**
 * lift_used_linktype() - once all bytes have passed: the one link type that there are packets of
 * Return: -1 if there are packets of several, or the interfaces had no room.
 */
int lift_used_linktype(const struct lift *l);

#endif
