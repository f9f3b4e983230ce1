/* run_reload.c - the rules of a run, and SIGHUP: the configuration again */
#include <errno.h>

#include "app/options/option_change.h"
#include "app/run/run_impl.h"
#include "base/log.h"
#include "app/run/stages.h"

static bool is_own(void *ctx, const struct request_origin *origin)
{
	const struct run *r = ctx;

	return (r->replay && replay_is_own(r->replay, &origin->client, &origin->server)) ||
	       (r->handing_over && handing_over_is_own(r->handing_over, origin->client.port, origin->server.port)) ||
	       (r->admin && admin_is_own(r->admin, &origin->server));
}

static struct policy_stats *decisions_of(void *ctx, size_t lane)
{
	struct run *r = ctx;

	return lanes_decisions(r->lanes, lane);
}

int run_make_rules(struct run *r, const struct options *o, uint64_t share, struct rules *out, struct buffer *error)
{
	struct rules_wiring wiring = { .share = share, .is_own = is_own, .stats = decisions_of, .ctx = r };

	return rules_make(o, r->lane_count, &wiring, out, error);
}

/* All is made before anything is replaced, so that a bad file changes nothing. @next is taken. */
static void put_in_force(struct run *r, const struct options *next, struct rules *rules)
{
	struct rules old = r->rules;

	r->rules = *rules;
	rules_release_lanes(&old); /* the lanes may be using them, and free them */
	rules_deinit(&old);
	for (size_t i = 0; r->replay && i < next->target_count; i++)
		replay_change(r->replay, i, next->targets[i].sample_share, next->targets[i].rate);
	/* before a lane can see it; later, the rules handed in last are still there to be changed */
	rules_set_share(&r->rules, sample_control_ask(&r->sample, next->policy.sample_share));
	lanes_change_rules(r->lanes, &r->rules);
	options_deinit(&r->reread);
	r->reread = *next;
	r->current = &r->reread;
	explain_rules(r->explain, stages_explain(r->current));
	progress_set_sample(&r->progress, r->sample.share);
}

static void log_refusal(struct run *r, int err, struct buffer *error, struct buffer *said)
{
	if (error->len == 0)
		buffer_add_str(error, "out of memory");
	if (err == -EACCES)
		buffer_add_str(error, "; it is read as the user that -Z names: let that user read the file and enter "
				      "its folder (chmod, chown), or name another");
	r->config_refused++;
	buffer_printf(said, "nothing was changed: %s\n", buffer_text(error));
	log_warn("nothing was changed: %s", buffer_text(error));
}

static void log_changes(struct buffer *changes, struct buffer *restarts, struct buffer *said)
{
	const char *what = changes->len    ? buffer_text(changes)
			   : restarts->len ? "nothing that can change now did"
					   : "it is the same";

	log_info("the configuration was read again: %s", what);
	buffer_printf(said, "the configuration was read again: %s\n", what);
	if (restarts->len == 0)
		return;
	log_warn("this changed too and takes a restart: %s", buffer_text(restarts));
	buffer_printf(said, "this changed too and takes a restart: %s\n", buffer_text(restarts));
}

static bool read_again(struct run *r, struct buffer *said)
{
	struct buffer error = { 0 }, changes = { 0 }, restarts = { 0 };
	struct options next, now = *r->current; /* owns nothing */
	struct rules rules;
	int err = options_parse_again(r->o, &next, &error);

	if (err == 0) {
		option_restarts(r->o, &next, &restarts);
		option_keep_targets(&next, r->o);
		if (r->sample.has_ramp || next.ramp.over_ns > 0) /* a ramp neither begins nor ends here */
			next.policy.sample_share = r->current->policy.sample_share;
		else
			now.policy.sample_share = r->sample.asked; /* --admin may have changed it since */
		option_changes(&now, &next, &changes);
		err = run_make_rules(r, &next, next.policy.sample_share, &rules, &error);
		if (err == 0) {
			put_in_force(r, &next, &rules);
		} else {
			rules_deinit(&rules);
			options_deinit(&next);
		}
	}
	if (err < 0) {
		log_refusal(r, err, &error, said);
	} else {
		r->config_read++;
		log_changes(&changes, &restarts, said);
	}
	buffer_deinit(&error);
	buffer_deinit(&changes);
	buffer_deinit(&restarts);
	return err == 0;
}

bool run_reload(struct run *r, struct buffer *said)
{
	static const char none[] = "there is no configuration file to read again; start with -f FILE to have one";

	if (r->o->config_path)
		return read_again(r, said);
	log_warn("%s", none);
	buffer_printf(said, "%s\n", none);
	return false;
}
