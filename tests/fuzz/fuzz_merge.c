/*
 * fuzz_merge.c - two reports of anybody's: refused with a reason, or one report
 *
 * Input: two texts with a NUL between. What comes out is JSON, and can be
 * merged with itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include "report/merge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	struct span a = span_of(data, size), b = a;
	struct json_doc docs[2] = { { { 0 } } };
	struct buffer out = { 0 }, again = { 0 }, error = { 0 };
	struct json_doc merged[2] = { { { 0 } } };

	if (end) {
		span_take(&b, (size_t)(end - data), &a);
		span_skip(&b, 1);
	}
	if (json_doc_parse(&docs[0], a) == 0 && json_doc_parse(&docs[1], b) == 0) {
		if (report_merge(docs, 2, NULL, &out, &error) == 0) {
			if (json_doc_parse(&merged[0], buffer_span(&out)) != 0 ||
			    json_doc_parse(&merged[1], buffer_span(&out)) != 0)
				abort();
			report_merge(merged, 2, NULL, &again, &error);
		} else if (error.len == 0) {
			abort();
		}
	}
	for (int i = 0; i < 2; i++) {
		json_doc_deinit(&docs[i]);
		json_doc_deinit(&merged[i]);
	}
	buffer_deinit(&out);
	buffer_deinit(&again);
	buffer_deinit(&error);
	return 0;
}
