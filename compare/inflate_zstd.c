/*
 * inflate_zstd.c - the coding "zstd" (RFC 8878), where libzstd is there
 *
 * A frame names the window it wants, and a few bytes could ask for gigabytes.
 * As a content coding it may ask for 8 MiB (RFC 9659), which is the bound here.
 */
#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "compare/inflate.h"

#define WINDOW_LOG_MAX 23

/** inflate_frames() - all of @in, one or more frames; 0, -EBADMSG, -EFBIG, -ENOMEM */
static int inflate_frames(ZSTD_DCtx *d, struct span in, uint64_t max_len, struct buffer *out)
{
	ZSTD_inBuffer from = { in.at, in.len, 0 };
	size_t more = 1; /* 0: a frame has just ended */
	int err = 0;

	while (from.pos < from.size || more > 0) {
		size_t room = inflate_room(out, max_len, &err), before = from.pos;
		ZSTD_outBuffer to = { NULL, room, 0 };

		if (room == 0)
			return err;
		to.dst = out->bytes + out->len;
		more = ZSTD_decompressStream(d, &to, &from);
		if (ZSTD_isError(more))
			return ZSTD_getErrorCode(more) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
		out->len += to.pos;
		if (from.pos == before && to.pos == 0 && more > 0) /* it wants what is not there */
			return -EBADMSG;
	}
	return out->len > max_len ? -EFBIG : 0;
}

int inflate_zstd(struct span in, uint64_t max_len, struct buffer *out)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	int err = -ENOMEM;

	if (d && !ZSTD_isError(ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		err = inflate_frames(d, in, max_len, out);
	ZSTD_freeDCtx(d);
	return err;
}
