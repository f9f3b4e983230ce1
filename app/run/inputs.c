/* inputs.c - see inputs.h */
#include "app/run/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/process/listen_only.h"
#include "app/process/privileges.h"
#include "base/log.h"

/* Each lane has its own, for a descriptor has one place in its file. */
static int hold_files(struct inputs *in)
{
	size_t files = in->set.files.path_count;

	if (in->set.loops == 1)
		return 0;
	in->held_fds = malloc(in->lanes * files * sizeof(*in->held_fds));
	if (!in->held_fds)
		return -ENOMEM;
	in->held_count = in->lanes * files;
	for (size_t i = 0; i < in->held_count; i++) /* -1 if that fails: opening the path says why */
		in->held_fds[i] = open(in->set.files.paths[i % files], O_RDONLY | O_CLOEXEC);
	return 0;
}

int inputs_open_again(const struct inputs *in, size_t lane, struct source **out, struct buffer *error)
{
	struct file_options options = in->set.files;

	if (in->held_fds)
		options.fds = in->held_fds + lane * in->set.files.path_count;
	return source_open_files(&options, out, error);
}

/* Several lanes read the same, so it must be there to be read several times. */
static int check_files(const struct inputs *in, struct buffer *error)
{
	for (size_t i = 0; in->lanes > 1 && i < in->set.files.path_count; i++) {
		const char *path = in->set.files.paths[i];
		struct stat st;

		if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
			continue; /* opening it says what is wrong */
		buffer_printf(error,
			      "\"%s\" is no regular file, and each lane reads the recording for itself; save it first, "
			      "or leave --lanes out",
			      path);
		return -EINVAL;
	}
	return 0;
}

static int open_recordings(struct inputs *in, struct buffer *error)
{
	int err = check_files(in, error);

	if (err == 0 && hold_files(in) < 0) {
		buffer_add_str(error, "cannot read the capture files: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < in->lanes && err == 0; i++)
		err = inputs_open_again(in, i, &in->sources[i], error);
	return err;
}

struct live_options inputs_live(const struct input_settings *set, struct buffer *program)
{
	struct live_options live = set->live;

	privileges_program(program);
	live.program = program->len ? buffer_text(program) : NULL;
	return live;
}

int inputs_listen_only(const struct input_settings *set, struct source *const *sources, size_t count, struct buffer *error)
{
	int fds[LISTEN_ONLY_MAX + 1], err;
	size_t sockets = 0;

	for (size_t i = 0; i < count; i++)
		sockets += source_sockets(sources[i], fds + sockets, LISTEN_ONLY_MAX + 1 - sockets);
	err = listen_only_enter(fds, sockets, error);
	if (err == 0 || err == -E2BIG)
		return err;
	if (set->sandbox) {
		buffer_add_str(error, "; --no-sandbox captures all the same");
		return err;
	}
	log_warn("%s: that nothing is ever sent there is kept, but not enforced", buffer_text(error));
	buffer_clear(error);
	return 0;
}

int inputs_open(struct inputs *in, struct input_settings set, size_t lanes, struct buffer *error)
{
	struct buffer program = { 0 };
	struct live_options live;
	int err;

	*in = (struct inputs){ .set = set, .lanes = lanes };
	if (set.has_broker)
		return 0;
	if (set.files.path_count > 0)
		return open_recordings(in, error);
	live = inputs_live(&set, &program);
	err = source_open_lanes(&live, lanes, in->sources, error);
	buffer_deinit(&program);
	return err < 0 ? err : inputs_listen_only(&set, in->sources, lanes, error);
}

void inputs_release(struct inputs *in)
{
	for (size_t i = 0; i < in->lanes; i++)
		in->sources[i] = NULL;
}

void inputs_close(struct inputs *in)
{
	for (size_t i = 0; i < in->lanes; i++)
		source_close(in->sources[i]);
	for (size_t i = 0; i < in->held_count; i++)
		if (in->held_fds[i] >= 0)
			close(in->held_fds[i]);
	free(in->held_fds);
	*in = (struct inputs){ 0 };
}
