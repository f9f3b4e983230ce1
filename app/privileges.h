/*
 * privileges.h - become somebody who may do nothing, once captures and files are open (-Z)
 */
#ifndef APP_PRIVILEGES_H
#define APP_PRIVILEGES_H

#include "base/buffer.h"

/**
 * privileges_drop() - become @user: groups, group, user, in this order; all threads
 * Return: 0, or a negative errno with one sentence in @error (no such user, not permitted).
 */
int privileges_drop(const char *user, struct buffer *error);

#endif
