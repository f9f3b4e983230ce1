/*
 * path_presets.c - see path_presets.h
 *
 * What is here: names that the server itself gives to a request and a response,
 * when it was answered and how long that took, and what the server calls the
 * model, since a shadow is often called otherwise; and where embeddings and rankings stand. What is not here: anything a
 * model says, counts of tokens, which tell that the text differs, and anything
 * in the responses of servers that pass on what the model's own code returns
 * (TorchServe's handlers, MLflow's models): there /id may be what a recommender
 * recommends and /duration what a route takes.
 *
 * Sources: the response object of the V2 protocol (id, model_name,
 * model_version; Triton 2.x, KServe 0.x); TensorFlow Serving's REST API and the
 * JSON of its PredictResponse (model_spec); OpenAI's and Anthropic's API references of chat
 * completions, completions, embeddings, responses and messages (id, created, created_at,
 * completed_at, model, system_fingerprint, service_tier, tool call ids, token
 * details), and those that extend or resemble it: vLLM (request_id,
 * kv_transfer_params, metrics), SGLang (meta_info), llama.cpp's server
 * (timings), Ollama (durations), Groq (usage times).
 */
#include "compare/rules/path_presets.h"

#include <string.h>

static const char *const v2[] = { "/id", "/model_name", "/model_version" };

static const char *const tfserving[] = { "/model_spec" };

static const char *const openai[] = {
	"/id",
	"/created",
	"/created_at",
	"/completed_at",
	"/model",
	"/system_fingerprint",
	"/service_tier",
	"/request_id",
	"/metrics",
	"/timings",
	"/kv_transfer_params",
	"/choices/*/message/tool_calls/*/id",
	"/choices/*/delta/tool_calls/*/id",
	"/output/*/id",
	"/output/*/call_id",
	"/content/*/id",
	/* in streams, joined: of the last events, and of all blocks and items */
	"/message/id",
	"/message/model",
	"/content_block/*/id",
	"/response/id",
	"/response/created_at",
	"/response/completed_at",
	"/response/model",
	"/response/output/*/id",
	"/response/output/*/call_id",
	"/item/*/id",
	"/item/*/call_id",
	"/item_id",
	"/obfuscation",
	"/usage/prompt_tokens_details",
	"/usage/input_tokens_details",
	"/usage/prompt_time",
	"/usage/completion_time",
	"/usage/total_time",
	"/usage/queue_time",
	"/meta_info/id",
	"/meta_info/e2e_latency",
	"/meta_info/cached_tokens",
	"/meta_info/weight_version",
	"/total_duration",
	"/load_duration",
	"/prompt_eval_duration",
	"/eval_duration",
};

/* Embeddings; and vLLM's pooling route, which calls a vector "data". */
static const char *const openai_outputs[] = { "/data/*/embedding cosine", "/data/*/data cosine" };

/* Vectors of embed and embed_all, the ranking of rerank; what predict answers has no index, and is left to its labels. */
static const char *const tei_outputs[] = { "/* cosine", "/data/*/embedding cosine", "\"\" rank" };

const struct path_preset path_presets[] = {
#define LIST(name) name, sizeof(name) / sizeof(name[0])
	{ "any", NULL, 0, NULL, 0 },
	{ "v2", LIST(v2), NULL, 0 },
	{ "tfserving", LIST(tfserving), NULL, 0 },
	{ "torchserve", NULL, 0, NULL, 0 },
	{ "openai", LIST(openai), LIST(openai_outputs) },
	{ "tei", NULL, 0, LIST(tei_outputs) },
	{ "mlflow", NULL, 0, NULL, 0 },
#undef LIST
};

const size_t path_preset_count = sizeof(path_presets) / sizeof(path_presets[0]);

const struct path_preset *path_preset_find(const char *name)
{
	for (size_t i = 0; i < path_preset_count; i++)
		if (strcmp(path_presets[i].name, name) == 0)
			return &path_presets[i];
	return NULL;
}
