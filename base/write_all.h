/*
 * write_all.h - bytes to a descriptor, all of them: write() may take only some
 *
 * Theory of operation. A file takes what it is given, so write_all() may wait
 * inside write(). A pipe may not: its reader may hang, and that must not keep us
 * from ending. write_all_unless_closing() writes only when the descriptor is
 * ready, in pieces that a ready pipe takes at once, and when the caller is
 * closing the wait has a limit. A signal stops neither.
 */
#ifndef BASE_WRITE_ALL_H
#define BASE_WRITE_ALL_H

#include <stdbool.h>

#include "base/span.h"

#define WRITE_PIECE 4096         /* bytes that a pipe that is ready takes without a wait */
#define WRITE_POLL_MS 100        /* so often is_closing() is asked */
#define WRITE_CLOSE_WAIT_MS 2000 /* while closing, all waits together */

/** write_all() - @bytes borrowed. Return: 0 or a negative errno; some may be written then, it is not known how many */
int write_all(int fd, struct span bytes);

/**
 * write_all_unless_closing() - for a descriptor whose reader may hang
 * @is_closing: is this the end? Then wait for WRITE_CLOSE_WAIT_MS at most
 *
 * Return: as write_all(); -ETIMEDOUT: closing, and @fd was not ready for so long.
 */
int write_all_unless_closing(int fd, struct span bytes, bool (*is_closing)(void *ctx), void *ctx);

#endif
