/* events.c - see sse.h */
#include "report/events.h"

#include <stdio.h>
#include <time.h>

#include "base/digits.h"
#include "base/json.h"
#include "message/grpc.h"

/* Of http://user:password@host/path the path: who the user is, and what proves it, is not told. */
static struct span without_user_info(struct span target)
{
	const uint8_t *scheme = memmem(target.at, target.len, "://", 3);
	struct span rest = target;
	size_t authority = 0;

	if (scheme)
		span_skip(&rest, (size_t)(scheme - target.at) + 3);
	while (authority < rest.len && !memchr("/?#", rest.at[authority], 3))
		authority++;
	if (!memchr(rest.at, '@', authority))
		return target;
	span_skip(&rest, authority);
	return rest;
}

struct span target_shown(struct span target, bool show_query)
{
	const uint8_t *query;

	if (target.len > 0 && target.at[0] != '/')
		target = without_user_info(target);
	query = show_query || target.len == 0 ? NULL : memchr(target.at, '?', target.len);
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

static void id_members(struct json *j, const struct request_origin *origin)
{
	char text[WIRE_ID_TEXT_MAX];

	json_key(j, "id");
	json_str(j, message_id_text(origin->id, text));
	if (!wire_id_is_set(origin->wire))
		return;
	json_key(j, "wire_id");
	json_str(j, wire_id_text(origin->wire, text));
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

/*
 * A request's event is written with all that stands between two values as one
 * literal, and its beginning and its end, which have bounds, into room that is
 * asked for once: names that are quoted one by one, and commas that are decided one
 * by one, were two thirds of what it cost, and it is written for each request.
 */
#define BEGINNING_MAX (180 + MESSAGE_ID_TEXT_MAX + WIRE_ID_TEXT_MAX + TIME_TEXT_MAX + 2 * DIGITS_UINT_MAX + 3 * ENDPOINT_TEXT_MAX)
#define END_MAX (256 + DIGITS_UINT_MAX + 2 * DIGEST_SHA256_BYTES) /* names of verdicts are short */

#define PUT(j, literal) put(j, literal, sizeof(literal) - 1)

static inline void put(struct json *j, const char *literal, size_t len)
{
	buffer_add(j->out, literal, len);
	j->comma = false; /* the literal ends where a value begins */
}

/** put_beginning() - all in front of the method */
static void put_beginning(struct buffer *out, const struct request_origin *origin)
{
	char *at = buffer_room(out, BEGINNING_MAX);

	if (!at)
		return;
	at = message_id_put(PUT_LITERAL(at, "{\"event\":\"request\",\"id\":\""), origin->id);
	if (wire_id_is_set(origin->wire))
		at = wire_id_put(PUT_LITERAL(at, "\",\"wire_id\":\""), origin->wire);
	at = time_put(PUT_LITERAL(at, "\",\"ts\":\""), origin->ts_last);
	at = put_int(PUT_LITERAL(at, "\",\"ts_first_ns\":"), origin->ts_first.ns);
	at = put_int(PUT_LITERAL(at, ",\"ts_last_ns\":"), origin->ts_last.ns);
	at = endpoint_put(PUT_LITERAL(at, ",\"src\":\""), &origin->client);
	at = endpoint_put(PUT_LITERAL(at, "\",\"dst\":\""), &origin->server);
	if (origin->proxied.family)
		at = endpoint_put(PUT_LITERAL(at, "\",\"client\":\""), &origin->proxied);
	buffer_end(out, PUT_LITERAL(at, "\",\"method\":"));
}

/** put_end() - all behind the headers, but for the rule; the names need no escape */
static void put_end(struct buffer *out, const struct message *m, enum decision decision)
{
	const char *reason = decision_reason(decision);
	char *at = buffer_room(out, END_MAX);

	if (!at)
		return;
	at = put_uint(PUT_LITERAL(at, "],\"body_len\":"), m->body_len);
	if (m->has_sha256) {
		at = PUT_LITERAL(at, ",\"body_sha256\":\"");
		at = PUT_LITERAL(put_hex(at, m->body_sha256, sizeof(m->body_sha256)), "\"");
	}
	at = stpcpy(PUT_LITERAL(at, ",\"verdict\":\""), decision_name(decision));
	if (reason)
		at = stpcpy(PUT_LITERAL(at, "\",\"reason\":\""), reason);
	buffer_end(out, PUT_LITERAL(at, "\""));
}

static void put_headers(struct json *j, const struct event_options *o, const struct request_head *head)
{
	bool some = false;

	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *h = &head->headers[i];

		if (!o->shows_header(o->ctx, h->name, head->is_grpc))
			continue;
		if (some)
			PUT(j, ",[");
		else
			PUT(j, "[");
		some = true;
		json_text(j, h->name);
		json_text(j, h->value);
		PUT(j, "]");
	}
}

/** put_head() - from the method's value to the last header's */
static void put_head(const struct event_options *o, const struct request_head *head, struct buffer *out)
{
	struct json j = json_to(out);

	json_text(&j, head->method);
	PUT(&j, ",\"target\":");
	json_text(&j, target_shown(head->target, o->show_query));
	if (head->version_major == 2)
		PUT(&j, ",\"version\":\"2\",\"headers\":[");
	else if (head->version_minor == 0) /* 1.0 and 1.1 are the only ones of HTTP/1 that are mirrored */
		PUT(&j, ",\"version\":\"1.0\",\"headers\":[");
	else
		PUT(&j, ",\"version\":\"1.1\",\"headers\":[");
	put_headers(&j, o, head);
}

/** put_known_head() - put_head(), once for heads that are known to be equal */
static void put_known_head(const struct event_options *o, const struct request_head *head, struct buffer *out)
{
	struct event_head *known = &o->heads->known[head->same % EVENT_HEADS];
	size_t before = out->len;

	if (known->same == head->same) {
		buffer_add(out, known->text, known->len);
		return;
	}
	put_head(o, head, out);
	if (!buffer_ok(out) || out->len - before > sizeof(known->text))
		return;
	known->len = out->len - before;
	memcpy(known->text, out->bytes + before, known->len);
	known->same = head->same;
}

/** put_grpc() - of a call of gRPC; a path that does not name one has neither a service nor a method */
static void put_grpc(struct json *j, const struct message *m)
{
	struct grpc_route route;

	PUT(j, ",\"grpc\":{\"service\":");
	if (grpc_route_of(m->head.target, &route)) {
		json_text(j, route.service);
		PUT(j, ",\"method\":");
		json_text(j, route.method);
	} else {
		PUT(j, "null,\"method\":null");
	}
	PUT(j, ",\"messages\":");
	json_uint(j, m->grpc_messages);
	PUT(j, "}");
}

/** put_tls() - under what it came */
static void put_tls(struct json *j, const struct tls_session *s)
{
	PUT(j, ",\"tls\":{\"version\":");
	json_text(j, span_str(tls_session_version(s)));
	PUT(j, ",\"cipher\":");
	json_text(j, span_str(s->cipher));
	PUT(j, ",\"sni\":");
	if (s->name[0])
		json_text(j, span_str(s->name));
	else
		PUT(j, "null");
	PUT(j, "}");
}

void event_request(const struct event_options *o, const struct message *m, enum decision decision,
		   struct span rule, struct buffer *out)
{
	struct json j = json_to(out);

	put_beginning(out, &m->origin);
	if (o->heads && m->head.same)
		put_known_head(o, &m->head, out);
	else
		put_head(o, &m->head, out);
	put_end(out, m, decision);
	if (m->head.is_grpc)
		put_grpc(&j, m);
	if (m->origin.tls)
		put_tls(&j, m->origin.tls);
	if (rule.len > 0) {
		PUT(&j, ",\"rule\":");
		json_text(&j, rule);
	}
	PUT(&j, "}\n");
}

void event_lost(const struct event_options *o, const struct request_origin *origin, enum lost_reason reason,
		const struct request_head *head, struct buffer *out)
{
	struct json j = json_to(out);
	char text[TIME_TEXT_MAX];

	begin(&j, "lost");
	json_key(&j, "reason");
	json_str(&j, lost_reason_name(reason));
	id_members(&j, origin);
	if (head && head->method.len > 0) {
		json_key(&j, "method");
		json_text(&j, head->method);
		json_key(&j, "target");
		json_text(&j, target_shown(head->target, o->show_query));
	}
	endpoint_member(&j, "src", &origin->client);
	endpoint_member(&j, "dst", &origin->server);
	if (origin->proxied.family)
		endpoint_member(&j, "client", &origin->proxied);
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

void event_outcome(const struct message *m, const char *target_name, const struct outcome *o,
		   struct buffer *out)
{
	struct json j = json_to(out);
	const char *name = outcome_name(o->kind);
	bool answered = outcome_is_answered(o->kind);

	begin(&j, "outcome");
	id_members(&j, &m->origin);
	json_key(&j, "target_name");
	json_str(&j, target_name);
	json_key(&j, "outcome");
	json_str(&j, answered || !name ? outcome_group(o->kind) : name);
	json_key(&j, "status_code");
	if (o->status_code)
		json_int(&j, o->status_code);
	else
		json_null(&j);
	if (o->grpc_status != GRPC_STATUS_NONE) {
		json_key(&j, "grpc_status");
		json_str(&j, grpc_status_name(o->grpc_status));
	}
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
		if (d->rule) {
			json_key(j, "rule");
			json_str(j, d->rule);
		}
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
	id_members(&j, &m->origin);
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
