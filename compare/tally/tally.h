/*
 * tally.h - comparisons, added up: rates, latencies, paths, slices, examples
 *
 * Bounded: paths, slices, confusions, statuses and examples have caps with an
 * overflow bucket each. Everything adds up: a tally read from a report can be
 * merged with another. One thread at a time.
 */
#ifndef COMPARE_TALLY_TALLY_H
#define COMPARE_TALLY_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "base/looks.h"
#include "compare/comparer.h"
#include "compare/comparison.h"
#include "compare/slo.h"

#define TALLY_TARGETS_MAX 17

/* Places for names of each kind, per target; what finds none is counted as overflow. */
#define TALLY_PATHS_MAX         256  /* (path of the body, kind of difference) */
#define TALLY_IGNORED_MAX       64   /* (path of the body, rule) */
#define TALLY_LABELS_MAX        1024
#define TALLY_CONFUSIONS_MAX    1024
#define TALLY_STATUSES_MAX      64
#define TALLY_REASONS_MAX       32
#define TALLY_SLICES_MAX        128 /* per dimension */
#define TALLY_SLICE_HEADERS_MAX 8

/** TALLY_TARGET_BYTES_MAX - a target never takes more, names at their longest, with bodies in the examples */
#define TALLY_TARGET_BYTES_MAX (4 << 20)

struct tally_target {
	const char *name; /* borrowed */
	bool is_control;
};

struct tally_options {
	const struct tally_target *targets;
	size_t target_count;
	const char *const *slice_headers; /* --slice-by header:NAME */
	size_t slice_header_count;
	const struct slo *slo; /* --slo, or NULL */
	bool show_bodies; /* examples may hold the bodies themselves, and the values that differ */
	enum looks looks; /* for which the intervals hold */
	/* which headers may explain differences, besides those of @slice_headers; NULL: none */
	bool (*has_header)(const void *ctx, struct span name, bool is_grpc);
	const void *has_header_ctx; /* borrowed for life */
};

struct tally;
struct judged;

/** tally_new() - NULL when out of memory; @options copied */
struct tally *tally_new(const struct tally_options *options);

/** tally_add() - one exchange that was sent to a target and ended; all borrowed */
void tally_add(struct tally *t, size_t target, const struct pair *pair, const struct comparison *c);

/**
 * tally_judged() - what tally_add() has just counted, until the request's pair with another target is counted too
 * Return: given (free()); NULL: nothing that needs to be kept, there being no control, or out of memory.
 */
struct judged *tally_judged(const struct tally *t, size_t target, const struct comparison *c);

/** tally_add_beside() - two pairs of one request, each judged; counted if they are a shadow's and the control's */
void tally_add_beside(struct tally *t, size_t target, const struct judged *judged, size_t other,
		      const struct judged *of_other);

/** struct tally_brief - the figures for a line or two, the same as the report's; times in microseconds */
struct tally_brief {
	enum looks looks;                                   /* for whom intervals hold */
	struct rate mismatch, mismatch_distinct, decisions; /* see docs/report.md */
	struct {
		uint64_t count, requests, clients; /* as many as the pairs count for; different ones */
		bool is_estimate, is_many_clients; /* of @requests; more than @clients */
	} witnesses;
	uint64_t generated_apart; /* texts that differ and are no mismatch, since there is no control */
	/* NaN: nothing was measured. Infinite: it lies among the timeouts */
	struct {
		double p50, p99;
	} production, target;
};

/** tally_brief() - of target @target, as tally_add() counts them */
struct tally_brief tally_brief(const struct tally *t, size_t target);

/**
 * tally_notes() - of target @target, for a terminal, a line each: where disagreement is high; what was left out of
 * comparing and differs, with a warning if it is in more than IGNORED_WARNING of the pairs; and the rules that would let pass what
 * seems to be no fault. Nothing if there is nothing to say.
 */
#define IGNORED_WARNING 0.01
void tally_notes(const struct tally *t, size_t target, struct buffer *out);

/** enum tally_extent - all that there is, or only what gates and decisions ask for: no lists but those of times */
enum tally_extent { TALLY_WHOLE, TALLY_FIGURES };
/** tally_goodput_text() - of target @target, a line for a terminal with @note behind it; nothing without --slo */
void tally_goodput_text(const struct tally *t, size_t target, const char *note, struct buffer *out);

/** tally_json() - the member "targets" of the report's "comparison", in an object that the caller has opened */
void tally_json(const struct tally *t, enum tally_extent extent, struct json *j);

/** tally_read() - from the "comparison" object @node of a report; NULL with @error if it is none */
struct tally *tally_read(const struct json_doc *d, uint32_t node, struct buffer *error);

/** tally_merge() - add @from to @into: targets are joined by name; 0 or -ENOMEM */
int tally_merge(struct tally *into, const struct tally *from);

void tally_free(struct tally *t);

#endif
