/*
 * tally.h - comparisons, added up: rates, latencies, paths, slices, examples
 *
 * Bounded: paths, slices, confusions, statuses and examples have caps with an
 * overflow bucket each. Everything adds up: a tally read from a report can be
 * merged with another. One thread at a time.
 */
#ifndef COMPARE_TALLY_H
#define COMPARE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "compare/comparer.h"
#include "compare/comparison.h"

#define TALLY_TARGETS_MAX 17

struct tally_target {
	const char *name; /* borrowed */
	bool is_control;
};

struct tally_options {
	const struct tally_target *targets;
	size_t target_count;
	const char *const *slice_headers; /* --slice-by header:NAME */
	size_t slice_header_count;
	bool show_bodies; /* examples may hold the bodies themselves */
};

struct tally;

/** tally_new() - NULL when out of memory; @options copied */
struct tally *tally_new(const struct tally_options *options);

/** tally_add() - one exchange that was sent to a target and ended; all borrowed */
void tally_add(struct tally *t, size_t target, const struct pair *pair, const struct comparison *c);

/** tally_json() - the member "targets" of the report's "comparison", in an object that the caller has opened */
void tally_json(const struct tally *t, struct json *j);

/** tally_read() - from the "comparison" object @node of a report; NULL with @error if it is none */
struct tally *tally_read(const struct json_doc *d, uint32_t node, struct buffer *error);

/** tally_merge() - add @from to @into: targets are joined by name; 0 or -ENOMEM */
int tally_merge(struct tally *into, const struct tally *from);

void tally_free(struct tally *t);

#endif
