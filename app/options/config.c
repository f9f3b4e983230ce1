/*
 * config.c - see config.h
 *
 * The format is one `long-option = value` a line, because that is the command
 * line with the dashes left out: there is no second set of names to learn, and
 * no second table can fall behind the first. No sections, no quotes, no
 * continuation lines: a value is what stands between "=" and the end of the
 * line, byte for byte, which is what a regular expression wants.
 */
#include "app/options/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/options/read_all.h"
#include "base/units.h"

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		span_skip(&s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		span_truncate(&s, s.len - 1);
	return s;
}

/* Take from the front of @in up to the first @stop, which is dropped; all of it if there is none. */
static bool take_until(struct span *in, uint8_t stop, struct span *out)
{
	const uint8_t *at = in->len ? memchr(in->at, stop, in->len) : NULL;

	span_take(in, at ? (size_t)(at - in->at) : in->len, out);
	return at && span_skip(in, 1);
}

bool line_next(struct line_reader *reader, struct span *line)
{
	while (reader->rest.len > 0) {
		take_until(&reader->rest, '\n', line);
		reader->number++;
		*line = trim(*line);
		if (line->len > 0 && line->at[0] != '#')
			return true;
	}
	return false;
}

/* A line never begins with one: line_next() passes those over. */
static struct span without_comment(struct span line)
{
	for (size_t i = 1; i < line.len; i++)
		if (line.at[i] == '#' && is_blank(line.at[i - 1])) {
			span_truncate(&line, i);
			break;
		}
	return line;
}

bool config_split(struct span line, struct span *key, struct span *value)
{
	bool split;

	/* The comment goes first: "quiet # = yes" has no value. */
	*value = without_comment(line);
	split = take_until(value, '=', key);
	*key = trim(*key);
	*value = trim(*value);
	return split;
}

static int read_contents(int fd, bool is_text, struct buffer *out)
{
	size_t had = out->len;
	int rc = read_all(fd, CONFIG_BYTES_MAX, out);

	return is_text && rc == 0 && out->len > had && memchr(out->bytes + had, '\0', out->len - had) ? -EILSEQ : rc;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int read_file(const char *path, const char *what, bool is_text, bool again, struct buffer *out, struct buffer *error)
{
	/* without O_NONBLOCK, to open a named pipe is to wait for who writes to it */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (again ? O_NONBLOCK : 0));
	char limit[UNITS_TEXT_MAX];
	int rc;

	if (fd < 0) {
		rc = -errno;
		buffer_printf(error, "cannot open the %s \"%s\": %s%s", what, path, strerror(-rc),
			      again ? "" : rc == -EACCES ? "; run as a user who may read it" : "; check the path");
		return rc;
	}
	rc = again && !is_regular(fd) ? -ESPIPE : read_contents(fd, is_text, out);
	close(fd);
	if (rc == -ESPIPE)
		buffer_printf(error, "the %s \"%s\" is no regular file and cannot be read a second time; restart to change options", what, path);
	else if (rc == -EFBIG)
		buffer_printf(error, "the %s \"%s\" is longer than %s: is it the right file?", what, path,
			      size_text(CONFIG_BYTES_MAX, limit));
	else if (rc == -EILSEQ)
		buffer_printf(error, "the %s \"%s\" contains a NUL byte, so it is no text file; name the right one", what, path);
	else if (rc < 0)
		buffer_printf(error, "cannot read the %s \"%s\": %s; name a file%s", what, path, strerror(-rc),
			      is_text ? " of text" : "");
	return rc;
}

int config_read(const char *path, const char *what, bool again, struct buffer *out, struct buffer *error)
{
	return read_file(path, what, true, again, out, error);
}

int config_read_bytes(const char *path, const char *what, struct buffer *out, struct buffer *error)
{
	return read_file(path, what, false, false, out, error);
}
