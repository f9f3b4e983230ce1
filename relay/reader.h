/*
 * reader.h - a replayer's end of the broker: records in, requests out that nobody else sends
 *
 * Theory of operation. A replayer is one of a group that shares the partitions of a
 * service's stream (ownership.h). For each partition that it owns it has a consumer
 * at the broker, which starts behind what the group's claim says is decided, and
 * acknowledges nothing. It pulls batches by hand, with a bound in messages and in
 * bytes; all that comes, comes to one inbox, on one subscription. A batch is read
 * and checked (record.h), what is too old by the broker's clock is marked, and the
 * rest is claimed (claim.h): the condition holds, or nothing of it is sent.
 *
 *   pull -> gathered -> claim put -> won -> requests to the lane
 *                                 -> fenced: another has it; the partition is given up
 *                                 -> no response: the value is read again
 *
 * One claim of a partition is on its way at a time; what comes meanwhile is gathered
 * for the next, so the busier it is the larger batches are. What is gathered and not
 * claimed is bounded over all partitions, and nothing is pulled or claimed while the
 * lane has no room: a shadow that is slow makes the stream wait at the broker, where
 * it expires or is discarded, by name, and leases are renewed all the same.
 *
 * When the connection is lost all consumers are forgotten, what was gathered is
 * read again later, and a claim whose result is not known is looked up.
 *
 * Everything runs on the lane's thread, between two calls of relay_reader_poll(). Calls
 * that ask the broker something rarely (a takeover, the state of the stream) wait for
 * the response, a second at most.
 */
#ifndef RELAY_READER_H
#define RELAY_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/clock.h"
#include "message/response.h"
#include "relay/fleet_stats.h"
#include "relay/nats_link.h"
#include "relay/record_read.h"
#include "relay/taps.h"

struct relay_reader;

/** enum reader_from - where a group begins that has no claim yet */
enum reader_from { READER_FROM_NOW, READER_FROM_START, READER_FROM_TIME };

/** struct handed_request - a request that is ours alone; borrowed for the call */
struct handed_request {
	struct record_request *record;
	_Atomic uint64_t *ended; /* to be added to once, when nothing more comes of it; lives as long as the reader */
};

struct relay_reader_options {
	const char *service, *group, *name; /* name: of this host, as other replayers see it; copied */
	enum reader_from from;
	struct wall from_time;
	int64_t max_age_ns;     /* 0: none is too old */
	bool is_paced;          /* requests of all partitions are put in the order of their times */
	bool ends_caught_up;    /* when all that was in the stream is decided */
	struct stream_limits limits;
	uint64_t max_response;  /* of production, bytes */
	struct budget *budget;  /* for responses */
	/* how many requests may be handed on now; all on the thread of relay_reader_poll() */
	size_t (*room)(void *ctx);
	/* Return: the token of the response that is awaited, or 0 */
	uint64_t (*on_request)(void *ctx, const struct handed_request *request);
	/* taken; NULL: none comes */
	void (*on_response)(void *ctx, uint64_t token, struct response *response);
	void *ctx;
};

/** relay_reader_new() - @link is taken on success. Return: 0 or -ENOMEM; nothing is connected to. */
int relay_reader_new(const struct relay_reader_options *options, struct nats_link *link, struct relay_reader **out);

/**
 * relay_reader_poll() - what there is to do, waiting up to 50 ms for it
 * Return: 0; 1: the end, all is decided (ends_caught_up); -EACCES, -ENOTSUP: it cannot be read, which was logged.
 */
int relay_reader_poll(struct relay_reader *r);

/** relay_reader_finish() - hand on what is claimed, let go of everything in order, disconnect */
void relay_reader_finish(struct relay_reader *r);

/** relay_reader_stats() - any thread */
const struct fleet_stats *relay_reader_stats(const struct relay_reader *r);

/** relay_reader_facts() - any thread: as of the last second, or of the end. @out is zero; fleet_facts_deinit() it */
void relay_reader_facts(struct relay_reader *r, struct fleet_facts *out);
void fleet_facts_deinit(struct fleet_facts *f);

/** relay_reader_free() - NULL allowed; no request that was handed on is left */
void relay_reader_free(struct relay_reader *r);

#endif
