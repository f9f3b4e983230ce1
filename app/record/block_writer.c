/* block_writer.c - see block_writer.h */
#include "app/record/block_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/write_all.h"

#define FILES_MAX 16
#define STAGE_BYTES (256 * 1024) /* one write() for many packets */
#define MALLOC_OVERHEAD 16

struct block_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct block *first, *last; /* under the lock */
	bool busy, closing;         /* under the lock; busy: the thread holds blocks that are not written yet */
	bool interrupted;           /* under the lock */
	struct block_totals totals; /* the thread's, until it is joined; error also under the lock */
	int fd[FILES_MAX];
	off_t whole[FILES_MAX]; /* length of the file up to the last whole block */
	size_t stage_len, stage_file;
	uint64_t stage_count; /* blocks that count in the stage */
	uint8_t stage[STAGE_BYTES];
};

static size_t cost(size_t bytes)
{
	return sizeof(struct block) + bytes + MALLOC_OVERHEAD;
}

static void release(struct block_memory *memory, size_t n)
{
	budget_release(&memory->own, n);
	budget_release(memory->shared, n);
}

struct block *block_new(struct block_memory *memory, size_t bytes)
{
	struct block *b;

	if (bytes > UINT32_MAX || !budget_charge(&memory->own, cost(bytes)))
		return NULL;
	if (!budget_charge(memory->shared, cost(bytes))) {
		budget_release(&memory->own, cost(bytes));
		return NULL;
	}
	b = malloc(sizeof(*b) + bytes);
	if (!b) {
		release(memory, cost(bytes));
		return NULL;
	}
	*b = (struct block){ .memory = memory, .bytes = (uint32_t)bytes };
	return b;
}

void block_free(struct block *b)
{
	release(b->memory, cost(b->bytes));
	if (!b->counts) /* it may have been secrets */
		explicit_bzero(b->data, b->bytes);
	free(b);
}

static bool is_closing(void *ctx)
{
	struct block_writer *w = ctx;
	bool closing;

	pthread_mutex_lock(&w->lock);
	closing = w->closing || w->interrupted;
	pthread_mutex_unlock(&w->lock);
	return closing;
}

/* A file that is no pipe is never waited for. */
static int write_to(struct block_writer *w, size_t file, struct span bytes)
{
	int fd = w->fd[file];

	return w->whole[file] >= 0 ? write_all(fd, bytes) : write_all_unless_closing(fd, bytes, is_closing, w);
}

static void fail(struct block_writer *w, size_t file, int error)
{
	/* The reader of a file that ends inside a block would complain; a pipe cannot be shortened. */
	if (w->whole[file] >= 0 && ftruncate(w->fd[file], w->whole[file]) < 0)
		w->whole[file] = -1;
	pthread_mutex_lock(&w->lock);
	w->totals.error = error;
	w->totals.error_file = file;
	pthread_mutex_unlock(&w->lock);
}

/* Write the stage: whole blocks of one file. */
static void flush(struct block_writer *w)
{
	size_t file = w->stage_file;
	int err;

	if (w->stage_len == 0)
		return;
	err = w->totals.error;
	if (err == 0) {
		err = write_to(w, file, span_of(w->stage, w->stage_len));
		if (err < 0)
			fail(w, file, err);
	}
	if (err < 0) {
		w->totals.lost += w->stage_count;
	} else {
		w->totals.written += w->stage_count;
		w->totals.bytes += w->stage_len;
		if (w->whole[file] >= 0)
			w->whole[file] += (off_t)w->stage_len;
	}
	w->stage_len = 0;
	w->stage_count = 0;
}

/* A block longer than the stage (the longest packet and the longest comment) passes through alone. */
static void write_long(struct block_writer *w, const struct block *b)
{
	int err = w->totals.error;

	if (err == 0) {
		err = write_to(w, b->file, span_of(b->data, b->bytes));
		if (err < 0)
			fail(w, b->file, err);
	}
	if (err < 0) {
		w->totals.lost += b->counts;
		return;
	}
	w->totals.written += b->counts;
	w->totals.bytes += b->bytes;
	if (w->whole[b->file] >= 0)
		w->whole[b->file] += b->bytes;
}

static void stage(struct block_writer *w, const struct block *b)
{
	if (b->file != w->stage_file || w->stage_len + b->bytes > STAGE_BYTES)
		flush(w);
	w->stage_file = b->file;
	if (b->bytes > STAGE_BYTES) {
		write_long(w, b);
		return;
	}
	memcpy(w->stage + w->stage_len, b->data, b->bytes);
	w->stage_len += b->bytes;
	w->stage_count += b->counts;
}

static void write_list(struct block_writer *w, struct block *b)
{
	while (b) {
		struct block *next = b->next;

		stage(w, b);
		block_free(b);
		b = next;
	}
	flush(w);
}

static void *writer_main(void *arg)
{
	struct block_writer *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct block *taken;

		while (!w->first && !w->closing)
			pthread_cond_wait(&w->filled, &w->lock);
		if (!w->first)
			break;
		taken = w->first;
		w->first = w->last = NULL;
		w->busy = true;
		pthread_mutex_unlock(&w->lock);
		write_list(w, taken);
		pthread_mutex_lock(&w->lock);
		w->busy = false;
		pthread_cond_broadcast(&w->emptied);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* the thread has ended, or never began */
static void writer_free(struct block_writer *w)
{
	pthread_cond_destroy(&w->emptied);
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int block_writer_new(const int *fds, size_t count, struct block_writer **out)
{
	struct block_writer *w;
	int err;

	if (count > FILES_MAX)
		return -E2BIG;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		w->fd[i] = fds[i];
		w->whole[i] = lseek(fds[i], 0, SEEK_CUR);
	}
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

void block_writer_add(struct block_writer *w, struct block *b)
{
	b->next = NULL;
	pthread_mutex_lock(&w->lock);
	if (w->last) {
		w->last->next = b;
	} else {
		w->first = b;
		pthread_cond_signal(&w->filled);
	}
	w->last = b;
	pthread_mutex_unlock(&w->lock);
}

bool block_writer_wait(struct block_writer *w)
{
	bool some;

	pthread_mutex_lock(&w->lock);
	some = (w->first || w->busy) && w->totals.error == 0 && !w->interrupted;
	if (some)
		pthread_cond_wait(&w->emptied, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return some;
}

void block_writer_interrupt(struct block_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->interrupted = true;
	pthread_cond_broadcast(&w->emptied);
	pthread_mutex_unlock(&w->lock);
}

struct block_totals block_writer_close(struct block_writer *w)
{
	struct block_totals totals;

	if (!w)
		return (struct block_totals){ 0 };
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	totals = w->totals;
	writer_free(w);
	return totals;
}
