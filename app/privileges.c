/* privileges.c - see privileges.h; capabilities go with the user id, since none is kept across setuid() */
#include "app/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int privileges_drop(const char *user, struct buffer *error)
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

		buffer_printf(error, "cannot become user \"%s\": %s; start as root, or leave -Z out", user, strerror(err));
		return -err;
	}
	/* A process that can take root back has dropped nothing. */
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		buffer_printf(error, "became user \"%s\", but could become root again; refusing to run so", user);
		return -EPERM;
	}
	return 0;
}
