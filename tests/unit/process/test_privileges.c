/*
 * test_privileges.c - what a child that gave up its privileges still is, and what it cannot become again
 *
 * Giving up is for good, so each story is a process of its own, which notes what
 * it finds in memory that both share. What only root can give up is skipped for
 * others.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/process/privileges.h"

#define CAPABILITIES 64 /* more than any kernel has */
#define GROUPS_MAX   64

/** struct found - what a child is, before and after privileges_drop() */
struct found {
	int err;
	char error[200];
	uid_t uid[3];
	gid_t gid[3];
	int group_count;
	gid_t groups[GROUPS_MAX];
	uint64_t effective, permitted, inheritable, ambient, bounding;
	int no_new_privs, dumpable;
	bool root_again;
	bool is_whole; /* the child came to its end */
};

static struct found *before, *after;

static uint64_t capability_set(int option, unsigned long first)
{
	uint64_t set = 0;

	for (unsigned long cap = 0; cap < CAPABILITIES; cap++) {
		int is_in = option == PR_CAP_AMBIENT ? prctl(option, first, cap, 0, 0) : prctl(option, cap, 0, 0, 0);

		set |= (uint64_t)(is_in > 0) << cap;
	}
	return set;
}

static void read_capabilities(struct found *f)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		_exit(1);
	f->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	f->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	f->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
}

static void look(struct found *f)
{
	if (getresuid(&f->uid[0], &f->uid[1], &f->uid[2]) < 0 || getresgid(&f->gid[0], &f->gid[1], &f->gid[2]) < 0)
		_exit(1);
	f->group_count = getgroups(GROUPS_MAX, f->groups);
	read_capabilities(f);
	f->ambient = capability_set(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET);
	f->bounding = capability_set(PR_CAPBSET_READ, 0);
	f->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	f->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

/* All that root may have: inheritable and ambient capabilities, which a program that it executes would get. */
static void take_ambient(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	syscall(SYS_capget, &header, data);
	data[0].inheritable = data[0].permitted;
	syscall(SYS_capset, &header, data);
	for (unsigned long cap = 0; cap < 32; cap++)
		if (data[0].permitted & 1u << cap)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

/* @first: whom the child is when it begins; NULL: who we are */
static void drop_in_child(const char *first, const char *user)
{
	struct buffer error = { 0 };
	int status;
	pid_t pid;

	*before = *after = (struct found){ 0 };
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct passwd *pw = first ? getpwnam(first) : NULL;

		if (pw && (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0))
			_exit(1);
		if (geteuid() == 0)
			take_ambient();
		look(before);
		after->err = privileges_drop(user, &error);
		look(after);
		snprintf(after->error, sizeof(after->error), "%s", buffer_text(&error));
		after->root_again = setuid(0) == 0 || seteuid(0) == 0;
		after->is_whole = true;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(after->is_whole);
}

static void assert_nothing_left(void)
{
	assert_string_equal(after->error, "");
	assert_int_equal(after->err, 0);
	assert_int_equal(after->effective, 0);
	assert_int_equal(after->permitted, 0);
	assert_int_equal(after->inheritable, 0);
	assert_int_equal(after->ambient, 0);
	assert_int_equal(after->no_new_privs, 1);
	assert_int_equal(after->dumpable, 0);
}

/* Without -Z we stay who we are, and may do nothing that others may not; so too when we are named. */
static void test_stay(void **state)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *names[] = { NULL, pw ? pw->pw_name : NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		drop_in_child(NULL, names[i]);
		assert_nothing_left();
		assert_memory_equal(after->uid, before->uid, sizeof(after->uid));
		assert_memory_equal(after->gid, before->gid, sizeof(after->gid));
		assert_int_equal(after->group_count, before->group_count);
		assert_memory_equal(after->groups, before->groups, sizeof(after->groups));
	}
}

/* Root's capabilities go from every set. Without CAP_SETPCAP the bounding set stays, and no_new_privs is what counts. */
static void test_root_stays(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root has capabilities to give up */
	drop_in_child(NULL, NULL);
	assert_int_not_equal(before->effective, 0);
	assert_int_not_equal(before->bounding, 0);
	assert_int_equal(before->ambient, before->inheritable & UINT32_MAX);
	assert_nothing_left();
	if (before->effective & UINT64_C(1) << CAP_SETPCAP)
		assert_int_equal(after->bounding, 0);
	assert_int_equal(after->uid[1], 0); /* an owner of files, and no more */
}

static bool is_group_of(const struct passwd *pw, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	assert_true(getgrouplist(pw->pw_name, pw->pw_gid, groups, &count) > 0);
	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* All three ids are the user's, root's groups are gone, and there is no way back. */
static void test_become(void **state)
{
	struct passwd *pw = getpwnam("nobody");

	(void)state;
	if (geteuid() != 0 || !pw)
		skip(); /* only root may become another user, and there has to be one */
	drop_in_child(NULL, "nobody");
	assert_nothing_left();
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(after->uid[i], pw->pw_uid);
		assert_int_equal(after->gid[i], pw->pw_gid);
	}
	assert_true(after->group_count >= 1);
	for (int i = 0; i < after->group_count; i++)
		assert_true(is_group_of(pw, after->groups[i]));
	assert_false(after->root_again);
}

/* A user that is not there, and one that we may not become: nothing is given up half. */
static void test_refused(void **state)
{
	(void)state;
	drop_in_child(NULL, "no-such-user");
	assert_true(after->err < 0);
	assert_string_equal(after->error, "cannot become user \"no-such-user\": no such user; name another with -Z");
	assert_memory_equal(after->uid, before->uid, sizeof(after->uid));
	if (geteuid() == 0 && !getpwnam("nobody"))
		skip(); /* without that user there is none whom we could be first */
	drop_in_child(geteuid() == 0 ? "nobody" : NULL, "root");
	assert_int_equal(after->err, -EPERM);
	assert_string_equal(after->error, "cannot become user \"root\": Operation not permitted; start as root, or leave -Z out");
	assert_memory_equal(after->uid, before->uid, sizeof(after->uid));
	assert_false(after->root_again);
}

/* Our own path goes behind what is there. */
static void test_program(void **state)
{
	struct buffer text = { 0 };
	const char *name;

	(void)state;
	buffer_add_str(&text, "setcap ");
	privileges_program(&text);
	assert_memory_equal(buffer_text(&text), "setcap /", 8);
	name = strrchr(buffer_text(&text), '/');
	assert_string_equal(name, "/test_privileges");
	assert_int_equal(access(buffer_text(&text) + 7, X_OK), 0);
	buffer_deinit(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stay),
		cmocka_unit_test(test_root_stays),
		cmocka_unit_test(test_become),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_program),
	};

	before = mmap(NULL, 2 * sizeof(*before), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (before == MAP_FAILED)
		return 1;
	after = before + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
