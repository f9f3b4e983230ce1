/*
 * fuzz_json_compare.c - two texts under some rules: an end, no verdict that contradicts itself, and equality both ways
 *
 * Input: a byte of choices, two lengths, rules, the first document, the second.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "compare/json/json_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static enum comparison_verdict run(struct json_comparer *jc, struct collector *c, const struct json_doc *a,
				   const struct json_doc *b)
{
	struct findings f;

	collector_clear(c);
	must(json_compare(jc, a, b, c) == 0);
	f = collector_findings(c);
	must(f.count <= FINDINGS_MAX && f.decisions_agree <= f.decisions_total &&
	     f.decision_count <= f.decisions_total);
	must((f.count == 0) == (collector_verdict(c) == COMPARISON_EQUAL));
	for (size_t i = 0; i < f.count; i++) {
		must(f.at[i].count > 0 && f.at[i].pattern && f.at[i].path);
		must(f.at[i].path[0] == '/' || f.at[i].path[0] == '\0');
		must(isfinite(f.at[i].max_abs) && isfinite(f.at[i].max_rel));
		must(memchr(f.at[i].production, 0, FINDING_TEXT) && memchr(f.at[i].shadow, 0, FINDING_TEXT));
	}
	return collector_verdict(c);
}

static void compare(struct path_rules *rules, struct span a, struct span b)
{
	struct json_comparer *jc = json_comparer_new(rules, NULL);
	struct collector *c = collector_new();
	struct json_doc da = { 0 }, db = { 0 }, again = { 0 };

	must(jc && c);
	if (json_doc_parse(&da, a) == 0 && json_doc_parse(&again, a) == 0) {
		must(run(jc, c, &da, &again) == COMPARISON_EQUAL); /* all compared */
		must(run(jc, c, &da, &da) == COMPARISON_EQUAL);    /* only the decisions */
		if (json_doc_parse(&db, b) == 0)
			must((run(jc, c, &da, &db) == COMPARISON_EQUAL) ==
			     (run(jc, c, &db, &da) == COMPARISON_EQUAL));
	}
	json_doc_deinit(&da);
	json_doc_deinit(&db);
	json_doc_deinit(&again);
	collector_free(c);
	json_comparer_free(jc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const presets[] = { NULL, "any", "v2", "openai" };
	struct span in = span_of(data, size), rules, a;
	struct path_rules_options o = { .name = "rules" };
	struct buffer error = { 0 };
	struct path_rules *r = NULL;
	uint8_t choices, rules_len;
	uint16_t len;

	if (!span_u8(&in, &choices) || !span_u8(&in, &rules_len) || !span_u16(&in, &len) ||
	    !span_take(&in, rules_len, &rules) || !span_take(&in, len, &a))
		return 0;
	o.preset = presets[choices & 3];
	o.tolerance = choices & 4 ? (struct tolerance){ 1e-5, 1e-8 } : (struct tolerance){ 0, 0 };
	o.text = rules;
	if (path_rules_new(&o, &r, &error) == 0)
		compare(r, a, in);
	else
		must(error.len > 0);
	path_rules_free(r);
	buffer_deinit(&error);
	return 0;
}
