/* admin_http.c - see admin_http.h */
#include "app/admin/admin_http.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/units.h"

#define TEXT    "text/plain; charset=utf-8"
#define METRICS "text/plain; version=0.0.4; charset=utf-8"
#define JSON    "application/json"
#define HTML    "text/html; charset=utf-8"

/* A page that loads and runs nothing, that no other may frame, and that the browser asks for again. */
#define PAGE_FIELDS \
	"Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\nRefresh: 5\r\n"

/* ---- answers ---- */

static const char *phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 417:
		return "Expectation Failed";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Internal Server Error";
	}
}

/** respond() - the head for @body, and unless it was HEAD the body; @fields: more lines of the head */
static void respond(struct admin_http *h, unsigned status, const char *type, const char *fields, struct span body)
{
	struct buffer *out = &h->response;

	buffer_clear(out);
	buffer_printf(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", status, phrase(status), type,
		      body.len);
	buffer_add_str(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
	buffer_add_str(out, fields);
	if (status == 503)
		buffer_add_str(out, "Retry-After: 1\r\n");
	buffer_printf(out, "Connection: %s\r\n\r\n", h->keep ? "keep-alive" : "close");
	if (!h->head_done || h->parser.method != HTTP_HEAD)
		buffer_add_span(out, body);
	h->state = ADMIN_ANSWERED;
}

static void respond_text(struct admin_http *h, unsigned status, const char *text)
{
	respond(h, status, TEXT, "", span_str(text));
}

static const char *refusal(unsigned status)
{
	switch (status) {
	case 403:
		return "Host is a name; ask by IP address, or as localhost\n";
	case 408:
		return "the request did not come within 5 seconds\n";
	case 413:
		return "the body is too long; a share such as 5% or 0.05 is expected, of a POST at most 8192 bytes\n";
	case 417:
		return "Expect is not understood\n";
	case 431:
		return "the head is longer than 8192 bytes\n";
	case 503:
		return "too many connections; try again\n";
	default:
		return "this is no HTTP/1.1 request as RFC 9112 has them\n";
	}
}

void admin_http_refuse(struct admin_http *h, unsigned status)
{
	h->keep = false;
	respond_text(h, status, refusal(status));
}

/* ---- routes ---- */

static void respond_made(struct admin_http *h, void (*make)(void *ctx, struct buffer *out), const char *type, const char *fields)
{
	struct buffer body = { 0 };

	make(h->routes->ctx, &body);
	if (buffer_ok(&body))
		respond(h, 200, type, fields, buffer_span(&body));
	else
		respond_text(h, 500, "out of memory\n");
	buffer_deinit(&body);
}

static void get_metrics(struct admin_http *h)
{
	respond_made(h, h->routes->metrics, METRICS, "");
}

static void get_stats(struct admin_http *h)
{
	respond_made(h, h->routes->stats, JSON, "");
}

static void get_page(struct admin_http *h)
{
	respond_made(h, h->routes->page, HTML, PAGE_FIELDS);
}

/* ?require=STATE: what to hold the state against; false if something else is asked. */
static bool required_state(const struct admin_http *h, struct span *out)
{
	static const char *const states[] = { "none", "keep_watching", "promote", "reject" };
	struct span target = span_of(h->target, h->target_len), path;
	const uint8_t *query = memchr(target.at, '?', target.len);

	*out = span_of("", 0);
	if (!query)
		return true;
	span_take(&target, (size_t)(query - target.at) + 1, &path);
	if (!span_starts(target, SPAN_LITERAL("require=")))
		return false;
	span_skip(&target, strlen("require="));
	*out = target;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (span_equal(target, span_str(states[i])))
			return true;
	return false;
}

static void get_decision(struct admin_http *h)
{
	struct buffer body = { 0 };
	struct span required;
	const char *state;

	if (!required_state(h, &required)) {
		respond_text(h, 400, "ask for /decision, or for /decision?require=promote, reject, keep_watching or none\n");
		return;
	}
	state = h->routes->decision(h->routes->ctx, &body);
	if (buffer_ok(&body))
		respond(h, required.len == 0 || span_equal(required, span_str(state)) ? 200 : 409, JSON, "", buffer_span(&body));
	else
		respond_text(h, 500, "out of memory\n");
	buffer_deinit(&body);
}

static void get_health(struct admin_http *h)
{
	struct buffer body = { 0 };
	bool healthy = h->routes->healthy(h->routes->ctx, &body);

	respond(h, healthy ? 200 : 503, TEXT, "", buffer_span(&body));
	buffer_deinit(&body);
}

static void get_sample(struct admin_http *h)
{
	char share[UNITS_TEXT_MAX], line[UNITS_TEXT_MAX + 2];
	size_t len;

	share_text(h->routes->sample(h->routes->ctx), share);
	len = strlen(share);
	memcpy(line, share, len);
	line[len] = '\n';
	respond(h, 200, TEXT, "", span_of(line, len + 1));
}

/** may_change() - may this request change anything? If not, it is answered */
static bool may_change(struct admin_http *h)
{
	if (h->reach == ADMIN_ANYWHERE)
		respond_text(h, 403, "this can be changed only where --admin is a loopback address or a Unix socket\n");
	else if (h->has_origin)
		respond_text(h, 403, "this cannot be changed from a web page\n");
	return h->state != ADMIN_ANSWERED;
}

static void put_sample(struct admin_http *h)
{
	struct buffer why = { 0 };
	uint64_t share;

	if (!may_change(h))
		return;
	while (h->body_len > 0 && memchr(" \t\r\n", h->body[h->body_len - 1], 4))
		h->body_len--;
	h->body[h->body_len] = '\0';
	if (strlen(h->body) != h->body_len || !parse_share(h->body, &share))
		respond_text(h, 400, "not a share; write 5% or 0.05\n");
	else if (!h->routes->set_sample(h->routes->ctx, share, &why))
		respond(h, 409, TEXT, "", buffer_span(&why));
	else
		get_sample(h);
	buffer_deinit(&why);
}

static void post_reload(struct admin_http *h)
{
	struct buffer said = { 0 };
	bool done;

	if (!may_change(h))
		return;
	done = h->routes->reload(h->routes->ctx, &said);
	respond(h, done ? 200 : 409, TEXT, "", buffer_span(&said));
	buffer_deinit(&said);
}

static const struct route {
	const char *path;
	void (*get)(struct admin_http *);
	void (*put)(struct admin_http *);
	void (*post)(struct admin_http *);
	const char *allow;
} routes[] = {
	{ "/", get_page, NULL, NULL, "GET, HEAD" },
	{ "/metrics", get_metrics, NULL, NULL, "GET, HEAD" },
	{ "/healthz", get_health, NULL, NULL, "GET, HEAD" },
	{ "/stats", get_stats, NULL, NULL, "GET, HEAD" },
	{ "/sample", get_sample, put_sample, NULL, "GET, HEAD, PUT" },
	{ "/decision", get_decision, NULL, get_decision, "GET, HEAD, POST" },
	{ "/reload", NULL, NULL, post_reload, "POST" },
};

static const struct route *route_of(const struct admin_http *h)
{
	size_t kept = h->target_len < sizeof(h->target) ? h->target_len : sizeof(h->target);
	const char *query = memchr(h->target, '?', kept);
	struct span path = span_of(h->target, query ? (size_t)(query - h->target) : kept);

	if (!query && kept < h->target_len)
		return NULL;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (span_equal(path, span_str(routes[i].path)))
			return &routes[i];
	return NULL;
}

static void respond_not_allowed(struct admin_http *h, const char *allow)
{
	struct buffer fields = { 0 };

	buffer_printf(&fields, "Allow: %s\r\n", allow);
	respond(h, 405, TEXT, buffer_text(&fields), span_str("the method is not one of this address\n"));
	buffer_deinit(&fields);
}

static void answer_request(struct admin_http *h)
{
	const struct route *route = route_of(h);

	if (!route)
		respond_text(h, 404, "there are /, /metrics, /healthz, /stats, /sample, /decision and /reload\n");
	else if ((h->parser.method == HTTP_GET || h->parser.method == HTTP_HEAD) && route->get)
		route->get(h);
	else if (h->parser.method == HTTP_PUT && route->put)
		route->put(h);
	else if (h->parser.method == HTTP_POST && route->post)
		route->post(h);
	else
		respond_not_allowed(h, route->allow);
}

/* ---- Host ---- */

static bool is_number(const char *host, size_t len)
{
	char text[64];
	uint8_t addr[16];

	if (len >= sizeof(text))
		return false;
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		memcpy(text, host + 1, len - 2);
		text[len - 2] = '\0';
		return inet_pton(AF_INET6, text, addr) == 1;
	}
	memcpy(text, host, len);
	text[len] = '\0';
	return inet_pton(AF_INET, text, addr) == 1;
}

/* An address, or localhost, with or without a port: no name that a foreign DNS answers for. */
static bool is_safe_host(const char *host, size_t len)
{
	size_t end = len;

	while (end > 0 && host[end - 1] >= '0' && host[end - 1] <= '9')
		end--;
	if (end > 0 && host[end - 1] == ':')
		len = end - 1;
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) || is_number(host, len);
}

/* ---- llhttp's callbacks; HPE_USER: ->refused says why ---- */

static int refuse(struct admin_http *h, unsigned status)
{
	h->refused = (uint16_t)status;
	return HPE_USER;
}

/* Adds what fits; the length tells how much there was. */
static void keep_piece(char *to, size_t size, size_t *len, const char *at, size_t n)
{
	size_t room = *len < size ? size - *len : 0;

	memcpy(to + (*len < size ? *len : size), at, n < room ? n : room);
	*len += n;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct admin_http *h = p->data;

	keep_piece(h->target, sizeof(h->target), &h->target_len, at, n);
	return 0;
}

static int on_header_field(llhttp_t *p, const char *at, size_t n)
{
	struct admin_http *h = p->data;

	/* RFC 9112, 5.1: a space before the colon is refused; llhttp lets it be part of the name */
	h->bad_head |= memchr(at, ' ', n) || memchr(at, '\t', n);
	keep_piece(h->field, sizeof(h->field), &h->field_len, at, n);
	return 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t n)
{
	struct admin_http *h = p->data;

	keep_piece(h->value, sizeof(h->value), &h->value_len, at, n);
	return 0;
}

static bool field_is(const struct admin_http *h, const char *name)
{
	return h->field_len == strlen(name) && strncasecmp(h->field, name, h->field_len) == 0;
}

static int on_header_value_complete(llhttp_t *p)
{
	struct admin_http *h = p->data;

	if (!h->head_done) { /* trailers say nothing */
		if (field_is(h, "host")) {
			h->bad_head |= h->has_host || h->value_len > sizeof(h->value);
			h->has_host = true;
			if (h->reach == ADMIN_LOOPBACK && !h->bad_head && !is_safe_host(h->value, h->value_len))
				h->refused = 403;
		}
		h->has_origin |= field_is(h, "origin");
		h->has_expect |= field_is(h, "expect");
	}
	h->field_len = h->value_len = 0;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct admin_http *h = p->data;

	h->head_done = true;
	if (p->http_major != 1 || p->http_minor > 1 || h->bad_head || (p->http_minor == 1 && !h->has_host))
		return refuse(h, 400);
	if (h->refused)
		return HPE_USER;
	if (h->has_expect)
		return refuse(h, 417);
	return p->content_length > (p->method == HTTP_POST ? ADMIN_HOOK_MAX : ADMIN_BODY_MAX) ? refuse(h, 413) : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	struct admin_http *h = p->data;

	if (p->method == HTTP_POST) {
		h->posted += n;
		return h->posted > ADMIN_HOOK_MAX ? refuse(h, 413) : 0;
	}
	if (n > ADMIN_BODY_MAX - h->body_len)
		return refuse(h, 413);
	keep_piece(h->body, ADMIN_BODY_MAX, &h->body_len, at, n);
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct admin_http *h = p->data;

	h->keep = llhttp_should_keep_alive(p) && ++h->requests < ADMIN_REQUESTS_MAX;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- bytes in ---- */

void admin_http_init(struct admin_http *h, const struct admin_routes *routes_, enum admin_reach reach)
{
	*h = (struct admin_http){ .routes = routes_, .reach = reach };
	admin_http_next(h);
}

void admin_http_next(struct admin_http *h)
{
	llhttp_init(&h->parser, HTTP_REQUEST, &settings);
	h->parser.data = h;
	h->state = ADMIN_READING;
	h->keep = false;
	h->fed = 0;
	h->head_done = h->has_host = h->bad_head = h->has_origin = h->has_expect = false;
	h->refused = 0;
	h->field_len = h->value_len = h->target_len = h->body_len = h->posted = 0;
	buffer_clear(&h->response);
}

/** execute() - let llhttp have @piece, and answer if that was the end */
static void execute(struct admin_http *h, struct span piece, bool is_last)
{
	llhttp_errno_t e = llhttp_execute(&h->parser, (const char *)piece.at, piece.len);

	if (e == HPE_OK)
		return;
	if (e != HPE_PAUSED) {
		admin_http_refuse(h, h->refused ? h->refused : 400);
		return;
	}
	if (!h->routes) {
		admin_http_refuse(h, 503);
		return;
	}
	/* Who sends a second request before the first is answered gets one answer, and the end. */
	if (!is_last || (const uint8_t *)llhttp_get_error_pos(&h->parser) != piece.at + piece.len)
		h->keep = false;
	answer_request(h);
}

enum admin_state admin_http_feed(struct admin_http *h, struct span bytes)
{
	struct span piece;

	while (h->state == ADMIN_READING && bytes.len > 0) {
		size_t room = (h->head_done ? ADMIN_REQUEST_MAX : ADMIN_HEAD_MAX) - h->fed;

		if (room == 0) {
			admin_http_refuse(h, h->head_done ? 413 : 431);
			break;
		}
		span_take(&bytes, bytes.len < room ? bytes.len : room, &piece);
		h->fed += piece.len;
		execute(h, piece, bytes.len == 0);
	}
	return h->state;
}

void admin_http_deinit(struct admin_http *h)
{
	buffer_deinit(&h->response);
}
