/*
 * prober.c - see prober.h
 *
 * A HEAD of a path that was seen, as a replay would write it, else of the base
 * URL: it costs the shadow nothing, and whatever status comes back, the way there
 * works. It carries our name and the mark of the loop
 * guard, and no credentials, so a 401 is a response like any other.
 *
 * 404 for a path that was seen may mean that the shadow has no such path, or that
 * it has none for HEAD, where others say 405. OPTIONS is as harmless, and servers
 * that tell methods from paths answer it, so it is asked next.
 */
#include "app/doctor/prober.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

#include "base/budget.h"
#include "base/units.h"
#include "replay/replay.h"

#define PROBE_MEMORY (1u << 20)

/** struct question - to one target */
struct question {
	const struct target_url *url;
	const char *path;
};

struct prober {
	const struct prober_settings *set;
	const struct narrow_view *seen;
	struct probe *probes;
	uv_loop_t loop;
	struct replay *replay;
	struct question question[TARGETS_MAX];
	size_t asked[TARGETS_MAX]; /* targets of this round, as the replay numbers them */
	bool again;                /* OPTIONS, after the HEAD */
};

static int make_head(void *ctx, const struct message *m, struct outgoing *out)
{
	const struct question *q = ctx;
	const struct target_url *url = q->url;

	outgoing_clear(out);
	out->method = m->head.method;
	out->target = span_str(q->path[0] ? q->path : url->prefix[0] ? url->prefix : "/");
	outgoing_add(out, SPAN_LITERAL("Host"), span_str(url->authority));
	outgoing_add(out, SPAN_LITERAL("User-Agent"), SPAN_LITERAL("shadowtap/" SHADOWTAP_VERSION));
	outgoing_add(out, SPAN_LITERAL("X-Shadowtap"), SPAN_LITERAL("doctor"));
	outgoing_add(out, SPAN_LITERAL("Connection"), SPAN_LITERAL("close"));
	return 0;
}

static void on_outcome(void *ctx, size_t target, const struct message *m, const struct outcome *outcome)
{
	struct prober *p = ctx;

	struct probe *probe = &p->probes[p->asked[target]];

	(void)m;
	if (p->again) {
		probe->options_code = outcome->status_code;
		return;
	}
	probe->kind = outcome->kind;
	probe->status_code = outcome->status_code;
	probe->connect_us = outcome->connect_us;
	probe->total_us = outcome->total_us;
	probe->detail = outcome->detail;
}

static void on_production(void *ctx, size_t target, const struct endpoint *server)
{
	struct prober *p = ctx;

	p->probes[p->asked[target]].is_production = true;
	p->probes[p->asked[target]].server = *server;
}

static void on_drained(void *ctx)
{
	struct prober *p = ctx;

	replay_close(p->replay);
}

static bool is_asked(const struct prober *p, size_t target)
{
	return !p->again || (p->probes[target].status_code == 404 && p->probes[target].path[0]);
}

static int ask(struct prober *p, struct span method, struct buffer *error)
{
	const struct request_head head = { .method = method, .target = SPAN_LITERAL("/"), .version_major = 1, .version_minor = 1 };
	const struct request_origin origin = { 0 };
	struct target_options targets[TARGETS_MAX];
	struct replay_options options = { .targets = targets, .on_outcome = on_outcome, .on_production = on_production, .ctx = p };
	struct budget budget;
	struct message *m;
	int err;

	for (size_t i = 0; i < p->set->target_count; i++) {
		if (!is_asked(p, i))
			continue;
		p->question[i] = (struct question){ &p->set->targets[i].url, p->probes[i].path };
		p->asked[options.target_count] = i;
		targets[options.target_count++] = (struct target_options){
			.url = p->set->targets[i].url,
			.tls = p->set->tls,
			.http_version = p->set->targets[i].http_version,
			.connections = 1,
			.queue = 1,
			.max_time_ns = p->set->max_time_ns,
			.connect_timeout_ns = p->set->connect_timeout_ns,
			.breaker = 2, /* one try says what it says; it need not be called a broken target as well */
			.sample_share = SHARE_ONE,
			.is_here = p->set->live,
			.may_be_production = p->set->may_be_production,
			.watched = p->seen->server,
			.watched_count = p->seen->server_count,
			.make_head = make_head,
			.make_head_ctx = &p->question[i],
		};
	}
	if (options.target_count == 0)
		return 0;
	err = replay_new(&p->loop, &options, &p->replay, error);
	if (err < 0)
		return err;
	budget_init(&budget, PROBE_MEMORY);
	m = message_new(&head, &origin, &budget);
	if (m)
		replay_submit(p->replay, m);
	replay_drain(p->replay, p->set->max_time_ns, on_drained, p);
	uv_run(&p->loop, UV_RUN_DEFAULT);
	replay_free(p->replay);
	return m ? 0 : -ENOMEM;
}

int prober_ask(const struct prober_settings *set, const struct narrow_view *seen, struct probe *probes, struct buffer *error)
{
	struct prober p = { .set = set, .seen = seen, .probes = probes };
	int err = uv_loop_init(&p.loop);

	for (size_t i = 0; i < set->target_count; i++)
		probes[i] = (struct probe){
			.name = set->targets[i].url.name,
			.shown = set->targets[i].url.shown,
			.kind = OUTCOME_FAILED_TIMEOUT,
			.path = set->paths && set->paths[i] ? set->paths[i] : "",
			.skipped = set->targets[i].url.is_sink,
		};
	if (err < 0) {
		buffer_add_str(error, "cannot set up the event loop: out of memory or descriptors");
		return -ENOMEM;
	}
	err = ask(&p, SPAN_LITERAL("HEAD"), error);
	p.again = true;
	if (err == 0)
		err = ask(&p, SPAN_LITERAL("OPTIONS"), error);
	uv_run(&p.loop, UV_RUN_DEFAULT);
	uv_loop_close(&p.loop);
	return err;
}
