/* reasons.c - see reasons.h; one function per decision, in the order of policy_decide() */
#include "policy/reasons.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "policy/allow.h"
#include "message/http_text.h"
#include "policy/presets.h"
#include "policy/route.h"
#include "policy/rule.h"
#include "policy/request_target.h"

#define SHOWN_MAX 120 /* bytes of a pattern or a path in one sentence */

struct rule_list {
	struct rule **at;
	size_t count;
};

struct reasons {
	const struct policy_options *o;
	struct route_set *denied, *inference;       /* NULL: the deny list is off */
	struct rule_list paths, not_paths, headers; /* of headers the patterns behind the names */
	struct route_path path;                     /* scratch */
	struct buffer text;                         /* scratch */
};

void printable_add(struct buffer *out, struct span text, size_t max)
{
	bool cut = text.len > max;

	span_truncate(&text, max);
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] >= 0x20 && text.at[i] < 0x7f)
			buffer_add(out, &text.at[i], 1);
		else
			buffer_printf(out, "\\x%02x", text.at[i]);
	if (cut)
		buffer_add_str(out, "...");
}

static void pattern_add(struct buffer *out, const char *option, const char *pattern)
{
	buffer_printf(out, "%s '", option);
	printable_add(out, span_str(pattern), SHOWN_MAX);
	buffer_add_str(out, "'");
}

/* --- building --- */

/* "name: PATTERN" */
static const char *after_name(const char *text)
{
	text += strcspn(text, ":");
	text += *text == ':';
	return text + strspn(text, " \t");
}

static int build(struct rule_list *list, const char *option, const struct texts *texts, bool named,
		 struct buffer *error)
{
	int err = 0;

	if (texts->count == 0)
		return 0;
	list->at = calloc(texts->count, sizeof(list->at[0]));
	if (!list->at)
		return -ENOMEM;
	for (; list->count < texts->count && !err; list->count += !err) {
		const char *text = texts->at[list->count];

		err = rule_new(option, named ? after_name(text) : text, false, &list->at[list->count], error);
	}
	return err;
}

static int build_routes(struct reasons *r)
{
	const struct route_table *denied = denied_routes(), *inference = inference_routes();

	if (r->o->allow_side_effects)
		return 0;
	r->denied = route_set_new(denied->routes, denied->count, true);
	r->inference = route_set_new(inference->routes, inference->count, false);
	return r->denied && r->inference ? 0 : -ENOMEM;
}

int reasons_new(const struct policy_options *options, struct reasons **out, struct buffer *error)
{
	struct reasons *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->o = options;
	err = build_routes(r);
	if (!err)
		err = build(&r->paths, "--path", &options->paths, false, error);
	if (!err)
		err = build(&r->not_paths, "--not-path", &options->not_paths, false, error);
	if (!err)
		err = build(&r->headers, "--match-header", &options->match_headers, true, error);
	if (err) {
		reasons_free(r);
		return err;
	}
	*out = r;
	return 0;
}

static void list_free(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		rule_free(list->at[i]);
	free(list->at);
}

void reasons_free(struct reasons *r)
{
	if (!r)
		return;
	list_free(&r->paths);
	list_free(&r->not_paths);
	list_free(&r->headers);
	route_set_free(r->denied);
	route_set_free(r->inference);
	buffer_deinit(&r->text);
	free(r);
}

/* --- the steps --- */

static bool method_reason(const struct reasons *r, const struct request_head *head, struct buffer *out)
{
	const struct texts *wanted = &r->o->methods;

	if (span_equal(head->method, SPAN_LITERAL("CONNECT"))) {
		buffer_add_str(out, "CONNECT opens a tunnel, there is nothing in it to mirror");
		return true;
	}
	if (wanted->count == 0)
		buffer_add_str(out, "POST and PUT are mirrored, others with --method");
	for (size_t i = 0; i < wanted->count; i++)
		buffer_printf(out, "%s%s", i ? ", " : "--method is ", wanted->at[i]);
	return true;
}

static bool denied_reason(struct reasons *r, const struct request_head *head, struct buffer *out)
{
	const struct route *route;

	if (!r->denied)
		return false;
	route_path_read(&r->path, head->target, PATH_SUSPICIOUSLY);
	if (r->path.odd) {
		buffer_add_str(out, "servers disagree about such a path (dots, control characters, length), "
				    "--allow-side-effects mirrors it");
		return true;
	}
	route = denied_route(r->denied, r->inference, &r->path, head->method);
	if (!route)
		return false;
	buffer_printf(out, "it has %s, --allow-side-effects mirrors it", route->pattern);
	return true;
}

/** preset_lacks() - is the preset the one that refused? */
static bool preset_lacks(struct reasons *r, const struct request_head *head)
{
	const struct route_table *preset = preset_find(r->o->preset ? r->o->preset : "any");
	struct route_set *set;
	bool found;

	if (!preset || preset->count == 0)
		return false;
	set = route_set_new(preset->routes, preset->count, false);
	if (!set)
		return false;
	route_path_read(&r->path, head->target, PATH_AS_SENT);
	found = !r->path.odd && route_set_find(set, &r->path, 0);
	route_set_free(set);
	return !found;
}

static bool one_matches(const struct rule_list *list, struct span text)
{
	for (size_t i = 0; i < list->count; i++)
		if (rule_search(list->at[i], text) == RULE_YES)
			return true;
	return false;
}

static bool path_reason(struct reasons *r, const struct request_head *head, struct buffer *out)
{
	struct span text = target_origin_form(head->method, target_path_and_query(head->target, NULL), &r->text);

	if (preset_lacks(r, head)) {
		buffer_printf(out, "--preset %s has no such route", r->o->preset);
		return true;
	}
	if (r->paths.count > 0 && !one_matches(&r->paths, text)) {
		if (r->paths.count > 1) {
			buffer_printf(out, "none of the %zu --path patterns matches", r->paths.count);
			return true;
		}
		pattern_add(out, "--path", r->o->paths.at[0]);
		buffer_add_str(out, " does not match");
		return true;
	}
	for (size_t i = 0; i < r->not_paths.count; i++) {
		enum rule_result result = rule_search(r->not_paths.at[i], text);

		if (result == RULE_NO)
			continue;
		pattern_add(out, "--not-path", r->o->not_paths.at[i]);
		buffer_add_str(out, result == RULE_YES
					    ? " matches"
					    : " gave up on so long a search, which counts as a match");
		return true;
	}
	return false;
}

static bool host_reason(const struct reasons *r, const struct request_head *head, struct buffer *out)
{
	const struct texts *hosts = &r->o->hosts;
	const struct span *host = request_head_find(head, SPAN_LITERAL("host"));

	if (hosts->count == 0)
		return false;
	if (hosts->count == 1)
		pattern_add(out, "--match-host", hosts->at[0]);
	else
		buffer_printf(out, "none of the %zu --match-host patterns", hosts->count);
	if (!host) {
		buffer_add_str(out, hosts->count == 1 ? " does not match, there is no Host"
						      : " matches, there is no Host");
		return true;
	}
	buffer_add_str(out, hosts->count == 1 ? " does not match Host " : " matches Host ");
	printable_add(out, *host, SHOWN_MAX);
	return true;
}

/** header_refuses() - does rule @i refuse @head? @any: has it such a field at all */
static bool header_refuses(struct reasons *r, size_t i, struct span name, const struct request_head *head,
			   bool *any)
{
	*any = false;
	for (size_t f = 0; f < head->header_count; f++) {
		if (!span_equal_nocase(head->headers[f].name, name))
			continue;
		*any = true;
		switch (rule_search(r->headers.at[i], head->headers[f].value)) {
		case RULE_YES:
			return false;
		case RULE_GAVE_UP:
			return true;
		case RULE_NO:
			break;
		}
	}
	return true;
}

static bool header_reason(struct reasons *r, const struct request_head *head, struct buffer *out)
{
	for (size_t i = 0; i < r->headers.count; i++) {
		const char *text = r->o->match_headers.at[i];
		struct span name, rest;
		bool any;

		span_cut(span_str(text), ':', &name, &rest);
		name = span_trim(name);
		if (!header_refuses(r, i, name, head, &any))
			continue;
		if (field_kind(name) == FIELD_CREDENTIAL) {
			buffer_add_str(out, "--match-header '");
			printable_add(out, name, SHOWN_MAX);
			buffer_add_str(out, ": ...'");
		} else {
			pattern_add(out, "--match-header", text);
		}
		buffer_add_str(out, any ? " does not match" : " does not match, there is no such header");
		return true;
	}
	return false;
}

static bool loop_reason(const struct request_head *head, struct buffer *out)
{
	if (request_head_find(head, SPAN_LITERAL("x-shadowtap")))
		buffer_add_str(out, "it carries X-Shadowtap, so a shadowtap sent it");
	else
		buffer_add_str(out, "its connection is one of our own");
	return true;
}

static bool sample_reason(const struct reasons *r, const struct request_head *head, struct buffer *out)
{
	static const char *const by[] = { "request", "connection", "client", "proxied client", "id" };

	switch (r->o->sample_by) {
	case SAMPLE_BY_REQUEST:
	case SAMPLE_BY_CONNECTION:
	case SAMPLE_BY_CLIENT:
	case SAMPLE_BY_PROXIED:
	case SAMPLE_BY_ID:
		buffer_printf(out, "by %s", by[r->o->sample_by]);
		break;
	case SAMPLE_BY_HEADER:
		buffer_printf(out, "by header %s", r->o->sample_header);
		if (!request_head_find(head, span_str(r->o->sample_header)))
			buffer_add_str(out, ", which it has not");
		break;
	}
	return true;
}

bool reasons_add(struct reasons *r, enum decision decision, const struct request_head *head, struct buffer *out)
{
	switch (decision) {
	case DECISION_FILTERED_METHOD:
		return method_reason(r, head, out);
	case DECISION_FILTERED_DENIED:
		return denied_reason(r, head, out);
	case DECISION_FILTERED_PATH:
		return path_reason(r, head, out);
	case DECISION_FILTERED_HOST:
		return host_reason(r, head, out);
	case DECISION_FILTERED_HEADER:
		return header_reason(r, head, out);
	case DECISION_FILTERED_LOOP:
		return loop_reason(head, out);
	case DECISION_UNSAMPLED:
		return sample_reason(r, head, out);
	case DECISION_SHED_HANDOVER:
		buffer_add_str(out, "the targets' side did not take requests as fast as they came");
		return true;
	case DECISION_SHED_MEMORY:
		buffer_add_str(out, "--max-memory was used up");
		return true;
	case DECISION_SHED_STOPPED:
		buffer_add_str(out, "the run was ended before its time came");
		return true;
	case DECISION_CHOSEN:
	case DECISION_COUNT:
		break;
	}
	return false;
}
