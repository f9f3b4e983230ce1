/*
 * pairs.c - which answer belongs to which request, and the response itself, where somebody wants it
 *
 * Theory of operation. A request whose response is wanted is awaited from the end
 * of its head on. Answers are told apart by their number: the n-th final response
 * of a connection belongs to the n-th request that was sent, and an interim one
 * (1xx) counts for nothing. Each wanted request that reached the sink gets one
 * response, sooner or later, whatever becomes of the connection.
 *
 * A wrong pair is worse than none, so a number is believed only as long as both
 * counts are: from the begin of the connection, until a gap takes away the
 * place in the responses (then all that are awaited are out of step) or in the
 * requests (then those that follow are, not those that were sent before). After
 * a gap, or in a connection whose begin was not seen, the count begins anew
 * with a request before which the client had read all responses. From there
 * on the first byte of a response must also be just the one that the client was
 * waiting for when it began the request: so no response that began in a gap, and
 * none that a body quoted, is taken for one. And if the responses were followed
 * all the time, there must be one for each request that is known to have been
 * sent, those in gaps too. A client that once asked on without waiting
 * (pipelining) is never counted anew; who asks behind a gap in which a request
 * lies, and has read nothing since, did not wait.
 *
 * How many requests lie in one gap, nobody knows. A client that always keeps
 * one ahead, and whose first two are lost in one piece, looks from then on just
 * like one that waits, with each response one too early. So where two requests
 * could lie in what went by unread, the count begins anew only for a client that
 * has been seen to wait, WAITED_ENOUGH times in a row, and else never again on
 * the connection. (Of a connection that was joined in the middle nobody knows
 * whether its client keeps ahead; it is taken for one that waits.)
 *
 * A response is never a request's of which the server had not read a byte when it
 * began it. Where the count began anew, the server must have read all of it.
 *
 * A response may be captured before its request (two queues of a network card):
 * up to AHEAD_MAX bytes of it are kept until the request's head is here.
 *
 * Times are the segments'. A response that begins before the request's last byte
 * (a 413 that does not wait) has a first byte at 0, never below.
 */
#include "http/http1/http1_impl.h"

#include <stdlib.h>

#include "reassembly/sequence.h"

#define AHEAD_MAX (64 << 10)
#define WAITED_ENOUGH 3
#define REQUEST_MIN 26 /* bytes of a request with GET, / and a Host of one letter */

/** struct awaited - the response of one request */
struct awaited {
	struct awaited *next;
	uint64_t token;                          /* 0: the request is not complete, or not even its head */
	uint32_t number;                         /* with is_placed: of its response among the final ones */
	uint32_t ack;                            /* of the client, on the request's first segment */
	uint32_t end_ack;                        /* with token: on its last */
	uint32_t begin_seq, end_seq;             /* its first byte, and with token the first one after it */
	uint32_t read_until;                     /* with is_ahead: what the server had read when it began to answer */
	struct wall asked_at, first_at, last_at; /* the request's last byte; the response's first and last */
	struct response *response;               /* from the response's head on */
	enum response_result result;                 /* with is_done, of a response without a response */
	bool is_placed;
	bool is_checked; /* the place of its first byte must fit */
	bool is_ahead;   /* it came before its request */
	bool is_begun;   /* bytes of it were captured */
	bool is_done;
};

struct pairs {
	struct awaited *first, **end;
	struct awaited *making;  /* of the request that is being sent */
	struct awaited *current; /* of the response that is being received */
	struct response_head head;
	struct wall now;      /* of the server's segment at hand */
	struct wall begun_at; /* first byte of the response at hand */
	uint32_t turn_begin;  /* sequence number of the first byte after the final response before */
	uint32_t request_ack; /* on the segment in which the request in the making began */
	uint32_t sent;        /* requests, with is_trusted; else at least so many, those in gaps too */
	uint32_t hidden_ack;  /* with has_hidden: how far the client had read before the last request in a gap */
	uint64_t unread;      /* bytes of the client's since is_trusted in which requests may lie */
	uint8_t waited;       /* requests before which the client had read all responses, up to WAITED_ENOUGH */
	bool in_turn;         /* turn_begin is of the response at hand: interim ones go before it */
	bool is_trusted;      /* both counts are right */
	bool was_lost;        /* ... and were not always */
	bool was_trusted;     /* ... or were once */
	bool is_counted;      /* sent was right once, and no response was lost since */
	bool has_hidden;
	bool pipelines;       /* the client did not wait for all responses once: it may again */
};

/* ---- the list ---- */

static struct pairs *pairs_of(struct http *h)
{
	return h->pairs;
}

static void unlink_awaited(struct http *h, struct awaited *a)
{
	struct pairs *p = pairs_of(h);
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

static void forget(struct http *h, struct awaited *a)
{
	unlink_awaited(h, a);
	response_free(a->response);
	budget_release(h->env->requests.budget, sizeof(*a));
	free(a);
}

static struct awaited *await(struct http *h, uint32_t number)
{
	struct pairs *p = pairs_of(h);
	struct awaited *a;

	if (!budget_charge(h->env->requests.budget, sizeof(*a)))
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a) {
		budget_release(h->env->requests.budget, sizeof(*a));
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

/** us_after() - never below 0: a response may begin before its request ends */
static int64_t us_after(struct wall from, int64_t to_ns)
{
	return to_ns > from.ns ? wall_between(from, (struct wall){ to_ns }) / NS_PER_US : 0;
}

static void date(const struct awaited *a, struct response *r)
{
	if (a->is_begun)
		r->first_byte_us = us_after(a->asked_at, a->first_at.ns);
	if (r->result == RESPONSE_WHOLE)
		r->last_byte_us = us_after(a->asked_at, a->last_at.ns);
	for (size_t i = 0; i < r->arrival_count;
	     i++) /* kept as capture time, since the request may end later */
		r->arrivals[i].us = us_after(a->asked_at, r->arrivals[i].us * NS_PER_US);
}

/** deliver() - it is decided, and the request was handed over */
static void deliver(struct http *h, struct awaited *a)
{
	const struct protocol_sink *sink = &h->env->requests.sink;
	struct response *r = a->response;
	uint64_t token = a->token;

	if (!r) {
		r = response_new(0, NULL, h->env->requests.budget);
		if (r)
			r->result = a->result;
	}
	if (r)
		date(a, r);
	a->response = NULL;
	forget(h, a);
	sink->on_response(sink->ctx, token, r);
}

/** is_wanted_still() - was the request handed over, or may it be? */
static bool is_wanted_still(const struct http *h, const struct awaited *a)
{
	return a->token != 0 || a->is_ahead || (h->pairs->making == a && h->requests.current.message);
}

static void settle(struct http *h, struct awaited *a, enum response_result result)
{
	if (a->is_done)
		return;
	if (a->response && result != RESPONSE_WHOLE)
		response_invalidate(a->response, result);
	a->result = result;
	a->is_done = true;
	if (h->pairs->current == a)
		h->pairs->current = NULL;
	if (!is_wanted_still(h, a))
		forget(h, a);
	else if (a->token)
		deliver(h, a);
}

/** settle_rest() - all of which nothing is decided; @seen: those whose response had begun, @unseen: the others */
static void settle_rest(struct http *h, enum response_result seen, enum response_result unseen)
{
	for (struct awaited *a = h->pairs->first, *next; a; a = next) {
		next = a->next;
		settle(h, a, a->is_begun ? seen : unseen);
	}
}

static void forget_ahead(struct http *h)
{
	for (struct awaited *a = h->pairs->first, *next; a; a = next) {
		next = a->next;
		if (a->is_ahead)
			forget(h, a);
	}
}

/* ---- the requests ---- */

void http_pairs_begin(struct http *h)
{
	h->pairs->request_ack = h->at_hand.ack;
}

void http_pairs_sent(struct http *h)
{
	h->pairs->sent++;
}

void http_pairs_lost_requests(struct http *h, bool hidden)
{
	struct pairs *p = pairs_of(h);

	p->is_trusted = false;
	p->sent += hidden;
	if (hidden && (h->rounds.client_has_read || h->rounds.stream->synced)) {
		p->hidden_ack = h->rounds.client_has_read ? h->rounds.client_read : h->rounds.stream->base;
		p->has_hidden = true;
	}
	forget_ahead(h);
}

void http_pairs_unread(struct http *h, uint32_t bytes)
{
	if (h->pairs->was_trusted) /* else nobody knows how many went before anyway */
		h->pairs->unread += bytes;
}

void http_pairs_unsent(struct http *h)
{
	h->pairs->sent--;
}

/** may_be_ahead() - could two requests lie where nothing was read, of a client that keeps one ahead? */
static bool may_be_ahead(const struct pairs *p)
{
	return p->unread >= 2 * REQUEST_MIN && p->waited < WAITED_ENOUGH;
}

/** asks_on() - was the response to a request in a gap not read yet? Then the client does not wait */
static bool asks_on(const struct http *h, const struct pairs *p)
{
	return p->has_hidden && !seq_before(p->hidden_ack, h->at_hand.ack);
}

void http_pairs_find(struct http *h)
{
	struct pairs *p = pairs_of(h);
	uint32_t answered;

	if (!h->rounds.followed || !http_responses_seen(h))
		return; /* the client may have read more than we saw */
	answered = rounds_answered_by(&h->rounds, h->at_hand.ack);
	/* More answers than requests: one of these was never seen, before the count began. */
	p->is_trusted &= seq_distance(p->sent, answered) <= 0;
	if (p->is_trusted) {
		p->pipelines |= seq_distance(answered, p->sent) > 0;
		p->waited += answered == p->sent && answered > 0 && p->waited < WAITED_ENOUGH;
		return;
	}
	p->was_lost = true;
	p->pipelines |= asks_on(h, p);
	if (h->client.pipelines || p->pipelines || may_be_ahead(p))
		return; /* the client may not have waited for all */
	if (p->is_counted && seq_distance(p->sent, answered) < 0)
		return; /* of responses that were followed all the time, none is missing: some are still to come
			 */
	p->sent = answered;
	p->is_trusted = p->is_counted = p->was_trusted = true;
	p->has_hidden = false;
	p->unread = 0;
}

/** settle_unseen() - the client has read answers since, of which nothing was captured */
static void settle_unseen(struct http *h)
{
	if (h->rounds.stream->seen || !h->at_hand.has_ack)
		return;
	for (struct awaited *a = h->pairs->first, *next; a; a = next) {
		next = a->next;
		if (a->token && seq_before(a->end_ack, h->at_hand.ack))
			settle(h, a, RESPONSE_UNSEEN);
	}
}

void http_pairs_expect(struct http *h)
{
	struct pairs *p = pairs_of(h);
	uint32_t number = p->sent - 1;
	struct awaited *a = NULL;

	if (p->making)
		forget(h, p->making); /* of a request that was lost */
	settle_unseen(h);
	for (a = p->first; a; a = a->next)
		if (a->is_ahead && a->number == number)
			break;
	if (a && (!h->requests.current.wants_response || rounds_last_requested(&h->rounds) != REQUESTED_PLAIN)) {
		forget(h, a); /* nobody wants it, or where it ends was not known */
		a = NULL;
		if (h->requests.current.wants_response && (a = await(h, number))) {
			a->is_done = true;
			a->result = RESPONSE_OUT_OF_STEP;
		}
	} else if (!a && h->requests.current.wants_response) {
		a = await(h, number);
	}
	if (!a)
		return;
	a->is_placed = p->is_trusted;
	a->is_checked = p->was_lost;
	a->ack = p->request_ack;
	a->begin_seq = h->requests.start;
	p->making = a;
	if (a->is_ahead && !seq_before(a->begin_seq, a->read_until)) {
		a->is_ahead = false;
		settle(h, a, RESPONSE_OUT_OF_STEP); /* nobody had read this request then */
		p->is_trusted = false;
	}
	a->is_ahead = false;
}

uint64_t http_pairs_token(struct http *h)
{
	struct awaited *a = h->pairs->making;

	if (!a)
		return 0;
	a->token = ++h->env->last_token;
	a->asked_at = h->at_hand.at;
	a->end_ack = h->at_hand.ack;
	a->end_seq = h->at_hand.end - h->at_hand.left;
	return a->token;
}

void http_pairs_asked(struct http *h)
{
	struct awaited *a = h->pairs->making;

	h->pairs->making = NULL;
	if (a && a->token == 0)
		forget(h, a); /* it was lost */
	else if (a && a->is_done)
		deliver(h, a);
}

bool http_pairs_waits(const struct http *h)
{
	for (const struct awaited *a = h->pairs ? h->pairs->first : NULL; a; a = a->next)
		if (a->token)
			return true;
	return false;
}

/* ---- the responses ---- */

static int on_kept_name(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	return h->responses.state != RESPONSES_HEAD || response_head_name(&h->pairs->head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_kept_value(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	return h->responses.state != RESPONSES_HEAD || response_head_value(&h->pairs->head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_kept_value_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	return h->responses.state != RESPONSES_HEAD || response_head_end_field(&h->pairs->head) ? 0 : HPE_USER;
}

/**
 * is_possible() - can the response that has begun be that of @a, whose number it has?
 *
 * Not if the server had read no byte of the request then. Where the count began anew, it must begin just where the
 * client was waiting, and the server must have read the request to its end.
 */
static bool is_possible(const struct http *h, const struct awaited *a)
{
	if (a->is_ahead)
		return true; /* see http_pairs_expect() */
	if (!seq_before(a->begin_seq, h->responses.requests_read))
		return false;
	return !a->is_checked || (h->pairs->turn_begin == a->ack &&
				  !(a->token && seq_before(h->responses.requests_read, a->end_seq)));
}

/** take_head() - the final response of @a has begun */
static void take_head(struct http *h, struct awaited *a, int status)
{
	struct pairs *p = pairs_of(h);

	a->read_until = h->responses.requests_read;
	if (!is_possible(h, a)) { /* the count is wrong, and so it is for those that follow */
		settle_rest(h, RESPONSE_OUT_OF_STEP, RESPONSE_OUT_OF_STEP);
		p->is_trusted = false;
		return;
	}
	a->is_begun = true;
	a->first_at = p->begun_at;
	a->response = response_new(status, &p->head, h->env->requests.budget);
	if (!a->response)
		settle(h, a, RESPONSE_MEMORY);
}

static int on_kept_head(llhttp_t *p)
{
	struct http *h = http_of(p);
	struct pairs *pairs = pairs_of(h);
	uint32_t number = h->rounds.answered;
	int result = http_response_head(h), status = p->status_code;

	if (pairs->current && result == 2)
		settle(h, pairs->current, RESPONSE_UPGRADED);
	else if (pairs->current && h->rounds.answered != number)
		take_head(h, pairs->current, status);
	return result;
}

static int on_kept_body(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);
	struct pairs *pairs = pairs_of(h);
	struct awaited *a = pairs->current;
	uint64_t expected = h->responses.length;

	http_response_body(h, len);
	if (!a || !a->response)
		return 0;
	if (a->is_ahead && a->response->body_len + len > AHEAD_MAX) {
		settle(h, a, RESPONSE_OUT_OF_STEP);
		return 0;
	}
	if (response_is_stream(a->response))
		response_add_arrival(a->response, pairs->now.ns / NS_PER_US);
	response_add_body(a->response, span_of(at, len), expected, h->env->max_response);
	return 0;
}

static int on_kept_complete(llhttp_t *p)
{
	struct http *h = http_of(p);
	struct awaited *a = h->pairs->current;

	if (a && a->response) {
		a->last_at = h->pairs->now;
		settle(h, a, a->response->result);
	}
	return http_response_complete(h);
}

void http_pairs_settings(llhttp_settings_t *kept)
{
	llhttp_settings_init(kept);
	kept->on_header_field = on_kept_name;
	kept->on_header_value = on_kept_value;
	kept->on_header_value_complete = on_kept_value_complete;
	kept->on_headers_complete = on_kept_head;
	kept->on_body = on_kept_body;
	kept->on_message_complete = on_kept_complete;
}

void http_pairs_server_bytes(struct http *h, struct wall now)
{
	struct pairs *p = pairs_of(h);

	p->now = now;
	for (struct awaited *a = p->first, *next; a;
	     a = next) { /* nobody knows which of them this belongs to */
		next = a->next;
		if (!a->is_placed && !a->is_ahead)
			settle(h, a, RESPONSE_OUT_OF_STEP);
	}
}

bool http_pairs_response_begins(struct http *h)
{
	struct pairs *p = pairs_of(h);

	if (!p->in_turn)
		p->turn_begin = h->responses.start;
	p->in_turn = true;
	p->begun_at = p->now;
	p->current = find(p, h->rounds.answered);
	if (!p->current && p->is_trusted && !p->was_lost && h->rounds.answered == p->sent && !http_pairs_ahead(h)) {
		p->current = await(h, h->rounds.answered);
		if (p->current)
			p->current->is_ahead = p->current->is_placed = true;
	}
	response_head_clear(&p->head);
	return p->current != NULL;
}

void http_pairs_answered(struct http *h)
{
	h->pairs->in_turn = false;
	h->pairs->pipelines |= rounds_asked_ahead(&h->rounds);
}

bool http_pairs_ahead(const struct http *h)
{
	for (const struct awaited *a = h->pairs->first; a; a = a->next)
		if (a->is_ahead)
			return true;
	return false;
}

void http_pairs_invalidate(struct http *h, enum response_result result)
{
	if (h->pairs->current)
		settle(h, h->pairs->current, result);
}

void http_pairs_lost_responses(struct http *h, enum response_result result)
{
	struct pairs *p = pairs_of(h);

	http_pairs_invalidate(h, result);
	forget_ahead(h);
	settle_rest(h, RESPONSE_OUT_OF_STEP, RESPONSE_OUT_OF_STEP);
	p->is_trusted = p->is_counted = p->in_turn = false;
}

bool http_pairs_keeps(const struct http *h)
{
	return h->pairs->current != NULL;
}

void http_pairs_server_end(struct http *h)
{
	forget_ahead(h);
	settle_rest(h, RESPONSE_BROKEN_OFF, RESPONSE_UNSEEN);
}

void http_pairs_end(struct http *h, enum response_result result)
{
	enum response_result unseen = result;

	if (result == RESPONSE_BROKEN_OFF || !h->rounds.stream->seen)
		unseen = RESPONSE_UNSEEN;
	if (h->rounds.switched)
		result = unseen = RESPONSE_UPGRADED;
	forget_ahead(h);
	settle_rest(h, result, unseen);
}

/* ---- incarnation ---- */

bool http_pairs_init(struct http *h, bool begun)
{
	struct pairs *p;

	if (!budget_charge(h->env->requests.budget, sizeof(*p)))
		return false;
	p = calloc(1, sizeof(*p));
	if (!p) {
		budget_release(h->env->requests.budget, sizeof(*p));
		return false;
	}
	p->end = &p->first;
	p->is_trusted = p->is_counted = p->was_trusted = begun;
	p->was_lost = !begun;
	h->pairs = p;
	return true;
}

void http_pairs_deinit(struct http *h)
{
	if (!h->pairs)
		return;
	while (h->pairs->first)
		forget(h, h->pairs->first);
	response_head_deinit(&h->pairs->head);
	free(h->pairs);
	budget_release(h->env->requests.budget, sizeof(*h->pairs));
	h->pairs = NULL;
}
