/*
 * plain_pcap.c - see plain_pcap.h
 *
 * Theory of operation. The file is read a large piece at a time, and packets
 * are lent where they lie. What is left of a packet at the piece's end moves in
 * front of it, into a margin, and the next piece is read to the same place:
 *
 *     window:  [       margin      |r|                piece                 ]
 *
 * So a packet's bytes are copied once, by the kernel, where libpcap lets the
 * header and the bytes go through fread() each, into a buffer of its own.
 *
 * Not mmap(): a file that shrinks under a mapping ends the process with SIGBUS,
 * and what was touched counts as resident, however large the file is. The window
 * costs its own size and nothing more.
 *
 * What is not plain is left to libpcap: versions before 2.4 that have their
 * lengths in another order, and link types whose pseudo-headers libpcap puts
 * into the byte order of the host (none that we decode). As in libpcap, a packet
 * that claims more than the snapshot length is cut to it, and one that claims
 * more than any snapshot length can be ends the file. Unlike in libpcap, whose
 * sign depends on the byte order, seconds are never negative: they reach 2106.
 */
#include "capture/plain_pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "capture/decode.h"

#define FILE_HEADER 24
#define PACKET_HEADER 16
#define LENGTH_MAX 262144       /* libpcap's, for every link type that we decode */
#define MARGIN_BYTES LENGTH_MAX /* what is left is always less than what is wanted */
#define PIECE_BYTES (256 * 1024) /* 64 to 512 KiB cost the same, a megabyte a tenth more */
#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du

struct plain_pcap {
	struct input *input;
	int64_t fraction_ns; /* the unit of what stands behind the seconds */
	uint32_t snaplen;
	bool swapped;       /* the byte order is not ours */
	uint64_t offset;    /* in the file, of the next piece */
	struct span unread; /* of the window */
	struct pcap_pkthdr header;
	char error[PCAP_ERRBUF_SIZE];
	uint8_t *window;
};

/* A number in the order of the host that wrote the file; @s is long enough. */
static inline uint32_t host32(const struct plain_pcap *p, struct span s, size_t at)
{
	uint32_t value;

	memcpy(&value, s.at + at, sizeof(value));
	return p->swapped ? __builtin_bswap32(value) : value;
}

/* See that @wanted bytes are unread. Return: 1, 0 if the file ends before, or a negative errno. */
static int fill(struct plain_pcap *p, size_t wanted)
{
	uint8_t *piece = p->window + MARGIN_BYTES;

	while (p->unread.len < wanted) {
		uint8_t *front = piece - p->unread.len;
		ssize_t n;

		if (p->unread.len)
			memmove(front, p->unread.at, p->unread.len);
		p->unread.at = front;
		n = input_read_at(p->input, p->offset, piece, PIECE_BYTES);
		if (n <= 0)
			return (int)n;
		p->offset += (uint64_t)n;
		p->unread.len += (size_t)n;
	}
	return 1;
}

static int cut(struct plain_pcap *p, size_t wanted, const char *what, int filled)
{
	if (filled < 0)
		snprintf(p->error, sizeof(p->error), "error reading dump file: %s", strerror(-filled));
	else
		snprintf(p->error, sizeof(p->error),
			 "truncated dump file; tried to read %zu %s bytes, only got %zu", wanted, what,
			 p->unread.len);
	return PCAP_ERROR;
}

int plain_pcap_next(struct plain_pcap *p, struct pcap_pkthdr **header, const uint8_t **bytes)
{
	int filled = p->unread.len >= PACKET_HEADER ? 1 : fill(p, PACKET_HEADER);
	struct span fields, packet;
	uint32_t len;

	if (filled == 0 && p->unread.len == 0)
		return PCAP_ERROR_BREAK;
	if (!span_take(&p->unread, PACKET_HEADER, &fields))
		return cut(p, PACKET_HEADER, "header", filled);
	p->header.ts.tv_sec = (time_t)host32(p, fields, 0);
	p->header.ts.tv_usec = (suseconds_t)(host32(p, fields, 4) * p->fraction_ns);
	len = host32(p, fields, 8);
	p->header.len = host32(p, fields, 12);
	if (len > LENGTH_MAX) {
		bool snaplen = len > p->snaplen;

		snprintf(p->error, sizeof(p->error), "invalid packet capture length %u, bigger than %s of %u", len,
			 snaplen ? "snaplen" : "maximum", snaplen ? p->snaplen : LENGTH_MAX);
		return PCAP_ERROR;
	}
	filled = p->unread.len >= len ? 1 : fill(p, len);
	if (!span_take(&p->unread, len, &packet))
		return cut(p, len, "captured", filled);
	span_truncate(&packet, p->snaplen);
	p->header.caplen = (uint32_t)packet.len;
	*header = &p->header;
	*bytes = packet.at;
	return 1;
}

/* Does the file begin as one that this reader knows? Take the header if so. */
static bool knows(struct plain_pcap *p, pcap_t *pcap)
{
	struct span header;
	uint32_t magic;

	if (!input_is_plain(p->input) || !decode_knows_linktype(pcap_datalink(pcap)))
		return false;
	if (pcap_major_version(pcap) != PCAP_VERSION_MAJOR || pcap_minor_version(pcap) != PCAP_VERSION_MINOR)
		return false;
	if (fill(p, FILE_HEADER) <= 0 || !span_take(&p->unread, FILE_HEADER, &header))
		return false;
	p->swapped = pcap_is_swapped(pcap);
	magic = host32(p, header, 0);
	p->fraction_ns = magic == MAGIC_NANO ? 1 : 1000;
	p->snaplen = (uint32_t)pcap_snapshot(pcap);
	return magic == MAGIC_NANO || magic == MAGIC_MICRO;
}

int plain_pcap_new(pcap_t *pcap, struct input *input, struct plain_pcap **out)
{
	struct plain_pcap *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (p)
		p->window = malloc(MARGIN_BYTES + PIECE_BYTES);
	if (!p || !p->window) {
		free(p);
		return -ENOMEM;
	}
	p->input = input;
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
	free(p->window);
	free(p);
}
