/*
 * report_command.h - shadowtap report FILE.json... [-o FILE]: reports joined, and drawn again
 */
#ifndef APP_RUN_REPORT_COMMAND_H
#define APP_RUN_REPORT_COMMAND_H

/** report_command() - @argv[0] is "report"; the exit status */
int report_command(int argc, char **argv);

#endif
