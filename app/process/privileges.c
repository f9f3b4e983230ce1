/*
 * privileges.c - see privileges.h
 *
 * Theory of operation. Capturing needs CAP_NET_RAW to open its sockets and
 * nothing afterwards, whether we are root or a user whose binary has the file
 * capability. So after the opening everything goes, in the one order in which
 * each step is still allowed:
 *
 *   bounding set   while we may (CAP_SETPCAP); an ordinary user may not, and
 *                  for him no_new_privs does the same
 *   user           groups, group, user
 *   capabilities   permitted, effective, inheritable, ambient: also when the
 *                  user stays root, who is then an owner of files and no more
 *   no_new_privs   no program that is executed can give anything back
 *   not dumpable   the memory holds what people sent: no core file, and no
 *                  debugger of the same user. The price is a crash without a
 *                  core; a developer has -Db_sanitize and -Z root under gdb.
 *
 * The kernel's own calls, not libcap: what is needed is one capset() with zeros
 * and a few prctl(), and a library would be a package that every build needs.
 */
#include "app/process/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int refuse(struct buffer *error, const char *what)
{
	int err = errno;

	buffer_printf(error, "cannot give up %s: %s; refusing to run with more privileges than needed", what,
		      strerror(err));
	return -err;
}

/* EPERM: we have no right to, and then no_new_privs is what keeps us from ever using the set. */
static int drop_bounding_set(struct buffer *error)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			return refuse(error, "the capability bounding set");
	return 0;
}

static int drop_capabilities(struct buffer *error)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL) /* before Linux 4.3 */
		return refuse(error, "the ambient capabilities");
	if (syscall(SYS_capset, &header, none) < 0)
		return refuse(error, "the capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return refuse(error, "the right to gain privileges");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return refuse(error, "core dumps");
	return 0;
}

static int become(const char *user, struct buffer *error)
{
	struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (!pw) {
		buffer_printf(error, "cannot become user \"%s\": no such user; name another with -Z", user);
		return errno ? -errno : -ENOENT;
	}
	if (geteuid() == pw->pw_uid && getuid() == pw->pw_uid)
		return 0;
	if (initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
		int err = errno;

		buffer_printf(error, "cannot become user \"%s\": %s; start as root, or leave -Z out", user,
			      strerror(err));
		return -err;
	}
	/* A process that can take root back has dropped nothing. */
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		buffer_printf(error, "became user \"%s\", but could become root again; refusing to run so",
			      user);
		return -EPERM;
	}
	return 0;
}

int privileges_drop(const char *user, struct buffer *error)
{
	int err = drop_bounding_set(error);

	if (err == 0 && user)
		err = become(user, error);
	return err < 0 ? err : drop_capabilities(error);
}

void privileges_program(struct buffer *out)
{
	char path[PATH_BYTES];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path));

	if (len > 0 && (size_t)len < sizeof(path))
		buffer_add(out, path, (size_t)len);
}
