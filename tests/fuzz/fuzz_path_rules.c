/*
 * fuzz_path_rules.c - any rules file: refused in a sentence, or an automaton that can be walked anywhere
 *
 * Input: a length, the file, then steps: each byte an index, or a key of so many bytes.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "compare/rules/path_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void walk(struct path_rules *r, struct span in)
{
	struct buffer before = { 0 }, after = { 0 };
	uint32_t state = PATH_RULES_ROOT;
	size_t pending = path_rules_pending(r);
	struct span key;
	uint8_t step;

	path_rules_unmatched(r, &before);
	must((before.len == 0) == (pending == 0));
	while (span_u8(&in, &step)) {
		const struct rule_effect *e = path_rules_effect(r, state);
		bool inert = path_rules_inert(r, state);
		uint32_t next;

		must(!e->decision ||
		     (e->top >= 1 && e->top <= PATH_RULES_TOP_MAX && e->values == VALUES_SCORES));
		must(e->output.kind < OUTPUT_KIND_COUNT && !(e->decision && e->output.kind != OUTPUT_NONE));
		must(e->output.kind != OUTPUT_RANK || (e->output.k >= 1 && e->output.k <= PATH_RULES_TOP_MAX));
		must(e->output.least >= 0 && e->output.least <= 1);
		path_rules_mark(r, state);
		if (step & 1) {
			next = path_rules_index(r, state, step / 2u);
			must(!path_rules_each(r, state) || next == path_rules_index(r, state, 0));
		} else if (span_take(&in, step / 2u % 8, &key)) {
			next = path_rules_key(r, state, key, step >> 7);
		} else {
			break;
		}
		must(!inert || next == state);
		state = next;
	}
	path_rules_unmatched(r, &after);
	must(path_rules_pending(r) <= pending && after.len <= before.len);
	buffer_deinit(&before);
	buffer_deinit(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), text;
	struct path_rules_options o = { .tolerance = { 1e-5, 1e-8 }, .name = "rules" };
	struct buffer error = { 0 };
	struct path_rules *r = NULL;
	uint16_t len;
	int result;

	if (!span_u16(&in, &len) || !span_take(&in, len, &text))
		return 0;
	o.text = text;
	result = path_rules_new(&o, &r, &error);
	must(result == 0 || result == -EINVAL);
	must((result == 0) == (error.len == 0) && (result == 0) == (r != NULL));
	if (r)
		walk(r, in);
	path_rules_free(r);
	buffer_deinit(&error);
	return 0;
}
