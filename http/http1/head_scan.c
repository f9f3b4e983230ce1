/*
 * head_scan.c - see head_scan.h
 *
 * Theory of operation. A plain head is, to the byte,
 *
 *     method SP target SP "HTTP/1." ("0" | "1") CRLF
 *     *( name ":" value CRLF ) CRLF
 *
 * with one of the usual methods, a target that begins with "/", names of token
 * characters, values without control characters, and CRLF at each line's end.
 * Of the fields that decide about framing it holds Content-Length at most once,
 * digits only, and Connection with "close" or "keep-alive" only. Transfer-Encoding,
 * Upgrade, Expect and the like are left to llhttp, and so are bare LFs, folded
 * lines, absolute targets, bytes above 0x7e in a target: everything about which
 * servers differ, or that takes more than one look. A response's head is the same
 * behind its status line.
 *
 * Sixteen bytes are looked at at once, in the compiler's own vectors, which are
 * SSE2, NEON or plain words; what is left near the end goes byte by byte.
 * Nothing is read beyond the span.
 */
#include "http/http1/head_scan.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "http/http1/head.h"

#define WIDE 16
#define LENGTH_DIGITS_MAX 18 /* below 2^63 whatever they are */
#define NO_LINE UINT8_MAX

typedef uint8_t wide __attribute__((vector_size(WIDE)));

enum { NAME = 1,
       TARGET = 2,
       VALUE = 4 };

/* RFC 9110, 5.6.2 (token) and 5.5 (field-value with obs-text); a target's "#" is llhttp's */
static const uint8_t kinds[256] = {
	['\t'] = VALUE,
	[' '] = VALUE,
	['!'] = NAME | TARGET | VALUE,
	['"'] = TARGET | VALUE,
	['#'] = NAME | VALUE,
	['$' ... '\''] = NAME | TARGET | VALUE,
	['(' ... ')'] = TARGET | VALUE,
	['*' ... '+'] = NAME | TARGET | VALUE,
	[','] = TARGET | VALUE,
	['-' ... '.'] = NAME | TARGET | VALUE,
	['/'] = TARGET | VALUE,
	['0' ... '9'] = NAME | TARGET | VALUE,
	[':' ... '@'] = TARGET | VALUE,
	['A' ... 'Z'] = NAME | TARGET | VALUE,
	['[' ... ']'] = TARGET | VALUE,
	['^' ... 'z'] = NAME | TARGET | VALUE,
	['{'] = TARGET | VALUE,
	['|'] = NAME | TARGET | VALUE,
	['}'] = TARGET | VALUE,
	['~'] = NAME | TARGET | VALUE,
	[0x80 ... 0xff] = VALUE,
};

static inline wide load(struct span s, size_t i)
{
	wide v;

	memcpy(&v, s.at + i, sizeof(v));
	return v;
}

/** first() - index of the first byte of @mask that is set; WIDE if none is */
static inline size_t first(wide mask)
{
#ifdef __SSE2__
	unsigned bits = (unsigned)_mm_movemask_epi8((__m128i)mask);

	return bits ? (size_t)__builtin_ctz(bits) : WIDE;
#else
	uint64_t half[2];

	memcpy(half, &mask, sizeof(half));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	half[0] = __builtin_bswap64(half[0]);
	half[1] = __builtin_bswap64(half[1]);
#endif
	if (half[0])
		return (size_t)__builtin_ctzll(half[0]) / 8;
	return half[1] ? 8 + (size_t)__builtin_ctzll(half[1]) / 8 : WIDE;
#endif
}

static inline wide not_name(wide v) /* of the usual ones: letters, digits, "-", "_" */
{
	wide low = v | 0x20, letter = (wide)(low - 'a' < 26), digit = (wide)(v - '0' < 10);

	return ~(letter | digit | (wide)(v == '-') | (wide)(v == '_'));
}

static inline wide not_target(wide v)
{
	return (wide)(v - 0x21 > 0x7e - 0x21) | (wide)(v == '#');
}

static inline wide not_value(wide v)
{
	return ((wide)(v < 0x20) & (wide)(v != '\t')) | (wide)(v == 0x7f);
}

/**
 * pass() - the first byte at @i or behind that is not of @kind; the length if all are
 *
 * Inlined everywhere: @kind is a constant, and the vectors' constants stay in registers from line to line.
 */
static inline __attribute__((always_inline)) size_t pass(struct span s, size_t i, uint8_t kind)
{
	for (; s.len - i >= WIDE; i += WIDE) {
		wide v = load(s, i);
		size_t n = first(kind == NAME ? not_name(v) : kind == TARGET ? not_target(v)
									     : not_value(v));

		if (n == WIDE)
			continue;
		i += n;
		if (kind != NAME || s.at[i] == ':')
			return i;
		break; /* perhaps a rarer character of a name */
	}
	while (i < s.len && (kinds[s.at[i]] & kind))
		i++;
	return i;
}

/** is_text() - are the bytes at @i these? @n is a constant, so this is one or two loads */
static inline bool is_text(struct span s, size_t i, const char *text, size_t n)
{
	return s.len - i >= n && memcmp(s.at + i, text, n) == 0;
}

/**
 * is_word() - is @s this word of letters and dashes, in any case? @len, 4 or more, is a constant and has been compared.
 *
 * The bit that tells letters' cases apart is set: no other byte that a name or a value has becomes a letter or
 * a dash by that.
 */
static inline __attribute__((always_inline)) bool is_word(struct span s, const char *lower, size_t len)
{
	const uint64_t cases = 0x2020202020202020U;
	size_t each = len < 8 ? 4 : 8; /* two loads that overlap */
	uint64_t a[2] = { 0 }, b[2] = { 0 };

	memcpy(&a[0], s.at, each);
	memcpy(&a[1], s.at + len - each, each);
	memcpy(&b[0], lower, each);
	memcpy(&b[1], lower + len - each, each);
	return ((a[0] | cases) ^ (b[0] | cases)) == 0 && ((a[1] | cases) ^ (b[1] | cases)) == 0;
}

/** take_length() - the value of Content-Length; false if it is not the first, or not plain */
static bool take_length(struct scanned_head *head, struct span value)
{
	uint64_t n = 0;

	if (head->has_length || value.len == 0 || value.len > LENGTH_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		uint8_t digit = (uint8_t)(value.at[i] - '0');

		if (digit > 9)
			return false;
		n = n * 10 + digit;
	}
	head->has_length = true;
	head->content_length = n;
	return true;
}

/** take_framing() - note what this field says about framing; false if llhttp has to see the head */
static inline __attribute__((always_inline)) bool take_framing(struct scanned_head *head, struct span name,
							       struct span value)
{
	switch (name.len) {
	case 6:
		return !is_word(name, "expect", 6);
	case 7:
		return !is_word(name, "upgrade", 7);
	case 10:
		return !is_word(name, "connection", 10) ||
		       (value.len == 10 && is_word(value, "keep-alive", 10)) ||
		       (value.len == 5 && is_word(value, "close", 5));
	case 14:
		return !is_word(name, "content-length", 14) || take_length(head, value);
	case 16:
		return !is_word(name, "proxy-connection", 16);
	case 17:
		return !is_word(name, "transfer-encoding", 17);
	}
	return true;
}

static inline struct span cut(struct span s, size_t from, size_t to)
{
	return span_of(s.at + from, to - from);
}

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* ---- what is known from the head before ----------------------------------- */

/** is_known() - is it the last head again? */
static inline bool is_known(struct span in, const struct scan_memo *memo)
{
	return memo->whole > 0 && in.len >= memo->whole && memcmp(in.at, memo->bytes, memo->whole) == 0;
}

/** same_bytes() - from @i on, where does @in differ from the remembered lines, or where do these end? */
static inline size_t same_bytes(struct span in, const struct scan_memo *memo, size_t i)
{
	size_t len = memo->line_end[memo->lines - 1], n;
	struct span known = span_of(memo->bytes, len + MEMO_SLACK);

	for (; i < len && in.len - i >= WIDE; i += WIDE) {
		n = first((wide)(load(in, i) != load(known, i)));
		if (n < WIDE)
			return i + n < len ? i + n : len;
	}
	while (i < len && i < in.len && in.at[i] == memo->bytes[i])
		i++;
	return i < len ? i : len;
}

static void forget_length(struct scan_memo *memo)
{
	memo->last.has_length = false;
	memo->last.content_length = 0;
	memo->length_line = NO_LINE;
}

/** forget() - line @n and all behind it */
static void forget(struct scan_memo *memo, size_t n)
{
	memo->lines = (uint8_t)n;
	if (memo->length_line >= n)
		forget_length(memo);
}

/** remember() - line @n goes from @begin to @end now, if all before it are known; who has it, at that place */
static inline struct span remember(struct scan_memo *memo, struct span in, size_t n, size_t begin, size_t end)
{
	if (n < memo->lines && memo->line_end[n] != end)
		forget(memo, n); /* those behind it are elsewhere now */
	if (n > memo->lines || n == MEMO_LINES || end > MEMO_BYTES)
		return in;
	if (n == memo->length_line)
		forget_length(memo);
	memcpy(memo->bytes + begin, in.at + begin, end - begin);
	memo->line_end[n] = (uint16_t)end;
	if (n == memo->lines)
		memo->lines++;
	return span_of(memo->bytes, end);
}

/* ---- fields ---------------------------------------------------------------- */

/** scan_field() - the field at *@at, which moves behind its line */
static inline __attribute__((always_inline)) bool scan_field(struct span in, size_t *at, struct header *field)
{
	size_t begin = *at, colon = pass(in, begin, NAME), value, end;

	if (colon == begin || colon == in.len || in.at[colon] != ':')
		return false;
	value = colon + 1;
	while (value < in.len && is_blank(in.at[value]))
		value++;
	end = pass(in, value, VALUE);
	if (!is_text(in, end, "\r\n", 2))
		return false;
	*at = end + 2;
	*field = (struct header){ cut(in, begin, colon), cut(in, value, end) };
	return true;
}

/** trim() - white space after a value goes (RFC 9112, 5.1) */
static inline struct span trim(struct span value)
{
	while (value.len > 0 && is_blank(value.at[value.len - 1]))
		value.len--;
	return value;
}

/** moved() - @part of @from, in @to, where the same bytes are at the same place */
static inline struct span moved(struct span part, struct span from, struct span to)
{
	return span_of(to.at + (part.at - from.at), part.len);
}

/** scan_line() - line @n, a field, which begins at *@at */
static inline bool scan_line(struct span in, struct scan_memo *memo, size_t n, size_t *at)
{
	struct scanned_head *head = &memo->last;
	size_t begin = *at;
	struct header field;
	struct span kept;
	bool had_length;

	if (n > SCAN_FIELDS_MAX || !scan_field(in, at, &field))
		return false;
	kept = remember(memo, in, n, begin, *at);
	if (field.name.len == strlen("content-length") && n < memo->length_line &&
	    memo->length_line < memo->lines) /* perhaps there are two now: the other one is looked at again */
		forget(memo, memo->length_line);
	had_length = head->has_length;
	if (!take_framing(head, field.name, field.value))
		return false;
	if (head->has_length && !had_length && n < memo->lines)
		memo->length_line = (uint8_t)n;
	memo->fields[n - 1] = (struct header){ moved(field.name, in, kept), moved(trim(field.value), in, kept) };
	return true;
}

/** end_head() - the empty line is at @at, behind @n others */
static bool end_head(struct scan_memo *memo, size_t n, size_t at)
{
	struct scanned_head *head = &memo->last;

	if (n < memo->lines)
		forget(memo, n);
	head->head.header_count = n - 1;
	head->len = at + 2;
	if (n == memo->lines && head->len <= MEMO_BYTES) {
		memcpy(memo->bytes + at, "\r\n", 2);
		memo->whole = (uint16_t)head->len;
		head->head.same = memo->number += SCAN_MEMOS;
	}
	return head->len <= HEAD_BYTES_MAX;
}

/** scan_head() - ... that is not known; @first_line: the length of the first line, or 0 if it is not plain */
static bool scan_head(struct span in, struct scan_memo *memo,
		      size_t (*first_line)(struct span, struct scan_memo *))
{
	size_t n = 0, at = 0;

	forget(memo, memo->lines); /* a length that was in none of these */
	memo->whole = 0;
	memo->last.head.same = 0;
	for (;; n++) {
		if (n < memo->lines) {
			size_t same = same_bytes(in, memo, at);

			for (; n < memo->lines && memo->line_end[n] <= same; n++)
				at = memo->line_end[n];
		}
		if (n == 0)
			at = first_line(in, memo);
		else if (is_text(in, at, "\r\n", 2))
			return end_head(memo, n, at);
		else if (!scan_line(in, memo, n, &at))
			at = 0;
		if (at == 0)
			break;
	}
	forget(memo, n < memo->lines ? n : memo->lines);
	return false;
}

/* ---- first lines ------------------------------------------------------------- */

/** method_len() - of one of the methods that a plain request has, with a space behind it; 0: none */
static size_t method_len(struct span in)
{
	static const struct span others[] = { SPAN_LITERAL("PUT "), SPAN_LITERAL("HEAD "),
					      SPAN_LITERAL("PATCH "), SPAN_LITERAL("DELETE "),
					      SPAN_LITERAL("OPTIONS ") };

	if (is_text(in, 0, "POST ", 5))
		return 4;
	if (is_text(in, 0, "GET ", 4))
		return 3;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (span_starts(in, others[i]))
			return others[i].len - 1;
	return 0;
}

/** scan_request_line() - its length, or 0 if it is not plain */
static size_t scan_request_line(struct span in, struct scan_memo *memo)
{
	size_t method = method_len(in), target = method + 1, end;
	struct span kept;

	if (method == 0 || target >= in.len || in.at[target] != '/')
		return 0;
	end = pass(in, target, TARGET);
	if (!is_text(in, end, " HTTP/1.", 8) || in.len - end < 11 || (in.at[end + 8] | 1) != '1' ||
	    !is_text(in, end + 9, "\r\n", 2))
		return 0;
	kept = remember(memo, in, 0, 0, end + 11);
	memo->last.head = (struct request_head){ .method = cut(kept, 0, method),
						 .target = cut(kept, target, end),
						 .headers = memo->fields,
						 .version_major = 1,
						 .version_minor = in.at[end + 8] - '0' };
	memo->last.asks_head = in.at[0] == 'H';
	return end + 11;
}

const struct scanned_head *scan_request(struct span in, struct scan_memo *memo)
{
	return is_known(in, memo) || scan_head(in, memo, scan_request_line) ? &memo->last : NULL;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/** scan_status_line() - its length, or 0 if it is not plain */
static size_t scan_status_line(struct span in, struct scan_memo *memo)
{
	size_t end;

	/* "HTTP/1.1 200 " */
	if (in.len < 13 || !is_text(in, 0, "HTTP/1.", 7) || (in.at[7] | 1) != '1' || in.at[8] != ' ' ||
	    in.at[9] < '1' || in.at[9] > '5' || !is_digit(in.at[10]) || !is_digit(in.at[11]) ||
	    in.at[12] != ' ')
		return 0;
	end = pass(in, 13, VALUE);
	if (!is_text(in, end, "\r\n", 2))
		return 0;
	remember(memo, in, 0, 0, end + 2);
	memo->last.status = (in.at[9] - '0') * 100 + (in.at[10] - '0') * 10 + (in.at[11] - '0');
	return end + 2;
}

const struct scanned_head *scan_response(struct span in, struct scan_memo *memo)
{
	return is_known(in, memo) || scan_head(in, memo, scan_status_line) ? &memo->last : NULL;
}
