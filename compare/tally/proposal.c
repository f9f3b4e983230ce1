/*
 * proposal.c - see proposal.h
 *
 * Two kinds of difference are known by their looks. An id or a clock differs in
 * every pair, or in nearly every one, and both its values look like one: a UUID,
 * sixteen and more letters and digits in one word, a time near today's in
 * seconds to nanoseconds since 1970, a date with a time; or the member is called
 * as ids and clocks are. A duration is none: it has the same names as what some
 * models answer. And a number that differs by little, everywhere it differs: by
 * at most a twentieth, of itself or in all. The numbers of an embedding do so even where two have nothing to do with
 * each other, so for what is called one its cosine is proposed, and no tolerance.
 *
 * No line is proposed that the grammar of rules cannot say, and none for a path
 * that was cut.
 */
#include "compare/tally/proposal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/tally/tally_state.h"

#define PAIRS_MIN 5          /* of fewer it cannot be told what always differs */
#define NEARLY_ALL 0.95      /* of the pairs */
#define LITTLE 0.05          /* of a number */
#define WORD_MIN 16          /* letters and digits of an id */
#define WORD_MAX 80          /* what is longer is data */
#define CLOCK_FROM 1.4e9     /* 2014, in seconds */
#define CLOCK_TO 2.4e9       /* 2046 */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

/** is_word() - letters and digits, both, perhaps with marks between them: "chatcmpl-8f2c...", a UUID, hexadecimal */
static bool is_word(struct span text)
{
	size_t digits = 0, letters = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (is_digit(text.at[i]))
			digits++;
		else if (is_letter(text.at[i]))
			letters++;
		else if (!strchr("-_.:", text.at[i]) || text.at[i] == '\0')
			return false;
	}
	return digits > 0 && letters > 0 && digits + letters >= WORD_MIN && text.len <= WORD_MAX;
}

/** is_date() - 2026-11-28T10:00:00, also with a blank, and whatever comes behind it */
static bool is_date(struct span text)
{
	static const char form[] = "0000-00-00 00:00";

	if (text.len < sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		uint8_t c = text.at[i];

		if (form[i] == '0' ? !is_digit(c) : form[i] == ' ' ? c != 'T' && c != ' ' : c != (uint8_t)form[i])
			return false;
	}
	return true;
}

/** is_clock() - a number that is now, in seconds, or in thousandths, millionths or billionths of one */
static bool is_clock(const char *text)
{
	char *end;
	double n = is_digit((uint8_t)text[0]) ? strtod(text, &end) : 0;

	if (n == 0 || *end != '\0')
		return false;
	for (double unit = 1; unit <= 1e9; unit *= 1e3)
		if (n >= CLOCK_FROM * unit && n <= CLOCK_TO * unit)
			return true;
	return false;
}

static bool looks_like_name(const char *text)
{
	return is_word(span_str(text)) || is_date(span_str(text)) || is_clock(text);
}

static bool is_called_so(const char *pattern)
{
	static const char *const names[] = { "id",	 "request_id",	   "requestId", "trace_id",  "traceId",
					     "span_id",	 "correlation_id", "created",	"created_at", "timestamp",
					     "served_by" };
	const char *last = strrchr(pattern, '/');

	for (size_t i = 0; last && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(last + 1, names[i]) == 0)
			return true;
	return false;
}

bool proposal_is_name(const struct finding *f)
{
	if (f->kind != DIFFERENCE_VALUE)
		return false;
	return is_called_so(f->pattern) || (looks_like_name(f->production) && looks_like_name(f->shadow));
}

/** add_pattern() - as a rule has to write it; false if no rule can */
static bool add_pattern(struct buffer *rule, const char *pattern)
{
	size_t len = strlen(pattern);
	bool quoted = false;

	if (len == 0 || len >= COUNTED_TEXT_MAX - 4)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)pattern[i];
		bool alone = i > 0 && pattern[i - 1] == '/' && (pattern[i + 1] == '/' || pattern[i + 1] == '\0');

		if (c < 0x20 || c == 0x7f || (c == '*' && !alone))
			return false;
		quoted |= c == ' ' || c == '"' || c == '\\';
	}
	if (!quoted) {
		buffer_add(rule, pattern, len);
		return true;
	}
	buffer_add(rule, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (pattern[i] == '"' || pattern[i] == '\\')
			buffer_add(rule, "\\", 1);
		buffer_add(rule, pattern + i, 1);
	}
	buffer_add(rule, "\"", 1);
	return true;
}

/** rounded_up() - to two digits, never below @x: what is printed has to let pass what was measured */
static double rounded_up(double x)
{
	double step = pow(10, floor(log10(x)) - 1), rounded = ceil(x / step) * step;
	char text[32];

	snprintf(text, sizeof(text), "%.2g", rounded);
	if (strtod(text, NULL) < x)
		snprintf(text, sizeof(text), "%.2g", rounded + step);
	return strtod(text, NULL);
}

static bool is_nearly_all(const struct counted_row *row, uint64_t compared)
{
	return compared >= PAIRS_MIN && (double)row->n[PATH_PAIRS] >= NEARLY_ALL * (double)compared;
}

/** vector_of() - how much of @pattern leads to what is called an embedding, if its end is a number of it; 0: it is none */
static size_t vector_of(const char *pattern)
{
	static const char *const names[] = { "/embedding", "/embeddings" };
	size_t len = strlen(pattern), end = len;

	while (end >= 2 && strncmp(pattern + end - 2, "/*", 2) == 0)
		end -= 2;
	for (size_t i = 0; end < len && i < sizeof(names) / sizeof(*names); i++) {
		size_t name = strlen(names[i]);

		if (end >= name && strncmp(pattern + end - name, names[i], name) == 0)
			return end;
	}
	return 0;
}

/** propose_vector() - of what is at @pattern, to @len; false if no rule can say it */
static bool propose_vector(struct buffer *rule, const char *pattern, size_t len)
{
	char *vector = strndup(pattern, len);
	bool said = vector && add_pattern(rule, vector);

	free(vector);
	buffer_add_str(rule, said ? " cosine" : "");
	return said;
}

enum proposal proposal_of(const struct counted_row *row, uint64_t compared, struct buffer *rule)
{
	const char *pattern = counted_second(row);
	double abs = row->max[PATH_MAX_ABS], rel = row->max[PATH_MAX_REL];
	uint64_t all = row->n[PATH_DIFFERENCES];

	if (strcmp(counted_first(row), difference_name(DIFFERENCE_VALUE)) != 0 || all == 0)
		return PROPOSAL_NONE;
	if (row->n[PATH_NUMBERS] == all && vector_of(pattern) > 0)
		return propose_vector(rule, pattern, vector_of(pattern)) ? PROPOSAL_VECTOR : PROPOSAL_NONE;
	if (is_nearly_all(row, compared) && row->n[PATH_NAMES] == row->n[PATH_PAIRS]) {
		if (!add_pattern(rule, pattern))
			return PROPOSAL_NONE;
		buffer_add_str(rule, " ignore");
		return PROPOSAL_IGNORE;
	}
	if (row->n[PATH_NUMBERS] != all || !(abs > 0) || !isfinite(abs))
		return PROPOSAL_NONE;
	if (abs > LITTLE && !(row->n[PATH_RELATIVES] == all && rel > 0 && rel <= LITTLE))
		return PROPOSAL_NONE;
	if (!add_pattern(rule, pattern))
		return PROPOSAL_NONE;
	if (abs <= LITTLE)
		buffer_printf(rule, " num atol=%.2g", rounded_up(abs));
	else
		buffer_printf(rule, " num rtol=%.2g", rounded_up(rel));
	return PROPOSAL_TOLERANCE;
}
