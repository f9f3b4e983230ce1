/*
 * run_targets.c - the targets of a run: how they are made of the options, and what they say of each request
 */
#include <string.h>

#include "app/run/run_impl.h"
#include "app/run/stages.h"
#include "base/log.h"

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	const struct head_builder *b = ctx;

	return rewrite_request(b->run->rules.rewrite[b->target], m, out);
}

void run_on_room(void *ctx)
{
	struct run *r = ctx;

	if (r->intake)
		intake_room(r->intake);
}

/* Rewritten anew, since lines are few, and every request would have to carry what it was sent as. */
void run_log_failure(struct run *r, size_t target, const struct message *m, const struct outcome *o)
{
	struct failed_exchange e = { m, o, replay_target_shown(r->replay, target), m->head.target };
	struct span prefix = span_str(r->o->targets[target].url.prefix);
	struct outgoing out = { 0 };

	if (!fail_log_admits(&r->fail_log, mono_now()))
		return;
	if (rewrite_request(r->rules.rewrite[target], m, &out) == 0) {
		e.asked = out.target;
		if (span_starts(e.asked, prefix) && !span_skip(&e.asked, prefix.len))
			e.asked = out.target;
	}
	fail_log_write(&r->fail_log, &e, wall_now());
	outgoing_deinit(&out);
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct run *r = ctx;
	struct buffer *line = run_begin_event(r);

	if (line) {
		event_outcome(m, replay_target_name(r->replay, target), outcome, line);
		run_end_event(r);
	}
	explain_outcome(r->explain, replay_target_name(r->replay, target), m, outcome);
	/* a status is the shadow's failure if production's is another one, which the pair shows: on_unlike_failure() */
	if (outcome_is_failure(outcome) && !(r->comparing && outcome_is_answered(outcome->kind)))
		run_log_failure(r, target, m, outcome);
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
		run_stop_capture(r);
}

int run_make_replay(struct run *r, struct buffer *error)
{
	struct target_options targets[TARGETS_MAX];
	struct replay_options options = {
		.targets = targets,
		.target_count = r->o->target_count,
		.on_outcome = on_outcome,
		.on_unsent = on_unsent,
		.on_production = on_production,
		.on_room = run_on_room,
		.ctx = r,
	};

	if (r->o->dry_run || r->o->target_count == 0) /* a broker alone */
		return 0;
	for (size_t i = 0; i < r->o->target_count; i++) {
		r->builders[i] = (struct head_builder){ r, i };
		targets[i] = stages_target(r->o, i);
		targets[i].budget = &r->budget;
		targets[i].make_head = make_head;
		targets[i].make_head_ctx = &r->builders[i];
	}
	return replay_new(&r->loop, &options, &r->replay, error);
}
