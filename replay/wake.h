/*
 * wake.h - other threads wake the loop
 *
 * Theory of operation: an eventfd that the loop polls, and a flag that says that
 * it was written and not yet heard, so that of a burst only the first one makes a
 * system call. The loop reads, then takes the flag back, and only then looks at
 * what there is to do: a sender that added something before saw the flag, and its
 * work is found; one that adds something later finds the flag gone and writes.
 *
 * Not a uv_async_t: libuv's loop, woken on another core while the sender is still
 * inside the system call that wakes it, turns around a locked instruction until the
 * sender comes back, up to a thousand times. With a lane that wakes it 300 times a
 * second that was a tenth of all that the program took.
 */
#ifndef REPLAY_WAKE_H
#define REPLAY_WAKE_H

#include <stdatomic.h>
#include <uv.h>

struct wake {
	uv_poll_t poll;
	int fd;
	atomic_bool is_sent;
	void (*fn)(void *ctx);
	void *ctx;
};

/** wake_init() - @fn is called on the loop after wake_send(), once for all that were sent before; 0 or negative errno */
int wake_init(struct wake *w, uv_loop_t *loop, void (*fn)(void *ctx), void *ctx);

/** wake_send() - any thread, until wake_deinit() */
void wake_send(struct wake *w);

/** wake_close() - loop: @fn is not called any more; the loop must run before wake_deinit() */
void wake_close(struct wake *w);

/** wake_deinit() - no thread sends any more */
void wake_deinit(struct wake *w);

#endif
