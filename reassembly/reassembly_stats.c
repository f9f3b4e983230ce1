/* reassembly_stats.c - see reassembly_stats.h */
#include "reassembly/reassembly_stats.h"

const char *lost_reason_name(enum lost_reason reason)
{
	static const char *const names[] = {
#define X(id, name) name,
		LOST_REASONS(X)
#undef X
	};

	return names[reason];
}
