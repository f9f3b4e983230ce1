/*
 * broker_view.c - see broker_view.h
 *
 * Theory of operation: who may not ask gets no answer, only an error beside it, so that a question which gets none is a
 * second long, and then means no. A message is tried with an expected last sequence that no stream has reached: a broker
 * that lets it pass refuses it for that (10071) and stores nothing.
 */
#include "relay/broker_view.h"

#include <stdio.h>
#include <string.h>

#include <nats/nats.h>

#include "base/clock.h"
#include "relay/claim.h"
#include "relay/nats_link.h"
#include "relay/stream_setup.h"
#include "relay/subjects.h"

#define ASK_MS 1000
#define NO_SEQUENCE (UINT64_C(1) << 62)

/** may_put() - could a message be published to @subject of a stream? */
static enum broker_may may_put(jsCtx *js, const char *subject)
{
	jsPubOptions options;
	jsErrCode code = 0;
	jsPubAck *ack = NULL;
	natsStatus s;

	jsPubOptions_Init(&options);
	options.MaxWait = ASK_MS;
	options.ExpectLastSeq = NO_SEQUENCE;
	s = js_Publish(&ack, js, subject, "", 0, &options, &code);
	jsPubAck_Destroy(ack);
	if (code != 0)
		return BROKER_MAY;
	return s == NATS_TIMEOUT ? BROKER_MAY_NOT : BROKER_MAY_UNKNOWN;
}

/** may_make() - an empty description makes no stream, and is refused as such by who would take a full one */
static enum broker_may may_make(natsConnection *nc, const char *stream)
{
	char subject[SUBJECT_MAX + 32];
	natsMsg *reply = NULL;
	natsStatus s;

	snprintf(subject, sizeof(subject), "$JS.API.STREAM.CREATE.%s", stream);
	s = natsConnection_RequestString(&reply, nc, subject, "", ASK_MS);
	natsMsg_Destroy(reply);
	return s == NATS_OK ? BROKER_MAY : s == NATS_TIMEOUT ? BROKER_MAY_NOT
							     : BROKER_MAY_UNKNOWN;
}

/** look_behind() - a consumer that goes at once: @pending is what it would get of @subject behind place @after */
static natsStatus look_behind(jsCtx *js, const char *stream, const char *subject, uint64_t after, uint64_t *pending)
{
	natsSubscription *sub = NULL;
	jsConsumerInfo *info = NULL;
	jsErrCode code = 0;
	jsSubOptions options;
	natsStatus s;

	jsSubOptions_Init(&options);
	options.Stream = stream;
	options.Config.AckPolicy = js_AckNone;
	options.Config.DeliverPolicy = js_DeliverByStartSequence;
	options.Config.OptStartSeq = after + 1;
	s = js_PullSubscribe(&sub, js, subject, NULL, NULL, &options, &code);
	if (s == NATS_OK && natsSubscription_GetConsumerInfo(&info, sub, NULL, &code) == NATS_OK)
		*pending = info->NumPending;
	jsConsumerInfo_Destroy(info);
	if (s == NATS_OK)
		natsSubscription_Unsubscribe(sub);
	natsSubscription_Destroy(sub);
	return s;
}

static enum broker_may may_read(jsCtx *js, const char *stream, const char *subject)
{
	uint64_t pending;
	natsStatus s = look_behind(js, stream, subject, 0, &pending);

	return s == NATS_OK ? BROKER_MAY : s == NATS_TIMEOUT ? BROKER_MAY_NOT
							     : BROKER_MAY_UNKNOWN;
}

/** place_of() - how far the group is in this partition; false: it has no place there */
static bool place_of(kvStore *bucket, const char *group, uint32_t partition, uint64_t *upto)
{
	char key[SUBJECT_MAX];
	struct partition_claim claim = { 0 };
	kvEntry *entry = NULL;
	bool found = kvStore_Get(&entry, bucket, key_claim(group, partition, key)) == NATS_OK &&
		     claim_read(span_str(kvEntry_ValueString(entry) ? kvEntry_ValueString(entry) : ""), &claim) == 0;

	if (found)
		*upto = claim.upto;
	claim_deinit(&claim);
	kvEntry_Destroy(entry);
	return found;
}

static void take_lag(jsCtx *js, const char *stream, struct broker_view *v)
{
	char subject[SUBJECT_MAX];
	kvStore *bucket = NULL;
	uint32_t count = v->partitions > 0 ? v->partitions : RELAY_PARTITIONS;

	if (js_KeyValue(&bucket, js, stream) != NATS_OK)
		return;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t upto, pending = 0;

		if (!place_of(bucket, v->group, i, &upto))
			continue;
		v->claimed_partitions++;
		look_behind(js, stream, subject_partition(v->service, i, subject), upto, &pending);
		v->lag += pending;
	}
	kvStore_Destroy(bucket);
}

static uint64_t positive(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static void take_account(jsCtx *js, struct broker_view *v)
{
	jsAccountInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus s = js_GetAccountInfo(&info, js, NULL, &code);

	v->lacks_jetstream = s == NATS_NO_RESPONDERS || code == JSNotEnabledErr || code == JSNotEnabledForAccountErr;
	if (s == NATS_OK) {
		v->account_limit = positive(info->Limits.MaxStore);
		v->account_used = info->Store;
	}
	jsAccountInfo_Destroy(info);
}

static bool has_subject(const jsStreamConfig *config, const char *subject)
{
	for (int i = 0; i < config->SubjectsLen; i++)
		if (strcmp(config->Subjects[i], subject) == 0 || strcmp(config->Subjects[i], ">") == 0)
			return true;
	return false;
}

static void take_stream(jsCtx *js, const char *stream, struct broker_view *v, int64_t wall_ns)
{
	char all[SUBJECT_MAX];
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus s = js_GetStreamInfo(&info, js, stream, NULL, &code);

	if (s == NATS_NOT_FOUND || code == JSStreamNotFoundErr)
		v->stream = BROKER_STREAM_NONE;
	if (s == NATS_OK) {
		const jsStreamConfig *c = info->Config;

		v->stream = BROKER_STREAM_THERE;
		v->has.messages = info->State.Msgs;
		v->has.bytes = info->State.Bytes;
		v->has.max_bytes = positive(c->MaxBytes);
		v->has.max_age_ns = c->MaxAge;
		v->has.duplicates_ns = c->Duplicates;
		v->has.last_ago_ns = info->State.LastSeq == 0 ? -1 : wall_ns - info->State.LastTime;
		v->has.replicas = (uint32_t)positive(c->Replicas);
		v->has.refuses_when_full = c->Discard == js_DiscardNew;
		v->has.in_memory = c->Storage == js_MemoryStorage;
		v->has.takes_service = has_subject(c, subject_all(v->service, all));
	}
	jsStreamInfo_Destroy(info);
}

static void take_partitions(jsCtx *js, const char *bucket, struct broker_view *v)
{
	kvStore *store = NULL;

	if (js_KeyValue(&store, js, bucket) == NATS_OK)
		v->partitions = stream_partitions(store);
	kvStore_Destroy(store);
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
	natsConnection *nc = nats_link_connection(link);
	char stream[SUBJECT_MAX], subject[SUBJECT_MAX], key[SUBJECT_MAX + 32];
	jsOptions options;
	jsCtx *js = NULL;

	v->max_payload = nats_link_max_payload(link);
	stream_name(v->service, stream);
	jsOptions_Init(&options);
	options.Wait = ASK_MS;
	if (natsConnection_JetStream(&js, nc, &options) != NATS_OK)
		return;
	take_account(js, v);
	take_trouble(link, v); /* the first question was the first subscription */
	if (!v->lacks_jetstream && !v->is_deaf)
		take_stream(js, stream, v, wall_ns);
	if (v->stream == BROKER_STREAM_NONE)
		v->may_make = may_make(nc, stream);
	if (v->stream == BROKER_STREAM_THERE) {
		take_partitions(js, stream, v);
		subject_partition(v->service, 0, subject);
		snprintf(key, sizeof(key), "$KV.%s.doctor", stream);
		if (v->is_source) {
			v->may_read = may_read(js, stream, subject);
			v->may_claim = may_put(js, key);
			if (v->may_read == BROKER_MAY)
				take_lag(js, stream, v);
		} else {
			v->may_publish = may_put(js, subject);
		}
	}
	jsCtx_Destroy(js);
}
