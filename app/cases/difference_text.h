/*
 * difference_text.h - what came of comparing one pair, for people and for machines
 */
#ifndef APP_CASES_DIFFERENCE_TEXT_H
#define APP_CASES_DIFFERENCE_TEXT_H

#include "base/buffer.h"
#include "compare/comparison.h"

/** difference_text() - lines: the verdict, then path by path what production and the shadow say there */
void difference_text(const struct comparison *c, struct buffer *out);

/** difference_json() - the same as one JSON object, with its newline */
void difference_json(const struct comparison *c, struct buffer *out);

#endif
