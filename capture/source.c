/* source.c - see source.h and source_impl.h: passes each call on to the kind of source */
#include "capture/source.h"

#include "capture/source_impl.h"

int source_read(struct source *s, size_t max, packet_fn *fn, void *ctx)
{
	return s->ops->read(s, max, fn, ctx);
}

void source_hurry(struct source *s, size_t count)
{
	if (s->ops->hurry)
		s->ops->hurry(s, count);
}

void source_stop(struct source *s, struct wall now)
{
	s->ops->stop(s, now);
}

void source_interrupt(struct source *s)
{
	s->ops->interrupt(s);
}

void source_update_stats(struct source *s, struct capture_stats *stats)
{
	s->ops->update_stats(s, stats);
}

void source_progress(const struct source *s, uint64_t *done, uint64_t *total)
{
	s->ops->progress(s, done, total);
}

static bool is_among(int linktype, const int *linktypes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (linktypes[i] == linktype)
			return true;
	return false;
}

size_t source_linktypes(struct source *s, int *out, size_t max)
{
	size_t count = 0;
	int linktype;

	for (size_t i = 0; count < max && (linktype = s->ops->linktype(s, i)) >= 0; i++)
		if (decode_knows_linktype(linktype) && !is_among(linktype, out, count))
			out[count++] = linktype;
	return count;
}

size_t source_sockets(const struct source *s, int *out, size_t max)
{
	size_t count = 0;
	int fd;

	while (s->ops->socket && count < max && (fd = s->ops->socket(s, count)) >= 0)
		out[count++] = fd;
	return count;
}

const char *source_complaint(const struct source *s)
{
	struct buffer *complaints =
		&((struct source *)s)->complaints; /* buffer_text() only adds the final NUL */

	if (!buffer_ok(complaints))
		return "there was trouble with the capture, and not enough memory to say what";
	return complaints->len ? buffer_text(complaints) : NULL;
}

bool source_is_live(const struct source *s)
{
	return s->ops->live;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	buffer_deinit(&s->complaints);
	s->ops->close(s);
}

struct buffer *source_complain(struct source *s)
{
	if (s->complaints.len)
		buffer_add_str(&s->complaints, "; ");
	return &s->complaints;
}

/* A recording can claim any time; what does not fit into 292 years around 1970 becomes the nearest that does. */
static struct wall wall_of_pcap(const struct timeval *ts)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)ts->tv_sec, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)ts->tv_usec, &ns))
		return (struct wall){ ts->tv_sec < 0 ? INT64_MIN : INT64_MAX };
	return (struct wall){ ns };
}

struct packet packet_of_pcap(const struct pcap_pkthdr *header, const uint8_t *bytes, int linktype)
{
	return (struct packet){
		.bytes = span_of(bytes, header->caplen),
		.wire_len = header->len > header->caplen ? header->len : header->caplen,
		.linktype = linktype,
		.ts = wall_of_pcap(&header->ts),
	};
}
