/*
 * key_log.h - the lines of a key log: which secret, of which connection
 *
 * Theory of operation. A line is a label, a space, the client's random of 32 bytes, a
 * space and a secret, the latter two in hexadecimal digits of either case. LF, CR
 * LF and CR end lines; empty ones and those that begin with '#' say nothing. A log is
 * written while it is read, by several programs at a time perhaps, so bytes come in
 * pieces: a line waits for its end, and one that is none of the format is counted and
 * forgotten. Where one begins within it, because who wrote before has ended there, that
 * one is read. Only secrets with which application data can be read are given; those of
 * exporters and of handshakes are passed over unread.
 *
 * Nothing of a line is ever shown, since a mistyped secret is one nearly.
 * Source: RFC 9850, The SSLKEYLOGFILE Format for TLS.
 */
#ifndef TLS_KEY_LOG_H
#define TLS_KEY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "tls/secret_kind.h"

#define TLS_RANDOM_BYTES 32
#define TLS_SECRET_MAX   48 /* the hash of a suite is SHA-384 at most, and so long is a master secret of TLS 1.2 */

/** struct key_log_entry - a line; whoever has one cleanses it (OPENSSL_cleanse()) */
struct key_log_entry {
	enum tls_secret_kind kind;
	uint8_t random[TLS_RANDOM_BYTES];
	uint8_t secret[TLS_SECRET_MAX];
	size_t secret_len;
};

enum key_log_line {
	KEY_LOG_SECRET,
	KEY_LOG_OTHER, /* a label that is not needed: an exporter's, or one that is not known */
	KEY_LOG_EMPTY, /* nothing, or a comment */
	KEY_LOG_MALFORMED,
};

/** key_log_line() - what does @line, without its end, say? @out is set with KEY_LOG_SECRET */
enum key_log_line key_log_line(struct span line, struct key_log_entry *out);

/** key_log_write() - append @entry as a line; wiping it is up to the caller, who has reserved KEY_LOG_LINE_MAX for it before */
void key_log_write(struct buffer *out, const struct key_log_entry *entry);

/* Label, two spaces, both numbers, and as much again for labels that are not known yet. */
#define KEY_LOG_LINE_MAX 400

/** struct key_log - a log that is read piece by piece; zero it at its start */
struct key_log {
	uint8_t line[KEY_LOG_LINE_MAX];
	size_t len;
	bool skipping; /* the line is too long to be one */
	bool after_cr; /* an LF that follows belongs to the line before it */
};

/**
 * struct key_log_sink - @on_entry: a secret, borrowed; @on_line: what a line was, of secrets too, after @on_entry
 * Neither may keep anything of a line.
 */
struct key_log_sink {
	void *ctx;
	void (*on_entry)(void *ctx, const struct key_log_entry *entry);
	void (*on_line)(void *ctx, enum key_log_line line); /* NULL: not wanted */
};

/** key_log_feed() - the next bytes; lines that are whole now reach @sink before this returns */
void key_log_feed(struct key_log *log, struct span bytes, const struct key_log_sink *sink);

/** key_log_end() - nothing follows: the last line needs no end. The log is as at its start, and wiped */
void key_log_end(struct key_log *log, const struct key_log_sink *sink);

#endif
