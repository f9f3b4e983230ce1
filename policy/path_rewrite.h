/*
 * path_rewrite.h - --rewrite-path 'RE=>TEXT': another path for the shadow
 *
 * The rules belong to one thread: they carry their own match data.
 */
#ifndef POLICY_PATH_REWRITE_H
#define POLICY_PATH_REWRITE_H

#include "base/buffer.h"
#include "base/span.h"
#include "policy/policy.h"

struct path_rewrite;

/**
 * path_rewrite_new() - compile the rules
 * @rules:  'RE=>TEXT' each, borrowed during the call; TEXT may hold $1, ${name} and $$
 * @error:  on -EINVAL one sentence: which rule, what is wrong with it, an example
 * Return: 0, with NULL in *@out if there are no rules; -EINVAL or -ENOMEM.
 */
int path_rewrite_new(const struct texts *rules, struct path_rewrite **out, struct buffer *error);

/**
 * path_rewrite_apply() - what becomes of a path with its query
 * @path:  borrowed; on success what is left after all rules, borrowed from @p until its next use
 *
 * Each rule in turn replaces all its matches; one that matches nowhere changes nothing.
 * Return: 0, or -EINVAL if that would cost too much or give more than RULE_TEXT_MAX bytes.
 */
int path_rewrite_apply(struct path_rewrite *p, struct span *path);

void path_rewrite_free(struct path_rewrite *p);

#endif
