/*
 * diff_command.h - shadowtap diff A B: the comparer as a command
 */
#ifndef APP_CASES_DIFF_COMMAND_H
#define APP_CASES_DIFF_COMMAND_H

/** diff_command() - @argv[0] is "diff"; the exit status */
int diff_command(int argc, char **argv);

#endif
