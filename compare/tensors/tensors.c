/*
 * tensors.c - see tensors.h
 *
 * Theory of operation. What the head says about lengths is checked once, when
 * it is read: sizes add up to what follows the head, an element size divides
 * its output's size, the lengths inside BYTES end where the output ends. A walk
 * over elements then takes from spans and cannot fail.
 *
 * The number of elements is what is there; that the shape names another number
 * is for the comparer to see, as it compares the shapes too.
 *
 * Little-endian as the protocol has it, whatever this machine is.
 */
#include "compare/tensors/tensors.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define ALIGN_MAX 256 /* outputs: more stay as they are */

static const struct {
	const char *name;
	uint8_t size;
} types[] = {
#define X(id, name, size) [TENSOR_##id] = { name, size },
	TENSOR_TYPES(X)
#undef X
};

enum tensor_type tensor_type_of(struct span name)
{
	int i = 0;

	while (i < TENSOR_TYPE_COUNT && !span_equal(span_str(types[i].name), name))
		i++;
	return (enum tensor_type)i;
}

const char *tensor_type_name(enum tensor_type type)
{
	return types[type].name;
}

size_t tensor_type_size(enum tensor_type type)
{
	return types[type].size;
}

/** take_le() - a little-endian number of @size bytes from the front */
static bool take_le(struct span *in, size_t size, uint64_t *out)
{
	struct span b;

	if (!span_take(in, size, &b))
		return false;
	*out = 0;
	for (size_t i = size; i-- > 0;)
		*out = *out << 8 | b.at[i];
	return true;
}

/* ---- reading the head ---- */

static bool read_type(const struct json_doc *d, uint32_t output, enum tensor_type *out)
{
	uint32_t type = json_doc_member(d, output, SPAN_LITERAL("datatype"));

	for (int i = 0; type && i < TENSOR_TYPE_COUNT; i++)
		if (json_doc_says(d, type, span_str(types[i].name))) {
			*out = (enum tensor_type)i;
			return true;
		}
	return false;
}

/** read_shape() - how many numbers, and the last of them */
static void read_shape(const struct json_doc *d, struct tensor *t)
{
	uint32_t shape = json_doc_member(d, t->output, SPAN_LITERAL("shape"));

	if (!shape || d->nodes[shape].type != JSON_ARRAY)
		return;
	t->rank = d->nodes[shape].count;
	for (uint32_t i = shape + 1; i < d->nodes[shape].next; i = d->nodes[i].next)
		if (!json_doc_uint(d, i, &t->row))
			t->row = 0;
}

/** count_texts() - elements of BYTES; false if a length leads elsewhere than to the end */
static bool count_texts(struct span bytes, uint64_t *count)
{
	uint64_t len;

	*count = 0;
	while (bytes.len > 0) {
		if (!take_le(&bytes, 4, &len) || !span_skip(&bytes, len))
			return false;
		++*count;
	}
	return true;
}

static uint64_t count_json(const struct json_doc *d, uint32_t data)
{
	uint64_t count = 0;

	for (uint32_t i = data; i < d->nodes[data].next; i++) {
		if (d->nodes[i].type == JSON_OBJECT) /* nothing a tensor could hold: one strange element */
			i = d->nodes[i].next - 1;
		count += d->nodes[i].type != JSON_ARRAY;
	}
	return count;
}

/** read_data() - where an output's data is, and how much; binary data comes from the front of @rest */
static int read_data(const struct json_doc *d, struct tensor *t, struct span *rest)
{
	uint32_t parameters = json_doc_member(d, t->output, SPAN_LITERAL("parameters"));
	uint32_t size = json_doc_member(d, parameters, SPAN_LITERAL("binary_data_size"));
	uint64_t len;

	t->data = json_doc_member(d, t->output, SPAN_LITERAL("data"));
	if (!parameters || !size) {
		t->count = t->data ? count_json(d, t->data) : 0;
		return 0;
	}
	if (t->data || !json_doc_uint(d, size, &len) || len > rest->len || !span_take(rest, len, &t->bytes))
		return -EINVAL;
	if (types[t->type].size == 0)
		return count_texts(t->bytes, &t->count) ? 0 : -EINVAL;
	t->count = len / types[t->type].size;
	return len % types[t->type].size ? -EINVAL : 0;
}

static int add_tensor(struct tensors *t, uint32_t output, struct span *rest)
{
	struct tensor new = { .output = output };
	const struct json_doc *d = &t->head;
	uint32_t name = json_doc_member(d, output, SPAN_LITERAL("name"));
	int err;

	if (!name || d->nodes[name].type != JSON_STRING || !read_type(d, output, &new.type))
		return -EINVAL;
	new.name = json_doc_text(d, name);
	read_shape(d, &new);
	err = read_data(d, &new, rest);
	if (err)
		return err;
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 8;
		struct tensor *more;

		if (!budget_grow(t->memory, t->cap * sizeof(*more), cap * sizeof(*more)))
			return -EFBIG;
		more = realloc(t->at, cap * sizeof(*more));
		if (!more) {
			if (t->memory)
				budget_release(t->memory, (cap - t->cap) * sizeof(*more));
			return -ENOMEM;
		}
		t->at = more;
		t->cap = cap;
	}
	t->at[t->count++] = new;
	return 0;
}

/* ---- the frame ---- */

static void add_member(struct buffer *out, const struct json_doc *d, uint32_t name, bool *first)
{
	bool quoted = d->nodes[name + 1].type == JSON_STRING;

	buffer_add(out, ",", !*first);
	*first = false;
	buffer_add(out, "\"", 1);
	buffer_add_span(out, json_doc_text(d, name));
	buffer_add(out, "\":\"", 2 + quoted);
	buffer_add_span(out, json_doc_text(d, name + 1));
	buffer_add(out, "\"", quoted);
}

/** add_parameters() - those of an output, without its size, and not at all if nothing else is in them */
static void add_parameters(struct buffer *out, const struct json_doc *d, uint32_t node, bool *first)
{
	bool none = true;

	for (uint32_t name = node + 1; name < d->nodes[node].next; name = d->nodes[name + 1].next) {
		if (json_doc_says(d, name, SPAN_LITERAL("binary_data_size")))
			continue;
		if (none)
			buffer_add_str(out, *first ? "\"parameters\":{" : ",\"parameters\":{");
		add_member(out, d, name, &none);
	}
	buffer_add(out, "}", !none);
	*first = *first && none;
}

static void add_output(struct buffer *out, const struct json_doc *d, uint32_t node)
{
	bool first = true;

	buffer_add(out, "{", 1);
	for (uint32_t name = node + 1; name < d->nodes[node].next; name = d->nodes[name + 1].next) {
		if (json_doc_says(d, name, SPAN_LITERAL("data")))
			continue;
		if (json_doc_says(d, name, SPAN_LITERAL("parameters")) &&
		    d->nodes[name + 1].type == JSON_OBJECT)
			add_parameters(out, d, name + 1, &first);
		else
			add_member(out, d, name, &first);
	}
	buffer_add(out, "}", 1);
}

bool tensors_frame(struct tensors *t, struct span *frame)
{
	const struct json_doc *d = &t->head;
	uint32_t outputs = json_doc_member(d, 0, SPAN_LITERAL("outputs"));
	struct buffer *out = &t->frame;
	bool first = true;

	buffer_clear(out);
	buffer_add(out, "{", 1);
	for (uint32_t name = 1; name < d->nodes[0].next; name = d->nodes[name + 1].next)
		if (name + 1 != outputs)
			add_member(out, d, name, &first);
	buffer_add_str(out, first ? "\"outputs\":" : ",\"outputs\":");
	buffer_add(out, t->by_name ? "{" : "[", 1);
	for (size_t i = 0; i < t->count; i++) {
		buffer_add(out, ",", i > 0);
		if (t->by_name) {
			buffer_add(out, "\"", 1);
			buffer_add_span(out, t->at[i].name);
			buffer_add(out, "\":", 2);
		}
		add_output(out, d, t->at[i].output);
	}
	buffer_add(out, t->by_name ? "}}" : "]}", 2);
	*frame = buffer_span(out);
	return buffer_ok(out);
}

bool tensors_align(struct tensors *t, const struct tensors *like)
{
	bool moved = false;

	if (t->count > ALIGN_MAX)
		return false;
	for (size_t i = 0; i < like->count && i < t->count; i++) {
		size_t from = i;

		while (from < t->count && !span_equal(t->at[from].name, like->at[i].name))
			from++;
		if (from < t->count && from > i) {
			struct tensor found = t->at[from];

			memmove(&t->at[i + 1], &t->at[i], (from - i) * sizeof(found));
			t->at[i] = found;
			moved = true;
		}
	}
	return moved;
}

int tensors_read(struct tensors *t, struct span body, uint64_t head_len)
{
	struct span rest = body, head;
	uint32_t outputs;
	int err;

	t->count = 0;
	t->head.memory = t->memory;
	if (head_len > body.len || !span_take(&rest, head_len, &head))
		return -EINVAL;
	err = json_doc_parse(&t->head, head);
	if (err)
		return err;
	outputs = json_doc_member(&t->head, 0, SPAN_LITERAL("outputs"));
	if (!outputs || t->head.nodes[outputs].type != JSON_ARRAY)
		return -EINVAL;
	for (uint32_t i = outputs + 1; i < t->head.nodes[outputs].next && !err; i = t->head.nodes[i].next)
		err = add_tensor(t, i, &rest);
	if (!err && rest.len > 0)
		err = -EINVAL;
	return err;
}

void tensors_deinit(struct tensors *t)
{
	json_doc_deinit(&t->head);
	buffer_deinit(&t->frame);
	if (t->memory)
		budget_release(t->memory, t->cap * sizeof(*t->at));
	free(t->at);
	*t = (struct tensors){ .memory = t->memory, .by_name = t->by_name };
}

/* ---- elements ---- */

void element_walk_begin(struct element_walk *w, const struct tensors *in, const struct tensor *tensor,
			struct buffer *scratch)
{
	*w = (struct element_walk){ .in = in, .tensor = tensor, .bytes = tensor->bytes, .scratch = scratch };
	if (tensor->data) {
		w->node = tensor->data;
		w->end = in->head.nodes[tensor->data].next;
	}
}

static double half(uint64_t bits)
{
	double sign = bits >> 15 ? -1 : 1, fraction = (double)(bits & 0x3ff);
	int exponent = bits >> 10 & 0x1f;

	if (exponent == 0x1f)
		return (bits & 0x3ff) ? NAN : sign * INFINITY;
	if (exponent == 0)
		return sign * ldexp(fraction, -24);
	return sign * ldexp(1024 + fraction, exponent - 25);
}

static double single(uint64_t bits)
{
	uint32_t b = (uint32_t)bits;
	float f;

	memcpy(&f, &b, sizeof(f));
	return f;
}

static double twice(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static void set_signed(struct element *e, int64_t n)
{
	e->kind = n < 0 ? ELEMENT_INT : ELEMENT_UINT;
	if (n < 0)
		e->integer = n;
	else
		e->uint = (uint64_t)n;
}

static void set_real(struct element *e, double x)
{
	e->kind = ELEMENT_REAL;
	e->real = x;
}

/** set_binary() - what @bits say in a tensor of @type */
static void set_binary(struct element *e, enum tensor_type type, uint64_t bits)
{
	e->kind = ELEMENT_UINT;
	switch (type) {
	case TENSOR_BOOL:
		e->uint = bits != 0;
		break;
	case TENSOR_UINT8:
	case TENSOR_UINT16:
	case TENSOR_UINT32:
	case TENSOR_UINT64:
		e->uint = bits;
		break;
	case TENSOR_INT8:
		set_signed(e, (int8_t)bits);
		break;
	case TENSOR_INT16:
		set_signed(e, (int16_t)bits);
		break;
	case TENSOR_INT32:
		set_signed(e, (int32_t)bits);
		break;
	case TENSOR_INT64:
		set_signed(e, (int64_t)bits);
		break;
	case TENSOR_FP16:
		set_real(e, half(bits));
		break;
	case TENSOR_BF16:
		set_real(e, single(bits << 16));
		break;
	case TENSOR_FP32:
		set_real(e, single(bits));
		break;
	case TENSOR_FP64:
		set_real(e, twice(bits));
		break;
	case TENSOR_BYTES:
	case TENSOR_TYPE_COUNT:
		break; /* not numbers */
	}
}

static bool next_binary(struct element_walk *w, struct element *e)
{
	enum tensor_type type = w->tensor->type;
	uint64_t bits;

	if (types[type].size > 0) {
		if (!take_le(&w->bytes, types[type].size, &bits))
			return false;
		set_binary(e, type, bits);
		return true;
	}
	if (!take_le(&w->bytes, 4, &bits) || !span_take(&w->bytes, bits, &e->text))
		return false;
	e->kind = ELEMENT_TEXT;
	return true;
}

static void set_json_number(struct element *e, const struct json_doc *d, uint32_t node)
{
	double x;

	e->kind = ELEMENT_UINT;
	if (json_doc_uint(d, node, &e->uint))
		return;
	x = json_doc_double(d, node);
	/* A whole number below zero is an integer, as far as a double holds it. */
	if (x < 0 && x >= -0x1p53 && x == floor(x))
		set_signed(e, (int64_t)x);
	else
		set_real(e, x);
}

static bool next_json(struct element_walk *w, struct element *e)
{
	const struct json_doc *d = &w->in->head;
	uint32_t node;

	while (w->node < w->end && d->nodes[w->node].type == JSON_ARRAY)
		w->node++;
	if (w->node >= w->end)
		return false;
	node = w->node;
	w->node = d->nodes[node].next;
	e->text = json_doc_text(d, node);
	switch ((enum json_type)d->nodes[node].type) {
	case JSON_NUMBER:
		set_json_number(e, d, node);
		break;
	case JSON_STRING:
		e->kind = ELEMENT_TEXT;
		if (d->nodes[node].escaped) {
			buffer_clear(w->scratch);
			json_doc_unescape(d, node, w->scratch);
			e->text = buffer_span(w->scratch);
		}
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		e->kind = ELEMENT_UINT;
		e->uint = d->nodes[node].type == JSON_TRUE;
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		e->kind = ELEMENT_OTHER;
		break;
	}
	return true;
}

bool element_next(struct element_walk *w, struct element *out)
{
	out->text = span_of(NULL, 0);
	return w->tensor->data ? next_json(w, out) : next_binary(w, out);
}

double element_number(const struct element *e)
{
	switch (e->kind) {
	case ELEMENT_REAL:
		return e->real;
	case ELEMENT_UINT:
		return (double)e->uint;
	case ELEMENT_INT:
		return (double)e->integer;
	case ELEMENT_TEXT:
	case ELEMENT_OTHER:
		break;
	}
	return NAN;
}
