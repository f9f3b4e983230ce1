/*
 * edit_distance.c - see edit_distance.h
 *
 * Wagner and Fischer's table ("The string-to-string correction problem", 1974),
 * row by row: d[j] is the distance between the first i bytes of a and the first
 * j of b. A row needs the one above it, and for a swap the one above that.
 */
#include "base/edit_distance.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t edit_distance(struct span a, struct span b)
{
	size_t rows[3][EDIT_DISTANCE_MAX + 1];

	if (a.len > EDIT_DISTANCE_MAX || b.len > EDIT_DISTANCE_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *d = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		d[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			d[j] = above[j - 1] + (a.at[i - 1] != b.at[j - 1]);
			d[j] = least(d[j], least(above[j], d[j - 1]) + 1);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
				d[j] = least(d[j], two_above[j - 2] + 1);
		}
	}
	return rows[a.len % 3][b.len];
}
