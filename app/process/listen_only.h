/*
 * listen_only.h - packet sockets on which nothing can be sent
 *
 * Whatever is written to a packet socket goes out on production's wire. Nothing
 * of ours writes there; this makes the kernel refuse it, so that the promise
 * does not rest on there being no mistake: neither one that writes to the wrong
 * descriptor nor a fault in a parser that an attacker makes use of.
 *
 * It is no part of the sandbox: it takes away only what must never happen, so
 * there is no reason to run without it, and --no-sandbox leaves it in force.
 */
#ifndef APP_PROCESS_LISTEN_ONLY_H
#define APP_PROCESS_LISTEN_ONLY_H

#include <stddef.h>

#include "base/buffer.h"

/** LISTEN_ONLY_MARK - si_errno of the SIGSYS that a refused call raises */
#define LISTEN_ONLY_MARK 1

#define LISTEN_ONLY_MAX 1024

/**
 * listen_only_enter() - from now on, in all threads and for good, nothing is sent on these descriptors
 * @fds:    borrowed during the call; none: nothing is done. Their numbers stay closed for sending even when
 *          they are closed, so that should be the last thing that the process does
 *
 * A call that would send on one of them, or give it another number, raises SIGSYS. Sets no_new_privs.
 * Return: 0, or a negative errno with one sentence in @error: more than LISTEN_ONLY_MAX, no seccomp here.
 */
int listen_only_enter(const int *fds, size_t count, struct buffer *error);

#endif
