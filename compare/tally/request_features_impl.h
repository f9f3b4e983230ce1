/*
 * request_features_impl.h - the features of a request, for the files that share the work
 *
 *   request_features.c       what stands in its head, and what all of them need
 *   request_features_body.c  ... in its body, in JSON
 *   request_features_call.c  ... in its first message, of a call of gRPC
 */
#ifndef COMPARE_TALLY_REQUEST_FEATURES_IMPL_H
#define COMPARE_TALLY_REQUEST_FEATURES_IMPL_H

#include "base/buffer.h"
#include "base/hash.h"
#include "compare/tally/request_features.h"

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

/** struct feature_path - a JSON pointer (RFC 6901) under way */
struct feature_path {
	char text[FEATURE_NAME_MAX];
	size_t len;
};

/** feature_path_add() - one step more, with its / and ~ escaped; false, and nothing changes, if there is no room */
bool feature_path_add(struct feature_path *p, struct span step);

/** features_at() - features_name() of where @p is */
static inline struct span features_at(struct features *f, const struct feature_path *p)
{
	return features_name(f, span_of(p->text, p->len));
}

/** features_text() - a short text at @name, which lives as long as the request; only its length if it is longer */
void features_text(struct features *f, struct span name, struct span text);

/** features_call() - of a call of gRPC with the methods of KServe's protocol and TensorFlow Serving's Predict */
void features_call(struct features *f, const struct message *m);

/** features_body() - of a body that begins like JSON; those before a damaged place count */
void features_body(struct features *f, struct span body);

#endif
