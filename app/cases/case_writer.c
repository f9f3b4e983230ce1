/* case_writer.c - see case_writer.h */
#include "app/cases/case_writer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/cases/case_folder.h"
#include "app/process/privileges.h"
#include "app/process/second_process.h"
#include "app/record/output_file.h"
#include "base/write_all.h"

#define FILE_NAME_MAX  32
#define FILE_BYTES_MAX (UINT64_C(1) << 31)

struct case_writer {
	int fd;
};

/** struct order - what goes before the content of a file; the two ends are one program */
struct order {
	char name[CASE_NAME_MAX], file[FILE_NAME_MAX];
	uint64_t len;
	uint32_t is_first, is_program;
};

/* ---- the process ---- */

static void close_others(int fd)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (dup2(fd, STDIN_FILENO) < 0)
		_exit(1);
	for (int other = STDIN_FILENO + 1; other < (most > 0 && most < 65536 ? most : 65536); other++)
		close(other);
}

static int become_caller(void)
{
	struct buffer error = { 0 };
	uid_t uid;
	gid_t gid;
	int err;

	if (output_file_caller(&uid, &gid) && (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0))
		return -errno;
	err = privileges_drop(NULL, &error);
	buffer_deinit(&error);
	return err;
}

static int write_one(int folder, const struct order *o)
{
	struct buffer content = { 0 };
	char *room = o->len <= FILE_BYTES_MAX ? buffer_room(&content, (size_t)o->len + 1) : NULL;
	int err = room ? second_process_read(STDIN_FILENO, room, (size_t)o->len) : -ENOMEM;

	if (err == 0 && o->is_first)
		err = case_folder_begin(folder, o->name);
	if (err == 0)
		err = case_folder_write(folder, o->name, o->file, o->is_program, span_of(room, (size_t)o->len));
	buffer_deinit(&content);
	return err;
}

/** serve() - until the other end is closed: 0, or the first error */
static int serve(int folder)
{
	struct order o;
	int err = 0;

	while (err == 0 && second_process_read(STDIN_FILENO, &o, sizeof(o)) == 0) {
		o.name[sizeof(o.name) - 1] = o.file[sizeof(o.file) - 1] = '\0';
		err = write_one(folder, &o);
	}
	return err;
}

static void tell(int32_t status)
{
	if (write_all(STDIN_FILENO, span_of(&status, sizeof(status))) < 0)
		_exit(1);
}

static void process(int fd, const char *path)
{
	int folder;

	second_process_signals(SIG_IGN);
	close_others(fd);
	folder = become_caller();
	if (folder == 0)
		folder = case_folder_open(path);
	tell(folder < 0 ? folder : 0);
	if (folder >= 0)
		tell(serve(folder));
	_exit(0);
}

/* ---- the run's end ---- */

static int read_status(int fd)
{
	int32_t status;
	int err = second_process_read(fd, &status, sizeof(status));

	return err < 0 ? err : status;
}

int case_writer_start(const char *path, struct case_writer **out, struct buffer *error)
{
	struct case_writer *w = calloc(1, sizeof(*w));
	int ends[2], err;
	pid_t pid;

	if (!w || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err = w ? -errno : -ENOMEM;
		free(w);
		buffer_printf(error, "cannot write cases to \"%s\": %s", path, strerror(-err));
		return err;
	}
	pid = fork();
	if (pid == 0)
		process(ends[1], path);
	err = pid < 0 ? -errno : 0;
	close(ends[1]);
	w->fd = ends[0];
	if (err == 0)
		err = read_status(w->fd);
	if (err < 0) {
		buffer_printf(error, "cannot write cases to \"%s\": %s; %s", path, strerror(-err), case_folder_advice(err));
		case_writer_free(w);
		return err;
	}
	*out = w;
	return 0;
}

int case_writer_put(struct case_writer *w, const char *name, const struct case_file *files, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count && err == 0; i++) {
		struct order o = { .len = files[i].content.len, .is_first = i == 0, .is_program = files[i].is_program };

		if (strlen(name) >= sizeof(o.name) || strlen(files[i].name) >= sizeof(o.file))
			return -ENAMETOOLONG;
		strcpy(o.name, name);
		strcpy(o.file, files[i].name);
		err = write_all(w->fd, span_of(&o, sizeof(o)));
		if (err == 0)
			err = write_all(w->fd, buffer_span(&files[i].content));
	}
	return err;
}

int case_writer_finish(struct case_writer *w)
{
	shutdown(w->fd, SHUT_WR);
	return read_status(w->fd);
}

void case_writer_free(struct case_writer *w)
{
	if (!w)
		return;
	close(w->fd);
	free(w);
}
