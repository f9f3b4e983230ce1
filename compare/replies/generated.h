/*
 * generated.h - which responses are the words of a language model
 *
 * Such words differ from run to run without anything being wrong, so they are
 * treated apart. Known by where they stand: OpenAI's chat, completions and
 * responses, generate of Triton, KServe and TGI, Anthropic's messages; each
 * also as its stream, joined.
 */
#ifndef COMPARE_GENERATED_H
#define COMPARE_GENERATED_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/json_doc.h"
#include "compare/comparison.h"

/** generated_text() - append all generated text of a response, in its order; false if it is no such response */
bool generated_text(const struct json_doc *d, struct buffer *out);

/**
 * generated_explains() - can all these differences come of other words alone?
 * Such are those in the text itself, its tokens and their number.
 */
bool generated_explains(const struct findings *found);

/**
 * generated_decided() - of two replies that decide otherwise (reply.h): does all that has another shape
 * follow from that? A tool that is called is a list with an element more, and words that are null.
 */
bool generated_decided(const struct findings *found);

#endif
