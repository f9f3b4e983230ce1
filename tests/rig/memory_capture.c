/* memory_capture.c - see memory_capture.h */
#include "tests/rig/unit.h"

#include "tests/rig/memory_capture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/rig/frames.h"

#define STARTED_S  1700000000
#define SYN        0x02
#define PUSH_ACK   0x18
#define SYN_ACK    0x12

static void put(struct memory_capture *c, const void *bytes, size_t len)
{
	assert_int_equal(write(c->fd, bytes, len), (ssize_t)len);
}

static void put_packet(struct memory_capture *c, const struct frame *f)
{
	uint32_t header[4];

	c->now_ns += NS_PER_MS;
	header[0] = (uint32_t)(c->now_ns / NS_PER_S);
	header[1] = (uint32_t)(c->now_ns % NS_PER_S);
	header[2] = header[3] = (uint32_t)f->len;
	put(c, header, sizeof(header));
	put(c, f->bytes, f->len);
	c->packets++;
}

static void put_segment(struct memory_capture *c, size_t k, size_t side, unsigned flags, struct span payload)
{
	unsigned client = 40000 + (unsigned)k, server = 8000;
	uint32_t *sent = c->connection[k].sent;
	struct frame f = { .len = 0 };
	char head[200];

	snprintf(head, sizeof(head), "[mac] 0800 4500 %04x 0000 4000 4006 0000 %s %04x %04x %08x %08x 50 %02x ffff 0000 0000",
		 (unsigned)(40 + payload.len), side == 0 ? "[a4]" : "0a000002 0a000001", side == 0 ? client : server,
		 side == 0 ? server : client, (unsigned)sent[side], (unsigned)(flags == SYN ? 0 : sent[!side]), flags);
	frame_add(&f, head);
	assert_true(f.len + payload.len <= sizeof(f.bytes));
	memcpy(f.bytes + f.len, payload.at, payload.len);
	f.len += payload.len;
	put_packet(c, &f);
	sent[side] += (uint32_t)payload.len + (flags & SYN ? 1 : 0);
}

void memory_capture_init(struct memory_capture *c)
{
	/* pcap with nanoseconds, Ethernet, in the host's byte order */
	const uint32_t header[] = { 0xa1b23c4d, 0, 0, 0, 65535, 1 };
	const uint16_t version[] = { 2, 4 };

	*c = (struct memory_capture){ .fd = memfd_create("capture", 0), .now_ns = STARTED_S * NS_PER_S };
	assert_true(c->fd >= 0);
	snprintf(c->path, sizeof(c->path), "/proc/self/fd/%d", c->fd);
	put(c, header, 4);
	put(c, version, 4);
	put(c, header + 2, 16);
}

void memory_capture_deinit(struct memory_capture *c)
{
	close(c->fd);
}

void memory_capture_bytes(struct memory_capture *c, size_t k, char from, struct span payload)
{
	uint32_t *sent = c->connection[k].sent;

	assert_true(k < MEMORY_CAPTURE_CONNECTIONS);
	if (sent[0] == 0) {
		sent[0] = 1000 * (uint32_t)(k + 1);
		sent[1] = 2000 * (uint32_t)(k + 1);
		put_segment(c, k, 0, SYN, span_str(""));
		put_segment(c, k, 1, SYN_ACK, span_str(""));
	}
	put_segment(c, k, from == 's', PUSH_ACK, payload);
}

void memory_capture_send(struct memory_capture *c, size_t k, char from, const char *text)
{
	memory_capture_bytes(c, k, from, span_str(text));
}

void memory_capture_request(struct memory_capture *c, size_t k, const char *method, const char *target)
{
	char text[500];

	snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi", method, target);
	memory_capture_send(c, k, 'c', text);
}

void memory_capture_response(struct memory_capture *c, size_t k, const char *body)
{
	char text[500];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	memory_capture_send(c, k, 's', text);
}

void memory_capture_cut(struct memory_capture *c)
{
	put(c, "cut", 3);
}

struct source *memory_capture_source(const struct memory_capture *c)
{
	const char *path = c->path;
	struct file_options options = { .paths = &path, .path_count = 1 };
	struct buffer error = { 0 };
	struct source *source = NULL;

	if (source_open_files(&options, &source, &error) < 0)
		fail_msg("%s", buffer_text(&error));
	return source;
}
