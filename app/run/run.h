/*
 * run.h - one run: everything wired together, from the options to the exit status
 *
 * Theory of operation: run_to_end() opens and checks all inputs and outputs, drops
 * privileges, starts the lanes' threads and runs the replay loop on the thread
 * that called it. The order at the end is that of docs/contract.md, "Signals":
 * stop capturing, drain what was captured, drain what is in flight (at most
 * --max-time), compare what is left (--compare), report.
 */
#ifndef APP_RUN_RUN_H
#define APP_RUN_RUN_H

struct options;

/** run_to_end() - capture and mirror until the end; prints what the user should see. Returns the exit status. */
int run_to_end(const struct options *options);

/** run_check() - compile all rules without opening anything (--check-config); returns the exit status */
int run_check(const struct options *options);

#endif
