/*
 * target.h - the request target, whatever form the client chose (RFC 9112, 3.2)
 */
#ifndef POLICY_TARGET_H
#define POLICY_TARGET_H

#include "base/span.h"

/**
 * target_path_and_query() - the part of @target from the path on
 * @authority:  if not NULL: host[:port] of an absolute-form target, without user
 *              info; empty for the other forms
 *
 * "/a?b", "*" and a target without a leading slash are returned as they are;
 * "http://h/a?b" gives "/a?b", "http://h" gives "/", "http://h?b" gives "?b".
 * Borrows from @target.
 */
struct span target_path_and_query(struct span target, struct span *authority);

#endif
