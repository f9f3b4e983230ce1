/*
 * trial.h - does the sandbox let the event loop of this machine's libuv work?
 *
 * The list of system calls (sandbox.c) was written with some versions of libc
 * and libuv at hand, and the next one may want a call more. A run would end
 * with a line about it; the doctor should say so before. So it tries, in a
 * process of its own that may die of it.
 */
#ifndef APP_DOCTOR_TRIAL_H
#define APP_DOCTOR_TRIAL_H

#include <stdbool.h>

#include "base/buffer.h"

/**
 * trial_run() - in a child: make the loop, drop privileges, enter the sandbox, and work there
 * @user:  whom to become; NULL: stay who we are
 *
 * One thread must be all there are. What the work is: a timer, a signal, a
 * wake-up from another thread, a name looked up on libuv's threads, and a
 * connection over loopback that is accepted, written to, read and closed.
 * Return: true if it ended well; else one sentence in @said.
 */
bool trial_run(const char *user, struct buffer *said);

#endif
