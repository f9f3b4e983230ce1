/*
 * tap.c - see tap.h: the wiring of a run
 *
 * First what the stages tell us while it goes on, then stopping in order, then
 * setting up, running and closing down; its other parts are listed in tap_impl.h.
 */
#include "app/run/tap.h"

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
#include "app/run/tap_impl.h"
#include "app/run/event_log.h"
#include "base/log.h"
#include "base/units.h"

#define RING_SLOTS  8192
#define NO_LIMIT_NS (INT64_MAX / 2) /* added to a clock, it does not overflow */

/* ---- what the stages tell us -------------------------------------------- */

static bool shows_header(void *ctx, struct span name)
{
	const struct tap *t = ctx;

	return rewrite_allows(t->rules.rewrite[0], name);
}

static int build_head(void *ctx, const struct message *m, struct buffer *out)
{
	const struct head_builder *b = ctx;

	return rewrite_head(b->tap->rules.rewrite[b->target], m, out);
}

/* NULL: there is no memory for it, or nobody wants it */
static struct buffer *begin_event(struct tap *t)
{
	return t->outputs.events ? event_line_begin(t->outputs.events, &t->events) : NULL;
}

static void end_event(struct tap *t)
{
	if (event_line_end(t->events))
		event_writer_hand_on(t->outputs.events, &t->events);
}

/* loop: what was noted since it last waited goes to be written before it waits again */
static void on_prepare(uv_prepare_t *handle)
{
	struct tap *t = handle->data;

	event_writer_hand_on(t->outputs.events, &t->events);
}

static void stop_capture(struct tap *t);

/* nobody reads the events (head, a full disk): the run has lost its point */
static void check_writer(struct tap *t)
{
	if (event_writer_error(t->outputs.events) < 0)
		stop_capture(t);
}

static void note_request(struct tap *t, const struct message *m)
{
	enum decision decision = (enum decision)m->decision;
	struct span rule = explain_request(t->explain, m, decision, t->sample.share);
	struct buffer *line = begin_event(t);

	if (!line)
		return;
	event_request(&t->event_options, m, decision, rule, line);
	end_event(t);
	check_writer(t);
}

static void take_lost(struct tap *t, struct lost_item *lost)
{
	struct buffer *line;

	explain_lost(t->explain, &lost->origin, lost->reason);
	line = begin_event(t);
	if (line) {
		event_lost(&lost->origin, lost->reason, line);
		end_event(t);
		check_writer(t);
	}
	free(lost);
}

/* What a lane wrote itself comes behind what was noted before it. */
static void take_lines(struct tap *t, struct event_lines *lines)
{
	if (event_lines_join(t->outputs.events, &t->events, &lines))
		event_writer_hand_on(t->outputs.events, &t->events);
	check_writer(t);
}

static void take_response(struct tap *t, struct response_item *r)
{
	comparing_production(t->comparing, r->token, r->response);
	free(r);
}

/* A request that nothing can be done for, or that the run ended before; the books count it as shed at the hand-over. */
static void drop_request(struct tap *t, struct message *m)
{
	if (m->decision == DECISION_CHOSEN && t->replay) {
		m->decision = DECISION_SHED_HANDOVER;
		t->leftover++;
	}
	note_request(t, m);
	message_unref(m);
}

static void take_request(struct tap *t, struct message *m)
{
	bool sent = m->decision == DECISION_CHOSEN && t->replay;

	if (sent && t->comparing && !comparing_expect(t->comparing, m)) {
		drop_request(t, m);
		return;
	}
	note_request(t, m);
	if (sent)
		replay_submit(t->replay, m);
	else
		message_unref(m);
}

/* loop: what an item is, is asked here and nowhere else; requests go to @on_request */
static void take_item(struct tap *t, struct item *item, void (*on_request)(struct tap *t, struct message *m))
{
	switch (item->kind) {
	case ITEM_REQUEST:
		on_request(t, message_of(item));
		return;
	case ITEM_RESPONSE:
		take_response(t, response_item_of(item));
		return;
	case ITEM_LINES:
		take_lines(t, event_log_take(item));
		return;
	case ITEM_LOST:
		take_lost(t, lost_item_of(item));
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
	const struct tap *t = ctx;

	return replay_has_room(t->replay) && (!t->comparing || comparing_has_room(t->comparing));
}

static void on_room(void *ctx)
{
	struct tap *t = ctx;

	if (t->intake)
		intake_room(t->intake);
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct tap *t = ctx;
	struct buffer *line = begin_event(t);

	if (line) {
		event_outcome(m, replay_target_name(t->replay, target), outcome, line);
		end_event(t);
	}
	explain_outcome(t->explain, replay_target_name(t->replay, target), m, outcome);
	if (outcome_is_failure(outcome))
		fail_log_outcome(&t->fail_log, m, replay_target_shown(t->replay, target), outcome, mono_now(), wall_now());
	if (t->comparing)
		comparing_outcome(t->comparing, target, m, outcome);
}

static void on_unsent(void *ctx, size_t target, const struct message *m, enum shed_reason why)
{
	struct tap *t = ctx;

	explain_unsent(t->explain, replay_target_name(t->replay, target), m, why);
	if (t->comparing)
		comparing_unsent(t->comparing, target, m);
}

/* shadows that still get requests; a control alone compares nothing */
static bool has_shadow(const struct tap *t)
{
	for (size_t i = 0; i < t->o->target_count; i++)
		if (!t->o->targets[i].is_control && !t->is_refused[i])
			return true;
	return false;
}

/* The others go on: what they are given does not change. */
static void on_production(void *ctx, size_t target, const struct endpoint *server)
{
	struct tap *t = ctx;
	char text[ENDPOINT_TEXT_MAX];

	t->is_refused[target] = true;
	t->refused++;
	log_error("target %s (%s) is the service that is watched: %s went to %s, and that is where this target leads. "
		  "Nothing %sis sent to it; name the shadow with -t, or, if production is to get its requests twice, add "
		  "--target-is-production",
		  replay_target_name(t->replay, target), replay_target_shown(t->replay, target),
		  t->live ? "a request" : "a request of the recording", endpoint_text(server, text),
		  counter_get(&replay_target_stats(t->replay, target)->sent) > 0 ? "more " : "");
	if (!has_shadow(t))
		stop_capture(t);
}

static void on_comparison(void *ctx, struct span text)
{
	struct tap *t = ctx;
	struct buffer *line = begin_event(t);

	if (!line)
		return;
	buffer_add_span(line, text);
	end_event(t);
}

/* lane: does the loop hold requests whose memory will come back? */
static bool loop_is_busy(void *ctx)
{
	struct tap *t = ctx;

	if (lanes_waiting(t->lanes) > 0 || (t->comparing && comparing_is_busy(t->comparing)))
		return true;
	for (size_t i = 0; t->replay && i < replay_target_count(t->replay); i++) {
		const struct target_stats *s = replay_target_stats(t->replay, i);

		if (counter_get(&s->queued) + counter_get(&s->in_flight) > 0)
			return true;
	}
	return false;
}

static void on_lanes_end(void *ctx)
{
	struct tap *t = ctx;

	uv_async_send(&t->lanes_ended);
}

/* ---- stopping, in order ---------------------------------------------------- */

static void close_handles(struct tap *t)
{
	if (!t->handles_ready)
		return;
	t->handles_ready = false;
	for (size_t i = 0; i < t->signal_count; i++)
		uv_close((uv_handle_t *)&t->signals[i], NULL);
	uv_close((uv_handle_t *)&t->lanes_ended, NULL);
	uv_close((uv_handle_t *)&t->duration, NULL);
	uv_close((uv_handle_t *)&t->before_wait, NULL);
	sample_control_close(&t->sample);
	progress_close(&t->progress);
	admin_close(t->admin);
}

static void join_lanes(struct tap *t)
{
	if (lanes_join(t->lanes) < 0)
		t->status = EXIT_COULD_NOT;
	t->lanes_joined = true;
}

static void close_down(void *ctx)
{
	struct tap *t = ctx;

	t->state = TAP_CLOSING;
	if (t->comparing)
		comparing_close(t->comparing);
	close_handles(t);
	intake_close(t->intake);
	if (t->replay)
		replay_close(t->replay);
}

/* All responses of production that the lanes know are on their way to us: take them. */
static void take_last_responses(struct tap *t)
{
	intake_stop(t->intake, drop_item, t);
	for (size_t i = 0; i < t->lane_count; i++)
		for (struct response_item *r = lanes_take_late(t->lanes, i), *next; r; r = next) {
			next = r->next;
			take_response(t, r);
		}
}

static int64_t drain_limit(const struct tap *t)
{
	return t->at_once ? 0 : t->interrupted ? t->o->max_time_ns : NO_LIMIT_NS;
}

static void on_drained(void *ctx)
{
	struct tap *t = ctx;

	if (t->state >= TAP_COMPARING)
		return;
	join_lanes(t); /* they may still be about to say that they ended, through a handle that we close next */
	if (!t->comparing) {
		close_down(t);
		return;
	}
	t->state = TAP_COMPARING;
	take_last_responses(t);
	comparing_drain(t->comparing, drain_limit(t), close_down, t);
}

/* A recording that ended by itself is sent to its last request; an interrupted run gets --max-time. */
static void drain(struct tap *t)
{
	if (t->state >= TAP_DRAINING)
		return;
	t->state = TAP_DRAINING;
	if (t->replay)
		replay_drain(t->replay, drain_limit(t), on_drained, t);
	else
		on_drained(t);
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
static void leave_rest(struct tap *t)
{
	intake_stop(t->intake, drop_item, t);
	drain(t);
}

static void on_lanes_ended(uv_async_t *handle)
{
	struct tap *t = handle->data;

	join_lanes(t);
	/* Live, what was captured before the stop is still sent. A recording has all the time there is: its rest is left. */
	if (t->state < TAP_DRAINING && t->interrupted && (!t->live || t->at_once))
		leave_rest(t);
}

static void stop_capture(struct tap *t)
{
	if (t->state == TAP_RUNNING) {
		t->state = TAP_STOPPING;
		t->interrupted = true;
		lanes_stop(t->lanes);
		if (t->lanes_joined && !t->live)
			leave_rest(t); /* the recording was read before its last request was due */
	} else if (t->state == TAP_DRAINING && !t->interrupted && t->replay) {
		/* The recording was read, and somebody does not want to wait for the rest of its requests. */
		t->interrupted = true;
		replay_drain(t->replay, t->o->max_time_ns, on_drained, t);
	} else if (t->state == TAP_COMPARING && !t->interrupted) {
		t->interrupted = true;
		comparing_drain(t->comparing, t->o->max_time_ns, close_down, t);
	}
}

static void end_at_once(struct tap *t)
{
	t->at_once = true;
	lanes_abandon(t->lanes);
	if (t->state == TAP_DRAINING && t->replay)
		replay_cancel(t->replay);
	else if (t->state == TAP_COMPARING)
		comparing_drain(t->comparing, 0, close_down, t);
	else if (t->state < TAP_DRAINING && t->lanes_joined)
		leave_rest(t);
}

static void on_stop_signal(uv_signal_t *handle, int signum)
{
	struct tap *t = handle->data;

	(void)signum;
	if (t->interrupted)
		end_at_once(t);
	else
		stop_capture(t);
}

static void on_print_signal(uv_signal_t *handle, int signum)
{
	struct tap *t = handle->data;
	struct books b;

	(void)signum;
	tap_take_books(t, &b);
	progress_print_books(&t->progress, &b);
}

static void on_duration(uv_timer_t *handle)
{
	struct tap *t = handle->data;

	stop_capture(t);
}

/* ---- setting up -------------------------------------------------------------- */

static int make_replay(struct tap *t, struct buffer *error)
{
	struct target_options targets[TARGETS_MAX];
	struct replay_options options = {
		.targets = targets,
		.target_count = t->o->target_count,
		.on_outcome = on_outcome,
		.on_unsent = on_unsent,
		.on_production = on_production,
		.on_room = on_room,
		.ctx = t,
	};

	if (t->o->dry_run)
		return 0;
	for (size_t i = 0; i < t->o->target_count; i++) {
		const struct target_settings *target = &t->o->targets[i];

		t->builders[i] = (struct head_builder){ t, i };
		targets[i] = (struct target_options){
			.url = target->url,
			.tls = t->o->tls,
			.connections = t->o->connections,
			.queue = t->o->queue,
			.max_time_ns = t->o->max_time_ns,
			.connect_timeout_ns = t->o->connect_timeout_ns,
			.breaker = t->o->breaker,
			.rate = target->rate,
			.sample_share = target->sample_share,
			.shed_stale = t->live,
			.is_here = t->live,
			.may_be_production = t->o->target_is_production,
			.keep_responses = t->o->compare.on,
			.max_response = t->o->compare.max_response,
			.budget = &t->budget,
			.build_head = build_head,
			.build_head_ctx = &t->builders[i],
		};
	}
	return replay_new(&t->loop, &options, &t->replay, error);
}

/*
 * Read again for --loop: from descriptors that are opened now, since whom we become may not open the paths. Each
 * lane has its own, for a descriptor has one place in its file.
 */
static int hold_files(struct tap *t)
{
	size_t files = t->o->files.count;

	if (t->o->loops == 1)
		return 0;
	t->held_fds = malloc(t->lane_count * files * sizeof(*t->held_fds));
	if (!t->held_fds)
		return -ENOMEM;
	t->held_count = t->lane_count * files;
	for (size_t i = 0; i < t->held_count; i++) /* -1 if that fails: opening the path says why */
		t->held_fds[i] = open(t->o->files.at[i % files], O_RDONLY | O_CLOEXEC);
	return 0;
}

static void release_files(struct tap *t)
{
	for (size_t i = 0; i < t->held_count; i++)
		if (t->held_fds[i] >= 0)
			close(t->held_fds[i]);
	free(t->held_fds);
}

static int open_files(void *ctx, size_t lane, struct source **out, struct buffer *error)
{
	const struct tap *t = ctx;
	struct file_options options = stages_files(t->o);

	if (t->held_fds)
		options.fds = t->held_fds + lane * t->o->files.count;
	return source_open_files(&options, out, error);
}

/* Several lanes read the same, so it must be there to be read several times. */
static int check_files(const struct tap *t, struct buffer *error)
{
	for (size_t i = 0; t->lane_count > 1 && i < t->o->files.count; i++) {
		struct stat st;

		if (stat(t->o->files.at[i], &st) < 0 || S_ISREG(st.st_mode))
			continue; /* opening it says what is wrong */
		buffer_printf(error, "\"%s\" is no regular file, and each lane reads the recording for itself; save it first, "
			      "or leave --lanes out", t->o->files.at[i]);
		return -EINVAL;
	}
	return 0;
}

static int open_recordings(struct tap *t, struct buffer *error)
{
	int err = check_files(t, error);

	if (err == 0 && hold_files(t) < 0) {
		buffer_add_str(error, "cannot read the capture files: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->lane_count && err == 0; i++)
		err = open_files(t, i, &t->sources[i], error);
	return err;
}

static int open_sources(struct tap *t, struct buffer *error)
{
	struct buffer program = { 0 };
	struct live_options options;
	int err;

	if (!t->live)
		return open_recordings(t, error);
	options = stages_live(t->o, &program);
	err = source_open_lanes(&options, t->lane_count, t->sources, error);
	buffer_deinit(&program);
	return err < 0 ? err : stages_listen_only(t->o, t->sources, t->lane_count, error);
}

static enum intake_pace pace_of_items(const struct tap *t)
{
	return t->live || t->o->dry_run ? PACE_NONE : t->o->speed_max ? PACE_TARGET : PACE_SCHEDULE;
}

static int make_intake(struct tap *t, struct buffer *error)
{
	struct intake_options options = {
		.rings = lanes_rings(t->lanes),
		.ring_count = t->lane_count,
		.pace = pace_of_items(t),
		.speed = t->o->speed,
		.max_sleep_ns = t->o->max_sleep_ns,
		.ordered = !t->live && t->lane_count > 1,
		.has_room = has_room,
		.on_item = on_item,
		.on_pause = on_pause,
		.on_end = on_intake_end,
		.ctx = t,
	};
	int err = intake_new(&t->loop, &options, &t->intake);

	if (err < 0)
		buffer_printf(error, "cannot set up the schedule: %s", uv_strerror(err));
	return err;
}

static int open_lanes(struct tap *t, struct buffer *error)
{
	struct lanes_options options = {
		.options = t->o,
		.sources = t->sources,
		.rules = &t->rules,
		.budget = &t->budget,
		.intake = t->intake,
		.recording = &t->recording,
		.tells_all = t->explain,
		.events = t->outputs.events,
		.paced = pace_of_items(t) == PACE_SCHEDULE,
		.reopen = open_files,
		.loop_is_busy = loop_is_busy,
		.on_end = on_lanes_end,
		.ctx = t,
	};
	int err = lanes_open(t->lanes, &options);

	t->lanes_open = err == 0;
	if (err < 0)
		buffer_printf(error, "cannot set up the capture: %s", uv_strerror(err));
	return err;
}

/* ---- running ------------------------------------------------------------------------ */

static void on_reload_signal(uv_signal_t *handle, int signum)
{
	struct tap *t = handle->data;

	(void)signum;
	if (t->o->config_path)
		tap_reload(t);
	else
		log_warn("SIGHUP: there is no configuration file to read again; start with -f FILE to have one");
}

static void add_signal(struct tap *t, int signum, uv_signal_cb fn)
{
	uv_signal_t *handle = &t->signals[t->signal_count++];

	uv_signal_init(&t->loop, handle);
	handle->data = t;
	uv_signal_start(handle, fn, signum);
}

static void add_handles(struct tap *t)
{
	signal(SIGPIPE, SIG_IGN);
	add_signal(t, SIGINT, on_stop_signal);
	add_signal(t, SIGTERM, on_stop_signal);
	add_signal(t, SIGHUP, on_reload_signal);
	add_signal(t, SIGUSR1, on_print_signal);
	uv_async_init(&t->loop, &t->lanes_ended, on_lanes_ended);
	t->lanes_ended.data = t;
	uv_timer_init(&t->loop, &t->duration);
	t->duration.data = t;
	uv_prepare_init(&t->loop, &t->before_wait);
	t->before_wait.data = t;
	uv_prepare_start(&t->before_wait, on_prepare);
	if (t->o->duration_ns > 0)
		uv_timer_start(&t->duration, on_duration, (uint64_t)((t->o->duration_ns + NS_PER_MS - 1) / NS_PER_MS), 0);
	tap_open_sample_control(t);
	progress_open(&t->progress, &t->loop, t->o, tap_refresh, t);
	t->handles_ready = true;
}

static int start_comparing(struct tap *t, struct buffer *error)
{
	struct comparing_hooks hooks = { t->outputs.events ? on_comparison : NULL, on_room, t };
	int err = t->comparing ? comparing_start(t->comparing, &t->loop, &t->budget, &hooks, !t->live) : 0;

	if (err < 0)
		buffer_printf(error, "cannot start the comparing of answers: %s", uv_strerror(err));
	return err;
}

static int make_loop(struct tap *t, struct buffer *error)
{
	int err = t->o->sandbox ? sandbox_prepare(error) : 0;

	if (err < 0)
		return err;
	t->loop_ready = uv_loop_init(&t->loop) == 0;
	if (!t->loop_ready) {
		buffer_add_str(error, "cannot set up the event loop: out of memory or descriptors");
		return -ENOMEM;
	}
	return 0;
}

static int set_up(struct tap *t, struct buffer *error)
{
	int err;

	t->live = t->o->files.count == 0;
	budget_init(&t->budget, t->o->max_memory - comparing_memory(t->o));
	t->fail_log = fail_log_new(t->o->log_format == LOG_FORMAT_JSON, t->o->show_query);
	t->explain = explain_new(t->o);
	t->event_options = (struct event_options){ .show_query = t->o->show_query, .shows_header = shows_header, .ctx = t };
	sample_control_init(&t->sample, t->o);
	t->lane_count = t->o->lanes;
	t->lanes = lanes_new(t->lane_count, RING_SLOTS);
	if (!t->lanes) {
		buffer_add_str(error, "cannot set up the capture: out of memory");
		return -ENOMEM;
	}
	err = tap_make_rules(t, t->o, t->sample.share, &t->rules, error);
	if (err < 0)
		return err;
	if (t->o->compare.on && (err = comparing_new(t->o, &t->comparing, error)) < 0)
		return err;
	t->rules_ready = true;
	if ((t->o->admin.at.family || t->o->admin.path[0]) && (err = admin_open(&t->o->admin, &t->admin, error)) < 0)
		return err;
	t->process_usage = process_usage_open();
	if ((err = open_sources(t, error)) < 0 || (err = outputs_open(&t->outputs, t->o, error)) < 0)
		return err;
	if ((err = recording_open(&t->recording, t->o, t->sources[0], error)) < 0)
		return err;
	if ((err = make_loop(t, error)) < 0)
		return err;
	if ((err = make_replay(t, error)) < 0 || (err = privileges_drop(t->o->user, error)) < 0)
		return err;
	if ((err = recording_start(&t->recording, t->lane_count, &t->budget, error)) < 0)
		return err;
	if ((err = outputs_start(&t->outputs, !t->live)) < 0) {
		buffer_printf(error, "cannot start the writer of events: %s", uv_strerror(err));
		return err;
	}
	if ((err = make_intake(t, error)) < 0 || (err = open_lanes(t, error)) < 0)
		return err;
	err = start_comparing(t, error);
	return err < 0 || !t->o->sandbox ? err : sandbox_enter(error);
}

static void tear_down(struct tap *t)
{
	if (t->lanes_open)
		rules_release_lanes(&t->rules); /* the lanes free them */
	for (size_t i = 0; i < t->lane_count && !t->lanes_open; i++)
		source_close(t->sources[i]);
	release_files(t);
	if (t->loop_ready) {
		if (t->state != TAP_CLOSING) { /* set-up failed half way */
			close_handles(t);
			if (t->comparing)
				comparing_close(t->comparing);
			if (t->intake)
				intake_close(t->intake);
			if (t->replay)
				replay_close(t->replay);
		}
		uv_run(&t->loop, UV_RUN_DEFAULT);
		intake_free(t->intake);
		replay_free(t->replay);
		uv_loop_close(&t->loop);
	}
	explain_end(t->explain, NULL);
	admin_free(t->admin);
	process_usage_close(&t->process_usage);
	comparing_free(t->comparing);
	lanes_free(t->lanes);
	rules_deinit(&t->rules);
	options_deinit(&t->reread);
	recording_close(&t->recording);
	outputs_close(&t->outputs);
	progress_deinit(&t->progress);
}

int tap_run(const struct options *options)
{
	struct tap *t = calloc(1, sizeof(*t));
	struct buffer error = { 0 };
	int err, status;

	if (!t) {
		log_error("out of memory");
		return EXIT_COULD_NOT;
	}
	t->o = t->current = options;
	t->outputs.events_fd = -1;
	t->process_usage.statm_fd = -1;
	err = set_up(t, &error);
	if (err == 0) {
		t->started = mono_now();
		t->started_at = wall_now();
		add_handles(t);
		progress_begin(&t->progress);
		err = tap_start_admin(t, &error);
		if (err == 0 && (err = lanes_start(t->lanes)) < 0)
			buffer_printf(&error, "cannot start the capture thread: %s", uv_strerror(err));
	}
	if (err < 0) {
		log_error("%s", buffer_text(&error));
		status = err == -EINVAL && !t->rules_ready ? EXIT_USAGE : EXIT_COULD_NOT;
	} else {
		uv_run(&t->loop, UV_RUN_DEFAULT);
		status = tap_report(t);
	}
	tear_down(t);
	buffer_deinit(&error);
	free(t);
	return status;
}

int tap_check(const struct options *options)
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
