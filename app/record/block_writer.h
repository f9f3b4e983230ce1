/*
 * block_writer.h - finished blocks on their way into files that may be slow
 *
 * Theory of operation: a block is one piece of memory that is handed over, not
 * copied, and a thread of our own writes and frees it. Adding one costs the
 * lane a short lock and never a wait. Blocks stay charged to the budget until
 * they are written, so a slow disk fills no memory beyond --max-memory, and
 * what has been held for long needs no second copy at the moment it is wanted.
 *
 * Why not report/event_writer: it holds whole lines of text, has a bound of its
 * own, and drops what does not fit. One flow that is written late can be larger
 * than that bound, and would be dropped just when it is wanted.
 *
 * A regular file ends with a whole block even when the disk gets full.
 */
#ifndef APP_RECORD_BLOCK_WRITER_H
#define APP_RECORD_BLOCK_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"

/** struct block - bytes that are written whole; its owner of the moment may use the first members */
struct block {
	struct block *next, *older, *newer;
	void *owner;
	struct block_memory *memory; /* to which it is charged */
	uint32_t bytes;              /* in @data */
	uint8_t file;                /* index */
	bool counts;                 /* a packet, and no head of a file */
	uint8_t data[];
};

/** struct block_memory - what all blocks together may take: a bound of their own, inside of the budget */
struct block_memory {
	struct budget own;
	struct budget *shared; /* borrowed */
};

/** block_new() - room for @bytes; NULL when out of memory or out of budget. @memory outlives the block */
struct block *block_new(struct block_memory *memory, size_t bytes);

/** block_free() - any thread */
void block_free(struct block *b);

struct block_writer;

/**
 * block_writer_new() - start the thread
 * @fds:     files or pipes; they stay the caller's and must outlive the writer; at most @count of them
 * Return: 0 or a negative errno.
 */
int block_writer_new(const int *fds, size_t count, struct block_writer **out);

/** block_writer_add() - any thread; @b is taken */
void block_writer_add(struct block_writer *w, struct block *b);

/**
 * block_writer_wait() - any thread: wait until some of what was added is written
 * Return: false when there is nothing to wait for: all is written, nothing can be written any more, or
 * block_writer_interrupt() was called.
 */
bool block_writer_wait(struct block_writer *w);

/** block_writer_interrupt() - any thread: there is no time to wait any more */
void block_writer_interrupt(struct block_writer *w);

/** struct block_totals - what became of the blocks that count */
struct block_totals {
	uint64_t written, bytes, lost;
	int error;         /* 0, or the negative errno of the write that failed; everything after it was lost */
	size_t error_file; /* index */
};

/** block_writer_close() - write what is left, at most two seconds where a reader hangs; frees @w; NULL allowed */
struct block_totals block_writer_close(struct block_writer *w);

#endif
