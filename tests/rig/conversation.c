/*
 * conversation.c - see conversation.h
 *
 * The two ends take turns as programs do: what one has read is what its segments acknowledge. Packets are listed in
 * the order in which they pass the tap; damage() then drops, delays and doubles them, each direction by itself.
 */
#include "tests/rig/unit.h"
#include "tests/rig/conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "reassembly/tracker.h"
#include "tests/rig/http_tracker.h"

#define REQUESTS_MAX 24
#define PACKETS_MAX 2048
#define CUTS_MAX 32

static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

struct packet {
	uint64_t key; /* where it is captured */
	bool server;
	uint8_t flags;
	bool interim; /* its first bytes are an interim response */
	bool kept;    /* it is never lost */
	uint32_t seq, ack;
	size_t at, len; /* in the bytes of its side */
	uint32_t missing;
};

struct asked {
	const char *method;
	struct buffer body, response;
	size_t begin;
	int status;
	bool complete, reported, answered, has_response;
};

struct talk {
	const struct mix *mix;
	struct buffer side[2]; /* all that the client, and the server, sent */
	size_t read[2];        /* of it, what the other end has read */
	struct packet packets[PACKETS_MAX];
	size_t count;
	size_t lures[CUTS_MAX], lure_count; /* offsets in the body that is sent next */
	struct asked asked[REQUESTS_MAX];
	unsigned requests, unanswered; /* the first without its response */
	bool over, unsplit; /* unsplit: what is sent next goes in one segment */

	struct budget budget;
	unsigned number_of[REQUESTS_MAX + 1]; /* of the request that got this token */
	unsigned tokens, responses, whole, found;
	uint64_t seed;
};

/* ---- segments ---- */

static struct packet *add_packet(struct talk *t, bool server, size_t at, size_t len)
{
	struct packet *p = &t->packets[t->count++];

	assert_true(t->count <= PACKETS_MAX);
	*p = (struct packet){ .server = server,
			      .flags = TCP_ACK,
			      .seq = 1 + (uint32_t)at,
			      .ack = 1 + (uint32_t)t->read[!server],
			      .at = at,
			      .len = len };
	return p;
}

/** send_to() - the bytes of a side from @from to @to in one segment or some */
static void send_to(struct talk *t, bool server, size_t from, size_t to)
{
	bool whole = below(3) > 0 || t->unsplit;

	t->unsplit = false;
	while (from < to) {
		size_t len = whole ? to - from : 1 + below(300);

		len = len < to - from ? len : to - from;
		add_packet(t, server, from, len);
		from += len;
	}
	t->read[server] = to;
	if (one_in(2))
		add_packet(t, !server, t->side[!server].len, 0);
}

static void send_all(struct talk *t, bool server, size_t from)
{
	send_to(t, server, from, t->side[server].len);
}

/** say() - an interim response */
static void say(struct talk *t, const char *text)
{
	size_t from = t->side[1].len, first = t->count;

	buffer_add_str(&t->side[1], text);
	t->unsplit = true;
	send_all(t, true, from);
	t->packets[first].interim = true;
}

/* ---- requests ---- */

/** fill_body() - blocks of letters, of requests and of responses; where a request begins is noted */
static void fill_body(struct talk *t, struct buffer *body, bool client, size_t most)
{
	static const char *const verbs[] = { "POST", "GET", "PUT", "HEAD" };

	for (uint32_t n = 1 + below(5); n > 0 && body->len < most; n--) {
		uint32_t what = below(4);

		if (what == 0 && client && t->lure_count < CUTS_MAX) {
			t->lures[t->lure_count++] = body->len;
			buffer_printf(body, "%s /evil HTTP/1.1\r\nHost: h\r\nContent-Length: %u\r\n\r\n%s",
				      verbs[below(4)], one_in(4) ? below(400) : 4, "evil");
		} else if (what == 1) {
			buffer_add_str(body, "HTTP/1.1 200 OK\r\nN: 99\r\nContent-Length: 5\r\n\r\nwrong");
		} else {
			for (uint32_t k = below(80); k > 0; k--)
				buffer_add(body, &(uint8_t){ (uint8_t)('a' + below(26)) }, 1);
		}
	}
}

/** send_body() - what was appended to the client's bytes since @from; @start: where the body's first byte is in it */
static void send_body(struct talk *t, size_t from, size_t end, size_t start)
{
	size_t at = from;

	for (size_t i = 0; i < t->lure_count; i++) {
		size_t lure = start + t->lures[i];

		if (lure < at || lure >= end || (lure > at && one_in(3)))
			continue;
		if (lure > at)
			send_to(t, false, at, lure);
		at = lure;
	}
	send_to(t, false, at, end);
}

static struct asked *new_request(struct talk *t, const char *method)
{
	struct asked *a = &t->asked[t->requests++];

	a->method = method;
	a->begin = t->side[0].len;
	t->lure_count = 0;
	return a;
}

static unsigned number_of(const struct talk *t, const struct asked *a)
{
	return (unsigned)(a - t->asked);
}

static void begin_head(struct talk *t, const struct asked *a)
{
	buffer_printf(&t->side[0], "%s /%u HTTP/1.1\r\nHost: h\r\n", a->method, number_of(t, a));
	if (one_in(3))
		buffer_printf(&t->side[0], "X-Pad: %u\r\n", below(1000000));
}

/** add_payload() - the body as it goes over the wire */
static void add_payload(struct talk *t, const struct asked *a, bool chunked)
{
	if (chunked) {
		buffer_printf(&t->side[0], "%zx\r\n", a->body.len);
		buffer_add_span(&t->side[0], buffer_span(&a->body));
		buffer_add_str(&t->side[0], "\r\n0\r\n\r\n");
	} else {
		buffer_add_span(&t->side[0], buffer_span(&a->body));
	}
}

static void end_head(struct talk *t, const struct asked *a, bool chunked)
{
	if (chunked)
		buffer_add_str(&t->side[0], "Transfer-Encoding: chunked\r\n\r\n");
	else
		buffer_printf(&t->side[0], "Content-Length: %zu\r\n\r\n", a->body.len);
}

static void final_response(struct talk *t, struct asked *a, int status);

static size_t chunk_offset(const struct asked *a, bool chunked)
{
	char size[32];

	return chunked ? (size_t)snprintf(size, sizeof(size), "%zx\r\n", a->body.len) : 0;
}

/** ask_plain() - a GET, or a body with its head before it or with it; the response may come early */
static void ask_plain(struct talk *t)
{
	struct asked *a = new_request(t, one_in(4) ? "GET" : one_in(2) ? "POST" : "PUT");
	size_t from = t->side[0].len, start, end;
	bool chunked = one_in(4), apart = one_in(2);

	begin_head(t, a);
	if (strcmp(a->method, "GET") == 0) {
		buffer_add_str(&t->side[0], "\r\n");
		a->complete = true;
		send_all(t, false, from);
		return;
	}
	fill_body(t, &a->body, true, 1000);
	if (a->body.len == 0)
		buffer_add_str(&a->body, "x");
	end_head(t, a, chunked);
	start = t->side[0].len + chunk_offset(a, chunked);
	add_payload(t, a, chunked);
	end = t->side[0].len;
	a->complete = true;
	if (apart)
		send_to(t, false, from, start);
	if (t->mix->early && one_in(3) && t->unanswered + 1 == t->requests && end > start + 2) {
		size_t part = start + 1 + below((uint32_t)(end - start - 1));

		send_to(t, false, apart ? start : from, part);
		final_response(t, a, 200);
		t->unanswered++;
		send_to(t, false, part, end);
		return;
	}
	send_body(t, apart ? start : from, end, start);
}

static void ask_head(struct talk *t)
{
	struct asked *a = new_request(t, "HEAD");
	size_t from = t->side[0].len;

	begin_head(t, a);
	buffer_add_str(&t->side[0], "\r\n");
	a->complete = true;
	send_all(t, false, from);
}

/** ask_expecting() - the client may wait for a 100 or not, and may send the body after a final response or not */
static void ask_expecting(struct talk *t)
{
	static const int refusals[] = { 200, 401, 413, 417 };
	struct asked *a = new_request(t, "POST");
	size_t from = t->side[0].len, start;
	bool chunked = one_in(4);
	uint32_t how = below(6);

	begin_head(t, a);
	buffer_add_str(&t->side[0], one_in(2) ? "Expect: 100-continue\r\n" : "expect: 100-Continue\r\n");
	fill_body(t, &a->body, true, 1000);
	if (one_in(3)) { /* nothing but a request */
		buffer_clear(&a->body);
		t->lure_count = 0;
		t->lures[t->lure_count++] = 0;
		buffer_add_str(&a->body, "POST /evil HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nevil");
	}
	if (a->body.len == 0)
		buffer_add_str(&a->body, "x");
	end_head(t, a, chunked);
	send_all(t, false, from);
	start = t->side[0].len;
	if (how <= 1) { /* refused, and the next request follows, or nothing does */
		final_response(t, a, refusals[below(4)]);
		t->unanswered++;
		t->over = how == 0 && one_in(2);
		return;
	}
	if (how == 2) {
		final_response(t, a, refusals[below(4)]);
		t->unanswered++;
	} else if (how <= 4) {
		if (t->mix->interim && one_in(4))
			say(t, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
		say(t, "HTTP/1.1 100 Continue\r\n\r\n");
	}
	add_payload(t, a, chunked);
	a->complete = true;
	send_body(t, start, t->side[0].len, start + chunk_offset(a, chunked));
}

/** other_protocol() - both ends go on with something else, that looks like HTTP */
static void other_protocol(struct talk *t, const char *first)
{
	for (uint32_t n = 1 + below(4); n > 0; n--) {
		size_t from = t->side[0].len, packet;

		buffer_add_str(&t->side[0], first);
		buffer_add_str(&t->side[0], "POST /evil HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nevil");
		packet = t->count;
		send_to(t, false, from, t->side[0].len);
		t->packets[packet].kept = first[0] == 'P';
		from = t->side[1].len;
		buffer_add_str(&t->side[1], "HTTP/1.1 200 OK\r\nN: 99\r\nContent-Length: 5\r\n\r\nwrong");
		send_all(t, true, from);
		first = "";
	}
	t->over = true;
}

static void ask_upgrade(struct talk *t)
{
	static const char *const protocols[] = { "tcp", "h2c", "websocket", "foo, h2c" };
	struct asked *a = new_request(t, one_in(5) ? "CONNECT" : "GET");
	size_t from = t->side[0].len, first;
	uint32_t which = below(4);
	bool connect = strcmp(a->method, "CONNECT") == 0;

	if (connect)
		buffer_printf(&t->side[0], "CONNECT /%u HTTP/1.1\r\nHost: h\r\n\r\n", number_of(t, a));
	else
		begin_head(t, a);
	if (!connect)
		buffer_printf(&t->side[0], "Connection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocols[which]);
	a->complete = true;
	first = t->count;
	t->unsplit = true;
	send_all(t, false, from);
	for (size_t i = first; i < t->count; i++)
		t->packets[i].kept = true;
	if (one_in(2)) {
		final_response(t, a, connect ? 403 : 400);
	} else {
		from = t->side[1].len;
		buffer_add_str(&t->side[1], connect ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n");
		send_all(t, true, from);
		other_protocol(t, connect || which == 0 || which == 3 ? ""
				  : which == 1 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "\x81\x85");
	}
	t->unanswered++;
}

/* ---- responses ---- */

static void final_response(struct talk *t, struct asked *a, int status)
{
	struct buffer *out = &t->side[1];
	size_t from = out->len;
	bool head = strcmp(a->method, "HEAD") == 0, none = status == 204 || status == 304;

	a->status = status;
	a->has_response = true;
	if (t->mix->interim && one_in(6)) {
		say(t, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
		from = out->len;
	}
	buffer_printf(out, "HTTP/1.1 %d X\r\nN: %u\r\n", status, number_of(t, a));
	if (none || head) {
		buffer_printf(out, "Content-Length: %u\r\n\r\n", status == 204 ? 0 : below(300));
	} else if (fill_body(t, &a->response, false, 600), one_in(2)) {
		buffer_printf(out, "Content-Length: %zu\r\n\r\n", a->response.len);
		buffer_add_span(out, buffer_span(&a->response));
	} else {
		buffer_add_str(out, "Transfer-Encoding: chunked\r\n\r\n");
		if (a->response.len > 0)
			buffer_printf(out, "%zx\r\n%.*s\r\n", a->response.len, (int)a->response.len,
				      (const char *)a->response.bytes);
		buffer_add_str(out, "0\r\n\r\n");
	}
	send_all(t, true, from);
}

static void answer_next(struct talk *t)
{
	struct asked *a = &t->asked[t->unanswered++];

	final_response(t, a, one_in(8) ? 204 : one_in(12) ? 304 : 200);
}

/* ---- the conversation ---- */

static void handshake(struct talk *t)
{
	*add_packet(t, false, 0, 0) = (struct packet){ .flags = TCP_SYN };
	*add_packet(t, true, 0, 0) = (struct packet){ .server = true, .flags = TCP_SYN | TCP_ACK, .ack = 1 };
	add_packet(t, false, 0, 0);
}

static void finish(struct talk *t)
{
	if (one_in(3))
		return;
	for (int server = 0; server < 2; server++)
		add_packet(t, server, t->side[server].len, 0)->flags |= TCP_FIN;
}

static void talk_make(struct talk *t)
{
	const struct mix *mix = t->mix;
	unsigned turns = 2 + below(8), ahead = 0;
	bool pipelines = mix->pipelines && one_in(2);

	handshake(t);
	for (unsigned i = 0; i < turns && !t->over; i++) {
		for (uint32_t n = pipelines ? 1 + below(4) : 1; n > 0 && t->requests < REQUESTS_MAX && !t->over; n--) {
			bool alone = t->unanswered == t->requests;

			if (mix->expects && alone && one_in(3))
				ask_expecting(t);
			else if (mix->upgrades && alone && one_in(4))
				ask_upgrade(t);
			else if (mix->heads && one_in(3))
				ask_head(t);
			else
				ask_plain(t);
		}
		ahead = mix->one_ahead && i > 0 ? 1 : 0;
		while (!t->over && t->unanswered + ahead < t->requests)
			answer_next(t);
	}
	while (!t->over && t->unanswered < t->requests)
		answer_next(t);
	finish(t);
	assert_true(buffer_ok(&t->side[0]) && buffer_ok(&t->side[1]));
}

/* ---- its capture ---- */

static int by_key(const void *a, const void *b)
{
	const struct packet *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static void drop(struct talk *t, size_t i)
{
	if (!t->packets[i].kept)
		t->packets[i].key = UINT64_MAX;
}

/** drop_begin() - what SYN+ACK, first responses and a late start take away */
static void drop_begin(struct talk *t)
{
	size_t responses = below(4), begin = t->mix->midstream ? below((uint32_t)t->count) : 0;

	for (size_t i = 0; i < t->count && t->mix->no_synack; i++)
		if ((t->packets[i].flags & TCP_SYN) && t->packets[i].server)
			drop(t, i);
		else if (t->packets[i].server && t->packets[i].len > 0 && responses > 0 && one_in(2) && responses--)
			drop(t, i);
	for (size_t i = 0; i < begin; i++)
		drop(t, i);
}

static void drop_gap(struct talk *t)
{
	bool server = one_in(3);
	uint32_t n = 1 + below(4);

	for (size_t i = 3 + below((uint32_t)t->count); i < t->count && n > 0; i++)
		if (t->packets[i].server == server && t->packets[i].len > 0 && n--)
			drop(t, i);
}

/** starts_lure() - are the first bytes of @p a request that was never sent? */
static bool starts_lure(const struct talk *t, const struct packet *p)
{
	struct span bytes = span_of(t->side[0].bytes + p->at, t->side[0].len - p->at), method;
	const uint8_t *space = memchr(bytes.at, ' ', bytes.len);

	return space && span_take(&bytes, (size_t)(space - bytes.at), &method) && method.len < 5 &&
	       span_starts(bytes, SPAN_LITERAL(" /evil "));
}

/** begin_clearly() - nothing tells a body that begins with a request line from a request when it is the first packet */
static void begin_clearly(struct talk *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct packet *p = &t->packets[i];

		if ((p->flags & TCP_SYN) || p->interim)
			return;
		if (p->server || p->len == 0)
			continue;
		if (!starts_lure(t, p))
			return;
		memmove(&t->packets[i], &t->packets[i + 1], (t->count - i - 1) * sizeof(*p));
		t->count--;
		i--;
	}
}

static void damage(struct talk *t)
{
	const struct mix *mix = t->mix;
	uint32_t late[2] = { below(mix->late[0] + 1), below(mix->late[1] + 1) };
	bool one_way = mix->one_way && one_in(2);
	size_t count = t->count;

	if (one_in(2))
		late[below(2)] = 0;
	for (size_t i = 0; i < count; i++) {
		struct packet *p = &t->packets[i];

		p->key = (i + late[p->server]) * 2;
		if (p->len == 0 && (p->flags & TCP_SYN))
			p->key = i;
		if (below(1000) < mix->doubled[p->server] && t->count < PACKETS_MAX) {
			struct packet *copy = &t->packets[t->count++];

			*copy = *p;
			copy->key += 1 + 2 * below(6);
		}
		if (below(1000) < mix->cut && p->len > 0) {
			p->missing = 1 + below((uint32_t)p->len);
			p->len -= p->missing;
		}
	}
	drop_begin(t);
	if (mix->gaps)
		drop_gap(t);
	for (size_t i = 0; i < t->count; i++)
		if (below(1000) < mix->lost[t->packets[i].server] || (one_way && t->packets[i].server))
			drop(t, i);
	qsort(t->packets, t->count, sizeof(t->packets[0]), by_key);
	while (t->count > 0 && t->packets[t->count - 1].key == UINT64_MAX)
		t->count--;
	begin_clearly(t);
}

/* ---- the judge ---- */

static void fail_round(const struct talk *t, const char *what, unsigned number)
{
	for (size_t i = 0; getenv("PROPERTY_SHOW") && i < t->count; i++) {
		const struct packet *p = &t->packets[i];

		print_message("%s %02x seq %u ack %u len %zu: %.*s\n", p->server ? "s" : "c", p->flags, p->seq, p->ack,
			      p->len, (int)(p->len < 60 ? p->len : 60), (const char *)t->side[p->server].bytes + p->at);
	}
	fail_msg("%s, seed %llu: %s (/%u of %u)", t->mix->name, (unsigned long long)t->seed, what, number, t->requests);
}

static bool is_body(const struct buffer *want, const void *bytes, uint64_t len)
{
	return len == want->len && (len == 0 || memcmp(bytes, want->bytes, want->len) == 0);
}

static struct head_decision on_head(void *ctx, const struct request_head *head, const struct request_origin *origin)
{
	return (struct head_decision){ .keep = KEEP_WHOLE, .response = true };
}

static void on_request(void *ctx, uint8_t decision, struct message *m, bool out_of_memory)
{
	struct talk *t = ctx;
	struct span target;
	unsigned number = REQUESTS_MAX;
	char text[16] = "";

	assert_non_null(m);
	target = m->head.target;
	if (target.len > 1 && target.len < sizeof(text) && target.at[0] == '/' && target.at[1] != 'e') {
		memcpy(text, target.at + 1, target.len - 1);
		number = (unsigned)strtoul(text, NULL, 10);
	}
	if (number >= t->requests || !t->asked[number].complete)
		fail_round(t, "a request that no client sent", number);
	if (t->asked[number].reported)
		fail_round(t, "a request that is reported twice", number);
	if (!span_equal(m->head.method, span_str(t->asked[number].method)) ||
	    !is_body(&t->asked[number].body, m->body, m->body_len))
		fail_round(t, "a request that was not sent so", number);
	t->asked[number].reported = true;
	t->found++;
	if (m->response_token) {
		assert_true(m->response_token == ++t->tokens);
		t->number_of[t->tokens] = number;
	}
	message_unref(m);
}

static void on_response(void *ctx, uint64_t token, struct response *r)
{
	struct talk *t = ctx;
	unsigned number;
	struct asked *a;

	assert_true(token >= 1 && token <= t->tokens);
	assert_non_null(r);
	number = t->number_of[token];
	a = &t->asked[number];
	if (a->answered)
		fail_round(t, "two responses", number);
	a->answered = true;
	t->responses++;
	if (r->result == RESPONSE_WHOLE) {
		const struct span *label = response_header(r, span_str("n"));
		char text[8];

		snprintf(text, sizeof(text), "%u", number);
		if (!a->has_response || !label || !span_equal(*label, span_str(text)) || r->status_code != a->status ||
		    !is_body(&a->response, r->body, r->body_len))
			fail_round(t, "the response is another's", number);
		t->whole++;
	}
	response_free(r);
}

static void feed(struct tracker *r, const struct talk *t, const struct packet *p, uint32_t isn, int64_t now_ns)
{
	struct endpoint ends[2] = { { .addr = { [15] = 1 }, .port = 40000, .family = 4 },
				    { .addr = { [15] = 2 }, .port = 80, .family = 4 } };
	struct segment s = { .src = ends[p->server],
			     .dst = ends[!p->server],
			     .seq = isn + p->seq + (p->server ? 1000 : 0),
			     .ack = (p->flags & TCP_ACK) ? isn + p->ack + (p->server ? 0 : 1000) : 0,
			     .flags = p->flags,
			     .missing_bytes = p->missing,
			     .ts = { now_ns } };

	if (p->len > 0)
		s.payload = span_of(t->side[p->server].bytes + p->at, p->len);
	tracker_feed(r, &s);
}

static void run(struct talk *t, bool responses)
{
	static const uint16_t ports[] = { 80 };
	struct http_stats stats = { 0 };
	struct http_tracker_options options = { .tracker.server_ports = ports,
					      .tracker.server_port_count = 1,
					      .tracker.hold_bytes = 64 << 10,
					      .http.max_body = 1 << 20,
					      .tracker.idle_ns = 60 * NS_PER_S,
					      .tracker.budget = &t->budget,
					      .http.stats = &stats,
					      .http.llhttp_only = one_in(4),
					      .http.keep_responses = responses,
					      .http.max_response = 1 << 20 };
	struct protocol_sink sink = { t, on_head, on_request, NULL, on_response };
	static const int64_t steps_us[] = { 50, 5000, 300000 }; /* what waits for a gap to close, waits longer or less */
	uint32_t isn = one_in(2) ? UINT32_MAX - below(3000) : below(1000);
	struct tracker *r;

	budget_init(&t->budget, 1 << 28);
	r = http_tracker_new(&options, &sink);
	assert_non_null(r);
	for (size_t i = 0; i < t->count; i++)
		feed(r, t, &t->packets[i], isn, NS_PER_S + (int64_t)(i + 1) * steps_us[t->seed % 3] * NS_PER_US);
	tracker_finish(r);
	tracker_free(r);
	if (t->responses != t->tokens)
		fail_round(t, "not one response for each request", t->responses);
	assert_int_equal(budget_used(&t->budget), 0);
}

static unsigned complete_requests(const struct talk *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->requests; i++)
		n += t->asked[i].complete;
	return n;
}

static void talk_free(struct talk *t)
{
	buffer_deinit(&t->side[0]);
	buffer_deinit(&t->side[1]);
	for (unsigned i = 0; i < t->requests; i++) {
		buffer_deinit(&t->asked[i].body);
		buffer_deinit(&t->asked[i].response);
	}
	free(t);
}

void conversation_round(const struct mix *mix, uint64_t seed, bool responses, struct mix_sum *sum)
{
	struct talk *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	t->mix = mix;
	t->seed = seed;
	talk_make(t);
	damage(t);
	run(t, responses);
	if (mix->whole && t->found != complete_requests(t))
		fail_round(t, "requests are missing", t->found);
	if (mix->paired && responses && t->whole != t->requests)
		fail_round(t, "responses are missing", t->whole);
	sum->sent += complete_requests(t);
	sum->found += t->found;
	sum->paired += t->whole;
	talk_free(t);
}

uint64_t conversation_rounds(uint64_t usual)
{
	const char *wish = getenv("PROPERTY_ROUNDS");

	return wish ? strtoull(wish, NULL, 10) : usual;
}

#define BOTH(n) { n, n }

const struct mix conversation_mixes[] = {
	{ "ordinary", .heads = true, .interim = true, .pipelines = true, .whole = true, .paired = true },
	{ "ordinary, 1 in 100 lost", .heads = true, .interim = true, .lost = BOTH(10) },
	{ "ordinary, 1 in 10 lost", .heads = true, .interim = true, .pipelines = true, .lost = BOTH(100), .cut = 5 },
	{ "client's packets lost", .heads = true, .interim = true, .expects = true, .lost = { 60, 0 }, .gaps = true },
	{ "server's packets lost", .heads = true, .interim = true, .expects = true, .lost = { 0, 60 } },
	{ "doubled", .heads = true, .interim = true, .pipelines = true, .doubled = BOTH(100), .whole = true, .paired = true },
	{ "expect", .expects = true, .interim = true },
	{ "expect, damaged", .expects = true, .interim = true, .heads = true, .lost = BOTH(30), .gaps = true, .doubled = BOTH(20) },
	{ "expect, one way", .expects = true, .one_way = true },
	{ "early responses", .early = true, .interim = true, .whole = true },
	{ "heads, late", .heads = true, .interim = true, .late = BOTH(6) },
	{ "late", .interim = true, .late = BOTH(12) },
	{ "late and lost", .heads = true, .expects = true, .late = BOTH(8), .lost = BOTH(20), .doubled = BOTH(20) },
	{ "no SYN+ACK", .no_synack = true, .heads = true, .lost = { 0, 50 } },
	{ "upgrades", .upgrades = true, .whole = true },
	{ "upgrades, damaged", .upgrades = true, .one_way = true, .lost = BOTH(50) },
	{ "one ahead", .one_ahead = true, .gaps = true },
	{ "midstream", .midstream = true, .expects = true, .heads = true, .interim = true },
	{ "midstream, lost", .midstream = true, .heads = true, .interim = true, .lost = BOTH(30) },
	{ "one way, lost", .one_way = true, .lost = { 40, 0 } },
};
const size_t conversation_mix_count = sizeof(conversation_mixes) / sizeof(conversation_mixes[0]);

void conversation_test(bool responses, uint64_t usual)
{
	for (size_t i = 0; i < conversation_mix_count; i++) {
		struct mix_sum sum = { 0 };

		for (uint64_t seed = 1; seed <= conversation_rounds(usual); seed++)
			conversation_round(&conversation_mixes[i], seed, responses, &sum);
		print_message("%-26s %llu requests, %.2f %% found", conversation_mixes[i].name,
			      (unsigned long long)sum.sent, 100.0 * (double)sum.found / (double)sum.sent);
		if (responses)
			print_message(", %.2f %% with their response", 100.0 * (double)sum.paired / (double)sum.sent);
		print_message("\n");
	}
}
