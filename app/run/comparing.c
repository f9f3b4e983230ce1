/*
 * comparing.c - see comparing.h
 *
 * The wiring of --compare: what the loop learns goes to the table of pairs
 * (compare/pairs/pairing.c), pairs that are ready go to the thread that compares
 * (compare/pairs/worker.c), and come back through a handle that wakes the loop. Where
 * the run ends, what is left is compared until the limit, then abandoned.
 */
#include "app/run/comparing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options/config.h"
#include "base/units.h"
#include "compare/comparer.h"
#include "compare/grpc/grpc_reply.h"
#include "compare/pairs/pairing.h"
#include "compare/tally/tally.h"
#include "compare/pairs/worker.h"
#include "policy/allow.h"
#include "report/comparison_text.h"
#include "report/events.h"
#include "report/gate.h"

struct comparing {
	struct comparing_settings set;
	struct buffer rules, unmatched; /* the latter once the worker has ended: rules that never matched, a line each */
	struct pairing *pairing; /* NULL before comparing_start() */
	struct worker *worker;
	struct case_keeper *cases; /* the worker's, while it runs; NULL without --repro */
	struct gate *gate; /* of --fail-on, or DECISION_DEFAULT */
	struct decision_settings decision;
	struct buffer decided_why;
	struct allow_list *headers; /* of requests that may explain differences */
	struct comparing_hooks hooks;
	bool room_refused, is_started, is_closed;
	void (*on_drained)(void *ctx);
	void *on_drained_ctx;
	uv_async_t wake;
	uv_timer_t limit;
};

/* ---- the worker's thread ---------------------------------------------------- */

static void describe(void *ctx, size_t target, const struct pair *pair, const struct comparison *result, struct buffer *line)
{
	const struct comparing *c = ctx;

	if (c->cases && !c->set.targets[target].is_control)
		case_keeper_offer(c->cases, target, pair, result);
	if (!c->hooks.on_event)
		return;
	event_comparison(pair->request, c->set.targets[target].url.name, result, pair->production->last_byte_us,
			 pair->shadow ? pair->shadow->last_byte_us : -1, c->set.compare->show_bodies, line);
}

static void on_done(void *ctx)
{
	struct comparing *c = ctx;

	uv_async_send(&c->wake);
}

/* ---- what the loop learns ------------------------------------------------------ */

static void compare_ready(struct comparing *c)
{
	struct exchange *e;

	while ((e = pairing_take(c->pairing)))
		worker_add(c->worker, e);
}

bool comparing_expect(struct comparing *c, struct message *m)
{
	bool is_expected = pairing_expect(c->pairing, m);

	compare_ready(c); /* older ones may have been given up for it */
	return is_expected;
}

void comparing_unsent(struct comparing *c, size_t target, const struct message *m)
{
	pairing_unsent(c->pairing, target, m);
}

void comparing_outcome(struct comparing *c, size_t target, const struct message *m,
		       const struct outcome *outcome)
{
	pairing_outcome(c->pairing, target, m, outcome);
	compare_ready(c);
}

void comparing_production(struct comparing *c, uint64_t token, struct response *response)
{
	pairing_production(c->pairing, token, response);
	compare_ready(c);
}

bool comparing_has_room(struct comparing *c)
{
	c->room_refused = !pairing_has_room(c->pairing);
	return !c->room_refused;
}

bool comparing_is_busy(const struct comparing *c)
{
	return pairing_is_busy(c->pairing);
}

size_t comparing_open(const struct comparing *c)
{
	return pairing_open(c->pairing);
}

/* ---- back from the worker ---------------------------------------------------- */

static void tell_drained(struct comparing *c)
{
	void (*done)(void *ctx) = c->on_drained;

	if (!done || pairing_open(c->pairing) > 0)
		return;
	c->on_drained = NULL;
	uv_timer_stop(&c->limit);
	done(c->on_drained_ctx);
}

/* Where production failed with the same status, the shadow does as it should. */
static bool fails_unlike(const struct pair *pair)
{
	const struct outcome *o = pair->outcome;
	const struct response *p = pair->production;
	struct span text;

	if (!outcome_is_answered(o->kind) || !outcome_is_failure(o))
		return false;
	if (o->grpc_status != GRPC_STATUS_NONE)
		return p->result != RESPONSE_WHOLE || grpc_reply_status(p, &text) != o->grpc_status;
	return p->status_code != o->status_code;
}

static void on_wake(uv_async_t *handle)
{
	struct comparing *c = handle->data;
	struct pair pair;

	for (struct exchange *e = worker_collect(c->worker), *next; e; e = next) {
		next = e->next;
		if (e->event.len > 0 && buffer_ok(&e->event))
			c->hooks.on_event(c->hooks.ctx, buffer_span(&e->event));
		pair = exchange_pair(e);
		if (fails_unlike(&pair))
			c->hooks.on_unlike_failure(c->hooks.ctx, e->target, pair.request, pair.outcome);
		pairing_end(c->pairing, e);
	}
	if (c->room_refused && comparing_has_room(c))
		c->hooks.on_room(c->hooks.ctx);
	tell_drained(c);
}

static void on_limit(uv_timer_t *timer)
{
	struct comparing *c = timer->data;

	worker_abandon(c->worker);
}

void comparing_drain(struct comparing *c, int64_t limit_ns, void (*done)(void *ctx), void *ctx)
{
	c->on_drained = done;
	c->on_drained_ctx = ctx;
	pairing_end_all(c->pairing);
	compare_ready(c);
	uv_timer_start(&c->limit, on_limit, (uint64_t)(limit_ns / NS_PER_MS), 0);
	uv_async_send(&c->wake);
}

/* ---- from start to end ---------------------------------------------------------- */

static int make_gate(struct comparing *c, struct buffer *error)
{
	const struct compare_settings *s = c->set.compare;
	const char *text = s->fail_on ? s->fail_on : DECISION_DEFAULT;
	struct buffer why = { 0 };
	int err = gate_parse(span_str(text), &c->gate, &why);

	if (err == -EINVAL)
		buffer_printf(error, "--fail-on \"%s\": %s", text, buffer_text(&why));
	buffer_deinit(&why);
	c->decision = (struct decision_settings){
		.gate = c->gate,
		.is_default = !s->fail_on,
		.ends_run = s->stop_when == STOP_WHEN_DECIDED,
		.watch_at_least_s = (double)s->watch_at_least_ns / 1e9,
	};
	return err;
}

static int read_rules(struct comparing *c, struct buffer *error)
{
	const struct compare_settings *s = c->set.compare;

	return s->rules_path ? config_read(s->rules_path, "file of rules", false, &c->rules, error) : 0;
}

/** read_protos() - the files of --proto, each into a buffer of its own */
static int read_protos(const struct texts *paths, struct buffer *contents, struct proto_file *files, struct buffer *error)
{
	int err = 0;

	for (size_t i = 0; i < paths->count && err == 0; i++) {
		err = config_read_bytes(paths->at[i], "file of descriptors", &contents[i], error);
		files[i] = (struct proto_file){ buffer_span(&contents[i]), paths->at[i] };
	}
	return err;
}

static int make_from(struct comparing *c, const struct proto_file *protos, struct comparer **out, struct buffer *error)
{
	const struct compare_settings *s = c->set.compare;
	struct compare_options options = {
		.rtol = s->rtol,
		.atol = s->atol,
		.preset = c->set.preset,
		.rules = buffer_span(&c->rules),
		.rules_name = s->rules_path,
		.ignore = s->ignore.at,
		.ignore_count = s->ignore.count,
		.unordered = s->unordered.at,
		.unordered_count = s->unordered.count,
		.protos = protos,
		.proto_count = s->protos.count,
		.max_body = s->max_response,
		.memory = (size_t)(c->set.memory - c->set.case_memory),
	};

	return comparer_new(&options, out, error);
}

static int make_comparer(struct comparing *c, struct comparer **out, struct buffer *error)
{
	const struct texts *paths = &c->set.compare->protos;
	struct buffer *contents = calloc(paths->count + 1, sizeof(*contents));
	struct proto_file *files = calloc(paths->count + 1, sizeof(*files));
	int err = contents && files ? read_protos(paths, contents, files, error) : -ENOMEM;

	if (err == 0)
		err = make_from(c, files, out, error);
	for (size_t i = 0; contents && i < paths->count; i++)
		buffer_deinit(&contents[i]);
	free(contents);
	free(files);
	return err;
}

/** may_explain() - a header that travels, and is no credential, even if it was allowed by its name */
static bool may_explain(const void *headers, struct span name, bool is_grpc)
{
	return allow_list_has(headers, name, false, is_grpc) && field_kind(name) != FIELD_CREDENTIAL;
}

static int read_slo(const char *text, struct slo *out, struct buffer *error)
{
	struct buffer why = { 0 };
	int err = text ? slo_parse(span_str(text), out, &why) : 0;

	if (err < 0)
		buffer_printf(error, "--slo \"%s\": %s", text, buffer_text(&why));
	buffer_deinit(&why);
	return err;
}

static int make_tally(const struct comparing *c, struct tally **out, struct buffer *error)
{
	const struct comparing_settings *set = &c->set;
	struct slo slo = { 0 };
	struct tally_target targets[TARGETS_MAX];
	struct tally_options options = {
		.targets = targets,
		.target_count = set->target_count,
		.slice_headers = set->compare->slice_by.at,
		.slice_header_count = set->compare->slice_by.count,
		.looks = set->is_watched ? LOOKS_ANYTIME : LOOKS_ONCE,
		.slo = &slo,
		.show_bodies = set->compare->show_bodies,
		.has_header = may_explain,
		.has_header_ctx = c->headers,
	};
	int err = read_slo(set->compare->slo, &slo, error);

	if (err < 0)
		return err;
	for (size_t i = 0; i < set->target_count; i++)
		targets[i] = (struct tally_target){ set->targets[i].url.name, set->targets[i].is_control };
	*out = tally_new(&options);
	return *out ? 0 : -ENOMEM;
}

static int make_worker(struct comparing *c, struct buffer *error)
{
	struct comparer *comparer;
	struct tally *tally;
	int err = allow_list_new(c->set.allow_headers, &c->headers, error);

	if (err == 0)
		err = make_comparer(c, &comparer, error);
	if (err < 0)
		return err;
	err = make_tally(c, &tally, error);
	if (err < 0) {
		comparer_free(comparer);
		return err;
	}
	c->worker = worker_new(comparer, tally, c->set.target_count);
	return c->worker ? 0 : -ENOMEM;
}

static int make_cases(struct comparing *c)
{
	if (c->set.case_memory == 0)
		return 0;
	c->cases = case_keeper_new((size_t)c->set.case_memory);
	return c->cases ? 0 : -ENOMEM;
}

int comparing_new(struct comparing_settings set, struct comparing **out, struct buffer *error)
{
	struct comparing *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	if (c) {
		c->set = set;
		err = make_gate(c, error);
		if (err == 0)
			err = read_rules(c, error);
		if (err == 0)
			err = make_cases(c);
		if (err == 0)
			err = make_worker(c, error);
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
	const struct pairing_options options = { c->set.target_count, budget, waits };
	const struct worker_hooks worker_hooks = { hooks->on_event || c->cases ? describe : NULL, on_done, c };
	int err;

	c->hooks = *hooks;
	c->pairing = pairing_new(&options);
	if (!c->pairing)
		return -ENOMEM;
	err = uv_async_init(loop, &c->wake, on_wake);
	if (err < 0)
		return err;
	c->wake.data = c->limit.data = c;
	uv_timer_init(loop, &c->limit);
	err = worker_start(c->worker, &worker_hooks);
	if (err == 0) {
		c->is_started = true;
		return 0;
	}
	uv_close((uv_handle_t *)&c->wake, NULL);
	uv_close((uv_handle_t *)&c->limit, NULL);
	return err;
}

void comparing_close(struct comparing *c)
{
	if (!c->is_started || c->is_closed)
		return;
	c->is_closed = true;
	worker_stop(c->worker);
	worker_unmatched(c->worker, &c->unmatched);
	uv_close((uv_handle_t *)&c->wake, NULL);
	uv_close((uv_handle_t *)&c->limit, NULL);
}

void comparing_free(struct comparing *c)
{
	if (!c)
		return;
	pairing_free(c->pairing);
	worker_free(c->worker);
	gate_free(c->gate);
	buffer_deinit(&c->decided_why);
	case_keeper_free(c->cases);
	allow_list_free(c->headers);
	buffer_deinit(&c->rules);
	buffer_deinit(&c->unmatched);
	free(c);
}

/* ---- what came of it ------------------------------------------------------------ */

const struct case_keeper *comparing_cases(const struct comparing *c)
{
	return c->cases;
}

struct case_rules comparing_rules(const struct comparing *c)
{
	const struct compare_settings *s = c->set.compare;

	return (struct case_rules){
		.rtol = s->rtol,
		.atol = s->atol,
		.preset = c->set.preset && strcmp(c->set.preset, "any") != 0 ? c->set.preset : NULL,
		.ignore = s->ignore.at,
		.unordered = s->unordered.at,
		.ignore_count = s->ignore.count,
		.unordered_count = s->unordered.count,
		.text = buffer_span(&c->rules),
	};
}

const struct gate *comparing_gate(const struct comparing *c)
{
	return c->decision.is_default ? NULL : c->gate;
}

void comparing_decided(struct comparing *c, enum decision_state state, struct buffer *why)
{
	c->decided_why = *why;
	*why = (struct buffer){ 0 };
	c->decision.decided = state;
	c->decision.decided_why = buffer_text(&c->decided_why);
}

enum looks comparing_looks(const struct comparing *c)
{
	return c->set.is_watched ? LOOKS_ANYTIME : LOOKS_ONCE;
}

void comparing_lock(struct comparing *c)
{
	worker_lock(c->worker);
}

void comparing_unlock(struct comparing *c)
{
	worker_unlock(c->worker);
}

struct document_comparison comparing_facts(const struct comparing *c)
{
	const struct compare_settings *s = c->set.compare;

	return (struct document_comparison){
		.rtol = s->rtol,
		.atol = s->atol,
		.preset = c->set.preset,
		.rules_path = s->rules_path,
		.rules_text = buffer_span(&c->rules),
		.ignore = texts_for_report(&s->ignore),
		.unordered = texts_for_report(&s->unordered),
		.slice_by = texts_for_report(&s->slice_by),
		.max_answer = s->max_response,
		.show_bodies = s->show_bodies,
		.unmatched = buffer_span(&c->unmatched),
		.tally = worker_tally(c->worker),
		.decision = &c->decision,
	};
}

struct comparison_counts comparing_counts(const struct comparing *c, size_t target)
{
	return worker_counts(c->worker, target);
}

static bool shows_grey(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

void comparing_text(const struct comparing *c, struct buffer *out)
{
	struct comparison_target targets[TARGETS_MAX];
	struct comparison_facts facts = {
		.targets = targets,
		.target_count = c->set.target_count,
		.tally = worker_tally(c->worker),
		.unmatched = buffer_span(&c->unmatched),
		.speed = c->set.speed,
		.speed_max = c->set.speed_max,
		.has_report = c->set.has_report,
		.shows_grey = shows_grey(),
	};

	for (size_t i = 0; i < c->set.target_count; i++)
		targets[i] = (struct comparison_target){ c->set.targets[i].url.name, c->set.targets[i].is_control,
							 worker_counts(c->worker, i) };
	comparison_text(&facts, out);
}
