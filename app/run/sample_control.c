/* sample_control.c - see sample_control.h */
#include "app/run/sample_control.h"

#include "app/process/process_usage.h"
#include "base/log.h"
#include "base/units.h"

static void change(struct sample_control *s)
{
	s->share = s->has_governor ? governor_share(&s->governor, s->asked) : s->asked;
	s->hooks.on_share(s->hooks.ctx, s->share);
}

static void tell_ramp(struct sample_control *s, enum ramp_event event)
{
	const struct ramp *r = &s->ramp;
	char share[UNITS_TEXT_MAX];

	share_text(r->share, share);
	if (event == RAMP_HELD)
		log_warn("ramp: the sample stays at %s: target %s: %s", share,
			 s->hooks.target_name(s->hooks.ctx, r->trouble_target), ramp_trouble_text(r->trouble));
	else if (event == RAMP_RESUMED)
		log_info("ramp: the shadow is well again, the sample goes on rising from %s", share);
	else if (event == RAMP_REACHED)
		log_info("ramp: the sample has reached %s", share);
	else if (event == RAMP_KEPT)
		log_info("ramp: decided: promote; the sample is %s from here on", share);
	else if (event == RAMP_STOPPED)
		log_warn("ramp: decided: reject; nothing more is sent to the shadow");
	else
		log_debug("ramp: sample %s", share);
}

static void on_ramp_timer(uv_timer_t *timer)
{
	struct sample_control *s = timer->data;
	struct ramp_counts counts[RAMP_TARGETS] = { { 0 } };
	size_t count = s->hooks.counts(s->hooks.ctx, counts);
	struct ramp_pairs pairs = { 0 };
	bool have_say = s->set.ramp.decide_ns > 0;
	enum ramp_event event;

	if (have_say)
		pairs = s->hooks.pairs(s->hooks.ctx);
	event = ramp_look(&s->ramp, mono_now(), have_say ? &pairs : NULL, counts, count);
	if (event == RAMP_SAME)
		return;
	if (event != RAMP_HELD && event != RAMP_RESUMED) {
		s->asked = s->ramp.share;
		change(s);
	}
	tell_ramp(s, event);
}

static void on_governor_timer(uv_timer_t *timer)
{
	struct sample_control *s = timer->data;
	uint64_t before = s->share;
	enum governor_event event = governor_look(&s->governor, mono_now(), process_usage_cpu_ns());
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX];

	if (event == GOVERNOR_SAME)
		return;
	change(s);
	share_text(before, from);
	share_text(s->share, to);
	if (event == GOVERNOR_LOWERED)
		log_warn("%u %% of a core is more than --max-cpu %u %%: sample %s -> %s", s->governor.usage,
			 s->governor.limit, from, to);
	else
		log_info("%u %% of a core leaves room below --max-cpu %u %%: sample %s -> %s",
			 s->governor.usage, s->governor.limit, from, to);
}

struct ramp_counts sample_counts(const struct target_stats *s, uint64_t queue_max)
{
	struct ramp_counts c = { .queued = counter_get(&s->queued), .queue_max = queue_max };

	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		uint64_t n = i == OUTCOME_CANCELLED_AT_EXIT ? 0 : counter_get(&s->outcome[i]);

		c.ended += n;
		if (i == OUTCOME_ANSWERED_5XX || (!outcome_is_answered(i) && i != OUTCOME_FAILED_STALE))
			c.failed += n; /* stale is no trouble of the shadow's */
	}
	c.failed += counter_get(&s->grpc_unwell);
	/* A target that is left alone answers nothing, and that would look well. */
	c.ended += counter_get(&s->shed[SHED_BREAKER]);
	c.failed += counter_get(&s->shed[SHED_BREAKER]);
	c.timeouts = counter_get(&s->outcome[OUTCOME_FAILED_TIMEOUT]);
	return c;
}

void sample_control_init(struct sample_control *s, struct sample_settings set)
{
	*s = (struct sample_control){ .set = set,
				      .has_ramp = set.ramp.over_ns > 0,
				      .has_governor = set.max_cpu > 0 };
	s->asked = s->share = s->has_ramp ? set.ramp.from : set.share;
}

void sample_control_open(struct sample_control *s, uv_loop_t *loop, const struct sample_hooks *hooks)
{
	uint64_t every_ms = (uint64_t)(ramp_look_every_ns(&s->set.ramp) / NS_PER_MS);
	uint64_t governor_ms = GOVERNOR_LOOK_NS / NS_PER_MS;

	s->hooks = *hooks;
	uv_timer_init(loop, &s->ramp_timer);
	uv_timer_init(loop, &s->governor_timer);
	s->ramp_timer.data = s->governor_timer.data = s;
	if (s->has_ramp) {
		s->ramp = ramp_new(&s->set.ramp, mono_now());
		uv_timer_start(&s->ramp_timer, on_ramp_timer, every_ms, every_ms);
	}
	if (s->has_governor) {
		s->governor = governor_new(s->set.max_cpu, mono_now(), process_usage_cpu_ns());
		uv_timer_start(&s->governor_timer, on_governor_timer, governor_ms, governor_ms);
	}
}

uint64_t sample_control_ask(struct sample_control *s, uint64_t share)
{
	if (!s->has_ramp)
		s->asked = share;
	s->share = s->has_governor ? governor_share(&s->governor, s->asked) : s->asked;
	return s->share;
}

void sample_control_close(struct sample_control *s)
{
	uv_close((uv_handle_t *)&s->ramp_timer, NULL);
	uv_close((uv_handle_t *)&s->governor_timer, NULL);
}

static const char *evidence_name(enum ramp_evidence evidence)
{
	static const char *const names[] = {
		[RAMP_MORE] = "more", [RAMP_ENOUGH] = "enough", [RAMP_PROMOTE] = "promote", [RAMP_REJECT] = "reject"
	};

	return names[evidence];
}

static double of_one(uint64_t share)
{
	return (double)share / (double)SHARE_ONE;
}

void sample_control_facts(const struct sample_control *s, struct sample_facts *store, struct document_facts *out)
{
	const struct ramp *r = &s->ramp;
	const struct governor *g = &s->governor;

	store->ramp = (struct document_ramp){ of_one(r->options.from), of_one(r->options.to), of_one(r->share),
					      r->trouble != RAMP_WELL, r->held_times, (double)r->options.decide_ns / NS_PER_S,
					      evidence_name(r->evidence) };
	store->governor = (struct document_governor){ g->limit / 100.0, g->lowered_times,
						      of_one(governor_share(g, SHARE_ONE)) };
	out->sample = of_one(s->share);
	out->ramp = s->has_ramp ? &store->ramp : NULL;
	out->governor = s->has_governor ? &store->governor : NULL;
}
