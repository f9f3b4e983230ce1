/* test_event_log.c - lines from a lane's thread through a ring to the file: in order, all of them, or counted */
#include "tests/rig/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/run/event_log.h"
#include "base/ring.h"

#define REQUESTS 60000
#define RING_SLOTS 4

struct rig {
	struct budget budget;
	struct event_writer *writer;
	struct event_log *event_log;
	struct ring *ring;
	struct rewrite *shown;
	int read_end;
	size_t items, refused;
	bool refuses;
	atomic_bool finished; /* the lane has pushed its last */
};

static bool push(void *ctx, struct item *item)
{
	struct rig *r = ctx;

	while (!r->refuses && !ring_push(r->ring, item))
		if (!ring_wait_space(r->ring))
			return false;
	*(r->refuses ? &r->refused : &r->items) += 1;
	return !r->refuses;
}

static void set_up(struct rig *r, bool one_by_one, size_t memory)
{
	struct event_log_options options = {
		.budget = &r->budget, .one_by_one = one_by_one, .push = push, .ctx = r
	};
	struct rewrite_options rewrite = { .authority = "localhost", .prefix = "" };
	struct buffer error = { 0 };
	int ends[2];

	*r = (struct rig){ 0 };
	budget_init(&r->budget, memory);
	assert_int_equal(pipe(ends), 0);
	r->read_end = ends[0];
	assert_int_equal(event_writer_new(ends[1], true, &r->writer), 0);
	assert_int_equal(rewrite_new(&rewrite, &r->shown, &error), 0);
	r->ring = ring_new(RING_SLOTS);
	options.writer = r->writer;
	r->event_log = event_log_new(&options);
	assert_non_null(r->event_log);
	event_log_show(r->event_log, r->shown);
}

static void tear_down(struct rig *r)
{
	assert_int_equal(budget_used(&r->budget), 0);
	event_log_free(r->event_log);
	rewrite_free(r->shown);
	ring_free(r->ring);
	close(r->read_end);
}

static struct message request(uint64_t number)
{
	return (struct message){
		.origin = { .id = number, .ts_last = { (int64_t)number } },
		.head = { .method = SPAN_LITERAL("POST"),
			  .target = SPAN_LITERAL("/"),
			  .version_major = 1,
			  .version_minor = 1 },
	};
}

static void tell(struct rig *r, uint64_t number)
{
	struct message m = request(number);

	event_log_request(r->event_log, &m, DECISION_UNSAMPLED);
}

/* The loop: lines, and requests that it writes the line of itself. */
static size_t take_some(struct rig *r)
{
	struct item *item;
	size_t taken = 0;

	for (; (item = ring_pop(r->ring)); taken++) {
		struct event_lines *mine = NULL;

		if (item->kind == ITEM_LINES) {
			struct event_lines *lines = event_log_take(item);

			event_lines_join(r->writer, &mine, &lines);
			event_writer_hand_on(r->writer, &mine);
			continue;
		}
		buffer_printf(event_line_begin(r->writer, &mine),
			      "{\"event\":\"request\",\"id\":\"%016llx\"}\n", (unsigned long long)message_of(item)->origin.id);
		event_line_end(mine);
		event_writer_hand_on(r->writer, &mine);
		free(message_of(item));
	}
	return taken;
}

/* The ids of the events in the order of the file, which must be 1, 2, 3, ...; how many there are */
static void *read_ids(void *arg)
{
	struct rig *r = arg;
	FILE *in = fdopen(dup(r->read_end), "r");
	char line[1024];
	intptr_t count = 0;
	unsigned long long id;

	while (fgets(line, sizeof(line), in)) {
		const char *at = strstr(line, "\"id\":\"");

		if (!at || sscanf(at + 6, "%llx", &id) != 1 || id != (unsigned long long)count + 1)
			break;
		count++;
	}
	fclose(in);
	return (void *)count;
}

/* What was told stands in few items, and comes out whole and in order. */
static void test_batches(void **state)
{
	void *ids;
	struct rig r;

	(void)state;
	set_up(&r, false, SIZE_MAX);
	for (uint64_t i = 1; i <= 100; i++)
		tell(&r, i);
	assert_int_equal(r.items, 0);
	event_log_flush(r.event_log);
	assert_int_equal(r.items, 1);
	event_log_flush(r.event_log);
	assert_int_equal(r.items, 1);
	assert_false(event_log_is_ahead(r.event_log));
	assert_true(budget_used(&r.budget) > 100 * 100);
	assert_int_equal(take_some(&r), 1);
	assert_int_equal(event_writer_close(r.writer), 0);
	ids = read_ids(&r);
	assert_int_equal((intptr_t)ids, 100);
	tear_down(&r);
}

/* Where each line has its time, each is an item that names it; a lost one that of the capture. */
static void test_one_by_one(void **state)
{
	const struct request_origin lost = { .ts_first = { 5 } };
	struct event_lines *all = NULL;
	struct rig r;

	(void)state;
	set_up(&r, true, SIZE_MAX);
	tell(&r, 7);
	tell(&r, 8);
	event_log_lost(r.event_log, &lost, LOST_GAP, NULL, (struct wall){ 9 });
	for (int64_t i = 7; i <= 9; i++) {
		struct item *item = ring_pop(r.ring);
		struct event_lines *lines;

		assert_non_null(item);
		assert_int_equal(item->kind, ITEM_LINES);
		assert_int_equal(item->due.ns, i);
		lines = event_log_take(item);
		assert_int_equal(lines->count, 1);
		assert_false(event_lines_join(r.writer, &all, &lines));
		assert_int_equal(all->count, i - 6);
	}
	event_writer_hand_on(r.writer, &all);
	assert_null(ring_pop(r.ring));
	assert_int_equal(event_writer_close(r.writer), 0);
	tear_down(&r);
}

/* No room in the ring, or in memory: dropped, counted, nothing stays charged, and the next ones go. */
static void test_no_room(void **state)
{
	struct rig r;

	(void)state;
	set_up(&r, false, 2000);
	r.refuses = true;
	tell(&r, 1);
	event_log_flush(r.event_log);
	assert_int_equal(r.refused, 1);
	assert_int_equal(event_writer_dropped(r.writer), 1);
	r.refuses = false;
	for (uint64_t i = 2; i <= 21; i++)
		tell(&r, i);
	event_log_flush(r.event_log); /* 20 lines are more than 2000 bytes */
	assert_int_equal(r.items, 0);
	assert_int_equal(event_writer_dropped(r.writer), 21);
	tell(&r, 22);
	event_log_flush(r.event_log);
	assert_int_equal(r.items, 1);
	take_some(&r);
	assert_int_equal(event_writer_dropped(r.writer), 21);
	assert_int_equal(event_writer_close(r.writer), 0);
	tear_down(&r);
}

static void *lane(void *arg)
{
	struct rig *r = arg;

	for (uint64_t i = 1; i <= REQUESTS; i++) {
		if (i % 97 == 0) { /* one that is sent */
			struct message *m = malloc(sizeof(*m));

			*m = request(i);
			event_log_flush(r->event_log);
			push(r, &m->item);
		} else {
			tell(r, i);
		}
		if (i % 1013 == 0)
			event_log_flush(r->event_log);
	}
	event_log_flush(r->event_log);
	atomic_store(&r->finished, true);
	return NULL;
}

/* A lane, a loop, the writer and a reader: nothing is lost, nothing overtakes, nobody sleeps for ever. */
static void test_threads(void **state)
{
	pthread_t producer, reader;
	struct rig r;
	void *ids;

	(void)state;
	set_up(&r, false, SIZE_MAX);
	assert_int_equal(pthread_create(&reader, NULL, read_ids, &r), 0);
	assert_int_equal(pthread_create(&producer, NULL, lane, &r), 0);
	while (!atomic_load(&r.finished))
		if (take_some(&r) == 0)
			sched_yield();
	pthread_join(producer, NULL);
	take_some(&r);
	assert_int_equal(event_writer_close(r.writer), 0);
	pthread_join(reader, &ids);
	assert_int_equal((intptr_t)ids, REQUESTS);
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
