/* json_reduce.c - see json_reduce.h */
#include "app/cases/json_reduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_doc.h"

struct reduce {
	struct json_doc doc;
	bool *dropped;   /* by node: of an element, or of the name of a member */
	uint32_t *queue; /* containers whose turn comes */
	size_t first, end;
	uint32_t *parts; /* of the container at hand that are left */
	int (*holds)(void *ctx, struct span candidate);
	void *ctx;
	struct buffer candidate;
};

static const struct json_node *node_at(const struct reduce *r, uint32_t at)
{
	return &r->doc.nodes[at];
}

static bool is_container(const struct json_node *n)
{
	return n->type == JSON_ARRAY || n->type == JSON_OBJECT;
}

/** value_of() - of a part of a container: a member's name is followed by it */
static uint32_t value_of(const struct json_node *container, uint32_t part)
{
	return container->type == JSON_OBJECT ? part + 1 : part;
}

/* ---- what is left, as text ---- */

static void add_string(const struct reduce *r, uint32_t at, struct buffer *out)
{
	buffer_add_str(out, "\"");
	buffer_add_span(out, json_doc_text(&r->doc, at));
	buffer_add_str(out, "\"");
}

/* As deep as the document is, which is JSON_DEPTH_MAX at most. */
static void add_value(const struct reduce *r, uint32_t at, struct buffer *out)
{
	const struct json_node *n = node_at(r, at);
	bool is_object = n->type == JSON_OBJECT, comma = false;

	if (n->type == JSON_STRING)
		add_string(r, at, out);
	else if (!is_container(n))
		buffer_add_span(out, json_doc_text(&r->doc, at));
	if (!is_container(n))
		return;
	buffer_add_str(out, is_object ? "{" : "[");
	for (uint32_t part = at + 1; part < n->next; part = node_at(r, value_of(n, part))->next) {
		if (r->dropped[part])
			continue;
		buffer_add_str(out, comma ? "," : "");
		comma = true;
		if (is_object) {
			add_string(r, part, out);
			buffer_add_str(out, ":");
		}
		add_value(r, value_of(n, part), out);
	}
	buffer_add_str(out, is_object ? "}" : "]");
}

static int still_holds(struct reduce *r)
{
	buffer_clear(&r->candidate);
	add_value(r, 0, &r->candidate);
	return buffer_ok(&r->candidate) ? r->holds(r->ctx, buffer_span(&r->candidate)) : -ENOMEM;
}

/* ---- one container ---- */

static size_t list_parts(struct reduce *r, uint32_t container)
{
	const struct json_node *n = node_at(r, container);
	size_t count = 0;

	for (uint32_t part = container + 1; part < n->next; part = node_at(r, value_of(n, part))->next)
		r->parts[count++] = part;
	return count;
}

/** without() - does it hold without @count parts from @from on? They stay left out if it does */
static int without(struct reduce *r, size_t from, size_t count)
{
	int yes;

	for (size_t i = from; i < from + count; i++)
		r->dropped[r->parts[i]] = true;
	yes = still_holds(r);
	for (size_t i = from; i < from + count && yes != 1; i++)
		r->dropped[r->parts[i]] = false;
	return yes;
}

/** drop_pieces() - leave out pieces of @size parts, one after the other, where it holds without them; @left: parts that are left */
static int drop_pieces(struct reduce *r, size_t size, size_t *left)
{
	for (size_t from = 0; from < *left;) {
		size_t n = *left - from < size ? *left - from : size;
		int yes = without(r, from, n);

		if (yes < 0)
			return yes;
		if (!yes) {
			from += n;
			continue;
		}
		memmove(&r->parts[from], &r->parts[from + n], (*left - from - n) * sizeof(*r->parts));
		*left -= n;
	}
	return 0;
}

/** reduce_parts() - of one container, whose containers are put into the queue; 0, or the negative errno of holds() */
static int reduce_parts(struct reduce *r, uint32_t container)
{
	size_t left = list_parts(r, container), size = left;

	while (size > 0 && left > 0) {
		size_t before = left;
		int err = drop_pieces(r, size, &left);

		if (err < 0)
			return err;
		if (size == 1 && left == before)
			break;
		size = (size + 1) / 2;
		size = size < left ? size : left;
	}
	for (size_t i = 0; i < left; i++) {
		uint32_t value = value_of(node_at(r, container), r->parts[i]);

		if (is_container(node_at(r, value)))
			r->queue[r->end++] = value;
	}
	return 0;
}

static int reduce_all(struct reduce *r)
{
	int err = 0;

	if (is_container(node_at(r, 0)))
		r->queue[r->end++] = 0;
	while (err == 0 && r->first < r->end)
		err = reduce_parts(r, r->queue[r->first++]);
	return err;
}

/* ---- the door ---- */

/** count() - the parts of a container, and those that are not there any more */
static void count(const struct reduce *r, uint32_t at, bool gone, struct json_reduction *result)
{
	const struct json_node *n = node_at(r, at);

	if (!is_container(n))
		return;
	for (uint32_t part = at + 1; part < n->next; part = node_at(r, value_of(n, part))->next) {
		bool is_gone = gone || r->dropped[part];

		result->parts++;
		result->dropped += is_gone;
		count(r, value_of(n, part), is_gone, result);
	}
}

int json_reduce(struct span text, int (*holds)(void *ctx, struct span candidate), void *ctx, struct buffer *out,
		struct json_reduction *result)
{
	struct reduce r = { .holds = holds, .ctx = ctx };
	int err = json_doc_parse(&r.doc, text);

	*result = (struct json_reduction){ 0 };
	if (err == 0) {
		r.dropped = calloc(r.doc.count, sizeof(*r.dropped));
		r.queue = calloc(r.doc.count, sizeof(*r.queue));
		r.parts = calloc(r.doc.count, sizeof(*r.parts));
		err = r.dropped && r.queue && r.parts ? reduce_all(&r) : -ENOMEM;
	}
	if (err == 0 || err == -EDQUOT) {
		result->is_least = err == 0;
		count(&r, 0, false, result);
		if (result->dropped > 0)
			add_value(&r, 0, out);
		else
			buffer_add_span(out, text);
		err = buffer_ok(out) ? 0 : -ENOMEM;
	}
	json_doc_deinit(&r.doc);
	buffer_deinit(&r.candidate);
	free(r.dropped);
	free(r.queue);
	free(r.parts);
	return err;
}
