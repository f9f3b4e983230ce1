/*
 * test_record_alloc.c - let the n-th allocation fail, for every n: nothing is left behind, and no fault is blamed for it
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "relay/record.h"
#include "relay/record_read.h"
#include "tests/rig/fail_alloc.h"

#define ID "0123456789abcdef0123456789abcdef"

static const struct record_fields request = {
	.id = SPAN_LITERAL(ID),
	.specversion = SPAN_LITERAL("1.0"),
	.type = SPAN_LITERAL(RECORD_REQUEST_TYPE),
	.source = SPAN_LITERAL("a"),
	.tap = SPAN_LITERAL("arrivals=0:1,6:2"),
	.http_version = SPAN_LITERAL("2"),
	.data = SPAN_LITERAL("POST /p.S/M HTTP/1.1\r\ncontent-type: application/grpc\r\na: 1\r\nb: 2\r\nContent-Length: 12\r\n\r\n"
			     "\0\0\0\0\1a\0\0\0\0\1b"),
};

static const struct record_fields answer = {
	.id = SPAN_LITERAL(ID "a"),
	.specversion = SPAN_LITERAL("1.0"),
	.type = SPAN_LITERAL(RECORD_ANSWER_TYPE),
	.source = SPAN_LITERAL("a"),
	.tap = SPAN_LITERAL("arrivals=0:1,2:2"),
	.data = SPAN_LITERAL("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\ngrpc-status: 0\r\n\r\n"),
};

static void all_fields(void *ctx, const struct request_head *head, struct header_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < head->header_count; i++)
		header_list_add(out, head->headers[i].name, head->headers[i].value);
}

static bool any_field(void *ctx, struct span name)
{
	(void)ctx, (void)name;
	return true;
}

static const struct record_rules rules = { .fields = all_fields, .answer_field = any_field };

/** there_and_back() - read, made a message of, written; -ENOMEM if something of that failed */
static int there_and_back(struct budget *budget)
{
	struct record_request in = { 0 };
	struct header_list scratch = { 0 };
	enum record_fault why = RECORD_FINE;
	struct message *m = NULL;
	struct record *r = NULL;
	int err = record_read_request(&request, &in, &why);

	assert_true(err == 0 || err == -ENOMEM);
	if (err == 0)
		m = record_request_message(&in, budget);
	if (m)
		r = record_of_request(m, m->response_token != 0, &rules, &scratch);
	err = r ? 0 : -ENOMEM;
	if (r)
		assert_memory_equal(r->data, request.data.at, 20);
	record_free(r);
	message_unref(m);
	header_list_deinit(&scratch);
	record_request_deinit(&in);
	return err;
}

static int answer_and_back(struct budget *budget)
{
	struct record_answer in;
	enum record_fault why = RECORD_FINE;
	int err = record_read_answer(&answer, budget, 1 << 20, &in, &why);
	struct record *r = NULL;

	assert_true(err == 0 || err == -ENOMEM);
	if (err == 0)
		r = record_of_response(in.event.id, in.response, in.event.time, &rules);
	record_free(r);
	if (err == 0)
		response_free(in.response);
	return r ? 0 : -ENOMEM;
}

static void each_fails(int (*run)(struct budget *budget), long at_least)
{
	long n = 0;
	bool used;

	do {
		struct budget budget;

		budget_init(&budget, 1 << 20);
		fail_at = n++;
		run(&budget);
		used = fail_at < 0;
		fail_at = -1;
		assert_int_equal(budget_used(&budget), 0);
	} while (used);
	assert_true(n > at_least);
	fail_at = -1;
	for (size_t limit = 0; limit < 4096; limit += 8) { /* and of the budget every byte */
		struct budget budget;

		budget_init(&budget, limit);
		run(&budget);
		assert_int_equal(budget_used(&budget), 0);
	}
}

static void test_requests(void **state)
{
	(void)state;
	each_fails(there_and_back, 5);
}

static void test_answers(void **state)
{
	(void)state;
	each_fails(answer_and_back, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_requests), cmocka_unit_test(test_answers) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
