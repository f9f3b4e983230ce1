/*
 * plan_command.h - shadowtap plan --limit SHARE: how long until it is decided
 */
#ifndef APP_RUN_PLAN_COMMAND_H
#define APP_RUN_PLAN_COMMAND_H

/** plan_command() - @argv[0] is "plan"; the exit status */
int plan_command(int argc, char **argv);

#endif
