/*
 * request_feed.c - what llhttp is given of a request's bytes
 *
 * Theory of operation. The parser is paused where its loose rules must be checked:
 * it skips the byte after a CR without looking, and the CRLF after a chunk likewise.
 * A server that looks would see other requests than we do (request smuggling), so
 * we look. The line before a chunk is read by chunk_line.c, and llhttp is given the
 * size alone.
 *
 * llhttp refuses targets without a leading slash, which servers accept. So it is
 * paused after the method, and unless the target begins with "/", "*", "http://" or
 * "https://", or belongs to CONNECT, it is fed a slash first that is not recorded.
 */
#include "http/http1/http1_impl.h"

#include <string.h>

/** feed_paused() - llhttp stopped where we asked it to */
static void feed_paused(struct http *h)
{
	bool lf = h->framing.last[0] == '\n', crlf = lf && h->framing.last[1] == '\r';
	enum pause why = h->framing.pause;

	h->framing.pause = PAUSE_NONE;
	switch (why) {
	case PAUSE_NONE:
		break;
	case PAUSE_METHOD:
		h->requests.state = REQUEST_TARGET;
		requests_method_complete(h);
		break;
	case PAUSE_VERSION:
		h->framing.next = BYTES_LINE_END;
		break;
	case PAUSE_HEAD:
		h->framing.run_again = true; /* even without bytes: there may be no body to wait for */
		if (lf)
			requests_head_complete(h);
		else
			requests_malformed(h);
		break;
	case PAUSE_CHUNK_HEAD:
		if (!lf)
			requests_malformed(h);
		break;
	case PAUSE_CHUNK_END:
		h->framing.run_again = true; /* the last one ends the message */
		if (h->framing.last_chunk ? !lf : !crlf)
			requests_malformed(h);
		else if (!h->framing.last_chunk)
			h->framing.next = BYTES_CHUNK_LINE;
		break;
	case PAUSE_MESSAGE:
		if (h->framing.chunked && !lf)
			requests_malformed(h);
		else
			requests_message_complete(h);
		break;
	}
}

/** feed_parse() - give llhttp the bytes of @in; what it took is gone from @in */
void feed_parse(struct http *h, struct span *in)
{
	struct span taken = *in;
	llhttp_errno_t rc;

	h->framing.parse_at = (const char *)in->at;
	rc = llhttp_execute(&h->framing.parser, h->framing.parse_at, in->len);

	if (rc != HPE_OK)
		span_truncate(&taken, (size_t)((const uint8_t *)llhttp_get_error_pos(&h->framing.parser) - in->at));
	span_skip(in, taken.len);
	h->at_hand.left = (uint32_t)in->len;
	if (taken.len > 0) {
		for (size_t i = sizeof(h->framing.last); i-- > 0;)
			h->framing.last[i] = i < taken.len ? taken.at[taken.len - 1 - i] : h->framing.last[i - taken.len];
	}
	if (rc == HPE_PAUSED) {
		llhttp_resume(&h->framing.parser);
		feed_paused(h);
	} else if (rc == HPE_PAUSED_H2_UPGRADE) {
		counter_add(&h->env->requests.stats->http2, 1);
		if (h->upgrade.requested)
			counter_add(&h->env->requests.stats->upgraded, 1);
		h->upgrade.is_h2c = h->upgrade.requested;
		requests_leave_for_http2(h, NEXT_AFTER_PREFACE);
	} else if (rc != HPE_OK) {
		requests_malformed(h);
	}
}

/** needs_slash() - judge the target by its first bytes; false, with *@sure unset, if more are needed */
static bool needs_slash(const struct http *h, bool *sure)
{
	struct span target = span_of(h->framing.probe, h->framing.probe_len);
	const struct span schemes[] = { SPAN_LITERAL("http://"), SPAN_LITERAL("https://") };

	*sure = true;
	if (h->framing.parser.method == HTTP_CONNECT || strchr("/*\r\n", target.at[0]))
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

/**
 * feed_target() - the next bytes of a target in origin form
 *
 * Servers take bytes above 127 there, and llhttp 9 doesn't. It is given another byte in their place.
 */
void feed_target(struct http *h, struct span *in)
{
	struct span piece = *in, other = SPAN_LITERAL("x"), byte;
	size_t n = 0;

	while (n < in->len && in->at[n] > ' ' && in->at[n] < 0x80)
		n++;
	if (n == in->len || in->at[n] <= ' ') {
		h->framing.next = n == in->len ? BYTES_TARGET : BYTES_PARSED;
		feed_parse(h, in);
	} else if (n > 0) {
		span_take(in, n, &piece);
		feed_parse(h, &piece);
	} else if (span_take(in, 1, &byte) && head_add_target(h->requests.head, byte)) {
		h->framing.own_slash = true;
		feed_parse(h, &other);
		h->framing.own_slash = false;
	} else {
		requests_malformed(h);
	}
}

/** feed_probe() - collect the target's first bytes until we know whether llhttp needs a slash before them */
void feed_probe(struct http *h, struct span *in)
{
	static const uint8_t slash = '/';
	struct span probe;
	bool sure = false, add = false;
	uint8_t c;

	if (in->len > 0 && in->at[0] == ' ' && h->framing.probe_len == 0) {
		struct span space;

		span_take(in, 1, &space); /* llhttp skips any number of them */
		feed_parse(h, &space);
		return;
	}
	if (h->framing.last[0] != ' ') { /* after the method comes a space, and llhttp says what else is wrong */
		feed_parse(h, in);
		return;
	}
	while (!sure && span_u8(in, &c)) {
		h->framing.probe[h->framing.probe_len++] = c;
		add = needs_slash(h, &sure);
	}
	if (!sure)
		return;
	h->requests.state = REQUEST_HEAD;
	if (add) {
		h->framing.own_slash = true;
		probe = span_of(&slash, 1);
		feed_parse(h, &probe);
		h->framing.own_slash = false;
	}
	probe = span_of(h->framing.probe, h->framing.probe_len);
	h->framing.next = add || h->framing.probe[0] == '/' ? BYTES_TARGET : BYTES_PARSED;
	while (probe.len > 0 && h->requests.state == REQUEST_HEAD) {
		if (h->framing.next == BYTES_TARGET)
			feed_target(h, &probe);
		else
			feed_parse(h, &probe);
	}
}

/** feed_chunk_line() - the size before a chunk: see chunk_line.h */
void feed_chunk_line(struct http *h, struct span *in)
{
	struct span feed;
	enum chunk_take take = chunk_line_take(&h->framing.chunk_line, in, &feed);

	if (take == CHUNK_WRONG) {
		requests_malformed(h);
		return;
	}
	h->framing.next = take == CHUNK_MORE ? BYTES_CHUNK_LINE : BYTES_PARSED;
	if (feed.len > 0)
		feed_parse(h, &feed);
}

/** feed_line_end() - llhttp 9.2 takes no LF alone behind the version, whatever it is told: it gets the CR as well */
void feed_line_end(struct http *h, struct span *in)
{
	struct span cr = SPAN_LITERAL("\r");

	if (in->len == 0)
		return;
	h->framing.next = BYTES_PARSED;
	if (in->at[0] == '\n')
		feed_parse(h, &cr);
}
