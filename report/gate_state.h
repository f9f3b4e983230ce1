/* gate_state.h - a parsed expression; private to gate*.c */
#ifndef REPORT_GATE_STATE_H
#define REPORT_GATE_STATE_H

#include "report/gate.h"
#include "report/gate_values.h"

enum gate_op { GATE_ABOVE, GATE_AT_LEAST, GATE_BELOW, GATE_AT_MOST, GATE_IS, GATE_IS_NOT };

struct gate_term {
	char *text; /* own memory, as written */
	const struct gate_value *value;
	char target[GATE_NAME_TEXT]; /* "" for any */
	enum gate_op op;
	double limit; /* in the report's units: shares of 1, microseconds */
};

/* A node joins two others or is a term; -1 and less: term ~n. */
struct gate_join {
	bool is_and;
	int left, right;
};

struct gate {
	char *expression; /* own memory */
	struct gate_term term[GATE_TERMS_MAX];
	size_t term_count;
	struct gate_join join[GATE_TERMS_MAX];
	size_t join_count;
	int root;
};

#endif
