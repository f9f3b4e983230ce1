/*
 * fuzz_tls_records.c - any bytes as records: every take takes some, every search ends where a record may begin
 *
 * And counted by their headers they are as many, in whatever pieces they come, as long as each leads to the next.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/record_count.h"
#include "tls/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

/** count() - in pieces of @step bytes; of every fifth only the length is told, if @gaps */
static struct record_count count(struct span in, size_t step, int gaps)
{
	struct record_count c;

	record_count_start(&c, 0, true);
	for (size_t at = 0, i = 1; at < in.len; at += step, i++) {
		size_t n = step < in.len - at ? step : in.len - at;

		if (gaps && i % 5 == 0)
			record_count_gap(&c, (uint32_t)n);
		else
			record_count_bytes(&c, at, span_of(in.at + at, n));
		must(c.head_len < RECORD_HEADER_BYTES && c.left <= RECORD_PAYLOAD_MAX);
		must(record_count_least(&c) <= record_count_most(&c));
	}
	must(c.wire == in.len);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_count whole = count(span_of(data, size), size + 1, 0), pieces = count(span_of(data, size), 1 + size % 7, 0);
	uint64_t records = 0;
	struct span in = span_of(data, size), rest = in;
	size_t at = 0, taken = 0;
	struct record r;

	while (record_take(&rest, &r) == FRAMING_WHOLE) {
		must(r.header.len == RECORD_HEADER_BYTES && r.payload.len <= RECORD_PAYLOAD_MAX);
		must(r.header.at == data + taken && r.payload.at == r.header.at + RECORD_HEADER_BYTES);
		taken += RECORD_HEADER_BYTES + r.payload.len;
		must(taken + rest.len == size);
		records += r.type == RECORD_APPLICATION_DATA;
	}
	must(whole.records == pieces.records && whole.doubt == pieces.doubt && whole.left == pieces.left);
	must(whole.records >= records && whole.records <= records + size / RECORD_HEADER_BYTES);
	if (rest.len == 0)
		must(whole.records == records && whole.left == 0 && whole.doubt == 0);
	count(span_of(data, size), 1 + size % 7, 1);
	while (at < size) {
		size_t found = record_search(in, at);

		must(found >= at && found <= size);
		must(found == size || (data[found] == RECORD_APPLICATION_DATA && record_search(in, found) == found));
		at = found + 1;
	}
	must(!record_claims(in) || record_search(in, 0) == 0);
	return 0;
}
