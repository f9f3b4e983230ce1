/*
 * plain_pcap.h - the packets of a pcap file, straight from the bytes of its input
 *
 * A second reader beside libpcap, for the one format in which nearly every
 * recording is: classic pcap, either byte order, micro- or nanoseconds. It
 * yields what libpcap yields and complains in libpcap's words; tests compare
 * the two.
 */
#ifndef CAPTURE_PLAIN_PCAP_H
#define CAPTURE_PLAIN_PCAP_H

#include <stdint.h>

#include <pcap/pcap.h>

#include "capture/decode.h"
#include "capture/input.h"

struct plain_pcap;

/**
 * plain_pcap_new() - take over behind libpcap, which has read and checked the file header
 * @pcap:   the file as libpcap opened it; asked for what the header says, then no longer read from
 * @input:  borrowed, as long as the reader lives
 * @out:    given: plain_pcap_free(); NULL if the file is one for libpcap (pcapng, an old version of the
 *          format, a link type whose packets libpcap rewrites, a pipe, gzip)
 * Return: 0 or -ENOMEM.
 */
int plain_pcap_new(pcap_t *pcap, struct input *input, struct plain_pcap **out);

/**
 * plain_pcap_next() - the next packet, like pcap_next_ex() with nanoseconds
 * @out:  its bytes are borrowed until the next call
 * Return: 1, PCAP_ERROR_BREAK at the end, or PCAP_ERROR with plain_pcap_error().
 */
int plain_pcap_next(struct plain_pcap *p, struct packet *out);

/** plain_pcap_done() - bytes of the file that were read: where the next packet begins */
uint64_t plain_pcap_done(const struct plain_pcap *p);

/** plain_pcap_error() - what was wrong, as libpcap says it; borrowed */
const char *plain_pcap_error(const struct plain_pcap *p);

/** plain_pcap_free() - leaves the input open */
void plain_pcap_free(struct plain_pcap *p);

#endif
