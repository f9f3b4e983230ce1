/*
 * generated.c - see generated.h
 *
 * Both are tables of paths, and a path that is in none of them excuses nothing. A null where a text is
 * expected says that the model answered in another way (it calls a tool); the response is one of these all the same.
 */
#include "compare/replies/generated.h"

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
	"/content_block/*/partial_json",
	"/content/*/text",
	"/output/*/content/*/text",
};

/* What may differ below a prefix, once the words do, or what was decided does. */
enum cause { NOTHING, WORDS, DECISION };

/*
 * The first that matches counts. What is not here is a difference like any
 * other: so is the number of choices, an id, whatever a server adds. Nothing of a
 * call of a tool follows from words, nor why a reply ended: these are what
 * reply.c compares.
 */
static const struct {
	const char *prefix;
	enum cause cause;
} consequences[] = {
	{ "/usage/prompt_tokens", NOTHING },
	{ "/usage/input_tokens", NOTHING },
	{ "/usage/", WORDS },
	/* chat and completions, whole and joined */
	{ "/choices/*/message/content", WORDS },
	{ "/choices/*/message/reasoning", WORDS }, /* and reasoning_content */
	{ "/choices/*/message/annotations", WORDS },
	{ "/choices/*/message/refusal", WORDS },
	{ "/choices/*/message", DECISION },
	{ "/choices/*/delta/content", WORDS },
	{ "/choices/*/delta/reasoning", WORDS },
	{ "/choices/*/delta/refusal", WORDS },
	{ "/choices/*/delta", DECISION },
	{ "/choices/*/text", WORDS },
	{ "/choices/*/logprobs", WORDS },
	{ "/choices/*/token_ids", WORDS },
	{ "/choices/*/stop_reason", WORDS }, /* vLLM: the text or token at which it stopped */
	{ "/choices/*/matched_stop", WORDS }, /* SGLang: likewise */
	{ "/choices/*/finish_reason", DECISION },
	/* generate of Triton, KServe and TGI */
	{ "/text_output", WORDS },
	{ "/generated_text", WORDS },
	{ "/*/generated_text", WORDS },
	{ "/*/details/finish_reason", DECISION },
	{ "/*/details/", WORDS },
	{ "/details/finish_reason", DECISION },
	{ "/details/", WORDS },
	{ "/token/", WORDS },
	{ "/index", WORDS }, /* of the last event: how many there were */
	/* Anthropic's messages */
	{ "/content/*/text", WORDS },
	{ "/content/*/thinking", WORDS },
	{ "/content/*/signature", WORDS },
	{ "/content/*/citations", WORDS },
	{ "/content", DECISION },
	{ "/content_block/*/text", WORDS },
	{ "/content_block", DECISION },
	{ "/message/usage/output_tokens", WORDS },
	{ "/stop_reason", DECISION },
	{ "/stop_sequence", DECISION },
	{ "/delta/stop_reason", DECISION },
	{ "/delta/stop_sequence", DECISION },
	{ "/delta/type", DECISION },
	{ "/delta", WORDS },
	/* OpenAI's responses; of a stream the last events, and all items */
	{ "/output/*/content/*/text", WORDS },
	{ "/output/*/content/*/logprobs", WORDS },
	{ "/output/*/content/*/annotations", WORDS },
	{ "/output/*/summary", WORDS },
	{ "/output/*/encrypted_content", WORDS },
	{ "/output_text", WORDS },
	{ "/output_index", DECISION },
	{ "/output", DECISION },
	{ "/status", DECISION },
	{ "/incomplete_details", DECISION },
	{ "/response/usage/input_tokens", NOTHING },
	{ "/response/usage/", WORDS },
	{ "/response/output/*/content/*/text", WORDS },
	{ "/response/output/*/content/*/logprobs", WORDS },
	{ "/response/output/*/content/*/annotations", WORDS },
	{ "/response/output/*/summary", WORDS },
	{ "/response/output/*/encrypted_content", WORDS },
	{ "/response/output", DECISION },
	{ "/response/status", DECISION },
	{ "/response/incomplete_details", DECISION },
	{ "/item/*/content/*/text", WORDS },
	{ "/item/*/content/*/logprobs", WORDS },
	{ "/item/*/content/*/annotations", WORDS },
	{ "/item/*/summary", WORDS },
	{ "/item/*/encrypted_content", WORDS },
	{ "/item/", DECISION },
	{ "/item", NOTHING }, /* item_id */
	{ "/part/", WORDS },
	{ "/text", WORDS },
	{ "/logprobs", WORDS },
	{ "/sequence_number", WORDS },
	{ "/content_index", WORDS },
	{ "/type", DECISION },
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

static enum cause cause_of(const char *pattern)
{
	for (size_t i = 0; i < sizeof(consequences) / sizeof(*consequences); i++)
		if (strncmp(pattern, consequences[i].prefix, strlen(consequences[i].prefix)) == 0)
			return consequences[i].cause;
	return NOTHING;
}

bool generated_explains(const struct findings *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (found->at[i].kind < DIFFERENCE_CLOSE && cause_of(found->at[i].pattern) != WORDS)
			return false;
	return found->overflow == 0; /* it is not known where the others are */
}

bool generated_decided(const struct findings *found)
{
	size_t i = 0;

	while (i < found->count && found->at[i].kind < DIFFERENCE_DECISION) /* the gravest come first, and are kept */
		if (cause_of(found->at[i++].pattern) == NOTHING)
			return false;
	return i < FINDINGS_MAX;
}
