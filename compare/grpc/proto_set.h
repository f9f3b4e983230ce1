/*
 * proto_set.h - the types of --proto: files as "protoc --descriptor_set_out" writes them
 *
 * A FileDescriptorSet (descriptor.proto) is itself an encoded message. Read are messages, their fields, and
 * which message each method of a service responds with.
 */
#ifndef COMPARE_PROTO_SET_H
#define COMPARE_PROTO_SET_H

#include "base/buffer.h"
#include "base/span.h"
#include "compare/grpc/proto_types.h"

struct proto_set;

/** struct proto_file - one of --proto; borrowed during proto_set_new() */
struct proto_file {
	struct span bytes;
	const char *name; /* for messages */
};

/** proto_set_new() - 0, -EINVAL (@error: which file, what to do) or -ENOMEM; of no files an empty set */
int proto_set_new(const struct proto_file *files, size_t count, struct proto_set **out, struct buffer *error);

/** proto_set_response() - what "pkg.Service" responds to a call of @method with; NULL: not known */
const struct proto_type *proto_set_response(const struct proto_set *s, struct span service, struct span method);

/** proto_set_type() - the message called "pkg.Message"; NULL: there is none */
const struct proto_type *proto_set_type(const struct proto_set *s, struct span name);

void proto_set_free(struct proto_set *s); /* NULL allowed */

#endif
