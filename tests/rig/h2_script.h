/*
 * h2_script.h - both directions of an HTTP/2 connection, frame by frame, and the packets that carry them
 *
 * A script is written in the order in which things happen: each call appends to what one side sends. What the
 * two sides have sent when one of them writes is what it acknowledges. So a script is two rows of bytes and
 * the order of their pieces (runs), and h2_cut() makes packets of it in one of several ways. Packets can then be
 * marked as not captured, and the rest is fed to a tracker.
 *
 * Header blocks are written by an encoder of the class that a side's coder names; classes are those of
 * clients in use. Nothing stops a script from breaking the protocol: h2_frame() and h2_raw() write anything.
 */
#ifndef TESTS_RIG_H2_SCRIPT_H
#define TESTS_RIG_H2_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "message/header_list.h"
#include "reassembly/tracker.h"
#include "tests/rig/dice.h"

#define H2_CLIENT_PORT 40000
#define H2_SERVER_PORT 8000
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_FRAME_HEAD 9

enum h2_type {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST_STREAM,
	H2_SETTINGS,
	H2_PUSH_PROMISE,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW_UPDATE,
	H2_CONTINUATION,
	H2_UNKNOWN = 0x2a,
};

enum h2_flag {
	H2_END_STREAM = 0x01,
	H2_ACK = 0x01,
	H2_END_HEADERS = 0x04,
	H2_PADDED = 0x08,
	H2_WITH_PRIORITY = 0x20,
};

enum h2_error { H2_NO_ERROR = 0,
		H2_PROTOCOL_ERROR = 1,
		H2_REFUSED_STREAM = 7,
		H2_CANCEL = 8 };

enum h2_setting { H2_HEADER_TABLE_SIZE = 1,
		  H2_ENABLE_PUSH = 2,
		  H2_MAX_FRAME_SIZE = 5 };

/** enum h2_coder - how a side encodes fields */
enum h2_coder {
	CODER_PLAIN,   /* each field whole, in plain text, never inserted */
	CODER_NAMES,   /* static rows, else literals never inserted, Huffman: HAProxy, nginx */
	CODER_NGHTTP2, /* as indexing as possible, but for :path and such */
	CODER_GO,      /* all is inserted, Huffman: grpc-go */
	CODER_GRPCIO,  /* what all calls share is inserted once, the rest never; no Huffman: grpc-core */
	CODER_ANY,     /* at random, in every way that is allowed */
	CODERS,
};

/** struct h2_run - what one side sends at one moment; up to @to of its bytes */
struct h2_run {
	enum stream_side side;
	uint8_t flags; /* of TCP, beside ACK */
	size_t to;
};

struct encoder;

struct h2_script {
	struct buffer bytes[SIDES];
	struct encoder *encoder[SIDES];
	enum h2_coder coder[SIDES];
	struct dice *dice; /* of CODER_ANY; borrowed */
	struct h2_run *runs;
	size_t run_count, run_cap;
	bool apart;        /* the next byte begins a run */
	bool server_first; /* h2_preface(): the server does not wait for the client, as nghttpd */
};

/** struct h2_how - how a header block is sent */
struct h2_how {
	bool end_stream, priority, padded;
	uint8_t pad;
	size_t fragment; /* 0: in one frame; else bytes of the block in each, and @first in the first one */
	size_t first;
};

#define H2_FIELD(name, value)                           \
	{                                               \
		SPAN_LITERAL(name), SPAN_LITERAL(value) \
	}
#define H2_FIELDS(table) (table), sizeof(table) / sizeof((table)[0])

/** h2_script_init() - an empty script; @dice may be NULL without CODER_ANY; memory that can't be had aborts */
void h2_script_init(struct h2_script *s, enum h2_coder client, enum h2_coder server, struct dice *dice);
void h2_script_deinit(struct h2_script *s);

/* Anything: bytes, or a frame with whatever is said. */
void h2_raw(struct h2_script *s, enum stream_side side, const void *bytes, size_t len);
void h2_frame(struct h2_script *s, enum stream_side side, uint8_t type, uint8_t flags, uint32_t stream, struct span payload);

/** h2_preface() - the client's, with its SETTINGS, then the server's, and both are acknowledged */
void h2_preface(struct h2_script *s);

/** h2_apart() - what comes next is in another packet than what was, however packets are cut */
void h2_apart(struct h2_script *s);

/** h2_packet_of() - a packet of @side without bytes: it acknowledges, or ends with TCP_FIN or TCP_RST */
void h2_packet_of(struct h2_script *s, enum stream_side side, uint8_t flags);

/** h2_block() - a header block as the side's encoder writes it, appended to @out */
void h2_block(struct h2_script *s, enum stream_side side, const struct header *fields, size_t count, struct buffer *out);

/** h2_headers() - HEADERS and CONTINUATIONs */
void h2_headers(struct h2_script *s, enum stream_side side, uint32_t stream, const struct header *fields, size_t count,
		const struct h2_how *how);

/** h2_headers_block() - the same with a block that is given */
void h2_headers_block(struct h2_script *s, enum stream_side side, uint32_t stream, struct span block, const struct h2_how *how);

/** h2_push() - PUSH_PROMISE of the server, on @stream for @promised */
void h2_push(struct h2_script *s, uint32_t stream, uint32_t promised, const struct header *fields, size_t count);

/** h2_data() - one DATA frame; @pad below 0: not padded */
void h2_data(struct h2_script *s, enum stream_side side, uint32_t stream, struct span bytes, int pad, bool end_stream);

void h2_setting(struct h2_script *s, enum stream_side side, uint16_t id, uint32_t value);
void h2_settings_ack(struct h2_script *s, enum stream_side side);
void h2_rst_stream(struct h2_script *s, enum stream_side side, uint32_t stream, uint32_t error);
void h2_goaway(struct h2_script *s, enum stream_side side, uint32_t last, uint32_t error);
void h2_ping(struct h2_script *s, enum stream_side side, bool ack);
void h2_window_update(struct h2_script *s, enum stream_side side, uint32_t stream, uint32_t increment);
void h2_priority(struct h2_script *s, enum stream_side side, uint32_t stream);

/** h2_table_size() - the encoder's table gets @max, which the next block says first */
void h2_table_size(struct h2_script *s, enum stream_side side, uint32_t max, struct buffer *block);

/** enum h2_cut - where packets end; runs end one in any case */
enum h2_cut { CUT_NOT,
	      CUT_1,
	      CUT_7,
	      CUT_HEADS,
	      CUT_MSS,
	      CUTS };

const char *h2_cut_name(enum h2_cut cut);

struct h2_packet {
	enum stream_side side;
	uint8_t flags;
	bool lost; /* not captured */
	size_t at, len;
	size_t read;    /* bytes of the other side that it acknowledges */
	size_t missing; /* of @len, cut off by the snaplen */
};

struct h2_packets {
	struct h2_packet *at;
	size_t count, cap;
};

/** h2_packets_of() - the script's packets, after a handshake; to be freed with h2_packets_free() */
struct h2_packets h2_packets_of(const struct h2_script *s, enum h2_cut cut);
void h2_packets_free(struct h2_packets *p);

/** h2_packet_split() - packet @i becomes two, of which the first has @len bytes; not if it has no more */
void h2_packet_split(struct h2_packets *p, size_t i, size_t len);

/** struct h2_wire - where a connection is captured; zero will do */
struct h2_wire {
	uint32_t isn[SIDES];
	uint16_t port;  /* of the client; 0: H2_CLIENT_PORT */
	int64_t now_ns; /* of the last packet; a microsecond each */
};

/** h2_feed() - one packet of the script, unless it is lost */
void h2_feed(struct tracker *t, const struct h2_script *s, const struct h2_packet *packet, struct h2_wire *wire);

/** h2_feed_all() - all packets */
void h2_feed_all(struct tracker *t, const struct h2_script *s, const struct h2_packets *packets, struct h2_wire *wire);

#endif
