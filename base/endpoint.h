/*
 * endpoint.h - one end of a TCP connection: address and port
 *
 * IPv4 addresses are kept in the last four bytes with the rest zero and the
 * family apart, so that two endpoints can be compared and hashed as bytes and
 * ::ffff:1.2.3.4 seen on the wire is still told from 1.2.3.4.
 */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <stdint.h>

struct endpoint {
	uint8_t addr[16]; /* network order; IPv4 in [12..15] */
	uint16_t port;    /* host order */
	uint8_t family;   /* 4 or 6 */
	uint8_t zero;     /* no padding: endpoints are hashed as bytes */
};

/* "[" + 45 for the longest IPv6 text + "]:65535" + NUL, rounded up */
#define ENDPOINT_TEXT_MAX 64

/** endpoint_text() - "192.0.2.1:80" or "[2001:db8::1]:80" into @out of ENDPOINT_TEXT_MAX bytes; returns @out */
const char *endpoint_text(const struct endpoint *e, char *out);

/** endpoint_put() - the same without the NUL, as in digits.h */
char *endpoint_put(char *at, const struct endpoint *e);

#endif
