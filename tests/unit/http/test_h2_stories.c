/*
 * test_h2_stories.c - what is a request of HTTP/2, where it ends, and what must never become one
 *
 * Each story is a script of both directions. However its bytes are cut into packets, what the reader tells
 * must be what the reference (h2_reference.c) says was sent, and counters must have the values named here.
 */
#include "tests/rig/unit.h"
#include "tests/rig/h2_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/hpack_encoder.h"

#define C SIDE_CLIENT
#define S SIDE_SERVER
#define SMALL_CUTS_MAX 60000 /* scripts with more bytes are not cut into single ones */

/* ---- pieces of stories ---- */

/** raw_request() - HEADERS of literals as they stand in @block, which ends the stream */
static void raw_request(struct h2_script *s, uint32_t stream, struct span block)
{
	h2_headers_block(s, C, stream, block, &ends);
}

/* ---- stories ---- */

static void one_call(struct h2_script *s)
{
	h2_numbered_and_answered(s, 1, 1);
}

static void thousand_calls(struct h2_script *s)
{
	for (unsigned i = 0; i < 1000; i++)
		h2_numbered_and_answered(s, 1 + 2 * i, i);
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
		h2_answer(s, 2 * i - 1);
}

static void trailers_both_ways(struct h2_script *s)
{
	static const struct header sum[] = { H2_FIELD("x-sum", "12"), H2_FIELD("x-more", "of it") };

	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("with trailers"), -1, false);
	h2_headers(s, C, 1, H2_FIELDS(sum), &ends);
	h2_answer(s, 1);
	h2_numbered_and_answered(s, 3, 3); /* its indices count the trailers' insertions */
}

static void empty_last_data(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\0\0\1x"), -1, false);
	h2_data(s, C, 1, (struct span){ 0 }, -1, true);
	h2_answer(s, 1);
}

static void no_body(struct h2_script *s)
{
	h2_get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &ends);
	h2_answer(s, 3);
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
		h2_answer(s, stream);
	}
}

static void pad_too_long(struct h2_script *s)
{
	h2_get(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(post_head), &goes_on);
	h2_frame(s, C, H2_DATA, H2_PADDED | H2_END_STREAM, 3, SPAN_LITERAL("\x05"
									   "body"));
	h2_goaway(s, S, 3, H2_PROTOCOL_ERROR);
}

static void head_pad_too_long(struct h2_script *s)
{
	h2_get(s, 1);
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
	h2_answer(s, 1);
	h2_priority(s, C, 1);
	h2_numbered_and_answered(s, 5, 5);
}

static void continuations(struct h2_script *s)
{
	struct h2_how thin = { .fragment = 1, .end_stream = true }, padded_too = { true, true, true, 9, 20, 0 };
	static const struct header small[] = { H2_FIELD(":method", "GET"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/") };

	h2_headers(s, C, 1, small, 3, &thin); /* three bytes, all static, none in HEADERS */
	h2_answer(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(get_head), &padded_too);
	h2_answer(s, 3);
	h2_headers_block(s, C, 5, SPAN_LITERAL("\x82\x86\x84"), &(struct h2_how){ .fragment = 1, .first = 2, .end_stream = true });
	h2_answer(s, 5);
}

static void head_interrupted(struct h2_script *s)
{
	h2_get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_END_STREAM, 3, SPAN_LITERAL("\x82\x86"));
	h2_ping(s, C, false);
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 3, SPAN_LITERAL("\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void other_continuation(struct h2_script *s)
{
	h2_get(s, 1);
	h2_frame(s, C, H2_HEADERS, H2_END_STREAM, 3, SPAN_LITERAL("\x82\x86"));
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 5, SPAN_LITERAL("\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void lone_continuation(struct h2_script *s)
{
	h2_get(s, 1);
	h2_frame(s, C, H2_CONTINUATION, H2_END_HEADERS, 3, SPAN_LITERAL("\x82\x86\x84"));
	h2_goaway(s, S, 1, H2_PROTOCOL_ERROR);
}

static void table_sizes(struct h2_script *s)
{
	static const uint32_t none[] = { 0 }, again[] = { 4096 }, both[] = { 0, 4096 }, little[] = { 100 };

	h2_numbered_and_answered(s, 1, 1);
	h2_setting(s, S, H2_HEADER_TABLE_SIZE, 0);
	h2_settings_ack(s, C);
	h2_with_table(s, 3, none, 1);
	h2_numbered_and_answered(s, 5, 5);
	h2_setting(s, S, H2_HEADER_TABLE_SIZE, 4096);
	h2_settings_ack(s, C);
	h2_with_table(s, 7, again, 1);
	h2_numbered_and_answered(s, 9, 9);
	h2_with_table(s, 11, both, 2);
	h2_numbered_and_answered(s, 13, 13);
	h2_with_table(s, 15, little, 1);
	h2_numbered_and_answered(s, 17, 17);
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
			struct header fields[] = { H2_HEAD("GET", "/large"), H2_FIELD("x-value", "") };

			memset(value, 'a', 200);
			snprintf(value, sizeof(value), "%u", i % 250); /* those of the round before are still in the table */
			value[strlen(value)] = '-';
			fields[4].value = span_of(value, 200);
			h2_block(s, C, fields, 5, &block);
			h2_headers_block(s, C, stream, buffer_span(&block), &ends);
			buffer_clear(&block);
			h2_answer(s, stream);
		}
	}
	buffer_deinit(&block);
}

static void entry_too_large(struct h2_script *s)
{
	static const uint32_t little[] = { 200 };
	static const struct header large[] = {
		H2_HEAD("GET", "/large"),
		H2_FIELD("x-large", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
				    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")
	};

	h2_with_table(s, 1, little, 1);
	h2_headers(s, C, 3, H2_FIELDS(large), &ends);
	h2_answer(s, 3);
	h2_numbered_and_answered(s, 5, 5);
	h2_headers(s, C, 7, H2_FIELDS(large), &ends);
	h2_answer(s, 7);
	h2_numbered_and_answered(s, 9, 9);
}

static void continue_first(struct h2_script *s)
{
	static const struct header expecting[] = { H2_HEAD("POST", "/expect"), H2_FIELD("expect", "100-continue") };
	static const struct header go_on[] = { H2_FIELD(":status", "100") };

	h2_headers(s, C, 1, H2_FIELDS(expecting), &goes_on);
	h2_headers(s, S, 1, H2_FIELDS(go_on), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("expected"), -1, true);
	h2_answer(s, 1);
}

static void pushes(struct h2_script *s)
{
	static const struct header promise[] = { H2_HEAD("GET", "/pushed"), H2_FIELD("x-new", "inserted") };

	h2_headers(s, C, 1, H2_FIELDS(get_head), &ends);
	h2_push(s, 1, 2, H2_FIELDS(promise));
	h2_answer(s, 1);
	h2_answer(s, 2);
	h2_numbered(s, 3, 3);
	h2_push(s, 3, 4, H2_FIELDS(promise)); /* now by indices */
	h2_rst_stream(s, C, 4, H2_CANCEL);
	h2_answer(s, 3);
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
	h2_numbered_and_answered(s, 5, 5);
}

static void refused_stream(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(get_head), &ends);
	h2_rst_stream(s, S, 1, H2_REFUSED_STREAM);
	h2_headers(s, C, 3, H2_FIELDS(get_head), &ends); /* the client tries again */
	h2_answer(s, 3);
}

/* A whole request, to which the server says nothing but a code: a few of them say that it was not processed. */
#define CODE_COUNT 17

static void error_codes(struct h2_script *s)
{
	for (uint32_t code = 0; code < CODE_COUNT; code++) {
		h2_numbered(s, 1 + 4 * code, code);
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
	h2_numbered(s, 1, 1);
	h2_numbered(s, 3, 3);
	h2_numbered(s, 5, 5);
	h2_goaway(s, S, 3, H2_NO_ERROR);
	h2_answer(s, 3);
	h2_answer(s, 1);
}

static void gentle_goaway(struct h2_script *s)
{
	h2_numbered(s, 1, 1);
	h2_goaway(s, S, 0x7fffffff, H2_NO_ERROR);
	h2_numbered(s, 3, 3);
	h2_goaway(s, S, 3, H2_NO_ERROR);
	h2_answer(s, 1);
	h2_answer(s, 3);
}

static void trailers_only(struct h2_script *s)
{
	static const struct header only[] = { H2_FIELD(":status", "200"), H2_FIELD("content-type", "application/grpc"),
					      H2_FIELD("grpc-status", "12") };

	h2_numbered(s, 1, 1);
	h2_headers(s, S, 1, H2_FIELDS(only), &ends);
	h2_numbered_and_answered(s, 3, 3);
}

static void answered_early(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\0\1\0half"), -1, false);
	h2_answer(s, 1);
	h2_rst_stream(s, S, 1, H2_NO_ERROR);
	h2_numbered_and_answered(s, 3, 3);
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
	h2_numbered_and_answered(s, 5, 5);
}

static void tiny_frames(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	for (unsigned i = 0; i < 4000; i++)
		h2_data(s, C, 1, SPAN_LITERAL("x"), -1, false);
	for (unsigned i = 0; i < 100000; i++)
		h2_data(s, C, 1, (struct span){ 0 }, -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("end"), -1, true);
	h2_answer(s, 1);
}

/** hpack_bomb() - an entry of 4000 bytes, 16000 times in one block */
static void hpack_bomb(struct h2_script *s)
{
	static const struct header plain[] = { H2_HEAD("GET", "/bomb") };
	struct buffer block = { 0 };
	uint8_t value[4000];

	s->coder[C] = CODER_PLAIN; /* indices are written by hand here */
	memset(value, 'b', sizeof(value));
	h2_block(s, C, plain, 4, &block);
	put_integer(&block, 0x40, 6, 0);
	put_string(&block, SPAN_LITERAL("x-bomb"), false);
	put_string(&block, span_of(value, sizeof(value)), false);
	h2_headers_block(s, C, 1, buffer_span(&block), &ends);
	h2_answer(s, 1);
	buffer_clear(&block);
	h2_block(s, C, plain, 4, &block);
	for (unsigned i = 0; i < 16000; i++)
		buffer_add(&block, "\xbe", 1);
	h2_headers_block(s, C, 3, buffer_span(&block), &ends);
	h2_answer(s, 3);
	buffer_clear(&block);
	h2_block(s, C, plain, 4, &block);
	buffer_add(&block, "\xbe", 1);
	h2_headers_block(s, C, 5, buffer_span(&block), &ends);
	h2_answer(s, 5);
	buffer_deinit(&block);
}

static void continuation_flood(struct h2_script *s)
{
	struct buffer block = { 0 };

	h2_get(s, 1);
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
	h2_numbered_and_answered(s, 10001, 1);
}

static void floods(struct h2_script *s)
{
	h2_numbered(s, 1, 1);
	for (unsigned i = 0; i < 3000; i++) {
		h2_setting(s, C, 3, i);
		h2_ping(s, C, false);
		h2_priority(s, C, 1);
		h2_window_update(s, C, 0, 1);
		h2_frame(s, C, H2_UNKNOWN, 0xff, 1, SPAN_LITERAL("?"));
		h2_settings_ack(s, S);
		h2_ping(s, S, true);
	}
	h2_answer(s, 1);
}

static void frame_too_large(struct h2_script *s)
{
	h2_get(s, 1);
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
		h2_answer(s, stream);
	}
	free(body);
}

/* Each of these breaks the connection; what was asked before it is asked all the same. */
#define BREAK(name, type, flags, stream, payload)                           \
	static void name(struct h2_script *s)                               \
	{                                                                   \
		h2_get(s, 1);                                               \
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
	h2_get(s, 5);
	h2_get(s, 3);
}

static void id_last(struct h2_script *s)
{
	h2_get(s, 1);
	h2_get(s, 0x7fffffff);
}

static void head_twice(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on);
	h2_headers(s, C, 1, H2_FIELDS(post_head), &goes_on); /* trailers that do not end it, with pseudo fields */
	h2_data(s, C, 1, SPAN_LITERAL("x"), -1, true);
	h2_rst_stream(s, S, 1, H2_PROTOCOL_ERROR);
	h2_get(s, 3);
}

static void data_after_end(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(post_head), &ends);
	h2_data(s, C, 1, SPAN_LITERAL("too late"), -1, true);
	h2_rst_stream(s, S, 1, 5);
	h2_get(s, 3);
}

/* Each is one request that is malformed; the next one is not. */
#define BAD_HEAD(name, block)                              \
	static void name(struct h2_script *s)              \
	{                                                  \
		raw_request(s, 1, SPAN_LITERAL(block));    \
		h2_rst_stream(s, S, 1, H2_PROTOCOL_ERROR); \
		h2_numbered_and_answered(s, 3, 3);         \
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
	h2_answer(s, 1);
	h2_numbered_and_answered(s, 3, 3);
	buffer_deinit(&block);
	free(value);
}

static void grpc_frames(struct h2_script *s)
{
	h2_headers(s, C, 1, H2_FIELDS(grpc_head), &goes_on); /* the prefix split, one message in two frames */
	h2_data(s, C, 1, SPAN_LITERAL("\0\0"), -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("\0\0\4te"), -1, false);
	h2_data(s, C, 1, SPAN_LITERAL("xt"), -1, true);
	h2_answer(s, 1);
	h2_headers(s, C, 3, H2_FIELDS(grpc_head), &goes_on); /* two in one, the second empty */
	h2_data(s, C, 3, SPAN_LITERAL("\0\0\0\0\1a\0\0\0\0\0"), -1, true);
	h2_answer(s, 3);
	h2_headers(s, C, 5, H2_FIELDS(grpc_head), &ends); /* none */
	h2_answer(s, 5);
	h2_headers(s, C, 7, H2_FIELDS(grpc_head), &goes_on);
	h2_data(s, C, 7, SPAN_LITERAL("\1\0\0\0\1z"), -1, true);
	h2_answer(s, 7);
}

/** call_of() - a call whose body is @bytes, in DATA frames of @at_once */
static void call_of(struct h2_script *s, uint32_t stream, struct span bytes, size_t at_once)
{
	struct span piece;

	h2_headers(s, C, stream, H2_FIELDS(grpc_head), &goes_on);
	while (span_take(&bytes, bytes.len < at_once ? bytes.len : at_once, &piece) && bytes.len > 0)
		h2_data(s, C, stream, piece, -1, false);
	h2_data(s, C, stream, piece, -1, true);
	h2_answer(s, stream);
}

/* Bodies that are no row of messages: the call never was one (gRPC over HTTP2, "Length-Prefixed-Message"). */
static void grpc_broken_frames(struct h2_script *s)
{
	static const struct span broken[] = {
		SPAN_LITERAL("\2\0\0\0\1x"),              /* a flag that is none */
		SPAN_LITERAL("\x80\0\0\0\1x"),            /* ... as grpc-web's trailers have */
		SPAN_LITERAL("\0\xff\xff\xff\xffx"),      /* longer than any body */
		SPAN_LITERAL("\0\0\0\0\2x"),              /* the end inside a message */
		SPAN_LITERAL("\0\0\0\0"),                 /* ... inside a prefix */
		SPAN_LITERAL("\0"),                       /* ... behind its first byte */
		SPAN_LITERAL("\0\0\0\0\1x\0\0\0\0\4abc"), /* ... inside the second message */
		SPAN_LITERAL("\0\0\0\0\1x\3\0\0\0\0"),    /* the second one's flag */
		SPAN_LITERAL("\0\0\0\0\1xx"),             /* a byte too many */
	};
	uint32_t stream = 1;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		for (size_t at_once = 1; at_once < 8; at_once += 3, stream += 2)
			call_of(s, stream, broken[i], at_once);
	h2_numbered_and_answered(s, stream, 1);
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
	static const struct header fields[] = { H2_HEAD("POST", "/pkg.Svc/Call"),
						H2_GRPC_FIELDS,
						H2_FIELD("trace-bin", "AAA,BBB=="),
						H2_FIELD("grpc-timeout", "99999999H"),
						H2_FIELD("grpc-timeout", "x"),
						H2_FIELD("cookie", "a=1"),
						H2_FIELD("cookie", "b=2"),
						H2_FIELD("empty", "") };

	h2_headers(s, C, 1, H2_FIELDS(fields), &ends);
	h2_answer(s, 1);
}

static void paths(struct h2_script *s)
{
	static const char *const all[] = { "/", "/x?y=z", "/a//b/../c", "/%2e%2e", "/\xc3\xa9" };
	static const struct header options[] = { H2_HEAD("OPTIONS", "*") }, absolute[] = { H2_HEAD("GET", "http://h/x") };
	uint32_t stream = 1;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++, stream += 2) {
		struct header fields[] = { H2_HEAD("GET", "") };

		fields[2].value = span_str(all[i]);
		h2_headers(s, C, stream, H2_FIELDS(fields), &ends);
		h2_answer(s, stream);
	}
	h2_headers(s, C, stream, H2_FIELDS(options), &ends);
	h2_answer(s, stream);
	h2_headers(s, C, stream + 2, H2_FIELDS(absolute), &ends);
	h2_answer(s, stream + 2);
}

static void left_open(struct h2_script *s)
{
	h2_numbered_and_answered(s, 1, 1);
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
		h2_check_counters(&tap, story->stats, what);
	complaint = h2_tap_close(&tap);
	if (complaint)
		fail_msg("%s: %s", what, complaint);
	h2_truth_free(&truth);
	h2_packets_free(&packets);
	h2_script_deinit(&s);
}

static void test_story(void **state)
{
	for (size_t coder = 0; coder < H2_CODERS; coder++)
		for (int cut = 0; cut < CUTS; cut++) {
			run_story(*state, h2_coders[coder], (enum h2_cut)cut, false);
			if (cut == CUT_NOT || cut == CUT_MSS)
				run_story(*state, h2_coders[coder], (enum h2_cut)cut, true);
		}
}

#define STORY_COUNT (sizeof(stories) / sizeof(stories[0]))

int main(void)
{
	static struct CMUnitTest tests[STORY_COUNT];

	for (size_t i = 0; i < STORY_COUNT; i++)
		tests[i] = (struct CMUnitTest){ stories[i].name, test_story, NULL, NULL, (void *)&stories[i] };
	return _cmocka_run_group_tests("http2 stories", tests, STORY_COUNT, NULL, NULL);
}
