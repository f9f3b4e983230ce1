/* fuzz_tls_records.c - any bytes as records: every take takes some, every search ends where a record may begin */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tls/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), rest = in;
	size_t at = 0, taken = 0;
	struct record r;

	while (record_take(&rest, &r) == FRAMING_WHOLE) {
		must(r.header.len == RECORD_HEADER_BYTES && r.payload.len <= RECORD_PAYLOAD_MAX);
		must(r.header.at == data + taken && r.payload.at == r.header.at + RECORD_HEADER_BYTES);
		taken += RECORD_HEADER_BYTES + r.payload.len;
		must(taken + rest.len == size);
	}
	while (at < size) {
		size_t found = record_search(in, at);

		must(found >= at && found <= size);
		must(found == size || (data[found] == RECORD_APPLICATION_DATA && record_search(in, found) == found));
		at = found + 1;
	}
	must(!record_claims(in) || record_search(in, 0) == 0);
	return 0;
}
