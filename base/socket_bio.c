/* socket_bio.c - see socket_bio.h; EOF told to OpenSSL would make it answer with an alert and spoil the session */
#include "base/socket_bio.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>

static BIO_METHOD *method; /* one for the process, made once and never freed */

/** after_call() - what one system call says to OpenSSL */
static int after_call(BIO *bio, ssize_t n, int retry)
{
	struct socket_bio *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n > 0)
		return (int)n;
	if (n == 0)
		s->is_eof = true;
	if (n == 0 || errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_flags(bio, BIO_FLAGS_SHOULD_RETRY | retry);
	else
		s->error = errno;
	return -1;
}

static int bio_read(BIO *bio, char *out, int size)
{
	struct socket_bio *s = BIO_get_data(bio);
	ssize_t n;

	do
		n = recv(s->fd, out, (size_t)size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return after_call(bio, n, BIO_FLAGS_READ);
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
	struct socket_bio *s = BIO_get_data(bio);
	ssize_t n;

	do
		n = send(s->fd, bytes, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return after_call(bio, n, BIO_FLAGS_WRITE);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH; /* nothing is held back, so that is always done */
}

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shadowtap socket");
	if (!method)
		return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
}

BIO *socket_bio_new(struct socket_bio *s)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *bio;

	pthread_once(&once, make_method);
	bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	return bio;
}
