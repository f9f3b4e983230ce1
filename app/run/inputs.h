/*
 * inputs.h - what a run reads: recordings or interfaces, one source for each lane
 *
 * Opened with the rights that we started with. With --loop the recordings are
 * read again after those were dropped, so their descriptors are opened at the
 * start too and held: whom we become may not open the paths.
 */
#ifndef APP_RUN_INPUTS_H
#define APP_RUN_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "capture/source.h"

/** struct input_settings - what is read, see stages_inputs(); what it points to is borrowed */
struct input_settings {
	struct file_options files; /* no path: live */
	struct live_options live;  /* without .program: inputs_live() */
	uint32_t loops;            /* rounds of a recording; 0: until stopped */
	bool has_broker;           /* no packets: nothing is opened */
	bool sandbox;              /* sockets that stay open for sending are an error, not a warning */
};

struct inputs {
	struct input_settings set;
	size_t lanes;
	struct source *sources[SOURCE_LANES_MAX]; /* one per lane, until inputs_release() */
	int *held_fds;                            /* with --loop: lane by lane, one per recording */
	size_t held_count;
};

/**
 * inputs_open() - open and check all of it, for @lanes lanes; live, nothing can be sent on their sockets from here on
 * Return: 0, or a negative errno with one sentence in @error. inputs_close() in every case.
 */
int inputs_open(struct inputs *in, struct input_settings set, size_t lanes, struct buffer *error);

/** inputs_live() - what is captured; @program: filled with our own path, for messages, and borrowed by the result */
struct live_options inputs_live(const struct input_settings *set, struct buffer *program);

/**
 * inputs_listen_only() - nothing can be sent on the sockets of these sources from here on; see listen_only.h
 * Where the kernel cannot do that, it is a warning without the sandbox. Return: 0, or a negative errno with @error.
 */
int inputs_listen_only(const struct input_settings *set, struct source *const *sources, size_t count, struct buffer *error);

/** inputs_open_again() - a lane's thread: the recordings from their beginning, for the next round of --loop */
int inputs_open_again(const struct inputs *in, size_t lane, struct source **out, struct buffer *error);

/** inputs_release() - the lanes have taken the sources */
void inputs_release(struct inputs *in);

/** inputs_close() - what was not taken, once no lane opens anything again */
void inputs_close(struct inputs *in);

#endif
