/*
 * pairs.c - which response belongs to which request, and the response itself, where it is wanted
 *
 * Theory of operation. A request whose response is wanted is awaited from the end
 * of its head on. Answers are told apart by their number: the n-th final response
 * of a connection belongs to the n-th request that was sent, and an interim one
 * (1xx) counts for nothing. Each wanted request that reached the sink gets one
 * response, sooner or later, whatever becomes of the connection.
 *
 * A wrong pair is worse than none, so a number is believed only as long as both
 * counts are: from the start of the connection, until a gap takes away the
 * place in the responses (then all that are awaited are out of step) or in the
 * requests (then those that follow are, not those that were sent before). After
 * a gap, or in a connection whose start was not seen, the count starts anew
 * with a request before which the client had read all responses. From there
 * on the first byte of a response must also be just the one that the client was
 * waiting for when it began the request: so no response that began in a gap, and
 * none that a body quoted, is taken for one. And if the responses were followed
 * all the time, there must be one for each request that is known to have been
 * sent, those in gaps too. A client that once asked on without waiting
 * (pipelining) is never counted anew; who asks behind a gap in which a request
 * lies, and has read nothing since, did not wait.
 *
 * How many requests lie in one gap is not known. A client that always keeps
 * one ahead, and whose first two are lost in one piece, looks from then on just
 * like one that waits, with each response one too early. So where two requests
 * could lie in what went by unread, the count starts anew only for a client that
 * has been seen to wait, WAITED_ENOUGH times in a row, and else never again on
 * the connection. (Of a connection that was joined in the middle it is not known
 * whether its client keeps ahead; it is taken for one that waits.)
 *
 * A response is never a request's of which the server had not read a byte when it
 * began it. Where the count began anew, the server must have read all of it.
 *
 * A response may be captured before its request (two queues of a network card):
 * up to AHEAD_MAX bytes of it are kept until the request's head is here.
 *
 * Trailers are aside from the response: those for which there is no room (together
 * above RESPONSE_HEAD_MAX, or no memory) are left out, all of them, and it is whole.
 *
 * Times are the segments'. A response that starts before the request's last byte
 * (a 413 that does not wait) has a first byte at 0, never below.
 */
#include "http/http1/pairs.h"

#include <stdlib.h>

#define AHEAD_MAX (64 << 10)
#define WAITED_ENOUGH 3
#define REQUEST_MIN 26 /* bytes of a request with GET, / and a Host of one letter */

/** struct awaited - the response of one request */
struct awaited {
	struct awaited *next;
	uint64_t token;                          /* 0: the request is not complete, or not even its head */
	uint32_t number;                         /* with is_placed: of its response among the final ones */
	uint64_t ack;                            /* of the client, on the request's first segment */
	uint64_t end_ack;                        /* with token: on its last */
	uint64_t start, end;                     /* its first byte, and with token the first one after it */
	uint64_t read_until;                     /* with is_ahead: what the server had read when it began to answer */
	struct wall asked_at, first_at, last_at; /* the request's last byte; the response's first and last */
	struct response *response;               /* from the response's head on */
	enum response_result result;             /* with is_done, of a response without a response */
	bool is_placed;
	bool is_checked; /* the place of its first byte must fit */
	bool is_ahead;   /* it came before its request */
	bool is_started;   /* bytes of it were captured */
	bool is_done;
};

/** enum fields - what a field of the response at hand belongs to, and whether it is kept */
enum fields {
	FIELDS_HEAD,     /* each must be kept */
	FIELDS_TRAILERS, /* of a final response */
	FIELDS_LEFT_OUT  /* trailers for which there is no room, or whose response is not kept */
};

struct pairs {
	struct http_env *env;
	const struct request *request;
	const struct rounds *rounds;
	struct awaited *first, **end;
	struct awaited *making;    /* of the request that is being sent */
	struct awaited *current;   /* of the response that is being received */
	struct response_head head; /* of the response at hand: its head, then its trailers, as @fields says */
	enum fields fields;
	struct wall now;      /* of the server's segment at hand */
	struct wall started_at; /* first byte of the response at hand */
	uint64_t turn_start;  /* offset of the first byte after the final response before */
	uint64_t request_ack; /* on the segment in which the pending request started */
	uint32_t sent;        /* requests, with is_trusted; else at least so many, those in gaps too */
	uint64_t hidden_ack;  /* with has_hidden: how far the client had read before the last request in a gap */
	uint64_t unread;      /* bytes of the client's since is_trusted in which requests may lie */
	uint8_t waited;       /* requests before which the client had read all responses, up to WAITED_ENOUGH */
	bool in_turn;         /* turn_start is of the response at hand: interim ones go before it */
	bool is_trusted;      /* both counts are right */
	bool was_lost;        /* ... and were not always */
	bool was_trusted;     /* ... or were once */
	bool is_counted;      /* sent was right once, and no response was lost since */
	bool has_hidden;
	bool pipelines; /* the client did not wait for all responses once: it may again */
};

/* ---- the list ---- */

static void unlink_awaited(struct pairs *p, struct awaited *a)
{
	struct awaited **at = &p->first;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	if (!a->next)
		p->end = at;
	if (p->making == a)
		p->making = NULL;
	if (p->current == a)
		p->current = NULL;
}

static void forget(struct pairs *p, struct awaited *a)
{
	unlink_awaited(p, a);
	response_free(a->response);
	budget_release(p->env->requests.budget, sizeof(*a));
	free(a);
}

static struct awaited *await(struct pairs *p, uint32_t number)
{
	struct awaited *a;

	if (!budget_charge(p->env->requests.budget, sizeof(*a)))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a) {
		budget_release(p->env->requests.budget, sizeof(*a));
		return NULL;
	}
	a->number = number;
	*p->end = a;
	p->end = &a->next;
	return a;
}

/** find() - the awaited answer with this number, of which nothing is decided yet */
static struct awaited *find(const struct pairs *p, uint32_t number)
{
	for (struct awaited *a = p->first; a; a = a->next)
		if (a->is_placed && !a->is_done && a->number == number)
			return a;
	return NULL;
}

/* ---- what becomes of one ---- */

/** us_after() - never below 0: a response may start before its request ends */
static int64_t us_after(struct wall from, int64_t to_ns)
{
	return to_ns > from.ns ? wall_between(from, (struct wall){ to_ns }) / NS_PER_US : 0;
}

static void date(const struct awaited *a, struct response *r)
{
	if (a->is_started)
		r->first_byte_us = us_after(a->asked_at, a->first_at.ns);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = us_after(a->asked_at, a->last_at.ns);
	for (size_t i = 0; i < r->arrival_count;
	     i++) /* kept as capture time, since the request may end later */
		r->arrivals[i].us = us_after(a->asked_at, r->arrivals[i].us * NS_PER_US);
}

/** deliver() - it is decided, and the request was handed over */
static void deliver(struct pairs *p, struct awaited *a)
{
	const struct protocol_sink *sink = &p->env->requests.sink;
	struct response *r = a->response;
	uint64_t token = a->token;

	if (!r) {
		r = response_new(0, NULL, p->env->requests.budget);
		if (r)
			r->result = a->result;
	}
	if (r)
		date(a, r);
	a->response = NULL;
	forget(p, a);
	sink->on_response(sink->ctx, token, r);
}

/** is_wanted_still() - was the request handed over, or may it be? */
static bool is_wanted_still(const struct pairs *p, const struct awaited *a)
{
	return a->token != 0 || a->is_ahead || (p->making == a && p->request->message);
}

static void complete(struct pairs *p, struct awaited *a, enum response_result result)
{
	if (a->is_done)
		return;
	if (a->response && result != RESPONSE_WHOLE)
		response_invalidate(a->response, result);
	a->result = result;
	a->is_done = true;
	if (p->current == a)
		p->current = NULL;
	if (!is_wanted_still(p, a))
		forget(p, a);
	else if (a->token)
		deliver(p, a);
}

/** complete_rest() - all of which nothing is decided; @seen: those whose response had started, @unseen: the others */
static void complete_rest(struct pairs *p, enum response_result seen, enum response_result unseen)
{
	for (struct awaited *a = p->first, *next; a; a = next) {
		next = a->next;
		complete(p, a, a->is_started ? seen : unseen);
	}
}

static void forget_ahead(struct pairs *p)
{
	for (struct awaited *a = p->first, *next; a; a = next) {
		next = a->next;
		if (a->is_ahead)
			forget(p, a);
	}
}

/* ---- the requests ---- */

void pairs_on_request_started(struct pairs *p, const struct at_hand *at_hand)
{
	p->request_ack = at_hand->ack;
}

void pairs_on_request_sent(struct pairs *p)
{
	p->sent++;
}

void pairs_on_requests_lost(struct pairs *p, bool hidden)
{
	p->is_trusted = false;
	p->sent += hidden;
	if (hidden && (p->rounds->client_has_read || p->rounds->stream->synced)) {
		p->hidden_ack = p->rounds->client_has_read ? p->rounds->client_read : p->rounds->stream->base;
		p->has_hidden = true;
	}
	forget_ahead(p);
}

void pairs_on_bytes_unread(struct pairs *p, uint32_t bytes)
{
	if (p->was_trusted) /* else it is not known how many went before anyway */
		p->unread += bytes;
}

void pairs_on_request_unsent(struct pairs *p)
{
	p->sent--;
}

/** may_be_ahead() - could two requests lie where nothing was read, of a client that keeps one ahead? */
static bool may_be_ahead(const struct pairs *p)
{
	return p->unread >= 2 * REQUEST_MIN && p->waited < WAITED_ENOUGH;
}

/** asks_on() - was the response to a request in a gap not read yet? Then the client does not wait */
static bool asks_on(const struct pairs *p, const struct at_hand *at_hand)
{
	return p->has_hidden && p->hidden_ack >= at_hand->ack;
}

void pairs_on_request_counted(struct pairs *p, const struct at_hand *at_hand, bool pipelines)
{
	uint32_t answered;

	if (!p->rounds->followed || !at_hand->has_ack || !rounds_captured(p->rounds, at_hand->ack))
		return; /* the client may have read more than we saw */
	answered = rounds_answered_by(p->rounds, at_hand->ack);
	/* More answers than requests: one of these was never seen, before the count began. */
	p->is_trusted &= count_ahead(p->sent, answered) <= 0;
	if (p->is_trusted) {
		p->pipelines |= count_ahead(answered, p->sent) > 0;
		p->waited += answered == p->sent && answered > 0 && p->waited < WAITED_ENOUGH;
		return;
	}
	p->was_lost = true;
	p->pipelines |= asks_on(p, at_hand);
	if (pipelines || p->pipelines || may_be_ahead(p))
		return; /* the client may not have waited for all */
	if (p->is_counted && count_ahead(p->sent, answered) < 0)
		return; /* of responses that were followed all the time, none is missing: some are still to come
			 */
	p->sent = answered;
	p->is_trusted = p->is_counted = p->was_trusted = true;
	p->has_hidden = false;
	p->unread = 0;
}

/** complete_unseen() - the client has read responses since, of which nothing was captured */
static void complete_unseen(struct pairs *p, const struct at_hand *at_hand)
{
	if (p->rounds->stream->seen || !at_hand->has_ack)
		return;
	for (struct awaited *a = p->first, *next; a; a = next) {
		next = a->next;
		if (a->token && a->end_ack < at_hand->ack)
			complete(p, a, RESPONSE_UNSEEN);
	}
}

void pairs_on_request_decided(struct pairs *p, const struct at_hand *at_hand, uint64_t start)
{
	uint32_t number = p->sent - 1;
	struct awaited *a = NULL;

	if (p->making)
		forget(p, p->making); /* of a request that was lost */
	complete_unseen(p, at_hand);
	for (a = p->first; a; a = a->next)
		if (a->is_ahead && a->number == number)
			break;
	if (a && (!p->request->wants_response || rounds_last_requested(p->rounds) != REQUESTED_PLAIN)) {
		forget(p, a); /* it is not wanted, or where it ends was not known */
		a = NULL;
		if (p->request->wants_response && (a = await(p, number))) {
			a->is_done = true;
			a->result = RESPONSE_OUT_OF_STEP;
		}
	} else if (!a && p->request->wants_response) {
		a = await(p, number);
	}
	if (!a)
		return;
	a->is_placed = p->is_trusted;
	a->is_checked = p->was_lost;
	a->ack = p->request_ack;
	a->start = start;
	p->making = a;
	if (a->is_ahead && a->start >= a->read_until) {
		a->is_ahead = false;
		complete(p, a, RESPONSE_OUT_OF_STEP); /* the server had read nothing of this request then */
		p->is_trusted = false;
	}
	a->is_ahead = false;
}

uint64_t pairs_on_request_complete(struct pairs *p, const struct at_hand *at_hand)
{
	struct awaited *a = p->making;

	if (!a)
		return 0;
	a->token = ++p->env->last_token;
	a->asked_at = at_hand->at;
	a->end_ack = at_hand->ack;
	a->end = at_hand->end - at_hand->left;
	return a->token;
}

void pairs_on_request_handed_over(struct pairs *p)
{
	struct awaited *a = p->making;

	p->making = NULL;
	if (a && a->token == 0)
		forget(p, a); /* it was lost */
	else if (a && a->is_done)
		deliver(p, a);
}

bool pairs_on_awaiting(const struct pairs *p)
{
	for (const struct awaited *a = p->first; a; a = a->next)
		if (a->token)
			return true;
	return false;
}

/* ---- the responses ---- */

/** keep() - a part of a field was kept, or not: trailers may be missing, the head may not */
static bool keep(struct pairs *p, bool kept)
{
	if (p->fields == FIELDS_HEAD)
		return kept;
	if (!kept)
		p->fields = FIELDS_LEFT_OUT;
	return true;
}

bool pairs_kept_name(struct pairs *p, struct span piece)
{
	return p->fields == FIELDS_LEFT_OUT || keep(p, response_head_name(&p->head, piece));
}

bool pairs_kept_value(struct pairs *p, struct span piece)
{
	return p->fields == FIELDS_LEFT_OUT || keep(p, response_head_value(&p->head, piece));
}

bool pairs_kept_value_end(struct pairs *p)
{
	return p->fields == FIELDS_LEFT_OUT || keep(p, response_head_end_field(&p->head));
}

/**
 * is_possible() - can the response that has started be that of @a, whose number it has?
 *
 * Not if the server had read no byte of the request then. Where the count started anew, it must start just where the
 * client was waiting, and the server must have read the request to its end.
 */
static bool is_possible(const struct pairs *p, const struct awaited *a, uint64_t requests_read)
{
	if (a->is_ahead)
		return true; /* see pairs_on_request_decided() */
	if (a->start >= requests_read)
		return false;
	return !a->is_checked || (p->turn_start == a->ack &&
				  !(a->token && requests_read < a->end));
}

/** take_head() - the final response of @a has started */
static void take_head(struct pairs *p, struct awaited *a, int status, uint64_t requests_read)
{
	a->read_until = requests_read;
	if (!is_possible(p, a, requests_read)) { /* the count is wrong, and so it is for those that follow */
		complete_rest(p, RESPONSE_OUT_OF_STEP, RESPONSE_OUT_OF_STEP);
		p->is_trusted = false;
		return;
	}
	a->is_started = true;
	a->first_at = p->started_at;
	a->response = response_new(status, &p->head, p->env->requests.budget);
	if (!a->response)
		complete(p, a, RESPONSE_MEMORY);
}

void pairs_kept_switched(struct pairs *p)
{
	if (p->current)
		complete(p, p->current, RESPONSE_UPGRADED);
}

void pairs_kept_final(struct pairs *p, int status, uint64_t requests_read)
{
	if (p->current)
		take_head(p, p->current, status, requests_read);
	response_head_clear(&p->head);
	p->fields = p->current ? FIELDS_TRAILERS : FIELDS_LEFT_OUT;
}

void pairs_kept_body(struct pairs *p, struct span bytes, uint64_t expected)
{
	struct awaited *a = p->current;

	if (!a || !a->response)
		return;
	if (a->is_ahead && a->response->body_len + bytes.len > AHEAD_MAX) {
		complete(p, a, RESPONSE_OUT_OF_STEP);
		return;
	}
	if (response_is_stream(a->response))
		response_add_arrival(a->response, p->now.ns / NS_PER_US);
	response_add_body(a->response, bytes, expected, p->env->max_response);
}

void pairs_kept_complete(struct pairs *p)
{
	struct awaited *a = p->current;

	if (!a || !a->response)
		return;
	if (p->fields == FIELDS_TRAILERS)
		response_set_trailers(a->response, &p->head);
	a->last_at = p->now;
	complete(p, a, a->response->result);
}

void pairs_on_server_bytes(struct pairs *p, struct wall now)
{
	p->now = now;
	/* It is not known which of those without a place this belongs to. */
	for (struct awaited *a = p->first, *next; a; a = next) {
		next = a->next;
		if (!a->is_placed && !a->is_ahead)
			complete(p, a, RESPONSE_OUT_OF_STEP);
	}
}

/** is_ahead() - is a response kept whose request was not seen yet? */
static bool is_ahead(const struct pairs *p)
{
	for (const struct awaited *a = p->first; a; a = a->next)
		if (a->is_ahead)
			return true;
	return false;
}

bool pairs_on_response_started(struct pairs *p, uint64_t start)
{
	if (!p->in_turn)
		p->turn_start = start;
	p->in_turn = true;
	p->started_at = p->now;
	p->current = find(p, p->rounds->answered);
	if (!p->current && p->is_trusted && !p->was_lost && p->rounds->answered == p->sent && !is_ahead(p)) {
		p->current = await(p, p->rounds->answered);
		if (p->current)
			p->current->is_ahead = p->current->is_placed = true;
	}
	response_head_clear(&p->head);
	p->fields = FIELDS_HEAD;
	return p->current != NULL;
}

void pairs_on_response_counted(struct pairs *p)
{
	p->in_turn = false;
	p->pipelines |= rounds_asked_ahead(p->rounds);
}

void pairs_on_response_invalid(struct pairs *p, enum response_result result)
{
	if (p->current)
		complete(p, p->current, result);
}

void pairs_on_responses_lost(struct pairs *p, enum response_result result)
{
	pairs_on_response_invalid(p, result);
	forget_ahead(p);
	complete_rest(p, RESPONSE_OUT_OF_STEP, RESPONSE_OUT_OF_STEP);
	p->is_trusted = p->is_counted = p->in_turn = false;
}

bool pairs_on_response_kept(const struct pairs *p)
{
	return p->current != NULL;
}

void pairs_on_server_ended(struct pairs *p)
{
	forget_ahead(p);
	complete_rest(p, RESPONSE_BROKEN_OFF, RESPONSE_UNSEEN);
}

void pairs_on_ended(struct pairs *p, enum response_result result)
{
	enum response_result unseen = result;

	if (result == RESPONSE_BROKEN_OFF || !p->rounds->stream->seen)
		unseen = RESPONSE_UNSEEN;
	if (p->rounds->switched)
		result = unseen = RESPONSE_UPGRADED;
	forget_ahead(p);
	complete_rest(p, result, unseen);
}

/* ---- the pairs of one connection ---- */

struct pairs *pairs_new(struct http_env *env, const struct request *request, const struct rounds *rounds, bool whole)
{
	struct pairs *p;

	if (!budget_charge(env->requests.budget, sizeof(*p)))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p) {
		budget_release(env->requests.budget, sizeof(*p));
		return NULL;
	}
	p->env = env;
	p->request = request;
	p->rounds = rounds;
	p->end = &p->first;
	p->is_trusted = p->is_counted = p->was_trusted = whole;
	p->was_lost = !whole;
	return p;
}

void pairs_free(struct pairs *p)
{
	if (!p)
		return;
	while (p->first)
		forget(p, p->first);
	response_head_deinit(&p->head);
	budget_release(p->env->requests.budget, sizeof(*p));
	free(p);
}
