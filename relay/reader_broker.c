/*
 * reader_broker.c - what a reader asks the broker
 *
 * Theory of operation: what happens for each batch is written by hand and answered
 * to the inbox, so nothing waits for it: pulls, and claims. The rest is libnats's,
 * and waits. The inbox's last words say what a message there is about:
 *
 *   INBOX.ID.of.pull.PP.NUMBER   what the broker says about a pull; its messages come under their own subjects
 *   INBOX.ID.of.claim.PP.NONCE   a claim's response
 *   INBOX.ID.member, .tap        what the two watches deliver
 *
 * A watch is a consumer that the broker delivers to by itself, which it does only while somebody subscribes to that very
 * subject, not to a wildcard in which it is: so these have subscriptions of their own.
 *
 * Keys of the bucket are read as the last message of their subject in its stream,
 * whose place there is the key's revision; a key that was erased has one, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "relay/reader_impl.h"

#define EXPECTED "Nats-Expected-Last-Subject-Sequence"
#define ABANDONED_NS (30 * NS_PER_S) /* after which the broker forgets a consumer that nobody asks */
#define CREDIT (8u << 20)            /* of open pulls, shared by our partitions */
#define PULL_BYTES_LEAST (256u << 10)

static void bucket_stream(const struct relay_reader *r, char *out)
{
	snprintf(out, SUBJECT_MAX + 4, "KV_%s", r->bucket);
}

static void bucket_subject(const struct relay_reader *r, const char *key, char *out)
{
	snprintf(out, 2 * SUBJECT_MAX, "$KV.%s.%s", r->bucket, key);
}

static const char *watch_subject(const struct relay_reader *r, const char *word, char *out)
{
	snprintf(out, 2 * SUBJECT_MAX, "%s.%s", r->inbox, word);
	return out;
}

int broker_up(struct relay_reader *r)
{
	natsConnection *nc = nats_link_connection(r->link);
	char all[2 * SUBJECT_MAX];
	jsOptions options;
	natsStatus s;

	jsOptions_Init(&options);
	options.Wait = ASK_MS;
	snprintf(all, sizeof(all), "%s.of.>", r->inbox);
	s = natsConnection_JetStream(&r->js, nc, &options);
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&r->inbox_sub, nc, all);
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&r->member_sub, nc, watch_subject(r, "member", all));
	if (s == NATS_OK)
		s = natsConnection_SubscribeSync(&r->tap_sub, nc, watch_subject(r, "tap", all));
	if (s == NATS_OK) /* pulls bound what can lie there */
		s = natsSubscription_SetPendingLimits(r->inbox_sub, -1, -1);
	if (s == NATS_OK)
		return 0;
	log_warn("the broker at %s: cannot read from it: %s", r->service, natsStatus_GetText(s));
	broker_down(r);
	return -EIO;
}

void broker_down(struct relay_reader *r)
{
	natsSubscription_Destroy(r->inbox_sub);
	natsSubscription_Destroy(r->member_sub);
	natsSubscription_Destroy(r->tap_sub);
	jsCtx_Destroy(r->js);
	r->inbox_sub = r->member_sub = r->tap_sub = NULL;
	r->js = NULL;
}

natsMsg *broker_next(natsSubscription *sub, int64_t wait_ms)
{
	natsMsg *message = NULL;

	return natsSubscription_NextMsg(&message, sub, wait_ms) == NATS_OK ? message : NULL;
}

const char *reader_header(natsMsg *message, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get(message, name, &value) == NATS_OK ? value : NULL;
}

static struct span span_of_header(void *message, const char *name)
{
	const char *value = reader_header(message, name);

	return value ? span_str(value) : span_of(NULL, 0);
}

struct record_fields reader_fields(natsMsg *message)
{
	struct record_fields fields = { .data = span_of(natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message)) };

	record_fields_get(&fields, span_of_header, message);
	return fields;
}

/* ---- keys --------------------------------------------------------------------- */

int broker_get(struct relay_reader *r, const char *key, struct buffer *out, uint64_t *revision)
{
	char stream[SUBJECT_MAX + 4], subject[2 * SUBJECT_MAX];
	natsMsg *message = NULL;
	jsErrCode code = 0;
	natsStatus s;
	int err = 0;

	*revision = 0;
	bucket_stream(r, stream);
	bucket_subject(r, key, subject);
	s = js_GetLastMsg(&message, r->js, stream, subject, NULL, &code);
	if (s != NATS_OK)
		return s == NATS_NOT_FOUND || code == JSNoMessageFoundErr ? -ENOENT : -EIO;
	*revision = natsMsg_GetSequence(message);
	reader_saw(r, (struct wall){ natsMsg_GetTime(message) });
	if (reader_header(message, "KV-Operation")) /* it was erased */
		err = -ENOENT;
	else
		buffer_add(out, natsMsg_GetData(message), (size_t)natsMsg_GetDataLength(message));
	natsMsg_Destroy(message);
	return err < 0 ? err : buffer_ok(out) ? 0
					      : -ENOMEM;
}

/* A value, on the condition that the key is at @expected; NULL when out of memory */
static natsMsg *conditional(struct relay_reader *r, const char *key, const char *reply, struct span value, uint64_t expected)
{
	char subject[2 * SUBJECT_MAX], number[24];
	natsMsg *message = NULL;

	bucket_subject(r, key, subject);
	snprintf(number, sizeof(number), "%" PRIu64, expected);
	if (natsMsg_Create(&message, subject, reply, (const char *)value.at, (int)value.len) != NATS_OK)
		return NULL;
	if (natsMsgHeader_Set(message, EXPECTED, number) == NATS_OK)
		return message;
	natsMsg_Destroy(message);
	return NULL;
}

enum claim_result broker_put(struct relay_reader *r, const char *key, struct span value, uint64_t expected, uint64_t *revision)
{
	natsMsg *message = conditional(r, key, NULL, value, expected), *response = NULL;
	enum claim_result result = CLAIM_UNKNOWN;

	if (message && natsConnection_RequestMsg(&response, nats_link_connection(r->link), message, ASK_MS) == NATS_OK)
		result = claim_result_read(span_of(natsMsg_GetData(response), (size_t)natsMsg_GetDataLength(response)), revision);
	natsMsg_Destroy(response);
	natsMsg_Destroy(message);
	return result;
}

bool broker_put_claim(struct relay_reader *r, struct partition *p)
{
	char reply[2 * SUBJECT_MAX], key[SUBJECT_MAX];
	struct buffer value = { 0 };
	natsMsg *message = NULL;
	bool put = false;

	claim_write(&p->put, &value);
	snprintf(reply, sizeof(reply), "%s.of.claim.%02u.%" PRIu64, r->inbox, p->number, p->put.nonce);
	if (buffer_ok(&value))
		message = conditional(r, key_claim(r->group, p->number, key), reply, buffer_span(&value), p->revision);
	if (message)
		put = natsConnection_PublishMsg(nats_link_connection(r->link), message) == NATS_OK;
	natsMsg_Destroy(message);
	buffer_deinit(&value);
	return put;
}

void broker_say(struct relay_reader *r, const char *key, struct span value)
{
	char subject[2 * SUBJECT_MAX];

	bucket_subject(r, key, subject);
	natsConnection_Publish(nats_link_connection(r->link), subject, value.at, (int)value.len);
}

void broker_erase(struct relay_reader *r, const char *key)
{
	char subject[2 * SUBJECT_MAX];
	natsMsg *message = NULL;

	bucket_subject(r, key, subject);
	if (natsMsg_Create(&message, subject, NULL, NULL, 0) == NATS_OK && natsMsgHeader_Set(message, "KV-Operation", "DEL") == NATS_OK)
		natsConnection_PublishMsg(nats_link_connection(r->link), message);
	natsMsg_Destroy(message);
}

/* ---- consumers and pulls ---------------------------------------------------- */

static int add_consumer(struct relay_reader *r, const char *stream, jsConsumerConfig *config, char *name, jsConsumerInfo **info)
{
	natsStatus s;

	config->AckPolicy = js_AckNone;
	config->MemoryStorage = true; /* it is of no use to the next connection: no broker has to recover it */
	config->InactiveThreshold = ABANDONED_NS;
	s = js_AddConsumer(info, r->js, stream, config, NULL, NULL);
	if (s == NATS_OK && name)
		snprintf(name, CONSUMER_NAME_MAX, "%s", (*info)->Name);
	return s == NATS_OK ? 0 : -EIO;
}

int broker_consume(struct relay_reader *r, struct partition *p)
{
	char subject[SUBJECT_MAX];
	jsConsumerInfo *info = NULL;
	jsConsumerConfig config;
	int err;

	jsConsumerConfig_Init(&config);
	config.FilterSubject = subject_partition(r->service, p->number, subject);
	config.DeliverPolicy = js_DeliverByStartSequence;
	config.OptStartSeq = p->known.upto + 1;
	err = add_consumer(r, r->stream, &config, p->consumer, &info);
	if (err == 0)
		p->pending = info->NumPending;
	jsConsumerInfo_Destroy(info);
	return err;
}

int broker_watch(struct relay_reader *r, const char *stream, const char *subjects, const char *word, char *consumer)
{
	char to[2 * SUBJECT_MAX];
	jsConsumerInfo *info = NULL;
	jsConsumerConfig config;
	int err;

	jsConsumerConfig_Init(&config);
	config.FilterSubject = subjects;
	config.DeliverPolicy = js_DeliverLastPerSubject;
	config.DeliverSubject = watch_subject(r, word, to);
	err = add_consumer(r, stream, &config, consumer, &info);
	jsConsumerInfo_Destroy(info);
	return err;
}

void broker_forget(struct relay_reader *r, const char *stream, char *consumer)
{
	if (r->js && consumer[0])
		js_DeleteConsumer(r->js, stream, consumer, NULL, NULL);
	consumer[0] = '\0';
}

static uint64_t share_of_credit(const struct relay_reader *r)
{
	uint32_t owned = partition_set_count(&r->ownership.mine);
	uint64_t share = CREDIT / (owned ? owned : 1);

	return share < PULL_BYTES_LEAST ? PULL_BYTES_LEAST : share > BATCH_BYTES ? BATCH_BYTES
										 : share;
}

bool broker_pull(struct relay_reader *r, struct partition *p, uint32_t records, uint64_t bytes)
{
	char subject[2 * SUBJECT_MAX], reply[2 * SUBJECT_MAX], body[160];
	uint64_t share = share_of_credit(r);
	int len;

	snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.MSG.NEXT.%s.%s", r->stream, p->consumer);
	snprintf(reply, sizeof(reply), "%s.of.pull.%02u.%u", r->inbox, p->number, ++p->pull_number);
	if (bytes == 0) /* one, of any length */
		len = snprintf(body, sizeof(body), "{\"batch\":1,\"expires\":%" PRId64 "}", (int64_t)PULL_NS);
	else
		len = snprintf(body, sizeof(body), "{\"batch\":%u,\"max_bytes\":%" PRIu64 ",\"expires\":%" PRId64 "}", records,
			       bytes < share ? bytes : share, (int64_t)PULL_NS);
	return natsConnection_PublishRequest(nats_link_connection(r->link), subject, reply, body, len) == NATS_OK;
}

/* ---- the stream ---------------------------------------------------------------- */

int broker_state(struct relay_reader *r, struct stream_state *out)
{
	jsStreamInfo *info = NULL;

	if (js_GetStreamInfo(&info, r->js, r->stream, NULL, NULL) != NATS_OK)
		return -EIO;
	*out = (struct stream_state){ info->Created, info->State.FirstSeq, info->State.LastSeq };
	jsStreamInfo_Destroy(info);
	return 0;
}

int broker_pending(struct relay_reader *r, struct partition *p)
{
	jsConsumerInfo *info = NULL;
	natsStatus s = js_GetConsumerInfo(&info, r->js, r->stream, p->consumer, NULL, NULL);

	if (s == NATS_OK)
		p->pending = info->NumPending;
	jsConsumerInfo_Destroy(info);
	return s == NATS_OK ? 0 : s == NATS_NOT_FOUND ? -ENOENT
						      : -EIO;
}

int broker_unread(struct relay_reader *r, uint32_t p, uint64_t upto, uint64_t *unread)
{
	char subject[SUBJECT_MAX], name[CONSUMER_NAME_MAX];
	jsConsumerInfo *info = NULL;
	jsConsumerConfig config;
	int err;

	jsConsumerConfig_Init(&config);
	config.FilterSubject = subject_partition(r->service, p, subject);
	config.DeliverPolicy = js_DeliverByStartSequence;
	config.OptStartSeq = upto + 1;
	err = add_consumer(r, r->stream, &config, name, &info);
	if (err == 0) {
		*unread = info->NumPending;
		broker_forget(r, r->stream, name);
	}
	jsConsumerInfo_Destroy(info);
	return err;
}

int broker_place_at(struct relay_reader *r, struct wall time, uint64_t *place)
{
	jsConsumerInfo *info = NULL;
	char name[CONSUMER_NAME_MAX];
	jsConsumerConfig config;
	int err;

	jsConsumerConfig_Init(&config);
	config.DeliverPolicy = js_DeliverByStartTime;
	config.OptStartTime = time.ns;
	err = add_consumer(r, r->stream, &config, name, &info);
	if (err == 0) {
		*place = info->Delivered.Stream;
		broker_forget(r, r->stream, name);
	}
	jsConsumerInfo_Destroy(info);
	return err;
}
