/* test_hello.c - hellos of OpenSSL, cut at every byte, in records of any size, asked for again, and lied about */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "tests/rig/guard_page.h"
#include "tests/rig/tls_talk.h"
#include "tls/hello.h"
#include "tls/records.h"

/* All that a side has sent */
static struct buffer sent_by(const struct tls_talk *t, bool of_server)
{
	struct buffer b = { 0 };

	for (size_t i = 0; i < t->flight_count; i++)
		if (t->flights[i].of_server == of_server)
			buffer_add_span(&b, buffer_span(&t->flights[i].bytes));
	return b;
}

/* The client's random stands in the first line of the key log behind the label */
static void assert_random(const struct tls_talk *t, const uint8_t *random)
{
	const char *line = buffer_text((struct buffer *)&t->key_log), *hex = strchr(line, ' ') + 1;

	for (int i = 0; i < TLS_RANDOM_BYTES; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		assert_int_equal(byte, random[i]);
	}
}

/* Each part of @bytes says that it is too short, up to where it says all */
static size_t needed_for_client(struct guarded *g, struct span bytes, struct client_hello *out)
{
	struct buffer scratch = { 0 };
	size_t n = 0;

	for (; n <= bytes.len; n++)
		if (client_hello_read(guarded_copy(g, bytes.at, n), &scratch, out) != HELLO_MORE)
			break;
	assert_int_equal(client_hello_read(guarded_copy(g, bytes.at, n), &scratch, out), HELLO_WHOLE);
	buffer_deinit(&scratch);
	return n;
}

static size_t needed_for_server(struct guarded *g, struct span bytes, struct server_hello *out)
{
	struct buffer scratch = { 0 };
	size_t n = 0;

	for (; n <= bytes.len; n++)
		if (server_hello_read(guarded_copy(g, bytes.at, n), &scratch, out) != HELLO_MORE)
			break;
	assert_int_equal(server_hello_read(guarded_copy(g, bytes.at, n), &scratch, out), HELLO_WHOLE);
	buffer_deinit(&scratch);
	return n;
}

static void check(struct guarded *g, const struct tls_talk_options *o, uint16_t version, uint16_t suite)
{
	struct tls_talk t;
	struct buffer client, server;
	struct client_hello ch;
	struct server_hello sh;

	tls_talk_init(&t, o);
	tls_talk_handshake(&t);
	client = sent_by(&t, false);
	server = sent_by(&t, true);
	assert_int_equal(needed_for_client(g, buffer_span(&client), &ch), record_length(buffer_span(&client)));
	assert_random(&t, ch.random);
	assert_string_equal(ch.name, "models.example");
	assert_false(ch.has_ech || ch.early_data);
	needed_for_server(g, buffer_span(&server), &sh);
	assert_int_equal(sh.version, version);
	assert_int_equal(sh.suite, suite);
	assert_false(sh.compresses);
	assert_int_equal(sh.encrypt_then_mac, version == TLS_1_2 && !o->no_etm && suite == 0xc027);
	buffer_deinit(&client);
	buffer_deinit(&server);
	tls_talk_deinit(&t);
}

static void test_of_openssl(void **state)
{
	check(*state, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .suite = "TLS_AES_128_GCM_SHA256" }, TLS_1_3, 0x1301);
	check(*state, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .suite = "TLS_CHACHA20_POLY1305_SHA256", .big_hello = true },
	      TLS_1_3, 0x1303);
	check(*state, &(struct tls_talk_options){ .version = TLS1_3_VERSION, .asks_again = true }, TLS_1_3, 0x1302);
	check(*state, &(struct tls_talk_options){ .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES256-GCM-SHA384" }, TLS_1_2, 0xc030);
	check(*state, &(struct tls_talk_options){ .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-SHA256" }, TLS_1_2, 0xc027);
	check(*state, &(struct tls_talk_options){ .version = TLS1_2_VERSION, .suite = "ECDHE-RSA-AES128-SHA256", .no_etm = true }, TLS_1_2,
	      0xc027);
}

/* The same message in records of @most bytes */
static struct buffer in_records(struct span stream, size_t most)
{
	struct buffer b = { 0 };
	struct record r;
	struct span part;

	assert_int_equal(record_take(&stream, &r), FRAMING_WHOLE);
	while (r.payload.len > 0) {
		uint8_t header[] = { 22, 3, 1, 0, 0 };

		span_take(&r.payload, most < r.payload.len ? most : r.payload.len, &part);
		header[3] = (uint8_t)(part.len >> 8);
		header[4] = (uint8_t)part.len;
		buffer_add(&b, header, sizeof(header));
		buffer_add_span(&b, part);
	}
	return b;
}

static void test_in_records(void **state)
{
	struct tls_talk t;
	struct buffer client, cut;
	struct client_hello hello;

	tls_talk_init(&t, &(struct tls_talk_options){ .version = TLS1_3_VERSION });
	tls_talk_handshake(&t);
	client = sent_by(&t, false);
	for (size_t most = 1; most < 400; most += 1 + most / 4) {
		cut = in_records(buffer_span(&client), most);
		assert_int_equal(needed_for_client(*state, buffer_span(&cut), &hello), cut.len);
		assert_string_equal(hello.name, "models.example");
		assert_random(&t, hello.random);
		buffer_deinit(&cut);
	}
	buffer_deinit(&client);
	tls_talk_deinit(&t);
}

/* From its random on what is there of it is read, wherever its end is missing */
static void test_begin(void **state)
{
	struct tls_talk t;
	struct buffer client;
	struct client_hello hello;
	size_t whole, named = 0;

	tls_talk_init(&t, &(struct tls_talk_options){ .version = TLS1_3_VERSION });
	tls_talk_handshake(&t);
	client = sent_by(&t, false);
	whole = record_length(buffer_span(&client));
	for (size_t n = 0; n <= whole; n++) {
		bool has_random = client_hello_begin(guarded_copy(*state, client.bytes, n), &hello);

		assert_int_equal(has_random, n >= RECORD_HEADER_BYTES + 4 + 2 + TLS_RANDOM_BYTES);
		if (has_random)
			assert_random(&t, hello.random);
		named += hello.name[0] != 0;
	}
	assert_string_equal(hello.name, "models.example");
	assert_true(named > 0 && named < whole);
	client.bytes[RECORD_HEADER_BYTES] = 2;
	assert_false(client_hello_begin(buffer_span(&client), &hello));
	buffer_deinit(&client);
	tls_talk_deinit(&t);
}

static void test_others(void **state)
{
	static const struct {
		struct span bytes;
		enum hello_result result;
	} steps[] = {
		{ SPAN_LITERAL("\x15\x03\x03\x00\x02\x02\x28"), HELLO_ALERT },
		{ SPAN_LITERAL("\x17\x03\x03\x00\x02\x02\x28"), HELLO_BAD },
		{ SPAN_LITERAL("\x16\x03\x01\x00\x00"), HELLO_BAD },
		{ SPAN_LITERAL("\x16\x03\x01\x00\x04\x0b\x00\x00\x00"), HELLO_BAD }, /* a certificate */
		{ SPAN_LITERAL("\x16\x03\x01\x00\x04\x01\x00\x00\x00"), HELLO_BAD }, /* too short for what is in it */
		{ SPAN_LITERAL("\x16\x03\x01\x00\x04\x01\xff\x00\x00"), HELLO_BAD }, /* 16 MB */
		{ SPAN_LITERAL("GET / HTTP/1.1\r\n\r\n"), HELLO_BAD },
		{ SPAN_LITERAL("\x14\x03\x03\x00\x01\x01"), HELLO_MORE },
	};
	struct buffer scratch = { 0 };
	struct client_hello hello;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(client_hello_read(guarded_copy(*state, steps[i].bytes.at, steps[i].bytes.len), &scratch, &hello),
				 steps[i].result);
	buffer_deinit(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_openssl),
		cmocka_unit_test(test_in_records),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, guard_setup, guard_teardown);
}
