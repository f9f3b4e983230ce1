/*
 * test_tls.c - targets with https: whom we believe, what a handshake can do
 * instead of ending well, and then all that a server can answer, inside TLS
 *
 * The servers offer ALPN and look at SNI in every test, and refuse a client
 * that does not say http/1.1, or another name than it was told.
 */
#include "tests/rig/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/units.h"
#include "tests/rig/fault_answers.h"
#include "tests/rig/fault_cases.h"
#include "tests/rig/fault_certs.h"
#include "tests/rig/fault_rig.h"
#include "tests/rig/fault_settle.h"

#define NAME "shadow.test"
#define ADDRESS "127.0.0.1"

#define TLS                                                                                                    \
	{                                                                                                      \
		FAULT_TLS                                                                                      \
	}
#define GOODBYE                                                                                                \
	{                                                                                                      \
		FAULT_GOODBYE                                                                                  \
	}

static const struct fault_step serve_well[] = { TLS, READ, SEND(OK), AGAIN };

/* ---- the two sides ---- */

enum server_flag {
	SERVER_TLS11 = 1,   /* speaks nothing newer */
	SERVER_TLS12 = 2,   /* the same */
	SERVER_ASKS = 4,    /* for a client's certificate, and wants one */
	SERVER_H2_ONLY = 8, /* speaks no HTTP/1.1 */
	SERVER_NO_TICKETS = 16,
	SERVER_ASKS_SOFTLY = 32, /* for a client's certificate, and does without */
};

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
			   unsigned in_len, void *flags)
{
	static const unsigned char http11[] = "\x08http/1.1", h2[] = "\x02h2";
	const unsigned char *own = flags ? h2 : http11;
	int r = SSL_select_next_proto((unsigned char **)out, out_len, own, own[0] + 1u, in, in_len);

	return r == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* a client that uses an address names nothing; one that uses a name names that */
static int check_name(SSL *ssl, int *alert, void *unused)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (!name || strcmp(name, NAME) == 0 || strcmp(name, "a." NAME) == 0)
		return SSL_TLSEXT_ERR_OK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *make_server(enum fault_cert cert, unsigned flags)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, fault_certs_pem(cert)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, fault_certs_key(cert), SSL_FILETYPE_PEM), 1);
	SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"test", 4);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, flags & SERVER_H2_ONLY ? ctx : NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, check_name);
	if (flags & SERVER_TLS11) {
		SSL_CTX_set_security_level(ctx, 0);
		SSL_CTX_set_min_proto_version(ctx, TLS1_1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	}
	if (flags & SERVER_TLS12)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (flags & SERVER_NO_TICKETS)
		SSL_CTX_set_num_tickets(ctx, 0);
	if (flags & SERVER_ASKS) {
		assert_int_equal(SSL_CTX_load_verify_file(ctx, fault_certs_pem(FAULT_CERT_CA)), 1);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	if (flags & SERVER_ASKS_SOFTLY)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

/* every name is this host */
static int lookup_loopback(const char *host, uint16_t port, struct addresses *out)
{
	return lookup_numeric(ADDRESS, port, out);
}

static struct target_options tls_target(uint16_t port, const char *host)
{
	struct target_options target = rig_target(port);

	target.url.is_tls = true;
	snprintf(target.url.host, sizeof(target.url.host), "%s", host);
	target.lookup = lookup_loopback;
	target.tls.ca_file = fault_certs_pem(FAULT_CERT_CA);
	return target;
}

/* ---- the handshake, and whom we believe ---- */

struct tls_row {
	const char *name;
	enum fault_cert cert;
	unsigned flags;
	const char *host;
	struct fault_step steps[FAULT_STEPS_MAX];
	size_t requests;
	enum outcome_kind expect;
	const char *detail;   /* part of what is said */
	unsigned connections; /* that were opened, in the end */
	bool insecure, shows_cert;
	unsigned max_time_ms, connect_timeout_ms; /* 0: long */
};

#define WELL                                                                                                   \
	{                                                                                                      \
		TLS, READ, SEND(OK), AGAIN                                                                     \
	}
#define GARBAGE "no TLS at all, and long enough for the head of a record"

/* clang-format off */
static const struct tls_row handshakes[] = {
	{ "good", FAULT_CERT_GOOD, 0, NAME, WELL, 4, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "good, TLS 1.2", FAULT_CERT_GOOD, SERVER_TLS12, NAME, WELL, 4, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "good, by wildcard", FAULT_CERT_GOOD, 0, "a." NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "good, by address", FAULT_CERT_GOOD, 0, ADDRESS, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "good, name with a final dot", FAULT_CERT_GOOD, 0, NAME ".", WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "self-signed", FAULT_CERT_SELF_SIGNED, 0, NAME, WELL, 2, OUTCOME_FAILED_TLS, "self-signed certificate", 0 },
	{ "self-signed, TLS 1.2", FAULT_CERT_SELF_SIGNED, SERVER_TLS12, NAME, WELL, 2, OUTCOME_FAILED_TLS, "self-signed certificate", 0 },
	{ "self-signed, -k", FAULT_CERT_SELF_SIGNED, 0, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1, .insecure = true },
	{ "expired", FAULT_CERT_EXPIRED, 0, NAME, WELL, 2, OUTCOME_FAILED_TLS, "certificate has expired", 0 },
	{ "expired, -k", FAULT_CERT_EXPIRED, 0, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1, .insecure = true },
	{ "not yet valid", FAULT_CERT_FUTURE, 0, NAME, WELL, 1, OUTCOME_FAILED_TLS, "not yet valid", 0 },
	{ "another host's", FAULT_CERT_OTHER_HOST, 0, NAME, WELL, 2, OUTCOME_FAILED_TLS, "hostname mismatch", 0 },
	{ "another host's, -k", FAULT_CERT_OTHER_HOST, 0, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1, .insecure = true },
	{ "another address's", FAULT_CERT_OTHER_HOST, 0, ADDRESS, WELL, 2, OUTCOME_FAILED_TLS, "IP address mismatch", 0 },
	{ "of an unknown authority", FAULT_CERT_STRANGER, 0, NAME, WELL, 2, OUTCOME_FAILED_TLS, "unable to get local issuer", 0 },
	{ "asks for ours, which we have not", FAULT_CERT_GOOD, SERVER_ASKS, NAME, WELL, 3, OUTCOME_FAILED_TLS, "certificate required", 3 },
	{ "the same, TLS 1.2", FAULT_CERT_GOOD, SERVER_ASKS | SERVER_TLS12, NAME, WELL, 2, OUTCOME_FAILED_TLS, "handshake failure", 0 },
	{ "asks for ours", FAULT_CERT_GOOD, SERVER_ASKS, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1, .shows_cert = true },
	{ "asks for ours, TLS 1.2", FAULT_CERT_GOOD, SERVER_ASKS | SERVER_TLS12, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1, .shows_cert = true },
	{ "asks for ours, and resets", FAULT_CERT_GOOD, SERVER_ASKS_SOFTLY, NAME, { TLS, READ, { FAULT_RESET } }, 1, OUTCOME_FAILED_RESET, "(--cert)", 1 },
	/* once: the next takes up the session, and is not asked */
	{ "asks for ours, and closes", FAULT_CERT_GOOD, SERVER_ASKS_SOFTLY, NAME, { TLS, READ, CLOSE }, 1, OUTCOME_FAILED_RESET, "(--cert)", 1 },
	{ "asks for ours, and does without", FAULT_CERT_GOOD, SERVER_ASKS_SOFTLY, NAME, WELL, 2, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "TLS 1.1", FAULT_CERT_GOOD, SERVER_TLS11, NAME, WELL, 2, OUTCOME_FAILED_TLS, "protocol version", 0 },
	{ "TLS 1.1, -k", FAULT_CERT_GOOD, SERVER_TLS11, NAME, WELL, 2, OUTCOME_FAILED_TLS, "protocol version", 0, .insecure = true },
	{ "HTTP/2 only", FAULT_CERT_GOOD, SERVER_H2_ONLY, NAME, WELL, 2, OUTCOME_FAILED_TLS, "application protocol", 0 },
	{ "silence", FAULT_CERT_GOOD, 0, NAME, { HOLD }, 2, OUTCOME_FAILED_TIMEOUT, "TLS handshake", 0, .max_time_ms = 250 },
	{ "silence until connect-timeout", FAULT_CERT_GOOD, 0, NAME, { HOLD }, 2, OUTCOME_FAILED_TLS, "ETIMEDOUT", 0, .connect_timeout_ms = 60 },
	{ "drip", FAULT_CERT_GOOD, 0, NAME, { { FAULT_DRIP, "\x16\x03\x03\x30\x10\x02 a ServerHello that comes byte by byte", 10 }, HOLD }, 1, OUTCOME_FAILED_TIMEOUT, "TLS handshake", 0, .max_time_ms = 100 },
	{ "plain HTTP", FAULT_CERT_GOOD, 0, NAME, { SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), HOLD }, 2, OUTCOME_FAILED_TLS, "not TLS", 0 },
	{ "garbage", FAULT_CERT_GOOD, 0, NAME, { SEND(GARBAGE), HOLD }, 2, OUTCOME_FAILED_TLS, "not TLS", 0 },
	{ "garbage in a record", FAULT_CERT_GOOD, 0, NAME,
	  { SEND("\x16\x03\x03\x01\x01" GARBAGE GARBAGE GARBAGE GARBAGE GARBAGE GARBAGE),
	    HOLD }, 2, OUTCOME_FAILED_TLS, "", 0 },
	{ "close at once", FAULT_CERT_GOOD, 0, NAME, { CLOSE }, 2, OUTCOME_FAILED_TLS, "", 0 },
	{ "close in the middle", FAULT_CERT_GOOD, 0, NAME, { SEND("\x16\x03\x03\x40\x10\x02"), CLOSE }, 2, OUTCOME_FAILED_TLS, "", 0 },
	{ "RST", FAULT_CERT_GOOD, 0, NAME, { { FAULT_DELAY, NULL, 20 }, { FAULT_RESET } }, 2, OUTCOME_FAILED_TLS, "ECONNRESET", 0 },
	/* after it */
	{ "a ticket on an idle connection", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND(OK), { FAULT_TICKET }, AGAIN }, 4, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "new keys on an idle connection", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND(OK), { FAULT_KEY_UPDATE }, AGAIN }, 4, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "new keys before the answer", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, { FAULT_KEY_UPDATE }, SEND(OK), AGAIN }, 4, OUTCOME_ANSWERED_2XX, NULL, 1 },
	{ "goodbye on an idle connection", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND(OK), GOODBYE, HOLD }, 3, OUTCOME_ANSWERED_2XX, NULL, 3 },
	{ "unasked bytes on an idle connection", FAULT_CERT_GOOD, 0, NAME,
	  { TLS, READ, SEND(OK), { FAULT_DELAY, NULL, 10 }, SEND("x"), HOLD }, 3, OUTCOME_ANSWERED_2XX, NULL, 3 },
	{ "plain bytes on an idle connection", FAULT_CERT_GOOD, 0, NAME,
	  { TLS, READ, SEND(OK), { FAULT_DELAY, NULL, 10 }, { FAULT_SEND_PLAIN, GARBAGE }, HOLD },
	  3, OUTCOME_ANSWERED_2XX, NULL, 3 },
	{ "plain bytes for an answer", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, { FAULT_SEND_PLAIN, GARBAGE }, HOLD }, 2, OUTCOME_FAILED_TLS, "", 2 },
	{ "until close, with goodbye", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND("HTTP/1.1 200 OK\r\n\r\ntext"), GOODBYE, CLOSE }, 2, OUTCOME_ANSWERED_2XX, NULL, 2 },
	{ "until close, without", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND("HTTP/1.1 200 OK\r\n\r\ntext"), CLOSE }, 2, OUTCOME_FAILED_RESET, "without close_notify", 2 },
	{ "with a length, close without", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, SEND(OK), CLOSE }, 2, OUTCOME_ANSWERED_2XX, NULL, 2 },
	{ "close without, for an answer", FAULT_CERT_GOOD, 0, NAME, { TLS, READ, CLOSE }, 2, OUTCOME_FAILED_RESET, "EOF before the answer", 2 },
};
/* clang-format on */

static void check_tls_outcome(const struct tls_row *row, const struct outcome *o)
{
	if (o->kind != row->expect || (row->detail && (!o->detail || !strstr(o->detail, row->detail))))
		fail_msg("row \"%s\": %s %d (%s)", row->name, outcome_reason(o->kind), o->status_code,
			 o->detail ? o->detail : "");
	/* what is a failure to connect says so: nothing else moves the breaker. The words are OpenSSL's, 3.0 and 3.5 */
	if (o->kind == OUTCOME_FAILED_TLS && !strstr(o->detail, "version number") && !strstr(o->detail, "bad record type"))
		assert_int_equal(o->connect_us, -1);
	if (o->kind == OUTCOME_ANSWERED_2XX)
		assert_true(o->connect_us >= 0 && o->first_byte_us >= 0 && o->total_us >= o->connect_us);
}

static void run_handshake(const struct tls_row *row)
{
	const struct fault_step *const scripts[] = { row->steps, NULL };
	SSL_CTX *ctx = make_server(row->cert, row->flags);
	struct fault_server *server = fault_server_start_tls(scripts, ctx);
	struct target_options target = tls_target(fault_server_port(server), row->host);
	struct rig g;

	target.tls.insecure = row->insecure;
	if (row->insecure)
		target.tls.ca_file = NULL;
	if (row->shows_cert)
		target.tls.cert_file = fault_certs_pem(FAULT_CERT_CLIENT);
	if (row->max_time_ms)
		target.max_time_ns = row->max_time_ms * NS_PER_MS;
	target.connect_timeout_ns = row->connect_timeout_ms * NS_PER_MS;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < row->requests; i++) {
		rig_submit(&g, "POST", 400);
		rig_wait(&g, i + 1);
		check_tls_outcome(row, &g.outcomes[i].outcome);
		rig_check_books(&g);
		rig_settle(&g, server); /* what the server says after the response may come */
	}
	if (counter_get(&replay_target_stats(g.replay, 0)->connects) != row->connections)
		fail_msg("row \"%s\": %u connections", row->name,
			 (unsigned)counter_get(&replay_target_stats(g.replay, 0)->connects));
	rig_stop(&g);
	fault_server_stop(server);
	SSL_CTX_free(ctx);
}

static void test_handshakes(void **state)
{
	for (size_t i = 0; i < sizeof(handshakes) / sizeof(handshakes[0]); i++)
		run_handshake(&handshakes[i]);
}

/* ---- every way to answer, inside ---- */

/** put_inside() - a plain script with the handshake before it, and the goodbye before its close */
static void put_inside(const struct fault_step *plain, struct fault_step out[FAULT_STEPS_MAX + 2])
{
	size_t n = 0;

	out[n++] = (struct fault_step)TLS;
	for (size_t i = 0; i < FAULT_STEPS_MAX; i++) {
		if (plain[i].op == FAULT_END) {
			out[n++] = (struct fault_step)GOODBYE;
			break;
		}
		out[n++] = plain[i];
		if (plain[i].op == FAULT_AGAIN || plain[i].op == FAULT_HOLD || plain[i].op == FAULT_RESET)
			break;
	}
	if (n < FAULT_STEPS_MAX + 2)
		out[n] = (struct fault_step)CLOSE;
}

static void run_inside(const struct fault_response *row, SSL_CTX *ctx)
{
	struct fault_step steps[FAULT_STEPS_MAX + 2];
	const struct fault_step *const scripts[] = { steps, NULL };
	struct target_options target;
	struct fault_server *server;
	struct rig g;

	put_inside(row->steps, steps);
	server = fault_server_start_tls(scripts, ctx);
	target = tls_target(fault_server_port(server), NAME);
	if (row->max_time_ms)
		target.max_time_ns = 3 * row->max_time_ms * NS_PER_MS; /* the handshake is in it, too */
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < row->requests; i++) {
		const struct outcome *o = &g.outcomes[i].outcome;

		rig_submit(&g, row->method ? row->method : "POST", row->body_len);
		rig_wait(&g, i + 1);
		if (o->kind != row->expect || o->status_code != row->status_code)
			fail_msg("row \"%s\", request %zu: %s %d (%s)", row->name, i, outcome_reason(o->kind),
				 o->status_code, o->detail ? o->detail : "");
		rig_check_books(&g);
		rig_settle(&g, server);
	}
	if (counter_get(&replay_target_stats(g.replay, 0)->connects) != row->connections)
		fail_msg("row \"%s\": %u connections", row->name,
			 (unsigned)counter_get(&replay_target_stats(g.replay, 0)->connects));
	rig_stop(&g);
	fault_server_stop(server);
}

static void test_responses_inside(void **state)
{
	const unsigned flags[] = { 0, SERVER_TLS12 };

	for (size_t version = 0; version < 2; version++) {
		SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, flags[version]);

		for (size_t i = 0; i < fault_response_count; i++)
			run_inside(&fault_responses[i], ctx);
		SSL_CTX_free(ctx);
	}
}

/* head and body of every length about a record's arrive byte for byte */
static void test_bytes_inside(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	static const size_t sizes[] = { 0, 1, 300, 16000, 16383, 16384, 16385, 32768, 40000, 3000000 };
	SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
	struct fault_server *server = fault_server_start_tls(scripts, ctx);
	struct target_options target = tls_target(fault_server_port(server), NAME);

	cases_bytes(&target, server, sizes, sizeof(sizes) / sizeof(sizes[0]));
	fault_server_stop(server);
	SSL_CTX_free(ctx);
}

static void test_times_count_from_before_the_last_record(void **state)
{
	static const struct fault_step steps[] = {
		TLS, READ, { FAULT_DELAY, NULL, 30 },
		SEND("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\nabcd"), AGAIN
	};
	static const struct fault_step *const scripts[] = { steps, NULL };
	static const size_t sizes[] = { 1, 40000 }; /* in one record, and in three */
	SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
	struct fault_server *server = fault_server_start_tls(scripts, ctx);
	struct target_options target = tls_target(fault_server_port(server), NAME);
	struct budget budget;

	budget_init(&budget, 1 << 20);
	target.keep_responses = true;
	target.max_response = 1 << 20;
	target.budget = &budget;
	for (size_t i = 0; i < 2; i++)
		cases_times(&target, sizes[i], 30);
	fault_server_stop(server);
	SSL_CTX_free(ctx);
}

/* ---- connections that are kept, and sessions ---- */

/* The loop does not run while these come: only the look before use can take them in. */
static void test_look_before_use(void **state)
{
	static const struct fault_step ticket[] = { TLS, READ, SEND(OK), { FAULT_TICKET }, AGAIN };
	static const struct fault_step goodbye[] = { TLS, READ, SEND(OK), GOODBYE, HOLD };
	static const struct fault_step unasked[] = { TLS,       READ, SEND(OK), { FAULT_DELAY, NULL, 10 },
						     SEND("x"), HOLD };
	static const struct {
		const struct fault_step *script;
		unsigned connections;
	} rows[] = { { ticket, 1 }, { goodbye, 3 }, { unasked, 3 } };

	for (size_t i = 0; i < 3; i++) {
		const struct fault_step *const scripts[] = { rows[i].script, NULL };
		SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
		struct fault_server *server = fault_server_start_tls(scripts, ctx);
		struct target_options target = tls_target(fault_server_port(server), NAME);
		struct rig g;

		rig_start(&g, &target, 1);
		for (size_t n = 0; n < 3; n++) {
			rig_submit(&g, "POST", 10);
			rig_wait(&g, n + 1);
			assert_int_equal(g.outcomes[n].outcome.kind, OUTCOME_ANSWERED_2XX);
			usleep(100000);
		}
		assert_int_equal(fault_server_connections(server), rows[i].connections);
		rig_stop(&g);
		fault_server_stop(server);
		SSL_CTX_free(ctx);
	}
}

/* A server that closes after each response, in every way: all connections but the first resume. */
static void test_sessions_are_resumed(void **state)
{
	static const struct fault_step announced[] = { TLS, READ, SEND(OK_HEAD "Connection: close\r\n\r\n{}"),
						       GOODBYE, CLOSE };
	static const struct fault_step silent[] = { TLS, READ, SEND(OK), CLOSE };
	static const struct fault_step *const ways[] = { announced, silent };
	static const unsigned flags[] = { 0, SERVER_TLS12, SERVER_ASKS, SERVER_NO_TICKETS };
	enum { REQUESTS = 5 };

	for (size_t i = 0; i < 8; i++) {
		const struct fault_step *const scripts[] = { ways[i % 2], NULL };
		SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, flags[i / 2]);
		struct fault_server *server = fault_server_start_tls(scripts, ctx);
		struct target_options target = tls_target(fault_server_port(server), NAME);
		struct rig g;

		target.tls.cert_file = fault_certs_pem(FAULT_CERT_CLIENT);
		target.tls.key_file = fault_certs_key(FAULT_CERT_CLIENT);
		rig_start(&g, &target, 1);
		for (size_t n = 0; n < REQUESTS; n++) {
			rig_submit(&g, "POST", 10);
			rig_wait(&g, n + 1);
			assert_int_equal(g.outcomes[n].outcome.kind, OUTCOME_ANSWERED_2XX);
			rig_settle(&g, server);
		}
		assert_int_equal(fault_server_secured(server), REQUESTS);
		if (fault_server_resumed(server) != (flags[i / 2] & SERVER_NO_TICKETS ? 0 : REQUESTS - 1))
			fail_msg("row %zu: %u resumed", i, fault_server_resumed(server));
		rig_stop(&g);
		fault_server_stop(server);
		SSL_CTX_free(ctx);
	}
}

/* ---- the breaker, and several addresses ---- */

/* A failure in the handshake is one to connect, also when TLS 1.3 tells it late. */
static void test_breaker_opens(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	static const struct {
		enum fault_cert cert;
		unsigned flags;
	} rows[] = { { FAULT_CERT_EXPIRED, 0 }, { FAULT_CERT_GOOD, SERVER_ASKS } };

	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *ctx = make_server(rows[i].cert, rows[i].flags);
		struct fault_server *server = fault_server_start_tls(scripts, ctx);
		struct target_options target = tls_target(fault_server_port(server), NAME);
		struct rig g;

		target.breaker = 3;
		rig_start(&g, &target, 1);
		for (size_t n = 0; n < 3; n++) {
			assert_string_equal(replay_breaker_state(g.replay, 0), "closed");
			rig_submit(&g, "POST", 10);
			rig_wait(&g, n + 1);
		}
		assert_string_equal(replay_breaker_state(g.replay, 0), "open");
		rig_submit(&g, "POST", 10);
		assert_int_equal(counter_get(&replay_target_stats(g.replay, 0)->shed[SHED_BREAKER]), 1);
		rig_stop(&g);
		fault_server_stop(server);
		SSL_CTX_free(ctx);
	}
}

static uint16_t two_ports[2];

static int lookup_two(const char *host, uint16_t port, struct addresses *out)
{
	struct addresses one;
	int r = 0;

	out->count = 2;
	for (size_t i = 0; i < 2 && r == 0; i++) {
		r = lookup_numeric(ADDRESS, two_ports[i], &one);
		out->at[i] = one.at[0];
	}
	return r;
}

/* The first address has broken TLS: one request fails there, since none is sent twice; the rest go to the other. */
static void test_broken_address_is_left(void **state)
{
	static const struct fault_step broken[] = { SEND(GARBAGE), HOLD };
	static const struct fault_step *const good[] = { serve_well, NULL }, *const bad[] = { broken, NULL };
	SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
	struct fault_server *first = fault_server_start_tls(bad, ctx),
			    *second = fault_server_start_tls(good, ctx);
	struct target_options target = tls_target(1, NAME);
	struct rig g;

	two_ports[0] = fault_server_port(first);
	two_ports[1] = fault_server_port(second);
	target.lookup = lookup_two;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 4; i++) {
		rig_submit(&g, "POST", 10);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, i ? OUTCOME_ANSWERED_2XX : OUTCOME_FAILED_TLS);
	}
	assert_int_equal(fault_server_connections(first), 1);
	rig_stop(&g);
	fault_server_stop(first);
	fault_server_stop(second);
	SSL_CTX_free(ctx);
}

/* ---- files ---- */

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(fault_certs_path(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void write_encrypted_key(const char *name)
{
	FILE *f = fopen(fault_certs_path(name), "w");
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_true(f && key);
	assert_int_equal(
		PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL),
		1);
	EVP_PKEY_free(key);
	fclose(f);
}

static char *copy_path(const char *name)
{
	char *path = strdup(fault_certs_path(name));

	assert_non_null(path);
	return path;
}

static void test_files_that_are_not_right(void **state)
{
	char *none = copy_path("none"), *empty = copy_path("empty"), *text = copy_path("text"),
	     *locked = copy_path("locked"), *certificate_only = copy_path("cert-only"), *here = copy_path(".");
	const char *good = fault_certs_pem(FAULT_CERT_CLIENT), *ca = fault_certs_pem(FAULT_CERT_CA);
	const struct {
		struct tls_options options;
		const char *says[3];
	} rows[] = {
		{ { .ca_file = none }, { none, "No such file", "--cacert" } },
		{ { .ca_file = empty }, { empty, "--cacert", "PEM" } },
		{ { .ca_file = text }, { text, "--cacert", "PEM" } },
		{ { .ca_file = here }, { here, "--cacert", "PEM" } },
		{ { .ca_file = ca, .cert_file = none }, { none, "No such file", "--cert" } },
		{ { .ca_file = ca, .cert_file = text }, { text, "--cert", "PEM" } },
		{ { .ca_file = ca, .cert_file = good, .key_file = none }, { none, "No such file", "--key" } },
		{ { .ca_file = ca, .cert_file = good, .key_file = text }, { text, "--key", "PEM" } },
		{ { .ca_file = ca, .cert_file = good, .key_file = locked }, { locked, "--key", "passphrase" } },
		{ { .ca_file = ca, .cert_file = good, .key_file = fault_certs_key(FAULT_CERT_GOOD) },
		  { "mismatch", "--key", "key" } },
		{ { .insecure = true, .cert_file = certificate_only },
		  { certificate_only, "--key", "passphrase" } },
	};
	X509 *cert;
	FILE *f;

	write_file("empty", "");
	write_file("text", "this is no certificate\n");
	write_encrypted_key("locked");
	f = fopen(good, "r");
	cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);
	f = fopen(certificate_only, "w");
	assert_int_equal(PEM_write_X509(f, cert), 1);
	fclose(f);
	X509_free(cert);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer error = { 0 };
		struct tls_context *c = NULL;

		assert_true(tls_context_new(&rows[i].options, NAME, "http/1.1", &c, &error) < 0);
		for (size_t n = 0; n < 3; n++)
			if (!strstr(buffer_text(&error), rows[i].says[n]))
				fail_msg("row %zu does not say \"%s\": %s", i, rows[i].says[n],
					 buffer_text(&error));
		buffer_deinit(&error);
	}
	free(none);
	free(empty);
	free(text);
	free(locked);
	free(certificate_only);
	free(here);
}

/* replay_new() says it, and leaves nothing behind, even when another target is in order */
static void test_bad_file_ends_the_start(void **state)
{
	struct target_options targets[2] = { rig_target(9), tls_target(9, NAME) };
	struct replay_options o = { .targets = targets, .target_count = 2 };
	struct buffer error = { 0 };
	struct replay *r = NULL;
	uv_loop_t loop;

	targets[1].tls.ca_file = fault_certs_path("none");
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_true(replay_new(&loop, &o, &r, &error) < 0);
	assert_non_null(strstr(buffer_text(&error), "No such file"));
	assert_int_equal(uv_loop_close(&loop), 0);
	buffer_deinit(&error);
}

/* Without --cacert it is the system's authorities, from where the variables of OpenSSL say. */
static void test_authorities_of_the_system(void **state)
{
	static const struct fault_step *const scripts[] = { serve_well, NULL };
	char *here = copy_path(".");
	const struct {
		const char *file, *dir;
		enum outcome_kind expect;
	} rows[] = {
		{ fault_certs_pem(FAULT_CERT_CA), NULL, OUTCOME_ANSWERED_2XX },
		{ NULL, here, OUTCOME_ANSWERED_2XX },
		{ fault_certs_path("none"), here, OUTCOME_ANSWERED_2XX },
		{ fault_certs_pem(FAULT_CERT_OTHER_HOST), NULL, OUTCOME_FAILED_TLS },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
		struct fault_server *server = fault_server_start_tls(scripts, ctx);
		struct target_options target = tls_target(fault_server_port(server), NAME);
		struct rig g;

		target.tls.ca_file = NULL;
		if (rows[i].file)
			setenv("SSL_CERT_FILE", rows[i].file, 1);
		if (rows[i].dir)
			setenv("SSL_CERT_DIR", rows[i].dir, 1);
		rig_start(&g, &target, 1);
		unsetenv("SSL_CERT_FILE"); /* what was to be read has been read */
		unsetenv("SSL_CERT_DIR");
		rig_submit(&g, "POST", 10);
		rig_wait(&g, 1);
		assert_int_equal(g.outcomes[0].outcome.kind, rows[i].expect);
		rig_stop(&g);
		fault_server_stop(server);
		SSL_CTX_free(ctx);
	}
	free(here);
}

static void test_no_authorities(void **state)
{
	struct tls_options options = { 0 };
	struct tls_context *c = NULL;
	struct buffer error = { 0 };

	setenv("SSL_CERT_FILE", fault_certs_path("none"), 1);
	assert_true(tls_context_new(&options, NAME, "http/1.1", &c, &error) < 0);
	assert_non_null(strstr(buffer_text(&error), "--cacert"));
	buffer_clear(&error);
	options.insecure = true; /* needs none */
	assert_int_equal(tls_context_new(&options, NAME, "http/1.1", &c, &error), 0);
	unsetenv("SSL_CERT_FILE");
	tls_context_free(c);
	buffer_deinit(&error);
}

/* ---- everything at once ---- */

/* each connection fails in a way of its own, in the handshake or inside, or not at all */
static void test_random_faults_inside(void **state)
{
	static const enum outcome_kind kinds[] = { OUTCOME_ANSWERED_2XX, OUTCOME_FAILED_TIMEOUT, OUTCOME_FAILED_RESET,
						   OUTCOME_FAILED_PROTOCOL, OUTCOME_FAILED_TLS };
	static struct fault_step steps[CASES_CONNECTIONS][FAULT_STEPS_MAX + 2];
	const struct fault_step *scripts[CASES_CONNECTIONS + 1];
	size_t before = cases_descriptors(), rows = sizeof(handshakes) / sizeof(handshakes[0]);
	SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
	struct target_options target;
	struct fault_server *server;
	unsigned seed = 1;

	for (size_t i = 0; i < CASES_CONNECTIONS - 1; i++) {
		scripts[i] = handshakes[(size_t)rand_r(&seed) % rows].steps;
		if (rand_r(&seed) % 2)
			continue;
		put_inside(cases_any_response(&seed)->steps, steps[i]);
		scripts[i] = steps[i];
	}
	scripts[CASES_CONNECTIONS - 1] = serve_well;
	scripts[CASES_CONNECTIONS] = NULL;
	server = fault_server_start_tls(scripts, ctx);
	target = tls_target(fault_server_port(server), NAME);
	target.max_time_ns = 300 * NS_PER_MS;
	cases_storm(target, 40000, &seed, kinds, sizeof(kinds) / sizeof(kinds[0]));
	fault_server_stop(server);
	SSL_CTX_free(ctx);
	assert_int_equal(cases_descriptors(), before);
}

/* closed while handshakes and exchanges are under way */
static void test_close_in_the_middle(void **state)
{
	static const struct fault_step silent[] = { HOLD }, answering[] = { TLS, READ, HOLD };
	static const struct fault_step *const scripts[] = { silent, answering, NULL };
	SSL_CTX *ctx = make_server(FAULT_CERT_GOOD, 0);
	struct fault_server *server = fault_server_start_tls(scripts, ctx);
	struct target_options target = tls_target(fault_server_port(server), NAME);
	struct rig g;

	rig_start(&g, &target, 1);
	for (size_t i = 0; i < 10; i++)
		rig_submit(&g, "POST", 100000);
	rig_run_for(&g, 50);
	rig_stop(&g);
	fault_server_stop(server);
	SSL_CTX_free(ctx);
}

static int set_up(void **state)
{
	fault_certs_make();
	return 0;
}

static int tear_down(void **state)
{
	fault_certs_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_responses_inside),
		cmocka_unit_test(test_bytes_inside),
		cmocka_unit_test(test_times_count_from_before_the_last_record),
		cmocka_unit_test(test_look_before_use),
		cmocka_unit_test(test_sessions_are_resumed),
		cmocka_unit_test(test_breaker_opens),
		cmocka_unit_test(test_broken_address_is_left),
		cmocka_unit_test(test_files_that_are_not_right),
		cmocka_unit_test(test_bad_file_ends_the_start),
		cmocka_unit_test(test_authorities_of_the_system),
		cmocka_unit_test(test_no_authorities),
		cmocka_unit_test(test_random_faults_inside),
		cmocka_unit_test(test_close_in_the_middle),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
