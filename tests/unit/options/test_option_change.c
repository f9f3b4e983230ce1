/*
 * test_option_change.c - two config files, and what a tap says when one takes the other's place
 *
 * Each row is a command line and two config files: the changes that hold at once,
 * the options that take a restart, and the sentence when the second is refused.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/options/option_change.h"
#include "app/options/options.h"

#define ARGS_MAX 10

struct change_row {
	const char *args[ARGS_MAX];
	const char *before, *after;
	const char *changes, *restarts;
};

static const struct change_row rows[] = {
	{ { "-tsink:" }, "", "", "", "" },
	{ { "-tsink:" }, "sample = 5%\n", "sample = 0.05\n", "", "" },
	{ { "-tsink:" }, "sample = 5%\n", "sample = 10%\n", "sample 5% -> 10%", "" },
	{ { "-tsink:" }, "sample = 5%\n", "", "sample 5% -> 100%", "" },
	{ { "-tsink:", "-S", "1%" }, "sample = 5%\n", "sample = 10%\n", "", "" }, /* the command line wins */
	{ { "-tsink:" }, "", "method = GET\nmethod = PATCH\npath = ^/v1/\nnot-path = x\n",
	  "method none -> GET + PATCH, path none -> ^/v1/, not-path none -> x", "" },
	{ { "-tsink:" }, "path = a\npath = b\n", "path = b\npath = a\n", "path a + b -> b + a", "" },
	{ { "-tsink:" }, "preset = v2\n", "", "preset v2 -> any", "" },
	{ { "-tsink:" }, "", "traceparent = new\n", "traceparent none -> new", "" },
	{ { "-tsink:" }, "h2-heads = whole\n", "", "h2-heads whole -> auto", "" },
	{ { "-tsink:" }, "allow-side-effects = yes\n", "", "allow-side-effects yes -> no", "" },
	{ { "-tsink:" }, "sample-by = client\n", "sample-by = header:x-user\n",
	  "sample-by client -> header:x-user", "" },
	{ { "-tsink:" }, "sample-by = header:a\n", "sample-by = header:b\n", "sample-by header:a -> header:b", "" },
	{ { "-tsink:" }, "host-header = keep\n", "host-header = a.example\n", "host-header keep -> a.example", "" },
	{ { "-tsink:" }, "", "match-host = x\nallow-header = y\nrewrite-path = a=>b\n",
	  "match-host none -> x, allow-header none -> y, rewrite-path none -> a=>b", "" },
	/* what may be a secret is not told */
	{ { "-tsink:" }, "match-header = x-key: abc\n", "match-header = x-key: def\n", "match-header changed", "" },
	{ { "-tsink:" }, "header = a: 1\n", "header = a: 2\n", "header of default changed", "" },
	/* a terminal does not obey a pattern */
	{ { "-tsink:" }, "", "path = \033[2J\n", "path none -> ?[2J", "" },
	/* of one target */
	{ { "-ta=sink:", "-tb=sink:" }, "rate = 5\n", "rate = 7\nsample = b:10%\nheader = b:x: 1\n",
	  "rate of a 5 -> 7, sample of b 100% -> 10%, rate of b 5 -> 7, header of b changed", "" },
	{ { "-tsink:" }, "rate = 5\n", "", "rate of default 5 -> no limit", "" },
	/* targets stay, and what is said about those that still go by their name holds */
	{ { 0 }, "target = a=sink:\ntarget = b=sink:\nrate = 9\n", "target = b=http://h\nrate = 3\n",
	  "rate of b 9 -> 3", "target" },
	{ { 0 }, "target = sink:\n", "target = http://h\nsample = 1%\n", "sample 100% -> 1%", "target" },
	/* all the rest takes a restart */
	{ { "-tsink:" }, "",
	  "interface = lo\nport = 80\nh2 = off\ndecap = vxlan\nvxlan-port = 5\nsnaplen = 100\nbuffer-size = 1M\n"
	  "no-promiscuous = yes\nno-sandbox = yes\nmax-body = 1\nmax-time = 1\nconnections = 1\nqueue = 1\n"
	  "max-memory = 1M\nbreaker = 1\ncount = 1\noutput = x\nwrite = y\nreport = x.json\nadmin = [::1]:1\nlog-format = text\n"
	  "quiet = yes\nverbose = yes\nduration = 1\ncacert = x\ninsecure = yes\n",
	  "",
	  "interface, port, h2, decap, vxlan-port, snaplen, buffer-size, no-promiscuous, no-sandbox, max-body, insecure, "
	  "cacert, max-time, connections, queue, max-memory, breaker, duration, count, output, write, report, "
	  "admin, log-format, quiet, verbose" },
	{ { "-tsink:", "-rx.pcap" }, "speed = 2\n", "speed = max\nloop = 2\n", "", "speed, loop" },
	{ { "-tsink:" }, "", "stats-every = 1\nconnect-timeout = 1\ncert = a\nkey = b\nshow-query = yes\n", "",
	  "cert, key, connect-timeout, stats-every, show-query" },
	{ { "-tsink:" }, "ramp = 1%..2%/1m\nmax-cpu = 5%\n", "ramp = 1%..3%/1m\nmax-cpu = 6%\n", "", "ramp, max-cpu" },
	{ { "-tsink:" }, "", "user = root\n", "", "user" },
	{ { "-tsink:" }, "on-end = true\n", "on-end = false\n", "", "on-end" },
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int parse(const struct change_row *row, char **argv, struct options *o, struct buffer *error)
{
	int argc = 0;

	argv[argc++] = (char *)"shadowtap";
	argv[argc++] = (char *)"-f";
	argv[argc++] = (char *)"tap.conf";
	for (size_t i = 0; i < ARGS_MAX && row->args[i]; i++)
		argv[argc++] = (char *)row->args[i];
	argv[argc] = NULL;
	write_file("tap.conf", row->before);
	return options_parse(argc, argv, o, error);
}

static void check_change(size_t number)
{
	const struct change_row *row = &rows[number];
	struct buffer error = { 0 }, changes = { 0 }, restarts = { 0 };
	char *argv[ARGS_MAX + 4];
	struct options before, after;

	assert_int_equal(parse(row, argv, &before, &error), 0);
	write_file("tap.conf", row->after);
	if (options_parse_again(&before, &after, &error) < 0)
		fail_msg("row %zu: %s", number, buffer_text(&error));
	option_restarts(&before, &after, &restarts);
	option_keep_targets(&after, &before);
	option_changes(&before, &after, &changes);
	if (strcmp(row->changes, buffer_text(&changes)) != 0 || strcmp(row->restarts, buffer_text(&restarts)) != 0)
		fail_msg("row %zu: changes \"%s\", restarts \"%s\"", number, buffer_text(&changes),
			 buffer_text(&restarts));
	assert_int_equal(after.target_count, before.target_count);
	for (size_t i = 0; i < after.target_count; i++) {
		assert_string_equal(after.targets[i].url.name, before.targets[i].url.name);
		assert_string_equal(after.targets[i].url.shown, before.targets[i].url.shown);
	}
	options_deinit(&before);
	options_deinit(&after);
	buffer_deinit(&changes);
	buffer_deinit(&restarts);
	buffer_deinit(&error);
}

static void test_changes(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_change(i);
}

static void expect_refusal(const struct change_row *row, int rc, const char *says)
{
	struct buffer error = { 0 };
	char *argv[ARGS_MAX + 4];
	struct options before, after;

	assert_int_equal(parse(row, argv, &before, &error), 0);
	unlink("tap.conf");
	if (rc == -ESPIPE)
		assert_int_equal(mkfifo("tap.conf", 0600), 0); /* nobody ever writes to it: it must not be waited for */
	else if (rc != -ENOENT)
		write_file("tap.conf", row->after);
	assert_int_equal(options_parse_again(&before, &after, &error), rc);
	assert_non_null(strstr(buffer_text(&error), says));
	unlink("tap.conf");
	options_deinit(&before);
	buffer_deinit(&error);
}

static void test_refusals(void **state)
{
	static const struct change_row target = { { "-tsink:" }, "", "sample = 500%\n", "", "" };
	static const struct change_row none = { { 0 }, "target = sink:\n", "rate = 5\n", "", "" };

	expect_refusal(&target, -ENOENT, "tap.conf");
	expect_refusal(&target, -ESPIPE, "second time");
	expect_refusal(&target, -EINVAL, "tap.conf:1");
	expect_refusal(&none, -EINVAL, "no target");
}

static char directory[] = "/tmp/test_option_change.XXXXXX";

static int enter_directory(void **state)
{
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int leave_directory(void **state)
{
	unlink("tap.conf");
	return chdir("/") < 0 ? -1 : rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
