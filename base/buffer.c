/* buffer.c - see buffer.h; growth by doubling, so that n additions cost O(n) */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_FIRST 256

void buffer_deinit(struct buffer *b)
{
	free(b->bytes);
	*b = (struct buffer){ 0 };
}

bool buffer_grow(struct buffer *b, size_t more)
{
	size_t cap = b->cap ? b->cap : BUFFER_FIRST;
	uint8_t *bytes;

	if (b->failed)
		return false;
	if (more > SIZE_MAX / 2 - b->len)
		goto fail;
	while (cap - b->len < more)
		cap *= 2;
	bytes = realloc(b->bytes, cap);
	if (!bytes)
		goto fail;
	b->bytes = bytes;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

void buffer_vprintf(struct buffer *b, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0 || !buffer_reserve(b, (size_t)len + 1)) {
		b->failed = true;
		return;
	}
	vsnprintf((char *)b->bytes + b->len, (size_t)len + 1, format, args);
	b->len += (size_t)len;
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(b, format, args);
	va_end(args);
}

const char *buffer_text(struct buffer *b)
{
	if (!buffer_reserve(b, 1))
		return "";
	b->bytes[b->len] = '\0';
	return (const char *)b->bytes;
}
