/*
 * fuzz_nats.c - any bytes as what a server of NATS says, and cut in any way: the same events
 *
 * The first byte says how long the pieces are. What its INFO says is read, too.
 */
#include <stdint.h>
#include <stdlib.h>

#include "relay/nats_hello.h"
#include "tests/rig/nats_transcript.h"

#define DATA_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** of_pieces() - the transcript of @stream in pieces of @size, each in a block of its own, so that one byte too far is found */
static void of_pieces(struct span stream, size_t size, struct buffer *out)
{
	struct nats_parser p = { .data_max = DATA_MAX };
	bool goes_on = true;
	struct span piece;

	while (goes_on && stream.len > 0) {
		uint8_t *block;

		span_take(&stream, size < stream.len ? size : stream.len, &piece);
		block = malloc(piece.len);
		memcpy(block, piece.at, piece.len);
		goes_on = transcript_of(out, &p, span_of(block, piece.len));
		free(block);
	}
	nats_parser_deinit(&p);
}

/** read_info() - whatever it says, what we know is within its bounds */
static void read_info(struct span stream)
{
	struct nats_info info = { 0 };

	nats_info_read(stream, &info);
	if (info.max_payload > (64u << 20) || memchr(info.nonce, '\0', sizeof(info.nonce)) == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole = { 0 }, cut = { 0 };
	struct span stream = span_of(data, size);
	uint8_t piece = 0;

	span_u8(&stream, &piece);
	of_pieces(stream, SIZE_MAX, &whole);
	of_pieces(stream, piece + 1u, &cut);
	if (!span_equal(buffer_span(&whole), buffer_span(&cut)))
		abort();
	read_info(stream);
	buffer_deinit(&whole);
	buffer_deinit(&cut);
	return 0;
}
