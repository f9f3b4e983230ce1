/*
 * route.c - paths and routes, segment by segment
 *
 * Theory of operation: text patterns over whole paths would deny
 * /v1/models/load_forecaster:predict for its "load", so everything here
 * compares whole segments.
 *
 * This runs for every request, wanted or not, with about a hundred routes. Each
 * route is therefore filed under its last segment without a "*", in a table by
 * length, first and last letter. A path looks its own segments up there, and
 * most find nothing. The few routes without such a segment are tried one by
 * one.
 *
 * What a path means is for its server to say, and servers differ. The readings
 * err on the side of recognising a route: escapes are decoded until none is
 * left, and what no client library sends (dot segments, control characters) is
 * reported as odd, which the deny list takes for a reason.
 */
#include "policy/route.h"

#include <stdlib.h>

#include "policy/glob.h"
#include "message/http_text.h"
#include "policy/request_target.h"

#define ROUTE_PARTS_MAX 6
#define BUCKETS 128
#define NONE UINT16_MAX

struct row {
	struct span part[ROUTE_PARTS_MAX];
	bool glob[ROUTE_PARTS_MAX];
	size_t parts;
	size_t anchor; /* the part it is filed under */
	bool rest;     /* ended in "**" */
	uint16_t next; /* in the same bucket */
	const struct route *route;
};

struct route_set {
	bool nocase;
	uint16_t bucket[BUCKETS];
	uint16_t unfiled; /* routes without an anchor */
	struct row rows[];
};

/* --- paths --- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* If the segment ends in an escape, make it the byte that it stands for; true if so. */
static bool decode_tail(struct route_path *path, size_t segment_start)
{
	int high, low;

	if (path->used < segment_start + 3 || path->bytes[path->used - 3] != '%')
		return false;
	high = hex_digit(path->bytes[path->used - 2]);
	low = hex_digit(path->bytes[path->used - 1]);
	if (high < 0 || low < 0)
		return false;
	path->used -= 2;
	path->bytes[path->used - 1] = (uint8_t)(high << 4 | low);
	return true;
}

/* Close the segment that began at @start; the next one begins at path->used. */
static void end_segment(struct route_path *path, size_t start, enum path_reading reading)
{
	struct span segment = span_of(&path->bytes[start], path->used - start), parameters;

	if (reading == PATH_SUSPICIOUSLY)
		span_cut(segment, ';', &segment, &parameters);
	if (segment.len == 0)
		return;
	if (span_equal(segment, SPAN_LITERAL(".")) || span_equal(segment, SPAN_LITERAL("..")))
		path->odd = true;
	if (path->count == ROUTE_SEGMENTS_MAX)
		path->odd = true;
	else
		path->segment[path->count++] = segment;
}

/* Append a byte of the path; true if it ended the segment that began at @start. */
static bool add_byte(struct route_path *path, uint8_t c, size_t start, enum path_reading reading)
{
	if (c == '/')
		return true;
	path->bytes[path->used++] = c;
	while (decode_tail(path, start))
		;
	c = path->bytes[path->used - 1];
	if (c < 0x20 || c == 0x7f)
		path->odd = true;
	if (c != '/' || reading == PATH_AS_SENT)
		return false;
	path->used--;
	return true;
}

void route_path_read(struct route_path *path, struct span target, enum path_reading reading)
{
	struct span text = target_path_and_query(target, NULL), rest;
	size_t start = 0;

	span_cut(text, '?', &text, &rest);
	span_cut(text, '#', &text, &rest);
	path->count = path->used = 0;
	path->odd = false;
	if (text.len > ROUTE_PATH_MAX) {
		path->odd = true;
		return;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (!add_byte(path, text.at[i], start, reading))
			continue;
		end_segment(path, start, reading);
		start = path->used;
	}
	end_segment(path, start, reading);
}

/* --- routes --- */

static unsigned bucket_of(struct span segment)
{
	unsigned first = segment.at[0] | 0x20, last = segment.at[segment.len - 1] | 0x20;

	return ((unsigned)segment.len * 31 + first * 7 + last) % BUCKETS;
}

static void row_init(struct row *row, const struct route *route)
{
	struct span left = span_str(route->pattern), part;

	*row = (struct row){ .route = route, .anchor = SIZE_MAX, .next = NONE };
	while (left.len > 0 && row->parts < ROUTE_PARTS_MAX) {
		span_cut(left, '/', &part, &left);
		if (span_equal(part, SPAN_LITERAL("**"))) {
			row->rest = true;
			return;
		}
		row->glob[row->parts] = glob_is_one(part);
		if (!row->glob[row->parts])
			row->anchor = row->parts;
		row->part[row->parts++] = part;
	}
}

struct route_set *route_set_new(const struct route *routes, size_t count, bool nocase)
{
	struct route_set *set;
	uint16_t *list;

	if (count >= NONE)
		return NULL;
	set = malloc(sizeof(*set) + count * sizeof(set->rows[0]));
	if (!set)
		return NULL;
	set->nocase = nocase;
	set->unfiled = NONE;
	for (size_t i = 0; i < BUCKETS; i++)
		set->bucket[i] = NONE;
	for (size_t i = 0; i < count; i++) {
		struct row *row = &set->rows[i];

		row_init(row, &routes[i]);
		list = row->anchor == SIZE_MAX ? &set->unfiled
					       : &set->bucket[bucket_of(row->part[row->anchor])];
		row->next = *list;
		*list = (uint16_t)i;
	}
	return set;
}

static bool part_matches(const struct route_set *set, const struct row *row, size_t part, struct span segment)
{
	if (row->glob[part])
		return glob_match(row->part[part], segment, set->nocase);
	return set->nocase ? span_equal_nocase(row->part[part], segment) : span_equal(row->part[part], segment);
}

/* Do the segments from number @at on follow the route, to the end? */
static bool row_matches(const struct route_set *set, const struct row *row, const struct route_path *path,
			size_t at)
{
	if (at > path->count || row->parts > path->count - at)
		return false;
	if (!row->rest && row->parts != path->count - at)
		return false;
	for (size_t i = 0; i < row->parts; i++)
		if (!part_matches(set, row, i, path->segment[at + i]))
			return false;
	return true;
}

static const struct route *find_filed(const struct route_set *set, const struct route_path *path,
				      size_t segment, unsigned except)
{
	for (uint16_t i = set->bucket[bucket_of(path->segment[segment])]; i != NONE; i = set->rows[i].next) {
		const struct row *row = &set->rows[i];

		if (!(row->route->flags & except) && segment >= row->anchor &&
		    row_matches(set, row, path, segment - row->anchor))
			return row->route;
	}
	return NULL;
}

static const struct route *find_unfiled(const struct route_set *set, const struct route_path *path,
					unsigned except)
{
	for (uint16_t i = set->unfiled; i != NONE; i = set->rows[i].next) {
		const struct row *row = &set->rows[i];

		if (row->route->flags & except)
			continue;
		for (size_t at = 0; at < path->count; at++)
			if (row_matches(set, row, path, at))
				return row->route;
	}
	return NULL;
}

const struct route *route_set_find(const struct route_set *set, const struct route_path *path, unsigned except)
{
	for (size_t i = 0; i < path->count; i++) {
		const struct route *found = find_filed(set, path, i, except);

		if (found)
			return found;
	}
	return find_unfiled(set, path, except);
}

void route_set_free(struct route_set *set)
{
	free(set);
}
