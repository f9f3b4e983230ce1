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
#include "report/page_style.h"

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
static void add_unsafe(struct markup *p, uint32_t c)
{
	if (markup_is_html(p) && (c == '\n' || c == '\t'))
		buffer_add(p->out, c == '\n' ? "\n" : "\t", 1);
	else if (c < 0x20)
		buffer_add_str(p->out, " ");
	else
		buffer_printf(p->out, markup_is_html(p) ? "\\u%04x" : "\\\\u%04x", (unsigned)c);
}

void markup_escaped(struct markup *p, struct span text)
{
	while (text.len > 0) {
		struct shown_piece piece = shown_next(text);

		if (!piece.valid)
			buffer_add_str(p->out, "\xef\xbf\xbd");
		else if (shown_is_unsafe(piece.character))
			add_unsafe(p, piece.character);
		else if (piece.len > 1)
			buffer_add(p->out, text.at, piece.len);
		else if (markup_is_html(p))
			html_letter(p->out, text.at[0]);
		else
			markdown_letter(p->out, text);
		span_skip(&text, piece.len);
	}
}

/** is_before_unit() - is this blank between a number and its unit? They are not to be torn apart at the end of a line */
static bool is_before_unit(struct span text, size_t at)
{
	static const char *const units[] = { "%", "µs", "ms", "s", "min", "bytes", "KiB", "MiB", "GiB", "TiB" };

	if (at == 0 || text.at[at] != ' ' || text.at[at - 1] < '0' || text.at[at - 1] > '9')
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i]), end = at + 1 + len;

		if (end <= text.len && memcmp(text.at + at + 1, units[i], len) == 0 &&
		    (end == text.len || strchr(" ,.;:)(", text.at[end])))
			return true;
	}
	return false;
}

void markup_words(struct markup *p, struct span text)
{
	size_t from = 0;

	for (size_t i = 0; markup_is_html(p) && i < text.len; i++)
		if (is_before_unit(text, i)) {
			markup_escaped(p, span_of(text.at + from, i - from));
			buffer_add_str(p->out, "\xc2\xa0");
			from = i + 1;
		}
	markup_escaped(p, span_of(text.at + from, text.len - from));
}

static void add_text(struct markup *p, const char *format, va_list args)
{
	buffer_clear(&p->scratch);
	buffer_vprintf(&p->scratch, format, args);
	markup_words(p, buffer_span(&p->scratch));
}

void markup_raw(struct markup *p, const char *format, ...)
{
	va_list args;

	if (!markup_is_html(p))
		return;
	va_start(args, format);
	buffer_vprintf(p->out, format, args);
	va_end(args);
}

void markup_begin(struct markup *p, enum medium medium, struct buffer *out, const char *title)
{
	*p = (struct markup){ .out = out, .medium = medium };
	if (!markup_is_html(p))
		return;
	buffer_add_str(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
			    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			    "<meta name=\"referrer\" content=\"no-referrer\">\n"
			    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
			    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
			    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
	markup_escaped(p, span_str(title));
	buffer_add_str(out, "</title>\n<style>\n");
	buffer_add_str(out, markup_style);
	buffer_add_str(out, "</style>\n</head>\n<body>\n<main>\n");
}

void markup_end(struct markup *p)
{
	markup_raw(p, "</main>\n</body>\n</html>\n");
	buffer_deinit(&p->scratch);
}

void markup_section(struct markup *p, int level, const char *id, const char *title)
{
	markup_raw(p, "<section id=\"%s\">\n<h%d>", id, level);
	if (!markup_is_html(p))
		buffer_add_str(p->out, level == 2 ? "\n## " : "\n### ");
	markup_escaped(p, span_str(title));
	markup_raw(p, "</h%d>\n", level);
	if (!markup_is_html(p))
		buffer_add_str(p->out, "\n");
}

void markup_section_end(struct markup *p)
{
	markup_raw(p, "</section>\n");
}

__attribute__((format(printf, 3, 0))) static void paragraph(struct markup *p, const char *tag, const char *format, va_list args)
{
	buffer_add_str(p->out, markup_is_html(p) ? tag : "\n");
	add_text(p, format, args);
	buffer_add_str(p->out, markup_is_html(p) ? "</p>\n" : "\n");
}

void markup_say(struct markup *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	paragraph(p, "<p>", format, args);
	va_end(args);
}

void markup_note(struct markup *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	paragraph(p, "<p class=\"note\">", format, args);
	va_end(args);
}

void markup_table(struct markup *p, const char *aligns, const char *titles)
{
	p->aligns = aligns;
	p->columns = (unsigned)strlen(aligns);
	p->column = 0;
	markup_raw(p, "<div class=\"scroll\"><table>\n<thead><tr>");
	if (!markup_is_html(p))
		buffer_add_str(p->out, "\n|");
	for (unsigned i = 0; i < p->columns; i++) {
		size_t len = strcspn(titles, "|");

		markup_raw(p, "<th class=\"%c\">", aligns[i]);
		markup_escaped(p, span_of(titles, len));
		buffer_add_str(p->out, markup_is_html(p) ? "</th>" : "|");
		titles += len + (titles[len] == '|');
	}
	markup_raw(p, "</tr></thead>\n<tbody>\n");
	if (markup_is_html(p))
		return;
	buffer_add_str(p->out, "\n|");
	for (unsigned i = 0; i < p->columns; i++)
		buffer_add_str(p->out, aligns[i] == 'r' ? "---:|" : "---|");
	buffer_add_str(p->out, "\n");
}

static void begin_cell(struct markup *p)
{
	if (p->column == 0)
		buffer_add_str(p->out, markup_is_html(p) ? "<tr>" : "|");
	markup_raw(p, "<td class=\"%c\">", p->aligns[p->column]);
}

static void end_cell(struct markup *p)
{
	buffer_add_str(p->out, markup_is_html(p) ? "</td>" : "|");
	if (++p->column < p->columns)
		return;
	p->column = 0;
	buffer_add_str(p->out, markup_is_html(p) ? "</tr>\n" : "\n");
}

void markup_cell(struct markup *p, const char *format, ...)
{
	va_list args;

	begin_cell(p);
	va_start(args, format);
	add_text(p, format, args);
	va_end(args);
	end_cell(p);
}

void markup_cell_code(struct markup *p, struct view text)
{
	begin_cell(p);
	buffer_clear(&p->scratch);
	view_text(text, &p->scratch);
	if (p->scratch.len > 0) {
		markup_raw(p, "<code>");
		markup_escaped(p, buffer_span(&p->scratch));
		markup_raw(p, "</code>");
	}
	end_cell(p);
}

static void scratch_cell(struct markup *p)
{
	begin_cell(p);
	markup_words(p, buffer_span(&p->scratch));
	end_cell(p);
}

void markup_cell_count(struct markup *p, uint64_t n)
{
	buffer_clear(&p->scratch);
	format_count(&p->scratch, n);
	scratch_cell(p);
}

void markup_cell_share(struct markup *p, double share)
{
	buffer_clear(&p->scratch);
	format_share(&p->scratch, share);
	scratch_cell(p);
}

void markup_cell_time(struct markup *p, double us)
{
	buffer_clear(&p->scratch);
	format_time(&p->scratch, us);
	scratch_cell(p);
}

void markup_cell_raw(struct markup *p, const char *format, ...)
{
	va_list args;

	begin_cell(p);
	if (markup_is_html(p)) {
		va_start(args, format);
		buffer_vprintf(p->out, format, args);
		va_end(args);
	}
	end_cell(p);
}

void markup_table_end(struct markup *p)
{
	markup_raw(p, "</tbody></table></div>\n");
}
