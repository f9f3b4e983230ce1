/*
 * rewrite.c - one captured head in, one head for the shadow out
 *
 * Theory of operation: what comes out is a method, a target and a list of
 * fields, in no wire format. Each part is safe by itself, so that no captured
 * byte can end a line or begin a field where a client writes them as lines.
 *
 *   method         a token, or nothing is sent
 *   target         prefix and target in origin-form (request_target.h), rewritten
 *                  by the user's rules, with spaces and control characters escaped
 *   Host           the target's, the captured one's, or the user's
 *   captured       those that the allow-list has, byte for byte and in order
 *   -H             as given
 *   ours           traceparent if it is made anew, Content-Length, User-Agent, X-Shadowtap
 *
 * A call of gRPC has no Content-Length, and two fields without which servers refuse
 * it: te: trailers, and a content-type of gRPC, whatever was captured or -H says.
 * What belongs to a hop of HTTP/1 is not said in it, even if -H says so.
 *
 * Fields of the hop, such as Connection, are not among them: they are the client's.
 */
#include "policy/rewrite.h"

#include <errno.h>
#include <stdlib.h>

#include "message/grpc.h"
#include "policy/allow.h"
#include "policy/nominations.h"
#include "message/http_text.h"
#include "policy/path_rewrite.h"
#include "policy/request_target.h"

/** struct given - one -H */
struct given {
	char *text; /* owned; the spans point into it */
	struct span name, value;
	bool is_sent; /* as a field of its own: neither removed, nor Host */
	bool in_grpc; /* in a call of gRPC as well */
};

struct rewrite {
	struct allow_list *allow;
	struct given *given; /* owned */
	size_t given_count;
	enum host_mode host_mode;
	char *authority, *prefix, *host_value; /* owned */
	struct path_rewrite *paths; /* NULL: no rules */
	struct span host;         /* the value of Host; empty if it depends on the request */
	bool adds_user_agent;     /* ours, unless a captured one was forwarded */
	bool makes_trace, adds_traceparent; /* the captured one stays behind; ours goes, unless -H says otherwise */
};

static const struct span user_agent_name = SPAN_LITERAL("user-agent");
static const struct span host_name = SPAN_LITERAL("host");
static const struct span content_type_name = SPAN_LITERAL("content-type");
static const struct span traceparent_name = SPAN_LITERAL("traceparent");

/* --- building --- */

static bool is_given(const struct rewrite *w, struct span name)
{
	for (size_t i = 0; i < w->given_count; i++)
		if (span_equal_nocase(w->given[i].name, name))
			return true;
	return false;
}

static bool is_overridden(const struct rewrite *w, struct span name)
{
	return is_given(w, name) || (w->makes_trace && traceparent_is_field(name));
}

/*
 * Fields that -H may not set: they describe how the bytes of this exchange are
 * framed, and a wrong one turns one request into two or none. Removing those
 * that are not sent anyway is a habit of curl users ('Expect:') and harmless.
 */
static const char *why_not_settable(struct span name, bool removes)
{
	static const struct {
		struct span name;
		bool removable;
		const char *why;
	} rows[] = {
		{ SPAN_LITERAL("content-length"), false,
		  "the length is always that of the body which is sent; leave it out" },
		{ SPAN_LITERAL("transfer-encoding"), true, "the body is sent whole, with a Content-Length; leave it out" },
		{ SPAN_LITERAL("connection"), true,
		  "connections to the target are kept and closed by shadowtap; leave it out" },
		{ SPAN_LITERAL("upgrade"), true, "only HTTP/1.1 is spoken to the target; leave it out" },
		{ SPAN_LITERAL("expect"), true, "the body is sent without waiting for an interim answer; leave it out" },
		{ SPAN_LITERAL("trailer"), true, "no trailer fields are sent; leave it out" },
		{ SPAN_LITERAL("x-shadowtap"), false,
		  "it marks what is sent, so that no tap mirrors it again; leave it out" },
	};

	if (removes && span_equal_nocase(name, host_name))
		return "a request without Host is no HTTP/1.1; set another value instead";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_equal_nocase(name, rows[i].name) && !(removes && rows[i].removable))
			return rows[i].why;
	return NULL;
}

static int refuse_header(struct buffer *error, struct span name, const char *why)
{
	buffer_printf(error, "--header '%.*s': %s", (int)name.len, (const char *)name.at, why);
	return -EINVAL;
}

static int set_host(struct rewrite *w, struct span value, struct buffer *error)
{
	if (!http_is_visible(value))
		return refuse_header(error, host_name,
				     "a host is one word, as in 'Host: models.internal:8080'");
	if (w->host.len)
		return refuse_header(error, host_name, "it is given twice, and a request has one; leave one out");
	w->host = value;
	return 0;
}

/** keep_header() - @name and @value as they are, in memory of ours; returns where, NULL when out of memory */
static struct given *keep_header(struct rewrite *w, struct span name, struct span value)
{
	struct given *g = &w->given[w->given_count];

	g->text = malloc(name.len + value.len + 1);
	if (!g->text)
		return NULL;
	memcpy(g->text, name.at, name.len);
	memcpy(g->text + name.len, value.at, value.len);
	g->name = span_of((const uint8_t *)g->text, name.len);
	g->value = span_of((const uint8_t *)g->text + name.len, value.len);
	w->given_count++;
	return g;
}

/* One -H. What it says, never its value, goes into messages: values are where the secrets are. */
static int add_header(struct rewrite *w, const char *text, struct buffer *error)
{
	struct span name, value;
	const char *why;
	struct given *g;
	bool removes;

	if (span_cut(span_str(text), ':', &name, &value)) {
		name = span_trim(name);
		value = span_trim(value);
		removes = value.len == 0;
	} else if (span_cut(span_str(text), ';', &name, &value) && value.len == 0) {
		name = span_trim(name);
		removes = false;
	} else {
		buffer_add_str(error,
			       "--header is not of the form 'Name: value' ('Name:' removes, 'Name;' sends it "
			       "empty): there is no colon in it; write -H 'Name: value'");
		return -EINVAL;
	}
	if (!http_is_token(name)) {
		buffer_add_str(
			error,
			"--header does not begin with the name of a field: letters, digits and '-', then "
			"a colon");
		return -EINVAL;
	}
	why = why_not_settable(name, removes);
	if (why)
		return refuse_header(error, name, why);
	if (!http_is_field_value(value))
		return refuse_header(error, name,
				     "the value has a line break in it; write one --header for each field");
	g = keep_header(w, name, value);
	if (!g)
		return -ENOMEM;
	if (span_equal_nocase(name, host_name))
		return set_host(w, g->value, error);
	g->is_sent = !removes;
	g->in_grpc = field_kind(name) != FIELD_HOP && !span_equal_nocase(name, content_type_name);
	return 0;
}

static int build_headers(struct rewrite *w, const struct texts *set, struct buffer *error)
{
	int err = 0;

	if (set->count == 0)
		return 0;
	w->given = calloc(set->count, sizeof(w->given[0]));
	if (!w->given)
		return -ENOMEM;
	for (size_t i = 0; i < set->count && !err; i++)
		err = add_header(w, set->at[i], error);
	return err;
}

static int build_host(struct rewrite *w, const struct rewrite_options *o, struct buffer *error)
{
	if (!o->authority || !http_is_visible(span_str(o->authority))) {
		buffer_add_str(error, "--target has no usable host; an example: http://shadow:9000");
		return -EINVAL;
	}
	if (o->host_mode == HOST_VALUE && (!o->host_value || !http_is_visible(span_str(o->host_value)))) {
		buffer_add_str(
			error,
			"--host-header is target, keep, suffix or one word such as models.internal:8080");
		return -EINVAL;
	}
	w->host_mode = o->host_mode;
	w->authority = strdup(o->authority);
	if (!w->authority)
		return -ENOMEM;
	if (w->host.len) /* -H 'Host: x' */
		return 0;
	if (o->host_mode == HOST_TARGET) {
		w->host = span_str(w->authority);
	} else if (o->host_mode == HOST_VALUE) {
		w->host_value = strdup(o->host_value);
		if (!w->host_value)
			return -ENOMEM;
		w->host = span_str(w->host_value);
	}
	return 0;
}

static int build_prefix(struct rewrite *w, const char *prefix, struct buffer *error)
{
	struct span s = span_str(prefix ? prefix : "");

	if (s.len > 0 && (s.at[0] != '/' || !http_is_visible(s))) {
		buffer_add_str(
			error,
			"the path of --target begins with a slash and has no spaces or control characters");
		return -EINVAL;
	}
	while (s.len > 0 && s.at[s.len - 1] == '/')
		span_truncate(&s, s.len - 1);
	w->prefix = strndup((const char *)s.at, s.len);
	return w->prefix ? 0 : -ENOMEM;
}

int rewrite_new(const struct rewrite_options *options, struct rewrite **out, struct buffer *error)
{
	struct rewrite *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = allow_list_new(&options->allow, &w->allow, error);
	if (!err)
		err = build_headers(w, &options->set, error);
	if (!err)
		err = build_host(w, options, error);
	if (!err)
		err = build_prefix(w, options->prefix, error);
	if (!err)
		err = path_rewrite_new(&options->paths, &w->paths, error);
	if (err) {
		rewrite_free(w);
		return err;
	}
	w->adds_user_agent = !is_given(w, user_agent_name);
	w->makes_trace = options->traceparent == TRACEPARENT_NEW;
	w->adds_traceparent = w->makes_trace && !is_given(w, traceparent_name);
	*out = w;
	return 0;
}

void rewrite_free(struct rewrite *w)
{
	if (!w)
		return;
	allow_list_free(w->allow);
	for (size_t i = 0; i < w->given_count; i++)
		free(w->given[i].text);
	free(w->given);
	free(w->authority);
	free(w->prefix);
	free(w->host_value);
	path_rewrite_free(w->paths);
	free(w);
}

/* --- target --- */

/* Bytes that would end the target, or its line, are sent as what they would have had to be: escaped. */
static void add_target_text(struct buffer *out, struct span text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t clean;
	struct span run;

	while (text.len > 0) {
		for (clean = 0; clean < text.len && text.at[clean] > 0x20 && text.at[clean] != 0x7f; clean++)
			;
		if (span_take(&text, clean, &run))
			buffer_add_span(out, run);
		if (text.len > 0) {
			char escape[3] = { '%', hex[text.at[0] >> 4], hex[text.at[0] & 15] };

			buffer_add(out, escape, sizeof(escape));
			span_skip(&text, 1);
		}
	}
}

/* RFC 9112, 3.2.4: is it about the server as a whole? An absolute form without a path says so too. */
static bool is_asterisk(const struct request_head *head, struct span text, struct span authority)
{
	if (!span_equal(head->method, SPAN_LITERAL("OPTIONS")) || text.len != 1)
		return false;
	return text.at[0] == '*' || (authority.len > 0 && authority.at + authority.len == head->target.at + head->target.len);
}

/* A path in the one form (request_target.h), rewritten; rules may have taken its slash away. */
static int add_path(const struct rewrite *w, struct span method, struct span text, struct buffer *out)
{
	struct buffer scratch = { 0 };
	int err = 0;

	text = target_origin_form(method, text, &scratch);
	if (!buffer_ok(&scratch))
		err = -ENOMEM;
	else if (w->paths)
		err = path_rewrite_apply(w->paths, &text);
	if (err == 0) {
		if (text.len == 0 || text.at[0] != '/')
			buffer_add(out, "/", 1);
		add_target_text(out, text);
	}
	buffer_deinit(&scratch);
	return err;
}

/* RFC 9112, 3.2.1 and 3.2.4: what stands between the method and the version. 0, -EINVAL or -ENOMEM */
static int add_target(const struct rewrite *w, const struct request_head *head, struct buffer *out)
{
	struct span authority, text = target_path_and_query(head->target, &authority);
	struct span prefix = span_str(w->prefix);

	buffer_add_span(out, prefix);
	if (!is_asterisk(head, text, authority))
		return add_path(w, head->method, text, out);
	if (prefix.len == 0) /* the server as a whole; under a prefix, the prefix */
		buffer_add(out, "*", 1);
	return 0;
}

/* --- Host --- */

/* Where the port's colon is, or the end: "[::1]:80", "host:80", "host", "[::1]". */
static size_t port_at(struct span host)
{
	for (size_t i = host.len; i > 0; i--) {
		if (host.at[i - 1] == ':')
			return i - 1;
		if (host.at[i - 1] < '0' || host.at[i - 1] > '9')
			break;
	}
	return host.len;
}

/* The host that the client meant: an absolute-form target's wins over the field (RFC 9112, 3.2.2). */
static struct span captured_host(const struct rewrite *w, const struct request_head *head)
{
	const struct span *field = request_head_find(head, host_name);
	struct span authority;

	target_path_and_query(head->target, &authority);
	if (http_is_visible(authority))
		return authority;
	if (field && http_is_visible(*field))
		return *field;
	return span_str(w->authority);
}

/* The value of Host; what has to be put together, in @text. */
static struct span host_of(const struct rewrite *w, const struct request_head *head, struct buffer *text)
{
	struct span port, name;

	if (w->host.len)
		return w->host;
	port = captured_host(w, head);
	if (w->host_mode != HOST_SUFFIX)
		return port;
	if (span_take(&port, port_at(port), &name)) /* Envoy's: host:port becomes host-shadow:port */
		buffer_add_span(text, name);
	buffer_add_str(text, "-shadow");
	buffer_add_span(text, port);
	return buffer_span(text);
}

/* --- captured fields --- */

/* Return: was a User-Agent among them? */
static bool add_captured_fields(const struct rewrite *w, const struct request_head *head, struct outgoing *out)
{
	struct nominations nominations = nominations_of(head);
	bool has_user_agent = false;

	if (nominations.too_many)
		return false;
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *field = &head->headers[i];

		if (is_overridden(w, field->name) ||
		    !allow_list_has(w->allow, field->name, nominations_have(&nominations, field->name), head->is_grpc))
			continue;
		if (head->is_grpc && span_equal_nocase(field->name, content_type_name))
			continue;
		if (!http_is_token(field->name) || !http_is_field_value(field->value))
			continue;
		outgoing_add(out, field->name, field->value);
		has_user_agent = has_user_agent || span_equal_nocase(field->name, user_agent_name);
	}
	return has_user_agent;
}

/* The content-type that is said last by -H, else the captured one, each only if it is one of gRPC. */
static struct span grpc_type(const struct rewrite *w, const struct request_head *head)
{
	const struct span *captured = request_head_find(head, content_type_name);

	for (size_t i = w->given_count; i > 0; i--) {
		const struct given *g = &w->given[i - 1];

		if (g->is_sent && span_equal_nocase(g->name, content_type_name) && grpc_content_type(g->value))
			return g->value;
	}
	if (captured && grpc_content_type(*captured) && http_is_field_value(*captured))
		return *captured;
	return SPAN_LITERAL("application/grpc");
}

static void add_grpc_fields(const struct rewrite *w, const struct request_head *head, struct outgoing *out)
{
	outgoing_add(out, content_type_name, grpc_type(w, head));
	outgoing_add(out, SPAN_LITERAL("te"), SPAN_LITERAL("trailers"));
}

bool rewrite_allows(const struct rewrite *w, struct span name, bool is_grpc)
{
	return !is_overridden(w, name) && allow_list_has(w->allow, name, false, is_grpc);
}

void rewrite_warnings(const struct rewrite *w, struct buffer *out)
{
	allow_list_warnings(w->allow, out);
}

/* --- the whole --- */

/* RFC 9110, 8.6: methods that expect a body say its length even when it is 0. The length of a gRPC call is not said. */
static bool needs_length(const struct message *m)
{
	struct span method = m->head.method;

	if (m->head.is_grpc)
		return false;
	return m->body_len > 0 || span_equal(method, SPAN_LITERAL("POST")) ||
	       span_equal(method, SPAN_LITERAL("PUT")) || span_equal(method, SPAN_LITERAL("PATCH"));
}

static void add_given_fields(const struct rewrite *w, bool is_grpc, struct outgoing *out)
{
	for (size_t i = 0; i < w->given_count; i++)
		if (w->given[i].is_sent && (!is_grpc || w->given[i].in_grpc))
			outgoing_add(out, w->given[i].name, w->given[i].value);
}

static void add_traceparent(const struct request_head *head, struct outgoing *out)
{
	const struct span *captured = request_head_find(head, traceparent_name);

	outgoing_add(out, traceparent_name,
		     span_str(traceparent_new(captured && traceparent_is_sampled(*captured), out->trace_text)));
}

/** id_of() - as a target sees it: where several hosts may send it on, that by which all know it */
static struct span id_of(const struct request_origin *origin, char out[WIRE_ID_TEXT_MAX])
{
	return span_str(wire_id_is_set(origin->wire) ? wire_id_text(origin->wire, out) : message_id_text(origin->id, out));
}

int rewrite_request(const struct rewrite *w, const struct message *m, struct outgoing *out)
{
	bool has_user_agent;
	int err;

	outgoing_clear(out);
	if (!http_is_token(m->head.method))
		return -EINVAL;
	err = add_target(w, &m->head, &out->target_text);
	if (err < 0)
		return err;
	out->method = m->head.method;
	out->target = buffer_span(&out->target_text);
	outgoing_add(out, SPAN_LITERAL("Host"), host_of(w, &m->head, &out->host_text));
	if (m->head.is_grpc)
		add_grpc_fields(w, &m->head, out);
	has_user_agent = add_captured_fields(w, &m->head, out);
	add_given_fields(w, m->head.is_grpc, out);
	if (w->adds_traceparent)
		add_traceparent(&m->head, out);
	if (needs_length(m))
		outgoing_add_length(out, m->body_len);
	if (w->adds_user_agent && !has_user_agent)
		outgoing_add(out, SPAN_LITERAL("User-Agent"), SPAN_LITERAL("shadowtap/" SHADOWTAP_VERSION));
	outgoing_add(out, SPAN_LITERAL("X-Shadowtap"), id_of(&m->origin, out->id_text));
	return outgoing_ok(out) ? 0 : -ENOMEM;
}
