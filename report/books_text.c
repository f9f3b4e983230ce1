/*
 * books_text.c - the totals as a person reads them when the run is over
 *
 * Each line is one equality of docs/contract.md, "Books", with its names, so
 * that what was read on a screen can be looked up in the manual and compared
 * with the JSON. Parts that are zero are left out, except the groups
 * themselves.
 */
#include <inttypes.h>
#include <string.h>

#include "report/books.h"
#include "report/books_names.h"

#define SKEW_TOLD_US 100000 /* of a tap's clock */

/* "ignored 24 (not_tcp 20, port 4)" for the entries of one group; returns the sum */
static uint64_t group_text(struct buffer *out, const char *group, const struct book_name *names,
			   const uint64_t *values, size_t count)
{
	uint64_t total = 0;
	const char *between = " (";

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i].group, group) == 0)
			total += values[i];
	buffer_printf(out, "%s %" PRIu64, group, total);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i].group, group) != 0 || !names[i].name || values[i] == 0)
			continue;
		buffer_printf(out, "%s%s %" PRIu64, between, names[i].name, values[i]);
		between = ", ";
	}
	if (between[0] == ',')
		buffer_add_str(out, ")");
	return total;
}

/* all groups of a table in its order, joined by " + " */
static void sum_text(struct buffer *out, const struct book_name *names, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(names[i].group, names[i - 1].group) == 0)
			continue;
		if (i > 0)
			buffer_add_str(out, " + ");
		group_text(out, names[i].group, names, values, count);
	}
}

static void packets_text(const struct books *b, struct buffer *out)
{
	buffer_printf(out, "packets.received %" PRIu64 " = ", b->packets.received);
	sum_text(out, result_names, b->packets.result, PACKET_RESULT_COUNT);
	buffer_printf(out, "; dropped_kernel %" PRIu64 "\n", b->packets.dropped_kernel);
}

static void requests_text(const struct books *b, struct buffer *out)
{
	/* The table of decisions ends with shed; docs/contract.md, "Books", has chosen last, as people read it. */
	buffer_printf(out, "requests.seen %" PRIu64 " = complete %" PRIu64 " + ", b->requests.seen,
		      b->requests.complete);
	group_text(out, "lost", lost_names, b->requests.lost, LOST_REASON_COUNT);
	buffer_printf(out, "\nrequests.complete %" PRIu64 " = ", b->requests.complete);
	group_text(out, "filtered", decision_names, b->requests.decision, DECISION_COUNT);
	buffer_add_str(out, " + ");
	group_text(out, "unsampled", decision_names, b->requests.decision, DECISION_COUNT);
	buffer_add_str(out, " + ");
	group_text(out, "shed", decision_names, b->requests.decision, DECISION_COUNT);
	buffer_printf(out, " + chosen %" PRIu64 "\n", b->requests.decision[DECISION_CHOSEN]);
}

static void milliseconds(struct buffer *out, const char *name, uint64_t us)
{
	buffer_printf(out, " %s %.*f ms", name, us < 10000 ? 2 : us < 100000 ? 1 : 0, (double)us / 1000);
}

static void times_text(struct buffer *out, const struct quantiles *q)
{
	milliseconds(out, "p50", q->p50);
	milliseconds(out, "p99", q->p99);
	milliseconds(out, "max", q->max);
	buffer_add_str(out, "\n");
}

/** tls_text() - where TLS was met with secrets at hand */
static void tls_text(const struct books *b, struct buffer *out)
{
	if (b->tls.seen == 0)
		return;
	buffer_printf(out, "tls.seen %" PRIu64 " = ", b->tls.seen);
	sum_text(out, tls_fate_names, b->tls.tls_fate, TLS_FATE_COUNT);
	buffer_add_str(out, "\n");
	if (b->tls.late.count > 0) {
		buffer_printf(out, "tls: keys came after the data in %" PRIu64 " connection%s, by", b->tls.late.count,
			      b->tls.late.count == 1 ? "" : "s");
		times_text(out, &b->tls.late);
	}
}

static void grpc_text(const struct books_target *t, struct buffer *out)
{
	const char *between = " grpc ";

	for (size_t i = 0; i < GRPC_STATUS_COUNT; i++) {
		if (t->grpc[i] == 0)
			continue;
		if (between[0] == ' ')
			buffer_add_str(out, t->name);
		buffer_printf(out, "%s%s %" PRIu64, between, grpc_names[i].name, t->grpc[i]);
		between = ", ";
	}
	if (between[0] != ' ')
		buffer_add_str(out, "\n");
}

static void target_text(const struct books_target *t, struct buffer *out)
{
	buffer_printf(out, "%s.chosen %" PRIu64 " = unsampled %" PRIu64 " + ", t->name, t->chosen, t->unsampled);
	group_text(out, "shed", shed_names, t->shed, SHED_COUNT);
	buffer_printf(out, " + sent %" PRIu64 "  [%s]\n", t->sent, t->shown);
	buffer_printf(out, "%s.sent %" PRIu64 " = ", t->name, t->sent);
	sum_text(out, outcome_names, t->outcome, OUTCOME_COUNT);
	buffer_add_str(out, "\n");
	grpc_text(t, out);
	if (t->total.count == 0)
		return;
	buffer_printf(out, "%s answers after", t->name);
	milliseconds(out, "p50", t->total.p50);
	milliseconds(out, "p90", t->total.p90);
	milliseconds(out, "p99", t->total.p99);
	milliseconds(out, "max", t->total.max);
	buffer_add_str(out, "\n");
}

static void relay_text(const struct books_relay *r, struct buffer *out)
{
	buffer_printf(out, "relay.offered %" PRIu64 " (requests %" PRIu64 ", responses %" PRIu64 ") = ", r->offered, r->requests, r->responses);
	group_text(out, "shed", relay_shed_names, r->relay_shed, RELAY_SHED_COUNT);
	buffer_printf(out, " + published %" PRIu64 "  [%s]\nrelay.published %" PRIu64 " = ", r->published, r->shown, r->published);
	sum_text(out, relay_result_names, r->relay_result, RELAY_RESULT_COUNT);
	buffer_add_str(out, "\n");
	if (r->words.count == 0)
		return;
	buffer_add_str(out, "relay has the broker's word after");
	milliseconds(out, "p50", r->words.p50);
	milliseconds(out, "p99", r->words.p99);
	milliseconds(out, "max", r->words.max);
	buffer_add_str(out, "\n");
}

/* What taps numbered: parts that are zero are left out */
static void taps_text(const struct books_fleet *f, struct buffer *out)
{
	const char *between = "=";

	buffer_printf(out, "taps %zu (%" PRIu64 " silent): next_sequence %" PRIu64, f->tap_count, f->silent, f->all.next_sequence);
#define X(field, what)                                                                                       \
	if (f->all.field > 0) {                                                                              \
		buffer_printf(out, " %s " #field " %" PRIu64, between, f->all.field);                        \
		between = "+";                                                                               \
	}
	TAP_NUMBERS(X)
#undef X
	buffer_add_str(out, f->is_whole ? "\n" : ", of the partitions that were seen\n");
}

/* A clock that is off shifts the recorded pace of its tap's requests; nothing else goes by it. */
static void skews_text(const struct books_fleet *f, struct buffer *out)
{
	for (size_t i = 0; i < f->tap_count; i++) {
		const struct fleet_tap *t = &f->taps[i];

		if (!t->has_skew || (t->skew_us <= SKEW_TOLD_US && t->skew_us >= -SKEW_TOLD_US))
			continue;
		buffer_printf(out, "tap %s has a clock that is %" PRId64 " ms %s the broker's: at the recorded pace its requests go at another time than those of other taps\n",
			      t->tap, (t->skew_us > 0 ? t->skew_us : -t->skew_us) / 1000, t->skew_us > 0 ? "ahead of" : "behind");
	}
}

static void fleet_text(const struct books_fleet *f, struct buffer *out)
{
	buffer_printf(out, "fleet.received %" PRIu64 " = ", f->received);
	group_text(out, "malformed", malformed_names, f->malformed, RECORD_FAULT_COUNT);
	buffer_printf(out, " + expired %" PRIu64 " + fenced_off %" PRIu64 " + claimed %" PRIu64 "; lost_at_crash %" PRIu64 "\n", f->expired,
		      f->fenced_off, f->claimed, f->lost_at_crash);
	taps_text(f, out);
	skews_text(f, out);
}

void books_text(const struct books *b, struct buffer *out)
{
	if (b->fleet.is_on)
		fleet_text(&b->fleet, out);
	else
		packets_text(b, out);
	tls_text(b, out);
	requests_text(b, out);
	for (size_t i = 0; i < b->target_count; i++)
		target_text(&b->target[i], out);
	if (b->relay.shown)
		relay_text(&b->relay, out);
	if (b->lateness.count > 0) {
		buffer_add_str(out, "schedule kept within");
		times_text(out, &b->lateness);
	}
}
