/*
 * http.c - the HTTP/1 messages of one connection, both directions
 *
 * Theory of operation. llhttp finds the ends of heads, chunks and bodies; each
 * message gets a parser that begins anew, so what llhttp thinks of data after
 * "Connection: close" or after an Upgrade never costs a later request. Only a
 * 101, or a 2xx to CONNECT, ends HTTP on a connection. The parser is paused
 * where its loose rules must be checked: it skips the byte after a CR without
 * looking, and the CRLF after a chunk likewise. A server that looks would see
 * other requests than we do (request smuggling), so we look.
 *
 * Requests are counted from the end of the method, or, where the position was
 * guessed after a hole, from the end of the request line.
 *
 * A hole. The request that it touches is lost at once. Inside a body with
 * Content-Length the parser is fed filler for the missing bytes, and the next
 * request is where counting says. Anywhere else the position is lost
 * (REQUEST_LOST), and a request may begin only where a segment begins, with a
 * whole request line. But the lost request's body may hold just that. What
 * tells them apart is how far the client had read the answers: without
 * pipelining a client sends the next request only after the answer to the one
 * before, so the segment of a true next request acknowledges bytes that no
 * segment of the lost one did. This needs the client's direction only.
 *
 * It cannot tell apart two cases: the hole took the end of one request, or the
 * end of one and the head of the next, whose body is what we see. So where the
 * answers are captured as well, up to what the segment acknowledges, they
 * decide: a server that answers has read the request to its end, and the
 * segment on which its final answer begins acknowledges just that. The next
 * request begins there and nowhere else. An interim 100 is not final, so a body
 * sent after "Expect: 100-continue" is not taken for a request; an answer that
 * comes early, before the body ends, costs one more request.
 *
 * Where pipelining was seen (a request that began with the ack of the one
 * before, or in the same segment) acks prove nothing. If nothing but heads went
 * by on the connection, a GET or HEAD at the begin of a segment is taken. Else
 * the rules above hold: the rest of a pipelined batch stays unseen after a hole
 * in it, because the alternative is to send what somebody quoted in a body.
 *
 * The other price: with the client's direction alone, or holes in the answers
 * at the same place, a hole that swallows the head of a request whose body
 * begins, at a segment, with a request line lets that line pass.
 *
 * A capture that begins inside a connection has the same state from the start.
 *
 * A client that asks "Expect: 100-continue", gets a final answer and never
 * sends the body breaks its request off: it is lost as "reset", since the
 * client gave it up, not the capture. We know it when the next segment begins
 * a request with a higher ack.
 *
 * Answers are parsed for what they say about requests: interim or final, 101,
 * and how many. An answer that cannot be parsed, or a hole in one, stops only
 * that: the count is not used until a segment begins with a status line again
 * and the next request begins.
 *
 * llhttp refuses targets without a leading slash, which servers accept. So it
 * is paused after the method, and unless the target begins with "/", "*",
 * "http://" or "https://", or belongs to CONNECT, it is fed a slash first that
 * is not recorded.
 */
#include "reassembly/http.h"

#include <stdlib.h>
#include <string.h>

#include "reassembly/request_line.h"
#include "reassembly/sequence.h"

#define OUTSTANDING_MAX 64 /* requests without an answer whose kind we remember; power of two */
#define PROBE_MAX 8        /* "https://" */
#define BEGINS_MAX 8       /* answers whose begin we remember; power of two */

enum request_state {
	REQUEST_NONE,   /* between requests, or in one whose method is not complete: nothing is counted */
	REQUEST_TARGET, /* after the method; the target's first bytes are in probe */
	REQUEST_HEAD,
	REQUEST_BODY,
	REQUEST_LOST,   /* the position is not known: wait for a segment that begins a request */
	REQUEST_TUNNEL, /* CONNECT was sent: bytes are dropped until the answer says what they are */
	REQUEST_OVER,   /* see fate */
};

enum pause { PAUSE_NONE, PAUSE_METHOD, PAUSE_HEAD, PAUSE_CHUNK_HEAD, PAUSE_CHUNK_END, PAUSE_MESSAGE };

/* What an answer means depends on what was asked. */
enum asked { ASKED_PLAIN, ASKED_HEAD, ASKED_CONNECT, ASKED_UPGRADE, ASKED_H2C };

struct http {
	struct http *next; /* in the list of spare ones */
	struct http_env *env;
	const struct stream *answers;
	struct request request;
	llhttp_t client, server;
	enum request_state state;
	enum http_fate fate;
	enum pause pause;
	uint64_t body_left;   /* of a body with Content-Length */
	uint64_t answer_left; /* likewise, of the answer */
	struct wall now;      /* of the segment at hand */
	uint32_t now_seq, now_ack;
	uint32_t ordinal;        /* requests counted on this connection */
	uint32_t read_ack;       /* with read_known: the highest ack on segments with payload of the client */
	uint32_t sent, answered; /* requests sent and final answers begun; they wrap together */
	uint32_t head_ack;       /* of the segment that completed the head */
	uint32_t answer_begin;   /* sequence number of the first byte of the answer at hand */
	uint32_t placed_at; /* where the answers could be followed again after it was not known where they begin
			     */
	uint32_t answer_ack;         /* on the segment that it began in */
	uint32_t begins[BEGINS_MAX]; /* of the last final answers, by their number */
	uint32_t ends[BEGINS_MAX]; /* where the server was in the requests then: what its answer acknowledged */
	uint8_t asked[OUTSTANDING_MAX];
	struct span line;     /* with begun_here: from the request's first byte to the end of the segment */
	size_t name_len;      /* of the field's name at hand, so far */
	const char *parse_at; /* the bytes that llhttp is given now */
	uint8_t probe[PROBE_MAX], probe_len;
	uint8_t last[2]; /* the last bytes that the client's parser took */
	bool now_has_ack, read_known;
	bool first;          /* nothing has shown yet that the connection speaks HTTP */
	bool begun;          /* the parser and a head are set up for a request */
	bool begun_here;     /* ... in this segment */
	bool any_byte;       /* ... and its first byte was here */
	bool run_again;      /* llhttp has more to say about the bytes that it took */
	bool tentative;      /* ... at a place that was guessed */
	bool tentative_here; /* ... at the begin of this segment */
	bool tentative_failed;
	bool began_pipelined, pipelining;
	bool bodies;         /* some request of the connection had a body */
	bool completed_here; /* a request was completed in this segment */
	bool pushed;         /* the request in the making is counted in sent */
	bool slash;          /* the slash that is fed is ours */
	bool chunked, last_chunk, expects, refused;
	bool upgrade_asked;   /* some request asked for an upgrade that was neither granted nor denied */
	bool upgrade_granted; /* by a 101 that came before the request was complete, or was captured before it
			       */
	bool answering;       /* the server's parser is inside an answer */
	bool answers_placed;  /* it is known where answers begin */
	bool answers_whole;   /* ... and has been from the begin of the connection */
	bool answers_known;   /* sent and answered can be compared */
	bool switched;        /* the answer at hand ends HTTP */
};

/* ---- the client's parser ------------------------------------------------ */

static struct http *http_of(llhttp_t *p)
{
	return p->data;
}

/** has_control() - any control character but a tab? llhttp's lenient headers let them through. */
static bool has_control(const char *at, size_t len)
{
	const uint64_t ones = 0x0101010101010101U, tops = 0x8080808080808080U;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) { /* eight at a time: is there a byte below 0x20, or 0x7f? */
		uint64_t v, low, del;

		memcpy(&v, at + i, 8);
		low = (v - ones * 0x20) & ~v & tops;
		del = ((v ^ ones * 0x7f) - ones) & ~(v ^ ones * 0x7f) & tops;
		if (low | del)
			break;
	}
	for (; i < len; i++)
		if (((uint8_t)at[i] < 0x20 && at[i] != '\t') || at[i] == 0x7f)
			return true;
	return false;
}

/** answered_by() - final answers of which the client had read something when it sent its segment with @ack */
static uint32_t answered_by(const struct http *h, uint32_t ack)
{
	uint32_t n = h->answered;

	for (int i = 0; i < BEGINS_MAX && n > 0; i++, n--)
		if (seq_before(h->begins[(n - 1) % BEGINS_MAX], ack))
			break;
	return n;
}

/** begins_pipelined() - did the client not wait for the answer to the request before? */
static bool begins_pipelined(const struct http *h)
{
	if (h->sent == 0 || (h->answers_known && seq_distance(h->sent, answered_by(h, h->now_ack)) >= 0))
		return false; /* an early answer can be read before the request's own end: the ack says nothing
				 then */
	return h->completed_here || (h->read_known && h->now_has_ack && !seq_before(h->read_ack, h->now_ack));
}

static int on_method(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!h->any_byte && len > 0) {
		h->any_byte = true;
		h->request.origin.ts_first = h->now;
		h->began_pipelined = begins_pipelined(h);
	}
	return head_add_method(h->request.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_method_complete(llhttp_t *p)
{
	http_of(p)->pause = PAUSE_METHOD;
	return HPE_PAUSED;
}

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (h->slash)
		return 0;
	return head_add_target(h->request.head, span_of(at, len)) ? 0 : HPE_USER;
}

/** answers_seen() - was all of the answers captured that the client had read when it sent the segment at hand?
 */
static bool answers_seen(const struct http *h)
{
	return h->answers->synced && h->now_has_ack && !seq_before(h->answers->next, h->now_ack);
}

/** count_request() - it is a request now */
static void count_request(struct http *h)
{
	h->first = false;
	h->tentative = false;
	h->pipelining |= h->began_pipelined;
	if (!h->answers_known && !h->pipelining && h->answers_placed && answers_seen(h)) {
		h->sent = answered_by(h, h->now_ack); /* the client waited for all answers: count from here */
		h->answers_known = true;
	}
	request_seen(&h->env->requests, &h->request, h->ordinal++);
}

static int on_version_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	if (!h->request.seen && p->method != HTTP_PRI)
		count_request(h);
	return 0;
}

/**
 * name_is_clean() - no space in or before this piece of a field's name?
 *
 * With lenient headers llhttp takes "Content-Length : 1" for a length and skips spaces before the first name.
 * Servers disagree on both (RFC 9112, 2.2 and 5.1).
 */
static bool name_is_clean(const struct http *h, const char *at, size_t len)
{
	uint8_t before = at > h->parse_at ? (uint8_t)at[-1] : h->last[1];

	return len == 0 || ((h->name_len > 0 || before == '\n') && !memchr(at, ' ', len));
}

static int on_header_field(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!name_is_clean(h, at, len))
		return HPE_USER;
	h->name_len += len;
	if (h->state == REQUEST_BODY)
		return 0; /* a trailer: no header, and nobody may mistake it for one (RFC 9110, 6.5.1) */
	return head_add_name(h->request.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_header_field_complete(llhttp_t *p)
{
	struct http *h = http_of(p);
	bool empty = h->name_len == 0; /* ": value" is for lenient headers a field as well */

	h->name_len = 0;
	return empty ? HPE_USER : 0;
}

static int on_header_value(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (has_control(at, len))
		return HPE_USER;
	if (h->state == REQUEST_BODY)
		return 0;
	return head_add_value(h->request.head, span_of(at, len)) ? 0 : HPE_USER;
}

static int on_header_value_complete(llhttp_t *p)
{
	struct http *h = http_of(p);

	if (h->state != REQUEST_BODY)
		head_end_field(h->request.head);
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	http_of(p)->pause = PAUSE_HEAD;
	return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *p)
{
	struct http *h = http_of(p);

	h->pause = PAUSE_CHUNK_HEAD;
	h->last_chunk = p->content_length == 0;
	return HPE_PAUSED;
}

static int on_chunk_complete(llhttp_t *p)
{
	http_of(p)->pause = PAUSE_CHUNK_END;
	return HPE_PAUSED;
}

static int on_body(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	if (!h->chunked)
		h->body_left -= len;
	request_add_body(&h->env->requests, &h->request, span_of(at, len));
	return 0;
}

static int on_message_complete(llhttp_t *p)
{
	http_of(p)->pause = PAUSE_MESSAGE;
	return HPE_PAUSED;
}

/*
 * llhttp's lenient flags, one by one:
 *  headers             on in llhttp 8, which has no other way to accept a bare LF at the end of a line, as most
 *                      servers do (RFC 9112, 2.2). It also lets control characters through: has_control() does
 * not. llhttp 9 has a flag for the LF alone. chunked_length      off: Content-Length with Transfer-Encoding is
 * how requests are smuggled (RFC 9112, 6.3) transfer_encoding   off: "chunked" that is not last leaves the
 * length to each server's taste keep_alive          not needed: each message gets a new parser, so data after
 * "Connection: close" is parsed version             off: nothing but 1.0 and 1.1 is mirrored
 *  optional_lf_after_cr, optional_crlf_after_chunk, spaces_after_chunk_size (9): off: chunk sizes and their
 * ends are where parsers differ, and differing is smuggling
 */
static void set_leniency(llhttp_t *p)
{
#if LLHTTP_VERSION_MAJOR > 9 || (LLHTTP_VERSION_MAJOR == 9 && LLHTTP_VERSION_MINOR >= 2)
	llhttp_set_lenient_optional_cr_before_lf(p, 1);
#else
	llhttp_set_lenient_headers(p, 1);
#endif
}

/* ---- where requests begin and end --------------------------------------- */

static bool client_begin(struct http *h, struct span line)
{
	if (!request_begin(&h->env->requests, &h->request, h->now))
		return false;
	llhttp_init(&h->client, HTTP_REQUEST, &h->env->client_settings);
	h->client.data = h;
	set_leniency(&h->client);
	h->line = line;
	h->begun = h->begun_here = true;
	h->any_byte = h->pushed = h->chunked = h->last_chunk = h->expects = h->refused = false;
	h->name_len = 0;
	h->began_pipelined = h->tentative = false;
	h->probe_len = 0;
	h->body_left = 0;
	return true;
}

/** push() - the server owes an answer to the request in the making */
static void push(struct http *h, enum asked what)
{
	if (h->pushed)
		return;
	h->pushed = true;
	h->asked[h->sent++ % OUTSTANDING_MAX] = (uint8_t)what;
	if (seq_distance(h->answered, h->sent) > OUTSTANDING_MAX)
		h->answers_known = false;
}

/** lose_position() - forget the request in the making and wait for one that begins a segment */
static void lose_position(struct http *h)
{
	if (h->request.seen)
		push(h, ASKED_PLAIN); /* it was sent, and will be answered somehow */
	request_release(&h->env->requests, &h->request);
	h->begun = h->tentative = h->first = false;
	h->state = REQUEST_LOST;
}

static void fail_request(struct http *h, enum lost_reason reason)
{
	request_lost(&h->env->requests, &h->request, reason);
	lose_position(h);
}

static void leave(struct http *h, enum http_fate fate)
{
	request_release(&h->env->requests, &h->request);
	h->begun = false;
	h->state = REQUEST_OVER;
	h->fate = fate;
}

/** leave_upgraded() - a 101 or CONNECT: what follows is not HTTP/1 */
static void leave_upgraded(struct http *h, bool h2c)
{
	counter_add(&h->env->requests.stats->upgraded, 1);
	if (h2c)
		counter_add(&h->env->requests.stats->http2, 1);
	request_lost(&h->env->requests, &h->request, LOST_UPGRADED);
	leave(h, HTTP_LEFT);
}

/** client_failed() - the parser refused the bytes at hand */
static void client_failed(struct http *h)
{
	if (h->request.seen && !h->request.settled) {
		fail_request(h, LOST_MALFORMED);
	} else if (h->request.seen) {
		lose_position(h);
	} else if (h->tentative) {
		h->tentative_failed = true;
		lose_position(h);
	} else if (h->begun_here && request_line_foreign(h->line)) { /* a method that llhttp does not know */
		count_request(h);
		fail_request(h, LOST_MALFORMED);
	} else if (h->first) {
		leave(h, HTTP_NOT);
	} else {
		lose_position(h);
	}
}

static bool is_field(const struct header *f, struct span name)
{
	return span_equal_nocase(f->name, name);
}

/** contains_nocase() - is @word somewhere in @s? For short values of fields that list tokens. */
static bool contains_nocase(struct span s, struct span word)
{
	for (; s.len >= word.len; span_skip(&s, 1))
		if (span_equal_nocase(span_of(s.at, word.len), word))
			return true;
	return false;
}

/** look_at_fields() - what the framing and the answer depend on; false if servers would not agree on the
 * framing */
static bool look_at_fields(struct http *h, const struct request_head *head)
{
	bool http10 = head->version_minor == 0;
	unsigned encodings = 0;

	h->upgrade_granted = h->upgrade_granted && h->client.upgrade;
	for (size_t i = 0; i < head->header_count; i++) {
		const struct header *f = &head->headers[i];

		if (is_field(f, SPAN_LITERAL("transfer-encoding")))
			encodings++;
		else if (is_field(f, SPAN_LITERAL("expect")))
			h->expects = contains_nocase(f->value, SPAN_LITERAL("100-continue"));
	}
	/* Once, and not in HTTP/1.0, where a server may ignore it and count otherwise (RFC 9112, 6.1). */
	return encodings == 0 || (encodings == 1 && !http10);
}

static enum asked what_is_asked(const struct http *h, const struct request_head *head)
{
	const struct span *upgrade;

	if (h->client.method == HTTP_HEAD)
		return ASKED_HEAD;
	if (h->client.method == HTTP_CONNECT)
		return ASKED_CONNECT;
	if (!h->client.upgrade)
		return ASKED_PLAIN;
	upgrade = request_head_find(head, SPAN_LITERAL("upgrade"));
	return upgrade && contains_nocase(*upgrade, SPAN_LITERAL("h2c")) ? ASKED_H2C : ASKED_UPGRADE;
}

static void head_complete(struct http *h)
{
	struct request_head head = head_spans(h->request.head, h->client.http_major, h->client.http_minor);

	h->chunked = (h->client.flags & F_CHUNKED) != 0;
	h->body_left = h->chunked ? 0 : h->client.content_length;
	h->bodies |= h->chunked || h->body_left > 0;
	if (!h->request.seen && h->tentative) { /* no version in the line: it was none */
		client_failed(h);
		return;
	}
	if (!h->request.seen)
		count_request(h);
	/* HTTP/0.9 has no version, and nobody mirrors it. */
	if (head.version_major != 1 || !look_at_fields(h, &head)) {
		fail_request(h, LOST_MALFORMED);
		return;
	}
	push(h, what_is_asked(h, &head));
	h->head_ack = h->now_ack;
	h->state = REQUEST_BODY;
	request_decide(&h->env->requests, &h->request, &head, h->body_left);
}

static void message_complete(struct http *h)
{
	enum asked asked = h->asked[(h->sent - 1) % OUTSTANDING_MAX];

	request_complete(&h->env->requests, &h->request, h->now);
	h->begun = false;
	h->completed_here = true;
	h->state = asked == ASKED_CONNECT ? REQUEST_TUNNEL : REQUEST_NONE;
	h->upgrade_asked = asked >= ASKED_CONNECT;
	if (h->upgrade_asked && h->upgrade_granted)
		leave_upgraded(h, asked == ASKED_H2C);
}

/** client_paused() - llhttp stopped where we asked it to */
static void client_paused(struct http *h)
{
	bool lf = h->last[1] == '\n', crlf = lf && h->last[0] == '\r';
	enum pause why = h->pause;

	h->pause = PAUSE_NONE;
	switch (why) {
	case PAUSE_NONE:
		break;
	case PAUSE_METHOD:
		if (!h->tentative && h->client.method != HTTP_PRI)
			count_request(h);
		h->state = REQUEST_TARGET;
		break;
	case PAUSE_HEAD:
		h->run_again = true; /* even without bytes: there may be no body to wait for */
		if (lf)
			head_complete(h);
		else
			client_failed(h);
		break;
	case PAUSE_CHUNK_HEAD:
		if (!lf)
			client_failed(h);
		break;
	case PAUSE_CHUNK_END:
		h->run_again = true; /* the last one ends the message */
		if (h->last_chunk ? !lf : !crlf)
			client_failed(h);
		break;
	case PAUSE_MESSAGE:
		if (h->chunked && !lf)
			client_failed(h);
		else
			message_complete(h);
		break;
	}
}

/** client_parse() - give llhttp the bytes of @in; what it took is gone from @in */
static void client_parse(struct http *h, struct span *in)
{
	struct span taken = *in;
	llhttp_errno_t rc;

	h->parse_at = (const char *)in->at;
	rc = llhttp_execute(&h->client, h->parse_at, in->len);

	if (rc != HPE_OK)
		span_truncate(&taken, (size_t)((const uint8_t *)llhttp_get_error_pos(&h->client) - in->at));
	span_skip(in, taken.len);
	if (taken.len > 0) {
		h->last[0] = taken.len > 1 ? taken.at[taken.len - 2] : h->last[1];
		h->last[1] = taken.at[taken.len - 1];
	}
	if (rc == HPE_PAUSED) {
		llhttp_resume(&h->client);
		client_paused(h);
	} else if (rc == HPE_PAUSED_H2_UPGRADE) {
		counter_add(&h->env->requests.stats->http2, 1);
		if (h->upgrade_asked)
			counter_add(&h->env->requests.stats->upgraded, 1);
		leave(h, HTTP_LEFT);
	} else if (rc != HPE_OK) {
		client_failed(h);
	}
}

/** needs_slash() - judge the target by its first bytes; false, with *@sure unset, if more are needed */
static bool needs_slash(const struct http *h, bool *sure)
{
	struct span target = span_of(h->probe, h->probe_len);
	const struct span schemes[] = { SPAN_LITERAL("http://"), SPAN_LITERAL("https://") };

	*sure = true;
	if (h->client.method == HTTP_CONNECT || strchr("/*\r\n", target.at[0]))
		return false;
	for (size_t i = 0; i < 2; i++) {
		size_t n = target.len < schemes[i].len ? target.len : schemes[i].len;

		if (!span_equal_nocase(span_of(target.at, n), span_of(schemes[i].at, n)))
			continue;
		*sure = n == schemes[i].len;
		return false;
	}
	return true;
}

/** client_probe() - collect the target's first bytes until we know whether llhttp needs a slash before them */
static void client_probe(struct http *h, struct span *in)
{
	static const uint8_t slash = '/';
	struct span probe;
	bool sure = false, add = false;
	uint8_t c;

	if (in->len > 0 && in->at[0] == ' ' && h->probe_len == 0) {
		struct span space;

		span_take(in, 1, &space); /* llhttp skips any number of them */
		client_parse(h, &space);
		return;
	}
	if (h->last[1] != ' ') { /* after the method comes a space, and llhttp says what else is wrong */
		client_parse(h, in);
		return;
	}
	while (!sure && span_u8(in, &c)) {
		h->probe[h->probe_len++] = c;
		add = needs_slash(h, &sure);
	}
	if (!sure)
		return;
	h->state = REQUEST_HEAD;
	if (add) {
		h->slash = true;
		probe = span_of(&slash, 1);
		client_parse(h, &probe);
		h->slash = false;
	}
	probe = span_of(h->probe, h->probe_len);
	while (probe.len > 0 && h->state == REQUEST_HEAD)
		client_parse(h, &probe);
}

/** client_run() - parse until the segment is used up or nothing more can be found in it */
static void client_run(struct http *h, struct span in)
{
	bool again;

	do {
		enum request_state before = h->state;

		if (before == REQUEST_NONE && !h->begun && !client_begin(h, in)) {
			lose_position(h); /* out of memory: this request is not followed */
			return;
		}
		if (before == REQUEST_TARGET)
			client_probe(h, &in);
		else
			client_parse(h, &in);
		again = h->run_again;
		h->run_again = false;
	} while ((in.len > 0 || again) && h->state <= REQUEST_BODY);
}

/* ---- finding the next request after a hole ------------------------------ */

/** asks_only() - does @line begin with a method whose requests have no body in practice? */
static bool asks_only(struct span line)
{
	return span_starts(line, SPAN_LITERAL("GET ")) || span_starts(line, SPAN_LITERAL("HEAD "));
}

/** believable() - the segment at hand begins with a request line, or seems to: is it one? See the top of the
 * file. */
static bool believable(const struct http *h, struct span segment)
{
	if (h->pipelining && !h->bodies && asks_only(segment))
		return true; /* nothing but heads went by, and this is one more */
	if (h->read_known && h->now_has_ack && !seq_before(h->read_ack, h->now_ack))
		return false;
	if (h->answers_placed && answers_seen(h)) {
		uint32_t n = answered_by(h, h->now_ack);

		if (n > 0 && (h->answers_whole || !seq_before(h->begins[(n - 1) % BEGINS_MAX], h->placed_at)))
			return h->ends[(n - 1) % BEGINS_MAX] == h->now_seq;
		return !h->answers_whole; /* the answer that it follows was not captured */
	}
	return true;
}

static void client_find(struct http *h, struct span segment)
{
	if (request_line_match(segment) == LINE_NO || !believable(h, segment))
		return;
	h->state = REQUEST_NONE;
	if (!client_begin(h, segment)) {
		lose_position(h);
		return;
	}
	h->tentative = h->tentative_here = true;
	h->answers_known =
		false; /* how many requests were in the hole, nobody knows: count_request() starts anew */
	client_run(h, segment);
}

/** broken_off() - was the body of an "Expect: 100-continue" refused, and does this segment begin the next
 * request? */
static bool broken_off(const struct http *h, struct span segment)
{
	return h->state == REQUEST_BODY && h->refused && h->request.body_len == 0 && h->now_has_ack &&
	       seq_before(h->head_ack, h->now_ack) && request_line_match(segment) != LINE_NO;
}

void http_client_bytes(struct http *h, const struct stream_piece *piece)
{
	struct span segment = piece->bytes;

	h->now = piece->ts;
	h->now_seq = piece->seq;
	h->now_ack = piece->ack;
	h->now_has_ack = piece->has_ack;
	h->completed_here = h->begun_here = h->tentative_here = h->tentative_failed = false;
	if (broken_off(h, segment)) {
		request_lost(&h->env->requests, &h->request, LOST_RESET);
		h->begun = false;
		h->state = REQUEST_NONE;
	}
	if (h->state == REQUEST_LOST)
		client_find(h, segment);
	else if (h->state <= REQUEST_BODY)
		client_run(h, segment);
	else if (h->state == REQUEST_TUNNEL)
		h->upgrade_asked =
			false; /* bytes went by before the answer: if it is no, the position is lost */
	if (h->tentative_failed && !h->tentative_here && h->state == REQUEST_LOST)
		client_find(h,
			    segment); /* the guess was made earlier and was wrong: this segment may be right */
	if (h->begun && !request_wait(&h->env->requests, &h->request))
		fail_request(h, LOST_MEMORY);
	if (piece->has_ack) {
		h->read_ack = h->read_known ? seq_later(h->read_ack, piece->ack) : piece->ack;
		h->read_known = true;
	}
}

void http_junk(struct http *h, uint32_t ack)
{
	h->read_ack = ack;
	h->read_known = true;
}

/** feed_filler() - let @p count @bytes that nobody has */
static void feed_filler(struct http *h, uint64_t bytes, bool client)
{
	static const uint8_t filler[64 << 10];

	while (bytes > 0 && (client ? h->state == REQUEST_BODY : h->answering)) {
		struct span in = span_of(filler, bytes < sizeof(filler) ? (size_t)bytes : sizeof(filler));

		bytes -= in.len;
		if (client) {
			client_parse(h, &in);
		} else if (llhttp_execute(&h->server, (const char *)in.at, in.len) == HPE_PAUSED) {
			llhttp_resume(&h->server);
			h->answering = false;
		}
	}
}

void http_client_gap(struct http *h, uint32_t bytes, enum lost_reason why)
{
	switch (h->state) {
	case REQUEST_NONE:
	case REQUEST_LOST:
		lose_position(h);
		break;
	case REQUEST_TARGET:
	case REQUEST_HEAD:
		fail_request(h, why);
		break;
	case REQUEST_BODY:
		if (h->chunked || bytes == UINT32_MAX) {
			fail_request(h, why);
			break;
		}
		request_lost(&h->env->requests, &h->request, why);
		if (bytes > h->body_left) {
			feed_filler(h, h->body_left, true);
			if (h->state == REQUEST_NONE)
				lose_position(h);
		} else {
			feed_filler(h, bytes, true);
		}
		break;
	case REQUEST_TUNNEL:
		h->upgrade_asked = false;
		break;
	case REQUEST_OVER:
		break;
	}
}

/* ---- the answers -------------------------------------------------------- */

/** note_answer() - one more final answer has begun */
static void note_answer(struct http *h)
{
	h->begins[h->answered % BEGINS_MAX] = h->answer_begin;
	h->ends[h->answered % BEGINS_MAX] = h->answer_ack;
	h->answered++;
}

/** final_answer() - the next outstanding request gets its answer */
static void final_answer(struct http *h, enum asked asked)
{
	bool current = h->begun && h->pushed && h->answered + 1 == h->sent;

	note_answer(h);
	if (current && h->expects && h->state == REQUEST_BODY && h->request.body_len == 0)
		h->refused = true;
	if (asked == ASKED_CONNECT && h->state == REQUEST_TUNNEL) {
		h->state = REQUEST_NONE;
		if (!h->upgrade_asked)
			lose_position(h);
	}
	if (!current)
		h->upgrade_asked = false;
}

/** switching() - 101, or 2xx to CONNECT: HTTP ends here, or with the request that is still being sent */
static void switching(struct http *h, enum asked asked)
{
	bool ahead = h->answered == h->sent; /* captured before the request */
	bool current = h->begun && h->pushed && h->answered + 1 == h->sent;

	note_answer(h);
	if (ahead || current)
		h->upgrade_granted = true; /* and the answers are not followed any more */
	else
		leave_upgraded(h, asked == ASKED_H2C);
}

static int on_answer_head(llhttp_t *p)
{
	struct http *h = http_of(p);
	bool outstanding = seq_distance(h->answered, h->sent) > 0;
	enum asked asked = outstanding ? h->asked[h->answered % OUTSTANDING_MAX] : ASKED_PLAIN;
	int status = p->status_code;

	h->answer_left = (p->flags & F_CHUNKED) ? 0 : p->content_length;
	if (status >= 100 && status < 200 && status != 101)
		return 0; /* interim: the final answer is still owed */
	if ((status == 101 && (asked >= ASKED_UPGRADE || !outstanding || !h->answers_known)) ||
	    (asked == ASKED_CONNECT && status / 100 == 2)) {
		h->switched = true;
		switching(h, asked);
		return 2;
	}
	final_answer(h, asked);
	return asked == ASKED_HEAD || status == 204 || status == 304; /* 1: no body, whatever the fields say */
}

static int on_answer_body(llhttp_t *p, const char *at, size_t len)
{
	struct http *h = http_of(p);

	h->answer_left -= len <= h->answer_left ? len : h->answer_left;
	return 0;
}

static int on_answer_complete(llhttp_t *p)
{
	http_of(p)->answer_left = 0;
	return HPE_PAUSED;
}

static void lose_answers(struct http *h)
{
	h->answering = h->answers_known = h->answers_placed = h->answers_whole = false;
}

/** server_begin() - an answer begins here; false if these bytes cannot be the begin of one */
static bool server_begin(struct http *h, struct span in, uint32_t ack)
{
	if (!h->answers_placed && status_line_match(in) != LINE_YES)
		return false; /* the position is not known, and this is no status line */
	llhttp_init(&h->server, HTTP_RESPONSE, &h->env->server_settings);
	h->server.data = h;
	set_leniency(&h->server);
	h->answer_begin = h->answers->next - (uint32_t)in.len;
	if (!h->answers_placed)
		h->placed_at = h->answer_begin;
	h->answering = h->answers_placed = true;
	h->answer_ack = ack;
	return true;
}

void http_server_bytes(struct http *h, const struct stream_piece *piece)
{
	struct span in = piece->bytes;

	while (in.len > 0 && h->state != REQUEST_OVER && !h->switched) {
		llhttp_errno_t rc;

		if (!h->answering && !server_begin(h, in, piece->ack))
			return;
		rc = llhttp_execute(&h->server, (const char *)in.at, in.len);
		if (rc == HPE_OK)
			return;
		if (rc != HPE_PAUSED) {
			lose_answers(h);
			return;
		}
		span_skip(&in, (size_t)((const uint8_t *)llhttp_get_error_pos(&h->server) - in.at));
		llhttp_resume(&h->server);
		h->answering = false;
	}
}

void http_server_gap(struct http *h, uint32_t bytes)
{
	if (h->state == REQUEST_OVER || h->switched)
		return;
	if (!h->answering || bytes == UINT32_MAX || bytes > h->answer_left)
		lose_answers(h);
	else
		feed_filler(h, bytes, false);
}

/* ---- life --------------------------------------------------------------- */

void http_end(struct http *h, enum lost_reason reason)
{
	request_lost(&h->env->requests, &h->request, reason);
	leave(h, h->fate);
}

enum http_fate http_fate(const struct http *h)
{
	return h->fate;
}

struct http *http_new(struct http_env *env, const struct request_origin *origin, const struct stream *answers,
		      bool begun)
{
	struct http *h = env->spare;

	if (!budget_charge(env->requests.budget, sizeof(*h)))
		return NULL;
	if (h) {
		env->spare = h->next;
		env->spare_count--;
	} else {
		h = malloc(sizeof(*h));
		if (!h) {
			budget_release(env->requests.budget, sizeof(*h));
			return NULL;
		}
	}
	*h = (struct http){ .env = env,
			    .answers = answers,
			    .first = begun,
			    .answers_known = begun,
			    .answers_placed = begun,
			    .answers_whole = begun,
			    .state = begun ? REQUEST_NONE : REQUEST_LOST };
	h->request.origin = *origin;
	return h;
}

void http_free(struct http_env *env, struct http *h)
{
	if (!h)
		return;
	request_release(&env->requests, &h->request);
	budget_release(env->requests.budget, sizeof(*h));
	if (env->spare_count >= SPARE_HTTP_MAX) {
		free(h);
		return;
	}
	h->next = env->spare;
	env->spare = h;
	env->spare_count++;
}

void http_env_init(struct http_env *env, const struct reassembly_sink *sink, uint64_t max_body,
		   struct budget *budget, struct reassembly_stats *stats)
{
	llhttp_settings_t *client = &env->client_settings, *server = &env->server_settings;

	*env = (struct http_env){ 0 };
	env->requests.sink = *sink;
	env->requests.max_body = max_body;
	env->requests.budget = budget;
	env->requests.stats = stats;
	llhttp_settings_init(client);
	client->on_method = on_method;
	client->on_method_complete = on_method_complete;
	client->on_url = on_url;
	client->on_version_complete = on_version_complete;
	client->on_header_field = on_header_field;
	client->on_header_field_complete = on_header_field_complete;
	client->on_header_value = on_header_value;
	client->on_header_value_complete = on_header_value_complete;
	client->on_headers_complete = on_headers_complete;
	client->on_chunk_header = on_chunk_header;
	client->on_chunk_complete = on_chunk_complete;
	client->on_body = on_body;
	client->on_message_complete = on_message_complete;
	llhttp_settings_init(server);
	server->on_headers_complete = on_answer_head;
	server->on_body = on_answer_body;
	server->on_message_complete = on_answer_complete;
}

void http_env_deinit(struct http_env *env)
{
	while (env->spare) {
		struct http *h = env->spare;

		env->spare = h->next;
		free(h);
	}
	request_env_deinit(&env->requests);
}
