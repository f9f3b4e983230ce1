/*
 * fuzz_gate.c - an expression for --fail-on, a NUL, and the report that it is asked about
 *
 * Properties: refused with a reason or taken; a gate that failed names a term,
 * one that passed none; over no data it fails unless it is false without any, and
 * nothing is decided; what is written is JSON.
 */
#include <stdint.h>
#include <stdlib.h>

#include "report/decision.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void evaluate(const struct gate *g, const struct json_doc *report)
{
	struct buffer text = { 0 }, line = { 0 };
	struct json j = json_to(&text);
	struct json_doc written = { 0 };
	struct gate_result r;

	gate_evaluate(g, report, &r);
	gate_json(g, &r, &j);
	gate_sentence(g, &r, &line);
	if (r.passed != (r.count == 0) || json_doc_parse(&written, buffer_span(&text)) != 0 || line.len == 0)
		abort();
	json_doc_deinit(&written);
	buffer_deinit(&text);
	buffer_deinit(&line);
}

static enum decision_state decide(const struct gate *g, const struct json_doc *report)
{
	const struct decision_settings set = { .gate = g };
	struct buffer text = { 0 }, line = { 0 };
	struct json j = json_to(&text);
	struct json_doc written = { 0 };
	struct decision_made d;

	decision_make(&set, report, &d);
	decision_json(&d, &j);
	decision_sentence(&d, &line);
	decision_short(&d, &line);
	if (json_doc_parse(&written, buffer_span(&text)) != 0 || line.len == 0)
		abort();
	json_doc_deinit(&written);
	buffer_deinit(&text);
	buffer_deinit(&line);
	return d.state;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	struct span rest = span_of(data, size), text = rest;
	struct buffer error = { 0 };
	struct json_doc report = { 0 };
	struct gate *g = NULL;

	if (end) {
		span_take(&rest, (size_t)(end - data), &text);
		span_skip(&rest, 1);
	}
	if (gate_parse(text, &g, &error) == 0) {
		if (end && json_doc_parse(&report, rest) == 0) {
			evaluate(g, &report);
			decide(g, &report);
		}
		if (json_doc_parse(&report, SPAN_LITERAL("{}")) == 0) {
			struct gate_result r;

			gate_evaluate(g, &report, &r);
			if (r.passed || decide(g, &report) != DECISION_NONE) /* without data all is unknown, joined or not */
				abort();
		}
	} else if (error.len == 0 || g) {
		abort();
	}
	json_doc_deinit(&report);
	gate_free(g);
	buffer_deinit(&error);
	return 0;
}
