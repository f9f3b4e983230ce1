/*
 * grpc_v2.c - see grpc_v2.h
 *
 * Theory of operation. Twice through the message: first the head is written,
 * with the number of bytes that each output's data will have, then the data. Data is where
 * the protocol has it, in one of two places for all outputs: raw_output_contents, one for each
 * output in their order, little-endian already; or the typed contents of each output, of which
 * only the field that belongs to its datatype may have something.
 *
 * Field numbers are those of the protocol's grpc_service.proto. Fields that it does not have are left out.
 */
#include "compare/grpc/grpc_v2.h"

#include <errno.h>

#include "compare/grpc/protobuf.h"
#include "compare/tensors/tensors.h"

/* ModelInferResponse */
enum { MODEL_NAME = 1,
       MODEL_VERSION = 2,
       ID = 3,
       PARAMETERS = 4,
       OUTPUTS = 5,
       RAW_CONTENTS = 6 };
/* its outputs */
enum { NAME = 1,
       DATATYPE = 2,
       SHAPE = 3,
       OUTPUT_PARAMETERS = 4,
       CONTENTS = 5 };

static const struct {
	uint8_t field;
	enum proto_wire wire;
} contents_of[TENSOR_TYPE_COUNT] = {
	[TENSOR_BOOL] = { 1, PROTO_VARINT },
	[TENSOR_INT8] = { 2, PROTO_VARINT },
	[TENSOR_INT16] = { 2, PROTO_VARINT },
	[TENSOR_INT32] = { 2, PROTO_VARINT },
	[TENSOR_INT64] = { 3, PROTO_VARINT },
	[TENSOR_UINT8] = { 4, PROTO_VARINT },
	[TENSOR_UINT16] = { 4, PROTO_VARINT },
	[TENSOR_UINT32] = { 4, PROTO_VARINT },
	[TENSOR_UINT64] = { 5, PROTO_VARINT },
	[TENSOR_FP32] = { 6, PROTO_FIXED32 },
	[TENSOR_FP64] = { 7, PROTO_FIXED64 },
	[TENSOR_BYTES] = { 8, PROTO_BYTES },
	/* FP16 and BF16 come as raw bytes alone */
};

static bool is_signed(enum tensor_type type)
{
	return type == TENSOR_INT8 || type == TENSOR_INT16 || type == TENSOR_INT32;
}

/** next_of() - the next field called @number with bytes; 1, 0, -EBADMSG */
static int next_of(struct span *in, uint32_t number, struct span *out)
{
	struct proto_field f;
	int more;

	do
		more = proto_next(in, &f);
	while (more > 0 && (f.number != number || f.wire != PROTO_BYTES));
	if (more > 0)
		*out = f.bytes;
	return more;
}

/** last_of() - the last one; empty if there is none */
static struct span last_of(struct span message, uint32_t number)
{
	struct span last = { NULL, 0 };

	while (next_of(&message, number, &last) > 0)
		;
	return last;
}

/* ---- typed contents ---- */

/** struct typed - elements of one output as they are read; @out NULL: only their bytes are counted */
struct typed {
	enum tensor_type type;
	struct buffer *out;
	uint64_t len;
};

static int take_numbers(struct typed *t, const struct proto_field *f)
{
	size_t size = tensor_type_size(t->type);
	struct proto_values values;
	uint64_t n;
	int more;

	if (!proto_values_of(f, contents_of[t->type].wire, &values))
		return -EINVAL;
	while ((more = proto_values_next(&values, &n)) > 0) {
		if (t->type == TENSOR_BOOL)
			n = n != 0;
		else if (f->number != 6 && f->number != 7 && !tensor_form_fits(n, size, is_signed(t->type)))
			return -EINVAL;
		t->len += size;
		if (t->out)
			tensor_form_number(t->out, n, size);
	}
	return more;
}

static int take_contents(struct typed *t, struct span contents)
{
	struct proto_field f;
	int more, err = 0;

	while (!err && (more = proto_next(&contents, &f)) != 0) {
		if (more < 0) {
			err = more;
		} else if (f.number != contents_of[t->type].field) {
			err = f.wire == PROTO_BYTES && f.bytes.len == 0 && f.number != 8 ? 0 : -EINVAL;
		} else if (t->type == TENSOR_BYTES) {
			if (f.wire != PROTO_BYTES || f.bytes.len > UINT32_MAX)
				return -EINVAL;
			t->len += 4 + (uint64_t)f.bytes.len;
			if (t->out)
				tensor_form_text(t->out, f.bytes);
		} else {
			err = take_numbers(t, &f);
		}
	}
	return err;
}

static int take_typed(struct typed *t, struct span output)
{
	struct span contents;
	int more, err = 0;

	while (!err && (more = next_of(&output, CONTENTS, &contents)) != 0)
		err = more < 0 ? more : take_contents(t, contents);
	return err;
}

/* ---- the head ---- */

static void write_name(struct json *j, struct span name)
{
	json_text(j, name);
	buffer_add(j->out, ":", 1);
	j->comma = false;
}

/** write_parameter() - an InferParameter: what is set in it */
static int write_parameter(struct json *j, struct span parameter)
{
	struct proto_field f, last = { 0 };
	double x;
	int more;

	while ((more = proto_next(&parameter, &f)) > 0)
		last = f;
	if (more)
		return more;
	if (last.number == 1 && last.wire == PROTO_VARINT) {
		json_bool(j, last.value != 0);
	} else if (last.number == 2 && last.wire == PROTO_VARINT) {
		json_int(j, (int64_t)last.value);
	} else if (last.number == 3 && last.wire == PROTO_BYTES) {
		json_text(j, last.bytes);
	} else if (last.number == 4 && last.wire == PROTO_FIXED64) {
		memcpy(&x, &last.value, sizeof(x));
		json_exact(j, x);
	} else if (last.number == 5 && last.wire == PROTO_VARINT) {
		json_uint(j, last.value);
	} else {
		json_null(j);
	}
	return 0;
}

/** write_parameters() - the entries of a map, behind what is open already */
static int write_parameters(struct json *j, struct span message, uint32_t number)
{
	struct span entry;
	int more, err = 0;

	while (!err && (more = next_of(&message, number, &entry)) != 0) {
		if (more < 0)
			return more;
		if (!proto_is_message(entry))
			return -EBADMSG;
		if (span_equal(last_of(entry, 1), SPAN_LITERAL("binary_data_size"))) /* ours */
			continue;
		write_name(j, last_of(entry, 1));
		err = write_parameter(j, last_of(entry, 2));
	}
	return err;
}

static int write_shape(struct json *j, struct span output)
{
	struct proto_values values;
	struct proto_field f;
	uint64_t n;
	int more, each = 0;

	json_key(j, "shape");
	json_open(j, '[');
	while (each == 0 && (more = proto_next(&output, &f)) > 0) {
		if (f.number != SHAPE)
			continue;
		if (!proto_values_of(&f, PROTO_VARINT, &values))
			return -EINVAL;
		while ((each = proto_values_next(&values, &n)) > 0)
			json_int(j, (int64_t)n);
	}
	json_close(j, ']');
	return each;
}

/** struct head - what is being written, and the bytes of data that will be behind it */
struct head {
	struct json j;
	bool is_raw;
	uint64_t data_len, max_len;
};

static int check_room(const struct head *w)
{
	if (!buffer_ok(w->j.out))
		return -ENOMEM;
	return w->j.out->len + w->data_len > w->max_len ? -EFBIG : 0;
}

/** write_output() - one output, with @raw as its data, or its own if that is NULL */
static int write_output(struct head *w, struct span output, const struct span *raw)
{
	struct json *j = &w->j;
	struct typed t = { .type = tensor_type_of(last_of(output, DATATYPE)) };
	int err;

	if (!proto_is_message(output))
		return -EBADMSG;
	if (t.type == TENSOR_TYPE_COUNT)
		return -EINVAL;
	err = take_typed(&t, output);
	if (!err && raw && t.len > 0)
		err = -EINVAL;
	if (err)
		return err;
	w->data_len += raw ? raw->len : t.len;
	json_open(j, '{');
	json_key(j, "name");
	json_text(j, last_of(output, NAME));
	json_key(j, "datatype");
	json_str(j, tensor_type_name(t.type));
	err = write_shape(j, output);
	json_key(j, "parameters");
	json_open(j, '{');
	json_count(j, "binary_data_size", raw ? raw->len : t.len);
	if (!err)
		err = write_parameters(j, output, OUTPUT_PARAMETERS);
	json_close(j, '}');
	json_close(j, '}');
	return err ? err : check_room(w);
}

static int write_outputs(struct head *w, struct span message)
{
	struct span raws = message, output, raw;
	int more, err = 0;

	while (!err && (more = next_of(&message, OUTPUTS, &output)) != 0) {
		if (more < 0)
			return more;
		if (w->is_raw && next_of(&raws, RAW_CONTENTS, &raw) <= 0)
			return -EINVAL;
		err = write_output(w, output, w->is_raw ? &raw : NULL);
	}
	return !err && w->is_raw && next_of(&raws, RAW_CONTENTS, &raw) > 0 ? -EINVAL : err;
}

static int write_head(struct head *w, struct span message)
{
	struct json *j = &w->j;
	int err;

	json_open(j, '{');
	json_key(j, "model_name");
	json_text(j, last_of(message, MODEL_NAME));
	json_key(j, "model_version");
	json_text(j, last_of(message, MODEL_VERSION));
	json_key(j, "id");
	json_text(j, last_of(message, ID));
	json_key(j, "parameters");
	json_open(j, '{');
	err = write_parameters(j, message, PARAMETERS);
	json_close(j, '}');
	json_key(j, "outputs");
	json_open(j, '[');
	if (!err)
		err = write_outputs(w, message);
	json_close(j, ']');
	json_close(j, '}');
	return err ? err : check_room(w);
}

/* ---- the data ---- */

/** write_data() - of all outputs, as the head has said; nothing of it can fail any more but memory */
static void write_data(struct buffer *out, struct span message, bool is_raw)
{
	struct span in = message, bytes;

	while (next_of(&in, is_raw ? RAW_CONTENTS : OUTPUTS, &bytes) > 0) {
		struct typed t = { .out = out };

		if (is_raw) {
			buffer_add_span(out, bytes);
			continue;
		}
		t.type = tensor_type_of(last_of(bytes, DATATYPE));
		take_typed(&t, bytes);
	}
}

int grpc_v2_read(struct span message, uint64_t max_len, struct tensor_form *out)
{
	struct head w = { .j = json_to(&out->bytes), .max_len = max_len };
	struct span raws = message, raw;
	int err;

	buffer_clear(&out->bytes);
	if (!proto_is_message(message))
		return -EBADMSG;
	w.is_raw = next_of(&raws, RAW_CONTENTS, &raw) > 0;
	err = write_head(&w, message);
	if (err)
		return err;
	out->head_len = out->bytes.len;
	write_data(&out->bytes, message, w.is_raw);
	return buffer_ok(&out->bytes) ? 0 : -ENOMEM;
}

/* ---- streams ---- */

/** is_final() - does a parameter say that this is the last response? */
static bool is_final(struct span response)
{
	struct span entry, value;
	struct proto_field f;

	while (next_of(&response, PARAMETERS, &entry) > 0) {
		if (!span_equal(last_of(entry, 1), SPAN_LITERAL("triton_final_response")))
			continue;
		value = last_of(entry, 2);
		if (proto_next(&value, &f) > 0 && f.number == 1 && f.wire == PROTO_VARINT && f.value != 0)
			return true;
	}
	return false;
}

int grpc_v2_part_of(struct span message, struct grpc_v2_part *out)
{
	struct span outputs;

	*out = (struct grpc_v2_part){ 0 };
	if (!proto_is_message(message))
		return -EBADMSG;
	out->error = last_of(message, 1);
	out->response = last_of(message, 2);
	if (!proto_is_message(out->response))
		return -EBADMSG;
	out->id = last_of(out->response, ID);
	outputs = out->response;
	out->ends = out->error.len == 0 && is_final(out->response) && next_of(&outputs, OUTPUTS, &(struct span){ 0 }) == 0;
	return 0;
}
