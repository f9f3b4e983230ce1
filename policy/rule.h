/*
 * rule.h - one of the user's patterns: PCRE2, at a bounded price
 *
 * A rule belongs to one thread: it carries its own match data.
 */
#ifndef POLICY_RULE_H
#define POLICY_RULE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"

/** RULE_TEXT_MAX - a longer text is not searched: the result is RULE_GAVE_UP */
#define RULE_TEXT_MAX 8192

/*
 * A search may cost RULE_STEPS_MAX backtracking steps in all, but a single
 * starting point always gets RULE_STEPS_MIN: see rule.c.
 */
#define RULE_STEPS_MAX 4000000
#define RULE_STEPS_MIN 1000

enum rule_result { RULE_NO, RULE_YES, RULE_GAVE_UP };

struct rule;

/**
 * rule_new() - compile @pattern
 * @option:  how the user named it, for the message: "--path"
 * @nocase:  letters of either case are equal (host names)
 * @error:   on failure one sentence: option, pattern, PCRE2's words, where
 * Return: 0, -EINVAL or -ENOMEM.
 */
int rule_new(const char *option, const char *pattern, bool nocase, struct rule **out, struct buffer *error);

/** rule_search() - does the pattern match anywhere in @text (borrowed)? Bytes, not UTF-8. */
enum rule_result rule_search(struct rule *r, struct span text);

void rule_free(struct rule *r);

#endif
