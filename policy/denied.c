/*
 * denied.c - routes as data: what must be left alone
 *
 * Theory of operation: the deny list names what changes a server, reads its
 * health, or would have a price if it happened twice, and holds for every
 * preset and for none (policy.c asks it first).
 *
 * It has two kinds of rows. A protocol's own routes (v2/repository/...) mean one
 * thing wherever they stand. Ordinary words (metrics, load, resume; WORD) could
 * also be a model's name, as in /predictions/metrics, so they spare paths that
 * are inference routes of any preset. A service of one's own at POST
 * /parse/resume is denied: a request too few is the better mistake, and
 * --allow-side-effects with --path or --not-path says otherwise.
 *
 * Groups are by server, each with what it was made from; shadowtap --list-presets
 * prints them so. Servers share routes: one that several have stands where it was
 * met first.
 */
#include "policy/presets.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define WORD   ROUTE_SPARES_INFERENCE
#define NOPOST ROUTE_SPARES_POST

#define TRITON_SOURCES \
	"Triton Server (2025) and its extensions, KServe 0.15, MLServer 1.7: repository, shared " \
	"memory, settings, health, metadata; with TorchServe's form of the protocol"
#define TRITON_ROUTES(X) \
	X("*.GRPCInferenceService/Repository*", 0) X("*.GRPCInferenceService/*SharedMemory*", 0) \
	X("*.GRPCInferenceService/Trace*", 0) X("*.GRPCInferenceService/LogSettings", 0) \
	X("*.GRPCInferenceService/ModelConfig", 0) X("*.GRPCInferenceService/ModelStatistics", 0) \
	X("*.GRPCInferenceService/Server*", 0) X("*.GRPCInferenceService/ModelReady", 0) \
	X("*.GRPCInferenceService/ModelMetadata", 0) \
	X("inference.model_repository.ModelRepositoryService/**", 0) \
	X("v2/repository/**", 0) X("v2/*sharedmemory/**", 0) X("v2/logging", 0) \
	X("trace/setting", 0) X("v2/health/**", 0) X("v2/docs/**", 0) X("v2/models/*/ready", 0) \
	X("v2/models/*/config", 0) X("v2/models/*/stats", 0) X("v2/models/stats", 0) \
	X("v2/models/*/versions/*/ready", 0) X("v2/models/*/versions/*/config", 0) \
	X("v2/models/*/versions/*/stats", 0) X("v2/models/*/versions/*", NOPOST | WORD) \
	X("v2", NOPOST)

#define TFSERVING_SOURCES "TensorFlow Serving 2.19, KServe 0.15 (V1), OpenVINO Model Server: metadata and status"
#define TFSERVING_ROUTES(X) \
	X("tensorflow.serving.ModelService/**", 0) \
	X("tensorflow.serving.PredictionService/GetModelMetadata", 0) \
	X("v1/models/*/metadata", 0) X("v1/models/*/versions/*/metadata", 0) \
	X("v1/models/*/labels/*/metadata", 0) X("v1/models/*/versions/*", NOPOST | WORD) \
	X("v1/models/*/labels/*", NOPOST | WORD) X("v1/config/reload", 0)

#define TORCHSERVE_SOURCES \
	"TorchServe 0.12 (management and workflow management API), DJL Serving, SageMaker " \
	"multi-model: register, scale, unregister"
#define TORCHSERVE_ROUTES(X) \
	X("org.pytorch.serve.grpc.management.ManagementAPIsService/**", 0) \
	X("org.pytorch.serve.grpc.inference.InferenceAPIsService/Ping", 0) \
	X("models", WORD) X("models/*", NOPOST | WORD) X("models/*/*", NOPOST | WORD) \
	X("models/*/set-default", WORD) X("models/*/*/set-default", WORD) \
	X("models/*/adapters", WORD) X("models/*/adapters/*", WORD) X("workflows", WORD) \
	X("workflows/*", WORD) X("api-description", WORD)

#define SELDON_SOURCES "Seldon Core 1.18: rewards sent back, pausing; KServe's ModelMesh: models and their aliases"
#define SELDON_ROUTES(X) \
	X("api/v0.1/feedback", 0) X("api/v1.0/feedback", 0) X("send-feedback", WORD) \
	X("unpause", WORD) X("seldon.protos.*/SendFeedback", 0) X("mmesh.ModelMesh/**", 0)

#define VLLM_SOURCES \
	"vLLM 0.11 (its list of endpoints, docs/usage/security.md): adapters, weights, sleeping, " \
	"caches, profiling"
#define VLLM_ROUTES(X) \
	X("*lora_adapter", WORD) X("*lora_adapters", WORD) X("pause", WORD) X("resume", WORD) \
	X("sleep", WORD) X("wake_up", WORD) X("is_sleeping", WORD) X("is_paused", WORD) \
	X("update_weight*", WORD) X("init_weight*", WORD) X("*_weight_update", WORD) \
	X("abort_requests", WORD) X("reset_*", WORD) X("collective_rpc", WORD) \
	X("scale_elastic_ep", WORD) X("is_scaling_elastic_ep", WORD) X("start_profile", WORD) \
	X("stop_profile", WORD) X("server_info", WORD)

#define SGLANG_SOURCES \
	"SGLang 0.5 (http_server.py of late 2025) and its router: weights, memory, sessions, " \
	"recording, logging, workers"
#define SGLANG_ROUTES(X) \
	X("destroy_weight*", WORD) X("send_weight*", WORD) X("get_weight*", WORD) \
	X("pause_generation", WORD) X("continue_generation", WORD) X("abort_request", WORD) \
	X("flush_cache", WORD) X("freeze_gc", WORD) X("clear_hicache_storage_backend", WORD) \
	X("hicache/**", WORD) X("*_expert_distribution_record", WORD) X("configure_logging", WORD) \
	X("set_trace_level", WORD) X("open_session", WORD) X("close_session", WORD) \
	X("release_memory_occupation", WORD) X("resume_memory_occupation", WORD) \
	X("slow_down", WORD) X("set_internal_state", WORD) X("add_worker", WORD) \
	X("remove_worker", WORD) X("workers", WORD) X("workers/*", WORD)

#define LMDEPLOY_SOURCES "LMDeploy 0.10 (API server and proxy), NVIDIA Dynamo: sleeping, ending, nodes, migration"
#define LMDEPLOY_ROUTES(X) \
	X("wakeup", WORD) X("terminate", WORD) X("distserve/**", WORD) X("nodes/**", WORD) \
	X("clear_kv_blocks", WORD)

#define LLAMACPP_SOURCES \
	"llama.cpp's server (late 2025), text-generation-webui, TabbyAPI: properties, slots, " \
	"adapters, models, tools"
#define LLAMACPP_ROUTES(X) \
	X("props", WORD) X("slots/**", WORD) X("*lora-adapter", WORD) X("*lora-adapters", WORD) \
	X("chat/completions/control", 0) X("tools", WORD) X("cors-proxy", WORD) \
	X("v1/internal/**", 0) X("v1/download", WORD) X("v1/template/*", WORD) \
	X("v1/sampling/override/*", WORD)

#define OLLAMA_SOURCES "Ollama 0.12: models, blobs, keys"
#define OLLAMA_ROUTES(X) \
	X("api/pull", 0) X("api/push", 0) X("api/create", 0) X("api/copy", 0) X("api/delete", 0) \
	X("api/blobs/**", 0) X("api/signout", 0) X("api/user/keys/**", 0)

#define LOCALAI_SOURCES \
	"LocalAI 3 (routes of late 2025), Xinference 1: galleries, backends, stores, registers, " \
	"launching"
#define LOCALAI_ROUTES(X) \
	X("models/apply", 0) X("models/delete/**", WORD) X("models/import*", WORD) \
	X("models/edit/*", WORD) X("models/toggle-*/**", WORD) X("backends/**", WORD) \
	X("backend/monitor", WORD) X("backend/shutdown", WORD) X("stores/set", 0) \
	X("stores/delete", 0) X("v1/face/register", 0) X("v1/face/forget", 0) \
	X("v1/voice/register", 0) X("v1/voice/forget", 0) X("api/*/clear", 0) X("api/*/*/clear", 0) \
	X("api/models/config-json/**", 0) X("v1/models", 0) X("v1/model_registrations/**", 0) \
	X("v1/cluster/**", WORD) X("v1/workers/**", WORD)

#define OPENAI_SOURCES \
	"OpenAI's API (late 2025), Azure's and Anthropic's forms: what is kept, or runs on behind " \
	"the answer"
#define OPENAI_ROUTES(X) \
	X("v1/files/**", 0) X("v1/uploads/**", 0) X("v1/batches/**", 0) X("v1/fine_tuning/**", 0) \
	X("v1/fine-tunes/**", 0) X("v1/vector_stores/**", 0) X("v1/assistants/**", 0) \
	X("v1/threads/**", 0) X("v1/conversations/**", 0) X("v1/containers/**", 0) \
	X("v1/evals/**", 0) X("v1/videos/**", 0) X("v1/realtime/**", 0) X("v1/organization/**", 0) \
	X("v1/chat/completions/*", 0) X("v1/messages/batches/**", 0) X("openai/files/**", 0) \
	X("openai/uploads/**", 0) X("openai/batches/**", 0) X("openai/fine_tuning/**", 0) \
	X("openai/vector_stores/**", 0) X("openai/assistants/**", 0) X("openai/threads/**", 0) \
	X("openai/deployments", 0) X("openai/deployments/*", NOPOST)

#define LITELLM_SOURCES "LiteLLM's proxy 1.7x: keys, models, teams, caches"
#define LITELLM_ROUTES(X) \
	X("key/generate", WORD) X("key/update", WORD) X("key/delete", WORD) X("key/block", WORD) \
	X("key/unblock", WORD) X("key/regenerate", WORD) X("model/new", WORD) \
	X("model/update", WORD) X("model/delete", WORD) X("team/new", WORD) X("team/update", WORD) \
	X("team/delete", WORD) X("user/new", WORD) X("user/update", WORD) X("user/delete", WORD) \
	X("budget/new", WORD) X("config/update", WORD) X("cache/delete", WORD) \
	X("cache/flushall", WORD)

#define PLATFORMS_SOURCES \
	"BentoML 1.4 (tasks), Ray Serve and Ray's dashboard 2.50 (deploying, jobs), MLflow 3 " \
	"(tracking), OpenTelemetry, Feast"
#define PLATFORMS_ROUTES(X) \
	X("*/submit", WORD) X("*/status", WORD) X("*/retry", WORD) X("*/cancel", WORD) X("-/**", 0) \
	X("api/serve/**", 0) X("api/jobs/**", 0) X("api/2.0/mlflow/**", 0) X("api/3.0/mlflow/**", 0) \
	X("api/2.0/mlflow-artifacts/**", 0) X("api/2.0/endpoints/**", 0) X("ajax-api/**", 0) \
	X("v1/traces", 0) X("v1/metrics", 0) X("v1/logs", 0) \
	X("opentelemetry.proto.collector.*/**", 0) X("write-to-online-store", WORD) \
	X("materialize", WORD) X("materialize-incremental", WORD) X("push", WORD)

#define DIFFUSION_SOURCES "Stable Diffusion's web UI 1.10: options, checkpoints, training, the server"
#define DIFFUSION_ROUTES(X) \
	X("sdapi/v1/options", 0) X("sdapi/v1/*-checkpoint", 0) X("sdapi/v1/refresh-*", 0) \
	X("sdapi/v1/server-*", 0) X("sdapi/v1/create/**", 0) X("sdapi/v1/train/**", 0) \
	X("sdapi/v1/interrupt", 0) X("sdapi/v1/skip", 0)

#define LOADING_SOURCES "loading and unloading, by these names on any server"
#define LOADING_ROUTES(X) \
	X("load", WORD) X("unload", WORD) X("load_model", WORD) X("unload_model", WORD) \
	X("reload", WORD) X("shutdown", WORD) X("restart", WORD) X("quitquitquit", WORD)

#define HEALTH_SOURCES "administration, health, reflection and metrics, by these names on any server"
#define HEALTH_ROUTES(X) \
	X("admin/**", WORD) X("actuator/**", WORD) X("debug/pprof/**", WORD) X("health", WORD) \
	X("health/live", WORD) X("health/ready", WORD) X("health/liveness", WORD) \
	X("health/readiness", WORD) X("healthz", WORD) X("healthcheck", WORD) X("livez", WORD) \
	X("readyz", WORD) X("grpc.health.*/**", 0) X("grpc.reflection.*/**", 0) X("grpc.channelz.*/**", 0) \
	X("livez/**", WORD) X("readyz/**", WORD) X("ping", WORD) \
	X("version", WORD) X("metrics", WORD) X("docs", NOPOST | WORD) X("openapi.json", WORD)

#define GROUPS(X) \
	X(TRITON) X(TFSERVING) X(TORCHSERVE) X(SELDON) X(VLLM) X(SGLANG) X(LMDEPLOY) X(LLAMACPP) \
	X(OLLAMA) X(LOCALAI) X(OPENAI) X(LITELLM) X(PLATFORMS) X(DIFFUSION) X(LOADING) X(HEALTH)

#define ROW(pattern, flags) { pattern, flags },
#define TABLE(name) static const struct route name##_rows[] = { name##_ROUTES(ROW) };
GROUPS(TABLE)

static const struct route denied[] = {
#define ALL(name) name##_ROUTES(ROW)
	GROUPS(ALL)
};

static const struct denied_group groups[] = {
#define GROUP(name) { name##_SOURCES, { name##_rows, COUNT(name##_rows) } },
	GROUPS(GROUP)
};

static const struct route_table denied_table = { denied, COUNT(denied) };

const struct route_table *denied_routes(void)
{
	return &denied_table;
}

size_t denied_group_count(void)
{
	return COUNT(groups);
}

const struct denied_group *denied_group(size_t i)
{
	return &groups[i];
}
