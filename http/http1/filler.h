/*
 * filler.h - bytes that stand for those of a gap
 */
#ifndef HTTP_HTTP1_FILLER_H
#define HTTP_HTTP1_FILLER_H

#include <stdint.h>

#include "base/span.h"

/** filler() - not more than @left bytes, never empty unless that is 0; static */
struct span filler(uint64_t left);

#endif
