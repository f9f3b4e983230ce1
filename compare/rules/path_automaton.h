/*
 * path_automaton.h - many patterns of paths, followed at once
 *
 * Internal to path_rules.c: a pattern is a list of steps, and a state says which
 * patterns end here and which one that goes on for all below was the last.
 */
#ifndef COMPARE_PATH_AUTOMATON_H
#define COMPARE_PATH_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum pattern_step_kind { STEP_KEY, STEP_ANY, STEP_DEEP };

struct pattern_step {
	enum pattern_step_kind kind;
	struct span key; /* as the document says it; borrowed as long as the automaton lives */
};

/** struct pattern - steps, borrowed during automaton_init() but for their keys */
struct pattern {
	const struct pattern_step *steps;
	size_t count;
	bool below; /* holds below its path, too, unless a later pattern of this kind does */
	bool stops; /* nothing below its path is of interest, unless a later pattern ends there as well */
};

struct automaton_edge {
	struct span key;
	uint32_t to;
};

#define NO_PATTERN UINT32_MAX

/**
 * struct automaton_state - @ends: numbers of the patterns that end here, ascending
 * @edges:  by length of the key, then by its bytes
 * @other:  the state after every other step
 * @below:  the last pattern with @below set that holds here, or NO_PATTERN
 */
struct automaton_state {
	uint32_t edges, edge_count;
	uint32_t ends, end_count;
	uint32_t other, below;
	bool indices; /* there is an edge that could be an index */
};

struct automaton {
	struct automaton_state *states; /* the first is the root */
	struct automaton_edge *edges;
	uint32_t *ends;
	size_t state_count, edge_count, end_count;
};

/** automaton_init() - 0, -E2BIG if the patterns are too complex together, or -ENOMEM; @out needs automaton_deinit() */
int automaton_init(struct automaton *a, const struct pattern *patterns, size_t count);
void automaton_deinit(struct automaton *a);

/** automaton_step() - the state after the member @key */
uint32_t automaton_step(const struct automaton *a, uint32_t state, struct span key);

#endif
