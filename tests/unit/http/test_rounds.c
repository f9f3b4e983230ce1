/*
 * test_rounds.c - requests and responses, counted: what each says of the other, at offsets beyond 4 GiB too
 *
 * Positions in the tables are relative to where the streams of the run start.
 */
#include "tests/rig/unit.h"

#include <string.h>

#include "http/http1/rounds.h"

static const uint64_t starts[] = { 0, 1, UINT32_MAX, (uint64_t)UINT32_MAX - 10 };

#define EACH_START(base) for (const uint64_t *base = starts; base < starts + sizeof(starts) / sizeof(starts[0]); base++)

/** struct setup - rounds and the server's stream, captured up to @stream.next */
struct setup {
	struct stream_place stream;
	struct rounds rounds;
};

static struct rounds *set_up(struct setup *s, uint64_t base, bool whole)
{
	memset(s, 0, sizeof(*s));
	s->stream.synced = true;
	s->stream.next = base + 1000;
	rounds_init(&s->rounds, &s->stream, whole);
	return &s->rounds;
}

enum event { SENT, UNSENT, FINAL, INTERIM, CONTINUE, LOST, FOUND, RECOUNT };

/** struct step - what happens, and what is known then */
struct step {
	enum event event;
	uint32_t at, requests_read; /* of a response; SENT: @at is what was requested; RECOUNT: up to where the client had read */
	int32_t outstanding;
	enum requested next;
	bool comparable, followed, all_answered;
};

static void play(struct rounds *r, const struct step *s, uint64_t base)
{
	switch (s->event) {
	case SENT:
		assert_true(rounds_request_sent(r, (enum requested)s->at));
		break;
	case UNSENT:
		rounds_request_unsent(r);
		break;
	case FINAL:
		rounds_response_started(r, base + s->at, base + s->requests_read);
		break;
	case INTERIM:
	case CONTINUE:
		rounds_interim_started(r, base + s->at, s->event == CONTINUE);
		break;
	case LOST:
		rounds_responses_lost(r);
		break;
	case FOUND:
		rounds_responses_found(r, base + s->at);
		break;
	case RECOUNT:
		rounds_recount(r, base + s->at);
		break;
	}
}

static const struct step in_turn[] = {
	{ SENT, REQUESTED_HEAD, 0, 1, REQUESTED_HEAD, true, true, false },
	{ INTERIM, 0, 0, 1, REQUESTED_HEAD, true, true, false },
	{ FINAL, 10, 50, 0, REQUESTED_PLAIN, true, true, true },
	{ SENT, REQUESTED_PLAIN, 0, 1, REQUESTED_PLAIN, true, true, false },
	{ SENT, REQUESTED_H2C, 0, 2, REQUESTED_PLAIN, true, true, false },
	{ FINAL, 20, 90, 1, REQUESTED_H2C, true, true, false },
	{ UNSENT, 0, 0, 0, REQUESTED_PLAIN, true, true, true },
};

static const struct step captured_ahead[] = {
	{ FINAL, 10, 50, -1, REQUESTED_PLAIN, true, true, true },
	{ SENT, REQUESTED_HEAD, 0, 0, REQUESTED_PLAIN, true, true, true },
};

static const struct step recounted[] = {
	{ SENT, REQUESTED_PLAIN, 0, 1, REQUESTED_PLAIN, true, true, false },
	{ LOST, 0, 0, 1, REQUESTED_PLAIN, false, false, false },
	{ FOUND, 10, 0, 1, REQUESTED_PLAIN, false, true, false },
	{ FINAL, 10, 50, 0, REQUESTED_PLAIN, false, true, false },
	{ FINAL, 20, 90, -1, REQUESTED_PLAIN, false, true, false },
	{ RECOUNT, 20, 0, -1, REQUESTED_PLAIN, true, true, true }, /* nothing was read of the second */
	{ RECOUNT, 21, 0, 0, REQUESTED_PLAIN, true, true, true },
	{ SENT, REQUESTED_CONNECT, 0, 1, REQUESTED_CONNECT, true, true, false },
};

static void run(const struct step *steps, size_t count)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		for (size_t i = 0; i < count; i++) {
			play(r, &steps[i], *base);
			assert_int_equal(rounds_outstanding(r), steps[i].outstanding);
			assert_int_equal(rounds_next_requested(r), steps[i].next);
			assert_int_equal(r->comparable, steps[i].comparable);
			assert_int_equal(r->followed, steps[i].followed);
			assert_int_equal(rounds_all_answered(r), steps[i].all_answered);
		}
	}
}

#define RUN(steps) run(steps, sizeof(steps) / sizeof((steps)[0]))

static void test_counts(void **state)
{
	RUN(in_turn);
	RUN(captured_ahead);
	RUN(recounted);
}

static void test_too_many(void **state)
{
	struct setup s;
	struct rounds *r = set_up(&s, 0, true);

	for (int i = 0; i < OUTSTANDING_MAX; i++)
		assert_true(rounds_request_sent(r, REQUESTED_PLAIN));
	assert_true(r->comparable);
	assert_false(rounds_request_sent(r, REQUESTED_HEAD));
	assert_false(r->comparable);
	assert_int_equal(rounds_last_requested(r), REQUESTED_HEAD);
	assert_int_equal(rounds_request_unsent(r), REQUESTED_HEAD);
	assert_int_equal(r->sent, OUTSTANDING_MAX);
}

/* A response counts as read from its second byte's acknowledgement on: one that ends before it was not read. */
static void test_answered_by(void **state)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		assert_int_equal(rounds_answered_by(r, *base + 500), 0);
		for (uint32_t i = 0; i < 3; i++)
			rounds_response_started(r, *base + 100 * i, *base + i);
		assert_int_equal(rounds_answered_by(r, *base), 0);
		assert_int_equal(rounds_answered_by(r, *base + 1), 1);
		assert_int_equal(rounds_answered_by(r, *base + 100), 1);
		assert_int_equal(rounds_answered_by(r, *base + 201), 3);
		r->sent = 3;
		assert_true(rounds_all_read(r, *base + 201));
		assert_false(rounds_all_read(r, *base + 200));
		rounds_requests_lost(r);
		assert_false(rounds_all_read(r, *base + 201));
		for (uint32_t i = 3; i < STARTS_MAX + 3; i++)
			rounds_response_started(r, *base + 100 * i, *base + i);
		assert_int_equal(rounds_answered_by(r, *base), 3); /* the oldest are forgotten, and taken for read */
	}
}

static void test_captured(void **state)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		assert_true(rounds_captured(r, *base + 1000));
		assert_false(rounds_captured(r, *base + 1001));
		s.stream.synced = false;
		assert_false(rounds_captured(r, *base + 1000));
	}
}

static void test_interims(void **state)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		assert_false(rounds_final_owed(r, *base + 500));
		rounds_response_started(r, *base + 10, *base);
		rounds_interim_started(r, *base + 50, true);
		assert_false(rounds_final_owed(r, *base + 50)); /* not read yet */
		assert_true(rounds_final_owed(r, *base + 51));
		assert_true(rounds_interim_since(r, *base + 51, *base + 50));
		assert_false(rounds_interim_since(r, *base + 51, *base + 51));
		assert_true(rounds_continued(r, *base + 50));
		assert_false(rounds_continued(r, *base + 51));
		rounds_interim_started(r, *base + 75, false);
		assert_false(rounds_continued(r, *base + 50)); /* a 103 came after the 100 */
		rounds_response_started(r, *base + 100, *base);
		assert_true(rounds_final_owed(r, *base + 100));
		assert_false(rounds_final_owed(r, *base + 101));
		rounds_interim_started(r, *base + 150, true);
		assert_true(rounds_continued(r, *base + 150));
		rounds_responses_lost(r);
		assert_false(rounds_final_owed(r, *base + 151));
		assert_false(rounds_continued(r, *base + 150));
	}
}

static void test_requests_read(void **state)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		assert_false(rounds_requests_read(r, *base + 11, *base));
		rounds_response_started(r, *base + 10, *base + 70);
		assert_true(rounds_requests_read(r, *base + 11, *base + 70));
		assert_false(rounds_requests_read(r, *base + 11, *base + 71));
		assert_false(rounds_requests_read(r, *base + 10, *base + 70));
		rounds_responses_lost(r);
		assert_false(rounds_requests_read(r, *base + 11, *base + 70));
		rounds_responses_found(r, *base + 20); /* what was lost lies between: this is not the last before it */
		assert_false(rounds_requests_read(r, *base + 11, *base + 70));
		rounds_response_started(r, *base + 20, *base + 90);
		assert_true(rounds_requests_read(r, *base + 21, *base + 90));
	}
}

/** struct trial - the response before, the interim one and the response of a request from 100 to 200, sent after all up to 50 */
struct trial {
	uint32_t before_read, interim_at, at, requests_read;
	bool confirmed;
};

static const struct trial trials[] = {
	{ 100, 0, 50, 200, true },
	{ 100, 50, 60, 200, true },  /* behind an interim one */
	{ 99, 0, 50, 200, false },   /* the request before ended elsewhere */
	{ 100, 0, 51, 200, false },  /* it started elsewhere */
	{ 100, 49, 60, 200, false },
	{ 100, 0, 50, 199, false },  /* the server had not read it */
	{ 100, 0, 50, 201, false },  /* ... or more */
};

static void test_confirm(void **state)
{
	EACH_START(base)
	{
		for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
			const struct trial *t = &trials[i];
			struct setup s;
			struct rounds *r = set_up(&s, *base, true);

			rounds_response_started(r, *base + 10, *base + t->before_read);
			if (t->interim_at)
				rounds_interim_started(r, *base + t->interim_at, false);
			assert_false(rounds_confirm(r, *base + 50, *base + 100, *base + 200)); /* none has started */
			rounds_response_started(r, *base + t->at, *base + t->requests_read);
			assert_int_equal(rounds_confirm(r, *base + 50, *base + 100, *base + 200), t->confirmed);
			for (uint32_t n = 0; n < STARTS_MAX; n++)
				rounds_response_started(r, *base + 200 + n, *base + 300);
			assert_false(rounds_confirm(r, *base + 50, *base + 100, *base + 200)); /* forgotten */
		}
	}
}

static void test_asked_ahead(void **state)
{
	EACH_START(base)
	{
		struct setup s;
		struct rounds *r = set_up(&s, *base, true);

		rounds_response_started(r, *base, *base + 10);
		assert_false(rounds_asked_ahead(r));
		rounds_response_started(r, *base + 5, *base + 11);
		assert_false(rounds_asked_ahead(r));
		rounds_response_started(r, *base + 9, *base + 11);
		assert_true(rounds_asked_ahead(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),        cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_answered_by),   cmocka_unit_test(test_captured),
		cmocka_unit_test(test_interims),      cmocka_unit_test(test_requests_read),
		cmocka_unit_test(test_confirm),       cmocka_unit_test(test_asked_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
