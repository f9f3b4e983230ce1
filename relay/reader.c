/*
 * reader.c - see reader.h: its life, the inbox, and what is to be done each second
 *
 * Theory of operation: one turn of relay_reader_poll() takes what lies in the inbox,
 * up to INBOX_AT_ONCE messages, then has each partition claim what was gathered and
 * pull more. So a batch is what came until the inbox was empty: one request when it
 * is quiet, which is claimed at once, and hundreds when it is busy.
 */
#include "relay/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/hash.h"
#include "base/log.h"
#include "relay/member.h"
#include "relay/reader_impl.h"

#define INBOX_AT_ONCE 512
#define QUIET_WAIT_NS (NS_PER_S / 20)
#define BLOCKED_WAIT_NS (2 * NS_PER_MS) /* while something waits for room */
#define TICK_NS (NS_PER_S / 20)
#define LEARN_NS (NS_PER_S / 4) /* who else there is, before the first partition is taken */
#define FINISH_NS (4 * NS_PER_S)
#define CONNECT_NS (2 * NS_PER_S)

struct wall reader_clock(const struct relay_reader *r)
{
	return r->newest.ns ? wall_after(r->newest, mono_now().ns - r->newest_at.ns) : wall_now();
}

void reader_saw(struct relay_reader *r, struct wall stored)
{
	if (stored.ns <= r->newest.ns)
		return;
	r->newest = stored;
	r->newest_at = mono_now();
}

void reader_give_up(struct relay_reader *r, uint64_t token)
{
	counter_add(&r->stats.responses_given_up, 1);
	r->o.on_response(r->o.ctx, token, NULL);
}

static bool is_member(const struct relay_reader *r)
{
	return r->partition_count > 0 && r->client;
}

void reader_say_member(struct relay_reader *r)
{
	char key[SUBJECT_MAX];
	struct buffer value = { 0 };

	if (!is_member(r))
		return;
	member_write(&r->ownership.mine, ++r->beats, &value);
	if (buffer_ok(&value))
		broker_say(r, key_member(r->group, r->id, key), buffer_span(&value));
	buffer_deinit(&value);
	r->renew_at.ns = mono_now().ns + OWNERSHIP_RENEW_NS;
}

/* ---- connecting --------------------------------------------------------------- */

static int make_partitions(struct relay_reader *r, uint32_t count)
{
	if (r->partitions)
		return 0; /* it is fixed for a stream; another one that is made in its place has as many */
	r->partitions = calloc(count, sizeof(*r->partitions));
	if (!r->partitions)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		r->partitions[i].number = i;
	r->partition_count = count;
	ownership_init(&r->ownership, r->id, count);
	counter_set(&r->stats.partitions, count);
	return 0;
}

static int watch_members(struct relay_reader *r)
{
	char subjects[3 * SUBJECT_MAX], stream[SUBJECT_MAX + 4];

	snprintf(stream, sizeof(stream), "KV_%s", r->bucket);
	snprintf(subjects, sizeof(subjects), "$KV.%s.member.%s.*", r->bucket, r->group);
	return broker_watch(r, stream, subjects, "member", r->member_consumer);
}

static int watch_taps(struct relay_reader *r)
{
	char subjects[SUBJECT_MAX];

	return broker_watch(r, r->stream, subject_tap(r->service, "*", subjects), "tap", r->tap_consumer);
}

/* On a new connection. -EACCES, -ENOTSUP: this will never do; other errors: later */
static int come_up(struct relay_reader *r)
{
	uint32_t partitions = RELAY_PARTITIONS;
	struct buffer error = { 0 };
	int err = broker_up(r);

	if (err == 0)
		err = nats_link_make_stream(r->link, &r->o.limits, &partitions, &error);
	if (error.len > 0)
		log_error("%s", buffer_text(&error));
	buffer_deinit(&error);
	if (err >= 0)
		err = make_partitions(r, partitions);
	if (err == 0)
		err = broker_state(r, &r->state);
	if (err == 0)
		err = watch_members(r);
	if (err == 0)
		err = watch_taps(r);
	if (err < 0) {
		broker_down(r);
		return err;
	}
	reader_note_end(r);
	if (r->was_up)
		counter_add(&r->stats.reconnects, 1);
	if (r->told_lost)
		log_info("the broker is there again");
	r->was_up = true;
	r->told_lost = false;
	r->members_known_at.ns = mono_now().ns + LEARN_NS;
	reader_say_member(r);
	return 0;
}

static void go_down(struct relay_reader *r)
{
	for (uint32_t i = 0; i < r->partition_count; i++)
		partition_disconnected(r, &r->partitions[i]);
	r->tap_consumer[0] = r->member_consumer[0] = '\0';
	broker_down(r);
}

/* A broker that is not there yet is waited for; one that refuses us is not. */
static int connect_first(struct relay_reader *r)
{
	struct buffer error = { 0 };
	int err = nats_link_connect(r->link, CONNECT_NS, &error);

	r->was_tried = true;
	if (err == -EACCES)
		log_error("%s", buffer_text(&error));
	else if (err < 0)
		log_warn("%s; it is tried again", buffer_text(&error));
	buffer_deinit(&error);
	return err == -EACCES ? err : 0;
}

/* Return: 1: connected; 0: not now; -EACCES, -ENOTSUP: never */
static int tend(struct relay_reader *r)
{
	struct mono now = mono_now();
	int err;

	if (r->client && nats_client_is_up(r->client))
		return 1;
	if (r->client)
		go_down(r);
	if (!r->was_tried)
		return connect_first(r);
	if (nats_link_tend(r->link, now) == 1)
		r->tick_at.ns = 0;
	else if (r->was_up && !r->told_lost && !nats_link_is_up(r->link) && (r->told_lost = true))
		log_warn("%s; it is tried again", nats_link_lost(r->link));
	if (!nats_link_is_up(r->link) || now.ns < r->tick_at.ns) /* or something was wrong there just now */
		return 0;
	err = come_up(r);
	if (err == 0)
		return 1;
	r->tick_at.ns = now.ns + NS_PER_S;
	return !r->was_up && (err == -EACCES || err == -ENOTSUP) ? err : 0;
}

/* ---- the inbox ----------------------------------------------------------------- */

/* To one of the inbox's own subjects: what is said about a pull, or a claim's response */
static void take_response(struct relay_reader *r, const struct nats_message *message, struct span words)
{
	struct span what, partition, number;
	uint64_t p, n;

	if (!subject_word_take(&words, &what) || !subject_word_take(&words, &partition) || !subject_word_take(&words, &number) ||
	    !digits_read(partition, &p) || p >= r->partition_count || !digits_read(number, &n))
		return;
	if (span_equal(what, SPAN_LITERAL("claim")))
		partition_claimed(r, &r->partitions[p], n, message->data);
	else if (span_equal(what, SPAN_LITERAL("pull")) && message->status && n == r->partitions[p].pull_number)
		partition_pull_ended(r, &r->partitions[p], message->status, message->status_text);
}

static void take_member(struct relay_reader *r, const struct nats_message *message)
{
	struct span subject = message->subject, id = subject, word;
	struct partition_set reads;

	while (subject_word_take(&subject, &word))
		id = word;
	if (nats_message_header(message, SPAN_LITERAL(JETSTREAM_OPERATION), &word))
		ownership_left(&r->ownership, id);
	else if (member_read(message->data, &reads) == 0)
		ownership_heard(&r->ownership, id, &reads, mono_now());
}

static void take_heartbeat(struct relay_reader *r, const struct nats_message *message, struct wall stored)
{
	struct record_fields fields = reader_fields(message);
	enum record_fault unused;
	struct record_event event;
	struct heartbeat says;

	if (record_kind_of(&fields) != RECORD_TAP || record_read_event(&fields, &event, &unused) < 0 ||
	    heartbeat_read(message->data, &says) < 0)
		return;
	if (!event.has_time)
		event.time.ns = 0;
	taps_heard(r->taps, span_of(event.source, event.source_len), &says, event.time, stored);
}

/* What the watches have: who else there is, and how taps do */
static void take_watched(struct relay_reader *r, const struct nats_message *message)
{
	struct delivery d;

	if (!delivery_read(message->reply, &d))
		return;
	reader_saw(r, d.stored);
	if (message->subscription == r->member_sub)
		take_member(r, message);
	else
		take_heartbeat(r, message, d.stored);
}

/* To the inbox: a record, which its partition takes, or a response; true: taken */
static bool take_from_inbox(struct relay_reader *r, struct nats_message *message)
{
	struct span subject = message->subject, inbox = span_str(r->inbox);
	struct delivery d;
	int partition;

	if (!delivery_read(message->reply, &d)) {
		if (span_starts(subject, inbox) && span_skip(&subject, inbox.len + sizeof(".of.") - 1))
			take_response(r, message, subject);
		return false;
	}
	reader_saw(r, d.stored);
	partition = subject_partition_of(r->service, subject);
	if (partition < 0 || (uint32_t)partition >= r->partition_count)
		return false;
	partition_message(r, &r->partitions[partition], message, &d);
	return true;
}

static void take_message(struct relay_reader *r, struct nats_message *message)
{
	if (message->subscription == r->inbox_sub) {
		if (take_from_inbox(r, message))
			return;
	} else if (message->subscription == r->member_sub || message->subscription == r->tap_sub) {
		take_watched(r, message);
	}
	nats_message_free(message);
}

/* ---- each turn ------------------------------------------------------------------ */

static void own(struct relay_reader *r, struct mono now)
{
	uint32_t p;

	if (now.ns < r->members_known_at.ns)
		return;
	for (uint32_t turns = 0; turns < r->partition_count; turns++) {
		switch (ownership_next(&r->ownership, now, &p)) {
		case OWNERSHIP_NOTHING:
			return;
		case OWNERSHIP_TAKE:
			partition_take(r, &r->partitions[p]);
			break;
		case OWNERSHIP_LET_GO:
			if (!partition_let_go(r, &r->partitions[p]))
				return;
			break;
		}
		reader_say_member(r);
		now = mono_now();
	}
}

static void tick(struct relay_reader *r)
{
	struct mono now = mono_now();

	if (now.ns < r->tick_at.ns)
		return;
	r->tick_at.ns = now.ns + TICK_NS;
	if (now.ns >= r->renew_at.ns)
		reader_say_member(r);
	if (!r->tap_consumer[0])
		watch_taps(r);
	own(r, now);
	reader_survey(r, mono_now());
}

/* Does something wait that no message will wake us for? */
static bool is_blocked(const struct relay_reader *r)
{
	if (r->order.count > 0)
		return true;
	for (uint32_t i = 0; i < r->partition_count; i++) {
		const struct partition *p = &r->partitions[i];

		if (p->is_mine && !p->put_at.ns && (p->gathered.count > 0 || p->pulled == 0))
			return true;
	}
	return false;
}

static void take_inbox(struct relay_reader *r)
{
	struct nats_message *message;

	nats_client_wait(r->client, -1, is_blocked(r) ? BLOCKED_WAIT_NS : QUIET_WAIT_NS);
	for (int n = 0; n < INBOX_AT_ONCE && (message = nats_client_take(r->client)) != NULL; n++)
		take_message(r, message);
}

static void work(struct relay_reader *r)
{
	struct mono now = mono_now();

	for (uint32_t i = 0; i < r->partition_count; i++)
		partition_work(r, &r->partitions[i], now);
	nats_client_send(r->client, 0); /* the broker is at it while these are handed on */
	reader_hand_on(r, now, false);
}

int relay_reader_poll(struct relay_reader *r)
{
	int err = tend(r);

	if (err < 0)
		return err;
	if (err == 0) {
		usleep(QUIET_WAIT_NS / 1000);
		return 0;
	}
	take_inbox(r);
	work(r);
	tick(r);
	return r->o.ends_caught_up && reader_is_caught_up(r) ? 1 : 0;
}

/* ---- beginning and end ----------------------------------------------------------- */

static void give_up_all_responses(struct relay_reader *r)
{
	uint64_t token;

	while ((token = answers_take_any(r->answers)) != 0)
		reader_give_up(r, token);
}

static bool is_claiming(const struct relay_reader *r)
{
	for (uint32_t i = 0; i < r->partition_count; i++)
		if (r->partitions[i].put_at.ns)
			return true;
	return false;
}

void relay_reader_finish(struct relay_reader *r)
{
	struct mono until = { mono_now().ns + FINISH_NS };
	char key[SUBJECT_MAX];

	r->is_finishing = true;
	while (is_claiming(r) && mono_now().ns < until.ns) {
		if (tend(r) != 1) {
			usleep(QUIET_WAIT_NS / 1000);
			continue;
		}
		take_inbox(r);
		for (uint32_t i = 0; i < r->partition_count; i++)
			partition_work(r, &r->partitions[i], mono_now());
	}
	reader_hand_on(r, mono_now(), true);
	give_up_all_responses(r);
	if (tend(r) == 1) {
		for (uint32_t i = 0; i < r->partition_count; i++)
			if (partition_set_has(&r->ownership.mine, i))
				partition_let_go(r, &r->partitions[i]);
		broker_erase(r, key_member(r->group, r->id, key));
		reader_survey_all(r);
	}
	counter_set(&r->stats.lag, 0);
	counter_set(&r->stats.partitions_owned, 0);
	reader_publish_facts(r);
	broker_down(r);
	nats_link_close(r->link, NS_PER_S);
}

int relay_reader_new(const struct relay_reader_options *options, struct nats_link *link, struct relay_reader **out)
{
	struct relay_reader *r = calloc(1, sizeof(*r));
	char prefix[SUBJECT_MAX], name[RELAY_NAME_MAX + 1];

	if (!r)
		return -ENOMEM;
	r->o = *options;
	r->taps = taps_new();
	r->answers = answers_new();
	if (!r->taps || !r->answers) {
		taps_free(r->taps);
		answers_free(r->answers);
		free(r);
		return -ENOMEM;
	}
	pthread_mutex_init(&r->facts_lock, NULL);
	r->nonces = hash_key_random().k0 >> 1;
	relay_name_fit(options->name, name);
	snprintf(r->id, sizeof(r->id), "%.48s-%08x", name, (unsigned)(hash_key_random().k0 & 0xffffffff));
	snprintf(r->service, sizeof(r->service), "%s", options->service);
	snprintf(r->group, sizeof(r->group), "%s", options->group);
	stream_name(r->service, r->stream);
	stream_name(r->service, r->bucket);
	snprintf(r->inbox, sizeof(r->inbox), "%s.%.64s", inbox_replayer(r->group, prefix), r->id);
	r->link = link;
	*out = r;
	return 0;
}

const struct fleet_stats *relay_reader_stats(const struct relay_reader *r)
{
	return &r->stats;
}

void relay_reader_free(struct relay_reader *r)
{
	struct time_order *order;

	if (!r)
		return;
	order = &r->order;
	for (uint32_t i = 0; i < r->partition_count; i++)
		partition_deinit(r, &r->partitions[i]);
	fetched_free_spare(r);
	time_order_deinit(order);
	broker_down(r);
	nats_link_free(r->link);
	taps_free(r->taps);
	answers_free(r->answers);
	fleet_facts_deinit(&r->facts);
	pthread_mutex_destroy(&r->facts_lock);
	free(r->partitions);
	free(r);
}
