/*
 * request_target.h - the request target, whatever form the client chose (RFC 9112, 3.2)
 */
#ifndef POLICY_REQUEST_TARGET_H
#define POLICY_REQUEST_TARGET_H

#include "base/buffer.h"
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

/**
 * target_origin_form() - the one form in which a target is judged by the rules and sent to the shadow
 * @text:     of target_path_and_query()
 * @scratch:  used where something has to be put before it; cleared first, and not ok when out of memory
 *
 * It begins with a slash, whatever the client sent: "v1/x" is "/v1/x", "?q" is "/?q", "@evil" is "/@evil", "h:80"
 * is "/h:80", and "*" a path of that name, but for OPTIONS, which alone may ask about the server as a whole.
 * Borrows from @text or @scratch.
 */
struct span target_origin_form(struct span method, struct span text, struct buffer *scratch);

#endif
