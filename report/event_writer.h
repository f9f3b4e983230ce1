/*
 * event_writer.h - a file or pipe that may be slow, and a loop that must not wait for it
 *
 * Theory of operation: lines are gathered without a lock, handed on under one
 * that is held for a memcpy, and a thread of our own swaps the buffer for an
 * empty one and writes. They are handed on when there are many, and when the
 * caller has nothing more to add for now (event_writer_flush()): one at a time,
 * half of what events cost was waking threads. Live, a full buffer drops the line and counts it. For a recording,
 * where nothing runs away, adding waits for room instead, so the file is
 * complete. A line is written whole or not at all.
 */
#ifndef REPORT_EVENT_WRITER_H
#define REPORT_EVENT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct event_writer;

/**
 * event_writer_new() - start the thread; @fd is taken (closed by event_writer_close), except 1, which stays open
 * @waits:  a full buffer makes event_writer_add() wait instead of dropping
 * Return: 0 or a negative errno.
 */
int event_writer_new(int fd, bool waits, struct event_writer **out);

/** event_writer_add() - a whole line; copied, and written after event_writer_flush() at the latest. One thread. */
void event_writer_add(struct event_writer *w, struct span line);

/** event_writer_flush() - the same thread: what was added goes on to be written */
void event_writer_flush(struct event_writer *w);

/** event_writer_error() - 0, or the negative errno of the write that failed; everything after it is dropped */
int event_writer_error(struct event_writer *w);

/** event_writer_dropped() - lines that were not taken, of those that were flushed */
uint64_t event_writer_dropped(struct event_writer *w);

/** event_writer_close() - write what is left, at most two seconds when the reader hangs; 0 or a negative errno; frees @w */
int event_writer_close(struct event_writer *w);

#endif
