/*
 * tensor_form.h - the one form in which tensors of any protocol reach tensors.h: that of V2 over HTTP
 *
 * A head of JSON that describes the outputs, then the data of each, little-endian. What protocols differ in is
 * gone: whether data was packed, raw or one value for all.
 */
#ifndef COMPARE_TENSOR_FORM_H
#define COMPARE_TENSOR_FORM_H

#include "base/buffer.h"
#include "base/json.h"

/** struct tensor_form - used again for the next message; the zero value is empty */
struct tensor_form {
	struct buffer bytes;
	size_t head_len;
};

/** tensor_form_number() - an element of @size bytes (up to 8), little-endian */
static inline void tensor_form_number(struct buffer *out, uint64_t bits, size_t size)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(bits >> (8 * i));
	buffer_add(out, bytes, size);
}

/** tensor_form_text() - an element of BYTES */
static inline void tensor_form_text(struct buffer *out, struct span text)
{
	tensor_form_number(out, text.len, 4);
	buffer_add_span(out, text);
}

/** tensor_form_fits() - is the integer @n, as the wire has it, one of @size bytes, @is_signed or not? */
static inline bool tensor_form_fits(uint64_t n, size_t size, bool is_signed)
{
	uint64_t half = UINT64_C(1) << (8 * size - 1);

	if (size == 8)
		return true;
	return is_signed ? n + half < 2 * half : n < 2 * half;
}

#endif
