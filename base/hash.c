/* hash.c - SipHash-2-4 after the paper's section 2; words are little-endian */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

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

static inline uint64_t sip_end(struct sip *s)
{
	s->v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline void sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t x = 0;

	memcpy(&x, p, sizeof(x));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	return x;
}

uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t len)
{
	struct sip s = sip_begin(key);
	const uint8_t *p = data;
	uint64_t last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; p += 8, left -= 8)
		sip_word(&s, load_le64(p));
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_word(&s, last);
	return sip_end(&s);
}

/* ---- 128 bits: other constants, and four rounds more for the second half ---- */

struct hash128 hash128_begin(const struct hash_key *key)
{
	struct sip s = sip_begin(key);

	return (struct hash128){ .v = { s.v0, s.v1 ^ 0xee, s.v2, s.v3 } };
}

void hash128_add(struct hash128 *h, const void *data, size_t len)
{
	struct sip s = { h->v[0], h->v[1], h->v[2], h->v[3] };
	unsigned bits = 8 * (unsigned)(h->len % 8); /* that are in the tail */
	const uint8_t *p = data;

	for (; len >= 8; p += 8, len -= 8, h->len += 8) {
		uint64_t word = load_le64(p);

		sip_word(&s, h->tail | word << bits);
		h->tail = bits > 0 ? word >> (64 - bits) : 0;
	}
	for (; len > 0; p++, len--) {
		h->tail |= (uint64_t)*p << (8 * (h->len++ % 8));
		if (h->len % 8 == 0) {
			sip_word(&s, h->tail);
			h->tail = 0;
		}
	}
	memcpy(h->v, &s, sizeof(s));
}

void hash128_end(struct hash128 *h, uint64_t out[2])
{
	struct sip s = { h->v[0], h->v[1], h->v[2], h->v[3] };

	sip_word(&s, h->tail | h->len << 56);
	s.v2 ^= 0xee;
	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < 4; i++)
			sip_round(&s);
		out[half] = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
		s.v1 ^= 0xdd;
	}
}

struct hash_key hash_key_random(void)
{
	struct hash_key key;
	struct timespec ts;

	if (getrandom(&key, sizeof(key), GRND_NONBLOCK) == (ssize_t)sizeof(key))
		return key;
	/* Only before the kernel's pool is ready, early in boot: better than a constant. */
	clock_gettime(CLOCK_REALTIME, &ts);
	key.k0 = (uint64_t)(uintptr_t)&key ^ (uint64_t)ts.tv_nsec << 20;
	key.k1 = (uint64_t)ts.tv_sec * 0x9e3779b97f4a7c15u;
	return key;
}
