/*
 * proposal.h - the line of a rules file that would let a difference pass
 *
 * Nothing is left out of comparing by itself, so the first run with responses
 * that hold an id says that all of them differ. The report then says what to
 * write. It never does so for what could be the model's own word: see
 * proposal.c for what is taken for an id or a clock, and for a vector.
 */
#ifndef COMPARE_TALLY_PROPOSAL_H
#define COMPARE_TALLY_PROPOSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "compare/comparison.h"
#include "compare/tally/counted.h"

enum proposal { PROPOSAL_NONE, PROPOSAL_IGNORE, PROPOSAL_TOLERANCE, PROPOSAL_VECTOR };

/** proposal_is_name() - does this finding look like that of an id, or of the time at which a response was made? */
bool proposal_is_name(const struct finding *f);

/**
 * proposal_of() - for a row of paths (tally_state.h), of @compared pairs
 * @rule: the line is appended: "/id ignore", "/score num atol=0.02", "/embedding cosine"
 */
enum proposal proposal_of(const struct counted_row *row, uint64_t compared, struct buffer *rule);

#endif
