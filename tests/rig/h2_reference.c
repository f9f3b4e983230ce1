/*
 * h2_reference.c - see h2_reference.h
 *
 * One pass over each direction. First the settings of both are collected, since a reader of two rows of bytes
 * cannot tell which of them were in force when: the most generous ones count.
 */
#include "tests/rig/h2_reference.h"

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

/** struct way - one direction while it is read */
struct way {
	const struct h2_script *script;
	struct h2_truth *truth;
	enum stream_side side;
	nghttp2_hd_inflater *inflater;
	uint32_t frame_max;
	struct buffer block;             /* HEADERS and CONTINUATIONs so far */
	uint32_t block_stream, promised; /* 0: no block is open */
	bool block_ends_stream;
	uint32_t last_stream; /* highest that the client opened */
	size_t run;           /* the run that has the byte which is read */
};

struct frame {
	uint8_t type, flags;
	uint32_t stream;
	struct span payload;
};

enum pseudo { METHOD,
	      SCHEME,
	      PATH,
	      AUTHORITY,
	      PROTOCOL,
	      STATUS,
	      PSEUDOS };

/** struct list - the fields of one block */
struct list {
	struct buffer regular;       /* as lines */
	struct span pseudo[PSEUDOS]; /* NULL: not there */
	struct buffer bytes;         /* what those lie in */
	size_t regular_count;
	bool has_host, bad, is_grpc, has_length, has_pseudo, over;
	uint64_t length;
};

static bool take_frame(struct span *in, struct frame *out)
{
	uint32_t word, stream;

	if (in->len < H2_FRAME_HEAD)
		return false;
	word = (uint32_t)in->at[0] << 16 | (uint32_t)in->at[1] << 8 | in->at[2];
	stream = (uint32_t)in->at[5] << 24 | (uint32_t)in->at[6] << 16 | (uint32_t)in->at[7] << 8 | in->at[8];
	*out = (struct frame){ in->at[3], in->at[4], stream & 0x7fffffff, { 0 } };
	if (in->len - H2_FRAME_HEAD < word) {
		out->payload.len = word;
		return false;
	}
	out->payload = span_of(in->at + H2_FRAME_HEAD, word);
	in->at += H2_FRAME_HEAD + word;
	in->len -= H2_FRAME_HEAD + word;
	return true;
}

static uint32_t u32_of(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct span frames_of(const struct h2_script *s, enum stream_side side)
{
	struct span in = buffer_span(&s->bytes[side]);

	if (side == SIDE_CLIENT && !(span_starts(in, SPAN_LITERAL(H2_PREFACE)) && span_skip(&in, 24)))
		in.len = 0;
	return in;
}

/** highest_setting() - that @side announces */
static uint32_t highest_setting(const struct h2_script *s, enum stream_side side, uint16_t id, uint32_t at_least)
{
	struct span in = frames_of(s, side);
	struct frame f;

	while (take_frame(&in, &f)) {
		if (f.type != H2_SETTINGS || f.flags & H2_ACK)
			continue;
		for (size_t i = 0; i + 6 <= f.payload.len; i += 6) {
			const uint8_t *at = f.payload.at + i;

			if ((at[0] << 8 | at[1]) == id && u32_of(at + 2) > at_least)
				at_least = u32_of(at + 2);
		}
	}
	return at_least;
}

/* ---- header blocks ---- */

static bool name_is_legal(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f || (name.at[i] >= 'A' && name.at[i] <= 'Z') ||
		    (name.at[i] == ':' && i > 0))
			return false;
	return name.len > 0;
}

static bool value_is_legal(struct span value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] == '\0' || value.at[i] == '\r' || value.at[i] == '\n')
			return false;
	return value.len == 0 || !(strchr(" \t", value.at[0]) || strchr(" \t", value.at[value.len - 1]));
}

static bool is_of_connections(struct span name, struct span value)
{
	static const char *const names[] = { "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_equal(name, span_str(names[i])))
			return true;
	return span_equal(name, SPAN_LITERAL("te")) && !span_equal(value, SPAN_LITERAL("trailers"));
}

static bool parse_length(struct span value, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9' || *out > UINT64_MAX / 16)
			return false;
		*out = *out * 10 + (uint64_t)(value.at[i] - '0');
	}
	return value.len > 0;
}

/** set_pseudo() - false: not a pseudo field of requests or responses, or there twice */
static bool set_pseudo(struct list *l, struct span name, struct span value)
{
	static const char *const names[PSEUDOS] = { ":method", ":scheme", ":path", ":authority", ":protocol", ":status" };

	for (int i = 0; i < PSEUDOS; i++) {
		if (!span_equal(name, span_str(names[i])))
			continue;
		if (l->pseudo[i].at)
			return false;
		l->pseudo[i] = value;
		return true;
	}
	return false;
}

static void add_field(struct list *l, struct span name, struct span value)
{
	uint64_t length;

	if (!name_is_legal(name) || !value_is_legal(value))
		l->bad = true;
	if (name.len > 0 && name.at[0] == ':') {
		size_t at = l->bytes.len;

		l->has_pseudo = true;
		buffer_add_span(&l->bytes, value);
		value.at = l->bytes.bytes + at;
		if (l->regular_count > 0 || !set_pseudo(l, name, value))
			l->bad = true;
		return;
	}
	l->regular_count++;
	if (is_of_connections(name, value))
		l->bad = true;
	if (span_equal(name, SPAN_LITERAL("host")))
		l->has_host = true;
	if (span_equal(name, SPAN_LITERAL("content-type")) && span_starts(value, SPAN_LITERAL("application/grpc")) &&
	    (value.len == 16 || value.at[16] == '+' || value.at[16] == ';'))
		l->is_grpc = true;
	if (span_equal(name, SPAN_LITERAL("content-length"))) {
		l->bad |= !parse_length(value, &length) || (l->has_length && length != l->length);
		l->has_length = true;
		l->length = length;
	}
	buffer_add_span(&l->regular, name);
	buffer_add_str(&l->regular, ": ");
	buffer_add_span(&l->regular, value);
	buffer_add_str(&l->regular, "\n");
}

/** inflate() - the fields of the open block; false: it cannot be decoded */
static bool inflate(struct way *w, struct list *l)
{
	struct span block = buffer_span(&w->block);
	size_t size = 0, count = 0;

	*l = (struct list){ 0 };
	buffer_reserve(&l->bytes, 1 << 16); /* of all fields there are less, and it must not move */
	for (;;) {
		nghttp2_nv nv;
		int flags = 0;
		ssize_t used = nghttp2_hd_inflate_hd2(w->inflater, &nv, &flags, block.at, block.len, 1);

		if (used < 0 || !span_skip(&block, (size_t)used))
			return false;
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			size += nv.namelen + nv.valuelen + 32;
			l->over |= size > 65536 || ++count > 256;
			if (!l->over)
				add_field(l, span_of(nv.name, nv.namelen), span_of(nv.value, nv.valuelen));
		}
		if (flags & NGHTTP2_HD_INFLATE_FINAL) {
			nghttp2_hd_inflate_end_headers(w->inflater);
			return true;
		}
	}
}

static void list_free(struct list *l)
{
	buffer_deinit(&l->regular);
	buffer_deinit(&l->bytes);
}

/* ---- streams ---- */

/** request_of() - streams are in the order of their numbers */
static struct h2_request *request_of(struct h2_truth *t, uint32_t stream)
{
	size_t from = 0, to = t->count;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (t->at[middle].stream == stream)
			return &t->at[middle];
		if (t->at[middle].stream < stream)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static struct h2_request *request_new(struct h2_truth *t, uint32_t stream)
{
	if (t->count == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 32;
		t->at = realloc(t->at, t->cap * sizeof(t->at[0]));
		if (!t->at)
			abort();
	}
	t->at[t->count] = (struct h2_request){ .stream = stream, .why = "" };
	return &t->at[t->count++];
}

static void fate(struct h2_request *r, enum h2_fate to, const char *why)
{
	if (r->fate == H2_LOST || r->fate == H2_TUNNEL || (r->fate == H2_EITHER && to == H2_EITHER))
		return;
	r->fate = to;
	r->why = why;
}

/** count_messages() - false: the body is no row of messages */
static bool count_messages(struct h2_request *r)
{
	struct span body = buffer_span(&r->body);

	while (body.len >= 5 && body.at[0] <= 1) {
		uint32_t len = u32_of(body.at + 1);

		r->messages++;
		if (!span_skip(&body, 5 + (size_t)len))
			return false;
	}
	return body.len == 0;
}

/** end_request() - END_STREAM of the client */
static void end_request(struct way *w, struct h2_request *r)
{
	r->ended = true;
	r->ended_at = w->run;
	if (r->is_grpc && !count_messages(r))
		fate(r, H2_LOST, "framing");
}

static void set_head(struct h2_request *r, const struct list *l)
{
	bool connect = span_equal(l->pseudo[METHOD], SPAN_LITERAL("CONNECT"));

	buffer_add_span(&r->method, l->pseudo[METHOD]);
	buffer_add_span(&r->target, l->pseudo[PATH]);
	if (l->pseudo[AUTHORITY].at)
		buffer_add_span(&r->authority, l->pseudo[AUTHORITY]);
	buffer_add_span(&r->fields, buffer_span(&l->regular));
	r->has_host = l->has_host;
	r->is_grpc = l->is_grpc && span_equal(l->pseudo[METHOD], SPAN_LITERAL("POST"));
	r->field_count = l->regular_count;
	if (l->over) {
		fate(r, H2_LOST, "over");
		return;
	}
	if (l->bad || l->pseudo[STATUS].at || l->pseudo[METHOD].len == 0) {
		fate(r, H2_LOST, "malformed");
		return;
	}
	if (connect) { /* 8.5, and RFC 8441 */
		fate(r, H2_TUNNEL, "tunnel");
		return;
	}
	if (l->pseudo[PROTOCOL].at || l->pseudo[SCHEME].len == 0 || l->pseudo[PATH].len == 0)
		fate(r, H2_LOST, "malformed");
	else if (l->pseudo[PATH].at[0] != '/' && !(span_equal(l->pseudo[PATH], SPAN_LITERAL("*")) &&
						   span_equal(l->pseudo[METHOD], SPAN_LITERAL("OPTIONS"))))
		fate(r, H2_EITHER, "path");
	if (l->has_host && l->pseudo[AUTHORITY].at)
		fate(r, H2_EITHER, "host");
}

/** check_length() - content-length and what came (8.1.1) */
static void check_length(struct h2_request *r)
{
	static const char name[] = "content-length: ";
	struct span rest = buffer_span(&r->fields), line = { 0 };

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);
		uint64_t length;

		span_take(&rest, (size_t)(end - rest.at), &line);
		span_skip(&rest, 1);
		if (span_starts(line, span_str(name)) && span_skip(&line, sizeof(name) - 1) && parse_length(line, &length) &&
		    length != r->body.len)
			fate(r, H2_LOST, "malformed");
	}
}

/* ---- the client's frames; false: a connection error ---- */

static bool client_block(struct way *w, struct list *l)
{
	struct h2_request *r = request_of(w->truth, w->block_stream);

	if (!r) {
		if (w->block_stream % 2 == 0 || w->block_stream <= w->last_stream)
			return false;
		w->last_stream = w->block_stream;
		r = request_new(w->truth, w->block_stream);
		r->begun_at = w->run;
		set_head(r, l);
	} else if (r->ended) {
		fate(r, H2_EITHER, "after its end");
		return !r->reset;
	} else if (r->reset) {
		return true;
	} else {
		if (!w->block_ends_stream || l->has_pseudo || l->bad)
			fate(r, H2_LOST, "malformed");
		buffer_add_span(&r->trailers, buffer_span(&l->regular));
	}
	if (w->block_ends_stream) {
		end_request(w, r);
		check_length(r);
	}
	return true;
}

static bool client_data(struct way *w, const struct frame *f, struct span bytes)
{
	struct h2_request *r = request_of(w->truth, f->stream);

	if (f->stream == 0 || f->stream > w->last_stream)
		return false;
	if (!r) /* passed over by a higher one: closed (5.1.1) */
		return false;
	if (r->ended) {
		fate(r, H2_EITHER, "after its end");
		return true;
	}
	if (r->reset)
		return true;
	buffer_add_span(&r->body, bytes);
	if (f->flags & H2_END_STREAM) {
		end_request(w, r);
		check_length(r);
	}
	return true;
}

static bool client_reset(struct way *w, const struct frame *f)
{
	struct h2_request *r = request_of(w->truth, f->stream);

	if (f->stream % 2 == 1 && f->stream > w->last_stream)
		return false;
	if (!r)
		return true;
	r->reset = true;
	if (!r->ended)
		fate(r, H2_LOST, "stream_reset");
	return true;
}

/* ---- the server's frames ---- */

static bool server_block(struct way *w, struct list *l)
{
	struct h2_request *r = request_of(w->truth, w->block_stream);
	uint64_t status = 0;

	if (!r)
		return w->block_stream % 2 == 0;
	if (r->answered == H2_ANSWER_WHOLE || r->answered == H2_ANSWER_BAD)
		return true;
	if (r->status == 0) {
		if (!parse_length(l->pseudo[STATUS], &status) || l->pseudo[STATUS].len != 3 || l->bad || l->over)
			r->answered = H2_ANSWER_BAD;
		if (status >= 100 && status < 200 && r->answered != H2_ANSWER_BAD) {
			if (w->block_ends_stream)
				r->answered = H2_ANSWER_BAD;
			return true;
		}
		if (r->answered == H2_ANSWER_BAD)
			return true;
		r->status = (int)status;
		r->answered = H2_ANSWER_PART;
		buffer_add_span(&r->answer_fields, buffer_span(&l->regular));
	} else {
		if (!w->block_ends_stream || l->has_pseudo || l->bad || l->over)
			r->answered = H2_ANSWER_BAD;
		buffer_add_span(&r->answer_trailers, buffer_span(&l->regular));
	}
	if (w->block_ends_stream && r->answered != H2_ANSWER_BAD) {
		r->answered = H2_ANSWER_WHOLE;
		r->answer_ended_at = w->run;
	}
	return true;
}

static bool server_data(struct way *w, const struct frame *f, struct span bytes)
{
	struct h2_request *r = request_of(w->truth, f->stream);

	if (!r || r->answered != H2_ANSWER_PART) {
		if (r && r->answered == H2_ANSWER_NONE)
			r->answered = H2_ANSWER_BAD;
		return f->stream != 0;
	}
	buffer_add_span(&r->answer_body, bytes);
	if (f->flags & H2_END_STREAM) {
		r->answered = H2_ANSWER_WHOLE;
		r->answer_ended_at = w->run;
	}
	return true;
}

/** said_by() - why a request is lost that the server ends with @code before it has said anything else; NULL: it isn't */
static const char *said_by(uint32_t code)
{
	static const char *const why[] = {
		[1] = "found malformed", [3] = "found malformed", [6] = "found malformed", [9] = "found malformed",
		[7] = "refused", [12] = "refused", [13] = "refused",
	};

	return code < sizeof(why) / sizeof(why[0]) ? why[code] : NULL;
}

static bool server_reset(struct way *w, const struct frame *f)
{
	struct h2_request *r = request_of(w->truth, f->stream);
	const char *why = said_by(u32_of(f->payload.at));

	if (!r)
		return true;
	r->reset = true;
	if (r->answered == H2_ANSWER_NONE && why)
		fate(r, H2_LOST, why);
	else if (!r->ended)
		fate(r, H2_LOST, "stream_reset");
	else if (w->run < r->ended_at)
		fate(r, H2_EITHER, "reset before its end");
	if (r->answered == H2_ANSWER_PART)
		r->answered = H2_ANSWER_BAD;
	return true;
}

static void server_goaway(struct way *w, uint32_t last)
{
	for (size_t i = 0; i < w->truth->count; i++) {
		struct h2_request *r = &w->truth->at[i];

		if (r->stream > last && r->answered == H2_ANSWER_NONE)
			fate(r, H2_LOST, "refused");
	}
}

/* ---- any side's ---- */

/** unpad() - what the padding surrounds; false if there is more of it than there may be */
static bool unpad(const struct frame *f, struct span *out)
{
	uint8_t pad = 0;

	*out = f->payload;
	if (f->flags & H2_PADDED && !span_u8(out, &pad))
		return false;
	if (pad > out->len)
		return false;
	out->len -= pad;
	return true;
}

static bool end_block(struct way *w)
{
	struct list l;
	bool fine = inflate(w, &l);

	if (fine && w->promised)
		w->truth->pushed++;
	else if (fine)
		fine = w->side == SIDE_CLIENT ? client_block(w, &l) : server_block(w, &l);
	list_free(&l);
	buffer_clear(&w->block);
	w->block_stream = w->promised = 0;
	return fine;
}

static bool begin_block(struct way *w, const struct frame *f)
{
	struct span body;

	if (f->stream == 0 || !unpad(f, &body))
		return false;
	w->block_ends_stream = f->type == H2_HEADERS && f->flags & H2_END_STREAM;
	if (f->type == H2_HEADERS && f->flags & H2_WITH_PRIORITY && !span_skip(&body, 5))
		return false;
	if (f->type == H2_PUSH_PROMISE && (w->side == SIDE_CLIENT || !span_u32(&body, &w->promised) || w->promised == 0))
		return false;
	w->block_stream = f->stream;
	buffer_add_span(&w->block, body);
	return f->flags & H2_END_HEADERS ? end_block(w) : true;
}

static bool on_frame(struct way *w, const struct frame *f)
{
	struct span body;

	if (f->payload.len > w->frame_max)
		return false;
	if (w->block_stream && (f->type != H2_CONTINUATION || f->stream != w->block_stream))
		return false;
	switch (f->type) {
	case H2_DATA:
		return unpad(f, &body) && (w->side == SIDE_CLIENT ? client_data(w, f, body) : server_data(w, f, body));
	case H2_HEADERS:
	case H2_PUSH_PROMISE:
		return begin_block(w, f);
	case H2_CONTINUATION:
		if (!w->block_stream)
			return false;
		buffer_add_span(&w->block, f->payload);
		return f->flags & H2_END_HEADERS ? end_block(w) : true;
	case H2_PRIORITY:
		return f->stream != 0;
	case H2_RST_STREAM:
		if (f->payload.len != 4 || f->stream == 0)
			return false;
		return w->side == SIDE_CLIENT ? client_reset(w, f) : server_reset(w, f);
	case H2_SETTINGS:
		return f->stream == 0 && f->payload.len % 6 == 0 && !(f->flags & H2_ACK && f->payload.len);
	case H2_PING:
		return f->stream == 0 && f->payload.len == 8;
	case H2_GOAWAY:
		if (f->stream != 0 || f->payload.len < 8)
			return false;
		if (w->side == SIDE_SERVER)
			server_goaway(w, u32_of(f->payload.at) & 0x7fffffff);
		return true;
	case H2_WINDOW_UPDATE:
		return f->payload.len == 4;
	default:
		return true;
	}
}

static void read_way(struct way *w)
{
	const struct buffer *all = &w->script->bytes[w->side];
	struct span in = frames_of(w->script, w->side);
	uint32_t table = highest_setting(w->script, (enum stream_side) !w->side, H2_HEADER_TABLE_SIZE, 4096);
	struct frame f;

	w->frame_max = highest_setting(w->script, (enum stream_side) !w->side, H2_MAX_FRAME_SIZE, 16384);
	if (nghttp2_hd_inflate_new(&w->inflater) != 0)
		abort();
	if (table > 4096)
		nghttp2_hd_inflate_change_table_size(w->inflater, table);
	while (take_frame(&in, &f)) {
		size_t at = (size_t)(in.at - all->bytes);

		while (w->run + 1 < w->script->run_count &&
		       (w->script->runs[w->run].side != w->side || w->script->runs[w->run].to < at))
			w->run++;
		if (!on_frame(w, &f)) {
			w->truth->broken[w->side] = true;
			break;
		}
	}
	if (w->side == SIDE_CLIENT && !w->truth->broken[SIDE_CLIENT] && w->block_stream > w->last_stream)
		request_new(w->truth, w->block_stream); /* its head does not end */
	nghttp2_hd_inflate_del(w->inflater);
	buffer_deinit(&w->block);
}

struct h2_truth h2_reference(const struct h2_script *s)
{
	struct h2_truth t = { .preface = frames_of(s, SIDE_CLIENT).at != s->bytes[SIDE_CLIENT].bytes };
	struct way client = { .script = s, .truth = &t, .side = SIDE_CLIENT };
	struct way server = { .script = s, .truth = &t, .side = SIDE_SERVER };

	read_way(&client);
	read_way(&server);
	for (size_t i = 0; i < t.count; i++) {
		struct h2_request *r = &t.at[i];

		if (!r->ended)
			fate(r, H2_LOST, t.broken[SIDE_CLIENT] ? "malformed" : "unfinished");
		else if (r->answered == H2_ANSWER_WHOLE && r->answer_ended_at < r->ended_at)
			fate(r, H2_EITHER, "answered before its end");
		else if (r->answered != H2_ANSWER_WHOLE && (t.broken[SIDE_CLIENT] || t.broken[SIDE_SERVER]))
			fate(r, H2_EITHER, "connection error");
	}
	return t;
}

void h2_truth_free(struct h2_truth *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct h2_request *r = &t->at[i];
		struct buffer *all[] = { &r->method, &r->target, &r->authority, &r->fields, &r->body, &r->trailers,
					 &r->answer_fields, &r->answer_body, &r->answer_trailers };

		for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
			buffer_deinit(all[k]);
	}
	free(t->at);
	*t = (struct h2_truth){ 0 };
}

void h2_request_text(const struct h2_request *r, struct buffer *out)
{
	buffer_add_span(out, buffer_span(&r->method));
	buffer_add_str(out, " ");
	buffer_add_span(out, buffer_span(&r->target));
	buffer_add_str(out, "\n");
	if (!r->has_host && r->authority.len > 0) {
		buffer_add_str(out, "host: ");
		buffer_add_span(out, buffer_span(&r->authority));
		buffer_add_str(out, "\n");
	}
	buffer_add_span(out, buffer_span(&r->fields));
	buffer_add_str(out, "\n");
	buffer_add_span(out, buffer_span(&r->body));
}

void h2_answer_text(const struct h2_request *r, struct buffer *out)
{
	buffer_printf(out, "%d\n", r->status);
	buffer_add_span(out, buffer_span(&r->answer_fields));
	buffer_add_str(out, "\n");
	buffer_add_span(out, buffer_span(&r->answer_body));
	buffer_add_str(out, "\n");
	buffer_add_span(out, buffer_span(&r->answer_trailers));
}
