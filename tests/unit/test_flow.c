/* test_flow.c - the table of connections: keys, growth, the lists by age */
#include "unit.h"

#include <stdlib.h>

#include "reassembly/flow.h"

static struct flow_key key_of(uint32_t n)
{
	struct segment s = { .src = { .addr = { [12] = (uint8_t)(n >> 16), [13] = (uint8_t)(n >> 8) },
				      .port = (uint16_t)(n & 0xff), .family = 4 },
			     .dst = { .addr = { [15] = 9 }, .port = 80, .family = 4 } };
	unsigned dir;

	return flow_key_of(&s, &dir);
}

static void test_keys(void **state)
{
	struct segment s = { .src = { .addr = { [15] = 1 }, .port = 8000, .family = 4 },
			     .dst = { .addr = { [15] = 2 }, .port = 8000, .family = 4 }, .network = 7 };
	struct segment back = { .src = s.dst, .dst = s.src, .network = 7 };
	struct segment other = s, six = s;
	unsigned there, here, unused;
	struct flow_key a = flow_key_of(&s, &there), b = flow_key_of(&back, &here), c, d;

	assert_memory_equal(&a, &b, sizeof(a)); /* both directions are one connection */
	assert_int_not_equal(there, here);
	assert_memory_equal(&a.end[there], &s.src, sizeof(s.src));
	other.network = 8;
	c = flow_key_of(&other, &unused);
	assert_memory_not_equal(&a, &c, sizeof(a));
	six.src.family = six.dst.family = 6; /* the same bytes, but ::1 and ::2 */
	d = flow_key_of(&six, &unused);
	assert_memory_not_equal(&a, &d, sizeof(a));
}

static void test_growth(void **state)
{
	enum { N = 20000 };
	struct flow **flows = calloc(N, sizeof(*flows));
	struct budget budget;
	struct flow_table t;

	assert_non_null(flows);
	budget_init(&budget, (size_t)1 << 30);
	assert_true(flow_table_init(&t, &budget));
	for (uint32_t i = 0; i < N; i++) {
		struct flow_key key = key_of(i), earlier = key_of(i / 3), absent = key_of(i + 1);

		assert_null(flow_find(&t, &key));
		flows[i] = flow_add(&t, &key, (struct wall){ i });
		assert_non_null(flows[i]);
		assert_ptr_equal(flow_find(&t, &key), flows[i]);
		assert_ptr_equal(flow_find(&t, &earlier), flows[i / 3]); /* also while it is half moved */
		assert_null(flow_find(&t, &absent));
	}
	assert_true(t.bucket_count >= N / 2);
	for (uint32_t i = 0; i < N; i += 2)
		flow_remove(&t, flows[i]);
	for (uint32_t i = 0; i < N; i++) {
		struct flow_key key = key_of(i);

		assert_ptr_equal(flow_find(&t, &key), i % 2 ? flows[i] : NULL);
	}
	for (uint32_t i = 1; i < N; i += 2)
		flow_remove(&t, flows[i]);
	assert_int_equal(t.count, 0);
	assert_int_equal(budget_used(&budget), 0);
	flow_table_deinit(&t);
	free(flows);
}

/** ages_are() - the list holds just these, the oldest first */
static void ages_are(const struct flow_list *list, struct flow *const *flows, size_t count)
{
	const struct flow *f = list->oldest, *older = NULL;

	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(f, flows[i]);
		assert_ptr_equal(f->older, older);
		older = f;
		f = f->newer;
	}
	assert_null(f);
	assert_ptr_equal(list->newest, older);
}

static void test_ages(void **state)
{
	struct budget budget;
	struct flow_table t;
	struct flow *f[4];

	budget_init(&budget, 1 << 20);
	assert_true(flow_table_init(&t, &budget));
	for (uint32_t i = 0; i < 4; i++) {
		struct flow_key key = key_of(i);

		f[i] = flow_add(&t, &key, (struct wall){ i });
		assert_non_null(f[i]);
	}
	ages_are(&t.opening, f, 4); /* nothing but SYNs so far */
	for (int i = 0; i < 4; i++)
		flow_set_state(&t, f[i], FLOW_OPEN);
	ages_are(&t.opening, NULL, 0);
	ages_are(&t.live, f, 4);
	flow_touch(&t, f[0], (struct wall){ 10 });
	flow_touch(&t, f[0], (struct wall){ 11 });
	flow_touch(&t, f[2], (struct wall){ 12 });
	ages_are(&t.live, (struct flow *[]){ f[1], f[3], f[0], f[2] }, 4);
	flow_set_state(&t, f[3], FLOW_CLOSED);
	flow_set_state(&t, f[2], FLOW_CLOSED);
	flow_set_state(&t, f[0], FLOW_IGNORED);
	ages_are(&t.live, (struct flow *[]){ f[1], f[0] }, 2);
	ages_are(&t.closed, (struct flow *[]){ f[3], f[2] }, 2);
	flow_remove(&t, f[3]);
	ages_are(&t.closed, (struct flow *[]){ f[2] }, 1);
	flow_set_state(&t, f[2], FLOW_OPEN);
	ages_are(&t.closed, NULL, 0);
	ages_are(&t.live, (struct flow *[]){ f[1], f[0], f[2] }, 3);
	for (int i = 0; i < 3; i++)
		flow_remove(&t, f[i]);
	flow_table_deinit(&t);
	assert_int_equal(budget_used(&budget), 0);
}

/** test_aliases() - a flow is found in its own network and in those that it was seen in, and in no other */
static void test_aliases(void **state)
{
	struct flow_key plain = key_of(1), tagged = key_of(1), other = key_of(2);
	struct budget budget;
	struct flow_table t;
	struct flow *a, *b, *c;

	budget_init(&budget, 1 << 20);
	assert_true(flow_table_init(&t, &budget));
	a = flow_add(&t, &plain, (struct wall){ 1 });
	tagged.network = 7;
	assert_null(flow_find(&t, &tagged));
	b = flow_add(&t, &tagged, (struct wall){ 1 });
	c = flow_add(&t, &other, (struct wall){ 1 });
	assert_true(a && b && c);
	assert_ptr_equal(flow_find(&t, &plain), a);
	assert_ptr_equal(flow_find(&t, &tagged), b);
	assert_ptr_equal(flow_same_ends(&t, &plain, NULL), b); /* a bucket's newest comes first */
	assert_ptr_equal(flow_same_ends(&t, &plain, b), a);
	assert_null(flow_same_ends(&t, &plain, a));
	for (uint32_t n = 10; n < 10 + 2 * ALIASES_MAX; n++) {
		tagged.network = n;
		assert_null(flow_find(&t, &tagged));
		flow_add_alias(a, n);
		assert_ptr_equal(flow_find(&t, &tagged), a);
	}
	tagged.network = 10 + ALIASES_MAX - 1; /* the older half made room */
	assert_null(flow_find(&t, &tagged));
	tagged.network = 10 + ALIASES_MAX;
	assert_ptr_equal(flow_find(&t, &tagged), a);
	flow_drop_alias(a, tagged.network);
	assert_null(flow_find(&t, &tagged));
	assert_int_equal(a->alias_count, ALIASES_MAX - 1);
	flow_remove(&t, a);
	flow_remove(&t, b);
	flow_remove(&t, c);
	flow_table_deinit(&t);
}

static void test_budget(void **state)
{
	struct flow_key key = key_of(1);
	struct budget budget;
	struct flow_table t;

	budget_init(&budget, 100);
	assert_true(flow_table_init(&t, &budget));
	assert_null(flow_add(&t, &key, (struct wall){ 1 }));
	assert_int_equal(budget_used(&budget), 0);
	assert_null(flow_find(&t, &key));
	flow_table_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
