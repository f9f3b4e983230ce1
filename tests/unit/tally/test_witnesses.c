/*
 * test_witnesses.c - as how many pairs do pairs count?
 *
 * By hand where it can be said, and by simulation: intervals have to cover the true share as often as they promise,
 * in traffic that repeats itself in several ways, where intervals that take each pair for a witness do not.
 */
#include "tests/rig/chance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/statistics.h"
#include "compare/tally/first_pairs.h"
#include "compare/tally/witnesses.h"

static uint64_t hash_of(uint64_t n)
{
	static const struct hash_key key = { 1, 2 };

	return hash_bytes(&key, &n, sizeof(n));
}

static void add(struct witnesses *w, uint64_t request, uint64_t client, uint64_t connection, bool mismatch)
{
	struct witness_groups g = { { hash_of(request), hash_of(client + (1 << 20)), hash_of(connection + (1 << 21)) } };

	witnesses_add(w, &g, mismatch, false);
}

/* -- by hand --------------------------------------------------------------------------- */

/*
 * @pairs pairs in turn of so many requests, clients and connections, of which one in @every differs (0: none); all of
 * the pairs of the first @bad clients do
 */
static const struct {
	uint64_t pairs, requests, clients, connections, every, bad;
	enum witness_kind by;
	uint64_t least, most;
} known[] = {
	{ 5000, 5000, 1, 1, 0, 0, WITNESS_PAIRS, 5000, 5000 },       /* a recording of one client */
	{ 5000, 5000, 3, 40, 0, 0, WITNESS_PAIRS, 5000, 5000 },      /* three proxies, and nothing differs */
	{ 5000, 5000, 3, 40, 400, 0, WITNESS_PAIRS, 5000, 5000 },    /* ... and what differs does not lie together */
	{ 5000, 1, 1, 1, 0, 0, WITNESS_REQUESTS, 1, 1 },             /* one request again and again */
	{ 5000, 500, 1, 1, 0, 0, WITNESS_REQUESTS, 360, 500 },       /* each ten times; 9 % is the standard error */
	{ 100, 50, 1, 1, 0, 0, WITNESS_REQUESTS, 40, 60 },
	{ 5000, 5000, 50, 50, 0, 1, WITNESS_CLIENTS, 35, 65 },       /* one client's inputs do not work */
	{ 5000, 5000, 50, 50, 0, 50, WITNESS_PAIRS, 5000, 5000 },    /* nothing works: nothing varies */
	{ 5000, 5000, 5000, 20, 0, 0, WITNESS_PAIRS, 5000, 5000 },
	{ 0, 1, 1, 1, 0, 0, WITNESS_PAIRS, 0, 0 },
};

static void test_known_effects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		static struct witnesses w;
		struct witness_effect effect;
		uint64_t count;

		w = (struct witnesses){ 0 };
		for (uint64_t n = 0; n < known[i].pairs; n++)
			add(&w, n % known[i].requests, n % known[i].clients, n % known[i].connections,
			    n % known[i].clients < known[i].bad || (known[i].every && hash_of(~n) % known[i].every == 0));
		effect = witness_effect(&w, known[i].pairs < known[i].requests ? 0 : known[i].requests, false);
		count = witness_count(known[i].pairs, effect.deff);
		if (effect.by != known[i].by || count < known[i].least || count > known[i].most)
			fail_msg("row %zu: %llu witnesses by %s", i, (unsigned long long)count, witness_kind_name(effect.by));
	}
}

/* Generated texts that differ are no mismatch unless there is a control. */
static void test_generated(void **state)
{
	static struct witnesses w;
	struct witness_groups g = { { 1, 2, 3 } };

	(void)state;
	w = (struct witnesses){ 0 };
	for (uint64_t n = 0; n < 4000; n++) {
		g.hash[WITNESS_REQUESTS] = hash_of(n);
		g.hash[WITNESS_CLIENTS] = n % 40;
		witnesses_add(&w, &g, n % 40 == 0, n % 40 == 0);
	}
	assert_int_equal(witness_effect(&w, 4000, false).by, WITNESS_PAIRS);
	assert_int_equal(witness_effect(&w, 4000, true).by, WITNESS_CLIENTS);
}

static struct endpoint address(uint32_t ip, uint16_t port)
{
	struct endpoint e = { .zero = 0 };

	endpoint_set_ipv4(&e, ip, port);
	return e;
}

/* A client is an address, a proxy's word before the proxy's own; a connection is both ends. The same in every run. */
static void test_groups(void **state)
{
	struct request_origin a = { .client = address(1, 1000), .server = address(9, 80), .connection = 1 }, b = a, c = a, d = a;
	struct witness_groups of_a = witness_groups_of(&a, 7), of_b, of_c, of_d;

	(void)state;
	b.client.port = 1001;
	b.connection = 2;
	c.connection = 3;
	d.proxied = address(1, 77);
	d.client = address(2, 1000);
	of_b = witness_groups_of(&b, 7);
	of_c = witness_groups_of(&c, 8);
	of_d = witness_groups_of(&d, 7);
	assert_int_equal(of_a.hash[WITNESS_REQUESTS], 7);
	assert_true(of_a.hash[WITNESS_CLIENTS] == of_b.hash[WITNESS_CLIENTS]);
	assert_true(of_a.hash[WITNESS_CONNECTIONS] != of_b.hash[WITNESS_CONNECTIONS]);
	assert_true(of_a.hash[WITNESS_CONNECTIONS] == of_c.hash[WITNESS_CONNECTIONS]); /* its number in a run says nothing */
	assert_true(of_a.hash[WITNESS_CLIENTS] == of_d.hash[WITNESS_CLIENTS]);
	assert_true(of_a.hash[WITNESS_CONNECTIONS] != of_d.hash[WITNESS_CONNECTIONS]);
	if (of_a.hash[WITNESS_CLIENTS] != UINT64_C(0x5a88745dcb2eecdb)) /* on every tap, and in every version */
		fail_msg("%016llx", (unsigned long long)of_a.hash[WITNESS_CLIENTS]);
}

/* How many groups there were, within four standard errors of linear counting. */
static void test_groups_seen(void **state)
{
	static const struct {
		uint64_t groups, by;
	} rows[] = { { 0, 0 }, { 1, 0 }, { 3, 1 }, { 20, 4 }, { 190, 38 }, { 700, 220 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static struct witnesses w;
		uint64_t seen;

		w = (struct witnesses){ 0 };
		for (uint64_t n = 0; n < 2 * rows[i].groups; n++)
			add(&w, n, n % rows[i].groups, n, false);
		seen = witness_groups_seen(&w, WITNESS_CLIENTS);
		if (seen + rows[i].by < rows[i].groups || seen > rows[i].groups + rows[i].by)
			fail_msg("%llu of %llu", (unsigned long long)seen, (unsigned long long)rows[i].groups);
		for (uint64_t n = 0; n < 10000; n++)
			add(&w, n, n, n, false);
		assert_true(witness_groups_seen(&w, WITNESS_CLIENTS) > WITNESS_TOLD);
	}
}

/* -- in reports ------------------------------------------------------------------------ */

static struct buffer written(const struct witnesses *w)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	witnesses_json(w, &j, "buckets");
	json_close(&j, '}');
	assert_true(buffer_ok(&out));
	return out;
}

static bool read_text(struct witnesses *w, struct span text)
{
	struct json_doc d = { 0 };
	bool is_read;

	assert_int_equal(json_doc_parse(&d, text), 0);
	is_read = witnesses_read(w, &d, json_doc_member(&d, 0, SPAN_LITERAL("buckets")));
	json_doc_deinit(&d);
	return is_read;
}

/* Two taps, one of them read from its report, are one. */
static void test_merge(void **state)
{
	static struct witnesses whole, part[2], sum;
	struct buffer text;

	(void)state;
	random_state = 5;
	whole = part[0] = part[1] = sum = (struct witnesses){ 0 };
	for (int n = 0; n < 20000; n++) {
		uint64_t request = random_next() % 3000, client = random_next() % 90, connection = random_next() % 400;
		bool mismatch = random_next() % 50 == 0;

		add(&whole, request, client, connection, mismatch);
		add(&part[random_next() % 2], request, client, connection, mismatch);
	}
	text = written(&part[1]);
	assert_true(text.len < 20000);
	assert_true(read_text(&sum, buffer_span(&text)));
	witnesses_merge(&sum, &part[0]);
	assert_memory_equal(&sum, &whole, sizeof(whole));
	buffer_deinit(&text);
}

static const struct {
	const char *text;
	bool is_read;
} files[] = {
	{ "{\"buckets\":{}}", true },
	{ "{\"buckets\":{\"requests\":[[255,3,2,1]],\"clients\":[],\"others\":7}}", true },
	{ "{\"buckets\":{\"requests\":{}}}", false },
	{ "{\"buckets\":{\"requests\":[7]}}", false },
	{ "{\"buckets\":{\"requests\":[[1,2,3]]}}", false },
	{ "{\"buckets\":{\"requests\":[[256,3,2,1]]}}", false },
	{ "{\"buckets\":{\"requests\":[[0,1,2,0]]}}", false },
	{ "{\"buckets\":{\"requests\":[[0,3,1,2]]}}", false },
	{ "{\"buckets\":{\"requests\":[[0,-1,0,0]]}}", false },
	{ "{\"buckets\":{\"connections\":[[0,9007199254740993,0,0]]}}", false },
	{ "{\"buckets\":{\"connections\":[[0,9007199254740992,0,0],[0,1,0,0]]}}", false },
};

static void test_files(void **state)
{
	static struct witnesses w;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		w = (struct witnesses){ 0 };
		if (read_text(&w, span_str(files[i].text)) != files[i].is_read)
			fail_msg("%s is %sread", files[i].text, files[i].is_read ? "not " : "");
	}
}

/* -- coverage -------------------------------------------------------------------------- */

#define PAIRS 5000
#define RUNS  300 /* unless PROPERTY_ROUNDS says otherwise, as ./test --long does; 5,000 at most */

static double runs(void)
{
	const char *wish = getenv("PROPERTY_ROUNDS");
	double n = wish ? strtod(wish, NULL) : RUNS;

	return fmin(fmax(n, RUNS), 5000);
}

/*
 * Pairs fall into groups of @size, or the k-th has @size / k, and the rest one each. In a group, answers are drawn from
 * an urn (Pólya): mismatches have the true @rate, and two of a group the correlation @alike.
 */
static const struct traffic {
	const char *name;
	uint64_t size;
	bool zipf;
	enum witness_kind by; /* what a group is: requests, or clients with requests that are all different */
	double rate, alike;
	struct {
		double low, high; /* per cent */
	} naive, effect, first;
} traffic[] = {
	{ "all different", 1, false, WITNESS_REQUESTS, 0.05, 1, { 94, 97 }, { 94, 98 }, { 94, 97 } },
	{ "ten times each", 10, false, WITNESS_REQUESTS, 0.05, 1, { 48, 53 }, { 94, 97 }, { 94, 97 } },
	{ "ten times each, 1 %", 10, false, WITNESS_REQUESTS, 0.01, 1, { 47, 53 }, { 94, 98 }, { 94, 98 } },
	{ "ten times each, half alike", 10, false, WITNESS_REQUESTS, 0.05, 0.3, { 68, 74 }, { 96, 100 }, { 94, 97 } },
	{ "heavy-tailed", 400, true, WITNESS_REQUESTS, 0.05, 1, { 21, 27 }, { 92, 97 }, { 93, 97 } },
	{ "20 clients", PAIRS / 20, false, WITNESS_CLIENTS, 0.2, 1, { 18, 25 }, { 93, 97 }, { 18, 25 } },
	{ "20 clients, half alike", PAIRS / 20, false, WITNESS_CLIENTS, 0.02, 0.3, { 12, 19 }, { 93, 98 }, { 12, 19 } },
	{ "500 clients, half alike", PAIRS / 500, false, WITNESS_CLIENTS, 0.05, 0.3, { 69, 75 }, { 96, 100 }, { 69, 75 } },
};

/* struct urn - the group of the present pair */
struct urn {
	uint64_t group, size, drawn, mismatch;
};

static bool draw(struct urn *u, const struct traffic *t)
{
	double weight = 1 / t->alike - 1, all = weight + (double)u->drawn;
	double chance = all > 0 ? (weight * t->rate + (double)u->mismatch) / all : t->rate;
	bool mismatch = random_unit() < chance;

	u->drawn++;
	u->mismatch += mismatch;
	return mismatch;
}

static bool covers(struct rate r, double rate)
{
	return r.interval.low <= rate && rate <= r.interval.high;
}

struct covered {
	double naive, effect, first;
};

static void run(const struct traffic *t, struct covered *covered)
{
	static struct witnesses w;
	struct first_pairs f = { 0 };
	struct urn u = { 0 };
	uint64_t mismatches = 0, distinct, differ;

	w = (struct witnesses){ 0 };
	for (int n = 0; n < PAIRS; n++) {
		struct witness_groups g;
		bool mismatch;

		if (u.drawn == u.size) {
			uint64_t k = u.size ? (u.group & 0xffff) + 1 : 1;

			u = (struct urn){ (random_next() & ~UINT64_C(0xffff)) | k, t->size, 0, 0 };
			if (t->zipf)
				u.size = t->size > k ? t->size / k : 1;
		}
		mismatch = draw(&u, t);
		mismatches += mismatch;
		g.hash[WITNESS_REQUESTS] = t->by == WITNESS_REQUESTS ? hash_of(u.group) : random_next();
		g.hash[WITNESS_CLIENTS] = t->by == WITNESS_CLIENTS ? hash_of(u.group) : random_next() % 100;
		g.hash[WITNESS_CONNECTIONS] = random_next();
		witnesses_add(&w, &g, mismatch, false);
		first_pairs_add(&f, g.hash[WITNESS_REQUESTS], 0, mismatch ? FIRST_DIFFERS : FIRST_AGREES);
	}
	distinct = first_pairs_distinct(&f);
	differ = first_pairs_with(&f, FIRST_DIFFERS);
	covered->naive += covers(rate_of(mismatches, PAIRS), t->rate);
	covered->effect += covers(rate_of_witnesses(mismatches, PAIRS, witness_effect(&w, distinct, false).deff), t->rate);
	covered->first += covers(rate_of(differ, distinct), t->rate);
	first_pairs_deinit(&f);
}

static void within(const struct traffic *t, const char *what, double covered, double low, double high)
{
	double noise = 3 * 100 * sqrt(0.05 * 0.95 / runs());

	if (covered < low - noise || covered > high + noise)
		fail_msg("%s, %s: %g %%", t->name, what, covered);
}

static void test_coverage(void **state)
{
	(void)state;
	random_state = 2026;
	for (size_t i = 0; i < sizeof(traffic) / sizeof(traffic[0]); i++) {
		const struct traffic *t = &traffic[i];
		struct covered c = { 0 };
		double all = runs();

		for (double n = 0; n < all; n++)
			run(t, &c);
		print_message("          %-28s each pair %5.1f %%, by witnesses %5.1f %%, first pairs %5.1f %%\n", t->name,
			      100 * c.naive / all, 100 * c.effect / all, 100 * c.first / all);
		within(t, "each pair", 100 * c.naive / all, t->naive.low, t->naive.high);
		within(t, "by witnesses", 100 * c.effect / all, t->effect.low, t->effect.high);
		within(t, "first pairs", 100 * c.first / all, t->first.low, t->first.high);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_effects), cmocka_unit_test(test_generated),
		cmocka_unit_test(test_groups),        cmocka_unit_test(test_groups_seen),
		cmocka_unit_test(test_merge),         cmocka_unit_test(test_files),
		cmocka_unit_test(test_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
