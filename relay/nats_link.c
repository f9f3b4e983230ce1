/*
 * nats_link.c - see nats_link.h
 *
 * Theory of operation: libnats is told not to reconnect. What it would do is
 * send what had been written before the connection was lost, seconds later, and
 * hold its lock meanwhile, so that every call waits; and it says of no single
 * message whether it was among those. Here a lost connection is closed and
 * destroyed with all that is in it, and another one is made. What was in it is
 * for the owner to count.
 *
 * Hosts are tried by us, one by one, since libnats has one expected name for the
 * certificates of all. nats_link_new() reads the files, and no more: the library
 * begins with the first connection, since threads that it made earlier would keep
 * the capabilities that the process gives up in between. What it needs is in
 * memory then, and a nonce is signed by our callback. With --cacert only its
 * authorities are believed, which libnats has no word for; so the system's are
 * hidden from OpenSSL, for good, as no other connection believes them either.
 *
 * The library's callback about errors comes on a thread of its own, and may come
 * after the connection is gone. It takes the link's lock for a few stores, so the
 * link stays until the process ends: a few kilobytes, without its secrets. The
 * library is not closed, which would wait for its threads, since it then frees
 * what is OpenSSL's and what OpenSSL frees again when the process ends.
 * That a connection is closed is asked of it by the owner, since a callback about
 * the one before could be taken for one about the next.
 */
#include "relay/nats_link.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nats/nats.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/hash.h"
#include "relay/credentials.h"
#include "relay/stream_setup.h"

#define RETRY_LEAST_NS (NS_PER_S / 4)
#define RETRY_MOST_NS (5 * NS_PER_S)
#define CONNECT_LIMIT_NS (2 * NS_PER_S) /* of one try while running, for each host */
#define WRITE_LIMIT_MS 1000             /* a broker that takes nothing for so long is gone */
#define PING_MS 2000                    /* so is one that says nothing to three of these */
#define PINGS_OUT 3
#define TEXT_MAX 512
#define NOWHERE "/nonexistent"

static _Atomic(struct nats_link *) freed; /* see the top */

struct nats_link {
	struct nats_link *next_freed;
	struct broker_url url;
	natsOptions *options;        /* NULL before the first connection */
	struct buffer ca, cert, key; /* PEM, NUL ended; empty: none */
	bool insecure, sends_at_once;
	char name[RELAY_NAME_MAX + 32];
	natsConnection *connection; /* NULL: down, and nothing is left of the last */
	struct credentials who;
	uint64_t max_payload;
	struct mono next_try;
	int64_t retry_ns;
	uint64_t seed; /* of what is random in the pauses */
	char inbox[SUBJECT_MAX];
	char lost[TEXT_MAX];
	_Atomic bool is_up;
	_Atomic uint32_t ports[2]; /* client and server, of this connection and of the one before */

	pthread_mutex_t lock; /* of what follows: callbacks write it */
	char trouble[TEXT_MAX];
};

/* ---- what the library calls, on its threads ---- */

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *closure)
{
	struct nats_link *l = closure;
	const char *text = NULL;

	(void)sub;
	if (natsConnection_GetLastError(nc, &text) == NATS_OK || !text || !*text)
		text = text && *text ? text : natsStatus_GetText(err);
	pthread_mutex_lock(&l->lock);
	snprintf(l->trouble, sizeof(l->trouble), "%s", text);
	pthread_mutex_unlock(&l->lock);
}

static natsStatus on_sign(char **error, unsigned char **signature, int *len, const char *nonce, void *closure)
{
	struct nats_link *l = closure;

	(void)error;
	return nats_Sign(l->who.seed, nonce, signature, len);
}

static natsStatus on_token(char **token, char **error, void *closure)
{
	struct nats_link *l = closure;

	(void)error;
	*token = strdup((const char *)l->who.token.bytes);
	return *token ? NATS_OK : NATS_NO_MEMORY;
}

/* ---- making it ---- */

static int read_file(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : 1;
	int err = 0;

	while (n > 0 && out->len <= CREDENTIALS_MAX) {
		if (!buffer_reserve(out, 4096)) {
			close(fd);
			return -ENOMEM;
		}
		n = read(fd, out->bytes + out->len, 4096);
		if (n > 0)
			out->len += (size_t)n;
	}
	if (n < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err < 0 ? err : out->len > CREDENTIALS_MAX ? -EFBIG
							  : 0;
}

static int read_named(const char *option, const char *path, struct buffer *out, struct buffer *error)
{
	int err = path ? read_file(path, out) : 0;

	if (err < 0)
		buffer_printf(error, "cannot read the file \"%s\" of %s: %s", path, option, strerror(-err));
	else if (path)
		buffer_add(out, "", 1);
	return err;
}

static void forget(struct buffer *secret)
{
	if (secret->bytes)
		OPENSSL_cleanse(secret->bytes, secret->cap);
	buffer_deinit(secret);
}

static int load_credentials(struct nats_link *l, const struct broker_options *o, struct buffer *error)
{
	const char *path = o->creds_file ? o->creds_file : o->nkey_file;
	struct buffer text = { 0 };
	int err = read_named(o->creds_file ? "--creds" : "--nkey", path, &text, error);

	if (path && err == 0 && (err = (o->creds_file ? credentials_creds : credentials_nkey)(buffer_span(&text), &l->who)) < 0)
		buffer_printf(error,
			      o->creds_file ? "the file \"%s\" of --creds holds no user's token and seed between its lines of dashes; write it "
					      "with: nsc generate creds"
					    : "the file \"%s\" of --nkey holds no user's seed, which begins with SU; write one with: nk -gen user",
			      path);
	forget(&text);
	return err;
}

static int load_files(struct nats_link *l, const struct broker_options *o, struct buffer *error)
{
	const char *key = o->key_file ? o->key_file : o->cert_file;
	int err = load_credentials(l, o, error);

	if (err == 0)
		err = read_named("--cacert", o->ca_file, &l->ca, error);
	if (err == 0)
		err = read_named("--cert", o->cert_file, &l->cert, error);
	if (err == 0)
		err = read_named("--key", key, &l->key, error);
	if (o->ca_file && err == 0) {
		setenv(X509_get_default_cert_file_env(), NOWHERE, 1);
		setenv(X509_get_default_cert_dir_env(), NOWHERE, 1);
	}
	return err;
}

static natsStatus set_identity(struct nats_link *l)
{
	const struct broker_url *u = &l->url;

	if (l->who.token.len > 0)
		return natsOptions_SetUserCredentialsCallbacks(l->options, on_token, l, on_sign, l);
	if (l->who.seed[0])
		return natsOptions_SetNKey(l->options, l->who.public_key, on_sign, l);
	if (u->password[0])
		return natsOptions_SetUserInfo(l->options, u->user, u->password);
	return u->user[0] ? natsOptions_SetToken(l->options, u->user) : NATS_OK;
}

#define TRY(call)                   \
	do {                        \
		if (s == NATS_OK)   \
			s = (call); \
	} while (0)

static natsStatus set_tls(struct nats_link *l)
{
	natsStatus s = NATS_OK;

	if (l->ca.len > 0)
		TRY(natsOptions_SetCATrustedCertificates(l->options, (const char *)l->ca.bytes));
	if (l->cert.len > 0)
		TRY(natsOptions_SetCertificatesChain(l->options, (const char *)l->cert.bytes, (const char *)l->key.bytes));
	if (l->url.is_tls)
		TRY(natsOptions_SetSecure(l->options, true));
	if (l->insecure)
		TRY(natsOptions_SkipServerVerification(l->options, true));
	return s;
}

static natsStatus set_options(struct nats_link *l)
{
	natsStatus s = natsOptions_Create(&l->options);

	TRY(natsOptions_SetAllowReconnect(l->options, false));
	TRY(natsOptions_SetWriteDeadline(l->options, WRITE_LIMIT_MS));
	TRY(natsOptions_SetPingInterval(l->options, PING_MS));
	TRY(natsOptions_SetMaxPingsOut(l->options, PINGS_OUT));
	TRY(natsOptions_SetErrorHandler(l->options, on_error, l));
	TRY(natsOptions_SetIgnoreDiscoveredServers(l->options, true));
	TRY(natsOptions_SetName(l->options, l->name));
	TRY(natsOptions_SetCustomInboxPrefix(l->options, l->inbox));
	TRY(natsOptions_SetSendAsap(l->options, l->sends_at_once));
	TRY(set_identity(l));
	return s;
}

/** begin() - the library, before the first connection */
static int begin(struct nats_link *l, struct buffer *error)
{
	natsStatus s;

	if (l->options)
		return 0;
	s = nats_Open(-1);
	TRY(set_options(l));
	if (s == NATS_OK && (s = set_tls(l)) != NATS_OK) {
		buffer_printf(error, "cannot use the files of --cacert, --cert and --key for the broker: %s; they must be in PEM form",
			      nats_words(s));
	} else if (s != NATS_OK) {
		buffer_printf(error, "cannot set up the client of the broker: %s", natsStatus_GetText(s));
	}
	forget(&l->ca);
	forget(&l->cert);
	forget(&l->key);
	if (s == NATS_OK)
		return 0;
	natsOptions_Destroy(l->options);
	l->options = NULL;
	return s == NATS_NO_MEMORY ? -ENOMEM : -EACCES;
}

bool nats_link_is_built(void)
{
	return true;
}

const char *nats_link_version(void)
{
	return nats_GetVersion();
}

int nats_link_new(const struct broker_options *options, struct nats_link **out, struct buffer *error)
{
	struct nats_link *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->url = *options->url;
	snprintf(l->inbox, sizeof(l->inbox), "%s", options->inbox ? options->inbox : "_INBOX");
	l->retry_ns = RETRY_LEAST_NS;
	l->seed = hash_key_random().k0;
	l->insecure = options->insecure;
	l->sends_at_once = options->sends_at_once;
	snprintf(l->name, sizeof(l->name), "%s", options->name ? options->name : "shadowtap");
	err = load_files(l, options, error);
	if (err < 0)
		nats_link_free(l);
	else
		*out = l;
	return err;
}

/* ---- connecting ---- */

/** errno_of() - what a status of libnats means to who tries to connect */
static int errno_of(natsStatus s)
{
	switch (s) {
	case NATS_OK:
		return 0;
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
	case NATS_SSL_ERROR:
	case NATS_SECURE_CONNECTION_WANTED:
	case NATS_SECURE_CONNECTION_REQUIRED:
	case NATS_PROTOCOL_ERROR: /* no NATS server, or one that ends a connection of TLS without a certificate */
		return -EACCES;
	case NATS_TIMEOUT:
		return -ETIMEDOUT;
	case NATS_NO_SERVER:
		return -ECONNREFUSED;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	default:
		return -ECONNRESET;
	}
}

/** advice() - what to do about it */
static const char *advice(const struct nats_link *l, natsStatus s)
{
	switch (s) {
	case NATS_CONNECTION_AUTH_FAILED:
	case NATS_NOT_PERMITTED:
		return l->who.seed[0] ? "; the key is of no user that it knows" : "; give the user and password in the URL, or --creds or --nkey";
	case NATS_SSL_ERROR:
		return "; --cacert FILE names the authority of its certificate, --cert ours";
	case NATS_SECURE_CONNECTION_WANTED:
		return "; it has no TLS; write nats:// for a connection that anybody on the way can read";
	case NATS_SECURE_CONNECTION_REQUIRED:
		return "; it takes TLS only; write tls://";
	case NATS_PROTOCOL_ERROR:
		return "; is it a NATS server? One with TLS may want a certificate of ours, too: --cert FILE";
	default:
		return "";
	}
}

static void note_ports(struct nats_link *l, const struct broker_host *host)
{
	char *ip = NULL;
	int port = 0;

	if (natsConnection_GetLocalIPAndPort(l->connection, &ip, &port) != NATS_OK)
		return;
	free(ip);
	atomic_store_explicit(&l->ports[1], atomic_load_explicit(&l->ports[0], memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&l->ports[0], (uint32_t)port << 16 | host->port, memory_order_relaxed);
}

static natsStatus connect_to(struct nats_link *l, const struct broker_host *host, int64_t limit_ns)
{
	char url[300];
	natsStatus s;

	snprintf(url, sizeof(url), host->is_ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", l->url.is_tls ? "tls" : "nats", host->name, host->port);
	s = natsOptions_SetURL(l->options, url);
	TRY(natsOptions_SetExpectedHostname(l->options, host->name));
	TRY(natsOptions_SetTimeout(l->options, limit_ns / NS_PER_MS));
	TRY(natsConnection_Connect(&l->connection, l->options));
	if (s != NATS_OK) {
		l->connection = NULL;
		return s;
	}
	note_ports(l, host);
	atomic_store_explicit(&l->is_up, true, memory_order_release);
	return s;
}

static void forget_connection(struct nats_link *l)
{
	natsConnection_Destroy(l->connection);
	l->connection = NULL;
	atomic_store_explicit(&l->is_up, false, memory_order_release);
}

static void say_lost(struct nats_link *l, const struct broker_host *host, natsStatus s)
{
	snprintf(l->lost, sizeof(l->lost), "the broker %s:%u %s: %s%s", host->name, host->port,
		 errno_of(s) == -EACCES ? "refuses us" : "cannot be reached", nats_words(s), advice(l, s));
}

int nats_link_connect(struct nats_link *l, int64_t limit_ns, struct buffer *error)
{
	int err = begin(l, error);

	if (err < 0)
		return err;
	forget_connection(l);
	err = -ECONNREFUSED;
	for (size_t i = 0; i < l->url.host_count; i++) {
		natsStatus s = connect_to(l, &l->url.host[i], limit_ns);

		if (s == NATS_OK) {
			l->max_payload = (uint64_t)natsConnection_GetMaxPayload(l->connection);
			l->retry_ns = RETRY_LEAST_NS;
			l->lost[0] = '\0';
			return 0;
		}
		err = errno_of(s);
		say_lost(l, &l->url.host[i], s);
		if (err == -EACCES)
			break;
	}
	buffer_add_str(error, l->lost);
	return err;
}

/** pause_ns() - until the next try: between half and one and a half of the pause, which doubles */
static int64_t pause_ns(struct nats_link *l)
{
	int64_t pause = l->retry_ns;

	l->seed = l->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	l->retry_ns = pause * 2 < RETRY_MOST_NS ? pause * 2 : RETRY_MOST_NS;
	return pause / 2 + (int64_t)(l->seed >> 33) % pause;
}

int nats_link_tend(struct nats_link *l, struct mono now)
{
	struct buffer unused = { 0 };
	int err;

	if (l->connection && !natsConnection_IsClosed(l->connection))
		return 0;
	if (l->connection) { /* it was lost: not before a pause, since a broker that stops closes connections first */
		const char *why = NULL;

		if (natsConnection_GetLastError(l->connection, &why) == NATS_OK || !why || !*why)
			why = why && *why ? why : "it closed the connection";
		snprintf(l->lost, sizeof(l->lost), "the connection to the broker is lost: %s", why);
		forget_connection(l);
		l->next_try = (struct mono){ now.ns + pause_ns(l) };
	}
	if (now.ns < l->next_try.ns)
		return 0;
	err = nats_link_connect(l, CONNECT_LIMIT_NS, &unused);
	buffer_deinit(&unused);
	if (err < 0)
		l->next_try = (struct mono){ now.ns + pause_ns(l) };
	return err == 0;
}

bool nats_link_is_up(const struct nats_link *l)
{
	return atomic_load_explicit(&((struct nats_link *)l)->is_up, memory_order_acquire);
}

natsConnection *nats_link_connection(struct nats_link *l)
{
	return l->connection;
}

uint64_t nats_link_max_payload(const struct nats_link *l)
{
	return l->max_payload;
}

bool nats_link_is_own(const struct nats_link *l, uint16_t client, uint16_t server)
{
	struct nats_link *of = (struct nats_link *)l;
	uint32_t ports = (uint32_t)client << 16 | server;

	return atomic_load_explicit(&of->ports[0], memory_order_relaxed) == ports ||
	       atomic_load_explicit(&of->ports[1], memory_order_relaxed) == ports;
}

bool nats_link_trouble(struct nats_link *l, struct buffer *out)
{
	pthread_mutex_lock(&l->lock);
	buffer_add_str(out, l->trouble);
	l->trouble[0] = '\0';
	pthread_mutex_unlock(&l->lock);
	return out->len > 0;
}

const char *nats_link_lost(const struct nats_link *l)
{
	return l->lost;
}

int nats_link_make_stream(struct nats_link *l, const struct stream_limits *limits, uint32_t *partitions, struct buffer *error)
{
	return l->connection ? stream_setup(l->connection, l->url.service, limits, partitions, error) : -ENOTCONN;
}

const char *nats_link_inbox(const struct nats_link *l)
{
	return l->inbox;
}

void nats_link_flush(struct nats_link *l, int64_t limit_ns)
{
	if (l->connection && limit_ns >= NS_PER_MS && nats_link_is_up(l))
		natsConnection_FlushTimeout(l->connection, limit_ns / NS_PER_MS);
}

void nats_link_close(struct nats_link *l, int64_t limit_ns)
{
	nats_link_flush(l, limit_ns);
	forget_connection(l);
}

void nats_link_free(struct nats_link *l)
{
	if (!l)
		return;
	forget_connection(l);
	forget(&l->ca);
	forget(&l->cert);
	forget(&l->key);
	credentials_deinit(&l->who);
	OPENSSL_cleanse(&l->url, sizeof(l->url));
	if (!l->options) {
		pthread_mutex_destroy(&l->lock);
		free(l);
		return;
	}
	natsOptions_Destroy(l->options);
	l->next_freed = atomic_load(&freed);
	while (!atomic_compare_exchange_weak(&freed, &l->next_freed, l))
		;
}

/*
 * At exit libnats frees a list of OpenSSL's that OpenSSL then frees again (3.4.1 with 3.0): so OpenSSL is told to leave
 * its memory to the system, which has to be the first that it hears.
 */
__attribute__((constructor)) static void leave_memory_at_exit(void)
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
