/*
 * markup.h - what a page is written on: HTML or Markdown
 *
 * The page is said once (page*.c); here is how headings, sentences and tables
 * look on either medium. Whatever comes from outside (paths, labels, bodies)
 * goes through paper_code() or a view and is escaped: a report is opened by
 * people in browsers, and its values were chosen by whoever sent the requests.
 * What a browser would obey (shown.h) is written as its number.
 * Text that the program itself provides is passed as plain text, with no
 * markup, and is escaped as well.
 */
#ifndef REPORT_MARKUP_H
#define REPORT_MARKUP_H

#include <stdbool.h>

#include "base/buffer.h"
#include "report/view.h"

enum medium { MEDIUM_HTML, MEDIUM_MARKDOWN };

struct paper {
	struct buffer *out; /* borrowed */
	enum medium medium;
	struct buffer scratch;
	unsigned columns, column; /* of the table at hand */
	const char *aligns;
};

void paper_begin(struct paper *p, enum medium medium, struct buffer *out, const char *title);
void paper_end(struct paper *p);

static inline bool paper_is_html(const struct paper *p)
{
	return p->medium == MEDIUM_HTML;
}

/** paper_raw() - HTML as it is, for what only a browser can show; nothing on Markdown */
void paper_raw(struct paper *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** paper_escaped() - text from anywhere, escaped for the medium */
void paper_escaped(struct paper *p, struct span text);

/** paper_section() - a heading of level 2 or 3 and the section below it; @id: for links and tests */
void paper_section(struct paper *p, int level, const char *id, const char *title);
void paper_section_end(struct paper *p);

void paper_say(struct paper *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* a paragraph */
void paper_note(struct paper *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* a smaller one */

/**
 * paper_table() - begin a table
 * @aligns:  one letter a column: l, r (numbers) or w (wide text that may be broken)
 * @titles:  with a bar between them: "path|answers"
 */
void paper_table(struct paper *p, const char *aligns, const char *titles);
void paper_cell(struct paper *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void paper_cell_code(struct paper *p, struct view text); /* from outside */
void paper_cell_count(struct paper *p, uint64_t n);
void paper_cell_share(struct paper *p, double share);
void paper_cell_time(struct paper *p, double us);
void paper_cell_raw(struct paper *p, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* HTML; empty on Markdown */
void paper_table_end(struct paper *p);

#endif
