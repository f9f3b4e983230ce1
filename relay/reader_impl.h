/*
 * reader_impl.h - a reader, for the files that share its work
 *
 *   reader.c             its life: connecting, the inbox, what is to be done each second, the end
 *   reader_broker.c      what it asks the broker
 *   reader_partition.c   one partition: taken, gathered, claimed, handed on, let go
 *   reader_survey.c      the state of the stream and of what others claim: lag, taps, the end of all
 */
#ifndef RELAY_READER_IMPL_H
#define RELAY_READER_IMPL_H

#include <pthread.h>

#include "relay/answers.h"
#include "relay/claim.h"
#include "relay/delivery.h"
#include "relay/jetstream.h"
#include "relay/ownership.h"
#include "relay/reader.h"
#include "relay/subjects.h"
#include "relay/time_order.h"

#define BATCH_RECORDS	    256
#define BATCH_BYTES	    (4u << 20)
#define PACED_RECORDS	    64	       /* claimed ahead of their time, of each partition */
#define SPARE_MAX	    1024
#define GATHERED_BYTES	    (16u << 20) /* fetched and not claimed, of all partitions */
#define CLAIM_WAIT_NS	    (2 * NS_PER_S)
#define PULL_NS		    (5 * NS_PER_S)

enum fetched_kind { FETCHED_REQUEST, FETCHED_RESPONSE, FETCHED_MALFORMED, FETCHED_OTHER };

/** struct fetched - one message of a partition; those that are done with are used again, with the memory of their fields */
struct fetched {
	struct fetched *next; /* among the spare ones */
	struct nats_message *message; /* what the record's spans point into */
	enum fetched_kind kind;
	enum record_fault fault; /* with FETCHED_MALFORMED */
	bool is_expired, has_number;
	uint64_t place, run, sequence;
	struct wall stored;
	size_t bytes;
	uint32_t partition;
	struct record_request request;
	struct record_answer answer;
};

struct batch {
	struct fetched *at[BATCH_RECORDS];
	size_t count, bytes, requests; /* requests: that may be handed on */
};

struct partition {
	uint32_t number;
	bool is_mine;
	char consumer[JETSTREAM_NAME_MAX]; /* "": none */
	struct partition_claim known;	    /* as it was put or read last; of others' as of the last survey */
	uint64_t revision;
	struct batch gathered, claiming;
	struct partition_claim put;	    /* of what is in @claiming */
	struct mono put_at;	    /* 0: nothing is being claimed */
	bool is_in_doubt;	    /* whether that was put is to be looked up */
	uint64_t place;		    /* of the last message that came */
	uint64_t looked;	    /* up to where nothing lay unread, at the last look at the stream */
	uint64_t pending;	    /* behind it */
	uint32_t pulled;	    /* messages that may still come for the open pull */
	uint32_t pull_number;
	struct mono pull_until;
	bool needs_large;	    /* the next message is longer than a pull's bound */
	bool is_read_up;	    /* nothing lay unread when it was looked at last */
	uint64_t handed;	    /* requests claimed here; and of those that have ended, or never began */
	_Atomic uint64_t ended;
	struct wall reached;	    /* time of the last that was decided */
};

/** struct stream_state - as the broker told it last */
struct stream_state {
	int64_t epoch;
	uint64_t first, last;
};

struct relay_reader {
	struct relay_reader_options o;
	char service[RELAY_NAME_MAX + 1], group[RELAY_NAME_MAX + 1], id[OWNERSHIP_ID_MAX];
	char stream[SUBJECT_MAX], bucket[SUBJECT_MAX], inbox[SUBJECT_MAX];
	struct nats_link *link;
	struct nats_client *client; /* of the link; NULL: down */
	uint32_t inbox_sub, member_sub, tap_sub; /* with it */
	struct fleet_stats stats;
	struct partition *partitions; /* partition_count, once it is known */
	uint32_t partition_count;
	struct ownership ownership;
	struct taps *taps;
	struct answers *answers;
	struct fetched *spare; /* that wait to be used again */
	size_t spare_count;
	struct time_order order;
	struct stream_state state;
	struct wall newest;	      /* the greatest time of the broker that was seen, and when */
	struct mono newest_at;
	struct mono tick_at, renew_at, survey_at, facts_at, members_known_at;
	uint32_t survey_next;	      /* partition */
	uint64_t beats, nonces, gathered_bytes;
	int64_t end_epoch;	      /* of the stream that end_place is of */
	uint64_t end_place;	      /* its last place as it was found, or found anew in place of another */
	bool was_tried, was_up, is_finishing, told_denied, told_lost, begins_late;
	char tap_consumer[JETSTREAM_NAME_MAX], member_consumer[JETSTREAM_NAME_MAX];
	pthread_mutex_t facts_lock;
	struct fleet_facts facts;
};

/* reader_broker.c; those that return an error wait a second at most */

/** broker_up() - the subscriptions, on a new connection; 0 or a negative errno, which was logged */
int broker_up(struct relay_reader *r);
void broker_down(struct relay_reader *r);

/** reader_fields() - @message as a record, borrowed */
struct record_fields reader_fields(const struct nats_message *message);

/** broker_get() - a key's value, appended; 0; -ENOENT with the revision that a first value needs; -EIO: no response */
int broker_get(struct relay_reader *r, const char *key, struct buffer *out, uint64_t *revision);

/** broker_put() - on the condition that the key's revision is @expected */
enum claim_result broker_put(struct relay_reader *r, const char *key, struct span value, uint64_t expected, uint64_t *revision);

/** broker_put_claim() - the same of @p->put; the response comes to the inbox; false: it could not be written */
bool broker_put_claim(struct relay_reader *r, struct partition *p);

/** broker_say() - put a key, whatever it was; broker_erase() - take it away */
void broker_say(struct relay_reader *r, const char *key, struct span value);
void broker_erase(struct relay_reader *r, const char *key);

/** broker_consume() - a consumer for @p behind p->known.upto; 0 or -EIO */
int broker_consume(struct relay_reader *r, struct partition *p);

/** broker_watch() - have the last message of each of @subjects, and those that follow, delivered to @word of the inbox */
int broker_watch(struct relay_reader *r, const char *stream, const char *subjects, const char *word, char *consumer);
void broker_forget(struct relay_reader *r, const char *stream, char *consumer);

/** broker_pull() - @records more, at most, of up to @bytes; 0: of any length */
bool broker_pull(struct relay_reader *r, struct partition *p, uint32_t records, uint64_t bytes);

int broker_state(struct relay_reader *r, struct stream_state *out);

/** broker_pending() - how many messages lie behind @p's consumer */
int broker_pending(struct relay_reader *r, struct partition *p);

/**
 * broker_unread() - how many records lie in partition @p behind @upto; 0 or -EIO
 * A consumer is made and forgotten for it: to ask for the last record would bring the record, which may be megabytes.
 */
int broker_unread(struct relay_reader *r, uint32_t p, uint64_t upto, uint64_t *unread);

/** broker_place_at() - how far the stream was at @time; 0 or -EIO */
int broker_place_at(struct relay_reader *r, struct wall time, uint64_t *place);

/* reader_partition.c */

void fetched_free_spare(struct relay_reader *r);

void partition_deinit(struct relay_reader *r, struct partition *p);

/** partition_take() - try to own it; ownership is told how it went */
void partition_take(struct relay_reader *r, struct partition *p);

/** partition_let_go() - in order, if nothing of it is being claimed; false: not yet */
bool partition_let_go(struct relay_reader *r, struct partition *p);

/** partition_disconnected() - the connection is gone */
void partition_disconnected(struct relay_reader *r, struct partition *p);

/** partition_void() - the stream is another than the claim is about */
void partition_void(struct relay_reader *r, struct partition *p);

/** partition_message() - a record, taken */
void partition_message(struct relay_reader *r, struct partition *p, struct nats_message *message, const struct delivery *d);

/** partition_pull_ended() - what the broker said about the open pull: a status, and words */
void partition_pull_ended(struct relay_reader *r, struct partition *p, int status, struct span words);

/** partition_claimed() - a claim's response */
void partition_claimed(struct relay_reader *r, struct partition *p, uint64_t nonce, struct span response);

/** partition_work() - claim what is gathered, look up what is in doubt, pull more */
void partition_work(struct relay_reader *r, struct partition *p, struct mono now);

/** partition_is_read_up() - of ours: is all that the broker has of it decided? */
bool partition_is_read_up(const struct partition *p);

/** reader_hand_on() - what is due of all partitions, with is_paced; @all: at the end */
void reader_hand_on(struct relay_reader *r, struct mono now, bool all);

/* reader_survey.c */

/** reader_survey() - a look at one partition, and each second at the stream; may find that all is decided */
void reader_survey(struct relay_reader *r, struct mono now);

/** reader_survey_all() - a look at all partitions, at the end */
void reader_survey_all(struct relay_reader *r);
bool reader_is_caught_up(struct relay_reader *r);

/** reader_note_end() - the stream's state is known: is it another stream than before? */
void reader_note_end(struct relay_reader *r);
void reader_publish_facts(struct relay_reader *r);

/* reader.c */

/** reader_clock() - the broker's clock, now */
struct wall reader_clock(const struct relay_reader *r);
void reader_saw(struct relay_reader *r, struct wall stored);

/** reader_give_up() - a response that will not come, of the request with @token */
void reader_give_up(struct relay_reader *r, uint64_t token);

/** reader_say_member() - that we live, and what we own */
void reader_say_member(struct relay_reader *r);

#endif
