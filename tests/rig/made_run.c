/* made_run.c - see made_run.h */
#include "tests/rig/run_rig.h"

#include "tests/rig/made_run.h"

#include <stdio.h>

#define REQUEST_S 1700000000
#define CLIENT    0x7f000001
#define SERVER    0x7f000002

void made_run_init(struct made_run *g)
{
	*g = (struct made_run){ .events_fd = memfd_create("events", 0) };
	assert_true(g->events_fd >= 0);
	snprintf(g->events_path, sizeof(g->events_path), "/proc/self/fd/%d", g->events_fd);
	memory_capture_init(&g->capture);
}

void made_run_open(struct made_run *g, const char *const *args)
{
	const char *all[RIG_ARGS_MAX] = { "-r", g->capture.path, "--no-sandbox" };
	struct buffer error = { 0 };

	for (size_t i = 0; args[i]; i++)
		all[i + 3] = args[i];
	options_of(&g->o, all);
	g->o.user = NULL;
	if (run_open(&g->r, &g->o, &error) < 0)
		fail_msg("%s", buffer_text(&error));
}

struct message *made_run_request(struct made_run *g, const char *target, enum decision decision, uint64_t token)
{
	const struct request_head head = { .method = SPAN_LITERAL("POST"), .target = span_str(target), .version_major = 1,
					   .version_minor = 1 };
	struct request_origin origin = {
		.id = 0xabc,
		.connection = 1,
		.ts_first = { REQUEST_S * NS_PER_S },
		.ts_last = { REQUEST_S * NS_PER_S },
	};
	struct message *m;

	endpoint_set_ipv4(&origin.client, CLIENT, 50000);
	endpoint_set_ipv4(&origin.server, SERVER, 9);
	m = message_new(&head, &origin, &g->r.budget);
	assert_non_null(m);
	m->decision = (uint8_t)decision;
	m->response_token = token;
	m->item.due = origin.ts_last;
	return m;
}

void made_run_push(struct made_run *g, struct item *item)
{
	assert_true(ring_push(lanes_rings(g->r.lanes)[0], item));
	intake_wake(g->r.intake);
	while (lanes_waiting(g->r.lanes) > 0)
		uv_run(&g->r.loop, UV_RUN_ONCE);
}

/* What the writer of events has written is read when it has ended. */
static void turn_to_end(struct made_run *g)
{
	ssize_t len;

	uv_run(&g->r.loop, UV_RUN_DEFAULT);
	assert_int_equal(g->r.stop.state, RUN_CLOSING);
	event_writer_hand_on(g->r.outputs.events, &g->r.events);
	outputs_finish_events(&g->r.outputs);
	len = pread(g->events_fd, g->events, sizeof(g->events) - 1, 0);
	assert_true(len >= 0);
	g->events[len] = '\0';
}

void made_run_end(struct made_run *g)
{
	run_on_intake_end(&g->r);
	turn_to_end(g);
}

void made_run_run(struct made_run *g)
{
	struct buffer error = { 0 };
	struct told told;

	told_start(&told);
	assert_int_equal(run_start(&g->r, &error), 0);
	turn_to_end(g);
	told_end(&told);
}

void made_run_close(struct made_run *g)
{
	fail_log_deinit(&g->r.fail_log, wall_now()); /* what run_report() does, which few tests reach */
	run_close(&g->r);
	assert_int_equal(budget_used(&g->r.budget), 0);
	options_deinit(&g->o);
	memory_capture_deinit(&g->capture);
	close(g->events_fd);
}
