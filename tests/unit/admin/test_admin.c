/*
 * test_admin.c - --admin on a real loop and a real socket: who is served, who makes room, who is refused, and the end
 *
 * The peers are blocking sockets of this thread, and the loop is run between
 * their calls: after a peer has written, until what is waited for has come. No
 * test waits for a time, only for events; the turns of a tick run out and come
 * again on the way.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/admin/admin.h"

#define SERVED     16
#define LONG_BYTES (8 << 20) /* more than a socket's buffer takes */

static uv_loop_t loop;
static struct admin *admin;
static struct admin_address address;
static size_t stats_bytes; /* of what /stats says */

static void add_metrics(void *ctx, struct buffer *out)
{
	buffer_add_str(out, ctx);
}

static void add_stats(void *ctx, struct buffer *out)
{
	(void)ctx;
	for (size_t i = 0; i < stats_bytes / 16; i++)
		buffer_add_str(out, "0123456789abcde\n");
}

static bool healthy(void *ctx, struct buffer *out)
{
	(void)ctx;
	buffer_add_str(out, "well\n");
	return true;
}

static const struct admin_routes routes = {
	.metrics = add_metrics, .stats = add_stats, .healthy = healthy, .ctx = (void *)"the metrics\n",
};

/* ---- one peer ---- */

static int peer_new(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(at.sun_path, address.path, sizeof(at.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void ask(int fd, const char *bytes)
{
	assert_int_equal(send(fd, bytes, strlen(bytes), 0), (ssize_t)strlen(bytes));
}

/* Runs the loop until @fd has something to read, or its end. */
static void run_until_readable(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	while (poll(&ready, 1, 0) == 0)
		uv_run(&loop, UV_RUN_ONCE);
}

/* Appends what @fd says, until @out holds @end; NULL: until it hangs up. */
static void hear(int fd, const char *end, struct buffer *out)
{
	char piece[65536];
	ssize_t n;

	while (!end || !strstr(buffer_text(out), end)) {
		run_until_readable(fd);
		n = recv(fd, piece, sizeof(piece), 0);
		if (n <= 0 && end)
			fail_msg("hung up after \"%s\"", buffer_text(out));
		if (n <= 0)
			return;
		buffer_add(out, piece, (size_t)n);
	}
}

static void expect_answer(int fd, const char *begin, const char *end)
{
	struct buffer got = { 0 };

	hear(fd, end, &got);
	if (strncmp(buffer_text(&got), begin, strlen(begin)) != 0)
		fail_msg("\"%s\" begins \"%s\"", begin, buffer_text(&got));
	buffer_deinit(&got);
}

static void expect_hangup(int fd)
{
	char byte;

	run_until_readable(fd);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* ---- the listener ---- */

static int set_up(void **state)
{
	char folder[] = "/tmp/test_admin.XXXXXX";
	struct buffer error = { 0 };

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	address = (struct admin_address){ 0 };
	snprintf(address.path, sizeof(address.path), "%s/socket", folder);
	uv_loop_init(&loop);
	stats_bytes = LONG_BYTES;
	return admin_open(&address, &admin, &error) == 0 ? admin_start(admin, &loop, &routes) : -1;
}

/* admin_close() leaves nothing in the loop: it ends, and can be closed. */
static int tear_down(void **state)
{
	char folder[sizeof(address.path)];
	int err;

	(void)state;
	admin_close(admin);
	uv_run(&loop, UV_RUN_DEFAULT);
	err = uv_loop_close(&loop);
	admin_free(admin);
	memcpy(folder, address.path, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	return unlink(address.path) < 0 || rmdir(folder) < 0 ? -1 : err;
}

#define HOST "Host: a\r\n"
#define GET(path)   "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define CLOSE(path) "GET " path " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

static void test_one_request(void **state)
{
	int fd = peer_new();

	(void)state;
	ask(fd, CLOSE("/metrics"));
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", "\r\n\r\nthe metrics\n");
	expect_hangup(fd);
	assert_int_equal(admin_responses(admin), 1);
	assert_int_equal(admin_refused(admin), 0);
	close(fd);
}

/* In pieces too; and more of them than there are turns in a tick, so that the connection is paused and goes on. */
static void test_requests_in_turn(void **state)
{
	int fd = peer_new();

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		ask(fd, "GET /hea");
		uv_run(&loop, UV_RUN_NOWAIT);
		ask(fd, "lthz HTTP/1.1\r\n" HOST "\r\n");
		expect_answer(fd, "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	}
	assert_int_equal(admin_responses(admin), 50);
	close(fd);
}

static void test_not_http(void **state)
{
	int fd = peer_new();

	(void)state;
	ask(fd, "\x16\x03\x01 hello\r\n\r\n");
	expect_answer(fd, "HTTP/1.1 400 ", NULL);
	close(fd);
}

/* A long response leaves in pieces, as its reader takes them. */
static void test_long_response(void **state)
{
	struct buffer got = { 0 };
	int fd = peer_new();
	const char *body;

	(void)state;
	ask(fd, CLOSE("/stats"));
	hear(fd, NULL, &got);
	body = strstr(buffer_text(&got), "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(strlen(body + 4), LONG_BYTES);
	assert_int_equal(admin_responses(admin), 1);
	buffer_deinit(&got);
	close(fd);
}

/* Those that connect and say nothing cannot keep another out: the oldest of them makes room. */
static void test_silent_peers_make_room(void **state)
{
	int silent[SERVED], fd;

	(void)state;
	for (size_t i = 0; i < SERVED; i++) {
		silent[i] = peer_new();
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	fd = peer_new();
	ask(fd, CLOSE("/healthz"));
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	expect_hangup(silent[0]);
	ask(silent[1], CLOSE("/healthz"));
	expect_answer(silent[1], "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	assert_int_equal(admin_refused(admin), 0);
	for (size_t i = 0; i < SERVED; i++)
		close(silent[i]);
	close(fd);
}

/* An idle connection that was answered goes before an older one that has not asked yet. */
static void test_idle_peers_make_room_first(void **state)
{
	int peers[SERVED], fd;

	(void)state;
	for (size_t i = 0; i < SERVED; i++) {
		peers[i] = peer_new();
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	ask(peers[7], GET("/healthz"));
	expect_answer(peers[7], "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	fd = peer_new();
	ask(fd, CLOSE("/healthz"));
	expect_answer(fd, "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	expect_hangup(peers[7]);
	ask(peers[0], CLOSE("/healthz"));
	expect_answer(peers[0], "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	for (size_t i = 0; i < SERVED; i++)
		close(peers[i]);
	close(fd);
}

/* All are being answered, and their readers take nothing: one more is told 503. */
static void test_too_many(void **state)
{
	int peers[SERVED], fd;

	(void)state;
	for (size_t i = 0; i < SERVED; i++) {
		peers[i] = peer_new();
		ask(peers[i], GET("/stats"));
		run_until_readable(peers[i]);
	}
	fd = peer_new();
	ask(fd, GET("/healthz"));
	expect_answer(fd, "HTTP/1.1 503 ", "too many connections; try again\n");
	expect_hangup(fd);
	assert_int_equal(admin_refused(admin), 1);
	assert_int_equal(admin_responses(admin), 1);
	for (size_t i = 0; i < SERVED; i++)
		close(peers[i]);
	close(fd);
}

/* The shutdown in the middle of everything; tear_down() sees that nothing stays. */
static void test_shutdown(void **state)
{
	int answering = peer_new(), asking = peer_new(), idle = peer_new();

	(void)state;
	ask(answering, GET("/stats"));
	run_until_readable(answering);
	ask(idle, GET("/healthz"));
	expect_answer(idle, "HTTP/1.1 200 OK\r\n", "\r\n\r\nwell\n");
	ask(asking, "GET /hea");
	uv_run(&loop, UV_RUN_NOWAIT);
	admin_close(admin);
	uv_run(&loop, UV_RUN_DEFAULT);
	expect_hangup(idle);
	assert_int_equal(uv_loop_alive(&loop), 0);
	close(answering);
	close(asking);
	close(idle);
}

/* ---- without a loop ---- */

static void test_socket_file(void **state)
{
	struct buffer error = { 0 };
	struct admin *second;
	struct stat st;
	FILE *f;

	(void)state;
	assert_int_equal(stat(address.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(admin_open(&address, &second, &error), -EADDRINUSE); /* it is listened on */
	assert_non_null(strstr(buffer_text(&error), address.path));
	assert_non_null(strstr(buffer_text(&error), "another program listens there"));
	admin_close(admin);
	uv_run(&loop, UV_RUN_DEFAULT);
	admin_free(admin);
	assert_int_equal(stat(address.path, &st), 0);
	assert_int_equal(admin_open(&address, &admin, &error), 0); /* it was left behind */
	admin_free(admin);
	admin = NULL;
	assert_int_equal(unlink(address.path), 0);
	f = fopen(address.path, "w"); /* no socket: it stays */
	assert_non_null(f);
	fclose(f);
	assert_int_equal(admin_open(&address, &admin, &error), -EADDRINUSE);
	assert_int_equal(stat(address.path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	buffer_deinit(&error);
}

/* A port of this machine that is free, most likely. */
static uint16_t free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	close(fd);
	return ntohs(at.sin_port);
}

static struct endpoint v4(const char *text, uint16_t port)
{
	char whole[64];
	struct admin_address a;

	snprintf(whole, sizeof(whole), "%s:%u", text, port);
	assert_null(admin_address_parse(whole, &a));
	return a.at;
}

static void expect_own(const char *listens, const char *server, int port_off, bool own)
{
	uint16_t port = free_port();
	struct admin_address at = { .at = v4(listens, port) };
	struct endpoint to = v4(server, (uint16_t)(port + port_off));
	struct buffer error = { 0 };
	struct admin *a;

	if (admin_open(&at, &a, &error) < 0)
		fail_msg("%s", buffer_text(&error));
	if (admin_is_own(a, &to) != own)
		fail_msg("listens on %s, asked for %s", listens, server);
	admin_free(a);
}

static void test_own_address(void **state)
{
	struct endpoint any = { 0 };

	(void)state;
	expect_own("127.0.0.1", "127.0.0.1", 0, true);
	expect_own("127.0.0.1", "127.0.0.1", -1, false);
	expect_own("127.0.0.1", "127.0.0.2", 0, false);
	expect_own("0.0.0.0", "127.0.0.1", 0, true);
	expect_own("0.0.0.0", "127.0.0.2", 0, true);
	expect_own("0.0.0.0", "127.0.0.1", -1, false);
	expect_own("0.0.0.0", "192.0.2.1", 0, false);
	assert_false(admin_is_own(admin, &any)); /* a Unix socket is on no wire */
	admin_close(NULL);
	admin_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_request),
		TEST(test_requests_in_turn),
		TEST(test_not_http),
		TEST(test_long_response),
		TEST(test_silent_peers_make_room),
		TEST(test_idle_peers_make_room_first),
		TEST(test_too_many),
		TEST(test_shutdown),
		TEST(test_socket_file),
		TEST(test_own_address),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
