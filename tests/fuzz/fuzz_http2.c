/*
 * fuzz_http2.c - the bytes of one HTTP/2 connection, both directions, with cuts and gaps
 *
 * In the input, 0xff and a byte is a mark: what follows is of the client or the server, begins another packet,
 * or comes behind a gap; 0xff 0xff is that byte. The first byte says whether the preface comes first by itself,
 * and whether the connection began before. Besides crashes: the books must balance, each token must be answered once, no
 * memory may stay charged, and no more may be charged than is allowed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rig/h2_tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum mark { MARK_CUT,
	    MARK_CLIENT,
	    MARK_SERVER,
	    MARK_CLIENT_GAP,
	    MARK_SERVER_GAP,
	    MARK_COUNT };

/** struct feeder - the stretch that is read, and where both directions are */
struct feeder {
	struct h2_script s; /* all bytes of both, with those of gaps */
	struct h2_packets packets;
};

static void add_packet(struct feeder *f, struct h2_packet p)
{
	if (f->packets.count == f->packets.cap) {
		f->packets.cap = f->packets.cap ? 2 * f->packets.cap : 64;
		f->packets.at = realloc(f->packets.at, f->packets.cap * sizeof(p));
		if (!f->packets.at)
			abort();
	}
	f->packets.at[f->packets.count++] = p;
}

static void add_bytes(struct feeder *f, enum stream_side side, const void *bytes, size_t len, bool lost)
{
	size_t at = f->s.bytes[side].len;

	buffer_add(&f->s.bytes[side], bytes, len);
	add_packet(f, (struct h2_packet){ side, TCP_ACK, lost, at, len, f->s.bytes[!side].len });
}

static void read_input(struct feeder *f, const uint8_t *data, size_t size)
{
	static const uint8_t zeros[1024];
	struct buffer stretch = { 0 };
	enum stream_side side = SIDE_CLIENT;

	for (size_t i = 0; i <= size; i++) {
		bool mark = i < size && data[i] == 0xff && i + 1 < size;

		if (i < size && (!mark || data[i + 1] == 0xff)) {
			buffer_add(&stretch, &data[i], 1);
			i += mark;
			continue;
		}
		if (stretch.len > 0)
			add_bytes(f, side, stretch.bytes, stretch.len, false);
		buffer_clear(&stretch);
		if (i == size)
			break;
		switch ((enum mark)(data[++i] % MARK_COUNT)) {
		case MARK_CLIENT_GAP:
			add_bytes(f, SIDE_CLIENT, zeros, 1 + data[i] * 3u, true);
			side = SIDE_CLIENT;
			break;
		case MARK_SERVER_GAP:
			add_bytes(f, SIDE_SERVER, zeros, 1 + data[i] * 3u, true);
			side = SIDE_SERVER;
			break;
		case MARK_CLIENT:
			side = SIDE_CLIENT;
			break;
		case MARK_SERVER:
			side = SIDE_SERVER;
			break;
		case MARK_CUT:
		case MARK_COUNT:
			break;
		}
	}
	buffer_deinit(&stretch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feeder f = { 0 };
	struct h2_tap tap;
	struct h2_tap_options options = { .memory = 4 << 20 };
	const char *complaint;
	uint8_t how = size ? data[0] : 0;

	options.one_way = how & 2;
	options.needs_whole = how & 4;
	options.no_ports = how & 8;
	options.no_answers = how & 128;
	options.max_body = how & 16 ? 100 : 0;
	options.memory = how & 32 ? 30000 : 4 << 20;
	add_packet(&f, (struct h2_packet){ .side = SIDE_CLIENT, .flags = TCP_SYN, .lost = how & 64 });
	add_packet(&f, (struct h2_packet){ .side = SIDE_SERVER, .flags = TCP_SYN | TCP_ACK, .lost = how & 64 });
	if (how & 1)
		add_bytes(&f, SIDE_CLIENT, H2_PREFACE "\0\0\0\4\0\0\0\0\0", 33, how & 64);
	if (size)
		read_input(&f, data + 1, size - 1);
	h2_tap_run(&tap, &options, &f.s, &f.packets);
	complaint = h2_tap_close(&tap);
	if (complaint) {
		fprintf(stderr, "%s\n", complaint);
		abort();
	}
	h2_packets_free(&f.packets);
	for (int side = 0; side < SIDES; side++)
		buffer_deinit(&f.s.bytes[side]);
	return 0;
}
