/*
 * json_reduce.h - the least of a JSON text of which something still holds
 *
 * Delta debugging (Zeller and Hildebrandt, IEEE TSE 28, 2002), container by
 * container from the top: of the elements of an array and the members of an object
 * first all are left out, then halves, quarters, and each by itself, for as long as what is
 * asked still holds. What is left cannot lose one more part, unless tries ran out.
 */
#ifndef APP_CASES_JSON_REDUCE_H
#define APP_CASES_JSON_REDUCE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"

/** struct json_reduction - what came of it */
struct json_reduction {
	size_t parts, dropped; /* elements and members of the text; those that are left out, with all that was in them */
	bool is_least;         /* false: there were no tries left */
};

/**
 * json_reduce() - @text without the parts that are not needed
 * @holds: does it still hold for @candidate (borrowed)? 1, 0, -EDQUOT (no try is left), or another negative errno
 * @out:   appended; @text itself if nothing can be left out
 * Return: 0, -EINVAL (@text is no JSON), -ENOMEM, or the errno of @holds.
 */
int json_reduce(struct span text, int (*holds)(void *ctx, struct span candidate), void *ctx, struct buffer *out,
		struct json_reduction *result);

#endif
