/* test_doctor.c - from options to findings on standard output and the exit status */
#include "tests/rig/run_rig.h"

#include <stdio.h>
#include <string.h>

#include "app/doctor/doctor.h"
#include "tests/rig/memory_capture.h"

static char printed[16384];

/* without the sandbox and as the user that runs the test: both would be for good */
static int examine(struct options *o)
{
	int saved, fd = memfd_create("printed", 0), status;
	struct told told;
	ssize_t len;

	o->sandbox = false;
	o->user = NULL;
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	told_start(&told);
	status = doctor_run(o);
	told_end(&told);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	len = pread(fd, printed, sizeof(printed) - 1, 0);
	assert_true(len >= 0);
	printed[len] = '\0';
	close(fd);
	options_deinit(o);
	return status;
}

struct row {
	const char *port;
	bool json;
	int status;
	const char *says;
};

static const struct row rows[] = {
	{ "8000", false, EXIT_DONE, "\nThis would work.\n" },
	{ "9999", false, EXIT_COULD_NOT, "\nThis would not work yet.\n" },
	{ "8000", true, EXIT_DONE, "\"works\":true" },
	{ "9999", true, EXIT_COULD_NOT, "\"works\":false" },
};

/* Requests that the ports of the options let through, or shut out. */
static void test_ports(void **state)
{
	struct memory_capture c;
	struct options o;

	(void)state;
	memory_capture_init(&c);
	memory_capture_request(&c, 0, "POST", "/x");
	memory_capture_response(&c, 0, "ok");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OPTIONS_OF(&o, "-r", c.path, "-p", rows[i].port, "-t", "sink:");
		o.json = rows[i].json;
		if (examine(&o) != rows[i].status || !strstr(printed, rows[i].says))
			fail_msg("row %zu: %s", i, printed);
		assert_int_equal(printed[0] == '{', rows[i].json);
	}
	memory_capture_deinit(&c);
}

/* An argument that is wrong is no finding: nothing is judged. */
static void test_no_recording(void **state)
{
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "/nonexistent/x.pcap", "-t", "sink:");
	assert_int_equal(examine(&o), EXIT_COULD_NOT);
	assert_string_equal(printed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_no_recording),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
