/*
 * fuzz_proxy_header.c - a PROXY header in two pieces is what it is in one
 *
 * The first byte says where the bytes are cut.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reassembly/proxy_header.h"

/* Its bytes, at the end of an allocation of their own: one too far is found. */
static enum proxy_match feed(struct proxy_reader *p, const uint8_t *data, size_t size, size_t *left)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct span in = span_of(copy, size);
	enum proxy_match m;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	m = proxy_reader_feed(p, &in);
	assert(in.len <= size && (m != PROXY_NONE || in.len == size));
	*left = in.len;
	free(copy);
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_reader one = { .len = 0 }, two = { .len = 0 };
	size_t cut, left = 0, left_first = 0, left_second = 0;
	enum proxy_match whole, first, second;

	if (size < 2)
		return 0;
	cut = data[0] % size;
	data++;
	size--;
	if (cut > size)
		cut = size;
	whole = feed(&one, data, size, &left);
	first = feed(&two, data, cut, &left_first);
	second = first;
	if (first == PROXY_MORE || (first == PROXY_WHOLE && !two.is_over))
		second = feed(&two, data + cut, size - cut, &left_second);
	assert(whole == second || first == PROXY_WRONG || first == PROXY_NONE);
	assert(first == PROXY_MORE || first == PROXY_WHOLE || whole == first);
	if (whole != PROXY_WHOLE)
		return 0;
	assert(one.header.len == two.header.len && memcmp(&one.header.client, &two.header.client, sizeof(one.header.client)) == 0);
	assert(one.left == two.left && one.is_over == two.is_over);
	return 0;
}
