/* noise.c - see noise.h */
#include "compare/tally/noise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOISE_RELATIVE 0.20
#define NOISE_ABSOLUTE 0.0003
#define COUNT_MAX      (UINT64_C(1) << 53) /* as tally_read.c has it */

/* -- counting -------------------------------------------------------------------------- */

static bool has(const struct judged *judged, const struct counted *paths, const struct counted_row *row)
{
	for (size_t i = 0; row && i < judged->path_count; i++)
		if (&paths->rows[judged->path[i]] == row)
			return true;
	return false;
}

static const struct counted_row *row_of(const struct counted *paths, const struct finding *f)
{
	struct counted_key key = { .len = 0 };

	counted_key_add(&key, span_str(difference_name(f->kind)));
	counted_key_add(&key, span_str(f->pattern));
	return counted_find(paths, key.bytes, key.len);
}

struct judged *judged_new(const struct comparison *c, const struct counted *paths)
{
	struct judged *judged;

	if (!comparison_is_compared(c->verdict))
		return NULL;
	judged = malloc(sizeof(*judged) + c->findings.count * sizeof(judged->path[0]));
	if (!judged)
		return NULL;
	judged->is_mismatch = comparison_is_mismatch(c->verdict);
	judged->path_count = 0;
	for (size_t i = 0; i < c->findings.count && judged->path_count < FINDINGS_MAX; i++) {
		const struct finding *f = &c->findings.at[i];
		const struct counted_row *row = f->kind == DIFFERENCE_IGNORED ? NULL : row_of(paths, f);

		if (row && !has(judged, paths, row))
			judged->path[judged->path_count++] = (uint16_t)(row - paths->rows);
	}
	return judged;
}

static void count_path(struct noise *n, const struct counted_row *path, int number)
{
	struct counted_key key = { .len = path->key_len };
	struct counted_row *row;

	memcpy(key.bytes, path->key, path->key_len);
	row = counted_row(&n->paths, &key);
	*(row ? &row->n[number] : &n->path_overflow) += 1;
}

/** add_paths() - those of @judged: @number, or those that the other has as well: @shared, below 0 if they are counted already */
static void add_paths(struct noise *n, const struct judged *judged, const struct counted *paths, const struct judged *other,
		      const struct counted *other_paths, int number, int shared)
{
	for (size_t i = 0; i < judged->path_count; i++) {
		const struct counted_row *row = &paths->rows[judged->path[i]];
		bool is_shared = has(other, other_paths, counted_find(other_paths, row->key, row->key_len));

		if (!is_shared || shared >= 0)
			count_path(n, row, is_shared ? shared : number);
	}
}

void noise_add(struct noise *n, const struct judged *shadow, const struct counted *shadow_paths,
	       const struct judged *control, const struct counted *control_paths)
{
	if (shadow->is_mismatch)
		*(control->is_mismatch ? &n->both : &n->shadow) += 1;
	else
		*(control->is_mismatch ? &n->control : &n->neither) += 1;
	add_paths(n, shadow, shadow_paths, control, control_paths, NOISE_SHADOW, NOISE_BOTH);
	add_paths(n, control, control_paths, shadow, shadow_paths, NOISE_CONTROL, -1);
}

void noise_merge(struct noise *into, const struct noise *from)
{
	uint64_t lost[COUNTED_NUMBERS] = { 0 };

	into->both += from->both;
	into->shadow += from->shadow;
	into->control += from->control;
	into->neither += from->neither;
	counted_merge(&into->paths, &from->paths, lost);
	into->path_overflow += from->path_overflow + lost[NOISE_BOTH] + lost[NOISE_SHADOW] + lost[NOISE_CONTROL];
}

void noise_init(struct noise *n, size_t paths_max, struct hash_key hash)
{
	*n = (struct noise){ 0 };
	counted_init(&n->paths, paths_max, hash);
}

void noise_deinit(struct noise *n)
{
	counted_deinit(&n->paths);
}

/* -- reports --------------------------------------------------------------------------- */

static void path_json(const struct counted_row *row, struct json *j)
{
	json_open(j, '{');
	json_key(j, "path");
	json_str(j, counted_second(row));
	json_key(j, "kind");
	json_str(j, counted_first(row));
	json_count(j, "both", row->n[NOISE_BOTH]);
	json_count(j, "shadow", row->n[NOISE_SHADOW]);
	json_count(j, "control", row->n[NOISE_CONTROL]);
	json_close(j, '}');
}

static void paths_json(const struct noise *n, struct json *j)
{
	const struct counted_row **rows = counted_order(&n->paths);

	json_key(j, "paths");
	json_open(j, '[');
	for (size_t i = 0; rows && i < n->paths.count; i++)
		path_json(rows[i], j);
	json_close(j, ']');
	free(rows);
}

void noise_json(const struct noise *n, struct json *j, bool with_paths)
{
	json_key(j, "paired");
	json_open(j, '{');
	json_count(j, "both", n->both);
	json_count(j, "shadow", n->shadow);
	json_count(j, "control", n->control);
	json_count(j, "neither", n->neither);
	json_close(j, '}');
	if (with_paths)
		paths_json(n, j);
	json_count(j, "paths_overflow", n->path_overflow);
}

/* False: it is there and no count. */
static bool read_count(const struct json_doc *d, uint32_t node, const char *name, uint64_t *out)
{
	uint32_t at = node ? json_doc_member(d, node, span_str(name)) : 0;

	*out = 0;
	return !at || (json_doc_uint(d, at, out) && *out <= COUNT_MAX);
}

static bool read_text(const struct json_doc *d, uint32_t node, const char *name, struct counted_key *key)
{
	uint32_t at = json_doc_member(d, node, span_str(name));
	struct buffer text = { 0 };

	if (!at || d->nodes[at].type != JSON_STRING)
		return false;
	json_doc_unescape(d, at, &text);
	counted_key_add(key, buffer_span(&text));
	buffer_deinit(&text);
	return true;
}

static bool read_path(struct noise *n, const struct json_doc *d, uint32_t node, uint64_t of)
{
	static const char *const names[] = { "both", "shadow", "control" };
	struct counted_key key = { .len = 0 };
	struct counted_row *row;
	uint64_t count[3];

	if (d->nodes[node].type != JSON_OBJECT || !read_text(d, node, "kind", &key) || !read_text(d, node, "path", &key))
		return false;
	for (int i = 0; i < 3; i++)
		if (!read_count(d, node, names[i], &count[i]))
			return false;
	row = counted_row(&n->paths, &key);
	for (int i = 0; i < 3; i++)
		*(row ? &row->n[i] : &n->path_overflow) += count[i];
	return !row || row->n[NOISE_BOTH] + row->n[NOISE_SHADOW] + row->n[NOISE_CONTROL] <= of;
}

const char *noise_read(struct noise *n, const struct json_doc *d, uint32_t node)
{
	uint32_t paired = node ? json_doc_member(d, node, SPAN_LITERAL("paired")) : 0;
	uint32_t paths = node ? json_doc_member(d, node, SPAN_LITERAL("paths")) : 0;

	if (paired && d->nodes[paired].type != JSON_OBJECT)
		return "noise.paired";
	if (!read_count(d, paired, "both", &n->both) || !read_count(d, paired, "shadow", &n->shadow) ||
	    !read_count(d, paired, "control", &n->control) || !read_count(d, paired, "neither", &n->neither))
		return "noise.paired";
	if (!read_count(d, node, "paths_overflow", &n->path_overflow) || (paths && d->nodes[paths].type != JSON_ARRAY))
		return "noise.paths";
	for (uint32_t at = paths + 1, end = paths ? d->nodes[paths].next : 0; at < end; at = d->nodes[at].next)
		if (!read_path(n, d, at, n->both + n->shadow + n->control + n->neither))
			return "noise.paths";
	return NULL;
}

/* -- what follows ---------------------------------------------------------------------- */

static struct net paired_net(enum looks looks, uint64_t both, uint64_t shadow, uint64_t control, uint64_t neither)
{
	double of = (double)both + (double)shadow + (double)control + (double)neither;
	struct net net = { .raw = (double)(both + shadow) / of, .floor = (double)(both + control) / of, .shares = "paired" };

	net.value = ((double)shadow - (double)control) / of;
	net.interval = looks_paired(looks, both, control, shadow, neither, TAILS_95);
	return net;
}

static struct net independent_net(const struct rate *rate, const struct rate *floor)
{
	struct net net = { .raw = rate->value, .floor = floor->value };

	net.interval = rate_difference(floor, rate, &net.value);
	net.shares = isnan(net.value) ? NULL : "independent";
	return net;
}

static struct net widened(struct net net, double deff)
{
	if (net.shares)
		net.interval = looks_widened(net.interval, net.value, deff);
	return net;
}

struct net noise_net(const struct noise *n, enum looks looks, const struct rate *mismatch, const struct rate *floor,
		     double deff)
{
	if (n->both + n->shadow + n->control + n->neither == 0)
		return independent_net(mismatch, floor);
	return widened(paired_net(looks, n->both, n->shadow, n->control, n->neither), deff);
}

struct net noise_path_net(const struct noise *n, enum looks looks, const struct counted_row *row, const struct rate *rate,
			  const struct rate *floor, double deff)
{
	const struct counted_row *own = n->path_overflow == 0 ? counted_find(&n->paths, row->key, row->key_len) : NULL;
	uint64_t of = n->both + n->shadow + n->control + n->neither;
	const uint64_t *count = own ? own->n : NULL;

	if (!own)
		return widened(independent_net(rate, floor), deff);
	return widened(paired_net(looks, count[NOISE_BOTH], count[NOISE_SHADOW], count[NOISE_CONTROL],
				  of - count[NOISE_BOTH] - count[NOISE_SHADOW] - count[NOISE_CONTROL]),
		       deff);
}

bool net_is_noise(const struct net *net)
{
	double apart = net->value;

	if (!net->shares) /* a control that compared nothing excuses nothing */
		return false;
	if (!(apart > 0 && apart > NOISE_RELATIVE * (net->raw + net->floor) && apart > NOISE_ABSOLUTE))
		return true;
	return net->floor > 0 && net->interval.low <= 0;
}
