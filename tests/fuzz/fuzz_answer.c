/*
 * fuzz_answer.c - any bytes at all as an answer, in pieces
 *
 * The first byte says whether the request was HEAD and how the rest is cut. The
 * same bytes in one piece must end the same way: where a read() happens to end
 * says nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static int is_final(enum answer_state s)
{
	return s == ANSWER_WHOLE || s == ANSWER_HUGE || s == ANSWER_BAD;
}

/** feed() - a copy of each piece of its own size, so that a byte too far is seen */
static enum answer_state feed(struct answer *a, struct span bytes, size_t piece_len)
{
	struct span piece;

	while (bytes.len > 0) {
		enum answer_state before = a->state, after;
		uint8_t *copy;

		if (!span_take(&bytes, bytes.len < piece_len ? bytes.len : piece_len, &piece))
			break;
		copy = malloc(piece.len);
		must(copy != NULL);
		memcpy(copy, piece.at, piece.len);
		after = answer_feed(a, span_of(copy, piece.len));
		free(copy);
		must(!is_final(before) || before == after);
		must(after != ANSWER_BAD || a->detail);
		must((after != ANSWER_WHOLE && after != ANSWER_BODY) || a->status_code >= 200);
	}
	return answer_eof(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct answer whole, cut;
	uint8_t how;

	if (!span_u8(&bytes, &how))
		return 0;
	answer_begin(&whole, how & 1);
	answer_begin(&cut, how & 1);
	feed(&whole, bytes, bytes.len);
	feed(&cut, bytes, (size_t)(how >> 1) + 1);
	must(whole.state == cut.state);
	must(whole.status_code == cut.status_code);
	must(whole.keep_alive == cut.keep_alive);
	return 0;
}
