/*
 * tls_join.c - a connection whose handshake was not captured: it is joined where it is (--tls-join)
 *
 * Theory of operation. It is in TLS_SECRETS, as others are that wait for their secrets, within the same bounds, until the
 * joiner has found which secret opens the first whole record of the client's, and with which number. Then it is opened there. It is
 * the client that is read: what the server said is added when it is known which number its records have, and that is asked
 * when the first of them is here. A response may be a long time coming, and requests do not wait for it; but once it
 * is here, both sides wait for the answer, for what the client sends next may have been sent because of it.
 *
 * How far the client had read the server's direction, by what it sent first, is where that direction begins here: what the
 * server had sent before belongs to requests that were not read. Likewise plaintext is passed on from the first record alone, and
 * the inner reader is made as for a plain connection that is joined (tls_open.c): it looks for the start of a request.
 *
 * What is not found stays what it was: without the client's the connection is `midstream`; without the server's that
 * direction has no keys. While secrets may come, the client's record is kept, and asked for again with those that are new.
 */
#include <stdlib.h>

#include "tls/first_record.h"
#include "tls/tls_impl.h"

struct tls_join {
	enum stream_side side;     /* whose record is asked for */
	struct first_record first; /* ... and which it is */
	struct joiner_task *task;  /* NULL: none is asked for now */
	uint64_t asked_to;         /* secrets up to this one were */
	bool awaits_server;        /* its direction has keys, and is not entered yet */
	bool is_skipping[SIDES];   /* what comes before @from is not read */
	uint64_t from[SIDES];
};

bool tls_join_begin(struct tls *c, const struct chunk *chunk)
{
	struct tls_join *j;

	if (!c->env->joiner || !chunk->peer_known || !budget_charge(c->env->budget, sizeof(*j)))
		return false;
	c->charged += sizeof(*j);
	c->base[SIDE_SERVER] = chunk->peer_read;
	c->has_base[SIDE_SERVER] = true;
	j = c->join = calloc(1, sizeof(*j));
	if (!j || !tls_make_directions(c))
		return false;
	j->side = SIDE_CLIENT;
	j->awaits_server = true;
	c->is_joined = true;
	tls_set_state(c, TLS_SECRETS);
	return true;
}

void tls_join_end(struct tls *c)
{
	if (!c->join)
		return;
	joiner_forget(c->join->task);
	c->join->task = NULL;
	first_record_deinit(&c->join->first, c->env->budget);
}

/** skip_before() - what the server sent before its direction begins */
static void skip_before(const struct tls *c, enum stream_side side, struct chunk *chunk)
{
	uint64_t base = c->base[side];

	if (chunk->offset < base)
		chunk_skip(chunk, base - chunk->offset);
}

void tls_join_look_at(struct tls *c, const struct tls_waiting *w)
{
	struct tls_join *j = c->join;
	struct chunk chunk = w->chunk;

	if (w->side != j->side)
		return;
	if (w->event == TLS_GAP)
		first_record_gap(&j->first, c->env->budget);
	if (w->event != TLS_BYTES)
		return;
	skip_before(c, w->side, &chunk);
	if (chunk.bytes.len > 0)
		first_record_feed(&j->first, c->env->budget, chunk.offset, chunk.bytes);
}

/* ---- questions ---- */

/** put_question() - false if there is none that was not answered yet */
static bool put_question(struct tls *c)
{
	struct tls_join *j = c->join;
	struct joiner_question question = { .record = first_record_get(&j->first) };

	if (j->side == SIDE_SERVER) {
		question.suite = c->direction[SIDE_SERVER].keys.suite;
		question.random = c->random;
	} else {
		question.after = j->asked_to;
		question.upto = j->asked_to = secrets_last(c->env->secrets);
		if (question.upto == question.after)
			return false;
	}
	j->task = joiner_ask(c->env->joiner, &question);
	return j->task != NULL;
}

static enum joiner_answer get_answer(struct tls *c, struct joiner_found *found)
{
	struct tls_join *j = c->join;
	enum joiner_answer answer = c->env->awaits_joiner ? joiner_wait(j->task, found) : joiner_answer(j->task, found);

	if (answer == JOINER_TRIES)
		return answer;
	joiner_forget(j->task);
	j->task = NULL;
	return answer;
}

/** read_on() - the server's direction is known, or never will be */
static void read_on(struct tls *c)
{
	c->join->awaits_server = false;
	tls_join_end(c);
	tls_set_state(c, TLS_OPEN);
	tls_read_queue(c);
}

static void leave_server(struct tls *c)
{
	c->unread_server = true;
	stream_keys_deinit(&c->direction[SIDE_SERVER].keys);
	read_on(c);
}

static void enter(struct tls *c, const struct joiner_found *found)
{
	struct tls_join *j = c->join;

	j->from[j->side] = j->first.wire;
	j->is_skipping[j->side] = true;
	direction_enter(&c->direction[j->side], j->first.wire, found->number);
	first_record_deinit(&j->first, c->env->budget);
}

static void note_client(struct tls *c, const struct joiner_found *found)
{
	memcpy(c->random, found->random, TLS_RANDOM_BYTES);
	c->server_hello.version = found->suite->version;
	c->server_hello.suite = found->suite->number;
	c->hello[SIDE_CLIENT] = c->hello[SIDE_SERVER] = TLS_HELLO_KNOWN;
}

/** take_answer() - may the connection be opened? */
static bool take_answer(struct tls *c)
{
	struct tls_join *j = c->join;
	struct joiner_found found;
	enum joiner_answer answer = get_answer(c, &found);

	if (answer == JOINER_TRIES)
		return false;
	if (j->side == SIDE_SERVER) {
		if (answer == JOINER_FOUND) {
			enter(c, &found);
			read_on(c);
		} else {
			leave_server(c);
		}
		return false;
	}
	if (answer == JOINER_FOUND) {
		note_client(c, &found);
		enter(c, &found);
		return true;
	}
	return tls_join_ask(c); /* secrets may have been added since */
}

/** find_none() - there is no question left: while there may be more secrets the client's record waits for them */
static void find_none(struct tls *c)
{
	if (c->join->side == SIDE_SERVER)
		leave_server(c);
	else if (!c->env->may_come)
		tls_leave(c, TLS_MIDSTREAM);
}

bool tls_join_ask(struct tls *c)
{
	struct tls_join *j = c->join;

	if (!j->first.is_whole)
		return false;
	if (!j->task && !put_question(c)) {
		find_none(c);
		return false;
	}
	return take_answer(c);
}

/* ---- what comes ---- */

bool tls_join_awaits_server(const struct tls *c)
{
	return c->join->awaits_server;
}

bool tls_join_holds(struct tls *c, const struct tls_waiting *w)
{
	struct tls_join *j = c->join;

	if (!j->awaits_server || w->side != SIDE_SERVER || w->event != TLS_BYTES)
		return false;
	if (c->unread_server) { /* there is no secret of the server's */
		j->awaits_server = false;
		return false;
	}
	j->side = SIDE_SERVER;
	tls_set_state(c, TLS_SECRETS);
	for (const struct tls_waiting *q = c->queue.first; q; q = q->next)
		tls_join_look_at(c, q);
	return true;
}

/** trim() - @w to what is read of it; false if nothing is */
static bool trim(struct tls_join *j, struct tls_waiting *w)
{
	if (w->side == SIDE_SERVER && j->awaits_server)
		return false;
	if (!j->is_skipping[w->side])
		return true;
	if (w->event == TLS_GAP || w->chunk.offset + w->chunk.bytes.len <= j->from[w->side])
		return false;
	if (w->chunk.offset < j->from[w->side])
		chunk_skip(&w->chunk, j->from[w->side] - w->chunk.offset);
	j->is_skipping[w->side] = false;
	return true;
}

void tls_join_tell(struct tls *c, const struct tls_waiting *w)
{
	struct tls_waiting part = *w;

	if ((w->event != TLS_BYTES && w->event != TLS_GAP) || trim(c->join, &part))
		tls_tell(c, &part);
}

bool tls_join_give_up(struct tls *c)
{
	if (c->join->side == SIDE_CLIENT)
		return false;
	leave_server(c);
	return true;
}
