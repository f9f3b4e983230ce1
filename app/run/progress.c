/* progress.c - see progress.h */
#include "app/run/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/log.h"
#include "base/units.h"

#define REDRAW_MS   250
#define CLEAR_LINE  "\r\033[K"

static unsigned columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void status(struct progress *s, struct live_line *line, unsigned width)
{
	uint64_t done, total;
	struct books b;

	s->refresh(s->ctx, &b, &done, &total);
	live_line_text(line, &b, mono_now(), done, total, width, &s->text);
}

static void on_redraw(uv_timer_t *timer)
{
	struct progress *s = timer->data;

	buffer_clear(&s->text);
	buffer_add_str(&s->text, CLEAR_LINE);
	status(s, &s->drawn_line, columns());
	log_raw(s->text.bytes, s->text.len);
}

static void on_plain(uv_timer_t *timer)
{
	struct progress *s = timer->data;

	buffer_clear(&s->text);
	status(s, &s->plain_line, 0);
	log_info("%s", buffer_text(&s->text));
}

/* A terminal that can redraw a line: TERM is "dumb" in editors' shells and in many a build's. */
static bool can_redraw(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void progress_open(struct progress *s, uv_loop_t *loop, struct progress_settings set, refresh_fn *refresh, void *ctx)
{
	uint64_t every_ms = (uint64_t)(set.stats_every_ns / NS_PER_MS);
	bool events_on_terminal = set.has_events && isatty(STDOUT_FILENO);

	s->set = set;
	s->refresh = refresh;
	s->ctx = ctx;
	s->terminal = can_redraw() && !set.quiet && !events_on_terminal;
	s->drawn_line = s->plain_line = live_line_new(mono_now(), set.sample_share);
	uv_timer_init(loop, &s->redraw);
	uv_timer_init(loop, &s->plain);
	s->redraw.data = s->plain.data = s;
	s->open = true;
	log_set_status_line(s->terminal);
	if (s->terminal)
		uv_timer_start(&s->redraw, on_redraw, REDRAW_MS, REDRAW_MS);
	if (every_ms > 0)
		uv_timer_start(&s->plain, on_plain, every_ms, every_ms);
}

static void list_text(struct buffer *out, const struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		buffer_printf(out, "%s%s", i ? ", " : "", t->at[i]);
}

static void input_text(const struct progress_settings *set, struct buffer *out)
{
	bool paced = set->files.count > 0 && set->sends;
	char text[UNITS_TEXT_MAX];

	if (set->broker) {
		buffer_printf(out, "reading %s as one of %s", set->broker, set->group);
	} else if (set->files.count > 0) {
		buffer_add_str(out, "reading ");
		list_text(out, &set->files);
		if (set->sends && set->speed_max)
			buffer_add_str(out, " as fast as the target allows");
		else if (set->sends && set->speed == 1)
			buffer_add_str(out, " at its recorded pace");
		else if (set->sends)
			buffer_printf(out, " at %g times its pace", set->speed);
	} else {
		buffer_add_str(out, "capturing on ");
		list_text(out, &set->interfaces);
	}
	for (size_t i = 0; i < set->ports->count; i++)
		buffer_printf(out, "%s%u", i ? "," : paced ? ", port " : " port ", set->ports->port[i]);
	buffer_printf(out, ", sample %s", share_text(set->sample_share, text));
}

void progress_begin(struct progress *s)
{
	const struct progress_settings *set = &s->set;

	buffer_clear(&s->text);
	input_text(set, &s->text);
	if (!set->sends)
		buffer_add_str(&s->text, ", dry run: nothing is sent");
	for (size_t i = 0; set->sends && i < set->target_count; i++)
		buffer_printf(&s->text, "%s%s", i ? " and " : ", to ", set->targets[i].url.shown);
	if (set->to_broker)
		buffer_printf(&s->text, "%s%s", set->target_count ? " and " : ", to ", set->to_broker);
	log_info("%s", buffer_text(&s->text));
}

void progress_set_sample(struct progress *s, uint64_t share)
{
	s->drawn_line.sample_share = s->plain_line.sample_share = share;
}

void progress_set_comparison(struct progress *s, const char *differ, const char *decision)
{
	snprintf(s->drawn_line.differ, sizeof(s->drawn_line.differ), "%s", differ);
	snprintf(s->plain_line.differ, sizeof(s->plain_line.differ), "%s", differ);
	snprintf(s->drawn_line.decision, sizeof(s->drawn_line.decision), "%s", decision);
	snprintf(s->plain_line.decision, sizeof(s->plain_line.decision), "%s", decision);
}

void progress_print_books(struct progress *s, const struct books *b)
{
	struct span lines, line;

	if (!log_enabled(LOG_INFO))
		return;
	buffer_clear(&s->text);
	books_text(b, &s->text);
	lines = buffer_span(&s->text);
	while (line_take_whole(&lines, &line))
		log_finished(line.at, line.len);
}

void progress_close(struct progress *s)
{
	if (!s->open)
		return;
	s->open = false;
	if (s->terminal)
		log_raw(CLEAR_LINE, sizeof(CLEAR_LINE) - 1);
	log_set_status_line(false);
	uv_close((uv_handle_t *)&s->redraw, NULL);
	uv_close((uv_handle_t *)&s->plain, NULL);
}

void progress_deinit(struct progress *s)
{
	buffer_deinit(&s->text);
}
