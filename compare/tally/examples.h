/*
 * examples.h - a few pairs of each verdict, to look at
 *
 * Of each verdict but equal the EXAMPLES_WORST gravest are kept, and besides
 * them EXAMPLES_SAMPLED of the rest of the run: those whose ids hash lowest,
 * which is a fair sample that does not depend on the order of the pairs. So
 * the examples of two reports merged are those of one run over both.
 */
#ifndef COMPARE_TALLY_EXAMPLES_H
#define COMPARE_TALLY_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/span.h"
#include "compare/comparison.h"

#define EXAMPLES_WORST       4
#define EXAMPLES_SAMPLED     4
#define EXAMPLES_KEPT        (EXAMPLES_WORST + EXAMPLES_SAMPLED)
#define EXAMPLE_DIFFERENCES  6    /* the first of a pair; the others are counted */
#define EXAMPLE_BODY_MAX     4096 /* bytes of each body */
#define EXAMPLE_TEXT_MAX     160
#define EXAMPLE_SAID_MAX     640  /* bytes of each text, from a little before the two part */
#define EXAMPLE_SAID_BEFORE  160

enum { EXAMPLE_REQUEST, EXAMPLE_PRODUCTION, EXAMPLE_SHADOW, EXAMPLE_BODIES };

struct example_difference {
	enum difference_kind kind;
	char path[EXAMPLE_TEXT_MAX], production[FINDING_TEXT], shadow[FINDING_TEXT];
};

/** struct example_texts - what the two said in words, generated or plain; lengths in bytes */
struct example_texts {
	char *said[2]; /* of production and shadow, from @from on; own memory; NULL: no texts, or not shown */
	uint64_t from, same, same_words, len[2];
};

struct example {
	enum comparison_verdict verdict;
	uint64_t id;
	double severity; /* to be compared within a verdict only */
	char ts[TIME_TEXT_MAX], reason[EXAMPLE_TEXT_MAX], request_path[EXAMPLE_TEXT_MAX];
	int status[2];  /* of production and shadow; 0: none, or not known */
	int64_t us[2];  /* to the last byte of the response; -1: not known */
	struct example_difference difference[EXAMPLE_DIFFERENCES];
	size_t difference_count;
	uint64_t more;  /* differences that are not in the list */
	char *body[EXAMPLE_BODIES]; /* own memory; NULL: not shown */
	struct example_texts texts;
};

struct examples {
	struct example *kept[COMPARISON_COUNT][EXAMPLES_KEPT + 1];
	size_t count[COMPARISON_COUNT];
};

/** examples_want() - would a pair of this verdict, severity and id be kept? */
bool examples_want(const struct examples *e, enum comparison_verdict verdict, double severity, uint64_t id);

/** examples_put() - keep @x, or another instead; taken in any case */
void examples_put(struct examples *e, struct example *x);

/** examples_merge() - 0 or -ENOMEM */
int examples_merge(struct examples *into, const struct examples *from);

/** example_severity() - how grave is it, among those of its verdict? */
double example_severity(const struct comparison *c);

/** example_text() - copy a text as valid UTF-8 into @out of @size bytes, cut at a letter */
void example_text(char *out, size_t size, struct span text);

/** example_body() - the first EXAMPLE_BODY_MAX bytes as valid UTF-8, given; NULL when out of memory */
char *example_body(struct span body);

/** example_said() - the first EXAMPLE_SAID_MAX bytes likewise */
char *example_said(struct span text);

/** example_say() - keep of two texts what is around the place where they part, after @same bytes */
void example_say(struct example_texts *t, struct span production, struct span shadow, uint64_t same);

void example_free(struct example *x);
void examples_deinit(struct examples *e);

#endif
