/*
 * stages.h - what the options mean to each stage
 *
 * Said once, so that the doctor sees what a run would see, and a stage sees no
 * option that is not its own. What these structs point to is borrowed from the
 * options.
 */
#ifndef APP_RUN_STAGES_H
#define APP_RUN_STAGES_H

#include "app/options/options.h"
#include "app/run/comparing.h"
#include "app/run/explain.h"
#include "app/run/lane.h"
#include "app/run/outputs.h"
#include "app/run/recording.h"
#include "app/run/sample_control.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "capture/source.h"
#include "reassembly/tracker.h"

/** stages_live() - @program: filled with our own path, for messages, and borrowed by the result */
struct live_options stages_live(const struct options *o, struct buffer *program);

struct file_options stages_files(const struct options *o);

/**
 * stages_listen_only() - nothing can be sent on the sockets of these sources from here on; see listen_only.h
 * Where the kernel cannot do that, --no-sandbox makes it a warning. Return: 0, or a negative errno with @error.
 */
int stages_listen_only(const struct options *o, struct source *const *sources, size_t count, struct buffer *error);

/** stages_tracker() - of one lane, or of the doctor */
struct tracker_options stages_tracker(const struct options *o, struct budget *budget);

/** stages_lane() - alike for all lanes; the budget is the lane's own */
struct lane_settings stages_lane(const struct options *o);

struct sample_settings stages_sample(const struct options *o);

/** stages_comparing() - without --compare it keeps no memory */
struct comparing_settings stages_comparing(const struct options *o);

struct output_settings stages_outputs(const struct options *o);
struct recording_settings stages_recording(const struct options *o);
struct explain_settings stages_explain(const struct options *o);

#endif
