/*
 * option_words.c - the kinds of option whose value is yes or no, a text, a list, or one of a few words
 *
 * A word out of a few is its place among the row's choices, which are in the order of the enum that it fills.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "app/options/option_value.h"
#include "base/units.h"
#include "capture/tunnel_kind.h"
#include "report/provenance.h"
#include "report/render.h"

/* ---- flags ---- */

static int read_yes(const struct option_input *in, bool *out, struct buffer *error)
{
	const char *v = in->value ? in->value : "yes";

	*out = strcmp(v, "yes") == 0 || strcmp(v, "true") == 0;
	if (*out || strcmp(v, "no") == 0 || strcmp(v, "false") == 0)
		return 0;
	return option_wrong(error, in, "this is on or off; write yes or no");
}

static int parse_flag(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)o;
	return read_yes(in, field, error);
}

static void default_flag(const struct option_row *row, void *field)
{
	*(bool *)field = row->initial != 0;
}

static bool flags_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return *(const bool *)x == *(const bool *)y;
}

static void show_flag(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	(void)o, (void)row;
	buffer_add_str(out, *(const bool *)field ? "yes" : "no");
}

const struct option_ops option_flag = { default_flag, parse_flag, flags_equal, show_flag };

static int parse_flag_off(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	bool yes;
	int rc = read_yes(in, &yes, error);

	(void)o;
	if (rc == 0)
		*(bool *)field = !yes;
	return rc;
}

const struct option_ops option_flag_off = { default_flag, parse_flag_off, flags_equal };

static int parse_level(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	unsigned *level = field;
	bool yes;
	int rc = read_yes(in, &yes, error);

	(void)o;
	if (rc == 0)
		*level = yes ? *level + 1 : 0;
	return rc;
}

static bool unsigned_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return *(const unsigned *)x == *(const unsigned *)y;
}

const struct option_ops option_level = { .parse = parse_level, .equal = unsigned_equal };

static int parse_nothing(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	bool yes;

	(void)o, (void)field;
	return read_yes(in, &yes, error);
}

const struct option_ops option_nothing = { .parse = parse_nothing };

static int parse_command(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)field;
	if (in->value)
		return option_wrong(error, in, "takes no value");
	o->command = (enum command)in->row->min;
	return 0;
}

const struct option_ops option_command = { .parse = parse_command };

/* ---- texts ---- */

static int parse_text(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)o, (void)error;
	*(const char **)field = in->value;
	return 0;
}

static void default_text(const struct option_row *row, void *field)
{
	*(const char **)field = row->initial_text;
}

static bool texts_are_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return option_text_equal(*(const char *const *)x, *(const char *const *)y);
}

static void show_text(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	const char *text = *(const char *const *)field;

	(void)o, (void)row;
	option_shown(out, text ? text : "none");
}

const struct option_ops option_text = { default_text, parse_text, texts_are_equal, show_text };

/* From the command line, which stays as it is. */
const struct option_ops option_config = { .parse = parse_text };

static int parse_texts(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	return option_add_text(o, field, in->value, error);
}

static void show_texts(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	const struct texts *list = field;

	(void)o, (void)row;
	for (size_t i = 0; i < list->count; i++) {
		buffer_add_str(out, i ? " + " : "");
		option_shown(out, list->at[i]);
	}
	if (list->count == 0)
		buffer_add_str(out, "none");
}

const struct option_ops option_texts = { .parse = parse_texts, .equal = option_equal_texts, .show = show_texts };

static int parse_slice(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *prefix = "header:", *name = in->value + strlen(prefix);
	struct texts *list = field;

	if (strncmp(in->value, prefix, strlen(prefix)) != 0 || !option_is_token(name, strlen(name)))
		return option_wrong(error, in, "write header:NAME, such as header:x-tenant; path and model are slices by "
					       "themselves");
	if (list->count == SLICES_MAX)
		return option_wrong(error, in, "too many, the most is %d; leave out those that matter least", SLICES_MAX);
	return option_add_text(o, list, name, error);
}

const struct option_ops option_slice = { .parse = parse_slice, .equal = option_equal_texts };

static int parse_report(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	if (!render_knows(in->value))
		return option_wrong(error, in,
				    "a report's form follows from its suffix: " RENDER_SUFFIXES "; write e.g. report.json");
	return option_add_text(o, field, in->value, error);
}

const struct option_ops option_report = { .parse = parse_report, .equal = option_equal_texts };

static int parse_label(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	size_t len = strcspn(in->value, "=");

	if (in->value[len] != '=' || len >= LABEL_NAME_TEXT || !option_is_token(in->value, len))
		return option_wrong(error, in, "write NAME=VALUE, such as model=fraud-v7");
	return option_add_text(o, field, in->value, error);
}

const struct option_ops option_label = { .parse = parse_label, .equal = option_equal_texts };

static int parse_user(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)o;
	errno = 0;
	if (!getpwnam(in->value)) {
		/* the C library reports "no such user" in half a dozen ways (getpwnam(3), ERRORS) */
		option_wrong(error, in, "there is no such user; name one that exists");
		return -ENOENT;
	}
	*(const char **)field = in->value;
	return 0;
}

/* The user that we chose ourselves, as root, cannot be chosen again by the one that we became. */
static bool users_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	const char *s = a->user_was_chosen ? NULL : *(const char *const *)x;
	const char *t = b->user_was_chosen ? NULL : *(const char *const *)y;

	return option_text_equal(s, t);
}

const struct option_ops option_user = { .parse = parse_user, .equal = users_equal };

/* ---- ports and tunnels ---- */

static int add_port(struct port_set *ports, const char *text, const struct option_input *in,
		    struct buffer *error)
{
	uint64_t port;

	if (!parse_uint(text, &port))
		return option_wrong(error, in, "not a port number; write 8080, or 8080,8081");
	if (port < in->row->min || port > in->row->max) {
		option_wrong(error, in, "port out of range, which is ");
		option_range(in->row, error);
		return -EINVAL;
	}
	if (port_set_has(ports, (uint16_t)port))
		return 0;
	if (ports->count == PORTS_MAX)
		return option_wrong(error, in, "too many ports, the most is %d%s", PORTS_MAX,
				    in->row->letter == 'p' ? "; without -p every port is looked at" : "");
	ports->port[ports->count++] = (uint16_t)port;
	return 0;
}

static int parse_ports(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *at = in->value;
	int rc;

	(void)o;
	for (;;) {
		size_t len = strcspn(at, ",");
		char text[24];

		/* cut text of this length is still no port */
		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text)), at);
		rc = add_port(field, text, in, error);
		if (rc < 0 || at[len] == '\0')
			return rc;
		at += len + 1;
	}
}

static bool ports_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	const struct port_set *s = x, *t = y;

	(void)a, (void)b;
	return s->count == t->count && memcmp(s->port, t->port, s->count * sizeof(s->port[0])) == 0;
}

const struct option_ops option_ports = { .parse = parse_ports, .equal = ports_equal };

static int add_tunnel(unsigned *tunnels, struct span name, const struct option_input *in, struct buffer *error)
{
	static const char *const names[] = {
#define X(id, name, filter) name,
		TUNNEL_KINDS(X)
#undef X
	};

	for (size_t i = 0; i < TUNNEL_KIND_COUNT; i++)
		if (span_equal(name, span_str(names[i]))) {
			*tunnels |= TUNNEL_BIT(i);
			return 0;
		}
	option_wrong(error, in, "no tunnel that shadowtap knows; they are ");
	for (size_t i = 0; i < TUNNEL_KIND_COUNT; i++)
		buffer_printf(error, "%s%s", i ? ", " : "", names[i]);
	return -EINVAL;
}

static int parse_tunnels(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *at = in->value;

	(void)o;
	for (;;) {
		size_t len = strcspn(at, ",");
		int rc = add_tunnel(field, span_of(at, len), in, error);

		if (rc < 0 || at[len] == '\0')
			return rc;
		at += len + 1;
	}
}

const struct option_ops option_tunnels = { .parse = parse_tunnels, .equal = unsigned_equal };

/* ---- one of a few words ---- */

static int parse_sample_by(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	static const char prefix[] = "header:";
	int by;

	(void)field;
	if (strncmp(in->value, prefix, strlen(prefix)) == 0) {
		o->policy.sample_header = in->value + strlen(prefix);
		if (!option_is_token(o->policy.sample_header, strlen(o->policy.sample_header)))
			return option_wrong(error, in,
					    "what follows \"header:\" is no header's name; write e.g. header:x-session-id");
		o->policy.sample_by = SAMPLE_BY_HEADER;
		return 0;
	}
	by = option_choice(in->row, in->value);
	if (by < 0)
		return option_wrong(error, in, "write request, connection, client, proxied, id or header:NAME");
	o->policy.sample_by = (enum sample_by)by;
	return 0;
}

static bool sample_by_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	return a->policy.sample_by == b->policy.sample_by &&
	       option_text_equal(a->policy.sample_header, b->policy.sample_header);
}

static void show_sample_by(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	(void)field;
	option_show_choice(row, (int)o->policy.sample_by, out);
	if (o->policy.sample_by == SAMPLE_BY_HEADER)
		option_shown(out, o->policy.sample_header);
}

const struct option_ops option_sample_by = { .parse = parse_sample_by, .equal = sample_by_equal, .show = show_sample_by };

static int parse_word(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	int n = option_choice(in->row, in->value);

	(void)o;
	if (n < 0) {
		option_wrong(error, in, "write one of: ");
		buffer_add_str(error, in->row->choices);
		return -EINVAL;
	}
	*(unsigned *)field = (unsigned)n;
	return 0;
}

static void default_word(const struct option_row *row, void *field)
{
	*(unsigned *)field = (unsigned)row->initial;
}

static void show_word(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	(void)o;
	option_show_choice(row, (int)*(const unsigned *)field, out);
}

const struct option_ops option_word = { default_word, parse_word, unsigned_equal, show_word };

static int parse_log_format(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	int format = option_choice(in->row, in->value);

	(void)field;
	if (format < 0)
		return option_wrong(error, in, "write json or text");
	o->log_format = (enum log_format)format;
	o->log_all_json = o->log_format == LOG_FORMAT_JSON;
	return 0;
}

static bool log_formats_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	return a->log_format == b->log_format;
}

static void default_log_format(const struct option_row *row, void *field)
{
	(void)row;
	*(enum log_format *)field = LOG_FORMAT_BY_TERMINAL;
}

const struct option_ops option_log_format = { default_log_format, parse_log_format, log_formats_equal };

static int parse_shell(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	int shell = option_choice(in->row, in->value);

	(void)field;
	if (shell < 0)
		return option_wrong(error, in, "write bash, zsh or fish");
	o->command = COMMAND_COMPLETION;
	o->shell = (enum shell)shell;
	return 0;
}

const struct option_ops option_shell = { .parse = parse_shell };

/* ---- an address ---- */

static int parse_admin(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *complaint = admin_address_parse(in->value, field);

	(void)o;
	return complaint ? option_wrong(error, in, "%s", complaint) : 0;
}

static bool admins_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)a, (void)b;
	return memcmp(x, y, sizeof(struct admin_address)) == 0;
}

const struct option_ops option_admin = { .parse = parse_admin, .equal = admins_equal };
