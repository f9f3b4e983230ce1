/*
 * hello.h - what client and server say in the clear: who they are to each other, and how they will speak
 *
 * Theory of operation. The first handshake message of each side, a ClientHello and a
 * ServerHello, may lie over several records and these over several segments (one with
 * a key share of a post-quantum group is longer than a segment). So a reader is
 * given all bytes of a side from its first on, and says whether they are enough. A
 * HelloRetryRequest is a ServerHello with a random of its own: it is passed over, and
 * the client's random stays as it was.
 *
 * Sources: RFC 8446, 4.1; RFC 5246, 7.4.1; RFC 7366 (encrypt-then-MAC); RFC 9849 (ECH).
 */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "tls/key_log.h"

#define TLS_1_2 0x0303
#define TLS_1_3 0x0304

#define HELLO_MAX (64 << 10) /* more handshake bytes before a hello are none that is worth waiting for */

enum hello_result {
	HELLO_WHOLE,
	HELLO_MORE, /* the bytes end before it does */
	HELLO_BAD,  /* it is none, or lies about its lengths */
	HELLO_ALERT, /* the side said that it will not speak */
};

struct client_hello {
	uint8_t random[TLS_RANDOM_BYTES];
	char name[256];  /* of the server, or "": printable ASCII */
	bool has_ech;    /* it may be one that only covers the real one, or say so for show */
	bool early_data; /* data follow before the server has spoken */
};

struct server_hello {
	uint8_t random[TLS_RANDOM_BYTES];
	uint16_t version, suite;
	bool encrypt_then_mac;
	bool compresses;
};

/**
 * client_hello_read(), server_hello_read()
 * @bytes:   all of the side's, from its first
 * @scratch: for a message that lies in several records; nothing of what is returned points into it
 */
enum hello_result client_hello_read(struct span bytes, struct buffer *scratch, struct client_hello *out);
enum hello_result server_hello_read(struct span bytes, struct buffer *scratch, struct server_hello *out);

/** client_hello_begin() - of one whose end is missing: its random, and what else is in @bytes; false if that isn't */
bool client_hello_begin(struct span bytes, struct client_hello *out);

#endif
