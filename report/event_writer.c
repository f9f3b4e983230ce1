/* event_writer.c - see event_writer.h */
#include "report/event_writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define WAITING_MAX_BYTES (UINT64_C(8) << 20) /* of a live run; a recording waits */
#define WAITING_MAX_BYTES_FILE (UINT64_C(1) << 20)
#define GATHER_BYTES (32 << 10)
#define PIPE_PIECE 4096
#define FILE_PIECE (256 << 10)
#define CLOSE_WAIT_MS     2000
#define POLL_MS           100

struct event_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct buffer gathered; /* the caller's thread only */
	uint64_t gathered_lines;
	struct buffer waiting; /* under the lock */
	uint64_t waiting_max;
	bool waits, closing; /* closing: under the lock */
	bool prompt;         /* a write waits for nobody: a file, /dev/null */
	int fd;
	_Atomic int error; /* set under the lock */
	uint64_t dropped;  /* under the lock */
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
 * the run is over the wait has a limit. A file is always ready.
 */
static int write_all(struct event_writer *w, struct span bytes)
{
	size_t most = w->prompt ? FILE_PIECE : PIPE_PIECE;
	int waited_ms = 0;

	while (bytes.len > 0) {
		struct pollfd fd = { .fd = w->fd, .events = POLLOUT };
		ssize_t n;

		if (!w->prompt && poll(&fd, 1, POLL_MS) <= 0) {
			waited_ms = is_closing(w) ? waited_ms + POLL_MS : 0;
			if (waited_ms >= CLOSE_WAIT_MS)
				return -ETIMEDOUT;
			continue;
		}
		n = write(w->fd, bytes.at, bytes.len < most ? bytes.len : most);
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

static bool is_prompt(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)));
}

int event_writer_new(int fd, bool waits, struct event_writer **out)
{
	struct event_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->waits = waits;
	w->waiting_max = waits ? WAITING_MAX_BYTES_FILE : WAITING_MAX_BYTES;
	w->prompt = is_prompt(fd);
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

/** hand_on() - @count whole lines to the writer's thread, or drop them */
static void hand_on(struct event_writer *w, struct span lines, uint64_t count)
{
	pthread_mutex_lock(&w->lock);
	while (w->waits && w->error == 0 && w->waiting.len + lines.len > w->waiting_max && w->waiting.len > 0)
		pthread_cond_wait(&w->emptied, &w->lock);
	if (w->error == 0 && (w->waits || w->waiting.len + lines.len <= w->waiting_max) &&
	    buffer_reserve(&w->waiting, lines.len)) {
		if (w->waiting.len == 0)
			pthread_cond_signal(&w->filled);
		buffer_add_span(&w->waiting, lines);
	} else {
		w->waiting.failed = false;
		w->dropped += count;
	}
	pthread_mutex_unlock(&w->lock);
}

void event_writer_flush(struct event_writer *w)
{
	if (w->gathered.len > 0)
		hand_on(w, buffer_span(&w->gathered), w->gathered_lines);
	buffer_clear(&w->gathered);
	w->gathered_lines = 0;
}

void event_writer_add(struct event_writer *w, struct span line)
{
	if (w->gathered.len > 0 && w->gathered.len + line.len > GATHER_BYTES)
		event_writer_flush(w);
	if (line.len < GATHER_BYTES && buffer_reserve(&w->gathered, line.len)) {
		buffer_add_span(&w->gathered, line);
		w->gathered_lines++;
	} else {
		w->gathered.failed = false;
		event_writer_flush(w);
		hand_on(w, line, 1);
	}
}

int event_writer_error(struct event_writer *w)
{
	return atomic_load_explicit(&w->error, memory_order_relaxed);
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
	event_writer_flush(w);
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
	buffer_deinit(&w->gathered);
	buffer_deinit(&w->waiting);
	free(w);
	return error;
}
