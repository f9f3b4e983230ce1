/*
 * test_comparer_alloc.c - let the n-th allocation fail, for every n
 *
 * The linker sends this program's allocations here (--wrap), but not those of
 * zlib and its like. A comparer is made whole or not at all; a pair for which
 * memory is not enough is not comparable, never equal, and the next one is
 * compared as if nothing had been.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coded.h"
#include "compare/comparer.h"

static long fail_at = -1; /* allocations until the one that fails; -1: none does */

static bool fails(void)
{
	return fail_at >= 0 && fail_at-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

#define DELTA(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define LONG	    "{\"a\":[1,2,3,4,5,6,7,8,9,10],\"b\":{\"c\":\"a\\u0062\",\"d\":[true,null]},\"e\":[[0.1,0.9],[0.8,0.2]]}"
#define OTHER	    "{\"e\":[[0.1,0.9],[0.2,0.8]],\"b\":{\"d\":[null],\"c\":\"ac\"},\"a\":[1,2,3,4,5,6,7,8,9,11]}"
#define TENSOR(v)   "{\"outputs\":[{\"name\":\"p\",\"datatype\":\"INT8\",\"shape\":[1],\"parameters\":{\"binary_data_size\":1}}]}" v

static const struct {
	const char *type, *coding, *head_len, *production, *shadow;
} cases[] = {
	{ "application/json", "", "", LONG, OTHER },
	{ "application/json", "gzip", "", LONG, OTHER },
	{ "application/json", "", "", LONG, LONG },
	{ "text/event-stream", "", "", DELTA("a") DELTA("b"), DELTA("a") DELTA("c") },
	{ "text/event-stream", "", "", "data: 1\ndata: 2\n\ndata: 3\n\n", "data: 1\ndata: 2\n\ndata: 4\n\n" },
	{ "text/plain", "", "", "a", "b" },
	{ "image/png", "", "", "a", "b" },
	{ "", "", "92", TENSOR("\1"), TENSOR("\2") },
	{ "application/json", "", "", "{\"choices\":[{\"text\":\"a\"}]}", "{\"choices\":[{\"text\":\"b\"}]}" },
};

struct made {
	struct header headers[3];
	struct response response;
	struct buffer body;
};

static void make(struct made *m, size_t i, const char *text)
{
	*m = (struct made){ .headers = { { SPAN_LITERAL("content-type"), span_str(cases[i].type) },
					 { SPAN_LITERAL("content-encoding"), span_str(cases[i].coding) },
					 { SPAN_LITERAL("inference-header-content-length"), span_str(cases[i].head_len) } } };
	if (cases[i].coding[0])
		assert_true(code_body(span_str(text), CODED_GZIP, &m->body));
	else
		buffer_add_str(&m->body, text);
	m->response = (struct response){ .fate = RESPONSE_WHOLE, .status_code = 200, .headers = m->headers,
					 .header_count = cases[i].head_len[0] ? 3 : 2, .body = m->body.bytes, .body_len = m->body.len };
}

static struct comparer *made_comparer(int *err)
{
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .max_body = 1 << 20, .preset = "any",
					   .rules = SPAN_LITERAL("/x ignore\n/y/* exact\n"), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	*err = comparer_new(&options, &c, &error);
	assert_true((*err == 0) == (c != NULL));
	buffer_deinit(&error);
	return c;
}

static void test_new(void **state)
{
	struct comparer *c = NULL;
	int err;

	for (long n = 0; !c; n++) {
		fail_at = n;
		c = made_comparer(&err);
		assert_true(err == 0 || err == -ENOMEM);
		fail_at = -1;
	}
	comparer_free(c);
}

static void test_run(void **state)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum comparison_verdict right = COMPARISON_COUNT;
		struct made p, s;
		bool failed = true;
		long failures = 0;

		make(&p, i, cases[i].production);
		make(&s, i, cases[i].shadow);
		for (long n = 0; failed; n++) {
			struct pair pair = { &post, &p.response, &s.response, &answered };
			int err;
			struct comparer *c = made_comparer(&err);
			const struct comparison *got;

			fail_at = n;
			got = comparer_run(c, &pair);
			failed = fail_at < 0;
			fail_at = -1;
			if (failed && got->verdict == COMPARISON_NOT_COMPARABLE) {
				assert_string_equal(got->reason, "memory");
				failures++;
				got = comparer_run(c, &pair);
			}
			if (right == COMPARISON_COUNT)
				right = got->verdict;
			if (got->verdict != right || right == COMPARISON_NOT_COMPARABLE)
				fail_msg("case %zu, allocation %ld: %s, %s", i, n, comparison_name(got->verdict),
					 got->reason ? got->reason : "-");
			comparer_free(c);
		}
		assert_true(failures > 0 || i > 4);
		buffer_deinit(&p.body);
		buffer_deinit(&s.body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
