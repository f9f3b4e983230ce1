/* option_change.c - see option_change.h */
#include "app/options/option_change.h"

#include <string.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "base/units.h"

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool texts_equal(const struct texts *a, const struct texts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

static bool ports_equal(const struct port_set *a, const struct port_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->port[i] != b->port[i])
			return false;
	return true;
}

/* The name and where it leads; --sample, --rate and --header are rows of their own. */
static bool targets_equal(const struct options *a, const struct options *b)
{
	if (a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++) {
		const struct target_url *x = &a->targets[i].url, *y = &b->targets[i].url;

		if (strcmp(x->name, y->name) != 0 || strcmp(x->shown, y->shown) != 0 ||
		    strcmp(x->prefix, y->prefix) != 0 || strcmp(x->socket, y->socket) != 0 || x->is_tls != y->is_tls)
			return false;
	}
	return true;
}

/* What we chose ourselves, as root, cannot be chosen again by whom we became. */
static const char *user_named(const struct options *o)
{
	return o->user_was_chosen ? NULL : o->user;
}

static bool row_equal(const struct option_row *row, const struct options *a, const struct options *b)
{
	const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
	case OPTION_FLAG_OFF:
		return *(const bool *)x == *(const bool *)y;
	case OPTION_LEVEL:
	case OPTION_TUNNELS:
		return *(const unsigned *)x == *(const unsigned *)y;
	case OPTION_UINT32:
	case OPTION_SNAPLEN:
	case OPTION_SIZE32:
	case OPTION_PERCENT:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case OPTION_UINT64:
	case OPTION_SIZE:
	case OPTION_SAMPLE:
		return *(const uint64_t *)x == *(const uint64_t *)y;
	case OPTION_DURATION:
		return *(const int64_t *)x == *(const int64_t *)y;
	case OPTION_TEXT:
		return text_equal(*(const char *const *)x, *(const char *const *)y);
	case OPTION_TEXTS:
	case OPTION_SLICE:
	case OPTION_REPORT:
		return texts_equal(x, y);
	case OPTION_TOLERANCE:
		return *(const double *)x == *(const double *)y;
	case OPTION_PORTS:
		return ports_equal(x, y);
	case OPTION_USER:
		return text_equal(user_named(a), user_named(b));
	case OPTION_SAMPLE_BY:
		return a->policy.sample_by == b->policy.sample_by &&
		       text_equal(a->policy.sample_header, b->policy.sample_header);
	case OPTION_RAMP:
		return a->ramp.from == b->ramp.from && a->ramp.to == b->ramp.to && a->ramp.over_ns == b->ramp.over_ns;
	case OPTION_TARGET:
		return targets_equal(a, b);
	case OPTION_CONTROL: /* one of them */
		return true;
	case OPTION_HOST:
		return a->host_mode == b->host_mode && text_equal(a->host_value, b->host_value);
	case OPTION_SPEED:
		return a->speed_max == b->speed_max && a->speed == b->speed;
	case OPTION_ADMIN:
		return memcmp(x, y, sizeof(struct admin_address)) == 0;
	case OPTION_LOG_FORMAT:
		return a->log_format == b->log_format;
	case OPTION_RATE:   /* of each target: target_changes() */
	case OPTION_HEADER:
	case OPTION_CONFIG: /* from the command line, which stays */
	case OPTION_COMMAND:
	case OPTION_SHELL:
	case OPTION_NOTHING:
		return true;
	}
	return true; /* not reached: the switch names every kind */
}

/* ---- values as texts ---- */

static void texts_shown(const struct texts *list, struct buffer *out)
{
	for (size_t i = 0; i < list->count; i++) {
		buffer_add_str(out, i ? " + " : "");
		option_shown(out, list->at[i]);
	}
	if (list->count == 0)
		buffer_add_str(out, "none");
}

static void sample_by_shown(const struct options *o, struct buffer *out)
{
	static const char *const names[] = { [SAMPLE_BY_REQUEST] = "request",
					     [SAMPLE_BY_CONNECTION] = "connection",
					     [SAMPLE_BY_CLIENT] = "client",
					     [SAMPLE_BY_PROXIED] = "proxied" };

	if (o->policy.sample_by != SAMPLE_BY_HEADER) {
		buffer_add_str(out, names[o->policy.sample_by]);
		return;
	}
	buffer_add_str(out, "header:");
	option_shown(out, o->policy.sample_header);
}

static void host_shown(const struct options *o, struct buffer *out)
{
	static const char *const names[] = {
		[HOST_TARGET] = "target", [HOST_KEEP] = "keep", [HOST_SUFFIX] = "suffix"
	};

	if (o->host_mode == HOST_VALUE)
		option_shown(out, o->host_value);
	else
		buffer_add_str(out, names[o->host_mode]);
}

static void share_shown(uint64_t share, struct buffer *out)
{
	char text[UNITS_TEXT_MAX];

	buffer_add_str(out, share_text(share, text));
}

static void rate_shown(uint64_t rate, struct buffer *out)
{
	if (rate == 0)
		buffer_add_str(out, "no limit");
	else
		buffer_printf(out, "%llu", (unsigned long long)rate);
}

static void value_shown(const struct option_row *row, const struct options *o, struct buffer *out)
{
	const void *field = (const char *)o + row->offset;
	const char *text;

	switch (row->kind) {
	case OPTION_FLAG:
		buffer_add_str(out, *(const bool *)field ? "yes" : "no");
		break;
	case OPTION_TEXT:
		text = *(const char *const *)field;
		option_shown(out, text ? text : "none");
		break;
	case OPTION_TEXTS:
		texts_shown(field, out);
		break;
	case OPTION_SAMPLE:
		share_shown(*(const uint64_t *)field, out);
		break;
	case OPTION_SAMPLE_BY:
		sample_by_shown(o, out);
		break;
	case OPTION_HOST:
		host_shown(o, out);
		break;
	default:
		break;
	}
}

/* The text that is sought in a header may be a key that clients send. */
static bool is_secret(const struct option_row *row)
{
	return strcmp(row->name, "match-header") == 0;
}

static void row_change(const struct option_row *row, const struct options *from, const struct options *to,
		       struct buffer *out)
{
	buffer_printf(out, "%s%s ", out->len ? ", " : "", row->name);
	if (is_secret(row)) {
		buffer_add_str(out, "changed");
		return;
	}
	value_shown(row, from, out);
	buffer_add_str(out, " -> ");
	value_shown(row, to, out);
}

static void target_changes(const struct target_settings *from, const struct target_settings *to, struct buffer *out)
{
	const char *name = from->url.name;

	if (from->sample_share != to->sample_share) {
		buffer_printf(out, "%ssample of %s ", out->len ? ", " : "", name);
		share_shown(from->sample_share, out);
		buffer_add_str(out, " -> ");
		share_shown(to->sample_share, out);
	}
	if (from->rate != to->rate) {
		buffer_printf(out, "%srate of %s ", out->len ? ", " : "", name);
		rate_shown(from->rate, out);
		buffer_add_str(out, " -> ");
		rate_shown(to->rate, out);
	}
	if (!texts_equal(&from->set_headers, &to->set_headers)) /* their values are what -H hides from ps */
		buffer_printf(out, "%sheader of %s changed", out->len ? ", " : "", name);
}

/* Values are somebody's bytes; a terminal must not obey them. */
static void make_printable(struct buffer *text, size_t from)
{
	for (size_t i = from; i < text->len; i++)
		if (text->bytes[i] < ' ' || text->bytes[i] == 0x7f)
			text->bytes[i] = '?';
}

void option_changes(const struct options *from, const struct options *to, struct buffer *out)
{
	size_t begin = out->len;

	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].hot && !row_equal(&option_rows[i], from, to))
			row_change(&option_rows[i], from, to, out);
	for (size_t i = 0; i < from->target_count && i < to->target_count; i++)
		target_changes(&from->targets[i], &to->targets[i], out);
	make_printable(out, begin);
}

void option_restarts(const struct options *from, const struct options *to, struct buffer *out)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (!option_rows[i].hot && !row_equal(&option_rows[i], from, to))
			buffer_printf(out, "%s%s", out->len ? ", " : "", option_rows[i].name);
}

void option_keep_targets(struct options *o, const struct options *running)
{
	struct target_settings kept[TARGETS_MAX];

	for (size_t i = 0; i < running->target_count; i++) {
		kept[i] = running->targets[i];
		for (size_t k = 0; k < o->target_count; k++)
			if (strcmp(o->targets[k].url.name, kept[i].url.name) == 0) {
				kept[i] = o->targets[k];
				kept[i].url = running->targets[i].url;
			}
	}
	memcpy(o->targets, kept, running->target_count * sizeof(*kept));
	o->target_count = running->target_count;
}
