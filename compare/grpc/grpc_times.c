/* grpc_times.c - see grpc_times.h */
#include "compare/grpc/grpc_times.h"

#include "compare/arrivals.h"
#include "message/grpc.h"

#define GAPS_MAX ARRIVALS_MAX

bool grpc_times(const struct response *r, struct buffer *gaps, struct stream_facts *out)
{
	struct span body = span_of(r->body, (size_t)r->body_len);
	struct grpc_message message;
	struct stream_facts facts = { .first_token_us = -1 };
	int64_t last_us = -1;
	size_t hint = 0;

	buffer_clear(gaps);
	while (grpc_message_take(&body, &message) == 1) {
		int64_t us = arrival_us(r, r->body_len - body.len, &hint);

		if (facts.events == 0) {
			facts.first_token_us = us;
		} else if (us >= 0 && last_us >= 0 && gaps->len < GAPS_MAX * sizeof(us)) {
			int64_t gap = us > last_us ? us - last_us : 0;

			buffer_add(gaps, &gap, sizeof(gap));
		}
		last_us = us;
		facts.events++;
	}
	if (!buffer_ok(gaps))
		return false;
	facts.tokens = facts.events;
	facts.gaps_us = (const int64_t *)(const void *)gaps->bytes;
	facts.gap_count = gaps->len / sizeof(int64_t);
	*out = facts;
	return true;
}
