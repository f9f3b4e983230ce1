/* lost_reason.c - see lost_reason.h */
#include "message/lost_reason.h"

const char *lost_reason_name(enum lost_reason reason)
{
	static const char *const names[] = {
#define X(id, name) name,
		LOST_REASONS(X)
#undef X
	};

	return names[reason];
}
