/* body.h - the body of one response: its content codings undone, and what kind of body it is */
#ifndef COMPARE_BODY_H
#define COMPARE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "compare/comparison.h"
#include "compare/inflate.h"
#include "message/response.h"

/** struct body - used again for the next response; the zero value is empty */
struct body {
	const struct response *response; /* borrowed */
	struct span bytes;               /* unpacked; borrowed from @response, @inflater, or another body */
	enum body_kind kind;             /* NONE: there are no bytes */
	uint64_t head_len;               /* of tensors: Inference-Header-Content-Length; else all bytes */

	/* the inside */
	struct buffer codings;
	struct inflater inflater;
};

/**
 * body_read() - unpack @response's body and find out its kind
 * @max_len:  most bytes to unpack
 * @like:     NULL, or a body that was read: of the same bytes under the same codings, what it unpacked is used
 *
 * Return: 0, or the errors of inflate_body().
 */
int body_read(struct body *b, const struct response *response, uint64_t max_len, const struct body *like);

void body_deinit(struct body *b);

/** begins_like_json() - with an object or an array */
bool begins_like_json(struct span text);

#endif
