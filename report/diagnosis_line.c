/* diagnosis_line.c - the words that all findings are made with; see diagnosis_impl.h */
#include "report/diagnosis_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "report/format.h"

/* There is a place for each symptom, tunnel and target: what is said once is said once. */
struct diagnosis_line *diagnosis_add(struct diagnosis *d, enum finding_severity severity, const char *code)
{
	struct diagnosis_line *line = &d->line[d->count++];

	assert(d->count <= DIAGNOSIS_MAX);
	line->severity = severity;
	line->code = code;
	return line;
}

void line_say(struct diagnosis_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(&line->text, format, args);
	va_end(args);
}

void line_advise(struct diagnosis_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buffer_vprintf(&line->remedy, format, args);
	va_end(args);
}

/** line_count() - "1 packet", "12,372 packets": @noun is the singular */
void line_count(struct diagnosis_line *line, uint64_t n, const char *noun)
{
	format_count(&line->text, n);
	line_say(line, " %s%s", noun, n == 1 ? "" : "s");
}

size_t ports_list(struct buffer *out, const struct wide_view *w, uint64_t (*count)(const struct port_view *))
{
	size_t listed = 0;

	for (size_t i = 0; i < w->port_count; i++) {
		uint64_t n = count(&w->port[i]);

		if (n == 0)
			continue;
		buffer_printf(out, "%s%u (", listed++ ? ", " : "", w->port[i].port);
		format_count(out, n);
		buffer_add_str(out, ")");
	}
	return listed;
}

uint64_t port_requests(const struct port_view *p)
{
	return p->requests;
}

uint64_t port_tls(const struct port_view *p)
{
	return p->tls;
}

uint64_t port_http2(const struct port_view *p)
{
	return p->http2;
}

const struct port_view *ports_busiest(const struct wide_view *w, uint64_t (*count)(const struct port_view *))
{
	const struct port_view *best = NULL;

	for (size_t i = 0; i < w->port_count; i++)
		if (count(&w->port[i]) > 0 && (!best || count(&w->port[i]) > count(best)))
			best = &w->port[i];
	return best;
}

/** symptoms_names_port() - did the user name this port with -p? */
bool symptoms_names_port(const struct symptoms *s, uint16_t port)
{
	for (const char *at = s->ports; at && *at; at += strspn(at, ",")) {
		char *end;

		if (strtoul(at, &end, 10) == port)
			return true;
		at = end + strcspn(end, ",");
	}
	return false;
}
