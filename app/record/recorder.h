/*
 * recorder.h - the packets of the flows that gave chosen requests (-w), so that one can be sent again with -r
 *
 * Theory of operation: a flight recorder. Whether a flow is wanted is known when
 * its first chosen request is complete, so until then its packets are held;
 * then they go to the file, and all that follow go there directly. Both
 * directions are kept: reassembly looks at the responses too (100-continue,
 * acknowledged gaps), and people do.
 *
 * What is held is bounded: an eighth of --max-memory for all, half of that for
 * one flow, charged to the budget like everything else. When a bound is reached
 * the oldest packets go first, whatever they belong to: a request that becomes
 * complete now most likely began a moment ago. Of a flow that is wanted later
 * they are counted (struct recorder_stats).
 *
 * The recorder has a table of flows of its own. The tracker's has another
 * incarnation: it forgets what is not HTTP, and takes what it needs out of a segment
 * at once, while packets stay here whole. The table has a fixed number of
 * buckets, enough for the flows that the bound leaves room for.
 *
 * Secrets of TLS, where they are asked for, go to the file when their flow does, ahead of its packets: in a block of
 * their own for each flow, and into each file.
 *
 * Each lane has a recorder of its own, and a part of the memory: a flow is one
 * lane's. What they share is the thread that writes, so the packets of one flow
 * are in order in the file, and those of different lanes are not.
 *
 * One thread, the lane's, but for recorder_interrupt().
 */
#ifndef APP_RECORD_RECORDER_H
#define APP_RECORD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/buffer.h"
#include "capture/decode.h"
#include "message/message.h"

#define RECORDER_FILES_MAX 16

/** struct recorder_file - an open file for the packets of one link type (pcapng_writer.h says why one) */
struct recorder_file {
	int fd; /* borrowed until recorder_close() */
	int linktype;
};

/** recorder_secrets_fn - append the secrets of TLS of the client's @random, as a key log; called by lanes */
typedef void recorder_secrets_fn(void *ctx, const uint8_t *random, struct buffer *out);

struct recorder_options {
	struct recorder_file files[RECORDER_FILES_MAX];
	size_t file_count;
	uint32_t snaplen;
	uint64_t max_memory;
	size_t lanes; /* recorders that share the files: this one and recorder_join()'s; 0 is one */
	struct budget *budget; /* borrowed */
	recorder_secrets_fn *secrets_of; /* NULL: none are written */
	void *secrets_ctx;
	bool waits;            /* recordings: a file that is slow makes the lane wait; live, packets are lost and counted */
};

struct recorder_stats {
	uint64_t flows;     /* that gave a chosen request */
	uint64_t packets;   /* written */
	uint64_t secrets;   /* flows whose secrets were written */
	uint64_t bytes;     /* written, with what the format adds */
	uint64_t forgotten; /* packets of these flows that went before the flow was wanted: a bound was reached */
	uint64_t dropped;   /* packets of these flows that could not be written: the disk is slow or full */
	uint64_t unfiled;   /* packets of these flows whose link type has no file: a pipe told of it after its beginning */
	int error;          /* 0, or the negative errno that ended the writing */
	size_t error_file;
};

struct recorder;

/** recorder_new() - begin the files and start the writing thread; 0 or a negative errno */
int recorder_new(const struct recorder_options *options, struct recorder **out);

/** recorder_join() - the recorder of lane @lane, from 1, that writes into the files of @first; 0 or a negative errno */
int recorder_join(struct recorder *first, size_t lane, struct recorder **out);

/** recorder_chosen() - while its last segment is fed: a chosen request is complete. @origin is borrowed */
void recorder_chosen(struct recorder *r, const struct request_origin *origin);

/** recorder_packet() - after it was fed: the packet and the segment in it; both borrowed */
void recorder_packet(struct recorder *r, const struct packet *packet, const struct segment *segment);

/** recorder_fragment() - before recorder_packet(): a packet with an earlier fragment of the same segment */
void recorder_fragment(struct recorder *r, const struct packet *packet, const struct segment *segment);

/** recorder_interrupt() - any thread: the run is to end, so the lane must not wait for a file any more */
void recorder_interrupt(struct recorder *r);

/**
 * recorder_close() - after the lane's end: write what is left, free all; NULL allowed
 *
 * What was written, dropped or failed in the files is told by the last that is closed of those that share them.
 */
struct recorder_stats recorder_close(struct recorder *r);

#endif
