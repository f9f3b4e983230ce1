/*
 * fuzz_response_parser.c - any bytes at all as an answer, in pieces
 *
 * The first byte says whether the request was HEAD and how the rest is cut. The
 * same bytes in one piece must end the same way: where a read() happens to end
 * says nothing. Nor does it matter whether the answer is kept; and what is kept
 * is the same however it was cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/message.h"
#include "replay/response_parser.h"

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

/** same() - two kept answers, both taken: does either say more than the other? */
static void same(struct response *a, struct response *b)
{
	must(!a == !b);
	if (a) {
		must(a->fate == b->fate && a->status_code == b->status_code && a->header_count == b->header_count);
		must(a->body_len == b->body_len && a->body_len <= 1 << 10);
		must(a->body_len == 0 || memcmp(a->body, b->body, a->body_len) == 0);
		for (size_t i = 0; i < a->header_count; i++)
			must(span_equal(a->headers[i].name, b->headers[i].name) &&
			     span_equal(a->headers[i].value, b->headers[i].value));
	}
	response_free(a);
	response_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct budget budget;
	struct answer_keeping keeping = { 1 << 10, &budget };
	struct answer thrown = { 0 }, whole = { 0 }, cut = { 0 };
	uint8_t how;

	if (!span_u8(&bytes, &how))
		return 0;
	budget_init(&budget, 1 << 24);
	answer_begin(&thrown, how & 1, NULL);
	answer_begin(&whole, how & 1, &keeping);
	answer_begin(&cut, how & 1, &keeping);
	feed(&thrown, bytes, bytes.len);
	feed(&whole, bytes, bytes.len);
	feed(&cut, bytes, (size_t)(how >> 1) + 1);
	must(whole.state == cut.state);
	must(whole.status_code == cut.status_code);
	must(whole.keep_alive == cut.keep_alive);
	must(whole.state == thrown.state && whole.status_code == thrown.status_code);
	same(answer_take(&whole), answer_take(&cut));
	must(!answer_take(&whole));
	answer_deinit(&thrown);
	answer_deinit(&whole);
	answer_deinit(&cut);
	must(budget_used(&budget) == 0);
	return 0;
}
