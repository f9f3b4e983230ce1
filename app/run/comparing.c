/*
 * comparing.c - see comparing.h
 *
 * Theory of operation. A request that goes to the targets has a row in the
 * table of pairs until all of them are done with it: the message, production's
 * answer once the capture has it, and for each target the outcome of its
 * exchange. As soon as an exchange has ended and production's response is known,
 * whole or not, the two go to the worker: one thread, that owns the comparer
 * and the tally, so that a large comparison never delays the loop. It hands
 * each pair back, since references are counted on the loop only.
 *
 *     expect -> outcome of a target --+
 *                                     +--> worker: compare, add up --> freed
 *     production's response ------------+
 *
 * Each exchange that was sent ends in exactly one verdict, so whatever cannot
 * be compared goes the same way with a reason: "memory" where production's
 * answer did not fit into --max-memory, or had to be given up for newer ones,
 * "overload" where live pairs pile up before the worker, and
 * "cancelled_at_exit" for what the end of the run left.
 *
 * A request that waits for production's response holds memory that nobody can
 * give back, and some responses take hours. So when three quarters of the bound
 * are in use, the pairs that wait longest are given up; of a recording, whose
 * lane waits at that point while anybody else is busy, only when nearly all is.
 * A recording waits for the worker, too (comparing_has_room()), so its pairs
 * never pile up.
 */
#include "app/run/comparing.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options/config.h"
#include "base/log.h"
#include "base/statistics.h"
#include "base/units.h"
#include "compare/comparer.h"
#include "compare/tally.h"
#include "report/events.h"
#include "report/format.h"
#include "report/gate.h"

#define BUCKETS 8192                  /* power of two; tokens count on, so they spread by themselves */
#define ROOM 256                      /* pairs before the worker of a recording */
#define OVERLOAD 4096                 /* pairs before the worker, live */
#define OWN_TOKEN (UINT64_C(1) << 63) /* of requests whose response nobody will bring */

struct pair_row;

/** struct exchange - of one target, with one request */
struct exchange {
	struct exchange *next; /* in the worker's queue, or on the way back */
	struct pair_row *row;
	size_t target;
	struct outcome outcome; /* its response is ours */
	const char *skip;       /* why it is not compared; NULL: it is */
	struct buffer event;    /* the worker's line */
	enum { EXCHANGE_OPEN, EXCHANGE_WAITS, EXCHANGE_AT_WORK, EXCHANGE_OVER } state;
};

/** struct pair_row - a request that was sent, or may be */
struct pair_row {
	struct pair_row *chain;
	struct pair_row *older, *newer; /* while exchanges wait for production's response */
	uint64_t token;
	struct message *message;
	struct response *production; /* NULL: not known yet; perhaps the one of all that nobody knows */
	size_t open;                 /* exchanges that are not over */
	bool is_waiting;
	struct exchange exchanges[]; /* one per target */
};

/** struct target_counts - the worker counts, anybody reads */
struct target_counts {
	struct counter pairs, unseen, generated_apart, verdict[COMPARISON_COUNT];
	struct counter agree, disagree; /* decisions */
};

struct comparing {
	const struct options *o;
	struct buffer rules;
	struct comparer *comparer; /* the worker's, once it runs; so is the tally */
	struct tally *tally;
	struct target_counts *counts; /* one per target */
	pthread_mutex_t tally_lock;   /* the tally is read while the run goes on */
	struct gate *gate;            /* NULL without --fail-on */
	struct gate_result verdict;   /* with is_judged */
	bool is_judged;
	size_t row_size;
	bool waits;
	struct budget *budget;
	struct comparing_hooks hooks;

	/* the loop's */
	struct pair_row *bucket[BUCKETS];
	struct pair_row *oldest, *newest; /* that wait for production's response */
	size_t rows;
	uint64_t own_tokens;
	_Atomic size_t at_work; /* exchanges that the worker has; the loop changes it */
	bool room_refused, is_started, is_closed;
	void (*on_drained)(void *ctx);
	void *on_drained_ctx;
	uv_async_t wake;
	uv_timer_t limit;

	/* between the two */
	pthread_t worker;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct exchange *queue, **queue_end; /* to the worker */
	struct exchange *done, **done_end;   /* and back */
	bool is_over;                        /* the worker ends when the queue is empty */
	_Atomic bool is_abandoned;           /* nothing more is compared */
};

static const char *const reason_memory = "memory", *const reason_overload = "overload",
			 *const reason_cancelled = "cancelled_at_exit";

/* What stands for a response that could not be kept, or that nobody has seen. Never written to. */
static struct response no_memory = { .result = RESPONSE_MEMORY, .first_byte_us = -1, .last_byte_us = -1 };
static struct response never_seen = { .result = RESPONSE_UNSEEN, .first_byte_us = -1, .last_byte_us = -1 };

static void free_response(struct response *r)
{
	if (r != &no_memory && r != &never_seen)
		response_free(r);
}

/* ---- the worker ---------------------------------------------------------- */

static void count(struct comparing *c, const struct pair *pair, size_t target, const struct comparison *result)
{
	struct target_counts *n = &c->counts[target];

	counter_add(&n->pairs, 1);
	counter_add(&n->verdict[result->verdict], 1);
	counter_add(&n->unseen, pair->production->result == RESPONSE_UNSEEN);
	if (result->verdict == COMPARISON_VALUE && result->generated)
		counter_add(&n->generated_apart, 1);
	counter_add(&n->agree, result->findings.decisions_agree);
	counter_add(&n->disagree, result->findings.decisions_total - result->findings.decisions_agree);
}

static void judge(struct comparing *c, struct exchange *e)
{
	bool answered = outcome_is_answered(e->outcome.kind);
	struct comparison skipped = { .verdict = COMPARISON_NOT_COMPARABLE };
	const struct comparison *result = &skipped;
	struct pair pair = {
		.request = e->row->message,
		.production = e->row->production,
		.shadow = !answered             ? NULL
			  : e->outcome.response ? e->outcome.response
						: &no_memory,
		.outcome = &e->outcome,
	};

	if (!e->skip && atomic_load_explicit(&c->is_abandoned, memory_order_relaxed))
		e->skip = reason_cancelled;
	if (e->skip)
		skipped.reason = e->skip;
	else
		result = comparer_run(c->comparer, &pair);
	pthread_mutex_lock(&c->tally_lock);
	tally_add(c->tally, e->target, &pair, result);
	pthread_mutex_unlock(&c->tally_lock);
	count(c, &pair, e->target, result);
	if (c->hooks.on_event)
		event_comparison(pair.request, c->o->targets[e->target].url.name, result,
				 pair.production->last_byte_us, pair.shadow ? pair.shadow->last_byte_us : -1,
				 c->o->compare.show_bodies, &e->event);
	comparer_rest(c->comparer);
}

static struct exchange *take_work(struct comparing *c)
{
	struct exchange *e;

	pthread_mutex_lock(&c->lock);
	while (!c->queue && !c->is_over)
		pthread_cond_wait(&c->work, &c->lock);
	e = c->queue;
	if (e) {
		c->queue = e->next;
		if (!c->queue)
			c->queue_end = &c->queue;
		e->next = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}

static void give_back(struct comparing *c, struct exchange *e)
{
	bool first;

	pthread_mutex_lock(&c->lock);
	first = !c->done;
	*c->done_end = e;
	c->done_end = &e->next;
	pthread_mutex_unlock(&c->lock);
	if (first)
		uv_async_send(&c->wake);
}

static void *worker_main(void *arg)
{
	struct comparing *c = arg;
	struct exchange *e;

	while ((e = take_work(c))) {
		judge(c, e);
		give_back(c, e);
	}
	return NULL;
}

/* ---- the table ------------------------------------------------------------- */

static struct pair_row **find(struct comparing *c, uint64_t token)
{
	struct pair_row **at = &c->bucket[token & (BUCKETS - 1)];

	while (*at && (*at)->token != token)
		at = &(*at)->chain;
	return at;
}

static void stop_waiting(struct comparing *c, struct pair_row *row)
{
	if (!row->is_waiting)
		return;
	row->is_waiting = false;
	*(row->older ? &row->older->newer : &c->oldest) = row->newer;
	*(row->newer ? &row->newer->older : &c->newest) = row->older;
	row->older = row->newer = NULL;
}

static void start_waiting(struct comparing *c, struct pair_row *row)
{
	if (row->is_waiting)
		return;
	row->is_waiting = true;
	row->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = row;
	c->newest = row;
}

static void remove_row(struct comparing *c, struct pair_row *row)
{
	*find(c, row->token) = row->chain;
	stop_waiting(c, row);
	message_unref(row->message);
	free_response(row->production);
	budget_release(c->budget, c->row_size);
	free(row);
	c->rows--;
}

static void end_exchange(struct comparing *c, struct exchange *e)
{
	struct pair_row *row = e->row;

	e->state = EXCHANGE_OVER;
	response_free(e->outcome.response);
	e->outcome.response = NULL;
	buffer_deinit(&e->event);
	if (--row->open == 0)
		remove_row(c, row);
}

/** to_work() - both responses are known: the worker judges, or counts why nobody does */
static void to_work(struct comparing *c, struct exchange *e)
{
	size_t at_work = atomic_load_explicit(&c->at_work, memory_order_relaxed);

	if (!c->waits && at_work >= OVERLOAD && !e->skip) {
		e->skip = reason_overload;
		response_free(e->outcome.response);
		e->outcome.response = NULL;
	}
	e->state = EXCHANGE_AT_WORK;
	atomic_store_explicit(&c->at_work, at_work + 1, memory_order_relaxed);
	pthread_mutex_lock(&c->lock);
	*c->queue_end = e;
	c->queue_end = &e->next;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
}

/** know_production() - @response (taken) is what there will ever be of it */
static void know_production(struct comparing *c, struct pair_row *row, struct response *response)
{
	row->production = response;
	stop_waiting(c, row);
	for (size_t i = 0; i < c->o->target_count; i++)
		if (row->exchanges[i].state == EXCHANGE_WAITS)
			to_work(c, &row->exchanges[i]);
}

/** give_up_old() - what waits for production's responses must leave memory to what is new */
static void give_up_old(struct comparing *c)
{
	size_t high = c->waits ? c->budget->limit / 16 * 15 : c->budget->limit / 4 * 3;

	while (c->oldest && budget_used(c->budget) > high) {
		struct pair_row *row = c->oldest;

		for (size_t i = 0; i < c->o->target_count; i++)
			if (row->exchanges[i].state == EXCHANGE_WAITS) {
				row->exchanges[i].skip = reason_memory;
				response_free(row->exchanges[i].outcome.response);
				row->exchanges[i].outcome.response = NULL;
			}
		know_production(c, row, &no_memory);
	}
}

bool comparing_expect(struct comparing *c, struct message *m)
{
	struct pair_row *row, **at;

	give_up_old(c);
	if (!budget_charge(c->budget, c->row_size))
		return false;
	row = calloc(1, c->row_size);
	if (!row) {
		budget_release(c->budget, c->row_size);
		return false;
	}
	if (m->response_token == 0) { /* there was no memory to await its response */
		m->response_token = OWN_TOKEN | ++c->own_tokens;
		row->production = &no_memory;
	}
	row->token = m->response_token;
	row->message = message_ref(m);
	row->open = c->o->target_count;
	for (size_t i = 0; i < c->o->target_count; i++)
		row->exchanges[i] = (struct exchange){ .row = row, .target = i };
	at = find(c, row->token);
	*at = row;
	c->rows++;
	return true;
}

void comparing_unsent(struct comparing *c, size_t target, const struct message *m)
{
	struct pair_row *row = *find(c, m->response_token);

	if (row && row->exchanges[target].state == EXCHANGE_OPEN)
		end_exchange(c, &row->exchanges[target]);
}

void comparing_outcome(struct comparing *c, size_t target, const struct message *m,
		       const struct outcome *outcome)
{
	struct pair_row *row = *find(c, m->response_token);
	struct exchange *e;

	if (!row) {
		response_free(outcome->response);
		return;
	}
	e = &row->exchanges[target];
	e->outcome = *outcome;
	e->state = EXCHANGE_WAITS;
	if (row->production) {
		to_work(c, e);
		return;
	}
	start_waiting(c, row);
	give_up_old(c);
}

void comparing_production(struct comparing *c, uint64_t token, struct response *response)
{
	struct pair_row *row = *find(c, token);

	if (!row || row->production) /* no target has the request, or this came too late */
		response_free(response);
	else
		know_production(c, row, response ? response : &no_memory);
}

/* ---- back from the worker ---------------------------------------------------- */

bool comparing_has_room(struct comparing *c)
{
	c->room_refused = atomic_load_explicit(&c->at_work, memory_order_relaxed) >= ROOM;
	return !c->room_refused;
}

bool comparing_is_busy(const struct comparing *c)
{
	return atomic_load_explicit(&((struct comparing *)c)->at_work, memory_order_relaxed) > 0;
}

static void tell_drained(struct comparing *c)
{
	void (*done)(void *ctx) = c->on_drained;

	if (!done || c->rows > 0)
		return;
	c->on_drained = NULL;
	uv_timer_stop(&c->limit);
	done(c->on_drained_ctx);
}

static void on_wake(uv_async_t *handle)
{
	struct comparing *c = handle->data;
	struct exchange *e, *next;
	size_t count = 0;

	pthread_mutex_lock(&c->lock);
	e = c->done;
	c->done = NULL;
	c->done_end = &c->done;
	pthread_mutex_unlock(&c->lock);
	for (; e; e = next, count++) {
		next = e->next;
		if (e->event.len > 0 && buffer_ok(&e->event))
			c->hooks.on_event(c->hooks.ctx, buffer_span(&e->event));
		end_exchange(c, e);
	}
	atomic_fetch_sub_explicit(&c->at_work, count, memory_order_relaxed);
	if (c->room_refused && comparing_has_room(c))
		c->hooks.on_room(c->hooks.ctx);
	tell_drained(c);
}

static void on_limit(uv_timer_t *timer)
{
	struct comparing *c = timer->data;

	atomic_store(&c->is_abandoned, true);
}

/** end_rows() - what is still open will not end, and answers that are not here will not come */
static void end_rows(struct comparing *c)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct pair_row *row = c->bucket[i], *next; row; row = next) {
			next = row->chain;
			if (!row->production)
				know_production(c, row, &never_seen);
			row->open++; /* so that it incarnations until all were looked at */
			for (size_t k = 0; k < c->o->target_count; k++)
				if (row->exchanges[k].state == EXCHANGE_OPEN)
					end_exchange(c, &row->exchanges[k]);
			if (--row->open == 0)
				remove_row(c, row);
		}
}

void comparing_drain(struct comparing *c, int64_t limit_ns, void (*done)(void *ctx), void *ctx)
{
	c->on_drained = done;
	c->on_drained_ctx = ctx;
	end_rows(c);
	uv_timer_start(&c->limit, on_limit, (uint64_t)(limit_ns / NS_PER_MS), 0);
	uv_async_send(&c->wake);
}

/* ---- incarnation -------------------------------------------------------------------- */

static int make_gate(struct comparing *c, struct buffer *error)
{
	const char *text = c->o->compare.fail_on;
	struct buffer why = { 0 };
	int err = text ? gate_parse(span_str(text), &c->gate, &why) : 0;

	if (err == -EINVAL)
		buffer_printf(error, "--fail-on \"%s\": %s", text, buffer_text(&why));
	buffer_deinit(&why);
	return err;
}

static int read_rules(struct comparing *c, struct buffer *error)
{
	const struct compare_settings *s = &c->o->compare;

	return s->rules_path ? config_read(s->rules_path, "file of rules", false, &c->rules, error) : 0;
}

/* A quarter of --max-memory: answers of 8 MB, of usual JSON, take 50 MB. */
uint64_t comparing_memory(const struct options *o)
{
	return o->compare.on ? o->max_memory / 4 : 0;
}

static int make_comparer(struct comparing *c, struct buffer *error)
{
	const struct compare_settings *s = &c->o->compare;
	struct compare_options options = {
		.rtol = s->rtol,
		.atol = s->atol,
		.preset = c->o->policy.preset,
		.rules = buffer_span(&c->rules),
		.rules_name = s->rules_path,
		.ignore = s->ignore.at,
		.ignore_count = s->ignore.count,
		.unordered = s->unordered.at,
		.unordered_count = s->unordered.count,
		.max_body = s->max_response,
		.memory = (size_t)comparing_memory(c->o),
	};

	return comparer_new(&options, &c->comparer, error);
}

static int make_tally(struct comparing *c)
{
	struct tally_target targets[TARGETS_MAX];
	struct tally_options options = {
		.targets = targets,
		.target_count = c->o->target_count,
		.slice_headers = c->o->compare.slice_by.at,
		.slice_header_count = c->o->compare.slice_by.count,
		.show_bodies = c->o->compare.show_bodies,
	};

	for (size_t i = 0; i < c->o->target_count; i++)
		targets[i] = (struct tally_target){ c->o->targets[i].url.name, c->o->targets[i].is_control };
	c->tally = tally_new(&options);
	c->counts = calloc(c->o->target_count + 1, sizeof(*c->counts)); /* a file that is checked may name none */
	return c->tally && c->counts ? 0 : -ENOMEM;
}

int comparing_new(const struct options *options, struct comparing **out, struct buffer *error)
{
	struct comparing *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (c) {
		c->o = options;
		c->row_size = sizeof(struct pair_row) + options->target_count * sizeof(struct exchange);
		c->queue_end = &c->queue;
		c->done_end = &c->done;
		pthread_mutex_init(&c->lock, NULL);
		pthread_mutex_init(&c->tally_lock, NULL);
		pthread_cond_init(&c->work, NULL);
		err = make_gate(c, error);
		if (err == 0)
			err = read_rules(c, error);
		if (err == 0)
			err = make_comparer(c, error);
		if (err == 0)
			err = make_tally(c);
	}
	if (err == -ENOMEM && error->len == 0)
		buffer_add_str(error, "cannot set up the comparing of answers: out of memory");
	if (err == 0)
		*out = c;
	else
		comparing_free(c);
	return err;
}

int comparing_start(struct comparing *c, uv_loop_t *loop, struct budget *budget,
		    const struct comparing_hooks *hooks, bool waits)
{
	int err;

	c->budget = budget;
	c->hooks = *hooks;
	c->waits = waits;
	err = uv_async_init(loop, &c->wake, on_wake);
	if (err < 0)
		return err;
	c->wake.data = c->limit.data = c;
	uv_timer_init(loop, &c->limit);
	err = pthread_create(&c->worker, NULL, worker_main, c);
	if (err == 0) {
		c->is_started = true;
		return 0;
	}
	uv_close((uv_handle_t *)&c->wake, NULL);
	uv_close((uv_handle_t *)&c->limit, NULL);
	return -err;
}

void comparing_close(struct comparing *c)
{
	if (!c->is_started || c->is_closed)
		return;
	c->is_closed = true;
	pthread_mutex_lock(&c->lock);
	c->is_over = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->worker, NULL);
	uv_close((uv_handle_t *)&c->wake, NULL);
	uv_close((uv_handle_t *)&c->limit, NULL);
}

void comparing_free(struct comparing *c)
{
	if (!c)
		return;
	comparer_free(c->comparer);
	tally_free(c->tally);
	gate_free(c->gate);
	free(c->counts);
	buffer_deinit(&c->rules);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->tally_lock);
	pthread_cond_destroy(&c->work);
	free(c);
}

/* ---- what came of it ------------------------------------------------------------ */

static void texts_json(struct json *j, const char *name, const struct texts *list)
{
	json_key(j, name);
	json_open(j, '[');
	for (size_t i = 0; i < list->count; i++)
		json_str(j, list->at[i]);
	json_close(j, ']');
}

static void options_json(const struct options *o, struct json *j)
{
	const struct compare_settings *s = &o->compare;

	json_key(j, "options");
	json_open(j, '{');
	json_key(j, "rtol");
	json_double(j, s->rtol);
	json_key(j, "atol");
	json_double(j, s->atol);
	json_key(j, "preset");
	json_str(j, o->policy.preset);
	json_key(j, "rules");
	if (s->rules_path)
		json_str(j, s->rules_path);
	else
		json_null(j);
	texts_json(j, "ignore", &s->ignore);
	texts_json(j, "unordered", &s->unordered);
	json_count(j, "max_answer", s->max_response);
	texts_json(j, "slice_by", &s->slice_by);
	json_key(j, "show_bodies");
	json_bool(j, s->show_bodies);
	json_close(j, '}');
}

static void unmatched_json(struct comparing *c, struct json *j)
{
	struct buffer lines = { 0 };
	struct span rest, line;

	if (c->is_closed) /* the comparer is the worker's until then */
		comparer_unmatched(c->comparer, &lines);
	json_key(j, "rules_unmatched");
	json_open(j, '[');
	for (rest = buffer_span(&lines); rest.len > 0; span_skip(&rest, 1)) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);

		if (!span_take(&rest, end ? (size_t)(end - rest.at) : rest.len, &line))
			break;
		json_text(j, line);
	}
	json_close(j, ']');
	buffer_deinit(&lines);
}

void comparing_json(struct comparing *c, struct json *j)
{
	json_open(j, '{');
	options_json(c->o, j);
	unmatched_json(c, j);
	pthread_mutex_lock(&c->tally_lock);
	tally_json(c->tally, j);
	pthread_mutex_unlock(&c->tally_lock);
	json_close(j, '}');
}

void comparing_gate_json(const struct comparing *c, struct json *j)
{
	if (!c->is_judged)
		return;
	json_key(j, "gate");
	gate_json(c->gate, &c->verdict, j);
}

bool comparing_judge(struct comparing *c, struct span report)
{
	struct json_doc doc = { 0 };

	if (!c->gate)
		return false;
	c->verdict = (struct gate_result){ 0 };
	if (json_doc_parse(&doc, report) == 0)
		gate_evaluate(c->gate, &doc, &c->verdict);
	c->is_judged = true;
	json_doc_deinit(&doc);
	return true;
}

bool comparing_gate(const struct comparing *c, struct buffer *out)
{
	if (!c->gate)
		return true;
	gate_sentence(c->gate, &c->verdict, out);
	return c->is_judged && c->verdict.passed;
}

uint64_t comparing_count(const struct comparing *c, size_t target, enum comparison_verdict verdict)
{
	return counter_get(&c->counts[target].verdict[verdict]);
}

uint64_t comparing_decisions(const struct comparing *c, size_t target, uint64_t *agree)
{
	*agree = counter_get(&c->counts[target].agree);
	return *agree + counter_get(&c->counts[target].disagree);
}

uint64_t comparing_generated_different(const struct comparing *c, size_t target)
{
	return counter_get(&c->counts[target].generated_apart);
}

size_t comparing_open(const struct comparing *c)
{
	return c->rows;
}

/** verdicts_text() - "7 equal, 1 decision": those that there were */
static void verdicts_text(const struct target_counts *n, struct buffer *out)
{
	static const enum comparison_verdict order[] = { COMPARISON_EQUAL,    COMPARISON_CLOSE,
							 COMPARISON_DECISION, COMPARISON_VALUE,
							 COMPARISON_ORDER,    COMPARISON_SCHEMA,
							 COMPARISON_STATUS,   COMPARISON_ENCODING,
							 COMPARISON_ERROR,    COMPARISON_NOT_COMPARABLE };
	const char *between = ": ";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		uint64_t n_of = counter_get(&n->verdict[order[i]]);

		if (n_of == 0)
			continue;
		buffer_printf(out, "%s%llu %s", between, (unsigned long long)n_of,
			      order[i] == COMPARISON_NOT_COMPARABLE ? "not comparable"
								    : comparison_name(order[i]));
		between = ", ";
	}
	buffer_add_str(out, "\n");
}

static void quantile_text(double us, struct buffer *out)
{
	if (isinf(us))
		buffer_add_str(out, "above --max-time");
	else
		format_time(out, us);
}

static bool shows_grey(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

/** pace_note() - why the shadow's latency beside production's says nothing, or nothing */
static const char *pace_note(const struct options *o)
{
	if (o->speed_max)
		return " (not judged: replayed as fast as possible)";
	return o->speed != 1 ? " (not judged: not replayed at the recorded pace)" : "";
}

static void latency_text(const char *who, double p50, double p99, const char *note, struct buffer *out)
{
	if (isnan(p50))
		return;
	buffer_printf(out, "%s  %-10s p50 ", note[0] && shows_grey() ? "\033[2m" : "", who);
	quantile_text(p50, out);
	buffer_add_str(out, ", p99 ");
	quantile_text(p99, out);
	buffer_printf(out, "%s%s\n", note, note[0] && shows_grey() ? "\033[22m" : "");
}

/** decisions_text() - for models that decide, the figure that says most */
static void decisions_text(const struct target_counts *n, struct buffer *out)
{
	uint64_t agree = counter_get(&n->agree), all = agree + counter_get(&n->disagree);
	struct rate rate = rate_of(agree, all);

	if (all > 0)
		buffer_printf(out, "  decisions  %.2f%% of %llu agree, between %.2f%% and %.2f%%\n", 100 * rate.value,
			      (unsigned long long)all, 100 * rate.interval.low, 100 * rate.interval.high);
}

static void target_text(const struct comparing *c, size_t target, struct buffer *out)
{
	const struct target_counts *n = &c->counts[target];
	const struct target_settings *settings = &c->o->targets[target];
	struct tally_brief brief = tally_brief(c->tally, target);
	const struct rate *mismatch = &brief.mismatch;

	buffer_printf(out, "%s: compared %llu of %llu", settings->url.name, (unsigned long long)mismatch->of,
		      (unsigned long long)counter_get(&n->pairs));
	verdicts_text(n, out);
	if (mismatch->of > 0)
		buffer_printf(out, "  mismatch   %.2f%%, between %.2f%% and %.2f%%%s\n", 100 * mismatch->value,
			      100 * mismatch->interval.low, 100 * mismatch->interval.high,
			      brief.generated_apart > 0 ? " (generated text apart)" : "");
	decisions_text(n, out);
	tally_notes(c->tally, target, out);
	if (counter_get(&n->unseen) > 0 && counter_get(&n->unseen) == counter_get(&n->pairs))
		buffer_add_str(out, "  no answer of production was captured: capture where both directions pass, and "
				    "leave the filter open for both\n");
	latency_text("production", brief.production.p50, brief.production.p99, "", out);
	latency_text(settings->is_control ? "control" : "shadow", brief.target.p50, brief.target.p99, pace_note(c->o), out);
}

void comparing_text(struct comparing *c, struct buffer *out)
{
	struct buffer unmatched = { 0 };

	for (size_t i = 0; i < c->o->target_count; i++)
		target_text(c, i, out);
	comparer_unmatched(c->comparer, &unmatched);
	if (unmatched.len > 0)
		buffer_printf(out, "rules that never matched:\n%s", buffer_text(&unmatched));
	buffer_deinit(&unmatched);
	if (c->o->reports.count == 0)
		buffer_add_str(out, "--report x.html draws all of it\n");
}
