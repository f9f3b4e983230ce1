/*
 * protobuf.h - the fields of an encoded message, one by one, without a schema
 *
 * The wire format of Protocol Buffers (protobuf.dev, "Encoding"): a row of
 * fields, each a tag (number and wire type) and a value. What a value means is
 * for the caller to know, or to guess (proto_guess.h). Groups, which proto3 does
 * not have, are refused.
 */
#ifndef COMPARE_PROTOBUF_H
#define COMPARE_PROTOBUF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/span.h"

#define PROTO_DEPTH_MAX 64 /* messages inside of messages */

enum proto_wire { PROTO_VARINT = 0,
		  PROTO_FIXED64 = 1,
		  PROTO_BYTES = 2,
		  PROTO_FIXED32 = 5 };

/** struct proto_field - one field as it came; @value of numbers, @bytes (borrowed) of PROTO_BYTES */
struct proto_field {
	uint32_t number; /* 1 to 2^29 - 1 */
	enum proto_wire wire;
	uint64_t value;
	struct span bytes;
};

/** proto_next() - the next field of @in; 1, 0 at its end, or -EBADMSG: what is there is no field */
int proto_next(struct span *in, struct proto_field *out);

/** proto_number() - the next value of the wire type @wire (not BYTES) from the front of @in; false: none is there */
bool proto_number(struct span *in, enum proto_wire wire, uint64_t *out);

/**
 * struct proto_values - the numbers of a repeated field, of which some elements may be packed and others not
 * (proto_values_of() begins, proto_values_next() goes on)
 */
struct proto_values {
	struct span packed;
	enum proto_wire wire;
	uint64_t single;
	bool has_single;
};

/** proto_values_of() - the numbers in one field; false: its wire type is neither @wire nor that of packed ones */
bool proto_values_of(const struct proto_field *f, enum proto_wire wire, struct proto_values *out);

/** proto_values_next() - 1, 0 at the end, -EBADMSG: packed bytes that end within a number */
int proto_values_next(struct proto_values *v, uint64_t *out);

/** proto_is_message() - do the bytes read as fields up to the last? Those inside of fields are not looked at */
bool proto_is_message(struct span bytes);

/** proto_signed() - zigzag: 0 is 0, 1 is -1, 2 is 1 */
int64_t proto_signed(uint64_t n);

/** proto_is_text() - UTF-8 without control characters other than tab and the ends of lines */
bool proto_is_text(struct span bytes);

/**
 * proto_write_bytes() - a JSON string that stands for @bytes: the text they are, up to 32 bytes of another kind as
 * hexadecimal digits, else length and SHA-256
 * Two strings are equal just when the bytes are. False: @digest refused.
 */
bool proto_write_bytes(struct json *j, struct span bytes, struct digest *digest);

#endif
