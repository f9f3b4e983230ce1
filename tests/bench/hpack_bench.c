/*
 * hpack_bench.c - what header blocks of gRPC clients cost
 *
 * "same" feeds one block again and again, "turns" two in turn, which defeats the
 * comparison with the block before: indices only, as of grpc-core from the second
 * call on. "timeout" and "trace" are of a client that indexes everything and has a
 * new grpc-timeout, or that and a new traceparent, in each call, Huffman coded; the
 * whole head comes again every 32, or 16, blocks. Count instructions with
 *
 *     valgrind --tool=callgrind --toggle-collect=hpack_decode build/http/http2/hpack_bench CASE
 *
 * and divide by the blocks that it prints; without valgrind the nanoseconds are of use.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/http2/hpack.h"
#include "tests/rig/hpack_encoder.h"

#define BLOCKS_MAX 1024

static struct buffer blocks[BLOCKS_MAX];
static struct hpack_head head;

static void literal(struct buffer *b, const char *name, const char *value, bool huffman)
{
	put_integer(b, 0x40, 6, 0);
	put_string(b, span_str(name), huffman);
	put_string(b, span_str(value), huffman);
}

static void first_head(struct buffer *b, bool huffman)
{
	buffer_add(b, "\x83\x86", 2);
	literal(b, ":path", "/inference.GRPCInferenceService/ModelInfer", huffman);
	literal(b, ":authority", "localhost:8001", huffman);
	literal(b, "te", "trailers", huffman);
	literal(b, "content-type", "application/grpc", huffman);
	literal(b, "user-agent", "grpc-python/1.51.1 grpc-c/29.0.0 (linux; chttp2)", huffman);
	literal(b, "grpc-accept-encoding", "identity, deflate, gzip", huffman);
}

/* One block again and again: 8 indices, as grpcio without metadata */
static size_t same(void)
{
	first_head(&blocks[0], false);
	for (int i = 1; i < BLOCKS_MAX; i++)
		buffer_add(&blocks[i], "\xc3\xc2\x83\x86\xc1\xc0\xbf\xbe", 8);
	return BLOCKS_MAX;
}

/* Two blocks of 10 bytes in turn */
static size_t turns(void)
{
	first_head(&blocks[0], false);
	literal(&blocks[0], "grpc-timeout", "1S", false);
	literal(&blocks[0], "grpc-timeout", "999m", false);
	for (int i = 1; i < BLOCKS_MAX; i++) {
		buffer_add(&blocks[i], "\xc5\xc4\x83\x86\xc3\xc2\xc1\xc0", 8);
		buffer_add(&blocks[i], i % 2 ? "\xbf" : "\xbe", 1);
	}
	return BLOCKS_MAX;
}

/* A head with all that the next ones refer to; the index of its :path afterwards */
static uint32_t whole_head(struct buffer *b)
{
	first_head(b, true);
	literal(b, "grpc-timeout", "4999993u", true);
	literal(b, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true);
	return 69;
}

/* An encoder that indexes all: eight indices, and one or two values that are new, with their names by index */
static size_t churn(bool traceparent)
{
	uint32_t path = whole_head(&blocks[0]);
	char text[80];

	for (int i = 1; i < BLOCKS_MAX; i++) {
		struct buffer *b = &blocks[i];

		buffer_add(b, "\x83\x86", 2);
		for (uint32_t f = 0; f < 6; f++)
			put_integer(b, 0x80, 7, path - f);
		put_integer(b, 0x40, 6, traceparent || i == 1 ? 63 : 62);
		snprintf(text, sizeof(text), "49%05du", (int)((unsigned)i * 7919u % 100000));
		put_string(b, span_str(text), true);
		path++;
		if (traceparent) {
			put_integer(b, 0x40, 6, 63);
			snprintf(text, sizeof(text), "00-0af7651916cd43dd%016llx-b7ad6b71%08x-01", i * 0x9e3779b97f4a7c15ull,
				 (unsigned)i * 2654435761u);
			put_string(b, span_str(text), true);
			path++;
		}
		if (path > 61 + 40) /* soon evicted: an encoder sends it again */
			path = whole_head(b);
	}
	return BLOCKS_MAX;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "turns";
	int rounds = argc > 2 ? atoi(argv[2]) : 10;
	size_t count = strcmp(what, "same") == 0    ? same()
		       : strcmp(what, "turns") == 0 ? turns()
						    : churn(strcmp(what, "trace") == 0);
	size_t bytes = 0, fields = 0, unknown = 0;
	double start, spent = 0;

	for (int r = 0; r < rounds; r++) {
		struct hpack h;

		hpack_init(&h, NULL, false);
		start = now();
		for (size_t i = 0; i < count; i++) {
			if (hpack_decode(&h, buffer_span(&blocks[i]), &head) < 0)
				return 1;
			bytes += blocks[i].len;
			fields += head.count;
			unknown += head.unknown + head.unnamed;
		}
		spent += now() - start;
		hpack_deinit(&h);
	}
	printf("%s: %zu blocks, %.1f bytes and %.1f fields each (%zu unknown), %.0f ns\n", what,
	       count * (size_t)rounds, (double)bytes / (double)(count * (size_t)rounds),
	       (double)fields / (double)(count * (size_t)rounds), unknown,
	       spent / (double)(count * (size_t)rounds));
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		buffer_deinit(&blocks[i]);
	return 0;
}
