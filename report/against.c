/* against.c - see against.h */
#include "report/against.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/statistics.h"
#include "report/replay_speed.h"
#include "report/view.h"

/* A figure of one run is a value with its interval; NaN: not known. Counts are of no use here. */
static const struct rate unknown = { .value = NAN, .interval = { NAN, NAN } };

static bool is_known(const struct rate *f)
{
	return !isnan(f->value) && !isnan(f->interval.low) && !isnan(f->interval.high);
}

/* ---- one figure of both runs ---- */

/** change_of() - NULL: the two cannot be told apart */
static const char *change_of(const struct interval *difference)
{
	return difference->low > 0 ? "higher" : difference->high < 0 ? "lower" : NULL;
}

static void double_member(struct json *j, const char *name, double x)
{
	json_key(j, name);
	json_double(j, x);
}

static void text_member(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	if (text)
		json_str(j, text);
	else
		json_null(j);
}

static void view_member(struct json *j, const char *name, struct view v)
{
	struct buffer text = { 0 };

	view_text(v, &text);
	json_key(j, name);
	json_text(j, buffer_span(&text));
	if (!buffer_ok(&text))
		j->out->failed = true;
	buffer_deinit(&text);
}

static void difference_members(struct json *j, const struct rate *now, const struct rate *base, const char *change)
{
	double value;
	struct interval difference = rate_difference(base, now, &value);

	double_member(j, "now", now->value);
	double_member(j, "base", base->value);
	double_member(j, "difference", value);
	double_member(j, "low", difference.low);
	double_member(j, "high", difference.high);
	text_member(j, "change", change ? change : change_of(&difference));
}

static void value_json(struct json *j, const char *name, const char *unit, const struct rate *now, const struct rate *base)
{
	if (!is_known(now) || !is_known(base))
		return;
	json_open(j, '{');
	text_member(j, "name", name);
	text_member(j, "unit", unit);
	difference_members(j, now, base, NULL);
	json_close(j, '}');
}

/* ---- shares ---- */

/** share_of() - of an object with rate, low and high, which may know of repeats (what counts alone do not) */
static struct rate share_of(struct view v)
{
	struct view rate = view_get(v, "rate"), low = view_get(v, "low"), high = view_get(v, "high");

	if (!view_is_number(rate) || !view_is_number(low) || !view_is_number(high))
		return unknown;
	return (struct rate){ .value = view_number(rate), .interval = { view_number(low), view_number(high) } };
}

static struct rate share_of_pairs(struct view target, const char *verdict)
{
	uint64_t pairs = view_count(view_get(target, "pairs"));

	return pairs > 0 ? rate_of(view_count(view_get(view_get(target, "verdicts"), verdict)), pairs) : unknown;
}

static void shares_json(struct json *j, struct view now, struct view base)
{
	static const struct {
		const char *name, *path;
	} shares[] = { { "mismatch", "mismatch" },
		       { "mismatch_distinct", "mismatch_distinct" },
		       { "decision_agreement", "decision" },
		       { "shadow_errors", "error_rate.shadow" },
		       { "production_errors", "error_rate.production" } };
	static const char *const verdicts[] = { "error", "not_comparable" };

	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct rate a = share_of(view_get(now, shares[i].path)), b = share_of(view_get(base, shares[i].path));

		value_json(j, shares[i].name, "share", &a, &b);
	}
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		struct rate a = share_of_pairs(now, verdicts[i]), b = share_of_pairs(base, verdicts[i]);

		value_json(j, verdicts[i], "share", &a, &b);
	}
}

/* ---- latencies ---- */

#define BUCKET_ERROR (1.0 / 128) /* of a value in a histogram */

/** quantile_of() - with its interval by order statistics, as wide as buckets are; timeouts lie above all that have a time */
static struct rate quantile_of(const struct histogram *h, uint64_t timeouts, double q)
{
	uint64_t n = h->count + timeouts, at = (uint64_t)ceil(q * (double)n);
	struct ranks ranks = quantile_ranks(n, q);

	if (n == 0 || at == 0 || at > h->count || ranks.low == 0 || ranks.high == 0 || ranks.high > h->count)
		return unknown;
	return (struct rate){ .value = (double)histogram_at(h, at - 1),
			       .interval = { (double)histogram_at(h, ranks.low - 1) * (1 - BUCKET_ERROR),
					     (double)histogram_at(h, ranks.high - 1) * (1 + BUCKET_ERROR) } };
}

/** struct times - of both runs */
struct times {
	struct histogram now, base;
};

static void read_times(struct histogram *h, struct view side)
{
	struct view buckets = view_get(side, "total.buckets");

	*h = (struct histogram){ 0 };
	if (view_is(buckets, JSON_ARRAY))
		histogram_buckets_read(h, buckets.doc, buckets.at);
	h->max = view_count(view_get(side, "total.max"));
}

static void side_json(struct json *j, struct times *t, const char *side, struct view now, struct view base)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 } };
	bool is_shadow = strcmp(side, "shadow") == 0;
	uint64_t now_late = is_shadow ? view_count(view_get(now, "timeouts")) : 0;
	uint64_t base_late = is_shadow ? view_count(view_get(base, "timeouts")) : 0;

	read_times(&t->now, view_get(now, side));
	read_times(&t->base, view_get(base, side));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		struct rate a = quantile_of(&t->now, now_late, quantiles[i].q);
		struct rate b = quantile_of(&t->base, base_late, quantiles[i].q);
		struct buffer name = { 0 };

		buffer_printf(&name, "%s_%s", side, quantiles[i].name);
		value_json(j, buffer_text(&name), "us", &a, &b);
		buffer_deinit(&name);
	}
}

/** latencies_json() - the shadow's only where both runs had the recorded pace; -ENOMEM */
static int latencies_json(struct json *j, struct view now, struct view base)
{
	struct times *t = malloc(sizeof(*t));
	bool paced = replay_speed_of(now.doc) == SPEED_RECORDED && replay_speed_of(base.doc) == SPEED_RECORDED;

	if (!t)
		return -ENOMEM;
	side_json(j, t, "production", view_get(now, "latency_us"), view_get(base, "latency_us"));
	if (paced)
		side_json(j, t, "shadow", view_get(now, "latency_us"), view_get(base, "latency_us"));
	free(t);
	return 0;
}

/* ---- lists: paths and slices ---- */

/** struct kind - of a list: by what its elements are the same, and what is compared of them */
struct kind {
	const char *list, *key[2], *count, *of;
};

static const struct kind paths = { "paths", { "path", "kind" }, "pairs", NULL };
static const struct kind slices = { "slices", { "by", "value" }, "mismatch", "compared" };

/** struct change - of one element */
struct change {
	struct view now, base; /* nothing there: it is in one of the runs only */
	struct rate now_share, base_share;
	double difference; /* without its sign */
};

struct changes {
	const struct kind *kind;
	struct change *at;
	size_t count;
	uint64_t alike, compared_now, compared_base;
};

static struct view find(struct view list, const struct kind *kind, struct view element)
{
	for (struct view_walk w = view_walk(list); view_next(&w);) {
		bool same = true;

		for (size_t i = 0; i < 2 && same; i++) {
			struct view a = view_get(w.value, kind->key[i]), b = view_get(element, kind->key[i]);

			same = view_is(a, JSON_STRING) && view_is(b, JSON_STRING) &&
			       span_equal(json_doc_text(a.doc, a.at), json_doc_text(b.doc, b.at));
		}
		if (same)
			return w.value;
	}
	return (struct view){ 0 };
}

/** share_in() - of an element; one that a run does not have was in none of what it compared */
static struct rate share_in(struct view element, uint64_t compared)
{
	return element.there ? share_of(element) : compared > 0 ? rate_of(0, compared) : unknown;
}

static void add_change(struct changes *c, struct view now, struct view base)
{
	struct change x = { .now = now, .base = base, .now_share = share_in(now, c->compared_now),
			    .base_share = share_in(base, c->compared_base) };
	struct interval difference;

	if (!is_known(&x.now_share) || !is_known(&x.base_share))
		return;
	difference = rate_difference(&x.base_share, &x.now_share, &x.difference);
	x.difference = fabs(x.difference);
	if (change_of(&difference))
		c->at[c->count++] = x;
	else
		c->alike++;
}

static int greatest_first(const void *a, const void *b)
{
	double x = ((const struct change *)a)->difference, y = ((const struct change *)b)->difference;

	return (x < y) - (x > y);
}

static void change_json(struct json *j, const struct changes *c, const struct change *x)
{
	struct view known = x->now.there ? x->now : x->base;

	json_open(j, '{');
	for (size_t i = 0; i < 2; i++)
		view_member(j, c->kind->key[i], view_get(known, c->kind->key[i]));
	difference_members(j, &x->now_share, &x->base_share, !x->base.there ? "new" : !x->now.there ? "gone" : NULL);
	json_close(j, '}');
}

static void changes_json(struct json *j, struct changes *c)
{
	struct buffer name = { 0 };

	qsort(c->at, c->count, sizeof(*c->at), greatest_first);
	json_key(j, c->kind->list);
	json_open(j, '[');
	for (size_t i = 0; i < c->count && i < AGAINST_LIST_MAX; i++)
		change_json(j, c, &c->at[i]);
	json_close(j, ']');
	buffer_printf(&name, "%s_more", c->kind->list);
	json_count(j, buffer_text(&name), c->count > AGAINST_LIST_MAX ? c->count - AGAINST_LIST_MAX : 0);
	buffer_clear(&name);
	buffer_printf(&name, "%s_alike", c->kind->list);
	json_count(j, buffer_text(&name), c->alike);
	buffer_deinit(&name);
}

/** list_json() - what has changed in a list; a slice that one run lacks cannot be compared, a path was never met in it */
static int list_json(struct json *j, const struct kind *kind, struct view now, struct view base)
{
	struct view now_list = view_get(now, kind->list), base_list = view_get(base, kind->list);
	struct changes c = { .kind = kind,
			     .compared_now = kind->of ? 0 : view_count(view_get(now, "compared")),
			     .compared_base = kind->of ? 0 : view_count(view_get(base, "compared")) };

	c.at = calloc((size_t)view_size(now_list) + view_size(base_list) + 1, sizeof(*c.at));
	if (!c.at)
		return -ENOMEM;
	for (struct view_walk w = view_walk(now_list); view_next(&w);)
		add_change(&c, w.value, find(base_list, kind, w.value));
	for (struct view_walk w = view_walk(base_list); view_next(&w);)
		if (!find(now_list, kind, w.value).there)
			add_change(&c, (struct view){ 0 }, w.value);
	changes_json(j, &c);
	free(c.at);
	return 0;
}

/* ---- targets ---- */

static bool is_shadow(struct view target)
{
	return !view_is_text(view_get(target, "role"), "control");
}

/** only_shadow() - nothing there: there are several, or none */
static struct view only_shadow(struct view targets)
{
	struct view found = { 0 };

	for (struct view_walk w = view_walk(targets); view_next(&w);) {
		if (is_shadow(w.value) && found.there)
			return (struct view){ 0 };
		if (is_shadow(w.value))
			found = w.value;
	}
	return found;
}

static struct view counterpart(struct view targets, struct view name)
{
	for (struct view_walk w = view_walk(targets); view_next(&w);)
		if (span_equal(json_doc_text(w.name.doc, w.name.at), json_doc_text(name.doc, name.at)))
			return w.value;
	return (struct view){ 0 };
}

static int target_json(struct json *j, struct view now, struct view base)
{
	int err;

	json_open(j, '{');
	json_key(j, "values");
	json_open(j, '[');
	shares_json(j, now, base);
	err = latencies_json(j, now, base);
	json_close(j, ']');
	if (err == 0)
		err = list_json(j, &paths, now, base);
	if (err == 0)
		err = list_json(j, &slices, now, base);
	json_close(j, '}');
	return err;
}

static int targets_json(struct json *j, struct view now, struct view base)
{
	struct view alone = only_shadow(now), alone_then = only_shadow(base);
	int err = 0;

	json_key(j, "targets");
	json_open(j, '{');
	for (struct view_walk w = view_walk(now); view_next(&w) && err == 0;) {
		struct view then = counterpart(base, w.name);
		struct buffer name = { 0 };

		if (!then.there && alone.there && alone.at == w.value.at)
			then = alone_then;
		if (!then.there || !is_shadow(w.value))
			continue;
		view_text(w.name, &name);
		json_key(j, buffer_text(&name));
		buffer_deinit(&name);
		err = target_json(j, w.value, then);
	}
	json_close(j, '}');
	return err;
}

int against_json(const struct json_doc *now, const struct json_doc *base, struct json *j)
{
	struct view now_report = view_of(now), base_report = view_of(base);
	int err;

	json_open(j, '{');
	view_member(j, "started", view_get(base_report, "started"));
	double_member(j, "seconds", view_number(view_get(base_report, "seconds")));
	err = targets_json(j, view_get(now_report, "comparison.targets"), view_get(base_report, "comparison.targets"));
	json_close(j, '}');
	return err < 0 ? err : buffer_ok(j->out) ? 0 : -ENOMEM;
}
