/*
 * paper.c - see paper.h
 *
 * HTML is one file with its styles inside and no scripts; the policy in its
 * head forbids the browser to load anything or to run anything, so that even a
 * mistake in the escaping could not make a report act.
 */
#include "report/paper.h"

#include <stdarg.h>

#include "report/figures.h"
#include "report/paper_style.h"

static void add_html(struct buffer *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		switch (c) {
		case '&':
			buffer_add_str(out, "&amp;");
			break;
		case '<':
			buffer_add_str(out, "&lt;");
			break;
		case '>':
			buffer_add_str(out, "&gt;");
			break;
		case '"':
			buffer_add_str(out, "&quot;");
			break;
		case '\'':
			buffer_add_str(out, "&#39;");
			break;
		default:
			if (c < 0x20 && c != '\n' && c != '\t')
				c = ' ';
			buffer_add(out, &c, 1);
		}
	}
}

/* What Markdown would take for markup; a line break would end a table's row. */
static void add_markdown(struct buffer *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (c < 0x20)
			c = ' ';
		if (c == '<' || c == '&') {
			buffer_add_str(out, c == '<' ? "&lt;" : "&amp;");
			continue;
		}
		if (strchr("\\`*_[]|", c))
			buffer_add_str(out, "\\");
		buffer_add(out, &c, 1);
	}
}

void paper_escaped(struct paper *p, struct span text)
{
	if (paper_is_html(p))
		add_html(p->out, text);
	else
		add_markdown(p->out, text);
}

static void add_text(struct paper *p, const char *format, va_list args)
{
	buffer_clear(&p->scratch);
	buffer_vprintf(&p->scratch, format, args);
	paper_escaped(p, buffer_span(&p->scratch));
}

void paper_raw(struct paper *p, const char *format, ...)
{
	va_list args;

	if (!paper_is_html(p))
		return;
	va_start(args, format);
	buffer_vprintf(p->out, format, args);
	va_end(args);
}

void paper_begin(struct paper *p, enum medium medium, struct buffer *out, const char *title)
{
	*p = (struct paper){ .out = out, .medium = medium };
	if (!paper_is_html(p))
		return;
	buffer_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			    "<meta name=\"referrer\" content=\"no-referrer\">\n"
			    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
			    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
			    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	paper_escaped(p, span_str(title));
	buffer_add_str(out, "</title>\n<style>\n");
	buffer_add_str(out, paper_style);
	buffer_add_str(out, "</style>\n</head>\n<body>\n<main>\n");
}

void paper_end(struct paper *p)
{
	paper_raw(p, "</main>\n</body>\n</html>\n");
	buffer_deinit(&p->scratch);
}

void paper_section(struct paper *p, int level, const char *id, const char *title)
{
	paper_raw(p, "<section id=\"%s\">\n<h%d>", id, level);
	if (!paper_is_html(p))
		buffer_add_str(p->out, level == 2 ? "\n## " : "\n### ");
	paper_escaped(p, span_str(title));
	paper_raw(p, "</h%d>\n", level);
	if (!paper_is_html(p))
		buffer_add_str(p->out, "\n");
}

void paper_section_end(struct paper *p)
{
	paper_raw(p, "</section>\n");
}

__attribute__((format(printf, 3, 0))) static void paragraph(struct paper *p, const char *tag, const char *format, va_list args)
{
	buffer_add_str(p->out, paper_is_html(p) ? tag : "\n");
	add_text(p, format, args);
	buffer_add_str(p->out, paper_is_html(p) ? "</p>\n" : "\n");
}

void paper_say(struct paper *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	paragraph(p, "<p>", format, args);
	va_end(args);
}

void paper_note(struct paper *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	paragraph(p, "<p class=\"note\">", format, args);
	va_end(args);
}

void paper_table(struct paper *p, const char *aligns, const char *titles)
{
	p->aligns = aligns;
	p->columns = (unsigned)strlen(aligns);
	p->column = 0;
	paper_raw(p, "<div class=\"scroll\"><table>\n<thead><tr>");
	if (!paper_is_html(p))
		buffer_add_str(p->out, "\n|");
	for (unsigned i = 0; i < p->columns; i++) {
		size_t len = strcspn(titles, "|");

		paper_raw(p, "<th class=\"%c\">", aligns[i]);
		paper_escaped(p, span_of(titles, len));
		buffer_add_str(p->out, paper_is_html(p) ? "</th>" : "|");
		titles += len + (titles[len] == '|');
	}
	paper_raw(p, "</tr></thead>\n<tbody>\n");
	if (paper_is_html(p))
		return;
	buffer_add_str(p->out, "\n|");
	for (unsigned i = 0; i < p->columns; i++)
		buffer_add_str(p->out, aligns[i] == 'r' ? "---:|" : "---|");
	buffer_add_str(p->out, "\n");
}

static void begin_cell(struct paper *p)
{
	if (p->column == 0)
		buffer_add_str(p->out, paper_is_html(p) ? "<tr>" : "|");
	paper_raw(p, "<td class=\"%c\">", p->aligns[p->column]);
}

static void end_cell(struct paper *p)
{
	buffer_add_str(p->out, paper_is_html(p) ? "</td>" : "|");
	if (++p->column < p->columns)
		return;
	p->column = 0;
	buffer_add_str(p->out, paper_is_html(p) ? "</tr>\n" : "\n");
}

void paper_cell(struct paper *p, const char *format, ...)
{
	va_list args;

	begin_cell(p);
	va_start(args, format);
	add_text(p, format, args);
	va_end(args);
	end_cell(p);
}

void paper_cell_code(struct paper *p, struct view text)
{
	begin_cell(p);
	buffer_clear(&p->scratch);
	view_text(text, &p->scratch);
	if (p->scratch.len > 0) {
		paper_raw(p, "<code>");
		paper_escaped(p, buffer_span(&p->scratch));
		paper_raw(p, "</code>");
	}
	end_cell(p);
}

static void scratch_cell(struct paper *p)
{
	begin_cell(p);
	paper_escaped(p, buffer_span(&p->scratch));
	end_cell(p);
}

void paper_cell_count(struct paper *p, uint64_t n)
{
	buffer_clear(&p->scratch);
	figure_count(&p->scratch, n);
	scratch_cell(p);
}

void paper_cell_share(struct paper *p, double share)
{
	buffer_clear(&p->scratch);
	figure_share(&p->scratch, share);
	scratch_cell(p);
}

void paper_cell_time(struct paper *p, double us)
{
	buffer_clear(&p->scratch);
	figure_time(&p->scratch, us);
	scratch_cell(p);
}

void paper_cell_raw(struct paper *p, const char *format, ...)
{
	va_list args;

	begin_cell(p);
	if (paper_is_html(p)) {
		va_start(args, format);
		buffer_vprintf(p->out, format, args);
		va_end(args);
	}
	end_cell(p);
}

void paper_table_end(struct paper *p)
{
	paper_raw(p, "</tbody></table></div>\n");
}
