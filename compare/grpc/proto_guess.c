/*
 * proto_guess.c - see proto_guess.h
 *
 * Theory of operation. Both messages are gone through side by side, number by
 * number. For each it is first seen what there is on both sides, then it is
 * decided how all of it is written:
 *
 *   varint           a number, unsigned
 *   fixed32, fixed64 a floating point number if all of them, on both sides, could be one: 0, or of a size
 *                    that people compute with; whole numbers are none, read so. Else an unsigned number
 *   bytes            text, if all are text without control characters; messages, if all read as such to their
 *                    last byte; else as proto_write_bytes() has bytes
 *   of several kinds as texts
 *
 * A field that comes more than once on either side is an array on both. A number or text that is missing on
 * one side is 0 or "" there, as the encoding of proto3 leaves those out.
 *
 * That bytes read as messages proves nothing. Two that differ and would be written the same (the same
 * fields in another order) are written as bytes, so that they are not called equal.
 */
#include "compare/grpc/proto_guess.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/digits.h"
#include "base/json.h"
#include "compare/grpc/protobuf.h"

#define STEPS_LEAST 100000
#define STEPS_EACH 64 /* for each byte of both messages */

enum form { FORM_UINT,
	    FORM_FLOAT,
	    FORM_DOUBLE,
	    FORM_TEXT,
	    FORM_MESSAGE,
	    FORM_BYTES,
	    FORM_MIXED };

struct guess {
	struct json j[2]; /* production's, shadow's */
	struct digest *digest;
	uint64_t max_len, steps;
	unsigned depth;
};

/** struct pair - two messages, or one if the other side has none here */
struct pair {
	struct span message[2];
	bool there[2];
};

static int write_pair(struct guess *g, const struct pair *p);

static int next_field(struct guess *g, struct span *in, struct proto_field *out)
{
	if (g->steps == 0)
		return -EFBIG;
	g->steps--;
	return proto_next(in, out);
}

/** next_of() - the next field called @number; 1, 0, or an error */
static int next_of(struct guess *g, struct span *in, uint32_t number, struct proto_field *out)
{
	int more;

	do
		more = next_field(g, in, out);
	while (more > 0 && out->number != number);
	return more;
}

static int check_room(const struct guess *g)
{
	for (int i = 0; i < 2; i++) {
		if (!buffer_ok(g->j[i].out))
			return -ENOMEM;
		if (g->j[i].out->len > g->max_len)
			return -EFBIG;
	}
	return 0;
}

/* ---- what a field is ---- */

/** struct survey - of all fields of one number on both sides */
struct survey {
	uint32_t count[2];
	unsigned wires; /* bits */
	bool text, message, real;
};

static double single(uint64_t bits)
{
	uint32_t b = (uint32_t)bits;
	float x;

	memcpy(&x, &b, sizeof(x));
	return x;
}

static double twice(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/** could_be_real() - small whole numbers, read as floating point, are next to nothing */
static bool could_be_real(const struct proto_field *f)
{
	double x = fabs(f->wire == PROTO_FIXED32 ? single(f->value) : twice(f->value));

	return x == 0 || (x >= 1e-20 && x <= 1e20);
}

static void add_to(struct survey *s, const struct proto_field *f)
{
	s->wires |= 1u << f->wire;
	if (f->wire == PROTO_BYTES) {
		s->text = s->text && proto_is_text(f->bytes);
		s->message = s->message && proto_is_message(f->bytes);
	} else if (f->wire != PROTO_VARINT) {
		s->real = s->real && could_be_real(f);
	}
}

static int survey(struct guess *g, const struct pair *p, uint32_t number, struct survey *out)
{
	struct proto_field f;

	*out = (struct survey){ .text = true, .message = true, .real = true };
	for (int i = 0; i < 2; i++) {
		struct span in = p->message[i];
		int more;

		while ((more = next_of(g, &in, number, &f)) > 0) {
			out->count[i]++;
			add_to(out, &f);
		}
		if (more)
			return more;
	}
	return 0;
}

static enum form form_of(const struct survey *s)
{
	switch (s->wires) {
	case 1u << PROTO_VARINT:
		return FORM_UINT;
	case 1u << PROTO_FIXED32:
		return s->real ? FORM_FLOAT : FORM_UINT;
	case 1u << PROTO_FIXED64:
		return s->real ? FORM_DOUBLE : FORM_UINT;
	case 1u << PROTO_BYTES:
		return s->text ? FORM_TEXT : s->message ? FORM_MESSAGE
							: FORM_BYTES;
	default:
		return FORM_MIXED;
	}
}

/* ---- values ---- */

/** write_plain() - a number, or in what was guessed to be a message a text */
static void write_plain(struct json *j, const char *text, bool guessed)
{
	if (guessed) {
		json_str(j, text);
		return;
	}
	buffer_add(j->out, ",", j->comma);
	j->comma = true;
	buffer_add_str(j->out, text);
}

static void write_mixed(struct json *j, const struct proto_field *f)
{
	char text[48];

	snprintf(text, sizeof(text), "%s %" PRIu64,
		 f->wire == PROTO_VARINT ? "varint" : f->wire == PROTO_FIXED32 ? "fixed32"
									       : "fixed64",
		 f->value);
	json_str(j, text);
}

/** write_one() - one value that is no message */
static int write_one(struct guess *g, struct json *j, enum form form, const struct proto_field *f)
{
	bool guessed = g->depth > 1;
	char text[48];

	switch (form) {
	case FORM_UINT:
		snprintf(text, sizeof(text), "%" PRIu64, f->value);
		write_plain(j, text, guessed);
		break;
	case FORM_FLOAT:
		snprintf(text, sizeof(text), "%.9g", single(f->value));
		write_plain(j, text, guessed);
		break;
	case FORM_DOUBLE:
		snprintf(text, sizeof(text), "%.17g", twice(f->value));
		write_plain(j, text, guessed);
		break;
	case FORM_MIXED:
		if (f->wire != PROTO_BYTES) {
			write_mixed(j, f);
			break;
		}
		/* fall through */
	case FORM_TEXT:
	case FORM_BYTES:
	case FORM_MESSAGE:
		if (!proto_write_bytes(j, f->bytes, g->digest))
			return -ENOMEM;
		break;
	}
	return 0;
}

/** write_messages() - two fields that read as messages, or one of them alone */
static int write_messages(struct guess *g, const struct proto_field *const f[2])
{
	struct pair inner = { .there = { f[0] != NULL, f[1] != NULL } };
	size_t from[2];
	bool comma[2];
	struct span made[2];
	int err;

	for (int i = 0; i < 2; i++) {
		inner.message[i] = f[i] ? f[i]->bytes : span_of(NULL, 0);
		from[i] = g->j[i].out->len;
		comma[i] = g->j[i].comma;
	}
	err = write_pair(g, &inner);
	if (err || !f[0] || !f[1] || span_equal(f[0]->bytes, f[1]->bytes))
		return err;
	for (int i = 0; i < 2; i++) {
		made[i] = buffer_span(g->j[i].out);
		span_skip(&made[i], from[i]);
	}
	if (!span_equal(made[0], made[1]))
		return 0;
	for (int i = 0; i < 2; i++) {
		g->j[i].out->len = from[i];
		g->j[i].comma = comma[i];
		if (!proto_write_bytes(&g->j[i], f[i]->bytes, g->digest))
			return -ENOMEM;
	}
	return 0;
}

/** write_values() - the next value of each side; NULL: it has none */
static int write_values(struct guess *g, enum form form, const struct proto_field *const f[2])
{
	int err = 0;

	if (form == FORM_MESSAGE)
		return write_messages(g, f);
	for (int i = 0; i < 2 && !err; i++)
		if (f[i])
			err = write_one(g, &g->j[i], form, f[i]);
	return err ? err : check_room(g);
}

/* ---- fields ---- */

static void write_key(struct guess *g, uint32_t number, int side)
{
	char name[DIGITS_UINT_MAX + 1];

	*put_uint(name, number) = '\0';
	json_key(&g->j[side], name);
}

/** write_field() - all that is called @number */
static int write_field(struct guess *g, const struct pair *p, uint32_t number)
{
	static const struct proto_field zero = { 0 };
	struct span in[2] = { p->message[0], p->message[1] };
	struct survey s;
	enum form form;
	bool many, open[2];
	int err = survey(g, p, number, &s);
	uint32_t most;

	if (err)
		return err;
	form = form_of(&s);
	many = s.count[0] > 1 || s.count[1] > 1;
	most = s.count[0] > s.count[1] ? s.count[0] : s.count[1];
	for (int i = 0; i < 2; i++) {
		open[i] = p->there[i] && (many || s.count[i] > 0 || (form != FORM_MESSAGE && form != FORM_BYTES));
		if (open[i])
			write_key(g, number, i);
		if (open[i] && many)
			json_open(&g->j[i], '[');
	}
	for (uint32_t n = 0; n < most && !err; n++) {
		struct proto_field fields[2];
		const struct proto_field *f[2] = { NULL, NULL };

		for (int i = 0; i < 2 && err >= 0; i++) {
			err = n < s.count[i] ? next_of(g, &in[i], number, &fields[i]) : 0;
			if (err > 0)
				f[i] = &fields[i];
			else if (!many && open[i])
				f[i] = &zero;
		}
		err = err < 0 ? err : write_values(g, form, f);
	}
	for (int i = 0; i < 2; i++)
		if (open[i] && many)
			json_close(&g->j[i], ']');
	return err;
}

/** next_number() - the least above @above on either side; 0: there is none */
static int next_number(struct guess *g, const struct pair *p, uint32_t above, uint32_t *out)
{
	struct proto_field f;

	*out = 0;
	for (int i = 0; i < 2; i++) {
		struct span in = p->message[i];
		int more;

		while ((more = next_field(g, &in, &f)) > 0)
			if (f.number > above && (*out == 0 || f.number < *out))
				*out = f.number;
		if (more)
			return more;
	}
	return 0;
}

static int write_fields(struct guess *g, const struct pair *p)
{
	uint32_t number = 0;
	int err;

	for (;;) {
		err = next_number(g, p, number, &number);
		if (err || number == 0)
			return err;
		err = write_field(g, p, number);
		if (err)
			return err;
	}
}

static int write_pair(struct guess *g, const struct pair *p)
{
	int err;

	if (g->depth == PROTO_DEPTH_MAX)
		return -E2BIG;
	g->depth++;
	for (int i = 0; i < 2; i++)
		if (p->there[i])
			json_open(&g->j[i], '{');
	err = write_fields(g, p);
	for (int i = 0; i < 2; i++)
		if (p->there[i])
			json_close(&g->j[i], '}');
	g->depth--;
	return err ? err : check_room(g);
}

int proto_guess(struct span production, struct span shadow, uint64_t max_len, struct digest *digest,
		struct buffer *production_out, struct buffer *shadow_out)
{
	struct guess g = {
		.j = { json_to(production_out), json_to(shadow_out) },
		.digest = digest,
		.max_len = max_len,
		.steps = STEPS_LEAST + STEPS_EACH * ((uint64_t)production.len + shadow.len),
	};
	struct pair both = { { production, shadow }, { true, true } };

	return write_pair(&g, &both);
}
