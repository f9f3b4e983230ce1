/*
 * fault_names.h - a target with a name, and lookups that find what the test says
 *
 * A lookup runs in a thread of its own and may outlive its test, so what it finds
 * is behind a lock.
 */
#ifndef TESTS_RIG_FAULT_NAMES_H
#define TESTS_RIG_FAULT_NAMES_H

#include <stdint.h>

#include "replay/replay.h"

extern _Atomic int names_lookups; /* by names_lookup(), since names_target() */
extern _Atomic int names_fail;    /* names_lookup() finds nothing */

/** names_target() - options for http://shadow.example, of which nothing is known yet */
struct target_options names_target(lookup_fn lookup);

/** names_add() - the name leads to 127.0.0.1:@port too */
void names_add(uint16_t port);

/** names_forget() - it leads nowhere */
void names_forget(void);

/** names_lookup() / names_lookup_slowly() - what was added, at once or after 300 ms */
int names_lookup(const char *host, uint16_t port, struct addresses *out);
int names_lookup_slowly(const char *host, uint16_t port, struct addresses *out);

#endif
