/* recording.c - see recording.h */
#include "app/run/recording.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pcap/pcap.h>

#include "app/run/outputs.h"
#include "base/log.h"

/* "dir.d/x.pcapng" and "raw" give "dir.d/x.raw.pcapng"; given to the caller, NULL when out of memory */
static char *path_of(const char *path, const char *linktype)
{
	const char *name = strrchr(path, '/'), *suffix;
	struct buffer out = { 0 };

	name = name ? name + 1 : path;
	suffix = strrchr(name, '.');
	if (!suffix || suffix == name)
		suffix = path + strlen(path);
	buffer_printf(&out, "%.*s", (int)(suffix - path), path);
	if (linktype) {
		buffer_add_str(&out, ".");
		for (; *linktype; linktype++)
			buffer_printf(&out, "%c", tolower((unsigned char)*linktype));
	}
	buffer_add_str(&out, suffix);
	buffer_text(&out);
	if (buffer_ok(&out))
		return (char *)out.bytes;
	buffer_deinit(&out);
	return NULL;
}

static int open_file(struct recording *r, const struct recording_settings *set, int linktype, struct buffer *error)
{
	struct recorder_options *o = &r->recorder_options;
	struct recorder_file *file = &o->files[o->file_count];
	const char *name = pcap_datalink_val_to_name(linktype);
	char **path = &r->path[o->file_count];

	*file = (struct recorder_file){ .fd = -1, .linktype = linktype };
	*path = path_of(set->path, o->file_count == 0 ? NULL : name ? name : "other");
	if (!*path) {
		buffer_add_str(error, "cannot name the files of the recording: out of memory");
		return -ENOMEM;
	}
	o->file_count++;
	file->fd = strcmp(*path, "-") == 0 ? STDOUT_FILENO : output_open(*path, "packets", OUTPUT_EMPTY, &set->read, error);
	return file->fd < 0 ? file->fd : 0;
}

int recording_open(struct recording *r, struct recording_settings set, struct source *source,
		   struct buffer *error)
{
	int linktypes[RECORDER_FILES_MAX] = { DLT_EN10MB }, err = 0;
	size_t count;

	if (!set.path)
		return 0;
	r->recorder_options.snaplen = set.snaplen;
	r->recorder_options.max_memory = set.max_memory;
	r->recorder_options.waits = source_is_live(source) == false;
	count = source_linktypes(source, linktypes, RECORDER_FILES_MAX);
	if (count == 0)
		count = 1; /* nothing in there can be decoded; the file will be empty, but be there */
	if (count > 1 && strcmp(set.path, "-") == 0) {
		buffer_add_str(
			error,
			"cannot write packets of several link types to standard output: each needs a file "
			"of its own; name one with -w");
		return -EINVAL;
	}
	for (size_t i = 0; i < count && err == 0; i++)
		err = open_file(r, &set, linktypes[i], error);
	return err;
}

bool recording_is_on(const struct recording *r)
{
	return r->recorder_options.file_count > 0;
}

void recording_add_secrets(struct recording *r, recorder_secrets_fn *secrets_of, void *ctx)
{
	r->recorder_options.secrets_of = secrets_of;
	r->recorder_options.secrets_ctx = ctx;
	log_warn("--write-secrets: whoever has \"%s\" can read the connections in it; keep it as you keep the key log", r->path[0]);
}

int recording_start(struct recording *r, size_t lanes, struct budget *budget, struct buffer *error)
{
	int err;

	if (!recording_is_on(r))
		return 0;
	r->recorder_options.budget = budget;
	r->recorder_options.lanes = lanes;
	err = recorder_new(&r->recorder_options, &r->recorder[0]);
	for (size_t i = 1; i < lanes && err == 0; i++)
		err = recorder_join(r->recorder[0], i, &r->recorder[i]);
	if (err < 0)
		buffer_printf(error, "cannot start to write packets to \"%s\": %s", r->path[0], strerror(-err));
	return err;
}

/* Of all lanes; the last one that is closed tells what became of the files. */
static struct recorder_stats close_recorders(struct recording *r)
{
	struct recorder_stats sum = { 0 };

	for (size_t i = 0; i < SOURCE_LANES_MAX; i++) {
		struct recorder_stats s = recorder_close(r->recorder[i]);

		r->recorder[i] = NULL;
		sum.flows += s.flows;
		sum.packets += s.packets;
		sum.secrets += s.secrets;
		sum.bytes += s.bytes;
		sum.forgotten += s.forgotten;
		sum.dropped += s.dropped;
		sum.unfiled += s.unfiled;
		if (s.error < 0) {
			sum.error = s.error;
			sum.error_file = s.error_file;
		}
	}
	return sum;
}

/* "a" or "a" and "b" */
static void list_paths(const struct recording *r, struct buffer *out)
{
	for (size_t i = 0; i < r->recorder_options.file_count; i++)
		buffer_printf(out, "%s\"%s\"", i ? " and " : "", r->path[i]);
}

int recording_finish(struct recording *r)
{
	struct recorder_stats *s = &r->stats;
	struct buffer paths = { 0 };

	if (!r->recorder[0])
		return 0;
	*s = close_recorders(r);
	list_paths(r, &paths);
	log_info("wrote %" PRIu64 " packets of %" PRIu64 " flows to %s", s->packets, s->flows,
		 buffer_text(&paths));
	if (r->recorder_options.secrets_of)
		log_info("... and the secrets of %" PRIu64 " of them", s->secrets);
	buffer_deinit(&paths);
	if (s->forgotten > 0)
		log_warn("%" PRIu64
			 " packets from the beginning of these flows are not in the recording: they came too "
			 "long before the first chosen request; --max-memory makes room for more",
			 s->forgotten);
	if (s->dropped > 0 && s->error == 0)
		log_warn("%" PRIu64
			 " packets of these flows are not in the recording: it could not be written as "
			 "fast as they came",
			 s->dropped);
	if (s->unfiled > 0)
		log_warn("%" PRIu64
			 " packets of these flows are not in the recording: their link type came up only after it was "
			 "begun; save what the pipe gives and read that file with -r",
			 s->unfiled);
	if (s->error < 0)
		log_error_errno(-s->error, "cannot write packets to \"%s\"; make room there or name another file; %" PRIu64 " are missing",
				r->path[s->error_file], s->dropped);
	return s->error;
}

void recording_close(struct recording *r)
{
	close_recorders(r);
	for (size_t i = 0; i < r->recorder_options.file_count; i++) {
		if (r->recorder_options.files[i].fd > STDERR_FILENO)
			close(r->recorder_options.files[i].fd);
		free(r->path[i]);
	}
	*r = (struct recording){ .stats = { 0 } };
}
