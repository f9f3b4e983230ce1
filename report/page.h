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

#endif
