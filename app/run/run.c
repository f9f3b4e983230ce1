/*
 * run.c - see run.h: set up and check everything, in order; run; close down
 *
 * Its other parts are listed in run_impl.h.
 */
#include "app/run/run.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/process/privileges.h"
#include "app/process/sandbox.h"
#include "app/run/run_impl.h"
#include "app/run/stages.h"
#include "base/log.h"

#define RING_SLOTS  8192

static int reopen(void *ctx, size_t lane, struct source **out, struct buffer *error)
{
	const struct run *r = ctx;

	return inputs_open_again(&r->inputs, lane, out, error);
}

/** open_broker() - of -r nats://: what it takes to reach it, which needs the rights that we started with */
static int open_broker(struct run *r, struct buffer *error)
{
	struct broker_options options = stages_broker(r->o, true);
	char name[RELAY_NAME_MAX + 1], inbox[SUBJECT_MAX];

	if (!stages_has_broker(r->o))
		return 0;
	stages_relay_name(r->o, name);
	options.name = name;
	options.inbox = inbox_replayer(r->o->relay.group, inbox);
	return nats_link_new(&options, &r->broker, error);
}

static int open_lanes(struct run *r, struct buffer *error)
{
	struct lane_relay_settings relay = stages_lane_relay(r->o);
	struct lanes_options options = {
		.set = stages_lane(r->o),
		.live = r->live,
		.chosen_limit = r->o->count,
		.sources = r->inputs.sources,
		.broker = r->broker,
		.relay = &relay,
		.rules = &r->rules,
		.budget = &r->budget,
		.intake = r->intake,
		.recording = &r->recording,
		.secrets = r->key_logs.secrets,
		.joiner = r->key_logs.joiner,
		.tells_all = r->explain,
		.events = r->outputs.events,
		.paced = run_pace(r) == PACE_SCHEDULE,
		.reopen = reopen,
		.loop_is_busy = run_loop_is_busy,
		.on_end = run_on_lanes_end,
		.ctx = r,
	};
	int err = lanes_open(r->lanes, &options);

	r->lanes_open = err == 0;
	if (err == 0) {
		inputs_release(&r->inputs);
		r->broker = NULL;
	} else
		buffer_printf(error, "cannot set up the capture: %s", uv_strerror(err));
	return err;
}

static void on_reload_signal(uv_signal_t *handle, int signum)
{
	struct buffer said = { 0 };

	(void)signum;
	run_reload(handle->data, &said);
	buffer_deinit(&said);
}

static void on_print_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;
	struct books b;

	(void)signum;
	run_take_books(r, &b);
	progress_print_books(&r->progress, &b);
}

static void add_signal(struct run *r, int signum, uv_signal_cb fn)
{
	uv_signal_t *handle = &r->signals[r->signal_count++];

	uv_signal_init(&r->loop, handle);
	handle->data = r;
	uv_signal_start(handle, fn, signum);
}

static void add_handles(struct run *r)
{
	signal(SIGPIPE, SIG_IGN);
	add_signal(r, SIGINT, run_on_stop_signal);
	add_signal(r, SIGTERM, run_on_stop_signal);
	add_signal(r, SIGHUP, on_reload_signal);
	add_signal(r, SIGUSR1, on_print_signal);
	uv_async_init(&r->loop, &r->lanes_ended, run_on_lanes_ended);
	r->lanes_ended.data = r;
	uv_timer_init(&r->loop, &r->duration);
	r->duration.data = r;
	uv_timer_init(&r->loop, &r->watch);
	r->watch.data = r;
	if (r->comparing && r->o->compare.stop_when == STOP_WHEN_DECIDED)
		uv_timer_start(&r->watch, run_on_watch, RUN_WATCH_MS, RUN_WATCH_MS);
	uv_prepare_init(&r->loop, &r->before_wait);
	r->before_wait.data = r;
	uv_prepare_start(&r->before_wait, run_on_prepare);
	if (r->o->duration_ns > 0)
		uv_timer_start(&r->duration, run_on_duration, (uint64_t)((r->o->duration_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
	run_open_sample_control(r);
	key_logs_follow(&r->key_logs, &r->loop);
	progress_open(&r->progress, &r->loop, stages_progress(r->o), run_refresh, r);
	r->handles_ready = true;
}

static int make_loop(struct run *r, struct buffer *error)
{
	int err = r->o->sandbox ? sandbox_prepare(error) : 0;

	if (err < 0)
		return err;
	r->loop_ready = uv_loop_init(&r->loop) == 0;
	if (!r->loop_ready) {
		buffer_add_str(error, "cannot set up the event loop: out of memory or descriptors");
		return -ENOMEM;
	}
	return 0;
}

/** note_who() - for the report; while the names of users can still be looked up */
static void note_who(struct run *r)
{
	const char *caller = getenv("SUDO_USER");
	const struct passwd *me = getpwuid(getuid());

	if (gethostname(r->host, sizeof(r->host)) != 0)
		r->host[0] = '\0';
	r->host[sizeof(r->host) - 1] = '\0';
	snprintf(r->user, sizeof(r->user), "%s", caller && getuid() == 0 ? caller : me ? me->pw_name : "");
}

int run_open(struct run *r, const struct options *options, struct buffer *error)
{
	struct input_settings inputs = stages_inputs(options);
	int err;

	note_who(r);
	r->o = r->current = options;
	if ((err = end_command_start(stages_end_command(options), &r->end_command, error)) < 0)
		return err;
	r->outputs.events_fd = -1;
	r->process_usage.statm_fd = -1;
	r->live = r->o->files.count == 0 && !stages_has_broker(r->o);
	budget_init(&r->budget, r->o->max_memory - stages_comparing(r->o).memory);
	r->fail_log = fail_log_new(stages_failures_as_json(r->o, isatty(STDERR_FILENO)), r->o->show_query);
	r->explain = explain_new(stages_explain(r->o));
	r->event_options = (struct event_options){ .show_query = r->o->show_query, .shows_header = run_shows_header, .ctx = r };
	sample_control_init(&r->sample, stages_sample(r->o));
	r->lane_count = r->o->lanes;
	r->lanes = lanes_new(r->lane_count, RING_SLOTS);
	if (!r->lanes) {
		buffer_add_str(error, "cannot set up the capture: out of memory");
		return -ENOMEM;
	}
	err = run_make_rules(r, r->o, r->sample.share, &r->rules, error);
	if (err < 0)
		return err;
	if (stages_compares(r->o) && (err = comparing_new(stages_comparing(r->o), &r->comparing, error)) < 0)
		return err;
	r->rules_ready = true;
	if ((r->o->admin.at.family || r->o->admin.path[0]) && (err = admin_open(&r->o->admin, &r->admin, error)) < 0)
		return err;
	r->process_usage = process_usage_open();
	if ((err = run_open_broker(r, error)) < 0)
		return err;
	if ((err = key_logs_open(&r->key_logs, stages_key_logs(r->o), error)) < 0)
		return err;
	inputs.files.on_secrets = key_logs_add;
	inputs.files.secrets_ctx = &r->key_logs;
	if ((err = inputs_open(&r->inputs, inputs, r->lane_count, error)) < 0)
		return err;
	if ((err = open_broker(r, error)) < 0)
		return err;
	if ((err = outputs_open(&r->outputs, stages_outputs(r->o), error)) < 0)
		return err;
	if ((err = run_open_cases(r, error)) < 0)
		return err;
	if ((err = recording_open(&r->recording, stages_recording(r->o), r->inputs.sources[0], error)) < 0)
		return err;
	if ((err = make_loop(r, error)) < 0)
		return err;
	if ((err = run_make_replay(r, error)) < 0 || (err = privileges_drop(r->o->user, error)) < 0)
		return err;
	if ((err = run_connect_broker(r, error)) < 0)
		return err;
	if (r->o->read_tls.write_secrets)
		recording_add_secrets(&r->recording, key_logs_text, &r->key_logs);
	if ((err = recording_start(&r->recording, r->lane_count, &r->budget, error)) < 0)
		return err;
	if ((err = outputs_start(&r->outputs, !r->live)) < 0) {
		buffer_printf(error, "cannot start the writer of events: %s", uv_strerror(err));
		return err;
	}
	if ((err = run_make_intake(r, error)) < 0 || (err = open_lanes(r, error)) < 0)
		return err;
	/* what is claimed of a broker's is sent, as what was captured live is, but where it waits for its time */
	r->stop = (struct stopping){ .live = r->live || (stages_has_broker(r->o) && run_pace(r) == PACE_TARGET),
				     .replays = r->replay != NULL,
				     .compares = r->comparing != NULL,
				     .hands_over = r->handing_over != NULL };
	err = run_start_comparing(r, error);
	if (err == 0)
		err = run_start_broker(r, error);
	return err < 0 || !r->o->sandbox ? err : sandbox_enter(error);
}

int run_start(struct run *r, struct buffer *error)
{
	int err;

	r->started = mono_now();
	r->started_at = wall_now();
	add_handles(r);
	progress_begin(&r->progress);
	err = run_start_admin(r, error);
	if (err == 0 && (err = lanes_start(r->lanes)) < 0)
		buffer_printf(error, "cannot start the capture thread: %s", uv_strerror(err));
	return err;
}

void run_close(struct run *r)
{
	if (r->lanes_open)
		rules_release_lanes(&r->rules); /* the lanes free them */
	inputs_close(&r->inputs);
	nats_link_free(r->broker);
	fleet_facts_deinit(&r->fleet);
	if (r->loop_ready) {
		if (r->stop.state != RUN_CLOSING) { /* set-up failed half way */
			run_close_handles(r);
			if (r->comparing)
				comparing_close(r->comparing);
			if (r->intake)
				intake_close(r->intake);
			if (r->handing_over)
				handing_over_close(r->handing_over);
			if (r->replay)
				replay_close(r->replay);
		}
		uv_run(&r->loop, UV_RUN_DEFAULT);
		intake_free(r->intake);
		replay_free(r->replay);
		uv_loop_close(&r->loop);
	}
	explain_end(r->explain, NULL);
	end_command_close(&r->end_command);
	admin_free(r->admin);
	process_usage_close(&r->process_usage);
	comparing_free(r->comparing);
	handing_over_free(r->handing_over);
	lanes_free(r->lanes);
	key_logs_close(&r->key_logs);
	rules_deinit(&r->rules);
	options_deinit(&r->reread);
	recording_close(&r->recording);
	outputs_close(&r->outputs);
	case_writer_free(r->case_writer);
	progress_deinit(&r->progress);
	buffer_deinit(&r->figures);
	buffer_deinit(&r->page);
}

/** run_command_at_end() - --on-end; that it failed is told, and changes no exit status */
static void run_command_at_end(struct run *r, int status)
{
	struct buffer trouble = { 0 };

	end_command_run(&r->end_command, r->decision.state, status, &trouble);
	if (trouble.len > 0)
		log_warn("%s", buffer_text(&trouble));
	buffer_deinit(&trouble);
}

int run_to_end(const struct options *options)
{
	struct run *r = calloc(1, sizeof(*r));
	struct buffer error = { 0 };
	int err, status;

	if (!r) {
		log_error("out of memory");
		return EXIT_COULD_NOT;
	}
	err = run_open(r, options, &error);
	if (err == 0)
		err = run_start(r, &error);
	if (err < 0) {
		log_error("%s", buffer_text(&error));
		status = err == -EINVAL && !r->rules_ready ? EXIT_USAGE : EXIT_COULD_NOT;
	} else {
		uv_run(&r->loop, UV_RUN_DEFAULT);
		status = run_report(r);
		run_command_at_end(r, status);
	}
	run_close(r);
	buffer_deinit(&error);
	free(r);
	return status;
}

int run_check(const struct options *options)
{
	struct comparing *comparing = NULL;
	struct buffer error = { 0 };
	struct rules rules;
	int err = rules_make(options, 1, NULL, &rules, &error);

	rules_deinit(&rules);
	if (err == 0 && stages_compares(options))
		err = comparing_new(stages_comparing(options), &comparing, &error);
	comparing_free(comparing);
	if (err < 0)
		log_error("%s", error.len ? buffer_text(&error) : "out of memory");
	else
		log_info("the configuration is fine");
	buffer_deinit(&error);
	return err == 0 ? EXIT_DONE : err == -EINVAL ? EXIT_USAGE : EXIT_COULD_NOT;
}
