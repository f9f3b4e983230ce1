/* minimise.c - see minimise.h */
#include "app/cases/minimise.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cases/case_folder.h"
#include "app/cases/difference_text.h"
#include "app/cases/hand_pair.h"
#include "app/cases/http_once.h"
#include "app/cases/json_reduce.h"
#include "app/cases/stored_case.h"
#include "app/options/exit_status.h"
#include "base/hash.h"
#include "base/log.h"

/** struct sign - by what a difference is known again: the kind and the place of each */
struct sign {
	enum comparison_verdict verdict;
	size_t count;
	uint64_t at[FINDINGS_MAX];
};

struct minimise {
	const char *path;
	struct stored_case stored;
	struct comparer *comparer;
	struct http_shadow *shadow;
	struct hand_pair pair;
	struct sign sign; /* of the whole request */
	struct buffer response, last; /* of the candidate at hand; of the last that was kept */
	size_t sends;
};

/* ---- what differs ---- */

static struct sign sign_of(const struct comparison *c)
{
	static const struct hash_key key; /* within one command only */
	struct sign s = { .verdict = c->verdict };

	for (size_t i = 0; i < c->findings.count && i < FINDINGS_MAX; i++) {
		const struct finding *f = &c->findings.at[i];

		s.at[s.count++] = hash_bytes(&key, f->pattern, strlen(f->pattern)) + f->kind;
	}
	return s;
}

static bool sign_has(const struct sign *s, uint64_t one)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i] == one)
			return true;
	return false;
}

/** is_same() - the gravest is still there, and nothing is new */
static bool is_same(const struct sign *whole, const struct sign *now)
{
	if (now->verdict != whole->verdict || (whole->count > 0 && !sign_has(now, whole->at[0])))
		return false;
	for (size_t i = 0; i < now->count; i++)
		if (!sign_has(whole, now->at[i]))
			return false;
	return true;
}

/* ---- asking the shadow ---- */

static int ask(struct minimise *m, struct span body)
{
	const struct stored_case *c = &m->stored;
	const struct http_once request = { .method = span_str(stored_case_text(c, STORED_METHOD)),
					   .target = span_str(stored_case_text(c, STORED_TARGET)),
					   .headers = c->fields.at,
					   .header_count = c->fields.count };

	if (m->sends == MINIMISE_SENDS_MAX)
		return -EDQUOT;
	m->sends++;
	buffer_clear(&m->response);
	return http_once(m->shadow, &request, body, &m->response);
}

/** compare() - what came of asking with @body; NULL: no response that can be read */
static const struct comparison *compare(struct minimise *m, struct span body)
{
	struct told_response told = { 0 };
	const struct comparison *c = NULL;
	const char *error;

	if (told_response_read(&told, buffer_span(&m->response), &error) == 0 && told.status_code != 0 &&
	    hand_pair_request(&m->pair, body) &&
	    hand_pair_response(&m->pair, HAND_SHADOW, told.status_code, &told.head, told.body))
		c = hand_pair_compare(&m->pair, m->comparer);
	told_response_deinit(&told);
	return c;
}

/** holds() - json_reduce()'s */
static int holds(void *ctx, struct span candidate)
{
	struct minimise *m = ctx;
	const struct comparison *c;
	struct sign now;
	int err = ask(m, candidate);

	if (err == -EDQUOT || err == -ENOMEM)
		return err;
	c = err < 0 ? NULL : compare(m, candidate); /* without what it needs a shadow may break off */
	if (!c)
		return 0;
	now = sign_of(c);
	if (!is_same(&m->sign, &now))
		return 0;
	buffer_clear(&m->last);
	buffer_add_span(&m->last, buffer_span(&m->response));
	return buffer_ok(&m->last) ? 1 : -ENOMEM;
}

/* ---- before and after ---- */

static int make_comparer(struct minimise *m)
{
	return hand_comparer_new(&m->stored.rules.rules, "rules.txt", &m->comparer);
}

static int find_shadow(struct minimise *m, const char *url)
{
	struct buffer error = { 0 };
	int err = http_shadow_new(url, buffer_text(&m->stored.server), &m->shadow, &error);

	if (err < 0)
		log_error("repro: --minimise: %s", error.len ? buffer_text(&error) : strerror(-err));
	buffer_deinit(&error);
	return err;
}

/** ask_whole() - does the shadow differ, before anything is left out? */
static int ask_whole(struct minimise *m)
{
	const struct told_response *p = &m->stored.production;
	const char *verdict = stored_case_text(&m->stored, STORED_VERDICT);
	const struct comparison *c;
	int err;

	if (!hand_pair_response(&m->pair, HAND_PRODUCTION, p->status_code, &p->head, p->body))
		return -ENOMEM;
	err = ask(m, buffer_span(&m->stored.request));
	if (err < 0) {
		log_error("repro: the shadow gives no response: %s", strerror(-err));
		return err;
	}
	c = compare(m, buffer_span(&m->stored.request));
	if (!c || strcmp(comparison_name(c->verdict), verdict) != 0) {
		log_error("repro: the shadow does not differ as it did: the case says %s, and now it is %s", verdict,
			  c ? comparison_name(c->verdict) : "no response that can be read");
		return -ENOENT;
	}
	m->sign = sign_of(c);
	buffer_add_span(&m->last, buffer_span(&m->response));
	return buffer_ok(&m->last) ? 0 : -ENOMEM;
}

static struct case_response response_of(const struct response *r)
{
	return (struct case_response){ r->status_code, r->headers, r->header_count, span_of(r->body, (size_t)r->body_len) };
}

static void add_differences(struct minimise *m, const struct json_reduction *result, struct span body, struct buffer *out)
{
	const struct comparison *c;

	buffer_clear(&m->response);
	buffer_add_span(&m->response, buffer_span(&m->last));
	c = compare(m, body);
	buffer_printf(out, "%zu of %zu parts of the request are left out; production's response is that to the whole request\n",
		      result->dropped, result->parts);
	if (c)
		difference_text(c, out);
}

static int write_files(const char *folder_path, const char *name, const struct case_facts *f)
{
	struct case_file files[CASE_FILES_MAX];
	size_t count = case_files_make(f, files);
	int folder = case_folder_open(folder_path), err = folder < 0 ? folder : count == 0 ? -ENOMEM : 0;

	if (err == 0)
		err = case_folder_begin(folder, name);
	for (size_t i = 0; i < count && err == 0; i++)
		err = case_folder_write(folder, name, files[i].name, files[i].is_program, buffer_span(&files[i].content));
	if (folder >= 0)
		close(folder);
	case_files_deinit(files);
	if (err < 0)
		log_error("repro: cannot write the case to \"%s/%s\": %s; %s", folder_path, name, strerror(-err), case_folder_advice(err));
	return err;
}

static int write_case(struct minimise *m, const struct json_reduction *result, struct span body)
{
	char copy[PATH_MAX], other[PATH_MAX], name[CASE_NAME_MAX];
	const struct stored_case *c = &m->stored;
	struct buffer differences = { 0 };
	const char *folder;
	int err;

	add_differences(m, result, body, &differences);
	snprintf(copy, sizeof(copy), "%s", m->path);
	snprintf(other, sizeof(other), "%s", m->path);
	folder = dirname(other);
	snprintf(name, sizeof(name), "%.80s-minimal", basename(copy));
	const struct case_facts facts = {
		.id = stored_case_text(c, STORED_ID),
		.target_name = stored_case_text(c, STORED_TARGET_NAME),
		.verdict = stored_case_text(c, STORED_VERDICT),
		.method = span_str(stored_case_text(c, STORED_METHOD)),
		.target = span_str(stored_case_text(c, STORED_TARGET)),
		.server = c->server.len ? (const char *)c->server.bytes : NULL,
		.headers = c->fields.at,
		.header_count = c->fields.count,
		.body = body,
		.production = response_of(m->pair.response[HAND_PRODUCTION]),
		.shadow = response_of(m->pair.response[HAND_SHADOW]),
		.rules = &c->rules.rules,
		.differences = buffer_span(&differences),
	};
	err = write_files(folder, name, &facts);
	if (err == 0)
		log_info("%zu of %zu parts of the request left out with %zu requests%s: \"%s/%s\"", result->dropped, result->parts, m->sends,
			 result->is_least ? "" : ", which is the most", folder, name);
	buffer_deinit(&differences);
	return err;
}

static int reduce(struct minimise *m)
{
	struct json_reduction result;
	struct buffer body = { 0 };
	int err = json_reduce(buffer_span(&m->stored.request), holds, m, &body, &result);

	if (err == -EINVAL)
		log_error("repro: the request of the case is no JSON, of which parts could be left out");
	else if (err < 0)
		log_error("repro: after %zu requests: %s", m->sends, strerror(-err));
	else
		err = write_case(m, &result, buffer_span(&body));
	buffer_deinit(&body);
	return err;
}

int minimise(const char *path, const char *url)
{
	struct minimise m = { .path = path };
	int err = stored_case_read(&m.stored, path);

	hand_pair_init(&m.pair);
	if (err == 0)
		err = make_comparer(&m);
	if (err == 0)
		err = find_shadow(&m, url);
	if (err == -EPERM || err == -EINVAL)
		err = -EPERM;
	else if (err == 0 && (err = ask_whole(&m)) == 0)
		err = reduce(&m);
	http_shadow_free(m.shadow);
	comparer_free(m.comparer);
	hand_pair_deinit(&m.pair);
	stored_case_deinit(&m.stored);
	buffer_deinit(&m.response);
	buffer_deinit(&m.last);
	return err == 0 ? EXIT_DONE : err == -EPERM ? EXIT_USAGE : EXIT_COULD_NOT;
}
