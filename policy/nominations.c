/* nominations.c - see nominations.h */
#include "policy/nominations.h"

#include "message/http_text.h"

struct nominations nominations_of(const struct request_head *head)
{
	struct nominations n = { 0 };

	for (size_t i = 0; i < head->header_count; i++) {
		if (!span_equal_nocase(head->headers[i].name, SPAN_LITERAL("connection")))
			continue;
		n.bytes += head->headers[i].value.len;
		if (n.count == NOMINATIONS_MAX || n.bytes > NOMINATED_BYTES_MAX) {
			n.too_many = true;
			break;
		}
		n.list[n.count++] = head->headers[i].value;
	}
	return n;
}

bool nominations_have(const struct nominations *n, struct span name)
{
	struct span left, one;

	for (size_t i = 0; i < n->count; i++) {
		left = n->list[i];
		while (left.len > 0) {
			span_cut(left, ',', &one, &left);
			if (span_equal_nocase(span_trim(one), name))
				return true;
		}
	}
	return false;
}
