/*
 * fuzz_sse.c - any bytes as a stream of events
 *
 * The reader walks forward and ends; the joined document is JSON (if its events
 * are not too deep already), and the same a second time.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare/replies/joined.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arrival arrivals[] = { { 0, 5 }, { 10, 50 }, { 100, 500 }, { 101, 400 } };
	struct response from = {
		.body = (uint8_t *)data, .body_len = size, .arrivals = arrivals, .arrival_count = 4
	};
	struct joined j = { 0 }, again = { 0 };
	struct sse_reader r = { 0 };
	struct json_doc d = { 0 };
	uint64_t end = 0, events = 0;
	struct event e;

	sse_reader_begin(&r, span_of(data, size));
	while (sse_next(&r, &e) > 0) {
		must(e.end > end && e.end <= size);
		end = e.end;
		events++;
	}
	must(r.rest.len == 0);
	must(joined_read(&j, span_of(data, size), &from) == 0);
	must(joined_read(&again, span_of(data, size), &from) == 0);
	must(span_equal(buffer_span(&j.text), buffer_span(&again.text)));
	must(j.facts.events == events && j.facts.tokens <= events);
	must(j.facts.gap_count < j.facts.tokens || j.facts.gap_count == 0);
	for (size_t i = 0; i < j.facts.gap_count; i++)
		must(j.facts.gaps_us[i] >= 0);
	must(json_doc_parse(&d, buffer_span(&j.text)) == 0 || d.error_at > JSON_DEPTH_MAX);
	sse_reader_deinit(&r);
	json_doc_deinit(&d);
	joined_deinit(&j);
	joined_deinit(&again);
	return 0;
}
