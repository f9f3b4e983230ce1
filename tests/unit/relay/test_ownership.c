/*
 * test_ownership.c - many replayers and one bucket: pauses, deaths, late messages, lost responses
 *
 * A world of ten-millisecond ticks. Messages between replayers and bucket take time,
 * some of them seconds; a replayer may stand still for up to twenty seconds and go
 * on as if nothing had been; it may die at any tick. Whatever happens, no place of a
 * partition is sent twice, and when the trouble ends all partitions are read again
 * and no place is lost.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/claim.h"
#include "relay/ownership.h"
#include "tests/rig/dice.h"

#define TICK_NS (10 * NS_PER_MS)
#define PARTITIONS 16
#define REPLAYERS 6
#define PLACES 4000
#define FLYING 4096

struct value {
	struct partition_claim claim; /* as it reads */
	uint64_t revision;            /* 0: none was put */
};

enum flight { FLIGHT_NONE,
	      FLIGHT_PUT,
	      FLIGHT_RESPONSE,
	      FLIGHT_MEMBER };

struct flying {
	enum flight kind;
	int64_t lands_at;
	uint32_t replayer, life, partition;
	uint64_t expected, revision;
	struct partition_claim claim;
	enum claim_result result;
	struct partition_set reads;
	bool leaves;
};

struct lease {
	uint64_t revision;
	struct partition_claim known, put; /* put: on its way */
	int64_t put_at;                    /* 0: none is */
};

struct replayer {
	bool lives;
	uint32_t life;
	int64_t paused_until, renew_at;
	char id[OWNERSHIP_ID_MAX];
	struct ownership own;
	struct lease leases[PARTITIONS];
	bool letting_go[PARTITIONS];
};

struct world {
	struct dice dice;
	int64_t now;
	bool calm;
	struct value values[PARTITIONS];
	uint64_t revisions, nonces;
	uint8_t sent[PARTITIONS][PLACES + 64];
	uint64_t end[PARTITIONS]; /* places that were published */
	struct replayer replayers[REPLAYERS];
	struct flying flying[FLYING];
};

static void fly(struct world *w, struct flying what)
{
	int64_t takes = TICK_NS * below(&w->dice, w->calm ? 3 : 8);

	if (!w->calm && one_in(&w->dice, 40))
		takes = TICK_NS * below(&w->dice, 800);
	what.lands_at = w->now + takes;
	for (size_t i = 0; i < FLYING; i++) {
		if (w->flying[i].kind != FLIGHT_NONE)
			continue;
		w->flying[i] = what;
		return;
	}
	fail_msg("too much is on its way");
}

static struct replayer *start(struct world *w, size_t i)
{
	struct replayer *r = &w->replayers[i];
	uint32_t life = r->life + 1;

	*r = (struct replayer){ .lives = true, .life = life };
	snprintf(r->id, sizeof(r->id), "replayer-%zu-%u", i, life);
	ownership_init(&r->own, r->id, PARTITIONS);
	for (size_t k = 0; k < REPLAYERS; k++) /* the values that the bucket has of others, living or dead */
		if (k != i && w->replayers[k].life > 0)
			ownership_heard(&r->own, span_str(w->replayers[k].id), &w->replayers[k].own.mine, (struct mono){ w->now });
	return r;
}

static void tell_others(struct world *w, size_t i, bool leaves)
{
	struct replayer *r = &w->replayers[i];

	for (uint32_t k = 0; k < REPLAYERS; k++)
		if (k != i && w->replayers[k].lives)
			fly(w, (struct flying){ .kind = FLIGHT_MEMBER,
						.replayer = k,
						.life = w->replayers[k].life,
						.partition = (uint32_t)i,
						.revision = r->life,
						.reads = r->own.mine,
						.leaves = leaves });
	r->renew_at = w->now + OWNERSHIP_RENEW_NS;
}

/* compare and set, as the bucket does it */
static enum claim_result put(struct world *w, uint32_t p, uint64_t expected, const struct partition_claim *claim,
			     uint64_t *revision)
{
	struct buffer text = { 0 };

	if (w->values[p].revision != expected)
		return CLAIM_FENCED;
	claim_write(claim, &text);
	assert_int_equal(claim_read(buffer_span(&text), &w->values[p].claim), 0);
	buffer_deinit(&text);
	*revision = w->values[p].revision = ++w->revisions;
	return CLAIM_WON;
}

static void take(struct world *w, struct replayer *r, uint32_t p)
{
	struct lease *l = &r->leases[p];
	struct mono now = { w->now };

	*l = (struct lease){ .revision = w->values[p].revision, .known = w->values[p].claim };
	if (ownership_yields(&r->own, p, l->known.owner, now)) {
		ownership_lost(&r->own, p, now);
		return;
	}
	snprintf(l->known.owner, sizeof(l->known.owner), "%s", r->id);
	l->known.after = l->known.nonce;
	l->known.nonce = ++w->nonces;
	assert_int_equal(put(w, p, l->revision, &l->known, &l->revision), CLAIM_WON);
	ownership_taken(&r->own, p);
	r->letting_go[p] = false;
}

static void let_go(struct world *w, struct replayer *r, uint32_t p)
{
	struct lease *l = &r->leases[p];

	if (l->put_at)
		return; /* after its batch */
	l->known.owner[0] = '\0';
	l->known.nonce = ++w->nonces;
	put(w, p, l->revision, &l->known, &l->revision);
	ownership_let_go(&r->own, p, (struct mono){ w->now });
}

static void send_batch(struct world *w, uint32_t p, uint64_t from, uint64_t to)
{
	for (uint64_t n = from + 1; n <= to; n++)
		if (++w->sent[p][n] > 1)
			fail_msg("place %d of partition %u was sent twice", (int)n, p);
}

static void won(struct world *w, struct replayer *r, uint32_t p, uint64_t revision)
{
	struct lease *l = &r->leases[p];

	l->put_at = 0;
	send_batch(w, p, l->known.upto, l->put.upto);
	l->known = l->put;
	l->revision = revision;
}

static void fenced(struct world *w, struct replayer *r, uint32_t p)
{
	r->leases[p].put_at = 0;
	ownership_lost(&r->own, p, (struct mono){ w->now });
}

/* No response for two seconds: what does the value say? */
static void read_again(struct world *w, struct replayer *r, uint32_t p)
{
	struct lease *l = &r->leases[p];

	if (w->values[p].revision && claim_is_same(&l->put, &w->values[p].claim))
		won(w, r, p, w->values[p].revision);
	else if (w->values[p].revision && claim_was_taken_over(&l->put, &w->values[p].claim)) {
		won(w, r, p, w->values[p].revision);
		fenced(w, r, p);
	} else
		fenced(w, r, p); /* it may still land: it is given up all the same */
}

static void read_batch(struct world *w, size_t i, uint32_t p)
{
	struct replayer *r = &w->replayers[i];
	struct lease *l = &r->leases[p];

	if (l->put_at && w->now - l->put_at > 2 * NS_PER_S)
		read_again(w, r, p);
	if (l->put_at || !partition_set_has(&r->own.mine, p) || l->known.upto >= w->end[p])
		return;
	l->put = l->known;
	l->put.upto += 1 + below(&w->dice, 5);
	if (l->put.upto > w->end[p])
		l->put.upto = w->end[p];
	l->put.nonce = ++w->nonces;
	l->put_at = w->now;
	fly(w, (struct flying){ .kind = FLIGHT_PUT,
				.replayer = (uint32_t)i,
				.life = r->life,
				.partition = p,
				.expected = l->revision,
				.claim = l->put });
}

static void land(struct world *w, struct flying f)
{
	struct replayer *r = &w->replayers[f.replayer];
	struct lease *l = &r->leases[f.partition];

	if (f.kind == FLIGHT_PUT) { /* it lands, also when its sender is dead by now */
		f.result = put(w, f.partition, f.expected, &f.claim, &f.revision);
		f.kind = FLIGHT_RESPONSE;
		if (!one_in(&w->dice, w->calm ? 1000000 : 30))
			fly(w, f);
		return;
	}
	if (!r->lives || r->life != f.life)
		return;
	if (f.kind == FLIGHT_MEMBER) {
		char id[OWNERSHIP_ID_MAX];

		snprintf(id, sizeof(id), "replayer-%u-%d", f.partition, (int)f.revision);
		if (f.leaves)
			ownership_left(&r->own, span_str(id));
		else
			ownership_heard(&r->own, span_str(id), &f.reads, (struct mono){ w->now });
		return;
	}
	if (!l->put_at || l->put.nonce != f.claim.nonce) /* given up meanwhile */
		return;
	if (f.result == CLAIM_WON)
		won(w, r, f.partition, f.revision);
	else
		fenced(w, r, f.partition);
}

static void step(struct world *w, size_t i)
{
	struct replayer *r = &w->replayers[i];
	uint32_t p;

	if (!r->lives || w->now < r->paused_until)
		return;
	if (w->now >= r->renew_at)
		tell_others(w, i, false);
	switch (ownership_next(&r->own, (struct mono){ w->now }, &p)) {
	case OWNERSHIP_NOTHING:
		break;
	case OWNERSHIP_TAKE:
		take(w, r, p);
		tell_others(w, i, false);
		break;
	case OWNERSHIP_LET_GO:
		let_go(w, r, p);
		tell_others(w, i, false);
		break;
	}
	for (p = 0; p < PARTITIONS; p++)
		read_batch(w, i, p);
}

static void tick(struct world *w)
{
	w->now += TICK_NS;
	for (size_t i = 0; i < FLYING; i++) {
		struct flying f = w->flying[i];
		bool is_for_replayer = f.kind == FLIGHT_RESPONSE || f.kind == FLIGHT_MEMBER;
		bool for_one_that_pauses = is_for_replayer && w->now < w->replayers[f.replayer].paused_until;

		if (f.kind == FLIGHT_NONE || f.lands_at > w->now || for_one_that_pauses)
			continue;
		w->flying[i].kind = FLIGHT_NONE;
		land(w, f);
	}
	for (size_t i = 0; i < REPLAYERS; i++)
		step(w, i);
	for (uint32_t p = 0; p < PARTITIONS; p++)
		if (w->end[p] < PLACES && one_in(&w->dice, 4))
			w->end[p]++;
}

static void make_trouble(struct world *w)
{
	size_t i = below(&w->dice, REPLAYERS);
	struct replayer *r = &w->replayers[i];

	if (!one_in(&w->dice, 100))
		return;
	if (!r->lives)
		start(w, i);
	else if (one_in(&w->dice, 3))
		r->lives = false;
	else
		r->paused_until = w->now + TICK_NS * below(&w->dice, 2000);
}

/* How many live ones that do not pause believe to read @p; it is one when all is quiet */
static uint32_t owners(const struct world *w, uint32_t p)
{
	uint32_t count = 0;

	for (size_t i = 0; i < REPLAYERS; i++)
		count += w->replayers[i].lives && partition_set_has(&w->replayers[i].own.mine, p);
	return count;
}

static struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->dice = dice_of_seed(seed);
	w->now = NS_PER_S;
	return w;
}

static void test_trouble(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct world *w = world_new(seed);

		start(w, 0);
		for (int i = 0; i < 6000; i++) { /* a minute */
			make_trouble(w);
			tick(w);
		}
		w->calm = true;
		if (!w->replayers[1].lives)
			start(w, 1);
		for (size_t i = 0; i < REPLAYERS; i++)
			w->replayers[i].paused_until = 0;
		for (int i = 0; i < 4000; i++)
			tick(w);
		for (uint32_t p = 0; p < PARTITIONS; p++) {
			assert_int_equal(owners(w, p), 1);
			assert_true(w->end[p] > 1000);
			assert_true(w->values[p].claim.upto + 5 >= w->end[p]);
			for (uint64_t n = 1; n <= w->values[p].claim.upto; n++)
				assert_true(w->sent[p][n] <= 1);
		}
		free(w);
	}
}

/* One of three dies: within six seconds its partitions are read by the others. */
static void test_takeover(void **state)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct world *w = world_new(seed);
		int64_t died_at;
		uint32_t read;

		w->calm = true;
		for (size_t i = 0; i < 3; i++)
			start(w, i);
		for (int i = 0; i < 1000; i++)
			tick(w);
		for (size_t i = 0; i < 3; i++) { /* fair shares */
			uint32_t count = partition_set_count(&w->replayers[i].own.mine);

			assert_true(count >= 4 && count <= 6);
		}
		w->replayers[seed % 3].lives = false;
		died_at = w->now;
		do {
			tick(w);
			read = 0;
			for (uint32_t p = 0; p < PARTITIONS; p++)
				read += owners(w, p);
			assert_true(w->now - died_at < 6 * NS_PER_S);
		} while (read < PARTITIONS);
		free(w);
	}
}

/* Two more come to one that has all: it lets go, and nothing waits for a lease to run out. Then they go, in order. */
static void test_one_three_one(void **state)
{
	struct world *w = world_new(5);
	uint32_t least;

	w->calm = true;
	start(w, 0);
	for (int i = 0; i < 100; i++)
		tick(w);
	assert_int_equal(partition_set_count(&w->replayers[0].own.mine), PARTITIONS);
	start(w, 1);
	start(w, 2);
	for (int i = 0; i < 400; i++)
		tick(w);
	least = partition_set_count(&w->replayers[1].own.mine) < partition_set_count(&w->replayers[2].own.mine) ? 1 : 2;
	assert_true(partition_set_count(&w->replayers[least].own.mine) >= 4);
	for (size_t i = 1; i < 3; i++) {
		struct replayer *r = &w->replayers[i];

		for (int ticks = 0; partition_set_count(&r->own.mine) > 0 && ticks < 200; ticks++) {
			r->paused_until = INT64_MAX; /* reads no more */
			tick(w);
			r->paused_until = 0;
			for (uint32_t p = 0; p < PARTITIONS; p++) {
				const struct lease *l = &r->leases[p];

				if (!partition_set_has(&r->own.mine, p))
					continue;
				if (l->put_at && w->now - l->put_at > NS_PER_S)
					read_again(w, r, p);
				else
					let_go(w, r, p);
			}
		}
		tell_others(w, i, true);
		r->lives = false;
	}
	for (int i = 0; i < 300; i++)
		tick(w);
	assert_int_equal(partition_set_count(&w->replayers[0].own.mine), PARTITIONS);
	free(w);
}

static void test_members(void **state)
{
	struct ownership o;
	struct partition_set some = { { 3 } };
	struct mono now = { NS_PER_S };
	char id[32];

	ownership_init(&o, "me", 4);
	ownership_heard(&o, SPAN_LITERAL("me"), &some, now); /* our own value */
	assert_int_equal(ownership_live(&o, now), 1);
	ownership_heard(&o, SPAN_LITERAL("a"), &some, now);
	assert_true(ownership_is_live(&o, "a", now));
	assert_true(ownership_is_live(&o, "a", (struct mono){ now.ns + OWNERSHIP_LEASE_NS }));
	assert_false(ownership_is_live(&o, "a", (struct mono){ now.ns + OWNERSHIP_LEASE_NS + 1 }));
	ownership_left(&o, SPAN_LITERAL("a"));
	assert_false(ownership_is_live(&o, "a", now));
	for (int i = 0; i < OWNERSHIP_MEMBERS_MAX + 5; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		ownership_heard(&o, span_str(id), &some, now);
	}
	assert_int_equal(ownership_live(&o, now), OWNERSHIP_MEMBERS_MAX + 1);
	now.ns += OWNERSHIP_LEASE_NS + 1;
	ownership_heard(&o, SPAN_LITERAL("new"), &some, now); /* in the place of a dead one */
	assert_true(ownership_is_live(&o, "new", now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_one_three_one),
		cmocka_unit_test(test_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
