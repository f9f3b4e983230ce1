/*
 * generated.c - see generated.h
 *
 * Both are tables of paths. A null where a text is expected says that the model
 * answered in another way (it calls a tool); the answer is one of these all the
 * same.
 */
#include "compare/generated.h"

#include <string.h>

static const char *const texts[] = {
	"/choices/*/message/reasoning_content",
	"/choices/*/message/content",
	"/choices/*/message/content/*/text",
	"/choices/*/message/tool_calls/*/function/arguments",
	"/choices/*/delta/reasoning_content",
	"/choices/*/delta/content",
	"/choices/*/delta/tool_calls/*/function/arguments",
	"/choices/*/text",
	"/text_output",
	"/generated_text",
	"/*/generated_text",
	"/token/text",
	"/delta",
	"/delta/text",
	"/delta/thinking",
	"/delta/partial_json",
	"/content/*/text",
	"/output/*/content/*/text",
};

/* What follows from the words; the first that matches counts. */
static const struct {
	const char *prefix;
	bool follows;
} consequences[] = {
	{ "/usage/prompt_tokens", false },
	{ "/usage/input_tokens", false },
	{ "/usage/", true },
	{ "/choices/", true },
	{ "/text_output", true },
	{ "/generated_text", true },
	{ "/*/generated_text", true },
	{ "/*/details/", true },
	{ "/details/", true },
	{ "/token/", true },
	{ "/delta", true },
	{ "/content/", true },
	{ "/output/", true },
	{ "/stop_reason", true },
};

/** add_texts() - those at @pattern below @node; as deep as the pattern. False: there are none. */
static bool add_texts(const struct json_doc *d, uint32_t node, const char *pattern, struct buffer *out)
{
	size_t len;
	bool found = false;

	if (*pattern == '\0') {
		if (d->nodes[node].type == JSON_STRING)
			json_doc_unescape(d, node, out);
		return d->nodes[node].type == JSON_STRING || d->nodes[node].type == JSON_NULL;
	}
	len = strcspn(++pattern, "/");
	if (*pattern != '*') {
		uint32_t child = json_doc_member(d, node, span_of(pattern, len));

		return child && add_texts(d, child, pattern + len, out);
	}
	if (d->nodes[node].type != JSON_ARRAY)
		return false;
	for (uint32_t i = node + 1; i < d->nodes[node].next; i = d->nodes[i].next)
		if (add_texts(d, i, pattern + len, out))
			found = true;
	return found;
}

bool generated_text(const struct json_doc *d, struct buffer *out)
{
	bool found = false;

	for (size_t i = 0; d->count > 0 && i < sizeof(texts) / sizeof(*texts); i++)
		if (add_texts(d, 0, texts[i], out))
			found = true;
	return found;
}

static bool follows(const char *pattern)
{
	for (size_t i = 0; i < sizeof(consequences) / sizeof(*consequences); i++)
		if (strncmp(pattern, consequences[i].prefix, strlen(consequences[i].prefix)) == 0)
			return consequences[i].follows;
	return false;
}

bool generated_explains(const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->at[i].kind < DIFFERENCE_CLOSE && !follows(found->at[i].pattern))
			return false;
	return found->overflow == 0; /* nobody knows where the others are */
}
