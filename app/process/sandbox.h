/*
 * sandbox.h - only the system calls that the running program needs
 *
 * The last step of the start: captures, files and sockets are open, privileges
 * are gone. From here on no file can be created or opened for writing, no
 * program executed, no raw socket made, no other process looked at, in any
 * thread. It is for the day that one of the parsers of hostile bytes has a fault.
 *
 * sandbox.c does it with libseccomp; sandbox_fallback.c is built where that is
 * missing, and in builds with sanitizers or coverage, whose run-time does things
 * that no filter could list.
 */
#ifndef APP_PROCESS_SANDBOX_H
#define APP_PROCESS_SANDBOX_H

#include "base/buffer.h"

/**
 * sandbox_prepare() - before the first event loop of this process: loops get no io_uring (sandbox.c says why)
 *
 * Sets no_new_privs too, without which an ordinary user may have no filter. User and capabilities can be given up
 * afterwards as ever; a program that is executed gains nothing any more.
 * Return: 0, or a negative errno with one sentence in @error.
 */
int sandbox_prepare(struct buffer *error);

/**
 * sandbox_enter() - restrict all threads of this process, for good
 *
 * A call that is not allowed ends the process with one line and EXIT_COULD_NOT.
 * Return: 0, or a negative errno with one sentence in @error (no seccomp in this kernel).
 */
int sandbox_enter(struct buffer *error);

/** sandbox_version() - what it is made of, for --version; static text */
const char *sandbox_version(void);

#endif
