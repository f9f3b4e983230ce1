/*
 * broker_view.c - see broker_view.h
 *
 * Theory of operation: who may not ask gets no answer, only an error beside it, so that a question which gets none is a
 * second long, and then means no.
 */
#include "relay/broker_view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "relay/claim.h"
#include "relay/jetstream.h"
#include "relay/nats_link.h"
#include "relay/stream_setup.h"
#include "relay/subjects.h"

static enum broker_may may_of(int result)
{
	return result == 1 ? BROKER_MAY : result == 0 ? BROKER_MAY_NOT : BROKER_MAY_UNKNOWN;
}

/** look_behind() - a consumer that goes at once: @pending is what it would get of @subject behind place @after */
static int look_behind(struct nats_client *c, const char *stream, const char *subject, uint64_t after, uint64_t *pending)
{
	struct jetstream_consumer_options options = { .filter = subject, .from = after + 1 };
	struct jetstream_consumer made;
	int err = jetstream_make_consumer(c, stream, &options, &made);

	if (err < 0)
		return err;
	*pending = made.pending;
	jetstream_forget_consumer(c, stream, made.name);
	return 0;
}

static enum broker_may may_read(struct nats_client *c, const char *stream, const char *subject)
{
	uint64_t pending;
	int err = look_behind(c, stream, subject, 0, &pending);

	return may_of(err == 0 ? 1 : err == -ETIMEDOUT ? 0 : err);
}

/** place_of() - how far the group is in this partition; false: it has no place there */
static bool place_of(struct nats_client *c, const char *bucket, const char *group, uint32_t partition, uint64_t *upto)
{
	char key[SUBJECT_MAX];
	struct partition_claim claim = { 0 };
	struct buffer value = { 0 };
	bool found = jetstream_value(c, bucket, key_claim(group, partition, key), &value) == 0 &&
		     claim_read(buffer_span(&value), &claim) == 0;

	if (found)
		*upto = claim.upto;
	claim_deinit(&claim);
	buffer_deinit(&value);
	return found;
}

static void take_lag(struct nats_client *c, const char *stream, struct broker_view *v)
{
	char subject[SUBJECT_MAX];
	uint32_t count = v->partitions > 0 ? v->partitions : RELAY_PARTITIONS;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t upto, pending = 0;

		if (!place_of(c, stream, v->group, i, &upto))
			continue;
		v->claimed_partitions++;
		look_behind(c, stream, subject_partition(v->service, i, subject), upto, &pending);
		v->lag += pending;
	}
}

static void take_account(struct nats_client *c, struct broker_view *v)
{
	struct jetstream_account account;

	v->lacks_jetstream = jetstream_account(c, &account) == -ENOTSUP;
	v->account_limit = account.storage_limit;
	v->account_used = account.storage_used;
}

static void take_stream(struct nats_client *c, const char *stream, struct broker_view *v, int64_t wall_ns)
{
	char all[SUBJECT_MAX];
	struct jetstream_stream s;
	int err = jetstream_stream(c, stream, subject_all(v->service, all), &s, NULL);

	if (err == -ENOENT)
		v->stream = BROKER_STREAM_NONE;
	if (err < 0)
		return;
	v->stream = BROKER_STREAM_THERE;
	v->has.messages = s.messages;
	v->has.bytes = s.bytes;
	v->has.max_bytes = s.max_bytes;
	v->has.max_age_ns = s.max_age_ns;
	v->has.duplicates_ns = s.duplicates_ns;
	v->has.last_ago_ns = s.last == 0 ? -1 : wall_ns - s.last_at.ns;
	v->has.replicas = s.replicas;
	v->has.refuses_when_full = s.discards_new;
	v->has.in_memory = s.in_memory;
	v->has.takes_service = s.takes_subject;
}

static void take_trouble(struct nats_link *link, struct broker_view *v)
{
	struct buffer words = { 0 };

	if (nats_link_trouble(link, &words))
		snprintf(v->trouble, sizeof(v->trouble), "%s", buffer_text(&words));
	v->is_deaf = strstr(v->trouble, "Permissions Violation for Subscription") != NULL;
	buffer_deinit(&words);
}

void broker_look(struct nats_link *link, struct broker_view *v, int64_t wall_ns)
{
	struct nats_client *c = nats_link_client(link);
	char stream[SUBJECT_MAX], subject[SUBJECT_MAX], key[JETSTREAM_SUBJECT_MAX];

	v->max_payload = nats_link_max_payload(link);
	stream_name(v->service, stream);
	take_account(c, v);
	take_trouble(link, v); /* the first question was the first subscription */
	if (!v->lacks_jetstream && !v->is_deaf)
		take_stream(c, stream, v, wall_ns);
	if (v->stream == BROKER_STREAM_NONE)
		v->may_make = may_of(jetstream_may_make(c, stream));
	if (v->stream != BROKER_STREAM_THERE)
		return;
	v->partitions = stream_partitions(c, stream);
	subject_partition(v->service, 0, subject);
	if (!v->is_source) {
		v->may_publish = may_of(jetstream_may_publish(c, subject));
		return;
	}
	v->may_read = may_read(c, stream, subject);
	v->may_claim = may_of(jetstream_may_publish(c, jetstream_key(stream, "doctor", key)));
	if (v->may_read == BROKER_MAY)
		take_lag(c, stream, v);
}
