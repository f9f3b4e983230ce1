/* commands.c - see commands.h */
#include "app/options/commands.h"

#include <stdio.h>
#include <string.h>

#include "app/options/exit_status.h"
#include "base/edit_distance.h"
#include "base/log.h"

#define LEFT_WIDTH 23
#define WIDTH 100
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define X(id, name, letter, value, help) { name, letter, value, help },
static const struct command_option report_options[] = { REPORT_OPTIONS(X) };
static const struct command_option repro_options[] = { REPRO_OPTIONS(X) };
static const struct command_option plan_options[] = { PLAN_OPTIONS(X) };
static const struct command_option diff_options[] = { DIFF_OPTIONS(X) };
#undef X

const struct command_row commands[] = {
	{ "report", "FILE.json... [OPTIONS]",
	  "Draw a report again from its JSON (--report FILE.json writes it). Several, of the taps of one\n"
	  "service or of its days, are added up and drawn as one.\n"
	  "Exit status: 0 done, 1 a file could not be read or written, 2 wrong usage, 3 --fail-on holds.\n",
	  report_options, COUNT(report_options) },
	{ "diff", "A B [OPTIONS]",
	  "Compare two responses as --compare does: A is taken for production's, B for the shadow's. Each is\n"
	  "a file, or - for standard input, with a response's body, or with the whole response if it begins\n"
	  "with HTTP/ as curl -i prints it. Prints the verdict and what differs, path by path.\n"
	  "Exit status: 0 the same (equal or close), 3 not, 1 it cannot be said, 2 wrong usage.\n",
	  diff_options, COUNT(diff_options) },
	{ "repro", "REPORT.json ID [OPTIONS], or: shadowtap repro CASE --minimise URL",
	  "Make a case of an example in a report that was made with --show-bodies: files with the request,\n"
	  "both responses and what differs, and a script that sends it again. A run with --repro DIR makes\n"
	  "cases by itself, and whole ones: a report has no more than 4096 bytes of each body.\n"
	  "Exit status: 0 done, 1 could not do it, 2 wrong usage.\n",
	  repro_options, COUNT(repro_options) },
	{ "plan", "--limit SHARE [OPTIONS]",
	  "How many pairs, and how long, until it is decided whether the mismatch is below the limit, by what\n"
	  "may be looked at any time: a row for each true mismatch. Of a report, how many it still takes.\n"
	  "Exit status: 0 done, 1 the report could not be read, 2 wrong usage.\n",
	  plan_options, COUNT(plan_options) },
};

const size_t command_count = COUNT(commands);

const struct command_row *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* ---- words that are no command ---- */

/* With these an expression of the packet filter may begin (pcap-filter(7)). */
static const char *const filter_words[] = {
	"aarp", "ah", "arp", "atalk", "broadcast", "clnp", "decnet", "dst", "ejected", "esis", "esp", "ether", "fddi", "gateway",
	"geneve", "greater", "host", "icmp", "ifname", "igmp", "igrp", "inbound", "ip", "ipx", "isis", "iso", "lane", "lat", "len",
	"less", "link", "llc", "moprc", "mopdl", "mpls", "multicast", "net", "netbeui", "not", "on", "outbound", "pim", "port",
	"portrange", "ppp", "pppoed", "pppoes", "proto", "protochain", "radio", "random", "rarp", "reason", "rnr", "rset", "rulenum",
	"ruleset", "sca", "sctp", "src", "srnr", "stp", "subrulenum", "tcp", "tr", "type", "udp", "vlan", "vrrp", "vxlan", "wlan",
};

static bool begins_filter(const char *word)
{
	for (size_t i = 0; i < COUNT(filter_words); i++)
		if (strcmp(filter_words[i], word) == 0)
			return true;
	return false;
}

/** nearest() - the command that @word is fewer than three edits from, or NULL; "Doctor" is one edit away */
static const char *nearest(const char *word)
{
	const char *near = edit_distance(span_str(word), span_str(DOCTOR)) < 3 ? DOCTOR : NULL;

	for (size_t i = 0; i < command_count && !near; i++)
		if (edit_distance(span_str(word), span_str(commands[i].name)) < 3)
			near = commands[i].name;
	return near;
}

bool command_is_unknown(const char *word, struct buffer *error)
{
	const char *near;

	if (word[0] == '\0' || strspn(word, LETTERS) != strlen(word) || strcmp(word, DOCTOR) == 0 ||
	    command_find(word) || begins_filter(word))
		return false;
	near = nearest(word);
	buffer_printf(error, "there is no command \"%s\"", word);
	if (near) {
		buffer_printf(error, "; did you mean %s?", near);
		return true;
	}
	buffer_add_str(error, ": there are " DOCTOR);
	for (size_t i = 0; i < command_count; i++)
		buffer_printf(error, "%s%s", i + 1 < command_count ? ", " : " and ", commands[i].name);
	buffer_add_str(error, "; options come first, a filter expression last");
	return true;
}

/* ---- help ---- */

static void add_words(struct buffer *out, const char *text)
{
	size_t column = LEFT_WIDTH;

	for (size_t len; *text; text += len + (text[len] == ' ')) {
		len = strcspn(text, " ");
		if (column + 1 + len > WIDTH) {
			buffer_printf(out, "\n%*s", LEFT_WIDTH, "");
			column = LEFT_WIDTH;
		} else if (column > LEFT_WIDTH) {
			buffer_add_str(out, " ");
			column++;
		}
		buffer_add(out, text, len);
		column += len;
	}
	buffer_add_str(out, "\n");
}

void command_help(const struct command_row *c, struct buffer *out)
{
	buffer_printf(out, "usage: shadowtap %s %s\n\n%s\n", c->name, c->usage, c->about);
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];
		size_t begin = out->len;

		if (o->letter)
			buffer_printf(out, "  -%c, ", o->letter);
		else
			buffer_add_str(out, "  ");
		buffer_printf(out, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
		if (out->len - begin + 2 > LEFT_WIDTH) {
			buffer_add_str(out, "\n");
			begin = out->len;
		}
		buffer_printf(out, "%*s", (int)(LEFT_WIDTH - (out->len - begin)), "");
		add_words(out, o->help);
	}
}

int command_print_help(const char *name)
{
	struct buffer text = { 0 };

	command_help(command_find(name), &text);
	fputs(buffer_text(&text), stdout);
	buffer_deinit(&text);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_COULD_NOT;
}

/* ---- the line ---- */

static int wrong(const struct command_line *l, const char *what, const char *arg)
{
	log_error("%s: %s \"%s\"; shadowtap %s --help says how", l->command->name, what, arg, l->command->name);
	return COMMAND_LINE_WRONG;
}

/** take_value() - of option @i, given as @arg, perhaps with the value in the same word, at @in_word */
static int take_value(struct command_line *l, size_t i, const char *arg, const char *in_word)
{
	const struct command_option *o = &l->command->options[i];

	l->value = NULL;
	if (!o->value)
		return in_word ? wrong(l, "an option that takes no value has one:", arg) : (int)i;
	l->value = in_word ? in_word : l->next < l->argc ? l->argv[l->next++] : NULL;
	return l->value ? (int)i : wrong(l, "an option lacks its value:", arg);
}

static int long_option(struct command_line *l, const char *arg)
{
	const char *name = arg + 2;
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < l->command->option_count; i++) {
		const char *known = l->command->options[i].name;

		if (strlen(known) == len && strncmp(known, name, len) == 0)
			return take_value(l, i, arg, name[len] == '=' ? name + len + 1 : NULL);
	}
	return wrong(l, "unknown option", arg);
}

static int letter_option(struct command_line *l, const char *arg)
{
	for (size_t i = 0; i < l->command->option_count; i++)
		if (l->command->options[i].letter == arg[1])
			return take_value(l, i, arg, arg[2] != '\0' ? arg + 2 : NULL);
	return wrong(l, "unknown option", arg);
}

int command_line_next(struct command_line *l)
{
	const char *arg;

	if (l->next >= l->argc)
		return COMMAND_LINE_END;
	arg = l->argv[l->next++];
	if (!l->ended && strcmp(arg, "--") == 0) {
		l->ended = true;
		return command_line_next(l);
	}
	if (!l->ended && arg[0] == '-' && arg[1] != '\0')
		return arg[1] == '-' ? long_option(l, arg) : letter_option(l, arg);
	l->value = arg;
	return COMMAND_LINE_WORD;
}
