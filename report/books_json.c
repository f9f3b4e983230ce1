/* books_json.c - the same numbers for programs: the names of docs/contract.md, "Books", nested at their dots */
#include <string.h>

#include "base/histogram.h"
#include "base/json.h"
#include "report/books.h"
#include "report/books_names.h"

/*
 * Parts as members: entries without a name are members of their own, runs of
 * one group become an object under the group's name.
 */
static void parts_json(struct json *j, const struct book_name *names, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool first = i == 0 || strcmp(names[i].group, names[i - 1].group) != 0;
		bool last = i + 1 == count || strcmp(names[i].group, names[i + 1].group) != 0;

		if (!names[i].name) {
			json_count(j, names[i].group, values[i]);
			continue;
		}
		if (first) {
			json_key(j, names[i].group);
			json_open(j, '{');
		}
		json_count(j, names[i].name, values[i]);
		if (last)
			json_close(j, '}');
	}
}

/* Parts of one group, of which those that are 0 are left out; none of it without any */
static void some_parts_json(struct json *j, const struct book_name *names, const uint64_t *values, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (values[i] == 0)
			continue;
		if (!any) {
			json_key(j, names[i].group);
			json_open(j, '{');
		}
		any = true;
		json_count(j, names[i].name, values[i]);
	}
	if (any)
		json_close(j, '}');
}

/* The members of one object; @in is what the rows' offsets are in */
static void rows_json(struct json *j, const struct book_rows *rows, const void *in)
{
	for (const struct book_row *r = rows->row; r < rows->row + rows->count; r++) {
		const uint64_t *n = (const uint64_t *)(const void *)((const char *)in + r->offset);

		if (r->parts == grpc_names)
			some_parts_json(j, r->parts, n, r->part_count);
		else if (r->parts == malformed_names) /* of which the first is "nothing is wrong" */
			parts_json(j, r->parts + 1, n + 1, r->part_count - 1);
		else if (r->parts)
			parts_json(j, r->parts, n, r->part_count);
		else if (r->in_report)
			json_count(j, r->name, *n);
	}
}

static void object_json(struct json *j, const char *name, const struct book_rows *rows, const struct books *b)
{
	json_key(j, name);
	json_open(j, '{');
	rows_json(j, rows, b);
	json_close(j, '}');
}

static void quantiles_json(struct json *j, const char *name, const struct quantiles *q)
{
	json_key(j, name);
	json_open(j, '{');
	json_count(j, "count", q->count);
	json_count(j, "p50", q->p50);
	json_count(j, "p90", q->p90);
	json_count(j, "p99", q->p99);
	json_count(j, "max", q->max);
	json_count(j, "sum", q->sum);
	if (q->of) { /* what reports are merged by */
		histogram_buckets_json(q->of, j, "buckets");
	} else {
		json_key(j, "buckets");
		json_open(j, '[');
		json_close(j, ']');
	}
	json_close(j, '}');
}

static void tls_json(struct json *j, const struct books *b)
{
	json_key(j, "tls");
	json_open(j, '{');
	rows_json(j, &tls_rows, b);
	quantiles_json(j, "late_us", &b->tls.late);
	json_close(j, '}');
}

static void target_json(struct json *j, const struct books_target *t)
{
	json_key(j, t->name);
	json_open(j, '{');
	json_key(j, "url");
	json_str(j, t->shown);
	rows_json(j, &target_rows, t);
	json_key(j, "breaker");
	json_open(j, '{');
	json_key(j, "state");
	json_str(j, t->breaker);
	json_count(j, "opened", t->breaker_opened);
	json_close(j, '}');
	quantiles_json(j, "total_us", &t->total);
	quantiles_json(j, "first_byte_us", &t->first_byte);
	json_close(j, '}');
}

static void relay_json(struct json *j, const struct books *b)
{
	json_key(j, "relay");
	json_open(j, '{');
	json_key(j, "url");
	json_str(j, b->relay.shown);
	rows_json(j, &relay_rows, b);
	quantiles_json(j, "word_us", &b->relay.words);
	json_close(j, '}');
}

static void tap_json(struct json *j, const struct fleet_tap *t)
{
	json_open(j, '{');
	json_key(j, "tap");
	json_str(j, t->tap);
	json_key(j, "run");
	json_str(j, t->run);
	json_key(j, "state");
	json_str(j, t->is_final ? "final" : t->is_silent ? "silent" : "live");
	json_count(j, "next_sequence", t->next_sequence);
#define X(field, what) json_count(j, #field, t->field);
	TAP_NUMBERS(X)
#undef X
	json_count(j, "offered", t->offered);
	json_count(j, "shed", t->shed);
	json_count(j, "dropped_kernel", t->dropped);
	json_key(j, "skew_us");
	if (t->has_skew)
		json_int(j, t->skew_us);
	else
		json_null(j);
	json_close(j, '}');
}

static void fleet_json(struct json *j, const struct books_fleet *f, const struct books *b)
{
	json_key(j, "fleet");
	json_open(j, '{');
	rows_json(j, &fleet_rows, b);
	json_key(j, "is_whole");
	json_bool(j, f->is_whole);
	json_count(j, "evicted", f->all.evicted);
	json_count(j, "missing", f->all.missing);
	json_count(j, "pending", f->all.pending);
	json_count(j, "unknown", f->all.unknown);
	json_key(j, "taps");
	json_open(j, '[');
	for (size_t i = 0; i < f->tap_count; i++)
		tap_json(j, &f->taps[i]);
	json_close(j, ']');
	json_close(j, '}');
}

void books_json(const struct books *b, struct json *j)
{
	object_json(j, "packets", &packet_rows, b);
	object_json(j, "requests", &request_rows, b);
	object_json(j, "connections", &connection_rows, b);
	object_json(j, "http2", &http2_rows, b);
	tls_json(j, b);
	json_key(j, "targets");
	json_open(j, '{');
	for (size_t i = 0; i < b->target_count; i++)
		target_json(j, &b->target[i]);
	json_close(j, '}');
	if (b->relay.shown)
		relay_json(j, b);
	quantiles_json(j, "lateness_us", &b->lateness);
	if (b->fleet.is_on)
		fleet_json(j, &b->fleet, b);
}
