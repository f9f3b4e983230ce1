/*
 * json_doc.c - see json_doc.h
 *
 * Theory of operation: one walk over the text, which ends a value as soon as
 * its last byte is seen. A container that is open is on a stack of node
 * numbers; there is room for JSON_DEPTH_MAX of them, so neither the C stack nor
 * the heap grows with the depth of the input. A node costs 20 bytes and at least
 * one byte of text, so a text of n bytes never takes more than 20 n (the worst:
 * "[1,1,1,...", 10 n), and the array is used again for the next document; one
 * that was far larger than what comes after it is given back.
 *
 * What decides the speed is how runs are walked over: digits and the inside of
 * strings eight bytes at a time, as one little-endian word in which the lowest
 * byte that ends the run is found by arithmetic. In such a word a carry or a
 * borrow can change only the bytes above the one that caused it, and that one
 * ends the run already.
 *
 * Stricter than it has to be: control characters in strings, commas before a
 * bracket, comments, single quotes, leading zeros and a leading plus are errors.
 * More tolerant than RFC 8259: a byte-order mark in front is skipped (section 8.1
 * allows that); NaN and the infinities are numbers; bytes in strings that are
 * not UTF-8 are taken as they are, and are equal to the same bytes only.
 */
#include "base/json_doc.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/word.h"

#define NODES_FIRST 256
#define NODES_KEPT (UINT32_C(1) << 18) /* 5 MiB: kept whatever the next document's size */
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS EACH(0x80)

/** struct walk - a parse under way */
struct walk {
	struct json_doc *d;
	const uint8_t *text;
	size_t len, i;
	unsigned depth;
	uint32_t open[JSON_DEPTH_MAX]; /* nodes of the containers we are in */
};

/* Whitespace is mostly absent, or one space. */
static inline void skip_space(struct walk *w)
{
	while (w->i < w->len) {
		uint8_t c = w->text[w->i];

		if (c > ' ' || (c != ' ' && c != '\n' && c != '\r' && c != '\t'))
			return;
		w->i++;
	}
}

static inline void skip_digits(struct walk *w)
{
	while (w->len - w->i >= 8) {
		uint64_t x = load_le64(w->text + w->i);
		uint64_t ends = ((x + EACH(0x46)) | (x - EACH('0')) | x) & HIGH_BITS;

		if (ends) {
			w->i += (unsigned)__builtin_ctzll(ends) / 8;
			return;
		}
		w->i += 8;
	}
	while (w->i < w->len && (uint8_t)(w->text[w->i] - '0') < 10)
		w->i++;
}

/** skip_plain() - to the next quote, backslash or control character */
static inline void skip_plain(struct walk *w)
{
	while (w->len - w->i >= 8) {
		uint64_t x = load_le64(w->text + w->i);
		uint64_t quote = x ^ EACH('"'), slash = x ^ EACH('\\');
		uint64_t ends = (((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash) |
				 ((x - EACH(0x20)) & ~x)) &
				HIGH_BITS;

		if (ends) {
			w->i += (unsigned)__builtin_ctzll(ends) / 8;
			return;
		}
		w->i += 8;
	}
	while (w->i < w->len && w->text[w->i] != '"' && w->text[w->i] != '\\' && w->text[w->i] >= 0x20)
		w->i++;
}

/** charge() - room for @cap nodes from the budget, where there is one */
static bool charge(const struct json_doc *d, size_t cap)
{
	return budget_grow(d->memory, d->cap * sizeof(*d->nodes), cap * sizeof(*d->nodes));
}

/** give_back() - all nodes */
static void give_back(struct json_doc *d)
{
	if (d->memory)
		budget_release(d->memory, d->cap * sizeof(*d->nodes));
	free(d->nodes);
	d->nodes = NULL;
	d->cap = 0;
}

/* Twice as many, and where the budget has no room for these an eighth more. */
static bool grow(struct json_doc *d)
{
	size_t cap = d->cap ? d->cap * 2 : NODES_FIRST;
	struct json_node *nodes;

	if (!charge(d, cap)) {
		cap = d->cap + d->cap / 8;
		d->refused = cap == d->cap || !charge(d, cap);
		if (d->refused)
			return false;
	}
	nodes = realloc(d->nodes, cap * sizeof(*nodes));
	if (!nodes) {
		if (d->memory)
			budget_release(d->memory, (cap - d->cap) * sizeof(*nodes));
		return false;
	}
	d->nodes = nodes;
	d->cap = cap;
	return true;
}

/** add() - a node for a value that takes the text from @at to here; false when out of memory */
static inline bool add(struct walk *w, enum json_type type, size_t at, size_t len, bool escaped)
{
	struct json_doc *d = w->d;

	if (d->count == d->cap && !grow(d))
		return false;
	d->nodes[d->count] = (struct json_node){ .at = (uint32_t)at,
						 .len = (uint32_t)len,
						 .next = (uint32_t)d->count + 1,
						 .type = (uint8_t)type,
						 .escaped = escaped };
	d->count++;
	return true;
}

static int refuse(struct walk *w, const char *why)
{
	w->d->error = w->i < w->len ? why : "ends in the middle of a value";
	w->d->error_at = w->i;
	return -EINVAL;
}

static int no_memory(struct walk *w)
{
	w->d->error = "out of memory";
	w->d->error_at = w->i;
	return -ENOMEM;
}

static inline bool is_hex(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

/** take_escape() - what stands after a backslash */
static bool take_escape(struct walk *w)
{
	if (w->i == w->len)
		return false;
	switch (w->text[w->i]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		w->i++;
		return true;
	case 'u':
		w->i++;
		for (int n = 0; n < 4; n++, w->i++)
			if (w->i == w->len || !is_hex(w->text[w->i]))
				return false;
		return true;
	}
	return false;
}

static inline int take_string(struct walk *w)
{
	size_t from = ++w->i; /* after the quote */
	bool escaped = false;

	for (;;) {
		skip_plain(w);
		if (w->i == w->len)
			return refuse(w, "");
		if (w->text[w->i] == '"')
			break;
		if (w->text[w->i] != '\\')
			return refuse(w, "a control character in a string");
		escaped = true;
		w->i++;
		if (!take_escape(w))
			return refuse(w, "not an escape sequence");
	}
	if (!add(w, JSON_STRING, from, w->i - from, escaped))
		return no_memory(w);
	w->i++;
	return 0;
}

static bool take_word(struct walk *w, struct span word)
{
	if (!span_starts(span_of(w->text + w->i, w->len - w->i), word))
		return false;
	w->i += word.len;
	return true;
}

/** cut_word() - the text ends inside of @word: then the end is what is wrong, not the letters */
static bool cut_word(const struct walk *w, struct span word)
{
	return span_starts(word, span_of(w->text + w->i, w->len - w->i));
}

static int take_literal(struct walk *w, struct span word, enum json_type type)
{
	size_t from = w->i;

	if (!take_word(w, word)) {
		if (cut_word(w, word))
			w->i = w->len;
		return refuse(w, "not a value");
	}
	return add(w, type, from, word.len, false) ? 0 : no_memory(w);
}

static inline int need_digits(struct walk *w)
{
	size_t from = w->i;

	skip_digits(w);
	return w->i > from ? 0 : refuse(w, "a digit is missing");
}

/** take_number() - RFC 8259, section 6, and a minus before NaN or Infinity */
static inline int take_number(struct walk *w)
{
	size_t from = w->i;
	int r;

	if (w->text[w->i] == '-') {
		w->i++;
		if (w->i < w->len && (w->text[w->i] == 'N' || w->text[w->i] == 'I')) {
			struct span word =
				w->text[w->i] == 'N' ? SPAN_LITERAL("NaN") : SPAN_LITERAL("Infinity");

			if (!take_word(w, word)) {
				if (cut_word(w, word))
					w->i = w->len;
				return refuse(w, "not a value");
			}
			goto end;
		}
	}
	if (w->i < w->len && w->text[w->i] == '0') {
		w->i++;
		if (w->i < w->len && (uint8_t)(w->text[w->i] - '0') < 10)
			return refuse(w, "a number with a zero in front");
	} else {
		r = need_digits(w);
		if (r < 0)
			return r;
	}
	if (w->i < w->len && w->text[w->i] == '.') {
		w->i++;
		r = need_digits(w);
		if (r < 0)
			return r;
	}
	if (w->i < w->len && (w->text[w->i] | 0x20) == 'e') {
		w->i++;
		if (w->i < w->len && (w->text[w->i] == '+' || w->text[w->i] == '-'))
			w->i++;
		r = need_digits(w);
		if (r < 0)
			return r;
	}
end:
	return add(w, JSON_NUMBER, from, w->i - from, false) ? 0 : no_memory(w);
}

static int take_scalar(struct walk *w)
{
	switch (w->text[w->i]) {
	case '"':
		return take_string(w);
	case 't':
		return take_literal(w, SPAN_LITERAL("true"), JSON_TRUE);
	case 'f':
		return take_literal(w, SPAN_LITERAL("false"), JSON_FALSE);
	case 'n':
		return take_literal(w, SPAN_LITERAL("null"), JSON_NULL);
	case 'N':
		return take_literal(w, SPAN_LITERAL("NaN"), JSON_NUMBER);
	case 'I':
		return take_literal(w, SPAN_LITERAL("Infinity"), JSON_NUMBER);
	case '-':
	case '0' ... '9':
		return take_number(w);
	}
	return refuse(w, "not a value");
}

static int open_container(struct walk *w, enum json_type type)
{
	if (w->depth == JSON_DEPTH_MAX)
		return refuse(w, "nested too deeply");
	w->open[w->depth++] = (uint32_t)w->d->count;
	if (!add(w, type, w->i, 0, false))
		return no_memory(w);
	w->i++;
	return 0;
}

static void close_container(struct walk *w)
{
	struct json_node *n = &w->d->nodes[w->open[--w->depth]];

	w->i++;
	n->len = (uint32_t)(w->i - n->at);
	n->next = (uint32_t)w->d->count;
}

/** take_name() - "name" and the colon */
static int take_name(struct walk *w)
{
	int r;

	skip_space(w);
	if (w->i == w->len || w->text[w->i] != '"')
		return refuse(w, "the name of a member is missing");
	r = take_string(w);
	if (r < 0)
		return r;
	skip_space(w);
	if (w->i == w->len || w->text[w->i] != ':')
		return refuse(w, "a colon is missing");
	w->i++;
	return 0;
}

/**
 * take_value() - a scalar whole, or the beginning of a container and the name of its first member
 * Return: 1 if an element or a member's value has to follow, 0 at the end of a value.
 */
static inline int take_value(struct walk *w)
{
	uint8_t c, closing;
	int r;

	skip_space(w);
	if (w->i == w->len)
		return refuse(w, "");
	c = w->text[w->i];
	if (c != '[' && c != '{')
		return take_scalar(w);
	closing = c + 2; /* in ASCII for both kinds */
	r = open_container(w, c == '[' ? JSON_ARRAY : JSON_OBJECT);
	if (r < 0)
		return r;
	skip_space(w);
	if (w->i < w->len && w->text[w->i] == closing) {
		close_container(w);
		return 0;
	}
	if (c == '{') {
		r = take_name(w);
		if (r < 0)
			return r;
	}
	w->d->nodes[w->open[w->depth - 1]].count++;
	return 1;
}

/** after_value() - commas and brackets: 1 if a value has to follow, 0 at the end of the whole */
static inline int after_value(struct walk *w)
{
	while (w->depth > 0) {
		struct json_node *n = &w->d->nodes[w->open[w->depth - 1]];
		bool array = n->type == JSON_ARRAY;
		uint8_t c;
		int r;

		skip_space(w);
		if (w->i == w->len)
			return refuse(w, "");
		c = w->text[w->i];
		if (c == ',') {
			n->count++;
			w->i++;
			if (array)
				return 1;
			r = take_name(w);
			return r < 0 ? r : 1;
		}
		if (c != (array ? ']' : '}'))
			return refuse(w, array ? "a comma or ] is missing" : "a comma or } is missing");
		close_container(w);
	}
	return 0;
}

static int take_document(struct walk *w)
{
	int r;

	take_word(w, SPAN_LITERAL("\xef\xbb\xbf"));
	do {
		do
			r = take_value(w);
		while (r > 0);
		if (r == 0)
			r = after_value(w);
	} while (r > 0);
	if (r < 0)
		return r;
	skip_space(w);
	return w->i == w->len ? 0 : refuse(w, "something follows the value");
}

int json_doc_parse(struct json_doc *d, struct span text)
{
	struct walk w = { .d = d, .text = text.at, .len = text.len };
	int r;

	d->text = text;
	d->count = 0;
	d->error = NULL;
	d->error_at = 0;
	d->refused = false;
	if (d->cap > NODES_KEPT && d->cap / 8 > text.len)
		give_back(d);
	if (text.len >= UINT32_MAX) {
		d->error = "longer than 4 GiB";
		return -EFBIG;
	}
	r = take_document(&w);
	if (r < 0)
		d->count = 0;
	return r == -ENOMEM && d->refused ? -EFBIG : r;
}

void json_doc_deinit(struct json_doc *d)
{
	give_back(d);
	*d = (struct json_doc){ .memory = d->memory };
}

static uint32_t hex4(const uint8_t *at)
{
	uint32_t x = 0;

	for (int i = 0; i < 4; i++)
		x = x << 4 | (uint32_t)(at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10);
	return x;
}

static size_t write_utf8(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/** take_unicode() - \uXXXX, or two of them that are a pair of surrogates (RFC 8259, section 7) */
static size_t take_unicode(struct span *in, uint8_t out[4])
{
	struct span hex;
	uint32_t c, low;

	if (!span_take(in, 4, &hex))
		return 0;
	c = hex4(hex.at);
	if (c >= 0xd800 && c < 0xdc00 && in->len >= 6 && in->at[0] == '\\' && in->at[1] == 'u') {
		low = hex4(in->at + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			span_skip(in, 6);
			return write_utf8(0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00)), out);
		}
	}
	return write_utf8(c >= 0xd800 && c < 0xe000 ? 0xfffd : c, out);
}

/** next_part() - the bytes that the front of an escaped string says: one escape, or all up to the next one */
static bool next_part(struct span *in, uint8_t escape[4], struct span *out)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	const uint8_t *slash;
	const char *letter;
	uint8_t c;

	if (in->len == 0)
		return false;
	slash = memchr(in->at, '\\', in->len);
	if (slash != in->at)
		return span_take(in, slash ? (size_t)(slash - in->at) : in->len, out);
	span_skip(in, 1);
	if (!span_u8(in, &c))
		return false;
	if (c == 'u') {
		*out = span_of(escape, take_unicode(in, escape));
		return true;
	}
	letter = strchr(letters, c);
	escape[0] = c && letter ? (uint8_t)meanings[letter - letters] : c;
	*out = span_of(escape, 1);
	return true;
}

void json_unescape(struct span text, struct buffer *out)
{
	struct span part;
	uint8_t escape[4];

	while (next_part(&text, escape, &part))
		buffer_add_span(out, part);
}

void json_doc_unescape(const struct json_doc *d, uint32_t node, struct buffer *out)
{
	json_unescape(json_doc_text(d, node), out);
}

bool json_doc_says(const struct json_doc *d, uint32_t node, struct span what)
{
	struct span text = json_doc_text(d, node), part, front;
	uint8_t escape[4];

	if (!d->nodes[node].escaped)
		return span_equal(text, what);
	while (next_part(&text, escape, &part))
		if (!span_take(&what, part.len, &front) || !span_equal(front, part))
			return false;
	return what.len == 0;
}

uint32_t json_doc_member(const struct json_doc *d, uint32_t node, struct span name)
{
	uint32_t found = 0;

	if (node >= d->count || d->nodes[node].type != JSON_OBJECT)
		return 0;
	for (uint32_t i = node + 1; i < d->nodes[node].next; i = d->nodes[i + 1].next)
		if (json_doc_says(d, i, name))
			found = i + 1;
	return found;
}

double json_doc_double(const struct json_doc *d, uint32_t node)
{
	return d->nodes[node].type == JSON_NUMBER ? decimal_double(json_doc_text(d, node)) : (double)NAN;
}

bool json_doc_uint(const struct json_doc *d, uint32_t node, uint64_t *out)
{
	struct span text = json_doc_text(d, node);
	uint64_t n = 0;
	uint8_t c;

	if (d->nodes[node].type != JSON_NUMBER)
		return false;
	while (span_u8(&text, &c))
		if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(c - '0'), &n))
			return false;
	*out = n;
	return true;
}
