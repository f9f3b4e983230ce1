/* outcome.c - the words for what the enums say; one list each, in outcome.h */
#include "replay/outcome.h"

const char *outcome_group(enum outcome_kind kind)
{
	static const char *const groups[OUTCOME_COUNT] = {
#define X(id, group, name, reason) group,
		OUTCOMES(X)
#undef X
	};

	return groups[kind];
}

const char *outcome_name(enum outcome_kind kind)
{
	static const char *const names[OUTCOME_COUNT] = {
#define X(id, group, name, reason) name,
		OUTCOMES(X)
#undef X
	};

	return names[kind];
}

const char *outcome_reason(enum outcome_kind kind)
{
	static const char *const reasons[OUTCOME_COUNT] = {
#define X(id, group, name, reason) reason,
		OUTCOMES(X)
#undef X
	};

	return reasons[kind];
}

const char *shed_name(enum shed_reason reason)
{
	static const char *const names[SHED_COUNT] = {
#define X(id, name) name,
		SHEDS(X)
#undef X
	};

	return names[reason];
}
