/*
 * fuzz_pcapng.c - any bytes as a pcapng: the walk, the reading, and the same through a pipe
 *
 * What three ways give must be the same: the packets and the secrets of a file that is gone through, of the file as it
 * is read then, and of a pipe. Whatever a header claims, a packet lies within the bytes that there are, and has a link
 * type that the walk has seen.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "base/buffer.h"
#include "capture/pcapng_reader.h"

#define PIPE_MAX 60000 /* what a pipe takes without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct buffer secrets;
	uint64_t packets, bytes, sum;
	bool failed;
};

static void on_secrets(void *ctx, struct span keylog)
{
	struct reading *r = ctx;

	assert(keylog.len > 0);
	buffer_add_span(&r->secrets, keylog);
}

static bool is_listed(const struct pcapng_reader *p, int linktype)
{
	int listed;

	for (size_t i = 0; (listed = pcapng_reader_linktype(p, i)) >= 0; i++)
		if (listed == linktype)
			return true;
	return pcapng_reader_linktype(p, PCAPNG_LINKTYPES_MAX - 1) >= 0; /* there was no room for more */
}

static void read_all(struct pcapng_reader *p, struct reading *r, size_t size)
{
	struct packet packet;
	int result = pcapng_reader_begin(p);

	while (result == 1 && (result = pcapng_reader_next(p, &packet)) == 1) {
		assert(packet.bytes.len <= size && packet.wire_len >= packet.bytes.len);
		assert(is_listed(p, packet.linktype));
		r->packets++;
		r->bytes += packet.bytes.len;
		for (size_t i = 0; i < packet.bytes.len; i++)
			r->sum = r->sum * 31 + packet.bytes.at[i];
		r->sum += (uint64_t)packet.ts.ns + packet.wire_len;
	}
	assert(pcapng_reader_counts(p)->packets == r->packets);
	assert(result == PCAP_ERROR_BREAK || pcapng_reader_error(p)[0]);
	assert(pcapng_reader_next(p, &packet) != 1);
	r->failed = result != PCAP_ERROR_BREAK;
}

static bool open_fd(int fd, struct input **input)
{
	struct buffer error = { 0 };
	char path[64];
	int result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = input_open(path, -1, input, &error);
	buffer_deinit(&error);
	return result == 0;
}

/* With a walk first, after which no secrets come any more. */
static void read_file(int fd, size_t size, struct reading *r)
{
	struct pcapng_reader *p;
	struct input *input;
	size_t given;

	if (!open_fd(fd, &input))
		return;
	p = pcapng_reader_new(input, on_secrets, r);
	assert(p);
	r->failed = pcapng_reader_begin(p) != 1;
	if (!r->failed) {
		pcapng_reader_walk(p);
		pcapng_reader_restart(p, input);
		given = r->secrets.len;
		read_all(p, r, size);
		assert(r->secrets.len == given);
	}
	pcapng_reader_free(p);
	input_free(input);
}

static void read_pipe(const uint8_t *data, size_t size, struct reading *r)
{
	struct pcapng_reader *p;
	struct input *input;
	int ends[2];

	if (pipe(ends) != 0)
		return;
	assert(write(ends[1], data, size) == (ssize_t)size);
	close(ends[1]);
	if (open_fd(ends[0], &input)) {
		p = pcapng_reader_new(input, on_secrets, r);
		assert(p);
		read_all(p, r, size);
		pcapng_reader_free(p);
		input_free(input);
	}
	close(ends[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading file = { .packets = 0 }, piped = { .packets = 0 };
	int fd = memfd_create("pcapng", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	if (size > 0 && size <= PIPE_MAX && data[0] != 0x1f && write(fd, data, size) == (ssize_t)size) {
		read_file(fd, size, &file);
		read_pipe(data, size, &piped);
		assert(file.packets == piped.packets && file.bytes == piped.bytes && file.sum == piped.sum);
		assert(file.failed == piped.failed);
		assert(span_equal(buffer_span(&file.secrets), buffer_span(&piped.secrets)));
	}
	close(fd);
	buffer_deinit(&file.secrets);
	buffer_deinit(&piped.secrets);
	return 0;
}
