/* response.c - see response.h */
#include "reassembly/response.h"

#include <stdlib.h>

#include "reassembly/message.h"

const char *response_fate_name(enum response_fate fate)
{
	static const char *const names[] = {
#define X(id, name) [RESPONSE_##id] = name,
		RESPONSE_FATES(X)
#undef X
	};

	return names[fate];
}

const struct span *response_header(const struct response *r, struct span name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (span_equal_nocase(r->headers[i].name, name))
			return &r->headers[i].value;
	return NULL;
}

void response_free(struct response *r)
{
	if (!r)
		return;
	if (r->budget)
		budget_release(r->budget, r->charged);
	free(r->arrivals);
	free(r->body);
	free(r);
}
