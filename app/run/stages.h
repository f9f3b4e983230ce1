/*
 * stages.h - what the options mean to each stage
 *
 * Said once, so that the doctor sees what a run would see, and a stage sees no
 * option that is not its own. What these structs point to is borrowed from the
 * options.
 */
#ifndef APP_RUN_STAGES_H
#define APP_RUN_STAGES_H

#include "app/run/comparing.h"
#include "app/run/explain.h"
#include "app/run/handing_over.h"
#include "app/run/inputs.h"
#include "app/run/key_logs.h"
#include "app/run/lane.h"
#include "app/run/end_command.h"
#include "app/run/outputs.h"
#include "app/run/progress.h"
#include "app/run/recording.h"
#include "app/run/sample_control.h"
#include "reassembly/tracker.h"
#include "relay/nats_link.h"
#include "replay/replay.h"

struct options;

struct input_settings stages_inputs(const struct options *o);

/** stages_tracker() - of one lane, or of the doctor, whose own the budget is */
struct tracker_options stages_tracker(const struct options *o);

/** stages_reads_http2(), stages_joins_http2() - is HTTP/2 read, and on connections that began before the capture? */
bool stages_reads_http2(const struct options *o);
bool stages_joins_http2(const struct options *o);

/** stages_lane() - alike for all lanes; the budget is the lane's own */
struct lane_settings stages_lane(const struct options *o);

/** stages_target() - of target @i; its budget, and what makes its heads, are the run's own */
struct target_options stages_target(const struct options *o, size_t i);

/** stages_key_logs() - where the secrets of TLS come from */
struct key_log_settings stages_key_logs(const struct options *o);

struct sample_settings stages_sample(const struct options *o);

/** stages_comparing() - without --compare it keeps no memory */
struct comparing_settings stages_comparing(const struct options *o);

/** stages_broker() - of -t, or of -r if @is_source; the name and the inbox of the connection are the caller's */
struct broker_options stages_broker(const struct options *o, bool is_source);

/** stages_hands_over(), stages_compares() - is there a broker as a target; are there pairs of responses here? */
bool stages_hands_over(const struct options *o);
bool stages_compares(const struct options *o);

/** stages_handing_over() - asks for the host's name */
struct handing_over_settings stages_handing_over(const struct options *o);

/** stages_stream() - of a stream that has to be made */
struct stream_limits stages_stream(const struct options *o);

/** stages_relay_name() - what we are called at the broker, into @out of RELAY_NAME_MAX + 1 bytes; asks for the host's name */
void stages_relay_name(const struct options *o, char *out);

/** stages_lane_relay() - of -r with a broker; asks for the host's name and the time */
struct lane_relay_settings stages_lane_relay(const struct options *o);

/** stages_has_broker() - do requests come from one? stages_is_paced(): at the pace at which they were recorded there? */
bool stages_has_broker(const struct options *o);
bool stages_is_paced(const struct options *o);

/** stages_max_age_ns() - of what a broker had; 0: no limit. What is taken as it comes is not to be old */
int64_t stages_max_age_ns(const struct options *o);

struct output_settings stages_outputs(const struct options *o);
struct end_command_settings stages_end_command(const struct options *o);
struct recording_settings stages_recording(const struct options *o);
struct progress_settings stages_progress(const struct options *o);
struct explain_settings stages_explain(const struct options *o);

/** stages_failures_as_json() - are lines about failures JSON, or text? @on_terminal: standard error is one */
bool stages_failures_as_json(const struct options *o, bool on_terminal);

#endif
