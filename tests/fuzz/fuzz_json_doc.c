/*
 * fuzz_json_doc.c - any bytes: taken or refused, and what is taken hangs together
 *
 * The nodes of a document that was taken must lie inside of each other as the
 * text does, and every value can be asked what it says.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/json_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void ask(const struct json_doc *d, uint32_t i, struct buffer *said)
{
	const struct json_node *n = &d->nodes[i];
	uint64_t integer;
	double x = json_doc_double(d, i);

	if (n->type != JSON_NUMBER)
		must(isnan(x));
	if (json_doc_uint(d, i, &integer))
		must(x == (double)integer);
	if (n->type == JSON_STRING) {
		buffer_clear(said);
		json_doc_unescape(d, i, said);
		must(said->len <= n->len && (n->escaped || said->len == n->len));
		must(json_doc_says(d, i, buffer_span(said)));
	}
}

static void check_container(const struct json_doc *d, uint32_t i)
{
	const struct json_node *n = &d->nodes[i];
	uint32_t step = n->type == JSON_OBJECT ? 2 : 1, at = i + 1, count = 0;

	for (; at < n->next; count++) {
		const struct json_node *value = &d->nodes[at + step - 1];

		if (n->type == JSON_OBJECT)
			must(d->nodes[at].type == JSON_STRING && d->nodes[at].next == at + 1);
		must(value->at > n->at && (size_t)value->at + value->len < (size_t)n->at + n->len);
		must(value->next > at && value->next <= n->next);
		at = value->next;
	}
	must(at == n->next && count == n->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc d = { 0 };
	struct buffer said = { 0 };
	uint8_t *exact = malloc(size ? size : 1); /* of the text's size, so that one byte too far is seen */

	if (!exact)
		return 0;
	if (size)
		memcpy(exact, data, size);
	if (json_doc_parse(&d, span_of(exact, size)) == 0) {
		must(d.count > 0 && d.nodes[0].next == d.count && !d.error);
		for (uint32_t i = 0; i < d.count; i++) {
			ask(&d, i, &said);
			must(d.nodes[i].type >= JSON_ARRAY || d.nodes[i].next == i + 1);
			if (d.nodes[i].type >= JSON_ARRAY)
				check_container(&d, i);
		}
	} else {
		must(d.count == 0 && d.error && d.error_at <= size);
	}
	json_doc_deinit(&d);
	buffer_deinit(&said);
	free(exact);
	return 0;
}
