/*
 * test_policy.c - options and a head in, a decision out
 *
 * Routes have their own tables in test_route.c. Here: the order of the steps,
 * each step's rule, what is refused at start and in which words.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/policy.h"
#include "policy/rule.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Options as a list of "key value" words, so that a case is one line. */
struct wish {
	struct policy_options options;
	const char *methods[4], *paths[4], *not_paths[4], *hosts[4], *match_headers[4];
};

static void add(struct texts *texts, const char **storage, const char *value)
{
	assert_true(texts->count < 4);
	texts->at = storage;
	storage[texts->count++] = value;
}

static void wish_add(struct wish *w, const char *key, const char *value)
{
	struct policy_options *o = &w->options;

	if (strcmp(key, "method") == 0)
		add(&o->methods, w->methods, value);
	else if (strcmp(key, "path") == 0)
		add(&o->paths, w->paths, value);
	else if (strcmp(key, "not-path") == 0)
		add(&o->not_paths, w->not_paths, value);
	else if (strcmp(key, "host") == 0)
		add(&o->hosts, w->hosts, value);
	else if (strcmp(key, "header") == 0)
		add(&o->match_headers, w->match_headers, value);
	else if (strcmp(key, "preset") == 0)
		o->preset = value;
	else if (strcmp(key, "sample") == 0)
		assert_true(parse_share(value, &o->sample_share));
	else if (strcmp(key, "by-header") == 0)
		o->sample_by = SAMPLE_BY_HEADER, o->sample_header = value;
	else if (strcmp(key, "side-effects") == 0)
		o->allow_side_effects = true;
	else
		fail_msg("no option %s", key);
}

#define OPTIONS_MAX 8
#define FIELDS_MAX  8

struct option_word {
	const char *key, *value;
};

static void wish_init(struct wish *w, const struct option_word *words)
{
	*w = (struct wish){ .options.sample_share = SHARE_ONE };
	for (size_t i = 0; i < OPTIONS_MAX && words[i].key; i++)
		wish_add(w, words[i].key, words[i].value);
}

struct field_text {
	const char *name, *value;
};

/* @same: the head's number, as all have that are equal to it; 0: none */
static enum decision decide_known(struct policy *p, uint64_t same, const char *method, const char *target,
				  const struct field_text *fields)
{
	struct header headers[FIELDS_MAX];
	struct request_head head = { .method = span_str(method), .target = span_str(target), .headers = headers,
				     .version_major = 1, .version_minor = 1, .same = same };
	struct request_origin origin = { 0 };

	for (; head.header_count < FIELDS_MAX && fields[head.header_count].name; head.header_count++)
		headers[head.header_count] = (struct header){ span_str(fields[head.header_count].name),
							      span_str(fields[head.header_count].value) };
	return policy_decide(p, &head, &origin);
}

static enum decision decide(struct policy *p, const char *method, const char *target,
			    const struct field_text *fields)
{
	return decide_known(p, 0, method, target, fields);
}

static const struct {
	struct option_word options[OPTIONS_MAX];
	const char *method, *target;
	struct field_text fields[FIELDS_MAX];
	enum decision decision;
} rows[] = {
	/* methods */
	{ { { 0 } }, "POST", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { 0 } }, "PUT", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { 0 } }, "GET", "/p", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { 0 } }, "post", "/p", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { 0 } }, "POSTS", "/p", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { "method", "get" } }, "GET", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "get" } }, "POST", "/p", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { "method", "Post" }, { "method", "PATCH" } }, "POST", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "Post" }, { "method", "PATCH" } }, "PATCH", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "predict" } }, "predict", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "predict" } }, "PREDICT", "/p", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { "method", "ANY" } }, "DELETE", "/p", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "any" } }, "CONNECT", "h:443", { { 0 } }, DECISION_FILTERED_METHOD },
	/* the first step that says no is the one that is told */
	{ { { "path", "^/never" } }, "GET", "/metrics", { { 0 } }, DECISION_FILTERED_METHOD },
	{ { { "path", "^/never" } }, "POST", "/metrics", { { 0 } }, DECISION_FILTERED_DENIED },
	{ { { "path", "^/never" }, { "side-effects", "" } }, "POST", "/metrics", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "^/never" }, { "host", "x" } }, "POST", "/p", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "host", "x" }, { "header", "a: x" } }, "POST", "/p", { { "Host", "y" } }, DECISION_FILTERED_HOST },
	{ { { "header", "a: x" } }, "POST", "/p", { { "X-Shadowtap", "1" } }, DECISION_FILTERED_HEADER },
	{ { { "sample", "0%" } }, "POST", "/p", { { "X-Shadowtap", "1" } }, DECISION_FILTERED_LOOP },
	{ { { "sample", "0%" } }, "POST", "/p", { { 0 } }, DECISION_UNSAMPLED },
	/* paths: on path and query, unanchored, as captured; one must match, and none of the others */
	{ { { "path", "predict" } }, "POST", "/v1/models/m:predict", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "^/v1/.*predict$" } }, "POST", "http://h/v1/models/m:predict", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "h" } }, "POST", "http://h/a", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "^/$" } }, "POST", "http://h", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "user=7(&|$)" } }, "POST", "/p?user=7&x", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "%41" } }, "POST", "/%41", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "/A" } }, "POST", "/%41", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "/a" }, { "path", "/b" } }, "POST", "/b", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "/a" }, { "path", "/b" } }, "POST", "/c", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "not-path", "/a" }, { "not-path", "/b" } }, "POST", "/c", { { 0 } }, DECISION_CHOSEN },
	{ { { "not-path", "/a" }, { "not-path", "/b" } }, "POST", "/b", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "/b" }, { "not-path", "/b" } }, "POST", "/b", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "preset", "v2" }, { "path", "/m1/" } }, "POST", "/v2/models/m1/infer", { { 0 } }, DECISION_CHOSEN },
	{ { { "preset", "v2" }, { "path", "/m1/" } }, "POST", "/v2/models/m2/infer", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "preset", "v2" }, { "path", "/m1/" } }, "POST", "/other/m1/", { { 0 } }, DECISION_FILTERED_PATH },
	/* a target is judged in the form in which it would be sent: with a slash before it */
	{ { { "not-path", "^/private" } }, "POST", "private/x", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "^/v1/" } }, "POST", "v1/x", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "^v1/" } }, "POST", "v1/x", { { 0 } }, DECISION_FILTERED_PATH },
	{ { { "path", "^/@evil$" } }, "POST", "@evil", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "^/[?]q$" } }, "POST", "?q", { { 0 } }, DECISION_CHOSEN },
	{ { { "path", "^/[?]q$" } }, "POST", "http://h?q", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "any" }, { "path", "^/[*]$" } }, "POST", "*", { { 0 } }, DECISION_CHOSEN },
	{ { { "method", "any" }, { "path", "^[*]$" } }, "OPTIONS", "*", { { 0 } }, DECISION_CHOSEN },
	/* hosts: any case; no field is an empty text */
	{ { { "host", "^models\\." } }, "POST", "/p", { { "HOST", "Models.example:80" } }, DECISION_CHOSEN },
	{ { { "host", "a" }, { "host", "b" } }, "POST", "/p", { { "host", "b" } }, DECISION_CHOSEN },
	{ { { "host", "." } }, "POST", "/p", { { "x", "y" } }, DECISION_FILTERED_HOST },
	{ { { "host", "^$" } }, "POST", "/p", { { "x", "y" } }, DECISION_CHOSEN },
	{ { { "host", "b" } }, "POST", "/p", { { "host", "a" }, { "host", "b" } }, DECISION_FILTERED_HOST },
	/* headers: each rule must match some field of its name */
	{ { { "header", "Content-Type: json" } }, "POST", "/p", { { "content-type", "application/json" } }, DECISION_CHOSEN },
	{ { { "header", "content-type:^json" } }, "POST", "/p", { { "content-type", "application/json" } },
	  DECISION_FILTERED_HEADER },
	{ { { "header", "x: ^b$" } }, "POST", "/p", { { "x", "a" }, { "X", "b" } }, DECISION_CHOSEN },
	{ { { "header", "x: a" }, { "header", "y: b" } }, "POST", "/p", { { "x", "a" }, { "y", "b" } }, DECISION_CHOSEN },
	{ { { "header", "x: a" }, { "header", "y: b" } }, "POST", "/p", { { "x", "a" }, { "y", "a" } },
	  DECISION_FILTERED_HEADER },
	{ { { "header", "x: a" }, { "header", "x: b" } }, "POST", "/p", { { "x", "ab" } }, DECISION_CHOSEN },
	{ { { "header", "x: a" } }, "POST", "/p", { { "xx", "a" } }, DECISION_FILTERED_HEADER },
	{ { { "header", "x:" } }, "POST", "/p", { { "x", "" } }, DECISION_CHOSEN },
	{ { { "header", "x:" } }, "POST", "/p", { { "y", "" } }, DECISION_FILTERED_HEADER },
	{ { { "header", "x: a:b " } }, "POST", "/p", { { "x", "a:b c" } }, DECISION_CHOSEN },
	{ { { "header", "x: a:b " } }, "POST", "/p", { { "x", "a:b" } }, DECISION_FILTERED_HEADER },
	/* the mark */
	{ { { 0 } }, "POST", "/p", { { "x-SHADOWTAP", "" } }, DECISION_FILTERED_LOOP },
	{ { { 0 } }, "POST", "/p", { { "x-shadowtap2", "1" } }, DECISION_CHOSEN },
	/* sample by header */
	{ { { "by-header", "x-user" }, { "sample", "50%" } }, "POST", "/p", { { "X-User", "a" } }, DECISION_CHOSEN },
	{ { { "by-header", "x-user" }, { "sample", "50%" } }, "POST", "/p", { { "X-User", "" } }, DECISION_UNSAMPLED },
	{ { { "by-header", "x-user" }, { "sample", "99.9%" } }, "POST", "/p", { { "y", "a" } }, DECISION_UNSAMPLED },
	{ { { "by-header", "x-user" }, { "sample", "100%" } }, "POST", "/p", { { "y", "a" } }, DECISION_CHOSEN },
};

static void test_decisions(void **state)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buffer error = { 0 };
		struct policy *p = NULL;
		struct wish w;
		enum decision v;

		wish_init(&w, rows[i].options);
		assert_int_equal(policy_new(&w.options, &p, &error), 0);
		v = decide(p, rows[i].method, rows[i].target, rows[i].fields);
		for (uint64_t same = 0; same < 2 * 3 && v == rows[i].decision; same++) /* each number twice */
			v = decide_known(p, same / 2, rows[i].method, rows[i].target, rows[i].fields);
		if (v != rows[i].decision)
			fail_msg("row %zu: %s %s is %s %s", i, rows[i].method, rows[i].target, decision_name(v),
				 decision_reason(v) ? decision_reason(v) : "");
		for (size_t k = 0; k < DECISION_COUNT; k++) /* counting is the lane's business */
			assert_int_equal(counter_get(&policy_stats(p)->decision[k]), 0);
		policy_free(p);
		buffer_deinit(&error);
	}
}

static const struct {
	struct option_word options[OPTIONS_MAX];
	const char *says[3];
} refused[] = {
	{ { { "method", "PO ST" } }, { "--method 'PO ST'", "any" } },
	{ { { "method", "" } }, { "--method ''" } },
	{ { { "method", "POST,PUT" } }, { "--method 'POST,PUT'", "once for each" } },
	{ { { "method", "connect" } }, { "CONNECT", "tunnel" } },
	{ { { "preset", "triton" } }, { "--preset 'triton'", "v2, tfserving, torchserve, openai, tei, mlflow, any" } },
	{ { { "path", "a" }, { "path", "(b" } }, { "--path '(b'", "parenthesis", "offset 2" } },
	{ { { "not-path", "[" } }, { "--not-path '['" } },
	{ { { "host", "*" } }, { "--match-host '*'" } },
	{ { { "header", "x: (" } }, { "--match-header '('" } },
	{ { { "header", "x" } }, { "--match-header 'x'", "Name: PATTERN" } },
	{ { { "header", "a b: x" } }, { "--match-header 'a b: x'" } },
	{ { { "header", ": x" } }, { "--match-header ': x'" } },
	{ { { "by-header", "" } }, { "--sample-by 'header:'" } },
	{ { { "by-header", "a:b" } }, { "--sample-by 'header:a:b'" } },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct buffer error = { 0 };
		struct policy *p = NULL;
		struct wish w;

		wish_init(&w, refused[i].options);
		if (policy_new(&w.options, &p, &error) != -EINVAL)
			fail_msg("row %zu was accepted", i);
		assert_null(p);
		for (size_t k = 0; k < 3 && refused[i].says[k]; k++)
			if (!strstr(buffer_text(&error), refused[i].says[k]))
				fail_msg("row %zu says: %s", i, buffer_text(&error));
		assert_null(strchr(buffer_text(&error), '\n'));
		buffer_deinit(&error);
	}
}

/* A rule that gives up leaves the request out, whichever way it faces, and is counted. */
static void test_giving_up(void **state)
{
	static const struct {
		struct option_word options[OPTIONS_MAX];
		enum decision decision;
		uint64_t times;
	} cases[] = {
		{ { { "path", "x" } }, DECISION_FILTERED_PATH, 1 },
		{ { { "not-path", "x" } }, DECISION_FILTERED_PATH, 1 },
		{ { { "header", "long: x" } }, DECISION_FILTERED_HEADER, 1 },
		{ { { "header", "short: x" } }, DECISION_CHOSEN, 0 },
		{ { { "path", "x" }, { "path", "y" } }, DECISION_FILTERED_PATH, 2 },
	};
	char *text = malloc(RULE_TEXT_MAX + 3);

	memset(text, 'x', RULE_TEXT_MAX + 2);
	text[RULE_TEXT_MAX + 2] = '\0';
	text[0] = '/';
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool on_path = strstr(cases[i].options[0].key, "path") != NULL;
		const struct field_text fields[FIELDS_MAX] = { { "short", "x" }, { "long", text }, { "long", text } };
		struct buffer error = { 0 };
		struct policy *p = NULL;
		struct wish w;

		wish_init(&w, cases[i].options);
		w.options.allow_side_effects = true; /* a path of this length would be denied */
		assert_int_equal(policy_new(&w.options, &p, &error), 0);
		assert_int_equal(decide(p, "POST", on_path ? text : "/p", fields), cases[i].decision);
		assert_int_equal(counter_get(&policy_stats(p)->match_limit), cases[i].times);
		for (uint64_t n = 2; n < 4; n++) { /* it is counted each time, also for a head that comes again */
			assert_int_equal(decide_known(p, 5, "POST", on_path ? text : "/p", fields), cases[i].decision);
			assert_int_equal(counter_get(&policy_stats(p)->match_limit), n * cases[i].times);
		}
		policy_free(p);
		buffer_deinit(&error);
	}
	free(text);
}

static bool is_port_7(void *ctx, const struct request_origin *origin)
{
	(*(int *)ctx)++;
	return origin->client.port == 7;
}

static void test_own_connections(void **state)
{
	struct policy_options options = { .sample_share = SHARE_ONE, .is_own = is_port_7 };
	struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/p"), .same = 3 };
	struct request_origin origin = { .client.port = 7 };
	struct buffer error = { 0 };
	struct policy *p = NULL;
	int asked = 0;

	options.is_own_ctx = &asked;
	assert_int_equal(policy_new(&options, &p, &error), 0);
	assert_int_equal(policy_decide(p, &head, &origin), DECISION_FILTERED_LOOP);
	origin.client.port = 8;
	assert_int_equal(policy_decide(p, &head, &origin), DECISION_CHOSEN);
	head.method = SPAN_LITERAL("GET");
	head.same = 4;
	assert_int_equal(policy_decide(p, &head, &origin), DECISION_FILTERED_METHOD);
	assert_int_equal(asked, 2);
	policy_free(p);
	buffer_deinit(&error);
}

/* The counter turns only for requests that matched: 5 % of them, however many others come between. */
static void test_sample_counts_matching(void **state)
{
	static const struct option_word words[OPTIONS_MAX] = { { "sample", "5%" } };
	static const struct field_text none[FIELDS_MAX] = { { 0 } };
	struct buffer error = { 0 };
	struct policy *p = NULL;
	struct wish w;
	int chosen = 0;

	wish_init(&w, words);
	assert_int_equal(policy_new(&w.options, &p, &error), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(decide(p, "GET", "/p", none), DECISION_FILTERED_METHOD);
		assert_int_equal(decide(p, "POST", "/metrics", none), DECISION_FILTERED_DENIED);
		chosen += decide(p, "POST", "/p", none) == DECISION_CHOSEN;
		assert_int_equal(chosen, (i + 1) / 20);
	}
	policy_free(p);
	buffer_deinit(&error);
}

/* A policy that takes another's place goes on counting: over any changes the chosen are exact to one request. */
static void test_sample_goes_on(void **state)
{
	static const struct field_text no_fields[1] = { { 0 } };
	static const struct {
		uint64_t share; /* parts per SHARE_ONE */
		int requests;
	} stretches[] = {
		{ SHARE_ONE / 10, 7 },  { SHARE_ONE / 4, 3 },   { SHARE_ONE / 3, 1 }, { 0, 50 },
		{ SHARE_ONE / 10, 19 }, { SHARE_ONE / 7, 100 }, { SHARE_ONE, 4 },     { SHARE_ONE / 100, 1000 },
	};
	struct buffer error = { 0 };
	struct policy_stats stats = { 0 };
	struct policy *p = NULL;
	double expected = 0;
	int chosen = 0;

	for (size_t i = 0; i < COUNT(stretches); i++) {
		struct wish w;
		struct policy *next;

		wish_init(&w, (struct option_word[OPTIONS_MAX]){ { 0 } });
		w.options.stats = &stats;
		w.options.sample_share = i % 3 == 2 ? SHARE_ONE / 2 : stretches[i].share;
		assert_int_equal(policy_new(&w.options, &next, &error), 0);
		assert_ptr_equal(policy_stats(next), &stats);
		if (i % 3 == 2)
			policy_set_share(next, stretches[i].share);
		if (p)
			policy_take_over(next, p);
		policy_free(p);
		p = next;
		for (int n = 0; n < stretches[i].requests; n++)
			chosen += decide(p, "POST", "/p", no_fields) == DECISION_CHOSEN;
		expected += (double)stretches[i].share / SHARE_ONE * stretches[i].requests;
		assert_true(chosen <= expected && chosen > expected - 1.000001);
	}
	policy_free(p);
	buffer_deinit(&error);
}

static void test_sample_by_ends(void **state)
{
	static const enum sample_by ways[] = { SAMPLE_BY_CLIENT, SAMPLE_BY_CONNECTION };

	for (size_t i = 0; i < COUNT(ways); i++) {
		struct policy_options options = { .sample_share = SHARE_ONE / 10, .sample_by = ways[i] };
		struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/p") };
		struct request_origin origin = { .client.family = 4, .server.family = 4 };
		struct buffer error = { 0 };
		struct policy *p = NULL;
		int chosen = 0, clients = 0;

		assert_int_equal(policy_new(&options, &p, &error), 0);
		for (int client = 0; client < 100; client++) {
			int of_this = 0;

			origin.client.addr[15] = (uint8_t)client;
			for (uint16_t port = 1; port <= 100; port++) {
				origin.client.port = port;
				of_this += policy_decide(p, &head, &origin) == DECISION_CHOSEN;
			}
			chosen += of_this;
			clients += of_this == 100;
			if (ways[i] == SAMPLE_BY_CLIENT)
				assert_true(of_this == 0 || of_this == 100);
		}
		if (ways[i] == SAMPLE_BY_CLIENT)
			assert_true(clients > 1 && clients < 25);
		else
			assert_true(chosen > 800 && chosen < 1200);
		policy_free(p);
		buffer_deinit(&error);
	}
}

static void test_names(void **state)
{
	assert_string_equal(decision_name(DECISION_CHOSEN), "chosen");
	assert_null(decision_reason(DECISION_CHOSEN));
	assert_string_equal(decision_name(DECISION_FILTERED_DENIED), "filtered");
	assert_string_equal(decision_reason(DECISION_FILTERED_DENIED), "denied");
	assert_string_equal(decision_name(DECISION_SHED_MEMORY), "shed");
	assert_string_equal(preset_names(), "v2, tfserving, torchserve, openai, tei, mlflow, any");
}

/* A number that no other head of the test has. */
static uint64_t number_of(const char *method, const char *target)
{
	uint64_t n = (uint8_t)method[1];

	while (*target)
		n = (n ^ (uint8_t)*target++) * 1099511628211U;
	return n;
}

/*
 * What a policy remembers changes nothing: after ten thousand others it says of
 * each head what one that has seen none says. The alphabet is small, so that
 * targets meet in one place, and some are too long to be remembered. Every other
 * head has a number, and only short ones come again often.
 */
static void test_memory(void **state)
{
	static const char *const parts[] = { "/v2", "/models", "/m", "/infer", "/repository", "/load", "/metrics", "?a=1" };
	static const char *const methods[] = { "POST", "PUT" };
	static const struct field_text no_fields[] = { { NULL, NULL } };
	struct policy_options options = { .preset = "any", .sample_share = SHARE_ONE,
					  .not_paths = { (const char *[]){ "a=1.*m" }, 1 } };
	struct policy *p;
	struct buffer error = { 0 };
	unsigned seed = 7, decisions[DECISION_COUNT] = { 0 };

	(void)state;
	assert_int_equal(policy_new(&options, &p, &error), 0);
	for (int i = 0; i < 10000; i++) {
		struct policy *fresh;
		char target[256] = "";
		const char *method = methods[rand_r(&seed) % 2];
		enum decision decision;

		for (int n = 1 + rand_r(&seed) % (i % 50 == 0 ? 25 : 4); n > 0; n--)
			strcat(target, parts[rand_r(&seed) % 8]);
		decision = decide_known(p, i % 20 < 10 ? number_of(method, target) : 0, method, target, no_fields);
		decisions[decision]++;
		if (i % 10 != 0)
			continue;
		assert_int_equal(policy_new(&options, &fresh, &error), 0);
		assert_int_equal(decision, decide(fresh, method, target, no_fields));
		policy_free(fresh);
	}
	assert_true(decisions[DECISION_CHOSEN] > 500 && decisions[DECISION_FILTERED_DENIED] > 500 &&
		    decisions[DECISION_FILTERED_PATH] > 50);
	policy_free(p);
	buffer_deinit(&error);
}

static void test_retries(void **state)
{
	static const struct header retried[] = { { SPAN_LITERAL("te"), SPAN_LITERAL("trailers") },
						 { SPAN_LITERAL("grpc-previous-rpc-attempts"), SPAN_LITERAL("1") } };
	struct policy_options options = { .sample_share = SHARE_ONE };
	struct request_head head = { .method = SPAN_LITERAL("POST"), .target = SPAN_LITERAL("/p.S/M"), .headers = retried,
				     .header_count = 2, .version_major = 2, .same = 1 };
	struct request_origin origin = { 0 };
	struct buffer error = { 0 };
	struct policy *p;

	(void)state;
	assert_int_equal(policy_new(&options, &p, &error), 0);
	policy_decide(p, &head, &origin);
	assert_int_equal(counter_get(&policy_stats(p)->grpc_retried), 0);
	head.is_grpc = true;
	head.header_count = 1;
	head.same = 2;
	policy_decide(p, &head, &origin);
	assert_int_equal(counter_get(&policy_stats(p)->grpc_retried), 0);
	head.header_count = 2;
	head.same = 3;
	for (int i = 0; i < 3; i++) /* also of equal heads, of which the decision is remembered */
		assert_int_equal(policy_decide(p, &head, &origin), DECISION_CHOSEN);
	assert_int_equal(counter_get(&policy_stats(p)->grpc_retried), 3);
	policy_free(p);
}

static void test_needs_whole(void **state)
{
	static const struct {
		const char *preset;
		enum h2_heads heads;
		bool whole;
	} ways[] = {
		{ NULL, H2_HEADS_AUTO, true },	  { "any", H2_HEADS_AUTO, true },	{ "v2", H2_HEADS_AUTO, false },
		{ "tfserving", H2_HEADS_AUTO, false }, { "torchserve", H2_HEADS_AUTO, true }, { "openai", H2_HEADS_AUTO, true },
		{ "mlflow", H2_HEADS_AUTO, true },     { "v2", H2_HEADS_WHOLE, true },	{ NULL, H2_HEADS_NEEDED, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct policy_options options = { .preset = ways[i].preset, .h2_heads = ways[i].heads };
		struct buffer error = { 0 };
		struct policy *p;

		assert_int_equal(policy_new(&options, &p, &error), 0);
		if (policy_needs_whole(p) != ways[i].whole)
			fail_msg("way %zu", i);
		policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decisions),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_giving_up),      cmocka_unit_test(test_own_connections),
		cmocka_unit_test(test_sample_counts_matching), cmocka_unit_test(test_sample_by_ends),
		cmocka_unit_test(test_sample_goes_on),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_memory),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_needs_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
