/*
 * request_features_impl.h - the features of a request, for the two files that share the work
 *
 *   request_features.c       what stands in its head, and what all of them need
 *   request_features_body.c  what stands in its body
 */
#ifndef COMPARE_REQUEST_FEATURES_IMPL_H
#define COMPARE_REQUEST_FEATURES_IMPL_H

#include "base/buffer.h"
#include "base/hash.h"
#include "compare/request_features.h"

#define HEADERS_KNOWN 64

/** struct known_header - what was said of a name that came before */
struct known_header {
	uint64_t hash; /* 0: none yet */
	bool counts, is_open;
};

struct features {
	struct features_options set;
	struct hash_key hash;
	struct known_header known[HEADERS_KNOWN];
	size_t count;
	struct feature_value at[FEATURES_MAX];
	struct buffer names; /* reserved for FEATURES_MAX of them, so that it never moves */
	struct buffer texts; /* likewise: those that had to be made */
};

/** features_name() - a copy of @name that lives until the next request; empty, with at NULL, if there is no room */
struct span features_name(struct features *f, struct span name);

/** features_put() - one more; nothing if there is no room, or @v has no name */
void features_put(struct features *f, struct feature_value v);

/** features_number() - @x at @name */
void features_number(struct features *f, struct span name, enum feature_aspect aspect, double x);

/** features_body() - of a body that begins like JSON; those before a damaged place count */
void features_body(struct features *f, struct span body);

#endif
