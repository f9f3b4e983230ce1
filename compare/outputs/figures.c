/* figures.c - see figures.h */
#include "compare/outputs/figures.h"

#include <math.h>

#define SUM_MAX (UINT64_C(1) << 58) /* of a histogram whose unit is small; of 64 reports none wraps around */

void figure_exact(struct json *j, const char *name, double value)
{
	json_key(j, name);
	json_exact(j, value);
}

void figure_double(struct json *j, const char *name, double value)
{
	json_key(j, name);
	json_double(j, value);
}

void figure_histogram(struct json *j, const char *name, const struct histogram *h)
{
	json_key(j, name);
	json_open(j, '{');
	json_count(j, "max", h->max);
	json_count(j, "sum", h->sum);
	histogram_buckets_json(h, j, "buckets");
	json_close(j, '}');
}

static void complain(struct figure_reader *r, const char *name)
{
	if (!r->wrong)
		r->wrong = name;
}

static uint32_t find(const struct figure_reader *r, uint32_t node, const char *name)
{
	uint32_t at = node && r->d->nodes[node].type == JSON_OBJECT ? json_doc_member(r->d, node, span_str(name)) : 0;

	return at && r->d->nodes[at].type != JSON_NULL ? at : 0;
}

uint32_t figure_member(struct figure_reader *r, uint32_t node, const char *name, enum json_type type)
{
	uint32_t at = find(r, node, name);

	if (at == 0 || r->d->nodes[at].type == type)
		return at;
	complain(r, name);
	return 0;
}

static uint64_t count_upto(struct figure_reader *r, uint32_t node, const char *name, uint64_t most)
{
	uint32_t at = find(r, node, name);
	uint64_t n = 0;

	if (at == 0 || (json_doc_uint(r->d, at, &n) && n <= most))
		return n;
	complain(r, name);
	return 0;
}

uint64_t figure_count(struct figure_reader *r, uint32_t node, const char *name)
{
	return count_upto(r, node, name, FIGURE_COUNT_MAX);
}

double figure_real(struct figure_reader *r, uint32_t node, const char *name)
{
	uint32_t at = figure_member(r, node, name, JSON_NUMBER);
	double value = at ? json_doc_double(r->d, at) : 0;

	if (isfinite(value))
		return value;
	complain(r, name);
	return 0;
}

void figure_histogram_read(struct figure_reader *r, uint32_t node, const char *name, struct histogram *h)
{
	uint32_t at = figure_member(r, node, name, JSON_OBJECT), buckets = figure_member(r, at, "buckets", JSON_ARRAY);

	if (buckets && (!histogram_buckets_read(h, r->d, buckets) || h->count > FIGURE_COUNT_MAX))
		complain(r, name);
	h->max = figure_count(r, at, "max");
	h->sum = count_upto(r, at, "sum", SUM_MAX);
}
