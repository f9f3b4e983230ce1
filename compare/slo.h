/*
 * slo.h - --slo: how fast a response has to be to be of use, and which are
 *
 * "first_token < 500ms and gap_p99 < 60ms": terms joined by and, each a time of one response and its limit. A response
 * that keeps all of them is good; the share of good ones is the goodput, as load testers of language models call it.
 */
#ifndef COMPARE_SLO_H
#define COMPARE_SLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "compare/comparison.h"
#include "message/response.h"

#define SLO_TERMS_MAX 8
#define SLO_TEXT      128 /* with the NUL */

/* name, the share of the gaps that has to be within the limit (0: it is no gap) */
#define SLO_TIMES(X)                                                                                         \
	X(FIRST_BYTE,   "first_byte",   0)                                                                   \
	X(TOTAL,        "total",        0)    /* to the last byte */                                         \
	X(FIRST_TOKEN,  "first_token",  0)                                                                   \
	X(SECOND_TOKEN, "second_token", 0)    /* from the first one */                                       \
	X(GAP_P50,      "gap_p50",      0.5)  /* between tokens: half of the gaps are shorter */             \
	X(GAP_P90,      "gap_p90",      0.9)                                                                 \
	X(GAP_P99,      "gap_p99",      0.99)                                                                \
	X(GAP_MAX,      "gap_max",      1)

enum slo_time {
#define X(id, ...) SLO_##id,
	SLO_TIMES(X)
#undef X
	SLO_TIME_COUNT
};

/** struct slo - the zero value asks for nothing */
struct slo {
	struct {
		enum slo_time time;
		bool or_equal;
		int64_t limit_ns;
	} term[SLO_TERMS_MAX];
	size_t term_count;
	char text[SLO_TEXT]; /* as it was written */
};

/** slo_parse() - 0, or -EINVAL (@error: what is wrong, and where) */
int slo_parse(struct span text, struct slo *out, struct buffer *error);

enum slo_met { SLO_MISSED, SLO_MET, SLO_UNKNOWN };

/**
 * slo_meets() - does a whole response keep all terms?
 * @f: of its stream; of one that is none all is unknown
 *
 * MISSED goes before UNKNOWN. A stream of one token has no gaps, so it keeps what is asked of them. Linear in the gaps.
 */
enum slo_met slo_meets(const struct slo *s, const struct response *r, const struct stream_facts *f);

#endif
