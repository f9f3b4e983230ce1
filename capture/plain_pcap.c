/*
 * plain_pcap.c - see plain_pcap.h
 *
 * Theory of operation. Packets are handed on where they lie in the file's bytes
 * (file_bytes.h), mapped nearly always.
 *
 * The file may shrink meanwhile, and then it is cut there. What a map loses
 * reads as zeros, and a header of zeros has no length. So a packet is handed on
 * only after a look at the header behind it, and where that has no length, or
 * is not in the window, after the file was asked whether it still has the
 * packet. What is lost while a packet is borrowed, or waits for its turn in a
 * merge, is not noticed in time: its end may be zeros then, and the file ends
 * behind it.
 *
 * A mapped page, unlike one that was just copied, is in no cache, so lines are
 * fetched ahead while a packet is worked on: of small packets all, a fixed way
 * ahead, and otherwise the first ones of the packet after the next, of which the
 * look at the next header tells where it lies.
 *
 * What is not plain is left to libpcap: versions before 2.4 that have their
 * lengths in another order, and link types whose pseudo-headers libpcap puts
 * into the byte order of the host (none that we decode). What the header says of
 * the snapshot length is not used: each packet has its own, and libpcap is told
 * the longest (lift.h). One that claims more than that ends the file. Unlike in libpcap, whose
 * sign depends on the byte order, seconds are never negative: they reach 2106.
 */
#include "capture/plain_pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cache_line.h"
#include "base/span.h"
#include "capture/decode.h"
#include "capture/file_bytes.h"

#define FILE_HEADER 24
#define PACKET_HEADER 16
#define LENGTH_MAX 262144                /* libpcap's, for every link type that we decode */
#define HEADS_BYTES 320                  /* its headers and those of a request: nearly all that is looked at */
#define AHEAD_BYTES 1536                 /* 1 to 3 KiB cost the same */
#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du

struct plain_pcap {
	struct file_bytes bytes;
	int64_t fraction_ns;  /* the unit of what stands behind the seconds */
	uint32_t snaplen; /* as libpcap was told it: no packet is cut by it */
	int linktype;
	bool swapped;       /* the byte order is not ours */
	char error[PCAP_ERRBUF_SIZE];
};

/* A number in the order of the host that wrote the file; @s is long enough. */
static inline uint32_t host32(const struct plain_pcap *p, struct span s, size_t at)
{
	uint32_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return p->swapped ? __builtin_bswap32(value) : value;
}

uint64_t plain_pcap_done(const struct plain_pcap *p)
{
	return file_bytes_done(&p->bytes);
}

static int cut(struct plain_pcap *p, size_t wanted, const char *what, int filled)
{
	file_bytes_cut(&p->bytes, wanted, what, filled, p->error, sizeof(p->error));
	return PCAP_ERROR;
}

/* Is the packet that ends where the unread begins still in the file? */
static bool is_there(const struct plain_pcap *p)
{
	bool doubt = p->bytes.unread.len < PACKET_HEADER || host32(p, p->bytes.unread, 8) == 0;

	return !doubt || file_bytes_hold(&p->bytes, p->bytes.unread.at);
}

/* Fetch as much as the next packet takes, or will be looked at of it. Inlined for the reason of span_prefetch(). */
__attribute__((always_inline)) static inline void fetch_ahead(const struct plain_pcap *p)
{
	size_t len;

	if (p->bytes.unread.len < PACKET_HEADER)
		return;
	len = host32(p, p->bytes.unread, 8);
	span_prefetch(p->bytes.unread, PACKET_HEADER + (len < AHEAD_BYTES ? AHEAD_BYTES : len),
		      len < HEADS_BYTES ? PACKET_HEADER + len : HEADS_BYTES);
}

int plain_pcap_next(struct plain_pcap *p, struct packet *out)
{
	struct file_bytes *b = &p->bytes;
	int filled = b->unread.len >= PACKET_HEADER ? 1 : file_bytes_fill(b, PACKET_HEADER);
	struct span fields, packet;
	uint32_t len, wire_len;
	int64_t ns;

	if (filled == 0 && b->unread.len == 0)
		return PCAP_ERROR_BREAK;
	if (!span_take(&b->unread, PACKET_HEADER, &fields))
		return cut(p, PACKET_HEADER, "header", filled);
	ns = host32(p, fields, 0) * NS_PER_S + host32(p, fields, 4) * p->fraction_ns;
	len = host32(p, fields, 8);
	wire_len = host32(p, fields, 12);
	if (len > LENGTH_MAX) {
		bool snaplen = len > p->snaplen;

		snprintf(p->error, sizeof(p->error), "invalid packet capture length %u, bigger than %s of %u", len,
			 snaplen ? "snaplen" : "maximum", snaplen ? p->snaplen : LENGTH_MAX);
		return PCAP_ERROR;
	}
	filled = b->unread.len >= len ? 1 : file_bytes_fill(b, len);
	if (!span_take(&b->unread, len, &packet))
		return cut(p, len, "captured", filled);
	if (!is_there(p))
		return cut(p, len, "captured", FILE_MAP_LOST);
	fetch_ahead(p);
	*out = (struct packet){ .bytes = packet,
				.wire_len = wire_len > packet.len ? wire_len : (uint32_t)packet.len,
				.linktype = p->linktype,
				.ts = { ns } };
	return 1;
}

/* Does the file begin as one that this reader knows? Take the header if so. */
static bool knows(struct plain_pcap *p, pcap_t *pcap)
{
	struct span header;
	uint32_t magic;

	if (!input_is_plain(p->bytes.input) || !decode_knows_linktype(pcap_datalink(pcap)))
		return false;
	if (pcap_major_version(pcap) != PCAP_VERSION_MAJOR || pcap_minor_version(pcap) != PCAP_VERSION_MINOR)
		return false;
	if (file_bytes_fill(&p->bytes, FILE_HEADER) <= 0 || !span_take(&p->bytes.unread, FILE_HEADER, &header))
		return false;
	p->swapped = pcap_is_swapped(pcap);
	magic = host32(p, header, 0);
	p->fraction_ns = magic == MAGIC_NANO ? 1 : 1000;
	p->snaplen = (uint32_t)pcap_snapshot(pcap);
	p->linktype = pcap_datalink(pcap);
	return magic == MAGIC_NANO || magic == MAGIC_MICRO;
}

int plain_pcap_new(pcap_t *pcap, struct input *input, struct plain_pcap **out)
{
	struct plain_pcap *p = cache_line_calloc(sizeof(*p));

	*out = NULL;
	if (!p)
		return -ENOMEM;
	file_bytes_init(&p->bytes, input);
	if (knows(p, pcap))
		*out = p;
	else
		plain_pcap_free(p);
	return 0;
}

const char *plain_pcap_error(const struct plain_pcap *p)
{
	return p->error;
}

void plain_pcap_free(struct plain_pcap *p)
{
	if (!p)
		return;
	file_bytes_deinit(&p->bytes);
	free(p);
}
