/* live_line.c - see live_line.h; facts are collected with their ranks, then those that fit are joined */
#include "report/live_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"

#define FACTS_MAX (8 + BOOKS_TARGETS_MAX)
#define BETWEEN   2 /* spaces */

/* The higher stays longer. */
enum rank { RANK_LATENCY, RANK_TARGET, RANK_IN_FLIGHT, RANK_SAMPLE, RANK_QUEUED, RANK_SEEN, RANK_SENT, RANK_LEFT, RANK_DIFFER,
	    RANK_DECISION, RANK_FAILED, RANK_DROPPED, RANK_BAR };

struct fact {
	char text[160];
	enum rank rank;
};

struct facts {
	struct fact at[FACTS_MAX];
	size_t count;
};

__attribute__((format(printf, 3, 4))) static void add(struct facts *f, enum rank rank, const char *format, ...)
{
	struct fact *fact = &f->at[f->count];
	va_list args;

	if (f->count == FACTS_MAX)
		return;
	fact->rank = rank;
	va_start(args, format);
	vsnprintf(fact->text, sizeof(fact->text), format, args);
	va_end(args);
	f->count++;
}

static void add_bar(struct facts *f, double share, unsigned columns)
{
	unsigned cells = columns >= 100 ? 24 : columns >= 60 ? 12 : 0;
	unsigned full = (unsigned)(share * cells);
	char bar[32];

	for (unsigned i = 0; i < cells; i++)
		bar[i] = i < full ? '=' : i == full ? '>' : ' ';
	if (cells > 0)
		add(f, RANK_BAR, "[%.*s] %3.0f%%", (int)cells, bar, share * 100);
	else
		add(f, RANK_BAR, "%.0f%%", share * 100);
}

static void add_left(struct facts *f, double elapsed_s, double share)
{
	double left = share > 0.01 ? elapsed_s * (1 - share) / share : -1;
	uint64_t seconds = left > 0 ? (uint64_t)(left + 0.5) : 0;

	if (left < 0 || share >= 1)
		return;
	if (seconds < 60)
		add(f, RANK_LEFT, "%" PRIu64 "s left", seconds);
	else
		add(f, RANK_LEFT, "%" PRIu64 "m%02" PRIu64 "s left", seconds / 60, seconds % 60);
}

static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return seconds > 0 && now >= before ? (double)(now - before) / seconds : 0;
}

static void add_target(struct facts *f, const struct books_target *t)
{
	add(f, RANK_IN_FLIGHT, "%" PRIu64 " in flight", t->in_flight);
	if (t->queued > 0)
		add(f, RANK_QUEUED, "%" PRIu64 " queued", t->queued);
	if (t->total.count > 0)
		add(f, RANK_LATENCY, "p50 %.1f p99 %.1f ms", (double)t->total.p50 / 1000, (double)t->total.p99 / 1000);
}

/* One of several: a fact for each target, so that none is told without its name. */
static void add_named(struct facts *f, const struct books_target *t)
{
	char queued[40] = "", latency[80] = "";

	if (t->queued > 0)
		snprintf(queued, sizeof(queued), ", %" PRIu64 " queued", t->queued);
	if (t->total.count > 0)
		snprintf(latency, sizeof(latency), ", p50 %.1f p99 %.1f ms", (double)t->total.p50 / 1000,
			 (double)t->total.p99 / 1000);
	add(f, RANK_TARGET, "%.40s: %" PRIu64 " in flight%s%s", t->name, t->in_flight, queued, latency);
}

static void add_relay(struct facts *f, const struct books_relay *r)
{
	uint64_t refused = 0, shed = 0;
	char said[80] = "";

	for (size_t i = RELAY_REFUSED_FULL; i <= RELAY_REFUSED_OTHER; i++)
		refused += r->relay_result[i];
	for (size_t i = 0; i < RELAY_SHED_COUNT; i++)
		shed += r->relay_shed[i];
	if (!r->is_up)
		snprintf(said, sizeof(said), ", no connection");
	else if (refused > 0)
		snprintf(said, sizeof(said), ", %" PRIu64 " refused", refused);
	if (shed > 0)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), ", %" PRIu64 " shed", shed);
	add(f, RANK_TARGET, "broker: %" PRIu64 " published%s", r->published, said);
}

static size_t width(const struct facts *f)
{
	size_t total = f->count > 0 ? BETWEEN * (f->count - 1) : 0;

	for (size_t i = 0; i < f->count; i++)
		total += strlen(f->at[i].text);
	return total;
}

/* The last of the least important. */
static void drop_one(struct facts *f)
{
	size_t least = 0;

	for (size_t i = 1; i < f->count; i++)
		if (f->at[i].rank <= f->at[least].rank)
			least = i;
	f->count--;
	memmove(&f->at[least], &f->at[least + 1], (f->count - least) * sizeof(f->at[0]));
}

static void join(struct facts *f, unsigned columns, struct buffer *out)
{
	size_t begin = out->len, room = columns > 1 ? columns - 1 : SIZE_MAX;

	while (f->count > 1 && width(f) > room)
		drop_one(f);
	for (size_t i = 0; i < f->count; i++)
		buffer_printf(out, "%*s%s", i ? BETWEEN : 0, "", f->at[i].text);
	if (out->len - begin > room)
		out->len = begin + room;
}

void live_line_text(struct live_line *l, const struct books *b, struct mono now, uint64_t done, uint64_t total,
		    unsigned columns, struct buffer *out)
{
	double interval = (double)(now.ns - l->last.ns) / 1e9;
	uint64_t sent = books_sent(b);
	struct facts f = { .count = 0 };
	char share[UNITS_TEXT_MAX];

	if (total > 0) {
		double part = done >= total ? 1 : (double)done / (double)total;

		add_bar(&f, part, columns);
		add_left(&f, (double)(now.ns - l->started.ns) / 1e9, part);
	} else {
		add(&f, RANK_SEEN, "%.0f req/s seen", per_second(b->requests.complete, l->last_complete, interval));
		add(&f, RANK_SAMPLE, "sample %s", share_text(l->sample_share, share));
	}
	add(&f, RANK_SENT, "%.0f sent/s", per_second(sent, l->last_sent, interval));
	for (size_t i = 0; i < b->target_count; i++)
		b->target_count > 1 ? add_named(&f, &b->target[i]) : add_target(&f, &b->target[i]);
	if (b->relay.shown)
		add_relay(&f, &b->relay);
	if (l->differ[0])
		add(&f, RANK_DIFFER, "%s", l->differ);
	if (l->decision[0])
		add(&f, RANK_DECISION, "%s", l->decision);
	add(&f, RANK_FAILED, "%" PRIu64 " failed", books_failed(b));
	if (b->packets.dropped_kernel > 0)
		add(&f, RANK_DROPPED, "%" PRIu64 " packets dropped", b->packets.dropped_kernel);
	join(&f, columns, out);
	l->last = now;
	l->last_complete = b->requests.complete;
	l->last_sent = sent;
}
