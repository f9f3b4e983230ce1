/* run_broker.c - -t nats://: what the run hands over, and what it says of itself there */
#include <stdio.h>
#include <string.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "app/run/run_impl.h"
#include "app/run/stages.h"
#include "base/json.h"
#include "base/log.h"
#include "base/units.h"

int run_open_broker(struct run *r, struct buffer *error)
{
	struct handing_over_settings set;

	if (!stages_hands_over(r->o))
		return 0;
	set = stages_handing_over(r->o);
	return handing_over_new(&set, &r->budget, &r->handing_over, error);
}

int run_connect_broker(struct run *r, struct buffer *error)
{
	return r->handing_over ? handing_over_connect(r->handing_over, error) : 0;
}

static const struct allow_list *fields_now(void *ctx)
{
	const struct run *r = ctx;

	return r->rules.handed_over;
}

/* What has to be known to say how many requests there were. */
static void sample_now(void *ctx, char *out, size_t size)
{
	const struct run *r = ctx;
	struct buffer by = { 0 };

	option_show_choice(option_by_name(SPAN_LITERAL("sample-by")), (int)r->current->policy.sample_by, &by);
	snprintf(out, size, "sample=%.9g;by=%.*s", (double)r->sample.share / SHARE_ONE, (int)strcspn(buffer_text(&by), ":"), buffer_text(&by));
	buffer_deinit(&by);
}

static void facts_now(void *ctx, struct buffer *members)
{
	struct json j = json_to(members);
	struct books b;

	run_take_books(ctx, &b);
	json_key(&j, "packets");
	json_open(&j, '{');
	json_count(&j, "received", b.packets.received);
	json_count(&j, "dropped_kernel", b.packets.dropped_kernel);
	json_close(&j, '}');
	json_key(&j, "requests");
	json_open(&j, '{');
	json_count(&j, "seen", b.requests.seen);
	json_count(&j, "complete", b.requests.complete);
	json_count(&j, "chosen", b.requests.decision[DECISION_CHOSEN]);
	json_close(&j, '}');
}

int run_start_broker(struct run *r, struct buffer *error)
{
	struct handing_over_hooks hooks = { run_on_room, fields_now, sample_now, facts_now, r };
	int err = r->handing_over ? handing_over_start(r->handing_over, &r->loop, &hooks) : 0;

	if (err < 0)
		buffer_printf(error, "cannot start the handing over of requests: %s", uv_strerror(err));
	return err;
}
