/*
 * tls.c - see tls.h
 *
 * Theory of operation: OpenSSL does TLS, and our own BIO (base/socket_bio.h) is
 * all that it has of the socket. Records are read one at a time and never ahead:
 * no byte of an answer then waits in our memory while libuv waits for the socket.
 *
 * Sessions: the last ticket that a target gave is offered by every connection
 * after it, until a handshake or a connection fails. That saves the server the
 * signature, which is most of what a connection costs it. A ticket is used more
 * than once, which RFC 8446 (C.4) advises against for the sake of a client that
 * wants to look like many; this one says who it is in every request. Early data
 * is never sent.
 *
 * Closing: close_notify is sent if it can be done at once, and the peer's is
 * not waited for. A socket that the peer closes without close_notify is told
 * apart (-ENODATA), because only then may an attacker in between have cut off a
 * response whose end is told by nothing else.
 */
#include "replay/tls.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/socket_bio.h"
#include "base/span.h"
#include "base/tls_peer.h"
#include "base/tls_trust.h"

#define RECORD_MAX SSL3_RT_MAX_PLAIN_LENGTH

struct tls_context {
	SSL_CTX *ctx;
	SSL_SESSION *session; /* what the next connection offers; NULL: none yet */
	struct tls_peer peer;
};

struct tls_client {
	struct tls_context *context;
	SSL *ssl;
	struct socket_bio socket;
	bool is_secured, is_broken, wants_write, has_more, was_asked;
	const char *failure;
};

/* ---- the context ---- */

static void forget_session(struct tls_context *c)
{
	SSL_SESSION_free(c->session);
	c->session = NULL;
}

/* OpenSSL: the server gave a ticket, or a session's handshake ended; 1: the reference is ours now */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (!SSL_SESSION_is_resumable(session))
		return 0;
	forget_session(c);
	c->session = session;
	return 1;
}

/* OpenSSL: the server asks for our certificate; the one that is set, if any, will do */
static int on_certificate_asked(SSL *ssl, void *unused)
{
	struct tls_client *t = SSL_get_app_data(ssl);

	(void)unused;
	t->was_asked = true;
	return 1;
}

/** offer() - one protocol, as RFC 7301 writes a list of them */
static bool offer(SSL_CTX *ctx, const char *protocol)
{
	size_t len = strlen(protocol);
	uint8_t list[32];

	if (len >= sizeof(list))
		return false;
	list[0] = (uint8_t)len;
	memcpy(list + 1, protocol, len);
	return SSL_CTX_set_alpn_protos(ctx, list, (unsigned)len + 1) == 0;
}

static int set_up(struct tls_context *c, const struct tls_options *o, const char *host, const char *protocol,
		  struct buffer *error)
{
	int err;

	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx)
		return -ENOMEM;
	SSL_CTX_set_app_data(c->ctx, c);
	SSL_CTX_set_cert_cb(c->ctx, on_certificate_asked, NULL);
	SSL_CTX_set_options(c->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ctx, on_session);
	if (SSL_CTX_set_min_proto_version(c->ctx, TLS1_2_VERSION) != 1 ||
	    !offer(c->ctx, protocol))
		return -ENOMEM;
	SSL_CTX_set_verify(c->ctx, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	err = tls_peer_set(&c->peer, host) ? tls_peer_expect(&c->peer, SSL_CTX_get0_param(c->ctx)) : -EINVAL;
	if (err == 0 && !o->insecure)
		err = tls_trust_load(c->ctx, o->ca_file, error);
	return err < 0 ? err : tls_identity_load(c->ctx, o->cert_file, o->key_file, error);
}

int tls_context_new(const struct tls_options *options, const char *host, const char *protocol,
		    struct tls_context **out, struct buffer *error)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	int err = c ? set_up(c, options, host, protocol, error) : -ENOMEM;

	ERR_clear_error();
	if (err < 0)
		tls_context_free(c);
	else
		*out = c;
	return err;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	forget_session(c);
	SSL_CTX_free(c->ctx);
	free(c);
}

/* ---- one connection ---- */

struct tls_client *tls_client_new(struct tls_context *c, int fd)
{
	struct tls_client *t = calloc(1, sizeof(*t));
	BIO *bio;

	if (!t)
		return NULL;
	t->context = c;
	t->socket.fd = fd;
	t->ssl = SSL_new(c->ctx);
	bio = socket_bio_new(&t->socket);
	if (!t->ssl || !bio || (c->peer.is_name && SSL_set_tlsext_host_name(t->ssl, c->peer.host) != 1)) {
		BIO_free(bio);
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	if (c->session)
		SSL_set_session(t->ssl, c->session);
	return t;
}

/** why_failed() - in words that stay; OpenSSL's own, but for two that say little to who does not know TLS */
static const char *why_failed(const struct tls_client *t)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return X509_verify_cert_error_string(SSL_get_verify_result(t->ssl));
	if (reason == SSL_R_WRONG_VERSION_NUMBER && !t->is_secured)
		return "what came is not TLS; is the target's port one for plain HTTP?";
	return tls_reason();
}

/** result() - the errno for what OpenSSL returned, @n <= 0 */
static int result(struct tls_client *t, int n)
{
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		t->is_broken = t->socket.is_eof;
		return t->socket.is_eof ? -ENODATA : -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		t->wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		break;
	}
	t->is_broken = true;
	if (t->socket.error != 0)
		return -t->socket.error;
	t->failure = why_failed(t);
	forget_session(t->context);
	return -EPROTO;
}

/** begin_call() - nothing that an earlier call met is to be taken for this one's */
static void begin_call(struct tls_client *t)
{
	ERR_clear_error();
	t->socket.error = 0;
	t->wants_write = false;
}

int tls_client_handshake(struct tls_client *t)
{
	int n;

	begin_call(t);
	n = SSL_do_handshake(t->ssl);
	if (n == 1) {
		t->is_secured = true;
		return 0;
	}
	n = result(t, n);
	if (n == -EAGAIN)
		return n;
	forget_session(t->context); /* whatever it was: the next one begins from the beginning */
	return n == 0 ? -ENODATA : n;
}

ssize_t tls_client_read(struct tls_client *t, void *out, size_t size)
{
	size_t n = 0;

	begin_call(t);
	t->has_more = false;
	if (SSL_read_ex(t->ssl, out, size, &n) != 1)
		return result(t, 0);
	t->has_more = n == RECORD_MAX || n == size;
	return (ssize_t)n;
}

ssize_t tls_client_write(struct tls_client *t, const void *bytes, size_t len)
{
	size_t n = 0;
	int r;

	begin_call(t);
	if (SSL_write_ex(t->ssl, bytes, len < RECORD_MAX ? len : RECORD_MAX, &n) == 1)
		return (ssize_t)n;
	r = result(t, 0);
	return r == 0 || r == -ENODATA ? -EPIPE : r;
}

bool tls_client_wants_write(const struct tls_client *t)
{
	return t->wants_write;
}

bool tls_client_has_more(const struct tls_client *t)
{
	return t->has_more;
}

bool tls_client_is_quiet(struct tls_client *t)
{
	uint8_t byte;

	return tls_client_read(t, &byte, 1) == -EAGAIN && !SSL_has_pending(t->ssl);
}

bool tls_client_chose(const struct tls_client *t, const char *protocol)
{
	const uint8_t *chosen;
	unsigned len;

	SSL_get0_alpn_selected(t->ssl, &chosen, &len);
	return span_equal(span_of(chosen, len), span_str(protocol));
}

bool tls_client_is_accepted(const struct tls_client *t)
{
	return !t->was_asked || SSL_version(t->ssl) < TLS1_3_VERSION;
}

const char *tls_client_failure(const struct tls_client *t)
{
	return t->failure;
}

void tls_client_free(struct tls_client *t)
{
	if (!t)
		return;
	if (!t->is_broken && t->is_secured)
		SSL_shutdown(t->ssl);
	if (!t->failure) /* without this, SSL_free() would take a session without the peer's goodbye for spoilt
			  */
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	ERR_clear_error();
	free(t);
}
