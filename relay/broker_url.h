/*
 * broker_url.h - where a broker is, and which service's requests: nats://[user[:password]@]HOST[:PORT][,HOST...]/SERVICE
 *
 * The same with tls://. It is what -t and -r accept beside what they are for otherwise.
 */
#ifndef RELAY_BROKER_URL_H
#define RELAY_BROKER_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "relay/subjects.h"

#define BROKER_HOSTS_MAX 8
#define BROKER_SECRET_MAX 256 /* of a user's name or a password, with its NUL */

struct broker_host {
	char name[256]; /* a name or an address, without brackets */
	uint16_t port;
	bool is_ipv6;
};

struct broker_url {
	struct broker_host host[BROKER_HOSTS_MAX];
	size_t host_count;                /* 0: there is no broker */
	bool is_tls;                      /* nothing without TLS; else what the server asks for */
	char user[BROKER_SECRET_MAX];     /* without a password: a token, as other clients of NATS have it; "": none */
	char password[BROKER_SECRET_MAX]; /* "": none */
	char service[RELAY_NAME_MAX + 1];
	char shown[640];                  /* without user and password: safe to log; cut where it is longer */
};

/** broker_url_is() - does @text name a broker, rightly or not? */
bool broker_url_is(const char *text);

/**
 * broker_url_parse() - RFC 3986, the parts that make sense here; user and password may have %XX
 * @error:  one sentence: what is wrong and an example that works; no credential is in it
 * Return: 0 or -EINVAL.
 */
int broker_url_parse(const char *text, struct broker_url *out, struct buffer *error);

#endif
