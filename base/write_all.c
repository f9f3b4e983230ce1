/* write_all.c - see write_all.h */
#include "base/write_all.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* One write() of @most bytes at most; what it took is gone from @bytes. 0 or a negative errno */
static int write_some(int fd, struct span *bytes, size_t most)
{
	ssize_t n = write(fd, bytes->at, bytes->len < most ? bytes->len : most);

	if (n > 0)
		span_skip(bytes, (size_t)n);
	return n < 0 && errno != EINTR ? -errno : 0;
}

int write_all(int fd, struct span bytes)
{
	int err = 0;

	while (err == 0 && bytes.len > 0)
		err = write_some(fd, &bytes, bytes.len);
	return err;
}

int write_all_unless_closing(int fd, struct span bytes, bool (*is_closing)(void *ctx), void *ctx)
{
	int waited_ms = 0;

	while (bytes.len > 0) {
		struct pollfd ready = { .fd = fd, .events = POLLOUT };
		int err;

		if (poll(&ready, 1, WRITE_POLL_MS) <= 0) {
			waited_ms = is_closing(ctx) ? waited_ms + WRITE_POLL_MS : 0;
			if (waited_ms >= WRITE_CLOSE_WAIT_MS)
				return -ETIMEDOUT;
			continue;
		}
		err = write_some(fd, &bytes, WRITE_PIECE);
		if (err < 0 && err != -EAGAIN)
			return err;
	}
	return 0;
}
