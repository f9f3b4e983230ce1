/* rules.c - see rules.h */
#include "app/run/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "app/options/options.h"
#include "base/lines.h"
#include "base/log.h"
#include "policy/sample.h"

/* each line of @lines as a warning of its own */
static void log_lines(const struct buffer *lines)
{
	struct span rest = buffer_span(lines), line;

	while (line_take(&rest, &line))
		log_warn("%.*s", (int)line.len, (const char *)line.at);
}

/* @target: an index; where there are no targets, 0 stands for what one would be sent */
static int make_rewrite(const struct options *o, size_t target, struct rewrite **out, struct buffer *error)
{
	const struct target_settings *settings = &o->targets[target];
	struct rewrite_options options = {
		.allow = o->allow_headers,
		.host_mode = o->host_mode,
		.host_value = o->host_value,
		.authority = o->target_count ? settings->url.authority : "localhost",
		.prefix = o->target_count ? settings->url.prefix : "",
		.paths = o->rewrite_paths,
		.traceparent = o->traceparent,
	};

	if (o->target_count)
		options.set = settings->set_headers;
	return rewrite_new(&options, out, error);
}

static int make_rewrites(const struct options *o, struct rules *out, struct buffer *error)
{
	size_t count = o->target_count ? o->target_count : 1;

	for (size_t i = 0; i < count; i++) {
		int err = make_rewrite(o, i, &out->rewrite[i], error);

		if (err < 0)
			return err;
		out->rewrite_count++;
	}
	return 0;
}

/* What a broker gets is what was captured: -H, Host and path are the replayers'. */
static int make_handed_over(const struct options *o, struct rules *out, struct buffer *error)
{
	return o->relay.target.host_count > 0 ? allow_list_new(&o->allow_headers, &out->handed_over, error) : 0;
}

static int make_lane(const struct options *o, const struct policy_options *policy, struct lane_rules **out,
		     struct buffer *error)
{
	struct lane_rules *r = calloc(1, sizeof(*r));
	int err = r ? policy_new(policy, &r->policy, error) : -ENOMEM;

	if (err == 0 && o->events_path)
		err = make_rewrite(o, 0, &r->shown, error);
	if (err < 0) {
		lane_rules_free(r);
		return err;
	}
	*out = r;
	return 0;
}

static int make_lanes(const struct options *o, size_t lanes, const struct rules_wiring *wiring, struct rules *out,
		      struct buffer *error)
{
	static const char *any[] = { "any" };

	for (size_t lane = 0; lane < lanes; lane++) {
		struct policy_options options = o->policy;
		int err;

		if (options.methods.count == 0 && o->relay.source.host_count > 0)
			options.methods = (struct texts){ any, 1 }; /* the taps have chosen */
		options.sample_phase = sampler_phase(lane, lanes);
		if (wiring) {
			options.sample_share = wiring->share;
			options.is_own = wiring->is_own;
			options.is_own_ctx = wiring->ctx;
			options.stats = wiring->stats(wiring->ctx, lane);
		}
		err = make_lane(o, &options, &out->lane[lane], error);
		if (err < 0)
			return err;
		out->lane_count++;
	}
	return 0;
}

int rules_make(const struct options *o, size_t lanes, const struct rules_wiring *wiring, struct rules *out,
	       struct buffer *error)
{
	struct buffer warnings = { 0 };
	int err;

	*out = (struct rules){ 0 };
	err = make_lanes(o, lanes, wiring, out, error);
	if (err == 0)
		err = make_rewrites(o, out, error);
	if (err == 0)
		err = make_handed_over(o, out, error);
	if (err < 0)
		return err;
	rewrite_warnings(out->rewrite[0], &warnings);
	log_lines(&warnings);
	buffer_deinit(&warnings);
	return 0;
}

void rules_set_share(struct rules *r, uint64_t share)
{
	for (size_t i = 0; i < r->lane_count; i++)
		policy_set_share(r->lane[i]->policy, share);
}

void rules_release_lanes(struct rules *r)
{
	r->lane_count = 0;
}

void lane_rules_free(struct lane_rules *r)
{
	if (!r)
		return;
	policy_free(r->policy);
	rewrite_free(r->shown);
	free(r);
}

void rules_deinit(struct rules *r)
{
	for (size_t i = 0; i < r->rewrite_count; i++)
		rewrite_free(r->rewrite[i]);
	allow_list_free(r->handed_over);
	for (size_t i = 0; i < r->lane_count; i++)
		lane_rules_free(r->lane[i]);
	*r = (struct rules){ 0 };
}
