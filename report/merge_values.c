/* merge_values.c - see merge_values.h */
#include "report/merge_values.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/histogram.h"
#include "base/shown.h"

#define DEPTH_MAX 32

void merge_fail(struct merge *m, size_t doc, const char *name, const char *what)
{
	if (m->err == 0) {
		buffer_printf(m->error, "report %zu of %zu cannot be merged: \"", doc + 1, m->count);
		shown_add(m->error, span_str(name)); /* as the file has it */
		buffer_printf(m->error, "\" is %s", what);
	}
	m->err = -EINVAL;
}

struct merge_set merge_reports(const struct merge *m)
{
	struct merge_set s = { .has = { false } };

	for (size_t i = 0; i < m->count; i++)
		s.has[i] = true;
	return s;
}

struct merge_set merge_members(const struct merge *m, const struct merge_set *from, const char *name)
{
	struct merge_set s = { .has = { false } };

	for (size_t i = 0; i < m->count; i++) {
		uint32_t at = from->has[i] ? json_doc_member(&m->docs[i], from->node[i], span_str(name)) : 0;

		s.has[i] = at && m->docs[i].nodes[at].type != JSON_NULL;
		s.node[i] = s.has[i] ? at : 0;
	}
	return s;
}

size_t merge_first(const struct merge *m, const struct merge_set *s)
{
	size_t i = 0;

	while (i < m->count && !s->has[i])
		i++;
	return i;
}

bool merge_differs(const struct merge *m, const struct merge_set *s)
{
	size_t first = merge_first(m, s);

	for (size_t i = 0; i < m->count; i++)
		if (first < m->count && (!s->has[i] || !span_equal(json_doc_text(&m->docs[first], s->node[first]),
								   json_doc_text(&m->docs[i], s->node[i]))))
			return true;
	return false;
}

/* Does an earlier report have the name already? */
static bool is_new(const struct merge *m, const struct merge_set *from, size_t doc, struct span name)
{
	for (size_t i = 0; i < doc; i++)
		if (from->has[i] && json_doc_member(&m->docs[i], from->node[i], name) != 0)
			return false;
	return true;
}

void merge_each(struct merge *m, const struct merge_set *from, void *ctx,
		void (*each)(struct merge *m, void *ctx, const char *name, const struct merge_set *members))
{
	struct buffer name = { 0 };

	for (size_t i = 0; i < m->count; i++) {
		const struct json_doc *d = &m->docs[i];
		uint32_t object = from->node[i], end = d->nodes[object].next;

		if (!from->has[i] || d->nodes[object].type != JSON_OBJECT)
			continue;
		for (uint32_t key = object + 1; key < end && m->err == 0; key = d->nodes[key + 1].next) {
			struct merge_set members;

			buffer_clear(&name);
			json_doc_unescape(d, key, &name);
			/* of a name that comes twice the last counts, and is written once */
			if (json_doc_member(d, object, buffer_span(&name)) != key + 1 ||
			    !is_new(m, from, i, buffer_span(&name)))
				continue;
			members = merge_members(m, from, buffer_text(&name));
			each(m, ctx, buffer_text(&name), &members);
		}
	}
	buffer_deinit(&name);
}

static void copy_number(struct merge *m, const struct json_doc *d, uint32_t node)
{
	uint64_t n;

	if (json_doc_uint(d, node, &n))
		json_uint(&m->j, n);
	else
		json_exact(&m->j, json_doc_double(d, node));
}

static void copy_text(struct merge *m, const struct json_doc *d, uint32_t node)
{
	struct buffer text = { 0 };

	json_doc_unescape(d, node, &text);
	json_text(&m->j, buffer_span(&text));
	buffer_deinit(&text);
}

static void copy_inside(struct merge *m, size_t doc, uint32_t node, int depth)
{
	const struct json_doc *d = &m->docs[doc];
	bool is_object = d->nodes[node].type == JSON_OBJECT;
	struct buffer name = { 0 };

	json_open(&m->j, is_object ? '{' : '[');
	for (uint32_t at = node + 1; at < d->nodes[node].next; at = d->nodes[at].next) {
		if (is_object) {
			buffer_clear(&name);
			json_doc_unescape(d, at, &name);
			json_key(&m->j, buffer_text(&name));
			at++;
		}
		merge_copy(m, doc, at, depth + 1);
	}
	json_close(&m->j, is_object ? '}' : ']');
	buffer_deinit(&name);
}

void merge_copy(struct merge *m, size_t doc, uint32_t node, int depth)
{
	const struct json_doc *d = &m->docs[doc];

	switch ((enum json_type)d->nodes[node].type) {
	case JSON_NULL:
		json_null(&m->j);
		return;
	case JSON_FALSE:
	case JSON_TRUE:
		json_bool(&m->j, d->nodes[node].type == JSON_TRUE);
		return;
	case JSON_NUMBER:
		copy_number(m, d, node);
		return;
	case JSON_STRING:
		copy_text(m, d, node);
		return;
	case JSON_ARRAY:
	case JSON_OBJECT:
		if (depth < DEPTH_MAX)
			copy_inside(m, doc, node, depth);
		else
			json_null(&m->j);
		return;
	}
}

static void add_numbers(struct merge *m, const struct merge_set *s)
{
	uint64_t sum = 0, n;
	double real = 0;
	bool whole = true;

	for (size_t i = 0; i < m->count; i++) {
		if (!s->has[i])
			continue;
		real += json_doc_double(&m->docs[i], s->node[i]);
		whole = whole && json_doc_uint(&m->docs[i], s->node[i], &n) && !__builtin_add_overflow(sum, n, &sum);
	}
	if (whole)
		json_uint(&m->j, sum);
	else
		json_exact(&m->j, real);
}

static bool any_true(const struct merge *m, const struct merge_set *s)
{
	for (size_t i = 0; i < m->count; i++)
		if (s->has[i] && m->docs[i].nodes[s->node[i]].type == JSON_TRUE)
			return true;
	return false;
}

/* -- times ----------------------------------------------------------------------------- */

static uint64_t count_of(struct merge *m, size_t doc, uint32_t node, const char *name)
{
	uint32_t at = json_doc_member(&m->docs[doc], node, span_str(name));
	uint64_t n = 0;

	if (at && (!json_doc_uint(&m->docs[doc], at, &n) || n > UINT64_C(1) << 53))
		merge_fail(m, doc, name, "no count");
	return m->err ? 0 : n;
}

/* false: a report has times and no buckets, as those before version 0.2 */
static bool add_histograms(struct merge *m, const struct merge_set *s, struct histogram *h)
{
	uint64_t max, count = 0;

	for (size_t i = 0; i < m->count; i++) {
		uint32_t buckets = s->has[i] ? json_doc_member(&m->docs[i], s->node[i], SPAN_LITERAL("buckets")) : 0;

		if (!s->has[i])
			continue;
		if (buckets && !histogram_buckets_read(h, &m->docs[i], buckets))
			merge_fail(m, i, "buckets", "no list of buckets and counts");
		count += count_of(m, i, s->node[i], "count");
		max = count_of(m, i, s->node[i], "max");
		h->sum += count_of(m, i, s->node[i], "sum");
		h->max = max > h->max ? max : h->max;
	}
	return count == h->count;
}

static void write_times(struct merge *m, const char *name, const struct merge_set *s)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = { { "p50", 0.50 }, { "p90", 0.90 }, { "p99", 0.99 } };
	struct histogram h = { .count = 0 };
	bool whole = add_histograms(m, s, &h);

	json_open(&m->j, '{');
	json_count(&m->j, "count", h.count);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		json_key(&m->j, quantiles[i].name);
		if (whole)
			json_uint(&m->j, histogram_quantile(&h, quantiles[i].q));
		else
			json_null(&m->j);
	}
	json_count(&m->j, "max", h.max);
	json_count(&m->j, "sum", h.sum);
	histogram_buckets_json(&h, &m->j, "buckets");
	json_close(&m->j, '}');
	if (!whole) {
		buffer_add_str(&m->warnings, "\"");
		shown_add(&m->warnings, span_str(name));
		buffer_add_str(&m->warnings, "\" of some report has no buckets: its times are not in the merged ones\n");
	}
}

/* -- whatever it is -------------------------------------------------------------------- */

struct inside {
	int depth;
};

static void merge_member(struct merge *m, void *ctx, const char *name, const struct merge_set *members)
{
	const struct inside *in = ctx;

	json_key(&m->j, name);
	merge_value(m, name, members, in->depth + 1);
}

static bool same_type(struct merge *m, const char *name, const struct merge_set *s, enum json_type type)
{
	bool boolean = type == JSON_TRUE || type == JSON_FALSE;

	for (size_t i = 0; i < m->count; i++) {
		uint8_t mine = m->docs[i].nodes[s->node[i]].type;

		if (!s->has[i] || mine == type || (boolean && (mine == JSON_TRUE || mine == JSON_FALSE)))
			continue;
		merge_fail(m, i, name, "of another type than in the reports before");
		return false;
	}
	return true;
}

void merge_value(struct merge *m, const char *name, const struct merge_set *s, int depth)
{
	size_t first = merge_first(m, s);
	struct inside in = { depth };
	enum json_type type;

	if (first == m->count || depth > DEPTH_MAX) {
		json_null(&m->j);
		return;
	}
	type = (enum json_type)m->docs[first].nodes[s->node[first]].type;
	if (!same_type(m, name, s, type))
		return;
	if (type == JSON_NUMBER) {
		add_numbers(m, s);
	} else if (type == JSON_TRUE || type == JSON_FALSE) {
		json_bool(&m->j, any_true(m, s));
	} else if (type != JSON_OBJECT) {
		merge_copy(m, first, s->node[first], depth);
	} else if (json_doc_member(&m->docs[first], s->node[first], SPAN_LITERAL("p50"))) {
		write_times(m, name, s);
	} else {
		json_open(&m->j, '{');
		merge_each(m, s, &in, merge_member);
		json_close(&m->j, '}');
	}
}
