/*
 * record_answer.c - answers that came from a broker, checked (record_read.h)
 *
 * An answer becomes the response that the tap saw, whole or not, so that it is
 * compared as on one host. Its arrivals name bytes of the body: that is given to the
 * response in the pieces between them.
 */
#include "relay/record_read.h"

#include <errno.h>

#include "base/digits.h"
#include "relay/record_head.h"

/** struct reading - the parts of one answer's data; borrowed from it */
struct reading {
	struct header_list fields, trailers;
	struct span body; /* without trailers */
	struct buffer joined; /* where it came in several chunks */
	int status;
};

/* ---- chunks ---- */

/** read_size() - a line of 1 to 15 digits and nothing else */
static bool read_size(struct span line, uint64_t *out)
{
	return line.len <= 15 && hex_read(line, out);
}

/** read_chunks() - to the last one and the trailers behind it. A tap writes one; if there are more, they are joined */
static enum record_fault read_chunks(struct span data, struct reading *r)
{
	struct span line, chunk, end;
	uint64_t size;
	enum record_fault fault;

	for (;;) {
		if (!record_line_take(&data, &line) || !read_size(line, &size))
			return RECORD_FAULT_CHUNKS;
		if (size == 0)
			break;
		if (size > data.len || !span_take(&data, (size_t)size, &chunk) || !record_line_take(&data, &end) || end.len > 0)
			return RECORD_FAULT_CHUNKS;
		if (r->body.at && r->joined.len == 0)
			buffer_add_span(&r->joined, r->body);
		if (r->body.at)
			buffer_add_span(&r->joined, chunk);
		r->body = r->body.at ? buffer_span(&r->joined) : chunk;
	}
	fault = record_trailers_read(&data, &r->trailers);
	if (fault != RECORD_FINE)
		return fault;
	return data.len == 0 ? RECORD_FINE : RECORD_FAULT_LENGTH;
}

/* ---- the data ---- */

static enum record_fault read_data(struct span data, struct reading *r)
{
	struct record_head head;
	enum record_fault fault = record_head_read(&data, &head, &r->fields);

	if (fault == RECORD_FINE)
		fault = record_status_line_read(head.line, &r->status);
	if (fault != RECORD_FINE)
		return fault;
	if (head.has_encoding) {
		if (head.has_length || !span_equal_nocase(head.encoding, SPAN_LITERAL("chunked")))
			return RECORD_FAULT_ENCODING;
		return read_chunks(data, r);
	}
	if (!head.has_length && r->status != 204 && r->status != 304)
		return RECORD_FAULT_LENGTH; /* to others its body would go on to the end of a connection (RFC 9112, 6.3) */
	r->body = data;
	return data.len == head.length ? RECORD_FINE : RECORD_FAULT_LENGTH;
}

/** keep() - fields as a response takes them; false when out of memory. Those that frame our data are not production's */
static bool keep(const struct header_list *fields, struct response_head *out)
{
	bool ok = true;

	for (size_t i = 0; i < fields->count && ok; i++) {
		const struct header *f = &fields->at[i];

		if (span_equal_nocase(f->name, SPAN_LITERAL("transfer-encoding")))
			continue;
		ok = response_head_name(out, f->name) && response_head_value(out, f->value) && response_head_end_field(out);
	}
	return ok;
}

/** add_body() - in the pieces between the arrivals */
static void add_body(struct response *r, struct span body, struct span arrivals, uint64_t max)
{
	uint64_t len = body.len, done = 0;
	struct arrival a;
	struct span piece;

	while (record_arrival_next(&arrivals, &a)) {
		if (span_take(&body, (size_t)(a.offset - done), &piece))
			response_add_body(r, piece, len, max);
		done = a.offset;
		response_add_arrival(r, a.us);
	}
	response_add_body(r, body, len, max);
}

/* ---- the response ---- */

static struct response *make(const struct reading *in, const struct record_tap *tap, uint64_t max, struct budget *budget)
{
	struct response_head head = { 0 };
	struct response *r = NULL;

	if (keep(&in->fields, &head))
		r = response_new(tap->result == RESPONSE_WHOLE ? in->status : tap->status_code, &head, budget);
	if (!r)
		goto out;
	r->first_byte_us = tap->first_us;
	r->last_byte_us = tap->last_us;
	r->is_part = tap->is_part;
	if (tap->result != RESPONSE_WHOLE) {
		response_invalidate(r, tap->result);
		goto out;
	}
	add_body(r, in->body, tap->arrivals, max);
	response_head_clear(&head);
	if (keep(&in->trailers, &head))
		response_set_trailers(r, &head);
out:
	response_head_deinit(&head);
	return r;
}

/** read_answer() - what is said of it, and the parts of its data */
static enum record_fault read_answer(const struct record_fields *in, struct record_tap *tap, struct reading *r)
{
	struct arrival last = { 0 };
	struct span arrivals;
	enum record_fault fault;

	if (record_kind_of(in) != RECORD_ANSWER)
		return RECORD_FAULT_TYPE;
	fault = record_content_check(in, SPAN_LITERAL("response"));
	if (fault != RECORD_FINE)
		return fault;
	if (!record_tap_read(in->tap, tap))
		return RECORD_FAULT_TAP;
	if (tap->result != RESPONSE_WHOLE)
		return in->data.len == 0 && tap->arrival_count == 0 ? RECORD_FINE : RECORD_FAULT_RESULT;
	if (in->data.len == 0)
		return RECORD_FAULT_RESULT;
	fault = read_data(in->data, r);
	arrivals = tap->arrivals;
	while (record_arrival_next(&arrivals, &last))
		;
	return fault == RECORD_FINE && last.offset > r->body.len ? RECORD_FAULT_TAP : fault;
}

int record_read_answer(const struct record_fields *in, struct budget *budget, uint64_t max, struct record_answer *out,
		       enum record_fault *why)
{
	struct reading r = { 0 };
	struct record_tap tap;
	int err;

	out->response = NULL;
	err = record_read_event(in, &out->event, why);
	if (err == 0)
		*why = read_answer(in, &tap, &r);
	if (err == 0 && (!header_list_ok(&r.fields) || !header_list_ok(&r.trailers) || !buffer_ok(&r.joined)))
		err = -ENOMEM;
	else if (err == 0 && *why != RECORD_FINE)
		err = -EBADMSG;
	if (err == 0) {
		out->response = make(&r, &tap, max, budget);
		err = out->response ? 0 : -ENOMEM;
	}
	header_list_deinit(&r.fields);
	header_list_deinit(&r.trailers);
	buffer_deinit(&r.joined);
	return err;
}
