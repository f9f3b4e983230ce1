/*
 * allow.h - which fields of a captured request are forwarded
 *
 * The built-in names plus the user's, as names or globs. Three kinds of fields
 * never pass by a glob, only by their exact name: those of the hop, those that
 * carry credentials, and the binary ones of gRPC. What we write ourselves cannot
 * be forwarded at all.
 */
#ifndef POLICY_ALLOW_H
#define POLICY_ALLOW_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/span.h"
#include "message/header_list.h"
#include "message/message.h"
#include "policy/policy.h"

enum field_kind {
	FIELD_PLAIN,
	FIELD_HOP,         /* about one connection (RFC 9110, 7.6.1), or asks for an interim response */
	FIELD_CREDENTIAL,  /* proves who the client is */
	FIELD_BINARY,      /* of gRPC, base64 of bytes: what is in it, only its service can say */
	FIELD_REGENERATED, /* written afresh or left out: the captured one would break the request, or be untrue */
};

/** field_kind() - of a field name in any case */
enum field_kind field_kind(struct span name);

struct allow_list;

/**
 * allow_list_new() - the built-in list and @names (copied)
 * @error:  on failure one sentence
 * Return: 0, -EINVAL (no token, or a field that is regenerated), or -ENOMEM.
 */
int allow_list_new(const struct texts *names, struct allow_list **out, struct buffer *error);

/**
 * allow_list_has() - is a captured field of this name forwarded?
 * @nominated:  the request's Connection field names it, so it belongs to the hop: forwarded only if it is one of
 *              the known hop-by-hop fields and the user named it exactly
 * @is_grpc:    the request is a call of gRPC: the list has more names, and no field of the hop is forwarded, since
 *              HTTP/2 has none
 */
bool allow_list_has(const struct allow_list *list, struct span name, bool nominated, bool is_grpc);

/**
 * allow_list_forwarded() - append to @out the captured fields of @head that are forwarded, in order, borrowed from @head
 *
 * Those of rewrite_request() before -H has its say: a field that Connection names is not among them, nor one that
 * is no token with a value on one line.
 */
void allow_list_forwarded(const struct allow_list *list, const struct request_head *head, struct header_list *out);

/** allow_list_warnings() - append a line, with newline, for each named credential or hop-by-hop field */
void allow_list_warnings(const struct allow_list *list, struct buffer *out);

void allow_list_free(struct allow_list *list);

#endif
