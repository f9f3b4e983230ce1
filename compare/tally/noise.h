/*
 * noise.h - on which requests the shadow differs, and on which the control does
 *
 * Shadow and control answer the same requests. What is wrong with both of them on one request says
 * nothing about the shadow, so only the requests count on which one of the two differs
 * alone: their difference is known 2.5 times as closely as that of two shares which are counted
 * apart, for which six times the pairs were needed.
 *
 * A request counts if both of its pairs were compared. The first of them that is compared leaves
 * behind what it was found to be (struct judged) until the second one is.
 *
 * Counts only, so that they add up. A path that has no place in the table is judged by its rates alone.
 */
#ifndef COMPARE_TALLY_NOISE_H
#define COMPARE_TALLY_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "base/looks.h"
#include "base/statistics.h"
#include "compare/comparison.h"
#include "compare/tally/counted.h"

/** struct judged - of a pair that was compared: is it a mismatch, and the rows of its target's table of paths, each once */
struct judged {
	bool is_mismatch;
	uint8_t path_count;
	uint16_t path[];
};

#define JUDGED_BYTES_MAX (sizeof(struct judged) + FINDINGS_MAX * sizeof(uint16_t))

/** judged_new() - @paths has a row for each path of @c that found a place; NULL: not compared, or out of memory. Given */
struct judged *judged_new(const struct comparison *c, const struct counted *paths);

/* Of a path, the requests on which it differs in both, in the shadow alone, in the control alone. */
enum { NOISE_BOTH, NOISE_SHADOW, NOISE_CONTROL };

/** struct noise - of one shadow beside the control; zero is none */
struct noise {
	uint64_t both, shadow, control, neither; /* requests: mismatches of both, of one alone, of none */
	struct counted paths;
	uint64_t path_overflow;
};

void noise_init(struct noise *n, size_t paths_max, struct hash_key hash);
void noise_deinit(struct noise *n);

/** noise_add() - a request of which both pairs were compared; the tables are those that the rows are of */
void noise_add(struct noise *n, const struct judged *shadow, const struct counted *shadow_paths,
	       const struct judged *control, const struct counted *control_paths);

void noise_merge(struct noise *into, const struct noise *from);

/** noise_json() - the members "paired" and "paths_overflow", and @with_paths "paths" */
void noise_json(const struct noise *n, struct json *j, bool with_paths);

/** noise_read() - from the object that has these members; missing is 0. NULL, or what is damaged: "noise.paths" */
const char *noise_read(struct noise *n, const struct json_doc *d, uint32_t node);

/** struct net - how much oftener the shadow differs than noise does, and its 95 % interval; NaN: not known */
struct net {
	double raw, floor, value; /* value is raw - floor */
	struct interval interval;
	const char *shares; /* "paired": of the same requests; "independent"; NULL: not known */
};

/**
 * noise_net() - of all mismatches; paired if there are such requests
 * @looks:    for whom the interval is to hold
 * @mismatch: the shadow's, with its interval
 * @floor:    the control's, or the share of repeats that production answered otherwise
 * @deff:     design effect of the shadow's pairs (witnesses.h), by which an interval of paired shares is wider
 */
struct net noise_net(const struct noise *n, enum looks looks, const struct rate *mismatch, const struct rate *floor,
		     double deff);

/** noise_path_net() - of the path of @row, a row of the shadow's table of paths */
struct net noise_path_net(const struct noise *n, enum looks looks, const struct counted_row *row, const struct rate *rate,
			  const struct rate *floor, double deff);

/**
 * net_is_noise() - is it no oftener than noise, as far as one can tell?
 *
 * It is by Diffy's rule, as a floor: unless the rate is above that of noise, apart from it by more than 20 % of their
 * sum, and by more than 0.03 % of the pairs. And it is if noise has it too and the interval does not exclude that it
 * has it as often. What noise never has is not excused by there being few pairs.
 */
bool net_is_noise(const struct net *net);

#endif
