/*
 * gate_values.h - what --fail-on can ask for, and where a report holds it
 *
 * Private to gate*.c. A row says of whom the value is, of what kind, at which
 * dotted path it stands, and what it is divided by if it is a share of
 * something: an object at the path means the sum of its counts.
 */
#ifndef REPORT_GATE_VALUES_H
#define REPORT_GATE_VALUES_H

#include <stddef.h>

#include "base/json_doc.h"
#include "base/span.h"

enum gate_kind { GATE_COUNT, GATE_SHARE, GATE_CHANGE, GATE_TIME, GATE_RATIO };

/* COMPARED: of comparison.targets.NAME; TARGET: of targets.NAME; RUN: of the report itself */
enum gate_scope { GATE_COMPARED, GATE_TARGET, GATE_RUN };

#define GATE_VALUES(X)                                                                                       \
	X("pairs",                    COMPARED, COUNT,  "pairs",                           NULL)             \
	X("compared",                 COMPARED, COUNT,  "compared",                        NULL)             \
	X("distinct",                 COMPARED, COUNT,  "distinct_requests",               NULL)             \
	X("not_comparable",           COMPARED, SHARE,  "verdicts.not_comparable",         "pairs")          \
	X("mismatch",                 COMPARED, SHARE,  "mismatch.rate",                   NULL)             \
	X("mismatch_lower",           COMPARED, SHARE,  "mismatch.low",                    NULL)             \
	X("mismatch_upper",           COMPARED, SHARE,  "mismatch.high",                   NULL)             \
	X("mismatch_net",             COMPARED, SHARE,  "noise.net_rate",                  NULL)             \
	X("status_mismatch",          COMPARED, SHARE,  "verdicts.status",                 "compared")       \
	X("encoding",                 COMPARED, SHARE,  "verdicts.encoding",               "compared")       \
	X("schema",                   COMPARED, SHARE,  "verdicts.schema",                 "compared")       \
	X("decision",                 COMPARED, SHARE,  "verdicts.decision",               "compared")       \
	X("value",                    COMPARED, SHARE,  "verdicts.value",                  "compared")       \
	X("order",                    COMPARED, SHARE,  "verdicts.order",                  "compared")       \
	X("ignored_differing",        COMPARED, SHARE,  "ignored.rate",                    NULL)             \
	X("decision_agreement",       COMPARED, SHARE,  "decision.rate",                   NULL)             \
	X("decision_agreement_lower", COMPARED, SHARE,  "decision.low",                    NULL)             \
	X("error_rate",               COMPARED, SHARE,  "error_rate.shadow.rate",          NULL)             \
	X("error_rate_upper",         COMPARED, SHARE,  "error_rate.shadow.high",          NULL)             \
	X("error_delta",              COMPARED, CHANGE, "error_rate.delta.value",          NULL)             \
	X("error_delta_lower",        COMPARED, CHANGE, "error_rate.delta.low",            NULL)             \
	X("error_delta_upper",        COMPARED, CHANGE, "error_rate.delta.high",           NULL)             \
	X("timeouts",                 COMPARED, SHARE,  "latency_us.timeouts",             "pairs")          \
	X("shadow_p50",               COMPARED, TIME,   "latency_us.shadow.total.p50",     NULL)             \
	X("shadow_p90",               COMPARED, TIME,   "latency_us.shadow.total.p90",     NULL)             \
	X("shadow_p95",               COMPARED, TIME,   "latency_us.shadow.total.p95",     NULL)             \
	X("shadow_p99",               COMPARED, TIME,   "latency_us.shadow.total.p99",     NULL)             \
	X("shadow_p999",              COMPARED, TIME,   "latency_us.shadow.total.p999",    NULL)             \
	X("production_p50",           COMPARED, TIME,   "latency_us.production.total.p50", NULL)             \
	X("production_p90",           COMPARED, TIME,   "latency_us.production.total.p90", NULL)             \
	X("production_p95",           COMPARED, TIME,   "latency_us.production.total.p95", NULL)             \
	X("production_p99",           COMPARED, TIME,   "latency_us.production.total.p99", NULL)             \
	X("production_p999",          COMPARED, TIME,   "latency_us.production.total.p999", NULL)            \
	X("slower_p50",               COMPARED, TIME,   "latency_us.difference.p50.value", NULL)             \
	X("slower_p90",               COMPARED, TIME,   "latency_us.difference.p90.value", NULL)             \
	X("slower_p95",               COMPARED, TIME,   "latency_us.difference.p95.value", NULL)             \
	X("slower_p99",               COMPARED, TIME,   "latency_us.difference.p99.value", NULL)             \
	X("p50_ratio",                COMPARED, RATIO,  "latency_us.p50_ratio",            NULL)             \
	X("p99_ratio",                COMPARED, RATIO,  "latency_us.p99_ratio",            NULL)             \
	X("label_psi",                COMPARED, RATIO,  "decision.label_psi",              NULL)             \
	X("score_psi",                COMPARED, RATIO,  "decision.score_psi",              NULL)             \
	X("generated",                COMPARED, COUNT,  "generated.pairs",                 NULL)             \
	X("generated_different",      COMPARED, SHARE,  "generated.different",             "generated.pairs") \
	X("tool_call",                COMPARED, SHARE,  "generated.decisions.tool_call",   "compared")       \
	X("refusal",                  COMPARED, SHARE,  "generated.decisions.refusal",     "compared")       \
	X("empty",                    COMPARED, SHARE,  "generated.decisions.empty",       "compared")       \
	X("finish_reason",            COMPARED, SHARE,  "generated.decisions.finish_reason", "compared")     \
	X("common_prefix",            COMPARED, SHARE,  "generated.common_prefix_share",   NULL)             \
	X("first_token_p50",          COMPARED, TIME,   "streams.shadow.first_token.p50",  NULL)             \
	X("first_token_p99",          COMPARED, TIME,   "streams.shadow.first_token.p99",  NULL)             \
	X("sent",                     TARGET,   COUNT,  "sent",                            NULL)             \
	X("failed",                   TARGET,   SHARE,  "failed",                          "sent")           \
	X("shed",                     TARGET,   SHARE,  "shed",                            "chosen")         \
	X("seen",                     RUN,      COUNT,  "requests.seen",                   NULL)             \
	X("chosen",                   RUN,      COUNT,  "requests.chosen",                 NULL)             \
	X("lost",                     RUN,      SHARE,  "requests.lost",                   "requests.seen")  \
	X("dropped",                  RUN,      COUNT,  "packets.dropped_kernel",          NULL)

struct gate_value {
	const char *name;
	enum gate_scope scope;
	enum gate_kind kind;
	const char *path, *over;
};

extern const struct gate_value gate_values[];
extern const size_t gate_value_count;

/** gate_value_find() - the row called @name, or NULL */
const struct gate_value *gate_value_find(struct span name);

/** gate_value_near() - the name that @name was probably meant to be, or NULL */
const char *gate_value_near(struct span name);

/** gate_value_read() - what object @node of the report says; NaN: nothing, or null */
double gate_value_read(const struct gate_value *v, const struct json_doc *report, uint32_t node);

#endif
