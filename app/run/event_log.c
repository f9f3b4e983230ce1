/* event_log.c - see event_log.h */
#include "app/run/event_log.h"

#include <stdlib.h>

#include "base/cache_line.h"
#include "report/events.h"

#define AHEAD_BYTES (1 << 20)

/** struct lines_item - what the ring carries */
struct lines_item {
	struct item item; /* first */
	struct event_lines *lines;
	struct budget *budget, *ahead; /* ahead: the event log's */
	size_t charged;                /* to both */
};

struct event_log {
	struct event_log_options o;
	const struct rewrite *shown;
	struct event_options events;
	struct event_heads heads;
	struct event_lines *lines;
	struct wall first;   /* when the first of the lines happened */
	struct budget ahead; /* bytes in the ring */
};

static bool shows_header(void *ctx, struct span name, bool is_grpc)
{
	const struct event_log *t = ctx;

	return rewrite_allows(t->shown, name, is_grpc);
}

struct event_log *event_log_new(const struct event_log_options *options)
{
	struct event_log *t = cache_line_calloc(sizeof(*t));

	if (!t)
		return NULL;
	t->o = *options;
	t->events = (struct event_options){
		.show_query = options->show_query, .shows_header = shows_header, .ctx = t, .heads = &t->heads
	};
	budget_init(&t->ahead, SIZE_MAX);
	return t;
}

static struct buffer *begin_line(struct event_log *t, struct wall at)
{
	if (!t->lines)
		t->first = at;
	return event_line_begin(t->o.writer, &t->lines);
}

static void end_line(struct event_log *t)
{
	if (event_line_end(t->lines) || t->o.one_by_one)
		event_log_flush(t);
}

void event_log_show(struct event_log *t, const struct rewrite *shown)
{
	t->shown = shown;
	t->heads = (struct event_heads){ 0 };
}

void event_log_request(struct event_log *t, const struct message *m, enum decision decision)
{
	struct buffer *line = begin_line(t, m->origin.ts_last);

	if (!line)
		return;
	event_request(&t->events, m, decision, (struct span){ 0 }, line);
	end_line(t);
}

void event_log_lost(struct event_log *t, const struct request_origin *origin, enum lost_reason reason,
		    const struct request_head *head, struct wall now)
{
	struct buffer *line = begin_line(t, now);

	if (!line)
		return;
	event_lost(&t->events, origin, reason, head, line);
	end_line(t);
}

/* An item that holds the event log's lines, and their charge; NULL if there is no memory for it. */
static struct lines_item *make_item(struct event_log *t)
{
	size_t bytes = sizeof(struct lines_item) + t->lines->text.len;
	struct lines_item *item = malloc(sizeof(*item));

	if (!item || !budget_charge(t->o.budget, bytes)) {
		free(item);
		return NULL;
	}
	budget_charge(&t->ahead, bytes);
	*item = (struct lines_item){
		.item = { .kind = ITEM_LINES, .due = t->first },
		.lines = t->lines,
		.budget = t->o.budget,
		.ahead = &t->ahead,
		.charged = bytes,
	};
	t->lines = NULL;
	return item;
}

struct event_lines *event_log_take(struct item *item)
{
	struct lines_item *l = (struct lines_item *)item;
	struct event_lines *lines = l->lines;

	budget_release(l->ahead, l->charged);
	budget_release(l->budget, l->charged);
	free(l);
	return lines;
}

void event_log_flush(struct event_log *t)
{
	struct lines_item *item;

	if (!t || !t->lines)
		return;
	item = make_item(t);
	if (item && t->o.push(t->o.ctx, &item->item))
		return;
	if (item)
		t->lines = event_log_take(&item->item);
	event_writer_drop(t->o.writer, &t->lines);
}

bool event_log_is_ahead(const struct event_log *t)
{
	return t && budget_used(&t->ahead) > AHEAD_BYTES;
}

void event_log_free(struct event_log *t)
{
	free(t);
}
