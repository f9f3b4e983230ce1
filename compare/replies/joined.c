/*
 * joined.c - see joined.h
 *
 * Theory of operation. Events are merged into a tree of joints, one for each
 * path that the table below says how to merge: texts are joined, choices and
 * tool calls found again by their "index", lists appended, and of everything
 * else the last value that is not null counts. Values are kept as the text they
 * were written in, so nothing is rounded or spelled anew; pieces of a string
 * can be put together as they are, since an escape is never cut by a server (a
 * surrogate pair may be, and is whole again afterwards).
 *
 * The table knows the streams of OpenAI (chat, completions, responses), of
 * Triton's and KServe's generate_stream, of TGI and of Anthropic. An event that
 * is none of these, a value of another type at a path, or more joints than
 * JOINTS_MAX: then the events are not joined but listed, each with its type and
 * data, and are compared one to one.
 *
 * Anthropic's blocks of content and the items of OpenAI's responses come each in several events that name their
 * number: they become lists, /content_block and /item, and what an event brings of the arguments of a call is
 * joined in its own element, so that two calls side by side stay two.
 *
 * "[DONE]" becomes a member of that name, and a last event without its blank
 * line the member "(unfinished)": a stream that broke off never looks whole.
 *
 * Left out: which delta carried which piece, repeated values that differ from
 * event to event (the last is kept), and what comes in "id:" lines.
 */
#include "compare/replies/joined.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare/arrivals.h"

#define JOINTS_MAX 256
#define DEPTH_MAX 8 /* of the table below, with room */

enum how {
	HOW_LAST,   /* the last that is not null */
	HOW_TEXT,   /* strings: joined; other values: the last */
	HOW_LIST,   /* arrays: appended; other values: the last */
	HOW_OBJECT, /* objects: by member; other values: the last */
	HOW_INDEX,  /* arrays of objects: by their member "index" */
};

enum form { FORM_NONE, FORM_VALUE, FORM_TEXT, FORM_LIST, FORM_OBJECT, FORM_INDEX };

struct rule {
	const char *pattern;
	enum how how;
};

/* The first that matches counts. A * is one name, or one index. */
static const struct rule rules[] = {
	{ "/choices", HOW_INDEX },
	{ "/choices/*", HOW_OBJECT },
	{ "/choices/*/text", HOW_TEXT },
	{ "/choices/*/token_ids", HOW_LIST },
	{ "/choices/*/logprobs", HOW_OBJECT },
	{ "/choices/*/logprobs/*", HOW_LIST },
	{ "/choices/*/delta", HOW_OBJECT },
	{ "/choices/*/delta/role", HOW_LAST },
	{ "/choices/*/delta/tool_calls", HOW_INDEX },
	{ "/choices/*/delta/tool_calls/*", HOW_OBJECT },
	{ "/choices/*/delta/tool_calls/*/function", HOW_OBJECT },
	{ "/choices/*/delta/tool_calls/*/function/arguments", HOW_TEXT },
	{ "/choices/*/delta/function_call", HOW_OBJECT },
	{ "/choices/*/delta/function_call/arguments", HOW_TEXT },
	{ "/choices/*/delta/*", HOW_TEXT }, /* content, reasoning_content, refusal */
	{ "/text_output", HOW_TEXT },
	{ "/token", HOW_OBJECT },
	{ "/token/text", HOW_TEXT },
	{ "/delta", HOW_OBJECT },
	{ "/delta/text", HOW_TEXT },
	{ "/delta/thinking", HOW_TEXT },
	{ "/delta/partial_json", HOW_TEXT },
	{ "/content_block", HOW_INDEX },
	{ "/content_block/*", HOW_OBJECT },
	{ "/content_block/*/partial_json", HOW_TEXT },
	{ "/item", HOW_INDEX },
	{ "/item/*", HOW_OBJECT },
	{ "/item/*/arguments_delta", HOW_TEXT },
};

/** struct joint - what is known of one path so far; the first one is the document */
struct joint {
	uint32_t first, next; /* child; sibling; 0: none */
	uint32_t last_found;  /* child that was asked for last: events have their members in the same order */
	uint32_t index;       /* of an element */
	enum how how;
	enum form form;
	struct buffer name, text;
};

/** struct merge - one document of joints under way */
struct merge {
	struct joined *j;
	bool fits;                   /* false: list the events instead */
	bool failed;                 /* no memory */
	bool text;                   /* the event at hand brought text */
	const char *path[DEPTH_MAX]; /* of the joint at hand, borrowed from names */
	size_t path_lens[DEPTH_MAX];
};

static bool rule_matches(const struct merge *m, const char *pattern, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		size_t len = strcspn(++pattern, "/");

		if (!(len == 1 && *pattern == '*') &&
		    !span_equal(span_of(pattern, len), span_of(m->path[i], m->path_lens[i])))
			return false;
		pattern += len;
		if (*pattern == '\0' && i + 1 < depth)
			return false;
	}
	return *pattern == '\0';
}

/** rule_for() - how to merge what is at the first @depth names of the path */
static enum how rule_for(const struct merge *m, size_t depth)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rule_matches(m, rules[i].pattern, depth))
			return rules[i].how;
	return HOW_LAST;
}

static bool joint_is(const struct joint *c, struct span name, uint32_t index)
{
	return c->index == index && span_equal(buffer_span(&c->name), name);
}

/** child_new() - behind @after, or first if that is 0 */
static uint32_t child_new(struct merge *m, uint32_t parent, uint32_t after, struct span name, uint32_t index,
			  size_t depth)
{
	struct joint *all = m->j->joints, *c;
	uint32_t made = m->j->joint_count;

	if (made == JOINTS_MAX) {
		m->fits = false;
		return 0;
	}
	m->j->joint_count++;
	c = &all[made];
	c->first = c->last_found = 0;
	c->form = FORM_NONE;
	c->index = index;
	buffer_clear(&c->name);
	buffer_clear(&c->text);
	buffer_add_span(&c->name, name);
	c->how = rule_for(m, depth);
	c->next = after ? all[after].next : all[parent].first;
	*(after ? &all[after].next : &all[parent].first) = made;
	return made;
}

/** child_of() - the child called @name (an element: "" and @index), made if it is new; 0: it does not fit */
static uint32_t child_of(struct merge *m, uint32_t parent, struct span name, uint32_t index, size_t depth)
{
	struct joint *all = m->j->joints, *p = &all[parent];
	uint32_t hint = p->last_found ? all[p->last_found].next : p->first, after = 0, at;

	if (depth >= DEPTH_MAX) {
		m->fits = false;
		return 0;
	}
	m->path[depth] = name.len > 0 ? (const char *)name.at : "";
	m->path_lens[depth] = name.len;
	if (hint && joint_is(&all[hint], name, index))
		return p->last_found = hint;
	for (at = p->first; at && !joint_is(&all[at], name, index); at = all[at].next)
		if (name.len > 0 ||
		    all[at].index < index) /* elements are kept by index, members as they came */
			after = at;
	if (!at)
		at = child_new(m, parent, after, name, index, depth + 1);
	return p->last_found = at;
}

/** set_form() - what a joint holds is decided once; false: this value does not fit */
static bool set_form(struct merge *m, struct joint *c, enum form form)
{
	if (c->form == FORM_NONE)
		c->form = form;
	if (c->form != form)
		m->fits = false;
	return c->form == form;
}

/** add_value() - append a value as it was written */
static void add_value(struct buffer *out, const struct json_doc *d, uint32_t node)
{
	bool quoted = d->nodes[node].type == JSON_STRING;

	buffer_add(out, "\"", quoted);
	buffer_add_span(out, json_doc_text(d, node));
	buffer_add(out, "\"", quoted);
}

static void merge_text(struct merge *m, struct joint *c, struct span text)
{
	if (!set_form(m, c, FORM_TEXT))
		return;
	buffer_add_span(&c->text, text);
	m->text |= text.len > 0;
}

static void merge_list(struct merge *m, struct joint *c, uint32_t node)
{
	const struct json_doc *d = &m->j->doc;
	uint32_t child = node + 1;

	if (!set_form(m, c, FORM_LIST))
		return;
	for (uint32_t i = 0; i < d->nodes[node].count; i++) {
		buffer_add(&c->text, ",", c->text.len > 0);
		add_value(&c->text, d, child);
		child = d->nodes[child].next;
	}
}

static void merge_last(struct merge *m, struct joint *c, uint32_t node)
{
	if (!set_form(m, c, FORM_VALUE))
		return;
	buffer_clear(&c->text);
	add_value(&c->text, &m->j->doc, node);
}

static void merge_value(struct merge *m, uint32_t joint, uint32_t node, size_t depth);

/** element_of() - the element of the root's list @list that the event at hand names by its member @number; 0: none */
static uint32_t element_of(struct merge *m, const char *list, const char *number)
{
	const struct json_doc *d = &m->j->doc;
	uint32_t member = json_doc_member(d, 0, span_str(number)), at;
	uint64_t index;

	if (!member || !json_doc_uint(d, member, &index) || index >= UINT32_MAX)
		return 0;
	at = child_of(m, 0, span_str(list), UINT32_MAX, 0);
	if (!at || !set_form(m, &m->j->joints[at], FORM_INDEX))
		return 0;
	at = child_of(m, at, span_of(NULL, 0), (uint32_t)index, 1);
	return at && set_form(m, &m->j->joints[at], FORM_OBJECT) ? at : 0;
}

/** is_of_call() - is this event a piece of what a tool is called with, in OpenAI's responses? */
static bool is_of_call(const struct json_doc *d)
{
	uint32_t type = json_doc_member(d, 0, SPAN_LITERAL("type"));
	struct span text = type && d->nodes[type].type == JSON_STRING ? json_doc_text(d, type) : SPAN_LITERAL("");

	return span_equal(text, SPAN_LITERAL("response.function_call_arguments.delta")) ||
	       span_equal(text, SPAN_LITERAL("response.mcp_call_arguments.delta")) ||
	       span_equal(text, SPAN_LITERAL("response.custom_tool_call_input.delta"));
}

/** merge_piece() - @node into member @name of an element of a list of the root; false: the event names none */
static bool merge_piece(struct merge *m, const char *list, const char *number, const char *name, uint32_t node)
{
	const char *path[DEPTH_MAX];
	size_t lens[DEPTH_MAX];
	uint32_t at;

	memcpy(path, m->path, sizeof(path)); /* of where we were */
	memcpy(lens, m->path_lens, sizeof(lens));
	at = element_of(m, list, number);
	if (at && name)
		at = child_of(m, at, span_str(name), UINT32_MAX, 2);
	if (at)
		merge_value(m, at, node, name ? 3 : 2);
	memcpy(m->path, path, sizeof(path));
	memcpy(m->path_lens, lens, sizeof(lens));
	return at != 0;
}

/**
 * merge_elsewhere() - the members that belong into an element of a list; false: it is none of these
 * @name: of a member of the root (@depth 0), or of "delta"
 */
static bool merge_elsewhere(struct merge *m, struct span name, uint32_t node, size_t depth)
{
	const struct json_doc *d = &m->j->doc;

	if (depth == 1)
		return span_equal(span_of(m->path[0], m->path_lens[0]), SPAN_LITERAL("delta")) &&
		       span_equal(name, SPAN_LITERAL("partial_json")) &&
		       merge_piece(m, "content_block", "index", "partial_json", node);
	if (depth != 0 || !json_doc_member(d, 0, SPAN_LITERAL("type")))
		return false;
	if (span_equal(name, SPAN_LITERAL("content_block")) && d->nodes[node].type == JSON_OBJECT)
		return merge_piece(m, "content_block", "index", NULL, node);
	if (span_equal(name, SPAN_LITERAL("item")) && d->nodes[node].type == JSON_OBJECT)
		return merge_piece(m, "item", "output_index", NULL, node);
	if (span_equal(name, SPAN_LITERAL("delta")) && is_of_call(d))
		return merge_piece(m, "item", "output_index", "arguments_delta", node);
	/* once more as a whole, where it is done; the item has it, too */
	return span_equal(name, SPAN_LITERAL("arguments")) && json_doc_member(d, 0, SPAN_LITERAL("output_index"));
}

static void merge_members(struct merge *m, uint32_t joint, uint32_t node, size_t depth)
{
	const struct json_doc *d = &m->j->doc;
	uint32_t name = node + 1;

	for (uint32_t i = 0; i < d->nodes[node].count && m->fits; i++) {
		struct span key = json_doc_text(d, name);
		uint32_t child = 0;

		if (depth > 1 || !merge_elsewhere(m, key, name + 1, depth))
			child = child_of(m, joint, key, UINT32_MAX, depth);
		if (child)
			merge_value(m, child, name + 1, depth + 1);
		name = d->nodes[name + 1].next;
	}
}

static void merge_elements(struct merge *m, uint32_t joint, uint32_t node, size_t depth)
{
	const struct json_doc *d = &m->j->doc;
	uint32_t element = node + 1;

	for (uint32_t i = 0; i < d->nodes[node].count && m->fits; i++) {
		uint32_t member = json_doc_member(d, element, SPAN_LITERAL("index")), child;
		uint64_t index = i;

		if (member && (!json_doc_uint(d, member, &index) || index >= UINT32_MAX)) {
			m->fits = false;
			return;
		}
		child = child_of(m, joint, span_of(NULL, 0), (uint32_t)index, depth);
		if (child)
			merge_value(m, child, element, depth + 1);
		element = d->nodes[element].next;
	}
}

/** merge_value() - one value of an event into its joint; as deep as the table of rules, not as the input */
static void merge_value(struct merge *m, uint32_t joint, uint32_t node, size_t depth)
{
	struct joint *c = &m->j->joints[joint];
	const struct json_doc *d = &m->j->doc;
	enum json_type type = d->nodes[node].type;

	if (type == JSON_NULL && c->how != HOW_LAST)
		return;
	if (type == JSON_NULL && c->form != FORM_NONE)
		return; /* nothing takes the place of something */
	if (c->how == HOW_TEXT && type == JSON_STRING) {
		merge_text(m, c, json_doc_text(d, node));
	} else if (c->how == HOW_LIST && type == JSON_ARRAY) {
		merge_list(m, c, node);
	} else if (c->how == HOW_OBJECT && type == JSON_OBJECT) {
		if (set_form(m, c, FORM_OBJECT))
			merge_members(m, joint, node, depth);
	} else if (c->how == HOW_INDEX && type == JSON_ARRAY) {
		if (set_form(m, c, FORM_INDEX))
			merge_elements(m, joint, node, depth);
	} else if (type == JSON_STRING && depth == 1 &&
		   span_equal(buffer_span(&c->name), SPAN_LITERAL("delta"))) {
		merge_text(m, c, json_doc_text(d, node)); /* of OpenAI's responses */
	} else {
		merge_last(m, c, node);
	}
}

static void write_joint(const struct joint *all, uint32_t at, bool element, struct buffer *out);

static void write_children(const struct joint *all, const struct joint *c, struct buffer *out)
{
	for (uint32_t at = c->first; at; at = all[at].next) {
		buffer_add(out, ",", at != c->first);
		write_joint(all, at, c->form == FORM_INDEX, out);
	}
}

/** write_joint() - a member or element, and what is in it */
static void write_joint(const struct joint *all, uint32_t at, bool element, struct buffer *out)
{
	static const char *const brackets[] = { [FORM_NONE] = "",   [FORM_VALUE] = "",    [FORM_TEXT] = "\"\"",
						[FORM_LIST] = "[]", [FORM_OBJECT] = "{}", [FORM_INDEX] = "[]" };
	const struct joint *c = &all[at];
	const char *bracket = brackets[c->form];

	if (!element) {
		buffer_add(out, "\"", 1);
		buffer_add_span(out, buffer_span(&c->name));
		buffer_add(out, "\":", 2);
	}
	buffer_add(out, bracket, *bracket != '\0');
	if (c->form == FORM_NONE)
		buffer_add_str(out, "null");
	else
		buffer_add_span(out, buffer_span(&c->text));
	write_children(all, c, out);
	if (*bracket)
		buffer_add(out, bracket + 1, 1);
}

/** is_known() - an event of a kind that the table was made for? */
static bool is_known(const struct json_doc *d)
{
	static const char *const members[] = { "choices", "text_output", "token", "error" }, *const types[] = {
		"response.", "message_", "content_block_", "ping", "error"
	};
	uint32_t type;

	if (d->nodes[0].type != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
		if (json_doc_member(d, 0, span_str(members[i])))
			return true;
	type = json_doc_member(d, 0, SPAN_LITERAL("type"));
	for (size_t i = 0; type && d->nodes[type].type == JSON_STRING && i < sizeof(types) / sizeof(*types);
	     i++)
		if (span_starts(json_doc_text(d, type), span_str(types[i])))
			return true;
	return false;
}

static bool is_error(const struct json_doc *d, const struct event *e)
{
	uint32_t error = d->count > 0 ? json_doc_member(d, 0, SPAN_LITERAL("error")) : 0;

	return (error && d->nodes[error].type != JSON_NULL) || span_equal(e->type, SPAN_LITERAL("error"));
}

/** struct timing - of the deltas with text */
struct timing {
	const struct response *from; /* NULL: no times are known */
	size_t hint;
	int64_t last_us; /* -1: none yet, or not known */
};

static void note_token(struct joined *j, struct timing *t, uint64_t end)
{
	int64_t us = t->from ? arrival_us(t->from, end, &t->hint) : -1;

	if (j->facts.tokens++ == 0)
		j->facts.first_token_us = us;
	else if (us >= 0 && t->last_us >= 0) {
		int64_t gap = us > t->last_us ? us - t->last_us : 0;

		buffer_add(&j->gaps, &gap, sizeof(gap));
	}
	t->last_us = us;
}

static bool is_done(struct span data)
{
	return span_equal(data, SPAN_LITERAL("[DONE]"));
}

/** begin_joints() - an empty tree, with memory of the last one where there is some */
static bool begin_joints(struct joined *j)
{
	if (!j->joints)
		j->joints = calloc(JOINTS_MAX, sizeof(*j->joints));
	if (!j->joints)
		return false;
	j->joint_count = 1;
	j->joints[0].first = j->joints[0].last_found = 0;
	j->joints[0].form = FORM_OBJECT;
	return true;
}

/** merge_event() - 0, -ENOMEM or -EFBIG */
static int merge_event(struct merge *m, const struct event *e)
{
	struct joined *j = m->j;
	int err = json_doc_parse(&j->doc, e->data);

	if (err == -ENOMEM || err == -EFBIG)
		return err;
	m->text = false;
	if (is_error(&j->doc, e))
		j->error = true;
	if (err || !is_known(&j->doc))
		m->fits = false;
	if (!m->fits)
		return 0;
	j->joints[0].last_found = 0;
	merge_members(m, 0, 0, 0);
	return 0;
}

/** write_ends() - the members about how the stream ended, and the bracket; @first: none was written before */
static void write_ends(struct buffer *out, bool first, bool done, bool unfinished)
{
	static const char done_text[] = ",\"[DONE]\":true", unfinished_text[] = ",\"(unfinished)\":true";

	if (done)
		buffer_add_str(out, done_text + first);
	if (unfinished)
		buffer_add_str(out, unfinished_text + (first && !done));
	buffer_add(out, "}", 1);
}

/** add_quoted() - bytes as a string that says just these bytes */
static void add_quoted(struct buffer *out, struct span s)
{
	static const char hex[] = "0123456789abcdef";

	buffer_add(out, "\"", 1);
	while (s.len > 0) {
		size_t plain = 0;
		uint8_t c;

		while (plain < s.len && s.at[plain] >= ' ' && s.at[plain] != '"' && s.at[plain] != '\\')
			plain++;
		buffer_add(out, s.at, plain);
		span_skip(&s, plain);
		if (span_u8(&s, &c)) {
			char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

			buffer_add(out, escape, sizeof(escape));
		}
	}
	buffer_add(out, "\"", 1);
}

/** charge_text() - a list may be longer than the stream: each event has a frame, and a byte may take six */
static int charge_text(struct joined *j, size_t body_len)
{
	size_t more = j->text.cap > body_len + j->charged ? j->text.cap - body_len - j->charged : 0;

	if (!budget_grow(j->memory, 0, more))
		return -EFBIG;
	j->charged += more;
	return 0;
}

/** list_events() - the other way: {"events": [{"event": type, "data": ...}]} */
static int list_events(struct joined *j, struct span body)
{
	struct event e;
	bool first = true;
	int more;

	buffer_add_str(&j->text, "{\"events\":[");
	sse_reader_begin(&j->reader, body);
	while ((more = sse_next(&j->reader, &e)) > 0) {
		int err = json_doc_parse(&j->doc, e.data);

		if (err == -ENOMEM || err == -EFBIG)
			return err;
		buffer_add_str(&j->text, first ? "{" : ",{");
		first = false;
		if (e.type.len > 0) {
			buffer_add_str(&j->text, "\"event\":");
			add_quoted(&j->text, e.type);
			buffer_add(&j->text, ",", 1);
		}
		buffer_add_str(&j->text, "\"data\":");
		if (err)
			add_quoted(&j->text, e.data);
		else
			add_value(&j->text, &j->doc, 0);
		buffer_add(&j->text, "}", 1);
		if (charge_text(j, body.len) < 0)
			return -EFBIG;
	}
	buffer_add(&j->text, "]", 1);
	write_ends(&j->text, false, false, j->reader.unfinished);
	return more;
}

/** read_events() - all of them into the tree, and their times; 0 or -ENOMEM */
static int read_events(struct merge *m, struct span body, struct timing *t, bool *done)
{
	struct joined *j = m->j;
	struct event e;
	int more, err;

	sse_reader_begin(&j->reader, body);
	while ((more = sse_next(&j->reader, &e)) > 0) {
		j->facts.events++;
		if (is_done(e.data)) {
			*done = true;
			continue;
		}
		err = merge_event(m, &e);
		if (err)
			return err;
		if (m->text)
			note_token(j, t, e.end);
	}
	return more;
}

int joined_read(struct joined *j, struct span body, const struct response *from)
{
	struct merge m = { .j = j, .fits = true };
	struct timing t = { .from = body.at == from->body ? from : NULL, .last_us = -1 };
	bool done = false;
	int err;

	j->facts = (struct stream_facts){ .first_token_us = -1 };
	j->error = false;
	buffer_clear(&j->text);
	buffer_clear(&j->gaps);
	j->doc.memory = j->memory;
	if (!begin_joints(j))
		return -ENOMEM;
	err = read_events(&m, body, &t, &done);
	if (err)
		return err;
	if (m.fits) {
		buffer_add(&j->text, "{", 1);
		write_children(j->joints, &j->joints[0], &j->text);
		write_ends(&j->text, j->joints[0].first == 0, done, j->reader.unfinished);
	} else {
		err = list_events(j, body);
		j->facts.tokens = 0; /* it is not known which event has text */
		j->facts.first_token_us = -1;
		buffer_clear(&j->gaps);
	}
	for (uint32_t i = 1; i < j->joint_count; i++)
		if (!buffer_ok(&j->joints[i].name) || !buffer_ok(&j->joints[i].text))
			err = -ENOMEM;
	j->facts.gaps_us = (const int64_t *)(const void *)j->gaps.bytes;
	j->facts.gap_count = j->gaps.len / sizeof(int64_t);
	return buffer_ok(&j->text) && buffer_ok(&j->gaps) ? err : -ENOMEM;
}

void joined_deinit(struct joined *j)
{
	if (j->memory)
		budget_release(j->memory, j->charged);
	for (size_t i = 0; j->joints && i < JOINTS_MAX; i++) {
		buffer_deinit(&j->joints[i].name);
		buffer_deinit(&j->joints[i].text);
	}
	free(j->joints);
	buffer_deinit(&j->text);
	buffer_deinit(&j->gaps);
	json_doc_deinit(&j->doc);
	sse_reader_deinit(&j->reader);
	*j = (struct joined){ .memory = j->memory };
}
