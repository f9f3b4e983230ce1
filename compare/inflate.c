/*
 * inflate.c - see inflate.h; the codings' names, their order, and the two that are zlib's
 *
 * Theory of operation. Codings are undone from the last to the first, each from
 * one buffer into the other. Every step is bounded by the same number of bytes,
 * and output grows by doubling only while it comes, so a bomb costs what the
 * limit allows and no more; the windows of brotli and zstd are bounded too.
 *
 * A body that ends before its coding does is damaged, and so is one with bytes
 * left over: a response of which a piece is missing must never be compared as if
 * it were whole. Two habits of servers are not held against them: "deflate"
 * without the zlib wrapper (RFC 9110, 8.4.1.2 knows of it), and an empty body
 * that nevertheless carries the header.
 */
#include "compare/inflate.h"

#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define ROOM_FIRST 16384

/* window bits of inflateInit2(): what is expected around the deflate stream */
enum wrapper { WRAPPER_NONE = -MAX_WBITS, WRAPPER_ZLIB = MAX_WBITS, WRAPPER_GZIP = MAX_WBITS + 16 };

typedef int (*decoder_fn)(struct span in, uint64_t max_len, struct buffer *out);

struct coding {
	struct span name;
	decoder_fn decode; /* NULL: nothing to undo */
};

static const struct coding codings_known[] = {
	{ SPAN_LITERAL("gzip"), inflate_gzip },       { SPAN_LITERAL("x-gzip"), inflate_gzip },
	{ SPAN_LITERAL("deflate"), inflate_deflate }, { SPAN_LITERAL("br"), inflate_brotli },
	{ SPAN_LITERAL("zstd"), inflate_zstd },       { SPAN_LITERAL("identity"), NULL },
};

size_t inflate_room(struct buffer *out, uint64_t max_len, int *err)
{
	uint64_t most = max_len < SIZE_MAX / 2 ? max_len + 1 : SIZE_MAX / 2, more;

	if (out->cap > out->len && out->len < most)
		return out->cap - out->len < most - out->len ? out->cap - out->len : (size_t)(most - out->len);
	if (out->len >= most) {
		*err = -EFBIG;
		return 0;
	}
	more = out->len < ROOM_FIRST ? ROOM_FIRST : out->len;
	if (more > most - out->len)
		more = most - out->len;
	if (!buffer_reserve(out, (size_t)more)) {
		*err = -ENOMEM;
		return 0;
	}
	return (size_t)more;
}

/** inflate_member() - one stream of zlib's from the front of @in; 0, -EBADMSG, -EFBIG, -ENOMEM */
static int inflate_member(z_stream *z, struct span *in, uint64_t max_len, struct buffer *out)
{
	int err = 0, status = Z_OK;

	do {
		size_t room = inflate_room(out, max_len, &err);
		uInt given = in->len < UINT_MAX ? (uInt)in->len : UINT_MAX;

		if (room == 0)
			return err;
		z->next_in = (Bytef *)in->at;
		z->avail_in = given;
		z->next_out = out->bytes + out->len;
		z->avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
		room = z->avail_out;
		status = inflate(z, Z_NO_FLUSH);
		span_skip(in, given - z->avail_in);
		out->len += room - z->avail_out;
	} while (status == Z_OK);
	if (status == Z_STREAM_END)
		return out->len > max_len ? -EFBIG : 0;
	return status == Z_MEM_ERROR ? -ENOMEM : -EBADMSG; /* Z_BUF_ERROR: the input ended too early */
}

/** inflate_stream() - all of @in, which is one stream, or with @many one or more */
static int inflate_stream(struct span in, enum wrapper wrapper, bool many, uint64_t max_len, struct buffer *out)
{
	z_stream z = { 0 };
	int err;

	if (inflateInit2(&z, wrapper) != Z_OK)
		return -ENOMEM;
	do
		err = inflate_member(&z, &in, max_len, out);
	while (err == 0 && many && in.len > 0 && inflateReset(&z) == Z_OK);
	inflateEnd(&z);
	if (err == 0 && in.len > 0)
		return -EBADMSG;
	return err;
}

int inflate_gzip(struct span in, uint64_t max_len, struct buffer *out)
{
	return inflate_stream(in, WRAPPER_GZIP, true, max_len, out);
}

/*
 * A raw stream that zlib's wrapper could be seen in begins with a stored block
 * whose length and its complement do not match; so what is readable as one is
 * not readable as the other, and trying both is safe.
 */
int inflate_deflate(struct span in, uint64_t max_len, struct buffer *out)
{
	size_t before = out->len;
	int err = inflate_stream(in, WRAPPER_ZLIB, false, max_len, out);

	if (err != -EBADMSG)
		return err;
	out->len = before;
	return inflate_stream(in, WRAPPER_NONE, false, max_len, out);
}

static struct span trimmed(struct span s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
		span_skip(&s, 1);
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		span_truncate(&s, s.len - 1);
	return s;
}

/** take_name() - the next name of a list with commas; false at its end */
static bool take_name(struct span *list, struct span *name)
{
	size_t len = 0;

	if (list->len == 0)
		return false;
	while (len < list->len && list->at[len] != ',')
		len++;
	span_take(list, len, name);
	span_skip(list, 1);
	*name = trimmed(*name);
	return true;
}

/** read_codings() - how many there are to undo; -ENOTSUP for one that is not known */
static int read_codings(struct span list, decoder_fn out[CODINGS_MAX])
{
	struct span name;
	int count = 0;

	while (take_name(&list, &name)) {
		const struct coding *c = codings_known, *end = c + sizeof(codings_known) / sizeof(*c);

		while (name.len > 0 && c < end && !span_equal_nocase(c->name, name))
			c++;
		if (c == end)
			return -ENOTSUP;
		if (name.len == 0 || !c->decode)
			continue;
		if (count == CODINGS_MAX)
			return -ENOTSUP;
		out[count++] = c->decode;
	}
	return count;
}

int inflate_body(struct inflater *z, struct span codings, struct span body, uint64_t max_len, struct span *out)
{
	decoder_fn decode[CODINGS_MAX];
	int count = read_codings(codings, decode);

	*out = body;
	if (count < 0)
		return count;
	while (count-- > 0 && out->len > 0) {
		struct buffer spare = z->from;
		int err;

		buffer_clear(&z->to);
		err = decode[count](*out, max_len, &z->to);
		if (err)
			return err;
		*out = buffer_span(&z->to);
		z->from = z->to; /* what was just made is read next */
		z->to = spare;
	}
	return 0;
}

void inflater_deinit(struct inflater *z)
{
	buffer_deinit(&z->from);
	buffer_deinit(&z->to);
}
