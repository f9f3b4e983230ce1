/*
 * stream_setup.c - see stream_setup.h
 *
 * Theory of operation: first it is asked whether the stream is there, since a
 * stream of the operator's own making is right as it is. Ours has limits that
 * keep a disk from filling: an hour and a gigabyte, and the oldest goes first,
 * so that a stream which nobody reads does not refuse what is new. Ids are known
 * as duplicates for ten seconds, which is more than two taps are apart; each
 * takes 200 bytes of the broker's memory, so not for its default of two minutes.
 *
 * A user who may not ask gets no answer at all, only an error beside it, so each
 * question is a second long at most. Two that make a stream at once both find it
 * there afterwards. How many partitions it has is written by who creates the key.
 */
#include "relay/stream_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nats/nats.h>

#include "base/units.h"

#define ASK_MS 1000
#define DUPLICATE_NS (10 * NS_PER_S)

const char *nats_words(int status)
{
	natsStatus last;
	const char *why = nats_GetLastError(&last), *end;

	if (!why || !*why)
		return natsStatus_GetText((natsStatus)status);
	end = why[0] == '(' ? strstr(why, "): ") : NULL;
	return end ? end + 3 : why;
}

static int refuse(struct buffer *error, const char *service, const char *what, natsStatus s, jsErrCode code)
{
	const char *why = nats_words(s);
	char name[SUBJECT_MAX], all[SUBJECT_MAX];

	if (s == NATS_NO_RESPONDERS || code == JSNotEnabledErr || code == JSNotEnabledForAccountErr) {
		buffer_add_str(error, "the broker has no JetStream for us; start nats-server with -js, or have it enabled for this account");
		return -ENOTSUP;
	}
	if (code == JSStorageResourcesExceededErr) {
		buffer_printf(error, "cannot make the stream %s: the broker has less room than --retain-size asks for; give it a smaller one, or raise "
				     "max_file in its configuration",
			      stream_name(service, name));
		return -EACCES;
	}
	buffer_printf(error, "cannot %s the stream %s of %s: %s; whoever may can make it, with the subjects %s", what, stream_name(service, name),
		      service, s == NATS_TIMEOUT ? "there is no answer, so we may not" : why,
		      subject_all(service, all));
	return s == NATS_NO_MEMORY ? -ENOMEM : -EACCES;
}

static int find_or_make(jsCtx *js, const char *service, const struct stream_limits *limits, struct buffer *error)
{
	char name[SUBJECT_MAX], all[SUBJECT_MAX];
	const char *subjects[] = { subject_all(service, all) };
	jsStreamConfig config;
	jsErrCode code = 0;
	jsStreamInfo *info = NULL;
	natsStatus s = js_GetStreamInfo(&info, js, stream_name(service, name), NULL, &code);

	jsStreamInfo_Destroy(info);
	info = NULL;
	if (s == NATS_OK)
		return 0;
	if (s != NATS_NOT_FOUND && code != JSStreamNotFoundErr)
		return refuse(error, service, "look for", s, code);
	jsStreamConfig_Init(&config);
	config.Name = name;
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.MaxAge = limits->retain_ns;
	config.MaxBytes = (int64_t)limits->retain_bytes;
	config.Duplicates = limits->retain_ns < DUPLICATE_NS ? limits->retain_ns : DUPLICATE_NS;
	config.Retention = js_LimitsPolicy;
	config.Discard = js_DiscardOld;
	config.Storage = js_FileStorage;
	config.Replicas = 1;
	code = 0;
	s = js_AddStream(&info, js, &config, NULL, &code);
	jsStreamInfo_Destroy(info);
	if (s == NATS_OK)
		return 1;
	return code == JSStreamNameExistErr ? 0 : refuse(error, service, "make", s, code);
}

uint32_t stream_partitions(kvStore *bucket)
{
	kvEntry *entry = NULL;
	uint64_t n = 0;

	if (kvStore_Get(&entry, bucket, KEY_PARTITIONS) == NATS_OK &&
	    (!parse_uint(kvEntry_ValueString(entry) ? kvEntry_ValueString(entry) : "", &n) || n > RELAY_PARTITIONS_MAX))
		n = 0;
	kvEntry_Destroy(entry);
	return (uint32_t)n;
}

static void refuse_bucket(struct buffer *error, const char *service, natsStatus s)
{
	const char *why = s == NATS_TIMEOUT ? "there is no answer, so we may not" : nats_words(s);
	char name[SUBJECT_MAX];

	buffer_printf(error, "cannot make the bucket %s of %s, which replayers need: %s; does the broker keep room for it beside the stream "
			     "(max_file)?",
		      stream_name(service, name), service, why);
}

/** agree_on_partitions() - the bucket is made with the stream, or was; its key is written once */
static void agree_on_partitions(jsCtx *js, const char *service, bool is_new, uint32_t wished, uint32_t *partitions,
				struct buffer *error)
{
	char name[SUBJECT_MAX], text[16];
	kvStore *bucket = NULL;
	kvConfig config;
	uint64_t revision;
	uint32_t n = 0;
	natsStatus s;

	if (js_KeyValue(&bucket, js, stream_name(service, name)) != NATS_OK) {
		kvConfig_Init(&config);
		config.Bucket = name;
		config.History = 1;
		s = js_CreateKeyValue(&bucket, js, &config);
		if (s != NATS_OK) {
			refuse_bucket(error, service, s);
			return;
		}
	}
	snprintf(text, sizeof(text), "%u", is_new ? wished : RELAY_PARTITIONS);
	n = stream_partitions(bucket);
	if (n == 0 && kvStore_CreateString(&revision, bucket, KEY_PARTITIONS, text) == NATS_OK)
		n = is_new ? wished : RELAY_PARTITIONS;
	else if (n == 0) /* another was first */
		n = stream_partitions(bucket);
	if (n > 0)
		*partitions = n;
	kvStore_Destroy(bucket);
}

int stream_setup(natsConnection *nc, const char *service, const struct stream_limits *limits, uint32_t *partitions,
		 struct buffer *error)
{
	jsOptions options;
	jsCtx *js = NULL;
	int err = -ENOMEM;

	jsOptions_Init(&options);
	options.Wait = ASK_MS;
	if (natsConnection_JetStream(&js, nc, &options) == NATS_OK)
		err = find_or_make(js, service, limits, error);
	if (err >= 0)
		agree_on_partitions(js, service, err == 1, limits->partitions, partitions, error);
	jsCtx_Destroy(js);
	return err;
}
