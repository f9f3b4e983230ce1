/* test_trial.c - the sandbox tried in a child: this process stays as it was, and a failure is one clause */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/doctor/trial.h"

/* The program's name before the sentence and the advice behind it are left out. */
static void test_no_user(void **state)
{
	struct buffer said = { 0 };

	(void)state;
	assert_false(trial_run("no-such-user", &said));
	assert_string_equal(buffer_text(&said), "cannot become user \"no-such-user\": no such user");
	buffer_deinit(&said);
}

/* What the child gives up and may do no more is the child's alone. */
static void test_only_the_child(void **state)
{
	struct buffer said = { 0 };
	uid_t user = geteuid();
	int fd;

	(void)state;
	if (!trial_run(user == 0 ? "nobody" : NULL, &said))
		fail_msg("%s", buffer_text(&said));
	assert_int_equal(said.len, 0);
	assert_int_equal(geteuid(), user);
	fd = open("/dev/null", O_WRONLY | O_CLOEXEC); /* the sandbox would end us */
	assert_true(fd >= 0);
	close(fd);
}

static void test_no_descriptors(void **state)
{
	struct rlimit before, none;
	struct buffer said = { 0 };
	bool well;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	well = trial_run(NULL, &said);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(well);
	assert_memory_equal(buffer_text(&said), "cannot try the sandbox: ", 24);
	assert_string_equal(buffer_text(&said) + 24, strerror(EMFILE));
	buffer_deinit(&said);
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
