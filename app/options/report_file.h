/*
 * report_file.h - the JSON of a report, read again
 */
#ifndef APP_OPTIONS_REPORT_FILE_H
#define APP_OPTIONS_REPORT_FILE_H

#include "base/buffer.h"
#include "base/json_doc.h"

/** struct report_file - the zero value is empty; not to be moved once it was read */
struct report_file {
	struct buffer text;
	struct json_doc doc; /* borrows the text */
};

/**
 * report_file_read() - @path: "-" is standard input
 * Return: 0, or a negative errno, which was told in the log; report_file_deinit() in any case.
 */
int report_file_read(struct report_file *f, const char *path);

void report_file_deinit(struct report_file *f);

#endif
