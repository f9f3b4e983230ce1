/*
 * stored_case.h - a case in a folder, read again
 */
#ifndef APP_CASES_STORED_CASE_H
#define APP_CASES_STORED_CASE_H

#include "app/cases/case_files.h"
#include "app/cases/example_case.h"
#include "app/cases/told_response.h"
#include "base/json_doc.h"

/** struct stored_case - the zero value is empty; not to be moved once it was read */
struct stored_case {
	struct buffer description, request, headers, response, rules_text; /* files */
	struct json_doc doc;            /* case.json; borrows @description */
	struct told_response production; /* borrows @response */
	struct example_rules rules;
	struct header_list fields;      /* borrow @headers */
	struct buffer texts[5];         /* id, target's name, verdict, method, target */
	struct buffer server;           /* "" if it is not known */
};

enum { STORED_ID, STORED_TARGET_NAME, STORED_VERDICT, STORED_METHOD, STORED_TARGET };

/** stored_case_read() - @path: its folder. 0, or a negative errno, which was told; stored_case_deinit() in any case */
int stored_case_read(struct stored_case *c, const char *path);

static inline const char *stored_case_text(const struct stored_case *c, int which)
{
	return (const char *)c->texts[which].bytes;
}

void stored_case_deinit(struct stored_case *c);

#endif
