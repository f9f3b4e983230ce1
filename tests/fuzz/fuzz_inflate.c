/*
 * fuzz_inflate.c - any bytes under any content coding
 *
 * The first two bytes choose the list of codings and the limit. Nothing longer
 * than the limit may come out, memory stays near it, and a second time gives
 * the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "compare/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const codings[] = { "gzip",         "deflate", "br",       "zstd",     "gzip, gzip",
					       "deflate,gzip", "",        "identity", "br, zstd", "x" };
	struct span in = span_of(data, size), out, again;
	struct inflater z = { 0 }, other = { 0 };
	uint8_t which, limit;
	uint64_t max_len;
	struct span list;
	int err;

	if (!span_u8(&in, &which) || !span_u8(&in, &limit))
		return 0;
	list = span_str(codings[which % (sizeof(codings) / sizeof(*codings))]);
	max_len = (uint64_t)limit * limit * 16;
	err = inflate_body(&z, list, in, max_len, &out);
	must(err == inflate_body(&other, list, in, max_len, &again));
	if (err == 0) {
		must(span_equal(out, again));
		must(out.at == in.at || out.len <= max_len);
	}
	must(z.from.cap <= 4 * max_len + 65536 && z.to.cap <= 4 * max_len + 65536);
	inflater_deinit(&z);
	inflater_deinit(&other);
	return 0;
}
