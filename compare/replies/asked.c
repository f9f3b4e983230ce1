/* asked.c - see asked.h */
#include "compare/replies/asked.h"

#include <errno.h>

#include "compare/replies/json_schema.h"

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return node || d->count ? json_doc_member(d, node, span_str(name)) : 0;
}

/** at_path() - of the request, the members of members; 0: one is missing */
static uint32_t at_path(const struct json_doc *d, const char *const *names)
{
	uint32_t at = member(d, 0, *names++);

	while (at && *names)
		at = member(d, at, *names++);
	return at;
}

#define AT(a, ...) at_path(&(a)->doc, (const char *const[]){ __VA_ARGS__, NULL })

static bool says(const struct json_doc *d, uint32_t node, const char *text)
{
	return node && d->nodes[node].type == JSON_STRING && json_doc_says(d, node, span_str(text));
}

void asked_begin(struct asked *a, const struct message *request)
{
	a->request = request;
	a->is_read = a->is_short = false;
}

void asked_rest(struct asked *a)
{
	struct budget *memory = a->doc.memory;

	json_doc_deinit(&a->doc);
	json_doc_deinit(&a->text);
	buffer_deinit(&a->plain);
	*a = (struct asked){ .doc.memory = memory, .text.memory = memory };
}

/** parse() - false: no JSON, or no memory for it */
static bool parse(struct asked *a, struct json_doc *d, struct span text)
{
	int err = json_doc_parse(d, text);

	a->is_short |= err == -EFBIG || err == -ENOMEM;
	return err == 0;
}

/** read_request() - false: nothing is asked */
static bool read_request(struct asked *a)
{
	const struct message *m = a->request;

	if (!a->is_read) {
		a->is_read = true;
		a->doc.count = 0;
		if (m && m->body && m->body_len <= ASKED_BODY_MAX)
			parse(a, &a->doc, span_of(m->body, m->body_len));
	}
	return a->doc.count > 0 && a->doc.nodes[0].type == JSON_OBJECT;
}

/** read_text() - what a string says, as a document; false: it is no JSON */
static bool read_text(struct asked *a, const struct json_doc *d, uint32_t node)
{
	buffer_clear(&a->plain);
	json_doc_unescape(d, node, &a->plain);
	a->is_short |= !buffer_ok(&a->plain);
	return buffer_ok(&a->plain) && parse(a, &a->text, buffer_span(&a->plain));
}

/** kind_is_json() - "type" of a format: json_object, json_schema, and TGI's json */
static bool kind_is_json(const struct json_doc *d, uint32_t format)
{
	uint32_t type = format ? member(d, format, "type") : 0;

	return says(d, type, "json_object") || says(d, type, "json_schema") || says(d, type, "json");
}

bool asked_for_json(struct asked *a)
{
	return read_request(a) &&
	       (kind_is_json(&a->doc, AT(a, "response_format")) || kind_is_json(&a->doc, AT(a, "text", "format")) ||
		kind_is_json(&a->doc, AT(a, "parameters", "grammar")) || AT(a, "guided_json") || AT(a, "structured_outputs", "json"));
}

/** text_schema() - of the reply's text; 0: any JSON will do */
static uint32_t text_schema(const struct asked *a)
{
	const uint32_t places[] = { AT(a, "response_format", "json_schema", "schema"), AT(a, "response_format", "schema"),
				    AT(a, "text", "format", "schema"), AT(a, "parameters", "grammar", "value"), AT(a, "guided_json"),
				    AT(a, "structured_outputs", "json") };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i])
			return places[i];
	return 0;
}

bool asked_allows_text(struct asked *a, const struct json_doc *d, uint32_t node)
{
	uint32_t schema;

	if (!read_request(a) || d->nodes[node].len > ASKED_TEXT_MAX)
		return true;
	if (!read_text(a, d, node))
		return false;
	schema = text_schema(a);
	return !schema || json_schema_allows(&a->doc, schema, &a->text, 0);
}

/** tool_named() - 0: there is none */
static uint32_t tool_named(const struct json_doc *d, uint32_t list, struct span name)
{
	if (d->nodes[list].type != JSON_ARRAY)
		return 0;
	for (uint32_t i = list + 1; i < d->nodes[list].next; i = d->nodes[i].next) {
		uint32_t function = member(d, i, "function"), tool = function ? function : i, its = member(d, tool, "name");

		if (its && d->nodes[its].type == JSON_STRING && json_doc_says(d, its, name))
			return tool;
	}
	return 0;
}

bool asked_allows_call(struct asked *a, const struct json_doc *d, uint32_t name, uint32_t arguments)
{
	uint32_t list, tool, schema;

	if (!read_request(a) || !name || d->nodes[name].type != JSON_STRING || d->nodes[name].escaped)
		return true;
	list = AT(a, "tools");
	if (!list)
		list = AT(a, "functions");
	if (!list || a->doc.nodes[list].count == 0)
		return true;
	tool = tool_named(&a->doc, list, json_doc_text(d, name));
	if (!tool)
		return false;
	schema = member(&a->doc, tool, "parameters");
	if (!schema)
		schema = member(&a->doc, tool, "input_schema");
	if (!schema || !arguments || d->nodes[arguments].len > ASKED_TEXT_MAX)
		return true;
	if (d->nodes[arguments].type != JSON_STRING)
		return json_schema_allows(&a->doc, schema, d, arguments);
	return read_text(a, d, arguments) && json_schema_allows(&a->doc, schema, &a->text, 0);
}

bool asked_for_the_likeliest(struct asked *a)
{
	uint32_t at = read_request(a) ? AT(a, "temperature") : 0;

	return at && a->doc.nodes[at].type == JSON_NUMBER && json_doc_double(&a->doc, at) == 0;
}
