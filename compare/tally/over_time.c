/* over_time.c - see over_time.h */
#include "compare/tally/over_time.h"

#include <math.h>
#include <string.h>

#define SUB       4 /* buckets a power of two; a value below it is its own */
#define COUNT_MAX (UINT64_C(1) << 53)
#define SECOND_MAX ((uint64_t)(INT64_MAX / NS_PER_S))

/* -- buckets --------------------------------------------------------------------------- */

static size_t bucket_of(uint64_t us)
{
	unsigned power = us < SUB ? 0 : 61 - (unsigned)__builtin_clzll(us);
	size_t at = us < SUB ? us : SUB * (power + 1) + (us >> power) - SUB;

	return at < OVER_TIME_BUCKETS ? at : OVER_TIME_BUCKETS - 1;
}

/* The middle of a bucket. */
static double bucket_value(size_t at)
{
	unsigned power = at < SUB ? 0 : (unsigned)(at / SUB) - 1;

	return at < SUB ? (double)at : (double)((SUB + at % SUB) << power) + (double)((UINT64_C(1) << power) - 1) / 2;
}

static void latency_add(uint32_t *bucket, uint64_t by)
{
	*bucket = by > UINT32_MAX - *bucket ? UINT32_MAX : *bucket + (uint32_t)by;
}

static uint64_t latency_count(const uint32_t latency[OVER_TIME_BUCKETS])
{
	uint64_t sum = 0;

	for (size_t i = 0; i < OVER_TIME_BUCKETS; i++)
		sum += latency[i];
	return sum;
}

double over_time_quantile(const uint32_t latency[OVER_TIME_BUCKETS], uint64_t timeouts, double q)
{
	uint64_t count = latency_count(latency), rank = (uint64_t)(q * ((double)count + (double)timeouts)), seen = 0;

	if (count == 0 || (timeouts > 0 && rank >= count))
		return NAN;
	rank = rank < count ? rank : count - 1;
	for (size_t i = 0; i < OVER_TIME_BUCKETS; i++) {
		seen += latency[i];
		if (seen > rank)
			return bucket_value(i);
	}
	return NAN;
}

/* -- bins ------------------------------------------------------------------------------ */

static void bin_add(struct over_time_bin *into, const struct over_time_bin *from)
{
	into->pairs += from->pairs;
	into->compared += from->compared;
	into->mismatch += from->mismatch;
	into->generated += from->generated;
	into->errors_of += from->errors_of;
	into->timeouts += from->timeouts;
	for (int s = 0; s < OVER_TIME_SIDES; s++) {
		into->errors[s] += from->errors[s];
		for (size_t i = 0; i < OVER_TIME_BUCKETS; i++)
			latency_add(&into->latency[s][i], from->latency[s][i]);
	}
}

/* widen() - twice as wide: two and two become one, those beyond the last stay empty */
static void widen(struct over_time *t)
{
	uint64_t first = t->first >> 1;
	unsigned count = 0;

	for (unsigned i = 0; i < t->count; i++) {
		unsigned to = (unsigned)(((t->first + i) >> 1) - first);
		struct over_time_bin one = t->bin[i];

		t->bin[i] = (struct over_time_bin){ 0 };
		bin_add(&t->bin[to], &one);
		count = to + 1;
	}
	t->first = first;
	t->count = count;
	t->power++;
}

/* reach() - make the bins cover @second */
static struct over_time_bin *reach(struct over_time *t, uint64_t second)
{
	uint64_t at = second >> t->power, before;

	if (t->count == 0) {
		t->first = at;
		t->count = 1;
	}
	while ((at > t->first ? at - t->first : t->first + t->count - 1 - at) >= OVER_TIME_BINS) {
		widen(t);
		at = second >> t->power;
	}
	if (at < t->first) {
		before = t->first - at;
		memmove(&t->bin[before], &t->bin[0], t->count * sizeof(t->bin[0]));
		memset(&t->bin[0], 0, before * sizeof(t->bin[0]));
		t->first = at;
		t->count += (unsigned)before;
	}
	if (at - t->first >= t->count)
		t->count = (unsigned)(at - t->first) + 1;
	return &t->bin[at - t->first];
}

void over_time_add(struct over_time *t, const struct over_time_pair *pair)
{
	struct over_time_bin *b = reach(t, pair->at.ns < 0 ? 0 : (uint64_t)(pair->at.ns / NS_PER_S));

	b->pairs++;
	b->compared += pair->is_compared;
	b->mismatch += pair->is_mismatch;
	b->generated += pair->is_generated;
	b->errors_of += pair->has_health;
	b->timeouts += pair->is_timeout;
	for (int s = 0; s < OVER_TIME_SIDES; s++) {
		b->errors[s] += pair->has_health && pair->is_bad[s];
		if (pair->us[s] >= 0)
			latency_add(&b->latency[s][bucket_of((uint64_t)pair->us[s])], 1);
	}
}

void over_time_merge(struct over_time *into, const struct over_time *from)
{
	while (into->power < from->power)
		widen(into);
	for (unsigned i = 0; i < from->count; i++)
		if (from->bin[i].pairs > 0)
			bin_add(reach(into, (from->first + i) << from->power), &from->bin[i]);
}

/* -- in reports ------------------------------------------------------------------------ */

static const char *const side_names[OVER_TIME_SIDES] = { "production", "shadow" };

static void quantile_json(struct json *j, const char *name, const uint32_t *latency, uint64_t timeouts, double q)
{
	json_key(j, name);
	json_double(j, over_time_quantile(latency, timeouts, q));
}

static void side_json(struct json *j, const struct over_time_bin *b, int s)
{
	uint64_t timeouts = s == OVER_TIME_SHADOW ? b->timeouts : 0;

	json_key(j, side_names[s]);
	json_open(j, '{');
	json_count(j, "errors", b->errors[s]);
	quantile_json(j, "p50_us", b->latency[s], timeouts, 0.50);
	quantile_json(j, "p99_us", b->latency[s], timeouts, 0.99);
	json_key(j, "buckets");
	json_open(j, '[');
	for (size_t i = 0; i < OVER_TIME_BUCKETS; i++)
		if (b->latency[s][i] > 0) {
			json_open(j, '[');
			json_uint(j, i);
			json_uint(j, b->latency[s][i]);
			json_close(j, ']');
		}
	json_close(j, ']');
	json_close(j, '}');
}

static void bin_json(struct json *j, uint64_t start, const struct over_time_bin *b, bool has_control)
{
	json_open(j, '{');
	json_count(j, "start", start);
	json_count(j, "pairs", b->pairs);
	json_count(j, "compared", b->compared);
	json_count(j, "mismatch", b->mismatch - (has_control ? 0 : b->generated));
	json_count(j, "generated_different", b->generated);
	json_count(j, "errors_of", b->errors_of);
	json_count(j, "timeouts", b->timeouts);
	for (int s = 0; s < OVER_TIME_SIDES; s++)
		side_json(j, b, s);
	json_close(j, '}');
}

void over_time_json(const struct over_time *t, bool has_control, struct json *j)
{
	json_key(j, "over_time");
	json_open(j, '{');
	json_count(j, "width_s", UINT64_C(1) << t->power);
	json_key(j, "bins");
	json_open(j, '[');
	for (unsigned i = 0; i < t->count; i++)
		if (t->bin[i].pairs > 0)
			bin_json(j, (t->first + i) << t->power, &t->bin[i], has_control);
	json_close(j, ']');
	json_close(j, '}');
}

static bool read_count(const struct json_doc *d, uint32_t node, const char *name, uint64_t *out)
{
	uint32_t at = json_doc_member(d, node, span_str(name));

	*out = 0;
	return !at || (json_doc_uint(d, at, out) && *out <= COUNT_MAX);
}

static bool read_bucket(const struct json_doc *d, uint32_t node, uint32_t latency[OVER_TIME_BUCKETS])
{
	uint64_t at, n;

	if (d->nodes[node].type != JSON_ARRAY || d->nodes[node].count != 2 || !json_doc_uint(d, node + 1, &at) ||
	    !json_doc_uint(d, d->nodes[node + 1].next, &n) || at >= OVER_TIME_BUCKETS || n > UINT32_MAX)
		return false;
	latency_add(&latency[at], n);
	return true;
}

static bool read_side(const struct json_doc *d, uint32_t node, struct over_time_bin *b, int s)
{
	uint32_t side = json_doc_member(d, node, span_str(side_names[s])), list;

	if (!side)
		return true;
	list = json_doc_member(d, side, SPAN_LITERAL("buckets"));
	if (d->nodes[side].type != JSON_OBJECT || !read_count(d, side, "errors", &b->errors[s]) ||
	    (list && d->nodes[list].type != JSON_ARRAY))
		return false;
	for (uint32_t at = list + 1; list && at < d->nodes[list].next; at = d->nodes[at].next)
		if (!read_bucket(d, at, b->latency[s]))
			return false;
	return true;
}

static bool read_bin(struct over_time *t, bool has_control, const struct json_doc *d, uint32_t node)
{
	struct over_time_bin b = { 0 };
	uint64_t start;

	if (d->nodes[node].type != JSON_OBJECT || !read_count(d, node, "start", &start) || start > SECOND_MAX ||
	    start & ((UINT64_C(1) << t->power) - 1) || !read_count(d, node, "pairs", &b.pairs) ||
	    !read_count(d, node, "compared", &b.compared) || !read_count(d, node, "mismatch", &b.mismatch) ||
	    !read_count(d, node, "generated_different", &b.generated) || !read_count(d, node, "errors_of", &b.errors_of) ||
	    !read_count(d, node, "timeouts", &b.timeouts) || !read_side(d, node, &b, OVER_TIME_PRODUCTION) ||
	    !read_side(d, node, &b, OVER_TIME_SHADOW))
		return false;
	b.mismatch += has_control ? 0 : b.generated;
	if (b.pairs == 0 || b.compared > b.pairs || b.mismatch > b.compared || b.generated > b.mismatch || b.errors_of > b.pairs ||
	    b.timeouts > b.pairs || b.errors[OVER_TIME_PRODUCTION] > b.errors_of || b.errors[OVER_TIME_SHADOW] > b.errors_of)
		return false;
	bin_add(reach(t, start), &b);
	return true;
}

bool over_time_read(struct over_time *t, bool has_control, const struct json_doc *d, uint32_t node)
{
	uint32_t list = json_doc_member(d, node, SPAN_LITERAL("bins"));
	uint64_t width, sum = 0;

	if (d->nodes[node].type != JSON_OBJECT || !read_count(d, node, "width_s", &width) || width == 0 || width & (width - 1) ||
	    width >> OVER_TIME_POWER_MAX > 1 || (list && d->nodes[list].type != JSON_ARRAY))
		return false;
	t->power = (unsigned)__builtin_ctzll(width);
	for (uint32_t at = list + 1; list && at < d->nodes[list].next; at = d->nodes[at].next)
		if (!read_bin(t, has_control, d, at))
			return false;
	for (unsigned i = 0; i < t->count; i++)
		sum += t->bin[i].pairs;
	return sum <= COUNT_MAX;
}
