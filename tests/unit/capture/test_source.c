/*
 * test_source.c - recordings of every format, whole, cut, merged and broken
 *
 * The captures are written here, byte by byte, so that the expectation doesn't
 * come from the library that reads them. Packet number i is an Ethernet frame
 * of 60 + i bytes whose last byte is i.
 */
#include "tests/rig/emulated.h"
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pcap/dlt.h>
#include <zlib.h>

#include "capture/file_map.h"
#include "capture/source.h"

#define SEEN_MAX 64

struct seen {
	size_t count;
	uint8_t id[SEEN_MAX];
	int64_t ns[SEEN_MAX];
	uint32_t wire_len[SEEN_MAX];
	int linktype;
};

struct format {
	const char *name;
	bool big_endian, nano, pcapng;
};

static const struct format formats[] = {
	{ "pcap, little-endian, us", false, false, false },
	{ "pcap, big-endian, us", true, false, false },
	{ "pcap, little-endian, ns", false, true, false },
	{ "pcap, big-endian, ns", true, true, false },
	{ "pcapng, little-endian, us", false, false, true },
	{ "pcapng, big-endian, us", true, false, true },
	{ "pcapng, little-endian, ns", false, true, true },
	{ "pcapng, big-endian, ns", true, true, true },
};
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

static void put(struct buffer *b, const struct format *f, uint64_t value, int size)
{
	for (int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> 8 * (f->big_endian ? size - 1 - i : i));

		buffer_add(b, &byte, 1);
	}
}

static void put_zeros(struct buffer *b, size_t n)
{
	static const uint8_t zeros[1024];

	assert_true(n <= sizeof(zeros));
	buffer_add(b, zeros, n);
}

static void put_interface(struct buffer *b, const struct format *f, uint16_t linktype, uint32_t snaplen)
{
	put(b, f, 1, 4); /* interface description block */
	put(b, f, f->nano ? 32 : 20, 4);
	put(b, f, linktype, 2);
	put(b, f, 0, 2);
	put(b, f, snaplen, 4);
	if (f->nano) {
		put(b, f, 9, 2); /* if_tsresol: 10^-9 */
		put(b, f, 1, 2);
		put(b, f, 9, 1);
		put_zeros(b, 3 + 4);
	}
	put(b, f, f->nano ? 32 : 20, 4);
}

static void put_file_header(struct buffer *b, const struct format *f, uint16_t linktype)
{
	if (f->pcapng) {
		put(b, f, 0x0a0d0d0a, 4);
		put(b, f, 28, 4);
		put(b, f, 0x1a2b3c4d, 4);
		put(b, f, 1, 2);
		put(b, f, 0, 2);
		put(b, f, UINT64_MAX, 8);
		put(b, f, 28, 4);
		put_interface(b, f, linktype, 65535);
	} else {
		put(b, f, f->nano ? 0xa1b23c4d : 0xa1b2c3d4, 4);
		put(b, f, 2, 2);
		put(b, f, 4, 2);
		put_zeros(b, 8);
		put(b, f, 65535, 4);
		put(b, f, linktype, 4);
	}
}

/* Zeros of @len bytes; the wire had 7 bytes more */
static void put_packet_of(struct buffer *b, const struct format *f, unsigned interface, int64_t ns, uint32_t len)
{
	uint32_t padded = (len + 3) & ~3u;
	int64_t unit = f->nano ? 1 : 1000;

	if (f->pcapng) {
		put(b, f, 6, 4); /* enhanced packet block */
		put(b, f, 32 + padded, 4);
		put(b, f, interface, 4);
		put(b, f, (uint64_t)(ns / unit) >> 32, 4);
		put(b, f, (uint64_t)(ns / unit) & UINT32_MAX, 4);
	} else {
		put(b, f, (uint64_t)(ns / NS_PER_S), 4);
		put(b, f, (uint64_t)(ns % NS_PER_S / unit), 4);
	}
	put(b, f, len, 4);
	put(b, f, len + 7, 4);
	put_zeros(b, len);
	if (f->pcapng) {
		put_zeros(b, padded - len);
		put(b, f, 32 + padded, 4);
	}
}

static void put_packet(struct buffer *b, const struct format *f, unsigned interface, uint8_t id, int64_t ns)
{
	uint32_t len = 60u + id, tail = f->pcapng ? (-len & 3) + 4 : 0;

	put_packet_of(b, f, interface, ns, len);
	b->bytes[b->len - tail - 1] = id;
}

#define T0 (INT64_C(1700000000) * NS_PER_S + 123456000)

static struct buffer capture_of(const struct format *f, const uint8_t *ids, size_t count, int64_t step_ns)
{
	struct buffer b = { 0 };

	put_file_header(&b, f, 1);
	for (size_t i = 0; i < count; i++)
		put_packet(&b, f, 0, ids[i], T0 + (int64_t)i * step_ns);
	assert_true(buffer_ok(&b));
	return b;
}

static struct buffer gzip_of(struct span plain)
{
	struct buffer out = { 0 };
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
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

/* A temporary file, removed by forget(). */
static char *file_of(struct span bytes)
{
	char *path = strdup("/tmp/shadowtap-test-XXXXXX");
	int fd;

	assert_non_null(path);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.at, bytes.len), (ssize_t)bytes.len);
	close(fd);
	return path;
}

static void forget(char *path)
{
	unlink(path);
	free(path);
}

static void note(void *ctx, const struct packet *packet)
{
	struct seen *seen = ctx;

	assert_true(seen->count < SEEN_MAX);
	assert_true(packet->bytes.len > 0);
	seen->id[seen->count] = packet->bytes.at[packet->bytes.len - 1];
	seen->ns[seen->count] = packet->ts.ns;
	seen->wire_len[seen->count] = packet->wire_len;
	seen->linktype = packet->linktype;
	seen->count++;
}

/* Read to the end; the complaint, if any, is copied out. */
static int read_options(const struct file_options *options, struct seen *seen, struct buffer *complaint)
{
	struct buffer error = { 0 };
	struct source *s = NULL;
	int result;

	*seen = (struct seen){ 0 };
	result = source_open_files(options, &s, &error);
	if (result != 0) {
		buffer_add_span(complaint, buffer_span(&error));
		buffer_deinit(&error);
		return result;
	}
	assert_int_equal(error.len, 0);
	for (int turns = 0; (result = source_read(s, 3, note, seen)) == 0; turns++)
		assert_true(turns < 1000);
	if (source_complaint(s))
		buffer_add_str(complaint, source_complaint(s));
	source_close(s);
	buffer_deinit(&error);
	return result;
}

static int read_files(const char *const *paths, size_t count, const char *expression, struct seen *seen,
		      struct buffer *complaint)
{
	struct file_options options = { paths, count, expression, NULL };

	return read_options(&options, seen, complaint);
}

static int read_bytes(struct span bytes, struct seen *seen, struct buffer *complaint)
{
	char *path = file_of(bytes);
	const char *paths[] = { path };
	int result = read_files(paths, 1, NULL, seen, complaint);

	forget(path);
	return result;
}

static const uint8_t three[] = { 1, 2, 3 };

static void test_formats(void **state)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++) {
		const struct format *f = &formats[i];
		struct buffer capture = capture_of(f, three, 3, 1000789), complaint = { 0 };
		struct seen seen;

		assert_int_equal(read_bytes(buffer_span(&capture), &seen, &complaint), SOURCE_EOF);
		assert_int_equal(complaint.len, 0);
		assert_int_equal(seen.count, 3);
		assert_int_equal(seen.linktype, 1);
		for (size_t k = 0; k < 3; k++) {
			int64_t ns = T0 + (int64_t)k * 1000789;

			assert_int_equal(seen.id[k], k + 1);
			assert_int_equal(seen.wire_len[k], 60 + k + 1 + 7);
			assert_int_equal(seen.ns[k], f->nano ? ns : ns / 1000 * 1000);
		}
		buffer_deinit(&capture);
		buffer_deinit(&complaint);
	}
}

/* --loop: the same descriptor is read from its beginning again, whatever has become of the path. */
static void test_descriptors(void **state)
{
	struct buffer capture = capture_of(&formats[0], three, 3, 1000), complaint = { 0 };
	char *path = file_of(buffer_span(&capture));
	const char *const paths[] = { path };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct file_options options = { paths, 1, NULL, &fd };

	assert_true(fd >= 0);
	unlink(path);
	for (int round = 0; round < 3; round++) {
		struct seen seen;

		assert_int_equal(read_options(&options, &seen, &complaint), SOURCE_EOF);
		assert_int_equal(complaint.len, 0);
		assert_int_equal(seen.count, 3);
	}
	close(fd);
	free(path);
	buffer_deinit(&capture);
}

static void test_pcapng_two_interfaces(void **state)
{
	const struct format *f = &formats[4];
	struct buffer b = { 0 }, complaint = { 0 };
	struct seen seen;

	put_file_header(&b, f, 1);
	put_interface(&b, f, 1, 65535);
	put_packet(&b, f, 0, 1, T0);
	put_packet(&b, f, 1, 2, T0 + 1000);
	put_interface(&b, f, 1, 65535); /* one that appears later */
	put_packet(&b, f, 2, 3, T0 + 2000);
	assert_int_equal(read_bytes(buffer_span(&b), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(complaint.len, 0);
	assert_int_equal(seen.count, 3);
	buffer_deinit(&b);
	buffer_deinit(&complaint);
}

/* Interfaces of several link types: each packet has its own. Snapshot lengths are not looked at. */
static void test_pcapng_mixed_linktypes(void **state)
{
	const struct format *f = &formats[4];
	struct buffer b = { 0 }, complaint = { 0 };
	struct seen seen;

	put_file_header(&b, f, 1);
	put_interface(&b, f, 101, 65535);
	put_packet(&b, f, 0, 1, T0);
	assert_int_equal(read_bytes(buffer_span(&b), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.linktype, DLT_EN10MB);
	put_packet(&b, f, 1, 2, T0);
	assert_int_equal(read_bytes(buffer_span(&b), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.linktype, DLT_RAW);
	put_interface(&b, f, 113, 96); /* one that appears later */
	put_packet(&b, f, 2, 60, T0);
	assert_int_equal(read_bytes(buffer_span(&b), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(complaint.len, 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.linktype, DLT_LINUX_SLL);
	buffer_deinit(&b);
	buffer_deinit(&complaint);
}

/* A header that says 64 bytes at most, with packets of 61 and 160 that are all there: plain, packed, a pcap by libpcap alone. */
static void test_snaplen_too_small(void **state)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct format *f = &formats[i];
		struct buffer b = { 0 }, snaplen = { 0 }, complaint = { 0 }, zipped;
		struct seen seen;

		put_file_header(&b, f, 1);
		put(&snaplen, f, 64, 4);
		memcpy(b.bytes + (f->pcapng ? 28 + 12 : 16), snaplen.bytes, 4);
		put_packet(&b, f, 0, 1, T0);
		put_packet(&b, f, 0, 100, T0);
		zipped = gzip_of(buffer_span(&b));
		for (int way = 0; way < (f->pcapng ? 2 : 3); way++) {
			char *path = file_of(buffer_span(way == 1 ? &zipped : &b));
			struct file_options options = { .paths = (const char *[]){ path }, .path_count = 1,
							.libpcap_only = way == 2 };

			assert_int_equal(read_options(&options, &seen, &complaint), SOURCE_EOF);
			assert_int_equal(complaint.len, 0);
			assert_int_equal(seen.count, 2);
			assert_int_equal(seen.id[1], 100);
			assert_int_equal(seen.wire_len[1], 160 + 7);
			unlink(path);
			free(path);
		}
		buffer_deinit(&b);
		buffer_deinit(&snaplen);
		buffer_deinit(&zipped);
	}
}

/* Every cut behind the file header: packets that are whole come out, and a complaint if and only if one isn't. */
static void check_every_cut(const struct format *f, bool zipped)
{
	struct buffer capture = { 0 };
	size_t end[4];

	put_file_header(&capture, f, 1);
	end[0] = capture.len;
	for (size_t i = 0; i < 3; i++) {
		put_packet(&capture, f, 0, three[i], T0);
		end[i + 1] = capture.len;
	}
	for (size_t len = end[0]; len <= capture.len; len++) {
		struct buffer bytes = { 0 }, complaint = { 0 };
		size_t whole = 0;
		struct seen seen;

		while (whole < 3 && end[whole + 1] <= len)
			whole++;
		if (zipped)
			bytes = gzip_of(span_of(capture.bytes, len));
		else
			buffer_add(&bytes, capture.bytes, len);
		assert_int_equal(read_bytes(buffer_span(&bytes), &seen, &complaint), SOURCE_EOF);
		assert_int_equal(seen.count, whole);
		for (size_t i = 0; i < whole; i++)
			assert_int_equal(seen.id[i], three[i]);
		assert_int_equal(complaint.len == 0, len == end[whole]);
		if (complaint.len)
			assert_non_null(strstr(buffer_text(&complaint), "the file is cut"));
		buffer_deinit(&bytes);
		buffer_deinit(&complaint);
	}
	buffer_deinit(&capture);
}

static void test_every_cut(void **state)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		check_every_cut(&formats[i], false);
	check_every_cut(&formats[2], true);
	check_every_cut(&formats[6], true);
}

/* A cut in the compressed bytes: packets come out in order, never more than are there, and there is a complaint. */
static void test_every_cut_of_gzip(void **state)
{
	static const uint8_t ids[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct buffer capture = capture_of(&formats[2], ids, 8, 1000), zipped = gzip_of(buffer_span(&capture));
	size_t most = 0;

	for (size_t len = 1; len < zipped.len; len++) {
		struct buffer complaint = { 0 };
		struct seen seen;
		int result = read_bytes(span_of(zipped.bytes, len), &seen, &complaint);

		assert_true(result == SOURCE_EOF || (result == -EINVAL && seen.count == 0));
		for (size_t i = 0; i < seen.count; i++)
			assert_int_equal(seen.id[i], ids[i]);
		assert_true(seen.count >= most); /* a longer piece never gives less */
		most = seen.count;
		assert_true(complaint.len > 0);
		assert_null(strchr(buffer_text(&complaint), '\n'));
		if (len > 18 && result == SOURCE_EOF)
			assert_non_null(strstr(buffer_text(&complaint), "gzip data is cut"));
		buffer_deinit(&complaint);
	}
	assert_int_equal(most, 8); /* without the last byte of the checksum all packets are there */
	buffer_deinit(&capture);
	buffer_deinit(&zipped);
}

static void test_gzip_whole_damaged_and_joined(void **state)
{
	struct buffer capture = capture_of(&formats[0], three, 3, 1000), complaint = { 0 };
	struct buffer zipped = gzip_of(buffer_span(&capture)), joined = { 0 };
	struct buffer first = gzip_of(span_of(capture.bytes, 100));
	struct buffer second = gzip_of(span_of(capture.bytes + 100, capture.len - 100));
	struct seen seen;

	assert_int_equal(read_bytes(buffer_span(&zipped), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.count, 3);
	assert_int_equal(complaint.len, 0);

	/* two members, then padding, as tape and block tools leave it */
	buffer_add_span(&joined, buffer_span(&first));
	buffer_add_span(&joined, buffer_span(&second));
	put_zeros(&joined, 100);
	assert_int_equal(read_bytes(buffer_span(&joined), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.count, 3);
	assert_int_equal(complaint.len, 0);

	zipped.bytes[zipped.len - 6] ^= 0xff; /* the checksum */
	assert_int_equal(read_bytes(buffer_span(&zipped), &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.count, 3);
	assert_non_null(strstr(buffer_text(&complaint), "gzip data is damaged"));
	buffer_deinit(&capture);
	buffer_deinit(&complaint);
	buffer_deinit(&zipped);
	buffer_deinit(&joined);
	buffer_deinit(&first);
	buffer_deinit(&second);
}

struct merge_row {
	const char *name;
	size_t files;
	struct {
		size_t count;
		struct {
			uint8_t id;
			int64_t us;
		} packet[4];
	} file[3];
	uint8_t expected[12];
};

static const struct merge_row merges[] = {
	{ "interleaved", 2, { { 3, { { 1, 10 }, { 3, 30 }, { 5, 50 } } }, { 2, { { 2, 20 }, { 4, 40 } } } }, { 1, 2, 3, 4, 5 } },
	{ "one after the other", 2, { { 2, { { 3, 30 }, { 4, 40 } } }, { 2, { { 1, 10 }, { 2, 20 } } } }, { 1, 2, 3, 4 } },
	{ "equal times keep the order of the files", 3,
	  { { 2, { { 1, 10 }, { 4, 20 } } }, { 2, { { 2, 10 }, { 5, 20 } } }, { 2, { { 3, 10 }, { 6, 20 } } } },
	  { 1, 2, 3, 4, 5, 6 } },
	{ "time runs backwards inside a file: its order stays", 2,
	  { { 3, { { 1, 10 }, { 2, 5 }, { 3, 30 } } }, { 1, { { 9, 20 } } } }, { 1, 2, 9, 3 } },
	{ "an empty one among them", 3, { { 1, { { 1, 10 } } }, { 0 }, { 1, { { 2, 20 } } } }, { 1, 2 } },
};

static void test_merge(void **state)
{
	for (size_t m = 0; m < sizeof(merges) / sizeof(merges[0]); m++) {
		const struct merge_row *row = &merges[m];
		const char *paths[3];
		struct buffer complaint = { 0 };
		struct seen seen;

		for (size_t i = 0; i < row->files; i++) {
			const struct format *f = &formats[(i + m) % FORMAT_COUNT];
			struct buffer b = { 0 };

			put_file_header(&b, f, 1);
			for (size_t k = 0; k < row->file[i].count; k++)
				put_packet(&b, f, 0, row->file[i].packet[k].id,
					   T0 + row->file[i].packet[k].us * NS_PER_US);
			paths[i] = file_of(buffer_span(&b));
			buffer_deinit(&b);
		}
		assert_int_equal(read_files(paths, row->files, NULL, &seen, &complaint), SOURCE_EOF);
		assert_int_equal(complaint.len, 0);
		assert_int_equal(seen.count, strlen((const char *)row->expected));
		assert_memory_equal(seen.id, row->expected, seen.count);
		for (size_t i = 0; i < row->files; i++)
			forget((char *)paths[i]);
	}
}

/* One file is cut: the complaint names it, and the other goes on. */
static void test_merge_with_a_cut_file(void **state)
{
	struct buffer a = capture_of(&formats[0], three, 3, 1000), b = capture_of(&formats[1], three, 3, 1000);
	struct buffer complaint = { 0 };
	char *whole = file_of(buffer_span(&a)), *cut = file_of(span_of(b.bytes, b.len - 1));
	const char *paths[] = { cut, whole };
	struct seen seen;

	assert_int_equal(read_files(paths, 2, NULL, &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.count, 5);
	assert_non_null(strstr(buffer_text(&complaint), cut));
	assert_non_null(strstr(buffer_text(&complaint), "up to packet 2"));
	assert_null(strstr(buffer_text(&complaint), whole));
	forget(whole);
	forget(cut);
	buffer_deinit(&a);
	buffer_deinit(&b);
	buffer_deinit(&complaint);
}

static void test_expression(void **state)
{
	struct buffer b = capture_of(&formats[0], three, 3, 1000), complaint = { 0 };
	char *path = file_of(buffer_span(&b));
	const char *paths[] = { path };
	struct seen seen;

	assert_int_equal(read_files(paths, 1, "greater 69", &seen, &complaint), SOURCE_EOF);
	assert_int_equal(seen.count, 2); /* by the length on the wire: 60 + 2 + 7 and one more */
	assert_int_equal(read_files(paths, 1, "no such word", &seen, &complaint), -EINVAL);
	assert_non_null(strstr(buffer_text(&complaint), "\"no such word\""));
	forget(path);
	buffer_deinit(&b);
	buffer_deinit(&complaint);
}

struct bad_row {
	const char *name, *content; /* content as text; NULL: the path itself is used */
	const char *path;
	int result;
	const char *says;
};

static const struct bad_row bad[] = {
	{ "missing", NULL, "/nonexistent/x.pcap", -ENOENT, "check the path" },
	{ "directory", NULL, "/tmp", -EISDIR, "is a directory" },
	{ "empty", "", NULL, -EINVAL, "it is empty" },
	{ "text", "POST / HTTP/1.1\r\n\r\nand more than any header is long", NULL, -EINVAL, "no pcap or pcapng file" },
	{ "short text", "ab", NULL, -EINVAL, "cannot read" },
	{ "header only in part", "\xd4\xc3\xb2\xa1\x02", NULL, -EINVAL, "ends before the file header" },
	{ "xz", "\xfd" "7zXZ", NULL, -EINVAL, "xz -dc" },
	{ "zstd", "\x28\xb5\x2f\xfd" "abcd", NULL, -EINVAL, "zstd -dc" },
	{ "bzip2", "BZh9abcd", NULL, -EINVAL, "bzip2 -dc" },
	{ "zip", "PK\x03\x04" "abcd", NULL, -EINVAL, "unzip" },
	{ "gzip that is none", "\x1f\x8b\x08" "abcdefghijklmnopqrstuvwxyz", NULL, -EINVAL, "gzip data" },
};

static void test_bad_inputs(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *made = bad[i].path ? NULL : file_of(span_str(bad[i].content));
		const char *paths[] = { made ? made : bad[i].path };
		struct buffer error = { 0 };
		struct seen seen;

		if (read_files(paths, 1, NULL, &seen, &error) != bad[i].result)
			fail_msg("%s: wrong result", bad[i].name);
		if (!strstr(buffer_text(&error), bad[i].says) || !strstr(buffer_text(&error), paths[0]) ||
		    strchr(buffer_text(&error), '\n'))
			fail_msg("%s: \"%s\"", bad[i].name, buffer_text(&error));
		if (made)
			forget(made);
		buffer_deinit(&error);
	}
}

static void test_bad_combinations(void **state)
{
	const char *twice[] = { "-", "-" }, *interfaces[] = { "lo", "lo" }, *with_any[] = { "lo", "any" };
	const char *nowhere[] = { "no-such-if" };
	struct live_options live = { .snaplen = 262144, .buffer_bytes = 1 << 20 };
	struct buffer error = { 0 };
	struct source *s = NULL;
	struct seen seen;
	int result;

	assert_int_equal(read_files(twice, 2, NULL, &seen, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "standard input twice"));
	buffer_clear(&error);
	live.interfaces = interfaces;
	live.interface_count = 2;
	assert_int_equal(source_open_live(&live, &s, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "twice"));
	buffer_clear(&error);
	live.interfaces = with_any;
	assert_int_equal(source_open_live(&live, &s, &error), -EINVAL);
	buffer_clear(&error);
	live.interface_count = 1;
	live.expression = "tcp and";
	assert_int_equal(source_open_live(&live, &s, &error), -EINVAL);
	assert_non_null(strstr(buffer_text(&error), "\"tcp and\""));
	buffer_clear(&error);
	if (lacks_capture_calls()) {
		buffer_deinit(&error);
		skip(); /* what follows is asked of libpcap, which says something else there */
	}
	live.interfaces = nowhere;
	live.expression = NULL;
	result = source_open_live(&live, &s, &error);
	assert_true(result == -ENODEV || result == -EPERM); /* libpcap may look for the permission first */
	assert_non_null(strstr(buffer_text(&error), result == -ENODEV ? "no such interface; there are: " : "setcap"));
	buffer_deinit(&error);
}

static void test_progress_stats_and_stop(void **state)
{
	struct buffer b = capture_of(&formats[0], three, 3, 1000), error = { 0 };
	char *path = file_of(buffer_span(&b));
	const char *paths[] = { path };
	struct file_options options = { paths, 1, NULL };
	struct capture_stats stats = { 0 };
	struct source *s;
	struct seen seen = { 0 };
	uint64_t done, total;

	assert_int_equal(source_open_files(&options, &s, &error), 0);
	assert_false(source_is_live(s));
	assert_int_equal(source_read(s, 1, note, &seen), 0);
	assert_int_equal(seen.count, 1);
	source_progress(s, &done, &total);
	assert_int_equal(total, b.len);
	assert_true(done > 0 && done <= total);
	source_update_stats(s, &stats);
	assert_int_equal(counter_get(&stats.dropped_kernel), 0);
	source_stop(s, (struct wall){ 0 });
	assert_int_equal(source_read(s, 1, note, &seen), SOURCE_EOF);
	assert_int_equal(seen.count, 1);
	assert_null(source_complaint(s));
	source_close(s);
	source_close(NULL);
	forget(path);
	buffer_deinit(&b);
	buffer_deinit(&error);
}

/* A pipe that is slow: reads return without a packet, an interrupt ends it in the middle of one, without a complaint. */
static void test_pipe(void **state)
{
	struct buffer b = capture_of(&formats[0], three, 3, 1000), error = { 0 };
	char path[64];
	const char *paths[] = { path };
	struct file_options options = { paths, 1, NULL };
	struct seen seen = { 0 };
	struct source *s;
	uint64_t done, total;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], b.bytes, 24), 24);
	assert_int_equal(source_open_files(&options, &s, &error), 0);
	assert_int_equal(source_read(s, 10, note, &seen), 0);
	assert_int_equal(seen.count, 0);
	assert_int_equal(write(ends[1], b.bytes + 24, b.len - 24 - 1), (ssize_t)b.len - 24 - 1);
	for (int turns = 0; seen.count < 2 && turns < 100; turns++)
		assert_int_equal(source_read(s, 2, note, &seen), 0);
	assert_int_equal(seen.count, 2);
	source_progress(s, &done, &total);
	assert_int_equal(total, 0);
	source_interrupt(s);
	assert_int_equal(source_read(s, 10, note, &seen), SOURCE_EOF);
	assert_int_equal(seen.count, 2);
	assert_null(source_complaint(s));
	source_close(s);
	close(ends[0]);
	close(ends[1]);
	buffer_deinit(&b);
	buffer_deinit(&error);
}

/* The same bytes, however small the pieces in which a pipe gives them. */
static void *write_slowly(void *ctx)
{
	const struct span *job = ctx; /* at: bytes; the descriptor follows */
	int fd = (int)job[1].len;

	for (size_t i = 0; i < job[0].len; i++)
		if (write(fd, job[0].at + i, 1) != 1)
			break;
	close(fd);
	return NULL;
}

static void test_pipe_byte_by_byte(void **state)
{
	struct buffer plain = capture_of(&formats[3], three, 3, 1000), zipped = gzip_of(buffer_span(&plain));
	const struct buffer *inputs[] = { &plain, &zipped };

	for (size_t i = 0; i < 2; i++) {
		struct buffer complaint = { 0 };
		struct span job[2];
		char path[64];
		const char *paths[] = { path };
		struct seen seen;
		pthread_t writer;
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
		job[0] = buffer_span(inputs[i]);
		job[1] = (struct span){ NULL, (size_t)ends[1] };
		assert_int_equal(pthread_create(&writer, NULL, write_slowly, job), 0);
		/* The path opens the pipe anew, so its end shows once the writer closed. */
		assert_int_equal(read_files(paths, 1, NULL, &seen, &complaint), SOURCE_EOF);
		pthread_join(writer, NULL);
		assert_int_equal(seen.count, 3);
		assert_int_equal(complaint.len, 0);
		close(ends[0]);
		buffer_deinit(&complaint);
	}
	buffer_deinit(&plain);
	buffer_deinit(&zipped);
}

/*
 * Two readers, one outcome: what our own reader of plain pcap files yields is what libpcap yields, in packets and in
 * words. Seconds and fractions stay below 2^31, where libpcap's sign depends on the byte order; so does every byte of
 * a packet, since damage can make any byte part of a header.
 */
struct rng {
	uint64_t state;
};

static uint32_t rng_below(struct rng *r, uint32_t n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (uint32_t)(r->state >> 16) % n;
}

static void put_numbered_packet(struct buffer *b, const struct format *f, uint32_t caplen, uint32_t number, struct rng *r)
{
	put(b, f, 0x01020304 + number / 4, 4);
	put(b, f, 0x00010203 + number % 4, 4);
	put(b, f, caplen, 4);
	put(b, f, caplen + number % 2, 4);
	assert_true(buffer_reserve(b, caplen));
	for (uint32_t i = 0; i < caplen; i++)
		b->bytes[b->len + i] = (uint8_t)rng_below(r, 128);
	b->len += caplen;
}

static void append(void *ctx, const struct packet *packet)
{
	struct buffer *out = ctx;

	buffer_add(out, &packet->ts.ns, sizeof(packet->ts.ns));
	buffer_add(out, &packet->wire_len, sizeof(packet->wire_len));
	buffer_add(out, &packet->linktype, sizeof(packet->linktype));
	buffer_add(out, &packet->bytes.len, sizeof(packet->bytes.len));
	buffer_add_span(out, packet->bytes);
}

struct account {
	struct buffer packets, words; /* what came out, and how it ended */
};

static struct account account_of(const struct file_options *options)
{
	struct account a = { 0 };
	struct source *s = NULL;
	uint64_t done = 0, total = 0;
	int result = source_open_files(options, &s, &a.words);

	if (result == 0) {
		for (int turns = 0; (result = source_read(s, 100, append, &a.packets)) == 0; turns++)
			assert_true(turns < 100000);
		if (source_complaint(s))
			buffer_add_str(&a.words, source_complaint(s));
		source_progress(s, &done, &total);
		if (a.words.len == 0) /* where damage ends it, libpcap's stream has read ahead */
			assert_int_equal(done, total);
		source_close(s);
	}
	buffer_printf(&a.words, " -> %d of %llu bytes", result, (unsigned long long)total);
	assert_true(buffer_ok(&a.packets) && buffer_ok(&a.words));
	return a;
}

static void account_deinit(struct account *a)
{
	buffer_deinit(&a->packets);
	buffer_deinit(&a->words);
}

static void check_readers_agree(const char *const *paths, size_t count, const char *expression)
{
	struct file_options options = { .paths = paths, .path_count = count, .expression = expression };
	struct account own = account_of(&options), reference;

	options.libpcap_only = true;
	reference = account_of(&options);
	assert_string_equal(buffer_text(&own.words), buffer_text(&reference.words));
	assert_int_equal(own.packets.len, reference.packets.len);
	assert_true(span_equal(buffer_span(&own.packets), buffer_span(&reference.packets)));
	account_deinit(&own);
	account_deinit(&reference);
}

static void check_readers_agree_on(struct span bytes, const char *expression)
{
	char *path = file_of(bytes);
	const char *paths[] = { path };

	check_readers_agree(paths, 1, expression);
	forget(path);
}

static struct buffer small_capture(const struct format *f, struct rng *r)
{
	struct buffer b = { 0 };

	put_file_header(&b, f, 1);
	for (uint32_t i = 0; i < 6; i++)
		put_numbered_packet(&b, f, i == 3 ? 0 : 20 + rng_below(r, 100), i, r);
	return b;
}

static void test_readers_agree_at_every_cut(void **state)
{
	struct rng rng = { 1 };

	for (size_t i = 0; i < 4; i++) {
		struct buffer b = small_capture(&formats[i], &rng);

		for (size_t len = 1; len <= b.len; len++)
			check_readers_agree_on(span_of(b.bytes, len), len % 2 ? "greater 60" : NULL);
		buffer_deinit(&b);
	}
}

/* One byte of the file header behind the magic, or of a packet's lengths, is anything. */
static void test_readers_agree_on_damage(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 3, 4, 0x10, 0x65, 0x7f, 0x80, 0xff };
	struct rng rng = { 2 };

	for (size_t i = 0; i < 4; i++) {
		struct buffer b = small_capture(&formats[i], &rng);

		for (size_t at = 4; at < 24 + 16; at++) {
			if (at >= 24 && at < 24 + 8)
				continue;
			for (size_t v = 0; v < sizeof(values); v++) {
				uint8_t whole = b.bytes[at];

				b.bytes[at] = values[v];
				check_readers_agree_on(buffer_span(&b), NULL);
				b.bytes[at] = whole;
			}
		}
		buffer_deinit(&b);
	}
}

/* What a packet claims, beside what the file header promises and what libpcap takes at all. */
static void test_readers_agree_on_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, 99, 100, 262143, 262144, 262145, 300000, 400000, 0x7fffffff, 0x80000000,
					    0xffffffff };
	const struct format *f = &formats[0];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
			struct buffer b = { 0 };

			put_file_header(&b, f, 1);
			b.len = 16;
			put(&b, f, lengths[i], 4);
			put(&b, f, 1, 4);
			put(&b, f, 1, 4);
			put(&b, f, 1, 4);
			put(&b, f, lengths[k], 4);
			put(&b, f, lengths[k], 4);
			assert_true(buffer_reserve(&b, 400000));
			memset(b.bytes + b.len, 0, 400000);
			b.len += lengths[k] < 400000 ? lengths[k] : 400000;
			check_readers_agree_on(buffer_span(&b), NULL);
			buffer_deinit(&b);
		}
	}
}

/* Packets of all sizes up to the largest, so that every kind of remainder meets the edge of a piece. */
static void test_readers_agree_on_large_packets(void **state)
{
	static const uint32_t sizes[] = { 1, 100, 1514, 9000, 65549, 262144 };
	struct rng rng = { 3 };

	for (size_t i = 0; i < 4; i++) {
		struct buffer b = { 0 };

		put_file_header(&b, &formats[i], 1);
		memset(b.bytes + 16, 0, 4); /* snapshot length: any */
		for (uint32_t n = 0; b.len < 2300 * 1024; n++)
			put_numbered_packet(&b, &formats[i], rng_below(&rng, sizes[rng_below(&rng, 6)]) + 1, n, &rng);
		check_readers_agree_on(buffer_span(&b), NULL);
		for (int turn = 0; turn < 12; turn++)
			check_readers_agree_on(span_of(b.bytes, 24 + rng_below(&rng, (uint32_t)b.len - 24)), "greater 5000");
		for (size_t edge = 256 * 1024; edge < b.len; edge += 256 * 1024)
			check_readers_agree_on(span_of(b.bytes, edge), NULL);
		buffer_deinit(&b);
	}
}

static void test_readers_agree_on_merges(void **state)
{
	struct rng rng = { 4 };
	char *path[6];

	for (size_t i = 0; i < 6; i++) {
		struct buffer b = i < 4 ? small_capture(&formats[i], &rng) : capture_of(&formats[i], three, 3, 1000);

		path[i] = file_of(span_of(b.bytes, b.len - (i == 2)));
		buffer_deinit(&b);
	}
	check_readers_agree((const char *const *)path, 6, NULL);
	check_readers_agree((const char *const *)path, 3, "greater 50");
	for (size_t i = 0; i < 6; i++)
		forget(path[i]);
}

/* Files of whole pages and windows, and a byte more or less; on a disk and in memory. */
static void test_readers_agree_on_round_sizes(void **state)
{
	static const uint32_t sizes[] = { 4096, 64 * 1024, 1024 * 1024, 2 * 1024 * 1024 };
	struct rng rng = { 6 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (uint32_t size = sizes[i] - 1; size <= sizes[i] + 1; size++) {
			struct buffer b = { 0 };

			put_file_header(&b, &formats[0], 1);
			for (uint32_t n = 0; b.len < size; n++) {
				uint32_t left = size - (uint32_t)b.len;

				put_numbered_packet(&b, &formats[0], left < 2 * 1516 ? left - 16 : 1500, n, &rng);
			}
			assert_int_equal(b.len, size);
			check_readers_agree_on(buffer_span(&b), NULL);
			buffer_deinit(&b);
		}
	}
}

/* The rows above once more where nothing can be mapped, so that all is read. */
static void test_readers_agree_without_maps(void **state)
{
	struct file_map *taken[FILE_MAPS_MAX];

	for (size_t i = 0; i < FILE_MAPS_MAX; i++) {
		taken[i] = file_map_new(-1, 0);
		assert_non_null(taken[i]);
	}
	test_readers_agree_at_every_cut(state);
	test_readers_agree_on_lengths(state);
	test_readers_agree_on_large_packets(state);
	test_readers_agree_on_round_sizes(state);
	for (size_t i = 0; i < FILE_MAPS_MAX; i++)
		file_map_free(taken[i]);
}

/* More files than are mapped at once. */
static void test_readers_agree_on_many_files(void **state)
{
	struct rng rng = { 7 };
	char *path[FILE_MAPS_MAX + 3];
	size_t count = sizeof(path) / sizeof(path[0]);

	for (size_t i = 0; i < count; i++) {
		struct buffer b = small_capture(&formats[i % 4], &rng);

		path[i] = file_of(buffer_span(&b));
		buffer_deinit(&b);
	}
	check_readers_agree((const char *const *)path, count, NULL);
	for (size_t i = 0; i < count; i++)
		forget(path[i]);
}

/*
 * Somebody truncates the file that is being read: it is cut there, and nothing worse. Packets of one size, each filled
 * with its number; after some of them were read, or inside of the callback that is lent one, so many bytes of the file
 * are kept. What lies whole before that is read and right, all behind is not lent.
 */
#define CUT_PACKET 1000u
#define CUT_COUNT  2600u /* two and a half windows */

static const struct shrink_layout {
	const struct format *format;
	uint32_t file_header, record, packet_at;
	uint32_t zeros; /* at a record's end: without them it is as whole */
} shrink_layouts[] = {
	{ &formats[0], 24, 16 + CUT_PACKET, 16, 0 },
	{ &formats[4], 28 + 20, 32 + CUT_PACKET, 28, 2 },
};

#define CUT_ABSOLUTE UINT32_MAX

static const struct shrinking {
	uint32_t after; /* so many packets */
	uint32_t record; /* this one's beginning, */
	uint32_t kept;   /* and so many bytes: what is left of the file. Or only they, if CUT_ABSOLUTE */
} shrinkings[] = {
	{ 1, CUT_ABSOLUTE, 0 }, /* all of it */
	{ 1, CUT_ABSOLUTE, 50 },
	{ 100, 100, 0 },   /* between two packets: where it is, */
	{ 100, 200, 0 },   /* ahead, */
	{ 100, 50, 0 },    /* behind */
	{ 100, 200, 5 },   /* in a header: its time, or the block's length, */
	{ 100, 200, 9 },   /* a packet's length, of which half is left, */
	{ 100, 200, 14 },  /* behind its length */
	{ 100, 200, 16 },  /* right behind it */
	{ 100, 200, 30 },
	{ 100, 200, 500 }, /* in a packet */
	{ 100, 201, UINT32_MAX }, /* a byte less than it */
	{ 100, 201, UINT32_MAX - 2 },
	{ 100, CUT_ABSOLUTE, 26 * 4096 }, /* where a page ends */
	{ 100, CUT_ABSOLUTE, 26 * 4096 + 1 },
	{ 1500, 10, 0 },                  /* behind the window */
	{ 100, 2000, 70 },                /* beyond it */
	{ 100, CUT_ABSOLUTE, 1024 * 1024 }, /* where it ends */
	{ 2599, 2599, 100 },              /* the last packet */
	{ 2599, 2600, UINT32_MAX },
};

struct cutting {
	const struct shrink_layout *layout;
	const char *path;
	uint32_t after, kept; /* packets, bytes */
	bool inside; /* the cut is made while the last of `after` is lent */
	uint32_t count;
};

static void check_or_cut(void *ctx, const struct packet *packet)
{
	struct cutting *c = ctx;
	uint8_t fill = (uint8_t)(c->count++ % 255 + 1);
	bool cuts = c->inside && c->count == c->after;
	uint32_t whole_bytes = CUT_PACKET;

	if (cuts) {
		uint32_t begin = c->layout->file_header + (c->count - 1) * c->layout->record + c->layout->packet_at;

		assert_int_equal(truncate(c->path, c->kept), 0);
		whole_bytes = c->kept <= begin ? 0 : c->kept - begin < CUT_PACKET ? c->kept - begin : CUT_PACKET;
	}
	assert_int_equal(packet->bytes.len, CUT_PACKET);
	for (uint32_t i = 0; i < CUT_PACKET; i++)
		assert_int_equal(packet->bytes.at[i], i < whole_bytes ? fill : 0);
}

static void check_shrinking(const struct shrinking *row, const struct shrink_layout *layout, bool inside,
			    struct span content)
{
	char *path = file_of(content);
	struct file_options options = { .paths = (const char *const *)&path, .path_count = 1 };
	struct cutting c = { .layout = layout, .path = path, .after = row->after, .inside = inside };
	uint32_t whole;
	struct buffer error = { 0 };
	struct source *s = NULL;
	int result = 0;

	c.kept = row->kept;
	if (row->record != CUT_ABSOLUTE)
		c.kept += layout->file_header + row->record * layout->record;
	whole = c.kept < layout->file_header ? 0 : (c.kept - layout->file_header + layout->zeros) / layout->record;
	if (whole < row->after)
		whole = row->after;
	assert_int_equal(source_open_files(&options, &s, &error), 0);
	while (c.count < row->after)
		assert_int_equal(source_read(s, 1, check_or_cut, &c), 0);
	if (!inside)
		assert_int_equal(truncate(path, c.kept), 0);
	for (uint32_t turns = 0; turns < CUT_COUNT && result == 0; turns++)
		result = source_read(s, 100, check_or_cut, &c);
	assert_int_equal(result, SOURCE_EOF);
	assert_int_equal(c.count, whole);
	assert_non_null(source_complaint(s));
	assert_non_null(strstr(source_complaint(s), "the file is cut"));
	source_close(s);
	forget(path);
}

static void test_a_file_that_shrinks(void **state)
{
	for (size_t i = 0; i < sizeof(shrink_layouts) / sizeof(shrink_layouts[0]); i++) {
		const struct shrink_layout *layout = &shrink_layouts[i];
		struct buffer b = { 0 };

		put_file_header(&b, layout->format, 1);
		for (uint32_t n = 0; n < CUT_COUNT; n++) {
			put_packet_of(&b, layout->format, 0, T0, CUT_PACKET);
			memset(b.bytes + layout->file_header + n * layout->record + layout->packet_at, (int)(n % 255) + 1,
			       CUT_PACKET);
		}
		assert_int_equal(b.len, layout->file_header + CUT_COUNT * layout->record);
		for (size_t k = 0; k < sizeof(shrinkings) / sizeof(shrinkings[0]); k++)
			for (int inside = 0; inside < 2; inside++)
				check_shrinking(&shrinkings[k], layout, inside, buffer_span(&b));
		buffer_deinit(&b);
	}
}

/* A recording that is still being written is read as far as it goes, whether it grows early or late. */
static void test_a_file_that_grows(void **state)
{
	static const uint8_t five[] = { 1, 2, 3, 4, 5 };

	for (size_t turn = 0; turn < 8; turn++) {
		const struct format *f = &formats[turn < 4 ? 0 : 4];
		size_t early = turn % 4;
		struct buffer b = capture_of(f, five, 5, 1000), error = { 0 };
		size_t two_thirds = b.len - (f->pcapng ? 32 + 68 + 32 + 64 : 16 + 65 + 16 + 64);
		char *path = file_of(span_of(b.bytes, two_thirds));
		struct file_options options = { .paths = (const char *const *)&path, .path_count = 1 };
		struct source *s = NULL;
		struct seen seen = { 0 };
		FILE *more;

		assert_int_equal(source_open_files(&options, &s, &error), 0);
		for (size_t n = 0; n < early; n++)
			assert_int_equal(source_read(s, 1, note, &seen), 0);
		more = fopen(path, "a");
		assert_non_null(more);
		assert_int_equal(fwrite(b.bytes + two_thirds, 1, b.len - two_thirds, more), b.len - two_thirds);
		fclose(more);
		assert_int_equal(source_read(s, 100, note, &seen), SOURCE_EOF);
		assert_int_equal(seen.count, 5);
		assert_null(source_complaint(s));
		source_close(s);
		forget(path);
		buffer_deinit(&b);
	}
}

static void test_list_interfaces(void **state)
{
	struct buffer out = { 0 }, error = { 0 };

	assert_int_equal(source_list_interfaces(&out, &error), 0);
	assert_non_null(strstr(buffer_text(&out), "lo: "));
	assert_non_null(strstr(buffer_text(&out), "any: "));
	buffer_deinit(&out);
	buffer_deinit(&error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_pcapng_two_interfaces),
		cmocka_unit_test(test_pcapng_mixed_linktypes),
		cmocka_unit_test(test_snaplen_too_small),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_every_cut_of_gzip),
		cmocka_unit_test(test_gzip_whole_damaged_and_joined),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_with_a_cut_file),
		cmocka_unit_test(test_expression),
		cmocka_unit_test(test_bad_inputs),
		cmocka_unit_test(test_bad_combinations),
		cmocka_unit_test(test_progress_stats_and_stop),
		cmocka_unit_test(test_readers_agree_at_every_cut),
		cmocka_unit_test(test_readers_agree_on_damage),
		cmocka_unit_test(test_readers_agree_on_lengths),
		cmocka_unit_test(test_readers_agree_on_large_packets),
		cmocka_unit_test(test_readers_agree_on_merges),
		cmocka_unit_test(test_readers_agree_on_round_sizes),
		cmocka_unit_test(test_readers_agree_without_maps),
		cmocka_unit_test(test_readers_agree_on_many_files),
		cmocka_unit_test(test_a_file_that_shrinks),
		cmocka_unit_test(test_a_file_that_grows),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pipe_byte_by_byte),
		cmocka_unit_test(test_list_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
