/* log.c - see log.h; a line is built on the stack and written with one call */
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/json.h"
#include "base/lines.h"

#define CLEAR_LINE     "\r\033[K"
#define LINE_MAX_BYTES 2048 /* below PIPE_BUF, so lines of two threads do not mix in a pipe */

static _Atomic int threshold = LOG_INFO;
static _Atomic unsigned long dropped;
static atomic_bool status_line;
static int journal = -1; /* set once, before there is a second thread, and so is: */
static bool as_json;

void log_use_journal(void)
{
	journal = journal_open();
}

/* true if the journal took all of the lines; without the newlines, and without who we are, which it knows */
static bool told_journal(enum log_level level, const struct log_field *fields, size_t count, const void *bytes, size_t len)
{
	static const int priorities[] = { [LOG_ERROR] = 3, [LOG_WARN] = 4, [LOG_INFO] = 6, [LOG_DEBUG] = 7 };
	struct span rest = span_of(bytes, len), line;
	bool told = journal >= 0;

	while (told && line_take(&rest, &line)) {
		if (span_starts(line, SPAN_LITERAL("shadowtap: ")))
			span_skip(&line, sizeof("shadowtap: ") - 1);
		told = journal_send(journal, priorities[level], line, fields, count);
	}
	return told;
}

void log_use_json(void)
{
	as_json = true;
}

void log_set_status_line(bool shown)
{
	atomic_store(&status_line, shown);
}

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* One call for both, so that nothing of another thread gets between them. */
static bool write_now(const char *before, const void *bytes, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct iovec parts[2] = { { (void *)before, strlen(before) }, { (void *)bytes, len } };

	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
		return false;
	return writev(STDERR_FILENO, parts, 2) >= 0;
}

static bool write_or_drop(const char *before, const void *bytes, size_t len)
{
	unsigned long lost = atomic_exchange(&dropped, 0);
	char note[80];

	if (lost > 0) {
		int n = snprintf(note, sizeof(note), "shadowtap: %lu log lines dropped: stderr is full\n", lost);

		if (!write_now(before, note, (size_t)n)) {
			atomic_fetch_add(&dropped, lost + 1);
			return false;
		}
	}
	if (write_now(before, bytes, len))
		return true;
	atomic_fetch_add(&dropped, 1);
	return false;
}

bool log_raw(const void *bytes, size_t len)
{
	if (told_journal(LOG_INFO, NULL, 0, bytes, len))
		return true;
	return write_or_drop("", bytes, len);
}

bool log_fields(enum log_level level, const struct log_field *fields, size_t count, const void *bytes, size_t len)
{
	if (told_journal(level, fields, count, bytes, len))
		return true;
	return write_or_drop(atomic_load(&status_line) ? CLEAR_LINE : "", bytes, len);
}

bool log_finished(const void *bytes, size_t len)
{
	return log_fields(LOG_INFO, NULL, 0, bytes, len);
}

bool log_blocking(const void *bytes, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	bool ready = poll(&fd, 1, -1) == 1;

	log_finished(bytes, len);
	return ready;
}

/** log_json() - one line as an object, for who reads standard error by program; as it is if there is no memory */
static void log_json(enum log_level level, struct span line)
{
	static const char *const names[] = { [LOG_ERROR] = "ERROR", [LOG_WARN] = "WARNING", [LOG_INFO] = "INFO",
					     [LOG_DEBUG] = "DEBUG" };
	struct buffer out = { 0 };
	struct json j = json_to(&out);
	struct span message = line;

	span_skip(&message, sizeof("shadowtap: ") - 1);
	message.len--; /* its newline */
	json_open(&j, '{');
	json_key(&j, "event");
	json_str(&j, "log");
	json_key(&j, "level");
	json_str(&j, names[level]);
	json_key(&j, "message");
	json_text(&j, message);
	json_close(&j, '}');
	buffer_add_str(&out, "\n");
	if (buffer_ok(&out))
		line = buffer_span(&out);
	write_or_drop(atomic_load(&status_line) ? CLEAR_LINE : "", line.at, line.len);
	buffer_deinit(&out);
}

__attribute__((format(printf, 3, 0))) static void log_line(enum log_level level, int err,
							   const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t at;
	int n;

	if (!log_enabled(level))
		return;
	at = (size_t)snprintf(line, sizeof(line), "shadowtap: ");
	n = vsnprintf(line + at, sizeof(line) - at - 1, format, args);
	if (n > 0)
		at += (size_t)n;
	if (err && at < sizeof(line)) {
		n = snprintf(line + at, sizeof(line) - at - 1, ": %s", strerror(err));
		if (n > 0)
			at += (size_t)n;
	}
	if (at > sizeof(line) - 1)
		at = sizeof(line) - 1;
	line[at] = '\n';
	if (as_json && journal < 0)
		log_json(level, span_of(line, at + 1));
	else
		log_fields(level, NULL, 0, line, at + 1);
}

#define LOG_FUNCTION(name, level)                                                                            \
	void name(const char *format, ...)                                                                   \
	{                                                                                                    \
		va_list args;                                                                                \
													     \
		va_start(args, format);                                                                      \
		log_line(level, 0, format, args);                                                            \
		va_end(args);                                                                                \
	}

#define LOG_ERRNO_FUNCTION(name, level)                                                                      \
	void name(int err, const char *format, ...)                                                          \
	{                                                                                                    \
		va_list args;                                                                                \
													     \
		va_start(args, format);                                                                      \
		log_line(level, err, format, args);                                                          \
		va_end(args);                                                                                \
	}

LOG_FUNCTION(log_error, LOG_ERROR)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_ERRNO_FUNCTION(log_error_errno, LOG_ERROR)
LOG_ERRNO_FUNCTION(log_warn_errno, LOG_WARN)
