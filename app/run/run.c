/*
 * run.c - see run.h: the wiring of a run
 *
 * First what the stages tell us while it goes on, then stopping in order, then
 * setting up, running and closing down; its other parts are listed in run_impl.h.
 */
#include "app/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/process/privileges.h"
#include "app/process/sandbox.h"
#include "app/run/stages.h"
#include "app/run/run_impl.h"
#include "app/run/event_log.h"
#include "base/log.h"
#include "base/units.h"

#define RING_SLOTS  8192
#define NO_LIMIT_NS (INT64_MAX / 2) /* added to a clock, it does not overflow */

/* ---- what the stages tell us -------------------------------------------- */

static bool shows_header(void *ctx, struct span name)
{
	const struct run *r = ctx;

	return rewrite_allows(r->rules.rewrite[0], name);
}

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	const struct head_builder *b = ctx;

	return rewrite_request(b->run->rules.rewrite[b->target], m, out);
}

/* NULL: there is no memory for it, or nobody wants it */
static struct buffer *begin_event(struct run *r)
{
	return r->outputs.events ? event_line_begin(r->outputs.events, &r->events) : NULL;
}

static void end_event(struct run *r)
{
	if (event_line_end(r->events))
		event_writer_hand_on(r->outputs.events, &r->events);
}

/* loop: what was noted since it last waited goes to be written before it waits again */
static void on_prepare(uv_prepare_t *handle)
{
	struct run *r = handle->data;

	event_writer_hand_on(r->outputs.events, &r->events);
}

static void stop_capture(struct run *r);

/* nobody reads the events (head, a full disk): the run has lost its point */
static void check_writer(struct run *r)
{
	if (event_writer_error(r->outputs.events) < 0)
		stop_capture(r);
}

static void note_request(struct run *r, const struct message *m)
{
	enum decision decision = (enum decision)m->decision;
	struct span rule = explain_request(r->explain, m, decision, r->sample.share);
	struct buffer *line = begin_event(r);

	if (!line)
		return;
	event_request(&r->event_options, m, decision, rule, line);
	end_event(r);
	check_writer(r);
}

static void take_lost(struct run *r, struct lost_item *lost)
{
	struct buffer *line;

	explain_lost(r->explain, &lost->origin, lost->reason);
	line = begin_event(r);
	if (line) {
		event_lost(&lost->origin, lost->reason, line);
		end_event(r);
		check_writer(r);
	}
	free(lost);
}

/* What a lane wrote itself comes behind what was noted before it. */
static void take_lines(struct run *r, struct event_lines *lines)
{
	if (event_lines_join(r->outputs.events, &r->events, &lines))
		event_writer_hand_on(r->outputs.events, &r->events);
	check_writer(r);
}

static void take_response(struct run *r, struct response_item *item)
{
	comparing_production(r->comparing, item->token, item->response);
	free(item);
}

/* A request that nothing can be done for, or that the run ended before; the books count it as shed at the hand-over. */
static void drop_request(struct run *r, struct message *m)
{
	if (m->decision == DECISION_CHOSEN && r->replay) {
		m->decision = DECISION_SHED_HANDOVER;
		r->leftover++;
	}
	note_request(r, m);
	message_unref(m);
}

static void take_request(struct run *r, struct message *m)
{
	bool sent = m->decision == DECISION_CHOSEN && r->replay;

	if (sent && r->comparing && !comparing_expect(r->comparing, m)) {
		drop_request(r, m);
		return;
	}
	note_request(r, m);
	if (sent)
		replay_submit(r->replay, m);
	else
		message_unref(m);
}

/* loop: what an item is, is asked here and nowhere else; requests go to @on_request */
static void take_item(struct run *r, struct item *item, void (*on_request)(struct run *r, struct message *m))
{
	switch (item->kind) {
	case ITEM_REQUEST:
		on_request(r, message_of(item));
		return;
	case ITEM_RESPONSE:
		take_response(r, response_item_of(item));
		return;
	case ITEM_LINES:
		take_lines(r, event_log_take(item));
		return;
	case ITEM_LOST:
		take_lost(r, lost_item_of(item));
		return;
	}
}

/* loop: an item in order, at its time */
static void on_item(void *ctx, struct item *item)
{
	take_item(ctx, item, take_request);
}

/* loop: an item that the run ended before */
static void drop_item(void *ctx, struct item *item)
{
	take_item(ctx, item, drop_request);
}

static bool has_room(void *ctx)
{
	const struct run *r = ctx;

	return replay_has_room(r->replay) && (!r->comparing || comparing_has_room(r->comparing));
}

static void on_room(void *ctx)
{
	struct run *r = ctx;

	if (r->intake)
		intake_room(r->intake);
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct run *r = ctx;
	struct buffer *line = begin_event(r);

	if (line) {
		event_outcome(m, replay_target_name(r->replay, target), outcome, line);
		end_event(r);
	}
	explain_outcome(r->explain, replay_target_name(r->replay, target), m, outcome);
	if (outcome_is_failure(outcome))
		fail_log_outcome(&r->fail_log, m, replay_target_shown(r->replay, target), outcome, mono_now(), wall_now());
	if (r->comparing)
		comparing_outcome(r->comparing, target, m, outcome);
}

static void on_unsent(void *ctx, size_t target, const struct message *m, enum shed_reason why)
{
	struct run *r = ctx;

	explain_unsent(r->explain, replay_target_name(r->replay, target), m, why);
	if (r->comparing)
		comparing_unsent(r->comparing, target, m);
}

/* shadows that still get requests; a control alone compares nothing */
static bool has_shadow(const struct run *r)
{
	for (size_t i = 0; i < r->o->target_count; i++)
		if (!r->o->targets[i].is_control && !r->is_refused[i])
			return true;
	return false;
}

/* The others go on: what they are given does not change. */
static void on_production(void *ctx, size_t target, const struct endpoint *server)
{
	struct run *r = ctx;
	char text[ENDPOINT_TEXT_MAX];

	r->is_refused[target] = true;
	r->refused++;
	log_error("target %s (%s) is the service that is watched: %s went to %s, and that is where this target leads. "
		  "Nothing %sis sent to it; name the shadow with -t, or, if production is to get its requests twice, add "
		  "--target-is-production",
		  replay_target_name(r->replay, target), replay_target_shown(r->replay, target),
		  r->live ? "a request" : "a request of the recording", endpoint_text(server, text),
		  counter_get(&replay_target_stats(r->replay, target)->sent) > 0 ? "more " : "");
	if (!has_shadow(r))
		stop_capture(r);
}

static void on_comparison(void *ctx, struct span text)
{
	struct run *r = ctx;
	struct buffer *line = begin_event(r);

	if (!line)
		return;
	buffer_add_span(line, text);
	end_event(r);
}

/* lane: does the loop hold requests whose memory will come back? */
static bool loop_is_busy(void *ctx)
{
	struct run *r = ctx;

	if (lanes_waiting(r->lanes) > 0 || (r->comparing && comparing_is_busy(r->comparing)))
		return true;
	for (size_t i = 0; r->replay && i < replay_target_count(r->replay); i++) {
		const struct target_stats *s = replay_target_stats(r->replay, i);

		if (counter_get(&s->queued) + counter_get(&s->in_flight) > 0)
			return true;
	}
	return false;
}

static void on_lanes_end(void *ctx)
{
	struct run *r = ctx;

	uv_async_send(&r->lanes_ended);
}

/* ---- stopping, in order ---------------------------------------------------- */

static void close_handles(struct run *r)
{
	if (!r->handles_ready)
		return;
	r->handles_ready = false;
	for (size_t i = 0; i < r->signal_count; i++)
		uv_close((uv_handle_t *)&r->signals[i], NULL);
	uv_close((uv_handle_t *)&r->lanes_ended, NULL);
	uv_close((uv_handle_t *)&r->duration, NULL);
	uv_close((uv_handle_t *)&r->before_wait, NULL);
	sample_control_close(&r->sample);
	progress_close(&r->progress);
	admin_close(r->admin);
}

static void join_lanes(struct run *r)
{
	if (lanes_join(r->lanes) < 0)
		r->status = EXIT_COULD_NOT;
	r->lanes_joined = true;
}

static void close_down(void *ctx)
{
	struct run *r = ctx;

	r->state = RUN_CLOSING;
	if (r->comparing)
		comparing_close(r->comparing);
	close_handles(r);
	intake_close(r->intake);
	if (r->replay)
		replay_close(r->replay);
}

/* All responses of production that the lanes know are on their way to us: take them. */
static void take_last_responses(struct run *r)
{
	intake_stop(r->intake, drop_item, r);
	for (size_t i = 0; i < r->lane_count; i++)
		for (struct response_item *late = lanes_take_late(r->lanes, i), *next; late; late = next) {
			next = late->next;
			take_response(r, late);
		}
}

static int64_t drain_limit(const struct run *r)
{
	return r->at_once ? 0 : r->interrupted ? r->o->max_time_ns : NO_LIMIT_NS;
}

static void on_drained(void *ctx)
{
	struct run *r = ctx;

	if (r->state >= RUN_COMPARING)
		return;
	join_lanes(r); /* they may still be about to say that they ended, through a handle that we close next */
	if (!r->comparing) {
		close_down(r);
		return;
	}
	r->state = RUN_COMPARING;
	take_last_responses(r);
	comparing_drain(r->comparing, drain_limit(r), close_down, r);
}

/* A recording that ended by itself is sent to its last request; an interrupted run gets --max-time. */
static void drain(struct run *r)
{
	if (r->state >= RUN_DRAINING)
		return;
	r->state = RUN_DRAINING;
	if (r->replay)
		replay_drain(r->replay, drain_limit(r), on_drained, r);
	else
		on_drained(r);
}

/* Recordings can claim any time: files that were put together, a clock that had not been set yet. */
static void on_pause(void *ctx, int64_t wait_ns)
{
	double days = (double)wait_ns / (double)(24 * 3600 * NS_PER_S);
	char text[UNITS_TEXT_MAX];

	(void)ctx;
	if (days < 2)
		log_info("the recording pauses here: the next request is due in %s; --max-sleep 1s shortens pauses",
			 duration_text(wait_ns / NS_PER_S * NS_PER_S, text));
	else
		log_warn("the recording pauses here for %.0f %s, so its times may be wrong; --max-sleep 1s shortens pauses, "
			 "-x max leaves them out", days < 730 ? days : days / 365.25, days < 730 ? "days" : "years");
}

static void on_intake_end(void *ctx)
{
	drain(ctx);
}

/* Nothing more goes to the targets: what the loop did not take yet is counted and dropped. */
static void leave_rest(struct run *r)
{
	intake_stop(r->intake, drop_item, r);
	drain(r);
}

static void on_lanes_ended(uv_async_t *handle)
{
	struct run *r = handle->data;

	join_lanes(r);
	/* Live, what was captured before the stop is still sent. A recording has all the time there is: its rest is left. */
	if (r->state < RUN_DRAINING && r->interrupted && (!r->live || r->at_once))
		leave_rest(r);
}

static void stop_capture(struct run *r)
{
	if (r->state == RUN_CAPTURING) {
		r->state = RUN_STOPPING;
		r->interrupted = true;
		lanes_stop(r->lanes);
		if (r->lanes_joined && !r->live)
			leave_rest(r); /* the recording was read before its last request was due */
	} else if (r->state == RUN_DRAINING && !r->interrupted && r->replay) {
		/* The recording was read, and somebody does not want to wait for the rest of its requests. */
		r->interrupted = true;
		replay_drain(r->replay, r->o->max_time_ns, on_drained, r);
	} else if (r->state == RUN_COMPARING && !r->interrupted) {
		r->interrupted = true;
		comparing_drain(r->comparing, r->o->max_time_ns, close_down, r);
	}
}

static void end_at_once(struct run *r)
{
	r->at_once = true;
	lanes_abandon(r->lanes);
	if (r->state == RUN_DRAINING && r->replay)
		replay_cancel(r->replay);
	else if (r->state == RUN_COMPARING)
		comparing_drain(r->comparing, 0, close_down, r);
	else if (r->state < RUN_DRAINING && r->lanes_joined)
		leave_rest(r);
}

static void on_stop_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;

	(void)signum;
	if (r->interrupted)
		end_at_once(r);
	else
		stop_capture(r);
}

static void on_print_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;
	struct books b;

	(void)signum;
	run_take_books(r, &b);
	progress_print_books(&r->progress, &b);
}

static void on_duration(uv_timer_t *handle)
{
	struct run *r = handle->data;

	stop_capture(r);
}

/* ---- setting up -------------------------------------------------------------- */

static int make_replay(struct run *r, struct buffer *error)
{
	struct target_options targets[TARGETS_MAX];
	struct replay_options options = {
		.targets = targets,
		.target_count = r->o->target_count,
		.on_outcome = on_outcome,
		.on_unsent = on_unsent,
		.on_production = on_production,
		.on_room = on_room,
		.ctx = r,
	};

	if (r->o->dry_run)
		return 0;
	for (size_t i = 0; i < r->o->target_count; i++) {
		const struct target_settings *target = &r->o->targets[i];

		r->builders[i] = (struct head_builder){ r, i };
		targets[i] = (struct target_options){
			.url = target->url,
			.tls = r->o->tls,
			.connections = r->o->connections,
			.queue = r->o->queue,
			.max_time_ns = r->o->max_time_ns,
			.connect_timeout_ns = r->o->connect_timeout_ns,
			.breaker = r->o->breaker,
			.rate = target->rate,
			.sample_share = target->sample_share,
			.shed_stale = r->live,
			.is_here = r->live,
			.may_be_production = r->o->target_is_production,
			.keep_responses = r->o->compare.on,
			.max_response = r->o->compare.max_response,
			.budget = &r->budget,
			.make_head = make_head,
			.make_head_ctx = &r->builders[i],
		};
	}
	return replay_new(&r->loop, &options, &r->replay, error);
}

/*
 * Read again for --loop: from descriptors that are opened now, since whom we become may not open the paths. Each
 * lane has its own, for a descriptor has one place in its file.
 */
static int hold_files(struct run *r)
{
	size_t files = r->o->files.count;

	if (r->o->loops == 1)
		return 0;
	r->held_fds = malloc(r->lane_count * files * sizeof(*r->held_fds));
	if (!r->held_fds)
		return -ENOMEM;
	r->held_count = r->lane_count * files;
	for (size_t i = 0; i < r->held_count; i++) /* -1 if that fails: opening the path says why */
		r->held_fds[i] = open(r->o->files.at[i % files], O_RDONLY | O_CLOEXEC);
	return 0;
}

static void release_files(struct run *r)
{
	for (size_t i = 0; i < r->held_count; i++)
		if (r->held_fds[i] >= 0)
			close(r->held_fds[i]);
	free(r->held_fds);
}

static int open_files(void *ctx, size_t lane, struct source **out, struct buffer *error)
{
	const struct run *r = ctx;
	struct file_options options = stages_files(r->o);

	if (r->held_fds)
		options.fds = r->held_fds + lane * r->o->files.count;
	return source_open_files(&options, out, error);
}

/* Several lanes read the same, so it must be there to be read several times. */
static int check_files(const struct run *r, struct buffer *error)
{
	for (size_t i = 0; r->lane_count > 1 && i < r->o->files.count; i++) {
		struct stat st;

		if (stat(r->o->files.at[i], &st) < 0 || S_ISREG(st.st_mode))
			continue; /* opening it says what is wrong */
		buffer_printf(error, "\"%s\" is no regular file, and each lane reads the recording for itself; save it first, "
			      "or leave --lanes out", r->o->files.at[i]);
		return -EINVAL;
	}
	return 0;
}

static int open_recordings(struct run *r, struct buffer *error)
{
	int err = check_files(r, error);

	if (err == 0 && hold_files(r) < 0) {
		buffer_add_str(error, "cannot read the capture files: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < r->lane_count && err == 0; i++)
		err = open_files(r, i, &r->sources[i], error);
	return err;
}

static int open_sources(struct run *r, struct buffer *error)
{
	struct buffer program = { 0 };
	struct live_options options;
	int err;

	if (!r->live)
		return open_recordings(r, error);
	options = stages_live(r->o, &program);
	err = source_open_lanes(&options, r->lane_count, r->sources, error);
	buffer_deinit(&program);
	return err < 0 ? err : stages_listen_only(r->o, r->sources, r->lane_count, error);
}

static enum intake_pace pace_of_items(const struct run *r)
{
	return r->live || r->o->dry_run ? PACE_NONE : r->o->speed_max ? PACE_TARGET : PACE_SCHEDULE;
}

static int make_intake(struct run *r, struct buffer *error)
{
	struct intake_options options = {
		.rings = lanes_rings(r->lanes),
		.ring_count = r->lane_count,
		.pace = pace_of_items(r),
		.speed = r->o->speed,
		.max_sleep_ns = r->o->max_sleep_ns,
		.ordered = !r->live && r->lane_count > 1,
		.has_room = has_room,
		.on_item = on_item,
		.on_pause = on_pause,
		.on_end = on_intake_end,
		.ctx = r,
	};
	int err = intake_new(&r->loop, &options, &r->intake);

	if (err < 0)
		buffer_printf(error, "cannot set up the schedule: %s", uv_strerror(err));
	return err;
}

static int open_lanes(struct run *r, struct buffer *error)
{
	struct lanes_options options = {
		.options = r->o,
		.sources = r->sources,
		.rules = &r->rules,
		.budget = &r->budget,
		.intake = r->intake,
		.recording = &r->recording,
		.tells_all = r->explain,
		.events = r->outputs.events,
		.paced = pace_of_items(r) == PACE_SCHEDULE,
		.reopen = open_files,
		.loop_is_busy = loop_is_busy,
		.on_end = on_lanes_end,
		.ctx = r,
	};
	int err = lanes_open(r->lanes, &options);

	r->lanes_open = err == 0;
	if (err < 0)
		buffer_printf(error, "cannot set up the capture: %s", uv_strerror(err));
	return err;
}

/* ---- running ------------------------------------------------------------------------ */

static void on_reload_signal(uv_signal_t *handle, int signum)
{
	struct run *r = handle->data;

	(void)signum;
	if (r->o->config_path)
		run_reload(r);
	else
		log_warn("SIGHUP: there is no configuration file to read again; start with -f FILE to have one");
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
	add_signal(r, SIGINT, on_stop_signal);
	add_signal(r, SIGTERM, on_stop_signal);
	add_signal(r, SIGHUP, on_reload_signal);
	add_signal(r, SIGUSR1, on_print_signal);
	uv_async_init(&r->loop, &r->lanes_ended, on_lanes_ended);
	r->lanes_ended.data = r;
	uv_timer_init(&r->loop, &r->duration);
	r->duration.data = r;
	uv_prepare_init(&r->loop, &r->before_wait);
	r->before_wait.data = r;
	uv_prepare_start(&r->before_wait, on_prepare);
	if (r->o->duration_ns > 0)
		uv_timer_start(&r->duration, on_duration, (uint64_t)((r->o->duration_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
	run_open_sample_control(r);
	progress_open(&r->progress, &r->loop, r->o, run_refresh, r);
	r->handles_ready = true;
}

static int start_comparing(struct run *r, struct buffer *error)
{
	struct comparing_hooks hooks = { r->outputs.events ? on_comparison : NULL, on_room, r };
	int err = r->comparing ? comparing_start(r->comparing, &r->loop, &r->budget, &hooks, !r->live) : 0;

	if (err < 0)
		buffer_printf(error, "cannot start the comparing of answers: %s", uv_strerror(err));
	return err;
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

static int set_up(struct run *r, struct buffer *error)
{
	int err;

	r->live = r->o->files.count == 0;
	budget_init(&r->budget, r->o->max_memory - comparing_memory(r->o));
	r->fail_log = fail_log_new(r->o->log_format == LOG_FORMAT_JSON, r->o->show_query);
	r->explain = explain_new(r->o);
	r->event_options = (struct event_options){ .show_query = r->o->show_query, .shows_header = shows_header, .ctx = r };
	sample_control_init(&r->sample, r->o);
	r->lane_count = r->o->lanes;
	r->lanes = lanes_new(r->lane_count, RING_SLOTS);
	if (!r->lanes) {
		buffer_add_str(error, "cannot set up the capture: out of memory");
		return -ENOMEM;
	}
	err = run_make_rules(r, r->o, r->sample.share, &r->rules, error);
	if (err < 0)
		return err;
	if (r->o->compare.on && (err = comparing_new(r->o, &r->comparing, error)) < 0)
		return err;
	r->rules_ready = true;
	if ((r->o->admin.at.family || r->o->admin.path[0]) && (err = admin_open(&r->o->admin, &r->admin, error)) < 0)
		return err;
	r->process_usage = process_usage_open();
	if ((err = open_sources(r, error)) < 0 || (err = outputs_open(&r->outputs, r->o, error)) < 0)
		return err;
	if ((err = recording_open(&r->recording, r->o, r->sources[0], error)) < 0)
		return err;
	if ((err = make_loop(r, error)) < 0)
		return err;
	if ((err = make_replay(r, error)) < 0 || (err = privileges_drop(r->o->user, error)) < 0)
		return err;
	if ((err = recording_start(&r->recording, r->lane_count, &r->budget, error)) < 0)
		return err;
	if ((err = outputs_start(&r->outputs, !r->live)) < 0) {
		buffer_printf(error, "cannot start the writer of events: %s", uv_strerror(err));
		return err;
	}
	if ((err = make_intake(r, error)) < 0 || (err = open_lanes(r, error)) < 0)
		return err;
	err = start_comparing(r, error);
	return err < 0 || !r->o->sandbox ? err : sandbox_enter(error);
}

static void tear_down(struct run *r)
{
	if (r->lanes_open)
		rules_release_lanes(&r->rules); /* the lanes free them */
	for (size_t i = 0; i < r->lane_count && !r->lanes_open; i++)
		source_close(r->sources[i]);
	release_files(r);
	if (r->loop_ready) {
		if (r->state != RUN_CLOSING) { /* set-up failed half way */
			close_handles(r);
			if (r->comparing)
				comparing_close(r->comparing);
			if (r->intake)
				intake_close(r->intake);
			if (r->replay)
				replay_close(r->replay);
		}
		uv_run(&r->loop, UV_RUN_DEFAULT);
		intake_free(r->intake);
		replay_free(r->replay);
		uv_loop_close(&r->loop);
	}
	explain_end(r->explain, NULL);
	admin_free(r->admin);
	process_usage_close(&r->process_usage);
	comparing_free(r->comparing);
	lanes_free(r->lanes);
	rules_deinit(&r->rules);
	options_deinit(&r->reread);
	recording_close(&r->recording);
	outputs_close(&r->outputs);
	progress_deinit(&r->progress);
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
	r->o = r->current = options;
	r->outputs.events_fd = -1;
	r->process_usage.statm_fd = -1;
	err = set_up(r, &error);
	if (err == 0) {
		r->started = mono_now();
		r->started_at = wall_now();
		add_handles(r);
		progress_begin(&r->progress);
		err = run_start_admin(r, &error);
		if (err == 0 && (err = lanes_start(r->lanes)) < 0)
			buffer_printf(&error, "cannot start the capture thread: %s", uv_strerror(err));
	}
	if (err < 0) {
		log_error("%s", buffer_text(&error));
		status = err == -EINVAL && !r->rules_ready ? EXIT_USAGE : EXIT_COULD_NOT;
	} else {
		uv_run(&r->loop, UV_RUN_DEFAULT);
		status = run_report(r);
	}
	tear_down(r);
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
	if (err == 0 && options->compare.on)
		err = comparing_new(options, &comparing, &error);
	comparing_free(comparing);
	if (err < 0)
		log_error("%s", error.len ? buffer_text(&error) : "out of memory");
	else
		log_info("the configuration is fine");
	buffer_deinit(&error);
	return err == 0 ? EXIT_DONE : err == -EINVAL ? EXIT_USAGE : EXIT_COULD_NOT;
}
