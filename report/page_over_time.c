/*
 * page_over_time.c - how it went in the course of the run: a warm-up, a bad minute, a drift
 *
 * Theory of operation. Strips lie one below the other over one axis of time:
 * how many differ, how many are errors, how long answers took, how many pairs
 * there were. A strip that would be flat at zero is left out. Below them stands
 * in words what the eye would find, in Markdown too: bins whose share is above
 * that of the whole run by more than four standard errors, which of 240 bins
 * chance gives in one run of a hundred, and bins whose median is twice the whole
 * run's.
 */
#include "report/page_impl.h"

#include <math.h>
#include <time.h>

#include "report/replay_speed.h"

#define BINS_MAX     240
#define ROWS_MAX     8
#define STANDS_OUT   4.0 /* standard errors */
#define COUNT_LEAST  5   /* of what stands out */
#define SHARE_LEAST  10  /* pairs of which a share is drawn */
#define TIMES_LEAST  30  /* pairs of which a median says something */
#define TIMES_LONGER 2

enum { PRODUCTION, SHADOW, SIDES };

struct time_bin {
	uint64_t start; /* Unix time, s */
	uint64_t pairs, compared, mismatch, words, errors_of, errors[SIDES];
	double p50[SIDES], p99[SIDES]; /* us; NaN: not known */
};

/** struct course - the bins, ascending; what a foreign file has in another order is left out */
struct course {
	uint64_t first, width;
	unsigned columns, count; /* from the first to the last, and of those with pairs */
	struct time_bin bin[BINS_MAX], all;
};

static double number_or_nan(struct view v)
{
	return view_is_number(v) ? view_number(v) : (double)NAN;
}

static struct time_bin read_bin(struct view v)
{
	static const char *const names[SIDES] = { "production", "shadow" };
	struct time_bin b = {
		.start = view_count(view_get(v, "start")),
		.pairs = view_count(view_get(v, "pairs")),
		.compared = view_count(view_get(v, "compared")),
		.mismatch = view_count(view_get(v, "mismatch")),
		.words = view_count(view_get(v, "generated_different")),
		.errors_of = view_count(view_get(v, "errors_of")),
	};

	for (int s = 0; s < SIDES; s++) {
		struct view side = view_get(v, names[s]);

		b.errors[s] = view_count(view_get(side, "errors"));
		b.p50[s] = number_or_nan(view_get(side, "p50_us"));
		b.p99[s] = number_or_nan(view_get(side, "p99_us"));
	}
	return b;
}

static void read_course(struct course *c, struct view target)
{
	struct view over_time = view_get(target, "over_time");

	*c = (struct course){ .width = view_count(view_get(over_time, "width_s")) };
	for (struct view_walk w = view_walk(view_get(over_time, "bins")); c->width > 0 && view_next(&w);) {
		struct time_bin b = read_bin(w.value);

		c->first = c->count == 0 ? b.start : c->first;
		if (b.start < c->first || (b.start - c->first) / c->width >= BINS_MAX || (b.start - c->first) % c->width > 0 ||
		    (c->count > 0 && b.start <= c->bin[c->count - 1].start))
			continue;
		c->bin[c->count++] = b;
		c->columns = (unsigned)((b.start - c->first) / c->width) + 1;
		c->all.pairs += b.pairs;
		c->all.compared += b.compared;
		c->all.mismatch += b.mismatch;
		c->all.errors_of += b.errors_of;
		for (int s = 0; s < SIDES; s++)
			c->all.errors[s] += b.errors[s];
	}
	c->all.p50[PRODUCTION] = number_or_nan(view_get(target, "latency_us.production.total.p50"));
	c->all.p50[SHADOW] = number_or_nan(view_get(target, "latency_us.shadow.total.p50"));
}

/* ---- the strips ---- */

static double share_of(uint64_t n, uint64_t of)
{
	return of > 0 ? (double)n / (double)of : (double)NAN;
}

/* One of three would tower above all else. */
static double share_drawn(uint64_t n, uint64_t of)
{
	return of >= SHARE_LEAST ? share_of(n, of) : (double)NAN;
}

enum figure { DIFFER, WORDS, ERRORS_PRODUCTION, ERRORS_SHADOW, PAIRS, P50_PRODUCTION, P50_SHADOW, P99_PRODUCTION, P99_SHADOW };

static double figure_of(const struct time_bin *b, enum figure figure)
{
	switch (figure) {
	case DIFFER:
		return share_drawn(b->mismatch, b->compared);
	case WORDS:
		return share_drawn(b->words, b->compared);
	case ERRORS_PRODUCTION:
		return share_drawn(b->errors[PRODUCTION], b->errors_of);
	case ERRORS_SHADOW:
		return share_drawn(b->errors[SHADOW], b->errors_of);
	case PAIRS:
		return (double)b->pairs;
	case P50_PRODUCTION:
		return b->p50[PRODUCTION];
	case P50_SHADOW:
		return b->p50[SHADOW];
	case P99_PRODUCTION:
		return b->p99[PRODUCTION];
	case P99_SHADOW:
		return b->p99[SHADOW];
	}
	return (double)NAN;
}

/* The least above 0, and the greatest. */
static void widen(const struct course *c, enum figure figure, double *low, double *high)
{
	for (unsigned i = 0; i < c->count; i++) {
		double n = figure_of(&c->bin[i], figure);

		if (n > *high)
			*high = n;
		if (n > 0 && n < *low)
			*low = n;
	}
}

struct scale {
	double low, high;
	bool is_log;
};

static double height(const struct scale *s, double n)
{
	double at = s->is_log ? log(fmax(n, 1) / s->low) / log(s->high / s->low) : (n - s->low) / (s->high - s->low);

	return 96 - 90 * fmin(fmax(at, 0), 1);
}

/** steps() - a line with a level for each bin, from bin to bin where both are known; @is_filled down to the axis */
static void steps(struct markup *p, const struct course *c, enum figure figure, const struct scale *scale, const char *class,
		  bool is_filled)
{
	double step = 1000.0 / c->columns;
	uint64_t until = 0;

	markup_raw(p, "<path class=\"%s\" d=\"", class);
	for (unsigned i = 0; i < c->count; i++) {
		double n = figure_of(&c->bin[i], figure), x = (double)((c->bin[i].start - c->first) / c->width) * step;

		if (isnan(n))
			continue;
		if (is_filled)
			markup_raw(p, "M%.1f 100V%.1fH%.1fV100", x, height(scale, n), x + step);
		else if (until == c->bin[i].start)
			markup_raw(p, "V%.1fH%.1f", height(scale, n), x + step);
		else
			markup_raw(p, "M%.1f %.1fH%.1f", x, height(scale, n), x + step);
		until = c->bin[i].start + c->width;
	}
	markup_raw(p, "\"/>");
}

static void open_strip(struct markup *p, const char *what, const char *low, const char *high)
{
	markup_raw(p, "<div class=\"strip\" role=\"img\" aria-label=\"%s in the course of the run\"><p>%s<span>%s to %s</span></p>"
		      "<svg viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\">",
		   what, what, low, high);
}

static void close_strip(struct markup *p)
{
	markup_raw(p, "</svg></div>\n");
}

static void share_strip(struct markup *p, const struct course *c, const char *what, enum figure filled, enum figure line)
{
	struct scale scale = { 0, 0, false };
	double least = 1, top = 0;
	struct buffer high = { 0 };

	widen(c, line, &least, &top);
	scale.high = top;
	widen(c, filled, &least, &scale.high);
	if (scale.high <= 0)
		return;
	format_share(&high, scale.high);
	open_strip(p, what, "0 %", buffer_text(&high));
	steps(p, c, filled, &scale, "fr", true);
	if (line != filled && top > 0)
		steps(p, c, line, &scale, "np", false);
	close_strip(p);
	buffer_deinit(&high);
}

static void latency_strip(struct markup *p, const struct course *c)
{
	struct scale scale = { INFINITY, 0, true };
	struct buffer low = { 0 }, high = { 0 };

	for (enum figure f = P50_PRODUCTION; f <= P99_SHADOW; f++)
		widen(c, f, &scale.low, &scale.high);
	if (scale.high <= 0)
		return;
	scale.low = fmin(scale.low, scale.high / 2);
	format_time(&low, scale.low);
	format_time(&high, scale.high);
	open_strip(p, "latency: p50, and dashed p99", buffer_text(&low), buffer_text(&high));
	steps(p, c, P99_PRODUCTION, &scale, "lp", false);
	steps(p, c, P99_SHADOW, &scale, "ls", false);
	steps(p, c, P50_PRODUCTION, &scale, "np", false);
	steps(p, c, P50_SHADOW, &scale, "ns", false);
	close_strip(p);
	buffer_deinit(&low);
	buffer_deinit(&high);
}

static void pairs_strip(struct markup *p, const struct course *c)
{
	struct scale scale = { 0, 0, false };
	double least = INFINITY;
	struct buffer high = { 0 };

	widen(c, PAIRS, &least, &scale.high);
	if (scale.high <= 0)
		return;
	format_count(&high, (uint64_t)scale.high);
	open_strip(p, "pairs", "0", buffer_text(&high));
	steps(p, c, PAIRS, &scale, "fd", true);
	close_strip(p);
	buffer_deinit(&high);
}

/* ---- times ---- */

/** add_moment() - "14:05", with seconds or the day where bins need them; UTC */
static void add_moment(struct buffer *out, uint64_t second, uint64_t step, bool with_day)
{
	time_t t = (time_t)second;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text),
					   step >= 86400 ? "%Y-%m-%d" :
					   with_day      ? (step < 60 ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M") :
							   (step < 60 ? "%H:%M:%S" : "%H:%M"),
					   &tm) == 0)
		buffer_add_str(out, "–");
	else
		buffer_add_str(out, text);
}

/** time_axis() - at most six moments that people would choose */
static void time_axis(struct markup *p, const struct course *c)
{
	static const uint64_t nice[] = {
		1,    2,    5,     10,    15,    30,    60,     120,    300,    600,     900,     1800,
		3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000, 2592000, 7776000, 31536000,
	};
	uint64_t span = c->columns * c->width, step = 0;

	for (size_t i = 0; i < sizeof(nice) / sizeof(nice[0]); i++)
		if (step == 0 && span / nice[i] <= 6)
			step = nice[i];
	markup_raw(p, "<div class=\"axis\">");
	for (uint64_t at = step ? (c->first + step - 1) / step * step : 0; step && at < c->first + span; at += step) {
		double x = (double)(at - c->first) / (double)span * 100;

		if (x < 5 || x > 95)
			continue;
		markup_raw(p, "<span%s style=\"left:%.2f%%\">", (at / step) % 2 ? " class=\"m\"" : "", x);
		add_moment(p->out, at, step, false);
		markup_raw(p, "</span>");
	}
	markup_raw(p, "</div>\n");
}

static void explain(struct markup *p, const struct course *c)
{
	struct buffer text = { 0 };

	buffer_add_str(&text, "By the time of the requests, from ");
	add_moment(&text, c->first, c->width < 60 ? 1 : 60, true);
	buffer_add_str(&text, " to ");
	add_moment(&text, c->first + c->columns * c->width, c->width < 60 ? 1 : 60, true);
	buffer_add_str(&text, " UTC; each step is ");
	format_time(&text, (double)c->width * 1e6);
	buffer_printf(&text, " wide, and shares are of %d pairs or more.", SHARE_LEAST);
	markup_note(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

/* ---- what stands out ---- */

/** is_above() - is @n of @of clearly more than @all of @all_of? */
static bool is_above(uint64_t n, uint64_t of, uint64_t all, uint64_t all_of)
{
	double share = share_of(all, all_of), error = sqrt(share * (1 - share) / (double)of);

	return n >= COUNT_LEAST && of > 0 && (double)n / (double)of - share > STANDS_OUT * error + 0.5 / (double)of;
}

static void begin_words(struct buffer *out, const char *what)
{
	buffer_add_str(out, out->len ? "; " : "");
	buffer_add_str(out, what);
}

static void share_words(struct buffer *out, const char *what, uint64_t n, uint64_t of, uint64_t all, uint64_t all_of)
{
	if (!is_above(n, of, all, all_of))
		return;
	begin_words(out, what);
	format_share(out, share_of(n, of));
	buffer_add_str(out, " (in all ");
	format_share(out, share_of(all, all_of));
	buffer_add_str(out, ")");
}

static void time_words(struct buffer *out, const char *what, uint64_t pairs, double p50, double all)
{
	if (pairs < TIMES_LEAST || !(p50 > TIMES_LONGER * all))
		return;
	begin_words(out, what);
	format_time(out, p50);
	buffer_add_str(out, " (in all ");
	format_time(out, all);
	buffer_add_str(out, ")");
}

static void bin_words(struct buffer *out, const struct time_bin *b, const struct time_bin *all, bool times)
{
	buffer_clear(out);
	share_words(out, "answers that differ: ", b->mismatch, b->compared, all->mismatch, all->compared);
	share_words(out, "errors of the shadow: ", b->errors[SHADOW], b->errors_of, all->errors[SHADOW], all->errors_of);
	share_words(out, "errors of production: ", b->errors[PRODUCTION], b->errors_of, all->errors[PRODUCTION], all->errors_of);
	if (!times)
		return;
	time_words(out, "p50 of the shadow: ", b->pairs, b->p50[SHADOW], all->p50[SHADOW]);
	time_words(out, "p50 of production: ", b->pairs, b->p50[PRODUCTION], all->p50[PRODUCTION]);
}

static void stand_out(struct markup *p, const struct course *c, bool times)
{
	struct buffer words = { 0 }, when = { 0 };
	unsigned shown = 0, more = 0;

	for (unsigned i = 0; i < c->count; i++) {
		bin_words(&words, &c->bin[i], &c->all, times);
		if (words.len == 0)
			continue;
		if (shown == ROWS_MAX) {
			more++;
			continue;
		}
		if (shown++ == 0)
			markup_table(p, "lrw", "from, UTC|pairs|what stands out");
		buffer_clear(&when);
		add_moment(&when, c->bin[i].start, c->width < 60 ? 1 : 60, true);
		markup_cell(p, "%s", buffer_text(&when));
		markup_cell_count(p, c->bin[i].pairs);
		markup_cell(p, "%s", buffer_text(&words));
	}
	if (shown > 0)
		markup_table_end(p);
	else
		markup_note(p, "Nothing stands out: no step has clearly more differences or errors%s than the whole.",
			    times ? ", or longer times," : "");
	if (more > 0)
		markup_note(p, "And %u more.", more);
	buffer_deinit(&words);
	buffer_deinit(&when);
}

/** drift() - of the last third against the first, where the two can be told apart */
static void drift(struct markup *p, const struct course *c)
{
	uint64_t mismatch[2] = { 0 }, compared[2] = { 0 };
	double a, b, error;
	struct buffer text = { 0 };

	for (unsigned i = 0; i < c->count; i++) {
		unsigned column = (unsigned)((c->bin[i].start - c->first) / c->width);

		if (column < c->columns / 3 || column >= c->columns - c->columns / 3) {
			mismatch[column >= c->columns / 3] += c->bin[i].mismatch;
			compared[column >= c->columns / 3] += c->bin[i].compared;
		}
	}
	a = share_of(mismatch[0], compared[0]);
	b = share_of(mismatch[1], compared[1]);
	error = sqrt(a * (1 - a) / (double)compared[0] + b * (1 - b) / (double)compared[1]);
	if (mismatch[0] + mismatch[1] < 2 * COUNT_LEAST || !(fabs(b - a) > STANDS_OUT * error))
		return;
	buffer_add_str(&text, "In the last third of the time ");
	format_share(&text, b);
	buffer_add_str(&text, " of the answers differ, in the first ");
	format_share(&text, a);
	buffer_add_str(&text, ".");
	markup_say(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
}

void page_over_time(struct markup *p, struct view report, struct view target)
{
	bool times = replay_speed_of(report.doc) == SPEED_RECORDED;
	struct course c;

	read_course(&c, target);
	if (c.count < 2)
		return;
	markup_section(p, 2, "over-time", "In the course of the run");
	if (markup_is_html(p)) {
		share_strip(p, &c, "answers that differ", DIFFER, DIFFER);
		if (page_words_alone(target))
			share_strip(p, &c, "generated texts that differ", WORDS, WORDS);
		share_strip(p, &c, "errors", ERRORS_SHADOW, ERRORS_PRODUCTION);
		if (times)
			latency_strip(p, &c);
		pairs_strip(p, &c);
		time_axis(p, &c);
		markup_raw(p, "<ul class=\"legend\"><li><i class=\"key p\"></i>production</li><li><i class=\"key s\"></i>shadow</li></ul>\n");
	}
	explain(p, &c);
	drift(p, &c);
	stand_out(p, &c, times);
	markup_section_end(p);
}
