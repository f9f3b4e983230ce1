/* test_case_keeper.c - which pairs are kept: of each group the gravest, each request once, within the memory */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cases/case_keeper.h"

static struct budget budget = { .limit = SIZE_MAX };

static struct message *message(const char *method, const char *target, const char *body)
{
	const struct request_head head = { .method = span_str(method), .target = span_str(target) };
	const struct request_origin origin = { 0 };
	struct message *m = message_new(&head, &origin, &budget);

	assert_non_null(m);
	m->body = (uint8_t *)strdup(body);
	m->body_len = strlen(body);
	m->body_kept = true;
	return m;
}

static struct response *response(const char *body)
{
	struct response *r = response_new(200, NULL, &budget);

	assert_non_null(r);
	response_add_body(r, span_str(body), strlen(body), SIZE_MAX);
	return r;
}

/** offer() - a pair of which so many places differ */
static void offer(struct case_keeper *k, const char *path, const char *body, enum comparison_verdict verdict, uint64_t places)
{
	const struct finding finding = { .kind = DIFFERENCE_MISSING, .pattern = "/x", .path = "/x", .count = places };
	const struct comparison c = { .verdict = verdict, .findings = { .at = &finding, .count = 1 } };
	const struct outcome outcome = { .kind = OUTCOME_ANSWERED_2XX };
	struct message *m = message("POST", path, body);
	struct response *p = response("p"), *s = response("s");

	case_keeper_offer(k, 0, &(struct pair){ m, p, s, &outcome }, &c);
	message_unref(m);
	response_free(p);
	response_free(s);
}

static size_t count_of(const struct case_keeper *k, const char *path, enum comparison_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < case_keeper_count(k); i++)
		n += case_keeper_at(k, i)->verdict == verdict && span_equal(case_keeper_at(k, i)->path, span_str(path));
	return n;
}

static bool has(const struct case_keeper *k, const char *body)
{
	for (size_t i = 0; i < case_keeper_count(k); i++) {
		const struct message *m = case_keeper_at(k, i)->message;

		if (span_equal(span_of(m->body, (size_t)m->body_len), span_str(body)))
			return true;
	}
	return false;
}

/* One path that always fails takes what is free and gives it back: each other verdict and path has a place. */
static void test_groups(void **state)
{
	struct case_keeper *k = case_keeper_new(1 << 20);
	char body[32], path[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof(body), "schema %d", i);
		offer(k, "/a?q=1", body, COMPARISON_SCHEMA, (uint64_t)(i * 37 % 100 + 1));
	}
	assert_int_equal(case_keeper_count(k), CASES_MAX);
	assert_int_equal(count_of(k, "/a", COMPARISON_SCHEMA), CASES_MAX);
	for (int i = 0; i < 100; i++) { /* those of which most differs */
		snprintf(body, sizeof(body), "schema %d", i);
		assert_int_equal(has(k, body), i * 37 % 100 + 1 > 80);
	}
	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "/b%d", i);
		offer(k, path, "x", COMPARISON_SCHEMA, 1);
	}
	offer(k, "/a", "status", COMPARISON_STATUS, 1);
	offer(k, "/a", "error", COMPARISON_ERROR, 1);
	assert_int_equal(case_keeper_count(k), CASES_MAX);
	assert_int_equal(count_of(k, "/a", COMPARISON_SCHEMA), CASES_MAX - 7);
	assert_true(has(k, "status") && has(k, "error") && has(k, "schema 27")); /* 27: the gravest */
	case_keeper_free(k);
}

/* The same request is one case, and stands for its gravest pair. */
static void test_same_request(void **state)
{
	struct case_keeper *k = case_keeper_new(1 << 20);

	(void)state;
	offer(k, "/a", "x", COMPARISON_SCHEMA, 5);
	offer(k, "/a", "x", COMPARISON_SCHEMA, 9);
	offer(k, "/a", "x", COMPARISON_SCHEMA, 3);
	offer(k, "/a", "x", COMPARISON_VALUE, 1);
	assert_int_equal(case_keeper_count(k), 1);
	assert_true(case_keeper_at(k, 0)->severity == 9);
	offer(k, "/a", "x", COMPARISON_STATUS, 1);
	assert_int_equal(case_keeper_count(k), 1);
	assert_int_equal(case_keeper_at(k, 0)->verdict, COMPARISON_STATUS);
	offer(k, "/a?other", "x", COMPARISON_STATUS, 1);
	assert_int_equal(case_keeper_count(k), 2);
	case_keeper_free(k);
}

static void test_no_cases(void **state)
{
	const struct comparison schema = { .verdict = COMPARISON_SCHEMA };
	const struct comparison words = { .verdict = COMPARISON_VALUE, .generated = true };
	const struct outcome outcome = { .kind = OUTCOME_ANSWERED_2XX };
	struct case_keeper *k = case_keeper_new(1 << 20);
	struct message *m = message("HEAD", "/", "");
	struct response *p = response("p");

	(void)state;
	offer(k, "/a", "x", COMPARISON_EQUAL, 1);
	offer(k, "/a", "x", COMPARISON_CLOSE, 1);
	offer(k, "/a", "x", COMPARISON_NOT_COMPARABLE, 1);
	case_keeper_offer(k, 0, &(struct pair){ m, p, p, &outcome }, &schema);
	message_unref(m);
	m = message("POST", "/", "");
	m->head.is_grpc = true;
	case_keeper_offer(k, 0, &(struct pair){ m, p, p, &outcome }, &schema);
	m->head.is_grpc = false;
	case_keeper_offer(k, 0, &(struct pair){ m, NULL, p, &outcome }, &schema);
	case_keeper_offer(k, 0, &(struct pair){ m, p, p, &outcome }, &words);
	assert_int_equal(case_keeper_count(k), 0);
	assert_int_equal(case_keeper_refused(k), 0);
	case_keeper_offer(k, 0, &(struct pair){ m, p, NULL, &outcome }, &schema); /* a shadow that said nothing is one */
	assert_int_equal(case_keeper_count(k), 1);
	assert_null(case_keeper_at(k, 0)->shadow);
	message_unref(m);
	response_free(p);
	case_keeper_free(k);
}

static void test_memory(void **state)
{
	struct case_keeper *k = case_keeper_new(4096);
	char body[3000];

	(void)state;
	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	offer(k, "/a", body, COMPARISON_SCHEMA, 1);
	assert_int_equal(case_keeper_count(k), 1);
	body[0] = 'y';
	offer(k, "/a", body, COMPARISON_SCHEMA, 1);
	assert_int_equal(case_keeper_count(k), 1);
	assert_int_equal(case_keeper_refused(k), 1);
	case_keeper_free(k);
	assert_int_equal(budget_used(&budget), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_same_request),
		cmocka_unit_test(test_no_cases),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
