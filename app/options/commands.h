/*
 * commands.h - the commands that are no run: their few options, how these are read, and their help
 *
 * A command has a table as a run has (option_table.h), of less: its options are
 * words, and what a value means is the command's business. Help, completions and
 * the man page's lint read the tables.
 */
#ifndef APP_OPTIONS_COMMANDS_H
#define APP_OPTIONS_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/*      id             name            letter value     what it says */
#define REPORT_OPTIONS(X)                                                                                    \
	X(OUTPUT,       "output",       'o',   "FILE",    "write it to FILE, by its suffix .json, .html or .md; repeatable. The default is " \
							  "Markdown on standard output")                       \
	X(FAIL_ON,      "fail-on",      0,     "EXPR",    "exit with 3 if this holds, such as 'mismatch_upper > 0.5% or compared < 1000'") \
	X(AGAINST,      "against",      0,     "FILE",    "say what has changed since this report, and what may be the same") \
	X(HELP,         "help",         'h',   NULL,      "print this text")

#define DIFF_OPTIONS(X)                                                                                      \
	X(RULES,        "rules",        0,     "FILE",    "what matters and how, as of a run")                 \
	X(PRESET,       "preset",       0,     "NAME",    "leave out what responses of this server vary in for no reason")   \
	X(RTOL,         "rtol",         0,     "X",       "numbers are close within atol + rtol * |A's| (default: 1e-5)")        \
	X(ATOL,         "atol",         0,     "X",       "see --rtol (default: 1e-8)")                                           \
	X(IGNORE,       "ignore",       0,     "PATH",    "leave out what is at this JSON pointer; repeatable")                \
	X(UNORDERED,    "unordered",    0,     "PATH",    "the array at this JSON pointer has no order; repeatable")           \
	X(REQUEST,      "request",      0,     "FILE",    "the body of the request to which both are responses")                  \
	X(CONTENT_TYPE, "content-type", 0,     "TYPE",    "of a file that is a body alone (default: the other's, else by its bytes)") \
	X(JSON,         "json",         0,     NULL,      "print one JSON object instead of text")                             \
	X(HELP,         "help",         'h',   NULL,      "print this text")

#define PLAN_OPTIONS(X)                                                                                      \
	X(LIMIT,        "limit",        0,     "SHARE",   "the mismatch that is allowed, such as 0.1%")               \
	X(EXPECT,       "expect",       0,     "SHARE",   "the mismatch that is expected (default: the report's)")      \
	X(RATE,         "rate",         0,     "N",       "requests a second that match (default: the report's)")      \
	X(SAMPLE,       "sample",       'S',   "SHARE",   "the share of them that is mirrored (default: the report's, else 100%)") \
	X(REPORT,       "report",       0,     "FILE",    "take what is not given from this report, and what is known by it")  \
	X(TARGET,       "target",       't',   "NAME",    "of the report's targets (default: the first that is no control)") \
	X(JSON,         "json",         0,     NULL,      "print one JSON object instead of text")                             \
	X(HELP,         "help",         'h',   NULL,      "print this text")

#define REPRO_OPTIONS(X)                                                                                     \
	X(OUTPUT,       "output",       'o',   "DIR",     "the folder in which the case is made, DIR/ID (default: cases)")  \
	X(RULES,        "rules",        0,     "FILE",    "the rules of the run (default: those in the report)")            \
	X(MINIMISE,     "minimise",     0,     "URL",     "of a case in a folder: leave out what the request does not need for the shadow at " \
							  "this URL to differ as it does; at most 64 requests are sent") \
	X(HELP,         "help",         'h',   NULL,      "print this text")

#define X(id, ...) REPRO_##id,
enum repro_option { REPRO_OPTIONS(X) REPRO_OPTION_COUNT };
#undef X
#define X(id, ...) PLAN_##id,
enum plan_option { PLAN_OPTIONS(X) PLAN_OPTION_COUNT };
#undef X
#define X(id, ...) REPORT_##id,
enum report_option { REPORT_OPTIONS(X) REPORT_OPTION_COUNT };
#undef X
#define X(id, ...) DIFF_##id,
enum diff_option { DIFF_OPTIONS(X) DIFF_OPTION_COUNT };
#undef X

struct command_option {
	const char *name;
	char letter;       /* 0: none */
	const char *value; /* what stands for it in the help; NULL: it takes none */
	const char *help;
};

struct command_row {
	const char *name;
	const char *usage; /* what follows the name */
	const char *about; /* lines, the last with its newline */
	const struct command_option *options;
	size_t option_count;
};

extern const struct command_row commands[];
extern const size_t command_count;

/** command_find() - NULL: it is none of ours */
const struct command_row *command_find(const char *name);

#define DOCTOR "doctor" /* the command that takes the options of a run */

/**
 * command_is_unknown() - is the first word of a command line meant as a command, and none of ours?
 * @error:  appended: what it was probably meant to be. Words with which a filter expression begins are none.
 */
bool command_is_unknown(const char *word, struct buffer *error);

/** command_help() - append the text of its --help */
void command_help(const struct command_row *c, struct buffer *out);

/** command_print_help() - of the command @name, on standard output; the exit status */
int command_print_help(const char *name);

/** struct command_line - while it is read: { command, argc, argv, 1 } */
struct command_line {
	const struct command_row *command;
	int argc;
	char **argv; /* of the command's name, and what follows it */
	int next;
	bool ended;        /* by -- */
	const char *value; /* of the option, or the word, that was read last; borrowed from @argv */
};

enum { COMMAND_LINE_END = -1, COMMAND_LINE_WORD = -2, COMMAND_LINE_WRONG = -3 };

/**
 * command_line_next() - the number of the next option in the command's table, or one of the above
 * WRONG: an unknown option, or a value too few or too many; it was told in the log.
 */
int command_line_next(struct command_line *l);

#endif
