/*
 * hpack_oracle.h - what nghttp2's inflater makes of header blocks, and whether ours says the same
 *
 * An inflater that joins late dies of the first index it doesn't know. Filled with
 * dummies before its first block it doesn't: each takes 33 bytes, no more than the
 * shortest entry can, so that there are no fewer of them than older entries that the
 * encoder may refer to, and all are evicted before anything that was seen.
 */
#ifndef TESTS_RIG_HPACK_ORACLE_H
#define TESTS_RIG_HPACK_ORACLE_H

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "tests/rig/hpack_truth.h"

#define DUMMY_NAME "\x01"
#define DUMMY_SIZE 33

/* One block by nghttp2; false: it refuses it, and every one from then on */
static inline bool oracle_decode(nghttp2_hd_inflater *inflater, struct span block, struct truth *out)
{
	truth_clear(out);
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.at, block.len, 1);

		if (used < 0 || !span_skip(&block, (size_t)used))
			return false;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			truth_add(out, span_of(nv.name, nv.namelen), span_of(nv.value, nv.valuelen),
				  nv.flags & NGHTTP2_NV_FLAG_NO_INDEX);
		if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(inflater);
			return true;
		}
	}
}

static inline void oracle_feed(nghttp2_hd_inflater *inflater, struct span block)
{
	struct truth *unused = calloc(1, sizeof(*unused));

	if (!oracle_decode(inflater, block, unused))
		abort();
	buffer_deinit(&unused->bytes);
	free(unused);
}

/* An inflater, @size: of its table; @filled: with dummies. To be freed with nghttp2_hd_inflate_del(). */
static inline nghttp2_hd_inflater *oracle_new(uint32_t size, bool filled)
{
	nghttp2_hd_inflater *inflater;
	struct buffer block = { 0 };

	if (nghttp2_hd_inflate_new(&inflater) != 0)
		abort();
	if (size > HPACK_TABLE_SIZE)
		nghttp2_hd_inflate_change_table_size(inflater, size);
	if (!filled)
		return inflater;
	if (size > HPACK_TABLE_SIZE) {
		uint32_t rest = size - 31;

		buffer_add(&block, "\x3f", 1);
		for (; rest >= 128; rest >>= 7)
			buffer_add(&block, &(uint8_t){ (uint8_t)(0x80 | (rest & 0x7f)) }, 1);
		buffer_add(&block, &(uint8_t){ (uint8_t)rest }, 1);
	}
	for (uint32_t i = 0; i < size / DUMMY_SIZE; i++)
		buffer_add(&block, "\x40\x01" DUMMY_NAME "\x00", 4);
	oracle_feed(inflater, buffer_span(&block));
	buffer_deinit(&block);
	return inflater;
}

/* Is what nghttp2 said of a field that of a dummy? */
static inline bool is_dummy(const struct truth *t, size_t i)
{
	return span_equal(truth_name(t, i), SPAN_LITERAL(DUMMY_NAME));
}

#endif
