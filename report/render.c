/* render.c - see render.h */
#include "report/render.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/write_all.h"
#include "report/page.h"

enum form { FORM_UNKNOWN, FORM_JSON, FORM_HTML, FORM_MARKDOWN };

static enum form form_of(const char *path)
{
	static const struct {
		const char *suffix;
		enum form form;
	} forms[] = { { ".json", FORM_JSON }, { ".html", FORM_HTML }, { ".md", FORM_MARKDOWN } };
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t n = strlen(forms[i].suffix);

		if (len > n && path[len - n - 1] != '/' && strcmp(path + len - n, forms[i].suffix) == 0)
			return forms[i].form;
	}
	return FORM_UNKNOWN;
}

bool render_knows(const char *path)
{
	return form_of(path) != FORM_UNKNOWN;
}

/* A limit (ulimit -f) holds for bytes that are written over as well, which fallocate() does not look at. */
static int take_room(int fd, size_t len)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < len)
		return -EFBIG;
	if (len > 0 && fallocate(fd, 0, 0, (off_t)len) < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	return 0;
}

/* Room is taken before the first old byte is overwritten: a full disk, or a limit, leaves the file as it was. */
static int replace(int fd, struct span bytes)
{
	int err = take_room(fd, bytes.len);

	if (err < 0)
		return err;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	err = write_all(fd, bytes);
	return err == 0 && ftruncate(fd, (off_t)bytes.len) < 0 ? -errno : err;
}

static int put(int fd, struct span bytes)
{
	struct stat st;

	if (fd > STDERR_FILENO && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return replace(fd, bytes);
	return write_all(fd, bytes);
}

static int draw(int fd, enum medium medium, struct span json)
{
	struct json_doc doc = { 0 };
	struct buffer page = { 0 };
	int err = json_doc_parse(&doc, json);

	if (err == 0)
		err = page_draw(&doc, medium, &page);
	if (err == 0)
		err = put(fd, buffer_span(&page));
	buffer_deinit(&page);
	json_doc_deinit(&doc);
	return err;
}

int render_write(int fd, const char *path, struct span json)
{
	switch (form_of(path)) {
	case FORM_HTML:
		return draw(fd, MEDIUM_HTML, json);
	case FORM_UNKNOWN: /* standard output: for reading in a terminal */
	case FORM_MARKDOWN:
		return draw(fd, MEDIUM_MARKDOWN, json);
	case FORM_JSON:
		break;
	}
	return put(fd, json);
}
