/*
 * proto_json.c - see proto_json.h
 *
 * Theory of operation. Nothing is kept of a message but the text that is made:
 * for each member of the type that is there, the message is gone through once
 * more. Messages have few kinds of fields, so that is cheap; one made to be
 * otherwise costs steps, of which there are so many for each byte and no more.
 *
 * Of a number that comes twice the last one counts; a message that comes twice is
 * both together, which on the wire is one behind the other (both rules are
 * of the encoding's specification). Recursion is as deep as PROTO_DEPTH_MAX.
 */
#include "compare/grpc/proto_json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/json.h"
#include "compare/grpc/protobuf.h"

#define STEPS_LEAST 100000
#define STEPS_EACH 64     /* for each byte of the message */
#define ENTRIES_MAX 65536 /* of a map */

struct writer {
	struct json j;
	struct digest *digest;
	uint64_t max_len, steps;
	unsigned depth;
};

static int write_message(struct writer *w, const struct proto_type *type, struct span message);

/* ---- steps ---- */

/** next_field() - proto_next() that counts; -EFBIG: too many */
static int next_field(struct writer *w, struct span *in, struct proto_field *out)
{
	if (w->steps == 0)
		return -EFBIG;
	w->steps--;
	return proto_next(in, out);
}

static int check_room(const struct writer *w)
{
	if (!buffer_ok(w->j.out))
		return -ENOMEM;
	return w->j.out->len > w->max_len ? -EFBIG : 0;
}

/* ---- values ---- */

static enum proto_wire wire_of(enum proto_kind kind)
{
	switch (kind) {
	case PROTO_KIND_DOUBLE:
	case PROTO_KIND_FIXED64:
	case PROTO_KIND_SFIXED64:
		return PROTO_FIXED64;
	case PROTO_KIND_FLOAT:
	case PROTO_KIND_FIXED32:
	case PROTO_KIND_SFIXED32:
		return PROTO_FIXED32;
	case PROTO_KIND_STRING:
	case PROTO_KIND_BYTES:
	case PROTO_KIND_MESSAGE:
	case PROTO_KIND_GROUP:
		return PROTO_BYTES;
	case PROTO_KIND_INT64:
	case PROTO_KIND_UINT64:
	case PROTO_KIND_INT32:
	case PROTO_KIND_BOOL:
	case PROTO_KIND_UINT32:
	case PROTO_KIND_ENUM:
	case PROTO_KIND_SINT32:
	case PROTO_KIND_SINT64:
		break;
	}
	return PROTO_VARINT;
}

/** belongs() - is this field an element of the member, packed or not? */
static bool belongs(const struct proto_field *f, const struct proto_member *m)
{
	enum proto_wire wire = wire_of(m->kind);

	return f->number == m->number && (f->wire == wire || (m->repeated && f->wire == PROTO_BYTES));
}

/** plain() - a token of JSON, or of NaN and the infinities, which json_doc.h reads */
static void plain(struct json *j, const char *text)
{
	buffer_add(j->out, ",", j->comma);
	j->comma = true;
	buffer_add_str(j->out, text);
}

/** write_real() - with as many digits as say which number it is */
static void write_real(struct json *j, double x, int digits)
{
	char text[40];

	if (isnan(x)) {
		plain(j, "NaN");
	} else if (isinf(x)) {
		plain(j, x < 0 ? "-Infinity" : "Infinity");
	} else {
		snprintf(text, sizeof(text), "%.*g", digits, x);
		plain(j, text);
	}
}

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

static void write_number(struct json *j, enum proto_kind kind, uint64_t n)
{
	switch (kind) {
	case PROTO_KIND_DOUBLE:
		write_real(j, twice(n), 17);
		break;
	case PROTO_KIND_FLOAT:
		write_real(j, single(n), 9);
		break;
	case PROTO_KIND_INT64:
	case PROTO_KIND_SFIXED64:
		json_int(j, (int64_t)n);
		break;
	case PROTO_KIND_INT32:
	case PROTO_KIND_SFIXED32:
	case PROTO_KIND_ENUM: /* below zero they have 64 bits on the wire */
		json_int(j, (int32_t)(uint32_t)n);
		break;
	case PROTO_KIND_UINT32:
	case PROTO_KIND_FIXED32:
		json_uint(j, (uint32_t)n);
		break;
	case PROTO_KIND_UINT64:
	case PROTO_KIND_FIXED64:
		json_uint(j, n);
		break;
	case PROTO_KIND_BOOL:
		json_bool(j, n != 0);
		break;
	case PROTO_KIND_SINT32:
		json_int(j, (int32_t)proto_signed((uint32_t)n));
		break;
	case PROTO_KIND_SINT64:
		json_int(j, proto_signed(n));
		break;
	case PROTO_KIND_STRING:
	case PROTO_KIND_BYTES:
	case PROTO_KIND_MESSAGE:
	case PROTO_KIND_GROUP:
		break; /* no numbers */
	}
}

/** write_bytes() - of a field with bytes, what they are by their kind */
static int write_bytes(struct writer *w, const struct proto_member *m, struct span bytes)
{
	if (m->kind == PROTO_KIND_MESSAGE && m->message)
		return write_message(w, m->message, bytes);
	return proto_write_bytes(&w->j, bytes, w->digest) ? check_room(w) : -ENOMEM;
}

static void write_key(struct writer *w, struct span name)
{
	json_text(&w->j, name);
	buffer_add(w->j.out, ":", 1);
	w->j.comma = false;
}

/* ---- members ---- */

/** merged() - a message that comes several times, as one: given in @out, which the caller frees */
static int merged(struct writer *w, const struct proto_member *m, struct span message, struct buffer *out)
{
	struct proto_field f;
	int more;

	while ((more = next_field(w, &message, &f)) > 0)
		if (belongs(&f, m))
			buffer_add_span(out, f.bytes);
	return more ? more : buffer_ok(out) ? 0
					    : -ENOMEM;
}

/** last_of() - the field of a member that counts, and how many there are */
static int last_of(struct writer *w, const struct proto_member *m, struct span message, struct proto_field *last,
		   unsigned *count)
{
	struct proto_field f;
	int more;

	*last = (struct proto_field){ 0 };
	*count = 0;
	while ((more = next_field(w, &message, &f)) > 0)
		if (belongs(&f, m)) {
			*last = f;
			++*count;
		}
	return more;
}

/** write_value() - what last_of() has found in @message; if that is nothing, the default */
static int write_value(struct writer *w, const struct proto_member *m, struct span message,
		       const struct proto_field *last, unsigned count)
{
	struct buffer all = { 0 };
	int err;

	if (wire_of(m->kind) != PROTO_BYTES) {
		write_number(&w->j, m->kind, last->value);
		return check_room(w);
	}
	if (m->kind != PROTO_KIND_MESSAGE || count <= 1)
		return write_bytes(w, m, last->bytes);
	err = merged(w, m, message, &all);
	if (!err)
		err = write_bytes(w, m, buffer_span(&all));
	buffer_deinit(&all);
	return err;
}

static int write_single(struct writer *w, const struct proto_member *m, struct span message)
{
	struct proto_field last;
	unsigned count;
	int err = last_of(w, m, message, &last, &count);

	if (err || (count == 0 && (m->optional || m->kind == PROTO_KIND_MESSAGE)))
		return err;
	write_key(w, m->name);
	return write_value(w, m, message, &last, count);
}

/** write_elements() - what one field has of a repeated member */
static int write_elements(struct writer *w, const struct proto_member *m, const struct proto_field *f)
{
	struct proto_values values;
	uint64_t n;
	int more;

	if (wire_of(m->kind) == PROTO_BYTES)
		return write_bytes(w, m, f->bytes);
	proto_values_of(f, wire_of(m->kind), &values);
	while ((more = proto_values_next(&values, &n)) > 0) {
		write_number(&w->j, m->kind, n);
		more = check_room(w);
		if (more)
			break;
	}
	return more;
}

static int write_repeated(struct writer *w, const struct proto_member *m, struct span message)
{
	struct proto_field f;
	int more, err = 0;

	write_key(w, m->name);
	json_open(&w->j, '[');
	while (!err && (more = next_field(w, &message, &f)) != 0) {
		if (more < 0)
			err = more;
		else if (belongs(&f, m))
			err = write_elements(w, m, &f);
	}
	json_close(&w->j, ']');
	return err ? err : check_room(w);
}

/* ---- maps ---- */

struct entry {
	struct span bytes, text_key;
	uint64_t number_key;
	size_t order;
};

static const struct proto_member *member_of(const struct proto_type *type, uint32_t number)
{
	for (size_t i = 0; i < type->count; i++)
		if (type->members[i].number == number)
			return &type->members[i];
	return NULL;
}

static int compare_keys(const struct entry *a, const struct entry *b)
{
	size_t both = a->text_key.len < b->text_key.len ? a->text_key.len : b->text_key.len;
	int order = both > 0 ? memcmp(a->text_key.at, b->text_key.at, both) : 0;

	if (order)
		return order;
	if (a->text_key.len != b->text_key.len)
		return a->text_key.len < b->text_key.len ? -1 : 1;
	return (a->number_key > b->number_key) - (a->number_key < b->number_key);
}

/** by_key() - for qsort(); of equal keys the later first, since the last one counts */
static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_keys(x, y);

	return order ? order : (x->order < y->order) - (x->order > y->order);
}

/** read_entries() - of a map; given in @out, which the caller frees */
static int read_entries(struct writer *w, const struct proto_member *m, struct span message, struct entry **out, size_t *count)
{
	const struct proto_member *key = member_of(m->message, 1);
	struct proto_field f, last;
	struct span rest = message;
	unsigned fields;
	int more;

	*count = 0;
	*out = NULL;
	while ((more = next_field(w, &rest, &f)) > 0)
		*count += belongs(&f, m);
	if (more)
		return more;
	if (*count > ENTRIES_MAX)
		return -EFBIG;
	*out = calloc(*count + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	*count = 0;
	while ((more = next_field(w, &message, &f)) > 0) {
		struct entry *e = &(*out)[*count];

		if (!belongs(&f, m))
			continue;
		more = last_of(w, key, f.bytes, &last, &fields);
		if (more)
			return more;
		*e = (struct entry){ f.bytes, last.bytes, last.value, (*count)++ };
	}
	return more;
}

/** write_entry_key() - a string, whatever its kind */
static int write_entry_key(struct writer *w, enum proto_kind kind, const struct entry *e)
{
	struct buffer text = { 0 };
	struct json j = json_to(&text);
	int err = 0;

	if (wire_of(kind) == PROTO_BYTES) {
		err = proto_write_bytes(&w->j, e->text_key, w->digest) ? 0 : -ENOMEM;
	} else {
		write_number(&j, kind, e->number_key);
		err = buffer_ok(&text) ? 0 : -ENOMEM;
		json_text(&w->j, buffer_span(&text));
		buffer_deinit(&text);
	}
	buffer_add(w->j.out, ":", 1);
	w->j.comma = false;
	return err;
}

static int write_entry(struct writer *w, const struct proto_type *type, const struct entry *e)
{
	const struct proto_member *value = member_of(type, 2);
	struct proto_field last;
	unsigned count;
	int err = write_entry_key(w, member_of(type, 1)->kind, e);

	if (!err)
		err = last_of(w, value, e->bytes, &last, &count);
	return err ? err : write_value(w, value, e->bytes, &last, count);
}

static int write_map(struct writer *w, const struct proto_member *m, struct span message)
{
	struct entry *entries;
	size_t count;
	int err = read_entries(w, m, message, &entries, &count);

	if (!err && count > 0)
		qsort(entries, count, sizeof(*entries), by_key);
	write_key(w, m->name);
	json_open(&w->j, '{');
	for (size_t i = 0; i < count && !err; i++)
		if (i == 0 || compare_keys(&entries[i - 1], &entries[i]) != 0)
			err = write_entry(w, m->message, &entries[i]);
	json_close(&w->j, '}');
	free(entries);
	return err ? err : check_room(w);
}

/** is_map() - with a type that has key and value */
static bool is_map(const struct proto_member *m)
{
	return m->repeated && m->kind == PROTO_KIND_MESSAGE && m->message && m->message->is_map &&
	       member_of(m->message, 1) && member_of(m->message, 2);
}

/* ---- what the type does not have ---- */

static bool is_known(const struct proto_type *type, const struct proto_field *f)
{
	for (size_t i = 0; i < type->count; i++)
		if (belongs(f, &type->members[i]))
			return true;
	return false;
}

/** next_unknown() - the least number above @above of a field that is not known; 0: there is none */
static int next_unknown(struct writer *w, const struct proto_type *type, struct span message, uint32_t above, uint32_t *out)
{
	struct proto_field f;
	int more;

	*out = 0;
	while ((more = next_field(w, &message, &f)) > 0)
		if (f.number > above && (*out == 0 || f.number < *out) && !is_known(type, &f))
			*out = f.number;
	return more;
}

static int write_unknown_field(struct writer *w, const struct proto_field *f)
{
	char text[48];

	switch (f->wire) {
	case PROTO_BYTES:
		return proto_write_bytes(&w->j, f->bytes, w->digest) ? check_room(w) : -ENOMEM;
	case PROTO_VARINT:
		snprintf(text, sizeof(text), "%" PRIu64, f->value);
		break;
	case PROTO_FIXED32:
		snprintf(text, sizeof(text), "fixed32 %08" PRIx64, f->value);
		break;
	case PROTO_FIXED64:
		snprintf(text, sizeof(text), "fixed64 %016" PRIx64, f->value);
		break;
	}
	json_str(&w->j, text);
	return check_room(w);
}

/** write_unknown() - the fields of one number as an array */
static int write_unknown(struct writer *w, const struct proto_type *type, struct span message, uint32_t number)
{
	char name[DIGITS_UINT_MAX];
	struct proto_field f;
	int more, err = 0;

	write_key(w, span_of(name, (size_t)(put_uint(name, number) - name)));
	json_open(&w->j, '[');
	while (!err && (more = next_field(w, &message, &f)) != 0) {
		if (more < 0)
			err = more;
		else if (f.number == number && !is_known(type, &f))
			err = write_unknown_field(w, &f);
	}
	json_close(&w->j, ']');
	return err;
}

/* ---- messages ---- */

/** struct seen - which numbers there are, as far as eight bits of them tell */
struct seen {
	uint64_t bits[4];
	bool unknown;
};

static int look(struct writer *w, const struct proto_type *type, struct span message, struct seen *out)
{
	struct proto_field f;
	int more;

	*out = (struct seen){ 0 };
	while ((more = next_field(w, &message, &f)) > 0) {
		out->bits[f.number / 64 % 4] |= UINT64_C(1) << f.number % 64;
		out->unknown |= !is_known(type, &f);
	}
	return more;
}

static int write_member(struct writer *w, const struct proto_member *m, struct span message)
{
	if (is_map(m))
		return write_map(w, m, message);
	return m->repeated ? write_repeated(w, m, message) : write_single(w, m, message);
}

static int write_all(struct writer *w, const struct proto_type *type, struct span message)
{
	static const struct span none = { NULL, 0 };
	uint32_t number = 0;
	struct seen seen;
	int err = look(w, type, message, &seen);

	json_open(&w->j, '{');
	for (size_t i = 0; i < type->count && !err; i++) {
		uint32_t n = type->members[i].number;
		bool there = seen.bits[n / 64 % 4] >> n % 64 & 1;

		err = write_member(w, &type->members[i], there ? message : none);
	}
	while (!err && seen.unknown) {
		err = next_unknown(w, type, message, number, &number);
		if (number == 0)
			break;
		if (!err)
			err = write_unknown(w, type, message, number);
	}
	json_close(&w->j, '}');
	return err ? err : check_room(w);
}

static int write_message(struct writer *w, const struct proto_type *type, struct span message)
{
	int err;

	if (w->depth == PROTO_DEPTH_MAX)
		return -E2BIG;
	w->depth++;
	err = write_all(w, type, message);
	w->depth--;
	return err;
}

int proto_json(const struct proto_type *type, struct span message, uint64_t max_len, struct digest *digest,
	       struct buffer *out)
{
	struct writer w = {
		.j = json_to(out),
		.digest = digest,
		.max_len = max_len,
		.steps = STEPS_LEAST + STEPS_EACH * (uint64_t)message.len,
	};

	return write_message(&w, type, message);
}
