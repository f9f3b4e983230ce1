/*
 * case_writer.h - cases to a folder, out of a run that may write no files any more
 *
 * A run gives up its user and the right to make files before it reads a packet
 * (privileges.h, sandbox.h), and which cases there are is known at its end. So a
 * process of its own is made at the start: it becomes the user who called sudo,
 * gives up all rights, opens the folder, and waits. It reads nothing but the files of
 * cases, each with a name that it checks, and ends with the run, whatever way that ends.
 */
#ifndef APP_CASES_CASE_WRITER_H
#define APP_CASES_CASE_WRITER_H

#include "app/cases/case_files.h"
#include "base/buffer.h"

struct case_writer;

/**
 * case_writer_start() - before threads are made and privileges are dropped
 * @path:   of the folder, made if it is not there
 * @error:  on failure one sentence
 * Return: 0 or a negative errno.
 */
int case_writer_start(const char *path, struct case_writer **out, struct buffer *error);

/** case_writer_put() - a case with the name @name; 0 or a negative errno */
int case_writer_put(struct case_writer *w, const char *name, const struct case_file *files, size_t count);

/** case_writer_finish() - all were put: wait for them to be written; 0 or a negative errno */
int case_writer_finish(struct case_writer *w);

/** case_writer_free() - NULL allowed; ends the process if it was not finished */
void case_writer_free(struct case_writer *w);

#endif
