/* json_bench.h - everything for comparing two texts under rules */
#ifndef TESTS_RIG_JSON_BENCH_H
#define TESTS_RIG_JSON_BENCH_H

#include "base/buffer.h"
#include "compare/json/json_compare.h"
#include "tests/rig/unit.h"

struct bench {
	struct path_rules *rules;
	struct json_comparer *jc;
	struct collector *out;
	struct json_doc a, b;
};

static inline void bench_open(struct bench *t, const char *rules)
{
	struct path_rules_options o = { .tolerance = { 1e-5, 1e-8 },
					.text = span_str(rules),
					.name = "rules.txt" };
	struct buffer error = { 0 };

	*t = (struct bench){ 0 };
	if (path_rules_new(&o, &t->rules, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	t->jc = json_comparer_new(t->rules, NULL);
	t->out = collector_new();
	assert_non_null(t->jc);
	assert_non_null(t->out);
	buffer_deinit(&error);
}

static inline struct findings bench_run(struct bench *t, struct span a, struct span b)
{
	if (json_doc_parse(&t->a, a) != 0 || json_doc_parse(&t->b, b) != 0)
		fail_msg("'%.*s' or '%.*s' is not JSON", (int)a.len, (const char *)a.at, (int)b.len,
			 (const char *)b.at);
	collector_clear(t->out);
	assert_int_equal(json_compare(t->jc, &t->a, &t->b, t->out), 0);
	return collector_findings(t->out);
}

static inline void bench_close(struct bench *t)
{
	json_doc_deinit(&t->a);
	json_doc_deinit(&t->b);
	collector_free(t->out);
	json_comparer_free(t->jc);
	path_rules_free(t->rules);
}

#endif
