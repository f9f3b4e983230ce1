/*
 * tally_state.h - what a tally consists of; private to tally*.c of this floor
 *
 *   tally.c          made, freed, and what follows from the counts
 *   tally_add.c      one pair is counted
 *   tally_witnesses.c ... as how many witnesses it counts
 *   tally_repeats.c  ... and whether its request came before
 *   tally_example.c  ... and perhaps kept, to be shown
 *   contrast.h        ... and what those have in common that differ
 *   tally_merge.c    another tally is added
 *   tally_json.c     written, tally_read.c read back, tally_notes.c said in words
 */
#ifndef COMPARE_TALLY_TALLY_STATE_H
#define COMPARE_TALLY_TALLY_STATE_H

#include "base/histogram.h"
#include "base/looks.h"
#include "compare/tally/counted.h"
#include "compare/tally/examples.h"
#include "compare/tally/first_pairs.h"
#include "compare/goodput.h"
#include "compare/tally/noise.h"
#include "compare/outputs/outputs.h"
#include "compare/tally/contrast.h"
#include "compare/tally/request_features.h"
#include "compare/tally/over_time.h"
#include "compare/tally/tally.h"
#include "compare/tally/witnesses.h"

enum side { PRODUCTION, SHADOW, SIDES };

#define NAME_TEXT   64
#define STATUS_TEXT 24 /* "503", "DEADLINE_EXCEEDED"; "0": no response, or not seen */

/* By what requests are divided: path, model, then the headers of --slice-by. */
enum { DIMENSION_PATH, DIMENSION_MODEL, DIMENSION_HEADERS };
#define DIMENSIONS (DIMENSION_HEADERS + TALLY_SLICE_HEADERS_MAX)

/* What counted rows hold; n[0] is what they are sorted by. */
enum { PATH_PAIRS, PATH_DIFFERENCES, PATH_NUMBERS, PATH_RELATIVES, PATH_NAMES };
enum { PATH_MAX_ABS, PATH_MAX_REL };
enum { LABEL_PRODUCTION, LABEL_SHADOW };
enum { SLICE_PAIRS, SLICE_COMPARED, SLICE_MISMATCH, SLICE_GENERATED, SLICE_ERRORS, SLICE_DECISIONS, SLICE_AGREE };

/*
 * Scores are sorted into bins with fixed edges, or two taps' could not be
 * added: twentieths of 0..1, where probabilities are, and powers of two
 * beyond, up to 2^20 either way, for models that answer logits.
 */
#define SCORE_LINEAR 20
#define SCORE_POWERS 20
#define SCORE_BINS   (SCORE_LINEAR + 2 * (SCORE_POWERS + 1))

#define SPEED_UNITS 1000 /* of a token a second */

struct side_tally {
	struct histogram first_byte, total, first_token, second_token, gap;
	struct histogram speed; /* tokens a second of each response, in SPEED_UNITS */
	uint64_t streams, events, tokens;
	uint64_t score[SCORE_BINS];
	uint64_t label_overflow;
};

struct target_tally {
	char name[NAME_TEXT];
	bool is_control;
	enum looks looks; /* of a merged one: anytime if any was */
	uint64_t verdict[COMPARISON_COUNT], kind[BODY_KIND_COUNT];
	struct counted errors, not_comparable, confusion, labels, statuses, paths, ignored, slices[DIMENSIONS];
	uint64_t confusion_overflow, status_overflow, path_overflow, ignored_overflow, slice_overflow;
	uint64_t ignored_pairs, ignored_alone; /* something ignored differs; and nothing else does */
	uint64_t same_bytes;                   /* pairs whose bodies were the same as they came */
	struct first_pairs first;
	struct witnesses witnesses;
	struct {
		uint64_t pairs, same_text, different, common_prefix, text, edits, edits_of;
		uint64_t reply[REPLY_DIFFERENCE_COUNT];
	} generated;
	struct {
		uint64_t both, production, shadow, neither; /* bad for both, for one alone, for none */
	} bad;
	uint64_t decisions, decisions_agree, decisions_otherwise;
	struct outputs outputs;
	struct goodput goodput;
	struct side_tally side[SIDES];
	struct histogram above, below; /* shadow - production where it is not negative, and production - shadow */
	uint64_t timeouts;
	uint64_t numbers;
	double max_abs, max_rel;
	struct {
		uint64_t requests, same_production, same_shadow, forgotten;
	} repeats;
	struct noise noise; /* of a shadow, beside the control */
	struct over_time over_time;
	struct examples examples;
	struct contrast *contrast; /* NULL before the first pair that was compared */
};

struct tally {
	struct target_tally *target[TALLY_TARGETS_MAX];
	size_t target_count;
	char dimension[DIMENSIONS][NAME_TEXT]; /* "path", "model", "header:x-tenant" */
	size_t dimension_count;
	struct slo slo; /* without terms: there is none */
	bool show_bodies;
	struct features *features; /* NULL in a tally that was read */
	const char *open_headers[TALLY_SLICE_HEADERS_MAX]; /* names within @dimension */
};

/** tally_empty() - a tally of no targets, by path and model; NULL when out of memory */
struct tally *tally_empty(void);

/** tally_target_add() - the target called @name, made if need be; NULL when out of memory or of places */
struct target_tally *tally_target_add(struct tally *t, struct span name, bool is_control);

/** tally_dimension() - the index of a dimension, made if need be; DIMENSIONS if there is no place */
size_t tally_dimension(struct tally *t, struct span name);

/**
 * tally_count_reason() - reasons are static words of ours, a dozen of them; what a full table can't hold is "other" in
 * its last place
 */
void tally_count_reason(struct counted *table, const char *reason, uint64_t by);

static inline void keep_max(double *max, double value)
{
	if (value > *max)
		*max = value;
}

/** tally_request_hash() - of its target and body, the same on every tap */
uint64_t tally_request_hash(const struct message *m);

/** tally_add_witness() - count the pair among those of its request, client and connection */
void tally_add_witness(struct target_tally *g, const struct pair *pair, const struct comparison *c);

/** tally_add_repeat() - @first: the pair's request, with what was answered at first; NULL: it is not in the sample */
void tally_add_repeat(struct target_tally *g, const struct pair *pair, const struct comparison *c, struct first_pair *first);

/** target_effect() - the design effect of its pairs */
double target_request_effect(const struct target_tally *g, bool has_control);
struct witness_effect target_effect(const struct target_tally *g, bool has_control);

/** target_mismatch_distinct() - of the different requests, each by its first pair that was compared */
struct rate target_mismatch_distinct(const struct target_tally *g, bool has_control);

/** tally_witnesses_json() - the members about requests, witnesses and their mismatches */
void tally_witnesses_json(const struct target_tally *g, bool has_control, enum tally_extent extent, struct json *j);

/** rate_object() - a share as the member @name */
void rate_object(struct json *j, const char *name, const struct rate *r);

/** tally_add_example() - keep the pair if it is among the gravest; @bodies: what was said in it, too */
void tally_add_example(struct target_tally *g, const struct pair *pair, const struct comparison *c, bool bodies);

/** control_of() - the first control target, or NULL */
const struct target_tally *control_of(const struct tally *t);

/** score_bin() - where a score belongs; score_bin_number() and back: bins as reports number them, -21 .. 40 */
size_t score_bin(double score);
int64_t score_bin_number(size_t bin);
size_t score_bin_of_number(double number); /* SCORE_BINS if it is none */

/* What follows from the counts. */
uint64_t target_pairs(const struct target_tally *g);
uint64_t target_compared(const struct target_tally *g);
/**
 * latency_quantile() - of @h with @timeouts above all that it holds, in microseconds
 * Return: NaN if nothing was measured, or if what was lies below the timeouts that reach down to this quantile.
 */
double latency_quantile(const struct histogram *h, uint64_t timeouts, double q);
/** target_mismatch() - of the pairs that were compared, with the interval of so many witnesses */
struct rate target_mismatch(const struct target_tally *g, bool has_control);

#endif
