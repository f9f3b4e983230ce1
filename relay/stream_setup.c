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
#include <string.h>

#include "base/units.h"
#include "relay/jetstream.h"

#define DUPLICATE_NS (10 * NS_PER_S)

/** words_of() - why it is refused, as a part of a sentence */
static const char *words_of(int err, struct buffer *why)
{
	if (err == -ETIMEDOUT)
		return "there is no answer, so we may not";
	return why->len > 0 ? buffer_text(why) : strerror(-err);
}

static int refuse(struct buffer *error, const char *service, const char *what, int err, struct buffer *why)
{
	char name[SUBJECT_MAX], all[SUBJECT_MAX];

	if (err == -ENOTSUP) {
		buffer_add_str(error, "the broker has no JetStream for us; start nats-server with -js, or have it enabled for this account");
		return err;
	}
	if (err == -EDQUOT) {
		buffer_printf(error, "cannot make the stream %s: the broker has less room than --retain-size asks for; give it a smaller one, or raise "
				     "max_file in its configuration",
			      stream_name(service, name));
		return -EACCES;
	}
	buffer_printf(error, "cannot %s the stream %s of %s: %s; whoever may can make it, with the subjects %s", what, stream_name(service, name),
		      service, words_of(err, why), subject_all(service, all));
	return err == -ENOMEM ? err : -EACCES;
}

static int find_or_make(struct nats_client *c, const char *service, const struct stream_limits *limits, struct buffer *error)
{
	char name[SUBJECT_MAX], all[SUBJECT_MAX];
	struct jetstream_stream_options options = {
		.name = stream_name(service, name),
		.subject = subject_all(service, all),
		.max_age_ns = limits->retain_ns,
		.max_bytes = limits->retain_bytes,
		.duplicates_ns = limits->retain_ns < DUPLICATE_NS ? limits->retain_ns : DUPLICATE_NS,
	};
	struct jetstream_stream found;
	struct buffer why = { 0 };
	int err = jetstream_stream(c, name, all, &found, &why);

	if (err == -ENOENT) {
		buffer_clear(&why);
		err = jetstream_make_stream(c, &options, &why);
		err = err == 0 ? 1 : err == -EEXIST ? 0 : refuse(error, service, "make", err, &why);
	} else if (err < 0) {
		err = refuse(error, service, "look for", err, &why);
	}
	buffer_deinit(&why);
	return err;
}

uint32_t stream_partitions(struct nats_client *c, const char *bucket)
{
	struct buffer text = { 0 };
	uint64_t n = 0;

	if (jetstream_value(c, bucket, KEY_PARTITIONS, &text) < 0 || !parse_uint(buffer_text(&text), &n) ||
	    n > RELAY_PARTITIONS_MAX)
		n = 0;
	buffer_deinit(&text);
	return (uint32_t)n;
}

static void refuse_bucket(struct buffer *error, const char *service, int err, struct buffer *why)
{
	char name[SUBJECT_MAX];

	buffer_printf(error, "cannot make the bucket %s of %s, which replayers need: %s; does the broker keep room for it beside the stream "
			     "(max_file)?",
		      stream_name(service, name), service, words_of(err, why));
}

/** find_or_make_bucket() - false: there is none, which was said */
static bool find_or_make_bucket(struct nats_client *c, const char *service, struct buffer *error)
{
	char name[SUBJECT_MAX], stream[JETSTREAM_SUBJECT_MAX];
	struct jetstream_stream found;
	struct buffer why = { 0 };
	int err;

	stream_name(service, name);
	err = jetstream_stream(c, jetstream_bucket(name, stream), "", &found, NULL);
	if (err < 0)
		err = jetstream_make_bucket(c, name, &why);
	if (err < 0 && err != -EEXIST)
		refuse_bucket(error, service, err, &why);
	buffer_deinit(&why);
	return err == 0 || err == -EEXIST;
}

/** agree_on_partitions() - the bucket is made with the stream, or was; its key is written once */
static void agree_on_partitions(struct nats_client *c, const char *service, bool is_new, uint32_t wished, uint32_t *partitions,
				struct buffer *error)
{
	char name[SUBJECT_MAX], text[16];
	uint32_t n, ours = is_new ? wished : RELAY_PARTITIONS;
	uint64_t revision;

	if (!find_or_make_bucket(c, service, error))
		return;
	stream_name(service, name);
	snprintf(text, sizeof(text), "%u", ours);
	n = stream_partitions(c, name);
	if (n == 0 && jetstream_put(c, name, KEY_PARTITIONS, span_str(text), 0, &revision) == CLAIM_WON)
		n = ours;
	else if (n == 0) /* another was first */
		n = stream_partitions(c, name);
	if (n > 0)
		*partitions = n;
}

int stream_setup(struct nats_client *c, const char *service, const struct stream_limits *limits, uint32_t *partitions,
		 struct buffer *error)
{
	int err = find_or_make(c, service, limits, error);

	if (err >= 0)
		agree_on_partitions(c, service, err == 1, limits->partitions, partitions, error);
	return err;
}
