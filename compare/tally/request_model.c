/* request_model.c - see request_model.h */
#include "compare/tally/request_model.h"

#include "base/json_doc.h"
#include "base/json_scan.h"
#include "compare/body.h"
#include "compare/grpc/grpc_reply.h"
#include "compare/grpc/protobuf.h"
#include "compare/tally/slices.h"
#include "message/grpc.h"

#define NAME_MAX 1024 /* longer texts are no name */

static const struct span none = { (const uint8_t *)"", 0 };

static struct span of_header(const struct request_head *head)
{
	static const char *const headers[] = { "seldon-model", "serve_multiplexed_model_id" };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct span *value = request_head_find(head, span_str(headers[i]));

		if (value && value->len > 0)
			return *value;
	}
	return none;
}

static struct span of_path(struct span path)
{
	static const char *const routes[] = { "/v1/models/", "/v2/models/", "/predictions/", "/explanations/" };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct span route = span_str(routes[i]), name = path;
		const uint8_t *at = path.len ? memmem(path.at, path.len, route.at, route.len) : NULL;
		size_t len = 0;

		if (!at)
			continue;
		span_skip(&name, (size_t)(at - path.at) + route.len);
		while (len < name.len && name.at[len] != '/' && name.at[len] != ':')
			len++;
		span_truncate(&name, len);
		return name;
	}
	return none;
}

static struct span of_json(const struct message *m, struct buffer *scratch)
{
	struct span body = span_of(m->body, m->body ? (size_t)m->body_len : 0);
	struct json_scan scan = { .at = 0 };
	struct json_scan_string name;

	if (!begins_like_json(body))
		return none;
	span_truncate(&body, REQUEST_MODEL_BODY_MAX);
	if (span_starts(body, SPAN_LITERAL("\xef\xbb\xbf")))
		span_skip(&body, 3);
	scan.text = body;
	if (!json_scan_member(&scan, SPAN_LITERAL("model")) || !json_scan_string(&scan, &name) || name.text.len > NAME_MAX)
		return none;
	if (!name.escaped)
		return name.text;
	buffer_clear(scratch);
	json_unescape(name.text, scratch);
	return buffer_span(scratch);
}

/** bytes_of() - the field @number of a message; empty if it has none */
static struct span bytes_of(struct span message, uint32_t number)
{
	struct proto_field f;

	while (proto_next(&message, &f) > 0)
		if (f.number == number && f.wire == PROTO_BYTES)
			return f.bytes;
	return none;
}

/* Both protocols have it in the first field: ModelInferRequest.model_name, and PredictRequest.model_spec.name. */
static struct span of_call(const struct message *m)
{
	struct span body = span_of(m->body, m->body ? (size_t)m->body_len : 0);
	struct grpc_message first;

	if (grpc_message_take(&body, &first) <= 0 || first.compressed)
		return none;
	span_truncate(&first.bytes, REQUEST_MODEL_BODY_MAX);
	switch (grpc_method_of(&m->head, NULL).content) {
	case GRPC_CONTENT_V2:
	case GRPC_CONTENT_V2_STREAM:
		return bytes_of(first.bytes, 1);
	case GRPC_CONTENT_PREDICT:
		return bytes_of(bytes_of(first.bytes, 1), 1);
	case GRPC_CONTENT_UNKNOWN:
	case GRPC_CONTENT_TYPED:
		break;
	}
	return none;
}

struct span request_model(const struct message *m, struct buffer *scratch)
{
	struct span model = of_header(&m->head);

	if (model.len == 0)
		model = of_path(slice_path(m->head.target));
	if (model.len == 0)
		model = m->head.is_grpc ? of_call(m) : of_json(m, scratch);
	return model;
}
