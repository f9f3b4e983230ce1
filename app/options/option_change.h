/*
 * option_change.h - what differs between two sets of options, for SIGHUP
 *
 * Theory of operation: the option table says of each row whether it can change
 * in a running program (.hot). The rows are compared one by one by their kind,
 * so a new option is either hot or named as one that needs a restart, and
 * cannot be forgotten. Values are told but for those that may hold a secret.
 */
#ifndef APP_OPTIONS_OPTION_CHANGE_H
#define APP_OPTIONS_OPTION_CHANGE_H

#include "base/buffer.h"

struct options;

/** option_changes() - append "sample 5% -> 10%, path none -> ^/v1" for the hot options; nothing if they are equal */
void option_changes(const struct options *from, const struct options *to, struct buffer *out);

/** option_restarts() - append "port, target" for the options that differ and are not hot */
void option_restarts(const struct options *from, const struct options *to, struct buffer *out);

/**
 * option_keep_targets() - give @o the targets of @running, which cannot change, with what @o says about them
 *
 * They are found by name; one that @o does not name keeps its settings of @running, whose texts it then borrows.
 */
void option_keep_targets(struct options *o, const struct options *running);

#endif
