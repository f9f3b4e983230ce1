/* inflate_brotli.c - the coding "br" (RFC 7932), where libbrotlidec is there; windows up to its usual 16 MiB */
#include <brotli/decode.h>
#include <errno.h>

#include "compare/inflate.h"

int inflate_brotli(struct span in, uint64_t max_len, struct buffer *out)
{
	BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	int err = 0;

	if (!s)
		return -ENOMEM;
	while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		size_t room = inflate_room(out, max_len, &err), left = room;
		uint8_t *at;

		if (room == 0)
			break;
		at = out->bytes + out->len;
		result = BrotliDecoderDecompressStream(s, &in.len, &in.at, &left, &at, NULL);
		out->len += room - left;
	}
	if (result == BROTLI_DECODER_RESULT_ERROR) {
		BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(s);

		err = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
				      code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
			      ? -ENOMEM
			      : -EBADMSG;
	} else if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT || (err == 0 && in.len > 0)) {
		err = -EBADMSG;
	} else if (err == 0 && out->len > max_len) {
		err = -EFBIG;
	}
	BrotliDecoderDestroyInstance(s);
	return err;
}
