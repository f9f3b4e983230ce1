/* lane_relay.c - see lane_relay.h */
#include "app/run/lane_relay.h"

#include <stdlib.h>

#include "app/run/event_log.h"
#include "app/run/lane_impl.h"
#include "base/digest.h"

#define AHEAD 512 /* requests in the ring; the largest batch has to fit */

static size_t room(void *ctx)
{
	const struct lane *l = ctx;
	size_t waiting = ring_count(l->o.ring);

	if (waiting >= AHEAD || budget_used(l->o.budget) > l->memory_high || event_log_is_ahead(l->event_log) ||
	    chosen_limit_reached(l->o.chosen))
		return 0;
	return AHEAD - waiting;
}

/* The message that is to be kept; NULL without memory for it */
static struct message *make_message(struct lane *l, const struct record_request *record, const struct head_decision *d)
{
	struct message *m = record_request_message(record, l->o.budget);
	struct digest *digest = m && d->digest ? digest_new() : NULL;

	if (digest && digest_add(digest, m->body, m->body_len))
		m->has_sha256 = digest_finish(digest, m->body_sha256);
	digest_free(digest);
	if (!m || d->keep == KEEP_WHOLE)
		return m;
	message_drop_body(m, record->body.len);
	return m;
}

static void ended(const struct handed_request *request)
{
	atomic_fetch_add_explicit(request->ended, 1, memory_order_relaxed);
}

static void lose(struct lane *l, const struct protocol_sink *sink, enum lost_reason reason, const struct handed_request *request)
{
	counter_add(&l->http_stats.lost[reason], 1);
	sink->on_lost(sink->ctx, reason, &request->record->origin, &request->record->head);
	ended(request);
}

static uint64_t on_request(void *ctx, const struct handed_request *request)
{
	struct lane *l = ctx;
	struct protocol_sink sink = lane_sink(l);
	const struct record_request *record = request->record;
	struct head_decision d = sink.on_head(sink.ctx, &record->head, &record->origin);
	struct message *m = NULL;
	uint64_t token = 0;

	if (record->origin.ts_last.ns > l->last.ns)
		l->last = record->origin.ts_last;
	if (!l->first_seen) {
		l->first_seen = true;
		l->first = record->origin.ts_last;
		intake_set_first(l->o.intake, l->first);
	}
	counter_add(&l->http_stats.seen, 1);
	if (d.needs_whole && record->head.is_part) {
		lose(l, &sink, LOST_HEAD_UNKNOWN, request);
		return 0;
	}
	if ((d.limited || d.keep == KEEP_WHOLE) && record->body.len > l->o.set.max_body) {
		lose(l, &sink, LOST_TOO_LARGE, request);
		return 0;
	}
	counter_add(&l->http_stats.complete, 1);
	if (d.keep != KEEP_NOTHING)
		m = make_message(l, record, &d);
	if (m && d.response && record->expects_answer)
		token = m->response_token = ++l->relay_tokens;
	if (m)
		m->ended = request->ended; /* when its last reference goes */
	else
		ended(request);
	sink.on_request(sink.ctx, d.decision, m, d.keep != KEEP_NOTHING && !m);
	return token;
}

/* One that does not come, was not seen by its tap, or lost on the way: it cannot be compared. */
static void on_response(void *ctx, uint64_t token, struct response *response)
{
	struct lane *l = ctx;
	struct protocol_sink sink = lane_sink(l);

	if (!response && (response = response_new(0, NULL, l->o.budget)) != NULL)
		response_invalidate(response, RESPONSE_UNSEEN);
	sink.on_response(sink.ctx, token, response);
}

int lane_relay_open(struct lane *l, const struct lane_relay_settings *set, struct nats_link *link)
{
	struct relay_reader_options options = {
		.service = set->service,
		.group = set->group,
		.name = set->name,
		.from = set->from,
		.from_time = set->from_time,
		.max_age_ns = set->max_age_ns,
		.is_paced = set->is_paced,
		.ends_caught_up = set->ends_caught_up,
		.limits = set->limits,
		.max_response = l->o.set.max_response,
		.budget = l->o.budget,
		.room = room,
		.on_request = on_request,
		.on_response = on_response,
		.ctx = l,
	};

	l->relay_tokens = (uint64_t)l->o.index << LANE_TOKEN_BITS;
	return relay_reader_new(&options, link, &l->reader);
}

/* What came in one turn, and then, once for all of it, what the loop should know */
static int turn(struct lane *l)
{
	int rc = relay_reader_poll(l->reader);

	event_log_flush(l->event_log);
	lane_push_late(l);
	if (l->pushed)
		intake_wake(l->o.intake);
	l->pushed = false;
	l->sent = 0;
	return rc;
}

void lane_relay_run(struct lane *l)
{
	int rc = 0;

	while (rc == 0 && !atomic_load(&l->abandon) && !atomic_load(&l->stop) && !chosen_limit_reached(l->o.chosen))
		rc = turn(l);
	if (rc < 0)
		l->error = rc;
	relay_reader_finish(l->reader);
	event_log_flush(l->event_log);
	lane_push_late(l);
}
