/*
 * request_features_body.c - the features of a request's body in JSON
 *
 * Theory of operation. One walk over the first bytes (json_scan.h), with the JSON pointer of the place at hand. A name
 * that has no room there is stepped over, with all that is in it. The walk ends where the bytes end, at a value too
 * many, or where the text is no JSON; lists that are open then, and the text at hand, count as longer than any.
 *
 * A list that begins with numbers is read as one: up to FEATURE_INDICES of them are features of their own, as
 * the dimensions of a shape are. Of more only least, greatest and zeros count, of the first NUMBERS_WHOLE and
 * then of each NUMBERS_STEP-th or so: an image has thousands, and reading a number costs ten times as much as stepping over it.
 */
#include <math.h>

#include "base/decimal.h"
#include "base/json_doc.h"
#include "base/json_scan.h"
#include "compare/tally/request_features_impl.h"

#define NUMBERS_WHOLE 128
#define NUMBERS_STEP  8

struct body_reader {
	struct features *f;
	struct json_scan scan;
	unsigned nodes, depth;
	struct feature_path path;
};

/** struct numbers - of a list */
struct numbers {
	double first[FEATURE_INDICES], least, greatest;
	uint64_t seen, zeros;
};

static bool read_value(struct body_reader *r);

static struct span name_here(struct body_reader *r)
{
	return features_at(r->f, &r->path);
}

/** one_more() - false: too many values were looked at */
static bool one_more(struct body_reader *r)
{
	return ++r->nodes <= FEATURE_NODES_MAX;
}

/* ---- the pointer ---- */

/** step_into() - a member called @name; false, and nothing changes, if there is no room */
static bool step_into(struct body_reader *r, struct span name)
{
	return r->depth < FEATURE_DEPTH_MAX && feature_path_add(&r->path, name);
}

static bool step_into_key(struct body_reader *r, const struct json_scan_string *key)
{
	struct buffer said = { 0 };
	bool fits;

	if (key->text.len >= 6 * sizeof(r->path.text)) /* no escape is longer for a byte */
		return false;
	if (!key->escaped)
		return step_into(r, key->text);
	json_unescape(key->text, &said);
	fits = buffer_ok(&said) && step_into(r, buffer_span(&said));
	buffer_deinit(&said);
	return fits;
}

static bool step_into_index(struct body_reader *r, uint64_t index)
{
	const uint8_t digit = (uint8_t)('0' + index);

	return index < FEATURE_INDICES && step_into(r, span_of(&digit, 1));
}

/* ---- values ---- */

/* @is_open: it is a word of JSON, and nobody's */
static void put_text(struct features *f, struct span name, struct span text, bool is_open)
{
	features_put(f, (struct feature_value){ .name = name, .aspect = FEATURE_VALUE, .text = text, .is_open = is_open });
}

/** put_unescaped() - what a short text says, which is never longer than how it is written */
static void put_unescaped(struct features *f, struct span name, struct span text)
{
	size_t from = f->texts.len;

	if (f->texts.cap - from < text.len) /* what was made before must not move */
		return;
	json_unescape(text, &f->texts);
	put_text(f, name, span_of(f->texts.bytes + from, f->texts.len - from), false);
}

static bool read_string(struct body_reader *r)
{
	struct json_scan_string s;
	struct span name = name_here(r);

	if (!json_scan_string(&r->scan, &s)) {
		features_number(r->f, name, FEATURE_BYTES, INFINITY);
		return false;
	}
	if (!s.escaped || s.text.len > FEATURE_TEXT_MAX) {
		features_text(r->f, name, s.text);
		return true;
	}
	features_number(r->f, name, FEATURE_BYTES, (double)s.text.len);
	put_unescaped(r->f, name, s.text);
	return true;
}

static bool is_number(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || c == '-';
}

static double number_of(struct span text)
{
	struct decimal d = decimal_read(text);
	double x;

	return decimal_estimate(&d, &x) ? x : decimal_double(text);
}

static bool is_json_word(struct span word)
{
	static const char *const words[] = { "true", "false", "null", "NaN", "Infinity" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_equal(word, span_str(words[i])))
			return true;
	return false;
}

static bool read_word(struct body_reader *r)
{
	bool numeric = is_number(json_scan_peek(&r->scan));
	struct span word;

	if (!json_scan_word(&r->scan, &word))
		return false;
	if (numeric)
		features_number(r->f, name_here(r), FEATURE_NUMBER, number_of(word));
	else if (is_json_word(word))
		put_text(r->f, name_here(r), word, true);
	else
		return false;
	return true;
}

static bool read_members(struct body_reader *r)
{
	struct json_scan_string key;

	if (json_scan_take(&r->scan, '}'))
		return true;
	do {
		size_t before = r->path.len;

		if (!json_scan_string(&r->scan, &key) || !json_scan_take(&r->scan, ':'))
			return false;
		if (!(step_into_key(r, &key) ? read_value(r) : json_scan_skip(&r->scan)))
			return false;
		r->path.len = before;
	} while (json_scan_take(&r->scan, ','));
	return json_scan_take(&r->scan, '}');
}

/* ---- lists ---- */

static void add_number(struct numbers *n, double x)
{
	n->least = n->seen == 0 ? x : fmin(n->least, x);
	n->greatest = n->seen == 0 ? x : fmax(n->greatest, x);
	n->zeros += x == 0;
	n->seen++;
}

/** read_number() - the @index-th of a list, which counts */
static bool read_number(struct body_reader *r, struct numbers *n, uint64_t index)
{
	struct span word;
	double x;

	if (!json_scan_word(&r->scan, &word))
		return false;
	x = number_of(word);
	add_number(n, x);
	if (index < FEATURE_INDICES)
		n->first[index] = x;
	return one_more(r);
}

static void put_first(struct body_reader *r, const struct numbers *n)
{
	size_t before = r->path.len;

	for (uint64_t i = 0; i < n->seen && step_into_index(r, i); i++) {
		features_number(r->f, name_here(r), FEATURE_NUMBER, n->first[i]);
		r->path.len = before;
	}
}

/** read_numbers() - those that the list begins with; @count: out, how many; false: the walk ends in it */
static bool read_numbers(struct body_reader *r, struct numbers *n, uint64_t *count)
{
	while (is_number(json_scan_peek(&r->scan))) {
		if (!read_number(r, n, *count))
			return false;
		++*count;
		if (!json_scan_take(&r->scan, ','))
			break;
		if (*count >= NUMBERS_WHOLE)
			*count += json_scan_numbers(&r->scan, NUMBERS_STEP - 1);
	}
	return true;
}

static bool read_element(struct body_reader *r, uint64_t index)
{
	size_t before = r->path.len;
	bool goes_on = step_into_index(r, index) ? read_value(r) : json_scan_skip(&r->scan);

	r->path.len = before;
	return goes_on;
}

/** read_elements() - of a list that is open; @count: out, how many; false: the walk ends in it */
static bool read_elements(struct body_reader *r, uint64_t *count)
{
	struct span list = span_of(NULL, 0);
	struct numbers n = { .seen = 0 };
	bool goes_on = read_numbers(r, &n, count);

	if (*count > FEATURE_INDICES && (!goes_on || json_scan_peek(&r->scan) == ']')) {
		list = name_here(r);
		features_number(r->f, list, FEATURE_LEAST, n.least);
		features_number(r->f, list, FEATURE_GREATEST, n.greatest);
		features_number(r->f, list, FEATURE_ZEROS, (double)n.zeros / (double)n.seen);
	} else {
		put_first(r, &n);
	}
	if (!goes_on)
		return false;
	if (json_scan_take(&r->scan, ']'))
		return true;
	do {
		if (!read_element(r, *count))
			return false;
		++*count;
	} while (json_scan_take(&r->scan, ','));
	return json_scan_take(&r->scan, ']');
}

static bool read_list(struct body_reader *r)
{
	uint64_t count = 0;
	struct span name = name_here(r);
	bool goes_on = read_elements(r, &count);

	features_number(r->f, name, FEATURE_ELEMENTS, goes_on ? (double)count : INFINITY);
	return goes_on;
}

static bool read_container(struct body_reader *r)
{
	bool goes_on;

	r->depth++;
	goes_on = json_scan_take(&r->scan, '{') ? read_members(r) : json_scan_take(&r->scan, '[') && read_list(r);
	r->depth--;
	return goes_on;
}

/** read_value() - at the path at hand; false: the walk ends here. As deep as paths are, FEATURE_DEPTH_MAX */
static bool read_value(struct body_reader *r)
{
	if (!one_more(r))
		return false;
	switch (json_scan_peek(&r->scan)) {
	case '{':
	case '[':
		return read_container(r);
	case '"':
		return read_string(r);
	default:
		return read_word(r);
	}
}

void features_body(struct features *f, struct span body)
{
	struct body_reader r = { .f = f };

	span_truncate(&body, FEATURE_BODY_MAX);
	if (span_starts(body, SPAN_LITERAL("\xef\xbb\xbf")))
		span_skip(&body, 3);
	r.scan.text = body;
	read_value(&r);
}
