/* histogram_json.c - histograms in reports, which are merged by adding them up; see histogram.h */
#include "base/histogram.h"
#include "base/json.h"
#include "base/json_doc.h"

void histogram_buckets_json(const struct histogram *h, struct json *j, const char *name)
{
	json_key(j, name);
	json_open(j, '[');
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (h->bucket[i] > 0) {
			json_open(j, '[');
			json_uint(j, i);
			json_uint(j, h->bucket[i]);
			json_close(j, ']');
		}
	json_close(j, ']');
}

static bool read_bucket(const struct json_doc *doc, uint32_t node, uint64_t *index, uint64_t *count)
{
	return doc->nodes[node].type == JSON_ARRAY && doc->nodes[node].count == 2 &&
	       json_doc_uint(doc, node + 1, index) && json_doc_uint(doc, doc->nodes[node + 1].next, count) &&
	       *index < HISTOGRAM_BUCKETS;
}

/* No bucket can wrap around unless the sum of all does. */
static bool is_sound(const struct json_doc *doc, uint32_t node, uint64_t total)
{
	uint64_t index, count;

	if (doc->nodes[node].type != JSON_ARRAY)
		return false;
	for (uint32_t at = node + 1; at < doc->nodes[node].next; at = doc->nodes[at].next)
		if (!read_bucket(doc, at, &index, &count) || __builtin_add_overflow(total, count, &total))
			return false;
	return true;
}

bool histogram_buckets_read(struct histogram *h, const struct json_doc *doc, uint32_t node)
{
	uint64_t index, count;

	if (!is_sound(doc, node, h->count))
		return false;
	for (uint32_t at = node + 1; at < doc->nodes[node].next; at = doc->nodes[at].next)
		if (read_bucket(doc, at, &index, &count)) {
			h->bucket[index] += count;
			h->count += count;
		}
	return true;
}
