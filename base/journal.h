/*
 * journal.h - log lines with fields, straight to journald
 *
 * systemd says in JOURNAL_STREAM which device and inode its stream to the
 * journal has. If that is what standard error is, a line that is sent to
 * journald's own socket instead keeps its priority and its fields, and
 * journalctl -p warning or SHADOWTAP_REASON=timeout find it.
 *
 * The protocol is systemd's native one: a datagram of KEY=VALUE lines, or, for a
 * value with a line break in it, KEY, its length as 64 bits and the bytes. The
 * socket is connected at the start, before privileges are given up, and never
 * waits: what it does not take goes to standard error as ever.
 */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/** struct log_field - @key in the journal's letters: A to Z, digits and "_" */
struct log_field {
	const char *key;
	struct span value;
};

#define LOG_FIELDS_MAX 8

/** journal_open() - connect, if standard error is the journal's; -1: it is not, or no journal listens */
int journal_open(void);

/**
 * journal_send() - one entry, without waiting; any thread
 * @priority:  as in syslog(3): 3 error, 4 warning, 6 info, 7 debug
 * Return: false if it was not taken.
 */
bool journal_send(int fd, int priority, struct span message, const struct log_field *fields, size_t count);

#endif
