/* case_folder.c - see case_folder.h */
#include "app/cases/case_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write_all.h"

static const char *const file_names[] = { "case.json", "request.bin", "headers", "production.response", "shadow.response", "rules.txt",
					  "diff.txt", "run.sh", "test_shadow.py", "request.http" };

#define FILE_NAMES (sizeof(file_names) / sizeof(file_names[0]))

static bool is_file_name(const char *name)
{
	for (size_t i = 0; i < FILE_NAMES; i++)
		if (strcmp(file_names[i], name) == 0)
			return true;
	return false;
}

/** is_case_name() - letters, digits, and within them '-', '_' and '.': one folder, and no other than it says */
static bool is_case_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < CASE_NAME_MAX && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

static int open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return -EPERM;
}

int case_folder_open(const char *path)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	return open_folder(AT_FDCWD, path);
}

const char *case_folder_advice(int err)
{
	switch (err) {
	case -EPERM:
		return "it belongs to another user, or others may write to it; name a new one";
	case -ELOOP:
	case -ENOTDIR:
		return "it is no folder, or a symbolic link to one; name a new one";
	default:
		return "check the folder in which it is to be, and its permissions";
	}
}

int case_folder_begin(int folder, const char *name)
{
	int fd;

	if (!is_case_name(name))
		return -EINVAL;
	if (mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open_folder(folder, name);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < FILE_NAMES; i++)
		unlinkat(fd, file_names[i], 0);
	close(fd);
	return 0;
}

static int write_file(int folder, const char *file, bool is_program, struct span content)
{
	int fd = openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, is_program ? 0700 : 0600), err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, content);
	return close(fd) < 0 && err == 0 ? -errno : err;
}

int case_folder_write(int folder, const char *name, const char *file, bool is_program, struct span content)
{
	int fd, err;

	if (!is_case_name(name) || !is_file_name(file))
		return -EINVAL;
	fd = open_folder(folder, name);
	if (fd < 0)
		return fd;
	err = write_file(fd, file, is_program, content);
	close(fd);
	return err;
}
