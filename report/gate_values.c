/* gate_values.c - see gate_values.h */
#include "report/gate_values.h"

#include <math.h>
#include <string.h>

#include "base/edit_distance.h"
#include "compare/comparison.h"

#define COMPARED(name, kind, path, over) { name, GATE_COMPARED, GATE_##kind, path, over },
#define TARGET(name, kind, path, over)	 { name, GATE_TARGET, GATE_##kind, path, over },
#define RUN(name, kind, path, over)	 { name, GATE_RUN, GATE_##kind, path, over },

/* a verdict's share of what was compared */
#define OF_MISMATCH(gate, name) COMPARED(gate, SHARE, "verdicts." name, "compared")
#define OF_MATCH(gate, name)
#define OF_APART(gate, name)

const struct gate_value gate_values[] = {
	COMPARED("pairs",                    COUNT,  "pairs",                           NULL)
	COMPARED("compared",                 COUNT,  "compared",                        NULL)
	COMPARED("distinct",                 COUNT,  "distinct_requests",               NULL)
	COMPARED("witnesses",                COUNT,  "witnesses.count",                 NULL)
	COMPARED("not_comparable",           SHARE,  "verdicts.not_comparable",         "pairs")
	COMPARED("mismatch",                 SHARE,  "mismatch.rate",                   NULL)
	COMPARED("mismatch_lower",           SHARE,  "mismatch.low",                    NULL)
	COMPARED("mismatch_upper",           SHARE,  "mismatch.high",                   NULL)
	COMPARED("mismatch_distinct",        SHARE,  "mismatch_distinct.rate",          NULL)
	COMPARED("mismatch_distinct_lower",  SHARE,  "mismatch_distinct.low",           NULL)
	COMPARED("mismatch_distinct_upper",  SHARE,  "mismatch_distinct.high",          NULL)
	COMPARED("mismatch_net",             SHARE,  "noise.net_rate",                  NULL)
	COMPARED("mismatch_net_lower",       CHANGE, "noise.low",                       NULL)
	COMPARED("mismatch_net_upper",       CHANGE, "noise.high",                      NULL)
#define X(id, name, role, gate, ...) OF_##role(gate, name)
	COMPARISONS(X)
#undef X
	COMPARED("ignored_differing",        SHARE,  "ignored.rate",                    NULL)
	COMPARED("decision_agreement",       SHARE,  "decision.rate",                   NULL)
	COMPARED("decision_agreement_lower", SHARE,  "decision.low",                    NULL)
	COMPARED("error_rate",               SHARE,  "error_rate.shadow.rate",          NULL)
	COMPARED("error_rate_upper",         SHARE,  "error_rate.shadow.high",          NULL)
	COMPARED("error_delta",              CHANGE, "error_rate.delta.value",          NULL)
	COMPARED("error_delta_lower",        CHANGE, "error_rate.delta.low",            NULL)
	COMPARED("error_delta_upper",        CHANGE, "error_rate.delta.high",           NULL)
	COMPARED("timeouts",                 SHARE,  "latency_us.timeouts",             "pairs")
	COMPARED("shadow_p50",               TIME,   "latency_us.shadow.total.p50",     NULL)
	COMPARED("shadow_p90",               TIME,   "latency_us.shadow.total.p90",     NULL)
	COMPARED("shadow_p95",               TIME,   "latency_us.shadow.total.p95",     NULL)
	COMPARED("shadow_p99",               TIME,   "latency_us.shadow.total.p99",     NULL)
	COMPARED("shadow_p999",              TIME,   "latency_us.shadow.total.p999",    NULL)
	COMPARED("production_p50",           TIME,   "latency_us.production.total.p50", NULL)
	COMPARED("production_p90",           TIME,   "latency_us.production.total.p90", NULL)
	COMPARED("production_p95",           TIME,   "latency_us.production.total.p95", NULL)
	COMPARED("production_p99",           TIME,   "latency_us.production.total.p99", NULL)
	COMPARED("production_p999",          TIME,   "latency_us.production.total.p999", NULL)
	COMPARED("slower_p50",               TIME,   "latency_us.difference.p50.value", NULL)
	COMPARED("slower_p50_lower",         TIME,   "latency_us.difference.p50.low",   NULL)
	COMPARED("slower_p50_upper",         TIME,   "latency_us.difference.p50.high",  NULL)
	COMPARED("slower_p90",               TIME,   "latency_us.difference.p90.value", NULL)
	COMPARED("slower_p90_lower",         TIME,   "latency_us.difference.p90.low",   NULL)
	COMPARED("slower_p90_upper",         TIME,   "latency_us.difference.p90.high",  NULL)
	COMPARED("slower_p95",               TIME,   "latency_us.difference.p95.value", NULL)
	COMPARED("slower_p95_lower",         TIME,   "latency_us.difference.p95.low",   NULL)
	COMPARED("slower_p95_upper",         TIME,   "latency_us.difference.p95.high",  NULL)
	COMPARED("slower_p99",               TIME,   "latency_us.difference.p99.value", NULL)
	COMPARED("slower_p99_lower",         TIME,   "latency_us.difference.p99.low",   NULL)
	COMPARED("slower_p99_upper",         TIME,   "latency_us.difference.p99.high",  NULL)
	COMPARED("p50_ratio",                RATIO,  "latency_us.p50_ratio",            NULL)
	COMPARED("p50_ratio_lower",          RATIO,  "latency_us.p50_ratio_low",        NULL)
	COMPARED("p50_ratio_upper",          RATIO,  "latency_us.p50_ratio_high",       NULL)
	COMPARED("p99_ratio",                RATIO,  "latency_us.p99_ratio",            NULL)
	COMPARED("p99_ratio_lower",          RATIO,  "latency_us.p99_ratio_low",        NULL)
	COMPARED("p99_ratio_upper",          RATIO,  "latency_us.p99_ratio_high",       NULL)
	COMPARED("label_psi",                RATIO,  "decision.label_psi",              NULL)
	COMPARED("score_psi",                RATIO,  "decision.score_psi",              NULL)
	COMPARED("cosine_p50",               RATIO,  "outputs.cosine.p50",              NULL)
	COMPARED("cosine_p1",                RATIO,  "outputs.cosine.p1",               NULL)
	COMPARED("cosine_min",               RATIO,  "outputs.cosine.min",              NULL)
	COMPARED("rank_overlap",             SHARE,  "outputs.rank.overlap",            NULL)
	COMPARED("rank_same_first",          SHARE,  "outputs.rank.same_first",         "outputs.rank.lists")
	COMPARED("rank_tau",                 RATIO,  "outputs.rank.tau",                NULL)
	COMPARED("rank_ndcg",                RATIO,  "outputs.rank.ndcg",               NULL)
	COMPARED("regression_bias",          RATIO,  "outputs.regression.bias_size",    NULL)
	COMPARED("regression_mae",           RATIO,  "outputs.regression.mae",          NULL)
	COMPARED("regression_rmse",          RATIO,  "outputs.regression.rmse",         NULL)
	COMPARED("regression_p99",           RATIO,  "outputs.regression.p99",          NULL)
	COMPARED("regression_outside",       SHARE,  "outputs.regression.outside",      NULL)
	COMPARED("boxes_f1",                 SHARE,  "outputs.boxes.f1",                NULL)
	COMPARED("boxes_missed",             SHARE,  "outputs.boxes.missed",            "outputs.boxes.production")
	COMPARED("boxes_flips",              SHARE,  "outputs.boxes.flips",             "outputs.boxes.production")
	COMPARED("boxes_overlap",            RATIO,  "outputs.boxes.overlap",           NULL)
	COMPARED("generated",                COUNT,  "generated.pairs",                 NULL)
	COMPARED("generated_different",      SHARE,  "generated.different",             "generated.pairs")
#define X(id, name, meaning) COMPARED(name, SHARE, "generated.decisions." name, "compared")
	REPLY_DIFFERENCES(X)
#undef X
	COMPARED("common_prefix",            SHARE,  "generated.common_prefix_share",   NULL)
	COMPARED("edit_share",               SHARE,  "generated.edit_share",            NULL)
	COMPARED("first_token_p50",          TIME,   "streams.shadow.first_token.p50",  NULL)
	COMPARED("first_token_p99",          TIME,   "streams.shadow.first_token.p99",  NULL)
	COMPARED("second_token_p50",         TIME,   "streams.shadow.second_token.p50", NULL)
	COMPARED("second_token_p99",         TIME,   "streams.shadow.second_token.p99", NULL)
	COMPARED("tokens_per_second_p50",    RATIO,  "streams.shadow.tokens_per_second.p50", NULL)
	COMPARED("tokens_per_second_p10",    RATIO,  "streams.shadow.tokens_per_second.p10", NULL)
	COMPARED("goodput",                  SHARE,  "goodput.shadow.rate",             NULL)
	COMPARED("goodput_lower",            SHARE,  "goodput.shadow.low",              NULL)
	COMPARED("goodput_delta",            CHANGE, "goodput.delta.value",             NULL)
	COMPARED("goodput_delta_lower",      CHANGE, "goodput.delta.low",               NULL)
	COMPARED("goodput_delta_upper",      CHANGE, "goodput.delta.high",              NULL)
	TARGET("sent",                       COUNT,  "sent",                            NULL)
	TARGET("failed",                     SHARE,  "failed",                          "sent")
	TARGET("shed",                       SHARE,  "shed",                            "chosen")
	RUN("seen",                          COUNT,  "requests.seen",                   NULL)
	RUN("chosen",                        COUNT,  "requests.chosen",                 NULL)
	RUN("lost",                          SHARE,  "requests.lost",                   "requests.seen")
	RUN("dropped",                       COUNT,  "packets.dropped_kernel",          NULL)
	RUN("fleet_missing",                 COUNT,  "fleet.missing",                   NULL)
	RUN("fleet_unknown",                 COUNT,  "fleet.unknown",                   NULL)
};

const size_t gate_value_count = sizeof(gate_values) / sizeof(gate_values[0]);

const struct gate_value *gate_value_find(struct span name)
{
	for (size_t i = 0; i < gate_value_count; i++)
		if (span_equal(name, span_str(gate_values[i].name)))
			return &gate_values[i];
	return NULL;
}

const char *gate_value_near(struct span name)
{
	const char *near = NULL;
	size_t least = name.len / 3 + 2;

	for (size_t i = 0; i < gate_value_count; i++) {
		size_t apart = edit_distance(name, span_str(gate_values[i].name));

		if (apart < least) {
			least = apart;
			near = gate_values[i].name;
		}
	}
	return near;
}

static double sum_of(const struct json_doc *d, uint32_t node)
{
	double sum = 0;

	if (d->nodes[node].type == JSON_NUMBER)
		return json_doc_double(d, node);
	if (d->nodes[node].type != JSON_OBJECT)
		return NAN;
	for (uint32_t key = node + 1; key < d->nodes[node].next; key = d->nodes[key + 1].next)
		sum += json_doc_double(d, key + 1);
	return sum;
}

static double at_path(const struct json_doc *d, uint32_t node, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, ".");

		node = json_doc_member(d, node, span_of(path, len));
		if (!node)
			return NAN;
		path += len + (path[len] == '.');
	}
	return sum_of(d, node);
}

double gate_value_read(const struct gate_value *v, const struct json_doc *report, uint32_t node)
{
	double value = at_path(report, node, v->path), over = v->over ? at_path(report, node, v->over) : 1;

	if (!(over > 0)) /* a share of nothing */
		return NAN;
	return value / over;
}
