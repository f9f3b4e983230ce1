/* tap_admin.c - what moves the sample while the run goes on, and what --admin asks */
#include <string.h>

#include "app/run/tap_impl.h"
#include "base/log.h"
#include "base/units.h"
#include "report/metrics.h"

static void on_share(void *ctx, uint64_t share)
{
	struct tap *t = ctx;

	rules_set_share(&t->rules, share);
	progress_set_sample(&t->progress, share);
}

static struct ramp_counts counts_of(const struct target_stats *s, uint64_t queue_max)
{
	struct ramp_counts c = { .queued = counter_get(&s->queued), .queue_max = queue_max };

	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		uint64_t n = i == OUTCOME_CANCELLED_AT_EXIT ? 0 : counter_get(&s->outcome[i]);

		c.ended += n;
		if (i == OUTCOME_ANSWERED_5XX || (!outcome_is_answered(i) && i != OUTCOME_FAILED_STALE))
			c.failed += n; /* stale is no trouble of the shadow's */
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

void tap_open_sample_control(struct tap *t)
{
	const struct sample_hooks hooks = { read_counts, target_name, on_share, t };

	sample_control_open(&t->sample, &t->loop, &hooks);
}

/* ---- --admin ----------------------------------------------------------------------- */

static void admin_metrics(void *ctx, struct buffer *out)
{
	struct tap *t = ctx;
	struct metrics_facts facts = {
		.version = SHADOWTAP_VERSION,
		.started_s = (double)t->started_at.ns / 1e9,
		.cpu_s = (double)process_usage_cpu_ns() / 1e9,
		.resident_bytes = process_usage_resident_bytes(&t->process_usage),
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
		.admin_responses = admin_responses(t->admin),
		.admin_refused = admin_refused(t->admin),
	};
	struct books b;

	facts.comparing = t->comparing != NULL;
	for (size_t i = 0; i < t->current->target_count; i++) {
		facts.target_share[i] = t->current->targets[i].sample_share;
		for (int v = 0; t->comparing && v < COMPARISON_COUNT; v++)
			facts.compared[i][v] = comparing_count(t->comparing, i, (enum comparison_verdict)v);
		if (t->comparing) {
			facts.decisions[i] = comparing_decisions(t->comparing, i, &facts.agree[i]);
			facts.generated_different[i] = comparing_generated_different(t->comparing, i);
		}
	}
	facts.comparing_open = t->comparing ? comparing_open(t->comparing) : 0;
	tap_take_books(t, &b);
	metrics_text(&b, &facts, out);
}

static void admin_stats(void *ctx, struct buffer *out)
{
	struct tap *t = ctx;
	struct facts_store store;
	struct run_facts facts;
	struct books b;

	tap_take_books(t, &b);
	facts = tap_facts_now(t, &b, &store);
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

int tap_start_admin(struct tap *t, struct buffer *error)
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
