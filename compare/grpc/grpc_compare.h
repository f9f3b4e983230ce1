/*
 * grpc_compare.h - the messages of two responses to a call of gRPC, both with status OK
 */
#ifndef COMPARE_GRPC_COMPARE_H
#define COMPARE_GRPC_COMPARE_H

#include "base/digest.h"
#include "compare/comparison.h"
#include "compare/grpc/grpc_reply.h"
#include "compare/json/json_compare.h"
#include "compare/rules/path_rules.h"

/** struct grpc_tools - what comparing is done with; all borrowed */
struct grpc_tools {
	struct json_comparer *json;
	struct collector *collector;
	struct path_rules *rules;
	struct digest *digest;
	struct budget *memory;
	const struct proto_set *types; /* of --proto, or NULL */
};

/** struct grpc_found - what came of it, besides the differences that the collector has */
struct grpc_found {
	int production, shadow; /* errors of reading, or 0: -EBADMSG, -EINVAL, -ENOTSUP, -E2BIG, -EFBIG, -ENOMEM */
	const char *damaged; /* the word for what -EBADMSG and -EINVAL mean */
	int error; /* of comparing: -EFBIG, -ENOMEM, or 0 */
	bool production_failed, shadow_failed; /* a message says so */
	bool other_length; /* another number of messages, and no rule that leaves that out */
	enum body_kind kind;
};

struct grpc_comparer;

struct grpc_comparer *grpc_comparer_new(const struct grpc_tools *tools); /* NULL when out of memory */

/**
 * grpc_compare() - compare message by message; rules and paths are those of one message
 * @max_len:  most bytes that the messages of one side may unfold to; one message written as JSON or as
 * tensors, four times that
 */
void grpc_compare(struct grpc_comparer *g, const struct request_head *request, const struct response *production,
		  const struct response *shadow, uint64_t max_len, struct grpc_found *out);

/** grpc_comparer_rest() - free what comparing has grown */
void grpc_comparer_rest(struct grpc_comparer *g);

void grpc_comparer_free(struct grpc_comparer *g); /* NULL allowed */

#endif
