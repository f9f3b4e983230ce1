/*
 * input.c - see input.h
 *
 * Theory of operation. Bytes go from the descriptor into `chunk`, from there
 * through zlib if it is gzip, and to stdio by fopencookie(). The first chunk is
 * read at opening, so the format is known without a seek: a pipe has none.
 *
 * stdio keeps a large buffer; reads of a regular file go past `chunk` straight
 * into it. For a pipe input_ready() must know whether anything is left unread in
 * there. No standard says how to ask; glibc shows it in the stream. With another
 * libc a pipe has no buffer, which costs a call for every byte (40 MB/s).
 */
#include "capture/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "capture/lift.h"

#define CHUNK_BYTES (64 * 1024)
#define STREAM_BYTES (256 * 1024)
#define MAGIC_BYTES 4
#define WAIT_MS 20            /* how long an interrupt may go unnoticed */
#define GZIP_WINDOW (15 + 16) /* largest window; expect a gzip header */

struct input {
	FILE *stream; /* the caller's; NULL before input_stream() */
	int fd;
	bool owns_fd, is_file, is_gzip;
	bool ended;         /* the descriptor gave its last byte */
	bool inside_member; /* gzip: a member has begun and not ended */
	struct lift lift;   /* of what the stream gives */
	z_stream zlib;
	const char *trouble; /* static text */
	uint64_t total;
	off_t begin; /* of a regular file: where it stood when it was given to us */
	_Atomic uint64_t done;
	atomic_bool interrupted;
	uint8_t first[MAGIC_BYTES]; /* of what is in a gzip */
	size_t first_at, first_end; /* what is unread of that */
	size_t chunk_at, chunk_end; /* what is unread of the chunk */
	uint8_t chunk[CHUNK_BYTES];
};

/* Files that people hand to us by mistake, and what to do with them. */
static const struct {
	struct span magic;
	const char *what, *advice;
} strangers[] = {
	{ SPAN_LITERAL("\xfd"
		       "7zX"),
	  "compressed with xz", "unpack it first: xz -dc FILE | shadowtap -r - ..." },
	{ SPAN_LITERAL("\x28\xb5\x2f\xfd"), "compressed with zstd",
	  "unpack it first: zstd -dc FILE | shadowtap -r - ..." },
	{ SPAN_LITERAL("BZh"), "compressed with bzip2",
	  "unpack it first: bzip2 -dc FILE | shadowtap -r - ..." },
	{ SPAN_LITERAL("\x04\x22\x4d\x18"), "compressed with lz4",
	  "unpack it first: lz4 -dc FILE | shadowtap -r - ..." },
	{ SPAN_LITERAL("PK\x03\x04"), "a zip archive", "unpack it first: unzip -p FILE | shadowtap -r - ..." },
	{ SPAN_LITERAL("snoo"), "a Solaris snoop capture",
	  "convert it first: editcap -F pcapng FILE new.pcapng" },
};

static ssize_t read_fd(struct input *in, void *out, size_t size)
{
	ssize_t n;

	do {
		if (atomic_load_explicit(&in->interrupted, memory_order_relaxed))
			return 0;
		if (!in->is_file && !input_ready(in, WAIT_MS)) {
			n = -1;
			errno = EINTR;
			continue;
		}
		n = read(in->fd, out, size);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		atomic_fetch_add_explicit(&in->done, (uint64_t)n, memory_order_relaxed);
	if (n == 0)
		in->ended = true;
	return n;
}

/* See that the chunk has unread bytes. Return: 1, 0 at the end, -1 on a read error. */
static int fill_chunk(struct input *in)
{
	ssize_t n;

	if (in->chunk_at < in->chunk_end)
		return 1;
	n = in->ended ? 0 : read_fd(in, in->chunk, sizeof(in->chunk));
	in->chunk_at = 0;
	in->chunk_end = n > 0 ? (size_t)n : 0;
	return n > 0 ? 1 : (int)n;
}

static ssize_t read_plain(struct input *in, char *out, size_t size)
{
	int filled;

	if (in->chunk_at == in->chunk_end && in->is_file)
		return read_fd(in, out, size);
	filled = fill_chunk(in);
	if (filled <= 0)
		return filled;
	if (size > in->chunk_end - in->chunk_at)
		size = in->chunk_end - in->chunk_at;
	memcpy(out, in->chunk + in->chunk_at, size);
	in->chunk_at += size;
	return (ssize_t)size;
}

/* After a member: another one may follow (RFC 1952, 2.2); anything else is padding, which gzip(1) ignores too. */
static bool begin_next_member(struct input *in)
{
	if (fill_chunk(in) <= 0 || in->chunk[in->chunk_at] != 0x1f)
		return false;
	in->inside_member = true;
	return inflateReset(&in->zlib) == Z_OK;
}

static ssize_t read_gzip(struct input *in, char *out, size_t size)
{
	size_t room = size < UINT32_MAX ? size : UINT32_MAX;

	in->zlib.next_out = (Bytef *)out;
	in->zlib.avail_out = (uInt)room;
	while (in->zlib.avail_out == room && !in->trouble) {
		int filled, result;

		if (!in->inside_member && !begin_next_member(in))
			break;
		filled = fill_chunk(in);
		if (filled <= 0) {
			in->trouble = filled < 0 ? "reading it failed" : "its gzip data is cut";
			break;
		}
		in->zlib.next_in = in->chunk + in->chunk_at;
		in->zlib.avail_in = (uInt)(in->chunk_end - in->chunk_at);
		result = inflate(&in->zlib, Z_NO_FLUSH);
		in->chunk_at = in->chunk_end - in->zlib.avail_in;
		if (result == Z_STREAM_END)
			in->inside_member = false;
		else if (result != Z_OK && result != Z_BUF_ERROR)
			in->trouble = result == Z_MEM_ERROR ? "there is not enough memory to unpack it"
							    : "its gzip data is damaged";
	}
	return (ssize_t)(room - in->zlib.avail_out);
}

/* Give back what input_open() looked at of the content of a gzip. */
static ssize_t read_first(struct input *in, char *out, size_t size)
{
	struct span first = span_of(in->first + in->first_at, in->first_end - in->first_at);

	span_truncate(&first, size);
	memcpy(out, first.at, first.len);
	in->first_at += first.len;
	return (ssize_t)first.len;
}

ssize_t input_read(struct input *in, void *out, size_t size)
{
	ssize_t n;

	if (in->first_at < in->first_end)
		return read_first(in, out, size);
	n = in->is_gzip ? read_gzip(in, out, size) : read_plain(in, out, size);
	if (n >= 0)
		return n;
	in->trouble = "reading it failed";
	return -errno;
}

static ssize_t stream_read(void *cookie, char *out, size_t size)
{
	struct input *in = cookie;
	ssize_t n = input_read(in, out, size);

	if (n < 0)
		return -1;
	lift_bytes(&in->lift, (uint8_t *)out, (size_t)n);
	return n;
}

bool input_begins(const struct input *in, struct span with)
{
	struct span content = in->is_gzip ? span_of(in->first, in->first_end) : span_of(in->chunk, in->chunk_end);

	return span_starts(content, with);
}

#ifdef __GLIBC__
#define SHOWS_BUFFER true

static bool has_buffered(const FILE *stream)
{
	return stream && stream->_IO_read_ptr < stream->_IO_read_end;
}
#else
#define SHOWS_BUFFER false

static bool has_buffered(const FILE *stream)
{
	return false;
}
#endif

FILE *input_stream(struct input *in)
{
	static const cookie_io_functions_t functions = { .read = stream_read };

	in->stream = fopencookie(in, "r", functions);
	if (!in->stream)
		return NULL;
	/* Should stdio refuse, what it does by default works as well. */
	if (in->is_file || SHOWS_BUFFER)
		setvbuf(in->stream, NULL, _IOFBF, STREAM_BYTES);
	else
		setvbuf(in->stream, NULL, _IONBF, 0);
	return in->stream;
}

bool input_ready(struct input *in, int timeout_ms)
{
	struct pollfd wait = { .fd = in->fd, .events = POLLIN };

	return in->is_file || in->ended || in->first_at < in->first_end || in->chunk_at < in->chunk_end ||
	       has_buffered(in->stream) || poll(&wait, 1, timeout_ms) > 0;
}

static int fail(struct buffer *error, const char *path, int err)
{
	const char *advice = err == ENOENT   ? "; check the path"
			     : err == EACCES ? "; run as a user who may read it"
					     : "";

	buffer_printf(error, "cannot read \"%s\": %s%s", path, strerror(err), advice);
	return -err;
}

/* Open and say what kind of file it is. */
static int open_path(struct input *in, const char *path, int fd, struct buffer *error)
{
	bool from_stdin = fd < 0 && strcmp(path, "-") == 0;
	struct stat st;

	if (fd >= 0) /* who opened it may not be allowed to any more */
		in->fd = lseek(fd, 0, SEEK_SET) < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	else
		in->fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0 || fstat(in->fd, &st) != 0)
		return fail(error, path, errno);
	in->owns_fd = !from_stdin;
	if (S_ISDIR(st.st_mode)) {
		buffer_printf(
			error,
			"cannot read \"%s\": it is a directory; name the capture files in it, each with -r",
			path);
		return -EISDIR;
	}
	if (isatty(in->fd)) {
		buffer_printf(error,
			      "cannot read \"%s\": it is a terminal; pipe a capture in: tcpdump -w - ... | "
			      "shadowtap -r - ...",
			      path);
		return -EINVAL;
	}
	in->is_file = S_ISREG(st.st_mode);
	if (in->is_file) {
		off_t at = lseek(in->fd, 0, SEEK_CUR);

		in->begin = at > 0 ? at : 0;
		in->total = st.st_size > at && at >= 0 ? (uint64_t)(st.st_size - at) : 0;
	}
	return 0;
}

/* Read until the first bytes are there, or all there are. */
static int read_magic(struct input *in, const char *path, struct buffer *error)
{
	while (in->chunk_end < MAGIC_BYTES && !in->ended) {
		ssize_t n = read_fd(in, in->chunk + in->chunk_end, sizeof(in->chunk) - in->chunk_end);

		if (n < 0)
			return fail(error, path, errno);
		if (n == 0)
			break;
		in->chunk_end += (size_t)n;
	}
	if (in->chunk_end > 0)
		return 0;
	buffer_printf(error, "cannot read \"%s\": it is empty; did the capture that wrote it see any packet?",
		      path);
	return -EINVAL;
}

static int refuse_strangers(struct span content, const char *path, struct buffer *error)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		if (!span_starts(content, strangers[i].magic))
			continue;
		buffer_printf(error, "cannot read \"%s\": it is %s; %s", path, strangers[i].what,
			      strangers[i].advice);
		return -EINVAL;
	}
	return 0;
}

/* How the content begins, which is waited for like the first bytes themselves; what is wrong with it shows to who reads it. */
static void look_into_gzip(struct input *in)
{
	ssize_t n = 1;

	while (in->first_end < sizeof(in->first) && n > 0) {
		n = read_gzip(in, (char *)in->first + in->first_end, sizeof(in->first) - in->first_end);
		in->first_end += n > 0 ? (size_t)n : 0;
	}
}

int input_open(const char *path, int fd, struct input **out, struct buffer *error)
{
	struct input *in = calloc(1, sizeof(*in));
	int result;

	if (!in) {
		buffer_printf(error, "cannot read \"%s\": out of memory", path);
		return -ENOMEM;
	}
	in->fd = -1;
	lift_init(&in->lift);
	result = open_path(in, path, fd, error);
	if (result == 0)
		result = read_magic(in, path, error);
	if (result == 0)
		result = refuse_strangers(span_of(in->chunk, in->chunk_end), path, error);
	if (result == 0 && span_starts(span_of(in->chunk, in->chunk_end), SPAN_LITERAL("\x1f\x8b"))) {
		in->is_gzip = inflateInit2(&in->zlib, GZIP_WINDOW) == Z_OK;
		in->inside_member = true;
		result = in->is_gzip ? 0 : fail(error, path, ENOMEM);
		if (result == 0)
			look_into_gzip(in);
	}
	if (result != 0) {
		input_free(in);
		return result;
	}
	*out = in;
	return 0;
}

void input_interrupt(struct input *in)
{
	atomic_store_explicit(&in->interrupted, true, memory_order_relaxed);
}

bool input_is_file(const struct input *in)
{
	return in->is_file;
}

bool input_is_plain(const struct input *in)
{
	return in->is_file && !in->is_gzip;
}

ssize_t input_read_at(struct input *in, uint64_t offset, void *out, size_t size)
{
	ssize_t n;

	do {
		n = pread(in->fd, out, size, in->begin + (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		in->trouble = "reading it failed";
		return -errno;
	}
	return n;
}

struct file_map *input_map(struct input *in)
{
	return file_map_new(in->fd, in->begin);
}

const char *input_trouble(const struct input *in)
{
	return in->trouble;
}

uint64_t input_done(const struct input *in)
{
	return atomic_load_explicit(&((struct input *)in)->done, memory_order_relaxed);
}

uint64_t input_total(const struct input *in)
{
	return in->total;
}

void input_free(struct input *in)
{
	if (!in)
		return;
	if (in->is_gzip)
		inflateEnd(&in->zlib);
	if (in->owns_fd && in->fd >= 0)
		close(in->fd);
	free(in);
}
