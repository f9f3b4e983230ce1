/*
 * file_map.h - a window of a file in memory, without a copy, that survives the file's end moving
 *
 * A mapped page whose part of the file is gone raises SIGBUS when it is
 * touched. Here it becomes zeros instead, and a reader can ask what is left.
 */
#ifndef CAPTURE_FILE_MAP_H
#define CAPTURE_FILE_MAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

/* At once in the process, which bounds what a merge of hundreds of files makes resident. */
#define FILE_MAPS_MAX 16
#define FILE_MAP_LOST (-ESTALE) /* bytes of the window are not in the file any more */

struct file_map;

/**
 * file_map_new() - nothing is mapped yet
 * @fd:     of a regular file; borrowed, as long as the map lives
 * @begin:  offsets are counted from here
 * Return: given: file_map_free(); NULL if there are FILE_MAPS_MAX already.
 */
struct file_map *file_map_new(int fd, off_t begin);

/**
 * file_map_move() - let the window begin at @offset
 * @wanted:  bytes that must be there, at most 512 KiB
 * @out:     if there are: all that the window has from @offset on; borrowed until the next call
 * Return: 1; 0 if that can't be mapped, which is also so where the file ends before: read it then; or
 * FILE_MAP_LOST, of the window that was mapped before.
 */
int file_map_move(struct file_map *m, uint64_t offset, size_t wanted, struct span *out);

/** file_map_holds() - does the file still have what the window showed up to @end, now? One system call */
bool file_map_holds(const struct file_map *m, const uint8_t *end);

/** file_map_free() - what was borrowed of the window is gone; NULL is allowed */
void file_map_free(struct file_map *m);

#endif
