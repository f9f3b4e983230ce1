/*
 * inputs.h - what a run reads: recordings or interfaces, one source for each lane
 *
 * Opened with the rights that we started with. With --loop the recordings are
 * read again after those were dropped, so their descriptors are opened at the
 * start too and held: whom we become may not open the paths.
 */
#ifndef APP_RUN_INPUTS_H
#define APP_RUN_INPUTS_H

#include <stddef.h>

#include "app/options/options.h"
#include "base/buffer.h"
#include "capture/source.h"

struct inputs {
	const struct options *options; /* borrowed */
	size_t lanes;
	struct source *sources[SOURCE_LANES_MAX]; /* one per lane, until inputs_release() */
	int *held_fds;                            /* with --loop: lane by lane, one per recording */
	size_t held_count;
};

/**
 * inputs_open() - open and check all of it, for @lanes lanes
 * Return: 0, or a negative errno with one sentence in @error. inputs_close() in every case.
 */
int inputs_open(struct inputs *in, const struct options *options, size_t lanes, struct buffer *error);

/** inputs_open_again() - a lane's thread: the recordings from their beginning, for the next round of --loop */
int inputs_open_again(const struct inputs *in, size_t lane, struct source **out, struct buffer *error);

/** inputs_release() - the lanes have taken the sources */
void inputs_release(struct inputs *in);

/** inputs_close() - what was not taken, once no lane opens anything again */
void inputs_close(struct inputs *in);

#endif
