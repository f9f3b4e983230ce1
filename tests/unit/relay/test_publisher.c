/* test_publisher.c - handing over, step by step, to a broker that does as it is told; and on a thread */
#include "tests/rig/unit.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "relay/publisher.h"
#include "relay/taps.h"
#include "tests/rig/dice.h"

#define WORDS 65536 /* a power of two: of what a broker says, and has not been read */

/** struct fake - an engine, and what it was given */
struct fake {
	struct engine base;
	_Atomic bool is_up; /* any thread may ask */
	bool comes_up, is_closed;
	uint64_t limit;
	int publish_result;
	bool answers;    /* each message is acknowledged at once */
	bool is_clogged; /* the network takes nothing */
	bool is_patient; /* it is not woken by time */
	struct {
		uint64_t number;
		enum relay_result result;
	} * words;
	size_t said, heard;
	uint64_t numbers[64];
	uint64_t published, beats;
	int denied; /* -2: no trouble */
	struct buffer last_beat;
	int prepares;
};

static struct fake *fake_of(const struct engine *e)
{
	return (struct fake *)e;
}

static int fake_tend(struct engine *e, struct mono now)
{
	struct fake *f = fake_of(e);
	bool came = f->comes_up && !f->is_up;

	(void)now;
	f->is_up |= came;
	f->comes_up = false;
	return came;
}

static bool fake_is_up(const struct engine *e)
{
	return fake_of(e)->is_up;
}

static uint64_t fake_limit(const struct engine *e)
{
	return fake_of(e)->limit;
}

/* What the broker says, to be read. */
static void say(struct fake *f, uint64_t number, enum relay_result result)
{
	assert_true(f->said - f->heard < WORDS);
	f->words[f->said % WORDS].number = number;
	f->words[f->said++ % WORDS].result = result;
}

static int fake_publish(struct engine *e, const struct engine_message *m)
{
	struct fake *f = fake_of(e);

	if (!m->wants_word) {
		f->beats++;
		buffer_clear(&f->last_beat);
		buffer_add(&f->last_beat, m->record->data, m->record->data_len);
		return 0;
	}
	if (f->publish_result != 0)
		return f->publish_result;
	f->numbers[f->published++ % 64] = m->number;
	if (f->answers)
		say(f, m->number, RELAY_ACKED);
	return 0;
}

static bool fake_send(struct engine *e)
{
	return fake_of(e)->is_clogged;
}

static size_t fake_take(struct engine *e)
{
	struct fake *f = fake_of(e);
	size_t count = f->said - f->heard;

	for (; f->heard < f->said; f->heard++)
		e->on_word(e->ctx, f->words[f->heard % WORDS].number, f->words[f->heard % WORDS].result);
	return count;
}

static void fake_wait(struct engine *e, int wake_fd, int64_t limit_ns)
{
	struct fake *f = fake_of(e);
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	if (f->said == f->heard)
		poll(&fd, 1, f->is_patient ? -1 : (int)(limit_ns / NS_PER_MS));
}

static bool fake_trouble(struct engine *e, int *denied, struct buffer *text)
{
	struct fake *f = fake_of(e);

	*denied = f->denied;
	if (f->denied == -2)
		return false;
	f->denied = -2;
	buffer_add_str(text, "Permissions Violation");
	return true;
}

static const char *fake_lost(const struct engine *e)
{
	(void)e;
	return "it is gone";
}

static int fake_prepare(struct engine *e, uint32_t *partitions, struct buffer *error)
{
	(void)partitions, (void)error;
	fake_of(e)->prepares++;
	return 0;
}

static void fake_close(struct engine *e, int64_t limit_ns)
{
	(void)limit_ns;
	fake_of(e)->is_closed = true;
}

static void fake_free(struct engine *e)
{
	(void)e;
}

static const struct engine_ops fake_ops = {
	.tend = fake_tend,
	.is_up = fake_is_up,
	.limit = fake_limit,
	.publish = fake_publish,
	.send = fake_send,
	.take = fake_take,
	.wait = fake_wait,
	.trouble = fake_trouble,
	.lost = fake_lost,
	.prepare = fake_prepare,
	.close = fake_close,
	.free = fake_free,
};

static void on_wake(void *ctx)
{
	atomic_fetch_add((_Atomic int *)ctx, 1);
}

struct rig {
	struct fake fake;
	struct budget budget;
	_Atomic int wakes;
	struct publisher *p;
	int64_t start_ns;
};

static void set_up(struct rig *r, uint64_t buffer_bytes)
{
	struct publisher_options o = {
		.service = "d",
		.tap = "n1",
		.run = "r1",
		.partitions = 16,
		.buffer_bytes = buffer_bytes,
		.on_wake = on_wake,
	};
	struct buffer error = { 0 };

	*r = (struct rig){ .fake = { .base.ops = &fake_ops, .is_up = true, .limit = 1 << 20, .answers = true, .denied = -2 } };
	r->fake.words = calloc(WORDS, sizeof(r->fake.words[0]));
	assert_non_null(r->fake.words);
	budget_init(&r->budget, 1 << 30);
	o.engine = &r->fake.base;
	o.budget = &r->budget;
	o.ctx = &r->wakes;
	assert_int_equal(publisher_new(&o, &r->p), 0);
	publisher_begin(r->p, true, &error);
	r->start_ns = mono_now().ns;
}

static void step(struct rig *r, int64_t ms)
{
	publisher_step(r->p, (struct mono){ r->start_ns + ms * NS_PER_MS }, (struct wall){ 0 });
}

/* A record with @len bytes of data, whose id leads to partition @low modulo 16 */
static struct record *make(uint64_t low, size_t len)
{
	static const char zeros[4096];
	struct record *r = record_of_tap(span_of(zeros, len), (struct wall){ 0 });

	r->kind = RECORD_REQUEST;
	r->id.low = low;
	return r;
}

static struct record *make_large(size_t len)
{
	uint8_t *zeros = calloc(1, len);
	struct record *r = record_of_tap(span_of(zeros, len), (struct wall){ 0 });

	r->kind = RECORD_REQUEST;
	free(zeros);
	return r;
}

/* As the loop does: what is not taken is not made. */
static void offer_one(struct rig *r, enum record_kind kind, struct record *record)
{
	if (publisher_takes(r->p, kind))
		publisher_give(r->p, record);
	else
		record_free(record);
}

static void offer(struct rig *r, size_t count, size_t len)
{
	for (size_t i = 0; i < count; i++)
		offer_one(r, RECORD_REQUEST, make(i, len));
}

static uint64_t number(const struct counter *c)
{
	return counter_get(c);
}

static void balances(struct rig *r, bool is_quiet)
{
	const struct relay_stats *s = publisher_stats(r->p);
	uint64_t sheds = 0, results = 0;

	for (size_t i = 0; i < RELAY_SHED_COUNT; i++)
		sheds += number(&s->relay_shed[i]);
	for (size_t i = 0; i < RELAY_RESULT_COUNT; i++)
		results += number(&s->relay_result[i]);
	assert_int_equal(number(&s->published), results + number(&s->in_flight));
	assert_int_equal(number(&s->offered), number(&s->requests) + number(&s->responses));
	if (is_quiet) {
		assert_int_equal(number(&s->offered), sheds + number(&s->published));
		assert_int_equal(budget_used(&r->budget), 0);
		assert_false(publisher_is_busy(r->p));
	}
}

static void tear_down(struct rig *r)
{
	publisher_free(r->p);
	assert_int_equal(budget_used(&r->budget), 0);
	buffer_deinit(&r->fake.last_beat);
	free(r->fake.words);
}

static void test_published(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	struct heartbeat beat;

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	offer(&r, 5, 100);
	offer_one(&r, RECORD_ANSWER, make(3, 10));
	step(&r, 0);
	assert_int_equal(number(&s->published), 6);
	step(&r, 3);
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]), 6);
	assert_int_equal(number(&s->responses), 1);
	for (uint64_t i = 0; i < 6; i++)
		assert_int_equal(r.fake.numbers[i], i);
	balances(&r, true);
	step(&r, 2000);
	assert_int_equal(r.fake.beats, 2);
	assert_int_equal(heartbeat_read(buffer_span(&r.fake.last_beat), &beat), 0);
	assert_int_equal(beat.next_sequence, 6);
	assert_int_equal(beat.acked, 6);
	assert_int_equal(beat.offered, 6);
	assert_false(beat.is_final);
	tear_down(&r);
}

static void test_shed(void **state)
{
	struct rig r;
	const struct relay_stats *s;

	set_up(&r, 4096);
	s = publisher_stats(r.p);
	offer(&r, 3, 2000);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_BUFFER]), 2);
	offer_one(&r, RECORD_REQUEST, NULL);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_BUFFER]), 3);
	step(&r, 0);
	r.fake.is_up = false;
	offer(&r, 2, 10);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_DISCONNECTED]), 2);
	r.fake.is_up = true;
	r.fake.publish_result = -EMSGSIZE;
	offer(&r, 1, 10);
	step(&r, 2);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_TOO_LARGE]), 1);
	step(&r, 3);
	balances(&r, true);
	tear_down(&r);
}

/* Nothing that waited while there was no connection is sent when it is back, if that is later than two seconds. */
static void test_stale(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	struct buffer news = { 0 };

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	step(&r, 0);
	offer(&r, 4, 10);
	r.fake.is_up = false;
	step(&r, 10);
	assert_int_equal(number(&s->published), 0);
	assert_true(publisher_news(r.p, &news));
	assert_non_null(strstr(buffer_text(&news), "it is gone"));
	step(&r, 2500);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_STALE]), 4);
	r.fake.comes_up = true;
	step(&r, 2600);
	assert_int_equal(r.fake.published, 0);
	assert_int_equal(number(&s->connects), 2);
	offer(&r, 1, 10);
	step(&r, 2610 - 2600);
	step(&r, 20);
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]), 1);
	balances(&r, true);
	buffer_deinit(&news);
	tear_down(&r);
}

/*
 * What could not be written, whyever, was not published: it waits for a connection, memory or room, which come within that
 * time, or they don't. No number is left out, which a replayer would miss.
 */
static void test_short_break(void **state)
{
	static const int reasons[] = { -ENOTCONN, -ENOMEM, -EAGAIN };

	for (size_t i = 0; i < 2 * sizeof(reasons) / sizeof(reasons[0]); i++) {
		const struct relay_stats *s;
		bool is_over = i % 2;
		struct rig r;

		set_up(&r, 1 << 20);
		s = publisher_stats(r.p);
		step(&r, 0);
		offer(&r, 4, 10);
		r.fake.publish_result = reasons[i / 2];
		step(&r, 10);
		step(&r, 20);
		assert_int_equal(number(&s->published), 0);
		assert_int_equal(number(&s->relay_result[RELAY_UNKNOWN]), 0);
		if (is_over)
			step(&r, 2500);
		r.fake.publish_result = 0;
		step(&r, is_over ? 2510 : 500);
		step(&r, is_over ? 2520 : 510);
		assert_int_equal(number(&s->relay_shed[RELAY_SHED_STALE]), is_over ? 4 : 0);
		assert_int_equal(number(&s->relay_result[RELAY_ACKED]), is_over ? 0 : 4);
		offer(&r, 1, 10);
		step(&r, 600 - 510);
		step(&r, 600);
		assert_int_equal(r.fake.numbers[0], 0);
		assert_int_equal(r.fake.published, is_over ? 1 : 5);
		balances(&r, true);
		tear_down(&r);
	}
}

static void test_unknown_and_late(void **state)
{
	struct rig r;
	const struct relay_stats *s;

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	r.fake.answers = false;
	offer(&r, 2, 10);
	step(&r, 0);
	balances(&r, false);
	step(&r, 2001);
	assert_int_equal(number(&s->relay_result[RELAY_UNKNOWN]), 2);
	balances(&r, true);
	say(&r.fake, 1, RELAY_DUPLICATE);
	say(&r.fake, 77, RELAY_ACKED); /* never sent */
	step(&r, 2100);
	assert_int_equal(number(&s->relay_result[RELAY_UNKNOWN]), 1);
	assert_int_equal(number(&s->relay_result[RELAY_DUPLICATE]), 1);
	assert_int_equal(number(&s->late), 1);
	balances(&r, true);
	tear_down(&r);
}

static void test_denied(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	struct buffer news = { 0 };

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	r.fake.answers = false;
	offer(&r, 20, 10); /* 0 to 15, and 0 to 3 again */
	step(&r, 0);
	r.fake.denied = 2;
	step(&r, 10);
	assert_int_equal(number(&s->relay_result[RELAY_REFUSED_DENIED]), 2);
	assert_true(publisher_news(r.p, &news));
	assert_non_null(strstr(buffer_text(&news), "Permissions Violation"));
	buffer_clear(&news);
	r.fake.denied = 3; /* not worth another line */
	step(&r, 20);
	assert_int_equal(number(&s->relay_result[RELAY_REFUSED_DENIED]), 4);
	assert_false(publisher_news(r.p, &news));
	step(&r, 3000);
	assert_int_equal(number(&s->relay_result[RELAY_UNKNOWN]), 16);
	balances(&r, true);
	buffer_deinit(&news);
	tear_down(&r);
}

/* More than can be followed: shed, and room when the words have come. */
static void test_inflight(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	size_t count = 65536 + 10;

	set_up(&r, 1 << 30);
	s = publisher_stats(r.p);
	r.fake.answers = false;
	offer(&r, count, 1);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_INFLIGHT]), 10);
	while (number(&s->published) < 65536) /* at most so many at once */
		step(&r, 0);
	offer(&r, 1, 1);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_INFLIGHT]), 11);
	assert_false(publisher_has_room(r.p));
	for (uint64_t i = 0; i < 65536; i++)
		say(&r.fake, i, RELAY_ACKED);
	step(&r, 10);
	assert_true(publisher_has_room(r.p));
	assert_int_equal(atomic_load(&r.wakes), 1);
	balances(&r, true);
	tear_down(&r);
}

/* A step writes some of many. With a network that is slow, what waits too long meanwhile is shed, and words are booked between. */
static void test_slow(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	uint64_t first;

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	offer(&r, 1000, 1);
	step(&r, 0);
	first = number(&s->published);
	assert_in_range(first, 1, 999);
	step(&r, 1); /* what was acknowledged is booked before more is written */
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]), first);
	step(&r, 2500);
	step(&r, 2501);
	step(&r, 2502);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_STALE]), 1000 - number(&s->published));
	balances(&r, true);
	tear_down(&r);
}

/* Behind what the network has not taken, nothing is written: it waits where it is counted, and grows old there. */
static void test_clogged(void **state)
{
	struct rig r;
	const struct relay_stats *s;

	set_up(&r, 1 << 20);
	s = publisher_stats(r.p);
	r.fake.is_clogged = true;
	offer(&r, 1, 10);
	step(&r, 0);
	assert_int_equal(number(&s->published), 1); /* that the network does not take it is seen then */
	offer(&r, 3, 10);
	step(&r, 1);
	assert_int_equal(number(&s->published), 1);
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]), 1); /* what comes is read all the same */
	r.fake.is_clogged = false;
	step(&r, 2);
	assert_int_equal(number(&s->published), 4);
	r.fake.is_clogged = true;
	step(&r, 3);
	offer(&r, 2, 10);
	step(&r, 2500);
	assert_int_equal(number(&s->published), 4);
	assert_int_equal(number(&s->relay_shed[RELAY_SHED_STALE]), 2);
	balances(&r, true);
	tear_down(&r);
}

/* What one turn writes is bounded in bytes, but for one record. */
static void test_large(void **state)
{
	struct rig r;
	const struct relay_stats *s;

	set_up(&r, 64 << 20);
	s = publisher_stats(r.p);
	offer_one(&r, RECORD_REQUEST, make_large(600 << 10));
	offer_one(&r, RECORD_REQUEST, make_large(400 << 10));
	offer_one(&r, RECORD_REQUEST, make_large(400 << 10));
	offer_one(&r, RECORD_REQUEST, make_large(1));
	step(&r, 0);
	assert_int_equal(number(&s->published), 1);
	step(&r, 1);
	assert_int_equal(number(&s->published), 3);
	step(&r, 2);
	step(&r, 3);
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]), 4);
	balances(&r, true);
	tear_down(&r);
}

/*
 * The thread is woken for each record that comes while it sleeps, wherever on its way to sleep that finds it: with an engine
 * that no time wakes, one that was forgotten would wait for good.
 */
static void test_wakes(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	struct dice d = dice_of_seed(1);

	set_up(&r, 64 << 20);
	s = publisher_stats(r.p);
	r.fake.is_patient = true;
	assert_int_equal(publisher_start(r.p), 0);
	for (uint64_t i = 1; i <= 300; i++) {
		offer(&r, 1, 10);
		while (number(&s->relay_result[RELAY_ACKED]) < i)
			sched_yield();
		nanosleep(&(struct timespec){ 0, (long)below(&d, 3 * NS_PER_MS) }, NULL);
	}
	publisher_end(r.p, 60 * NS_PER_S);
	while (!publisher_has_ended(r.p))
		sched_yield();
	balances(&r, true);
	tear_down(&r);
}

/* The thread: all is published, in order, and the last heartbeat says so. */
static void test_thread(void **state)
{
	struct rig r;
	const struct relay_stats *s;
	struct heartbeat beat;
	const size_t count = 20000;

	set_up(&r, 64 << 20);
	publisher_set_facts(r.p, SPAN_LITERAL("\"packets\":{\"dropped_kernel\":3}"));
	assert_int_equal(publisher_start(r.p), 0);
	offer(&r, count, 100);
	publisher_end(r.p, 60 * NS_PER_S);
	while (!publisher_has_ended(r.p))
		nanosleep(&(struct timespec){ 0, NS_PER_MS }, NULL);
	balances(&r, true);
	s = publisher_stats(r.p);
	assert_int_equal(number(&s->relay_result[RELAY_ACKED]) + number(&s->relay_result[RELAY_UNKNOWN]) +
				 number(&s->relay_shed[RELAY_SHED_STALE]),
			 count);
	assert_int_equal(heartbeat_read(buffer_span(&r.fake.last_beat), &beat), 0);
	assert_true(beat.is_final);
	assert_int_equal(beat.next_sequence, r.fake.published);
	assert_int_equal(beat.dropped, 3);
	assert_true(r.fake.is_closed);
	tear_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_shed),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_short_break),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_inflight),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_clogged),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_wakes),
		cmocka_unit_test(test_unknown_and_late),
		cmocka_unit_test(test_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
