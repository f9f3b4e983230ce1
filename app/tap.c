/* tap.c - see tap.h; the order of a run is the order of this file, from setting up to closing down */
#include "app/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "app/admin.h"
#include "app/comparing.h"
#include "app/explain.h"
#include "app/lanes.h"
#include "app/option_change.h"
#include "app/outputs.h"
#include "app/privileges.h"
#include "app/recording.h"
#include "app/rules.h"
#include "app/sample_control.h"
#include "app/sandbox.h"
#include "app/screen.h"
#include "app/self.h"
#include "base/log.h"
#include "base/units.h"
#include "replay/intake.h"
#include "replay/replay.h"
#include "report/events.h"
#include "report/fail_log.h"
#include "report/metrics.h"
#include "report/why.h"

#define RING_SLOTS  8192
#define NO_LIMIT_NS (INT64_MAX / 2) /* added to a clock, it does not overflow */

/*
 * RUNNING:   the lanes capture, the loop sends.
 * STOPPING:  the lanes were told to stop; what they still yield is handled as before.
 * DRAINING:  nothing comes any more; queued and in-flight requests end.
 * COMPARING: all exchanges have ended; what waits for the comparer is compared (--compare).
 * CLOSING:   the books are final; handles close, the loop runs out.
 */
enum tap_state { TAP_RUNNING, TAP_STOPPING, TAP_DRAINING, TAP_COMPARING, TAP_CLOSING };

/** struct head_builder - whose rules build a request's head: looked up for each, since SIGHUP replaces them */
struct head_builder {
	struct tap *tap;
	size_t target;
};

struct tap {
	const struct options *o; /* of the start: what cannot change */
	struct options reread;   /* of the last SIGHUP; owns nothing before the first */
	const struct options *current; /* o or reread: what can change */
	struct outputs outputs;
	struct recording recording;
	struct budget budget;
	struct source *sources[SOURCE_LANES_MAX]; /* until the lanes take them */
	size_t lane_count;
	int *held_fds;         /* of the recordings, with --loop */
	struct rules rules; /* the loop's; their policies are the lanes' to free once they are open */
	struct head_builder builders[TARGETS_MAX];
	struct sample_control sample;
	uint64_t config_read, config_refused;
	struct intake *intake;
	struct replay *replay; /* NULL in a dry run */
	struct comparing *comparing; /* NULL without --compare */
	struct lanes *lanes;
	bool lanes_open;
	struct event_options event_options;
	struct buffer event_line; /* reused */
	struct fail_log fail_log;
	struct explain *explain; /* NULL without --explain */
	struct screen screen;
	struct admin *admin; /* NULL without --admin */
	struct self self;
	uv_loop_t loop;
	uv_signal_t signals[4];
	uv_async_t lanes_ended;
	uv_timer_t duration;
	uv_prepare_t before_wait;
	size_t signal_count;
	bool rules_ready, loop_ready, handles_ready, lanes_joined, live, interrupted, at_once;
	enum tap_state state;
	uint64_t leftover; /* chosen messages that the end of the run left in the ring */
	struct mono started;
	struct wall started_at;
	int status; /* exit status */
};

/* ---- what the stages tell us -------------------------------------------- */

static bool shows_header(void *ctx, struct span name)
{
	const struct tap *t = ctx;

	return rewrite_allows(t->rules.rewrite[0], name);
}

static bool is_own(void *ctx, const struct request_origin *origin)
{
	const struct tap *t = ctx;

	return (t->replay && replay_is_own(t->replay, &origin->client, &origin->server)) ||
	       admin_is_own(t->admin, &origin->server);
}

static int build_head(void *ctx, const struct message *m, struct buffer *out)
{
	const struct head_builder *b = ctx;

	return rewrite_head(b->tap->rules.rewrite[b->target], m, out);
}

static void write_event(struct tap *t)
{
	if (buffer_ok(&t->event_line))
		event_writer_add(t->outputs.events, buffer_span(&t->event_line));
	buffer_clear(&t->event_line);
}

/* loop: what was noted since it last waited goes to be written before it waits again */
static void on_prepare(uv_prepare_t *handle)
{
	struct tap *t = handle->data;

	if (t->outputs.events)
		event_writer_flush(t->outputs.events);
}

static void stop_capture(struct tap *t);

static void note_message(struct tap *t, const struct message *m, uint8_t verdict)
{
	struct span rule = { 0 };

	if (verdict >= LANE_VERDICT_LOST)
		explain_lost(t->explain, &m->origin, (enum lost_reason)(verdict - LANE_VERDICT_LOST));
	else
		rule = explain_request(t->explain, m, (enum verdict)verdict, t->sample.share);
	if (!t->outputs.events)
		return;
	if (verdict >= LANE_VERDICT_LOST)
		event_lost(&m->origin, (enum lost_reason)(verdict - LANE_VERDICT_LOST), &t->event_line);
	else
		event_request(&t->event_options, m, (enum verdict)verdict, rule, &t->event_line);
	write_event(t);
	if (event_writer_error(t->outputs.events) < 0)
		stop_capture(t); /* nobody reads the events (head, a full disk): the run has lost its point */
}

static void take_answer(struct tap *t, struct message *m)
{
	comparing_production(t->comparing, m->answer_token, ((struct lane_answer *)m)->response);
	message_unref(m);
}

static bool goes_at_once(const void *item)
{
	return ((const struct message *)item)->verdict == LANE_VERDICT_ANSWER;
}

/* loop: a message that the run ended before, or that nothing can be done for; the books count it as shed at the hand-over */
static void drop_item(void *ctx, void *item)
{
	struct tap *t = ctx;
	struct message *m = item;

	if (m->verdict == LANE_VERDICT_ANSWER) {
		take_answer(t, m);
		return;
	}
	if (m->verdict == VERDICT_CHOSEN && t->replay) {
		m->verdict = VERDICT_SHED_HANDOVER;
		t->leftover++;
	}
	note_message(t, m, m->verdict);
	message_unref(m);
}

/* loop: one message from the lane, in order, at its time */
static void on_item(void *ctx, void *item)
{
	struct tap *t = ctx;
	struct message *m = item;
	bool sent = m->verdict == VERDICT_CHOSEN && t->replay;

	if (m->verdict == LANE_VERDICT_ANSWER || (sent && t->comparing && !comparing_expect(t->comparing, m))) {
		drop_item(t, m);
		return;
	}
	note_message(t, m, m->verdict);
	if (sent)
		replay_submit(t->replay, m);
	else
		message_unref(m);
}

static struct wall item_time(const void *item)
{
	return ((const struct message *)item)->origin.ts_last;
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

	if (t->outputs.events) {
		event_outcome(m, replay_target_name(t->replay, target), outcome, &t->event_line);
		write_event(t);
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

static void on_comparison(void *ctx, struct span line)
{
	struct tap *t = ctx;

	event_writer_add(t->outputs.events, line);
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

/* ---- the books, on demand ------------------------------------------------ */

static void take_books(struct tap *t, struct books *b)
{
	struct lanes_stats stats;
	struct books_sources from = {
		.capture = &stats.capture,
		.reassembly = &stats.reassembly,
		.policy = &stats.policy,
		.intake = t->replay ? intake_stats(t->intake) : NULL,
		.leftover = t->leftover,
		.target_count = t->replay ? replay_target_count(t->replay) : 0,
	};

	lanes_stats(t->lanes, &stats);
	for (size_t i = 0; i < from.target_count; i++)
		from.targets[i] = (struct books_target_source){
			.name = replay_target_name(t->replay, i),
			.shown = replay_target_shown(t->replay, i),
			.breaker = replay_breaker_state(t->replay, i),
			.stats = replay_target_stats(t->replay, i),
		};
	books_take(&from, b);
}

static void on_refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total)
{
	struct tap *t = ctx;

	uint64_t taken = counter_get(&intake_stats(t->intake)->taken), waiting = lanes_waiting(t->lanes);

	take_books(t, b);
	lanes_progress(t->lanes, done, total);
	/* A recording is read ahead of its pace: what waits in the ring is read, but not done. */
	if (taken + waiting > 0)
		*done = (uint64_t)((double)*done * (double)taken / (double)(taken + waiting));
}

/** struct facts_store - what struct run_facts points to */
struct facts_store {
	char started[TIME_TEXT_MAX];
	struct pace pace;
};

/* What is known while the run goes on: complaints, -w and why nothing was sent are told at its end. */
static struct run_facts facts_now(struct tap *t, const struct books *b, struct facts_store *store)
{
	static const struct buffer none;

	return (struct run_facts){
		.started = time_text(t->started_at, store->started),
		.seconds = (double)(mono_now().ns - t->started.ns) / 1e9,
		.interrupted = t->interrupted,
		.dry_run = t->o->dry_run,
		.complaints = &none,
		.events_dropped = t->outputs.events ? event_writer_dropped(t->outputs.events) : 0,
		.sink_requests = t->replay ? replay_sink_requests(t->replay) : 0,
		.sample = &t->sample,
		.pace = pace_of(b, intake_stats(t->intake), &store->pace) ? &store->pace : NULL,
		.config_read = t->config_read,
		.config_refused = t->config_refused,
		.comparing = t->comparing,
	};
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
	screen_close(&t->screen);
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

/* All answers of production that the lanes know are on their way to us: take them. */
static void take_last_answers(struct tap *t)
{
	intake_stop(t->intake, drop_item, t);
	for (size_t i = 0; i < t->lane_count; i++)
		for (struct message *m = lanes_take_late(t->lanes, i), *next; m; m = next) {
			next = m->next;
			take_answer(t, m);
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
	take_last_answers(t);
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
	take_books(t, &b);
	screen_print_books(&t->screen, &b);
}

static void on_duration(uv_timer_t *handle)
{
	struct tap *t = handle->data;

	stop_capture(t);
}

/* ---- setting up -------------------------------------------------------------- */

static struct policy_stats *verdicts_of(void *ctx, size_t lane)
{
	struct tap *t = ctx;

	return lanes_verdicts(t->lanes, lane);
}

static int make_rules(struct tap *t, const struct options *o, uint64_t share, struct rules *out, struct buffer *error)
{
	struct rules_wiring wiring = { .share = share, .is_own = is_own, .stats = verdicts_of, .ctx = t };

	return rules_make(o, t->lane_count, &wiring, out, error);
}

static int make_replay(struct tap *t, struct buffer *error)
{
	struct target_options targets[TARGETS_MAX];
	struct replay_options options = {
		.targets = targets,
		.target_count = t->o->target_count,
		.on_outcome = on_outcome,
		.on_unsent = on_unsent,
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
			.keep_answers = t->o->compare.on,
			.max_answer = t->o->compare.max_answer,
			.budget = &t->budget,
			.build_head = build_head,
			.build_head_ctx = &t->builders[i],
		};
	}
	return replay_new(&t->loop, &options, &t->replay, error);
}

/* Read again for --loop: from descriptors that are opened now, since whom we become may not open the paths. */
static int hold_files(struct tap *t)
{
	if (t->o->loops == 1 || t->held_fds)
		return 0;
	t->held_fds = malloc(t->o->files.count * sizeof(*t->held_fds));
	if (!t->held_fds)
		return -ENOMEM;
	for (size_t i = 0; i < t->o->files.count; i++) /* -1 if that fails: opening the path says why */
		t->held_fds[i] = open(t->o->files.at[i], O_RDONLY | O_CLOEXEC);
	return 0;
}

static void release_files(struct tap *t)
{
	for (size_t i = 0; t->held_fds && i < t->o->files.count; i++)
		if (t->held_fds[i] >= 0)
			close(t->held_fds[i]);
	free(t->held_fds);
}

static int open_files(void *ctx, struct source **out, struct buffer *error)
{
	struct tap *t = ctx;
	struct file_options options = {
		.paths = t->o->files.at,
		.path_count = t->o->files.count,
		.expression = t->o->expression,
	};

	if (hold_files(t) < 0) {
		buffer_add_str(error, "cannot read the capture files: out of memory");
		return -ENOMEM;
	}
	options.fds = t->held_fds;
	return source_open_files(&options, out, error);
}

static int open_sources(struct tap *t, struct buffer *error)
{
	struct live_options options = {
		.interfaces = t->o->interfaces.at,
		.interface_count = t->o->interfaces.count,
		.expression = t->o->expression,
		.ports = t->o->ports,
		.vxlan_ports = t->o->vxlan_ports,
		.tunnels = t->o->tunnels,
		.snaplen = t->o->snaplen,
		.buffer_bytes = t->o->buffer_bytes,
		.promiscuous = t->o->promiscuous,
	};
	struct buffer program = { 0 };
	int err;

	if (!t->live)
		return open_files(t, &t->sources[0], error);
	privileges_program(&program);
	options.program = program.len ? buffer_text(&program) : NULL;
	err = source_open_lanes(&options, t->lane_count, t->sources, error);
	buffer_deinit(&program);
	return err;
}

static int make_intake(struct tap *t, struct buffer *error)
{
	struct intake_options options = {
		.rings = lanes_rings(t->lanes),
		.ring_count = t->lane_count,
		.pace = t->live || t->o->dry_run ? PACE_NONE : t->o->speed_max ? PACE_TARGET : PACE_SCHEDULE,
		.speed = t->o->speed,
		.max_sleep_ns = t->o->max_sleep_ns,
		.item_time = item_time,
		.goes_at_once = t->o->compare.on ? goes_at_once : NULL,
		.has_room = has_room,
		.on_item = on_item,
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
		.tells_all = t->o->events_path || t->explain,
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

/* ---- SIGHUP: the configuration again ------------------------------------------- */

/* All is made before anything is replaced, so that a bad file changes nothing. @next is taken. */
static void put_in_force(struct tap *t, const struct options *next, struct rules *rules)
{
	struct rules old = t->rules;

	t->rules = *rules;
	rules_release_policies(&old); /* the lanes may be using them, and free them */
	rules_deinit(&old);
	for (size_t i = 0; t->replay && i < next->target_count; i++)
		replay_change(t->replay, i, next->targets[i].sample_share, next->targets[i].rate);
	/* before a lane can see it; later, the policy handed in last is still there to be changed */
	rules_set_share(&t->rules, sample_control_ask(&t->sample, next->policy.sample_share));
	lanes_change_policies(t->lanes, &t->rules);
	options_deinit(&t->reread);
	t->reread = *next;
	t->current = &t->reread;
	explain_rules(t->explain, t->current);
	screen_set_sample(&t->screen, t->sample.share);
}

static void log_refusal(struct tap *t, int err, struct buffer *error)
{
	if (error->len == 0)
		buffer_add_str(error, "out of memory");
	if (err == -EACCES)
		buffer_add_str(error, "; it is read as the user that -Z names: let that user read the file and enter "
				      "its folder (chmod, chown), or name another");
	t->config_refused++;
	log_warn("nothing was changed: %s", buffer_text(error));
}

static void log_changes(const struct buffer *changes, const struct buffer *restarts)
{
	if (changes->len > 0)
		log_info("the configuration was read again: %.*s", (int)changes->len, (const char *)changes->bytes);
	else
		log_info("the configuration was read again: %s", restarts->len ? "nothing that can change now did"
									      : "it is the same");
	if (restarts->len > 0)
		log_warn("this changed too and takes a restart: %.*s", (int)restarts->len,
			 (const char *)restarts->bytes);
}

static void reload(struct tap *t)
{
	struct buffer error = { 0 }, changes = { 0 }, restarts = { 0 };
	struct options next, now = *t->current; /* owns nothing */
	struct rules rules;
	int err = options_parse_again(t->o, &next, &error);

	if (err == 0) {
		option_restarts(t->o, &next, &restarts);
		option_keep_targets(&next, t->o);
		if (t->sample.has_ramp || next.ramp.over_ns > 0) /* a ramp neither begins nor ends here */
			next.policy.sample_share = t->current->policy.sample_share;
		else
			now.policy.sample_share = t->sample.asked; /* --admin may have changed it since */
		option_changes(&now, &next, &changes);
		err = make_rules(t, &next, next.policy.sample_share, &rules, &error);
		if (err == 0) {
			put_in_force(t, &next, &rules);
		} else {
			rules_deinit(&rules);
			options_deinit(&next);
		}
	}
	if (err < 0) {
		log_refusal(t, err, &error);
	} else {
		t->config_read++;
		log_changes(&changes, &restarts);
	}
	buffer_deinit(&error);
	buffer_deinit(&changes);
	buffer_deinit(&restarts);
}

static void on_reload_signal(uv_signal_t *handle, int signum)
{
	struct tap *t = handle->data;

	(void)signum;
	if (t->o->config_path)
		reload(t);
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

/* ---- the sample, while the run goes on ------------------------------------------- */

static void on_share(void *ctx, uint64_t share)
{
	struct tap *t = ctx;

	rules_set_share(&t->rules, share);
	screen_set_sample(&t->screen, share);
}

static struct ramp_counts counts_of(const struct target_stats *s, uint64_t queue_max)
{
	struct ramp_counts c = { .queued = counter_get(&s->queued), .queue_max = queue_max };

	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		uint64_t n = i == OUTCOME_CANCELLED_AT_EXIT ? 0 : counter_get(&s->outcome[i]);

		c.ended += n;
		c.failed += i >= OUTCOME_ANSWERED_5XX ? n : 0;
	}
	/* A target that is left alone answers nothing, and that would look well. */
	c.ended += counter_get(&s->shed[SHED_BREAKER]);
	c.failed += counter_get(&s->shed[SHED_BREAKER]);
	c.timeouts = counter_get(&s->outcome[OUTCOME_FAILED_TIMEOUT]);
	return c;
}

static size_t read_counts(void *ctx, struct ramp_counts counts[RAMP_TARGETS])
{
	struct tap *t = ctx;
	size_t count = t->replay ? replay_target_count(t->replay) : 0;

	for (size_t i = 0; i < count; i++)
		counts[i] = counts_of(replay_target_stats(t->replay, i), t->o->queue);
	return count;
}

static const char *target_name(void *ctx, size_t target)
{
	struct tap *t = ctx;

	return replay_target_name(t->replay, target);
}

/* ---- --admin ----------------------------------------------------------------------- */

static void admin_metrics(void *ctx, struct buffer *out)
{
	struct tap *t = ctx;
	struct metrics_facts facts = {
		.version = SHADOWTAP_VERSION,
		.started_s = (double)t->started_at.ns / 1e9,
		.cpu_s = (double)self_cpu_ns() / 1e9,
		.resident_bytes = self_resident_bytes(&t->self),
		.capturing = !t->lanes_joined,
		.sample_share = t->sample.share,
		.sample_asked = t->sample.asked,
		.queue_limit = t->o->queue,
		.memory_used = budget_used(&t->budget),
		.memory_limit = t->o->max_memory,
		.handover_waiting = lanes_waiting(t->lanes),
		.config_read = t->config_read,
		.config_refused = t->config_refused,
		.events_dropped = t->outputs.events ? event_writer_dropped(t->outputs.events) : 0,
		.admin_answers = admin_answers(t->admin),
		.admin_refused = admin_refused(t->admin),
	};
	struct books b;

	facts.comparing = t->comparing != NULL;
	for (size_t i = 0; i < t->current->target_count; i++) {
		facts.target_share[i] = t->current->targets[i].sample_share;
		for (int v = 0; t->comparing && v < COMPARISON_COUNT; v++)
			facts.compared[i][v] = comparing_count(t->comparing, i, (enum comparison_verdict)v);
	}
	take_books(t, &b);
	metrics_text(&b, &facts, out);
}

static void admin_stats(void *ctx, struct buffer *out)
{
	struct tap *t = ctx;
	struct facts_store store;
	struct run_facts facts;
	struct books b;

	take_books(t, &b);
	facts = facts_now(t, &b, &store);
	outputs_json(&b, &facts, out);
}

/*
 * Healthy is who does what a restart could not do better: a shadow that is down
 * is told, and is no reason to start us again.
 */
static bool admin_healthy(void *ctx, struct buffer *out)
{
	struct tap *t = ctx;

	if (t->interrupted || (t->live && t->lanes_joined)) {
		buffer_add_str(out, t->interrupted ? "stopping\n" : "the capture has ended\n");
		return false;
	}
	buffer_add_str(out, "ok\n");
	for (size_t i = 0; t->replay && i < replay_target_count(t->replay); i++)
		if (strcmp(replay_breaker_state(t->replay, i), "closed") != 0)
			buffer_printf(out, "target %s cannot be reached: its breaker is %s\n",
				      replay_target_name(t->replay, i), replay_breaker_state(t->replay, i));
	return true;
}

static uint64_t admin_sample(void *ctx)
{
	const struct tap *t = ctx;

	return t->sample.share;
}

static bool admin_set_sample(void *ctx, uint64_t share, struct buffer *out)
{
	struct tap *t = ctx;
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX];

	if (t->sample.has_ramp) {
		buffer_add_str(out, "the ramp moves the sample; start without --ramp to set it\n");
		return false;
	}
	share_text(t->sample.asked, from);
	on_share(t, sample_control_ask(&t->sample, share));
	log_info("sample %s -> %s, asked for at --admin", from, share_text(share, to));
	return true;
}

static int start_admin(struct tap *t, struct buffer *error)
{
	const struct admin_routes routes = {
		.metrics = admin_metrics,
		.stats = admin_stats,
		.healthy = admin_healthy,
		.sample = admin_sample,
		.set_sample = admin_set_sample,
		.ctx = t,
	};
	int err = t->admin ? admin_start(t->admin, &t->loop, &routes) : 0;

	if (err < 0)
		buffer_printf(error, "cannot serve --admin: %s", uv_strerror(err));
	return err;
}

static void add_handles(struct tap *t)
{
	const struct sample_hooks hooks = { read_counts, target_name, on_share, t };

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
	sample_control_open(&t->sample, &t->loop, &hooks);
	screen_open(&t->screen, &t->loop, t->o, on_refresh, t);
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

static int set_up(struct tap *t, struct buffer *error)
{
	int err;

	t->live = t->o->files.count == 0;
	budget_init(&t->budget, t->o->max_memory);
	t->fail_log = fail_log_new(t->o->log_format == LOG_FORMAT_JSON, t->o->show_query);
	t->explain = explain_new(t->o);
	t->event_options = (struct event_options){ t->o->show_query, shows_header, t };
	sample_control_init(&t->sample, t->o);
	t->lane_count = t->live ? t->o->lanes : 1;
	t->lanes = lanes_new(t->lane_count, RING_SLOTS);
	if (!t->lanes) {
		buffer_add_str(error, "cannot set up the capture: out of memory");
		return -ENOMEM;
	}
	err = make_rules(t, t->o, t->sample.share, &t->rules, error);
	if (err < 0)
		return err;
	if (t->o->compare.on && (err = comparing_new(t->o, &t->comparing, error)) < 0)
		return err;
	t->rules_ready = true;
	if ((t->o->admin.at.family || t->o->admin.path[0]) && (err = admin_open(&t->o->admin, &t->admin, error)) < 0)
		return err;
	t->self = self_open();
	if ((err = open_sources(t, error)) < 0 || (err = outputs_open(&t->outputs, t->o, error)) < 0)
		return err;
	if ((err = recording_open(&t->recording, t->o, t->sources[0], error)) < 0)
		return err;
	err = uv_loop_init(&t->loop);
	t->loop_ready = err == 0;
	if (err < 0) {
		buffer_add_str(error, "cannot set up the event loop: out of memory or descriptors");
		return -ENOMEM;
	}
	if ((err = make_replay(t, error)) < 0 || (err = privileges_drop(t->o->user, error)) < 0)
		return err;
	if ((err = recording_start(&t->recording, t->lane_count, &t->budget, error)) < 0)
		return err;
	if ((err = make_intake(t, error)) < 0 || (err = open_lanes(t, error)) < 0)
		return err;
	err = outputs_start(&t->outputs, !t->live);
	if (err < 0)
		buffer_printf(error, "cannot start the writer of events: %s", uv_strerror(err));
	if (err == 0)
		err = start_comparing(t, error);
	return err < 0 || !t->o->sandbox ? err : sandbox_enter(error);
}

/* ---- the end --------------------------------------------------------------------- */

static void print_pace(const struct pace *pace)
{
	struct buffer line = { 0 };

	pace_text(pace, &line);
	if (buffer_ok(&line) && log_enabled(LOG_INFO))
		log_finished(line.bytes, line.len);
	buffer_deinit(&line);
}

static void print_comparing(struct comparing *comparing)
{
	struct buffer lines = { 0 };

	comparing_text(comparing, &lines);
	if (buffer_ok(&lines) && log_enabled(LOG_INFO))
		log_raw(lines.bytes, lines.len);
	buffer_deinit(&lines);
}

static void print_end(struct tap *t, const struct books *b, const struct run_facts *facts)
{
	struct buffer imbalance = { 0 };

	screen_print_books(&t->screen, b);
	if (facts->pace)
		print_pace(facts->pace);
	if (facts->comparing)
		print_comparing(facts->comparing);
	if (!books_imbalance(b, &imbalance))
		log_error("the books do not balance, please report this: %s", buffer_text(&imbalance));
	buffer_deinit(&imbalance);
	if (facts->nothing_sent)
		log_warn("%s", facts->nothing_sent);
}

/* --fail-on: the last line says what came of it. */
static bool gate_passes(const struct comparing *comparing)
{
	struct buffer line = { 0 };
	bool passes = comparing_gate(comparing, &line);

	if (!passes)
		log_error("%s", buffer_text(&line));
	else if (line.len > 0)
		log_info("%s", buffer_text(&line));
	buffer_deinit(&line);
	return passes;
}

static int report(struct tap *t)
{
	struct run_shape shape = {
		.live = t->live,
		.dry_run = t->o->dry_run,
		.interrupted = t->interrupted,
		.has_ports = t->o->ports.count > 0,
		.has_expression = t->o->expression != NULL,
		.sample_share = t->sample.share,
	};
	struct facts_store store;
	struct run_facts facts;
	struct buffer why = { 0 };
	struct books b;
	int recorded, events, written;

	take_books(t, &b);
	explain_end(t->explain, &b);
	t->explain = NULL;
	if (t->outputs.events)
		event_writer_flush(t->outputs.events);
	facts = facts_now(t, &b, &store);
	facts.complaints = lanes_complaints(t->lanes);
	facts.recording = recording_is_on(&t->recording) ? &t->recording.stats : NULL;
	fail_log_deinit(&t->fail_log, wall_now());
	if (why_nothing(&b, &shape, &why)) {
		why.len--; /* its newline */
		facts.nothing_sent = buffer_text(&why);
	}
	recorded = recording_finish(&t->recording);
	events = outputs_finish_events(&t->outputs);
	written = outputs_report(&t->outputs, &b, &facts);
	print_end(t, &b, &facts);
	buffer_deinit(&why);
	if (recorded < 0 || events < 0 || written < 0)
		t->status = EXIT_COULD_NOT;
	if (t->comparing && !gate_passes(t->comparing) && t->status == EXIT_DONE)
		t->status = EXIT_GATE;
	return t->status;
}

static void tear_down(struct tap *t)
{
	if (t->lanes_open)
		rules_release_policies(&t->rules); /* the lanes free them */
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
	self_close(&t->self);
	comparing_free(t->comparing);
	lanes_free(t->lanes);
	rules_deinit(&t->rules);
	options_deinit(&t->reread);
	recording_close(&t->recording);
	outputs_close(&t->outputs);
	buffer_deinit(&t->event_line);
	screen_deinit(&t->screen);
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
	t->self.statm_fd = -1;
	err = set_up(t, &error);
	if (err == 0) {
		t->started = mono_now();
		t->started_at = wall_now();
		add_handles(t);
		screen_begin(&t->screen);
		err = start_admin(t, &error);
		if (err == 0 && (err = lanes_start(t->lanes)) < 0)
			buffer_printf(&error, "cannot start the capture thread: %s", uv_strerror(err));
	}
	if (err < 0) {
		log_error("%s", buffer_text(&error));
		status = err == -EINVAL && !t->rules_ready ? EXIT_USAGE : EXIT_COULD_NOT;
	} else {
		uv_run(&t->loop, UV_RUN_DEFAULT);
		status = report(t);
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
