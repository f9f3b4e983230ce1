/* histogram.c - see histogram.h */
#include "base/histogram.h"

#define SUB_BITS 6

static size_t bucket_of(uint64_t value)
{
	int power;
	size_t at;

	if (value < HISTOGRAM_SUB)
		return (size_t)value;
	power = 63 - __builtin_clzll(value) - SUB_BITS;
	at = (size_t)(power + 1) * HISTOGRAM_SUB + (size_t)((value >> power) - HISTOGRAM_SUB);
	return at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bucket_value(size_t at)
{
	size_t power = at / HISTOGRAM_SUB;

	if (power == 0)
		return at;
	power--;
	return ((HISTOGRAM_SUB + at % HISTOGRAM_SUB) << power) + (power ? UINT64_C(1) << (power - 1) : 0);
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->bucket[bucket_of(value)]++;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_at(const struct histogram *h, uint64_t rank)
{
	uint64_t seen = 0;

	if (rank >= h->count)
		return h->max;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > rank) {
			uint64_t value = histogram_bucket_value(i);

			return value < h->max ? value : h->max;
		}
	}
	return h->max;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	return h->count == 0 ? 0 : histogram_at(h, (uint64_t)(q * (double)h->count));
}

void histogram_upto(const struct histogram *h, const uint64_t *bounds, size_t count, uint64_t *upto)
{
	uint64_t seen = 0;
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		for (; at < HISTOGRAM_BUCKETS && histogram_bucket_value(at) <= bounds[i]; at++)
			seen += h->bucket[at];
		upto[i] = seen;
	}
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum += from->sum;
	if (from->max > into->max)
		into->max = from->max;
}

void counted_histogram_add(struct counted_histogram *h, uint64_t value)
{
	counter_add(&h->bucket[bucket_of(value)], 1);
	counter_add(&h->sum, value);
	if (value > counter_get(&h->max))
		counter_set(&h->max, value);
}

void histogram_take(struct histogram *into, const struct counted_histogram *from)
{
	uint64_t max = counter_get(&from->max);

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t n = counter_get(&from->bucket[i]);

		into->bucket[i] += n;
		into->count += n; /* so it is always what the buckets hold */
	}
	into->sum += counter_get(&from->sum);
	if (max > into->max)
		into->max = max;
}
