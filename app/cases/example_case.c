/* example_case.c - see example_case.h */
#include "app/cases/example_case.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/cases/told_response.h"
#include "compare/tally/examples.h"

enum { REQUEST, PRODUCTION_BODY, SHADOW_BODY, BODIES };

static const char *const body_names[BODIES] = { "request_body", "production_body", "shadow_body" };

#define REPLACEMENT "\xef\xbf\xbd" /* for bytes that are no text */
#define CUT_SLACK   3              /* bytes of a letter that may be lost where a text was cut */

static bool may_be_cut(const struct buffer *text, size_t most)
{
	return text->len + CUT_SLACK >= most ||
	       (text->len > 0 && memmem(text->bytes, text->len, REPLACEMENT, strlen(REPLACEMENT)));
}

static int refuse(struct buffer *error, const char *format, const char *what)
{
	buffer_printf(error, format, what);
	buffer_add_str(error, "; repeat the run with --repro DIR, which writes whole cases");
	return -ENODATA;
}

static int read_bodies(struct example_case *x, struct view example, struct buffer *error)
{
	for (int b = REQUEST; b < BODIES; b++) {
		struct view body = view_get(example, body_names[b]);

		if (!view_is(body, JSON_STRING) && b == REQUEST)
			return refuse(error, "the report has no %s of this example: it was made without --show-bodies", body_names[b]);
		view_text(body, &x->body[b]);
		if (may_be_cut(&x->body[b], EXAMPLE_BODY_MAX))
			return refuse(error, "the report has a part of the %s only, or it is no text", body_names[b]);
		x->type[b] = (struct header){ SPAN_LITERAL("Content-Type"), told_response_guess(buffer_span(&x->body[b])) };
	}
	x->has_shadow = view_is(view_get(example, body_names[SHADOW_BODY]), JSON_STRING);
	return 0;
}

static void read_status(struct example_case *x, struct view status)
{
	size_t i = 0;

	for (struct view_walk w = view_walk(status); view_next(&w) && i < 2;)
		x->status[i++] = (int)view_count(w.value);
}

int example_case_read(struct example_case *x, struct view name, struct view example, struct buffer *error)
{
	int err;

	view_text(view_get(example, "id"), &x->id);
	view_text(name, &x->target_name);
	view_text(view_get(example, "verdict"), &x->verdict);
	view_text(view_get(example, "request_path"), &x->path);
	read_status(x, view_get(example, "status"));
	err = read_bodies(x, example, error);
	if (err < 0)
		return err;
	if (may_be_cut(&x->path, EXAMPLE_TEXT_MAX) || x->path.len == 0 || x->path.bytes[0] != '/')
		return refuse(error, "the report has a part of the %s only", "request_path");
	if (x->status[0] == 0)
		return refuse(error, "the report does not know the %s of production", "status");
	/* texts are asked for as such below, and may not want memory then */
	return *buffer_text(&x->id) && *buffer_text(&x->target_name) && *buffer_text(&x->verdict) ? 0 : -ENOMEM;
}

struct case_facts example_case_facts(const struct example_case *x, const struct case_rules *rules, struct span differences)
{
	return (struct case_facts){
		.id = (const char *)x->id.bytes,
		.target_name = (const char *)x->target_name.bytes,
		.verdict = (const char *)x->verdict.bytes,
		.method = SPAN_LITERAL("POST"),
		.target = buffer_span(&x->path),
		.headers = &x->type[REQUEST],
		.header_count = 1,
		.body = buffer_span(&x->body[REQUEST]),
		.production = { x->status[0], &x->type[PRODUCTION_BODY], 1, buffer_span(&x->body[PRODUCTION_BODY]) },
		.shadow = { x->has_shadow ? x->status[1] : 0, &x->type[SHADOW_BODY], 1, buffer_span(&x->body[SHADOW_BODY]) },
		.rules = rules,
		.differences = differences,
	};
}

void example_case_deinit(struct example_case *x)
{
	buffer_deinit(&x->id);
	buffer_deinit(&x->target_name);
	buffer_deinit(&x->verdict);
	buffer_deinit(&x->path);
	for (int b = REQUEST; b < BODIES; b++)
		buffer_deinit(&x->body[b]);
}

/* ---- by what it was compared ---- */

/** add_text() - the place of a string in @texts, which may move: pointers are made when all are there */
static size_t add_text(struct buffer *texts, struct view v)
{
	size_t at = texts->len;

	view_text(v, texts);
	buffer_add(texts, "", 1);
	return at;
}

static const char **point(struct example_rules *r, size_t first, size_t count)
{
	const char **list = calloc(count + 1, sizeof(*list));
	const char *at = (const char *)r->texts.bytes + first;

	for (size_t i = 0; list && i < count; i++, at += strlen(at) + 1)
		list[i] = at;
	return list;
}

static size_t add_list(struct buffer *texts, struct view list, size_t *count)
{
	size_t at = texts->len;

	for (struct view_walk w = view_walk(list); view_next(&w); (*count)++)
		add_text(texts, w.value);
	return at;
}

int example_rules_read(struct example_rules *r, struct view options)
{
	struct view preset = view_get(options, "preset");
	size_t preset_at = add_text(&r->texts, preset);
	size_t ignore_at = add_list(&r->texts, view_get(options, "ignore"), &r->rules.ignore_count);
	size_t unordered_at = add_list(&r->texts, view_get(options, "unordered"), &r->rules.unordered_count);

	r->rules.rtol = view_number(view_get(options, "rtol"));
	r->rules.atol = view_number(view_get(options, "atol"));
	if (!buffer_ok(&r->texts))
		return -ENOMEM;
	if (view_is(preset, JSON_STRING) && !view_is_text(preset, "any"))
		r->rules.preset = (const char *)r->texts.bytes + preset_at;
	r->rules.ignore = r->ignore = point(r, ignore_at, r->rules.ignore_count);
	r->rules.unordered = r->unordered = point(r, unordered_at, r->rules.unordered_count);
	return r->ignore && r->unordered ? 0 : -ENOMEM;
}

void example_rules_deinit(struct example_rules *r)
{
	buffer_deinit(&r->texts);
	free(r->ignore);
	free(r->unordered);
}
