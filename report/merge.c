/* merge.c - see merge.h; the members of a report that do not simply add up */
#include "report/merge.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/lines.h"
#include "base/shown.h"
#include "compare/tally/tally.h"
#include "report/merge_fleet.h"
#include "report/merge_values.h"
#include "report/replay_speed.h"

#define WARNINGS_MAX 1000

/* -- when ------------------------------------------------------------------------------ */

struct stretch {
	double from, to; /* Unix seconds */
};

static struct span text_of(const struct merge *m, size_t doc, uint32_t node)
{
	if (node == 0 || m->docs[doc].nodes[node].type != JSON_STRING)
		return span_of("", 0);
	return json_doc_text(&m->docs[doc], node);
}

static double seconds_of(const struct merge *m, size_t doc, uint32_t node)
{
	double seconds = node ? json_doc_double(&m->docs[doc], node) : 0;

	return seconds > 0 && seconds < 1e12 ? seconds : 0; /* not so for NaN */
}

/* "2026-11-22T10:00:00.123456789Z"; false if it is none */
static bool parse_time(struct span text, double *out)
{
	struct tm tm = { 0 };
	char day[40];
	const char *rest;

	if (text.len == 0 || text.len >= sizeof(day))
		return false;
	memcpy(day, text.at, text.len);
	day[text.len] = '\0';
	rest = strptime(day, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return false;
	*out = (double)timegm(&tm) + (*rest == '.' ? strtod(rest, NULL) : 0);
	return true;
}

static int by_from(const void *a, const void *b)
{
	const struct stretch *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* How long it was that at least one of them ran; their sum if it is not known when. */
static double seconds_together(const struct merge *m, const struct merge_set *started, const struct merge_set *seconds)
{
	struct stretch run[MERGE_REPORTS_MAX];
	double sum = 0, all = 0, until = -INFINITY;
	bool known = true;

	for (size_t i = 0; i < m->count; i++) {
		double took = seconds_of(m, i, seconds->node[i]);

		sum += took;
		run[i].from = 0;
		known = known && parse_time(text_of(m, i, started->node[i]), &run[i].from);
		run[i].to = run[i].from + took;
	}
	if (!known || m->count == 1)
		return sum;
	qsort(run, m->count, sizeof(run[0]), by_from);
	for (size_t i = 0; i < m->count; i++) {
		double from = run[i].from > until ? run[i].from : until;

		all += run[i].to > from ? run[i].to - from : 0;
		until = run[i].to > until ? run[i].to : until;
	}
	return all;
}

/** write_time() - the earliest of all, or the latest */
static void write_time(struct merge *m, const struct merge_set *s, bool latest)
{
	size_t best = merge_first(m, s);

	for (size_t i = 0; i < m->count; i++) {
		double mine, its;

		if (parse_time(text_of(m, i, s->node[i]), &mine) && parse_time(text_of(m, best, s->node[best]), &its) &&
		    (latest ? mine > its : mine < its))
			best = i;
	}
	if (best < m->count)
		merge_copy(m, best, s->node[best], 0);
	else
		json_null(&m->j);
}

/* -- what is not counted --------------------------------------------------------------- */

static void write_same(struct merge *m, const char *name, const struct merge_set *s)
{
	size_t first = merge_first(m, s);

	if (first == m->count || merge_differs(m, s)) {
		json_null(&m->j);
		if (first < m->count)
			buffer_printf(&m->warnings, "the reports differ in \"%s\": it is left out\n", name);
		return;
	}
	merge_copy(m, first, s->node[first], 0);
}

/** write_shared() - what all of them say, else null: each one's is in "merged" */
static void write_shared(struct merge *m, const struct merge_set *s)
{
	size_t first = merge_first(m, s);

	if (first == m->count || merge_differs(m, s))
		json_null(&m->j);
	else
		merge_copy(m, first, s->node[first], 0);
}

/* Several paces are none to which latencies belong. A report that does not say is one of before, at the recorded pace. */
static void write_speed(struct merge *m, const struct merge_set *s)
{
	enum replay_speed speed = replay_speed_of(&m->docs[0]);
	bool is_mixed = false;

	for (size_t i = 1; i < m->count; i++)
		is_mixed = is_mixed || replay_speed_of(&m->docs[i]) != speed ||
			   (speed == SPEED_OTHER && json_doc_double(&m->docs[0], s->node[0]) !=
							    json_doc_double(&m->docs[i], s->node[i]));
	if (is_mixed) {
		json_str(&m->j, "mixed");
		buffer_add_str(&m->warnings, "the reports were made at different paces: latencies are not judged\n");
	} else if (s->has[0]) {
		merge_copy(m, 0, s->node[0], 0);
	} else {
		json_exact(&m->j, 1);
	}
}

/* A sentence only if no run sent anything. */
static void write_nothing_sent(struct merge *m, const struct merge_set *s)
{
	for (size_t i = 0; i < m->count; i++)
		if (!s->has[i]) {
			json_null(&m->j);
			return;
		}
	merge_copy(m, 0, s->node[0], 0);
}

/* Only if each run that has the target says it, and the same. */
static void write_failed_target(struct merge *m, void *ctx, const char *name, const struct merge_set *s)
{
	struct merge_set reports = merge_reports(m), targets = merge_members(m, &reports, "targets"),
			 target = merge_members(m, &targets, name), how = merge_members(m, s, "how");
	size_t first = merge_first(m, s);

	(void)ctx;
	for (size_t i = 0; i < m->count; i++)
		if (s->has[i] ? !span_equal(text_of(m, first, how.node[first]), text_of(m, i, how.node[i])) : target.has[i])
			return;
	json_key(&m->j, name);
	merge_value(m, name, s, 0);
}

static void write_all_failed(struct merge *m, const struct merge_set *s)
{
	json_open(&m->j, '{');
	merge_each(m, s, NULL, write_failed_target);
	json_close(&m->j, '}');
}

static void write_version(struct merge *m, const struct merge_set *s)
{
	size_t first = merge_first(m, s);

	if (merge_differs(m, s))
		buffer_add_str(&m->warnings, "the reports were written by different versions of shadowtap; the first is named\n");
	if (first < m->count)
		merge_copy(m, first, s->node[first], 0);
	else
		json_null(&m->j);
}

static void write_warnings(struct merge *m, const struct merge_set *s)
{
	size_t left = WARNINGS_MAX;
	struct span lines = buffer_span(&m->warnings), line;

	json_key(&m->j, "warnings");
	json_open(&m->j, '[');
	while (line_take(&lines, &line))
		json_text(&m->j, line);
	for (size_t i = 0; i < m->count; i++) {
		const struct json_doc *d = &m->docs[i];
		uint32_t list = s->node[i];

		if (list == 0 || d->nodes[list].type != JSON_ARRAY)
			continue;
		for (uint32_t at = list + 1; at < d->nodes[list].next && left > 0; at = d->nodes[at].next, left--)
			if (d->nodes[at].type == JSON_STRING)
				merge_copy(m, i, at, 0);
	}
	json_close(&m->j, ']');
}

static void target_differs(struct merge *m, void *ctx, const char *name, const struct merge_set *target)
{
	struct merge_set url = merge_members(m, target, "url");
	size_t first = merge_first(m, &url);

	(void)ctx;
	for (size_t i = first; i < m->count; i++)
		if (url.node[i] && !span_equal(text_of(m, first, url.node[first]), text_of(m, i, url.node[i]))) {
			buffer_add_str(&m->warnings, "target \"");
			shown_add(&m->warnings, span_str(name));
			buffer_add_str(&m->warnings, "\" has different addresses; the first is named\n");
			return;
		}
}

/* -- the comparison -------------------------------------------------------------------- */

static struct tally *add_tally(struct merge *m, size_t doc, uint32_t node, struct tally *sum)
{
	struct buffer error = { 0 };
	struct tally *t = tally_read(&m->docs[doc], node, &error);
	int err;

	if (!t) {
		if (m->err == 0)
			buffer_printf(m->error, "report %zu of %zu cannot be merged: %s", doc + 1, m->count, buffer_text(&error));
		m->err = -EINVAL;
		buffer_deinit(&error);
		return sum;
	}
	buffer_deinit(&error);
	if (!sum)
		return t;
	err = tally_merge(sum, t);
	tally_free(t);
	if (err == -ENOSPC)
		merge_fail(m, doc, "targets", "with the others a list of more than 17");
	else if (err < 0)
		m->err = err;
	return sum;
}

/* Each rule that never matched, once. */
static void write_unmatched(struct merge *m, const struct merge_set *s)
{
	struct merge_set rules = merge_members(m, s, "rules_unmatched");
	struct buffer seen = { 0 }, line = { 0 };

	json_key(&m->j, "rules_unmatched");
	json_open(&m->j, '[');
	for (size_t i = 0; i < m->count; i++) {
		const struct json_doc *d = &m->docs[i];
		uint32_t list = rules.node[i];

		if (list == 0 || d->nodes[list].type != JSON_ARRAY)
			continue;
		for (uint32_t at = list + 1; at < d->nodes[list].next && seen.len < 1 << 20; at = d->nodes[at].next) {
			buffer_clear(&line);
			buffer_add(&line, "\n", 1);
			if (d->nodes[at].type == JSON_STRING)
				json_doc_unescape(d, at, &line);
			buffer_add(&line, "\n", 1);
			if (line.len <= 2 || (seen.len && memmem(seen.bytes, seen.len, line.bytes, line.len)))
				continue;
			buffer_add_span(&seen, buffer_span(&line));
			merge_copy(m, i, at, 0);
		}
	}
	json_close(&m->j, ']');
	buffer_deinit(&seen);
	buffer_deinit(&line);
}

/* What was asked of the first that has a decision; NULL: of none, or it is no condition. */
static struct gate *gate_of(struct merge *m, const struct merge_set *decisions)
{
	struct merge_set expressions = merge_members(m, decisions, "expression");
	size_t first = merge_first(m, &expressions);
	struct buffer text = { 0 }, error = { 0 };
	struct gate *gate = NULL;

	for (size_t i = first; i < m->count; i++)
		if (expressions.has[i] &&
		    !span_equal(text_of(m, first, expressions.node[first]), text_of(m, i, expressions.node[i]))) {
			buffer_add_str(&m->warnings, "the reports ask for different decisions; that of the first is made\n");
			break;
		}
	if (first < m->count && m->docs[first].nodes[expressions.node[first]].type == JSON_STRING) {
		json_doc_unescape(&m->docs[first], expressions.node[first], &text);
		gate_parse(buffer_span(&text), &gate, &error);
	}
	buffer_deinit(&text);
	buffer_deinit(&error);
	return gate;
}

static bool is_default(struct merge *m, const struct merge_set *decisions)
{
	struct merge_set defaults = merge_members(m, decisions, "is_default");
	size_t first = merge_first(m, &defaults);

	return first == m->count || m->docs[first].nodes[defaults.node[first]].type == JSON_TRUE;
}

/* Of all together, it is what the runs asked for, or what @asked asks for; and it takes as long as the longest wanted. */
static void write_decision(struct merge *m, const struct merge_set *comparisons, const struct gate *asked)
{
	struct merge_set decisions = merge_members(m, comparisons, "decision"),
			 watched = merge_members(m, &decisions, "watch_at_least_seconds");
	struct gate *made = asked ? NULL : gate_of(m, &decisions);
	struct decision_settings set = { .gate = asked ? asked : made, .is_default = !asked && is_default(m, &decisions) };
	struct buffer error = { 0 };

	if (!set.gate && gate_parse(span_str(DECISION_DEFAULT), &made, &error) == 0)
		set = (struct decision_settings){ .gate = made, .is_default = true };
	for (size_t i = 0; i < m->count; i++)
		set.watch_at_least_s = fmax(set.watch_at_least_s, seconds_of(m, i, watched.node[i]));
	if (set.gate)
		document_decision(&m->j, &set);
	gate_free(made);
	buffer_deinit(&error);
}

static void write_comparison(struct merge *m, const struct merge_set *s, const struct gate *gate)
{
	struct merge_set options = merge_members(m, s, "options");
	struct tally *sum = NULL;
	size_t with = 0;

	for (size_t i = 0; i < m->count && m->err == 0; i++)
		if (s->has[i]) {
			sum = add_tally(m, i, s->node[i], sum);
			with++;
		}
	if (m->err == 0 && sum) {
		if (with < m->count)
			buffer_printf(&m->warnings, "%zu of %zu reports hold no comparison\n", m->count - with, m->count);
		else if (merge_differs(m, &options))
			buffer_add_str(&m->warnings, "answers were compared with different options; those of the first report are shown\n");
		json_open(&m->j, '{');
		json_key(&m->j, "options");
		if (merge_first(m, &options) < m->count)
			merge_copy(m, merge_first(m, &options), options.node[merge_first(m, &options)], 0);
		else
			json_null(&m->j);
		write_unmatched(m, s);
		tally_json(sum, TALLY_WHOLE, &m->j);
		write_decision(m, s, gate);
		json_close(&m->j, '}');
	} else {
		json_null(&m->j);
	}
	tally_free(sum);
}

/* Who is in it: a merged report brings its own list along. */
static void write_merged(struct merge *m, const struct merge_set *reports)
{
	static const char *const members[] = { "shadowtap", "started", "seconds", "title", "labels", "host", "source" };
	struct merge_set merged = merge_members(m, reports, "merged");

	json_key(&m->j, "merged");
	json_open(&m->j, '[');
	for (size_t i = 0; i < m->count; i++) {
		const struct json_doc *d = &m->docs[i];
		uint32_t list = merged.node[i];

		if (list && d->nodes[list].type == JSON_ARRAY) {
			for (uint32_t at = list + 1; at < d->nodes[list].next; at = d->nodes[at].next)
				merge_copy(m, i, at, 0);
			continue;
		}
		json_open(&m->j, '{');
		for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
			uint32_t at = json_doc_member(d, 0, span_str(members[k]));

			json_key(&m->j, members[k]);
			if (at)
				merge_copy(m, i, at, 0);
			else
				json_null(&m->j);
		}
		json_close(&m->j, '}');
	}
	json_close(&m->j, ']');
}

/* -- the report ------------------------------------------------------------------------ */

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void write_member(struct merge *m, void *ctx, const char *name, const struct merge_set *s)
{
	static const char *const later[] = { "warnings", "gate", "merged", "comparison" };
	static const char *const settings[] = { "sample", "ramp", "cpu_governor" };
	static const char *const shared[] = { "title", "labels", "host", "user", "source", "options", "rules_text", "rules_sha256" };
	struct merge_set reports = merge_reports(m), seconds = merge_members(m, &reports, "seconds");

	(void)ctx;
	if (is_one_of(name, later, sizeof(later) / sizeof(later[0])))
		return;
	json_key(&m->j, name);
	if (strcmp(name, "shadowtap") == 0)
		write_version(m, s);
	else if (strcmp(name, "started") == 0 || strcmp(name, "first_request") == 0)
		write_time(m, s, false);
	else if (strcmp(name, "last_request") == 0)
		write_time(m, s, true);
	else if (is_one_of(name, shared, sizeof(shared) / sizeof(shared[0])))
		write_shared(m, s);
	else if (strcmp(name, "seconds") == 0) {
		struct merge_set started = merge_members(m, &reports, "started");

		json_exact(&m->j, seconds_together(m, &started, &seconds));
	} else if (is_one_of(name, settings, sizeof(settings) / sizeof(settings[0])))
		write_same(m, name, s);
	else if (strcmp(name, "speed") == 0)
		write_speed(m, s);
	else if (strcmp(name, "nothing_sent") == 0)
		write_nothing_sent(m, s);
	else if (strcmp(name, "all_failed") == 0)
		write_all_failed(m, s);
	else if (strcmp(name, "fleet") == 0)
		merge_fleet(m, s);
	else {
		if (strcmp(name, "targets") == 0)
			merge_each(m, s, NULL, target_differs);
		merge_value(m, name, s, 0);
	}
}

int report_merge(const struct json_doc *docs, size_t n, struct document_gate *gate, struct buffer *out, struct buffer *error)
{
	struct merge m = { .docs = docs, .count = n, .j = json_to(out), .error = error };
	struct merge_set reports = merge_reports(&m), warnings, comparisons;

	if (n == 0 || n > MERGE_REPORTS_MAX) {
		buffer_printf(error, "%zu reports cannot be merged: between 1 and %d can", n, MERGE_REPORTS_MAX);
		return -E2BIG;
	}
	for (size_t i = 0; i < n; i++)
		if (docs[i].count == 0 || docs[i].nodes[0].type != JSON_OBJECT ||
		    !json_doc_member(&docs[i], 0, SPAN_LITERAL("requests"))) {
			buffer_printf(error, "report %zu of %zu is no report of shadowtap: it has no \"requests\"", i + 1, n);
			return -EINVAL;
		}
	json_open(&m.j, '{');
	merge_each(&m, &reports, NULL, write_member);
	comparisons = merge_members(&m, &reports, "comparison");
	if (merge_first(&m, &comparisons) < n) { /* after what its decision may ask for */
		json_key(&m.j, "comparison");
		write_comparison(&m, &comparisons, gate ? gate->gate : NULL);
	}
	warnings = merge_members(&m, &reports, "warnings");
	if (n > 1)
		write_merged(&m, &reports);
	write_warnings(&m, &warnings);
	document_end(&m.j, m.err == 0 ? gate : NULL);
	if (m.err == 0 && (!buffer_ok(out) || !buffer_ok(&m.warnings)))
		m.err = -ENOMEM;
	buffer_deinit(&m.warnings);
	return m.err;
}
