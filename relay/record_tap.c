/* record_tap.c - see record_tap.h */
#include "relay/record_tap.h"

#include "base/digits.h"
#include "message/http_text.h"

#define KEYS_MAX 512 /* bytes of a text without its arrivals and the sample: eleven keys, none with more than 60 */
#define ARRIVAL_MAX (DIGITS_UINT_MAX + 1 + DIGITS_UINT_MAX + 1)

/* ---- writing ---- */

/** put_key() - "key=", behind a ";" if another one is before it */
static char *put_key(char *at, const char *start, const char *key)
{
	if (at > start)
		*at++ = ';';
	at = put_bytes(at, key, strlen(key));
	*at++ = '=';
	return at;
}

static char *put_flag(char *at, const char *start, const char *key, bool is)
{
	return is ? PUT_LITERAL(put_key(at, start, key), "1") : at;
}

static char *put_end(char *at, const char *start, const char *key, const struct endpoint *e)
{
	return e->family ? endpoint_put(put_key(at, start, key), e) : at;
}

static size_t arrivals_sent(size_t count)
{
	return count < RECORD_ARRIVALS_MAX ? count : RECORD_ARRIVALS_MAX;
}

static char *put_arrivals(char *at, const char *start, const struct arrival *arrivals, size_t count)
{
	if (count == 0)
		return at;
	at = put_key(at, start, "arrivals");
	for (size_t i = 0; i < arrivals_sent(count); i++) {
		if (i > 0)
			*at++ = ',';
		at = put_uint(at, arrivals[i].offset);
		*at++ = ':';
		at = put_int(at, arrivals[i].us);
	}
	return at;
}

size_t record_tap_request_max(const struct message *m, const char *sample)
{
	return KEYS_MAX + (sample ? strlen(sample) : 0) + arrivals_sent(m->arrival_count) * ARRIVAL_MAX;
}

char *record_tap_put_request(char *at, const struct message *m, bool has_answer, const char *sample)
{
	const struct request_origin *o = &m->origin;
	const char *start = at;

	at = put_int(put_key(at, start, "first"), o->ts_first.ns);
	at = put_end(at, start, "client", &o->client);
	at = put_end(at, start, "server", &o->server);
	at = put_end(at, start, "proxied", &o->proxied);
	at = message_id_put(put_key(at, start, "local"), o->id);
	at = put_flag(at, start, "answer", has_answer);
	if (sample && *sample) {
		*at++ = ';';
		at = put_bytes(at, sample, strlen(sample));
	}
	at = put_flag(at, start, "part", m->head.is_part);
	return put_arrivals(at, start, m->arrivals, m->arrival_count);
}

size_t record_tap_answer_max(const struct response *r)
{
	return KEYS_MAX + (r ? arrivals_sent(r->arrival_count) * ARRIVAL_MAX : 0);
}

char *record_tap_put_answer(char *at, const struct response *r)
{
	enum response_result result = r ? r->result : RESPONSE_MEMORY;
	const char *start = at, *name = response_result_name(result);

	at = put_key(at, start, "result");
	at = put_bytes(at, name, strlen(name));
	if (!r)
		return at;
	if (r->result != RESPONSE_WHOLE && r->status_code > 0)
		at = put_uint(put_key(at, start, "status"), (uint64_t)r->status_code);
	if (r->first_byte_us >= 0)
		at = put_int(put_key(at, start, "first_us"), r->first_byte_us);
	if (r->last_byte_us >= 0)
		at = put_int(put_key(at, start, "last_us"), r->last_byte_us);
	at = put_flag(at, start, "part", r->is_part);
	return put_arrivals(at, start, r->arrivals, r->arrival_count);
}

/* ---- reading ---- */

/** take_uint() - digits from the front of @in, at least one */
static bool take_uint(struct span *in, uint64_t *out)
{
	size_t digits = 0;

	for (*out = 0; in->len > 0 && in->at[0] >= '0' && in->at[0] <= '9'; digits++) {
		if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, (uint64_t)(in->at[0] - '0'), out))
			return false;
		span_skip(in, 1);
	}
	return digits > 0;
}

/** read_int() - all of @text is a number that is not below @min */
static bool read_int(struct span text, int64_t min, int64_t *out)
{
	bool minus = span_starts(text, SPAN_LITERAL("-"));
	uint64_t n;

	span_skip(&text, minus);
	if (!take_uint(&text, &n) || text.len > 0 || n > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	return *out >= min;
}

static bool read_flag(struct span text, bool *out)
{
	*out = span_equal(text, SPAN_LITERAL("1"));
	return *out || span_equal(text, SPAN_LITERAL("0"));
}

static bool read_local(struct span text, uint64_t *out)
{
	return text.len == MESSAGE_ID_TEXT_MAX - 1 && hex_read(text, out);
}

static bool read_result(struct span text, enum response_result *out)
{
	for (int i = 0; i < RESPONSE_RESULT_COUNT; i++) {
		*out = (enum response_result)i;
		if (span_equal(text, span_str(response_result_name(*out))))
			return true;
	}
	return false;
}

static bool read_status(struct span text, int *out)
{
	int64_t n;

	if (!read_int(text, 100, &n) || n > 999)
		return false;
	*out = (int)n;
	return true;
}

bool record_arrival_next(struct span *arrivals, struct arrival *out)
{
	uint64_t offset, us;

	if (!take_uint(arrivals, &offset) || !span_skip(arrivals, 1) || !take_uint(arrivals, &us))
		return false;
	*out = (struct arrival){ offset, (int64_t)us };
	span_skip(arrivals, 1);
	return true;
}

/** take_arrival() - as record_arrival_next(), of a text that may be anything */
static bool take_arrival(struct span *in, struct arrival *out)
{
	uint64_t us;

	if (!take_uint(in, &out->offset) || !span_starts(*in, SPAN_LITERAL(":")))
		return false;
	span_skip(in, 1);
	if (!take_uint(in, &us) || us > INT64_MAX)
		return false;
	out->us = (int64_t)us;
	return true;
}

static bool read_arrivals(struct span text, struct record_tap *out)
{
	struct arrival last = { 0 }, now;

	out->arrivals = text;
	for (out->arrival_count = 0; text.len > 0; out->arrival_count++) {
		if (out->arrival_count == RECORD_ARRIVALS_MAX || !take_arrival(&text, &now) || now.offset < last.offset ||
		    now.us < last.us)
			return false;
		last = now;
		if (text.len > 0 && (!span_starts(text, SPAN_LITERAL(",")) || text.len == 1))
			return false;
		span_skip(&text, 1);
	}
	return out->arrival_count > 0;
}

static bool read_key(struct span key, struct span value, struct record_tap *out)
{
	if (span_equal(key, SPAN_LITERAL("first")))
		return out->has_first = read_int(value, INT64_MIN, &out->first.ns);
	if (span_equal(key, SPAN_LITERAL("client")))
		return endpoint_read(value, &out->client);
	if (span_equal(key, SPAN_LITERAL("server")))
		return endpoint_read(value, &out->server);
	if (span_equal(key, SPAN_LITERAL("proxied")))
		return endpoint_read(value, &out->proxied);
	if (span_equal(key, SPAN_LITERAL("local")))
		return out->has_local = read_local(value, &out->local);
	if (span_equal(key, SPAN_LITERAL("answer")))
		return read_flag(value, &out->expects_answer);
	if (span_equal(key, SPAN_LITERAL("part")))
		return read_flag(value, &out->is_part);
	if (span_equal(key, SPAN_LITERAL("arrivals")))
		return read_arrivals(value, out);
	if (span_equal(key, SPAN_LITERAL("result")))
		return out->has_result = read_result(value, &out->result);
	if (span_equal(key, SPAN_LITERAL("status")))
		return read_status(value, &out->status_code);
	if (span_equal(key, SPAN_LITERAL("first_us")))
		return read_int(value, 0, &out->first_us);
	if (span_equal(key, SPAN_LITERAL("last_us")))
		return read_int(value, 0, &out->last_us);
	return true;
}

bool record_tap_read(struct span text, struct record_tap *out)
{
	*out = (struct record_tap){ .first_us = -1, .last_us = -1 };
	while (text.len > 0) {
		struct span one, key, value;

		span_cut(text, ';', &one, &text);
		span_cut(one, '=', &key, &value);
		if (!read_key(key, value, out))
			return false;
	}
	return true;
}
