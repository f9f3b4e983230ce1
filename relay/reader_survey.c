/*
 * reader_survey.c - the state of the stream, and of what others claim
 *
 * Theory of operation: each second the stream is asked what it still has, and in
 * between one partition after another is looked at: of ours how much lies unread, of
 * others' what their claim says, and whether that is all that the broker has of it. So
 * within partitions/10 seconds the whole fleet was seen, at a cost of ten questions a
 * second. From the claims of all partitions follows what has become of each tap's
 * numbers (taps.h); with nothing left unread anywhere, a replayer that is to end so ends.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "relay/reader_impl.h"

#define STATE_EVERY_NS NS_PER_S
#define SURVEY_EVERY_NS (NS_PER_S / 10)

/*
 * What the broker discarded although we had not reached it: where its first message lies now is behind where we were at the last
 * look. Who had read all at that time was at the end of the stream, wherever in it its own last message lay.
 */
static void look_for_skipped(struct relay_reader *r, struct partition *p)
{
	uint64_t skipped;

	if (!p->is_mine)
		return;
	skipped = r->state.first > p->looked + 1 ? r->state.first - (p->looked + 1) : 0;
	p->known.skipped += skipped;
	if (p->put_at.ns)
		p->put.skipped += skipped;
	p->looked = partition_is_read_up(p) ? r->state.last : p->place + skipped;
}

void reader_note_end(struct relay_reader *r)
{
	if (r->end_epoch == r->state.epoch)
		return;
	r->end_epoch = r->state.epoch;
	r->end_place = r->state.last;
}

static void void_all(struct relay_reader *r)
{
	for (uint32_t i = 0; i < r->partition_count; i++)
		partition_void(r, &r->partitions[i]);
	broker_forget(r, r->stream, r->tap_consumer);
}

static void look_at_stream(struct relay_reader *r)
{
	struct stream_state state;

	if (broker_state(r, &state) < 0)
		return;
	if (state.epoch != r->state.epoch || state.last < r->state.last)
		void_all(r);
	r->state = state;
	reader_note_end(r);
	for (uint32_t i = 0; i < r->partition_count; i++)
		look_for_skipped(r, &r->partitions[i]);
}

static void look_at_others(struct relay_reader *r, struct partition *p)
{
	char key[SUBJECT_MAX];
	struct buffer text = { 0 };
	struct partition_claim c = { .nonce = 0 };
	uint64_t revision, unread;

	p->is_read_up = false;
	if (broker_get(r, key_claim(r->group, p->number, key), &text, &revision) == 0 && claim_read(buffer_span(&text), &c) == 0) {
		p->is_read_up = c.epoch == r->state.epoch && broker_unread(r, p->number, c.upto, &unread) == 0 && unread == 0;
		if (!p->put_at.ns) {
			claim_deinit(&p->known);
			p->known = c;
			c = (struct partition_claim){ .nonce = 0 };
		}
	}
	claim_deinit(&c);
	buffer_deinit(&text);
}

/* What is pulled says how much is behind it; while nothing is pulled, the broker has to be asked. */
static void look_at_ours(struct relay_reader *r, struct partition *p)
{
	if (p->pulled == 0 && broker_pending(r, p) == -ENOENT)
		partition_void(r, p); /* its consumer is gone */
	p->is_read_up = partition_is_read_up(p);
}

static void look_at(struct relay_reader *r, struct partition *p)
{
	if (p->is_mine)
		look_at_ours(r, p);
	else
		look_at_others(r, p);
}

static void add_up_lag(struct relay_reader *r)
{
	uint64_t lag = 0;

	for (uint32_t i = 0; i < r->partition_count; i++)
		if (r->partitions[i].is_mine)
			lag += r->partitions[i].pending + r->partitions[i].gathered.count + r->partitions[i].claiming.count;
	counter_set(&r->stats.lag, lag);
	counter_set(&r->stats.partitions_owned, partition_set_count(&r->ownership.mine));
}

static void give_up_responses(struct relay_reader *r)
{
	uint64_t token;

	for (uint32_t i = 0; i < r->partition_count && answers_waiting(r->answers) > 0; i++) {
		struct partition *p = &r->partitions[i];
		struct wall reached = partition_is_read_up(p) ? reader_clock(r) : p->reached;

		while ((token = answers_overdue(r->answers, i, reached)) != 0)
			reader_give_up(r, token);
	}
}

void reader_survey(struct relay_reader *r, struct mono now)
{
	add_up_lag(r);
	if (now.ns >= r->survey_at.ns) {
		r->survey_at.ns = now.ns + SURVEY_EVERY_NS;
		look_at(r, &r->partitions[r->survey_next]);
		r->survey_next = (r->survey_next + 1) % r->partition_count;
	}
	if (now.ns < r->facts_at.ns)
		return;
	r->facts_at.ns = now.ns + STATE_EVERY_NS;
	look_at_stream(r);
	give_up_responses(r);
	reader_publish_facts(r);
}

void reader_survey_all(struct relay_reader *r)
{
	for (uint32_t i = 0; i < r->partition_count; i++)
		look_at_others(r, &r->partitions[i]);
}

/* Ours are read up, and so is what others own, up to where the stream was when we came. */
bool reader_is_caught_up(struct relay_reader *r)
{
	if (r->order.count > 0)
		return false;
	for (uint32_t i = 0; i < r->partition_count; i++) {
		const struct partition *p = &r->partitions[i];
		bool is_past = p->known.epoch == r->state.epoch && p->known.upto >= r->end_place && !p->put_at.ns;

		if (!is_past && (p->is_mine ? !partition_is_read_up(p) : !p->is_read_up))
			return false;
	}
	return r->partition_count > 0;
}

/* ---- for the report ----------------------------------------------------------- */

static bool nothing_unread(const struct relay_reader *r)
{
	for (uint32_t i = 0; i < r->partition_count; i++)
		if (!(r->partitions[i].is_mine ? partition_is_read_up(&r->partitions[i]) : r->partitions[i].is_read_up))
			return false;
	return r->partition_count > 0;
}

void reader_publish_facts(struct relay_reader *r)
{
	const struct partition_claim *claims[OWNERSHIP_PARTITIONS_MAX];
	struct fleet_facts facts = { .tap_count = taps_count(r->taps), .taps_forgotten = taps_forgotten(r->taps) }, old;
	struct taps_state state = {
		.claims = claims,
		.claim_count = r->partition_count,
		.now = reader_clock(r),
		.nothing_unread = nothing_unread(r),
		.begins_late = r->begins_late,
	};

	facts.taps = calloc(facts.tap_count + 1, sizeof(*facts.taps));
	if (!facts.taps)
		return;
	facts.is_whole = r->partition_count > 0;
	for (uint32_t i = 0; i < r->partition_count; i++) {
		claims[i] = &r->partitions[i].known;
		facts.lacks_runs |= claims[i]->lacks_runs;
		facts.is_whole &= claims[i]->epoch != 0;
	}
	for (size_t i = 0; i < facts.tap_count; i++)
		taps_row(r->taps, i, &state, &facts.taps[i]);
	pthread_mutex_lock(&r->facts_lock);
	old = r->facts;
	r->facts = facts;
	pthread_mutex_unlock(&r->facts_lock);
	fleet_facts_deinit(&old);
}

void relay_reader_facts(struct relay_reader *r, struct fleet_facts *out)
{
	pthread_mutex_lock(&r->facts_lock);
	*out = r->facts;
	out->taps = r->facts.tap_count ? malloc(r->facts.tap_count * sizeof(*out->taps)) : NULL;
	if (out->taps)
		memcpy(out->taps, r->facts.taps, r->facts.tap_count * sizeof(*out->taps));
	else
		out->tap_count = 0;
	pthread_mutex_unlock(&r->facts_lock);
}

void fleet_facts_deinit(struct fleet_facts *f)
{
	free(f->taps);
	*f = (struct fleet_facts){ 0 };
}
