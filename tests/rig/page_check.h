/* page_check.h - what must hold of any page, whatever the report says: shared by test_page.c and fuzz_page.c */
#ifndef TESTS_RIG_PAGE_CHECK_H
#define TESTS_RIG_PAGE_CHECK_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/span.h"

/** page_tag_is_ours() - @at follows a '<': one of the tags that the program writes? */
static inline bool page_tag_is_ours(const char *at)
{
	static const char *const tags[] = { "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "header",
					    "span", "b", "i", "h1", "h2", "h3", "p", "div", "section", "table", "thead",
					    "tbody", "tr", "th", "td", "code", "pre", "details", "summary", "ul", "li",
					    "svg", "path", "line", "footer" };
	size_t len;

	at += *at == '/';
	len = strcspn(at, " >\n/");
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strlen(tags[i]) == len && strncmp(tags[i], at, len) == 0)
			return true;
	return false;
}

/** page_html_is_safe() - @text: the whole page, NUL-terminated */
static inline bool page_html_is_safe(const char *text)
{
	for (const char *lt = strchr(text, '<'); lt; lt = strchr(lt + 1, '<'))
		if (!page_tag_is_ours(lt + 1))
			return false;
	return true;
}

static inline unsigned page_bars(const char *line, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\\')
			i++;
		else if (line[i] == '|')
			n++;
	}
	return n;
}

/** page_markdown_is_whole() - no row of a table has more or fewer cells than the one above it */
static inline bool page_markdown_is_whole(const char *text)
{
	unsigned columns = 0;

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		if (line[0] != '|')
			columns = 0;
		else if (columns > 0 && page_bars(line, len) != columns)
			return false;
		else
			columns = page_bars(line, len);
		line += len + (line[len] == '\n');
	}
	return true;
}

#endif
