/*
 * protobuf.c - see protobuf.h
 *
 * Theory of operation. Everything is taken from the front of a span, so no
 * length can lead out of it: one of 2^32 - 1 in a message of ten bytes is a
 * message that cannot be read. A varint has at most ten bytes, of which the
 * last counts with its lowest bit alone, as all implementations read it. Each
 * field takes at least two bytes or is refused, so a loop over them ends.
 */
#include "compare/grpc/protobuf.h"

#include <errno.h>

#include "base/digits.h"

#define VARINT_BYTES 10
#define NUMBER_MAX ((UINT32_C(1) << 29) - 1)
#define SHOWN_BYTES 32 /* more are shown by their digest */

static bool take_varint(struct span *in, uint64_t *out)
{
	struct span rest = *in;
	uint64_t n = 0;
	uint8_t b;

	for (unsigned i = 0; i < VARINT_BYTES && span_u8(&rest, &b); i++) {
		n |= (uint64_t)(b & 0x7f) << (7 * i);
		if (b < 0x80) {
			*in = rest;
			*out = n;
			return true;
		}
	}
	return false;
}

static bool take_fixed(struct span *in, size_t size, uint64_t *out)
{
	struct span b;

	if (!span_take(in, size, &b))
		return false;
	*out = 0;
	for (size_t i = size; i-- > 0;)
		*out = *out << 8 | b.at[i];
	return true;
}

bool proto_number(struct span *in, enum proto_wire wire, uint64_t *out)
{
	switch (wire) {
	case PROTO_VARINT:
		return take_varint(in, out);
	case PROTO_FIXED64:
		return take_fixed(in, 8, out);
	case PROTO_FIXED32:
		return take_fixed(in, 4, out);
	case PROTO_BYTES:
		break;
	}
	return false;
}

int proto_next(struct span *in, struct proto_field *out)
{
	struct span rest = *in;
	uint64_t tag, len;

	if (in->len == 0)
		return 0;
	if (!take_varint(&rest, &tag) || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
		return -EBADMSG;
	*out = (struct proto_field){ .number = (uint32_t)(tag >> 3) };
	switch (tag & 7) {
	case PROTO_VARINT:
	case PROTO_FIXED64:
	case PROTO_FIXED32:
		out->wire = (enum proto_wire)(tag & 7);
		if (!proto_number(&rest, out->wire, &out->value))
			return -EBADMSG;
		break;
	case PROTO_BYTES:
		out->wire = PROTO_BYTES;
		if (!take_varint(&rest, &len) || len > rest.len || !span_take(&rest, (size_t)len, &out->bytes))
			return -EBADMSG;
		break;
	default: /* groups, and what is not defined */
		return -EBADMSG;
	}
	*in = rest;
	return 1;
}

bool proto_values_of(const struct proto_field *f, enum proto_wire wire, struct proto_values *out)
{
	*out = (struct proto_values){ .wire = wire };
	if (f->wire == wire) {
		out->has_single = true;
		out->single = f->value;
	} else if (f->wire == PROTO_BYTES) {
		out->packed = f->bytes;
	} else {
		return false;
	}
	return true;
}

int proto_values_next(struct proto_values *v, uint64_t *out)
{
	if (v->has_single) {
		*out = v->single;
		v->has_single = false;
		return 1;
	}
	if (v->packed.len == 0)
		return 0;
	return proto_number(&v->packed, v->wire, out) ? 1 : -EBADMSG;
}

bool proto_is_message(struct span bytes)
{
	struct proto_field f;
	int more;

	do
		more = proto_next(&bytes, &f);
	while (more > 0);
	return more == 0;
}

int64_t proto_signed(uint64_t n)
{
	return (int64_t)(n >> 1 ^ (0 - (n & 1)));
}

/* ---- bytes as text ---- */

bool proto_is_text(struct span bytes)
{
	while (bytes.len > 0) {
		size_t len = utf8_length(bytes);
		uint8_t b = bytes.at[0];

		if (len == 0 || b == 0x7f || (b < ' ' && b != '\t' && b != '\n' && b != '\r'))
			return false;
		span_skip(&bytes, len);
	}
	return true;
}

/** looks_made() - text that could be taken for what is written for other bytes */
static bool looks_made(struct span text)
{
	static const struct span mark = SPAN_LITERAL(" bytes, sha256 ");
	size_t digits = 0;

	if (span_starts(text, SPAN_LITERAL("0x")))
		return true;
	while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
		digits++;
	return digits > 0 && span_skip(&text, digits) && span_starts(text, mark);
}

bool proto_write_bytes(struct json *j, struct span bytes, struct digest *digest)
{
	char text[DIGITS_UINT_MAX + 80], *end = text;
	uint8_t sha256[DIGEST_SHA256_BYTES];

	if (proto_is_text(bytes) && !looks_made(bytes)) {
		json_text(j, bytes);
		return buffer_ok(j->out);
	}
	if (bytes.len <= SHOWN_BYTES) {
		end = put_hex(PUT_LITERAL(end, "0x"), bytes.at, bytes.len);
	} else {
		if (!digest_reset(digest) || !digest_add(digest, bytes.at, bytes.len) || !digest_finish(digest, sha256))
			return false;
		end = PUT_LITERAL(put_uint(end, bytes.len), " bytes, sha256 ");
		end = put_hex(end, sha256, sizeof(sha256));
	}
	json_text(j, span_of(text, (size_t)(end - text)));
	return buffer_ok(j->out);
}
