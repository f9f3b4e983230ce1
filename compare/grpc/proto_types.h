/*
 * proto_types.h - what a message's fields are called and what they hold
 *
 * A few types are tables of this program; others are read from a file (proto_set.h).
 */
#ifndef COMPARE_PROTO_TYPES_H
#define COMPARE_PROTO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* As descriptor.proto numbers them (FieldDescriptorProto.Type). */
enum proto_kind {
	PROTO_KIND_DOUBLE = 1,
	PROTO_KIND_FLOAT = 2,
	PROTO_KIND_INT64 = 3,
	PROTO_KIND_UINT64 = 4,
	PROTO_KIND_INT32 = 5,
	PROTO_KIND_FIXED64 = 6,
	PROTO_KIND_FIXED32 = 7,
	PROTO_KIND_BOOL = 8,
	PROTO_KIND_STRING = 9,
	PROTO_KIND_GROUP = 10,
	PROTO_KIND_MESSAGE = 11,
	PROTO_KIND_BYTES = 12,
	PROTO_KIND_UINT32 = 13,
	PROTO_KIND_ENUM = 14,
	PROTO_KIND_SFIXED32 = 15,
	PROTO_KIND_SFIXED64 = 16,
	PROTO_KIND_SINT32 = 17,
	PROTO_KIND_SINT64 = 18,
};

struct proto_type;

/** struct proto_member - one field of a type */
struct proto_member {
	struct span name;
	uint32_t number;
	enum proto_kind kind;
	bool repeated;
	bool optional;                    /* whether it is there says something: not written where it is not, instead of as 0 */
	const struct proto_type *message; /* of PROTO_KIND_MESSAGE; NULL: not known */
};

struct proto_type {
	struct span name; /* "pkg.Message" */
	const struct proto_member *members;
	size_t count;
	bool is_map; /* an entry of a map: 1 is the key, 2 the value */
};

#endif
