/*
 * nats_hello.c - see nats_hello.h
 *
 * Theory of operation: a server that wants keys sends a nonce, new for each connection. Who has a key sends its
 * signature, and beside it the public key, or the token (JWT) that its account signed. Without a nonce neither is sent:
 * there is nothing to sign, and a server that wants none lets us in.
 *
 * "protocol":1 says that we can read an INFO that comes later; "headers" that we take HMSG; "no_responders" that a
 * request which nobody can respond to is answered at once, with 503.
 */
#include "relay/nats_hello.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/json_doc.h"

#define PAYLOAD_MAX (64u << 20) /* the most that a server can be told to take */

static void read_bool(const struct json_doc *d, const char *name, bool *out)
{
	uint32_t node = json_doc_member(d, 0, span_str(name));

	if (node)
		*out = d->nodes[node].type == JSON_TRUE;
}

int nats_info_read(struct span json, struct nats_info *info)
{
	struct json_doc d = { 0 };
	int err = json_doc_parse(&d, json);
	uint64_t max_payload;
	struct span nonce;
	uint32_t node;

	if (err == 0 && d.nodes[0].type != JSON_OBJECT)
		err = -EPROTO;
	if (err < 0)
		goto out;
	node = json_doc_member(&d, 0, SPAN_LITERAL("max_payload"));
	if (node && json_doc_uint(&d, node, &max_payload) && max_payload > 0)
		info->max_payload = max_payload < PAYLOAD_MAX ? max_payload : PAYLOAD_MAX;
	read_bool(&d, "headers", &info->headers);
	read_bool(&d, "tls_required", &info->tls_required);
	read_bool(&d, "tls_available", &info->tls_available);
	node = json_doc_member(&d, 0, SPAN_LITERAL("nonce"));
	if (node && d.nodes[node].type == JSON_STRING) {
		nonce = json_doc_text(&d, node);
		if (nonce.len >= sizeof(info->nonce) || d.nodes[node].escaped)
			err = -EPROTO;
		else
			snprintf(info->nonce, sizeof(info->nonce), "%.*s", (int)nonce.len, (const char *)nonce.at);
	}
out:
	json_doc_deinit(&d);
	return err == 0 || err == -ENOMEM ? err : -EPROTO;
}

static void add_text(struct json *j, const char *name, const char *text)
{
	json_key(j, name);
	json_str(j, text);
}

static void add_bool(struct json *j, const char *name, bool yes)
{
	json_key(j, name);
	json_bool(j, yes);
}

/** add_key() - the nonce, signed, and who signed it */
static int add_key(struct json *j, const struct credentials *who, const char *nonce)
{
	char signature[CREDENTIALS_SIGNATURE];
	int err = credentials_sign(who, span_str(nonce), signature);

	if (err < 0)
		return err;
	if (who->token.len > 0)
		add_text(j, "jwt", (const char *)who->token.bytes);
	else
		add_text(j, "nkey", who->public_key);
	add_text(j, "sig", signature);
	return 0;
}

int nats_connect_write(const struct nats_identity *i, const struct nats_info *info, struct buffer *out)
{
	size_t token = i->who ? i->who->token.len : 0;
	struct json j = json_to(out);
	int err = 0;

	/* Room for all of it at once, escaped: a block that grows leaves its old one, with what was in it. */
	if (!buffer_reserve(out, 1024 + 6 * (strlen(i->user) + strlen(i->password) + strlen(i->name) + token)))
		return -ENOMEM;
	buffer_add_str(out, "CONNECT ");
	json_open(&j, '{');
	add_bool(&j, "verbose", false);
	add_bool(&j, "pedantic", false);
	add_bool(&j, "tls_required", i->is_tls);
	add_text(&j, "name", i->name);
	add_text(&j, "lang", "c");
	add_text(&j, "version", SHADOWTAP_VERSION);
	json_count(&j, "protocol", 1);
	add_bool(&j, "headers", info->headers);
	add_bool(&j, "no_responders", info->headers);
	if (i->user[0] && !i->password[0]) {
		add_text(&j, "auth_token", i->user);
	} else if (i->user[0]) {
		add_text(&j, "user", i->user);
		add_text(&j, "pass", i->password);
	}
	if (i->who && i->who->seed[0] && info->nonce[0])
		err = add_key(&j, i->who, info->nonce);
	json_close(&j, '}');
	buffer_add_str(out, "\r\n");
	return err < 0 ? err : buffer_ok(out) ? 0
					      : -ENOMEM;
}
