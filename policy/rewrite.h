/*
 * rewrite.h - the head of the replayed request
 *
 * Fields of the captured request pass an allow-list (contract, section 3). What
 * is never forwarded, even with "*": hop-by-hop fields (RFC 9110, 7.6.1, and
 * those that Connection names), expect, upgrade, and credentials. Naming one
 * with --allow-header works, and rewrite_warnings() says so at start.
 */
#ifndef POLICY_REWRITE_H
#define POLICY_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "policy/policy.h"
#include "reassembly/message.h"

enum host_mode { HOST_TARGET, HOST_KEEP, HOST_SUFFIX, HOST_VALUE };

struct rewrite_options {
	struct texts allow;     /* --allow-header: names or globs, beside the built-in list */
	struct texts set;       /* -H 'N: V' sets, 'N:' removes; already for this target, files read */
	enum host_mode host_mode;
	const char *host_value; /* with HOST_VALUE */
	const char *authority;  /* the target's host:port, as in its URL */
	const char *prefix;     /* path put before the captured target, "" or "/base" without final slash */
};

struct rewrite;

/** rewrite_new() - 0, -EINVAL with one sentence in @error (a name that is no token, a value with CR or LF), or -ENOMEM */
int rewrite_new(const struct rewrite_options *options, struct rewrite **out, struct buffer *error);

/**
 * rewrite_head() - append request line, fields and the empty line for @m to @out
 *
 * Content-Length is always written, fresh, except for a request without a body
 * whose method defines none (GET, HEAD, DELETE, ...: RFC 9110, 8.6).
 * Absolute-form targets become origin-form (RFC 9112, 3.2).
 * Return: 0 or -ENOMEM.
 */
int rewrite_head(const struct rewrite *w, const struct message *m, struct buffer *out);

/** rewrite_allows() - is a captured field of this name forwarded? (also decides what events may show) */
bool rewrite_allows(const struct rewrite *w, struct span name);

/** rewrite_warnings() - append a sentence for each allowed field that carries credentials or belongs to the hop */
void rewrite_warnings(const struct rewrite *w, struct buffer *out);

void rewrite_free(struct rewrite *w);

#endif
