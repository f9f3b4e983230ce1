/* wake.c - see wake.h */
#include "replay/wake.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct wake *w = poll->data;
	uint64_t times;

	if (read(w->fd, &times, sizeof(times)) < 0)
		return;
	atomic_exchange_explicit(&w->is_sent, false,
				 memory_order_acq_rel); /* not a store: it must see what they did */
	w->fn(w->ctx);
}

int wake_init(struct wake *w, uv_loop_t *loop, void (*fn)(void *ctx), void *ctx)
{
	int r;

	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	r = uv_poll_init(loop, &w->poll, w->fd);
	if (r < 0) {
		close(w->fd);
		return r;
	}
	w->poll.data = w;
	w->fn = fn;
	w->ctx = ctx;
	atomic_init(&w->is_sent, false);
	uv_poll_start(&w->poll, UV_READABLE, on_readable);
	return 0;
}

void wake_send(struct wake *w)
{
	const uint64_t one = 1;

	if (atomic_exchange_explicit(&w->is_sent, true, memory_order_acq_rel))
		return;
	while (write(w->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void wake_close(struct wake *w)
{
	uv_close((uv_handle_t *)&w->poll, NULL);
}

void wake_deinit(struct wake *w)
{
	close(w->fd);
}
