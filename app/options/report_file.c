/* report_file.c - see report_file.h */
#include "app/options/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "app/options/read_all.h"
#include "base/log.h"

#define REPORT_BYTES_MAX (256u << 20)

static int read_whole(const char *path, struct buffer *out)
{
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, REPORT_BYTES_MAX, out);
	close(fd);
	return err;
}

int report_file_read(struct report_file *f, const char *path)
{
	int err = read_whole(path, &f->text);

	if (err < 0) {
		log_error("cannot read the report \"%s\": %s; check the path", path, strerror(-err));
		return err;
	}
	err = json_doc_parse(&f->doc, buffer_span(&f->text));
	if (err < 0)
		log_error("\"%s\" is no report: %s at byte %zu; --report FILE.json writes one", path,
			  f->doc.error ? f->doc.error : strerror(-err), f->doc.error_at);
	if (err == 0 && (f->doc.count == 0 || f->doc.nodes[0].type != JSON_OBJECT ||
			 !json_doc_member(&f->doc, 0, SPAN_LITERAL("requests")))) {
		log_error("\"%s\" is JSON, but no report of shadowtap: it lacks the member \"requests\"; --report FILE.json "
			  "writes one",
			  path);
		err = -EINVAL;
	}
	return err;
}

void report_file_deinit(struct report_file *f)
{
	json_doc_deinit(&f->doc);
	buffer_deinit(&f->text);
}
