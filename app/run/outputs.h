/*
 * outputs.h - the files a run writes: events and reports, opened before privileges are dropped
 *
 * Created 0600, since even without bodies they tell who asked what. A report is
 * written at the end into the descriptor that was opened at the start, so a
 * path that cannot be written is found before anything is captured. The report
 * of the run before stays in it until then: a run that is killed leaves it whole.
 * (A temporary file and rename() would do more for a machine that loses power,
 * and takes rights in the folder, which are given up by then.) A file that is
 * read in the same run is refused, not emptied. output_file.h has the rest.
 */
#ifndef APP_RUN_OUTPUTS_H
#define APP_RUN_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "report/document.h"
#include "report/event_writer.h"
#include "policy/policy.h"

#define REPORTS_MAX 8

/** struct output_settings - what is written, see stages_outputs(); everything borrowed */
struct output_settings {
	const char *events_path; /* -o; "-" is standard output; NULL: none */
	struct texts reports;    /* --report */
	struct texts read;       /* files that are read, and so must not be written */
};

struct outputs {
	struct output_settings set;
	struct event_writer *events;   /* NULL without -o */
	int events_fd;                 /* -1 once taken by the writer */
	int report_fd[REPORTS_MAX];
	size_t report_count;
};

/** enum output_start - what was in the file goes at once (events, packets: a stream), or when the new text is there */
enum output_start { OUTPUT_EMPTY, OUTPUT_KEEP };

/**
 * output_open() - create or open one file; a new one is 0600
 * @what:  what is to be written, for the sentence
 * @read:  the files that this run reads: none of them may be it
 * Return: its descriptor, close-on-exec, given to the caller; or a negative errno with one sentence in @error.
 */
int output_open(const char *path, const char *what, enum output_start start, const struct texts *read,
		struct buffer *error);

/** outputs_open() - open all; 0, or a negative errno with one sentence in @error. outputs_close() in every case */
int outputs_open(struct outputs *o, struct output_settings set, struct buffer *error);

/** outputs_start() - start the writer of events; @waits for recordings (event_writer.h). After privileges are dropped */
int outputs_start(struct outputs *o, bool waits);

/**
 * outputs_report() - write the reports
 * @gate:  of --fail-on, or NULL; its result is filled in, without any report too
 * Return: 0 or the negative errno of the last that failed (logged).
 */
int outputs_report(struct outputs *o, const struct document_facts *facts, struct document_gate *gate);

/** outputs_finish_events() - write what is left; 0 or a negative errno (logged) */
int outputs_finish_events(struct outputs *o);

void outputs_close(struct outputs *o);

#endif
