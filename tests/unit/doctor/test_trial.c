/* test_trial.c - the sandbox tried in a child: this process stays as it was, and a failure is one clause */
#include "tests/rig/run_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "app/doctor/trial.h"

/* The program's name before the sentence and the advice behind it are left out. */
static void test_no_user(void **state)
{
	struct buffer said = { 0 };
	struct options o;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run");
	o.user = "no-such-user"; /* the options would refuse it */
	assert_false(trial_run(&o, &said));
	assert_string_equal(buffer_text(&said), "cannot become user \"no-such-user\": no such user");
	buffer_deinit(&said);
	options_deinit(&o);
}

/* What the child gives up and may do no more is the child's alone. */
static void test_only_the_child(void **state)
{
	struct buffer said = { 0 };
	struct options o;
	uid_t user = geteuid();
	int fd;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run");
	if (!trial_run(&o, &said))
		fail_msg("%s", buffer_text(&said));
	assert_int_equal(said.len, 0);
	assert_int_equal(geteuid(), user);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* the sandbox would end us */
	assert_true(fd >= 0);
	close(fd);
	options_deinit(&o);
}

static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	struct buffer said = { 0 };
	struct options o;
	bool well;

	(void)state;
	OPTIONS_OF(&o, "-r", "x.pcap", "--dry-run");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	well = trial_run(&o, &said);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(well);
	assert_memory_equal(buffer_text(&said), "cannot try the sandbox: ", 24);
	assert_string_equal(buffer_text(&said) + 24, strerror(EMFILE));
	buffer_deinit(&said);
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_user),
		cmocka_unit_test(test_only_the_child),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
