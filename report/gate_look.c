/* gate_look.c - see gate_look.h */
#include "report/gate_look.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return json_doc_member(d, node, span_str(name));
}

static enum gate_truth holds(const struct gate_term *t, double value)
{
	if (isnan(value))
		return GATE_UNKNOWN;
	switch (t->op) {
	case GATE_ABOVE:
		return value > t->limit ? GATE_TRUE : GATE_FALSE;
	case GATE_AT_LEAST:
		return value >= t->limit ? GATE_TRUE : GATE_FALSE;
	case GATE_BELOW:
		return value < t->limit ? GATE_TRUE : GATE_FALSE;
	case GATE_AT_MOST:
		return value <= t->limit ? GATE_TRUE : GATE_FALSE;
	case GATE_IS:
		return value == t->limit ? GATE_TRUE : GATE_FALSE;
	case GATE_IS_NOT:
		return value != t->limit ? GATE_TRUE : GATE_FALSE;
	}
	return GATE_UNKNOWN;
}

static const char *reason(const struct gate_term *t)
{
	if (t->value->kind == GATE_TIME || (t->value->kind == GATE_RATIO && strstr(t->value->name, "ratio")))
		return "nothing was measured, or it lies among the timeouts";
	return "there is nothing that it could be computed from";
}

static double number_at(const struct json_doc *d, uint32_t node, const char *first, const char *second)
{
	uint32_t at = member(d, node, first);

	if (at && second)
		at = member(d, at, second);
	return at ? json_doc_double(d, at) : NAN;
}

static bool says(const struct json_doc *d, uint32_t node, const char *name, const char *what)
{
	uint32_t at = member(d, node, name);

	return at && d->nodes[at].type == JSON_STRING && json_doc_says(d, at, span_str(what));
}

/*
 * A generated text that differs counts as no mismatch without a control, so a
 * run of a language model would pass whatever the shadow says. Where such texts
 * are most of what was compared, a rate of mismatches that is low says nothing.
 */
static bool is_excused(const struct gate_term *t, const struct json_doc *d, uint32_t node)
{
	uint32_t noise = member(d, node, "noise");

	if (strncmp(t->value->path, "mismatch", 8) != 0 && strncmp(t->value->path, "noise.", 6) != 0)
		return false;
	return number_at(d, node, "generated", "different") > 0 &&
	       2 * number_at(d, node, "generated", "pairs") > number_at(d, node, "compared", NULL) &&
	       !says(d, node, "role", "control") && !(noise && says(d, noise, "source", "control"));
}

static bool begins(const char *path, const char *with)
{
	return strncmp(path, with, strlen(with)) == 0;
}

/*
 * Times of the shadow at a pace that was not production's: beside production's
 * they say nothing, and as fast as possible not even alone. Production's own,
 * and the share of timeouts, are what they are.
 */
static bool is_beside_the_pace(const struct gate_term *t, enum replay_speed speed)
{
	const char *path = t->value->path;
	bool compares = begins(path, "latency_us.difference.") || begins(path, "goodput.delta.") || strstr(path, "_ratio");
	bool is_shadows = begins(path, "latency_us.shadow.") || begins(path, "streams.shadow.") || begins(path, "goodput.shadow.");

	return t->value->scope == GATE_COMPARED &&
	       ((compares && speed != SPEED_RECORDED) || (is_shadows && speed == SPEED_MAX));
}

static struct gate_found look(const struct gate_look *l, const struct gate_term *t, uint32_t node, const char *name)
{
	struct gate_found f = { .node = node, .value = gate_value_read(t->value, l->report, node) };

	snprintf(f.target, sizeof(f.target), "%s", name);
	f.truth = holds(t, f.value);
	if (f.truth == GATE_UNKNOWN)
		f.why = reason(t);
	if (is_beside_the_pace(t, l->speed)) {
		f.truth = GATE_UNKNOWN;
		f.value = NAN;
		f.is_withheld = true;
		f.why = replay_speed_words(l->speed);
	}
	if (f.truth == GATE_FALSE && t->value->scope == GATE_COMPARED && is_excused(t, l->report, node)) {
		f.truth = GATE_UNKNOWN;
		f.value = NAN;
		f.is_withheld = true;
		f.why = "most of what was compared is generated text, and without --control it is not known how much of it differs anyway";
	}
	return f;
}

static struct gate_found missing(const char *target, const char *why)
{
	struct gate_found f = { .value = NAN, .truth = GATE_UNKNOWN, .why = why, .is_withheld = true };

	snprintf(f.target, sizeof(f.target), "%s", target);
	return f;
}

static bool is_control(const struct gate_look *l, const char *name)
{
	uint32_t target = l->comparison ? member(l->report, l->comparison, name) : 0;
	uint32_t role = target ? member(l->report, target, "role") : 0;

	return role && json_doc_says(l->report, role, SPAN_LITERAL("control"));
}

size_t gate_look_up(const struct gate_look *l, const struct gate_term *t, struct gate_found *out)
{
	uint32_t among = t->value->scope == GATE_COMPARED ? l->comparison : l->targets;
	const struct json_doc *d = l->report;
	struct buffer name = { 0 };
	size_t count = 0;

	if (t->value->scope == GATE_RUN) {
		out[0] = look(l, t, 0, "");
		return 1;
	}
	if (!among || d->nodes[among].type != JSON_OBJECT) {
		out[0] = missing(t->target, t->value->scope == GATE_COMPARED ? "answers were not compared" : "there was no target");
		return 1;
	}
	for (uint32_t key = among + 1; key < d->nodes[among].next && count < GATE_TARGETS_MAX; key = d->nodes[key + 1].next) {
		const char *text;

		buffer_clear(&name);
		json_doc_unescape(d, key, &name);
		text = buffer_text(&name);
		if (t->target[0] ? strcmp(text, t->target) == 0 : !is_control(l, text))
			out[count++] = look(l, t, key + 1, text);
	}
	buffer_deinit(&name);
	if (count == 0)
		out[count++] = missing(t->target, t->target[0] ? "no target has this name" : "there was no target");
	return count;
}

struct gate_look gate_look_of(const struct json_doc *report)
{
	uint32_t comparison = member(report, 0, "comparison");

	return (struct gate_look){
		.report = report,
		.speed = replay_speed_of(report),
		.targets = member(report, 0, "targets"),
		.comparison = comparison ? member(report, comparison, "targets") : 0,
	};
}

void gate_show(const struct gate_term *t, double value, char *out, size_t size)
{
	switch (t->value->kind) {
	case GATE_COUNT:
		snprintf(out, size, "%.0f", value);
		return;
	case GATE_SHARE:
	case GATE_CHANGE:
		snprintf(out, size, "%.*g%%", value > 0.99 && value < 1 ? 6 : 4, 100 * value);
		return;
	case GATE_TIME:
		snprintf(out, size, fabs(value) < 1000 ? "%.0fus" : fabs(value) < 1e6 ? "%.4gms" : "%.4gs",
			 fabs(value) < 1000 ? value : fabs(value) < 1e6 ? value / 1e3 : value / 1e6);
		return;
	case GATE_RATIO:
		snprintf(out, size, "%.4g", value);
		return;
	}
}

void gate_allowed(const struct gate_term *t, char *out, size_t size)
{
	static const char *const words[] = { [GATE_ABOVE] = "at most ", [GATE_AT_LEAST] = "below ", [GATE_BELOW] = "at least ",
					     [GATE_AT_MOST] = "above ", [GATE_IS] = "not ",          [GATE_IS_NOT] = "" };
	const char *limit = t->text + strcspn(t->text, "<>=!");

	limit += strspn(limit, "<>=! ");
	snprintf(out, size, "%s%s", words[t->op], limit);
}
