/*
 * example_case.h - an example of a report, with what is known of its request and its responses
 *
 * A report keeps less than a case of --repro has: bodies only with --show-bodies, as
 * text, and up to EXAMPLE_BODY_MAX bytes; no method, no fields, no query. So a body that
 * may be cut, or held bytes that are no text, cannot be sent again. What is missing is guessed: POST, and a type by
 * what a body looks like.
 */
#ifndef APP_CASES_EXAMPLE_CASE_H
#define APP_CASES_EXAMPLE_CASE_H

#include "app/cases/case_files.h"
#include "base/buffer.h"
#include "compare/comparison.h"
#include "report/view.h"

/** struct example_case - zero is empty; not to be moved once it was read */
struct example_case {
	struct buffer id, target_name, verdict, path;
	struct buffer body[3];   /* request, production, shadow */
	bool has_shadow;
	int status[2];           /* production, shadow */
	struct header type[3];
};

/**
 * example_case_read() - @example: of "examples" in the target called @name
 * @error:  on failure one sentence: what is missing, and how to get it
 * Return: 0, -ENODATA (it lacks bodies, or all of one) or -ENOMEM. example_case_deinit() in any case.
 */
int example_case_read(struct example_case *x, struct view name, struct view example, struct buffer *error);

/** example_case_facts() - borrowed from @x and @rules; @differences: see case_facts */
struct case_facts example_case_facts(const struct example_case *x, const struct case_rules *rules, struct span differences);

void example_case_deinit(struct example_case *x);

/** struct example_rules - comparison.options of a report; zero is empty */
struct example_rules {
	struct case_rules rules;
	struct buffer texts;       /* all strings, each with its NUL */
	const char **ignore, **unordered;
};

/** example_rules_read() - without the text of the file of rules; 0 or -ENOMEM */
int example_rules_read(struct example_rules *r, struct view options);
void example_rules_deinit(struct example_rules *r);

#endif
