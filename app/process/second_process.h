/*
 * second_process.h - what processes beside the run have in common
 *
 * The run can neither create files nor execute programs once it has entered its
 * sandbox. What it needs of that is done by a process that was made before, and
 * that is spoken to through a socket: it ends when the run closes its end.
 */
#ifndef APP_PROCESS_SECOND_PROCESS_H
#define APP_PROCESS_SECOND_PROCESS_H

#include <signal.h>
#include <stddef.h>

/**
 * second_process_signals() - what the signals that a terminal or a service manager sends to all of a group do
 * @handler:  SIG_IGN for the process itself, which outlives the ^C that ends the run; SIG_DFL before a program is executed
 */
void second_process_signals(void (*handler)(int));

/** second_process_read() - exactly @len bytes; 0, -EPIPE if the other end was closed, or another negative errno */
int second_process_read(int fd, void *at, size_t len);

#endif
