/* event_writer.c - see event_writer.h */
#include "report/event_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/write_all.h"

#define WAITING_MAX_BYTES (UINT64_C(8) << 20) /* of a live run; a recording waits */
#define WAITING_MAX_BYTES_FILE (UINT64_C(1) << 20)
#define LINES_FULL (250 << 10)  /* to be handed on: some 400 events; a little below what memory grows to */
#define SPARE_BYTES (512 << 10) /* lines with more memory are not kept */
#define SPARES_MAX 8

struct event_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows, but for what is constant */
	pthread_cond_t filled, emptied;
	struct event_lines *waiting, *last_waiting;
	uint64_t waiting_bytes;
	struct event_lines *spares;
	size_t spare_count;
	uint64_t dropped;
	uint64_t waiting_max; /* constant */
	bool waits;           /* constant */
	bool prompt;          /* constant: a write never waits for a reader, as with a file and /dev/null */
	bool closing;
	int fd;            /* constant */
	_Atomic int error; /* set under the lock */
};

/* ---- lines ------------------------------------------------------------------ */

static void lines_free(struct event_lines *lines)
{
	while (lines) {
		struct event_lines *next = lines->next;

		buffer_deinit(&lines->text);
		free(lines);
		lines = next;
	}
}

static struct event_lines *lines_take(struct event_writer *w)
{
	struct event_lines *lines;

	pthread_mutex_lock(&w->lock);
	lines = w->spares;
	if (lines) {
		w->spares = lines->next;
		w->spare_count--;
	}
	pthread_mutex_unlock(&w->lock);
	if (!lines)
		return calloc(1, sizeof(*lines));
	lines->next = NULL;
	return lines;
}

/** lines_give_back() - under the lock: they are not needed any more, and their memory may be of use */
static void lines_give_back(struct event_writer *w, struct event_lines *lines)
{
	if (w->spare_count >= SPARES_MAX || lines->text.cap > SPARE_BYTES) {
		lines->next = NULL;
		lines_free(lines);
		return;
	}
	buffer_clear(&lines->text);
	lines->whole = 0;
	lines->count = lines->lost = 0;
	lines->next = w->spares;
	w->spares = lines;
	w->spare_count++;
}

struct buffer *event_line_begin(struct event_writer *w, struct event_lines **lines)
{
	if (!*lines)
		*lines = lines_take(w);
	return *lines ? &(*lines)->text : NULL;
}

bool event_line_end(struct event_lines *lines)
{
	if (buffer_ok(&lines->text)) {
		lines->whole = lines->text.len;
		lines->count++;
	} else {
		lines->text.len = lines->whole;
		lines->text.failed = false;
		lines->lost++;
	}
	return lines->whole >= LINES_FULL;
}

/** join() - copy @more behind @lines, unless these would be more than are handed on at once */
static bool join(struct event_lines *lines, const struct event_lines *more)
{
	if (lines->whole + more->whole > LINES_FULL)
		return false;
	buffer_add_span(&lines->text, buffer_span(&more->text));
	if (!buffer_ok(&lines->text)) {
		lines->text.failed = false;
		return false;
	}
	lines->whole = lines->text.len;
	lines->count += more->count;
	lines->lost += more->lost;
	return true;
}

bool event_lines_join(struct event_writer *w, struct event_lines **lines, struct event_lines **more)
{
	if (*lines && join(*lines, *more)) {
		pthread_mutex_lock(&w->lock);
		lines_give_back(w, *more);
		pthread_mutex_unlock(&w->lock);
	} else {
		event_writer_hand_on(w, lines);
		*lines = *more;
	}
	*more = NULL;
	return (*lines)->whole >= LINES_FULL;
}

/* ---- the thread --------------------------------------------------------------- */

static bool is_closing(void *ctx)
{
	struct event_writer *w = ctx;
	bool closing;

	pthread_mutex_lock(&w->lock);
	closing = w->closing;
	pthread_mutex_unlock(&w->lock);
	return closing;
}

static int write_text(struct event_writer *w, struct span text)
{
	return w->prompt ? write_all(w->fd, text) : write_all_unless_closing(w->fd, text, is_closing, w);
}

/** wait_for_lines() - under the lock: all that wait, linked; NULL when none will come */
static struct event_lines *wait_for_lines(struct event_writer *w)
{
	struct event_lines *all;

	while (!w->waiting && !w->closing)
		pthread_cond_wait(&w->filled, &w->lock);
	all = w->waiting;
	w->waiting = w->last_waiting = NULL;
	w->waiting_bytes = 0;
	return all;
}

static void *writer_main(void *arg)
{
	struct event_writer *w = arg;
	struct event_lines *lines = NULL;

	pthread_mutex_lock(&w->lock);
	while (w->error == 0 && (lines || (lines = wait_for_lines(w)))) {
		struct event_lines *next = lines->next;
		int err;

		pthread_cond_signal(&w->emptied);
		pthread_mutex_unlock(&w->lock);
		err = write_text(w, buffer_span(&lines->text));
		pthread_mutex_lock(&w->lock);
		if (err < 0)
			w->error = err;
		lines_give_back(w, lines);
		lines = next;
	}
	pthread_cond_signal(&w->emptied);
	pthread_mutex_unlock(&w->lock);
	lines_free(lines);
	return NULL;
}

static bool is_prompt(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (S_ISREG(st.st_mode) || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)));
}

/* the thread has ended, or never began */
static void writer_free(struct event_writer *w)
{
	pthread_cond_destroy(&w->emptied);
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
	lines_free(w->waiting);
	lines_free(w->spares);
	free(w);
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
		writer_free(w);
		return -err;
	}
	*out = w;
	return 0;
}

/* ---- handing on ----------------------------------------------------------------- */

static bool has_room(const struct event_writer *w, const struct event_lines *lines)
{
	return w->waiting_bytes + lines->text.len <= w->waiting_max || (w->waits && !w->waiting);
}

void event_writer_hand_on(struct event_writer *w, struct event_lines **given)
{
	struct event_lines *lines = *given;
	bool sleeps = false;

	*given = NULL;
	if (!lines)
		return;
	pthread_mutex_lock(&w->lock);
	while (w->waits && w->error == 0 && !has_room(w, lines))
		pthread_cond_wait(&w->emptied, &w->lock);
	w->dropped += lines->lost;
	lines->lost = 0;
	if (w->error < 0 || !has_room(w, lines)) {
		w->dropped += lines->count;
		lines_give_back(w, lines);
	} else {
		sleeps = !w->waiting;
		w->waiting_bytes += lines->text.len;
		if (w->waiting && join(w->last_waiting, lines)) {
			lines_give_back(w, lines);
		} else {
			*(w->waiting ? &w->last_waiting->next : &w->waiting) = lines;
			w->last_waiting = lines;
		}
	}
	pthread_mutex_unlock(&w->lock);
	if (sleeps)
		pthread_cond_signal(&w->filled); /* not under the lock, which is the first that it wants */
}

void event_writer_drop(struct event_writer *w, struct event_lines **given)
{
	struct event_lines *lines = *given;

	*given = NULL;
	if (!lines)
		return;
	pthread_mutex_lock(&w->lock);
	w->dropped += lines->count + lines->lost;
	lines_give_back(w, lines);
	pthread_mutex_unlock(&w->lock);
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
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	error = w->error;
	if (w->fd != STDOUT_FILENO)
		close(w->fd);
	writer_free(w);
	return error;
}
