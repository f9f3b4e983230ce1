/* test_completion.c - each shell gets each option, with what may follow it, and nothing that could end its quotes */
#include "tests/rig/unit.h"

#include <stdio.h>
#include <string.h>

#include "app/options/completion.h"
#include "app/options/option_table.h"

static void test_every_option(void **state)
{
	(void)state;
	for (enum shell shell = SHELL_BASH; shell <= SHELL_FISH; shell++) {
		struct buffer script = { 0 };
		size_t quotes = 0;
		char option[64];

		completion_text(shell, &script);
		assert_true(buffer_ok(&script));
		for (size_t i = 0; i < option_row_count; i++) {
			snprintf(option, sizeof(option), "%s%s", shell == SHELL_FISH ? " -l " : "--", option_rows[i].name);
			assert_non_null(strstr(buffer_text(&script), option));
		}
		for (const char *c = buffer_text(&script); *c; c++)
			quotes += *c == '\'' && !(c > buffer_text(&script) && c[-1] == '\\');
		assert_int_equal(quotes % 2, 0);
		assert_int_equal(script.bytes[script.len - 1], '\n');
		buffer_deinit(&script);
	}
}

/* a whole line of a script, but for its newlines */
struct line_row {
	enum shell shell;
	const char *line;
};

static const struct line_row lines[] = {
	/* words, names of files, users, interfaces; and nothing where only the user knows */
	{ SHELL_BASH, "\t--completion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- \"$cur\"); return ;;" },
	{ SHELL_BASH, "\t-r | --read) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;" },
	{ SHELL_BASH, "\t-Z | --user) mapfile -t COMPREPLY < <(compgen -u -- \"$cur\"); return ;;" },
	{ SHELL_BASH, "\t-i | --interface) mapfile -t COMPREPLY < <(compgen -W \"$(\"$1\" --list-interfaces 2>/dev/null | "
		      "cut -d : -f 1)\" -- \"$cur\"); return ;;" },
	{ SHELL_BASH, "\t-p | --port) return ;;" },
	{ SHELL_BASH, "complete -F _shadowtap shadowtap" },
	{ SHELL_ZSH, "\t'*'--completion='[print the script with which bash, zsh or fish completes our options, and exit]"
		     ":SHELL:(bash zsh fish)' \\" },
	{ SHELL_ZSH, "\t'*'{-r+,--read=}'[read a pcap or pcapng file, gzip too; - is standard input; several are merged by time. Or "
		     "nats\\://HOST/SERVICE\\: what taps hand over there]:FILE:_files' \\" },
	{ SHELL_ZSH, "\t'*'{-Z+,--user=}'[become this user once captures and files are open]:USER:_users' \\" },
	{ SHELL_ZSH, "\t'*'--dry-run'[extract, match, sample and count, but send nothing]' \\" },
	/* quotes, brackets and colons of the table stand for themselves */
	{ SHELL_ZSH, "\t'*'{-H+,--header=}'[set a header, '\\''N\\:'\\'' removes it, @FILE reads lines; with NAME\\: for that "
		     "target; repeatable]:\\[NAME\\:\\]'\\''N\\: V'\\'': ' \\" },
	{ SHELL_FISH, "\tnot contains -- \"$words[2]\" report diff repro plan help" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_run' -l completion -d 'print the script with which bash, zsh or fish "
		      "completes our options, and exit' -x -a 'bash zsh fish'" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_run' -s r -l read -d 'read a pcap or pcapng file, gzip too; - is "
		      "standard input; several are merged by time. Or nats://HOST/SERVICE: what taps hand over there' -r -F" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_run' -s Z -l user -d 'become this user once captures and files are "
		      "open' -x -a '(__fish_complete_users)'" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_run' -l dry-run -d 'extract, match, sample and count, but send "
		      "nothing'" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_run' -s H -l header -d 'set a header, \\'N:\\' removes it, @FILE "
		      "reads lines; with NAME: for that target; repeatable' -x" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_command report' -F" },
	{ SHELL_FISH, "complete -c shadowtap -n '__shadowtap_command plan' -s S -l sample -d 'the share of them that is mirrored "
		      "(default: the report\\'s, else 100%)' -x" },
};

static void test_lines(void **state)
{
	struct buffer script[3] = { { 0 }, { 0 }, { 0 } };

	(void)state;
	for (enum shell shell = SHELL_BASH; shell <= SHELL_FISH; shell++)
		completion_text(shell, &script[shell]);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[320];

		assert_true(snprintf(line, sizeof(line), "\n%s\n", lines[i].line) < (int)sizeof(line));
		if (!strstr(buffer_text(&script[lines[i].shell]), line))
			fail_msg("row %zu", i);
	}
	/* a flag is followed by nothing, so no case asks what comes after it */
	assert_null(strstr(buffer_text(&script[SHELL_BASH]), "--dry-run)"));
	assert_memory_equal(buffer_text(&script[SHELL_ZSH]), "#compdef shadowtap\n", 19);
	for (enum shell shell = SHELL_BASH; shell <= SHELL_FISH; shell++)
		buffer_deinit(&script[shell]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_option), cmocka_unit_test(test_lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
