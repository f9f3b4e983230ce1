/*
 * page.h - a report drawn for people: one self-contained HTML file, or Markdown
 */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/buffer.h"
#include "base/json_doc.h"
#include "report/markup.h"

/**
 * page_draw() - append the page of @report (borrowed), a document as --report FILE.json writes it
 *
 * What the document lacks is left out of the page. Return: 0, -EINVAL if it is no report, -ENOMEM.
 */
int page_draw(const struct json_doc *report, enum medium medium, struct buffer *out);

/** page_draw_live() - in HTML, of a run that goes on; @as_of: RFC 3339, UTC, when @report was made */
int page_draw_live(const struct json_doc *report, const char *as_of, struct buffer *out);

#endif
