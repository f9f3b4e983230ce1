/*
 * path_presets.c - see path_presets.h
 *
 * What is here: names of the request (ids, traces), when it was answered and
 * how long that took, and what the server calls the model, since a shadow is
 * often called otherwise. What is not here: anything a model says, and counts of
 * tokens, which tell that the text differs.
 *
 * Sources: the V2 protocol's response object (id, model_name, model_version);
 * OpenAI's API and those of vLLM, SGLang, llama.cpp, Ollama and Anthropic, which
 * extend or resemble it (created, system_fingerprint, timings, durations,
 * meta_info, cached tokens); web services' habits for the rest.
 */
#include "compare/path_presets.h"

#include <string.h>

#define REQUEST_NAMES(X)                                                                                       \
	X("/id") X("/request_id") X("/requestId") X("/trace_id") X("/traceId") X("/correlation_id")

#define MODEL_NAMES(X) X("/model_name") X("/model_version")

#define TIMES(X)                                                                                               \
	X("/timestamp")                                                                                        \
	X("/created") X("/created_at") X("/latency") X("/latency_ms") X("/elapsed") X("/elapsed_ms")           \
		X("/duration") X("/duration_ms") X("/processing_time") X("/processing_time_ms")                \
			X("/inference_time") X("/inference_time_ms") X("/took") X("/timings")

#define OPENAI(X)                                                                                              \
	X("/id")                                                                                               \
	X("/created") X("/created_at") X("/completed_at") X("/model") X("/system_fingerprint") X(              \
		"/service_tier") X("/request_id") X("/metrics") X("/timings") X("/kv_transfer_params")         \
		X("/choices/*/message/tool_calls/*/id") X("/choices/*/delta/tool_calls/*/id") X(               \
			"/output/*/id") X("/output/*/call_id") X("/usage/prompt_tokens_details")               \
			X("/usage/input_tokens_details") X("/usage/prompt_time") X("/usage/completion_time")   \
				X("/usage/total_time") X("/usage/queue_time") X("/meta_info/id")               \
					X("/meta_info/e2e_latency") X("/meta_info/cached_tokens")              \
						X("/meta_info/weight_version") X("/total_duration")            \
							X("/load_duration") X("/prompt_eval_duration")         \
								X("/eval_duration")

#define PATTERN(text) text,
static const char *const v2[] = { REQUEST_NAMES(PATTERN) MODEL_NAMES(PATTERN) };
static const char *const tfserving[] = { REQUEST_NAMES(PATTERN) "/model_spec" };
static const char *const torchserve[] = { REQUEST_NAMES(PATTERN) MODEL_NAMES(PATTERN) TIMES(PATTERN) };
static const char *const openai[] = { OPENAI(PATTERN) };
static const char *const mlflow[] = { REQUEST_NAMES(PATTERN) MODEL_NAMES(PATTERN) TIMES(PATTERN) };
static const char *const any[] = { REQUEST_NAMES(PATTERN) MODEL_NAMES(PATTERN) TIMES(PATTERN) OPENAI(PATTERN) };

static const struct {
	const char *name;
	const char *const *patterns;
	size_t count;
} presets[] = {
#define ROW(name) { #name, name, sizeof(name) / sizeof(name[0]) },
	ROW(v2) ROW(tfserving) ROW(torchserve) ROW(openai) ROW(mlflow) ROW(any)
};

const char *const *path_preset(const char *name, size_t *count)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		if (strcmp(presets[i].name, name) == 0) {
			*count = presets[i].count;
			return presets[i].patterns;
		}
	return NULL;
}
