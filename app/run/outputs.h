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
#include <stdint.h>

#include "app/run/comparing.h"
#include "app/options/options.h"
#include "app/run/pace.h"
#include "app/record/recorder.h"
#include "app/run/sample_control.h"
#include "base/buffer.h"
#include "report/all_failed.h"
#include "report/books.h"
#include "report/event_writer.h"

#define REPORTS_MAX 8

struct outputs {
	const struct options *options; /* borrowed */
	struct event_writer *events;   /* NULL without -o */
	int events_fd;                 /* -1 once taken by the writer */
	int report_fd[REPORTS_MAX];
	size_t report_count;
};

/** struct run_facts - what the report says beside the books */
struct run_facts {
	const char *started; /* RFC 3339 */
	double seconds;
	bool interrupted, dry_run;
	double speed; /* times the recorded pace; 1 live */
	bool speed_max;
	const char *nothing_sent; /* the sentence, or NULL */
	const struct all_failed *all_failed; /* one for each target, or NULL: the run goes on */
	const struct buffer *complaints;
	const struct recorder_stats *recording; /* NULL without -w */
	uint64_t events_dropped, sink_requests;
	const struct sample_control *sample;
	const struct pace *pace; /* NULL: no schedule */
	uint64_t config_read, config_refused; /* times, by SIGHUP */
	struct comparing *comparing; /* NULL without --compare */
};

/** enum output_start - what was in the file goes at once (events, packets: a stream), or when the new text is there */
enum output_start { OUTPUT_EMPTY, OUTPUT_KEEP };

/**
 * output_open() - create or open one file; a new one is 0600
 * @what:  what is to be written, for the sentence
 * Return: its descriptor, close-on-exec, given to the caller; or a negative errno with one sentence in @error.
 */
int output_open(const char *path, const char *what, enum output_start start, const struct options *options,
		struct buffer *error);

/** outputs_open() - open all; 0, or a negative errno with one sentence in @error. outputs_close() in every case
 */
int outputs_open(struct outputs *o, const struct options *options, struct buffer *error);

/** outputs_start() - start the writer of events; @waits for recordings (event_writer.h). After privileges are
 * dropped */
int outputs_start(struct outputs *o, bool waits);

/** outputs_json() - append the JSON report, one line; on the run so far as well as at its end */
void outputs_json(const struct books *b, const struct run_facts *facts, struct buffer *out);

/** outputs_report() - write the reports; 0 or the negative errno of the last that failed (logged) */
int outputs_report(struct outputs *o, const struct books *b, const struct run_facts *facts);

/** outputs_finish_events() - write what is left; 0 or a negative errno (logged) */
int outputs_finish_events(struct outputs *o);

void outputs_close(struct outputs *o);

#endif
