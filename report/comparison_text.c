/* comparison_text.c - see comparison_text.h */
#include "report/comparison_text.h"

#include <math.h>

#include "base/statistics.h"
#include "report/format.h"

/** verdict_text() - the name as a word or two: "not comparable" */
static void verdict_text(const char *name, struct buffer *out)
{
	for (; *name; name++)
		buffer_add(out, *name == '_' ? " " : name, 1);
}

/** verdicts_text() - "7 equal, 1 decision": those that there were */
static void verdicts_text(const struct comparison_counts *n, struct buffer *out)
{
	const char *between = ": ";

	for (int place = 1; place <= COMPARISON_COUNT; place++) {
		enum comparison_verdict v = comparison_at_place(place);

		if (n->verdict[v] == 0)
			continue;
		buffer_printf(out, "%s%llu ", between, (unsigned long long)n->verdict[v]);
		verdict_text(comparison_name(v), out);
		between = ", ";
	}
	buffer_add_str(out, "\n");
}

static void quantile_text(double us, struct buffer *out)
{
	if (isinf(us))
		buffer_add_str(out, "above --max-time");
	else
		format_time(out, us);
}

/** pace_note() - why the shadow's latency beside production's says nothing, or nothing */
static const char *pace_note(const struct comparison_facts *f)
{
	if (f->speed_max)
		return " (not judged: replayed as fast as possible)";
	return f->speed != 1 ? " (not judged: not replayed at the recorded pace)" : "";
}

static void latency_text(const char *who, double p50, double p99, const char *note, bool is_grey, struct buffer *out)
{
	if (isnan(p50))
		return;
	buffer_printf(out, "%s  %-10s p50 ", is_grey ? "\033[2m" : "", who);
	quantile_text(p50, out);
	buffer_add_str(out, ", p99 ");
	quantile_text(p99, out);
	buffer_printf(out, "%s%s\n", note, is_grey ? "\033[22m" : "");
}

/** decisions_text() - for models that decide, the figure that says most */
static void decisions_text(const struct tally_brief *brief, struct buffer *out)
{
	const struct rate *rate = &brief->decisions;

	if (rate->of > 0)
		buffer_printf(out, "  decisions  %.2f%% of %llu agree, between %.2f%% and %.2f%% %s\n", 100 * rate->value,
			      (unsigned long long)rate->of, 100 * rate->interval.low, 100 * rate->interval.high,
			      looks_words(brief->looks));
}

/** witnesses_text() - as how many pairs the pairs count, where that is fewer, and what each request says once */
static void witnesses_text(const struct tally_brief *brief, struct buffer *out)
{
	const struct rate *once = &brief->mismatch_distinct;

	if (brief->witnesses.count >= brief->mismatch.of)
		return;
	buffer_add_str(out, "  witnesses  ");
	format_count(out, brief->mismatch.of);
	buffer_add_str(out, " pairs, ");
	buffer_add_str(out, brief->witnesses.is_estimate ? "about " : "");
	format_count(out, brief->witnesses.requests);
	buffer_add_str(out, brief->witnesses.requests == 1 ? " request, " : " different requests, ");
	buffer_add_str(out, brief->witnesses.is_many_clients ? "more than " : "");
	format_count(out, brief->witnesses.clients);
	buffer_add_str(out, brief->witnesses.clients == 1 ? " client: counts as " : " clients: counts as ");
	format_count(out, brief->witnesses.count);
	buffer_add_str(out, brief->witnesses.count == 1 ? " witness\n" : " witnesses\n");
	if (once->of < 2)
		return;
	buffer_printf(out, "  distinct   %.2f%% of %llu requests, each by its first pair, between %.2f%% and %.2f%% %s\n",
		      100 * once->value, (unsigned long long)once->of, 100 * once->interval.low, 100 * once->interval.high,
		      looks_words(brief->looks));
}

static void target_text(const struct comparison_facts *f, size_t target, struct buffer *out)
{
	const struct comparison_target *t = &f->targets[target];
	struct tally_brief brief = tally_brief(f->tally, target);
	const struct rate *mismatch = &brief.mismatch;
	const char *note = pace_note(f);

	buffer_printf(out, "%s: compared %llu of %llu", t->name, (unsigned long long)mismatch->of,
		      (unsigned long long)t->counts.pairs);
	verdicts_text(&t->counts, out);
	if (mismatch->of > 0)
		buffer_printf(out, "  mismatch   %.2f%% of %llu, between %.2f%% and %.2f%% %s%s\n", 100 * mismatch->value,
			      (unsigned long long)mismatch->of, 100 * mismatch->interval.low, 100 * mismatch->interval.high,
			      looks_words(brief.looks),
			      brief.generated_apart > 0 ? " (generated text apart)" : "");
	witnesses_text(&brief, out);
	decisions_text(&brief, out);
	tally_notes(f->tally, target, out);
	if (t->counts.unseen > 0 && t->counts.unseen == t->counts.pairs)
		buffer_add_str(out, "  no answer of production was captured: capture where both directions pass, and "
				    "leave the filter open for both\n");
	latency_text("production", brief.production.p50, brief.production.p99, "", false, out);
	latency_text(t->is_control ? "control" : "shadow", brief.target.p50, brief.target.p99, note,
		     note[0] && f->shows_grey, out);
	tally_goodput_text(f->tally, target, note, out);
}

static bool has_pairs(const struct comparison_facts *f)
{
	for (size_t i = 0; i < f->target_count; i++)
		if (f->targets[i].counts.pairs > 0)
			return true;
	return false;
}

void comparison_text(const struct comparison_facts *f, struct buffer *out)
{
	for (size_t i = 0; i < f->target_count; i++)
		target_text(f, i, out);
	if (f->unmatched.len > 0) {
		buffer_add_str(out, "rules that never matched:\n");
		buffer_add_span(out, f->unmatched);
	}
	if (!f->has_report && has_pairs(f))
		buffer_add_str(out, "--report report.html draws all of it as a page\n");
}

void comparison_so_far(const struct comparison_counts *c, bool excuses_words, struct buffer *out)
{
	uint64_t compared = 0, differ = 0;

	for (int v = 0; v < COMPARISON_COUNT; v++) {
		compared += comparison_is_compared((enum comparison_verdict)v) ? c->verdict[v] : 0;
		differ += comparison_is_mismatch((enum comparison_verdict)v) ? c->verdict[v] : 0;
	}
	if (excuses_words)
		differ -= c->generated_different < differ ? c->generated_different : differ; /* they are read one after the other */
	if (compared == 0)
		return;
	buffer_printf(out, "%.2f%% of ", 100.0 * (double)differ / (double)compared);
	format_count(out, compared);
	buffer_add_str(out, " differ");
}
