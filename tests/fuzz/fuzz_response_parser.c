/*
 * fuzz_response_parser.c - any bytes at all as a response, in pieces
 *
 * The first byte says whether the request was HEAD and how the rest is cut. The
 * same bytes in one piece must end the same way: where a read() happens to end
 * says nothing. Nor does it matter whether the response is kept; and what is kept
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

static int is_final(enum response_parser_state s)
{
	return s == RESPONSE_PARSER_WHOLE || s == RESPONSE_PARSER_HUGE || s == RESPONSE_PARSER_BAD;
}

/** feed() - a copy of each piece of its own size, so that a byte too far is seen */
static enum response_parser_state feed(struct response_parser *a, struct span bytes, size_t piece_len)
{
	struct span piece;

	while (bytes.len > 0) {
		enum response_parser_state before = a->state, after;
		uint8_t *copy;

		if (!span_take(&bytes, bytes.len < piece_len ? bytes.len : piece_len, &piece))
			break;
		copy = malloc(piece.len);
		must(copy != NULL);
		memcpy(copy, piece.at, piece.len);
		after = response_parser_feed(a, span_of(copy, piece.len));
		free(copy);
		must(!is_final(before) || before == after);
		must(after != RESPONSE_PARSER_BAD || a->detail);
		must((after != RESPONSE_PARSER_WHOLE && after != RESPONSE_PARSER_BODY) || a->status_code >= 200);
	}
	return response_parser_eof(a);
}

/** same() - two kept responses, both taken: does either say more than the other? */
static void same(struct response *a, struct response *b)
{
	must(!a == !b);
	if (a) {
		must(a->result == b->result && a->status_code == b->status_code && a->header_count == b->header_count);
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
	struct response_parser_keeping keeping = { 1 << 10, &budget };
	struct response_parser thrown = { 0 }, whole = { 0 }, cut = { 0 };
	uint8_t how;

	if (!span_u8(&bytes, &how))
		return 0;
	budget_init(&budget, 1 << 24);
	response_parser_begin(&thrown, how & 1, NULL);
	response_parser_begin(&whole, how & 1, &keeping);
	response_parser_begin(&cut, how & 1, &keeping);
	feed(&thrown, bytes, bytes.len);
	feed(&whole, bytes, bytes.len);
	feed(&cut, bytes, (size_t)(how >> 1) + 1);
	must(whole.state == cut.state);
	must(whole.status_code == cut.status_code);
	must(whole.keep_alive == cut.keep_alive);
	must(whole.state == thrown.state && whole.status_code == thrown.status_code);
	same(response_parser_take(&whole), response_parser_take(&cut));
	must(!response_parser_take(&whole));
	response_parser_deinit(&thrown);
	response_parser_deinit(&whole);
	response_parser_deinit(&cut);
	must(budget_used(&budget) == 0);
	return 0;
}
