/*
 * test_taps.c - what became of each number that a tap gave: stories, and an equality that always holds
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>

#include "relay/taps.h"
#include "tests/rig/dice.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PARTITIONS 4
#define SOURCE SPAN_LITERAL("shadowtap://node-1/1795990000-ab12")
#define OLD SPAN_LITERAL("shadowtap://node-2/1795980000-cd34")

static uint64_t sum(const struct fleet_tap *r)
{
	return r->before + r->received + r->duplicate + r->refused + r->evicted + r->missing + r->pending + r->unknown;
}

struct rig {
	struct taps *taps;
	struct partition_claim claims[PARTITIONS];
	const struct partition_claim *shown[PARTITIONS];
	struct taps_state state;
};

static void rig_open(struct rig *g)
{
	*g = (struct rig){ .taps = taps_new() };
	for (int p = 0; p < PARTITIONS; p++)
		g->shown[p] = &g->claims[p];
	g->state = (struct taps_state){ .claims = g->shown, .claim_count = PARTITIONS, .now = { 100 * NS_PER_S } };
}

static void rig_close(struct rig *g)
{
	for (int p = 0; p < PARTITIONS; p++)
		claim_deinit(&g->claims[p]);
	taps_free(g->taps);
}

static void receive(struct rig *g, struct span source, uint64_t from, uint64_t to)
{
	taps_seen(g->taps, source);
	for (uint64_t n = from; n < to; n++)
		claim_count(&g->claims[n % PARTITIONS], claim_run_id(source), n);
}

static void hear(struct rig *g, struct span source, uint64_t next, uint64_t duplicate, uint64_t refused, bool final)
{
	struct heartbeat h = { .next_sequence = next, .duplicate = duplicate, .refused = refused, .is_final = final };

	taps_heard(g->taps, source, &h, wall_after(g->state.now, 3 * NS_PER_MS), g->state.now);
}

static struct fleet_tap row(struct rig *g)
{
	struct fleet_tap out;

	taps_row(g->taps, 0, &g->state, &out);
	assert_int_equal(out.next_sequence, sum(&out));
	return out;
}

static void test_whole(void **state)
{
	struct rig g;
	struct fleet_tap r;

	rig_open(&g);
	hear(&g, SOURCE, 0, 0, 0, false);
	receive(&g, SOURCE, 0, 90);
	hear(&g, SOURCE, 100, 7, 1, false);
	r = row(&g);
	assert_int_equal(r.pending, 2);
	assert_int_equal(r.received, 90);
	receive(&g, SOURCE, 100, 110);
	hear(&g, SOURCE, 110, 9, 1, true);
	r = row(&g);
	assert_int_equal(r.pending, 0); /* two duplicates more */
	g.state.nothing_unread = true;
	r = row(&g);
	assert_int_equal(r.missing, 0);
	assert_int_equal(r.received, 100);
	assert_int_equal(r.duplicate, 9);
	assert_true(r.is_final && r.has_skew && r.skew_us == 3000);
	assert_string_equal(r.tap, "node-1");
	assert_string_equal(r.run, "1795990000-ab12");
	rig_close(&g);
}

/* 100 numbers, 90 of which came, and how the rest is called */
static const struct {
	bool unread, final;
	int64_t quiet_ns;
	uint64_t skipped, evicted, missing, pending, unknown;
} holes[] = {
	{ true, true, 0, 50, 0, 0, 10, 0 },
	{ false, true, 0, 0, 0, 10, 0, 0 },
	{ false, true, 0, 4, 4, 6, 0, 0 },
	{ false, true, 0, 50, 10, 0, 0, 0 },
	{ false, false, 0, 0, 0, 5, 5, 0 },              /* it goes on; the heartbeat before said 95 */
	{ false, false, TAPS_SILENT_NS, 0, 0, 5, 5, 0 }, /* just not silent */
	{ false, false, TAPS_SILENT_NS + 1, 0, 0, 0, 0, 10 },
	{ false, false, TAPS_SILENT_NS + 1, 3, 3, 0, 0, 7 },
	{ false, true, TAPS_SILENT_NS + 1, 0, 0, 10, 0, 0 },
};

static void test_holes(void **state)
{
	for (size_t i = 0; i < COUNT(holes); i++) {
		struct rig g;
		struct fleet_tap r;

		rig_open(&g);
		hear(&g, SOURCE, 95, 0, 0, false);
		hear(&g, SOURCE, 100, 0, 0, holes[i].final);
		receive(&g, SOURCE, 3, 93);
		g.claims[2].skipped = holes[i].skipped;
		g.state.nothing_unread = !holes[i].unread;
		g.state.now = wall_after(g.state.now, holes[i].quiet_ns);
		r = row(&g);
		if (r.evicted != holes[i].evicted || r.missing != holes[i].missing || r.pending != holes[i].pending ||
		    r.unknown != holes[i].unknown)
			fail_msg("row %zu: evicted %d missing %d pending %d unknown %d", i, (int)r.evicted, (int)r.missing,
				 (int)r.pending, (int)r.unknown);
		rig_close(&g);
	}
}

/* What a run had numbered before the group began is not the group's. */
static void test_before(void **state)
{
	struct rig g;
	struct fleet_tap r;

	rig_open(&g);
	hear(&g, OLD, 1000, 10, 5, false);
	taps_base(g.taps, &g.claims[1]);
	g.state.nothing_unread = true;
	r = row(&g);
	assert_int_equal(r.before, 1000);
	receive(&g, OLD, 1003, 1100);
	hear(&g, OLD, 1110, 18, 7, true);
	r = row(&g);
	assert_int_equal(r.before, 1003);
	assert_int_equal(r.received, 97);
	assert_int_equal(r.duplicate, 8);
	assert_int_equal(r.refused, 2);
	assert_int_equal(r.missing, 0);
	rig_close(&g);
}

static void test_property(void **state)
{
	for (uint64_t seed = 1; seed < 3000; seed++) {
		struct dice d = dice_of_seed(seed);
		struct rig g;

		rig_open(&g);
		for (uint32_t i = below(&d, 30); i > 0; i--) {
			uint64_t from = below(&d, 200);

			if (one_in(&d, 3))
				hear(&g, SOURCE, below(&d, 300), below(&d, 40), below(&d, 40), one_in(&d, 5));
			else
				receive(&g, SOURCE, from, from + below(&d, 30)); /* some twice, which nobody should do */
			if (one_in(&d, 10))
				taps_base(g.taps, &g.claims[below(&d, PARTITIONS)]);
			g.claims[below(&d, PARTITIONS)].skipped = below(&d, 20);
			g.state.nothing_unread = one_in(&d, 2);
			g.state.begins_late = one_in(&d, 4);
			g.state.now = wall_after(g.state.now, below(&d, 4) * NS_PER_S);
			if (taps_count(g.taps) > 0)
				row(&g);
		}
		rig_close(&g);
	}
}

static const struct {
	const char *text;
	int result;
	struct heartbeat says;
} heartbeats[] = {
	{ "{\"next_sequence\":5}", 0, { .next_sequence = 5 } },
	{ "{\"next_sequence\":5,\"final\":true,\"relay\":{\"offered\":9,\"shed\":{\"buffer\":1,\"stale\":2},\"published\":6,"
	  "\"acked\":3,\"duplicate\":1,\"refused\":{\"full\":1,\"denied\":0},\"unknown\":1},\"packets\":{\"dropped_kernel\":4}}",
	  0,
	  { .next_sequence = 5, .offered = 9, .shed = 3, .published = 6,
	    .acked = 3, .duplicate = 1, .refused = 1, .unknown = 1,
	    .dropped = 4, .is_final = true } },
	{ "{\"next_sequence\":5,\"relay\":7,\"final\":1}", 0, { .next_sequence = 5 } },
	{ "{\"next_sequence\":-5}", -EINVAL, { 0 } },
	{ "{\"next_sequence\":18446744073709551615}", -EINVAL, { 0 } },
	{ "{\"final\":true}", -EINVAL, { 0 } },
	{ "[]", -EINVAL, { 0 } },
	{ "{", -EINVAL, { 0 } },
};

static void test_heartbeats(void **state)
{
	for (size_t i = 0; i < COUNT(heartbeats); i++) {
		struct heartbeat h;

		assert_int_equal(heartbeat_read(span_str(heartbeats[i].text), &h), heartbeats[i].result);
		if (heartbeats[i].result == 0)
			assert_memory_equal(&h, &heartbeats[i].says, sizeof(h));
	}
}

static void test_sources(void **state)
{
	static const char *const bad[] = { "", "shadowtap://", "shadowtap://a", "shadowtap:///b", "shadowtap://a/", "shadowtap://a/b/c",
					   "http://a/b", "shadowtap://a b/c",
					   "shadowtap://a/01234567890123456789012345678901234567890123456789"
					   "01234567890123456789012345678901234567890123456789" };
	struct span tap, run;

	assert_true(taps_source(SOURCE, &tap, &run));
	assert_true(span_equal(tap, SPAN_LITERAL("node-1")));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(taps_source(span_str(bad[i]), &tap, &run));
}

static void test_many(void **state)
{
	struct taps *t = taps_new();
	struct heartbeat h = { .is_final = true };
	char source[64];

	for (int i = 0; i < TAPS_MAX + 50; i++) {
		snprintf(source, sizeof(source), "shadowtap://t%d/r", i);
		taps_heard(t, span_str(source), &h, (struct wall){ 0 }, (struct wall){ i + 1 });
	}
	assert_int_equal(taps_count(t), TAPS_MAX);
	assert_int_equal(taps_forgotten(t), 50);
	taps_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_property),
		cmocka_unit_test(test_heartbeats),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
