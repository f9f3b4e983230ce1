/*
 * completion.c - scripts for bash, zsh and fish, from the table of options
 *
 * Theory of operation: the program prints its own script, so that an option
 * cannot be in the table and not in the completion; the package installs what
 * the program that it was built with prints. What is offered as a value follows
 * from the row: its choices, or what stands for the value in --help (IF, FILE,
 * USER). Anything else is something that only the user knows, and then nothing
 * is offered, least of all the names of files.
 *
 * The bash script needs nothing beside bash: no library of helpers. In bash a
 * "=" is a word of its own, hence the lines that look one word further back.
 * In fish the script is data: a "complete" line for each option, which the shell
 * asks only where its condition holds.
 */
#include "app/options/completion.h"

#include <stdio.h>
#include <string.h>

#include "app/options/commands.h"
#include "app/options/option_table.h"

/* what else may stand on the line: commands, and the first words of a packet filter */
#define COMMANDS "doctor report diff repro plan"
#define WORDS "help " COMMANDS " host net port src dst tcp udp vlan not and or"

enum value_source { VALUE_NONE, VALUE_UNKNOWN, VALUE_CHOICES, VALUE_INTERFACE, VALUE_FILE, VALUE_USER };

static bool is_file(const char *value)
{
	return strncmp(value, "FILE", 4) == 0;
}

static enum value_source value_source(const struct option_row *row)
{
	if (!option_takes_value(row))
		return VALUE_NONE;
	if (row->choices)
		return VALUE_CHOICES;
	if (strcmp(row->value, "IF") == 0)
		return VALUE_INTERFACE;
	if (is_file(row->value))
		return VALUE_FILE;
	return strcmp(row->value, "USER") == 0 ? VALUE_USER : VALUE_UNKNOWN;
}

/* ---- bash ---- */

static const char bash_begin[] = "# bash completion for shadowtap; printed by: shadowtap --completion bash\n"
				 "_shadowtap()\n"
				 "{\n"
				 "\tlocal cur=$2 prev=$3\n"
				 "\tCOMPREPLY=()\n"
				 "\tif [ \"$cur\" = '=' ]; then\n"
				 "\t\tcur=''\n"
				 "\telif [ \"$prev\" = '=' ]; then\n"
				 "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
				 "\tfi\n";

static const char bash_end[] = "}\n"
			       "complete -F _shadowtap shadowtap\n";

static void bash_action(struct buffer *out, const struct option_row *row)
{
	switch (value_source(row)) {
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		break;
	case VALUE_CHOICES:
		buffer_printf(out, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); ", row->choices);
		break;
	case VALUE_INTERFACE:
		buffer_add_str(out,
			       "mapfile -t COMPREPLY < <(compgen -W \"$(\"$1\" --list-interfaces 2>/dev/null | "
			       "cut -d : -f 1)\" -- \"$cur\"); ");
		break;
	case VALUE_FILE:
		buffer_add_str(out, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); ");
		break;
	case VALUE_USER:
		buffer_add_str(out, "mapfile -t COMPREPLY < <(compgen -u -- \"$cur\"); ");
		break;
	}
}

static const char bash_files[] = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";

/* A command has options of its own, and files besides them. */
static void bash_command(struct buffer *out, const struct command_row *c)
{
	buffer_printf(out, "\t%s)\n\t\tcase $prev in\n", c->name);
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];

		if (!o->value)
			continue;
		buffer_add_str(out, "\t\t");
		if (o->letter)
			buffer_printf(out, "-%c | ", o->letter);
		buffer_printf(out, "--%s) %s%sreturn ;;\n", o->name, is_file(o->value) ? bash_files : "",
			      is_file(o->value) ? "; " : "");
	}
	buffer_printf(out, "\t\tesac\n\t\tif [[ $cur != -* ]]; then\n\t\t\t%s\n\t\telse\n"
			   "\t\t\tmapfile -t COMPREPLY < <(compgen -W '",
		      bash_files);
	for (size_t i = 0; i < c->option_count; i++)
		buffer_printf(out, "%s--%s", i ? " " : "", c->options[i].name);
	buffer_add_str(out, "' -- \"$cur\")\n\t\tfi\n\t\treturn ;;\n");
}

static void bash_text(struct buffer *out)
{
	buffer_add_str(out, bash_begin);
	buffer_add_str(out, "\tcase ${COMP_WORDS[1]} in\n"
			    "\thelp)\n\t\tmapfile -t COMPREPLY < <(compgen -W '" COMMANDS "' -- \"$cur\")\n\t\treturn ;;\n");
	for (size_t i = 0; i < command_count; i++)
		bash_command(out, &commands[i]);
	buffer_add_str(out, "\tesac\n\tcase $prev in\n");
	for (const struct option_row *row = option_rows; row < option_rows + option_row_count; row++) {
		if (!option_takes_value(row))
			continue;
		buffer_add_str(out, "\t");
		if (row->letter)
			buffer_printf(out, "-%c | ", row->letter);
		buffer_printf(out, "--%s) ", row->name);
		bash_action(out, row);
		buffer_add_str(out, "return ;;\n");
	}
	buffer_add_str(out, "\tesac\n\tmapfile -t COMPREPLY < <(compgen -W '" WORDS);
	for (size_t i = 0; i < option_row_count; i++)
		buffer_printf(out, " --%s", option_rows[i].name);
	buffer_add_str(out, "' -- \"$cur\")\n");
	buffer_add_str(out, bash_end);
}

/* ---- zsh ---- */

static const char zsh_begin[] =
	"#compdef shadowtap\n"
	"# zsh completion for shadowtap; printed by: shadowtap --completion zsh\n"
	"_shadowtap_interfaces()\n"
	"{\n"
	"\tlocal -a lines\n"
	"\tlines=(${(f)\"$(_call_program interfaces shadowtap --list-interfaces 2>/dev/null)\"})\n"
	"\tcompadd -- ${lines%%:*}\n"
	"}\n";

/* Text between the brackets of a specification, itself between single quotes. */
static void zsh_quote(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			buffer_add_str(out, "'\\''");
		else if (strchr("[]:\\", *text))
			buffer_printf(out, "\\%c", *text);
		else
			buffer_add(out, text, 1);
	}
}

static void zsh_action(struct buffer *out, const struct option_row *row)
{
	static const char *const actions[] = { [VALUE_UNKNOWN] = " ",
					       [VALUE_INTERFACE] = "_shadowtap_interfaces",
					       [VALUE_FILE] = "_files",
					       [VALUE_USER] = "_users" };
	enum value_source source = value_source(row);

	buffer_add_str(out, ":");
	zsh_quote(out, row->value);
	buffer_add_str(out, ":");
	if (source == VALUE_CHOICES) {
		buffer_add_str(out, "(");
		zsh_quote(out, row->choices);
		buffer_add_str(out, ")");
	} else {
		buffer_add_str(out, actions[source]);
	}
}

static void zsh_row(struct buffer *out, const struct option_row *row)
{
	bool value = option_takes_value(row);

	buffer_add_str(out, " \\\n\t'*'");
	if (row->letter)
		buffer_printf(out, "{-%c%s,--%s%s}", row->letter, value ? "+" : "", row->name,
			      value ? "=" : "");
	else
		buffer_printf(out, "--%s%s", row->name, value ? "=" : "");
	buffer_add_str(out, "'[");
	zsh_quote(out, row->help);
	buffer_add_str(out, "]");
	if (value)
		zsh_action(out, row);
	buffer_add_str(out, "'");
}

static void zsh_command(struct buffer *out, const struct command_row *c)
{
	buffer_printf(out, "%s)\n\tshift words\n\t(( CURRENT-- ))\n\t_arguments -s -S", c->name);
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];

		buffer_add_str(out, " \\\n\t\t'*'");
		if (o->letter)
			buffer_printf(out, "{-%c%s,--%s%s}", o->letter, o->value ? "+" : "", o->name, o->value ? "=" : "");
		else
			buffer_printf(out, "--%s%s", o->name, o->value ? "=" : "");
		buffer_add_str(out, "'[");
		zsh_quote(out, o->help);
		buffer_add_str(out, "]");
		if (o->value)
			buffer_printf(out, ":%s:%s", o->value, is_file(o->value) ? "_files" : " ");
		buffer_add_str(out, "'");
	}
	buffer_add_str(out, " \\\n\t\t'*:file:_files'\n\treturn ;;\n");
}

static void zsh_text(struct buffer *out)
{
	buffer_add_str(out, zsh_begin);
	buffer_add_str(out, "case ${words[2]} in\nhelp)\n\tcompadd -- " COMMANDS "\n\treturn ;;\n");
	for (size_t i = 0; i < command_count; i++)
		zsh_command(out, &commands[i]);
	buffer_add_str(out, "esac\n_arguments -s -S");
	for (size_t i = 0; i < option_row_count; i++)
		zsh_row(out, &option_rows[i]);
	buffer_add_str(out, " \\\n\t'*:packet filter:(" WORDS ")'\n");
}

/* ---- fish ---- */

static const char fish_begin[] = "# fish completion for shadowtap; printed by: shadowtap --completion fish\n"
				 "function __shadowtap_command\n"
				 "\tset -l words (commandline -opc)\n"
				 "\ttest \"$words[2]\" = \"$argv[1]\"\n"
				 "end\n"
				 "function __shadowtap_run\n"
				 "\tset -l words (commandline -opc)\n"
				 "\tnot contains -- \"$words[2]\"";

/* Text between single quotes, where fish knows two escapes. */
static void fish_quote(struct buffer *out, const char *text)
{
	buffer_add_str(out, "'");
	for (; *text; text++) {
		if (strchr("'\\", *text))
			buffer_add_str(out, "\\");
		buffer_add(out, text, 1);
	}
	buffer_add_str(out, "'");
}

static void fish_option(struct buffer *out, const char *condition, char letter, const char *name, const char *help)
{
	buffer_printf(out, "complete -c shadowtap -n '%s'", condition);
	if (letter)
		buffer_printf(out, " -s %c", letter);
	buffer_printf(out, " -l %s -d ", name);
	fish_quote(out, help);
}

/* -x: a value follows, and is no file; -r -F: it is one */
static void fish_value(struct buffer *out, const struct option_row *row)
{
	switch (value_source(row)) {
	case VALUE_NONE:
		break;
	case VALUE_UNKNOWN:
		buffer_add_str(out, " -x");
		break;
	case VALUE_CHOICES:
		buffer_add_str(out, " -x -a ");
		fish_quote(out, row->choices);
		break;
	case VALUE_INTERFACE:
		buffer_add_str(out, " -x -a '(shadowtap --list-interfaces 2>/dev/null | string replace -r \":.*\" \"\")'");
		break;
	case VALUE_FILE:
		buffer_add_str(out, " -r -F");
		break;
	case VALUE_USER:
		buffer_add_str(out, " -x -a '(__fish_complete_users)'");
		break;
	}
}

static void fish_command(struct buffer *out, const struct command_row *c)
{
	char condition[64];

	snprintf(condition, sizeof(condition), "__shadowtap_command %s", c->name);
	buffer_printf(out, "complete -c shadowtap -n '%s' -F\n", condition);
	for (size_t i = 0; i < c->option_count; i++) {
		const struct command_option *o = &c->options[i];

		fish_option(out, condition, o->letter, o->name, o->help);
		if (o->value)
			buffer_add_str(out, is_file(o->value) ? " -r -F" : " -x");
		buffer_add_str(out, "\n");
	}
}

static void fish_text(struct buffer *out)
{
	buffer_add_str(out, fish_begin);
	for (size_t i = 0; i < command_count; i++)
		buffer_printf(out, " %s", commands[i].name);
	buffer_add_str(out, " help\nend\ncomplete -c shadowtap -f\n");
	buffer_add_str(out, "complete -c shadowtap -n '__shadowtap_command help' -a '" COMMANDS "'\n");
	for (size_t i = 0; i < command_count; i++)
		fish_command(out, &commands[i]);
	for (const struct option_row *row = option_rows; row < option_rows + option_row_count; row++) {
		fish_option(out, "__shadowtap_run", row->letter, row->name, row->help);
		fish_value(out, row);
		buffer_add_str(out, "\n");
	}
	buffer_add_str(out, "complete -c shadowtap -n '__shadowtap_run' -a '" WORDS "'\n");
}

void completion_text(enum shell shell, struct buffer *out)
{
	switch (shell) {
	case SHELL_BASH:
		bash_text(out);
		break;
	case SHELL_ZSH:
		zsh_text(out);
		break;
	case SHELL_FISH:
		fish_text(out);
		break;
	}
}
