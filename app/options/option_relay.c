/*
 * option_relay.c - the kinds of option that name a broker's things: -r, which may be one, names, and --from
 */
#include <string.h>

#include "app/options/option_value.h"
#include "app/options/texts.h"
#include "base/clock.h"
#include "base/units.h"
#include "relay/broker_url.h"

/* ---- brokers ---- */

int option_read_broker(const struct option_input *in, struct broker_url *out, struct buffer *error)
{
	if (out->host_count > 0)
		return option_wrong(error, in, "a second broker; one run hands over to one, and reads from one");
	return broker_url_parse(in->value, out, error);
}

bool option_brokers_equal(const struct broker_url *a, const struct broker_url *b)
{
	return strcmp(a->shown, b->shown) == 0 && strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0;
}

static int parse_source(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	if (broker_url_is(in->value))
		return option_read_broker(in, &o->relay.source, error);
	return option_add_text(o, field, in->value, error);
}

static bool sources_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	return option_equal_texts(a, b, x, y) && option_brokers_equal(&a->relay.source, &b->relay.source);
}

const struct option_ops option_source = { .parse = parse_source, .equal = sources_equal };

/* ---- names ---- */

static int parse_name(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)o;
	if (!relay_name_is_good(span_str(in->value)))
		return option_wrong(error, in, "no name for the broker; write up to 64 letters, digits, - and _");
	*(const char **)field = in->value;
	return 0;
}

static void default_name(const struct option_row *row, void *field)
{
	*(const char **)field = row->initial_text;
}

static bool names_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return option_text_equal(*(const char *const *)x, *(const char *const *)y);
}

const struct option_ops option_relay_name = { .set_default = default_name, .parse = parse_name, .equal = names_equal };

/* ---- where to begin ---- */

static int parse_from(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	struct relay_from *from = field;
	struct wall at;

	(void)o;
	if (strcmp(in->value, "now") == 0)
		*from = (struct relay_from){ RELAY_FROM_NOW, 0 };
	else if (strcmp(in->value, "start") == 0)
		*from = (struct relay_from){ RELAY_FROM_START, 0 };
	else if (in->value[0] == '-' && parse_duration(in->value + 1, &from->ns))
		from->start = RELAY_FROM_AGO;
	else if (time_read(span_str(in->value), &at))
		*from = (struct relay_from){ RELAY_FROM_TIME, at.ns };
	else
		return option_wrong(error, in, "no place to begin; write now, start, how long ago, such as -10m, or a time, such as "
					       "2026-11-28T09:00:00Z");
	return 0;
}

static bool froms_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	const struct relay_from *f = x, *g = y;

	(void)a, (void)b;
	return f->start == g->start && f->ns == g->ns;
}

const struct option_ops option_from = { .parse = parse_from, .equal = froms_equal };
