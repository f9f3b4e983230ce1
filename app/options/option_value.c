/*
 * option_value.c - see option_value.h
 *
 * One function per kind that is more than a number; option_apply() is the
 * switch over them. What lower floors check when they compile it (patterns,
 * presets, header fields) is not checked here a second time: their sentence
 * would have to be kept equal to ours. What only the whole set of options can
 * tell (a target is missing, -x without -r) is options.c's.
 */
#include "app/options/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/options/config.h"
#include "report/render.h"
#include "app/options/texts.h"
#include "base/units.h"
#include "capture/tunnel_kind.h"

#define SHOWN_MAX 60

void option_shown(struct buffer *out, const char *text)
{
	size_t len = strnlen(text, SHOWN_MAX + 1);

	buffer_add(out, text, len < SHOWN_MAX ? len : SHOWN_MAX);
	if (len > SHOWN_MAX)
		buffer_add_str(out, "...");
}

/* A field name as RFC 9110 (5.6.2) allows it: @len bytes of tchar, at least one */
static bool is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    (text[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", text[i])))
			return false;
	return len > 0;
}

/*
 * "-S 10", "--sample 10" or "tap.conf:3: sample = 10", for the beginning of a
 * message. -H shows no more than the name of the field, -t nothing (its URL may
 * hold a password, which is what would make it wrong).
 */
static void add_label(struct buffer *out, const struct option_input *in)
{
	const char *between = in->file ? " = " : option_takes_value(in->row) ? " " : "=";
	const char *value = in->value;
	size_t name_len = value ? strcspn(value, ":") : 0;

	if (in->file) {
		option_shown(out, in->file);
		buffer_printf(out, ":%u: %s", in->line, in->row->name);
	} else if (in->by_letter) {
		buffer_printf(out, "-%c", in->row->letter);
	} else {
		buffer_printf(out, "--%s", in->row->name);
	}
	if (!value || in->row->kind == OPTION_TARGET || in->row->kind == OPTION_CONTROL)
		return;
	if (in->row->kind == OPTION_HEADER) {
		if (value[name_len] == ':' && is_token(value, name_len))
			buffer_printf(out, "%s'%.*s: ...'", between,
				      (int)(name_len < SHOWN_MAX ? name_len : SHOWN_MAX), value);
		return;
	}
	buffer_add_str(out, between);
	if (*value)
		option_shown(out, value);
	else
		buffer_add_str(out, "''");
}

/* A usage error about @in */
__attribute__((format(printf, 3, 4))) static int wrong(struct buffer *error, const struct option_input *in,
						       const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_label(error, in);
	buffer_printf(error, ": %s", text);
	return -EINVAL;
}

static int out_of_memory(struct buffer *error)
{
	buffer_add_str(error, "out of memory while reading the options");
	return -ENOMEM;
}

static int add_text(struct options *o, struct texts *list, const char *text, struct buffer *error)
{
	return texts_add(o->owner, list, text) ? 0 : out_of_memory(error);
}

/* ---- numbers ---- */

#define HOUR_NS UINT64_C(3600000000000)

/* Bounds of ranges exactly, where base/units.h rounds or stops at minutes: 2047M and not 1.999G */
static const char *number_text(enum option_kind kind, uint64_t n, char *out)
{
	int unit = 0;

	switch (kind) {
	case OPTION_SIZE:
	case OPTION_SIZE32:
		for (; n > 0 && n % 1024 == 0 && unit < 4; unit++)
			n /= 1024;
		snprintf(out, UNITS_TEXT_MAX, "%llu%.1s", (unsigned long long)n, &"\0KMGT"[unit]);
		return out;
	case OPTION_DURATION:
		if (n == 0 || n % HOUR_NS != 0)
			return duration_text((int64_t)n, out);
		snprintf(out, UNITS_TEXT_MAX, "%lluh", (unsigned long long)(n / HOUR_NS));
		return out;
	case OPTION_SAMPLE:
		return share_text(n, out);
	default:
		snprintf(out, UNITS_TEXT_MAX, "%llu", (unsigned long long)n);
		return out;
	}
}

void option_range(const struct option_row *row, struct buffer *out)
{
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX];

	if (row->max == UINT64_MAX)
		buffer_printf(out, "%s or more", number_text(row->kind, row->min, from));
	else
		buffer_printf(out, "%s to %s", number_text(row->kind, row->min, from),
			      number_text(row->kind, row->max, to));
}

void option_initial(const struct option_row *row, struct buffer *out)
{
	char text[UNITS_TEXT_MAX];

	if (row->shown)
		buffer_add_str(out, row->shown);
	else if (row->initial_text)
		buffer_add_str(out, row->initial_text);
	else if (option_takes_value(row) && row->initial > 0)
		buffer_add_str(out, number_text(row->kind, row->initial, text));
}

static const char *parse_number(enum option_kind kind, const char *text, uint64_t *out)
{
	int64_t ns;

	switch (kind) {
	case OPTION_SIZE:
	case OPTION_SIZE32:
		return parse_size(text, out) ? NULL : "not a size; write 65536, 64K, 16M or 1G";
	case OPTION_DURATION:
		if (!parse_duration(text, &ns))
			return "not a time; write 300ms, 0.3, 5s or 2m";
		*out = (uint64_t)ns;
		return NULL;
	default:
		return parse_uint(text, out) ? NULL : "not a whole number, such as 100";
	}
}

static int read_number(const struct option_input *in, uint64_t *out, struct buffer *error)
{
	const char *complaint = parse_number(in->row->kind, in->value, out);

	if (complaint)
		return wrong(error, in, "%s", complaint);
	if (in->row->kind == OPTION_SNAPLEN && *out == 0)
		*out = in->row->max;
	if (*out >= in->row->min && *out <= in->row->max)
		return 0;
	wrong(error, in, "out of range, which is ");
	option_range(in->row, error);
	if (in->row->kind == OPTION_SNAPLEN)
		buffer_add_str(error, ", or 0 for the most");
	return -EINVAL;
}

static int apply_number(struct options *o, const struct option_input *in, void *field, struct buffer *error)
{
	uint64_t n;
	int rc = read_number(in, &n, error);

	if (rc < 0)
		return rc;
	switch (in->row->kind) {
	case OPTION_DURATION:
		*(int64_t *)field = (int64_t)n;
		break;
	case OPTION_UINT64:
	case OPTION_SIZE:
		*(uint64_t *)field = n;
		break;
	case OPTION_RATE:
		for (size_t i = 0; i < o->target_count; i++)
			o->targets[i].rate = n;
		break;
	default:
		*(uint32_t *)field = (uint32_t)n;
		break;
	}
	return 0;
}

/* Digits and at most one point, so that strtod()'s hex, infinities and signs never get in */
static bool parse_decimal(const char *text, double *out)
{
	size_t digits = strspn(text, "0123456789"), rest = 0;

	if (text[digits] == '.')
		rest = 1 + strspn(text + digits + 1, "0123456789");
	if (digits + rest > 20 || text[digits + rest] != '\0' || (digits == 0 && rest < 2))
		return false;
	*out = strtod(text, NULL);
	return true;
}

static int apply_speed(struct options *o, const struct option_input *in, struct buffer *error)
{
	double speed = 1;

	o->speed_max = strcmp(in->value, "max") == 0;
	if (!o->speed_max && !parse_decimal(in->value, &speed))
		return wrong(error, in, "not a speed; write 2, 0.5 or max");
	if (speed < 0.001 || speed > 1000)
		return wrong(error, in, "out of range, which is 0.001 to 1000, or max");
	o->speed = speed;
	return 0;
}

/* ---- flags ---- */

static int read_yes(const struct option_input *in, bool *out, struct buffer *error)
{
	const char *v = in->value ? in->value : "yes";

	*out = strcmp(v, "yes") == 0 || strcmp(v, "true") == 0;
	if (*out || strcmp(v, "no") == 0 || strcmp(v, "false") == 0)
		return 0;
	return wrong(error, in, "this is on or off; write yes or no");
}

static int apply_flag(const struct option_input *in, void *field, struct buffer *error)
{
	bool yes;
	int rc = read_yes(in, &yes, error);

	if (rc < 0)
		return rc;
	if (in->row->kind == OPTION_FLAG)
		*(bool *)field = yes;
	else if (in->row->kind == OPTION_FLAG_OFF)
		*(bool *)field = !yes;
	else if (in->row->kind == OPTION_LEVEL)
		*(unsigned *)field = yes ? *(unsigned *)field + 1 : 0;
	return 0;
}

static int apply_command(struct options *o, const struct option_input *in, struct buffer *error)
{
	if (in->value)
		return wrong(error, in, "takes no value");
	o->command = (enum command)in->row->min;
	return 0;
}

/* ---- capture ---- */

static int add_port(struct port_set *ports, const char *text, const struct option_input *in,
		    struct buffer *error)
{
	uint64_t port;

	if (!parse_uint(text, &port))
		return wrong(error, in, "not a port number; write 8080, or 8080,8081");
	if (port < in->row->min || port > in->row->max) {
		wrong(error, in, "port out of range, which is ");
		option_range(in->row, error);
		return -EINVAL;
	}
	if (port_set_has(ports, (uint16_t)port))
		return 0;
	if (ports->count == PORTS_MAX)
		return wrong(error, in, "too many ports, the most is %d%s", PORTS_MAX,
			     in->row->letter == 'p' ? "; without -p every port is looked at" : "");
	ports->port[ports->count++] = (uint16_t)port;
	return 0;
}

static int apply_ports(struct port_set *ports, const struct option_input *in, struct buffer *error)
{
	const char *at = in->value;
	int rc;

	for (;;) {
		size_t len = strcspn(at, ",");
		char text[24];

		/* cut text of this length is still no port */
		snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text)), at);
		rc = add_port(ports, text, in, error);
		if (rc < 0 || at[len] == '\0')
			return rc;
		at += len + 1;
	}
}

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
	wrong(error, in, "no tunnel that shadowtap knows; they are ");
	for (size_t i = 0; i < TUNNEL_KIND_COUNT; i++)
		buffer_printf(error, "%s%s", i ? ", " : "", names[i]);
	return -EINVAL;
}

static int apply_tunnels(unsigned *tunnels, const struct option_input *in, struct buffer *error)
{
	const char *at = in->value;

	for (;;) {
		size_t len = strcspn(at, ",");
		int rc = add_tunnel(tunnels, span_of(at, len), in, error);

		if (rc < 0 || at[len] == '\0')
			return rc;
		at += len + 1;
	}
}

static int apply_user(const char **user, const struct option_input *in, struct buffer *error)
{
	errno = 0;
	if (!getpwnam(in->value)) {
		/* the C library reports "no such user" in half a dozen ways (getpwnam(3), ERRORS) */
		wrong(error, in, "there is no such user; name one that exists");
		return -ENOENT;
	}
	*user = in->value;
	return 0;
}

/* ---- targets ---- */

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
	wrong(error, in, "no target is called \"");
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

static int apply_target(struct options *o, const struct option_input *in, struct buffer *error)
{
	bool is_control = in->row->kind == OPTION_CONTROL;
	struct target_url url;
	int rc;

	if (o->target_count == TARGETS_MAX)
		return wrong(error, in, "too many targets, the most is %d; start a second shadowtap for the others", TARGETS_MAX);
	if (in->file) { /* the sentence that follows names the URL, not the line */
		option_shown(error, in->file);
		buffer_printf(error, ":%u: ", in->line);
	}
	rc = target_url_parse(in->value, &url, error);
	if (rc < 0)
		return rc;
	buffer_clear(error);
	if (is_control && strcmp(url.name, "default") != 0)
		return wrong(error, in, "it has a name before the URL, but is always called \"" CONTROL_NAME "\"; write --control "
				"http://host:port");
	if (is_control)
		strcpy(url.name, CONTROL_NAME);
	if (is_control && target_named(o, url.name, strlen(url.name)))
		return wrong(error, in, "given twice, or a target is called \"" CONTROL_NAME "\" already; there is one control: leave "
				"one out, or give the target another name");
	if (target_named(o, url.name, strlen(url.name)))
		return wrong(error, in, "two targets are called \"%s\"; give each its own name: -t NAME=URL",
			     url.name);
	o->targets[o->target_count++] = (struct target_settings){ .url = url, .sample_share = SHARE_ONE, .is_control = is_control };
	return 0;
}

static int read_share(const struct option_input *in, const char *text, uint64_t *out, struct buffer *error)
{
	char percent[64];
	uint64_t unused;
	size_t len = strlen(text);

	if (parse_share(text, out))
		return 0;
	snprintf(percent, sizeof(percent), "%.60s%%", text);
	if (parse_share(percent, &unused))
		return wrong(error, in, "a bare number above 1; write %s", percent);
	if (len > 0 && strspn(text, "0123456789.") == (text[len - 1] == '%' ? len - 1 : len))
		return wrong(error, in,
			     "out of range, which is 0%% to 100%%, or 0 to 1, in steps of 0.0000001%%");
	return wrong(error, in, "not a share; write 5%% or 0.05");
}

static int apply_sample(struct options *o, const struct option_input *in, struct buffer *error)
{
	const char *colon = strchr(in->value, ':');
	struct target_settings *target;

	if (!colon) {
		o->sample_given = true;
		return read_share(in, in->value, &o->policy.sample_share, error);
	}
	target = target_named(o, in->value, (size_t)(colon - in->value));
	if (!target)
		return unknown_target(o, in, (size_t)(colon - in->value), error);
	return read_share(in, colon + 1, &target->sample_share, error);
}

/* "1%..20%/30m" */
static int apply_ramp(struct options *o, const struct option_input *in, struct buffer *error)
{
	const char *dots = strstr(in->value, ".."), *slash = strchr(in->value, '/');
	char from[32], to[32];
	uint64_t over;
	int rc;

	if (!dots || !slash || slash < dots + 2 || dots - in->value >= (ptrdiff_t)sizeof(from) ||
	    slash - dots - 2 >= (ptrdiff_t)sizeof(to))
		return wrong(error, in, "not a ramp; write 1%%..20%%/30m");
	snprintf(from, sizeof(from), "%.*s", (int)(dots - in->value), in->value);
	snprintf(to, sizeof(to), "%.*s", (int)(slash - dots - 2), dots + 2);
	rc = read_share(in, from, &o->ramp.from, error);
	if (rc == 0)
		rc = read_share(in, to, &o->ramp.to, error);
	if (rc < 0)
		return rc;
	if (o->ramp.from >= o->ramp.to)
		return wrong(error, in, "a ramp leads up; write the smaller share first");
	if (!parse_duration(slash + 1, &o->ramp.over_ns))
		return wrong(error, in, "what follows \"/\" is no time; write 30m, 45s or 2h");
	over = (uint64_t)o->ramp.over_ns;
	if (over < in->row->min || over > in->row->max)
		return wrong(error, in, "the time is out of range, which is 1s to 8760h");
	return 0;
}

static int apply_percent(uint32_t *field, const struct option_input *in, struct buffer *error)
{
	char digits[16];
	size_t len = strlen(in->value);
	uint64_t n;

	if (len < 2 || len > sizeof(digits) || in->value[len - 1] != '%')
		return wrong(error, in, "not per cent of a core; write 20%%");
	snprintf(digits, sizeof(digits), "%.*s", (int)len - 1, in->value);
	if (!parse_uint(digits, &n))
		return wrong(error, in, "not a whole number of per cent; write 20%%");
	if (n < in->row->min || n > in->row->max)
		return wrong(error, in, "out of range, which is 1%% to 10000%% of one core");
	*field = (uint32_t)n;
	return 0;
}

static int apply_sample_by(struct options *o, const struct option_input *in, struct buffer *error)
{
	static const char *const names[] = { [SAMPLE_BY_REQUEST] = "request",
					     [SAMPLE_BY_CONNECTION] = "connection",
					     [SAMPLE_BY_CLIENT] = "client",
					     [SAMPLE_BY_PROXIED] = "proxied" };
	static const char prefix[] = "header:";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(in->value, names[i]) == 0) {
			o->policy.sample_by = (enum sample_by)i;
			return 0;
		}
	if (strncmp(in->value, prefix, strlen(prefix)) != 0)
		return wrong(error, in, "write request, connection, client, proxied or header:NAME");
	o->policy.sample_header = in->value + strlen(prefix);
	if (!is_token(o->policy.sample_header, strlen(o->policy.sample_header)))
		return wrong(error, in, "what follows \"header:\" is no header's name; write e.g. header:x-session-id");
	o->policy.sample_by = SAMPLE_BY_HEADER;
	return 0;
}

/* ---- headers ---- */

static int add_header(struct options *o, struct target_settings *only, const char *header, struct buffer *error)
{
	int rc = 0;

	for (size_t i = 0; i < o->target_count && rc == 0; i++)
		if (!only || only == &o->targets[i])
			rc = add_text(o, &o->targets[i].set_headers, header, error);
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
		return wrong(error, in, "no file is named after \"@\"; write e.g. @/etc/shadowtap/token, a file of 'Name: value' lines");
	rc = config_read(path, "file of headers", o->again, &text, error);
	if (rc < 0)
		goto out;
	reader = (struct line_reader){ buffer_span(&text), 0 };
	for (; rc == 0 && line_next(&reader, &line); count++) {
		const char *header = texts_copy(o->owner, line);

		rc = header ? add_header(o, only, header, error) : out_of_memory(error);
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
	/* An unknown name has to look like one: "b:Authorization: x" does, "Via:1.1 a:80" and "Ref:http://x"
	 * don't. */
	return is_token(rest, len) && rest[len] == ':' && (rest[len + 1] == ' ' || rest[len + 1] == '\0');
}

static int apply_header(struct options *o, const struct option_input *in, struct buffer *error)
{
	const char *header = in->value, *colon = strchr(header, ':');
	struct target_settings *only = NULL;
	size_t name_len = colon ? (size_t)(colon - header) : 0;

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

static int apply_host(struct options *o, const struct option_input *in, struct buffer *error)
{
	static const char *const names[] = {
		[HOST_TARGET] = "target", [HOST_KEEP] = "keep", [HOST_SUFFIX] = "suffix"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(in->value, names[i]) == 0) {
			o->host_mode = (enum host_mode)i;
			return 0;
		}
	for (const char *c = in->value; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("/@?#", *c))
			return wrong(error, in,
				     "no Host; write target, keep, suffix, or e.g. shadow.example:8080");
	o->host_mode = HOST_VALUE;
	o->host_value = in->value;
	return 0;
}

/* ---- what is told ---- */

static int apply_report(struct options *o, const struct option_input *in, struct buffer *error)
{
	if (!render_knows(in->value))
		return wrong(error, in,
			     "a report's form follows from its suffix: " DRAWING_SUFFIXES "; write e.g. report.json");
	return add_text(o, &o->reports, in->value, error);
}

static int apply_admin(struct admin_address *address, const struct option_input *in, struct buffer *error)
{
	const char *complaint = admin_address_parse(in->value, address);

	return complaint ? wrong(error, in, "%s", complaint) : 0;
}

static int apply_tolerance(const struct option_input *in, double *field, struct buffer *error)
{
	char *end;
	double x = strtod(in->value, &end);

	if (*end != '\0' || end == in->value || strpbrk(in->value, "xXnN \t")) /* no 0x1p-3, no NaN */
		return wrong(error, in, "not a number; write 0.001 or 1e-5");
	if (!(x >= 0 && x <= 1e300))
		return wrong(error, in, "out of range, which is 0 or more");
	*field = x;
	return 0;
}

static int apply_slice(struct options *o, const struct option_input *in, struct texts *field, struct buffer *error)
{
	const char *prefix = "header:", *name = in->value + strlen(prefix);

	if (strncmp(in->value, prefix, strlen(prefix)) != 0 || !is_token(name, strlen(name)))
		return wrong(error, in, "write header:NAME, such as header:x-tenant; path and model are slices by "
					"themselves");
	if (field->count == SLICES_MAX)
		return wrong(error, in, "too many, the most is %d; leave out those that matter least", SLICES_MAX);
	return add_text(o, field, name, error);
}

static int apply_log_format(struct options *o, const struct option_input *in, struct buffer *error)
{
	if (strcmp(in->value, "json") != 0 && strcmp(in->value, "text") != 0)
		return wrong(error, in, "write json or text");
	o->log_format = in->value[0] == 'j' ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	o->log_all_json = o->log_format == LOG_FORMAT_JSON;
	return 0;
}

static int apply_shell(struct options *o, const struct option_input *in, struct buffer *error)
{
	if (strcmp(in->value, "bash") != 0 && strcmp(in->value, "zsh") != 0)
		return wrong(error, in, "write bash or zsh");
	o->command = COMMAND_COMPLETION;
	o->shell = in->value[0] == 'b' ? SHELL_BASH : SHELL_ZSH;
	return 0;
}

int option_apply(struct options *o, const struct option_input *in, struct buffer *error)
{
	void *field = (char *)o + in->row->offset;

	if (option_takes_value(in->row) && in->value[0] == '\0')
		return wrong(error, in, "the value is empty; give %s", in->row->value);
	switch (in->row->kind) {
	case OPTION_FLAG:
	case OPTION_FLAG_OFF:
	case OPTION_LEVEL:
	case OPTION_NOTHING:
		return apply_flag(in, field, error);
	case OPTION_COMMAND:
		return apply_command(o, in, error);
	case OPTION_UINT32:
	case OPTION_UINT64:
	case OPTION_SNAPLEN:
	case OPTION_SIZE:
	case OPTION_SIZE32:
	case OPTION_DURATION:
	case OPTION_RATE:
		return apply_number(o, in, field, error);
	case OPTION_TEXT:
	case OPTION_CONFIG:
		*(const char **)field = in->value;
		return 0;
	case OPTION_TEXTS:
		return add_text(o, field, in->value, error);
	case OPTION_PORTS:
		return apply_ports(field, in, error);
	case OPTION_TUNNELS:
		return apply_tunnels(field, in, error);
	case OPTION_USER:
		return apply_user(field, in, error);
	case OPTION_SAMPLE:
		return apply_sample(o, in, error);
	case OPTION_SAMPLE_BY:
		return apply_sample_by(o, in, error);
	case OPTION_RAMP:
		return apply_ramp(o, in, error);
	case OPTION_PERCENT:
		return apply_percent(field, in, error);
	case OPTION_TARGET:
	case OPTION_CONTROL:
		return apply_target(o, in, error);
	case OPTION_TOLERANCE:
		return apply_tolerance(in, field, error);
	case OPTION_SLICE:
		return apply_slice(o, in, field, error);
	case OPTION_HEADER:
		return apply_header(o, in, error);
	case OPTION_HOST:
		return apply_host(o, in, error);
	case OPTION_SPEED:
		return apply_speed(o, in, error);
	case OPTION_REPORT:
		return apply_report(o, in, error);
	case OPTION_ADMIN:
		return apply_admin(field, in, error);
	case OPTION_LOG_FORMAT:
		return apply_log_format(o, in, error);
	case OPTION_SHELL:
		return apply_shell(o, in, error);
	}
	return -EINVAL; /* not reached: the switch names every kind */
}
