/*
 * pcapng_format.h - the numbers of pcapng that its reader and its writer share
 *
 * Source: draft-ietf-opsawg-pcapng, sections 3, 4 and 8; IANA's numbers of the secrets are those of its section 4.7.
 */
#ifndef CAPTURE_PCAPNG_FORMAT_H
#define CAPTURE_PCAPNG_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include <pcap/dlt.h>

enum pcapng_block {
	PCAPNG_INTERFACE = 1,
	PCAPNG_OLD_PACKET = 2,
	PCAPNG_SIMPLE_PACKET = 3,
	PCAPNG_NAMES = 4,
	PCAPNG_STATISTICS = 5,
	PCAPNG_PACKET = 6,
	PCAPNG_SECRETS = 0x0a,
	PCAPNG_CUSTOM = 0xbad,
	PCAPNG_CUSTOM_NO_COPY = 0x40000bad,
	PCAPNG_SECTION = 0x0a0d0d0a, /* the same in either byte order */
};

enum pcapng_option {
	PCAPNG_OPTION_END = 0,
	PCAPNG_OPTION_COMMENT = 1,
	PCAPNG_OPTION_APPLICATION = 4, /* of a section */
	PCAPNG_OPTION_TSRESOL = 9,     /* of an interface, as the next one */
	PCAPNG_OPTION_TSOFFSET = 14,
};

#define PCAPNG_BYTE_ORDER 0x1a2b3c4du
#define PCAPNG_TLS_KEYS 0x544c534bu /* kind of secrets: the text of a key log, RFC 9850 */

#define PCAPNG_FRAME_BYTES 12  /* of a block: type, length, and the length again at the end */
#define PCAPNG_PACKET_FIELDS 20 /* interface, time, both lengths */
#define PCAPNG_OPTION_HEAD 4   /* code and length */

static inline size_t pcapng_padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/*
 * The number of a link type in a file. libpcap's DLT_* are its host's, and some
 * BSDs had given 11 to 32 to different things; the ones that we can meet there
 * are those of the table. Everything else is the same in both.
 */
static const struct {
	int dlt;
	uint16_t linktype;
} pcapng_linktypes[] = { { DLT_RAW, 101 }, { DLT_PPP_BSDOS, 103 }, { DLT_SLIP_BSDOS, 102 } };

static inline uint16_t pcapng_linktype_of(int dlt)
{
	for (size_t i = 0; i < sizeof(pcapng_linktypes) / sizeof(pcapng_linktypes[0]); i++)
		if (pcapng_linktypes[i].dlt == dlt)
			return pcapng_linktypes[i].linktype;
	return (uint16_t)dlt;
}

static inline int pcapng_dlt_of(uint16_t linktype)
{
	for (size_t i = 0; i < sizeof(pcapng_linktypes) / sizeof(pcapng_linktypes[0]); i++)
		if (pcapng_linktypes[i].linktype == linktype)
			return pcapng_linktypes[i].dlt;
	return linktype;
}

#endif
