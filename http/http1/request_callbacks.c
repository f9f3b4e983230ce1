/*
 * request_callbacks.c - what llhttp says about a request, and what it lets through that we don't
 *
 * Theory of operation. llhttp calls back with pieces of a request as they come:
 * they go to the head, or to the body. Where its rules are looser
 * than those of servers it is paused, so that requests.c can look at the bytes
 * (enum pause), or the piece is looked at here: control characters, spaces in
 * and before a field's name, a field without a name.
 */
#include "http/http1/http1_impl.h"

#include <string.h>

/** has_control() - any control character but a tab? llhttp's lenient headers let them through. */
static bool has_control(const char *at, size_t len)
{
	const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) { /* eight at a time: is there a byte below 0x20, or 0x7f? */
		uint64_t v, low, del;

		memcpy(&v, at + i, 8);
		low = (v - ones * 0x20) & ~v & tops;
		del = ((v ^ ones * 0x7f) - ones) & ~(v ^ ones * 0x7f) & tops;
		if (low | del)
			break;
	}
	for (; i < len; i++)
		if (((uint8_t)at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f)
			return true;
	return false;
}

/** offset_of() - of a byte of a request's method. What llhttp is given then is where it lies: the segment's, to its end */
static uint64_t offset_of(const struct http *h, const char *at)
{
	const char *from = h->at_hand.line.at ? (const char *)h->at_hand.line.at : h->framing.parse_at;
	uint64_t start = h->at_hand.line.at ? h->at_hand.end - h->at_hand.line.len : h->at_hand.start;

	return start + (uint64_t)(at - from);
}

static int on_method(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!h->requests.any_byte && len > 0) {
		h->requests.any_byte = true;
		h->requests.current.origin.ts_first = h->at_hand.at;
		request_place(&h->requests.current, offset_of(h, at), h->at_hand.ack);
		h->requests.pipelined = plausible_is_pipelined(h);
	}
	return head_add_method(h->requests.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_method_complete(llhttp_t *p)
{
	http_of(p)->framing.pause = PAUSE_METHOD;
	return HPE_PAUSED;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (h->framing.own_slash)
		return 0;
	if (len > 0 && (memchr(at, '\t', len) || memchr(at, '\f', len))) /* llhttp 8 alone takes them */
		return HPE_USER;
	return head_add_target(h->requests.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_version_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	if (!h->requests.current.seen && p->method != HTTP_PRI)
		requests_count(h);
	h->framing.pause = PAUSE_VERSION;
	return HPE_PAUSED;
}

/** byte_before() - the @n-th byte before @at, which llhttp was given now or before */
static uint8_t byte_before(const struct http *h, const char *at, size_t n)
{
	size_t here = (size_t)(at - h->framing.parse_at);

	return n <= here ? (uint8_t)at[-(ptrdiff_t)n] : h->framing.last[n - here - 1];
}

/* The bytes before a version are "HTTP/", "RTSP/" or "ICE/". It may come in two pieces. */
static int on_version(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	(void)len;
	h->framing.foreign |= byte_before(h, at, 1) == '/' && (byte_before(h, at, 2) != 'P' || byte_before(h, at, 3) != 'T');
	return h->framing.foreign ? HPE_USER : 0;
}

/**
 * name_is_clean() - no space in or before this piece of a field's name?
 *
 * With lenient headers llhttp takes "Content-Length : 1" for a length and skips spaces before the first name.
 * Servers disagree on both (RFC 9112, 2.2 and 5.1).
 */
static bool name_is_clean(const struct http *h, const char *at, size_t len)
{
	uint8_t before = byte_before(h, at, 1);

	return len == 0 || ((h->framing.name_len > 0 || before == '\n') && !memchr(at, ' ', len));
}

static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!name_is_clean(h, at, len))
		return HPE_USER;
	for (size_t i = 0; h->requests.state == REQUEST_BODY && i < len && h->framing.name_len + i < TRAILER_MAX; i++)
		h->framing.trailer[h->framing.name_len + i] = at[i];
	h->framing.name_len += len;
	if (h->requests.state == REQUEST_BODY)
		return 0; /* a trailer, which must not be taken for a header (RFC 9110, 6.5.1) */
	return head_add_name(h->requests.head, span_of(at, len)) ? 0 : HPE_USER;
}

/** trailer_frames() - is it one that must not be a trailer (RFC 9110, 6.5.1)? Only newer llhttp look, and not at all */
static bool trailer_frames(const struct http *h)
{
	struct span name = span_of(h->framing.trailer, h->framing.name_len < TRAILER_MAX ? h->framing.name_len : TRAILER_MAX);

	return span_equal_nocase(name, SPAN_LITERAL("content-length")) ||
	       span_equal_nocase(name, SPAN_LITERAL("transfer-encoding"));
}

static int on_header_field_complete(llhttp_t *p)
{
	struct http *h = http_of(p);
	bool empty = h->framing.name_len == 0; /* ": value" is for lenient headers a field as well */
	bool frames = h->requests.state == REQUEST_BODY && trailer_frames(h);

	h->framing.name_len = 0;
	return empty || frames ? HPE_USER : 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (has_control(at, len))
		return HPE_USER;
	if (h->requests.state == REQUEST_BODY)
		return 0;
	return head_add_value(h->requests.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_header_value_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	if (h->requests.state != REQUEST_BODY)
		head_end_field(h->requests.head);
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	http_of(p)->framing.pause = PAUSE_HEAD;
	return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *p)
{
	struct http *h = http_of(p);

	h->framing.pause = PAUSE_CHUNK_HEAD;
	h->framing.last_chunk = p->content_length == 0;
	return HPE_PAUSED;
}

static int on_chunk_complete(llhttp_t *p)
{
	http_of(p)->framing.pause = PAUSE_CHUNK_END;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!h->framing.chunked)
		h->framing.body_left -= len;
	request_add_body(&h->env->requests, &h->requests.current, span_of(at, len));
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	http_of(p)->framing.pause = PAUSE_MESSAGE;
	return HPE_PAUSED;
}

void request_callbacks_init(llhttp_settings_t *client)
{
	llhttp_settings_init(client);
	client->on_method = on_method;
	client->on_method_complete = on_method_complete;
	client->on_url = on_url;
	client->on_version = on_version;
	client->on_version_complete = on_version_complete;
	client->on_header_field = on_header_field;
	client->on_header_field_complete = on_header_field_complete;
	client->on_header_value = on_header_value;
	client->on_header_value_complete = on_header_value_complete;
	client->on_headers_complete = on_headers_complete;
	client->on_chunk_header = on_chunk_header;
	client->on_chunk_complete = on_chunk_complete;
	client->on_body = on_body;
	client->on_message_complete = on_message_complete;
}
