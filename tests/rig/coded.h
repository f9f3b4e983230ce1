/* coded.h - bodies under the content codings that zlib can write, for tests */
#ifndef TESTS_RIG_CODED_H
#define TESTS_RIG_CODED_H

#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/buffer.h"

enum { CODED_RAW = -MAX_WBITS, CODED_ZLIB = MAX_WBITS, CODED_GZIP = MAX_WBITS + 16 };

/** code_body() - append @in as one stream of deflate with @wrapper around it; false when out of memory */
static inline bool code_body(struct span in, int wrapper, struct buffer *out)
{
	z_stream z = { 0 };
	bool whole;

	if (deflateInit2(&z, 6, Z_DEFLATED, wrapper, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	whole = buffer_reserve(out, deflateBound(&z, in.len) + 64);
	if (whole) {
		z.next_in = (Bytef *)in.at;
		z.avail_in = (uInt)in.len;
		z.next_out = out->bytes + out->len;
		z.avail_out = (uInt)(out->cap - out->len);
		whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
		out->len += z.total_out;
	}
	deflateEnd(&z);
	return whole;
}

#endif
