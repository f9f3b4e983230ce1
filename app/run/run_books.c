/* run_books.c - the books on demand, and all that is said at the end */
#include "app/run/run_impl.h"
#include "app/run/stages.h"
#include "base/log.h"
#include "report/comparison_text.h"
#include "report/why.h"

void run_take_books(struct run *r, struct books *b)
{
	struct lanes_stats stats;
	struct books_sources from = {
		.capture = &stats.capture,
		.unread = &stats.unread,
		.reassembly = &stats.reassembly,
		.http = &stats.http,
		.tls = &stats.tls,
		.tls_late_us = &r->tls_late_us,
		.tls_unsupported = &stats.tls_unsupported,
		.policy = &stats.policy,
		.intake = run_sends(r) ? intake_stats(r->intake) : NULL,
		.relay = r->handing_over ? handing_over_stats(r->handing_over) : NULL,
		.relay_shown = r->handing_over ? handing_over_shown(r->handing_over) : NULL,
		.relay_words = r->handing_over ? handing_over_word_times(r->handing_over) : NULL,
		.stopped = r->stopped,
		.no_memory = r->no_memory,
		.fleet = lanes_fleet_stats(r->lanes),
		.fleet_facts = &r->fleet,
		.target_count = r->replay ? replay_target_count(r->replay) : 0,
	};

	lanes_stats(r->lanes, &stats);
	lanes_tls_late_us(r->lanes, &r->tls_late_us);
	fleet_facts_deinit(&r->fleet);
	lanes_fleet_facts(r->lanes, &r->fleet);
	for (size_t i = 0; i < from.target_count; i++)
		from.targets[i] = (struct books_target_source){
			.name = replay_target_name(r->replay, i),
			.shown = replay_target_shown(r->replay, i),
			.breaker = replay_breaker_state(r->replay, i),
			.stats = replay_target_stats(r->replay, i),
		};
	books_take(&from, b);
}

/** add_so_far() - of the first shadow */
static void add_so_far(const struct run *r, struct buffer *text)
{
	const struct options *o = r->o;
	bool has_control = false;
	size_t first = 0;

	for (size_t i = 0; i < o->target_count; i++)
		has_control |= o->targets[i].is_control;
	while (first + 1 < o->target_count && o->targets[first].is_control)
		first++;
	if (o->target_count > 0) {
		struct comparison_counts counts = comparing_counts(r->comparing, first);

		comparison_so_far(&counts, !has_control, text);
	}
}

/* What holds for one look alone, at the end of a recording, is not shown before. */
static void show_comparison(struct run *r)
{
	struct buffer text = { 0 }, differ = { 0 };

	add_so_far(r, &differ);
	if (comparing_looks(r->comparing) == LOOKS_ANYTIME)
		decision_short(run_decide(r), &text);
	progress_set_comparison(&r->progress, buffer_text(&differ), buffer_text(&text));
	buffer_deinit(&text);
	buffer_deinit(&differ);
}

void run_refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total)
{
	struct run *r = ctx;

	uint64_t taken = counter_get(&intake_stats(r->intake)->taken), waiting = lanes_waiting(r->lanes);

	run_take_books(r, b);
	if (r->comparing)
		show_comparison(r);
	lanes_progress(r->lanes, done, total);
	/* A recording is read ahead of its pace: what waits in the ring is read, but not done. */
	if (taken + waiting > 0)
		*done = (uint64_t)((double)*done * (double)taken / (double)(taken + waiting));
}

static const char *known(const char *text)
{
	return text[0] ? text : NULL;
}

static struct provenance provenance_of(const struct run *r)
{
	return (struct provenance){
		.title = r->o->title,
		.labels = texts_for_report(&r->o->labels),
		.host = known(r->host),
		.user = known(r->user),
		.interfaces = texts_for_report(&r->o->interfaces),
		.files = texts_for_report(&r->o->files),
		.options = texts_for_report(&r->current->given),
		.first = r->first_request,
		.last = r->last_request,
	};
}

struct document_facts run_facts_now(struct run *r, const struct books *b, struct facts_store *store)
{
	struct document_facts facts = {
		.version = SHADOWTAP_VERSION,
		.started = time_text(r->started_at, store->started),
		.provenance = provenance_of(r),
		.seconds = (double)(mono_now().ns - r->started.ns) / 1e9,
		.interrupted = r->stop.interrupted,
		.dry_run = r->o->dry_run,
		.speed = r->o->speed,
		.speed_max = r->o->speed_max,
		.events_dropped = r->outputs.events ? event_writer_dropped(r->outputs.events) : 0,
		.sink_requests = r->replay ? replay_sink_requests(r->replay) : 0,
		.pace = pace_of(b, intake_stats(r->intake), &store->pace) ? &store->pace : NULL,
		.config_read = r->config_read,
		.config_refused = r->config_refused,
		.books = b,
	};

	sample_control_facts(&r->sample, &store->sample, &facts);
	if (r->comparing) {
		store->comparison = comparing_facts(r->comparing);
		facts.comparison = &store->comparison;
	}
	return facts;
}

/* ---- the end --------------------------------------------------------------------- */

static void print_pace(const struct pace *pace)
{
	struct buffer line = { 0 };

	pace_text(pace, &line);
	if (buffer_ok(&line) && log_enabled(LOG_INFO))
		log_finished(line.bytes, line.len);
	buffer_deinit(&line);
}

static void print_comparing(struct comparing *comparing)
{
	struct buffer lines = { 0 };

	comparing_text(comparing, &lines);
	if (buffer_ok(&lines) && log_enabled(LOG_INFO))
		log_raw(lines.bytes, lines.len);
	buffer_deinit(&lines);
}

static void print_decision(const struct decision_made *d)
{
	struct buffer line = { 0 };

	decision_sentence(d, &line);
	log_info("%s", buffer_text(&line));
	buffer_deinit(&line);
}

static void print_all_failed(const struct all_failed *failed, const struct books *b)
{
	for (size_t i = 0; i < b->target_count; i++) {
		struct buffer line = { 0 };

		if (failed[i].count == 0)
			continue;
		all_failed_sentence(&failed[i], &b->target[i], b->target_count > 1, &line);
		log_warn("%s", buffer_text(&line));
		buffer_deinit(&line);
	}
}

/* Where production answered with the same statuses, they are no failure of the shadow's. */
static void look_for_all_failed(const struct run *r, const struct books *b, struct all_failed *out)
{
	for (size_t i = 0; i < b->target_count; i++)
		all_failed_look(&b->target[i], r->o->max_time_ns,
				!r->comparing || comparing_counts(r->comparing, i).verdict[COMPARISON_STATUS] > 0, &out[i]);
}

static void print_end(struct run *r, const struct books *b, const struct run_shape *shape, const struct document_facts *facts)
{
	struct buffer imbalance = { 0 }, lacking = { 0 };

	progress_print_books(&r->progress, b);
	if (facts->pace)
		print_pace(facts->pace);
	if (r->comparing) {
		print_comparing(r->comparing);
		print_decision(run_decide_at_end(r, facts));
	}
	if (!books_imbalance(b, &imbalance))
		log_error("the books do not balance, please report this: %s", buffer_text(&imbalance));
	buffer_deinit(&imbalance);
	why_lacking(b, shape, &lacking);
	if (lacking.len > 0)
		log_warn("%s", buffer_text(&lacking));
	buffer_deinit(&lacking);
	if (facts->nothing_sent)
		log_warn("%s", facts->nothing_sent);
	else
		print_all_failed(facts->all_failed, b);
}

/** says_promote() - of a run that was to end when decided; if it did not, the last line says so */
static bool says_promote(const struct decision_made *d)
{
	if (d->state != DECISION_PROMOTE && d->state != DECISION_REJECT)
		log_error("not decided: the run ended before the pairs showed whether to promote or to reject");
	return d->state == DECISION_PROMOTE;
}

/*
 * --fail-on: the last line says what came of it. A run that was to end when decided, and ended otherwise, has
 * shown nothing: no gate that happens to hold may pass it.
 */
static bool gate_passes(const struct document_gate *gate, const struct decision_made *d, bool was_to_decide)
{
	struct buffer line = { 0 };

	if (gate->result.passed && was_to_decide && d->state != DECISION_PROMOTE)
		return says_promote(d);
	gate_sentence(gate->gate, &gate->result, &line);
	if (gate->result.passed && d->state == DECISION_KEEP_WATCHING)
		buffer_add_str(&line, ", by its values; the pairs do not show it yet");
	if (gate->result.passed)
		log_info("%s", buffer_text(&line));
	else
		log_error("%s", buffer_text(&line));
	buffer_deinit(&line);
	return gate->result.passed;
}

static struct document_recording recording_facts(const struct recorder_stats *s)
{
	return (struct document_recording){ s->flows, s->packets, s->bytes, s->forgotten, s->dropped + s->unfiled };
}

int run_report(struct run *r)
{
	struct run_shape shape = {
		.live = r->live,
		.dry_run = r->o->dry_run,
		.has_ports = r->o->ports.count > 0,
		.has_expression = r->o->expression != NULL,
		.leaves_http2 = !stages_reads_http2(r->o),
		.vxlan_ports = r->o->vxlan_ports.port,
		.vxlan_port_count = r->o->vxlan_ports.count,
		.sample_share = r->sample.share,
	};
	struct facts_store store;
	struct document_facts facts;
	struct document_gate gate = { .gate = r->comparing ? comparing_gate(r->comparing) : NULL };
	struct all_failed failed[TARGETS_MAX];
	struct buffer why = { 0 };
	struct books b;
	bool is_recorded = recording_is_on(&r->recording), was_to_decide, passes = true;
	int recorded, events, written, cases;

	run_take_books(r, &b);
	explain_end(r->explain, &b);
	r->explain = NULL;
	event_writer_hand_on(r->outputs.events, &r->events);
	facts = run_facts_now(r, &b, &store);
	look_for_all_failed(r, &b, failed);
	facts.all_failed = failed;
	facts.warnings = buffer_span(lanes_complaints(r->lanes));
	fail_log_deinit(&r->fail_log, wall_now());
	if (why_nothing(&b, &shape, &why)) {
		why.len--; /* its newline */
		facts.nothing_sent = buffer_text(&why);
	}
	recorded = recording_finish(&r->recording);
	if (is_recorded) {
		store.recording = recording_facts(&r->recording.stats);
		facts.recording = &store.recording;
	}
	events = outputs_finish_events(&r->outputs);
	written = outputs_report(&r->outputs, &facts, gate.gate ? &gate : NULL);
	print_end(r, &b, &shape, &facts);
	cases = run_write_cases(r);
	buffer_deinit(&why);
	for (size_t i = 0; i < b.target_count; i++)
		all_failed_deinit(&failed[i]);
	if (recorded < 0 || events < 0 || written < 0 || cases < 0)
		r->status = EXIT_COULD_NOT;
	was_to_decide = r->o->compare.stop_when == STOP_WHEN_DECIDED;
	if (gate.gate)
		passes = gate_passes(&gate, &r->decision, was_to_decide);
	else if (was_to_decide) /* by the default */
		passes = says_promote(&r->decision);
	if (!passes && r->status == EXIT_DONE)
		r->status = EXIT_GATE;
	return r->refused > 0 ? EXIT_USAGE : r->status;
}
