/* output_file.c - see output_file.h */
#include "app/record/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

#define LINKS_MAX 40 /* as the kernel's own limit */
#define FIFO_PAUSE_NS 50000000
#define LOOK      (O_PATH | O_NOFOLLOW | O_CLOEXEC)
#define WRITE     (O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) /* not blocking: a FIFO is not waited for in silence */

#define WALK_ON INT_MAX /* a step was made; no descriptor is that large */

/** struct caller - who called sudo; what root creates is his */
struct caller {
	bool known;
	uid_t uid;
	gid_t gid;
};

/* A number of 32 bits, without sign or blanks; not -1, which means "leave it" to chown(). */
static bool read_id(const char *name, uint32_t *out)
{
	const char *text = secure_getenv(name);
	char *end;
	unsigned long long n;

	if (!text || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end != '\0' || n >= UINT32_MAX)
		return false;
	*out = (uint32_t)n;
	return true;
}

static struct caller find_caller(void)
{
	struct caller c = { .known = false, .uid = 0, .gid = 0 };
	uint32_t uid, gid;

	if (geteuid() == 0 && read_id("SUDO_UID", &uid) && read_id("SUDO_GID", &gid) && uid != 0)
		c = (struct caller){ .known = true, .uid = uid, .gid = gid };
	return c;
}

/** struct walk - where root is on a path: in the folder @at, with @rest still to go */
struct walk {
	int at;
	unsigned links;
	struct caller caller;
	char rest[PATH_MAX];
};

static int walk_to(struct walk *w, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (w->at >= 0)
		close(w->at);
	w->at = fd;
	return 0;
}

/* The next name off the front of @rest into @name; false if there is none. */
static bool next_name(struct walk *w, char name[PATH_MAX])
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");

	memcpy(name, w->rest + skip, len);
	name[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return len > 0;
}

static bool is_last(const struct walk *w)
{
	return w->rest[strspn(w->rest, "/")] == '\0';
}

/* /proc/self/fd/1 and its kind: their text is no path, and the kernel made them of what this process has open. */
static bool is_of_proc(int link)
{
	struct statfs fs;

	return fstatfs(link, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* The link's text goes in front of what is left of the path. WALK_ON, or a negative errno; enter() too. */
static int follow(struct walk *w, int link)
{
	char text[PATH_MAX], joined[2 * PATH_MAX];
	ssize_t len = readlinkat(link, "", text, sizeof(text) - 1);
	int n;

	if (len <= 0)
		return len < 0 ? -errno : -ENOENT;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	text[len] = '\0';
	n = snprintf(joined, sizeof(joined), "%s%s", text, w->rest);
	if ((size_t)n >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, joined, (size_t)n + 1);
	n = text[0] == '/' ? walk_to(w, "/") : 0;
	return n < 0 ? n : WALK_ON;
}

static int enter(struct walk *w, const char *name, bool of_proc)
{
	int fd = openat(w->at, name, O_PATH | O_DIRECTORY | O_CLOEXEC | (of_proc ? 0 : O_NOFOLLOW));

	if (fd < 0)
		return -errno;
	close(w->at);
	w->at = fd;
	return WALK_ON;
}

static bool trusts(const struct walk *w, uid_t uid)
{
	return uid == 0 || (w->caller.known && uid == w->caller.uid);
}

static int create(struct walk *w, const char *name)
{
	int fd = openat(w->at, name, WRITE | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

	if (fd >= 0 && w->caller.known && fchown(fd, w->caller.uid, w->caller.gid) < 0)
		log_debug("\"%s\" stays root's: %s", name, strerror(errno)); /* a file system without owners */
	return fd < 0 ? -errno : fd;
}

/* O_CREAT although it is there: in a folder like /tmp the kernel then refuses what a stranger put there (protected_regular). */
static int open_existing(const struct walk *w, const char *name, bool of_proc)
{
	int fd = openat(w->at, name, WRITE | (of_proc ? 0 : O_CREAT | O_NOFOLLOW), 0600);

	return fd < 0 ? -errno : fd;
}

/** take_name() - one step: a descriptor if @name was the last and is open now; WALK_ON; or a negative errno */
static int take_name(struct walk *w, const char *name)
{
	int fd = openat(w->at, name, LOOK), result;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT && is_last(w) ? create(w, name) : -errno;
	if (fstat(fd, &st) < 0)
		result = -errno;
	else if (S_ISLNK(st.st_mode) && !is_of_proc(fd))
		result = trusts(w, st.st_uid) ? follow(w, fd) : -ELOOP;
	else if (is_last(w))
		result = open_existing(w, name, S_ISLNK(st.st_mode));
	else
		result = enter(w, name, S_ISLNK(st.st_mode));
	close(fd);
	return result;
}

static int open_as_root(const char *path)
{
	struct walk w = { .at = -1, .caller = find_caller() };
	char name[PATH_MAX];
	int result;

	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	strcpy(w.rest, path);
	result = walk_to(&w, path[0] == '/' ? "/" : ".");
	if (result < 0)
		return result;
	do
		result = next_name(&w, name) ? take_name(&w, name) : -EISDIR;
	while (result == WALK_ON);
	close(w.at);
	return result;
}

static int open_once(const char *path)
{
	int fd;

	if (geteuid() == 0)
		return open_as_root(path);
	fd = open(path, WRITE | O_CREAT, 0600);
	return fd < 0 ? -errno : fd;
}

static bool is_fifo(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static int open_when_read(const char *path)
{
	const struct timespec pause = { .tv_nsec = FIFO_PAUSE_NS };
	int fd;

	log_warn("\"%s\" is a FIFO that no process reads: waiting for its reader", path);
	do
		nanosleep(&pause, NULL);
	while ((fd = open_once(path)) == -ENXIO && is_fifo(path));
	return fd;
}

int output_file_open(const char *path)
{
	int fd = open_once(path), flags;

	if (fd == -ENXIO && is_fifo(path))
		fd = open_when_read(path);
	if (fd < 0)
		return fd;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return fd;
	flags = -errno;
	close(fd);
	return flags;
}

int output_file_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return geteuid() == 0 && S_ISREG(st.st_mode) && st.st_nlink > 1 ? -EMLINK : 0;
}

bool output_file_caller(uid_t *uid, gid_t *gid)
{
	struct caller c = find_caller();

	*uid = c.uid;
	*gid = c.gid;
	return c.known;
}

const char *output_file_advice(int err)
{
	switch (err) {
	case -ELOOP:
		return "a symbolic link in this path belongs neither to root nor to who called sudo, so it is not followed; "
		       "name the file itself";
	case -EMLINK:
		return "it is the same file as another (a hard link), which root does not write to; name another";
	case -ENXIO:
		return "it cannot be written to; name a file or a FIFO";
	default:
		return "check the folder and its permissions";
	}
}
