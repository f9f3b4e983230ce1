/*
 * source.h - where packets come from: recordings or live interfaces
 *
 * A source is opened and checked completely before the first read, belongs to
 * one thread (the lane) from the first read on, and lends each packet to the
 * callback for the length of that call. Errors at opening come back as one
 * sentence for people that says what was tried, why it failed and what to do.
 */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "capture/capture_stats.h"
#include "capture/decode.h"

struct source;

struct file_options {
	const char *const *paths; /* "-" = standard input; gzip is recognised by its first bytes */
	size_t path_count;        /* several files are merged by time */
	const char *expression;   /* the user's BPF, or NULL */
	const int *fds;           /* beside paths: open descriptors, borrowed, read from their beginning; or NULL */
	bool libpcap_only;        /* no reader of our own where there is one: for comparing them */

	/*
	 * Takes the text of TLS key logs (RFC 9850) from the Decryption Secrets Blocks of pcapng recordings; borrowed for the
	 * length of the call. Of files all of it before source_open_files() returns, on the thread that calls that; of a pipe
	 * as it comes, then on the thread that reads. A long block comes in several calls, with whole lines in each. NULL:
	 * nobody wants them. It costs a walk through the file, 0.3 s of CPU for each GB; one that is packed is unpacked twice.
	 * Of several sources of one recording it is enough for one.
	 */
	void (*on_secrets)(void *ctx, struct span keylog);
	void *secrets_ctx;
};

struct live_options {
	const char *const *interfaces; /* "any" allowed */
	size_t interface_count;
	const char *expression; /* the user's BPF, or NULL: ANDed with the ports */
	struct port_set ports;
	struct port_set vxlan_ports; /* beside 4789 and 8472 */
	unsigned tunnels;            /* TUNNEL_BIT()s of those that the kernel lets through */
	uint32_t snaplen;            /* bytes */
	uint32_t buffer_bytes;       /* kernel ring, per interface */
	bool promiscuous;            /* named interfaces only */
	const char *program;         /* our own path, for the advice about capabilities; NULL: not known */
};

#define SOURCE_LANES_MAX 64 /* a fanout group of the kernel takes 256 */

/**
 * source_open_files() / source_open_live() - open, check, set filters
 * @options: the names in it are borrowed until source_close(), for messages; the rest only during the call
 * @out:     the source, given to the caller: source_close()
 * @error:   on failure, one sentence without newline or "shadowtap: "
 *
 * When source_open_live() returns 0 the kernel ring is active: packets from now
 * on are not lost. File sources count nothing yet.
 * Return: 0 or a negative errno (-EINVAL: a bad expression or a file that is no capture).
 */
int source_open_files(const struct file_options *options, struct source **out, struct buffer *error);
int source_open_live(const struct live_options *options, struct source **out, struct buffer *error);

/**
 * source_open_lanes() - @count live sources that share the packets of the same interfaces
 * @count:  1 to SOURCE_LANES_MAX
 * @out:    room for @count
 *
 * Both directions of a connection, and its copies on other interfaces, come from the same source. Each may be
 * read by a thread of its own. None may be closed while another is read: the kernel would spread the flows anew.
 * Otherwise as source_open_live().
 */
int source_open_lanes(const struct live_options *options, size_t count, struct source **out, struct buffer *error);

#define SOURCE_EOF 1 /* nothing will follow */

/**
 * source_read() - lend the next packets to @fn
 * @max:  at most about this many (a live batch is what the kernel has ready)
 *
 * A live source waits at most 20 ms for the first packet, so the caller can
 * look at its stop flag; reading none is no error.
 * Return: 0, SOURCE_EOF, or a negative errno (an interface went away; the
 * reason is source_complaint()).
 */
int source_read(struct source *s, size_t max, packet_fn *fn, void *ctx);

/**
 * source_hurry() - lane, after a read: @count more of the things that came of it are waited for
 *
 * A live source that many are waiting for sleeps less before it reads again: each wake-up costs, but little
 * beside what is then done for each of them. Others take no notice.
 */
void source_hurry(struct source *s, size_t count);

/**
 * source_stop() - capture nothing that happens after @now, but keep what the kernel's ring already holds
 *
 * source_read() goes on yielding until the ring is drained and then returns
 * SOURCE_EOF; it takes at most two seconds' worth of packets. Files end at once.
 */
void source_stop(struct source *s, struct wall now);

/**
 * source_interrupt() - any thread, signal handlers too: end a read that waits for a pipe whose writer is silent
 *
 * A file source that reads a pipe yields what it has and then SOURCE_EOF. Live
 * sources and regular files never wait long, so nothing changes for them; they
 * are ended with source_stop().
 */
void source_interrupt(struct source *s);

/** source_update_stats() - ask the kernel for its drops and store them in @stats; any time, lane only */
void source_update_stats(struct source *s, struct capture_stats *stats);

/**
 * source_progress() - how far a file source is, for a progress bar: bytes read and bytes in all
 * Of the thread that reads. @total is 0 when it isn't known (a pipe, a live source).
 */
void source_progress(const struct source *s, uint64_t *done, uint64_t *total);

/** source_complaint() - one sentence about trouble that did not stop the run (a cut file), or NULL; borrowed */
const char *source_complaint(const struct source *s);

/** source_is_live() - false for recordings, which may make the lane wait */
bool source_is_live(const struct source *s);

/**
 * source_linktypes() - before the first read: the link types (DLT_*) that its packets can have, each once, in the order of
 * the options; of a pcapng in the order of its packets, for which the file is gone through, or of a pipe what it has said
 * @out:  room for @max; those beyond are left out
 * Return: how many there are in @out; those that decode_knows_linktype() does not know are not among them.
 */
size_t source_linktypes(struct source *s, int *out, size_t max);

/**
 * source_sockets() - the packet sockets that it reads from, borrowed: whatever is written to one goes out on the wire
 * @out:  room for @max; those beyond are left out
 * Return: how many there are in @out; none of a recording.
 */
size_t source_sockets(const struct source *s, int *out, size_t max);

void source_close(struct source *s);

/** source_list_interfaces() - append one "name: addresses (flags)" line per interface to @out; 0 or negative errno */
int source_list_interfaces(struct buffer *out, struct buffer *error);

#endif
