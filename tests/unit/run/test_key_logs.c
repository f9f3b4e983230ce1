/* test_key_logs.c - key logs that are there, that grow, that are cut, and pipes */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/run/key_logs.h"

static char folder[] = "/tmp/test_key_logs.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void put_line(FILE *f, unsigned number, const char *end)
{
	fprintf(f, "CLIENT_TRAFFIC_SECRET_0 %064x ", number);
	for (int i = 0; i < 32; i++)
		fprintf(f, "%02x", number & 0xff);
	fputs(end, f);
	fflush(f);
}

/* As much of a line as one writes who ends within it. */
static void put_part(FILE *f, unsigned number)
{
	fprintf(f, "CLIENT_TRAFFIC_SECRET_0 %064x 00", number);
	fflush(f);
}

static bool is_known(struct key_logs *k, unsigned number)
{
	uint8_t random[TLS_RANDOM_BYTES] = { 0 };
	struct secrets_found found;

	random[30] = (uint8_t)(number >> 8);
	random[31] = (uint8_t)number;
	return secrets_find(k->secrets, random, &found);
}

static int open_logs(struct key_logs *k, bool live)
{
	static const char *const paths[] = { path };
	struct buffer error = { 0 };
	int err;

	memset(k, 0, sizeof(*k));
	err = key_logs_open(k, (struct key_log_settings){ .paths = paths, .path_count = 1, .live = live }, &error);
	assert_true((err < 0) == (error.len > 0));
	buffer_deinit(&error);
	return err;
}

static FILE *new_file(const char *mode)
{
	FILE *f = fopen(path, mode);

	assert_non_null(f);
	fchmod(fileno(f), 0600);
	return f;
}

static void test_whole(void **state)
{
	struct key_logs k;
	FILE *f = new_file("w");

	(void)state;
	for (unsigned i = 1; i <= 300; i++)
		put_line(f, i, i == 300 ? "" : "\r\n");
	fclose(f);
	assert_int_equal(open_logs(&k, false), 0);
	for (unsigned i = 1; i <= 300; i++)
		assert_true(is_known(&k, i));
	assert_int_equal(k.counts.lines, 300);
	assert_int_equal(k.counts.malformed, 0);
	key_logs_close(&k);
}

static void test_missing(void **state)
{
	static const char *const paths[] = { path };
	struct key_logs k;

	(void)state;
	unlink(path);
	for (int live = 0; live < 2; live++) {
		struct key_log_settings set = { .paths = paths, .path_count = 1, .live = live };
		struct buffer error = { 0 };

		memset(&k, 0, sizeof(k));
		assert_int_equal(key_logs_open(&k, set, &error), -ENOENT);
		assert_int_equal(strstr(buffer_text(&error), "make it before") != NULL, live); /* one who records has it already */
		buffer_deinit(&error);
		key_logs_close(&k);
	}
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_logs(&k, true), -EINVAL);
	key_logs_close(&k);
	rmdir(path);
}

/* Until it is known, or the loop has turned so often that it never will be */
static bool comes(struct key_logs *k, uv_loop_t *loop, unsigned number)
{
	for (int i = 0; i < 1000; i++) {
		if (is_known(k, number))
			return true;
		uv_run(loop, UV_RUN_ONCE);
	}
	return false;
}

static void test_growing(void **state)
{
	struct key_logs k;
	uv_loop_t loop;
	FILE *f = new_file("w");

	(void)state;
	put_line(f, 1, "\n");
	assert_int_equal(open_logs(&k, true), 0);
	uv_loop_init(&loop);
	key_logs_follow(&k, &loop);
	assert_true(is_known(&k, 1));
	put_line(f, 2, ""); /* not whole */
	put_line(f, 3, "\n");
	put_line(f, 4, "\n");
	assert_true(comes(&k, &loop, 4));
	assert_false(is_known(&k, 2)); /* two in one line */
	assert_true(is_known(&k, 3));
	assert_int_equal(k.counts.malformed, 1);
	put_part(f, 5);
	f = freopen(path, "w", f); /* the same file, from its start */
	assert_non_null(f);
	put_line(f, 6, "\n");
	assert_true(comes(&k, &loop, 6));
	assert_true(is_known(&k, 1));
	fclose(f);
	key_logs_stop(&k);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	key_logs_close(&k);
}

/* Whoever writes may go and come again. */
static void test_pipe(void **state)
{
	struct key_logs k;
	uv_loop_t loop;
	FILE *f;

	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_logs(&k, false), -EINVAL);
	key_logs_close(&k);
	assert_int_equal(open_logs(&k, true), 0);
	uv_loop_init(&loop);
	key_logs_follow(&k, &loop);
	for (unsigned i = 1; i <= 2; i++) {
		f = fopen(path, "w");
		assert_non_null(f);
		put_line(f, i, "\n");
		assert_true(comes(&k, &loop, i));
		fclose(f);
	}
	key_logs_stop(&k);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	key_logs_close(&k);
}

/* A pipe, a file, and a socket: who ends within a line spoils no line of who comes next, and is counted. */
static void test_ends_within_a_line(void **state)
{
	struct key_logs k;
	FILE *f;

	(void)state;
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_logs(&k, true), 0);
	for (unsigned i = 1; i <= 6; i++) {
		f = fopen(path, "w");
		assert_non_null(f);
		put_line(f, i, "\n");
		put_part(f, 100 + i);
		if (i % 2) /* else it is read only when the next writer is there */
			key_logs_read_on(&k);
		fclose(f);
		if (i % 2)
			key_logs_read_on(&k);
		if (i % 2)
			assert_int_equal(k.counts.malformed, i);
	}
	key_logs_read_on(&k);
	for (unsigned i = 1; i <= 6; i++)
		assert_true(is_known(&k, i));
	assert_int_equal(k.counts.malformed, 6);
	assert_int_equal(k.counts.lines, 12);
	key_logs_close(&k);

	unlink(path);
	f = new_file("w");
	assert_int_equal(open_logs(&k, true), 0);
	put_line(f, 1, "\n");
	put_part(f, 2);
	key_logs_read_on(&k);
	f = freopen(path, "w", f);
	assert_non_null(f);
	put_line(f, 3, "\n");
	key_logs_read_on(&k);
	assert_true(is_known(&k, 1) && is_known(&k, 3));
	assert_int_equal(k.counts.malformed, 1);
	fclose(f);
	key_logs_close(&k);
}

/** connect_to_logs() - a program that writes its log to our socket */
static int connect_to_logs(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Two programs at a time, of which one comes again, and the last line of each needs no end; whose it is, is the socket's mode. */
static void test_socket(void **state)
{
	char name[80];
	const char *paths[] = { name };
	struct key_log_settings set = { .paths = paths, .path_count = 1 };
	struct buffer error = { 0 };
	struct key_logs k = { 0 };
	uv_loop_t loop;
	struct stat st;
	FILE *peer[2];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "unix:%s", path);
	assert_int_equal(key_logs_open(&k, set, &error), -EINVAL); /* of a recording nobody writes any more */
	assert_non_null(strstr(buffer_text(&error), "live"));
	key_logs_close(&k);
	buffer_clear(&error);
	set.live = true;
	assert_int_equal(key_logs_open(&k, set, &error), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	uv_loop_init(&loop);
	key_logs_follow(&k, &loop);
	for (unsigned i = 0; i < 3; i++) {
		for (int p = 0; p < 2; p++) {
			peer[p] = fdopen(connect_to_logs(), "w");
			put_line(peer[p], 2 * i + (unsigned)p + 1, p == 0 ? "\n" : "");
		}
		assert_true(comes(&k, &loop, 2 * i + 1));
		assert_int_equal(k.count, 3);
		fclose(peer[0]);
		fclose(peer[1]);
		assert_true(comes(&k, &loop, 2 * i + 2));
		while (k.count > 1)
			uv_run(&loop, UV_RUN_ONCE);
	}
	assert_int_equal(k.counts.malformed, 0);
	peer[0] = fdopen(connect_to_logs(), "w");
	put_part(peer[0], 100);
	fclose(peer[0]);
	while (k.counts.malformed == 0)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(k.counts.malformed, 1);
	key_logs_stop(&k);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	key_logs_close(&k);
	assert_int_equal(key_logs_open(&k, set, &error), 0); /* what is left of one that ended is no obstacle */
	key_logs_close(&k);
	buffer_deinit(&error);
}

static void test_of_recording(void **state)
{
	struct key_logs k = { 0 };
	struct buffer error = { 0 }, text = { 0 };

	(void)state;
	key_logs_add(&k, SPAN_LITERAL("CLIENT_RANDOM 00 00\n")); /* nobody wants it */
	assert_int_equal(key_logs_open(&k, (struct key_log_settings){ 0 }, &error), 0);
	assert_null(k.secrets);
	assert_int_equal(key_logs_open(&k, (struct key_log_settings){ .recordings = true }, &error), 0);
	buffer_printf(&text, "CLIENT_TRAFFIC_SECRET_0 %064x %064x\n", 7, 8);
	key_logs_add(&k, buffer_span(&text));
	assert_true(is_known(&k, 7));
	key_logs_add(&k, SPAN_LITERAL("\1\2\3\nno key log\n"));
	assert_int_equal(k.recorded_lines, 3);
	assert_int_equal(k.recorded_malformed, 2);
	assert_int_equal(k.counts.malformed, 0);
	buffer_deinit(&text);
	key_logs_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_ends_within_a_line),
		cmocka_unit_test(test_socket),
		cmocka_unit_test(test_of_recording),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
