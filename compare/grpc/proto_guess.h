/*
 * proto_guess.h - two messages of a type that is not known, as JSON that can be compared
 *
 * Members are called by their numbers: field 3 of the second message in field 5
 * is /5/1/3. What the wire says is all that is known, so what a field holds is
 * guessed, for both sides alike: text, a message, or bytes. Numbers of the message
 * itself are numbers. In what only looks like a message they are texts, which
 * are the same or are not: bytes that happen to read as numbers are never close.
 */
#ifndef COMPARE_PROTO_GUESS_H
#define COMPARE_PROTO_GUESS_H

#include "base/buffer.h"
#include "base/digest.h"
#include "base/span.h"

/**
 * proto_guess() - append both messages as JSON to @production_out and @shadow_out
 * @max_len:  most bytes that each may then have
 * @digest:   used during the call
 *
 * Return: 0, -EBADMSG (one is no message: proto_is_message() tells which), -E2BIG, -EFBIG, -ENOMEM: as proto_json().
 */
int proto_guess(struct span production, struct span shadow, uint64_t max_len, struct digest *digest,
		struct buffer *production_out, struct buffer *shadow_out);

#endif
