/*
 * body_lines.c - two bodies as lines that can be laid side by side
 *
 * Theory of operation. What begins like JSON is indented token by token,
 * without parsing: an example's body may be cut anywhere. An array or object of
 * nothing but scalars stays on one line, broken where it gets long, so that a
 * row of numbers looks like a row. Which lines differ is the complement of a
 * longest common subsequence; of more lines than that is quick for, a line is
 * held against the one at its own place.
 */
#include "report/page_impl.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH     50 /* of half a page */
#define DEPTH_MAX 40
#define LINES_LCS 200

/* ---- indenting ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool looks_like_json(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		span_skip(&s, 1);
	return s.len > 0 && (s.at[0] == '{' || s.at[0] == '[');
}

/** string_len() - of the string at the front of @s, with its quotes; all of it if it does not end */
static size_t string_len(struct span s)
{
	for (size_t i = 1; i < s.len; i++)
		if (s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			return i + 1;
	return s.len;
}

/** is_flat() - is what the bracket at the front of @s opens free of others? What is cut counts as closed */
static bool is_flat(struct span s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == '"')
			i += string_len(span_of(s.at + i, s.len - i)) - 1;
		else if (s.at[i] == '{' || s.at[i] == '[')
			return false;
		else if (s.at[i] == '}' || s.at[i] == ']')
			return true;
	}
	return true;
}

struct indenter {
	struct buffer *out;
	size_t line_at; /* where the line at hand begins */
	unsigned depth, flat; /* depth at which a flat one was opened, +1; 0: none is open */
};

static void new_line(struct indenter *w)
{
	unsigned depth = w->depth < DEPTH_MAX ? w->depth : DEPTH_MAX;

	buffer_add_str(w->out, "\n");
	w->line_at = w->out->len;
	for (unsigned i = 0; i < depth; i++)
		buffer_add_str(w->out, "  ");
}

static void open_bracket(struct indenter *w, struct span rest)
{
	bool is_empty = rest.len > 1 && (rest.at[1] == '}' || rest.at[1] == ']');

	buffer_add(w->out, rest.at, 1);
	w->depth++;
	if (w->flat == 0 && (is_empty || is_flat(rest)))
		w->flat = w->depth;
	else if (w->flat == 0)
		new_line(w);
}

static void close_bracket(struct indenter *w, struct span rest)
{
	bool was_flat = w->flat > 0 && w->flat == w->depth;

	w->depth -= w->depth > 0;
	if (was_flat)
		w->flat = 0;
	else if (w->flat == 0)
		new_line(w);
	buffer_add(w->out, rest.at, 1);
}

static void comma(struct indenter *w)
{
	buffer_add_str(w->out, ",");
	if (w->flat == 0 || w->out->len - w->line_at > WIDTH)
		new_line(w);
	else
		buffer_add_str(w->out, " ");
}

static void indent(struct span s, struct buffer *out)
{
	struct indenter w = { .out = out };

	while (s.len > 0 && buffer_ok(out)) {
		size_t len = 1;

		switch (s.at[0]) {
		case '"':
			len = string_len(s);
			buffer_add(out, s.at, len);
			break;
		case '{':
		case '[':
			open_bracket(&w, s);
			break;
		case '}':
		case ']':
			close_bracket(&w, s);
			break;
		case ',':
			comma(&w);
			break;
		case ':':
			buffer_add_str(out, ": ");
			break;
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			break;
		default:
			buffer_add(out, s.at, 1);
		}
		span_skip(&s, len);
	}
}

/* ---- lines ---- */

static bool make_lines(struct body_lines *l, struct span body)
{
	size_t count = 1;

	*l = (struct body_lines){ .count = 0 };
	if (looks_like_json(body))
		indent(body, &l->text);
	else
		buffer_add_span(&l->text, body);
	for (size_t i = 0; i < l->text.len; i++)
		count += l->text.bytes[i] == '\n';
	l->line = calloc(count, sizeof(*l->line));
	l->differs = calloc(count, sizeof(*l->differs));
	if (!l->line || !l->differs || !buffer_ok(&l->text))
		return false;
	for (struct span rest = buffer_span(&l->text); rest.len > 0 && l->count < count;) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.at) : rest.len;

		l->line[l->count++] = span_of(rest.at, len);
		span_skip(&rest, len + (end != NULL));
	}
	return true;
}

static void by_place(struct body_lines *a, const struct body_lines *b)
{
	for (size_t i = 0; i < a->count; i++)
		a->differs[i] = i >= b->count || !span_equal(a->line[i], b->line[i]);
}

/** by_subsequence() - false when out of memory */
static bool by_subsequence(struct body_lines *a, struct body_lines *b)
{
	size_t columns = b->count + 1;
	uint16_t *longest = calloc((a->count + 1) * columns, sizeof(*longest));

	if (!longest)
		return false;
	for (size_t i = a->count; i-- > 0;)
		for (size_t k = b->count; k-- > 0;) {
			uint16_t below = longest[(i + 1) * columns + k], right = longest[i * columns + k + 1];

			longest[i * columns + k] = span_equal(a->line[i], b->line[k])
							   ? (uint16_t)(longest[(i + 1) * columns + k + 1] + 1)
						   : below > right ? below
								   : right;
		}
	for (size_t i = 0; i < a->count; i++)
		a->differs[i] = true;
	for (size_t k = 0; k < b->count; k++)
		b->differs[k] = true;
	for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
		if (span_equal(a->line[i], b->line[k]))
			a->differs[i++] = b->differs[k++] = false;
		else if (longest[(i + 1) * columns + k] >= longest[i * columns + k + 1])
			i++;
		else
			k++;
	}
	free(longest);
	return true;
}

bool body_lines_pair(struct body_lines *a, struct span body_a, struct body_lines *b, struct span body_b)
{
	bool ok = make_lines(a, body_a);

	if (!make_lines(b, body_b) || !ok)
		return false;
	if (a->count <= LINES_LCS && b->count <= LINES_LCS)
		return by_subsequence(a, b);
	by_place(a, b);
	by_place(b, a);
	return true;
}

void body_lines_deinit(struct body_lines *l)
{
	free(l->line);
	free(l->differs);
	buffer_deinit(&l->text);
}
