/*
 * policy.c - the decision on a request, at the end of its head
 *
 * Theory of operation: one function per step of docs/contract.md, "Order of
 * decisions", each of which can only refuse. The cheap steps come first, and that
 * is also the order in which they are reported: a GET of /metrics was filtered by
 * its method. A step looks for the field that it needs; few need any.
 *
 * A pattern that gives up (rule.c) has no result, and the request is left out:
 * a --path or --match-* that gave up does not match, a --not-path that gave up
 * does. Both are counted in match_limit.
 *
 * What a target's steps say depends on its bytes alone, and a model service
 * sees few different targets, so what was said of the last ones is kept (struct
 * known_target): on keep-alive traffic the walk through the deny list was a
 * sixth of all the instructions that a recording costs. And where the
 * reassembly says that a head is the same as one before (request_head.same), so
 * is what the rules said of it (struct known_head): only whose it is, and
 * whether its turn has come, is asked.
 *
 * Nothing here allocates after policy_new().
 */
#include "policy/policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cache_line.h"
#include "base/units.h"
#include "message/http_text.h"
#include "policy/presets.h"
#include "policy/route.h"
#include "policy/rule.h"
#include "policy/sample.h"
#include "policy/request_target.h"

struct rule_list {
	struct rule **at;
	size_t count;
};

struct method {
	char *name; /* owned */
	size_t len;
};

struct header_rule {
	char *name; /* owned */
	struct rule *rule;
};

#define KNOWN_TARGETS     64 /* power of two */
#define KNOWN_TARGET_BYTES 116

/** struct known_target - what deny list, preset and path rules said of a target; len 0: nothing yet */
struct known_target {
	uint8_t bytes[KNOWN_TARGET_BYTES];
	uint8_t len;
	bool post;       /* the deny list spares some routes for POST */
	uint8_t decision; /* DECISION_CHOSEN: the path is no reason against it */
};

#define KNOWN_HEADS 16 /* power of two: that many of a protocol's connections have a place of their own */

/** struct known_head - what all rules said of a head that may come again; same 0: nothing yet */
struct known_head {
	uint64_t same;
	enum decision decision; /* DECISION_CHOSEN: nothing in the head is a reason against it */
	bool retried;           /* a call of gRPC that says so */
};

struct policy {
	bool any_method, needs_whole;
	struct method *methods;
	size_t method_count;
	struct route_set *denied, *inference; /* NULL: the deny list is off */
	struct route_set *preset;             /* NULL: any */
	struct rule_list paths, not_paths, hosts;
	struct header_rule *headers;
	size_t header_count;
	enum sample_by sample_by;
	char *sample_header; /* owned */
	struct sampler sampler;  /* its share is the one below, as of the last turn */
	_Atomic uint64_t share;
	bool (*is_own)(void *ctx, const struct request_origin *origin);
	void *is_own_ctx;
	struct policy_stats own_stats, *stats;
	struct route_path path; /* scratch */
	struct buffer text;     /* scratch */
	struct known_target known[KNOWN_TARGETS];
	struct known_head known_heads[KNOWN_HEADS];
};

/* --- building --- */

static bool is_one_of(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* HTTP's methods are case-sensitive, people's fingers are not: "post" means POST, "predict" is left alone. */
static char *method_copy(const char *text)
{
	static const char *const known[] = { "GET",     "HEAD",  "POST",  "PUT",    "DELETE",
					     "OPTIONS", "TRACE", "PATCH", "CONNECT" };
	char *upper = strdup(text);

	if (!upper)
		return NULL;
	for (char *c = upper; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c -= 'a' - 'A';
	if (!is_one_of(known, sizeof(known) / sizeof(known[0]), upper))
		memcpy(upper, text, strlen(text));
	return upper;
}

static int add_method(struct policy *p, const char *text, struct buffer *error)
{
	char *method;

	if (strcasecmp(text, "any") == 0) {
		p->any_method = true;
		return 0;
	}
	if (!http_is_token(span_str(text))) {
		buffer_printf(
			error,
			"--method '%s' is no HTTP method: one word such as GET or PATCH, the option once for "
			"each, or any",
			text);
		return -EINVAL;
	}
	method = method_copy(text);
	if (!method)
		return -ENOMEM;
	p->methods[p->method_count++] = (struct method){ method, strlen(method) };
	if (strcmp(method, "CONNECT") != 0)
		return 0;
	buffer_add_str(error,
		       "--method CONNECT: it opens a tunnel, there is no request in it to mirror; choose other "
		       "methods");
	return -EINVAL;
}

static int build_methods(struct policy *p, const struct texts *wanted, struct buffer *error)
{
	static const char *usual[] = { "POST", "PUT" };
	struct texts methods = wanted->count ? *wanted : (struct texts){ usual, 2 };
	int err = 0;

	p->methods = calloc(methods.count, sizeof(p->methods[0]));
	if (!p->methods)
		return -ENOMEM;
	for (size_t i = 0; i < methods.count && !err; i++)
		err = add_method(p, methods.at[i], error);
	return err;
}

static int build_routes(struct policy *p, const struct policy_options *o, struct buffer *error)
{
	const struct route_table *preset = preset_find(o->preset ? o->preset : "any");
	const struct route_table *denied = denied_routes(), *inference = inference_routes();

	if (!preset) {
		buffer_printf(error, "--preset '%s': there is no preset of this name; choose one of %s",
			      o->preset, preset_names());
		return -EINVAL;
	}
	if (preset->count) {
		p->preset = route_set_new(preset->routes, preset->count, false);
		if (!p->preset)
			return -ENOMEM;
	}
	if (o->allow_side_effects)
		return 0;
	p->denied = route_set_new(denied->routes, denied->count, true);
	p->inference = route_set_new(inference->routes, inference->count, false);
	return p->denied && p->inference ? 0 : -ENOMEM;
}

static int build_rules(struct rule_list *list, const char *option, const struct texts *patterns, bool nocase,
		       struct buffer *error)
{
	int err = 0;

	if (patterns->count == 0)
		return 0;
	list->at = calloc(patterns->count, sizeof(list->at[0]));
	if (!list->at)
		return -ENOMEM;
	for (; list->count < patterns->count && !err; list->count += !err)
		err = rule_new(option, patterns->at[list->count], nocase, &list->at[list->count], error);
	return err;
}

static int build_header_rule(struct header_rule *h, const char *text, struct buffer *error)
{
	struct span name, pattern;
	bool has_colon = span_cut(span_str(text), ':', &name, &pattern);

	name = span_trim(name);
	if (!has_colon || !http_is_token(name)) {
		buffer_printf(
			error,
			"--match-header '%s' is not of the form 'Name: PATTERN', as in 'content-type: json'",
			text);
		return -EINVAL;
	}
	while (pattern.len > 0 && (pattern.at[0] == ' ' || pattern.at[0] == '\t'))
		span_skip(&pattern, 1); /* only in front: a space at the end may be meant */
	h->name = strndup((const char *)name.at, name.len);
	if (!h->name)
		return -ENOMEM;
	return rule_new("--match-header", (const char *)pattern.at, false, &h->rule, error);
}

static int build_header_rules(struct policy *p, const struct texts *texts, struct buffer *error)
{
	int err = 0;

	if (texts->count == 0)
		return 0;
	p->headers = calloc(texts->count, sizeof(p->headers[0]));
	if (!p->headers)
		return -ENOMEM;
	for (; p->header_count < texts->count && !err; p->header_count++)
		err = build_header_rule(&p->headers[p->header_count], texts->at[p->header_count], error);
	return err;
}

static int build_sample(struct policy *p, const struct policy_options *o, struct buffer *error)
{
	if (o->sample_share > SHARE_ONE) {
		buffer_add_str(error, "--sample is a share between 0% and 100%");
		return -EINVAL;
	}
	atomic_init(&p->share, o->sample_share);
	p->sampler.accumulated = o->sample_phase;
	p->sample_by = o->sample_by;
	if (o->sample_by != SAMPLE_BY_HEADER)
		return 0;
	if (!o->sample_header || !http_is_token(span_str(o->sample_header))) {
		buffer_printf(error, "--sample-by 'header:%s' names no field; an example: header:x-session-id",
			      o->sample_header ? o->sample_header : "");
		return -EINVAL;
	}
	p->sample_header = strdup(o->sample_header);
	return p->sample_header ? 0 : -ENOMEM;
}

/*
 * A field that is not known could be the one that chooses the model (seldon-model, mm-vmodel-id), and a request to
 * another model is another request.
 */
static bool needs_whole(const struct policy_options *o)
{
	switch (o->h2_heads) {
	case H2_HEADS_AUTO:
		return !preset_names_model(o->preset ? o->preset : "any");
	case H2_HEADS_WHOLE:
		return true;
	case H2_HEADS_NEEDED:
		return false;
	}
	return true;
}

int policy_new(const struct policy_options *options, struct policy **out, struct buffer *error)
{
	struct policy *p = cache_line_calloc(sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->is_own = options->is_own;
	p->is_own_ctx = options->is_own_ctx;
	p->stats = options->stats ? options->stats : &p->own_stats;
	p->needs_whole = needs_whole(options);
	err = build_methods(p, &options->methods, error);
	if (!err)
		err = build_routes(p, options, error);
	if (!err)
		err = build_rules(&p->paths, "--path", &options->paths, false, error);
	if (!err)
		err = build_rules(&p->not_paths, "--not-path", &options->not_paths, false, error);
	if (!err) /* host names have no case (RFC 9110, 4.2.3) */
		err = build_rules(&p->hosts, "--match-host", &options->hosts, true, error);
	if (!err)
		err = build_header_rules(p, &options->match_headers, error);
	if (!err)
		err = build_sample(p, options, error);
	if (err) {
		policy_free(p);
		return err;
	}
	*out = p;
	return 0;
}

static void rule_list_deinit(struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		rule_free(list->at[i]);
	free(list->at);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->method_count; i++)
		free(p->methods[i].name);
	free(p->methods);
	buffer_deinit(&p->text);
	for (size_t i = 0; i < p->header_count; i++) {
		free(p->headers[i].name);
		rule_free(p->headers[i].rule);
	}
	free(p->headers);
	rule_list_deinit(&p->paths);
	rule_list_deinit(&p->not_paths);
	rule_list_deinit(&p->hosts);
	route_set_free(p->denied);
	route_set_free(p->inference);
	route_set_free(p->preset);
	free(p->sample_header);
	free(p);
}

/* --- deciding --- */

static bool method_is_wanted(const struct policy *p, struct span method)
{
	if (p->any_method)
		return !span_equal(method, SPAN_LITERAL("CONNECT"));
	for (size_t i = 0; i < p->method_count; i++)
		if (span_equal(method, span_of(p->methods[i].name, p->methods[i].len)))
			return true;
	return false;
}

/* Leaves the path in p->path as PATH_SUSPICIOUSLY. */
static bool is_denied(struct policy *p, const struct request_head *head)
{
	if (!p->denied)
		return false;
	route_path_read(&p->path, head->target, PATH_SUSPICIOUSLY);
	return p->path.odd || denied_route(p->denied, p->inference, &p->path, head->method);
}

static bool preset_has(struct policy *p, const struct request_head *head)
{
	if (!p->preset)
		return true;
	route_path_read(&p->path, head->target, PATH_AS_SENT);
	return !p->path.odd && route_set_find(p->preset, &p->path, 0);
}

static enum rule_result search(struct policy *p, struct rule *rule, struct span text)
{
	enum rule_result result = rule_search(rule, text);

	if (result == RULE_GAVE_UP)
		counter_add(&p->stats->match_limit, 1);
	return result;
}

/* @or: the result that counts as a match beside RULE_YES, for a list that keeps requests out */
static bool one_matches(struct policy *p, const struct rule_list *list, struct span text, enum rule_result or)
{
	for (size_t i = 0; i < list->count; i++) {
		enum rule_result result = search(p, list->at[i], text);

		if (result == RULE_YES || result == or)
			return true;
	}
	return false;
}

static bool path_is_wanted(struct policy *p, const struct request_head *head)
{
	struct span text = target_origin_form(head->method, target_path_and_query(head->target, NULL), &p->text);

	if (!buffer_ok(&p->text) || !preset_has(p, head)) /* out of memory: what is not known is not sent */
		return false;
	if (p->paths.count && !one_matches(p, &p->paths, text, RULE_YES))
		return false;
	return !one_matches(p, &p->not_paths, text, RULE_GAVE_UP);
}

static enum decision judge_target(struct policy *p, const struct request_head *head)
{
	if (is_denied(p, head))
		return DECISION_FILTERED_DENIED;
	return path_is_wanted(p, head) ? DECISION_CHOSEN : DECISION_FILTERED_PATH;
}

/** known_slot() - where @target would be; NULL if it is too long to be kept */
static struct known_target *known_slot(struct policy *p, struct span target)
{
	unsigned mix;

	if (target.len == 0 || target.len > KNOWN_TARGET_BYTES)
		return NULL;
	if (target.len == 1 && target.at[0] == '*') /* it is another one for OPTIONS */
		return NULL;
	/* Targets of one service differ at their end, in their length, or in a name in the middle. */
	mix = (unsigned)target.len * 7 + target.at[target.len - 1] * 3u + target.at[target.len / 2];
	return &p->known[mix % KNOWN_TARGETS];
}

/** target_decision() - judge_target(), remembered */
static enum decision target_decision(struct policy *p, const struct request_head *head)
{
	struct known_target *k = known_slot(p, head->target);
	bool post = span_equal(head->method, SPAN_LITERAL("POST"));
	uint64_t gave_up = counter_get(&p->stats->match_limit);
	enum decision decision;

	if (k && k->post == post && span_equal(span_of(k->bytes, k->len), head->target))
		return (enum decision)k->decision;
	decision = judge_target(p, head);
	if (k && counter_get(&p->stats->match_limit) == gave_up) { /* giving up is counted each time */
		memcpy(k->bytes, head->target.at, head->target.len);
		k->len = (uint8_t)head->target.len;
		k->post = post;
		k->decision = (uint8_t)decision;
	}
	return decision;
}

static bool header_is_wanted(struct policy *p, const struct header_rule *h, const struct request_head *head)
{
	struct span name = span_str(h->name);
	enum rule_result result = RULE_NO;

	/* to give up once is enough: there may be hundreds of these fields */
	for (size_t i = 0; i < head->header_count && result == RULE_NO; i++)
		if (span_equal_nocase(head->headers[i].name, name))
			result = search(p, h->rule, head->headers[i].value);
	return result == RULE_YES;
}

static bool headers_are_wanted(struct policy *p, const struct request_head *head)
{
	bool wanted = true;

	for (size_t i = 0; i < p->header_count; i++) /* all, so that what one counts does not depend on others */
		wanted &= header_is_wanted(p, &p->headers[i], head);
	return wanted;
}

static bool host_is_wanted(struct policy *p, const struct request_head *head)
{
	const struct span *host;

	if (p->hosts.count == 0)
		return true;
	host = request_head_find(head, SPAN_LITERAL("host"));
	return one_matches(p, &p->hosts, host ? *host : span_str(""), RULE_YES);
}

static bool is_marked(const struct request_head *head) /* by a shadowtap */
{
	return request_head_find(head, SPAN_LITERAL("x-shadowtap")) != NULL;
}

static bool sample_by_header(const struct policy *p, uint64_t share, const struct request_head *head)
{
	const struct span *key = request_head_find(head, span_str(p->sample_header));

	return share == SHARE_ONE || (key && sample_by_key(share, *key));
}

static bool is_sampled(struct policy *p, const struct request_head *head, const struct request_origin *origin)
{
	uint64_t share = atomic_load_explicit(&p->share, memory_order_relaxed);

	switch (p->sample_by) {
	case SAMPLE_BY_REQUEST:
		p->sampler.share = share;
		return sampler_turn(&p->sampler);
	case SAMPLE_BY_CONNECTION:
		return sample_by_connection(share, &origin->client, &origin->server);
	case SAMPLE_BY_CLIENT:
		return sample_by_client(share, &origin->client);
	case SAMPLE_BY_PROXIED:
		return sample_by_client(share, origin->proxied.family ? &origin->proxied : &origin->client);
	case SAMPLE_BY_ID:
		return sample_by_id(share, origin);
	case SAMPLE_BY_HEADER:
		return sample_by_header(p, share, head);
	}
	return false;
}

bool policy_needs_whole(const struct policy *p)
{
	return p->needs_whole;
}

void policy_set_share(struct policy *p, uint64_t share)
{
	atomic_store_explicit(&p->share, share, memory_order_relaxed);
}

void policy_take_over(struct policy *p, const struct policy *old)
{
	p->sampler.accumulated = old->sampler.accumulated;
}

/** judge_head() - the steps that depend on nothing but the head */
static enum decision judge_head(struct policy *p, const struct request_head *head)
{
	enum decision decision;
	bool headers;

	if (!method_is_wanted(p, head->method))
		return DECISION_FILTERED_METHOD;
	decision = target_decision(p, head);
	if (decision != DECISION_CHOSEN)
		return decision;
	headers = headers_are_wanted(p, head);
	if (!host_is_wanted(p, head))
		return DECISION_FILTERED_HOST;
	if (!headers)
		return DECISION_FILTERED_HEADER;
	return is_marked(head) ? DECISION_FILTERED_LOOP : DECISION_CHOSEN;
}

static bool is_retried(const struct request_head *head)
{
	return head->is_grpc && request_head_find(head, SPAN_LITERAL("grpc-previous-rpc-attempts"));
}

/** know_head() - judge_head(), remembered */
static struct known_head know_head(struct policy *p, const struct request_head *head)
{
	struct known_head *k = &p->known_heads[head->same % KNOWN_HEADS], now;
	uint64_t gave_up = counter_get(&p->stats->match_limit);

	if (head->same != 0 && k->same == head->same)
		return *k;
	now = (struct known_head){ head->same, judge_head(p, head), is_retried(head) };
	if (counter_get(&p->stats->match_limit) == gave_up) /* giving up is counted each time */
		*k = now;
	return now;
}

enum decision policy_decide(struct policy *p, const struct request_head *head,
			    const struct request_origin *origin)
{
	struct known_head known = know_head(p, head);

	if (known.retried)
		counter_add(&p->stats->grpc_retried, 1);
	if (known.decision != DECISION_CHOSEN)
		return known.decision;
	if (p->is_own && p->is_own(p->is_own_ctx, origin))
		return DECISION_FILTERED_LOOP;
	return is_sampled(p, head, origin) ? DECISION_CHOSEN : DECISION_UNSAMPLED;
}

struct policy_stats *policy_stats(struct policy *p)
{
	return p->stats;
}

/* --- names --- */

static const struct {
	const char *name, *reason;
} decision_texts[DECISION_COUNT] = {
#define X(id, name, reason) { name, reason },
	DECISIONS(X)
#undef X
};

const char *decision_name(enum decision v)
{
	return decision_texts[v].name;
}

const char *decision_reason(enum decision v)
{
	return decision_texts[v].reason;
}
