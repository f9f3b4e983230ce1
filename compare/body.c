/*
 * body.c - see body.h
 *
 * Content codings are undone first, all fields of that name being one list
 * (RFC 9110, 5.2). Then the media type decides, without its parameters. What it
 * says nothing about is looked at: a body that begins like an object or an array
 * is JSON, for services that set no type are mostly of that kind.
 */
#include "compare/body.h"

#include <errno.h>

#include "message/message.h"

static const struct span *header_of(const struct body *b, const char *name)
{
	return response_header(b->response, span_str(name));
}

/** media_type() - the value of Content-Type up to its parameters */
static struct span media_type(const struct body *b)
{
	const struct span *value = header_of(b, "content-type");
	struct span type = value ? *value : span_of(NULL, 0);
	size_t len = 0;

	while (len < type.len && type.at[len] != ';' && type.at[len] != ' ' && type.at[len] != '\t')
		len++;
	span_truncate(&type, len);
	return type;
}

static bool ends_nocase(struct span s, struct span end)
{
	return s.len >= end.len && span_skip(&s, s.len - end.len) && span_equal_nocase(s, end);
}

static bool starts_nocase(struct span s, struct span start)
{
	span_truncate(&s, start.len);
	return span_equal_nocase(s, start);
}

bool begins_like_json(struct span text)
{
	if (span_starts(text, SPAN_LITERAL("\xef\xbb\xbf")))
		span_skip(&text, 3);
	while (text.len > 0 &&
	       (text.at[0] == ' ' || text.at[0] == '\t' || text.at[0] == '\r' || text.at[0] == '\n'))
		span_skip(&text, 1);
	return text.len > 0 && (text.at[0] == '{' || text.at[0] == '[');
}

static enum body_kind kind_of_type(struct span type)
{
	static const struct {
		struct span name;
		enum body_kind kind;
	} whole[] = {
		{ SPAN_LITERAL("application/json"), BODY_JSON },
		{ SPAN_LITERAL("text/json"), BODY_JSON },
		{ SPAN_LITERAL("text/event-stream"), BODY_EVENTS },
		{ SPAN_LITERAL("application/xml"), BODY_TEXT },
		{ SPAN_LITERAL("application/x-ndjson"), BODY_TEXT },
		{ SPAN_LITERAL("application/jsonl"), BODY_TEXT },
		{ SPAN_LITERAL("application/yaml"), BODY_TEXT },
		{ SPAN_LITERAL("application/javascript"), BODY_TEXT },
		{ SPAN_LITERAL("application/octet-stream"), BODY_NONE },
		{ SPAN_LITERAL(""), BODY_NONE },
	};

	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
		if (span_equal_nocase(type, whole[i].name))
			return whole[i].kind;
	if (ends_nocase(type, SPAN_LITERAL("+json")))
		return BODY_JSON;
	if (starts_nocase(type, SPAN_LITERAL("text/")) || ends_nocase(type, SPAN_LITERAL("+xml")))
		return BODY_TEXT;
	return BODY_BYTES;
}

static bool read_number(struct span text, uint64_t *out)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > 18)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(text.at[i] - '0');
	}
	*out = n;
	return true;
}

/** classify() - the body's kind; BODY_NONE of an empty one */
static enum body_kind classify(struct body *b)
{
	const struct span *head_len = header_of(b, "inference-header-content-length");
	enum body_kind kind = kind_of_type(media_type(b));

	b->head_len = b->bytes.len;
	if (b->bytes.len == 0)
		return BODY_NONE;
	if (head_len) { /* no number: a length that no body has, which reading it will find out */
		if (!read_number(*head_len, &b->head_len))
			b->head_len = UINT64_MAX;
		return b->head_len == 0 ? BODY_BYTES
					: BODY_TENSORS; /* 0: one tensor of which nothing is said */
	}
	if (kind == BODY_NONE)
		return begins_like_json(b->bytes) ? BODY_JSON : BODY_BYTES;
	return kind;
}

/** read_codings() - the list of content codings: several fields are one (RFC 9110, 5.2); false: no memory */
static bool read_codings(struct body *b)
{
	const struct response *r = b->response;

	buffer_clear(&b->codings);
	for (size_t i = 0; i < r->header_count; i++)
		if (span_equal_nocase(r->headers[i].name, SPAN_LITERAL("content-encoding"))) {
			buffer_add(&b->codings, ",", b->codings.len > 0);
			buffer_add_span(&b->codings, r->headers[i].value);
		}
	return buffer_ok(&b->codings);
}

static struct span packed(const struct body *b)
{
	return span_of(b->response->body, b->response->body_len);
}

/** same_packed() - the same bytes under the same codings: what one unpacks to, the other does */
static bool same_packed(const struct body *a, const struct body *b)
{
	return span_equal_nocase(buffer_span(&a->codings), buffer_span(&b->codings)) &&
	       span_equal(packed(a), packed(b));
}

int body_read(struct body *b, const struct response *response, uint64_t max_len, const struct body *like)
{
	int err = 0;

	b->response = response;
	if (!read_codings(b))
		return -ENOMEM;
	if (like && same_packed(b, like)) /* not packed: its own, since times of its arrival are told of those alone */
		b->bytes = like->bytes.at == like->response->body ? packed(b) : like->bytes;
	else
		err = inflate_body(&b->inflater, buffer_span(&b->codings), packed(b), max_len, &b->bytes);
	b->kind = err ? BODY_NONE : classify(b);
	return err;
}

void body_deinit(struct body *b)
{
	buffer_deinit(&b->codings);
	inflater_deinit(&b->inflater);
	*b = (struct body){ 0 };
}
