/* nats_script.c - see nats_script.h */
#include "tests/rig/nats_script.h"
#include "tests/rig/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"

struct nats_script {
	const struct script_step *steps;
	SSL_CTX *tls;
	int listener, stop[2];
	uint16_t port;
	pthread_t thread;

	int fd; /* of the connection that is served */
	SSL *ssl;
	struct buffer heard;
	size_t read_upto; /* what earlier steps have waited for */
};

/** is_stopped_before() - wait for @fd (-1: for nothing); true: the script was stopped, and there is nothing at @fd */
static bool is_stopped_before(struct nats_script *s, int fd)
{
	struct pollfd of[2] = { { .fd = s->stop[0], .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	poll(of, 2, -1);
	return of[0].revents != 0 && of[1].revents == 0;
}

/** hear() - the next bytes; false: there will be no more */
static bool hear(struct nats_script *s)
{
	ssize_t n;

	if (!buffer_reserve(&s->heard, 65537))
		return false;
	if (!(s->ssl && SSL_pending(s->ssl) > 0) && is_stopped_before(s, s->fd))
		return false;
	n = s->ssl ? SSL_read(s->ssl, s->heard.bytes + s->heard.len, 65536) : recv(s->fd, s->heard.bytes + s->heard.len, 65536, 0);
	if (n <= 0)
		return false;
	s->heard.len += (size_t)n;
	return true;
}

static bool hear_until(struct nats_script *s, const char *text)
{
	for (;;) {
		const char *all = buffer_text(&s->heard);
		const char *at = memmem(all + s->read_upto, s->heard.len - s->read_upto, text, strlen(text));

		if (at) {
			s->read_upto = (size_t)(at - all) + strlen(text);
			return true;
		}
		if (!hear(s))
			return false;
	}
}

/** reply_of() - the word behind the last " ask " but @skipped ones */
static struct span reply_of(struct nats_script *s, int skipped)
{
	const char *text = buffer_text(&s->heard), *found = "", *end;

	for (; skipped >= 0; skipped--) {
		const char *last = "";

		for (const char *at = strstr(text, " ask "); at && (!*found || at < found); at = strstr(at + 1, " ask "))
			last = at;
		found = last;
	}
	assert_true(*found);
	found += strlen(" ask ");
	end = strchr(found, ' ');
	return span_of(found, (size_t)(end - found));
}

static bool say(struct nats_script *s, const char *words)
{
	struct buffer whole = { 0 };
	const char *text;
	size_t len;

	for (const char *at = words; *at; at++)
		if (*at == '@' || *at == '#')
			buffer_add_span(&whole, reply_of(s, *at == '#'));
		else
			buffer_add(&whole, at, 1);
	text = buffer_text(&whole);
	len = whole.len;

	while (len > 0) {
		ssize_t n = s->ssl ? SSL_write(s->ssl, text, (int)len) : send(s->fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	buffer_deinit(&whole);
	return len == 0;
}

static bool secure(struct nats_script *s)
{
	s->ssl = SSL_new(s->tls);
	SSL_set_fd(s->ssl, s->fd);
	return SSL_accept(s->ssl) == 1;
}

/** do_step() - false: that was the last */
static bool do_step(struct nats_script *s, const struct script_step *step)
{
	struct linger at_once = { 1, 0 };

	switch (step->op) {
	case SCRIPT_CLOSE:
		return false;
	case SCRIPT_SEND:
		return say(s, step->text);
	case SCRIPT_READ:
		return hear_until(s, step->text);
	case SCRIPT_TLS:
		return secure(s);
	case SCRIPT_HOLD:
		while (hear(s))
			;
		return false;
	case SCRIPT_DEAF:
		is_stopped_before(s, -1);
		return false;
	case SCRIPT_RESET:
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		return false;
	}
	return false;
}

static void *serve(void *of)
{
	struct nats_script *s = of;

	while (!is_stopped_before(s, s->listener)) {
		const struct script_step *step = s->steps;

		s->fd = accept(s->listener, NULL, NULL);
		buffer_clear(&s->heard);
		s->read_upto = 0;
		while (do_step(s, step))
			step++;
		SSL_free(s->ssl);
		s->ssl = NULL;
		close(s->fd);
	}
	return NULL;
}

struct nats_script *nats_script_start(const struct script_step *steps, SSL_CTX *tls)
{
	struct nats_script *s = calloc(1, sizeof(*s));
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(here);

	assert_non_null(s);
	s->steps = steps;
	s->tls = tls;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&here, len), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&here, &len), 0);
	s->port = ntohs(here.sin_port);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return s;
}

uint16_t nats_script_port(const struct nats_script *s)
{
	return s->port;
}

char *nats_script_stop(struct nats_script *s)
{
	char *heard;

	assert_int_equal(write(s->stop[1], "", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->listener);
	close(s->stop[0]);
	close(s->stop[1]);
	buffer_text(&s->heard);
	heard = (char *)s->heard.bytes;
	free(s);
	return heard;
}
