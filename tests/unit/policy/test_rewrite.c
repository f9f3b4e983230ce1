/*
 * test_rewrite.c - options and a captured head in, the exact bytes for the shadow out
 *
 * And one property: whatever the captured bytes are, the output is one request
 * with the fields that it should have, and no byte of the input is a line end.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/allow.h"
#include "policy/rewrite.h"
#include "tests/rig/head_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UA       "User-Agent: shadowtap/" SHADOWTAP_VERSION "\r\n"
#define MARK     "X-Shadowtap: 00000000000000ff\r\n\r\n"
#define HOST     "Host: shadow:9000\r\n"
#define FIELDS_MAX 10
#define TRACED   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"

struct field_text {
	const char *name, *value;
};

struct row {
	const char *allow[4], *set[4];
	enum host_mode host_mode;
	const char *prefix; /* NULL: "" */
	const char *method, *target;
	struct field_text fields[FIELDS_MAX];
	uint64_t body_len;
	const char *head;
	const char *paths[4]; /* of --rewrite-path */
	bool is_grpc;
};

static struct texts texts_of(const char *const *at, size_t max)
{
	struct texts t = { (const char **)at, 0 };

	while (t.count < max && at[t.count])
		t.count++;
	return t;
}

static struct rewrite *rewrite_of(const struct row *row)
{
	struct rewrite_options options = {
		.allow = texts_of(row->allow, 4),
		.set = texts_of(row->set, 4),
		.host_mode = row->host_mode,
		.host_value = "value.example",
		.authority = "shadow:9000",
		.prefix = row->prefix ? row->prefix : "",
		.paths = texts_of(row->paths, 4),
	};
	struct buffer error = { 0 };
	struct rewrite *w = NULL;

	if (rewrite_new(&options, &w, &error) != 0)
		fail_msg("refused: %s", buffer_text(&error));
	buffer_deinit(&error);
	return w;
}

static const struct row rows[] = {
	/* the built-in list, byte for byte and in order; everything else stays behind */
	{ .method = "POST", .target = "/v1/models/m:predict", .body_len = 352,
	  .fields = { { "Host", "prod:8501" }, { "user-agent", "curl/7.88" }, { "CONTENT-type", "application/json;  x=\"\t\"" },
		      { "Content-Length", "352" }, { "Authorization", "Bearer x" }, { "Cookie", "a=b" },
		      { "X-Api-Key", "k" }, { "X-Real-IP", "10.0.0.1" }, { "X-Request-ID", "\xc3\xa9\xff" },
		      { "ce-Type", "t" } },
	  .head = "POST /v1/models/m:predict HTTP/1.1\r\n" HOST
		  "CONTENT-type: application/json;  x=\"\t\"\r\nX-Request-ID: \xc3\xa9\xff\r\nce-Type: t\r\n"
		  "Content-Length: 352\r\n" UA MARK },
	{ .method = "POST", .target = "/v2/models/m/infer", .body_len = 5,
	  .fields = { { "inference-header-content-length", "3" }, { "content-encoding", "gzip" }, { "accept", "*/*" },
		      { "accept", "text/event-stream" }, { "x-correlation-id", "" }, { "seldon-model", "m" },
		      { "serve_multiplexed_model_id", "m" }, { "accept-encoding", "gzip" }, { "te", "trailers" },
		      { "transfer-encoding", "chunked" } },
	  .head = "POST /v2/models/m/infer HTTP/1.1\r\n" HOST
		  "inference-header-content-length: 3\r\ncontent-encoding: gzip\r\naccept: */*\r\n"
		  "accept: text/event-stream\r\nx-correlation-id: \r\nseldon-model: m\r\n"
		  "serve_multiplexed_model_id: m\r\nContent-Length: 5\r\n" UA MARK },
	/* Content-Length: RFC 9110, 8.6 */
	{ .method = "POST", .target = "/p", .head = "POST /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" UA MARK },
	{ .method = "PUT", .target = "/p", .head = "PUT /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" UA MARK },
	{ .method = "PATCH", .target = "/p", .head = "PATCH /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n" UA MARK },
	{ .method = "GET", .target = "/p", .head = "GET /p HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "DELETE", .target = "/p", .body_len = 7,
	  .head = "DELETE /p HTTP/1.1\r\n" HOST "Content-Length: 7\r\n" UA MARK },
	{ .method = "POST", .target = "/p", .body_len = UINT64_C(5000000000),
	  .head = "POST /p HTTP/1.1\r\n" HOST "Content-Length: 5000000000\r\n" UA MARK },
	/* targets */
	{ .method = "GET", .target = "http://u:p@prod/a?b=c", .head = "GET /a?b=c HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "http://prod", .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "http://prod?q", .head = "GET /?q HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "/a?b=http://x//y", .prefix = "/base",
	  .head = "GET /base/a?b=http://x//y HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "/", .prefix = "/base/", .head = "GET /base/ HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "//a//b", .head = "GET //a//b HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "v1/x", .head = "GET /v1/x HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "@evil", .head = "GET /@evil HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "?q", .head = "GET /?q HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "evil.com:80", .head = "GET /evil.com:80 HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "#f", .head = "GET /#f HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "\\\\evil\\x", .head = "GET /\\\\evil\\x HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "http:evil", .head = "GET /http:evil HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = " /x", .head = "GET /%20/x HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "*", .head = "GET /* HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "*", .prefix = "/base", .head = "GET /base/* HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "OPTIONS", .target = "**", .head = "OPTIONS /** HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "http://other/a", .head = "GET /a HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "^/v1=>/v2" }, .method = "GET", .target = "v1/x", .head = "GET /v2/x HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "v1/x", .prefix = "/base", .head = "GET /base/v1/x HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "", .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "OPTIONS", .target = "*", .head = "OPTIONS * HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "OPTIONS", .target = "*", .prefix = "/base", .head = "OPTIONS /base HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "OPTIONS", .target = "http://prod", .head = "OPTIONS * HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "OPTIONS", .target = "http://prod/", .head = "OPTIONS / HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "/%41%2f%zz\xff", .head = "GET /%41%2f%zz\xff HTTP/1.1\r\n" HOST UA MARK },
	{ .method = "GET", .target = "/a HTTP/1.1\r\nX: y\x7f\t",
	  .head = "GET /a%20HTTP/1.1%0D%0AX:%20y%7F%09 HTTP/1.1\r\n" HOST UA MARK },
	/* --rewrite-path: every match, rule after rule, before the prefix, path and query */
	{ .paths = { "^/v1/models/(\\w+):predict => /v2/models/$1/infer" }, .method = "GET", .target = "/v1/models/m:predict?a=b",
	  .head = "GET /v2/models/m/infer?a=b HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "^/v1=>/v2" }, .method = "GET", .target = "/x/v1", .head = "GET /x/v1 HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "a=>bb" }, .method = "GET", .target = "/aXa?a", .head = "GET /bbXbb?bb HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "a=>b", "x=>y", "b=>c", "c=>d" }, .method = "GET", .target = "/a", .head = "GET /d HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "a=>b", "x=>y" }, .prefix = "/a", .method = "GET", .target = "http://u@a/a",
	  .head = "GET /a/b HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "[?].*=>" }, .method = "GET", .target = "/a?secret", .head = "GET /a HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { ".*=>" }, .method = "GET", .target = "/a", .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "^/=>" }, .method = "GET", .target = "/a", .head = "GET /a HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "$=>?x=$$1" }, .method = "GET", .target = "/a", .head = "GET /a?x=$1 HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "^/(?<who>\\w+)(-b)?=>/${who}$2" }, .method = "GET", .target = "/a", .head = "GET /a HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "b=>c d" }, .method = "GET", .target = "/b\r\n", .head = "GET /c%20d%0D%0A HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "x(?#=>)=>y" }, .method = "GET", .target = "/x", .head = "GET /y HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "(?x) a # a comment=>b" }, .method = "GET", .target = "/a", .head = "GET /b HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "\\Q.a=>b" }, .method = "GET", .target = "/.axa", .head = "GET /bxa HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { "\xc3\xa9=>e" }, .method = "GET", .target = "/\xc3\xa9\xff", .head = "GET /e\xff HTTP/1.1\r\n" HOST UA MARK },
	{ .paths = { ".*=>/x" }, .method = "OPTIONS", .target = "*", .head = "OPTIONS * HTTP/1.1\r\n" HOST UA MARK },
	/* Host */
	{ .host_mode = HOST_KEEP, .method = "GET", .target = "/", .fields = { { "HOST", "prod:80" } },
	  .head = "GET / HTTP/1.1\r\nHost: prod:80\r\n" UA MARK },
	{ .host_mode = HOST_KEEP, .method = "GET", .target = "/", .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .host_mode = HOST_KEEP, .method = "GET", .target = "/", .fields = { { "Host", "" } },
	  .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .host_mode = HOST_KEEP, .method = "GET", .target = "/", .fields = { { "Host", "a\rX: y" } },
	  .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	{ .host_mode = HOST_KEEP, .method = "GET", .target = "http://u@real:1/", .fields = { { "Host", "other" } },
	  .head = "GET / HTTP/1.1\r\nHost: real:1\r\n" UA MARK },
	{ .host_mode = HOST_SUFFIX, .method = "GET", .target = "/", .fields = { { "Host", "prod" } },
	  .head = "GET / HTTP/1.1\r\nHost: prod-shadow\r\n" UA MARK },
	{ .host_mode = HOST_SUFFIX, .method = "GET", .target = "/", .fields = { { "Host", "prod.example:8080" } },
	  .head = "GET / HTTP/1.1\r\nHost: prod.example-shadow:8080\r\n" UA MARK },
	{ .host_mode = HOST_SUFFIX, .method = "GET", .target = "/", .fields = { { "Host", "[::1]:80" } },
	  .head = "GET / HTTP/1.1\r\nHost: [::1]-shadow:80\r\n" UA MARK },
	{ .host_mode = HOST_SUFFIX, .method = "GET", .target = "/", .fields = { { "Host", "[2001::1]" } },
	  .head = "GET / HTTP/1.1\r\nHost: [2001::1]-shadow\r\n" UA MARK },
	{ .host_mode = HOST_SUFFIX, .method = "GET", .target = "/",
	  .head = "GET / HTTP/1.1\r\nHost: shadow-shadow:9000\r\n" UA MARK },
	{ .host_mode = HOST_VALUE, .method = "GET", .target = "/", .fields = { { "Host", "prod" } },
	  .head = "GET / HTTP/1.1\r\nHost: value.example\r\n" UA MARK },
	{ .host_mode = HOST_KEEP, .set = { "host:  mine:1 " }, .method = "GET", .target = "/", .fields = { { "Host", "prod" } },
	  .head = "GET / HTTP/1.1\r\nHost: mine:1\r\n" UA MARK },
	/* -H */
	{ .set = { "Authorization: Bearer s", "X-A: 1", "x-a:2", "X-Empty;" }, .method = "GET", .target = "/",
	  .fields = { { "authorization", "Bearer theirs" }, { "x-a", "3" } }, .allow = { "x-*" },
	  .head = "GET / HTTP/1.1\r\n" HOST "Authorization: Bearer s\r\nX-A: 1\r\nx-a: 2\r\nX-Empty: \r\n" UA MARK },
	{ .set = { "Accept:", "User-Agent:", "Expect:", "Connection:" }, .method = "GET", .target = "/",
	  .fields = { { "accept", "a" }, { "Content-Type", "b" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "Content-Type: b\r\n" MARK },
	{ .set = { "user-agent: mine" }, .method = "GET", .target = "/", .fields = { { "User-Agent", "theirs" } },
	  .allow = { "user-agent" }, .head = "GET / HTTP/1.1\r\n" HOST "user-agent: mine\r\n" MARK },
	{ .allow = { "User-Agent" }, .method = "GET", .target = "/", .fields = { { "user-agent", "theirs" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "user-agent: theirs\r\n" MARK },
	{ .allow = { "User-Agent" }, .method = "GET", .target = "/", .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	/* --allow-header: globs pass over credentials and the hop's own, exact names do not */
	{ .allow = { "*" }, .method = "GET", .target = "/",
	  .fields = { { "Authorization", "1" }, { "Proxy-Authorization", "2" }, { "Cookie", "3" }, { "x-api-key", "4" },
		      { "Keep-Alive", "5" }, { "Upgrade", "h2c" }, { "HTTP2-Settings", "6" }, { "Expect", "100-continue" },
		      { "X-Shadowtap", "7" }, { "X-Model", "8" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "X-Model: 8\r\n" UA MARK },
	{ .allow = { "*" }, .method = "GET", .target = "/",
	  .fields = { { "Host", "p" }, { "Transfer-Encoding", "chunked" }, { "Content-Length", "3" }, { "Trailer", "a" },
		      { "Proxy-Connection", "a" }, { "X-Amz-Security-Token", "a" }, { "X-Forwarded-Client-Cert", "a" },
		      { "X-Goog-Api-Key", "a" }, { "X-Corp-Secret-2", "a" }, { "Via", "1.1 a" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "Via: 1.1 a\r\n" UA MARK },
	{ .allow = { "authorization", "auth*", "X-API-Key", "Expect" }, .method = "GET", .target = "/",
	  .fields = { { "Authorization", "1" }, { "x-api-key", "2" }, { "expect", "3" }, { "cookie", "4" },
		      { "auth-mode", "5" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "Authorization: 1\r\nx-api-key: 2\r\nexpect: 3\r\nauth-mode: 5\r\n" UA MARK },
	{ .allow = { "x-*-id", " x-y " }, .method = "GET", .target = "/",
	  .fields = { { "X-User-ID", "1" }, { "x-id", "2" }, { "x-y", "3" }, { "x-user-id2", "4" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "X-User-ID: 1\r\nx-y: 3\r\n" UA MARK },
	/* what Connection names belongs to the hop */
	{ .allow = { "*", "te", "x-b" }, .method = "GET", .target = "/",
	  .fields = { { "Connection", "close, Content-Type ,x-a,," }, { "content-type", "a" }, { "X-A", "b" },
		      { "Accept", "c" }, { "connection", "TE, x-b, HTTP2-Settings" }, { "te", "trailers" }, { "x-b", "1" },
		      { "http2-settings", "x" }, { "close", "d" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "Accept: c\r\nte: trailers\r\n" UA MARK },
	/* a call of gRPC: no length, and what its servers insist on */
	{ .is_grpc = true, .method = "POST", .target = "/inference.GRPCInferenceService/ModelInfer", .body_len = 25,
	  .fields = { { "host", "prod:8001" }, { "content-type", "application/grpc+proto" }, { "te", "trailers" },
		      { "grpc-accept-encoding", "identity,gzip" }, { "grpc-timeout", "4999993u" },
		      { "user-agent", "grpc-go/1.33.2" }, { "mm-vmodel-id", "m" }, { "grpc-trace-bin", "AAA" },
		      { "authorization", "Bearer x" }, { "x-request-id", "1" } },
	  .head = "POST /inference.GRPCInferenceService/ModelInfer HTTP/1.1\r\n" HOST
		  "content-type: application/grpc+proto\r\nte: trailers\r\ngrpc-accept-encoding: identity,gzip\r\n"
		  "grpc-timeout: 4999993u\r\nmm-vmodel-id: m\r\nx-request-id: 1\r\n" UA MARK },
	{ .is_grpc = true, .method = "POST", .target = "/p.S/M",
	  .fields = { { "grpc-encoding", "gzip" }, { "mm-model-id", "a" }, { "seldon-internal-model", "b" },
		      { "multiplexed_model_id", "c" }, { "application", "d" }, { "triton_grpc_error", "true" },
		      { "seldon-model", "e" }, { "grpc-previous-rpc-attempts", "1" }, { "grpc-tags-bin", "AA" },
		      { "x-own-bin", "AA" } },
	  .head = "POST /p.S/M HTTP/1.1\r\n" HOST "content-type: application/grpc\r\nte: trailers\r\n"
		  "grpc-encoding: gzip\r\nmm-model-id: a\r\nseldon-internal-model: b\r\nmultiplexed_model_id: c\r\n"
		  "application: d\r\ntriton_grpc_error: true\r\nseldon-model: e\r\n" UA MARK },
	/* of which HTTP/1 has none of the names */
	{ .method = "GET", .target = "/",
	  .fields = { { "grpc-encoding", "gzip" }, { "mm-model-id", "a" }, { "multiplexed_model_id", "c" },
		      { "application", "d" }, { "triton_grpc_error", "true" }, { "te", "trailers" },
		      { "grpc-timeout", "1S" } },
	  .head = "GET / HTTP/1.1\r\n" HOST UA MARK },
	/* a binary field is forwarded by its exact name; fields of the hop are not, and -H does not make it another protocol's */
	{ .is_grpc = true, .allow = { "*", "x-own-bin", "te", "keep-alive" }, .method = "POST", .target = "/p.S/M",
	  .fields = { { "x-own-bin", "AA" }, { "x-other-bin", "AA" }, { "grpc-trace-bin", "AA" }, { "te", "deflate" },
		      { "keep-alive", "5" }, { "connection", "x-a" }, { "x-a", "1" }, { ":path", "/x" }, { "x-b", "2" },
		      { "content-type", "application/grpc-web" } },
	  .set = { "Content-Type: application/json", "Keep-Alive: 1", "X-C: 3", "grpc-timeout: 1S" },
	  .head = "POST /p.S/M HTTP/1.1\r\n" HOST "content-type: application/grpc\r\nte: trailers\r\n"
		  "x-own-bin: AA\r\nx-b: 2\r\nX-C: 3\r\ngrpc-timeout: 1S\r\n" UA MARK },
	{ .is_grpc = true, .method = "POST", .target = "/p.S/M", .fields = { { "content-type", "application/grpc" } },
	  .set = { "content-type: application/grpc+json", "content-type:", "te:" },
	  .head = "POST /p.S/M HTTP/1.1\r\n" HOST "content-type: application/grpc+json\r\nte: trailers\r\n" UA MARK },
	{ .is_grpc = true, .method = "POST", .target = "/p.S/M", .fields = { { "content-type", "application/grpc;\nX: y" } },
	  .head = "POST /p.S/M HTTP/1.1\r\n" HOST "content-type: application/grpc\r\nte: trailers\r\n" UA MARK },
	/* what cannot be written safely is left out */
	{ .allow = { "*" }, .method = "GET", .target = "/",
	  .fields = { { "a b", "1" }, { "", "2" }, { "c:", "3" }, { "d", "4\r\nX: y" }, { "e", "5\n" }, { "f", "\r" },
		      { "g\r\nh", "6" }, { "i", "7\x01\x7f" } },
	  .head = "GET / HTTP/1.1\r\n" HOST "i: 7\x01\x7f\r\n" UA MARK },
};

static int rewrite_row(const struct row *row, struct rewrite *w, struct buffer *out)
{
	struct header headers[FIELDS_MAX];
	struct message m = { .origin.id = 255, .body_len = row->body_len };

	m.head = (struct request_head){ span_str(row->method), span_str(row->target), headers, 0, 1, 0 };
	m.head.is_grpc = row->is_grpc;
	for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name; i++)
		headers[m.head.header_count++] = (struct header){ span_str(row->fields[i].name),
								  span_str(row->fields[i].value) };
	return head_text(w, &m, out);
}

static void test_heads(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rewrite *w = rewrite_of(&rows[i]);
		struct buffer out = { 0 };

		buffer_add_str(&out, "before"); /* appended, and the same again */
		assert_int_equal(rewrite_row(&rows[i], w, &out), 0);
		assert_int_equal(rewrite_row(&rows[i], w, &out), 0);
		assert_string_equal(buffer_text(&out) + 6 + strlen(rows[i].head), rows[i].head);
		assert_memory_equal(out.bytes + 6, rows[i].head, strlen(rows[i].head));
		buffer_deinit(&out);
		rewrite_free(w);
	}
}

static void test_bad_method(void **state)
{
	static const struct row row = { .method = "GET /x HTTP/1.1\r\n", .target = "/" };
	struct rewrite *w = rewrite_of(&row);
	struct buffer out = { 0 };

	buffer_add_str(&out, "before");
	assert_int_equal(rewrite_row(&row, w, &out), -EINVAL);
	assert_string_equal(buffer_text(&out), "before");
	buffer_deinit(&out);
	rewrite_free(w);
}

/* What cannot be rewritten within bounds is not sent, and says so soon. */
static void test_paths_that_cost_too_much(void **state)
{
	static char many[8300], as[8001];
	static const struct row hostile[] = {
		{ .paths = { "(a+)+$=>b" }, .method = "GET", .target = as },
		{ .paths = { "[a-z]{1,50}[a-z]{1,50}[a-z]{1,50}[!?]=>b" }, .method = "GET", .target = as },
		{ .paths = { "a=>0123456789" }, .method = "GET", .target = as },
		{ .paths = { "^/=>/0123456789", "a*=>$0$0$0$0" }, .method = "GET", .target = as },
		{ .paths = { "nothing=>" }, .method = "GET", .target = many },
	};

	memset(as, 'a', sizeof(as) - 1);
	memset(many, '/', sizeof(many) - 1);
	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct rewrite *w = rewrite_of(&hostile[i]);
		struct buffer out = { 0 };
		char aa[] = "/aa";
		struct row modest = hostile[i];

		buffer_add_str(&out, "before");
		if (i == 0)
			as[7999] = '!';
		if (rewrite_row(&hostile[i], w, &out) != -EINVAL)
			fail_msg("row %zu", i);
		as[7999] = 'a';
		assert_string_equal(buffer_text(&out), "before");
		modest.target = aa; /* the next one is as if nothing had been */
		assert_int_equal(rewrite_row(&modest, w, &out), 0);
		buffer_deinit(&out);
		rewrite_free(w);
	}
}

static const struct {
	struct rewrite_options options;
	const char *allow, *set[2], *says[2], *path;
} refused[] = {
	{ .allow = "a b", .says = { "--allow-header 'a b'" } },
	{ .allow = "", .says = { "--allow-header ''" } },
	{ .allow = "x:y", .says = { "--allow-header 'x:y'" } },
	{ .allow = "Host", .says = { "--allow-header Host", "--host-header keep" } },
	{ .allow = "content-length", .says = { "content-length", "afresh" } },
	{ .allow = "Transfer-Encoding", .says = { "afresh" } },
	{ .allow = "connection", .says = { "afresh" } },
	{ .allow = "x-shadowtap", .says = { "afresh" } },
	{ .allow = "grpc-previous-rpc-attempts", .says = { "attempts", "leave the option out" } },
	{ .set = { "no colon" }, .says = { "'Name: value'" } },
	{ .set = { "a; b" }, .says = { "'Name: value'" } },
	{ .set = { ": v" }, .says = { "name of a field" } },
	{ .set = { "a b: v" }, .says = { "name of a field" } },
	{ .set = { "Host:" }, .says = { "'Host'", "without Host" } },
	{ .set = { "Host: a b" }, .says = { "one word" } },
	{ .set = { "Host;" }, .says = { "one word" } },
	{ .set = { "Host: a", "host: b" }, .says = { "twice" } },
	{ .set = { "Content-Length: 3" }, .says = { "Content-Length" } },
	{ .set = { "Content-Length:" }, .says = { "Content-Length" } },
	{ .set = { "transfer-encoding: chunked" }, .says = { "transfer-encoding" } },
	{ .set = { "Connection: close" }, .says = { "Connection" } },
	{ .set = { "Expect: 100-continue" }, .says = { "Expect" } },
	{ .set = { "X-Shadowtap:" }, .says = { "X-Shadowtap" } },
	{ .set = { "X: secret\r\nY: z" }, .says = { "'X'", "line break" } },
	{ .set = { "X: a\nb" }, .says = { "line break" } },
	{ .options = { .host_mode = HOST_VALUE, .host_value = "" }, .says = { "--host-header" } },
	{ .options = { .host_mode = HOST_VALUE, .host_value = "a\r\nb" }, .says = { "--host-header" } },
	{ .options = { .host_mode = HOST_VALUE }, .says = { "--host-header" } },
	{ .options = { .authority = "a b" }, .says = { "--target" } },
	{ .options = { .prefix = "/a b" }, .says = { "--target" } },
	{ .options = { .prefix = "a" }, .says = { "--target" } },
	{ .path = "/v1", .says = { "--rewrite-path '/v1'", "'RE=>TEXT'" } },
	{ .path = "=>/v1", .says = { "'RE=>TEXT'", "example" } },
	{ .path = "", .says = { "'RE=>TEXT'" } },
	{ .path = "(=>/v1", .says = { "no valid pattern", "parenthesis" } },
	{ .path = "(*UTF)a=>b", .says = { "no valid pattern" } },
	{ .path = "(a)=>$2", .says = { "replacement", "unknown substring" } },
	{ .path = "(a)=>${b}", .says = { "replacement" } },
	{ .path = "(a)=>${1", .says = { "replacement" } },
	{ .path = "a=>b$", .says = { "replacement" } },
	{ .path = "(?x) a # (c)=>$1", .says = { "replacement" } },
	{ .path = "\\Q(a)=>$1", .says = { "replacement" } },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct rewrite_options options = refused[i].options;
		struct buffer error = { 0 };
		struct rewrite *w = NULL;
		const char *allow[1] = { refused[i].allow }, *path[1] = { refused[i].path };

		options.allow = (struct texts){ allow, refused[i].allow != NULL };
		options.set = texts_of(refused[i].set, 2);
		options.paths = (struct texts){ path, refused[i].path != NULL };
		if (!options.authority)
			options.authority = "shadow:9000";
		if (rewrite_new(&options, &w, &error) != -EINVAL)
			fail_msg("row %zu was accepted", i);
		assert_null(w);
		for (size_t k = 0; k < 2 && refused[i].says[k]; k++)
			if (!strstr(buffer_text(&error), refused[i].says[k]))
				fail_msg("row %zu says: %s", i, buffer_text(&error));
		assert_null(strchr(buffer_text(&error), '\n'));
		assert_null(strstr(buffer_text(&error), "secret"));
		buffer_deinit(&error);
	}
}

/* A request's own trace: never the captured one nor what belongs to it, sampled as that was; -H has the last word. */
static void test_traceparent(void **state)
{
	static const struct {
		const char *set, *captured;
		enum traceparent_mode mode;
		const char *ends; /* of the value that is sent; NULL: none is */
		bool is_anew, has_state;
	} cases[] = {
		{ NULL, TRACED "-01", TRACEPARENT_NONE, TRACED "-01", false, true }, /* by --allow-header */
		{ NULL, TRACED "-01", TRACEPARENT_NEW, "-01", true, false },
		{ NULL, TRACED "-00", TRACEPARENT_NEW, "-00", true, false },
		{ NULL, "nonsense", TRACEPARENT_NEW, "-00", true, false },
		{ NULL, NULL, TRACEPARENT_NEW, "-00", true, false },
		{ NULL, NULL, TRACEPARENT_NONE, NULL, false, true },
		{ "traceparent: mine", TRACED "-01", TRACEPARENT_NEW, "mine", false, false },
		{ "TraceParent:", TRACED "-01", TRACEPARENT_NEW, NULL, false, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *allow[] = { "trace*" }, *set[] = { cases[i].set };
		struct rewrite_options options = { .allow = { allow, 1 }, .set = { set, cases[i].set != NULL },
						   .authority = "shadow:9000", .traceparent = cases[i].mode };
		struct header fields[2] = { { span_str("tracestate"), span_str("a=b") } };
		struct message m = { .head = { span_str("POST"), span_str("/p"), .headers = fields, .header_count = 1 } };
		struct buffer error = { 0 };
		struct outgoing out = { 0 };
		struct rewrite *w = NULL;
		struct span found = { 0 };
		size_t count = 0, states = 0;

		if (cases[i].captured)
			fields[m.head.header_count++] = (struct header){ span_str("Traceparent"), span_str(cases[i].captured) };
		assert_int_equal(rewrite_new(&options, &w, &error), 0);
		assert_int_equal(rewrite_allows(w, span_str("traceparent"), false), cases[i].mode == TRACEPARENT_NONE);
		assert_int_equal(rewrite_request(w, &m, &out), 0);
		for (size_t k = 0; k < out.fields.count; k++) {
			states += span_equal_nocase(out.fields.at[k].name, span_str("tracestate"));
			if (!span_equal_nocase(out.fields.at[k].name, span_str("traceparent")))
				continue;
			found = out.fields.at[k].value;
			count++;
		}
		assert_int_equal(states, cases[i].has_state);
		assert_int_equal(count, cases[i].ends != NULL);
		if (cases[i].ends) {
			size_t len = strlen(cases[i].ends);

			assert_true(found.len >= len);
			assert_memory_equal(found.at + found.len - len, cases[i].ends, len);
		}
		if (cases[i].is_anew) {
			assert_int_equal(found.len, strlen(TRACED "-01"));
			assert_true(!span_starts(found, span_str(TRACED)));
		}
		outgoing_deinit(&out);
		rewrite_free(w);
	}
}

static void test_allows_and_warnings(void **state)
{
	static const struct row row = { .allow = { "Authorization", "x-*", "te", "x-plain" }, .set = { "x-model: m", "accept:" } };
	static const struct {
		const char *name;
		bool allowed;
	} names[] = {
		{ "Content-Type", true }, { "CE-ID", true }, { "authorization", true }, { "x-any", true }, { "TE", true },
		{ "x-model", false }, { "accept", false }, { "x-api-key", false }, { "x-my-token", false },
		{ "x-max-tokens", true }, { "cookie", false }, { "host", false }, { "x-shadowtap", false }, { "user-agent", false },
	};
	struct rewrite *w = rewrite_of(&row);
	struct buffer out = { 0 };
	size_t lines = 0;

	for (size_t i = 0; i < COUNT(names); i++)
		if (rewrite_allows(w, span_str(names[i].name), false) != names[i].allowed)
			fail_msg("%s", names[i].name);
	rewrite_warnings(w, &out);
	for (const char *c = buffer_text(&out); *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 2);
	assert_non_null(strstr(buffer_text(&out), "Authorization sends the clients' credentials"));
	assert_non_null(strstr(buffer_text(&out), "te forwards"));
	buffer_deinit(&out);
	rewrite_free(w);
}

static void test_field_kinds(void **state)
{
	static const struct {
		const char *names[12];
		enum field_kind kind;
	} kinds[] = {
		{ { "authorization", "Proxy-Authorization", "COOKIE", "x-api-key", "x-forwarded-client-cert",
		    "x-amz-security-token", "set-cookie", "x-auth-token", "X-Vault-Token", "x-goog-api-key", "ssl-client-cert" },
		  FIELD_CREDENTIAL },
		{ { "Keep-Alive", "TE", "trailer", "upgrade", "http2-settings", "proxy-connection", "Expect" }, FIELD_HOP },
		{ { "HOST", "content-length", "Transfer-Encoding", "connection", "X-Shadowtap", "grpc-previous-rpc-attempts" },
		  FIELD_REGENERATED },
		{ { "grpc-trace-bin", "GRPC-Tags-Bin", "x-any-bin" }, FIELD_BINARY },
		{ { "content-type", "x-request-id", "traceparent", "x-max-tokens", "tea", "x-host", "accept", "grpc-timeout", "x-bin-y" },
		  FIELD_PLAIN },
	};

	for (size_t i = 0; i < COUNT(kinds); i++)
		for (size_t k = 0; k < 12 && kinds[i].names[k]; k++)
			if (field_kind(span_str(kinds[i].names[k])) != kinds[i].kind)
				fail_msg("%s", kinds[i].names[k]);
}

/* --- property: one request, whatever goes in --- */

static uint64_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % n;
}

static struct span random_text(uint8_t *bytes, size_t max)
{
	static const char *const pieces[] = { "\r\n", "\n", "\r", "\r\n\r\n", " HTTP/1.1", "GET / HTTP/1.1", ":", " ", "Host: x",
					      "Content-Length: 5", "Transfer-Encoding", "chunked", "content-type", "x-a", ",",
					      "Connection", "close", "http://", "@", "/", "*", "%0d%0a", "-shadow", "[::1]:80",
					      "X-Shadowtap", "ce-id" };
	size_t len = 0, parts = random_below(5);

	while (parts-- > 0 && len + 32 < max) {
		const char *piece = pieces[random_below(COUNT(pieces))];

		if (random_below(4) == 0) {
			bytes[len++] = (uint8_t)random_below(256);
			continue;
		}
		memcpy(bytes + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return span_of(bytes, len);
}

/*
 * A strict reader: lines end in CRLF, no other CR, LF or NUL exists, the first
 * has three words, each other one is a token and a colon, the last is empty and
 * is the end. Counts fields by name.
 */
static size_t read_strictly(struct span text, const char *name)
{
	size_t found = 0, lines = 0;

	for (;; lines++) {
		size_t n = 0, colon;
		struct span line = { 0 };

		while (n < text.len && text.at[n] != '\r' && text.at[n] != '\n' && text.at[n] != '\0')
			n++;
		assert_true(n + 1 < text.len && text.at[n] == '\r' && text.at[n + 1] == '\n');
		assert_true(span_take(&text, n, &line) && span_skip(&text, 2));
		if (line.len == 0)
			break;
		if (lines == 0) {
			size_t spaces = 0;

			for (size_t i = 0; i < line.len; i++)
				spaces += line.at[i] == ' ';
			assert_int_equal(spaces, 2);
			assert_memory_equal(line.at + line.len - 9, " HTTP/1.1", 9);
			continue;
		}
		for (colon = 0; colon < line.len && line.at[colon] != ':'; colon++)
			assert_true(line.at[colon] > 0x20 && line.at[colon] < 0x7f);
		assert_true(colon > 0 && colon < line.len);
		found += span_equal_nocase(span_of(line.at, colon), span_str(name));
	}
	assert_true(lines > 1);
	assert_int_equal(text.len, 0);
	return found;
}

/** check_forwarded() - the allow-list names for other hosts what is sent to a target: the fields between Host and ours */
static void check_forwarded(const struct rewrite *w, const struct row *row, const struct message *m, struct outgoing *sent)
{
	struct texts names = { (const char **)row->allow, 0 };
	struct header_list forwarded = { 0 };
	struct allow_list *list = NULL;
	struct buffer error = { 0 };

	while (names.count < COUNT(row->allow) && row->allow[names.count])
		names.count++;
	assert_int_equal(allow_list_new(&names, &list, &error), 0);
	assert_int_equal(rewrite_request(w, m, sent), 0);
	allow_list_forwarded(list, &m->head, &forwarded);
	assert_true(forwarded.count + 1 < sent->fields.count);
	for (size_t i = 0; i < forwarded.count; i++) {
		assert_true(span_equal(forwarded.at[i].name, sent->fields.at[i + 1].name));
		assert_true(span_equal(forwarded.at[i].value, sent->fields.at[i + 1].value));
	}
	assert_true(span_equal(sent->fields.at[forwarded.count + 1].name, SPAN_LITERAL("Content-Length")));
	header_list_deinit(&forwarded);
	allow_list_free(list);
	buffer_deinit(&error);
}

static void test_hostile_heads(void **state)
{
	static const struct row ways[] = {
		{ .allow = { "*" }, .host_mode = HOST_KEEP },
		{ .allow = { "*" }, .host_mode = HOST_SUFFIX, .prefix = "/p" },
		{ .allow = { "x-a", "te" }, .host_mode = HOST_TARGET, .set = { "X-A: 1", "content-type:" } },
	};
	enum { FIELDS = 6, TEXT = 256 };
	static uint8_t bytes[FIELDS * 2 + 2][TEXT];
	struct outgoing sent = { 0 };

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct rewrite *w = rewrite_of(&ways[i]);
		struct buffer out = { 0 };

		for (int turn = 0; turn < 30000; turn++) {
			struct header headers[FIELDS];
			struct message m = { .origin.id = 1, .body_len = random_below(2) };
			static const char *const names[] = { "Host", "host", "Connection", "Content-Type", "x-a", "content-length" };

			m.head = (struct request_head){ SPAN_LITERAL("POST"), random_text(bytes[0], TEXT), headers,
							random_below(FIELDS + 1), 1, 1 };
			for (size_t f = 0; f < m.head.header_count; f++) {
				headers[f].name = random_below(2) ? span_str(names[random_below(COUNT(names))])
								  : random_text(bytes[1 + f], TEXT);
				headers[f].value = random_text(bytes[1 + FIELDS + f], TEXT);
			}
			buffer_clear(&out);
			assert_int_equal(head_text(w, &m, &out), 0);
			assert_int_equal(read_strictly(buffer_span(&out), "host"), 1);
			assert_int_equal(read_strictly(buffer_span(&out), "content-length"), 1);
			assert_int_equal(read_strictly(buffer_span(&out), "transfer-encoding"), 0);
			assert_int_equal(read_strictly(buffer_span(&out), "connection"), 0);
			assert_int_equal(read_strictly(buffer_span(&out), "x-shadowtap"), 1);
			if (!ways[i].set[0])
				check_forwarded(w, &ways[i], &m, &sent);
		}
		buffer_deinit(&out);
		rewrite_free(w);
	}
	outgoing_deinit(&sent);
}

/* X-Shadowtap says the id by which several hosts know a request, where it has one. */
static void test_wire_id(void **state)
{
	static const struct row row = { .allow = { "*" } };
	struct message m = { .origin = { .id = 255, .wire = { UINT64_C(0x0123456789abcdef), 15 } } };
	struct rewrite *w = rewrite_of(&row);
	struct buffer out = { 0 };

	m.head = (struct request_head){ SPAN_LITERAL("GET"), SPAN_LITERAL("/"), NULL, 0, 1, 1 };
	assert_int_equal(head_text(w, &m, &out), 0);
	assert_string_equal(buffer_text(&out), "GET / HTTP/1.1\r\n" HOST UA "X-Shadowtap: 0123456789abcdef000000000000000f\r\n\r\n");
	buffer_deinit(&out);
	rewrite_free(w);
}

/* Connection fields beyond reason: nothing captured is forwarded, and the cost stays linear. */
static void test_many_nominations(void **state)
{
	static const struct row row = { .allow = { "*" } };
	enum { FIELDS = 5000 };
	struct header *headers = calloc(FIELDS, sizeof(*headers));
	struct message m = { .origin.id = 255 };
	struct rewrite *w = rewrite_of(&row);
	struct buffer out = { 0 };

	for (size_t i = 0; i < FIELDS; i++)
		headers[i] = (struct header){ i % 2 ? SPAN_LITERAL("x-a") : SPAN_LITERAL("Connection"), SPAN_LITERAL("y,z") };
	m.head = (struct request_head){ SPAN_LITERAL("GET"), SPAN_LITERAL("/"), headers, FIELDS, 1, 1 };
	assert_int_equal(head_text(w, &m, &out), 0);
	assert_string_equal(buffer_text(&out), "GET / HTTP/1.1\r\n" HOST UA MARK);
	buffer_clear(&out);
	m.head.header_count = 16; /* eight of each: still looked at */
	assert_int_equal(head_text(w, &m, &out), 0);
	assert_int_equal(read_strictly(buffer_span(&out), "x-a"), 8);
	buffer_deinit(&out);
	rewrite_free(w);
	free(headers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),        cmocka_unit_test(test_bad_method),
		cmocka_unit_test(test_paths_that_cost_too_much),
		cmocka_unit_test(test_refused),      cmocka_unit_test(test_traceparent), cmocka_unit_test(test_allows_and_warnings),
		cmocka_unit_test(test_field_kinds),  cmocka_unit_test(test_hostile_heads),
		cmocka_unit_test(test_many_nominations), cmocka_unit_test(test_wire_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
