/*
 * test_target.c - which requests a target sends, and when; over a transport without sockets
 */
#include "tests/rig/unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/units.h"
#include "replay/target.h"
#include "tests/rig/null_transport.h"

#define TOLD_MAX 4096

struct rig {
	uv_loop_t loop;
	struct replay_shared shared;
	struct target *target;
	struct null_transport *null;
	uint64_t ended[TOLD_MAX], unsent[TOLD_MAX]; /* ids of requests, in the order in which they were told */
	size_t ended_count, unsent_count;
	size_t rooms, quiets, productions;
	uint64_t next_id;
	uint16_t port; /* of the servers that requests were captured on their way to */
};

static void on_outcome(void *ctx, size_t index, const struct message *m, const struct outcome *o)
{
	struct rig *g = ctx;

	assert_int_equal(index, 7);
	g->ended[g->ended_count++] = m->origin.id;
}

static void on_unsent(void *ctx, size_t index, const struct message *m, enum shed_reason why)
{
	struct rig *g = ctx;

	assert_int_equal(index, 7);
	g->unsent[g->unsent_count++] = m->origin.id;
}

static void on_production(void *ctx, size_t index, const struct endpoint *server)
{
	struct rig *g = ctx;

	assert_int_equal(server->port, g->port);
	g->productions++;
}

static void on_room(void *ctx)
{
	struct rig *g = ctx;

	g->rooms++;
	uv_stop(&g->loop);
}

static void on_quiet(void *ctx)
{
	struct rig *g = ctx;

	g->quiets++;
	uv_stop(&g->loop);
}

static struct target_options options_of(uint32_t queue)
{
	return (struct target_options){ .queue = queue, .max_time_ns = 100 * NS_PER_S, .sample_share = SHARE_ONE };
}

static void start(struct rig *g, const struct target_options *options, size_t slots)
{
	struct target_setup setup = {
		.shared = &g->shared,
		.options = options,
		.index = 7,
		.hooks = { on_outcome, on_unsent, on_production, on_room, on_quiet, g },
		.transport_new = null_transport_new,
	};
	struct buffer error = { 0 };

	*g = (struct rig){ .port = 80 };
	assert_int_equal(uv_loop_init(&g->loop), 0);
	g->shared.loop = &g->loop;
	assert_int_equal(target_new(&setup, &g->target, &error), 0);
	g->null = null_transport_last();
	g->null->slots = slots;
}

static uint64_t shed_count(const struct rig *g, enum shed_reason why)
{
	return counter_get(&target_stats_of(g->target)->shed[why]);
}

static uint64_t outcome_count(const struct rig *g, enum outcome_kind kind)
{
	return counter_get(&target_stats_of(g->target)->outcome[kind]);
}

static uint64_t queued(const struct rig *g)
{
	return counter_get(&target_stats_of(g->target)->queued);
}

static void check_books(const struct rig *g)
{
	const struct target_stats *s = target_stats_of(g->target);
	uint64_t shed = 0, outcomes = 0;

	for (size_t i = 0; i < SHED_COUNT; i++)
		shed += counter_get(&s->shed[i]);
	for (size_t i = 0; i < OUTCOME_COUNT; i++)
		outcomes += counter_get(&s->outcome[i]);
	assert_int_equal(counter_get(&s->chosen),
			 counter_get(&s->unsampled) + shed + counter_get(&s->sent) + counter_get(&s->queued));
	assert_int_equal(counter_get(&s->sent), outcomes + counter_get(&s->in_flight));
	assert_int_equal(counter_get(&s->in_flight), g->null->count);
	assert_int_equal(outcomes, g->ended_count);
	assert_int_equal(shed + counter_get(&s->unsampled), g->unsent_count);
}

static void submit(struct rig *g, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct message *m = calloc(1, sizeof(*m));

		assert_non_null(m);
		m->references = 1;
		m->origin.id = ++g->next_id;
		m->origin.server.port = g->port;
		target_submit(g->target, m);
		message_unref(m); /* a target that keeps it has a reference of its own */
		check_books(g);
	}
}

static void end(struct rig *g, size_t nth, enum outcome_kind kind)
{
	null_end(g->null, nth, kind);
	check_books(g);
}

static void stop(struct rig *g)
{
	target_close(g->target);
	check_books(g);
	assert_true(target_is_quiet(g->target));
	while (uv_run(&g->loop, UV_RUN_DEFAULT) != 0)
		;
	assert_int_equal(uv_loop_close(&g->loop), 0);
	target_free(g->target);
	assert_null(null_transport_last());
}

/* ---- slots and the queue ---- */

static void test_full_queue_sheds_the_newest(void **state)
{
	struct target_options options = options_of(3);
	struct rig g;

	start(&g, &options, 2);
	submit(&g, 7);
	assert_int_equal(g.null->begun, 2);
	assert_int_equal(queued(&g), 3);
	assert_int_equal(shed_count(&g, SHED_QUEUE), 2);
	assert_int_equal(g.unsent[0], 6);
	assert_int_equal(g.unsent[1], 7);
	end(&g, 1, OUTCOME_ANSWERED_2XX);
	assert_int_equal(g.null->under_way[1]->message->origin.id, 3); /* the oldest of those that waited */
	assert_int_equal(queued(&g), 2);
	while (g.null->count > 0)
		end(&g, 0, OUTCOME_ANSWERED_2XX);
	assert_int_equal(g.null->begun, 5);
	assert_int_equal(g.quiets, 1);
	stop(&g);
}

static void test_queue_of_none(void **state)
{
	struct target_options options = options_of(0);
	struct rig g;

	start(&g, &options, 1);
	assert_true(target_has_room(g.target));
	submit(&g, 2);
	assert_int_equal(shed_count(&g, SHED_QUEUE), 1);
	assert_false(target_has_room(g.target));
	end(&g, 0, OUTCOME_ANSWERED_2XX);
	assert_int_equal(g.rooms, 1);
	assert_true(target_has_room(g.target));
	stop(&g);
}

/* As on one connection that carries them all: as many as the transport takes, and they end in any order. */
static void test_many_at_once(void **state)
{
	struct target_options options = options_of(10);
	struct rig g;

	start(&g, &options, 100);
	submit(&g, 110);
	assert_int_equal(g.null->count, 100);
	srand(1);
	for (size_t n = 110; n > 0; n--)
		end(&g, (size_t)rand() % g.null->count, OUTCOME_ANSWERED_2XX);
	assert_int_equal(outcome_count(&g, OUTCOME_ANSWERED_2XX), 110);
	stop(&g);
}

/* An exchange that ends before it has begun lets the next begin, and the stack does not grow with them. */
static void test_ends_at_once(void **state)
{
	struct target_options options = options_of(1000);
	struct rig g;

	start(&g, &options, 1);
	submit(&g, 1001);
	g.null->ends_at_once = true;
	g.null->kind = OUTCOME_FAILED_RESET;
	end(&g, 0, OUTCOME_ANSWERED_2XX);
	assert_int_equal(outcome_count(&g, OUTCOME_FAILED_RESET), 1000);
	assert_int_equal(g.null->depth_max, 1);
	for (size_t i = 0; i < 1001; i++)
		assert_int_equal(g.ended[i], i + 1);
	stop(&g);
}

/* Several end at one moment: what waits begins when all of them have been told. */
static void test_held(void **state)
{
	struct target_options options = options_of(4);
	struct rig g;

	start(&g, &options, 3);
	submit(&g, 5);
	g.null->hooks.hold(g.null->hooks.ctx);
	end(&g, 0, OUTCOME_FAILED_DNS);
	end(&g, 0, OUTCOME_FAILED_DNS);
	assert_int_equal(g.null->begun, 3);
	g.null->hooks.release(g.null->hooks.ctx);
	assert_int_equal(g.null->begun, 5);
	stop(&g);
}

/* ---- sample and rate ---- */

static void test_sample_is_exact(void **state)
{
	struct target_options options = options_of(0);
	struct rig g;

	options.sample_share = SHARE_ONE / 4;
	start(&g, &options, 1000);
	submit(&g, 400);
	assert_int_equal(g.null->begun, 100);
	assert_int_equal(counter_get(&target_stats_of(g.target)->unsampled), 300);
	target_change(g.target, SHARE_ONE, 0);
	submit(&g, 10);
	assert_int_equal(g.null->begun, 110);
	stop(&g);
}

static void test_rate(void **state)
{
	struct target_options options = options_of(10);
	struct rig g;

	options.rate = 2;
	start(&g, &options, 10);
	assert_true(target_has_room(g.target));
	submit(&g, 2); /* the bucket holds one */
	assert_int_equal(g.null->begun, 1);
	assert_int_equal(shed_count(&g, SHED_RATE), 1);
	assert_false(target_has_room(g.target));
	while (g.rooms == 0) /* told when there is a token */
		uv_run(&g.loop, UV_RUN_DEFAULT);
	submit(&g, 1);
	assert_int_equal(g.null->begun, 2);
	stop(&g);
}

/* ---- the breaker ---- */

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/** submit_until_begun() - past the back-off; what is shed until then, is shed by the breaker */
static void submit_until_begun(struct rig *g)
{
	size_t begun = g->null->begun;
	uint64_t shed = shed_count(g, SHED_BREAKER);

	for (submit(g, 1); g->null->begun == begun; submit(g, 1)) {
		assert_int_equal(shed_count(g, SHED_BREAKER), ++shed);
		pause_ms(10);
	}
}

static void test_breaker(void **state)
{
	struct target_options options = options_of(2);
	struct rig g;

	options.breaker = 2;
	start(&g, &options, 2);
	submit(&g, 4);
	g.null->is_unreachable = true;
	end(&g, 0, OUTCOME_FAILED_CONNECT);
	assert_string_equal(target_breaker_state(g.target), "closed");
	assert_int_equal(g.null->begun, 3);
	end(&g, 0, OUTCOME_FAILED_CONNECT);
	assert_string_equal(target_breaker_state(g.target), "open");
	assert_int_equal(g.null->looked_again, 2);
	assert_int_equal(shed_count(&g, SHED_BREAKER), 1); /* what waited */
	assert_true(target_has_room(g.target));            /* what would be shed need not wait */
	end(&g, 0, OUTCOME_FAILED_CONNECT);
	submit_until_begun(&g);
	assert_string_equal(target_breaker_state(g.target), "probing");
	submit(&g, 1); /* one probe is enough */
	assert_int_equal(g.null->count, 1);
	end(&g, 0, OUTCOME_FAILED_TLS);
	assert_string_equal(target_breaker_state(g.target), "open");
	submit_until_begun(&g);
	g.null->hooks.on_reached(g.null->hooks.ctx); /* before the probe has ended */
	assert_string_equal(target_breaker_state(g.target), "closed");
	submit(&g, 1);
	assert_int_equal(g.null->count, 2);
	stop(&g);
}

/* What fails once it is connected says nothing about whether the target can be reached; as a probe it does. */
static void test_breaker_and_later_failures(void **state)
{
	struct target_options options = options_of(2);
	struct rig g;

	options.breaker = 1;
	start(&g, &options, 2);
	submit(&g, 1);
	end(&g, 0, OUTCOME_FAILED_RESET);
	assert_string_equal(target_breaker_state(g.target), "closed");
	submit(&g, 1);
	g.null->is_unreachable = true;
	end(&g, 0, OUTCOME_FAILED_CONNECT);
	assert_string_equal(target_breaker_state(g.target), "open");
	g.null->is_unreachable = false;
	submit_until_begun(&g);
	end(&g, 0, OUTCOME_FAILED_TIMEOUT);
	assert_string_equal(target_breaker_state(g.target), "open");
	submit_until_begun(&g);
	end(&g, 0, OUTCOME_ANSWERED_5XX);
	assert_string_equal(target_breaker_state(g.target), "closed");
	stop(&g);
}

/* ---- deadlines and the end ---- */

static void test_deadline(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	options.max_time_ns = 30 * NS_PER_MS;
	start(&g, &options, 2);
	submit(&g, 5); /* nothing goes stale of a recording: what waited begins when the first two have expired */
	while (!target_is_quiet(g.target))
		uv_run(&g.loop, UV_RUN_ONCE);
	check_books(&g);
	assert_int_equal(g.null->expired, 5);
	assert_int_equal(outcome_count(&g, OUTCOME_FAILED_TIMEOUT), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(g.ended[i], i + 1);
	stop(&g);
}

/* A call that is sent over a time of its own has a later deadline than those that begin after it. */
static void test_deadline_of_paced(void **state)
{
	static const uint64_t in_order[] = { 2, 4, 5, 3, 1 };
	static const unsigned lasts_h[] = { 2, 0, 1, 0, 0 };
	struct target_options options = options_of(8);
	struct rig g;

	options.speed = 1;
	start(&g, &options, 5);
	for (size_t i = 0; i < 5; i++) {
		struct message *m = calloc(1, sizeof(*m));

		assert_non_null(m);
		m->references = 1;
		m->origin.id = ++g.next_id;
		m->origin.ts_last.ns = lasts_h[i] * 3600 * NS_PER_S;
		m->arrival_count = lasts_h[i] > 0;
		m->arrivals = calloc(1, sizeof(*m->arrivals));
		target_submit(g.target, m);
		message_unref(m);
	}
	target_cancel(g.target); /* in order of deadline */
	check_books(&g);
	assert_int_equal(g.ended_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(g.ended[i], in_order[i]);
	stop(&g);
}

static void test_waiting_too_long_is_stale(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	options.max_time_ns = 30 * NS_PER_MS;
	options.shed_stale = true;
	start(&g, &options, 0); /* nothing ever begins */
	submit(&g, 3);
	while (!target_is_quiet(g.target))
		uv_run(&g.loop, UV_RUN_ONCE);
	assert_int_equal(shed_count(&g, SHED_STALE), 3);
	assert_int_equal(g.null->begun, 0);
	stop(&g);
}

static void test_cancel(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	start(&g, &options, 2);
	submit(&g, 5);
	target_cancel(g.target);
	check_books(&g);
	assert_int_equal(shed_count(&g, SHED_STALE), 3);
	assert_int_equal(outcome_count(&g, OUTCOME_CANCELLED_AT_EXIT), 2);
	assert_int_equal(g.null->begun, 2); /* what is cancelled makes no place for another */
	assert_true(target_is_quiet(g.target));
	submit(&g, 1); /* it goes on, if it is asked to */
	assert_int_equal(g.null->begun, 3);
	stop(&g);
}

static void test_close_in_the_middle(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	start(&g, &options, 2);
	submit(&g, 5);
	stop(&g);
	assert_int_equal(g.ended_count, 2);
	assert_int_equal(g.unsent_count, 3);
}

/* ---- production ---- */

static void test_production_gets_nothing(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	start(&g, &options, 2);
	g.null->leads_to_port = g.port;
	submit(&g, 3);
	assert_int_equal(g.null->begun, 0);
	assert_int_equal(g.productions, 1);
	assert_int_equal(shed_count(&g, SHED_PRODUCTION), 3);
	assert_true(target_has_room(g.target));
	stop(&g);

	options.may_be_production = true;
	start(&g, &options, 2);
	g.null->leads_to_port = g.port;
	submit(&g, 3);
	assert_int_equal(g.null->begun, 2);
	stop(&g);
}

/* The name leads to production from now on: what was not sent is not, and what was is given up. */
static void test_production_that_it_moves_to(void **state)
{
	struct target_options options = options_of(8);
	struct rig g;

	start(&g, &options, 3);
	submit(&g, 1);
	g.null->is_opening = true;
	submit(&g, 4); /* two are being connected for, two wait */
	g.null->leads_to_port = g.port;
	g.null->hooks.on_moved(g.null->hooks.ctx);
	check_books(&g);
	assert_int_equal(g.productions, 1);
	assert_int_equal(shed_count(&g, SHED_PRODUCTION), 4);
	assert_int_equal(outcome_count(&g, OUTCOME_CANCELLED_AT_EXIT), 1);
	assert_int_equal(counter_get(&target_stats_of(g.target)->sent), 1);
	assert_int_equal(g.null->idle_closed, 1);
	g.null->hooks.on_moved(g.null->hooks.ctx); /* it stays refused, and is told once */
	assert_int_equal(g.productions, 1);
	stop(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full_queue_sheds_the_newest),
		cmocka_unit_test(test_queue_of_none),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_ends_at_once),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_sample_is_exact),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_breaker),
		cmocka_unit_test(test_breaker_and_later_failures),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_deadline_of_paced),
		cmocka_unit_test(test_waiting_too_long_is_stale),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_close_in_the_middle),
		cmocka_unit_test(test_production_gets_nothing),
		cmocka_unit_test(test_production_that_it_moves_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
