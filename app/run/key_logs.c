/* key_logs.c - see key_logs.h */
#include "app/run/key_logs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/local_socket.h"
#include "base/log.h"
#include "tls/joiner.h"

#define EXPIRE_NS (INT64_C(300) * NS_PER_S) /* live: what nobody has asked for */
#define PIECES_AT_ONCE 64                   /* of a file that grows without end, before the loop does something else */
#define PEERS_WAITING  16

static const char made_first[] = "; a server makes it when it has something to write: make it before, empty and with mode 0600, or a named pipe";

static void on_entry(void *ctx, const struct key_log_entry *entry)
{
	const struct key_logs *k = ctx;

	if (!k->set.hands_on && (entry->kind == TLS_CLIENT_HANDSHAKE || entry->kind == TLS_SERVER_HANDSHAKE))
		return;
	secrets_add(k->secrets, entry, mono_now());
}

static void on_counted_entry(void *ctx, const struct key_log_entry *entry)
{
	struct key_logs *k = ctx;

	k->counts.secrets[entry->kind]++;
	on_entry(ctx, entry);
}

static void on_line(void *ctx, enum key_log_line line)
{
	struct key_logs *k = ctx;

	k->counts.lines++;
	k->counts.malformed += line == KEY_LOG_MALFORMED;
}

/** start_again() - a file that was cut is written anew; what there was of a line goes no further */
static void start_again(struct key_log_file *f, const struct key_log_sink *sink)
{
	struct stat st;

	if (f->source != KEY_LOG_FILE || fstat(f->fd, &st) < 0 || (uint64_t)st.st_size >= f->at)
		return;
	lseek(f->fd, 0, SEEK_SET);
	f->at = 0;
	key_log_end(&f->log, sink);
}

/** read_on() - what was added since; 0, 1 if a peer has ended, or a negative errno. At an end of writers a line ends, too */
static int read_on(struct key_logs *k, struct key_log_file *f, size_t pieces)
{
	struct key_log_sink sink = { k, on_counted_entry, on_line };
	uint8_t bytes[16384];
	ssize_t n = 0;
	int err;

	start_again(f, &sink);
	for (; pieces > 0; pieces--) {
		n = read(f->fd, bytes, sizeof(bytes));
		if (n <= 0)
			break;
		f->at += (uint64_t)n;
		key_log_feed(&f->log, span_of(bytes, (size_t)n), &sink);
	}
	err = n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
	explicit_bzero(bytes, sizeof(bytes));
	if (f->source == KEY_LOG_FILE || (n != 0 && err == 0))
		return err;
	key_log_end(&f->log, &sink); /* nobody writes to a pipe, or a peer has ended: what comes next is another's */
	return err == 0 && f->source == KEY_LOG_PEER ? 1 : err;
}

static void warn_if_shared(struct key_logs *k, const char *path, const struct stat *st)
{
	if (!(st->st_mode & (S_IRGRP | S_IROTH)))
		return;
	k->shared_path = path;
	k->shared_with = st->st_mode & S_IROTH ? "every user of this host" : "the group that it belongs to";
	if (!k->set.tells_shared)
		log_warn("\"%s\" can be read by others than its owner, and who reads it reads these connections: chmod 600", path);
}

static void forget(struct key_log_file *f)
{
	close(f->fd);
	explicit_bzero(&f->log, sizeof(f->log));
}

/** may_write() - is the peer on @fd who we are, or root? */
static bool may_write(const struct key_logs *k, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == k->owner || peer.uid == 0);
}

/** take_peers() - those that have connected to @f, as far as there is room */
static void take_peers(struct key_logs *k, const struct key_log_file *f)
{
	while (k->count < KEY_LOGS_MAX) {
		int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (may_write(k, fd)) {
			k->files[k->count++] = (struct key_log_file){ .fd = fd, .source = KEY_LOG_PEER };
			continue;
		}
		log_warn("a program of another user has connected to the socket of --keylog, and was not listened to");
		close(fd);
	}
}

static int listen_for_one(struct key_logs *k, const char *path, struct buffer *error)
{
	int fd;

	if (!k->set.live) {
		buffer_printf(error, "the key log \"unix:%s\" is a socket, which is for live captures: give the file that was written", path);
		return -EINVAL;
	}
	fd = local_socket_listen(path, PEERS_WAITING);
	if (fd < 0) {
		buffer_printf(error, "cannot listen on \"unix:%s\" for --keylog: %s; is another program there, and may we write to its folder?", path,
			      strerror(-fd));
		return fd;
	}
	k->files[k->count++] = (struct key_log_file){ .fd = fd, .source = KEY_LOG_LISTENER };
	return 0;
}

static int open_one(struct key_logs *k, const char *path, struct buffer *error)
{
	struct key_log_file *f = &k->files[k->count];
	struct stat st;
	int err;

	if (strncmp(path, "unix:", 5) == 0)
		return listen_for_one(k, path + 5, error);
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &st) < 0) {
		err = -errno;
		if (f->fd >= 0)
			close(f->fd);
		buffer_printf(error, "cannot read the key log \"%s\": %s%s", path, strerror(-err),
			      err == -ENOENT && k->set.live ? made_first : "");
		return err;
	}
	k->count++;
	f->source = S_ISREG(st.st_mode) ? KEY_LOG_FILE : KEY_LOG_PIPE;
	if (f->source != KEY_LOG_FILE && !(S_ISFIFO(st.st_mode) && k->set.live)) {
		buffer_printf(error, "the key log \"%s\" is no regular file%s", path, k->set.live ? ", and no named pipe" : "");
		return -EINVAL;
	}
	warn_if_shared(k, path, &st);
	err = read_on(k, f, SIZE_MAX);
	if (err < 0)
		buffer_printf(error, "cannot read the key log \"%s\": %s", path, strerror(-err));
	return err;
}

/** tell_malformed() - how many lines are none; since it was told last */
static void tell_malformed(struct key_logs *k)
{
	if (k->counts.malformed > k->told_malformed)
		log_warn("--keylog: %" PRIu64 " of %" PRIu64 " lines are none of a key log, and were passed over; is it one (RFC 9850, "
			 "SSLKEYLOGFILE)?",
			 k->counts.malformed, k->counts.lines);
	k->told_malformed = k->counts.malformed;
}

/** tell_recorded() - likewise, of what recordings carry; once, at the end */
static void tell_recorded(struct key_logs *k)
{
	uint64_t malformed = atomic_load(&k->recorded_malformed);

	if (malformed > 0)
		log_warn("%" PRIu64 " of %" PRIu64 " lines of the secrets that the recording carries are none of a key log (RFC 9850), and were "
			 "passed over: connections of which no other secret is known were not read",
			 malformed, atomic_load(&k->recorded_lines));
}

/** end_all() - of what is not followed the last line needs no end */
static void end_all(struct key_logs *k)
{
	struct key_log_sink sink = { k, on_counted_entry, on_line };

	for (size_t i = 0; i < k->count; i++)
		key_log_end(&k->files[i].log, &sink);
}

int key_logs_open(struct key_logs *k, struct key_log_settings set, struct buffer *error)
{
	int err = 0;

	k->set = set;
	k->owner = geteuid();
	if (set.no_way_out && set.path_count > 0) {
		buffer_add_str(error, "--keylog: what is read from TLS would go to the broker as plain text: name it with tls://, or say "
				      "--tls-to-plain");
		return -EINVAL;
	}
	if (set.no_way_out || (set.path_count == 0 && !set.recordings))
		return 0;
	if (set.path_count > KEY_LOGS_MAX) {
		buffer_printf(error, "--keylog: at most %d files", KEY_LOGS_MAX);
		return -EINVAL;
	}
	k->secrets = secrets_new(SECRETS_MAX, set.live ? EXPIRE_NS : 0);
	k->joiner = k->secrets && set.join > 0 ? joiner_new(k->secrets, set.join) : NULL;
	if (!k->secrets || (set.join > 0 && !k->joiner)) {
		buffer_add_str(error, "cannot set up the table of secrets: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < set.path_count && err == 0; i++)
		err = open_one(k, set.paths[i], error);
	if (err == 0 && !set.live)
		end_all(k);
	tell_malformed(k);
	return err;
}

void key_logs_read_on(struct key_logs *k)
{
	for (size_t i = 0; i < k->count;) {
		struct key_log_file *f = &k->files[i];

		if (f->source == KEY_LOG_LISTENER) {
			take_peers(k, f);
		} else if (read_on(k, f, PIECES_AT_ONCE) != 0 && f->source == KEY_LOG_PEER) {
			forget(f);
			*f = k->files[--k->count];
			continue;
		} /* what cannot be read now of a file is tried again */
		i++;
	}
	secrets_expire(k->secrets, mono_now());
}

static void on_timer(uv_timer_t *timer)
{
	key_logs_read_on(timer->data);
}

void key_logs_follow(struct key_logs *k, uv_loop_t *loop)
{
	if (!k->set.live || k->count == 0)
		return;
	uv_timer_init(loop, &k->timer);
	k->timer.data = k;
	k->follows = true;
	uv_timer_start(&k->timer, on_timer, 0, KEY_LOGS_MS);
}

void key_logs_stop(struct key_logs *k)
{
	if (k->follows)
		uv_close((uv_handle_t *)&k->timer, NULL);
	k->follows = false;
	tell_malformed(k);
	tell_recorded(k);
}

static void on_recorded_line(void *ctx, enum key_log_line line)
{
	struct key_logs *k = ctx;

	atomic_fetch_add(&k->recorded_lines, 1);
	atomic_fetch_add(&k->recorded_malformed, line == KEY_LOG_MALFORMED);
}

void key_logs_add(void *ctx, struct span text)
{
	const struct key_logs *k = ctx;
	struct key_log_sink sink = { ctx, on_entry, on_recorded_line };
	struct key_log log = { 0 };

	if (!k->secrets)
		return;
	key_log_feed(&log, text, &sink);
	key_log_end(&log, &sink);
}

void key_logs_text(void *ctx, const uint8_t *random, struct buffer *out)
{
	const struct key_logs *k = ctx;
	struct secrets_found found;
	struct key_log_entry entry;

	if (!k->secrets || !secrets_find(k->secrets, random, &found))
		return;
	buffer_reserve(out, TLS_SECRET_KINDS * KEY_LOG_LINE_MAX); /* a buffer that grows leaves what was in it behind */
	memcpy(entry.random, random, sizeof(entry.random));
	for (int kind = 0; kind < TLS_SECRET_KINDS; kind++) {
		entry.kind = (enum tls_secret_kind)kind;
		entry.secret_len = found.len[kind];
		memcpy(entry.secret, found.secret[kind], entry.secret_len);
		if (entry.secret_len > 0)
			key_log_write(out, &entry);
	}
	explicit_bzero(&entry, sizeof(entry));
	explicit_bzero(&found, sizeof(found));
}

void key_logs_close(struct key_logs *k)
{
	for (size_t i = 0; i < k->count; i++)
		forget(&k->files[i]);
	k->count = 0;
	joiner_free(k->joiner);
	secrets_free(k->secrets);
	k->joiner = NULL;
	k->secrets = NULL;
}
