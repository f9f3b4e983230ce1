/*
 * resolve.h - the addresses of one host, looked up without blocking the loop
 */
#ifndef REPLAY_RESOLVE_H
#define REPLAY_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/clock.h"
#include "base/counter.h"

#define ADDRESSES_MAX 8

struct addresses {
	size_t count;
	struct sockaddr_storage at[ADDRESSES_MAX];
};

/**
 * lookup_fn - find up to ADDRESSES_MAX stream addresses of @host; called on a thread of its own and may block
 * Return: 0 with at least one address, or an EAI_ code of getaddrinfo().
 */
typedef int (*lookup_fn)(const char *host, uint16_t port, struct addresses *out);

struct resolver;

struct resolver_options {
	const char *path; /* of a Unix socket, instead of host and port: needs no lookup either; NULL or "": none */
	const char *host; /* copied; a numeric one needs no lookup */
	uint16_t port;
	lookup_fn lookup;           /* NULL: getaddrinfo() */
	struct counter *failures;   /* borrowed: failed lookups are counted there */
	void (*on_done)(void *ctx); /* a lookup ended, well or not */
	void *ctx;
};

/** resolver_new() - the first lookup begins with the first turn of the loop, or when it is asked for; 0 or a negative errno */
int resolver_new(uv_loop_t *loop, const struct resolver_options *options, struct resolver **out);

/** resolver_addresses() - the last that were found, count 0 if none ever were; borrowed until the loop runs on */
const struct addresses *resolver_addresses(const struct resolver *r);

/** resolver_preferred() - index of the address that worked last */
size_t resolver_preferred(const struct resolver *r);
void resolver_prefer(struct resolver *r, size_t index);

/** resolver_is_pending() - is a lookup under way? */
bool resolver_is_pending(const struct resolver *r);

/** resolver_refresh() - look up again, unless one is under way, was begun less than a second ago, or none is needed */
void resolver_refresh(struct resolver *r, struct mono now);

/** resolver_failure() - static text of the last failure, NULL after a success */
const char *resolver_failure(const struct resolver *r);

/** resolver_close() - close the handles; when the loop has run to its end, resolver_free() */
void resolver_close(struct resolver *r);
void resolver_free(struct resolver *r);

/** lookup_numeric() - @host if it is an IPv4 or IPv6 address; the lookup that never blocks */
int lookup_numeric(const char *host, uint16_t port, struct addresses *out);

#endif
