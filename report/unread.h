/* unread.h - what a packet carried that could not be read, in words, and what to do about it */
#ifndef REPORT_UNREAD_H
#define REPORT_UNREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/capture_stats.h"

/* What to do about packets that are longer than any snaplen */
#define BIG_TCP_ADVICE "ip link set DEV gro_max_size 196608 on the machine that is tapped (gso_max_size for what it sends), or tap elsewhere"

/** unread_name() - append "ethertype 0x88e5 (MACsec)", "UDP port 4789 (VXLAN)", "IP protocol 50 (ESP, of IPsec)" */
void unread_name(uint32_t what, struct buffer *out);

/** unread_hides() - can there be a connection to a service in it? True of tunnels and tags, and of what is not known */
bool unread_hides(uint32_t what);

/**
 * unread_advise() - append what to do about it: a phrase without capital or full stop
 * @given:  UDP ports that the user named as VXLAN's (--vxlan-port)
 */
void unread_advise(uint32_t what, const uint16_t *given, size_t given_count, struct buffer *out);

#endif
