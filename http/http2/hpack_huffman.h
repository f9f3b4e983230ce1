/*
 * hpack_huffman.h - the Huffman code of HPACK strings (RFC 7541, 5.2 and appendix B)
 */
#ifndef HTTP_HTTP2_HPACK_HUFFMAN_H
#define HTTP_HTTP2_HPACK_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

/** hpack_huffman_most() - the most bytes that @coded bytes can stand for: the shortest code has 5 bits */
static inline size_t hpack_huffman_most(size_t coded)
{
	return coded + coded / 5 * 3 + coded % 5 * 3 / 5;
}

/**
 * hpack_huffman_least() - the fewest bytes that @coded bytes can stand for
 * No code has more than 30 bits, and fewer than 8 are padding.
 */
static inline size_t hpack_huffman_least(size_t coded)
{
	return coded ? (coded - 1) / 30 * 8 : 0;
}

/** HPACK_HUFFMAN_SLACK - bytes behind what was decoded that decoding may overwrite */
#define HPACK_HUFFMAN_SLACK 1

/**
 * hpack_huffman_decode() - decode a whole string
 * @in:   borrowed
 * @out:  room for hpack_huffman_most(@in.len) + HPACK_HUFFMAN_SLACK bytes
 *
 * Return: bytes written; -EBADMSG if @in contains EOS, or does not end in at most 7 bits of padding, all ones.
 */
ssize_t hpack_huffman_decode(struct span in, uint8_t *out);

#endif
