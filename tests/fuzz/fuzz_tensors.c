/*
 * fuzz_tensors.c - any bytes as a V2 answer
 *
 * The first two bytes are the length of the head. What is accepted has as many
 * elements as it says, and its frame is JSON.
 */
#include <stdint.h>
#include <stdlib.h>

#include "compare/tensors/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int yes)
{
	if (!yes)
		abort();
}

static volatile uint8_t seen;

static void walk(const struct tensors *t, const struct tensor *tensor)
{
	struct buffer scratch = { 0 };
	struct element_walk w;
	struct element e;
	uint64_t n = 0;

	element_walk_begin(&w, t, tensor, &scratch);
	while (element_next(&w, &e)) {
		must(e.kind != ELEMENT_INT || e.integer < 0);
		element_number(&e);
		for (size_t i = 0; i < e.text.len; i++)
			seen = e.text.at[i]; /* every byte can be read */
		n++;
	}
	must(n == tensor->count);
	buffer_deinit(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct tensors t = { 0 };
	struct json_doc d = { 0 };
	struct span frame;
	uint16_t head_len;

	if (!span_u16(&in, &head_len))
		return 0;
	if (tensors_read(&t, in, head_len == UINT16_MAX ? in.len : head_len) == 0) {
		for (size_t i = 0; i < t.count; i++)
			walk(&t, &t.at[i]);
		must(tensors_frame(&t, &frame) && json_doc_parse(&d, frame) == 0);
		must(json_doc_member(&d, 0, SPAN_LITERAL("outputs")) != 0);
	}
	json_doc_deinit(&d);
	tensors_deinit(&t);
	return 0;
}
