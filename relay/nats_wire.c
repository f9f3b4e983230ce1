/*
 * nats_wire.c - see nats_wire.h
 *
 * Theory of operation: TLS's records are read ahead, many with one call of the
 * system; so poll() may wait for bytes that lie in OpenSSL's memory. has_more says
 * that they may: it is true until OpenSSL says that it needs the socket. Without
 * TLS, a read that got less than it asked for has emptied the socket, and asking
 * once more would be a call for nothing.
 *
 * A server that closes without TLS's goodbye is no cause for alarm: a message says
 * how long it is, and one that was cut off is dropped.
 */
#include "relay/nats_wire.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/socket.h"
#include "base/tls_peer.h"
#include "base/tls_trust.h"

#define READ_AHEAD 65536
#define RECORD_MAX SSL3_RT_MAX_PLAIN_LENGTH

/* ---- waiting ---- */

/** left_until() - for ppoll() */
static struct timespec left_until(struct mono deadline)
{
	int64_t ns = deadline.ns - mono_now().ns;

	if (ns < 0)
		ns = 0;
	return (struct timespec){ ns / NS_PER_S, ns % NS_PER_S };
}

unsigned nats_wire_poll(const struct nats_wire *w, bool writes, int wake_fd, struct mono deadline)
{
	struct pollfd of[2] = { { .fd = w->socket.fd, .events = POLLIN | (writes || w->wants_write ? POLLOUT : 0) },
				{ .fd = wake_fd, .events = POLLIN } };
	struct timespec left = left_until(deadline);

	if (ppoll(of, wake_fd >= 0 ? 2 : 1, &left, NULL) <= 0)
		return 0;
	return (of[0].revents ? NATS_WIRE_READY : 0) | (of[1].revents ? NATS_WIRE_WAKE : 0);
}

/** poll_only() - for one direction; 0 or -ETIMEDOUT */
static int poll_only(const struct nats_wire *w, short events, struct mono deadline)
{
	struct pollfd of = { .fd = w->socket.fd, .events = events };
	struct timespec left = left_until(deadline);
	int n;

	do
		n = ppoll(&of, 1, &left, NULL);
	while (n < 0 && errno == EINTR);
	return n > 0 ? 0 : -ETIMEDOUT;
}

int nats_wire_open(struct nats_wire *w, const struct sockaddr_storage *address, struct mono deadline)
{
	int err;

	*w = NATS_WIRE_NONE;
	w->socket.fd = socket_connect(address);
	if (w->socket.fd < 0)
		return w->socket.fd;
	err = poll_only(w, POLLOUT, deadline);
	if (err == 0)
		err = -socket_error(w->socket.fd);
	if (err < 0)
		nats_wire_close(w);
	return err;
}

/* ---- TLS ---- */

/** begin_call() - nothing that an earlier call met is to be taken for this one's */
static void begin_call(struct nats_wire *w)
{
	ERR_clear_error();
	w->socket.error = 0;
	w->wants_write = false;
}

/** result() - what OpenSSL returned, @n <= 0: 0 (closed) or a negative errno */
static int result(struct nats_wire *w, int n)
{
	switch (SSL_get_error(w->tls, n)) {
	case SSL_ERROR_WANT_READ:
		return w->socket.is_eof ? 0 : -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		w->wants_write = true;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return w->socket.error != 0 ? -w->socket.error : -EPROTO;
	}
}

/** prepare() - what of TLS is this connection's own */
static int prepare(struct nats_wire *w, SSL_CTX *context, const char *host, bool insecure)
{
	struct tls_peer peer;
	BIO *bio;
	int err;

	if (!tls_peer_set(&peer, host))
		return -EINVAL;
	w->tls = SSL_new(context);
	bio = socket_bio_new(&w->socket);
	if (!w->tls || !bio) {
		BIO_free(bio);
		return -ENOMEM;
	}
	SSL_set_bio(w->tls, bio, bio);
	SSL_set_mode(w->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_options(w->tls, SSL_OP_NO_RENEGOTIATION);
	SSL_set_read_ahead(w->tls, 1);
	SSL_set_default_read_buffer_len(w->tls, READ_AHEAD);
	SSL_set_verify(w->tls, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_set_connect_state(w->tls);
	err = insecure ? 0 : tls_peer_expect(&peer, SSL_get0_param(w->tls));
	if (err == 0 && peer.is_name && SSL_set_tlsext_host_name(w->tls, peer.host) != 1)
		err = -ENOMEM;
	return err;
}

/** say_why() - a handshake failed, with @err */
static int say_why(struct nats_wire *w, int err, struct buffer *why)
{
	long verified = SSL_get_verify_result(w->tls);

	if (err == -EPROTO && verified != X509_V_OK && SSL_get_verify_mode(w->tls) != SSL_VERIFY_NONE) {
		buffer_add_str(why, X509_verify_cert_error_string(verified));
		return -EKEYREJECTED;
	}
	if (err == 0) {
		buffer_add_str(why, "it closed the connection in the TLS handshake");
		return -EPROTO;
	}
	buffer_printf(why, "TLS failed: %s", err == -EPROTO ? tls_reason() : strerror(-err));
	return err;
}

int nats_wire_secure(struct nats_wire *w, struct ssl_ctx_st *context, const char *host, bool insecure, struct mono deadline,
		     struct buffer *why)
{
	int err = prepare(w, context, host, insecure), n;

	if (err < 0) {
		buffer_add_str(why, strerror(-err));
		return err;
	}
	do {
		begin_call(w);
		n = SSL_do_handshake(w->tls);
		if (n == 1)
			return 0;
		err = result(w, n);
		if (err == -EAGAIN && poll_only(w, w->wants_write ? POLLOUT : POLLIN, deadline) < 0)
			err = -ETIMEDOUT;
	} while (err == -EAGAIN);
	err = say_why(w, err, why);
	ERR_clear_error();
	return err;
}

/** read_records() - as many as fit and are there */
static ssize_t read_records(struct nats_wire *w, uint8_t *out, size_t size)
{
	size_t got = 0, n;
	int r;

	begin_call(w);
	w->has_more = true;
	while (got < size) {
		if (SSL_read_ex(w->tls, out + got, size - got, &n) != 1) {
			r = result(w, 0);
			if (r == -EAGAIN)
				w->has_more = false;
			return got > 0 ? (ssize_t)got : r; /* the next read meets what this one met */
		}
		got += n;
	}
	return (ssize_t)got;
}

/* ---- bytes ---- */

ssize_t nats_wire_read(struct nats_wire *w, void *out, size_t size)
{
	ssize_t n;

	if (w->tls)
		return read_records(w, out, size);
	do
		n = recv(w->socket.fd, out, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->has_more = n == (ssize_t)size;
	return n < 0 ? -errno : n;
}

static ssize_t write_record(struct nats_wire *w, const void *bytes, size_t len)
{
	size_t n;
	int r;

	begin_call(w);
	if (SSL_write_ex(w->tls, bytes, len < RECORD_MAX ? len : RECORD_MAX, &n) == 1)
		return (ssize_t)n;
	r = result(w, 0);
	return r == 0 ? -EPIPE : r;
}

ssize_t nats_wire_write(struct nats_wire *w, const void *bytes, size_t len)
{
	ssize_t n;

	if (w->tls)
		return write_record(w, bytes, len);
	do
		n = send(w->socket.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void nats_wire_close(struct nats_wire *w)
{
	if (w->tls && SSL_is_init_finished(w->tls))
		SSL_shutdown(w->tls); /* goodbye, if it can be said at once */
	SSL_free(w->tls);
	ERR_clear_error();
	if (w->socket.fd >= 0)
		close(w->socket.fd);
	*w = NATS_WIRE_NONE;
}
