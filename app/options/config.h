/*
 * config.h - files of lines: the config file, and the files that -H reads
 *
 * Reading and taking apart only: what a key means is the option table's
 * business, so that a fuzzer can feed this file without touching the system.
 */
#ifndef APP_OPTIONS_CONFIG_H
#define APP_OPTIONS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"

#define CONFIG_BYTES_MAX (1024 * 1024)

/**
 * config_read() - the whole of a text file
 * @path:   a file, or anything that ends (a pipe)
 * @what:   what it is, for messages: "config file"
 * @again:  it was read before, and may not be waited for: only a regular file will do
 * @out:    the contents are appended
 * @error:  on failure one sentence
 * Return: 0, -ESPIPE (@again, and no regular file), -EILSEQ (a NUL byte in it: no text), -EFBIG (longer than
 * CONFIG_BYTES_MAX), -ENOMEM, or the errno of what failed.
 */
int config_read(const char *path, const char *what, bool again, struct buffer *out, struct buffer *error);

/** config_read_bytes() - the same of a file that is no text; read once, at the start */
int config_read_bytes(const char *path, const char *what, struct buffer *out, struct buffer *error);

/** struct line_reader - walks a text; start with { text, 0 } */
struct line_reader {
	struct span rest;
	unsigned number; /* of the line returned last; the first is 1 */
};

/** line_next() - the next line that is neither blank nor a comment, trimmed; false at the end */
bool line_next(struct line_reader *reader, struct span *line);

/**
 * config_split() - take "key = value   # comment" apart
 * @line:   from line_next()
 * @key:    trimmed; may be empty, which no option's name is
 * @value:  trimmed, without the comment; may be empty
 *
 * A "#" begins a comment only after white space, so that a pattern or a URL
 * may contain one. The first "=" splits: a value may contain more.
 * Return: false if there is no "=".
 */
bool config_split(struct span line, struct span *key, struct span *value);

#endif
