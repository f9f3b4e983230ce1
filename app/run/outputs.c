/* outputs.c - see outputs.h */
#include "app/run/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/render.h"
#include "app/record/output_file.h"
#include "base/log.h"

/* Is the open file one of those that are read? By device and inode: a path has many spellings. */
static bool is_read(int fd, const struct texts *read)
{
	struct stat ours, theirs;

	if (fstat(fd, &ours) < 0 || !S_ISREG(ours.st_mode))
		return false;
	for (size_t i = 0; i < read->count; i++) {
		const char *path = read->at[i];
		int err = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &theirs) : stat(path, &theirs);

		if (err == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
			return true;
	}
	return false;
}

/* Emptied only when it is known to be no capture that we are about to read: O_TRUNC would come too early. */
static int prepare(int fd, enum output_start start, const struct texts *read)
{
	struct stat st;
	int err;

	if (is_read(fd, read))
		return -EBUSY;
	err = output_file_check(fd);
	if (err < 0)
		return err;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	/* A file that was there before may be open to all; that it is shared with a group was decided by its owner. */
	if (st.st_mode & S_IRWXO && fchmod(fd, st.st_mode & ~(mode_t)(S_IFMT | S_IRWXO)) < 0)
		return -errno;
	return start == OUTPUT_EMPTY && ftruncate(fd, 0) < 0 ? -errno : 0;
}

int output_open(const char *path, const char *what, enum output_start start, const struct texts *read,
		struct buffer *error)
{
	int fd = output_file_open(path);
	int err = fd < 0 ? fd : prepare(fd, start, read);

	if (err == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	if (err == -EBUSY)
		buffer_printf(error,
			      "cannot write %s to \"%s\": it is read by this run, with -r; name another file",
			      what, path);
	else
		buffer_printf(error, "cannot write %s to \"%s\": %s; %s", what, path, strerror(-err), output_file_advice(err));
	return err;
}

int outputs_open(struct outputs *o, struct output_settings set, struct buffer *error)
{
	*o = (struct outputs){ .set = set, .events_fd = -1 };
	if (set.reports.count > REPORTS_MAX) {
		buffer_printf(error, "too many --report options, the most is %d; shadowtap report draws more from the .json", REPORTS_MAX);
		return -EINVAL;
	}
	if (set.events_path) {
		o->events_fd = strcmp(set.events_path, "-") == 0
				       ? STDOUT_FILENO
				       : output_open(set.events_path, "events", OUTPUT_EMPTY, &set.read, error);
		if (o->events_fd < 0)
			return o->events_fd;
	}
	for (size_t i = 0; i < set.reports.count; i++) {
		int fd = output_open(set.reports.at[i], "the report", OUTPUT_KEEP, &set.read, error);

		if (fd < 0)
			return fd;
		o->report_fd[o->report_count++] = fd;
	}
	return 0;
}

int outputs_start(struct outputs *o, bool waits)
{
	int err;

	if (o->events_fd < 0)
		return 0;
	err = event_writer_new(o->events_fd, waits, &o->events);
	if (err == 0)
		o->events_fd = -1;
	return err;
}

int outputs_report(struct outputs *o, const struct document_facts *facts, struct document_gate *gate)
{
	struct buffer text = { 0 };
	int result = 0;

	document_json(facts, gate, &text);
	for (size_t i = 0; i < o->report_count; i++) {
		int err = buffer_ok(&text) ? render_write(o->report_fd[i], o->set.reports.at[i], buffer_span(&text)) :
					     -ENOMEM;

		if (err < 0) {
			log_error("cannot write the report to \"%s\": %s; the totals are above, in the log",
				  o->set.reports.at[i], strerror(-err));
			result = err;
		}
	}
	buffer_deinit(&text);
	return result;
}

int outputs_finish_events(struct outputs *o)
{
	int err = event_writer_close(o->events);

	o->events = NULL;
	if (err < 0)
		log_error("cannot write events to \"%s\": %s; the run was ended there%s", o->set.events_path,
			  strerror(-err), err == -EPIPE ? ", since they are read no more" : ", repeat it with another FILE");
	return err;
}

void outputs_close(struct outputs *o)
{
	event_writer_close(o->events);
	if (o->events_fd > STDERR_FILENO)
		close(o->events_fd);
	for (size_t i = 0; i < o->report_count; i++)
		close(o->report_fd[i]);
}
