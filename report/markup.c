/*
 * markup.c - see markup.h
 *
 * HTML is one file with its styles inside and no scripts; the policy in its
 * head forbids the browser to load anything or to run anything, so that even a
 * mistake in the escaping could not make a report act.
 */
#include "report/markup.h"

#include <stdarg.h>

#include "base/shown.h"
#include "report/format.h"
#include "report/paper_style.h"

static void html_letter(struct buffer *out, uint8_t c)
{
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
		buffer_add(out, &c, 1);
	}
}

/*
 * What Markdown, and what forges add to it, would take for markup: also a name behind @, which would be told
 * that it was named, #1, which would be linked, and an address. A line break would end a table's row.
 */
static void markdown_letter(struct buffer *out, struct span rest)
{
	uint8_t c = rest.at[0];

	if (c == '<' || c == '>' || c == '&')
		html_letter(out, c);
	else if (c == '@' || c == '#' || (c == ':' && rest.len > 1 && rest.at[1] == '/'))
		buffer_printf(out, "&#%u;", c);
	else if (c == '.' && out->len >= 3 && memcmp(out->bytes + out->len - 3, "www", 3) == 0)
		buffer_add_str(out, "&#46;");
	else {
		if (strchr("\\`*_[]|~$", c))
			buffer_add_str(out, "\\");
		buffer_add(out, &c, 1);
	}
}

/** add_unsafe() - a character that is obeyed rather than shown, as its number; white space as what it is */
static void add_unsafe(struct paper *p, uint32_t c)
{
	if (paper_is_html(p) && (c == '\n' || c == '\t'))
		buffer_add(p->out, c == '\n' ? "\n" : "\t", 1);
	else if (c < 0x20)
		buffer_add_str(p->out, " ");
	else
		buffer_printf(p->out, paper_is_html(p) ? "\\u%04x" : "\\\\u%04x", (unsigned)c);
}

void paper_escaped(struct paper *p, struct span text)
{
	while (text.len > 0) {
		struct shown_piece piece = shown_next(text);

		if (!piece.valid)
			buffer_add_str(p->out, "\xef\xbf\xbd");
		else if (shown_is_unsafe(piece.character))
			add_unsafe(p, piece.character);
		else if (piece.len > 1)
			buffer_add(p->out, text.at, piece.len);
		else if (paper_is_html(p))
			html_letter(p->out, text.at[0]);
		else
			markdown_letter(p->out, text);
		span_skip(&text, piece.len);
	}
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
