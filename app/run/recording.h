/*
 * recording.h - -w FILE: the files of a recording, from their names to what is said about them at the end
 *
 * One file for each link type, since libpcap, and so tcpdump, reads no other. The first has the
 * name that was asked for, and almost always is the only one; a further one has
 * its link type before the suffix: "x.pcapng" and "x.raw.pcapng". Read together
 * (-r x.pcapng -r x.raw.pcapng) they are merged by time again.
 *
 * Why packets are not brought to one link type instead: a recording is looked at
 * because something went wrong, so it holds the bytes that were on the wire.
 */
#ifndef APP_RUN_RECORDING_H
#define APP_RUN_RECORDING_H

#include "app/record/recorder.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "capture/source.h"
#include "policy/policy.h"

/** struct recording_settings - what -w says, see stages_recording(); everything borrowed */
struct recording_settings {
	const char *path; /* "-" is standard output; NULL: nothing is recorded */
	uint32_t snaplen;
	uint64_t max_memory;
	struct texts read; /* files that are read, and so must not be written */
};

struct recording {
	struct recorder *recorder[SOURCE_LANES_MAX]; /* one per lane; NULL without -w, and once it is finished */
	struct recorder_options recorder_options;
	char *path[RECORDER_FILES_MAX]; /* for messages */
	struct recorder_stats stats;    /* after recording_finish() */
};

/**
 * recording_open() - open the files that @source's link types need; before privileges are dropped
 * Return: 0, also without -w, or a negative errno with one sentence in @error. recording_close() in every case.
 */
int recording_open(struct recording *r, struct recording_settings set, struct source *source,
		   struct buffer *error);

/** recording_add_secrets() - before recording_start(): --write-secrets (struct recorder_options); warns of what that means */
void recording_add_secrets(struct recording *r, recorder_secrets_fn *secrets_of, void *ctx);

/** recording_start() - begin to record, if there is a -w; after privileges are dropped. @budget is borrowed */
int recording_start(struct recording *r, size_t lanes, struct budget *budget, struct buffer *error);

/** recording_is_on() - there is a -w */
bool recording_is_on(const struct recording *r);

/** recording_finish() - after the lane's end: write the rest, say what was written; 0 or a negative errno (logged) */
int recording_finish(struct recording *r);

void recording_close(struct recording *r);

#endif
