/*
 * test_h2_stories.c - what is a request of HTTP/2, where it ends, and what must never become one
 *
 * Each story is a script of both directions. However its bytes are cut into packets, what the reader tells
 * must be what the reference (h2_reference.c) says was sent, and counters must have the values named here.
 * Stories with losses, late begins and two connections stand behind the table, each as a test of its own.
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_reference.h"
#include "tests/rig/h2_tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/hpack_encoder.h"

#define C SIDE_CLIENT
#define S SIDE_SERVER
#define JOIN_COST 2          /* requests that pass before the place of frames is believed */
#define SMALL_CUTS_MAX 60000 /* scripts with more bytes are not cut into single ones */

#define HEAD(method, path) \
	H2_FIELD(":method", method), H2_FIELD(":scheme", "http"), H2_FIELD(":path", path), H2_FIELD(":authority", "h:80")
#define GRPC_FIELDS H2_FIELD("content-type", "application/grpc"), H2_FIELD("te", "trailers"), H2_FIELD("user-agent", "test/1")

static const struct header grpc_head[] = { HEAD("POST", "/pkg.Svc/Call"), GRPC_FIELDS };
static const struct header get_head[] = { HEAD("GET", "/get") };
static const struct header post_head[] = { HEAD("POST", "/post"), H2_FIELD("content-type", "text/plain") };
static const struct header ok_head[] = { H2_FIELD(":status", "200"), H2_FIELD("content-type", "application/grpc") };
static const struct header ok_trailers[] = { H2_FIELD("grpc-status", "0"), H2_FIELD("grpc-message", "") };

static const struct h2_how ends = { .end_stream = true }, goes_on = { 0 };

/* ---- pieces of stories ---- */

/** answer() - head, a message, trailers */
static void answer(struct h2_script *s, uint32_t stream)
{
	h2_headers(s, S, stream, H2_FIELDS(ok_head), &goes_on);
	h2_data(s, S, stream, SPAN_LITERAL("\0\0\0\0\2ok"), -1, false);
	h2_headers(s, S, stream, H2_FIELDS(ok_trailers), &ends);
}

/** numbered() - a call of gRPC whose message is its number */
static void numbered(struct h2_script *s, uint32_t stream, unsigned number)
{
	char message[16] = { 0 };

	snprintf(message + 5, sizeof(message) - 5, "%06u", number);
	message[4] = 6;
	h2_headers(s, C, stream, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, stream, span_of(message, 11), -1, true);
}

static void numbered_and_answered(struct h2_script *s, uint32_t stream, unsigned number)
{
	numbered(s, stream, number);
	answer(s, stream);
}

/** raw_request() - HEADERS of literals as they stand in @block, which ends the stream */
static void raw_request(struct h2_script *s, uint32_t stream, struct span block)
{
	h2_headers_block(s, C, stream, block, &ends);
}

static void get(struct h2_script *s, uint32_t stream)
{
	h2_headers(s, C, stream, H2_FIELDS(get_head), &ends);
	answer(s, stream);
}

/* ---- stories ---- */

static void one_call(struct h2_script *s)
{
	numbered_and_answered(s, 1, 1);
}

static void thousand_calls(struct h2_script *s)
{
	for (unsigned i = 0; i < 1000; i++)
		numbered_and_answered(s, 1 + 2 * i, i);
}

static void interleaved(struct h2_script *s)
{
	for (unsigned i = 0; i < 32; i++)
		h2_headers(s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 32; i++) {
			char text[32];
			int len = snprintf(text, sizeof(text), "%u of %u,", round, i);

			h2_data(s, C, 1 + 2 * i, span_of(text, (size_t)len), -1, round == 19);
		}
	}
	for (unsigned i = 32; i > 0; i--)
		answer(s, 2 * i - 1);
}

static void trailers_both_ways(struct h2_script *s)
{
	static const struct header sum[] = { H2_FIELD("x-sum", "12"), H2_FIELD("x-more", "of it") };

	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("with trailers"), -1, false);
	h2_headers(s, C, 1, H2_FIELDS(sum), &ends);
	answer(s, 1);
	numbered_and_answered(s, 3, 3); /* its indices count the trailers' insertions */
}

static void empty_last_data(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\0\0\1x"), -1, false);
	h2_data(s, C, 1, (struct span){ 0 }, -1, true);
	answer(s, 1);
}

static void no_body(struct h2_script *s)
{
	get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &ends);
	answer(s, 3);
}

static void padded(struct h2_script *s)
{
	static const int pads[] = { 0, 1, 255 };
	uint32_t stream = 1;

	for (int i = 0; i < 3; i++, stream += 2) {
		struct h2_how how = { .padded = true, .pad = (uint8_t)pads[i], .priority = i == 1 };

		h2_headers(s, C, stream, H2_FIELDS(post_head), &how);
		h2_data(s, C, stream, SPAN_LITERAL("body"), pads[i], false);
		h2_data(s, C, stream, (struct span){ 0 }, pads[i], true);
		answer(s, stream);
	}
}

static void pad_too_long(struct h2_script *s)
{
	get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &goes_on);
	h2_frame(s, C, H2_DATA, H2_PADDED | H2_END_STREAM, 3, SPAN_LITERAL("\x05"
									   "body"));
	h2_goaway(s, S, 3, H2_PROTOCOL_ERROR);
}

static void head_pad_too_long(struct h2_script *s)
{
	get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_PADDED | H2_END_HEADERS | H2_END_STREAM, 3, SPAN_LITERAL("\x04\x82\x86\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void priorities(struct h2_script *s)
{
	struct h2_how how = { .priority = true, .end_stream = true };

	h2_priority(s, C, 3);
	h2_headers(s, C, 1, H2_FIELDS(get_head), &how);
	h2_priority(s, C, 1);
	h2_priority(s, C, 101);
	answer(s, 1);
	h2_priority(s, C, 1);
	numbered_and_answered(s, 5, 5);
}

static void continuations(struct h2_script *s)
{
	struct h2_how thin = { .fragment = 1, .end_stream = true }, padded_too = { true, true, true, 9, 20, 0 };
	static const struct header small[] = { H2_FIELD(":method", "GET"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/") };

	h2_headers(s, C, 1, small, 3, &thin); /* three bytes, all static, none in HEADERS */
	answer(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(get_head), &padded_too);
	answer(s, 3);
	h2_headers_block(s, C, 5, SPAN_LITERAL("\x82\x86\x84"), &(struct h2_how){ .fragment = 1, .first = 2, .end_stream = true });
	answer(s, 5);
}

static void head_interrupted(struct h2_script *s)
{
	get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_END_STREAM, 3, SPAN_LITERAL("\x82\x86"));
	h2_ping(s, C, false);
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 3, SPAN_LITERAL("\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void other_continuation(struct h2_script *s)
{
	get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_END_STREAM, 3, SPAN_LITERAL("\x82\x86"));
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 5, SPAN_LITERAL("\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void lone_continuation(struct h2_script *s)
{
	get(s, 1);
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 3, SPAN_LITERAL("\x82\x86\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

/** with_table() - a call whose block begins with the table's sizes */
static void with_table(struct h2_script *s, uint32_t stream, const uint32_t *sizes, size_t count)
{
	struct buffer block = { 0 };

	for (size_t i = 0; i < count; i++)
		h2_table_size(s, C, sizes[i], &block);
	h2_block(s, C, H2_FIELDS(grpc_head), &block);
	h2_headers_block(s, C, stream, buffer_span(&block), &ends);
	answer(s, stream);
	buffer_deinit(&block);
}

static void table_sizes(struct h2_script *s)
{
	static const uint32_t none[] = { 0 }, again[] = { 4096 }, both[] = { 0, 4096 }, little[] = { 100 };

	numbered_and_answered(s, 1, 1);
	h2_setting(s, S, H2_HEADER_TABLE_SIZE, 0);
	h2_settings_ack(s, C);
	with_table(s, 3, none, 1);
	numbered_and_answered(s, 5, 5);
	h2_setting(s, S, H2_HEADER_TABLE_SIZE, 4096);
	h2_settings_ack(s, C);
	with_table(s, 7, again, 1);
	numbered_and_answered(s, 9, 9);
	with_table(s, 11, both, 2);
	numbered_and_answered(s, 13, 13);
	with_table(s, 15, little, 1);
	numbered_and_answered(s, 17, 17);
}

static void large_table(struct h2_script *s)
{
	struct buffer block = { 0 };
	uint32_t stream = 1;

	h2_setting(s, S, H2_HEADER_TABLE_SIZE, 65536);
	h2_settings_ack(s, C);
	h2_table_size(s, C, 65536, &block);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 400; i++, stream += 2) {
			char value[201];
			struct header fields[] = { HEAD("GET", "/large"), H2_FIELD("x-value", "") };

			memset(value, 'a', 200);
			snprintf(value, sizeof(value), "%u", i % 250); /* those of the round before are still in the table */
			value[strlen(value)] = '-';
			fields[4].value = span_of(value, 200);
			h2_block(s, C, fields, 5, &block);
			h2_headers_block(s, C, stream, buffer_span(&block), &ends);
			buffer_clear(&block);
			answer(s, stream);
		}
	}
	buffer_deinit(&block);
}

static void entry_too_large(struct h2_script *s)
{
	static const uint32_t little[] = { 200 };
	static const struct header large[] = {
		HEAD("GET", "/large"),
		H2_FIELD("x-large", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
				    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")
	};

	with_table(s, 1, little, 1);
	h2_headers(s, C, 3, H2_FIELDS(large), &ends);
	answer(s, 3);
	numbered_and_answered(s, 5, 5);
	h2_headers(s, C, 7, H2_FIELDS(large), &ends);
	answer(s, 7);
	numbered_and_answered(s, 9, 9);
}

static void continue_first(struct h2_script *s)
{
	static const struct header expecting[] = { HEAD("POST", "/expect"), H2_FIELD("expect", "100-continue") };
	static const struct header go_on[] = { H2_FIELD(":status", "100") };

	h2_headers(s, C, 1, H2_FIELDS(expecting), &goes_on);
	h2_headers(s, S, 1, H2_FIELDS(go_on), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("expected"), -1, true);
	answer(s, 1);
}

static void pushes(struct h2_script *s)
{
	static const struct header promise[] = { HEAD("GET", "/pushed"), H2_FIELD("x-new", "inserted") };

	h2_headers(s, C, 1, H2_FIELDS(get_head), &ends);
	h2_push(s, 1, 2, H2_FIELDS(promise));
	answer(s, 1);
	answer(s, 2);
	numbered(s, 3, 3);
	h2_push(s, 3, 4, H2_FIELDS(promise)); /* now by indices */
	h2_rst_stream(s, C, 4, H2_CANCEL);
	answer(s, 3);
}

static void client_resets(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("half of"), -1, false);
	h2_rst_stream(s, C, 1, H2_CANCEL);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &goes_on);
	h2_data(s, C, 3, SPAN_LITERAL("all of it"), -1, true);
	h2_headers(s, S, 3, H2_FIELDS(ok_head), &goes_on);
	h2_rst_stream(s, C, 3, H2_CANCEL);
	numbered_and_answered(s, 5, 5);
}

static void refused_stream(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(get_head), &ends);
	h2_rst_stream(s, S, 1, H2_REFUSED_STREAM);
	h2_headers(s, C, 3, H2_FIELDS(get_head), &ends); /* the client tries again */
	answer(s, 3);
}

/* A whole request, to which the server says nothing but a code: a few of them say that it was not processed. */
#define CODE_COUNT 17

static void error_codes(struct h2_script *s)
{
	for (uint32_t code = 0; code < CODE_COUNT; code++) {
		numbered(s, 1 + 4 * code, code);
		h2_rst_stream(s, S, 1 + 4 * code, code);
		h2_headers(s, C, 3 + 4 * code, H2_FIELDS(get_head), &ends); /* behind the head of a response, none does */
		h2_headers(s, S, 3 + 4 * code, H2_FIELDS(ok_head), &goes_on);
		h2_rst_stream(s, S, 3 + 4 * code, code);
	}
}

/* Half of a request, which is lost in any case. */
static void error_codes_early(struct h2_script *s)
{
	for (uint32_t code = 0; code < CODE_COUNT; code++) {
		h2_headers(s, C, 1 + 2 * code, H2_FIELDS(post_head), &goes_on);
		h2_rst_stream(s, S, 1 + 2 * code, code);
	}
}

static void going_away(struct h2_script *s)
{
	numbered(s, 1, 1);
	numbered(s, 3, 3);
	numbered(s, 5, 5);
	h2_goaway(s, S, 3, H2_NO_ERROR);
	answer(s, 3);
	answer(s, 1);
}

static void gentle_goaway(struct h2_script *s)
{
	numbered(s, 1, 1);
	h2_goaway(s, S, 0x7fffffff, H2_NO_ERROR);
	numbered(s, 3, 3);
	h2_goaway(s, S, 3, H2_NO_ERROR);
	answer(s, 1);
	answer(s, 3);
}

static void trailers_only(struct h2_script *s)
{
	static const struct header only[] = { H2_FIELD(":status", "200"), H2_FIELD("content-type", "application/grpc"),
					      H2_FIELD("grpc-status", "12") };

	numbered(s, 1, 1);
	h2_headers(s, S, 1, H2_FIELDS(only), &ends);
	numbered_and_answered(s, 3, 3);
}

static void answered_early(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\0\1\0half"), -1, false);
	answer(s, 1);
	h2_rst_stream(s, S, 1, H2_NO_ERROR);
	numbered_and_answered(s, 3, 3);
}

static void tunnels(struct h2_script *s)
{
	static const struct header connect[] = { H2_FIELD(":method", "CONNECT"), H2_FIELD(":authority", "h:443") };
	static const struct header websocket[] = { H2_FIELD(":method", "CONNECT"), H2_FIELD(":protocol", "websocket"),
						   H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/chat"),
						   H2_FIELD(":authority", "h:80") };

	h2_headers(s, C, 1, H2_FIELDS(connect), &goes_on);
	h2_headers(s, S, 1, H2_FIELDS(ok_head), &goes_on);
	h2_headers(s, C, 3, H2_FIELDS(websocket), &goes_on);
	h2_headers(s, S, 3, H2_FIELDS(ok_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("POST /evil HTTP/1.1\r\n\r\n"), -1, false);
	h2_data(s, C, 3, SPAN_LITERAL("ping"), -1, true);
	h2_data(s, S, 1, SPAN_LITERAL("bytes"), -1, true);
	h2_data(s, C, 1, SPAN_LITERAL("end"), -1, true);
	numbered_and_answered(s, 5, 5);
}

static void tiny_frames(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	for (unsigned i = 0; i < 4000; i++)
		h2_data(s, C, 1, SPAN_LITERAL("x"), -1, false);
	for (unsigned i = 0; i < 100000; i++)
		h2_data(s, C, 1, (struct span){ 0 }, -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("end"), -1, true);
	answer(s, 1);
}

/** hpack_bomb() - an entry of 4000 bytes, 16000 times in one block */
static void hpack_bomb(struct h2_script *s)
{
	static const struct header plain[] = { HEAD("GET", "/bomb") };
	struct buffer block = { 0 };
	uint8_t value[4000];

	s->coder[C] = CODER_PLAIN; /* indices are written by hand here */
	memset(value, 'b', sizeof(value));
	h2_block(s, C, plain, 4, &block);
	put_integer(&block, 0x40, 6, 0);
	put_string(&block, SPAN_LITERAL("x-bomb"), false);
	put_string(&block, span_of(value, sizeof(value)), false);
	h2_headers_block(s, C, 1, buffer_span(&block), &ends);
	answer(s, 1);
	buffer_clear(&block);
	h2_block(s, C, plain, 4, &block);
	for (unsigned i = 0; i < 16000; i++)
		buffer_add(&block, "\xbe", 1);
	h2_headers_block(s, C, 3, buffer_span(&block), &ends);
	answer(s, 3);
	buffer_clear(&block);
	h2_block(s, C, plain, 4, &block);
	buffer_add(&block, "\xbe", 1);
	h2_headers_block(s, C, 5, buffer_span(&block), &ends);
	answer(s, 5);
	buffer_deinit(&block);
}

static void continuation_flood(struct h2_script *s)
{
	struct buffer block = { 0 };

	get(s, 1);
	s->coder[C] = CODER_PLAIN;
	for (unsigned i = 0; i < 100; i++)
		h2_block(s, C, H2_FIELDS(get_head), &block);
	h2_frame(s, C, H2_HEADERS, 0, 3, SPAN_LITERAL("\x82"));
	for (unsigned i = 0; i < 300; i++)
		h2_frame(s, C, H2_CONTINUATION, 0, 3, buffer_span(&block));
	buffer_deinit(&block);
}

static void rapid_reset(struct h2_script *s)
{
	for (unsigned i = 0; i < 5000; i++) {
		h2_headers(s, C, 1 + 2 * i, H2_FIELDS(get_head), &goes_on);
		h2_rst_stream(s, C, 1 + 2 * i, H2_CANCEL);
	}
	numbered_and_answered(s, 10001, 1);
}

static void floods(struct h2_script *s)
{
	numbered(s, 1, 1);
	for (unsigned i = 0; i < 3000; i++) {
		h2_setting(s, C, 3, i);
		h2_ping(s, C, false);
		h2_priority(s, C, 1);
		h2_window_update(s, C, 0, 1);
		h2_frame(s, C, H2_UNKNOWN, 0xff, 1, SPAN_LITERAL("?"));
		h2_settings_ack(s, S);
		h2_ping(s, S, true);
	}
	answer(s, 1);
}

static void frame_too_large(struct h2_script *s)
{
	get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &goes_on);
	h2_raw(s, C, "\xff\xff\xff\0\1\0\0\0\3", 9);
	for (unsigned i = 0; i < 10; i++)
		h2_raw(s, C, "0123456789", 10);
	h2_goaway(s, S, 3, 6);
}

static void large_frames(struct h2_script *s)
{
	uint8_t *body = calloc(1, 150005);

	assert_non_null(body);
	body[2] = 150000 >> 8 >> 8;
	body[3] = (uint8_t)(150000 >> 8);
	body[4] = (uint8_t)150000;
	for (size_t i = 5; i < 150005; i++)
		body[i] = (uint8_t)(i * 7);
	h2_setting(s, S, H2_MAX_FRAME_SIZE, 4 << 20);
	h2_settings_ack(s, C);
	for (uint32_t stream = 1; stream < 8; stream += 2) {
		h2_headers(s, C, stream, H2_FIELDS(grpc_head), &goes_on);
		h2_data(s, C, stream, span_of(body, 150005), -1, true);
		answer(s, stream);
	}
	free(body);
}

/* Each of these breaks the connection; what was asked before it is asked all the same. */
#define BREAK(name, type, flags, stream, payload)                           \
	static void name(struct h2_script *s)                               \
	{                                                                   \
		get(s, 1);                                                  \
		h2_headers(s, C, 3, H2_FIELDS(post_head), &goes_on);        \
		h2_frame(s, C, type, flags, stream, SPAN_LITERAL(payload)); \
		h2_goaway(s, S, 3, H2_PROTOCOL_ERROR);                      \
	}

#define GET_SLASH "\x82\x86\x84"
BREAK(id_even, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 4, GET_SLASH)
BREAK(id_zero, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 0, GET_SLASH)
BREAK(data_on_zero, H2_DATA, H2_END_STREAM, 0, "evil")
BREAK(data_before_head, H2_DATA, H2_END_STREAM, 7, "evil")
BREAK(reset_short, H2_RST_STREAM, 0, 3, "\0\0\0")
BREAK(reset_of_idle, H2_RST_STREAM, 0, 9, "\0\0\0\1")
BREAK(settings_odd, H2_SETTINGS, 0, 0, "\0\1\0\0\0\0\0")
BREAK(settings_on_stream, H2_SETTINGS, 0, 3, "\0\3\0\0\0\1")
BREAK(ping_long, H2_PING, 0, 0, "123456789")
BREAK(update_short, H2_WINDOW_UPDATE, 0, 0, "\0\0\1")
BREAK(goaway_short, H2_GOAWAY, 0, 0, "\0\0\0\1")
BREAK(promise_of_client, H2_PUSH_PROMISE, H2_END_HEADERS, 3, "\0\0\0\2" GET_SLASH)
BREAK(hpack_index_0, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\x80")
BREAK(hpack_index_beyond, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\xff\x20")
BREAK(hpack_integer_long, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
BREAK(hpack_cut_off, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\x40\x05"
									      "ab")
BREAK(hpack_huffman_eos, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\x00\x01"
										  "a"
										  "\x84\xff\xff\xff\xff")
BREAK(hpack_huffman_padding, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 5, GET_SLASH "\x00\x01"
										      "a"
										      "\x82\x1f\xff")

static void id_descends(struct h2_script *s)
{
	get(s, 5);
	get(s, 3);
}

static void id_last(struct h2_script *s)
{
	get(s, 1);
	get(s, 0x7fffffff);
}

static void head_twice(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on); /* trailers that do not end it, with pseudo fields */
	h2_data(s, C, 1, SPAN_LITERAL("x"), -1, true);
	h2_rst_stream(s, S, 1, H2_PROTOCOL_ERROR);
	get(s, 3);
}

static void data_after_end(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &ends);
	h2_data(s, C, 1, SPAN_LITERAL("too late"), -1, true);
	h2_rst_stream(s, S, 1, 5);
	get(s, 3);
}

/* Each is one request that is malformed; the next one is not. */
#define BAD_HEAD(name, block)                              \
	static void name(struct h2_script *s)              \
	{                                                  \
		raw_request(s, 1, SPAN_LITERAL(block));    \
		h2_rst_stream(s, S, 1, H2_PROTOCOL_ERROR); \
		numbered_and_answered(s, 3, 3);            \
	}
#define PATH_X "\x04\x02/x"

BAD_HEAD(name_upper, "\x82\x86" PATH_X "\x00\x01"
		     "A\x01"
		     "b")
BAD_HEAD(name_nul, "\x82\x86" PATH_X "\x00\x02"
		   "a\0\x01"
		   "b")
BAD_HEAD(name_space, "\x82\x86" PATH_X "\x00\x02"
		     "a \x01"
		     "b")
BAD_HEAD(name_colon, "\x82\x86" PATH_X "\x00\x02"
		     "a:\x01"
		     "b")
BAD_HEAD(name_empty, "\x82\x86" PATH_X "\x00\x00\x01"
		     "b")
BAD_HEAD(value_crlf, "\x82\x86" PATH_X "\x00\x01"
		     "a\x09"
		     "b\r\nevil:1")
BAD_HEAD(value_nul, "\x82\x86" PATH_X "\x00\x01"
		    "a\x03"
		    "b\0c")
BAD_HEAD(path_crlf, "\x82\x86\x04\x0a/x\r\nevil:1")
BAD_HEAD(two_paths, "\x82\x86" PATH_X "\x04\x02/y")
BAD_HEAD(two_methods, "\x82\x83\x86" PATH_X)
BAD_HEAD(pseudo_late, "\x82\x86\x00\x01"
		      "a\x01"
		      "b" PATH_X)
BAD_HEAD(pseudo_unknown, "\x82\x86" PATH_X "\x00\x05"
			 ":evil\x01"
			 "b")
BAD_HEAD(pseudo_of_answers, "\x82\x86" PATH_X "\x88")
BAD_HEAD(no_path, "\x82\x86")
BAD_HEAD(no_method, "\x86" PATH_X)
BAD_HEAD(no_scheme, "\x82" PATH_X)
BAD_HEAD(path_empty, "\x82\x86\x04\x00")
BAD_HEAD(connection_field, "\x82\x86" PATH_X "\x00\x0a"
			   "connection\x05"
			   "close")
BAD_HEAD(chunked_field, "\x82\x86" PATH_X "\x00\x11"
			"transfer-encoding\x07"
			"chunked")
BAD_HEAD(te_gzip, "\x82\x86" PATH_X "\x00\x02"
		  "te\x04"
		  "gzip")
BAD_HEAD(length_wrong, "\x83\x86" PATH_X "\x0f\x0d\x01"
		       "5")

static void large_fields(struct h2_script *s)
{
	struct buffer block = { 0 };
	uint8_t *value = calloc(1, 40000);

	assert_non_null(value);
	memset(value, 'x', 40000);
	buffer_add_span(&block, SPAN_LITERAL("\x82\x86" PATH_X));
	for (int i = 0; i < 2; i++) {
		buffer_add_span(&block, SPAN_LITERAL("\x00\x01"
						     "a"));
		put_string(&block, span_of(value, 40000), false);
	}
	h2_headers_block(s, C, 1, buffer_span(&block), &(struct h2_how){ true, .fragment = 16000, .first = 16000 });
	answer(s, 1);
	numbered_and_answered(s, 3, 3);
	buffer_deinit(&block);
	free(value);
}

static void grpc_frames(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on); /* the prefix split, one message in two frames */
	h2_data(s, C, 1, SPAN_LITERAL("\0\0"), -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\4te"), -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("xt"), -1, true);
	answer(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(grpc_head), &goes_on); /* two in one, the second empty */
	h2_data(s, C, 3, SPAN_LITERAL("\0\0\0\0\1a\0\0\0\0\0"), -1, true);
	answer(s, 3);
	h2_headers(s, C, 5, H2_FIELDS(grpc_head), &ends); /* none */
	answer(s, 5);
	h2_headers(s, C, 7, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 7, SPAN_LITERAL("\1\0\0\0\1z"), -1, true);
	answer(s, 7);
}

/** call_of() - a call whose body is @bytes, in DATA frames of @at_once */
static void call_of(struct h2_script *s, uint32_t stream, struct span bytes, size_t at_once)
{
	struct span piece;

	h2_headers(s, C, stream, H2_FIELDS(grpc_head), &goes_on);
	while (span_take(&bytes, bytes.len < at_once ? bytes.len : at_once, &piece) && bytes.len > 0)
		h2_data(s, C, stream, piece, -1, false);
	h2_data(s, C, stream, piece, -1, true);
	answer(s, stream);
}

/* Bodies that are no row of messages: the call never was one (gRPC over HTTP2, "Length-Prefixed-Message"). */
static void grpc_broken_frames(struct h2_script *s)
{
	static const struct span broken[] = {
		SPAN_LITERAL("\2\0\0\0\1x"),                 /* a flag that is none */
		SPAN_LITERAL("\x80\0\0\0\1x"),              /* ... as grpc-web's trailers have */
		SPAN_LITERAL("\0\xff\xff\xff\xffx"),        /* longer than any body */
		SPAN_LITERAL("\0\0\0\0\2x"),                /* the end inside a message */
		SPAN_LITERAL("\0\0\0\0"),                   /* ... inside a prefix */
		SPAN_LITERAL("\0"),                         /* ... behind its first byte */
		SPAN_LITERAL("\0\0\0\0\1x\0\0\0\0\4abc"), /* ... inside the second message */
		SPAN_LITERAL("\0\0\0\0\1x\3\0\0\0\0"),    /* the second one's flag */
		SPAN_LITERAL("\0\0\0\0\1xx"),               /* a byte too many */
	};
	uint32_t stream = 1;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		for (size_t at_once = 1; at_once < 8; at_once += 3, stream += 2)
			call_of(s, stream, broken[i], at_once);
	numbered_and_answered(s, stream, 1);
}

/* However DATA is cut, messages are counted by their prefixes. */
static void grpc_messages_cut(struct h2_script *s)
{
	static const struct span body = SPAN_LITERAL("\0\0\0\0\4text\1\0\0\0\0\0\0\0\0\1x\0\0\0\0\0");
	uint32_t stream = 1;

	for (size_t at_once = 1; at_once <= 26; at_once++, stream += 2)
		call_of(s, stream, body, at_once);
}

static void odd_metadata(struct h2_script *s)
{
	static const struct header fields[] = { HEAD("POST", "/pkg.Svc/Call"),
						GRPC_FIELDS,
						H2_FIELD("trace-bin", "AAA,BBB=="),
						H2_FIELD("grpc-timeout", "99999999H"),
						H2_FIELD("grpc-timeout", "x"),
						H2_FIELD("cookie", "a=1"),
						H2_FIELD("cookie", "b=2"),
						H2_FIELD("empty", "") };

	h2_headers(s, C, 1, H2_FIELDS(fields), &ends);
	answer(s, 1);
}

static void paths(struct h2_script *s)
{
	static const char *const all[] = { "/", "/x?y=z", "/a//b/../c", "/%2e%2e", "/\xc3\xa9" };
	static const struct header options[] = { HEAD("OPTIONS", "*") }, absolute[] = { HEAD("GET", "http://h/x") };
	uint32_t stream = 1;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++, stream += 2) {
		struct header fields[] = { HEAD("GET", "") };

		fields[2].value = span_str(all[i]);
		h2_headers(s, C, stream, H2_FIELDS(fields), &ends);
		answer(s, stream);
	}
	h2_headers(s, C, stream, H2_FIELDS(options), &ends);
	answer(s, stream);
	h2_headers(s, C, stream + 2, H2_FIELDS(absolute), &ends);
	answer(s, stream + 2);
}

static void left_open(struct h2_script *s)
{
	numbered_and_answered(s, 1, 1);
	for (uint32_t stream = 3; stream < 40; stream += 2) {
		h2_headers(s, C, stream, H2_FIELDS(post_head), &goes_on);
		h2_data(s, C, stream, SPAN_LITERAL("half"), -1, false);
	}
}

static void closed_in_the_middle(struct h2_script *s)
{
	left_open(s);
	h2_packet_of(s, C, TCP_RST);
}

/** struct story - @stats: "complete=2 lost.stream_reset=1": counters that must have just this value at the end */
struct story {
	const char *name;
	void (*write)(struct h2_script *s);
	const char *stats;
};

#define STORY(name, stats)         \
	{                          \
#name, name, stats \
	}
#define BROKEN(name)                      \
	{                                 \
#name, name, "complete=1" \
	}
#define BAD(name)                                          \
	{                                                  \
#name, name, "complete=1 lost.malformed=1" \
	}

static const struct story stories[] = {
	STORY(one_call, "complete=1"),
	STORY(thousand_calls, "complete=1000"),
	STORY(interleaved, "complete=32"),
	STORY(trailers_both_ways, "complete=2"),
	STORY(empty_last_data, "complete=1"),
	STORY(no_body, "complete=2"),
	STORY(padded, "complete=3"),
	BROKEN(pad_too_long),
	BROKEN(head_pad_too_long),
	STORY(priorities, "complete=2"),
	STORY(continuations, "complete=3"),
	BROKEN(head_interrupted),
	BROKEN(other_continuation),
	BROKEN(lone_continuation),
	STORY(table_sizes, "complete=9"),
	STORY(large_table, "complete=1200"),
	STORY(entry_too_large, "complete=5"),
	STORY(continue_first, "complete=1"),
	STORY(pushes, "complete=2"),
	STORY(client_resets, "complete=2 lost.stream_reset=1"),
	STORY(refused_stream, "complete=1 lost.refused=1"),
	STORY(error_codes, "complete=27 lost.refused=3 lost.malformed=4"),
	STORY(error_codes_early, "complete=0 lost.refused=3 lost.stream_reset=14"),
	STORY(going_away, "complete=2 lost.refused=1"),
	STORY(gentle_goaway, "complete=2"),
	STORY(trailers_only, "complete=2"),
	STORY(answered_early, "complete=1 lost.stream_reset=1"),
	STORY(tunnels, "complete=1 seen=1"),
	STORY(tiny_frames, "complete=1"),
	STORY(hpack_bomb, "complete=2 lost.head_unknown=1"),
	{ "continuation_flood", continuation_flood, "complete=1" },
	STORY(rapid_reset, "complete=1 lost.stream_reset=5000"),
	STORY(floods, "complete=1"),
	BROKEN(frame_too_large),
	STORY(large_frames, "complete=4"),
	BROKEN(id_even),
	BROKEN(id_zero),
	BROKEN(data_on_zero),
	BROKEN(data_before_head),
	BROKEN(reset_short),
	BROKEN(reset_of_idle),
	BROKEN(settings_odd),
	BROKEN(settings_on_stream),
	BROKEN(ping_long),
	BROKEN(update_short),
	BROKEN(goaway_short),
	BROKEN(promise_of_client),
	BROKEN(hpack_index_0),
	BROKEN(hpack_index_beyond),
	BROKEN(hpack_integer_long),
	BROKEN(hpack_cut_off),
	BROKEN(hpack_huffman_eos),
	BROKEN(hpack_huffman_padding),
	BROKEN(id_descends),
	STORY(id_last, "complete=2"),
	BAD(head_twice),
	{ "data_after_end", data_after_end, "" },
	BAD(name_upper),
	BAD(name_nul),
	BAD(name_space),
	BAD(name_colon),
	BAD(name_empty),
	BAD(value_crlf),
	BAD(value_nul),
	BAD(path_crlf),
	BAD(two_paths),
	BAD(two_methods),
	BAD(pseudo_late),
	BAD(pseudo_unknown),
	BAD(pseudo_of_answers),
	BAD(no_path),
	BAD(no_method),
	BAD(no_scheme),
	BAD(path_empty),
	BAD(connection_field),
	BAD(chunked_field),
	BAD(te_gzip),
	BAD(length_wrong),
	STORY(large_fields, "complete=1 lost.head_unknown=1"),
	STORY(grpc_frames, "complete=4"),
	STORY(grpc_broken_frames, "complete=1 lost.framing=27 http2.requests=28"),
	STORY(grpc_messages_cut, "complete=26"),
	STORY(odd_metadata, "complete=1"),
	{ "paths", paths, "" },
	STORY(left_open, "complete=1 lost.cut_at_end=19"),
	STORY(closed_in_the_middle, "complete=1 lost.reset=19"),
};

/** check_stats() - a complaint in @tap's room, or NULL */
static void check_stats(const struct h2_tap *tap, const char *expected, const char *what)
{
	char *copy = strdup(expected), *rest = copy;

	assert_non_null(copy);
	for (char *item = strtok_r(copy, " ", &rest); item; item = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(item, '=');
		uint64_t want, is;

		assert_non_null(equals);
		*equals = '\0';
		want = strtoull(equals + 1, NULL, 10);
		is = h2_tap_counter(tap, item);
		if (is != want)
			fail_msg("%s: %s is %llu, not %llu", what, item, (unsigned long long)is, (unsigned long long)want);
	}
	free(copy);
}

static const enum h2_coder coders[] = { CODER_PLAIN, CODER_NAMES, CODER_NGHTTP2, CODER_GO, CODER_GRPCIO };
#define CODER_COUNT (sizeof(coders) / sizeof(coders[0]))

static void run_story(const struct story *story, enum h2_coder coder, enum h2_cut cut, bool one_way)
{
	struct h2_script s;
	struct h2_packets packets;
	struct h2_truth truth;
	struct h2_tap tap;
	const char *complaint;
	char what[100];

	snprintf(what, sizeof(what), "%s, coder %d, packets: %s%s", story->name, (int)coder, h2_cut_name(cut),
		 one_way ? ", one way" : "");
	h2_script_init(&s, coder, coder, NULL);
	s.server_first = cut == CUT_MSS || cut == CUT_7;
	h2_preface(&s);
	story->write(&s);
	if ((cut == CUT_1 || cut == CUT_7) && s.bytes[C].len + s.bytes[S].len > SMALL_CUTS_MAX) {
		h2_script_deinit(&s);
		return;
	}
	packets = h2_packets_of(&s, cut);
	truth = h2_reference(&s);
	h2_tap_run(&tap, &(struct h2_tap_options){ .one_way = one_way }, &s, &packets);
	complaint = h2_judge(&tap, &truth, true);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	if (!one_way)
		check_stats(&tap, story->stats, what);
	complaint = h2_tap_close(&tap);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	h2_truth_free(&truth);
	h2_packets_free(&packets);
	h2_script_deinit(&s);
}

static void test_story(void **state)
{
	for (size_t coder = 0; coder < CODER_COUNT; coder++)
		for (int cut = 0; cut < CUTS; cut++) {
			run_story(*state, coders[coder], (enum h2_cut)cut, false);
			if (cut == CUT_NOT || cut == CUT_MSS)
				run_story(*state, coders[coder], (enum h2_cut)cut, true);
		}
}

/* ---- losses, late begins, several connections ---- */

/** struct scene - a script, its packets, the truth, and a tap that is open */
struct scene {
	struct h2_script s;
	struct h2_packets packets;
	struct h2_truth truth;
	struct h2_tap tap;
};

static void scene_write(struct scene *sc, enum h2_coder coder)
{
	*sc = (struct scene){ 0 };
	h2_script_init(&sc->s, coder, coder, NULL);
}

static void scene_cut(struct scene *sc, enum h2_cut cut)
{
	sc->packets = h2_packets_of(&sc->s, cut);
	sc->truth = h2_reference(&sc->s);
}

static void scene_free(struct scene *sc)
{
	h2_truth_free(&sc->truth);
	h2_packets_free(&sc->packets);
	h2_script_deinit(&sc->s);
}

/** scene_run() - feed what is not lost and judge it; the number of requests that were told */
static size_t scene_run(struct scene *sc, const struct h2_tap_options *options, bool whole, const char *what)
{
	size_t told;
	const char *complaint;

	h2_tap_run(&sc->tap, options, &sc->s, &sc->packets);
	complaint = h2_judge(&sc->tap, &sc->truth, whole);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	told = sc->tap.told_count;
	complaint = h2_tap_close(&sc->tap);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	return told;
}

/** packet_with() - the packet that holds byte @at of a side */
static size_t packet_with(const struct scene *sc, enum stream_side side, size_t at)
{
	for (size_t i = 0; i < sc->packets.count; i++) {
		const struct h2_packet *p = &sc->packets.at[i];

		if (p->side == side && at >= p->at && at < p->at + p->len)
			return i;
	}
	fail_msg("no packet holds byte %zu", at);
	return 0;
}

static const struct h2_tap_options both_ways = { 0 };

/* Of eight streams whose DATA goes round, a packet within one DATA frame is lost: seven are whole. */
static void test_gap_in_data(void **state)
{
	for (unsigned which = 0; which < 8; which++) {
		struct scene sc;
		char body[4000];
		size_t at = 0;

		scene_write(&sc, CODER_GO);
		h2_preface(&sc.s);
		memset(body, 'b', sizeof(body));
		for (unsigned i = 0; i < 8; i++)
			h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
		for (unsigned i = 0; i < 8; i++) {
			body[0] = (char)('0' + i);
			if (i == which)
				at = sc.s.bytes[C].len + 9 + 2000;
			h2_data(&sc.s, C, 1 + 2 * i, span_of(body, sizeof(body)), -1, true);
		}
		for (unsigned i = 0; i < 8; i++)
			if (i != which)
				answer(&sc.s, 1 + 2 * i);
		numbered_and_answered(&sc.s, 17, 17);
		scene_cut(&sc, CUT_7);
		sc.packets.at[packet_with(&sc, C, at)].lost = true;
		assert_int_equal(scene_run(&sc, &both_ways, false, "a gap in DATA"), 8);
		scene_free(&sc);
	}
}

/* The snaplen cuts long bodies: their requests are lost, and the others are not. */
static void test_snaplen(void **state)
{
	struct scene sc;
	char body[5000];

	memset(body, 'b', sizeof(body));
	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++) {
		h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(post_head), &goes_on);
		h2_apart(&sc.s);
		h2_data(&sc.s, C, 1 + 2 * i, span_of(body, i % 2 ? 5000 : 50), -1, true);
		answer(&sc.s, 1 + 2 * i);
	}
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < sc.packets.count; i++)
		if (sc.packets.at[i].len > 200)
			sc.packets.at[i].missing = sc.packets.at[i].len - 200;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	check_stats(&sc.tap, "complete=5 lost.truncated=5", "snaplen");
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* Every packet is lost once, at every cut that is not too fine: nothing untrue is told, and the books balance. */
static void lose_each(enum h2_coder coder, enum h2_cut cut, size_t at_least, size_t in_a_row)
{
	struct scene sc;
	size_t most = 0;

	scene_write(&sc, coder);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 6; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, cut);
	for (size_t i = 3; i + in_a_row <= sc.packets.count; i++) {
		size_t told;
		char what[80];

		snprintf(what, sizeof(what), "coder %d, %s, %zu lost from packet %zu", (int)coder, h2_cut_name(cut), in_a_row, i);
		for (size_t k = 0; k < in_a_row; k++)
			sc.packets.at[i + k].lost = true;
		told = scene_run(&sc, &both_ways, false, what);
		most = told > most ? told : most;
		for (size_t k = 0; k < in_a_row; k++)
			sc.packets.at[i + k].lost = false;
	}
	assert_true(most >= at_least);
	scene_free(&sc);
}

static void test_each_packet_lost(void **state)
{
	for (size_t coder = 0; coder < CODER_COUNT; coder++) {
		lose_each(coders[coder], CUT_NOT, 5, 1);
		lose_each(coders[coder], CUT_HEADS, 5, 1);
		lose_each(coders[coder], CUT_7, 5, 1);
		lose_each(coders[coder], CUT_7, 4, 3);
		lose_each(coders[coder], CUT_7, 3, 9);
	}
}

/** write_unique() - calls whose heads have a field that is new each time, as tracing makes it */
static void write_unique(struct scene *sc, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[60];
		struct header fields[] = { HEAD("POST", "/pkg.Svc/Call"), GRPC_FIELDS, H2_FIELD("traceparent", "") };

		snprintf(id, sizeof(id), "00-4bf92f3577b34da6a3ce929d0e0e%04u-00f067aa0ba902b7-01", i);
		fields[7].value = span_str(id);
		h2_headers(&sc->s, C, 1 + 2 * i, fields, 8, &goes_on);
		h2_data(&sc->s, C, 1 + 2 * i, SPAN_LITERAL("\0\0\0\0\1x"), -1, true);
		answer(&sc->s, 1 + 2 * i);
	}
}

/** join_at() - drop all before packet @k; how many are told */
static size_t join_at(struct scene *sc, size_t k, const struct h2_tap_options *options, const char *what)
{
	char text[80];

	for (size_t i = 0; i < sc->packets.count; i++)
		sc->packets.at[i].lost = i < k;
	snprintf(text, sizeof(text), "%s, joined at packet %zu", what, k);
	return scene_run(sc, options, false, text);
}

/** whole_after() - requests of the truth that begin in packet @k or behind it */
static size_t whole_after(const struct scene *sc, size_t k)
{
	size_t count = 0;

	for (size_t i = 0; i < sc->truth.count; i++) {
		const struct h2_run *run = &sc->s.runs[sc->truth.at[i].begun_at];
		size_t from = 0;

		for (const struct h2_run *r = sc->s.runs; r < run; r++)
			from = r->side == C ? r->to : from;
		count += packet_with(sc, C, from) >= k;
	}
	return count;
}

/*
 * Behind a proxy that writes whole literals each time, all that begin after the join are told, but for those by which
 * the place is made sure of.
 */
static void test_join_literal(void **state)
{
	static const enum h2_coder whole[] = { CODER_PLAIN, CODER_NAMES };

	for (size_t c = 0; c < 2; c++) {
		struct scene sc;

		scene_write(&sc, whole[c]);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 12; i++)
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		scene_cut(&sc, CUT_NOT);
		for (size_t k = 4; k + 8 < sc.packets.count; k++) { /* the last few are too few to be found by */
			size_t want = whole_after(&sc, k), told = join_at(&sc, k, &both_ways, "literals");

			if (told + JOIN_COST < want)
				fail_msg("coder %d: joined at %zu: %zu of %zu", (int)whole[c], k, told, want);
		}
		scene_free(&sc);
	}
}

/* grpc-core names its methods once: nothing can be told but of methods that are called for the first time. */
static void test_join_grpcio(void **state)
{
	static const struct header other[] = { HEAD("POST", "/pkg.Svc/Other"), GRPC_FIELDS };
	struct scene sc;

	scene_write(&sc, CODER_GRPCIO);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	h2_headers(&sc.s, C, 21, H2_FIELDS(other), &goes_on);
	h2_data(&sc.s, C, 21, SPAN_LITERAL("\0\0\0\0\1x"), -1, true);
	answer(&sc.s, 21);
	for (unsigned i = 11; i < 20; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = packet_with(&sc, C, 100) + 2; k < sc.packets.count; k++) {
		assert_true(join_at(&sc, k, &both_ways, "grpcio") <= 1);
		assert_int_equal(join_at(&sc, k, &(struct h2_tap_options){ .needs_whole = true }, "grpcio"), 0);
	}
	scene_free(&sc);
}

/* grpc-go writes its fields again when others have pushed them out of the table. */
static void test_join_go(void **state)
{
	struct scene sc;
	size_t at;

	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	write_unique(&sc, 120);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = 4; k < sc.packets.count; k += 9)
		join_at(&sc, k, &both_ways, "go");
	at = packet_with(&sc, C, 300);
	assert_true(join_at(&sc, at, &both_ways, "go") > 50);
	scene_free(&sc);
}

/* An encoder without a table writes all fields each time. */
static void test_join_without_table(void **state)
{
	struct scene sc;
	static const uint32_t none[] = { 0 };

	scene_write(&sc, CODER_GO);
	h2_preface(&sc.s);
	h2_setting(&sc.s, S, H2_HEADER_TABLE_SIZE, 0);
	h2_settings_ack(&sc.s, C);
	with_table(&sc.s, 1, none, 1);
	for (unsigned i = 1; i < 12; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t k = 8; k + 8 < sc.packets.count; k++)
		assert_true(join_at(&sc, k, &both_ways, "no table") + JOIN_COST >= whole_after(&sc, k));
	scene_free(&sc);
}

/* Without leave nothing is looked for on connections that began before. */
static void test_join_not_wanted(void **state)
{
	struct scene sc;

	scene_write(&sc, CODER_PLAIN);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 12; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	assert_int_equal(join_at(&sc, 8, &(struct h2_tap_options){ .no_joins = true }, "no joins"), 0);
	scene_free(&sc);
}

/* Only the server's direction: nothing. */
static void test_server_only(void **state)
{
	struct scene sc;

	scene_write(&sc, CODER_PLAIN);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 12; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < sc.packets.count; i++)
		sc.packets.at[i].lost = sc.packets.at[i].side == C;
	assert_int_equal(scene_run(&sc, &both_ways, false, "only the server"), 0);
	scene_free(&sc);
}

/* The same ports again, with a new preface, and no end of the first connection was captured. */
static void test_ports_again(void **state)
{
	struct scene first, second;
	struct h2_wire wire = { .isn = { 1000, 2000 } }, later = { .isn = { 900000, 5000000 } };
	struct h2_tap tap;

	scene_write(&first, CODER_GO);
	h2_preface(&first.s);
	for (unsigned i = 0; i < 5; i++)
		numbered_and_answered(&first.s, 1 + 2 * i, i);
	h2_headers(&first.s, C, 11, H2_FIELDS(post_head), &goes_on);
	scene_cut(&first, CUT_NOT);
	scene_write(&second, CODER_GO);
	h2_preface(&second.s);
	for (unsigned i = 0; i < 4; i++)
		numbered_and_answered(&second.s, 1 + 2 * i, 100 + i);
	scene_cut(&second, CUT_NOT);
	h2_tap_open(&tap, &both_ways);
	h2_feed_all(tap.tracker, &first.s, &first.packets, &wire);
	later.now_ns = wire.now_ns;
	h2_feed_all(tap.tracker, &second.s, &second.packets, &later);
	assert_null(h2_tap_finish(&tap));
	check_stats(&tap, "complete=9 seen=10", "ports again");
	assert_null(h2_tap_close(&tap));
	scene_free(&first);
	scene_free(&second);
}

/* Packets swapped and sent twice change nothing. */
static void test_swapped_and_doubled(void **state)
{
	for (int cut = CUT_7; cut < CUTS; cut++) {
		struct scene sc;
		struct h2_wire wire = { 0 };
		const char *complaint;

		scene_write(&sc, CODER_GO);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 12; i++)
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		scene_cut(&sc, (enum h2_cut)cut);
		h2_tap_open(&sc.tap, &both_ways);
		for (size_t i = 0; i < sc.packets.count; i++) {
			const struct h2_packet *p = &sc.packets.at[i];
			bool swap = i > 3 && i % 3 == 0 && i + 1 < sc.packets.count && p[1].side == p->side;

			if (swap)
				h2_feed(sc.tap.tracker, &sc.s, p + 1, &wire);
			h2_feed(sc.tap.tracker, &sc.s, p, &wire);
			if (i % 4 == 1)
				h2_feed(sc.tap.tracker, &sc.s, p, &wire);
			i += swap;
		}
		h2_tap_finish(&sc.tap);
		complaint = h2_judge(&sc.tap, &sc.truth, true);
		if (complaint)
			fail_msg("swapped, %s: %s", h2_cut_name((enum h2_cut)cut), complaint);
		assert_null(h2_tap_close(&sc.tap));
		scene_free(&sc);
	}
}

/* What follows the preface is another protocol: nothing is told of it. */
static void test_foreign(void **state)
{
	static const char *const others[] = { "\0\0\0\0\0\0\0\1\0\0\0\1yamux is like this", "GET / HTTP/1.1\r\nHost: h\r\n\r\n" };

	for (size_t i = 0; i < 2; i++) {
		struct scene sc;

		scene_write(&sc, CODER_PLAIN);
		h2_raw(&sc.s, C, H2_PREFACE, 24);
		for (unsigned n = 0; n < 50; n++) {
			h2_raw(&sc.s, C, others[i], 26);
			h2_raw(&sc.s, S, others[i], 26);
		}
		for (int cut = 0; cut < CUTS; cut++) {
			scene_cut(&sc, (enum h2_cut)cut);
			assert_int_equal(scene_run(&sc, &both_ways, false, "foreign"), 0);
			h2_packets_free(&sc.packets);
			h2_truth_free(&sc.truth);
		}
		scene_free(&sc);
	}
}

#define CHAIN                          \
	"\0\0\10\6\0\0\0\0\0pingpong" \
	"\0\0\4\10\0\0\0\0\0\0\0\1\0"

/*
 * A client says how its messages are compressed by a number that is older than the capture. Its path is always said in
 * full, so its calls could be told; but a compressed message is of no use without the name of what it is compressed by.
 */
static void test_unknown_encoding(void **state)
{
	static const struct header head[] = { HEAD("POST", "/pkg.Svc/Call"), GRPC_FIELDS, H2_FIELD("grpc-encoding", "gzip") };
	struct scene sc;

	scene_write(&sc, CODER_NGHTTP2);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 10; i++) {
		h2_headers(&sc.s, C, 1 + 2 * i, H2_FIELDS(head), &goes_on);
		h2_data(&sc.s, C, 1 + 2 * i, i % 2 ? SPAN_LITERAL("\1\0\0\0\1z") : SPAN_LITERAL("\0\0\0\0\1p"), -1, true);
		answer(&sc.s, 1 + 2 * i);
	}
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < 4; i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_true(sc.tap.told_count >= 3); /* those that are not compressed */
	assert_true(h2_tap_counter(&sc.tap, "lost.head_unknown") >= 3);
	assert_int_equal(sc.tap.told_count + h2_tap_counter(&sc.tap, "lost.head_unknown"), h2_tap_counter(&sc.tap, "seen"));
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* A body holds frames that would be a request, at the start of a packet, behind a gap or where the capture begins. */
static void test_forged(void **state)
{
	static const char forged[] = "\0\0\10\6\0\0\0\0\0pingpong"
				     "\0\0\14\1\5\0\0\0\7\x83\x86\x04\x05/evil\x01\x01h"
				     "\0\0\10\6\0\0\0\0\0pingpong"
				     "\0\0\4\10\0\0\0\0\0\0\0\1\0"
				     "\0\0\14\1\5\0\0\0\11\x83\x86\x04\x05/evil\x01\x01h";

	for (size_t lead = 0; lead < 2000; lead += 1999) {
		struct scene sc;
		struct buffer body = { 0 };
		char filler[2000];
		uint8_t head[H2_FRAME_HEAD] = { 0, 0, 0, H2_DATA, H2_END_STREAM, 0, 0, 0, 5 };
		size_t at;

		memset(filler, 'f', sizeof(filler));
		buffer_add(&body, filler, lead);
		for (int i = 0; i < 3; i++)
			buffer_add(&body, forged, sizeof(forged) - 1);
		scene_write(&sc, CODER_NAMES);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 2; i++)
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		h2_headers(&sc.s, C, 5, H2_FIELDS(post_head), &goes_on);
		head[1] = (uint8_t)(body.len >> 8);
		head[2] = (uint8_t)body.len;
		h2_raw(&sc.s, C, head, sizeof(head));
		at = sc.s.bytes[C].len;
		h2_raw(&sc.s, C, body.bytes, lead);
		h2_apart(&sc.s);
		h2_raw(&sc.s, C, body.bytes + lead, body.len - lead);
		answer(&sc.s, 5);
		for (unsigned i = 3; i < 8; i++) /* production answers on the forged streams' ids */
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		for (int cut = 0; cut < CUTS; cut++) {
			char what[60];

			scene_cut(&sc, (enum h2_cut)cut);
			for (size_t i = 3; i < sc.packets.count; i++) {
				snprintf(what, sizeof(what), "forged, %s, packet %zu", h2_cut_name((enum h2_cut)cut), i);
				sc.packets.at[i].lost = true;
				scene_run(&sc, &both_ways, false, what);
				scene_run(&sc, &(struct h2_tap_options){ .one_way = true }, false, what);
				sc.packets.at[i].lost = false;
				if (cut == CUT_1)
					i += 12;
			}
			join_at(&sc, packet_with(&sc, C, at + lead), &both_ways, "forged");
			h2_packets_free(&sc.packets);
			h2_truth_free(&sc.truth);
		}
		buffer_deinit(&body);
		scene_free(&sc);
	}
}

/*
 * A body holds a head that would insert fields into the table, just as the connection's first head did. The capture
 * begins there. Later heads refer to the real ones, which are not known then: none is read with what the body said.
 */
static void test_forged_insertions(void **state)
{
	static const struct header evil[] = { HEAD("POST", "/evil.Svc/Call"), GRPC_FIELDS };
	static const enum h2_coder inserting[] = { CODER_GO, CODER_GRPCIO };

	for (size_t c = 0; c < sizeof(inserting) / sizeof(inserting[0]); c++) {
		struct scene sc;
		struct h2_script forger;
		struct buffer body = { 0 };
		uint8_t head[H2_FRAME_HEAD] = { 0, 0, 0, H2_DATA, H2_END_STREAM, 0, 0, 0, 5 };
		size_t at;

		h2_script_init(&forger, inserting[c], inserting[c], NULL);
		buffer_add(&body, CHAIN, sizeof(CHAIN) - 1);
		h2_headers(&forger, C, 7, H2_FIELDS(evil), &ends);
		buffer_add_span(&body, buffer_span(&forger.bytes[C]));
		buffer_add(&body, CHAIN, sizeof(CHAIN) - 1);
		scene_write(&sc, inserting[c]);
		h2_preface(&sc.s);
		for (unsigned i = 0; i < 2; i++)
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		h2_headers(&sc.s, C, 5, H2_FIELDS(grpc_head), &goes_on);
		head[1] = (uint8_t)((body.len + 3000) >> 8);
		head[2] = (uint8_t)(body.len + 3000);
		h2_raw(&sc.s, C, head, sizeof(head));
		for (unsigned i = 0; i < 3000; i++)
			h2_raw(&sc.s, C, "f", 1);
		h2_apart(&sc.s);
		at = sc.s.bytes[C].len;
		h2_raw(&sc.s, C, body.bytes, body.len);
		answer(&sc.s, 5);
		for (unsigned i = 3; i < 12; i++)
			numbered_and_answered(&sc.s, 1 + 2 * i, i);
		scene_cut(&sc, CUT_NOT);
		for (size_t i = 0; i < packet_with(&sc, C, at); i++)
			sc.packets.at[i].lost = true;
		assert_int_equal(scene_run(&sc, &both_ways, false, "forged insertions"), 0);
		h2_script_deinit(&forger);
		buffer_deinit(&body);
		scene_free(&sc);
	}
}

/** is_told() - how many requests have this method and target */
static size_t is_told(const struct h2_tap *tap, const char *line)
{
	size_t count = 0;

	for (size_t i = 0; i < tap->told_count; i++)
		count += span_starts(buffer_span(&tap->told[i].text), span_str(line));
	return count;
}

#define ENDLESS "\xff\xff\xff\0\0\0\0\0\5" /* DATA of 16 MB */

/*
 * The capture begins in a body, at frames that are none, of which the last one would reach over all that follows: the
 * first segment that looks like frames itself says otherwise, and what is asked from there on is told.
 */
static void test_found_over_frames(void **state)
{
	struct scene sc;
	struct buffer body = { 0 };
	size_t at;

	buffer_add(&body, "some of it", 10);
	buffer_add(&body, CHAIN ENDLESS, sizeof(CHAIN ENDLESS) - 1);
	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	h2_headers(&sc.s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_raw(&sc.s, C, (uint8_t[]){ 0, 0, (uint8_t)body.len, H2_DATA, H2_END_STREAM, 0, 0, 0, 1 }, 9);
	h2_raw(&sc.s, C, body.bytes, 10);
	h2_apart(&sc.s);
	at = sc.s.bytes[C].len;
	h2_raw(&sc.s, C, body.bytes + 10, body.len - 10);
	answer(&sc.s, 1);
	for (unsigned i = 1; i < 12; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < packet_with(&sc, C, at); i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_true(sc.tap.told_count + JOIN_COST >= 11);
	check_stats(&sc.tap, "http2.connections.joined=1 http2.epochs=1 http2.refound=1", "found over frames");
	assert_null(h2_tap_close(&sc.tap));
	buffer_deinit(&body);
	scene_free(&sc);
}

/*
 * Behind a place that was found and is right, a body looks like frames where a segment starts: one of both is wrong,
 * for all that is known. The request that is held for its proof is lost with that; what the body says is not told.
 */
static void test_doubted(void **state)
{
	struct scene sc;
	struct buffer body = { 0 };

	for (size_t i = 0; i < 2000; i++)
		buffer_add(&body, "b", 1);
	for (size_t i = 0; i < 2; i++)
		buffer_add(&body, CHAIN "\0\0\14\1\5\0\0\0\77\x83\x86\x04\x05/evil\x01\x01h", 51);
	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 6; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	numbered(&sc.s, 13, 6); /* not answered yet */
	h2_headers(&sc.s, C, 15, H2_FIELDS(post_head), &goes_on);
	h2_raw(&sc.s, C, (uint8_t[]){ 0, (uint8_t)(body.len >> 8), (uint8_t)body.len, H2_DATA, H2_END_STREAM, 0, 0, 0, 15 }, 9);
	h2_raw(&sc.s, C, body.bytes, 2000);
	h2_apart(&sc.s);
	h2_raw(&sc.s, C, body.bytes + 2000, body.len - 2000);
	answer(&sc.s, 15);
	answer(&sc.s, 13);
	for (unsigned i = 8; i < 14; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < packet_with(&sc, C, 60); i++)
		sc.packets.at[i].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	check_stats(&sc.tap, "lost.gap=2 http2.epochs=1 http2.unproved=1", "doubted");
	assert_true(sc.tap.told_count >= 7);
	assert_null(h2_tap_close(&sc.tap));
	buffer_deinit(&body);
	scene_free(&sc);
}

/*
 * On a connection that was joined, behind a proxy that writes whole literals, a missing packet costs what it holds and
 * the two requests by which the place is made sure of; not those that were answered while the gap was waited for.
 */
static void test_one_missing_of_joined(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_answers = true } };
	struct scene sc;

	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 40; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < 8; i++)
		sc.packets.at[i].lost = true;
	for (size_t o = 0; o < 2; o++) {
		size_t all = scene_run(&sc, &some[o], false, "joined, none missing");

		for (size_t i = 8; i < sc.packets.count; i++) {
			char what[60];
			size_t told;

			snprintf(what, sizeof(what), "joined, packet %zu missing", i);
			sc.packets.at[i].lost = true;
			told = scene_run(&sc, &some[o], false, what);
			if (told + 1 + JOIN_COST < all)
				fail_msg("%s: %zu of %zu told", what, told, all);
			sc.packets.at[i].lost = false;
		}
	}
	scene_free(&sc);
}

/* Responses to requests that are missing do not pile up until there is no room for those that are not. */
static void test_many_missing(void **state)
{
	struct scene sc;
	size_t client = 0;

	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 3000; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 8; i < sc.packets.count; i++)
		sc.packets.at[i].lost = sc.packets.at[i].side == C && ++client % 5 < 2;
	h2_tap_run(&sc.tap, &(struct h2_tap_options){ .memory = 300 << 10 }, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	check_stats(&sc.tap, "http2.skipped.over=0 lost.memory=0", "many missing");
	assert_true(sc.tap.told_count > 500);
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/*
 * A request is in a gap, its response is not; behind the gap a head comes on the same stream. Production had
 * responded before it can have read that one: no response proves it.
 */
static void test_head_behind_its_response(void **state)
{
	static const struct header evil[] = { HEAD("GET", "/evil") };
	struct scene sc;
	size_t gap;

	scene_write(&sc, CODER_NAMES);
	h2_preface(&sc.s);
	numbered_and_answered(&sc.s, 1, 1);
	gap = sc.s.bytes[C].len;
	get(&sc.s, 3);
	for (unsigned i = 0; i < 3; i++) {
		h2_ping(&sc.s, C, false);
		h2_ping(&sc.s, S, true);
	}
	h2_headers(&sc.s, C, 3, H2_FIELDS(evil), &ends);
	h2_ping(&sc.s, S, false);
	numbered_and_answered(&sc.s, 5, 5);
	scene_cut(&sc, CUT_NOT);
	sc.packets.at[packet_with(&sc, C, gap)].lost = true;
	h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
	assert_null(h2_judge(&sc.tap, &sc.truth, false));
	assert_int_equal(is_told(&sc.tap, "GET /evil\n"), 0);
	check_stats(&sc.tap, "complete=2 http2.skipped.midway=1", "a head behind its response");
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

/* Losses as they are: few or many packets, at random. */
static void test_losses(void **state)
{
	static const uint32_t one_in_so_many[] = { 10000, 1000, 100, 20 };
	static const enum h2_coder clients[] = { CODER_NAMES, CODER_NGHTTP2, CODER_GO, CODER_GRPCIO };

	for (size_t c = 0; c < 4; c++) {
		struct scene sc;

		scene_write(&sc, clients[c]);
		h2_preface(&sc.s);
		write_unique(&sc, 150);
		scene_cut(&sc, CUT_NOT);
		for (size_t n = 0; n < 4; n++) {
			for (uint64_t seed = 1; seed <= 10; seed++) {
				struct dice d = dice_of_seed(seed);
				char what[60];

				for (size_t i = 3; i < sc.packets.count; i++)
					sc.packets.at[i].lost = one_in(&d, one_in_so_many[n]);
				snprintf(what, sizeof(what), "coder %d, one in %u lost, seed %u", (int)clients[c],
					 one_in_so_many[n], (unsigned)seed);
				scene_run(&sc, &both_ways, false, what);
			}
		}
		scene_free(&sc);
	}
}

/* Many connections that were joined and say little are bounded by the memory that is given. */
static void test_many_joined(void **state)
{
	struct scene sc;
	struct h2_tap tap;

	scene_write(&sc, CODER_PLAIN);
	h2_preface(&sc.s);
	for (unsigned i = 0; i < 3; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	for (size_t i = 0; i < 8; i++)
		sc.packets.at[i].lost = true;
	h2_tap_open(&tap, &(struct h2_tap_options){ .memory = 8 << 20 });
	for (unsigned port = 1; port <= 10000; port++) {
		struct h2_wire wire = { .isn = { port, 77 * port }, .port = (uint16_t)(5000 + port), .now_ns = port };

		h2_feed_all(tap.tracker, &sc.s, &sc.packets, &wire);
	}
	assert_true(budget_used(&tap.budget) <= 8 << 20);
	assert_null(h2_tap_finish(&tap));
	assert_null(h2_tap_close(&tap));
	scene_free(&sc);
}

/* ---- h2c: HTTP/1 asks for it ---- */

#define UPGRADE \
	"GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"

#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
#define GRANTED_STATS                                                                                                 \
	"seen=3 complete=3 upgraded=1 http2=1 http2.requests=2 http2.streams=2 http2.connections.upgraded=1 " \
	"http2.connections.preface=0 http2.connections.joined=0"

/* Declined, both requests are HTTP/1's. */
static void test_upgrade_declined(void **state)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", next[] = "GET /2 HTTP/1.1\r\n\r\n";
	struct scene sc;

	scene_write(&sc, CODER_GO);
	h2_raw(&sc.s, C, UPGRADE, strlen(UPGRADE));
	h2_raw(&sc.s, S, ok, strlen(ok));
	h2_raw(&sc.s, C, next, strlen(next));
	h2_raw(&sc.s, S, ok, strlen(ok));
	for (int cut = 0; cut < CUTS; cut++) {
		scene_cut(&sc, (enum h2_cut)cut);
		h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
		assert_null(sc.tap.complaint);
		assert_int_equal(is_told(&sc.tap, "GET /up\n"), 1);
		assert_int_equal(is_told(&sc.tap, "GET /2\n"), 1);
		check_stats(&sc.tap, "seen=2 complete=2 upgraded=0 http2=0 http2.streams=0", "declined");
		assert_null(h2_tap_close(&sc.tap));
		h2_packets_free(&sc.packets);
		h2_truth_free(&sc.truth);
	}
	scene_free(&sc);
}

/** write_granted() - @together: 101 with SETTINGS, and the preface with SETTINGS and a call, each in one segment */
static void write_granted(struct h2_script *s, bool together)
{
	h2_raw(s, C, UPGRADE, strlen(UPGRADE));
	h2_raw(s, S, SWITCHING, strlen(SWITCHING));
	if (together) {
		s->server_first = true;
		h2_preface(s);
		numbered(s, 3, 3);
		answer(s, 1);
		answer(s, 3);
	} else {
		h2_apart(s);
		h2_preface(s);
		answer(s, 1);
		numbered_and_answered(s, 3, 3);
	}
	get(s, 5);
}

/** judge_granted() - the request that asked for it is HTTP/1's, the others HTTP/2's, and no other one is told of */
static void judge_granted(struct scene *sc, const struct h2_tap_options *options, const char *what)
{
	h2_tap_run(&sc->tap, options, &sc->s, &sc->packets);
	if (sc->tap.complaint)
		fail_msg("%s: %s", what, sc->tap.complaint);
	check_stats(&sc->tap, GRANTED_STATS, what);
	assert_int_equal(is_told(&sc->tap, "GET /up\n"), 1);
	assert_int_equal(is_told(&sc->tap, "POST /pkg.Svc/Call\n"), 1);
	assert_int_equal(is_told(&sc->tap, "GET /get\n"), 1);
	assert_null(h2_tap_close(&sc->tap));
}

static void test_upgrade_granted(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_answers = true }, { .no_ports = true }, { .no_joins = true } };

	for (int cut = 0; cut < CUTS; cut++) {
		for (size_t i = 0; i < 8; i++) {
			struct scene sc;
			char what[80];

			scene_write(&sc, CODER_GO);
			write_granted(&sc.s, i % 2);
			scene_cut(&sc, (enum h2_cut)cut);
			snprintf(what, sizeof(what), "granted, %s, together %zu, options %zu", h2_cut_name((enum h2_cut)cut), i % 2,
				 i / 2);
			judge_granted(&sc, &some[i / 2], what);
			scene_free(&sc);
		}
	}
}

/* Packets of both sides are captured in another order, that of the 101 ahead of the request among them. */
static void test_upgrade_out_of_step(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct scene sc;

		scene_write(&sc, CODER_GO);
		write_granted(&sc.s, i);
		scene_cut(&sc, CUT_NOT);
		for (size_t k = 3; k + 1 < sc.packets.count; k++) {
			struct h2_packet *p = sc.packets.at, earlier = p[k];
			char what[80];

			snprintf(what, sizeof(what), "granted, together %zu, packet %zu ahead of the one before", i, k + 1);
			p[k] = p[k + 1];
			p[k + 1] = earlier;
			judge_granted(&sc, &both_ways, what);
			p[k + 1] = p[k];
			p[k] = earlier;
		}
		scene_free(&sc);
	}
}

/* ---- the preface in pieces: HTTP/1 takes the first of them for its own ---- */

static void test_preface_in_pieces(void **state)
{
	for (size_t first = 1; first < 24; first++) {
		for (size_t second = first + 1; second <= 24; second++) {
			struct scene sc;
			char what[80];

			scene_write(&sc, CODER_GO);
			h2_raw(&sc.s, C, H2_PREFACE, first);
			h2_apart(&sc.s);
			h2_raw(&sc.s, C, &H2_PREFACE[first], second - first);
			if (second % 2)
				h2_apart(&sc.s);
			h2_raw(&sc.s, C, &H2_PREFACE[second], 24 - second);
			h2_frame(&sc.s, C, H2_SETTINGS, 0, 0, (struct span){ 0 });
			numbered(&sc.s, 1, 1);
			h2_frame(&sc.s, S, H2_SETTINGS, 0, 0, (struct span){ 0 });
			h2_settings_ack(&sc.s, S);
			answer(&sc.s, 1);
			get(&sc.s, 3);
			scene_cut(&sc, CUT_NOT);
			snprintf(what, sizeof(what), "the preface in pieces, from %zu and %zu", first, second);
			for (int joins = 0; joins < 2; joins++) {
				h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_joins = !joins }, &sc.s, &sc.packets);
				if (h2_judge(&sc.tap, &sc.truth, true))
					fail_msg("%s: %s", what, sc.tap.complaint);
				check_stats(&sc.tap,
					    "seen=2 complete=2 http2=1 upgraded=0 http2.connections.preface=1 "
					    "http2.connections.upgraded=0 http2.connections.joined=0 http2.requests=2",
					    what);
				assert_null(h2_tap_close(&sc.tap));
			}
			scene_free(&sc);
		}
	}
}

/* The server's SETTINGS come before all that is the client's, in pieces: they are known for what they are. */
static void test_server_first_in_pieces(void **state)
{
	static const struct h2_tap_options some[] = { { 0 }, { .no_ports = true }, { .no_joins = true } };

	for (size_t first = 1; first <= 15; first++) {
		struct scene sc;
		size_t begins;

		scene_write(&sc, CODER_GO);
		h2_setting(&sc.s, S, H2_MAX_FRAME_SIZE, 1 << 20);
		h2_preface(&sc.s);
		get(&sc.s, 1);
		numbered_and_answered(&sc.s, 3, 3);
		scene_cut(&sc, CUT_NOT);
		begins = packet_with(&sc, S, 0);
		h2_packet_split(&sc.packets, begins, first);
		for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
			h2_tap_run(&sc.tap, &some[i], &sc.s, &sc.packets);
			if (h2_judge(&sc.tap, &sc.truth, true))
				fail_msg("the server first, cut at %zu, options %zu: %s", first, i, sc.tap.complaint);
			check_stats(&sc.tap, "seen=2 complete=2 http2=1 http2.connections.preface=1", "the server first");
			assert_null(h2_tap_close(&sc.tap));
		}
		scene_free(&sc);
	}
}

/* A server that greets with what is not SETTINGS does not keep HTTP/1 from being read. */
static void test_server_greets(void **state)
{
	static const char *const greetings[] = { "\0\0\0\3\0\0\0\0\0", "\0\0\7\4\0\0\0\0\0", "\0\0\0\4\1\0\0\0\0", "\1\0\0\4\0\0\0\0\0",
						"\0\0\0\4\0\0\0\0\1", "220 ready" };

	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		struct scene sc;

		scene_write(&sc, CODER_GO);
		h2_raw(&sc.s, S, greetings[i], 9);
		h2_raw(&sc.s, C, "GET /2 HTTP/1.1\r\n\r\n", 19);
		h2_raw(&sc.s, S, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 40);
		scene_cut(&sc, CUT_NOT);
		h2_tap_run(&sc.tap, &both_ways, &sc.s, &sc.packets);
		check_stats(&sc.tap, "seen=1 complete=1 http2=0", greetings[i]);
		assert_null(h2_tap_close(&sc.tap));
		scene_free(&sc);
	}
}

/* The segment with the preface is missing: the rest is joined, where it is known which port is the service's. */
static void test_preface_missing(void **state)
{
	struct scene sc;
	size_t preface;

	scene_write(&sc, CODER_NAMES);
	h2_raw(&sc.s, C, H2_PREFACE, 24);
	h2_frame(&sc.s, C, H2_SETTINGS, 0, 0, (struct span){ 0 });
	h2_apart(&sc.s);
	numbered(&sc.s, 1, 0);
	h2_frame(&sc.s, S, H2_SETTINGS, 0, 0, (struct span){ 0 });
	answer(&sc.s, 1);
	for (unsigned i = 1; i < 12; i++)
		numbered_and_answered(&sc.s, 1 + 2 * i, i);
	scene_cut(&sc, CUT_NOT);
	preface = packet_with(&sc, C, 0);
	sc.packets.at[preface].lost = true;
	for (int answers = 0; answers < 2; answers++) {
		h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_answers = !answers }, &sc.s, &sc.packets);
		assert_null(h2_judge(&sc.tap, &sc.truth, false));
		check_stats(&sc.tap, "http2.connections.joined=1 http2.connections.preface=0 http2.connections.upgraded=0",
			    "the preface is missing");
		assert_true(sc.tap.told_count + JOIN_COST >= 12);
		assert_null(h2_tap_close(&sc.tap));
	}
	sc.packets.at[packet_with(&sc, S, 0)].lost = true; /* or the server's SETTINGS would say what it is */
	h2_tap_run(&sc.tap, &(struct h2_tap_options){ .no_joins = true }, &sc.s, &sc.packets);
	assert_int_equal(sc.tap.told_count, 0);
	assert_null(h2_tap_close(&sc.tap));
	scene_free(&sc);
}

#define STORY_COUNT (sizeof(stories) / sizeof(stories[0]))

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_snaplen),
		cmocka_unit_test(test_gap_in_data),
		cmocka_unit_test(test_each_packet_lost),
		cmocka_unit_test(test_join_literal),
		cmocka_unit_test(test_join_grpcio),
		cmocka_unit_test(test_join_go),
		cmocka_unit_test(test_join_without_table),
		cmocka_unit_test(test_join_not_wanted),
		cmocka_unit_test(test_server_only),
		cmocka_unit_test(test_ports_again),
		cmocka_unit_test(test_swapped_and_doubled),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_unknown_encoding),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_forged_insertions),
		cmocka_unit_test(test_found_over_frames),
		cmocka_unit_test(test_doubted),
		cmocka_unit_test(test_one_missing_of_joined),
		cmocka_unit_test(test_many_missing),
		cmocka_unit_test(test_head_behind_its_response),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_many_joined),
		cmocka_unit_test(test_upgrade_declined),
		cmocka_unit_test(test_upgrade_granted),
		cmocka_unit_test(test_upgrade_out_of_step),
		cmocka_unit_test(test_preface_in_pieces),
		cmocka_unit_test(test_server_first_in_pieces),
		cmocka_unit_test(test_server_greets),
		cmocka_unit_test(test_preface_missing),
	};
	static struct CMUnitTest tests[STORY_COUNT + sizeof(others) / sizeof(others[0])];

	for (size_t i = 0; i < STORY_COUNT; i++)
		tests[i] = (struct CMUnitTest){ stories[i].name, test_story, NULL, NULL, (void *)&stories[i] };
	memcpy(tests + STORY_COUNT, others, sizeof(others));
	return _cmocka_run_group_tests("http2", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
