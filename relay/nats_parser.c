/*
 * nats_parser.c - see nats_parser.h
 *
 * Theory of operation: a line that came whole is read where it lies. One that was
 * cut is put together in a buffer, up to NATS_LINE_MAX. What follows a line of a
 * message goes where it will stay, into the message's own block of memory, which
 * has room for the CRLF behind it, too: so nothing is looked at twice, and how the
 * stream was cut makes no difference.
 *
 * A line is words with one blank or more between them. Servers write the names of
 * operations in capitals; the protocol lets them write them as they like.
 */
#include "relay/nats_parser.h"

#include "base/digits.h"

#define WORDS_MAX 5 /* of a line with a message behind it, its name not counted */

static enum nats_event malformed(struct nats_parser *p, const char *what)
{
	p->text = span_str(what);
	return NATS_EVENT_MALFORMED;
}

/** word_take() - up to a blank, and the blanks behind it; false at the end */
static bool word_take(struct span *line, struct span *word)
{
	const uint8_t *end;

	while (line->len > 0 && line->at[0] == ' ')
		span_skip(line, 1);
	if (line->len == 0)
		return false;
	end = memchr(line->at, ' ', line->len);
	return span_take(line, end ? (size_t)(end - line->at) : line->len, word);
}

/* ---- messages ---- */

/** end_message() - the last of its bytes has come */
static enum nats_event end_message(struct nats_parser *p)
{
	struct span whole = span_of(p->at - p->size - 2, p->size), block;

	if (p->at[-2] != '\r' || p->at[-1] != '\n')
		return malformed(p, "a message that does not end where it says");
	p->at[-2] = '\0';
	span_take(&whole, p->header_len, &block);
	nats_message_set(p->message, block, whole);
	p->at = NULL;
	return NATS_EVENT_MESSAGE;
}

/** take_bytes() - of a message's headers, data and CRLF, what has come */
static enum nats_event take_bytes(struct nats_parser *p, struct span *in)
{
	struct span bytes;

	span_take(in, in->len < p->missing ? in->len : p->missing, &bytes);
	memcpy(p->at, bytes.at, bytes.len);
	p->at += bytes.len;
	p->missing -= bytes.len;
	return p->missing > 0 ? NATS_EVENT_NONE : end_message(p);
}

/** begin_message() - a line: SUBJECT SUBSCRIPTION [REPLY] [HEADER-BYTES] BYTES */
static enum nats_event begin_message(struct nats_parser *p, struct span line, bool has_headers, struct span *in)
{
	size_t count = 0, least = has_headers ? 4 : 3;
	struct span word[WORDS_MAX + 1], none = { 0 };
	uint64_t sid, header_len = 0, size;

	while (count <= WORDS_MAX && word_take(&line, &word[count]))
		count++;
	if (count < least || count > least + 1)
		return malformed(p, "a message's line with too few words, or too many");
	if (!digits_read(word[1], &sid) || sid > UINT32_MAX || !digits_read(word[count - 1], &size) ||
	    (has_headers && !digits_read(word[count - 2], &header_len)) || header_len > size)
		return malformed(p, "a message's line with numbers that cannot be");
	if (size > p->data_max)
		return malformed(p, "a message that is longer than the server said they are");
	p->message = nats_message_new((uint32_t)sid, word[0], count > least ? word[2] : none, size + 2, &p->at);
	if (!p->message)
		return NATS_EVENT_NO_MEMORY;
	p->header_len = header_len;
	p->size = size;
	p->missing = size + 2;
	return in->len > 0 ? take_bytes(p, in) : NATS_EVENT_NONE;
}

/* ---- lines ---- */

/** complaint() - the text of -ERR, which stands in quotes */
static enum nats_event complaint(struct nats_parser *p, struct span text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\''))
		span_skip(&text, 1);
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\''))
		text.len--;
	p->text = text;
	return NATS_EVENT_COMPLAINT;
}

/** on_line() - a whole one, without its CRLF */
static enum nats_event on_line(struct nats_parser *p, struct span line, struct span *in)
{
	struct span name;

	if (!word_take(&line, &name))
		return malformed(p, "an empty line");
	if (span_equal_nocase(name, SPAN_LITERAL("HMSG")))
		return begin_message(p, line, true, in);
	if (span_equal_nocase(name, SPAN_LITERAL("MSG")))
		return begin_message(p, line, false, in);
	if (span_equal_nocase(name, SPAN_LITERAL("PING")))
		return NATS_EVENT_PING;
	if (span_equal_nocase(name, SPAN_LITERAL("PONG")))
		return NATS_EVENT_PONG;
	if (span_equal_nocase(name, SPAN_LITERAL("+OK")))
		return NATS_EVENT_OK;
	if (span_equal_nocase(name, SPAN_LITERAL("-ERR")))
		return complaint(p, line);
	if (!span_equal_nocase(name, SPAN_LITERAL("INFO")))
		return malformed(p, "a line that is none of NATS");
	while (line.len > 0 && line.at[0] == ' ')
		span_skip(&line, 1);
	p->text = line;
	return NATS_EVENT_INFO;
}

/**
 * take_line() - the next line, or what there is of it, from the front of @in
 * @line:  on NATS_EVENT_NONE, the whole line without its newline; its at is NULL if the rest is still to come
 */
static enum nats_event take_line(struct nats_parser *p, struct span *in, struct span *line)
{
	const uint8_t *end = memchr(in->at, '\n', in->len);

	*line = span_of(in->at, end ? (size_t)(end - in->at) + 1 : in->len);
	span_skip(in, line->len);
	if (p->line.len + line->len > NATS_LINE_MAX)
		return malformed(p, "a line without an end");
	if (!end || p->line.len > 0) {
		buffer_add_span(&p->line, *line);
		if (!buffer_ok(&p->line))
			return NATS_EVENT_NO_MEMORY;
		*line = end ? buffer_span(&p->line) : span_of(NULL, 0);
	}
	if (end)
		line->len--;
	return NATS_EVENT_NONE;
}

/** next_line() - the event of a line, or of what follows it; NATS_EVENT_NONE: there is more to come first */
static enum nats_event next_line(struct nats_parser *p, struct span *in)
{
	struct span line;
	enum nats_event event = take_line(p, in, &line);

	if (event != NATS_EVENT_NONE || !line.at)
		return event;
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	event = on_line(p, line, in);
	p->line.len = 0; /* its bytes stay for who reads the event's text */
	return event;
}

enum nats_event nats_parser_next(struct nats_parser *p, struct span *in)
{
	enum nats_event event = NATS_EVENT_NONE;

	if (p->is_broken)
		return NATS_EVENT_MALFORMED;
	while (event == NATS_EVENT_NONE && in->len > 0)
		event = p->at ? take_bytes(p, in) : next_line(p, in);
	p->is_broken = event == NATS_EVENT_MALFORMED || event == NATS_EVENT_NO_MEMORY;
	return event;
}

void nats_parser_deinit(struct nats_parser *p)
{
	if (p->at)
		nats_message_free(p->message);
	buffer_deinit(&p->line);
	*p = (struct nats_parser){ .data_max = p->data_max };
}
