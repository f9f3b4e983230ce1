/*
 * rule.c - PCRE2 with its brakes on
 *
 * Theory of operation: a pattern such as "(a+)+$" can take longer than the age
 * of the world, and its text comes from production's clients. A lane that waits
 * for it loses packets. Three brakes together bound a search:
 *
 * - PCRE2's match limit counts backtracking steps, but anew for each position
 *   where a match could begin. One fixed limit would therefore allow limit x
 *   length steps: with 100,000, the pattern [a-z]{1,50}[a-z]{1,50}[a-z]{1,50}!
 *   took 0.98 s on 8,000 bytes, with no limit reached. So the limit is set for
 *   each text: RULE_STEPS_MAX divided by its length.
 * - Steps inside one repeat ("a*b") are not counted by PCRE2 and cost length
 *   squared. RULE_TEXT_MAX bounds that: 20 ms in the interpreter, 2 ms with JIT.
 * - The heap limit bounds the memory of the interpreter, the size of our stack
 *   that of the machine code.
 *
 * A search that hits a brake has no result. The caller counts it and decides as
 * if the request were unwanted.
 *
 * JIT is used where the kernel permits pages that are written and then run;
 * elsewhere (systemd's MemoryDenyWriteExecute) the interpreter does the same.
 * Patterns are matched as bytes: a target need not be UTF-8, and PCRE2 refuses
 * texts that are not when told so; "(*UTF)" in a pattern is an error for that.
 */
#include "policy/rule.h"

#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define HEAP_MAX_KIB    1024
#define JIT_STACK_FIRST (32 * 1024)
#define JIT_STACK_MAX   (512 * 1024)

struct rule {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack; /* NULL without JIT */
};

static int compile(struct rule *r, const char *option, const char *pattern, bool nocase, struct buffer *error)
{
	uint32_t flags = PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY | (nocase ? PCRE2_CASELESS : 0);
	PCRE2_UCHAR text[256];
	PCRE2_SIZE offset;
	int code;

	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &code, &offset, NULL);
	if (r->code)
		return 0;
	if (code == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[0] = '\0';
	buffer_printf(error,
		      "%s '%s' is no valid pattern (PCRE2): %s, at offset %zu; put a backslash before "
		      "characters that are meant literally",
		      option, pattern, (const char *)text, (size_t)offset);
	return -EINVAL;
}

/* Machine code if it can be had: it does what the interpreter does, faster, so no failure here is an error. */
static void try_jit(struct rule *r)
{
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) != 0)
		return;
	r->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
	if (r->stack)
		pcre2_jit_stack_assign(r->limits, NULL, r->stack);
}

int rule_new(const char *option, const char *pattern, bool nocase, struct rule **out, struct buffer *error)
{
	struct rule *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = compile(r, option, pattern, nocase, error);
	if (err)
		goto fail;
	err = -ENOMEM;
	r->match = pcre2_match_data_create(1, NULL); /* whether it matches, not what */
	r->limits = pcre2_match_context_create(NULL);
	if (!r->match || !r->limits)
		goto fail;
	pcre2_set_heap_limit(r->limits, HEAP_MAX_KIB);
	try_jit(r);
	*out = r;
	return 0;
fail:
	rule_free(r);
	return err;
}

enum rule_result rule_search(struct rule *r, struct span text)
{
	static const uint8_t nothing[1];
	uint32_t steps;
	int result;

	if (text.len > RULE_TEXT_MAX)
		return RULE_GAVE_UP;
	steps = (uint32_t)(RULE_STEPS_MAX / (text.len + 1));
	pcre2_set_match_limit(r->limits, steps > RULE_STEPS_MIN ? steps : RULE_STEPS_MIN);
	result = pcre2_match(r->code, text.len ? text.at : nothing, text.len, 0, 0, r->match, r->limits);
	if (result >= 0)
		return RULE_YES;
	return result == PCRE2_ERROR_NOMATCH ? RULE_NO : RULE_GAVE_UP;
}

void rule_free(struct rule *r)
{
	if (!r)
		return;
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->limits);
	pcre2_jit_stack_free(r->stack);
	pcre2_code_free(r->code);
	free(r);
}
