/*
 * presets.c - routes as data: what asks a model, and what must be left alone
 *
 * Theory of operation: all inference is POST, and so is unloading a model. Only
 * the path tells them apart. A preset names the inference routes of one server;
 * the deny list names what changes a server, reads its health, or would cost
 * somebody something if it happened twice, and holds for every preset and for
 * none.
 *
 * The deny list has two kinds of rows. A protocol's own routes
 * (v2/repository/...) mean one thing wherever they stand. Ordinary words
 * (metrics, load, resume) could also be a model's name, as in
 * /predictions/metrics, so they spare paths that are inference routes of any
 * preset. A service of one's own at POST /parse/resume is denied: a request too
 * few is the better mistake, and --allow-side-effects with --path or --not-path
 * says otherwise.
 *
 * Sources: the servers' documents and sources as they were in 2025/26:
 * TensorFlow Serving's REST API, Triton's HTTP server and its extensions,
 * TorchServe's inference and management API, KServe, MLServer, vLLM's list of
 * endpoints (its security page), BentoML's server, Ray Serve, MLflow's scoring
 * server; SGLang, llama.cpp, Ollama and OpenAI's own API from general
 * knowledge.
 */
#include "policy/presets.h"

#include <string.h>

#include "policy/policy.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define WORD   ROUTE_SPARES_INFERENCE
#define NOPOST ROUTE_SPARES_POST

#define V2_ROUTES(X)                                                                                         \
	X("v2/models/*/infer") X("v2/models/*/versions/*/infer")                                             \
	X("v2/models/*/infer_stream") X("v2/models/*/versions/*/infer_stream")                               \
	X("v2/models/*/generate") X("v2/models/*/versions/*/generate")                                       \
	X("v2/models/*/generate_stream") X("v2/models/*/versions/*/generate_stream")

#define TFSERVING_ROUTES(X)                                                                                  \
	X("v1/models/*:predict") X("v1/models/*:classify") X("v1/models/*:regress")                          \
	X("v1/models/*/versions/*:predict") X("v1/models/*/versions/*:classify")                             \
	X("v1/models/*/versions/*:regress") X("v1/models/*/labels/*:predict")                                \
	X("v1/models/*/labels/*:classify") X("v1/models/*/labels/*:regress")

#define TORCHSERVE_ROUTES(X)                                                                                 \
	X("predictions/*") X("predictions/*/*") X("explanations/*") X("explanations/*/*")                    \
	X("v1/models/*:predict") X("v1/models/*:explain")

/* vLLM's and KServe's; openai/deployments is Azure's form, Anthropic's is v1/messages */
#define OPENAI_ROUTES(X)                                                                                     \
	X("v1/chat/completions") X("v1/completions") X("v1/embeddings") X("v1/responses") X("v1/messages")   \
	X("v1/score") X("v1/rerank") X("v2/rerank") X("v2/embed") X("score") X("rerank") X("pooling")        \
	X("classify") X("invocations")                                                                       \
	X("openai/deployments/*/chat/completions") X("openai/deployments/*/completions")                     \
	X("openai/deployments/*/embeddings")

#define MLFLOW_ROUTES(X) X("invocations")

#define PRESETS(X)                                                                                           \
	X(v2, V2_ROUTES) X(tfserving, TFSERVING_ROUTES) X(torchserve, TORCHSERVE_ROUTES)                     \
	X(openai, OPENAI_ROUTES) X(mlflow, MLFLOW_ROUTES)

#define ROUTE(pattern) { pattern, 0 },
#define TABLE(name, ROUTES) static const struct route name##_routes[] = { ROUTES(ROUTE) };
PRESETS(TABLE)
static const struct route all_routes[] = {
#define ALL(name, ROUTES) ROUTES(ROUTE)
	PRESETS(ALL)
};

static const struct route denied[] = {
	/* Triton, KServe, MLServer: model repository, shared memory, settings, health, metadata */
	{ "v2/repository/**", 0 },
	{ "v2/*sharedmemory/**", 0 },
	{ "v2/logging", 0 },
	{ "trace/setting", 0 },
	{ "v2/health/**", 0 },
	{ "v2/docs/**", 0 },
	{ "v2/models/*/ready", 0 },
	{ "v2/models/*/config", 0 },
	{ "v2/models/*/stats", 0 },
	{ "v2/models/stats", 0 },
	{ "v2/models/*/versions/*/ready", 0 },
	{ "v2/models/*/versions/*/config", 0 },
	{ "v2/models/*/versions/*/stats", 0 },
	{ "v2/models/*/versions/*", NOPOST | WORD },
	{ "v2", NOPOST },

	/* TensorFlow Serving, KServe V1: metadata and status */
	{ "v1/models/*/metadata", 0 },
	{ "v1/models/*/versions/*/metadata", 0 },
	{ "v1/models/*/labels/*/metadata", 0 },
	{ "v1/models/*/versions/*", NOPOST | WORD },
	{ "v1/models/*/labels/*", NOPOST | WORD },

	/* TorchServe's management (also SageMaker's): register, scale, describe, unregister, set-default */
	{ "models", WORD },
	{ "models/*", NOPOST | WORD },
	{ "models/*/*", NOPOST | WORD },
	{ "models/*/set-default", WORD },
	{ "models/*/*/set-default", WORD },
	{ "api-description", WORD },

	/* vLLM and SGLang: adapters, weights, sleeping, caches, profiling */
	{ "*lora_adapter", WORD },
	{ "*lora_adapters", WORD },
	{ "*lora-adapter", WORD },
	{ "*lora-adapters", WORD },
	{ "pause", WORD },
	{ "pause_generation", WORD },
	{ "continue_generation", WORD },
	{ "resume", WORD },
	{ "sleep", WORD },
	{ "wake_up", WORD },
	{ "is_sleeping", WORD },
	{ "is_paused", WORD },
	{ "update_weight*", WORD },
	{ "init_weight*", WORD },
	{ "abort_request", WORD },
	{ "abort_requests", WORD },
	{ "reset_*", WORD },
	{ "flush_cache", WORD },
	{ "collective_rpc", WORD },
	{ "scale_elastic_ep", WORD },
	{ "is_scaling_elastic_ep", WORD },
	{ "start_profile", WORD },
	{ "stop_profile", WORD },
	{ "release_memory_occupation", WORD },
	{ "resume_memory_occupation", WORD },
	{ "set_internal_state", WORD },
	{ "server_info", WORD },

	/* OpenAI-style services that keep what they are given */
	{ "v1/files/**", 0 },
	{ "v1/uploads/**", 0 },
	{ "v1/batches/**", 0 },
	{ "v1/fine_tuning/**", 0 },
	{ "v1/vector_stores/**", 0 },
	{ "v1/assistants/**", 0 },
	{ "v1/threads/**", 0 },

	/* llama.cpp, LocalAI, Ollama */
	{ "models/apply", 0 },
	{ "models/delete/**", WORD },
	{ "slots/**", WORD },
	{ "api/pull", 0 },
	{ "api/push", 0 },
	{ "api/create", 0 },
	{ "api/copy", 0 },
	{ "api/delete", 0 },
	{ "api/blobs/**", 0 },

	/* BentoML's tasks; Ray Serve's own routes; MLflow's tracking server */
	{ "*/submit", WORD },
	{ "*/status", WORD },
	{ "*/retry", WORD },
	{ "*/cancel", WORD },
	{ "-/**", 0 },
	{ "api/2.0/mlflow/**", 0 },
	{ "ajax-api/**", 0 },

	/* loading and unloading, whoever calls it so */
	{ "load", WORD },
	{ "unload", WORD },
	{ "load_model", WORD },
	{ "unload_model", WORD },
	{ "reload", WORD },
	{ "shutdown", WORD },
	{ "restart", WORD },
	{ "quitquitquit", WORD },

	/* administration, health and metrics, whoever calls them so */
	{ "admin/**", WORD },
	{ "actuator/**", WORD },
	{ "debug/pprof/**", WORD },
	{ "health", WORD },
	{ "health/live", WORD },
	{ "health/ready", WORD },
	{ "health/liveness", WORD },
	{ "health/readiness", WORD },
	{ "healthz", WORD },
	{ "healthcheck", WORD },
	{ "livez", WORD },
	{ "readyz", WORD },
	{ "livez/**", WORD },
	{ "readyz/**", WORD },
	{ "ping", WORD },
	{ "version", WORD },
	{ "metrics", WORD },
	{ "docs", NOPOST | WORD },
	{ "openapi.json", WORD },
};

static const struct route_table all_table = { all_routes, COUNT(all_routes) };
static const struct route_table denied_table = { denied, COUNT(denied) };

static const struct {
	const char *name;
	struct route_table table;
} presets[] = {
#define PRESET(name, ROUTES) { #name, { name##_routes, COUNT(name##_routes) } },
	PRESETS(PRESET)
	{ "any", { NULL, 0 } },
};

const struct route_table *preset_find(const char *name)
{
	for (size_t i = 0; i < COUNT(presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i].table;
	return NULL;
}

const char *preset_names(void)
{
#define NAME(name, ROUTES) #name ", "
	return PRESETS(NAME) "any";
}

const struct route_table *inference_routes(void)
{
	return &all_table;
}

const struct route_table *denied_routes(void)
{
	return &denied_table;
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
