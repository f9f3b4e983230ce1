/*
 * nats_transcript.h - what a parser of NATS makes of a stream, as text: a line for each event
 */
#ifndef TESTS_RIG_NATS_TRANSCRIPT_H
#define TESTS_RIG_NATS_TRANSCRIPT_H

#include "relay/nats_parser.h"

static inline void transcript_text(struct buffer *out, const char *name, struct span s)
{
	buffer_printf(out, " %s[", name);
	buffer_add_span(out, s);
	buffer_add_str(out, "]");
}

static inline void transcript_message(struct buffer *out, struct nats_message *m)
{
	struct span lines = m->headers, name, value;

	buffer_printf(out, "MESSAGE %u", m->subscription);
	transcript_text(out, "subject", m->subject);
	transcript_text(out, "reply", m->reply);
	if (m->status > 0)
		buffer_printf(out, " status %u", m->status);
	if (m->status_text.len > 0)
		transcript_text(out, "text", m->status_text);
	while (nats_header_take(&lines, &name, &value)) {
		transcript_text(out, "name", name);
		transcript_text(out, "value", value);
	}
	transcript_text(out, "data", m->data);
	nats_message_free(m);
}

/** transcript_event() - a line; false: the stream is of no more use */
static inline bool transcript_event(struct buffer *out, const struct nats_parser *p, enum nats_event event)
{
	static const char *const names[] = { "", "", "INFO", "PING", "PONG", "OK", "COMPLAINT", "MALFORMED", "NO MEMORY" };

	if (event == NATS_EVENT_MESSAGE)
		transcript_message(out, p->message);
	else
		buffer_add_str(out, names[event]);
	if (event == NATS_EVENT_INFO || event == NATS_EVENT_COMPLAINT || event == NATS_EVENT_MALFORMED)
		transcript_text(out, "text", p->text);
	buffer_add_str(out, "\n");
	return event != NATS_EVENT_MALFORMED && event != NATS_EVENT_NO_MEMORY;
}

/** transcript_of() - of one piece of the stream; false: it is of no more use */
static inline bool transcript_of(struct buffer *out, struct nats_parser *p, struct span piece)
{
	enum nats_event event;

	while ((event = nats_parser_next(p, &piece)) != NATS_EVENT_NONE)
		if (!transcript_event(out, p, event))
			return false;
	return true;
}

#endif
