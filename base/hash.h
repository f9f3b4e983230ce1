/*
 * hash.h - SipHash, a keyed hash for tables and for sampling
 *
 * Flow tables are filled by whoever sends packets, so an unkeyed hash would let
 * them choose collisions. Tables on the packet path use its faster form
 * (hash_pair()); sampling by key uses the paper's under a fixed key, so that
 * every tap takes the same decision for the same key.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* The paper's section 2. */
struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left(s->v2, 32);
}

static inline struct sip sip_begin(const struct hash_key *key)
{
	return (struct sip){ key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
			     key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u };
}

static inline uint64_t sip_end(struct sip *s, int rounds)
{
	s->v2 ^= 0xff;
	for (int i = 0; i < rounds; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/**
 * hash_pair() - SipHash-1-3 over two words, the second of which holds the length in its top byte
 *
 * For tables on the packet path: nobody sees the hash itself, which is what the
 * fewer rounds are for (kernels and languages hash their tables with it).
 */
static inline uint64_t hash_pair(const struct hash_key *key, uint64_t first, uint64_t last)
{
	struct sip s = sip_begin(key);

	s.v3 ^= first;
	sip_round(&s);
	s.v0 ^= first;
	s.v3 ^= last;
	sip_round(&s);
	s.v0 ^= last;
	return sip_end(&s, 3);
}

/** hash_bytes() - 64 bits of SipHash-2-4 over @len bytes at @data */
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len);

/** hash_key_random() - a key nobody outside knows (getrandom); falls back to address and time bits */
struct hash_key hash_key_random(void);

#endif
