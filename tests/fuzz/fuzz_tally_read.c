/*
 * fuzz_tally_read.c - a report that somebody wrote: refused with a reason, or read, written, merged
 *
 * Properties: what is written is JSON; it is read again and written the same;
 * merged with itself every count of pairs doubles and nothing breaks.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_doc.h"
#include "compare/tally/tally.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer written(const struct tally *t)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	tally_json(t, TALLY_WHOLE, &j);
	json_close(&j, '}');
	return out;
}

static struct tally *read_text(struct span text, struct buffer *error)
{
	struct json_doc d = { 0 };
	struct tally *t = NULL;

	if (json_doc_parse(&d, text) == 0)
		t = tally_read(&d, 0, error);
	else
		buffer_add_str(error, "not JSON");
	json_doc_deinit(&d);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer error = { 0 }, once, twice;
	struct tally *t = read_text(span_of(data, size), &error), *again, *more;

	if (!t) {
		if (error.len == 0)
			abort();
		buffer_deinit(&error);
		return 0;
	}
	once = written(t);
	again = read_text(buffer_span(&once), &error);
	if (again) { /* sums of counts at the limit may be above it: then it is refused */
		twice = written(again);
		if (once.len != twice.len || memcmp(once.bytes, twice.bytes, once.len) != 0)
			abort();
		buffer_deinit(&twice);
	} else if (error.len == 0 || !strstr(buffer_text(&error), "is not")) {
		abort();
	}
	more = read_text(span_of(data, size), &error);
	if (more && tally_merge(t, more) == 0) {
		twice = written(t);
		buffer_deinit(&twice);
	}
	tally_free(more);
	tally_free(again);
	tally_free(t);
	buffer_deinit(&once);
	buffer_deinit(&error);
	return 0;
}
