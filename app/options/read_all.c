/* read_all.c - see read_all.h */
#include "app/options/read_all.h"

#include <errno.h>
#include <unistd.h>

#define CHUNK_LEAST 4096

int read_all(int fd, size_t limit, struct buffer *out)
{
	size_t had = out->len;
	ssize_t n;

	do {
		size_t chunk = out->len - had > CHUNK_LEAST ? out->len - had : CHUNK_LEAST; /* it doubles */

		if (!buffer_reserve(out, chunk))
			return -ENOMEM;
		n = read(fd, out->bytes + out->len, chunk);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			out->len += (size_t)n;
		if (out->len - had > limit)
			return -EFBIG;
	} while (n != 0);
	return 0;
}
