/*
 * test_route.c - both sides of the deny list and of every preset, as tables
 *
 * The rows are the routes of the servers in the order of their documents: what
 * must be mirrored, what must not, and the ways to write the latter so that it
 * looks like the former.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/glob.h"
#include "policy/policy.h"
#include "policy/presets.h"
#include "policy/route.h"
#include "policy/request_target.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static enum decision decide(const struct policy_options *options, const char *method, const char *target)
{
	struct request_head head = { .method = span_str(method), .target = span_str(target), .version_major = 1,
				     .version_minor = 1 };
	struct request_origin origin = { 0 };
	struct buffer error = { 0 };
	struct policy *p = NULL;
	enum decision v;

	assert_int_equal(policy_new(options, &p, &error), 0);
	v = policy_decide(p, &head, &origin);
	policy_free(p);
	buffer_deinit(&error);
	return v;
}

static const char *any[] = { "any" };

static enum decision decide_any(const char *method, const char *target)
{
	struct policy_options options = { .methods = { any, 1 }, .sample_share = SHARE_ONE };

	return decide(&options, method, target);
}

static const struct {
	const char *method, *target;
} mirrored[] = {
	/* TensorFlow Serving, KServe V1 */
	{ "POST", "/v1/models/m:predict" },
	{ "POST", "/v1/models/m/versions/3:classify" },
	{ "POST", "/v1/models/m/labels/stable:regress" },
	{ "POST", "/v1/models/load_forecaster:predict" },
	{ "POST", "/v1/models/load:predict" },
	{ "POST", "/v1/models/metrics:explain" },
	{ "PUT", "/v1/models/m:predict" },
	{ "POST", "/v1/models/m:predict?verbose=/v2/repository/index" },
	{ "POST", "/v1/models/m:predict#/metrics" },
	/* Triton, KServe V2, MLServer */
	{ "POST", "/v2/models/m/infer" },
	{ "POST", "/v2/models/m/versions/1/infer" },
	{ "POST", "/v2/models/health/infer" },
	{ "POST", "/v2/models/repository/infer" },
	{ "POST", "/v2/models/logging/versions/2/generate_stream" },
	{ "POST", "/v2/models/sharedmemory/generate" },
	{ "POST", "/v2/models/admin/infer" },
	{ "PUT", "/v2/models/m/infer" },
	/* TorchServe */
	{ "POST", "/predictions/m" },
	{ "PUT", "/predictions/m/2.0" },
	{ "POST", "/predictions/metrics_model" },
	{ "POST", "/predictions/metrics" },
	{ "POST", "/predictions/resume" },
	{ "POST", "/explanations/health" },
	/* vLLM and others with OpenAI's routes */
	{ "POST", "/v1/chat/completions" },
	{ "POST", "/v1/completions" },
	{ "POST", "/v1/embeddings" },
	{ "POST", "/v1/score" },
	{ "POST", "/v1/rerank" },
	{ "POST", "/v1/responses" },
	{ "POST", "/v1/messages" },
	{ "POST", "/v2/embed" },
	{ "POST", "/pooling" },
	{ "POST", "/classify" },
	{ "POST", "/openai/v1/chat/completions" },
	{ "POST", "/openai/deployments/load/chat/completions" },
	{ "POST", "/api/generate" },
	{ "POST", "/v1/audio/transcriptions" },
	{ "POST", "/v1/images/edits" },
	{ "POST", "/openai/deployments/push/audio/speech" },
	{ "POST", "/stores/find" },
	{ "POST", "/v1/face/verify" },
	{ "POST", "/wfpredict/tools" },
	{ "POST", "/sdapi/v1/txt2img" },
	{ "POST", "/api/v1.0/predictions" },
	/* MLflow, SageMaker, BentoML, Ray Serve, services of one's own */
	{ "POST", "/invocations" },
	{ "POST", "/models/churn/invoke" },
	{ "POST", "/models/iris" },
	{ "POST", "/api/models/churn/predict" },
	{ "POST", "/predict" },
	{ "POST", "/summarize" },
	{ "POST", "/submit" },
	{ "POST", "/reloaded" },
	{ "POST", "/loader/load_balance" },
	{ "POST", "/api/health/predict" },
	{ "POST", "/metrics/predict" },
	{ "POST", "/status" },
	{ "POST", "/" },
	{ "POST", "/a%20b%zz%" },
	{ "POST", "/predict;v=1" },
	{ "POST", "/v1.0/..x/.../predict" },
	{ "OPTIONS", "*" },
};

static const struct {
	const char *method, *target;
} denied[] = {
	/* Triton, KServe, MLServer */
	{ "POST", "/v2/repository/index" },
	{ "POST", "/v2/repository/models/m/load" },
	{ "POST", "/v2/repository/models/m/unload" },
	{ "POST", "/v2/repository/models/m/versions/1/load" },
	{ "POST", "/v2/repository" },
	{ "POST", "/v2/repository/r/models/m/infer" },
	{ "GET", "/v2/health/live" },
	{ "GET", "/v2/health/ready" },
	{ "GET", "/v2" },
	{ "GET", "/v2/models/m/ready" },
	{ "GET", "/v2/models/m/versions/1/ready" },
	{ "GET", "/v2/models/m/config" },
	{ "GET", "/v2/models/m/versions/1/stats" },
	{ "GET", "/v2/models/stats" },
	{ "POST", "/v2/trace/setting" },
	{ "POST", "/v2/models/m/trace/setting" },
	{ "POST", "/v2/logging" },
	{ "POST", "/v2/systemsharedmemory/region/r/register" },
	{ "POST", "/v2/systemsharedmemory/unregister" },
	{ "POST", "/v2/cudasharedmemory/region/r/register" },
	{ "GET", "/v2/systemsharedmemory/status" },
	{ "GET", "/v2/docs" },
	/* TensorFlow Serving, KServe V1 */
	{ "GET", "/v1/models/m" },
	{ "GET", "/v1/models/m/metadata" },
	{ "GET", "/v1/models/m/versions/1" },
	{ "GET", "/v1/models/m/versions/1/metadata" },
	{ "GET", "/monitoring/prometheus/metrics" },
	/* TorchServe's management */
	{ "POST", "/models?url=m.mar" },
	{ "PUT", "/models/m?min_worker=2" },
	{ "DELETE", "/models/m/1.0" },
	{ "PUT", "/models/m/2.0/set-default" },
	{ "GET", "/models" },
	{ "GET", "/ping" },
	/* vLLM, SGLang */
	{ "POST", "/v1/load_lora_adapter" },
	{ "POST", "/v1/unload_lora_adapter" },
	{ "POST", "/pause" },
	{ "POST", "/resume?tag=1" },
	{ "POST", "/sleep" },
	{ "POST", "/wake_up" },
	{ "POST", "/update_weights" },
	{ "POST", "/update_weights_from_disk" },
	{ "POST", "/abort_requests" },
	{ "POST", "/reset_prefix_cache" },
	{ "POST", "/collective_rpc" },
	{ "POST", "/start_profile" },
	{ "POST", "/stop_profile" },
	{ "GET", "/health" },
	{ "GET", "/version" },
	{ "GET", "/load" },
	{ "GET", "/metrics" },
	{ "POST", "/flush_cache" },
	{ "POST", "/lora-adapters" },
	/* services that keep what they are given */
	{ "POST", "/v1/files" },
	{ "POST", "/v1/fine_tuning/jobs" },
	{ "POST", "/v1/batches/b/cancel" },
	{ "POST", "/v1/threads/t/runs" },
	{ "POST", "/api/pull" },
	{ "POST", "/api/2.0/mlflow/runs/create" },
	/* BentoML, Ray Serve, FastAPI */
	{ "GET", "/healthz" },
	{ "GET", "/livez" },
	{ "GET", "/readyz" },
	{ "POST", "/summarize/submit" },
	{ "POST", "/summarize/retry" },
	{ "PUT", "/summarize/cancel" },
	{ "GET", "/summarize/status" },
	{ "GET", "/-/healthz" },
	{ "GET", "/-/routes" },
	{ "GET", "/docs" },
	{ "GET", "/openapi.json" },
	{ "POST", "/admin/users" },
	{ "POST", "/models/load" },
	{ "POST", "/reload" },
	{ "GET", "/debug/pprof/profile" },

	/* SGLang's session, memory, recording and logging; its router */
	{ "POST", "/freeze_gc" },
	{ "POST", "/configure_logging" },
	{ "POST", "/open_session" },
	{ "POST", "/close_session" },
	{ "POST", "/start_expert_distribution_record" },
	{ "POST", "/stop_expert_distribution_record" },
	{ "POST", "/dump_expert_distribution_record" },
	{ "POST", "/destroy_weights_update_group" },
	{ "POST", "/send_weights_to_remote_instance" },
	{ "POST", "/get_weights_by_name" },
	{ "POST", "/clear_hicache_storage_backend" },
	{ "PUT", "/hicache/storage-backend" },
	{ "POST", "/slow_down" },
	{ "POST", "/add_worker?url=http://w" },
	{ "POST", "/workers" },
	/* workflows of TorchServe and DJL, adapters of DJL */
	{ "POST", "/workflows?url=https://x/y.war" },
	{ "PUT", "/workflows/dog" },
	{ "POST", "/models/m/adapters?name=a&src=b" },
	/* vLLM, LMDeploy, Dynamo */
	{ "POST", "/start_weight_update" },
	{ "POST", "/init_weight_transfer_engine" },
	{ "POST", "/v1/responses/r/cancel" },
	{ "POST", "/wakeup" },
	{ "POST", "/distserve/p2p_connect" },
	{ "POST", "/nodes/add" },
	{ "GET", "/terminate" },
	{ "POST", "/clear_kv_blocks" },
	/* llama.cpp and its kind */
	{ "POST", "/props" },
	{ "POST", "/slots/0?action=erase" },
	{ "POST", "/models/unload" },
	{ "POST", "/v1/chat/completions/control" },
	{ "POST", "/v1/internal/model/load" },
	/* LocalAI, Ollama, Xinference */
	{ "POST", "/models/import-uri" },
	{ "POST", "/models/edit/m" },
	{ "PUT", "/models/toggle-state/m/disable" },
	{ "POST", "/backends/apply" },
	{ "POST", "/v1/backend/shutdown" },
	{ "POST", "/stores/set" },
	{ "POST", "/v1/face/register" },
	{ "POST", "/api/traces/clear" },
	{ "POST", "/api/create" },
	{ "DELETE", "/api/delete" },
	{ "POST", "/v1/models" },
	/* OpenAI's API, Azure's and Anthropic's */
	{ "POST", "/v1/uploads/u/parts" },
	{ "POST", "/v1/vector_stores" },
	{ "POST", "/v1/conversations" },
	{ "POST", "/v1/chat/completions/chatcmpl-1" },
	{ "POST", "/v1/realtime/client_secrets" },
	{ "POST", "/v1/messages/batches" },
	{ "POST", "/openai/files" },
	{ "POST", "/openai/batches?api-version=1" },
	{ "POST", "/openai/v1/files" },
	{ "PUT", "/openai/deployments/d" },
	/* gateways and platforms */
	{ "POST", "/key/generate" },
	{ "POST", "/model/new" },
	{ "PUT", "/api/serve/applications/" },
	{ "POST", "/api/jobs/" },
	{ "POST", "/api/2.0/mlflow-artifacts/artifacts/a" },
	{ "POST", "/v1/traces" },
	{ "POST", "/api/v1.0/feedback" },
	{ "POST", "/push" },
	{ "POST", "/sdapi/v1/options" },

	/* behind a prefix */
	{ "POST", "/gateway/v2/repository/models/m/load" },
	{ "POST", "/a/b/c/metrics" },
	{ "POST", "/serving/ns/m/v2/logging" },
	/* in another form: absolute, doubled slashes, no leading slash, trailing slash, other letters */
	{ "POST", "http://prod:8000/v2/repository/index" },
	{ "POST", "HTTPS://user:pw@prod/v2/repository/index" },
	{ "POST", "//v2///repository//index" },
	{ "POST", "v2/repository/index" },
	{ "POST", "/v2/repository/" },
	{ "GET", "/metrics/" },
	{ "POST", "/V2/Repository/models/m/load" },
	{ "POST", "/v2/logging#x" },
	/* escaped, once and again */
	{ "POST", "/v2/%72epository/index" },
	{ "POST", "/v2/r%65positor%79/index" },
	{ "POST", "/%76%32/repository/index" },
	{ "POST", "/v2/repository%2Fmodels%2fm%2Fload" },
	{ "POST", "/v2%2Frepository/index" },
	{ "POST", "/v2/%2572epository/index" },
	{ "POST", "/v2/%25%37%32epository/index" },
	{ "POST", "/v2/%252572epository/index" },
	{ "POST", "%2Fv2%2Flogging" },
	/* servers disagree about these, clients do not send them */
	{ "POST", "/v2/models/../repository/index" },
	{ "POST", "/v2/models/m/infer/../../../repository/index" },
	{ "POST", "/v2/./repository/index" },
	{ "POST", "/v1/models/%2e%2e/m:predict" },
	{ "POST", "/v1/models/.%2E%2Fm:predict" },
	{ "POST", "/predictions/..;/m" },
	{ "POST", "/v2/repository;v=1/index" },
	{ "POST", "/v2/repository%3Bv=1/index" },
	{ "GET", "/metrics%00" },
	{ "GET", "/met\nrics" },
};

static void test_deny_list(void **state)
{
	for (size_t i = 0; i < COUNT(mirrored); i++)
		if (decide_any(mirrored[i].method, mirrored[i].target) != DECISION_CHOSEN)
			fail_msg("%s %s should be mirrored", mirrored[i].method, mirrored[i].target);
	for (size_t i = 0; i < COUNT(denied); i++)
		if (decide_any(denied[i].method, denied[i].target) != DECISION_FILTERED_DENIED)
			fail_msg("%s %s should be denied", denied[i].method, denied[i].target);
}

static void test_side_effects_allowed(void **state)
{
	struct policy_options options = { .methods = { any, 1 }, .sample_share = SHARE_ONE,
					  .allow_side_effects = true };

	for (size_t i = 0; i < COUNT(denied); i++)
		assert_int_equal(decide(&options, denied[i].method, denied[i].target), DECISION_CHOSEN);
}

/* Each row of the deny list denies something: written out plainly, behind two prefixes, it is denied. */
static void test_every_deny_row(void **state)
{
	const struct route_table *table = denied_routes();
	static const char *prefixes[] = { "/", "/gateway/", "//x/y/" };

	for (size_t i = 0; i < table->count; i++) {
		for (size_t p = 0; p < COUNT(prefixes); p++) {
			char path[256];
			size_t n = (size_t)snprintf(path, sizeof(path), "%s", prefixes[p]);

			for (const char *c = table->routes[i].pattern; *c; c++)
				path[n++] = *c == '*' ? 'z' : *c;
			path[n] = '\0';
			if (decide_any("GET", path) != DECISION_FILTERED_DENIED)
				fail_msg("row %s does not deny %s", table->routes[i].pattern, path);
		}
	}
}

/* What is printed has every row of every list, and where it comes from. */
static void test_presets_text(void **state)
{
	struct buffer out = { 0 };
	const char *text;
	size_t rows = 0;

	presets_text(&out);
	text = buffer_text(&out);
	for (size_t i = 0; i < denied_group_count(); i++) {
		assert_non_null(strstr(text, denied_group(i)->sources));
		rows += denied_group(i)->table.count;
	}
	assert_int_equal(rows, denied_routes()->count);
	for (size_t i = 0; i < rows; i++)
		assert_non_null(strstr(text, denied_routes()->routes[i].pattern));
	for (size_t i = 0; i < inference_routes()->count; i++)
		assert_non_null(strstr(text, inference_routes()->routes[i].pattern));
	assert_non_null(strstr(text, "\nopenai: OpenAI's API"));
	buffer_deinit(&out);
}

/* No inference route of any preset is denied, whatever model it names. */
static void test_no_inference_denied(void **state)
{
	static const char *models[] = { "m", "load", "metrics", "health", "reset_it", "admin", "models", "submit" };
	const struct route_table *table = inference_routes();

	for (size_t i = 0; i < table->count; i++) {
		for (size_t m = 0; m < COUNT(models); m++) {
			char path[512] = "/";
			size_t n = 1;

			for (const char *c = table->routes[i].pattern; *c; c++) {
				if (*c == '*')
					n += (size_t)snprintf(path + n, sizeof(path) - n, "%s", models[m]);
				else
					path[n++] = *c;
			}
			path[n] = '\0';
			if (decide_any("POST", path) != DECISION_CHOSEN || decide_any("PUT", path) != DECISION_CHOSEN)
				fail_msg("%s is denied", path);
		}
	}
}

static const struct {
	const char *preset, *target;
	bool has;
} preset_rows[] = {
	{ "v2", "/v2/models/m/infer", true },
	{ "v2", "/v2/models/m/infer?trace=1", true },
	{ "v2", "/v2/models/m/versions/1/infer", true },
	{ "v2", "/v2/models/m/infer_stream", true },
	{ "v2", "/v2/models/m/generate", true },
	{ "v2", "/v2/models/m/versions/1/generate_stream", true },
	{ "v2", "/gateway/team/v2/models/m/infer", true },
	{ "v2", "http://prod/v2/models/m/infer", true },
	{ "v2", "/v2/models/org%2Fm/infer", true },
	{ "v2", "/v2/models/m%3Fx/infer", true },
	{ "v2", "//v2/models/m/infer/", true },
	{ "v2", "/v2/models/m", false },
	{ "v2", "/v2/models//infer", false },
	{ "v2", "/v2/models/a/b/infer", false },
	{ "v2", "/v2/models/m/infer/x", false },
	{ "v2", "/xv2/models/m/infer", false },
	{ "v2", "/V2/models/m/infer", false },
	{ "v2", "/v1/models/m:predict", false },
	{ "v2", "/x?/v2/models/m/infer", false },
	{ "v2", "/", false },
	{ "v2", "", false },
	{ "v2", "*", false },
	{ "tfserving", "/v1/models/m:predict", true },
	{ "tfserving", "/v1/models/m%3Apredict", true },
	{ "tfserving", "/v1/models/m:classify", true },
	{ "tfserving", "/v1/models/m:regress", true },
	{ "tfserving", "/v1/models/m/versions/2:predict", true },
	{ "tfserving", "/v1/models/m/labels/canary:predict", true },
	{ "tfserving", "/v1/models/m", false },
	{ "tfserving", "/v1/models/m:explain", false },
	{ "tfserving", "/v1/models/m/versions/2", false },
	{ "tfserving", "/v2/models/m/infer", false },
	{ "torchserve", "/predictions/m", true },
	{ "torchserve", "/predictions/m/1.0", true },
	{ "torchserve", "/explanations/m", true },
	{ "torchserve", "/v1/models/m:predict", true },
	{ "torchserve", "/v1/models/m:explain", true },
	{ "torchserve", "/predictions", false },
	{ "torchserve", "/predictions/m/1.0/x", false },
	{ "openai", "/v1/chat/completions", true },
	{ "openai", "/v1/completions", true },
	{ "openai", "/v1/embeddings", true },
	{ "openai", "/v1/score", true },
	{ "openai", "/v1/rerank", true },
	{ "openai", "/v1/responses", true },
	{ "openai", "/v1/messages", true },
	{ "openai", "/v2/embed", true },
	{ "openai", "/pooling", true },
	{ "openai", "/classify", true },
	{ "openai", "/invocations", true },
	{ "openai", "/openai/v1/completions", true },
	{ "openai", "/v1/chat", false },
	{ "openai", "/v1/models/m", false },
	{ "openai", "/chat/completions", true },
	{ "openai", "/v1/audio/transcriptions", true },
	{ "openai", "/v1/audio/translations", true },
	{ "openai", "/v1/audio/speech", true },
	{ "openai", "/v1/images/generations", true },
	{ "openai", "/v1/images/edits", true },
	{ "openai", "/v1/images/variations", true },
	{ "openai", "/v1/moderations", true },
	{ "openai", "/v1/classify", true },
	{ "openai", "/v3/chat/completions", true },
	{ "openai", "/v3/embeddings", true },
	{ "openai", "/openai/v1/audio/speech", true },
	{ "openai", "/openai/deployments/w/audio/transcriptions?api-version=2024-10-21", true },
	{ "openai", "/openai/deployments/d/images/generations", true },
	{ "openai", "/openai/deployments/g/chat/completions", true },
	{ "openai", "/openai/deployments/g/embeddings", true },
	{ "openai", "/openai/responses", true },
	{ "openai", "/audio", false },
	{ "openai", "/v1/audio/voices", false },
	{ "openai", "/v1/images", false },
	{ "openai", "/openai/deployments/g/chat", false },
	{ "openai", "/v1/messages/count", false },
	{ "torchserve", "/wfpredict/dog", true },
	{ "torchserve", "/wfpredict/dog/2", false },
	{ "tei", "/embed", true },
	{ "tei", "/embed_all", true },
	{ "tei", "/rerank", true },
	{ "tei", "/predict", true },
	{ "tei", "/gateway/v1/embeddings", true },
	{ "tei", "/tokenize", false },
	{ "tei", "/v1/completions", false },
	{ "mlflow", "/invocations", true },
	{ "mlflow", "/endpoints/e/invocations", true },
	{ "mlflow", "/predict", false },
	{ "any", "/predict", true },
	{ "any", "", true },
	{ NULL, "/predict", true },
};

static void test_presets(void **state)
{
	for (size_t i = 0; i < COUNT(preset_rows); i++) {
		struct policy_options options = { .preset = preset_rows[i].preset, .sample_share = SHARE_ONE };
		enum decision want = preset_rows[i].has ? DECISION_CHOSEN : DECISION_FILTERED_PATH;

		if (decide(&options, "POST", preset_rows[i].target) != want)
			fail_msg("preset %s, %s", preset_rows[i].preset, preset_rows[i].target);
	}
}

/*
 * Calls of gRPC by preset: the ones that take the call, or DENIED. Services and methods are those of the .proto files
 * of Triton, TensorFlow Serving and TorchServe, and of gRPC's own health and reflection.
 */
#define V2         1u
#define TFSERVING  2u
#define TORCHSERVE 4u
#define DENIED     8u
#define TRITON     "inference.GRPCInferenceService/"
#define TF         "tensorflow.serving."
#define TORCH      "org.pytorch.serve.grpc."

static const struct {
	const char *route;
	unsigned what;
} calls[] = {
	{ TRITON "ModelInfer", V2 },
	{ TRITON "ModelStreamInfer", V2 },
	{ TRITON "ServerLive", DENIED },
	{ TRITON "ServerReady", DENIED },
	{ TRITON "ServerMetadata", DENIED },
	{ TRITON "ModelReady", DENIED },
	{ TRITON "ModelMetadata", DENIED },
	{ TRITON "ModelConfig", DENIED },
	{ TRITON "ModelStatistics", DENIED },
	{ TRITON "RepositoryIndex", DENIED },
	{ TRITON "RepositoryModelLoad", DENIED },
	{ TRITON "RepositoryModelUnload", DENIED },
	{ TRITON "SystemSharedMemoryStatus", DENIED },
	{ TRITON "SystemSharedMemoryRegister", DENIED },
	{ TRITON "SystemSharedMemoryUnregister", DENIED },
	{ TRITON "CudaSharedMemoryStatus", DENIED },
	{ TRITON "CudaSharedMemoryRegister", DENIED },
	{ TRITON "CudaSharedMemoryUnregister", DENIED },
	{ TRITON "TraceSetting", DENIED },
	{ TRITON "LogSettings", DENIED },
	{ "inference.grpcinferenceservice/repositorymodelload", DENIED },
	{ "inference.GRPCInferenceService%2FRepositoryModelLoad", DENIED },
	{ "inference%2eGRPCInferenceService/RepositoryModelLoad", DENIED },
	{ "inference.model_repository.ModelRepositoryService/RepositoryModelUnload", DENIED },
	{ TORCH "openinference.GRPCInferenceService/ServerLive", DENIED },
	{ "mmesh.ModelMesh/unregisterModel", DENIED },
	{ "inference.GRPCInferenceService", 0 },
	{ "inference.GRPCInferenceService/ModelInferX", 0 },
	{ "inference.GRPCInferenceService/modelinfer", 0 },
	{ "xinference.GRPCInferenceService/ModelInfer", 0 },
	{ "GRPCInferenceService/ModelInfer", 0 },
	{ TRITON "ModelInfer/x", 0 },
	{ TF "PredictionService/Predict", TFSERVING },
	{ TF "PredictionService/Classify", TFSERVING },
	{ TF "PredictionService/Regress", TFSERVING },
	{ TF "PredictionService/MultiInference", TFSERVING },
	{ TF "PredictionService/GetModelMetadata", DENIED },
	{ TF "ModelService/GetModelStatus", DENIED },
	{ TF "ModelService/HandleReloadConfigRequest", DENIED },
	{ TF "SessionService/SessionRun", 0 },
	{ TORCH "inference.InferenceAPIsService/Predictions", TORCHSERVE },
	{ TORCH "inference.InferenceAPIsService/StreamPredictions", TORCHSERVE },
	{ TORCH "inference.InferenceAPIsService/Ping", DENIED },
	{ TORCH "management.ManagementAPIsService/RegisterModel", DENIED },
	{ TORCH "management.ManagementAPIsService/UnregisterModel", DENIED },
	{ TORCH "management.ManagementAPIsService/ScaleWorker", DENIED },
	{ TORCH "management.ManagementAPIsService/SetDefault", DENIED },
	{ TORCH "management.ManagementAPIsService/DescribeModel", DENIED },
	{ TORCH "management.ManagementAPIsService/ListModels", DENIED },
	{ "seldon.protos.Seldon/Predict", 0 },
	{ "seldon.protos.Seldon/SendFeedback", DENIED },
	{ "grpc.health.v1.Health/Check", DENIED },
	{ "grpc.health.v1.Health/Watch", DENIED },
	{ "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", DENIED },
	{ "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", DENIED },
	{ "grpc.channelz.v1.Channelz/GetServers", DENIED },
	{ "opentelemetry.proto.collector.trace.v1.TraceService/Export", DENIED },
	{ "ray.serve.UserDefinedService/__call__", 0 },
};

static enum decision decide_call(const char *preset, const char *prefix, const char *route)
{
	struct policy_options options = { .preset = preset, .sample_share = SHARE_ONE };
	char path[256];

	snprintf(path, sizeof(path), "%s%s", prefix, route);
	return decide(&options, "POST", path);
}

static void test_calls(void **state)
{
	static const char *const prefixes[] = { "/", "/gateway/team/" };
	static const struct {
		const char *name;
		unsigned bit;
	} by_preset[] = {
		{ "v2", V2 }, { "tfserving", TFSERVING }, { "torchserve", TORCHSERVE }, { "openai", 0 }, { "tei", 0 }, { "mlflow", 0 },
		{ "any", V2 | TFSERVING | TORCHSERVE },
	};

	for (size_t i = 0; i < COUNT(calls); i++)
		for (size_t p = 0; p < COUNT(prefixes) * COUNT(by_preset); p++) {
			const char *preset = by_preset[p / 2].name, *prefix = prefixes[p % 2];
			enum decision got = decide_call(preset, prefix, calls[i].route), want = DECISION_FILTERED_PATH;

			if (calls[i].what == DENIED)
				want = DECISION_FILTERED_DENIED;
			else if ((calls[i].what & by_preset[p / 2].bit) || strcmp(preset, "any") == 0)
				want = DECISION_CHOSEN;
			if (got != want)
				fail_msg("%s of %s%s is %s", preset, prefix, calls[i].route, decision_name(got));
		}
}

static void test_preset_names(void **state)
{
	char *names = strdup(preset_names()), *save = NULL;
	int n = 0;

	for (char *name = strtok_r(names, ", ", &save); name; name = strtok_r(NULL, ", ", &save), n++)
		assert_non_null(preset_find(name));
	assert_int_equal(n, 7);
	assert_null(preset_find("nginx"));
	free(names);
}

/* Paths at the limits are odd, and so denied; a path right under them is not. */
static void test_long_paths(void **state)
{
	static const struct {
		size_t bytes, segments;
		enum decision decision;
	} rows[] = {
		{ ROUTE_PATH_MAX, 1, DECISION_CHOSEN },
		{ ROUTE_PATH_MAX + 1, 1, DECISION_FILTERED_DENIED },
		{ ROUTE_SEGMENTS_MAX * 3, ROUTE_SEGMENTS_MAX, DECISION_CHOSEN },
		{ (ROUTE_SEGMENTS_MAX + 1) * 3, ROUTE_SEGMENTS_MAX + 1, DECISION_FILTERED_DENIED },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *path = malloc(rows[i].bytes + 1);

		memset(path, 'a', rows[i].bytes);
		path[rows[i].bytes] = '\0';
		for (size_t s = 0; s < rows[i].segments; s++)
			path[s * (rows[i].bytes / rows[i].segments)] = '/';
		assert_int_equal(decide_any("POST", path), rows[i].decision);
		free(path);
	}
}

static void test_targets(void **state)
{
	static const struct {
		const char *target, *path, *authority;
	} rows[] = {
		{ "/a?b=c", "/a?b=c", "" },
		{ "*", "*", "" },
		{ "", "", "" },
		{ "a/b", "a/b", "" },
		{ "http://h", "/", "h" },
		{ "http://h/", "/", "h" },
		{ "http://h:80/a?b", "/a?b", "h:80" },
		{ "http://h?b", "?b", "h" },
		{ "HTTPS+x://u:p@h@[::1]:8/a@b", "/a@b", "[::1]:8" },
		{ "http:/h/a", "http:/h/a", "" },
		{ "://h/a", "://h/a", "" },
		{ "1p://h/a", "1p://h/a", "" },
		{ "/r?u=http://h/a", "/r?u=http://h/a", "" },
		{ "r?u=http://h/a", "r?u=http://h/a", "" },
		{ "http://", "/", "" },
		{ "host:443", "host:443", "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span authority, path = target_path_and_query(span_str(rows[i].target), &authority);

		if (!span_equal(path, span_str(rows[i].path)) || !span_equal(authority, span_str(rows[i].authority)))
			fail_msg("%s gives %.*s and %.*s", rows[i].target, (int)path.len, (const char *)path.at,
				 (int)authority.len, (const char *)authority.at);
	}
}

static void test_globs(void **state)
{
	static const struct {
		const char *glob, *text;
		bool nocase, matches;
	} rows[] = {
		{ "ce-*", "ce-id", false, true },
		{ "ce-*", "ce-", false, true },
		{ "ce-*", "ce", false, false },
		{ "ce-*", "CE-ID", false, false },
		{ "ce-*", "CE-ID", true, true },
		{ "*", "", false, true },
		{ "", "", false, true },
		{ "", "a", false, false },
		{ "*ab*ab", "abxab", false, true },
		{ "*ab*ab", "abab", false, true },
		{ "*ab*ab", "xab", false, false },
		{ "a*b*c", "aXbYbZc", false, true },
		{ "a*b*c", "aXbYbZ", false, false },
		{ "**a**", "bab", false, true },
		{ "@", "`", true, false },
		{ "[", "{", true, false },
		{ "*aaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (glob_match(span_str(rows[i].glob), span_str(rows[i].text), rows[i].nocase) != rows[i].matches)
			fail_msg("%s against %s", rows[i].glob, rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deny_list),     cmocka_unit_test(test_side_effects_allowed),
		cmocka_unit_test(test_every_deny_row), cmocka_unit_test(test_no_inference_denied),
		cmocka_unit_test(test_presets_text), cmocka_unit_test(test_presets),
		cmocka_unit_test(test_calls),       cmocka_unit_test(test_preset_names),
		cmocka_unit_test(test_long_paths),    cmocka_unit_test(test_targets),
		cmocka_unit_test(test_globs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
