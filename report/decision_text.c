/* decision_text.c - a decision in words; see decision.h */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/shown.h"
#include "report/decision.h"
#include "report/format.h"

#define ROWS_TOLD 3

#define MINUTE 60.0
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- one term ---- */

static bool is_about_several(const struct decision_made *d)
{
	const char *first = NULL;

	for (size_t i = 0; i < d->count; i++) {
		if (d->rows[i].target[0] && first && strcmp(first, d->rows[i].target) != 0)
			return true;
		if (d->rows[i].target[0])
			first = d->rows[i].target;
	}
	return false;
}

static const char *verb(const struct decision_term *t)
{
	switch (t->state) {
	case DECISION_REJECT:
		return t->is_by_value ? "holds" : "is shown to hold";
	case DECISION_PROMOTE:
		return t->is_by_value ? "does not hold" : "is shown not to hold";
	case DECISION_KEEP_WATCHING:
	case DECISION_NONE:
		break;
	}
	return t->is_by_value && !t->why ? "holds so far" : "is not decided";
}

static void interval_text(const struct decision_made *d, const struct decision_term *t, struct buffer *out)
{
	if (!t->shown_low[0] && !t->shown_high[0])
		return;
	if (!t->shown_low[0])
		buffer_printf(out, ", at most %s", t->shown_high);
	else if (!t->shown_high[0])
		buffer_printf(out, ", at least %s", t->shown_low);
	else
		buffer_printf(out, ", between %s and %s", t->shown_low, t->shown_high);
	buffer_printf(out, " (95%% %s, of ", looks_words(d->looks));
	format_count(out, t->of);
	if (t->witnesses < t->of) {
		buffer_add_str(out, " that count as ");
		format_count(out, t->witnesses);
	}
	buffer_add_str(out, ")");
}

static void row_text(const struct decision_made *d, const struct decision_term *t, struct buffer *out)
{
	buffer_add_str(out, t->term);
	if (t->target[0] && is_about_several(d)) {
		buffer_add_str(out, " of ");
		shown_add(out, span_str(t->target)); /* as a file has it, which may come from anywhere */
	}
	buffer_printf(out, " %s: ", verb(t));
	buffer_add_str(out, t->shown[0] ? t->shown : t->why ? t->why : "not known");
	interval_text(d, t, out);
}

/* ---- which of them ---- */

static void rows_in(const struct decision_made *d, enum decision_state state, struct buffer *out)
{
	size_t told = 0, more = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->rows[i].state != state)
			continue;
		if (told == ROWS_TOLD) {
			more++;
			continue;
		}
		buffer_add_str(out, told ? "; " : "");
		row_text(d, &d->rows[i], out);
		told++;
	}
	if (more > 0)
		buffer_printf(out, "; and %zu more", more);
}

/* The one that will be open longest. */
static const struct decision_term *slowest(const struct decision_made *d)
{
	const struct decision_term *found = NULL;

	for (size_t i = 0; i < d->count; i++)
		if (d->rows[i].state == DECISION_KEEP_WATCHING && (!found || d->rows[i].pairs_to_go > found->pairs_to_go))
			found = &d->rows[i];
	return found;
}

static void add_time(double seconds, struct buffer *out)
{
	static const struct {
		double below, unit;
		const char *name;
	} units[] = { { 2 * MINUTE, 1, "s" }, { 2 * HOUR, MINUTE, "min" }, { 2 * DAY, HOUR, "h" }, { INFINITY, DAY, "days" } };
	size_t i = 0;

	while (seconds >= units[i].below)
		i++;
	buffer_printf(out, "%.0f %s", ceil(seconds / units[i].unit), units[i].name);
}

void decision_why(const struct decision_made *d, struct buffer *out)
{
	const struct decision_term *open = slowest(d);

	if (d->decided_why) {
		buffer_printf(out, "as it was when the run was ended: %s", d->decided_why);
		return;
	}
	switch (d->state) {
	case DECISION_NONE:
		buffer_add_str(out, "nothing was compared");
		return;
	case DECISION_PROMOTE:
	case DECISION_REJECT:
		rows_in(d, d->state, out);
		return;
	case DECISION_KEEP_WATCHING:
		break;
	}
	if (d->seconds < d->watch_at_least_s && (!open || d->pairs_to_go == 0)) {
		buffer_add_str(out, "it would be promoted, but is to be watched for at least ");
		add_time(d->watch_at_least_s, out);
	} else if (open) {
		row_text(d, open, out);
	}
}

/* ---- how long ---- */

/* Two digits: more would be a promise. */
static uint64_t rounded(double n)
{
	double unit = pow(10, fmax(0, floor(log10(fmax(n, 1))) - 1));

	return (uint64_t)(ceil(n / unit) * unit);
}

void decision_to_go_text(double pairs, double seconds, struct buffer *out)
{
	bool has_pairs = pairs > 0 && pairs<0x1p53, has_time = seconds> 0 && isfinite(seconds);

	if (!has_pairs && !has_time)
		return;
	if (has_pairs) {
		buffer_add_str(out, "about ");
		format_count(out, rounded(pairs));
		buffer_add_str(out, " pairs");
	}
	buffer_add_str(out, has_pairs && has_time ? " (" : "");
	if (has_time)
		add_time(seconds, out);
	buffer_add_str(out, has_pairs && has_time ? ") to go" : " to go");
}

static void to_go(const struct decision_made *d, struct buffer *out)
{
	if (d->state == DECISION_KEEP_WATCHING)
		decision_to_go_text(d->pairs_to_go, d->seconds_to_go, out);
}

void decision_short(const struct decision_made *d, struct buffer *out)
{
	struct buffer left = { 0 };

	if (d->state == DECISION_NONE) {
		buffer_add_str(out, "nothing compared yet");
		return;
	}
	to_go(d, &left);
	buffer_add_str(out, decision_state_words(d->state));
	if (left.len > 0)
		buffer_printf(out, ", %s", buffer_text(&left));
	buffer_deinit(&left);
}

void decision_sentence(const struct decision_made *d, struct buffer *out)
{
	struct buffer left = { 0 };

	to_go(d, &left);
	buffer_printf(out, "decision: %s; ", decision_state_words(d->state));
	decision_why(d, out);
	if (left.len > 0)
		buffer_printf(out, "; %s", buffer_text(&left));
	buffer_deinit(&left);
}
