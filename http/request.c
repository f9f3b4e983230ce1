/*
 * request.c - one pending request, from its first byte to the sink
 *
 * The sink decides at the end of the head, so the body of a request that is
 * not wanted is never copied. A wanted body grows as its bytes arrive, by doubling
 * up to the Content-Length: that header is a promise and not a reason to
 * reserve memory, or a thousand heads that promise 8 MiB would pin 8 GiB. What
 * it grows by is charged to the budget first. If that is refused, the bytes are
 * dropped but the request is still followed to its end, since the books and the
 * position of the next request depend on it.
 */
#include "http/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Below this a promised body is allocated at once: one allocation for nearly all requests. */
#define BODY_AT_ONCE (64 << 10)
#define BODY_FIRST 4096

/* Fixed, so that a request has the same id whenever and wherever the same packets are read. */
static const struct hash_key id_key = { 0x73686164, 0x6f777461 };

void request_env_deinit(struct request_env *env)
{
	while (env->spare_digest_count > 0)
		digest_free(env->spare_digests[--env->spare_digest_count]);
}

static struct digest *take_digest(struct request_env *env)
{
	struct digest *d;

	if (env->spare_digest_count == 0)
		return digest_new();
	d = env->spare_digests[--env->spare_digest_count];
	if (digest_reset(d))
		return d;
	digest_free(d);
	return NULL;
}

static void give_digest_back(struct request_env *env, struct request *rq)
{
	if (env->spare_digest_count < SPARE_DIGESTS_MAX)
		env->spare_digests[env->spare_digest_count++] = rq->digest;
	else
		digest_free(rq->digest);
	rq->digest = NULL;
}

static void drop_message(struct request *rq)
{
	message_unref(rq->message);
	rq->message = NULL;
}

/* Twice for each request, and nearly always there is nothing. */
static inline void release(struct request_env *env, struct request *rq)
{
	if (rq->digest)
		give_digest_back(env, rq);
	if (rq->message)
		drop_message(rq);
	if (rq->outgrown) {
		message_unref(rq->outgrown);
		rq->outgrown = NULL;
	}
}

void request_release(struct request_env *env, struct request *rq)
{
	release(env, rq);
}

void request_start(struct request_env *env, struct request *rq, struct wall ts)
{
	release(env, rq);
	rq->origin.ts_first = ts;
	rq->origin.ts_last = (struct wall){ 0 };
	rq->origin.id = 0;
	rq->body_len = rq->body_expected = 0;
	rq->keep = KEEP_NOTHING;
	rq->decision = 0;
	rq->seen = rq->finished = rq->too_large = rq->out_of_memory = rq->wants_response = false;
}

/** give_id() - only to those that will be told of, since a hash is a tenth of what a request costs */
static void give_id(struct request *rq)
{
	struct {
		struct endpoint client, server;
		int64_t ts_first_ns;
		uint64_t ordinal;
	} named = { rq->origin.client, rq->origin.server, rq->origin.ts_first.ns, rq->ordinal };

	rq->origin.id = hash_bytes(&id_key, &named, sizeof(named));
}

/** outgrow() - nothing is kept of it but its head, to say what it was */
static void outgrow(struct request *rq)
{
	rq->too_large = true;
	if (!rq->message)
		return;
	rq->outgrown = rq->message;
	rq->message = NULL;
	message_drop_body(rq->outgrown, rq->body_cap);
}

/** lend() - a message that is not worth a copy; one reference is ours, so that it is not freed */
static struct message *lend(struct request_env *env, const struct request *rq, const struct request_head *head)
{
	env->borrowed = (struct message){ .origin = rq->origin, .head = *head, .references = 2 };
	return &env->borrowed;
}

bool request_decide(struct request_env *env, struct request *rq, const struct request_head *head,
		    uint64_t body_expected, bool whole)
{
	struct head_decision d = env->sink.on_head(env->sink.ctx, head, &rq->origin);

	if (d.needs_whole && head->is_part)
		return false;
	rq->keep = d.keep;
	rq->decision = d.decision;
	rq->body_expected = body_expected;
	rq->limited = d.limited || d.keep == KEEP_WHOLE;
	rq->too_large = rq->limited && body_expected > env->max_body;
	if (d.keep != KEEP_NOTHING && !rq->too_large) {
		give_id(rq);
		rq->message = whole && d.keep == KEEP_BORROWED ? lend(env, rq, head)
							       : message_new(head, &rq->origin, env->budget);
		rq->body_cap = 0;
		rq->out_of_memory = !rq->message;
		if (rq->message)
			rq->message->body_kept = d.keep == KEEP_WHOLE;
	} else if (d.keep != KEEP_NOTHING) {
		rq->outgrown = message_new(head, &rq->origin, env->budget);
	}
	rq->wants_response = d.response && d.keep == KEEP_WHOLE && rq->message;
	if (d.digest && rq->message)
		rq->digest = take_digest(env);
	return true;
}

static bool reserve_body(struct request *rq, size_t more)
{
	struct message *m = rq->message;
	size_t need = (size_t)m->body_len + more;
	size_t cap = rq->body_cap ? rq->body_cap * 2 : BODY_FIRST;
	uint8_t *body;

	if (need <= rq->body_cap)
		return true;
	if (rq->body_expected >= need && (cap > rq->body_expected || rq->body_expected <= BODY_AT_ONCE))
		cap = (size_t)rq->body_expected;
	if (cap < need)
		cap = need;
	if (!budget_charge(m->budget, cap - rq->body_cap))
		return false;
	m->charged += cap - rq->body_cap; /* message_unref() gives it back, also after a failure below */
	rq->body_cap = cap;
	body = realloc(m->body, cap);
	if (!body)
		return false;
	m->body = body;
	return true;
}

void request_add_body(struct request_env *env, struct request *rq, struct span bytes)
{
	struct message *m;

	rq->body_len += bytes.len;
	if (rq->digest && !digest_add(rq->digest, bytes.at, bytes.len))
		give_digest_back(env, rq);
	if (rq->limited && rq->body_len > env->max_body)
		outgrow(rq);
	m = rq->message;
	if (!m)
		return;
	if (rq->keep == KEEP_WHOLE && !reserve_body(rq, bytes.len)) {
		rq->out_of_memory = true;
		drop_message(rq);
	} else {
		if (rq->keep == KEEP_WHOLE)
			memcpy(m->body + m->body_len, bytes.at, bytes.len);
		m->body_len = rq->body_len;
	}
}

void request_add_arrival(struct request *rq, uint64_t offset, int64_t us)
{
	if (!rq->message || rq->keep != KEEP_WHOLE || message_add_arrival(rq->message, offset, us))
		return;
	rq->out_of_memory = true;
	drop_message(rq);
}

/** trim_body() - give back what doubling reserved too much; only bodies of unknown length have it */
static void trim_body(struct request *rq)
{
	struct message *m = rq->message;
	size_t spare = rq->body_cap - (size_t)m->body_len;
	uint8_t *body;

	if (!m->body || spare <= m->body_len / 4)
		return;
	body = realloc(m->body, (size_t)m->body_len);
	if (!body)
		return;
	m->body = body;
	m->charged -= spare;
	budget_release(m->budget, spare);
}

void request_complete(struct request_env *env, struct request *rq, struct wall ts)
{
	struct message *m;

	if (rq->seen && !rq->finished && rq->too_large)
		request_lost(env, rq, LOST_TOO_LARGE);
	if (!rq->seen || rq->finished) {
		request_release(env, rq);
		return;
	}
	rq->finished = true;
	rq->origin.ts_last = ts;
	counter_add(&env->stats->complete, 1);
	if (rq->message) {
		rq->message->origin.ts_last = ts;
		if (rq->digest)
			rq->message->has_sha256 = digest_finish(rq->digest, rq->message->body_sha256);
		if (rq->message->body_kept)
			trim_body(rq);
	}
	m = rq->message;
	rq->message = NULL;
	release(env, rq);
	env->sink.on_request(env->sink.ctx, rq->decision, m, rq->out_of_memory);
}

static void tell_lost(struct request_env *env, struct request *rq, enum lost_reason reason, const struct request_head *line)
{
	const struct message *m = rq->message ? rq->message : rq->outgrown;

	give_id(rq);
	env->sink.on_lost(env->sink.ctx, reason, &rq->origin, m ? &m->head : line);
}

void request_lost_in_head(struct request_env *env, struct request *rq, enum lost_reason reason, const struct request_head *line)
{
	if (rq->too_large)
		reason = LOST_TOO_LARGE;
	if (rq->seen && !rq->finished) {
		rq->finished = true;
		counter_add(&env->stats->lost[reason], 1);
		if (env->sink.on_lost)
			tell_lost(env, rq, reason, line);
	}
	request_release(env, rq);
}

void request_lost(struct request_env *env, struct request *rq, enum lost_reason reason)
{
	request_lost_in_head(env, rq, reason, NULL);
}
