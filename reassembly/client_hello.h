/*
 * client_hello.h - the server's name that a TLS client says in the clear
 */
#ifndef REASSEMBLY_CLIENT_HELLO_H
#define REASSEMBLY_CLIENT_HELLO_H

#include <stdbool.h>

#include "base/span.h"

/**
 * client_hello_name() - the name in a ClientHello that @bytes begin with
 * @bytes:  the first bytes of a connection's client; may end anywhere, may be anything
 * @out:    the name, a part of @bytes: printable ASCII of at most 255 bytes; empty if the client says none, or
 *          if it lies beyond the end of @bytes
 *
 * Sources: RFC 8446, 4.1.2 and 5.1 (the same bytes since TLS 1.0); RFC 6066, 3 (server_name).
 * Return: do they begin a ClientHello?
 */
bool client_hello_name(struct span bytes, struct span *out);

/** tls_hello_match() - a TLS record of type handshake, version 3.x (RFC 8446, 5.1), as a client begins */
bool tls_hello_match(struct span s);

#endif
