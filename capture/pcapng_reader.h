/*
 * pcapng_reader.h - the packets of a pcapng file, and the TLS secrets in it, straight from the bytes of its input
 *
 * Reads what libpcap refuses or passes over: interfaces of several link types, of which each packet has its own;
 * sections of either byte order one behind the other; Decryption Secrets Blocks. libpcap is the oracle of the tests for
 * all that both can read.
 */
#ifndef CAPTURE_PCAPNG_READER_H
#define CAPTURE_PCAPNG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "capture/capture_stats.h"
#include "capture/decode.h"
#include "capture/input.h"

struct pcapng_reader;

/** secrets_fn - borrows @keylog, the text of a TLS key log (RFC 9850), for the length of the call; see source.h */
typedef void secrets_fn(void *ctx, struct span keylog);

/** struct pcapng_counts - blocks so far, since the beginning */
struct pcapng_counts {
	uint64_t sections, interfaces, packets, secrets;
	uint64_t skipped[BLOCK_SKIP_COUNT]; /* of other kinds, and the one that ended the file */
};

/** pcapng_reader_knows() - does the content of @input begin as a pcapng file? Before anything of it is read */
bool pcapng_reader_knows(const struct input *input);

/**
 * pcapng_reader_new() - a reader at the beginning
 * @input:       borrowed, as long as the reader lives; its stream must not be in use
 * @on_secrets:  called from within the functions below; NULL: nobody wants them
 * Return: given: pcapng_reader_free(); NULL when out of memory.
 */
struct pcapng_reader *pcapng_reader_new(struct input *input, secrets_fn *on_secrets, void *ctx);

/**
 * pcapng_reader_walk() - before the first packet: go through all blocks that follow; pcapng_reader_restart() comes next
 *
 * All secrets are handed out meanwhile, and not again later; which link types there are packets of is known then.
 * Damage ends the walk, and shows again when the packets are read.
 */
void pcapng_reader_walk(struct pcapng_reader *p);

/** pcapng_reader_restart() - go to the beginning: of the same @input if it is plain, else of one that was opened anew */
void pcapng_reader_restart(struct pcapng_reader *p, struct input *input);

/**
 * pcapng_reader_begin() - at the beginning: read up to the first interface, and of the others those that are there already
 * Return: 1, or PCAP_ERROR with pcapng_reader_error(): the file has none.
 */
int pcapng_reader_begin(struct pcapng_reader *p);

/** pcapng_reader_ready() - is a block in memory, so that the next call need not wait for a pipe? */
bool pcapng_reader_ready(const struct pcapng_reader *p);

/**
 * pcapng_reader_next() - the next packet, like pcap_next_ex() with nanoseconds
 * @out:  its bytes are borrowed until the next call
 * Return: 1, PCAP_ERROR_BREAK at the end, or PCAP_ERROR with pcapng_reader_error().
 */
int pcapng_reader_next(struct pcapng_reader *p, struct packet *out);

#define PCAPNG_LINKTYPES_MAX 16 /* those beyond are not listed; nobody has as many */

/**
 * pcapng_reader_linktype() - the link types (DLT_*) of its packets, each once
 * Of a walk those that there are packets of, in order of their first packets; else those of the interfaces so far.
 * Return: negative: there are fewer than @i + 1.
 */
int pcapng_reader_linktype(const struct pcapng_reader *p, size_t i);

/** pcapng_reader_done() - bytes of the file that were read: where the next block begins */
uint64_t pcapng_reader_done(const struct pcapng_reader *p);

const struct pcapng_counts *pcapng_reader_counts(const struct pcapng_reader *p);

/** pcapng_reader_error() - what was wrong; borrowed. "truncated" is in it if the file is cut */
const char *pcapng_reader_error(const struct pcapng_reader *p);

/** pcapng_reader_free() - leaves the input open; NULL is allowed */
void pcapng_reader_free(struct pcapng_reader *p);

#endif
