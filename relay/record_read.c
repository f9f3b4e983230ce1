/* record_read.c - see record_read.h */
#include "relay/record_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message/grpc.h"
#include "message/http_text.h"
#include "relay/percent.h"
#include "relay/record_head.h"
#include "relay/wire_id.h"

const char *record_fault_name(enum record_fault fault)
{
	static const char *const names[] = {
		[RECORD_FINE] = "fine",
#define X(id, name) [RECORD_FAULT_##id] = name,
		RECORD_FAULTS(X)
#undef X
	};

	return names[fault];
}

/* ---- attributes ---- */

/* The attributes, by the fields of the message that carry them */
#define ATTRIBUTE(name, member) { { (const uint8_t *)(name), sizeof(name) - 1 }, offsetof(struct record_fields, member) }
static const struct {
	struct span name;
	size_t offset;
} attributes[] = {
	ATTRIBUTE("ce-id", id),
	ATTRIBUTE("ce-specversion", specversion),
	ATTRIBUTE("ce-type", type),
	ATTRIBUTE("ce-source", source),
	ATTRIBUTE("ce-sequence", sequence),
	ATTRIBUTE("ce-time", time),
	ATTRIBUTE("ce-datacontenttype", content_type),
	ATTRIBUTE("ce-httpversion", http_version),
	ATTRIBUTE("ce-tap", tap),
};
#undef ATTRIBUTE

/** is_attribute() - in letters of any case; most are written as we do, and comparing bytes is the cheaper half */
static bool is_attribute(struct span name, struct span attribute)
{
	return name.len == attribute.len && (memcmp(name.at, attribute.at, name.len) == 0 || span_equal_nocase(name, attribute));
}

void record_fields_set(struct record_fields *f, struct span name, struct span value)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		struct span *attribute = (struct span *)(void *)((char *)f + attributes[i].offset);

		if (!is_attribute(name, attributes[i].name))
			continue;
		if (!attribute->at)
			*attribute = value;
		return;
	}
}

enum record_kind record_kind_of(const struct record_fields *in)
{
	if (span_equal(in->type, SPAN_LITERAL(RECORD_REQUEST_TYPE)))
		return RECORD_REQUEST;
	if (span_equal(in->type, SPAN_LITERAL(RECORD_ANSWER_TYPE)))
		return RECORD_ANSWER;
	return span_equal(in->type, SPAN_LITERAL(RECORD_TAP_TYPE)) ? RECORD_TAP : RECORD_OTHER;
}

static enum record_fault read_id(const struct record_fields *in, struct record_event *out)
{
	char text[RECORD_SOURCE_MAX];
	struct span id;
	size_t len;

	if (!percent_decode(in->id, text, sizeof(text), &len) || len == 0)
		return RECORD_FAULT_ID;
	id = span_of(text, len);
	if (record_kind_of(in) == RECORD_ANSWER) { /* that of its request, and an "a" */
		if (text[len - 1] != 'a' || len == 1)
			return RECORD_FAULT_ID;
		id.len--;
	}
	if (!wire_id_parse(id, &out->id))
		out->id = wire_id_of_event(span_of(out->source, out->source_len), id);
	return RECORD_FINE;
}

static enum record_fault read_event(const struct record_fields *in, struct record_event *out)
{
	*out = (struct record_event){ .has_sequence = in->sequence.at != NULL, .has_time = in->time.at != NULL };
	if (!in->specversion.at || !in->type.at || !in->source.at || !in->id.at)
		return RECORD_FAULT_NOT_CLOUDEVENTS;
	if (!span_equal(in->specversion, SPAN_LITERAL(RECORD_SPECVERSION)))
		return RECORD_FAULT_VERSION;
	if (!percent_decode(in->source, out->source, RECORD_SOURCE_MAX, &out->source_len) || out->source_len == 0)
		return RECORD_FAULT_SOURCE;
	if (out->has_sequence && !record_number_read(in->sequence, &out->sequence))
		return RECORD_FAULT_SEQUENCE;
	if (out->has_time && !time_read(in->time, &out->time))
		return RECORD_FAULT_TIME;
	return read_id(in, out);
}

/** refuse() - what a reader returns for @fault */
static int refuse(enum record_fault fault, enum record_fault *why)
{
	*why = fault;
	return fault == RECORD_FINE ? 0 : -EBADMSG;
}

int record_read_event(const struct record_fields *in, struct record_event *out, enum record_fault *why)
{
	return refuse(read_event(in, out), why);
}

/* ---- the type of the data ---- */

static struct span unquoted(struct span s)
{
	bool quoted = s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"';

	return quoted ? span_of(s.at + 1, s.len - 2) : s;
}

/** is_http() - application/http, whose msgtype, if it says one, is @kind; none at all is as good, since the event's type says it */
static bool is_http(struct span type, struct span kind)
{
	struct span media, one, name, value;

	span_cut(type, ';', &media, &type);
	if (!span_equal_nocase(span_trim(media), SPAN_LITERAL("application/http")))
		return false;
	while (type.len > 0) {
		span_cut(type, ';', &one, &type);
		span_cut(one, '=', &name, &value);
		if (span_equal_nocase(span_trim(name), SPAN_LITERAL("msgtype")) && !span_equal_nocase(unquoted(span_trim(value)), kind))
			return false;
	}
	return true;
}

/* The value may be percent-encoded, where it has quotes. */
enum record_fault record_content_check(const struct record_fields *in, struct span kind)
{
	const struct span ours = SPAN_LITERAL("application/http;msgtype="); /* as taps write it, and then @kind */
	struct span type = in->content_type;
	char text[128];
	size_t len;

	if (!type.at || (span_starts(type, ours) && span_skip(&type, ours.len) && span_equal(type, kind)))
		return RECORD_FINE;
	if (!percent_decode(in->content_type, text, sizeof(text), &len) || !is_http(span_of(text, len), kind))
		return RECORD_FAULT_CONTENT_TYPE;
	return RECORD_FINE;
}

/* ---- requests ---- */

static enum record_fault read_version(const struct record_fields *in, bool *is_http2)
{
	*is_http2 = span_equal(in->http_version, SPAN_LITERAL("2"));
	if (!in->http_version.at || *is_http2 || span_equal(in->http_version, SPAN_LITERAL("1.1")) ||
	    span_equal(in->http_version, SPAN_LITERAL("1.0")))
		return RECORD_FINE;
	return RECORD_FAULT_HTTP_VERSION;
}

/** is_call() - of gRPC, as http/http2/fields.c has it: by its content-type, or by its form where that is not known */
static bool is_call(const struct request_head *head)
{
	const struct span *type = request_head_find(head, SPAN_LITERAL("content-type"));
	struct grpc_route route;

	if (head->version_major != 2 || !span_equal(head->method, SPAN_LITERAL("POST")))
		return false;
	return type ? grpc_content_type(*type) : head->is_part && grpc_route_of(head->target, &route);
}

/** read_data() - one request, to the last byte */
static enum record_fault read_data(struct span data, bool is_http2, struct record_request *out)
{
	struct record_request_line line;
	struct record_head head;
	enum record_fault fault = record_head_read(&data, &head, &out->fields);

	if (fault == RECORD_FINE)
		fault = record_request_line_read(head.line, &line);
	if (fault != RECORD_FINE)
		return fault;
	if (is_http2 && line.version_minor != 1)
		return RECORD_FAULT_HTTP_VERSION;
	if (head.has_encoding)
		return RECORD_FAULT_ENCODING;
	if (data.len != head.length)
		return RECORD_FAULT_LENGTH;
	out->body = data;
	out->head = (struct request_head){
		.method = line.method,
		.target = line.target,
		.headers = out->fields.at,
		.header_count = out->fields.count,
		.version_major = is_http2 ? 2 : 1,
		.version_minor = is_http2 ? 0 : line.version_minor,
	};
	return RECORD_FINE;
}

/** reaches_beyond() - does an arrival name a byte that is behind the body's end? They ascend */
static bool reaches_beyond(struct span arrivals, uint64_t body_len)
{
	struct arrival a = { 0 };

	while (record_arrival_next(&arrivals, &a))
		;
	return a.offset > body_len;
}

static enum record_fault read_tap(struct span text, struct record_request *out)
{
	struct record_tap tap;

	if (!record_tap_read(text, &tap) || reaches_beyond(tap.arrivals, out->body.len))
		return RECORD_FAULT_TAP;
	out->origin = (struct request_origin){
		.client = tap.client,
		.server = tap.server,
		.proxied = tap.proxied,
		.id = tap.has_local ? tap.local : out->event.id.high,
		.ts_first = tap.has_first ? tap.first : out->event.time,
		.ts_last = out->event.time,
		.wire = out->event.id,
	};
	out->arrivals = tap.arrivals;
	out->expects_answer = tap.expects_answer;
	out->head.is_part = tap.is_part && out->head.version_major == 2;
	return RECORD_FINE;
}

static void count_messages(struct record_request *out)
{
	struct grpc_messages messages = { 0 };

	out->head.is_grpc = is_call(&out->head);
	if (out->head.is_grpc)
		grpc_messages_add(&messages, out->body);
	out->grpc_messages = messages.count;
}

static enum record_fault read_request(const struct record_fields *in, struct record_request *out)
{
	enum record_fault fault = read_event(in, &out->event);
	bool is_http2 = false;

	if (fault == RECORD_FINE && record_kind_of(in) != RECORD_REQUEST)
		fault = RECORD_FAULT_TYPE;
	if (fault == RECORD_FINE)
		fault = record_content_check(in, SPAN_LITERAL("request"));
	if (fault == RECORD_FINE)
		fault = read_version(in, &is_http2);
	if (fault == RECORD_FINE)
		fault = read_data(in->data, is_http2, out);
	if (fault == RECORD_FINE)
		fault = read_tap(in->tap, out);
	if (fault == RECORD_FINE)
		count_messages(out);
	return fault;
}

int record_read_request(const struct record_fields *in, struct record_request *out, enum record_fault *why)
{
	struct header_list fields = out->fields;
	enum record_fault fault;

	header_list_clear(&fields);
	*out = (struct record_request){ .fields = fields };
	fault = read_request(in, out);
	return header_list_ok(&out->fields) ? refuse(fault, why) : -ENOMEM;
}

void record_request_deinit(struct record_request *r)
{
	header_list_deinit(&r->fields);
}

static bool copy_body(struct message *m, struct span body)
{
	m->body_kept = true;
	m->body_len = body.len;
	if (body.len == 0)
		return true;
	if (!budget_charge(m->budget, body.len))
		return false;
	m->charged += body.len; /* message_unref() gives it back, also after a failure below */
	m->body = malloc(body.len);
	if (m->body)
		memcpy(m->body, body.at, body.len);
	return m->body != NULL;
}

struct message *record_request_message(const struct record_request *r, struct budget *budget)
{
	struct message *m = message_new(&r->head, &r->origin, budget);
	struct span arrivals = r->arrivals;
	struct arrival a;
	bool ok;

	if (!m)
		return NULL;
	m->grpc_messages = r->grpc_messages;
	ok = copy_body(m, r->body);
	while (ok && record_arrival_next(&arrivals, &a))
		ok = message_add_arrival(m, a.offset, a.us);
	if (ok)
		return m;
	message_unref(m);
	return NULL;
}
