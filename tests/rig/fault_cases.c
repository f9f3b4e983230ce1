/* fault_cases.c - see fault_cases.h */
#include "tests/rig/fault_cases.h"

#include "tests/rig/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message/response.h"

#define REQUESTS 1500
#define ROOM     (4u << 20)

size_t cases_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

const struct fault_response *cases_any_response(unsigned *seed)
{
	const struct fault_response *row;

	do
		row = &fault_responses[(size_t)rand_r(seed) % fault_response_count];
	while (row->steps[2].op == FAULT_FLOOD || row->body_len > 0);
	return row;
}

static void check_arrived(struct fault_server *server, char *got, size_t size)
{
	char head[128];
	size_t len, head_len = (size_t)snprintf(head, sizeof(head),
						"PUT /v1/models/m:predict HTTP/1.1\r\nHost: shadow\r\n"
						"Content-Length: %zu\r\n\r\n",
						size);

	len = fault_server_last(server, got, ROOM);
	assert_int_equal(len, head_len + size);
	assert_memory_equal(got, head, head_len);
	for (size_t b = 0; b < size; b++)
		if (got[head_len + b] != (char)('0' + b % 10))
			fail_msg("byte %zu of %zu differs", b, size);
}

void cases_bytes(const struct target_options *target, struct fault_server *server, const size_t *sizes, size_t count)
{
	char *got = malloc(ROOM);
	struct rig g;

	assert_non_null(got);
	rig_start(&g, target, 1);
	for (size_t i = 0; i < count; i++) {
		rig_submit(&g, "PUT", sizes[i]);
		rig_wait(&g, i + 1);
		assert_int_equal(g.outcomes[i].outcome.kind, OUTCOME_ANSWERED_2XX);
		check_arrived(server, got, sizes[i]);
	}
	assert_int_equal(fault_server_connections(server), 1);
	rig_stop(&g);
	free(got);
}

void cases_storm(struct target_options target, size_t body_max, unsigned *seed, const enum outcome_kind *kinds,
		 size_t kind_count)
{
	struct rig g;

	target.connections = 16;
	target.queue = REQUESTS;
	rig_start(&g, &target, 1);
	for (size_t i = 0; i < REQUESTS; i++) {
		rig_submit(&g, i % 7 ? "POST" : "HEAD", (size_t)rand_r(seed) % body_max);
		rig_check_books(&g);
		if (i % 50 == 0)
			rig_run_for(&g, 5);
	}
	rig_wait_idle(&g);
	assert_int_equal(g.ended, REQUESTS); /* each once */
	for (size_t i = 0; i < kind_count; i++)
		assert_true(rig_count(&g, 0, kinds[i]) > 0);
	rig_stop(&g);
}

/*
 * The two calls that send, in place of libc's: they go on to the kernel, and
 * while wait_after is above 0 the one that takes the last of so many bytes does
 * not return before there is something to read. The server's threads send too,
 * and are not meant.
 */
static _Thread_local ssize_t wait_after;

static ssize_t sent_by(int fd, ssize_t n)
{
	struct pollfd response = { .fd = fd, .events = POLLIN };

	if (n <= 0 || wait_after <= 0)
		return n;
	wait_after -= n;
	if (wait_after <= 0)
		poll(&response, 1, -1);
	return n;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return sent_by(fd, syscall(SYS_sendmsg, fd, message, flags));
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	return sent_by(fd, syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0));
}

void cases_times(const struct target_options *target, size_t body_len, unsigned delay_ms)
{
	int64_t least_us = (int64_t)delay_ms * 1000;
	const struct outcome *o;
	struct rig g;

	rig_start(&g, target, 1);
	rig_submit(&g, "POST", 1); /* what TLS says for itself after a handshake is read with this one's response */
	rig_wait(&g, 1);
	wait_after = (ssize_t)body_len;
	rig_submit(&g, "POST", body_len);
	rig_wait(&g, 2);
	assert_true(wait_after <= 0); /* it was waited */
	o = &g.outcomes[1].outcome;
	assert_int_equal(o->kind, OUTCOME_ANSWERED_2XX);
	assert_int_equal(o->connect_us, 0);
	if (o->first_byte_us < least_us)
		fail_msg("first byte after %lld us, of a server that waited %lld", (long long)o->first_byte_us,
			 (long long)least_us);
	assert_true(o->total_us >= o->first_byte_us);
	assert_non_null(o->response);
	assert_true(o->response->first_byte_us >= least_us && o->response->last_byte_us >= o->response->first_byte_us);
	assert_true(o->response->arrival_count == 1 && o->response->arrivals[0].us >= least_us);
	rig_stop(&g);
}
