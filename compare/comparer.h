/*
 * comparer.h - two responses in, one comparison out: the one door to this floor
 *
 * One thread at a time; no clock, no sockets, no files.
 */
#ifndef COMPARE_COMPARER_H
#define COMPARE_COMPARER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "compare/comparison.h"
#include "compare/grpc/proto_set.h"
#include "message/message.h"
#include "message/response.h"
#include "replay/outcome.h"

struct compare_options {
	double rtol, atol;          /* |a - b| <= atol + rtol * |production| */
	const char *preset;         /* NULL or a name of --preset: what that server's responses vary in for no reason is ignored */
	struct span rules;          /* text of the rules file, borrowed during the call; empty: none */
	const char *rules_name;     /* its name, for messages */
	const char *const *ignore;  /* --ignore: JSON pointer patterns */
	size_t ignore_count;
	const char *const *unordered;
	size_t unordered_count;
	const struct proto_file *protos; /* --proto: types of messages of gRPC, borrowed during the call */
	size_t proto_count;
	uint64_t max_body;          /* a response that inflates to more is not comparable */
	size_t memory;              /* for all that comparing takes besides the responses; 0: as much as it needs */
};

/** struct pair - everything borrowed during the call */
struct pair {
	const struct message *request;
	const struct response *production;
	const struct response *shadow; /* NULL when @outcome is not a response */
	const struct outcome *outcome;
};

struct comparer;

/** comparer_new() - 0, -EINVAL (@error: the rule and its line, or the file of types; what to do) or -ENOMEM */
int comparer_new(const struct compare_options *options, struct comparer **out, struct buffer *error);

/** comparer_run() - compare; the result is borrowed until the next call */
const struct comparison *comparer_run(struct comparer *c, const struct pair *pair);

/**
 * comparer_rest() - after a pair, when its result is needed no more: free what large bodies took
 * Buffers are used again from pair to pair; those that a body above COMPARER_KEPT_BODY has grown are freed.
 */
#define COMPARER_KEPT_BODY (256 << 10)
void comparer_rest(struct comparer *c);

/** comparer_unmatched() - append, one a line, the rules (of files and options, not of presets) that never matched a path */
void comparer_unmatched(const struct comparer *c, struct buffer *out);

void comparer_free(struct comparer *c);

#endif
