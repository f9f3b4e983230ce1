/* fault_cases.c - see fault_cases.h */
#include "fault_cases.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUESTS 1500
#define ROOM     (4u << 20)

size_t cases_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

const struct fault_answer *cases_any_answer(unsigned *seed)
{
	const struct fault_answer *row;

	do
		row = &fault_answers[(size_t)rand_r(seed) % fault_answer_count];
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
