/*
 * proto_json.h - a message of a known type as JSON, so that it is compared as JSON is, by the same rules
 *
 * What says the same is written the same: fields come in the order of the type,
 * maps as objects in the order of their keys, packed numbers as others, a number that is not there
 * as 0. Differs from the JSON mapping of Protocol Buffers where comparing is served by it: names
 * as in the .proto file, 64-bit integers and enums as numbers, bytes as proto_write_bytes() has them.
 * Fields that the type does not have, or has with another wire type, are members called by
 * their number: nothing that differs is lost.
 */
#ifndef COMPARE_PROTO_JSON_H
#define COMPARE_PROTO_JSON_H

#include "base/buffer.h"
#include "base/digest.h"
#include "compare/grpc/proto_types.h"

/**
 * proto_json() - append @message as JSON to @out
 * @max_len:  most bytes that @out may then have
 * @digest:   used during the call
 *
 * Return: 0, -EBADMSG (no message), -E2BIG (deeper than PROTO_DEPTH_MAX), -EFBIG (longer than @max_len, or it
 * would take too many steps), -ENOMEM.
 */
int proto_json(const struct proto_type *type, struct span message, uint64_t max_len, struct digest *digest,
	       struct buffer *out);

#endif
