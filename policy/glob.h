/*
 * glob.h - "*" stands for any bytes, also none; everything else for itself
 */
#ifndef POLICY_GLOB_H
#define POLICY_GLOB_H

#include <stdbool.h>

#include "base/span.h"

/** glob_match() - does all of @text match @glob? @nocase: ASCII letters of either case are equal */
bool glob_match(struct span glob, struct span text, bool nocase);

/** glob_is_one() - is there a "*" in it? */
bool glob_is_one(struct span text);

#endif
