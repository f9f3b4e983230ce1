/*
 * rewrite.c - one captured head in, one head for the shadow out
 *
 * Theory of operation: the output is assembled from parts that are each safe by
 * themselves, so that no captured byte can end a line or begin a field.
 *
 *   request line   method (a token, or nothing is sent), prefix and target in
 *                  origin-form (request_target.h), rewritten by the user's rules, with
 *                  spaces and control characters escaped, always HTTP/1.1
 *   Host           the target's, the captured one's, or the user's
 *   captured       those that the allow-list has, byte for byte and in order
 *   -H             as given; built once
 *   ours           Content-Length, User-Agent, X-Shadowtap
 *
 * No Connection field is written: HTTP/1.1 connections persist without one.
 *
 * A captured Connection field names fields that belonged to the hop. They are
 * found by comparing each allowed field with those names. To keep that from
 * growing with the square of a hostile head, a request with more than
 * NOMINATIONS_MAX Connection fields, or NOMINATED_BYTES_MAX of names, forwards
 * no captured field at all.
 */
#include "policy/rewrite.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/allow.h"
#include "policy/http_text.h"
#include "policy/path_rewrite.h"
#include "policy/request_target.h"

#define NOMINATIONS_MAX 8
#define NOMINATED_BYTES_MAX 1024

struct rewrite {
	struct allow_list *allow;
	char **overridden; /* names that -H sets or removes; owned */
	size_t overridden_count;
	enum host_mode host_mode;
	char *authority, *prefix; /* owned */
	struct path_rewrite *paths; /* NULL: no rules */
	struct buffer host;       /* "Host: x\r\n"; empty if it depends on the request */
	struct buffer fields;     /* of -H */
	bool adds_user_agent;     /* ours, unless a captured one was forwarded */
};

/** struct nominations - the captured Connection fields */
struct nominations {
	struct span list[NOMINATIONS_MAX];
	size_t count, bytes;
	bool too_many;
};

static const struct span connection_name = SPAN_LITERAL("connection");
static const struct span user_agent_name = SPAN_LITERAL("user-agent");
static const struct span host_name = SPAN_LITERAL("host");

/* --- building --- */

static bool is_overridden(const struct rewrite *w, struct span name)
{
	for (size_t i = 0; i < w->overridden_count; i++)
		if (span_equal_nocase(span_str(w->overridden[i]), name))
			return true;
	return false;
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

static void add_field(struct buffer *out, struct span name, struct span value)
{
	buffer_add_span(out, name);
	buffer_add(out, ": ", 2);
	buffer_add_span(out, value);
	buffer_add(out, "\r\n", 2);
}

static int set_host(struct rewrite *w, struct span value, struct buffer *error)
{
	if (!http_is_visible(value))
		return refuse_header(error, host_name,
				     "a host is one word, as in 'Host: models.internal:8080'");
	if (w->host.len)
		return refuse_header(error, host_name, "it is given twice, and a request has one; leave one out");
	add_field(&w->host, SPAN_LITERAL("Host"), value);
	return 0;
}

/* One -H. What it says, never its value, goes into messages: values are where the secrets are. */
static int add_header(struct rewrite *w, const char *text, struct buffer *error)
{
	struct span name, value;
	const char *why;
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
	w->overridden[w->overridden_count] = strndup((const char *)name.at, name.len);
	if (!w->overridden[w->overridden_count])
		return -ENOMEM;
	w->overridden_count++;
	if (span_equal_nocase(name, host_name))
		return set_host(w, value, error);
	if (!removes)
		add_field(&w->fields, name, value);
	return 0;
}

static int build_headers(struct rewrite *w, const struct texts *set, struct buffer *error)
{
	int err = 0;

	if (set->count == 0)
		return 0;
	w->overridden = calloc(set->count, sizeof(w->overridden[0]));
	if (!w->overridden)
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
	if (o->host_mode == HOST_TARGET)
		add_field(&w->host, SPAN_LITERAL("Host"), span_str(o->authority));
	else if (o->host_mode == HOST_VALUE)
		add_field(&w->host, SPAN_LITERAL("Host"), span_str(o->host_value));
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
	if (!err && (!buffer_ok(&w->host) || !buffer_ok(&w->fields)))
		err = -ENOMEM;
	if (err) {
		rewrite_free(w);
		return err;
	}
	w->adds_user_agent = !is_overridden(w, user_agent_name);
	*out = w;
	return 0;
}

void rewrite_free(struct rewrite *w)
{
	if (!w)
		return;
	allow_list_free(w->allow);
	for (size_t i = 0; i < w->overridden_count; i++)
		free(w->overridden[i]);
	free(w->overridden);
	free(w->authority);
	free(w->prefix);
	path_rewrite_free(w->paths);
	buffer_deinit(&w->host);
	buffer_deinit(&w->fields);
	free(w);
}

/* --- request line --- */

/* Bytes that would end the target or the line are sent as what they would have had to be: escaped. */
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

static void add_host(const struct rewrite *w, const struct request_head *head, struct buffer *out)
{
	struct span rest, name;

	if (w->host.len) {
		buffer_add_span(out, buffer_span(&w->host));
		return;
	}
	rest = captured_host(w, head);
	buffer_add_str(out, "Host: ");
	if (w->host_mode == HOST_SUFFIX) { /* Envoy's: host:port becomes host-shadow:port */
		if (span_take(&rest, port_at(rest), &name))
			buffer_add_span(out, name);
		buffer_add_str(out, "-shadow");
	}
	buffer_add_span(out, rest);
	buffer_add(out, "\r\n", 2);
}

/* --- captured fields --- */

static struct nominations find_nominations(const struct request_head *head)
{
	struct nominations n = { 0 };

	for (size_t i = 0; i < head->header_count; i++) {
		if (!span_equal_nocase(head->headers[i].name, connection_name))
			continue;
		n.bytes += head->headers[i].value.len;
		if (n.count == NOMINATIONS_MAX || n.bytes > NOMINATED_BYTES_MAX) {
			n.too_many = true;
			break;
		}
		n.list[n.count++] = head->headers[i].value;
	}
	return n;
}

static bool is_nominated(const struct nominations *n, struct span name)
{
	struct span left, one;

	for (size_t i = 0; i < n->count; i++) {
		left = n->list[i];
		while (left.len > 0) {
			span_cut(left, ',', &one, &left);
			if (span_equal_nocase(span_trim(one), name))
				return true;
		}
	}
	return false;
}

/* Return: was a User-Agent among them? */
static bool add_captured_fields(const struct rewrite *w, const struct request_head *head, struct buffer *out)
{
	struct nominations nominations = find_nominations(head);
	bool has_user_agent = false;

	if (nominations.too_many)
		return false;
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *field = &head->headers[i];

		if (is_overridden(w, field->name) ||
		    !allow_list_has(w->allow, field->name, is_nominated(&nominations, field->name)))
			continue;
		if (!http_is_token(field->name) || !http_is_field_value(field->value))
			continue;
		add_field(out, field->name, field->value);
		has_user_agent = has_user_agent || span_equal_nocase(field->name, user_agent_name);
	}
	return has_user_agent;
}

bool rewrite_allows(const struct rewrite *w, struct span name)
{
	return !is_overridden(w, name) && allow_list_has(w->allow, name, false);
}

void rewrite_warnings(const struct rewrite *w, struct buffer *out)
{
	allow_list_warnings(w->allow, out);
}

/* --- the whole --- */

/* RFC 9110, 8.6: methods that expect a body say its length even when it is 0. */
static bool needs_length(const struct message *m)
{
	struct span method = m->head.method;

	return m->body_len > 0 || span_equal(method, SPAN_LITERAL("POST")) ||
	       span_equal(method, SPAN_LITERAL("PUT")) || span_equal(method, SPAN_LITERAL("PATCH"));
}

int rewrite_head(const struct rewrite *w, const struct message *m, struct buffer *out)
{
	size_t before = out->len;
	char id[MESSAGE_ID_TEXT_MAX];
	bool has_user_agent;
	int err;

	if (!http_is_token(m->head.method))
		return -EINVAL;
	buffer_add_span(out, m->head.method);
	buffer_add(out, " ", 1);
	err = add_target(w, &m->head, out);
	if (err < 0) {
		out->len = before;
		return err;
	}
	buffer_add_str(out, " HTTP/1.1\r\n");
	add_host(w, &m->head, out);
	has_user_agent = add_captured_fields(w, &m->head, out);
	buffer_add_span(out, buffer_span(&w->fields));
	if (needs_length(m))
		buffer_printf(out, "Content-Length: %llu\r\n", (unsigned long long)m->body_len);
	if (w->adds_user_agent && !has_user_agent)
		buffer_add_str(out, "User-Agent: shadowtap/" SHADOWTAP_VERSION "\r\n");
	buffer_add_str(out, "X-Shadowtap: ");
	buffer_add_str(out, message_id_text(m->origin.id, id));
	buffer_add_str(out, "\r\n\r\n");
	if (buffer_ok(out))
		return 0;
	out->len = before;
	return -ENOMEM;
}
