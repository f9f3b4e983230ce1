/*
 * hash.h - SipHash, a keyed hash for tables and for sampling
 *
 * What goes into a table is chosen by the senders of packets, so an unkeyed hash
 * would let them choose collisions. (The table of flows, which is asked for each
 * packet, has a faster one: reassembly/flow.c.) Sampling by key uses a fixed key,
 * so that every tap takes the same decision for the same key.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/** hash_bytes() - 64 bits of SipHash-2-4 over @len bytes at @data */
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

/** struct hash128 - 128 bits of SipHash-2-4 (its reference code's longer output) over bytes that come in pieces of any size */
struct hash128 {
	uint64_t v[4];
	uint64_t tail; /* bytes that do not fill a word yet, the first lowest */
	uint64_t len;  /* of all so far */
};

/** hash128_begin() - over nothing yet */
struct hash128 hash128_begin(const struct hash_key *key);

void hash128_add(struct hash128 *h, const void *data, size_t len);

/** hash128_end() - the output's first eight bytes and its last, as little-endian numbers; @h is of no use afterwards */
void hash128_end(struct hash128 *h, uint64_t out[2]);

/** hash_key_random() - a key that is not known outside (getrandom); falls back to address and time bits */
struct hash_key hash_key_random(void);

#endif
