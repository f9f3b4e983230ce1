/* http_text.c - see http_text.h */
#include "message/http_text.h"

bool span_cut(struct span in, uint8_t c, struct span *before, struct span *after)
{
	size_t n = 0;

	while (n < in.len && in.at[n] != c)
		n++;
	*before = *after = in;
	span_truncate(before, n);
	span_skip(after, n);
	return span_skip(after, 1);
}

struct span span_trim(struct span s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
		span_skip(&s, 1);
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		span_truncate(&s, s.len - 1);
	return s;
}
