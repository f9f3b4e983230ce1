/*
 * test_hpack.c - header blocks as stories: those of RFC 7541, malformed ones, late starts, limits, memory
 *
 * Others decide what is right in test_hpack_oracle.c and test_hpack_vectors.c.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/rig/fail_alloc.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/hpack_text.h"

struct step {
	const char *block;  /* in hexadecimal; "forget" */
	const char *fields; /* as head_text() says them; NULL: the block is refused */
	uint32_t size;      /* of the table, afterwards */
};

static struct guarded *guarded;

static int setup(void **state)
{
	return guard_setup((void **)&guarded);
}

static int teardown(void **state)
{
	return guard_teardown((void **)&guarded);
}

static void play(const struct step *steps, size_t count, bool from_start)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer bytes = { 0 }, text = { 0 };
	struct budget budget;
	struct hpack h;

	budget_init(&budget, 1 << 20);
	hpack_init(&h, &budget, from_start);
	for (size_t i = 0; i < count; i++) {
		struct span block;
		int ret;

		if (strcmp(steps[i].block, "forget") == 0) {
			hpack_forget(&h);
			continue;
		}
		block = from_hex(&bytes, steps[i].block);
		ret = hpack_decode(&h, block.len ? guarded_copy(guarded, block.at, block.len) : block, head);
		assert_int_equal(ret, steps[i].fields ? 0 : -EBADMSG);
		assert_string_equal(head_text(&text, head), steps[i].fields ? steps[i].fields : "");
		assert_int_equal(h.table.size, steps[i].size);
		assert_int_equal(budget_used(&budget), hpack_held(&h));
	}
	hpack_deinit(&h);
	assert_int_equal(budget_used(&budget), 0);
	buffer_deinit(&bytes);
	buffer_deinit(&text);
	free(head);
}

#define PLAY(steps, from_start) play(steps, sizeof(steps) / sizeof(steps[0]), from_start)

#define GET_HTTP ":method: GET|:scheme: http|:path: /|:authority: www.example.com|"
#define GET_HTTPS ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|"
#define DATE "date: Mon, 21 Oct 2013 20:13:2"
#define LOCATION "location: https://www.example.com|"
#define COOKIE "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1|"

static void test_appendix_c2(void **state)
{
	static const struct step inserted[] = {
		{ "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "custom-key: custom-header|", 55 },
	};
	static const struct step others[] = {
		{ "040c2f73616d706c652f70617468", ":path: /sample/path|", 0 },
		{ "100870617373776f726406736563726574", "!password: secret|", 0 },
		{ "82", ":method: GET|", 0 },
	};

	PLAY(inserted, true);
	PLAY(others, true);
}

static void test_appendix_c3_requests(void **state)
{
	static const struct step steps[] = {
		{ "828684410f7777772e6578616d706c652e636f6d", GET_HTTP, 57 },
		{ "828684be58086e6f2d6361636865", GET_HTTP "cache-control: no-cache|", 110 },
		{ "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
		  GET_HTTPS "custom-key: custom-value|", 164 },
	};

	PLAY(steps, true);
}

static void test_appendix_c4_requests_huffman(void **state)
{
	static const struct step steps[] = {
		{ "828684418cf1e3c2e5f23a6ba0ab90f4ff", GET_HTTP, 57 },
		{ "828684be5886a8eb10649cbf", GET_HTTP "cache-control: no-cache|", 110 },
		{ "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", GET_HTTPS "custom-key: custom-value|",
		  164 },
	};

	PLAY(steps, true);
}

/* The examples have a table of 256 bytes: a size update (3f e1 01) goes before the first block */
static void test_appendix_c5_responses(void **state)
{
	static const struct step steps[] = {
		{ "3fe101 "
		  "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
		  "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
		  ":status: 302|cache-control: private|" DATE "1 GMT|" LOCATION, 222 },
		{ "4803333037c1c0bf", ":status: 307|cache-control: private|" DATE "1 GMT|" LOCATION, 222 },
		{ "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d"
		  "4153444a"
		  "4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e"
		  "3d31",
		  ":status: 200|cache-control: private|" DATE "2 GMT|" LOCATION
		  "content-encoding: gzip|" COOKIE,
		  215 },
	};

	PLAY(steps, true);
}

static void test_appendix_c6_responses_huffman(void **state)
{
	static const struct step steps[] = {
		{ "3fe101 "
		  "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b"
		  "97c8"
		  "e9ae82ae43d3",
		  ":status: 302|cache-control: private|" DATE "1 GMT|" LOCATION, 222 },
		{ "4883640effc1c0bf", ":status: 307|cache-control: private|" DATE "1 GMT|" LOCATION, 222 },
		{ "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdf"
		  "cd5b3960"
		  "d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
		  ":status: 200|cache-control: private|" DATE "2 GMT|" LOCATION
		  "content-encoding: gzip|" COOKIE,
		  215 },
	};

	PLAY(steps, true);
}

/* What is refused in any case, and what is so only where the table is known exactly: there it is unknown else */
static void test_malformed(void **state)
{
	static const char *const always[] = {
		"80", /* index 0 */
		"ff", /* an integer without its end */
		"ff80",
		"ffffffffff7f",           /* beyond 32 bits */
		"ff808080808000",         /* more bytes than 32 bits take, of nothing */
		"ff808080808001",         /* six bytes more */
		"ff80808080808080808000", /* ten of nothing */
		"3f",                     /* a size update without its end */
		"82 20",                  /* one behind a field */
		"40",                     /* a literal without a name */
		"4003",
		"40036162",
		"4003616263", /* without a value */
		"400361626304616263",
		"4001617f",
		"40017f7fffffffff0f61", /* a length beyond the block */
		"0085ff",               /* Huffman, the same */
		"00 8161 00",           /* padding of zeros */
		"00 81ff 00",           /* padding of eight bits */
		"00 82 1fff 00",        /* of more than seven */
		"00 84 ffffffff 00",    /* EOS */
		"00 85 1fffffffff 00",
		"00 81fe 00", /* a code that isn't whole */
		"0161 81e0 00",
		"00",
		"10",
		"0f",
		"1f80",
	};
	static const char *const exact[] = {
		"be", /* an empty table */
		"7e0161",
		"4001610162 bf",
		"0f2f00",
		"3fe21f",           /* a size above the limit of 4,096 */
		"20 4001610162 be", /* inserted into a table of size 0 */
		"3f01 4001610162 be",
		"3f03 4001610162 4001610163 bf", /* evicted */
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		for (int from_start = 0; from_start < 2; from_start++)
			PLAY(((struct step[]){ { always[i], NULL, 0 } }), from_start);
	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		PLAY(((struct step[]){ { exact[i], NULL, 0 } }), true);
}

/* A refused block leaves a decoder that has forgotten, and says nothing false afterwards */
static void test_after_malformed(void **state)
{
	static const struct step steps[] = {
		{ "4001610162", "a: b|", 34 },
		{ "4001630164 80", NULL, 0 },
		{ "be", "?: ?|", 0 },
		{ "4001650166 be bf", "e: f|e: f|?: ?|", 34 },
	};

	PLAY(steps, true);
}

static void test_integers(void **state)
{
	static const struct step steps[] = {
		{ "", "", 0 },
		{ "00 7f00", NULL, 0 },       /* 127 bytes: there are none */
		{ "ff80808000", "?: ?|", 0 }, /* 127 in more bytes than it takes */
		{ "ffffffff0f", "?: ?|", 0 },
		{ "ff80ffffff0f", "?: ?|", 0 }, /* 2^32 - 1 is the highest one */
		{ "ff81ffffff0f", NULL, 0 },
		{ "0f2f0161", "?: a|", 0 },
	};

	PLAY(steps, false);
}

static void test_late_start(void **state)
{
	static const struct step steps[] = {
		{ "c4 c3 83 be", "?: ?|?: ?|:method: POST|?: ?|", 0 },
		{ "4001610162 be bf", "a: b|a: b|?: ?|", 34 },
		{ "7e0163", "a: c|", 68 }, /* a name that was seen is inherited */
		{ "410178 be c0", ":authority: x|:authority: x|a: b|", 111 },
		{ "c1 c0", "?: ?|a: b|", 111 },
		{ "7f020179 be c0 bf", "?: y|?: y|a: c|:authority: x|",
		  144 }, /* one that wasn't, too: its place is kept */
		{ "7e017a be bf", "?: z|?: z|?: y|", 177 },
		{ "forget", NULL, 0 },
		{ "be", "?: ?|", 0 },
		{ "4001610162 be bf", "a: b|a: b|?: ?|", 34 },
		{ "3fff7f bf be", "?: ?|a: b|", 34 }, /* any size: what the limit is was not seen */
		{ "20 be", "?: ?|", 0 },
	};

	PLAY(steps, false);
}

static void test_size_updates(void **state)
{
	static const struct step steps[] = {
		{ "4001610162 4001630164", "a: b|c: d|", 68 },
		{ "3f03 be", "c: d|", 34 },                      /* 34 */
		{ "20 3fe11f 4001650166 be", "e: f|e: f|", 34 }, /* to 0 and back, in one block */
		{ "3f02 40026161 00", "aa: |", 0 },              /* larger than the table: it empties it and isn't there */
		{ "3fe11f be", NULL, 0 },
	};

	PLAY(steps, true);
}

/* A name that is taken from the entry which this insertion evicts (RFC 7541, 4.4) */
static void test_name_of_evicted(void **state)
{
	static const struct step steps[] = {
		{ "3f03 4001610162 7e0163 be", "a: b|a: c|a: c|", 34 },
		{ "7e0164", "a: d|", 34 },
		{ "be 7e0165 be", "a: d|a: e|a: e|", 34 },
	};

	PLAY(steps, true);
}

static struct span literal_with(struct buffer *b, uint8_t first, size_t name_len, size_t value_len)
{
	uint8_t head[] = { first, 0x7f, 0, 0, 0 };

	buffer_clear(b);
	for (int i = 0; i < 2; i++) {
		size_t len = i == 0 ? name_len : value_len, rest = len - 127;

		head[2] = (uint8_t)(0x80 | (rest & 0x7f));
		head[3] = (uint8_t)(0x80 | (rest >> 7 & 0x7f));
		head[4] = (uint8_t)(rest >> 14);
		buffer_add(b, i == 0 ? head : head + 1, i == 0 ? 5 : 4);
		for (size_t n = 0; n < len; n++)
			buffer_add(b, i == 0 ? "n" : "v", 1);
	}
	return buffer_span(b);
}

/* An entry that fills the table, referred to 16,000 times: its fields are dropped, insertions around it are not */
static void test_bomb(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 }, text = { 0 };
	struct hpack h;

	hpack_init(&h, NULL, true);
	assert_int_equal(hpack_decode(&h, literal_with(&b, 0x40, 1000, 3000), head), 0);
	assert_int_equal(head->count, 1);
	assert_int_equal(h.table.size, 4032);
	buffer_clear(&b);
	for (int i = 0; i < 16000; i++)
		buffer_add(&b, "\xbe", 1);
	buffer_add(&b,
		   "\x40\x01"
		   "a\x01"
		   "b",
		   5);
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_true(head->over);
	assert_int_equal(head->count, 0);
	assert_int_equal(hpack_completeness(head, NULL, 0), HPACK_HEAD_UNKNOWN);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\xbe"), head), 0);
	assert_false(head->over);
	assert_string_equal(head_text(&text, head), "a: b|");
	hpack_deinit(&h);
	buffer_deinit(&b);
	buffer_deinit(&text);
	free(head);
}

/* One name of 3,900 bytes inserted again and again takes no memory but the first time, whatever the block's length */
static void test_insertion_bomb(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 };
	struct hpack h;
	size_t held;

	hpack_init(&h, NULL, true);
	assert_int_equal(hpack_decode(&h, literal_with(&b, 0x40, 3900, 130), head), 0);
	buffer_clear(&b);
	for (int i = 0; i < 100000; i++)
		buffer_add(&b, "\x7e\x01x", 3);
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_true(head->over);
	assert_int_equal(h.table.count, 1);
	held = hpack_held(&h);
	assert_true(held < 32768);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\xbe"), head), 0);
	assert_int_equal(head->fields[0].name.len, 3900);
	assert_true(span_equal(head->fields[0].value, SPAN_LITERAL("x")));
	hpack_deinit(&h);
	buffer_deinit(&b);
	free(head);
}

/* Too many fields, too many bytes, and strings beyond all bounds, plain and Huffman coded; the table stays right */
static void test_over_limits(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 }, text = { 0 };
	struct hpack h;

	hpack_init(&h, NULL, true);
	for (int i = 0; i < HPACK_FIELDS_MAX; i++)
		buffer_add(&b, "\x82", 1);
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_int_equal(head->count, HPACK_FIELDS_MAX);
	buffer_add(&b,
		   "\x40\x01"
		   "a\x01"
		   "b",
		   5);
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_true(head->over);
	assert_int_equal(h.table.count, 1);

	assert_int_equal(hpack_decode(&h, literal_with(&b, 0x00, 200, 70000), head), 0);
	assert_true(head->over);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\xbe"), head), 0);
	assert_string_equal(head_text(&text, head), "a: b|");

	/* inserted, it is larger than the table: nothing is left */
	assert_int_equal(hpack_decode(&h, literal_with(&b, 0x40, 200, 70000), head), 0);
	assert_true(head->over && h.exact);
	assert_int_equal(h.table.count, 0);
	assert_int_equal(hpack_decode(&h,
				      SPAN_LITERAL("\x40\x01"
						   "a\x01"
						   "b\xbe"),
				      head),
			 0);

	literal_with(&b, 0x40, 200, 70000);
	b.bytes[5 + 200] |=
		0x80; /* Huffman: "v" is 0x76, and 70,000 of it are no code, which isn't looked at */
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_true(head->over);
	assert_int_equal(h.table.count, 0);

	/* of a string that is not decoded, into a table that it may fit: whether it is there is not known */
	hpack_set_limit(&h, 65536);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x3f\xe1\xff\x03\x40\x01"
						       "a\x01"
						       "b"),
				      head),
			 0);
	literal_with(&b, 0x40, 200, 50000);
	b.bytes[5 + 200] |= 0x80;
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_true(head->over && !h.exact && h.epoch == 1);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\xbe\xbf"), head), 0);
	assert_string_equal(head_text(&text, head), "?: ?|?: ?|");
	hpack_deinit(&h);
	buffer_deinit(&b);
	buffer_deinit(&text);
	free(head);
}

/* Spans live until the next block, also when their entry is evicted and the table moves within it */
static void test_spans_stay(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 };
	struct hpack h;

	hpack_init(&h, NULL, true);
	assert_int_equal(hpack_decode(&h,
				      SPAN_LITERAL("\x40\x01"
						   "a\x01"
						   "b"),
				      head),
			 0);
	buffer_add(&b, "\xbe", 1);
	for (int i = 0; i < 200; i++)
		buffer_add(&b,
			   "\x40\x24"
			   "name-name-name-name-name-name-name-1\x25"
			   "value-value-value-value-value-value-1",
			   76);
	assert_int_equal(hpack_decode(&h, buffer_span(&b), head), 0);
	assert_int_equal(head->count, 201);
	assert_true(span_equal(head->fields[0].name, SPAN_LITERAL("a")));
	assert_true(span_equal(head->fields[0].value, SPAN_LITERAL("b")));
	hpack_deinit(&h);
	buffer_deinit(&b);
	free(head);
}

/* A head has the number of the one before if it is the same for certain */
static void test_memo(void **state)
{
	static const char block[] = "\x83\xbe\xbf\x00\x01k\x82\x1c\x64";
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct hpack one, other;
	struct buffer text = { 0 };
	uint64_t number;

	hpack_init(&one, NULL, false);
	hpack_init(&other, NULL, false);
	hpack_decode(&one,
		     SPAN_LITERAL("\x40\x01"
				  "a\x01"
				  "b"),
		     head);
	hpack_decode(&other,
		     SPAN_LITERAL("\x40\x01"
				  "c\x01"
				  "d"),
		     head);
	assert_int_equal(hpack_decode(&one, guarded_copy(guarded, block, sizeof(block) - 1), head), 0);
	number = head->number;
	memset(guarded->end - sizeof(block), 0xff, sizeof(block)); /* its bytes are gone, the memo is not */
	assert_int_equal(hpack_decode(&one, SPAN_LITERAL(block), head), 0);
	assert_int_equal(head->number, number);
	assert_string_equal(head_text(&text, head), ":method: POST|a: b|?: ?|k: abc|");

	assert_int_equal(hpack_decode(&other, SPAN_LITERAL(block), head), 0);
	assert_int_not_equal(head->number, number);
	assert_string_equal(head_text(&text, head), ":method: POST|c: d|?: ?|k: abc|");
	number = head->number;
	hpack_set_limit(&other, 100);
	assert_int_equal(hpack_decode(&other, SPAN_LITERAL(block), head), 0);
	assert_int_equal(head->number, number);
	hpack_forget(&other);
	assert_int_equal(hpack_decode(&other, SPAN_LITERAL(block), head), 0);
	assert_string_equal(head_text(&text, head), ":method: POST|?: ?|?: ?|k: abc|");

	hpack_decode(&one,
		     SPAN_LITERAL("\x40\x01"
				  "e\x01"
				  "f"),
		     head);
	number = head->number;
	hpack_decode(&one,
		     SPAN_LITERAL("\x40\x01"
				  "e\x01"
				  "f"),
		     head); /* refers to no table: the same, and inserted again */
	assert_int_equal(head->number, number);
	assert_int_equal(one.table.count, 3);
	assert_int_equal(hpack_decode(&one, SPAN_LITERAL(block), head), 0);
	assert_string_equal(head_text(&text, head), ":method: POST|e: f|e: f|k: abc|");
	hpack_deinit(&one);
	hpack_deinit(&other);
	buffer_deinit(&text);
	free(head);
}

/*
 * A head that is shared and remembered says what a fresh one does, and leaves the same table: two decoders that read
 * the same blocks, a few that come again and again, of which some insert, refer to what was inserted, or resize.
 */
static void test_memo_shared(void **state)
{
	static const struct span blocks[] = {
		SPAN_LITERAL("\x83\x86\x44\x06/a/b/c\x41\x04" "back\x00\x02te\x08trailers"),
		SPAN_LITERAL("\x83\x86\x44\x06/a/b/d\x41\x04" "back\x40\x03" "new\x03" "one"),
		SPAN_LITERAL("\x83\xbe\xbf\x40\x03" "new\x03" "two"),
		SPAN_LITERAL("\x83\x7f\x01\x01" "v"), /* a name out of the table */
		SPAN_LITERAL("\x82\x84\x00\x01k\x01v"),
		SPAN_LITERAL("\x3f\x45\x83\x44\x01/"), /* a table of 100 */
		SPAN_LITERAL("\x3f\xe1\x1f\x83\x44\x02//"),
		SPAN_LITERAL("\x40\x01" "1\x01" "1\x40\x01" "2\x01" "2\x40\x01" "3\x01" "3\x40\x01" "4\x01" "4\x40\x01" "5\x01" "5"
			     "\x40\x01" "6\x01" "6\x40\x01" "7\x01" "7\x40\x01" "8\x01" "8\x40\x01" "9\x01" "9"),
	};
	struct hpack_head *shared = calloc(1, sizeof(*shared)), *fresh = calloc(1, sizeof(*fresh));
	struct buffer text = { 0 }, truth = { 0 };
	struct hpack remembering[2], plain[2];
	uint32_t x = 1;

	for (int d = 0; d < 2; d++) {
		hpack_init(&remembering[d], NULL, d);
		hpack_init(&plain[d], NULL, d);
	}
	for (int i = 0; i < 20000; i++) {
		int d, ret;

		x = x * 1664525 + 1013904223;
		d = x >> 31;
		ret = hpack_decode(&remembering[d], blocks[(x >> 24) % 61 % 8], shared);
		fresh->memo_len = 0;
		assert_int_equal(hpack_decode(&plain[d], blocks[(x >> 24) % 61 % 8], fresh), ret);
		assert_string_equal(head_text(&text, shared), head_text(&truth, fresh));
		assert_int_equal(remembering[d].table.count, plain[d].table.count);
		assert_int_equal(remembering[d].table.size, plain[d].table.size);
		for (uint32_t n = 1; n <= plain[d].table.count; n++) {
			const struct hpack_entry *a = hpack_table_entry(&remembering[d].table, n);
			const struct hpack_entry *b = hpack_table_entry(&plain[d].table, n);

			assert_true(span_equal(span_of(a->name, a->name_len), span_of(b->name, b->name_len)));
			assert_true(span_equal(span_of(a->value, a->value_len), span_of(b->value, b->value_len)));
		}
	}
	for (int d = 0; d < 2; d++) {
		hpack_deinit(&remembering[d]);
		hpack_deinit(&plain[d]);
	}
	buffer_deinit(&text);
	buffer_deinit(&truth);
	free(shared);
	free(fresh);
}

static void test_completeness(void **state)
{
	static const struct span needed[] = { SPAN_LITERAL(":method"), SPAN_LITERAL(":path") };
	static const struct {
		const char *block;
		enum hpack_completeness is;
	} rows[] = {
		{ "83 84 be", HPACK_HEAD_PART },
		{ "83 84 0f2f0161", HPACK_HEAD_PART },
		{ "83 84", HPACK_HEAD_WHOLE },
		{ "83 be", HPACK_HEAD_UNKNOWN },
		{ "83 0f2f012f", HPACK_HEAD_UNKNOWN },
		{ "83", HPACK_HEAD_WHOLE }, /* without a path for certain */
	};
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 };
	struct hpack h;

	hpack_init(&h, NULL, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(hpack_decode(&h, from_hex(&b, rows[i].block), head), 0);
		assert_int_equal(hpack_completeness(head, needed, 2), rows[i].is);
	}
	hpack_deinit(&h);
	buffer_deinit(&b);
	free(head);
}

/* A table that may not grow any more begins anew; a decoder holds nothing before it needs it */
static void test_budget(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer b = { 0 }, text = { 0 };
	struct budget budget;
	struct hpack h;

	budget_init(&budget, 1000);
	hpack_init(&h, &budget, true);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x82\x86"), head), 0);
	assert_int_equal(budget_used(&budget), 0);
	assert_int_equal(hpack_decode(&h,
				      SPAN_LITERAL("\x40\x01"
						   "a\x01"
						   "b"),
				      head),
			 0);
	assert_in_range(budget_used(&budget), 1, 1000);
	assert_int_equal(hpack_decode(&h, literal_with(&b, 0x40, 500, 500), head), 0);
	assert_int_equal(head->count, 1);
	assert_int_equal(head->fields[0].value.len, 500);
	assert_int_equal(h.epoch, 1);
	assert_false(h.exact);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\xbe\xbf"), head), 0);
	assert_string_equal(head_text(&text, head), "?: ?|?: ?|");
	assert_int_equal(hpack_decode(&h,
				      SPAN_LITERAL("\x40\x01"
						   "c\x01"
						   "d\xbe\xbf"),
				      head),
			 0);
	assert_string_equal(head_text(&text, head), "c: d|c: d|?: ?|");
	hpack_deinit(&h);
	assert_int_equal(budget_used(&budget), 0);
	buffer_deinit(&b);
	buffer_deinit(&text);
	free(head);
}

/* Any allocation may fail: nothing false is said, nothing leaks, and what comes later is known again */
static void test_out_of_memory(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct buffer block = { 0 };
	struct budget budget;
	bool all_came = false;

	for (int i = 0; i < 30; i++)
		buffer_add(&block, "\x40\x24"
				   "name-name-name-name-name-name-name-1\x25"
				   "value-value-value-value-value-value-1\xbe",
			   77);
	budget_init(&budget, 1 << 20);
	for (long n = 0; !all_came; n++) {
		struct hpack h;

		hpack_init(&h, &budget, true);
		fail_at = n;
		assert_int_equal(hpack_decode(&h, buffer_span(&block), head), 0);
		all_came = fail_at >= 0;
		fail_at = -1;
		assert_int_equal(h.epoch, all_came ? 0 : 1);
		assert_int_equal(head->count, 60);
		assert_int_equal(head->unknown, h.epoch);
		for (int i = 0; i < 60; i++)
			assert_true(head->fields[i].knowledge == HPACK_UNKNOWN ||
				    span_equal(head->fields[i].value, SPAN_LITERAL("value-value-value-value-value-value-1")));
		assert_int_equal(budget_used(&budget), hpack_held(&h));
		hpack_deinit(&h);
		assert_int_equal(budget_used(&budget), 0);
	}
	buffer_deinit(&block);
	free(head);
}

/* The limit of SETTINGS: raised, unknown, and beyond what is kept */
static void test_limit(void **state)
{
	struct hpack_head *head = calloc(1, sizeof(*head));
	struct hpack h;

	hpack_init(&h, NULL, true);
	hpack_set_limit(&h, 8192);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x3f\xe1\x3f"), head), 0); /* 8192 */
	assert_int_equal(h.table.max, 8192);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x3f\xe2\x3f"), head), -EBADMSG);
	hpack_deinit(&h);

	hpack_init(&h, NULL, true);
	hpack_set_limit(&h, UINT32_MAX);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x3f\xe1\xff\x03"), head), 0); /* 65,536 */
	assert_true(h.exact);
	assert_int_equal(hpack_decode(&h, SPAN_LITERAL("\x3f\xe2\xff\x03"), head), 0); /* one more */
	assert_false(h.exact);
	assert_int_equal(h.table.max, HPACK_TABLE_SIZE_MAX);
	hpack_deinit(&h);

	hpack_init(&h, NULL, false);
	hpack_set_limit(&h, UINT32_MAX);
	assert_int_equal(h.table.max, HPACK_TABLE_SIZE);
	hpack_set_limit(&h, 0);
	assert_int_equal(h.table.max, HPACK_TABLE_SIZE);
	hpack_set_limit(&h, 1 << 20);
	assert_int_equal(h.table.max, HPACK_TABLE_SIZE_MAX);
	hpack_deinit(&h);
	free(head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appendix_c2),
		cmocka_unit_test(test_appendix_c3_requests),
		cmocka_unit_test(test_appendix_c4_requests_huffman),
		cmocka_unit_test(test_appendix_c5_responses),
		cmocka_unit_test(test_appendix_c6_responses_huffman),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_after_malformed),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_late_start),
		cmocka_unit_test(test_size_updates),
		cmocka_unit_test(test_name_of_evicted),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_insertion_bomb),
		cmocka_unit_test(test_over_limits),
		cmocka_unit_test(test_spans_stay),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_memo_shared),
		cmocka_unit_test(test_completeness),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
