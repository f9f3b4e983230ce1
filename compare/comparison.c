/* comparison.c - the names of comparison.h, each from its list */
#include "compare/comparison.h"

const char *comparison_name(enum comparison_verdict v)
{
	static const char *const names[] = {
#define X(id, name) [COMPARISON_##id] = name,
		COMPARISONS(X)
#undef X
	};

	return names[v];
}

const char *difference_name(enum difference_kind k)
{
	static const char *const names[] = {
#define X(id, name) [DIFFERENCE_##id] = name,
		DIFFERENCES(X)
#undef X
	};

	return names[k];
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

const char *reply_difference_name(enum reply_difference r)
{
	static const char *const names[] = {
		[REPLY_ALIKE] = NULL,
#define X(id, name) [REPLY_##id] = name,
		REPLY_DIFFERENCES(X)
#undef X
	};

	return names[r];
}
