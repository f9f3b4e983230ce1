/*
 * asked.h - what a request to a language model asks of the form of the reply
 *
 * That it is JSON, by which schema, which tools there are and what arguments they
 * take: OpenAI's chat, completions and responses, Anthropic's messages, and what
 * vLLM, SGLang and TGI add. A reply that breaks this is of no use to the program
 * that asked, whatever its words.
 */
#ifndef COMPARE_ASKED_H
#define COMPARE_ASKED_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "message/message.h"

#define ASKED_BODY_MAX (4 << 20) /* of a larger request nothing is asked */
#define ASKED_TEXT_MAX (1 << 20) /* a larger text of a reply is not judged */

/** struct asked - reused from request to request; zero but for the docs' memory */
struct asked {
	const struct message *request; /* borrowed */
	bool is_read;
	bool is_short;        /* memory was not enough to tell what is asked */
	struct json_doc doc;  /* the request's; without nodes: nothing is asked */
	struct json_doc text; /* of a reply, or of the arguments of a call */
	struct buffer plain;  /* ... without escapes */
};

/** asked_begin() - of another request (borrowed until the next); it is read when it is first needed */
void asked_begin(struct asked *a, const struct message *request);

/** asked_rest() - free what is kept for the next request */
void asked_rest(struct asked *a);

/** asked_for_json() - does it ask for JSON? */
bool asked_for_json(struct asked *a);

/** asked_allows_text() - is this string of a reply such JSON, by its schema if there is one? */
bool asked_allows_text(struct asked *a, const struct json_doc *d, uint32_t node);

/**
 * asked_allows_call() - @name and @arguments of a call of a tool (0: there are none): is there such a tool, and
 * does it take these? Arguments are a value, or a string that holds one. True where nothing is said of tools.
 */
bool asked_allows_call(struct asked *a, const struct json_doc *d, uint32_t name, uint32_t arguments);

/** asked_for_the_likeliest() - no token is drawn by lot: its temperature is 0 */
bool asked_for_the_likeliest(struct asked *a);

#endif
