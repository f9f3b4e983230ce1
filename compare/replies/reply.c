/*
 * reply.c - see reply.h
 *
 * Theory of operation: of each reply the same few facts are read, wherever its
 * API keeps them: the calls of tools in their order, whether there is text
 * (white space is none, and neither is what a model thinks aloud), whether it
 * refuses, and the word for why it ended. A document with several choices has
 * several replies, compared one to one; that their number differs is a matter of
 * schema. Then the first of REPLY_DIFFERENCES that holds is the difference.
 *
 * Why it ended is compared as the word that it is: "stop" and "length" differ,
 * and so do two servers that have other words for the same.
 *
 * What the request asks for (asked.h) is looked at last: whether a call is allowed only where calls differ, whether
 * the text is JSON only where two texts differ.
 *
 * The facts say that two replies decide otherwise; the findings of the
 * comparison say whether that is so by the rules of the user. Both have to.
 */
#include "compare/replies/reply.h"

#include <string.h>

#include "compare/json/json_impl.h"

#define CALLS_MAX 64 /* of one reply; more are only counted */

/** struct call - nodes; 0: there is none */
struct call {
	uint32_t name, arguments;
};

struct reply {
	const struct json_doc *d;
	struct call calls[CALLS_MAX];
	size_t call_count;
	bool speaks, refuses;
	size_t text_count;
	uint32_t said; /* the node of its only text; 0: none, or several */
	uint32_t finish, finish_detail; /* nodes; 0: none */
	/* patterns: where the facts stand in this kind of document */
	const char *calls_at, *text_at, *finish_at;
};

static uint32_t member(const struct json_doc *d, uint32_t node, const char *name)
{
	return node || d->count ? json_doc_member(d, node, span_str(name)) : 0;
}

/** below() - the member of a member; 0 if either is missing */
static uint32_t below(const struct json_doc *d, uint32_t node, const char *outer, const char *inner)
{
	uint32_t at = member(d, node, outer);

	return at ? member(d, at, inner) : 0;
}

static bool is(const struct json_doc *d, uint32_t node, const char *text)
{
	return node && d->nodes[node].type == JSON_STRING && json_doc_says(d, node, span_str(text));
}

static bool is_array(const struct json_doc *d, uint32_t node)
{
	return node && d->nodes[node].type == JSON_ARRAY;
}

/** has_text() - a string in which anything is but white space */
static bool has_text(const struct json_doc *d, uint32_t node)
{
	struct span text;

	if (!node || d->nodes[node].type != JSON_STRING)
		return false;
	text = json_doc_text(d, node);
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\' && i + 1 < text.len && memchr("nrt", text.at[i + 1], 3))
			i++;
		else if (text.at[i] != ' ')
			return true;
	}
	return false;
}

/** hear() - @node is a text of the reply, if it is one */
static void hear(struct reply *r, uint32_t node)
{
	if (!has_text(r->d, node))
		return;
	r->speaks = true;
	r->said = r->text_count++ == 0 ? node : 0;
}

static void add_call(struct reply *r, uint32_t name, uint32_t arguments)
{
	if (r->call_count < CALLS_MAX)
		r->calls[r->call_count] = (struct call){ name, arguments };
	r->call_count++;
}

/** first_of() - the first of these members that is there and not null */
static uint32_t first_of(const struct json_doc *d, uint32_t node, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t at = member(d, node, names[i]);

		if (at && d->nodes[at].type != JSON_NULL)
			return at;
	}
	return 0;
}

/** read_blocks() - of Anthropic's content and OpenAI's output: texts, calls, and messages that hold such again */
static void read_blocks(struct reply *r, uint32_t array, bool inside)
{
	static const char *const inputs[] = { "partial_json", "arguments", "arguments_delta", "input" };
	const struct json_doc *d = r->d;

	if (!is_array(d, array))
		return;
	for (uint32_t i = array + 1; i < d->nodes[array].next; i = d->nodes[i].next) {
		uint32_t type = member(d, i, "type");
		struct span kind = type ? json_doc_text(d, type) : SPAN_LITERAL("");

		if (is(d, type, "tool_use") || is(d, type, "server_tool_use") || is(d, type, "mcp_tool_use") ||
		    (kind.len > 5 && span_equal(span_of(kind.at + kind.len - 5, 5), SPAN_LITERAL("_call"))))
			add_call(r, member(d, i, "name"), first_of(d, i, inputs, 4));
		else if (is(d, type, "message") && !inside)
			read_blocks(r, member(d, i, "content"), true);
		else if (is(d, type, "refusal"))
			r->refuses = true;
		else if (is(d, type, "text") || is(d, type, "output_text") || !type)
			hear(r, member(d, i, "text"));
	}
}

static void read_tool_calls(struct reply *r, uint32_t array)
{
	const struct json_doc *d = r->d;

	if (!is_array(d, array))
		return;
	for (uint32_t i = array + 1; i < d->nodes[array].next; i = d->nodes[i].next) {
		uint32_t custom = member(d, i, "custom");

		if (custom)
			add_call(r, member(d, custom, "name"), member(d, custom, "input"));
		else
			add_call(r, below(d, i, "function", "name"), below(d, i, "function", "arguments"));
	}
}

/** read_choice() - of OpenAI's chat and completions, whole or joined */
static void read_choice(struct reply *r, uint32_t choice)
{
	const struct json_doc *d = r->d;
	bool streamed = !member(d, choice, "message") && member(d, choice, "delta");
	uint32_t message = member(d, choice, streamed ? "delta" : "message"), call;

	r->finish = member(d, choice, "finish_reason");
	r->calls_at = streamed ? "/choices/*/delta/tool_calls" : "/choices/*/message/tool_calls";
	r->text_at = !message ? "/choices/*/text" : streamed ? "/choices/*/delta/content" : "/choices/*/message/content";
	r->finish_at = "/choices/*/finish_reason";
	hear(r, member(d, choice, "text"));
	if (!message)
		return;
	call = member(d, message, "function_call");
	read_tool_calls(r, member(d, message, "tool_calls"));
	if (call && d->nodes[call].type == JSON_OBJECT)
		add_call(r, member(d, call, "name"), member(d, call, "arguments"));
	hear(r, member(d, message, "content"));
	read_blocks(r, member(d, message, "content"), true);
	r->refuses |= has_text(d, member(d, message, "refusal"));
}

/** read_responses() - OpenAI's responses, whose object is @node: the document, or what the last event has */
static void read_responses(struct reply *r, uint32_t node, bool streamed)
{
	r->finish = member(r->d, node, "status");
	r->finish_detail = below(r->d, node, "incomplete_details", "reason");
	r->calls_at = streamed ? "/response/output" : "/output";
	r->text_at = r->calls_at;
	r->finish_at = streamed ? "/response/status" : "/status";
	read_blocks(r, member(r->d, node, "output"), false);
}

/** read_messages() - Anthropic's, whole or joined */
static void read_messages(struct reply *r, uint32_t blocks, bool streamed)
{
	const struct json_doc *d = r->d;

	r->finish = streamed ? below(d, 0, "delta", "stop_reason") : member(d, 0, "stop_reason");
	r->calls_at = streamed ? "/content_block" : "/content";
	r->text_at = streamed ? "/delta/text" : "/content";
	r->finish_at = streamed ? "/delta/stop_reason" : "/stop_reason";
	read_blocks(r, blocks, false);
	hear(r, below(d, 0, "delta", "text"));
	r->refuses |= is(d, r->finish, "refusal");
}

/** read_generated() - of Triton, KServe and TGI; @node: the document, or an element of it */
static void read_generated(struct reply *r, uint32_t node)
{
	static const char *const texts[] = { "text_output", "generated_text" };
	const struct json_doc *d = r->d;
	uint32_t text = first_of(d, node, texts, 2);

	r->finish = below(d, node, "details", "finish_reason");
	r->calls_at = "";
	r->text_at = member(d, node, "text_output") ? "/text_output" : node ? "/*/generated_text" : "/generated_text";
	r->finish_at = node ? "/*/details/finish_reason" : "/details/finish_reason";
	hear(r, text ? text : below(d, node, "token", "text"));
}

/** read_events() - the rest of a stream of OpenAI's responses that never came to its end */
static void read_events(struct reply *r)
{
	r->calls_at = "/item";
	r->text_at = "/delta";
	r->finish_at = "/type";
	r->finish = member(r->d, 0, "type");
	read_blocks(r, member(r->d, 0, "item"), false);
	hear(r, member(r->d, 0, "delta"));
}

/** list_of() - the array whose elements are replies; 0: the document is one */
static uint32_t list_of(const struct json_doc *d)
{
	uint32_t choices = member(d, 0, "choices");

	return is_array(d, choices) ? choices : 0;
}

static bool is_list(const struct json_doc *d)
{
	return list_of(d) || d->nodes[0].type == JSON_ARRAY;
}

/** read_reply() - @node: an element of the list, or the document */
static void read_reply(struct reply *r, const struct json_doc *d, uint32_t node)
{
	uint32_t blocks = member(d, 0, "content_block"), content = member(d, 0, "content"), whole = member(d, 0, "response");

	*r = (struct reply){ .d = d };
	if (list_of(d))
		read_choice(r, node);
	else if (node)
		read_generated(r, node);
	else if (is_array(d, blocks))
		read_messages(r, blocks, true);
	else if (is_array(d, content))
		read_messages(r, content, false);
	else if (is_array(d, member(d, 0, "output")))
		read_responses(r, 0, false);
	else if (whole && is_array(d, member(d, whole, "output")))
		read_responses(r, whole, true);
	else if (is_array(d, member(d, 0, "item")))
		read_events(r);
	else if (below(d, 0, "delta", "stop_reason") || below(d, 0, "delta", "text"))
		read_messages(r, 0, true);
	else
		read_generated(r, 0);
}

bool reply_has_calls(const struct json_doc *d)
{
	struct reply r;

	if (d->count == 0 || d->nodes[0].type != JSON_OBJECT || is_list(d))
		return false;
	read_reply(&r, d, 0);
	return r.call_count > 0;
}

/* ---- two replies ---- */

static bool same_word(const struct json_doc *p, uint32_t a, const struct json_doc *s, uint32_t b)
{
	bool none_a = !a || p->nodes[a].type == JSON_NULL, none_b = !b || s->nodes[b].type == JSON_NULL;

	if (none_a || none_b)
		return none_a == none_b;
	return p->nodes[a].type == s->nodes[b].type && span_equal(json_doc_text(p, a), json_doc_text(s, b));
}

/** differing_call() - the number of the first call that differs; CALLS_MAX if none does */
static size_t differing_call(struct json_comparer *jc, const struct reply *p, const struct reply *s)
{
	size_t both = p->call_count < s->call_count ? p->call_count : s->call_count;

	for (size_t i = 0; i < both && i < CALLS_MAX; i++) {
		const struct call *a = &p->calls[i], *b = &s->calls[i];

		if (!same_word(p->d, a->name, s->d, b->name) ||
		    !json_same_arguments(jc, p->d, a->arguments, s->d, b->arguments))
			return i;
	}
	if (p->call_count != s->call_count)
		return both < CALLS_MAX ? both : CALLS_MAX - 1;
	return CALLS_MAX;
}

/** calls_allowed() - by the request; those that are only counted are not asked for */
static bool calls_allowed(struct asked *asked, const struct reply *r)
{
	for (size_t i = 0; i < r->call_count && i < CALLS_MAX; i++)
		if (!asked_allows_call(asked, r->d, r->calls[i].name, r->calls[i].arguments))
			return false;
	return true;
}

/** is_json_alike() - where JSON was asked for: are both texts what was asked for, or neither? */
static bool is_json_alike(struct asked *asked, const struct reply *p, const struct reply *s)
{
	return !p->said || !s->said || span_equal(json_doc_text(p->d, p->said), json_doc_text(s->d, s->said)) ||
	       !asked_for_json(asked) ||
	       asked_allows_text(asked, p->d, p->said) == asked_allows_text(asked, s->d, s->said);
}

static enum reply_difference difference_of(struct json_comparer *jc, struct asked *asked, const struct reply *p,
					   const struct reply *s)
{
	if (differing_call(jc, p, s) < CALLS_MAX)
		return calls_allowed(asked, p) == calls_allowed(asked, s) ? REPLY_TOOL_CALL : REPLY_TOOL_SCHEMA;
	if (p->refuses != s->refuses)
		return REPLY_REFUSAL;
	if (p->call_count == 0 && p->speaks != s->speaks)
		return REPLY_EMPTY;
	if (!is_json_alike(asked, p, s))
		return REPLY_NO_JSON;
	if (!same_word(p->d, p->finish, s->d, s->finish) ||
	    !same_word(p->d, p->finish_detail, s->d, s->finish_detail))
		return REPLY_FINISH_REASON;
	return REPLY_ALIKE;
}

/** found_below() - was anything found at this pattern or below it that no rule leaves out and no tolerance covers? */
static bool found_below(const struct findings *f, const char *pattern)
{
	size_t len = strlen(pattern);

	for (size_t i = 0; i < f->count; i++)
		if (f->at[i].kind < DIFFERENCE_CLOSE && strncmp(f->at[i].pattern, pattern, len) == 0)
			return true;
	return f->overflow > 0; /* it is not known where */
}

/** is_found() - does the comparison say so, too? */
static bool is_found(const struct findings *f, enum reply_difference difference, const struct reply *p, const struct reply *s)
{
	switch (difference) {
	case REPLY_TOOL_SCHEMA:
	case REPLY_TOOL_CALL:
		return found_below(f, p->calls_at) || found_below(f, s->calls_at) ||
		       found_below(f, "/choices/*/message/function_call") || found_below(f, "/choices/*/delta/function_call");
	case REPLY_REFUSAL:
	case REPLY_EMPTY:
	case REPLY_NO_JSON:
		return f->count + f->overflow > f->ignored;
	case REPLY_FINISH_REASON:
		return found_below(f, p->finish_at) || found_below(f, s->finish_at) || found_below(f, "/incomplete_details") ||
		       found_below(f, "/response/incomplete_details");
	case REPLY_ALIKE:
	case REPLY_DIFFERENCE_COUNT:
		break;
	}
	return false;
}

/** name_text() - of a call, for the record */
static void name_text(const struct reply *r, size_t call, char out[FINDING_TEXT])
{
	if (call < r->call_count && r->calls[call].name)
		finding_text(out, json_doc_text(r->d, r->calls[call].name));
}

static void add(struct json_comparer *jc, struct collector *out, enum reply_difference difference, uint32_t index,
		const struct reply *p, const struct reply *s)
{
	const char *calls = p->call_count ? p->calls_at : s->calls_at;
	bool is_call = difference == REPLY_TOOL_CALL || difference == REPLY_TOOL_SCHEMA;
	const char *where = is_call                             ? calls
			    : difference == REPLY_FINISH_REASON ? p->finish_at
								: p->text_at;
	struct finding *f = collector_add_at(out, DIFFERENCE_DECISION, where, index);
	size_t call = differing_call(jc, p, s);

	if (!f)
		return;
	if (is_call) {
		name_text(p, call, f->production);
		name_text(s, call, f->shadow);
	} else if (difference == REPLY_FINISH_REASON) {
		if (p->finish)
			finding_text(f->production, json_doc_text(p->d, p->finish));
		if (s->finish)
			finding_text(f->shadow, json_doc_text(s->d, s->finish));
	}
}

enum reply_difference reply_compare(struct json_comparer *jc, struct asked *asked, const struct json_doc *production,
				    const struct json_doc *shadow, struct collector *out)
{
	struct findings found = collector_findings(out);
	uint32_t a = list_of(production), b = list_of(shadow), index = 0;
	enum reply_difference first = REPLY_ALIKE, difference;
	struct reply p, s;

	if (production == shadow || found.count + found.overflow == 0)
		return REPLY_ALIKE;
	if (!is_list(production) || !is_list(shadow)) {
		read_reply(&p, production, 0);
		read_reply(&s, shadow, 0);
		difference = difference_of(jc, asked, &p, &s);
		if (!is_found(&found, difference, &p, &s))
			return REPLY_ALIKE;
		add(jc, out, difference, 0, &p, &s);
		return difference;
	}
	for (uint32_t i = a + 1, k = b + 1; i < production->nodes[a].next && k < shadow->nodes[b].next;
	     i = production->nodes[i].next, k = shadow->nodes[k].next, index++) {
		read_reply(&p, production, i);
		read_reply(&s, shadow, k);
		difference = difference_of(jc, asked, &p, &s);
		if (!is_found(&found, difference, &p, &s))
			continue;
		add(jc, out, difference, index, &p, &s);
		found = collector_findings(out); /* what was borrowed of them may be gone */
		if (first == REPLY_ALIKE || difference < first)
			first = difference;
	}
	return first;
}
