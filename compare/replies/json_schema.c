/* json_schema.c - see json_schema.h */
#include "compare/replies/json_schema.h"

#include <math.h>

#define STEPS_MAX 1000000

/** struct check - one value held against one schema */
struct check {
	const struct json_doc *schema, *d;
	size_t steps; /* members and elements looked at */
};

static bool allows(struct check *c, uint32_t at, uint32_t node);

static uint32_t schema_member(struct check *c, uint32_t at, const char *name)
{
	c->steps += c->schema->nodes[at].count;
	return json_doc_member(c->schema, at, span_str(name));
}

static bool is_of_type(const struct json_doc *d, uint32_t node, struct span type)
{
	double n;

	switch ((enum json_type)d->nodes[node].type) {
	case JSON_NULL:
		return span_equal(type, SPAN_LITERAL("null"));
	case JSON_FALSE:
	case JSON_TRUE:
		return span_equal(type, SPAN_LITERAL("boolean"));
	case JSON_STRING:
		return span_equal(type, SPAN_LITERAL("string"));
	case JSON_ARRAY:
		return span_equal(type, SPAN_LITERAL("array"));
	case JSON_OBJECT:
		return span_equal(type, SPAN_LITERAL("object"));
	case JSON_NUMBER:
		break;
	}
	n = json_doc_double(d, node);
	return span_equal(type, SPAN_LITERAL("number")) || (span_equal(type, SPAN_LITERAL("integer")) && n == floor(n));
}

/** type_allows() - "type": a name, or a list of names */
static bool type_allows(struct check *c, uint32_t type, uint32_t node)
{
	const struct json_doc *s = c->schema;

	if (s->nodes[type].type == JSON_STRING)
		return is_of_type(c->d, node, json_doc_text(s, type));
	if (s->nodes[type].type != JSON_ARRAY)
		return true;
	for (uint32_t i = type + 1; i < s->nodes[type].next; i = s->nodes[i].next, c->steps++)
		if (s->nodes[i].type != JSON_STRING || is_of_type(c->d, node, json_doc_text(s, i)))
			return true;
	return false;
}

/** may_be() - is the value what @wanted says? Of lists and objects it isn't judged */
static bool may_be(const struct check *c, uint32_t wanted, uint32_t node)
{
	enum json_type a = c->schema->nodes[wanted].type, b = c->d->nodes[node].type;
	struct buffer text = { 0 };
	bool same;

	if (a != b)
		return false;
	if (a == JSON_NUMBER)
		return json_doc_double(c->schema, wanted) == json_doc_double(c->d, node);
	if (a != JSON_STRING)
		return true;
	json_doc_unescape(c->schema, wanted, &text);
	same = !buffer_ok(&text) || json_doc_says(c->d, node, buffer_span(&text));
	buffer_deinit(&text);
	return same;
}

static bool enum_allows(struct check *c, uint32_t list, uint32_t node)
{
	const struct json_doc *s = c->schema;

	if (s->nodes[list].type != JSON_ARRAY)
		return true;
	for (uint32_t i = list + 1; i < s->nodes[list].next && c->steps < STEPS_MAX; i = s->nodes[i].next, c->steps++)
		if (may_be(c, i, node))
			return true;
	return c->steps >= STEPS_MAX;
}

/** has_required() - the names are compared as they are spelled: those of a schema are plain words */
static bool has_required(struct check *c, uint32_t list, uint32_t node)
{
	const struct json_doc *s = c->schema;

	if (s->nodes[list].type != JSON_ARRAY)
		return true;
	for (uint32_t i = list + 1; i < s->nodes[list].next && c->steps < STEPS_MAX; i = s->nodes[i].next) {
		c->steps += 1 + c->d->nodes[node].count;
		if (s->nodes[i].type == JSON_STRING && !s->nodes[i].escaped &&
		    !json_doc_member(c->d, node, json_doc_text(s, i)))
			return false;
	}
	return true;
}

static bool members_allowed(struct check *c, uint32_t at, uint32_t node)
{
	uint32_t properties = schema_member(c, at, "properties"), others = schema_member(c, at, "additionalProperties");
	bool closed = others && c->schema->nodes[others].type == JSON_FALSE && !schema_member(c, at, "patternProperties");
	const struct json_doc *d = c->d;

	for (uint32_t name = node + 1; name < d->nodes[node].next; name = d->nodes[name + 1].next) {
		uint32_t property = 0;

		if (c->steps >= STEPS_MAX)
			return true;
		c->steps++;
		if (properties && !d->nodes[name].escaped) {
			c->steps += c->schema->nodes[properties].count;
			property = json_doc_member(c->schema, properties, json_doc_text(d, name));
		}
		if (property ? !allows(c, property, name + 1) : closed && !d->nodes[name].escaped)
			return false;
	}
	return true;
}

static bool elements_allowed(struct check *c, uint32_t items, uint32_t node)
{
	const struct json_doc *d = c->d;

	for (uint32_t i = node + 1; i < d->nodes[node].next && c->steps < STEPS_MAX; i = d->nodes[i].next)
		if (!allows(c, items, i))
			return false;
	return true;
}

static bool allows(struct check *c, uint32_t at, uint32_t node)
{
	uint32_t type, values, value, required, items;

	if (c->schema->nodes[at].type != JSON_OBJECT || c->steps++ >= STEPS_MAX)
		return true;
	type = schema_member(c, at, "type");
	values = schema_member(c, at, "enum");
	value = schema_member(c, at, "const");
	if ((type && !type_allows(c, type, node)) || (values && !enum_allows(c, values, node)) ||
	    (value && !may_be(c, value, node)))
		return false;
	if (c->d->nodes[node].type == JSON_OBJECT) {
		required = schema_member(c, at, "required");
		return (!required || has_required(c, required, node)) && members_allowed(c, at, node);
	}
	items = c->d->nodes[node].type == JSON_ARRAY ? schema_member(c, at, "items") : 0;
	return !items || elements_allowed(c, items, node);
}

bool json_schema_allows(const struct json_doc *schema, uint32_t at, const struct json_doc *d, uint32_t node)
{
	struct check c = { .schema = schema, .d = d };

	return allows(&c, at, node);
}
