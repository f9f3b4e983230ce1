/*
 * rewrite.h - the head of the replayed request, as fields: a client writes them in its protocol's format
 *
 * Fields of the captured request pass an allow-list (docs/contract.md, "What is
 * sent"). What is never forwarded, even with "*": hop-by-hop fields (RFC 9110,
 * 7.6.1, and those that Connection names), expect, upgrade, and credentials.
 * Naming one with --allow-header works, and rewrite_warnings() says so at
 * start.
 */
#ifndef POLICY_REWRITE_H
#define POLICY_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "policy/policy.h"
#include "policy/traceparent.h"
#include "message/message.h"
#include "message/outgoing.h"

enum host_mode { HOST_TARGET, HOST_KEEP, HOST_SUFFIX, HOST_VALUE };

struct rewrite_options {
	struct texts allow;     /* --allow-header: names or globs, beside the built-in list */
	struct texts set;       /* -H 'N: V' sets, 'N:' removes; already for this target, files read */
	enum host_mode host_mode;
	const char *host_value; /* with HOST_VALUE */
	const char *authority;  /* the target's host:port, as in its URL */
	const char *prefix;     /* path put before the captured target, "" or "/base" without final slash */
	struct texts paths;     /* --rewrite-path: 'RE=>TEXT', applied before that, see path_rewrite.h */
	enum traceparent_mode traceparent; /* NEW: one of the request's own, unless -H sets or removes it */
};

struct rewrite;

/**
 * rewrite_new() - check the options and build what is the same for every request
 * @options:  borrowed during the call
 * @error:    on -EINVAL one sentence: a name that is no token, a value with CR or LF, a field that is ours,
 *            a bad pattern
 *
 * -H: 'N: V' writes N: V in place of any captured N; several of the same name
 * make several fields. 'N:' forwards and adds no N. 'N;' sends it empty, as curl
 * does. Host can be set, and wins over host_mode, but not removed.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int rewrite_new(const struct rewrite_options *options, struct rewrite **out, struct buffer *error);

/**
 * rewrite_request() - what is sent for @m: its method, target and fields, in the order in which they are sent
 * @out:  zero, or used before; borrows from @m and @w
 *
 * Content-Length is always among them, fresh, except for a call of gRPC, and for a
 * request without a body whose method defines none (GET, HEAD, DELETE, ...: RFC 9110,
 * 8.6). A call of gRPC always has te: trailers and a content-type of gRPC; its
 * grpc-timeout is the captured one, which a client lowers to what is left.
 * Targets in any other form become origin-form (request_target.h), "*" of OPTIONS
 * apart. Whatever the captured bytes are, written as lines it is one request:
 * fields whose name is no token or whose value has CR, LF or NUL are left out, and
 * spaces and control characters of the target are percent-encoded.
 * A rewritten path begins with a slash, one is put before it if need be.
 * Return: 0, -ENOMEM, or -EINVAL if the method is no token or the rules of --rewrite-path gave up; @out is then of no use.
 */
int rewrite_request(const struct rewrite *w, const struct message *m, struct outgoing *out);

/**
 * rewrite_allows() - is a captured field of this name forwarded? (also decides what events may show)
 * @is_grpc:  of a call of gRPC
 *
 * Not if -H sets or removes it. A request whose Connection field names it is an exception that only rewrite_request() sees.
 */
bool rewrite_allows(const struct rewrite *w, struct span name, bool is_grpc);

/** rewrite_warnings() - append a line, with newline, for each named field with credentials or of the hop */
void rewrite_warnings(const struct rewrite *w, struct buffer *out);

void rewrite_free(struct rewrite *w);

#endif
