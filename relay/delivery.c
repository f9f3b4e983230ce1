/* delivery.c - see delivery.h */
#include "relay/delivery.h"

#include "base/digits.h"
#include "relay/subjects.h"

#define WORDS 9
#define WORDS_NEW 12

bool delivery_read(struct span reply, struct delivery *out)
{
	const struct span start = SPAN_LITERAL("$JS.ACK.");
	struct span word[WORDS_NEW];
	uint64_t time;
	size_t count = 2, first;

	if (!span_starts(reply, start))
		return false;
	span_skip(&reply, start.len);
	while (count < WORDS_NEW && subject_word_take(&reply, &word[count]))
		count++;
	if (reply.len > 0 || (count != WORDS && count < WORDS_NEW - 1))
		return false;
	first = count == WORDS ? 2 : 4;
	out->consumer = word[first + 1];
	if (!digits_read(word[first + 3], &out->place) || !digits_read(word[first + 5], &time) || time > INT64_MAX ||
	    !digits_read(word[first + 6], &out->pending))
		return false;
	out->stored.ns = (int64_t)time;
	return out->consumer.len > 0 && out->place > 0;
}
