/*
 * span.h - the only way this program reads bytes that came from a network
 *
 * Theory of operation: every parser takes from the front of a span. A take
 * either succeeds whole or leaves the span untouched, so a length field can be
 * wrong in any way without a byte being read past the end. Nested lengths
 * become sub-spans (span_take() with the nested length), which makes it
 * impossible for an inner parser to reach the outer one's bytes.
 *
 * Spans never own memory. What has to outlive the call that it is borrowed from
 * is copied. No other file casts packet bytes to a struct or adds to a packet
 * pointer.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/** struct span - borrowed bytes: never freed, never kept */
struct span {
	const uint8_t *at;
	size_t len;
};

/** SPAN_LITERAL() - the bytes of a string literal, without its final NUL */
#define SPAN_LITERAL(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })

static inline struct span span_of(const void *at, size_t len)
{
	return (struct span){ at, len };
}

/** span_str() - the bytes of a NUL-terminated string, borrowed */
static inline struct span span_str(const char *s)
{
	return span_of(s, strlen(s));
}

/** span_take() - move @n bytes from the front of @in to @out; false, with @in untouched, if fewer are left */
static inline bool span_take(struct span *in, size_t n, struct span *out)
{
	if (n > in->len) /* compared as lengths: at + n may not even be a valid pointer */
		return false;
	*out = span_of(in->at, n);
	in->at += n;
	in->len -= n;
	return true;
}

/** span_skip() - drop @n bytes from the front; false, untouched, if fewer are left */
static inline bool span_skip(struct span *in, size_t n)
{
	struct span unused;

	return span_take(in, n, &unused);
}

/** span_truncate() - keep at most the first @n bytes */
static inline void span_truncate(struct span *s, size_t n)
{
	if (s->len > n)
		s->len = n;
}

/**
 * span_prefetch() - @n bytes behind the first @from will be read soon; those that @s doesn't have are no error
 *
 * Always inlined, since gcc may take a function that does nothing else for one without effect and not call it.
 */
__attribute__((always_inline)) static inline void span_prefetch(struct span s, size_t from, size_t n)
{
	if (!span_skip(&s, from))
		return;
	span_truncate(&s, n);
	for (size_t line = 0; line < s.len; line += 64)
		__builtin_prefetch(s.at + line);
}

static inline bool span_u8(struct span *in, uint8_t *out)
{
	struct span b;

	if (!span_take(in, 1, &b))
		return false;
	*out = b.at[0];
	return true;
}

/** span_u16() - take a 16-bit number in network order; the others likewise */
static inline bool span_u16(struct span *in, uint16_t *out)
{
	struct span b;

	if (!span_take(in, 2, &b))
		return false;
	*out = (uint16_t)(b.at[0] << 8 | b.at[1]);
	return true;
}

static inline bool span_u32(struct span *in, uint32_t *out)
{
	struct span b;

	if (!span_take(in, 4, &b))
		return false;
	*out = (uint32_t)b.at[0] << 24 | (uint32_t)b.at[1] << 16 | (uint32_t)b.at[2] << 8 | b.at[3];
	return true;
}

static inline bool span_u64(struct span *in, uint64_t *out)
{
	uint32_t high, low;

	if (in->len < 8 || !span_u32(in, &high) || !span_u32(in, &low))
		return false;
	*out = (uint64_t)high << 32 | low;
	return true;
}

/** span_equal() - a literal comes second: then its length is a constant, and comparing takes a load or two */
static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (b.len == 0 || memcmp(a.at, b.at, b.len) == 0);
}

/** span_equal_nocase() - equal but for ASCII case, as HTTP field names are (RFC 9110, 5.1) */
static inline bool span_equal_nocase(struct span a, struct span b)
{
	return a.len == b.len &&
	       (a.len == 0 || strncasecmp((const char *)a.at, (const char *)b.at, a.len) == 0);
}

/** span_starts() - does @s begin with @prefix? */
static inline bool span_starts(struct span s, struct span prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

/** span_has_nocase() - is @word somewhere in @s? For short values of fields that list tokens. */
static inline bool span_has_nocase(struct span s, struct span word)
{
	for (; s.len >= word.len; span_skip(&s, 1))
		if (span_equal_nocase(span_of(s.at, word.len), word))
			return true;
	return false;
}

#endif
