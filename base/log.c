/* log.c - see log.h; a line is built on the stack and written with one call */
#include "base/log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048 /* below PIPE_BUF, so lines of two threads do not mix in a pipe */

static _Atomic int threshold = LOG_INFO;
static _Atomic unsigned long dropped;
static atomic_bool status_line;

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

static bool write_now(const void *bytes, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&fd, 1, 0) != 1 || !(fd.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, bytes, len) >= 0;
}

bool log_raw(const void *bytes, size_t len)
{
	unsigned long lost = atomic_exchange(&dropped, 0);
	char note[80];

	if (lost > 0) {
		int n = snprintf(note, sizeof(note), "shadowtap: %lu log lines dropped: stderr is full\n", lost);

		if (!write_now(note, (size_t)n)) {
			atomic_fetch_add(&dropped, lost + 1);
			return false;
		}
	}
	if (write_now(bytes, len))
		return true;
	atomic_fetch_add(&dropped, 1);
	return false;
}

__attribute__((format(printf, 3, 0))) static void log_line(enum log_level level, int err,
							    const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];
	size_t at;
	int n;

	if (!log_enabled(level))
		return;
	at = (size_t)snprintf(line, sizeof(line), "%sshadowtap: ", atomic_load(&status_line) ? "\r\033[K" : "");
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
	log_raw(line, at + 1);
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
