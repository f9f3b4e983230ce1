/*
 * verdicts.h - what can be said of a pair of responses, each said once
 *
 * From these lists follow the counters, the report's members and what reads
 * them again, the page, the terminal's lines, metrics, the events' words and
 * the values of --fail-on. tests/lint/verdicts holds the documents to them.
 */
#ifndef COMPARE_VERDICTS_H
#define COMPARE_VERDICTS_H

#include <stdbool.h>

/*
 * The verdict is the first of the list that holds, so a pair has one; NOT_COMPARABLE may come in before any of
 * them, and stays the last. Those before SCHEMA are known without a look at what the bodies say.
 *
 * role:    APART: no comparison was possible; MISMATCH; MATCH
 * gate:    the value of --fail-on that is its share of what was compared, of a MISMATCH
 * place:   in the line on the terminal, from 1
 * colour:  its class on the page (page_style.c); the page has them worst last
 */
/*      id              name              role      gate               place colour what it means */
#define COMPARISONS(X) \
	X(ERROR,          "error",          APART,    "",                 9, "b", \
	  "the shadow failed or timed out") \
	X(STATUS,         "status",         MISMATCH, "status_mismatch",  7, "b",  "another status") \
	X(ENCODING,       "encoding",       MISMATCH, "encoding",         8, "b", \
	  "another kind of body, or one that cannot be read") \
	X(SCHEMA,         "schema",         MISMATCH, "schema",           6, "b", \
	  "another type, something missing or extra") \
	X(DECISION,       "decision",       MISMATCH, "decision",         3, "s", \
	  "another decision: arg-max, top-k, what a language model does") \
	X(VALUE,          "value",          MISMATCH, "value",            4, "y", \
	  "a value outside the tolerance") \
	X(ORDER,          "order",          MISMATCH, "order",            5, "y", \
	  "the same elements in another order") \
	X(CLOSE,          "close",          MATCH,    "",                 2, "g2", \
	  "within the tolerance, or what a rule lets pass") \
	X(EQUAL,          "equal",          MATCH,    "",                 1, "g", \
	  "the same bytes or the same values") \
	X(NOT_COMPARABLE, "not_comparable", APART,    "",                10, "e", \
	  "production's answer was not seen whole")

enum comparison_verdict {
#define X(id, ...) COMPARISON_##id,
	COMPARISONS(X)
#undef X
	COMPARISON_COUNT
};

enum comparison_role { COMPARISON_APART, COMPARISON_MISMATCH, COMPARISON_MATCH };

/** struct verdict_row - a line of the list; static texts */
struct verdict_row {
	const char *name;
	enum comparison_role role;
	int place;
	const char *colour, *meaning;
};

/** verdict_row() - the line of @v */
const struct verdict_row *verdict_row(enum comparison_verdict v);

const char *comparison_name(enum comparison_verdict v);

/** comparison_is_compared() - the two responses could be held against each other */
bool comparison_is_compared(enum comparison_verdict v);

/** comparison_is_mismatch() - and they differ in more than is allowed */
bool comparison_is_mismatch(enum comparison_verdict v);

/** comparison_at_place() - the verdict that comes at @place, from 1, where a terminal is told of all */
enum comparison_verdict comparison_at_place(int place);

/* In what a place of the two bodies may differ, gravest first, and the verdict on a pair in which nothing graver does. */
#define DIFFERENCES(X)                                                                                       \
	X(TYPE, "type", SCHEMA) X(MISSING, "missing", SCHEMA) X(EXTRA, "extra", SCHEMA)                      \
	X(DECISION, "decision", DECISION) X(VALUE, "value", VALUE) X(ORDER, "order", ORDER)                  \
	X(CLOSE, "close", CLOSE)                                                                             \
	X(IGNORED, "ignored", CLOSE) /* what a rule says not to look at */

enum difference_kind {
#define X(id, ...) DIFFERENCE_##id,
	DIFFERENCES(X)
#undef X
	DIFFERENCE_COUNT
};

const char *difference_name(enum difference_kind k);

/** difference_verdict() - what a difference of this kind makes of a pair */
enum comparison_verdict difference_verdict(enum difference_kind k);

/* In what two replies of a language model decide otherwise, whatever their words; the first that holds. */
#define REPLY_DIFFERENCES(X)                                                                                 \
	X(TOOL_SCHEMA, "tool_schema",                                                                        \
	  "one of the two calls a tool in a way that the request does not allow")                            \
	X(TOOL_CALL, "tool_call",                                                                            \
	  "another tool is called, or with other arguments, or words come where a tool is called")           \
	X(REFUSAL, "refusal", "one of the two refuses")                                                      \
	X(EMPTY, "empty", "one of the two says nothing")                                                     \
	X(NO_JSON, "no_json", "the request asks for JSON, and one of the two is none, or not by the schema") \
	X(FINISH_REASON, "finish_reason", "one of the two was cut short, or ends for another reason")

enum reply_difference {
	REPLY_ALIKE,
#define X(id, ...) REPLY_##id,
	REPLY_DIFFERENCES(X)
#undef X
	REPLY_DIFFERENCE_COUNT
};

/* NULL of REPLY_ALIKE */
const char *reply_difference_name(enum reply_difference r);
const char *reply_difference_meaning(enum reply_difference r);

#define BODY_KINDS(X)                                                                                        \
	X(NONE, "none") X(JSON, "json") X(TENSORS, "tensors") X(EVENTS, "events") X(TEXT, "text") X(BYTES, "bytes") \
	X(PROTOBUF, "protobuf") /* a call of gRPC whose messages are no tensors */

enum body_kind {
#define X(id, name) BODY_##id,
	BODY_KINDS(X)
#undef X
	BODY_KIND_COUNT
};

const char *body_kind_name(enum body_kind k);

#endif
