/*
 * inflate.h - undo the content codings of a response's body
 *
 * How a body was compressed is no property of what a model said, so it is
 * undone before anything is compared (RFC 9110, 8.4). One thread at a time.
 */
#ifndef COMPARE_INFLATE_H
#define COMPARE_INFLATE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"

#define CODINGS_MAX 4 /* in a row; no server means more */

/** struct inflater - memory that is used again for the next body; the zero value is empty */
struct inflater {
	struct buffer from, to;
};

/**
 * inflate_body() - @body as it was before @codings were applied
 * @codings:  value of Content-Encoding: names with commas between them, the first applied first; may be empty
 * @body:     borrowed
 * @max_len:  most bytes that any of the codings may unfold to
 * @out:      the result: @body itself where nothing was to be undone, else borrowed from @z until its next use
 *
 * Return: 0, -EBADMSG (damaged, cut off, or followed by something else), -EFBIG (more than @max_len), -ENOTSUP
 * (an unknown coding, one that this build has no library for, or more than CODINGS_MAX), -ENOMEM.
 */
int inflate_body(struct inflater *z, struct span codings, struct span body, uint64_t max_len, struct span *out);

void inflater_deinit(struct inflater *z);

/*
 * The decoders: each appends what @in unfolds to. A decoder whose library is
 * not there has a file of its own (inflate_brotli_fallback.c) and returns -ENOTSUP.
 */
int inflate_gzip(struct span in, uint64_t max_len, struct buffer *out);
int inflate_deflate(struct span in, uint64_t max_len, struct buffer *out);
int inflate_brotli(struct span in, uint64_t max_len, struct buffer *out);
int inflate_zstd(struct span in, uint64_t max_len, struct buffer *out);

/**
 * inflate_room() - make room for more output: doubling, never beyond one byte more than @max_len
 *
 * The byte more is how a body of exactly @max_len bytes is told from a longer
 * one. Return: the free bytes behind @out's contents; 0 if there is no more to
 * be had: *@err is then -EFBIG or -ENOMEM.
 */
size_t inflate_room(struct buffer *out, uint64_t max_len, int *err);

#endif
