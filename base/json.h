/*
 * json.h - write JSON (RFC 8259); json_doc.h reads it
 *
 * Text from the wire is bytes of any kind. json_text() escapes what must be
 * escaped, and what a terminal or a page would obey (shown.h), and writes each
 * byte that is not part of valid UTF-8 as U+FFFD, so a line is always valid JSON
 * and valid UTF-8. Commas are placed by the writer: callers name members and
 * values in order.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct json {
	struct buffer *out; /* borrowed */
	bool comma;         /* the next member or element needs one before it */
};

static inline struct json json_to(struct buffer *out)
{
	return (struct json){ out, false };
}

void json_open(struct json *j, char bracket);  /* '{' or '[' */
void json_close(struct json *j, char bracket); /* '}' or ']' */

/** json_key() - the name of the next member; the value follows */
void json_key(struct json *j, const char *name);

void json_text(struct json *j, struct span text);
void json_str(struct json *j, const char *text);
void json_uint(struct json *j, uint64_t n);
void json_int(struct json *j, int64_t n);

/** json_count() - a member that is a count: name and value in one */
void json_count(struct json *j, const char *name, uint64_t n);

/** json_text_or_null() - a member that is a text; NULL or empty: null, since nothing is said */
void json_text_or_null(struct json *j, const char *name, const char *text);
void json_double(struct json *j, double n); /* not finite: null, as JSON has no word for it */

/** json_exact() - as json_double(), with as many digits as it takes to read the same number back */
void json_exact(struct json *j, double n);
void json_bool(struct json *j, bool yes);
void json_null(struct json *j);

/** utf8_length() - of the UTF-8 sequence at the front of @s, which is not empty; 0 if there is no valid one */
size_t utf8_length(struct span s);

/** json_hex() - bytes as lower-case hexadecimal text */
void json_hex(struct json *j, const uint8_t *bytes, size_t len);

#endif
