/* metrics.c - see metrics.h; the rows of the books, and what does not fit them */
#include "report/metrics.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/units.h"
#include "report/books_names.h"

#define MICROSECONDS UINT64_C(1000000)

/** struct metric - one number of a struct, and what it is called */
struct metric {
	const char *name, *type, *help;
	size_t offset;
};

#define OF_TARGET(field) offsetof(struct books_target, field)
#define OF_FACTS(field) offsetof(struct metrics_facts, field)

/* clang-format off: tables read best as such */
static const struct metric target_times[] = {
	{ "shadowtap_exchange_duration_seconds", "histogram",
	  "From the first attempt (connect or write) to the last byte of the answer; answered exchanges.",
	  OF_TARGET(total) },
	{ "shadowtap_exchange_first_byte_seconds", "histogram",
	  "From the last byte of the request to the first of the answer; answered exchanges.", OF_TARGET(first_byte) },
};

static const struct metric facts_metrics[] = {
	{ "shadowtap_memory_used_bytes", "gauge", "Request bytes held anywhere now.", OF_FACTS(memory_used) },
	{ "shadowtap_memory_limit_bytes", "gauge", "The bound of shadowtap_memory_used_bytes: --max-memory.",
	  OF_FACTS(memory_limit) },
	{ "shadowtap_handover_waiting", "gauge", "Requests and events between the capture and the sender now.",
	  OF_FACTS(handover_waiting) },
	{ "shadowtap_events_dropped_total", "counter", "Lines of -o that were dropped because the file was slow.",
	  OF_FACTS(events_dropped) },
	{ "shadowtap_admin_answers_total", "counter", "Answers given at --admin.", OF_FACTS(admin_responses) },
	{ "shadowtap_admin_refused_total", "counter", "Connections to --admin that were refused because there were too many.",
	  OF_FACTS(admin_refused) },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t number_at(const void *in, size_t offset)
{
	return *(const uint64_t *)((const char *)in + offset);
}

/* ---- the format ---- */

static void family(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value is UTF-8 with three escapes. Names of targets are checked when they are read; this holds whatever they become. */
static void label_value(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			buffer_add(out, "\\", 1);
		if (*text == '\n')
			buffer_add_str(out, "\\n");
		else if ((unsigned char)*text >= 0x80)
			buffer_add(out, "?", 1);
		else
			buffer_add(out, text, 1);
	}
}

static void target_label(struct buffer *out, const char *target)
{
	buffer_add_str(out, "target=\"");
	label_value(out, target);
	buffer_add_str(out, "\"");
}

/* A family of its own? Its type, or NULL */
static const char *family_type(const struct book_row *row)
{
	if (!row->metric)
		return NULL;
	return row->type == BOOK_COUNTER ? "counter" : row->type == BOOK_GAUGE ? "gauge" : NULL;
}

/* The plain counters of the run */
static void rows_of_run(struct buffer *out, const struct book_rows *rows, const struct books *b)
{
	for (const struct book_row *row = rows->row; row < rows->row + rows->count; row++)
		if (family_type(row)) {
			family(out, row->metric, family_type(row), row->help);
			buffer_printf(out, "%s %" PRIu64 "\n", row->metric, number_at(b, row->offset));
		}
}

/* Those of @type as samples of one family, each with its own value of @label */
static void labelled(struct buffer *out, const char *name, const char *label, enum book_type type,
		     const struct book_rows *rows, const struct books *b)
{
	for (const struct book_row *row = rows->row; row < rows->row + rows->count; row++)
		if (row->metric && row->type == type)
			buffer_printf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label, row->metric,
				      number_at(b, row->offset));
}

/** part() - one sample of an equality; @target NULL: of the run */
static void part(struct buffer *out, const char *name, const char *target, const char *result, const char *reason,
		 uint64_t n)
{
	buffer_printf(out, "%s{", name);
	if (target) {
		target_label(out, target);
		buffer_add_str(out, ",");
	}
	buffer_printf(out, "result=\"%s\",reason=\"%s\"} %" PRIu64 "\n", result, reason ? reason : "", n);
}

static void parts(struct buffer *out, const char *name, const char *target, const struct book_name *names,
		  const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		part(out, name, target, names[i].group, names[i].name, values[i]);
}

static void seconds(struct buffer *out, uint64_t us)
{
	buffer_printf(out, "%" PRIu64 ".%06" PRIu64 "\n", us / MICROSECONDS, us % MICROSECONDS);
}

static void ratio(struct buffer *out, uint64_t share)
{
	buffer_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", share / SHARE_ONE, share % SHARE_ONE);
}

/** times() - one histogram; @target NULL: of the run */
static void times(struct buffer *out, const char *name, const char *target, const struct quantiles *q)
{
	static const char *const bounds[] = {
#define X(us, text) text,
		DURATION_BOUNDS(X)
#undef X
		"+Inf",
	};

	for (size_t i = 0; i < COUNT(bounds); i++) {
		buffer_printf(out, "%s_bucket{", name);
		if (target) {
			target_label(out, target);
			buffer_add_str(out, ",");
		}
		buffer_printf(out, "le=\"%s\"} %" PRIu64 "\n", bounds[i], i < BOOKS_DURATION_BOUNDS ? q->upto[i] : q->count);
	}
	for (int count = 0; count <= 1; count++) {
		buffer_printf(out, "%s_%s", name, count ? "count" : "sum");
		if (target) {
			buffer_add_str(out, "{");
			target_label(out, target);
			buffer_add_str(out, "}");
		}
		buffer_add_str(out, " ");
		if (count)
			buffer_printf(out, "%" PRIu64 "\n", q->count);
		else
			seconds(out, q->sum);
	}
}

/* ---- what there is ---- */

static void of_ourselves(const struct metrics_facts *f, struct buffer *out)
{
	family(out, "shadowtap_build_info", "gauge", "Always 1; the version is the label.");
	buffer_add_str(out, "shadowtap_build_info{version=\"");
	label_value(out, f->version);
	buffer_add_str(out, "\"} 1\n");
	family(out, "process_start_time_seconds", "gauge", "When shadowtap was started, Unix time.");
	buffer_printf(out, "process_start_time_seconds %.3f\n", f->started_s);
	family(out, "process_cpu_seconds_total", "counter", "CPU time that shadowtap itself took, user and system.");
	buffer_printf(out, "process_cpu_seconds_total %.3f\n", f->cpu_s);
	if (f->resident_bytes > 0) {
		family(out, "process_resident_memory_bytes", "gauge", "Memory of shadowtap itself.");
		buffer_printf(out, "process_resident_memory_bytes %" PRIu64 "\n", f->resident_bytes);
	}
	family(out, "shadowtap_capturing", "gauge", "1 while packets are captured or a recording is read, else 0.");
	buffer_printf(out, "shadowtap_capturing %d\n", f->capturing);
	for (const struct metric *m = facts_metrics; m < facts_metrics + COUNT(facts_metrics); m++) {
		family(out, m->name, m->type, m->help);
		buffer_printf(out, "%s %" PRIu64 "\n", m->name, number_at(f, m->offset));
	}
	family(out, "shadowtap_config_reloads_total", "counter", "SIGHUPs, by whether the configuration was taken over.");
	buffer_printf(out, "shadowtap_config_reloads_total{result=\"read\"} %" PRIu64 "\n", f->config_read);
	buffer_printf(out, "shadowtap_config_reloads_total{result=\"refused\"} %" PRIu64 "\n", f->config_refused);
}

static void of_capture(const struct books *b, struct buffer *out)
{
	static const char dropped[] = "shadowtap_capture_dropped_packets_total";
	static const char traits[] = "shadowtap_connections_noted_total";

	family(out, "shadowtap_packets_total", "counter", "Packets received, by what became of them; each counts once.");
	parts(out, "shadowtap_packets_total", NULL, result_names, b->packets.result, PACKET_RESULT_COUNT);
	family(out, dropped, "counter", "Packets that never reached shadowtap: the kernel's buffer was full, or the interface dropped them.");
	labelled(out, dropped, "by", BOOK_DROPPED, &packet_rows, b);
	rows_of_run(out, &packet_rows, b);
	rows_of_run(out, &request_rows, b);
	rows_of_run(out, &connection_rows, b);
	rows_of_run(out, &http2_rows, b);
	rows_of_run(out, &tls_rows, b);
	family(out, "shadowtap_tls_keys_late_seconds", "histogram",
	       "Connections with TLS that were read, but whose first record had to wait for its secret: for how long.");
	times(out, "shadowtap_tls_keys_late_seconds", NULL, &b->tls.late);
	family(out, "shadowtap_recording_blocks_skipped_total", "counter", "Blocks of pcapng recordings that are no packets and were passed over, by kind.");
	parts(out, "shadowtap_recording_blocks_skipped_total", NULL, block_skip_names, b->packets.block_skip, BLOCK_SKIP_COUNT);
	if (b->relay.shown)
		rows_of_run(out, &relay_rows, b);
	if (b->fleet.is_on)
		rows_of_run(out, &fleet_rows, b);
	family(out, traits, "counter", "Connections with this trait; one may have several.");
	labelled(out, traits, "trait", BOOK_TRAIT, &connection_rows, b);
}

static void taps_by_state(const struct books_fleet *f, struct buffer *out)
{
	family(out, "shadowtap_fleet_taps", "gauge", "Runs of taps that are known, by state: silent, without a last word for ten seconds.");
	buffer_printf(out, "shadowtap_fleet_taps{state=\"live\"} %" PRIu64 "\n", (uint64_t)f->tap_count - f->silent - f->final);
	buffer_printf(out, "shadowtap_fleet_taps{state=\"silent\"} %" PRIu64 "\n", f->silent);
	buffer_printf(out, "shadowtap_fleet_taps{state=\"final\"} %" PRIu64 "\n", f->final);
}

static void tap_skews(const struct books_fleet *f, struct buffer *out)
{
	bool any = false;

	for (size_t i = 0; i < f->tap_count; i++) {
		const struct fleet_tap *t = &f->taps[i];

		if (!t->has_skew || t->is_final || t->is_silent)
			continue;
		if (!any)
			family(out, "shadowtap_tap_skew_seconds", "gauge", "A live tap's clock less the broker's, and the way there.");
		any = true;
		buffer_add_str(out, "shadowtap_tap_skew_seconds{tap=\"");
		label_value(out, t->tap);
		buffer_add_str(out, "\",run=\"");
		label_value(out, t->run);
		buffer_printf(out, "\"} %.6f\n", (double)t->skew_us / MICROSECONDS);
	}
}

static void of_fleet(const struct books *b, struct buffer *out)
{
	const struct books_fleet *f = &b->fleet;
	static const char malformed[] = "shadowtap_fleet_malformed_total";

	family(out, malformed, "counter", "Records that are not what they should be, and were not sent, by what is wrong.");
	for (int i = 1; i < RECORD_FAULT_COUNT; i++)
		buffer_printf(out, "%s{reason=\"%s\"} %" PRIu64 "\n", malformed, malformed_names[i].name, f->malformed[i]);
	taps_by_state(f, out);
	family(out, "shadowtap_fleet_missing", "gauge", "Numbers that taps gave to records which the broker lost.");
	buffer_printf(out, "shadowtap_fleet_missing %" PRIu64 "\n", f->all.missing);
	family(out, "shadowtap_fleet_evicted", "gauge", "Numbers of records that the broker discarded before they were reached.");
	buffer_printf(out, "shadowtap_fleet_evicted %" PRIu64 "\n", f->all.evicted);
	tap_skews(f, out);
}

static void of_requests(const struct books *b, const struct metrics_facts *f, struct buffer *out)
{
	static const char requests[] = "shadowtap_requests_total";

	family(out, requests, "counter", "Requests seen, by what became of them; each counts once, when it is complete or lost.");
	parts(out, requests, NULL, lost_names, b->requests.lost, LOST_REASON_COUNT);
	parts(out, requests, NULL, decision_names, b->requests.decision, DECISION_COUNT);
	family(out, "shadowtap_sample_ratio", "gauge", "Share of the matching requests that is mirrored now.");
	buffer_add_str(out, "shadowtap_sample_ratio ");
	ratio(out, f->sample_share);
	family(out, "shadowtap_sample_asked_ratio", "gauge",
	       "The share that was asked for or that the ramp has reached; more than shadowtap_sample_ratio while --max-cpu lowers it.");
	buffer_add_str(out, "shadowtap_sample_asked_ratio ");
	ratio(out, f->sample_asked);
	family(out, "shadowtap_replay_lateness_seconds", "histogram",
	       "Recordings: how far behind its schedule a request was handed to the targets.");
	times(out, "shadowtap_replay_lateness_seconds", NULL, &b->lateness);
}

static void breaker_states(const struct books *b, struct buffer *out)
{
	static const char *const states[] = { "closed", "open", "probing" };
	static const char name[] = "shadowtap_target_breaker_state";

	family(out, name, "gauge", "1 for the state that the target's breaker is in, 0 for the others.");
	for (size_t i = 0; i < b->target_count; i++)
		for (size_t k = 0; k < COUNT(states); k++) {
			buffer_printf(out, "%s{", name);
			target_label(out, b->target[i].name);
			buffer_printf(out, ",state=\"%s\"} %d\n", states[k], strcmp(states[k], b->target[i].breaker) == 0);
		}
}

static void target_parts(const struct books *b, struct buffer *out)
{
	static const char requests[] = "shadowtap_target_requests_total", exchanges[] = "shadowtap_exchanges_total";

	family(out, requests, "counter", "Chosen requests, by what the target did with them; each counts once.");
	for (size_t i = 0; i < b->target_count; i++) {
		const struct books_target *t = &b->target[i];

		part(out, requests, t->name, "unsampled", NULL, t->unsampled);
		parts(out, requests, t->name, shed_names, t->shed, SHED_COUNT);
		part(out, requests, t->name, "sent", NULL, t->sent);
	}
	family(out, exchanges, "counter", "Exchanges with the target, by how they ended; each counts once.");
	for (size_t i = 0; i < b->target_count; i++)
		parts(out, exchanges, b->target[i].name, outcome_names, b->target[i].outcome, OUTCOME_COUNT);
}

static void grpc_statuses(const struct books *b, struct buffer *out)
{
	static const char name[] = "shadowtap_target_grpc_total";

	family(out, name, "counter", "Answered calls of gRPC, by status, those statuses that there were.");
	for (size_t i = 0; i < b->target_count; i++)
		for (size_t k = 0; k < GRPC_STATUS_COUNT; k++) {
			if (b->target[i].grpc[k] == 0)
				continue;
			buffer_printf(out, "%s{", name);
			target_label(out, b->target[i].name);
			buffer_printf(out, ",status=\"%s\"} %" PRIu64 "\n", grpc_names[k].name, b->target[i].grpc[k]);
		}
}

static void comparisons(const struct books *b, const struct metrics_facts *f, struct buffer *out)
{
	static const char name[] = "shadowtap_comparisons_total", generated[] = "shadowtap_generated_different_total";
	static const char decisions[] = "shadowtap_decisions_total";

	family(out, name, "counter", "Pairs of answers, production's and the target's, by verdict; only with --compare.");
	for (size_t i = 0; i < b->target_count; i++)
		for (int v = 0; v < COMPARISON_COUNT; v++) {
			buffer_printf(out, "%s{", name);
			target_label(out, b->target[i].name);
			buffer_printf(out, ",verdict=\"%s\"} %" PRIu64 "\n", comparison_name((enum comparison_verdict)v),
				      f->compared[i].verdict[v]);
		}
	family(out, generated, "counter",
	       "Of the pairs with the verdict value, those where the text of a language model differs and nothing else.");
	for (size_t i = 0; i < b->target_count; i++) {
		buffer_printf(out, "%s{", generated);
		target_label(out, b->target[i].name);
		buffer_printf(out, "} %" PRIu64 "\n", f->compared[i].generated_different);
	}
	family(out, decisions, "counter", "Decisions of the models in the pairs compared, by whether both decided the same.");
	for (size_t i = 0; i < b->target_count; i++)
		for (int agree = 1; agree >= 0; agree--) {
			buffer_printf(out, "%s{", decisions);
			target_label(out, b->target[i].name);
			buffer_printf(out, ",agree=\"%s\"} %" PRIu64 "\n", agree ? "yes" : "no",
				      agree ? f->compared[i].agree : f->compared[i].disagree);
		}
	family(out, "shadowtap_comparing_open_requests", "gauge", "Requests kept now because a pair of answers is not decided yet.");
	buffer_printf(out, "shadowtap_comparing_open_requests %" PRIu64 "\n", f->comparing_open);
}

static void rows_of_targets(struct buffer *out, const struct books *b)
{
	for (const struct book_row *row = target_rows.row; row < target_rows.row + target_rows.count; row++) {
		if (!family_type(row))
			continue;
		family(out, row->metric, family_type(row), row->help);
		for (size_t i = 0; i < b->target_count; i++) {
			buffer_printf(out, "%s{", row->metric);
			target_label(out, b->target[i].name);
			buffer_printf(out, "} %" PRIu64 "\n", number_at(&b->target[i], row->offset));
		}
	}
}

static void of_targets(const struct books *b, const struct metrics_facts *f, struct buffer *out)
{
	target_parts(b, out);
	grpc_statuses(b, out);
	if (f->comparing)
		comparisons(b, f, out);
	for (size_t k = 0; k < COUNT(target_times); k++) {
		family(out, target_times[k].name, target_times[k].type, target_times[k].help);
		for (size_t i = 0; i < b->target_count; i++)
			times(out, target_times[k].name, b->target[i].name,
			      (const struct quantiles *)((const char *)&b->target[i] + target_times[k].offset));
	}
	rows_of_targets(out, b);
	family(out, "shadowtap_target_queue_limit_requests", "gauge", "The bound of shadowtap_target_queued_requests: --queue.");
	for (size_t i = 0; i < b->target_count; i++) {
		buffer_add_str(out, "shadowtap_target_queue_limit_requests{");
		target_label(out, b->target[i].name);
		buffer_printf(out, "} %" PRIu64 "\n", f->queue_limit);
	}
	family(out, "shadowtap_target_sample_ratio", "gauge", "Share of the chosen requests that the target gets.");
	for (size_t i = 0; i < b->target_count; i++) {
		buffer_add_str(out, "shadowtap_target_sample_ratio{");
		target_label(out, b->target[i].name);
		buffer_add_str(out, "} ");
		ratio(out, f->target_share[i]);
	}
	breaker_states(b, out);
}

static void of_relay(const struct books *b, struct buffer *out)
{
	static const char offered[] = "shadowtap_relay_records_total", word[] = "shadowtap_relay_ack_seconds";

	family(out, offered, "counter", "Requests and responses for the broker, by what became of them; each counts once.");
	parts(out, offered, NULL, relay_shed_names, b->relay.relay_shed, RELAY_SHED_COUNT);
	parts(out, offered, NULL, relay_result_names, b->relay.relay_result, RELAY_RESULT_COUNT);
	family(out, word, "histogram", "From writing a record to the broker to its word about it.");
	times(out, word, NULL, &b->relay.words);
}

void metrics_text(const struct books *b, const struct metrics_facts *facts, struct buffer *out)
{
	of_ourselves(facts, out);
	of_capture(b, out);
	of_requests(b, facts, out);
	if (b->relay.shown)
		of_relay(b, out);
	if (b->fleet.is_on)
		of_fleet(b, out);
	if (b->target_count > 0) /* a dry run has none, and a family without a sample says nothing */
		of_targets(b, facts, out);
}
