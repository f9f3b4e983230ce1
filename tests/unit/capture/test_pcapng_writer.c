/* test_pcapng_writer.c - blocks byte by byte, and the whole file as libpcap reads it */
#include "tests/rig/unit.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/pcapng_writer.h"

static struct packet packet_of(const char *text, size_t wire_len, int64_t ns)
{
	return (struct packet){ .bytes = span_str(text),
				.wire_len = (uint32_t)wire_len,
				.linktype = DLT_EN10MB,
				.ts = { ns } };
}

/* A block ends where its room does: the bytes lie before a guard that must stay. */
static uint8_t *block_of(const struct packet *packet, const char *comment, size_t *len)
{
	static uint8_t room[262144];

	*len = pcapng_packet_bytes(packet->bytes.len, strlen(comment));
	assert_true(*len + 1 < sizeof(room));
	memset(room, 0xaa, sizeof(room));
	pcapng_packet(room, packet, span_str(comment));
	assert_int_equal(room[*len], 0xaa);
	return room;
}

static const struct {
	const char *name, *bytes, *comment;
	uint32_t wire_len;
	int64_t ns;
	const char *block; /* of @len bytes */
	size_t len;
} blocks[] = {
	{ "empty", "", "", 0, 0,
	  "\6\0\0\0\x20\0\0\0" "\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\x20\0\0\0", 32 },
	{ "padding, and a cut packet", "abcde", "", 1500, 0x1122334455667788,
	  "\6\0\0\0\x28\0\0\0" "\0\0\0\0" "\x44\x33\x22\x11\x88\x77\x66\x55" "\5\0\0\0\xdc\5\0\0" "abcde\0\0\0"
	  "\x28\0\0\0", 40 },
	{ "a comment", "abcd", "hello", 4, 1,
	  "\6\0\0\0\x34\0\0\0" "\0\0\0\0" "\0\0\0\0\1\0\0\0" "\4\0\0\0\4\0\0\0" "abcd"
	  "\1\0\5\0hello\0\0\0" "\0\0\0\0" "\x34\0\0\0", 52 },
};

static void test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct packet packet = packet_of(blocks[i].bytes, blocks[i].wire_len, blocks[i].ns);
		size_t len;
		uint8_t *block = block_of(&packet, blocks[i].comment, &len);

		if (len != blocks[i].len || memcmp(block, blocks[i].block, len) != 0)
			fail_msg("%s: another block", blocks[i].name);
	}
}

static pcap_t *open_bytes(const struct buffer *file)
{
	char reason[PCAP_ERRBUF_SIZE];
	FILE *stream = fmemopen(file->bytes, file->len, "r");
	pcap_t *pcap;

	assert_non_null(stream);
	pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason);
	if (!pcap)
		fail_msg("libpcap refuses the file: %s", reason);
	return pcap;
}

static void add_packet(struct buffer *file, const struct packet *packet, const char *comment)
{
	size_t len;
	uint8_t *block = block_of(packet, comment, &len);

	buffer_add(file, block, len);
}

/* What libpcap reads back is what was given: link type, snaplen, bytes, both lengths, nanoseconds. */
static void test_read_back(void **state)
{
	static const int linktypes[] = { DLT_EN10MB, DLT_RAW, DLT_NULL, DLT_LOOP, DLT_LINUX_SLL, DLT_LINUX_SLL2 };
	static const char *const bytes[] = { "a", "bc", "def", "ghij" };

	(void)state;
	for (size_t l = 0; l < sizeof(linktypes) / sizeof(linktypes[0]); l++) {
		struct buffer file = { 0 };
		struct pcap_pkthdr *header;
		const uint8_t *read;
		pcap_t *pcap;

		pcapng_file_head(&file, linktypes[l], 262144, SPAN_LITERAL("test 1"));
		for (size_t i = 0; i < 4; i++) {
			struct packet packet = packet_of(bytes[i], 9000 + i, 1700000000123456789 + (int64_t)i);

			add_packet(&file, &packet, i % 2 ? "a comment" : "");
		}
		pcap = open_bytes(&file);
		assert_int_equal(pcap_datalink(pcap), linktypes[l]);
		assert_int_equal(pcap_snapshot(pcap), 262144);
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(pcap_next_ex(pcap, &header, &read), 1);
			assert_int_equal(header->caplen, strlen(bytes[i]));
			assert_int_equal(header->len, 9000 + i);
			assert_int_equal(header->ts.tv_sec, 1700000000);
			assert_int_equal(header->ts.tv_usec, 123456789 + (int)i);
			assert_memory_equal(read, bytes[i], header->caplen);
		}
		assert_int_equal(pcap_next_ex(pcap, &header, &read), PCAP_ERROR_BREAK);
		pcap_close(pcap);
		buffer_deinit(&file);
	}
}

/* The longest comment fits its 16 bits of length, and a long name of the application is cut. */
static void test_long_texts(void **state)
{
	char *comment = malloc(PCAPNG_COMMENT_MAX + 1), name[1000];
	struct packet packet = packet_of("abc", 3, 5);
	struct buffer file = { 0 };
	struct pcap_pkthdr *header;
	const uint8_t *read;
	pcap_t *pcap;

	(void)state;
	assert_non_null(comment);
	memset(comment, 'c', PCAPNG_COMMENT_MAX);
	comment[PCAPNG_COMMENT_MAX] = '\0';
	memset(name, 'n', sizeof(name));
	pcapng_file_head(&file, DLT_EN10MB, 65535, span_of(name, sizeof(name)));
	add_packet(&file, &packet, comment);
	add_packet(&file, &packet, "");
	pcap = open_bytes(&file);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pcap_next_ex(pcap, &header, &read), 1);
		assert_int_equal(header->caplen, 3);
		assert_memory_equal(read, "abc", 3);
	}
	pcap_close(pcap);
	buffer_deinit(&file);
	free(comment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
