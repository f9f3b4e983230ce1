/* inflate_zstd_fallback.c - this build has no libzstd */
#include <errno.h>

#include "compare/inflate.h"

int inflate_zstd(struct span in, uint64_t max_len, struct buffer *out)
{
	return -ENOTSUP;
}
