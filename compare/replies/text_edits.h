/*
 * text_edits.h - how far one text is from another: the edit distance of Levenshtein, in bytes
 *
 * By bit vectors (Myers 1999, in blocks as Hyyro 2003 has them): 64 cells of the matrix a step. Texts that are long and
 * differ everywhere would still take milliseconds, so only their beginnings are looked at.
 */
#ifndef COMPARE_TEXT_EDITS_H
#define COMPARE_TEXT_EDITS_H

#include <stdint.h>

#include "base/span.h"

#define TEXT_EDITS_MAX 4096 /* bytes of each text, behind what both begin with */

/** struct text_edits - scratch of 130 KiB, used again from pair to pair; zero before the first */
struct text_edits {
	uint64_t equal[256][TEXT_EDITS_MAX / 64]; /* where in the text this byte stands; zero between two calls */
	uint64_t above[TEXT_EDITS_MAX / 64], below[TEXT_EDITS_MAX / 64];
};

/**
 * text_edits() - bytes to insert, delete or replace that make @b of @a
 * @of: the bytes of the longer text that were looked at; the result is at most that
 */
uint64_t text_edits(struct text_edits *e, struct span a, struct span b, uint64_t *of);

#endif
