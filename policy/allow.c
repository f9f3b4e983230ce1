/*
 * allow.c - the allow-list and the fields that no "*" lets through
 *
 * Theory of operation: an allow-list, since a deny list cannot know the name of
 * the next secret. A glob is the user's way to widen it, and is where a deny
 * list is needed after all: "x-*" is meant for x-model-version and would also
 * send x-api-key to a machine that was never trusted with it. So a glob passes
 * over everything in the two tables below; an exact name is a decision, and is
 * obeyed and said aloud at start.
 *
 * The credentials are the four of docs/contract.md, "What is sent", those of
 * the clouds and proxies in front of model servers (AWS session tokens, Envoy's
 * client certificate, Google's and Azure's keys, what oauth2-proxy and IAP
 * add), and, since every company has its own, names that look like one.
 */
#include "policy/allow.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/glob.h"
#include "policy/nominations.h"
#include "message/http_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const built_in[] = {
	"content-type", "content-encoding", "accept", "x-request-id", "x-correlation-id",
	"inference-header-content-length", /* without it, a V2 binary body cannot be split */
	"seldon-model", "serve_multiplexed_model_id", /* these choose the model */
	"ce-*", /* CloudEvents in binary mode: attributes of the body */
};

/* Of a call of gRPC only: how its messages are to be read and until when it is of use, and again what chooses the model. */
static const char *const built_in_grpc[] = {
	"grpc-encoding", "grpc-accept-encoding", "grpc-timeout",
	"mm-model-id", "mm-vmodel-id", /* KServe's ModelMesh */
	"seldon-internal-model", /* Seldon Core 2 */
	"application", "multiplexed_model_id", /* Ray Serve */
	"triton_grpc_error", /* in what form Triton reports errors of a stream */
};

static const struct {
	const char *glob;
	enum field_kind kind;
} kinds[] = {
	{ "host", FIELD_REGENERATED },
	{ "content-length", FIELD_REGENERATED },
	{ "transfer-encoding", FIELD_REGENERATED },
	{ "connection", FIELD_REGENERATED },
	{ "x-shadowtap", FIELD_REGENERATED },
	{ "grpc-previous-rpc-attempts", FIELD_REGENERATED },

	{ "authorization", FIELD_CREDENTIAL },
	{ "proxy-authorization", FIELD_CREDENTIAL }, /* before proxy-*: the graver of the two */
	{ "cookie", FIELD_CREDENTIAL },
	{ "cookie2", FIELD_CREDENTIAL },
	{ "set-cookie", FIELD_CREDENTIAL },
	{ "x-api-key", FIELD_CREDENTIAL },
	{ "api-key", FIELD_CREDENTIAL }, /* Azure */
	{ "x-auth-token", FIELD_CREDENTIAL },
	{ "x-amz-security-token", FIELD_CREDENTIAL },
	{ "x-amzn-oidc-*", FIELD_CREDENTIAL },
	{ "x-forwarded-client-cert", FIELD_CREDENTIAL }, /* Envoy: who the client is, trusted by what is behind */
	{ "*-client-cert*", FIELD_CREDENTIAL },
	{ "x-ms-client-principal*", FIELD_CREDENTIAL },
	{ "*authorization*", FIELD_CREDENTIAL },
	{ "*api-key*", FIELD_CREDENTIAL },
	{ "*apikey*", FIELD_CREDENTIAL },
	{ "*api_key*", FIELD_CREDENTIAL },
	{ "*access-key*", FIELD_CREDENTIAL },
	{ "*-token", FIELD_CREDENTIAL },
	{ "*_token", FIELD_CREDENTIAL },
	{ "token", FIELD_CREDENTIAL },
	{ "*secret*", FIELD_CREDENTIAL },
	{ "*password*", FIELD_CREDENTIAL },
	{ "*credential*", FIELD_CREDENTIAL },
	{ "*-jwt*", FIELD_CREDENTIAL },
	{ "*-session", FIELD_CREDENTIAL },

	{ "*-bin", FIELD_BINARY }, /* grpc-trace-bin and grpc-tags-bin too */

	{ "keep-alive", FIELD_HOP },
	{ "te", FIELD_HOP },
	{ "trailer", FIELD_HOP },
	{ "upgrade", FIELD_HOP },
	{ "http2-settings", FIELD_HOP },
	{ "proxy-*", FIELD_HOP },
	{ "expect", FIELD_HOP }, /* asks for a 100 before the body; the replay sends both at once */
};

struct allowed {
	struct span name; /* owned */
	bool glob;
	bool grpc; /* for calls of gRPC only */
	bool hop;
};

struct allow_list {
	size_t count;
	size_t own; /* the first that the user added */
	struct allowed at[];
};

enum field_kind field_kind(struct span name)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (glob_match(span_str(kinds[i].glob), name, true))
			return kinds[i].kind;
	return FIELD_PLAIN;
}

static int check_name(struct span name, struct buffer *error)
{
	if (!http_is_token(name)) {
		buffer_printf(error,
			      "--allow-header '%.*s' is no name of a field: letters, digits and '-', with '*' for "
			      "any part of it, as in 'x-model-*'",
			      (int)name.len, (const char *)name.at);
		return -EINVAL;
	}
	if (glob_is_one(name) || field_kind(name) != FIELD_REGENERATED)
		return 0;
	if (span_equal_nocase(name, SPAN_LITERAL("grpc-previous-rpc-attempts"))) {
		buffer_printf(error,
			      "--allow-header %.*s: it counts the attempts of production's client, and a request is "
			      "replayed once; leave the option out",
			      (int)name.len, (const char *)name.at);
		return -EINVAL;
	}
	buffer_printf(error,
		      "--allow-header %.*s: this field is always written afresh, the captured one would not fit the "
		      "replayed request",
		      (int)name.len, (const char *)name.at);
	if (span_equal_nocase(name, SPAN_LITERAL("host")))
		buffer_add_str(error, "; to forward the captured host: --host-header keep");
	else
		buffer_add_str(error, "; leave the option out");
	return -EINVAL;
}

static int add(struct allow_list *list, struct span name, bool grpc)
{
	uint8_t *copy = malloc(name.len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, name.at, name.len);
	list->at[list->count++] = (struct allowed){
		.name = span_of(copy, name.len),
		.glob = glob_is_one(name),
		.grpc = grpc,
		.hop = field_kind(name) == FIELD_HOP,
	};
	return 0;
}

int allow_list_new(const struct texts *names, struct allow_list **out, struct buffer *error)
{
	size_t room = COUNT(built_in) + COUNT(built_in_grpc) + names->count;
	struct allow_list *list = calloc(1, sizeof(*list) + room * sizeof(list->at[0]));
	int err = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < COUNT(built_in) && !err; i++)
		err = add(list, span_str(built_in[i]), false);
	for (size_t i = 0; i < COUNT(built_in_grpc) && !err; i++)
		err = add(list, span_str(built_in_grpc[i]), true);
	list->own = list->count;
	for (size_t i = 0; i < names->count && !err; i++) {
		struct span name = span_trim(span_str(names->at[i]));

		err = check_name(name, error);
		if (!err)
			err = add(list, name, false);
	}
	if (err) {
		allow_list_free(list);
		return err;
	}
	*out = list;
	return 0;
}

bool allow_list_has(const struct allow_list *list, struct span name, bool nominated, bool is_grpc)
{
	bool by_glob = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct allowed *a = &list->at[i];

		if (a->grpc && !is_grpc)
			continue;
		if (a->glob)
			by_glob = by_glob || glob_match(a->name, name, true);
		else if (span_equal_nocase(a->name, name))
			return is_grpc ? !nominated && !a->hop : !nominated || a->hop;
	}
	return by_glob && !nominated && field_kind(name) == FIELD_PLAIN;
}

void allow_list_forwarded(const struct allow_list *list, const struct request_head *head, struct header_list *out)
{
	struct nominations nominations = nominations_of(head);

	for (size_t i = 0; i < head->header_count && !nominations.too_many; i++) {
		const struct header *f = &head->headers[i];

		if (allow_list_has(list, f->name, nominations_have(&nominations, f->name), head->is_grpc) &&
		    http_is_token(f->name) && http_is_field_value(f->value))
			header_list_add(out, f->name, f->value);
	}
}

void allow_list_warnings(const struct allow_list *list, struct buffer *out)
{
	for (size_t i = list->own; i < list->count; i++) {
		const struct allowed *a = &list->at[i];
		enum field_kind kind = a->glob ? FIELD_PLAIN : field_kind(a->name);

		if (kind == FIELD_CREDENTIAL)
			buffer_printf(out, "--allow-header %.*s sends the clients' credentials to the shadow\n",
				      (int)a->name.len, (const char *)a->name.at);
		else if (kind == FIELD_HOP)
			buffer_printf(out,
				      "--allow-header %.*s forwards a field that was meant for one connection of "
				      "production; the shadow may misunderstand it\n",
				      (int)a->name.len, (const char *)a->name.at);
	}
}

void allow_list_free(struct allow_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		free((void *)list->at[i].name.at);
	free(list);
}
