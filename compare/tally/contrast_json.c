/*
 * contrast_json.c - see contrast.h; written and read
 *
 * Features are written by name, cells by their code or hash, rows by their lots, and a row as one character for
 * each feature: what is written depends on the counts alone, not on the order in which they came. What is
 * read may come from anywhere: counts that don't fit together are refused, names that no feature has are passed over.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/contrast.h"
#include "compare/tally/contrast_state.h"

#define CELL_DIGITS "0123456789abcdefghijklmnopqrstuv"
#define CELL_ABSENT '.'

_Static_assert(sizeof(CELL_DIGITS) - 1 == CONTRAST_CELLS, "a digit for each cell");

/* ---- what was found ---- */

static void number_or_null(struct json *j, const char *name, double x)
{
	json_key(j, name);
	json_double(j, x); /* null if infinite */
}

static void hash_text(struct json *j, uint64_t hash, size_t bytes)
{
	uint8_t big[8];

	for (size_t i = 0; i < bytes; i++)
		big[i] = (uint8_t)(hash >> (8 * (bytes - 1 - i)));
	json_hex(j, big, bytes);
}

static void explained_json(struct json *j, const struct explained *x)
{
	struct buffer where = { 0 };

	contrast_where(x, &where);
	json_open(j, '{');
	json_key(j, "where");
	json_text(j, buffer_span(&where));
	buffer_deinit(&where);
	json_key(j, "at");
	json_text(j, x->name);
	json_key(j, "aspect");
	json_str(j, feature_aspect_name(x->aspect));
	number_or_null(j, "above", x->kind == EXPLAINED_BETWEEN ? x->above : (double)NAN);
	number_or_null(j, "at_most", x->kind == EXPLAINED_BETWEEN ? x->at_most : (double)NAN);
	json_count(j, "pairs", x->pairs);
	json_count(j, "mismatch", x->mismatches);
	number_or_null(j, "rate", (double)x->mismatches / (double)x->pairs);
	json_count(j, "other_pairs", x->other_pairs);
	json_count(j, "other_mismatch", x->other_mismatches);
	number_or_null(j, "other_rate", (double)x->other_mismatches / (double)x->other_pairs);
	number_or_null(j, "ratio", x->ratio);
	number_or_null(j, "ratio_low", x->ratio_low);
	number_or_null(j, "p", x->p);
	json_key(j, "examples");
	json_open(j, '[');
	for (size_t i = 0; i < x->example_count; i++)
		hash_text(j, x->examples[i], 8);
	json_close(j, ']');
	json_close(j, '}');
}

/* ---- the data ---- */

static int by_name(const void *a, const void *b)
{
	const struct feature *x = *(const struct feature *const *)a, *y = *(const struct feature *const *)b;
	int names = strcmp(x->name, y->name);

	return names ? names : (x->aspect > y->aspect) - (x->aspect < y->aspect);
}

static int by_lot(const void *a, const void *b)
{
	const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;

	return (x->lot > y->lot) - (x->lot < y->lot);
}

static bool is_after(const struct feature *f, uint8_t a, uint8_t b)
{
	return f->aspect == FEATURE_VALUE ? f->text[a] > f->text[b] : f->code[a] > f->code[b];
}

/** cell_order() - the cells that have an order; returns how many. Groups stay where they are */
static uint8_t cell_order(const struct feature *f, uint8_t cells[CONTRAST_CELLS])
{
	for (uint8_t c = 0; c < f->count; c++) {
		uint8_t at = c;

		for (; at > 0 && is_after(f, cells[at - 1], c); at--)
			cells[at] = cells[at - 1];
		cells[at] = c;
	}
	return f->count;
}

static void cell_json(struct json *j, const struct feature *f, uint8_t c)
{
	json_open(j, '[');
	if (f->aspect != FEATURE_VALUE)
		json_int(j, f->code[c]);
	else if (c < CONTRAST_VALUES)
		hash_text(j, f->text[c], 4);
	else
		json_int(j, c - CONTRAST_VALUES);
	json_uint(j, f->pairs[c]);
	json_uint(j, f->mismatches[c]);
	if (c < CONTRAST_VALUES && f->shown && f->shown[c][0])
		json_str(j, f->shown[c]);
	json_close(j, ']');
}

static void feature_json(struct json *j, const struct feature *f)
{
	uint8_t cells[CONTRAST_CELLS], count = cell_order(f, cells);

	json_open(j, '{');
	json_key(j, "at");
	json_str(j, f->name);
	json_key(j, "aspect");
	json_str(j, feature_aspect_name((enum feature_aspect)f->aspect));
	if (f->aspect != FEATURE_VALUE) {
		json_count(j, "shift", f->shift);
		json_key(j, "whole");
		json_bool(j, f->is_whole);
	}
	if (f->unseen.pairs > 0) {
		json_key(j, "unseen");
		json_open(j, '[');
		json_uint(j, f->unseen.pairs);
		json_uint(j, f->unseen.mismatches);
		json_close(j, ']');
	}
	json_key(j, "cells");
	json_open(j, '[');
	for (uint8_t i = 0; i < count; i++)
		cell_json(j, f, cells[i]);
	for (uint8_t c = CONTRAST_VALUES; f->aspect == FEATURE_VALUE && c < CONTRAST_CELLS; c++)
		if (f->pairs[c] > 0)
			cell_json(j, f, c);
	json_close(j, ']');
	json_close(j, '}');
}

/** digit_of() - a cell by its place in order */
static char digit_of(const struct feature *f, uint8_t cell)
{
	uint8_t place = 0;

	if (cell == CELL_NONE)
		return CELL_ABSENT;
	if (f->aspect == FEATURE_VALUE && cell >= CONTRAST_VALUES)
		return CELL_DIGITS[cell];
	for (uint8_t c = 0; c < f->count; c++)
		place += is_after(f, cell, c);
	return CELL_DIGITS[place];
}

static void row_json(struct json *j, const struct contrast *e, const struct feature *const *features, const struct row *row)
{
	char text[FEATURES_MAX];
	size_t len = e->count;

	for (size_t i = 0; i < e->count; i++)
		text[i] = digit_of(features[i], row->cell[features[i] - e->at]);
	while (len > 0 && text[len - 1] == CELL_ABSENT)
		len--;
	json_open(j, '[');
	hash_text(j, row->id, 8);
	json_text(j, span_of(text, len));
	json_close(j, ']');
}

static void features_json(struct json *j, const struct contrast *e)
{
	const struct feature *features[FEATURES_MAX];
	const struct row *rows[CONTRAST_ROWS];

	for (size_t i = 0; i < e->count; i++)
		features[i] = &e->at[i];
	for (size_t r = 0; r < e->row_count; r++)
		rows[r] = &e->rows[r];
	qsort(features, e->count, sizeof(*features), by_name);
	qsort(rows, e->row_count, sizeof(*rows), by_lot);
	json_count(j, "pairs", e->all.pairs);
	json_count(j, "mismatch", e->all.mismatches);
	json_count(j, "refused", e->refused);
	json_key(j, "list");
	json_open(j, '[');
	for (size_t i = 0; i < e->count; i++)
		feature_json(j, features[i]);
	json_close(j, ']');
	json_key(j, "rows");
	json_open(j, '[');
	for (size_t r = 0; r < e->row_count; r++)
		row_json(j, e, features, rows[r]);
	json_close(j, ']');
}

void contrast_json(const struct contrast *e, double effect, struct json *j)
{
	struct explained found[CONTRAST_MOST];
	size_t count = e ? contrast_find(e, effect, found) : 0;

	json_key(j, "explained_by");
	json_open(j, '[');
	for (size_t i = 0; i < count; i++)
		explained_json(j, &found[i]);
	json_close(j, ']');
	json_key(j, "features");
	if (!e) {
		json_null(j);
		return;
	}
	json_open(j, '{');
	features_json(j, e);
	json_close(j, '}');
}

/* ---- read ---- */

struct contrast_reader {
	const struct json_doc *d;
	struct contrast *e;
	struct buffer text;
	struct feature *listed[FEATURES_MAX]; /* in the order of the file; NULL: passed over */
	size_t listed_count;
};

static uint32_t member_of(const struct contrast_reader *r, uint32_t node, const char *name, enum json_type type)
{
	uint32_t at = json_doc_member(r->d, node, span_str(name));

	return at && r->d->nodes[at].type == type ? at : 0;
}

static bool read_count(const struct contrast_reader *r, uint32_t at, uint32_t *out)
{
	uint64_t n;

	if (!at || !json_doc_uint(r->d, at, &n) || n > UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	return true;
}

/** read_counts() - two numbers from @at on */
static bool read_counts(const struct contrast_reader *r, uint32_t at, struct counts *out)
{
	return read_count(r, at, &out->pairs) && read_count(r, r->d->nodes[at].next, &out->mismatches) &&
	       out->mismatches <= out->pairs;
}

static bool is_list_of(const struct contrast_reader *r, uint32_t at, uint32_t least, uint32_t most)
{
	const struct json_node *n = &r->d->nodes[at];

	return n->type == JSON_ARRAY && n->count >= least && n->count <= most;
}

static struct span text_of(struct contrast_reader *r, uint32_t at)
{
	buffer_clear(&r->text);
	if (at && r->d->nodes[at].type == JSON_STRING)
		json_doc_unescape(r->d, at, &r->text);
	return buffer_span(&r->text);
}

static int hex_digit(uint8_t c)
{
	if ((uint8_t)(c - '0') < 10)
		return c - '0';
	return (uint8_t)(c - 'a') < 6 ? c - 'a' + 10 : -1;
}

static bool read_hash(struct contrast_reader *r, uint32_t at, size_t digits, uint64_t *out)
{
	struct span text = text_of(r, at);

	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		int digit = hex_digit(text.at[i]);

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	return text.len == digits;
}

static int aspect_of(struct contrast_reader *r, uint32_t at)
{
	struct span name = text_of(r, at);

	for (int a = 0; a < FEATURE_ASPECT_COUNT; a++)
		if (span_equal(name, span_str(feature_aspect_name((enum feature_aspect)a))))
			return a;
	return -1;
}

static bool is_number(const struct contrast_reader *r, uint32_t at)
{
	return r->d->nodes[at].type == JSON_NUMBER;
}

/** read_code() - of a cell of numbers that is 2^@shift codes wide, as a code in it */
static bool read_code(const struct contrast_reader *r, uint32_t at, uint8_t shift, int *out)
{
	double code = json_doc_double(r->d, at);

	if (!is_number(r, at) || !(fabs(code) <= 2 * FEATURE_CODE_TOP) || code != floor(code))
		return false;
	*out = (int)code * (1 << shift);
	return *out >= -FEATURE_CODE_TOP - (1 << shift) && *out <= FEATURE_CODE_TOP;
}

/** read_cell() - its place in @f, from the first element of its list; false: it is none */
static bool read_cell(struct contrast_reader *r, struct feature *f, uint32_t at, uint8_t *cell)
{
	uint32_t group;
	uint64_t hash;
	int code;

	if (f->aspect != FEATURE_VALUE) {
		if (!read_code(r, at, f->shift, &code))
			return false;
		*cell = contrast_number_cell(r->e, f, code);
		return true;
	}
	if (is_number(r, at)) {
		if (!read_count(r, at, &group) || group >= CONTRAST_GROUPS)
			return false;
		*cell = (uint8_t)(CONTRAST_VALUES + group);
		return true;
	}
	if (!read_hash(r, at, 8, &hash))
		return false;
	*cell = contrast_value_cell(f, (uint32_t)hash);
	return true;
}

/** add_counts() - to a cell; false: all cells together would have more than there are */
static bool add_counts(struct counts *sum, struct feature *f, uint8_t cell, struct counts n)
{
	if (n.pairs > UINT32_MAX - sum->pairs)
		return false;
	sum->pairs += n.pairs;
	sum->mismatches += n.mismatches;
	f->pairs[cell] += n.pairs;
	f->mismatches[cell] += n.mismatches;
	return true;
}

static bool read_cells(struct contrast_reader *r, struct feature *f, uint32_t list, struct counts *sum)
{
	const struct json_node *nodes = r->d->nodes;

	for (uint32_t at = list + 1; at < nodes[list].next; at = nodes[at].next) {
		struct counts n;
		uint8_t cell;
		uint32_t shown;

		if (!is_list_of(r, at, 3, 4) || !read_cell(r, f, at + 1, &cell) || !read_counts(r, nodes[at + 1].next, &n) ||
		    !add_counts(sum, f, cell, n))
			return false;
		shown = nodes[nodes[nodes[at + 1].next].next].next;
		if (nodes[at].count == 4 && f->aspect == FEATURE_VALUE)
			contrast_show(r->e, f, cell, text_of(r, shown));
	}
	return true;
}

/** read_width() - of the cells of numbers */
static bool read_width(struct contrast_reader *r, uint32_t node, struct feature *f)
{
	uint32_t shift = json_doc_member(r->d, node, SPAN_LITERAL("shift")), width = 0;
	bool whole = member_of(r, node, "whole", JSON_TRUE) != 0;

	if (shift && (!read_count(r, shift, &width) || width > SHIFT_MAX))
		return false;
	f->shift = (uint8_t)width;
	f->is_whole = whole;
	return true;
}

/** read_feature() - the next of the list; false: it cannot be one */
static bool read_feature(struct contrast_reader *r, uint32_t node)
{
	uint32_t unseen = member_of(r, node, "unseen", JSON_ARRAY), cells = member_of(r, node, "cells", JSON_ARRAY);
	int aspect = aspect_of(r, member_of(r, node, "aspect", JSON_STRING));
	struct span name = text_of(r, member_of(r, node, "at", JSON_STRING));
	struct feature **listed = &r->listed[r->listed_count++], *f;
	size_t known = r->e->count;
	struct counts sum = { 0, 0 };

	*listed = NULL;
	if (aspect < 0 || !feature_is_name(name)) /* of another version */
		return true;
	f = contrast_feature(r->e, name, (enum feature_aspect)aspect);
	if (!f || r->e->count == known || !cells) /* the same again: there is one of each */
		return false;
	*listed = f;
	if (!read_width(r, node, f))
		return false;
	if (unseen && (!is_list_of(r, unseen, 2, 2) || !read_counts(r, unseen + 1, &f->unseen)))
		return false;
	sum = f->unseen;
	return read_cells(r, f, cells, &sum) && sum.pairs <= r->e->all.pairs && sum.mismatches <= r->e->all.mismatches &&
	       sum.pairs - sum.mismatches <= r->e->all.pairs - r->e->all.mismatches;
}

/** read_digit() - the cell at a place in the order of the file; CELL_NONE if there is none */
static uint8_t read_digit(const struct feature *f, uint8_t digit)
{
	const char *found = memchr(CELL_DIGITS, digit, CONTRAST_CELLS);
	uint8_t cells[CONTRAST_CELLS], place;

	if (!found)
		return CELL_NONE;
	place = (uint8_t)(found - CELL_DIGITS);
	if (f->aspect == FEATURE_VALUE && place >= CONTRAST_VALUES)
		return place;
	return place < cell_order(f, cells) ? cells[place] : CELL_NONE;
}

static bool read_row(struct contrast_reader *r, uint32_t at)
{
	struct row *row;
	struct span text;
	uint64_t id;

	if (!is_list_of(r, at, 2, 2) || !read_hash(r, at + 1, 16, &id))
		return false;
	row = contrast_row(r->e, id);
	text = text_of(r, r->d->nodes[at + 1].next);
	for (size_t i = 0; row && i < text.len && i < r->listed_count; i++)
		if (r->listed[i])
			row->cell[r->listed[i] - r->e->at] = read_digit(r->listed[i], text.at[i]);
	return true;
}

static bool read_all(struct contrast_reader *r, uint32_t node)
{
	uint32_t list = member_of(r, node, "list", JSON_ARRAY), rows = member_of(r, node, "rows", JSON_ARRAY);
	uint32_t refused = json_doc_member(r->d, node, SPAN_LITERAL("refused"));
	const struct json_node *nodes = r->d->nodes;

	if (!read_count(r, json_doc_member(r->d, node, SPAN_LITERAL("pairs")), &r->e->all.pairs) ||
	    !read_count(r, json_doc_member(r->d, node, SPAN_LITERAL("mismatch")), &r->e->all.mismatches) ||
	    r->e->all.mismatches > r->e->all.pairs)
		return false;
	if (refused && (!json_doc_uint(r->d, refused, &r->e->refused) || r->e->refused > UINT64_C(1) << 53))
		return false;
	if (list && nodes[list].count > FEATURES_MAX)
		return false;
	for (uint32_t at = list + 1; list && at < nodes[list].next; at = nodes[at].next)
		if (!read_feature(r, at))
			return false;
	for (uint32_t at = rows + 1; rows && at < nodes[rows].next; at = nodes[at].next)
		if (!read_row(r, at))
			return false;
	return true;
}

int contrast_read(const struct json_doc *d, uint32_t node, struct contrast **out)
{
	struct contrast_reader r = { .d = d, .e = contrast_new(false) };
	int err = 0;

	*out = NULL;
	if (!r.e)
		return -ENOMEM;
	if (!read_all(&r, node))
		err = -EINVAL;
	else if (!buffer_ok(&r.text))
		err = -ENOMEM;
	buffer_deinit(&r.text);
	if (err == 0)
		*out = r.e;
	else
		contrast_free(r.e);
	return err;
}
