/*
 * fuzz_source.c - any bytes as a capture file: plain, gzip, whole or damaged
 *
 * The bytes are put into a memory file, which is opened by its name in /proc,
 * so all of the real path is walked, with and without a filter. Each packet is
 * decoded too. Reading must end: every turn yields a packet, drops one or ends
 * a file, so the turns are bounded by the bytes, times what gzip can blow up.
 *
 * At last the file is cut while it is read: the last byte of the input says in
 * which packet's callback, the one before it how much is kept.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct decoder *decoder;
	uint64_t sum;
	int cut_fd; /* -1: the file stays whole */
	size_t cut_after, kept;
};

static void decode(void *ctx, const struct packet *packet)
{
	struct reading *reading = ctx;
	struct segment s;

	assert(packet->wire_len >= packet->bytes.len);
	if (reading->cut_fd >= 0 && reading->cut_after-- == 0 &&
	    ftruncate(reading->cut_fd, (off_t)reading->kept) != 0)
		abort();
	for (size_t i = 0; i < packet->bytes.len; i++)
		reading->sum += packet->bytes.at[i];
	if (decoder_packet(reading->decoder, packet, &s) == PACKET_DECODED)
		reading->sum += s.payload.len;
}

static void read_all(const char *path, const char *expression, struct reading reading)
{
	const char *paths[] = { path, path };
	struct file_options options = { paths, expression ? 2 : 1, expression };
	static const struct port_set all = { .count = 0 };
	struct buffer error = { 0 };
	struct source *s;
	int result;

	reading.decoder = decoder_new(&all, NULL);
	if (!reading.decoder)
		return;
	result = source_open_files(&options, &s, &error);
	if (result == 0) {
		assert(error.len == 0);
		while ((result = source_read(s, 100, decode, &reading)) == 0)
			;
		assert(result == SOURCE_EOF);
		if (source_complaint(s))
			assert(!strchr(source_complaint(s), '\n'));
		source_close(s);
	} else {
		assert(result < 0 && error.len > 0);
	}
	decoder_free(reading.decoder);
	buffer_deinit(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		read_all(path, NULL, (struct reading){ .cut_fd = -1 });
		read_all(path, "tcp port 80", (struct reading){ .cut_fd = -1 });
		if (size > 2) {
			size_t kept = size * data[size - 2] / 256;

			read_all(path, NULL,
				 (struct reading){ .cut_fd = fd, .cut_after = data[size - 1], .kept = kept });
		}
	}
	close(fd);
	return 0;
}
