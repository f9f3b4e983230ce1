/*
 * contrast.c - see contrast.h; counting
 *
 * Theory of operation. A feature is found by a keyed hash of its name and aspect. Cells of numbers are in the
 * order in which they came, so that rows can name them; when a 33rd code comes, codes lose their last bit, and
 * neighbours become one, until there are 32. The width in the end is the least at which all codes that ever came fit,
 * whatever their order: that is why merging is exact.
 */
#include "compare/tally/contrast.h"

#include <stdlib.h>
#include <string.h>

#include "compare/tally/examples.h"
#include "compare/tally/contrast_state.h"

/* The same on every tap, or reports could not be added. */
static const struct hash_key text_key = { 0x7368616477746170, 0x736c69636573 };

uint64_t contrast_lot(uint64_t id)
{
	return hash_bytes(&text_key, &id, sizeof(id));
}

/* Of what is not to be shown so little is kept that it may have been thousands of others: all networks can be tried. */
static uint32_t text_hash(struct span text, bool is_shown)
{
	uint64_t hash = hash_bytes(&text_key, text.at, text.len);

	return is_shown ? (uint32_t)hash : (uint32_t)hash % HIDDEN_HASHES;
}

struct contrast *contrast_new(bool shows_texts)
{
	struct contrast *e = calloc(1, sizeof(*e));

	if (e) {
		e->hash = hash_key_random();
		e->shows_texts = shows_texts;
	}
	return e;
}

void contrast_free(struct contrast *e)
{
	for (size_t i = 0; e && i < e->count; i++)
		free(e->at[i].shown);
	free(e);
}

/* ---- features and their cells ---- */

static bool is_feature(const struct feature *f, struct span name, enum feature_aspect aspect)
{
	return f->aspect == aspect && span_equal(span_str(f->name), name);
}

struct feature *contrast_feature(struct contrast *e, struct span name, enum feature_aspect aspect)
{
	size_t at = (size_t)(hash_bytes(&e->hash, name.at, name.len) + aspect * 0x9e3779b97f4a7c15u) % PLACES;
	struct feature *f;

	for (; e->index[at]; at = (at + 1) % PLACES)
		if (is_feature(&e->at[e->index[at] - 1], name, aspect))
			return &e->at[e->index[at] - 1];
	if (e->count == FEATURES_MAX || name.len >= FEATURE_NAME_MAX)
		return NULL;
	f = &e->at[e->count];
	e->index[at] = (uint16_t)++e->count;
	memcpy(f->name, name.at, name.len);
	f->aspect = (uint8_t)aspect;
	f->is_whole = true;
	return f;
}

static uint8_t find_code(const struct feature *f, int code)
{
	for (uint8_t c = 0; c < f->count; c++)
		if (f->code[c] == code)
			return c;
	return CELL_NONE;
}

static void add_to_cell(struct feature *f, uint8_t cell, uint32_t pairs, uint32_t mismatches)
{
	f->pairs[cell] += pairs;
	f->mismatches[cell] += mismatches;
}

/** widen() - each cell twice as wide */
static void widen(struct contrast *e, struct feature *f)
{
	struct feature narrow = *f;
	uint8_t now[CONTRAST_CELLS];
	size_t place = (size_t)(f - e->at);

	f->shift++;
	f->count = 0;
	memset(f->pairs, 0, sizeof(f->pairs));
	memset(f->mismatches, 0, sizeof(f->mismatches));
	for (uint8_t c = 0; c < narrow.count; c++) {
		int code = narrow.code[c] >> 1;

		now[c] = find_code(f, code);
		if (now[c] == CELL_NONE) {
			now[c] = f->count++;
			f->code[now[c]] = (int16_t)code;
		}
		add_to_cell(f, now[c], narrow.pairs[c], narrow.mismatches[c]);
	}
	for (size_t r = 0; r < e->row_count; r++)
		if (e->rows[r].cell[place] < narrow.count)
			e->rows[r].cell[place] = now[e->rows[r].cell[place]];
}

uint8_t contrast_number_cell(struct contrast *e, struct feature *f, int code)
{
	for (;;) {
		uint8_t c = find_code(f, code >> f->shift);

		if (c != CELL_NONE)
			return c;
		if (f->count < CONTRAST_CELLS) {
			f->code[f->count] = (int16_t)(code >> f->shift);
			return f->count++;
		}
		widen(e, f);
	}
}

uint8_t contrast_value_cell(struct feature *f, uint32_t text)
{
	for (uint8_t c = 0; c < f->count; c++)
		if (f->text[c] == text)
			return c;
	if (f->count == CONTRAST_VALUES)
		return (uint8_t)(CONTRAST_VALUES + text % CONTRAST_GROUPS);
	f->text[f->count] = text;
	return f->count++;
}

void contrast_show(struct contrast *e, struct feature *f, uint8_t cell, struct span text)
{
	if (cell >= CONTRAST_VALUES || (f->shown && f->shown[cell][0]))
		return;
	if (!f->shown && e->shown_count < TEXTS_MAX) {
		f->shown = calloc(CONTRAST_VALUES, sizeof(*f->shown));
		e->shown_count += f->shown != NULL;
	}
	if (f->shown)
		example_text(f->shown[cell], sizeof(f->shown[cell]), text);
}

static uint8_t cell_of(struct contrast *e, struct feature *f, const struct feature_value *v)
{
	bool is_shown = v->is_open || e->shows_texts;
	uint8_t known = f->count, cell;

	if (v->aspect != FEATURE_VALUE) {
		f->is_whole = f->is_whole && v->is_whole;
		return contrast_number_cell(e, f, v->code);
	}
	cell = contrast_value_cell(f, text_hash(v->text, is_shown));
	if (cell == known && is_shown)
		contrast_show(e, f, cell, v->text);
	return cell;
}

/* ---- rows ---- */

static struct row *last_row(struct contrast *e)
{
	struct row *last = &e->rows[0];

	for (size_t r = 1; r < e->row_count; r++)
		if (e->rows[r].lot > last->lot)
			last = &e->rows[r];
	return last;
}

struct row *contrast_row(struct contrast *e, uint64_t id)
{
	uint64_t lot = contrast_lot(id);
	struct row *row;

	for (size_t r = 0; r < e->row_count; r++)
		if (e->rows[r].id == id) /* the same request again, as --loop sends it */
			return NULL;
	if (e->row_count < CONTRAST_ROWS) {
		row = &e->rows[e->row_count++];
	} else {
		row = last_row(e);
		if (row->lot < lot)
			return NULL;
	}
	row->id = id;
	row->lot = lot;
	memset(row->cell, CELL_NONE, sizeof(row->cell));
	return row;
}

/* ---- a pair ---- */

void contrast_add(struct contrast *e, const struct feature_value *features, size_t count, uint64_t id, bool is_mismatch)
{
	struct row *row;

	if (e->all.pairs == UINT32_MAX)
		return;
	e->all.pairs++;
	e->all.mismatches += is_mismatch;
	row = is_mismatch ? contrast_row(e, id) : NULL;
	for (size_t i = 0; i < count; i++) {
		struct feature *f = contrast_feature(e, features[i].name, features[i].aspect);
		uint8_t cell;

		if (!f) {
			e->refused++;
			continue;
		}
		if (f->last == e->all.pairs) /* a member that comes twice */
			continue;
		f->last = e->all.pairs;
		cell = cell_of(e, f, &features[i]);
		add_to_cell(f, cell, 1, is_mismatch);
		if (row)
			row->cell[f - e->at] = cell;
	}
}

/* ---- merging ---- */

static void merge_cells(struct contrast *into, struct feature *f, const struct feature *from)
{
	while (f->shift < from->shift)
		widen(into, f);
	for (uint8_t c = 0; c < CONTRAST_CELLS; c++) {
		uint8_t cell = c;

		if (from->pairs[c] == 0)
			continue;
		if (from->aspect != FEATURE_VALUE)
			cell = contrast_number_cell(into, f, from->code[c] * (1 << from->shift));
		else if (c < CONTRAST_VALUES)
			cell = contrast_value_cell(f, from->text[c]);
		if (from->shown && c < CONTRAST_VALUES && from->shown[c][0])
			contrast_show(into, f, cell, span_str(from->shown[c]));
		add_to_cell(f, cell, from->pairs[c], from->mismatches[c]);
	}
	f->is_whole = f->is_whole && from->is_whole;
}

/** cell_there() - the cell of @f that has what is in cell @c of @from */
static uint8_t cell_there(const struct feature *f, const struct feature *from, uint8_t c)
{
	if (c == CELL_NONE || (from->aspect == FEATURE_VALUE && c >= CONTRAST_VALUES))
		return c;
	if (from->aspect != FEATURE_VALUE)
		return find_code(f, from->code[c] >> (f->shift - from->shift));
	for (uint8_t i = 0; i < f->count; i++)
		if (f->text[i] == from->text[c])
			return i;
	return (uint8_t)(CONTRAST_VALUES + from->text[c] % CONTRAST_GROUPS);
}

static uint64_t pairs_with(const struct feature *f)
{
	uint64_t sum = 0;

	for (uint8_t c = 0; c < CONTRAST_CELLS; c++)
		sum += f->pairs[c];
	return sum;
}

/** not_told() - of the pairs of @from it isn't known whether they have @f */
static void not_told(struct feature *f, struct counts from)
{
	f->unseen.pairs += from.pairs;
	f->unseen.mismatches += from.mismatches;
}

void contrast_merge(struct contrast *into, const struct contrast *from)
{
	const struct feature *theirs[FEATURES_MAX] = { NULL }; /* by the places of @into */

	if ((uint64_t)into->all.pairs + from->all.pairs > UINT32_MAX)
		return;
	for (size_t i = 0; i < from->count; i++) {
		const struct feature *other = &from->at[i];
		size_t known = into->count;
		struct feature *f = contrast_feature(into, span_str(other->name), (enum feature_aspect)other->aspect);

		if (!f) {
			into->refused += pairs_with(other);
			continue;
		}
		if (into->count > known && into->refused > 0)
			not_told(f, into->all);
		theirs[f - into->at] = other;
		merge_cells(into, f, other);
		not_told(f, other->unseen);
	}
	for (size_t i = 0; i < into->count && from->refused > 0; i++)
		if (!theirs[i])
			not_told(&into->at[i], from->all);
	for (size_t r = 0; r < from->row_count; r++) {
		struct row *row = contrast_row(into, from->rows[r].id);

		for (size_t i = 0; row && i < into->count; i++)
			if (theirs[i])
				row->cell[i] = cell_there(&into->at[i], theirs[i], from->rows[r].cell[theirs[i] - from->at]);
	}
	into->all.pairs += from->all.pairs;
	into->all.mismatches += from->all.mismatches;
	into->refused += from->refused;
}
