/*
 * histogram.h - how long things took, in buckets that grow with the value
 *
 * Theory of operation: 64 linear buckets per power of two, from 1 up to 2^40
 * (in microseconds: twelve days). A value is off by at most 1/128 of itself,
 * below 1 %. Adding is an increment, merging is addition, and the memory is
 * fixed, so a run of months costs what a run of seconds does. One writer, as
 * for every counter.
 *
 * A struct histogram is read by its writer's thread alone. What other threads read while it grows is a struct
 * counted_histogram, whose numbers are counters: they take it into one of their own.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"

#define HISTOGRAM_SUB     64
#define HISTOGRAM_POWERS  35 /* 2^6 .. 2^40 */
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * (HISTOGRAM_POWERS + 1))

struct histogram {
	uint64_t bucket[HISTOGRAM_BUCKETS];
	uint64_t count, sum, max;
};

void histogram_add(struct histogram *h, uint64_t value);

/** histogram_quantile() - the value below which @q (0..1) of the values lie; 0 when empty */
uint64_t histogram_quantile(const struct histogram *h, double q);

/** histogram_at() - the value of rank @rank, counted from 0 for the least; the greatest value for any beyond the last */
uint64_t histogram_at(const struct histogram *h, uint64_t rank);

/** histogram_bucket_value() - the middle of bucket @at, so that the error is half its width */
uint64_t histogram_bucket_value(size_t at);

/**
 * histogram_upto() - how many values are at most bounds[i], into upto[i]
 * @bounds:  ascending
 *
 * A bucket counts as a whole, by its middle, so a bound is off by at most 1/128 of itself.
 */
void histogram_upto(const struct histogram *h, const uint64_t *bounds, size_t count, uint64_t *upto);

/** histogram_merge() - add the values of @from to @into */
void histogram_merge(struct histogram *into, const struct histogram *from);

/** struct counted_histogram - one writer, many readers; zero to begin with */
struct counted_histogram {
	struct counter bucket[HISTOGRAM_BUCKETS];
	struct counter sum, max;
};

/** counted_histogram_add() - owner only */
void counted_histogram_add(struct counted_histogram *h, uint64_t value);

/** histogram_take() - any thread: add the values that @from has by now to @into */
void histogram_take(struct histogram *into, const struct counted_histogram *from);

struct json;
struct json_doc;

/** histogram_buckets_json() - the member @name: [[index, count], ...] of the buckets that hold something */
void histogram_buckets_json(const struct histogram *h, struct json *j, const char *name);

/**
 * histogram_buckets_read() - add what such a member says to @h
 * @node: the array in @doc
 *
 * A greatest value and a sum are not in buckets: the caller adds them to h->max and h->sum.
 * Return: false, with nothing added, if it is no such array, an index is none, or a sum would wrap around.
 */
bool histogram_buckets_read(struct histogram *h, const struct json_doc *doc, uint32_t node);

#endif
