/*
 * test_stream_keys.c - records of RFC 8448 and of OpenSSL, with every suite: opened with their number, and with no other
 *
 * The RFC's keys are those of its section 3, a handshake of one round trip.
 */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/rig/tls_talk.h"
#include "tls/hello.h"
#include "tls/stream_keys.h"

static struct secret_pages pages = { .slot_size = TLS_SECRET_MAX };

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned byte;

	for (; *hex; hex++)
		if (*hex != ' ' && sscanf(hex, "%2x", &byte) == 1) {
			out[n++] = (uint8_t)byte;
			hex++;
		}
	return n;
}

static void test_rfc8448(void **state)
{
	static const char *const secrets[] = { "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
					       "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643" };
	static const char *const ivs[] = { "5b78923dee08579033e523d9", "cf782b88dd83549aadf1e984" };
	static const char *const records[] = {
		"17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b"
		"98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6 3a ee bb 21"
		"69 49 15 e4",
		"17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36 e3"
		"0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0 32 e1"
		"67 c2 95 5d",
	};
	uint8_t secret[48], iv[12], bytes[200], room[RECORD_PAYLOAD_MAX];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct stream_keys keys = { 0 };
		struct record r;
		struct opened opened;
		struct span stream = span_of(bytes, from_hex(records[i], bytes));

		from_hex(secrets[i], secret);
		assert_int_equal(stream_keys_from_secret(&keys, suite_find(TLS_1_3, 0x1301), span_of(secret, 32), &pages), 0);
		from_hex(ivs[i], iv);
		assert_memory_equal(keys.iv, iv, sizeof(iv));
		assert_int_equal(record_take(&stream, &r), FRAMING_WHOLE);
		assert_int_equal(stream.len, 0);
		for (uint64_t number = 0; number < 4; number++) /* the server's is behind a session ticket */
			assert_int_equal(stream_keys_open(&keys, &r, number, room, &opened), number == (uint64_t)i);
		assert_true(stream_keys_open(&keys, &r, (uint64_t)i, room, &opened));
		assert_int_equal(opened.type, RECORD_APPLICATION_DATA);
		assert_int_equal(opened.bytes.len, 50);
		for (uint8_t n = 0; n < 50; n++)
			assert_int_equal(opened.bytes.at[n], n);
		stream_keys_deinit(&keys);
	}
}

/* What the key log of a talk says: one connection's */
struct known {
	struct key_log_entry of[TLS_SECRET_KINDS];
};

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	struct known *k = ctx;

	k->of[entry->kind] = *entry;
}

static struct known known_of(const struct tls_talk *t)
{
	struct known known = { 0 };
	struct key_log log = { 0 };
	struct key_log_sink sink = { &known, on_entry, NULL };

	key_log_feed(&log, buffer_span(&t->key_log), &sink);
	key_log_end(&log, &sink);
	return known;
}

static int make_keys(struct stream_keys *k, const struct known *known, const struct server_hello *sh, bool of_server)
{
	const struct suite *suite = suite_find(sh->version, sh->suite);
	enum tls_secret_kind kind = sh->version == TLS_1_2 ? TLS_MASTER_SECRET : of_server ? TLS_SERVER_TRAFFIC
											   : TLS_CLIENT_TRAFFIC;
	const struct key_log_entry *e = &known->of[kind];
	struct agreed agreed = { e->random, sh->random, sh->encrypt_then_mac, of_server };

	assert_non_null(suite);
	if (sh->version == TLS_1_3)
		return stream_keys_from_secret(k, suite, span_of(e->secret, e->secret_len), &pages);
	return stream_keys_from_master(k, suite, span_of(e->secret, e->secret_len), &agreed);
}

/*
 * A flight's records, from number @number on: with theirs they open, with the next and the one before they don't, and not
 * with a bit turned over. Return: the number behind the last.
 */
static uint64_t check_flight(struct stream_keys *keys, struct span flight, uint64_t number, struct buffer *plain,
			     uint64_t *overhead)
{
	static uint8_t room[RECORD_PAYLOAD_MAX], turned[RECORD_MAX];
	struct opened opened;
	struct record r, wrong;

	for (; flight.len > 0; number++) {
		struct span copy;

		assert_int_equal(record_take(&flight, &r), FRAMING_WHOLE);
		assert_false(stream_keys_open(keys, &r, number + 1, room, &opened));
		assert_false(stream_keys_open(keys, &r, number - 1, room, &opened));
		memcpy(turned, r.header.at, RECORD_HEADER_BYTES);
		memcpy(turned + RECORD_HEADER_BYTES, r.payload.at, r.payload.len);
		turned[RECORD_HEADER_BYTES + number * 7 % r.payload.len] ^= 1;
		copy = span_of(turned, RECORD_HEADER_BYTES + r.payload.len);
		assert_int_equal(record_take(&copy, &wrong), FRAMING_WHOLE);
		assert_false(stream_keys_open(keys, &wrong, number, room, &opened));
		assert_true(stream_keys_open(keys, &r, number, room, &opened));
		assert_int_equal(opened.type, RECORD_APPLICATION_DATA);
		assert_true(RECORD_HEADER_BYTES + r.payload.len >= suite_record_min(keys->suite));
		buffer_add_span(plain, opened.bytes);
		*overhead = RECORD_HEADER_BYTES + r.payload.len - opened.bytes.len;
	}
	return number;
}

static void check_suite(const struct tls_talk_options *o)
{
	static uint8_t body[40000];
	struct tls_talk t;
	struct server_hello sh;
	struct buffer scratch = { 0 }, first = { 0 }, plain = { 0 };
	struct stream_keys keys[2] = { 0 };
	struct known known;
	uint64_t number[2] = { o->version == TLS1_2_VERSION, o->version == TLS1_2_VERSION }, overhead;
	size_t spoken;

	tls_talk_init(&t, o);
	tls_talk_handshake(&t);
	for (size_t i = 0; i < t.flight_count; i++)
		if (t.flights[i].of_server)
			buffer_add_span(&first, buffer_span(&t.flights[i].bytes));
	assert_int_equal(server_hello_read(buffer_span(&first), &scratch, &sh), HELLO_WHOLE);
	known = known_of(&t);
	if (o->version == TLS1_3_VERSION)
		number[1] = 2; /* the tickets */
	for (int side = 0; side < 2; side++)
		assert_int_equal(make_keys(&keys[side], &known, &sh, side == 1), 0);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * i);
	for (size_t len = 1; len <= sizeof(body); len = len * 3 + 7)
		for (int side = 0; side < 2; side++) {
			spoken = t.flight_count;
			tls_talk_write(&t, side, span_of(body, len));
			assert_int_equal(t.flight_count, spoken + 1);
			buffer_clear(&plain);
			number[side] = check_flight(&keys[side], buffer_span(&t.flights[spoken].bytes), number[side], &plain,
						    &overhead);
			assert_true(span_equal(buffer_span(&plain), span_of(body, len)));
			if (suite_overhead(keys[side].suite) && !o->pads_to)
				assert_int_equal(overhead, suite_overhead(keys[side].suite));
		}
	for (int side = 0; side < 2; side++)
		stream_keys_deinit(&keys[side]);
	buffer_deinit(&scratch);
	buffer_deinit(&first);
	buffer_deinit(&plain);
	tls_talk_deinit(&t);
}

static void test_suites(void **state)
{
	static const char *const newer[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
					     "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256" };
	static const char *const older[] = { "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256",
					     "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM", "AES256-CCM8" };
	static const char *const blocks[] = { "AES128-SHA", "ECDHE-RSA-AES256-SHA", "AES256-SHA256", "ECDHE-RSA-AES128-SHA256",
					      "ECDHE-ECDSA-AES256-SHA384" };

	(void)state;
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++)
		check_suite(&(struct tls_talk_options){
			.version = TLS1_3_VERSION, .suite = newer[i], .pads_to = i == 1 ? 512 : 0 });
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]); i++)
		check_suite(&(struct tls_talk_options){ .version = TLS1_2_VERSION, .suite = older[i] });
	for (size_t i = 0; i < 2 * sizeof(blocks) / sizeof(blocks[0]); i++)
		check_suite(&(struct tls_talk_options){ .version = TLS1_2_VERSION, .suite = blocks[i / 2], .no_etm = i % 2 });
}

static void test_next(void **state)
{
	struct tls_talk t;
	struct stream_keys keys = { 0 }, next = { 0 };
	struct server_hello sh = { .version = TLS_1_3, .suite = 0x1302 };
	struct known known;
	struct buffer plain = { 0 };
	uint64_t overhead;
	struct span flight;
	struct record update;
	struct opened opened;
	uint8_t room[RECORD_PAYLOAD_MAX];

	(void)state;
	tls_talk_init(&t, &(struct tls_talk_options){ .version = TLS1_3_VERSION });
	tls_talk_handshake(&t);
	known = known_of(&t);
	assert_int_equal(make_keys(&keys, &known, &sh, false), 0);
	tls_talk_update(&t, 0);
	tls_talk_write(&t, 0, SPAN_LITERAL("hello"));
	flight = buffer_span(&t.flights[t.flight_count - 1].bytes);
	assert_int_equal(record_take(&flight, &update), FRAMING_WHOLE);
	assert_true(stream_keys_open(&keys, &update, 0, room, &opened));
	assert_int_equal(opened.type, RECORD_HANDSHAKE);
	assert_int_equal(stream_keys_next(&keys, &next), 0);
	check_flight(&next, flight, 0, &plain, &overhead);
	assert_true(span_equal(buffer_span(&plain), SPAN_LITERAL("hello")));
	buffer_deinit(&plain);
	stream_keys_deinit(&keys);
	stream_keys_deinit(&next);
	tls_talk_deinit(&t);
}

static void test_unknown(void **state)
{
	static const uint8_t secret[48] = { 1 };
	struct stream_keys keys = { 0 };

	(void)state;
	assert_null(suite_find(TLS_1_2, 0x1301));
	assert_null(suite_find(TLS_1_3, 0xc02f));
	assert_null(suite_find(0x0302, 0x002f));
	assert_int_not_equal(stream_keys_from_secret(&keys, suite_find(TLS_1_3, 0x1301), span_of(secret, 48), &pages), 0);
	assert_int_not_equal(stream_keys_from_secret(&keys, suite_find(TLS_1_3, 0x1302), span_of(secret, 32), &pages), 0);
	assert_null(keys.suite);
	stream_keys_deinit(&keys);
}

static void test_suites_of_secret(void **state)
{
	static const struct {
		size_t len, suites;
	} rows[] = { { 32, 4 }, { 48, 1 }, { 20, 0 }, { 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = 0;
		const struct suite *s;

		for (; (s = suite_of_secret(rows[i].len, n)); n++)
			assert_true(s->version == TLS_1_3 && suite_secret_len(s) == rows[i].len);
		assert_int_equal(n, rows[i].suites);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc8448),
		cmocka_unit_test(test_suites),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_suites_of_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
