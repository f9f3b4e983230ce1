/*
 * comparison.h - what came of comparing one pair of responses
 *
 * One verdict (verdicts.h), and what is behind it: for each path of the body
 * that differs (array indices as *) how often, how much, and the worst place.
 */
#ifndef COMPARE_COMPARISON_H
#define COMPARE_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "compare/verdicts.h"

#define FINDINGS_MAX   64  /* paths kept of one pair; differences at more paths are only counted */
#define FINDING_TEXT   96  /* with the NUL; longer values are cut */
#define DECISIONS_MAX  256 /* kept of one pair */
#define LABEL_TEXT     48

/** struct finding - one path at which a pair differs in one way */
struct finding {
	enum difference_kind kind;
	const char *pattern; /* JSON pointer with * for indices: the key of aggregation; borrowed from the findings */
	const char *path;    /* of the worst place */
	char production[FINDING_TEXT], shadow[FINDING_TEXT]; /* the two values there, as text; "" if absent */
	uint64_t count;
	double max_abs, max_rel; /* numbers only; else 0 */
	uint64_t numbers;        /* of @count: between two finite numbers, so that max_abs covers them */
	uint64_t relatives;      /* of @numbers: production's is not 0, so that max_rel covers them */
	const char *rule;        /* IGNORED: "rules.txt:3", "--preset v2"; lives as long as the rules */
};

/** struct model_decision - what a model said about one input: the class with the best score, or the first k */
struct model_decision {
	char production[LABEL_TEXT], shadow[LABEL_TEXT]; /* class index or label */
	double production_score, shadow_score;           /* NaN: none */
	bool agrees;
};

struct outputs_found;

struct findings {
	const struct finding *at;
	size_t count;
	uint64_t overflow; /* differences at paths that were not kept */
	uint64_t ignored;  /* differences that a rule leaves out, kept or not */
	uint64_t numbers;  /* pairs of numbers compared */
	double max_abs, max_rel;
	const struct model_decision *decisions;
	size_t decision_count;
	uint64_t decisions_total, decisions_agree; /* those not kept too */
	uint64_t decisions_otherwise; /* of those that agree: what was decided is not the same, see json_decision.c */
	const struct outputs_found *outputs; /* what was compared as a whole, each a decision without labels; NULL: nothing */
};

/**
 * struct stream_facts - of a response that is a stream of events; times in microseconds
 * Or of a call of gRPC with several messages in either response: each is an event with text.
 */
struct stream_facts {
	uint64_t events, tokens; /* tokens: deltas with text */
	int64_t first_token_us;  /* after the request's last byte; -1: not known */
	const int64_t *gaps_us;  /* between one delta and the next; borrowed like the findings */
	size_t gap_count;
};

#define REASON_IGNORED "ignored" /* of CLOSE: nothing differs but what rules leave out */

/** struct comparison - borrowed from the comparer until its next comparison */
struct comparison {
	enum comparison_verdict verdict;
	const char *reason; /* static text, one word: "timeout", "gap", "too_deep"; NULL if the verdict says it all */
	enum body_kind kind;
	enum reply_difference reply; /* a language model's; also where another verdict goes before DECISION */
	bool same_bytes; /* the bodies are, as they came */
	bool generated; /* text of a language model, and nothing else differs: that is not called wrong without a control */
	struct findings findings;
	struct stream_facts production_stream, shadow_stream;
	uint64_t common_prefix, production_len, shadow_len; /* of texts, in bytes */
	uint64_t edits, edits_of; /* of generated texts: what makes one of the other, of so many bytes (text_edits.h) */
	struct span production_text, shadow_text;           /* these texts, whole */
};

/** struct comparison_counts - what came of the pairs of one target */
struct comparison_counts {
	uint64_t pairs, verdict[COMPARISON_COUNT];
	uint64_t unseen;              /* production's response was not captured */
	uint64_t generated_different; /* of VALUE: only the text of a language model differs */
	uint64_t agree, disagree;     /* decisions */
};

#endif
