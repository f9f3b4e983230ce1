/*
 * gate_parse.c - the text of --fail-on, taken apart; see gate.h
 *
 * By recursive descent, whose depth is bounded by GATE_DEPTH_MAX. Units are
 * checked here, so that "p99_ratio > 5ms" is a usage error and not a gate that
 * never closes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "report/gate_state.h"

#define TOKEN_MAX 64

struct parser {
	struct span rest;
	struct gate *gate;
	struct buffer *error;
	int depth, err;
};

static bool parse_any(struct parser *p, int *out);

static bool fail(struct parser *p, struct span at, const char *format, const char *word)
{
	if (p->err)
		return false;
	p->err = -EINVAL;
	buffer_printf(p->error, format, word);
	if (at.len > 0)
		buffer_printf(p->error, " (at \"%.*s\")", (int)(at.len < 80 ? at.len : 80), (const char *)at.at);
	else
		buffer_add_str(p->error, " (at its end)");
	return false;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

static void skip_space(struct parser *p)
{
	while (p->rest.len > 0 && is_space(p->rest.at[0]))
		span_skip(&p->rest, 1);
}

static struct span take_while(struct parser *p, bool (*wanted)(uint8_t))
{
	size_t len = 0;
	struct span word = { 0 };

	while (len < p->rest.len && wanted(p->rest.at[len]))
		len++;
	span_take(&p->rest, len, &word);
	return word;
}

/* A word of letters, if it is the next thing. */
static bool take_word(struct parser *p, const char *word)
{
	struct span before = p->rest;

	skip_space(p);
	if (span_equal_nocase(take_while(p, is_name), span_str(word)))
		return true;
	p->rest = before;
	return false;
}

static bool take_mark(struct parser *p, const char *mark)
{
	skip_space(p);
	if (!span_starts(p->rest, span_str(mark)))
		return false;
	return span_skip(&p->rest, strlen(mark));
}

static bool parse_op(struct parser *p, enum gate_op *op)
{
	static const struct {
		const char *mark;
		enum gate_op op;
	} ops[] = { { ">=", GATE_AT_LEAST }, { "<=", GATE_AT_MOST }, { "==", GATE_IS }, { "!=", GATE_IS_NOT },
		    { ">", GATE_ABOVE },     { "<", GATE_BELOW },    { "=", GATE_IS } };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (take_mark(p, ops[i].mark)) {
			*op = ops[i].op;
			return true;
		}
	return fail(p, p->rest, "a comparison is missing (one of > >= < <= == !=)%s", "");
}

/*
 * Digits and a point, nothing that strtod() takes besides: no hexadecimal, no names, no exponent. Percents are
 * read as such: 1.1 / 100 is another number than 0.011, which a report holds.
 */
static bool parse_decimal(const char *text, size_t len, const char *exponent, double *out)
{
	char digits[TOKEN_MAX + 4];

	if (len == 0 || len >= TOKEN_MAX || strspn(text, "0123456789.") < len)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!strpbrk(digits, "0123456789") || strchr(digits, '.') != strrchr(digits, '.'))
		return false;
	strcat(digits, exponent);
	*out = strtod(digits, NULL);
	return true;
}

static bool parse_percent(const char *text, double *out)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '%')
		return parse_decimal(text, len - 1, "e-2", out);
	return parse_decimal(text, len, "", out) && *out <= 1;
}

static const char *parse_limit(enum gate_kind kind, const char *text, double *out)
{
	bool minus = text[0] == '-' && (kind == GATE_CHANGE || kind == GATE_TIME);
	uint64_t n;
	int64_t ns;

	text += minus;
	switch (kind) {
	case GATE_COUNT:
		if (!parse_uint(text, &n))
			return "a count, such as 1000, is expected%s";
		*out = (double)n;
		return NULL;
	case GATE_SHARE:
	case GATE_CHANGE:
		if (!parse_percent(text, out))
			return "a share, such as 0.5% or 0.005, is expected%s";
		break;
	case GATE_TIME:
		if (text[strspn(text, "0123456789.")] == '\0' || !parse_duration(text, &ns))
			return "a time with its unit, such as 50ms, is expected%s";
		*out = (double)ns / 1000;
		break;
	case GATE_RATIO:
		if (!parse_decimal(text, strlen(text), "", out))
			return "a plain number, such as 1.2, is expected%s";
		break;
	}
	if (minus)
		*out = -*out;
	return NULL;
}

static bool is_limit(uint8_t c)
{
	return is_name(c) || c == '%' || c == '+';
}

/* Formats of fail() take one word; a '%' in the message itself would be another. */
static bool fail_limit(struct parser *p, struct span at, const char *what)
{
	char message[TOKEN_MAX];
	size_t len = strlen(what) - strlen("%s");

	memcpy(message, what, len);
	message[len] = '\0';
	return fail(p, at, "%s", message);
}

static bool parse_name(struct parser *p, struct gate_term *t)
{
	struct span at, word;

	skip_space(p);
	at = p->rest;
	word = take_while(p, is_name);
	if (p->rest.len > 0 && p->rest.at[0] == ':') {
		if (word.len == 0 || word.len >= sizeof(t->target))
			return fail(p, at, "no target has such a name%s", "");
		memcpy(t->target, word.at, word.len);
		span_skip(&p->rest, 1);
		at = p->rest;
		word = take_while(p, is_name);
	}
	t->value = gate_value_find(word);
	if (t->value && t->target[0] && t->value->scope == GATE_RUN)
		return fail(p, at, "\"%s\" is of the whole run, not of a target", t->value->name);
	if (t->value)
		return true;
	if (word.len == 0)
		return fail(p, at, "the name of a value is missing%s", "");
	if (gate_value_near(word))
		return fail(p, at, "there is no such value; did you mean %s?", gate_value_near(word));
	{
		struct buffer names = { 0 };

		gate_values_text(&names);
		fail(p, at, "there is no such value; there are %s", buffer_text(&names));
		buffer_deinit(&names);
	}
	return false;
}

static bool parse_term(struct parser *p, int *out)
{
	struct gate_term *t = &p->gate->term[p->gate->term_count];
	struct span begin, at, word;
	char limit[TOKEN_MAX];
	const char *wrong;

	skip_space(p);
	begin = p->rest;
	if (p->gate->term_count == GATE_TERMS_MAX)
		return fail(p, begin, "there are more than 32 terms%s", "");
	if (!parse_name(p, t) || !parse_op(p, &t->op))
		return false;
	skip_space(p);
	at = p->rest;
	word = take_while(p, is_limit);
	if (word.len >= sizeof(limit))
		return fail(p, at, "such a number is too long%s", "");
	if (word.len > 0)
		memcpy(limit, word.at, word.len);
	limit[word.len] = '\0';
	wrong = parse_limit(t->value->kind, limit, &t->limit);
	if (wrong)
		return fail_limit(p, at, wrong);
	t->text = strndup((const char *)begin.at, begin.len - p->rest.len);
	if (!t->text) {
		p->err = -ENOMEM;
		return false;
	}
	*out = ~(int)p->gate->term_count++;
	return true;
}

static bool parse_factor(struct parser *p, int *out)
{
	struct span at;
	bool ok;

	skip_space(p);
	at = p->rest;
	if (!take_mark(p, "("))
		return parse_term(p, out);
	if (p->depth == GATE_DEPTH_MAX)
		return fail(p, at, "the parentheses are too deep%s", "");
	p->depth++;
	ok = parse_any(p, out);
	p->depth--;
	return ok && (take_mark(p, ")") || fail(p, p->rest, "a closing parenthesis is missing%s", ""));
}

static int join(struct gate *g, bool is_and, int left, int right)
{
	g->join[g->join_count] = (struct gate_join){ is_and, left, right };
	return (int)g->join_count++;
}

static bool parse_all(struct parser *p, int *out)
{
	int right;

	if (!parse_factor(p, out))
		return false;
	while (take_word(p, "and")) {
		if (!parse_factor(p, &right))
			return false;
		*out = join(p->gate, true, *out, right);
	}
	return true;
}

static bool parse_any(struct parser *p, int *out)
{
	int right;

	if (!parse_all(p, out))
		return false;
	while (take_word(p, "or")) {
		if (!parse_all(p, &right))
			return false;
		*out = join(p->gate, false, *out, right);
	}
	return true;
}

int gate_parse(struct span text, struct gate **out, struct buffer *error)
{
	struct parser p = { .rest = text, .gate = calloc(1, sizeof(struct gate)), .error = error };

	*out = NULL;
	if (!p.gate)
		return -ENOMEM;
	p.gate->expression = strndup(text.len ? (const char *)text.at : "", text.len);
	if (!p.gate->expression)
		p.err = -ENOMEM;
	if (p.err == 0 && parse_any(&p, &p.gate->root)) {
		skip_space(&p);
		if (p.rest.len > 0)
			fail(&p, p.rest, "`and`, `or` or the end is expected%s", "");
	}
	if (p.err < 0) {
		gate_free(p.gate);
		return p.err;
	}
	*out = p.gate;
	return 0;
}
