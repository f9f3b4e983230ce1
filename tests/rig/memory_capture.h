/*
 * memory_capture.h - recordings of HTTP conversations that a test writes and a source reads, without a disk
 *
 * A capture is a pcap file in memory (memfd) with a path, which any number of
 * sources may open. Packets are a millisecond apart. Connections are numbers from
 * 0; the first bytes that are sent on one are preceded by its handshake.
 */
#ifndef TESTS_RIG_MEMORY_CAPTURE_H
#define TESTS_RIG_MEMORY_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "capture/source.h"

#define MEMORY_CAPTURE_CONNECTIONS 64

struct memory_capture {
	int fd;
	char path[32];
	int64_t now_ns; /* of the last packet */
	size_t packets;
	struct {
		uint32_t sent[2]; /* next sequence numbers of the client and the server; 0: no packet yet */
	} connection[MEMORY_CAPTURE_CONNECTIONS];
};

void memory_capture_init(struct memory_capture *c);
void memory_capture_deinit(struct memory_capture *c);

/** memory_capture_bytes() - as memory_capture_send(), of bytes that may be 0 */
void memory_capture_bytes(struct memory_capture *c, size_t k, char from, struct span payload);

/** memory_capture_send() - one segment with @text from the client ('c') or the server ('s') of connection @k */
void memory_capture_send(struct memory_capture *c, size_t k, char from, const char *text);

/** memory_capture_request() / memory_capture_response() - a whole "POST @target" with a body; a whole 200 with @body */
void memory_capture_request(struct memory_capture *c, size_t k, const char *method, const char *target);
void memory_capture_response(struct memory_capture *c, size_t k, const char *body);

/** memory_capture_cut() - the file ends within a packet's header: sources complain of that */
void memory_capture_cut(struct memory_capture *c);

/** memory_capture_source() - open it; given */
struct source *memory_capture_source(const struct memory_capture *c);

#endif
