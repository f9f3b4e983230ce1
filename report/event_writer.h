/*
 * event_writer.h - a file or pipe that may be slow, and threads that must not wait for it
 *
 * Theory of operation: a thread that has events gathers lines of its own, without a
 * lock (struct event_lines), and hands them on when there are many, and when it
 * has nothing more to add for now: one at a time, half of what events cost was
 * waking threads. They go on as they are, without a copy, and a thread of our
 * own writes them and keeps the memory for the next. A few lines join those
 * that wait already, so that what waits is at least half full. Live, lines
 * that would be too many are dropped and counted. For a recording, where
 * nothing runs away, handing on waits for room instead, so the file is complete.
 * A line is written whole or not at all.
 */
#ifndef REPORT_EVENT_WRITER_H
#define REPORT_EVENT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct event_writer;

/** struct event_lines - whole lines, being gathered or on their way; they are one thread's at a time */
struct event_lines {
	struct event_lines *next; /* for the lists of the current owner */
	struct buffer text;
	size_t whole;   /* bytes of the text that are whole lines */
	uint64_t count; /* of them */
	uint64_t lost;  /* lines that there was no memory for */
};

/**
 * event_writer_new() - start the thread; @fd is taken (closed by event_writer_close), except 1, which stays open
 * @waits:  too many lines make event_writer_hand_on() wait instead of dropping
 * Return: 0 or a negative errno.
 */
int event_writer_new(int fd, bool waits, struct event_writer **out);

/**
 * event_line_begin() - any thread: where its next line is to be appended
 * @lines:  the thread's own; where there are none, they are made
 * Return: the text, to which a line with its newline is added before event_line_end(); NULL when out of memory.
 */
struct buffer *event_line_begin(struct event_writer *w, struct event_lines **lines);

/** event_line_end() - the line is whole, or could not be made and is left out; true if they should be handed on now */
bool event_line_end(struct event_lines *lines);

/**
 * event_lines_join() - any thread: *@more, taken, come behind its own *@lines; *@more is NULL then
 * Few are copied, so that lines that come one by one do not wake the writer one by one.
 * Return: as event_line_end().
 */
bool event_lines_join(struct event_writer *w, struct event_lines **lines, struct event_lines **more);

/** event_writer_hand_on() - any thread: *@lines, if there are any, go on to be written; it is NULL then */
void event_writer_hand_on(struct event_writer *w, struct event_lines **lines);

/** event_writer_drop() - any thread: *@lines, if there are any, are not written, and counted; it is NULL then */
void event_writer_drop(struct event_writer *w, struct event_lines **lines);

/** event_writer_error() - 0, or the negative errno of the write that failed; everything after it is dropped */
int event_writer_error(struct event_writer *w);

/** event_writer_dropped() - lines that were not taken, of those that were handed on */
uint64_t event_writer_dropped(struct event_writer *w);

/** event_writer_close() - write what is left, at most two seconds when the reader hangs; 0 or a negative errno; frees @w */
int event_writer_close(struct event_writer *w);

#endif
