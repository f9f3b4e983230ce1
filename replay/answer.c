/*
 * answer.c - see answer.h
 *
 * Theory of operation: llhttp finds the end of each message. Interim answers
 * (100, 102, 103) are stepped over; a final one pauses the parser at its end,
 * so that a byte too many is seen and the connection is not used again
 * (RFC 9112, 6.3: we never pipeline, so what comes unasked answers nothing).
 * One lenient flag is set: a "HTTP/1.0 100 Continue", or an interim answer with
 * "Connection: close", makes the strict parser refuse the final answer that
 * follows. Nothing else: this is our own shadow, and an answer that a strict
 * parser refuses is worth a count.
 */
#include "replay/answer.h"

static int on_message_begin(llhttp_t *p)
{
	struct answer *a = p->data;

	a->begun = true;
	a->interim = false;
	return 0;
}

static int on_headers_complete(llhttp_t *p)
{
	struct answer *a = p->data;
	int status = p->status_code;

	if (status == 101 || status < 100) {
		a->detail = status == 101 ? "unasked 101" : "status below 100";
		return -1;
	}
	a->interim = status < 200;
	if (!a->interim) {
		a->status_code = status;
		a->state = ANSWER_BODY;
	}
	/*
	 * 1: no body follows, even if Content-Length is there: a 304 and the
	 * answer to HEAD carry the length of what they do not send.
	 */
	return a->interim || status == 204 || status == 304 || a->to_head ? 1 : 0;
}

static int on_message_complete(llhttp_t *p)
{
	struct answer *a = p->data;

	if (a->interim) {
		a->begun = false;
		return 0;
	}
	a->keep_alive = llhttp_should_keep_alive(p);
	a->state = ANSWER_WHOLE;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_message_begin = on_message_begin,
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

void answer_begin(struct answer *a, bool to_head)
{
	*a = (struct answer){ .to_head = to_head };
	llhttp_init(&a->parser, HTTP_RESPONSE, &settings);
	llhttp_set_lenient_keep_alive(&a->parser, 1);
	a->parser.data = a;
}

static enum answer_state bad(struct answer *a, const char *why)
{
	if (!a->detail)
		a->detail = why;
	return a->state = ANSWER_BAD;
}

/** execute() - let llhttp have @piece; the state says what came of it */
static void execute(struct answer *a, struct span piece)
{
	llhttp_errno_t e = llhttp_execute(&a->parser, (const char *)piece.at, piece.len);

	if (e == HPE_OK)
		return;
	if (e == HPE_PAUSED && a->state == ANSWER_WHOLE) {
		if ((const uint8_t *)llhttp_get_error_pos(&a->parser) != piece.at + piece.len)
			a->keep_alive = false; /* bytes after the answer */
		return;
	}
	bad(a, llhttp_errno_name(e));
}

enum answer_state answer_feed(struct answer *a, struct span bytes)
{
	struct span piece;

	while (a->state == ANSWER_HEAD && bytes.len > 0) {
		uint64_t room = ANSWER_HEAD_MAX - a->head_bytes;

		if (room == 0)
			return bad(a, "head above 256 KiB");
		span_take(&bytes, bytes.len < room ? bytes.len : room, &piece);
		a->head_bytes += piece.len;
		execute(a, piece);
	}
	if (a->state == ANSWER_WHOLE && bytes.len > 0)
		a->keep_alive = false;
	if (a->state != ANSWER_BODY || bytes.len == 0)
		return a->state;
	a->body_bytes += bytes.len;
	execute(a, bytes);
	if (a->state == ANSWER_BODY && a->body_bytes > ANSWER_BODY_MAX)
		a->state = ANSWER_HUGE;
	return a->state;
}

enum answer_state answer_eof(struct answer *a)
{
	if (a->state == ANSWER_BODY && llhttp_finish(&a->parser) != HPE_OK && a->state == ANSWER_BODY)
		return a->state;
	a->keep_alive = false;
	return a->state;
}
