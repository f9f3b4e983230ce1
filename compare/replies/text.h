/*
 * text.h - bodies that are compared as they are: texts, and bytes without a format
 */
#ifndef COMPARE_TEXT_H
#define COMPARE_TEXT_H

#include <stdint.h>

#include "base/digest.h"
#include "base/span.h"
#include "compare/findings.h"

/** text_common_prefix() - bytes that both begin with; never part of a UTF-8 sequence */
uint64_t text_common_prefix(struct span production, struct span shadow);

/** text_compare() - exactly; where they differ both sides are shown from shortly before the first difference */
void text_compare(struct collector *c, struct span production, struct span shadow);

/** bytes_compare() - exactly; shown are length and digest; -ENOMEM if @d refuses */
int bytes_compare(struct collector *c, struct digest *d, struct span production, struct span shadow);

#endif
