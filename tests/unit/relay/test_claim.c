/*
 * test_claim.c - the value of a claim goes to text and back; what is none is refused; what the broker responds
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/claim.h"
#include "tests/rig/dice.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t any(struct dice *d)
{
	static const uint64_t edges[] = { 0, 1, 255, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX };

	return one_in(d, 3) ? edges[below(d, COUNT(edges))] : below(d, 1u << 30);
}

static void make(struct dice *d, struct partition_claim *c)
{
	*c = (struct partition_claim){
		.nonce = any(d),
		.after = any(d),
		.epoch = (int64_t)(any(d) >> 1),
		.upto = any(d),
		.claimed = any(d),
		.skipped = any(d),
		.lacks_runs = one_in(d, 2),
	};
	c->settled = c->claimed / 2;
	snprintf(c->owner, sizeof(c->owner), "%.*s", (int)below(d, 65), "a-host_0123456789abcdef-0123456789abcdef-0123456789abcdef-0123456");
	for (uint32_t i = below(d, 40); i > 0; i--) {
		struct claim_run *r = claim_run(c, any(d));

		r->received = any(d);
		r->first = below(d, 1000);
		r->last = r->first + below(d, 1000);
		r->is_older = one_in(d, 2);
		r->base_next = r->is_older ? any(d) : 0;
		r->base_duplicate = r->is_older ? any(d) : 0;
	}
}

static void assert_equal_claims(const struct partition_claim *a, const struct partition_claim *b)
{
	assert_string_equal(a->owner, b->owner);
	assert_true(a->nonce == b->nonce && a->after == b->after && a->epoch == b->epoch);
	assert_true(a->upto == b->upto && a->claimed == b->claimed);
	assert_true(a->settled == b->settled && a->skipped == b->skipped && a->lacks_runs == b->lacks_runs);
	assert_int_equal(a->run_count, b->run_count);
	for (size_t i = 0; i < a->run_count; i++)
		assert_memory_equal(&a->runs[i], &b->runs[i], sizeof(a->runs[i]));
	assert_true(claim_is_same(a, b));
}

static void test_there_and_back(void **state)
{
	for (uint64_t seed = 1; seed < 2000; seed++) {
		struct dice d = dice_of_seed(seed);
		struct partition_claim c, back = { 0 }, copy = { 0 };
		struct buffer text = { 0 };

		make(&d, &c);
		claim_write(&c, &text);
		assert_int_equal(claim_read(buffer_span(&text), &back), 0);
		assert_equal_claims(&c, &back);
		assert_true(claim_copy(&c, &copy));
		assert_equal_claims(&c, &copy);
		for (size_t cut = 0; cut < text.len; cut += 1 + text.len / 50) /* no part of it is a value */
			assert_int_equal(claim_read(span_of(text.bytes, cut), &back), -EINVAL);
		assert_null(back.runs);
		claim_deinit(&c);
		claim_deinit(&copy);
		buffer_deinit(&text);
	}
}

#define HEAD "{\"version\":1,\"owner\":\"a\",\"nonce\":5,\"after\":4,\"epoch\":6,\"upto\":7,\"claimed\":9,\"settled\":8,\"skipped\":0,"

static const struct {
	const char *text;
	int result;
} values[] = {
	{ HEAD "\"runs\":{}}", 0 },
	{ HEAD "\"runs\":{},\"more\":[1,{}]}", 0 }, /* of a newer one, that is still version 1 */
	{ HEAD "\"runs\":{\"00000000000000ff\":[3,0,2]}}", 0 },
	{ HEAD "\"runs\":{\"00000000000000ff\":[3,0,2,1,0,0]}}", 0 },
	{ HEAD "\"runs\":{\"00000000000000ff\":[3,0,2,1]}}", -EINVAL },
	{ HEAD "\"runs\":{\"00000000000000ff\":[3,2,0]}}", -EINVAL },
	{ HEAD "\"runs\":{\"00000000000000ff\":[-1,0,2]}}", -EINVAL },
	{ HEAD "\"runs\":{\"00000000000000FF\":[3,0,2]}}", -EINVAL },
	{ HEAD "\"runs\":{\"ff\":[3,0,2]}}", -EINVAL },
	{ HEAD "\"runs\":{\"00000000000000ff\":[3,0,2],\"00000000000000ff\":[3,0,2]}}", -EINVAL },
	{ HEAD "\"runs\":{\"00000000000000ff\":{\"a\":1,\"b\":2,\"c\":3}}}", -EINVAL },
	{ HEAD "\"runs\":[]}", -EINVAL },
	{ HEAD "\"run\":{}}", -EINVAL },
	{ "{\"version\":2,\"owner\":\"a\",\"nonce\":5,\"after\":4,\"epoch\":6,\"upto\":7,\"claimed\":9,\"settled\":8,\"skipped\":0,\"runs\":{}}", -EINVAL },
	{ "{\"version\":1,\"owner\":\"a\",\"nonce\":5,\"after\":4,\"epoch\":6,\"upto\":7,\"claimed\":8,\"settled\":9,\"skipped\":0,\"runs\":{}}", -EINVAL },
	{ "{\"version\":1,\"owner\":7,\"nonce\":5,\"after\":4,\"epoch\":6,\"upto\":7,\"claimed\":9,\"settled\":8,\"skipped\":0,\"runs\":{}}", -EINVAL },
	{ "{\"version\":1,\"owner\":\"a\",\"nonce\":5,\"after\":4,\"epoch\":9223372036854775808,\"upto\":7,\"claimed\":9,\"settled\":8,\"skipped\":0,\"runs\":{}}", -EINVAL },
	{ "[1]", -EINVAL },
	{ "7", -EINVAL },
	{ "", -EINVAL },
};

static void test_values(void **state)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		struct partition_claim c = { 0 };

		if (claim_read(span_str(values[i].text), &c) != values[i].result)
			fail_msg("row %zu: %s", i, values[i].text);
		claim_deinit(&c);
	}
}

static void test_counting(void **state)
{
	struct partition_claim c = { 0 };

	for (uint64_t sequence = 10; sequence > 4; sequence--)
		claim_count(&c, 3, sequence);
	claim_count(&c, 1, 0);
	assert_int_equal(c.run_count, 2);
	assert_int_equal(c.runs[0].run, 1);
	assert_int_equal(c.runs[1].received, 6);
	assert_int_equal(c.runs[1].first, 5);
	assert_int_equal(c.runs[1].last, 10);
	for (uint64_t run = 0; run < CLAIM_RUNS_MAX + 10; run++)
		claim_count(&c, run, 1);
	assert_int_equal(c.run_count, CLAIM_RUNS_MAX);
	assert_true(c.lacks_runs);
	claim_deinit(&c);
}

static const struct {
	const char *text;
	enum claim_result result;
	uint64_t revision;
} responses[] = {
	{ "{\"stream\":\"KV_b\",\"seq\":17}", CLAIM_WON, 17 },
	{ "{\"stream\":\"KV_b\", \"seq\":17, \"domain\":\"hub\"}", CLAIM_WON, 17 },
	{ "{\"stream\":\"KV_b\",\"seq\":0}", CLAIM_UNKNOWN, 0 },
	{ "{\"stream\":\"KV_b\",\"seq\":\"17\"}", CLAIM_UNKNOWN, 0 },
	{ "{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: 5\"},\"stream\":\"KV_b\",\"seq\":0}", CLAIM_FENCED, 0 },
	{ "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":\"maximum bytes\"},\"seq\":3}", CLAIM_DENIED, 0 },
	{ "{\"error\":\"no\"}", CLAIM_DENIED, 0 },
	{ "{}", CLAIM_UNKNOWN, 0 },
	{ "", CLAIM_UNKNOWN, 0 },
	{ "+OK", CLAIM_UNKNOWN, 0 },
};

static void test_responses(void **state)
{
	for (size_t i = 0; i < COUNT(responses); i++) {
		uint64_t revision = 0;

		assert_int_equal(claim_result_read(span_str(responses[i].text), &revision), responses[i].result);
		if (responses[i].result == CLAIM_WON)
			assert_int_equal(revision, responses[i].revision);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_counting),
		cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
