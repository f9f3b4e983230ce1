/*
 * nats_link.c - see nats_link.h
 *
 * Theory of operation: a lost connection is closed, with all that was written and not sent; another one is made, and what
 * was in the old one is for the owner to count. Hosts are tried one by one, each with its own name for the certificate.
 *
 * nats_link_new() reads all files, since later we may be another user, who sees none of them: the credentials, and for
 * TLS the authorities, with --cacert only its own, and our certificate. A broker of nats:// may ask for TLS as well, and
 * then the system's authorities are believed. For that they are read as text, which costs next to nothing, and taken apart
 * once a broker has asked.
 */
#include "relay/nats_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/hash.h"
#include "base/tls_trust.h"
#include "relay/credentials.h"
#include "relay/nats_client.h"
#include "relay/stream_setup.h"

#define RETRY_LEAST_NS (NS_PER_S / 4)
#define RETRY_MOST_NS (5 * NS_PER_S)
#define CONNECT_LIMIT_NS (2 * NS_PER_S) /* of one try while running, for each host */
#define TEXT_MAX 512

struct nats_link {
	struct broker_url url;
	struct credentials who;
	SSL_CTX *tls;
	struct buffer authorities; /* PEM, that @tls is to believe before it is used; empty: it is ready */
	bool insecure;
	char name[RELAY_NAME_MAX + 32];
	struct nats_client *client; /* NULL: down, and nothing is left of the last */
	uint64_t max_payload;
	struct mono next_try;
	int64_t retry_ns;
	uint64_t seed; /* of what is random in the pauses */
	char inbox[SUBJECT_MAX];
	char lost[TEXT_MAX], trouble[TEXT_MAX]; /* trouble: of connections that are closed */
	_Atomic bool is_up;
	_Atomic uint32_t ports[2]; /* client and server, of this connection and of the one before */
};

/* ---- what the options name ---- */

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
	int err = path ? read_file(path, &text) : 0;

	if (err < 0)
		buffer_printf(error, "cannot read the file \"%s\" of %s: %s", path, o->creds_file ? "--creds" : "--nkey", strerror(-err));
	else if (path && (err = (o->creds_file ? credentials_creds : credentials_nkey)(buffer_span(&text), &l->who)) < 0)
		buffer_printf(error,
			      o->creds_file ? "the file \"%s\" of --creds holds no user's token and seed between its lines of dashes; write it "
					      "with: nsc generate creds"
					    : "the file \"%s\" of --nkey holds no user's seed, which begins with SU; write one with: nk -gen user",
			      path);
	forget(&text);
	return err;
}

static int load_authorities(struct nats_link *l, const struct broker_options *o, struct buffer *error)
{
	if (o->insecure)
		return 0;
	if (o->ca_file || o->url->is_tls)
		return tls_trust_load(l->tls, o->ca_file, error);
	tls_trust_text(&l->authorities);
	return buffer_ok(&l->authorities) ? 0 : -ENOMEM;
}

static int load_tls(struct nats_link *l, const struct broker_options *o, struct buffer *error)
{
	int err;

	l->tls = SSL_CTX_new(TLS_client_method());
	if (!l->tls || SSL_CTX_set_min_proto_version(l->tls, TLS1_2_VERSION) != 1)
		return -ENOMEM;
	SSL_CTX_set_options(l->tls, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(l->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(l->tls, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	err = load_authorities(l, o, error);
	return err < 0 ? err : tls_identity_load(l->tls, o->cert_file, o->key_file, error);
}

int nats_link_new(const struct broker_options *options, struct nats_link **out, struct buffer *error)
{
	struct nats_link *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->url = *options->url;
	snprintf(l->inbox, sizeof(l->inbox), "%s", options->inbox ? options->inbox : "_INBOX");
	l->retry_ns = RETRY_LEAST_NS;
	l->seed = hash_key_random().k0;
	l->insecure = options->insecure;
	snprintf(l->name, sizeof(l->name), "%s", options->name ? options->name : "shadowtap");
	err = load_credentials(l, options, error);
	if (err == 0)
		err = load_tls(l, options, error);
	ERR_clear_error();
	if (err < 0)
		nats_link_free(l);
	else
		*out = l;
	return err;
}

/* ---- connecting ---- */

/** is_refusal() - what does not go away by itself */
static bool is_refusal(int err)
{
	return err == -EACCES || err == -EPROTO || err == -ENOTSUP || err == -EPROTOTYPE || err == -EKEYREJECTED;
}

/** advice() - what to do about it */
static const char *advice(const struct nats_link *l, int err)
{
	switch (err) {
	case -EACCES:
		return l->who.seed[0] ? "; the key is of no user that it knows" : "; give the user and password in the URL, or --creds or --nkey";
	case -EKEYREJECTED:
		return "; --cacert FILE names the authority of its certificate, --cert ours";
	case -ENOTSUP:
		return "; it has no TLS; write nats:// for a connection that anybody on the way can read";
	case -EPROTO:
		return "; is it a NATS server? One with TLS may want a certificate of ours, too: --cert FILE";
	default:
		return "";
	}
}

static void note_ports(struct nats_link *l)
{
	uint16_t own, server;

	nats_client_ports(l->client, &own, &server);
	atomic_store_explicit(&l->ports[1], atomic_load_explicit(&l->ports[0], memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&l->ports[0], (uint32_t)own << 16 | server, memory_order_relaxed);
}

static void forget_connection(struct nats_link *l)
{
	struct buffer words = { 0 };

	if (l->client && nats_client_trouble(l->client, &words))
		snprintf(l->trouble, sizeof(l->trouble), "%s", buffer_text(&words));
	buffer_deinit(&words);
	nats_client_close(l->client);
	l->client = NULL;
	atomic_store_explicit(&l->is_up, false, memory_order_release);
}

static int try(struct nats_link *l, const struct broker_host *host, int64_t limit_ns, struct buffer *why)
{
	struct nats_client_options options = {
		.host = host->name,
		.port = host->port,
		.tls = l->authorities.len > 0 ? NULL : l->tls,
		.wants_tls = l->url.is_tls,
		.insecure = l->insecure,
		.user = l->url.user,
		.password = l->url.password,
		.who = &l->who,
		.name = l->name,
	};

	buffer_clear(why);
	return nats_client_connect(&options, limit_ns, &l->client, why);
}

static int connect_to(struct nats_link *l, const struct broker_host *host, int64_t limit_ns)
{
	struct buffer why = { 0 };
	int err = try(l, host, limit_ns, &why);

	if (err == -EPROTOTYPE && l->authorities.len > 0) {
		tls_trust_add(l->tls, buffer_span(&l->authorities));
		buffer_deinit(&l->authorities);
		err = try(l, host, limit_ns, &why);
	}
	if (err == 0 && (err = nats_client_set_inbox(l->client, l->inbox)) < 0) {
		nats_client_close(l->client);
		l->client = NULL;
	}
	if (err < 0)
		snprintf(l->lost, sizeof(l->lost), "the broker %s:%u %s: %s%s", host->name, host->port,
			 is_refusal(err) ? "refuses us" : "cannot be reached", why.len > 0 ? buffer_text(&why) : strerror(-err), advice(l, err));
	buffer_deinit(&why);
	return err;
}

int nats_link_connect(struct nats_link *l, int64_t limit_ns, struct buffer *error)
{
	int err = -ECONNREFUSED;

	forget_connection(l);
	for (size_t i = 0; i < l->url.host_count; i++) {
		err = connect_to(l, &l->url.host[i], limit_ns);
		if (err == 0 || is_refusal(err))
			break;
	}
	if (err < 0) {
		buffer_add_str(error, l->lost);
		return is_refusal(err) ? -EACCES : err;
	}
	note_ports(l);
	l->max_payload = nats_client_max_payload(l->client);
	l->retry_ns = RETRY_LEAST_NS;
	l->lost[0] = '\0';
	atomic_store_explicit(&l->is_up, true, memory_order_release);
	return 0;
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

	if (l->client && nats_client_is_up(l->client))
		return 0;
	if (l->client) { /* it was lost: not before a pause, since a broker that stops closes connections first */
		snprintf(l->lost, sizeof(l->lost), "the connection to the broker is lost: %s", nats_client_lost(l->client));
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

struct nats_client *nats_link_client(struct nats_link *l)
{
	return l->client;
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
	bool is_new = l->client && nats_client_trouble(l->client, out);

	if (!is_new && l->trouble[0]) {
		buffer_add_str(out, l->trouble);
		is_new = true;
	}
	l->trouble[0] = '\0';
	return is_new;
}

const char *nats_link_lost(const struct nats_link *l)
{
	return l->lost;
}

int nats_link_make_stream(struct nats_link *l, const struct stream_limits *limits, uint32_t *partitions, struct buffer *error)
{
	return l->client ? stream_setup(l->client, l->url.service, limits, partitions, error) : -ENOTCONN;
}

const char *nats_link_inbox(const struct nats_link *l)
{
	return l->inbox;
}

void nats_link_flush(struct nats_link *l, int64_t limit_ns)
{
	if (l->client && limit_ns > 0)
		nats_client_flush(l->client, limit_ns);
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
	SSL_CTX_free(l->tls);
	buffer_deinit(&l->authorities);
	credentials_deinit(&l->who);
	OPENSSL_cleanse(&l->url, sizeof(l->url));
	free(l);
}
