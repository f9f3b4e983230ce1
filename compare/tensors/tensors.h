/*
 * tensors.h - a response of the V2 protocol as named tensors, binary or not
 *
 * The binary extension puts a JSON head of Inference-Header-Content-Length
 * bytes in front, and behind it the data of those outputs that have a
 * "binary_data_size", in their order. A server may send the same values either
 * way, output by output, so one side's binary data is compared with the other
 * side's JSON.
 */
#ifndef COMPARE_TENSORS_H
#define COMPARE_TENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "base/span.h"

/*      id      name      bytes of an element; 0: u32 length and that many bytes */
#define TENSOR_TYPES(X)                                         \
	X(BOOL,   "BOOL",   1)                                  \
	X(UINT8,  "UINT8",  1)                                  \
	X(UINT16, "UINT16", 2)                                  \
	X(UINT32, "UINT32", 4)                                  \
	X(UINT64, "UINT64", 8)                                  \
	X(INT8,   "INT8",   1)                                  \
	X(INT16,  "INT16",  2)                                  \
	X(INT32,  "INT32",  4)                                  \
	X(INT64,  "INT64",  8)                                  \
	X(FP16,   "FP16",   2)                                  \
	X(BF16,   "BF16",   2)                                  \
	X(FP32,   "FP32",   4)                                  \
	X(FP64,   "FP64",   8)                                  \
	X(BYTES,  "BYTES",  0)

enum tensor_type {
#define X(id, name, size) TENSOR_##id,
	TENSOR_TYPES(X)
#undef X
	TENSOR_TYPE_COUNT
};

/** tensor_type_of() - the type called @name; TENSOR_TYPE_COUNT if there is none */
enum tensor_type tensor_type_of(struct span name);

const char *tensor_type_name(enum tensor_type type);

/** tensor_type_size() - bytes of an element; 0 of BYTES */
size_t tensor_type_size(enum tensor_type type);

/** struct tensor - one output; spans are borrowed from the body */
struct tensor {
	struct span name;  /* as it is written in the head */
	uint32_t output;   /* node of the head */
	uint32_t data;     /* node of its "data"; 0: the data is in @bytes, or there is none */
	struct span bytes; /* binary data */
	uint64_t count;    /* elements */
	uint64_t row;      /* the last number of its shape; 0: none */
	uint32_t rank;     /* numbers in its shape */
	enum tensor_type type;
};

/** struct tensors - used again for the next response; the zero value is empty */
struct tensors {
	bool by_name;          /* outputs have no order, and are members of an object; set before tensors_read() */
	struct budget *memory; /* borrowed, or NULL: what outputs are charged to, and the nodes of the head */
	struct json_doc head;
	struct tensor *at;
	size_t count, cap;
	struct buffer frame;
};

/**
 * tensors_read() - take @body (borrowed) apart
 * @head_len:  its first bytes that are JSON; body.len if it has no binary data
 *
 * Every output's data has to be there in full, and nothing behind it. Return: 0, -EINVAL (not so), -EFBIG, -ENOMEM.
 */
int tensors_read(struct tensors *t, struct span body, uint64_t head_len);

void tensors_deinit(struct tensors *t);

/** tensors_align() - put the outputs in the order in which @like has those of the same names; did any move? */
bool tensors_align(struct tensors *t, const struct tensors *like);

/** tensors_frame() - the head without data and sizes, the outputs in their present order; borrowed; false: no memory */
bool tensors_frame(struct tensors *t, struct span *out);

enum element_kind { ELEMENT_REAL, ELEMENT_UINT, ELEMENT_INT, ELEMENT_TEXT, ELEMENT_OTHER };

/** struct element - one value of a tensor */
struct element {
	enum element_kind kind;
	union {
		double real;
		uint64_t uint;   /* BOOL: 0 or 1 */
		int64_t integer; /* below 0 */
	};
	struct span text; /* of ELEMENT_TEXT the bytes, of ELEMENT_OTHER the JSON; borrowed until the next element */
};

/** struct element_walk - the elements of a tensor in their order */
struct element_walk {
	const struct tensors *in;
	const struct tensor *tensor;
	struct span bytes;      /* what is left of binary data */
	uint32_t node, end;     /* of JSON data */
	struct buffer *scratch; /* for texts with escapes */
};

/** element_walk_begin() - @scratch (borrowed) is used as long as the walk is */
void element_walk_begin(struct element_walk *w, const struct tensors *in, const struct tensor *tensor,
			struct buffer *scratch);

/** element_next() - false at the end */
bool element_next(struct element_walk *w, struct element *out);

/** element_number() - as a double; NaN if it is none */
double element_number(const struct element *e);

#endif
