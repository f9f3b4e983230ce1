/*
 * reader_partition.c - one partition: taken, gathered, claimed, handed on, let go
 *
 * What a request counts as, is known when its batch's claim is: that is where all
 * of the books but the lag are written.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "relay/reader_impl.h"

/* ---- what was fetched --------------------------------------------------------- */

static void fetched_free(struct relay_reader *r, struct fetched *f)
{
	if (!f)
		return;
	response_free(f->answer.response);
	f->answer.response = NULL;
	nats_message_free(f->message);
	if (r->spare_count < SPARE_MAX) {
		f->next = r->spare;
		r->spare = f;
		r->spare_count++;
		return;
	}
	record_request_deinit(&f->request);
	free(f);
}

void fetched_free_spare(struct relay_reader *r)
{
	while (r->spare) {
		struct fetched *next = r->spare->next;

		record_request_deinit(&r->spare->request);
		free(r->spare);
		r->spare = next;
	}
	r->spare_count = 0;
}

/* Large ones, of which an allocation each would cost more than all else. */
static struct fetched *take_spare(struct relay_reader *r)
{
	struct fetched *f = r->spare;

	if (!f)
		return calloc(1, sizeof(*f));
	r->spare = f->next;
	r->spare_count--;
	f->fault = RECORD_FINE;
	f->is_expired = f->has_number = false;
	f->run = f->sequence = 0;
	return f;
}

/* Taps number requests and responses alike; what others number is their own. */
static void note_number(struct relay_reader *r, struct fetched *f, const struct record_event *e)
{
	struct span source = span_of(e->source, e->source_len), tap, run;

	f->has_number = e->has_sequence && taps_source(source, &tap, &run);
	if (!f->has_number)
		return;
	f->run = claim_run_id(source);
	f->sequence = e->sequence;
	taps_seen(r->taps, source);
}

/* A record that is read, or is known to be unreadable; -ENOMEM: neither, so it is to be fetched again */
static int read_record(struct relay_reader *r, struct fetched *f)
{
	struct record_fields fields = reader_fields(f->message);
	struct record_event event;
	enum record_fault unused;
	int err = 0;

	switch (record_kind_of(&fields)) {
	case RECORD_TAP:
	case RECORD_OTHER:
		f->kind = FETCHED_OTHER;
		if (record_read_event(&fields, &event, &unused) == 0)
			note_number(r, f, &event);
		return 0;
	case RECORD_REQUEST:
		err = record_read_request(&fields, &f->request, &f->fault);
		f->kind = FETCHED_REQUEST;
		if (err == 0)
			note_number(r, f, &f->request.event);
		break;
	case RECORD_ANSWER:
		err = record_read_answer(&fields, r->o.budget, r->o.max_response, &f->answer, &f->fault);
		f->kind = FETCHED_RESPONSE;
		if (err == 0)
			note_number(r, f, &f->answer.event);
		break;
	}
	if (err == 0)
		return 0;
	f->kind = FETCHED_MALFORMED;
	if (err == -EBADMSG && record_read_event(&fields, &event, &unused) == 0)
		note_number(r, f, &event);
	return err == -EBADMSG ? 0 : err;
}

static struct fetched *fetched_new(struct relay_reader *r, struct partition *p, struct nats_message *message,
				   const struct delivery *d)
{
	struct fetched *f = take_spare(r);

	if (!f) {
		nats_message_free(message);
		return NULL;
	}
	f->message = message;
	f->place = d->place;
	f->stored = d->stored;
	f->partition = p->number;
	f->bytes = message->data.len + 1024;
	if (read_record(r, f) == 0)
		return f;
	fetched_free(r, f);
	return NULL;
}

/* ---- batches ------------------------------------------------------------------ */

static void batch_clear(struct relay_reader *r, struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		fetched_free(r, b->at[i]);
	r->gathered_bytes -= b->bytes;
	*b = (struct batch){ .count = 0 };
}

/* Another has them: nothing of them is sent here. */
static void fence_off(struct relay_reader *r, struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		if (b->at[i]->kind != FETCHED_REQUEST && b->at[i]->kind != FETCHED_MALFORMED)
			continue;
		counter_add(&r->stats.received, 1);
		counter_add(&r->stats.fenced_off, 1);
	}
	batch_clear(r, b);
}

static void drop_partition(struct relay_reader *r, struct partition *p)
{
	if (p->is_mine && p->consumer[0])
		broker_forget(r, r->stream, p->consumer);
	p->is_mine = false;
	p->consumer[0] = '\0';
	p->pulled = 0;
	p->pending = 0;
	p->needs_large = false;
	batch_clear(r, &p->gathered);
}

static void lose_partition(struct relay_reader *r, struct partition *p)
{
	drop_partition(r, p);
	ownership_lost(&r->ownership, p->number, mono_now());
	reader_say_member(r);
}

/* ---- handing on ------------------------------------------------------------- */

static void hand_on_request(struct relay_reader *r, struct fetched *f)
{
	struct partition *p = &r->partitions[f->partition];
	struct handed_request request = { &f->request, &p->ended };
	uint64_t token = r->o.on_request(r->o.ctx, &request), given_up;

	if (!token)
		return;
	given_up = answers_expect(r->answers, f->request.event.id.high, f->request.event.id.low, p->number, f->stored, token);
	if (given_up)
		reader_give_up(r, given_up);
}

static void hand_on_response(struct relay_reader *r, struct fetched *f)
{
	uint64_t token = answers_take(r->answers, f->answer.event.id.high, f->answer.event.id.low);

	if (!token) {
		counter_add(&r->stats.responses_unmatched, 1);
		return;
	}
	r->o.on_response(r->o.ctx, token, f->answer.response);
	f->answer.response = NULL;
}

static void hand_on(struct relay_reader *r, struct fetched *f)
{
	if (f->kind == FETCHED_REQUEST)
		hand_on_request(r, f);
	else
		hand_on_response(r, f);
	fetched_free(r, f);
}

static struct wall time_of(const struct fetched *f)
{
	const struct record_event *e = f->kind == FETCHED_REQUEST ? &f->request.event : &f->answer.event;

	return e->has_time ? e->time : f->stored;
}

/* Responses go the way of requests, so that none overtakes its own. */
static void hand_on_or_wait(struct relay_reader *r, struct fetched *f)
{
	struct wall time = time_of(f);

	if (f->kind == FETCHED_RESPONSE && time.ns < f->stored.ns)
		time = f->stored;
	if (!r->o.is_paced || !time_order_put(&r->order, f->partition, time, f))
		hand_on(r, f);
}

static void partitions_behind(const struct relay_reader *r, struct partition_set *out)
{
	*out = (struct partition_set){ { 0 } };
	for (uint32_t i = 0; i < r->partition_count; i++) {
		const struct partition *p = &r->partitions[i];

		if (p->is_mine && !partition_is_read_up(p))
			partition_set_add(out, i);
	}
}

void reader_hand_on(struct relay_reader *r, struct mono now, bool all)
{
	struct partition_set behind;
	struct fetched *f;

	if (r->order.count == 0)
		return;
	partitions_behind(r, &behind);
	while (all || r->o.room(r->o.ctx) > 0) {
		f = all ? time_order_take_any(&r->order) : time_order_take(&r->order, &behind, now);
		if (!f)
			break;
		hand_on(r, f);
	}
	counter_set(&r->stats.late, r->order.late);
}

/* ---- claiming ----------------------------------------------------------------- */

/* The books of one record whose batch is claimed; false: nothing goes on of it */
static bool count_claimed(struct relay_reader *r, struct fetched *f)
{
	switch (f->kind) {
	case FETCHED_MALFORMED:
		counter_add(&r->stats.received, 1);
		counter_add(&r->stats.malformed[f->fault], 1);
		return false;
	case FETCHED_OTHER:
		counter_add(&r->stats.other_records, 1);
		return false;
	case FETCHED_RESPONSE:
		counter_add(&r->stats.responses, 1);
		return true;
	case FETCHED_REQUEST:
		counter_add(&r->stats.received, 1);
		counter_add(f->is_expired ? &r->stats.expired : &r->stats.claimed, 1);
		r->partitions[f->partition].handed += !f->is_expired;
		return !f->is_expired;
	}
	return false;
}

static void claim_is_won(struct relay_reader *r, struct partition *p, uint64_t revision)
{
	struct batch batch = p->claiming;

	p->claiming = (struct batch){ .count = 0 };
	r->gathered_bytes -= batch.bytes;
	p->put_at.ns = 0;
	p->is_in_doubt = false;
	claim_deinit(&p->known);
	p->known = p->put;
	p->put = (struct partition_claim){ .nonce = 0 };
	p->revision = revision;
	counter_add(&r->stats.claims, 1);
	for (size_t i = 0; i < batch.count; i++) {
		p->reached = batch.at[i]->stored;
		if (count_claimed(r, batch.at[i]))
			hand_on_or_wait(r, batch.at[i]);
		else
			fetched_free(r, batch.at[i]);
	}
}

static void claim_is_lost(struct relay_reader *r, struct partition *p)
{
	fence_off(r, &p->claiming);
	claim_deinit(&p->put);
	p->put_at.ns = 0;
	p->is_in_doubt = false;
	lose_partition(r, p);
}

/* What the key says of a claim whose result is not known; -EIO: nothing, for now */
static int look_up(struct relay_reader *r, struct partition *p)
{
	char key[SUBJECT_MAX];
	struct buffer text = { 0 };
	struct partition_claim read = { .nonce = 0 };
	uint64_t revision;
	int err = broker_get(r, key_claim(r->group, p->number, key), &text, &revision);

	if (err == 0 && claim_read(buffer_span(&text), &read) == 0 && claim_is_same(&p->put, &read))
		claim_is_won(r, p, revision);
	else if (err == 0 && claim_was_taken_over(&p->put, &read)) {
		claim_is_won(r, p, revision);
		lose_partition(r, p);
	} else if (err != -EIO && err != -ENOMEM)
		claim_is_lost(r, p);
	claim_deinit(&read);
	buffer_deinit(&text);
	return err == -EIO || err == -ENOMEM ? -EIO : 0;
}

void partition_claimed(struct relay_reader *r, struct partition *p, uint64_t nonce, struct span response)
{
	uint64_t revision = 0;

	if (!p->put_at.ns || p->is_in_doubt || nonce != p->put.nonce)
		return;
	switch (claim_result_read(response, &revision)) {
	case CLAIM_WON:
		claim_is_won(r, p, revision);
		return;
	case CLAIM_DENIED:
		if (!r->told_denied)
			log_warn("the broker refuses claims, so nothing is sent: %.*s", (int)(response.len < 200 ? response.len : 200),
				 (const char *)response.at);
		r->told_denied = true;
		claim_is_lost(r, p);
		return;
	case CLAIM_FENCED:
		claim_is_lost(r, p);
		return;
	case CLAIM_UNKNOWN:
		p->is_in_doubt = true;
		return;
	}
}

static void mark_expired(struct relay_reader *r, struct batch *b)
{
	struct wall now = reader_clock(r);

	for (size_t i = 0; i < b->count && r->o.max_age_ns > 0; i++)
		b->at[i]->is_expired = wall_between(b->at[i]->stored, now) > r->o.max_age_ns;
}

/* Of what was claimed by us and is under way, nothing is settled yet. */
static uint64_t settled(const struct partition *p, uint64_t claimed)
{
	uint64_t open = p->handed - atomic_load_explicit(&((struct partition *)p)->ended, memory_order_relaxed);

	return claimed > open ? claimed - open : 0;
}

static void put_claim(struct relay_reader *r, struct partition *p)
{
	struct batch *b = &p->claiming;
	struct partition_claim *put = &p->put;

	if (!claim_copy(&p->known, put))
		return; /* later */
	*b = p->gathered;
	p->gathered = (struct batch){ .count = 0 };
	mark_expired(r, b);
	put->nonce = ++r->nonces;
	put->upto = b->at[b->count - 1]->place;
	put->settled = settled(p, put->claimed);
	for (size_t i = 0; i < b->count; i++) {
		const struct fetched *f = b->at[i];

		if (f->has_number)
			claim_count(put, f->run, f->sequence);
		put->claimed += f->kind == FETCHED_REQUEST && !f->is_expired;
	}
	p->put_at = mono_now();
	p->is_in_doubt = !broker_put_claim(r, p);
}

static bool has_room(struct relay_reader *r, const struct partition *p)
{
	if (r->o.is_paced)
		return r->order.of[p->number] < PACED_RECORDS;
	return r->o.room(r->o.ctx) > p->gathered.requests;
}

static void pull_more(struct relay_reader *r, struct partition *p, struct mono now)
{
	size_t most = r->o.is_paced ? PACED_RECORDS : BATCH_RECORDS, bytes = p->gathered.bytes;
	bool is_large = p->needs_large;

	if (p->pulled > 0 && now.ns < p->pull_until.ns)
		return;
	if (p->pulled > 0 && now.ns >= p->pull_until.ns) { /* its end was never told: the consumer may be gone */
		p->pulled = 0;
		if (broker_pending(r, p) == -ENOENT) {
			lose_partition(r, p);
			return;
		}
	}
	if (p->gathered.count >= most || bytes >= BATCH_BYTES || r->gathered_bytes >= GATHERED_BYTES || !has_room(r, p))
		return;
	if (is_large && r->gathered_bytes > GATHERED_BYTES / 2) /* it may be as long as the broker allows */
		return;
	p->needs_large = false;
	p->pulled = is_large ? 1 : (uint32_t)(most - p->gathered.count);
	p->pull_until = (struct mono){ now.ns + PULL_NS + CLAIM_WAIT_NS };
	if (!broker_pull(r, p, p->pulled, is_large ? 0 : BATCH_BYTES - bytes))
		p->pulled = 0;
}

void partition_work(struct relay_reader *r, struct partition *p, struct mono now)
{
	if (p->put_at.ns && now.ns - p->put_at.ns > CLAIM_WAIT_NS)
		p->is_in_doubt = true;
	if (p->put_at.ns && p->is_in_doubt && look_up(r, p) < 0)
		return;
	if (!p->is_mine || r->is_finishing)
		return;
	if (!p->put_at.ns && p->gathered.count > 0 && has_room(r, p))
		put_claim(r, p);
	pull_more(r, p, now);
}

/* ---- messages ------------------------------------------------------------------ */

void partition_message(struct relay_reader *r, struct partition *p, struct nats_message *message, const struct delivery *d)
{
	struct batch *b = &p->gathered;
	struct fetched *f;

	if (!p->is_mine || !span_equal(d->consumer, span_str(p->consumer)) || d->place <= p->place || b->count == BATCH_RECORDS) {
		nats_message_free(message);
		return;
	}
	if (p->pulled > 0)
		p->pulled--;
	f = fetched_new(r, p, message, d);
	if (!f) { /* no memory: it is read again, from the claim on */
		lose_partition(r, p);
		return;
	}
	p->place = d->place;
	p->pending = d->pending;
	b->at[b->count++] = f;
	b->bytes += f->bytes;
	b->requests += f->kind == FETCHED_REQUEST;
	r->gathered_bytes += f->bytes;
}

void partition_pull_ended(struct relay_reader *r, struct partition *p, int status, struct span words)
{
	if (!p->is_mine)
		return;
	p->pulled = 0;
	if (status == 409 && span_has_nocase(words, SPAN_LITERAL("MaxBytes")) && p->gathered.count == 0)
		p->needs_large = true;
	else if (status == 503 || span_has_nocase(words, SPAN_LITERAL("Deleted")))
		lose_partition(r, p);
}

bool partition_is_read_up(const struct partition *p)
{
	return p->is_mine && p->pulled > 0 && p->gathered.count == 0 && !p->put_at.ns && p->pending == 0;
}

/* ---- owning ---------------------------------------------------------------------- */

/* Where a group begins that has no claim of this partition */
static int begin(struct relay_reader *r, struct partition_claim *c)
{
	int err = 0;

	*c = (struct partition_claim){ .epoch = r->state.epoch };
	switch (r->o.from) {
	case READER_FROM_START:
		c->upto = r->state.first > 0 ? r->state.first - 1 : 0;
		break;
	case READER_FROM_NOW: /* our own start, whenever the partition is taken: partitions are taken one after the other */
		c->upto = r->end_place;
		taps_base(r->taps, c);
		break;
	case READER_FROM_TIME:
		err = broker_place_at(r, r->o.from_time, &c->upto);
		break;
	}
	r->begins_late |= r->o.from == READER_FROM_TIME || (r->o.from == READER_FROM_START && r->state.first > 1);
	return err;
}

/* In another stream, places mean nothing: what is in it may have been sent from the one before. */
static void begin_anew(struct relay_reader *r, struct partition *p, struct partition_claim *c)
{
	struct partition_claim old = *c;

	counter_add(&r->stats.voided, 1);
	if (p->number == 0 || counter_get(&r->stats.voided) == 1)
		log_warn("the stream %s is another than the one that %s has read: what is in it is left, and what comes from now on is "
			 "read",
			 r->stream, r->group);
	*c = (struct partition_claim){ .epoch = r->state.epoch, .upto = r->state.last };
	c->claimed = old.claimed;
	c->settled = old.settled;
	memcpy(c->owner, old.owner, sizeof(c->owner));
	taps_base(r->taps, c);
	claim_deinit(&old);
}

/* What the key says now: 0, with @p->revision; 1: leave it to its owner; -EIO */
static int read_claim(struct relay_reader *r, struct partition *p, struct partition_claim *c)
{
	char key[SUBJECT_MAX];
	struct buffer text = { 0 };
	int err = broker_get(r, key_claim(r->group, p->number, key), &text, &p->revision);

	if (err == -ENOENT) {
		err = begin(r, c);
	} else if (err == 0 && claim_read(buffer_span(&text), c) < 0) {
		log_warn("the claim of partition %u by %s cannot be read; the partition is begun anew", p->number, r->group);
		*c = (struct partition_claim){ .epoch = -1 };
	}
	buffer_deinit(&text);
	if (err < 0)
		return -EIO;
	if (ownership_yields(&r->ownership, p->number, c->owner, mono_now()))
		return 1;
	if (c->epoch != r->state.epoch || c->upto > r->state.last)
		begin_anew(r, p, c);
	return 0;
}

/* A dead owner's requests that had not ended are lost with it. */
static void take_over(struct relay_reader *r, struct partition *p, struct partition_claim *c)
{
	if (c->owner[0] && strcmp(c->owner, r->id) != 0)
		counter_add(&r->stats.lost_at_crash, c->claimed - c->settled);
	c->settled = settled(p, c->claimed);
	c->after = c->nonce;
	snprintf(c->owner, sizeof(c->owner), "%s", r->id);
	c->nonce = ++r->nonces;
}

static bool put_owner(struct relay_reader *r, struct partition *p, const struct partition_claim *c)
{
	char key[SUBJECT_MAX];
	struct buffer value = { 0 };
	enum claim_result result = CLAIM_UNKNOWN;

	claim_write(c, &value);
	if (buffer_ok(&value))
		result = broker_put(r, key_claim(r->group, p->number, key), buffer_span(&value), p->revision, &p->revision);
	buffer_deinit(&value);
	return result == CLAIM_WON;
}

/* Places of the stream that were discarded before they were reached; other partitions' are among them, too. */
static void note_skipped(const struct relay_reader *r, struct partition_claim *c)
{
	if (r->state.first > c->upto + 1)
		c->skipped += r->state.first - (c->upto + 1);
}

void partition_take(struct relay_reader *r, struct partition *p)
{
	struct partition_claim c = { .nonce = 0 };
	uint64_t lost = counter_get(&r->stats.lost_at_crash);
	int err;

	if (p->put_at.ns) { /* what it was to claim last is looked up first */
		p->is_in_doubt = true;
		if (look_up(r, p) < 0) {
			ownership_lost(&r->ownership, p->number, mono_now());
			return;
		}
	}
	err = broker_state(r, &r->state);
	if (err == 0) {
		reader_note_end(r);
		err = read_claim(r, p, &c);
	}
	if (err == 0) {
		note_skipped(r, &c);
		take_over(r, p, &c);
	}
	if (err != 0 || !put_owner(r, p, &c)) {
		counter_set(&r->stats.lost_at_crash, lost);
		claim_deinit(&c);
		ownership_lost(&r->ownership, p->number, mono_now());
		return;
	}
	claim_deinit(&p->known);
	p->known = c;
	p->place = c.upto;
	p->looked = c.upto < r->state.first ? r->state.first - 1 : c.upto;
	p->is_mine = true;
	if (broker_consume(r, p) < 0) {
		lose_partition(r, p);
		return;
	}
	log_debug("partition %u: ours, from place %" PRIu64 " on", p->number, c.upto + 1);
	ownership_taken(&r->ownership, p->number);
}

bool partition_let_go(struct relay_reader *r, struct partition *p)
{
	if (p->put_at.ns)
		return false;
	drop_partition(r, p);
	p->known.owner[0] = '\0';
	p->known.nonce = ++r->nonces;
	p->known.settled = p->known.claimed; /* what is under way ends here, in order */
	put_owner(r, p, &p->known);
	log_debug("partition %u: let go at place %" PRIu64, p->number, p->known.upto);
	ownership_let_go(&r->ownership, p->number, mono_now());
	return true;
}

void partition_disconnected(struct relay_reader *r, struct partition *p)
{
	p->consumer[0] = '\0'; /* it ends by itself */
	drop_partition(r, p);
	p->is_in_doubt = p->put_at.ns != 0;
	if (partition_set_has(&r->ownership.mine, p->number))
		ownership_drop(&r->ownership, p->number);
}

void partition_void(struct relay_reader *r, struct partition *p)
{
	drop_partition(r, p);
	if (partition_set_has(&r->ownership.mine, p->number))
		ownership_drop(&r->ownership, p->number);
}

void partition_deinit(struct relay_reader *r, struct partition *p)
{
	fence_off(r, &p->claiming);
	batch_clear(r, &p->gathered);
	claim_deinit(&p->known);
	claim_deinit(&p->put);
}
