/*
 * fuzz_record.c - any bytes as a message from a broker: refused by name, or one HTTP message for every parser
 *
 * Fields of the message come first, a line each, then an empty line and the data. What is taken is written as a record
 * and read again, and is the same. The parsers that production's and the shadow's bytes go through are a second opinion:
 * they find no second message in it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http1/http1_reader.h"
#include "message/http_text.h"
#include "relay/record.h"
#include "relay/record_read.h"
#include "replay/response_parser.h"
#include "tests/rig/record_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)          \
	do {                     \
		if (!(condition)) \
			abort(); \
	} while (0)

static void all_fields(void *ctx, const struct request_head *head, struct header_list *out)
{
	(void)ctx;
	for (size_t i = 0; i < head->header_count; i++)
		header_list_add(out, head->headers[i].name, head->headers[i].value);
}

static bool any_field(void *ctx, struct span name)
{
	(void)ctx, (void)name;
	return true;
}

static const struct record_rules rules = { .fields = all_fields, .answer_field = any_field };

static struct record_fields fields_of(struct span in)
{
	struct record_fields f = { 0 };
	struct span line, name, value;

	while (span_cut(in, '\n', &line, &in) && line.len > 0)
		if (span_cut(line, ':', &name, &value))
			record_fields_set(&f, name, span_trim(value));
	f.data = in;
	return f;
}

/* ---- requests ---- */

/** struct seen - what the reader of HTTP/1 makes of the data */
struct seen {
	size_t whole, lost;
	uint64_t body_len;
};

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	(void)ctx, (void)head, (void)origin;
	return (struct head_decision){ .keep = KEEP_WHOLE };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct seen *s = ctx;

	(void)decision;
	MUST(m && !out_of_memory);
	s->whole++;
	s->body_len = m->body_len;
	message_unref(m);
}

static void on_lost(void *ctx, enum lost_reason reason, const struct request_origin *origin, const struct request_head *head)
{
	struct seen *s = ctx;

	(void)reason, (void)origin, (void)head;
	s->lost++;
}

static void second_opinion(struct span data, uint64_t body_len, struct budget *budget)
{
	static struct http_stats stats;
	struct seen seen = { 0 };
	struct http1_options options = { .sink = { &seen, on_head, on_request, on_lost, NULL },
					 .max_body = 1 << 24,
					 .budget = budget,
					 .stats = &stats };
	struct reader_kind kind = http1_reader(&options);
	struct stream_place server = { 0 };
	struct reader_start start = { .server = &server, .from_first_byte = true };
	struct chunk chunk = { .bytes = data, .offset = 1 };
	void *shared = kind.ops->open(kind.config);
	struct reader *r = kind.ops->make(shared, &start);
	enum reader_result result;

	MUST(r);
	result = kind.ops->on_chunk[SIDE_CLIENT](r, &chunk);
	if (result == READER_LIVE)
		kind.ops->on_end(r, LOST_CUT_AT_END, true);
	kind.ops->free(r);
	kind.ops->close(shared);
	MUST(seen.whole + seen.lost <= 1 && (seen.whole == 0 || seen.body_len == body_len));
}

static void check_request(const struct record_fields *in, struct budget *budget)
{
	struct record_request r = { 0 }, again = { 0 };
	struct header_list scratch = { 0 };
	enum record_fault why = RECORD_FINE;
	struct buffer lines = { 0 };
	struct record_fields f;
	struct message *m = NULL;
	struct record *sent = NULL;
	int err = record_read_request(in, &r, &why);

	MUST((err == 0) == (why == RECORD_FINE) && (err == 0 || err == -EBADMSG));
	if (err == 0) {
		MUST(wire_id_is_set(r.origin.wire) && r.body.len <= in->data.len);
		second_opinion(in->data, r.body.len, budget);
		m = record_request_message(&r, budget);
		MUST(m);
		sent = record_of_request(m, m->response_token != 0, &rules, &scratch);
		MUST(sent);
		f = record_fields_of(sent, "shadowtap://a/b", 7, &lines);
		MUST(record_read_request(&f, &again, &why) == 0);
		MUST(span_equal(again.head.method, r.head.method) && span_equal(again.head.target, r.head.target));
		MUST(span_equal(again.body, r.body));
		MUST(again.head.is_grpc == r.head.is_grpc && again.grpc_messages == r.grpc_messages);
		MUST(again.origin.wire.high == r.origin.wire.high && again.origin.wire.low == r.origin.wire.low);
		MUST(memcmp(&again.origin.client, &r.origin.client, sizeof(r.origin.client)) == 0);
		MUST(again.origin.id == r.origin.id);
	}
	record_free(sent);
	buffer_deinit(&lines);
	message_unref(m);
	header_list_deinit(&scratch);
	record_request_deinit(&r);
	record_request_deinit(&again);
}

/* ---- answers ---- */

static void second_opinion_of_answer(struct span data, const struct response *r)
{
	struct response_parser p = { 0 };
	enum response_parser_state state;

	if (r->status_code == 204 || r->status_code == 304)
		return;
	response_parser_begin(&p, false, NULL);
	state = response_parser_feed(&p, data);
	MUST(state == RESPONSE_PARSER_WHOLE || state == RESPONSE_PARSER_BAD);
	response_parser_deinit(&p);
}

static void check_answer(const struct record_fields *in, struct budget *budget)
{
	struct record_answer a, again;
	enum record_fault why = RECORD_FINE;
	struct buffer lines = { 0 };
	struct record_fields f;
	struct record *sent;
	int err = record_read_answer(in, budget, 1 << 24, &a, &why);

	MUST(err == -ENOMEM || (err == 0) == (why == RECORD_FINE));
	if (err != 0)
		return;
	if (a.response->result == RESPONSE_WHOLE)
		second_opinion_of_answer(in->data, a.response);
	sent = record_of_response(a.event.id, a.response, a.event.time, &rules);
	MUST(sent);
	f = record_fields_of(sent, "shadowtap://a/b", 7, &lines);
	MUST(record_read_answer(&f, budget, 1 << 24, &again, &why) == 0);
	MUST(again.response->result == a.response->result && again.response->status_code == a.response->status_code);
	MUST(span_equal(span_of(again.response->body, again.response->body_len), span_of(a.response->body, a.response->body_len)));
	MUST(again.response->arrival_count == a.response->arrival_count);
	MUST(again.response->trailer_count <= a.response->trailer_count);
	response_free(a.response);
	response_free(again.response);
	record_free(sent);
	buffer_deinit(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_fields f = fields_of(span_of(data, size));
	struct record_event event;
	enum record_fault why;
	struct budget budget;

	budget_init(&budget, 1 << 26);
	check_request(&f, &budget);
	check_answer(&f, &budget);
	record_read_event(&f, &event, &why);
	MUST(budget_used(&budget) == 0);
	return 0;
}
