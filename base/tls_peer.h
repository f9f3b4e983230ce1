/*
 * tls_peer.h - whom a certificate must name: RFC 9525, 6
 */
#ifndef BASE_TLS_PEER_H
#define BASE_TLS_PEER_H

#include <stdbool.h>

#include <openssl/x509_vfy.h>

#define TLS_PEER_MAX 256 /* bytes of a name, with its NUL */

/** struct tls_peer - a host as certificates and SNI name it: without a zone, and without the dot at the end */
struct tls_peer {
	char host[TLS_PEER_MAX];
	bool is_name; /* not an address: it is sent as SNI */
};

/** tls_peer_set() - who @host is; false: the name is too long */
bool tls_peer_set(struct tls_peer *p, const char *host);

/** tls_peer_expect() - have certificates that do not name @p refused; 0, -EINVAL or -ENOMEM */
int tls_peer_expect(const struct tls_peer *p, X509_VERIFY_PARAM *param);

#endif
