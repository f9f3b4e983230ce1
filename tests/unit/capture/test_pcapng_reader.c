/*
 * test_pcapng_reader.c - pcapng in all its forms: what is in a file, however it comes, and what libpcap makes of it
 *
 * Each story is a file, written block by block, and what must come of it as text: a line for each packet, and the secrets.
 * It is read mapped, read without maps, packed, and through a pipe, whole and cut everywhere.
 */
#include "tests/rig/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <zlib.h>

#include "capture/file_map.h"
#include "capture/pcapng_reader.h"
#include "capture/pcapng_writer.h"
#include "capture/source.h"
#include "tests/rig/dice.h"
#include "tests/rig/pcapng_blocks.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows[0]))
#define ABC SPAN_LITERAL("abc")
#define KEY(n) SPAN_LITERAL("CLIENT_RANDOM " n "\n")

/* ---- reading ----------------------------------------------------------------- */

enum way { MAPPED, UNMAPPED, PACKED, PIPE, LIBPCAP, WAYS };

struct account {
	struct buffer packets, secrets, words; /* words: the error, or the complaint at the end */
	size_t packet_count, secrets_at; /* how many packets came before the last secrets */
	int result;
};

static void on_packet(void *ctx, const struct packet *packet)
{
	struct account *a = ctx;

	buffer_printf(&a->packets, "%d @%lld %u/%zu:", packet->linktype, (long long)packet->ts.ns, packet->wire_len,
		      packet->bytes.len);
	buffer_add_span(&a->packets, packet->bytes);
	buffer_add_str(&a->packets, "\n");
	a->packet_count++;
}

static void on_secrets(void *ctx, struct span keylog)
{
	struct account *a = ctx;

	buffer_add_span(&a->secrets, keylog);
	a->secrets_at = a->packet_count;
}

static struct buffer packed(struct span plain)
{
	struct buffer out = { 0 };
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_true(buffer_reserve(&out, deflateBound(&z, plain.len)));
	z.next_in = (Bytef *)plain.at;
	z.avail_in = (uInt)plain.len;
	z.next_out = out.bytes;
	z.avail_out = (uInt)out.cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

struct writing {
	struct span bytes;
	int fd;
};

static void *write_all(void *ctx)
{
	const struct writing *w = ctx;
	struct span left = w->bytes;

	while (left.len > 0) {
		ssize_t n = write(w->fd, left.at, left.len);

		if (n <= 0)
			break;
		span_skip(&left, (size_t)n);
	}
	close(w->fd);
	return NULL;
}

static struct account account_of_path(const char *path, enum way way, const char *expression)
{
	struct account a = { .result = 0 };
	struct file_options options = { .paths = (const char *const[]){ path }, .path_count = 1, .expression = expression,
					.libpcap_only = way == LIBPCAP, .on_secrets = on_secrets, .secrets_ctx = &a };
	struct source *s = NULL;

	a.result = source_open_files(&options, &s, &a.words);
	if (a.result == 0) {
		for (int turns = 0; (a.result = source_read(s, 100, on_packet, &a)) == 0; turns++)
			assert_true(turns < 100000);
		if (source_complaint(s))
			buffer_add_str(&a.words, source_complaint(s));
		source_close(s);
	}
	assert_true(buffer_ok(&a.packets) && buffer_ok(&a.secrets));
	buffer_text(&a.packets);
	buffer_text(&a.secrets);
	buffer_text(&a.words);
	return a;
}

static struct account account_of_pipe(struct span bytes)
{
	struct writing writing = { .bytes = bytes };
	struct account a;
	pthread_t writer;
	char path[64];
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	writing.fd = ends[1];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(pthread_create(&writer, NULL, write_all, &writing), 0);
	a = account_of_path(path, PIPE, NULL);
	close(ends[0]); /* a writer of what was not read ends by that */
	pthread_join(writer, NULL);
	return a;
}

static struct account account_of(struct span bytes, enum way way)
{
	struct file_map *taken[FILE_MAPS_MAX];
	struct buffer zipped = { 0 };
	struct account a;
	char path[64];
	int fd;

	if (way == PIPE)
		return account_of_pipe(bytes);
	if (way == PACKED) {
		zipped = packed(bytes);
		bytes = buffer_span(&zipped);
	}
	fd = memfd_create("blocks", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; i < FILE_MAPS_MAX && way == UNMAPPED; i++)
		assert_non_null(taken[i] = file_map_new(-1, 0));
	a = account_of_path(path, way, NULL);
	for (size_t i = 0; i < FILE_MAPS_MAX && way == UNMAPPED; i++)
		file_map_free(taken[i]);
	close(fd);
	buffer_deinit(&zipped);
	return a;
}

static void account_deinit(struct account *a)
{
	buffer_deinit(&a->packets);
	buffer_deinit(&a->secrets);
	buffer_deinit(&a->words);
}

/* ---- stories: whole files ------------------------------------------------------------- */

static void both_orders(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 9, 0);
	blocks_packet(b, 0, 1, ABC, 3);
	blocks_section(b, true);
	blocks_interface(b, 101, 100, 9, 0);
	blocks_packet(b, 0, 2, SPAN_LITERAL("defgh"), 1500);
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 9, 0);
	blocks_packet(b, 0, 3, ABC, 3);
}

static void several_linktypes(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 0, 524288, 6, 0);
	blocks_interface(b, 1, 64, 6, 0);
	blocks_packet(b, 1, 1, ABC, 3);
	blocks_packet(b, 0, 2, ABC, 3);
	blocks_interface(b, 113, 0, 6, 0); /* one that appears later */
	blocks_packet(b, 2, 3, ABC, 3);
	blocks_packet(b, 0, 4, ABC, 3);
}

static void clocks(struct blocks *b)
{
	static const struct {
		int resolution;
		int64_t offset_s;
		uint64_t time;
	} rows[] = {
		{ 9, 0, 1700000000123456789 }, { 6, 0, 1700000000123456 }, { -1, 0, 1700000000123457 }, { 3, 0, 1700000000123 },
		{ 0, 0, 1700000000 }, { 0x80 | 10, 0, (UINT64_C(1700000000) << 10) + 1023 }, { 0x80, 0, 7 },
		{ 12, 0, 1700000000123456 }, { 6, 1700000000, 5 }, { 6, -3, 5000001 }, { 0x80 | 20, -1, 1 << 19 },
		{ 9, 0, 9223372036854775807 }, { 19, 0, UINT64_MAX },
	};

	blocks_section(b, true);
	for (size_t i = 0; i < COUNT(rows); i++)
		blocks_interface(b, 1, 0, rows[i].resolution, rows[i].offset_s);
	for (size_t i = 0; i < COUNT(rows); i++)
		blocks_packet(b, (uint32_t)i, rows[i].time, span_of(NULL, 0), 0);
}

/* What 64 bits would not do: a fine power of two, and times outside of what a nanosecond count can say. */
static void wide_clocks(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 0x80 | 63, 0);
	blocks_interface(b, 1, 0, 9, 0);
	blocks_interface(b, 1, 0, 6, INT64_MAX);
	blocks_interface(b, 1, 0, 6, INT64_MIN);
	blocks_interface(b, 1, 0, 9, 1);
	blocks_packet(b, 0, UINT64_C(3) << 62, ABC, 3);
	blocks_packet(b, 1, UINT64_MAX, ABC, 3);
	blocks_packet(b, 2, 0, ABC, 3);
	blocks_packet(b, 3, 0, ABC, 3);
	blocks_packet(b, 4, INT64_MAX, ABC, 3);
}

static void kinds_of_packets(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 262144, 9, 5);
	blocks_packet(b, 0, 1, SPAN_LITERAL("enhanced"), 9000);
	blocks_old_packet(b, 0, 2, SPAN_LITERAL("obsolete one"), 12);
	blocks_simple_packet(b, SPAN_LITERAL("simple"), 6);
	blocks_packet(b, 0, 3, span_of(NULL, 0), 0);
	blocks_packet(b, 0, 4, ABC, 2); /* shorter on the wire than here: it cannot be */
	blocks_simple_packet(b, span_of(NULL, 0), 0);
}

/* The description says where the padding of a cut packet begins, but not that a whole one is cut. */
static void simple_and_cut(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 5, 9, 0);
	blocks_simple_packet(b, SPAN_LITERAL("cut"
					     "at"),
			     1500);
	blocks_simple_packet(b, SPAN_LITERAL("whole, and long"), 15);
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 9, 0);
	blocks_simple_packet(b, SPAN_LITERAL("cut "), 1500);
}

static void other_blocks(struct blocks *b)
{
	blocks_section(b, true);
	blocks_other(b, 4, SPAN_LITERAL("\0\0\0\0")); /* names, before any interface */
	blocks_interface(b, 1, 0, 9, 0);
	blocks_other(b, 5, SPAN_LITERAL("\0\0\0\0........")); /* statistics */
	blocks_packet(b, 0, 1, ABC, 3);
	blocks_other(b, 9, SPAN_LITERAL("__REALTIME_TIMESTAMP=1\n"));
	blocks_other(b, 0xbad, SPAN_LITERAL("\0\0\x7e\xd9 custom"));
	blocks_other(b, 0x40000bad, SPAN_LITERAL("\0\0\x7e\xd9 custom"));
	blocks_other(b, 0x7fffffff, span_of(NULL, 0));
	blocks_packet(b, 0, 2, ABC, 3);
	blocks_other(b, 5, SPAN_LITERAL("\0\0\0\0........"));
}

static void secrets(struct blocks *b)
{
	for (int section = 0; section < 2; section++) {
		blocks_section(b, section == 0);
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("in front"));
		blocks_interface(b, 1, 0, 9, 0);
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("behind the interface"));
		blocks_packet(b, 0, 1, ABC, 3);
		blocks_secrets(b, 0x57474b4c, SPAN_LITERAL("of WireGuard"));
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("between"));
		blocks_packet(b, 0, 2, ABC, 3);
		blocks_secrets(b, BLOCKS_TLS_KEYS, span_of(NULL, 0));
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("at the end"));
	}
}

#define ALL_SECRETS "CLIENT_RANDOM in front\nCLIENT_RANDOM behind the interface\nCLIENT_RANDOM between\nCLIENT_RANDOM at the end\n"

static void no_packets(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 9, 0);
}

/* What was found in the first section counts, though nothing is described behind the second one's head. */
static void a_bare_section(struct blocks *b)
{
	blocks_section(b, false);
	blocks_interface(b, 1, 0, 9, 0);
	blocks_section(b, true);
}

static const struct story {
	const char *name;
	void (*write)(struct blocks *b);
	bool libpcap; /* reads it too, but for the secrets */
	const char *packets, *secrets;
} stories[] = {
	{ "sections of both byte orders", both_orders, false, "1 @1 3/3:abc\n12 @2 1500/5:defgh\n1 @3 3/3:abc\n", "" },
	{ "interfaces of several link types", several_linktypes, false,
	  "1 @1000 3/3:abc\n0 @2000 3/3:abc\n113 @3000 3/3:abc\n0 @4000 3/3:abc\n", "" },
	{ "clocks", clocks, true,
	  "1 @1700000000123456789 0/0:\n1 @1700000000123456000 0/0:\n1 @1700000000123457000 0/0:\n1 @1700000000123000000 0/0:\n"
	  "1 @1700000000000000000 0/0:\n1 @1700000000999023437 0/0:\n1 @7000000000 0/0:\n1 @1700000000123 0/0:\n"
	  "1 @1700000000000005000 0/0:\n1 @2000001000 0/0:\n1 @-500000000 0/0:\n1 @9223372036854775807 0/0:\n1 @1844674407 0/0:\n",
	  "" },
	{ "clocks that need more than 64 bits", wide_clocks, false,
	  "1 @1500000000 3/3:abc\n1 @9223372036854775807 3/3:abc\n1 @9223372036854775807 3/3:abc\n1 @-9223372036854775808 3/3:abc\n"
	  "1 @9223372036854775807 3/3:abc\n", "" },
	{ "kinds of packets", kinds_of_packets, true,
	  "1 @5000000001 9000/8:enhanced\n1 @5000000002 12/12:obsolete one\n1 @5000000000 6/6:simple\n1 @5000000003 0/0:\n"
	  "1 @5000000004 3/3:abc\n1 @5000000000 0/0:\n", "" },
	{ "simple packets, and cut", simple_and_cut, false, "1 @0 1500/5:cutat\n1 @0 15/15:whole, and long\n1 @0 1500/4:cut \n", "" },
	{ "blocks of other kinds", other_blocks, true, "1 @1 3/3:abc\n1 @2 3/3:abc\n", "" },
	{ "secrets", secrets, false, "1 @1 3/3:abc\n1 @2 3/3:abc\n1 @1 3/3:abc\n1 @2 3/3:abc\n", ALL_SECRETS ALL_SECRETS },
	{ "no packets", no_packets, true, "", "" },
	{ "a section of nothing", a_bare_section, false, "", "" },
};

static void check_story(const struct story *story, struct span file, enum way way)
{
	struct account a = account_of(file, way);

	if (a.result != SOURCE_EOF || a.words.len)
		fail_msg("%s, way %d: %d, \"%s\"", story->name, way, a.result, buffer_text(&a.words));
	if (strcmp(buffer_text(&a.packets), story->packets) != 0)
		fail_msg("%s, way %d:\n%s", story->name, way, buffer_text(&a.packets));
	if (way != LIBPCAP && strcmp(buffer_text(&a.secrets), story->secrets) != 0)
		fail_msg("%s, way %d:\n%s", story->name, way, buffer_text(&a.secrets));
	if (way != PIPE && a.secrets_at != 0)
		fail_msg("%s, way %d: secrets came behind %zu packets", story->name, way, a.secrets_at);
	account_deinit(&a);
}

static void test_stories(void **state)
{
	for (size_t i = 0; i < COUNT(stories); i++) {
		struct blocks b = { 0 };

		stories[i].write(&b);
		for (enum way way = 0; way < WAYS; way++)
			if (way != LIBPCAP || stories[i].libpcap)
				check_story(&stories[i], buffer_span(&b.bytes), way);
		buffer_deinit(&b.bytes);
	}
}

/* Everything that is whole before the cut is used, and it is told if and only if a block is not. */
static void check_cut(const struct story *story, const struct blocks *b, size_t len, enum way way)
{
	struct account a = account_of(span_of(b->bytes.bytes, len), way);
	size_t at = 0, blocks = 0;

	while (at < len) { /* each block says how long it is */
		uint8_t big = b->bytes.bytes[at + 4] == 0, first = b->bytes.bytes[at + (big ? 7 : 4)];

		assert_true(first > 0);
		at += first;
		blocks++;
	}
	if (a.result == SOURCE_EOF && (a.words.len == 0) != (at == len))
		fail_msg("%s cut at %zu, way %d: \"%s\"", story->name, len, way, buffer_text(&a.words));
	if (a.words.len && !strstr(buffer_text(&a.words), a.result == SOURCE_EOF ? "the file is cut" : "cannot read"))
		fail_msg("%s cut at %zu, way %d: \"%s\"", story->name, len, way, buffer_text(&a.words));
	if (a.result != SOURCE_EOF && a.packet_count > 0)
		fail_msg("%s cut at %zu, way %d: refused", story->name, len, way);
	if (strncmp(buffer_text(&a.packets), story->packets, a.packets.len) != 0)
		fail_msg("%s cut at %zu, way %d:\n%s", story->name, len, way, buffer_text(&a.packets));
	if (a.result == SOURCE_EOF && at == len && len == b->bytes.len && strcmp(buffer_text(&a.packets), story->packets) != 0)
		fail_msg("%s cut at %zu, way %d:\n%s", story->name, len, way, buffer_text(&a.packets));
	account_deinit(&a);
}

static void test_stories_cut(void **state)
{
	for (size_t i = 0; i < COUNT(stories); i++) {
		struct blocks b = { 0 };

		stories[i].write(&b);
		for (size_t len = 1; len <= b.bytes.len; len++)
			for (enum way way = 0; way < LIBPCAP; way++)
				check_cut(&stories[i], &b, len, way);
		buffer_deinit(&b.bytes);
	}
}

/* ---- damage --------------------------------------------------------------------------- */

static void lie_in_front(struct blocks *b)
{
	blocks_packet(b, 0, 2, ABC, 3);
	blocks_lie(b, 40, false);
}

static void lie_at_the_end(struct blocks *b)
{
	blocks_packet(b, 0, 2, ABC, 3);
	blocks_lie(b, 40, true);
}

static void no_multiple_of_four(struct blocks *b)
{
	blocks_packet(b, 0, 2, ABC, 3);
	blocks_lie(b, 35, false);
	blocks_lie(b, 35, true);
}

static void no_length(struct blocks *b)
{
	blocks_other(b, 5, ABC);
	blocks_lie(b, 0, false);
}

static void too_short_for_a_packet(struct blocks *b)
{
	blocks_other(b, 6, SPAN_LITERAL("\0\0\0\0\0\0\0\0"));
}

static void longer_than_its_block(struct blocks *b)
{
	blocks_begin(b, 6);
	for (int i = 0; i < 3; i++)
		blocks_number(b, 0, 4);
	blocks_number(b, 9, 4);
	blocks_number(b, 9, 4);
	blocks_padded(b, SPAN_LITERAL("12345678"));
	blocks_end(b);
}

static void of_no_interface(struct blocks *b)
{
	blocks_packet(b, 1, 2, ABC, 3);
}

static void of_no_interface_of_the_section(struct blocks *b)
{
	blocks_section(b, false);
	blocks_packet(b, 0, 2, ABC, 3);
}

static void simple_of_no_interface(struct blocks *b)
{
	blocks_section(b, true);
	blocks_simple_packet(b, ABC, 3);
}

static void simple_without_a_length(struct blocks *b)
{
	blocks_other(b, 3, span_of(NULL, 0));
}

static void a_strange_byte_order(struct blocks *b)
{
	blocks_section(b, false);
	b->bytes.bytes[b->begun + 8] = 0x4e;
}

static void another_version(struct blocks *b)
{
	blocks_section(b, false);
	b->bytes.bytes[b->begun + 12] = 2;
}

static void a_short_section(struct blocks *b)
{
	blocks_other(b, 0x0a0d0d0a, SPAN_LITERAL("\x4d\x3c\x2b\x1a\1\0\0\0"));
}

static void a_short_interface(struct blocks *b)
{
	blocks_other(b, 1, SPAN_LITERAL("\1\0\0\0"));
}

static void options_cut(struct blocks *b)
{
	blocks_other(b, 1, SPAN_LITERAL("\1\0\0\0\0\0\0\0\2\0\5\0abcd"));
}

static void too_fine_a_clock(struct blocks *b)
{
	blocks_interface(b, 1, 0, 20, 0);
}

static void much_too_fine_a_clock(struct blocks *b)
{
	blocks_interface(b, 1, 0, 0x80 | 64, 0);
}

static void a_short_offset(struct blocks *b)
{
	blocks_begin(b, 1);
	blocks_number(b, 1, 8);
	blocks_option(b, 14, 1, 4);
	blocks_end(b);
}

static const struct {
	const char *name;
	void (*write)(struct blocks *b);
	const char *says;
} damages[] = {
	{ "a length that lies", lie_in_front, "another length at its end" },
	{ "a length that lies at the end", lie_at_the_end, "another length at its end" },
	{ "a length that is no multiple of four", no_multiple_of_four, "a block of 35 bytes" },
	{ "no length", no_length, "a block of 0 bytes" },
	{ "too short for a packet", too_short_for_a_packet, "too short" },
	{ "a packet longer than its block", longer_than_its_block, "invalid packet capture length 9" },
	{ "a packet of no interface", of_no_interface, "interface 1, which is not described" },
	{ "a packet of no interface of its section", of_no_interface_of_the_section, "interface 0, which is not described" },
	{ "a simple packet of no interface", simple_of_no_interface, "interface 0, which is not described" },
	{ "a simple packet without a length", simple_without_a_length, "too short" },
	{ "a strange byte order", a_strange_byte_order, "byte order" },
	{ "another version", another_version, "version 2.0" },
	{ "a short section", a_short_section, "too short" },
	{ "a short interface", a_short_interface, "is cut" },
	{ "options that are cut", options_cut, "options of an interface are cut" },
	{ "too fine a clock", too_fine_a_clock, "resolution" },
	{ "much too fine a clock", much_too_fine_a_clock, "resolution" },
	{ "a short offset", a_short_offset, "offset" },
};

/* The packet before the damage is used, those behind it are not, and it is told. */
static void test_damages(void **state)
{
	for (size_t i = 0; i < COUNT(damages); i++) {
		struct blocks b = { 0 };

		blocks_section(&b, false);
		blocks_interface(&b, 1, 0, 9, 0);
		blocks_packet(&b, 0, 1, ABC, 3);
		damages[i].write(&b);
		blocks_packet(&b, 0, 3, SPAN_LITERAL("never"), 5);
		for (enum way way = 0; way < LIBPCAP; way++) {
			struct account a = account_of(buffer_span(&b.bytes), way);

			if (a.result != SOURCE_EOF || strcmp(buffer_text(&a.packets), "1 @1 3/3:abc\n") != 0)
				fail_msg("%s, way %d: %d\n%s", damages[i].name, way, a.result, buffer_text(&a.packets));
			if (!strstr(buffer_text(&a.words), damages[i].says) || !strstr(buffer_text(&a.words), "up to packet 1"))
				fail_msg("%s, way %d: \"%s\"", damages[i].name, way, buffer_text(&a.words));
			account_deinit(&a);
		}
		buffer_deinit(&b.bytes);
	}
}

/* Nothing can be read of these. */
static void test_refused(void **state)
{
	static const struct {
		const char *name;
		void (*write)(struct blocks *b);
		const char *says;
	} rows[] = {
		{ "a packet before an interface", of_no_interface_of_the_section, "is damaged there" },
		{ "a strange byte order", a_strange_byte_order, "no pcap or pcapng file" },
		{ "another version", another_version, "version 2.0" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blocks b = { 0 };

		rows[i].write(&b);
		for (enum way way = 0; way < LIBPCAP; way++) {
			struct account a = account_of(buffer_span(&b.bytes), way);

			if (a.result >= 0 || !strstr(buffer_text(&a.words), rows[i].says))
				fail_msg("%s, way %d: %d, \"%s\"", rows[i].name, way, a.result, buffer_text(&a.words));
			account_deinit(&a);
		}
		buffer_deinit(&b.bytes);
	}
}

/* ---- long blocks ------------------------------------------------------------------------ */

static void add_keylog(struct buffer *out, size_t lines)
{
	for (size_t i = 0; i < lines; i++)
		buffer_printf(out, "CLIENT_RANDOM %064zu %096zu\n", i, i);
}

static void whole_lines_only(void *ctx, struct span keylog)
{
	struct buffer *out = ctx;

	assert_true(keylog.len > 0 && keylog.len <= 512 * 1024);
	assert_int_equal(keylog.at[keylog.len - 1], '\n');
	buffer_add_span(out, keylog);
}

/* Longer than any window: 3 MB of secrets in several calls, none of which cuts a line, and blocks to be skipped. */
static void test_long_blocks(void **state)
{
	struct buffer text = { 0 }, seen = { 0 };
	struct blocks b = { 0 };
	struct input *input = NULL;
	struct packet packet;
	struct pcapng_reader *p;
	char path[64];
	int fd = memfd_create("long", MFD_CLOEXEC);

	add_keylog(&text, 3 * 1024 * 1024 / 176);
	blocks_section(&b, false);
	blocks_interface(&b, 1, 0, 9, 0);
	blocks_secrets(&b, BLOCKS_TLS_KEYS, buffer_span(&text));
	blocks_packet(&b, 0, 1, ABC, 3);
	blocks_other(&b, 0xbad, buffer_span(&text));
	blocks_packet(&b, 0, 2, ABC, 3);
	for (enum way way = 0; way < WAYS; way++) {
		struct account a = account_of(buffer_span(&b.bytes), way);

		assert_string_equal(buffer_text(&a.words), "");
		assert_string_equal(buffer_text(&a.packets), "1 @1 3/3:abc\n1 @2 3/3:abc\n");
		if (way != LIBPCAP)
			assert_true(span_equal(buffer_span(&a.secrets), buffer_span(&text)));
		account_deinit(&a);
	}
	assert_int_equal(write(fd, b.bytes.bytes, b.bytes.len), (ssize_t)b.bytes.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(input_open(path, -1, &input, &seen), 0);
	p = pcapng_reader_new(input, whole_lines_only, &seen);
	assert_int_equal(pcapng_reader_begin(p), 1);
	assert_int_equal(pcapng_reader_next(p, &packet), 1);
	assert_true(span_equal(buffer_span(&seen), buffer_span(&text)));
	assert_int_equal(pcapng_reader_next(p, &packet), 1);
	assert_int_equal(pcapng_reader_next(p, &packet), PCAP_ERROR_BREAK);
	assert_int_equal(pcapng_reader_counts(p)->packets, 2);
	assert_int_equal(pcapng_reader_counts(p)->secrets, 1);
	assert_int_equal(pcapng_reader_counts(p)->skipped[BLOCK_SKIP_CUSTOM], 1);
	pcapng_reader_free(p);
	input_free(input);
	close(fd);
	buffer_deinit(&b.bytes);
	buffer_deinit(&text);
	buffer_deinit(&seen);
}

/* ---- damaged secrets ------------------------------------------------------------------- */

static void secrets_longer_than_their_block(struct blocks *b)
{
	blocks_begin(b, 0x0a);
	blocks_number(b, BLOCKS_TLS_KEYS, 4);
	blocks_number(b, 9, 4);
	blocks_padded(b, SPAN_LITERAL("12345678"));
	blocks_end(b);
}

static void secrets_without_a_length(struct blocks *b)
{
	blocks_other(b, 0x0a, SPAN_LITERAL("KSLT"));
}

static void no_secrets_at_all(struct blocks *b)
{
	blocks_other(b, 0x0a, span_of(NULL, 0));
}

/* @len as the length of the text in the block of secrets that was written last */
static void claim_text(struct blocks *b, uint32_t len)
{
	size_t all = b->bytes.len;

	b->bytes.len = b->begun + 12;
	blocks_number(b, len, 4);
	b->bytes.len = all;
}

static void damaged_key(struct blocks *b)
{
	blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("damaged"));
}

static void secrets_that_end_early(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 24, false);
}

static void secrets_shorter_than_a_block(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 8, false);
}

static void secrets_of_no_length(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 0, false);
}

static void secrets_of_an_odd_length(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 43, false);
	blocks_lie(b, 43, true);
}

static void secrets_that_end_late(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 100, false);
}

static void secrets_of_a_gigabyte(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 0x40000028, false);
}

static void secrets_of_an_odd_gigabyte(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 0x40000029, false);
}

static void a_gigabyte_of_text(struct blocks *b)
{
	secrets_of_a_gigabyte(b);
	claim_text(b, 0x40000000);
}

static void other_secrets_of_a_gigabyte(struct blocks *b)
{
	blocks_secrets(b, 0x57474b4c, SPAN_LITERAL("of WireGuard"));
	blocks_lie(b, 0x40000028, false);
}

static void secrets_with_another_length_at_the_end(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 12, true);
}

static void secrets_with_no_length_right(struct blocks *b)
{
	damaged_key(b);
	blocks_lie(b, 28, false);
	blocks_lie(b, 900, true);
}

/* A byte of the text is missing, so that what follows stands at no multiple of four */
static void secrets_that_lack_a_byte(struct blocks *b)
{
	damaged_key(b);
	memmove(b->bytes.bytes + b->begun + 20, b->bytes.bytes + b->begun + 21, b->bytes.len - b->begun - 21);
	b->bytes.len--;
}

static const struct {
	const char *name;
	void (*write)(struct blocks *b);
} damaged_secrets[] = {
	{ "longer than their block", secrets_longer_than_their_block },
	{ "without a length", secrets_without_a_length },
	{ "none at all", no_secrets_at_all },
	{ "a block that ends early", secrets_that_end_early },
	{ "shorter than a block", secrets_shorter_than_a_block },
	{ "of no length", secrets_of_no_length },
	{ "of an odd length", secrets_of_an_odd_length },
	{ "a block that ends late", secrets_that_end_late },
	{ "a block of a gigabyte", secrets_of_a_gigabyte },
	{ "a block of an odd gigabyte", secrets_of_an_odd_gigabyte },
	{ "a gigabyte of text", a_gigabyte_of_text },
	{ "of another kind, a gigabyte", other_secrets_of_a_gigabyte },
	{ "another length at the end", secrets_with_another_length_at_the_end },
	{ "no length right", secrets_with_no_length_right },
	{ "a byte is missing", secrets_that_lack_a_byte },
};

/* In front of the interface, between the packets, and behind them, in either of two sections whose orders differ. */
static void write_damaged(struct blocks *b, void (*damage)(struct blocks *b), int place, bool big)
{
	for (int section = 0; section < 2; section++) {
		bool is_damaged = place / 3 == section;

		blocks_section(b, big != (section == 1));
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("before"));
		if (is_damaged && place % 3 == 0)
			damage(b);
		blocks_interface(b, 1, 0, 9, 0);
		blocks_packet(b, 0, 1, ABC, 3);
		if (is_damaged && place % 3 == 1)
			damage(b);
		blocks_packet(b, 0, 2, ABC, 3);
		blocks_secrets(b, BLOCKS_TLS_KEYS, KEY("behind"));
		if (is_damaged && place % 3 == 2)
			damage(b);
		if (section == 1)
			blocks_other(b, 5, SPAN_LITERAL("\0\0\0\0........"));
	}
}

static void check_damaged(struct span file, const char *name, int place, enum way way)
{
	struct account a = account_of(file, way);

	if (a.result != SOURCE_EOF || strcmp(buffer_text(&a.packets), "1 @1 3/3:abc\n1 @2 3/3:abc\n1 @1 3/3:abc\n1 @2 3/3:abc\n") != 0)
		fail_msg("%s, place %d, way %d: %d, \"%s\"\n%s", name, place, way, a.result, buffer_text(&a.words),
			 buffer_text(&a.packets));
	if (strcmp(buffer_text(&a.secrets), "CLIENT_RANDOM before\nCLIENT_RANDOM behind\n"
					    "CLIENT_RANDOM before\nCLIENT_RANDOM behind\n") != 0)
		fail_msg("%s, place %d, way %d:\n%s", name, place, way, buffer_text(&a.secrets));
	if (!strstr(buffer_text(&a.words), "has 1 damaged block of secrets") || strchr(buffer_text(&a.words), ';') !=
											strrchr(buffer_text(&a.words), ';'))
		fail_msg("%s, place %d, way %d: \"%s\"", name, place, way, buffer_text(&a.words));
	account_deinit(&a);
}

/* The packets are all read, and the other secrets, and what is missing is told in one sentence. */
static void test_damaged_secrets(void **state)
{
	for (size_t i = 0; i < COUNT(damaged_secrets); i++)
		for (int place = 0; place < 12; place++) {
			struct blocks b = { 0 };

			write_damaged(&b, damaged_secrets[i].write, place % 6, place >= 6);
			for (enum way way = 0; way < LIBPCAP; way++)
				check_damaged(buffer_span(&b.bytes), damaged_secrets[i].name, place, way);
			buffer_deinit(&b.bytes);
		}
}

/* What is longer than what can be at hand: its lines are used up to where it turns out to be damaged, and what follows is read. */
static void check_long_damage(struct span file, struct span text, const char *name)
{
	for (enum way way = 0; way < LIBPCAP; way++) {
		struct account a = account_of(file, way);

		if (a.result != SOURCE_EOF || a.packet_count != 3000 || !strstr(buffer_text(&a.words), "has 1 damaged block of secrets"))
			fail_msg("%s, way %d: %d, %zu packets, \"%s\"", name, way, a.result, a.packet_count, buffer_text(&a.words));
		if (!span_starts(text, buffer_span(&a.secrets)))
			fail_msg("%s, way %d: %zu bytes of secrets", name, way, a.secrets.len);
		account_deinit(&a);
	}
}

static void test_long_damaged_secrets(void **state)
{
	static const struct {
		const char *name;
		size_t lines;
		uint32_t kind, front, end, text; /* 0: as it is */
	} rows[] = {
		{ "other at the end", 17000, BLOCKS_TLS_KEYS, 0, 100, 0 },
		{ "short in front", 17000, BLOCKS_TLS_KEYS, 600000, 0, 590000 },
		{ "very short in front", 17000, BLOCKS_TLS_KEYS, 400, 0, 0 },
		{ "long in front", 17000, BLOCKS_TLS_KEYS, 0x7ffffff0, 0, 0 },
		{ "long in front and as text", 17000, BLOCKS_TLS_KEYS, 0x7ffffff0, 0, 0x7fffff00 },
		{ "little text, very long", 3, BLOCKS_TLS_KEYS, 0x7ffffff0, 0, 0x7fffff00 },
		{ "longer text than its block", 17000, BLOCKS_TLS_KEYS, 0, 0, 0x7fffff00 },
		{ "other secrets, very long", 3, 0x57474b4c, 0x7ffffff0, 0, 0 },
		{ "other long secrets, other at the end", 17000, 0x57474b4c, 0, 100, 0 },
	};

	for (size_t i = 0; i < 2 * COUNT(rows); i++) {
		static uint8_t packet[1500];
		struct buffer text = { 0 };
		struct blocks b = { 0 };

		add_keylog(&text, rows[i / 2].lines);
		blocks_section(&b, i % 2);
		blocks_interface(&b, 1, 0, 9, 0);
		blocks_secrets(&b, rows[i / 2].kind, buffer_span(&text));
		if (rows[i / 2].front)
			blocks_lie(&b, rows[i / 2].front, false);
		if (rows[i / 2].end)
			blocks_lie(&b, rows[i / 2].end, true);
		if (rows[i / 2].text)
			claim_text(&b, rows[i / 2].text);
		for (uint64_t n = 0; n < 3000; n++)
			blocks_packet(&b, 0, n, span_of(packet, sizeof(packet)), sizeof(packet));
		check_long_damage(buffer_span(&b.bytes), buffer_span(&text), rows[i / 2].name);
		buffer_deinit(&b.bytes);
		buffer_deinit(&text);
	}
}

/* Where nothing is found behind it, the file is cut there, as with any other damage; what was in front of it is used. */
static void test_damaged_secrets_at_the_end(void **state)
{
	for (size_t i = 0; i < COUNT(damaged_secrets); i++) {
		struct blocks b = { 0 };

		blocks_section(&b, false);
		blocks_interface(&b, 1, 0, 9, 0);
		blocks_packet(&b, 0, 1, ABC, 3);
		damaged_secrets[i].write(&b);
		for (enum way way = 0; way < LIBPCAP; way++) {
			struct account a = account_of(buffer_span(&b.bytes), way);

			if (a.result != SOURCE_EOF || strcmp(buffer_text(&a.packets), "1 @1 3/3:abc\n") != 0 || a.words.len == 0)
				fail_msg("%s, way %d: %d, \"%s\"\n%s", damaged_secrets[i].name, way, a.result,
					 buffer_text(&a.words), buffer_text(&a.packets));
			account_deinit(&a);
		}
		buffer_deinit(&b.bytes);
	}
}

/* ---- long options ------------------------------------------------------------------------ */

/* A packet with more comments than what is at hand at once, and one that lies at its end. */
static void test_long_options(void **state)
{
	for (int lies = 0; lies < 2; lies++) {
		struct blocks b = { 0 };

		blocks_section(&b, true);
		blocks_interface(&b, 1, 0, 9, 0);
		blocks_begin(&b, 6);
		blocks_number(&b, 0, 4);
		blocks_number(&b, 1, 8);
		blocks_number(&b, 3, 4);
		blocks_number(&b, 3, 4);
		blocks_padded(&b, ABC);
		for (int i = 0; i < 10; i++) {
			blocks_number(&b, 1, 2);
			blocks_number(&b, 65532, 2);
			assert_true(buffer_reserve(&b.bytes, 65532));
			memset(b.bytes.bytes + b.bytes.len, 'c', 65532);
			b.bytes.len += 65532;
		}
		blocks_end(&b);
		if (lies)
			blocks_lie(&b, 36, true);
		blocks_packet(&b, 0, 2, ABC, 3);
		for (enum way way = 0; way < (lies ? LIBPCAP : WAYS); way++) {
			struct account a = account_of(buffer_span(&b.bytes), way);

			assert_string_equal(buffer_text(&a.packets), lies ? "1 @1 3/3:abc\n" : "1 @1 3/3:abc\n1 @2 3/3:abc\n");
			assert_int_equal(a.words.len > 0, lies);
			account_deinit(&a);
		}
		buffer_deinit(&b.bytes);
	}
}

/* ---- chance ------------------------------------------------------------------------------- */

/* Blocks that libpcap can read too: one byte order, one link type, one snapshot length. */
static void random_blocks(struct dice *d, struct blocks *b, uint32_t count, uint32_t largest)
{
	static const int resolutions[] = { -1, 0, 3, 6, 9, 12, 0x80 | 10, 0x80 | 30 };
	uint32_t interfaces = 1;
	uint8_t *bytes = malloc(largest);

	assert_non_null(bytes);
	for (uint32_t i = 0; i < largest; i++)
		bytes[i] = (uint8_t)below(d, 256);
	blocks_section(b, one_in(d, 2));
	blocks_interface(b, 1, 0, resolutions[below(d, COUNT(resolutions))], 0);
	for (uint32_t n = 0; n < count; n++) {
		uint64_t time = (UINT64_C(1) << (20 + below(d, 40))) + n;
		struct span packet = span_of(bytes, below(d, largest));
		uint32_t kind = below(d, 20), number = below(d, interfaces);

		if (kind == 0) {
			blocks_interface(b, 1, 0, resolutions[below(d, COUNT(resolutions))],
					 (int64_t)below(d, 9) - 4);
			interfaces++;
		} else if (kind == 1) {
			blocks_section(b, b->big);
			blocks_interface(b, 1, 0, 9, 0);
			interfaces = 1;
		} else if (kind == 2) {
			blocks_other(b, 0xbad + below(d, 9), packet);
		} else if (kind == 3) {
			blocks_secrets(b, BLOCKS_TLS_KEYS, packet);
		} else if (kind == 4) {
			blocks_simple_packet(b, packet, (uint32_t)packet.len);
		} else if (kind == 5) {
			blocks_old_packet(b, (uint16_t)number, time, packet, (uint32_t)packet.len + below(d, 3));
		} else {
			blocks_packet(b, number, time, packet, (uint32_t)packet.len + below(d, 3));
		}
	}
	free(bytes);
}

/* @exactly: our reading is libpcap's; else libpcap may have given up where we go on, as it may not the other way round. */
static void check_against_libpcap(struct span file, bool exactly, const char *name, uint64_t seed)
{
	struct account reference = account_of(file, LIBPCAP);

	for (enum way way = 0; way < LIBPCAP; way++) {
		struct account a = account_of(file, way);

		if (exactly ? !span_equal(buffer_span(&a.packets), buffer_span(&reference.packets))
			    : !span_starts(buffer_span(&a.packets), buffer_span(&reference.packets)))
			fail_msg("%s, seed %llu, way %d: other packets than libpcap's", name, (unsigned long long)seed, way);
		if (exactly && (a.words.len == 0) != (reference.words.len == 0))
			fail_msg("%s, seed %llu, way %d: \"%s\", libpcap: \"%s\"", name, (unsigned long long)seed, way,
				 buffer_text(&a.words), buffer_text(&reference.words));
		if (exactly && reference.result != a.result)
			fail_msg("%s, seed %llu, way %d: %d, not %d", name, (unsigned long long)seed, way, a.result, reference.result);
		account_deinit(&a);
	}
	account_deinit(&reference);
}

static void test_libpcap_agrees(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct dice d = dice_of_seed(seed);
		struct blocks b = { 0 };

		random_blocks(&d, &b, 40, 300);
		check_against_libpcap(buffer_span(&b.bytes), true, "whole", seed);
		for (int cut = 0; cut < 5; cut++)
			check_against_libpcap(span_of(b.bytes.bytes, 120 + below(&d, (uint32_t)b.bytes.len - 120)), true, "cut", seed);
		buffer_deinit(&b.bytes);
	}
}

/* Windows slide, and pieces end, everywhere in a block. */
static void test_libpcap_agrees_on_large_files(void **state)
{
	static const uint32_t largest[] = { 1600, 9000, 70000, 262144 };

	for (uint64_t seed = 1; seed <= COUNT(largest); seed++) {
		struct dice d = dice_of_seed(seed);
		struct blocks b = { 0 };

		random_blocks(&d, &b, 6 * 1024 * 1024 / largest[seed - 1] + 20, largest[seed - 1]);
		check_against_libpcap(buffer_span(&b.bytes), true, "large", seed);
		buffer_deinit(&b.bytes);
	}
}

/* Any byte behind the first interface is any other. */
static void test_damage_by_chance(void **state)
{
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct dice d = dice_of_seed(seed + 1000);
		struct blocks b = { 0 };
		size_t at;

		random_blocks(&d, &b, 12, 60);
		at = 80 + below(&d, (uint32_t)b.bytes.len - 80);
		b.bytes.bytes[at] = (uint8_t)(one_in(&d, 2) ? below(&d, 256) : b.bytes.bytes[at] ^ 1u << below(&d, 8));
		check_against_libpcap(buffer_span(&b.bytes), false, "damage", seed);
		buffer_deinit(&b.bytes);
	}
}

/* What our own writer writes comes back, of every link type that is decoded. */
static void test_our_writer(void **state)
{
	static const int linktypes[] = { DLT_NULL, DLT_EN10MB, DLT_RAW, DLT_C_HDLC, DLT_LOOP, DLT_LINUX_SLL, DLT_LINUX_SLL2,
					 DLT_IPV4, DLT_IPV6, DLT_IEEE802_11, DLT_IEEE802_11_RADIO };

	for (uint64_t seed = 1; seed <= 5 * COUNT(linktypes); seed++) {
		struct dice d = dice_of_seed(seed);
		struct account wanted = { .result = 0 }, a;
		struct buffer file = { 0 };
		uint8_t bytes[600];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)below(&d, 256);
		pcapng_file_head(&file, linktypes[seed % COUNT(linktypes)], 262144, SPAN_LITERAL("shadowtap"));
		for (uint32_t n = below(&d, 50); n > 0; n--) {
			struct packet packet = { .bytes = span_of(bytes, below(&d, 600)),
						 .linktype = linktypes[seed % COUNT(linktypes)],
						 .ts = { (int64_t)below(&d, 1 << 30) << below(&d, 32) } };
			struct span comment = span_of("a comment", below(&d, 10));
			size_t len = pcapng_packet_bytes(packet.bytes.len, comment.len);

			packet.wire_len = (uint32_t)packet.bytes.len + below(&d, 2000);
			assert_true(buffer_reserve(&file, len));
			pcapng_packet(file.bytes + file.len, &packet, comment);
			file.len += len;
			on_packet(&wanted, &packet);
		}
		buffer_text(&wanted.packets);
		for (enum way way = 0; way < WAYS; way++) {
			a = account_of(buffer_span(&file), way);
			assert_string_equal(buffer_text(&a.words), "");
			assert_true(span_equal(buffer_span(&a.packets), buffer_span(&wanted.packets)));
			account_deinit(&a);
		}
		account_deinit(&wanted);
		buffer_deinit(&file);
	}
}

/* ---- link types and filters --------------------------------------------------------------- */

static struct source *open_bytes(struct span bytes, const char *expression, int *fd, int *result, struct buffer *error)
{
	static char path[64]; /* borrowed by the source */
	struct file_options options = { .paths = (const char *const[]){ path }, .path_count = 1, .expression = expression };
	struct source *s = NULL;

	*fd = memfd_create("blocks", MFD_CLOEXEC);
	assert_int_equal(write(*fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	*result = source_open_files(&options, &s, error);
	return s;
}

/* Those that there are packets of, in their order, whether the interfaces stand in front, late, or are never used. */
static void test_linktypes(void **state)
{
	struct buffer error = { 0 }, zipped;
	struct blocks b = { 0 };

	blocks_section(&b, false);
	blocks_interface(&b, 0, 0, 9, 0);
	blocks_interface(&b, 1, 0, 9, 0);
	blocks_interface(&b, 228, 0, 9, 0);
	blocks_interface(&b, 220, 0, 9, 0); /* USB, which is not decoded */
	blocks_packet(&b, 1, 1, ABC, 3);
	blocks_packet(&b, 3, 1, ABC, 3);
	blocks_packet(&b, 0, 2, ABC, 3);
	blocks_interface(&b, 101, 0, 9, 0);
	blocks_packet(&b, 4, 3, ABC, 3);
	blocks_packet(&b, 1, 4, ABC, 3);
	zipped = packed(buffer_span(&b.bytes));
	for (int way = 0; way < 2; way++) {
		struct account a = { .result = 0 };
		int linktypes[16], fd, result;
		struct source *s = open_bytes(way ? buffer_span(&zipped) : buffer_span(&b.bytes), NULL, &fd, &result, &error);

		assert_int_equal(result, 0);
		assert_int_equal(source_linktypes(s, linktypes, 16), 3);
		assert_int_equal(linktypes[0], DLT_EN10MB);
		assert_int_equal(linktypes[1], DLT_NULL);
		assert_int_equal(linktypes[2], DLT_RAW);
		assert_int_equal(source_read(s, 100, on_packet, &a), SOURCE_EOF);
		assert_int_equal(a.packet_count, 5);
		assert_null(source_complaint(s));
		source_close(s);
		close(fd);
		account_deinit(&a);
	}
	buffer_deinit(&b.bytes);
	buffer_deinit(&zipped);
}

/* Each link type has its own offsets; where the expression means nothing, nothing is wanted, unless it means nothing anywhere. */
static void test_filters(void **state)
{
	static const struct {
		const char *expression;
		size_t packets;
	} rows[] = {
		{ NULL, 6 }, { "", 6 }, { "ip host 10.1.2.3", 4 }, { "ip src 10.1.2.3", 4 }, { "ether host 2:0:0:0:0:1", 2 }, { "ip6", 1 },
	};
	/* an IPv4 header from 10.1.2.3, behind the header of each link type */
	static const struct span frames[] = {
		SPAN_LITERAL("\2\0\0\0\0\1\2\0\0\0\0\2\10\0\x45\0\0\x14\0\0\0\0\x40\xfd\0\0\xa\1\2\3\xa\0\0\1"),
		SPAN_LITERAL("\2\0\0\0\x45\0\0\x14\0\0\0\0\x40\xfd\0\0\xa\1\2\3\xa\0\0\1"),
		SPAN_LITERAL("\x45\0\0\x14\0\0\0\0\x40\xfd\0\0\xa\1\2\3\xa\0\0\1"),
	};
	static const uint16_t linktypes[] = { 1, 0, 101 };
	struct buffer error = { 0 };
	struct blocks b = { 0 };
	struct source *s;
	int fd, result;

	blocks_section(&b, false);
	blocks_interface(&b, 1, 0, 9, 0);
	blocks_interface(&b, 220, 0, 9, 0);
	blocks_packet(&b, 0, 1, frames[0], 34);
	for (uint16_t i = 1; i < 3; i++) { /* late */
		blocks_interface(&b, linktypes[i], 0, 9, 0);
		blocks_packet(&b, i + 1u, 1, frames[i], (uint32_t)frames[i].len);
	}
	blocks_packet(&b, 0, 2, frames[0], 34);
	blocks_packet(&b, 1, 3, ABC, 3); /* counted, whatever the filter says, as what we cannot read */
	blocks_packet(&b, 0, 3, SPAN_LITERAL("\2\0\0\0\0\3\2\0\0\0\0\2\x86\xdd\x60"), 15);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct account a = { .result = 0 };

		s = open_bytes(buffer_span(&b.bytes), rows[i].expression, &fd, &result, &error);
		assert_int_equal(result, 0);
		assert_int_equal(source_read(s, 100, on_packet, &a), SOURCE_EOF);
		if (a.packet_count != rows[i].packets + (i > 1))
			fail_msg("%s: %zu packets\n%s", rows[i].expression, a.packet_count, buffer_text(&a.packets));
		source_close(s);
		close(fd);
		account_deinit(&a);
	}
	buffer_clear(&b.bytes);
	blocks_section(&b, false);
	blocks_interface(&b, 0, 0, 9, 0);
	blocks_packet(&b, 0, 1, frames[1], 24);
	s = open_bytes(buffer_span(&b.bytes), "ether host 2:0:0:0:0:1", &fd, &result, &error);
	assert_null(s);
	assert_non_null(strstr(buffer_text(&error), "link type NULL"));
	close(fd);
	buffer_deinit(&b.bytes);
	buffer_deinit(&error);
}

static void on_skipped_packet(void *ctx, const struct packet *packet)
{
	(void)ctx;
	(void)packet;
}

/* What is passed over is counted by what it is, of a whole source, and so is the block that ends a file */
static void test_skipped(void **state)
{
	static const uint64_t expected[BLOCK_SKIP_COUNT] = {
		[BLOCK_SKIP_NAMES] = 1,  [BLOCK_SKIP_STATISTICS] = 2, [BLOCK_SKIP_SECRETS] = 1,
		[BLOCK_SKIP_CUSTOM] = 2, [BLOCK_SKIP_UNKNOWN] = 1,    [BLOCK_SKIP_MALFORMED] = 1,
		[BLOCK_SKIP_DAMAGED_SECRETS] = 2,
	};
	static const uint32_t types[] = { 4, 5, 5, 0xbad, 0x40000bad, 0x77 };
	struct blocks b = { 0 };
	struct capture_stats stats = { 0 };
	struct source *source = NULL;
	struct buffer error = { 0 };
	char name[64];
	const char *path = name;
	struct file_options options = { .paths = &path, .path_count = 1 };
	int fd = memfd_create("skipped", MFD_CLOEXEC);

	(void)state;
	blocks_section(&b, false);
	blocks_interface(&b, 1, 0, 9, 0);
	for (size_t i = 0; i < COUNT(types); i++)
		blocks_other(&b, types[i], span_of("abcd", 4));
	blocks_secrets(&b, 0x57474b4c, span_of("abcd", 4)); /* WireGuard's */
	secrets_without_a_length(&b);
	secrets_of_no_length(&b);
	blocks_packet(&b, 0, 1, ABC, 3);
	blocks_packet(&b, 7, 1, ABC, 3);
	blocks_other(&b, 0x77, span_of("abcd", 4)); /* behind the damage */
	assert_int_equal(write(fd, b.bytes.bytes, b.bytes.len), (ssize_t)b.bytes.len);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	assert_int_equal(source_open_files(&options, &source, &error), 0);
	while (source_read(source, 10, on_skipped_packet, NULL) == 0)
		;
	source_update_stats(source, &stats);
	for (int kind = 0; kind < BLOCK_SKIP_COUNT; kind++)
		assert_int_equal(counter_get(&stats.block_skip[kind]), expected[kind]);
	source_close(source);
	buffer_deinit(&b.bytes);
	buffer_deinit(&error);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_stories_cut),
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_skipped),
		cmocka_unit_test(test_long_blocks),
		cmocka_unit_test(test_damaged_secrets),
		cmocka_unit_test(test_long_damaged_secrets),
		cmocka_unit_test(test_damaged_secrets_at_the_end),
		cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_libpcap_agrees),
		cmocka_unit_test(test_libpcap_agrees_on_large_files),
		cmocka_unit_test(test_damage_by_chance),
		cmocka_unit_test(test_our_writer),
		cmocka_unit_test(test_linktypes),
		cmocka_unit_test(test_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
