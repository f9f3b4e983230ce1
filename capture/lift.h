/*
 * lift.h - pcap files whose header would have libpcap cut packets that are all there
 *
 * Works on the bytes of a file on their way to libpcap, whatever pieces they come in: what the header says of the longest
 * packet becomes the most that libpcap takes. Other files are left alone; of a pcapng, pcapng_reader.c asks no header.
 */
#ifndef CAPTURE_LIFT_H
#define CAPTURE_LIFT_H

#include <stddef.h>
#include <stdint.h>

struct lift {
	uint32_t magic; /* the first bytes, little end first */
	uint32_t at;    /* in the file; no further than the header */
};

/** lift_init() - at the beginning of a file */
void lift_init(struct lift *l);

/** lift_bytes() - the next @n bytes of the file, changed in place */
void lift_bytes(struct lift *l, uint8_t *bytes, size_t n);

#endif
