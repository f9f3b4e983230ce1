/* response.c - see response.h */
#include "message/response.h"

#include <stdlib.h>
#include <string.h>

#include "message/message.h"

const char *response_result_name(enum response_result result)
{
	static const char *const names[] = {
#define X(id, name) [RESPONSE_##id] = name,
		RESPONSE_RESULTS(X)
#undef X
	};

	return names[result];
}

const struct span *response_header(const struct response *r, struct span name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (span_equal_nocase(r->headers[i].name, name))
			return &r->headers[i].value;
	return NULL;
}

/* ---- the head, while it comes in ---- */

static bool head_add(struct response_head *h, struct span piece, uint32_t *len)
{
	if (h->text.len + h->lengths.len + piece.len > RESPONSE_HEAD_MAX)
		return false;
	buffer_add_span(&h->text, piece);
	*len += (uint32_t)piece.len;
	return buffer_ok(&h->text);
}

bool response_head_name(struct response_head *h, struct span piece)
{
	return head_add(h, piece, &h->name_len);
}

bool response_head_value(struct response_head *h, struct span piece)
{
	return head_add(h, piece, &h->value_len);
}

bool response_head_end_field(struct response_head *h)
{
	const uint32_t lengths[2] = { h->name_len, h->value_len };

	h->name_len = h->value_len = 0;
	buffer_add(&h->lengths, lengths, sizeof(lengths));
	return buffer_ok(&h->lengths) && h->text.len + h->lengths.len <= RESPONSE_HEAD_MAX;
}

void response_head_clear(struct response_head *h)
{
	buffer_clear(&h->text);
	buffer_clear(&h->lengths);
	h->name_len = h->value_len = 0;
}

void response_head_deinit(struct response_head *h)
{
	buffer_deinit(&h->text);
	buffer_deinit(&h->lengths);
	h->name_len = h->value_len = 0;
}

/* ---- the response ---- */

/** charge() - @bytes more; response_free() gives them back */
static bool charge(struct response *r, size_t bytes)
{
	if (!budget_charge(r->budget, bytes))
		return false;
	r->charged += bytes;
	return true;
}

static void uncharge(struct response *r, size_t bytes)
{
	budget_release(r->budget, bytes);
	r->charged -= bytes;
}

/** trimmed() - llhttp leaves white space at the end of a value */
static struct span trimmed(struct span s)
{
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static size_t field_count(const struct response_head *head)
{
	return head->lengths.len / (2 * sizeof(uint32_t));
}

/** copy_fields() - those of @head into @fields, with room behind them for the bytes that they point into */
static void copy_fields(const struct response_head *head, struct header *fields)
{
	size_t count = field_count(head);
	struct span text = span_of((const uint8_t *)(fields + count), head->text.len), lengths = buffer_span(&head->lengths);

	memcpy(fields + count, head->text.bytes, head->text.len);
	for (size_t i = 0; i < count; i++) {
		struct span pair = { 0 };
		uint32_t len[2] = { 0 };

		if (span_take(&lengths, sizeof(len), &pair))
			memcpy(len, pair.at, sizeof(len));
		if (span_take(&text, len[0], &fields[i].name) && span_take(&text, len[1], &fields[i].value))
			fields[i].value = trimmed(fields[i].value);
	}
}

struct response *response_new(int status_code, const struct response_head *head, struct budget *budget)
{
	/* One block: the response, its headers, then the bytes that they point into. */
	size_t count = head ? field_count(head) : 0;
	size_t size = sizeof(struct response) + count * sizeof(struct header) + (head ? head->text.len : 0);
	struct response *r;

	if (!budget_charge(budget, size))
		return NULL;
	r = malloc(size);
	if (!r) {
		budget_release(budget, size);
		return NULL;
	}
	*r = (struct response){ .result = RESPONSE_WHOLE,
				.status_code = status_code,
				.first_byte_us = -1,
				.last_byte_us = -1,
				.budget = budget,
				.charged = size };
	if (count == 0)
		return r;
	copy_fields(head, (struct header *)(r + 1));
	r->headers = (struct header *)(r + 1);
	r->header_count = count;
	return r;
}

void response_set_trailers(struct response *r, const struct response_head *trailers)
{
	size_t count = field_count(trailers), size = count * sizeof(struct header) + trailers->text.len;
	struct header *fields;

	if (r->result != RESPONSE_WHOLE || count == 0 || !charge(r, size))
		return;
	fields = malloc(size);
	if (!fields) {
		uncharge(r, size);
		return;
	}
	copy_fields(trailers, fields);
	r->trailers = fields;
	r->trailer_count = count;
}

static void drop_body(struct response *r)
{
	uncharge(r, r->body_cap + r->arrival_cap * sizeof(struct arrival));
	free(r->body);
	free(r->arrivals);
	r->body = NULL;
	r->arrivals = NULL;
	r->body_len = 0;
	r->body_cap = r->arrival_count = r->arrival_cap = 0;
}

void response_invalidate(struct response *r, enum response_result result)
{
	drop_body(r);
	if (r->result == RESPONSE_WHOLE)
		r->result = result;
}

static bool reserve_body(struct response *r, size_t more, uint64_t expected)
{
	size_t need = (size_t)r->body_len + more, cap = r->body_cap ? r->body_cap * 2 : 4096;
	uint8_t *body;

	if (need <= r->body_cap)
		return true;
	/* A length is a promise and no reason to reserve memory, but for small bodies; see request.c. */
	if (expected >= need && (cap > expected || expected <= 64 << 10))
		cap = (size_t)expected;
	if (cap < need)
		cap = need;
	if (!charge(r, cap - r->body_cap))
		return false;
	body = realloc(r->body, cap);
	if (!body) {
		uncharge(r, cap - r->body_cap);
		return false;
	}
	r->body = body;
	r->body_cap = cap;
	return true;
}

void response_add_body(struct response *r, struct span bytes, uint64_t expected, uint64_t max)
{
	if (r->result != RESPONSE_WHOLE || bytes.len == 0)
		return;
	if (expected > max || bytes.len > max || r->body_len > max - bytes.len) {
		response_invalidate(r, RESPONSE_TOO_LARGE);
	} else if (!reserve_body(r, bytes.len, expected)) {
		response_invalidate(r, RESPONSE_MEMORY);
	} else {
		memcpy(r->body + r->body_len, bytes.at, bytes.len);
		r->body_len += bytes.len;
	}
}

bool response_is_stream(const struct response *r)
{
	const struct span *type = response_header(r, SPAN_LITERAL("content-type"));
	const struct span stream = SPAN_LITERAL("text/event-stream");

	return type && type->len >= stream.len && span_equal_nocase(span_of(type->at, stream.len), stream);
}

void response_add_arrival(struct response *r, int64_t us)
{
	size_t cap = r->arrival_cap ? r->arrival_cap * 2 : 8;
	struct arrival *arrivals;

	if (r->result != RESPONSE_WHOLE || r->arrival_count >= ARRIVALS_MAX)
		return;
	if (r->arrival_count == r->arrival_cap) {
		if (!charge(r, (cap - r->arrival_cap) * sizeof(*arrivals)))
			return;
		arrivals = realloc(r->arrivals, cap * sizeof(*arrivals));
		if (!arrivals) {
			uncharge(r, (cap - r->arrival_cap) * sizeof(*arrivals));
			return;
		}
		r->arrivals = arrivals;
		r->arrival_cap = cap;
	}
	r->arrivals[r->arrival_count++] = (struct arrival){ r->body_len, us };
}

void response_free(struct response *r)
{
	if (!r)
		return;
	if (r->budget)
		budget_release(r->budget, r->charged);
	free(r->arrivals);
	free(r->body);
	free((void *)r->trailers);
	free(r);
}
