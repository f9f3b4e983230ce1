/*
 * render.h - a report's JSON, written in the form that a file's name asks for
 */
#ifndef REPORT_RENDER_H
#define REPORT_RENDER_H

#include <stdbool.h>

#include "base/buffer.h"

/** render_knows() - does the suffix of @path say a form: .json, .html or .md? */
bool render_knows(const char *path);

/** RENDER_SUFFIXES - for messages */
#define RENDER_SUFFIXES ".json, .html and .md"

/**
 * render_write() - write @json (borrowed, a whole report) to @fd, in the form that @path asks for
 *
 * What a regular file held before is replaced; standard output is written on.
 * Return: 0, or a negative errno: -EINVAL if @json is no report.
 */
int render_write(int fd, const char *path, struct span json);

#endif
