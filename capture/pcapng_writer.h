/*
 * pcapng_writer.h - the bytes of a pcapng file: one section, one interface, packets with comments
 *
 * Format only: no file, no memory of its own. A packet becomes one finished
 * block, so that packets are kept in the form in which they are written and
 * never converted twice. Times are nanoseconds (if_tsresol 9): the id of a
 * request depends on the time of its first packet, to the last digit.
 *
 * One interface, so one link type, per file: the format allows more, and
 * Wireshark and we read them, but libpcap refuses such a file, and with it
 * tcpdump does. All numbers are little endian on every machine; readers take both,
 * and tests can compare bytes.
 * Source: draft-ietf-opsawg-pcapng, sections 3 and 4.
 */
#ifndef CAPTURE_PCAPNG_WRITER_H
#define CAPTURE_PCAPNG_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "capture/decode.h"

/** PCAPNG_COMMENT_MAX - longest comment in bytes: its length has 16 bits, and is padded to 4 */
#define PCAPNG_COMMENT_MAX 65532

/**
 * pcapng_file_head() - append the section header and the description of the interface
 * @linktype:     DLT_* of libpcap, which is not always the number that files use
 * @snaplen:      most bytes that a packet has; readers may refuse longer ones
 * @application:  name and version of the writer, the first 256 bytes of it
 */
void pcapng_file_head(struct buffer *out, int linktype, uint32_t snaplen, struct span application);

/** pcapng_packet_bytes() - length of the block of a packet of which @captured bytes are kept; @comment in bytes, 0: none */
size_t pcapng_packet_bytes(size_t captured, size_t comment);

/**
 * pcapng_packet() - write the block of one packet
 * @out:      room for pcapng_packet_bytes()
 * @packet:   borrowed; a length on the wire that is larger than what was captured is kept
 * @comment:  UTF-8, for people, at most PCAPNG_COMMENT_MAX bytes; empty: none
 */
void pcapng_packet(uint8_t *out, const struct packet *packet, struct span comment);

/** pcapng_secrets_bytes() - length of the block of @len bytes of a key log */
size_t pcapng_secrets_bytes(size_t len);

/** pcapng_secrets() - write a Decryption Secrets Block; @out: room for pcapng_secrets_bytes(); @key_log: whole lines */
void pcapng_secrets(uint8_t *out, struct span key_log);

#endif
