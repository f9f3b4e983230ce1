/* verdicts.c - see verdicts.h: each list as a table */
#include "compare/verdicts.h"

#include <stddef.h>

const struct verdict_row *verdict_row(enum comparison_verdict v)
{
	static const struct verdict_row rows[] = {
#define X(id, name, role, gate, place, colour, meaning) \
	[COMPARISON_##id] = { name, COMPARISON_##role, place, colour, meaning },
		COMPARISONS(X)
#undef X
	};

	return &rows[v];
}

const char *comparison_name(enum comparison_verdict v)
{
	return verdict_row(v)->name;
}

bool comparison_is_compared(enum comparison_verdict v)
{
	return verdict_row(v)->role != COMPARISON_APART;
}

bool comparison_is_mismatch(enum comparison_verdict v)
{
	return verdict_row(v)->role == COMPARISON_MISMATCH;
}

enum comparison_verdict comparison_at_place(int place)
{
	enum comparison_verdict v = 0;

	while (v + 1 < COMPARISON_COUNT && verdict_row(v)->place != place)
		v++;
	return v;
}

const char *difference_name(enum difference_kind k)
{
	static const char *const names[] = {
#define X(id, name, verdict) [DIFFERENCE_##id] = name,
		DIFFERENCES(X)
#undef X
	};

	return names[k];
}

enum comparison_verdict difference_verdict(enum difference_kind k)
{
	static const enum comparison_verdict verdicts[] = {
#define X(id, name, verdict) [DIFFERENCE_##id] = COMPARISON_##verdict,
		DIFFERENCES(X)
#undef X
	};

	return verdicts[k];
}

const char *reply_difference_name(enum reply_difference r)
{
	static const char *const names[] = {
		[REPLY_ALIKE] = NULL,
#define X(id, name, meaning) [REPLY_##id] = name,
		REPLY_DIFFERENCES(X)
#undef X
	};

	return names[r];
}

const char *reply_difference_meaning(enum reply_difference r)
{
	static const char *const meanings[] = {
		[REPLY_ALIKE] = NULL,
#define X(id, name, meaning) [REPLY_##id] = meaning,
		REPLY_DIFFERENCES(X)
#undef X
	};

	return meanings[r];
}

const char *body_kind_name(enum body_kind k)
{
	static const char *const names[] = {
#define X(id, name) [BODY_##id] = name,
		BODY_KINDS(X)
#undef X
	};

	return names[k];
}
