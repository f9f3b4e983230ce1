/*
 * case_folder.h - where cases are written: a folder of the user's own, in it one for each case
 *
 * Folders are 0700 and files 0600, but for programs, which are 0700: they hold what
 * people sent. A folder that is there already has to belong to who writes, and nobody else may be able to write to it.
 */
#ifndef APP_CASES_CASE_FOLDER_H
#define APP_CASES_CASE_FOLDER_H

#include <stdbool.h>

#include "base/span.h"

#define CASE_NAME_MAX 96 /* of a case, with the NUL */

/** case_folder_open() - made if it is not there; a descriptor, or a negative errno: -EPERM if it is not ours alone */
int case_folder_open(const char *path);

/** case_folder_advice() - what to do about the negative errno that one of these returned; static text */
const char *case_folder_advice(int err);

/** case_folder_begin() - the folder of the case @name, without what an earlier run wrote of it; 0 or a negative errno */
int case_folder_begin(int folder, const char *name);

/** case_folder_write() - one file of the case @name; 0, -EINVAL if it is no file of a case, or another negative errno */
int case_folder_write(int folder, const char *name, const char *file, bool is_program, struct span content);

#endif
