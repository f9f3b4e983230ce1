/*
 * outputs_rig.h - for tests of outputs that rules compare as a whole: a comparer, two bodies for it, and the numbers of
 * tests/data/outputs/make_rows.py once more
 */
#ifndef TESTS_RIG_OUTPUTS_RIG_H
#define TESTS_RIG_OUTPUTS_RIG_H

#include "tests/rig/chance.h"

#include "base/json.h"
#include "compare/comparer.h"
#include "compare/outputs/outputs.h"

static inline struct comparer *comparer_of(const char *preset, const char *rules)
{
	struct compare_options options = { .rtol = 1e-5, .atol = 1e-8, .preset = preset, .max_body = (64 << 20),
					   .rules = span_str(rules), .rules_name = "rules" };
	struct buffer error = { 0 };
	struct comparer *c = NULL;

	if (comparer_new(&options, &c, &error) != 0)
		fail_msg("%s", buffer_text(&error));
	buffer_deinit(&error);
	return c;
}

/** run() - two bodies; @head: of V2's binary extension, the bytes of JSON in front, or NULL: JSON */
static inline const struct comparison *run(struct comparer *c, struct span production, struct span shadow, const char *head)
{
	static const struct message post = { .head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/") } };
	static const struct outcome answered = { .kind = OUTCOME_ANSWERED_2XX };
	struct header headers[] = { { SPAN_LITERAL("Content-Type"), SPAN_LITERAL("application/json") },
				    { SPAN_LITERAL("Inference-Header-Content-Length"), span_str(head ? head : "") } };
	struct response p = { .result = RESPONSE_WHOLE, .status_code = 200, .headers = headers, .header_count = head ? 2 : 1,
			      .body = (uint8_t *)production.at, .body_len = production.len };
	struct response s = p;
	struct pair pair = { &post, &p, &s, &answered };

	s.body = (uint8_t *)shadow.at;
	s.body_len = shadow.len;
	return comparer_run(c, &pair);
}

static inline double random_number(void)
{
	return ((double)(random_next() >> 40) - 8388608) / 8388608;
}

/** check_adds_up() - @half with @other are @whole, to the letter, and so is what is read back of it */
static inline void check_adds_up(const struct outputs *whole, struct outputs *half, const struct outputs *other)
{
	static struct outputs again;
	struct buffer texts[3];
	struct json_doc d = { 0 };

	memset(&again, 0, sizeof(again));
	outputs_merge(half, other);
	for (int i = 0; i < 3; i++) {
		struct json j;

		texts[i] = (struct buffer){ 0 };
		j = json_to(&texts[i]);
		json_open(&j, '{');
		outputs_json(i == 0 ? whole : i == 1 ? half : &again, &j);
		json_close(&j, '}');
		if (i > 0)
			continue;
		assert_int_equal(json_doc_parse(&d, buffer_span(&texts[0])), 0);
		assert_null(outputs_read(&again, &d, json_doc_member(&d, 0, SPAN_LITERAL("outputs"))));
	}
	assert_string_equal(buffer_text(&texts[0]), buffer_text(&texts[1]));
	assert_string_equal(buffer_text(&texts[0]), buffer_text(&texts[2]));
	for (int i = 0; i < 3; i++)
		buffer_deinit(&texts[i]);
	json_doc_deinit(&d);
}

#endif
