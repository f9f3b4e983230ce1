/*
 * contrast_state.h - the counts behind contrast.h; private to contrast*.c
 *
 *   contrast.c       one pair is counted, another's counts are added
 *   contrast_find.c  which slices stand out; contrast_words.c, what they are in words
 *   contrast_json.c  written, and read back
 */
#ifndef COMPARE_TALLY_CONTRAST_STATE_H
#define COMPARE_TALLY_CONTRAST_STATE_H

#include "base/hash.h"
#include "compare/tally/contrast.h"

#define CELL_NONE    UINT8_MAX
#define VALUE_SHOWN  48                    /* bytes of a text that is shown, with the NUL */
#define TEXTS_MAX    64                    /* features whose texts are kept */
#define PLACES       (2 * FEATURES_MAX)    /* of the index */
#define HIDDEN_HASHES 4096                 /* of texts that are not to be shown; two of 16 have the same one in 3 % of all cases */
#define SHIFT_MAX    10                    /* then all codes are in two cells */

/** struct counts - they fit together: no more mismatches than pairs */
struct counts {
	uint32_t pairs, mismatches;
};

struct feature {
	char name[FEATURE_NAME_MAX];
	uint8_t aspect, count, shift; /* cells in use; of numbers: a cell is 2^shift codes wide */
	bool is_whole;
	uint32_t last;        /* the pair in which it was counted last, so that it is once in each */
	struct counts unseen; /* pairs of other taps, of which it is not known whether they have it */
	union {
		int16_t code[CONTRAST_CELLS];     /* of numbers: >> shift */
		uint32_t text[CONTRAST_VALUES];   /* of VALUE: hashes of those that have a cell of their own */
	};
	uint32_t pairs[CONTRAST_CELLS], mismatches[CONTRAST_CELLS];
	char (*shown)[VALUE_SHOWN]; /* own memory: CONTRAST_VALUES texts, "" where one is not to be shown; or NULL */
};

/** struct row - one mismatch: the cell of each feature */
struct row {
	uint64_t id, lot; /* those with the lowest lots are kept */
	uint8_t cell[FEATURES_MAX];
};

struct contrast {
	struct counts all;
	struct hash_key hash;
	bool shows_texts;
	uint16_t shown_count;
	uint64_t refused; /* values of features that had no place */
	size_t count, row_count;
	uint16_t index[PLACES]; /* feature + 1; 0: free */
	struct feature at[FEATURES_MAX];
	struct row rows[CONTRAST_ROWS];
};

_Static_assert(sizeof(struct contrast) <= CONTRAST_BYTES_MAX, "as promised");
_Static_assert(sizeof(char[TEXTS_MAX][CONTRAST_VALUES][VALUE_SHOWN]) <= CONTRAST_TEXT_BYTES_MAX, "as promised");

/** contrast_feature() - that of @name and @aspect, made if there is room; NULL if there is none */
struct feature *contrast_feature(struct contrast *e, struct span name, enum feature_aspect aspect);

/** contrast_number_cell() - the cell of @code, made if need be; then all may get wider, and rows follow */
uint8_t contrast_number_cell(struct contrast *e, struct feature *f, int code);

/** contrast_value_cell() - the cell of the text with the hash @text, made if there is room, else that of its group */
uint8_t contrast_value_cell(struct feature *f, uint32_t text);

/** contrast_show() - keep what cell @cell says; nothing if there is no room */
void contrast_show(struct contrast *e, struct feature *f, uint8_t cell, struct span text);

/** contrast_row() - the place of a mismatch among the rows, empty; NULL if it is not kept, or is there */
struct row *contrast_row(struct contrast *e, uint64_t id);

/** contrast_lot() - the same on every tap */
uint64_t contrast_lot(uint64_t id);

#endif
