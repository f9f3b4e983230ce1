/*
 * nats_message.c - see nats_message.h
 *
 * Theory of operation: a header block is a line "NATS/1.0", which may have a
 * status and words behind it, lines "name: value", and an empty line. The server
 * passes on what a publisher wrote, unread; so a block that is none of these is
 * no fault of the connection's. Its message comes without headers, and who needs
 * some will miss them.
 *
 * Fields are few and their block is short: looking for one is a walk over the
 * lines, and who wants many takes the lines one by one.
 */
#include "relay/nats_message.h"

#include <stdlib.h>

#include "base/lines.h"

#define VERSION "NATS/1.0"

/** put_text() - @text and a NUL at *@at, which is moved behind them */
static struct span put_text(uint8_t **at, struct span text)
{
	struct span put = { *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.at, text.len);
	(*at)[text.len] = '\0';
	*at += text.len + 1;
	return put;
}

struct nats_message *nats_message_new(uint32_t subscription, struct span subject, struct span reply, size_t size, uint8_t **room)
{
	struct nats_message *m = malloc(sizeof(*m) + subject.len + 1 + reply.len + 1 + size);

	if (!m)
		return NULL;
	*m = (struct nats_message){ .subscription = subscription };
	*room = (uint8_t *)(m + 1);
	m->subject = put_text(room, subject);
	m->reply = put_text(room, reply);
	return m;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct span trimmed(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		span_skip(&s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/** line_of() - the next line without its CRLF; false: there is none that ends in one */
static bool line_of(struct span *text, struct span *line)
{
	if (!line_take_whole(text, line) || line->len < 2 || line->at[line->len - 2] != '\r' || line->at[line->len - 1] != '\n')
		return false;
	line->len -= 2;
	return true;
}

/** set_status() - three digits and words, or nothing */
static bool set_status(struct nats_message *m, struct span rest)
{
	if (rest.len == 0)
		return true;
	if (!is_blank(rest.at[0]))
		return false;
	rest = trimmed(rest);
	if (rest.len == 0)
		return true;
	if (rest.len < 3 || (rest.len > 3 && !is_blank(rest.at[3])))
		return false;
	for (int i = 0; i < 3; i++) {
		if (rest.at[i] < '0' || rest.at[i] > '9')
			return false;
		m->status = (uint16_t)(m->status * 10 + rest.at[i] - '0');
	}
	span_skip(&rest, 3);
	m->status_text = trimmed(rest);
	return true;
}

void nats_message_set(struct nats_message *m, struct span block, struct span data)
{
	struct span line;

	m->data = data;
	if (block.len == 0 || block.len > NATS_HEADERS_MAX || !line_of(&block, &line) || !span_starts(line, SPAN_LITERAL(VERSION)))
		return;
	if (block.len < 2 || memcmp(block.at + block.len - 2, "\r\n", 2) != 0 ||
	    (block.len > 2 && block.at[block.len - 3] != '\n'))
		return;
	span_skip(&line, sizeof(VERSION) - 1);
	if (!set_status(m, line)) {
		m->status = 0;
		return;
	}
	block.len -= 2;
	m->headers = block;
}

void nats_message_free(struct nats_message *m)
{
	free(m);
}

bool nats_header_take(struct span *lines, struct span *name, struct span *value)
{
	struct span line;
	const uint8_t *colon;

	while (line_take(lines, &line)) {
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;
		if (!colon)
			continue;
		span_take(&line, (size_t)(colon - line.at), name);
		span_skip(&line, 1);
		*value = trimmed(line);
		return true;
	}
	return false;
}

bool nats_message_header(const struct nats_message *m, struct span name, struct span *value)
{
	struct span lines = m->headers, line, found;

	while (line_take_whole(&lines, &line))
		if (line.len > name.len && line.at[name.len] == ':' && span_starts(line, name))
			return nats_header_take(&line, &found, value);
	return false;
}
