/*
 * fragment.h - IP datagrams put together from their fragments
 *
 * Bounds: FRAGMENT_MEMORY bytes and FRAGMENT_DATAGRAMS pending datagrams,
 * FRAGMENT_PIECES separate pieces of one datagram, FRAGMENT_TIMEOUT_NS of
 * capture time from the first fragment on. One thread.
 */
#ifndef CAPTURE_FRAGMENT_H
#define CAPTURE_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/endpoint.h"
#include "capture/decode.h"
#include "capture/frame_list.h"
#include "capture/ip.h"
#include "capture/layer.h"

#define FRAGMENT_MEMORY ((size_t)4 << 20)
#define FRAGMENT_DATAGRAMS 4096
#define FRAGMENT_PIECES 256 /* 64 KiB in pieces of 576 bytes are 118, in any order */
#define FRAGMENT_TIMEOUT_NS (30 * NS_PER_S)

struct fragments;

/** fragments_new() - an empty table; NULL when out of memory. fragments_free() */
struct fragments *fragments_new(void);
void fragments_free(struct fragments *t);

/** struct fragment_origin - where a fragment was seen; all borrowed */
struct fragment_origin {
	const struct endpoint *src, *dst; /* addresses; ports are not looked at */
	uint32_t domain;                  /* domain.h */
	struct wall ts;                   /* capture time */
	const struct packet *packet;      /* to be kept with the datagram; NULL: nothing is kept, @earlier stays empty */
	struct frame_list *earlier;       /* packets before @packet that the fragment itself was put together from */
};

/**
 * fragments_add() - add one fragment, and take the datagram if that was the last missing piece
 * @payload:  of the fragment; when whole: protocol is what the datagram begins with, is_fragment is false
 * @l:        the fragment; when whole: the datagram, borrowed from @t until the next fragments_add()
 *
 * Bytes that came first win (a retransmitted fragment may differ). When whole,
 * origin->earlier are all packets that the datagram was put together from but
 * the last; until then they move into @t.
 * Return: PACKET_DECODED when whole, PACKET_IGNORED_FRAGMENT when not yet (also
 * without memory), PACKET_MALFORMED_TRUNCATED for one that was not captured
 * whole, PACKET_MALFORMED_IP for one that cannot be part of the datagram.
 */
enum packet_result fragments_add(struct fragments *t, const struct fragment_origin *origin,
				 struct ip_payload *payload, struct layer *l);

/** fragments_bytes() - memory that pending datagrams use; fragments_count() - how many there are */
size_t fragments_bytes(const struct fragments *t);
size_t fragments_count(const struct fragments *t);

#endif
