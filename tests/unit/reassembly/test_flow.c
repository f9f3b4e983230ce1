/* test_flow.c - the table of connections: ends, growth, the lists by age */
#include "tests/rig/unit.h"

#include <stdlib.h>

#include "reassembly/flow.h"

/** segment_of() - from the @n-th client, in no domain */
static struct segment segment_of(uint32_t n)
{
	return (struct segment){ .src = { .addr = { [12] = (uint8_t)(n >> 16), [13] = (uint8_t)(n >> 8) },
					  .port = (uint16_t)(n & 0xff),
					  .family = 4 },
				 .dst = { .addr = { [15] = 9 }, .port = 80, .family = 4 } };
}

static struct flow *find(const struct flow_table *t, const struct segment *s)
{
	unsigned dir;
	struct flow_ends ends = flow_ends_of(t, s, &dir);

	return flow_find(t, &ends);
}

static struct flow *add(struct flow_table *t, const struct segment *s, int64_t now)
{
	unsigned dir;
	struct flow_ends ends = flow_ends_of(t, s, &dir);
	struct flow *f = flow_add(t, &ends, (struct wall){ now });

	if (f) {
		assert_memory_equal(&f->key.end[dir], &s->src, sizeof(s->src));
		assert_memory_equal(&f->key.end[!dir], &s->dst, sizeof(s->dst));
		assert_int_equal(f->key.domain, s->domain);
	}
	return f;
}

static void test_ends(void **state)
{
	struct segment s = { .src = { .addr = { [15] = 1 }, .port = 8000, .family = 4 },
			     .dst = { .addr = { [15] = 2 }, .port = 8000, .family = 4 },
			     .domain = 7 };
	struct segment back = { .src = s.dst, .dst = s.src, .domain = 7 };
	struct segment other = s, six = s, six_too = s;
	struct budget budget;
	struct flow_table t;
	struct flow_ends a, b;
	unsigned there, here;
	struct flow *f;

	budget_init(&budget, 1 << 20);
	assert_true(flow_table_init(&t, &budget));
	a = flow_ends_of(&t, &s, &there);
	b = flow_ends_of(&t, &back, &here);
	assert_int_equal(a.hash, b.hash); /* both directions are one connection */
	assert_memory_equal(a.end[0], b.end[0], sizeof(*a.end[0]));
	assert_memory_equal(a.end[1], b.end[1], sizeof(*a.end[1]));
	assert_int_not_equal(there, here);
	assert_ptr_equal(a.end[there], &s.src);
	f = add(&t, &s, 1);
	assert_ptr_equal(find(&t, &back), f);
	other.domain = 8;
	assert_null(find(&t, &other));
	six.src.family = six.dst.family = 6; /* the same bytes, but ::1 and ::2 */
	assert_null(find(&t, &six));
	six_too.src.family = six_too.dst.family = 6;
	six_too.src.addr[0] = 0x20;
	assert_int_not_equal(flow_ends_of(&t, &six, &here).hash, flow_ends_of(&t, &six_too, &here).hash);
	flow_remove(&t, f);
	flow_table_deinit(&t);
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
		struct segment s = segment_of(i), earlier = segment_of(i / 3), absent = segment_of(i + 1);

		assert_null(find(&t, &s));
		flows[i] = add(&t, &s, i);
		assert_non_null(flows[i]);
		assert_ptr_equal(find(&t, &s), flows[i]);
		assert_ptr_equal(find(&t, &earlier), flows[i / 3]); /* also while it is half moved */
		assert_null(find(&t, &absent));
	}
	assert_true(t.slots.count > N);
	for (uint32_t i = 0; i < N; i += 2)
		flow_remove(&t, flows[i]);
	for (uint32_t i = 0; i < N; i++) {
		struct segment s = segment_of(i);

		assert_ptr_equal(find(&t, &s), i % 2 ? flows[i] : NULL);
	}
	for (uint32_t i = 1; i < N; i += 2)
		flow_remove(&t, flows[i]);
	assert_int_equal(t.count, 0);
	assert_int_equal(budget_used(&budget), 0);
	flow_table_deinit(&t);
	free(flows);
}

enum { CLIENTS = 3000, DOMAINS = 4 };

/** struct model - what the table should hold: a flow for each client in each domain, or none */
struct model {
	struct flow *flow[CLIENTS][DOMAINS];
	size_t count;
};

static void model_check(const struct model *m, const struct flow_table *t, uint32_t client)
{
	struct segment s = segment_of(client);
	struct flow_walk walk = { 0 };
	unsigned dir;
	struct flow_ends ends = flow_ends_of(t, &s, &dir);
	struct flow *f;
	bool seen[DOMAINS] = { false };

	while ((f = flow_same_ends(t, &ends, &walk))) {
		assert_ptr_equal(f, m->flow[client][f->key.domain]);
		assert_false(seen[f->key.domain]); /* once each */
		seen[f->key.domain] = true;
	}
	for (uint32_t n = 0; n < DOMAINS; n++) {
		size_t others = 0;

		assert_int_equal(seen[n], m->flow[client][n] != NULL);
		ends.domain = n;
		assert_ptr_equal(flow_find(t, &ends), m->flow[client][n]);
		for (uint32_t other = 0; other < DOMAINS; other++)
			others += m->flow[client][other] && other != n;
		if (!m->flow[client][n])
			assert_int_equal(ends.elsewhere, others > 0);
	}
}

/** test_random() - adding, looking and removing in any order, through several growths: as an array has it */
static void test_random(void **state)
{
	enum { STEPS = 60000 };
	struct model *m = calloc(1, sizeof(*m));
	uint64_t random = 88172645463325252U;
	struct budget budget;
	struct flow_table t;

	assert_non_null(m);
	budget_init(&budget, (size_t)1 << 30);
	assert_true(flow_table_init(&t, &budget));
	for (int i = 0; i < STEPS; i++) {
		uint32_t client, domain;
		struct flow **f;
		struct segment s;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		client = (uint32_t)(random >> 20) % CLIENTS;
		domain = (uint32_t)(random >> 50) % DOMAINS;
		f = &m->flow[client][domain];
		s = segment_of(client);
		s.domain = domain;
		if (!*f && (i < STEPS / 2 || random >> 60 < 4)) { /* it fills, then mostly empties */
			*f = add(&t, &s, i);
			assert_non_null(*f);
			m->count++;
		} else if (*f && random >> 60 < 8) {
			flow_remove(&t, *f);
			*f = NULL;
			m->count--;
		}
		model_check(m, &t, client);
		model_check(m, &t, (client + 1) % CLIENTS);
		assert_int_equal(t.count, m->count);
	}
	assert_true(t.slots.count >= 8192);
	for (uint32_t c = 0; c < CLIENTS; c++) {
		model_check(m, &t, c);
		for (uint32_t n = 0; n < DOMAINS; n++)
			if (m->flow[c][n])
				flow_remove(&t, m->flow[c][n]);
	}
	assert_int_equal(budget_used(&budget), 0);
	flow_table_deinit(&t);
	free(m);
}

/** test_regular() - addresses and ports that count up make no long neighbourhoods, whatever the key is */
static void test_regular(void **state)
{
	enum { KEYS = 30, N = 5000, STEPS_MAX = 500 }; /* of 8192 slots; the longest are around 60 */

	for (int key = 0; key < KEYS; key++) {
		bool six = key % 3 == 2;
		struct budget budget;
		struct flow_table t;

		budget_init(&budget, (size_t)1 << 30);
		assert_true(flow_table_init(&t, &budget));
		for (uint32_t i = 0; i < 2 * N; i++) { /* the first half is added, the other is looked for */
			struct segment s = {
				.src = { .addr = { [12] = 10, [15] = 7 },
					 .port = (uint16_t)(1024 + i),
					 .family = 4 },
				.dst = { .addr = { [12] = 10, [15] = 9 }, .port = 80, .family = 4 }
			};
			struct flow_walk walk = { 0 };
			struct flow_ends ends;
			unsigned dir;

			if (key % 3 > 0) { /* or the clients do, each with the same port */
				s.src.addr[14] = (uint8_t)(i >> 8);
				s.src.addr[15] = (uint8_t)i;
				s.src.port = 1024;
			}
			if (six)
				s.src.family = s.dst.family = 6;
			ends = flow_ends_of(&t, &s, &dir);
			if (i < N)
				assert_non_null(flow_add(&t, &ends, (struct wall){ i }));
			else
				assert_null(flow_same_ends(&t, &ends, &walk));
			assert_true(walk.steps < STEPS_MAX);
		}
		while (t.opening.oldest)
			flow_remove(&t, t.opening.oldest);
		flow_table_deinit(&t);
	}
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
		struct segment s = segment_of(i);

		f[i] = add(&t, &s, i);
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
	flow_close(&t, f[3]);
	flow_close(&t, f[2]);
	flow_set_state(&t, f[0], FLOW_IGNORED);
	ages_are(&t.live, (struct flow *[]){ f[1], f[0] }, 2);
	ages_are(&t.closed, (struct flow *[]){ f[3], f[2] }, 2);
	flow_remove(&t, f[3]);
	ages_are(&t.closed, (struct flow *[]){ f[2] }, 1);
	assert_true(flow_begin(&t, f[2]));
	flow_set_state(&t, f[2], FLOW_OPEN);
	ages_are(&t.closed, NULL, 0);
	ages_are(&t.live, (struct flow *[]){ f[1], f[0], f[2] }, 3);
	for (int i = 0; i < 3; i++)
		flow_remove(&t, f[i]);
	flow_table_deinit(&t);
	assert_int_equal(budget_used(&budget), 0);
}

/** test_aliases() - a flow is found in its own domain and in those that it was seen in, and in no other */
static void test_aliases(void **state)
{
	struct segment plain = segment_of(1), tagged = segment_of(1), other = segment_of(2);
	struct budget budget;
	struct flow_table t;
	struct flow *a, *b, *c;

	budget_init(&budget, 1 << 20);
	assert_true(flow_table_init(&t, &budget));
	a = add(&t, &plain, 1);
	tagged.domain = 7;
	assert_null(find(&t, &tagged));
	b = add(&t, &tagged, 1);
	c = add(&t, &other, 1);
	assert_true(a && b && c);
	assert_ptr_equal(find(&t, &plain), a);
	assert_ptr_equal(find(&t, &tagged), b);
	for (uint32_t n = 10; n < 10 + 2 * ALIASES_MAX; n++) {
		tagged.domain = n;
		assert_null(find(&t, &tagged));
		assert_true(flow_add_alias(&t, a, n));
		assert_ptr_equal(find(&t, &tagged), a);
	}
	tagged.domain = 10 + ALIASES_MAX - 1; /* the older half made room */
	assert_null(find(&t, &tagged));
	tagged.domain = 10 + ALIASES_MAX;
	assert_ptr_equal(find(&t, &tagged), a);
	flow_drop_alias(a, tagged.domain);
	assert_null(find(&t, &tagged));
	assert_int_equal(a->aliases->count, ALIASES_MAX - 1);
	flow_remove(&t, a);
	flow_remove(&t, b);
	flow_remove(&t, c);
	flow_table_deinit(&t);
}

static void test_budget(void **state)
{
	struct segment s = segment_of(1);
	struct budget budget;
	struct flow_table t;

	budget_init(&budget, 100);
	assert_true(flow_table_init(&t, &budget));
	assert_null(add(&t, &s, 1));
	assert_int_equal(budget_used(&budget), 0);
	assert_null(find(&t, &s));
	flow_table_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),    cmocka_unit_test(test_growth), cmocka_unit_test(test_random),
		cmocka_unit_test(test_regular), cmocka_unit_test(test_ages),   cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
