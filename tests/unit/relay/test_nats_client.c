/*
 * test_nats_client.c - a connection to a server that does what a script says: it takes us, or refuses; messages both ways;
 * and all the ways in which it ends
 *
 * Time is the system's and what the test adds to it, so nothing here waits for seconds.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/tls_trust.h"
#include "relay/nats_client.h"
#include "tests/rig/fault_certs.h"
#include "tests/rig/nats_script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LONG (20 * NS_PER_S)
#define NOTHING span_of(NULL, 0)

static int64_t skipped_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = __real_clock_gettime(clock, out);

	out->tv_sec += skipped_ns / NS_PER_S;
	return r;
}

/* clang-format off */
#define SAYS(text)  { SCRIPT_SEND, text }
#define HEARS(text) { SCRIPT_READ, text }
#define INFO        SAYS("INFO {\"max_payload\":1000,\"headers\":true}\r\n")
#define TAKES_US    INFO, HEARS("PING\r\n"), SAYS("PONG\r\n")
#define SUBSCRIBES  HEARS("SUB a 1\r\n")
#define HOLDS       { SCRIPT_HOLD, NULL }
#define CLOSES      { SCRIPT_CLOSE, NULL }
/* clang-format on */

/* ---- connecting ---- */

static int try_to_connect(struct nats_client_options *o, int64_t limit_ns, struct nats_client **out, char *why, size_t size)
{
	struct buffer words = { 0 };
	int err = nats_client_connect(o, limit_ns, out, &words);

	snprintf(why, size, "%s", buffer_text(&words));
	buffer_deinit(&words);
	return err;
}

static struct nats_client_options options_for(const struct nats_script *s)
{
	return (struct nats_client_options){ .host = "127.0.0.1", .port = nats_script_port(s), .user = "", .password = "", .name = "test" };
}

static const struct {
	struct script_step steps[8];
	int err;
	const char *why;
	int64_t limit_ms;
	bool wants_tls;
} refusals[] = {
	{ { INFO, HEARS("PING\r\n"), SAYS("-ERR 'Authorization Violation'\r\n") }, -EACCES, "Authorization Violation" },
	{ { INFO, HEARS("PING\r\n"), SAYS("-ERR 'User Authentication Expired'\r\n") }, -EACCES, "User Authentication Expired" },
	{ { INFO, HEARS("PING\r\n"), SAYS("-ERR 'Secure Connection - TLS Required'\r\n") }, -EPROTOTYPE, "Secure Connection - TLS Required" },
	{ { SAYS("-ERR 'maximum connections exceeded'\r\n") }, -EBUSY, "maximum connections exceeded" },
	{ { INFO, HEARS("PING\r\n"), SAYS("-ERR 'Parser Error'\r\n") }, -EPROTO, "Parser Error" },
	{ { { SCRIPT_CLOSE, NULL } }, -EPROTO, "it closed the connection" },
	{ { INFO, HEARS("PING\r\n") }, -EPROTO, "it closed the connection" },
	{ { INFO, HEARS("PING\r\n"), { SCRIPT_RESET, NULL } }, -ECONNRESET, "Connection reset by peer" },
	{ { SAYS("HTTP/1.1 400 Bad Request\r\n\r\n") }, -EPROTO, "what it says first is not INFO of NATS" },
	{ { SAYS("INFO {]\r\n") }, -EPROTO, "what it says in INFO is not JSON" },
	{ { SAYS("INFO {}\r\nPING\r\n") }, -EPROTO, "what it says first is not INFO of NATS" },
	{ { INFO, HEARS("PING\r\n"), SAYS("MSG a 1 0\r\n\r\n") }, -EPROTO, "it sends messages before we asked for any" },
	{ { INFO, HEARS("PING\r\n"), SAYS("MSG a 1 1\r\n") }, -EPROTO, "it sent a message that is longer than" },
	{ { INFO, HEARS("PING\r\n"), SAYS("what\r\n") }, -EPROTO, "it sent a line that is none of NATS" },
	{ { HOLDS }, -ETIMEDOUT, "it does not answer", 50 },
	{ { SAYS("INFO {"), HOLDS }, -ETIMEDOUT, "it does not answer", 50 },
	{ { INFO, HOLDS }, -ETIMEDOUT, "it does not answer", 50 },
	{ { SAYS("INFO {\"tls_required\":true}\r\n"), HOLDS }, -EPROTOTYPE, "it wants TLS" },
	{ { INFO, HOLDS }, -ENOTSUP, "it does not offer TLS", .wants_tls = true },
};

static void test_refusals(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		struct nats_script *s = nats_script_start(refusals[i].steps, NULL);
		struct nats_client_options o = options_for(s);
		struct nats_client *c = NULL;
		char why[256];
		int err;

		o.wants_tls = refusals[i].wants_tls;
		err = try_to_connect(&o, refusals[i].limit_ms ? refusals[i].limit_ms * NS_PER_MS : LONG, &c, why, sizeof(why));
		if (err != refusals[i].err || !strstr(why, refusals[i].why))
			fail_msg("row %zu: %d \"%s\"", i, err, why);
		assert_null(c);
		free(nats_script_stop(s));
	}
}

static void test_nobody_there(void **state)
{
	struct nats_client_options o = { .host = "127.0.0.1", .user = "", .password = "", .name = "" };
	struct nats_client *c = NULL;
	char why[256];
	struct nats_script *s = nats_script_start((const struct script_step[]){ CLOSES }, NULL);

	o.port = nats_script_port(s);
	free(nats_script_stop(s)); /* and now nobody listens there */
	assert_int_equal(try_to_connect(&o, LONG, &c, why, sizeof(why)), -ECONNREFUSED);
	assert_string_equal(why, "Connection refused");
}

/* ---- a connection ---- */

struct talk {
	struct nats_script *script;
	struct nats_client *client;
};

static struct talk talk_with(const struct script_step *steps)
{
	struct talk t = { .script = nats_script_start(steps, NULL) };
	struct nats_client_options o = options_for(t.script);
	char why[256] = "";

	if (try_to_connect(&o, LONG, &t.client, why, sizeof(why)) != 0)
		fail_msg("cannot connect: %s", why);
	return t;
}

/** listen_to() - the same, and subscribed to "a" */
static struct talk listen_to(const struct script_step *steps)
{
	struct talk t = talk_with(steps);

	assert_int_equal(nats_client_subscribe(t.client, "a"), 1);
	return t;
}

/** end_talk() - what the server heard behind CONNECT and its PING, given */
static char *end_talk(struct talk *t)
{
	char *heard, *at;

	nats_client_close(t->client);
	heard = nats_script_stop(t->script);
	at = strstr(heard, "PING\r\n");
	assert_non_null(at);
	memmove(heard, at + 6, strlen(at + 6) + 1);
	return heard;
}

/** next_message() - waits for it */
static struct nats_message *next_message(struct nats_client *c)
{
	struct nats_message *m;

	while (!(m = nats_client_take(c)))
		if (nats_client_wait(c, -1, LONG) != 1)
			fail_msg("no message: %s", nats_client_lost(c));
	return m;
}

static void assert_next(struct nats_client *c, const char *subject, const char *data)
{
	struct nats_message *m = next_message(c);

	assert_string_equal((const char *)m->subject.at, subject);
	assert_string_equal((const char *)m->data.at, data);
	assert_null(m->next);
	nats_message_free(m);
}

/** await_loss() - the connection is lost, for a reason that begins with @why */
static void await_loss(struct nats_client *c, const char *why)
{
	int r;

	while ((r = nats_client_wait(c, -1, LONG)) == 1)
		nats_message_free(nats_client_take(c));
	assert_int_equal(r, -ENOTCONN);
	assert_false(nats_client_is_up(c));
	if (strncmp(nats_client_lost(c), why, strlen(why)) != 0)
		fail_msg("lost: %s", nats_client_lost(c));
	assert_null(nats_client_take(c));
	assert_int_equal(nats_client_publish(c, "a", NULL, NOTHING, NOTHING), -ENOTCONN);
	assert_int_equal(nats_client_send(c, 0), -ENOTCONN);
	assert_int_equal(nats_client_flush(c, LONG), -ENOTCONN);
	assert_int_equal(nats_client_subscribe(c, "a"), 0);
}

/* Servers of a cluster say more than PONG, and in pieces. */
static void test_slow_hello(void **state)
{
	static const struct script_step steps[] = { SAYS("INFO {\"max_payload\""), SAYS(":1000}\r\n"), HEARS("PING\r\n"),
						    SAYS("+OK\r\nPING\r\nPO"), SAYS("NG\r\nINFO {\"max_payload\":5}\r"), SAYS("\n"), SUBSCRIBES,
						    SAYS("MSG a 1 2\r\nhi\r\n"), HOLDS };
	struct talk t = listen_to(steps);
	uint16_t own, server;

	nats_client_ports(t.client, &own, &server);
	assert_int_equal(server, nats_script_port(t.script));
	assert_true(own != 0 && own != server);
	assert_true(nats_client_is_up(t.client) && !nats_client_is_tls(t.client));
	assert_string_equal(nats_client_lost(t.client), "");
	assert_next(t.client, "a", "hi");
	assert_int_equal(nats_client_max_payload(t.client), 5);
	free(end_talk(&t));
}

static void test_publish(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HOLDS };
	struct talk t = talk_with(steps);
	char longest[NATS_SUBJECT_MAX + 1], *heard;
	struct span big = { (const uint8_t[1001]){ 0 }, 1001 };

	memset(longest, 'a', NATS_SUBJECT_MAX);
	longest[NATS_SUBJECT_MAX] = '\0';
	assert_int_equal(nats_client_publish(t.client, longest, NULL, NOTHING, NOTHING), -EMSGSIZE);
	assert_int_equal(nats_client_publish(t.client, "a", longest, NOTHING, NOTHING), -EMSGSIZE);
	assert_int_equal(nats_client_publish(t.client, "", NULL, NOTHING, NOTHING), -EMSGSIZE);
	assert_int_equal(nats_client_publish(t.client, "a", NULL, NOTHING, big), -EMSGSIZE);
	assert_int_equal(nats_client_publish(t.client, "a", NULL, span_str("A: b\r\n"), span_of(big.at, 983)), -EMSGSIZE);
	assert_int_equal(nats_client_subscribe(t.client, longest), 0);

	assert_int_equal(nats_client_publish(t.client, "a.b", NULL, NOTHING, span_str("hello")), 0);
	assert_int_equal(nats_client_publish(t.client, "a.b", "r", NOTHING, NOTHING), 0);
	assert_int_equal(nats_client_publish(t.client, "c", NULL, span_str("A: b\r\n"), span_str("\r\n")), 0);
	assert_int_equal(nats_client_publish(t.client, "c", "r.1", span_str("A: b\r\nC: d\r\n"), NOTHING), 0);
	assert_int_equal(nats_client_subscribe(t.client, "x.>"), 1);
	assert_int_equal(nats_client_subscribe(t.client, "y"), 2);
	nats_client_unsubscribe(t.client, 1);
	nats_client_unsubscribe(t.client, 0);
	assert_int_equal(nats_client_send(t.client, LONG), 0);
	heard = end_talk(&t);
	assert_string_equal(heard, "PUB a.b 5\r\nhello\r\n"
				   "PUB a.b r 0\r\n\r\n"
				   "HPUB c 18 20\r\nNATS/1.0\r\nA: b\r\n\r\n\r\n\r\n"
				   "HPUB c r.1 24 24\r\nNATS/1.0\r\nA: b\r\nC: d\r\n\r\n\r\n"
				   "SUB x.> 1\r\nSUB y 2\r\nUNSUB 1\r\n");
	free(heard);
}

/* The longest that may be: exactly max_payload. */
static void test_publish_longest(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HOLDS };
	struct talk t = talk_with(steps);
	char data[1000];

	memset(data, 'x', sizeof(data));
	assert_int_equal(nats_client_publish(t.client, "a", NULL, NOTHING, span_of(data, 1000)), 0);
	assert_int_equal(nats_client_publish(t.client, "a", NULL, span_str("A: b\r\n"), span_of(data, 982)), 0);
	free(end_talk(&t));
}

/* In order, what has come in one piece and in many; status and headers with them. */
static void test_messages(void **state)
{
	static const struct script_step steps[] = {
		TAKES_US, HEARS("SUB a.* 1\r\n"), SAYS("MSG a.1 1 3\r\none\r\nMSG a.2 1 3\r\ntwo\r\nMSG a.3 1 5\r\nth"), SAYS("ree\r\n"),
		SAYS("HMSG a.4 1 r 33 34\r\nNATS/1.0 100 Idle\r\nPending: 7\r\n\r\n4\r\n"), HOLDS
	};
	struct talk t = talk_with(steps);
	struct nats_message *m;
	struct span value;

	assert_int_equal(nats_client_subscribe(t.client, "a.*"), 1);
	assert_next(t.client, "a.1", "one");
	assert_next(t.client, "a.2", "two");
	assert_next(t.client, "a.3", "three");
	m = next_message(t.client);
	assert_int_equal(m->status, 100);
	assert_true(span_equal(m->status_text, SPAN_LITERAL("Idle")));
	assert_true(nats_message_header(m, SPAN_LITERAL("Pending"), &value) && span_equal(value, SPAN_LITERAL("7")));
	assert_string_equal((const char *)m->reply.at, "r");
	nats_message_free(m);
	assert_null(nats_client_take(t.client));
	assert_int_equal(nats_client_wait(t.client, -1, 0), 0);
	free(end_talk(&t));
}

/* What was not taken goes with the connection. */
static void test_close_with_messages(void **state)
{
	static const struct script_step steps[] = { TAKES_US, SUBSCRIBES, SAYS("MSG a 1 3\r\none\r\nMSG a 1 3\r\ntwo\r\nMSG a 1 9\r\nth"), HOLDS };
	struct talk t = listen_to(steps);

	assert_int_equal(nats_client_wait(t.client, -1, LONG), 1);
	assert_int_equal(nats_client_wait(t.client, -1, LONG), 1);
	free(end_talk(&t));
}

static void test_wake(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HOLDS };
	struct talk t = talk_with(steps);
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(nats_client_wait(t.client, pipes[0], NS_PER_MS), 0);
	assert_int_equal(write(pipes[1], "", 1), 1);
	assert_int_equal(nats_client_wait(t.client, pipes[0], LONG), 1);
	assert_null(nats_client_take(t.client));
	close(pipes[0]);
	close(pipes[1]);
	free(end_talk(&t));
}

/* ---- requests ---- */

/** request() - on @t's connection; what comes back as text */
static int request(struct talk *t, const char *data, int64_t limit_ns, char *out, size_t size)
{
	struct nats_message *m = NULL;
	int err = nats_client_request(t->client, "ask", NOTHING, span_str(data), limit_ns, &m);

	if (m)
		snprintf(out, size, "%s", (const char *)m->data.at);
	nats_message_free(m);
	return err;
}

/* Others' messages that come meanwhile are kept, in order; a response is the one to this request. */
static void test_request(void **state)
{
	static const struct script_step steps[] = {
		TAKES_US, HEARS("SUB a 1\r\n"), HEARS("one\r\n"), SAYS("MSG a 1 1\r\n1\r\nMSG @ 2 5\r\nfirst\r\nMSG @ 2 5\r\nagain\r\nMSG a 1 1\r\n2\r\n"),
		HEARS("two\r\n"), SAYS("MSG # 2 4\r\nlate\r\nMSG @ 2 6\r\nsecond\r\n"), HOLDS
	};
	struct talk t = talk_with(steps);
	char out[20], *heard;

	assert_int_equal(nats_client_set_inbox(t.client, "_INBOX.mine"), 0);
	assert_int_equal(nats_client_subscribe(t.client, "a"), 1);
	assert_int_equal(request(&t, "one", LONG, out, sizeof(out)), 0);
	assert_string_equal(out, "first");
	assert_int_equal(request(&t, "two", LONG, out, sizeof(out)), 0);
	assert_string_equal(out, "second");
	assert_next(t.client, "a", "1");
	assert_next(t.client, "a", "2");
	assert_null(nats_client_take(t.client));
	heard = end_talk(&t);
	assert_true(strstr(heard, "SUB _INBOX.mine.") && strstr(heard, ".* 2\r\nPUB ask _INBOX.mine."));
	free(heard);
}

/* A request that was given up: its response is no response to the next. */
static void test_request_given_up(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HEARS("one\r\n"), HEARS("two\r\n"),
						    SAYS("MSG # 1 4\r\nlate\r\nMSG @ 1 6\r\nsecond\r\n"), HOLDS };
	struct talk t = talk_with(steps);
	char out[20];

	assert_int_equal(request(&t, "one", NS_PER_MS, out, sizeof(out)), -ETIMEDOUT);
	assert_int_equal(request(&t, "two", LONG, out, sizeof(out)), 0);
	assert_string_equal(out, "second");
	free(end_talk(&t));
}

static void test_request_fails(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HEARS("one\r\n"), SAYS("HMSG @ 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"),
						    HEARS("two\r\n"), CLOSES };
	struct talk t = talk_with(steps);
	struct nats_message *m = NULL;
	char out[20];

	assert_int_equal(nats_client_set_inbox(t.client, ""), -EINVAL);
	assert_int_equal(request(&t, "one", LONG, out, sizeof(out)), -ENOENT);
	assert_int_equal(nats_client_request(t.client, "", NOTHING, NOTHING, LONG, &m), -EMSGSIZE);
	assert_int_equal(request(&t, "two", LONG, out, sizeof(out)), -ENOTCONN);
	assert_int_equal(request(&t, "three", LONG, out, sizeof(out)), -ENOTCONN);
	free(end_talk(&t));
}

static void test_flush(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HEARS("hello\r\nPING\r\n"), SAYS("PONG\r\n"), HOLDS };
	struct talk t = talk_with(steps);

	assert_int_equal(nats_client_publish(t.client, "a", NULL, NOTHING, span_str("hello")), 0);
	assert_int_equal(nats_client_flush(t.client, LONG), 0);
	assert_int_equal(nats_client_flush(t.client, NS_PER_MS), -ETIMEDOUT);
	assert_true(nats_client_is_up(t.client));
	free(end_talk(&t));
}

/* ---- the server's own words ---- */

static void test_ping(void **state)
{
	static const struct script_step steps[] = { TAKES_US, SAYS("PING\r\n"), HEARS("PONG\r\n"), SAYS("MSG a 1 4\r\ndone\r\n"), HOLDS };
	struct talk t = talk_with(steps);

	assert_next(t.client, "a", "done");
	free(end_talk(&t));
}

static void test_trouble(void **state)
{
	static const struct script_step steps[] = {
		TAKES_US, SUBSCRIBES, SAYS("-ERR 'Permissions Violation for Publish to \"b\"'\r\n-ERR 'Permissions Violation for Publish to \"c\"'\r\nMSG a 1 0\r\n\r\n"), CLOSES
	};
	struct talk t = listen_to(steps);
	struct buffer words = { 0 };

	assert_false(nats_client_trouble(t.client, &words));
	assert_next(t.client, "a", "");
	assert_true(nats_client_trouble(t.client, &words));
	assert_string_equal(buffer_text(&words), "Permissions Violation for Publish to \"c\"");
	assert_false(nats_client_trouble(t.client, &words));
	await_loss(t.client, "it closed the connection"); /* for another reason */
	buffer_deinit(&words);
	free(end_talk(&t));
}

/* ---- how it ends ---- */

static void test_losses(void **state)
{
	static const struct {
		struct script_step steps[8];
		const char *why;
	} rows[] = {
		{ { TAKES_US, SUBSCRIBES, CLOSES }, "it closed the connection" },
		{ { TAKES_US, SUBSCRIBES, SAYS("MSG a 1 2\r\nhi\r\nMSG a 1 9\r\ncut o"), CLOSES }, "it closed the connection" },
		{ { TAKES_US, SUBSCRIBES, { SCRIPT_RESET, NULL } }, "Connection reset by peer" },
		{ { TAKES_US, SUBSCRIBES, SAYS("-ERR 'Stale Connection'\r\n"), CLOSES }, "Stale Connection" },
		{ { TAKES_US, SUBSCRIBES, SAYS("-ERR 'User Authentication Expired'\r\n"), CLOSES }, "User Authentication Expired" },
		{ { TAKES_US, SUBSCRIBES, SAYS("what\r\n"), HOLDS }, "it sent a line that is none of NATS" },
		{ { TAKES_US, SUBSCRIBES, SAYS("MSG a 1 67537\r\n"), HOLDS }, "it sent a message that is longer than the server said they are" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct talk t = listen_to(rows[i].steps);

		await_loss(t.client, rows[i].why);
		free(end_talk(&t));
	}
}

/* What came before the end can be taken behind it. */
static void test_messages_before_the_end(void **state)
{
	static const struct script_step steps[] = { TAKES_US, SUBSCRIBES, SAYS("MSG a 1 3\r\none\r\nMSG a 1 3\r\ntwo\r\nwhat\r\n"), HOLDS };
	struct talk t = listen_to(steps);

	assert_int_equal(nats_client_wait(t.client, -1, LONG), 1);
	assert_next(t.client, "a", "one");
	assert_next(t.client, "a", "two");
	await_loss(t.client, "it sent a line");
	free(end_talk(&t));
}

/* Three PINGs and nothing said: gone. The script reads them, and holds its peace. */
static void test_silent_server(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HOLDS };
	struct talk t = talk_with(steps);
	char *heard;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(nats_client_wait(t.client, -1, 0), 0);
		assert_true(nats_client_is_up(t.client));
		skipped_ns += 2 * NS_PER_S;
	}
	assert_int_equal(nats_client_wait(t.client, -1, 0), -ENOTCONN);
	assert_string_equal(nats_client_lost(t.client), "it says nothing any more");
	heard = end_talk(&t);
	assert_string_equal(heard, "PING\r\nPING\r\nPING\r\n");
	free(heard);
}

/* One that says anything is there, even if nobody has looked for long. */
static void test_busy_owner(void **state)
{
	static const struct script_step steps[] = { TAKES_US, HEARS("PING\r\n"), HEARS("PING\r\n"), HEARS("PING\r\n"),
						    SAYS("PONG\r\nPONG\r\nPONG\r\nMSG a 1 0\r\n\r\n"), HOLDS };
	struct talk t = talk_with(steps);
	struct nats_message *m = NULL;

	for (int i = 0; i < 3; i++) {
		skipped_ns += 2 * NS_PER_S;
		assert_int_equal(nats_client_send(t.client, 0), 0);
	}
	while (!m) { /* reads what the script says, and only that */
		m = nats_client_take(t.client);
		assert_true(nats_client_is_up(t.client));
	}
	nats_message_free(m);
	skipped_ns += 2 * NS_PER_S;
	assert_int_equal(nats_client_send(t.client, 0), 0);
	free(end_talk(&t));
}

/* A server that reads nothing: what is unsent stays, for a second. Its system, and ours, take some megabytes for it. */
static void test_deaf_server(void **state)
{
	static const struct script_step steps[] = { TAKES_US, { SCRIPT_DEAF, NULL } };
	struct talk t = talk_with(steps);
	char data[1000] = "";

	do
		for (int i = 0; i < 3000; i++)
			assert_int_equal(nats_client_publish(t.client, "a", NULL, NOTHING, span_of(data, sizeof(data))), 0);
	while (nats_client_send(t.client, 200 * NS_PER_MS) == 0);
	assert_int_equal(nats_client_wait(t.client, -1, 0), 0);
	skipped_ns += NS_PER_S;
	assert_int_equal(nats_client_send(t.client, 0), -ENOTCONN);
	assert_string_equal(nats_client_lost(t.client), "it has taken nothing for a second");
	free(end_talk(&t));
}

/* Memory is bounded: behind NATS_UNSENT_MAX, publishing waits for the server, and then it is gone. */
static void test_publish_to_the_deaf(void **state)
{
	static const struct script_step steps[] = { TAKES_US, { SCRIPT_DEAF, NULL } };
	struct talk t = talk_with(steps);
	char data[1000] = "";
	size_t written = 0;
	int r;

	while ((r = nats_client_publish(t.client, "a", NULL, NOTHING, span_of(data, sizeof(data)))) == 0) {
		written += sizeof(data);
		assert_true(written < 8 * (size_t)NATS_UNSENT_MAX); /* the sockets' buffers take some */
	}
	assert_int_equal(r, -ENOTCONN);
	assert_true(written >= NATS_UNSENT_MAX / 1100 * 1000);
	assert_string_equal(nats_client_lost(t.client), "it has taken nothing for a second");
	free(end_talk(&t));
}

/* ---- TLS ---- */

enum { ASKS = 1, OURS = 2, INSECURE = 4, NO_AUTHORITY = 8, TLS12 = 16 };

/* clang-format off */
static const struct {
	enum fault_cert cert;
	unsigned flags;
	const char *host;
	int err;
	const char *why;
} shakes[] = {
	{ FAULT_CERT_GOOD, 0, "127.0.0.1", 0, "" },
	{ FAULT_CERT_GOOD, TLS12, "127.0.0.1", 0, "" },
	{ FAULT_CERT_GOOD, 0, "localhost", -EKEYREJECTED, "hostname mismatch" },
	{ FAULT_CERT_GOOD, INSECURE, "localhost", 0, "" },
	{ FAULT_CERT_GOOD, NO_AUTHORITY, "127.0.0.1", -EKEYREJECTED, "unable to get local issuer certificate" },
	{ FAULT_CERT_EXPIRED, 0, "127.0.0.1", -EKEYREJECTED, "certificate has expired" },
	{ FAULT_CERT_EXPIRED, INSECURE, "127.0.0.1", 0, "" },
	{ FAULT_CERT_OTHER_HOST, 0, "127.0.0.1", -EKEYREJECTED, "IP address mismatch" },
	{ FAULT_CERT_STRANGER, 0, "127.0.0.1", -EKEYREJECTED, "unable to get local issuer certificate" },
	{ FAULT_CERT_SELF_SIGNED, 0, "127.0.0.1", -EKEYREJECTED, "self-signed certificate" },
	{ FAULT_CERT_GOOD, ASKS | OURS, "127.0.0.1", 0, "" },
	{ FAULT_CERT_GOOD, ASKS | OURS | TLS12, "127.0.0.1", 0, "" },
	{ FAULT_CERT_GOOD, ASKS, "127.0.0.1", -EPROTO, "certificate required" },
	{ FAULT_CERT_GOOD, ASKS | TLS12, "127.0.0.1", -EPROTO, "handshake failure" },
};
/* clang-format on */

static SSL_CTX *server_context(enum fault_cert cert, unsigned flags)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, fault_certs_pem(cert)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, fault_certs_key(cert), SSL_FILETYPE_PEM), 1);
	if (flags & TLS12)
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (flags & ASKS) {
		assert_int_equal(SSL_CTX_load_verify_file(ctx, fault_certs_pem(FAULT_CERT_CA)), 1);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	}
	return ctx;
}

static SSL_CTX *client_context(unsigned flags)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct buffer error = { 0 };

	if (!(flags & NO_AUTHORITY))
		assert_int_equal(tls_trust_load(ctx, fault_certs_pem(FAULT_CERT_CA), &error), 0);
	if (flags & OURS)
		assert_int_equal(tls_identity_load(ctx, fault_certs_pem(FAULT_CERT_CLIENT), NULL, &error), 0);
	return ctx;
}

static void test_tls(void **state)
{
	static const struct script_step steps[] = {
		SAYS("INFO {\"max_payload\":1000,\"tls_required\":true}\r\n"), { SCRIPT_TLS, NULL },
		HEARS("\"tls_required\":true"), HEARS("PING\r\n"), SAYS("PONG\r\n"), SUBSCRIBES, SAYS("MSG a 1 2\r\nhi\r\n"), HOLDS
	};

	for (size_t i = 0; i < COUNT(shakes); i++) {
		SSL_CTX *server = server_context(shakes[i].cert, shakes[i].flags), *client = client_context(shakes[i].flags);
		struct talk t = { .script = nats_script_start(steps, server) };
		struct nats_client_options o = options_for(t.script);
		char why[256];
		int err;

		o.host = shakes[i].host;
		o.tls = client;
		o.insecure = shakes[i].flags & INSECURE;
		err = try_to_connect(&o, LONG, &t.client, why, sizeof(why));
		if (err != shakes[i].err || !strstr(why, shakes[i].why))
			fail_msg("row %zu: %d \"%s\"", i, err, why);
		if (err == 0) {
			assert_true(nats_client_is_tls(t.client));
			assert_int_equal(nats_client_subscribe(t.client, "a"), 1);
			assert_next(t.client, "a", "hi");
			nats_client_close(t.client);
		}
		free(nats_script_stop(t.script));
		SSL_CTX_free(server);
		SSL_CTX_free(client);
	}
}

/* Nothing said in plain text may pass for what comes under TLS. */
static void test_injected(void **state)
{
	static const struct script_step steps[] = { SAYS("INFO {\"tls_required\":true}\r\n-ERR 'x'\r\n"), HOLDS };
	struct nats_script *s = nats_script_start(steps, NULL);
	struct nats_client_options o = options_for(s);
	struct nats_client *c = NULL;
	SSL_CTX *client = client_context(0);
	char why[256];

	o.tls = client;
	assert_int_equal(try_to_connect(&o, LONG, &c, why, sizeof(why)), -EPROTO);
	free(nats_script_stop(s));
	SSL_CTX_free(client);
}

/* Many records both ways, of all sizes. */
static void test_much_over_tls(void **state)
{
	static char many[40 * 5000];
	static const struct script_step steps[] = { SAYS("INFO {\"max_payload\":100000,\"tls_available\":true}\r\n"), { SCRIPT_TLS, NULL },
						    HEARS("PING\r\n"), SAYS("PONG\r\n"), HEARS("the end"), SAYS(many), HOLDS };
	SSL_CTX *server = server_context(FAULT_CERT_GOOD, 0), *client = client_context(0);
	struct talk t = { .script = nats_script_start(steps, server) };
	struct nats_client_options o = options_for(t.script);
	static char data[90000];
	char why[256];
	char *at = many;

	for (int i = 0; i < 5000; i++)
		at += sprintf(at, "MSG a.%d 1 %d\r\n%0*d\r\n", i, 1 + i % 20, 1 + i % 20, 0);
	memset(data, 'x', sizeof(data));
	o.tls = client;
	o.wants_tls = true;
	assert_int_equal(try_to_connect(&o, LONG, &t.client, why, sizeof(why)), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(nats_client_publish(t.client, "b", NULL, NOTHING, span_of(data, (size_t)(i * 900))), 0);
	assert_int_equal(nats_client_publish(t.client, "b", NULL, NOTHING, span_str("the end")), 0);
	assert_int_equal(nats_client_send(t.client, LONG), 0);
	for (int i = 0; i < 5000; i++) {
		struct nats_message *m = next_message(t.client);

		assert_int_equal(m->data.len, 1 + i % 20);
		nats_message_free(m);
	}
	free(end_talk(&t));
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

static int make_certs(void **state)
{
	fault_certs_make();
	return 0;
}

static int remove_certs(void **state)
{
	fault_certs_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_slow_hello),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_publish_longest),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_close_with_messages),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_given_up),
		cmocka_unit_test(test_request_fails),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_messages_before_the_end),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_busy_owner),
		cmocka_unit_test(test_deaf_server),
		cmocka_unit_test(test_publish_to_the_deaf),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_injected),
		cmocka_unit_test(test_much_over_tls),
	};

	return cmocka_run_group_tests(tests, make_certs, remove_certs);
}
