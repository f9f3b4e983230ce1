/* tap_reload.c - the rules of a run, and SIGHUP: the configuration again */
#include <errno.h>

#include "app/options/option_change.h"
#include "app/run/tap_impl.h"
#include "base/log.h"

static bool is_own(void *ctx, const struct request_origin *origin)
{
	const struct tap *t = ctx;

	return (t->replay && replay_is_own(t->replay, &origin->client, &origin->server)) ||
	       (t->admin && admin_is_own(t->admin, &origin->server));
}

static struct policy_stats *decisions_of(void *ctx, size_t lane)
{
	struct tap *t = ctx;

	return lanes_decisions(t->lanes, lane);
}

int tap_make_rules(struct tap *t, const struct options *o, uint64_t share, struct rules *out, struct buffer *error)
{
	struct rules_wiring wiring = { .share = share, .is_own = is_own, .stats = decisions_of, .ctx = t };

	return rules_make(o, t->lane_count, &wiring, out, error);
}

/* All is made before anything is replaced, so that a bad file changes nothing. @next is taken. */
static void put_in_force(struct tap *t, const struct options *next, struct rules *rules)
{
	struct rules old = t->rules;

	t->rules = *rules;
	rules_release_lanes(&old); /* the lanes may be using them, and free them */
	rules_deinit(&old);
	for (size_t i = 0; t->replay && i < next->target_count; i++)
		replay_change(t->replay, i, next->targets[i].sample_share, next->targets[i].rate);
	/* before a lane can see it; later, the rules handed in last are still there to be changed */
	rules_set_share(&t->rules, sample_control_ask(&t->sample, next->policy.sample_share));
	lanes_change_rules(t->lanes, &t->rules);
	options_deinit(&t->reread);
	t->reread = *next;
	t->current = &t->reread;
	explain_rules(t->explain, t->current);
	progress_set_sample(&t->progress, t->sample.share);
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

void tap_reload(struct tap *t)
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
		err = tap_make_rules(t, &next, next.policy.sample_share, &rules, &error);
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
