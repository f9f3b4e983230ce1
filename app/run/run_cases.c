/* run_cases.c - --repro: the gravest mismatches of the run, as files (app/cases/) */
#include "app/run/run_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/cases/case_folder.h"
#include "app/process/privileges.h"
#include "base/log.h"

int run_open_cases(struct run *r, struct buffer *error)
{
	const char *path = r->o->compare.repro_path;

	return path ? case_writer_start(path, &r->case_writer, error) : 0;
}

static struct case_response response_of(const struct response *r)
{
	if (!r)
		return (struct case_response){ 0 };
	return (struct case_response){ r->status_code, r->headers, r->header_count, span_of(r->body, (size_t)r->body_len) };
}

/** below_prefix() - what a client puts behind the target's URL to get @target */
static struct span below_prefix(struct span target, const char *prefix)
{
	span_skip(&target, span_starts(target, span_str(prefix)) ? strlen(prefix) : 0);
	return target;
}

/*
 * Of the captured fields those that the target was sent: what -H sets may be a secret of the user's, and the names of
 * the clients' credentials are told.
 */
static void take_fields(const struct run *r, const struct kept_case *x, const struct outgoing *sent, struct header_list *out)
{
	const struct request_head *head = &x->message->head;

	for (size_t i = 0; i < sent->fields.count; i++) {
		const struct header *h = &sent->fields.at[i];

		if (rewrite_allows(r->rules.rewrite[x->target], h->name, false))
			header_list_add(out, h->name, h->value);
	}
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *h = &head->headers[i];

		if (case_field_is_secret(h->name, h->value) && !rewrite_allows(r->rules.rewrite[x->target], h->name, false))
			header_list_add(out, h->name, h->value);
	}
}

static void name_case(const struct run *r, const struct kept_case *x, char *out)
{
	size_t shadows = 0;
	char id[MESSAGE_ID_TEXT_MAX];

	for (size_t i = 0; i < r->o->target_count; i++)
		shadows += !r->o->targets[i].is_control;
	message_id_text(x->message->origin.id, id);
	if (shadows > 1)
		snprintf(out, CASE_NAME_MAX, "%s-%s", id, r->o->targets[x->target].url.name);
	else
		snprintf(out, CASE_NAME_MAX, "%s", id);
}

static int put_case(struct run *r, const struct kept_case *x, const struct case_rules *rules, const struct outgoing *sent,
		    const struct header_list *fields)
{
	const struct target_url *url = &r->o->targets[x->target].url;
	struct case_file files[CASE_FILES_MAX];
	char id[MESSAGE_ID_TEXT_MAX], name[CASE_NAME_MAX], server[ENDPOINT_TEXT_MAX];
	const struct case_facts facts = {
		.id = message_id_text(x->message->origin.id, id),
		.target_name = url->name,
		.verdict = comparison_name(x->verdict),
		.server = endpoint_text(&x->message->origin.server, server),
		.method = sent->method,
		.target = below_prefix(sent->target, url->prefix),
		.headers = fields->at,
		.header_count = fields->count,
		.body = span_of(x->message->body, (size_t)x->message->body_len),
		.production = response_of(x->production),
		.shadow = response_of(x->shadow),
		.rules = rules,
		.differences = buffer_span(&x->differences),
	};
	size_t count = case_files_make(&facts, files);
	int err;

	name_case(r, x, name);
	err = count > 0 ? case_writer_put(r->case_writer, name, files, count) : -ENOMEM;
	case_files_deinit(files);
	return err;
}

/** write_case() - the head as it is sent now: a SIGHUP may have changed how since */
static int write_case(struct run *r, const struct kept_case *x, const struct case_rules *rules)
{
	struct outgoing sent = { 0 };
	struct header_list fields = { 0 };
	int err = rewrite_request(r->rules.rewrite[x->target], x->message, &sent);

	if (err == 0) {
		take_fields(r, x, &sent, &fields);
		err = header_list_ok(&fields) ? put_case(r, x, rules, &sent, &fields) : -ENOMEM;
	}
	header_list_deinit(&fields);
	outgoing_deinit(&sent);
	return err == -EINVAL ? 0 : err; /* what cannot be sent any more is no case */
}

/** tell_again() - where cases are, and how @first is sent again */
static void tell_again(const struct run *r, const struct kept_case *first, size_t count)
{
	const char *path = r->o->compare.repro_path;
	struct buffer program = { 0 }, again = { 0 };
	char name[CASE_NAME_MAX];

	name_case(r, first, name);
	privileges_program(&program);
	case_add_again(&again, buffer_span(&program), r->o->targets[first->target].url.shown, path, name);
	if (buffer_ok(&again))
		log_info("%zu %s in \"%s\"; to send %s again: %s", count, count == 1 ? "case" : "cases", path,
			 count == 1 ? "it" : "one", buffer_text(&again));
	buffer_deinit(&again);
	buffer_deinit(&program);
}

static void tell(const struct run *r, int err)
{
	const struct case_keeper *k = comparing_cases(r->comparing);
	const char *path = r->o->compare.repro_path;
	size_t count = case_keeper_count(k);
	uint64_t refused = case_keeper_refused(k);

	if (err < 0)
		log_error("cannot write cases to \"%s\": %s; repeat the run with another folder", path, strerror(-err));
	else if (count > 0)
		tell_again(r, case_keeper_at(k, 0), count);
	else
		log_info("no case in \"%s\": there was no mismatch to keep", path);
	if (refused > 0)
		log_warn("%llu mismatches were no cases since their bodies are too large for --max-memory, of which a sixteenth is for cases",
			 (unsigned long long)refused);
}

int run_write_cases(struct run *r)
{
	const struct case_keeper *k = r->comparing ? comparing_cases(r->comparing) : NULL;
	struct case_rules rules;
	int err = 0, end;

	if (!r->case_writer || !k)
		return 0;
	rules = comparing_rules(r->comparing);
	for (size_t i = 0; i < case_keeper_count(k) && err == 0; i++)
		err = write_case(r, case_keeper_at(k, i), &rules);
	end = case_writer_finish(r->case_writer);
	if (end < 0) /* the reason, where putting only found the other end closed */
		err = end;
	tell(r, err);
	return err;
}
