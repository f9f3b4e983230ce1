/* trial.c - see trial.h */
#include "app/doctor/trial.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "app/options/exit_status.h"
#include "app/process/privileges.h"
#include "app/process/sandbox.h"

#define SAID_MAX   500
#define PATIENCE_S 10 /* a name server that does not answer is not waited for: the look-up is of a number */

/* What is still to be done is counted in @left; at 0 all handles are closed, and the loop ends. */
struct work {
	uv_loop_t loop;
	uv_timer_t timer;
	uv_signal_t signal;
	uv_async_t async;
	uv_tcp_t listener, client, served;
	uv_connect_t connect;
	uv_write_t write;
	uv_getaddrinfo_t lookup;
	uv_thread_t thread;
	char byte;
	unsigned left;
	int err;
};

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void done(struct work *w, int err)
{
	if (err < 0 && w->err == 0)
		w->err = err;
	if (--w->left == 0)
		uv_walk(&w->loop, close_handle, NULL);
}

static void on_timer(uv_timer_t *handle)
{
	done(handle->data, 0);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	(void)signum;
	uv_signal_stop(handle);
	done(handle->data, 0);
}

static void on_async(uv_async_t *handle)
{
	struct work *w = handle->data;

	done(w, uv_thread_join(&w->thread));
}

static void wake(void *arg)
{
	struct work *w = arg;

	uv_async_send(&w->async);
}

static void on_name(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	uv_freeaddrinfo(found);
	done(request->data, status);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct work *w = handle->data;

	(void)suggested;
	*out = uv_buf_init(&w->byte, 1);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	(void)bytes;
	if (n == 0)
		return;
	uv_read_stop(stream);
	done(stream->data, n < 0 ? (int)n : 0);
}

static void on_written(uv_write_t *request, int status)
{
	done(request->data, status);
}

static void on_connected(uv_connect_t *request, int status)
{
	struct work *w = request->data;
	static char byte[] = "x";
	uv_buf_t bytes = uv_buf_init(byte, 1);

	w->write.data = w;
	if (status == 0)
		status = uv_write(&w->write, (uv_stream_t *)&w->client, &bytes, 1, on_written);
	if (status < 0)
		done(w, status);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct work *w = listener->data;

	if (status == 0)
		status = uv_accept(listener, (uv_stream_t *)&w->served);
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&w->served, on_alloc, on_read);
	if (status < 0)
		done(w, status);
}

/* two things to be done: one byte written, and read */
static int begin_connection(struct work *w)
{
	struct sockaddr_storage at;
	struct sockaddr_in loopback;
	int len = sizeof(at), err;

	uv_tcp_init(&w->loop, &w->listener);
	uv_tcp_init(&w->loop, &w->client);
	uv_tcp_init(&w->loop, &w->served);
	w->listener.data = w->client.data = w->served.data = w->connect.data = w;
	uv_ip4_addr("127.0.0.1", 0, &loopback);
	w->left += 2;
	if ((err = uv_tcp_bind(&w->listener, (struct sockaddr *)&loopback, 0)) < 0 ||
	    (err = uv_listen((uv_stream_t *)&w->listener, 1, on_connection)) < 0 ||
	    (err = uv_tcp_getsockname(&w->listener, (struct sockaddr *)&at, &len)) < 0)
		return err;
	return uv_tcp_connect(&w->connect, &w->client, (struct sockaddr *)&at, on_connected);
}

static int begin(struct work *w)
{
	int err;

	w->timer.data = w->signal.data = w->async.data = w->lookup.data = w;
	w->left = 4;
	uv_timer_init(&w->loop, &w->timer);
	uv_timer_start(&w->timer, on_timer, 1, 0);
	if ((err = uv_signal_init(&w->loop, &w->signal)) < 0 || (err = uv_signal_start(&w->signal, on_signal, SIGUSR1)) < 0 ||
	    (err = uv_async_init(&w->loop, &w->async, on_async)) < 0 || (err = uv_thread_create(&w->thread, wake, w)) < 0 ||
	    (err = uv_getaddrinfo(&w->loop, &w->lookup, on_name, "127.0.0.1", "80", NULL)) < 0)
		return err;
	err = begin_connection(w);
	raise(SIGUSR1);
	return err;
}

/* in the child: as run.c sets a run up, in that order */
static int try_all(const char *user, struct buffer *error)
{
	struct work w = { .err = 0 };
	int err = sandbox_prepare(error);

	if (err == 0 && (err = uv_loop_init(&w.loop)) < 0)
		buffer_printf(error, "cannot set up the event loop: %s", uv_strerror(err));
	if (err < 0 || (err = privileges_drop(user, error)) < 0 || (err = sandbox_enter(error)) < 0)
		return err;
	err = begin(&w);
	if (err == 0) {
		uv_run(&w.loop, UV_RUN_DEFAULT);
		err = w.err;
	}
	if (err < 0)
		buffer_printf(error, "the event loop does not work in the sandbox: %s", uv_strerror(err));
	return err;
}

static void child(const char *user, int to_parent)
{
	struct buffer error = { 0 };
	int err;

	/* the sandbox's own line goes to standard error: here it is for the parent */
	if (dup2(to_parent, STDERR_FILENO) < 0)
		_exit(EXIT_COULD_NOT);
	signal(SIGALRM, SIG_DFL);
	alarm(PATIENCE_S);
	err = try_all(user, &error);
	if (err < 0 && write(STDERR_FILENO, buffer_text(&error), error.len) < 0)
		_exit(EXIT_COULD_NOT);
	_exit(err < 0 ? EXIT_COULD_NOT : EXIT_DONE);
}

/* What the child said: one clause, without the program's name in front. */
static void keep_sentence(const char *text, size_t len, struct buffer *said)
{
	static const char name[] = "shadowtap: ";

	if (len >= sizeof(name) - 1 && memcmp(text, name, sizeof(name) - 1) == 0) {
		text += sizeof(name) - 1;
		len -= sizeof(name) - 1;
	}
	/* what to do about it is the diagnosis's part */
	for (size_t i = 0; i < len; i++)
		if (text[i] == ';' || text[i] == '\n')
			len = i;
	buffer_add(said, text, len);
}

static bool hear(pid_t pid, int from_child, struct buffer *said)
{
	char text[SAID_MAX];
	size_t len = 0;
	ssize_t n;
	int status;

	while ((n = read(from_child, text + len, sizeof(text) - len)) > 0 || (n < 0 && errno == EINTR))
		len += n > 0 ? (size_t)n : 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return true; /* its status was taken elsewhere; that says nothing about the sandbox */
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE)
		return true;
	keep_sentence(text, len, said);
	if (said->len == 0)
		buffer_printf(said, "the event loop does not work in the sandbox: it was ended by signal %d",
			      WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return false;
}

bool trial_run(const char *user, struct buffer *said)
{
	int ends[2];
	pid_t pid;
	bool well;

	if (pipe(ends) < 0)
		goto cannot;
	pid = fork();
	if (pid == 0)
		child(user, ends[1]);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		goto cannot;
	}
	well = hear(pid, ends[0], said);
	close(ends[0]);
	return well;
cannot:
	buffer_printf(said, "cannot try the sandbox: %s", strerror(errno));
	return false;
}
