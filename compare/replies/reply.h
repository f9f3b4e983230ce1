/*
 * reply.h - what a language model decided, whatever its words
 *
 * Words differ from run to run. Whether a tool is called, which and with what,
 * whether anything is said at all, whether it is refused and why it ended do
 * not, or the user has to know: an agent acts on them. So these are compared
 * apart, and no difference of words excuses them.
 *
 * Known: OpenAI's chat, completions and responses, Anthropic's messages, generate of Triton, KServe and TGI;
 * each also as its stream, joined (joined.h).
 */
#ifndef COMPARE_REPLY_H
#define COMPARE_REPLY_H

#include "compare/replies/asked.h"
#include "compare/findings.h"
#include "compare/json/json_compare.h"

/**
 * reply_compare() - do two replies decide otherwise? To be called after json_compare() of the same two
 * Only what was found to differ there counts: what rules leave out is left out here, too, and arguments that
 * are the same JSON in another spelling are the same. The difference is added to @out, where it is.
 * @asked:  what the request asks for, begun for it
 */
enum reply_difference reply_compare(struct json_comparer *jc, struct asked *asked, const struct json_doc *production,
				    const struct json_doc *shadow, struct collector *out);

/** reply_has_calls() - does this reply, which perhaps has no text that generated.h would know, call tools? */
bool reply_has_calls(const struct json_doc *d);

#endif
