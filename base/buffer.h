/*
 * buffer.h - bytes that grow: texts, heads of requests, lines of JSON
 *
 * A buffer that could not grow remembers it: later additions do nothing and
 * buffer_ok() is false, so a builder of many small pieces checks once, at the
 * end. The zero value is an empty buffer.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

struct buffer {
	uint8_t *bytes;
	size_t len, cap;
	bool failed;
};

/** buffer_deinit() - free the bytes; the buffer is empty and usable again */
void buffer_deinit(struct buffer *b);

/** buffer_clear() - forget the contents, keep the memory */
static inline void buffer_clear(struct buffer *b)
{
	b->len = 0;
	b->failed = false;
}

static inline bool buffer_ok(const struct buffer *b)
{
	return !b->failed;
}

static inline struct span buffer_span(const struct buffer *b)
{
	return span_of(b->bytes, b->len);
}

/** buffer_grow() - what buffer_reserve() does where there isn't room yet */
bool buffer_grow(struct buffer *b, size_t more);

/** buffer_reserve() - room for @more bytes after the contents; false when out of memory */
static inline bool buffer_reserve(struct buffer *b, size_t more)
{
	return (b->bytes && !b->failed && b->cap - b->len >= more) || buffer_grow(b, more);
}

/**
 * buffer_room() - where up to @most bytes may be written behind the contents, in place; NULL when out of memory
 * What was written counts once buffer_end() has said where it ends.
 */
static inline char *buffer_room(struct buffer *b, size_t most)
{
	return buffer_reserve(b, most) ? (char *)b->bytes + b->len : NULL;
}

static inline void buffer_end(struct buffer *b, const char *end)
{
	b->len = (size_t)((const uint8_t *)end - b->bytes);
}

/* Inline, since most additions are a few bytes, for which there is room. */
static inline void buffer_add(struct buffer *b, const void *bytes, size_t len)
{
	if (len == 0 || !buffer_reserve(b, len))
		return;
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static inline void buffer_add_span(struct buffer *b, struct span s)
{
	buffer_add(b, s.at, s.len);
}

static inline void buffer_add_str(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vprintf(struct buffer *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/** buffer_text() - the contents as a C string, borrowed until the next change; "" when out of memory */
const char *buffer_text(struct buffer *b);

#endif
