/* claim.c - see claim.h */
#include "relay/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/json_doc.h"
#include "relay/subjects.h"

#define WRONG_LAST_SEQUENCE 10071 /* the server's number for a condition that does not hold */
#define RUN_NUMBERS 6

_Static_assert(CLAIM_OWNER_MAX > RELAY_NAME_MAX, "an owner is a name");

uint64_t claim_run_id(struct span source)
{
	static const struct hash_key key = { 0x73746170u, 0x72756e73u }; /* any, but the same for all */

	return hash_bytes(&key, source.at, source.len);
}

/* Where @run is, or belongs */
static size_t run_place(const struct partition_claim *c, uint64_t run)
{
	size_t low = 0, high = c->run_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->runs[middle].run < run)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct claim_run *claim_run_find(const struct partition_claim *c, uint64_t run)
{
	size_t at = run_place(c, run);

	return at < c->run_count && c->runs[at].run == run ? &c->runs[at] : NULL;
}

struct claim_run *claim_run(struct partition_claim *c, uint64_t run)
{
	size_t at = run_place(c, run);

	if (at < c->run_count && c->runs[at].run == run)
		return &c->runs[at];
	if (c->run_count == CLAIM_RUNS_MAX || !array_room((void **)&c->runs, &c->run_cap, c->run_count, sizeof(*c->runs))) {
		c->lacks_runs = true;
		return NULL;
	}
	memmove(c->runs + at + 1, c->runs + at, (c->run_count - at) * sizeof(*c->runs));
	c->run_count++;
	c->runs[at] = (struct claim_run){ .run = run };
	return &c->runs[at];
}

void claim_count(struct partition_claim *c, uint64_t run, uint64_t sequence)
{
	struct claim_run *r = claim_run(c, run);

	if (!r)
		return;
	if (r->received == 0 || sequence < r->first)
		r->first = sequence;
	if (r->received == 0 || sequence > r->last)
		r->last = sequence;
	r->received++;
}

/* ---- the value -------------------------------------------------------------- */

static void run_write(struct json *j, const struct claim_run *r)
{
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, r->run);
	json_key(j, id);
	json_open(j, '[');
	json_uint(j, r->received);
	json_uint(j, r->first);
	json_uint(j, r->last);
	if (r->is_older) {
		json_uint(j, r->base_next);
		json_uint(j, r->base_duplicate);
		json_uint(j, r->base_refused);
	}
	json_close(j, ']');
}

void claim_write(const struct partition_claim *c, struct buffer *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_count(&j, "version", 1);
	json_key(&j, "owner");
	json_str(&j, c->owner);
	json_count(&j, "nonce", c->nonce);
	json_count(&j, "after", c->after);
	json_count(&j, "epoch", (uint64_t)c->epoch);
	json_count(&j, "upto", c->upto);
	json_count(&j, "claimed", c->claimed);
	json_count(&j, "settled", c->settled);
	json_count(&j, "skipped", c->skipped);
	json_key(&j, "runs");
	json_open(&j, '{');
	for (size_t i = 0; i < c->run_count; i++)
		run_write(&j, &c->runs[i]);
	json_close(&j, '}');
	json_key(&j, "lacks_runs");
	json_bool(&j, c->lacks_runs);
	json_close(&j, '}');
}

static bool read_count(const struct json_doc *d, const char *name, uint64_t *out)
{
	uint32_t node = json_doc_member(d, 0, span_str(name));

	return node && json_doc_uint(d, node, out);
}

static bool read_id(struct span text, uint64_t *out)
{
	*out = 0;
	if (text.len != 16)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		*out = *out << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

static int read_run(const struct json_doc *d, uint32_t name, uint32_t value, struct partition_claim *out)
{
	const struct json_node *n = &d->nodes[value];
	uint64_t number[RUN_NUMBERS] = { 0 }, id;
	struct claim_run *r;
	uint32_t at = value + 1;

	if (n->type != JSON_ARRAY || (n->count != 3 && n->count != 6) || !read_id(json_doc_text(d, name), &id))
		return -EINVAL;
	for (uint32_t i = 0; i < n->count; i++, at = d->nodes[at].next)
		if (!json_doc_uint(d, at, &number[i]))
			return -EINVAL;
	if (claim_run_find(out, id))
		return -EINVAL;
	r = claim_run(out, id);
	if (!r)
		return out->run_count == CLAIM_RUNS_MAX ? 0 : -ENOMEM;
	*r = (struct claim_run){
		.run = id,
		.received = number[0],
		.first = number[1],
		.last = number[2],
		.is_older = n->count == 6,
		.base_next = number[3],
		.base_duplicate = number[4],
		.base_refused = number[5],
	};
	return r->first > r->last ? -EINVAL : 0;
}

static int read_runs(const struct json_doc *d, struct partition_claim *out)
{
	uint32_t runs = json_doc_member(d, 0, SPAN_LITERAL("runs")), at = runs + 1;
	int err = 0;

	if (!runs || d->nodes[runs].type != JSON_OBJECT)
		return -EINVAL;
	for (uint32_t i = 0; i < d->nodes[runs].count && err == 0; i++, at = d->nodes[at + 1].next)
		err = read_run(d, at, at + 1, out);
	return err;
}

static int read_owner(const struct json_doc *d, struct partition_claim *out)
{
	uint32_t node = json_doc_member(d, 0, SPAN_LITERAL("owner"));
	struct span owner;

	if (!node || d->nodes[node].type != JSON_STRING || d->nodes[node].escaped)
		return -EINVAL;
	owner = json_doc_text(d, node);
	if (owner.len > 0 && !relay_name_is_good(owner))
		return -EINVAL;
	memcpy(out->owner, owner.at, owner.len);
	out->owner[owner.len] = '\0';
	return 0;
}

static int read_value(const struct json_doc *d, struct partition_claim *out)
{
	uint32_t lacks = json_doc_member(d, 0, SPAN_LITERAL("lacks_runs"));
	uint64_t version, epoch;

	if (!read_count(d, "version", &version) || version != 1)
		return -EINVAL;
	if (!read_count(d, "nonce", &out->nonce) || !read_count(d, "after", &out->after) || !read_count(d, "epoch", &epoch) || epoch > INT64_MAX ||
	    !read_count(d, "upto", &out->upto) || !read_count(d, "claimed", &out->claimed) ||
	    !read_count(d, "settled", &out->settled) || !read_count(d, "skipped", &out->skipped) || out->settled > out->claimed)
		return -EINVAL;
	out->epoch = (int64_t)epoch;
	out->lacks_runs = lacks && d->nodes[lacks].type == JSON_TRUE;
	return read_owner(d, out);
}

int claim_read(struct span text, struct partition_claim *out)
{
	struct json_doc d = { 0 };
	int err;

	claim_deinit(out);
	err = json_doc_parse(&d, text);
	if (err == 0)
		err = d.nodes[0].type != JSON_OBJECT ? -EINVAL : read_value(&d, out);
	if (err == 0)
		err = read_runs(&d, out);
	json_doc_deinit(&d);
	if (err < 0)
		claim_deinit(out);
	return err == -EFBIG ? -EINVAL : err;
}

bool claim_copy(const struct partition_claim *from, struct partition_claim *to)
{
	struct claim_run *runs = NULL;

	if (from->run_count > 0) {
		runs = malloc(from->run_count * sizeof(*runs));
		if (!runs)
			return false;
		memcpy(runs, from->runs, from->run_count * sizeof(*runs));
	}
	claim_deinit(to);
	*to = *from;
	to->runs = runs;
	to->run_cap = from->run_count;
	return true;
}

void claim_deinit(struct partition_claim *c)
{
	free(c->runs);
	*c = (struct partition_claim){ 0 };
}

/* ---- what the broker responds ---------------------------------------------- */

enum claim_result claim_result_read(struct span text, uint64_t *revision)
{
	enum claim_result result = CLAIM_UNKNOWN;
	struct json_doc d = { 0 };
	uint32_t error, node;
	uint64_t code;

	if (json_doc_parse(&d, text) == 0) {
		error = json_doc_member(&d, 0, SPAN_LITERAL("error"));
		node = error ? json_doc_member(&d, error, SPAN_LITERAL("err_code")) : json_doc_member(&d, 0, SPAN_LITERAL("seq"));
		if (error)
			result = node && json_doc_uint(&d, node, &code) && code == WRONG_LAST_SEQUENCE ? CLAIM_FENCED
												       : CLAIM_DENIED;
		else if (node && json_doc_uint(&d, node, revision) && *revision > 0)
			result = CLAIM_WON;
	}
	json_doc_deinit(&d);
	return result;
}
