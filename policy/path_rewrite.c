/*
 * path_rewrite.c - see path_rewrite.h
 *
 * Theory of operation: PCRE2 replaces, rule after rule, between two buffers.
 * The brakes are those of rule.c, for the same reason: the text comes from
 * production's clients. Replacing all matches searches each starting point
 * once, as one search does, so the same limits hold for it; the size of the
 * result is bounded by the buffer.
 *
 * A rule that is stopped by a brake has no result. Then there is nothing to
 * send: the path as it was could be one that the rule was to keep away from the
 * shadow.
 *
 * PCRE2 looks at TEXT only when something matches. To find its faults at the
 * start, it is tried on the empty text with a pattern that has the same groups
 * and an alternative that always matches.
 */
#include "policy/path_rewrite.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define HEAP_MAX_KIB 1024
#define JIT_STACK_FIRST (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)
#define OPTION "--rewrite-path"
#define EXAMPLE "an example: " OPTION " '^/v1/models/(\\w+)=>/v2/models/$1'"

struct path_rule {
	pcre2_code *code;
	pcre2_match_data *match;
	char *text; /* owned */
};

struct path_rewrite {
	struct path_rule *rules;
	size_t count;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;              /* NULL: no machine code, or little of it */
	uint8_t bytes[2][RULE_TEXT_MAX + 1]; /* from one into the other; PCRE2 writes a NUL behind */
};

static int refuse(struct buffer *error, const char *rule, const char *why, int code)
{
	PCRE2_UCHAR text[256] = "";

	if (code != 0 && pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[0] = '\0';
	buffer_printf(error, OPTION " '%.200s' %s%s; " EXAMPLE, rule, why, (const char *)text);
	return -EINVAL;
}

static pcre2_code *compile(struct span pattern, int *code)
{
	PCRE2_SIZE offset;

	return pcre2_compile(pattern.at, pattern.len, PCRE2_NEVER_UTF | PCRE2_DOLLAR_ENDONLY, code, &offset,
			     NULL);
}

/** substitute() - how many matches of @r, or of @code in its place, were replaced in @in; negative: PCRE2's error */
static int substitute(const struct path_rewrite *p, const struct path_rule *r, const pcre2_code *code,
		      struct span in, uint8_t *out, size_t *out_len)
{
	*out_len = RULE_TEXT_MAX + 1;
	return pcre2_substitute(code, in.at, in.len, 0, PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY,
				r->match, p->limits, (PCRE2_SPTR)r->text, PCRE2_ZERO_TERMINATED, out, out_len);
}

/** check_text() - does the replacement mean something to this pattern? */
static int check_text(struct path_rewrite *p, const struct path_rule *r, struct span pattern, const char *rule,
		      struct buffer *error)
{
	struct buffer wider = { 0 };
	pcre2_code *code = NULL;
	size_t len;
	int result = 0, err;

	buffer_add_span(&wider, pattern);
	buffer_add_str(&wider, "\\E\n|"); /* a quotation or a comment may be open */
	if (buffer_ok(&wider))
		code = compile(buffer_span(&wider), &err);
	else
		result = PCRE2_ERROR_HEAP_FAILED;
	if (code)
		result = substitute(p, r, code, SPAN_LITERAL(""), p->bytes[0], &len);
	pcre2_code_free(code);
	buffer_deinit(&wider);
	if (result == PCRE2_ERROR_HEAP_FAILED)
		return -ENOMEM;
	if (result == PCRE2_ERROR_NOMEMORY)
		return refuse(error, rule, "puts in a text of more than 8192 bytes", 0);
	if (result < 0 && result != PCRE2_ERROR_MATCHLIMIT)
		return refuse(error, rule, "has a replacement that PCRE2 does not take: ", result);
	return 0;
}

/** cut() - at the last "=>", with the blanks around it, which belong to neither side */
static bool cut(const char *rule, struct span *pattern, const char **text)
{
	const char *at = NULL;

	for (const char *next = rule; (next = strstr(next, "=>")); next++)
		at = next;
	if (!at)
		return false;
	*pattern = span_of(rule, (size_t)(at - rule));
	while (pattern->len > 0 && pattern->at[pattern->len - 1] == ' ')
		span_truncate(pattern, pattern->len - 1);
	*text = at + 2 + strspn(at + 2, " ");
	return pattern->len > 0;
}

static int add_rule(struct path_rewrite *p, const char *rule, struct buffer *error)
{
	struct path_rule *r = &p->rules[p->count];
	struct span pattern;
	const char *text;
	int code;

	if (!cut(rule, &pattern, &text))
		return refuse(error, rule, "is not of the form 'RE=>TEXT'", 0);
	r->code = compile(pattern, &code);
	if (!r->code)
		return code == PCRE2_ERROR_HEAP_FAILED
			       ? -ENOMEM
			       : refuse(error, rule, "begins with no valid pattern (PCRE2): ", code);
	p->count++;
	r->text = strdup(text);
	r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
	if (!r->text || !r->match)
		return -ENOMEM;
	if (pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0 && !p->stack) {
		p->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
		pcre2_jit_stack_assign(p->limits, NULL, p->stack);
	}
	return check_text(p, r, pattern, rule, error);
}

/** set_brakes() - see rule.c: the limit counts anew for each starting point */
static void set_brakes(struct path_rewrite *p, size_t len)
{
	uint32_t steps = (uint32_t)(RULE_STEPS_MAX / (len + 1));

	pcre2_set_match_limit(p->limits, steps > RULE_STEPS_MIN ? steps : RULE_STEPS_MIN);
}

int path_rewrite_new(const struct texts *rules, struct path_rewrite **out, struct buffer *error)
{
	struct path_rewrite *p;
	int err = -ENOMEM;

	*out = NULL;
	if (rules->count == 0)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->rules = calloc(rules->count, sizeof(p->rules[0]));
	p->limits = pcre2_match_context_create(NULL);
	if (!p->rules || !p->limits)
		goto fail;
	pcre2_set_heap_limit(p->limits, HEAP_MAX_KIB);
	set_brakes(p, 0);
	err = 0;
	for (size_t i = 0; i < rules->count && !err; i++)
		err = add_rule(p, rules->at[i], error);
	if (err)
		goto fail;
	*out = p;
	return 0;
fail:
	path_rewrite_free(p);
	return err;
}

int path_rewrite_apply(struct path_rewrite *p, struct span *path)
{
	size_t into = 0; /* never the one that holds *path */

	for (size_t i = 0; i < p->count; i++) {
		size_t len;
		int replaced;

		if (path->len > RULE_TEXT_MAX)
			return -EINVAL;
		set_brakes(p, path->len);
		replaced = substitute(p, &p->rules[i], p->rules[i].code, path->len ? *path : SPAN_LITERAL(""),
				      p->bytes[into], &len);
		if (replaced < 0)
			return -EINVAL;
		if (replaced == 0)
			continue;
		*path = span_of(p->bytes[into], len);
		into = 1 - into;
	}
	return 0;
}

void path_rewrite_free(struct path_rewrite *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		pcre2_code_free(p->rules[i].code);
		pcre2_match_data_free(p->rules[i].match);
		free(p->rules[i].text);
	}
	free(p->rules);
	pcre2_match_context_free(p->limits);
	pcre2_jit_stack_free(p->stack);
	free(p);
}
