/*
 * fuzz_rules.c - patterns and texts: a search ends, answers, and reads nothing beyond the text
 *
 * Input: three bytes of choices, a length, a pattern of at most 48 bytes, the
 * rest is the text. It is used as a rule alone and, as target and field value,
 * in a whole policy.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/policy.h"
#include "policy/rule.h"

#define PATTERN_MAX 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(const char *pattern, struct span text, uint8_t choices)
{
	static const char *const presets[] = { "any", "v2", "tfserving", "torchserve", "openai", "mlflow", "tei" };
	char header_rule[PATTERN_MAX + 8] = "x: ";
	const char *patterns[] = { pattern }, *header_rules[] = { header_rule }, *methods[] = { "any" };
	struct policy_options options = { .methods = { methods, 1 }, .preset = presets[choices % 6] };
	struct header fields[] = { { SPAN_LITERAL("Host"), text }, { SPAN_LITERAL("X"), text } };
	struct request_head head = { SPAN_LITERAL("POST"), text, fields, 2, 1, 1 };
	struct request_origin origin = { 0 };
	struct buffer error = { 0 };
	struct policy *p = NULL;
	enum decision v;

	strncat(header_rule, pattern, PATTERN_MAX);
	options.paths = (struct texts){ patterns, choices >> 3 & 1 };
	options.not_paths = (struct texts){ patterns, choices >> 4 & 1 };
	options.hosts = (struct texts){ patterns, choices >> 5 & 1 };
	options.match_headers = (struct texts){ header_rules, choices >> 6 & 1 };
	options.allow_side_effects = choices >> 7;
	options.sample_share = SHARE_ONE;
	if (policy_new(&options, &p, &error) == 0) {
		v = policy_decide(p, &head, &origin);
		if (v != policy_decide(p, &head, &origin) || v == DECISION_UNSAMPLED || v == DECISION_FILTERED_METHOD)
			abort();
	} else if (error.len == 0) {
		abort();
	}
	policy_free(p);
	buffer_deinit(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size), bytes;
	char pattern[PATTERN_MAX + 1] = "";
	struct buffer error = { 0 };
	struct rule *r = NULL;
	uint8_t choices, nocase, len;
	uint8_t *exact; /* of the text's size, so that one byte too far is seen */

	if (!span_u8(&in, &choices) || !span_u8(&in, &nocase) || !span_u8(&in, &len))
		return 0;
	len %= PATTERN_MAX + 1;
	if (!span_take(&in, len, &bytes) || in.len > 2000)
		return 0;
	memcpy(pattern, bytes.at, bytes.len);
	exact = malloc(in.len ? in.len : 1);
	if (!exact)
		return 0;
	if (in.len)
		memcpy(exact, in.at, in.len);
	if (rule_new("--path", pattern, nocase & 1, &r, &error) == 0) {
		enum rule_result result = rule_search(r, span_of(exact, in.len));

		if (rule_search(r, span_of(exact, in.len)) != result)
			abort();
	}
	rule_free(r);
	buffer_deinit(&error);
	decide(pattern, span_of(exact, in.len), choices);
	free(exact);
	return 0;
}
