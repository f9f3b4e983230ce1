/*
 * case_files.h - a failing pair as files: what was sent, what came back, and what sends it again
 *
 *   case.json             what the others say, for programs: which case it is, and by what it was compared
 *   request.bin           the body
 *   headers               the fields that travelled, a line each, as curl -H @headers reads them
 *   production.response   a whole response, with the fields that say how its body is read
 *   shadow.response       the same; absent if the shadow gave none
 *   rules.txt             the rules of the run; absent without --rules
 *   diff.txt              the verdict and what differs
 *   run.sh                sends the request to $TARGET and compares; 0 the same, 3 not
 *   test_shadow.py        the same for pytest, with the standard library alone
 *   request.http          the same for editors that send requests
 *
 * Everything in a case comes from strangers and ends in a shell, in Python and in an
 * editor, so each text is quoted for where it stands. Credentials are in no file: not in
 * fields that are credentials by their name (allow.h), whatever --allow-header says, nor in fields
 * whose value is one by its form, nor in parameters of the query that are
 * called like one. What was left out is named; a file called token takes their place.
 * Bodies are as they were: what people sent.
 */
#ifndef APP_CASES_CASE_FILES_H
#define APP_CASES_CASE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/span.h"
#include "message/header_list.h"

#define CASE_FILES_MAX 10

/** struct case_response - one side; a status of 0: there was no response */
struct case_response {
	int status_code;
	const struct header *headers;
	size_t header_count;
	struct span body;
};

/** struct case_rules - by what the pair was compared */
struct case_rules {
	double rtol, atol;
	const char *preset; /* NULL: none */
	const char *const *ignore, *const *unordered;
	size_t ignore_count, unordered_count;
	struct span text; /* of the file of rules; empty: none */
};

/** struct case_facts - everything borrowed */
struct case_facts {
	const char *id, *target_name, *verdict;
	const char *server; /* where production is, "192.0.2.1:80"; NULL: not known */
	struct span method, target; /* of the request; the target begins with a slash, under the shadow's base URL */
	const struct header *headers;
	size_t header_count;
	struct span body;
	struct case_response production, shadow;
	const struct case_rules *rules;
	struct span differences; /* difference_text() */
};

struct case_file {
	const char *name; /* static text */
	bool is_program;
	struct buffer content;
};

/**
 * case_files_make() - all files of a case
 * @files: of CASE_FILES_MAX; case_files_deinit() in any case
 * Return: how many there are; 0 when out of memory.
 */
size_t case_files_make(const struct case_facts *f, struct case_file *files);

void case_files_deinit(struct case_file *files);

/**
 * case_add_again() - append the command that sends the case DIR/NAME again, as a shell takes it
 * @program: what compares; named there unless it is installed below /usr, where a shell finds it
 * @url: the shadow's; NULL or one that curl cannot take: an example stands there
 */
void case_add_again(struct buffer *out, struct span program, const char *url, const char *dir, const char *name);

/** case_field_is_secret() - is this field none for a file? */
bool case_field_is_secret(struct span name, struct span value);

#endif
