/* flow_log.c - see flow_log.h */
#include "reassembly/flow_log.h"

#include <stdio.h>

#include "base/endpoint.h"

static bool may_write(struct flow_log *log, struct wall now)
{
	if (now.ns - log->window.ns >= NS_PER_S || now.ns < log->window.ns) {
		log->window = now;
		log->in_window = 0;
	}
	if (log->in_window == FLOW_LOG_PER_SECOND) {
		log->held_back++;
		return false;
	}
	log->in_window++;
	return true;
}

void flow_log_write(struct flow_log *log, struct wall now, const struct flow *f, const char *what,
		    const char *detail)
{
	char from[ENDPOINT_TEXT_MAX], to[ENDPOINT_TEXT_MAX], more[48] = "";
	unsigned client = f->client == 1;

	if (!may_write(log, now))
		return;
	if (log->held_back > 0)
		snprintf(more, sizeof(more), "; %llu lines held back", (unsigned long long)log->held_back);
	log->held_back = 0;
	if (detail && *detail)
		log_debug("flow %llu: %s: %s%s", (unsigned long long)f->number, what, detail, more);
	else if (detail)
		log_debug("flow %llu: %s %s > %s%s%s", (unsigned long long)f->number, what,
			  endpoint_text(&f->key.end[client], from), endpoint_text(&f->key.end[!client], to),
			  f->midstream ? ", its beginning was not seen" : "", more);
	else
		log_debug("flow %llu: %s%s", (unsigned long long)f->number, what, more);
}
