/*
 * nominations.h - the fields of a request that its Connection fields name: they belong to the hop (RFC 9110, 7.6.1)
 *
 * They are found by comparing each allowed field with those names. To keep that
 * from growing with the square of a hostile head, a request with more than
 * NOMINATIONS_MAX Connection fields, or NOMINATED_BYTES_MAX of names, has too
 * many: it forwards no captured field at all.
 */
#ifndef POLICY_NOMINATIONS_H
#define POLICY_NOMINATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "message/message.h"

#define NOMINATIONS_MAX 8
#define NOMINATED_BYTES_MAX 1024

/** struct nominations - the captured Connection fields, borrowed */
struct nominations {
	struct span list[NOMINATIONS_MAX];
	size_t count, bytes;
	bool too_many;
};

struct nominations nominations_of(const struct request_head *head);

/** nominations_have() - is a field of this name among those they name? */
bool nominations_have(const struct nominations *n, struct span name);

#endif
