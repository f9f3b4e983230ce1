/*
 * sample.h - which of the matching requests are chosen
 *
 * Theory of operation: two kinds of sampling.
 *
 * By request, an accumulator in parts of SHARE_ONE: each request adds the
 * share, and the one that fills it is chosen. After n requests exactly
 * floor(n x share) were chosen, for every n: no random number, no rounding, and
 * the same requests of a recording each time it is read.
 *
 * Several lanes each count by themselves, since a count that they share would be
 * a cache line that they fight for. Lane k of N begins at k/N of the way to its
 * first chosen request, so that their roundings cancel out: of n requests in all,
 * n x share are chosen, give or take at most N, however long the run is.
 *
 * By connection, client, id or header, a hash: the key's SipHash-2-4 under the
 * fixed key below, as a fraction of 2^64, is under the share or not. So every
 * tap takes the same decision about the same key, before and after a restart,
 * and a higher share keeps what a lower one had. The key is published on
 * purpose; a client that wants to be in the sample can choose a header value
 * that is.
 *
 *   connection   client address, port, server address, port
 *   client       client address
 *   id           sequence and acknowledgement number of TCP where the request's
 *                first byte lies, and the stream of HTTP/2: the same at every
 *                place where the connection can be captured, behind a translation
 *                of addresses too. Of a request that another host has handed over, its
 *                wire id: what a tap chose by its numbers is sampled anew
 *   header       bytes of the field's value; a request without it has no key
 *                and is unsampled, except at 100 %
 *
 * Addresses are hashed as 16 bytes and one byte 4 or 6 for the family, ports as
 * two bytes, the numbers of an id as four each and a wire id as 16, in network order.
 */
#ifndef POLICY_SAMPLE_H
#define POLICY_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/span.h"
#include "message/message.h"

/* The published key: "shadowtap sample" read as two little-endian words. */
#define SAMPLE_KEY_0 UINT64_C(0x6174776f64616873)
#define SAMPLE_KEY_1 UINT64_C(0x656c706d61732070)

/** struct sampler - the zero value with a share is ready */
struct sampler {
	uint64_t share;       /* parts per SHARE_ONE; at most SHARE_ONE */
	uint64_t accumulated; /* below SHARE_ONE */
};

/** sampler_turn() - by request: is this one chosen? */
bool sampler_turn(struct sampler *s);

/** sampler_phase() - where lane @lane of @count begins: what `accumulated` is at first */
uint64_t sampler_phase(size_t lane, size_t count);

/** sample_by_key() - is this key in the sample of @share? */
bool sample_by_key(uint64_t share, struct span key);

bool sample_by_client(uint64_t share, const struct endpoint *client);
bool sample_by_id(uint64_t share, const struct request_origin *origin);
bool sample_by_connection(uint64_t share, const struct endpoint *client, const struct endpoint *server);

#endif
