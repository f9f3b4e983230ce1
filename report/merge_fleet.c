/* merge_fleet.c - see merge_fleet.h */
#include "report/merge_fleet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"

/* Members of "fleet", and of each tap: the sums of the rows that are kept */
static const char *const holes[] = { "evicted", "missing", "pending", "unknown" };
#define HOLE_COUNT (sizeof(holes) / sizeof(holes[0]))

struct tap_row {
	uint64_t who;     /* hash of its names */
	uint64_t decided; /* how far it has come */
	bool is_final;
	size_t doc;
	uint32_t node;
};

struct tap_rows {
	struct tap_row *at;
	size_t count, cap;
	uint64_t holes[HOLE_COUNT];
};

static uint64_t count_in(const struct json_doc *d, uint32_t object, const char *name)
{
	uint32_t at = json_doc_member(d, object, span_str(name));
	uint64_t n = 0;

	return at && json_doc_uint(d, at, &n) && n < UINT64_C(1) << 53 ? n : 0;
}

static uint64_t who(const struct json_doc *d, uint32_t tap)
{
	static const struct hash_key key = { 3, 4 };
	static const char *const names[] = { "tap", "run" };
	struct buffer text = { 0 };
	uint64_t id;

	for (size_t i = 0; i < 2; i++) {
		uint32_t at = json_doc_member(d, tap, span_str(names[i]));

		if (at && d->nodes[at].type == JSON_STRING)
			json_doc_unescape(d, at, &text);
		buffer_add(&text, "/", 1);
	}
	id = hash_bytes(&key, text.bytes, text.len);
	buffer_deinit(&text);
	return id;
}

static void gather(struct merge *m, const struct merge_set *taps, struct tap_rows *rows)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct json_doc *d = &m->docs[i];
		uint32_t list = taps->node[i];

		if (!list || d->nodes[list].type != JSON_ARRAY)
			continue;
		for (uint32_t at = list + 1; at < d->nodes[list].next; at = d->nodes[at].next) {
			uint32_t state = json_doc_member(d, at, SPAN_LITERAL("state"));

			if (d->nodes[at].type != JSON_OBJECT)
				continue;
			if (!array_room((void **)&rows->at, &rows->cap, rows->count, sizeof(*rows->at))) {
				m->err = -ENOMEM;
				return;
			}
			rows->at[rows->count++] = (struct tap_row){
				.who = who(d, at),
				.decided = count_in(d, at, "received") + count_in(d, at, "duplicate") + count_in(d, at, "refused"),
				.is_final = state && json_doc_says(d, state, SPAN_LITERAL("final")),
				.doc = i,
				.node = at,
			};
		}
	}
}

/* Rows of one run together, that which has come furthest first */
static int by_run(const void *a, const void *b)
{
	const struct tap_row *x = a, *y = b;

	if (x->who != y->who)
		return x->who < y->who ? -1 : 1;
	if (x->decided != y->decided)
		return x->decided > y->decided ? -1 : 1;
	if (x->is_final != y->is_final)
		return x->is_final ? -1 : 1;
	return (x->doc < y->doc) - (x->doc > y->doc); /* of the same the later report */
}

static int by_place(const void *a, const void *b)
{
	const struct tap_row *x = a, *y = b;

	return x->doc != y->doc ? (x->doc > y->doc) - (x->doc < y->doc) : (x->node > y->node) - (x->node < y->node);
}

static void keep_furthest(struct tap_rows *rows)
{
	size_t kept = 0;

	if (rows->count == 0)
		return;
	qsort(rows->at, rows->count, sizeof(rows->at[0]), by_run);
	for (size_t i = 0; i < rows->count; i++)
		if (kept == 0 || rows->at[i].who != rows->at[kept - 1].who)
			rows->at[kept++] = rows->at[i];
	rows->count = kept;
	qsort(rows->at, rows->count, sizeof(rows->at[0]), by_place);
}

static void write_taps(struct merge *m, const struct tap_rows *rows)
{
	json_open(&m->j, '[');
	for (size_t i = 0; i < rows->count; i++)
		merge_copy(m, rows->at[i].doc, rows->at[i].node, 0);
	json_close(&m->j, ']');
}

static void write_greatest(struct merge *m, const struct merge_set *s)
{
	uint64_t greatest = 0, n;

	for (size_t i = 0; i < m->count; i++)
		if (s->has[i] && json_doc_uint(&m->docs[i], s->node[i], &n) && n > greatest)
			greatest = n;
	json_uint(&m->j, greatest);
}

static void write_fleet_member(struct merge *m, void *ctx, const char *name, const struct merge_set *s)
{
	const struct tap_rows *rows = ctx;

	json_key(&m->j, name);
	if (strcmp(name, "taps") == 0) {
		write_taps(m, rows);
		return;
	}
	if (strcmp(name, "partitions") == 0) { /* of the one stream */
		write_greatest(m, s);
		return;
	}
	for (size_t i = 0; i < HOLE_COUNT; i++)
		if (strcmp(name, holes[i]) == 0) {
			json_uint(&m->j, rows->holes[i]);
			return;
		}
	merge_value(m, name, s, 1);
}

void merge_fleet(struct merge *m, const struct merge_set *s)
{
	struct merge_set taps = merge_members(m, s, "taps");
	struct tap_rows rows = { .at = NULL };

	gather(m, &taps, &rows);
	keep_furthest(&rows);
	for (size_t i = 0; i < rows.count; i++)
		for (size_t k = 0; k < HOLE_COUNT; k++)
			rows.holes[k] += count_in(&m->docs[rows.at[i].doc], rows.at[i].node, holes[k]);
	json_open(&m->j, '{');
	merge_each(m, s, &rows, write_fleet_member);
	json_close(&m->j, '}');
	free(rows.at);
}
