/*
 * provenance.h - what a report is about: which traffic, by which options, where and by whom
 *
 * Without it a page says how two models compare and not which two. Titles and
 * labels are the user's own words; the rest is what the run was given.
 */
#ifndef REPORT_PROVENANCE_H
#define REPORT_PROVENANCE_H

#include <stddef.h>

#include "base/clock.h"
#include "base/json.h"

#define LABEL_NAME_TEXT 64 /* with the NUL */

/** struct document_texts - a list of texts in a report */
struct document_texts {
	const char *const *at;
	size_t count;
};

/** struct provenance - everything borrowed; NULL and none where it is not known */
struct provenance {
	const char *title;              /* --title */
	struct document_texts labels; /* --label: "NAME=VALUE", names below LABEL_NAME_TEXT; of one the last counts */
	const char *host, *user;
	struct document_texts interfaces, files;
	struct document_texts options; /* as they were given, without what may be a secret: "--sample 5%" */
	struct wall first, last;         /* when the first and the last request that was handed to the targets came; 0: none */
};

/** provenance_json() - the members "title" to "last_request" of a report */
void provenance_json(const struct provenance *p, struct json *j);

/** document_texts_json() - a member that is such a list */
void document_texts_json(struct json *j, const char *name, const struct document_texts *list);

#endif
