/* h2_talk.c - see h2_talk.h */
#include "tests/rig/h2_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER_MAX 16
#define FIELDS_MAX 16
#define TEXT_MAX 64

const struct h2_mix h2_mixes[] = {
	{ "plain", CODER_PLAIN, CODER_PLAIN, 12, 4, 2000 },
	{ "names", CODER_NAMES, CODER_NAMES, 12, 4, 2000, .noise = true },
	{ "nghttp2", CODER_NGHTTP2, CODER_NGHTTP2, 16, 8, 4000, .noise = true, .resets = true, .lures = true },
	{ "go", CODER_GO, CODER_GO, 16, 6, 3000, .noise = true, .lures = true, .early = true },
	{ "grpcio", CODER_GRPCIO, CODER_GRPCIO, 20, 6, 3000, .noise = true, .unfinished = true },
	{ "any", CODER_ANY, CODER_ANY, 20, 8, 3000, true, true, true, true, true, true },
	{ "lures", CODER_NAMES, CODER_NAMES, 16, 3, 3000, .lures = true },
	{ "large", CODER_NGHTTP2, CODER_GO, 6, 3, 60000, .noise = true, .lures = true },
};
const size_t h2_mix_count = sizeof(h2_mixes) / sizeof(h2_mixes[0]);

/** struct call - one stream that is open */
struct call {
	uint32_t stream;
	unsigned number;
	struct buffer body;
	size_t sent;
	bool trailers, client_done, grpc;
	bool head_sent, server_done; /* of the answer */
	size_t answer_left;
};

struct talk {
	struct h2_script *s;
	struct dice *d;
	const struct h2_mix *mix;
	struct call calls[TOGETHER_MAX];
	unsigned open, asked, wanted;
	uint32_t next_stream, next_push;
	bool going_away;
};

/** struct fields - a list that is being written; texts are its own */
struct fields {
	struct header at[FIELDS_MAX];
	char texts[FIELDS_MAX][TEXT_MAX];
	size_t count;
};

static void add(struct fields *f, const char *name, const char *value)
{
	if (f->count == FIELDS_MAX)
		abort();
	f->at[f->count++] = (struct header){ span_str(name), span_str(value) };
}

static void add_number(struct fields *f, const char *name, const char *prefix, unsigned number)
{
	snprintf(f->texts[f->count], TEXT_MAX, "%s%u", prefix, number);
	add(f, name, f->texts[f->count]);
}

static struct h2_how form_of(struct talk *t, bool end_stream)
{
	struct h2_how how = { .end_stream = end_stream };

	if (!t->mix->noise || !one_in(t->d, 4))
		return how;
	how.priority = below(t->d, 2);
	how.padded = below(t->d, 2);
	how.pad = (uint8_t)below(t->d, 256);
	if (one_in(t->d, 2)) {
		how.fragment = 60 + below(t->d, 60); /* nghttp2 takes no more than 8 CONTINUATIONs */
		how.first = below(t->d, 10);
	}
	return how;
}

/* ---- bodies ---- */

/** add_frame() - a frame within a body, as h2_frame() writes it */
static void add_frame(struct buffer *b, uint8_t type, uint8_t flags, uint32_t stream, struct span payload)
{
	uint8_t head[H2_FRAME_HEAD] = { 0, (uint8_t)(payload.len >> 8), (uint8_t)payload.len, type, flags, 0, 0,
					(uint8_t)(stream >> 8), (uint8_t)stream };

	buffer_add(b, head, sizeof(head));
	buffer_add_span(b, payload);
}

/** add_lure() - frames that nobody sent: of a stream that is open, or of the one that will be next */
static void add_lure(struct talk *t, struct buffer *b)
{
	/* literals that are not inserted, and those that later heads could refer to */
	static const char *const heads[] = { "\x83\x86\x04\x05/evil\x01\x01h", "\x83\x86\x44\x05/evil\x41\x01h" };
	struct span evil = span_str(heads[below(t->d, 2)]);
	uint32_t stream = t->next_stream + 2 * below(t->d, 3);
	bool body = below(t->d, 2);

	for (uint32_t n = below(t->d, 4); n > 0; n--) {
		if (below(t->d, 2))
			add_frame(b, H2_PING, 0, 0, SPAN_LITERAL("pingpong"));
		else
			add_frame(b, H2_WINDOW_UPDATE, 0, 0, SPAN_LITERAL("\0\0\1\0"));
	}
	if (one_in(t->d, 3)) {
		stream = t->next_stream > 2 ? t->next_stream - 2 : 1;
		add_frame(b, H2_DATA, H2_END_STREAM, stream, SPAN_LITERAL("evil"));
		return;
	}
	add_frame(b, H2_HEADERS, body ? H2_END_HEADERS : H2_END_HEADERS | H2_END_STREAM, stream, evil);
	if (body)
		add_frame(b, H2_DATA, H2_END_STREAM, stream, SPAN_LITERAL("evil"));
	if (one_in(t->d, 2))
		add_frame(b, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, stream + 2, evil);
}

static void add_letters(struct talk *t, struct buffer *b, uint32_t n)
{
	uint8_t byte = (uint8_t)below(t->d, 256), step = (uint8_t)below(t->d, 256);

	for (; n > 0; n--, byte = (uint8_t)(byte + step))
		buffer_add(b, &byte, 1);
}

/** make_body() - numbered, for gRPC as one message or some */
static void make_body(struct talk *t, struct call *c)
{
	uint32_t most = one_in(t->d, 3) ? t->mix->body : t->mix->body < 300 ? t->mix->body
									    : 300;

	for (uint32_t messages = c->grpc ? 1 + one_in(t->d, 4) : 1; messages > 0; messages--) {
		size_t from = c->body.len;

		if (c->grpc)
			buffer_add(&c->body, "\0\0\0\0", 5);
		buffer_printf(&c->body, "#%u ", c->number);
		add_letters(t, &c->body, below(t->d, most));
		if (c->grpc) {
			size_t len = c->body.len - from - 5;

			c->body.bytes[from + 2] = (uint8_t)(len >> 16);
			c->body.bytes[from + 3] = (uint8_t)(len >> 8);
			c->body.bytes[from + 4] = (uint8_t)len;
		}
	}
}

/** send_data() - some bytes more of a request's body; frames of nobody's within it begin a packet */
static void send_data(struct talk *t, struct call *c)
{
	size_t left = c->body.len - c->sent, len = one_in(t->d, 3) ? left : 1 + below(t->d, 1500);
	struct buffer payload = { 0 };
	size_t lure = 0;
	bool end;

	len = len < left ? len : left;
	len = len < 16000 ? len : 16000;
	buffer_add(&payload, c->body.bytes + c->sent, len);
	c->sent += len;
	if (t->mix->lures && !c->grpc && one_in(t->d, 3)) {
		lure = payload.len;
		add_lure(t, &payload);
	}
	end = c->sent == c->body.len && !c->trailers && !one_in(t->d, 4);
	if (lure) {
		uint8_t head[H2_FRAME_HEAD] = { 0,
						(uint8_t)(payload.len >> 8),
						(uint8_t)payload.len,
						H2_DATA,
						end ? H2_END_STREAM : 0,
						0,
						0,
						(uint8_t)(c->stream >> 8),
						(uint8_t)c->stream };

		h2_raw(t->s, SIDE_CLIENT, head, sizeof(head));
		h2_raw(t->s, SIDE_CLIENT, payload.bytes, lure);
		h2_apart(t->s);
		h2_raw(t->s, SIDE_CLIENT, payload.bytes + lure, payload.len - lure);
	} else {
		h2_data(t->s, SIDE_CLIENT, c->stream, buffer_span(&payload),
			t->mix->noise && one_in(t->d, 5) ? (int)below(t->d, 256) : -1, end);
	}
	c->client_done = end;
	buffer_deinit(&payload);
}

/* ---- steps ---- */

static void close_call(struct talk *t, struct call *c)
{
	buffer_deinit(&c->body);
	*c = t->calls[--t->open];
}

static void ask(struct talk *t)
{
	static const char *const methods[] = { "/pkg.Svc/Predict", "/pkg.Svc/List", "/inference.GRPCInferenceService/ModelInfer" };
	struct call *c = &t->calls[t->open++];
	struct fields f = { .count = 0 };
	bool get;

	*c = (struct call){ .stream = t->next_stream, .number = t->asked++, .grpc = below(t->d, 2) == 0 };
	t->next_stream += 2 + (one_in(t->d, 8) ? 2 : 0);
	get = !c->grpc && one_in(t->d, 3);
	add(&f, ":method", get ? "GET" : "POST");
	add(&f, ":scheme", "http");
	if (c->grpc)
		add(&f, ":path", methods[below(t->d, 3)]);
	else if (get)
		add_number(&f, ":path", "/get/", c->number);
	else
		add_number(&f, ":path", "/v1/m", below(t->d, 4));
	add(&f, ":authority", "svc.local:8000");
	if (c->grpc) {
		add(&f, "content-type", "application/grpc");
		add(&f, "te", "trailers");
		add_number(&f, "grpc-timeout", "", 1 + below(t->d, 5));
	} else if (!get) {
		add(&f, "content-type", "application/json");
	}
	add(&f, "user-agent", "test/1");
	if (one_in(t->d, 2))
		add_number(&f, "x-request-id", "id-", c->number);
	if (one_in(t->d, 4)) {
		add_number(&f, "cookie", "a=", below(t->d, 3));
		add(&f, "cookie", "b");
	}
	if (!get)
		make_body(t, c);
	c->trailers = !get && one_in(t->d, 10);
	c->client_done = get;
	{
		struct h2_how how = form_of(t, get);

		h2_headers(t->s, SIDE_CLIENT, c->stream, f.at, f.count, &how);
	}
	c->answer_left = one_in(t->d, 4) ? 0 : below(t->d, 600);
}

/** ask_oddly() - a stream that is no request, or one that is not right */
static void ask_oddly(struct talk *t)
{
	static const struct header connect[] = { H2_FIELD(":method", "CONNECT"), H2_FIELD(":authority", "other:443") };
	static const struct header upper[] = { H2_FIELD(":method", "GET"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/odd"),
					       H2_FIELD("Upper", "x") };
	static const struct header twice[] = { H2_FIELD(":method", "GET"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/odd"),
					       H2_FIELD(":path", "/odd") };
	static const struct header late[] = { H2_FIELD(":method", "GET"), H2_FIELD(":path", "/odd"), H2_FIELD("a", "b"),
					      H2_FIELD(":scheme", "http") };
	static const struct {
		const struct header *at;
		size_t count;
	} rows[] = { { H2_FIELDS(connect) }, { H2_FIELDS(upper) }, { H2_FIELDS(twice) }, { H2_FIELDS(late) } };
	uint32_t which = below(t->d, 4);
	struct h2_how how = form_of(t, which > 0);

	h2_headers(t->s, SIDE_CLIENT, t->next_stream, rows[which].at, rows[which].count, &how);
	if (which == 0)
		h2_data(t->s, SIDE_CLIENT, t->next_stream, SPAN_LITERAL("tunnelled"), -1, true);
	else
		h2_rst_stream(t->s, SIDE_SERVER, t->next_stream, H2_PROTOCOL_ERROR);
	t->next_stream += 2;
}

static void client_step(struct talk *t, struct call *c)
{
	static const struct header trailer[] = { H2_FIELD("x-sum", "1234") };

	if (c->client_done)
		return;
	if (c->sent < c->body.len) {
		send_data(t, c);
	} else if (c->trailers) {
		struct h2_how how = form_of(t, true);

		h2_headers(t->s, SIDE_CLIENT, c->stream, H2_FIELDS(trailer), &how);
		c->client_done = true;
	} else {
		h2_data(t->s, SIDE_CLIENT, c->stream, (struct span){ 0 }, -1, true);
		c->client_done = true;
	}
}

static void answer_head(struct talk *t, struct call *c)
{
	static const struct header hints[] = { H2_FIELD(":status", "103"), H2_FIELD("link", "x") };
	struct fields f = { .count = 0 };
	bool only = c->grpc && one_in(t->d, 6) && c->client_done;
	struct h2_how how;

	if (one_in(t->d, 8)) {
		how = form_of(t, false);
		h2_headers(t->s, SIDE_SERVER, c->stream, H2_FIELDS(hints), &how);
	}
	add(&f, ":status", c->grpc || !one_in(t->d, 5) ? "200" : "503");
	add(&f, "content-type", c->grpc ? "application/grpc" : "application/json");
	add_number(&f, "x-n", "", c->number);
	if (only)
		add(&f, "grpc-status", "13");
	how = form_of(t, only);
	h2_headers(t->s, SIDE_SERVER, c->stream, f.at, f.count, &how);
	c->head_sent = true;
	c->server_done = only;
}

static void server_step(struct talk *t, struct call *c)
{
	static const struct header status[] = { H2_FIELD("grpc-status", "0") };

	if (c->server_done || (!c->client_done && !t->mix->early))
		return;
	if (!c->head_sent) {
		answer_head(t, c);
	} else if (c->answer_left > 0) {
		struct buffer b = { 0 };
		size_t len = 1 + below(t->d, (uint32_t)c->answer_left);
		bool end = !c->grpc && c->client_done && len == c->answer_left && one_in(t->d, 2);

		add_letters(t, &b, (uint32_t)len);
		h2_data(t->s, SIDE_SERVER, c->stream, buffer_span(&b), t->mix->noise && one_in(t->d, 6) ? 3 : -1, end);
		c->answer_left -= len;
		c->server_done = end;
		buffer_deinit(&b);
	} else if (c->client_done) {
		struct h2_how how = form_of(t, true);

		if (c->grpc)
			h2_headers(t->s, SIDE_SERVER, c->stream, H2_FIELDS(status), &how);
		else
			h2_data(t->s, SIDE_SERVER, c->stream, (struct span){ 0 }, -1, true);
		c->server_done = true;
	}
}

/** noise() - frames that mean nothing to requests */
static void noise(struct talk *t)
{
	enum stream_side side = below(t->d, 2) ? SIDE_SERVER : SIDE_CLIENT;

	switch (below(t->d, 7)) {
	case 0:
		h2_ping(t->s, side, false);
		h2_ping(t->s, (enum stream_side) !side, true);
		break;
	case 1:
		h2_window_update(t->s, side, 0, 1 + below(t->d, 5000));
		break;
	case 2:
		if (t->open)
			h2_window_update(t->s, side, t->calls[below(t->d, t->open)].stream, 1 + below(t->d, 5000));
		break;
	case 3:
		h2_priority(t->s, SIDE_CLIENT, t->next_stream + 2 * below(t->d, 4));
		break;
	case 4:
		h2_setting(t->s, side, 3, 100 + below(t->d, 100));
		h2_settings_ack(t->s, (enum stream_side) !side);
		break;
	case 5:
		h2_frame(t->s, side, H2_UNKNOWN, (uint8_t)below(t->d, 256), below(t->d, 9), SPAN_LITERAL("what is it"));
		break;
	default:
		h2_packet_of(t->s, side, 0);
	}
}

static void reset(struct talk *t, struct call *c)
{
	uint32_t how = below(t->d, 4);

	if (how == 0 && !c->client_done) {
		h2_rst_stream(t->s, SIDE_CLIENT, c->stream, H2_CANCEL);
	} else if (how == 1 && !c->head_sent) {
		h2_rst_stream(t->s, SIDE_SERVER, c->stream, H2_REFUSED_STREAM);
	} else if (how == 2) {
		h2_rst_stream(t->s, SIDE_SERVER, c->stream, H2_PROTOCOL_ERROR);
	} else if (how == 3 && !t->going_away && one_in(t->d, 3)) {
		uint32_t last = 0;

		for (unsigned i = 0; i < t->open; i++)
			if (t->calls[i].head_sent && t->calls[i].stream > last)
				last = t->calls[i].stream;
		h2_goaway(t->s, SIDE_SERVER, t->next_stream > 2 && one_in(t->d, 2) ? t->next_stream - 2 : last, H2_NO_ERROR);
		for (unsigned i = t->open; i > 0; i--) /* nothing will come to those above */
			if (t->calls[i - 1].stream > last && !t->calls[i - 1].head_sent)
				close_call(t, &t->calls[i - 1]);
		t->going_away = true;
		return;
	} else {
		return;
	}
	close_call(t, c);
}

static void push(struct talk *t, const struct call *c)
{
	static const struct header promise[] = { H2_FIELD(":method", "GET"), H2_FIELD(":scheme", "http"), H2_FIELD(":path", "/pushed"),
						 H2_FIELD(":authority", "svc.local:8000") };
	static const struct header head[] = { H2_FIELD(":status", "200"), H2_FIELD("x-pushed", "yes") };

	if (c->server_done)
		return;
	h2_push(t->s, c->stream, t->next_push, H2_FIELDS(promise));
	h2_headers(t->s, SIDE_SERVER, t->next_push, H2_FIELDS(head), &(struct h2_how){ .end_stream = true });
	t->next_push += 2;
}

static void step(struct talk *t)
{
	uint32_t what = below(t->d, 16);
	struct call *c = t->open ? &t->calls[below(t->d, t->open)] : NULL;

	if (one_in(t->d, 6))
		h2_apart(t->s);
	if ((!c || what < 4) && t->open < t->mix->together && t->asked < t->wanted && !t->going_away) {
		ask(t);
	} else if (!c) {
		return;
	} else if (what < 9) {
		client_step(t, c);
	} else if (what < 13) {
		server_step(t, c);
		if (c->server_done && c->client_done)
			close_call(t, c);
	} else if (what == 13 && t->mix->noise) {
		noise(t);
	} else if (what == 14 && t->mix->resets && one_in(t->d, 3)) {
		reset(t, c);
	} else if (what == 15 && t->mix->odd && one_in(t->d, 2)) {
		if (below(t->d, 2) && !t->going_away)
			ask_oddly(t);
		else
			push(t, c);
	}
}

void h2_talk(struct h2_script *s, struct dice *d, const struct h2_mix *mix)
{
	struct talk t = { .s = s, .d = d, .mix = mix, .next_stream = 1, .next_push = 2 };
	unsigned rounds;

	t.wanted = 1 + below(d, mix->streams);
	rounds = 40 * t.wanted;
	h2_preface(s);
	for (unsigned i = 0; i < rounds && (t.asked < t.wanted || t.open) && !(t.going_away && !t.open); i++)
		step(&t);
	if (mix->unfinished && one_in(d, 3))
		while (t.open)
			close_call(&t, &t.calls[0]);
	while (t.open) { /* each step brings a call nearer to its end */
		struct call *c = &t.calls[0];

		client_step(&t, c);
		server_step(&t, c);
		if (c->server_done && c->client_done)
			close_call(&t, c);
	}
}
