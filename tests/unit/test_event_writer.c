/* test_event_writer.c - lines whole and in order, a reader that is slow, gone, or hangs */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/event_writer.h"

#define LINES 100000

static void *read_all(void *arg)
{
	FILE *in = fdopen(*(int *)arg, "r");
	char line[64], expected[64];
	intptr_t n = 0;

	while (fgets(line, sizeof(line), in)) {
		snprintf(expected, sizeof(expected), "{\"n\":%ld}\n", (long)n);
		if (strcmp(line, expected) != 0)
			break;
		n++;
	}
	fclose(in);
	return (void *)n;
}

/* A writer that waits gives a slow reader every line, in order. */
static void test_complete(void **state)
{
	struct event_writer *w;
	pthread_t reader;
	void *lines;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	pthread_create(&reader, NULL, read_all, &ends[0]);
	for (int i = 0; i < LINES; i++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "{\"n\":%d}\n", i);

		event_writer_add(w, span_of(line, (size_t)len));
	}
	assert_int_equal(event_writer_close(w), 0);
	pthread_join(reader, &lines);
	assert_int_equal((intptr_t)lines, LINES);
}

/* Nobody reads: a live run drops and counts, and does not wait; the end gives up by itself. */
static void test_hanging_reader(void **state)
{
	static char line[65536];
	struct event_writer *w;
	int ends[2];

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], false, &w), 0);
	for (int i = 0; i < 1000; i++)
		event_writer_add(w, span_of(line, sizeof(line)));
	assert_true(event_writer_dropped(w) > 500);
	assert_true(event_writer_dropped(w) < 1000);
	assert_int_equal(event_writer_close(w), -ETIMEDOUT);
	close(ends[0]);
}

/* The reader went away: an error to look at, no signal, no wait. */
static void test_gone_reader(void **state)
{
	struct event_writer *w;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	for (int i = 0; i < 1000 && event_writer_error(w) == 0; i++) {
		event_writer_add(w, span_str("line\n"));
		event_writer_flush(w);
		usleep(1000);
	}
	assert_int_equal(event_writer_error(w), -EPIPE);
	event_writer_add(w, span_str("line\n"));
	event_writer_flush(w);
	assert_true(event_writer_dropped(w) >= 1);
	assert_int_equal(event_writer_close(w), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_hanging_reader),
		cmocka_unit_test(test_gone_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
