/*
 * socket_bio.h - our own socket, as OpenSSL sees it
 *
 * OpenSSL's BIO for sockets sends with write(), so that a peer which closes
 * would raise SIGPIPE, and does not tell how the socket ended. This one sends
 * with MSG_NOSIGNAL, never blocks, and remembers.
 */
#ifndef BASE_SOCKET_BIO_H
#define BASE_SOCKET_BIO_H

#include <stdbool.h>

#include <openssl/bio.h>

/** struct socket_bio - the owner's, who sets fd and may set the others back */
struct socket_bio {
	int fd;
	int error;   /* errno of the last call that failed for good; 0: none did */
	bool is_eof; /* kept from OpenSSL, which takes it for "not now": what it means is for the owner to say */
};

/** socket_bio_new() - @s is borrowed until the BIO is freed, and fd is not closed with it; NULL when out of memory */
BIO *socket_bio_new(struct socket_bio *s);

#endif
