/*
 * option_targets.c - the kinds of option that add a target, or say something of one: -t, --control, -S,
 * --http-version, -H, --host-header
 *
 * With NAME: before its value an option is about the target of that name alone, so its row is late: it is read when all
 * targets are known. Such settings are compared target by target (option_change.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/options/config.h"
#include "app/options/option_value.h"
#include "app/options/texts.h"
#include "base/units.h"

static struct target_settings *target_named(struct options *o, const char *name, size_t len)
{
	for (size_t i = 0; i < o->target_count; i++)
		if (span_equal(span_str(o->targets[i].url.name), span_of(name, len)))
			return &o->targets[i];
	return NULL;
}

static int unknown_target(const struct options *o, const struct option_input *in, size_t len,
			  struct buffer *error)
{
	char name[65];

	snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), in->value);
	option_wrong(error, in, "no target is called \"");
	option_shown(error, name);
	buffer_add_str(error, o->target_count == 0 ? "\"; there are none"
			       : o->target_count == 1 ? "\"; the only one is "
						      : "\"; the targets are ");
	for (size_t i = 0; i < o->target_count; i++)
		buffer_printf(error, "%s%s", i ? ", " : "", o->targets[i].url.name);
	buffer_add_str(error, in->row->kind == OPTION_HEADER
				      ? "; if a header was meant, put a space before its value: 'N: V'"
				      : "; -t NAME=URL names one");
	return -EINVAL;
}

/* ---- targets ---- */

static int add_target(struct options *o, const struct option_input *in, bool is_control, struct buffer *error)
{
	struct target_url url;
	int rc;

	if (o->target_count == TARGETS_MAX)
		return option_wrong(error, in, "too many targets, the most is %d; start a second shadowtap for the others", TARGETS_MAX);
	if (in->file) { /* the sentence that follows names the URL, not the line */
		option_shown(error, in->file);
		buffer_printf(error, ":%u: ", in->line);
	}
	rc = target_url_parse(in->value, &url, error);
	if (rc < 0)
		return rc;
	buffer_clear(error);
	if (is_control && strcmp(url.name, "default") != 0)
		return option_wrong(error, in, "it has a name before the URL, but is always called \"" CONTROL_NAME "\"; write --control "
					       "http://host:port");
	if (is_control)
		strcpy(url.name, CONTROL_NAME);
	if (is_control && target_named(o, url.name, strlen(url.name)))
		return option_wrong(error, in, "given twice, or a target is called \"" CONTROL_NAME "\" already; there is one control: leave "
					       "one out, or give the target another name");
	if (target_named(o, url.name, strlen(url.name)))
		return option_wrong(error, in, "two targets are called \"%s\"; give each its own name: -t NAME=URL",
				    url.name);
	o->targets[o->target_count++] = (struct target_settings){ .url = url, .sample_share = SHARE_ONE, .is_control = is_control };
	return 0;
}

/* A broker has no name among the targets, and no figures of its own there. */
static int add_broker(struct options *o, const struct option_input *in, struct buffer *error)
{
	if (!broker_url_is(in->value))
		return option_wrong(error, in, "a broker has no NAME=: there is one at most, and what is for one target is not for it; "
					       "leave the name out");
	return option_read_broker(in, &o->relay.target, error);
}

static bool names_broker(const char *text)
{
	size_t name = strcspn(text, "=:/");

	return broker_url_is(text) || (text[name] == '=' && broker_url_is(text + name + 1));
}

static int parse_target(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)field;
	if (names_broker(in->value))
		return add_broker(o, in, error);
	return add_target(o, in, false, error);
}

static int parse_control(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	(void)field;
	return add_target(o, in, true, error);
}

/* The name and where it leads; --sample, --rate and --header are rows of their own. */
static bool targets_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	if (a->target_count != b->target_count || !option_brokers_equal(&a->relay.target, &b->relay.target))
		return false;
	for (size_t i = 0; i < a->target_count; i++) {
		const struct target_url *s = &a->targets[i].url, *t = &b->targets[i].url;

		if (strcmp(s->name, t->name) != 0 || strcmp(s->shown, t->shown) != 0 ||
		    strcmp(s->prefix, t->prefix) != 0 || strcmp(s->socket, t->socket) != 0 || s->is_tls != t->is_tls)
			return false;
	}
	return true;
}

/* What would make a URL wrong may be a password in it. */
const struct option_ops option_target_url = { .parse = parse_target, .equal = targets_equal, .privacy = OPTION_PRIVATE };

/* Compared as one of the targets. */
const struct option_ops option_control = { .parse = parse_control, .privacy = OPTION_PRIVATE };

/* ---- the sample ---- */

static int parse_sample(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *colon = strchr(in->value, ':');
	struct target_settings *target;

	if (!colon) {
		o->sample_given = true;
		return option_read_share(in, in->value, field, error);
	}
	target = target_named(o, in->value, (size_t)(colon - in->value));
	if (!target)
		return unknown_target(o, in, (size_t)(colon - in->value), error);
	return option_read_share(in, colon + 1, &target->sample_share, error);
}

static void show_share(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	char text[UNITS_TEXT_MAX];

	(void)o, (void)row;
	buffer_add_str(out, share_text(*(const uint64_t *)field, text));
}

static const struct option_unit shares = { .text = share_text };

const struct option_ops option_sample = { option_default_u64, parse_sample, option_equal_u64, show_share, &shares };

/* ---- the version of HTTP ---- */

static int parse_http_version(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *colon = strchr(in->value, ':'), *word = colon ? colon + 1 : in->value;
	struct target_settings *only = colon ? target_named(o, in->value, (size_t)(colon - in->value)) : NULL;
	int version = option_choice(in->row, word);

	(void)field;
	if (colon && !only)
		return unknown_target(o, in, (size_t)(colon - in->value), error);
	if (version < 0)
		return option_wrong(error, in, "no version of HTTP; write same, 1 or 2, for one target NAME:2");
	for (size_t i = 0; i < o->target_count; i++)
		if (!only || only == &o->targets[i])
			o->targets[i].http_version = (enum http_version)version;
	return 0;
}

/* Other targets than before are told of by -t. */
static bool http_versions_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	for (size_t i = 0; i < a->target_count && i < b->target_count; i++)
		if (a->targets[i].http_version != b->targets[i].http_version)
			return false;
	return true;
}

const struct option_ops option_http_version = { .parse = parse_http_version, .equal = http_versions_equal };

/* ---- headers ---- */

static int add_header(struct options *o, struct target_settings *only, const char *header, struct buffer *error)
{
	int rc = 0;

	for (size_t i = 0; i < o->target_count && rc == 0; i++)
		if (!only || only == &o->targets[i])
			rc = option_add_text(o, &o->targets[i].set_headers, header, error);
	return rc;
}

static int add_header_file(struct options *o, struct target_settings *only, const struct option_input *in,
			   const char *path, struct buffer *error)
{
	struct buffer text = { 0 };
	struct line_reader reader;
	struct span line;
	size_t count = 0;
	int rc;

	if (*path == '\0')
		return option_wrong(error, in, "no file is named after \"@\"; write e.g. @/etc/shadowtap/token, a file of 'Name: value' lines");
	rc = config_read(path, "file of headers", o->again, &text, error);
	if (rc < 0)
		goto out;
	reader = (struct line_reader){ buffer_span(&text), 0 };
	for (; rc == 0 && line_next(&reader, &line); count++) {
		const char *header = texts_copy(o->owner, line);

		rc = header ? add_header(o, only, header, error) : option_out_of_memory(error);
	}
	if (rc == 0 && count == 0) { /* a secret that was never written must not become a request without one */
		buffer_printf(error,
			      "the file of headers \"%s\" has no header in it; write 'Name: value' lines",
			      path);
		rc = -EINVAL;
	}
out:
	buffer_deinit(&text);
	return rc;
}

/*
 * Does what follows the first colon look like a header of its own, or a file?
 * Then the text before that colon was meant to be a target's name.
 */
static bool is_for_one_target(const char *rest, bool name_is_known)
{
	size_t len = strcspn(rest, ":");

	if (rest[0] == '@')
		return true;
	if (name_is_known)
		return rest[0] != ' ' && rest[0] != '\t' && rest[len] == ':';
	/* An unknown name has to look like one: "b:Authorization: x" does, "Via:1.1 a:80" and "Ref:http://x" don't. */
	return option_is_token(rest, len) && rest[len] == ':' && (rest[len + 1] == ' ' || rest[len + 1] == '\0');
}

static int parse_header(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	const char *header = in->value, *colon = strchr(header, ':');
	struct target_settings *only = NULL;
	size_t name_len = colon ? (size_t)(colon - header) : 0;

	(void)field;
	if (colon && header[0] != '@') {
		only = target_named(o, header, name_len);
		if (!is_for_one_target(colon + 1, only != NULL))
			only = NULL;
		else if (!only)
			return unknown_target(o, in, name_len, error);
		else
			header = colon + 1;
	}
	if (header[0] == '@')
		return add_header_file(o, only, in, header + 1, error);
	return add_header(o, only, header, error);
}

const struct option_ops option_header = { .parse = parse_header, .privacy = OPTION_NAME_ONLY };

static int parse_host(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	int mode = option_choice(in->row, in->value);

	(void)field;
	if (mode >= 0) {
		o->host_mode = (enum host_mode)mode;
		return 0;
	}
	for (const char *c = in->value; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("/@?#", *c))
			return option_wrong(error, in,
					    "no Host; write target, keep, suffix, or e.g. shadow.example:8080");
	o->host_mode = HOST_VALUE;
	o->host_value = in->value;
	return 0;
}

static bool hosts_equal(const struct options *a, const struct options *b, const void *x, const void *y)
{
	(void)x, (void)y;
	return a->host_mode == b->host_mode && option_text_equal(a->host_value, b->host_value);
}

static void show_host(const struct options *o, const struct option_row *row, const void *field, struct buffer *out)
{
	(void)field;
	if (o->host_mode == HOST_VALUE)
		option_shown(out, o->host_value);
	else
		option_show_choice(row, (int)o->host_mode, out);
}

const struct option_ops option_host = { .parse = parse_host, .equal = hosts_equal, .show = show_host };
