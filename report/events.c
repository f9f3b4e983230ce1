/* events.c - see events.h */
#include "report/events.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"

struct span target_shown(struct span target, bool show_query)
{
	const uint8_t *query = show_query || target.len == 0 ? NULL : memchr(target.at, '?', target.len);

	if (query)
		target.len = (size_t)(query - target.at);
	return target;
}

static void endpoint_member(struct json *j, const char *name, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	json_key(j, name);
	json_str(j, endpoint_text(e, text));
}

static void id_member(struct json *j, uint64_t id)
{
	char text[MESSAGE_ID_TEXT_MAX];

	json_key(j, "id");
	json_str(j, message_id_text(id, text));
}

static void begin(struct json *j, const char *event)
{
	json_open(j, '{');
	json_key(j, "event");
	json_str(j, event);
}

static void end(struct json *j)
{
	json_close(j, '}');
	buffer_add(j->out, "\n", 1);
}

static void headers_member(struct json *j, const struct event_options *o, const struct request_head *head)
{
	json_key(j, "headers");
	json_open(j, '[');
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *h = &head->headers[i];

		if (!o->shows_header(o->ctx, h->name))
			continue;
		json_open(j, '[');
		json_text(j, h->name);
		json_text(j, h->value);
		json_close(j, ']');
	}
	json_close(j, ']');
}

void event_request(const struct event_options *o, const struct message *m, enum verdict verdict, struct buffer *out)
{
	struct json j = json_to(out);
	char text[TIME_TEXT_MAX];

	begin(&j, "request");
	id_member(&j, m->origin.id);
	json_key(&j, "ts");
	json_str(&j, time_text(m->origin.ts_last, text));
	json_key(&j, "ts_first_ns");
	json_int(&j, m->origin.ts_first.ns);
	json_key(&j, "ts_last_ns");
	json_int(&j, m->origin.ts_last.ns);
	endpoint_member(&j, "src", &m->origin.client);
	endpoint_member(&j, "dst", &m->origin.server);
	json_key(&j, "method");
	json_text(&j, m->head.method);
	json_key(&j, "target");
	json_text(&j, target_shown(m->head.target, o->show_query));
	json_key(&j, "version");
	snprintf(text, sizeof(text), "%u.%u", m->head.version_major, m->head.version_minor);
	json_str(&j, text);
	headers_member(&j, o, &m->head);
	json_count(&j, "body_len", m->body_len);
	if (m->has_sha256) {
		json_key(&j, "body_sha256");
		json_hex(&j, m->body_sha256, sizeof(m->body_sha256));
	}
	json_key(&j, "verdict");
	json_str(&j, verdict_name(verdict));
	if (verdict_reason(verdict)) {
		json_key(&j, "reason");
		json_str(&j, verdict_reason(verdict));
	}
	end(&j);
}

void event_lost(const struct request_origin *origin, enum lost_reason reason, struct buffer *out)
{
	struct json j = json_to(out);
	char text[TIME_TEXT_MAX];

	begin(&j, "lost");
	json_key(&j, "reason");
	json_str(&j, lost_reason_name(reason));
	id_member(&j, origin->id);
	endpoint_member(&j, "src", &origin->client);
	endpoint_member(&j, "dst", &origin->server);
	json_key(&j, "ts");
	json_str(&j, time_text(origin->ts_first, text));
	end(&j);
}

static void time_member(struct json *j, const char *name, int64_t us)
{
	json_key(j, name);
	if (us < 0)
		json_null(j);
	else
		json_int(j, us);
}

void event_outcome(const struct message *m, const char *target_name, const struct outcome *o, struct buffer *out)
{
	struct json j = json_to(out);
	const char *name = outcome_name(o->kind);
	bool answered = o->kind <= OUTCOME_ANSWERED_5XX;

	begin(&j, "outcome");
	id_member(&j, m->origin.id);
	json_key(&j, "target_name");
	json_str(&j, target_name);
	json_key(&j, "outcome");
	json_str(&j, answered || !name ? outcome_group(o->kind) : name);
	json_key(&j, "status_code");
	if (o->status_code)
		json_int(&j, o->status_code);
	else
		json_null(&j);
	time_member(&j, "connect_us", o->connect_us);
	time_member(&j, "first_byte_us", o->first_byte_us);
	time_member(&j, "total_us", o->total_us);
	end(&j);
}

/* Of a pair that differs everywhere; the report counts all. */
#define DIFFERENCES_SHOWN 16

static void differences_member(struct json *j, const struct findings *f, bool show_values)
{
	json_key(j, "differences");
	json_open(j, '[');
	for (size_t i = 0; i < f->count && i < DIFFERENCES_SHOWN; i++) {
		const struct finding *d = &f->at[i];

		json_open(j, '{');
		json_key(j, "path");
		json_str(j, d->pattern);
		json_key(j, "kind");
		json_str(j, difference_name(d->kind));
		json_count(j, "count", d->count);
		if (show_values) {
			json_key(j, "production");
			json_str(j, d->production);
			json_key(j, "shadow");
			json_str(j, d->shadow);
		}
		json_close(j, '}');
	}
	json_close(j, ']');
}

void event_comparison(const struct message *m, const char *target_name, const struct comparison *c,
		      int64_t production_us, int64_t shadow_us, bool show_values, struct buffer *out)
{
	struct json j = json_to(out);

	begin(&j, "comparison");
	id_member(&j, m->origin.id);
	json_key(&j, "target_name");
	json_str(&j, target_name);
	json_key(&j, "verdict");
	json_str(&j, comparison_name(c->verdict));
	json_key(&j, "reason");
	if (c->reason)
		json_str(&j, c->reason);
	else
		json_null(&j);
	json_key(&j, "kind");
	json_str(&j, body_kind_name(c->kind));
	differences_member(&j, &c->findings, show_values);
	time_member(&j, "production_us", production_us);
	time_member(&j, "shadow_us", shadow_us);
	end(&j);
}
