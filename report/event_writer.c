/* event_writer.c - see event_writer.h */
#include "report/event_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define WAITING_MAX_BYTES (UINT64_C(8) << 20)
#define CLOSE_WAIT_MS     2000
#define POLL_MS           100

struct event_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct buffer waiting; /* under the lock */
	bool waits, closing;   /* closing: under the lock */
	int fd, error;         /* error: under the lock */
	uint64_t dropped;      /* under the lock */
};

static bool is_closing(struct event_writer *w)
{
	bool closing;

	pthread_mutex_lock(&w->lock);
	closing = w->closing;
	pthread_mutex_unlock(&w->lock);
	return closing;
}

/*
 * A reader that hangs must not keep us from ending: writes happen only when
 * the descriptor is ready, in pieces that a ready pipe takes at once, and when
 * the run is over the wait has a limit.
 */
static int write_all(struct event_writer *w, struct span bytes)
{
	int waited_ms = 0;

	while (bytes.len > 0) {
		struct pollfd fd = { .fd = w->fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&fd, 1, POLL_MS) <= 0) {
			waited_ms = is_closing(w) ? waited_ms + POLL_MS : 0;
			if (waited_ms >= CLOSE_WAIT_MS)
				return -ETIMEDOUT;
			continue;
		}
		n = write(w->fd, bytes.at, bytes.len < 4096 ? bytes.len : 4096);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0)
			span_skip(&bytes, (size_t)n);
	}
	return 0;
}

static void *writer_main(void *arg)
{
	struct event_writer *w = arg;
	struct buffer taken = { 0 };

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct buffer empty = taken;
		int err;

		while (w->waiting.len == 0 && !w->closing)
			pthread_cond_wait(&w->filled, &w->lock);
		if (w->waiting.len == 0)
			break;
		taken = w->waiting;
		w->waiting = empty;
		pthread_cond_signal(&w->emptied);
		pthread_mutex_unlock(&w->lock);
		err = write_all(w, buffer_span(&taken));
		buffer_clear(&taken);
		pthread_mutex_lock(&w->lock);
		if (err < 0 && w->error == 0)
			w->error = err;
		if (w->error < 0) {
			pthread_cond_signal(&w->emptied);
			break;
		}
	}
	pthread_mutex_unlock(&w->lock);
	buffer_deinit(&taken);
	return NULL;
}

int event_writer_new(int fd, bool waits, struct event_writer **out)
{
	struct event_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->waits = waits;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->filled, NULL);
	pthread_cond_init(&w->emptied, NULL);
	err = pthread_create(&w->thread, NULL, writer_main, w);
	if (err) {
		free(w);
		return -err;
	}
	*out = w;
	return 0;
}

void event_writer_add(struct event_writer *w, struct span lines)
{
	pthread_mutex_lock(&w->lock);
	while (w->waits && w->error == 0 && w->waiting.len + lines.len > WAITING_MAX_BYTES && w->waiting.len > 0)
		pthread_cond_wait(&w->emptied, &w->lock);
	if (w->error == 0 && (w->waits || w->waiting.len + lines.len <= WAITING_MAX_BYTES) &&
	    buffer_reserve(&w->waiting, lines.len)) {
		buffer_add_span(&w->waiting, lines);
		pthread_cond_signal(&w->filled);
	} else {
		w->waiting.failed = false;
		w->dropped++;
	}
	pthread_mutex_unlock(&w->lock);
}

int event_writer_error(struct event_writer *w)
{
	int error;

	pthread_mutex_lock(&w->lock);
	error = w->error;
	pthread_mutex_unlock(&w->lock);
	return error;
}

uint64_t event_writer_dropped(struct event_writer *w)
{
	uint64_t dropped;

	pthread_mutex_lock(&w->lock);
	dropped = w->dropped;
	pthread_mutex_unlock(&w->lock);
	return dropped;
}

int event_writer_close(struct event_writer *w)
{
	int error;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	error = w->error;
	if (w->fd != STDOUT_FILENO)
		close(w->fd);
	pthread_cond_destroy(&w->emptied);
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
	buffer_deinit(&w->waiting);
	free(w);
	return error;
}
