/* filler.c - see filler.h */
#include "http/http1/filler.h"

struct span filler(uint64_t left)
{
	static const uint8_t zeros[64 << 10];

	return span_of(zeros, left < sizeof(zeros) ? (size_t)left : sizeof(zeros));
}
