/*
 * input.h - the bytes of a capture file as a stdio stream, whatever they come from
 *
 * A regular file, standard input or a pipe; plain or gzip (RFC 1952), which is recognised by its first bytes.
 * libpcap reads from a FILE only, so the stream is one, with the reading done here, and headers changed on the way
 * (lift.h). That keeps three things that libpcap cannot tell: how far the file is read, whether compressed data
 * broke off, and how to stop waiting for a pipe without a writer.
 */
#ifndef CAPTURE_INPUT_H
#define CAPTURE_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/span.h"
#include "capture/file_map.h"

struct input;

/**
 * input_open() - open @path, "-" being standard input, and look at its first bytes
 * @fd:     a descriptor of @path to read from its beginning, borrowed; -1: the path is opened
 * @out:    given to the caller: input_free(), after its stream was closed
 * @error:  on failure one sentence
 * Return: 0 or a negative errno; -EINVAL if the content is known to be no capture (empty, a directory,
 * compressed in another way).
 */
int input_open(const char *path, int fd, struct input **out, struct buffer *error);

/** input_begins() - is @with, of at most 4 bytes, how the content begins, unpacked? Before anything of it is read */
bool input_begins(const struct input *in, struct span with);

/**
 * input_read() - the next bytes of the content, unpacked, in place of input_stream()
 * Return: how many, 0 at the end, or a negative errno; input_trouble() tells why it ended early.
 */
ssize_t input_read(struct input *in, void *out, size_t size);

/** input_stream() - the one stream of this input, given to the caller; NULL when out of memory */
FILE *input_stream(struct input *in);

/** input_ready() - false if a read would have to wait for a pipe; waits for it at most @timeout_ms */
bool input_ready(struct input *in, int timeout_ms);

/** input_interrupt() - any thread, signal handlers too: a read that waits, and all later ones, find the end */
void input_interrupt(struct input *in);

/** input_is_file() - a regular file, which is never waited for */
bool input_is_file(const struct input *in);

/** input_is_plain() - a regular file that isn't compressed, so input_read_at() works */
bool input_is_plain(const struct input *in);

/**
 * input_read_at() - bytes of a plain input, beside its stream and without moving it
 * @offset:  from where the input begins
 * Return: how many, 0 at the end, or a negative errno, which input_trouble() then tells of too.
 */
ssize_t input_read_at(struct input *in, uint64_t offset, void *out, size_t size);

/** input_map() - the same bytes to be mapped: as file_map_new() */
struct file_map *input_map(struct input *in);

/** input_trouble() - why the bytes ended early, as a phrase ("its gzip data is cut"), or NULL */
const char *input_trouble(const struct input *in);

/** input_done() - any thread: bytes that its stream has read so far, compressed ones where they are */
uint64_t input_done(const struct input *in);

/** input_total() - bytes in all; 0 if that isn't known */
uint64_t input_total(const struct input *in);

void input_free(struct input *in);

#endif
