/* run_admin.c - what moves the sample while the run goes on, and what --admin asks */
#include <math.h>
#include <string.h>

#include "app/run/run_impl.h"
#include "base/log.h"
#include "base/units.h"
#include "report/metrics.h"
#include "report/page.h"

static void on_share(void *ctx, uint64_t share)
{
	struct run *r = ctx;

	rules_set_share(&r->rules, share);
	progress_set_sample(&r->progress, share);
}

static size_t read_counts(void *ctx, struct ramp_counts counts[RAMP_TARGETS])
{
	struct run *r = ctx;
	size_t count = r->replay ? replay_target_count(r->replay) : 0;

	for (size_t i = 0; i < count; i++)
		counts[i] = sample_counts(replay_target_stats(r->replay, i), r->o->queue);
	return count;
}

static const char *target_name(void *ctx, size_t target)
{
	struct run *r = ctx;

	return replay_target_name(r->replay, target);
}

static struct ramp_pairs read_pairs(void *ctx)
{
	struct run *r = ctx;
	const struct decision_made *d = run_decide(r);
	struct ramp_pairs pairs = { d->pairs, d->pairs_to_go, RAMP_MORE };

	switch (d->state) {
	case DECISION_PROMOTE:
		pairs.decided = RAMP_PROMOTE;
		break;
	case DECISION_REJECT:
		pairs.decided = RAMP_REJECT;
		break;
	case DECISION_NONE:
		pairs.to_go = INFINITY;
		break;
	case DECISION_KEEP_WATCHING:
		break;
	}
	return pairs;
}

void run_open_sample_control(struct run *r)
{
	const struct sample_hooks hooks = { read_counts, target_name, read_pairs, on_share, r };

	sample_control_open(&r->sample, &r->loop, &hooks);
}

/* ---- --admin ----------------------------------------------------------------------- */

static void admin_metrics(void *ctx, struct buffer *out)
{
	struct run *r = ctx;
	struct metrics_facts facts = {
		.version = SHADOWTAP_VERSION,
		.started_s = (double)r->started_at.ns / 1e9,
		.cpu_s = (double)process_usage_cpu_ns() / 1e9,
		.resident_bytes = process_usage_resident_bytes(&r->process_usage),
		.capturing = !r->stop.lanes_ended,
		.sample_share = r->sample.share,
		.sample_asked = r->sample.asked,
		.queue_limit = r->o->queue,
		.memory_used = budget_used(&r->budget),
		.memory_limit = r->o->max_memory,
		.handover_waiting = lanes_waiting(r->lanes),
		.config_read = r->config_read,
		.config_refused = r->config_refused,
		.events_dropped = r->outputs.events ? event_writer_dropped(r->outputs.events) : 0,
		.admin_responses = admin_responses(r->admin),
		.admin_refused = admin_refused(r->admin),
	};
	struct books b;

	facts.comparing = r->comparing != NULL;
	for (size_t i = 0; i < r->current->target_count; i++) {
		facts.target_share[i] = r->current->targets[i].sample_share;
		if (r->comparing)
			facts.compared[i] = comparing_counts(r->comparing, i);
	}
	facts.comparing_open = r->comparing ? comparing_open(r->comparing) : 0;
	run_take_books(r, &b);
	metrics_text(&b, &facts, out);
}

static void admin_stats(void *ctx, struct buffer *out)
{
	struct run *r = ctx;
	struct facts_store store;
	struct document_facts facts;
	struct books b;

	run_take_books(r, &b);
	facts = run_facts_now(r, &b, &store);
	if (r->comparing)
		comparing_lock(r->comparing);
	document_json(&facts, NULL, out);
	if (r->comparing)
		comparing_unlock(r->comparing);
}

static int draw_page(struct run *r, struct buffer *out)
{
	struct buffer json = { 0 };
	struct json_doc doc = { 0 };
	char now[TIME_TEXT_MAX];
	int err;

	admin_stats(r, &json);
	err = json_doc_parse(&doc, buffer_span(&json));
	if (err == 0)
		err = page_draw_live(&doc, time_text(wall_now(), now), out);
	json_doc_deinit(&doc);
	buffer_deinit(&json);
	return err;
}

/* Made once a second at most, whoever asks: while it is made the loop does nothing else. */
static void admin_page(void *ctx, struct buffer *out)
{
	struct run *r = ctx;

	if (r->page.len == 0 || mono_now().ns - r->page_at.ns >= NS_PER_S) {
		buffer_clear(&r->page);
		if (draw_page(r, &r->page) < 0)
			buffer_clear(&r->page);
		r->page_at = mono_now();
	}
	if (r->page.len == 0)
		buffer_add_str(out, "<!DOCTYPE html><title>shadowtap</title><p>There is no memory to draw the report.");
	else
		buffer_add_span(out, buffer_span(&r->page));
}

static bool admin_reload(void *ctx, struct buffer *out)
{
	return run_reload(ctx, out);
}

/*
 * Healthy is who does what a restart could not do better: a shadow that is down
 * is told, and is no reason to start us again.
 */
static bool admin_healthy(void *ctx, struct buffer *out)
{
	struct run *r = ctx;

	if (r->stop.interrupted || (r->live && r->stop.lanes_ended)) {
		buffer_add_str(out, r->stop.interrupted ? "stopping\n" : "the capture has ended\n");
		return false;
	}
	buffer_add_str(out, "ok\n");
	for (size_t i = 0; r->replay && i < replay_target_count(r->replay); i++)
		if (strcmp(replay_breaker_state(r->replay, i), "closed") != 0)
			buffer_printf(out, "target %s cannot be reached: its breaker is %s\n",
				      replay_target_name(r->replay, i), replay_breaker_state(r->replay, i));
	return true;
}

static uint64_t admin_sample(void *ctx)
{
	const struct run *r = ctx;

	return r->sample.share;
}

static bool admin_set_sample(void *ctx, uint64_t share, struct buffer *out)
{
	struct run *r = ctx;
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX];

	if (r->sample.has_ramp) {
		buffer_add_str(out, "the ramp moves the sample; start without --ramp to set it\n");
		return false;
	}
	share_text(r->sample.asked, from);
	on_share(r, sample_control_ask(&r->sample, share));
	log_info("sample %s -> %s, asked for at --admin", from, share_text(share, to));
	return true;
}

static const char *admin_decision(void *ctx, struct buffer *out)
{
	static const struct decision_made nothing = { .state = DECISION_NONE, .pairs_to_go = INFINITY, .seconds_to_go = INFINITY };
	struct run *r = ctx;
	const struct decision_made *d = r->comparing ? run_decide(r) : &nothing;
	struct json j = json_to(out);

	decision_json(d, &j);
	buffer_add_str(out, "\n");
	return decision_state_name(d->state);
}

struct admin_routes run_admin_routes(struct run *r)
{
	return (struct admin_routes){
		.metrics = admin_metrics,
		.stats = admin_stats,
		.page = admin_page,
		.healthy = admin_healthy,
		.sample = admin_sample,
		.set_sample = admin_set_sample,
		.decision = admin_decision,
		.reload = admin_reload,
		.ctx = r,
	};
}

int run_start_admin(struct run *r, struct buffer *error)
{
	const struct admin_routes routes = run_admin_routes(r);
	int err = r->admin ? admin_start(r->admin, &r->loop, &routes) : 0;

	if (err < 0)
		buffer_printf(error, "cannot serve --admin: %s", uv_strerror(err));
	return err;
}
