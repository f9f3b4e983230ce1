/*
 * spill.h - a second ring of the kernel for what the first has no room for, and both read in order of time
 */
#ifndef CAPTURE_SPILL_H
#define CAPTURE_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pcap/pcap.h>

#include "capture/decode.h"

#define SPILL_TIMEOUT_MS 32 /* of the second ring's blocks */

struct spill;

/**
 * spill_new() - make the kernel fall back to @second where @first is full
 * @first, @second:  active, bound to the same interface and deaf (no filter that lets anything through yet);
 *                   @second is taken on success
 * @ignore_outgoing: as PACKET_IGNORE_OUTGOING, which a socket's own setting is not in a group
 * Return: 0 or a negative errno: kernels before 4.12 cannot, and then @first is in no group.
 */
int spill_new(pcap_t *first, pcap_t *second, bool ignore_outgoing, struct spill **out);

/** spill_pcap() - the second ring; borrowed */
pcap_t *spill_pcap(const struct spill *sp);

/** spill_is_used() - has something gone to the second ring that was not read yet? Asks the kernel. */
bool spill_is_used(struct spill *sp);

/**
 * spill_read() - while spill_is_used(): hand on at most @max packets of both rings, the earliest first
 * @make:  makes a packet of what libpcap gives, of @ctx
 * @lend:  borrows it; false: no more
 *
 * Waits at most 20 ms for a block of the second ring that is not full yet.
 * Return: how many were handed on, or -1: libpcap failed, see pcap_geterr() of the first ring.
 */
typedef struct packet spill_make_fn(void *ctx, const struct pcap_pkthdr *header, const uint8_t *bytes);
typedef bool spill_lend_fn(void *ctx, const struct packet *packet);
int spill_read(struct spill *sp, size_t max, spill_make_fn *make, spill_lend_fn *lend, void *ctx);

/** spill_free() - closes the second ring */
void spill_free(struct spill *sp);

#endif
