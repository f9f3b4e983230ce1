/*
 * presets.c - routes as data: what asks a model
 *
 * Theory of operation: all inference is POST, and so is unloading a model. Only
 * the path tells them apart. A preset names the inference routes of some
 * servers, and no others: what is kept there (files, batches, assistants) or
 * changes the server is not in it. What must be left alone whatever the preset
 * is in denied.c.
 *
 * A call of gRPC is a POST too, and its path is PACKAGE.SERVICE/METHOD, so it is
 * a route like any other.
 *
 * Each list names its sources: the servers, and the version whose routes it
 * describes; what stands without a version is from general knowledge.
 */
#include "policy/presets.h"

#include <string.h>

#include "policy/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define V2_SOURCES "the open inference protocol V2: Triton Server (2025), KServe 0.15, MLServer 1.7, Seldon Core 2"
#define V2_ROUTES(X)                                                                                         \
	X("inference.GRPCInferenceService/ModelInfer") X("inference.GRPCInferenceService/ModelStreamInfer")  \
	X("v2/models/*/infer") X("v2/models/*/versions/*/infer")                                             \
	X("v2/models/*/infer_stream") X("v2/models/*/versions/*/infer_stream")                               \
	X("v2/models/*/generate") X("v2/models/*/versions/*/generate")                                       \
	X("v2/models/*/generate_stream") X("v2/models/*/versions/*/generate_stream")

#define TFSERVING_SOURCES "TensorFlow Serving 2.19 (REST and gRPC), KServe 0.15 (protocol V1)"
#define TFSERVING_ROUTES(X)                                                                                  \
	X("tensorflow.serving.PredictionService/Predict") X("tensorflow.serving.PredictionService/Classify") \
	X("tensorflow.serving.PredictionService/Regress")                                                    \
	X("tensorflow.serving.PredictionService/MultiInference")                                             \
	X("v1/models/*:predict") X("v1/models/*:classify") X("v1/models/*:regress")                          \
	X("v1/models/*/versions/*:predict") X("v1/models/*/versions/*:classify")                             \
	X("v1/models/*/versions/*:regress") X("v1/models/*/labels/*:predict")                                \
	X("v1/models/*/labels/*:classify") X("v1/models/*/labels/*:regress")

#define TORCHSERVE_SOURCES "TorchServe 0.12 (inference and workflow inference API), its KServe form, DJL Serving"
#define TORCHSERVE_ROUTES(X)                                                                                 \
	X("org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions")                               \
	X("org.pytorch.serve.grpc.inference.InferenceAPIsService/StreamPredictions")                         \
	X("predictions/*") X("predictions/*/*") X("explanations/*") X("explanations/*/*") X("wfpredict/*")   \
	X("v1/models/*:predict") X("v1/models/*:explain")

/* v3 is OpenVINO Model Server's, openai/deployments Azure's, v1/messages Anthropic's; KServe's are openai/v1/... */
#define OPENAI_SOURCES                                                                                       \
	"OpenAI's API (late 2025) as vLLM 0.11, SGLang 0.5, llama.cpp, LocalAI 3, speaches, LiteLLM, OpenVINO "  \
	"Model Server and Azure serve it; Anthropic's messages; vLLM's and Cohere's pooling routes"
#define OPENAI_ROUTES(X)                                                                                     \
	X("chat/completions") X("v1/completions") X("v1/embeddings") X("v1/responses") X("v1/messages")      \
	X("v1/audio/transcriptions") X("v1/audio/translations") X("v1/audio/speech")                         \
	X("v1/images/generations") X("v1/images/edits") X("v1/images/variations") X("v1/moderations")        \
	X("v1/score") X("v1/rerank") X("v1/classify") X("v1/pooling") X("v2/rerank") X("v2/embed")           \
	X("score") X("rerank") X("pooling") X("classify") X("invocations")                                   \
	X("v3/completions") X("v3/embeddings") X("v3/rerank") X("v3/images/generations")                     \
	X("v3/images/edits") X("v3/audio/transcriptions") X("v3/audio/translations") X("v3/audio/speech")    \
	X("openai/deployments/*/completions") X("openai/deployments/*/embeddings") X("openai/responses")     \
	X("openai/deployments/*/audio/transcriptions") X("openai/deployments/*/audio/translations")          \
	X("openai/deployments/*/audio/speech") X("openai/deployments/*/images/generations")                  \
	X("openai/deployments/*/images/edits")

#define TEI_SOURCES "Text Embeddings Inference 1.8 (its own routes, and those of OpenAI that it serves)"
#define TEI_ROUTES(X)                                                                                        \
	X("embed") X("embed_all") X("embed_sparse") X("predict") X("rerank") X("similarity") X("v1/embeddings")

#define MLFLOW_SOURCES "MLflow 3 (scoring server), SageMaker's containers"
#define MLFLOW_ROUTES(X) X("invocations")

#define PRESETS(X)                                                                                           \
	X(v2, V2_ROUTES, V2_SOURCES, true) X(tfserving, TFSERVING_ROUTES, TFSERVING_SOURCES, true)           \
	X(torchserve, TORCHSERVE_ROUTES, TORCHSERVE_SOURCES, false)                                          \
	X(openai, OPENAI_ROUTES, OPENAI_SOURCES, false) X(tei, TEI_ROUTES, TEI_SOURCES, true)                           \
	X(mlflow, MLFLOW_ROUTES, MLFLOW_SOURCES, false)

#define ROUTE(pattern) { pattern, 0 },
#define TABLE(name, ROUTES, SOURCES, names_model) static const struct route name##_routes[] = { ROUTES(ROUTE) };
PRESETS(TABLE)
static const struct route all_routes[] = {
#define ALL(name, ROUTES, SOURCES, names_model) ROUTES(ROUTE)
	PRESETS(ALL)
};

static const struct route_table all_table = { all_routes, COUNT(all_routes) };

static const struct {
	const char *name, *sources;
	struct route_table table;
	bool names_model; /* path and body name it, whatever the header fields are */
} presets[] = {
#define PRESET(name, ROUTES, SOURCES, names_model) \
	{ #name, SOURCES, { name##_routes, COUNT(name##_routes) }, names_model },
	PRESETS(PRESET)
	{ "any", "the default: every path", { NULL, 0 }, false },
};

const struct route_table *preset_find(const char *name)
{
	for (size_t i = 0; i < COUNT(presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i].table;
	return NULL;
}

bool preset_names_model(const char *name)
{
	for (size_t i = 0; i < COUNT(presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return presets[i].names_model;
	return false;
}

const char *preset_names(void)
{
#define NAME(name, ROUTES, SOURCES, names_model) #name ", "
	return PRESETS(NAME) "any";
}

const struct route_table *inference_routes(void)
{
	return &all_table;
}

static void list_routes(const struct route_table *table, struct buffer *out)
{
	for (size_t i = 0; i < table->count; i++) {
		unsigned flags = table->routes[i].flags;

		buffer_printf(out, "    %s%s%s\n", table->routes[i].pattern,
			      flags & ROUTE_SPARES_INFERENCE ? "  (not behind an inference route)" : "",
			      flags & ROUTE_SPARES_POST ? "  (not with POST)" : "");
	}
}

void presets_text(struct buffer *out)
{
	buffer_add_str(out, "Inference routes, by --preset NAME. \"*\" stands for any bytes of one segment, \"**\" for\n"
			    "any number of segments; a route may stand behind any prefix and reaches to the end.\n"
			    "A name with dots before the slash is a gRPC service.\n");
	for (size_t i = 0; i < COUNT(presets); i++) {
		buffer_printf(out, "\n%s: %s\n", presets[i].name, presets[i].sources);
		list_routes(&presets[i].table, out);
	}
	buffer_add_str(out, "\nThe deny list: never mirrored without --allow-side-effects, whatever the preset, and in\n"
			    "letters of either case.\n");
	for (size_t i = 0; i < denied_group_count(); i++) {
		const struct denied_group *group = denied_group(i);

		buffer_printf(out, "\n%s\n", group->sources);
		list_routes(&group->table, out);
	}
}

const struct route *denied_route(const struct route_set *deny, const struct route_set *spared,
				 const struct route_path *path, struct span method)
{
	unsigned except = span_equal(method, SPAN_LITERAL("POST")) ? ROUTE_SPARES_POST : 0;
	const struct route *route = route_set_find(deny, path, except);

	if (!route || !(route->flags & ROUTE_SPARES_INFERENCE) || !route_set_find(spared, path, 0))
		return route;
	return route_set_find(deny, path, except | ROUTE_SPARES_INFERENCE);
}
