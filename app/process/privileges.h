/*
 * privileges.h - become a user who may do nothing, once captures, files and sockets are open
 */
#ifndef APP_PROCESS_PRIVILEGES_H
#define APP_PROCESS_PRIVILEGES_H

#include "base/buffer.h"

/**
 * privileges_drop() - give up what the running program does not need, for good
 * @user:  whom to become (-Z), with its groups; NULL: stay who we are
 *
 * Before the first thread is started: the kernel keeps capabilities for each thread.
 * Return: 0, or a negative errno with one sentence in @error (no such user, not permitted).
 */
int privileges_drop(const char *user, struct buffer *error);

/** privileges_program() - append the path of this program, as far as the kernel knows it; empty otherwise */
void privileges_program(struct buffer *out);

#endif
