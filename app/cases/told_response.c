/* told_response.c - see told_response.h */
#include "app/cases/told_response.h"

#include <errno.h>

#include "base/json.h"
#include "compare/body.h"
#include "message/http_text.h"

#define CHUNK_DIGITS_MAX 15

/** take_line() - up to the next newline, without it and a CR before it; false: there is none */
static bool take_line(struct span *text, struct span *line)
{
	const uint8_t *end = text->len ? memchr(text->at, '\n', text->len) : NULL;

	if (!end || !span_take(text, (size_t)(end - text->at), line))
		return false;
	span_skip(text, 1);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return true;
}

/** read_status() - of "HTTP/1.1 200 OK" or "HTTP/2 200"; 0: there is none */
static int read_status(struct span line)
{
	struct span version, rest;
	int code = 0;

	if (!span_cut(line, ' ', &version, &rest) || rest.len < 3 || (rest.len > 3 && rest.at[3] != ' '))
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (rest.at[i] < '0' || rest.at[i] > '9')
			return 0;
		code = code * 10 + (rest.at[i] - '0');
	}
	return code >= 100 && code < 600 ? code : 0;
}

/* ---- chunks (RFC 9112, 7.1) ---- */

static bool read_chunk_size(struct span line, uint64_t *out)
{
	struct span digits, extension;
	uint64_t n = 0;

	span_cut(line, ';', &digits, &extension);
	digits = span_trim(digits);
	if (digits.len == 0 || digits.len > CHUNK_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = digits.at[i] | 0x20;
		bool is_digit = c >= '0' && c <= '9';

		if (!is_digit && (c < 'a' || c > 'f'))
			return false;
		n = n * 16 + (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
	}
	*out = n;
	return true;
}

/** join_chunks() - false: @text is no whole sequence of chunks, and @out of no use */
static bool join_chunks(struct span text, struct buffer *out)
{
	struct span line, piece;
	uint64_t size;

	while (take_line(&text, &line) && read_chunk_size(line, &size)) {
		if (size == 0) {
			while (take_line(&text, &line) && line.len > 0)
				; /* trailers */
			return text.len == 0;
		}
		if (!span_take(&text, (size_t)size, &piece) || !take_line(&text, &line) || line.len > 0)
			return false;
		buffer_add_span(out, piece);
	}
	return false;
}

/* ---- the head ---- */

/** struct framing - what the fields say of the body */
struct framing {
	bool is_chunked, has_length;
	uint64_t length;
};

static bool read_length(struct span value, uint64_t *out)
{
	uint64_t n = 0;

	if (value.len == 0 || value.len > 18)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(value.at[i] - '0');
	}
	*out = n;
	return true;
}

static bool add_field(struct told_response *r, struct span name, struct span value, struct framing *f)
{
	if (span_equal_nocase(name, SPAN_LITERAL("content-type"))) {
		r->has_type = true;
		r->type = value;
	} else if (span_equal_nocase(name, SPAN_LITERAL("transfer-encoding"))) {
		f->is_chunked = span_has_nocase(value, SPAN_LITERAL("chunked"));
	} else if (span_equal_nocase(name, SPAN_LITERAL("content-length"))) {
		f->has_length = read_length(value, &f->length);
	}
	return response_head_name(&r->head, name) && response_head_value(&r->head, value) &&
	       response_head_end_field(&r->head);
}

/** read_fields() - up to the empty line; 0, -EINVAL or -ENOMEM */
static int read_fields(struct told_response *r, struct span *text, struct framing *f)
{
	struct span line, name, value;

	while (take_line(text, &line)) {
		if (line.len == 0)
			return 0;
		if (!span_cut(line, ':', &name, &value) || !http_is_token(name))
			return -EINVAL;
		if (!add_field(r, name, span_trim(value), f))
			return -ENOMEM;
	}
	return -EINVAL;
}

static int read_body(struct told_response *r, struct span text, const struct framing *f, const char **error)
{
	r->body = text;
	if (f->is_chunked) {
		r->is_delimited = join_chunks(text, &r->joined);
		if (r->is_delimited)
			r->body = buffer_span(&r->joined);
		return buffer_ok(&r->joined) ? 0 : -ENOMEM;
	}
	if (f->has_length && text.len < f->length) {
		*error = "its body is shorter than its Content-Length: it is cut";
		return -EINVAL;
	}
	r->is_delimited = f->has_length;
	if (f->has_length)
		span_truncate(&r->body, (size_t)f->length);
	return 0;
}

int told_response_read(struct told_response *r, struct span text, const char **error)
{
	struct framing framing;
	struct span line;
	int err;

	*error = "out of memory";
	if (!span_starts(text, SPAN_LITERAL("HTTP/"))) {
		r->body = text;
		return 0;
	}
	do {
		response_head_clear(&r->head);
		r->has_type = false;
		framing = (struct framing){ 0 };
		if (!take_line(&text, &line) || (r->status_code = read_status(line)) == 0) {
			*error = "it begins with HTTP/ like a response, and has no status line";
			return -EINVAL;
		}
		err = read_fields(r, &text, &framing);
		if (err == -EINVAL)
			*error = "its fields do not end with an empty line, or one of them has no name";
	} while (err == 0 && r->status_code < 200 && span_starts(text, SPAN_LITERAL("HTTP/")));
	return err < 0 ? err : read_body(r, text, &framing, error);
}

/* ---- a body alone ---- */

static bool is_text(struct span text)
{
	for (size_t len; text.len > 0; span_skip(&text, len)) {
		len = utf8_length(text);
		if (len == 0 || text.at[0] == '\0')
			return false;
	}
	return true;
}

struct span told_response_guess(struct span body)
{
	if (begins_like_json(body))
		return SPAN_LITERAL("application/json");
	if (span_starts(body, SPAN_LITERAL("data:")) || span_starts(body, SPAN_LITERAL("event:")))
		return SPAN_LITERAL("text/event-stream");
	return is_text(body) ? SPAN_LITERAL("text/plain") : SPAN_LITERAL("application/octet-stream");
}

void told_response_deinit(struct told_response *r)
{
	response_head_deinit(&r->head);
	buffer_deinit(&r->joined);
	*r = (struct told_response){ 0 };
}
