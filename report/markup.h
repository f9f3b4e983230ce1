/*
 * markup.h - what a page is written on: HTML or Markdown
 *
 * The page is said once (page*.c); here is how headings, sentences and tables
 * look on either medium. Whatever comes from outside (paths, labels, bodies)
 * goes through markup_escaped() or a view and is escaped: a report is opened by
 * people in browsers, and its values were chosen by the senders of requests.
 * What a browser would obey (shown.h) is written as its number. Text that the
 * program itself provides is passed as plain text, with no markup, and is escaped
 * as well.
 */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include <stdbool.h>

#include "base/buffer.h"
#include "report/view.h"

enum medium { MEDIUM_HTML, MEDIUM_MARKDOWN };

struct markup {
	struct buffer *out; /* borrowed */
	enum medium medium;
	struct buffer scratch;
	unsigned columns, column; /* of the table at hand */
	const char *aligns;
};

void markup_begin(struct markup *p, enum medium medium, struct buffer *out, const char *title);
void markup_end(struct markup *p);

static inline bool markup_is_html(const struct markup *p)
{
	return p->medium == MEDIUM_HTML;
}

/** markup_raw() - HTML as it is, for what only a browser can show; nothing on Markdown */
void markup_raw(struct markup *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** markup_escaped() - text from anywhere, escaped for the medium */
void markup_escaped(struct markup *p, struct span text);

/** markup_words() - the same for sentences and figures of ours: a number and its unit stay on one line */
void markup_words(struct markup *p, struct span text);

/** markup_section() - a heading of level 2 or 3 and the section below it; @id: for links and tests */
void markup_section(struct markup *p, int level, const char *id, const char *title);
void markup_section_end(struct markup *p);

void markup_say(struct markup *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* a paragraph */
void markup_note(struct markup *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* a smaller one */

/**
 * markup_table() - begin a table
 * @aligns:  one letter a column: l, r (numbers) or w (wide text that may be broken)
 * @titles:  with a bar between them: "path|answers"
 */
void markup_table(struct markup *p, const char *aligns, const char *titles);
void markup_cell(struct markup *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void markup_cell_code(struct markup *p, struct view text); /* from outside */
void markup_cell_count(struct markup *p, uint64_t n);
void markup_cell_share(struct markup *p, double share);
void markup_cell_time(struct markup *p, double us);
void markup_cell_raw(struct markup *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* HTML; empty on Markdown */
void markup_table_end(struct markup *p);

#endif
