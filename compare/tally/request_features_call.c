/*
 * request_features_call.c - the features of a call of gRPC: what its first message says of its inputs
 *
 * Theory of operation. Names, types and shapes tell what kind of request it is; elements are binary, mostly, and are
 * not looked at. KServe's have the pointers that they have in the same protocol in JSON, so that both are one. Field
 * numbers are those of grpc_service.proto, and of predict.proto, model.proto, tensor.proto and tensor_shape.proto.
 * Where a message is damaged, and behind FEATURE_NODES_MAX fields, what was read before counts.
 */
#include "compare/grpc/grpc_reply.h"
#include "compare/grpc/protobuf.h"
#include "compare/tally/request_features_impl.h"
#include "message/grpc.h"

/* ModelInferRequest, and its inputs */
enum { VERSION = 2,
       INPUTS = 5 };
enum { NAME = 1,
       DATATYPE = 2,
       SHAPE = 3 };
/* PredictRequest, its ModelSpec, an entry of its map of inputs, a TensorProto, its shape, a dimension */
enum { SPEC = 1,
       ENTRIES = 2 };
enum { SIGNATURE = 3 };
enum { KEY = 1,
       TENSOR = 2 };
enum { DTYPE = 1,
       TENSOR_SHAPE = 2 };
enum { DIM = 2 };
enum { SIZE = 1 };

struct call_reader {
	struct features *f;
	unsigned nodes;
};

/** next_field() - of a message; false at its end, where it is damaged, or after too many */
static bool next_field(struct call_reader *r, struct span *in, struct proto_field *out)
{
	return r->nodes++ < FEATURE_NODES_MAX && proto_next(in, out) > 0;
}

static void put_text(struct features *f, const struct feature_path *at, const char *member, struct span text)
{
	struct feature_path path = *at;

	if (feature_path_add(&path, span_str(member)))
		features_text(f, features_at(f, &path), text);
}

static void put_number(struct features *f, const struct feature_path *at, struct span member, enum feature_aspect aspect, double x)
{
	struct feature_path path = *at;

	if (feature_path_add(&path, member))
		features_number(f, features_at(f, &path), aspect, x);
}

/** put_dimension() - the @index-th of the shape at @at */
static void put_dimension(struct features *f, const struct feature_path *at, unsigned index, uint64_t size)
{
	const uint8_t digit = (uint8_t)('0' + index);

	if (index < FEATURE_INDICES)
		put_number(f, at, span_of(&digit, 1), FEATURE_NUMBER, (double)(int64_t)size);
}

static bool next_bytes(struct call_reader *r, struct span *in, uint32_t number, struct span *out)
{
	struct proto_field f;

	while (next_field(r, in, &f))
		if (f.number == number && f.wire == PROTO_BYTES) {
			*out = f.bytes;
			return true;
		}
	return false;
}

/* ---- KServe's protocol ---- */

static void read_shape(struct call_reader *r, struct feature_path at, struct span input)
{
	struct proto_field field;
	struct proto_values values;
	unsigned count = 0;
	uint64_t size;

	if (!feature_path_add(&at, SPAN_LITERAL("shape")))
		return;
	while (next_field(r, &input, &field)) {
		if (field.number != SHAPE || !proto_values_of(&field, PROTO_VARINT, &values))
			continue;
		while (count <= FEATURE_INDICES && proto_values_next(&values, &size) > 0)
			put_dimension(r->f, &at, count++, size);
	}
	features_number(r->f, features_at(r->f, &at), FEATURE_ELEMENTS, count);
}

static void read_input(struct call_reader *r, const struct feature_path *at, struct span input)
{
	struct span text, in = input;

	if (next_bytes(r, &in, NAME, &text))
		put_text(r->f, at, "name", text);
	in = input;
	if (next_bytes(r, &in, DATATYPE, &text))
		put_text(r->f, at, "datatype", text);
	read_shape(r, *at, input);
}

static void read_infer(struct call_reader *r, struct span message)
{
	struct feature_path root = { .len = 0 }, inputs = { .len = 0 };
	struct span in = message, part;
	unsigned count = 0;

	if (next_bytes(r, &in, VERSION, &part))
		put_text(r->f, &root, "model_version", part);
	feature_path_add(&inputs, SPAN_LITERAL("inputs"));
	for (in = message; count < FEATURE_INDICES && next_bytes(r, &in, INPUTS, &part); count++) {
		const uint8_t digit = (uint8_t)('0' + count);
		struct feature_path at = inputs;

		feature_path_add(&at, span_of(&digit, 1));
		read_input(r, &at, part);
	}
	features_number(r->f, features_at(r->f, &inputs), FEATURE_ELEMENTS, count);
}

/* ---- TensorFlow Serving's ---- */

static void read_tensor(struct call_reader *r, struct feature_path at, struct span tensor)
{
	struct proto_field field, size;
	struct span shape = { NULL, 0 }, dim;
	unsigned count = 0;

	while (next_field(r, &tensor, &field)) {
		if (field.number == DTYPE && field.wire == PROTO_VARINT)
			put_number(r->f, &at, SPAN_LITERAL("dtype"), FEATURE_NUMBER, (double)field.value);
		else if (field.number == TENSOR_SHAPE && field.wire == PROTO_BYTES)
			shape = field.bytes;
	}
	if (!feature_path_add(&at, SPAN_LITERAL("shape")))
		return;
	while (count < FEATURE_INDICES && next_bytes(r, &shape, DIM, &dim)) {
		if (next_field(r, &dim, &size) && size.number == SIZE && size.wire == PROTO_VARINT)
			put_dimension(r->f, &at, count, size.value);
		count++;
	}
	features_number(r->f, features_at(r->f, &at), FEATURE_ELEMENTS, count);
}

static void read_predict(struct call_reader *r, struct span message)
{
	struct feature_path root = { .len = 0 };
	struct span in = message, part, key, tensor;

	if (next_bytes(r, &in, SPEC, &part) && next_bytes(r, &part, SIGNATURE, &key))
		put_text(r->f, &root, "signature_name", key);
	for (in = message; r->f->count < FEATURES_MAX && next_bytes(r, &in, ENTRIES, &part);) {
		struct feature_path at = { .len = 0 };
		struct span entry = part;

		if (next_bytes(r, &part, KEY, &key) && next_bytes(r, &entry, TENSOR, &tensor) &&
		    feature_path_add(&at, SPAN_LITERAL("inputs")) && feature_path_add(&at, key))
			read_tensor(r, at, tensor);
	}
}

void features_call(struct features *f, const struct message *m)
{
	struct span body = span_of(m->body, m->body ? (size_t)m->body_len : 0);
	struct call_reader r = { .f = f };
	struct grpc_message first;

	if (grpc_message_take(&body, &first) <= 0 || first.compressed)
		return;
	switch (grpc_method_of(&m->head, NULL).content) {
	case GRPC_CONTENT_V2:
	case GRPC_CONTENT_V2_STREAM:
		read_infer(&r, first.bytes);
		break;
	case GRPC_CONTENT_PREDICT:
		read_predict(&r, first.bytes);
		break;
	case GRPC_CONTENT_UNKNOWN:
	case GRPC_CONTENT_TYPED:
		break;
	}
}
