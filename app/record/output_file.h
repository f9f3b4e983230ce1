/*
 * output_file.h - a file that a run writes: opened so that root does no harm, and the caller of sudo can read it
 *
 * Events, packets and reports tell who asked what, so a new file is 0600. Root
 * opens it in folders that others may write to, and the content is partly made
 * by strangers. So for root:
 *
 * - A symbolic link, the last name of a path or one on the way, is followed only
 *   if it belongs to root or to the caller of sudo. A path is walked from folder
 *   to folder by descriptors, so what was looked at is what is used.
 * - A file with several names (hard links) is refused: one of them may be another user's.
 * - A file that is created belongs to the caller of sudo (SUDO_UID, SUDO_GID; both
 *   numbers, and not root's). One that was there keeps its owner.
 *
 * A user who is not root has his own rights and no more: what he may write he may
 * reach by any link.
 */
#ifndef APP_RECORD_OUTPUT_FILE_H
#define APP_RECORD_OUTPUT_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * output_file_open() - for writing, created if it is not there; not emptied
 *
 * A FIFO without a reader is waited for, which is said once, in the log.
 * Return: a descriptor, close-on-exec, given to the caller; or a negative errno: -ELOOP for a link that is not
 * followed. output_file_check() before anything is done to the file.
 */
int output_file_open(const char *path);

/** output_file_check() - 0, or -EMLINK for a file of several names that root would write to, or another negative errno */
int output_file_check(int fd);

/** output_file_caller() - who called sudo, so that what root makes is his; false: nobody did, or we are not root */
bool output_file_caller(uid_t *uid, gid_t *gid);

/** output_file_advice() - what to do about the negative errno that one of these returned; static text */
const char *output_file_advice(int err);

#endif
