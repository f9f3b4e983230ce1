/* sample.c - see sample.h */
#include "policy/sample.h"

#include "base/hash.h"
#include "base/units.h"

#define ENDPOINT_ADDRESS_BYTES 17 /* address, family */
#define ENDPOINT_BYTES         19 /* ... and port */

bool sampler_turn(struct sampler *s)
{
	s->accumulated += s->share;
	if (s->accumulated < SHARE_ONE)
		return false;
	s->accumulated -= SHARE_ONE;
	return true;
}

uint64_t sampler_phase(size_t lane, size_t count)
{
	return SHARE_ONE * lane / count;
}

/*
 * hash < share x 2^64, without a number of more than 64 bits: the whole part of
 * hash x SHARE_ONE / 2^64, from two products, since SHARE_ONE is below 2^32.
 */
bool sample_by_key(uint64_t share, struct span key)
{
	static const struct hash_key published = { SAMPLE_KEY_0, SAMPLE_KEY_1 };
	uint64_t hash = hash_bytes(&published, key.at, key.len);
	uint64_t high = (hash >> 32) * SHARE_ONE;
	uint64_t low = (hash & UINT32_MAX) * SHARE_ONE;

	return (high + (low >> 32)) >> 32 < share;
}

/* The same bytes on every machine, whatever its byte order. */
static void put_endpoint(const struct endpoint *e, uint8_t out[ENDPOINT_BYTES])
{
	memcpy(out, e->addr, sizeof(e->addr));
	out[16] = e->family;
	out[17] = (uint8_t)(e->port >> 8);
	out[18] = (uint8_t)e->port;
}

bool sample_by_client(uint64_t share, const struct endpoint *client)
{
	uint8_t key[ENDPOINT_BYTES];

	put_endpoint(client, key);
	return sample_by_key(share, span_of(key, ENDPOINT_ADDRESS_BYTES));
}

bool sample_by_connection(uint64_t share, const struct endpoint *client, const struct endpoint *server)
{
	uint8_t key[2][ENDPOINT_BYTES];

	put_endpoint(client, key[0]);
	put_endpoint(server, key[1]);
	return sample_by_key(share, span_of(key, sizeof(key)));
}

/** put_number() - four bytes in network order; where they end */
static uint8_t *put_number(uint8_t *at, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(n >> shift);
	return at;
}

bool sample_by_id(uint64_t share, const struct request_origin *origin)
{
	uint8_t key[16], *at = key;

	if (wire_id_is_set(origin->wire)) {
		at = put_number(at, (uint32_t)(origin->wire.high >> 32));
		at = put_number(at, (uint32_t)origin->wire.high);
		at = put_number(at, (uint32_t)(origin->wire.low >> 32));
		at = put_number(at, (uint32_t)origin->wire.low);
	} else {
		at = put_number(at, origin->sequence);
		at = put_number(at, origin->acknowledgement);
		at = put_number(at, origin->stream);
	}
	return sample_by_key(share, span_of(key, (size_t)(at - key)));
}
