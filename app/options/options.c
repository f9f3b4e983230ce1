/*
 * options.c - from argv and the config file to struct options
 *
 * Theory of operation: three passes.
 *
 *   collect  argv becomes a list of settings (row, value, where it stood);
 *            -f then adds a second list, from the file's lines. Nothing is
 *            stored in the options yet, so the order of -f among the other
 *            options means nothing.
 *   apply    the file's settings, but for those that the command line gives
 *            too (a repeatable option's whole list is replaced, not
 *            lengthened), then the command line's. Rows that name a target
 *            (-S NAME:..., -H NAME:...) come last in both, because -t may
 *            stand after them.
 *   check    what only the whole can tell: a target is missing, -x without -r.
 *
 * Why not getopt_long(): it accepts abbreviations, which turn into another
 * option the day that a new one shares their prefix; it can't suggest
 * the name that was meant; and it knows nothing of the config file, which goes
 * through the same two passes here. What it does well is kept: bundled short
 * options, values in the same or the next argument, options after words, "--".
 */
#include "app/options/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/options/config.h"
#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "app/options/texts.h"

/* What -Z means when it is not given: the one user that every Linux has and that owns nothing. */
#define USER_FOR_ROOT "nobody"

/* What -m means with --preset openai when it is not given: a language model's response takes seconds to be made. */
#define OPENAI_MAX_TIME_NS INT64_C(60000000000)

struct settings {
	struct option_input *at;
	size_t count, cap;
	bool *given; /* by index of the row */
};

struct parser {
	struct options *o;
	struct buffer *error;
	int argc;
	char **argv;
	int next;            /* index of the argument that comes next */
	bool ended;          /* by a "--", or by an option that is done at once, as --help */
	struct buffer words; /* the expression */
	const char *stray;   /* the first of them that is a file rather; or NULL */
	struct settings line, file;
};

static int out_of_memory(struct parser *p)
{
	buffer_clear(p->error);
	buffer_add_str(p->error, "out of memory while reading the options");
	return -ENOMEM;
}

static bool settings_init(struct settings *s)
{
	s->given = calloc(option_row_count, sizeof(*s->given));
	return s->given != NULL;
}

static void settings_deinit(struct settings *s)
{
	free(s->at);
	free(s->given);
}

static int settings_add(struct parser *p, struct settings *s, struct option_input in)
{
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct option_input *at = realloc(s->at, cap * sizeof(*at));

		if (!at)
			return out_of_memory(p);
		s->at = at;
		s->cap = cap;
	}
	s->at[s->count++] = in;
	s->given[in.row - option_rows] = true;
	return 0;
}

static bool settings_has(const struct settings *s, const char *name)
{
	return name && s->given[option_by_name(span_str(name)) - option_rows];
}

/* ---- collect: the command line ---- */

static void suggest(struct parser *p, const char *dashes, struct span name)
{
	const char *nearest = option_nearest(name);

	if (nearest)
		buffer_printf(p->error, "; did you mean %s%s?", dashes, nearest);
	else
		buffer_add_str(p->error, "; --help lists those there are");
}

static int unknown_long(struct parser *p, struct span name)
{
	const char *text = texts_copy(p->o->owner, name);

	if (!text)
		return out_of_memory(p);
	buffer_add_str(p->error, "unknown option --");
	option_shown(p->error, text);
	suggest(p, "--", name);
	return -EINVAL;
}

static int unknown_letter(struct parser *p, const char *arg, const char *letter)
{
	const char shown[2] = { *letter, '\0' };

	buffer_add_str(p->error, "unknown option -");
	option_shown(p->error, shown);
	if (arg[2] != '\0') {
		buffer_add_str(p->error, " in \"");
		option_shown(p->error, arg);
		buffer_add_str(p->error, "\"");
	}
	suggest(p, "--", span_str(arg + 1)); /* "-dry-run" lacks a dash */
	return -EINVAL;
}

/* @value is borrowed, NULL for none; texts outlive argv, so that the options own all that they point to */
static int add_from_line(struct parser *p, const struct option_row *row, const char *value, bool by_letter)
{
	struct option_input in = { .row = row, .by_letter = by_letter };

	if (value && !(in.value = texts_copy(p->o->owner, span_str(value))))
		return out_of_memory(p);
	if (row->kind == OPTION_CONFIG && settings_has(&p->line, row->name)) {
		buffer_add_str(p->error, "-f is given twice, but there is one config file; put all options into one");
		return -EINVAL;
	}
	return settings_add(p, &p->line, in);
}

/* The value is the next argument, whatever it looks like: "-o -" is one, and so is "-S -5". */
static int add_with_next(struct parser *p, const struct option_row *row, bool by_letter)
{
	if (p->next < p->argc)
		return add_from_line(p, row, p->argv[p->next++], by_letter);
	if (by_letter)
		buffer_printf(p->error, "-%c needs a value: -%c %s", row->letter, row->letter, row->value);
	else
		buffer_printf(p->error, "--%s needs a value: --%s %s", row->name, row->name, row->value);
	return -EINVAL;
}

static int collect_long(struct parser *p, const char *arg)
{
	size_t len = strcspn(arg, "=");
	struct span name = span_of(arg, len);
	const struct option_row *row = option_by_name(name);

	if (!row)
		return unknown_long(p, name);
	if (arg[len] == '=' || !option_takes_value(row))
		return add_from_line(p, row, arg[len] == '=' ? arg + len + 1 : NULL, false);
	return add_with_next(p, row, false);
}

/* "-nqp8080": letters without a value, up to one that takes the rest */
static int collect_bundle(struct parser *p, const char *arg)
{
	for (const char *letter = arg + 1; *letter; letter++) {
		const struct option_row *row = option_by_letter(*letter);
		int rc;

		if (!row)
			return unknown_letter(p, arg, letter);
		if (option_takes_value(row))
			return letter[1] ? add_from_line(p, row, letter + 1, true)
					 : add_with_next(p, row, true);
		rc = add_from_line(p, row, NULL, true);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A word that no packet filter has, but a command line where the second -r is missing, or the shell made several of one. */
static bool is_recording(const char *word)
{
	static const char *const ends[] = { ".pcap", ".pcapng", ".cap", ".dmp", ".pcap.gz", ".pcapng.gz", ".cap.gz" };
	size_t len = strlen(word);
	struct stat st;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (len > strlen(ends[i]) && strcmp(word + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return strchr(word, '/') && stat(word, &st) == 0 && S_ISREG(st.st_mode);
}

static void add_word(struct parser *p, const char *word)
{
	if (!p->stray && is_recording(word))
		p->stray = word;
	if (p->words.len > 0)
		buffer_add_str(&p->words, " ");
	buffer_add_str(&p->words, word);
}

/* --help, --version and the lists answer at once, whatever else is wrong on the line. */
static bool answers_at_once(struct parser *p)
{
	const struct option_input *in;
	enum command command;

	if (p->line.count == 0)
		return false;
	for (in = p->line.at; in < p->line.at + p->line.count; in++) {
		command = (enum command)in->row->min;
		if (in->row->kind == OPTION_COMMAND && command != COMMAND_CHECK_CONFIG && !in->value) {
			p->o->command = command;
			return true;
		}
	}
	return false;
}

static int collect_line(struct parser *p)
{
	int rc = 0;

	for (p->next = 1; p->next < p->argc && rc == 0;) {
		const char *arg = p->argv[p->next++];

		if (p->ended || arg[0] != '-' || arg[1] == '\0')
			add_word(p, arg);
		else if (strcmp(arg, "--") == 0)
			p->ended = true;
		else if (arg[1] == '-')
			rc = collect_long(p, arg + 2);
		else
			rc = collect_bundle(p, arg);
		if (answers_at_once(p)) {
			buffer_clear(p->error);
			return 0;
		}
	}
	if (rc == 0 && !buffer_ok(&p->words))
		return out_of_memory(p);
	if (rc == 0 && p->words.len > 0 &&
	    (!(p->o->expression = texts_copy(p->o->owner, buffer_span(&p->words))) ||
	     !texts_add(p->o->owner, &p->o->given, p->o->expression)))
		return out_of_memory(p);
	return rc;
}

/* ---- collect: the config file ---- */

static void add_place(struct parser *p, const char *path, unsigned line)
{
	option_shown(p->error, path);
	buffer_printf(p->error, ":%u: ", line);
}

static int unknown_key(struct parser *p, struct span key)
{
	const char *text = texts_copy(p->o->owner, key);

	if (!text)
		return out_of_memory(p);
	buffer_add_str(p->error, "unknown option \"");
	option_shown(p->error, text);
	buffer_add_str(p->error, "\"");
	suggest(p, "", key);
	return -EINVAL;
}

static int collect_config_line(struct parser *p, const char *path, unsigned number, struct span line)
{
	struct span key, value;
	bool split = config_split(line, &key, &value);
	const struct option_row *row = option_by_name(key);
	struct option_input in = { .row = row, .file = path, .line = number };

	if (split && row && !row->command_line_only && (value.len > 0 || option_takes_value(row))) {
		in.value = texts_copy(p->o->owner, value);
		return in.value ? settings_add(p, &p->file, in) : out_of_memory(p);
	}
	add_place(p, path, number);
	if (!row && split)
		return unknown_key(p, key);
	if (!row)
		buffer_add_str(p->error, "there is no \"=\" in this line; write: port = 80");
	else if (row->command_line_only)
		buffer_printf(p->error, "\"%s\" belongs on the command line, not in a config file", row->name);
	else
		buffer_printf(p->error, "\"%s\" has no value; write: %s = %s", row->name, row->name,
			      row->value ? row->value : "yes");
	return -EINVAL;
}

static int collect_config(struct parser *p, const char *path)
{
	struct buffer text = { 0 };
	struct line_reader reader;
	struct span line;
	int rc = config_read(path, "config file", p->o->again, &text, p->error);

	reader = (struct line_reader){ buffer_span(&text), 0 };
	while (rc == 0 && line_next(&reader, &line))
		rc = collect_config_line(p, path, reader.number, line);
	buffer_deinit(&text);
	return rc;
}

/* ---- apply ---- */

/* The command line wins: over its own option, and over one that it excludes (-r over interface = eth0). */
static bool is_overridden(const struct parser *p, const struct option_row *row)
{
	return settings_has(&p->line, row->name) || settings_has(&p->line, row->instead);
}

static int apply_list(struct parser *p, const struct settings *s, bool late)
{
	int rc = 0;

	for (size_t i = 0; i < s->count && rc == 0; i++) {
		const struct option_input *in = &s->at[i];

		if (in->row->late != late || (in->file && is_overridden(p, in->row)))
			continue;
		rc = option_apply(p->o, in, p->error);
	}
	return rc;
}

static int apply_all(struct parser *p)
{
	int rc = 0;

	for (int late = 0; late <= 1 && rc == 0; late++) {
		rc = apply_list(p, &p->file, late);
		if (rc == 0)
			rc = apply_list(p, &p->line, late);
	}
	return rc;
}

/* ---- check ---- */

static bool is_given(const struct parser *p, const char *name)
{
	return settings_has(&p->line, name) || settings_has(&p->file, name);
}

static int usage(struct parser *p, const char *sentence)
{
	buffer_add_str(p->error, sentence);
	return -EINVAL;
}

static int check_input(struct parser *p)
{
	struct options *o = p->o;
	size_t stdin_count = 0;

	for (size_t i = 0; i < o->files.count; i++)
		stdin_count += strcmp(o->files.at[i], "-") == 0;
	if (p->stray) {
		buffer_add_str(p->error, "\"");
		option_shown(p->error, p->stray);
		buffer_add_str(p->error, "\" is a recording, and was taken for a word of the packet filter; each file needs an -r of "
					 "its own: -r a.pcap -r b.pcap, or for a pattern: $(printf -- '-r %s ' *.pcap)");
		return -EINVAL;
	}
	if ((o->files.count > 0 || o->relay.source.host_count > 0) && o->interfaces.count > 0)
		return usage(p, "-i and -r exclude each other: capture live, or read files");
	if (o->files.count > 0 && o->relay.source.host_count > 0)
		return usage(p, "-r names a file and a broker; a run reads recordings, or what taps hand over");
	if (stdin_count > 1)
		return usage(p, "-r - is given twice, but standard input can be read only once; leave one out");
	if (stdin_count > 0 && o->loops != 1)
		return usage(p, "--loop needs a file, standard input can be read only once; save it first");
	if (stdin_count > 0 && o->lanes > 1)
		return usage(p, "each of --lanes reads the recording for itself, but standard input can be read only once; save it "
				"first, or leave --lanes out");
	if (o->files.count > 0 || o->relay.source.host_count > 0)
		return 0;
	if (o->lanes > 1 && o->tunnels)
		return usage(p, "--decap and --lanes above 1 exclude each other: the kernel deals tunnelled packets by their "
				"outer addresses, so the two directions of a connection could come to different lanes; "
				"leave --lanes out");
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].files_only && (p->line.given[i] || p->file.given[i])) {
			buffer_printf(p->error, "--%s is for files, live traffic comes when it comes; ",
				      option_rows[i].name);
			buffer_printf(p->error, "name one with -r, or leave --%s out", option_rows[i].name);
			return -EINVAL;
		}
	if (o->read_tls.join > 0 && o->read_tls.key_logs.count == 0)
		return usage(p, "--tls-join tries the secrets of a key log: name it with --keylog");
	if (o->interfaces.count == 0 && !texts_add(o->owner, &o->interfaces, "any"))
		return out_of_memory(p);
	return 0;
}

/* What one output takes another must not have, and -w promises all flows with chosen requests. */
static int check_outputs(struct parser *p)
{
	const struct options *o = p->o;

	if (!o->write_path && o->read_tls.write_secrets)
		return usage(p, "--write-secrets adds secrets to a recording: name its file with -w");
	if (!o->write_path)
		return 0;
	if (o->loops != 1)
		return usage(p, "-w and --loop exclude each other: each round has the same packets; write them with a "
				"run of one round");
	if (strcmp(o->write_path, "-") == 0 && o->events_path && strcmp(o->events_path, "-") == 0)
		return usage(p, "-w - and -o - both want standard output; give one of them a file");
	return 0;
}

/* Answers: what belongs to them, and where there are none */
static int check_compare(struct parser *p)
{
	const struct options *o = p->o;

	for (size_t i = 0; i < option_row_count && !o->compare.on; i++)
		if (option_rows[i].compare_only && (p->line.given[i] || p->file.given[i])) {
			buffer_printf(p->error, "--%s is about comparing answers, and answers are thrown away; add --compare",
				      option_rows[i].name);
			return -EINVAL;
		}
	if (o->compare.stop_when == STOP_WHEN_DECIDED && !o->compare.on)
		return usage(p, "--stop-when decided is about comparing answers, and answers are thrown away; add --compare");
	if (o->compare.on && o->dry_run)
		return usage(p, "--compare and --dry-run exclude each other: what is not sent has no answer; leave one of them out");
	return 0;
}

static bool has_shadow(const struct options *o)
{
	for (size_t i = 0; i < o->target_count; i++)
		if (!o->targets[i].is_control)
			return true;
	return false;
}

/* An option that says something of what this run has not. */
static int check_brokers(struct parser *p)
{
	static const char *const needs[] = {
		[BROKER_ANY] = "a broker, and none is named; add -t nats://HOST/SERVICE or -r nats://HOST/SERVICE",
		[BROKER_TARGET] = "handing requests over, and no broker is named; add -t nats://HOST/SERVICE",
		[BROKER_SOURCE] = "reading what taps hand over; add -r nats://HOST/SERVICE",
	};
	const struct options *o = p->o;
	bool has_target = o->relay.target.host_count > 0, has_source = o->relay.source.host_count > 0;

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		bool has = (has_target && row->broker != BROKER_SOURCE) || (has_source && row->broker != BROKER_TARGET);

		if (!p->line.given[i] && !p->file.given[i])
			continue;
		if (row->broker != BROKER_NONE && !has) {
			buffer_printf(p->error, "--%s is about %s", row->name, needs[row->broker]);
			return -EINVAL;
		}
		if (has_target && o->target_count == 0 && (row->shadow_only || (row->compare_only && strcmp(row->name, "max-answer") != 0))) {
			buffer_printf(p->error, "--%s is about %s, which here is the replayers' work; give it to them", row->name,
				      row->shadow_only ? "sending to a shadow" : "comparing answers");
			return -EINVAL;
		}
	}
	if (has_source && (o->write_path || o->lanes > 1 || o->loops != 1))
		return usage(p, "-w, --lanes and --loop are about packets, and what taps hand over through a broker is requests; leave "
				"them out");
	if (has_source && o->dry_run && !is_given(p, "group"))
		return usage(p, "--dry-run takes requests from the replayers of its group, which then send them nowhere; give it a group "
				"of its own: --group NAME");
	if (has_target && has_source)
		return usage(p, "-r and -t both name a broker: a run hands requests over, or it takes them; leave one out");
	if (o->relay.creds_file && o->relay.nkey_file)
		return usage(p, "--creds and --nkey exclude each other: a file of --creds has a key in it");
	if (o->compare.stop_when == STOP_WHEN_CAUGHT_UP && !has_source)
		return usage(p, "--stop-when caught-up is about what a broker has; add -r nats://HOST/SERVICE");
	return 0;
}

/* A control alone compares nothing, whether or not there is a broker. */
static bool hands_over_only(const struct options *o)
{
	return o->relay.target.host_count > 0 && o->target_count == 0;
}

static const char no_target[] = "no target: say where to mirror to, e.g. -t http://127.0.0.1:9000, or -t sink: "
				"to try it, or --dry-run";

static const char no_shadow[] = "no target: say which shadow is to be compared, e.g. -t http://127.0.0.1:9000; --control is "
				"only what it is measured against";

static int check_whole(struct parser *p)
{
	struct options *o = p->o;
	int rc = check_input(p);

	if (rc == 0)
		rc = check_outputs(p);
	if (rc == 0)
		rc = check_compare(p);
	if (rc == 0)
		rc = check_brokers(p);
	if (rc < 0)
		return rc;
	if (o->command == COMMAND_CHECK_CONFIG && !o->config_path)
		return usage(p, "--check-config has nothing to check; name the file with -f");
	if (o->ramp.over_ns > 0 && o->sample_given)
		return usage(p, "--ramp and --sample exclude each other: the ramp is what moves the sample; "
				"--sample NAME:SHARE, for one target, goes with it");
	if (o->ramp.decide_ns > 0 && o->ramp.over_ns == 0)
		return usage(p, "--decide-within moves the sample between the shares of a ramp; add --ramp, e.g. --ramp 1%..20%/30m");
	if (o->ramp.keep != RAMP_KEEP_ALL && o->ramp.decide_ns == 0)
		return usage(p, "--keep is the sample once it is decided; add --decide-within TIME");
	if (o->max_cpu > 0 && o->files.count > 0)
		return usage(p, "--max-cpu is for live traffic; a recording is slowed down with -x");
	if (o->ramp.over_ns > 0)
		o->policy.sample_share = o->ramp.from;
	if (o->tls.key_file && !o->tls.cert_file)
		return usage(p, "--key is given without the certificate that it belongs to; add --cert FILE");
	if (strcmp(o->policy.preset, "openai") == 0 && !is_given(p, "max-time"))
		o->max_time_ns = OPENAI_MAX_TIME_NS;
	if (!o->user && geteuid() == 0) {
		o->user = USER_FOR_ROOT;
		o->user_was_chosen = true;
	}
	/* A config file may leave the target to the command line. */
	if (!has_shadow(o) && !hands_over_only(o) && !o->dry_run && o->command == COMMAND_RUN && !o->doctor)
		return usage(p, o->compare.on ? no_shadow : no_target);
	if (o->json && !o->doctor)
		return usage(p, "--json is how shadowtap doctor prints; for a run there are --report FILE.json and -o FILE");
	return 0;
}

static int parse(struct parser *p)
{
	const char *config = NULL;
	int rc = collect_line(p);

	if (rc < 0 || p->o->command != COMMAND_RUN)
		return rc;
	for (size_t i = 0; i < p->line.count; i++)
		if (p->line.at[i].row->kind == OPTION_CONFIG)
			config = p->line.at[i].value;
	if (config && *config)
		rc = collect_config(p, config);
	if (rc == 0)
		rc = apply_all(p);
	return rc < 0 ? rc : check_whole(p);
}

/* Values and paths in a sentence may hold any bytes; a terminal must not obey them. */
static void make_printable(struct buffer *sentence)
{
	for (size_t i = 0; i < sentence->len; i++)
		if (sentence->bytes[i] < ' ' || sentence->bytes[i] == 0x7f)
			sentence->bytes[i] = '?';
}

enum parse_for { PARSE_RUN, PARSE_AGAIN, PARSE_DOCTOR };

static int parse_all(int argc, char **argv, enum parse_for what, struct options *out, struct buffer *error)
{
	struct parser p = { .o = out, .error = error, .argc = argc, .argv = argv };
	int rc;

	option_defaults(out);
	out->argc = argc;
	out->argv = argv;
	out->again = what == PARSE_AGAIN;
	out->doctor = what == PARSE_DOCTOR;
	out->owner = texts_owner_new();
	if (!out->owner || !settings_init(&p.line) || !settings_init(&p.file))
		rc = out_of_memory(&p);
	else
		rc = parse(&p);
	settings_deinit(&p.line);
	settings_deinit(&p.file);
	buffer_deinit(&p.words);
	if (rc < 0) {
		make_printable(error);
		options_deinit(out);
	}
	return rc;
}

int options_parse(int argc, char **argv, struct options *out, struct buffer *error)
{
	return parse_all(argc, argv, PARSE_RUN, out, error);
}

int options_parse_doctor(int argc, char **argv, struct options *out, struct buffer *error)
{
	return parse_all(argc, argv, PARSE_DOCTOR, out, error);
}

int options_parse_again(const struct options *before, struct options *out, struct buffer *error)
{
	return parse_all(before->argc, before->argv, PARSE_AGAIN, out, error);
}

void options_deinit(struct options *o)
{
	texts_owner_free(o->owner);
	*o = (struct options){ 0 };
}
