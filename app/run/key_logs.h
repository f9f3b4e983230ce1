/*
 * key_logs.h - --keylog: files with the secrets of TLS, read whole at the start and then, live, as they grow; sockets
 *
 * Theory of operation. They are opened with the rights that we started with, and
 * their descriptors are kept, since whom we become may not open them. Live, the loop reads
 * on what was added, each KEY_LOGS_MS; a file that has become shorter is read from
 * its start again. A named pipe is read in the same way, whoever writes to it comes and goes. Where writers end, or a
 * file is cut, the line that is there ends as well: if it is none, it does not spoil the next one's first.
 * With "unix:" before it, a path is that of a Unix socket on which we listen, live: each program that connects to it
 * writes a log of its own. The socket is its owner's alone (mode 0600), and its peers are held to that once more
 * (SO_PEERCRED): the user that we started as, and root.
 *
 * What recordings carry themselves (Decryption Secrets Blocks) comes in by key_logs_add(). Nothing that
 * is read here is shown anywhere; of a line that is none only that there was one.
 */
#ifndef APP_RUN_KEY_LOGS_H
#define APP_RUN_KEY_LOGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "base/buffer.h"
#include "tls/secrets.h"

#define KEY_LOGS_MS  50
#define KEY_LOGS_MAX 64

struct joiner;

/** struct key_log_settings - see stages_key_logs(); everything borrowed */
struct key_log_settings {
	const char *const *paths;
	size_t path_count;
	bool live;       /* they are followed, and what is old is forgotten */
	bool recordings; /* secrets may come out of recordings, too */
	bool hands_on;   /* those of chosen connections are asked for (key_logs_text()): handshakes' are kept, too */
	bool tells_shared; /* who else can read a file is told by @shared_with, and no warning */
	uint32_t join;   /* numbers that are tried for connections whose handshake was not captured; 0: none */
	bool no_way_out; /* what was TLS would go to a broker as plain text: none is read */
};

/** struct key_log_counts - lines of all logs */
struct key_log_counts {
	uint64_t lines, malformed;
	uint64_t secrets[TLS_SECRET_KINDS];
};

enum key_log_source { KEY_LOG_FILE, KEY_LOG_PIPE, KEY_LOG_LISTENER, KEY_LOG_PEER /* of the one before */ };

struct key_log_file {
	int fd;
	enum key_log_source source;
	uint64_t at;  /* read so far */
	struct key_log log;
};

struct key_logs {
	struct key_log_settings set;
	struct secrets *secrets; /* NULL: there are none, and no TLS is read */
	struct joiner *joiner;   /* with @set.join */
	struct key_log_file files[KEY_LOGS_MAX];
	size_t count; /* peers come and go; while there are KEY_LOGS_MAX, the next waits */
	uid_t owner;  /* as whom we started */
	struct key_log_counts counts; /* of @files; the loop's */
	uint64_t told_malformed;
	_Atomic uint64_t recorded_lines, recorded_malformed; /* of what recordings carry */
	const char *shared_path, *shared_with; /* a file that others than its owner can read, and who; NULL: there is none */
	uv_timer_t timer;
	bool follows;
};

/** key_logs_open() - open all and read what is there; 0, or a negative errno with one sentence. key_logs_close() in every case */
int key_logs_open(struct key_logs *k, struct key_log_settings set, struct buffer *error);

/** key_logs_follow() - live: read on, on @loop; key_logs_stop() before the loop ends */
void key_logs_follow(struct key_logs *k, uv_loop_t *loop);
void key_logs_stop(struct key_logs *k);

/** key_logs_read_on() - ... what key_logs_follow() does each time, for who has no loop: no oftener than each KEY_LOGS_MS */
void key_logs_read_on(struct key_logs *k);

/** key_logs_add() - any thread: the text of a log out of a recording, with whole lines; @ctx: struct key_logs */
void key_logs_add(void *ctx, struct span text);

/** key_logs_text() - any thread: append what is known of the client's @random as a log; whoever has it wipes it. @ctx likewise */
void key_logs_text(void *ctx, const uint8_t *random, struct buffer *out);

void key_logs_close(struct key_logs *k);

#endif
