/*
 * endpoint.h - one end of a TCP connection: address and port
 *
 * IPv4 addresses are kept in the last four bytes with the rest zero and the
 * family apart, so that two endpoints can be compared and hashed as bytes and
 * ::ffff:1.2.3.4 seen on the wire is still told from 1.2.3.4.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"
#include "base/word.h"

struct endpoint {
	uint8_t addr[16]; /* network order; IPv4 in [12..15] */
	uint16_t port;    /* host order */
	uint8_t family;   /* 4 or 6 */
	uint8_t zero;     /* no padding: endpoints are hashed as bytes */
};

_Static_assert(offsetof(struct endpoint, port) == 16 && sizeof(struct endpoint) == 20,
	       "see endpoint_set_ipv4()");

/**
 * endpoint_set_ipv4() - @addr and @port are numbers in the order of the host
 *
 * Each is compared right after, eight bytes and then four at a time, for every packet. So they are stored like
 * that: from pieces that were stored one by one the processor cannot load before all have reached its cache.
 */
static inline void endpoint_set_ipv4(struct endpoint *e, uint32_t addr, uint16_t port)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	uint32_t rest = (uint32_t)port << 16 | 4U << 8;
#else
	uint32_t rest = port | 4U << 16;
#endif

	memset(e->addr, 0, 8);
	store_le64(e->addr + 8, (uint64_t)__builtin_bswap32(addr) << 32);
	memcpy(&e->port, &rest, sizeof(rest));
}

/* "[" + 45 for the longest IPv6 text + "]:65535" + NUL, rounded up */
#define ENDPOINT_TEXT_MAX 64

/** endpoint_text() - "192.0.2.1:80" or "[2001:db8::1]:80" into @out of ENDPOINT_TEXT_MAX bytes; returns @out */
const char *endpoint_text(const struct endpoint *e, char *out);

/** endpoint_read() - what endpoint_text() writes; false, with @out untouched, if @text is none */
bool endpoint_read(struct span text, struct endpoint *out);

/** endpoint_put() - as endpoint_text(), without the NUL, as in digits.h */
char *endpoint_put(char *at, const struct endpoint *e);

#endif
