/*
 * test_pairing.c - stories of requests whose two responses come in any order, or not at all
 *
 * A story is a table of steps. After each step everything that became ready is
 * taken and written down, as "REQUEST.TARGET PRODUCTION/SHADOW" or with the
 * reason why it is not compared; and the requests that are still kept are
 * counted. What was taken is given back at once, unless the story says that
 * comparing is slow: then step COMPARED does.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "compare/pairs/pairing.h"

#define LIMIT	 (1 << 20) /* of the budget */
#define PER_CENT (LIMIT / 100)
#define REQUESTS 10
#define TARGETS	 2
#define STEPS	 12

enum what {
	END_OF_STORY,
	EXPECT,	    /* request .a is about to be sent; .n per cent of the budget are its own */
	REFUSED,    /* the same, while no memory is left */
	EXPECT_LOST, /* the same, but there was no memory to await production's response */
	UNSENT,	    /* target .b does not get it */
	ANSWERED,   /* target .b answers; the response takes .n per cent */
	NOT_KEPT,   /* target .b answers, and there was no memory for the response */
	TIMED_OUT,  /* target .b does not */
	PRODUCTION, /* production's response to .a is known, whole */
	CUT,	    /* production's response to .a ends in a gap */
	LOST,	    /* production's response to .a did not fit into memory */
	FILL,	    /* others take .n per cent of the budget */
	COMPARED,   /* what was taken is given back */
	DRAIN,	    /* nothing will come any more */
};

struct step {
	enum what what;
	uint64_t a;
	size_t b, n;
	const char *ready;
	size_t open;
};

struct story {
	const char *name;
	size_t targets;
	bool is_recording, is_slow;
	struct step steps[STEPS];
};

static const struct story stories[] = {
	{ "the shadow answers first", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "1.0 whole/whole", 0 } } },
	{ "production answers first", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "1.0 whole/whole", 0 } } },
	{ "pairs end in another order than they began", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { EXPECT, 2, 0, 0, "", 2 }, { ANSWERED, 2, 0, 0, "", 2 },
	    { PRODUCTION, 2, 0, 0, "2.0 whole/whole", 1 }, { ANSWERED, 1, 0, 0, "", 1 },
	    { PRODUCTION, 1, 0, 0, "1.0 whole/whole", 0 } } },
	{ "one response of production, two targets", 2, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 1, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "1.1 whole/whole", 1 },
	    { TIMED_OUT, 1, 0, 0, "1.0 whole/none", 0 } } },
	{ "both targets wait", 2, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 1, 0, "", 1 }, { ANSWERED, 1, 0, 0, "", 1 },
	    { PRODUCTION, 1, 0, 0, "1.0 whole/whole 1.1 whole/whole", 0 } } },
	{ "a request is kept until its last pair is compared", 2, false, true,
	  { { EXPECT, 1, 0, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "1.0 whole/whole", 1 },
	    { COMPARED, 0, 0, 0, "", 1 }, { ANSWERED, 1, 1, 0, "1.1 whole/whole", 1 }, { COMPARED, 0, 0, 0, "", 0 } } },
	{ "production's response has a gap", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { CUT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "1.0 gap/whole", 0 } } },
	{ "no memory for production's response", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { LOST, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "1.0 memory/whole", 0 } } },
	{ "no memory to await it", 1, false, false,
	  { { EXPECT_LOST, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "1.0 memory/whole", 0 } } },
	{ "no memory for the shadow's", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { NOT_KEPT, 1, 0, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "1.0 whole/memory", 0 } } },
	{ "the target is not sent the request", 2, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { UNSENT, 1, 0, 0, "", 1 }, { UNSENT, 1, 1, 0, "", 0 }, { PRODUCTION, 1, 0, 0, "", 0 } } },
	{ "production's response comes twice, or to no request", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { PRODUCTION, 1, 0, 0, "", 1 }, { CUT, 1, 0, 0, "", 1 }, { PRODUCTION, 9, 0, 0, "", 1 },
	    { ANSWERED, 1, 0, 0, "1.0 whole/whole", 0 } } },
	{ "production's response never comes", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "", 1 }, { DRAIN, 0, 0, 0, "1.0 unseen/whole", 0 } } },
	{ "at the end one waits, one goes on, one is compared", 2, false, true,
	  { { EXPECT, 1, 0, 0, "", 1 }, { EXPECT, 2, 0, 0, "", 2 }, { PRODUCTION, 1, 0, 0, "", 2 },
	    { ANSWERED, 1, 0, 0, "1.0 whole/whole", 2 }, { ANSWERED, 2, 1, 0, "", 2 }, { DRAIN, 0, 0, 0, "2.1 unseen/whole", 2 },
	    { COMPARED, 0, 0, 0, "", 0 } } },
	{ "live, above three quarters of the bound those that wait are given up", 1, false, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "", 1 }, { FILL, 0, 0, 74, "", 1 }, { EXPECT, 2, 0, 0, "", 2 },
	    { FILL, 0, 0, 2, "", 2 }, { EXPECT, 3, 0, 0, "1.0 memory", 2 }, { ANSWERED, 2, 0, 0, "2.0 memory", 1 },
	    { PRODUCTION, 2, 0, 0, "", 1 }, { PRODUCTION, 3, 0, 0, "", 1 }, { ANSWERED, 3, 0, 0, "3.0 whole/whole", 0 } } },
	{ "the longest first, and not more than there have to be", 1, false, true,
	  { { EXPECT, 1, 0, 0, "", 1 }, { EXPECT, 2, 0, 0, "", 2 }, { EXPECT, 3, 0, 0, "", 3 }, { ANSWERED, 2, 0, 20, "", 3 },
	    { ANSWERED, 1, 0, 20, "", 3 }, { ANSWERED, 3, 0, 20, "", 3 }, { FILL, 0, 0, 30, "", 3 },
	    { EXPECT, 4, 0, 0, "2.0 memory", 4 }, { COMPARED, 0, 0, 0, "", 3 }, { PRODUCTION, 1, 0, 0, "1.0 whole/whole", 3 } } },
	{ "a recording waits, until nearly all is in use", 1, true, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { ANSWERED, 1, 0, 0, "", 1 }, { FILL, 0, 0, 90, "", 1 }, { EXPECT, 2, 0, 0, "", 2 },
	    { FILL, 0, 0, 5, "", 2 }, { EXPECT, 3, 0, 0, "1.0 memory", 2 } } },
	{ "no memory for a row", 1, true, false,
	  { { EXPECT, 1, 0, 0, "", 1 }, { REFUSED, 2, 0, 0, "", 1 }, { ANSWERED, 2, 0, 0, "", 1 }, { UNSENT, 1, 0, 0, "", 0 } } },
};

struct rig {
	struct pairing *pairing;
	struct budget budget;
	struct message *messages[REQUESTS];
	struct exchange *taken;
	struct buffer ready;
	size_t filled;
};

static struct message *request(struct rig *rig, uint64_t number, size_t per_cent)
{
	struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") };
	struct request_origin origin = { .id = number };
	struct message *m = message_new(&head, &origin, &rig->budget);

	assert_non_null(m);
	assert_true(budget_charge(&rig->budget, per_cent * PER_CENT));
	m->charged += per_cent * PER_CENT;
	m->response_token = number;
	rig->messages[number] = m;
	return m;
}

static struct response *response(struct rig *rig, size_t per_cent)
{
	struct response *r = response_new(200, NULL, &rig->budget);

	assert_non_null(r);
	assert_true(budget_charge(&rig->budget, per_cent * PER_CENT));
	r->charged += per_cent * PER_CENT;
	return r;
}

static void outcome(struct rig *rig, const struct step *s, enum outcome_kind kind, struct response *r)
{
	struct message unknown = { .response_token = s->a };
	struct outcome o = { .kind = kind, .status_code = r ? 200 : 0, .response = r };

	pairing_outcome(rig->pairing, s->b, rig->messages[s->a] ? rig->messages[s->a] : &unknown, &o);
}

static void give_back(struct rig *rig)
{
	for (struct exchange *e = rig->taken, *next; e; e = next) {
		next = e->next;
		pairing_end(rig->pairing, e);
	}
	rig->taken = NULL;
}

static void take_ready(struct rig *rig, bool is_slow)
{
	struct exchange *e;

	buffer_clear(&rig->ready);
	while ((e = pairing_take(rig->pairing))) {
		struct pair pair = exchange_pair(e);

		buffer_printf(&rig->ready, "%s%d.%zu ", rig->ready.len ? " " : "", (int)pair.request->origin.id, e->target);
		if (e->skip)
			buffer_add_str(&rig->ready, e->skip);
		else
			buffer_printf(&rig->ready, "%s/%s", response_result_name(pair.production->result),
				      pair.shadow ? response_result_name(pair.shadow->result) : "none");
		assert_true(pairing_is_busy(rig->pairing));
		e->next = rig->taken;
		rig->taken = e;
	}
	if (!is_slow)
		give_back(rig);
}

static void do_step(struct rig *rig, const struct step *s)
{
	struct response *r;
	size_t left;

	switch (s->what) {
	case END_OF_STORY:
		break;
	case EXPECT:
		assert_true(pairing_expect(rig->pairing, request(rig, s->a, s->n)));
		break;
	case EXPECT_LOST:
		request(rig, s->a, s->n)->response_token = 0;
		assert_true(pairing_expect(rig->pairing, rig->messages[s->a]));
		break;
	case REFUSED:
		left = LIMIT - budget_used(&rig->budget);
		assert_true(budget_charge(&rig->budget, left));
		assert_false(pairing_expect(rig->pairing, &(struct message){ .response_token = s->a }));
		budget_release(&rig->budget, left);
		break;
	case UNSENT:
		pairing_unsent(rig->pairing, s->b, rig->messages[s->a]);
		break;
	case ANSWERED:
		outcome(rig, s, OUTCOME_ANSWERED_2XX, response(rig, s->n));
		break;
	case NOT_KEPT:
		outcome(rig, s, OUTCOME_ANSWERED_2XX, NULL);
		break;
	case TIMED_OUT:
		outcome(rig, s, OUTCOME_FAILED_TIMEOUT, NULL);
		break;
	case PRODUCTION:
		pairing_production(rig->pairing, s->a, response(rig, 0));
		break;
	case CUT:
		r = response(rig, 0);
		response_invalidate(r, RESPONSE_GAP);
		pairing_production(rig->pairing, s->a, r);
		break;
	case LOST:
		pairing_production(rig->pairing, s->a, NULL);
		break;
	case FILL:
		rig->filled += s->n * PER_CENT;
		assert_true(budget_charge(&rig->budget, s->n * PER_CENT));
		break;
	case COMPARED:
		give_back(rig);
		break;
	case DRAIN:
		pairing_end_all(rig->pairing);
		break;
	}
}

/* Whatever the story leaves open, all memory comes back. */
static void end_story(struct rig *rig)
{
	give_back(rig);
	pairing_end_all(rig->pairing);
	take_ready(rig, false);
	assert_int_equal(pairing_open(rig->pairing), 0);
	assert_false(pairing_is_busy(rig->pairing));
	pairing_free(rig->pairing);
	for (size_t i = 0; i < REQUESTS; i++)
		message_unref(rig->messages[i]);
	assert_int_equal(budget_used(&rig->budget), rig->filled);
	buffer_deinit(&rig->ready);
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		const struct story *story = &stories[i];
		struct rig rig = { 0 };
		struct pairing_options options = { story->targets, &rig.budget, story->is_recording };

		budget_init(&rig.budget, LIMIT);
		rig.pairing = pairing_new(&options);
		assert_non_null(rig.pairing);
		for (const struct step *s = story->steps; s < story->steps + STEPS && s->what != END_OF_STORY; s++) {
			do_step(&rig, s);
			take_ready(&rig, story->is_slow);
			if (strcmp(buffer_text(&rig.ready), s->ready) != 0 || pairing_open(rig.pairing) != s->open)
				fail_msg("%s, step %zu: \"%s\", %zu open", story->name, (size_t)(s - story->steps) + 1,
					 buffer_text(&rig.ready), pairing_open(rig.pairing));
		}
		end_story(&rig);
	}
}

/* How many of @count pairs that come faster than they are compared are skipped, and from which one on is there no room? */
static size_t count_overload(bool is_recording, size_t count, size_t *full_at)
{
	struct rig rig = { 0 };
	struct pairing_options options = { 1, &rig.budget, is_recording };
	struct exchange *e;
	size_t skipped = 0;

	budget_init(&rig.budget, 64 * LIMIT);
	rig.pairing = pairing_new(&options);
	assert_non_null(rig.pairing);
	*full_at = 0;
	for (uint64_t i = 1; i <= count; i++) {
		struct outcome o = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200, .response = response(&rig, 0) };
		struct message *m = request(&rig, 1, 0);

		if (*full_at == 0 && !pairing_has_room(rig.pairing))
			*full_at = i;
		m->response_token = i;
		assert_true(pairing_expect(rig.pairing, m));
		pairing_production(rig.pairing, i, response(&rig, 0));
		pairing_outcome(rig.pairing, 0, m, &o);
		message_unref(m);
		rig.messages[1] = NULL;
		while ((e = pairing_take(rig.pairing))) {
			skipped += e->skip && strcmp(e->skip, "overload") == 0;
			assert_true(!e->skip || !e->outcome.response);
			e->next = rig.taken;
			rig.taken = e;
		}
	}
	end_story(&rig);
	return skipped;
}

static void test_overload(void **state)
{
	size_t full_at;

	(void)state;
	assert_int_equal(count_overload(false, PAIRING_OVERLOAD, &full_at), 0);
	assert_int_equal(count_overload(false, PAIRING_OVERLOAD + 3, &full_at), 3);
	assert_int_equal(count_overload(true, PAIRING_OVERLOAD + 3, &full_at), 0);
	assert_int_equal(full_at, PAIRING_ROOM + 1);
}

/* Requests that share a bucket are told apart, in whatever order they go. */
static void test_buckets(void **state)
{
	struct rig rig = { 0 };
	struct pairing_options options = { 1, &rig.budget, false };
	static const int order[] = { 3, 1, 4, 2 };

	(void)state;
	budget_init(&rig.budget, LIMIT);
	rig.pairing = pairing_new(&options);
	assert_non_null(rig.pairing);
	for (uint64_t i = 1; i <= 4; i++) {
		request(&rig, i, 0)->response_token = 7 + i * 8192;
		assert_true(pairing_expect(rig.pairing, rig.messages[i]));
		pairing_production(rig.pairing, 7 + i * 8192, response(&rig, 0));
	}
	for (int i = 0; i < 4; i++) {
		struct step s = { .what = ANSWERED, .a = (uint64_t)order[i] };
		char expected[32];

		do_step(&rig, &s);
		take_ready(&rig, false);
		snprintf(expected, sizeof(expected), "%d.0 whole/whole", order[i]);
		assert_string_equal(buffer_text(&rig.ready), expected);
		assert_int_equal(pairing_open(rig.pairing), 3 - i);
	}
	end_story(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
