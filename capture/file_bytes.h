/*
 * file_bytes.h - the bytes of an input from front to back, where they lie: mapped if that can be, else read
 *
 * What readers of formats share: each sees that the next header or packet is in @unread, takes it from there, and asks
 * for more. Spans that were taken are valid until the next call that takes a struct file_bytes.
 */
#ifndef CAPTURE_FILE_BYTES_H
#define CAPTURE_FILE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "capture/file_map.h"
#include "capture/input.h"

#define FILE_BYTES_MAX ((size_t)512 * 1024) /* most that can be asked for at once */

struct file_bytes {
	struct input *input;
	struct file_map *map; /* NULL: all is read */
	uint8_t *piece;       /* what is read; NULL as long as nothing was */
	size_t written; /* of it, at most: what is wiped, since secrets may have been among it */
	struct span unread;   /* of the window or the piece */
	uint64_t end;         /* of what is unread, in the file */
};

/** file_bytes_init() - at the beginning; @input is borrowed, and its stream must not be in use if it is not plain */
void file_bytes_init(struct file_bytes *b, struct input *input);

/**
 * file_bytes_fill() - see that @wanted bytes are unread, at most FILE_BYTES_MAX
 * Return: 1; 0 if the file ends before, with what there is unread; or a negative errno: FILE_MAP_LOST if the file became
 * shorter while it was read, with nothing unread.
 */
int file_bytes_fill(struct file_bytes *b, size_t wanted);

/** file_bytes_skip() - go on @n bytes further, which may be behind the end. Return: 1, 0 if there are not so many, or a
 * negative errno; of a file that is mapped or read in places the end shows only later. */
int file_bytes_skip(struct file_bytes *b, uint64_t n);

/** file_bytes_rewind() - to the beginning again; false if the input is one that passes by, a pipe or gzip */
bool file_bytes_rewind(struct file_bytes *b);

/** file_bytes_hold() - does the file still have what lies before @end, which was shown? May be a system call */
bool file_bytes_hold(const struct file_bytes *b, const uint8_t *end);

/** file_bytes_done() - where in the file the unread begins */
static inline uint64_t file_bytes_done(const struct file_bytes *b)
{
	return b->end - b->unread.len;
}

/** file_bytes_cut() - say in @error why @wanted bytes of @what are not there; @filled: what file_bytes_fill() gave */
void file_bytes_cut(const struct file_bytes *b, size_t wanted, const char *what, int filled, char *error, size_t size);

/** file_bytes_deinit() - leaves the input open */
void file_bytes_deinit(struct file_bytes *b);

#endif
