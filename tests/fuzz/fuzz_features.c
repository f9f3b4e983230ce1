/*
 * fuzz_features.c - the features of any request, and what is told of them
 *
 * The input is cut into requests: a byte says whether it differs and whether it is a call of gRPC, of which method,
 * two how long its body is; the body is its path, too, if it is no call. Properties: the counts fit
 * together; what is written is JSON, is read again and written the same; memory is bounded by what the types
 * say; what stands out has fewer pairs than there are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/contrast.h"
#include "compare/tally/request_model.h"
#include "compare/tally/slices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool yes)
{
	if (!yes)
		abort();
}

static bool every(const void *ctx, struct span name, bool is_grpc)
{
	(void)ctx;
	(void)name;
	(void)is_grpc;
	return true;
}

static struct buffer written(const struct contrast *e)
{
	struct buffer out = { 0 };
	struct json j = json_to(&out);

	json_open(&j, '{');
	contrast_json(e, 1, &j);
	json_close(&j, '}');
	return out;
}

static void add(struct contrast *e, struct features *f, struct span body, uint8_t how, uint64_t id)
{
	struct header header = { SPAN_LITERAL("X-Body"), body };
	struct message m = { .head = { .method = SPAN_LITERAL("POST"), .target = body, .headers = &header, .header_count = 1 } };
	struct buffer scratch = { 0 };
	const struct feature_value *values;
	size_t count;

	m.head.is_grpc = how & 0x40;
	if (m.head.is_grpc)
		m.head.target = span_str(how & 0x20 ? "/tensorflow.serving.PredictionService/Predict"
						    : "/inference.GRPCInferenceService/ModelInfer");
	m.body = malloc(body.len ? body.len : 1);
	must(m.body != NULL);
	if (body.len)
		memcpy(m.body, body.at, body.len);
	m.body_len = body.len;
	values = features_read(f, &m, slice_path(m.head.target), request_model(&m, &scratch), &count);
	must(count <= FEATURES_MAX);
	for (int i = 0; i <= (how & 0x1f); i++) /* as often as it takes to stand out */
		contrast_add(e, values, count, id + (uint64_t)i, how & 0x80);
	buffer_deinit(&scratch);
	free(m.body);
}

static void check_found(const struct contrast *e)
{
	struct explained found[CONTRAST_MOST];
	size_t count = contrast_find(e, 1, found);

	for (size_t i = 0; i < count; i++) {
		must(found[i].mismatches <= found[i].pairs && found[i].other_mismatches <= found[i].other_pairs);
		must(found[i].pairs >= CONTRAST_PAIRS_MIN && found[i].p <= CONTRAST_ALPHA);
		must(found[i].ratio > 1 && found[i].ratio_low <= found[i].ratio);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct features_options set = { .has_header = every };
	struct features *f = features_new(&set);
	struct contrast *e = contrast_new(true), *again;
	struct span in = span_of(data, size), body;
	struct json_doc d = { 0 };
	struct buffer once, twice;
	uint16_t len;
	uint8_t how;
	uint64_t id = 1;

	must(f && e);
	while (span_u8(&in, &how) && span_u16(&in, &len)) {
		if (!span_take(&in, len, &body))
			span_take(&in, in.len, &body);
		add(e, f, body, how, id);
		id += 32;
	}
	check_found(e);
	once = written(e);
	must(json_doc_parse(&d, buffer_span(&once)) == 0);
	must(contrast_read(&d, json_doc_member(&d, 0, SPAN_LITERAL("features")), &again) == 0);
	twice = written(again);
	must(span_equal(buffer_span(&once), buffer_span(&twice)));
	contrast_merge(again, e);
	check_found(again);
	buffer_deinit(&once);
	buffer_deinit(&twice);
	json_doc_deinit(&d);
	contrast_free(again);
	contrast_free(e);
	features_free(f);
	return 0;
}
