/* tls_talk.c - see tls_talk.h */
#include "tests/rig/tls_talk.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "tls_talk: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

/* A certificate of itself, for a key of either kind: suites ask for one of them by name. */
static void add_certificate(SSL_CTX *context, EVP_PKEY *key)
{
	X509 *certificate = X509_new();

	must(certificate != NULL, "certificate");
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	must(X509_sign(certificate, key, EVP_sha256()) > 0, "signature");
	must(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1, "server's key");
	X509_free(certificate);
}

static void add_certificates(SSL_CTX *context)
{
	static EVP_PKEY *rsa, *ec;

	if (!rsa)
		rsa = EVP_RSA_gen(2048);
	if (!ec)
		ec = EVP_EC_gen("P-256");
	must(rsa && ec, "keys");
	add_certificate(context, rsa);
	add_certificate(context, ec);
}

static struct tls_talk *talk_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

static void on_key(const SSL *ssl, const char *line)
{
	buffer_printf(&talk_of(ssl)->key_log, "%s\n", line);
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_talk *t = talk_of(ssl);

	SSL_SESSION_free(t->session);
	t->session = session;
	return 1;
}

static SSL_CTX *make_context(const struct tls_talk_options *o, bool of_server)
{
	SSL_CTX *c = SSL_CTX_new(of_server ? TLS_server_method() : TLS_client_method());

	must(c != NULL, "context");
	SSL_CTX_set_security_level(c, 0);
	must(SSL_CTX_set_min_proto_version(c, o->version) && SSL_CTX_set_max_proto_version(c, o->version), "version");
	if (o->suite && o->version == TLS1_3_VERSION)
		must(SSL_CTX_set_ciphersuites(c, o->suite), o->suite);
	else if (o->suite)
		must(SSL_CTX_set_cipher_list(c, o->suite), o->suite);
	if (o->no_etm)
		SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
	if (o->asks_again)
		must(SSL_CTX_set1_groups_list(c, of_server ? "P-384" : "P-256:P-384"), "groups");
	if (o->pads_to)
		SSL_CTX_set_block_padding(c, o->pads_to);
	if (o->fragment)
		SSL_CTX_set_max_send_fragment(c, (long)o->fragment);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	if (!of_server)
		SSL_CTX_sess_set_new_cb(c, on_session);
	if (of_server)
		add_certificates(c);
	if (o->no_tickets)
		SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
	if (of_server && o->early)
		SSL_CTX_set_max_early_data(c, 1 << 14);
	return c;
}

static const uint8_t session_context[] = { 't', 'a', 'l', 'k' };

/* By an id: the server remembers the session that the client takes up, which holds the same secret */
static SSL_SESSION *on_id(SSL *ssl, const uint8_t *id, int len, int *copy)
{
	SSL_SESSION *client = SSL_get_session(talk_of(ssl)->ssl[0]), *session = client ? SSL_SESSION_dup(client) : NULL;

	(void)id;
	(void)len;
	*copy = 0;
	must(!session || SSL_SESSION_set1_id_context(session, session_context, sizeof(session_context)), "session's context");
	return session;
}

/* Tickets are of the context that has made them, so a server that resumes is the same for all talks. */
static SSL_CTX *server_context(const struct tls_talk_options *o)
{
	static const uint8_t ticket_keys[80] = { 1, 2, 3 };
	SSL_CTX *c = make_context(o, true);

	must(SSL_CTX_set_tlsext_ticket_keys(c, (void *)ticket_keys, sizeof(ticket_keys)), "ticket keys");
	SSL_CTX_set_session_id_context(c, session_context, sizeof(session_context));
	SSL_CTX_sess_set_get_cb(c, on_id);
	SSL_CTX_set_options(c, SSL_OP_NO_ANTI_REPLAY);
	return c;
}

void tls_talk_init(struct tls_talk *t, const struct tls_talk_options *o)
{
	memset(t, 0, sizeof(*t));
	t->flights = calloc(TALK_FLIGHTS_MAX, sizeof(*t->flights));
	must(t->flights != NULL, "flights");
	t->context[0] = make_context(o, false);
	t->context[1] = server_context(o);
	SSL_CTX_set_keylog_callback(t->context[0], on_key);
	for (int i = 0; i < 2; i++) {
		t->ssl[i] = SSL_new(t->context[i]);
		must(t->ssl[i] != NULL, "ssl");
		SSL_set_app_data(t->ssl[i], t);
		SSL_set_bio(t->ssl[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	}
	SSL_set_connect_state(t->ssl[0]);
	SSL_set_accept_state(t->ssl[1]);
	must(SSL_set_tlsext_host_name(t->ssl[0], "models.example"), "name");
	if (o->big_hello) {
		static uint8_t protocols[3000];

		for (size_t i = 0; i < sizeof(protocols); i += 100) {
			memset(protocols + i, 'a', 100);
			protocols[i] = 99;
		}
		must(SSL_set_alpn_protos(t->ssl[0], protocols, sizeof(protocols)) == 0, "protocols");
	}
	if (o->resume)
		must(SSL_set_session(t->ssl[0], o->resume), "session");
}

/* What @side has written, to the other side, as one flight; were there any bytes? */
static bool carry(struct tls_talk *t, int side)
{
	uint8_t bytes[16384];
	struct tls_flight *f = &t->flights[t->flight_count];
	int n;

	if (BIO_ctrl_pending(SSL_get_wbio(t->ssl[side])) == 0)
		return false;
	must(t->flight_count < TALK_FLIGHTS_MAX, "too many flights");
	f->of_server = side == 1;
	while ((n = BIO_read(SSL_get_wbio(t->ssl[side]), bytes, sizeof(bytes))) > 0) {
		buffer_add(&f->bytes, bytes, (size_t)n);
		must(BIO_write(SSL_get_rbio(t->ssl[!side]), bytes, n) == n, "wire");
	}
	must(buffer_ok(&f->bytes), "memory");
	t->flight_count++;
	return true;
}

/* Whatever has come for @side */
static void take(struct tls_talk *t, int side)
{
	uint8_t bytes[16384];
	int n;

	do
		n = SSL_read(t->ssl[side], bytes, sizeof(bytes));
	while (n > 0);
	must(SSL_get_error(t->ssl[side], n) != SSL_ERROR_SSL, "read");
}

void tls_talk_pass(struct tls_talk *t)
{
	bool any;

	do {
		any = carry(t, 0);
		take(t, 1);
		any |= carry(t, 1);
		take(t, 0);
	} while (any);
}

void tls_talk_handshake(struct tls_talk *t)
{
	int n = SSL_do_handshake(t->ssl[0]);

	must(n == 1 || SSL_get_error(t->ssl[0], n) == SSL_ERROR_WANT_READ, "handshake");
	tls_talk_pass(t);
	must(SSL_is_init_finished(t->ssl[0]) && SSL_is_init_finished(t->ssl[1]), "no end of the handshake");
}

void tls_talk_write(struct tls_talk *t, int side, struct span bytes)
{
	must(SSL_write(t->ssl[side], bytes.at, (int)bytes.len) == (int)bytes.len, "write");
	carry(t, side);
	take(t, !side);
}

/* A server that asks for a key share has not yet spoken for good, and takes none */
void tls_talk_early(struct tls_talk *t, struct span bytes)
{
	uint8_t in[16384];
	size_t n = 0;

	must(SSL_write_early_data(t->ssl[0], bytes.at, bytes.len, &n) == 1 && n == bytes.len, "early data");
	carry(t, 0);
	while (SSL_read_early_data(t->ssl[1], in, sizeof(in), &n) == SSL_READ_EARLY_DATA_SUCCESS)
		;
	carry(t, 1);
}

void tls_talk_answer_early(struct tls_talk *t, struct span bytes)
{
	size_t n = 0;

	must(SSL_write_early_data(t->ssl[1], bytes.at, bytes.len, &n) == 1 && n == bytes.len, "answer to early data");
	carry(t, 1);
}

void tls_talk_update(struct tls_talk *t, int side)
{
	must(SSL_key_update(t->ssl[side], SSL_KEY_UPDATE_NOT_REQUESTED), "update");
}

void tls_talk_close(struct tls_talk *t, int side)
{
	SSL_shutdown(t->ssl[side]);
	carry(t, side);
	take(t, !side);
}

void tls_talk_deinit(struct tls_talk *t)
{
	for (int i = 0; i < 2; i++) {
		SSL_free(t->ssl[i]);
		SSL_CTX_free(t->context[i]);
	}
	for (size_t i = 0; i < t->flight_count; i++)
		buffer_deinit(&t->flights[i].bytes);
	free(t->flights);
	buffer_deinit(&t->key_log);
	SSL_SESSION_free(t->session);
	memset(t, 0, sizeof(*t));
}
