/*
 * file_bytes.c - see file_bytes.h
 *
 * Theory of operation. Bytes are handed on where they lie in a window of the file
 * that file_map.c maps. It slides when what is unread of it does not hold the next
 * header or packet, to where that begins. libpcap lets the header and the bytes go
 * through fread() each, into a buffer of its own; a large read() into our own would be
 * one copy, which is a quarter of what 300 B requests cost at -S 5%, and nearly all that
 * bodies cost which are not looked at. Read is what cannot be mapped: where a
 * filesystem doesn't do it, when too many files are open, and what the file is found to
 * hold beyond the last full window.
 *
 * What passes by, a pipe or what gzip unpacks, is read into the same piece of memory,
 * with what is left unread moved to its front; as little as is asked for is waited for.
 *
 * The piece may have held secrets (pcapng_reader.h), so it is wiped before it is freed.
 */
#include "capture/file_bytes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void file_bytes_init(struct file_bytes *b, struct input *input)
{
	*b = (struct file_bytes){ .input = input };
	if (input_is_plain(input))
		b->map = input_map(input);
}

/* The next bytes, behind those that are kept of the piece. Return: as input_read_at(). */
static ssize_t read_some(struct file_bytes *b, size_t kept)
{
	uint8_t *to = b->piece + kept;

	if (input_is_plain(b->input))
		return input_read_at(b->input, b->end, to, FILE_BYTES_MAX - kept);
	return input_read(b->input, to, FILE_BYTES_MAX - kept);
}

/* For what cannot be mapped. Return: as file_bytes_fill(). */
static int read_piece(struct file_bytes *b, size_t wanted)
{
	size_t len = b->unread.len;

	if (!b->piece)
		b->piece = malloc(FILE_BYTES_MAX);
	if (!b->piece)
		return -ENOMEM;
	if (len > 0)
		memmove(b->piece, b->unread.at, len);
	while (len < wanted) {
		ssize_t n = read_some(b, len);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		b->end += (uint64_t)n;
		len += (size_t)n;
	}
	if (len > b->written)
		b->written = len;
	b->unread = span_of(b->piece, len);
	return len >= wanted;
}

/* Nothing is unread, and what is read or mapped next begins at @offset. */
static void move_to(struct file_bytes *b, uint64_t offset)
{
	b->unread.len = 0;
	b->end = offset;
}

int file_bytes_fill(struct file_bytes *b, size_t wanted)
{
	uint64_t offset = file_bytes_done(b);
	int filled = 0;

	if (b->map) {
		filled = file_map_move(b->map, offset, wanted, &b->unread);
		if (filled == 1)
			b->end = offset + b->unread.len;
		else
			move_to(b, offset);
	}
	if (filled == 0)
		filled = read_piece(b, wanted);
	if (filled < 0)
		move_to(b, offset);
	return filled;
}

/* Of what passes by there is no place to go to: it is read. */
static int pass_by(struct file_bytes *b, uint64_t n)
{
	while (n > 0) {
		size_t step = n < FILE_BYTES_MAX ? (size_t)n : FILE_BYTES_MAX;
		int filled = b->unread.len >= step ? 1 : file_bytes_fill(b, step);

		if (filled <= 0)
			return filled;
		span_skip(&b->unread, step);
		n -= step;
	}
	return 1;
}

int file_bytes_skip(struct file_bytes *b, uint64_t n)
{
	if (span_skip(&b->unread, n < SIZE_MAX ? (size_t)n : SIZE_MAX))
		return 1;
	if (!input_is_plain(b->input))
		return pass_by(b, n);
	move_to(b, file_bytes_done(b) + n);
	return 1;
}

bool file_bytes_rewind(struct file_bytes *b)
{
	if (!input_is_plain(b->input))
		return false;
	move_to(b, 0);
	return true;
}

bool file_bytes_hold(const struct file_bytes *b, const uint8_t *end)
{
	return !b->map || file_map_holds(b->map, end);
}

void file_bytes_cut(const struct file_bytes *b, size_t wanted, const char *what, int filled, char *error, size_t size)
{
	if (filled == FILE_MAP_LOST)
		snprintf(error, size, "truncated dump file; it became shorter while it was read");
	else if (filled < 0)
		snprintf(error, size, "error reading dump file: %s", strerror(-filled));
	else
		snprintf(error, size, "truncated dump file; tried to read %zu %s bytes, only got %zu", wanted, what,
			 b->unread.len);
}

void file_bytes_deinit(struct file_bytes *b)
{
	file_map_free(b->map);
	if (b->piece)
		explicit_bzero(b->piece, b->written);
	free(b->piece);
	*b = (struct file_bytes){ .input = b->input };
}
