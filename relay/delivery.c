/* delivery.c - see delivery.h */
#include "relay/delivery.h"

#define WORDS 9
#define WORDS_NEW 12

static bool take_word(struct span *in, struct span *out)
{
	const uint8_t *dot = in->len > 0 ? memchr(in->at, '.', in->len) : NULL;

	if (in->len == 0)
		return false;
	if (!dot) {
		*out = *in;
		*in = span_of(in->at + in->len, 0);
		return true;
	}
	return span_take(in, (size_t)(dot - in->at), out) && span_skip(in, 1);
}

static bool read_uint(struct span word, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || __builtin_mul_overflow(*out, 10, out) ||
		    __builtin_add_overflow(*out, (uint64_t)(word.at[i] - '0'), out))
			return false;
	}
	return word.len > 0;
}

bool delivery_read(struct span reply, struct delivery *out)
{
	const struct span start = SPAN_LITERAL("$JS.ACK.");
	struct span word[WORDS_NEW];
	uint64_t time;
	size_t count = 2, first;

	if (!span_starts(reply, start))
		return false;
	span_skip(&reply, start.len);
	while (count < WORDS_NEW && take_word(&reply, &word[count]))
		count++;
	if (reply.len > 0 || (count != WORDS && count < WORDS_NEW - 1))
		return false;
	first = count == WORDS ? 2 : 4;
	out->consumer = word[first + 1];
	if (!read_uint(word[first + 3], &out->place) || !read_uint(word[first + 5], &time) || time > INT64_MAX ||
	    !read_uint(word[first + 6], &out->pending))
		return false;
	out->stored.ns = (int64_t)time;
	return out->consumer.len > 0 && out->place > 0;
}
