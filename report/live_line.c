/* live_line.c - see live_line.h */
#include "report/live_line.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"

#define BAR_CELLS 24

static void bar_text(double share, struct buffer *out)
{
	unsigned full = (unsigned)(share * BAR_CELLS);

	buffer_add_str(out, "[");
	for (unsigned i = 0; i < BAR_CELLS; i++)
		buffer_add_str(out, i < full ? "=" : i == full ? ">" : " ");
	buffer_printf(out, "] %3.0f%% ", share * 100);
}

static void eta_text(double elapsed_s, double share, struct buffer *out)
{
	double left = share > 0.01 ? elapsed_s * (1 - share) / share : -1;

	if (left < 0)
		return;
	if (left < 60)
		buffer_printf(out, "%.0fs left  ", left);
	else
		buffer_printf(out, "%.0fm%02.0fs left  ", (double)(int64_t)(left / 60), left - 60.0 * (double)(int64_t)(left / 60));
}

static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return seconds > 0 && now >= before ? (double)(now - before) / seconds : 0;
}

static void targets_text(const struct books *b, struct buffer *out)
{
	for (size_t i = 0; i < b->target_count; i++) {
		const struct books_target *t = &b->target[i];

		if (b->target_count > 1)
			buffer_printf(out, "  %s:", t->name);
		buffer_printf(out, "  %" PRIu64 " in flight", t->in_flight);
		if (t->queued > 0)
			buffer_printf(out, "  %" PRIu64 " queued", t->queued);
		if (t->total.count > 0)
			buffer_printf(out, "  p50 %.1f p99 %.1f ms", (double)t->total.p50 / 1000, (double)t->total.p99 / 1000);
	}
}

void live_line_text(struct live_line *l, const struct books *b, struct mono now, uint64_t done, uint64_t total,
		    unsigned columns, struct buffer *out)
{
	double interval = (double)(now.ns - l->last.ns) / 1e9;
	uint64_t sent = books_sent(b), failed = books_failed(b);
	size_t begin = out->len;
	char share[UNITS_TEXT_MAX];

	if (total > 0) {
		double part = done >= total ? 1 : (double)done / (double)total;

		bar_text(part, out);
		eta_text((double)(now.ns - l->started.ns) / 1e9, part, out);
	} else {
		buffer_printf(out, "%.0f req/s seen  sample %s  ",
			      per_second(b->requests.complete, l->last_complete, interval),
			      share_text(l->sample_share, share));
	}
	buffer_printf(out, "%.0f sent/s", per_second(sent, l->last_sent, interval));
	targets_text(b, out);
	buffer_printf(out, "  %" PRIu64 " failed", failed);
	if (b->packets.dropped_kernel > 0)
		buffer_printf(out, "  %" PRIu64 " packets dropped", b->packets.dropped_kernel);
	if (columns > 1 && out->len - begin > columns - 1)
		out->len = begin + columns - 1;
	l->last = now;
	l->last_complete = b->requests.complete;
	l->last_sent = sent;
}
