/*
 * edit_distance.h - how far a mistyped word is from the right one, for "did you mean ...?"
 *
 * The optimal string alignment distance: the fewest letters that are changed,
 * added, left out or swapped with their neighbour, where no letter is touched
 * twice. That is Levenshtein's distance with Damerau's swap ("A technique for
 * computer detection and correction of spelling errors", 1964): the slips that
 * fingers make.
 */
#ifndef BASE_EDIT_DISTANCE_H
#define BASE_EDIT_DISTANCE_H

#include <stddef.h>
#include <stdint.h> /* SIZE_MAX */

#include "base/span.h"

/** EDIT_DISTANCE_MAX - longest word in bytes that is compared: a longer one is no slip of the finger */
#define EDIT_DISTANCE_MAX 32

/**
 * edit_distance() - edits that turn @a into @b, or @b into @a; letters are bytes
 * Return: 0 if they are equal, at most the length of the longer one; SIZE_MAX if that is above EDIT_DISTANCE_MAX.
 */
size_t edit_distance(struct span a, struct span b);

#endif
