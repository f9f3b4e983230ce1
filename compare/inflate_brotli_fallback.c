/* inflate_brotli_fallback.c - this build has no libbrotlidec */
#include <errno.h>

#include "compare/inflate.h"

int inflate_brotli(struct span in, uint64_t max_len, struct buffer *out)
{
	return -ENOTSUP;
}
