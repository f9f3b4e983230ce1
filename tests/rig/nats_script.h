/*
 * nats_script.h - a server of NATS that does, byte for byte, what a script says
 *
 * On 127.0.0.1, a connection at a time, each from the script's beginning, by a thread of its own.
 */
#ifndef TESTS_RIG_NATS_SCRIPT_H
#define TESTS_RIG_NATS_SCRIPT_H

#include <stdint.h>

#include <openssl/ssl.h>

enum script_op {
	SCRIPT_CLOSE, /* the end, in order; so is the end of the steps */
	SCRIPT_SEND,  /* text; @ stands for the reply subject of what came for "ask" last, # for that of what came before */
	SCRIPT_READ,  /* until text has come, behind where it came last */
	SCRIPT_TLS,   /* shake hands */
	SCRIPT_HOLD,  /* read, and drop what comes, until the client closes */
	SCRIPT_DEAF,  /* read nothing, until the script is stopped */
	SCRIPT_RESET, /* close with RST */
};

struct script_step {
	enum script_op op;
	const char *text;
};

struct nats_script;

/** nats_script_start() - @steps is borrowed and ends with SCRIPT_CLOSE; @tls may be NULL */
struct nats_script *nats_script_start(const struct script_step *steps, SSL_CTX *tls);
uint16_t nats_script_port(const struct nats_script *s);

/** nats_script_stop() - what the script has read of its last connection, given */
char *nats_script_stop(struct nats_script *s);

#endif
