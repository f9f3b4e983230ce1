/*
 * exit_status.h - what the program ends with; --help and the man page tell them
 */
#ifndef APP_OPTIONS_EXIT_STATUS_H
#define APP_OPTIONS_EXIT_STATUS_H

#define EXIT_DONE 0
#define EXIT_COULD_NOT 1
#define EXIT_USAGE 2
#define EXIT_GATE 3 /* the condition of --fail-on holds, or --stop-when decided ended undecided */
#define EXIT_DIFFERS 3 /* shadowtap diff: the two are not the same */

#endif
