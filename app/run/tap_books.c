/* tap_books.c - the books on demand, and all that is said at the end */
#include "app/run/tap_impl.h"
#include "base/log.h"
#include "report/why.h"

void tap_take_books(struct tap *t, struct books *b)
{
	struct lanes_stats stats;
	struct books_sources from = {
		.capture = &stats.capture,
		.unread = &stats.unread,
		.reassembly = &stats.reassembly,
		.policy = &stats.policy,
		.intake = t->replay ? intake_stats(t->intake) : NULL,
		.leftover = t->leftover,
		.target_count = t->replay ? replay_target_count(t->replay) : 0,
	};

	lanes_stats(t->lanes, &stats);
	for (size_t i = 0; i < from.target_count; i++)
		from.targets[i] = (struct books_target_source){
			.name = replay_target_name(t->replay, i),
			.shown = replay_target_shown(t->replay, i),
			.breaker = replay_breaker_state(t->replay, i),
			.stats = replay_target_stats(t->replay, i),
		};
	books_take(&from, b);
}

void tap_refresh(void *ctx, struct books *b, uint64_t *done, uint64_t *total)
{
	struct tap *t = ctx;

	uint64_t taken = counter_get(&intake_stats(t->intake)->taken), waiting = lanes_waiting(t->lanes);

	tap_take_books(t, b);
	lanes_progress(t->lanes, done, total);
	/* A recording is read ahead of its pace: what waits in the ring is read, but not done. */
	if (taken + waiting > 0)
		*done = (uint64_t)((double)*done * (double)taken / (double)(taken + waiting));
}

struct run_facts tap_facts_now(struct tap *t, const struct books *b, struct facts_store *store)
{
	static const struct buffer none;

	return (struct run_facts){
		.started = time_text(t->started_at, store->started),
		.seconds = (double)(mono_now().ns - t->started.ns) / 1e9,
		.interrupted = t->interrupted,
		.dry_run = t->o->dry_run,
		.speed = t->o->speed,
		.speed_max = t->o->speed_max,
		.complaints = &none,
		.events_dropped = t->outputs.events ? event_writer_dropped(t->outputs.events) : 0,
		.sink_requests = t->replay ? replay_sink_requests(t->replay) : 0,
		.sample = &t->sample,
		.pace = pace_of(b, intake_stats(t->intake), &store->pace) ? &store->pace : NULL,
		.config_read = t->config_read,
		.config_refused = t->config_refused,
		.comparing = t->comparing,
	};
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
static void look_for_all_failed(const struct tap *t, const struct books *b, struct all_failed *out)
{
	for (size_t i = 0; i < b->target_count; i++)
		all_failed_look(&b->target[i], t->o->max_time_ns,
				!t->comparing || comparing_count(t->comparing, i, COMPARISON_STATUS) > 0, &out[i]);
}

static void print_end(struct tap *t, const struct books *b, const struct run_shape *shape, const struct run_facts *facts)
{
	struct buffer imbalance = { 0 }, lacking = { 0 };

	progress_print_books(&t->progress, b);
	if (facts->pace)
		print_pace(facts->pace);
	if (facts->comparing)
		print_comparing(facts->comparing);
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

/* --fail-on: the last line says what came of it. */
static bool gate_passes(const struct comparing *comparing)
{
	struct buffer line = { 0 };
	bool passes = comparing_gate(comparing, &line);

	if (!passes)
		log_error("%s", buffer_text(&line));
	else if (line.len > 0)
		log_info("%s", buffer_text(&line));
	buffer_deinit(&line);
	return passes;
}

int tap_report(struct tap *t)
{
	struct run_shape shape = {
		.live = t->live,
		.dry_run = t->o->dry_run,
		.interrupted = t->interrupted,
		.has_ports = t->o->ports.count > 0,
		.has_expression = t->o->expression != NULL,
		.vxlan_ports = t->o->vxlan_ports.port,
		.vxlan_port_count = t->o->vxlan_ports.count,
		.sample_share = t->sample.share,
	};
	struct facts_store store;
	struct run_facts facts;
	struct all_failed failed[TARGETS_MAX];
	struct buffer why = { 0 };
	struct books b;
	int recorded, events, written;

	tap_take_books(t, &b);
	explain_end(t->explain, &b);
	t->explain = NULL;
	event_writer_hand_on(t->outputs.events, &t->events);
	facts = tap_facts_now(t, &b, &store);
	look_for_all_failed(t, &b, failed);
	facts.all_failed = failed;
	facts.complaints = lanes_complaints(t->lanes);
	facts.recording = recording_is_on(&t->recording) ? &t->recording.stats : NULL;
	fail_log_deinit(&t->fail_log, wall_now());
	if (why_nothing(&b, &shape, &why)) {
		why.len--; /* its newline */
		facts.nothing_sent = buffer_text(&why);
	}
	recorded = recording_finish(&t->recording);
	events = outputs_finish_events(&t->outputs);
	written = outputs_report(&t->outputs, &b, &facts);
	print_end(t, &b, &shape, &facts);
	buffer_deinit(&why);
	for (size_t i = 0; i < b.target_count; i++)
		all_failed_deinit(&failed[i]);
	if (recorded < 0 || events < 0 || written < 0)
		t->status = EXIT_COULD_NOT;
	if (t->comparing && !gate_passes(t->comparing) && t->status == EXIT_DONE)
		t->status = EXIT_GATE;
	return t->refused > 0 ? EXIT_USAGE : t->status;
}
