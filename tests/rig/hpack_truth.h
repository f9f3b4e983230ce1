/* hpack_truth.h - the fields of a header block as they were sent, to hold a decoder's against */
#ifndef TESTS_RIG_HPACK_TRUTH_H
#define TESTS_RIG_HPACK_TRUTH_H

#include "base/buffer.h"
#include "http/http2/hpack.h"

#define TRUTH_FIELDS_MAX 16384

/* Fields of one block, in one piece */
struct truth {
	struct buffer bytes;
	struct truth_field {
		size_t at, name_len, value_len;
		bool never_indexed;
	} fields[TRUTH_FIELDS_MAX];
	size_t count;
	bool whole; /* false: there were more */
};

static inline void truth_clear(struct truth *t)
{
	buffer_clear(&t->bytes);
	t->count = 0;
	t->whole = true;
}

static inline void truth_add(struct truth *t, struct span name, struct span value, bool never_indexed)
{
	if (t->count == TRUTH_FIELDS_MAX) {
		t->whole = false;
		return;
	}
	t->fields[t->count++] = (struct truth_field){ t->bytes.len, name.len, value.len, never_indexed };
	buffer_add_span(&t->bytes, name);
	buffer_add_span(&t->bytes, value);
}

static inline struct span truth_name(const struct truth *t, size_t i)
{
	return span_of(t->bytes.bytes + t->fields[i].at, t->fields[i].name_len);
}

static inline struct span truth_value(const struct truth *t, size_t i)
{
	return span_of(t->bytes.bytes + t->fields[i].at + t->fields[i].name_len, t->fields[i].value_len);
}

/* Does @head say nothing but the truth, field by field? All of it: if @whole, else as far as anything is known */
static inline bool head_is_true(const struct hpack_head *head, const struct truth *t, bool whole)
{
	if (head->over)
		return true;
	if (head->count != t->count)
		return false;
	for (size_t i = 0; i < t->count; i++) {
		const struct hpack_field *f = &head->fields[i];

		if (whole && f->knowledge != HPACK_KNOWN)
			return false;
		if (f->never_indexed != t->fields[i].never_indexed)
			return false;
		if (f->knowledge == HPACK_KNOWN && !span_equal(f->name, truth_name(t, i)))
			return false;
		if (f->knowledge != HPACK_UNKNOWN && !span_equal(f->value, truth_value(t, i)))
			return false;
		if ((f->knowledge == HPACK_KNOWN) != (f->name.at != NULL) ||
		    (f->knowledge == HPACK_UNKNOWN) != (f->value.at == NULL))
			return false;
	}
	return true;
}

#endif
