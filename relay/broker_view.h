/*
 * broker_view.h - how a broker stands to what is to be handed over there, or read: asked once, for shadowtap doctor
 *
 * Nothing is changed by asking. What a user may do is tried with calls that a broker refuses for another reason once it
 * has let them pass: a message on the condition that the last one had a number that none has, a stream to be made of no
 * description.
 */
#ifndef RELAY_BROKER_VIEW_H
#define RELAY_BROKER_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct nats_link;

enum broker_stream {
	BROKER_STREAM_UNKNOWN, /* we may not ask, or got no answer */
	BROKER_STREAM_NONE,
	BROKER_STREAM_THERE
};

enum broker_may { BROKER_MAY_UNKNOWN, BROKER_MAY, BROKER_MAY_NOT };

struct broker_view {
	const char *shown;     /* the URL without what is secret in it; borrowed */
	const char *service;   /* borrowed */
	const char *group;     /* of a replayer; borrowed */
	bool is_source;        /* of a replayer; else of a tap */
	int err;               /* of connecting; then nothing else is known but: */
	char why[512];         /* a sentence */
	int64_t connect_ns;
	uint64_t max_payload;  /* bytes */
	char trouble[256];     /* what the broker complained of meanwhile, its words; "" */
	bool is_deaf;          /* we may not subscribe to our own inbox: no response can reach us */
	bool lacks_jetstream;
	enum broker_stream stream;
	enum broker_may may_make;    /* a stream, where there is none */
	enum broker_may may_publish; /* requests: of a tap */
	enum broker_may may_read;    /* them: of a replayer */
	enum broker_may may_claim;   /* write into the bucket: of a replayer */
	uint32_t partitions;         /* 0: not known */
	struct {
		uint64_t messages, bytes;
		uint64_t max_bytes;      /* 0: without limit */
		int64_t max_age_ns;      /* 0: for ever */
		int64_t duplicates_ns;   /* for how long an id is known */
		int64_t last_ago_ns;     /* since the last message, by both clocks; -1: there was none */
		uint32_t replicas;
		bool refuses_when_full;  /* the new, in place of dropping the old */
		bool in_memory;
		bool takes_service;      /* its subjects are ours */
	} has;
	uint32_t claimed_partitions; /* those in which the group has a place; 0: it is new */
	uint64_t lag;                /* records behind these places */
	uint64_t account_limit, account_used; /* bytes of disk; a limit of 0: none is known */
};

/**
 * broker_look() - ask all that; the link is connected
 * @view:  .shown, .service, .group and .is_source are given
 * @wall_ns: now, Unix
 */
void broker_look(struct nats_link *link, struct broker_view *view, int64_t wall_ns);

#endif
