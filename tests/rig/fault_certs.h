/*
 * fault_certs.h - an authority made for one test, and certificates of every kind
 *
 * All lie as files in a directory of their own: NAME.pem (certificate and key)
 * and NAME.key (the key alone).
 */
#ifndef TESTS_RIG_FAULT_CERTS_H
#define TESTS_RIG_FAULT_CERTS_H

#include <openssl/ssl.h>

/*      name           what is wrong with it for https://shadow.test */
#define FAULT_CERTS(X)                                                                                       \
	X(CA, "ca")                  /* the authority itself */                                              \
	X(GOOD, "good")              /* nothing: shadow.test and *.shadow.test, 127.0.0.1 */                 \
	X(SELF_SIGNED, "self")       /* signed by nobody else */                                             \
	X(EXPIRED, "expired")        /* yesterday's */                                                       \
	X(FUTURE, "future")          /* tomorrow's */                                                        \
	X(OTHER_HOST, "otherhost")   /* for other.test and 127.0.0.9 */                                      \
	X(STRANGER, "stranger")      /* of an authority that nobody knows */                                 \
	X(CLIENT, "client")          /* ours, when we are asked for one */

enum fault_cert {
#define X(id, name) FAULT_CERT_##id,
	FAULT_CERTS(X)
#undef X
	FAULT_CERT_COUNT
};

/** fault_certs_make() - once per test program; fails the test if it cannot */
void fault_certs_make(void);

/** fault_certs_remove() - the files and their directory */
void fault_certs_remove(void);

/** fault_certs_pem() - path of NAME.pem */
const char *fault_certs_pem(enum fault_cert cert);

/** fault_certs_key() - path of NAME.key */
const char *fault_certs_key(enum fault_cert cert);

/** fault_certs_path() - path of another file, @name, in the same directory, which is removed with it; static text */
const char *fault_certs_path(const char *name);

#endif
