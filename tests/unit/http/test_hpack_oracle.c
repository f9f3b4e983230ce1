/*
 * test_hpack_oracle.c - nghttp2 is asked the same, from a connection's start and from every point in its middle
 *
 * Three sources of blocks: nghttp2's deflater, an encoder of ours that uses what
 * deflaters don't (tests/rig/hpack_encoder.h), and bytes at random. A decoder that
 * starts at any of the blocks says of each field the truth, or that it doesn't know;
 * and it knows as much as nghttp2's inflater that was filled with dummies.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>

#include "tests/rig/hpack_encoder.h"
#include "tests/rig/hpack_oracle.h"

#define BLOCKS 80
#define ROUNDS 30

struct sequence {
	struct buffer blocks[BLOCKS];
	struct truth truths[BLOCKS];
	uint32_t table_size; /* the limit */
};

static struct sequence sequence;
static struct truth by_oracle;
static struct hpack_head head;

static uint32_t random_below(uint32_t n)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)((x * 0x2545f4914f6cdd1du >> 32) % n);
}

static const char *const names[] = {
	/* no cookie: nghttp2 has rules of its own for these */
	":method",
	":path",
	":authority",
	":scheme",
	"content-type",
	"te",
	"grpc-timeout",
	"traceparent",
	"x-request-id",
	"user-agent",
	"grpc-accept-encoding",
	"accept",
	"a",
	"x-a-name-that-is-somewhat-longer-than-others-are",
};
static const char *const values[] = {
	"POST",
	"GET",
	"/",
	"/inference.GRPCInferenceService/ModelInfer",
	"application/grpc",
	"trailers",
	"",
	"identity, deflate, gzip",
	"localhost:50051",
	"http",
};

#define PICK(list) list[random_below(sizeof(list) / sizeof(list[0]))]

/* Any of some names, and any of some values or one that is new */
static struct span draw_name(void)
{
	return span_str(PICK(names));
}

static struct span draw_value(uint8_t *room)
{
	size_t len;

	if (random_below(3) > 0)
		return span_str(PICK(values));
	len = random_below(random_below(20) == 0 ? ENCODER_TEXT_MAX : 40);
	for (size_t i = 0; i < len; i++)
		room[i] = random_below(10) == 0 ? (uint8_t)random_below(256)
						: (uint8_t) "abcdef0123456789-/"[random_below(17)];
	return span_of(room, len);
}

/* Every start: true, and as much as the oracle knows */
static void check_from(const struct sequence *s, size_t start)
{
	nghttp2_hd_inflater *oracle = oracle_new(s->table_size, start > 0);
	struct hpack h;

	hpack_init(&h, NULL, start == 0);
	hpack_set_limit(&h, s->table_size);
	for (size_t i = start; i < BLOCKS; i++) {
		assert_int_equal(hpack_decode(&h, buffer_span(&s->blocks[i]), &head), 0);
		assert_false(head.over);
		assert_true(head_is_true(&head, &s->truths[i], start == 0));
		assert_true(oracle_decode(oracle, buffer_span(&s->blocks[i]), &by_oracle));
		assert_int_equal(head.count, by_oracle.count);
		for (size_t f = 0; f < head.count; f++)
			assert_int_equal(head.fields[f].knowledge == HPACK_KNOWN, !is_dummy(&by_oracle, f));
	}
	assert_int_equal(h.exact, start == 0);
	assert_int_equal(h.epoch, 0);
	hpack_deinit(&h);
	nghttp2_hd_inflate_del(oracle);
}

static void check_all_starts(const struct sequence *s)
{
	for (size_t start = 0; start < BLOCKS; start++)
		check_from(s, start);
}

static void sequence_clear(uint32_t table_size)
{
	sequence.table_size = table_size;
	for (size_t i = 0; i < BLOCKS; i++) {
		buffer_clear(&sequence.blocks[i]);
		truth_clear(&sequence.truths[i]);
	}
}

static void deflate_block(nghttp2_hd_deflater *deflater, size_t block)
{
	static uint8_t rooms[16][ENCODER_TEXT_MAX];
	nghttp2_nv fields[16];
	size_t count = 1 + random_below(15);
	uint8_t out[16384];
	ssize_t len;

	for (size_t i = 0; i < count; i++) {
		struct span name = draw_name(), value = draw_value(rooms[i]);
		bool never = random_below(20) == 0;

		fields[i] = (nghttp2_nv){ (uint8_t *)name.at, (uint8_t *)value.at, name.len, value.len,
					  never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE };
		truth_add(&sequence.truths[block], name, value, never);
	}
	len = nghttp2_hd_deflate_hd(deflater, out, sizeof(out), fields, count);
	assert_true(len > 0);
	buffer_add(&sequence.blocks[block], out, (size_t)len);
}

static void test_deflater(void **state)
{
	static const uint32_t sizes[] = { 4096, 4096, 8192, 65536 };

	for (int round = 0; round < ROUNDS; round++) {
		nghttp2_hd_deflater *deflater;

		sequence_clear(PICK(sizes));
		assert_int_equal(nghttp2_hd_deflate_new(&deflater, sequence.table_size), 0);
		if (sequence.table_size > HPACK_TABLE_SIZE)
			nghttp2_hd_deflate_change_table_size(deflater, sequence.table_size);
		for (size_t i = 0; i < BLOCKS; i++) {
			if (round % 2 == 1 && random_below(10) == 0)
				nghttp2_hd_deflate_change_table_size(deflater,
								     random_below(sequence.table_size));
			deflate_block(deflater, i);
		}
		check_all_starts(&sequence);
		nghttp2_hd_deflate_del(deflater);
	}
}

/* One field, in one of the ways that there are */
static void encode_field(struct encoder *e, struct buffer *b, struct truth *truth)
{
	static const struct {
		uint8_t first, bits;
	} ways[] = { { 0x40, 6 }, { 0x40, 6 }, { 0x40, 6 }, { 0x00, 4 }, { 0x10, 4 } };
	uint8_t room[ENCODER_TEXT_MAX], name_room[ENCODER_TEXT_MAX];
	uint32_t way = random_below(5), at = random_below((uint32_t)e->count + 1);
	struct span name = draw_name(), value = draw_value(room);
	bool refers = random_below(3) > 0 && at < e->count;

	if (refers) {
		name = span_of(memcpy(name_room, e->entries[at].name, e->entries[at].name_len),
			       e->entries[at].name_len);
		if (random_below(2)) {
			put_integer(b, 0x80, 7, 62 + at);
			truth_add(truth, name, span_of(e->entries[at].value, e->entries[at].value_len), false);
			return;
		}
	}
	put_integer(b, ways[way].first, ways[way].bits, refers ? 62 + at : 0);
	if (!refers)
		put_string(b, name, random_below(2));
	put_string(b, value, random_below(2));
	truth_add(truth, name, value, ways[way].first == 0x10);
	if (ways[way].first == 0x40)
		encoder_insert(e, name, value);
}

static void test_encoder(void **state)
{
	static const uint32_t sizes[] = { 0, 33, 100, 300, 1000, 4096 };
	static struct encoder encoder;

	for (int round = 0; round < ROUNDS; round++) {
		sequence_clear(4096);
		encoder.count = encoder.size = 0;
		encoder.max = 4096;
		for (size_t i = 0; i < BLOCKS; i++) {
			struct buffer *block = &sequence.blocks[i];

			for (uint32_t n = random_below(12); n > 9; n--)
				encoder_resize(&encoder, block, PICK(sizes));
			for (uint32_t n = 1 + random_below(12); n > 0; n--)
				encode_field(&encoder, block, &sequence.truths[i]);
		}
		check_all_starts(&sequence);
	}
}

/* A string by itself, as the value of a literal: accepted by both or by none, with the same text */
static void compare_huffman(struct span coded)
{
	nghttp2_hd_inflater *oracle = oracle_new(4096, false);
	struct buffer block = { 0 };
	struct hpack h;
	bool taken;

	buffer_add(&block, "\x00\x01n", 3);
	put_integer(&block, 0x80, 7, (uint32_t)coded.len);
	buffer_add_span(&block, coded);
	hpack_init(&h, NULL, true);
	taken = hpack_decode(&h, buffer_span(&block), &head) == 0;
	assert_int_equal(oracle_decode(oracle, buffer_span(&block), &by_oracle), taken);
	if (taken)
		assert_true(head_is_true(&head, &by_oracle, true));
	nghttp2_hd_inflate_del(oracle);
	buffer_deinit(&block);
}

static void test_huffman_short(void **state)
{
	compare_huffman(span_of(NULL, 0));
	for (uint32_t i = 0; i < 65536; i++) {
		uint8_t two[] = { (uint8_t)(i >> 8), (uint8_t)i };

		if (i < 256)
			compare_huffman(span_of(two + 1, 1));
		compare_huffman(span_of(two, 2));
	}
}

/* Codes of all symbols, each between others; then any bytes, mostly ones, so that long codes and EOS come */
static void test_huffman_long(void **state)
{
	struct buffer coded = { 0 };

	for (uint32_t i = 0; i < 256 * 256; i++) {
		uint8_t text[] = { (uint8_t)i, 'x', (uint8_t)(i >> 8), 'a', (uint8_t)i };

		buffer_clear(&coded);
		put_huffman(&coded, span_of(text, 1 + random_below(5)));
		compare_huffman(buffer_span(&coded));
	}
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t bytes[24];
		size_t len = 1 + random_below(sizeof(bytes));

		for (size_t n = 0; n < len; n++)
			bytes[n] = random_below(3) ? (uint8_t)(0xff << random_below(3))
						   : (uint8_t)random_below(256);
		compare_huffman(span_of(bytes, len));
	}
	buffer_deinit(&coded);
}

static void test_huffman_text(void **state)
{
	struct buffer coded = { 0 };
	uint8_t text[300], out[300 + HPACK_HUFFMAN_SLACK];

	for (uint32_t i = 0; i < 20000; i++) {
		size_t len = random_below(sizeof(text));

		for (size_t n = 0; n < len; n++)
			text[n] = (uint8_t)(random_below(30) ? ' ' + random_below(95) : random_below(256));
		buffer_clear(&coded);
		put_huffman(&coded, span_of(text, len));
		assert_in_range(len, hpack_huffman_least(coded.len), hpack_huffman_most(coded.len));
		if (hpack_huffman_most(coded.len) > sizeof(text))
			continue;
		assert_int_equal(hpack_huffman_decode(buffer_span(&coded), out), len);
		assert_memory_equal(out, text, len);
	}
	buffer_deinit(&coded);
}

/* Well-formed blocks with some bytes changed: both refuse, or both say the same */
static void test_damaged(void **state)
{
	static struct encoder encoder;

	for (int round = 0; round < 3000; round++) {
		nghttp2_hd_inflater *oracle = oracle_new(4096, false);
		struct buffer block = { 0 };
		struct hpack h;
		bool taken = true;

		hpack_init(&h, NULL, true);
		encoder.count = encoder.size = 0;
		encoder.max = 4096;
		for (int i = 0; i < 10 && taken; i++) {
			truth_clear(&sequence.truths[0]);
			buffer_clear(&block);
			for (uint32_t n = 1 + random_below(6); n > 0; n--)
				encode_field(&encoder, &block, &sequence.truths[0]);
			if (i > 0)
				block.bytes[random_below((uint32_t)block.len)] ^=
					(uint8_t)(1 << random_below(8));
			taken = hpack_decode(&h, buffer_span(&block), &head) == 0;
			assert_int_equal(oracle_decode(oracle, buffer_span(&block), &by_oracle), taken);
			assert_true(!taken || head_is_true(&head, &by_oracle, true));
		}
		hpack_deinit(&h);
		nghttp2_hd_inflate_del(oracle);
		buffer_deinit(&block);
	}
}

/* The tests above can fail: one insertion that isn't seen shifts all others */
static void test_missed_insertion_is_found(void **state)
{
	struct hpack h;
	size_t lies = 0;
	static struct encoder encoder = { .max = 4096 };

	sequence_clear(4096);
	for (size_t i = 0; i < BLOCKS; i++)
		for (int n = 0; n < 6; n++)
			encode_field(&encoder, &sequence.blocks[i], &sequence.truths[i]);
	hpack_init(&h, NULL, false);
	for (size_t i = 0; i < BLOCKS; i++) {
		if (i == BLOCKS / 2)
			continue;
		hpack_decode(&h, buffer_span(&sequence.blocks[i]), &head);
		lies += !head_is_true(&head, &sequence.truths[i], false);
	}
	assert_true(lies > 0);
	hpack_deinit(&h);
}

static int teardown(void **state)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		buffer_deinit(&sequence.blocks[i]);
		buffer_deinit(&sequence.truths[i].bytes);
	}
	buffer_deinit(&by_oracle.bytes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deflater),
		cmocka_unit_test(test_encoder),
		cmocka_unit_test(test_huffman_short),
		cmocka_unit_test(test_huffman_long),
		cmocka_unit_test(test_huffman_text),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_missed_insertion_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
