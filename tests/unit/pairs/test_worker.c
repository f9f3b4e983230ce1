/* test_worker.c - pairs go to the thread and come back with their verdicts counted, told and added up */
#include "tests/rig/unit.h"

#include <stdlib.h>

#include "base/json_doc.h"
#include "compare/pairs/worker.h"

#define PAIRS 40

struct rig {
	struct budget budget;
	struct pairing *pairing;
	struct worker *worker;
	struct buffer lines; /* of on_event, in the order of collecting */
};

/* worker's thread */
static void describe(void *ctx, size_t target, const struct pair *pair, const struct comparison *result, struct buffer *line)
{
	(void)ctx;
	buffer_printf(line, "%d.%zu %s%s%s;", (int)pair->request->origin.id, target, comparison_name(result->verdict),
		      result->reason ? " " : "", result->reason ? result->reason : "");
}

static void on_done(void *ctx)
{
	(void)ctx;
}

static struct worker *made_worker(void)
{
	static const struct tally_target targets[] = { { "a", false }, { "b", true } };
	struct compare_options options = { .rtol = 1e-5, .max_body = 1 << 20, .rules = SPAN_LITERAL("/never ignore\n"), .rules_name = "rules" };
	struct tally_options tally_options = { .targets = targets, .target_count = 2 };
	struct comparer *comparer;
	struct buffer error = { 0 };

	assert_int_equal(comparer_new(&options, &comparer, &error), 0);
	buffer_deinit(&error);
	return worker_new(comparer, tally_new(&tally_options), 2);
}

static struct response *response(struct rig *rig, const char *body)
{
	struct response *r = response_new(200, NULL, &rig->budget);

	assert_non_null(r);
	response_add_body(r, span_str(body), 0, 1 << 20);
	return r;
}

static void set_up(struct rig *rig)
{
	struct pairing_options options = { 2, &rig->budget, true };

	*rig = (struct rig){ 0 };
	budget_init(&rig->budget, 1 << 20);
	rig->pairing = pairing_new(&options);
	rig->worker = made_worker();
	assert_non_null(rig->pairing);
	assert_non_null(rig->worker);
}

/* Request @number: target 0 says the same as production, target 1 something else. */
static void add(struct rig *rig, uint64_t number)
{
	struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") };
	struct request_origin origin = { .id = number };
	struct message *m = message_new(&head, &origin, &rig->budget);
	struct exchange *e;

	assert_non_null(m);
	m->response_token = number;
	assert_true(pairing_expect(rig->pairing, m));
	pairing_production(rig->pairing, number, response(rig, "{\"a\":1}"));
	for (size_t i = 0; i < 2; i++) {
		struct outcome o = { .kind = OUTCOME_ANSWERED_2XX, .status_code = 200,
				     .response = response(rig, i == 0 ? "{\"a\":1}" : "{\"a\":2}") };

		pairing_outcome(rig->pairing, i, m, &o);
	}
	message_unref(m);
	while ((e = pairing_take(rig->pairing)))
		worker_add(rig->worker, e);
}

static void collect(struct rig *rig)
{
	for (struct exchange *e = worker_collect(rig->worker), *next; e; e = next) {
		next = e->next;
		buffer_add_span(&rig->lines, buffer_span(&e->event));
		pairing_end(rig->pairing, e);
	}
}

static void tear_down(struct rig *rig)
{
	worker_stop(rig->worker);
	collect(rig);
	assert_int_equal(pairing_open(rig->pairing), 0);
	assert_int_equal(budget_used(&rig->budget), 0);
	pairing_free(rig->pairing);
	worker_free(rig->worker);
	buffer_deinit(&rig->lines);
}

/* Target 1 is the control: of each request it is known that it differs alone. */
static void check_beside(const struct tally *t)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	tally_json(t, TALLY_WHOLE, &j);
	json_close(&j, '}');
	assert_non_null(strstr(buffer_text(&out), "\"paired\":{\"both\":0,\"shadow\":0,\"control\":40,\"neither\":0}"));
	buffer_deinit(&out);
}

static void test_verdicts(void **state)
{
	const struct worker_hooks hooks = { describe, on_done, NULL };
	struct buffer unmatched = { 0 };
	struct comparison_counts a, b;
	struct rig rig;

	(void)state;
	set_up(&rig);
	assert_int_equal(worker_start(rig.worker, &hooks), 0);
	for (uint64_t i = 1; i <= PAIRS; i++)
		add(&rig, i);
	worker_unmatched(rig.worker, &unmatched); /* not the loop's to ask while the thread runs */
	assert_int_equal(unmatched.len, 0);
	worker_stop(rig.worker);
	collect(&rig);
	assert_int_equal(pairing_open(rig.pairing), 0);
	assert_true(span_starts(buffer_span(&rig.lines), SPAN_LITERAL("1.0 equal;1.1 value;2.0 equal;2.1 value;3.0")));
	a = worker_counts(rig.worker, 0);
	b = worker_counts(rig.worker, 1);
	assert_int_equal(a.pairs, PAIRS);
	assert_int_equal(a.verdict[COMPARISON_EQUAL], PAIRS);
	assert_int_equal(b.verdict[COMPARISON_VALUE], PAIRS);
	assert_int_equal(tally_brief(worker_tally(rig.worker), 1).mismatch.count, PAIRS);
	check_beside(worker_tally(rig.worker));
	worker_unmatched(rig.worker, &unmatched);
	assert_non_null(strstr(buffer_text(&unmatched), "/never"));
	buffer_deinit(&unmatched);
	tear_down(&rig);
}

/* What was not begun when the time was up has a verdict, too. */
static void test_abandoned(void **state)
{
	const struct worker_hooks hooks = { describe, on_done, NULL };
	struct rig rig;

	(void)state;
	set_up(&rig);
	add(&rig, 1);
	worker_abandon(rig.worker);
	assert_int_equal(worker_start(rig.worker, &hooks), 0);
	worker_stop(rig.worker);
	collect(&rig);
	assert_string_equal(buffer_text(&rig.lines), "1.0 not_comparable cancelled_at_exit;1.1 not_comparable cancelled_at_exit;");
	assert_int_equal(worker_counts(rig.worker, 0).verdict[COMPARISON_NOT_COMPARABLE], 1);
	tear_down(&rig);
}

static void test_without_events(void **state)
{
	const struct worker_hooks hooks = { NULL, on_done, NULL };
	struct rig rig;

	(void)state;
	set_up(&rig);
	assert_int_equal(worker_start(rig.worker, &hooks), 0);
	add(&rig, 1);
	worker_stop(rig.worker);
	worker_stop(rig.worker);
	collect(&rig);
	assert_int_equal(rig.lines.len, 0);
	tear_down(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_without_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
