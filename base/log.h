/*
 * log.h - lines for people, on standard error, for which no thread waits
 *
 * A write to a full pipe would stall the thread that logs, and a stalled lane
 * loses packets. So each line is written only if the descriptor takes it at
 * once; otherwise it is dropped and counted, and the next line that gets
 * through says how many were. Nothing on the packet path logs above debug
 * without a rate limit of its own.
 *
 * Where standard error is the journal of systemd, lines go to journald itself, with
 * their priority and fields (journal.h), and to standard error what it does not take.
 *
 * What must never be logged: bodies, credentials, query strings.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/journal.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** log_use_journal() - from now on lines go to journald, if that is where standard error goes; before any thread logs */
void log_use_journal(void);

/** log_use_json() - from now on lines are objects of JSON, but in the journal; before there is a second thread */
void log_use_json(void);

/** log_set_level() - show lines up to this level; LOG_INFO until set */
void log_set_level(enum log_level level);

bool log_enabled(enum log_level level);

/*
 * One line each, without a newline at the end; "shadowtap: " is put before it.
 * The _errno variants append ": " and the text of @err (positive errno).
 */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error_errno(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn_errno(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** log_set_status_line() - a status line is being redrawn in place: clear it before each line */
void log_set_status_line(bool shown);

/** log_finished() - finished lines (JSON, totals), newlines included, in the place of a status line; false if dropped */
bool log_finished(const void *bytes, size_t len);

/**
 * log_blocking() - as log_finished(), but waits until standard error takes the bytes: for who has nothing to be late for
 * Return: false if a signal ended the waiting; the line is then dropped, and it is time to stop waiting.
 */
bool log_blocking(const void *bytes, size_t len);

/** log_fields() - as log_finished(), for one line; the journal gets it with @level and with @fields */
bool log_fields(enum log_level level, const struct log_field *fields, size_t count, const void *bytes, size_t len);

/** log_raw() - write @len bytes as they are (a redrawn status) under the same rule; false if dropped */
bool log_raw(const void *bytes, size_t len);

#endif
