/* test_event_writer.c - lines whole and in order, a reader that is slow, gone, or hangs */
#include "tests/rig/unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "report/event_writer.h"

#define LINES 100000

static void add(struct event_writer *w, struct event_lines **lines, struct span line)
{
	struct buffer *out = event_line_begin(w, lines);

	assert_non_null(out);
	buffer_add_span(out, line);
	if (event_line_end(*lines))
		event_writer_hand_on(w, lines);
}

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

/* A writer that waits gives a slow reader every line, in order, however few are handed on at a time. */
static void check_complete(int at_a_time)
{
	struct event_lines *mine = NULL;
	struct event_writer *w;
	pthread_t reader;
	void *lines;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	pthread_create(&reader, NULL, read_all, &ends[0]);
	for (int i = 0; i < LINES; i++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "{\"n\":%d}\n", i);

		add(w, &mine, span_of(line, (size_t)len));
		if (i % at_a_time == 0)
			event_writer_hand_on(w, &mine);
		assert_true(i % at_a_time != 0 || !mine);
	}
	event_writer_hand_on(w, &mine);
	assert_int_equal(event_writer_dropped(w), 0);
	assert_int_equal(event_writer_close(w), 0);
	pthread_join(reader, &lines);
	assert_int_equal((intptr_t)lines, LINES);
}

static void test_complete(void **state)
{
	static const int at_a_time[] = { 1, 7, 1000, LINES };

	(void)state;
	for (size_t i = 0; i < sizeof(at_a_time) / sizeof(at_a_time[0]); i++)
		check_complete(at_a_time[i]);
}

/* Several threads hand on, one of them more than the writer may hold: each thread's lines stay in order. */
#define THREADS 3
#define LINES_EACH 50000

struct hand {
	struct event_writer *writer;
	int number;
};

static void *hand_on_all(void *arg)
{
	struct event_lines *mine = NULL;
	struct hand *h = arg;

	for (int i = 0; i < LINES_EACH; i++) {
		char line[64];
		int len = snprintf(line, sizeof(line), "%d %d\n", h->number, i);

		add(h->writer, &mine, span_of(line, (size_t)len));
		if (h->number > 0 && i % (h->number * 100) == 0)
			event_writer_hand_on(h->writer, &mine);
	}
	event_writer_hand_on(h->writer, &mine);
	return NULL;
}

static void *read_hands(void *arg)
{
	FILE *in = fdopen(*(int *)arg, "r");
	int next[THREADS] = { 0 }, number, n;
	intptr_t count = 0;

	while (fscanf(in, "%d %d\n", &number, &n) == 2 && number >= 0 && number < THREADS &&
	       n == next[number]) {
		next[number]++;
		count++;
	}
	fclose(in);
	return (void *)count;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS], reader;
	struct hand hands[THREADS];
	struct event_writer *w;
	void *lines;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	pthread_create(&reader, NULL, read_hands, &ends[0]);
	for (int i = 0; i < THREADS; i++) {
		hands[i] = (struct hand){ w, i };
		pthread_create(&threads[i], NULL, hand_on_all, &hands[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(event_writer_close(w), 0);
	pthread_join(reader, &lines);
	assert_int_equal((intptr_t)lines, THREADS * LINES_EACH);
}

/* A line that could not be made is left out and counted, and those around it are whole. */
static void test_failed_line(void **state)
{
	struct event_lines *mine = NULL;
	struct event_writer *w;
	char text[16];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	add(w, &mine, span_str("one\n"));
	buffer_add_str(event_line_begin(w, &mine), "tw");
	mine->text.failed = true;
	assert_false(event_line_end(mine));
	add(w, &mine, span_str("three\n"));
	event_writer_hand_on(w, &mine);
	assert_int_equal(event_writer_dropped(w), 1);
	add(w, &mine, span_str("four\n"));
	event_writer_drop(w, &mine);
	assert_null(mine);
	assert_int_equal(event_writer_dropped(w), 2);
	assert_int_equal(event_writer_close(w), 0);
	assert_int_equal(read(ends[0], text, sizeof(text)), 10);
	assert_memory_equal(text, "one\nthree\n", 10);
	close(ends[0]);
}

/* Nobody reads: a live run drops and counts, and does not wait; the end gives up by itself. */
static void test_hanging_reader(void **state)
{
	static char line[65536];
	struct event_lines *mine = NULL;
	struct event_writer *w;
	int ends[2];

	(void)state;
	memset(line, 'x', sizeof(line));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(event_writer_new(ends[1], false, &w), 0);
	for (int i = 0; i < 1000; i++) {
		add(w, &mine, span_of(line, sizeof(line)));
		event_writer_hand_on(w, &mine);
	}
	assert_true(event_writer_dropped(w) > 500);
	assert_true(event_writer_dropped(w) < 1000);
	assert_int_equal(event_writer_close(w), -ETIMEDOUT);
	close(ends[0]);
}

/* The reader went away: an error to look at, no signal, no wait. */
static void test_gone_reader(void **state)
{
	struct event_lines *mine = NULL;
	struct event_writer *w;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(event_writer_new(ends[1], true, &w), 0);
	for (int i = 0; i < 1000 && event_writer_error(w) == 0; i++) {
		add(w, &mine, span_str("line\n"));
		event_writer_hand_on(w, &mine);
		usleep(1000);
	}
	assert_int_equal(event_writer_error(w), -EPIPE);
	add(w, &mine, span_str("line\n"));
	event_writer_hand_on(w, &mine);
	assert_true(event_writer_dropped(w) >= 1);
	assert_int_equal(event_writer_close(w), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete),    cmocka_unit_test(test_threads),
		cmocka_unit_test(test_failed_line), cmocka_unit_test(test_hanging_reader),
		cmocka_unit_test(test_gone_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
