/*
 * grpc_tf.c - see grpc_tf.h
 *
 * Theory of operation. The outputs are a map, which comes in any order: its
 * entries are sorted by name, and of two of one name the later counts. A tensor is a
 * shape and either tensor_content, all elements as bytes, or the typed values
 * of the one field that belongs to its dtype. Fewer values than the shape has
 * elements mean that the last is repeated, none that all are zero; so
 * tensor.cc of TensorFlow reads them. A shape is a claim, and one value can stand for
 * any number of elements: they are written out up to @max_len bytes.
 *
 * Field numbers are those of predict.proto, tensor.proto, types.proto and their neighbours.
 */
#include "compare/grpc/grpc_tf.h"

#include <errno.h>
#include <stdlib.h>

#include "compare/grpc/proto_json.h"
#include "compare/grpc/protobuf.h"
#include "compare/tensors/tensors.h"

#define OUTPUTS_MAX 4096

enum { DTYPE = 1,
       SHAPE = 2,
       CONTENT = 4 };

/* DT_...: of elements, and the field with their values; tensor_content of strings has a form of its own */
static const struct dtype {
	uint8_t number;
	enum tensor_type type;
	uint8_t field;
	enum proto_wire wire;
} dtypes[] = {
	{ 1, TENSOR_FP32, 5, PROTO_FIXED32 },
	{ 2, TENSOR_FP64, 6, PROTO_FIXED64 },
	{ 3, TENSOR_INT32, 7, PROTO_VARINT },
	{ 4, TENSOR_UINT8, 7, PROTO_VARINT },
	{ 5, TENSOR_INT16, 7, PROTO_VARINT },
	{ 6, TENSOR_INT8, 7, PROTO_VARINT },
	{ 7, TENSOR_BYTES, 8, PROTO_BYTES },
	{ 9, TENSOR_INT64, 10, PROTO_VARINT },
	{ 10, TENSOR_BOOL, 11, PROTO_VARINT },
	{ 14, TENSOR_BF16, 13, PROTO_VARINT },
	{ 17, TENSOR_UINT16, 7, PROTO_VARINT },
	{ 19, TENSOR_FP16, 13, PROTO_VARINT },
	{ 22, TENSOR_UINT32, 16, PROTO_VARINT },
	{ 23, TENSOR_UINT64, 17, PROTO_VARINT },
};

struct output {
	struct span name, tensor;
	size_t order;
	/* as read from the tensor */
	const struct dtype *dtype;
	struct span content;
	uint64_t elements, len; /* bytes of the form */
};

/* ---- reading ---- */

/** read_dims() - the sizes of a TensorShapeProto: each to @each, if that is not NULL */
static int read_dims(struct span shape, struct json *each, uint64_t *elements)
{
	struct proto_field f, in_dim;
	int more, inner;

	while ((more = proto_next(&shape, &f)) > 0) {
		uint64_t size = 0;

		if (f.number == 3 && f.wire == PROTO_VARINT && f.value) /* the rank is not known */
			return -EINVAL;
		if (f.number != 2 || f.wire != PROTO_BYTES)
			continue;
		while ((inner = proto_next(&f.bytes, &in_dim)) > 0)
			if (in_dim.number == 1 && in_dim.wire == PROTO_VARINT)
				size = in_dim.value;
		if (inner)
			return inner;
		if (size > INT64_MAX || __builtin_mul_overflow(*elements, size, elements))
			return -EINVAL;
		if (each)
			json_uint(each, size);
	}
	return more;
}

static const struct dtype *dtype_of(uint64_t number)
{
	for (size_t i = 0; i < sizeof(dtypes) / sizeof(*dtypes); i++)
		if (dtypes[i].number == number)
			return &dtypes[i];
	return NULL;
}

/** read_dtype() - what elements there are, and how many by the shape */
static int read_dtype(struct output *o)
{
	struct span in = o->tensor, shape = { NULL, 0 };
	struct proto_field f;
	uint64_t dtype = 0;
	int more;

	while ((more = proto_next(&in, &f)) > 0) {
		if (f.number == DTYPE && f.wire == PROTO_VARINT)
			dtype = f.value;
		else if (f.number == SHAPE && f.wire == PROTO_BYTES)
			shape = f.bytes;
		else if (f.number == CONTENT && f.wire == PROTO_BYTES)
			o->content = f.bytes;
	}
	if (more)
		return more;
	o->dtype = dtype_of(dtype);
	if (!o->dtype)
		return -ENOTSUP;
	o->elements = 1;
	return read_dims(shape, NULL, &o->elements);
}

/** struct values - the elements that are there; @out NULL: they are only counted */
struct values {
	const struct output *output;
	struct buffer *out;
	uint64_t count, last, text_len;
	struct span last_text;
};

static int take_value(struct values *v, uint64_t n)
{
	enum tensor_type type = v->output->dtype->type;
	size_t size = tensor_type_size(type);
	bool is_signed = type == TENSOR_INT8 || type == TENSOR_INT16 || type == TENSOR_INT32;

	if (type == TENSOR_BOOL)
		n = n != 0;
	if (v->output->dtype->wire == PROTO_VARINT && !tensor_form_fits(n, size, is_signed))
		return -EINVAL;
	v->last = n;
	v->count++;
	if (v->out)
		tensor_form_number(v->out, n, size);
	return 0;
}

static int take_text(struct values *v, struct span text)
{
	if (text.len > UINT32_MAX)
		return -EINVAL;
	v->last_text = text;
	v->count++;
	v->text_len += 4 + (uint64_t)text.len;
	if (v->out)
		tensor_form_text(v->out, text);
	return 0;
}

static int take_field(struct values *v, const struct proto_field *f)
{
	struct proto_values numbers;
	uint64_t n;
	int more, err = 0;

	if (v->output->dtype->wire == PROTO_BYTES)
		return f->wire == PROTO_BYTES ? take_text(v, f->bytes) : -EINVAL;
	if (!proto_values_of(f, v->output->dtype->wire, &numbers))
		return -EINVAL;
	while (!err && (more = proto_values_next(&numbers, &n)) != 0)
		err = more < 0 ? more : take_value(v, n);
	return err;
}

static int take_values(struct values *v)
{
	struct span in = v->output->tensor;
	struct proto_field f;
	int err = 0;

	while (!err && proto_next(&in, &f) > 0)
		if (f.number == v->output->dtype->field)
			err = take_field(v, &f);
	return err;
}

/** measure() - the bytes that an output's data will have */
static int measure(struct output *o, uint64_t max_len)
{
	struct values v = { .output = o };
	uint64_t size = tensor_type_size(o->dtype->type);
	int err = take_values(&v);

	if (err)
		return err;
	if (v.count > o->elements || (o->content.len > 0 && v.count > 0))
		return -EINVAL;
	if (o->content.len > 0) {
		o->len = o->content.len;
		if (size == 0)
			return -ENOTSUP;
		return o->elements > UINT64_MAX / size || o->len != o->elements * size ? -EINVAL : 0;
	}
	if (size == 0) {
		size = 4 + (uint64_t)v.last_text.len;
		o->len = v.text_len;
		o->elements -= v.count; /* those that are the last one again */
	} else {
		o->len = 0;
	}
	if (o->elements > max_len / size)
		return -EFBIG;
	o->len += o->elements * size;
	return 0;
}

static void write_data(struct buffer *out, const struct output *o)
{
	struct values v = { .output = o, .out = out };
	size_t size = tensor_type_size(o->dtype->type), end = out->len + (size_t)o->len;

	if (o->content.len > 0) {
		buffer_add_span(out, o->content);
		return;
	}
	take_values(&v);
	while (out->len < end && buffer_ok(out)) {
		if (size > 0)
			tensor_form_number(out, v.last, size);
		else
			tensor_form_text(out, v.last_text);
	}
}

/* ---- outputs ---- */

static int by_name(const void *a, const void *b)
{
	const struct output *x = a, *y = b;
	size_t both = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = both > 0 ? memcmp(x->name.at, y->name.at, both) : 0;

	if (order == 0 && x->name.len != y->name.len)
		return x->name.len < y->name.len ? -1 : 1;
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int read_entry(struct span entry, struct output *o)
{
	struct proto_field f;
	int more;

	while ((more = proto_next(&entry, &f)) > 0) {
		if (f.number == 1 && f.wire == PROTO_BYTES)
			o->name = f.bytes;
		else if (f.number == 2 && f.wire == PROTO_BYTES)
			o->tensor = f.bytes;
	}
	return more;
}

/** count_entries() - of the map, those of one name each counted; -EFBIG: too many */
static int count_entries(struct span message, size_t *count)
{
	struct proto_field f;
	int more;

	*count = 0;
	while ((more = proto_next(&message, &f)) > 0)
		*count += f.number == 1 && f.wire == PROTO_BYTES;
	if (more)
		return more;
	return *count > OUTPUTS_MAX ? -EFBIG : 0;
}

/** read_outputs() - sorted, into room for all entries; @count becomes how many there are */
static int read_outputs(struct span message, struct output *at, size_t *count)
{
	struct proto_field f;
	size_t all = 0;
	int err = 0;

	while (!err && proto_next(&message, &f) > 0) {
		if (f.number != 1 || f.wire != PROTO_BYTES)
			continue;
		at[all] = (struct output){ .order = all };
		err = read_entry(f.bytes, &at[all++]);
	}
	*count = 0;
	if (err)
		return err;
	if (all > 0)
		qsort(at, all, sizeof(*at), by_name);
	for (size_t i = 0; i < all; i++) {
		if (i + 1 < all && span_equal(at[i].name, at[i + 1].name))
			continue;
		at[(*count)++] = at[i];
	}
	return 0;
}

static int write_output(struct json *j, const struct output *o)
{
	struct span in = o->tensor, shape = { NULL, 0 };
	struct proto_field f;
	uint64_t elements = 1;
	int err;

	while (proto_next(&in, &f) > 0)
		if (f.number == SHAPE && f.wire == PROTO_BYTES)
			shape = f.bytes;
	json_open(j, '{');
	json_key(j, "name");
	json_text(j, o->name);
	json_key(j, "datatype");
	json_str(j, tensor_type_name(o->dtype->type));
	json_key(j, "shape");
	json_open(j, '[');
	err = read_dims(shape, j, &elements);
	json_close(j, ']');
	json_key(j, "parameters");
	json_open(j, '{');
	json_count(j, "binary_data_size", o->len);
	json_close(j, '}');
	json_close(j, '}');
	return err;
}

/* ---- types ---- */

static const struct proto_member version_members[] = {
	{ SPAN_LITERAL("value"), 1, PROTO_KIND_INT64, false, false, NULL },
};
static const struct proto_type version = { SPAN_LITERAL("google.protobuf.Int64Value"), version_members, 1, false };

static const struct proto_member spec_members[] = {
	{ SPAN_LITERAL("name"), 1, PROTO_KIND_STRING, false, false, NULL },
	{ SPAN_LITERAL("version"), 2, PROTO_KIND_MESSAGE, false, false, &version },
	{ SPAN_LITERAL("signature_name"), 3, PROTO_KIND_STRING, false, false, NULL },
	{ SPAN_LITERAL("version_label"), 4, PROTO_KIND_STRING, false, true, NULL },
};
static const struct proto_type spec = { SPAN_LITERAL("tensorflow.serving.ModelSpec"), spec_members, 4, false };

static const struct proto_member class_members[] = {
	{ SPAN_LITERAL("label"), 1, PROTO_KIND_STRING, false, false, NULL },
	{ SPAN_LITERAL("score"), 2, PROTO_KIND_FLOAT, false, false, NULL },
};
static const struct proto_type class = { SPAN_LITERAL("tensorflow.serving.Class"), class_members, 2, false };

static const struct proto_member classes_members[] = {
	{ SPAN_LITERAL("classes"), 1, PROTO_KIND_MESSAGE, true, false, &class },
};
static const struct proto_type classes = { SPAN_LITERAL("tensorflow.serving.Classifications"), classes_members, 1, false };

static const struct proto_member classification_members[] = {
	{ SPAN_LITERAL("classifications"), 1, PROTO_KIND_MESSAGE, true, false, &classes },
};
static const struct proto_type classification = { SPAN_LITERAL("tensorflow.serving.ClassificationResult"),
						  classification_members, 1, false };

static const struct proto_member value_members[] = {
	{ SPAN_LITERAL("value"), 1, PROTO_KIND_FLOAT, false, false, NULL },
};
static const struct proto_type value = { SPAN_LITERAL("tensorflow.serving.Regression"), value_members, 1, false };

static const struct proto_member regression_members[] = {
	{ SPAN_LITERAL("regressions"), 1, PROTO_KIND_MESSAGE, true, false, &value },
};
static const struct proto_type regression = { SPAN_LITERAL("tensorflow.serving.RegressionResult"), regression_members, 1, false };

static const struct proto_member classify_members[] = {
	{ SPAN_LITERAL("result"), 1, PROTO_KIND_MESSAGE, false, false, &classification },
	{ SPAN_LITERAL("model_spec"), 2, PROTO_KIND_MESSAGE, false, false, &spec },
};
static const struct proto_type classify = { SPAN_LITERAL("tensorflow.serving.ClassificationResponse"), classify_members, 2,
					    false };

static const struct proto_member regress_members[] = {
	{ SPAN_LITERAL("result"), 1, PROTO_KIND_MESSAGE, false, false, &regression },
	{ SPAN_LITERAL("model_spec"), 2, PROTO_KIND_MESSAGE, false, false, &spec },
};
static const struct proto_type regress = { SPAN_LITERAL("tensorflow.serving.RegressionResponse"), regress_members, 2, false };

static const struct proto_member inference_members[] = {
	{ SPAN_LITERAL("model_spec"), 1, PROTO_KIND_MESSAGE, false, false, &spec },
	{ SPAN_LITERAL("classification_result"), 2, PROTO_KIND_MESSAGE, false, false, &classification },
	{ SPAN_LITERAL("regression_result"), 3, PROTO_KIND_MESSAGE, false, false, &regression },
};
static const struct proto_type inference = { SPAN_LITERAL("tensorflow.serving.InferenceResult"), inference_members, 3, false };

static const struct proto_member multi_members[] = {
	{ SPAN_LITERAL("results"), 1, PROTO_KIND_MESSAGE, true, false, &inference },
};
static const struct proto_type multi = { SPAN_LITERAL("tensorflow.serving.MultiInferenceResponse"), multi_members, 1, false };

const struct proto_type *grpc_tf_type(struct span method)
{
	if (span_equal(method, SPAN_LITERAL("Classify")))
		return &classify;
	if (span_equal(method, SPAN_LITERAL("Regress")))
		return &regress;
	return span_equal(method, SPAN_LITERAL("MultiInference")) ? &multi : NULL;
}

/* ---- the form ---- */

/** write_spec() - the model_spec, if there is one */
static int write_spec(struct json *j, struct span message, uint64_t max_len, struct digest *digest)
{
	struct proto_field f, last = { 0 };

	while (proto_next(&message, &f) > 0)
		if (f.number == 2 && f.wire == PROTO_BYTES)
			last = f;
	if (last.number == 0)
		return 0;
	json_key(j, "model_spec");
	j->comma = true;
	return proto_json(&spec, last.bytes, max_len, digest, j->out);
}

static int write_form(struct span message, struct output *at, size_t count, uint64_t max_len, struct digest *digest,
		      struct tensor_form *out)
{
	struct json j = json_to(&out->bytes);
	int err;

	json_open(&j, '{');
	err = write_spec(&j, message, max_len, digest);
	json_key(&j, "outputs");
	json_open(&j, '[');
	for (size_t i = 0; i < count && !err; i++)
		err = write_output(&j, &at[i]);
	json_close(&j, ']');
	json_close(&j, '}');
	out->head_len = out->bytes.len;
	for (size_t i = 0; i < count && !err; i++)
		write_data(&out->bytes, &at[i]);
	if (err)
		return err;
	return buffer_ok(&out->bytes) ? 0 : -ENOMEM;
}

int grpc_tf_read(struct span message, uint64_t max_len, struct digest *digest, struct tensor_form *out)
{
	struct output *at;
	uint64_t len = 0;
	size_t count;
	int err = count_entries(message, &count);

	if (err)
		return err;
	at = calloc(count + 1, sizeof(*at));
	if (!at)
		return -ENOMEM;
	buffer_clear(&out->bytes);
	err = read_outputs(message, at, &count);
	for (size_t i = 0; i < count && !err; i++) {
		err = read_dtype(&at[i]);
		if (!err)
			err = measure(&at[i], max_len);
		len += at[i].len;
		if (!err && len > max_len)
			err = -EFBIG;
	}
	if (!err)
		err = write_form(message, at, count, max_len, digest, out);
	free(at);
	return err;
}
