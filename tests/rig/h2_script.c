/* h2_script.c - see h2_script.h */
#include "tests/rig/h2_script.h"

#include <stdlib.h>
#include <string.h>

#include "tests/rig/hpack_encoder.h"

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

void h2_script_init(struct h2_script *s, enum h2_coder client, enum h2_coder server, struct dice *dice)
{
	*s = (struct h2_script){ .coder = { client, server }, .dice = dice };
	for (int side = 0; side < SIDES; side++) {
		s->encoder[side] = need(malloc(sizeof(struct encoder)));
		s->encoder[side]->count = 0;
		s->encoder[side]->size = 0;
		s->encoder[side]->max = 4096;
	}
}

void h2_script_deinit(struct h2_script *s)
{
	for (int side = 0; side < SIDES; side++) {
		free(s->encoder[side]);
		buffer_deinit(&s->bytes[side]);
	}
	free(s->runs);
}

/* ---- bytes ---- */

static struct h2_run *add_run(struct h2_script *s, enum stream_side side, uint8_t flags)
{
	if (s->run_count == s->run_cap) {
		s->run_cap = s->run_cap ? 2 * s->run_cap : 64;
		s->runs = need(realloc(s->runs, s->run_cap * sizeof(s->runs[0])));
	}
	s->runs[s->run_count] = (struct h2_run){ side, flags, s->bytes[side].len };
	return &s->runs[s->run_count++];
}

void h2_raw(struct h2_script *s, enum stream_side side, const void *bytes, size_t len)
{
	struct h2_run *run = s->run_count ? &s->runs[s->run_count - 1] : NULL;

	if (!run || run->side != side || run->flags || s->apart)
		run = add_run(s, side, 0);
	s->apart = false;
	buffer_add(&s->bytes[side], bytes, len);
	if (!buffer_ok(&s->bytes[side]))
		abort();
	run->to = s->bytes[side].len;
}

void h2_apart(struct h2_script *s)
{
	s->apart = true;
}

void h2_packet_of(struct h2_script *s, enum stream_side side, uint8_t flags)
{
	add_run(s, side, flags);
	s->apart = true;
}

/* ---- frames ---- */

static void put_u32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
}

void h2_frame(struct h2_script *s, enum stream_side side, uint8_t type, uint8_t flags, uint32_t stream, struct span payload)
{
	uint8_t head[H2_FRAME_HEAD] = { (uint8_t)(payload.len >> 16), (uint8_t)(payload.len >> 8), (uint8_t)payload.len, type,
					flags };

	put_u32(head + 5, stream);
	h2_raw(s, side, head, sizeof(head));
	h2_raw(s, side, payload.at, payload.len);
}

void h2_preface(struct h2_script *s)
{
	if (s->server_first)
		h2_frame(s, SIDE_SERVER, H2_SETTINGS, 0, 0, (struct span){ 0 });
	h2_raw(s, SIDE_CLIENT, H2_PREFACE, sizeof(H2_PREFACE) - 1);
	h2_frame(s, SIDE_CLIENT, H2_SETTINGS, 0, 0, (struct span){ 0 });
	if (!s->server_first)
		h2_frame(s, SIDE_SERVER, H2_SETTINGS, 0, 0, (struct span){ 0 });
	h2_settings_ack(s, SIDE_SERVER);
	h2_settings_ack(s, SIDE_CLIENT);
}

/** put_padded() - @body after its pad length, and the padding */
static void put_padded(struct buffer *out, uint8_t pad, struct span body)
{
	static const uint8_t zeros[256];

	buffer_add(out, &pad, 1);
	buffer_add_span(out, body);
	buffer_add(out, zeros, pad);
}

void h2_headers_block(struct h2_script *s, enum stream_side side, uint32_t stream, struct span block, const struct h2_how *how)
{
	struct buffer payload = { 0 }, body = { 0 };
	struct span part = block;
	uint8_t flags = (uint8_t)((how->end_stream ? H2_END_STREAM : 0) | (how->priority ? H2_WITH_PRIORITY : 0) |
				  (how->padded ? H2_PADDED : 0));

	if (how->fragment) {
		size_t first = how->first < block.len ? how->first : block.len;

		span_take(&block, first, &part);
	} else {
		block.len = 0;
	}
	if (how->priority)
		buffer_add(&body, "\0\0\0\0\x0f", 5);
	buffer_add_span(&body, part);
	if (how->padded)
		put_padded(&payload, how->pad, buffer_span(&body));
	else
		buffer_add_span(&payload, buffer_span(&body));
	h2_frame(s, side, H2_HEADERS, (uint8_t)(flags | (block.len ? 0 : H2_END_HEADERS)), stream, buffer_span(&payload));
	while (block.len > 0) {
		span_take(&block, how->fragment < block.len ? how->fragment : block.len, &part);
		h2_frame(s, side, H2_CONTINUATION, block.len ? 0 : H2_END_HEADERS, stream, part);
	}
	buffer_deinit(&payload);
	buffer_deinit(&body);
}

void h2_headers(struct h2_script *s, enum stream_side side, uint32_t stream, const struct header *fields, size_t count,
		const struct h2_how *how)
{
	struct buffer block = { 0 };

	h2_block(s, side, fields, count, &block);
	h2_headers_block(s, side, stream, buffer_span(&block), how);
	buffer_deinit(&block);
}

void h2_push(struct h2_script *s, uint32_t stream, uint32_t promised, const struct header *fields, size_t count)
{
	struct buffer payload = { 0 };
	uint8_t id[4];

	put_u32(id, promised);
	buffer_add(&payload, id, 4);
	h2_block(s, SIDE_SERVER, fields, count, &payload);
	h2_frame(s, SIDE_SERVER, H2_PUSH_PROMISE, H2_END_HEADERS, stream, buffer_span(&payload));
	buffer_deinit(&payload);
}

void h2_data(struct h2_script *s, enum stream_side side, uint32_t stream, struct span bytes, int pad, bool end_stream)
{
	struct buffer payload = { 0 };
	uint8_t flags = end_stream ? H2_END_STREAM : 0;

	if (pad >= 0) {
		put_padded(&payload, (uint8_t)pad, bytes);
		bytes = buffer_span(&payload);
		flags |= H2_PADDED;
	}
	h2_frame(s, side, H2_DATA, flags, stream, bytes);
	buffer_deinit(&payload);
}

void h2_setting(struct h2_script *s, enum stream_side side, uint16_t id, uint32_t value)
{
	uint8_t payload[6] = { (uint8_t)(id >> 8), (uint8_t)id };

	put_u32(payload + 2, value);
	h2_frame(s, side, H2_SETTINGS, 0, 0, span_of(payload, sizeof(payload)));
}

void h2_settings_ack(struct h2_script *s, enum stream_side side)
{
	h2_frame(s, side, H2_SETTINGS, H2_ACK, 0, (struct span){ 0 });
}

static void frame_u32(struct h2_script *s, enum stream_side side, uint8_t type, uint32_t stream, uint32_t n)
{
	uint8_t payload[4];

	put_u32(payload, n);
	h2_frame(s, side, type, 0, stream, span_of(payload, sizeof(payload)));
}

void h2_rst_stream(struct h2_script *s, enum stream_side side, uint32_t stream, uint32_t error)
{
	frame_u32(s, side, H2_RST_STREAM, stream, error);
}

void h2_window_update(struct h2_script *s, enum stream_side side, uint32_t stream, uint32_t increment)
{
	frame_u32(s, side, H2_WINDOW_UPDATE, stream, increment);
}

void h2_goaway(struct h2_script *s, enum stream_side side, uint32_t last, uint32_t error)
{
	uint8_t payload[8];

	put_u32(payload, last);
	put_u32(payload + 4, error);
	h2_frame(s, side, H2_GOAWAY, 0, 0, span_of(payload, sizeof(payload)));
}

void h2_ping(struct h2_script *s, enum stream_side side, bool ack)
{
	h2_frame(s, side, H2_PING, ack ? H2_ACK : 0, 0, SPAN_LITERAL("pingpong"));
}

void h2_priority(struct h2_script *s, enum stream_side side, uint32_t stream)
{
	h2_frame(s, side, H2_PRIORITY, 0, stream, SPAN_LITERAL("\0\0\0\0\x0f"));
}

/* ---- header blocks ---- */

/* RFC 7541, appendix A: the rows that tests have a use for */
static const struct row {
	unsigned index;
	struct span name, value;
} static_rows[] = {
#define ROW(index, name, value) { index, SPAN_LITERAL(name), SPAN_LITERAL(value) },
	ROW(1, ":authority", "") ROW(2, ":method", "GET") ROW(3, ":method", "POST")
		ROW(4, ":path", "/") ROW(5, ":path", "/index.html") ROW(6, ":scheme", "http")
			ROW(7, ":scheme", "https") ROW(8, ":status", "200") ROW(9, ":status", "204")
				ROW(10, ":status", "206") ROW(11, ":status", "304") ROW(12, ":status", "400")
					ROW(13, ":status", "404") ROW(14, ":status", "500") ROW(16, "accept-encoding", "gzip, deflate")
						ROW(19, "accept", "") ROW(28, "content-length", "") ROW(31, "content-type", "")
							ROW(32, "cookie", "") ROW(33, "date", "") ROW(38, "host", "")
								ROW(54, "server", "") ROW(58, "user-agent", "")
#undef ROW
};

/** struct found - where a field stands in the two tables; 0: nowhere */
struct found {
	unsigned field, name, static_name;
};

static struct found find(const struct encoder *e, struct span name, struct span value)
{
	struct found f = { 0 };

	for (size_t i = 0; i < sizeof(static_rows) / sizeof(static_rows[0]); i++) {
		const struct row *row = &static_rows[i];

		if (!span_equal(row->name, name))
			continue;
		if (!f.name)
			f.name = f.static_name = row->index;
		if (!f.field && span_equal(row->value, value))
			f.field = row->index;
	}
	for (size_t i = 0; i < e->count; i++) {
		const struct encoder_entry *entry = &e->entries[i];

		if (!span_equal(span_of(entry->name, entry->name_len), name))
			continue;
		if (!f.name)
			f.name = 62 + (unsigned)i;
		if (!f.field && span_equal(span_of(entry->value, entry->value_len), value))
			f.field = 62 + (unsigned)i;
	}
	return f;
}

enum literal { LITERAL_INSERTED,
	       LITERAL_PLAIN,
	       LITERAL_NEVER };

static void put_literal(struct encoder *e, struct buffer *b, enum literal kind, unsigned name_index, struct span name,
			struct span value, bool huffman)
{
	static const struct {
		uint8_t first;
		unsigned bits;
	} forms[] = { { 0x40, 6 }, { 0x00, 4 }, { 0x10, 4 } };

	if (kind == LITERAL_INSERTED && (name.len > ENCODER_TEXT_MAX || value.len > ENCODER_TEXT_MAX))
		kind = LITERAL_PLAIN;
	put_integer(b, forms[kind].first, forms[kind].bits, name_index);
	if (!name_index)
		put_string(b, name, huffman);
	put_string(b, value, huffman);
	if (kind == LITERAL_INSERTED)
		encoder_insert(e, name, value);
}

static bool is_one_of(struct span name, const char *const *names)
{
	for (; *names; names++)
		if (span_equal(name, span_str(*names)))
			return true;
	return false;
}

/** put_indexing() - an index if there is one, else an insertion */
static void put_indexing(struct encoder *e, struct buffer *b, const struct header *h, bool huffman)
{
	struct found f = find(e, h->name, h->value);

	if (f.field)
		put_integer(b, 0x80, 7, f.field);
	else
		put_literal(e, b, LITERAL_INSERTED, f.name, h->name, h->value, huffman);
}

static void put_any(struct h2_script *s, struct encoder *e, struct buffer *b, const struct header *h)
{
	struct found f = find(e, h->name, h->value);

	if (f.field && !one_in(s->dice, 4)) {
		put_integer(b, 0x80, 7, f.field);
		return;
	}
	put_literal(e, b, below(s->dice, 3) ? LITERAL_INSERTED : below(s->dice, 2) ? LITERAL_PLAIN
										   : LITERAL_NEVER,
		    one_in(s->dice, 4) ? 0 : f.name, h->name, h->value, below(s->dice, 2));
}

static void put_field(struct h2_script *s, enum stream_side side, struct buffer *b, const struct header *h)
{
	static const char *const not_by_nghttp2[] = { ":path", "content-length", "age", "set-cookie", "location", "etag", NULL };
	static const char *const by_grpcio[] = { ":path", ":authority", ":method", ":scheme", "content-type", "te", "user-agent",
						 "grpc-accept-encoding", "grpc-timeout", ":status", "grpc-status", NULL };
	struct encoder *e = s->encoder[side];
	struct found f = find(e, h->name, h->value);

	switch (s->coder[side]) {
	case CODER_PLAIN:
		put_literal(e, b, LITERAL_PLAIN, 0, h->name, h->value, false);
		return;
	case CODER_NAMES:
		if (f.field && f.field < 62)
			put_integer(b, 0x80, 7, f.field);
		else
			put_literal(e, b, LITERAL_PLAIN, f.static_name, h->name, h->value, true);
		return;
	case CODER_NGHTTP2:
		if (is_one_of(h->name, not_by_nghttp2))
			put_literal(e, b, LITERAL_PLAIN, f.static_name, h->name, h->value, true);
		else
			put_indexing(e, b, h, true);
		return;
	case CODER_GO:
		put_indexing(e, b, h, true);
		return;
	case CODER_GRPCIO:
		if (is_one_of(h->name, by_grpcio))
			put_indexing(e, b, h, false);
		else
			put_literal(e, b, LITERAL_PLAIN, 0, h->name, h->value, false);
		return;
	case CODER_ANY:
		put_any(s, e, b, h);
		return;
	case CODERS:
		break;
	}
	abort();
}

void h2_table_size(struct h2_script *s, enum stream_side side, uint32_t max, struct buffer *block)
{
	encoder_resize(s->encoder[side], block, max);
}

void h2_block(struct h2_script *s, enum stream_side side, const struct header *fields, size_t count, struct buffer *out)
{
	if (s->coder[side] == CODER_ANY && one_in(s->dice, 8)) {
		if (below(s->dice, 2))
			h2_table_size(s, side, below(s->dice, 200), out);
		h2_table_size(s, side, below(s->dice, 4097), out);
	}
	for (size_t i = 0; i < count; i++)
		put_field(s, side, out, &fields[i]);
}

/* ---- packets ---- */

const char *h2_cut_name(enum h2_cut cut)
{
	static const char *const names[] = { "a run a packet", "1 byte", "7 bytes", "within frame heads", "1448 bytes" };

	return names[cut];
}

static void add_packet(struct h2_packets *p, struct h2_packet packet)
{
	if (p->count == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 256;
		p->at = need(realloc(p->at, p->cap * sizeof(p->at[0])));
	}
	p->at[p->count++] = packet;
}

/** struct cutter - where the next frame of a side begins, if what it sends is frames */
struct cutter {
	size_t next;
	bool begun;
};

/** next_head() - a place within the first frame head at or behind @at, or the end */
static size_t next_head(const struct h2_script *s, enum stream_side side, struct cutter *c, size_t at)
{
	const struct buffer *b = &s->bytes[side];

	if (!c->begun && side == SIDE_CLIENT && b->len >= 24 && memcmp(b->bytes, H2_PREFACE, 24) == 0)
		c->next = 24;
	c->begun = true;
	while (c->next + H2_FRAME_HEAD <= b->len) {
		size_t within = c->next + 1 + c->next % (H2_FRAME_HEAD - 1);

		if (within > at)
			return within;
		c->next += H2_FRAME_HEAD + ((size_t)b->bytes[c->next] << 16 | (size_t)b->bytes[c->next + 1] << 8 |
					    b->bytes[c->next + 2]);
	}
	return b->len;
}

static size_t next_end(const struct h2_script *s, enum stream_side side, enum h2_cut cut, struct cutter *c, size_t at)
{
	switch (cut) {
	case CUT_NOT:
		return SIZE_MAX;
	case CUT_1:
		return at + 1;
	case CUT_7:
		return at + 7;
	case CUT_HEADS:
		return next_head(s, side, c, at);
	case CUT_MSS:
		return at + 1448;
	case CUTS:
		break;
	}
	abort();
}

struct h2_packets h2_packets_of(const struct h2_script *s, enum h2_cut cut)
{
	struct h2_packets p = { 0 };
	struct cutter cutters[SIDES] = { 0 };
	size_t sent[SIDES] = { 0 };

	add_packet(&p, (struct h2_packet){ .side = SIDE_CLIENT, .flags = TCP_SYN });
	add_packet(&p, (struct h2_packet){ .side = SIDE_SERVER, .flags = TCP_SYN | TCP_ACK });
	add_packet(&p, (struct h2_packet){ .side = SIDE_CLIENT, .flags = TCP_ACK });
	for (size_t i = 0; i < s->run_count; i++) {
		const struct h2_run *run = &s->runs[i];
		enum stream_side side = run->side;

		if (sent[side] == run->to)
			add_packet(&p, (struct h2_packet){ side, run->flags | TCP_ACK, false, sent[side], 0, sent[!side], 0 });
		while (sent[side] < run->to) {
			size_t end = next_end(s, side, cut, &cutters[side], sent[side]);

			end = end < run->to ? end : run->to;
			add_packet(&p, (struct h2_packet){ side, TCP_ACK | TCP_PSH, false, sent[side], end - sent[side],
							   sent[!side], 0 });
			sent[side] = end;
		}
	}
	return p;
}

void h2_packets_free(struct h2_packets *p)
{
	free(p->at);
	*p = (struct h2_packets){ 0 };
}

void h2_packet_split(struct h2_packets *p, size_t i, size_t len)
{
	struct h2_packet rest = p->at[i];

	if (len >= rest.len)
		return;
	add_packet(p, rest);
	memmove(&p->at[i + 1], &p->at[i], (p->count - 1 - i) * sizeof(p->at[0]));
	p->at[i].len = len;
	p->at[i + 1].at += len;
	p->at[i + 1].len -= len;
}

static struct endpoint end_of(uint8_t host, uint16_t port)
{
	struct endpoint e = { .port = port, .family = 4 };

	e.addr[12] = 192;
	e.addr[14] = 2;
	e.addr[15] = host;
	return e;
}

void h2_feed(struct tracker *t, const struct h2_script *s, const struct h2_packet *p, struct h2_wire *wire)
{
	struct endpoint ends[SIDES] = { end_of(1, wire->port ? wire->port : H2_CLIENT_PORT), end_of(2, H2_SERVER_PORT) };
	bool syn = p->flags & TCP_SYN;
	size_t len = p->len - p->missing;
	uint8_t *exact;

	wire->now_ns += NS_PER_US;
	if (p->lost)
		return;
	exact = need(malloc(len + 1)); /* behind the bytes as few as can be, so that reading past them is seen */
	if (len > 0)
		memcpy(exact + 1, s->bytes[p->side].bytes + p->at, len);
	tracker_feed(t, &(struct segment){
				.src = ends[p->side],
				.dst = ends[!p->side],
				.payload = span_of(exact + 1, len),
				.ts = { 1700000000 * NS_PER_S + wire->now_ns },
				.seq = wire->isn[p->side] + (syn ? 0 : 1) + (uint32_t)p->at,
				.ack = p->flags & TCP_ACK ? wire->isn[!p->side] + 1 + (uint32_t)p->read : 0,
				.flags = p->flags,
				.missing_bytes = (uint32_t)p->missing,
			});
	free(exact);
}

void h2_feed_all(struct tracker *t, const struct h2_script *s, const struct h2_packets *packets, struct h2_wire *wire)
{
	for (size_t i = 0; i < packets->count; i++)
		h2_feed(t, s, &packets->at[i], wire);
}
