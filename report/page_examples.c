/*
 * page_examples.c - a few pairs, each with what the two said, side by side
 *
 * Theory of operation. A closed line says what differs, so that one need not be
 * opened to be passed over. Opened, it has the differences, the texts with the
 * first word that differs marked, and the bodies with the lines that the other
 * does not have. Pairs that are close come last and folded: nobody looks for
 * them first. On Markdown there are no bodies of those.
 */
#include "report/page_impl.h"

#define EXAMPLES_SHOWN 12
#define CLOSE_SHOWN    4
#define TITLE_VALUE    48 /* bytes of a value on the closed line */

enum { PRODUCTION, SHADOW, SIDES };

static const char *const side_names[SIDES] = { "production", "shadow" };

static void time_or_none(struct buffer *out, struct view us)
{
	if (!view_is_number(us))
		buffer_add_str(out, "–");
	else
		format_time(out, view_number(us));
}

void page_body(struct markup *p, const char *what, struct view text)
{
	struct buffer said = { 0 };

	view_text(text, &said);
	if (said.len > 0) {
		markup_note(p, "%s", what);
		if (markup_is_html(p)) {
			markup_raw(p, "<pre>");
			markup_escaped(p, buffer_span(&said));
			markup_raw(p, "</pre>\n");
		} else {
			markup_say(p, "%s", buffer_text(&said));
		}
	}
	buffer_deinit(&said);
}

/* ---- words ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t common_prefix(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len, i = 0;

	while (i < n && a.at[i] == b.at[i])
		i++;
	return i;
}

/** struct word - where the first word that differs begins and ends */
struct word {
	size_t from, to;
};

/** word_of() - of @text, of which @same bytes are those of the other */
static struct word word_of(struct span text, size_t same)
{
	struct word w;

	while (same > 0 && !is_blank(text.at[same - 1]))
		same--;
	w = (struct word){ same, same };
	while (w.to < text.len && !is_blank(text.at[w.to]))
		w.to++;
	return w;
}

/** marked_text() - @text with its first word that differs marked */
static void marked_text(struct markup *p, struct span text, size_t same)
{
	struct word w = word_of(text, same);

	markup_escaped(p, span_of(text.at, w.from));
	markup_raw(p, "<b class=\"diff\">");
	markup_escaped(p, span_of(text.at + w.from, w.to - w.from));
	markup_raw(p, "</b>");
	markup_escaped(p, span_of(text.at + w.to, text.len - w.to));
}

/* Texts of which only the beginning is kept may be the same as far as that goes. */
static void texts_pair(struct markup *p, struct view texts)
{
	struct buffer said[SIDES] = { { 0 }, { 0 } }, words = { 0 };
	size_t same;

	for (int s = 0; s < SIDES; s++)
		view_text(view_get(texts, side_names[s]), &said[s]);
	same = common_prefix(buffer_span(&said[PRODUCTION]), buffer_span(&said[SHADOW]));
	buffer_add_str(&words, "The texts part at word ");
	format_count(&words, view_count(view_get(texts, "same_words")) + 1);
	buffer_add_str(&words, ": the first ");
	format_count(&words, view_count(view_get(texts, "same")));
	buffer_add_str(&words, " bytes are the same, of ");
	format_count(&words, view_count(view_get(texts, "production_len")));
	buffer_add_str(&words, " and ");
	format_count(&words, view_count(view_get(texts, "shadow_len")));
	buffer_add_str(&words, ".");
	markup_note(p, "%s", buffer_text(&words));
	markup_raw(p, "<div class=\"two\">");
	for (int s = 0; s < SIDES; s++) {
		markup_raw(p, "<div><p class=\"note\">%s</p><pre>%s", side_names[s], view_count(view_get(texts, "from")) ? "… " : "");
		if (!markup_is_html(p))
			buffer_printf(p->out, "\n%s: ", side_names[s]);
		marked_text(p, buffer_span(&said[s]), same);
		markup_raw(p, "</pre></div>");
		buffer_add_str(p->out, "\n");
		buffer_deinit(&said[s]);
	}
	markup_raw(p, "</div>\n");
	buffer_deinit(&words);
}

/* ---- bodies ---- */

static void body_column(struct markup *p, const char *what, const struct body_lines *l)
{
	markup_raw(p, "<div><p class=\"note\">%s</p><pre>", what);
	for (size_t i = 0; i < l->count; i++) {
		markup_raw(p, l->differs[i] ? "<span class=\"diff\">" : "");
		markup_escaped(p, l->line[i]);
		markup_raw(p, l->differs[i] ? "</span>\n" : "\n");
	}
	markup_raw(p, "</pre></div>");
}

static void bodies(struct markup *p, struct view production, struct view shadow)
{
	struct buffer a = { 0 }, b = { 0 };
	struct body_lines x = { 0 }, y = { 0 };

	view_text(production, &a);
	view_text(shadow, &b);
	if (!markup_is_html(p) || a.len == 0 || b.len == 0 || !body_lines_pair(&x, buffer_span(&a), &y, buffer_span(&b))) {
		page_body(p, "Production's answer", production);
		page_body(p, "The shadow's answer", shadow);
	} else {
		markup_raw(p, "<div class=\"two\">");
		body_column(p, "Production&#39;s answer", &x);
		body_column(p, "The shadow&#39;s answer", &y);
		markup_raw(p, "</div>\n");
	}
	body_lines_deinit(&x);
	body_lines_deinit(&y);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void request(struct markup *p, struct view body)
{
	struct buffer text = { 0 };
	struct body_lines x = { 0 }, y = { 0 };

	view_text(body, &text);
	if (markup_is_html(p) && text.len > 0 && body_lines_pair(&x, buffer_span(&text), &y, buffer_span(&text)))
		body_column(p, "Request", &x);
	else
		page_body(p, "Request", body);
	body_lines_deinit(&x);
	body_lines_deinit(&y);
	buffer_deinit(&text);
}

/* ---- the closed line ---- */

/** add_value() - a value in short, cut at a letter */
static void add_value(struct buffer *out, struct span value)
{
	size_t len = value.len;

	if (len > TITLE_VALUE) {
		len = TITLE_VALUE;
		while (len > 0 && (value.at[len] & 0xc0) == 0x80)
			len--;
	}
	buffer_add(out, value.at, len);
	buffer_add_str(out, len < value.len ? "…" : "");
}

static void add_word(struct buffer *out, struct span text, size_t same)
{
	struct word w = word_of(text, same);

	buffer_add_str(out, "“");
	add_value(out, span_of(text.at + w.from, w.to - w.from));
	buffer_add_str(out, "”");
}

static void texts_in_short(struct buffer *out, struct view texts)
{
	struct buffer a = { 0 }, b = { 0 };
	size_t same;

	view_text(view_get(texts, "production"), &a);
	view_text(view_get(texts, "shadow"), &b);
	same = common_prefix(buffer_span(&a), buffer_span(&b));
	buffer_add_str(out, "word ");
	format_count(out, view_count(view_get(texts, "same_words")) + 1);
	buffer_add_str(out, ": ");
	add_word(out, buffer_span(&a), same);
	buffer_add_str(out, " → ");
	add_word(out, buffer_span(&b), same);
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void difference_in_short(struct buffer *out, struct view difference)
{
	struct buffer a = { 0 }, b = { 0 };

	view_text(view_get(difference, "path"), out);
	view_text(view_get(difference, "production"), &a);
	view_text(view_get(difference, "shadow"), &b);
	if (a.len + b.len > 0) {
		buffer_add_str(out, ": ");
		add_value(out, buffer_span(&a));
		buffer_add_str(out, " → ");
		add_value(out, buffer_span(&b));
	} else {
		buffer_add_str(out, " ");
		view_text(view_get(difference, "kind"), out);
	}
	buffer_deinit(&a);
	buffer_deinit(&b);
}

static void add_status(struct buffer *out, struct view status)
{
	if (view_is_number(status))
		view_text(status, out);
	else
		buffer_add_str(out, "none");
}

/** in_short() - what differs: the words, else the first place, else the statuses, else why */
static void in_short(struct buffer *out, struct view e)
{
	struct view_walk difference = view_walk(view_get(e, "differences")), status = view_walk(view_get(e, "status"));

	if (view_is(view_get(e, "texts"), JSON_OBJECT)) {
		texts_in_short(out, view_get(e, "texts"));
	} else if (view_next(&difference)) {
		difference_in_short(out, difference.value);
	} else if (view_is(view_get(e, "reason"), JSON_STRING)) {
		view_text(view_get(e, "reason"), out);
	} else if (view_next(&status)) {
		buffer_add_str(out, "status ");
		add_status(out, status.value);
		buffer_add_str(out, " → ");
		if (view_next(&status))
			add_status(out, status.value);
	}
}

static void example_title(struct markup *p, struct view e)
{
	struct buffer text = { 0 };

	markup_raw(p, "<details><summary><span class=\"badge\">");
	if (!markup_is_html(p))
		buffer_add_str(p->out, "\n**");
	view_text(view_get(e, "verdict"), &text);
	markup_escaped(p, buffer_span(&text));
	buffer_add_str(p->out, markup_is_html(p) ? "</span> <code>" : "** ");
	buffer_clear(&text);
	in_short(&text, e);
	markup_escaped(p, buffer_span(&text));
	buffer_add_str(p->out, markup_is_html(p) ? "</code> <span class=\"dim\">" : " ");
	buffer_clear(&text);
	view_text(view_get(e, "request_path"), &text);
	markup_escaped(p, buffer_span(&text));
	markup_raw(p, "</span></summary>");
	buffer_add_str(p->out, "\n");
	buffer_deinit(&text);
}

/* ---- one ---- */

/* Without --show-bodies all of them are empty. */
static bool shows_values(struct view differences)
{
	for (struct view_walk w = view_walk(differences); view_next(&w);)
		if (!view_is_text(view_get(w.value, "production"), "") || !view_is_text(view_get(w.value, "shadow"), ""))
			return true;
	return false;
}

static void differences(struct markup *p, struct view list)
{
	bool values = shows_values(list);

	if (view_size(list) == 0)
		return;
	markup_table(p, values ? "wlww" : "wl", values ? "path|how|production|shadow" : "path|how");
	for (struct view_walk w = view_walk(list); view_next(&w);) {
		struct buffer kind = { 0 };

		view_text(view_get(w.value, "kind"), &kind);
		markup_cell_code(p, view_get(w.value, "path"));
		markup_cell(p, "%s", buffer_text(&kind));
		buffer_deinit(&kind);
		if (!values)
			continue;
		markup_cell_code(p, view_get(w.value, "production"));
		markup_cell_code(p, view_get(w.value, "shadow"));
	}
	markup_table_end(p);
}

static void example(struct markup *p, struct view e)
{
	struct buffer text = { 0 };
	uint64_t more = view_count(view_get(e, "differences_more"));
	bool says_texts = view_is(view_get(e, "texts"), JSON_OBJECT);

	example_title(p, e);
	view_text(view_get(e, "id"), &text);
	buffer_add_str(&text, ", ");
	view_text(view_get(e, "ts"), &text);
	buffer_add_str(&text, ", production ");
	time_or_none(&text, view_get(e, "production_us"));
	buffer_add_str(&text, ", shadow ");
	time_or_none(&text, view_get(e, "shadow_us"));
	markup_note(p, "%s", buffer_text(&text));
	buffer_deinit(&text);
	if (says_texts)
		texts_pair(p, view_get(e, "texts"));
	else
		differences(p, view_get(e, "differences"));
	if (more > 0)
		markup_note(p, "And %llu more differences.", (unsigned long long)more);
	request(p, view_get(e, "request_body"));
	if (says_texts && view_get(e, "production_body").there) /* they are what was said; a stream is long */
		markup_raw(p, "<details><summary class=\"dim\">as they came</summary>\n");
	bodies(p, view_get(e, "production_body"), view_get(e, "shadow_body"));
	if (says_texts && view_get(e, "production_body").there)
		markup_raw(p, "</details>\n");
	markup_raw(p, "</details>\n");
}

/* ---- all ---- */

static bool has_bodies(struct view examples)
{
	for (struct view_walk w = view_walk(examples); view_next(&w);)
		if (view_get(w.value, "request_body").there)
			return true;
	return false;
}

/** draw() - at most @most of those that are close, or of the others; how many there are */
static unsigned draw(struct markup *p, struct view examples, bool close, unsigned most)
{
	unsigned count = 0;

	for (struct view_walk w = view_walk(examples); view_next(&w);)
		if (view_is_text(view_get(w.value, "verdict"), "close") == close && count++ < most)
			example(p, w.value);
	return count;
}

static void close_ones(struct markup *p, struct view examples)
{
	unsigned count = draw(p, examples, true, 0);

	if (count == 0)
		return;
	if (!markup_is_html(p)) {
		markup_note(p, "%u of pairs that are close are in the JSON.", count);
		return;
	}
	markup_raw(p, "<details><summary>%u of pairs that are close: within the tolerance, or what a rule lets pass</summary>\n",
		   count < CLOSE_SHOWN ? count : CLOSE_SHOWN);
	draw(p, examples, true, CLOSE_SHOWN);
	markup_raw(p, "</details>\n");
}

void page_examples(struct markup *p, struct view target)
{
	struct view examples = view_get(target, "examples");
	unsigned count;

	if (view_size(examples) == 0)
		return;
	markup_section(p, 2, "examples", "Examples, worst first");
	count = draw(p, examples, false, EXAMPLES_SHOWN);
	if (count > EXAMPLES_SHOWN)
		markup_note(p, "%u more are in the JSON.", count - EXAMPLES_SHOWN);
	close_ones(p, examples);
	markup_note(p, has_bodies(examples) ? "shadowtap repro REPORT.json ID makes a case of one, with a script that sends it again." :
					      "A run with --repro DIR makes cases of the gravest, with a script that sends each again.");
	markup_section_end(p);
}
