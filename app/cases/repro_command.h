/*
 * repro_command.h - shadowtap repro REPORT.json ID: an example of a report as a case
 */
#ifndef APP_CASES_REPRO_COMMAND_H
#define APP_CASES_REPRO_COMMAND_H

/** repro_command() - @argv[0] is "repro"; the exit status */
int repro_command(int argc, char **argv);

#endif
