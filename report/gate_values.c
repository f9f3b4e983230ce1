/* gate_values.c - see gate_values.h */
#include "report/gate_values.h"

#include <math.h>
#include <string.h>

#define NAME_MAX_LEN 32

const struct gate_value gate_values[] = {
#define X(name, scope, kind, path, over) { name, GATE_##scope, GATE_##kind, path, over },
	GATE_VALUES(X)
#undef X
};

const size_t gate_value_count = sizeof(gate_values) / sizeof(gate_values[0]);

const struct gate_value *gate_value_find(struct span name)
{
	for (size_t i = 0; i < gate_value_count; i++)
		if (span_equal(name, span_str(gate_values[i].name)))
			return &gate_values[i];
	return NULL;
}

/* How many letters must be changed, added or removed (Levenshtein, one row at a time). */
static size_t letters_apart(struct span a, struct span b)
{
	size_t row[NAME_MAX_LEN + 1], diagonal, above;

	if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t k = 0; k <= b.len; k++)
		row[k] = k;
	for (size_t i = 0; i < a.len; i++) {
		diagonal = row[0];
		row[0] = i + 1;
		for (size_t k = 0; k < b.len; k++) {
			size_t best = diagonal + (a.at[i] != b.at[k]);

			above = row[k + 1];
			if (above + 1 < best)
				best = above + 1;
			if (row[k] + 1 < best)
				best = row[k] + 1;
			diagonal = above;
			row[k + 1] = best;
		}
	}
	return row[b.len];
}

const char *gate_value_near(struct span name)
{
	const char *near = NULL;
	size_t least = name.len / 3 + 2;

	for (size_t i = 0; i < gate_value_count; i++) {
		size_t apart = letters_apart(name, span_str(gate_values[i].name));

		if (apart < least) {
			least = apart;
			near = gate_values[i].name;
		}
	}
	return near;
}

static double sum_of(const struct json_doc *d, uint32_t node)
{
	double sum = 0;

	if (d->nodes[node].type == JSON_NUMBER)
		return json_doc_double(d, node);
	if (d->nodes[node].type != JSON_OBJECT)
		return NAN;
	for (uint32_t key = node + 1; key < d->nodes[node].next; key = d->nodes[key + 1].next)
		sum += json_doc_double(d, key + 1);
	return sum;
}

static double at_path(const struct json_doc *d, uint32_t node, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, ".");

		node = json_doc_member(d, node, span_of(path, len));
		if (!node)
			return NAN;
		path += len + (path[len] == '.');
	}
	return sum_of(d, node);
}

double gate_value_read(const struct gate_value *v, const struct json_doc *report, uint32_t node)
{
	double value = at_path(report, node, v->path), over = v->over ? at_path(report, node, v->over) : 1;

	if (!(over > 0)) /* a share of nothing */
		return NAN;
	return value / over;
}
